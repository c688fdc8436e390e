"""The checks of a pane before xats sends a key to it: each returns the reason to refuse, or None.

These checks always run. A caller adds its own, such as those of a client's profile for dialogs and drafts. They run
before the paste and before each Enter. Before Enter the draft in the composer is that of xats (`look.line`,
`look.wake`).
"""

from __future__ import annotations

import time

from xats.base import process, program
from xats.base.program import relaunched
from xats.base.record import record
from xats.tmux import gone, keyboard, terminal
from xats.tmux.pane import device
from xats.tmux.server import too_old

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xats.base.pane import Pane
    from xats.base.process import Process
    from xats.base.program import Program
    from xats.core.waking.reasons import Reason
    from xats.tmux.screen import Look

    Guard = Callable[[Look], Reason | None]
    Client = tuple[int, int]  # pid, start time

# Seconds after a key in which a person counts as typing: where the program has shown the key, and where it has not.
HUMAN, UNSEEN = 3, 10

GUARDS: tuple[Guard, ...] = ()  # the further guards by default


@record
class Expected:
    """What is known of a client besides its process.

    `program` is the program of its process at the first look. `inner` are its child processes that also read the
    terminal, as (pid, start time, program). `same` tells whether a process and its child count as one in any case.
    `composer` tells whether a look shows the client's composer; None where xats does not know its looks. `parked` tells
    whether the session of a process has moved to another process.
    """

    program: Program | None = None
    inner: tuple[tuple[int, int, Program | None], ...] = ()
    same: Callable[[Process, Process], bool] = relaunched
    composer: Callable[[Look], bool] | None = None
    parked: Callable[[int], bool] = lambda _: False


@record
class Found:
    """Why keys would not reach a client, None if they would; and the process that gets them instead, if any."""

    reason: Reason | None
    detail: str = ""
    by: Client | None = None


def identity(pane: Pane, look: Look) -> Reason | None:
    """Refuse a pane of another server or of a restarted one, or with another process or terminal in it."""
    if (look.server_pid, look.server_start) != (pane.server_pid, pane.server_start):
        return gone.elsewhere(pane)
    # Of a dead pane some releases name no process any more. `state` refuses it as dead.
    process_seen = look.pane_pid or (pane.pane_pid if look.dead else 0)
    seen = (look.pane_id, process_seen, look.tty)
    return None if seen == (pane.pane_id, pane.pane_pid, pane.tty) else "pane_changed"


def release(look: Look) -> Reason | None:
    """Refuse a tmux server that is older than the releases with which the paste was tried."""
    return "tmux_too_old" if too_old(look.version) else None


def state(look: Look) -> Reason | None:
    """Refuse a dead pane (a paste crashes tmux before 3.4), a mode (it takes the keys), and disabled input."""
    if look.dead:
        return "pane_dead"
    if look.in_mode:
        return "copy_mode"
    return "input_off" if look.input_off else None


def person(look: Look, *, echoed: bool = False) -> Reason | None:
    """Refuse while a person types: a tmux client that shows this pane sent a key at most UNSEEN seconds ago.

    A program may show a key seconds later, and until then its composer looks empty. Where `echoed` says that it has
    shown that key, HUMAN seconds are enough. tmux counts whole seconds, so this may take one more. The keys of xats do
    not count, because no tmux client sends them.
    """
    limit = HUMAN if echoed else UNSEEN
    return "human_active" if look.key_at and 0 <= int(time.time()) - look.key_at <= limit else None


def typed_ahead(pane: Pane, look: Look, certain: Callable[[Look], bool]) -> Reason | None:
    """Refuse while the pane's program has unread input: that is a draft which no screen shows yet.

    Where the system does not tell, `certain` must say that the composer in `look` holds nothing but the line of xats,
    and the last key of a person must be UNSEEN seconds old.
    """
    count = terminal.unread(pane)
    if count is None:
        return None if certain(look) and not person(look) else "not_permitted"
    return "draft_present" if count else None


