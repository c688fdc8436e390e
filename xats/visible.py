"""Show what a terminal would obey, and what would hide text from a reader's eyes: controls become plain characters."""

from __future__ import annotations

BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
# What shows as nothing: spaces without width, operators and annotations that are not drawn, and the tags in which text
# for a model can hide (Unicode 23.9).
UNSEEN = (
    *(0x180E, 0x200B, *range(0x2060, 0x2065), *range(0x206A, 0x2070), *range(0xFFF9, 0xFFFC)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE0080)),
)
# What shows as nothing and has its place: joiners (emoji, Persian, Indic), selectors of a variant (Unicode 23.2, 23.4).
JOINERS = frozenset("\u034f\u200c\u200d")
SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
ATTACHED = JOINERS | SELECTORS
KEYCAPS = frozenset("0123456789#*")  # the ASCII characters that are also emoji


def _visible_table() -> dict[int, str]:
    table = {code: f"^{chr(code ^ 0x40)}" for code in (*range(0x20), 0x7F) if code not in (0x09, 0x0A)}
    table.update({code: f"\\x{code:02x}" for code in range(0x80, 0xA0)})
    table.update({code: _escaped(code) for code in (*BIDI, *UNSEEN, 0x2028, 0x2029, 0xFEFF)})
    return table


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _detached(text: str) -> str:
    """Return `text` with the joiners and selectors shown that have nothing to act on: rows of them can spell a text."""
    shown, before = [], ""
    for character in text:
        kept = character not in ATTACHED
        if character in SELECTORS:
            kept = before in KEYCAPS if before.isascii() else before not in ATTACHED
        elif character in JOINERS:
            kept = not before.isascii() and before not in JOINERS
        shown.append(character if kept else _escaped(ord(character)))
        before = character if kept else ""
    return "".join(shown)


_table: dict[int, str] = {}


def visible(text: str) -> str:
    """Return `text` with every control character but tab and newline shown instead of sent, as in `cat -v`."""
    if text.isascii() and text.isprintable():
        return text
    if not _table:
        _table.update(_visible_table())
    text = text.replace("\r\n", "\n").translate(_table)
    return text if ATTACHED.isdisjoint(text) else _detached(text)


def one_line(text: str) -> str:
    """Return `text` made visible on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")
