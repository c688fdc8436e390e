"""End a program that xats has started: by its own command behind every guard, or by a signal to its process."""

from __future__ import annotations

import os
import signal
import time

from xats.base import process, program
from xats.base.record import record
from xats.clients import processes, profile, registry
from xats.core.crews import starts
from xats.crews import watching
from xats.delivery import poke

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.clients.profile import Profile
    from xats.crews.watching import Seen
    from xats.delivery.settings import Settings
    from xats.store import Store

GRACE = 10.0  # seconds that a program has to end after SIGTERM
LEAVES = 20.0  # seconds that it has after its own command; Gemini CLI on a busy machine has taken more than 10
KILLED = 5.0  # seconds until the system has ended a process after SIGKILL
LOOK = 0.05  # seconds between two looks
AGAIN = 5.0  # seconds for which xats tries again to type the command
BRIEF = ("not_quiet", "host_busy", "screen_unknown")  # reasons that pass within these seconds, as after a start


@record
class Outcome:
    """What became of a program that was to be ended."""

    state: Literal["stopped", "refused", "still_runs"]
    why: str = ""


def end(store: Store, seen: Seen, settings: Settings, *, force: bool) -> Outcome:
    """End the program of the start, which runs; record what became of it.

    Without `force`, its own command for that is typed into its composer. With it, the process gets SIGTERM, and after
    GRACE seconds SIGKILL.
    """
    start = seen.start
    known = registry.find_or_generic(start.client, os.environ)
    if not watching.ours(store.path, seen):
        return Outcome("refused", "xats did not start the program that runs as this agent now")
    if not force and not known.quit:
        return Outcome(
            "refused",
            f"its profile ({known.name}) names no command that ends it; xats down --force sends it a signal",
        )
    store.write(lambda tx: starts.stopping(tx, start.token))
    try:
        outcome = _by_signal(seen, known) if force else _by_its_command(seen, known, settings)
    except BaseException:  # Ctrl-C, for example
        if not _ended(seen, 0):
            store.write(lambda tx: starts.not_stopped(tx, start))
        raise
    if outcome.state == "stopped":
        store.write(lambda tx: starts.stopped(tx, start.token, "xats ended it"))
    else:
        store.write(lambda tx: starts.not_stopped(tx, start))
    return outcome


def _by_its_command(seen: Seen, known: Profile, settings: Settings) -> Outcome:
    """Type the command that ends the program, and wait until it has ended."""
    until = time.monotonic() + AGAIN
    while True:
        typed = poke.poke(seen.start.agent, seen.session, known.quit, settings)
        if typed.state != "refused" or typed.reason not in BRIEF or time.monotonic() >= until:
            break
    if typed.state == "refused" and not _ended(seen, 0):
        assert typed.reason
        detail = f" ({typed.detail})" if typed.detail else ""
        return Outcome("refused", f"{poke.WORDS[typed.reason]}{detail}")
    if _ended(seen, LEAVES):
        return Outcome("stopped")
    return Outcome("still_runs", f"xats typed {known.quit}, and the program still runs after {LEAVES:g} s")


def _by_signal(seen: Seen, known: Profile) -> Outcome:
    """Send SIGTERM to the verified process, and SIGKILL if that does not end it."""
    assert seen.start.process
    pid, began = seen.start.process

    def verify(pid: int) -> bool:
        return is_the_program(pid, seen, known)

    try:
        for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, KILLED)):
            if not process.send_signal(pid, began, number, verify) and not _ended(seen, LOOK):
                return Outcome("refused", f"process {pid} runs another program than xats has started")
            if _ended(seen, patience):
                return Outcome("stopped")
    except PermissionError:
        return Outcome("refused", f"the system does not let xats signal process {pid}")
    return Outcome("still_runs", f"process {pid} still runs after SIGKILL")


def is_the_program(pid: int, seen: Seen, known: Profile) -> bool:
    """Tell whether `pid` runs the program that was started: by what was recorded of it, else by its profile.

    xats records the program when it is ready. Before that, a program without a profile counts unless it is a shell.
    """
    found, now = process.read(pid), program.of(pid)
    if found is None:
        return False
    recorded = seen.session.programs if seen.session else None
    if recorded is not None and now is not None and program.Program(*recorded[:3]).same(now):
        return True
    if recorded is None and seen.start.ready_at is None:
        early = not profile.is_known(known) and not process.is_shell(found.name)
        return early or processes.runs(known, found) or program.is_launching(pid)
    return processes.runs(known, found)


def _ended(seen: Seen, patience: float) -> bool:
    """Wait up to `patience` seconds for the end of the program; tell whether it has ended."""
    assert seen.start.process
    until = time.monotonic() + patience
    while not process.ended(*seen.start.process):
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK)
    return True
