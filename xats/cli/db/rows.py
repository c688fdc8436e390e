"""The verbs that read rows of the store, or put rows into it: export, import, query."""

from __future__ import annotations

import os
import sys

from xats.base import durations
from xats.base.errors import InvalidExport, Usage
from xats.base.jsontext import SCHEMA_VERSION, to_json
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, BinaryIO

    from xats.cli.kit import params
    from xats.cli.kit.context import Here
    from xats.store.sqlite.export import Export


def export(
    here: Here,
    tables: params.TablesArg = None,
    *,
    csv: params.CsvOption = False,
    jsonl: params.JsonLinesOption = False,
    output: params.OutputOption = "-",
    force: params.ReplaceOption = False,
) -> int:
    """Print whole tables from one snapshot, as JSON Lines or CSV.

    JSON Lines is the default: an object a row, with its table in it if there are several. CSV is for one table.
    Without TABLE the first line says how many rows each table has; xats db import reads such a file.

    Example: xats db export -o everything.jsonl

    Example: xats db export messages --csv -o messages.csv
    """
    from xats.store.sqlite.atomic_write import atomic_file
    from xats.store.sqlite.export import export as open_tables

    _one_form(csv=csv, jsonl=jsonl, json=here.json)
    with open_tables(here.path, tables or []) as found:
        header = None if tables else found.header()
        if csv and len(found.names) != 1:
            msg = "CSV is for one table."
            raise Usage(msg, f"xats db export TABLE --csv, of: {', '.join(found.names)}")
        if output == "-":
            render.stream(_lines(found, header, csv=csv, document=here.json, terminal=render.on_terminal()))
            return 0
        with (
            atomic_file(output, here.path, force=force) as draft,
            open(os.open(draft, os.O_WRONLY | os.O_NOFOLLOW), "w", encoding="utf-8", newline="") as file,
        ):
            file.writelines(f"{line}\n" for line in _lines(found, header, csv=csv, document=here.json))
    if not here.quiet:
        render.say(f"written: {render.one_line(output)}")
    return 0


def import_(here: Here, source: params.ExportFileArg) -> int:
    """Import an export of all tables into an empty store: all rows, or none.

    FILE is what xats db export printed for a store with the same schema. A store that is not there is made. An error
    names the file and the line; nothing is imported then.

    Example: xats db export -o everything.jsonl

    Example: xats db import everything.jsonl --db new.db
    """
    from xats.store.sqlite import load

    if os.path.exists(here.path):
        load.require_empty(here.store)  # before a long file is read
    with _opened(source) as file, load.checked(file, "standard input" if source == "-" else source) as draft:
        load.fill(here.store, draft)
        counts = draft.counts
    total = sum(counts.values())
    if here.json:
        tables = [{"name": name, "rows": count} for name, count in counts.items()]
        render.document({"path": here.path, "rows": total, "tables": tables})
    else:
        render.put(str(total) if here.quiet else f"{total} rows imported into {render.one_line(here.path)}")
    return 0


def _opened(source: str) -> BinaryIO:
    """Return the file `source`, open to be read; - is standard input. Raises InvalidExport."""
    try:
        return sys.stdin.buffer if source == "-" else open(source, "rb")
    except OSError as problem:
        msg = f"{source} cannot be read: {problem.strerror}. Nothing was imported."
        raise InvalidExport(msg, "xats db import FILE, which xats db export wrote") from problem


def _one_form(**wanted: bool) -> None:
    named = [f"--{name}" for name, value in wanted.items() if value]
    if len(named) > 1:
        msg = f"{' and '.join(named)} are different forms."
        raise Usage(msg, f"say {' or '.join(named)}")


def _lines(
    found: Export, header: dict[str, Any] | None, *, csv: bool, document: bool, terminal: bool = False
) -> Iterator[str]:
    """Yield the lines of an export, row by row; JSON Lines begin with the `header` if there is one."""
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


def query(
    here: Here,
    sql: params.SqlArg,
    *,
    values: params.ValueOption = None,
    csv: params.CsvOption = False,
    table: params.TableOption = False,
    limit: params.LimitOption = 1000,
    timeout: params.TimeoutOption = None,
) -> int:
    """Run a read-only SQL statement on a private copy of the store.

    Nothing can be changed by it. It is given up after 10 seconds, or --timeout. A terminal gets a table, and a pipe
    gets lines with tabs between the values, unless --table, --csv or --json says otherwise.

    Example: xats db query 'select state, count(*) from deliveries group by state'

    Example: xats db query 'select id, body from messages where sender_id = :who' -p who=3 --csv
    """
    from xats.store.sqlite.query import query as run

    if limit < 1:
        msg = f"{limit} rows cannot be shown."
        raise Usage(msg, "xats db query SQL -n 20")
    _one_form(csv=csv, table=table, json=here.json)
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
        draw = render.drawn_table if table else render.table
        draw(names, [tuple(map(_plain, row)) for row in answer.rows], stretch=names)
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
