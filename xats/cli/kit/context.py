"""The context of a command: its options, its store, its settings, its team, and the agent that runs it.

xats/identity/resolve.py finds that agent, for commands and hooks alike. What a command does beside its work is in
upkeep.py, and which team a verb shows is in scope.py.
"""

from __future__ import annotations

import os

from xats.base import host
from xats.base.errors import Refused, UnknownAgent, UnknownTeam
from xats.core import address
from xats.core.agents import agents
from xats.core.teams import teams
from xats.identity.circumstances import Command
from xats.identity.resolve import FirstUse, Me, resolve, team_in
from xats.store.open import open_store
from xats.store.sqlite.paths import default_path, exists, given_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from xats.core.agents.agents import Agent
    from xats.identity.project import Project
    from xats.store import Store, Tx

    T = TypeVar("T")

__all__ = ["Context", "FirstUse", "Me", "run"]


def run(verb: Callable[..., int], values: Mapping[str, Any], common: Mapping[str, Any]) -> int:
    """Run `verb` with its parameters `values` and the `common` ones; return its exit code."""
    here = Context(**common)
    if here.color is not None:
        from xats.cli.kit import render

        render.use_color(here.color)
    return verb(here, **values)


class Context:
    """The context of one command. Costly values are looked up when they are first used."""

    def __init__(
        self,
        as_name: str | None = None,
        team: str | None = None,
        db: str | None = None,
        *,
        json: bool = False,
        quiet: bool = False,
        color: str | None = None,
    ) -> None:
        self.environ = os.environ
        self.as_name = as_name
        self.asked_team = team or (None if "@" in (as_name or "") else self.environ.get("XATS_TEAM")) or None
        self.path = given_path(db, self.environ) if db else default_path(self.environ)
        self.json = json
        self.quiet = quiet
        self.color = color
        given = {"--as": as_name, "--team": team, "--db": db}
        self._given = {option: value for option, value in given.items() if value}
        self._program: str | None = None  #: how a shell calls xats; not looked up yet
        self._store: Store | None = None
        self.new_person: Agent | None = None  #: the person whom this command has registered
        self.note: str | None = None  #: a warning about who runs this
        self.former: tuple[str, str] | None = None  #: the former name by which I was called, and today's
        self.former_said = False
        self._typing: int | None = None  # the person (id) who typed this command on a terminal
        self._team: str | None = None  # not known yet
        self._settings: Mapping[str, str] | None = None  # not read yet
        self.circumstances = Command(self.environ, as_name, team, self._typist)

    @property
    def store(self) -> Store:
        """The store, opened when it is first used."""
        if self._store is None:
            from xats.cli.kit.render import warn

            # With --json stderr is for one document, which says what failed.
            self._store = open_store(self.path, warn=warn, notice=None if self.json else warn)
            if "://" in self.path:
                from xats.cli.kit import password

                password.warn_once(self.path, warn)
            if self._store.upgraded:
                from xats.daemon import autostart, liveness

                autostart.replace_older(self.path, self.environ)
                self._store.write(liveness.bind_sessions)
        return self._store

    def command(self, *words: object) -> str:
        """Return the xats command of `words`, with the --as, --team and --db of this command.

        None among `words` is left out. hints.TEXT stands for a text that the reader fills in.
        """
        from xats.base import calling
        from xats.cli.kit import hints

        given = [str(word) for word in words if word is not None]
        said = " ".join(word if word == hints.TEXT else calling.quoted(word) for word in given)
        if self._program is None:
            self._program = calling.spelled(calling.path_for(self.environ))
        return hints.command(said, self._given, self._program)

    def complete(self, hint: str) -> str:
        """Return `hint` with the --as, --team and --db of this command in each command that it names."""
        from xats.cli.kit import hints

        return hints.complete(hint, self._given)

    def rouse_daemon(self) -> None:
        """Make the daemon look at the store now. Warn if that fails, or if its environment differs."""
        from xats import settings
        from xats.daemon import autostart

        problem = autostart.ensure_running(self.path, self.environ)
        problems = [problem] if problem else []
        if any(map(self.environ.get, settings.DAEMON)):
            from xats.daemon import differing

            problems += differing.warnings(self.path, self.environ)
        for one in problems:
            from xats.cli.kit.render import warn

            warn(one)

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment with what the files of this project and of this user add to it; see `xats.settings`.

        A fault in a file causes one warning, but none with --json.
        """
        if self._settings is None:
            from xats import settings
            from xats.cli.kit.render import warn

            tell = None if self.json else warn
            self._settings = settings.of(self.environ, (self.project_file(),), tell)
        return self._settings

    def project_file(self) -> str | None:
        """Return the path of the project's settings file, None if the working directory was removed."""
        from xats import settings

        found = self.find_project()
        return settings.project_path(found.here) if found else None

    @property
    def host(self) -> str:
        """The id of this host."""
        return host.id()

    def reopen_if_replaced(self) -> None:
        """Open the store again if its file was replaced: a command that waits would see no change of the old one."""
        if self._store and self._store.replaced:
            self._store.close()
            self._store = None

    @property
    def project(self) -> Project:
        """The project of the working directory. Raises Refused if that was removed."""
        found = self.find_project()
        if found is None:
            msg = "The working directory was removed, so xats cannot tell which project this is."
            raise Refused(msg, "cd to a folder of the project, or use --team TEAM")
        return found

    def find_project(self) -> Project | None:
        """Return the project of the working directory, None if that was removed."""
        return self.circumstances.project

    @property
    def team(self) -> str:
        """The team of this command, for use outside of a transaction. A missing store is not created."""
        if self._team is None:
            if self._store is None and not exists(self.path):
                return self.circumstances.said_team or address.slug(self.project.name)
            self._team = self.store.read(self.team_in)
        return self._team

    def team_in(self, tx: Tx, registering: str | None = None) -> str:
        """Return the team of this command, see `xats.identity.resolve.team_in`. Raises InvalidName or Refused."""
        return team_in(tx, self.circumstances, registering)

    def address(self, tx: Tx, name: str) -> tuple[str, str]:
        """Return the present team and name of the agent `name`, which this command registers."""
        asked = self.circumstances.said_team
        return teams.address(tx, asked, name) if asked else (self.team_in(tx, name), name)

    def project_team(self, tx: Tx) -> str | None:
        """Return the team of the project, also if I am in another one; None if the working directory was removed."""
        return self.circumstances.project_team(tx) if self.find_project() else None

    def claim(self, tx: Tx, team: str) -> None:
        """Record that the project of an agent of `team` has this team, unless it is the team of another project."""
        self.circumstances.claim(tx, team)

    def write(self, work: Callable[[Tx, Me], T]) -> T:
        """Run `work` as me in one write transaction."""

        def attempt(tx: Tx) -> T:
            me = self.me(tx)
            agents.touch(tx, me.agent)
            self._record(tx, me)
            if self._may_have_moved(tx, me):
                from xats.cli.kit import upkeep

                upkeep.follow(tx, me)
            return work(tx, me)

        result = self.store.write(attempt)
        self._introduce()
        return result

    def read(self, work: Callable[[Tx, Me], T], *, register: bool = True) -> T:
        """Run `work` as me on one snapshot, and renew what I have claimed.

        With `register`, a person who uses xats for the first time is registered. Without it, this raises FirstUse.
        """
        moved: list[Me] = []
        renewing: list[Me] = []

        def look(tx: Tx) -> T:
            me = self.me(tx, register=False)
            if self._may_have_moved(tx, me):
                moved.append(me)
            if agents.renewal_due(tx, me.agent):
                renewing.append(me)
            return work(tx, me)

        try:
            result = self.store.read(look)
            self._introduce()
            if moved or renewing:
                from xats.cli.kit import upkeep

                if moved:
                    upkeep.follow_after_reading(self, moved[0])
                if renewing:
                    upkeep.renew(self, renewing[0])
                self._introduce()
            return result
        except FirstUse as first:
            if not register:
                raise
            team = first.team
            self.store.read(lambda tx: self.refuse_unknown(tx, team))
            result = self.store.write(lambda tx: work(tx, self.me(tx)))  # if `work` fails, the person is not registered
            self._introduce()
            return result

    def _record(self, tx: Tx, me: Me) -> None:
        """Record where the project is now, if the store does not have that yet and I am in its team."""
        found = self.find_project()
        if found and not teams.is_recorded(tx, host.machine(), found):
            self.claim(tx, me.agent.team)

    def _may_have_moved(self, tx: Tx, me: Me) -> bool:
        """Tell whether `upkeep.follow` has to record the host of my session: its id, or its new name."""
        marked, name = agents.host_of(tx, me.agent)
        return name != host.name() and (marked == host.id() or not host.is_id(marked)) and marked != ""

    def me(self, tx: Tx, *, register: bool = True) -> Me:
        """Return who I am. Raises UnknownAgent, StaleSession, or FirstUse for a person who is not registered yet."""
        try:
            me = resolve(tx, self.circumstances)
        except FirstUse as first:
            if not register:
                raise
            self.note = first.note
            from xats.cli.kit import upkeep

            new = upkeep.register_person(self, tx, first)
            self._typing = new.agent.id
            return new
        except UnknownAgent as problem:
            raise self._explained(tx, problem, self.circumstances.said_team) from problem
        self.note = me.note
        named = me.evidence == "env" and me.agent.client == "human" and self.person() is not None
        self._typing = me.agent.id if named or me.evidence == "user" else None
        said = (self.as_name or self.circumstances.name() or "").partition("@")[0]
        if me.evidence in ("flag", "env") and said.lower() != me.agent.name.lower():
            self.former = said, me.agent.name
        return me

    def refuse_unknown(self, tx: Tx, team: str) -> None:
        """Raise UnknownTeam if `team` does not exist, unless it is the present or future team of this project."""
        from xats.core.teams import views

        if not views.exists(tx, team) and self.project_team(tx) != team:
            raise views.unknown(tx, team)

    def named(self, tx: Tx, name: str, team: str | None = None) -> Agent:
        """Return the registered agent `name` of `team` (None: of this one), or `name@team`.

        Raises UnknownAgent, or UnknownTeam for a team in `name` that does not exist.
        """
        whom, _, other = name.partition("@")
        if other:
            self.refuse_unknown(tx, other.lower())
        team = other.lower() or team or self.circumstances.said_team or self.team_in(tx)
        try:
            return agents.by_name(tx, team, whom)
        except UnknownAgent as problem:
            raise self._explained(tx, problem, team) from problem

    def _explained(self, tx: Tx, problem: UnknownAgent, team: str | None) -> UnknownAgent:
        """Return `problem`. If `team` does not exist, return an error that says so, and names the nearest team."""
        try:
            if team is not None:
                self.refuse_unknown(tx, team)
        except UnknownTeam as reason:
            return UnknownAgent(str(reason), reason.hint, **reason.data)
        return problem

    @property
    def pane(self) -> tuple[str, int, str] | None:
        """My pane as (socket, server pid, pane id); None if the environment cannot be trusted."""
        found = self.circumstances.pane()
        return None if found and self.circumstances.borrowed() else found

    def _introduce(self) -> None:
        if self.new_person or self.former or self.note:
            from xats.cli.kit import upkeep

            upkeep.introduce(self)
        if self._typing is not None and self.environ.get("TMUX"):
            from xats.identity import places

            places.note(self.path, self._typing, self.environ)
            self._typing = None

    def person(self) -> str | None:
        """Return the name of the person who types this command, None if an agent or a script runs it."""
        return self.circumstances.person()

    def _typist(self) -> str | None:
        """Return the login name of the person at the terminal, None where there is no terminal."""
        if not (os.isatty(0) or os.isatty(1)):
            return None
        from xats.cli.kit import people

        return people.login_as_name(self.environ)
