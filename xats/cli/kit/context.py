"""Here: what every command knows before it starts: who was asked for, which team, which store, and who I am.

Who I am is decided in xats/identity/resolve.py, for commands and hooks alike.
"""

from __future__ import annotations

import os

from xats.base import folders, host, occupancy
from xats.base.errors import InvalidName, Refused, StoreError, Usage, XatsError
from xats.core import address
from xats.core.agents import agents
from xats.core.teams import teams
from xats.core.waking.limits import HOPS
from xats.identity import project
from xats.identity.circumstances import Command
from xats.identity.resolve import FirstUse, Me, resolve, team_in
from xats.store.open import open_store
from xats.store.sqlite.paths import default_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from xats.core.agents.agents import Agent, Session
    from xats.identity.project import Project
    from xats.store import Store, Tx

    T = TypeVar("T")

__all__ = ["FirstUse", "Here", "Me", "hop_limit", "known_team", "login", "project_folder", "team_meant", "team_of"]

RENEWING = 0.3  # seconds that a command that only reads waits for a busy store, to renew what its agent has claimed


class Here:
    """The circumstances of one command. What is costly is looked up when it is first asked for."""

    def __init__(
        self,
        as_name: str | None = None,
        team: str | None = None,
        db: str | None = None,
        *,
        json: bool = False,
        quiet: bool = False,
    ) -> None:
        self.environ = os.environ
        self.as_name = as_name
        self.asked_team = team or (None if "@" in (as_name or "") else self.environ.get("XATS_TEAM")) or None
        self.path = folders.expanded(db, self.environ) if db else default_path(self.environ)
        self.json = json
        self.quiet = quiet
        given = {"--as": as_name, "--team": team, "--db": db}
        self._given = {option: value for option, value in given.items() if value}
        self._store: Store | None = None
        self._new: Agent | None = None  # the person who was registered just now
        self._note: str | None = None  # what the person is told once about who they are
        self._former: tuple[str, str] | None = None  # the former name by which I was called, and today's
        self._former_said = False
        self._team: str | None = None  # not known yet
        self._settings: Mapping[str, str] | None = None  # not read yet
        self.circumstances = Command(self.environ, as_name, team, self._typing)

    @property
    def store(self) -> Store:
        """The store, opened when first asked for."""
        if self._store is None:
            from xats.cli.kit.render import warn

            # With --json stderr is for one document; what a failure is about is in that.
            self._store = open_store(self.path, warn=warn, notice=None if self.json else warn)
            if self._store.upgraded:
                from xats.daemon import autostart, owner

                autostart.relieve(self.path, self.environ)
                self._store.write(owner.settle)
        return self._store

    def command(self, *words: object) -> str:
        """Return the command of xats with `words`, to be typed here, with --as, --team and --db as they were given.

        A word None is left out; hints.TEXT stands for a text that is still to be written.
        """
        from xats.base import calling
        from xats.cli.kit import hints

        given = [str(word) for word in words if word is not None]
        said = " ".join(word if word == hints.TEXT else calling.quoted(word) for word in given)
        return hints.command(said, self._given, calling.spelled(calling.path_for(self.environ)))

    def complete(self, hint: str) -> str:
        """Return `hint` with --as, --team and --db, as they were given, in each command that it names."""
        from xats.cli.kit import hints

        return hints.complete(hint, self._given)

    def rouse_daemon(self) -> None:
        """Have the daemon look at what was committed, and warn when it cannot, or when it has another environment."""
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

        What is wrong in a file is said once, but with --json not here.
        """
        if self._settings is None:
            from xats import settings
            from xats.cli.kit.render import warn

            tell = None if self.json else warn
            self._settings = settings.of(self.environ, (self.project_file(),), tell)
        return self._settings

    def project_file(self) -> str | None:
        """Return where the settings file of the project is or would be, None if the working directory was removed."""
        from xats import settings

        found = self.find_project()
        return settings.project_path(found.here) if found else None

    @property
    def host(self) -> str:
        """The id of this host."""
        return host.id()

    def look_anew(self) -> None:
        """Open the store once more if it was replaced: who waits for something would never hear of it."""
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
        """What `team_in` returns, for use outside of a transaction; it makes no store."""
        if self._team is None:
            if self._store is None and not os.path.exists(self.path):
                return self.circumstances.said_team or address.slug(self.project.name)
            self._team = self.store.read(self.team_in)
        return self._team

    def team_in(self, tx: Tx, registering: str | None = None) -> str:
        """Return the team of this command, see `xats.identity.resolve.team_in`. Raises InvalidName or Refused."""
        return team_in(tx, self.circumstances, registering)

    def address(self, tx: Tx, name: str) -> tuple[str, str]:
        """Return the team and name of the agent `name`, which this command registers, as it is called today."""
        asked = self.circumstances.said_team
        return teams.address(tx, asked, name) if asked else (self.team_in(tx, name), name)

    def project_team(self, tx: Tx) -> str | None:
        """Return the team of the project, whoever I am; None where the working directory was removed."""
        return self.circumstances.project_team(tx) if self.find_project() else None

    def claim(self, tx: Tx, team: str) -> None:
        """Record the project, in which an agent of `team` is registered, unless the team is that of another project."""
        self.circumstances.claim(tx, team)

    def write(self, work: Callable[[Tx, Me], T]) -> T:
        """Run `work` as me in one write transaction."""

        def attempt(tx: Tx) -> T:
            me = self.me(tx)
            agents.touch(tx, me.agent)
            self._record(tx, me)
            if self._may_have_moved(tx, me):
                self._follow(tx, me)
            return work(tx, me)

        result = self.store.write(attempt)
        self._introduce()
        return result

    def read(self, work: Callable[[Tx, Me], T], *, register: bool = True) -> T:
        """Run `work` as me on one snapshot, and renew what I have claimed.

        A person who is not known yet is registered first, with `register`; else this raises FirstUse.
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
            if moved:
                try:
                    self.store.write(lambda tx: self._follow(tx, moved[0]))
                except StoreError:  # a store that cannot be written can still be read
                    pass
            if renewing:
                self._renew(renewing[0])
            self._introduce()
            return result
        except FirstUse as first:
            if not register:
                raise
            team = first.team
            self.store.read(lambda tx: self.refuse_unknown(tx, team))
            result = self.store.write(lambda tx: work(tx, self.me(tx)))  # nobody is registered where `work` fails
            self._introduce()
            return result

    def _record(self, tx: Tx, me: Me) -> None:
        """Record the project, if it is not recorded where it is now, and I am in its team."""
        found = self.find_project()
        if found and not teams.is_recorded(tx, host.machine(), found):
            self.claim(tx, me.agent.team)

    def _renew(self, me: Me) -> None:
        """Renew what I have claimed, if the store can be written in a moment: I only look at something."""
        patience, self.store.patience = self.store.patience, RENEWING
        try:
            self.store.write(lambda tx: agents.touch(tx, me.agent))
        except StoreError:
            pass  # the next command or hook renews it
        finally:
            self.store.patience = patience

    def _may_have_moved(self, tx: Tx, me: Me) -> bool:
        """Tell whether something is to be noted of the host of my session: its id, or its new name."""
        marked, name = agents.host_of(tx, me.agent)
        return name != host.name() and (marked == host.id() or not host.is_id(marked)) and marked != ""

    def _follow(self, tx: Tx, me: Me) -> None:
        """Note on which host I act, and what it is called now."""
        from xats.core import hosts

        def here(session: Session) -> bool:
            seen = occupancy.sits_here(session.seat)
            # A session of which nothing is known is where its own commands are, but not where anybody says --as.
            return bool(seen) or (seen is None and me.evidence != "flag" and not host.nested())

        hosts.follow(tx, me.agent, host=host.id(), name=host.name(), here=here)

    def me(self, tx: Tx, *, register: bool = True) -> Me:
        """Return who I am. Raises UnknownAgent, StaleSession, or FirstUse when a person would have to be registered."""
        try:
            me = resolve(tx, self.circumstances)
        except FirstUse as first:
            if not register:
                raise
            self._note = first.note
            return self._person(tx, first)
        self._note = me.note
        said = (self.as_name or self.circumstances.name() or "").partition("@")[0]
        if me.evidence in ("flag", "env") and said.lower() != me.agent.name.lower():
            self._former = said, me.agent.name
        return me

    def refuse_unknown(self, tx: Tx, team: str) -> None:
        """Raise UnknownTeam if nothing has or had `team`, unless this project has it, or is going to get it."""
        from xats.core.teams import views

        if not views.exists(tx, team) and self.project_team(tx) != team:
            raise views.unknown(tx, team)

    def named(self, tx: Tx, name: str, team: str | None = None) -> Agent:
        """Return the registered agent `name` of `team` (None: of this one), or `name@team`.

        Raises UnknownAgent, or UnknownTeam for a team that nothing has or had.
        """
        whom, _, other = name.partition("@")
        if other:
            self.refuse_unknown(tx, other.lower())
        return agents.by_name(tx, other.lower() or team or self.circumstances.said_team or self.team_in(tx), whom)

    @property
    def pane(self) -> tuple[str, int, str] | None:
        """My pane as (socket, server pid, pane id), where the environment can be trusted to know it."""
        found = self.circumstances.pane()
        return None if found and self.circumstances.borrowed() else found

    def _person(self, tx: Tx, first: FirstUse) -> Me:
        seat = agents.Seat(self.host, host_name=host.name())
        self.claim(tx, first.team)
        done = agents.register(
            tx, first.team, name=first.name, changes=agents.Changes(client="human"), seat=seat, living=lambda _: None
        )
        self._new = done.details.agent
        return Me(done.details.agent, "user", first.note)

    def _introduce(self) -> None:
        """Tell a person once that they have a name here, what it is called now, and who else has their pane."""
        if self._new and not self.quiet:
            from xats.cli.kit.render import say

            say(f"you are {self._new.name} in team {self._new.team} from now on; your mail: {self.command('inbox')}")
        if self._former and not (self.quiet or self.json or self._former_said):
            from xats.cli.kit.render import say

            say(f"{self._former[0]} is called {self._former[1]} now")
            self._former_said = True
        if self._note and not (self.quiet or self.json):
            from xats.cli.kit.render import warn

            warn(self._note)
        self._new = self._note = None

    def person(self) -> str | None:
        """Return the name of the person who types this, or None when an agent or a script does."""
        return self.circumstances.person()

    def _typing(self) -> str | None:
        """Return the login name of who is at the terminal, None where there is none."""
        if not (os.isatty(0) or os.isatty(1)):
            return None
        user = login(self.environ)
        try:
            return address.check_name(user)
        except InvalidName:
            return address.slug(user, "user")


