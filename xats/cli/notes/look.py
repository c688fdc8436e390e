"""The verbs that read notes: get, list, log."""

from __future__ import annotations

from xats.base import durations
from xats.base.sizes import sized
from xats.cli.kit import render, views
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import team_of
from xats.cli.notes import text
from xats.core.notes import notes
from xats.core.notes import views as core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.notes.notes import Version


def get(here: Context, key: params.KeyVersionArg) -> int:
    """Print the value of a note, or of one version of it.

    The value is exactly what was put, with a line break at its end. A note that was removed or has expired is not found
    (exit code 3); its versions still are.

    Example: xats note get style

    Example: xats note get style@3
    """
    team = team_of(here)
    version = here.store.read(lambda tx: notes.find(tx, team, key))
    value = version.value or ""
    if here.json:
        render.document({"note": {**text.version_json(version), "value": value}})
        return 0
    body = value.removesuffix("\n")
    if not render.on_terminal():
        render.put(body)
        return 0
    if not here.quiet:
        render.say(render.dim(text.facts(version, here.store.clock())))
    render.put(render.visible(body))
    return 0


def list_(
    here: Context,
    prefix: params.KeyPrefixArg = "",
    *,
    category: params.CategoryOption = None,
    every: params.GoneOption = False,
    limit: params.LimitOption = 50,
) -> int:
    """List the notes of the team, in the order of their keys.

    Each with its newest version, its category, who put it, its size and the beginning of its value.

    Example: xats note list

    Example: xats note list api/ --category decision
    """
    check_limit(limit, "xats note list -n 10")
    team = team_of(here)
    found, has_more = here.store.read(lambda tx: core.listing(tx, team, prefix, limit, category=category, gone=every))
    if here.json:
        rows = [{**text.version_json(one), "beginning": one.value} for one in found]
        render.document({"notes": rows, "has_more": has_more})
        return 0
    now = here.store.clock()
    given = (prefix or None, *(("--category", category) if category is not None else ()), "--all" if every else None)
    if found:
        headers = ("KEY", "VERSION", "CATEGORY", "BY", "AGE", "SIZE", "STATE", "VALUE")
        rows_ = [_row(one, now) for one in found]
        render.table(*_without_empty(headers, rows_), stretch=("VALUE",))
    elif not here.quiet:
        which = f" of the category {render.one_line(category)}" if category is not None else ""
        begins = f" that begin with {render.one_line(prefix)}" if prefix else ""
        render.say(f"no notes{which}{begins} in team {team}")
        if not given[0] and category is None:
            render.say(f"  {here.command('note', 'put', 'KEY', 'VALUE')}")
    if has_more and not here.quiet:
        render.say(f"more: {here.command('note', 'list', *given, '-n', limit * 2)}")
    return 0


def _row(one: Version, now: int) -> tuple[object, ...]:
    by, age = views.near(one.by, one.note.team), durations.rough(now - one.at)
    state, value = text.state(one, now), text.beginning(one)
    return one.note.key, one.number, one.category, by, age, sized(one.size), state, value


def _without_empty(
    headers: tuple[str, ...], rows: list[tuple[object, ...]]
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return the table without the column STATE if that is empty on a terminal; a pipe has always all columns."""
    at = headers.index("STATE")
    if not render.on_terminal() or any(row[at] for row in rows):
        return headers, rows
    return headers[:at] + headers[at + 1 :], [row[:at] + row[at + 1 :] for row in rows]


def log(here: Context, key: params.KeyArg, *, limit: params.LimitOption = 50) -> int:
    """List the versions of a note, the newest first.

    Each with who put it and how xats knew that, when, its size and the beginning of its value. A note that was removed
    has its history too.

    Example: xats note log style
    """
    check_limit(limit, "xats note log style -n 10")
    team = team_of(here)
    found, has_more = here.store.read(lambda tx: core.log(tx, team, key, limit))
    if here.json:
        rows = [{**text.version_json(one), "beginning": one.value} for one in found]
        render.document({"note": rows[0], "versions": rows, "has_more": has_more})
        return 0
    now = here.store.clock()
    headers = ("VERSION", "CATEGORY", "BY", "EVIDENCE", "AGE", "SIZE", "STATE", "VALUE")
    render.table(*_without_empty(headers, [_line(one, now) for one in found]), stretch=("VALUE",))
    if has_more and not here.quiet:
        render.say(f"more: {here.command('note', 'log', key, '-n', limit * 2)}")
    return 0


def _line(one: Version, now: int) -> tuple[object, ...]:
    by, age = views.near(one.by, one.note.team), durations.rough(now - one.at)
    state, value = text.state(one, now), text.beginning(one)
    return one.number, one.category, by, one.evidence, age, sized(one.size), state, value
