"""The help page: what the screen shows, its keys, and the words for a wake."""

from __future__ import annotations

from xats.cli.top.lines import rule, wrap
from xats.cli.top.page import Page, blank

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.top.lines import Line

SHOWS = (
    "The agents of the team, the details of the selected agent, and the newest events. The screen follows every change"
    " within half a second. Looking changes nothing and does not mark mail as read. What you do here counts as done by"
    " you."
)
KEYS = (
    ("up down k j", "choose an agent, or scroll; PgUp, PgDn, g, G, Home and End go further"),
    ("Enter", "the mail of the selected agent, then a thread to read"),
    ("r", "wake it now, also after xats has given up"),
    ("p, P", "pause or resume the selected agent, or the whole team"),
    ("d", "the dead letters: r retries one, x drops it from the list"),
    ("/", "filter the list; Esc shows everything again"),
    ("q, Esc", "back; q on the first page leaves, Ctrl-C leaves anywhere"),
)
WAKES = (
    ("queued", "the first attempt is due soon"),
    ("retrying", "refused for the reason shown; the next attempt is at the time shown"),
    ("suspended", "its pane is gone; the next attempt is when it registers again"),
    ("held", "paused; one wake for all its mail follows when the pause ends"),
    ("woken", "it was woken, and has not read yet"),
    ("handed over", "its own inbox has the line; if nothing is read in time, xats tries the next transport"),
    ("given up", "xats makes no more attempts; r makes one"),
    ("not woken", "this mail wakes no agent"),
)


class HelpPage(Page):
    """The help page."""

    keys = (("j/k", "scroll"), ("q", "back"))

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return the screen."""
        del now
        lines: list[Line] = [((f"  {text}", ""),) for text in wrap(SHOWS, max(8, width - 3))]
        for title, rows in (("Keys", KEYS), ("The wake of an agent", WAKES)):
            lines += [blank(width), ((title, "bold"),)]
            for word, text in rows:
                for number, piece in enumerate(wrap(text, max(8, width - 16))):
                    lines.append((((f"  {word}" if not number else "").ljust(15), "bold"), (piece, "")))
        return [rule("help", width), *self.scrolled(lines, width, height - 1)]
