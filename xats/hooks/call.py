"""One call of a hook: what the event means, the circumstances in which it is sent, and the answer on stdout."""

from __future__ import annotations

import os
import time

from xats.clients.model import load
from xats.hooks.event import session_id
from xats.identity.circumstances import Circumstances

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xats.base.request import Request
    from xats.clients.model import Client, Hooks, Json

PATIENCE = 0.15  # seconds in all for which a hook waits for a busy store before it has something to hand over
EDIT_PATIENCE = 4.0  # the same before an edit: without a check and a lock, another agent may overwrite it


class Call(Circumstances):
    """One call of a hook: its event and its circumstances."""

    def __init__(
        self, client: Client, event: str, payload: Mapping[str, Any], path: str, asked: Request | None = None
    ) -> None:
        """`asked`: another process makes the call, and asks this one (the daemon) to answer it."""
        assert client.hooks
        self.given: Mapping[str, str] = asked.environ if asked else os.environ  #: as the program gave it to the hook
        super().__init__(self.given)
        self._asked = asked
        if asked:
            self.pid, self.cwd = asked.pid, asked.cwd
        self.client, self.hooks, self.event, self.payload, self.path = client, client.hooks, event, payload, path
        self.point = _point(client.hooks, event)
        usual = EDIT_PATIENCE if self.point == "before a change" else PATIENCE
        self.room = asked.patience if asked else usual  #: seconds in all to wait for a busy store
        self.subagent = bool(
            payload.get("agent_id")
        )  #: whether a subagent of the session sends this; it is no agent of its own
        if self.point == "prompt" and payload.get("prompt") == "":
            self.point = self.hooks.empty_prompt
        self.session = session_id(payload)
        self._shared: bool | None = None  # not known yet
        self._until = time.monotonic() + self.room

    def settings(self) -> Mapping[str, str]:
        """Return the environment with what the files of this project and of this user add to it."""
        from xats import settings

        files = (settings.project_path(self.project.here),) if self.project else ()
        return settings.of(self.environ, files)

    @property
    def patience(self) -> float:
        """Seconds for which this hook may still wait for the store."""
        return max(0.0, self._until - time.monotonic())

    @property
    def folder(self) -> str | None:
        """The folder in which the program works; None is the working directory, when it does not say."""
        cwd = self.payload.get("cwd")
        if isinstance(cwd, str) and os.path.isabs(cwd):
            return cwd
        return super().folder

    def began(self) -> float:
        """Return when the process of the hook started, in seconds since 1970 by the clock of this host."""
        if self._asked:
            return self._asked.began
        from xats.base import process

        return process.began()

    def mark(self) -> str:
        """Return the mark of the process of the hook, see `xats.base.process.mark`."""
        if self._asked:
            return self._asked.mark
        from xats.base import process

        return process.mark()

    def reached(self) -> None:
        """Note that the store was reached. A process that waits for the daemon then waits longer."""
        if self._asked:
            self._asked.reached()

    def answer(self, document: Json) -> None:
        """Write the answer `document` and a newline to the stdout of the hook, whole. Raises OSError."""
        from xats.base import output
        from xats.base.jsontext import to_json

        data = f"{to_json(document)}\n".encode()
        if self._asked:
            self._asked.write(data)
        else:
            output.write(1, data)

    def names_new(self) -> bool:
        """Tell whether a session without an agent gets an agent with a new name."""
        return self.environ.get("XATS_NAME_NEW") == "1" and not self.borrowed()

    def shared(self) -> bool:
        """Tell whether one process serves several sessions here, all with the environment of the first."""
        sharing = self.client.sharing
        if sharing and self._shared is None:
            from xats.base import process

            self._shared = bool(sharing.serves(process.ancestors(self.pid)))
        return bool(self._shared)

    def sharer(self) -> Client | None:
        """Return the program if one process of it may serve several sessions."""
        return self.client if self.client.sharing else None


def client_of(words: Sequence[str]) -> Client:
    """Return the client that the arguments `words` of a hook name. Raises NotFound where it has no hooks."""
    found = load(words[0]) if len(words) == 1 else None
    if found and found.hooks:
        return found
    from xats.base.errors import NotFound

    msg = "there are no hooks for this client"
    raise NotFound(msg)


def parse(client: Client, document: object, path: str, asked: Request | None = None) -> Call | None:
    """Return the call for the event `document` of the program `client`; None when xats has nothing to do for it.

    `asked`: the process that makes the call, where that is not this one.
    """
    if not isinstance(document, dict):
        return None
    event = document.get("hook_event_name")
    known = client.hooks and isinstance(event, str) and _point(client.hooks, event)
    return Call(client, event, document, path, asked) if known and isinstance(event, str) else None


def _point(hooks: Hooks, event: str) -> str:
    """Return the moment that the program calls `event`, "" where xats has no hook."""
    return next((one.point for one in hooks.events if one.event == event), "")
