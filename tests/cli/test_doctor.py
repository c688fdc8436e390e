"""doctor: it sees each thing that can be wrong, names the fix, and never changes a byte."""

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import HOST
from tests.support.world import COMPOSER, Composer, Tmux, halt, until
from xats import __version__
from xats.base import process
from xats.base.pane import Pane
from xats.core.agents.agents import Seat
from xats.core.mail import inbox
from xats.core.waking import pauses
from xats.daemon import lock, report
from xats.health import clients, environment
from xats.health import daemon as health_daemon
from xats.store.open import open_store
from xats.tmux.pane import find

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ["store", "tmux", "waking", "daemon", "mail", "locks", "clients", "settings", "environment"]
AGO = r"\d+ s ago|just now"
needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: no pane can be looked at")


class Report:
    """What `xats doctor --json` said."""

    def __init__(self, ran) -> None:
        self.code = ran.code
        self.document = json.loads(ran.stdout)
        self.checks = self.document["checks"]
        assert self.document["healthy"] is (ran.code == 0)
        assert (ran.code == 5) is any(one["state"] == "fail" for one in self.checks), self.checks
        assert all(one["fix"] for one in self.checks if one["state"] != "ok"), self.checks

    def __call__(self, section: str, name: str) -> dict:
        """Return the only check of that name."""
        (found,) = [one for one in self.checks if (one["section"], one["name"]) == (section, name)]
        return found

    def state(self, section: str, name: str) -> str:
        return self(section, name)["state"]

    def has(self, section: str, name: str) -> bool:
        return any((one["section"], one["name"]) == (section, name) for one in self.checks)

    @property
    def bad(self) -> list[tuple[str, str, str]]:
        return [(one["section"], one["name"], one["state"]) for one in self.checks if one["state"] != "ok"]


def tree(folder) -> dict[str, tuple]:
    """Return all there is of every file below `folder`, and when it was last changed."""
    found = {}
    for path in [Path(folder), *sorted(Path(folder).rglob("*"))]:
        if path.name.endswith("-shm"):  # into which readers of a write-ahead log write too
            continue
        about = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (about.st_mode, about.st_size if content else 0, about.st_mtime_ns, content)
    return found


@pytest.fixture
def doctor(xats, tmp_path):
    """Run `xats doctor --json`; return its Report. Nothing of the home or the folder may have changed."""

    def run(*words, env=None) -> Report:
        before = tree(tmp_path)
        ran = xats("doctor", "--json", *words, env=env, code=None)
        assert ran.code in (0, 5), ran
        assert ran.stderr == "", ran
        assert tree(tmp_path) == before
        return Report(ran)

    return run


