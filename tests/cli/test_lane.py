"""The fast lane reads what the full tree reads, or nothing at all; and a hot verb imports next to nothing."""

import functools
import importlib
import inspect
import json
import pathlib
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xats.base.errors import Usage
from xats.cli.kit import lane, params, tree
from xats.cli.kit.context import Context
from xats.cli.kit.verbs import VERBS

PARAMETERS = pathlib.Path(params.__path__[0])


class Calls:
    """What the lane and the tree make of a line: the verb, every parameter, and the circumstances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple] = []
        monkeypatch.setattr(tree, "call", self.call)
        monkeypatch.setattr(tree, "as_command", functools.lru_cache(tree.as_command))

    def call(self, verb, values: dict, common: dict) -> int:
        here = Context(**common)
        around = (here.as_name, here.asked_team, here.path, here.json, here.quiet)
        defaults = {
            name: parameter.default
            for name, parameter in list(inspect.signature(verb).parameters.items())[1:]
            if parameter.default is not inspect.Parameter.empty
        }
        given = {name: value for name, value in values.items() if value is not None}
        self.seen.append((verb.__module__, verb.__name__, {**defaults, **given}, around))
        return 0

    def by_tree(self, words) -> tuple:
        self.seen.clear()
        assert tree.run(words) == 0
        (call,) = self.seen
        return call

    def by_lane(self, words) -> tuple | None:
        self.seen.clear()
        plain = lane.parse(words)
        if plain is None:
            return None
        self.call(*plain)
        (call,) = self.seen
        return call


@pytest.fixture
def calls(monkeypatch, tmp_path):
    monkeypatch.setenv("XATS_HOME", str(tmp_path))
    return Calls(monkeypatch)


PLAIN = [
    "trust",
    "trust xats.toml --drop",
    "trust --list",
    "send bob hi",
    "send bob -",
    "send bob hi -s Subject",
    "send bob hi --subject=x",
    "send -s Subject bob hi",
    "send bob -s Subject hi",
    "send bob hi --need-reply",
    "send bob hi --no-need-reply",
    "send bob hi --need-reply --no-need-reply",
    "send bob hi --no-need-reply --need-reply",
    "send bob hi --kind k --key 1 --ttl 5m --reply-to 3 --no-wake",
    "send bob hi --reply-to 007",
    "send bob hi --as alice --team crew --db /tmp/x.db --json -q",
    "send bob hi -s one -s two",
    "send bob hi -s -x",
    "send",
    "send bob",
    "send bob hi --wait 5s",
    "send --batch -",
    "send bob hi -s --json --json",
    "send bob 0",
    "send role:x,all@y hi --json --json",
    "reply 12",
    "reply 12 done",
    "db export",
    "db export messages events --csv",
    "reply 12 -",
    "reply 12 -s S done --ttl 1h --key k",
    "reply #12 done",
    "send bob hi --reply-to #3",
    "show #5",
    "inbox --thread #3 --since #9",
    "task add Title --dep #1 --dep 2 --parent #3",
    "task done #7",
    "dead drop #4",
    "inbox",
    "inbox --peek",
    "inbox --all -n 5 --since 9 --thread 3 --from bob@x --wait 5s",
    "inbox --limit 1 --limit 2",
    "inbox -n 0",
    "inbox --quiet --json",
    "wait",
    "wait --timeout 1s",
    "ack 5",
    "ack 0",
    "whoami",
    "whoami --json",
    "whoami --as bob@other",
    "show 5",
    "agents",
    "agents --online --all-teams",
    "register bob --role x --tag a --tag b --cap c --no-pane",
    "unregister",
    "daemon status",
    "task add Title --dep 1 --dep 2 --priority 3",
    "task claim --next --lease 5m",
    "contract diff order 1 2",
    "lock check a.py b.py",
    "lock take a.py b.py --ttl 5m --wait 10m --reason x",
    "lock release",
    "lock release a.py --token 3",
    "note put key value --if-version 0 --ttl 5m --category decision",
    "note get key@3",
    "limit set wakes 60 --then space --reason x",
    "limit list",
    "note list",
    "note list api/ --all -n 5",
    "events --type a --type b -n 3 -f",
    "db query x -p a=1 -p b=2",
    "doctor",
]
LEFT_TO_THE_TREE = [
    "",
    "--help",
    "-h",
    "--version",
    "send --help",
    "send bob hi --help",
    "send bob hi -h",
    "send bob hi there",
    "send bob hi --subject",
    "send bob hi -sSubject",
    "send bob hi --subject=Subject",
    "send bob hi --subj x",
    "send bob -- -hi",
    "send bob -hi",
    "send bob hi --reply-to x",
    "send bob hi --reply-to -3",
    "send bob hi --reply-to 99999999999999999999",
    "reply x done",
    "reply ##12 done",
    "reply # done",
    "reply #-1 done",
    "inbox -n #5",
    "contract diff order #1 2",
    "reply -1 done",
    "inbox -n5",
    "inbox -n five",
    "inbox -n",
    "inbox extra",
    "inbox -qn5",
    "ack",
    "ack five",
    "ack 5 6",
    "ack +5",
    "whoami alice",
    "whoami --frob",
    "--as alice inbox",
    "--json inbox",
    "INBOX",
    "daemon",
    "daemon frob",
    "task",
    "task add",
    "task add Title --dep x",
    "register",
    "agents extra",
    "launch claude -- --model x",
    "status --follow",
]


@pytest.mark.parametrize("line", [line for line in PLAIN if "=" not in line])
def test_a_plain_line_takes_the_fast_lane_to_the_same_call(calls, line):
    fast = calls.by_lane(line.split())
    assert fast is not None
    assert fast == calls.by_tree(line.split())


@pytest.mark.parametrize("words", [["send", "bob", ""], ["send", "", "hi"], ["send", "bob", "two words\nlines"]])
def test_words_of_any_kind_are_the_same_to_both(calls, words):
    assert calls.by_lane(words) == calls.by_tree(words)


DASHED = [
    "- [ ] fix\n- [ ] test",
    "- ",
    "-\n",
    "--- a/file",
    "-1 on that",
    "-q is quiet",
    "--json prints JSON",
    "-- or not",
]


@pytest.mark.parametrize("verb", VERBS)
def test_a_number_sign_before_an_id_means_nothing_to_both(calls, verb):
    for name, (kind, about) in takes(verb).items():
        if about.metavar != "ID" or not params.is_number(kind):
            continue
        option = list(lane.flags({name: (kind, about)}))[:1]
        others = ["7" for _, one in takes(verb).values() if isinstance(one, params.Argument) and one is not about]
        plain, signed = ([*verb.split(), *option, word, *others] for word in ("15", "#15"))
        assert calls.by_tree(signed) == calls.by_tree(plain)
        assert calls.by_lane(signed) == calls.by_lane(plain)


@pytest.mark.parametrize("text", DASHED)
def test_a_text_that_begins_with_a_dash_is_a_text(calls, text):
    for verb, where in (("send", "bob"), ("reply", "3")):
        fast = calls.by_lane([verb, where, text, "-s", "- x"])
        assert fast is not None
        assert (fast[2]["body"], fast[2]["subject"]) == (text, "- x")
        assert fast == calls.by_tree([verb, where, text, "-s", "- x"])
        assert fast == calls.by_lane([verb, "-s", "- x", where, text])


@pytest.mark.parametrize("word", ["--subject=two words", "--key=a b", "-s=two words"])
def test_an_exact_option_stays_an_option(calls, word):
    assert lane.parse(["send", "bob", "hi", word]) is None
    assert calls.by_tree(["send", "bob", "hi", word])[2]["body"] == "hi"


@pytest.mark.parametrize("line", LEFT_TO_THE_TREE)
def test_what_is_not_plain_is_left_to_the_tree(line):
    assert lane.parse(line.split()) is None


WORDS = st.sampled_from(
    [
        "",
        "-",
        "--",
        "-x",
        "0",
        "5",
        "+5",
        "-5",
        "007",
        "٣",
        "#5",
        "##5",
        "1e3",
        "9" * 25,
        "bob",
        "a b",
        "--json",
        "-q",
        "x=y",
        "é",
        "5s",
        "- a",
        "-a b",
        "--\n",
        "--subject=a b",
        "-s a",
        "--json a",
        "-q ",
    ]
) | st.text(max_size=4)


def takes(verb: str) -> dict:
    """Return {name: (type, Argument or Option)} of what `verb` takes."""
    module, name, _, _ = VERBS[verb]
    return params.taken(getattr(importlib.import_module(f"xats.cli.{module}"), name))


@st.composite
def lines(draw) -> list[str]:
    """Words of a verb: options of it and of others, with and without values, and loose words between."""
    verb = draw(st.sampled_from(sorted(VERBS)))
    own = {**lane.flags(takes(verb)), **lane.COMMON}
    words = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["own", "own", "own", "word", "word", "any", "joined"]))
        if kind == "word":
            words.append(draw(WORDS))
        elif kind == "any":
            words.append(draw(st.sampled_from(["--help", "-n", "--peek", "--subject", "--batch", "--wait", "-s"])))
        elif kind == "joined":
            words.append(draw(st.sampled_from(sorted(own))) + draw(st.sampled_from(["=", ""])) + draw(WORDS))
        else:
            option = draw(st.sampled_from(sorted(own)))
            words.append(option)
            if params.takes_value(own[option][1]) and draw(st.integers(0, 9)):
                words.append(draw(WORDS | st.sampled_from(["1", "23", "#4"])))
    for kind, about in takes(verb).values():
        if isinstance(about, params.Argument) and draw(st.integers(0, 9)):
            words.insert(draw(st.integers(0, len(words))), "7" if params.is_number(kind) else draw(WORDS))
    return [*verb.split(), *words]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines())
def test_the_fast_lane_never_reads_otherwise_than_the_tree(calls, words):
    fast = calls.by_lane(words)
    if fast is not None:
        assert fast == calls.by_tree(words)


@pytest.mark.parametrize("verb", VERBS)
def test_the_lane_and_the_tree_know_the_same_options(verb):
    known = {name for one in tree.as_command(verb).params for name in (*one.opts, *one.secondary_opts)}
    places = {name for name, (_, about) in takes(verb).items() if isinstance(about, params.Argument)}
    assert {*lane.flags(takes(verb)), *lane.COMMON} == known - places - {"--help", "-h"}


@pytest.mark.parametrize(
    "words, moved",
    [
        (["--as", "alice", "inbox"], ["inbox", "--as", "alice"]),
        (["--as=alice", "--json", "inbox", "-n", "5"], ["inbox", "--as=alice", "--json", "-n", "5"]),
        (["-q", "--team", "x", "daemon", "status"], ["daemon", "status", "-q", "--team", "x"]),
        (["inbox", "--as", "alice"], ["inbox", "--as", "alice"]),
        (["--help"], ["--help"]),
    ],
)
def test_options_before_the_verb_belong_to_it(words, moved):
    assert tree.verb_first(words) == moved


def test_options_before_the_verb_are_read(calls):
    module, verb, values, around = calls.by_tree(["--as", "alice", "--json", "inbox", "-n", "5"])
    assert (module, verb, values["limit"], around[0], around[3]) == ("xats.cli.mail.inbox", "inbox", 5, "alice", True)


def test_the_tree_refuses_what_it_cannot_read(calls):
    with pytest.raises(Usage):
        tree.run(["send", "bob", "hi", "--frob"])
    assert calls.seen == []


# -- what a hot verb imports -------------------------------------------------------------------------------------------

UNWANTED = """
typer rich pydantic xats.cli.models libtmux sqlite_utils asyncio importlib.metadata json re dataclasses typing
subprocess inspect
pathlib psutil click logging tempfile random email urllib hashlib threading difflib shutil argparse decimal
"""
HEAVY = frozenset(UNWANTED.split())
SHOW = """
import sys
sys.argv = ["xats", *sys.argv[1:]]
before = set(sys.modules)
from xats.__main__ import main
code = main()
sys.stdout.flush()
with open({path!r}, "w") as file:
    file.write("\\n".join(sorted(set(sys.modules) - before)))
