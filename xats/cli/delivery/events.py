"""The verb that reads the outbox: events."""

from __future__ import annotations

import time
from functools import partial

from xats.base import durations
from xats.base.durations import iso
from xats.base.errors import StoreError, UnknownTeam, Usage
from xats.cli.kit import render
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import agent_meant, team_meant
from xats.cli.kit.waiting import POLL
from xats.core import events as outbox
from xats.core.teams import teams as core_teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.events import Event, Query

LARGEST_ID = (1 << 63) - 1  # of a row of the store


def events(
    here: Context,
    *,
    follow: params.FollowOption = False,
    since: params.SinceEventOption = None,
    kind: params.TypeOption = None,
    agent: params.EventAgentOption = None,
    all_teams: params.EveryTeamOption = False,
    limit: params.LimitOption = 50,
    jsonl: params.JsonLinesOption = False,
) -> int:
    """Show what happened, or follow it as it happens.

    docs/events.md lists the types.

    Example: xats events -n 20

    Example: xats events --since 1h --type wake_failed --type wake_skipped --all-teams

    Example: xats events --follow --jsonl --since 1042 --agent bob
    """
    check_limit(limit, "xats events -n 20")
    query = _query(here, since, kind or [], agent, all_teams=all_teams, follow=follow)
    if not follow:
        found, has_more, _ = here.store.read(lambda tx: outbox.after(tx, query, limit))
        last_id = found[-1].id if found else query.since or 0
        if here.json:
            render.document({"events": [event_json(one) for one in found], "last_id": last_id, "has_more": has_more})
        else:
            _print(found, jsonl=jsonl, teams=all_teams)
            if not found and not here.quiet and not jsonl:
                chosen = any(one is not None for one in (since, kind, agent))
                render.say("no event matches" if chosen else "no events yet")
            elif has_more and not here.quiet:
                render.say(f"there are more events; continue with --since {last_id}")
        return 0
    return _follow(here, query, limit, jsonl=jsonl or here.json, teams=all_teams)


def _query(
    here: Context, since: str | None, types: list[str], agent: str | None, *, all_teams: bool, follow: bool
) -> Query:
    """Return the query for the events. Raises Usage, InvalidName, UnknownAgent, UnknownTeam."""
    kinds = outbox.check_types(types)
    number, at = _since(here, since)
    team = here.team if all_teams else _team(here, follow=follow)
    whose = None
    if agent is not None:
        found = here.store.read(lambda tx: agent_meant(here, tx, agent, team))
        whose = found.name, found.team
    shown = None if all_teams else whose[1] if whose else team
    return outbox.Query(team=shown, since=number, since_at=at, types=kinds, agent=whose)


def _team(here: Context, *, follow: bool) -> str:
    """Return the team whose events to show. With `follow` the team may not exist yet, which is only a warning.

    Raises UnknownTeam.
    """
    try:
        return team_meant(here)
    except UnknownTeam as problem:
        if not follow:
            raise
        render.warn(f"{problem} Its events appear as soon as there are any.")
        return here.team


def _since(here: Context, given: str | None) -> tuple[int | None, int | None]:
    """Return the id, or the time in ms UTC, that --since names. Raises Usage."""
    if given is None:
        return None, None
    if given.isascii() and given.isdigit() and int(given) <= LARGEST_ID:
        return int(given), None
    try:
        return None, here.store.clock() - durations.parse(given if not given[-1:].isdigit() else "")
    except Usage as problem:
        msg = f"--since must be the id of an event or a duration, not {given[:40]!r}."
        raise Usage(msg, "xats events --since 1042, or: xats events --since 1h") from problem


def _follow(here: Context, query: Query, limit: int, *, jsonl: bool, teams: bool) -> int:
    """Print events as they are committed. Each read is a transaction of its own, so none stays open."""
    while not render.reader_gone():
        generation = here.store.generation()
        if query.team is not None:  # it may have been renamed or merged
            query = query.of_team(here.store.read(partial(core_teams.current, name=query.team)))
        found, has_more, last = here.store.read(partial(outbox.after, query=query, limit=limit))
        for one in found:
            render.put(_line(one, jsonl=jsonl, teams=teams))
        query = query.behind(last)
        while not has_more and here.store.generation() == generation and not render.reader_gone():
            time.sleep(POLL)
        if here.store.replaced:  # another store has other ids
            msg = f"Another store has replaced {here.path}."
            raise StoreError(msg, "xats events --follow")
    return 0


def _line(event: Event, *, jsonl: bool, teams: bool) -> str:
    if jsonl:
        return render.json_line(render.selected(event_json(event)))
    if render.on_terminal():
        return "  ".join(filter(None, _for_terminal(event, teams=teams)))
    return "\t".join(_for_pipe(event, teams=teams))


def event_json(event: Event) -> dict[str, Any]:
    """Return the JSON form of an event."""
    import json

    values = {"id": event.id, "at": iso(event.at), "team": event.team, "type": event.type, "actor": event.actor}
    data = {
        name: iso(value) if name.endswith("_at") and isinstance(value, int) else value
        for name, value in json.loads(event.data).items()
    }
    return {**values, "subject": event.subject, "data": data}


def _for_terminal(event: Event, *, teams: bool) -> tuple[str, ...]:
    """Return the columns of an event for a terminal: the local time, and its data without quotes and braces.

    With `teams` its team follows the time.
    """
    import json

    at = time.strftime("%m-%d %H:%M:%S", time.localtime(event.at // 1000))
    words = []
    for name, value in json.loads(event.data).items():
        if value is not None:
            shown = iso(value) if name.endswith("_at") else ",".join(map(str, value)) if type(value) is list else value
            words.append(f"{name}={shown}")
    team = (event.team,) if teams else ()
    return str(event.id), at, *team, event.type, event.actor or "", event.subject, render.one_line(" ".join(words))


def _for_pipe(event: Event, *, teams: bool) -> tuple[str, ...]:
    team = (event.team,) if teams else ()
    words = (event.id, iso(event.at), *team, event.type, event.actor, event.subject, event.data)
    return tuple(render.one_line("" if word is None else str(word)) for word in words)


def _print(found: list[Event], *, jsonl: bool, teams: bool) -> None:
    if jsonl:
        render.stream(render.json_line(render.selected(event_json(one))) for one in found)
    elif found:
        rows = [(_for_terminal if render.on_terminal() else _for_pipe)(one, teams=teams) for one in found]
        team = ("TEAM",) if teams else ()
        render.table(("ID", "AT", *team, "TYPE", "ACTOR", "SUBJECT", "DATA"), rows, stretch=("DATA",))
