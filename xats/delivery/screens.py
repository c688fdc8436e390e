"""What a pane shows, as far as a paste has to know: whether a program waits for a line, and what its composer holds.

The paste, its preview, the watcher and a poke ask here. The profile of the program (clients/profile.py) reads the
screen.
"""

from __future__ import annotations

import os
import time
from functools import partial

from xats.base import process, program
from xats.clients import model, processes, profile, registry
from xats.tmux import gone, guards, match, screen, server, terminal
from xats.tmux.errors import NoPane, TmuxGone, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.base.pane import Pane
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Session
    from xats.core.waking.reasons import Reason
    from xats.delivery.settings import Settings
    from xats.tmux.guards import Expected
    from xats.tmux.screen import Look

OBJECTIONS: dict[str, Reason | None] = {
    "idle": None,
    "busy": "busy",
    "dialog": "dialog_open",
    "draft": "draft_present",
    "unknown": "screen_unknown",
}
SHORT = 150  # ms for which an idle, empty composer of a known client must stay the same
CALM = 0.5  # seconds between two looks for an idle composer; between two tools one appears for a moment


def expected(known: Profile, session: Session) -> Expected:
    """Return what is known of the program of `session` besides its process; `known` is the profile of its client."""
    recorded, described = session.programs, model.load(known.name)
    return guards.Expected(
        program=program.Program(*recorded[:3]) if recorded else None,
        inner=program.inner(recorded) if recorded else (),
        same=partial(processes.counts_as_one, known) if known.executables or known.scripts else program.relaunched,
        composer=(lambda look: profile.view(known, look).text is not None) if profile.is_known(known) else None,
        parked=(described.parked if described else None) or (lambda _: False),
    )


def unlike_a_prompt(known: Profile, pane: Pane, look: Look) -> str:
    """Return why the program in `pane` may not be waiting for a line; "" if it waits, or if its composer is described.

    A program waits for a line if the system or a line editor such as GNU readline collects it, or if it has asked for
    bracketed paste. Only tmux 3.7 and newer report that; a profile can say it too (`bracketed_paste`).
    """
    if profile.is_known(known) or known.bracketed_paste or look.bracketed:
        return ""
    taken = terminal.mode(pane)
    if taken in ("line", "editor"):
        return ""
    if taken != "raw":
        return "input is not echoed, as for a password" if taken == "silent" else "its terminal cannot be read"
    if look.bracketed is None:
        return (
            "its program takes every key itself, and tmux before 3.7 does not tell whether it asked for bracketed paste"
        )
    return "its program takes every key itself and has not asked for bracketed paste"


def idle(session: Session, client_name: str) -> bool:
    """Tell whether the pane of `session` shows the idle, empty composer of `client_name` in two looks."""
    pane = session.seat.pane
    return pane is not None and pane in idle_panes({pane: client_name})


def idle_panes(clients: Mapping[Pane, str]) -> set[Pane]:
    """Return the panes that show the idle, empty composer of their client in two looks, CALM apart.

    `clients` are the names of the clients by pane. A pane that tmux does not show is left out.
    """
    seen = _look_idle(clients)
    if seen:
        time.sleep(CALM)
        seen = _look_idle({pane: clients[pane] for pane in seen})
    return seen


def _look_idle(clients: Mapping[Pane, str]) -> set[Pane]:
    """Return the panes in which one look finds it, with one call of tmux for all panes of a server."""
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
                break  # a server that is gone or hangs does so for all its panes
            for pane in some:
                look = looks[pane.pane_id]
                if look and shows_idle(pane, look, clients[pane]):
                    found.add(pane)
    return found


def there(session: Session) -> bool:
    """Tell whether the registered pane and the registered process of `session` are both alive.

    Only then may a suspended wake go on.
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
    if not profile.is_known(known) or guards.identity(pane, look) or guards.state(look):
        return False
    return profile.view(known, look).state == "idle"


def window(known: Profile, look: Look, settings: Settings) -> int:
    """Return how long (ms) the pane must stay the same: a short time if its composer is surely idle and empty."""
    idle = profile.is_known(known) and profile.view(known, look).state == "idle"
    return min(SHORT, settings.quiet) if idle else settings.quiet


def holds(known: Profile, look: Look, text: str) -> bool:
    """Tell whether the composer holds exactly `text`, however it is wrapped."""
    if not profile.is_known(known):
        return match.holds(look, text)
    held = profile.view(known, look).text
    return held is not None and bool(text) and held.replace(" ", "") == text.replace(" ", "")


def remains(known: Profile, look: Look, text: str) -> bool:
    """Tell whether the composer still contains `text`, whatever is around it."""
    if not profile.is_known(known):
        return match.remains(look, text)
    held = profile.view(known, look).text
    return held is not None and bool(text) and text.replace(" ", "") in held.replace(" ", "")


def certain(known: Profile, look: Look) -> bool:
    """Tell whether the look surely shows the composer, empty or with only the last line that xats pasted."""
    return profile.is_known(known) and (profile.view(known, look).state == "idle" or holds(known, look, look.line))


def objection(known: Profile, look: Look, token: str) -> Reason | None:
    """Return why nothing may be typed into the screen in `look`, by the client's profile; None: it may."""
    return examined(known, look, token)[0]


def examined(known: Profile, look: Look, token: str) -> tuple[Reason | None, str]:
    """Return the objection to the screen in `look`, and the sign that decided.

    Every client draws its composer when it waits for input. Without a composer, the state is unknown.
    """
    seen = profile.view(known, look)
    reason = OBJECTIONS[seen.state]
    if reason == "draft_present" and look.wake.partition(":")[0] == token and holds(known, look, look.line):
        reason = None  # the line of this wake
    return reason, seen.evidence
