"""The composer of a client on a captured screen: its place, its text, and its label."""

from __future__ import annotations

from xats.base.record import record, replace
from xats.tmux.cells import DIM, FAINT, INVERSE, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.profile import Profile
    from xats.tmux.cells import Row
    from xats.tmux.screen import Look

RULES = frozenset("─━═▀▄╌╭╮╰╯╹╵ ")  # the characters of a boundary row
TALLEST = 200  # the most rows of a draft that xats looks at
CURSOR = "\u200b"  # has no width; Ink programs put it at the end of a row, after the cursor that they draw
GAP = "\n"  # in a text: an empty row above the cursor, where no rule shows that the rows above belong to the composer


@record
class Composer:
    """A composer that the cursor is in. Rows and columns are counted from 0 at the top left of the pane."""

    text: str  #: its rows, joined by one space; faint text left out
    start: int  #: the column in which its text begins
    top: int
    bottom: int
    prompt: str  #: the start of its first row
    label: str = ""  #: the text in the rule above it

    def is_tall(self, screen: Sequence[Row], cursor_y: int) -> bool:
        """Tell whether a person has made new rows in it, the cursor being in row `cursor_y` of the pane."""
        return cursor_y != self.top or any(not row.text for row in screen[self.top + 1 : self.bottom + 1])


def find(profile: Profile, screen: Sequence[Row], look: Look) -> Composer | None:
    """Return the composer that the cursor is in, or None."""
    y = look.cursor_y
    if not 0 <= y < len(screen):
        return None
    found = _framed(profile, screen, y) if profile.frame else _prompted(profile, screen, y)
    if found is None:
        return None
    held, composer = found
    if hinted(profile, screen[y], look):  # the letter below the cursor belongs to the suggestion, too
        held[0] = held[0][1:]
    text = " ".join(" ".join(held).replace(CURSOR, "").split())
    return replace(composer, text=composer.text + text)


def hinted(profile: Profile, row: Row, look: Look) -> bool:
    """Tell whether the cursor is at the start of the composer, and what is behind it drawn as what nobody has typed.

    The program draws the cursor itself, over the first character of its placeholder. With `placeholder_colours`
    that has no colour; a theme may have one of these colours for a person's words, and then the character below the
    cursor has that too, or the prompt has it. A `dim_placeholder` is dim behind an inverse first character; what is
    typed is never dim.
    """
    x = look.cursor_x
    if not (profile.placeholder_colours or profile.dim_placeholder) or prompt_of(profile, row) != row.text[:x]:
        return False
    if not row.text[x + 1 :].strip() or row.bright[x + 1 :].strip():
        return False
    if profile.placeholder_colours:
        return row.drawn[x] == PLAIN and FAINT not in row.drawn[:x]
    behind = zip(row.text[x + 1 :], row.marks[x + 1 :], strict=False)
    return row.marks[x] == INVERSE and all(mark == DIM for char, mark in behind if char != " ")


def prompt_of(profile: Profile, row: Row) -> str | None:
    """Return the prompt that `row` begins with, or None."""
    prompts = (*profile.prompts, *profile.shell_prompts)
    return next((prompt for prompt in prompts if (row.text + " ").startswith(prompt)), None)


def label_of(row: Row) -> str | None:
    """Return the text near the end of a rule, "" for a plain rule, None if `row` is no rule."""
    text = row.text
    if not text:
        return None
    if RULES.issuperset(text):
        return ""
    return text.strip("─ ") if text.startswith("──") and text.endswith(" ─") else None


def _framed(profile: Profile, screen: Sequence[Row], cursor_y: int) -> tuple[list[str], Composer] | None:
    """Return the rows of a composer with a frame at its left, and the composer without its text."""

    def in_frame(y: int) -> bool:
        return 0 <= y < len(screen) and screen[y].text.lstrip().startswith(profile.frame)

    if not in_frame(cursor_y):
        return None
    top = bottom = cursor_y
    while in_frame(top - 1):
        top -= 1
    while in_frame(bottom + 1):
        bottom += 1
    # The rows below the last empty row belong to the frame and not to the text.
    empty = [y for y in range(cursor_y + 1, bottom + 1) if screen[y].text.strip() == profile.frame]
    if not empty:
        return None
    start = screen[cursor_y].text.index(profile.frame) + len(profile.frame) + profile.margin
    held = [row.bright.lstrip().removeprefix(profile.frame) for row in screen[top : empty[-1]]]
    return held, Composer("", start, top, bottom, profile.frame)


def _prompted(profile: Profile, screen: Sequence[Row], cursor_y: int) -> tuple[list[str], Composer] | None:
    """Return the rows of a composer that begins with a prompt and ends at a boundary, and it without its text."""
    top, gap = cursor_y, False
    while not (prompt := prompt_of(profile, screen[top])):
        gap = gap or (top < cursor_y and not screen[top].text)
        outside = bool(screen[top].text) and (_is_rule(screen[top]) or (gap and not screen[top].text[0].isspace()))
        top -= 1
        if top < 0 or cursor_y - top > TALLEST or outside:
            return None
    label = label_of(screen[top - 1]) if top else None
    if profile.between_rules:
        below = next((y for y in range(cursor_y + 1, len(screen)) if _is_rule(screen[y])), 0)
        if label is None or not below:
            return None
        bottom = below - 1
    else:
        bottom = _bottom(screen, cursor_y, len(prompt))
    held = [screen[top].bright[len(prompt) :], *(row.bright for row in screen[top + 1 : bottom + 1])]
    lead = GAP if gap and not profile.between_rules else ""
    return held, Composer(lead, len(prompt), top, bottom, prompt, label or "")


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
        if _is_rule(screen[y]):
            break
        follows = y > bottom + 1
        ends = any(not row.text or _is_rule(row) for row in screen[y : last + 1])
        if follows and (screen[y].text[:indent].strip() or not ends):
            break
        bottom = y
    return bottom


def _is_rule(row: Row) -> bool:
    return bool(row.text) and RULES.issuperset(row.text)
