"""Hosts: the host of each session, by id and by name.

A session has the id of its host, which stays, and the name of the host, which changes with the network. Releases
before there were ids stored only the name. The daemon of a host, and the next hook or command of a session, bind such
a session to the id.
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
# One pane, one agent: a session bound under an id is newer than one marked with a name.
LEAVE = """
update sessions set pane_socket = null, server_pid = null, server_start = null, pane_id = null, pane_pid = null,
    pane_tty = null
where id = :session and exists (
    select 1 from sessions o where o.host = :host and o.ended_at is null and o.id <> sessions.id
        and o.pane_socket = sessions.pane_socket and o.server_pid = sessions.server_pid and o.pane_id = sessions.pane_id
)
"""
ANY = "select 1 from sessions where host = :host and ended_at is null limit 1"


def bind(tx: Tx, session: Session, host: str, name: str) -> None:
    """Bind `session` to the host with the id `host` and the current name `name`.

    The session loses its pane if another session of that host has taken the pane.
    """
    tx.run(LEAVE, session=session.id, host=host)
    tx.run(BIND, session=session.id, host=host, name=name)


def follow(tx: Tx, agent: Agent, host: str, name: str, here: Callable[[Session], bool]) -> None:
    """Record that `agent` acts on the host with the id `host` and the current name `name`.

    `here` tells whether a session that is marked with a name runs on this host. A session with another id does not
    change: a tool of the agent may run in a sandbox, which is a host of its own.
    """
    session = agents.current_session(tx, agent)
    if session and session.seat.host == host:
        tx.run(RENAME, host=host, name=name)
    elif session and not is_id(session.seat.host) and here(session):
        bind(tx, session, host, name)


def settle(tx: Tx, host: str, name: str, here: Callable[[Session], bool]) -> int:
    """Bind every session that runs on this host, as `here` tells, and record its name; return how many.

    The newest session comes first, so it keeps a pane that several sessions have. See `follow`.
    """
    found = [session for session in map(agents.session_of, tx.all(NAMED)) if here(session)]
    for session in found:
        bind(tx, session, host, name)
    tx.run(RENAME, host=host, name=name)
    return len(found)


def has_agents(tx: Tx, host: str) -> bool:
    """Tell whether any agent has its session on the host with the id `host`."""
    return tx.one(ANY, host=host) is not None
