"""The team that a verb looks at, the agent that asks, and the folder of the project: each may be missing."""

from __future__ import annotations

import os

from xats.base.errors import XatsError
from xats.identity import project
from xats.identity.resolve import FirstUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.identity.resolve import Me
    from xats.store import Tx


def team_of(here: Context) -> str:
    """Return the team of the acting agent, and renew its claims. Without an agent, return what `known_team` returns.

    The two differ only for --as NAME@TEAM beside another --team. Raises UnknownTeam.
    """
    try:
        return here.read(lambda _, me: me.agent.team, register=False)
    except (XatsError, FirstUse):
        return known_team(here)


def team_meant(here: Context) -> str:
    """Return the team of --team or XATS_TEAM, else what `team_of` returns. Raises UnknownTeam as `known_team`."""
    return known_team(here) if here.asked_team else team_of(here)


def known_team(here: Context) -> str:
    """Return the team of this command, for a verb that shows it.

    Raises UnknownTeam if it does not exist: a mistyped name must not look like an empty team.
    """
    team = here.team
    here.store.read(lambda tx: here.refuse_unknown(tx, team))
    return team


def me_or_none(here: Context, tx: Tx) -> Me | None:
    """Return who I am, None if that is not known. This registers no person."""
    try:
        return here.me(tx, register=False)
    except (XatsError, FirstUse):
        return None


def viewer(here: Context, tx: Tx) -> Agent | None:
    """Return the agent as which I look at mail; None: a person at a terminal, who may see all of it.

    This registers no person. Raises UnknownAgent, or Refused as `Context.me` does.
    """
    try:
        me = here.me(tx, register=False)
    except FirstUse:
        return None
    return None if me.agent.client == "human" and here.person() else me.agent


def agent_meant(here: Context, tx: Tx, given: str, team: str) -> Agent:
    """Return the agent `given` (NAME or NAME@TEAM, else of `team`), registered or not; `me` is the acting agent.

    Raises UnknownAgent, UnknownTeam, InvalidName.
    """
    from xats.core.address import check_name
    from xats.core.agents import agents
    from xats.core.teams import teams

    if given.lower() == "me" and (me := me_or_none(here, tx)):
        return me.agent
    name, _, other = given.partition("@")
    name, team = check_name(name), check_name(other, "team").lower() if other else team
    here.refuse_unknown(tx, team)
    return (
        agents.find(tx, team, name) or agents.find(tx, *teams.address(tx, team, name)) or agents.by_name(tx, team, name)
    )


def project_folder() -> str:
    """Return the top folder of this worktree, without git of the project; a relative path if that was removed."""
    found = project.find()
    return found.here if found else os.curdir  # what reads or writes there fails and says so; the others do not need it
