"""Expected programs: the daemon looks for each in its pane, and registers it once it runs.

A look reads some files of /proc for each such pane, and calls tmux only when the program runs. A registration by
another process in the meantime, such as the program's own hook, stays unchanged (core/agents/expectations.py).
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress

from xats.base import host, occupancy, process, seats
from xats.base.errors import NameTaken, XatsError
from xats.base.record import record, replace
from xats.clients import occupants, registry
from xats.core.agents import agents, expectations, registration
from xats.daemon.rounds import Rounds
from xats.tmux import pane as panes
from xats.tmux.errors import NoPane, TmuxGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.base.pane import Pane
    from xats.base.program import Kept
    from xats.core.agents.agents import Seat
    from xats.core.agents.expectations import Expectation
    from xats.store import Store, Tx

EVERY = 0.5  # seconds between two rounds

log = logging.getLogger("xats.daemon")


@record
class Seen:
    """An open expectation, and what a look has found: whether it is late, its program, whether the pane has ended."""

    expected: Expectation
    late: bool = False
    seat: Seat | None = None
    programs: Kept | None = None
    xats_path: str | None = None
    pane_gone: bool = False


def find(tx: Tx) -> list[Seen]:
    """Return the open expectations on this host."""
    return [Seen(one, expectations.is_late(one, tx.now)) for one in expectations.open_on(tx, host.id())]


def _ours(store: Store, found: Sequence[Seen]) -> list[Seen]:
    """Return those of `found` whose pane a command of this host named, and those whose time is over.

    A row that another host has written must not bind an agent to a pane here (xats/base/seats.py).
    """
    mine = [one for one in found if seats.expected(store.path, one.expected)]
    return mine + [one for one in found if one.late and one not in mine]


def see(found: Sequence[Seen]) -> list[Seen]:
    """Return those of `found` whose program runs, whose pane has ended, or whose time is over."""
    seen = []
    for one in found:
        try:
            now = _look(one)
        except XatsError as problem:  # tmux does not answer now
            log.debug("expected: %s: %s", one.expected.agent.address, problem)
            now = one
        if now.seat or now.pane_gone or now.late:
            seen.append(now)
    return seen


def _look(one: Seen) -> Seen:
    """Return `one` with the findings in its pane. Raises XatsError when tmux does not identify the pane."""
    pane, wanted = one.expected.pane, registry.find_or_generic(one.expected.client, os.environ)
    if process.absent(pane.pane_pid):
        return replace(one, pane_gone=True)
    if one.late:
        return one
    who = occupants.program(pane, wanted)
    if who is None:
        return one
    if not _is_there(pane):
        return replace(one, pane_gone=True)
    seat = agents.Seat(host.id(), who.pid, who.started, pane=pane, host_name=host.name())
    return replace(one, seat=seat, programs=occupants.programs(who, pane), xats_path=occupants.xats_path(who))


def _is_there(pane: Pane) -> bool:
    """Tell whether tmux still has `pane`, and not another one under its id. Raises XatsError when it does not tell."""
    try:
        return panes.find(pane.socket, pane.pane_id) == pane
    except (NoPane, TmuxGone):
        return False


def note(tx: Tx, one: Seen) -> None:
    """Register the program that was found, or end the expectation."""
    expected = expectations.of_agent(tx, one.expected.agent.id)
    if expected != one.expected:  # it was fulfilled or changed meanwhile
        return
    if one.seat is None:
        expectations.end(tx, expected, "pane_gone" if one.pane_gone else "expired")
        return
    agent, changes = expected.agent, registration.Changes(client=expected.client)
    try:
        registration.register(
            tx,
            agent.team,
            agent.name,
            changes,
            one.seat,
            lambda session: occupancy.holds(session.seat),
            programs=one.programs,
            xats_path=one.xats_path,
        )
    except NameTaken:  # the agent lives in a session without a known process
        expectations.end(tx, expected, "expired")


def once(store: Store) -> None:
    """Do one round now."""
    seen = see(store.read(lambda tx: _ours(store, find(tx))))

    def work(tx: Tx) -> None:
        for one in seen:
            note(tx, one)

    if seen:
        store.write(work)
    for one in seen:
        _mark(one)


class Expected(Rounds):
    """The rounds for the expected programs."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("expected", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and any program is expected. Raises the StoreErrors."""
        self.begin(store, lambda tx: _ours(store, find(tx)), see, note, _mark)


def _mark(one: Seen) -> None:
    """Set the agent's name as an option of its pane, for a status line."""
    if one.seat and one.seat.pane:
        with suppress(XatsError):
            panes.mark(one.seat.pane, "@xats_agent", one.expected.agent.name)
        log.info(
            "%s registered: %s is in pane %s", one.expected.agent.address, one.expected.client, one.seat.pane.pane_id
        )
