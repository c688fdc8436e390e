"""Circumstances: what a process knows about itself when it asks which agent it is.

A command learns this from its environment and the processes above it. A hook learns it from the event that its program
sends. `resolve` (xats/identity/resolve.py) needs nothing else.
"""

from __future__ import annotations

from xats.base import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xats.base.process import Process
    from xats.base.request import Request
    from xats.clients.model import Client
    from xats.identity.project import Project
    from xats.store import Tx

    Claim = tuple[str, int, str]


class Circumstances:
    """What a process knows about itself. The costly parts are looked up at their first use."""

    flag: str | None = None  #: the name that --as gives
    session: str | None = None  #: the id that the agent program gives this session
    seeks_terminal = False  #: whether `find_terminal` can help with a session that the store does not know
    terminal: Process | None = None  #: the program in the terminal of a session of a shared process, if it is known
    pid: int | None = None  #: the process that asks, where that is not this one; see xats/base/request.py
    cwd: str | None = None  #: its working directory

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
        """The team that --team or XATS_TEAM names. It may have another name today. Raises InvalidName."""
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
        """The project in which this runs, or None if the folder was removed."""
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
        """Record the project for an agent of `team`, unless the team belongs to another project."""
        from xats.core.teams import teams

        found = self.project
        if found is None:
            return
        if team == teams.former(found.here) or (
            teams.may_belong(tx, team, found) and team == teams.of(tx, host.machine(), found)
        ):
            teams.claim(tx, host.machine(), found)

    def shared(self) -> bool:
        """Tell whether one process serves several sessions here, all with the environment of the first one."""
        return False

    def sharer(self) -> Client | None:
        """Return the program that can serve several sessions in one process, this session among them, or None."""
        from xats.clients import sessions

        return sessions.sharer(self.environ)

    def find_terminal(self) -> None:
        """Find the terminal of this session of a shared process, and use the environment of that terminal.

        If the terminal is unknown, the environment becomes empty: then only the id of the session counts.
        """
        from importlib import import_module

        self.seeks_terminal = False
        sharer = self.sharer()
        terminals = import_module(sharer.sharing.terminals) if sharer and sharer.sharing else None
        found = terminals.find(self.session or "", self.folder, self.environ) if terminals else None
        self.terminal, self.environ = (found.at, found.environ) if found else (None, {})

    @property
    def folder(self) -> str | None:
        """The folder in which the session works; None means the working directory of this process."""
        return self.cwd

    def inside(self) -> bool:
        """Tell whether an agent program runs this."""
        return True

    def person(self) -> str | None:
        """Return the name of the person who typed the command, or None if an agent or a script runs it."""
        return None

    def name(self) -> str | None:
        """Return the value of XATS_AGENT, if the environment is this session's own."""
        return None if self.shared() and self.terminal is None else self.environ.get("XATS_AGENT") or None

    def pane(self) -> Claim | None:
        """Return this pane as (socket, server pid, pane id), if the environment is this session's own."""
        from xats.base import process
        from xats.clients import sessions
        from xats.tmux.address import address

        found = address(self.environ)
        if found is None or (self.shared() and self.terminal is None):
            return None
        if sessions.pane_is_trusted(self.environ):
            return found
        # A shared process passes on the pane in which it was started itself.
        sharer = sessions.sharer(self.environ)
        alone = sharer is not None and sharer.sharing and sharer.sharing.serves(process.ancestors(self.pid)) is False
        return found if alone else None

    def ancestors(self) -> Sequence[Process]:
        """Return the processes above this session, the nearest first; none if they are unknown."""
        from xats.base import process

        if not self.shared():
            return process.ancestors(self.pid)
        return [self.terminal, *process.ancestors(self.terminal.pid)] if self.terminal else []

    def above(self) -> Sequence[Process]:
        """Return `ancestors`, but for a background session of another session only those up to its own process."""
        found = self.ancestors()
        if self.inside() and not _are_plain(found):
            from xats.clients import background

            behind = background.session(found)
            found = found[: found.index(behind) + 1] if behind else found
        return found

    def borrowed(self) -> bool:
        """Tell whether the environment comes from a helper process, so that its name and pane mean another session.

        It is False for sessions that share a process: `name` and `pane` cover that case.
        """
        if self._borrowed is None:
            borrowed = self.inside() and not self.shared()
            if borrowed:
                from xats.clients import helpers

                borrowed = helpers.borrowed(self.ancestors(), self.environ)
            self._borrowed = borrowed
        return self._borrowed

    def program(self) -> tuple[Process, str] | None:
        """Return the nearest agent program above this process and the name of its client, or None."""
        found = self.ancestors()
        if _are_plain(found):
            return None
        from xats.clients import processes

        return processes.nearest(found)

    def works_for(self, holder: tuple[int, int]) -> bool:
        """Tell whether the agent program that runs this is the process `holder` (pid, start time).

        A program that `holder` launched, or that runs in the shell `holder`, counts too. If another agent program is in
        between, the answer is False: that program is another agent, although it inherits the pane and the name.
        """
        found = self.ancestors()
        here = next((index for index, one in enumerate(found) if (one.pid, one.started) == holder), None)
        if here is None or _are_plain(found[:here]):
            return here is not None
        from xats.clients import processes

        return processes.works_for(found, holder)


class Command(Circumstances):
    """The circumstances of a command that a person, a script or an agent runs."""

    def __init__(
        self,
        environ: Mapping[str, str],
        flag: str | None = None,
        team: str | None = None,
        person: Callable[[], str | None] = lambda: None,
        asked: Request | None = None,
    ) -> None:
        """`flag` and `team` are the values of --as and --team. `person` returns who types on the terminal, or None.

        `asked`: the process of the command, where that is not this one.
        """
        from xats.clients import sessions

        super().__init__(environ)
        if asked:
            self.pid, self.cwd = asked.pid, asked.cwd
        self.flag, self._team, self._person = flag, team, person
        self._ancestors: list[Process] | None = None
        self._inside: bool | None = None
        self._shared: bool | None = None
        self.session = sessions.own_session_id(environ, self.ancestors)
        self.seeks_terminal = self.session is not None and sessions.is_of_sharer(environ, self.session)

    @property
    def asked_team(self) -> str | None:
        """The team that --team or XATS_TEAM names, as it was written. --as NAME@TEAM overrides XATS_TEAM."""
        return self._team or (None if "@" in (self.flag or "") else super().asked_team)

    def person(self) -> str | None:
        """Return the name of the person who typed the command, or None if an agent or a script runs it."""
        return None if self.inside() else self._person()

    def ancestors(self) -> Sequence[Process]:
        """Return the processes above this one, the nearest first."""
        from xats.base import process

        if self.terminal:
            return super().ancestors()
        if self._ancestors is None:
            self._ancestors = process.ancestors(self.pid)
        return self._ancestors

    def inside(self) -> bool:
        """Tell whether an agent program runs this: the environment has its mark, or it is above this process."""
        from xats.clients import sessions

        if self._inside is None:
            self._inside = sessions.inside_agent(self.environ) or self.program() is not None
        return self._inside

    def shared(self) -> bool:
        """Tell whether a shared process runs this. Its sessions all have the environment of the first one."""
        from xats.base import process

        if self._shared is None:
            sharer = self.sharer() if self.seeks_terminal else None
            self._shared = bool(sharer and sharer.sharing and sharer.sharing.serves(process.ancestors(self.pid)))
        return self._shared


def _are_plain(found: Sequence[Process]) -> bool:
    """Tell whether none of `found` is an agent program. In most cases this imports no profile."""
    from xats.clients import names

    return names.none_among(found)
