"""The transport into Codex's own queue: `codex queue --thread ID --message LINE`.

Seen at 0.171.0. The line begins a turn at once where Codex runs its shared server, and within 10 s with `--no-daemon`.
It waits for the end of a running turn or an open dialog. A draft stays. After the user has stopped a turn, the line
waits for the user's next prompt. A thread without any turn takes the line only in the shared server.

The queue also takes lines for a thread that no window shows, and would then run a turn that the user does not see. So
xats verifies that the window runs and has the thread open. In the shared server, no newer thread may be the window's.
xats runs the program of that window, never one that a row of the store names. It refuses a window that is more confined
than xats: an agent must not do through xats what its sandbox forbids.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from xats.base import confinement, process
from xats.base.record import record
from xats.clients import records
from xats.delivery.transports import Delivered, Skipped, not_taken, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xats.base.process import Process
    from xats.core.agents.agents import Session
    from xats.delivery.transports import Request, Result

NAME = "codex-queue"
RESTS = True
PROGRAM = ("codex",)
WAIT = 4.0  # seconds that the command may take; it takes 0.1
THREAD = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OPEN = re.compile(rf"(?:/thread-writer-locks/|/sessions/.*-)({THREAD.pattern})\.(lock|jsonl)$")
PASSED = ("HOME", "CODEX_HOME", "CODEX_SQLITE_HOME")  # variables of the window that the command needs


@record
class Window:
    """A running window of Codex: its process, folder and environment, and the thread that is open in it."""

    program: Process
    home: str
    environ: Mapping[str, str]
    thread: str


def reach(session: Session) -> str | None:
    """Return `thread ID` if the Codex in `session` has it open, else None."""
    window = _find(session)
    return f"thread {window.thread}" if window and _command(window) else None


def deliver(request: Request) -> Result:
    """Put the line into the queue of the thread. This takes at most 4 s, usually 0.1."""
    window = _find(request.session)
    command = _command(window) if window else None
    if window is None or command is None:
        return not_taken("its thread is not open now")
    text = request.line()
    if text is None:
        return Skipped("already_read")
    environ = {name: window.environ[name] for name in PASSED if window.environ.get(name)}
    try:
        done = subprocess.run(
            ["codex", "queue", "--thread", window.thread, "--message", text],
            executable=command,
            env={"PATH": os.defpath, **environ},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WAIT,
            check=False,
        )
    except OSError as problem:
        return not_taken(f"codex cannot be run: {problem.strerror}")
    except subprocess.TimeoutExpired:  # xats killed it, perhaps after it had written the line
        return Delivered(f"thread {window.thread}, but codex queue took more than {WAIT:g} s")
    if done.returncode == 0:
        return Delivered(f"thread {window.thread}")
    said = [words for words in done.stderr.decode("utf-8", "replace").splitlines() if words.strip()]
    errors = [words for words in said if words.lower().startswith("error")] or said
    return not_taken(verify.plain(errors[0] if errors else f"codex queue: exit {done.returncode}"))


# -- which window ------------------------------------------------------------------------------------------------------


def _find(session: Session) -> Window | None:
    """Return the window of `session`, if it surely runs and has the session's thread open, else None."""
    thread = session.seat.client_session
    if verify.living(session) is None or thread is None or not THREAD.fullmatch(thread):
        return None
    program = _program(session)
    if program is None or confinement.stricter(program.pid):
        return None
    environ = process.environ(program.pid)
    home = records.folder(environ, "CODEX_HOME", ".codex")
    if home is None or not records.is_private(home):
        return None
    window = Window(program, home, environ, thread)
    own = _threads(program.pid, home)
    if own:  # a thread with only a lock has had no turn
        return window if "jsonl" in own.get(thread, ()) and not _newer(home, own, thread) else None
    shared = _threads(_server(home), home)
    if thread not in shared:
        return None
    newer = _newer(home, shared, thread)
    if newer and len(newer) > sum(one.started > program.started for one in _windows(home)):
        return None
    return window


def _program(session: Session) -> Process | None:
    """Return the process of the window: below a wrapper, or in the pane if the shared server was registered."""
    assert session.seat.pid
    if not _serves(session.seat.pid):
        return next((one for one in verify.family(session.seat.pid, PROGRAM) if not _serves(one.pid)), None)
    if session.seat.pane is None:
        return None
    front = process.foreground(session.seat.pane.pane_pid)
    mine = [one for one in front if one.name in PROGRAM and process.owner(one.pid) == os.geteuid()]
    return next((one for one in mine if not _serves(one.pid)), None)


def _serves(pid: int) -> bool:
    """Tell whether `pid` is a server of Codex. It goes on when a window is closed."""
    return "app-server" in process.argv(pid)[1:3]


def _server(home: str) -> int | None:
    """Return the pid of the shared server of the folder `home`; None: none runs."""
    try:
        record = records.mapping(os.path.join(home, "app-server-daemon", "daemon.pid"), records.RECORD) or {}
    except records.Unproven:
        return None
    pid, identity = record.get("pid"), record.get("processIdentity")
    if not isinstance(pid, int) or pid <= 1 or process.owner(pid) != os.geteuid() or not _serves(pid):
        return None
    ticks = identity.get("startTicks") if isinstance(identity, dict) else None
    return pid if not process.LINUX or ticks is None or process.alive(pid, ticks) else None


def _windows(home: str) -> list[Process]:
    """Return every running window of the folder `home` that uses the shared server."""
    found = [one for one in process.everybody() if one.name in PROGRAM and one.tty and not _serves(one.pid)]
    same = [one for one in found if records.folder(process.environ(one.pid), "CODEX_HOME", ".codex") == home]
    return [one for one in same if not _threads(one.pid, home)]


# -- which thread ------------------------------------------------------------------------------------------------------


def _threads(pid: int | None, home: str) -> dict[str, set[str]]:
    """Return the threads in the folder `home` that the process `pid` has open: by id, "lock", "jsonl" or both."""
    found: dict[str, set[str]] = {}
    real = os.path.realpath(home) + "/"
    for path in process.open_files(pid) if pid is not None else ():
        match = OPEN.search(path)
        if match and path.startswith(real):
            found.setdefault(match[1], set()).add(match[2])
    return found


def _newer(home: str, threads: Iterable[str], thread: str) -> list[str]:
    """Return those of `threads` that were opened after `thread`."""
    return [one for one in threads if one != thread and _opened(home, one) >= _opened(home, thread)]


def _opened(home: str, thread: str) -> tuple[int, str]:
    """Return when `thread` was opened, by its lock. Without a lock the id decides, because ids grow with time."""
    try:
        return os.stat(os.path.join(home, "thread-writer-locks", f"{thread}.lock")).st_mtime_ns, thread
    except OSError:
        return 0, thread


# -- which program -----------------------------------------------------------------------------------------------------


def _command(window: Window) -> str | None:
    """Return the path of the program to run. On Linux it is the very file that the window runs."""
    return f"/proc/{window.program.pid}/exe" if process.LINUX else shutil.which("codex")
