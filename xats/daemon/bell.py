"""The daemon's bell: a FIFO beside the store, which a sender rings when its message is on disk.

It only saves time. Whoever cannot reach it (another user, a sandbox, a read-only mount) is noticed all the same,
because the daemon also polls the store; a daemon that cannot make it (something else has that name) lives by polling.
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
    """Return the pid in the lock file of the daemon, which may be of one that has ended; None if there is none."""
    try:
        said = sidefile.read(lock_path(store), 200).decode("ascii", "replace").strip().split(":")
    except OSError:
        return None
    number = said[1] if len(said) == 3 and said[0] == host.id() else said[0]  # an older release writes the pid alone
    return int(number) if number.isascii() and number.isdigit() else None


def ring(store: str) -> bool:
    """Have the daemon of the store at path `store` look at it now; return whether one listens. It never waits."""
    pipe = fifo.reach(path_for(store))
    if pipe is None:
        return False
    try:
        return os.write(pipe, b".") == 1
    except BlockingIOError:
        return True  # full: it has been told, and often
    except OSError:
        return False
    finally:
        os.close(pipe)


class Bell:
    """The daemon's end. `trouble` says why senders cannot ring it, if so."""

    def __init__(self, store: str) -> None:
        self.trouble = ""
        try:
            self._heard = self._rung = fifo.make(path_for(store))
        except OSError as problem:
            self.trouble = f"{path_for(store)}: {problem.strerror}"
            self._heard, self._rung = os.pipe()
            os.set_blocking(self._rung, False)

    def wait(self, seconds: float) -> None:
        """Return when somebody rings, after `seconds` at the latest."""
        import select

        if select.select([self._heard], [], [], seconds)[0]:
            os.read(self._heard, 1 << 16)  # all that there can be

    def ring(self) -> None:
        """Ring it from inside; a signal handler may do so."""
        from contextlib import suppress

        with suppress(BlockingIOError):  # full
            os.write(self._rung, b".")

    def close(self) -> None:
        """Listen no longer. The FIFO stays: without a reader it only says so."""
        for end in {self._heard, self._rung}:
            os.close(end)
