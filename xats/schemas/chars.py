"""Sets of characters: sorted ranges of code points, which a pattern's class, escape or property stands for.

The predefined sets are those of ECMA-262, section "CharacterClassEscape"; general categories come from the Unicode
database of this Python, so a character that is newer than it has none.
"""

from __future__ import annotations

from functools import cache
from itertools import chain, groupby

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Chars = tuple[tuple[int, int], ...]  # the first and the last code point of each range; apart, in order

LAST = 0x10FFFF
ANY: Chars = ((0, LAST),)
DIGITS: Chars = ((0x30, 0x39),)
WORD: Chars = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Chars = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
LINE_ENDS: Chars = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
CATEGORIES = {
    "Cc": "Control cntrl", "Cf": "Format", "Cn": "Unassigned", "Co": "Private_Use", "Cs": "Surrogate", "C": "Other",
    "LC": "Cased_Letter", "L": "Letter", "Ll": "Lowercase_Letter", "Lm": "Modifier_Letter", "Lo": "Other_Letter",
    "Lt": "Titlecase_Letter", "Lu": "Uppercase_Letter", "M": "Mark Combining_Mark", "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark", "Mn": "Nonspacing_Mark", "N": "Number", "Nd": "Decimal_Number digit",
    "Nl": "Letter_Number", "No": "Other_Number", "P": "Punctuation punct", "Pc": "Connector_Punctuation",
    "Pd": "Dash_Punctuation", "Pe": "Close_Punctuation", "Pf": "Final_Punctuation", "Pi": "Initial_Punctuation",
    "Po": "Other_Punctuation", "Ps": "Open_Punctuation", "S": "Symbol", "Sc": "Currency_Symbol",
    "Sk": "Modifier_Symbol", "Sm": "Math_Symbol", "So": "Other_Symbol", "Z": "Separator", "Zl": "Line_Separator",
    "Zp": "Paragraph_Separator", "Zs": "Space_Separator",
}  # fmt: skip
NAMES = {name: short for short, names in CATEGORIES.items() for name in (short, *names.split())}


def union(*sets: Iterable[tuple[int, int]]) -> Chars:
    """Return the characters that are in one of `sets` at least."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(chain(*sets)):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def complement(chars: Chars) -> Chars:
    """Return all other characters."""
    starts = [0, *(high + 1 for _, high in chars)]
    ends = [*(low - 1 for low, _ in chars), LAST]
    return tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high)


def has(chars: Chars, char: str) -> bool:
    """Tell whether `char` is one of `chars`."""
    return any(low <= ord(char) <= high for low, high in chars)


@cache
def with_property(name: str) -> Chars | None:
    r"""Return the characters with a Unicode property as ECMA-262 writes it in `\p{...}`; None for one not known here.

    Known are the general categories (`L`, `Letter`, `gc=Lu`), `Any`, `ASCII` and `Assigned`. Python has no data on
    scripts.
    """
    if name == "Any":
        return ANY
    if name == "ASCII":
        return ((0, 0x7F),)
    if name == "Assigned":
        return complement(_of_category("Cn"))
    key, _, value = name.rpartition("=")
    if key not in ("", "gc", "General_Category") or value not in NAMES or name.startswith("="):
        return None
    return _of_category(NAMES[value])


def _of_category(short: str) -> Chars:
    wanted = ("Lu", "Ll", "Lt") if short == "LC" else (short,)
    return union((low, high) for low, high, category in _runs() if category.startswith(wanted))


@cache
def _runs() -> list[tuple[int, int, str]]:
    """Return all code points as runs of one category. Planes without characters are not looked at one by one."""
    from unicodedata import category

    runs = [(0x40000, 0xDFFFF, "Cn"), (0xE1000, 0xEFFFF, "Cn"), (0xF0000, 0xFFFFD, "Co"), (0xFFFFE, 0xFFFFF, "Cn")]
    runs += [(0x100000, 0x10FFFD, "Co"), (0x10FFFE, LAST, "Cn")]
    for start, end in ((0, 0x40000), (0xE0000, 0xE1000)):
        at = start
        for one, some in groupby(map(category, map(chr, range(start, end)))):
            length = sum(1 for _ in some)
            runs.append((at, at + length - 1, one))
            at += length
    return runs
