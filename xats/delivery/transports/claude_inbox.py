"""The transport into Claude Code's own inbox: a Unix socket of each session, by which sessions write to each other.

Seen at 2.1.332, on by default since 2.1.224. A session registers itself in `sessions/PID.json` of its folder, which is
not documented and may change: what is not as it was seen is no inbox. One line of JSON is a message; an idle session
begins a turn with it, a busy one reads it between two tool calls, and neither a draft nor a dialog is touched.

A session that asks its person for nothing (`bypassPermissions`) would hold the line behind a modal dialog, so there the
inbox counts as not there, unless the person's own settings say `crossSessionInbound: accept`. The session drops what
comes too fast (30 at once, then one in two seconds) and the same line twice in 30 s; both are refused here before.
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
LOOK = 0.01  # seconds between two looks at the status
TORN = 3  # times that a record is read which is being written
MINUTE, PER_MINUTE = 60.0, 20
SAME = 31.0  # seconds in which the same line would be taken for a repeat
FLAGS = ("--dangerously-skip-permissions", "--allow-dangerously-skip-permissions")
BYPASS = "bypassPermissions"
MANAGED = "/Library/Application Support/ClaudeCode" if sys.platform == "darwin" else "/etc/claude-code"

_memory = threading.Lock()
_sent: dict[tuple[int, int], list[tuple[float, str]]] = {}  # process: when (monotonic) it was handed what, last minute
_holding: set[tuple[int, int]] = set()  # processes that were seen to hold a line for their person


def reach(session: Session) -> str | None:
    """Return the path of the socket of the Claude Code that sits in `session`, None if it has none that may be used."""
    found = _find(session)
    return found[0] if found else None


def deliver(request: Request) -> Result:
    """Hand the line over, and see whether a turn begins. It takes 4 s at the most, mostly 0.2."""
    found = _find(request.session)
    if found is None:
        return not_taken("the inbox is not there any more")
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
        except OSError as problem:  # it has gone before it read all of it
            return not_taken(f"{path}: {problem}")
    _note(request.session.seat.process, text)
    if not closed:  # it is stopped or stuck, and the line waits in its socket
        return Delivered(f"{path}, which has not closed the connection")
    if before.get("status") != "idle":
        return Delivered(f"{path}, behind what it is doing")
    sign = _sign(config, pid, before)
    if sign == "held":
        with _memory:
            _holding.add(request.session.seat.process)
        return not_taken("it holds the line until its person has reviewed it")
    return Delivered(f"{path}, {'a turn has begun' if sign else 'no turn was seen to begin'}")


# -- where it is -------------------------------------------------------------------------------------------------------


def _find(session: Session) -> tuple[str, str, Json] | None:
    """Return the socket of `session`, the folder of its program and the program's record of itself."""
    pid = verify.living(session)
    if pid is None:
        return None
    config = records.folder(process.environ(pid), "CLAUDE_CONFIG_DIR", ".claude")
    record = _record(config, pid) if config else None
    if config is None or record is None or not _is_of(record, pid, session.seat.pid_started):
        return None
    path = record.get("messagingSocketPath")
    if record.get("parkedJobId"):  # the session has moved to the background; whoever has its seat is reached there
        return None
    if not isinstance(path, str) or not verify.is_inbox(path):
        return None
    argv = process.argv(pid)
    try:
        welcome = _welcome(config, argv, record.get("cwd")) if argv else False
    except (records.Unproven, OSError):  # settings that cannot be read may say anything
        return None
    if welcome is False or (welcome is None and session.seat.process in _holding):
        return None
    return path, config, record


def _record(config: str, pid: int) -> Json | None:
    """Return what the process `pid` has written of itself. It writes in place, so a torn record is read again."""
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
    """Tell whether `record` is that of this very process, in the format that was seen. Ids change with /clear."""
    told = record.get("procStart")
    same = told == str(started) if process.LINUX else isinstance(told, str)
    return record.get("pid") == pid and same and record.get("peerProtocol", PROTOCOL) == PROTOCOL


# -- whether it would be held ------------------------------------------------------------------------------------------


