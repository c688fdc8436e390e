"""`xats note ...` as people and scripts use it: what is printed, refused, and kept."""

import os

import pytest
from rich.cells import cell_len

from tests.support.steady import ages, unfolded

EVIL = "\x1b]0;owned\x07 text\x9b2J\u202e"


@pytest.fixture
def by(xats, crew):
    """`by("bob", "list")` runs `xats note list` as bob."""

    def run(name, verb, *words, **options):
        return xats("--as", name, "note", verb, *words, **options)

    return run


def failed(ran):
    return ran.code, ran.error()["code"]


def test_a_value_comes_from_the_line_from_a_file_and_from_standard_input(by, xats):
    (xats.folder / "errors.md").write_text("Line 1\nLine 2\n")
    (xats.folder / "3").write_text("the file called 3")
    assert by("alice", "put", "a", "tabs\n\n").stdout == "a@1 stored (context, 6 bytes)\n"
    assert by("alice", "put", "a", "-", stdin="Line ü\n").stdout == "a@2 stored (context, 8 bytes)\n"
    assert by("alice", "put", "a", "@errors.md", "--category", "decision").stdout == "a@3 stored (decision, 14 bytes)\n"
    assert by("alice", "put", "a", "--file", "3", "-q").stdout == "a@4\n"
    assert by("alice", "put", "a", "@./3").stdout == "a@4 has this value already; nothing new was stored\n"
    assert by("alice", "put", "a", "@3").stdout == "a@5 stored (the value of version 3 again, decision, 14 bytes)\n"
    assert by("alice", "put", "a", "@@3").stdout == "a@6 stored (decision, 2 bytes)\n"
    got = [by("bob", "get", f"a@{n}").stdout for n in range(1, 7)]
    assert got == ["tabs\n\n", "Line ü\n", "Line 1\nLine 2\n", "the file called 3\n", "Line 1\nLine 2\n", "@3\n"]
    assert by("bob", "get", "a@1", "--json").json()["note"]["value"] == "tabs\n\n"


@pytest.mark.parametrize(
    "words",
    [
        "note put k @ff",
        "note put k --file ff",
        "send bob @ff",
        "send --batch ff",
        "turn pass next --status @ff --next b",
        "task add t --description @ff",
        "task import ff",
        "contract put c ff",
        "db import ff --db new.db",
    ],
)
def test_a_fifo_is_refused_at_once(xats, crew, words):
    os.mkfifo(xats.folder / "ff")
    ran = xats("--as", "alice", *words.split(), "--json", code=None)
    assert ran.code == 2
    assert "Not a regular file" in ran.error()["message"]


def test_a_pipe_that_a_shell_has_opened_is_read(by):
    assert by("alice", "put", "k", "@/dev/stdin", stdin="piped").stdout.startswith("k@1 stored")
    assert by("alice", "get", "k").stdout == "piped\n"


def test_what_a_value_cannot_be(by, xats):
    (xats.folder / "large").write_text("x" * (256 * 1024 + 1))
    (xats.folder / "latin").write_bytes(b"gr\xfc\xdfe")
    for words, options in (
        (("k", ""), {}),
        (("k", "-"), {"stdin": "\n"}),
        (("k", "@large"), {}),
        (("k", "@latin"), {}),
        (("k", "-"), {"stdin": b"a\0b"}),
        (("a b", "x"), {}),
        (("../k", "x"), {}),
    ):
        assert failed(by("alice", "put", *words, "--json", code=2, **options)) == (2, "invalid_note"), words
    for words in (("k",), ("k", "x", "--category", "style"), ("k", "x", "--ttl", "0s"), ("k", "x", "--file", "large")):
        assert failed(by("alice", "put", *words, "--json", code=2)) == (2, "usage"), words
    assert failed(by("alice", "put", "k", "@7", "--json", code=3)) == (3, "unknown_note")
    assert by("alice", "list", "--json").json()["notes"] == []


def test_a_number_is_always_a_version(by):
    large = "9" * 23
    by("bob", "put", "k", "one")
    for number in ("0", "99", large):
        assert failed(by("bob", "put", "k", f"@{number}", "--json", code=3)) == (3, "unknown_note_version")
        assert failed(by("bob", "get", f"k@{number}", "--json", code=3)) == (3, "unknown_note_version")
    assert by("bob", "put", "k", "@" + "0" * 20 + "1").stdout.startswith("k@1 has this value already")
    for number in ("-1", large):
        for words in (("put", "k", "two"), ("rm", "k"), ("put", "new", "two")):
            error = failed(by("bob", *words, f"--if-version={number}", "--json", code=2))
            assert error == (2, "usage"), (words, number)
    for verb in (("list",), ("log", "k")):
        error = by("bob", *verb, "-n", large, "--json", code=2).error()
        assert error["message"] == "--limit must be at most 1,000,000,000."
    assert by("bob", "log", "k", "-n", "0", "--json", code=2).error()["hint"] == "xats note log k -n 10 --as bob"