@pytest.fixture
def quiet_path(xats, tmp_path):
    """A PATH on which there is no agent program, but tmux."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("tmux", "sh", "sleep"):
        if shutil.which(name):
            (folder / name).symlink_to(shutil.which(name))
    xats.install(folder)
    xats.environ["PATH"] = str(folder)
    return folder


# -- as a whole --------------------------------------------------------------------------------------------------------


def test_an_empty_home_is_no_failure_and_stays_empty(doctor, xats):
    xats.environ.pop("XATS_HOME")
    report = doctor(env={"HOME": str(xats.home), "XDG_STATE_HOME": None})
    assert report.code == 0
    assert report.state("store", "file") == "warn"
    assert "no store yet" in report("store", "file")["detail"]
    assert report.state("daemon", "running") == "warn"  # XATS_AUTOSTART=0
    assert [one["section"] for one in report.checks if one["section"] == "mail"] == []
    assert list(xats.home.iterdir()) == []


def test_a_home_that_is_not_there_is_not_made(doctor, xats, tmp_path):
    gone = tmp_path / "nowhere"
    assert doctor(env={"HOME": str(gone), "XATS_HOME": str(gone)}).code == 0
    assert not gone.exists()


def test_a_good_store_is_healthy(doctor, crew, quiet_path):
    report = doctor(env={"XATS_AUTOSTART": None})
    assert (report.code, report.bad) == (0, [])
    assert list(dict.fromkeys(one["section"] for one in report.checks)) == SECTIONS
    assert report("daemon", "running")["detail"] == "no; the next send starts it"
    assert report("mail", "unread")["detail"] == "none"
    assert report("store", "integrity")["detail"] == "every page is valid"  # and not: every index
    assert report("clients", "generic")["detail"] == "2 agents"


def test_doctor_registers_nobody_and_starts_nothing(doctor, xats, crew):
    xats.on_terminal("doctor", env={"XATS_AUTOSTART": None}, code=None)
    doctor(env={"XATS_AUTOSTART": None})
    assert [row["name"] for row in crew.rows("select name from agents order by id")] == ["alice", "bob"]
    assert not lock.held(xats.path)


# -- how it looks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def troubled(xats, crew, quiet_path):
    """Two warnings and a failure."""
    crew.send("alice", "bob")
    crew.store.write(lambda tx: tx.run("update wakes set next_attempt_at = next_attempt_at - 300000"))
    xats.environ["XATS_HOPE"] = "20"
    return xats


def test_in_a_pipe_a_line_is_five_cells(troubled):
    ran = troubled("doctor", code=5)
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    assert {len(row) for row in rows} == {5}
    assert {row[0] for row in rows} == {"OK", "WARN", "FAIL"}
    assert list(dict.fromkeys(row[1] for row in rows)) == SECTIONS
    assert all(bool(row[4]) is (row[0] != "OK") for row in rows)
    assert re.fullmatch(r"\d+ ok, 2 warn, 1 fail\n", ran.stderr)


def test_quiet_prints_what_is_wrong_alone(troubled):
    ran = troubled("doctor", "-q", code=5)
    assert [line.split("\t")[:3] for line in ran.stdout.splitlines()] == [
        ["WARN", "daemon", "running"],
        ["FAIL", "daemon", "lag"],
        ["WARN", "environment", "XATS_HOPE"],
    ]
    assert ran.stderr == ""


def test_quiet_says_nothing_when_nothing_is_wrong(xats, crew, quiet_path):
    ran = xats("doctor", "-q", env={"XATS_AUTOSTART": None})
    assert (ran.stdout, ran.stderr) == ("", "")


def test_on_a_terminal_it_fits_80_columns_and_says_its_states_in_words(troubled, crew):
    crew.add("a-name-that-is-as-long-as-a-name-can-be-and-that-is-64-in-all")
    crew.send("alice", "a-name-that-is-as-long-as-a-name-can-be-and-that-is-64-in-all")
    environ = {"NO_COLOR": "1", "COLUMNS": "80", "XATS_HOPS": "x\x1b[31my"}
    shown = troubled.on_terminal("doctor", env=environ, code=5)
    assert "\x1b" not in shown
    lines = shown.splitlines()
    assert [line for line in lines if line in SECTIONS] == SECTIONS
    long = [line for line in lines if len(line) > 80 and "try: " not in line]
    assert [line for line in long if str(troubled.home.parent) not in line] == []  # a path is not broken in two
    for state in ("OK", "WARN", "FAIL"):
        assert any(line.startswith(f"  {state:4}  ") for line in lines)
    at = next(number for number, line in enumerate(lines) if line.startswith("  FAIL  lag"))
    assert "        try: xats daemon start" in lines[at + 1 : at + 4]
    coloured = troubled.on_terminal("doctor", env={**environ, "NO_COLOR": None}, code=5)
    assert "\x1b[1mstore\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert re.sub(AGO, "", plain) == re.sub(AGO, "", shown)  # it takes a while


# -- the store ---------------------------------------------------------------------------------------------------------


def made(path: str) -> None:
    open_store(path).close()


def damage(path: str) -> None:
    made(path)
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def foreign(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table mine (x)")
    connection.commit()
    connection.close()


def newer(path: str) -> None:
    made(path)
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()


def older(path: str) -> None:
    newer(path)
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 1")
    connection.execute("drop table pauses")
    connection.close()


def half_written(path: str) -> None:
    """Leave what a process leaves that dies in the middle of a transaction: a journal to be rolled back."""
    made(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = delete")
    connection.execute("pragma cache_size = 1")
    connection.execute("begin immediate")
    for number in range(300):
        connection.execute(
            "insert into events (at, team, type, subject, data) values (?, 't', 't', 's', ?)", (number, "x" * 2000)
        )
    shutil.copy(path, path + ".copy")
    shutil.copy(path + "-journal", path + ".copy-journal")
    connection.close()
    for suffix in ("", "-journal"):
        os.replace(path + ".copy" + suffix, path + suffix)


BROKEN = {
    "damaged": (damage, "integrity", "fail"),
    "foreign": (foreign, "header", "fail"),
    "text": (lambda path: Path(path).write_text("no database\n" * 400), "header", "fail"),
    "too new": (newer, "schema", "fail"),
    "older": (older, "schema", "warn"),
    "empty": (lambda path: Path(path).touch(), "header", "warn"),
    "a folder": (lambda path: Path(path).mkdir(), "file", "fail"),
    "a broken link": (lambda path: Path(path).symlink_to("nowhere"), "file", "fail"),
    "half-written": (half_written, "journal", "warn"),
    "open to others": (lambda path: (made(path), Path(path).chmod(0o644)), "permissions", "fail"),
}


@pytest.mark.usefixtures("rollback")  # the time of the folder tells of a write-ahead log that was there for a moment
@pytest.mark.parametrize("what", BROKEN)
def test_whatever_the_store_is_the_rest_is_looked_at(doctor, xats, quiet_path, what):
    spoil, name, state = BROKEN[what]
    (xats.home / "xats").mkdir(mode=0o700)
    spoil(xats.path)
    if os.path.isfile(xats.path) and what != "open to others":
        os.chmod(xats.path, 0o600)
    report = doctor()
    assert report.state("store", name) == state
    assert report.code == (5 if state == "fail" else 0)
    assert [found for found in report.bad if found[0] not in ("store", "daemon")] == []
    seen = {one["section"] for one in report.checks}
    assert seen >= {"store", "tmux", "daemon", "clients", "environment"}
    assert ("mail" in seen) is (what == "open to others")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_store_that_may_not_be_read_is_a_line(doctor, xats, crew):
    os.chmod(xats.path, 0)
    try:
        report = xats("doctor", "--json", code=5)
    finally:
        os.chmod(xats.path, 0o600)
    assert Report(report).state("store", "header") == "fail"


@pytest.mark.usefixtures("rollback")  # a write-ahead log lets others read
def test_a_store_that_others_keep_locked_is_a_line(doctor, xats, crew, quiet_path):
    # In another process: this one reads the file, which would drop its locks.
    hold = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('begin exclusive'); print(1); input()"
    holding = xats.start(command=[sys.executable, "-u", "-c", hold, xats.path], stdin=subprocess.PIPE)
    assert holding.stdout.readline() == b"1\n"
    report = doctor()
    (found,) = [one for one in report.checks if one["section"] == "store" and one["state"] == "fail"]
    assert f"pid {holding.pid} (" in found["detail"]
    assert report.state("tmux", "version") in ("ok", "warn")


def test_the_files_of_a_write_ahead_log_do_not_appear(doctor, xats, crew, quiet_path):
    crew.send("alice", "bob")
    crew.store.close()
    connection = sqlite3.connect(xats.path)
    assert connection.execute("pragma journal_mode = wal").fetchone() == ("wal",)
    connection.close()
    # The time of the folder tells that they were there, as at any other look.
    report = Report(xats("doctor", "--json", code=None))
    assert report("store", "journal")["detail"].startswith(("wal", "a WAL"))
    assert report("mail", "unread")["detail"].startswith("1 for 1 agent")
    assert sorted(os.listdir(os.path.dirname(xats.path))) == ["xats.db"]


# -- tmux --------------------------------------------------------------------------------------------------------------


def fake(folder, shell: str) -> dict[str, str]:
    path = folder / "fake-tmux"
    path.write_text(f"#!/bin/sh\n{shell}\n")
    path.chmod(0o700)
    return {"XATS_TMUX": str(path)}


@pytest.fixture
def tmux():
    folder = tempfile.mkdtemp(prefix="xd", dir="/tmp")  # short: the path of a socket has 104 bytes
    made = Tmux(folder)
    try:
        yield made
    finally:
        if made.pid and made.alive:
            os.kill(made.pid, signal.SIGCONT)
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def seated(crew, tmux):
    """bob in a composer, and a function that seats others."""

    def sit(name: str, client: str = "codex"):
        composer = tmux.compose("--prompt", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ")
        pane = find(tmux.socket, composer.pane)
        seat = Seat(HOST, composer.pid, process.started(composer.pid), None, pane)
        crew.register(name, seat=seat, client=client)
        return composer

    tmux.sit = sit
    tmux.bob = sit("bob")
    return tmux


def test_a_missing_tmux_fails_only_where_it_is_needed(doctor, crew, tmp_path):
    nowhere = {"XATS_TMUX": str(tmp_path / "nowhere")}
    assert doctor(env=nowhere).state("tmux", "version") == "warn"
    pane = Pane("/tmp/s", 1, 1, "%1", 2, "/dev/pts/1")
    crew.register("bob", seat=Seat(HOST, None, None, None, pane))
    report = doctor(env=nowhere)
    assert report("tmux", "version") == {
        "section": "tmux",
        "name": "version",
        "state": "fail",
        "detail": f"there is no program {nowhere['XATS_TMUX']}",
        "fix": "install tmux 3.2 or newer",
    }


@pytest.mark.parametrize(
    "version, state",
    [("2.9a", "warn"), ("3.1c", "warn"), ("3.2", "ok"), ("next-3.6", "ok"), ("openbsd-7.5", "ok"), ("master", "ok")],
)
def test_an_old_tmux_is_told(doctor, crew, tmp_path, version, state):
    report = doctor(env=fake(tmp_path, f"echo tmux {version}"))
    assert report.state("tmux", "version") == state
    assert version in report("tmux", "version")["detail"]


@needs_tmux
def test_a_pane_in_which_the_agent_waits_is_ok(doctor, seated):
    report = doctor()
    assert f"pid {seated.pid}" in report("tmux", "server")["detail"]
    found = report("tmux", "bob@crew")
    assert (found["state"], found["detail"]) == ("ok", f"{seated.bob.pane}: pid {seated.bob.pid} is in front, idle")
    assert seated.bob.untouched()


@needs_tmux
@pytest.mark.parametrize(
    "do, undo", [(["copy-mode"], "#{pane_in_mode}"), (["select-pane", "-d"], "#{pane_input_off}")], ids=["mode", "off"]
)
def test_the_mend_of_a_pane_that_takes_no_keys_mends_it(doctor, seated, do, undo):
    seated.cmd(*do, "-t", seated.bob.pane)
    found = doctor()("tmux", "bob@crew")
    assert found["state"] == "warn"
    subprocess.run(shlex.split(found["fix"]), check=True, timeout=20, capture_output=True)
    assert seated.cmd("display-message", "-p", "-t", seated.bob.pane, undo) == "0"
    assert doctor().state("tmux", "bob@crew") == "ok"


@needs_tmux
def test_what_a_person_does_in_their_pane_is_no_warning(doctor, seated, crew):
    crew.store.write(lambda tx: tx.run("update agents set client = 'human' where name_key = 'bob'"))
    seated.cmd("copy-mode", "-t", seated.bob.pane)
    assert doctor().state("tmux", "bob@crew") == "ok"


@needs_tmux
@pytest.mark.parametrize(
    "what, said",
    [
        ("gone", "is gone"),
        ("dead", "the program in its pane has ended"),
        ("other", "something else runs in its pane now"),
    ],
)
def test_a_pane_without_its_agent_is_a_warning(doctor, seated, what, said):
    pane = seated.bob.pane
    if what == "gone":
        seated.cmd("kill-pane", "-t", pane)
    elif what == "dead":
        seated.cmd("set-option", "-p", "-t", pane, "remain-on-exit", "on")
        os.kill(seated.bob.pid, signal.SIGKILL)
        until(lambda: seated.cmd("display-message", "-p", "-t", pane, "#{pane_dead}") == "1")
    else:
        seated.cmd("respawn-pane", "-k", "-t", pane, "exec sleep 600")
    report = doctor()
    found = report("tmux", "bob@crew")
    assert (found["state"], said in found["detail"]) == ("warn", True)
    assert "xats unregister bob@crew" in found["fix"]
    assert report.state("tmux", "server") == "ok"


@needs_tmux
@pytest.mark.parametrize("what", ["gone", "other", "server"])
def test_a_shell_that_a_person_has_left_is_no_warning(doctor, seated, crew, what):
    crew.store.write(lambda tx: tx.run("update agents set client = 'human' where name_key = 'bob'"))
    if what == "server":
        seated.cmd("kill-server")
    elif what == "gone":
        seated.cmd("kill-pane", "-t", seated.bob.pane)
    else:
        seated.cmd("respawn-pane", "-k", "-t", seated.bob.pane, "exec sleep 600")
    report = doctor()
    assert report.state("tmux", "server") == "ok"
    if what != "server":
        assert report.state("tmux", "bob@crew") == "ok"


@needs_tmux
def test_an_agent_behind_its_shell_is_a_warning(doctor, crew, seated, tmp_path):
    pane = seated.open("exec env PS1='at-bash$ ' HISTFILE= bash --norc --noprofile")
    until(lambda: "at-bash$" in seated.text(pane))
    log = f"{seated.folder}/shell.log"
    seated.cmd("send-keys", "-t", pane, "-l", shlex.join([sys.executable, COMPOSER, log]))
    seated.cmd("send-keys", "-t", pane, "Enter")
    composer = Composer(seated, pane, log)
    seat = Seat(HOST, composer.pid, process.started(composer.pid), None, find(seated.socket, pane))
    crew.register("carol", seat=seat)
    assert doctor().state("tmux", "carol@crew") == "ok"
    os.kill(composer.pid, signal.SIGSTOP)
    until(lambda: "Stopped" in seated.text(pane))
    found = doctor()("tmux", "carol@crew")
    assert (found["state"], "a shell, not the agent, is in front" in found["detail"]) == ("warn", True)
    assert "fg" in found["fix"]
    os.kill(composer.pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(composer.pid))
    found = doctor()("tmux", "carol@crew")
    assert found["fix"] == "start it again in its pane, or: xats unregister carol@crew"


@needs_tmux
def test_waking_says_what_the_pane_says(doctor, seated, crew):
    """A pane into which xats would type nothing now is no way to wake its agent."""
    assert doctor()("waking", "bob@crew")["detail"] == f"tmux: {seated.bob.pane}"
    seated.cmd("copy-mode", "-t", seated.bob.pane)
    report = doctor()
    pane, waking = report("tmux", "bob@crew"), report("waking", "bob@crew")
    assert (pane["state"], waking["state"]) == ("warn", "warn")
    assert (waking["detail"], waking["fix"]) == (f"tmux: {pane['detail']}", pane["fix"])
    seated.cmd("kill-server")
    found = doctor()("waking", "bob@crew")
    assert (found["state"], found["detail"]) == ("warn", f"tmux: {seated.bob.pane}: its tmux server cannot be used")


@needs_tmux
def test_a_shell_in_front_is_named_once(doctor, seated, crew):
    pane = seated.open("exec env PS1= bash --norc --noprofile")
    shell = int(seated.cmd("display-message", "-p", "-t", pane, "#{pane_pid}"))
    gone = subprocess.Popen(["sleep", "60"])
    at = process.started(gone.pid)
    gone.kill()
    gone.wait()
    crew.register("carol", seat=Seat(HOST, gone.pid, at, None, find(seated.socket, pane)), client="codex")
    until(lambda: process.read(shell) and process.read(shell).name == "bash")
    report = doctor()
    said = f"{pane}: a shell, not the agent, is in front in its pane: bash"
    assert report("tmux", "carol@crew")["detail"] == said
    assert report("waking", "carol@crew")["detail"] == f"tmux: {said}"


@needs_tmux
def test_a_server_that_is_gone_and_one_in_its_place_are_told(doctor, seated):
    seated.stop()
    found = doctor()("tmux", "server")
    assert (found["state"], "bob@crew" in found["detail"]) == ("warn", True)
    assert not doctor().has("tmux", "bob@crew")
    seated.start()
    found = doctor()("tmux", "server")
    assert found["state"] == "warn"
    assert "another server now" in found["detail"]


@needs_tmux
def test_a_server_whose_socket_is_gone_is_not_said_to_be_gone(doctor, seated):
    os.unlink(seated.socket)
    found = doctor()("tmux", "server")
    assert (found["state"], "runs, but not at its socket" in found["detail"]) == ("fail", True)
    assert found["fix"].startswith(f"kill -USR1 {seated.pid}")
    os.kill(seated.pid, signal.SIGUSR1)
    until(lambda: os.path.exists(seated.socket))
    assert doctor().state("tmux", "server") == "ok"


@needs_tmux
def test_a_server_that_does_not_answer_fails_and_holds_nothing_up(doctor, seated):
    seated.sit("carol")
    os.kill(seated.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        report = doctor()
    finally:
        os.kill(seated.pid, signal.SIGCONT)
    assert time.monotonic() - began < 10  # one server is asked once, whoever has panes on it
    found = report("tmux", "server")
    assert found["state"] == "fail"
    assert "bob@crew, carol@crew" in found["detail"]


@needs_tmux
def test_another_hosts_panes_are_not_looked_for(doctor, crew, seated):
    pane = find(seated.socket, seated.bob.pane)
    crew.register("bob", seat=Seat("elsewhere", 1, 1, None, pane))
    report = doctor()
    assert not report.has("tmux", "bob@crew")
    assert not report.has("tmux", "server")


# -- the daemon --------------------------------------------------------------------------------------------------------


def due_since(crew, ms: int) -> None:
    crew.send("alice", "bob")
    crew.store.write(lambda tx: tx.run("update wakes set next_attempt_at = :at", at=tx.now - ms))


@pytest.mark.parametrize("ms, state", [(0, "ok"), (10_000, "warn"), (70_000, "fail")])
def test_the_lag_is_how_long_a_wake_has_been_due(doctor, crew, quiet_path, ms, state):
    due_since(crew, ms)
    report = doctor()
    found = report("daemon", "lag")
    assert (found["state"], report.code) == (state, 5 if state == "fail" else 0)
    assert ("bob@crew" in found["detail"]) is (state != "ok")
    assert found["fix"] == ("" if state == "ok" else "xats daemon start")
    assert report.state("daemon", "running") == "warn"  # wakes wait for it


def test_the_wakes_of_another_host_are_not_this_daemons(doctor, crew, quiet_path):
    crew.register("bob", seat=Seat("elsewhere", 1, 1))
    due_since(crew, 70_000)
    report = doctor(env={"XATS_AUTOSTART": None})
    assert (report.state("daemon", "lag"), report.state("daemon", "running")) == ("ok", "ok")


@pytest.fixture
def daemon(xats, crew):
    """A daemon that runs in the background; return its pid."""
    pid = xats("daemon", "start", "--json").json()["pid"]
    until(lambda: " started, pid " in Path(lock.log_path(xats.path)).read_text())
    yield pid
    xats("daemon", "stop")


def settled_report(xats) -> Report:
    """Return a report while a daemon runs, which writes to its log whenever it likes."""
    return Report(xats("doctor", "--json", code=None))


def test_a_daemon_that_runs_is_told_with_its_version(xats, daemon):
    found = settled_report(xats)("daemon", "running")
    assert (found["state"], found["detail"]) == ("ok", f"pid {daemon}, xats {__version__}")


def test_a_daemon_of_another_version_is_a_warning(xats, daemon):
    log = Path(lock.log_path(xats.path))
    log.write_text(log.read_text().replace(f"xats {__version__}", "xats 0.0.1"))
    found = settled_report(xats)("daemon", "running")
    assert (found["state"], found["fix"]) == ("warn", "xats daemon restart")
    assert "0.0.1" in found["detail"]


def test_a_daemon_that_is_stopped_is_no_daemon_that_runs(xats, daemon):
    halt(daemon, xats.path)
    try:
        found = settled_report(xats)("daemon", "running")
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert (found["state"], found["fix"]) == ("fail", f"kill -CONT {daemon}")
    assert f"pid {daemon} is stopped" in found["detail"]
    assert settled_report(xats)("daemon", "running")["state"] == "ok"


def test_a_daemon_with_a_sqlite_that_may_damage_a_wal_is_a_failure(xats, daemon, monkeypatch):
    said = report.read(xats.path, daemon)
    assert said["sqlite"] == sqlite3.sqlite_version
    monkeypatch.setattr(health_daemon.engine, "wal_is_safe", lambda version: version > (3, 51, 2))
    monkeypatch.setattr(health_daemon.engine, "VERSION", "3.51.3")
    monkeypatch.setattr(health_daemon.info, "journal", lambda _: "wal")
    (found,) = health_daemon._sqlite(xats.path, {**said, "sqlite": "3.40.1"})
    assert (found.state, "3.40.1" in found.detail, "3.51.3" in found.detail) == ("fail", True, True)
    assert list(health_daemon._sqlite(xats.path, {**said, "sqlite": "3.51.3"})) == []
    monkeypatch.setattr(health_daemon.info, "journal", lambda _: "delete")
    assert list(health_daemon._sqlite(xats.path, {**said, "sqlite": "3.40.1"})) == []


def entry(level: str, seconds: float, text: str) -> str:
    """Return a line as the daemon's log has it, written so many seconds ago."""
    record = logging.LogRecord("x", getattr(logging, level), "", 0, text, None, None)
    record.created, record.msecs = time.time() - seconds, 7
    return logging.Formatter("%(asctime)s %(levelname)s %(message)s").format(record) + "\n"


