"""Parse JSON with the position of every value, so that xats can change a part of a file and keep the rest as it is.

It is stricter than most parsers: a duplicate name in an object is an error, because programs read it differently.
"""

from __future__ import annotations

import json
import re

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

DEEPEST = 200  # objects and arrays inside each other
SPACE = " \t\r\n"

_blank = re.compile(r"[ \t\r\n]*")
_blank_or_comment = re.compile(r"(?:[ \t\r\n]|//[^\r\n]*|/\*[\s\S]*?\*/)*")
_string = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_literals: dict[str, Any] = {"true": True, "false": False, "null": None}


class ParseError(ValueError):
    """A text is invalid at a position."""

    def __init__(self, message: str, text: str, at: int) -> None:
        super().__init__(message)
        before = text.rfind("\n", 0, at) + 1
        self.line, self.column = text.count("\n", 0, at) + 1, at - before + 1


@record
class Node:
    """A value and its position: `text[start:end]`."""

    kind: str  #: "object", "array", "string", "number" or "literal"
    start: int
    end: int
    value: Any  #: plain; a number is ("number", its text), so that 1, 1.0 and true differ
    items: tuple[Node, ...] = ()  #: of an array, or the values of an object
    names: tuple[str, ...] = ()  #: of an object, in the order of its items
    begins: tuple[int, ...] = ()  #: where each item begins; in an object that is its name
    commas: tuple[int, ...] = ()  #: where the comma after each item but the last is

    def get(self, name: str) -> Node | None:
        """Return the value of `name` in this object."""
        return self.items[self.names.index(name)] if name in self.names else None


def parse(text: str, *, comments: bool = False) -> Node:
    """Return the one value in `text`, which may hold comments if `comments`. Raises ParseError."""
    reader = _Reader(text, comments=comments)
    node = reader.value(reader.space(0), 0)
    at = reader.space(node.end)
    if at < len(text):
        reader.fail("text after the end of the JSON", at)
    return node


class _Reader:
    def __init__(self, text: str, *, comments: bool) -> None:
        self.text = text
        self.comments = comments

    def fail(self, message: str, at: int) -> NoReturn:
        raise ParseError(message, self.text, at)

    def space(self, at: int) -> int:
        """Return the position after blanks and comments."""
        pattern = _blank_or_comment if self.comments else _blank
        found = pattern.match(self.text, at)
        end = found.end() if found else at
        if self.text.startswith(("//", "/*"), end):
            self.fail("a comment without an end" if self.comments else "a comment, which JSON does not allow", end)
        return end

    def value(self, at: int, depth: int) -> Node:
        first = self.text[at : at + 1]
        if depth > DEEPEST:
            self.fail(f"more than {DEEPEST} nested values", at)
        if first == "{":
            return self.object(at, depth)
        if first == "[":
            return self.array(at, depth)
        if first == '"':
            return self.string(at)
        for word, value in _literals.items():
            if self.text.startswith(word, at):
                return Node("literal", at, at + len(word), value)
        found = _number.match(self.text, at)
        if not found:
            self.fail(f"a value is missing before {first!r}" if first else "the JSON ends too early", at)
        return Node("number", at, found.end(), ("number", found[0]))

    def string(self, at: int) -> Node:
        found = _string.match(self.text, at)
        if not found:
            self.fail("a string without an end, or with a character that must be escaped", at)
        return Node("string", at, found.end(), json.loads(found[0]))

    def array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        commas: list[int] = []
        at = self.space(start + 1)
        while self.text[at : at + 1] != "]" or commas:
            items.append(self.value(at, depth + 1))
            at = self.separator(items[-1].end, "]", commas)
            if len(commas) < len(items):
                break
        begins = tuple(one.start for one in items)
        return Node(
            "array", start, at + 1, [one.value for one in items], tuple(items), begins=begins, commas=tuple(commas)
        )

    def object(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        names: dict[str, int] = {}
        commas: list[int] = []
        at = self.space(start + 1)
        while self.text[at : at + 1] != "}" or commas:
            if self.text[at : at + 1] != '"':
                self.fail("a name in quotes is missing", at)
            name = self.string(at)
            if name.value in names:
                self.fail(f"the name {json.dumps(name.value)} a second time", at)
            names[name.value] = at
            at = self.space(name.end)
            if self.text[at : at + 1] != ":":
                self.fail("a colon is missing", at)
            items.append(self.value(self.space(at + 1), depth + 1))
            at = self.separator(items[-1].end, "}", commas)
            if len(commas) < len(items):
                break
        values = {name: one.value for name, one in zip(names, items, strict=True)}
        begins = tuple(names.values())
        return Node("object", start, at + 1, values, tuple(items), tuple(names), begins, tuple(commas))

    def separator(self, at: int, close: str, commas: list[int]) -> int:
        """Return where the next item begins, and note its comma; or where `close` is."""
        at = self.space(at)
        if self.text[at : at + 1] == close:
            return at
        if self.text[at : at + 1] != ",":
            self.fail(f"a comma or {close} is missing" if at < len(self.text) else "the JSON ends too early", at)
        commas.append(at)
        at = self.space(at + 1)
        if self.text[at : at + 1] == close:
            self.fail(f"a comma before {close}", commas[-1])
        return at
