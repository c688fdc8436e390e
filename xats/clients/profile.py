"""Profiles: how each agent program looks in a pane. Data, with the little code that reads a screen by it.

These programs change monthly, so nothing is concluded from one sign alone: a pane is idle only when its composer was
found, is empty, and nothing says busy or dialog. Everything else is refused with what was seen.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from xats.record import record
from xats.tmux.cells import FAINT, PLAIN, Row, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.tmux.screen import Look

RULES = frozenset("─━═▀▄╌╭╮╰╯╹╵ ")  # what a boundary row is made of
TALLEST = 200  # rows of a draft that are looked at
LOWER, ABOVE = 11, 8  # rows above the last one, and above the cursor, in which signs count
CURSOR = "\u200b"  # takes no room; Ink programs end a row with it that ends in the cursor they draw


@record
class Profile:
    """What is known of one client. Texts are parts of a row; titles are shell patterns (fnmatch)."""

    name: str
    executables: tuple[str, ...] = ()  #: names of its process
    scripts: tuple[str, ...] = ()  #: what an interpreter runs, without its suffix
    glyphs: tuple[str, ...] = ()  #: with which the first row of its composer begins, indentation included
    frame: str = ""  #: the character at the left of every row of its composer
    margin: int = 0  #: columns between the frame and the text
    busy: tuple[str, ...] = ()
    busy_rows: tuple[str, ...] = ()  #: shell patterns of whole rows
    busy_titles: tuple[str, ...] = ()
    dialog: tuple[str, ...] = ()
    dialog_titles: tuple[str, ...] = ()
    draft_rows: tuple[str, ...] = ()  #: shell patterns of whole rows that say that more than text would be sent
    untyped: tuple[str, ...] = ()  #: SGR parameters of the colours it draws its placeholder in, which is always there
    cursor: bool = False  #: whether it shows the terminal's cursor, and that only where one may type
    settle: int = 120  #: ms that it must have shown a paste before it takes Enter for Enter
    takes: int = 0  #: ms that it may take to let go of a line after Enter, where that is longer than usual
    shows: int = 0  #: ms that it may take to show a paste, where that is longer than usual
    bracketed: bool = False  #: whether it is known to take pastes in brackets, so that a new line in one is only text
    pasted: tuple[str, ...] = ()  #: shell patterns of what it shows in place of a long paste
    install: str = ""  #: the line that installs it


@record
class View:
    """What a profile sees in a pane."""

    state: str  #: "idle", "draft", "busy", "dialog" or "unknown"
    text: str | None  #: what stands in the composer; None when none was found
    evidence: str  #: the sign that decided


def view(profile: Profile, look: Look) -> View:
    """Return what `profile` sees in `look`."""
    screen = rows(look.screen, profile.untyped)
    found = composer(profile, screen, look)
    text = found[0] if found else None
    lower = _lower(screen, look.cursor_y)
    sign = _title(look.title, profile.dialog_titles) or _sign(lower, profile.dialog)
    if sign:
        return View("dialog", text, sign)
    sign = _title(look.title, profile.busy_titles) or _sign(lower, profile.busy, profile.busy_rows)
    if sign:
        return View("busy", text, sign)
    if found is None or text is None:
        return View("unknown", None, "no composer at the cursor")
    if profile.cursor and not look.cursor:  # something is in front of it
        return View("unknown", text, "the terminal's cursor is hidden")
    if text:
        return View("draft", text, f"composer holds {text[:60]!r}")
    if look.cursor_x > found[1]:  # something is there, though it is drawn as faint as a placeholder
        return View("draft", "", "the cursor is not at the start of the composer")
    if profile.untyped and not _hinted(profile, screen[look.cursor_y], look):
        return View("draft", "", "no placeholder in the composer")
    sign = _sign(lower, (), profile.draft_rows)
    if sign:
        return View("draft", "", sign)
    return View("idle", "", "composer is empty")


def composer(profile: Profile, screen: Sequence[Row], look: Look) -> tuple[str, int] | None:
    """Return the text of the composer that the cursor is in, rows joined by one space, and the column it begins in.

    None when the cursor is in none.
    """
    y = look.cursor_y
    if not 0 <= y < len(screen):
        return None
    if not profile.frame and not profile.glyphs:  # only what is no word may stand in the row of the cursor
        return "".join(one if one.isalnum() else " " for one in screen[y].bright).strip(), look.cursor_x
    found = _framed(profile, screen, y) if profile.frame else _prompted(profile, screen, y)
    if found is None:
        return None
    held, start = found
    if _hinted(profile, screen[y], look):  # the letter below the cursor is a suggestion's as well
        held[0] = held[0][1:]
    return " ".join(" ".join(held).replace(CURSOR, "").split()), start


def _hinted(profile: Profile, row: Row, look: Look) -> bool:
    """Tell whether the cursor is at the start of the composer, and what is behind it drawn as what nobody has typed.

    The program draws the cursor itself, over the first character of its placeholder and in no colour. Where a theme has
    one of these colours for a person's words, the character below the cursor has that too, or the prompt has it.
    """
    x = look.cursor_x
    if not profile.untyped or _glyph(profile, row) != row.text[:x]:
        return False
    behind = bool(row.text[x + 1 :].strip()) and not row.bright[x + 1 :].strip()
    return behind and row.drawn[x] == PLAIN and FAINT not in row.drawn[:x]


def _framed(profile: Profile, screen: Sequence[Row], cursor_y: int) -> tuple[list[str], int] | None:
    """Return the rows of a composer with a frame at its left."""

    def in_frame(y: int) -> bool:
        return 0 <= y < len(screen) and screen[y].text.lstrip().startswith(profile.frame)

    if not in_frame(cursor_y):
        return None
    top = bottom = cursor_y
    while in_frame(top - 1):
        top -= 1
    while in_frame(bottom + 1):
        bottom += 1
    # Below the last empty row is what belongs to the frame and not to the text.
    empty = [y for y in range(cursor_y + 1, bottom + 1) if screen[y].text.strip() == profile.frame]
    if not empty:
        return None
    start = screen[cursor_y].text.index(profile.frame) + len(profile.frame) + profile.margin
    return [row.bright.lstrip().removeprefix(profile.frame) for row in screen[top : empty[-1]]], start


def _prompted(profile: Profile, screen: Sequence[Row], cursor_y: int) -> tuple[list[str], int] | None:
    """Return the rows of a composer that begins with a prompt and ends at a boundary."""
    top = cursor_y
    while not (glyph := _glyph(profile, screen[top])):
        top -= 1
        if top < 0 or cursor_y - top > TALLEST or _boundary(screen[top]):
            return None
    bottom = _bottom(screen, cursor_y, len(glyph))
    return [screen[top].bright[len(glyph) :], *(row.bright for row in screen[top + 1 : bottom + 1])], len(glyph)


def _bottom(screen: Sequence[Row], cursor_y: int, indent: int) -> int:
    """Return the last row of the composer that the cursor is in; all its rows but the first are indented by `indent`.

    It ends at a rule. It ends at an empty row too, unless more that is so indented follows: then that row is an empty
    line of a draft. The last rows of a screen are no draft, they are what a program says below its composer.
    """
    last = max(y for y, row in enumerate(screen) if row.text or y == cursor_y)
    bottom = cursor_y
    for y in range(cursor_y + 1, min(last + 1, cursor_y + TALLEST)):
        if not screen[y].text:
            continue
        if _boundary(screen[y]):
            break
        follows = y > bottom + 1
        if follows and (screen[y].text[:indent].strip() or not any(map(_boundary, screen[y : last + 1]))):
            break
        bottom = y
    return bottom


def _glyph(profile: Profile, row: Row) -> str | None:
    return next((glyph for glyph in profile.glyphs if (row.text + " ").startswith(glyph)), None)


def _boundary(row: Row) -> bool:
    return RULES.issuperset(row.text)


def _title(title: str, patterns: Sequence[str]) -> str:
    return next((f"title {title.strip()!r}" for one in patterns if fnmatchcase(title.strip(), one)), "")


def _lower(screen: Sequence[Row], cursor_y: int) -> Sequence[Row]:
    """Return the part of `screen` in which signs count: above it is history, where anything may be quoted.

    A program may list a lot below its composer; the rows above the cursor count all the same.
    """
    last = max((y for y, row in enumerate(screen) if row.text), default=0)
    return screen[max(0, min(last - LOWER, cursor_y - ABOVE)) : last + 1]


def _sign(part: Sequence[Row], signs: Sequence[str], patterns: Sequence[str] = ()) -> str:
    """Return the sign that stands in `part` of a screen."""
    for row in part:
        folded = " ".join(row.text.split())
        for one in signs:
            if one in folded:
                return f"{one!r} on the screen"
        if any(fnmatchcase(folded, one) for one in patterns):
            return f"{folded[:60]!r} on the screen"
    return ""
