"""What a transport is asked to do, without a store."""

from __future__ import annotations

from tests.delivery.conftest import LINE
from xats.core.agents import agents
from xats.core.waking.wakes import Wake
from xats.delivery.settings import Settings
from xats.delivery.transports import Request

WAKE = Wake(7, 1, "retrying", None, None, 2, 2, None, 0, "d1", 0, 0)


def request(session, line=lambda: LINE, client="generic", **changes) -> Request:
    """Return the request to wake an agent in `client` that sits in `session`."""
    agent = agents.Agent(1, "t", "bob", "backend", client, None, 1, 0, True, "auto")
    given = {"wake": WAKE, "settings": Settings(), "store": "/tmp/store.db", "token": "store-1", **changes}
    return Request(agent=agent, session=session, line=line, **{"pending": lambda: None, **given})
