"""The progress of long work: a bar on a terminal that is removed again, and nothing anywhere else."""

import json
import sys

import pytest

from xats.cli.kit import progress

AT_ONCE = """
import sys
from xats.cli.kit import progress
from xats.__main__ import main

progress.DELAY = 0
code = main()
assert ("rich.progress" in sys.modules) == {drawn}, "rich.progress"
sys.exit(code)
"""
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor


def program(*words, drawn: bool):
    return [sys.executable, "-P", "-c", AT_ONCE.format(drawn=drawn), *words]


@pytest.fixture
def work(xats, crew, tmp_path):
    """The command lines that may take long, by what their bar says."""
    crew.send("alice", "bob")
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(json.dumps({"title": f"Task {number}"}) + "\n" for number in range(50)))
    exported = str(tmp_path / "exported.jsonl")
    xats("db", "export", "-o", exported)
    return {
        "adding tasks": ["task", "import", str(tasks), "--as", "alice"],
        "exporting": ["db", "export", "-o", str(tmp_path / "more.jsonl"), "--force"],
        "checking": ["db", "import", exported, "--db", str(tmp_path / "new.db")],
        "importing": ["db", "import", exported, "--db", str(tmp_path / "newer.db")],
        "backing up": ["db", "backup", str(tmp_path / "copy.db"), "--force"],
        "counting": ["db", "prune", "--dry-run", "--older", "1d"],
    }


NAMES = ("adding tasks", "exporting", "checking", "importing", "backing up", "counting")


@pytest.mark.parametrize("name", NAMES)
def test_a_terminal_shows_the_bar_and_gets_its_cursor_back(xats, work, name):
    shown = xats.on_terminal(command=program(*work[name], drawn=True))
    assert name in shown
    assert shown.count(HIDE) == shown.count(SHOW) > 0
    last = shown.rpartition(SHOW)[2]
    assert name not in last


@pytest.mark.parametrize("name", NAMES)
def test_a_pipe_gets_no_bar(xats, work, name):
    done = xats.run(program(*work[name], drawn=False))
    assert (done.returncode, name.encode() in done.stdout + done.stderr) == (0, False)
    assert b"\x1b" not in done.stdout + done.stderr


def test_a_dumb_terminal_and_quiet_get_no_bar(xats, work):
    words = work["exporting"]
    assert "\x1b" not in xats.on_terminal(command=program(*words, drawn=False), env={"TERM": "dumb"})
    assert "\x1b" not in xats.on_terminal(command=program(*words, "-q", drawn=False))


def test_rows_on_a_terminal_are_not_mixed_with_a_bar(xats, work):
    assert "exporting" not in xats.on_terminal(command=program("db", "export", "messages", drawn=False))


def test_short_work_shows_nothing(xats, work):
    assert HIDE not in xats.on_terminal(*work["exporting"])


def test_an_error_ends_the_bar_first(xats, work, tmp_path):
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"title": "one"}\n{"title": "two", "needs": [7]}\n')
    shown = xats.on_terminal(command=program("task", "import", str(wrong), "--as", "alice", drawn=True), code=2)
    assert "Line 2 of the file" in shown.rpartition(SHOW)[2]


def test_steps_are_counted_without_a_terminal_too():
    with progress.Progress("counting", 3) as bar:
        assert list(bar.each("abc")) == ["a", "b", "c"]
        assert list(bar.bytes_of([b"12", b"345"])) == [b"12", b"345"]
    assert bar._done == 8
