"""Why a command does what it does, on stderr: --verbose, and the variable XATS_DEBUG for every command.

It says which store is used, which team and agent, by which rule, and what each transaction wrote. A command without
--verbose does not import this. With --json these lines come before the document of a failure.
"""

from __future__ import annotations

from xats.base.durations import iso
from xats.base.errors import XatsError
from xats.cli.kit import render
from xats.cli.kit.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from xats.cli.kit.context import Me
    from xats.core.waking.trace import Written
    from xats.core.waking.wakes import Wake
    from xats.store import Store, Tx

    T = TypeVar("T")


class Verbose(Context):
    """A context that says what it finds out, each fact once."""

    def __init__(self, **common: Any) -> None:
        render.be_verbose()
        super().__init__(**common)
        self._told: dict[str, bool] = {}  # each text, and whether it is printed
        self._tell(f"store: {self.path}, by {self._store_source()}")

    def _tell(self, *texts: str) -> None:
        """Print `texts`, and what was noted before."""
        for text in texts:
            self._note(text)
        for text, printed in self._told.items():
            if not printed:
                self._told[text] = True
                render.say(f"xats: debug: {render.one_line(text)}")

    def _note(self, text: str) -> None:
        """Note `text`, to be printed when the transaction has ended: a slow reader of stderr must not hold its lock."""
        self._told.setdefault(text, False)

    def _store_source(self) -> str:
        if "--db" in self._given:
            return "--db"
        said = next((name for name in ("XATS_DB", "XATS_HOME", "XDG_STATE_HOME") if self.environ.get(name)), None)
        if "://" in self.path and said != "XATS_DB":
            return "db in your settings file"
        return said or "default"

    @property
    def store(self) -> Store:
        """The store, opened when it is first used. Its write transactions are followed."""
        before = self._store
        found = super().store
        if found is not before:
            how = f"{'migrated from' if found.upgraded else 'opened with'} schema {found.schema}"
            self._tell(f"store: {how if found.schema else 'created'}")
            self._follow(found)
        return found

    def _follow(self, store: Store) -> None:
        """Print after each transaction of `store` what was noted in it, and what it wrote."""
        from xats.core.waking import trace

        plain_read = store.read
        plain_write: Callable[[Callable[[Tx], tuple[Any, Written]]], tuple[Any, Written]] = store.write

        def read(work: Callable[[Tx], T]) -> T:
            try:
                return plain_read(work)
            finally:
                self._tell()

        def write(work: Callable[[Tx], T]) -> T:
            try:
                result: T
                result, written = plain_write(lambda tx: trace.traced(tx, work))
                for event in written.events:
                    self._note(f"wrote: event {event.id}, {event.type} {event.subject}, by {event.actor or 'xats'}")
                for agent, wake in written.wakes:
                    self._note(f"wrote: wake {wake.id} of {agent}: {_state(wake)}")
                return result
            finally:
                self._tell()

        store.read, store.write = read, write  # type: ignore[method-assign]

    def me(self, tx: Tx, *, register: bool = True) -> Me:
        """Return who I am, as in a Context."""
        from xats.cli.agents.whoami import EVIDENCE

        found = super().me(tx, register=register)
        try:
            self.team_in(tx)
        except XatsError:  # I am known all the same
            pass
        self._note(f"agent: {found.agent.address}, because {EVIDENCE[found.evidence]}")
        return found

    def team_in(self, tx: Tx, registering: str | None = None) -> str:
        """Return the team of this command, as in a Context."""
        team = super().team_in(tx, registering)
        self._note(f"team: {team}, by {self._team_source(tx)}")
        return team

    def _team_source(self, tx: Tx) -> str:
        """Return which rule of `xats.identity.resolve.team_in` has decided."""
        from xats.identity.resolve import Evidence

        c = self.circumstances
        if c.said_team is not None:
            return "--team" if "--team" in self._given else "XATS_TEAM"
        if "@" in (self.as_name or ""):
            return "--as"
        if "@" in (c.name() or "") and not c.borrowed():
            return "XATS_AGENT"
        seen = Evidence(tx, c)
        found = seen.bound or seen.process
        if found:
            return f"the agent of this {found[2]}, {found[0].address}"
        project = self.find_project()
        return f"the project in {project.top}" if project else "the project"

    def rouse_daemon(self) -> None:
        """Make the daemon look at the store now, as in a Context."""
        from xats.daemon import lock

        super().rouse_daemon()
        try:
            pid = lock.holder(self.path)
        except (OSError, XatsError):  # the lock is another user's
            return
        self._tell(f"daemon: pid {pid} looks at the store now" if pid else "daemon: none runs")


def _state(wake: Wake) -> str:
    """Return the state of a wake, why it waits, and until when."""
    waits = wake.is_open and wake.state != "held"
    due = f"next attempt {iso(wake.next_attempt_at)}" if wake.next_attempt_at else "suspended" if waits else ""
    lease = "an attempt runs" if wake.lease_token else due
    return ", ".join(filter(None, (wake.state, f"reason {wake.reason}" if wake.reason else "", lease)))


def trace(problem: Exception) -> None:
    """Print where `problem` was raised; control characters are shown, and no value of a variable is."""
    import traceback

    for line in "".join(traceback.format_exception(problem)).rstrip().splitlines():
        render.say(render.visible(line))
