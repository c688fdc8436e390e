"""Who is who in one pane of a real tmux: its agent, what that has started, and the person who suspended it."""

import json
import os
import shlex
import shutil
import tempfile

import pytest

from tests.hooks.test_run import event, fake_claude
from tests.support.world import Tmux
from xats.core.agents import agents

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")


class Pane:
    """A pane with an interactive shell, and files in which its commands leave what they said."""

    def __init__(self, xats, crew, until, folder) -> None:
        self.xats, self.crew, self.until = xats, crew, until
        self.tmux = Tmux(folder)
        variables = shlex.join(f"{name}={value}" for name, value in xats.env({}).items())
        shell = f"cd {shlex.quote(str(xats.folder))}; exec env -i TMUX=$TMUX TMUX_PANE=$TMUX_PANE {variables} sh -i"
        self.id = self.tmux.open(shell)
        self.files = 0

    def type(self, line: str) -> None:
        self.tmux.cmd("send-keys", "-t", self.id, "-l", line)
        self.tmux.cmd("send-keys", "-t", self.id, "Enter")

    def path(self):
        self.files += 1
        return self.xats.folder / f"said.{self.files}"

    def said(self, path) -> str:
        self.until(lambda: path.exists() and path.read_text().endswith("done\n"), 30)
        return path.read_text().removesuffix("done\n")

    def run(self, line: str) -> str:
        """Type a line of shell; return what it says."""
        path = self.path()
        self.type(self.noting(line, path))
        return self.said(path)

    def noting(self, line: str, path) -> str:
        """Return a line of shell that runs `line`, and leaves in the file `path` what it says."""
        return f"{{ {line}; }} >{path}.new 2>&1; echo done >>{path}.new; mv {path}.new {path}"

    def xats_line(self, *words: str) -> str:
        return shlex.join([*self.xats.words, *words])

    def program(self, name: str, line: str) -> str:
        """Return a line of shell that runs `line` as a program called `name`."""
        return shlex.join([fake_claude(self.xats.folder, name), "-c", f"{line}; true"])

    def seat(self, name: str) -> agents.Seat:
        return self.crew.see(name, agents.current_session).seat


@pytest.fixture
def pane(xats, crew, until):
    folder = tempfile.mkdtemp(prefix="xi", dir="/tmp")
    made = Pane(xats, crew, until, folder)
    yield made
    made.tmux.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_the_person_who_suspends_an_agent_is_not_that_agent(pane):
    whoami = pane.xats_line("whoami", "--json")
    first, second = pane.path(), pane.path()
    register = pane.noting(pane.xats_line("register", "alice"), first)
    pane.type(pane.program("claude", f"{register}; kill -STOP $$; {pane.noting(whoami, second)}"))
    assert "alice registered" in pane.said(first)
    pane.crew.send("bob", "alice", "for alice")
    said = pane.run(pane.xats_line("inbox"))
    assert "no mail for carol" in said
    assert f"alice (claude-code, pid {pane.seat('alice').pid}) has this pane, and you are carol" in said
    assert "for alice" not in said
    assert json.loads(pane.run(f"{whoami} 2>/dev/null"))["agent"]["name"] == "carol"
    assert json.loads(pane.run(f"{whoami} --as alice"))["agent"]["name"] == "alice"
    said = pane.run(f"{whoami} </dev/null")  # as a script does
    assert json.loads(said)["error"]["code"] == "unknown_agent"
    pane.type("fg")
    assert json.loads(pane.said(second))["agent"]["name"] == "alice"


@pytest.mark.parametrize("by", ["command", "hook"])
def test_a_program_that_an_agent_has_started_leaves_it_the_pane(pane, by):
    if by == "command":
        inner, name = pane.xats_line("register", "dave"), "dave"
    else:
        told = shlex.quote(event("codex", "session start", "t1"))
        inner, name = f"printf %s {told} | XATS_NAME_NEW=1 {pane.xats_line('hook', 'run', 'codex')}", "codex-1"
    inner = pane.program("codex", inner)
    said = pane.run(pane.program("claude", f"{pane.xats_line('register', 'alice')}; {inner}"))
    assert "stays with alice: its program has started this one" in said or by == "hook"
    assert pane.seat("alice").pane.pane_id == pane.id
    assert (pane.seat(name).pane, pane.seat(name).pid is not None) == (None, True)
    assert pane.tmux.cmd("show", "-p", "-v", "-t", pane.id, "@xats_agent") == "alice"


