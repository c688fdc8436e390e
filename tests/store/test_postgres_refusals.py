"""A server that refuses a connection in its own language: the error of xats is the same as with an English server."""

import os
import socket
import struct
import threading

import psycopg
import pytest

from xats.base import errors
from xats.store.open import open_store

RUSSIAN = "ВАЖНО", "пользователь не прошёл проверку подлинности"
GERMAN = "FATAL", "eine Meldung auf Deutsch"


class Refusing:
    """A server that answers each start of a connection with an error: `severity`, `state` and `text`."""

    def __init__(self, folder: str, severity: str, state: str, text: str) -> None:
        fields = f"S{severity}\0VFATAL\0C{state}\0M{text}\0\0".encode()
        self.answer = b"E" + struct.pack("!I", len(fields) + 4) + fields
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
        self.listener.listen()
        self.url = f"postgresql://ann@/team?host={folder}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                client.recv(1 << 16)
                client.sendall(self.answer)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.mark.skipif(
    psycopg.pq.version() < 170000 or not hasattr(os, "memfd_create"), reason="this libpq does not trace a refusal"
)
@pytest.mark.parametrize("words", [RUSSIAN, GERMAN])
@pytest.mark.parametrize(
    ("state", "kind", "hint"),
    [
        ("28P01", errors.StoreDenied, ":team:ann:PASSWORD"),
        ("28000", errors.StoreDenied, "pg_hba.conf"),
        ("42501", errors.StoreDenied, 'grant connect on database "team" to ann'),
        ("3D000", errors.StoreError, "createdb"),
        ("53300", errors.StoreAway, "pg_isready"),
        ("57P03", errors.StoreAway, "pg_isready"),
    ],
)
def test_the_state_counts_and_not_the_language(tmp_path_factory, words, state, kind, hint):
    severity, text = words
    server = Refusing(str(tmp_path_factory.mktemp("s")), severity, state, text)
    try:
        with pytest.raises(errors.StoreError) as caught:
            open_store(server.url, patience=0)
    finally:
        server.close()
    assert type(caught.value) is kind
    assert hint in caught.value.hint
    assert state == "3D000" or text in str(caught.value)
