"""The daemon: whether it runs, whether it keeps up, and its last error."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress

from xats import __version__, settings
from xats.base import process, sidefile
from xats.base.durations import rough
from xats.base.errors import XatsError
from xats.clients import registry
from xats.daemon import lock, report
from xats.daemon.lock import log_path
from xats.delivery import environment
from xats.health import FAIL, OK, WARN, Check
from xats.store.sqlite import engine, info

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from xats.core.crews.starts import Start
    from xats.health.facts import Facts

SECTION = "daemon"
SLOW, STUCK = 5_000, 60_000  # ms that a wake may be due
NAMED = 5  # agents that a check names
RECENT = 3600  # seconds in which an error is worth a warning
ASKING = 2.0  # seconds for an answer of the daemon
TAIL = 256 * 1024  # bytes of the log that are read
_ERROR = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ (?:ERROR|CRITICAL) (.*)")
_ENTRY = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z]+ ")


def checks(path: str, facts: Facts | None, environ: Mapping[str, str]) -> list[Check]:
    """Return the checks of this host's daemon for the store at `path`. `facts`: None when it could not be read."""
    try:
        held, pid = lock.held(path), lock.holder(path)
    except OSError as problem:
        detail = f"xats cannot see whether it runs: {problem.strerror}"
        return [Check(SECTION, "running", WARN, detail, f"ls -l {lock.path_for(path)}")]
    log = _log(log_path(path))
    found = [_running(path, pid, log, held=held, facts=facts, environ=environ)]
    if said := report.read(path, pid):
        found += [*_environment(said, environ), *_sqlite(path, said)]
    if pid and "://" in path and not process.halted(pid):
        found.append(_answers(path, environ))
    if facts:
        found += [_lag(path, facts, runs=held), *_crew(facts)]
    return [*found, _last_error(log, log_path(path), time.time())]


def _running(
    path: str, pid: int | None, log: list[str], *, held: bool, facts: Facts | None, environ: Mapping[str, str]
) -> Check:
    if pid and (state := process.halted(pid)):
        detail = f"pid {pid} is {state}, so no agent is woken"
        return Check(SECTION, "running", FAIL, detail, process.continuing(pid, state))
    if pid:
        version = _version(pid, log)
        if version and version != __version__:
            detail = f"pid {pid} is xats {version}, and this is {__version__}"
            return Check(SECTION, "running", WARN, detail, "xats daemon restart")
        return Check(SECTION, "running", OK, f"pid {pid}" + (f", xats {version}" if version else ""))
    if held:
        return Check(SECTION, "running", OK, "just starting")
    if failure := lock.failure(path):
        return Check(SECTION, "running", FAIL, f"no, and its last start failed: {failure}", "xats daemon start")
    if lock.outside(path):
        return Check(SECTION, "running", OK, "not in this container or sandbox, but outside of it")
    if facts and facts.next_due is not None:
        return Check(SECTION, "running", WARN, "no, and wakes wait for it", "xats daemon start")
    if facts and (kept := [one for one in facts.crew if one.policy != "never" and one.state != "flapping"]):
        detail = f"no, so it does not restart {_names(kept)}"
        return Check(SECTION, "running", WARN, detail, "xats daemon start")
    if environ.get("XATS_AUTOSTART") == "0":
        detail = "no, and with XATS_AUTOSTART=0 no send starts it"
        return Check(SECTION, "running", WARN, detail, "xats daemon start")
    return Check(SECTION, "running", OK, "no; the next send starts it")


def _crew(facts: Facts) -> list[Check]:
    """Return a check of the programs that end too often, if there are any."""
    flapping = [one for one in facts.crew if one.state == "flapping"]
    if not flapping:
        return []
    detail = f"xats does not start {_names(flapping)} again: the program ended too often"
    return [Check(SECTION, "restarts", WARN, detail, "xats agents --long")]


def _names(found: Sequence[Start]) -> str:
    names = ", ".join(one.agent.address for one in found[:NAMED])
    return f"{names} and {len(found) - NAMED} more" if len(found) > NAMED else names


