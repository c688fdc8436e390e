"""The transport by the user's own program: it gets each wake as one JSON document on its standard input.

XATS_WAKE_COMMAND names the program; the default is the file `wake` in the configuration folder of xats. The store never
names it: a process that can write a row must not choose what runs. xats runs it without a shell, and without the
variables that identify an agent. Exit 0 means that the agent was woken.

It runs at least once for each attempt. If the daemon dies after the program and before the record, the program gets the
same `wake` with the same `attempt` again.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress

from xats import settings as user_settings
from xats.base import folders, ownership
from xats.base.errors import XatsError
from xats.base.jsontext import SCHEMA_VERSION, to_json
from xats.base.record import record
from xats.clients import sessions
from xats.delivery import envelope
from xats.delivery.transports import Delivered, Refused, Skipped, Stopped, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xats.core.waking.reasons import Reason
    from xats.core.waking.wakes import Pending
    from xats.delivery.transports import Request, Result

NAME = "command"
VARIABLE = "XATS_WAKE_COMMAND"
PRIVATE = (
    "XATS_AGENT",
    "XATS_TEAM",
    "XATS_FAULT",
    "XATS_FAULT_CLOCK",
    "XATS_FAULT_RESTARTS",
    *sessions.SESSION_IDS,
    *sessions.MARKS,
)
SAID = 200  # characters of its standard error that are kept
LEAVE = 1000  # ms that the program still has when the daemon ends
SLICE = 0.02  # seconds between two checks whether it has ended


class Unusable(XatsError):
    """The user's program cannot be run."""

    code = "command_failed"


def program(environ: Mapping[str, str]) -> str:
    """Return the path of the user's program. Only this user and root can change it. Raises Unusable, NoHome."""
    path = user_settings.value(VARIABLE, environ)
    if path and not os.path.isabs(path):
        # The daemon works in another folder than the shell that set it.
        raise Unusable(f"{VARIABLE} must be an absolute path, not {path!r}")
    if not path:
        path = os.path.join(folders.config(environ), "xats", "wake")
    if not os.path.exists(path):
        raise Unusable(f"there is no program {path}; put it there, or name another one with {VARIABLE}")
    if not os.path.isfile(path) or not os.access(path, os.X_OK):
        raise Unusable(f"{path} is not an executable file; chmod +x {path}")
    try:
        ownership.check(path)
    except ownership.Exposed as problem:
        fix = problem.fix or f"put it into a folder of your own, and name it with {VARIABLE}"
        raise Unusable(f"xats does not run {path}, because {problem}; {fix}") from None
    except OSError as problem:
        raise Unusable(f"xats cannot look at {path}: {problem.strerror}") from None
    return path


def objection() -> Reason | None:
    """Return why an attempt would be refused at once; None: it would not."""
    try:
        program(os.environ)
    except XatsError:
        return "command_failed"
    return None


def deliver(request: Request) -> Result:
    """Run the user's program, or say why not."""
    try:
        path = program(os.environ)
    except XatsError as problem:
        return Refused("command_failed", str(problem))
    pending = request.pending()
    if pending is None:
        return Skipped("already_read")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
    environ = {name: value for name, value in environ.items() if name not in PRIVATE}
    environ["XATS_DB"], limit = request.store, request.settings.command
    try:
        ran = run(path, document(request, pending), environ, limit, request.stopping)
    except OSError as problem:  # no interpreter, another machine's format, ...
        return Refused("command_failed", f"{path} cannot be run: {problem.strerror}")
    if ran.code == 0:
        return Delivered(exit=0)
    if ran.code is None and request.stopping():
        return Stopped("the daemon ended before the program")
    if ran.code is None:
        end = f"killed after {limit / 1000:g} s"
    else:
        end = f"exit {ran.code}" if ran.code > 0 else f"ended by signal {-ran.code}"
    return Refused("command_failed", f"{end}: {ran.complaint}" if ran.complaint else end, exit=ran.code)


def document(request: Request, pending: Pending) -> str:
    """Return the document for the program, as one line of JSON."""
    agent, pane = request.agent, request.session.seat.pane
    where = {"socket": pane.socket, "pane_id": pane.pane_id, "pane_pid": pane.pane_pid} if pane else None
    said = {
        "schema_version": SCHEMA_VERSION,
        "agent": agent.address,
        "unread": pending.unread,
        "from": pending.names,
        "senders": pending.senders,
        "line": envelope.wake_line(pending, request.session.xats_path),
        "wake": request.wake.id,
        "attempt": request.wake.attempts + 1,
        "pane": where,
        "team": agent.team,
        "role": agent.role,
        "client": agent.client,
    }
    return to_json(said) + "\n"


@record
class Ran:
    """How a program ended. `code` is None if xats killed it at its time limit, and below 0 after another signal."""

    code: int | None
    complaint: str


def run(path: str, said: str, environ: Mapping[str, str], limit: int, stopping: Callable[[], bool] = bool) -> Ran:
    """Run the program `path` with `said` on its standard input, for at most `limit` ms; then kill its process group.

    Its background processes may stay. When `stopping`, it has LEAVE ms left. Raises OSError.
    """
    until = time.monotonic() + limit / 1000
    warned = False
    with subprocess.Popen(
        [path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environ,
        cwd="/",
        start_new_session=True,
    ) as started:
        assert started.stdin
        assert started.stderr
        heard = _StderrHead(started.stderr.fileno())
        code = None
        try:
            with suppress(BrokenPipeError):  # it does not read
                os.write(started.stdin.fileno(), said.encode())  # shorter than any pipe
            started.stdin.close()
            code = started.poll()
            while code is None and time.monotonic() < until:
                heard.listen(SLICE)
                code = started.poll()
                if not warned and stopping():
                    warned, until = True, min(until, time.monotonic() + LEAVE / 1000)
        finally:
            if code is None:
                with suppress(PermissionError, ProcessLookupError):  # it has just ended
                    os.killpg(started.pid, signal.SIGKILL)
        heard.listen(0)
    return Ran(code, heard.text())


class _StderrHead:
    """The standard error of a program. Only the beginning is kept; the rest is read and dropped."""

    def __init__(self, file: int) -> None:
        self._file, self._heard, self._ended = file, b"", False
        os.set_blocking(file, False)

    def listen(self, seconds: float) -> None:
        """Read for at most `seconds`."""
        if self._ended:
            time.sleep(seconds)
        elif select.select([self._file], [], [], seconds)[0]:
            data = os.read(self._file, 1 << 16)
            self._ended = not data
            self._heard += data[: 4 * SAID - len(self._heard)]

    def text(self) -> str:
        """Return the beginning of the output on one line, without control characters."""
        return verify.plain(self._heard.decode("utf-8", "replace"), SAID)
