"""Profiles: how each agent program looks in a pane. Data, with the little code that reads a screen by it.

These programs change monthly, so nothing is concluded from one sign alone: a pane is idle only when its composer was
found, is empty, and nothing says busy or dialog. Everything else is refused with what was seen.

What stands above a composer is conversation, in which every sign may be quoted. There only the program's own status
rows count: those between the last message and the composer.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from xats.base.record import record
from xats.clients import unfamiliar
from xats.clients.composer import find, hinted
from xats.clients.model import Profile
from xats.tmux.cells import FAINT, Row, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.composer import Composer
    from xats.tmux.screen import Look

__all__ = ["Profile", "View", "is_known", "picture", "view"]
LOWER, ABOVE = 11, 8  # rows above the last one, and above the cursor, in which signs count without a composer
STATUS = 24  # rows above a composer in which its status rows may be, a list of tasks included


@record
class View:
    """The state of a client on a screen."""

    state: str  #: "idle", "draft", "busy", "dialog" or "unknown"
    text: str | None  #: the text in the composer; None if no composer was found
    evidence: str  #: the sign that decided, with its row (from 1); never what a person has typed


def is_known(profile: Profile) -> bool:
    """Tell whether the profile says how the client's composer looks."""
    return bool(profile.prompts or profile.frame)


def view(profile: Profile, look: Look) -> View:
    """Return what `profile` sees in `look`."""
    screen = rows(look.screen, profile.placeholder_colours)
    if profile.composer_unknown:
        sign = _title(look.title, profile.dialog_titles) or _sign(screen, range(len(screen)), profile.dialog)
        return View("dialog", None, sign) if sign else View("unknown", None, "its composer is not described yet")
    if not is_known(profile):
        return View(*unfamiliar.seen(screen, look))
    if sign := _title(look.title, profile.dialog_titles):
        found = find(profile, screen, look)
        return View("dialog", found.text if found else None, sign)
    found = find(profile, screen, look)
    if found is None or (profile.shows_cursor and not look.cursor):  # something is in front of it
        return _without(profile, screen, look, found)
    return _composing(profile, screen, look, found)


def picture(profile: Profile, look: Look) -> tuple[object, ...]:
    """Return the fields PICTURE (tmux/screen.py) of a look, which stay the same while a pane is quiet.

    They cover the composer and the rows above it, because a program may show a clock below. A title matters only where
    the profile knows its meaning, and then `view` reads it.
    """
    screen = rows(look.screen, profile.placeholder_colours)
    if not is_known(profile):
        return _upper(look, unfamiliar.kept(screen, look)), look.cursor_x, look.cursor_y, look.title
    found = find(profile, screen, look)
    if found is None:
        return look.screen, look.cursor_x, look.cursor_y, look.title
    return _upper(look, found.bottom + 1), look.cursor_x, look.cursor_y, ""


def _upper(look: Look, count: int) -> str:
    return "\n".join(look.screen.split("\n")[:count])


def _without(profile: Profile, screen: Sequence[Row], look: Look, found: Composer | None) -> View:
    """Return the view of a screen whose cursor is in no composer, or is hidden although a composer shows it."""
    text = found.text if found else None
    lower = _lower(screen, look.cursor_y)
    if sign := _sign(screen, lower, profile.dialog):
        return View("dialog", text, sign)
    if sign := _title(look.title, profile.busy_titles) or _sign(screen, lower, profile.busy, profile.busy_rows):
        return View("busy", text, sign)
    return View("unknown", text, "no composer at the cursor" if found is None else "the terminal's cursor is hidden")


