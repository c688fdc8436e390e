"""The verbs that read notes: get, list, log."""

from __future__ import annotations

from xats.base import durations
from xats.base.sizes import sized
from xats.cli.kit import fit, render, views
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import team_of
from xats.cli.notes import text
from xats.core.notes import notes
from xats.core.notes import views as core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

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
        _table(("KEY", "VERSION", "CATEGORY", "BY", "AGE", "SIZE", "STATE", "VALUE"), found, now)
    elif not here.quiet:
        which = f" of the category {render.one_line(category)}" if category is not None else ""
        begins = f" that begin with {render.one_line(prefix)}" if prefix else ""
        render.say(f"no notes{which}{begins} in team {team}")
        if not given[0] and category is None:
            render.say(f"  {here.command('note', 'put', 'KEY', 'VALUE')}")
    if has_more and not here.quiet:
        render.say(f"more: {here.command('note', 'list', *given, '-n', limit * 2)}")
    return 0


# The columns that a narrow terminal leaves out, and below which width. The key or the number of a version always stays.
LEFT_OUT = ((110, "EVIDENCE"), (90, "CATEGORY"), (76, "SIZE"), (64, "AGE"), (50, "BY"), (50, "STATE"))
SHORTEST = 10  # columns of a preview; a list without room for it has none


def _table(headers: Sequence[str], found: Sequence[Version], now: int) -> None:
    """Print versions of notes with the columns `headers`; on a terminal each on one line, with those that have room.

    Two columns are between the columns of a table.
    """
    rows = [_cells(one, now) for one in found]
    width = render.width() if render.on_terminal() else 0
    if width:
        left_out = {name for room, name in LEFT_OUT if width < room}
        if not any(one["STATE"] for one in rows):
            left_out.add("STATE")
        headers = [name for name in headers if name not in left_out]
        taken = {name: max(fit.cells(name), *(fit.cells(one[name]) for one in rows)) for name in headers}
        room = width - sum(taken[name] + 2 for name in headers if name != "VALUE")
        if "STATE" in headers and room < SHORTEST:
            headers.remove("STATE")
            room += taken["STATE"] + 2
        if room < SHORTEST:
            headers.remove("VALUE")
        for one in rows:
            one["VALUE"] = fit.cut(one["VALUE"], max(room, SHORTEST))
    render.table(headers, [[one[name] for name in headers] for one in rows], stretch=("KEY",))


def _cells(one: Version, now: int) -> dict[str, str]:
    """Return the cells of a version, by the headers of their columns."""
    return {
        "KEY": one.note.key,
        "VERSION": str(one.number),
        "CATEGORY": one.category,
        "BY": views.near(one.by, one.note.team),
        "EVIDENCE": one.evidence,
        "AGE": durations.rough(now - one.at),
        "SIZE": sized(one.size),
        "STATE": text.state(one, now),
        "VALUE": text.beginning(one),
    }


def log(here: Context, key: params.KeyArg, *, limit: params.LimitOption = 50) -> int:
    """List the versions of a note, the newest first.

    Each with who put it and how xats knew that, when, its size and the beginning of its value. A note that was removed
    has its history too.

    Example: xats note log style
    """
    check_limit(limit, here.command("note", "log", key, "-n", 10))
    team = team_of(here)
    found, has_more = here.store.read(lambda tx: core.log(tx, team, key, limit))
    if here.json:
        rows = [{**text.version_json(one), "beginning": one.value} for one in found]
        render.document({"note": rows[0], "versions": rows, "has_more": has_more})
        return 0
    now = here.store.clock()
    _table(("VERSION", "CATEGORY", "BY", "EVIDENCE", "AGE", "SIZE", "STATE", "VALUE"), found, now)
    if has_more and not here.quiet:
        render.say(f"more: {here.command('note', 'log', key, '-n', limit * 2)}")
    return 0