def test_what_has_expired_is_said_to_have_expired(by):
    by("bob", "put", "k", "one", "--ttl", "1ms")
    assert ages(by("bob", "rm", "k").stdout) == "k had expired already, just now; nothing was changed\n"
    assert by("bob", "put", "k", "one", "--ttl", "20m").stdout.endswith("expires in 20 min)\n")
    assert "expires in 20 min" in by("bob", "list").stdout


def test_a_conflict_names_the_version_and_its_author(by):
    by("bob", "put", "lead", "bob")
    ran = by("alice", "put", "lead", "alice", "--if-version", "0", code=4)
    assert ages(unfolded(ran.stderr)) == ages(
        "xats: The note lead is at version 1, not 0: bob put that just now. Nothing was changed. "
        "try: xats note get lead --as alice"
    )
    error = by("alice", "rm", "lead", "--if-version", "2", "--json", code=4).error()
    assert (error["code"], error["key"], error["version"], error["by"]) == ("note_changed", "lead", 1, "bob@crew")
    assert by("alice", "rm", "lead", "--if-version", "1", "--json").json()["changed"] is True


def test_a_note_that_is_gone_says_how_to_get_it_back(by):
    by("bob", "put", "style", "tabs")
    assert by("bob", "rm", "style").stdout == "style removed (version 2)\n"
    assert by("bob", "rm", "style").stdout == "style was removed before; nothing was changed\n"
    error = by("alice", "get", "style", "--json", code=3).error()
    assert (error["code"], error["version"], error["last_value"], error["removed"]) == ("note_gone", 2, 1, True)
    assert (
        error["hint"] == "to see it: xats note get style@1 --as alice; to restore it: xats note put style @1 --as alice"
    )
    assert by("alice", "put", "style", "@1", "--json").json()["note"]["restored"] == 1
    assert failed(by("alice", "rm", "other", "--json", code=3)) == (3, "unknown_note")
    assert failed(by("alice", "get", "style@2", "--json", code=3)) == (3, "unknown_note_version")


def test_lists_in_a_pipe_and_on_a_terminal(by, xats):
    by("bob", "put", "api/errors", "one\n  two", "--category", "blocker", "--ttl", "2h")
    by("alice", "put", "style", "x" * 300)
    by("alice", "pin", "style")
    rows = [line.split("\t") for line in by("bob", "list").stdout.splitlines()]
    rows[0][6] = rows[0][6].partition(" in ")[0]
    assert [row[:4] + row[5:] for row in rows] == [
        ["api/errors", "1", "blocker", "bob", "9 bytes", "expires", "one two"],
        ["style", "1", "context", "alice", "300 bytes", "pinned", "x" * 79 + "…"],
    ]
    shown = xats.on_terminal("--as", "bob", "note", "list", "style", env={"COLUMNS": "100", "NO_COLOR": "1"})
    assert shown.splitlines()[0].split() == ["KEY", "VERSION", "CATEGORY", "BY", "AGE", "SIZE", "STATE", "VALUE"]
    assert all(len(line) <= 100 for line in shown.splitlines())
    assert by("bob", "list", "nope").stderr == "no notes that begin with nope in team crew\n"
    assert by("bob", "list", "-n", "1").stderr == "more: xats note list -n 2 --as bob\n"
    found = by("bob", "list", "--json", "--category", "blocker").json()["notes"]
    assert [(one["key"], one["beginning"]) for one in found] == [("api/errors", "one\n  two")]
    by("bob", "rm", "style")
    assert [one["removed"] for one in by("bob", "list", "style", "--all", "--json").json()["notes"]] == [True]
    rows = [line.split("\t") for line in by("bob", "log", "style").stdout.splitlines()]
    assert [(row[0], row[2], row[3], row[6]) for row in rows] == [
        ("2", "bob", "flag", "removed"),
        ("1", "alice", "flag", ""),
    ]


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 100, 120])
def test_a_narrow_list_has_fewer_columns_and_whole_keys(by, xats, columns):
    by("bob", "put", "api/errors", "word \u4e16\u754c " * 300, "--ttl", "2h")
    by("alice", "put", "api/style-of-texts", "tabs")
    by("alice", "pin", "api/style-of-texts")
    env = {"COLUMNS": str(columns), "NO_COLOR": "1"}
    head, *lines = xats.on_terminal("--as", "bob", "note", "list", env=env).splitlines()
    assert [line.split()[0] for line in lines] == ["api/errors", "api/style-of-texts"]  # a line each
    assert all(cell_len(line) <= columns for line in (head, *lines))
    assert ("VALUE" in head) == (columns > 30)
    assert ("STATE" in head, "BY" in head) == (columns >= 80, columns >= 60)
    assert "\u2026" not in "".join(line.rpartition("word")[0] for line in lines)
    head, *lines = xats.on_terminal("--as", "bob", "note", "log", "api/errors", env=env).splitlines()
    assert [line.split()[0] for line in lines] == ["1"]
    assert ("EVIDENCE" in head, "VALUE" in head) == (columns >= 110, True)


