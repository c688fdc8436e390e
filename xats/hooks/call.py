"""One call of a hook: the event that a program sends on stdin, what it means, and the answer on stdout."""

from __future__ import annotations

import os
import time

from xats.base.errors import InvalidJson
from xats.clients.model import load
from xats.identity.circumstances import Circumstances

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xats.clients.model import Client, Hooks, Json

READ = 2.0  # seconds that the event on stdin is waited for, all in all; no hook has a timeout below 3
LARGEST = 1 << 20  # bytes of an event; a larger one tells of a tool's output, which is nothing to us
PATIENCE = 0.15  # seconds that a busy store is waited for, all in all, until there is something to hand over


class Call(Circumstances):
    """One call of a hook: its event, and what is known of where it runs."""

    def __init__(self, client: Client, event: str, payload: Mapping[str, Any], path: str) -> None:
        assert client.hooks
        super().__init__(os.environ)
        self.client, self.hooks, self.event, self.payload, self.path = client, client.hooks, event, payload, path
        self.point = _point(client.hooks, event)
        self.subagent = bool(payload.get("agent_id"))  #: a helper of the session tells this, which has no seat
        if self.point == "prompt" and payload.get("prompt") == "":
            self.point = self.hooks.empty_prompt
        named = (self._text(name) for name in ("thread_id", "session_id", "conversation_id", "sessionId"))
        self.session = next(filter(None, named), None)
        self._shared: bool | None = None  # not known yet
        self._until = time.monotonic() + PATIENCE

    def settings(self) -> Mapping[str, str]:
        """Return the environment with what the files of this project and of this user add to it."""
        from xats import settings

        files = (settings.project_path(self.project.here),) if self.project else ()
        return settings.of(self.environ, files)

    def _text(self, name: str) -> str | None:
        value = self.payload.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= 200:
            return None
        if not value.isprintable():  # as no id of a client is
            from xats.base.text import check

            check(value, name, left="Nothing was done.")
        return value

    @property
    def patience(self) -> float:
        """How many seconds the store may still be waited for."""
        return max(0.0, self._until - time.monotonic())

    @property
    def folder(self) -> str | None:
        """Where the program works, None when it does not say."""
        cwd = self.payload.get("cwd")
        return cwd if isinstance(cwd, str) and os.path.isabs(cwd) else None

    def shared(self) -> bool:
        """Tell whether one process serves several sessions here, whose environment is that of the first of them."""
        sharing = self.client.sharing
        if sharing and self._shared is None:
            from xats.base import process

            self._shared = bool(sharing.serves(process.ancestors()))
        return bool(self._shared)

    def sharer(self) -> Client | None:
        """Return the program one process of which may serve several sessions."""
        return self.client if self.client.sharing else None


def of_words(words: Sequence[str]) -> Client | None:
    """Return the client that the arguments `words` of a hook name, None where it has no hooks."""
    found = load(words[0]) if len(words) == 1 else None
    return found if found and found.hooks else None


def parse(client: Client, document: object, path: str) -> Call | None:
    """Return the call for the event `document` of the program `client`; None when xats has nothing to do for it."""
    if not isinstance(document, dict):
        return None
    event = document.get("hook_event_name")
    known = client.hooks and isinstance(event, str) and _point(client.hooks, event)
    return Call(client, event, document, path) if known and isinstance(event, str) else None


def _point(hooks: Hooks, event: str) -> str:
    """Return which moment the program calls `event`, "" for one at which xats is not asked."""
    return next((one.point for one in hooks.events if one.event == event), "")


class _Late(Exception):
    """The time for reading the event is over."""


def _too_late(*_: object) -> None:
    raise _Late


def read_event() -> object:
    """Return the JSON document that stdin begins with, as soon as it is complete; None when it is too large.

    The program may leave its end of the pipe open, and may write late or never: reading ends after READ seconds. What
    is too large is read on for that long, so that its writer does not fail. Raises InvalidJson.
    """
    try:  # CPython has loaded it; `signal` imports enum, and `select` is another library: 2 ms and 0.3 ms at each hook
        import _signal as signal  # type: ignore[import-not-found]
    except ImportError:  # pragma: no cover - not on this Python
        import signal

    from xats.base.jsontext import first_json

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
    try:
        return first_json(text.decode())
    except (ValueError, RecursionError) as problem:
        what = f"did not finish its event within {READ:g} s" if late else "told its event in broken JSON"
        msg = f"the program {what}"
        raise InvalidJson(msg) from problem


def _document(text: bytearray) -> object:
    """Read stdin into `text` until it holds a JSON object, and return that; None at the end of stdin.

    Only a part that ends with a brace can complete it, so that a long event is not parsed again for each of its parts.
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


def names_new(call: Call) -> bool:
    """Tell whether a session that belongs to nobody is to get a name of its own."""
    return call.environ.get("XATS_NAME_NEW") == "1" and not call.borrowed()


def answer(document: Json) -> None:
    """Write the answer `document` and a newline to stdout, whole."""
    from xats.base import output
    from xats.base.jsontext import to_json

    output.write(1, f"{to_json(document)}\n".encode())
