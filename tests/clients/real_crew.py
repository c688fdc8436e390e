"""Six real programs do tasks, while programs, the daemon and the tmux server are killed: `make test-clients`.

It is the proof of tests/soak/crew.py with two each of Claude Code, Codex and opencode in place of demo agents. They
share an empty HOME. The loopback model works as an agent (shift.py), and each agent has an address of its own for it,
so that the test knows whose model has heard what.

    python -m tests.clients.real_crew --seed 7
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import random
import re
import shlex
import sys
import tempfile
import threading

import psutil
import pytest

from tests.clients import real, shift
from tests.clients.mock_model import Model
from tests.clients.real_launch import BIN, REVIEW
from tests.conftest import Cli
from tests.soak.crew import PATIENCE, REVIEWERS, WORKERS, Proof, prompt
from tests.support.crews import Crew
from tests.support.places import staged
from tests.support.waiting import until
from xats.base import process
from xats.tmux.errors import TmuxUnavailable

REPOSITORY = str(pathlib.Path(__file__).parents[2])
PROGRAMS = {
    "ann": "claude-code",
    "ben": "codex",
    "cat": "opencode",
    "dan": "claude-code",
    "eve": "codex",
    "fay": "opencode",
}
EARLY = 5  # tasks that are there before the crew is started
INBOX = re.compile(r'^Another Claude session sent a message:\n<[^>]* from-name="xats">\n([^\n]+)\n</[a-z-]+>\n\n')
HOOK = re.compile(
    r"(?:<hook_prompt [^>]*>|Stop hook feedback:\n)?"
    r"(?:xats mail for ([^@ ]+)@crew\. |xats reminds you: you are about to stop, but you still hold this)"
)
ADDED = r"\n(?:You are {name}@crew in xats, |xats mail for {name}@crew\. )"
MAIL = re.compile(r"Mail #(\d+) from ")
TABLE = """
[agents.{name}]
program = "{program}"
args = {args}
env = {{ {env} }}
role = "{role}"
worktree = true
prompt = "{prompt}"
restart = "on-crash"
order = {order}
"""


class RealCrew(Crew):
    """The crew of a stage, of real programs that ask `model`."""

    def __init__(self, stage, model: Model) -> None:
        super().__init__(stage)
        self.model, self.home = model, str(stage.xats.home)
        words = [sys.executable, "-m", "tests.clients.shift", str(self.log)]
        model.shift = f"PYTHONPATH={shlex.quote(REPOSITORY)} {shlex.join(words)}"
        (stage.bin / "claude").unlink()  # the stand-in
        paths = [str(stage.bin), BIN]
        environ = stage.xats.environ
        for name in dict.fromkeys(PROGRAMS.values()):
            client = real.CLIENTS[name]
            program, _ = real.installed(name)
            real.prepare(client, self.home, str(self.folder), model.url)
            for agent in (one for one, its in PROGRAMS.items() if its == name):
                real.trust(client, self.home, os.path.join(self.folder, ".worktrees", agent))
            more = real.environment(client, self.home, model.url, program or "")
            paths += more.pop("PATH").split(":")
            environ.update(more)
        environ.update(PATH=":".join(dict.fromkeys(paths)), DISABLE_TELEMETRY="1")

    def write(self, text):
        (self.folder / "xats.toml").write_text(text)

    def tables(self):
        """Yield the tables of the crew file. What lets a program run its tools without asking is in its arguments."""
        for name, client in PROGRAMS.items():
            url, args, env = f"{self.model.url}/{name}", [], {}
            if client == "claude-code":
                args, env = ["--allowedTools=Bash"], {"ANTHROPIC_BASE_URL": url}
            elif client == "codex":
                args = ["--ask-for-approval", "never", "--sandbox", "danger-full-access"]
                args += ["-c", f'model_providers.mock.base_url="{url}/v1"']
            else:
                args = ["--port", str(real.free_port())]
                said = {"provider": {"mock": {"options": {"baseURL": f"{url}/v1"}}}, "permission": {"bash": "allow"}}
                env = {"OPENCODE_CONFIG_CONTENT": json.dumps(said)}
            yield TABLE.format(
                name=name,
                program=real.CLIENTS[client].command,
                args=json.dumps(args),
                env=", ".join(f"{key} = {json.dumps(value)}" for key, value in env.items()),
                role="reviewer" if name in REVIEWERS else "worker",
                prompt=prompt(name),
                order=int(name not in REVIEWERS),
            )

    def is_program(self, words):
        return shift.is_program(words)

    def living(self):
        """Return {agent: the pids of the programs that live as it}, of this crew alone."""
        return {name: pids for name, pids in super().living().items() if name in PROGRAMS}

    def turns(self, name):
        """Return the requests of the session of the agent `name`, oldest first."""
        mine = [one for one in self.model.requests() if one["path"].startswith(f"/{name}/")]
        return [one for one in mine if one["kind"] in ("turn", "result")]

    def got(self):
        """Return what the agents have read with xats, and the prompts that their models have heard.

        The plugin of opencode adds to a prompt what xats says to the agent.
        """
        lines = [
            {"agent": name, "line": re.split(ADDED.format(name=name), one["text"], maxsplit=1)[0]}
            for name in PROGRAMS
            for one in self.turns(name)
            if one["kind"] == "turn"
        ]
        return [*super().got(), *lines]

    def read_by_hooks(self, name):
        """Return the ids of the messages that hooks have handed to the agent `name`, each as often as it was heard."""
        found, before = [], set()
        for one in self.turns(name):
            now = MAIL.findall(one["heard"])
            found += [int(number) for number in now if number not in before]
            found += [int(number) for number in set(now) if now.count(number) > 1]
            before = set(now)
        return found


class Person(threading.Thread):
    """Answer the dialogs in which Codex asks about hooks, wherever xats says that an agent needs a person."""

    def __init__(self, crew: RealCrew) -> None:
        super().__init__()
        self.crew, self.stage, self.leaving = crew, crew.stage, threading.Event()
        self.answered: list[str] = []
        self.unknown: dict[str, str] = {}

    def run(self) -> None:
        while not self.leaving.wait(1.0):
            for start in self.stage.rows():
                # The server may be killed at any time.
                with contextlib.suppress(real.NotReached, RuntimeError, TmuxUnavailable):
                    if start.state == "needs_you" and start.pane:
                        self.answer(start)

    def answer(self, start) -> None:
        name = start.agent.name
        client = real.CLIENTS[PROGRAMS[name]]
        pane = real.Running(
            client, self.stage.tmux.socket, start.pane.pane_id, "", self.crew.home, self.crew.model, guest=True
        )
        if not pane.shows(REVIEW):
            self.unknown[name] = pane.screen()
            return
        pane.settled()
        for _ in range(5):
            if pane.shows(r"^\u203a 2"):
                break
            pane.keys("Down")
            pane.settled(minimum=0.3)
        pane.keys("Enter")
        pane.until(lambda: not pane.shows(REVIEW), 30, "the dialog is gone")
        self.answered.append(name)


class RealProof(Proof):
    """The proof of the soak with real programs."""

    def __init__(self, stage, model: Model, **options) -> None:
        super().__init__(stage, crew=RealCrew(stage, model), **options)
        self.ready = None  # 4: Codex asks about the hooks
        # Each kill comes in the middle of new tasks. A worker is killed in its own one.
        plan = []
        for number, (_, deed) in enumerate(self.plan, 1):
            before, after = self.known(number - 1), self.known(number)
            if deed in WORKERS:
                self.own[after] = deed
            plan.append((before - 1 if deed in WORKERS else self.chance.randint(before + 1, after - 1), deed))
        self.plan = plan
        self.person = Person(self.crew)
        self.ended: list[str] = []  # the programs that a person had to end

    def run(self):
        self.person.start()
        try:
            super().run()
        finally:
            self.person.leaving.set()
            self.person.join()

    def _tables(self):
        return self.crew.tables()

    def known(self, number):
        return EARLY + (self.tasks - EARLY) * number // len(self.plan)

    def _kill(self, deed):
        """Kill a worker while it does its task, with the tool that does it: nothing of the agent is left then."""
        if deed not in PROGRAMS:
            super()._kill(deed)
            return
        own = next((number for number, name in self.own.items() if name == deed), None)
        if own:
            until(lambda: own in self._claims(deed), PATIENCE, f"task #{own} of {deed}")
        start = until(lambda: self._running(deed), PATIENCE, f"a program of {deed}")
        victim = psutil.Process(start.process[0])
        tools = victim.children(recursive=True)
        self.say(f"{deed} has {self._claims(deed)} and {len(tools)} processes below it")
        for one in (victim, *tools):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        until(lambda: process.ended(*start.process))

    def _await_ends(self):
        """Do what a person does with a program that runs on without a terminal: `xats up` leaves it alone.

        opencode 1.18.33 does so now and then: it never ends, and keeps a processor busy.
        """
        with contextlib.suppress(AssertionError):
            super()._await_ends()
        for name in self.crew.living():
            self.say(f"{name} runs on without a terminal")
            self.ended.append(name)
            self.xats("down", name, "--force")
        super()._await_ends()

    def _claims(self, name):
        """Return the ids of the tasks that the agent `name` has claimed."""
        listed = self.xats("task", "list", "--state", "claimed", "--as", "carol", "--json").json()["tasks"]
        return [one["id"] for one in listed if (one["owner"] or "").partition("@")[0] == name]

    def wakes(self, name, line):
        """Tell whether `line` wakes `name`, or is what a hook says to it at the end of a turn.

        Claude Code says more around what comes to its inbox, Claude Code and Codex around what a hook says.
        """
        if said := HOOK.match(line):
            return said[1] in (None, name)
        within = INBOX.match(line)
        return super().wakes(name, within[1] if within else line)

    def _violations_of(self, name, got):
        yield from super()._violations_of(name, got)
        firsts = sum(one.get("line") == prompt(name) for one in got)
        if firsts > self.stage.start(name).generation:
            yield f"{name} got its first prompt {firsts} times"
        read = [one["message"] for one in got if "message" in one] + self.crew.read_by_hooks(name)
        if len(read) != len(set(read)):
            yield f"{name} got a message twice: {read}"

    def summary(self):
        said = {name: len(self.crew.read_by_hooks(name)) for name in PROGRAMS}
        starts = {one.agent.name: one.generation for one in self.stage.rows()}
        more = {"programs": sum(starts.values()), "by hooks": said, "starts": starts}
        return {**super().summary(), **more, "answered": self.person.answered, "ended": self.ended}


def needed() -> str:
    """Return why one of the programs cannot be installed here, or ""."""
    return next((why for name in dict.fromkeys(PROGRAMS.values()) if (why := real.installed(name)[1])), "")


def test_six_real_programs_finish_their_tasks_whatever_is_killed(xats, tmp_path):
    if why := needed():
        pytest.skip(f"a program cannot be installed here: {why}")
    with Model() as model, staged(xats, tmp_path) as stage:
        proof = RealProof(stage, model, tasks=20, kills=3, seed=7)
        proof.run()
        assert proof.violations() == [], proof.summary()


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.clients.real_crew", description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--kills", type=int, default=3, help="of programs, besides a daemon and a tmux server")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--keep", help="a folder for what the model has heard, and what the agents have done")
    options = parser.parse_args()
    if why := needed():
        sys.exit(why)
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="xc", dir="/tmp"))
    folder.mkdir(exist_ok=True)
    cli = Cli(folder)

    def say(text):
        print(text, file=sys.stderr, flush=True)

    try:
        with Model(log=str(folder / "model.jsonl")) as model, staged(cli, folder) as stage:
            proof = RealProof(stage, model, tasks=options.tasks, kills=options.kills, seed=options.seed, say=say)
            try:
                proof.run()
            finally:
                found = proof.violations()
                print(json.dumps({"seed": options.seed, **proof.summary(), "violations": found}, indent=2))
                say(proof.person.unknown)
    finally:
        cli.reap()
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
