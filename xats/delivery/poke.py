"""A person's own text for an agent: typed into its pane once, behind every guard of a wake, or not at all.

More rules are about the text: the client's profile must be able to see that the text is in the composer, and that it
was submitted. xats refuses a text before it types anything.
"""

from __future__ import annotations

import os
import time

from xats.base import host
from xats.base.record import record
from xats.clients import pasted, profile, registry
from xats.core.waking.reasons import REASONS
from xats.delivery import screens
from xats.delivery.routing import AUTO, TMUX
from xats.tmux import gone
from xats.tmux import poke as panes
from xats.tmux.errors import NoPane, TmuxUnavailable
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
ROUND = 6  # rows and columns of a pane that a composer and its surroundings may take
# The words for a reason where they differ between a poke and a wake.
OWN: dict[Reason, str] = {
    "no_wake": "xats types nothing into its pane: it is a person, or was registered with another transport",
}
WORDS: dict[Reason, str] = {**REASONS, **OWN}

__all__ = ["LARGEST", "WORDS", "Poked", "poke", "preview", "sanitise", "view"]


@record
class Poked:
    """The outcome: delivered, refused (nothing was typed) or unconfirmed (typed, but xats did not see it submitted)."""

    state: Literal["delivered", "refused", "unconfirmed"]
    reason: Reason | None
    detail: str = ""


def view(agent: Agent, session: Session) -> str:
    """Return in words what the agent's pane shows."""
    from xats.tmux import screen

    assert session.seat.pane
    try:
        look = screen.look(session.seat.pane)
    except (NoPane, TmuxUnavailable) as problem:
        return str(problem)
    seen = profile.view(registry.find_or_generic(agent.client, os.environ), look)
    return f"{seen.state}, {seen.evidence}" if seen.evidence else seen.state


def refusal(agent: Agent, session: Session | None, text: str) -> Poked | None:
    """Return why the sanitised `text` cannot be typed at `agent`, whatever its pane shows; None if it can."""
    if agent.wake_by not in (AUTO, TMUX) or agent.client == "human":
        return Poked("refused", "no_wake")
    if session is None or session.seat.pane is None or session.seat.host != host.id():
        return Poked("refused", agent.absence or "no_pane")
    pane, known = session.seat.pane, registry.find_or_generic(agent.client, os.environ)
    try:
        reason, detail = unfit(known, text), ""
        if not reason and "\n" in text:
            asked = panes.bracketed(pane)
            reason = None if (known.bracketed_paste if asked is None else asked) else "multi_line"
    except (NoPane, TmuxUnavailable) as problem:
        reason, detail = gone.reason(pane, problem), str(problem)
    return Poked("refused", reason, detail) if reason else None


def preview(agent: Agent, session: Session | None, text: str) -> Poked | None:
    """Return why `poke` would type nothing now, or None. This only looks, and does not wait for a quiet pane."""
    refused = refusal(agent, session, text)
    if refused or session is None or session.seat.pane is None:
        return refused
    from xats.delivery.preview import pane_objection

    known = registry.find_or_generic(agent.client, os.environ)
    reason, detail = pane_objection(session, known, _Composer(known, session.seat.pane, text, "preview").objection)
    return Poked("refused", reason, detail) if reason else None


def poke(agent: Agent, session: Session | None, text: str, settings: Settings) -> Poked:
    """Type the sanitised `text` into the pane of `agent` and submit it, or say why not."""
    refused = refusal(agent, session, text)
    if refused:
        return refused
    assert session
    assert session.seat.pane
    seat, pane = session.seat, session.seat.pane
    known = registry.find_or_generic(agent.client, os.environ)
    token = f"poke-{os.getpid()}-{time.time_ns()}"
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
    assert outcome.reason != "stopping"  # nothing stops this attempt
    assert outcome.state != "withdrawn"
    state = "refused" if outcome.state == "postponed" else outcome.state
    return Poked(state, outcome.reason or None, outcome.detail)


class _Composer:
    """The composer of `known` in `pane`, for `text`. `token` marks the pane once the text is in the composer."""

    def __init__(self, known: Profile, pane: Pane, text: str, token: str) -> None:
        self._known, self._pane, self._text, self._token = known, pane, text, token

    def holds(self, look: Look, wanted: str) -> bool:
        """Tell whether the composer holds exactly `wanted`, or the client's own marker for it."""
        if profile.is_known(self._known):
            return pasted.holds(self._known, look, wanted)
        return screens.holds(self._known, look, wanted)

    def objection(self, look: Look) -> Reason | None:
        """Refuse what a wake refuses, except our own text once it is in the composer."""
        known = self._known
        if not profile.is_known(known) and look.alternate_on:
            return "full_screen"
        reason = screens.objection(known, look, "")
        if not reason and screens.unlike_a_prompt(known, self._pane, look):
            reason = "screen_unknown"
        if look.wake.partition(":")[0] != self._token:
            return reason or (None if _fits(known, look, self._text) else "too_long")
        seen = profile.view(known, look)
        # A view finds no composer around a text with an empty line.
        ours = seen.state == "draft" or (seen.state == "unknown" and seen.text is None)
        return None if ours and self.holds(look, self._text) else reason


def unfit(known: Profile, text: str) -> Reason | None:
    """Return why `text` cannot be typed into this client, whatever its pane shows."""
    if text.lstrip().startswith("!"):
        return "shell_command"
    if not profile.is_known(known) and not all(line.strip() for line in text.split("\n")):
        return "multi_line"  # xats does not know where the composer of this program begins
    return "looks_like_dialog" if pasted.sign_in(known, text) else None


def _fits(known: Profile, look: Look, text: str) -> bool:
    """Tell whether the pane can show all of `text`. Some clients show a marker for a text that is too long."""
    width = max(1, look.width - ROUND)
    needed = sum(1 + len(line) * (1 if line.isascii() else 2) // width for line in text.split("\n"))
    return bool(known.paste_placeholders) or needed <= look.height - ROUND
