"""Changing one key of a TOML file leaves every other character as it is, and each key is found in its line."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xats.settings import keys, parse, toml

FILE = '''# my settings
keep = "30d"  # a month

# about waking
[wake]  # a table
quiet = "2s"   # seconds
off = [
  "tmux", # ] is no end
  'hook',
]

[other."a.b"]
text = """
[wake]
hops = 1
"""
'''


@pytest.mark.parametrize(
    "path, line",
    [
        (("keep",), 2),
        (("wake",), 5),
        (("wake", "quiet"), 6),
        (("wake", "off"), 7),
        (("other",), 12),
        (("other", "a.b", "text"), 13),
        (("wake", "hops"), None),
    ],
)
def test_the_line_of_a_key(path, line):
    assert toml.line_of(FILE, path) == line


@pytest.mark.parametrize(
    "path, value, old, new",
    [
        (("keep",), "off", 'keep = "30d"  # a', 'keep = "off"  # a'),
        (("wake", "quiet"), "5s", '"2s"   #', '"5s"   #'),
        (("wake", "off"), ["tmux"], "[\n  \"tmux\", # ] is no end\n  'hook',\n]", '["tmux"]'),
        (("wake", "hops"), 3, "  'hook',\n]\n", "  'hook',\n]\nhops = 3\n"),
        (("inbox", "budget"), 0, '"""\n', '"""\n\n[inbox]\nbudget = 0\n'),
        (("daemon", "debug"), True, '"""\n', '"""\n\n[daemon]\ndebug = true\n'),
    ],
)
def test_a_key_is_put_where_it_belongs(path, value, old, new):
    head, found, rest = FILE.rpartition(old) if old == '"""\n' else FILE.partition(old)
    assert found
    assert toml.put(FILE, path, value) == head + new + rest


@pytest.mark.parametrize(
    "text, path, after",
    [
        ("", ("wake", "hops"), "[wake]\nhops = 1\n"),
        ("", ("keep",), "keep = 1\n"),
        ("# a\n", ("keep",), "# a\nkeep = 1\n"),
        ("# a\n[wake]\n", ("keep",), "keep = 1\n\n# a\n[wake]\n"),
        ("[wake]", ("wake", "hops"), "[wake]\nhops = 1"),
        ("[wake]\r\nquiet='1s'\r\n", ("wake", "hops"), "[wake]\r\nquiet='1s'\r\nhops = 1\r\n"),
        ("wake.quiet='1s'\n", ("wake", "hops"), "wake.quiet='1s'\nwake.hops = 1\n"),
        ("wake . 'hops' =2#c\n", ("wake", "hops"), "wake . 'hops' =1#c\n"),
        ("[wake]\n  quiet='1s'\n[hook]\n", ("wake", "hops"), "[wake]\n  quiet='1s'\n  hops = 1\n[hook]\n"),
        ("[wake]\nhops = 2", ("wake", "hops"), "[wake]\nhops = 1"),
        ("x = 1", ("wake", "hops"), "x = 1\n\n[wake]\nhops = 1\n"),
    ],
)
def test_small_files(text, path, after):
    assert toml.put(text, path, 1) == after


@pytest.mark.parametrize("text", ["wake = {quiet = '1s'}\n", "wake = 3\n", "[[wake]]\nquiet = 1\n"])
def test_what_takes_more_than_one_line_is_left_to_an_editor(text):
    with pytest.raises(toml.Unfit) as problem:
        toml.put(f"# c\n{text}", ("wake", "hops"), 1)
    assert problem.value.line == 2


def test_a_key_is_dropped_with_its_lines():
    assert toml.drop(FILE, ("wake", "quiet")) == FILE.replace('quiet = "2s"   # seconds\n', "")
    assert "off" not in tomllib.loads(toml.drop(FILE, ("wake", "off")))["wake"]
    assert toml.drop("a = 1", ("a",)) == ""
    with pytest.raises(toml.Unfit):
        toml.drop("wake = {quiet = 1}", ("wake", "quiet"))


@given(st.lists(st.text(max_size=20), max_size=3) | st.text() | st.integers() | st.booleans())
def test_a_literal_says_what_it_was_made_from(value):
    value = [one.encode("utf-8", "ignore").decode() for one in value] if isinstance(value, list) else value
    if isinstance(value, str):
        value = value.encode("utf-8", "ignore").decode()
    assert tomllib.loads(f"a = {toml.literal(value)}") == {"a": value}


STRINGS = st.sampled_from(['"a"', "'b'", '"""c\n[x]\n"""', "'''d'''", '"\\""', '""""e"""""', "'#'"])
VALUES = st.recursive(
    STRINGS | st.sampled_from(["1", "true", "1979-05-27T07:32:00Z", "{ a.b = 1, c = 'x#' }"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda found: "[ " + ", # c ] }\n".join(found) + " ]"),
    max_leaves=5,
)


@given(st.lists(st.tuples(st.sampled_from(["a", "'b.c'", '"d"', "e.f"]), VALUES), unique_by=lambda one: one[0]))
def test_any_statement_is_found_whole(pairs):
    text = "".join(f"{name} = {value} # c = 1\n" for name, value in pairs)
    found = toml.statements(text)
    assert [text[one.value : one.end] for one in found] == [value for _, value in pairs]
    for one in found:
        assert toml.get(tomllib.loads(text), one.path) == tomllib.loads(f"x = {text[one.value : one.end]}")["x"]


WORDS = st.sampled_from(
    [key.name for key in keys.KEYS] + ["wake", "hook", "zzz", "wake.quiet.x", "'wake'.hops", "team"]
)
LINES = st.one_of(
    st.builds("{} = {}\n".format, WORDS, VALUES | STRINGS | st.sampled_from(["-1", "inf", "1e999", "'5s'", "false"])),
    st.builds("[{}]\n".format, WORDS),
    st.builds("[[{}]]\n".format, WORDS),
    st.text(max_size=10).map(lambda text: f"{text}\n"),
)


@given(st.lists(LINES, max_size=6).map("".join), st.booleans())
def test_whatever_is_in_a_file_it_is_read(text, users):
    found = parse.of_text("/p/xats.toml", text, {"HOME": "/h"}, users=users)
    assert set(found.values) == set(found.lines) <= set(keys.BY_VARIABLE)
    for name, value in found.values.items():
        assert value.isprintable(), name
    for fault in found.faults:
        assert fault.fix
        assert str(fault).isprintable()
        assert fault.line is None or 1 <= fault.line <= text.count("\n") + 1
