"""What the live screen reads from the store, and what it changes there.

Reading never writes: it creates no store, registers no agent and marks no mail as read. Each change is one write
transaction in the name of the person or agent who runs it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from xats.base.errors import Refused, StoreError, UnknownAgent
from xats.base.record import record, replace
from xats.cli.agents import states
from xats.cli.kit import scope
from xats.core import events
from xats.core.agents import agents, listing
from xats.core.mail import dead, threads
from xats.core.tasks import owners
from xats.core.teams import teams
from xats.core.turns import summaries
from xats.core.waking import pauses, wakes
from xats.daemon import autostart, lock
from xats.store.sqlite.engine import host_clock
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from xats.cli.agents.states import State
    from xats.cli.kit.context import Context, Me
    from xats.core.agents.agents import Agent, Details
    from xats.core.events import Event
    from xats.core.mail.dead import DeadLetter
    from xats.core.mail.threads import Headline, ThreadMessage
    from xats.core.turns.summaries import Summary
    from xats.core.waking.pauses import Pause
    from xats.store import Store, Tx

    T = TypeVar("T")

EVENTS = 100  # newest events that a frame has
LETTERS = 200  # dead letters, or threads, in a list
MESSAGES = 50  # newest messages of a thread
LOOKING, WRITING = 0.3, 3.0  # seconds that a read, or a change, may wait for a busy store
LONGEST_REST = 1.5  # seconds between two reads at most; reading a busy large store may take a tenth of the time
LOOK_AGAIN = 5.0  # seconds between two looks at processes: the store does not know when one ends


@record
class AgentRow:
    """An agent as the screen shows it."""

    details: Details
    pause: Pause | None  #: its own pause, not that of the team
    state: State  #: whether its program runs, and how xats knows

    @property
    def key(self) -> int:
        """What identifies the row."""
        return self.details.agent.id


@record
class Frame:
    """Everything that the first page shows, at one moment."""

    team: str
    path: str
    stored: bool  #: whether there is a store
    daemon_since: int | None  #: ms UTC; None: no daemon runs
    agents: tuple[AgentRow, ...] = ()
    dead: int = 0
    team_pause: Pause | None = None
    events: tuple[tuple[Event, str | None], ...] = ()  #: the newest first, each with the subject of its message
    gone: int = 0  #: tasks whose owner is gone
    turns: tuple[Summary, ...] = ()  #: the turns that an agent has, that are offered to one, or that one waits for


class Watch:
    """A store that the screen watches, in the name of one person or agent."""

    def __init__(self, here: Context) -> None:
        """Watch the store and the team of `here`, in the name of the person or agent of `here`.

        Raises Usage for an invalid team name, and StoreError.
        """
        self.here = here
        self.team = here.team
        here.quiet = True  # nothing may be printed into the screen
        self._file: tuple[int, int] | None = None
        self._frame: Frame | None = None
        self._generation: int | None = None
        self._looked = 0.0
        self._rest = 0.0  # seconds until the next read
        self._deadline = 0.0
        if self._identity():
            self._open()

    # -- looking -------------------------------------------------------------------------------------------------------

    def changed(self) -> bool:
        """Tell whether there may be something new; it takes microseconds.

        Raises StoreError when the store cannot be read, or another file has replaced it.
        """
        found = self._identity()
        if found is None and self._file is None:
            return time.monotonic() - self._looked > LOOK_AGAIN
        if found != self._file:
            if self._file is not None:
                msg = "The store was removed or replaced. Leave this screen and start it again."
                raise StoreError(msg, "xats top")
            self._open()
            return True
        waited = time.monotonic() - self._looked
        if self._generation is not None and waited < self._rest:
            return False
        return self._store().generation() != self._generation or waited > LOOK_AGAIN

    def look(self) -> Frame:
        """Return the frame for now. Raises StoreError."""
        self._looked = time.monotonic()
        if self._file is None:
            return Frame(self.team, self.here.path, stored=False, daemon_since=self._daemon_since())
        store = self._store()
        generation = store.generation()
        if self._frame is None or generation != self._generation:
            self._frame = store.read(self._read_frame)
            self._generation = generation  # if it has changed since, the next read finds out
            self._rest = min(LONGEST_REST, 10 * (time.monotonic() - self._looked))
        else:  # the store is the same: only processes may have ended
            rows = tuple(self._row(one.details, one.pause, store.clock()) for one in self._frame.agents)
            self._frame = replace(self._frame, daemon_since=self._daemon_since(), agents=rows)
        return self._frame

    def _read_frame(self, tx: Tx) -> Frame:
        self.team = team = teams.current(tx, self.team)  # it may have been renamed or merged
        by_agent = {pause.agent: pause for pause in pauses.listing(tx, team)}
        viewer = self._viewer(tx)
        newest, _, _ = events.after(tx, events.Query(team), EVENTS)
        found = listing.agents(tx, team, None)
        return Frame(
            team,
            self.here.path,
            stored=True,
            daemon_since=self._daemon_since(),
            agents=tuple(self._row(one, by_agent.get(one.agent.address), tx.now) for one in found),
            dead=dead.count(tx, team),
            team_pause=by_agent.get(None),
            events=tuple((one, self._subject(tx, one, viewer)) for one in reversed(newest)),
            gone=owners.count_gone(tx, team),
            turns=tuple(summaries.find(tx, team)),
        )

    def _row(self, details: Details, pause: Pause | None, now: int) -> AgentRow:
        seen, state = states.look(details, now)
        return AgentRow(seen, pause, state)

    @staticmethod
    def _subject(tx: Tx, one: Event, viewer: Agent | Unidentified | None) -> str | None:
        kind, _, number = one.subject.partition(":")
        if kind != "message" or one.type != "message_sent" or isinstance(viewer, Unidentified):
            return None
        return threads.subject(tx, int(number), viewer)

    def _daemon_since(self) -> int | None:
        """Return when the daemon started (ms UTC), or None if none runs."""
        import psutil

        with suppress(OSError, psutil.Error):  # the lock may be another user's
            pid = lock.holder(self.here.path)
            if pid is not None:
                return int(psutil.Process(pid).create_time() * 1000)
        return None

    # -- mail ----------------------------------------------------------------------------------------------------------

    def threads(self, agent: Agent) -> list[Headline]:
        """Return the newest threads of `agent` that I may see: a person all, an agent those that it takes part in.

        Raises UnknownAgent when nothing identifies me, and StoreError.
        """
        return self._read(lambda tx, viewer: threads.headlines(tx, agent, viewer=viewer, limit=LETTERS))

    def conversation(self, thread_id: int) -> list[ThreadMessage]:
        """Return the newest messages of a thread that I may see, oldest first. Raises like `threads`."""
        return self._read(lambda tx, viewer: threads.conversation(tx, thread_id, viewer=viewer, limit=MESSAGES))

    def dead_letters(self) -> tuple[list[DeadLetter], bool]:
        """Return the dead letters to or from the team, oldest first, and whether there are more. Raises StoreError."""
        return self._store().read(lambda tx: dead.listing(tx, self.team, LETTERS))

    def _read(self, work: Callable[[Tx, Agent | None], T]) -> T:
        def attempt(tx: Tx) -> T:
            viewer = self._viewer(tx)
            if isinstance(viewer, Unidentified):
                raise UnknownAgent
            return work(tx, viewer)

        return self._store().read(attempt)

    def _viewer(self, tx: Tx) -> Agent | Unidentified | None:
        """Return the agent as which I look at mail. None: as a person, who may see all."""
        try:
            return scope.viewer(self.here, tx)
        except (UnknownAgent, Refused):
            return Unidentified()

    # -- changing ------------------------------------------------------------------------------------------------------

    def retry(self, agent: Agent) -> str:
        """Wake `agent` now, or retry its dead letters; return what was done. Raises Refused while it is paused."""

        def work(tx: Tx, me: Me) -> str:
            pause = pauses.of_agent(tx, agent)
            if pause:
                msg = f"xats does not wake {agent.name} while {'it' if pause.agent else 'the team'} is paused."
                raise Refused(msg, f"{'p' if pause.agent else 'P'} ends the pause")
            if _hasten(tx, agent):
                return f"the wake of {agent.name} is due now"
            mine = [one for one in dead.listing(tx, agent.team, 1000)[0] if one.agent_id == agent.id]
            failed = [one for one in mine if one.reason != "expired"]
            if failed:
                dead.retry(tx, me.agent, failed)
                return f"retrying {_letters(len(failed))} of {agent.name}"
            expired = f"; it has {_letters(len(mine))}, expired: press d" if mine else ""
            return f"nothing to retry: {agent.name} has no open or failed wake{expired}"

        return self._change(work)

    def retry_letter(self, letter: DeadLetter) -> str:
        """Retry a dead letter; return what was done."""
        return self._change(lambda tx, me: f"retrying #{dead.retry(tx, me.agent, self._still(tx, letter))[0]}")

    def drop_letter(self, letter: DeadLetter) -> str:
        """Take a dead letter off the list; return what was done."""

        def work(tx: Tx, me: Me) -> str:
            for one in self._still(tx, letter):
                dead.drop(tx, me.agent, one)
            return f"#{letter.message.id} to {letter.agent} dropped; unread mail stays in its inbox"

        return self._change(work)

    def _still(self, tx: Tx, letter: DeadLetter) -> list[DeadLetter]:
        """Return `letter` as it is now. Raises NotFound if it is not a dead letter any more."""
        return dead.find(tx, self.team, message_id=letter.message.id, whose=agents.by_id(tx, letter.agent_id))

    def pause(self, agent: Agent | None) -> str:
        """Pause `agent`, or with None the team; return what was done."""

        def work(tx: Tx, me: Me) -> str:
            pauses.pause(tx, me.agent, self.team, agent=agent, reason=None)
            return f"{self._name(agent)} is paused: mail is stored, and nobody is woken for it"

        return self._change(work)

    def resume(self, agent: Agent | None) -> str:
        """End the pause of `agent`, or with None of the team; return what was done."""

        def work(tx: Tx, me: Me) -> str:
            _, due = pauses.resume(tx, me.agent, self.team, agent)
            return f"the pause of {self._name(agent)} is over; {due} wake{'' if due == 1 else 's'} due"

        return self._change(work)

    def _name(self, agent: Agent | None) -> str:
        return agent.name if agent else f"team {self.team}"

    def _change(self, work: Callable[[Tx, Me], str]) -> str:
        self._store(WRITING)
        done = self.here.write(work)
        self._generation = None  # the generation does not show a commit of this process
        autostart.ensure_running(self.here.path, self.here.environ)
        return done

    def clock(self) -> int:
        """Return ms UTC by the clock of the store, by that of this host while there is no store."""
        return host_clock() if self._file is None else self.here.store.clock()

    # -- the store -----------------------------------------------------------------------------------------------------

    def _identity(self) -> tuple[int, int] | None:
        """Return what identifies the file of the store, or None if there is none or it is empty."""
        if "://" in self.here.path:
            return (0, 0) if exists(self.here.path) else None
        try:
            found = os.stat(self.here.path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            msg = f"{self.here.path} cannot be read: {problem.strerror}."
            raise StoreError(msg) from problem
        return (found.st_dev, found.st_ino) if found.st_size else None

    def _open(self) -> None:
        file = self._identity()  # before the store opens: a file that replaces it later is noticed
        self.here.store.stopping = lambda: time.monotonic() > self._deadline
        self._file = file

    def _store(self, patience: float = LOOKING) -> Store:
        """Return the store, which from now on waits at most `patience` seconds for other writers.

        Raises StoreError if there is none.
        """
        if self._file is None:
            msg = "There is no store yet."
            raise StoreError(msg, "xats register NAME")
        self._deadline = time.monotonic() + patience
        return self.here.store


class Unidentified:
    """A viewer whom nothing identifies."""


def _hasten(tx: Tx, agent: Agent) -> bool:
    """Make the open wake of `agent` due now; return whether there is one."""
    if not wakes.is_open(tx, agent.id):
        return False
    wakes.retry_now(tx, agent.id, "new_session")
    return True


def _letters(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"
