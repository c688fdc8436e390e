"""The server: processes of this user ask the daemon by a Unix socket, see `xats.base.request`.

The daemon answers with the rights of the caller and no more:

- The kernel says which user and process has connected (unix(7): SO_PEERCRED). The daemon refuses another user, and a
  process in a sandbox or a container, because that may be forbidden to reach the database itself.
- The answer is made from the environment and the folder that the caller sends, and from the processes above the caller.
  With them the caller could reach the database itself.
- The daemon answers for its own store alone, and only callers of its own version of xats.

Each request has a thread. Their stores share the connections of the daemon, so a thread holds one only while it is in a
transaction.
"""

from __future__ import annotations

import logging
import os
import select
import stat
import threading
from contextlib import suppress

from xats import __version__
from xats.base import confinement, faults, peer, process, request
from xats.base.errors import StoreError, XatsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from socket import socket
    from typing import Any

    from xats.base.request import Request
    from xats.store import Store

    #: Answers a request; what it returns is sent as JSON.
    Answer = Callable[[Request, Store], Any]

READ = 2.0  # seconds in which a request must arrive, and in which a caller must confirm what it has written
MOST = 100  # requests at the same time
IDLE = 8  # open stores that wait for the next request
PATIENCE = 0.8  # seconds to wait for a busy store: no caller waits longer than a second

log = logging.getLogger("xats.daemon")


class Server:
    """Answers requests about the store at `path` by `answers`, by the name of what is asked for.

    `open_store` opens the store for a thread.
    """

    def __init__(self, path: str, open_store: Callable[[], Store], answers: Mapping[str, Answer]) -> None:
        self._store, self._path = path, request.path_for(path)
        self._open, self._answers = open_store, answers
        self._stores: list[Store] = []
        self._running = threading.BoundedSemaphore(MOST)
        self._listener: socket | None = None
        self._end, self._ended = os.pipe()
        self._file: tuple[int, int] | None = None

    def start(self) -> None:
        """Listen at the socket, which only this user can use. Raises OSError where it cannot be made.

        The caller has the lock of the daemon, so a socket that is there belongs to a daemon that has ended.
        """
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.lstat(self._path).st_mode):
                raise FileExistsError(17, "another file has the name of the socket", self._path)
            os.unlink(self._path)
        listener = request.unconnected()
        try:
            if process.LINUX:
                os.fchmod(listener.fileno(), 0o600)  # unix(7): bind(2) gives the file the mode of the socket
            request.shortly(self._path, listener.bind)
            os.chmod(self._path, 0o600)
            about = os.lstat(self._path)
            self._file = about.st_dev, about.st_ino
            listener.listen(128)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="server", daemon=True).start()

    def close(self) -> None:
        """Take no more requests, and remove the socket."""
        if self._listener is None:
            return
        self._listener = None
        with suppress(OSError):
            about = os.lstat(self._path)
            if (about.st_dev, about.st_ino) == self._file:  # and not that of the next daemon
                os.unlink(self._path)
        os.close(self._ended)

    def _accept(self, listener: socket) -> None:
        ready = select.poll()
        ready.register(listener.fileno(), select.POLLIN)
        ready.register(self._end, select.POLLIN)
        try:
            while not any(one == self._end for one, _ in ready.poll()):
                try:
                    line = _accepted(listener)
                except OSError as problem:  # the caller has gone, or there are too many open files
                    log.debug("a request: %s", problem)
                    continue
                self._running.acquire()
                threading.Thread(target=self._serve, args=(line,), name="request", daemon=True).start()
        finally:
            listener.close()
            os.close(self._end)

    def _serve(self, line: socket) -> None:
        """Answer the caller at the other end of `line`."""
        try:
            line.settimeout(READ)
            self._answer(line)
        except (OSError, ValueError) as problem:
            log.debug("a request: %s", problem)
        except Exception:
            log.exception("a request")
        finally:
            line.close()
            self._running.release()

    def _answer(self, line: socket) -> None:
        about = peer.of(line)
        if about.uid != os.geteuid():
            log.warning("refused a request of the user %s", about.uid)
            request.send(line, {"refused": "the daemon answers only its own user"})
            return
        caller = process.read(about.pid) if about.pid else None
        if caller is None:
            request.send(line, {"refused": "the daemon cannot see the process that asks"})
            return
        said, _ = request.receive(line)
        if said is None:
            return
        if why := self._objection(said) or _confined(caller.pid):
            request.send(line, {"refused": why})
            return

        working: list[bool] = []

        def reached() -> None:
            if not working:
                working.append(True)
                request.send(line, {"working": True})

        def write(data: bytes) -> None:
            """Have the caller write `data`. Raises OSError if it does not confirm that."""
            request.send(line, {"write": data.decode("utf-8", "surrogateescape")})
            faults.point("server.after_answer")
            confirmed, _ = request.receive(line)
            if not confirmed or confirmed.get("written") is not True:
                raise BrokenPipeError(32, "the caller has gone")

        began, mark = process.began(caller.pid), process.mark(caller.pid)
        if not mark.endswith(f":{caller.started}"):  # it has ended meanwhile
            return
        asked = request.Request(
            pid=caller.pid,
            mark=mark,
            began=began,
            environ=_texts(said.get("environ")),
            cwd=_text(said.get("cwd")),
            said=said,
            patience=PATIENCE,
            reached=reached,
            write=write,
        )
        request.send(line, {"done": self._answered(asked)})

    def _objection(self, said: Mapping[str, Any]) -> str:
        """Return why this daemon does not answer the request `said`, "" if it does."""
        if said.get("xats") != __version__:
            return f"the daemon is xats {__version__}, and this is xats {said.get('xats')}"
        if said.get("store") != self._store:
            return f"the daemon uses the store {self._store}"
        if said.get("ask") not in self._answers:
            return "the daemon does not know this request"
        return ""

    def _answered(self, asked: Request) -> Any:
        store = None
        try:
            store = self._stores.pop() if self._stores else self._open()
            store.patience = asked.patience
            value = self._answers[asked.said["ask"]](asked, store)
        except XatsError as problem:
            log.log(logging.DEBUG if isinstance(problem, StoreError) else logging.WARNING, "a request: %s", problem)
            value = None
        except BaseException:
            if store:
                store.close()
            raise
        if store and not store.lost and len(self._stores) < IDLE:
            self._stores.append(store)
        elif store:
            store.close()
        return value


def _accepted(listener: Any) -> socket:
    """Return the next connection of `listener`."""
    import socket as sockets

    number, _ = listener._accept()  # what socket.socket.accept does
    made = sockets.socket(fileno=number)
    made.set_inheritable(False)
    return made


def _confined(pid: int) -> str:
    """Return why a process is confined, in words that follow "the process"; "" if it is not."""
    why = confinement.stricter(pid)
    return f"the process that asks {why}, and the daemon does not" if why else ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> dict[str, str]:
    """Return the variables in `value`."""
    found = value.items() if isinstance(value, dict) else ()
    return {name: text for name, text in found if isinstance(text, str)}