def _environment(said: Mapping[str, Any], environ: Mapping[str, str]) -> list[Check]:
    """Compare the environment that the daemon reported (`said`) with that of this shell."""
    again = "xats daemon restart  (from this shell)"
    found = [Check(SECTION, "home", OK, f"{said['home']}, profiles in {said['clients']}")]
    here = registry.folder(environ)
    if here and os.path.realpath(here) != os.path.realpath(said["clients"]):
        detail = f"the daemon reads profiles in {said['clients']}, this shell in {here}"
        found = [Check(SECTION, "home", WARN, detail, again)]
    shell = settings.of(environ)
    for name in environment.SETTINGS:
        its, ours = said["settings"].get(name), shell.get(name) or None
        if name != "XATS_CLIENTS" and not environment.is_same(name, shell, said):
            detail = f"{its or 'not set'} in the daemon, {ours or 'not set'} in this shell; the daemon's value counts"
            found.append(Check(SECTION, name, WARN, detail, again))
    return found


def _answers(path: str, environ: Mapping[str, str]) -> Check:
    """Ask the daemon of the database at `path` as a hook does."""
    from xats.base import request

    began = time.monotonic()
    try:
        request.ask(path, "badge", environ, ASKING)
    except (request.Unreachable, request.Silent) as problem:
        detail = f"hooks and xats badge get no answer: {problem}"
        return Check(SECTION, "hooks", WARN, detail, "xats daemon restart")
    return Check(SECTION, "hooks", OK, f"the daemon answers them; that took {1000 * (time.monotonic() - began):.0f} ms")


def _sqlite(path: str, said: Mapping[str, Any]) -> Iterator[Check]:
    """Yield a check if the daemon writes a WAL with a SQLite that can damage it, and this xats has another SQLite."""
    its = said.get("sqlite") or engine.VERSION
    if its == engine.VERSION or engine.wal_is_safe(tuple(map(int, its.split(".")))):
        return
    with suppress(XatsError):  # another section reports a store that cannot be read
        if info.journal(path) == "wal":
            detail = (
                f"the daemon writes a WAL with SQLite {its}, which may damage it; this xats has SQLite {engine.VERSION}"
            )
            yield Check(SECTION, "sqlite", FAIL, detail, "xats daemon restart  (from this shell)")


def seen_by(path: str, environ: Mapping[str, str]) -> tuple[Mapping[str, str], Mapping[str, Any] | None]:
    """Return `environ` with the settings of the running daemon, and what that daemon reported; None if none runs."""
    try:
        said = report.read(path, lock.holder(path))
    except OSError:
        said = None
    if said is None:
        return environ, None
    kept = {name: value for name, value in environ.items() if name not in environment.SETTINGS}
    return {**kept, **said["settings"], "XATS_CLIENTS": said["clients"]}, said


def _lag(path: str, facts: Facts, *, runs: bool) -> Check:
    late = facts.overdue
    lag = max(0, facts.now - (late.next_attempt_at or facts.now)) if late else 0
    if late is None or lag <= SLOW:
        return Check(SECTION, "lag", OK, "no wake is overdue")
    whose = next((one for one in facts.agents if one.agent.id == late.agent_id), None)
    who = whose.agent.address if whose else f"agent {late.agent_id}"
    stuck = lag > STUCK and (whose is None or whose.unread > 0)
    fix = f"see {log_path(path)}, then: xats daemon restart" if runs else "xats daemon start"
    detail = f"the wake of {who} has been due for {rough(lag)}" + (" with mail waiting" if stuck else "")
    return Check(SECTION, "lag", FAIL if stuck else WARN, detail, fix)


def _log(path: str) -> list[str]:
    """Return the last lines of the log, [] if there is none."""
    try:
        return sidefile.read(path, TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _version(pid: int, log: list[str]) -> str | None:
    """Return the version of the daemon `pid`, from the line that it logged at its start."""
    for line in reversed(log):
        started = re.search(r" INFO started, pid (\d+), .*, xats (\S+)$", line)
        if started:
            return started[2] if int(started[1]) == pid else None
    return None


def _last_error(log: list[str], path: str, now: float) -> Check:
    for number in range(len(log) - 1, -1, -1):
        error = _ERROR.match(log[number])
        if not error:
            continue
        more = []
        for line in log[number + 1 :]:
            if _ENTRY.match(line):
                break
            more.append(line)
        age = now - time.mktime(time.strptime(error[1], "%Y-%m-%d %H:%M:%S"))
        detail = f"{rough(round(age * 1000))} ago: {': '.join((error[2], *more[-1:]))}"
        return Check(SECTION, "last_error", *((WARN, detail, f"see {path}") if age < RECENT else (OK, detail)))
    return Check(SECTION, "last_error", OK, "none in its log" if log else "no log yet")
