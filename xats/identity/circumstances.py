"""Circumstances: what is known of the process that asks who it is.

A command and a hook learn the same things in different ways: a command from its environment and the processes above
it, a hook from the event that its program sends. `resolve` (xats/identity/resolve.py) needs no more than these.
"""

from __future__ import annotations

from xats.base import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xats.base.process import Process
    from xats.clients.model import Client
    from xats.identity.project import Project
    from xats.store import Tx

    Claim = tuple[str, int, str]


class Circumstances:
    """What is known of the process that asks. Costly parts are looked up when they are first needed."""

    flag: str | None = None  #: the name that --as gives
    session: str | None = None  #: what the agent program calls the session that asks
    seeks_terminal = False  #: whether `find_terminal` may tell more of a session that is not known
    terminal: Process | None = None  #: the program in whose terminal a session of a shared process is, where known

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self._borrowed: bool | None = None  # not known yet
        self._project: tuple[Project | None] | None = None  # not looked for yet

    @property
    def host(self) -> str:
        """The id of this host."""
        return host.id()

    @property
    def asked_team(self) -> str | None:
        """The team that --team or XATS_TEAM names, as it was written."""
        return self.environ.get("XATS_TEAM") or None

    @property
    def said_team(self) -> str | None:
        """The team that --team or XATS_TEAM names, which may be called otherwise today. Raises InvalidName."""
        if self.asked_team is None:
            return None
        from xats.core import address

        return address.check_name(self.asked_team, "team").lower()

    def asked(self, tx: Tx) -> str | None:
        """Return the team that --team or XATS_TEAM means today, or None. Raises InvalidName."""
        said = self.said_team
        if said is None:
            return None
        from xats.core.teams import teams

        return teams.current(tx, said)

    @property
    def project(self) -> Project | None:
        """The project in which this runs, None if its folder was removed."""
        if self._project is None:
            from xats.identity import project

            self._project = (project.find(self.folder),)
        return self._project[0]

    def project_team(self, tx: Tx) -> str:
        """Return the team of the project. Raises Refused if its folder was removed."""
        from xats.core.teams import teams

        if self.project is None:
            from xats.base.errors import Refused

            msg = "The working directory was removed, so xats cannot tell which project this is."
            raise Refused(msg, "cd to a folder of the project, or use --team TEAM")
        return teams.of(tx, host.machine(), self.project)

    def claim(self, tx: Tx, team: str) -> None:
        """Record the project, in which an agent of `team` is registered, unless the team is that of another project."""
        from xats.core.teams import teams

        found = self.project
        if found and team in (teams.former(found.here), self.project_team(tx)):
            teams.claim(tx, host.machine(), found)

    def shared(self) -> bool:
        """Tell whether one process serves several sessions here, whose environment is that of the first of them."""
        return False

    def sharer(self) -> Client | None:
        """Return the program one process of which may serve several sessions, this one among them."""
        from xats.clients import sessions

        return sessions.sharer(self.environ)

    def find_terminal(self) -> None:
        """Find the terminal of a shared process that this session is in, and take its environment for our own.

        Where it cannot be told the environment is empty: the session is then known by its id alone.
        """
        from importlib import import_module

        self.seeks_terminal = False
        sharer = self.sharer()
        terminals = import_module(sharer.sharing.terminals) if sharer and sharer.sharing else None
        found = terminals.find(self.session or "", self.folder) if terminals else None
        self.terminal, self.environ = (found.at, found.environ) if found else (None, {})

    @property
    def folder(self) -> str | None:
        """The folder in which the session works; None is the working directory."""
        return None

    def inside(self) -> bool:
        """Tell whether an agent program runs this."""
        return True

    def person(self) -> str | None:
        """Return the name of the person who types this, or None when an agent or a script does."""
        return None

    def name(self) -> str | None:
        """Return what XATS_AGENT says, where the environment is this session's own."""
        return None if self.shared() and self.terminal is None else self.environ.get("XATS_AGENT") or None

    def pane(self) -> Claim | None:
        """Return this pane as (socket, server pid, pane id), where the environment is this session's own."""
        from xats.base import process
        from xats.clients import sessions
        from xats.tmux.address import address

        found = address(self.environ)
        if found is None or (self.shared() and self.terminal is None):
            return None
        if sessions.pane_is_trusted(self.environ):
            return found
        # A shared process hands out the pane in which it was started itself.
        sharer = sessions.sharer(self.environ)
        alone = sharer is not None and sharer.sharing and sharer.sharing.serves(process.ancestors()) is False
        return found if alone else None

    def ancestors(self) -> Sequence[Process]:
        """Return the processes that this session runs in, the nearest first; none where that is unknown."""
        from xats.base import process

        if not self.shared():
            return process.ancestors()
        return [self.terminal, *process.ancestors(self.terminal.pid)] if self.terminal else []

    def above(self) -> Sequence[Process]:
        """Return `ancestors` up to its own session, where that runs in the background of another session."""
        found = self.ancestors()
        if self.inside() and not _are_plain(found):
            from xats.clients import helpers

            behind = helpers.in_background(found)
            found = found[: found.index(behind) + 1] if behind else found
        return found

    def borrowed(self) -> bool:
        """Tell whether the environment comes from a helper process: its names and its pane mean another session.

        Where sessions share a process it is False: `name` and `pane` cover that case.
        """
        if self._borrowed is None:
            borrowed = self.inside() and not self.shared()
            if borrowed:
                from xats.clients import helpers

                borrowed = helpers.borrowed(self.ancestors(), self.environ)
            self._borrowed = borrowed
        return self._borrowed

    def program(self) -> tuple[Process, str] | None:
        """Return the nearest agent program above this process and which client it is; None where none is seen."""
        found = self.ancestors()
        if _are_plain(found):
            return None
        from xats.clients import processes

        return processes.nearest(found)

    def works_for(self, holder: tuple[int, int]) -> bool:
        """Tell whether the process `holder` (pid, start time) is the agent program that runs this.

        It also is where that program was started in `holder`, or by it as its launcher. It is not where another agent
        program stands between: that one is somebody else, although it inherits the pane and the name.
        """
        found = self.ancestors()
        here = next((index for index, one in enumerate(found) if (one.pid, one.started) == holder), None)
        if here is None or _are_plain(found[:here]):
            return here is not None
        from xats.clients import processes

        return processes.works_for(found, holder)


