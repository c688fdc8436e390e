"""Connections that several stores of one process share: each has one only while it is in a transaction."""

from __future__ import annotations

import threading

from xats.base.errors import StoreBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Pool:
    """At most `most` connections. `take` and `give` come in pairs."""

    def __init__(self, most: int) -> None:
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._closed = False

    def take(self, seconds: float) -> Any | None:
        """Return an idle connection, None where the caller has to connect. Raises StoreBusy after `seconds`."""
        if not self._free.acquire(timeout=max(0.001, seconds)):
            msg = f"All connections to the database have been in use for {seconds:g} s. Nothing was written."
            raise StoreBusy(msg)
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give(self, connection: Any | None) -> None:
        """Take back a connection, which is in no transaction, or None where the caller could not connect.

        After a connection that was lost, the idle ones are closed: they are lost too.
        """
        with self._lock:
            if connection is not None and not connection.closed and not self._closed:
                self._idle.append(connection)
                connection, unused = None, []
            else:
                unused, self._idle = self._idle, []
        for one in filter(None, (*unused, connection)):
            one.close()
        self._free.release()

    def close(self) -> None:
        """Close the idle connections now, and the others when they are given back."""
        with self._lock:
            self._closed = True
            unused, self._idle = self._idle, []
        for one in unused:
            one.close()
