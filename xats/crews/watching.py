"""Watch a program that xats has started: is it ready, does it need a person, has it ended; and type its first prompt.

The command that started it does this for up to 30 seconds. The daemon does it for all starts of this host whose command
has ended. What the store says of a start counts only where it agrees with what this host itself has recorded
(base/seats.py).
"""

from __future__ import annotations

import os

from xats.base import host, process, program, seats
from xats.base.record import record, replace
from xats.clients import occupants, profile, registry
from xats.core.agents import agents, presence, registration
from xats.core.crews import starts
from xats.core.crews.starts import READY
from xats.core.waking import wakes
from xats.crews import startfile
from xats.delivery import screens
from xats.tmux import places, screen
from xats.tmux.errors import NoPane, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.base.program import Kept
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Session
    from xats.core.agents.presence import Presence
    from xats.core.crews.starts import Start
    from xats.core.states import PromptState, StartState
    from xats.delivery.settings import Settings
    from xats.store import Store, Tx
    from xats.tmux.screen import Look

SOON, LATER = 1_000, 10_000  # ms: see `_too_soon`
LINES = 6  # of a screen that are kept
LONGEST = 500  # characters of them
UNSEEN = "it shows neither a hook nor an empty composer after 30 s"


@record
class Seen:
    """A start with what the store knows of its agent, at the time `now` (ms UTC)."""

    start: Start
    session: Session | None
    presence: Presence | None
    now: int


@record
class Finding:
    """The state that a look has found, and what the screen shows."""

    state: StartState
    detail: str = ""
    programs: Kept | None = None  #: what its process runs


def find(tx: Tx, start: Start) -> Seen:
    """Return `start` with the session of its agent."""
    session = agents.current_session(tx, start.agent)
    return Seen(start, session, presence.get(tx, start.agent.id), tx.now)


def ours(store: str, seen: Seen) -> bool:
    """Tell whether the process of the start is that of its agent, and commands of this host registered it there."""
    start, session = seen.start, seen.session
    if session is None or start.host != host.id() or start.process is None:
        return False
    return session.seat.process == start.process and seats.ours(store, start.agent, session)


def look(store: str, seen: Seen) -> Finding | None:
    """Return what became of the start since the store was written; None if nothing has changed."""
    start = seen.start
    if start.host != host.id():
        return None
    if start.process is None:
        late = seen.now - start.created_at > READY
        return Finding("failed", "nothing appeared in its pane within 30 s") if late else None
    if process.ended(*start.process):
        return _ended(store, seen)
    if start.state not in ("starting", "needs_you"):
        return None
    if not ours(store, seen):
        return Finding("running") if _reported(seen) else None
    found = Finding("running") if _reported(seen) else _on_screen(seen)
    return replace(found, programs=_programs(seen)) if found else None


def _programs(seen: Seen) -> Kept | None:
    """Return what the process of the start runs, None if that is recorded already, or cannot be read."""
    session, place = seen.session, seen.start.process
    if session is None or session.programs is not None or place is None:
        return None
    who = process.read(place[0])
    if who is None or who.started != place[1]:
        return None
    return occupants.programs(who, session.seat.pane) if session.seat.pane else program.look(who.pid)


def _ended(store: str, seen: Seen) -> Finding:
    """Return the state of a start whose program has ended.

    What a pane shows goes into the store only where this host itself has registered the agent in that pane.
    """
    start = seen.start
    if start.state == "starting":
        pane = seen.session.seat.pane if seen.session and ours(store, seen) else None
        shown = "\n".join(places.last_lines(pane, LINES)) if pane else ""
        return Finding("failed", _cut(f"the program ended before it was ready\n{shown}".strip()))
    return Finding("stopped", "xats ended it" if start.state == "stopping" else "its program has ended")


def _reported(seen: Seen) -> bool:
    """Tell whether a hook of the program has said something since it started."""
    said = seen.presence
    return said is not None and said.state != "ended" and said.at >= (seen.start.used_at or 0)


