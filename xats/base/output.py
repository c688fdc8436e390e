"""Output that arrives whole, or fails.

With PYTHONUNBUFFERED=1, Python writes text directly to a FileIO. If the disk is full or the reader has left, that
writes only a part and reports no error: https://docs.python.org/3/library/io.html#io.RawIOBase.write. A descriptor with
O_NONBLOCK, which another process may have set, accepts nothing while its pipe is full.
"""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from typing_extensions import Buffer


def write(descriptor: int, data: Buffer) -> None:
    """Write all of `data` to `descriptor`, and wait for a reader that is slow. Raises OSError."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            import select

            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll()


class Whole(io.RawIOBase):
    """A descriptor that writes all the data it is given."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Tell whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: Buffer) -> int:
        """Write all of `data`; return its length in bytes. Raises OSError."""
        write(self._descriptor, data)
        return memoryview(data).nbytes


def check(stream: TextIO | None) -> TextIO | None:
    """Return a stream to use instead of `stream`, Python's standard output: it writes everything, or raises OSError."""
    if stream is None or stream is not sys.__stdout__ or not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    whole = io.BufferedWriter(Whole(stream.fileno()))
    return io.TextIOWrapper(whole, stream.encoding, stream.errors, line_buffering=stream.line_buffering)


def drop() -> None:
    """Lose what is left for stdout: Python would fail over it once more when it flushes at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError:  # no descriptor is left
        sys.stdout = None
