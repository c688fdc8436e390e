"""Rows of single commands, as whole processes: the console script `xats`, from its start to its end."""

from __future__ import annotations

import json
import sys

from benchmarks.rig import XATS, Command, Row, interleaved, pane


def hot(rig):
    """send, reply, inbox with one mail, wait with mail present, whoami: at most 1.6 F; --version: at most 2 F."""
    home = rig.home()
    first = home.send()
    commands = {
        "F": home.floor(),
        "send": home.xats("send", "bob", "hello bob"),
        "reply": home.xats("reply", str(first), "hello alice", who="bob"),
        "inbox": home.xats("inbox", who="bob", before=lambda: only_one(home)),
        "wait": home.xats("wait", who="bob", before=lambda: only_one(home)),
        "whoami": home.xats("whoami"),
        "--version": Command([XATS, "--version"], home.env()),
    }
    taken = interleaved(commands)
    floor = taken.pop("F")
    base = f"F = {floor * 1000:.1f} ms"
    return [
        Row(
            name, took / floor, 2.0 if name == "--version" else 1.6, "x F", f"xats {name}: {took * 1000:.1f} ms; {base}"
        )
        for name, took in taken.items()
    ]


def badge(rig):
    """`xats badge` in a shell prompt, with unread mail, without any, and without a store: at most 1.3 F."""
    home = rig.home()
    home.seat("kim", None, "human")
    home.send("kim")
    empty = home.env(USER="kim", XATS_HOME=rig.path("nowhere"), LANG="C.UTF-8")
    person = home.env(USER="kim", LANG="C.UTF-8")
    del person["XATS_TEAM"], empty["XATS_TEAM"]
    commands = {
        "F": home.floor(),
        "mail": Command([XATS, "badge"], person),
        "nothing": Command([XATS, "badge"], {**person, "USER": "pat"}),
        "no store": Command([XATS, "badge"], empty),
    }
    taken = interleaved(commands)
    floor = taken.pop("F")
    base = f"F = {floor * 1000:.1f} ms"
    return [
        Row(f"badge {name}", took / floor, 1.3, "x F", f"xats badge: {took * 1000:.1f} ms; {base}")
        for name, took in taken.items()
    ]


READ = "update deliveries set state = 'read', read_at = :now where state in ('unread', 'shown')"


def hook(rig):
    """`xats hook run` after a tool: at most 1.25 F without mail, 2.2 F with a message that it hands over.

    The hook that comes after such a message writes too: it proves that the message was seen.
    """
    home = rig.home()
    event = rig.path("event.json")
    told = {"session_id": "s", "cwd": home.folder, "hook_event_name": "PostToolUse", "tool_name": "Bash"}
    with open(event, "w") as file:
        json.dump({**told, "tool_input": {"command": "make"}, "tool_response": {"stdout": "x" * 2000}}, file)
    home.seat("carol", pane(3), session="s")
    commands = {
        "F": home.floor(),
        "nothing": home.xats("hook", "run", "claude-code", who=None, stdin=event),
        "mail": home.xats("hook", "run", "claude-code", who=None, stdin=event, before=lambda: only_one(home, "carol")),
    }
    commands["after"] = home.xats("hook", "run", "claude-code", who=None, stdin=event, before=lambda: shown(home))
    commands["nothing"].before = lambda: none(home)
    taken = interleaved(commands)
    floor = taken.pop("F")
    base = f"F = {floor * 1000:.1f} ms"
    return [
        Row(f"hook {name}", took / floor, bound, "x F", f"xats hook run: {took * 1000:.1f} ms; {base}")
        for (name, took), bound in zip(taken.items(), (1.25, 2.2, 2.2), strict=True)
    ]


def none(home):
    """Leave no message that is unread, or that was shown and would be noted as read by the next hook."""
    home.store.write(lambda tx: tx.run(READ, now=tx.now))


def shown(home):
    """Leave one message to carol that an earlier hook of the session `s` has shown."""
    only_one(home, "carol")
    mark = "update deliveries set state = 'shown', shown_at = 1, shown_by = 'hook s' where state = 'unread'"
    home.store.write(lambda tx: tx.run(mark))


def only_one(home, to="bob"):
    """Leave exactly one unread message to `to`."""

    def work(tx):
        tx.run(READ, now=tx.now)
        tx.run(
            "update wakes set state = 'skipped', closed_at = :now, next_attempt_at = null where closed_at is null",
            now=tx.now,
        )

    home.store.write(work)
    home.send(to)


QUICK = ("ack", "show", "thread", "status", "agents", "events")


