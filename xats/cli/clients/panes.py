"""The panes that client find looks at: the agent programs in each, and the agent that is registered there."""

from __future__ import annotations

from xats.base import occupancy, process
from xats.base.record import record
from xats.clients import search
from xats.core.agents import agents
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit.context import Context
    from xats.clients.search import Candidate
    from xats.core.agents.agents import Agent, Details
    from xats.core.agents.registration import Registered
    from xats.store import Tx
    from xats.tmux.servers import Listed, Sighted


@record
class Found:
    """A pane with the agent programs in it, the likeliest first."""

    sighted: Sighted
    folder: str
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """The likeliest program."""
        return self.candidates[0]

    @property
    def is_sure(self) -> bool:
        """Whether it can be registered without a question."""
        return search.sure(self.candidates)


@record
class Known:
    """A pane with its agent, if it has one; `done` is the registration that this command made."""

    found: Found
    details: Details | None
    done: Registered | None = None


def programs(listed: Sequence[Listed], here: Context) -> list[Found]:
    """Return those of the panes in `listed` that have an agent program."""
    look = search.Search(here.environ)
    found = []
    for one in (pane for server in listed for pane in server.panes):
        candidates = tuple(look.candidates(one.pane))
        if candidates:
            found.append(Found(one, process.folder(candidates[0].process.pid) or one.folder, candidates))
    return found


def known(here: Context, found: Sequence[Found]) -> list[Known]:
    """Return each pane of `found` with its agent. Without a store there are no agents."""
    if not exists(here.path):
        return [Known(one, None) for one in found]
    return here.store.read(lambda tx: [Known(one, details(tx, agents_of(tx, here.host, one)[0])) for one in found])


def details(tx: Tx, agent: Agent | None) -> Details | None:
    """Return everything about `agent`, None without one."""
    return agents.details(tx, agent) if agent else None


def agents_of(tx: Tx, host_id: str, found: Found) -> tuple[Agent | None, Agent | None]:
    """Return the agent of the likeliest program in a pane, and the agent of the program that ran there before.

    At most one of them is not None. The former agent counts only if the same kind of program was started again. A
    program that was registered without its pane is found by its process.
    """
    pane, program = found.sighted.pane, found.best.process
    own = (program.pid, program.started)
    last = agents.by_pane(tx, host_id, socket=pane.socket, server_pid=pane.server_pid, pane_id=pane.pane_id)
    by_process = next(iter(agents.by_processes(tx, host_id, [own])), None)
    if last and last[1].ended_at is None and last[1].seat.process == own:
        return last[0], None
    if by_process and by_process[1].ended_at is None:
        return by_process[0], None
    if last is None or last[1].ended_at is not None or last[0].client == "human":
        return None, None
    agent, session = last
    if session.seat.process is None or occupancy.holds(session.seat):
        return agent, None
    return None, agent if agent.client == found.best.client else None
