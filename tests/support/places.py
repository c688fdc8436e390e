"""A tmux server in which `xats launch` runs as a person runs it, with players that stand in for Claude Code."""

import json
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import contextmanager

from tests import support
from tests.support.world import Tmux, until
from xats.base import process
from xats.core.crews import starts

PLAYER = os.path.join(support.FOLDER, "players.py")
# A player notes its arguments and its environment first. `/exit` ends it, if it obeys.
STAND_IN = """#!/bin/bash
printf '%s\\n' "$@" > {folder}/args-$$
env > {folder}/env-$$
pwd > {folder}/pwd-$$
exec {python} -IS {player} {folder}/log-$$ --look claude-code {options}
"""
LONG = 120.0  # seconds that a line may take: a start alone may take 60
ENDS = "--on-wake 'kill $PPID'"


class Stage:
    """A tmux server with one pane, in which lines run, and stand-ins for Claude Code."""

    def __init__(self, xats, tmux, folder) -> None:
        self.xats, self.tmux, self.folder = xats, tmux, folder / "record"
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.folder.mkdir()
        xats.install(self.bin)
        self.play()
        self.look_around()
        xats.environ.update(PATH=f"{self.bin}:/usr/local/bin:/usr/bin:/bin")
        xats.environ.pop("TMPDIR", None)
        self.runs = 0

    def look_around(self) -> None:
        """Note the pane of a person, which a new tmux server has too."""
        tmux = self.tmux
        pid = tmux.cmd("display-message", "-p", "#{pid}")
        self.pane = tmux.cmd("list-panes", "-a", "-F", "#{pane_id}").split()[0]
        self.around = {"TMUX": f"{tmux.socket},{pid},0", "TMUX_PANE": self.pane}

    def restart(self) -> None:
        """Start a tmux server in place of the one that has ended."""
        self.tmux.start()
        self.look_around()

    def play(self, options="", text=STAND_IN) -> None:
        path = self.bin / "claude"
        values = {
            "folder": self.folder,
            "python": sys.executable,
            "player": PLAYER,
            "options": options,
            "bin": self.bin,
        }
        path.write_text(text.format(**values))
        path.chmod(0o700)

    def run(self, line, code=0, **env):
        """Run a line in a pane, as a person does; return what it says on stdout and stderr."""
        self.runs += 1
        out = self.folder / f"out-{self.runs}"
        variables = "".join(f"{name}={shlex.quote(value)} " for name, value in self.xats.env(env).items())
        inner = f"{{ {shlex.join(self.xats.words)} {line}; }} >{out}.out 2>{out}.err; echo $? >{out}.rc"
        shell = f"cd {shlex.quote(str(self.xats.folder))}; exec env -i TERM=$TERM TMUX=$TMUX TMUX_PANE=$TMUX_PANE "
        shell += f"{variables}sh -c {shlex.quote(inner)}"
        self.tmux.cmd("new-window", "-d", "-t", "keep:", f"sh -c {shlex.quote(shell)}")
        done = self.folder / f"out-{self.runs}.rc"
        until(lambda: done.exists() and done.read_text().endswith("\n"), LONG, f"the end of {line}")
        said = [(self.folder / f"out-{self.runs}.{end}").read_text() for end in ("out", "err")]
        assert code is None or int(done.read_text()) == code, said
        return said

    def start(self, name="bob"):
        return next((one for one in self.rows() if one.agent.name == name), None)

    def rows(self):
        store = self.xats.store()
        try:
            return store.read(lambda tx: starts.of_team(tx, "crew"))
        finally:
            store.close()

    def panes(self):
        said = self.tmux.cmd("list-panes", "-a", "-F", "#{session_name}|#{window_name}|#{pane_id}|#{pane_dead}")
        return [line.split("|") for line in said.splitlines()]

    def notes(self, kind, pid):
        return (self.folder / f"{kind}-{pid}").read_text()

    def got(self, pid):
        """Return all that was typed or pasted at the player `pid`."""
        entries = (json.loads(line) for line in self.notes("log", pid).splitlines())
        return "".join(one.get("got", "") for one in entries)

    def reap(self):
        for one in self.rows():
            if one.process and process.alive(*one.process):
                os.kill(one.process[0], 9)


@contextmanager
def staged(xats, folder):
    """Open a stage for the world `xats`, which keeps its notes in `folder`; end all of it afterwards."""
    home = tempfile.mkdtemp(prefix="xp", dir="/tmp")  # short: the path of a socket has 104 bytes
    tmux = Tmux(home)
    made = Stage(xats, tmux, folder)
    try:
        yield made
    finally:
        made.reap()
        xats("daemon", "stop", code=None)
        tmux.stop()
        shutil.rmtree(home, ignore_errors=True)
