"""Read the session of a process from the variables that an agent program sets for its children.

The variables were observed in Claude Code 2.1, Codex 0.171, Gemini CLI 0.61 and opencode 1.18.
"""

from __future__ import annotations

from xats.base import programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xats.base.process import Process
    from xats.clients.model import Client

SESSION_IDS = tuple(programs.SESSIONS)
MARKS = programs.MARKS


def session_id(environ: Mapping[str, str]) -> str | None:
    """Return the id of the client session of this process, None if no variable has it."""
    for name in SESSION_IDS:
        if environ.get(name):
            return environ[name]
    return None


def own_session_id(environ: Mapping[str, str], ancestors: Callable[[], Sequence[Process]]) -> str | None:
    """Return the session id of the agent program that runs this process, None if no variable has it.

    The tools of an agent program also inherit the variables of the program that started it. So the nearest of the
    `ancestors` (nearest first) decides. If none of them is known, as in a sandbox, xats believes the environment.
    """
    said = [name for name in SESSION_IDS if environ.get(name)]
    if not said:
        return None
    found = ancestors()
    if len(said) == 1 and _runs_us(programs.SESSIONS[said[0]][1], found):  # without the import of all profiles
        return environ[said[0]]
    from xats.clients import processes, registry

    nearest = processes.nearest(found)
    if nearest is None:
        return environ[said[0]]
    program, client = nearest
    own = next((name for name in said if programs.SESSIONS[name][0] == client), None)
    if own is None and client not in registry.BUILT_IN:  # a profile of the user's own, perhaps of the same program
        beyond = found[next(index for index, one in enumerate(found, 1) if one.pid == program.pid) :]
        outer = processes.nearest(beyond)
        own = next((name for name in said if outer is None or programs.SESSIONS[name][0] != outer[1]), None)
    return environ[own] if own else None


def _runs_us(program: str, above: Sequence[Process]) -> bool:
    """Tell whether `program` is the first of the processes `above` that may be an agent program, or none is one."""
    from xats.clients import names

    upto = next((index for index, one in enumerate(above) if one.name == program), len(above))
    return names.none_among(above[:upto])


def inside_agent(environ: Mapping[str, str]) -> bool:
    """Tell whether an agent program, and not a person, started this process. Codex gives its tools a terminal too."""
    return session_id(environ) is not None or any(environ.get(name) for name in MARKS)


def pane_is_trusted(environ: Mapping[str, str]) -> bool:
    """Tell whether TMUX_PANE is this process's own pane.

    Codex runs its tools in a daemon that all its sessions share, and that has the TMUX_PANE of its own start.
    """
    return not any(environ.get(name) for name in programs.SHARING)


def is_of_sharer(environ: Mapping[str, str], session: str) -> bool:
    """Tell whether `session` belongs to a client that may serve several sessions by one process."""
    return session in [environ.get(name) for name in programs.SHARING]


def sharer(environ: Mapping[str, str]) -> Client | None:
    """Return the client that may serve this session and others by one process; its variable in `environ` shows it."""
    from xats.clients import model

    name = next((client for variable, client in programs.SHARING.items() if environ.get(variable)), None)
    return model.load(name) if name else None
