"""A link to a PostgreSQL server that breaks where a test wants it: a proxy on a Unix socket that counts the messages.

https://www.postgresql.org/docs/current/protocol-overview.html: a message has a type (one byte, which the first message
of a connection lacks), its length, and its content.
"""

import os
import socket
import struct
import threading

FATAL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
HOLD = 0.5  # seconds that a message is on its way after the client has lost its connection


class Link:
    """Listens in `folder` and passes on to the socket `server`. From the `cut`-th message on, it breaks once.

    `how` is what happens to that message: "lost" (it does not arrive), "unanswered" (it arrives, its answer does not),
    "late" (it arrives after the client has lost its connection), or "ended" (it arrives, and instead of the answer the
    client gets what a server says that is shut down).
    """

    def __init__(self, folder: str, server: str) -> None:
        self.server, self.cut, self.how = server, 0, "lost"
        self.when = b""  # cuts the first message with this text instead
        self.refuses = False  # whether nobody can connect any more once the link is broken
        self.seen: list[bytes] = []  # the messages of all clients
        self.broken = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
        self._listener.listen()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._threads:
            one.join(30)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses and self.broken:
                client.close()
                continue
            one = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(one)
            one.start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        silent = threading.Event()
        try:
            server.connect(self.server)
        except OSError:
            client.close()
            return
        back = threading.Thread(target=self._answers, args=(server, client, silent), daemon=True)
        back.start()
        try:
            first = True
            while message := self._message(client, first):
                first = False
                with self._lock:
                    self.seen.append(message)
                    cuts = len(self.seen) == self.cut or bool(self.when and self.when in message and not self.broken)
                if not cuts:
                    server.sendall(message)
                    continue
                self.broken += 1
                silent.set()
                if self.how in ("unanswered", "ended"):
                    server.sendall(message)
                    self._answered(server)
                if self.how == "ended":
                    client.sendall(b"E" + struct.pack("!I", len(FATAL) + 4) + FATAL)
                client.shutdown(socket.SHUT_RDWR)
                if self.how == "late":
                    threading.Event().wait(HOLD)  # the time on the way, not a wait for a state
                    server.sendall(message)
                    self._answered(server)
                return
        except OSError:
            pass
        finally:
            for one in (client, server):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            back.join(30)
            client.close()
            server.close()

    def _answered(self, server: socket.socket) -> None:
        """Wait until the server has answered: `_answers` drops that."""
        self._dropped.wait(30)
        self._dropped.clear()

    _dropped = threading.Event()

    def _answers(self, server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        try:
            while part := server.recv(65536):
                if silent.is_set():
                    self._dropped.set()
                    continue
                client.sendall(part)
        except OSError:
            pass
        self._dropped.set()
        try:
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _message(self, client: socket.socket, first: bool) -> bytes:
        head = self._exactly(client, 4 if first else 5)
        if not head:
            return b""
        return head + self._exactly(client, struct.unpack("!I", head[-4:])[0] - 4)

    def _exactly(self, client: socket.socket, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = client.recv(size - len(found))
            if not part:
                return b""
            found += part
        return found
