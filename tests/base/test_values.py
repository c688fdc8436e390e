"""The small values that everything is made of: records, durations, times, JSON text, names of places."""

import ast
import glob
import json
import os
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xats
from xats.base import durations
from xats.base.errors import Usage
from xats.base.jsontext import to_json
from xats.base.record import from_row, record, replace

# -- JSON --------------------------------------------------------------------------------------------------------------

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
def test_json_text_is_what_json_reads_back(value):
    assert json.loads(to_json(value)) == value


@given(VALUES)
def test_json_text_is_what_json_would_write(value):
    assert to_json(value) == json.dumps(value, ensure_ascii=False)


def test_a_tuple_is_a_list_to_json():
    assert to_json({"to": ("a", "b")}) == '{"to": ["a", "b"]}'


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", [object()], {"key": 1j}])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(TypeError):
        to_json(value)


# -- records -----------------------------------------------------------------------------------------------------------


@record
class Point:
    """A point."""

    x: int
    y: int = 2


def test_a_record_takes_its_fields_by_place_and_by_name():
    assert (Point(1).x, Point(1).y) == (1, 2)
    assert Point(1, 3) == Point(x=1, y=3)


@pytest.mark.parametrize("args, values", [((), {}), ((1, 2, 3), {}), ((1,), {"z": 1}), ((), {"y": 1})])
def test_a_record_refuses_other_fields_than_its_own(args, values):
    with pytest.raises(TypeError, match="Point takes x, y"):
        Point(*args, **values)


def test_a_record_is_frozen():
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 5
    assert point.x == 1


def test_records_are_equal_by_value_and_only_to_their_own_kind():
    @record
    class Other:
        x: int
        y: int = 2

    assert Point(1) == Point(1)
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert len({Point(1), Point(1), Point(2)}) == 2


def test_a_record_shows_its_fields():
    assert repr(Point(1, "a")) == "Point(x=1, y='a')"


# -- durations and times -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, ms",
    [
        ("500ms", 500),
        ("30s", 30_000),
        ("10m", 600_000),
        ("2h", 7_200_000),
        ("1d", 86_400_000),
        ("5", 5_000),
        ("0", 0),
        ("0.5", 500),
        ("1.5h", 5_400_000),
    ],
)
def test_durations_are_read_as_written(text, ms):
    assert durations.parse(text) == ms


@pytest.mark.parametrize(
    "text", ["", "m", "5x", "5 weeks", "-1s", "nan", "inf", "1mm", "1h30m", "ms5", "1e99d", "s", "\x1b[1m5"]
)
def test_what_is_no_duration_is_refused_with_the_ways_to_write_one(text):
    with pytest.raises(Usage) as caught:
        durations.parse(text)
    assert "500ms" in caught.value.hint
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "at, text",
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_750_000_000_007, "2025-06-15T15:06:40.007Z"),
        (1_750_000_000_999, "2025-06-15T15:06:40.999Z"),
        (None, None),
    ],
)
def test_times_are_utc_with_milliseconds(at, text):
    assert durations.iso(at) == text


@pytest.mark.parametrize(
    "ms, text",
    [
        (0, "0 s"),
        (119_999, "119 s"),
        (120_000, "2 min"),
        (7_199_999, "119 min"),
        (7_200_000, "2 h"),
        (172_799_999, "47 h"),
        (172_800_000, "2 d"),
        (-30_000, "30 s"),
    ],
)
def test_spans_are_said_roughly(ms, text):
    assert durations.rough(ms) == text


@pytest.mark.parametrize(
    "at, text", [(None, "never"), (99_000, "just now"), (90_000, "10 s ago"), (105_000, "just now")]
)
def test_how_long_ago(at, text):
    assert durations.ago(at, 100_000) == text


# -- records from rows, and changed ones -------------------------------------------------------------------------------


@record
class Task:
    """A record of three fields."""

    id: int
    title: str
    done: bool = False


def test_a_record_is_built_from_a_row_by_names_in_any_order():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row = connection.execute("select 'x' as other, 1 as done, 'write' as title, 7 as id").fetchone()
    assert from_row(Task, row, done=bool(row["done"])) == Task(7, "write", True)
    with pytest.raises(TypeError, match="Task takes id, title, done; got state"):
        from_row(Task, row, state="open")
    with pytest.raises(IndexError):
        from_row(Task, connection.execute("select 7 as id, 'write' as title").fetchone())
    connection.close()


def test_a_record_is_replaced_by_one_with_other_values():
    task = Task(7, "write")
    assert (replace(task, done=True), task.done) == (Task(7, "write", True), False)
    with pytest.raises(TypeError):
        replace(task, state="open")


def test_no_record_of_core_is_built_by_the_positions_of_columns():
    """A column that is inserted in the middle must not shift what comes after it."""
    found = []
    for path in glob.glob(f"{os.path.dirname(xats.__file__)}/core/*.py"):
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id[0].isupper()):
                continue
            of_row = [arg for arg in node.args if ast.unparse(arg).startswith(("row[", "*row"))]
            if len(of_row) > 1 or any(isinstance(arg, ast.Starred) for arg in of_row):
                found.append(f"{os.path.basename(path)}:{node.lineno}")
    assert found == []
