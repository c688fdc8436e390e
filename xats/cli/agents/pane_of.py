"""The pane of an agent, for a person or an agent who wants to see it."""

from __future__ import annotations

from xats.base import host, seats
from xats.base.errors import PaneUnusable
from xats.cli.kit import views
from xats.core.agents import agents
from xats.core.waking.reasons import GONE, words
from xats.tmux import gone, guards, screen
from xats.tmux.errors import NoPane, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent, Session
    from xats.store import Tx
    from xats.tmux.screen import Look


def find(here: Context, name: str) -> tuple[Agent, Session, Pane]:
    """Return the agent `name`, its session, and its registered pane, which is on this host.

    Raises UnknownAgent, UnknownTeam, or PaneUnusable with a `reason`.
    """

    def work(tx: Tx) -> tuple[Agent, Session | None]:
        agent = here.named(tx, name)
        return agent, agents.current_session(tx, agent)

    agent, session = here.store.read(work)
    if session and session.seat.host != host.id():
        msg = f"{_named(here, agent)} runs on {session.seat.where}, and xats sees only the panes of this host."
        raise PaneUnusable(msg, "log in there, and run the same command", reason="other_host")
    if session is None or session.seat.pane is None:
        raise refused(here, agent, agent.absence or "no_pane")
    if not seats.ours(here.path, agent, session):
        raise refused(here, agent, "not_ours")
    return agent, session, session.seat.pane


def look(here: Context, agent: Agent, pane: Pane) -> Look:
    """Look at the registered `pane` of `agent`.

    Raises PaneUnusable with a `reason` if the pane is gone or has another process, or TmuxUnavailable.
    """
    try:
        seen = screen.look(pane)
    except (NoPane, TmuxUnavailable) as problem:
        reason = gone.reason(pane, problem)
        if reason in GONE:
            raise refused(here, agent, reason, pane) from problem
        raise
    other = guards.identity(pane, seen)
    if other:
        raise refused(here, agent, other)
    return seen


def has_ended(agent: Agent, session: Session, seen: Look) -> bool:
    """Tell whether the program of `agent` has surely ended, whose pane is `seen`. The shell of a person may change."""
    from xats.daemon.liveness import process_gone

    return seen.dead or (agent.client != "human" and bool(process_gone(session)))


def refused(here: Context, agent: Agent, reason: str, pane: Pane | None = None) -> PaneUnusable:
    """Return the error for an agent whose `pane` cannot be seen for the `reason`, a code of core/waking/reasons.py."""
    from xats.cli.agents.poke import HINTS

    why = f"its pane {pane.pane_id} is gone" if pane and reason == "no_pane" else words(reason)
    msg = f"xats cannot see the screen of {_named(here, agent)}: {why}."
    return PaneUnusable(msg, HINTS.get(reason, f"xats agent show {agent.name}"), reason=reason)


def about(here: Context, agent: Agent, pane: Pane, *, ended: bool = False) -> str:
    """Return in words which pane of which agent this is; `ended` says that the program of the agent has ended."""
    if ended:
        return f"pane {pane.pane_id} of {_named(here, agent)}, whose program ({agent.client}) has ended"
    return f"{_named(here, agent)} ({agent.client}) in {pane.pane_id}"


def _named(here: Context, agent: Agent) -> str:
    return views.near(agent.address, here.team)
