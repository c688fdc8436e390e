"""The verbs that keep the store: info, backup, export, query, prune, check."""

from __future__ import annotations

import os
import time

from xats import durations
from xats.cli import render
from xats.durations import iso
from xats.errors import OK, UNHEALTHY, Refused, Usage
from xats.jsontext import SCHEMA_VERSION, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from xats.cli import params
    from xats.cli.here import Here
    from xats.core.clock import Standing
    from xats.core.prune import Counts
    from xats.store import Tx
    from xats.store.export import Export
    from xats.store.keep import Info

SHOWN = 10  # agents that prune names; --json names all
PAUSE = 0.01  # seconds between two transactions of prune, longer than a writer sleeps that waits for its turn


# -- looking -----------------------------------------------------------------------------------------------------------


def info(here: Here) -> int:
    """Say what the store is and what is in it.

    Example: xats db info

    Example: xats db info --json
    """
    from xats.cli import views
    from xats.store import keep

    found = keep.info(here.path)
    trust, now = _trust(here.path) if "clocks" in found.rows else (None, 0)
    if here.json:
        render.document({**_info_json(found), "clock": trust and views.clock_json(trust)})
        return 0
    rows = [
        ("path", found.path),
        ("size", _sizes(found)),
        ("pages", f"{found.pages} of {found.page_size} bytes, {found.free_pages} free"),
        ("schema", found.schema_version),
        ("application id", f"0x{found.application_id:08x}"),
        ("SQLite", found.sqlite_version),
        ("journal", found.journal_mode),
        ("permissions", f"file {found.file_mode:04o}, folder {found.folder_mode:04o}"),
        ("file system", f"{found.network}, over a network" if found.network else "local"),
        ("messages", _span(found.messages.oldest, found.messages.newest)),
        ("events", _span(found.events.oldest, found.events.newest)),
        *([("clock", trust.says(now))] if trust else []),
        *((f"rows of {name}", count) for name, count in found.rows.items()),
    ]
    render.table(("WHAT", "IS"), rows, stretch=("IS",))
    return 0


def _trust(path: str) -> tuple[Standing, int]:
    """Return how far the clock is trusted, and what time it is (ms UTC)."""
    from xats.core import clock
    from xats.store import keep

    return keep.snapshot(path, lambda tx: (clock.standing(tx), tx.now))


def _sizes(found: Info) -> str:
    """Return the size of a store in words; of each of its files where there are several."""
    name = os.path.basename(found.path)
    parts = ", ".join(f"{name}{suffix} {size}" for suffix, size in found.files.items())
    return f"{found.size} bytes" + (f": {parts}" if len(found.files) > 1 else "")


def _span(oldest: int | None, newest: int | None) -> str:
    return f"{iso(oldest)} to {iso(newest)}" if oldest is not None else "none"


def _info_json(found: Info) -> dict[str, Any]:
    return {
        "path": found.path,
        "size": found.size,
        "files": [{"name": os.path.basename(found.path) + end, "size": size} for end, size in found.files.items()],
        "store_version": found.schema_version,
        "application_id": found.application_id,
        "sqlite_version": found.sqlite_version,
        "journal_mode": found.journal_mode,
        "page_size": found.page_size,
        "pages": found.pages,
        "free_pages": found.free_pages,
        "tables": [{"name": name, "rows": count} for name, count in found.rows.items()],
        "messages": {"oldest_at": iso(found.messages.oldest), "newest_at": iso(found.messages.newest)},
        "events": {"oldest_at": iso(found.events.oldest), "newest_at": iso(found.events.newest)},
        "file_mode": f"{found.file_mode:04o}",
        "folder_mode": f"{found.folder_mode:04o}",
        "network_file_system": found.network,
    }


