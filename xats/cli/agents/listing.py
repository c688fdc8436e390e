"""The verb that lists agents: agents."""

from __future__ import annotations

from xats.base import durations
from xats.cli.agents import reach, states
from xats.cli.kit import colours, documents, fit, render, views, waking
from xats.cli.kit.scope import known_team
from xats.core import turns
from xats.core.agents import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.cli.agents.states import State
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Details
    from xats.core.turns.summaries import Summary

ROOM, PLENTY = 140, 180  # columns of a terminal: for all of the table, and for reasons in words
ALL = (
    "AGENT",
    "ROLE",
    "CLIENT",
    "STATE",
    "UNREAD",
    "OLDEST",
    "PANE",
    "WAKE BY",
    "PAUSED",
    "WAKE",
    "LOCKS",
    "DOING",
)  # in a pipe
OPTIONAL = ("ROLE", "ABOUT", "OLDEST", "LOCKS")
LAID_OUT = (  # from how many columns of a terminal, which columns of the table
    (PLENTY, ("AGENT", "ROLE", "ABOUT", "CLIENT", "STATE", "UNREAD", "OLDEST", "LOCKS", "BY", "WAKE")),
    (ROOM, ("AGENT", "ROLE", "CLIENT", "STATE", "UNREAD", "OLDEST", "LOCKS", "BY", "WAKE")),
    (76, ("AGENT", "ROLE", "CLIENT", "STATE", "UNREAD", "WAKE")),
    (0, ("AGENT", "STATE", "UNREAD", "WAKE")),
)


def agents(
    here: Context,
    *,
    online: params.OnlineOption = False,
    role: params.RoleOption = None,
    all_teams: params.AllTeamsOption = False,
    long: params.LongOption = False,
) -> int:
    """List the agents of this team.

    Each line says whether the agent is online and why, how much mail it has not read, how xats wakes it, the state of
    its wake, and how many files it has locked. The field transports of --json lists the transports that could wake it
    now, first to last. Below the table, or last in a line of a pipe, is what the agents said with xats doing. On a
    terminal, the turns of the team follow: who has each, and who waits for it.

    With --long, each line says what became of the program that xats has started, how often xats has started it again,
    in which worktree it works, and which tasks, turns and locks it has.

    Example: xats agents --role reviewer

    Example: xats agents --long
    """
    from xats.delivery.settings import turned_off

    team, off = None if all_teams else known_team(here), turned_off(here.settings)
    found, taken = here.store.read(lambda tx: (listing.agents(tx, team, role), turns.listed(tx, team)))
    now = here.store.clock()
    rows = [states.look(one, now) for one in found]
    rows = [row for row in rows if row[1].online or not online]
    if here.json:
        listed = [listed_json(*row, reach.woken_by(here, row[0], off)) for row in rows]
        if long:
            from xats.cli.crews import listing as crews

            listed = [{**one, "crew": crew} for one, crew in zip(listed, crews.documents_of(here, rows), strict=True)]
        render.document({"agents": listed, "has_more": False, "turns": _turns_json(taken)})
        return 0
    if not rows:
        render.say(f"no {'matching ' if role or online else ''}agents in team {team}" if team else "no agents yet")
        if not (role or online or here.quiet):
            render.say(f"  in a pane of its own: {here.command('launch', 'claude', '--name', 'bob')}")
        return 0
    if long:
        from xats.cli.crews import listing as crews

        crews.show(here, rows)
        return 0
    width = render.width()
    headers: tuple[str, ...] = next(columns for room, columns in LAID_OUT if width >= room) if width else ALL
    table = []
    for one, state in rows:
        cells = _cells(one, state, reach.woken_by(here, one, off), now, words=width >= PLENTY)
        cells["AGENT"] = views.near(one.agent.address, here.team)
        if width and width < ROOM:
            _squeeze(cells, state)
        cells["STATE"] = colours.cell(cells["STATE"], state.name, colours.AGENTS)
        cells["UNREAD"] = render.Cell(cells["UNREAD"], "bold" if one.unread else "")
        cells["WAKE"] = colours.wake_cell(cells["WAKE"], one)
        table.append(cells)
    if width:  # leave out optional columns that are empty
        headers = tuple(one for one in headers if one not in OPTIONAL or any(cells[one] for cells in table))
    render.table(
        headers, [[cells[one] for one in headers] for cells in table], stretch=("AGENT", "ABOUT", "STATE", "WAKE")
    )
    if width:
        _show_doing(rows, here.team, now)
        _show_turns(taken, here.team, now, width)
    return 0


