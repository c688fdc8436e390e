"""What the live screen shows, read from the store, and what it changes there.

Reading never writes: it makes no store, registers nobody and marks nothing read. Every change is one write as me.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from xats.base.errors import Refused, StoreError, UnknownAgent
from xats.base.record import record
from xats.cli.agents import states
from xats.core import events
from xats.core.agents import agents, listing
from xats.core.mail import dead, threads
from xats.core.tasks import owners
from xats.core.teams import teams
from xats.core.waking import pauses, wakes
from xats.daemon import autostart, lock
from xats.identity.resolve import FirstUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from xats.cli.agents.states import State
    from xats.cli.kit.context import Here, Me
    from xats.core.agents.agents import Agent, Details
    from xats.core.events import Event
    from xats.core.mail.dead import DeadLetter
    from xats.core.mail.threads import Headline, ThreadMessage
    from xats.core.waking.pauses import Pause
    from xats.store import Store, Tx

    T = TypeVar("T")

EVENTS = 100  # newest events that are kept to show
LETTERS = 200  # dead letters, or threads, in a list
SPOKEN = 50  # newest messages of a thread
LOOKING, WRITING = 0.3, 3.0  # seconds that a look, which comes again soon, or a change may wait for a busy store
LONGEST_REST = 1.5  # seconds; a look at a large store in which much happens takes a tenth of the time at the most
LOOK_AGAIN = 5.0  # seconds after which processes are looked at again: that one has ended is in no store


@record
class Seen:
    """An agent as it is shown."""

    details: Details
    pause: Pause | None  #: its own; that of the whole team is not in here
    state: State  #: whether it is there, and how that is known

    @property
    def key(self) -> int:
        """What it is known by."""
        return self.details.agent.id


@record
class Frame:
    """All that the first screen shows, at one moment."""

    team: str
    path: str
    stored: bool  #: there is a store
    daemon_since: int | None  #: ms UTC; None: none runs
    agents: tuple[Seen, ...] = ()
    dead: int = 0
    team_pause: Pause | None = None
    events: tuple[tuple[Event, str | None], ...] = ()  #: the newest first, each with the subject of its message
    gone: int = 0  #: tasks whose owner is gone

    def of(self, daemon_since: int | None, seen: Sequence[Seen]) -> Frame:
        """Return the same with the processes of another moment."""
        rest = (self.dead, self.team_pause, self.events, self.gone)
        return Frame(self.team, self.path, self.stored, daemon_since, tuple(seen), *rest)


class Watch:
    """A store that is watched, and the one who watches it."""

    def __init__(self, here: Here) -> None:
        """Watch what `here` names: the store, the team, and who changes something.

        Raises Usage for a team that is no name, and StoreError.
        """
        self.here = here
        self.team = here.team
        here.quiet = True  # nothing may be printed into the screen
        self._file: tuple[int, int] | None = None
        self._frame: Frame | None = None
        self._generation: int | None = None
        self._looked = 0.0
        self._rest = 0.0  # seconds that are to pass until the next look
        self._deadline = 0.0
        if self._identity():
            self._open()

    # -- looking -------------------------------------------------------------------------------------------------------

    def changed(self) -> bool:
        """Tell whether there may be something new to see; it costs microseconds.

        Raises StoreError when the store cannot be read, or is not the file any more that it was.
        """
        found = self._identity()
        if found is None and self._file is None:
            return time.monotonic() - self._looked > LOOK_AGAIN
        if found != self._file:
            if self._file is not None:
                msg = "The store was removed or replaced; leave and begin again."
                raise StoreError(msg, "xats top")
            self._open()
            return True
        waited = time.monotonic() - self._looked
        if self._generation is not None and waited < self._rest:
            return False
        return self._store().generation() != self._generation or waited > LOOK_AGAIN

    def look(self) -> Frame:
        """Return what there is to see now. Raises StoreError."""
        self._looked = time.monotonic()
        if self._file is None:
            return Frame(self.team, self.here.path, False, self._daemon_since())
        store = self._store()
        generation = store.generation()
        if self._frame is None or generation != self._generation:
            self._frame = store.read(self._read_frame)
            self._generation = generation  # it may have changed since; then the next look finds out
            self._rest = min(LONGEST_REST, 10 * (time.monotonic() - self._looked))
        else:  # nothing new in the store: only processes may have ended
            seen = [self._seen(one.details, one.pause, store.clock()) for one in self._frame.agents]
            self._frame = self._frame.of(self._daemon_since(), seen)
        return self._frame

    def _read_frame(self, tx: Tx) -> Frame:
        self.team = team = teams.current(tx, self.team)  # it may have been renamed or merged
        by_agent = {pause.agent: pause for pause in pauses.listing(tx, team)}
        viewer = self._viewer(tx)
        newest, _, _ = events.after(tx, events.Query(team), EVENTS)
        return Frame(
            team,
            self.here.path,
            True,
            self._daemon_since(),
            tuple(self._seen(one, by_agent.get(one.agent.address), tx.now) for one in listing.agents(tx, team, None)),
            dead.count(tx, team),
            by_agent.get(None),
            tuple((one, self._subject(tx, one, viewer)) for one in reversed(newest)),
            owners.count_gone(tx, team),
        )

    def _seen(self, details: Details, pause: Pause | None, now: int) -> Seen:
        return Seen(details, pause, states.of(details, now))

    @staticmethod
    def _subject(tx: Tx, one: Event, viewer: Agent | Nobody | None) -> str | None:
        kind, _, number = one.subject.partition(":")
        if kind != "message" or one.type != "message_sent" or isinstance(viewer, Nobody):
            return None
        return threads.subject(tx, int(number), viewer)

    def _daemon_since(self) -> int | None:
        """Return when the daemon started (ms UTC), or None when none runs."""
        import psutil

        with suppress(OSError, psutil.Error):  # the lock may be another user's
            pid = lock.holder(self.here.path)
            if pid is not None:
                return int(psutil.Process(pid).create_time() * 1000)
        return None

    # -- mail ----------------------------------------------------------------------------------------------------------

    def threads(self, agent: Agent) -> list[Headline]:
        """Return the newest threads of `agent` that I may see: a person all, an agent those that it is in.

        Raises UnknownAgent when nobody knows who I am, and StoreError.
        """
        return self._read(lambda tx, viewer: threads.headlines(tx, agent, viewer=viewer, limit=LETTERS))

    def conversation(self, thread_id: int) -> list[ThreadMessage]:
        """Return the newest messages of a thread that I may see, oldest first. Raises like `threads`."""
        return self._read(lambda tx, viewer: threads.conversation(tx, thread_id, viewer=viewer, limit=SPOKEN))

    def dead_letters(self) -> tuple[list[DeadLetter], bool]:
        """Return the dead letters to or from the team, oldest first, and whether there are more. Raises StoreError."""
        return self._store().read(lambda tx: dead.listing(tx, self.team, LETTERS))

    def _read(self, work: Callable[[Tx, Agent | None], T]) -> T:
        def attempt(tx: Tx) -> T:
            viewer = self._viewer(tx)
            if isinstance(viewer, Nobody):
                raise UnknownAgent
            return work(tx, viewer)

        return self._store().read(attempt)

    def _viewer(self, tx: Tx) -> Agent | Nobody | None:
        """Return as whom mail is looked at. None: as a person, whose store it is."""
        try:
            me = self.here.me(tx, register=False)
        except FirstUse:
            return None
        except (UnknownAgent, Refused):
            return Nobody()
        return None if me.agent.client == "human" and self.here.person() else me.agent

    # -- changing ------------------------------------------------------------------------------------------------------

    def retry(self, agent: Agent) -> str:
        """Have `agent` woken now if it is not yet, or once more if that was given up; return what was done."""

        def work(tx: Tx, me: Me) -> str:
            pause = pauses.of_agent(tx, agent)
            if pause:
                msg = f"{agent.name} is not woken while {'it' if pause.agent else 'the team'} is paused."
                raise Refused(msg, f"{'p' if pause.agent else 'P'} ends the pause")
            if _hasten(tx, agent):
                return f"{agent.name} is tried now"
            mine = [one for one in dead.listing(tx, agent.team, 1000)[0] if one.agent_id == agent.id]
            failed = [one for one in mine if one.reason != "expired"]
            if failed:
                dead.retry(tx, me.agent, failed)
                return f"{agent.name} is tried once more, for {_letters(len(failed))}"
            expired = f"; its {_letters(len(mine))} expired, see d" if mine else ""
            return f"nothing to retry: no wake of {agent.name} was refused{expired}"

        return self._change(work)

    def retry_letter(self, letter: DeadLetter) -> str:
        """Try a dead letter once more; return what was done."""
        return self._change(
            lambda tx, me: f"#{dead.retry(tx, me.agent, self._still(tx, letter))[0]} is tried once more"
        )

    def drop_letter(self, letter: DeadLetter) -> str:
        """Take a dead letter off the list; return what was done."""

        def work(tx: Tx, me: Me) -> str:
            for one in self._still(tx, letter):
                dead.drop(tx, me.agent, one)
            return f"#{letter.message.id} to {letter.agent} dropped; unread mail stays in its inbox"

        return self._change(work)

    def _still(self, tx: Tx, letter: DeadLetter) -> list[DeadLetter]:
        """Return `letter` as it is now. Raises NotFound when it is no dead letter any more."""
        return dead.find(tx, self.team, message_id=letter.message.id, whose=agents.by_id(tx, letter.agent_id))

    def pause(self, agent: Agent | None, *, paused: bool) -> str:
        """Pause `agent`, or with None the team, or end that; return what was done."""
        name = agent.name if agent else f"team {self.team}"

        def work(tx: Tx, me: Me) -> str:
            if paused:
                pauses.pause(tx, me.agent, self.team, agent=agent, reason=None)
                return f"{name} is paused: mail is stored, and nobody is woken for it"
            _, due = pauses.resume(tx, me.agent, self.team, agent)
            return f"the pause of {name} is over; {due} wake{'' if due == 1 else 's'} due"

        return self._change(work)

    def _change(self, work: Callable[[Tx, Me], str]) -> str:
        self._store(WRITING)
        done = self.here.write(work)
        self._generation = None  # one's own commit is no news to the store
        autostart.ensure_running(self.here.path, self.here.environ)
        return done

    # -- the store -----------------------------------------------------------------------------------------------------

    def _identity(self) -> tuple[int, int] | None:
        """Return which file the store is, or None when there is none or nothing in it yet."""
        try:
            found = os.stat(self.here.path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            msg = f"The store cannot be read: {problem.strerror}, {self.here.path}."
            raise StoreError(msg) from problem
        return (found.st_dev, found.st_ino) if found.st_size else None

    def _open(self) -> None:
        file = self._identity()  # first: one that comes between is seen to be another
        self.here.store.stopping = lambda: time.monotonic() > self._deadline
        self._file = file

    def _store(self, patience: float = LOOKING) -> Store:
        """Return the store, which from now on waits for others `patience` seconds at the most.

        Raises StoreError while there is none.
        """
        if self._file is None:
            msg = "There is no store yet."
            raise StoreError(msg, "xats register NAME")
        self._deadline = time.monotonic() + patience
        return self.here.store


class Nobody:
    """Somebody of whom nothing tells who he is."""


def _hasten(tx: Tx, agent: Agent) -> bool:
    """Have the open wake of `agent` fall due now; return whether there is one."""
    if not wakes.is_open(tx, agent.id):
        return False
    wakes.retry_now(tx, agent.id, "new_session")
    return True


def _letters(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"