def _welcome(config: str, argv: list[str], cwd: object) -> bool | None:
    """Return True if the person's settings accept such lines, False if they would be held or refused, else None.

    The first of the organization's settings, those of the command line and the person's own decides; a project's may
    only be stricter. The mode in which it was started is in `argv`. Raises records.Unproven.
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
    """Return the organization's settings, the strongest first."""
    more = os.path.join(MANAGED, "managed-settings.d")
    names = sorted(os.listdir(more), reverse=True) if os.path.isdir(more) else []
    paths = [os.path.join(more, name) for name in names if name.endswith(".json")]
    return [_settings(path) for path in [*paths, os.path.join(MANAGED, "managed-settings.json")]]


def _given(argv: list[str], cwd: object) -> list[Json]:
    """Return the settings of the command line: a file, or JSON itself."""
    given = [_value(argv, place) for place, word in enumerate(argv) if _is(word, "--settings")]
    found: list[Json] = []
    for value in reversed(given):
        if value.lstrip().startswith("{"):
            found.append(records.parsed(value))
            continue
        path = os.path.join(cwd if isinstance(cwd, str) else "", value)
        if not os.path.isabs(path) or not os.path.exists(path):  # whatever it said, it is in effect
            msg = "the settings of the command line are gone"
            raise records.Unproven(msg)
        found.append(_settings(path))
    return found


def _settings(path: str) -> Json:
    """Return the settings in the file `path`, which may be a link; {} if there is none. Raises records.Unproven."""
    text = records.read(path, records.SETTINGS, follow=True)
    return records.parsed(text) if text and text.strip() else {}


def _permissions(settings: Json) -> Json:
    found = settings.get("permissions")
    return found if isinstance(found, dict) else {}


def _is(word: str, *options: str) -> bool:
    """Tell whether `word` of a command line is one of `options`, alone or with its value."""
    return word.partition("=")[0] in options


def _value(argv: list[str], place: int) -> str:
    _, equals, value = argv[place].partition("=")
    return value if equals else "".join(argv[place + 1 : place + 2])


# -- what is said ------------------------------------------------------------------------------------------------------


def _frames(text: str, token: str | None) -> str:
    """Return what is written: who may, if it asks for that, and `text` as a message that its screen shows as ours."""
    content = f'<cross-session-message from-name="xats">\n{text}\n</cross-session-message>'
    user = {"type": "user", "message": {"role": "user", "content": content}}
    frames = [{"type": "auth", "token": token}, user] if token else [user]
    return "".join(to_json(frame) + "\n" for frame in frames)


def _token(config: str, pid: int, path: str) -> str | None:
    """Return the token by which other sessions may write to this one, None if it has told none."""
    key = f"{pid}.{hashlib.sha256(path.encode()).hexdigest()}.key"
    try:
        told = (records.mapping(os.path.join(config, "sessions", key), records.RECORD) or {}).get("peerToken")
    except records.Unproven:
        return None
    return told if isinstance(told, str) and told.isalnum() else None


def _too_much(whose: tuple[int, int], text: str) -> str | None:
    """Return why the process `whose` would drop `text`, None if it would not."""
    now = time.monotonic()
    with _memory:
        for key, lines in list(_sent.items()):
            _sent[key] = [entry for entry in lines if now - entry[0] < MINUTE]
            if not _sent[key]:
                del _sent[key]
        lines = _sent.get(whose, [])
    if len(lines) >= PER_MINUTE:
        return f"it has got {len(lines)} lines within a minute, and drops what comes too fast"
    if lines and lines[-1][1] == text and now - lines[-1][0] < SAME:
        return "it has just got the same line, and drops what is repeated within 30 s"
    return None


def _note(whose: tuple[int, int], text: str) -> None:
    with _memory:
        _sent[whose] = [*_sent.get(whose, []), (time.monotonic(), text)]


def _closed(peer: socket.socket) -> bool:
    """Wait until the other side has read all and closed, and tell whether it has. Raises OSError."""
    peer.shutdown(socket.SHUT_WR)
    peer.settimeout(WAIT)
    try:
        return not peer.recv(1)
    except TimeoutError:
        return False


def _sign(config: str, pid: int, before: Json) -> str:
    """Return what an idle session was seen to do within WAIT: "turn", "held" behind a dialog, or "" for nothing."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        now = _record(config, pid) or before
        if now.get("status") == "waiting" and now.get("waitingFor") == "permission prompt":
            return "held"
        if now.get("status") == "busy" or now.get("statusUpdatedAt") != before.get("statusUpdatedAt"):
            return "turn"
        time.sleep(LOOK)
    return ""
