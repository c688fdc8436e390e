"""The program: whether this shell and the agents find xats in their PATH."""

from __future__ import annotations

import os
import shlex

from xats.base import calling, occupancy, process
from xats.clients import model
from xats.health import FAIL, OK, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.core.agents.agents import Details
    from xats.health.facts import Facts

SECTION = "environment"


def checks(environ: Mapping[str, str], facts: Facts | None) -> list[Check]:
    """Return a check of the PATH of `environ`, and one for each agent on this host whose PATH has no xats.

    `facts` is None when the store could not be read.
    """
    found = calling.find(environ)
    if found:
        lines = [Check(SECTION, "PATH", OK, f"xats is {found}")]
    else:
        lines = [Check(SECTION, "PATH", WARN, "xats is not in the PATH of this shell", _export(calling.script()))]
    for one in facts.agents if facts else ():
        if facts and facts.here(one) and one.agent.client != "human":
            lines += _agent(one)
    return lines


def _agent(one: Details) -> list[Check]:
    """Return a check if an agent's PATH has no xats. Without a known shell, the environment of its program counts."""
    assert one.session
    name, path = f"PATH of {one.agent.address}", one.session.xats_path
    client = model.load(one.agent.client)
    login = client is not None and client.login_shell
    if path is None and one.session.seat.pid is not None and occupancy.living(one.session.seat):
        its = process.environ(one.session.seat.pid)
        found = calling.find(its) if its else None
        if its and (found is None or (login and not calling.is_usual(found, its))):
            detail = "its program was started without xats in PATH, and its wake lines give no path"
            if login:
                detail = "its login shell may not have xats in PATH, and its wake lines give no path"
            fix = f"xats register {one.agent.name} --team {one.agent.team}  (where that agent works)"
            return [Check(SECTION, name, WARN, detail, fix)]
    if path in (None, calling.NAME):
        return []
    if not os.path.isfile(path):
        fix = f"xats register {one.agent.name} --team {one.agent.team}  (where that agent works)"
        return [Check(SECTION, name, FAIL, f"it has no xats, and {path} is gone", fix)]
    if login:  # its login shell sets PATH itself: an export before the program starts has no effect
        detail = f"it runs commands in a login shell, so wake lines and hooks give the path: {calling.spelled(path)}"
        return [Check(SECTION, name, OK, f"{detail}; the name is enough if ~/.profile has: {_export(path)}")]
    detail = f"it has no xats, so wake lines and hooks give the path: {calling.spelled(path)}"
    return [Check(SECTION, name, WARN, detail, f"{_export(path)}  (before that agent is started)")]


def _export(path: str | None) -> str:
    folder = os.path.dirname(path) if path else "FOLDER"
    return f"export PATH={shlex.quote(folder)}:$PATH"
