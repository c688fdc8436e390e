"""What `xats` does without a verb: it looks at the store once, and changes nothing."""

from __future__ import annotations

from xats.base import durations
from xats.base.errors import XatsError
from xats.base.record import record
from xats.cli.kit import render
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.agents.attention import Need
    from xats.cli.agents.states import State
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Details
    from xats.core.mail.owed import Awaited, Request
    from xats.core.mail.unread import FromSender
    from xats.core.turns.summaries import Summary
    from xats.core.waking.pauses import Pause
    from xats.identity.resolve import Me
    from xats.store import Tx

MOST = 50  # requests of each kind that --json lists


@record
class Overview:
    """What the store says at one moment about me, my mail and my team."""

    now: int  #: ms UTC
    team: str
    me: Me | None
    person: str | None = None  #: the person at the terminal, who is not registered yet
    problem: XatsError | None = None  #: why xats does not know who I am
    unread: tuple[FromSender, ...] = ()
    shown: int = 0  #: messages that a pager, a pipe or a hook took, and that are perhaps not seen
    owed: tuple[Request, ...] = ()
    owed_count: int = 0
    awaited: tuple[Awaited, ...] = ()
    awaited_count: int = 0
    mine: Details | None = None  #: I myself as one of the agents of the team
    others: tuple[tuple[Details, State], ...] = ()  #: the other agents of the team
    needs: tuple[Need, ...] = ()
    paused: Pause | None = None  #: the pause of the whole team
    turns: tuple[Summary, ...] = ()  #: the turns that an agent has, that are offered to one, or that one waits for


def overview(here: Context) -> int:
    """Print an overview on a terminal or with --json, else a short help.

    Without a store, or in a store without agents, a person gets the short help too: nothing waits for anybody.
    """
    if not (here.json or render.on_terminal()):
        return _help(here)
    found = look(here) if exists(here.path) else None
    if here.json:
        render.document(_json(here, found))
        return 0
    if found is None or not (found.me or found.others or here.asked_team or _has_agents(here)):
        return _help(here)
    from xats.cli.kit import upkeep
    from xats.cli.overview import text

    render.stream(text.screen(here, found))
    upkeep.introduce(here)  # a note about the pane or a former name; nobody is registered here
    return 0


def look(here: Context) -> Overview:
    """Return the overview of one snapshot. It registers nobody and renews nothing.

    Raises UnknownTeam for a --team that does not exist, and what `Context.me` raises for an --as that is wrong.
    """
    from xats.cli.agents import attention, states
    from xats.core.agents import listing
    from xats.core.mail import owed, unread
    from xats.core.waking import pauses

    def work(tx: Tx) -> Overview:
        me, person, problem = _me(here, tx)
        team = me.agent.team if me and not here.asked_team else here.team_in(tx)
        here.refuse_unknown(tx, team)
        rows = [states.look(one, tx.now) for one in listing.agents(tx, team)]
        mine = next((one for one, _ in rows if me and one.agent.id == me.agent.id), None)
        others = tuple(row for row in rows if row[0] is not mine)
        paused = pauses.listing(tx, team)
        owed_rows, owed_count = owed.requests(tx, me.agent, MOST) if me else ([], 0)
        awaited_rows, awaited_count = owed.awaited(tx, me.agent, MOST) if me else ([], 0)
        return Overview(
            tx.now,
            team,
            me,
            person,
            problem,
            unread=tuple(unread.by_sender(tx, me.agent)) if me else (),
            shown=unread.shown(tx, me.agent) if me else 0,
            owed=tuple(owed_rows),
            owed_count=owed_count,
            awaited=tuple(awaited_rows),
            awaited_count=awaited_count,
            mine=mine,
            others=others,
            needs=tuple(attention.needs(others, paused, tx.now)),
            paused=next((one for one in paused if one.agent is None), None),
            turns=_turns(tx, team),
        )

    return here.store.read(work)


def _turns(tx: Tx, team: str) -> tuple[Summary, ...]:
    from xats.core import turns

    return tuple(turns.listed(tx, team))


def _me(here: Context, tx: Tx) -> tuple[Me | None, str | None, XatsError | None]:
    """Return who I am; else the name of the person who is not registered yet, or why xats does not know.

    Raises what `Context.me` raises if --as says who I am.
    """
    from xats.identity.resolve import FirstUse

    try:
        return here.me(tx, register=False), None, None
    except FirstUse as first:
        return None, first.name, None
    except XatsError as problem:
        if here.as_name:
            raise
        return None, None, problem


def _has_agents(here: Context) -> bool:
    """Tell whether any team of the store has an agent."""
    from xats.core.agents import listing

    return bool(here.store.read(lambda tx: listing.agents(tx, None)))


def _help(here: Context) -> int:
    from xats.cli.overview import text

    render.stream(text.short_help(here))
    return 0


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(here: Context, found: Overview | None) -> dict[str, Any]:
    """Return the JSON form of an overview; without one there is no store, and nothing waits."""
    if found is None:
        found = Overview(0, here.team, None)
    oldest = min((one.oldest_at for one in found.unread), default=None)
    return {
        "agent": found.me.agent.address if found.me else None,
        "evidence": found.me.evidence if found.me else None,
        "team": found.team,
        "unread": sum(one.count for one in found.unread),
        "shown": found.shown,
        "oldest_unread_at": durations.iso(oldest),
        "unread_from": [
            {"from": one.sender, "count": one.count, "oldest_at": durations.iso(one.oldest_at)} for one in found.unread
        ],
        "owed": [
            {"id": one.id, "from": one.sender, "about": one.about, "sent_at": durations.iso(one.sent_at)}
            for one in found.owed
        ],
        "owed_count": found.owed_count,
        "awaited": [
            {
                "id": one.id,
                "to": one.recipient,
                "about": one.about,
                "sent_at": durations.iso(one.sent_at),
                "state": one.state,
            }
            for one in found.awaited
        ],
        "awaited_count": found.awaited_count,
        "locks": found.mine.locks if found.mine else 0,
        "others": len(found.others),
        "others_online": sum(state.online for _, state in found.others),
        "needs": [
            {
                "agent": one.details.agent.address,
                "reason": one.kind,
                "detail": one.words,
                "unread": one.details.unread,
            }
            for one in found.needs
        ],
        "paused": found.paused is not None,
        "turns": _turns_json(found.turns),
        "has_more": found.owed_count > len(found.owed) or found.awaited_count > len(found.awaited),
    }


def _turns_json(found: tuple[Summary, ...]) -> list[dict[str, Any]]:
    if not found:
        return []
    from xats.cli.turns import lines

    return [lines.summary_json(one) for one in found]
