"""The transport that works everywhere: one fixed line, pasted into the agent's tmux pane behind guards."""

from __future__ import annotations

import os
import time
from functools import partial

from xats.base import process, program
from xats.base.errors import NoPane, TmuxGone, TmuxUnavailable
from xats.clients import model, processes, profile, registry
from xats.delivery.transports import Delivered, Postponed, Refused, Skipped, Stopped
from xats.tmux import gone, guards, match, paste, screen, server, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from xats.base.pane import Pane
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Session
    from xats.core.waking.reasons import Reason
    from xats.delivery.settings import Settings
    from xats.delivery.transports import Result
    from xats.tmux.examine import Outcome
    from xats.tmux.guards import Expected
    from xats.tmux.screen import Look

NAME = "tmux"
OBJECTIONS: dict[str, Reason | None] = {
    "idle": None,
    "busy": "busy",
    "dialog": "dialog_open",
    "draft": "draft_present",
    "unknown": "screen_unknown",
}
SHORT = 150  # ms that an idle, empty composer of a known client must stay the same
CALM = 0.5  # seconds between two looks that find one; between two tools there is one for a moment


def deliver(
    session: Session,
    client_name: str,
    line: Callable[[], str | None],
    token: str,
    settings: Settings,
    stopping: Callable[[], bool],
    quiet_for: Callable[[Look], int] = lambda _: 0,
    echoed: Callable[[Look], bool] = lambda _: False,
    proves: Callable[[str], bool] = lambda _: False,
) -> Result:
    """Paste `line()` into the pane of `session`, in which `client_name` runs, and submit it, or say why not.

    `quiet_for` says for how long (ms) the daemon's watch has seen the pane as a look shows it, and `echoed` whether it
    has seen the program show a person's last key. `proves` says whether a token is that of a wake of this session in
    our store.
    """
    assert session.seat.pane
    known = registry.find_or_generic(client_name, os.environ)
    composer = _Composer(known, session.seat.pane, token)
    outcome = _attempt(
        session,
        known,
        line=line,
        token=token,
        quiet_ms=lambda look: window(known, look, settings) - quiet_for(look),
        stopping=stopping,
        echoed=echoed,
        guards=(composer.stranded, composer.draft, composer.prompt),
    )
    unsent = composer.unsent
    if outcome.reason == "draft_present" and unsent and proves(unsent) and line() is not None:
        # It is that of an earlier wake, whose attempt died before Enter and whose mail was read then. Nobody else would
        # ever send it off, and it says what ours would say: there is mail. If it is gone by now, nothing is pasted.
        outcome = _attempt(
            session,
            known,
            line=lambda: None,
            token=unsent,
            quiet_ms=0,
            echoed=echoed,
            guards=(lambda look: objection(known, look, unsent), composer.prompt),
        )
    return _result(outcome, composer.evidence)


def _attempt(session: Session, known: Profile, **how: Any) -> Outcome:
    """Make one guarded paste into the pane of `session`, with what the profile `known` says of its client."""
    assert session.seat.pane
    return paste.attempt(
        session.seat.pane,
        client=session.seat.process,
        expected=expected(known, session),
        certain=partial(certain, known),
        composer=partial(holds, known),
        remains=partial(remains, known),
        picture=partial(profile.picture, known),
        settle_ms=known.settle,
        take_ms=known.takes,
        show_ms=known.shows,
        **how,
    )


def _result(outcome: Outcome, evidence: str) -> Result:
    """Return what the paste came to as a result of the wake; `evidence` is what the last guard that objected saw."""
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
    """The guards of one attempt that read the composer in each look, and what they have found there.

    `evidence` is the sign by which the last of them objected. `unsent` is the token of an earlier wake whose line is
    still in the composer; "" if there is none.
    """

    def __init__(self, known: Profile, pane: Pane, token: str) -> None:
        self._known, self._pane, self._token = known, pane, token
        self._drafts: list[str | None] = []  # what stood beside the cursor in each look
        self.evidence, self.unsent = "", ""

    def stranded(self, look: Look) -> Reason | None:
        """Refuse a composer that still holds the line of another token: ours would be joined to it."""
        other, _, step = look.wake.partition(":")
        if not other or other == self._token or not holds(self._known, look, look.line):
            return None
        if step == "pasted":
            self.unsent = self.unsent or other
        return "draft_present"

    def draft(self, look: Look) -> Reason | None:
        """Refuse a dialog, a busy client, and a composer that holds anything but the line of this wake."""
        reason, self.evidence = examined(self._known, look, self._token)
        if reason != "draft_present" or recognised(self._known) or look.wake.partition(":")[0] == self._token:
            return reason
        # xats does not know where this program writes: words beside the cursor are a draft only if they stay.
        self._drafts.append(profile.view(self._known, look).text)
        return reason if self._drafts[-2:-1] == self._drafts[-1:] else None

    def prompt(self, look: Look) -> Reason | None:
        """Refuse a program of unknown looks that may not be waiting for a line."""
        self.evidence = unlike_a_prompt(self._known, self._pane, look)
        return "screen_unknown" if self.evidence else None


def recognised(known: Profile) -> bool:
    """Tell whether the profile knows how the client's composer looks."""
    return profile.is_known(known)


