"""Clients: the agent programs on this machine, how many agents run each, their hooks, and the user's profiles."""

from __future__ import annotations

import calendar
import os
import shutil
import signal
import subprocess
import time

from xats.base import folders, sidefile
from xats.base.durations import rough
from xats.base.errors import Usage
from xats.base.visible import one_line
from xats.clients import registry
from xats.health import FAIL, OK, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.clients.profile import Profile
    from xats.health.facts import Facts

SECTION = "clients"
RECENT = 3600  # seconds for which an error of a hook is worth a warning
TAIL = 128 << 10  # bytes of the hooks' log that are read; it is never longer
PASSING = ("store_busy", "KeyboardInterrupt")  # the next hook tries again; a person ended the program
LIMIT = 2.0  # seconds in which all programs together must print their versions


def checks(facts: Facts | None, environ: Mapping[str, str], store: str) -> list[Check]:
    """Return the checks for the store at the path `store`. `facts` is None when the store could not be read."""
    found, broken = _profiles(environ)
    counts: dict[str, int] = {}
    for one in facts.agents if facts else ():
        counts[one.agent.client] = counts.get(one.agent.client, 0) + 1
    programs = {one.name: path for one in found if (path := _program(one, environ))}
    said = versions(programs, LIMIT)
    lines = [_line(name, programs.get(name), said.get(name), counts.get(name, 0)) for name in programs]
    for name in sorted(set(counts) - set(programs)):
        lines.append(Check(SECTION, name, OK, _absent(name, found, counts[name])))
    if not lines:
        lines.append(Check(SECTION, "programs", OK, "no agent program that xats knows is in PATH"))
    return [
        *lines,
        *broken,
        *hooks(environ),
        *_refused(sidefile.path_for(store, "hooks.log"), time.time()),
        *shared(environ),
    ]


def _refused(log: str, now: float) -> list[Check]:
    """Return a check for the last recent error of a hook, such as a name that another session has.

    Only this check shows it: the hook reports no error to its program, and the session gets no mail.
    """
    try:
        lines = sidefile.read(log, TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    for line in reversed(lines):
        at, _, said = line.partition(" ")
        try:
            age = now - calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ"))
        except ValueError:
            continue
        if age > RECENT:
            break
        if not any(word in said for word in PASSING):
            detail = f"{rough(round(max(age, 0) * 1000))} ago: {one_line(said)}"
            return [Check(SECTION, "last hook error", WARN, detail, f"see {log}")]
    return []


def shared(environ: Mapping[str, str]) -> list[Check]:
    """Return a check for each shared process that passes the name of one agent of this store to all its sessions."""
    from importlib import import_module

    from xats.base import programs
    from xats.clients import model
    from xats.store.sqlite.paths import default_path

    found = []
    for client in filter(None, map(model.load, programs.SHARING.values())):
        assert client.sharing
        terminals = import_module(client.sharing.terminals)
        for pid, its in terminals.servers():
            agent = its.get("XATS_AGENT")
            if agent and default_path(its) == default_path(environ):
                detail = (
                    f"{client.title}'s daemon (pid {pid}) has XATS_AGENT={agent}; xats ignores that, because the "
                    "daemon serves other sessions too"
                )
                fix = f"{terminals.STOP}; then: xats launch {client.name}"
                found.append(Check(SECTION, f"{client.name} daemon", WARN, detail, fix))
    return found


def hooks(environ: Mapping[str, str]) -> list[Check]:
    """Return a check for each client whose user settings have hooks of xats."""
    from xats.hooks.clients import CLIENTS
    from xats.hooks.install.installed import look

    try:
        folders.home(environ)
    except folders.NoHome as problem:
        return [Check(SECTION, "hooks", WARN, str(problem), problem.hint)]
    found = []
    for client in CLIENTS:
        one = look(client, "user", client.path("user", environ, ""), ())
        name, fix = f"hooks of {client.name}", f"xats hook install {client.name}"
        if one.state == "installed":
            found.append(Check(SECTION, name, WARN if one.detail else OK, one.detail or f"installed in {one.path}"))
        elif one.state == "stale":
            found.append(
                Check(SECTION, name, WARN, f"this xats would write the hooks in {one.path} in another way", fix)
            )
        elif one.state == "broken":
            found.append(Check(SECTION, name, FAIL, f"{one.path} runs {one.program}, which does not exist", fix))
        elif one.state == "unreadable":
            found.append(Check(SECTION, name, WARN, one.detail))
    return found


def _profiles(environ: Mapping[str, str]) -> tuple[list[Profile], list[Check]]:
    """Return the profiles that can be read, and a check for each file of the user's that cannot."""
    found, broken = [], []
    for name in registry.names(environ):
        try:
            found.append(registry.find(name, environ))
        except Usage as problem:
            fix = (
                problem.hint
                or f"correct or remove that file; to see the built-in profile then: xats client show {name}"
            )
            broken.append(Check(SECTION, "profile", FAIL, str(problem), fix))
    return found, broken


def _program(one: Profile, environ: Mapping[str, str]) -> str | None:
    paths = (shutil.which(name, path=environ.get("PATH", os.defpath)) for name in one.executables)
    return next((path for path in paths if path), None)


def _line(name: str, path: str | None, version: str | None, count: int) -> Check:
    who = f"; {_agents(count)}" if count else ""
    if version is None:
        return Check(SECTION, name, WARN, f"{path} --version failed{who}", f"{path} --version")
    return Check(SECTION, name, OK, f"{version or 'version unknown'}, {path}{who}")


def _absent(name: str, found: list[Profile], count: int) -> str:
    known = next((one for one in found if one.name == name), None)
    if known is None:
        return f"{_agents(count)}; no profile, so xats treats it as generic"
    return f"{_agents(count)}; not in PATH" if known.executables else _agents(count)


def _agents(count: int) -> str:
    return f"{count} agent{'s' if count != 1 else ''}"


def versions(programs: Mapping[str, str], limit: float) -> dict[str, str | None]:
    """Return the versions of `programs` (name: path), which all run at once for at most `limit` seconds.

    A program that has printed nothing by then has the version "", and one that fails has None.
    """
    running: dict[str, subprocess.Popen[bytes]] = {}
    said: dict[str, str | None] = {}
    until = time.monotonic() + limit
    for name, path in programs.items():
        try:
            # A session of its own: xats can end it with its children, and it has no terminal to write to.
            running[name] = subprocess.Popen(
                [path, "--version"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            said[name] = None
    for name, one in running.items():
        said[name] = _answer(one, until - time.monotonic())
    return said


def _answer(one: subprocess.Popen[bytes], patience: float) -> str | None:
    try:
        said, _ = one.communicate(timeout=max(0.05, patience))
    except subprocess.TimeoutExpired:
        os.killpg(one.pid, signal.SIGKILL)  # it is not reaped yet, so no other process has its pid
        one.wait()
        assert one.stdout
        one.stdout.close()
        return ""
    if one.returncode:
        return None
    lines = said.decode("utf-8", "replace").splitlines()
    return next((line.strip()[:60] for line in lines if any(char.isdigit() for char in line)), "")
