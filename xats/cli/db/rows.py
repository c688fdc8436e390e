"""The verbs for rows of the store: export, import, query."""

from __future__ import annotations

import os
import sys

from xats.base import durations
from xats.base.errors import InvalidExport, Usage
from xats.base.jsontext import SCHEMA_VERSION, to_json
from xats.cli.kit import reading, render
from xats.cli.kit.paging import check_limit
from xats.cli.kit.progress import Progress, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, BinaryIO

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.store.sqlite.export import Export


def export(
    here: Context,
    tables: params.TablesArg = None,
    *,
    csv: params.CsvOption = False,
    jsonl: params.JsonLinesOption = False,
    output: params.OutputOption = "-",
    force: params.ReplaceOption = False,
) -> int:
    """Print whole tables from one snapshot, as JSON Lines or CSV.

    JSON Lines is the default: one object for each row, with the table's name if there are several tables. CSV is for
    one table. Without TABLE the first line has the number of rows of each table, and xats db import can read the file.

    Example: xats db export -o everything.jsonl

    Example: xats db export messages --csv -o messages.csv
    """
    from xats.store.sqlite.atomic_write import atomic_file
    from xats.store.sqlite.export import export as open_tables
    from xats.store.sqlite.inspect import require_file

    _one_form(csv=csv, jsonl=jsonl, json=here.json)
    require_file(here.path, "pg_dump -n xats -Fc -f FILE {}")
    with open_tables(here.path, tables or []) as found:
        header = None if tables else found.header()
        if csv and len(found.names) != 1:
            msg = "--csv needs exactly one TABLE."
            raise Usage(msg, f"xats db export TABLE --csv, with one of: {', '.join(found.names)}")
        terminal = output == "-" and render.on_terminal()  # there, the rows themselves show the progress
        bar = Progress("exporting", found.count() if visible() and not terminal else None, quiet=here.quiet or terminal)
        if output == "-":
            with bar:
                render.stream(bar.each(_lines(found, header, csv=csv, document=here.json, terminal=terminal)))
            return 0
        with (
            bar,
            atomic_file(output, here.path, force=force) as draft,
            open(os.open(draft, os.O_WRONLY | os.O_NOFOLLOW), "w", encoding="utf-8", newline="") as file,
        ):
            file.writelines(f"{line}\n" for line in bar.each(_lines(found, header, csv=csv, document=here.json)))
    if not here.quiet:
        render.say(f"written: {render.one_line(output)}")
    return 0


def import_(here: Context, source: params.ExportFileArg) -> int:
    """Import an export of all tables into an empty store: all rows, or none.

    FILE is the output of xats db export for a store with the same schema. xats creates the store if it does not exist.
    After an error, which names the file and the line, nothing is imported.

    Example: xats db export -o everything.jsonl

    Example: xats db import everything.jsonl --db new.db
    """
    from xats.store.sqlite import load
    from xats.store.sqlite.inspect import require_file

    require_file(here.path, "pg_restore -d {} FILE")
    if os.path.exists(here.path):
        load.require_empty(here.store)  # before it reads a long file
    name = "standard input" if source == "-" else source
    with _opened(source) as file:
        size = os.fstat(file.fileno()).st_size or None
        with (
            Progress("checking", size, quiet=here.quiet) as checking,
            load.checked(checking.bytes_of(file), name) as draft,
        ):
            checking.end()
            counts = draft.counts
            with Progress("importing", sum(counts.values()), quiet=here.quiet) as importing:
                load.fill(here.store, draft, importing.each)
    total = sum(counts.values())
    if here.json:
        tables = [{"name": name, "rows": count} for name, count in counts.items()]
        render.document({"path": here.path, "rows": total, "tables": tables})
    else:
        render.put(str(total) if here.quiet else f"{total} rows imported into {render.one_line(here.path)}")
    return 0


def _opened(source: str) -> BinaryIO:
    """Open the file `source` for reading; - is standard input. Raises InvalidExport."""
    try:
        return sys.stdin.buffer if source == "-" else reading.opened(source)
    except OSError as problem:
        msg = f"{source} cannot be read: {problem.strerror}. Nothing was imported."
        raise InvalidExport(msg, "xats db import FILE, with a FILE from xats db export") from problem


