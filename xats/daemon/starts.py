"""Starts that no command watches any more: the daemon notes what became of each program that xats has started here.

The command that starts a program watches it itself until the program is ready (cli/crews/together.py).
"""

from __future__ import annotations

import logging
import os
from functools import partial

from xats.base import host, process
from xats.base.errors import XatsError
from xats.base.record import record
from xats.core.crews import starts
from xats.crews import watching
from xats.daemon.rounds import Rounds
from xats.delivery.settings import of_team

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.crews.watching import Finding, Seen
    from xats.store import Store, Tx

EVERY = 1.0  # seconds between two rounds
CALM = 5  # rounds after which programs that run are looked at: whether they have ended

log = logging.getLogger("xats.daemon")


@record
class Found:
    """A start, and what a look has found."""

    seen: Seen
    finding: Finding | None = None


def find(tx: Tx, *, running: bool = True) -> list[Found]:
    """Return the open starts on this host that no command watches; those that only run with `running`."""
    found = [one for one in starts.open_on(tx, host.id()) if not _is_watched(one)]
    return [Found(watching.find(tx, one)) for one in found if running or one.state != "running" or watching.due(one)]


def _is_watched(one: starts.Start) -> bool:
    """Tell whether the command that started it still waits for it; a program in its own pane is that command."""
    if one.place == "pane" or one.state != "starting" or one.automatic:
        return False
    return process.alive(*one.starter)


def see(store: Callable[[], Store], path: str, found: Sequence[Found]) -> list[Found]:
    """Type what is to be typed, and return those of `found` that have changed. `path` is the location of the store."""
    changed = []
    for one in (each.seen for each in found):
        try:
            if watching.due(one.start):
                _type(store, one)
            finding = watching.look(path, one)
        except XatsError as problem:  # tmux does not answer now
            log.debug("starts: %s: %s", one.start.agent.address, problem)
            continue
        if finding and (finding.state, finding.detail) != (one.start.state, one.start.detail or ""):
            changed.append(Found(one, finding))
    return changed


def _type(store: Callable[[], Store], one: Seen) -> None:
    opened = store()
    try:
        settings = opened.read(lambda tx: of_team(tx, one.start.agent.team, os.environ))
        watching.type_prompt(opened, one, settings, os.environ)
    finally:
        opened.close()


def once(store: Store) -> None:
    """Do one round now, without first prompts: these need a second look at a quiet pane. Raises the StoreErrors."""
    found = [one for one in store.read(find) if not watching.due(one.seen.start)]
    changed = see(lambda: store, store.path, found)

    def work(tx: Tx) -> None:
        for one in changed:
            _note(tx, one)

    if changed:
        store.write(work)


class Starts(Rounds):
    """The rounds for the programs that xats has started."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool], path: str) -> None:
        super().__init__("starts", EVERY, open_store, stopping)
        self._path, self._open_store = path, open_store
        self._round = 0

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and xats has started anything here. Raises the StoreErrors."""
        self.begin(store, self._find, partial(see, self._open_store, self._path), _note)

    def _find(self, tx: Tx) -> list[Found]:
        self._round += 1
        return find(tx, running=self._round % CALM == 0)


def _note(tx: Tx, one: Found) -> None:
    if one.finding is None:
        return
    watching.note(tx, one.seen, one.finding, tell=True)
    log.info("%s: %s %s", one.seen.start.agent.address, one.finding.state, one.finding.detail.split("\n")[0])