def test_the_last_error_is_told_with_its_age(doctor, xats, crew):
    log = Path(lock.log_path(xats.path))
    assert doctor()("daemon", "last_error")["detail"] == "no log yet"
    log.write_text(entry("INFO", 9, "started") + entry("WARNING", 9, "the store is busy"))
    assert doctor()("daemon", "last_error")["detail"] == "none in its log"
    log.write_text(entry("ERROR", 300_000, "long ago") + entry("INFO", 9, "ERROR is only a word here"))
    assert doctor()("daemon", "last_error")["detail"] == "3 d ago: long ago"
    assert doctor().state("daemon", "last_error") == "ok"
    trace = "Traceback (most recent call last):\n  File ...\nValueError: out of paste\n"
    log.write_text(
        entry("ERROR", 999, "first") + entry("ERROR", 130, "wake 3") + trace + entry("INFO", 9, "wake 4: delivered")
    )
    found = doctor()("daemon", "last_error")
    assert (found["state"], found["detail"]) == ("warn", "2 min ago: wake 3: ValueError: out of paste")
    assert str(log) in found["fix"]


# -- mail --------------------------------------------------------------------------------------------------------------


def test_what_is_unread_for_long_is_a_warning(doctor, crew, quiet_path):
    crew.send("alice", "bob")
    report = doctor()
    assert report("mail", "unread")["detail"] == "1 for 1 agent; the oldest, for bob@crew, was sent just now"
    assert report("mail", "bob@crew")["detail"] == "wake queued, due now"
    crew.store.write(lambda tx: tx.run("update messages set sent_at = sent_at - 1000000"))
    found = doctor()("mail", "unread")
    assert (found["state"], "16 min ago" in found["detail"]) == ("warn", True)


