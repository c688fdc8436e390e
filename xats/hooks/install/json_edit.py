"""Make small changes to JSON text in its own layout. All other characters stay as they are.

Appending a value and removing it again gives the same text, except for blanks in an empty object or array.
"""

from __future__ import annotations

import json
import re

from xats.hooks.install.json_parse import SPACE, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.hooks.install.json_parse import Node

_indented = re.compile(r"\n([ \t]+)[^ \t\r\n]")


class Layout:
    """The layout of a text: its newlines, indentation and separators."""

    def __init__(self, text: str, root: Node) -> None:
        self.newline = "\r\n" if "\r\n" in text else "\n"
        found = _indented.search(text, root.start)
        self.unit = found[1] if found else "  "
        self.several_lines = "\n" in text[root.start : root.end] or not root.items
        colon = text[root.begins[0] : root.items[0].start] if root.names else ": "
        self.separators = (", ", ": ") if colon[-1:] in SPACE else (",", ":")

    def write(self, value: Any, indent: str | None) -> str:
        """Return `value` on one line, or on lines that begin with `indent`."""
        if indent is None:
            return json.dumps(value, ensure_ascii=False, separators=self.separators)
        lines = json.dumps(value, ensure_ascii=False, indent=self.unit)
        return lines.replace("\n", self.newline + indent)

    def member(self, name: str | None, value: Any, indent: str | None) -> str:
        """Return `value` as `write` does, after its `name` if it has one."""
        before = "" if name is None else json.dumps(name) + (self.separators[1] if indent is None else ": ")
        return before + self.write(value, indent)


def append(text: str, root: Node, where: Node, value: Any, name: str | None = None) -> str:
    """Return `text` with `value` as the last item of `where`, an array, or an object if there is a `name`."""
    layout = Layout(text, root)
    close = where.end - 1
    if not where.items:
        return _first(text, layout, where, value, name)
    last = where.items[-1].end
    gap = text[(where.commas[-1] if where.commas else where.start) + 1 : where.begins[-1]]
    kept = text[last:close].rstrip(SPACE)  # comments
    if "\n" in gap:
        indent = _indent(text, where.begins[-1])
    elif "//" in kept:
        indent = _indent(text, where.start) + layout.unit
    else:
        gap = layout.separators[0].removeprefix(",")
        return f"{text[:last]},{kept}{gap}{layout.member(name, value, None)}{text[last + len(kept) :]}"
    new = layout.newline + indent + layout.member(name, value, indent)
    return f"{text[:last]},{kept}{new}{text[last + len(kept) :]}"


def _first(text: str, layout: Layout, where: Node, value: Any, name: str | None) -> str:
    """Return `text` with `value` in the empty `where`."""
    close = where.end - 1
    kept = text[where.start + 1 : close].rstrip(SPACE)
    if not layout.several_lines and "//" not in kept:
        return text[: where.start + 1] + kept + layout.member(name, value, None) + text[close:]
    base = _indent(text, where.start)
    indent = base + layout.unit
    new = layout.newline + indent + layout.member(name, value, indent) + layout.newline + base
    return text[: where.start + 1] + kept + new + text[close:]


def remove(text: str, where: Node, index: int) -> str:
    """Return `text` without item `index` of `where`, and without its comma. Comments beside it stay."""
    start, end = where.begins[index], where.items[index].end
    close = where.end - 1
    if len(where.items) == 1:
        rest = text[where.start + 1 : start] + text[end:close]
        return text[: where.start + 1] + (rest if rest.strip(SPACE) else "") + text[close:]
    if index == len(where.items) - 1:
        comma = where.commas[-1]
        gap = text[comma + 1 : start]
        if "//" not in gap or text[end:].lstrip(" \t\r").startswith("\n"):  # else the comment would hide the rest
            gap = gap.rstrip(SPACE)
        return text[:comma] + gap + text[end:]
    comma, after = where.commas[index], where.begins[index + 1]
    if not (text[end:comma] + text[comma + 1 : after]).strip(SPACE):
        return text[:start] + text[after:]
    return text[:start] + text[end:comma] + text[comma + 1 :]


def replace(text: str, root: Node, old: Node, value: Any) -> str:
    """Return `text` with `value` in place of `old`: on one line if `old` was, else on several."""
    several = "\n" in text[old.start : old.end]
    new = Layout(text, root).write(value, _indent(text, old.start) if several else None)
    return text[: old.start] + new + text[old.end :]


def fresh(value: Any) -> str:
    """Return the text of a new file that holds `value`."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def plain(value: Any) -> Any:
    """Return `value` as `parse` gives it."""
    return parse(json.dumps(value)).value


def _indent(text: str, at: int) -> str:
    """Return the indentation of the line of `at`."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
