"""Every command that xats names, in help, errors, hints and documents, is one that can be typed as it stands there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from xats.cli.kit import lane, tree, verbs
from xats.cli.kit.parser import TEXTS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "xats").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST = {path.split()[0] for path in verbs.VERBS}
HINTS = ("hint", "mend", "fix", "line", "again")  # names of what is said after an error
SOME = "7"  # stands for what an f-string fills in
# The next word of a sentence that begins with xats.
PROSE = {"asks", "cannot", "does", "expects", "holds", "is", "marks", "needs", "neither", "stores", "takes", "then"}
PROSE |= {"did", "ended", "ends", "has", "starts", "typed", "types", "wakes", "wrote"}

# Where a command stands: after a prompt, in a code span, after a colon or another command; in a hint at its start too.
COMMAND = re.compile(r"(?:(?<=`)|(?<=: )|(?<=\$ )|(?<=&& )|(?<=\|\| )|(?<=^))xats (?=[a-z-])")
NAMED = re.compile(rf"(?<![\w/.'-])xats (?=(?:{'|'.join(FIRST)})\b(?! [a-z]+s\b))")
ENDS = re.compile(r"`|;|, |  |\n| \(| && | \|\| | \| |: |\. |\.$|\)$|\)[' \"]")


def texts_of(path: Path) -> list[tuple[str, bool]]:
    """Return the texts in a source file, and whether each is a hint: the line that says what to run."""
    found = []
    tree_ = ast.parse(path.read_text())
    hints = set()
    for node in ast.walk(tree_):
        if isinstance(node, ast.Call) and len(node.args) >= 2:
            hints |= {id(one) for one in ast.walk(node.args[-1])}
        elif isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id in HINTS for one in node.targets
        ):
            hints |= {id(one) for one in ast.walk(node.value)}
    inner = {id(one) for node in ast.walk(tree_) if isinstance(node, ast.JoinedStr) for one in node.values}
    for node in ast.walk(tree_):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "command":
            found.append((f"xats {' '.join(word for one in node.args for word in words_of(one))}", True))
        if isinstance(node, ast.JoinedStr):
            said = ""
            for one in node.values:  # what follows a word at once is more words, or none
                said += str(one.value) if isinstance(one, ast.Constant) else "" if said[-1:].isalpha() else SOME
            found.append((said, id(node) in hints))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            found.append((node.value, id(node) in hints))
    return found


def words_of(node: ast.expr) -> list[str]:
    """Return what an argument of `Context.command` adds to the command."""
    if isinstance(node, ast.Starred):
        return []  # a list of options
    if isinstance(node, ast.IfExp):
        return words_of(node.body)
    return [str(node.value) if isinstance(node, ast.Constant) else SOME]


def commands_in(text: str, *, hint: bool) -> list[str]:
    """Return the commands in `text`, each up to what ends it."""
    found = []
    for line in text.splitlines():
        said = line.replace("Example: ", "`")
        places = {match.end() for match in COMMAND.finditer(said) if hint or match.start()}
        places |= {match.end() for match in NAMED.finditer(said)}
        for at in sorted(places):
            rest = said[at:]
            parts = re.split(r"('[^']*')", rest)  # what is in single quotes ends nothing
            command = ""
            for number, part in enumerate(parts):
                end = ENDS.search(part) if number % 2 == 0 else None
                command += part[: end.start()] if end else part
                if end:
                    break
            found.append(command.strip())
    return found


@cache
def everywhere() -> list[tuple[str, str]]:
    """Return (place, command) of every command that a text names."""
    found = []
    for path in SOURCES:
        for text, hint in texts_of(path):
            found += [(path.name, one) for one in commands_in(text, hint=hint)]
    for path in PAGES:
        text = path.read_text().replace("\\|", "|")
        for span in re.findall(r"```(.*?)```|`([^`\n]+)`", text, re.S):
            for line in (span[0] or span[1]).splitlines():
                if span[1] or re.match(r"\w*\$ ", line):
                    found += [(path.name, one) for one in commands_in(f"`{line}", hint=True)]
    return sorted(set(found))


@cache
def options(path: str) -> frozenset[str]:
    params = tree.as_command(path).params
    return frozenset(
        {*lane.COMMON, "-h", "--help", *(name for one in params for name in (*one.opts, *one.secondary_opts))}
    )


def verb_of(words: list[str]) -> str | None:
    """Return the verb that the words begin with; None if there is none, "" if they are a group alone."""
    if words[:1] and words[0] in verbs.GROUPS:
        return "" if len(words) == 1 or not words[1][:1].islower() else known(" ".join(words[:2]))
    return known(" ".join(words[:1]))


def known(path: str) -> str | None:
    return path if path in verbs.VERBS else None


def test_the_search_sees_commands_of_every_kind():
    found = {command for _, command in everywhere()}
    assert {"daemon stop", "task claim --next", "inbox", "reply 2 - <<'EOF'"} <= found
    assert "send bob 'The parser is ready' -s Parser" in found
    assert f"task feedback {SOME} 'what is missing'" in found
    assert {"contract list --all -n 7", "task list -n 7"} <= found  # as Context.command makes them
    assert len(everywhere()) > 300


def objection(command: str) -> str | None:
    """Return what is wrong with a command, or None."""
    words = tree.verb_first([word for word in re.sub(r"'[^']*'", "TEXT", command).split() if word != "..."])
    if not words or words[0] in ("--help", "--version", "--yes") or words[0] in PROSE:
        return None
    verb = verb_of([word.split("|")[0].strip("[],.") for word in words])
    if verb is None:
        return "there is no such verb"
    own = words[: words.index("--")] if "--" in words else words
    used = {word.strip("[],.)").partition("=")[0] for word in own if re.match(r"\[?--?[a-z]", word)}
    unknown = {word for word in used if not re.fullmatch(r"-\w\w+", word)} - options(verb) if verb else set()
    return f"it has no {', '.join(sorted(unknown))}" if unknown else None


def test_every_command_exists_and_has_its_options():
    assert [(place, command, why) for place, command in everywhere() if (why := objection(command))] == []


def test_no_text_stands_in_double_quotes():
    """A shell runs backticks and $() in them, and an agent writes its text as it was shown."""
    assert [(place, command) for place, command in everywhere() if '"' in re.sub(r"'[^']*'", "", command)] == []


def test_every_argument_that_is_a_text_is_known_as_one():
    given = {}
    for path in verbs.VERBS:
        for one in tree.as_command(path).params:
            if one.param_type_name == "argument" and one.name in ("body", "text", "note", "title", "sql"):
                given[path] = one.metavar
    assert given.keys() >= {"send", "reply", "broadcast", "poke", "task add", "task progress", "task feedback"}
    assert set(given.values()) <= set(TEXTS)


def test_what_cannot_be_typed_is_seen():
    assert objection("frob 3") == "there is no such verb"
    assert objection("task frob 3") == "there is no such verb"
    assert objection("inbox --frob -n5") == "it has no --frob"
    assert objection("--team x send bob 'to --frob' -- --frob") is None
    assert commands_in('say: xats send bob "x"; or wait', hint=False) == ['send bob "x"']


# -- a wrong name of an agent ------------------------------------------------------------------------------------------

NAMING = [
    "send {} hi",
    "ask {} hi",
    "peek {}",
    "inbox --from {}",
    "log --from {}",
    "recap {}",
    "pause {}",
    "resume {}",
    "agent show {}",
    "agent forget {} --yes",
    "agent set {} --role qa",
    "agent rename {} other",
    "unregister {}",
    "task add x --to {}",
]


@pytest.mark.parametrize("line", NAMING)
def test_a_wrong_name_has_one_hint_everywhere(xats, crew, line):
    """It names those that are alike, else the verb that lists the agents."""
    crew.add("dora", team="other")
    for name, hint in (
        ("bbo", "did you mean bob?"),
        ("zoe", "xats agents --team crew --as alice"),
        ("dora", "did you mean dora@other?"),
    ):
        ran = xats(*line.format(name).split(), "--team", "crew", "--as", "alice", "--json", code=3)
        assert ran.error()["hint"].removesuffix(" --as alice") == hint.removesuffix(" --as alice"), name
    assert objection("agents --team crew --as alice") is None


def test_a_wrong_name_of_ones_own_says_how_to_register(xats, crew):
    crew.add("dora", team="other")
    for env, hint in (
        ("bbo", "did you mean bob?"),
        ("zoe", "xats register zoe --team crew"),
        ("dora", "did you mean dora@other? For a new agent: xats register dora --team crew"),
    ):
        assert xats("inbox", "--team", "crew", "--json", env={"XATS_AGENT": env}, code=3).error()["hint"] == hint
        assert xats("inbox", "--as", env, "--team", "crew", "--json", code=3).error()["hint"] == hint


@pytest.mark.parametrize(
    "words, meant",
    [
        (["agents", "forget", "bob"], "agent forget"),
        (["agents", "show", "bob"], "agent show"),
        (["tasks", "add", "x"], "task add"),
        (["contracts", "get", "x"], "contract get"),
        (["tasks"], "task list"),
    ],
    ids=" ".join,
)
def test_the_plural_of_a_noun_is_understood(xats, words, meant):
    assert f"  did you mean xats {meant}?\n" in xats(*words, code=2).stderr
