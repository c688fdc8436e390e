"""The state by which a server refuses a connection, whatever its language is.

psycopg has no SQLSTATE for a connection that fails, only the server's text, which `lc_messages` translates. So xats
connects once more while libpq traces the messages, and reads the state in the trace. libpq traces a refusal since
version 17, and psycopg lets it trace on Linux only. Elsewhere the state stays unknown.
https://www.postgresql.org/docs/current/libpq-control.html#LIBPQ-PQTRACE
"""

from __future__ import annotations

import os
import re
import select
import time

import psycopg
from psycopg import pq

STATE = re.compile(rb'\tErrorResponse\t.*? C "(\w{5})"')
SAID = re.compile(r"\S:  \S")  # the server's severity and its text; libpq writes one blank
SIZE = 1 << 16  # bytes of a trace that are read


def is_of_server(text: str) -> bool:
    """Tell whether the server itself says `text`, and not libpq."""
    return SAID.search(text) is not None


def state(parameters: str, seconds: float) -> str | None:
    """Return the SQLSTATE by which the server refuses a connection with `parameters`; None if it cannot be found.

    `parameters` are in the form of libpq; it takes at most `seconds`. The trace has the password, so it is in the
    memory of this process only.
    """
    if not hasattr(os, "memfd_create"):
        return None
    trace, until = os.memfd_create("xats"), time.monotonic() + seconds
    try:
        connection = pq.PGconn.connect_start(parameters.encode())
        connection.trace(trace)
        while (found := connection.connect_poll()) not in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
            socket, left = [connection.socket], max(0.0, until - time.monotonic())
            reads = found == pq.PollingStatus.READING
            if not any(select.select(socket if reads else [], [] if reads else socket, [], left)):
                break
        connection.untrace()
        connection.finish()
        states = STATE.findall(os.pread(trace, SIZE, 0))
    except (psycopg.Error, OSError, ValueError):
        return None
    finally:
        os.close(trace)
    return states[-1].decode() if states else None
