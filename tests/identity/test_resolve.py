"""Who am I: every case of the table with real processes, asked as a command and as a hook."""

import json
import os
import pty
import shlex
import sys

import pytest

from tests.conftest import HOST
from tests.hooks.test_run import fake_claude
from tests.identity import cases
from xats.base import process
from xats.base.pane import Pane
from xats.core.agents import agents, registration

PROBE = os.path.join(os.path.dirname(__file__), "probe.py")
TMUX = {"TMUX": "/nowhere/tmux,1,0", "TMUX_PANE": "%7"}
VARIABLES = {"s": "CLAUDE_CODE_SESSION_ID", "t": "CODEX_THREAD_ID"}  # by how the session id begins
CLIENTS = {"claude": "claude-code", "spare": "claude-code", "app-server": "codex"}
HELPERS = {"pty-host": ["--bg-pty-host", "/s", "--", "claude", "--bg-spare"], "spare": ["--bg-spare", "/s"]}
HELPERS["app-server"] = ["app-server"]
PROGRAMS = {"pty-host": "claude", "spare": "claude", "app-server": "codex"}


class World:
    """The programs of a case, each a shell that is called like it, and what the store knows of them."""

    def __init__(self, xats, crew, until) -> None:
        self.xats, self.crew, self.until = xats, crew, until
        self.folder = xats.folder

    def ask(self, case: cases.Case) -> dict:
        """Set the world of `case` up, ask in it, and return the answers."""
        descriptor = None
        options = {}
        if case.terminal:
            master, descriptor = pty.openpty()
            options = {"stdin": descriptor}
        running = self.xats.start(command=self.command(case), env=self.environ(case), **options)
        pids = [self.pid(index) for index in range(len(case.inside))]
        for name, sits in case.sits.items():
            self.seat(case, pids, name, sits)
        (self.folder / "go").touch()
        ran = self.xats.end(running)
        if descriptor is not None:
            os.close(descriptor)
            os.close(master)
        assert ran.stderr == "", ran
        return json.loads(ran.stdout)

    def command(self, case: cases.Case) -> list[str]:
        client = CLIENTS.get(case.inside[-1], case.inside[-1]) if case.inside else ""
        client = "" if client in ("sh", "sshd") else client
        words = [sys.executable, "-P", PROBE, case.flag or "", client, case.session or (case.inherited and "c9") or ""]
        line = f"until [ -e go ]; do sleep 0.02; done; {shlex.join(words)}"
        for index, program in reversed(list(enumerate(case.inside))):
            line = f"echo $$ >pid.tmp; mv pid.tmp pid.{index}; {line}; true"
            called = fake_claude(self.folder, PROGRAMS.get(program, program))
            line = shlex.join([called, "-c", line, *HELPERS.get(program, ())])
        return ["/bin/sh", "-c", f"{line}; true"]

    def environ(self, case: cases.Case) -> dict:
        found = dict(TMUX) if case.pane else {}
        found |= {"XATS_AGENT": case.name} if case.name else {}
        found |= {"XATS_TEAM": case.team} if case.team else {}
        found |= {VARIABLES[one[0]]: one for one in (case.session, case.inherited) if one}
        return found

    def pid(self, index: int) -> int:
        path = self.folder / f"pid.{index}"
        self.until(path.exists, 30)
        return int(path.read_text())

    def seat(self, case: cases.Case, pids: list[int], name: str, sits: cases.Sits) -> None:
        found = self.process(pids, sits.process)
        first = pids[case.pane_of] if case.pane_of is not None else 1 << 22
        pane = Pane("/nowhere/tmux", 1, 1, "%7", first, "/dev/null") if sits.pane else None
        seat = agents.Seat(HOST, *found, sits.session, pane)
        self.crew.register(name, sits.team, seat, client=sits.client)
        if sits.replaced:
            self.crew.register(name, sits.team, agents.Seat(HOST, client_session="newer"), takeover=True)

    def process(self, pids: list[int], which: int | str | None) -> tuple[int | None, int | None]:
        if which is None:
            return None, None
        if isinstance(which, int):
            return pids[which], process.started(pids[which])
        other = self.xats.start(command=["sleep", "60"])
        found = other.pid, process.started(other.pid)
        if which == "ended":
            other.kill()
            other.wait(20)
        return found


@pytest.fixture
def world(xats, crew, until):
    for name in ("alice", "bob"):
        agent = crew.agent(name)
        crew.store.write(lambda tx, agent=agent: registration.unregister(tx, agent))
    return World(xats, crew, until)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.title)
def test_the_command_and_the_hook_give_the_answer_of_the_table(world, case):
    found = world.ask(case)
    assert (found["command"]["agent"], found["command"]["evidence"]) == (case.answer, case.evidence), found
    if case.inside and case.inside[-1] not in ("sh", "sshd") and case.flag is None:
        assert found["hook"] == (case.answer if case.evidence else None)


def test_the_documentation_has_the_table():
    """Print it by `python tests/identity/cases.py`."""
    path = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "identity.md")
    with open(path, encoding="utf-8") as file:
        assert file.read().endswith(cases.table().rstrip() + "\n")
