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
from xats.core.crews import restarts, starts
from xats.core.crews.restarts import Exit
from xats.core.crews.starts import READY
from xats.core.waking import wakes
from xats.crews import startfile
from xats.delivery import screens
from xats.tmux import places, screen
from xats.tmux.errors import NoPane, TmuxGone, TmuxUnavailable

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
    from xats.tmux.places import Remains
    from xats.tmux.screen import Look

SOON, LATER = 1_000, 10_000  # ms: see `_too_soon`
LINES = 10  # of a screen that are kept; a dialog has its question there, and not its last answers alone
LONGEST = 800  # characters of them
FRAME = " \t│┃║|─━═╭╮╰╯┌┐└┘▀▄"
_ready_since: dict[str, int] = {}  # by token: since when (ms UTC) a start has looked ready to this process
ENDED, SERVER_GONE = "its program has ended", "its tmux server has ended"
UNREADY = "before it was ready, the program ended with exit 0, or its pane was closed"
STUCK = 120_000  # ms after which a command that was to end a program was surely killed
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
    exit: Exit | None = None  #: how the program ended; None: it runs, or nobody knows it
    server_gone: bool = False  #: whether its tmux server is gone
    pane_gone: bool = False  #: whether its pane is gone; no restart can be made then


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
        return _unused(seen)
    if process.ended(*start.process):
        return _ended(store, seen)
    if start.state == "stopping" and seen.now - start.state_at > STUCK:
        return Finding("running")
    if start.state not in ("starting", "needs_you"):
        return None
    if not ours(store, seen):
        return Finding("running") if _reported(seen) else None
    found = _on_screen(seen, reported=_reported(seen))
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


def _ended(store: str, seen: Seen) -> Finding | None:
    """Return the state of a start whose program has ended; None while tmux has not seen that.

    A pane that has stayed shows how the program ended. A pane that is gone was closed, or its program ended with 0.
    What a pane shows goes into the store only where this host itself has registered the agent in that pane.
    """
    start = seen.start
    if start.state == "stopping":
        return Finding("stopped", "xats ended it")
    early = Finding("failed", "the program ended before it was ready")
    closed = early if start.state == "starting" else Finding("stopped", ENDED)
    if start.place == "pane" or start.socket is None or start.pane is None or not ours(store, seen):
        return closed
    try:
        server, found = places.left(start.socket, start.token)
    except TmuxGone:
        return Finding("stopped", SERVER_GONE, server_gone=True)
    if found is None and server != (start.pane.server_pid, start.pane.server_start):
        return Finding("stopped", SERVER_GONE, server_gone=True)
    if found is None and start.state == "starting":
        return Finding("failed", UNREADY, pane_gone=True)
    if found is None:
        return closed
    if found.pane_pid is not None and found.pane_pid != start.pid:
        return closed  # another program was started there
    if not found.dead or found.pending:
        places.remind(server[0])
        return None
    return _exit(start, found)


def _exit(start: Start, found: Remains) -> Finding:
    """Return the state of a start whose pane has stayed after the end of its program."""
    assert start.pane
    how = Exit(found.code, found.by_signal)
    said = how.words + (" before it was ready" if start.state == "starting" else "")
    shown = "\n".join(places.last_lines(start.pane, LINES))
    return Finding("stopped" if how.clean else "failed", _cut(f"{said}\n{shown}".strip()), exit=how)


def _unused(seen: Seen) -> Finding | None:
    """Return the state of a start whose token was not used: what runs in its pane may have ended."""
    start, age = seen.start, seen.now - seen.start.created_at
    if start.pane and start.socket and SOON < age <= READY:
        try:
            server, found = places.left(start.socket, start.token)
        except (NoPane, TmuxUnavailable):
            found = None
        if found and found.pending:
            places.remind(server[0])
        elif found and found.dead:
            how = Exit(found.code, found.by_signal)
            return Finding("failed", f"the command that was to start it {how.words}", exit=how)
    return Finding("failed", "nothing appeared in its pane within 30 s") if age > READY else None


