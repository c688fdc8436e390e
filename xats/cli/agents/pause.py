"""The verbs that hold and release wakes: pause, resume."""

from __future__ import annotations

from xats.base import text
from xats.base.durations import iso
from xats.base.errors import Refused, Usage
from xats.cli.kit import render, views
from xats.cli.kit.scope import team_meant
from xats.core.agents import agents, listing
from xats.core.teams import teams
from xats.core.waking import pauses, stops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.agents.agents import Agent
    from xats.core.waking.pauses import Pause
    from xats.core.waking.stops import Stop
    from xats.store import Tx

LEFT = "Nothing was paused."


def pause(here: Context, whom: params.PausedArg = None, *, reason: params.ReasonOption = None) -> int:
    """Hold the wakes of an agent, or of the whole team; mail is stored meanwhile.

    It takes effect at once. xats tells each sender that the agent is paused. After xats resume, one wake delivers all
    of the stored mail.

    xats wakes no person. While a person is paused, xats shows them no notice of new mail; agents go on.

    Without AGENT xats asks a person which wakes to hold. A script must name the agent, here or by --as.

    Example: xats pause bob --reason 'in the middle of a release'

    Example: xats pause all
    """
    if reason is not None and ("\n" in reason or len(reason) > 200):
        msg = "--reason must be one line of at most 200 characters."
        raise Usage(msg, "xats pause bob --reason 'deploying'")
    if reason is not None:
        text.check(reason, "reason", Usage, LEFT, "xats pause bob --reason 'deploying'")

    said = whom or ("me" if here.as_name else _asked(here))

    def work(tx: Tx, me: Me) -> tuple[bool, Pause, Agent | None, str]:
        team, agent = _whom(tx, me, said)
        created = pauses.pause(tx, me.agent, team, agent=agent, reason=reason)
        known = [one for one in pauses.listing(tx, team) if one.agent == (agent.address if agent else None)]
        return created, known[0], agent, me.agent.team

    created, found, agent, own_team = here.write(work)
    if here.json:
        render.document({"pause": pause_json(found), "created": created})
    elif not here.quiet:
        name = _name(found.agent, found.team, own_team)
        is_person = agent is not None and agent.client == "human"
        means = f"xats does not tell {name} about new mail" if is_person else "mail is stored, and wakes nobody"
        render.put(f"{name} {'paused' if created else 'was paused already'}; {means}")
        if is_person:
            everything = f"xats pause {_address(None, found.team, own_team)}"
            render.say(here.complete(f"  mail is stored, and agents go on; to hold the whole team: {everything}"))
        render.say(here.complete(f"  end it with: xats resume {_address(found.agent, found.team, own_team)}"))
    return 0


def resume(here: Context, whom: params.WhomArg = None) -> int:
    """End a pause; each agent with new mail is woken once.

    Only a person can end a pause that a limit of the team began. The limit then counts from now on.

    When a person runs it, agents that were stopped because they woke each other too often (hop_limit) may go on too.

    Example: xats resume bob
    """

    def by_limit(tx: Tx, me: Me) -> bool:
        team, agent = _whom(tx, me, whom or "me")
        known = [one for one in pauses.listing(tx, team) if one.agent == (agent.address if agent else None)]
        return any(one.limit for one in known)

    if here.read(by_limit):
        from xats.cli.kit import people

        people.person(here, "end a pause that a limit began", "ask a person; mail is stored meanwhile")

    def work(tx: Tx, me: Me) -> tuple[str, Agent | None, bool, int, Pause | None, list[Stop], str]:
        team, agent = _whom(tx, me, whom or "me")
        ended, due = pauses.resume(tx, me.agent, team, agent)
        other = pauses.of_agent(tx, agent) if agent else None
        stopped = stops.of_agent(tx, agent) if agent else []
        return team, agent, ended, due, other, stopped, me.agent.team

    team, agent, ended, due, other, stopped, own_team = here.write(work)
    name = _name(agent.address if agent else None, team, own_team)
    if other and not ended:
        msg = f"{name} itself is not paused; the whole team {team} is, by {other.by}."
        raise Refused(msg, f"xats resume {_address(None, team, own_team)}", agent=agent.address if agent else None)

    here.rouse_daemon()
    if here.json:
        found = {"agent": agent.address if agent else None, "team": team}
        render.document({**found, "resumed": ended, "due": due})
    elif not here.quiet:
        waiting = f"; {due} {'agent' if due == 1 else 'agents'} with mail to be woken now" if due else ""
        render.put(f"{name} {'resumed' if ended else 'was not paused'}{waiting}")
        if other:
            render.say(f"  it is still held: the whole team {team} is paused by {other.by}")
        for one in stopped:
            names = " and ".join(views.near(address, own_team) for address in one.agents)
            render.say(f"  {names} still do not wake each other (hop_limit): only a person lets them go on")
    return 0


def pause_json(found: Pause) -> dict[str, Any]:
    """Return the JSON form of a pause."""
    return {
        "team": found.team,
        "agent": found.agent,
        "reason": found.reason,
        "by": found.by,
        "at": iso(found.at),
        "limit": found.limit,
    }


def _asked(here: Context) -> str:
    """Ask a person which wakes to hold, and return "all" or "me". Raises Usage if xats can ask no person."""
    both = "xats pause all, or: xats pause me"
    if here.json or here.person() is None or not render.can_ask():
        msg = f"AGENT is missing: all is the whole team, me is you. {LEFT}"
        raise Usage(msg, both)
    team = team_meant(here)
    count = len(here.store.read(lambda tx: listing.agents(tx, team, None)))
    render.say(f"  a: the whole team {team} ({count} {'agent' if count == 1 else 'agents'})")
    name = here.read(lambda _, me: me.agent.name)
    render.say(f"  m: only you, {name}: xats does not tell you about new mail, and the agents go on")
    meant = {"a": "all", "m": "me"}.get(render.choose("Whose wakes do you want to hold?", "am", LEFT) or "")
    if meant is None:
        raise Refused(LEFT, both, reason="declined")
    return meant


def _whom(tx: Tx, me: Me, whom: str) -> tuple[str, Agent | None]:
    """Return the team and the agent that `whom` means; without an agent it is the whole team.

    Raises UnknownAgent, UnknownTeam, Usage.
    """
    from xats.core.address import parse

    address = parse(whom)
    team = address.team or me.agent.team
    if address.team:
        from xats.core.teams import views as team_views

        team_views.check(tx, team)
    if address.kind == "all":
        return teams.current(tx, team), None
    if address.kind == "me":
        return me.agent.team, me.agent
    if address.kind != "agent":
        msg = f"{whom} is a group; a pause is for one agent or for all."
        raise Usage(msg, "xats pause bob, or: xats pause all")
    agent = agents.by_name(tx, team, address.name)
    return agent.team, agent


def _name(agent: str | None, team: str, own_team: str) -> str:
    return views.near(agent, own_team) if agent else f"the whole team {team}"


def _address(agent: str | None, team: str, own_team: str) -> str:
    return views.near(agent or f"all@{team}", own_team)
