"""`xats launch` in places of their own and `xats down`, with the real programs: `make test-clients`.

A person's shell in one pane starts the program in another. Each has an empty HOME and a loopback model. A first prompt
reaches the model once and no dialog; xats ends a program by its own command, and types nothing at a draft or a dialog.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shlex
import sqlite3
import subprocess
import time

import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from tests.clients.real_launch import BIN, REVIEW, Desk

FIRST = "count the first apples"
DIALOGS = ("claude-code", "codex", "gemini", "qwen")  # those that ask whether a folder is trusted
SESSIONS = {  # where a program keeps its sessions, and how the id of one is found in the name or the text of a file
    "claude-code": (".claude/projects/*/*.jsonl", r"([0-9a-f-]{36})\.jsonl$"),
    "codex": (".codex/sessions/**/rollout-*.jsonl", r"([0-9a-f-]{36})\.jsonl$"),
    "gemini": (".gemini/tmp/*/chats/*.json*", r'"sessionId":\s*"([^"]+)"'),
    "qwen": (".qwen/**/chats/*.jsonl", r"([0-9a-f-]{36})\.jsonl$"),
}


class Bench:
    """A person's shell, from which `xats launch` starts the program of bob, and the xats of alice beside it."""

    def __init__(self, name: str, folder: str, model: Model, *, trusted: bool) -> None:
        program, why = real.installed(name)
        if program is None:
            pytest.skip(f"{name} cannot be installed here: {why}")
        self.client, self.model, self.folder, self.calls = real.CLIENTS[name], model, folder, 0
        self.trusted = trusted
        self.project = os.path.join(folder, "proj")
        os.mkdir(self.project)
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", self.project]
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
        self.desk = Desk(folder)
        self.desk.env.update(XATS_QUIET_MS="300", XATS_LADDER=",".join(["2s"] * 60))
        self.desk("register", "alice", "--no-pane", "--client", "generic")
        path = real.environment(self.client, "/", "", program)["PATH"]
        extra = {**self.desk.env, "PATH": f"{BIN}:{path}", "DISABLE_TELEMETRY": "1"}
        self.shell = real.start(
            name, os.path.join(folder, "s"), self.project, model, trusted=trusted, extra=extra, launch=False
        )
        if trusted:
            real.trust(self.client, self.shell.home, os.path.join(self.project, ".worktrees", "bob"))
        if name == "gemini":  # it has no hooks for one launch alone
            self.run("hook install gemini --yes -q")

    def run(self, line: str, code: int = 0) -> str:
        """Run a line of xats in the person's shell; return what it says."""
        self.calls += 1
        out = os.path.join(self.folder, f"out-{self.calls}")
        self.shell.keys("-l", f"xats {line} >{out} 2>&1; echo $? >{out}.rc")
        self.shell.keys("Enter")
        self.shell.until(lambda: os.path.exists(f"{out}.rc") and os.path.getsize(f"{out}.rc"), 120, what=line)
        with open(out, encoding="utf-8") as file, open(f"{out}.rc", encoding="utf-8") as ended:
            said, got = file.read(), int(ended.read())
        assert got == code, f"xats {line}: exit {got}\n{said}\n{self.pane().screen() if self.bob() else ''}"
        return said

    def launch(self, *words: str, code: int = 0) -> str:
        more = ["--", *self.client.arguments] if self.client.arguments else []
        more = ["--", "--port", str(real.free_port())] if self.client.name == "opencode" else more
        if self.client.name == "codex" and self.trusted:  # else it says that it cannot, and ends
            words = ("--writable-store", *words)
        line = ["launch", self.client.command, "--name", "bob", "--window", *words, *more]
        return self.run(shlex.join(line), code)

    def bob(self) -> dict:
        """Return what `xats agents --long` says of bob, with his unread mail."""
        found = next((one for one in self.desk("agents", "--long")["agents"] if one["name"] == "bob"), {})
        return {**found["crew"], "unread": found["unread"]} if found else {}

    def state(self) -> str:
        return self.bob().get("state", "")

    def pane(self) -> real.Running:
        """Return the pane of bob, which xats has made."""
        number = self.bob()["start"]["pane"]["pane_id"]
        return real.Running(self.client, self.shell.socket, number, self.project, self.shell.home, self.model, True)

    def answer_review(self) -> None:
        """Answer the dialog with which Codex asks about new hooks."""
        pane = self.pane()
        pane.wait_for(REVIEW)
        pane.settled()
        while not pane.shows(r"^\u203a 2"):
            pane.keys("Down")
            pane.settled(minimum=0.3)
        pane.keys("Enter")

    def panes(self) -> list[str]:
        return self.shell.tmux("list-panes", "-a", "-F", "#{pane_id}").split()

    def heard(self, text: str) -> int:
        """Return how many prompts with `text` have reached the model."""
        return sum(text in one for one in self.model.prompts())

    def until_state(self, state: str) -> None:
        self.shell.until(lambda: self.state() == state, 60, what=f"bob is {state}, not {self.bob()}")

    def session(self) -> str:
        """Return the id of the only session of the program."""
        if self.client.name == "opencode":
            path = os.path.join(self.shell.home, ".local/share/opencode/opencode.db")
            with contextlib.closing(sqlite3.connect(path)) as db:
                return db.execute("select id from session where parent_id is null").fetchone()[0]
        where, pattern = SESSIONS[self.client.name]
        found = set()
        for path in glob.glob(os.path.join(self.shell.home, where), recursive=True):
            with open(path, encoding="utf-8") as file:
                found |= set(re.findall(pattern, path if pattern.endswith("$") else file.read(), re.M))
        assert len(found) == 1, found
        return found.pop()

    def close(self) -> None:
        self.desk("daemon", "stop")
        self.shell.close()
        subprocess.run(["tmux", "-S", self.shell.socket, "kill-server"], capture_output=True, timeout=20, check=False)