def _reported(seen: Seen) -> bool:
    """Tell whether the program has run a hook or a command of xats since it started."""
    said, start = seen.presence, seen.start
    if start.used_at is not None and start.agent.seen_at > start.used_at:
        return True
    return said is not None and said.state != "ended" and said.at >= (seen.start.used_at or 0)


def _on_screen(seen: Seen, *, reported: bool) -> Finding | None:
    """Return the state that the pane shows, None while it shows nothing that counts.

    `reported` tells whether a hook of the program has said something. A dialog needs a person all the same.
    """
    start, session = seen.start, seen.session
    assert session
    pane = session.seat.pane
    late = seen.now - (start.used_at or start.created_at) > READY
    if pane is None:  # outside tmux nothing but its hook can show it
        return Finding("running") if reported or late else None
    known = registry.find_or_generic(start.client, os.environ)
    plain = not (profile.is_known(known) or known.composer_unknown)
    if plain and not reported and seen.now - (start.used_at or 0) < SOON:
        return None  # nothing that it shows would count: see `_too_soon`
    try:
        shown = screen.look(pane)
    except (NoPane, TmuxUnavailable):
        return Finding("running") if reported else None
    if shown.pane_pid != pane.pane_pid or shown.dead:
        return Finding("running") if reported else None
    found = profile.view(known, shown)
    if found.state == "dialog":
        _ready_since.pop(start.token, None)
        return Finding("needs_you", _text(shown.rows()))
    composed = found.state in ("idle", "busy", "draft") and not _too_soon(known, shown, seen)
    if reported or (composed and not screens.unlike_a_prompt(known, pane, shown)):
        return Finding("running") if late or _stays(known, seen) else None
    _ready_since.pop(start.token, None)
    if composed or not late:
        return None
    return Finding("needs_you", _cut(f"{UNSEEN}\n{_text(shown.rows())}".strip()))


def _stays(known: Profile, seen: Seen) -> bool:
    """Tell whether the program has looked ready for long enough, in the looks of this process."""
    since = _ready_since.setdefault(seen.start.token, seen.now)
    if seen.now - since < known.start_ms:
        return False
    del _ready_since[seen.start.token]
    return True


def _too_soon(known: Profile, shown: Look, seen: Seen) -> bool:
    """Tell whether a program without a profile may not have drawn its prompt yet: it looks idle before it draws."""
    if profile.is_known(known):
        return False
    rows, age = shown.rows(), seen.now - (seen.start.used_at or 0)
    prompt = rows[shown.cursor_y].strip() if shown.cursor_y < len(rows) else ""
    return age < (SOON if prompt else LATER)


def _text(rows: list[str]) -> str:
    """Return the last rows of a screen that are not empty, as plain text, without the frame around a dialog."""
    bare = [row.strip(FRAME) for row in rows]
    return _cut("\n".join([row for row in bare if row][-LINES:]))


def _cut(text: str) -> str:
    clean = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def note(tx: Tx, seen: Seen, finding: Finding, *, tell: bool) -> None:
    """Record what a look has found; with `tell`, the person gets mail that they are needed."""
    token, detail = seen.start.token, finding.detail
    if finding.programs is not None and seen.session:
        registration.record_programs(tx, seen.session, finding.programs)
    if finding.state == "running" and seen.start.state == "stopping":
        starts.not_stopped(tx, seen.start)
    elif finding.state == "running":
        if starts.running(tx, token):
            wakes.retry_now(tx, seen.start.agent.id, "same_session")  # it was refused while the program began
    elif finding.server_gone:
        restarts.server_gone(tx, token, detail)
    elif finding.pane_gone:
        starts.fail(tx, token, detail)
    elif finding.state == "failed" or finding.exit:
        restarts.ended(tx, token, finding.exit or Exit(), detail)
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
