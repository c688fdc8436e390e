"""How a pasted text looks in the composer of a client: as itself, or as a marker of the client."""

from __future__ import annotations

from fnmatch import fnmatchcase

from xats.clients.composer import CURSOR, RULES, TALLEST, find
from xats.clients.profile import is_known, view
from xats.tmux.cells import rows
from xats.tmux.screen import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.clients.profile import Profile
    from xats.tmux.screen import Look


def holds(profile: Profile, look: Look, text: str) -> bool:
    """Tell whether the composer holds exactly `text`, however it is wrapped, or only a marker of a long paste.

    The caller must know that the marker stands for this text: the composer was empty before.
    """
    held = bare(_composer(profile, look) or "")
    return (bool(held) and held == bare(text)) or is_marker(profile, shown(profile, look))


def shown(profile: Profile, look: Look) -> str:
    """Return the whole text of the composer, with faint text, because a marker may be faint."""
    found = find(profile, rows(plain(look.screen)), look) if is_known(profile) else None
    return found.text if found else ""


def is_marker(profile: Profile, held: str) -> bool:
    """Tell whether `held` is one marker of a long paste, and nothing else."""
    patterns = [bare(one) for one in profile.paste_placeholders]
    return any(fnmatchcase(bare(held), one) and not fnmatchcase(bare(held), f"{one}?*") for one in patterns)


def emptied(profile: Profile, look: Look) -> bool:
    """Tell whether the composer is visibly empty, or hidden while the client is at work."""
    seen = view(profile, look)
    return (seen.text == "" and seen.state != "draft") or (seen.state == "busy" and seen.text is None)


def sign_in(profile: Profile, text: str) -> str | None:
    """Return the part of `text` that would look like a dialog or like work in the composer; None if there is none."""
    for line in text.split("\n"):
        folded = " ".join(line.split())
        for sign in (*profile.dialog, *profile.busy):
            if sign in folded:
                return sign
        if any(fnmatchcase(folded, pattern) for pattern in profile.busy_rows):
            return folded
    return None


def bare(text: str) -> str:
    """Return `text` without white space, which wrapping changes, and without a drawn cursor."""
    return "".join(text.replace(CURSOR, "").split())


def _composer(profile: Profile, look: Look) -> str | None:
    """Return the text of the composer with the cursor; unlike in a view it may contain empty lines."""
    found = view(profile, look).text
    if found is not None or profile.frame:
        return found
    screen = rows(look.screen, profile.placeholder_colours)
    for top in range(min(look.cursor_y, len(screen) - 1), max(-1, look.cursor_y - TALLEST), -1):
        text = screen[top].text
        glyph = next((one for one in profile.prompts if (text + " ").startswith(one)), None)
        if glyph:
            below = screen[look.cursor_y + 1 :]
            end = next((y for y, row in enumerate(below) if RULES.issuperset(row.text)), len(below))
            held = [
                screen[top].bright[len(glyph) :],
                *(row.bright for row in screen[top + 1 : look.cursor_y + 1 + end]),
            ]
            return " ".join(held)
        if text and RULES.issuperset(text):
            return None
    return None