def expected(known: Profile, session: Session) -> Expected:
    """Return what is known of the program of `session`, whose client is `known`, besides its process."""
    recorded, described = session.programs, model.load(known.name)
    return guards.Expected(
        program=program.Program(*recorded[:3]) if recorded else None,
        inner=program.inner(recorded) if recorded else (),
        same=partial(processes.counts_as_one, known) if known.executables or known.scripts else program.relaunched,
        composer=(lambda look: profile.view(known, look).text is not None) if recognised(known) else None,
        parked=(described.parked if described else None) or (lambda _: False),
    )


def unlike_a_prompt(known: Profile, pane: Pane, look: Look) -> str:
    """Return why the program in `pane`, whose looks nobody has described, may not be waiting for a line; "" if it is.

    It waits for one if the system or a line editor like GNU readline collects it, or if the program has asked for
    pastes in brackets. Only tmux 3.7 and newer tell the last; a profile can say it too (`bracketed`).
    """
    if recognised(known) or known.bracketed or look.bracketed:
        return ""
    taken = terminal.mode(pane)
    if taken in ("line", "editor"):
        return ""
    if taken != "raw":
        return "input is not echoed, as for a password" if taken == "silent" else "its terminal cannot be read"
    if look.bracketed is None:
        return "its program takes every key itself, and tmux before 3.7 does not tell whether it asks for pastes"
    return "its program takes every key itself and has not asked for pastes in brackets"


def idle(session: Session, client_name: str) -> bool:
    """Tell whether the pane of `session` surely shows the idle, empty composer of `client_name`, and keeps to it."""
    pane = session.seat.pane
    return pane is not None and pane in idle_panes({pane: client_name})


def idle_panes(clients: Mapping[Pane, str]) -> set[Pane]:
    """Return those of the panes that show the idle, empty composer of their client in two looks, CALM apart.

    A pane that cannot be looked at is none of them.
    """
    seen = _look_idle(clients)
    if seen:
        time.sleep(CALM)
        seen = _look_idle({pane: clients[pane] for pane in seen})
    return seen


def _look_idle(clients: Mapping[Pane, str]) -> set[Pane]:
    """Return those of the panes in which one look finds it. All panes of a server are looked at together."""
    found = set()
    servers: dict[tuple[str, int], list[Pane]] = {}
    for pane in clients:
        servers.setdefault((pane.socket, pane.server_pid), []).append(pane)
    for panes in servers.values():
        for start in range(0, len(panes), screen.MOST):
            some = panes[start : start + screen.MOST]
            try:
                looks = screen.read(some, server.run(some[0], *screen.commands(some)))
            except (NoPane, TmuxGone, TmuxUnavailable):
                break  # the server that is gone or hangs does so for all
            for pane in some:
                look = looks[pane.pane_id]
                if look and shows_idle(pane, look, clients[pane]):
                    found.add(pane)
    return found


def there(session: Session) -> bool:
    """Tell whether the pane of `session` answers as the registered one, alive, with the registered process alive too.

    Only then may a wake that was suspended for its target go on.
    """
    pane, client = session.seat.pane, session.seat.process
    if pane is None or gone.server_ended(pane) or (client and not process.alive(*client)):
        return False
    try:
        look = screen.look(pane)
    except (NoPane, TmuxUnavailable):
        return False
    return not look.dead and guards.identity(pane, look) is None


def shows_idle(pane: Pane, look: Look, client_name: str) -> bool:
    """Tell whether `look` is at `pane` and shows the idle, empty composer of `client_name`."""
    known = registry.find_or_generic(client_name, os.environ)
    if not recognised(known) or guards.identity(pane, look) or guards.state(look):
        return False
    return profile.view(known, look).state == "idle"


def window(known: Profile, look: Look, settings: Settings) -> int:
    """Return how long (ms) the pane must stay the same: short where the composer is known to be idle and empty."""
    idle = recognised(known) and profile.view(known, look).state == "idle"
    return min(SHORT, settings.quiet) if idle else settings.quiet


def holds(known: Profile, look: Look, text: str) -> bool:
    """Tell whether the composer holds exactly `text`, however it is wrapped."""
    if not recognised(known):
        return match.holds(look, text)
    held = profile.view(known, look).text
    return held is not None and bool(text) and held.replace(" ", "") == text.replace(" ", "")


def remains(known: Profile, look: Look, text: str) -> bool:
    """Tell whether `text` still stands in the composer, whatever stands around it."""
    if not recognised(known):
        return match.remains(look, text)
    held = profile.view(known, look).text
    return held is not None and bool(text) and text.replace(" ", "") in held.replace(" ", "")


def certain(known: Profile, look: Look) -> bool:
    """Tell whether the composer is surely seen, and holds nothing but what xats pasted last."""
    return recognised(known) and (profile.view(known, look).state == "idle" or holds(known, look, look.line))


def objection(known: Profile, look: Look, token: str) -> Reason | None:
    """Return why nothing may be typed into what `look` shows, by what the client's profile sees; None if it may."""
    return examined(known, look, token)[0]


def examined(known: Profile, look: Look, token: str) -> tuple[Reason | None, str]:
    """Return the objection to what `look` shows, and the sign that decided.

    Every client draws its composer when it waits for its person to write: where there is none, nothing is known.
    """
    seen = profile.view(known, look)
    reason = OBJECTIONS[seen.state]
    if reason == "draft_present" and look.wake.partition(":")[0] == token and holds(known, look, look.line):
        reason = None  # it is the line of this wake
    return reason, seen.evidence
