"""The transport into Codex's own queue: `codex queue --thread ID --message LINE`.

Seen at 0.171.0. The line begins a turn at once where Codex runs its shared server, within 10 s with `--no-daemon`, and
after the turn or the dialog that is open. A draft stays. When its person has stopped a turn, the line waits for that
person's next one. A thread that has had no turn takes it only in the shared server.

The queue also takes lines for a thread that nobody looks at, and then a turn runs that nobody sees. So it must be
proven that the window lives, and that its thread is open in it, or in its server with no newer one that could be its
own. What runs is the program of that window itself, never one that a row of the store names, and not if it is more
confined than we are: what an agent may not do in its sandbox it must not do through us.
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
PASSED = ("HOME", "CODEX_HOME", "CODEX_SQLITE_HOME")  # what the command needs of the window's environment


@record
class Window:
    """A living window of Codex: its process, its folder, its environment, and the thread that is open in it."""

    program: Process
    home: str
    environ: Mapping[str, str]
    thread: str


def reach(session: Session) -> str | None:
    """Return `thread ID` if the Codex that sits in `session` has it open, else None."""
    window = _find(session)
    return f"thread {window.thread}" if window and _command(window) else None


def deliver(request: Request) -> Result:
    """Put the line into the queue of the thread. It takes 4 s at the most, mostly 0.1."""
    window = _find(request.session)
    command = _command(window) if window else None
    if window is None or command is None:
        return not_taken("its thread is not open any more")
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
    except subprocess.TimeoutExpired:  # it was killed, perhaps after it had written
        return Delivered(f"thread {window.thread}, but codex queue took more than {WAIT:g} s")
    if done.returncode == 0:
        return Delivered(f"thread {window.thread}")
    said = [words for words in done.stderr.decode("utf-8", "replace").splitlines() if words.strip()]
    errors = [words for words in said if words.lower().startswith("error")] or said
    return not_taken(verify.plain(errors[0] if errors else f"codex queue: exit {done.returncode}"))


# -- which window ------------------------------------------------------------------------------------------------------


def _find(session: Session) -> Window | None:
    """Return the window of `session`, None if it is not proven to be there and to show the session's thread."""
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
    if own:  # the lock alone is that of a thread without a turn
        return window if "jsonl" in own.get(thread, ()) and not _newer(home, own, thread) else None
    shared = _threads(_server(home), home)
    if thread not in shared:
        return None
    newer = _newer(home, shared, thread)
    if newer and len(newer) > sum(one.started > program.started for one in _windows(home)):
        return None
    return window


def _program(session: Session) -> Process | None:
    """Return the process of the window itself: below a wrapper, or, seated by the shared server, in its pane."""
    assert session.seat.pid
    if not _serves(session.seat.pid):
        return next((one for one in verify.family(session.seat.pid, PROGRAM) if not _serves(one.pid)), None)
    if session.seat.pane is None:
        return None
    front = process.foreground(session.seat.pane.pane_pid)
    mine = [one for one in front if one.name in PROGRAM and process.owner(one.pid) == os.geteuid()]
    return next((one for one in mine if not _serves(one.pid)), None)


def _serves(pid: int) -> bool:
    """Tell whether `pid` is a server of Codex, which lives on when a window is closed."""
    return "app-server" in process.argv(pid)[1:3]


def _server(home: str) -> int | None:
    """Return the pid of the shared server of the folder `home`, None if none runs."""
    try:
        told = records.mapping(os.path.join(home, "app-server-daemon", "daemon.pid"), records.RECORD) or {}
    except records.Unproven:
        return None
    pid, identity = told.get("pid"), told.get("processIdentity")
    if not isinstance(pid, int) or pid <= 1 or process.owner(pid) != os.geteuid() or not _serves(pid):
        return None
    ticks = identity.get("startTicks") if isinstance(identity, dict) else None
    return pid if not process.LINUX or ticks is None or process.alive(pid, ticks) else None


def _windows(home: str) -> list[Process]:
    """Return every living window whose threads are open in the shared server of the folder `home`."""
    found = [one for one in process.everybody() if one.name in PROGRAM and one.tty and not _serves(one.pid)]
    same = [one for one in found if records.folder(process.environ(one.pid), "CODEX_HOME", ".codex") == home]
    return [one for one in same if not _threads(one.pid, home)]


# -- which thread ------------------------------------------------------------------------------------------------------


def _threads(pid: int | None, home: str) -> dict[str, set[str]]:
    """Return the threads of the folder `home` that the process `pid` has open: their "lock", their "jsonl" or both."""
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
    """Return when `thread` was opened, by its lock; ids grow with time and decide where there is none."""
    try:
        return os.stat(os.path.join(home, "thread-writer-locks", f"{thread}.lock")).st_mtime_ns, thread
    except OSError:
        return 0, thread


# -- what is run -------------------------------------------------------------------------------------------------------


def _command(window: Window) -> str | None:
    """Return the path of the program to run: on Linux the one that the window itself runs, by its inode."""
    return f"/proc/{window.program.pid}/exe" if process.LINUX else shutil.which("codex")
