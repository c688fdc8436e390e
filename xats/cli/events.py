"""The verb that reads the outbox: events."""

from __future__ import annotations

import time
from functools import partial

from xats.cli import render
from xats.cli.here import team_of
from xats.cli.mail import POLL
from xats.core import events as outbox
from xats.durations import iso
from xats.errors import StoreError, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli import params
    from xats.cli.here import Here
    from xats.core.events import Event


def events(
    here: Here,
    *,
    follow: params.FollowOption = False,
    since: params.SinceEventOption = None,
    kind: params.TypeOption = None,
    limit: params.LimitOption = 50,
    jsonl: params.JsonLinesOption = False,
) -> int:
    """Show what happened, or follow it as it happens.

    Example: xats events -n 20

    Example: xats events --follow --jsonl --since 1042
    """
    if limit < 1:
        msg = f"{limit} events cannot be shown."
        raise Usage(msg, "xats events -n 20")
    team = team_of(here)
    if not follow:
        found, has_more = here.store.read(lambda tx: outbox.after(tx, team, since, kind, limit))
        last_id = found[-1].id if found else since or 0
        if here.json:
            render.document({"events": [event_json(one) for one in found], "last_id": last_id, "has_more": has_more})
        else:
            _print(found, jsonl=jsonl)
            if not found and not here.quiet and not jsonl:
                render.say("nothing happened yet")
        return 0
    return _follow(here, team, since, kind, limit, jsonl=jsonl or here.json)


def _follow(here: Here, team: str, since: int | None, kind: str | None, limit: int, *, jsonl: bool) -> int:
    """Print events as they are committed. Each look is a transaction of its own, so nothing is held open meanwhile."""
    last = since
    while not render.reader_gone():
        generation = here.store.generation()
        found, has_more = here.store.read(partial(outbox.after, team=team, since=last, kind=kind, limit=limit))
        for one in found:
            render.put(_line(one, jsonl=jsonl))
        last = found[-1].id if found else last or 0
        while not has_more and here.store.generation() == generation and not render.reader_gone():
            time.sleep(POLL)
        if here.store.replaced:  # the ids of another store are others
            msg = f"The store {here.path} was replaced by another."
            raise StoreError(msg, "xats events --follow")
    return 0


def _line(event: Event, *, jsonl: bool) -> str:
    if jsonl:
        return render.json_line(event_json(event))
    return "  ".join(filter(None, _told(event))) if render.on_terminal() else "\t".join(_cells(event))


def event_json(event: Event) -> dict[str, Any]:
    """Return the JSON form of an event."""
    import json

    values = {"id": event.id, "at": iso(event.at), "team": event.team, "type": event.type, "actor": event.actor}
    return {**values, "subject": event.subject, "data": json.loads(event.data)}


def _told(event: Event) -> tuple[str, ...]:
    """Return an event in words, for a terminal: the local time, and what is known without quotes and braces."""
    import json

    at = time.strftime("%m-%d %H:%M:%S", time.localtime(event.at // 1000))
    words = []
    for name, value in json.loads(event.data).items():
        if value is not None:
            shown = iso(value) if name.endswith("_at") else ",".join(map(str, value)) if type(value) is list else value
            words.append(f"{name}={shown}")
    return str(event.id), at, event.type, event.actor or "", event.subject, render.one_line(" ".join(words))


def _cells(event: Event) -> tuple[str, ...]:
    words = (event.id, iso(event.at), event.type, event.actor, event.subject, event.data)
    return tuple(render.one_line("" if word is None else str(word)) for word in words)


def _print(found: list[Event], *, jsonl: bool) -> None:
    if jsonl:
        for one in found:
            render.put(render.json_line(event_json(one)))
    elif found:
        rows = [_told(one) if render.on_terminal() else _cells(one) for one in found]
        render.table(("ID", "AT", "WHAT", "WHO", "ABOUT", "DATA"), rows, stretch=("DATA",))
