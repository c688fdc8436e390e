"""The transport into Qwen Code's own inbox: a Unix socket of each session, by the protocol that its manual documents.

Seen at 0.24.4. A session registers itself in `sessions/PID.json` of its folder, with its socket and a token. One frame
is a message. The session answers with a frame to a socket of xats: the message is queued, held for the user, or
dropped. An idle session begins a turn with it; a draft and a dialog stay.

By default a session holds a message that does not state the permissions of its sender. xats cannot state them, because
many agents send through it. So xats does not use the inbox unless the user's own settings say `crossSessionInbound:
accept`, and a held line is not a delivery.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager

from xats.base import peer, process
from xats.base.jsontext import to_json
from xats.clients import records
from xats.delivery.transports import Delivered, Skipped, not_taken, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xats.core.agents.agents import Session
    from xats.delivery.transports import Request, Result

    Json = Mapping[str, object]

NAME = "qwen-inbox"
RESTS = False
SCHEMA = FRAME = 1
WAIT = 1.0  # seconds for the connection, and for the writing
RECEIPT = 3.0  # seconds to wait for the receipt; it takes 0.05 to 0.9
FRAMES = 64 << 10  # bytes of a receipt
RECORDS = 200  # records that xats reads
TOKEN = re.compile(r"[0-9a-f]{64}")
FILE = re.compile(r"([1-9][0-9]{0,9})(?:-[0-9a-f]{8})?\.json")
SYSTEM = "/Library/Application Support/QwenCode" if sys.platform == "darwin" else "/etc/qwen-code"

_memory = threading.Lock()
_holding: set[tuple[int, int]] = set()  # processes that held or refused a line


def reach(session: Session) -> str | None:
    """Return the path of the socket of the Qwen Code in `session`; None: it has none that xats may use."""
    found = _find(session)
    return f"{found['ipcPath']}" if found else None


def deliver(request: Request) -> Result:
    """Send the line, and wait for the receipt. This takes at most 5 s, usually less than 1."""
    found = _find(request.session)
    if found is None:
        return not_taken("the inbox is gone")
    path, pid = f"{found['ipcPath']}", found["pid"]
    assert isinstance(pid, int)
    try:
        with _box() as (box, listener), verify.dial(path, pid, WAIT) as peer:
            text = request.line()
            if text is None:
                return Skipped("already_read")
            message, token = f"{uuid.uuid4()}", secrets.token_hex(32)
            peer.sendall(_frames(found, box, token, message, text).encode())
            peer.shutdown(socket.SHUT_WR)
            status = _receipt(listener, pid, token, message)
    except (OSError, records.Unproven) as problem:
        return not_taken(f"{path}: {problem}")
    if status is None:
        return Delivered(f"{path}, which sent no receipt")
    if status == "delivered":
        return Delivered(path)
    if status in ("held", "refused", "denied"):
        assert request.session.seat.process
        with _memory:
            _holding.add(request.session.seat.process)
    return not_taken(f"{path}: {status}")


# -- where it is -------------------------------------------------------------------------------------------------------


def _find(session: Session) -> Json | None:
    """Return the record of the only session in the process of `session` or below it; Qwen Code restarts itself."""
    pid = verify.living(session)
    if pid is None or session.seat.process in _holding:
        return None
    home = records.folder(process.environ(pid), "QWEN_HOME", ".qwen")
    if home is None or not records.is_private(os.path.join(home, "sessions")):
        return None
    family = {pid, *(one.pid for one in process.descendants(pid))}
    found = [one for one in _records(os.path.join(home, "sessions"), family) if _is_usable(one)]
    if len(found) > 1:  # one process may run several
        found = [one for one in found if one.get("sessionId") == session.seat.client_session]
    if len(found) != 1 or not _accepts(home, found[0].get("cwd")):
        return None
    return found[0]


def _records(folder: str, family: set[int]) -> Iterator[Json]:
    """Yield the records of the processes in `family`."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    mine = [name for name in names if (match := FILE.fullmatch(name)) and int(match[1]) in family]
    for name in mine[:RECORDS]:
        try:
            record = records.mapping(os.path.join(folder, name), records.RECORD)
        except records.Unproven:
            continue
        if record and record.get("pid") == int(name.partition(".")[0].partition("-")[0]):
            yield record


