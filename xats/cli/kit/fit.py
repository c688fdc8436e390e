"""Text in a number of terminal cells, without rich: a wide character takes two cells, a mark on another one none."""

from __future__ import annotations

CUT = "…"


def cells(text: str) -> int:
    """Return the number of cells that the line `text` takes on a terminal (Unicode Standard Annex 11).

    Bold and dim of ours take none.
    """
    if "\x1b[" in text:
        first, *others = text.split("\x1b[")
        text = first + "".join(one.partition("m")[2] for one in others)
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def cut(text: str, width: int) -> str:
    """Return the line `text`, cut to `width` cells with an ellipsis if it is longer."""
    if cells(text) <= width:
        return text
    kept = text[: max(width - 1, 0)]
    while kept and cells(kept) > width - 1:
        kept = kept[:-1]
    return kept.rstrip() + CUT


def folded(text: str, width: int, indent: str = "") -> str:
    """Return `text` folded between words to `width` cells; later lines begin with `indent`. A long word stays whole."""
    lines: list[str] = []
    line = text[: len(text) - len(text.lstrip())]
    for word in text.split():
        if line.strip() and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line = f"{indent}{word}"
        else:
            line = f"{line} {word}" if line.strip() else f"{line}{word}"
    return "\n".join([*lines, line])
