"""Text in a number of terminal cells, without rich: a wide character takes two cells, a mark on another one none."""

from __future__ import annotations

CUT = "…"
UNBROKEN = "\u00a0"  # NO-BREAK SPACE


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


def folded(text: str, width: int, indent: str = "") -> list[str]:
    """Return the line `text` in rows of at most `width` cells; all but the first begin with `indent`.

    It is folded only between words, and a word that is longer than a row stays whole: it may be a path or an id that a
    reader copies. Spaces inside a row stay as they are.
    """
    if cells(text) <= width:
        return [text]
    rows: list[str] = []
    row, begun = "", False  # whether the row has a word
    for number, word in enumerate(text.split(" ")):
        if begun and word and cells(row) + 1 + cells(word) > width:
            rows.append(row.rstrip(" "))
            row = f"{indent}{word}"
        else:
            row = f"{row} {word}" if number else word
        begun = begun or bool(word)
    return [*rows, row]


def whole(command: str) -> str:
    """Return `command` as one long word of a text for `prose`, so that a reader can copy it from one row."""
    return command.replace(" ", UNBROKEN)


def prose(text: str, width: int, indent: str = "") -> str:
    """Return the line `text` folded as in `folded`, with its `whole` commands; `width` 0 folds nothing."""
    return "\n".join(folded(text, width, indent) if width else [text]).replace(UNBROKEN, " ")
