"""`xats hook run CLIENT` where the store is a database: it asks the daemon, which has the driver and a connection.

Where no daemon answers, a session start connects directly, and starts the daemon as `xats send` does. A hook that may
refuse a file change does so too. Any other hook does nothing and says so in the log. Its mail stays unread, and the
next hook or wake announces it.
"""

from __future__ import annotations

import os

from xats.base import faults, output, programs, request
from xats.base.errors import OK
from xats.hooks import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.hooks.call import Call

PATIENCE = 1.0  # seconds for the answer of the daemon, or for a connection without a daemon


def main(words: Sequence[str]) -> int:
    """Answer the event on stdin in the form of the client `words[0]`; return 0, always."""
    client = words[0] if len(words) == 1 and words[0] in programs.HOOKED else "?"
    sent, path = "", ""
    try:
        from xats.store.sqlite.paths import default_path

        path = default_path(os.environ)
        document = event.read()
        if client == "?" or not isinstance(document, dict) or not _is_used(path):
            return OK
        sent = str(document.get("hook_event_name", ""))[:40]
        try:
            said = event.carried(document)
            request.ask(path, "hook", os.environ, PATIENCE, _write, client=client, event=said)
        except request.Unreachable as problem:
            _without(words, document, path, problem)
    except (Exception, KeyboardInterrupt) as problem:
        from xats.hooks import log

        log.note(path, client, sent, problem)
    return OK


def _is_used(path: str) -> bool:
    """Tell whether this user has used the store at `path`, or the environment names an agent for a new session."""
    from xats.store.sqlite.paths import exists

    return bool(os.environ.get("XATS_AGENT")) or os.environ.get("XATS_NAME_NEW") == "1" or exists(path)


def _write(data: bytes) -> None:
    faults.point("hook.before_write")
    output.write(1, data)
    faults.point("hook.written")


def _without(words: Sequence[str], document: object, path: str, why: request.Unreachable) -> None:
    """Do what a hook does without a daemon. Raises `why` where that is nothing, and what the store raises."""
    from xats.hooks import call as calls
    from xats.hooks import guards, run

    call = calls.parse(calls.client_of(words), document, path)
    if call is None or not run.matters(call):
        return
    if not run.starts(call) and not guards.edits(call):
        raise why
    from xats.daemon import autostart

    autostart.ensure_running(path, os.environ)
    _directly(call)


def _directly(call: Call) -> None:
    """Do what the hook `call` needs if its store can be reached within PATIENCE. Raises what the store raises.

    A thread opens the store, because libpq may wait longer. This process ends without waiting for it.
    """
    import threading

    from xats.hooks import run
    from xats.store.open import load

    load(call.path)
    opened, ended = threading.Event(), threading.Event()
    problems: list[BaseException] = []

    def work() -> None:
        try:
            run.run(call, opened.set)
        except BaseException as problem:
            problems.append(problem)
        ended.set()
        opened.set()

    call.room = PATIENCE
    threading.Thread(target=work, name="hook", daemon=True).start()
    if not opened.wait(PATIENCE):
        msg = f"no daemon runs, and the database did not answer within {PATIENCE:g} s"
        raise request.Silent(msg)
    if not ended.wait(request.LONGEST):
        msg = f"no daemon runs, and the hook took longer than {request.LONGEST:g} s"
        raise request.Silent(msg)
    if problems:
        raise problems[0]
