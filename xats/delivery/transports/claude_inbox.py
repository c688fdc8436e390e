"""The transport into Claude Code's own inbox: a Unix socket of each session, by which sessions write to each other.

Seen at 2.1.332, on by default since 2.1.224. A session registers itself in `sessions/PID.json` of its folder. That file
is not documented and may change, so xats uses no inbox whose record looks different. One line of JSON is a message. An
idle session begins a turn with it, a busy one reads it between two tool calls; a draft and a dialog stay.

A session that asks for no permission (`bypassPermissions`) would hold the line behind a modal dialog. xats does not use
its inbox unless the user's own settings say `crossSessionInbound: accept`. A session drops messages that come too fast
(30 at once, then one in two seconds) and the same line twice in 30 s. xats refuses both before it sends.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import threading
import time

from xats.base import process
from xats.base.jsontext import to_json
from xats.clients import records
from xats.delivery.transports import Delivered, Skipped, not_taken, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.core.agents.agents import Session
    from xats.delivery.transports import Request, Result

    Json = Mapping[str, object]

NAME = "claude-inbox"
RESTS = False
PROTOCOL = 1
WAIT = 1.0  # seconds for each of: the connection, the writing, its end, the first sign of a turn
LOOK = 0.01  # seconds between two reads of the status
TORN = 3  # attempts to read a record that is being written
MINUTE, PER_MINUTE = 60.0, 20
SAME = 31.0  # seconds in which the session drops the same line as a repeat
FLAGS = ("--dangerously-skip-permissions", "--allow-dangerously-skip-permissions")
BYPASS = "bypassPermissions"
MANAGED = "/Library/Application Support/ClaudeCode" if sys.platform == "darwin" else "/etc/claude-code"

_memory = threading.Lock()
_sent: dict[
    tuple[int, int], list[tuple[float, str]]
] = {}  # by process: time (monotonic) and text of the lines of the last minute
_holding: set[tuple[int, int]] = set()  # processes that held a line for their user


def reach(session: Session) -> str | None:
    """Return the path of the socket of the Claude Code in `session`; None: it has none that xats may use."""
    found = _find(session)
    return found[0] if found else None


def deliver(request: Request) -> Result:
    """Send the line, and see whether a turn begins. This takes at most 4 s, usually 0.2."""
    found = _find(request.session)
    if found is None:
        return not_taken("the inbox is gone")
    path, config, before = found
    assert request.session.seat.process
    pid = request.session.seat.process[0]
    try:
        peer = verify.dial(path, pid, WAIT)
    except (OSError, records.Unproven) as problem:
        return not_taken(f"{path}: {problem}")
    with peer:
        text = request.line()
        if text is None:
            return Skipped("already_read")
        objection = _too_much(request.session.seat.process, text)
        if objection:
            return not_taken(objection)
        try:
            peer.sendall(_frames(text, _token(config, pid, path)).encode())
            closed = _closed(peer)
        except OSError as problem:  # it ended before it had read everything
            return not_taken(f"{path}: {problem}")
    _note(request.session.seat.process, text)
    if not closed:  # it is stopped or hangs; the line waits in its socket
        return Delivered(f"{path}, which has not closed the connection")
    if before.get("status") != "idle":
        return Delivered(f"{path}, after its current work")
    sign = _sign(config, pid, before)
    if sign == "held":
        with _memory:
            _holding.add(request.session.seat.process)
        return not_taken("it holds the line until its user has reviewed it")
    return Delivered(f"{path}, {'a turn has begun' if sign else 'no turn was seen to begin'}")


# -- where it is -------------------------------------------------------------------------------------------------------


def _find(session: Session) -> tuple[str, str, Json] | None:
    """Return the socket of `session`, the folder of its program, and the program's record of itself."""
    pid = verify.living(session)
    if pid is None:
        return None
    config = records.folder(process.environ(pid), "CLAUDE_CONFIG_DIR", ".claude")
    record = _record(config, pid) if config else None
    if config is None or record is None or not _is_of(record, pid, session.seat.pid_started):
        return None
    path = record.get("messagingSocketPath")
    if record.get("parkedJobId"):  # the session has moved to the background
        return None
    if not isinstance(path, str) or not verify.is_inbox(path):
        return None
    argv = process.argv(pid)
    try:
        accepts = _accepts(config, argv, record.get("cwd")) if argv else False
    except (records.Unproven, OSError):  # unreadable settings may say anything
        return None
    if accepts is False or (accepts is None and session.seat.process in _holding):
        return None
    return path, config, record


def _record(config: str, pid: int) -> Json | None:
    """Return the record of the process `pid`. The process writes it in place, so a torn record is read again."""
    folder = os.path.join(config, "sessions")
    if not records.is_private(folder):
        return None
    for _ in range(TORN):
        try:
            return records.mapping(os.path.join(folder, f"{pid}.json"), records.RECORD)
        except records.Unproven:
            time.sleep(LOOK / 2)
    return None


def _is_of(record: Json, pid: int, started: int | None) -> bool:
    """Tell whether `record` belongs to this process, in the known format. Ids change with /clear."""
    start = record.get("procStart")
    same = start == str(started) if process.LINUX else isinstance(start, str)
    return record.get("pid") == pid and same and record.get("peerProtocol", PROTOCOL) == PROTOCOL


# -- whether the session would hold the line ---------------------------------------------------------------------------


