"""The daemon: it sees every commit, attempts every due wake in a thread of its own, and sweeps regularly.

It learns of commits by its bell (bell.py) and by polling SQLite's `data_version`, which costs microseconds. So a sender
does not have to reach it. Its memory holds no state that matters: after a `kill -9`, the next daemon finds the same
wakes due in the store.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from functools import partial

from xats import __version__
from xats import settings as user_settings
from xats.base import host, process, sidefile
from xats.base.errors import StoreBusy, StoreError, StoreTooNew, XatsError
from xats.core.agents import agents
from xats.core.tasks import offers
from xats.core.waking import attempts, watched
from xats.daemon import chores, lock
from xats.daemon.badges import Badges
from xats.daemon.bell import Bell
from xats.daemon.departures import Departures
from xats.daemon.expected import Expected
from xats.daemon.live_settings import LiveSettings
from xats.daemon.locks import Locks
from xats.daemon.owners import Owners
from xats.daemon.pruner import Pruner
from xats.daemon.report import Report
from xats.daemon.restarts import Restarts
from xats.daemon.routes import Routes
from xats.daemon.server import Server
from xats.daemon.starts import Starts
from xats.daemon.turns import Turns
from xats.daemon.watch import Watch
from xats.delivery import attempt, target
from xats.delivery.target import AT_ONCE
from xats.store.open import open_store, pool_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import TextIOWrapper

    from xats.core.waking.wakes import Wake
    from xats.daemon.chores import Swept
    from xats.daemon.server import Answer
    from xats.delivery.outcome import Cause
    from xats.delivery.settings import Settings
    from xats.store import Store, Tx

POLL = 0.05  # seconds between two checks of the store's generation
IDLE_POLL = 0.1  # the same after AWAKE seconds without a commit
AWAKE = 5.0
SWEEP = 30.0  # seconds between two sweeps
LEAVE = 1.8  # seconds in which attempts under way must end
CONNECTIONS = 4  # to a database, for all threads; one more hears of commits
LOG_SIZE = 1 << 20  # bytes of a log file before the next one is begun

log = logging.getLogger("xats.daemon")


class Daemon:
    """The loop and its attempts. `clock` returns ms UTC; None: the host's clock. `lock_file` is the open lock file.

    `settings` None: those of the environment and of the settings files, which may change. `answers` are for what other
    processes ask, by the name of the request: a daemon of a database has a server for them. Raises Usage for a variable
    of the environment that cannot be read.
    """

    def __init__(
        self,
        path: str,
        settings: Settings | None = None,
        clock: Callable[[], int] | None = None,
        lock_file: int | None = None,
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        self.path = path
        self._lock = lock_file
        self.began = False  #: whether `run` could open the store
        self._live = LiveSettings(os.environ, settings)
        self.owner = process.mark()
        self.stop = threading.Event()
        self._pool = pool_for(path, CONNECTIONS)
        self._open: Callable[[], Store] = lambda: open_store(path, clock, pool=self._pool)
        self._server = Server(path, self._open, answers) if answers and self._pool else None
        self._running: dict[int, threading.Thread] = {}  # by wake
        self._next_due: int | None = None
        self._next_offer: int | None = None  # of a task to the next member of a pool
        self._reported = 0  # overdue unread mail up to this message (id) was reported
        self._bell: Bell | None = None
        self._watch = Watch(self._live.of, self._ring, path)
        self._search = True  # whether an agent may have been given up since the last search
        self._pruner = Pruner(self._live.keep)
        self._report = Report(path)
        self._badges = Badges(self._open)
        self._turns = Turns(self._open, self.stop.is_set)
        self._owners = Owners(self._open, self.stop.is_set)
        self._locks = Locks(self._open, self.stop.is_set)
        self._departures = Departures(self._open, self.stop.is_set)
        self._routes = Routes(self._open, self.stop.is_set, path, self._live.of)
        self._expected = Expected(self._open, self.stop.is_set)
        self._starts = Starts(self._open, self.stop.is_set, path)
        self._restarts = Restarts(self._open, self.stop.is_set)

    @property
    def settings(self) -> Settings:
        """The settings that apply now to agents whose projects have no settings file."""
        return self._live.settings

    def run(self) -> None:
        """Drive wakes until `stop` is set. End early when the store or the lock is removed or replaced.

        Raises StoreTooNew when a newer xats has changed the store, and the other StoreErrors when it cannot be opened.
        """
        try:
            store, bell = self._open(), Bell(self.path)
            for warning in (store.repaired, store.caution):
                if warning:
                    log.warning("%s", warning)
        except StoreError as problem:
            log.error("not started: %s", problem)
            raise
        self.began = True
        store.stopping = self.stop.is_set
        if bell.trouble:
            log.warning("senders cannot ring: %s", bell.trouble)
        self._bell = bell
        self._serve()
        if self._lock is not None:
            lock.sign(self._lock)
            self._report.write()
        log.info("started, pid %s, store %s, xats %s", os.getpid(), self.path, __version__)
        try:
            self._loop(store, bell)
        except StoreTooNew as problem:
            log.warning("%s Ending.", problem)
            raise
        except Exception:
            log.exception("ended by an unexpected error")
            raise
        finally:
            self.stop.set()
            if self._server:
                self._server.close()
            self._watch.close()
            self._badges.close()
            self._join_threads()
            self._bell = None  # before it is closed, because a signal may come in between
            if not self._watch.thread.is_alive():
                bell.close()
            store.close()
            if self._pool:
                self._pool.close()
            if self._lock is not None:
                self._report.remove()
            log.info("stopped")

    def _serve(self) -> None:
        """Answer other processes from now on. Without the socket, their hooks do what they do without a daemon."""
        try:
            if self._server:
                self._server.start()
        except OSError as problem:
            log.warning("hooks cannot ask the daemon: %s", problem)

    def end(self) -> None:
        """Make `run` return soon. A signal handler may call this."""
        self.stop.set()
        self._ring()

    def unlock(self) -> None:
        """Release the lock after `run` has ended."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _ring(self) -> None:
        if bell := self._bell:
            bell.ring()

    def _loop(self, store: Store, bell: Bell) -> None:
        generation, swept, trouble = -1, 0.0, ""
        changed = time.monotonic()
        while True:
            bell.wait(POLL if time.monotonic() - changed < AWAKE else IDLE_POLL)
            if self.stop.is_set():
                return
            try:
                if store.lost:
                    log.warning("the file of the store was removed or replaced; ending")
                    return
                if self._live.look():
                    self._pruner.set_age(self._live.keep)
                    self._report.write()
                    generation = -1
                if time.monotonic() - swept >= SWEEP:
                    if not self._still_alone():
                        return
                    swept, generation, self._search = time.monotonic(), -1, True
                    _log_sweep(store.write(chores.sweep), store.clock())
                    self._reported = chores.report(store, self._reported)
                    self._pruner(store)
                    self._report.write()
                self._turns(store)
                self._owners(store)
                self._locks(store)
                self._departures(store)
                self._routes(store)
                self._expected(store)
                self._starts(store)
                self._restarts(store)
                seen = store.generation()
                if seen != generation or self._watch.calls or self._is_due(store.clock()):
                    self._dispatch(store)
                    self._badges.refresh_soon()
                    # A sweep dispatches without a commit.
                    changed = changed if generation == -1 else time.monotonic()
                    generation = seen
                trouble = ""
            except StoreTooNew:
                raise
            except StoreError as problem:
                if str(problem) != trouble:  # a lasting problem is logged once
                    trouble = str(problem)
                    fix = f" ({problem.hint})" if problem.hint else ""
                    log.log(logging.WARNING if isinstance(problem, StoreBusy) else logging.ERROR, "%s%s", trouble, fix)
                self.stop.wait(1.0)

    def _still_alone(self) -> bool:
        """Take the lock again if its file was removed. Return False if another daemon has it now."""
        if self._lock is None or lock.seen(self.path, self._lock):
            return True
        try:
            new = lock.take(self.path)
        except OSError:  # then no other process can make one either
            return True
        if new is None:
            log.warning("the lock file was removed, and another daemon has the lock now; ending")
            return False
        os.close(self._lock)
        self._lock = new
        lock.sign(new)
        log.warning("the lock file was removed; the daemon made it again")
        return True

    def _is_due(self, now: int) -> bool:
        if offers.is_due(self._next_offer, now):
            return True
        due = self._next_due
        return due is not None and (due <= now or due > now + self.settings.longest)

    def _dispatch(self, store: Store) -> None:
        if offers.is_due(store.read(offers.next_due), store.clock()):
            store.write(offers.offer_due)
        while len(self._running) < AT_ONCE and (clear := self._watch.called()):
            self._hasten(store, clear)
        room = AT_ONCE - len(self._running)
        under_way = frozenset(self._running)
        leased = target.lease_due(store, self.owner, self.settings, room, under_way) if room > 0 else []
        for wake in leased:
            self._begin(wake)
        search, self._search = self._search, False

        def look(tx: Tx) -> int | None:
            if search:
                self._watch.find_given_up(tx)
            self._watch.refresh(tx)
            return attempts.next_due(tx, host.id())

        try:
            self._next_due = store.read(look)
            self._next_offer = store.read(offers.next_due)
        except StoreError:
            self._search = True
            raise

    def _hasten(self, store: Store, wake: Wake) -> None:
        """Attempt `wake` before its time. A failed wake is followed by a new one."""
        if wake.state == "failed":
            self._search |= store.write(lambda tx: watched.retry_soon(tx, wake.agent_id))
        elif wake.id not in self._running:
            leased = store.write(lambda tx: attempts.lease_early(tx, wake, self.owner))
            if leased:
                self._begin(leased, "watched")

    def _begin(self, wake: Wake, cause: Cause = "due") -> None:
        thread = threading.Thread(target=self._attempt, args=(wake, cause), name=f"wake-{wake.id}", daemon=True)
        self._running[wake.id] = thread
        thread.start()

    def _attempt(self, wake: Wake, cause: Cause) -> None:
        try:
            store = self._open()
            try:
                quiet_for = partial(self._watch.quiet_for, wake.agent_id)
                echoed = partial(self._watch.echoed, wake.agent_id)
                stopping = self.stop.is_set
                settings = store.read(lambda tx: self._live.of(tx, agents.by_id(tx, wake.agent_id).team))
                result = attempt.make(store, wake, self.owner, settings, stopping, quiet_for, echoed, cause=cause)
            finally:
                store.close()
            if result.state in ("delivered", "skipped"):
                self._watch.forget_delay(wake.agent_id)
            elif wake.attempts >= len(self.settings.rungs):
                self._search = True
            log.info("wake %s: %s%s", wake.id, result.state, f" ({result.reason})" if result.reason else "")
            if result.detail:
                log.debug("wake %s: %s", wake.id, result.detail)
        except XatsError as problem:
            level = logging.WARNING if isinstance(problem, StoreTooNew) else logging.ERROR  # nothing to fix
            log.log(level, "wake %s: %s", wake.id, problem)
        except Exception:
            log.exception("wake %s", wake.id)
        finally:
            del self._running[wake.id]

    def _join_threads(self) -> None:
        until = time.monotonic() + LEAVE
        for thread in (*self._running.values(), self._watch.thread):
            if thread.ident:
                thread.join(max(0.0, until - time.monotonic()))


