"""Hosts: on which one each session sits, and what people call it.

A session is marked with the id of its host, which stays, and with the host's name, which changes with the network.
Releases before there were ids marked it with the name alone. Such a session is bound to the id as soon as it is known
to be of that host: by the daemon there, and by its own next hook or command.
"""

from __future__ import annotations

from xats.base.host import is_id
from xats.core.agents import agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent, Session
    from xats.store import Tx

NAMED = f"select {agents.SESSION} from sessions s where s.ended_at is null and {agents.NOT_AN_ID} order by s.id desc"
RENAME = """
update sessions set host_name = :name
where host = :host and ended_at is null and (host_name is null or host_name <> :name)
"""
BIND = "update sessions set host = :host, host_name = :name where id = :session"
# One pane, one agent: who was bound to it under an id was so later than who is marked with a name.
LEAVE = """
update sessions set pane_socket = null, server_pid = null, server_start = null, pane_id = null, pane_pid = null,
    pane_tty = null
where id = :session and exists (
    select 1 from sessions o where o.host = :host and o.ended_at is null and o.id <> sessions.id
        and o.pane_socket = sessions.pane_socket and o.server_pid = sessions.server_pid and o.pane_id = sessions.pane_id
)
"""
SITS = "select 1 from sessions where host = :host and ended_at is null limit 1"


def bind(tx: Tx, session: Session, host: str, name: str) -> None:
    """Bind `session` to the host with the id `host`, which people call `name` now.

    It leaves a pane that another session of that host has taken.
    """
    tx.run(LEAVE, session=session.id, host=host)
    tx.run(BIND, session=session.id, host=host, name=name)


def follow(tx: Tx, agent: Agent, host: str, name: str, here: Callable[[Session], bool]) -> None:
    """Note where `agent` acts: on the host with the id `host`, which people call `name` now.

    `here` tells of a session that is marked with a name, whether it sits on this host. One that is marked with another
    id is left alone: a tool of the agent may run in a sandbox, which is a host of its own.
    """
    session = agents.current_session(tx, agent)
    if session and session.seat.host == host:
        tx.run(RENAME, host=host, name=name)
    elif session and not is_id(session.seat.host) and here(session):
        bind(tx, session, host, name)


def settle(tx: Tx, host: str, name: str, here: Callable[[Session], bool]) -> int:
    """Bind every session that sits on this host, as `here` tells, and note what it is called; return how many.

    The newest comes first, so that it is the one that keeps a pane. See `follow`.
    """
    found = [session for session in map(agents.session_of, tx.all(NAMED)) if here(session)]
    for session in found:
        bind(tx, session, host, name)
    tx.run(RENAME, host=host, name=name)
    return len(found)


def sits(tx: Tx, host: str) -> bool:
    """Tell whether any agent sits on the host with the id `host`."""
    return tx.one(SITS, host=host) is not None
