"""The lines of the keys in a TOML file, and small changes to its text that keep every other character.

`tomllib` reads TOML, but reports no lines and writes nothing. This module finds the statements of a text by strings,
brackets and comments alone, so the text must be valid TOML. https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import tomllib

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BLANK = " \t\r\n"
DEEPEST = 4  # names of a path that `Lines` indexes; a setting has two
TRIPLES = ('"""', "'''")


class Unfit(Exception):
    """A key cannot be changed in this text. `line` is the line that it is in."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@record
class Statement:
    """An entry `key = value`, on one or more lines, or the header of a table. Positions are indexes into the text."""

    path: tuple[str, ...]  #: with the names of its table
    table: tuple[str, ...]  #: the table that it is in, or begins
    header: bool
    start: int
    end: int  #: the end of its value; a comment may follow
    value: int  #: where the value begins
    line: int


def statements(text: str) -> list[Statement]:
    """Return the statements of `text`, which is valid TOML, in order."""
    found: list[Statement] = []
    table: tuple[str, ...] = ()
    at, line, counted = 0, 1, 0
    while at < len(text):
        if text[at] in BLANK:
            at += 1
        elif text[at] == "#":
            at = _line_end(text, at)
        else:
            line, counted = line + text.count("\n", counted, at), at
            if text[at] == "[":
                end = _value_end(text, at)
                table = _names(tomllib.loads(text[at:end]))
                found.append(Statement(path=table, table=table, header=True, start=at, end=end, value=end, line=line))
            else:
                equals = _equals(text, at)
                value = equals + 1
                while text[value] in " \t":
                    value += 1
                end = _value_end(text, value)
                path = (*table, *_names(tomllib.loads(f"{text[at:equals]}=0")))
                found.append(Statement(path=path, table=table, header=False, start=at, end=end, value=value, line=line))
            at = end
    return found


class Lines:
    """The line of each key of a text; `found` are its statements."""

    def __init__(self, found: list[Statement]) -> None:
        self._exact: dict[tuple[str, ...], int] = {}
        self._keys: dict[tuple[str, ...], int] = {}  # without headers
        self._below: dict[tuple[str, ...], int] = {}  # by the first names of a path
        for one in found:
            self._exact.setdefault(one.path, one.line)
            if not one.header:
                self._keys.setdefault(one.path, one.line)
            for depth in range(1, min(len(one.path), DEEPEST) + 1):
                self._below.setdefault(one.path[:depth], one.line)

    def of(self, path: tuple[str, ...]) -> int | None:
        """Return the line of the key or table `path`; else of the key that contains it, or of the first key in it."""
        inside = (self._keys.get(path[:depth]) for depth in range(min(len(path), DEEPEST), 0, -1))
        return self._exact.get(path) or next(filter(None, inside), None) or self._below.get(path)


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """Return the line of the key `path` in `text`; see `Lines`."""
    return Lines(statements(text)).of(path)


def put(text: str, path: tuple[str, ...], value: Any) -> str:
    """Return `text` with the `value` for the key `path`. Raises Unfit where that takes more than one changed line."""
    found, new = statements(text), literal(value)
    old = next((one for one in found if one.path == path and not one.header), None)
    newline = "\r\n" if "\r\n" in text else "\n"
    table, name = path[:-1], path[-1]
    within = [one for one in found if not one.header and one.table == table and table == one.path[: len(table)]]
    begins = next((one for one in found if one.header and one.path == table), None)
    dotted = [one for one in found if not one.header and not one.table and one.path[: len(table)] == table]
    if old:
        changed = text[: old.value] + new + text[old.end :]
    elif not table and not within:
        header = next((one for one in found if one.header), None)
        at = _above(text, header.start) if header else len(text)
        before = text[:at] + (newline if at and text[at - 1] != "\n" else "")
        changed = f"{before}{name} = {new}{newline}{newline if header else ''}{text[at:]}"
    elif begins or not table:
        last = [*([begins] if begins else []), *within][-1]
        changed = _insert(text, last, f"{name} = {new}", newline)
    elif dotted:
        changed = _insert(text, dotted[-1], f"{'.'.join(path)} = {new}", newline)
    else:
        gap = newline * ((not text.endswith("\n")) + 1) if text.strip() else ""
        changed = f"{text}{gap}[{'.'.join(table)}]{newline}{name} = {new}{newline}"
    _check(text, changed, path, value)
    return changed


def drop(text: str, path: tuple[str, ...]) -> str:
    """Return `text` without the key `path`, which it has. Raises Unfit where the key has no line of its own."""
    old = next((one for one in statements(text) if one.path == path and not one.header), None)
    if old is None:
        raise Unfit(line_of(text, path) or 1)
    start, end = text.rfind("\n", 0, old.start) + 1, text.find("\n", old.end) + 1
    return text[:start] + (text[end:] if end else "")


def literal(value: Any) -> str:
    """Return `value` (a text, a number, a truth value, or a list of them) as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(literal(one) for one in value)}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in escaped) + '"'
    return str(value)


