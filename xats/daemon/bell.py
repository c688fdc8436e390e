"""The daemon's bell: a FIFO beside the store. A sender writes a byte into it once its message is on disk.

The bell only saves time, because the daemon also polls the store. A sender may be unable to reach the FIFO (another
user, a sandbox, a read-only mount), and the daemon may be unable to make it (its name is taken).
"""

from __future__ import annotations

import os

from xats.base import fifo, host, sidefile


def path_for(store: str) -> str:
    """Return the FIFO of the daemon of the store at path `store`."""
    return sidefile.path_for(store, "daemon.wake")


def lock_path(store: str) -> str:
    """Return the lock file of this host's daemon for the store at path `store`; see `xats.daemon.lock`."""
    return sidefile.path_for(store, f"daemon-{host.id()}.lock")


def signed(store: str) -> int | None:
    """Return the pid in the lock file of the daemon, which may have ended; None: the file has no pid."""
    from xats.base import sidefile

    try:
        said = sidefile.read(lock_path(store), 200).decode("ascii", "replace").strip().split(":")
    except OSError:
        return None
    number = said[1] if len(said) == 3 and said[0] == host.id() else said[0]  # older releases wrote only the pid
    return int(number) if number.isascii() and number.isdigit() else None


def ring(store: str) -> bool:
    """Wake the daemon of the store at path `store`; return whether a daemon listens. This never waits."""
    pipe = fifo.reach(path_for(store))
    if pipe is None:
        return False
    try:
        return os.write(pipe, b".") == 1
    except BlockingIOError:
        return True  # the FIFO is full: the daemon has been rung often
    except OSError:
        return False
    finally:
        os.close(pipe)


class Bell:
    """The daemon's end of the FIFO. `trouble` is why senders cannot ring, or ""."""

    def __init__(self, store: str) -> None:
        self.trouble = ""
        try:
            self._heard = self._rung = fifo.make(path_for(store))
        except OSError as problem:
            self.trouble = f"{path_for(store)}: {problem.strerror}"
            self._heard, self._rung = os.pipe()
            os.set_blocking(self._rung, False)

    def wait(self, seconds: float) -> None:
        """Return after a ring, or after `seconds`."""
        import select

        if select.select([self._heard], [], [], seconds)[0]:
            os.read(self._heard, 1 << 16)  # more than the FIFO can hold

    def ring(self) -> None:
        """Ring from inside the daemon. A signal handler may call this."""
        from contextlib import suppress

        with suppress(BlockingIOError):  # full
            os.write(self._rung, b".")

    def close(self) -> None:
        """Stop listening. The FIFO stays; without a reader a sender sees that no daemon listens."""
        for end in {self._heard, self._rung}:
            os.close(end)