def test_what_a_person_has_not_read_is_nobodys_fault(doctor, crew, quiet_path):
    crew.add("carol", client="human")
    crew.send("alice", "carol")
    crew.store.write(lambda tx: tx.run("update messages set sent_at = sent_at - 1000000000"))
    found = doctor()("mail", "unread")
    assert (found["state"], "carol@crew" in found["detail"]) == ("ok", True)
    crew.send("alice", "bob")
    found = doctor()("mail", "unread")
    assert (found["state"], found["detail"]) == ("ok", "2 for 2 agents; the oldest, for bob@crew, was sent just now")


def test_what_each_open_wake_waits_for_is_told(doctor, crew, quiet_path):
    crew.add("carol", "dave", "erin")
    for name in ("bob", "carol", "dave", "erin"):
        crew.send("alice", name)

    def work(tx) -> None:
        of = "where agent_id = (select id from agents where name = :name)"
        tx.run(
            f"update wakes set state = 'retrying', reason = 'busy', next_attempt_at = :at {of}",
            at=tx.now + 95_500,
            name="bob",
        )
        tx.run(f"update wakes set reason = 'pane_dead', next_attempt_at = null {of}", name="carol")
        tx.run(f"update wakes set lease_token = 't:1:1', lease_until = :at {of}", at=tx.now + 60_000, name="dave")

    crew.store.write(work)
    crew.do("alice", pauses.pause, "crew", crew.agent("erin"), "thinking")
    report = doctor()
    told = {name: report("mail", f"{name}@crew") for name in ("bob", "carol", "dave", "erin")}
    assert re.fullmatch(r"wake retrying: the agent is busy, again in 9\d s", told["bob"]["detail"])
    assert told["carol"]["state"] == "warn"
    assert told["carol"]["detail"].startswith(
        "wake suspended until it registers again: the program in its pane has ended"
    )
    assert told["dave"]["detail"] == "wake queued, an attempt runs now"
    assert told["erin"]["detail"] == "wake held: wakes are paused"
    found = report("mail", "paused")
    assert (found["state"], found["fix"]) == ("warn", "xats resume erin@crew")
    assert found["detail"] == "erin@crew, by alice@crew just now: thinking"


