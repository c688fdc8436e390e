"""The environment: whether xats knows each XATS_ variable, and can read its value."""

from __future__ import annotations

import os
from difflib import get_close_matches

from xats.base import sandbox
from xats.base.errors import XatsError
from xats.core import keeping
from xats.core.address import check_name
from xats.core.mail import inbox
from xats.core.teams import teams
from xats.crews import permission
from xats.delivery import desktop, settings
from xats.delivery.transports import command
from xats.health import FAIL, OK, WARN, Check
from xats.hooks import enforcing, letters
from xats.identity import project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from xats.health.facts import Facts

    Reader = Callable[[Mapping[str, str]], object]

SECTION = "environment"
# The function that reads a variable and raises an error if it cannot; None where every value is valid.
READERS: dict[str, Reader | None] = {
    "XATS_AGENT": lambda environ: check_name(environ["XATS_AGENT"].partition("@")[0]),
    "XATS_TEAM": lambda environ: check_name(environ["XATS_TEAM"], "team"),
    "XATS_QUIET_MS": settings.from_environment,
    "XATS_LADDER": settings.from_environment,
    "XATS_WAKE_TIMEOUT": settings.from_environment,
    "XATS_READ_WITHIN": settings.from_environment,
    "XATS_WAKE_OFF": settings.from_environment,
    command.VARIABLE: command.program,
    desktop.VARIABLE: desktop.is_wanted,
    "XATS_KEEP": keeping.age,
    "XATS_HOOK_BUDGET": letters.budget,
    "XATS_INBOX_BUDGET": inbox.page_size,
    enforcing.LOCKS: lambda environ: enforcing.level(environ, enforcing.LOCKS),
    enforcing.ZONES: lambda environ: enforcing.level(environ, enforcing.ZONES),
    enforcing.AUTO: enforcing.locks_edits,
    enforcing.TURNS: lambda environ: enforcing.level(environ, enforcing.TURNS),
    "XATS_NAME_NEW": None,
    "XATS_DB": None,
    "XATS_HOME": None,
    "XATS_HOST": None,
    "XATS_CLIENTS": None,
    "XATS_AUTOSTART": None,
    "XATS_DEBUG": None,
    "XATS_NO_MIGRATE": None,
    "XATS_TMUX": None,
    "XATS_WORKTREE_COPY": None,
    "XATS_WORKTREE_SETUP": None,
    permission.VARIABLE: permission.by_agents,
    "XATS_FAULT": None,
    "XATS_FAULT_CLOCK": None,
    "XATS_FAULT_RESTARTS": None,
    "XATS_FAULT_SIGNAL": None,
}


def checks(
    environ: Mapping[str, str], more: Mapping[str, Reader], facts: Facts | None, said: Mapping[str, Any] | None = None
) -> list[Check]:
    """Return the checks of `environ`. `more` has the readers of variables that only higher rooms read.

    `facts` is None when the store could not be read. `said` is what the daemon reported of its environment, if it runs.
    """
    readers = {**READERS, **more}
    found = []
    if inside := sandbox.around(environ):
        detail = f"this command runs in {inside.name}, and checks only the tmux, processes and files that it sees there"
        found.append(Check(SECTION, "sandbox", WARN, detail, "xats doctor  (outside the sandbox)"))
    for name in sorted(name for name in environ if name.startswith("XATS_")):
        if name not in readers:
            found.append(_unknown(name, list(readers)))
        elif environ[name]:  # an empty one counts as not set
            found.append(_known(name, environ[name], readers[name]))
    where = project.find()
    if where and where.problem:
        folder = teams.stored(where.here)
        detail = f"{folder} is a project of its own: {teams.stored(where.problem)}"
        found.append(Check(SECTION, "project", WARN, detail, teams.stored(where.fix or "")))
    if facts and (said or not environ.get(command.VARIABLE)):
        woken = [one.agent.address for one in facts.agents if one.agent.wake_by == command.NAME]
        found += _its_program(said["wake"], woken) if said else _program(environ, woken)
    return found or [Check(SECTION, "variables", OK, "no XATS_ variable is set")]


def _its_program(wake: Mapping[str, Any], agents: list[str]) -> list[Check]:
    """Return a check of the wake program that the daemon reported, if an agent is registered for it."""
    if not agents:
        return []
    if wake["program"]:
        return [Check(SECTION, "wake", OK, f"{wake['program']}, for {', '.join(agents)}")]
    detail = f"the daemon says: {wake['trouble']}; so it cannot wake {', '.join(agents)}"
    return [Check(SECTION, "wake", FAIL, detail, f"export {command.VARIABLE}=PATH, and restart the daemon")]


def _program(environ: Mapping[str, str], agents: list[str]) -> list[Check]:
    """Return a check of the wake program in this environment, if an agent is registered for it."""
    if not agents:
        return []
    try:
        return [Check(SECTION, "wake", OK, f"{command.program(environ)}, for {', '.join(agents)}")]
    except XatsError as problem:
        detail = f"{problem}; so xats cannot wake {', '.join(agents)}"
        return [Check(SECTION, "wake", FAIL, detail, f"export {command.VARIABLE}=PATH, and restart the daemon")]


def _known(name: str, value: str, reader: Reader | None) -> Check:
    try:
        if reader:
            reader({name: value})
    except XatsError as problem:
        fix = problem.hint if problem.hint.startswith("export") else f"{problem.hint}, or: unset {name}".lstrip(", ")
        return Check(SECTION, name, FAIL, str(problem), fix)
    if name == "XATS_CLIENTS" and not os.path.isdir(value):
        return Check(
            SECTION, name, WARN, f"{value} is not a folder, so xats reads no profile of yours", f"mkdir -p {value}"
        )
    return Check(SECTION, name, OK, value)


def _unknown(name: str, known: list[str]) -> Check:
    near = get_close_matches(name, known, 1)
    fix = f"did you mean {near[0]}?" if near else f"unset {name}"
    return Check(SECTION, name, WARN, "no variable of xats has this name", fix)
