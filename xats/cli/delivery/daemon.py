"""The verbs of the daemon: run, start, restart, stop, status."""

from __future__ import annotations

import os
import signal
import time
from shlex import quote

from xats import __version__
from xats.base import process
from xats.base.durations import iso, rough
from xats.base.errors import Refused, StoreTooNew, XatsError
from xats.cli.kit import documents, render
from xats.core import clock
from xats.core.waking import attempts
from xats.daemon import autostart, lock
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.store import Tx

PATIENCE = 5.0  # seconds that a start or a stop may take


def run(here: Context, *, lock_file: params.LockFileOption = None) -> int:
    """Run the daemon in the foreground until SIGTERM or Ctrl-C.

    Example: xats daemon run
    """
    from xats.cli.delivery import answers
    from xats.daemon import loop
    from xats.delivery import environment
    from xats.delivery.settings import from_environment

    _refuse_inside(here)
    environment.complete(here.environ, here.path)
    os.umask(0o077)
    from_environment(here.environ)  # an invalid setting is refused before anything is done
    file = lock.take(here.path) if lock_file is None and exists(here.path) else lock_file
    if file is None and not exists(here.path):
        here.store.close()  # it creates the store
        file = lock.take(here.path)
    if file is None:
        msg = f"A daemon runs already for {here.path} (pid {lock.holder(here.path)})."
        raise Refused(msg, "xats daemon restart")
    if lock_file is not None:
        os.setsid()
        os.chdir("/")
        _close_all_but(lock_file)
    os.set_inheritable(file, False)
    loop.log_to(lock.log_path(here.path) if lock_file is not None else None)
    daemon = loop.Daemon(here.path, lock_file=file, answers=answers.ANSWERS if "://" in here.path else None)
    loop.watch_signals(daemon)
    try:
        daemon.run()
    except StoreTooNew:
        if lock_file is None or not daemon.began:  # another one, from the same files, would fail like this one
            raise
        # Nothing else starts a daemon in the background. The xats that is installed may be the newer one by now.
        daemon.unlock()
        autostart.start(here.path, here.environ)
    return 0


def _close_all_but(lock_file: int) -> None:
    """Close the files that this process inherited: a lock or pipe of its starter ends with the last holder."""
    from contextlib import suppress

    with suppress(OSError):  # no /dev/fd
        for number in map(int, os.listdir("/dev/fd")):
            if number > 2 and number != lock_file:
                with suppress(OSError):  # it was the descriptor of the folder
                    os.close(number)


def start(here: Context) -> int:
    """Start the daemon unless it runs.

    A running daemon of an older xats ends, and this version starts in its place.

    Example: xats daemon start
    """
    _refuse_inside(here)
    here.store.close()
    pid, created = _begin(here)
    if state := process.halted(pid):
        msg = f"A daemon runs already (pid {pid}), but it is {state}, so it wakes nobody."
        raise Refused(msg, process.continuing(pid, state), pid=pid, state=state)
    version = _version(here.path, pid)
    replaced = None
    if not created and version and _is_older(version):
        replaced = version
        _check_settings(here)
        _end(here)
        pid, created = _begin(here)
        version = __version__
    if here.json:
        found = {"running": True, "pid": pid, "created": created, "version": version, "replaced": replaced}
        render.document(found)
    elif not here.quiet:
        instead = f", xats {__version__} in place of xats {replaced}" if replaced else ""
        render.put(f"daemon {'started' if created else 'runs already'}, pid {pid}{instead}")
        if version not in (None, __version__):
            restart = here.command("daemon", "restart")
            render.say(f"  it is xats {version}, and this is {__version__}; to run this one instead: {restart}")
    return 0


def restart(here: Context) -> int:
    """Stop the daemon if one runs, and start this version of it.

    The new daemon takes its settings from this shell and from the settings files. No wake is lost meanwhile.

    Example: xats daemon restart
    """
    _refuse_inside(here)
    here.store.close()
    _check_settings(here)
    ended = _end(here)
    pid, _ = _begin(here)
    if here.json:
        render.document({"running": True, "pid": pid, "version": __version__, "stopped": ended})
    elif not here.quiet:
        before = f", in place of pid {ended}" if ended else "; none ran before"
        render.put(f"daemon started, pid {pid}, xats {__version__}{before}")
    return 0


def _begin(here: Context) -> tuple[int, bool]:
    """Start a daemon unless one runs. Return its pid when it runs, and whether it was started. Raises XatsError."""
    started = autostart.start(here.path, here.environ)
    until = time.monotonic() + PATIENCE
    while (pid := lock.holder(here.path)) is None or (started and pid != started):
        if not lock.held(here.path):
            if not started and (started := autostart.start(here.path, here.environ)):
                continue  # the process that had the lock at first was just ending
            why = lock.failure(here.path) or lock.last_words(here.path)
            raise XatsError(f"The daemon cannot start: {why}", f"see {lock.log_path(here.path)}, or: xats daemon run")
        if time.monotonic() > until:
            msg = f"The daemon has not started within {PATIENCE:g} s."
            raise XatsError(msg, f"see {lock.log_path(here.path)}, then: xats daemon status")
        time.sleep(0.02)
    return pid, bool(started)


def _check_settings(here: Context) -> None:
    """Refuse settings with which no daemon could start, before one is stopped. Raises Usage."""
    from xats.delivery.settings import from_environment

    from_environment(here.environ)