def foreground(pane: Pane, client: Client | None, expected: Expected | None = None) -> Found:
    """Refuse unless keys would reach the client: it lives, is not a shell, and no other process reads its terminal.

    `pane_current_command` does not tell: under a wrapper without job control (`sh -c "...; claude"`) it is `sh`. Where
    no client is known, it is the first process of the foreground group that is not a shell. `expected` is what else is
    known of the client. `settled` decides where only the screen can.
    """
    expected = expected or Expected()
    if client is None:
        members = process.foreground(pane.pane_pid)
        programs = [member for member in members if not process.is_shell(member.name)]
        if not programs:
            return Found("shell_foreground", members[0].name if members else "")
        return _keyboard(pane, programs[0], members, expected)
    found = process.read(client[0])
    if found is None or found.started != client[1]:
        front = process.foreground(pane.pane_pid)
        if front and all(process.is_shell(one.name) for one in front):
            return Found("shell_foreground", front[0].name)
        return Found("process_gone")
    if found.tty != device(pane):
        return Found("program_elsewhere")  # it lives, and may come back
    if found.pgrp != found.tpgid:
        return _other_group(found)
    if process.is_shell(found.name):
        return Found("shell_foreground", found.name)
    return _keyboard(pane, found, process.group(found.pgrp, found.tty), expected)


def settled(found: Found, expected: Expected, look: Look) -> Found:
    """Return `found`, or no objection where a program cannot be read, but `look` shows the composer of the client.

    A client that shows its composer has the keyboard.
    """
    shown = found.reason == "program_hidden" and expected.composer is not None and expected.composer(look)
    return Found(None) if shown else found


def _other_group(client: Process) -> Found:
    """Return why keys would not reach `client`, whose process group is not in the foreground of its terminal."""
    programs = [one for one in process.group(client.tpgid, client.tty) if not process.is_shell(one.name)]
    if not programs:
        leader = process.read(client.tpgid)
        return Found("shell_foreground", leader.name if leader else "")
    return Found("child_foreground", f"{_named(programs[0])} is in front", (programs[0].pid, programs[0].started))


def _keyboard(pane: Pane, client: Process, members: list[Process], expected: Expected) -> Found:
    """Refuse where another process of `members`, the foreground group of `client`, may read the keys."""
    recorded = {(client.pid, client.started): expected.program, **{inner[:2]: inner[2] for inner in expected.inner}}
    if changed := _changed(client, recorded):
        return changed
    if expected.parked(client.pid):
        return Found("screen_unknown", f"the session of {_named(client)} has moved to another process")
    if terminal.mode(pane) == "silent":
        return Found("child_foreground", "the terminal asks for a password")
    above = {client.pid, *(one.pid for one in process.ancestors(client.pid))}
    others = [one for one in members if one.pid not in above]
    reads = keyboard.readers(others)
    readers = [one for one in others if reads[one.pid] is not False]
    line = _through(client, readers, expected)
    for one in readers:
        if one not in line:
            how = "uses this terminal and cannot be read" if reads[one.pid] is None else "reads this terminal"
            return Found("child_foreground", f"{_named(one)} {how}", (one.pid, one.started))
    for one in line[1:]:
        if changed := _changed(one, recorded):
            return changed
    hidden = next((one for one in line if program.of(one.pid) is None or reads.get(one.pid, True) is None), None)
    children = [pid for one in line for pid in process.hidden_children(one.pid)] if process.hides() else []
    if hidden or children:
        what = f"{_named(hidden)}" if hidden else f"pid {children[0]}, which {_named(client)} has started,"
        return Found("program_hidden", f"{what} cannot be read")
    if expected.composer is None and (served := keyboard.serves(line)):
        one, behind = served
        return Found(
            "child_foreground", f"{_named(one)} shows the terminal of {_named(behind)}", (one.pid, one.started)
        )
    return Found(None)


def _through(client: Process, readers: list[Process], expected: Expected) -> list[Process]:
    """Return `client` and the `readers` below it that count as one with it."""
    known = {one[:2] for one in expected.inner}
    line = [client]
    for outer in line:  # the list grows meanwhile
        inner = (one for one in readers if one.ppid == outer.pid and one not in line)
        line += [one for one in inner if (one.pid, one.started) in known or expected.same(outer, one)]
    return line


def _changed(one: Process, recorded: Mapping[tuple[int, int], Program | None]) -> Found | None:
    """Refuse a process of the client that runs another program than the recorded one."""
    before = recorded.get((one.pid, one.started))
    now = program.of(one.pid) if before else None
    if before is None or now is None or before.same(now):
        return None
    return Found("program_changed", f"pid {one.pid} runs {one.name} now")


def _named(one: Process) -> str:
    return f"{one.name} (pid {one.pid})"