def _on_screen(seen: Seen) -> Finding | None:
    """Return the state that the pane shows, None while it shows nothing that counts."""
    start, session = seen.start, seen.session
    assert session
    pane = session.seat.pane
    late = seen.now - (start.used_at or start.created_at) > READY
    if pane is None:  # outside tmux nothing but its hook can show it
        return Finding("running") if late else None
    known = registry.find_or_generic(start.client, os.environ)
    try:
        shown = screen.look(pane)
    except (NoPane, TmuxUnavailable):
        return None
    if shown.pane_pid != pane.pane_pid or shown.dead:
        return None
    found = profile.view(known, shown)
    if found.state == "dialog":
        return Finding("needs_you", _text(shown.rows()))
    if found.state in ("idle", "busy", "draft") and not _too_soon(known, shown, seen):
        return Finding("running") if not screens.unlike_a_prompt(known, pane, shown) else None
    return Finding("needs_you", _cut(f"{UNSEEN}\n{_text(shown.rows())}".strip())) if late else None


def _too_soon(known: Profile, shown: Look, seen: Seen) -> bool:
    """Tell whether a program without a profile may not have drawn its prompt yet: it looks idle before it draws."""
    if profile.is_known(known):
        return False
    rows, age = shown.rows(), seen.now - (seen.start.used_at or 0)
    prompt = rows[shown.cursor_y].strip() if shown.cursor_y < len(rows) else ""
    return age < (SOON if prompt else LATER)


def _text(rows: list[str]) -> str:
    """Return the last rows of a screen that are not empty, as plain text."""
    return _cut("\n".join([row.rstrip() for row in rows if row.strip()][-LINES:]))


def _cut(text: str) -> str:
    clean = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def note(tx: Tx, seen: Seen, finding: Finding, *, tell: bool) -> None:
    """Record what a look has found; with `tell`, the person gets mail that they are needed."""
    token, detail = seen.start.token, finding.detail
    if finding.programs is not None and seen.session:
        registration.record_programs(tx, seen.session, finding.programs)
    if finding.state == "running":
        if starts.running(tx, token):
            wakes.retry_now(tx, seen.start.agent.id, "same_session")  # it was refused while the program began
    elif finding.state == "failed":
        starts.fail(tx, token, detail)
    elif finding.state == "stopped":
        starts.stopped(tx, token, detail)
    elif finding.state == "needs_you":
        starts.needs_you(tx, token, detail)
        start = starts.by_token(tx, token)
        if tell and start and start.state == "needs_you" and start.told_at is None:
            starts.tell(tx, start)


def due(start: Start) -> bool:
    """Tell whether the first prompt of `start` is to be typed now."""
    return start.state == "running" and start.prompt == "pending"


def type_prompt(store: Store, seen: Seen, settings: Settings, environ: Mapping[str, str]) -> bool:
    """Type the first prompt of the start behind every guard; tell whether it is settled.

    Only one process types it, and at most once: after a crash in between, it is not typed again.
    """
    from xats.delivery import poke

    token, path = seen.start.token, startfile.path_of(environ, seen.start.token)
    text = startfile.read(path).get("prompt")
    if not isinstance(text, str) or not text or seen.session is None or not ours(store.path, seen):
        return False
    if poke.preview(seen.start.agent, seen.session, text) is not None:
        return False
    if not store.write(lambda tx: starts.prompt(tx, token, "pending", "typing")):
        return False
    outcome = poke.poke(seen.start.agent, seen.session, text, settings)
    if outcome.state == "refused":
        store.write(lambda tx: starts.prompt(tx, token, "typing", "pending"))
        return False
    after: PromptState = "typed" if outcome.state == "delivered" else "failed"
    store.write(lambda tx: starts.prompt(tx, token, "typing", after))
    startfile.remove(path)
    return True
