"""Puts players into panes, makes things happen to them, and tells what they took."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
import threading
import time

from tests import support
from tests.delivery.conftest import LINE, Desk, Seat, until
from tests.support.requests import request
from xats.base import program
from xats.core.agents import agents
from xats.delivery.settings import Settings
from xats.delivery.transports import tmux
from xats.tmux.pane import Pane

LOOKS = ("readline", "claude-code", "codex", "gemini", "opencode")
QUIET = 300  # ms: more than three pictures of a player that is at work


class Role(Seat):
    """A player in a pane. `look` tells which program it plays."""

    def __init__(self, pane: Pane, log: str, desk: Desk, look: str) -> None:
        super().__init__(pane, log, desk)
        self.look = look
        self.programs = program.look(self.pid)

    @property
    def approvals(self) -> int:
        return sum("approve" in entry for entry in self._entries())

    @property
    def got(self) -> list[str]:
        """Everything that was typed or pasted, in pieces."""
        return [entry["got"] for entry in self._entries() if "got" in entry]

    @property
    def client_name(self) -> str:
        return "generic" if self.look == "readline" else self.look

    def happened(self, word: str) -> int:
        return sum(word in entry for entry in self._entries())

    def do(self, line: str) -> None:
        """Have it do `line`, and wait until that is on the screen."""
        before = self.happened("did")
        self.tell(line)
        until(lambda: self.happened("did") > before)

    def tell(self, line: str) -> None:
        """Have it do `line` at its own time."""
        file = os.open(self.log + ".in", os.O_WRONLY | os.O_NONBLOCK)
        os.write(file, f"{line}\n".encode())
        os.close(file)

    def keys(self, *keys: str) -> None:
        """Type like a person whose terminal is not attached here: tmux knows of no activity."""
        self.desk.cmd("send-keys", "-t", self.pane.pane_id, *keys)

    @property
    def session(self) -> agents.Session:
        return agents.Session(1, 1, 1, agents.Seat("here", *self.client, None, self.pane), 0, None, self.programs)

    def deliver(self, line=lambda: LINE, token: str = "", quiet: int = QUIET, **how) -> tmux.Result:
        """Make one attempt of the wake `token` in this pane. A wake has another token for every session.

        Tokens that begin with `store-` are of wakes of one store.
        """
        how = {"is_token": lambda other: other.startswith("store-"), "settings": Settings(quiet=quiet), **how}
        token = token or f"store-1-{self.pid}"
        return tmux.deliver(request(self.session, line, self.client_name, token=token, **how))


class Bystander:
    """A pane in which nobody plays: it records every byte that reaches it."""

    def __init__(self, desk: Desk, split: Pane | None = None) -> None:
        self.path = os.path.join(desk.folder, f"got{next(desk._serial)}")
        self.pane = desk.open(f"stty raw -echo && exec cat > {shlex.quote(self.path)}", split=split)
        until(lambda: os.path.exists(self.path))

    @property
    def got(self) -> bytes:
        with open(self.path, "rb") as file:
            return file.read()


class Person:
    """Somebody who looks at a pane in a terminal, a real tmux client, and types there. It leaves with the test."""

    def __init__(self, role: Role) -> None:
        self.desk = role.desk
        self.terminal, slave = pty.openpty()
        width, height = map(int, role.desk.show(role.pane, "#{window_width} #{window_height}").split())
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height + 1, width, 0, 0))  # one for the status line
        words = ["tmux", "-u", "-S", role.desk.socket, "attach-session", "-t", role.pane.pane_id]
        environ = {**os.environ, "TERM": "xterm-256color"}
        self.client = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environ)
        os.close(slave)
        self.reader = threading.Thread(target=self._watch)
        self.reader.start()
        until(self.pressed_at)

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def _watch(self) -> None:
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass

    def press(self, keys: str) -> None:
        """Press keys, and return when tmux has got them, which it tells in whole seconds."""
        before = self.pressed_at()
        until(lambda: time.time() >= before + 1)
        os.write(self.terminal, keys.encode())
        until(lambda: self.pressed_at() > before)

    def pressed_at(self) -> int:
        """Return when tmux got the last key, in seconds since 1970; 0 when this client is not attached."""
        clients = self.desk.cmd("list-clients", "-F", "#{client_pid} #{client_activity}").splitlines()
        return next((int(at) for pid, at in map(str.split, clients) if int(pid) == self.client.pid), 0)

    def leave(self) -> None:
        self.client.terminate()
        self.client.wait()
        self.reader.join()
        os.close(self.terminal)


def script(desk: Desk, look: str, *options: str) -> tuple[str, str]:
    """Return the log and the command of a player."""
    log = os.path.join(desk.folder, f"play{next(desk._serial)}")
    words = [sys.executable, "-IS", os.path.join(support.FOLDER, "players.py"), log, "--look", look, *options]
    return log, shlex.join(words)


def play(desk: Desk, look: str, *options: str, wrap: str = "exec {}", **where) -> Role:
    """Open a pane with a player in it."""
    log, command = script(desk, look, *options)
    return Role(desk.open(wrap.replace("{}", command), **where), log, desk, look)


def play_in_bash(desk: Desk, look: str, *options: str, **where) -> Role:
    """Start a player the way people do: by a command in an interactive shell with job control."""
    pane = desk.open("exec env PS1='at-bash$ ' HISTFILE= bash --norc --noprofile", **where)
    until(lambda: "at-bash$" in desk.text(pane))
    return play_at_prompt(desk, pane, look, *options)


def play_at_prompt(desk: Desk, pane: Pane, look: str, *options: str) -> Role:
    """Start a player by typing its command at the prompt of the shell in `pane`."""
    log, command = script(desk, look, *options)
    desk.cmd("send-keys", "-t", pane.pane_id, "-l", command)
    desk.cmd("send-keys", "-t", pane.pane_id, "Enter")
    return Role(pane, log, desk, look)


def play_again(role: Role) -> Role:
    """Start another player in the pane of `role`, in place of whatever is in it."""
    log, command = script(role.desk, role.look)
    role.desk.cmd("respawn-pane", "-k", "-t", role.pane.pane_id, f"exec {command}")
    until(lambda: os.path.exists(log))
    from xats.tmux.pane import find

    return Role(find(role.desk.socket, role.pane.pane_id), log, role.desk, role.look)