def test_a_program_in_a_shell_that_was_registered_takes_the_pane(pane):
    """The shell has no other use for it while the program runs."""
    pane.run(pane.xats_line("register", "shelly", "--client", "generic"))
    said = pane.run(pane.program("claude", pane.xats_line("register", "alice")))
    assert "this pane was shelly@crew's until now" in said
    assert pane.seat("alice").pane.pane_id == pane.id


def test_another_program_after_the_first_has_ended_is_the_same_agent(pane):
    pane.run(pane.program("claude", pane.xats_line("register", "alice")))
    pane.crew.send("bob", "alice", "for alice")
    told = shlex.quote(event("codex", "session start", "t1"))
    prompt = shlex.quote(event("codex", "prompt", "t1"))
    hook = pane.xats_line("hook", "run", "codex")
    hooks = f"printf %s {told} | {hook}; printf %s {prompt} | {hook}"
    said = pane.run(pane.program("codex", f"{hooks}; CODEX_THREAD_ID=t1 {pane.xats_line('whoami')}"))
    assert "You are alice@crew" in said
    assert "for alice" in said
    assert "alice in team crew" in said


def test_what_a_hook_hands_over_the_same_session_can_answer(xats, crew):
    """XATS_TEAM is that of another team: neither the hook nor the command takes the session for its agent."""
    claude = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s1"}
    xats("register", "dave", "--no-pane", env=claude)
    crew.register("kim", team="other")
    crew.send("bob", "dave", "for dave", need_reply=True)
    other = {**claude, "XATS_TEAM": "other"}
    assert xats("hook", "run", "claude-code", stdin=event("claude-code", "prompt", "s1"), env=other).stdout == ""
    error = xats("reply", "1", "yes", "--json", env=other, code=3).error()
    assert "This session is dave's in team crew, but --team or XATS_TEAM says other." in error["message"]
    handed = xats("hook", "run", "claude-code", stdin=event("claude-code", "prompt", "s1"), env=claude).stdout
    assert "for dave" in handed
    xats("reply", "1", "yes", env=claude)


def test_the_socket_of_a_nested_tmux_is_another_pane(pane):
    """A tmux inside of the pane has panes of its own, which are nobody's."""
    inner = os.path.join(pane.tmux.folder, "inner")
    pane.run(pane.program("claude", pane.xats_line("register", "alice")))
    path = pane.path()
    line = pane.noting(pane.xats_line("whoami", "--json"), path)
    tmux = shlex.join(["tmux", "-S", inner, "-f", "/dev/null"])
    pane.type(f"TMUX= {tmux} new-session -d {shlex.quote(line)}")
    assert json.loads(pane.said(path).splitlines()[-1])["agent"]["name"] == "carol"


def test_a_shell_is_one_agent_and_its_doctor_does_not_warn_of_itself(pane):
    """The second name takes the shell; the first one is not shown as online."""
    register = [pane.xats_line("register", name, "--client", "generic") for name in ("ann", "zoe")]
    pane.run(register[0])
    said = pane.run(register[1])
    assert "this pane was ann@crew's until now; the mail of ann@crew is kept" in said
    assert "a shell, so nothing is typed there" in said
    found = json.loads(pane.run(pane.xats_line("agents", "--json")))["agents"]
    assert {one["name"]: one["state"] for one in found if one["name"] in ("ann", "zoe")} == {
        "ann": "unknown",
        "zoe": "online",
    }
    said = json.loads(pane.run(pane.xats_line("doctor", "--json")))
    (check,) = [one for one in said["checks"] if (one["section"], one["name"]) == ("tmux", "zoe@crew")]
    assert (check["state"], "the shell of this command" in check["detail"]) == ("ok", True)
