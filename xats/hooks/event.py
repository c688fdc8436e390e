"""The event that an agent program sends to a hook: one JSON object on stdin."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

READ = 2.0  # seconds in which the event must arrive; no hook has a timeout below 3
LARGEST = 1 << 20  # bytes of an event; a larger one holds the output of a tool, which xats does not need
SESSIONS = ("thread_id", "session_id", "conversation_id", "sessionId")  # what programs call the id of a session
#: what tools and models wrote: xats does not read it, and does not send it to the daemon
LEFT_OUT = ("tool_response", "tool_output", "tool_result", "last_assistant_message", "prompt_response")
FAILED = "xats_failed"  # what xats adds to the event of a tool whose result it leaves out, if that is an error
LONGEST_ID = 200  # characters


def session_id(event: Mapping[str, Any]) -> str | None:
    """Return the id by which the program knows its session, None if `event` has none. Raises Usage."""
    return next(filter(None, (_id(name, event.get(name)) for name in SESSIONS)), None)


def _id(name: str, value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        return None
    if not value.isprintable():  # as no id of a client is
        from xats.base.text import check

        check(value, name, left="Nothing was done.")
    return value


def failed(event: Mapping[str, Any]) -> bool:
    """Tell whether `event` comes after a tool that has failed: Gemini CLI has no event of its own for that."""
    result = event.get("tool_response")
    return event.get(FAILED) is True or (isinstance(result, dict) and bool(result.get("error")))


def carried(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what xats needs of `event`, to send it to the daemon."""
    found = {name: value for name, value in event.items() if name not in LEFT_OUT}
    if failed(event):
        found[FAILED] = True
    return found


class _Late(Exception):
    """The time for reading the event is over."""


def _too_late(*_: object) -> None:
    raise _Late


def read() -> object:
    """Return the JSON document that stdin begins with, as soon as it is complete; None when it is too large.

    A program may leave its end of the pipe open, or write late or never. Reading therefore ends after READ seconds. An
    event that is too large is read for that long too, because otherwise its writer fails. Raises InvalidJson.
    """
    try:  # CPython has loaded it; `signal` imports enum, and `select` is another library: 2 ms and 0.3 ms at each hook
        import _signal as signal  # type: ignore[import-not-found]
    except ImportError:  # pragma: no cover - not on this Python
        import signal

    text, found, late = bytearray(), None, False
    before = signal.signal(signal.SIGALRM, _too_late)
    # The program may have blocked it, and a child inherits that.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
    try:
        signal.setitimer(signal.ITIMER_REAL, READ)
        try:
            found = _document(text)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _Late:
        late = True
    finally:
        signal.signal(signal.SIGALRM, before)
    if found is not None or len(text) > LARGEST:
        return found
    from xats.base.errors import InvalidJson
    from xats.base.jsontext import first_json

    try:
        return first_json(text.decode())
    except (ValueError, RecursionError) as problem:
        what = f"did not finish its event within {READ:g} s" if late else "sent its event in broken JSON"
        msg = f"the program {what}"
        raise InvalidJson(msg) from problem


def _document(text: bytearray) -> object:
    """Read stdin into `text` until it holds a JSON object, and return that; None at the end of stdin.

    Only a part that ends with a brace can complete the object. Other parts are not parsed.
    """
    from xats.base.jsontext import first_json

    while part := os.read(0, 1 << 16):
        if len(text) > LARGEST:
            continue
        text += part
        if part.rstrip().endswith(b"}") and len(text) <= LARGEST:
            try:
                return first_json(text.decode())
            except (ValueError, RecursionError):
                pass
    return None
