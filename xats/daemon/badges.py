"""Badges: the pane option `@xats_unread` holds how many messages an agent has not read, for `#{@xats_unread}`.

Every agent that is woken by a notice has one. Reading must stay cheap, so `xats inbox` does not call tmux; the daemon
sees its commit. A process that sets a badge compares it with the store afterwards, so the last of several processes
sets the right one. A daemon that ended leaves its badges. The option `@xats_unread_of` therefore names the path of the
store, and a store that replaced it at that path finds the badges that are wrong now.
"""

from __future__ import annotations

import logging
import threading
from binascii import crc32
from functools import partial

from xats.base import host, seats, sidefile
from xats.base.errors import StoreError, XatsError
from xats.base.pane import Pane
from xats.core.waking import notices, reasons
from xats.daemon.people import People
from xats.tmux import gone
from xats.tmux import pane as panes
from xats.tmux.errors import NoPane, TmuxGone, TmuxUnavailable
from xats.tmux.server import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.store import Store

UNREAD, OWNER = "@xats_unread", "@xats_unread_of"
_BADGE = f"#{{{OWNER}}}|#{{pid}}|#{{start_time}}|#{{pane_id}}|#{{pane_pid}}|#{{pane_tty}}"
UNKNOWN = -1  # the count in a badge that another process has set

log = logging.getLogger("xats.daemon")


def refresh(store: Store, shown: dict[Pane, int], asked: set[str], stopping: Callable[[], bool] = bool) -> None:
    """Set the badges to the counts in `store`. `shown` are the badges that this process knows.

    `asked` are the sockets of the tmux servers whose badges were read. A pane that does not answer is removed from
    `shown`, so that the next call tries it again. Raises StoreError.
    """
    _find(store, shown, asked)
    silent: set[Pane] = set()
    wanted: dict[Pane, int] = {}
    while not stopping():
        wanted = store.read(lambda tx: notices.unread(tx, host.id(), partial(seats.ours, store.path)))
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
    """Add to `shown` the badges of `store` in the servers that were not `asked` yet."""
    for socket in seats.known(store.path, store.read(lambda tx: notices.servers(tx, host.id()))) - asked:
        try:
            found = badges(socket, store.path)
        except TmuxGone:
            found = []
        except XatsError as problem:
            log.debug("the badges of %s: %s", socket, problem)
            continue
        asked.add(socket)
        shown.update({pane: UNKNOWN for pane in found if pane not in shown})


def _set(pane: Pane, count: int, store: str) -> bool:
    """Set the badge of `pane`; return False if tmux does not answer."""
    try:
        set_unread(pane, count, store)
    except (NoPane, TmuxUnavailable) as problem:
        log.debug("the badge of %s: %s", pane.pane_id, problem)
        return gone.reason(pane, problem) in reasons.GONE  # its badge is gone too
    return True


def set_unread(pane: Pane, count: int, store: str) -> None:
    """Set the badge of `pane`, for the store at path `store`, to `count`; 0 removes it.

    Raises NoPane (also when another pane has its id now), TmuxGone, TmuxUnavailable.
    """
    if count:
        panes.mark(pane, OWNER, _owner(store))
        panes.mark(pane, UNREAD, str(count))
    else:
        panes.unmark(pane, UNREAD)
        panes.unmark(pane, OWNER)


def badges(socket: str, store: str) -> list[Pane]:
    """Return the panes of the tmux server at `socket` that have a badge of the store at path `store`.

    Raises TmuxGone, TmuxUnavailable.
    """
    found = []
    for line in run(socket, "list-panes", "-a", "-F", _BADGE).splitlines():
        owner, *rest = line.split("|", 5)
        if owner == _owner(store) and len(rest) == 5 and all(one.isdigit() for one in (rest[0], rest[1], rest[3])):
            found.append(Pane(socket, int(rest[0]), int(rest[1]), rest[2], int(rest[3]), rest[4]))
    return found


def _owner(store: str) -> str:
    return f"{crc32(sidefile.key(store).encode('utf-8', 'surrogateescape')):08x}"


class Badges:
    """A thread that keeps the badges up to date and tells people, so that the loop does not wait for tmux."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def refresh_soon(self) -> None:
        """Let the thread refresh the badges after a commit."""
        self._changed.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="badges", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread after its current call of tmux."""
        self._stop.set()
        self._changed.set()

    def _run(self) -> None:
        shown: dict[Pane, int] = {}
        asked: set[str] = set()
        people = People()
        try:
            store = self._open()
        except StoreError as problem:
            log.error("badges: %s", problem)
            return
        try:
            while not self._stop.is_set():
                self._changed.wait()
                self._changed.clear()
                try:
                    refresh(store, shown, asked, self._stop.is_set)
                    people.tell(store, self._stop.is_set)
                except StoreError as problem:
                    log.debug("badges: %s", problem)
        finally:
            store.close()
