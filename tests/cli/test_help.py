"""`xats help`, the overview, the help of a bare group, suggestions for habitual words, and `xats completion`."""

import re
import shlex
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from xats.base import errors
from xats.cli.completion import SHELLS
from xats.cli.help.failures import by_code
from xats.cli.help.reasons import EXPLAINED
from xats.cli.help.topics import TOPICS
from xats.cli.kit import hints, tree, verbs
from xats.core.waking.reasons import REASONS

FOLDER = Path(tree.__file__).resolve().parents[1]
COMPLETIONS = FOLDER.parents[1] / "completions"


def first_words():
    return list(dict.fromkeys(path.split()[0] for path in verbs.VERBS))


# -- the overview ------------------------------------------------------------------------------------------------------


def test_the_overview_has_at_most_sixty_words_in_six_groups(xats):
    assert len(first_words()) <= 60
    titles, words = [], []
    for line in xats("--help").stdout.splitlines():
        if re.match(r"[A-Z][\w -]*:$", line):
            titles.append(line)
        elif titles and (found := re.match(r"  ([a-z-]+)  +\S", line)):
            words.append(found[1])
    assert titles == ["Options:", "Start here:", "Mail:", "Agents:", "Work:", "Look:", "Set-up:"]
    assert words[:8] == ["send", "inbox", "reply", "agents", "status", "launch", "top", "doctor"]
    assert sorted(words) == sorted(first_words())


def test_help_alone_prints_the_overview(xats):
    assert xats("help").stdout == xats("--help").stdout
    for topic in TOPICS:
        assert topic in xats("--help").stdout


# -- a subject ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["send", "daemon restart", "task", "help"])
def test_the_help_of_a_verb_or_group_is_that_of_its_option(xats, path):
    assert xats("help", *path.split()).stdout == xats(*path.split(), "--help").stdout
    assert xats("help", "xats", *path.split()).stdout == xats(*path.split(), "--help").stdout


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_printed_however_it_is_spelled(xats, topic):
    said = xats("help", topic).stdout
    assert said.startswith(TOPICS[topic].summary)
    assert xats("help", topic.upper().replace("-", "_")).stdout == said
    assert xats("help", *topic.split("-")).stdout == said
    document = xats("help", topic, "--json").json()
    assert (document["kind"], document["name"], document["text"] + "\n") == ("topic", topic, said)


@pytest.mark.parametrize("topic", TOPICS)
def test_the_commands_that_a_topic_names_exist(topic):
    texts = [*TOPICS[topic].text, *(f"{term} " for term, _ in TOPICS[topic].rows)]
    for command in re.findall(r"xats ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", " ".join(texts)):
        word = command.split()[0]
        if word in ("tries", "wakes", "sends", "pastes", "asks"):
            continue
        assert word in first_words(), command
        assert word not in verbs.GROUPS or command in verbs.VERBS, command


def test_the_exit_codes_are_all_there(xats):
    codes = {str(value) for name, value in vars(errors).items() if name.isupper() and type(value) is int}
    assert set(re.findall(r"^  (\d+) ", xats("help", "exit-codes").stdout, re.M)) == codes


def test_every_error_code_is_listed_and_explained(xats):
    said = xats("help", "errors").stdout
    assert set(re.findall(r"^  ([a-z_]+)\b", said, re.M)) >= set(by_code())
    assert max(map(len, said.splitlines())) <= 80


def test_every_reason_is_explained():
    assert EXPLAINED.keys() == REASONS.keys()


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_is_explained_in_words(xats, code):
    if code in ("not_quiet", "pane_dead", "hop_limit"):  # the process; the others by the same function
        said = xats("help", code).stdout
        assert said == xats("help", code.replace("_", "-")).stdout
        assert said.startswith(f"{code}: ")
        assert "what xats does" in said
    from xats.cli.help import verb

    text = "\n".join(verb._reason(code, 80))
    assert "watched" not in text
    assert "`" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_an_error_code_is_explained_with_its_exit_code(xats):
    explained = " ".join(xats("help", "unknown_agent").stdout.split())
    assert "no agent has the name that you gave" in explained.lower()
    assert "nothing shows which agent you are" in explained
    assert "xats agents" in explained and "xats register NAME" in explained
    assert "3: Not found" in xats("help", "unknown-agent").stdout
    assert xats("help", "stale_session", "--json").json()["kind"] == "error"


def test_every_error_code_is_known():
    codes = {
        code
        for file in FOLDER.parent.rglob("*.py")
        for code in re.findall(r'^    code(?: = reason)? = "(\w+)"', file.read_text(), re.M)
    }
    assert codes == by_code().keys()
    for one in by_code().values():
        assert one.__doc__


@pytest.mark.parametrize(
    "words, hint",
    [
        (["nto_quiet"], "did you mean xats help not_quiet?"),
        (["wakign"], "did you mean xats help waking?"),
        (["inbx"], "did you mean xats help inbox?"),
        (["daemon", "strat"], "did you mean xats help daemon start?"),
        (["ls"], "did you mean xats help agents?"),
        (["zzzzz"], "the topics are waking"),
    ],
)
def test_a_subject_that_nearly_exists_is_named(xats, words, hint):
    ran = xats("help", *words, code=3)
    assert ran.stdout == ""
    assert hint in ran.stderr


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_it_fits_the_terminal(xats, columns):
    for subject in (*TOPICS, "not_quiet"):
        shown = xats.on_terminal("help", subject, env={"COLUMNS": columns, "LINES": "24"})
        widest = max(len(line) for line in shown.splitlines())
        longest = max(map(len, re.findall(r"\S+", shown)))
        assert widest <= max(min(int(columns), 100), longest + 4), subject


