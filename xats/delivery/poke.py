"""A person's own text for an agent: typed into its pane once, through every guard of a wake, or not at all.

The rules beyond those of a wake are about the text: what the client's profile knows must suffice to see it go in, and
to see it taken. What is refused, is refused before anything is typed.
"""

from __future__ import annotations

import os
import time

from xats.base import host
from xats.base.errors import NoPane, TmuxUnavailable
from xats.base.record import record
from xats.clients import pasted, profile, registry
from xats.core.waking.reasons import REASONS
from xats.delivery import screens
from xats.delivery.routing import AUTO, TMUX
from xats.tmux import gone
from xats.tmux import poke as panes
from xats.tmux.poke import sanitise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.base.pane import Pane
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Agent, Session
    from xats.core.waking.reasons import Reason
    from xats.delivery.settings import Settings
    from xats.tmux.screen import Look

LARGEST = 8192  # bytes of UTF-8
ROUND = 6  # rows and columns of a pane that a composer and what is around it may take
# What a reason means to a person who pokes, where that is not what it means to a wake.
OWN: dict[Reason, str] = {
    "no_wake": "nothing is ever typed at it: it is a person, or was registered so",
}
WORDS: dict[Reason, str] = {**REASONS, **OWN}

__all__ = ["LARGEST", "WORDS", "Poked", "poke", "sanitise", "view"]


@record
class Poked:
    """What came of it: delivered, refused (nothing was typed) or unconfirmed (it went in, nobody saw it taken)."""

    state: Literal["delivered", "refused", "unconfirmed"]
    reason: Reason | None
    detail: str = ""


def view(agent: Agent, session: Session) -> str:
    """Return in words what is seen in the agent's pane."""
    from xats.tmux import screen

    assert session.seat.pane
    try:
        look = screen.look(session.seat.pane)
    except (NoPane, TmuxUnavailable) as problem:
        return str(problem)
    seen = profile.view(registry.find_or_generic(agent.client, os.environ), look)
    return f"{seen.state}, {seen.evidence}" if seen.evidence else seen.state


def poke(agent: Agent, session: Session | None, text: str, settings: Settings) -> Poked:
    """Type `text`, which is sanitised, into the pane of `agent` and submit it, or say why not."""
    seat = session.seat if session else None
    if agent.wake_by not in (AUTO, TMUX) or agent.client == "human":
        return Poked("refused", "no_wake")
    if session is None or seat is None or seat.pane is None or seat.host != host.id():
        return Poked("refused", agent.absence or "no_pane")
    pane = seat.pane
    known = registry.find_or_generic(agent.client, os.environ)
    token = f"poke-{os.getpid()}-{time.time_ns()}"
    try:
        reason, detail = _unfit(known, text), ""
        if not reason and "\n" in text:
            asked = panes.bracketed(pane)
            reason = None if (known.bracketed_paste if asked is None else asked) else "multi_line"
    except (NoPane, TmuxUnavailable) as problem:
        reason, detail = gone.reason(pane, problem), str(problem)
    if reason:
        return Poked("refused", reason, detail)

    composer = _Composer(known, pane, text, token)
    outcome = panes.poke(
        pane,
        text,
        token,
        quiet_ms=lambda look: screens.window(known, look, settings),
        client=seat.process,
        expected=screens.expected(known, session),
        guards=(composer.objection,),
        composer=composer.holds,
        picture=lambda look: profile.picture(known, look),
        emptied=lambda look: pasted.emptied(known, look),
        settle_ms=known.settle_ms,
        take_ms=known.submit_ms,
        show_ms=known.paste_ms,
    )
    assert outcome.reason != "stopping"  # nothing ends this wait
    assert outcome.state != "withdrawn"
    state = "refused" if outcome.state == "postponed" else outcome.state
    return Poked(state, outcome.reason or None, outcome.detail)


class _Composer:
    """The composer of `known` in `pane`, into which `text` goes; `token` marks the pane once it is in."""

    def __init__(self, known: Profile, pane: Pane, text: str, token: str) -> None:
        self._known, self._pane, self._text, self._token = known, pane, text, token

    def holds(self, look: Look, wanted: str) -> bool:
        """Tell whether the composer holds exactly `wanted`, or the client's own marker for it."""
        if profile.is_known(self._known):
            return pasted.holds(self._known, look, wanted)
        return screens.holds(self._known, look, wanted)

    def objection(self, look: Look) -> Reason | None:
        """Refuse what a wake is refused for, but for our own text once it is in the composer."""
        known = self._known
        if not profile.is_known(known) and look.alternate_on:
            return "full_screen"
        reason = screens.objection(known, look, "")
        if not reason and screens.unlike_a_prompt(known, self._pane, look):
            reason = "screen_unknown"
        if look.wake.partition(":")[0] != self._token:
            return reason or (None if _fits(known, look, self._text) else "too_long")
        seen = profile.view(known, look)
        # In a text with an empty line a view finds no composer.
        ours = seen.state == "draft" or (seen.state == "unknown" and seen.text is None)
        return None if ours and self.holds(look, self._text) else reason


def _unfit(known: Profile, text: str) -> Reason | None:
    """Return why `text` cannot be typed at this client, whatever its pane shows."""
    if text.lstrip().startswith("!"):
        return "shell_command"
    if not profile.is_known(known) and not all(line.strip() for line in text.split("\n")):
        return "multi_line"  # nobody knows where the composer of such a program begins
    return "looks_like_dialog" if pasted.sign_in(known, text) else None


def _fits(known: Profile, look: Look, text: str) -> bool:
    """Tell whether the pane can show all of `text`. A client with markers has one for what it cannot show."""
    width = max(1, look.width - ROUND)
    needed = sum(1 + len(line) * (1 if line.isascii() else 2) // width for line in text.split("\n"))
    return bool(known.paste_placeholders) or needed <= look.height - ROUND