def _is_usable(record: Json) -> bool:
    """Tell whether the record is of a running process with a terminal, and of an inbox in the known format."""
    pid, token = record.get("pid"), record.get("ipcToken")
    if record.get("schemaVersion") != SCHEMA or record.get("kind", "tui") != "tui" or not isinstance(pid, int):
        return False
    if process.LINUX and record.get("procStart") != f"{_boot()}:{process.started(pid)}":
        return False
    known = token is None or (isinstance(token, str) and TOKEN.fullmatch(token) is not None)
    return known and isinstance(record.get("sessionId"), str) and verify.is_inbox(record.get("ipcPath"))


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _accepts(home: str, cwd: object) -> bool:
    """Tell whether the settings accept lines of other sessions: the user's or the system's do, and none refuses."""
    paths = [os.path.join(home, "settings.json"), os.path.join(SYSTEM, "settings.json")]
    paths.append(os.path.join(SYSTEM, "system-defaults.json"))
    if isinstance(cwd, str) and os.path.isabs(cwd):
        paths.append(os.path.join(cwd, ".qwen", "settings.json"))
    try:
        said = [_policy(path) for path in paths]
    except records.Unproven:  # unreadable settings may say anything
        return False
    return "accept" in said[:3] and all(word in (None, "accept") for word in said)


def _policy(path: str) -> object:
    """Return what the settings in the file `path` do with such lines; None: not said. Raises records.Unproven."""
    text = records.read(path, records.SETTINGS, follow=True)
    agents = records.parsed(text).get("agents") if text and text.strip() else None
    return agents.get("crossSessionInbound") if isinstance(agents, dict) else None


# -- sending -----------------------------------------------------------------------------------------------------------


def _frames(record: Json, box: str, token: str, message: str, text: str) -> str:
    """Return the frames to write: the session's token, and `text` as the message with the id `message`."""
    user = {
        "msgV": FRAME,
        "msgId": message,
        "type": "user",
        "from": box,
        "replyToken": token,
        "fromName": "xats",
        "toSessionId": record["sessionId"],
        "priority": "next",
        "message": {"role": "user", "content": text},
    }
    auth = {"msgV": FRAME, "type": "auth", "token": record.get("ipcToken")}
    return "".join(to_json(frame) + "\n" for frame in ([auth, user] if record.get("ipcToken") else [user]))


@contextmanager
def _box() -> Iterator[tuple[str, socket.socket]]:
    """Open a socket for the receipt, in a folder of its own, for the length of the block. Raises OSError."""
    folder = tempfile.mkdtemp(prefix="xats-")
    try:
        path = os.path.join(folder, "box")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(4)
            yield path, listener
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _receipt(listener: socket.socket, pid: int, token: str, message: str) -> str | None:
    """Return the status that `pid` reports of `message`; None: no report within RECEIPT."""
    until = time.monotonic() + RECEIPT
    while (left := until - time.monotonic()) > 0:
        listener.settimeout(left)
        try:
            line, _ = listener.accept()
            with line:
                frames = _heard(line, until) if peer.of(line).pid == pid else []
        except OSError:  # no connection came, or it ended too early
            continue
        if not any(frame.get("type") == "auth" and frame.get("token") == token for frame in frames[:1]):
            continue
        for frame in frames:
            status = frame.get("status")
            if (
                frame.get("action") == "delivery_status"
                and frame.get("origMsgId") == message
                and isinstance(status, str)
            ):
                return verify.plain(status, 20)
    return None


def _heard(line: socket.socket, until: float) -> list[Json]:
    """Return the frames that come on `line` until it ends, or until `until` (monotonic). Raises OSError."""
    data = b""
    while len(data) < FRAMES and (left := until - time.monotonic()) > 0:
        line.settimeout(left)
        piece = line.recv(FRAMES)
        if not piece:
            break
        data += piece
    frames: list[Json] = []
    for row in data.decode("utf-8", "replace").splitlines():
        try:
            frames.append(records.parsed(row))
        except records.Unproven:
            continue
    return frames