def check(here: Here) -> int:
    """Say what is wrong with the store, and what mends it; exit 5 if anything is.

    It only looks, and keeps nobody waiting. FAIL is what loses mail, shows it to others or will damage the store.

    Example: xats db check
    """
    from xats.store import keep
    from xats.store.check import FAIL, checks
    from xats.store.check import OK as FINE

    keep.there(here.path)
    found = checks(here.path)
    if here.json:
        values = [{"name": one.name, "state": one.state, "detail": one.detail, "fix": one.fix} for one in found]
        render.document({"checks": values})
    else:
        for one in (one for one in found if not here.quiet or one.state != FINE):
            render.put(f"{one.state.upper():4}  {one.name}: {render.one_line(one.detail)}")
            if one.fix:
                render.put(f"      {render.one_line(one.fix)}")
    return UNHEALTHY if any(one.state == FAIL for one in found) else OK


# -- copying -----------------------------------------------------------------------------------------------------------


def backup(here: Here, file: params.BackupFileArg = None, *, force: params.ReplaceOption = False) -> int:
    """Copy the store to a file, at one moment and while others write.

    The copy is a whole store that only you can read, checked before it gets its name. Without FILE it is put beside
    the store, with the time in its name. To restore one: xats daemon stop, move the store away, with its -journal and
    -wal if they are there, copy the backup beside where the store was, rename the copy to the store's name, and see
    what xats db check says. Nobody may find half a copy there, or write meanwhile.

    Example: xats db backup

    Example: xats db backup ~/backups/xats.db --force
    """
    from xats.store.backup import backup as copy
    from xats.store.backup import default_name
    from xats.store.sqlite import host_clock

    target = os.path.abspath(file) if file else default_name(here.path, host_clock())
    size = copy(here.path, target, force=force)
    if here.json:
        render.document({"path": target, "size": size})
    else:
        render.put(target if here.quiet else f"{render.one_line(target)}\t{size} bytes")
    return 0


def export(
    here: Here,
    tables: params.TablesArg = None,
    *,
    csv: params.CsvOption = False,
    jsonl: params.JsonLinesOption = False,
    output: params.OutputOption = "-",
    force: params.ReplaceOption = False,
) -> int:
    """Print whole tables, as they all are at one moment: JSON Lines, or CSV.

    JSON Lines is the default: an object a row, with its table in it if there are several. CSV is for one table.

    Example: xats db export > everything.jsonl

    Example: xats db export messages --csv -o messages.csv
    """
    from xats.store.export import export as open_tables
    from xats.store.whole import whole

    _one_form(csv=csv, jsonl=jsonl, json=here.json)
    with open_tables(here.path, tables or []) as found:
        if csv and len(found.names) != 1:
            msg = "CSV is for one table."
            raise Usage(msg, f"xats db export TABLE --csv, of: {', '.join(found.names)}")
        if output == "-":
            render.stream(_lines(found, csv=csv, document=here.json, terminal=render.on_terminal()))
            return 0
        with (
            whole(output, here.path, force=force) as draft,
            open(os.open(draft, os.O_WRONLY | os.O_NOFOLLOW), "w", encoding="utf-8", newline="") as file,
        ):
            file.writelines(f"{line}\n" for line in _lines(found, csv=csv, document=here.json))
    if not here.quiet:
        render.say(f"written: {render.one_line(output)}")
    return 0


def _one_form(**wanted: bool) -> None:
    named = [f"--{name}" for name, value in wanted.items() if value]
    if len(named) > 1:
        msg = f"{' and '.join(named)} are different forms."
        raise Usage(msg, f"say {' or '.join(named)}")


def _lines(found: Export, *, csv: bool, document: bool, terminal: bool = False) -> Iterator[str]:
    """Yield the lines of an export, row by row."""
    write = render.json_line if terminal else to_json
    if csv:
        (name,) = found.names
        yield csv_line(found.columns(name), terminal=terminal)
        for row in found.rows(name):
            yield csv_line(list(row.values()), terminal=terminal)
    elif document:
        yield from _document(found, write)
    else:
        for name in found.names:
            before = {"table": name} if len(found.names) > 1 else {}
            for row in found.rows(name):
                yield write({**before, **_plain_row(row)})