def test_no_control_character_reaches_a_terminal(by, xats):
    by("bob", "put", "evil", EVIL)
    by("bob", "pin", "evil")
    for words in (("get", "evil"), ("list",), ("log", "evil")):
        shown = xats.on_terminal("--as", "alice", "note", *words, env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert "^[]0;owned^G" in shown, words
        assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"}, words
    for words in (("recap",), ("search", "owned"), ("--as", "alice", "recap")):
        shown = xats.on_terminal(*words, env={"COLUMNS": "200", "XATS_AGENT": "alice", "NO_COLOR": "1"})
        assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"}, words
    assert by("alice", "get", "evil").stdout == EVIL + "\n"


def test_a_pin_and_its_end(by):
    by("bob", "put", "style", "tabs")
    assert by("alice", "unpin", "style").stdout == "style is not pinned\n"
    assert by("alice", "pin", "style").stdout == "style is pinned\n"
    assert by("bob", "pin", "STYLE").stdout == "style is pinned already\n"
    note = by("bob", "get", "style", "--json").json()["note"]
    assert (note["pinned_by"], note["pinned_at"] is None) == ("alice@crew", False)
    assert by("alice", "unpin", "style", "--json").json()["changed"] is True


def test_recap_and_search_name_notes(by, xats):
    by("bob", "put", "api/errors", "JSON with a hint")
    by("bob", "put", "gone", "x")
    by("alice", "rm", "gone")
    shown = ages(xats("--as", "alice", "recap").stdout)
    assert ages("Notes that changed\n  api/errors@1 put by bob just now\n  gone@2 removed by alice just now\n") in shown
    found = xats("--as", "alice", "recap", "--json").json()["notes"]
    assert [(one["key"], one["version"], one["size"]) for one in found] == [("gone", 2, 0), ("api/errors", 1, 16)]
    ran = xats("--as", "alice", "search", "hint")
    assert ran.stdout.split("\t")[:2] == ["note", "api/errors@1"]
    assert ran.stderr == "to read a note: xats note get api/errors@1 --as alice\n"
    (hit,) = xats("--as", "alice", "search", "hint", "--json").json()["results"]
    assert (hit["kind"], hit["name"], hit["by"]) == ("note", "api/errors@1", "bob@crew")


def test_a_merge_says_which_notes_get_another_key(by, xats, crew):
    crew.add("ann", team="shop")
    by("bob", "put", "style", "tabs")
    xats("--as", "ann@shop", "note", "put", "style", "spaces")
    env = {"XATS_AGENT": None}
    planned = xats("team", "merge", "shop", "crew", "--dry-run", "--json", env=env).json()
    assert planned["notes"] == [{"key": "shop/style", "old_key": "style"}]
    assert planned["team"]["notes"] == 1
    assert "the note style of team shop becomes shop/style" in unfolded(
        xats("team", "merge", "shop", "crew", "--dry-run", env=env).stderr
    )
    xats("team", "merge", "shop", "crew", "--yes", env=env)
    assert by("bob", "get", "shop/style").stdout == "spaces\n"
    assert "2 notes" in xats("team", "show", "crew").stdout


def test_an_export_and_an_import_keep_the_history(by, xats, tmp_path):
    by("bob", "put", "style", "tabs", "--category", "convention")
    by("alice", "put", "style", "spaces")
    by("alice", "pin", "style")
    by("bob", "put", "gone", "x")
    by("bob", "rm", "gone")
    logs = [by("bob", "log", key, "--json").stdout for key in ("style", "gone")]
    xats("db", "export", "--output", str(tmp_path / "all.jsonl"))
    env = {"XATS_DB": str(tmp_path / "other.db")}
    xats("db", "import", str(tmp_path / "all.jsonl"), env=env)
    assert [by("bob", "log", key, "--json", env=env).stdout for key in ("style", "gone")] == logs
    xats("db", "check", env=env)
    assert by("bob", "put", "gone", "@1", env=env, code=0).stdout.startswith("gone@3 stored")
    assert by("bob", "put", "new", "y", "--json", env=env).json()["note"]["version"] == 1
