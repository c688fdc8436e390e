r"""Patterns of zones: those of gitignore(5) without `!`, relative to the top of the repository.

`*` and `?` match within one name, `**` between two `/` matches any folders, `[a-z]` and `[!a-z]` match one character,
and a backslash makes the next character plain. A pattern that matches a folder covers all files below it, and one with
a `/` at its end matches folders alone. A pattern such as `*.py`, without another `/`, matches at any depth.

Two rules differ from gitignore, because a zone is an area that people name, and areas must not overlap by chance:

- A pattern without such signs is a path from the top: `docs` is no folder `vendor/docs`. That is `**/docs`.
- A pattern that ends with a star and an ending, as `*.py` and `test_*.py`, matches files alone, no folder `a.py`.

xats refuses what git and other programs read in different ways. compare.py compares two patterns.
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.zones.errors import InvalidPattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Ranges: TypeAlias = tuple[tuple[int, int], ...]  # of code points
    Sign: TypeAlias = "str | Chars | None"  # a character, a set, or STAR
    Name: TypeAlias = str | tuple[Sign, ...]  # a name in a pattern; the only text is ANY

LONGEST = 500  # characters of a pattern
HINT = "xats help zone assign"
STAR = None  # any characters of a name
LAST = 0x10FFFF  # the last code point
SLASH = ord("/")
ANY = "**"  # the name that stands for any folders
AT_ANY_DEPTH = "**/"  # how the prefix of a literal name begins that may be at any depth


@record
class Chars:
    """One character of a set: ranges of code points, in order, without "/"."""

    ranges: Ranges


@record
class Pattern:
    """A pattern that was read."""

    text: str  #: as it is stored and shown
    names: tuple[Name, ...]
    folders: bool  #: whether it matches folders alone, by what is below them

    @property
    def files(self) -> bool:
        """Whether it matches files alone: it ends with a star and an ending."""
        name = self.names[-1]
        if self.folders or isinstance(name, str) or STAR not in name:
            return False
        ending = name[len(name) - name[::-1].index(STAR) :]
        return "." in ending[:-1] and all(isinstance(sign, str) for sign in ending)

    @property
    def literal(self) -> str | None:
        """The path from the top that it is, or AT_ANY_DEPTH and the name; None if it has other signs."""
        names = self.names[1:] if self.names[0] == ANY else self.names
        plain = _plain(names)
        if plain is None or (names is not self.names and len(names) != 1):
            return None
        return plain if names is self.names else f"{AT_ANY_DEPTH}{plain}"

    @property
    def prefix(self) -> str:
        """The key under which a path finds it: its literal, else the literal folder with which it begins, or ""."""
        if (literal := self.literal) is not None:
            return literal
        head: list[str] = []
        for name in self.names[:-1]:
            plain = None if name == ANY else _plain((name,))
            if plain is None:
                break
            head.append(plain)
        return "/".join(head)

    def matches(self, path: str) -> bool:
        """Tell whether it covers the file `path`. It takes little time for any pattern, and needs no `re`."""
        parts = path.split("/")
        read = {0}  # the numbers of parts of the path that the names until now may stand for
        for name in self.names:
            if name == ANY:
                read = set(range(min(read) + (len(self.names) == 1), len(parts) + 1))
            elif not isinstance(name, str):
                read = {at + 1 for at in read if at < len(parts) and _fits(name, parts[at])}
            if not read:
                return False
        if self.files:
            return len(parts) in read
        return not self.folders or min(read) < len(parts)


def _fits(name: tuple[Sign, ...], text: str) -> bool:
    """Tell whether the signs of a name match the whole `text`. After a star, the first match of the rest is enough."""
    at, sign, star, retry = 0, 0, -1, 0
    while at < len(text):
        if sign < len(name) and name[sign] is STAR:
            star, retry = sign, at
            sign += 1
        elif sign < len(name) and _is_one(name[sign], text[at]):
            at, sign = at + 1, sign + 1
        elif star >= 0:
            retry += 1
            at, sign = retry, star + 1
        else:
            return False
    return all(rest is STAR for rest in name[sign:])


def _is_one(sign: Sign, character: str) -> bool:
    if isinstance(sign, Chars):
        code = ord(character)
        return any(low <= code <= high for low, high in sign.ranges)
    return sign == character


def keys(path: str) -> list[str]:
    """Return the prefixes of all patterns that may cover the file `path`."""
    names = path.split("/")
    above = ["/".join(names[:length]) for length in range(len(names) + 1)]
    return [*above, *(f"{AT_ANY_DEPTH}{name}" for name in dict.fromkeys(names))]


# -- reading -----------------------------------------------------------------------------------------------------------


def parse(given: str) -> Pattern:
    """Return the pattern that `given` means. Raises InvalidPattern."""
    text = _without_spaces(given)
    if text.startswith("./"):  # as people write a path from the top
        text = text[1:]
    _check(given, text)
    parts = text.removeprefix("/").removesuffix("/").split("/")
    names: list[Name] = []
    for part in parts:
        if part in ("", ".", ".."):
            why = "has an empty name" if not part else f"has the name {part}"
            raise _invalid(given, f"{why}; it begins at the top of the repository")
        name = ANY if part == ANY else _Reader(given, part).name()
        if not (name == ANY and names and names[-1] == ANY):
            names.append(name)
    folders = text.endswith("/")
    if folders and names[-1] == ANY:
        raise _invalid(given, "ends with **/, which git and other programs read in different ways; write ** or */")
    plain = _plain(names) is not None
    if len(parts) == 1 and not text.startswith("/") and names[0] != ANY and not plain:
        names.insert(0, ANY)
    if (plain or len(parts) > 1) and text[1:2] not in ("!", "#"):
        text = text.removeprefix("/")  # it begins at the top anyway
    if len(names) > 1 and names[-1] == ANY:  # dir/** is what is below dir
        names.pop()
        folders = True
    return Pattern(text, tuple(names), folders)


def _check(given: str, text: str) -> None:
    if not text or text == "/":
        raise _invalid(given, "matches nothing")
    if len(text) > LONGEST:
        raise _invalid(given, f"is longer than {LONGEST} characters")
    if text.startswith("!"):
        raise _invalid(given, "begins with !, which is not supported; write \\! for the character")
    if text.startswith("#"):
        raise _invalid(given, "begins with #, which is a comment in gitignore; write \\# for the character")
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        raise _invalid(given, "contains a control character, or a byte that is not UTF-8; write ? for it")


def _without_spaces(given: str) -> str:
    """Return `given` without the spaces at its end, except one after a backslash."""
    text = given.rstrip(" ")
    slashes = len(text) - len(text.rstrip("\\"))
    return f"{text} " if slashes % 2 and len(text) < len(given) else text


def _invalid(given: str, why: str) -> InvalidPattern:
    msg = f"The pattern {given[:80]!r} {why}."
    return InvalidPattern(msg, HINT, pattern=given)


class _Reader:
    """Reads one name of a pattern."""

    def __init__(self, given: str, part: str) -> None:
        self._given, self._part, self._at = given, part, 0

    def name(self) -> tuple[Sign, ...]:
        found: list[Sign] = []
        while self._at < len(self._part):
            sign = self._next()
            if sign == "*":
                if not found or found[-1] is not STAR:
                    found.append(STAR)
            elif sign == "?":
                found.append(other_than(()))
            elif sign == "[":
                found.append(self._set())
            else:
                found.append(self._escaped() if sign == "\\" else sign)
        return tuple(found)

    def _next(self) -> str:
        if self._at == len(self._part):
            raise _invalid(self._given, "has a [ without a ]; write \\[ for the character")
        self._at += 1
        return self._part[self._at - 1]

    def _escaped(self) -> str:
        if self._at == len(self._part):
            raise _invalid(self._given, "ends a name with a backslash; write \\\\ for the character")
        return self._next()

    def _set(self) -> Chars:
        """Return the characters of a set, behind its `[`."""
        negated = self._part[self._at : self._at + 1] in ("!", "^")
        self._at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while (sign := self._next()) != "]" or first:
            first = False
            if sign == "[" and self._part[self._at : self._at + 1] in (":", ".", "="):
                raise _invalid(self._given, "has a class such as [:alpha:], which is not supported; write a-zA-Z")
            low = high = ord(self._escaped() if sign == "\\" else sign)
            if self._part[self._at : self._at + 1] == "-" and self._part[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                sign = self._next()
                high = ord(self._escaped() if sign == "\\" else sign)
                if high < low:
                    raise _invalid(self._given, "has a range that ends before it begins")
            ranges.append((low, high))
        found = other_than(ranges) if negated else Chars(tuple(_without_slash(_joined(ranges))))
        if not found.ranges:
            raise _invalid(self._given, "has a set that matches no character")
        return found


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return `ranges` in order, without overlaps."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def other_than(ranges: Iterable[tuple[int, int]]) -> Chars:
    """Return all characters but those in `ranges`, and but "/" and NUL."""
    found, start = [], 1
    for low, high in _joined([*ranges, (SLASH, SLASH)]):
        if start < low:
            found.append((start, low - 1))
        start = max(start, high + 1)
    if start <= LAST:
        found.append((start, LAST))
    return Chars(tuple(found))


def _without_slash(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found = []
    for low, high in ranges:
        parts = [(low, SLASH - 1), (SLASH + 1, high)] if low <= SLASH <= high else [(low, high)]
        found += [(first, last) for first, last in parts if first <= last]
    return found


def _plain(names: Iterable[Name]) -> str | None:
    """Return the path that `names` are, None if there are signs in them."""
    found = []
    for name in names:
        characters = [sign for sign in name if isinstance(sign, str)]
        if name == ANY or len(characters) != len(name):
            return None
        found.append("".join(characters))
    return "/".join(found)
