"""Starts that no command watches any more: the daemon notes what became of each program that xats has started here.

The command that starts a program watches it itself until the program is ready (cli/crews/start.py).
"""

from __future__ import annotations

import logging
import os

from xats.base import host, process
from xats.base.errors import XatsError
from xats.base.record import record
from xats.core.crews import starts
from xats.daemon.rounds import Rounds
from xats.delivery import starts as watching
from xats.delivery.settings import of_team

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.delivery.starts import Finding, Seen
    from xats.store import Store, Tx

EVERY = 1.0  # seconds between two rounds

log = logging.getLogger("xats.daemon")


@record
class Found:
    """A start, and what a look has found."""

    seen: Seen
    finding: Finding | None = None


def find(tx: Tx) -> list[Found]:
    """Return the open starts on this host that no command watches."""
    return [Found(watching.find(tx, one)) for one in starts.open_on(tx, host.id()) if not _is_watched(one)]


def _is_watched(one: starts.Start) -> bool:
    """Tell whether the command that started it still waits for it; a program in its own pane is that command."""
    return one.place != "pane" and one.state == "starting" and process.alive(*one.starter)


class Starts(Rounds):
    """The rounds for the programs that xats has started."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool], path: str) -> None:
        super().__init__("starts", EVERY, open_store, stopping)
        self._path, self._store, self._halt = path, open_store, stopping

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and xats has started anything here. Raises the StoreErrors."""
        self.begin(store, find, self._see, _note)

    def _see(self, found: Sequence[Found]) -> list[Found]:
        changed = []
        for one in (each.seen for each in found):
            try:
                if watching.due(one.start) and not self._halt():
                    self._type(one)
                finding = watching.look(self._path, one)
            except XatsError as problem:  # tmux does not answer now
                log.debug("starts: %s: %s", one.start.agent.address, problem)
                continue
            if finding and (finding.state, finding.detail) != (one.start.state, one.start.detail or ""):
                changed.append(Found(one, finding))
        return changed

    def _type(self, one: Seen) -> None:
        store = self._store()
        try:
            settings = store.read(lambda tx: of_team(tx, one.start.agent.team, os.environ))
            watching.type_prompt(store, one, settings, os.environ)
        finally:
            store.close()


def _note(tx: Tx, one: Found) -> None:
    if one.finding is None:
        return
    watching.note(tx, one.seen, one.finding, tell=True)
    log.info("%s: %s %s", one.seen.start.agent.address, one.finding.state, one.finding.detail.split("\n")[0])
