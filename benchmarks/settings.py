"""The row of the settings files: hot verbs with a user's and a project's file, against the same without one."""

from __future__ import annotations

import json
import os
import time

from benchmarks.commands import none, only_one
from benchmarks.rig import Command, Row, interleaved, pane
from xats.settings import copies

USER = 'keep = "90d"\n[wake]\nquiet = "5s"\nhops = 50\n[inbox]\nbudget = 6000\n'
PROJECT = '[wake]\nquiet = "10s"\nhops = 20\n[hook]\nbudget = 3000\n'


def settings(rig):
    """`xats send`, `inbox` in a pipe, and a hook with mail and without, with both files: at most 1.05 of without."""
    commands = {}
    for name in ("with", "without"):
        home = rig.home()
        config, project = os.path.join(home.folder, "config"), os.path.join(home.folder, "project")
        os.makedirs(os.path.join(project, ".git"))
        os.makedirs(os.path.join(config, "xats"))
        if name == "with":
            write(os.path.join(config, "xats", "config.toml"), USER)
            write(os.path.join(project, "xats.toml"), PROJECT)
        for what, command in verbs(rig, home, project).items():
            command.env = {**command.env, "XDG_CONFIG_HOME": config}
            commands[f"{what} {name}"] = command
    time.sleep(copies.FRESH / 1e9)  # no copy is kept of a file that was just written
    before = os.getcwd()
    try:
        taken = interleaved(commands, times=101)
    finally:
        os.chdir(before)
    rows = []
    for what in ("send", "inbox", "hook", "hook with mail"):
        took, base = taken[f"{what} with"], taken[f"{what} without"]
        said = f"xats {what}: {took * 1000:.1f} ms; without a settings file {base * 1000:.1f} ms"
        rows.append(Row(f"settings {what}", took / base, 1.05, "x", said))
    return rows


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def verbs(rig, home, project):
    """Return the commands of `home`, each run in the folder `project`."""
    home.seat("carol", pane(3), session="s")
    event = rig.path("event.json")
    told = {"session_id": "s", "cwd": project, "hook_event_name": "PostToolUse", "tool_name": "Bash"}
    write(event, json.dumps({**told, "tool_input": {"command": "make"}, "tool_response": {"stdout": "x" * 2000}}))

    def hook(before):
        return home.xats("hook", "run", "claude-code", who=None, stdin=event, before=before)

    found: dict[str, Command] = {
        "send": home.xats("send", "bob", "hello bob"),
        "inbox": home.xats("inbox", who="bob", before=lambda: only_one(home)),
        "hook": hook(lambda: none(home)),
        "hook with mail": hook(lambda: only_one(home, "carol")),
    }
    for command in found.values():
        command.before = there(project, command.before)
    return found


def there(folder, before):
    """Return what goes to `folder` and then does `before`."""

    def go():
        os.chdir(folder)
        if before:
            before()

    return go