def test_dead_letters_and_alerts_are_counted(doctor, xats, crew, clock, quiet_path):
    crew.send("alice", "bob", ttl=1)
    crew.send("alice", "bob", need_reply=True)
    report = doctor()
    assert report("mail", "dead_letters")["detail"] == "1, to retry or drop"  # before a sweep has noted it
    assert not report.has("mail", "alerts")
    until(lambda: crew.store.write(inbox.sweep))
    crew.store.write(lambda tx: tx.run("update deliveries set alerted_at = :now where state = 'unread'", now=tx.now))
    report = doctor()
    assert report("mail", "dead_letters")["detail"] == "1, to retry or drop"
    assert xats("dead", "list", "--as", "alice").stdout
    assert report.state("mail", "alerts") == "warn"
    crew.do("bob", inbox.mark_read, [2])
    assert not doctor().has("mail", "alerts")


# -- clients -----------------------------------------------------------------------------------------------------------


def program(folder, name: str, shell: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{shell}\n")
    path.chmod(0o700)


def test_programs_are_asked_for_their_versions_for_two_seconds_together(xats, crew, quiet_path, tmp_path):
    crew.add("carol", client="claude-code")
    crew.add("dave", client="gemini")
    crew.add("erin", client="mystery")
    program(quiet_path, "claude", '[ "$*" = --version ] && echo "2.1.329 (Claude Code)"')
    program(quiet_path, "codex", "echo broken; exit 3")
    for name in ("opencode", "aider"):
        program(quiet_path, name, f"sleep 600 & echo $$ $! >{tmp_path}/{name}.pids; wait; echo 1.0")
    began = time.monotonic()
    report = Report(xats("doctor", "--json", code=None))
    assert time.monotonic() - began < 2 * clients.LIMIT + 2
    assert report("clients", "claude-code")["detail"] == f"2.1.329 (Claude Code), {quiet_path}/claude; 1 agent"
    assert report.state("clients", "codex") == "warn"
    for name in ("opencode", "aider"):
        found = report("clients", name)
        assert (found["state"], found["detail"]) == ("ok", f"version unknown, {quiet_path}/{name}")
        for pid in map(int, (tmp_path / f"{name}.pids").read_text().split()):
            until(lambda pid=pid: process.started(pid) is None, what="the end of all that hung")
    assert report("clients", "gemini")["detail"] == "1 agent; not in PATH"
    assert report("clients", "mystery")["detail"] == "1 agent; no profile, so xats treats it as generic"
    assert not report.has("clients", "cursor")


def test_what_went_wrong_at_a_hook_lately_is_told(doctor, xats, crew, quiet_path):
    """A session whose name another one has gets no mail, and its program is told nothing."""
    log = Path(f"{xats.path}-hooks.log")

    def entry(seconds: float, said: str) -> str:
        return f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - seconds))} {said}\n"

    taken = "codex SessionStart name_taken: bob is held by a living process (pid 7 on h)."
    passing = entry(9, "codex Stop store_busy") + entry(8, "opencode wait KeyboardInterrupt in wait, line 7")
    log.write_text(entry(90_000, taken) + passing + "\n")
    assert not doctor().has("clients", "last hook error")
    log.write_text(entry(130, taken) + passing)
    found = doctor()("clients", "last hook error")
    assert (found["state"], found["detail"]) == ("warn", f"2 min ago: {taken}")
    assert str(log) in found["fix"]


