"""An export of all tables in an empty store: every row with its id, or none, and what is wrong by file and line."""

import json
import sqlite3

import pytest

from tests.conftest import Team
from xats.base import errors
from xats.core.mail import inbox
from xats.core.tasks import planning
from xats.store.open import open_store
from xats.store.references import quoted
from xats.store.sqlite import check, export, load

pytestmark = pytest.mark.sqlite


@pytest.fixture
def full(team):
    """A store with rows in many tables, one of which has lost its newest row."""
    team.add("alice", "bob", tags=("gpu",))
    for n in range(3):
        team.send("alice", "bob", f"text {n}\n\u2028\x01\U0001f4e8", subject="S" if n else None, need_reply=n == 1)
    team.do("bob", inbox.mark_read, [1])
    parent = team.do("alice", planning.add, planning.New("Parent"))
    team.do("alice", planning.add, planning.New("Child", parent_id=parent[0].id))
    team.store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    team.store.write(lambda tx: tx.run("delete from events where id = (select max(id) from events)"))
    return team.store


@pytest.fixture
def other(tmp_path):
    """An empty store."""
    opened = open_store(str(tmp_path / "other.db"))
    yield opened
    opened.close()


def exported(path) -> list[bytes]:
    """Return the lines that `xats db export` prints."""
    with export.export(path, []) as found:
        rows = [{"table": name, **row} for name in found.names for row in found.rows(name)]
        return [json.dumps(one).encode() + b"\n" for one in (found.header(), *rows)]


def imported(store, lines, name) -> dict[str, int]:
    """Import `lines` into `store`; return how many rows each table got."""
    with load.checked(lines, name) as draft:
        load.fill(store, draft)
        return draft.counts


def content(store) -> dict[str, list[tuple]]:
    """Return every row of every table, with the sequences of the ids."""
    connection = sqlite3.connect(store.path)
    try:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name: connection.execute(f"select rowid, * from {quoted(name)}").fetchall() for name in sorted(names)}
    finally:
        connection.close()


def test_an_import_gives_the_store_that_was_exported(full, other):
    counts = imported(other, exported(full.path), "file")
    assert counts["messages"] == 3
    assert counts["labels"] == 2
    before, after = content(full), content(other)
    last = [{row[1:] for row in found.pop("sqlite_sequence")} for found in (before, after)]
    assert last[0] == last[1]
    assert after == before
    assert {one.state for one in check.checks(other.path)} == {"ok"}
    assert exported(other.path) == exported(full.path)


def test_no_id_is_used_again_after_an_import(full, other):
    imported(other, exported(full.path), "file")
    newest = full.read(lambda tx: tx.one("select max(id) as id from events"))["id"]
    other.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    assert other.read(lambda tx: tx.one("select max(id) as id from events"))["id"] == newest + 2


def test_an_import_does_not_depend_on_the_order_of_the_rows(full, other):
    header, *rows = exported(full.path)
    imported(other, [header, *reversed(rows)], "file")
    assert sorted(content(other)["task_notes"]) == sorted(content(full)["task_notes"])
    assert check.checks(other.path) == [one for one in check.checks(other.path) if one.state == "ok"]


def test_an_empty_store_can_be_exported_and_imported(store, other):
    imported(other, exported(store.path), "file")
    assert exported(other.path) == exported(store.path)


def test_every_column_has_a_type_that_can_be_imported(rows):
    columns = "select distinct upper(c.type) as type from pragma_table_list t join pragma_table_info(t.name) c"
    found = {row["type"] for row in rows(f"{columns} where t.schema = 'main' and t.name not like 'sqlite%'")}
    assert found == set(load.KINDS)


def test_only_an_empty_store_is_filled(full, other):
    lines = exported(full.path)
    imported(other, lines, "file")
    before = content(other)
    with pytest.raises(errors.Refused, match="is not empty") as caught:
        imported(other, lines, "file")
    assert "--db" in caught.value.hint
    assert content(other) == before


def test_a_store_that_is_filled_meanwhile_is_left(full, other, monkeypatch):
    lines = exported(full.path)

    def while_it_is_read():
        yield from lines
        other.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))

    with pytest.raises(errors.Refused, match=r"not empty \(it has rows in events\)"):
        imported(other, while_it_is_read(), "file")
    assert content(other)["messages"] == []


def changed(number, **values):
    """Return what puts `values` into the first row of a table, or into the header (number 0)."""

    def change(lines):
        lines[number] = json.dumps({**json.loads(lines[number]), **values}).encode()

    return change


def row_of(table, **values):
    """Return what puts `values` into the first row of `table`; None takes a value out."""

    def change(lines):
        number = next(n for n, line in enumerate(lines) if json.loads(line).get("table") == table)
        row = {**json.loads(lines[number]), **values}
        lines[number] = json.dumps({name: value for name, value in row.items() if value is not ...}).encode()

    return change


