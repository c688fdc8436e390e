"""The fast lane reads what the full tree reads, or nothing at all; and a hot verb imports next to nothing."""

import functools
import inspect
import json
import sys
from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xats.cli import lane, tree
from xats.errors import Usage


class Calls:
    """What the tree calls: the verb, the circumstances and every parameter, defaults included."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple] = []
        self.signatures = {}
        for verb, (module, _, _) in lane.HOT.items():
            self.replace(monkeypatch, module, verb)
        monkeypatch.setattr(tree, "as_command", functools.lru_cache(tree.as_command))

    def replace(self, monkeypatch: pytest.MonkeyPatch, module: str, verb: str) -> None:
        place = import_module(f"xats.cli.{module}")
        real = getattr(place, verb)
        self.signatures[verb] = inspect.signature(real)

        @functools.wraps(real)
        def instead(here, *args, **values) -> int:
            self.seen.append((module, verb, self.whole(verb, values), self.around(here)))
            return 0

        monkeypatch.setattr(place, verb, instead)

    def whole(self, verb: str, values: dict) -> dict:
        defaults = {
            name: parameter.default
            for name, parameter in list(self.signatures[verb].parameters.items())[1:]
            if parameter.default is not inspect.Parameter.empty
        }
        return {**defaults, **values}

    def around(self, here) -> tuple:
        return here.as_name, here.asked_team, here.path, here.json, here.quiet

    def by_tree(self, words) -> tuple:
        self.seen.clear()
        assert tree.run(words) == 0
        (call,) = self.seen
        return call

    def by_lane(self, words) -> tuple | None:
        from xats.cli.here import Here

        plain = lane.parse(words)
        if plain is None:
            return None
        module, verb, values, common = plain
        return module, verb, self.whole(verb, values), self.around(Here(**common))


@pytest.fixture
def calls(monkeypatch, tmp_path):
    monkeypatch.setenv("XATS_HOME", str(tmp_path))
    return Calls(monkeypatch)


PLAIN = [
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
    "send --batch -",
    "send bob hi -s --json --json",
    "send bob 0",
    "send role:x,all@y hi --json --json",
    "reply 12 done",
    "reply 12 -",
    "reply 12 -s S done --ttl 1h --key k",
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
]
LEFT_TO_THE_TREE = [
    "",
    "--help",
    "-h",
    "--version",
    "send",
    "send bob",
    "send --help",
    "send bob hi --help",
    "send bob hi -h",
    "send bob hi there",
    "send bob hi --subject",
    "send bob hi -sSubject",
    "send bob hi --subject=Subject",
    "send bob hi --subj x",
    "send bob hi --wait 5s",
    "send bob -- -hi",
    "send bob -hi",
    "send bob hi --reply-to x",
    "send bob hi --reply-to -3",
    "send bob hi --reply-to 99999999999999999999",
    "reply x done",
    "reply 12",
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
    "show 5",
    "agents",
    "register bob",
    "daemon status",
    "--as alice inbox",
    "--json inbox",
    "INBOX",
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


@st.composite
def lines(draw) -> list[str]:
    """Words of a hot verb: options of it and of others, with and without values, and loose words between."""
    verb = draw(st.sampled_from(sorted(lane.HOT)))
    own = sorted({**lane.HOT[verb][2], **lane.COMMON})
    words = [verb]
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["own", "own", "own", "word", "word", "any", "joined"]))
        if kind == "word":
            words.append(draw(WORDS))
        elif kind == "any":
            words.append(draw(st.sampled_from(["--help", "-n", "--peek", "--subject", "--batch", "--wait", "-s"])))
        elif kind == "joined":
            words.append(draw(st.sampled_from(own)) + draw(st.sampled_from(["=", ""])) + draw(WORDS))
        else:
            option = draw(st.sampled_from(own))
            words.append(option)
            if {**lane.HOT[verb][2], **lane.COMMON}[option][1] in (str, int) and draw(st.integers(0, 9)):
                words.append(draw(WORDS))
    for positional in lane.HOT[verb][1]:
        if draw(st.integers(0, 9)):
            words.insert(draw(st.integers(1, len(words))), "7" if positional in lane.NUMBERS else draw(WORDS))
    return words


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines())
def test_the_fast_lane_never_reads_otherwise_than_the_tree(calls, words):
    fast = calls.by_lane(words)
    if fast is not None:
        assert fast == calls.by_tree(words)


def test_every_option_of_the_fast_lane_is_one_of_the_tree(calls):
    for verb, (_, _, options) in lane.HOT.items():
        known = {
            name for parameter in tree.as_command(verb).params for name in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {*options, *lane.COMMON} <= known


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
    assert (module, verb, values["limit"], around[0], around[3]) == ("mail", "inbox", 5, "alice", True)


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
    assert "xats.core.agents" in modules
    assert HEAVY & modules == set()


@pytest.mark.parametrize("words", [HOT_LINES["inbox"], HOT_LINES["send"], HOT_LINES["whoami"]], ids=" ".join)
def test_a_hot_verb_imports_nothing_heavy_on_a_terminal(mail, tmp_path, words):
    modules = imported(mail, words, tmp_path, mail.on_terminal)
    assert HEAVY & modules == set()


def test_the_measure_sees_an_import(mail, tmp_path):
    modules = imported(mail, ["agents"], tmp_path, mail.run)
    assert {"typer", "typing"} <= modules


def test_a_pipe_never_loads_rich(mail, tmp_path):
    for words in (["agents"], ["status", "1", "--as", "alice"], ["events"], ["show", "1", "--as", "bob"]):
        assert "rich" not in imported(mail, words, tmp_path, mail.run)


def test_the_lane_and_the_tree_print_the_same(mail):
    fast = mail("inbox", "--peek", "--as", "bob", "--json").json()
    full = mail("--as", "bob", "inbox", "--peek", "--json").json()
    assert fast == full
    assert json.dumps(fast)