def _is_older(version: str) -> bool:
    """Tell whether `version`, such as 0.9.1, is older than this xats."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(".") if part.isascii() and part.isdigit()]

    return numbers(version) < numbers(__version__)


def _version(store: str, pid: int | None) -> str | None:
    """Return the version of the daemon `pid` of the store at the path `store`, None if it has not reported yet."""
    from xats.daemon import report

    said = report.read(store, pid)
    return str(said["version"]) if said and "version" in said else None


def _refuse_inside(here: Context) -> None:
    """Refuse to work in a sandbox that an agent program made for its tools. Raises Refused."""
    from xats.base import sandbox

    if inside := sandbox.named(here.environ):
        msg = f"The daemon cannot work in {inside.name}: from there it sees neither tmux nor the agents."
        raise Refused(msg, "run this outside the sandbox: xats daemon start")


def stop(here: Context) -> int:
    """Stop the daemon.

    Example: xats daemon stop
    """
    pid = _end(here)
    if here.json:
        render.document({"running": False, "pid": None, "stopped": pid})
    elif not here.quiet:
        render.put(f"daemon stopped, pid {pid}" if pid else "no daemon runs")
    return 0


def _end(here: Context) -> int | None:
    """Stop the daemon and wait for its end. Return its pid, None if none ran. Raises Refused, XatsError."""
    until = time.monotonic() + PATIENCE
    while (signed := lock.signed(here.path)) is None and lock.held(here.path) and time.monotonic() < until:
        time.sleep(0.02)  # it is just starting
    pid, since = signed or (None, 0)
    if pid:
        sent = process.send_signal(pid, since, signal.SIGTERM, lambda number: lock.holds(here.path, number))
        if not sent and process.alive(pid, since):
            msg = f"The daemon's lock file names pid {pid}, but that process does not hold it. Nothing was stopped."
            raise Refused(msg, f"find the process that holds it: fuser {quote(lock.path_for(here.path))}")
        until = time.monotonic() + PATIENCE
        while process.alive(pid, since):
            if time.monotonic() > until:
                msg = f"The daemon (pid {pid}) does not end."
                raise XatsError(msg, f"kill -9 {pid}  (this loses no mail)")
            time.sleep(0.02)
    elif lock.held(here.path):
        msg = "A process holds the daemon's lock, but the lock file does not name it. Nothing was stopped."
        raise Refused(msg, f"find the process that holds it: fuser {quote(lock.path_for(here.path))}")
    return pid


def status(here: Context) -> int:
    """Show whether the daemon runs, and how many wakes are due.

    It also shows whether xats trusts the clock: while it may be wrong, xats removes nothing by age and ends no claim or
    lock. For a running daemon it shows the tmux, home folder and settings that it uses. A daemon that a signal, a
    debugger or a frozen container has stopped keeps its lock but does no work: the status shows that, and how to
    continue it.

    Example: xats daemon status
    """
    from xats.daemon import report

    def look(tx: Tx) -> tuple[int, int | None, int, clock.Standing]:
        return len(attempts.due(tx)), attempts.next_due(tx), tx.now, clock.standing(tx)

    due, next_due, now, trust = here.store.read(look)
    pid = lock.holder(here.path)
    halted = process.halted(pid) if pid else None
    failure, said = lock.failure(here.path), report.read(here.path, pid)
    version = _version(here.path, pid)
    if here.json:
        running = pid is not None and not halted
        found: dict[str, Any] = {"running": running, "pid": pid, "version": version, "halted": halted}
        found = {
            **found,
            "due": due,
            "next_due_at": iso(next_due),
            "log": lock.log_path(here.path),
            "clock": documents.clock_json(trust),
        }
        render.document({**found, "failure": failure, "environment": said and _reported(said)})
        return 0
    state = "does not run (xats send starts it; or: xats daemon start)"
    if pid:
        state = f"runs, pid {pid}" + (f", xats {version}" if version else "")
    if pid and halted:
        state = f"is {halted}, pid {pid}, and wakes nobody ({process.continuing(pid, halted)})"
    if not pid and lock.outside(here.path):
        state = "does not run in this container or sandbox, but runs outside of it"
    later = f", the next in {rough(next_due - now)}" if next_due and next_due > now else ""
    render.put(f"daemon {state}\n{due} wake{'s' if due != 1 else ''} due{later}\nlog: {lock.log_path(here.path)}")
    render.put(f"clock: {trust.says(now)}")
    if version not in (None, __version__):
        render.say(f"  this is xats {__version__}; to run this one instead: {here.command('daemon', 'restart')}")
    if failure:
        render.put(f"the last start failed: {failure}")
    for line in _environment(said) if said else ():
        render.put(line)
    return 0


def _reported(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON form of a daemon's report; the daemon may be of another release."""
    names = ("pid", "version", "python", "sqlite", "package", "home", "path", "locale", "encoding", "clients")
    found = {name: said.get(name) for name in names}
    for name in ("tmux", "wake"):
        about = said.get(name) or {}
        found[name] = {"program": about.get("program"), "problem": about.get("trouble")}
    return {**found, "settings": said.get("settings", {}), "from_file": said.get("from_file", [])}


def _environment(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a daemon's report about its environment."""
    tmux, wake = said["tmux"], said["wake"]
    yield f"tmux: {tmux['trouble'] or tmux['program']}"
    yield f"home: {said['home']}, profiles in {said['clients']}"
    if wake["program"]:
        yield f"wake program: {wake['program']}"
    if said["settings"]:
        yield "settings: " + ", ".join(f"{name}={value}" for name, value in said["settings"].items())
