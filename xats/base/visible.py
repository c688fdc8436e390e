"""Make control characters and invisible characters visible: a terminal must not obey them, nor a reader miss them."""

from __future__ import annotations

BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
# Invisible characters: spaces and letters without width, operators, annotations and parts of hieroglyphs. Text for a
# model can hide in them (Unicode 23.9), and in plane 14, which otherwise contains only selectors.
UNSEEN = (
    *(0x115F, 0x1160, 0x17B4, 0x17B5, 0x200B, 0x3164, 0xFFA0, *range(0x2060, 0x2066), *range(0x206A, 0x2070)),
    *(*range(0xFFF0, 0xFFFC), *range(0x13430, 0x13440), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)),
)
# Invisible characters with a legitimate use: joiners (emoji, Persian, Indic) and variation selectors (Unicode 23.2, 4).
JOINERS = frozenset("\u034f\u200c\u200d")
MONGOLIAN = frozenset("\u180b\u180c\u180d\u180e\u180f")
STYLES = frozenset("\ufe0e\ufe0f")  # as text, or as an emoji
VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE0E)))
ATTACHED = JOINERS | MONGOLIAN | STYLES | VARIANTS
KEYCAPS = frozenset("0123456789#*")  # the ASCII characters that are also emoji
PLANE_14, PRIVATE = "\U000e0000", "\U000f0000"


def _visible_table() -> dict[int, str]:
    table = {code: f"^{chr(code ^ 0x40)}" for code in (*range(0x20), 0x7F) if code not in (0x09, 0x0A)}
    table.update({code: f"\\x{code:02x}" for code in range(0x80, 0xA0)})
    table.update({code: _escaped(code) for code in (*BIDI, *UNSEEN, 0x2028, 0x2029, 0xFEFF)})
    return table


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _detached(text: str) -> str:
    """Return `text`, in which joiners and selectors without an effect are visible: rows of them can spell a text."""
    shown, before = [], ""
    for character in text:
        kept = not (character in ATTACHED or PLANE_14 <= character < PRIVATE) or _acts(character, before)
        shown.append(character if kept else _escaped(ord(character)))
        before = character if kept else ""
    return "".join(shown)


def _acts(character: str, before: str) -> bool:
    """Tell whether the joiner or selector `character` changes the look of the one `before` it; "" is none."""
    if character in JOINERS:  # no Latin, Greek or Cyrillic text needs one
        return before >= "\u0590" and before not in JOINERS
    if character in MONGOLIAN:
        return "\u1820" <= before <= "\u18aa" or (character == "\u180e" and before in MONGOLIAN)
    if before in ATTACHED or not before:
        return False
    if character in STYLES:
        return before in KEYCAPS or not before.isascii()
    if character in VARIANTS:
        return before >= "\u1000" and before < PLANE_14
    ideograph = "\u3400" <= before <= "\u9fff" or "\uf900" <= before <= "\ufaff" or "\U00020000" <= before < PLANE_14
    return ideograph and "\U000e0100" <= character <= "\U000e01ef"


_table: dict[int, str] = {}


def visible(text: str) -> str:
    """Return `text` with every control character but tab and newline made visible, as in `cat -v`."""
    if text.isascii() and text.isprintable():
        return text
    if not _table:
        _table.update(_visible_table())
    text = text.replace("\r\n", "\n").translate(_table)
    return text if ATTACHED.isdisjoint(text) and max(text) < PLANE_14 else _detached(text)


def one_line(text: str) -> str:
    """Return `text` made visible on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")
