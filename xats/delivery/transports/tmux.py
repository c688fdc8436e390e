"""The transport for every program: paste one fixed line into the agent's tmux pane, behind guards."""

from __future__ import annotations

import os
from functools import partial

from xats.clients import profile, registry
from xats.delivery import screens
from xats.delivery.transports import Delivered, Postponed, Refused, Skipped, Stopped
from xats.tmux import paste

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.base.pane import Pane
    from xats.clients.profile import Profile
    from xats.core.waking.reasons import Reason
    from xats.delivery.transports import Request, Result
    from xats.tmux.examine import Outcome
    from xats.tmux.screen import Look

NAME = "tmux"


def deliver(request: Request) -> Result:
    """Paste the line into the pane of the session and submit it, or say why not."""
    pane = request.session.seat.pane
    assert pane
    known = registry.find_or_generic(request.agent.client, os.environ)
    composer = _Composer(known, pane, request.token)
    outcome = _attempt(
        request,
        known,
        line=request.line,
        token=request.token,
        quiet_ms=lambda look: screens.window(known, look, request.settings) - request.quiet_for(look),
        stopping=request.stopping,
        guards=(composer.stranded, composer.draft, composer.prompt),
    )
    unsent = composer.unsent
    if outcome.reason == "draft_present" and unsent and request.is_token(unsent) and request.line() is not None:
        # The line of an earlier wake, whose attempt died before Enter and whose mail was then read. Nothing else would
        # submit it, and it says the same as ours: there is mail. If it is gone by now, nothing is pasted.
        outcome = _attempt(
            request,
            known,
            line=lambda: None,
            token=unsent,
            quiet_ms=0,
            guards=(lambda look: screens.objection(known, look, unsent), composer.prompt),
        )
    return _result(outcome, composer.evidence)


def _attempt(request: Request, known: Profile, **how: Any) -> Outcome:
    """Make one guarded paste into the pane of the session, by the profile `known` of its client."""
    seat = request.session.seat
    assert seat.pane
    return paste.attempt(
        seat.pane,
        client=seat.process,
        expected=screens.expected(known, request.session),
        echoed=request.echoed,
        certain=partial(screens.certain, known),
        composer=partial(screens.holds, known),
        remains=partial(screens.remains, known),
        picture=partial(profile.picture, known),
        settle_ms=known.settle_ms,
        take_ms=known.submit_ms,
        show_ms=known.paste_ms,
        **how,
    )


def _result(outcome: Outcome, evidence: str) -> Result:
    """Return the result of the attempt. `evidence` is the sign that the last failed guard saw."""
    if outcome.state == "delivered":
        return Delivered(outcome.detail)
    if outcome.reason == "stopping":
        return Stopped()
    if outcome.state == "withdrawn":
        return Skipped("already_read")
    assert outcome.reason
    shown = evidence if outcome.reason in ("busy", "dialog_open", "draft_present", "screen_unknown") else ""
    detail = outcome.detail or shown
    return Postponed(outcome.reason, detail) if outcome.state == "postponed" else Refused(outcome.reason, detail)


class _Composer:
    """The guards of one attempt that read the composer in each look, and their findings.

    `evidence` is the sign for which the last of them refused. `unsent` is the token of an earlier wake, if its line is
    still in the composer, else "".
    """

    def __init__(self, known: Profile, pane: Pane, token: str) -> None:
        self._known, self._pane, self._token = known, pane, token
        self._drafts: list[str | None] = []  # the text beside the cursor in each look
        self.evidence, self.unsent = "", ""

    def stranded(self, look: Look) -> Reason | None:
        """Refuse a composer that still holds the line of another token: ours would be joined to it."""
        other, _, step = look.wake.partition(":")
        if not other or other == self._token or not screens.holds(self._known, look, look.line):
            return None
        if step == "pasted":
            self.unsent = self.unsent or other
        return "draft_present"

    def draft(self, look: Look) -> Reason | None:
        """Refuse a dialog, a busy client, and a composer that holds anything but the line of this wake."""
        reason, self.evidence = screens.examined(self._known, look, self._token)
        if reason != "draft_present" or profile.is_known(self._known) or look.wake.partition(":")[0] == self._token:
            return reason
        # xats does not know where this program writes. Words beside the cursor are a draft only if they stay there.
        self._drafts.append(profile.view(self._known, look).text)
        return reason if self._drafts[-2:-1] == self._drafts[-1:] else None

    def prompt(self, look: Look) -> Reason | None:
        """Refuse a program without a described composer that may not be waiting for a line."""
        self.evidence = screens.unlike_a_prompt(self._known, self._pane, look)
        return "screen_unknown" if self.evidence else None
