"""The verb with which an agent leaves its team: unregister."""

from __future__ import annotations

from xats.base import durations, occupancy
from xats.base.errors import Refused
from xats.cli.agents import given_back, pane_mark
from xats.cli.kit import render
from xats.cli.kit.scope import me_or_none
from xats.core.agents import agents as core
from xats.core.agents import registration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent, Session
    from xats.store import Tx


def unregister(here: Context, name: params.OptionalNameArg = None, *, force: params.ForceOption = False) -> int:
    """Unregister an agent; its mail is kept under its name.

    Without --force, xats refuses to take out an agent that has claimed tasks, holds locks or has a turn. It also
    refuses to take out another agent than yourself, unless the process of that agent is known to have ended. With
    --force, the claimed tasks are open again and the agents that added them get mail, the locked files are free, and a
    turn goes to the next in line, which gets mail.

    Example: xats unregister
    """
    from xats.core.agents import holdings
    from xats.daemon.probe import PROBE

    def work(tx: Tx) -> tuple[Agent, Session | None, int, holdings.Released]:
        agent = here.me(tx).agent if name is None else here.named(tx, name)
        session = core.current_session(tx, agent)
        me = me_or_none(here, tx)
        mine = me is not None and me.agent.id == agent.id
        if name is not None and not force and not mine and session:
            _refuse_if_there(tx, agent, session)
        if not force:
            holdings.refuse(tx, agent)
        released = holdings.release(tx, agent, me.agent if me else None, PROBE)
        return agent, session, registration.unregister(tx, agent, me.agent if me else None), released

    agent, session, unread, released = here.store.write(work)
    if released:
        here.rouse_daemon()
    pane_mark.remove(here.path, session)
    if here.json:
        about = {"agent": {"name": agent.name, "team": agent.team}, "unread": unread}
        render.document({**about, **given_back.fields(released)})
    elif not here.quiet:
        kept = f"; {unread} unread kept until the name returns" if unread else ""
        kept += given_back.said(released)
        render.put(f"{agent.name} unregistered from team {agent.team}{kept}")
    return 0


def _refuse_if_there(tx: Tx, agent: Agent, session: Session) -> None:
    """Raise Refused unless `agent` is known to have ended: an agent without a known process may still be there."""
    from xats.core.agents import presence
    from xats.daemon.liveness import process_gone

    fix = f"xats unregister {agent.name} --force"
    if occupancy.holds(session.seat):
        msg = f"{agent.name} is at work (pid {session.seat.pid}), and you are not {agent.name}."
        raise Refused(msg, fix, agent=agent.address)
    reported = presence.get(tx, agent.id)
    if process_gone(session) or core.gone_since(agent, session) or (reported and reported.state == "ended"):
        return
    seen = durations.ago(agent.seen_at, tx.now)
    msg = f"{agent.name} may still be at work: its process is not known here, and it was seen {seen}."
    raise Refused(msg, fix, agent=agent.address)