def _composing(profile: Profile, screen: Sequence[Row], look: Look, found: Composer) -> View:
    """Return the view of a screen on which the cursor is in the composer `found`."""
    below = range(found.bottom + 1, len(screen))
    lower = below if profile.modal else _lower(screen, look.cursor_y)
    if sign := _elsewhere(profile, screen, look, found):
        return View("unknown", found.text, sign)
    # A dialog may have a list whose chosen line looks like a composer.
    asks = not profile.modal or unfamiliar.choice(f"> {found.text}")
    if asks and (sign := _sign(screen, _lower(screen, look.cursor_y), profile.dialog)):
        return View("dialog", found.text, sign)
    sign = _title(look.title, profile.busy_titles) or _sign(screen, lower, profile.busy, profile.busy_rows)
    if sign or (sign := _status(profile, screen, found)):
        return View("busy", found.text, sign)
    where = f"row {found.top + 1}"
    if found.prompt in profile.shell_prompts:
        return View(
            "draft", f"{found.prompt.strip()} {found.text}".strip(), f"the composer takes shell commands, {where}"
        )
    if found.text:
        return View(
            "draft",
            found.text,
            f"the composer, {where}, holds {len(found.text)} character{'s' if len(found.text) != 1 else ''}",
        )
    if look.cursor_x > found.start:  # something is there, though it is drawn as faint as a placeholder
        return View("draft", "", f"the cursor is not at the start of the composer, {where}")
    if not profile.frame and found.is_tall(screen, look.cursor_y):
        return View("draft", "", f"the composer, {where}, has more than one row")
    if profile.placeholder_colours and not hinted(profile, screen[look.cursor_y], look):
        return View("draft", "", f"no placeholder in the composer, {where}")
    if sign := _sign(screen, _lower(screen, look.cursor_y), (), profile.draft_rows):
        return View("draft", "", sign)
    return View("idle", "", f"the composer, {where}, is empty")


def _elsewhere(profile: Profile, screen: Sequence[Row], look: Look, found: Composer) -> str:
    """Return the sign that the composer `found` sends to another than the agent itself, or ""."""
    sign = _title(look.title, profile.other_agent_titles)
    sign = sign or _sign(screen, range(found.bottom + 1, len(screen)), (), profile.other_agent_rows)
    if not sign and profile.agent_name_in_rule and found.label:
        whole = look.title.strip()
        names = (whole, whole.partition(" ")[2])  # with or without a sign of its state
        short = found.label.removesuffix("…")
        if not any(one == short or (short != found.label and one.startswith(short)) for one in names):
            sign = f"the name in the rule in row {found.top}, which is not the session's"
    return sign and f"this composer sends elsewhere: {sign}"


def _status(profile: Profile, screen: Sequence[Row], found: Composer) -> str:
    """Return the sign of work between the last message and the composer `found`, or in its prompt."""
    if profile.busy_faint_prompt and screen[found.top].drawn[:1] == FAINT:
        return f"the prompt in row {found.top + 1} is drawn as while it works"
    for y in range(found.top - 1, max(-1, found.top - STATUS), -1):
        row = screen[y]
        at = row.text.find(profile.busy_faint_text)
        faint = set(row.drawn[at : at + len(profile.busy_faint_text)]) <= {FAINT}
        if faint and any(fnmatchcase(row.text, pattern) for pattern in profile.busy_rows):
            return f"{row.text.strip()[:40]!r} in row {y + 1}"
        if row.text.startswith(profile.message_prefixes):
            break
    return ""


def _title(title: str, patterns: Sequence[str]) -> str:
    return next((f"title {title.strip()!r}" for one in patterns if fnmatchcase(title.strip(), one)), "")


def _lower(screen: Sequence[Row], cursor_y: int) -> range:
    """Return the rows of `screen` in which signs count if there is no composer: the rows above are history.

    A program may list a lot below its composer, so the rows above the cursor count too.
    """
    last = max((y for y, row in enumerate(screen) if row.text), default=0)
    return range(max(0, min(last - LOWER, cursor_y - ABOVE)), last + 1)


def _sign(screen: Sequence[Row], part: range, signs: Sequence[str], patterns: Sequence[str] = ()) -> str:
    """Return the sign in the rows `part` of a screen, with its row."""
    for y in part:
        folded = " ".join(screen[y].text.split())
        for one in signs:
            if one in folded:
                return f"{one!r} in row {y + 1}"
        if any(fnmatchcase(screen[y].text, one) for one in patterns):
            return f"{folded[:40]!r} in row {y + 1}"
    return ""
