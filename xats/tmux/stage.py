"""A private tmux server for the demo: without a configuration, without other sessions, and ended by `close`.

Only this module and places.py use libtmux: its import (40 ms) and its lack of time limits do not matter here. The
guarded paste runs tmux itself.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

import libtmux

from xats.tmux import program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def utf8() -> Iterator[None]:
    """Make the tmux client print UTF-8 in any locale.

    libtmux separates the fields of a list by a character that is not ASCII, and cannot pass `-u`. The client reads
    LC_ALL first, see tmux(1).
    """
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C.UTF-8"
    try:
        yield
    finally:
        if before is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = before


class Stage:
    """A tmux server on a socket of its own, with one session."""

    def __init__(self, socket: str, environ: Mapping[str, str], width: int = 100, height: int = 24) -> None:
        """Start no server yet; its programs will get `environ`, its windows `width` x `height` cells."""
        self.server = libtmux.Server(socket_path=socket, config_file=os.devnull, tmux_bin=program.find(os.environ))
        kept = {name: value for name, value in environ.items() if name not in ("TMUX", "TMUX_PANE")}
        self._environment = kept
        self._size = (width, height)
        self._session: libtmux.Session | None = None
        self._panes: dict[str, libtmux.Pane] = {}

    def open(self, command: str) -> str:
        """Run `command` in a new window and return its pane's id. The first one starts the server."""
        with utf8():
            if self._session is None:
                width, height = self._size
                self._session = self.server.new_session(
                    "stage", window_command=command, x=width, y=height, environment=self._environment
                )
                pane = self._session.active_pane
            else:
                pane = self._session.new_window(window_shell=command, environment=self._environment).active_pane
        assert pane is not None
        assert pane.pane_id is not None
        self._panes[pane.pane_id] = pane
        return pane.pane_id

    def type(self, pane_id: str, text: str) -> None:
        """Type `text` and Enter into a pane, as a person would."""
        self._panes[pane_id].send_keys(text, literal=True)

    def screen(self, pane_id: str) -> list[str]:
        """Return the lines that a pane shows, without the empty ones below."""
        with utf8():
            return "\n".join(self._panes[pane_id].capture_pane()).rstrip().split("\n")

    def close(self) -> None:
        """End the server and every program in it."""
        self.server.kill()
