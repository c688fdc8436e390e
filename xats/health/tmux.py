"""tmux: its version, each server that agents of this host have panes on, and each of those panes."""

from __future__ import annotations

import os

from xats.base import process, sandbox
from xats.base.errors import NotFound, Usage
from xats.clients import profile, registry
from xats.core.waking import reasons
from xats.delivery import routing, screens
from xats.health import FAIL, OK, WARN, Check
from xats.tmux import address, gone, guards, screen, server, socket_path
from xats.tmux.errors import NoPane, NotPermitted, ServerUntrusted, TmuxGone, TmuxTooOld, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from xats.base.pane import Pane
    from xats.core.agents.agents import Details
    from xats.health.facts import Facts
    from xats.tmux.screen import Look

SECTION = "tmux"
TIMEOUT = 2.0  # seconds for one call; one takes milliseconds
BY_TMUX = ("auto", "tmux", "notice")  # the values of --wake that need tmux


def checks(facts: Facts | None, environ: Mapping[str, str], said: Mapping[str, Any] | None = None) -> list[Check]:
    """Return the checks of tmux. `facts` is None when the store could not be read.

    `said` is what the daemon reported of its environment, if it runs: the daemon needs tmux, not this command.
    """
    seated = (
        [one for one in facts.agents if facts.here(one) and one.agent.id not in facts.displaced and _pane(one)]
        if facts
        else []
    )
    version = _version(said, needed=any(one.agent.wake_by in BY_TMUX for one in seated))
    around = [*_around(environ), *_outside(facts, environ)]
    if not seated or version.state == FAIL:
        return [version, *around]
    servers: dict[tuple[str, int, int | None], list[Details]] = {}
    for one in seated:
        pane = _pane(one)
        assert pane
        servers.setdefault((pane.socket, pane.server_pid, pane.server_start), []).append(one)
    found, panes = [version, *around], []
    for theirs in servers.values():
        pane = _pane(theirs[0])
        assert pane
        answer = _server(pane, theirs, environ)
        if answer.state == OK:
            panes += [_agent(one, environ) for one in theirs]
        elif all(_reads_alone(one) for one in theirs):
            answer = Check(SECTION, "server", OK, f"{answer.detail}; only people are registered there")
        found.append(answer)
    return [*found, *sorted(panes, key=lambda one: one.name.lower())]


def _reads_alone(one: Details) -> bool:
    """Tell whether the agent is a person in a shell of their own, where xats types and shows nothing."""
    return one.agent.client == "human" and one.agent.wake_by == "none"


def _pane(one: Details) -> Pane | None:
    return one.session.seat.pane if one.session else None


def _version(said: Mapping[str, Any] | None, *, needed: bool) -> Check:
    fix = "install tmux 3.2 or newer"
    if said and not said["tmux"]["program"]:
        detail = f"the daemon says: {said['tmux']['trouble']} (its PATH: {said['path']})"
        return Check(SECTION, "version", FAIL if needed else WARN, detail, f"{fix}, or set XATS_TMUX and restart it")
    try:
        version = server.version(said["tmux"]["program"] if said else None)
    except TmuxUnavailable as problem:
        unused = "" if needed else "; no agent has a pane, so xats does not need it yet"
        return Check(SECTION, "version", FAIL if needed else WARN, f"{problem}{unused}", fix)
    if server.too_old(version):
        return Check(SECTION, "version", WARN, f"{version}; to paste, xats needs tmux 3.2 or newer", fix)
    return Check(SECTION, "version", OK, version)


def _around(environ: Mapping[str, str]) -> list[Check]:
    """Return a failed check if the tmux server around this command cannot be trusted."""
    around = address.server(environ)
    try:
        if around:
            socket_path.check(around[0])
    except ServerUntrusted as problem:
        return [Check(SECTION, "TMUX", FAIL, str(problem), problem.hint)]
    return []


def _outside(facts: Facts | None, environ: Mapping[str, str]) -> list[Check]:
    """Return a check that names the panes outside the sandbox around this command.

    A container is a host of its own: see health/waking.py.
    """
    inside = sandbox.around(environ)
    hidden = [one.agent.address for one in facts.agents if facts.outside(one) and _pane(one)] if facts else []
    if inside is None or not hidden:
        return []
    detail = f"tmux is outside {inside.name}, so this command cannot see the panes of {', '.join(hidden)}"
    return [Check(SECTION, "server", WARN, detail, "xats doctor  (outside the sandbox)")]


def _server(pane: Pane, theirs: Iterable[Details], environ: Mapping[str, str]) -> Check:
    """Check that the server of `pane` is the one that agents registered on, and that it answers."""
    socket, names = pane.socket, ", ".join(one.agent.address for one in theirs)
    fix = "xats unregister NAME, or in the agent's pane: xats register NAME"
    try:
        said = server.run(pane, "display-message", "-p", "#{pid}|#{start_time}|#{version}", timeout=TIMEOUT).strip()
    except ServerUntrusted as problem:
        return Check(SECTION, "server", FAIL, f"{problem} So xats does not wake {names}.", problem.hint)
    except (TmuxUnavailable, NoPane) as problem:
        return _silent(pane, names, problem, environ)
    same, _, version = said.rpartition("|")
    if same not in (f"{pane.server_pid}|{pane.server_start}", f"{pane.server_pid}|"):
        detail = f"{socket} is another server now; the panes of {names} are gone"
        return Check(SECTION, "server", WARN, detail, fix)
    if server.too_old(version):
        detail = f"{socket} is tmux {version}; to paste, xats needs tmux 3.2 or newer"
        return Check(SECTION, "server", WARN, detail, TmuxTooOld.hint)
    return Check(SECTION, "server", OK, f"{socket} answers, pid {pane.server_pid}")


