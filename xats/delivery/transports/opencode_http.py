"""The transport into opencode's own server, which runs after a start with `--port` or with `server.port` set.

Seen at 1.18.33: `POST /session/ID/prompt_async` begins a turn at once, or after the running turn, and a draft stays.
While opencode asks its user for something, xats sends nothing: after a no, the line would stay unanswered. xats finds
the server by the port on which that process listens, and connects only on the loopback interface. The server does not
tell which session is on the screen, so xats takes the registered one.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from contextlib import suppress

from xats.base import process
from xats.base.jsontext import from_json, to_json
from xats.base.record import record
from xats.delivery.transports import Delivered, Skipped, not_taken, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPConnection

    from xats.core.agents.agents import Session
    from xats.delivery.transports import Request, Result

NAME = "opencode-http"
RESTS = False
PROGRAM = ("opencode",)
WAIT = 4.0  # seconds for all requests; the first answer of a new server takes 2
ANSWER = 1 << 20  # bytes of an answer that are read
ID = re.compile(r"ses_[A-Za-z0-9]{8,64}")
LOOPBACK = {
    "127.0.0.1": "127.0.0.1",
    "0.0.0.0": "127.0.0.1",
    "::1": "::1",
    "::": "::1",
}  # the address it listens on: the address xats connects to
LISTEN = "0A"  # a state in /proc/net/tcp


@record
class Server:
    """The server of a session: its process, and its address."""

    pid: int
    host: str
    port: int

    @property
    def url(self) -> str:
        """Return its address as people write it."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class BadAnswer(Exception):
    """The server refuses, or sends an answer that xats does not understand."""


def reach(session: Session) -> str | None:
    """Return the URL of the server of the opencode in `session`; None: it runs none."""
    server = _find(session)
    return server.url if server else None


def deliver(request: Request) -> Result:
    """Send the line to the session, unless it asks its user for something. This takes at most 5 s, usually 0.1."""
    import http.client

    server = _find(request.session)
    if server is None:
        return not_taken("its server is gone")
    path = f"/session/{request.session.seat.client_session}"
    headers = _headers(server.pid)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=WAIT)
    limit = threading.Timer(WAIT, _cut, [connection])  # the timeout of a socket applies to each read
    limit.daemon = True
    limit.start()
    try:
        _check_idle(connection, headers, path)
        text = request.line()
        if text is None:
            return Skipped("already_read")
        body = to_json({"parts": [{"type": "text", "text": text}]}).encode()
        connection.request("POST", f"{path}/prompt_async", body, {**headers, "Content-Type": "application/json"})
        status = _status(connection)
    except (OSError, http.client.HTTPException, BadAnswer) as problem:
        return not_taken(f"{server.url}: {verify.plain(str(problem)) or type(problem).__name__}")
    finally:
        limit.cancel()
        connection.close()
    if status is None:  # the server has received everything
        return Delivered(f"{server.url}, which has not answered")
    return Delivered(server.url) if status < 300 else not_taken(f"{server.url}: HTTP {status}")


# -- where it is -------------------------------------------------------------------------------------------------------


def _find(session: Session) -> Server | None:
    """Return the server of `session`: the only port on which its program listens, or the port on its command line."""
    pid = verify.living(session)
    if pid is None or not ID.fullmatch(session.seat.client_session or ""):
        return None
    for one in verify.family(pid, PROGRAM):
        found = sorted(set(_listening(one.pid)), key=lambda place: (":" in place[0], place))
        named = _named_port(process.argv(one.pid))
        places = [place for place in found if named is None or place[1] == named]
        if len({port for _, port in places}) == 1:
            return Server(one.pid, *places[0])
    return None


def _named_port(argv: list[str]) -> int | None:
    """Return the port that a command line names by `--port`; None: no port, or 0, which means any."""
    for place, word in enumerate(argv):
        option, equals, value = word.partition("=")
        if option == "--port":
            value = value if equals else "".join(argv[place + 1 : place + 2])
            return int(value) or None if value.isascii() and value.isdigit() and len(value) < 6 else None
    return None


def _listening(pid: int) -> Iterator[tuple[str, int]]:
    """Yield the address of each TCP port of `pid` that the loopback interface reaches."""
    if not process.LINUX:
        yield from _listening_elsewhere(pid)
        return
    held = {name[8:-1] for name in process.descriptors(pid) if name.startswith("socket:[")}
    for table in ("tcp", "tcp6") if held else ():
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as file:
                rows = [row.split() for row in file if f" {LISTEN} " in row]
        except OSError:
            continue
        mine = [row[1].split(":") for row in rows if row[3] == LISTEN and row[9] in held]
        near = [(LOOPBACK[_address(address)], int(port, 16)) for address, port in mine if _address(address) in LOOPBACK]
        yield from near
        if near:  # each table costs 5 ms
            return


def _address(text: str) -> str:
    """Return an address of /proc/net/tcp, which is written in words of 32 bits, each in this machine's byte order."""
    words = [int(text[place : place + 8], 16).to_bytes(4, sys.byteorder) for place in range(0, len(text), 8)]
    return socket.inet_ntop(socket.AF_INET6 if len(words) > 1 else socket.AF_INET, b"".join(words))


def _listening_elsewhere(pid: int) -> Iterator[tuple[str, int]]:
    import psutil

    with suppress(psutil.Error, OSError):
        for one in psutil.Process(pid).net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.ip in LOOPBACK:
                yield LOOPBACK[one.laddr.ip], one.laddr.port


# -- requests ----------------------------------------------------------------------------------------------------------


def _headers(pid: int) -> dict[str, str]:
    """Return the header with the password of the server, which is in the environment of its process, if it has one."""
    environ = process.environ(pid)
    password = environ.get("OPENCODE_SERVER_PASSWORD")
    if not password:
        return {}
    import base64

    pair = os.fsencode(f"{environ.get('OPENCODE_SERVER_USERNAME') or 'opencode'}:{password}")
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _check_idle(connection: HTTPConnection, headers: dict[str, str], path: str) -> None:
    """Check that the session of `path` exists and asks its user for nothing. Raises as `_get` does."""
    name = path.rpartition("/")[2]
    about = _get(connection, headers, path)
    if not isinstance(about, dict) or about.get("id") != name:
        msg = "it does not know the session"
        raise BadAnswer(msg)
    for kind in ("permission", "question"):
        waiting = _get(connection, headers, f"/{kind}")
        if not isinstance(waiting, list):
            msg = f"it does not say whether a {kind} is open"
            raise BadAnswer(msg)
        if any(isinstance(one, dict) and one.get("sessionID") == name for one in waiting):
            msg = f"a {kind} is open"
            raise BadAnswer(msg)


def _get(connection: HTTPConnection, headers: dict[str, str], path: str) -> object:
    """Return the JSON that the server answers to `path`. Raises BadAnswer, OSError and HTTPException."""
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    data = answer.read(ANSWER + 1)
    if answer.status != 200:
        msg = f"HTTP {answer.status} for {path.rpartition('/')[0] or path}"
        raise BadAnswer(msg)
    if len(data) > ANSWER:
        msg = f"the answer for {path} is too long"
        raise BadAnswer(msg)
    try:
        return from_json(data.decode())
    except (ValueError, RecursionError) as problem:
        raise BadAnswer("its answer is not JSON") from problem


def _status(connection: HTTPConnection) -> int | None:
    """Return the HTTP status of the answer; None: no answer came."""
    from http.client import HTTPException

    try:
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None


def _cut(connection: HTTPConnection) -> None:
    """Shut the connection down, so that a read from it ends."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
