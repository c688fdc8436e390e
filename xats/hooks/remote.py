"""The hooks of a store in a database: the daemon runs them for the processes that the agent programs start."""

from __future__ import annotations

from xats.hooks import call as calls
from xats.hooks import log, routine, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from xats.base.request import Request
    from xats.store import Store


def answer(asked: Request, store: Store) -> None:
    """Do what the hook needs whose process has `asked`, as `xats.hooks.run` does it in a process of its own."""
    said: Mapping[str, Any] = asked.said
    client, document, event = str(said.get("client")), said.get("event"), ""
    try:
        if routine.settles(client, document, store.glance, asked.environ):
            return
        call = calls.parse(calls.client_of((client,)), document, store.path, asked)
        if call and run.matters(call):
            event = call.event
            if run.starts(call):  # it may wait for tmux before it looks into the store
                store.read(lambda _: call.reached())
            run.act(call, store)
    except Exception as problem:
        log.note(store.path, client, event, problem)
