"""A crew of demo agents that do tasks, in a real tmux server: started by `xats up`, and what became of it."""

import json
import os
import subprocess
from contextlib import suppress

from tests.support.waiting import until

WORDS = ("demo-agent", "--works", "--log")
FAST = {"XATS_AUTOSTART": "1", "XATS_QUIET_MS": "300", "XATS_LADDER": ",".join(["1s"] * 60)}


def repository(folder):
    """Make a git repository with one commit in `folder`."""
    who = ["-c", "user.name=carol", "-c", "user.email=carol@localhost"]
    for words in (["init", "-q", "-b", "main"], [*who, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def program(log):
    """Return the words of a demo agent that does tasks and notes what it gets in `log`."""
    return ["xats", *WORDS, str(log)]


class Crew:
    """The crew of the project of a stage. Its agents note what they get in one log."""

    def __init__(self, stage) -> None:
        self.stage, self.xats = stage, stage.xats
        self.folder, self.log = self.xats.folder, stage.folder / "got"
        repository(self.folder)
        self.xats.environ.update(FAST)
        self.xats("register", "carol", "--client", "human", "--no-pane")

    def write(self, text):
        """Write the crew file, with demo agents in place of every program `claude`."""
        text = text.replace('program = "claude"', f"program = {json.dumps(program(self.log))}")
        assert '"claude"' not in text
        (self.folder / "xats.toml").write_text(text)

    def agree(self):
        """Agree to what the crew file starts."""
        self.stage.run("trust")

    def up(self, code=0):
        """Start what does not run."""
        return self.stage.run("up", code=code)

    # -- the work ------------------------------------------------------------------------------------------------------

    def states(self):
        """Return {id: state} of all tasks."""
        listed = self.xats("task", "list", "--all", "-n", "500", "--as", "carol", "--json").json()["tasks"]
        return {one["id"]: one["state"] for one in listed}

    def count(self, state):
        return sum(one == state for one in self.states().values())

    def finish(self, seconds):
        """Wait until all tasks are done."""
        until(lambda: set(self.states().values()) == {"done"}, seconds, "the end of all tasks")

    def history(self, task):
        """Return the kinds of the entries in the history of a task."""
        found = self.xats("task", "show", str(task), "--as", "carol", "--json").json()["task"]["history"]
        return [one["kind"] for one in found]

    # -- what the agents got -------------------------------------------------------------------------------------------

    def got(self):
        """Return the entries of the log, oldest first."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def branches(self):
        """Return the names of the branches of worktrees."""
        words = ["git", "branch", "--list", "xats/*", "--format=%(refname:short)"]
        return subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True).stdout.split()

    def commits(self):
        """Return the subjects of the commits on all branches, but for the first."""
        words = ["git", "log", "--branches", "--format=%s"]
        said = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True).stdout
        return [one for one in said.splitlines() if one != "first"]

    def is_program(self, words):
        """Tell whether a process with these `words` is a program of the crew."""
        return WORDS[0] in words and str(self.log) in words

    def living(self):
        """Return {agent: the pids of the programs that live as it}, without children that are to become others."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                if not self.is_program(words_of(pid, "cmdline")) or self.is_program(words_of(parent(pid), "cmdline")):
                    continue
                if name := dict(one.partition("=")[::2] for one in words_of(pid, "environ")).get("XATS_AGENT"):
                    found.setdefault(name.partition("@")[0], []).append(int(pid))
        return found


def parent(pid):
    """Return the pid of the parent of `pid`, see proc(5)."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


def words_of(pid, name):
    """Return the words in a file of the process `pid`, see proc(5)."""
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read().decode(errors="replace").split("\0")
