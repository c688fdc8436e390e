"""An error that no code expected: one line, where the details are, and what to report."""

import json
import stat
import sys
from pathlib import Path

import pytest

BUG = """
import sys
from xats.cli.agents import listing

def agents(here):
    raise RuntimeError({message!r})

agents.__module__ = listing.__name__
listing.agents = agents
from xats.__main__ import run

sys.argv = ["xats", "agents", *sys.argv[1:]]
run()
"""


@pytest.fixture
def broken(xats):
    """Run `xats agents` with a bug in it; return its exit code, stdout and stderr."""

    def run(*words, message="a bug", env=None):
        done = xats.run([sys.executable, "-P", "-c", BUG.format(message=message), *words], env=env)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    Path(xats.path).parent.mkdir(parents=True, exist_ok=True)
    return run


def test_it_is_two_lines_and_the_traceback_is_in_a_private_log(xats, broken):
    log = Path(f"{xats.path}-errors.log")
    code, shown, said = broken(message="\x1b[31m two\nlines")
    assert (code, shown) == (1, "")
    lines = said.splitlines()
    assert lines[0].startswith("xats: Unexpected error: RuntimeError: ^[[31m two")
    assert lines[1].startswith(f"  details: {log} - report")
    assert len(lines) == 2
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    entry = log.read_text()
    assert "Traceback (most recent call last)" in entry
    assert "verb: agents\n" in entry.splitlines(keepends=True)[0]


def test_it_is_one_document_with_json(xats, broken):
    code, shown, said = broken("--json")
    assert (code, shown) == (1, "")
    error = json.loads(said)["error"]
    assert (error["code"], error["log"]) == ("unexpected", f"{xats.path}-errors.log")


def test_debug_prints_the_traceback_too(broken):
    _, _, said = broken(env={"XATS_DEBUG": "1"})
    assert "Traceback (most recent call last):" in said.splitlines()
    assert "xats: Unexpected error: RuntimeError: a bug" in said


def test_the_log_has_no_word_of_the_command_line_but_the_verb(xats, broken):
    broken("--as", "secret-name")
    assert "secret-name" not in Path(f"{xats.path}-errors.log").read_text()


def test_the_log_does_not_grow_for_ever(xats, broken):
    log = Path(f"{xats.path}-errors.log")
    log.write_text("x" * (300 << 10))
    log.chmod(0o600)
    broken()
    assert log.stat().st_size < 10_000
    assert Path(f"{log}.1").stat().st_size == 300 << 10


def test_a_log_that_cannot_be_written_is_no_second_error(xats, broken, tmp_path):
    Path(f"{xats.path}-errors.log").mkdir()
    code, _, said = broken()
    assert code == 1
    assert "XATS_DEBUG=1" in said.splitlines()[1]
    missing = tmp_path / "nowhere" / "xats.db"
    assert "XATS_DEBUG=1" in broken("--db", str(missing))[2]
    assert not missing.parent.exists()
