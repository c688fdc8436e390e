"""The real programs and the keyboard of their terminal: what they run through and beside them is not in the way.

Each is idle, with an MCP server and a command in the background, and is woken; the editor that it opens keeps the line
away until it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from tests.clients.real_clients import LINE, Office

# The keys that open what stands in the composer in the user's editor.
EDIT = {"claude-code": ("C-g",), "codex": ("C-g",), "gemini": ("C-g",), "opencode": ("C-x", "e"), "qwen": ("C-x",)}
# An editor whose screen could be the program's own, in the row of the cursor.
EDITOR = """#!/bin/sh
printf '\\033[2J\\033[H{prompt}'
cat > {folder}/typed
true
"""
PROMPTS = {"claude-code": "\u276f ", "codex": "\u203a ", "gemini": " > ", "opencode": "  \u2503  ", "qwen": "> "}
SERVER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    answer = {}
    if asked["method"] == "initialize":
        answer = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}}}
        answer["serverInfo"] = {"name": "probe", "version": "1"}
    elif asked["method"] == "tools/list":
        schema = {"type": "object", "properties": {}}
        answer = {"tools": [{"name": "nothing", "description": "Does nothing.", "inputSchema": schema}]}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
"""


def with_server(name: str, home: str) -> None:
    """Add an MCP server to the settings of the client `name`."""
    server = home + "/server.py"
    with open(server, "w", encoding="utf-8") as file:
        file.write(SERVER)
    python = sys.executable
    if name == "codex":
        with open(home + "/.codex/config.toml", "a", encoding="utf-8") as file:
            file.write(f'[mcp_servers.probe]\ncommand = "{python}"\nargs = ["{server}"]\n')
        return
    path, key, entry = {
        "claude-code": ("/.claude.json", "mcpServers", {"type": "stdio", "command": python, "args": [server]}),
        "gemini": ("/.gemini/settings.json", "mcpServers", {"command": python, "args": [server], "trust": True}),
        "qwen": ("/.qwen/settings.json", "mcpServers", {"command": python, "args": [server], "trust": True}),
        "opencode": ("/.config/opencode/opencode.json", "mcp", {"type": "local", "command": [python, server]}),
    }[name]
    with open(home + path, encoding="utf-8") as file:
        settings = json.load(file)
    settings[key] = {"probe": entry}
    with open(home + path, "w", encoding="utf-8") as file:
        json.dump(settings, file)


def of_home(home: str, word: str) -> list[int]:
    """Return the pids of the processes with that HOME in whose command line `word` stands."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if word in " ".join(one.cmdline()) and one.environ().get("HOME") == home:
                found.append(one.pid)
    return found


@pytest.mark.parametrize("name", sorted(EDIT))
def test_a_real_client_is_woken_beside_what_it_runs(name, tmp_path_factory):
    _, why = real.installed(name)
    if why:
        pytest.skip(f"{name} cannot be installed here: {why}")
    folder = str(tmp_path_factory.mktemp("f"))
    project = os.path.join(folder, "proj")
    os.mkdir(project)
    server, editor, typed = (os.path.join(folder, name) for name in ("s", "editor", "typed"))
    with open(editor, "w", encoding="utf-8") as file:
        file.write(EDITOR.format(prompt=PROMPTS[name], folder=folder))
    os.chmod(editor, 0o755)
    extra = {"EDITOR": editor, "VISUAL": editor}
    with (
        Model() as model,
        real.start(name, server, project, model, extra=extra, before=lambda home: with_server(name, home)) as running,
    ):
        running.wait_idle()
        running.until(lambda: of_home(running.home, "server.py"), what="its MCP server runs")
        office = Office(folder, running)
        office.count = len(office.prompts())
        try:
            office.send()
            office.delivered([LINE])

            asked = "RUN tail -f /dev/null > /dev/null 2>&1 &"
            running.submit(asked)
            running.until(lambda: running.shows(running.client.permission) or of_home(running.home, "tail -f"))
            if running.shows(running.client.permission):
                running.settled(minimum=0.5)
                running.keys("Enter")
            running.wait_idle()
            office.send()
            office.delivered([asked, LINE])

            running.keys(*EDIT[name])
            running.until(lambda: os.path.exists(typed), what="its editor is open")
            office.send()
            office.refused("child_foreground")
            time.sleep(5)  # two more rungs
            assert "xats:" not in running.screen()
            assert os.path.getsize(typed) == 0
            reader = next(one.pid for one in running.processes() if one.name() == "cat")
            os.kill(reader, signal.SIGTERM)
            office.delivered([LINE])
        finally:
            office.xats("daemon", "stop")
            subprocess.run(["tmux", "-S", server, "kill-server"], capture_output=True, timeout=20, check=False)
