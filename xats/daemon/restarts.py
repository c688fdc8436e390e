"""Restarts: the daemon starts programs again that have ended, when they are due (core/crews/restarts.py).

A restart is a start like any other: its row with a token is written before tmux is called, and its program counts only
once it has used that token. So a daemon that is killed in between leaves either no restart, or one that the next daemon
finds: it looks for the token in the panes first, and goes on only where there is none. tmux starts nothing in a pane in
which a program runs.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from functools import partial

from xats.base import faults, host, process
from xats.base.errors import StoreError, XatsError
from xats.base.record import record, replace
from xats.clients import processes, registry
from xats.core.crews import limits, restarts, starts
from xats.core.crews.restarts import Exit
from xats.crews import command_line, keep, starting, watching
from xats.daemon.rounds import Rounds
from xats.tmux import places
from xats.tmux.errors import TmuxGone, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.crews.starts import Start
    from xats.crews.keep import Kept
    from xats.crews.watching import Seen
    from xats.store import Store, Tx
    from xats.tmux.places import Remains

EVERY = 1.0  # seconds between two rounds
CLOSED = "its pane was closed"
LOST = "what xats had kept for a restart is gone"
PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)

log = logging.getLogger("xats.daemon")


@record
class Due:
    """A start that is to be made again, or a restart that a killed daemon has left."""

    seen: Seen
    left: bool  #: whether it is such a restart


def find(tx: Tx) -> list[Due]:
    """Return the starts on this host that are due, and the restarts that a killed daemon has left."""
    old = [one for one in restarts.unfinished(tx, host.id()) if process.ended(*one.starter)]
    new = [one for one in restarts.due(tx, host.id()) if limits.may_restart(tx, one.agent.team) is None]
    return [Due(watching.find(tx, one), left=one.open) for one in (*old, *new)]


def once(store: Store) -> None:
    """Do one round now. Raises the StoreErrors."""
    for one in store.read(find):
        _restart(store, one)


def see(store: Callable[[], Store], stopping: Callable[[], bool], found: Sequence[Due]) -> list[Due]:
    """Start those of `found` again. Nothing is left to record."""
    opened = store()
    try:
        for one in found:
            if stopping():
                break
            _restart(opened, one)
    finally:
        opened.close()
    return []


class Restarts(Rounds):
    """The rounds for programs that are to be started again."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("restarts", EVERY, open_store, stopping)
        self._see = partial(see, open_store, stopping)
        self._tidied = False

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and any program is to be started again. Raises the StoreErrors."""
        if not self._tidied:  # what a killed daemon has left
            self._tidied, known = True, store.read(starts.tokens)
            with suppress(XatsError, OSError):
                keep.forget(os.environ, store.path, known)
        self.begin(store, find, self._see, lambda *_: None)


# -- one restart -------------------------------------------------------------------------------------------------------


def _restart(store: Store, due: Due) -> None:
    """Start the program of `due` again, or note why not. Raises the StoreErrors."""
    start = due.seen.start
    try:
        _try(store, due)
    except StoreError:
        raise
    except TmuxGone:
        _note(store, start, partial(restarts.server_gone, token=start.token, why=watching.SERVER_GONE))
    except TmuxUnavailable as problem:  # tmux does not answer now
        log.debug("restarts: %s: %s", start.agent.address, problem)
    except (XatsError, OSError) as problem:
        if isinstance(problem, OSError) and problem.errno in PASSING:  # the next round tries it again
            log.debug("restarts: %s: %s", start.agent.address, problem)
            return
        why = f"it could not be started again: {problem}"
        _note(store, start, partial(restarts.given_up, token=start.token, why=why))


def _try(store: Store, due: Due) -> None:
    start = due.seen.start
    kept = keep.read(os.environ, start)
    if kept is None or kept.entry.restart == "never" or not keep.is_in(kept, store.path):
        _note(store, start, partial(restarts.given_up, token=start.token, why=LOST))
        return
    if not keep.agreed(os.environ, kept):
        why = f"{kept.file} has changed, or you do not agree to it any more"
        _note(store, start, partial(restarts.file_changed, token=start.token, why=why))
        return
    server, found = _pane(kept)
    if found is None:
        gone = start.pane is not None and server != (start.pane.server_pid, start.pane.server_start)
        rule, why = (restarts.server_gone, watching.SERVER_GONE) if gone else (restarts.stop, CLOSED)
        _note(store, start, partial(rule, token=start.token, why=why))
        return
    if due.left:
        _go_on(store, start, kept, found)
    elif found.dead and not _lingers(start):
        _again(store, due.seen, kept, found)


def _pane(kept: Kept) -> tuple[tuple[int, int], Remains | None]:
    """Return the tmux server, and the pane of the start, or the one of the start before. Raises TmuxUnavailable."""
    server, found = places.left(kept.socket, kept.token)
    if found is None and kept.before is not None:
        server, found = places.left(kept.socket, kept.before)
    return server, found


def _lingers(start: Start) -> bool:
    """Tell whether the agent program runs on in another process of the same session: a second one would run beside it.

    So it is for an end of the process that had started it.
    """
    if start.pid is None:
        return False
    known = registry.find_or_generic(start.client, os.environ)
    return any(processes.runs(known, one) for one in process.session(start.pid))


def _again(store: Store, seen: Seen, kept: Kept, found: Remains) -> None:
    """Write the restart, and make it in the pane `found`."""
    before = seen.start
    session = _session(store, seen, kept)
    program = _program(kept, session)
    new = starting.new(
        program.client,
        before.place,
        kept.folder,
        pending=bool(program.prompt),
        socket=kept.socket,
        started_by=before.started_by,
        worktree=before.worktree,
        branch=before.branch,
        base=before.base,
        crew_file=kept.file,
        policy=kept.entry.restart,
    )
    next_ = keep.again(kept, new.token, session)
    keep.put(os.environ, next_)  # before its row: without it, nobody could go on with the restart
    faults.point("restart.kept")
    prompted = session is None and kept.entry.prompt is not None
    begun = store.write(lambda tx: restarts.begin(tx, before.token, new, restarts.RULES, prompted=prompted))
    if begun is None:  # its team waits for its turn, or another process has begun it
        keep.remove(os.environ, new.token)
        return
    faults.point("restart.written")
    log.info("%s: restarted, generation %s%s", begun.agent.address, begun.generation, " (resumed)" if session else "")
    _open(store, begun, next_, found)


def _go_on(store: Store, start: Start, kept: Kept, found: Remains) -> None:
    """Go on with a restart whose daemon was killed, if its command is in no pane yet."""
    me = starting.own_process()
    if not store.write(lambda tx: restarts.adopt(tx, start, me)):
        return
    if kept.before is None or places.left(kept.socket, kept.token)[1] is not None:
        return  # its command runs, or has run
    if found.dead:
        _open(store, replace(start, starter=me), kept, found)


def _open(store: Store, begun: Start, kept: Kept, found: Remains) -> None:
    """Make the restart `begun` in the pane `found`; if that fails, it counts as an exit."""
    program = _program(kept, kept.session)
    try:
        pane = starting.reopen_pane(begun, program, kept.socket, found.pane_id)
    except (XatsError, OSError) as problem:
        why = f"it could not be started in its pane: {problem}"
        _note(store, begun, partial(restarts.ended, token=begun.token, how=Exit(), detail=why))
        return
    faults.point("restart.made")
    store.write(lambda tx: starts.placed(tx, begun.token, pane))
    keep.only(os.environ, begun.agent.id, program.db, begun.token)


def _session(store: Store, seen: Seen, kept: Kept) -> str | None:
    """Return the session of the client that the restart continues; None if the program was never ready."""
    if seen.start.ready_at is None or not watching.ours(store.path, seen):
        return None
    known = registry.find_or_generic(kept.program.client, os.environ)
    found = (seen.session.seat.client_session if seen.session else None) or kept.session
    return found if found and known.resume and found[:1] != "-" and found.isprintable() else None


def _program(kept: Kept, session: str | None) -> starting.Program:
    """Return the program of `kept` with the arguments of a restart: it continues `session`, or begins afresh."""
    program, entry = kept.program, kept.entry
    known = registry.find_or_generic(program.client, os.environ)
    if not known.resume and not known.first_prompt:
        return program
    own = (*entry.command[1:], *entry.args)
    words, prompt = command_line.arguments(known, own, session, None if session else entry.prompt)
    return replace(program, arguments=tuple(words), prompt=prompt, session=session)


def _note(store: Store, start: Start, rule: Callable[[Tx], bool]) -> None:
    if store.write(rule):
        found = store.read(lambda tx: starts.by_token(tx, start.token))
        said = (found.detail or "").split("\n")[0] if found else "removed"
        log.info("%s: %s", start.agent.address, said)