def other(rig):
    """Every other verb that ends by itself, into a pipe: at most 1.5 times `python -c "import typer, sqlite3"`.

    Those by which people and agents look and answer: at most 2.2 F.
    """
    from xats.cli.kit.verbs import VERBS

    home = rig.home()
    first = str(home.send())
    words = {
        "broadcast": ["broadcast", "hello"],
        "ack": ["ack", first],
        "show": ["show", first],
        "thread": ["thread", first],
        "status": ["status", first],
        "log": ["log"],
        "search": ["search", "hello"],
        "register": ["register", "carol", "--no-pane"],
        "unregister": ["unregister", "dave", "--force"],
        "agents": ["agents"],
        "events": ["events"],
        "deliver": ["deliver", "--once"],
        "daemon start": ["daemon", "start"],  # that finds one running
        "daemon status": ["daemon", "status"],
        "schema": ["schema"],
    }
    calm = rig.home(daemon=False)
    commands = {"F": home.floor(), "typer": Command([sys.executable, "-c", "import typer, sqlite3"], home.env())}
    for verb, line in words.items():
        if verb in VERBS:
            commands[verb] = home.xats(*line, who="bob" if verb == "ack" else "alice")
    if "unregister" in commands:
        commands["unregister"].before = lambda: home.seat("dave", None)
    if "deliver" in commands:
        commands["deliver"].before = lambda: only_one(home) or suspend(home)
    commands["daemon stop"] = calm.xats("daemon", "stop")  # that finds none running
    left_out = set(VERBS) - set(commands) - {"send", "reply", "inbox", "wait", "whoami", "badge", "hook run"}
    rows = verb_rows("verb", interleaved(commands, times=21), QUICK)
    if left_out:
        rows[-1] = Row(**{**vars(rows[-1]), "what": f"{rows[-1].what} (not timed: {', '.join(sorted(left_out))})"})
    return rows


def verb_rows(kind, taken, quick):
    """Return a row for each verb in `taken`: against F for those in `quick`, else against the import of Typer."""
    floors = {"x F": (taken.pop("F"), 2.2), "x typer": (taken.pop("typer"), 1.5)}
    rows = []
    for name, took in taken.items():
        unit = "x F" if name in quick else "x typer"
        floor, bound = floors[unit]
        what = f"xats {name}: {took * 1000:.1f} ms; {unit[2:]} = {floor * 1000:.1f} ms"
        rows.append(Row(f"{kind} {name}", took / floor, bound, unit, what))
    return rows


def suspend(home):
    """Leave nothing due, so that a round has nothing to do."""
    home.store.write(lambda tx: tx.run("update wakes set next_attempt_at = null where closed_at is null"))


def overview(rig):
    """`xats` without a verb on a terminal, in a team of 20 agents with mail: at most 2 F."""
    home = rig.home()
    for number in range(18):
        home.seat(f"agent{number}", pane(10 + number), client="claude-code")
        home.send(f"agent{number}", "Please review")
        home.send("bob", "Which port?")
    terminal = rig.terminal()
    taken = interleaved({"F": home.floor(), "xats": home.xats(who="bob", terminal=terminal)})
    floor, took = taken["F"], taken["xats"]
    what = f"xats on a terminal, 20 agents: {took * 1000:.1f} ms; F = {floor * 1000:.1f} ms"
    return [Row("overview", took / floor, 2.0, "x F", what)]


def root_help(rig):
    """`xats --help`: at most 2.5 times `python -c "import typer, sqlite3"`."""
    home = rig.home()
    commands = {
        "typer": Command([sys.executable, "-c", "import typer, sqlite3"], home.env()),
        "help": Command([XATS, "--help"], home.env()),
    }
    taken = interleaved(commands, times=21)
    what = f"xats --help: {taken['help'] * 1000:.1f} ms; import typer, sqlite3 = {taken['typer'] * 1000:.1f} ms"
    return [Row("help", taken["help"] / taken["typer"], 2.5, "x typer", what)]


def tab(rig):
    """One Tab, as the shell scripts ask: 100 ms where F is 14 ms, so at most 7 F."""
    home = rig.home()
    for number in range(200):
        home.seat(f"agent{number}", None)
        home.send(f"agent{number}")
    kinds = ("agent", "message")
    commands = {"F": home.floor(), **{kind: home.xats("_complete", kind, "") for kind in kinds}}
    taken = interleaved(commands, times=21)
    floor = taken.pop("F")
    return [
        Row(f"tab {kind}", took / floor, 7.0, "x F", f"xats _complete {kind} '', 200 agents: {took * 1000:.1f} ms")
        for kind, took in taken.items()
    ]
