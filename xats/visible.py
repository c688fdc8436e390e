"""Show what a terminal would obey, and what would hide text from a reader's eyes: controls become plain characters."""

from __future__ import annotations

BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
# What shows as nothing: spaces without width, and the tags in which text for a model can hide (Unicode 23.9).
UNSEEN = (0x180E, 0x200B, 0x2060, *range(0xE0000, 0xE0080))


def _visible_table() -> dict[int, str]:
    table = {code: f"^{chr(code ^ 0x40)}" for code in (*range(0x20), 0x7F) if code not in (0x09, 0x0A)}
    table.update({code: f"\\x{code:02x}" for code in range(0x80, 0xA0)})
    hidden = (*BIDI, *UNSEEN, 0x2028, 0x2029, 0xFEFF)
    table.update({code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}" for code in hidden})
    return table


_table: dict[int, str] = {}


def visible(text: str) -> str:
    """Return `text` with every control character but tab and newline shown instead of sent, as in `cat -v`."""
    if text.isascii() and text.isprintable():
        return text
    if not _table:
        _table.update(_visible_table())
    return text.replace("\r\n", "\n").translate(_table)


def one_line(text: str) -> str:
    """Return `text` made visible on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")
