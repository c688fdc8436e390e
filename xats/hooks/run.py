"""`xats hook run CLIENT`: what an agent program runs at its hooks, with an event as JSON on stdin.

It runs at every prompt and every tool call, so it imports only what this one call needs. It never breaks its host:
after any failure it exits 0 without an answer, and writes a line to a log beside the store.
"""

from __future__ import annotations

import os

from xats.base import programs
from xats.hooks import event, routine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.hooks.call import Call
    from xats.store import Store


def main(words: Sequence[str]) -> int | None:
    """Answer the event on stdin in the form of the client `words[0]`; return 0.

    Return None, and read nothing, where the store is a database: then the daemon answers (hooks/remote.py).
    """
    client = words[0] if len(words) == 1 and words[0] in programs.HOOKED else "?"
    sent, path = "", ""
    try:
        from xats.store.sqlite.paths import default_path

        path = default_path(os.environ)
        if "://" in path:
            return None
        document = event.read()
        if routine.is_routine(client, document, path, os.environ):
            return 0
        from xats.hooks import call as calls

        call = calls.parse(calls.client_of(words), document, path)
        if call:
            sent = call.event
            run(call)
    except (Exception, KeyboardInterrupt) as problem:
        from xats.hooks import log

        log.note(path, client, sent, problem)
    return 0


def run(call: Call, opened: Callable[[], object] = bool) -> None:
    """Do what the hook `call` needs in its store. `opened` is called when the store is open."""
    from xats.store.sqlite import paths

    if not matters(call):
        return
    binds = starts(call) and (call.environ.get("XATS_AGENT") or call.names_new())
    if not binds and not paths.exists(call.path):
        return
    from xats.store.open import open_store

    store = open_store(call.path, patience=call.patience)
    opened()
    store.patience = call.patience  # what is left of it
    if store.repaired:
        from xats.base.errors import XatsError
        from xats.hooks import log

        log.note(call.path, call.client.name, call.event, XatsError(store.repaired))
    try:
        act(call, store)
    finally:
        store.close()


def matters(call: Call) -> bool:
    """Tell whether the event of `call` can mean anything to xats: most notifications do not."""
    said = str(call.payload.get("notification_type", "")).lower()
    return call.event != "Notification" or "permission" in said


def starts(call: Call) -> bool:
    """Tell whether `call` is the start of a session of the program itself, not of a subagent."""
    return call.point == "session start" and not call.subagent


def act(call: Call, store: Store) -> None:
    """Do what the hook `call` needs in the open `store`. Raises what the store raises."""
    if starts(call):
        from xats.hooks.start import start

        start(call, store)
    elif call.subagent:
        from xats.hooks import changes

        changes.run(call, store)
    else:
        from xats.hooks import turn

        turn.run(call, store)