class Command(Circumstances):
    """The circumstances of a command that was typed, or run by a script or by the tool of an agent."""

    def __init__(
        self,
        environ: Mapping[str, str],
        flag: str | None = None,
        team: str | None = None,
        person: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`flag` is what --as says, `team` what --team says; `person` returns who types on the terminal, or None."""
        from xats.clients import sessions

        super().__init__(environ)
        self.flag, self._team, self._person = flag, team, person
        self._ancestors: list[Process] | None = None
        self._inside: bool | None = None
        self._shared: bool | None = None
        self.session = sessions.own_session_id(environ, self.ancestors)
        self.seeks_terminal = self.session is not None and sessions.is_of_sharer(environ, self.session)

    @property
    def asked_team(self) -> str | None:
        """The team that --team or XATS_TEAM names, as it was written. --as NAME@TEAM is stronger than XATS_TEAM."""
        return self._team or (None if "@" in (self.flag or "") else super().asked_team)

    def person(self) -> str | None:
        """Return the name of the person who types this, or None when an agent or a script does."""
        return None if self.inside() else self._person()

    def ancestors(self) -> Sequence[Process]:
        """Return the processes above this one, the nearest first."""
        from xats.base import process

        if self.terminal:
            return super().ancestors()
        if self._ancestors is None:
            self._ancestors = process.ancestors()
        return self._ancestors

    def inside(self) -> bool:
        """Tell whether an agent program runs this: it has marked the environment, or it is above."""
        from xats.clients import sessions

        if self._inside is None:
            self._inside = sessions.inside_agent(self.environ) or self.program() is not None
        return self._inside

    def shared(self) -> bool:
        """Tell whether a shared process runs this. Its sessions have the environment of the first of them."""
        from xats.base import process

        if self._shared is None:
            sharer = self.sharer() if self.seeks_terminal else None
            self._shared = bool(sharer and sharer.sharing and sharer.sharing.serves(process.ancestors()))
        return self._shared


def _are_plain(found: Sequence[Process]) -> bool:
    """Tell whether none of `found` is an agent program, without the import of all profiles where that is possible."""
    from xats.clients import names

    return names.none_among(found)