def _accepts(config: str, argv: list[str], cwd: object) -> bool | None:
    """Return True if the settings accept lines of other sessions, False if they hold or refuse them, else None.

    The organization's settings come first, then the command line's, then the user's; the first that says something
    decides. A project's settings can only be stricter. `argv` shows the mode at the start. Raises records.Unproven.
    """
    own: list[Json] = [*_managed(), *_given(argv, cwd)]
    if not any(_is(word, "--setting-sources") for word in argv):
        own.append(_settings(os.path.join(config, "settings.json")))
    named = os.path.join(cwd, ".claude") if isinstance(cwd, str) and os.path.isabs(cwd) else ""
    project = [_settings(os.path.join(named, name)) for name in ("settings.json", "settings.local.json") if named]
    said = [one["crossSessionInbound"] for one in [*own, *project] if "crossSessionInbound" in one]
    if any(word != "accept" for word in said):
        return False
    if any("crossSessionInbound" in one for one in own):
        return True
    modes = [permissions.get("defaultMode") for one in [*own, *project] if (permissions := _permissions(one))]
    modes += [_value(argv, place) for place, word in enumerate(argv) if _is(word, "--permission-mode")]
    return False if BYPASS in modes or any(_is(word, *FLAGS) for word in argv) else None


def _managed() -> list[Json]:
    """Return the organization's settings, strongest first."""
    more = os.path.join(MANAGED, "managed-settings.d")
    names = sorted(os.listdir(more), reverse=True) if os.path.isdir(more) else []
    paths = [os.path.join(more, name) for name in names if name.endswith(".json")]
    return [_settings(path) for path in [*paths, os.path.join(MANAGED, "managed-settings.json")]]


def _given(argv: list[str], cwd: object) -> list[Json]:
    """Return the settings on the command line: each is a file or JSON."""
    given = [_value(argv, place) for place, word in enumerate(argv) if _is(word, "--settings")]
    found: list[Json] = []
    for value in reversed(given):
        if value.lstrip().startswith("{"):
            found.append(records.parsed(value))
            continue
        path = os.path.join(cwd if isinstance(cwd, str) else "", value)
        if not os.path.isabs(path) or not os.path.exists(path):  # its settings are in effect, but xats cannot read them
            msg = "the settings file on the command line is gone"
            raise records.Unproven(msg)
        found.append(_settings(path))
    return found


def _settings(path: str) -> Json:
    """Return the settings in the file `path`, which may be a link; {}: no file. Raises records.Unproven."""
    text = records.read(path, records.SETTINGS, follow=True)
    return records.parsed(text) if text and text.strip() else {}


def _permissions(settings: Json) -> Json:
    found = settings.get("permissions")
    return found if isinstance(found, dict) else {}


def _is(word: str, *options: str) -> bool:
    """Tell whether `word` of a command line is one of `options`, with or without a value."""
    return word.partition("=")[0] in options


def _value(argv: list[str], place: int) -> str:
    _, equals, value = argv[place].partition("=")
    return value if equals else "".join(argv[place + 1 : place + 2])


# -- sending -----------------------------------------------------------------------------------------------------------


def _frames(text: str, token: str | None) -> str:
    """Return the frames to write: the token, if the session has one, and `text` as a message from xats."""
    content = f'<cross-session-message from-name="xats">\n{text}\n</cross-session-message>'
    user = {"type": "user", "message": {"role": "user", "content": content}}
    frames = [{"type": "auth", "token": token}, user] if token else [user]
    return "".join(to_json(frame) + "\n" for frame in frames)


def _token(config: str, pid: int, path: str) -> str | None:
    """Return the token with which other sessions may write to this one; None: it has none."""
    key = f"{pid}.{hashlib.sha256(path.encode()).hexdigest()}.key"
    try:
        token = (records.mapping(os.path.join(config, "sessions", key), records.RECORD) or {}).get("peerToken")
    except records.Unproven:
        return None
    return token if isinstance(token, str) and token.isalnum() else None


def _too_much(whose: tuple[int, int], text: str) -> str | None:
    """Return why the process `whose` would drop `text`; None: it would not."""
    now = time.monotonic()
    with _memory:
        for key, lines in list(_sent.items()):
            _sent[key] = [entry for entry in lines if now - entry[0] < MINUTE]
            if not _sent[key]:
                del _sent[key]
        lines = _sent.get(whose, [])
    if len(lines) >= PER_MINUTE:
        return f"it got {len(lines)} lines within a minute, and drops lines that come too fast"
    if lines and lines[-1][1] == text and now - lines[-1][0] < SAME:
        return "it has just got the same line, and drops a repeat within 30 s"
    return None


def _note(whose: tuple[int, int], text: str) -> None:
    with _memory:
        _sent[whose] = [*_sent.get(whose, []), (time.monotonic(), text)]


def _closed(peer: socket.socket) -> bool:
    """Wait until the other side has read everything and closed; tell whether it did. Raises OSError."""
    peer.shutdown(socket.SHUT_WR)
    peer.settimeout(WAIT)
    try:
        return not peer.recv(1)
    except TimeoutError:
        return False


def _sign(config: str, pid: int, before: Json) -> str:
    """Return what an idle session does within WAIT: "turn", "held" behind a dialog, or "" for nothing."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        now = _record(config, pid) or before
        if now.get("status") == "waiting" and now.get("waitingFor") == "permission prompt":
            return "held"
        if now.get("status") == "busy" or now.get("statusUpdatedAt") != before.get("statusUpdatedAt"):
            return "turn"
        time.sleep(LOOK)
    return ""
