"""The user's own program: what it is told, what it must not know, how it ends."""

import json
import os
import time

import pytest

from tests.delivery.conftest import until
from tests.support.requests import request
from xats.base import process
from xats.base.errors import Usage
from xats.base.pane import Pane
from xats.cli.models.lines import WakeDocument
from xats.core.agents import agents
from xats.core.waking.wakes import Pending
from xats.delivery.settings import LONGEST, Settings, from_environment
from xats.delivery.transports import command

PENDING = Pending(2, 1, ("alice",), 9)
PANE = Pane("/tmp/s", 11, 12, "%3", 13, "/dev/pts/9")


@pytest.fixture
def wake(tmp_path, monkeypatch):
    """`wake(script)` makes the user's program and wakes bob by it; further words are for the program's first line."""

    def attempt(script, *, shebang="#!/bin/sh", limit=5000, stopping=bool, pane=PANE, pending=PENDING):
        path = tmp_path / "my; wake $(touch x)"
        path.write_text(f"{shebang}\nT={tmp_path}\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setenv("XATS_WAKE_COMMAND", str(path))
        return deliver(limit=limit, stopping=stopping, pane=pane, pending=pending)

    def deliver(*, limit=5000, stopping=bool, pane=PANE, pending=PENDING):
        session = agents.Session(1, 1, 1, agents.Seat("here", pane=pane), 0, None)
        how = {"settings": Settings(command=limit), "pending": lambda: pending, "stopping": stopping}
        return command.deliver(request(session, client="codex", **how))

    attempt.plain = deliver
    return attempt


def said(result):
    return (result.state, result.reason, result.detail, getattr(result, "exit", None))


def test_it_is_told_everything_as_one_document(wake, tmp_path):
    assert said(wake("cat >$T/got")) == ("delivered", None, "", 0)
    text = (tmp_path / "got").read_text()
    assert text.count("\n") == 1
    WakeDocument.model_validate_json(text)
    assert json.loads(text) == {
        "schema_version": 1,
        "agent": "bob@t",
        "unread": 2,
        "from": ["alice"],
        "senders": 1,
        "line": "xats: 2 new from alice - run: xats inbox",
        "wake": 7,
        "attempt": 3,
        "pane": {"socket": "/tmp/s", "pane_id": "%3", "pane_pid": 13},
        "team": "t",
        "role": "backend",
        "client": "codex",
    }
    assert not (tmp_path / "x").exists()  # no shell has read its name


def test_without_a_pane(wake, tmp_path):
    assert wake("cat >$T/got", pane=None).state == "delivered"
    assert json.loads((tmp_path / "got").read_text())["pane"] is None


def test_it_does_not_know_who_the_daemon_is(wake, tmp_path, monkeypatch):
    for name in ("XATS_AGENT", "XATS_TEAM", "XATS_FAULT", "TMUX", "TMUX_PANE", "CLAUDECODE", "CODEX_THREAD_ID"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("KEPT", "as it is")
    assert wake("env >$T/got; echo pwd=$(pwd) >>$T/got; echo args=$# >>$T/got").state == "delivered"
    got = dict(line.split("=", 1) for line in (tmp_path / "got").read_text().splitlines())
    assert "mine" not in got.values()
    assert (got["KEPT"], got["XATS_DB"], got["pwd"], got["args"]) == ("as it is", "/tmp/store.db", "/", "0")


@pytest.mark.parametrize(
    ("script", "detail", "code"),
    [
        ("exit 3", "exit 3", 3),
        ("echo 'no   such\nbell' >&2; exit 1", "exit 1: no such bell", 1),
        ("printf 'a\\033[2Jb' >&2; exit 2", "exit 2: a?[2Jb", 2),
        ("kill -SEGV $$", "ended by signal 11", -11),
        ("echo out; exit 4", "exit 4", 4),
    ],
)
def test_a_failure_says_how(wake, script, detail, code):
    assert said(wake(script)) == ("refused", "command_failed", detail, code)


def test_much_is_said_and_the_beginning_kept(wake):
    result = wake("echo begin >&2; yes | head -c 3000000 >&2; exit 1")
    assert result.detail.startswith("exit 1: begin y y y")
    assert len(result.detail) == len("exit 1: ") + 200


def test_it_need_not_read_what_it_is_told(wake):
    assert wake("exec <&-; exit 0").state == "delivered"


def test_its_time_is_limited_and_its_whole_group_ends(wake, tmp_path):
    before = time.monotonic()
    result = wake("echo stuck >&2; sleep 300 & echo $! >$T/child; echo $$ >$T/pid; wait", limit=700)
    assert time.monotonic() - before < 5
    assert said(result) == ("refused", "command_failed", "killed after 0.7 s: stuck", None)
    for name in ("pid", "child"):
        number = int((tmp_path / name).read_text())
        until(lambda number=number: process.started(number) is None)


def test_it_reads_its_input_to_the_end(wake):
    """It would hang here if its standard input stayed open."""
    assert wake("cat >/dev/null; cat >/dev/null").state == "delivered"


def test_what_it_leaves_in_the_background_is_not_waited_for(wake, tmp_path):
    before = time.monotonic()
    assert wake("sleep 300 & echo $! >$T/child").state == "delivered"
    assert time.monotonic() - before < 4
    child = int((tmp_path / "child").read_text())
    assert process.started(child)
    os.kill(child, 9)


def test_when_the_daemon_ends_it_gets_a_moment_and_the_wake_is_given_back(wake, tmp_path):
    before = time.monotonic()
    result = wake("echo $$ >$T/pid; exec sleep 300", limit=60_000, stopping=(tmp_path / "pid").exists)
    assert (result.state, result.reason) == ("stopped", None)
    assert command.LEAVE / 1000 <= time.monotonic() - before < 10
    number = int((tmp_path / "pid").read_text())
    until(lambda: process.started(number) is None)
    assert wake("sleep 0.2", stopping=lambda: True).state == "delivered"


def test_mail_that_was_read_meanwhile_runs_nothing(wake, tmp_path):
    assert said(wake("touch $T/ran", pending=None)) == ("skipped", "already_read", "", None)
    assert not (tmp_path / "ran").exists()


# -- which program -----------------------------------------------------------------------------------------------------


def test_no_program(wake, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XATS_WAKE_COMMAND", raising=False)
    assert command.objection() == "command_failed"
    result = wake.plain()
    assert (result.state, result.reason, result.exit) == ("refused", "command_failed", None)
    assert "there is no program" in result.detail
    assert "XATS_WAKE_COMMAND" in result.detail


def test_the_file_in_the_configuration_folder(wake, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = str(tmp_path / "config" / "xats")
    os.makedirs(folder, 0o700)
    path = os.path.join(folder, "wake")
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    result = wake.plain()
    assert result.detail == f"{path} is not an executable file; chmod +x {path}"
    os.chmod(path, 0o700)
    assert command.objection() is None
    assert wake.plain().state == "delivered"
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("path", ["wake", "./wake", "~/wake"])
def test_a_relative_path_would_be_another_one_in_the_daemon(wake, monkeypatch, tmp_path, path):
    (tmp_path / "wake").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "wake").chmod(0o700)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XATS_WAKE_COMMAND", path)
    assert "must be an absolute path" in wake.plain().detail
    assert not (tmp_path / "ran").exists()


def test_a_folder_is_no_program(wake, monkeypatch, tmp_path):
    monkeypatch.setenv("XATS_WAKE_COMMAND", str(tmp_path))
    assert "is not an executable file" in wake.plain().detail


def test_a_program_that_cannot_be_run(wake):
    result = wake("exit 0", shebang="#!/no/such/interpreter")
    assert (result.state, result.reason) == ("refused", "command_failed")
    assert "cannot be run: No such file" in result.detail


# -- its time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "ms"), [("", 10_000), ("2", 2000), ("500ms", 500), ("50s", LONGEST)])
def test_its_time_can_be_set(said, ms):
    assert from_environment({"XATS_WAKE_TIMEOUT": said}).command == ms


@pytest.mark.parametrize("said", ["0", "51s", "1h", "soon"])
def test_a_time_that_cannot_be(said):
    with pytest.raises(Usage, match=said):
        from_environment({"XATS_WAKE_TIMEOUT": said})


# -- whose program it is -----------------------------------------------------------------------------------------------

OTHER = 54321  # a user id that nobody has here


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A program that may be run."""
    folder = tmp_path / "bin"
    folder.mkdir(0o755)
    path = folder / "wake it"
    path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    path.chmod(0o755)
    monkeypatch.setenv("XATS_WAKE_COMMAND", str(path))
    return path


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o702])
@pytest.mark.parametrize("of_folder", [False, True])
def test_a_program_that_others_can_change_is_not_run(wake, mine, tmp_path, mode, of_folder):
    changed = mine.parent if of_folder else mine
    changed.chmod(mode)
    result = wake.plain()
    assert (result.state, result.reason) == ("refused", "command_failed")
    assert f"other users can write to {'the folder ' if of_folder else ''}{changed}; chmod go-w " in result.detail
    assert not (tmp_path / "ran").exists()
    assert command.objection() == "command_failed"
    os.system(result.detail.rpartition("; ")[2])  # the command that is named mends it
    assert wake.plain().state == "delivered"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what another user would")
@pytest.mark.parametrize("what", ["program", "folder", "link"])
def test_a_program_of_another_user_is_not_run(wake, mine, tmp_path, monkeypatch, what):
    whose = {"program": mine, "folder": mine.parent, "link": tmp_path / "link"}[what]
    (tmp_path / "link").symlink_to(mine)
    monkeypatch.setenv("XATS_WAKE_COMMAND", str(tmp_path / "link"))
    assert wake.plain().state == "delivered"  # a link of this user's own is as good as what it leads to
    (tmp_path / "ran").unlink()
    os.chown(whose, OTHER, OTHER, follow_symlinks=False)
    result = wake.plain()
    assert f"{whose} belongs to user id {OTHER}; " in result.detail
    assert not (tmp_path / "ran").exists()