def _document(found: Export, write: Callable[[object], str]) -> Iterator[str]:
    """Yield one JSON document, a row a line."""
    yield f'{{"schema_version": {SCHEMA_VERSION}, "tables": ['
    for number, name in enumerate(found.names):
        yield f'{", " if number else ""}{{"name": {write(name)}, "rows": ['
        comma = ""
        for row in found.rows(name):
            yield comma + write(_plain_row(row))
            comma = ", "
        yield "]}"
    yield "]}"


def csv_line(values: Sequence[object], *, terminal: bool) -> str:
    """Return `values` as a line of CSV; for a terminal with control characters shown."""
    import csv
    from io import StringIO

    buffer = StringIO(newline="")
    cells = ["" if value is None else str(_plain(value)) for value in values]
    csv.writer(buffer).writerow([render.visible(cell) for cell in cells] if terminal else cells)
    return buffer.getvalue().removesuffix("\r\n")


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Return a value of SQLite's as JSON knows it: bytes as SQL writes them, and what is no number by its name."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return str(value)
    return value


# -- asking ------------------------------------------------------------------------------------------------------------


def query(
    here: Here,
    sql: params.SqlArg,
    *,
    values: params.ValueOption = None,
    csv: params.CsvOption = False,
    limit: params.LimitOption = 1000,
    timeout: params.TimeoutOption = None,
) -> int:
    """Run a statement of SQL that reads, over a private copy of the store.

    Nothing can be changed by it. It is given up after 10 seconds, or --timeout.

    Example: xats db query 'select state, count(*) from deliveries group by state'

    Example: xats db query 'select id, body from messages where sender_id = :who' -p who=3 --csv
    """
    from xats.store.query import query as run

    if limit < 1:
        msg = f"{limit} rows cannot be shown."
        raise Usage(msg, "xats db query SQL -n 20")
    _one_form(csv=csv, json=here.json)
    seconds = durations.parse(timeout or "10s") / 1000
    answer = run(here.path, sql, dict(_value(text) for text in values or []), limit, seconds)
    names = unique(answer.columns)
    if here.json:
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in answer.rows]
        render.document({"columns": names, "rows": rows, "has_more": answer.has_more})
        return 0
    if csv:
        terminal = render.on_terminal()
        render.stream(csv_line(row, terminal=terminal) for row in (answer.columns, *answer.rows))
    elif answer.rows:
        render.table(names, [tuple(map(_plain, row)) for row in answer.rows], stretch=names)
    elif not here.quiet:
        render.say("no rows")
    if answer.has_more:
        render.say(f"there are more than {limit} rows; -n N shows more")
    return 0


def unique(names: Sequence[str]) -> list[str]:
    """Return `names` with a number behind each that was there before: the same column may be asked for twice."""
    found: list[str] = []
    for name in names:
        new, number = name, 1
        while new in found:
            number += 1
            new = f"{name}_{number}"
        found.append(new)
    return found


