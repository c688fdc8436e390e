"""A crew that works while its programs, its daemon and its tmux server are killed.

Demo agents, each in a worktree of its own, do tasks. The seed decides what is killed, and after how many tasks. After
the tmux server, `xats up` is called again; the daemon starts all others again. What must hold afterwards is in
`Proof.violations`.

    python -m tests.soak.crew --tasks 60 --kills 5
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager

from tests.conftest import Cli
from tests.support.crews import Crew
from tests.support.places import staged
from tests.support.waiting import until
from xats.base import process
from xats.daemon import lock

WORKERS = ("ann", "ben", "cat", "dan")
REVIEWERS = ("eve", "fay")
WAKE = re.compile(
    r"xats: \d+ new from [A-Za-z0-9._-]+(, [A-Za-z0-9._-]+){0,2}( and \d+ more)? - run: (/\S+/)?xats inbox"
)
TABLE = """
[agents.{name}]
program = "claude"
role = "{role}"
worktree = true
prompt = "{prompt}"
restart = "on-crash"
order = {order}
"""
PATIENCE = 300  # seconds for all the work, on a loaded machine
OFTEN = 0.1  # seconds between two looks at the processes


def prompt(name):
    """Return the first prompt of an agent; no other agent has the same."""
    return f"You are {name}. Do tasks with xats until none is left for you, then wait for mail."


class Proof:
    """One run: `run`, then `violations` and `summary`. `crew` is one of other programs than demo agents."""

    def __init__(self, stage, *, tasks: int, kills: int, seed: int, say=lambda text: None, crew=None) -> None:
        self.crew, self.stage, self.xats = crew or Crew(stage), stage, stage.xats
        self.chance, self.say, self.tasks = random.Random(seed), say, tasks
        deeds = ["daemon", "server", *self.chance.sample((*WORKERS, *REVIEWERS), kills)]
        self.chance.shuffle(deeds)
        moments = sorted(self.chance.sample(range(1, tasks - 4), len(deeds)))
        self.plan = list(zip(moments, deeds, strict=True))
        self.seconds: float | None = None
        self.imported = 0  # tasks
        self.own: dict[int, str] = {}  # the tasks that are for one agent alone
        self.ready: int | None = 0  # the exit code of the first `xats up`
        self.wrong: list[str] = []
        self.looks = 0
        self.began = time.monotonic()
        self.bystander = None

    # -- the run -------------------------------------------------------------------------------------------------------

    def run(self):
        """Start the crew, give it tasks, kill what the plan says, and wait until all tasks are done."""
        self.crew.write("".join(self._tables()))
        self._import(self.known(0))
        self.bystander = self.stage.tmux.compose()
        with self._watched():
            self.crew.agree()
            self.crew.up(code=self.ready)
            for number, (moment, deed) in enumerate(self.plan, 1):
                self._import(self.known(number))
                until(lambda: self.crew.count("done") >= moment, PATIENCE, f"{moment} tasks")  # noqa: B023
                self.say(f"{time.monotonic() - self.began:5.1f} s: {moment} tasks are done; {deed} is killed")
                self._kill(deed)
            self.crew.finish(PATIENCE)
            until(lambda: len(self.crew.living()) == len(WORKERS + REVIEWERS), PATIENCE, "all agents")
            until(lambda: not self._unread(), PATIENCE, "the reading of all mail")
        self.seconds = time.monotonic() - self.began

    def _tables(self):
        for order, role, names in ((0, "reviewer", REVIEWERS), (1, "worker", WORKERS)):
            for name in names:
                yield TABLE.format(name=name, role=role, prompt=prompt(name), order=order)

    def known(self, number):
        """Return how many tasks the team has before the kill with that `number`; 0: before it is started."""
        return self.tasks

    def _import(self, last):
        """Give the team its tasks up to `last`. Some need a review, and some need the task before them."""
        rows, first = [], self.imported + 1
        if first > last:
            return
        self.imported = last
        for number in range(first, last + 1):
            row = {"id": number, "title": f"Write page {number}", "role": "worker"}
            if number % 2:
                row["review"] = ["reviewer"]
            if number % 5 == 0 and number > first:
                row["needs"] = [number - 1]
            if number in self.own:
                row["to"] = self.own[number]
                del row["role"]
            rows.append(row)
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        self.xats("task", "import", "-", "--as", "carol", stdin=text)

    def _kill(self, deed):
        if deed == "daemon":
            os.kill(until(lambda: lock.holder(self.xats.path), PATIENCE, "a daemon"), signal.SIGKILL)
        elif deed == "server":
            self._kill_server()
        else:
            start = until(lambda: self._running(deed), PATIENCE, f"a program of {deed}")
            os.kill(start.process[0], signal.SIGKILL)
            until(lambda: process.ended(*start.process))

    def _running(self, name):
        """Return the start of the agent `name` if its program lives."""
        start = self.stage.start(name)
        return start if start and start.process and process.alive(*start.process) else None

    def _kill_server(self):
        """Kill the tmux server; its programs end with their terminals. Then start another one, and the crew in it."""
        os.kill(self.stage.tmux.pid, signal.SIGKILL)
        until(lambda: not self.stage.tmux.alive, what="the end of tmux")
        self._await_ends()
        self._check_bystander()
        self.stage.restart()
        self.bystander = self.stage.tmux.compose()
        self.crew.up(code=None)  # 4 if an agent is woken by mail before its first prompt, and works for long

    def _await_ends(self):
        """Wait until the programs have ended whose terminals are gone."""
        until(lambda: not self.crew.living(), what="the end of the programs")

    def _unread(self):
        return sum(one["unread"] for one in self.xats("agents", "--json").json()["agents"] if one["name"] != "carol")

    # -- what must hold ------------------------------------------------------------------------------------------------

    @contextmanager
    def _watched(self):
        """Look at the processes again and again: no two may live as one agent."""
        ending = threading.Event()

        def watch():
            while not ending.wait(OFTEN):
                self.looks += 1
                for name, pids in self.crew.living().items():
                    if len(pids) > 1:
                        self._look_again(name, pids)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            ending.set()
            watching.join()

    def _look_again(self, name, pids):
        """Report the processes `pids` of one agent if they stay. One that is to become a command of it does not."""
        time.sleep(OFTEN)
        stay = set(pids) & set(self.crew.living().get(name, ()))
        if len(stay) > 1:
            self.wrong.append(f"{name} lives in several processes: {sorted(stay)}")

    def _check_bystander(self):
        if self.bystander.sent or any("got" in one for one in self.bystander.entries()):
            self.wrong.append(f"text came to a bystander: {self.bystander.entries()}")

    def violations(self):
        """Return what did not hold, in words."""
        self._check_bystander()
        found = list(self.wrong)
        for task in self.crew.states():
            kinds = self.crew.history(task)
            if kinds.count("done") != 1 or "reopened" in kinds:
                found.append(f"task {task} was not done exactly once: {kinds}")
        commits = self.crew.commits()
        wanted = sorted(f"task #{number}: Write page {number}" for number in range(1, self.tasks + 1))
        if sorted(commits) != wanted:
            found.append(f"the commits are not those of the tasks: {sorted(set(commits) ^ set(wanted)) or commits}")
        got = self.crew.got()
        for name in (*WORKERS, *REVIEWERS):
            found += self._violations_of(name, [one for one in got if one["agent"] == name])
        return found

    def wakes(self, name, line):
        """Tell whether `line` is one with which xats wakes the agent `name`."""
        return WAKE.fullmatch(line)

    def _violations_of(self, name, got):
        """Yield what did not hold of the agent `name`, which got `got`."""
        pids = [one["pid"] for one in got if "pid" in one]
        turns = [pid for pid, before in zip(pids, [None, *pids], strict=False) if pid != before]
        if len(turns) != len(set(turns)):
            yield f"two processes of {name} worked at the same time: {turns}"
        generation = self.stage.start(name).generation
        if len(turns) > generation:
            yield f"{name} ran {len(turns)} times, and xats started it {generation} times"
        read = [one["message"] for one in got if "message" in one]
        if len(read) != len(set(read)):
            yield f"{name} got a message twice: {read}"
        for one in got:
            if "line" in one and one["line"] != prompt(name) and not self.wakes(name, one["line"]):
                yield f"{name} got a line that is not for it: {one['line']!r}"
        for pid in turns:
            count = sum(one.get("line") == prompt(name) for one in got if one.get("pid") == pid)
            if count > 1:
                yield f"{name} got its first prompt {count} times"

    def summary(self):
        got = self.crew.got()
        return {
            "seconds": round(time.monotonic() - self.began if self.seconds is None else self.seconds, 1),
            "plan": self.plan,
            "programs": sum("began" in one for one in got),
            "lines": sum("line" in one for one in got),
            "messages": sum("message" in one for one in got),
            "looks": self.looks,
        }


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.soak.crew", description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--kills", type=int, default=5, help="of programs, besides a daemon and a tmux server")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xc", dir="/tmp") as folder:
        cli = Cli(pathlib.Path(folder))
        try:
            with staged(cli, pathlib.Path(folder)) as stage:
                proof = Proof(
                    stage,
                    tasks=options.tasks,
                    kills=options.kills,
                    seed=options.seed,
                    say=lambda text: print(text, file=sys.stderr, flush=True),
                )
                proof.run()
                violations = proof.violations()
                print(json.dumps({"seed": options.seed, **proof.summary(), "violations": violations}, indent=2))
        finally:
            cli.reap()
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