sys.exit(code)
"""
HOT_LINES = {
    "send": ["send", "bob", "hi", "--as", "alice"],
    "lock check": ["lock", "check", "a.py", "b.py", "--as", "alice"],
    "send to a role, by json": ["send", "role:all-hands", "hi", "--as", "alice", "--json"],
    "send from stdin": ["send", "bob", "-", "--as", "alice"],
    "send with everything": [
        "send",
        "bob",
        "x",
        "-s",
        "S",
        "--ttl",
        "5m",
        "--key",
        "k",
        "--kind",
        "k",
        "--as",
        "alice",
    ],
    "reply": ["reply", "1", "yes", "--as", "bob"],
    "inbox": ["inbox", "--as", "bob"],
    "inbox by json": ["inbox", "--as", "bob", "--json"],
    "inbox when empty": ["inbox", "--as", "alice"],
    "inbox that waits": ["inbox", "--as", "bob", "--wait", "5s"],
    "wait": ["wait", "--as", "bob"],
    "ack": ["ack", "1", "--as", "bob"],
    "whoami": ["whoami", "--as", "bob"],
    "whoami by json": ["whoami", "--as", "bob", "--json"],
}


@pytest.fixture
def mail(xats, crew):
    crew.add("bob", role="all-hands")
    crew.send("alice", "bob", "body with \x1b[31m control characters and é", subject="S")
    return xats


def imported(xats, words, tmp_path, run, **options) -> set[str]:
    path = str(tmp_path / "modules")
    run(command=[sys.executable, "-P", "-I", "-c", SHOW.format(path=path), *words], **options)
    with open(path) as file:
        return set(file.read().split())


@pytest.mark.parametrize("what", HOT_LINES)
def test_a_hot_verb_imports_nothing_heavy(mail, tmp_path, what):
    def run(command) -> None:
        done = mail.run(command, stdin="text from stdin")
        assert done.returncode == 0, done.stderr

    modules = imported(mail, HOT_LINES[what], tmp_path, run)
    assert "xats.core.agents.agents" in modules
    assert HEAVY & modules == set()


@pytest.mark.parametrize("words", [HOT_LINES["inbox"], HOT_LINES["send"], HOT_LINES["whoami"]], ids=" ".join)
def test_a_hot_verb_imports_nothing_heavy_on_a_terminal(mail, tmp_path, words):
    modules = imported(mail, words, tmp_path, mail.on_terminal)
    assert HEAVY & modules == set()


@pytest.mark.parametrize("what, files", [("whoami", set()), ("wait", set()), ("inbox", {"mail"}), ("send", {"mail"})])
def test_a_verb_imports_the_parameters_of_its_noun_alone(mail, tmp_path, what, files):
    prefix = "xats.cli.kit.params."
    modules = imported(mail, HOT_LINES[what], tmp_path, mail.run)
    assert {one.removeprefix(prefix) for one in modules if one.startswith(prefix)} == files


def test_a_parameter_is_described_once():
    nouns = {VERBS[verb][0].split(".")[0] for verb in VERBS} & {one.stem for one in PARAMETERS.glob("*.py")}
    files = [params, *(importlib.import_module(f"{params.__name__}.{noun}") for noun in sorted(nouns))]
    named = [name for file in files for name, value in vars(file).items() if isinstance(value, tuple)]
    assert sorted(named) == sorted(set(named))
    assert len(nouns) == len(list(PARAMETERS.glob("[!_]*.py")))


def test_the_measure_sees_an_import(mail, tmp_path):
    modules = imported(mail, ["agents", "--limit=1"], tmp_path, mail.run)
    assert {"typer", "typing"} <= modules


def test_a_pipe_never_loads_rich(mail, tmp_path):
    for words in (["agents"], ["status", "1", "--as", "alice"], ["events"], ["show", "1", "--as", "bob"]):
        assert "rich" not in imported(mail, words, tmp_path, mail.run)


def test_the_lane_and_the_tree_print_the_same(mail):
    fast = mail("inbox", "--peek", "--as", "bob", "--json").json()
    full = mail("--as", "bob", "inbox", "--peek", "--json").json()
    assert fast == full
    assert json.dumps(fast)
