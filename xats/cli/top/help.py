"""The page that says what there is to see and to press."""

from __future__ import annotations

from xats.cli.top.lines import rule, wrap
from xats.cli.top.page import Page, blank

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.top.lines import Line

SHOWS = (
    "The agents of the team, the selected one in all detail, and what happened last. It follows every change within"
    " half a second. Looking changes nothing and marks nothing read; what you do is done in your name."
)
KEYS = (
    ("up down k j", "choose an agent, or scroll; PgUp, PgDn, g, G, Home and End go further"),
    ("Enter", "the mail of the selected agent, then a thread to read"),
    ("r", "wake it now, or once more if that was given up"),
    ("p, P", "pause or resume the selected agent, or the whole team"),
    ("d", "the dead letters: r tries one once more, x drops it from the list"),
    ("/", "filter what is listed; Esc shows everything again"),
    ("q, Esc", "back; q on the first page leaves, Ctrl-C leaves anywhere"),
)
WAKES = (
    ("queued", "the first attempt is about to be made"),
    ("retrying", "refused for that reason, and tried again at that time"),
    ("suspended", "its pane is gone; tried again when it registers anew"),
    ("held", "paused; woken once for everything when the pause ends"),
    ("woken", "it was woken, and has not read yet"),
    ("handed over", "its own inbox has the line; if it does not read in time, the next way is gone"),
    ("given up", "no more attempts are made; r makes one"),
    ("not woken", "nobody is to be woken for this mail"),
)


class HelpPage(Page):
    """What there is to see and to press."""

    keys = (("j/k", "scroll"), ("q", "back"))

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return the screen."""
        del now
        lines: list[Line] = [((f"  {text}", ""),) for text in wrap(SHOWS, max(8, width - 3))]
        for title, rows in (("Keys", KEYS), ("Its wake", WAKES)):
            lines += [blank(width), ((title, "bold"),)]
            for word, text in rows:
                for number, piece in enumerate(wrap(text, max(8, width - 16))):
                    lines.append((((f"  {word}" if not number else "").ljust(15), "bold"), (piece, "")))
        return [rule("help", width), *self.scrolled(lines, width, height - 1)]