def _one_form(**wanted: bool) -> None:
    named = [f"--{name}" for name, value in wanted.items() if value]
    if len(named) > 1:
        msg = f"{' and '.join(named)} exclude each other."
        raise Usage(msg, f"give only {' or '.join(named)}")


def _lines(
    found: Export, header: dict[str, Any] | None, *, csv: bool, document: bool, terminal: bool = False
) -> Iterator[str]:
    """Yield the lines of an export, row by row. JSON Lines begin with the `header` if there is one."""
    write = render.json_line if terminal else to_json
    if csv:
        (name,) = found.names
        yield csv_line(found.columns(name), terminal=terminal)
        for row in found.rows(name):
            yield csv_line(list(row.values()), terminal=terminal)
    elif document:
        yield from _document(found, write)
    else:
        if header:
            yield write(header)
        for name in found.names:
            before = {"table": name} if len(found.names) > 1 else {}
            for row in found.rows(name):
                yield write({**before, **_plain_row(row)})


def _document(found: Export, write: Callable[[object], str]) -> Iterator[str]:
    """Yield one JSON document, with a line for each row."""
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
    """Return `values` as a line of CSV. For a terminal it makes control characters visible."""
    import csv
    from io import StringIO

    buffer = StringIO(newline="")
    cells = ["" if value is None else str(_plain(value)) for value in values]
    csv.writer(buffer).writerow([render.visible(cell) for cell in cells] if terminal else cells)
    return buffer.getvalue().removesuffix("\r\n")


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Return a value of SQLite for JSON: bytes as an SQL literal, and NaN or an infinity as text."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return str(value)
    return value


def query(
    here: Context,
    sql: params.SqlArg,
    *,
    values: params.ValueOption = None,
    csv: params.CsvOption = False,
    table: params.TableOption = False,
    limit: params.LimitOption = 1000,
    timeout: params.TimeoutOption = None,
) -> int:
    """Run a read-only SQL statement on a private copy of the store.

    It cannot change anything. xats stops it after 10 seconds, or after --timeout. The output is a table on a terminal,
    and lines with tabs in a pipe; --table, --csv and --json choose another form.

    Example: xats db query 'select state, count(*) from deliveries group by state'

    Example: xats db query 'select id, body from messages where sender_id = :who' -p who=3 --csv
    """
    from xats.store.sqlite.query import Answer
    from xats.store.sqlite.query import query as run

    check_limit(limit, "xats db query SQL -n 20")
    _one_form(csv=csv, table=table, json=here.json)
    seconds = durations.parse(timeout or "10s") / 1000
    given = dict(_value(text) for text in values or [])
    if "://" in here.path:
        from xats.store.postgres.query import query as run_there

        answer = Answer(*run_there(here.path, sql, given, limit, seconds))
    else:
        answer = run(here.path, sql, given, limit, seconds)
    names = unique(answer.columns)
    if here.json:
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in answer.rows]
        render.document({"columns": names, "rows": rows, "has_more": answer.has_more})
        return 0
    if csv:
        terminal = render.on_terminal()
        render.stream(csv_line(row, terminal=terminal) for row in (answer.columns, *answer.rows))
    elif answer.rows:
        draw = render.drawn_table if table else render.table
        draw(names, [tuple(map(_plain, row)) for row in answer.rows], stretch=names)
    elif not here.quiet:
        render.say("no rows")
    if answer.has_more:
        render.say(f"there are more than {limit} rows; to see more: -n N")
    return 0


def unique(names: Sequence[str]) -> list[str]:
    """Return `names` with a number after each repeated one: a statement may return the same column twice."""
    found: list[str] = []
    for name in names:
        new, number = name, 1
        while new in found:
            number += 1
            new = f"{name}_{number}"
        found.append(new)
    return found


def _value(text: str) -> tuple[str, str | int | float]:
    """Return the name and the value of `-p name=value`. A value that looks like a number is a number."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        msg = f"-p must be name=value, not {text[:40]!r}."
        raise Usage(msg, "write -p name=value for :name in the statement")
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if str(number) == value and abs(number) < 1 << 63:
            return name, number
    return name, value
