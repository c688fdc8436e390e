"""The world of one test: a home with a store, real `xats` processes, private tmux servers; gone afterwards."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

import psutil
import pytest

from tests import support
from tests.support import documents
from tests.support.blank import new_store
from tests.support.waiting import PATIENCE, until
from xats.base import process
from xats.daemon import lock
from xats.store.sqlite import holder

COMPOSER = os.path.join(support.FOLDER, "composer.py")
FOREIGN = ("XATS_", "TMUX", "CLAUDE", "CODEX", "GEMINI_", "QWEN_", "OPENCODE", "AMP_", "CURSOR_", "SANDBOX_")


def halt(pid, path):
    """Stop the process `pid` (SIGSTOP) at a moment at which it does not keep the store at `path` locked."""

    def halted():
        os.kill(pid, signal.SIGSTOP)
        until(lambda: process.state(pid) == "stopped")
        if (held := holder.find(path)) is None or held.pid != pid:
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    until(halted)


def clean_environment(**more):
    """Return the environment without what the tests' own surroundings say about agents and panes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


class Tmux:
    """A tmux server of its own. Pane %0 only keeps it alive.

    It is driven without libtmux. That has no time limit, gives the server the environment of this process, and cannot
    read the answers of tmux where the locale is C.
    """

    def __init__(self, folder, name="s"):
        self.folder, self.socket = folder, os.path.join(folder, name)
        self.pid = None
        self._logs = 0
        self.start()

    def start(self):
        self.cmd("new-session", "-d", "-s", "keep", "-x", "80", "-y", "24", "exec tail -f /dev/null")
        self.pid = int(self.cmd("display-message", "-p", "#{pid}"))

    def cmd(self, *words, check=True):
        answer = subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *words],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert not check or answer.returncode == 0, (words, answer.stderr)
        return answer.stdout.rstrip("\n")

    def open(self, command):
        """Open a pane with `command` in it; return its id."""
        return self.cmd("new-session", "-d", "-x", "80", "-y", "24", "-P", "-F", "#{pane_id}", command)

    def compose(self, *options, path=None, script=COMPOSER):
        """Open a pane with a composer in it, the program `script`, which has the PATH `path`."""
        self._logs += 1
        log = f"{self.socket}-{self._logs}.log"
        words = [*(["env", f"PATH={path}"] if path else []), sys.executable, script, log, *options]
        return Composer(self, self.open("exec " + shlex.join(words)), log)

    def text(self, pane):
        return self.cmd("capture-pane", "-p", "-t", pane)

    @property
    def alive(self):
        return process.started(self.pid) is not None

    def stop(self):
        """Kill the server and whatever is in its panes."""
        if self.pid and self.alive:
            self.cmd("kill-server", check=False)
            until(lambda: not self.alive, what="the end of tmux")


