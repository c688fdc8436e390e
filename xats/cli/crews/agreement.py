"""The agreement of a person to what a crew file starts, and what an agent may start without one."""

from __future__ import annotations

import os

from xats.base import calling
from xats.base.errors import PeopleOnly, Refused
from xats.base.record import record
from xats.cli.crews import contents
from xats.cli.kit import people, render
from xats.crews import permission, trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.crews.entry import CrewFile, Entry
    from xats.store import Tx

LEFT = "Nothing was started."
WHAT = "start an agent in a place of its own"


class NotTrusted(Refused):
    """No person has agreed to what the crew file starts now."""

    code = "not_trusted"


@record
class Allowed:
    """Who starts an agent. `entry` is how the trusted file `crew` starts it, if an agent may start only that."""

    agent: bool
    crew: CrewFile | None = None
    entry: Entry | None = None


# -- who may start what ------------------------------------------------------------------------------------------------


def by_agent(here: Context, name: str | None, client: str | None, *, extra: bool) -> Allowed:
    """Return who starts the agent `name`, and how it must be started, for `xats launch` in a place of its own.

    `client` is the profile of its program; None: that of the file. `extra` tells whether the command has arguments or
    options that the file would have to say. A person may start anything, an agent what crew.by_agents allows.

    Raises PeopleOnly, NotTrusted, and what `people.person` and `file.load` raise.
    """
    problem = _not_a_person(here)
    if problem is None:
        return Allowed(agent=False)
    _in_own_team(here)
    allowed = permission.by_agents(here.environ, here.project_file())
    if allowed == "allow":
        return Allowed(agent=True)
    if allowed == "deny":
        raise _denied(problem)
    found = _crew(here, problem)
    return Allowed(agent=True, crew=found, entry=_listed(here, found, name, client, extra=extra))


def agree(here: Context, found: CrewFile) -> None:
    """Return if a person has agreed to all of `found`, or agrees now; what is started then must come from `found`.

    It asks a person on a terminal, and shows what the file starts. Raises NotTrusted without a terminal, or if the
    person does not agree, and for an agent; PeopleOnly where no agent may start anything.
    """
    problem = _not_a_person(here)
    if problem is not None:
        _in_own_team(here)
        if permission.by_agents(here.environ, here.project_file()) == "deny":
            raise _denied(problem)
    known = trust.trusted(here.environ, found.path)
    if known and known.digest == found.digest:
        return
    why = "has changed since a person agreed to it" if known else "has not been trusted by a person yet"
    shown = calling.quoted(found.path)
    if problem is not None:
        msg = f"{found.path} {why}, and an agent runs this. {LEFT}"
        raise NotTrusted(msg, f"ask a person to run: xats trust {shown}", path=found.path)
    if here.json or not render.can_ask():
        msg = f"{found.path} {why}. {LEFT}"
        raise NotTrusted(msg, f"xats trust {shown}", path=found.path)
    lines = [*contents.lines(found, values=True), *(contents.differences(known, found, values=True) if known else ())]
    for line in contents.folded(lines):
        render.say(line)
    if not render.ask("Do you agree to these programs?", LEFT):
        msg = f"You did not agree to {found.path}. {LEFT}"
        raise NotTrusted(msg, path=found.path)
    trust.allow(here.environ, found)


def _not_a_person(here: Context) -> PeopleOnly | None:
    """Return the error that only a person may start an agent, if an agent runs this; None for a person."""
    try:
        people.person(here, WHAT, in_left_pane=True)
    except PeopleOnly as problem:
        return problem
    return None


def _in_own_team(here: Context) -> None:
    """Raise PeopleOnly if the agent that runs this would start an agent in another team or store than its own.

    Otherwise it could start each agent of the crew file once more there, past the limits of its team.
    """
    from xats.cli.kit.scope import me_or_none
    from xats.core.agents import agents

    launched, team = people.launched_above(here), here.team

    def team_of(tx: Tx) -> str | None:
        if launched:
            known = agents.called(tx, launched[0], team)
            return known.team if known else None
        me = me_or_none(here, tx)
        return me.agent.team if me else team

    if here.store.read(team_of) != team:
        who = f"{launched[0]} is not in team {team}" if launched else f"you are not in team {team}"
        msg = f"An agent may start agents only in its own team, and {who} of this store. {LEFT}"
        raise PeopleOnly(msg, "ask a person to start it")


def _denied(problem: PeopleOnly) -> PeopleOnly:
    return PeopleOnly(f"{problem} The setting crew.by_agents is deny. {LEFT}", "ask a person to start it")


def _listed(here: Context, found: CrewFile, name: str | None, client: str | None, *, extra: bool) -> Entry:
    """Return how the trusted crew file `found` starts the agent `name`. Raises PeopleOnly."""
    entry = next((one for one in found.entries if name and one.name.lower() == name.lower()), None)
    if entry is None:
        which = f"{name} is not in it" if name else "this command names no agent"
        msg = f"An agent may start only what {found.path} names, and {which}. {LEFT}"
        raise PeopleOnly(msg, f"--name with one of: {', '.join(one.name for one in found.entries)}")
    if client is not None and (entry.program is None or _profile(here, entry.program) != client):
        msg = f"{found.path} does not start {client} as {entry.name}. {LEFT}"
        raise PeopleOnly(msg, f"xats up {entry.name}")
    if extra:
        msg = f"An agent may start {entry.name} only as {found.path} says, without other arguments and options. {LEFT}"
        raise PeopleOnly(msg, f"xats up {entry.name}; or ask a person to start it")
    return entry


def _crew(here: Context, problem: PeopleOnly) -> CrewFile:
    """Return the crew file of this project, if it is as a person has trusted it.

    Raises PeopleOnly if there is none, NotTrusted.
    """
    from xats.crews import file

    path = file_for_agents(here)
    if path is None:
        msg = f"{problem} Agents may start what a trusted crew file names, and this project has none. {LEFT}"
        raise PeopleOnly(msg, "ask a person to start it")
    found = file.load(path)
    agree(here, found)
    return found


def file_for_agents(here: Context) -> str | None:
    """Return the path of the crew file of this project from which agents start others, None if there is none.

    In a linked worktree without one that a person trusts, it is that of the main worktree.
    """
    from xats import settings
    from xats.crews import file

    where = here.find_project()
    tops = dict.fromkeys((where.here, where.top)) if where else ()
    paths = [file.real(settings.project_path(one)) for one in tops]
    paths = [one for one in paths if os.path.lexists(one)]
    return next((one for one in paths if trust.trusted(here.environ, one)), paths[0] if paths else None)


def _profile(here: Context, program: str) -> str:
    from xats.clients import registry

    return registry.called(program, here.environ).name
