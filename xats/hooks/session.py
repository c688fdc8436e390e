"""Record what has changed about a session: the program that its process runs, and its host."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent, Session
    from xats.hooks.call import Call
    from xats.store import Store


def record_host(call: Call, store: Store, me: Agent, session: Session) -> None:
    """Record on which host the `session` of `me` is, and the present name of that host."""
    from xats.base import host, occupancy
    from xats.core import hosts

    if host.is_id(session.seat.host) and session.seat.host != call.host:  # this process is in a sandbox
        return

    def here(session: Session) -> bool:
        seen = occupancy.sits_here(session.seat)
        return bool(seen) or (seen is None and not host.nested())

    store.patience = call.patience
    store.write(lambda tx: hosts.follow(tx, me, call.host, host.name(), here))


def record_programs(call: Call, store: Store, session: Session) -> None:
    """Record what the process of `session` runs if that process is above this one: then this is a hook of it."""
    from xats.base import program
    from xats.clients import processes
    from xats.core.agents import registration

    above = call.ancestors()
    outer = next((one for one in above if (one.pid, one.started) == session.seat.process), None)
    seen = program.look(outer.pid, processes.inner(above, outer)) if outer else None
    if seen:
        store.patience = call.patience
        store.write(lambda tx: registration.replace_programs(tx, session, seen))
