"""Rows of the hook before an edit: a check alone, the first automatic lock, and both with many locks and zones."""

from __future__ import annotations

import json
import os
import subprocess

from benchmarks.rig import Row, interleaved, pane
from xats.core.locks import automatic, locks
from xats.core.locks.files import File
from xats.core.zones import places, zones
from xats.identity.files import locate

FEW, MANY = (10, 10), (10_000, 1_000)  # locks and zones


def edits(rig):
    """`xats hook run` before an edit: at most 2.2 F for a check, 2.5 F with an automatic lock that is written.

    With 10,000 locks and 1,000 zones a check takes at most 1.2 times as long as with 10 of each.
    """
    commands, small = {}, None
    for name, (files, areas) in (("few", FEW), ("many", MANY)):
        home = rig.home(name)
        small = small or home
        event, file = office(rig, home, files, areas)
        checked = {"who": None, "stdin": event}
        commands[f"check {name}"] = home.xats("hook", "run", "claude-code", before=mine(home, file), **checked)
        if home is small:
            commands["lock"] = home.xats("hook", "run", "claude-code", before=free(home), **checked)
            commands["F"] = home.floor()
    taken = interleaved(commands)
    floor, few, many = taken["F"], taken["check few"], taken["check many"]
    base = f"F = {floor * 1000:.1f} ms"
    says = "xats hook run before an edit"
    return [
        Row("hook check", few / floor, 2.2, "x F", f"{says}: {few * 1000:.1f} ms; {base}"),
        Row(
            "hook lock", taken["lock"] / floor, 2.5, "x F", f"{says}, and a lock: {taken['lock'] * 1000:.1f} ms; {base}"
        ),
        Row(
            "hook check many",
            many / few,
            1.2,
            "x",
            f"with {MANY[0]:,} locks and {MANY[1]:,} zones: {many * 1000:.1f} ms",
        ),
    ]


def office(rig, home, files, areas):
    """Put `files` locks and `areas` zones of bob into the store; return the event of an edit by carol, and its file."""
    carol = home.seat("carol", pane(3), "claude-code", session="s")
    top = rig.path("project")
    subprocess.run(["git", "init", "-q", top], check=True)
    file = locate("src/here/file.py", top)

    def work(tx):
        for number in range(files):
            path = f"src/d{number % 100}/f{number}.py"
            locks.put(tx, home.bob, File(file.host, file.repository, file.worktree, path, path), "explicit", 7_200_000)
        place = places.Place(file.host, file.repository, file.remote)
        for number in range(areas):
            zones.assign(tx, home.bob, "bob", place, [f"area{number}/*.py" if number % 2 else f"area{number}/"])
        tx.run("update presence set state = 'busy'")

    home.store.write(work)
    event = rig.path("event.json")
    told = {"session_id": "s", "cwd": top, "hook_event_name": "PreToolUse", "tool_name": "Edit"}
    with open(event, "w") as out:
        json.dump({**told, "tool_input": {"file_path": os.path.join(top, file.path), "old_string": "x" * 500}}, out)
    home.carol = carol
    return event, file


def mine(home, file):
    """Return what gives carol a fresh automatic lock on `file`."""
    return lambda: home.store.write(lambda tx: automatic.take(tx, home.carol, file))


def free(home):
    """Return what ends the automatic locks of carol."""
    return lambda: home.store.write(lambda tx: automatic.end(tx, home.carol))