def login(environ: Mapping[str, str]) -> str:
    """Return the login name of who runs this: `$USER`, `$LOGNAME`, else by the user id, for cron and containers."""
    name = environ.get("USER") or environ.get("LOGNAME")
    if name:
        return name
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without an account
        return f"user{os.getuid()}"


def team_of(here: Here) -> str:
    """Return the team of the agent that acts, and renew what it has claimed; else what `known_team` returns.

    Only --as NAME@TEAM beside another --team makes a difference between them. Raises UnknownTeam.
    """
    try:
        return here.read(lambda _, me: me.agent.team, register=False)
    except (XatsError, FirstUse):
        return known_team(here)


def team_meant(here: Here) -> str:
    """Return the team asked for, else what `team_of` returns. Raises UnknownTeam as `known_team`."""
    return known_team(here) if here.asked_team else team_of(here)


def known_team(here: Here) -> str:
    """Return the team of this command, to look at what there is in it.

    Raises UnknownTeam for a team that nothing has or had: a mistyped name must not look like an empty team.
    """
    team = here.team
    here.store.read(lambda tx: here.refuse_unknown(tx, team))
    return team


def hop_limit(environ: Mapping[str, str]) -> int:
    """Return how many wakes two agents may cause each other without a person in between: XATS_HOPS. Raises Usage."""
    said = environ.get("XATS_HOPS")
    if not said:
        return HOPS
    if not (said.isascii() and said.isdigit() and len(said) < 7):
        msg = f"XATS_HOPS must be a whole number, not {said[:40]!r}."
        raise Usage(msg, f"export XATS_HOPS={HOPS}")
    return int(said)


def project_folder() -> str:
    """Return the top folder of this worktree, without git of the project; a relative path if that was removed."""
    found = project.find()
    return found.here if found else os.curdir  # what reads or writes there fails and says so; the others do not need it
