"""A few texts that a pattern matches, to try on other schemas. What it cannot read it leaves alone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

LONGEST = 200  # characters
try:
    from re import _parser as parser  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - they are Python's own, so they may be elsewhere one day
    parser = None

OF_CLASS = {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
OF_CLASS |= {"CATEGORY_NOT_DIGIT": "a", "CATEGORY_NOT_SPACE": "a", "CATEGORY_NOT_WORD": "-"}


def examples(pattern: str) -> list[str]:
    """Return texts that probably match `pattern`: as short as they can be, and longer or otherwise."""
    if parser is None:  # pragma: no cover - see above
        return []
    found = []
    for variant in range(4):
        try:
            found.append(_text(parser.parse(pattern), variant)[:LONGEST])
        except (ValueError, RecursionError, OverflowError):
            break
    return list(dict.fromkeys(found))


def _text(tree: Iterable[Any], variant: int) -> str:
    return "".join(_one(str(kind), value, variant) for kind, value in tree)


def _one(kind: str, value: Any, variant: int) -> str:
    """Return a text for one node of the parsed pattern; `variant` is how often to repeat and which branch to take."""
    if kind == "LITERAL":
        return chr(value)
    if kind == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if kind == "ANY":
        return "a"
    if kind == "IN":
        return _of_set(value, variant)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        fewest, most, inner = value
        return (_text(inner, variant) * min(int(most), int(fewest) + variant, LONGEST))[:LONGEST]
    if kind == "SUBPATTERN":
        return _text(value[3], variant)
    if kind == "ATOMIC_GROUP":
        return _text(value, variant)
    if kind == "BRANCH":
        return _text(value[1][variant % len(value[1])], variant)
    if kind in ("AT", "ASSERT", "ASSERT_NOT"):
        return ""
    raise ValueError(kind)


def _of_set(members: list[Any], variant: int) -> str:
    if str(members[0][0]) == "NEGATE":
        barred = {chr(each) for kind, each in members[1:] if str(kind) == "LITERAL"}
        return next((c for c in "a0-_ .:/@Zé" if c not in barred), "\x01")
    kind, value = members[variant % len(members)]
    if str(kind) == "RANGE":
        return chr(value[variant > 1])
    return chr(value) if str(kind) == "LITERAL" else OF_CLASS.get(str(value), "a")
