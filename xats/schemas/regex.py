r"""Patterns as ECMA-262 reads them with the `u` flag, which JSON Schema asks for; read into a tree.

Only the syntax of that mode is accepted: `\-` outside a class is an error in it, and `\d` is 0 to 9. Not supported are
flags in a pattern (`(?i:a)`) and Unicode properties other than categories: Python has no data for them.
"""

from __future__ import annotations

from functools import cache

from xats.base.record import record
from xats.schemas import chars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.schemas.chars import Chars

MARKS = "^$\\.*+?()[]{}|/"  # what a backslash makes plain
CONTROLS = {"f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B}
CLASSES = {"d": chars.DIGITS, "s": chars.SPACE, "w": chars.WORD}
DECIMAL = "0123456789"
HEX = "0123456789abcdefABCDEF"
INSTEAD = {"A": "^", "Z": "$", "z": "$", "a": r"\x07", "e": r"\x1b", "h": r"[ \t]", "R": r"(?:\r\n|\n)"}
GROUPS = {
    "P<": "write a named group as (?<name>...)",
    "P=": "write a reference to a named group as \\k<name>",
    "P>": "ECMA-262 has no (?P>...)",
    "#": "a pattern has no comments",
    ">": "ECMA-262 has no atomic groups",
    "(": "a pattern has no conditions",
}
MOST = 2**32 - 2  # repetitions; Python's limit


class Unreadable(ValueError):
    """A pattern is not one of ECMA-262, or not supported here: `at` is the place in it, `reason` what is wrong."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(f"{reason} (at character {at + 1})")


class Node:
    """A part of a pattern."""


@record
class Set(Node):
    """One character of a set."""

    chars: Chars


@record
class Edge(Node):
    r"""A place between two characters: `^`, `$`, `\b` or `\B`."""

    sign: str


@record
class Group(Node):
    """A group; one that captures has a number from 1, any other 0."""

    number: int
    inner: Node


@record
class Look(Node):
    """A look ahead or behind, for what must be there or must not."""

    ahead: bool
    wanted: bool
    inner: Node
    at: int


@record
class Repeat(Node):
    """A repetition; `most` is None where there is no limit."""

    fewest: int
    most: int | None
    lazy: bool
    inner: Node


@record
class Back(Node):
    """What a group captured, which is given by its number or its name."""

    group: int | str
    at: int


@record
class Sequence(Node):
    """One node after the other."""

    parts: tuple[Node, ...]


@record
class Choice(Node):
    """One of several nodes."""

    options: tuple[Node, ...]


@record
class Tree:
    """A whole pattern: how many groups capture, and the numbers of those with a name."""

    root: Node
    groups: int
    names: dict[str, int]


def read(source: str) -> Tree:
    """Return the tree of a pattern. Raises Unreadable, which says where and why."""
    reader = _Reader(source)
    try:
        return reader.tree()
    except RecursionError:
        raise Unreadable(reader.at, "groups are nested too deeply") from None


@cache
def _plain(char: str) -> Set:
    """Return the node of one plain character, which is one for all places of a long pattern."""
    return Set(((ord(char), ord(char)),))


class _Reader:
    """Reads one pattern from left to right; the names of methods are those of the grammar, in short."""

    def __init__(self, source: str) -> None:
        self._source, self.at = source, 0
        self._groups = 0
        self._names: dict[str, int] = {}
        self._backs: list[Back] = []

    def _sees(self, text: str) -> bool:
        return self._source.startswith(text, self.at)

    def _takes(self, text: str) -> bool:
        """Tell whether `text` is next, and go past it."""
        found = self._sees(text)
        self.at += len(text) * found
        return found

    def _next(self, lacking: str) -> str:
        """Return the next character; `lacking` says what is wrong when there is none."""
        if self.at == len(self._source):
            raise Unreadable(self.at, lacking)
        self.at += 1
        return self._source[self.at - 1]

    def _run(self, of: str, most: int) -> str:
        """Return the next characters as long as they are among `of`, at most `most`."""
        start = self.at
        while self.at < len(self._source) and self._source[self.at] in of and self.at - start < most:
            self.at += 1
        return self._source[start : self.at]

    # -- sequences and groups ------------------------------------------------------------------------------------------

    def tree(self) -> Tree:
        root = self._choice()
        if self.at < len(self._source):
            raise Unreadable(self.at, "this ) closes no group; write \\) for the character")
        for back in self._backs:
            known = back.group in self._names if isinstance(back.group, str) else back.group <= self._groups
            if not known:
                raise Unreadable(back.at, f"there is no group {back.group} to refer to")
        return Tree(root, self._groups, self._names)

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._takes("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        parts = []
        while self.at < len(self._source) and self._source[self.at] not in "|)":
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _term(self) -> Node:
        start = self.at
        char = self._next("")
        if char in "^$":
            return Edge(char)
        if char in "*+?":
            raise Unreadable(start, f"{char} has nothing to repeat")
        if char == "{" and self._run(DECIMAL, 1):
            raise Unreadable(start, "this number of repetitions has nothing to repeat")
        if char in "{}]":
            count = "; a number of repetitions is written {2}, {2,} or {2,3}" if char == "{" else ""
            raise Unreadable(start, f"write \\{char} for the character {char}{count}")
        atom: Node
        if char == "(":
            atom = self._group(start)
        elif char == "[":
            atom = Set(self._class(start))
        elif char == ".":
            atom = Set(chars.complement(chars.LINE_ENDS))
        elif char == "\\":
            atom = self._escape(start)
        else:
            atom = _plain(char)
        return atom if isinstance(atom, (Edge, Look)) else self._repeated(atom)

    def _repeated(self, atom: Node) -> Node:
        """Return `atom` with the quantifier that follows it, if one does."""
        start = self.at
        fewest, most = 0, None
        if self._takes("+"):
            fewest = 1
        elif self._takes("?"):
            most = 1
        elif self._takes("{"):
            low = self._run(DECIMAL, 20)
            high = self._run(DECIMAL, 20) if self._takes(",") else low
            if not low or not self._takes("}"):
                reason = "that is not a number of repetitions; write {2}, {2,} or {2,3}, and \\{ for the character"
                raise Unreadable(start, reason)
            fewest, most = int(low), int(high) if high else None
            if most is not None and most < fewest:
                raise Unreadable(start, f"{fewest} repetitions are more than {most}")
            if max(fewest, most or 0) > MOST:
                raise Unreadable(start, f"more than {MOST} repetitions are not supported")
        elif not self._takes("*"):
            return atom
        return Repeat(fewest, most, self._takes("?"), atom)

    def _group(self, start: int) -> Node:
        look = None
        number = 0
        if not self._takes("?"):
            number = self._new()
        elif not self._takes(":"):
            look = next((each for each in ("=", "!", "<=", "<!") if self._takes(each)), None)
            if look is None:
                number = self._named(start)
        inner = self._choice()
        if not self._takes(")"):
            raise Unreadable(start, "this group is not closed; write \\( for the character")
        return Group(number, inner) if look is None else Look("<" not in look, "=" in look, inner, start)

    def _new(self) -> int:
        self._groups += 1
        return self._groups

    def _named(self, start: int) -> int:
        if not self._takes("<"):
            for sign, reason in GROUPS.items():
                if self._sees(sign):
                    raise Unreadable(start, reason)
            raise Unreadable(start, "flags in a pattern, such as (?i), are not supported; [aA] matches both cases")
        name = self._name(start)
        if name in self._names:
            raise Unreadable(start, f"two groups of the name {name} are not supported")
        self._names[name] = number = self._new()
        return number

    def _name(self, start: int) -> str:
        """Return the name of a group up to the `>` that closes it."""
        name = ""
        while not self._takes(">"):
            char = self._next("the name of a group is not closed by >")
            if char == "\\" and self._takes("u"):
                char = chr(self._unicode(start))
            if char not in "$\u200c\u200d"[: 3 if name else 1] and not ("_" * bool(name) + char).isidentifier():
                raise Unreadable(start, "the name of a group is made of letters, digits, _ and $")
            name += char
        if not name:
            raise Unreadable(start, "the name of a group is empty")
        return name

    # -- characters ----------------------------------------------------------------------------------------------------

    def _escape(self, start: int) -> Node:
        """Return what a backslash outside a class stands for."""
        if self._takes("b"):
            return Edge("\\b")
        if self._takes("B"):
            return Edge("\\B")
        group: int | str
        if self._takes("k"):
            if not self._takes("<"):
                raise Unreadable(start, "write a reference to a named group as \\k<name>")
            group = self._name(start)
        elif self.at < len(self._source) and self._source[self.at] in DECIMAL[1:]:
            group = int(self._run(DECIMAL, 9))
        else:
            return Set(self._chars(start, inside=False)[0])
        self._backs.append(Back(group, start))
        return self._backs[-1]

    def _chars(self, start: int, inside: bool) -> tuple[Chars, bool]:
        """Return the characters that a backslash stands for, and whether it is a set rather than one character."""
        char = self._next("nothing follows the last \\")
        if char.lower() in CLASSES:
            known = CLASSES[char.lower()]
            return (known if char.islower() else chars.complement(known)), True
        if char in "pP":
            known = self._property(start)
            return (known if char == "p" else chars.complement(known)), True
        if char in CONTROLS:
            code = CONTROLS[char]
        elif char == "c":
            letter = self._run("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 1)
            if not letter:
                raise Unreadable(start, "\\c is followed by a letter, such as \\cJ")
            code = ord(letter) % 32
        elif char == "0" and not self._run(DECIMAL, 1):
            code = 0
        elif char == "x":
            code = self._hex(start, 2)
        elif char == "u":
            code = self._unicode(start)
        elif char in MARKS or (inside and char == "-"):
            code = ord(char)
        elif inside and char == "b":
            code = 0x08
        else:
            raise Unreadable(start, self._unknown(char, inside))
        return ((code, code),), False

    @staticmethod
    def _unknown(char: str, inside: bool) -> str:
        if char in DECIMAL:
            return "a number after \\ is a reference to a group; write a character as \\x07"
        if char in INSTEAD and not inside:
            return f"\\{char} is not in ECMA-262; write {INSTEAD[char]}"
        return f"\\{char} is not in ECMA-262" + ("" if char.isalnum() else f"; write {char} alone")

    def _hex(self, start: int, digits: int) -> int:
        found = self._run(HEX, digits)
        if len(found) < digits:
            raise Unreadable(start, f"{digits} hexadecimal digits must follow")
        return int(found, 16)

    def _unicode(self, start: int) -> int:
        r"""Return the code point behind `\u`: `{1F600}`, four digits, or two times four for a surrogate pair."""
        if self._takes("{"):
            found = self._run(HEX, len(self._source))
            if not found or not self._takes("}") or len(found.lstrip("0")) > 6 or int(found, 16) > chars.LAST:
                raise Unreadable(start, "\\u{...} holds a code point from 0 to 10FFFF")
            return int(found, 16)
        code = self._hex(start, 4)
        before = self.at
        if 0xD800 <= code < 0xDC00 and self._takes("\\u"):
            low = self._run(HEX, 4)
            if len(low) == 4 and 0xDC00 <= int(low, 16) < 0xE000:
                return 0x10000 + (code - 0xD800) * 0x400 + int(low, 16) - 0xDC00
            self.at = before
        return code

    def _property(self, start: int) -> Chars:
        if not self._takes("{"):
            raise Unreadable(start, "write a property as \\p{L}")
        name = ""
        while not self._takes("}"):
            name += self._next("\\p{ is not closed by }")
        known = chars.with_property(name)
        if known is None:
            raise Unreadable(start, f"the property {name} is not supported; categories such as \\p{{L}} are")
        return known

    def _class(self, start: int) -> Chars:
        """Return the characters of a class, behind its `[`."""
        negated = self._takes("^")
        found: list[Chars] = []
        while not self._takes("]"):
            low, several = self._member(start)
            if self._sees("-") and not self._sees("-]") and self.at + 1 < len(self._source):
                dash = self.at
                self.at += 1
                high, more = self._member(start)
                if several or more:
                    raise Unreadable(
                        dash, "a set such as \\d cannot be the end of a range; write \\- for the character"
                    )
                if low[0][0] > high[0][0]:
                    raise Unreadable(dash, "the range ends before it begins")
                low = ((low[0][0], high[0][0]),)
            found.append(low)
        known = chars.union(*found)
        return chars.complement(known) if negated else known

    def _member(self, start: int) -> tuple[Chars, bool]:
        if self.at == len(self._source):
            raise Unreadable(start, "this class is not closed; write \\[ for the character")
        char = self._next("")
        if char == "\\":
            return self._chars(self.at - 1, inside=True)
        return ((ord(char), ord(char)),), False
