"""What an agent holds that other agents may need: its claimed tasks, its locks and its turns."""

from __future__ import annotations

from xats.base.record import record
from xats.base.visible import one_line
from xats.core.locks import leaving, locks
from xats.core.locks.errors import LocksHeld
from xats.core.tasks import claims
from xats.core.tasks.errors import TasksHeld
from xats.core.turns import membership, turns
from xats.core.turns.errors import TurnsHeld

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Tx

SHOWN = 5  # tasks and locks that an error names


@record
class Released:
    """What an agent that has left, or whose program was ended, has given back."""

    tasks: tuple[int, ...]  #: the ids of tasks that are open again
    locks: tuple[str, ...]  #: the paths of files that it had locked
    turns: tuple[Turn, ...]  #: the turns that it had, as they are now

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.tasks or self.locks or self.turns)


NOTHING = Released((), (), ())


def refuse(tx: Tx, agent: Agent) -> None:
    """Raise TasksHeld, LocksHeld or TurnsHeld if `agent` holds such a thing. One error names all of them."""
    tasks, held = claims.held_by(tx, agent), locks.held_by(tx, agent.id, explicit=True)
    taken = turns.held_by(tx, agent.id)
    if not tasks and not held and not taken:
        return
    said = []
    if tasks:
        names = _list([f"#{task.id} {task.title}" for task in tasks])
        said.append(f"has claimed {len(tasks)} task{'s' if len(tasks) > 1 else ''}: {names}")
    if held:
        names = paths([lock.file.path for lock in held])
        said.append(f"holds {len(held)} lock{'s' if len(held) > 1 else ''}: {names}")
    if taken:
        names = _list([one.name for one in taken])
        said.append(f"has {taken[0].called if len(taken) == 1 else f'the turns {names}'}")
    finish = "finish them, or release them" if tasks else "release them" if held else taken[0].call("release")
    then = ":" if tasks or held else "; or, to give it to the next in line:"
    data = {
        "tasks": [task.id for task in tasks],
        "locks": [lock.file.path for lock in held],
        "turns": [one.name for one in taken],
    }
    raise (TasksHeld if tasks else LocksHeld if held else TurnsHeld)(
        f"{agent.name} {'; and it '.join(said)}.",
        f"{finish}{then} xats unregister {agent.name} --force",
        agent=agent.address,
        **{name: values for name, values in data.items() if values},
    )


def release(tx: Tx, agent: Agent, by: Agent | None, probe: Probe) -> Released:
    """Release the tasks, the locks and the turns of `agent`, which is about to leave.

    The agents that added these tasks get mail, except `by`, which unregisters `agent`. A turn goes to the next in line,
    which gets mail; `probe` tells which agents can be reached. The daemon tells those that wait for a file.
    """
    moved = membership.depart(tx, agent, "has left the team", probe)
    tasks = claims.leave(tx, agent, by=by)
    return Released(tuple(tasks), tuple(lock.file.path for lock in leaving.leave(tx, agent)), tuple(moved))


def stopped(tx: Tx, agent: Agent, probe: Probe) -> Released:
    """Release the tasks, the locks and the turns of `agent`, whose program a person has ended. It stays in its team.

    The agents that added these tasks get mail. A turn goes to the next in line, as with `release`.
    """
    moved, tasks = membership.stopped(tx, agent, probe), claims.stopped(tx, agent)
    return Released(tuple(tasks), tuple(lock.file.path for lock in leaving.leave(tx, agent)), tuple(moved))


def paths(found: Sequence[str]) -> str:
    """Return the first of the paths `found` for a line of text."""
    return _list([one_line(one) for one in found])


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