@pytest.mark.parametrize(
    "config, arguments, state",
    [
        ("", "", "warn"),
        ("", "--add-dir {folder}", "ok"),
        ("", "--add-dir={folder}", "ok"),
        ("", "--add-dir {folder}/deeper", "warn"),
        ("", "--sandbox danger-full-access", "ok"),
        ("", "--sandbox workspace-write", "warn"),
        ("", "--yolo", "ok"),
        ('sandbox_mode = "danger-full-access"', "", "ok"),
        ('[sandbox_workspace_write]\nwritable_roots = ["{folder}"]', "", "ok"),
        ('[sandbox_workspace_write]\nwritable_roots = ["/elsewhere"]', "", "warn"),
    ],
)
def test_a_sandbox_that_keeps_agents_from_sending_is_a_warning(doctor, xats, crew, home, config, arguments, state):
    folder = os.path.dirname(xats.path)
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(config.format(folder=folder))
    words = arguments.format(folder=folder).split()
    running = xats.start(command=[sys.executable, "-c", "import time; time.sleep(600)", *words])
    seat = Seat(HOST, running.pid, process.started(running.pid))
    until(lambda: "time.sleep" in " ".join(process.argv(running.pid)))
    crew.register("dora", seat=seat, client="codex")
    found = [one for one in doctor().checks if one["name"] == "sandbox of codex"]
    assert [one["state"] for one in found] == (["warn"] if state == "warn" else [])
    for one in found:
        assert one["detail"] == f"Codex's sandbox cannot write {folder}, so dora@crew cannot send mail"
        assert "xats launch codex --writable-store" in one["fix"] and folder in one["fix"]


