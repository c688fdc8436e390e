"""The rows of a crew: six demo agents from one `xats up`, against the same six by plain tmux commands.

In the windows that tmux makes, each agent registers by `xats launch`: that is what a person had to type before. The
other floor is the demo agent alone, which xats knows only because it registers itself.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import time

from benchmarks.rig import XATS, Row, until

AGENTS = tuple(f"a{number}" for number in range(1, 7))
TIMES = 9
WARM = 1
PROMPT = "> "
SCRIPT = '#!/bin/sh\nexec {python} -m xats demo-agent "${{XATS_AGENT%@*}}"\n'


class Stage:
    """A tmux server, a project with a crew file, and the demo agent as a program with a profile."""

    def __init__(self, rig):
        self.home, self.tmux = rig.home(), rig.tmux()
        self.folder, tools, clients = rig.path("project"), rig.path("bin"), rig.path("clients")
        for one in (self.folder, tools, clients):
            os.mkdir(one, 0o700)
        with open(os.path.join(clients, "demo.toml"), "w") as file:
            file.write('executables = ["demo-agent"]\n')
        program = os.path.join(tools, "demo-agent")
        with open(program, "w") as file:
            file.write(SCRIPT.format(python=shlex.quote(sys.executable)))
        os.chmod(program, 0o700)
        with open(os.path.join(self.folder, "xats.toml"), "w") as file:
            file.writelines(f'[agents.{name}]\nprogram = ["{program}"]\nplace = "session:keep"\n' for name in AGENTS)
        path = f"{tools}:{os.path.dirname(XATS)}:{os.environ['PATH']}"
        server = self.tmux.cmd("display-message", "-p", "#{pid}")
        around = {"TMUX": f"{self.tmux.socket},{server},0", "TMUX_PANE": "%0"}
        self.env = self.home.env(PATH=path, XATS_CLIENTS=clients, TERM="screen", **around)
        self.run([XATS, "trust"])
        self.inside = {name: self.env[name] for name in ("XATS_HOME", "XATS_TEAM", "XATS_CLIENTS", "PATH")}

    def run(self, words):
        subprocess.run(
            words, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
        )

    def windows(self, command):
        """Open a window for each agent, by one tmux command after the other, as a script of a user does."""
        given = shlex.join(f"{name}={value}" for name, value in self.inside.items())
        lines = (f"env {given} {command.format(name=name)}" for name in AGENTS)
        made = (f"new-window -d -n {name} -c {self.folder}" for name in AGENTS)
        tmux = f"tmux -S {self.tmux.socket} -f /dev/null"
        script = "\n".join(f"{tmux} {one} {shlex.quote(line)}" for one, line in zip(made, lines, strict=True))
        self.run(["sh", "-ec", script])
        until(self.all_ready)

    def all_ready(self):
        """Tell whether each agent shows its prompt."""
        time.sleep(0.03)
        shown = [word for name in AGENTS for word in ("capture-pane", "-p", "-t", f"keep:{name}", ";")]
        try:
            said = self.tmux.cmd(*shown[:-1])
        except subprocess.CalledProcessError:
            return False
        return sum(line.rstrip() == PROMPT.rstrip() for line in said.splitlines()) == len(AGENTS)

    def clear(self):
        """End the agents."""
        for name in AGENTS:
            self.tmux.cmd("kill-window", "-t", f"keep:{name}")


def crew(rig):
    """Return the rows."""
    stage = Stage(rig)
    bare = f"{shlex.quote(XATS)} demo-agent {{name}}"
    ways = {
        "up": lambda: stage.run([XATS, "up", "-q"]),
        "launch": lambda: stage.windows(f"{shlex.quote(XATS)} launch demo --name {{name}}"),
        "bare": lambda: stage.windows(bare),
    }
    taken = {name: [] for name in ways}
    for turn in range(-WARM, TIMES):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            took = time.perf_counter() - began
            if turn >= 0:
                taken[name].append(took)
            until(stage.all_ready)
            stage.clear()
    median = {name: statistics.median(times) for name, times in taken.items()}
    said = f"{median['up'] * 1000:.0f} ms for six, "
    return [
        Row("crew", median["up"] / median["launch"], 1.5, "x launch", said + f"{median['launch'] * 1000:.0f} ms"),
        Row("crew bare", median["up"] / median["bare"], 3.0, "x bare", said + f"{median['bare'] * 1000:.0f} ms"),
    ]
