"""A person's terminal: a tmux client on a pseudo-terminal, and all that it was made to show."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

FOREIGN = ("TMUX", "XATS_")
PATIENCE = 20.0  # seconds


class Viewer:
    """A client of the server at `socket` that is attached to `session` with `flags`, 80 x 24; close it."""

    def __init__(self, socket: str, session: str, *options: str, flags: str = "") -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.name = os.ttyname(slave)
        environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        attach = ["attach-session", *(["-f", flags] if flags else [])]
        self.process = subprocess.Popen(
            ["tmux", "-u", "-S", socket, "-f", "/dev/null", *options, *attach, "-t", session],
            env={**environ, "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = b""
        self.wait_for(b"\x1b" if not options else b"%session-changed")

    def read(self, seconds: float = 0.0) -> bytes:
        """Return all that was shown until now."""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # the client has ended
                break
            if not data:
                break
            self.shown += data
            seconds = 0.0
        return self.shown

    def wait_for(self, text: bytes) -> None:
        """Wait until `text` was shown."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.read(0.05):
            assert time.monotonic() < deadline, (text, self.shown[-2000:])

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def close(self) -> None:
        """Close the terminal."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE)
        os.close(self.master)