def test_a_login_shell_gets_no_advice_that_it_would_undo(doctor, xats, crew):
    """Codex runs each command in a login shell, which sets PATH itself."""
    path = xats.install(xats.folder)
    crew.register("dora", client="codex")
    crew.store.write(lambda tx: tx.run("update sessions set xats_path = :path", path=path))
    found = doctor()("environment", "PATH of dora@crew")
    assert found["state"] == "ok"
    assert f"a login shell, so wake lines and hooks give the path: {path}" in found["detail"]
    assert f"if ~/.profile has: export PATH={xats.folder}:$PATH" in found["detail"]


def test_hooks_are_not_spoken_of_yet(doctor, crew):
    assert clients.hooks({}) == []
    assert [one for one in doctor().checks if "hook" in one["name"]] == []


@pytest.mark.parametrize(
    "name, text",
    [("codex", "busy = [1]\n"), ("codex", "nonsense = 1\n"), ("mine", "busy = \n"), ("codex", "\xff")],
    ids=["value", "field", "syntax", "bytes"],
)
def test_a_profile_that_cannot_be_read_fails_and_names_its_file(doctor, xats, crew, quiet_path, tmp_path, name, text):
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / f"{name}.toml").write_bytes(text.encode("latin-1"))
    (folder / "fine.toml").write_text('executables = ["fine"]\n')
    program(quiet_path, "fine", "echo 7")
    report = doctor(env={"XATS_CLIENTS": str(folder)})
    found = report("clients", "profile")
    assert (found["state"], f"{folder}/{name}.toml" in found["detail"]) == ("fail", True)
    assert report("clients", "fine")["detail"] == f"7, {quiet_path}/fine"