def _turns_json(taken: Sequence[Summary]) -> list[dict[str, Any]]:
    """Return the JSON form of the turns in the list."""
    if not taken:
        return []
    from xats.cli.turns import lines

    return [lines.summary_json(one) for one in taken]


def _show_turns(taken: Sequence[Summary], team: str, now: int, width: int) -> None:
    """Print below the table who has the turns, and who waits for them."""
    if taken:
        from xats.cli.turns import lines

        render.put("")
        for one in taken:
            render.put(fit.prose(lines.line(one, now, team), max(width - 1, 20), "    "))


def _show_doing(rows: Sequence[tuple[Details, State]], team: str, now: int) -> None:
    """Print below the table what the agents work on; they are sentences, for which the table has no room."""
    said = [(one.agent.address, states.doing(one.session, state)) for one, state in rows]
    table = [(views.near(name, team), found[0], durations.rough(now - found[1])) for name, found in said if found]
    if table:
        render.put("")
        render.table(("AGENT", "DOING", "FOR"), table, stretch=("AGENT", "DOING"))


def _cells(details: Details, state: State, ways: list[str], now: int, *, words: bool) -> dict[str, str]:
    """Return the cells of an agent, by the headers of their columns."""
    agent, session = details.agent, details.session
    pane = session.seat.pane.pane_id if session and session.seat.pane else ""
    by: str = agent.wake_by
    if by == "auto":
        by = ", ".join(f"{name} {pane}" if name == "tmux" else name for name in ways)
        by = by or ("nothing now" if pane else "no pane")
    elif by in ("tmux", "notice"):
        by = f"{by} {pane}" if pane else f"{by} (no pane)"
    elif by == "none":
        by = "not woken"
    return {
        "ROLE": agent.role or "",
        "ABOUT": agent.about or "",
        "CLIENT": agent.client,
        "STATE": state.words,
        "UNREAD": str(details.unread),
        "OLDEST": durations.ago(details.oldest_unread_at, now) if details.unread else "",
        "PANE": pane,
        "BY": by,
        "WAKE BY": agent.wake_by,
        "PAUSED": "paused" if details.paused else "",
        "WAKE": waking.wake_brief(details, now, words=words),
        "LOCKS": str(details.locks) if details.locks else "",
        "DOING": doing[0] if (doing := states.doing(session, state)) else "",
    }


def _squeeze(cells: dict[str, str], state: State) -> None:
    """Shorten `cells` for a narrow terminal."""
    role = cells["ROLE"]
    cells["ROLE"] = role if len(role) <= 12 else f"{role[:11]}…"
    cells["STATE"] = state.brief
    if cells["OLDEST"]:
        age = cells["OLDEST"].removesuffix(" ago")
        cells["UNREAD"] += " (new)" if age == "just now" else f" ({age})"
    cells["WAKE"] = cells["WAKE"] or cells["BY"]


def listed_json(details: Details, state: State, ways: list[str]) -> dict[str, Any]:
    """Return the JSON form of an agent in a list; `ways` are the transports by which it can be woken."""
    doing = states.doing(details.session, state)
    return {
        **documents.agent_json(details),
        "state": state.name,
        "online": state.online,
        "detail": state.words,
        "doing": doing[0] if doing else None,
        "doing_since": durations.iso(doing[1]) if doing else None,
        "gone_at": durations.iso(state.gone_at),
        "busy_since": durations.iso(state.busy_since),
        "silent_since": durations.iso(state.silent_since),
        "unread": details.unread,
        "oldest_unread_at": durations.iso(details.oldest_unread_at),
        "shown": details.shown,
        "last_seen_at": durations.iso(details.agent.seen_at),
        "wake": documents.last_wake_json(details),
        "wake_by": details.agent.wake_by,
        "transports": ways,
        "paused": details.paused,
        "locks": details.locks,
        "expected": documents.expected_json(details.expected),
        "presence": documents.presence_json(details),
    }