def _value(text: str) -> tuple[str, str | int | float]:
    """Return the name and the value of a `-p name=value`. What is written like a number is one."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        msg = f"{text[:40]!r} gives no value."
        raise Usage(msg, "write -p name=value for the :name in the statement")
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if str(number) == value and abs(number) < 1 << 63:
            return name, number
    return name, value


# -- pruning -----------------------------------------------------------------------------------------------------------


def prune(
    here: Here,
    *,
    older: params.OlderOption = None,
    dry_run: params.PruneDryRunOption = False,
    yes: params.YesOption = False,
) -> int:
    """Remove old mail that everybody has read, old tasks that have ended, unused agents, and old events.

    Unread mail stays, and any conversation that it belongs to; so does a task on which another depends, or whose
    parent has not ended. The daemon does the same by itself (XATS_KEEP). While the clock of this host may be wrong
    nothing is removed. A --key may be used again once its message or
    task is gone. The file keeps its size; the room in it is used again.

    An agent is removed when it was not used for XATS_KEEP, or for --older if that is longer. Its copies of mail to
    several agents expire. Its other unread mail is a dead letter for that long first.

    Example: xats db prune --older 90d --dry-run

    Example: xats db prune --yes
    """
    from xats import process
    from xats.core import clock
    from xats.core import prune as core
    from xats.core.prune_agents import Unused
    from xats.store import keep

    age = durations.parse(older) if older is not None else core.age(here.settings)
    if age is None:
        msg = "The setting keep (XATS_KEEP) is off: nothing is ever removed."
        raise Refused(msg, "xats db prune --older 30d")
    keep.settled(here.path).close()  # it is there
    asking = not (dry_run or yes)
    if asking and not render.can_ask():
        msg = "Nobody is here to say yes. Nothing was removed."
        raise Refused(msg, f"xats db prune{f' --older {older}' if older else ''} --yes")
    now = here.store.clock() if dry_run else _trusted_time(here)
    before = now - age
    silent = now - max(age, core.age(here.settings) or core.KEEP)
    unused = None if here.store.read(clock.was_away) else Unused(silent, process.occupied)
    if dry_run or asking:
        rehearsal = keep.Rehearsal(here.path, now)
        counts = sum(core.walk(rehearsal.write, before, time.monotonic, unused), core.Counts())
        rehearsal.close()
        if dry_run:
            return _pruned(here, counts, before, done=False)
        if counts.total and not render.ask(f"Remove {_told(counts)} from before {iso(before)}?"):
            msg = "Nothing was removed."
            raise Refused(msg)
    counts = core.Counts()
    for removed in core.walk(here.store.write, before, time.monotonic, unused):
        counts += removed
        time.sleep(PAUSE)
    return _pruned(here, counts, before, done=True)


def _trusted_time(here: Here) -> int:
    """Return what time it is (ms UTC). Raises Refused while the clock is not trusted enough to remove by age."""
    from xats.core import clock

    def look(tx: Tx) -> tuple[clock.Standing, int | None, int]:
        return clock.observe(tx), clock.prune_in(tx), tx.now

    trust, wait, now = here.store.write(look)
    if wait == 0:
        return now
    why = trust.why(now) or "it was trusted for the first time just now"
    msg = f"Nothing was removed, because the clock of this host may be wrong: {why}."
    hint = "run it on a host whose clock can be compared with its boot time"
    raise Refused(msg, hint if wait is None else f"try again in {durations.rough(wait + 59_999)}: xats db prune")


def _pruned(here: Here, counts: Counts, before: int, *, done: bool) -> int:
    if here.json:
        from xats.core.prune import NAMES

        numbers = dict(zip(NAMES, counts.parts, strict=True))
        names = {"agent_names": counts.agent_names}
        render.document({**numbers, **names, "before": iso(before), "removed": done})
    elif not counts.total:
        if not here.quiet:
            render.say(f"nothing from before {iso(before)} can go")
    else:
        render.put(f"{'removed' if done else 'would remove'} {_told(counts)} from before {iso(before)}")
    return 0


def _told(counts: Counts) -> str:
    from xats.core.prune import NAMES

    singular = ("message", "delivery", "wake", "event", "task", "session", "agent")
    messages, copies, wakes, events, tasks, sessions, agents = (
        f"{number} {one if number == 1 else several}"
        for number, one, several in zip(counts.parts, singular, NAMES, strict=True)
    )
    said = f"{messages} ({copies}), {wakes}, {tasks} and {events}"
    if counts.agent_names:
        shown = ", ".join(counts.agent_names[:SHOWN])
        more = len(counts.agent_names) - SHOWN
        agents += f": {shown}" + (f" and {more} more" if more > 0 else "")
    return f"{said}; {agents}; {sessions}"
