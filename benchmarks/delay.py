"""A link to a PostgreSQL server on which each message takes its time, as to a server far away."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time


class Delay:
    """Listens in `folder` and passes on to the socket `server`; a round trip takes `seconds` more."""

    def __init__(self, folder: str, server: str, seconds: float) -> None:
        self.server, self.half = server, seconds / 2
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
        self._listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.server)
                for one, other in ((client, server), (server, client)):
                    under_way: queue.SimpleQueue = queue.SimpleQueue()
                    threading.Thread(target=self._read, args=(one, under_way), daemon=True).start()
                    threading.Thread(target=_write, args=(other, under_way), daemon=True).start()

    def _read(self, source: socket.socket, under_way: queue.SimpleQueue) -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            under_way.put((time.monotonic() + self.half, data))


def _write(target: socket.socket, under_way: queue.SimpleQueue) -> None:
    with contextlib.suppress(OSError):
        while True:
            at, data = under_way.get()
            time.sleep(max(0.0, at - time.monotonic()))
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