# -- the environment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value",
    [
        ("XATS_QUIET_MS", "two"),
        ("XATS_LADDER", "30s,soon"),
        ("XATS_HOPS", "many"),
        ("XATS_KEEP", "a while"),
        ("XATS_WAKE_TIMEOUT", "1h"),
        ("XATS_WAKE_COMMAND", "wake"),
        ("XATS_AGENT", "not a name"),
        ("XATS_TEAM", "all"),
    ],
)
def test_a_variable_that_cannot_be_read_fails(doctor, crew, quiet_path, name, value):
    found = doctor(env={name: value})("environment", name)
    assert found["state"] == "fail"
    assert doctor(env={name: ""}).code == 0


def test_an_unknown_variable_is_a_warning_with_the_nearest_name(doctor, crew, quiet_path):
    report = doctor(env={"XATS_LADER": "1s", "XATS_ZZZZZZZZ": "1", "XATS_CLIENTS": "/nowhere"})
    assert report.code == 0
    assert report("environment", "XATS_LADER")["fix"] == "did you mean XATS_LADDER?"
    assert report("environment", "XATS_ZZZZZZZZ")["fix"] == "unset XATS_ZZZZZZZZ"
    assert report.state("environment", "XATS_CLIENTS") == "warn"


def test_a_git_file_that_is_not_followed_is_a_warning(doctor, xats, crew, quiet_path):
    assert not doctor().has("environment", "project")
    (xats.folder / ".git").write_text("gitdir: /nowhere/.git/worktrees/crew\n")
    found = doctor()("environment", "project")
    assert (found["state"], "/nowhere/.git/worktrees/crew" in found["detail"]) == ("warn", True)
    assert "worktree repair" in found["fix"]


def test_an_agent_that_a_program_is_to_wake_needs_one(doctor, crew, quiet_path, tmp_path):
    nowhere = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert not doctor(env=nowhere).has("environment", "wake")
    crew.add("carol", wake_by="command")
    found = doctor(env=nowhere)("environment", "wake")
    assert (found["state"], "carol@crew" in found["detail"]) == ("fail", True)
    (tmp_path / "config" / "xats").mkdir(parents=True)
    program(tmp_path / "config" / "xats", "wake", "exit 0")
    assert doctor(env=nowhere).state("environment", "wake") == "ok"
    assert doctor(env={"XATS_WAKE_COMMAND": f"{quiet_path}/sh"}).state("environment", "XATS_WAKE_COMMAND") == "ok"


def test_every_variable_that_xats_reads_is_known():
    used = {
        name for file in (ROOT / "xats").rglob("*.py") for name in re.findall(r'"(XATS_[A-Z_]+)"', file.read_text())
    }
    assert used - {"XATS_"} <= {*environment.READERS, "XATS_HOPS"}


# -- what it costs the others ------------------------------------------------------------------------------------------


def test_no_program_is_asked_for_its_version_by_any_other_verb(xats, crew, quiet_path, tmp_path):
    program(quiet_path, "claude", f"echo >>{tmp_path}/asked; echo 1")
    for words in (["agents"], ["send", "bob", "hi", "--as", "alice"], ["daemon", "status"], ["client", "list"]):
        xats(*words)
    assert not (tmp_path / "asked").exists()
    xats("doctor")
    assert (tmp_path / "asked").exists()


def test_a_daemon_of_codex_that_has_the_name_of_an_agent(doctor, xats):
    xats.folder.joinpath("codex").symlink_to("/bin/sh")
    words = [str(xats.folder / "codex"), "-c", "kill -STOP $$; true", "app-server"]
    other = xats.start(command=words, env={"XATS_AGENT": "bob@crew", "XATS_HOME": "/elsewhere"})
    nameless = xats.start(command=words)
    daemon = xats.start(command=words, env={"XATS_AGENT": "alice@crew"})
    for one in (other, nameless, daemon):
        until(lambda one=one: psutil.Process(one.pid).status() == psutil.STATUS_STOPPED)
    check = doctor()("clients", "codex daemon")
    assert check["state"] == "warn"
    assert f"pid {daemon.pid}" in check["detail"]
    assert "XATS_AGENT=alice@crew" in check["detail"]
    assert "xats launch codex" in check["fix"]