def get(data: Any, path: tuple[str, ...]) -> Any:
    """Return the value of the key `path` in `data`, None if it is not there."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _insert(text: str, after: Statement, line: str, newline: str) -> str:
    """Return `text` with `line` below the statement `after`, indented like it."""
    start = text.rfind("\n", 0, after.start) + 1
    indent = "" if after.header else text[start : after.start]
    end = _line_end(text, after.end)
    return f"{text[:end]}{newline}{indent}{line}{text[end:]}"


def _check(text: str, changed: str, path: tuple[str, ...], value: Any) -> None:
    """Check that `changed` differs from `text` only in the key `path`. Raises Unfit."""
    wanted = tomllib.loads(text)
    try:
        inner = wanted
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
        right = tomllib.loads(changed) == wanted
    except (AttributeError, TypeError, tomllib.TOMLDecodeError):
        right = False
    if not right:
        raise Unfit(line_of(text, path) or line_of(text, path[:1]) or 1)


def _above(text: str, at: int) -> int:
    """Return where the comment directly above the line of `at` begins, else where that line begins."""
    start = text.rfind("\n", 0, at) + 1
    while start and text[text.rfind("\n", 0, start - 1) + 1 : start].lstrip(" \t").startswith("#"):
        start = text.rfind("\n", 0, start - 1) + 1
    return start


def _names(data: Any) -> tuple[str, ...]:
    """Return the path of the only key in `data`."""
    names = []
    while isinstance(data, (dict, list)) and data:
        data = data[0] if isinstance(data, list) else data
        name = next(iter(data), None)
        if name is None:
            break
        names.append(name)
        data = data[name]
    return tuple(names)


def _line_end(text: str, at: int) -> int:
    """Return the end of the line of `at`, before its newline."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if end > at and text[end - 1] == "\r" else end


def _equals(text: str, at: int) -> int:
    """Return the position of the `=` after the key at `at`."""
    while text[at] != "=":
        at = _string_end(text, at) if text[at] in "\"'" else at + 1
    return at


def _value_end(text: str, at: int) -> int:
    """Return the end of the value or header that begins at `at`."""
    depth, last = 0, at
    while at < len(text):
        char = text[at]
        if char in "\"'":
            at = last = _string_end(text, at)
            continue
        if char == "#" or (char == "\n" and depth):
            if not depth:
                break
            at = _line_end(text, at) + 1
            continue
        if char == "\n":
            break
        depth += (char in "[{") - (char in "]}")
        at += 1
        if char not in BLANK:
            last = at
    return last


def _string_end(text: str, at: int) -> int:
    """Return the position after the string that begins at `at`."""
    quote = text[at]
    mark = quote * 3 if text[at : at + 3] in TRIPLES else quote
    at += len(mark)
    while not text.startswith(mark, at):
        at += 2 if quote == '"' and text[at] == "\\" else 1
    at += len(mark)
    while len(mark) == 3 and text[at : at + 1] == quote:  # up to two quotes may precede the last three
        at += 1
    return at
