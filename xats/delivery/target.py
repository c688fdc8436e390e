"""The target of an attempt: lease the due wakes, and find the agent, the session and the mail of each.

The steps of an attempt are target.py, attempt.py and outcome.py, in this order.
"""

from __future__ import annotations

from xats.base import faults, host
from xats.base.record import record
from xats.core.agents import agents, presence
from xats.core.waking import attempts, wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from xats.core.agents.agents import Agent, Session
    from xats.core.agents.presence import Presence
    from xats.core.waking.wakes import Pending, Wake
    from xats.delivery.settings import Settings
    from xats.store import Store, Tx

AT_ONCE = 100  # attempts at the same time; most of an attempt is waiting
NOTHING = wakes.Pending(0, 0, (), 0)


@record
class Target:
    """The agent of a wake, its session, and the mail that the wake is about."""

    agent: Agent
    session: Session | None
    pending: Pending
    presence: Presence | None = None  #: what its program reports that it is doing

    @property
    def xats_path(self) -> str | None:
        """How the agent's shell calls xats (base/calling.py); None: not known."""
        return self.session.xats_path if self.session else None


# -- leasing -----------------------------------------------------------------------------------------------------------


def lease_due(store: Store, owner: str, settings: Settings, limit: int, under_way: Collection[int] = ()) -> list[Wake]:
    """Lease up to `limit` due wakes of this host to `owner`, and return them.

    Wakes with an id in `under_way` are left out: `owner` works on them, even if the clock says that their leases ended.
    """

    def look(tx: Tx) -> list[Wake]:
        found = attempts.due(tx, limit + len(under_way), settings.longest, host.id())
        return [wake for wake in found if wake.id not in under_way][:limit]

    if not store.read(look):
        return []
    leased = store.write(lambda tx: attempts.lease(tx, look(tx), owner))
    faults.point("wake.leased")
    return leased


# -- finding -----------------------------------------------------------------------------------------------------------


def find(tx: Tx, wake: Wake) -> Target:
    """Return the target of `wake`."""
    agent = agents.by_id(tx, wake.agent_id)
    session = agents.current_session(tx, agent)
    return Target(agent, session, pending(tx, agent.id), presence.get(tx, agent.id))


def pending(tx: Tx, agent_id: int) -> Pending:
    """Return all unread mail of the agent, or NOTHING when no part of it wakes the agent."""
    return wakes.pending(tx, agent_id) if wakes.wanted(tx, agent_id) else NOTHING


# -- the token in its pane ---------------------------------------------------------------------------------------------


def token(wake: Wake, session: Session) -> str:
    """Return the token that marks the pane as woken by `wake`. All attempts on one session have the same token.

    The mark outlives the program, so the token names the session: the next program in the pane has got nothing of this
    wake. The mark outlives the store too, so the token contains a nonce: a new or restored store uses the same ids
    again, but its new rows have other nonces. A row restored with its nonce is the same wake, whose line was pasted.
    """
    return f"{wake.id}-{session.id}-{wake.nonce}"


def is_token(store: Store, session: Session, text: str) -> bool:
    """Tell whether `text` is the token of a wake of `session` in `store`, open or not."""
    number, _, rest = text.partition("-")
    if not (number.isascii() and number.isdigit()):
        return False
    nonce = store.read(lambda tx: attempts.nonce_of(tx, int(number), session.agent_id))
    return nonce is not None and rest == f"{session.id}-{nonce}"