def _log_sweep(swept: Swept, now: int) -> None:
    """Log the counts of a sweep at `now` (ms UTC)."""
    if swept.clock.is_new and swept.clock.cause in ("jump", "sleep"):
        log.warning("the clock is %s", swept.clock.says(now))
    if swept.bound:
        log.info("%s sessions that were marked with the name of this host have its id now", swept.bound)
    numbers = swept.expired, swept.freed, swept.lapsed, swept.unlocked
    if any(numbers):
        log.info("swept: %s deliveries expired, %s leases freed, %s claims ended, %s locks ended", *numbers)


def watch_signals(daemon: Daemon) -> None:
    """End `daemon` on SIGTERM, SIGINT and SIGHUP, even if the process that started it ignored signals."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: daemon.end())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if it were ignored, the exit codes of tmux would be lost
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def log_to(path: str | None) -> None:
    """Send the log to a rotated, private file (4 of LOG_SIZE), or to stderr if the file cannot be made."""
    from logging.handlers import RotatingFileHandler

    class Private(RotatingFileHandler):
        """A private file, also after a rotation."""

        def _open(self) -> TextIOWrapper:
            return open(sidefile.own(self.baseFilename, os.O_WRONLY | os.O_APPEND), "a", encoding="utf-8")

    handler: logging.Handler = logging.StreamHandler()
    if path:
        with suppress(OSError):  # a daemon without a log is better than none
            handler = Private(path, maxBytes=LOG_SIZE, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    everything = logging.getLogger("xats")
    everything.addHandler(handler)
    everything.setLevel(logging.DEBUG if user_settings.value("XATS_DEBUG", os.environ) else logging.INFO)
