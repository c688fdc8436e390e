"""Real tmux, one private server for each test, always reaped."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile

import libtmux
import pytest

from tests import support
from tests.support.waiting import until
from tests.support.world import world
from xats.base import process
from xats.tmux import paste
from xats.tmux.pane import Pane, find

__all__ = ("world",)  # a fixture

HERE = os.path.dirname(__file__)
LINE = "xats: 2 new from alice, bob - run: xats inbox"
# Titles that a format, a pattern, or the escapes of tmux 3.4 and 3.5 could make something else of.
TITLES = (
    "Fix $PATH", "a $HOME and ${x} $_ $1", "{ ] } [ ( *", "#[fg=red]x#[default]", "##[x] #{pid} #(date) #, #}",
    "a*b?c[d]", "back\\slash \\$x \\\\ \\033 \\", "50% %H:%M", "\u2733 ünï 日本 🙂", "x" * 300, "a:b;c|d,e", "{",
    "~!@#$%^&*()_+`-=",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_tmux_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("TMUX", "XATS_"))]:
        monkeypatch.delenv(name)


class Seat:
    """A composer in a pane: what it took, and the attempts made on it."""

    def __init__(self, pane: Pane, log: str, desk: Desk) -> None:
        self.pane, self.log, self.desk = pane, log, desk
        self.pid = until(self._ready)
        self.client = (self.pid, process.started(self.pid))

    def _entries(self) -> list[dict]:
        if not os.path.exists(self.log):
            return []
        with open(self.log) as file:
            return [json.loads(line) for line in file.read().splitlines()]

    def _ready(self) -> int | None:
        return next((entry["ready"] for entry in self._entries() if "ready" in entry), None)

    @property
    def sent(self) -> list[str]:
        return [entry["submit"] for entry in self._entries() if "submit" in entry]

    @property
    def framed(self) -> list[bool]:
        return [entry["framed"] for entry in self._entries() if "submit" in entry]

    @property
    def enters(self) -> int:
        return sum("enter" in entry for entry in self._entries())

    def text(self) -> str:
        return self.desk.text(self.pane)

    def attempt(self, **changes) -> paste.Outcome:
        given = {"line": lambda: LINE, "token": "wake-1", "quiet_ms": 30, "client": self.client, **changes}
        return paste.attempt(self.pane, **given)


class Desk:
    """A tmux server of its own, and panes on it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.socket = os.path.join(folder, "s")
        self.server = libtmux.Server(socket_path=self.socket, config_file="/dev/null")
        self._serial = itertools.count()
        self.start()

    def start(self) -> None:
        self.cmd("new-session", "-d", "-s", "keep", "-x", "80", "-y", "24", "exec tail -f /dev/null")
        self.pid = int(self.cmd("display-message", "-p", "#{pid}"))

    def cmd(self, *args: str) -> str:
        answer = self.server.cmd(*args)
        assert not answer.stderr, (args, answer.stderr)
        return "\n".join(answer.stdout)

    def open(self, command: str, width: int = 80, height: int = 24, split: Pane | None = None) -> Pane:
        form = ("-P", "-F", "#{pane_id}")
        if split:
            pane_id = self.cmd("split-window", "-d", *form, "-t", split.pane_id, command)
        else:
            size = ("-x", str(width), "-y", str(height))
            pane_id = self.cmd("new-session", "-d", *size, *form, command)
        return find(self.socket, pane_id)

    def command(self, *options: str) -> tuple[str, str]:
        log = os.path.join(self.folder, f"log{next(self._serial)}")
        return log, shlex.join([sys.executable, "-IS", os.path.join(support.FOLDER, "composer.py"), log, *options])

    def compose(self, *options: str, wrap: str = "exec {}", **where) -> Seat:
        log, command = self.command(*options)
        return Seat(self.open(wrap.replace("{}", command), **where), log, self)

    def compose_in_bash(self, *options: str) -> Seat:
        """Start a composer the way people do: by a command in an interactive shell with job control."""
        pane = self.open("exec env PS1='at-bash$ ' HISTFILE= bash --norc --noprofile")
        until(lambda: "at-bash$" in self.text(pane))
        log, command = self.command(*options)
        self.cmd("send-keys", "-t", pane.pane_id, "-l", command)
        self.cmd("send-keys", "-t", pane.pane_id, "Enter")
        return Seat(pane, log, self)

    def text(self, pane: Pane) -> str:
        return self.cmd("capture-pane", "-p", "-t", pane.pane_id)

    def show(self, pane: Pane, form: str) -> str:
        return self.cmd("display-message", "-p", "-t", pane.pane_id, form)

    def buffers(self) -> str:
        return self.cmd("list-buffers")

    def keep_dead(self, pane: Pane) -> None:
        self.cmd("set-option", "-p", "-t", pane.pane_id, "remain-on-exit", "on")

    def die(self, pane: Pane) -> None:
        self.keep_dead(pane)
        os.kill(pane.pane_pid, signal.SIGKILL)
        until(lambda: self.show(pane, "#{pane_dead}") == "1")

    def stop(self) -> None:
        self.server.kill()
        until(lambda: process.started(self.pid) is None)

    def close(self) -> None:
        if process.started(self.pid) is not None:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def desk():
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed: nothing of delivery/ can be tested without it")
    folder = tempfile.mkdtemp(prefix="xt", dir="/tmp")  # short: a socket's path has 104 bytes on macOS
    made = Desk(folder)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def fake_tmux(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Put a script before tmux: `fake_tmux(shell)` runs `shell` at each call, `$n` its number, then the real one."""

    def install(shell: str):
        count, script = tmp_path / "calls", tmp_path / "tmux"
        count.write_text("")
        real = shutil.which("tmux")
        script.write_text(f'#!/bin/sh\necho >>{count}\nn=$(wc -l <{count})\n{shell}\nexec {real} "$@"\n')
        script.chmod(0o700)
        monkeypatch.setenv("XATS_TMUX", str(script))
        return lambda: len(count.read_text().splitlines())

    return install