@pytest.mark.parametrize("words", [["--help"], ["help", "agents"], ["daemon", "restart", "--help"]], ids=" ".join)
def test_the_help_of_a_verb_fits_a_narrow_terminal(xats, words):
    shown = xats.on_terminal(*words, env={"COLUMNS": "40", "LINES": "24"})
    assert max(len(line) for line in shown.splitlines()) <= 40


# -- a bare group, and words of habit ----------------------------------------------------------------------------------


@pytest.mark.parametrize("group", verbs.GROUPS)
def test_a_bare_group_prints_its_help_on_a_terminal_and_fails_in_a_script(xats, group):
    if group not in ("task", "daemon"):  # two processes for each are enough
        assert group in tree.GROUPS
        return
    assert xats.on_terminal(group, code=0) == xats.on_terminal(group, "--help")
    ran = xats(group, code=2)
    assert (ran.stdout, f"xats {group} --help" in ran.stderr) == ("", True)
    assert xats(group, "--json", code=2).error()["code"] == "usage"


@pytest.mark.parametrize(
    "words, meant",
    [
        ("ls", "agents"),
        ("ps", "agents"),
        ("list", "agents"),
        ("read", "inbox"),
        ("start", "daemon start"),
        ("stop", "daemon stop"),
        ("version", "--version"),
        ("task ls", "task list"),
        ("task delete", "task cancel"),
        ("daemon reload", "daemon restart"),
        ("sned", "send"),
    ],
)
def test_a_word_of_habit_is_answered_with_the_verb_that_it_means(xats, words, meant):
    ran = xats(*words.split(), code=2)
    assert f"did you mean xats {meant}?" in ran.stderr


def test_every_word_of_habit_names_a_verb_and_is_none_itself(monkeypatch):
    monkeypatch.setitem(verbs.VERBS, "setup", ("setup", "setup", verbs.SETUP, "Set xats up."))
    assert hints.synonym((), "init") == "setup"
    monkeypatch.undo()
    for word in hints.SYNONYMS:
        if word not in first_words():
            assert hints.synonym((), word) or word in ("grep", "find"), word
    for word, means in hints.SECOND.items():
        assert any(path.endswith(f" {one}") for one in means for path in verbs.VERBS), word


# -- completion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_gets_its_script_from_the_package(xats, shell):
    script = (COMPLETIONS / SHELLS[shell][0]).read_text()
    ran = xats("completion", shell)
    assert (ran.stdout, ran.stderr) == (script, "")
    assert xats("completion", env={"SHELL": f"/usr/bin/{shell}"}).stdout == script
    document = xats("completion", shell, "--json").json()
    assert (document["shell"], document["script"]) == (shell, script)
    assert SHELLS[shell][1] in xats.on_terminal("completion", shell)
    assert SHELLS[shell][1].partition(": ")[2] in xats("completion", "--help").stdout.replace("\n  ", " ")


def test_an_unknown_shell_is_named(xats):
    assert "xats completion bash" in xats("completion", "tcsh", code=2).stderr
    assert "SHELL" in xats("completion", env={"SHELL": ""}, code=2).stderr


def sourced(xats, tmp_path, shell: str, line: str):
    """Run `line` in `shell`, where `xats` is the program of this test; return what it printed."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: its line is not tried")
    folder = tmp_path / "bin"
    folder.mkdir()
    xats.install(folder)
    path = f"{folder}:{xats.environ['PATH']}"
    done = xats.run([shell, "-f" if shell == "zsh" else "--norc", "-c", line], env={"PATH": path})
    return done.stdout.decode(), done.stderr.decode()


def test_the_line_for_bash_turns_completion_on(xats, tmp_path):
    said = sourced(xats, tmp_path, "bash", 'eval "$(xats completion bash)"; complete -p xats')
    assert said == ("complete -o nosort -F _xats xats\n", "")


def test_the_line_for_zsh_turns_completion_on(xats, tmp_path):
    line = "autoload -Uz compinit; compinit -u -D; source <(xats completion zsh); print $_comps[xats]"
    assert sourced(xats, tmp_path, "zsh", line) == ("_xats\n", "")


def test_the_line_for_fish_turns_completion_on(xats, tmp_path):
    if not shutil.which("fish"):
        pytest.skip("fish is not installed: its line is not tried")
    folder = tmp_path / "bin"
    folder.mkdir()
    path = f"{shlex.quote(xats.install(folder))} completion fish | source; complete -C 'xats in'"
    done = xats.run(["fish", "--no-config", "-c", path])
    assert b"inbox" in done.stdout


def test_the_wheel_has_the_scripts_in_the_package():
    names = {SHELLS[shell][0] for shell in SHELLS}
    assert {path.name for path in COMPLETIONS.iterdir()} == names
    assert '"completions" = "xats/cli/completions"' in (COMPLETIONS.parent / "pyproject.toml").read_text()
    assert import_module("xats.cli.completion").__file__.startswith(str(FOLDER))