def set_line(number, text):
    def change(lines):
        lines[number] = text

    return change


def without_last(lines):
    lines.pop()


def header_of(name, **values):
    def change(lines):
        header = json.loads(lines[0])
        header["tables"][name].update(values)
        lines[0] = json.dumps(header).encode()

    return change


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda lines: lines.clear(), "line 1: the file is empty"),
        (lambda lines: lines.pop(0), "line 1: this is not the beginning of an export"),
        (changed(0, export="tasks"), "line 1: this is not the beginning of an export"),
        (changed(0, schema=1), "line 1: the export has schema 1"),
        (changed(0, schema=10_000), "line 1: the export has schema 10000"),
        (changed(0, schema="20"), "line 1: the export has schema 20"),
        (changed(0, tables={}), "line 1: it must name the tables"),
        (changed(0, tables=[]), "line 1: it must name the tables"),
        (header_of("events", rows=True), "line 1: rows and last_id of events must be whole numbers"),
        (header_of("events", rows=-1), "line 1: rows and last_id of events must be whole numbers"),
        (header_of("events", last_id="5"), "line 1: rows and last_id of events must be whole numbers"),
        (header_of("messages", last_id=2), "line 1: last_id of messages must be at least 3, not 2"),
        (header_of("messages", last_id=None), "line 1: last_id of messages must be at least 3, not None"),
        (header_of("messages", rows=4), "the export has 4 rows of messages, and the file only 3"),
        (header_of("messages", rows=2), "the export has 2 rows of messages, and the file 3"),
        (without_last, "and the file only"),
        (set_line(1, b'{"table": "events", '), "line 2: it is not JSON"),
        (set_line(1, b'{"table": "ev\xff"}'), "line 2: it is not JSON"),
        (set_line(1, b"[" * 100_000), "line 2: it is not JSON"),
        (set_line(1, b"\n"), "line 2: it is not JSON"),
        (set_line(1, b"[]"), "line 2: it is not a JSON object"),
        (set_line(1, b'{"id": 1}'), "line 2: it does not name a table"),
        (set_line(1, b'{"table": ["a"], "id": 1}'), "line 2: there is no table"),
        (set_line(1, b'{"table": "nothing", "id": 1}'), "line 2: there is no table 'nothing'"),
        (set_line(1, b'{"table": "sqlite_sequence", "name": "x", "seq": 1}'), "line 2: there is no table"),
        (row_of("agents", team=...), "line 2: the row of agents has no team"),
        (row_of("agents", more=1), "line 2: agents has no column 'more'"),
        (row_of("agents", team=5), "line 2: team of agents must be a text, not 5"),
        (row_of("agents", epoch="5"), "line 2: epoch of agents must be a whole number, not \"5\""),
        (row_of("agents", epoch=True), "line 2: epoch of agents must be a whole number, not true"),
        (row_of("agents", epoch=1.0), "line 2: epoch of agents must be a whole number, not 1.0"),
        (row_of("agents", epoch=1 << 63), "line 2: epoch of agents is too large a number"),
        (row_of("agents", team=None), "line 2: the row does not fit into agents: NOT NULL"),
        (row_of("agents", team="\ud800"), "line 2: the row does not fit into agents"),
        (row_of("agents", id=2), "line 3: the row does not fit into agents: UNIQUE"),
        (row_of("deliveries", state="lost"), "the row does not fit into deliveries: CHECK"),
        (row_of("deliveries", message_id=17), "the row of deliveries refers to a row of messages that is not in the"),
        (row_of("tasks", parent_id=17), "the row of tasks refers to a row of tasks that is not in the file"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_changes_nothing_and_is_said_by_line(full, other, change, said):
    lines = exported(full.path)
    change(lines)
    before = content(other)
    with pytest.raises(errors.InvalidExport) as caught:
        imported(other, lines, "all.jsonl")
    text = str(caught.value)
    assert text.startswith("all.jsonl, line ")
    assert said in text
    assert text.endswith("Nothing was imported.")
    assert text.startswith(f"all.jsonl, line {caught.value.data['line']}: ")
    assert content(other) == before


def test_a_reference_to_nothing_is_said_by_its_line(full, other):
    lines = exported(full.path)
    number = next(n for n, line in enumerate(lines, 1) if json.loads(line).get("table") == "deliveries")
    row_of("deliveries", message_id=17)(lines)
    with pytest.raises(errors.InvalidExport) as caught:
        imported(other, lines, "all.jsonl")
    assert caught.value.data["line"] == number


def test_an_import_that_finds_no_room_changes_nothing(full, other):
    Team(full).send("alice", "bob", "x" * 200_000)
    lines = exported(full.path)
    before = content(other)
    pages = other.read(lambda tx: tx.one("pragma page_count")[0])
    other.read(lambda tx: tx.one(f"pragma max_page_count = {pages}"))
    with pytest.raises(errors.StoreFull):
        imported(other, lines, "file")
    assert content(other) == before