class Composer:
    """A composer in a pane, and what it took."""

    def __init__(self, tmux, pane, log):
        self.tmux, self.pane, self.log = tmux, pane, log
        self.pid = until(lambda: next((one["ready"] for one in self.entries() if "ready" in one), None))

    def entries(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as file:
            return [json.loads(line) for line in file.read().splitlines(keepends=True) if line.endswith("\n")]

    @property
    def sent(self):
        return [one["submit"] for one in self.entries() if "submit" in one]

    def untouched(self):
        """Nothing was typed, and no buffer was left behind."""
        typed = [one for one in self.entries() if "ready" not in one]
        return not typed and "xats" not in self.tmux.text(self.pane) and self.tmux.cmd("list-buffers") == ""

    def fall_quiet(self):
        """Stop the clock of a composer, and wait until it is gone from the screen."""
        os.kill(self.pid, signal.SIGUSR1)
        until(lambda: not self.tmux.text(self.pane)[:1].isdigit(), what="a quiet screen")


class World:
    """A home, its store, and every process started for it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="xw", dir="/tmp")  # short: the path of a socket has 104 bytes
        self.home = os.path.join(self.folder, "home")
        self.path = os.path.join(self.home, "xats.db")
        self.env = clean_environment(
            XATS_HOME=self.home, XATS_TEAM="t", XATS_AUTOSTART="0", XATS_QUIET_MS="100", XATS_LADDER="1h,1h,1h"
        )
        self.around = []  # the words before those of every xats, such as nsenter and its options
        self._servers, self._processes = [], []

    # -- commands ------------------------------------------------------------------------------------------------------

    def start(self, *words, **env):
        """Start `xats words` and return the process; stdout and stderr are pipes."""
        made = subprocess.Popen(
            [*self.around, sys.executable, "-m", "xats", *words],
            env={**self.env, **env},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(made)
        return made

    def xats(self, *words, code=0, **env):
        """Run `xats words` and return (stdout, stderr); `code` is the exit code that it must have, None any."""
        made = self.start(*words, **env)
        out, err = made.communicate(timeout=60)
        assert code in (None, made.returncode), (words, made.returncode, out, err)
        documents.check(words, out, err)
        return out, err

    def json(self, *words, code=0, **env):
        return documents.parsed(self.xats(*words, "--json", code=code, **env)[0])

    def send(self, to, body="hello", sender="alice", **env):
        """Send a message and return its id."""
        return int(self.xats("send", to, body, "--as", sender, "-q", **env)[0])

    def register(self, name, where=None, *options, **env):
        """Register `name` in the pane of the composer `where`, or in none."""
        new_store(self.path)
        if where is None:
            return self.xats("register", name, "--no-pane", *options, **env)
        tmux = {"TMUX": f"{where.tmux.socket},{where.tmux.pid},0", "TMUX_PANE": "%0"}
        return self.xats("register", name, "--pane", where.pane, *options, **{**tmux, **env})

    def remove_store(self):
        """Take the store away, with what SQLite keeps beside it."""
        for name in (self.path, f"{self.path}-wal", f"{self.path}-shm"):
            if os.path.exists(name):
                os.unlink(name)

    # -- the daemon ----------------------------------------------------------------------------------------------------

    def daemon(self, **env):
        """Run a daemon in the foreground, its log in `daemon.log`; return its process once it has the store open."""
        log = os.path.join(self.folder, "daemon.log")
        before = self.log().count(" started, ")
        with open(log, "a") as file:
            made = subprocess.Popen(
                [*self.around, sys.executable, "-m", "xats", "daemon", "run"],
                env={**self.env, "XATS_DEBUG": "1", **env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self._processes.append(made)
        until(lambda: self.log().count(" started, ") > before or made.poll() is not None, what="the daemon's start")
        return made

    def log(self):
        """Return what the daemons said: those that `daemon` starts, and those that start by themselves."""
        said = ""
        for path in (os.path.join(self.folder, "daemon.log"), lock.log_path(self.path)):
            if os.path.exists(path):
                with open(path) as file:
                    said += file.read()
        return said

    def daemons(self):
        """Return the pids of all daemons of this store."""
        found = []
        for one in psutil.process_iter(["cmdline", "status"]):
            words = one.info["cmdline"] or []
            if self.path in words and "daemon" in words and one.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
        return found

    # -- what is in the store ------------------------------------------------------------------------------------------

    def rows(self, sql, **values):
        connection = sqlite3.connect(self.path, timeout=20)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def write(self, sql, **values):
        """Change the store behind everybody's back."""
        connection = sqlite3.connect(self.path, timeout=20)
        try:
            with connection:
                connection.execute(sql, values)
        finally:
            connection.close()

    def wake(self, agent="bob"):
        """Return the agent's newest wake, or None."""
        whose = "from wakes w join agents a on a.id = w.agent_id where a.name = :agent"
        return next(iter(self.rows(f"select w.* {whose} order by w.id desc limit 1", agent=agent)), None)

    def until_wake(self, agent="bob", seconds=PATIENCE, **wanted):
        """Wait until the agent's newest wake has the values `wanted`; return it."""

        def right():
            wake = self.wake(agent)
            return wake if wake and all(wake[name] == value for name, value in wanted.items()) else None

        try:
            return until(right, seconds)
        except AssertionError:
            wake = self.wake(agent)
            raise AssertionError(f"{wanted} never came; {wake and dict(wake)}; log:\n{self.log()}") from None

    def until_leased(self, agent="bob"):
        """Wait until somebody makes an attempt at the agent's wake."""
        return until(lambda: (wake := self.wake(agent)) and wake["lease_token"] and wake, what="an attempt")

    # -- surroundings --------------------------------------------------------------------------------------------------

    def tmux(self, name="s"):
        made = Tmux(self.folder, name)
        self._servers.append(made)
        return made

    def fake_tmux(self, shell):
        """Make a program that runs `shell` and then the real tmux; return what to set to use it.

        In `shell`, `$T` is the world's folder, `$at` the path of the socket that it connects to, and `hang` waits until
        the test has noted "go", or is over.
        """
        path = os.path.join(self.folder, "fake-tmux")
        with open(path, "w") as file:
            hang = 'hang() { while [ -d "$T" ] && [ ! -e "$T/go" ]; do sleep 0.05; done; }'
            at = 'at=$(readlink -f -- "$3")'  # Linux: an open file
            file.write(f'#!/bin/sh\nT="{self.folder}"\n{at}\n{hang}\n{shell}\nexec {shutil.which("tmux")} "$@"\n')
        os.chmod(path, 0o700)
        return {"XATS_TMUX": path}

    def note(self, name):
        """Make the file `name`, which a fake tmux may wait for; `noted` tells whether it is there."""
        with open(os.path.join(self.folder, name), "w"):
            pass

    def noted(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def close(self):
        for one in self._processes:
            if one.poll() is None:
                one.kill()
            one.communicate()
        for pid in self.daemons():  # those that a command started
            os.kill(pid, signal.SIGKILL)
        until(lambda: not lock.held(self.path), what="the daemon's lock")
        for server in self._servers:
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


# -- as fixtures -------------------------------------------------------------------------------------------------------


@pytest.fixture
def world():
    made = World()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def desk(world):
    """A tmux server, alice without a pane and bob in a quiet composer."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    world.register("alice")
    tmux = world.tmux()
    tmux.bob = tmux.compose()
    world.register("bob", tmux.bob)
    return tmux
