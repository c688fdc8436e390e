"""`xats launch` with the real programs, each with an empty HOME and a loopback model: `make test-clients`.

The program is registered before its first prompt, its hooks hand mail over, its tools know who they are, and when it
has gone the shell and the settings are as they were.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from tests.clients import mock_model, real
from tests.clients.mock_model import Model

BIN = os.path.dirname(sys.executable)
REVIEW = "Hooks need review"
SETTINGS = {
    "claude-code": (".claude/settings.json",),
    "codex": (),  # it writes what it is told to trust into its own
    "gemini": (".gemini/settings.json",),
    "opencode": (".config/opencode/opencode.json",),
    "qwen": (),  # it brings its own into another form
}
OURS = {  # where `hook install` would have put something
    "claude-code": ".claude/settings.local.json",
    "codex": ".codex/hooks.json",
    "opencode": ".config/opencode/plugins/xats.js",
}


@pytest.fixture
def heard(monkeypatch):
    """The requests that the model has got, whole."""
    found: list[str] = []

    class Whole(mock_model.Asked):
        def __init__(self, protocol: str, body: dict) -> None:
            super().__init__(protocol, body)
            found.append(json.dumps(body, ensure_ascii=False))

    monkeypatch.setattr(mock_model, "Asked", Whole)
    return found


class Desk:
    """The xats of a person beside the pane in which the program runs."""

    def __init__(self, folder: str) -> None:
        self.env = {"XATS_HOME": os.path.join(folder, "home"), "XATS_TEAM": "t", "XATS_AUTOSTART": "0"}

    def __call__(self, *words: str) -> dict:
        env = {"PATH": os.environ["PATH"], "HOME": self.env["XATS_HOME"], "LANG": "C.UTF-8", **self.env}
        command = [sys.executable, "-P", "-m", "xats", *words, "--json"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def bob(self) -> dict:
        return next((one for one in self("agents")["agents"] if one["name"] == "bob"), {})


def contents(home: str, names) -> dict[str, bytes]:
    found = {}
    for name in names:
        with open(os.path.join(home, name), "rb") as file:
            # opencode puts that into its own file at its first start
            found[name] = file.read().replace(b'\n  "$schema": "https://opencode.ai/config.json",', b"")
    return found


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini", "opencode", "qwen"])
def test_a_real_client_is_launched(name, tmp_path_factory, heard):
    program, why = real.installed(name)
    if why:
        pytest.skip(f"{name} cannot be installed here: {why}")
    client = real.CLIENTS[name]
    folder = str(tmp_path_factory.mktemp("l"))
    project = os.path.join(folder, "proj")
    os.mkdir(project)
    desk = Desk(folder)
    desk("register", "alice", "--no-pane", "--client", "generic")
    path = real.environment(client, "/", "", program)["PATH"]
    line = f"xats launch {client.command} --name bob --role reviewer"
    if name == "gemini":  # it has no way for one launch alone
        line = f"xats hook install gemini --yes -q && {line}"
    if client.arguments:
        line += f" -- {' '.join(client.arguments)}"
    extra = {**desk.env, "PATH": f"{BIN}:{path}", "DISABLE_TELEMETRY": "1"}
    server = os.path.join(folder, "s")
    with Model() as model, real.start(name, server, project, model, extra=extra, line=line) as running:
        running.until(lambda: desk.bob().get("online"), what="bob is registered and online")
        bob = desk.bob()
        assert (bob["client"], bob["role"], bob["pane"]["pane_id"]) == (name, "reviewer", running.pane)
        before = contents(running.home, SETTINGS[name])
        if name == "codex":
            running.wait_for(REVIEW)
            running.settled()
            running.keys("Down")
            running.wait_for(r"^\u203a 2")
            running.keys("Enter")
        running.wait_idle()

        started = running.processes()
        commands = [" ".join(one.cmdline()) for one in started]
        assert not [one for one in commands if "xats launch" in one or "-m xats" in one], commands
        assert client.command in " ".join(started[0].cmdline()[:2])
        assert f"pid {started[0].pid}" in desk.bob()["detail"]

        desk("send", "bob", "the parser is ready", "--as", "alice")
        running.submit("hello")
        running.wait_idle()
        said = "\n".join(heard)
        assert said.count("You are bob@t in xats") > 0
        assert "Mail #1 from alice@t" in said
        assert "| the parser is ready" in said
        assert desk.bob()["unread"] == 0
        assert f"pid {started[0].pid}" in desk.bob()["detail"], "the hooks know the same process"
        assert max(one.count("You are bob@t in xats") for one in heard) == 1, "told once"
        assert not os.path.exists(os.path.join(desk.env["XATS_HOME"], "xats.db-hooks.log"))

        out = os.path.join(folder, "whoami")
        running.submit(f"RUN {BIN}/xats whoami --json > {out}")
        running.wait_for(client.permission)
        running.settled()  # a key that comes at once is taken for one that was meant for the composer
        running.keys("Enter")
        running.until(lambda: os.path.exists(out) and os.path.getsize(out), what="the tool has run")
        with open(out, encoding="utf-8") as file:
            me = json.load(file)
        assert (me["agent"]["name"], me["agent"]["team"]) == ("bob", "t")
        running.wait_idle()

        running.type(client.leave)
        time.sleep(1)
        running.keys("Enter")
        running.until(lambda: running.format("#{pane_current_command}") == "bash", what="the shell is back")
        assert not desk.bob()["online"]
        assert contents(running.home, SETTINGS[name]) == before
        if name in OURS:
            assert not os.path.lexists(os.path.join(running.home, OURS[name]))
        if name == "qwen":
            assert b"hook run" not in contents(running.home, [".qwen/settings.json"])[".qwen/settings.json"]
        assert not shutil.which("xats", path=running.home)
        assert os.listdir(project) == []
