"""Badges: the pane option @xats_unread of every agent that is woken by a notice says how much it has not read.

Reading must stay cheap, so `xats inbox` asks tmux nothing; the daemon sees its commit. What was set is compared with
the store again after it was set: of several processes that set it, the last one has it right. Badges that are there
already were set by a daemon that has ended, perhaps from a store that another one has replaced since.
"""

from __future__ import annotations

import logging
import threading

from xats.base import host
from xats.base.errors import NoPane, StoreError, TmuxGone, TmuxUnavailable, XatsError
from xats.core.waking import notices
from xats.delivery.transports import notice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.base.pane import Pane
    from xats.store import Store

log = logging.getLogger("xats.daemon")


UNKNOWN = -1  # what a badge says that another process has set


def refresh(store: Store, shown: dict[Pane, int], asked: set[str], stopping: Callable[[], bool] = bool) -> None:
    """Make the badges say what `store` says. `shown` is what they say already, as far as this process knows.

    `asked` are the sockets of the tmux servers whose badges were looked at. A pane that does not answer is left out of
    `shown`, to be tried the next time. Raises StoreError.
    """
    _find(store, shown, asked)
    silent: set[Pane] = set()
    wanted: dict[Pane, int] = {}
    while not stopping():
        wanted = store.read(lambda tx: notices.unread(tx, host.id()))
        counts = {**dict.fromkeys(shown, 0), **wanted}
        wrong = {pane: count for pane, count in counts.items() if shown.get(pane) != count and pane not in silent}
        if not wrong:
            break
        for pane, count in wrong.items():
            if not _set(pane, count, store.path):
                silent.add(pane)
            shown[pane] = count
    for pane in set(shown) - set(wanted) | silent:
        shown.pop(pane, None)


def _find(store: Store, shown: dict[Pane, int], asked: set[str]) -> None:
    """Add to `shown` the badges of `store` in servers that were not `asked` yet."""
    for socket in set(store.read(lambda tx: notices.sockets(tx, host.id()))) - asked:
        try:
            found = notice.badges(socket, store.path)
        except TmuxGone:
            found = []
        except XatsError as problem:
            log.debug("the badges of %s: %s", socket, problem)
            continue
        asked.add(socket)
        shown.update({pane: UNKNOWN for pane in found if pane not in shown})


def _set(pane: Pane, count: int, store: str) -> bool:
    """Set the badge of `pane`; False if tmux does not answer."""
    try:
        notice.set_unread(pane, count, store)
    except (NoPane, TmuxUnavailable) as problem:
        log.debug("the badge of %s: %s", pane.pane_id, problem)
        return notice.is_gone(pane, problem)  # then its badge went with it
    return True


class Badges:
    """A thread that keeps the badges true, so that nobody else has to wait for tmux."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store
        self._look = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Have the badges looked at: something was committed."""
        self._look.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="badges", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread as soon as tmux lets it."""
        self._stop.set()
        self._look.set()

    def _run(self) -> None:
        shown: dict[Pane, int] = {}
        asked: set[str] = set()
        try:
            store = self._open()
        except StoreError as problem:
            log.error("badges: %s", problem)
            return
        try:
            while not self._stop.is_set():
                self._look.wait()
                self._look.clear()
                try:
                    refresh(store, shown, asked, self._stop.is_set)
                except StoreError as problem:
                    log.debug("badges: %s", problem)
        finally:
            store.close()