@pytest.fixture
def bench(request, tmp_path_factory):
    """Return what makes a bench; all of them are closed at the end."""
    made: list[Bench] = []
    with Model() as model, contextlib.ExitStack() as closing:

        def make(name: str, *, trusted: bool) -> Bench:
            made.append(Bench(name, str(tmp_path_factory.mktemp("p")), model, trusted=trusted))
            closing.callback(made[-1].close)
            return made[-1]

        yield make


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini", "opencode", "qwen"])
def test_a_real_program_in_a_window_of_its_own(name, bench):
    stage = bench(name, trusted=True)
    if name == "codex":
        said = stage.launch("--worktree", "--prompt", FIRST, code=4)
        assert "Hooks need review" in said, said
        assert (stage.state(), stage.heard(FIRST)) == ("needs_you", 0)
        stage.run("down bob", 4)
        stage.answer_review()
    else:
        said = stage.launch("--worktree", "--prompt", FIRST)
        assert "ready after" in said, said
    pane = stage.pane()
    pane.until(lambda: stage.heard(FIRST) == 1, what="the first prompt reaches the model")
    pane.wait_idle()
    stage.until_state("running")
    tree = os.path.join(stage.project, ".worktrees", "bob")
    assert os.path.realpath(f"/proc/{stage.bob()['start']['pid']}/cwd") == os.path.realpath(tree)

    stage.desk("task", "add", "paint the door", "--as", "alice")
    told = os.path.join(stage.folder, "told")
    words = " && ".join(f"{BIN}/xats {one}" for one in ("task claim 1", "lock take door.py", "turn join", "turn take"))
    words = f"({words}) >{told} 2>&1; touch done"
    pane.submit(f"RUN {words}")
    _approve(pane, os.path.join(tree, "done"))
    pane.wait_idle()
    os.unlink(os.path.join(tree, "done"))
    assert (len(stage.bob()["tasks"]), len(stage.bob()["turns"])) == (1, 1), _text(told)

    pane.type("half a line")
    pane.settled()
    said = stage.run("down bob", 4)
    assert "still runs" in said, said
    assert pane.shows("half a line")
    assert stage.state() == "running"
    pane.keys(*["BSpace"] * len("half a line"))
    pane.settled()

    pane.submit("RUN touch never")
    pane.wait_for(stage.client.permission)
    pane.settled()
    said = stage.run("down bob", 4)
    assert "still runs" in said, said
    assert pane.shows(stage.client.permission)
    assert not os.path.exists(os.path.join(tree, "never"))
    pane.keys("Escape")
    pane.wait_idle()

    number = stage.desk("send", "bob", "the parser is ready", "--as", "alice", "--no-need-reply")["message"]["id"]
    said = stage.run("down bob")
    assert "bob stopped" in said, said
    assert "open again: #1; unlocked: door.py; the turn is free" in said, said
    assert stage.state() == "stopped"
    assert stage.bob()["unread"] == 1, stage.desk("status", str(number), "--as", "alice")
    pane.until(lambda: stage.panes() == [stage.shell.pane], 5, what="the window is gone")

    session = stage.session()
    said = stage.launch("--worktree", "--resume", session, "--prompt", "now the pears", code=0)
    pane = stage.pane()
    pane.until(lambda: stage.heard("now the pears") == 1, what="the next prompt reaches the model")
    request = next(one for one in stage.model.requests() if "now the pears" in one.get("text", ""))
    assert FIRST in request["heard"], "the model sees the earlier text"
    assert stage.heard(FIRST) == 1
    pane.wait_idle()
    assert stage.bob()["unread"] == 0, "the mail came with the prompt"
    assert request["heard"].count("the parser is ready") == 1
    pane.type("half a line")
    pane.settled()
    stage.run("down bob --force --worktree")
    assert stage.state() == "stopped"
    assert not os.path.exists(tree)


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _approve(pane: real.Running, done: str) -> None:
    """Say yes in a permission dialog, until the command has made the file `done`."""
    pane.wait_for(pane.client.permission)
    for _ in range(3):
        pane.settled()
        pane.keys("Enter")
        with contextlib.suppress(real.NotReached):
            pane.until(lambda: os.path.exists(done), 15, what="the command has run")
            return
    raise real.NotReached(pane.screen())


@pytest.mark.parametrize("name", DIALOGS)
def test_a_dialog_of_a_real_program_needs_a_person(name, bench):
    stage = bench(name, trusted=False)
    stage.desk("daemon", "start")
    said = stage.launch("--prompt", FIRST, code=4)
    assert "needs you" in said, said
    assert re.search(stage.client.dialog, said), said
    assert stage.state() == "needs_you"
    pane = stage.pane()
    said = stage.run("down bob", 4)
    assert "still runs" in said, said
    time.sleep(3)  # the daemon has looked at it meanwhile
    assert pane.shows(stage.client.dialog)
    assert not pane.shows(f"{stage.client.leave}|{FIRST}")
    assert stage.heard(FIRST) == 0
    for key in stage.client.accept:
        pane.keys(key)
    if name == "codex":
        stage.answer_review()
    pane.until(lambda: stage.heard(FIRST) == 1, what="the first prompt reaches the model")
    stage.until_state("running")
    if name == "claude-code":  # it asks about its default mode after its first turn
        pane.wait_for("Make auto mode")
        pane.settled()
        pane.keys("Escape")
    pane.wait_idle()
    assert stage.heard(FIRST) == 1
    assert "bob stopped" in stage.run("down bob")