def _silent(pane: Pane, names: str, problem: TmuxUnavailable | NoPane, environ: Mapping[str, str]) -> Check:
    """Return a check that says why the server of `pane` does not answer. Only a missing process shows that it ended."""
    socket, pid = pane.socket, pane.server_pid
    if inside := sandbox.around(environ):
        detail = f"{inside.name} cannot reach {socket}, so this command cannot see the panes of {names}"
        return Check(SECTION, "server", WARN, detail, "xats doctor  (outside the sandbox)")
    if isinstance(problem, NotPermitted):
        detail = f"xats cannot reach {socket} from here, so it cannot wake {names} ({problem})"
        return Check(SECTION, "server", FAIL, detail, f"ls -ld {socket}")
    if isinstance(problem, TmuxGone) and not gone.server_ended(pane):
        fix = f"kill -USR1 {pid}  (the server creates its socket again)"
        if os.path.exists(socket):
            detail = f"{socket} is another server now; the server of {names} (pid {pid}) runs, but has no socket"
            return Check(SECTION, "server", FAIL, detail, f"end the other one, then: {fix}")
        detail = f"the server of {names} (pid {pid}) runs, but not at its socket {socket} ({problem})"
        return Check(SECTION, "server", FAIL, detail, fix)
    if isinstance(problem, TmuxGone):
        fix = "xats unregister NAME, or in the agent's pane: xats register NAME"
        return Check(SECTION, "server", WARN, f"{socket} is gone, with the panes of {names} ({problem})", fix)
    detail = f"{socket} does not answer, so xats cannot wake {names} ({problem})"
    return Check(SECTION, "server", FAIL, detail, f"see what it does: tmux -S {socket} list-sessions")


def _agent(one: Details, environ: Mapping[str, str]) -> Check:
    """Check the pane of an agent with the guards of the paste."""
    session, address = one.session, one.agent.address
    assert session
    pane = session.seat.pane
    assert pane
    try:
        look = screen.look(pane, TIMEOUT)
    except NoPane:
        if _reads_alone(one):
            return Check(SECTION, address, OK, f"a person; the shell in {pane.pane_id} has ended")
        return Check(SECTION, address, WARN, f"{pane.pane_id} is gone", _fix("no_pane", one, pane))
    except TmuxUnavailable as problem:
        return Check(SECTION, address, WARN, f"{pane.pane_id}: {problem}", "xats doctor  (once more)")
    reason, detail = (None, "") if _reads_alone(one) else _objection(one, pane, look)
    if reason:
        said = f"{pane.pane_id}: {reasons.words(reason)}{f': {detail}' if detail else ''}"
        return Check(SECTION, address, WARN, said, _fix(reason, one, pane))
    who = f"pid {session.seat.pid} is in front" if session.seat.pid else "a program is in front"
    if session.seat.pid and _is_own_shell(session.seat.pid):
        who = f"the shell of this command (pid {session.seat.pid}); xats types nothing into a shell"
    return Check(SECTION, address, OK, f"{pane.pane_id}: {who}{_seen(one.agent.client, look, environ)}")


def _is_own_shell(pid: int) -> bool:
    """Tell whether `pid` is a shell that runs this command."""
    return any(one.pid == pid and process.is_shell(one.name) for one in process.ancestors())


def _objection(one: Details, pane: Pane, look: Look) -> tuple[str | None, str]:
    """Return the reason why xats would not type there, and what is in the way. The screen's text does not count."""
    assert one.session
    if one.agent.client == "human":  # xats shows a person a notice and types nothing
        return guards.identity(pane, look), ""
    reason = guards.identity(pane, look) or guards.state(look)
    if reason:
        return reason, ""
    known = registry.find_or_generic(one.agent.client, os.environ)
    expected = screens.expected(known, one.session)
    found = guards.settled(guards.foreground(pane, one.session.seat.process, expected), expected, look)
    if found.by and _is_this_command(found.by[0]):
        above = [(it.pid, it.started) for it in process.ancestors()]
        return (None, "") if one.session.seat.process in above else ("shell_foreground", "")
    return found.reason, found.detail


def _is_this_command(pid: int) -> bool:
    """Tell whether the process `pid` belongs to this command line, such as `xats doctor | less`."""
    found, own = process.read(pid), process.read(os.getpid())
    return found is not None and own is not None and (found.tty, found.pgrp) == (own.tty, own.pgrp)


def _fix(reason: str, one: Details, pane: Pane) -> str:
    keys = f"tmux -S {pane.socket}"
    if reason == "copy_mode":
        return f"{keys} send-keys -t {pane.pane_id} -X cancel"
    if reason == "input_off":
        return f"{keys} select-pane -t {pane.pane_id} -e"
    if reason == "shell_foreground" and routing.has_ended(one.session):
        return f"start it again in its pane, or: xats unregister {one.agent.address}"
    if reason == "child_foreground":
        return "leave that program, or answer it; then xats wakes the agent"
    if reason == "shell_foreground":
        return f"bring it back with fg in its pane, or: xats unregister {one.agent.address}"
    if reason == "program_changed":
        return f"in that program: xats register {one.agent.name}; or: xats unregister {one.agent.address}"
    return f"xats unregister {one.agent.address}, or in its new pane: xats register {one.agent.name}"


def _seen(client: str, look: Look, environ: Mapping[str, str]) -> str:
    """Return the state that the client's profile sees on the screen, "" if the profile does not describe it."""
    try:
        known = registry.find(client, environ)
    except (NotFound, Usage):  # a faulty file has a check of its own
        return ""
    return f", {profile.view(known, look).state}" if known.prompts or known.frame else ""
