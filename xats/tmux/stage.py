"""A private tmux server to show things in: nobody else's sessions, nobody's configuration, gone when it is closed.

This is where libtmux serves us: it makes sessions and panes, and its import (40 ms) and its lack of time limits do not
matter here. The guarded paste talks to tmux itself.
"""

from __future__ import annotations

import os

import libtmux

from xats.tmux import program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Stage:
    """A tmux server on a socket of its own, with one window."""

    def __init__(self, socket: str, environ: Mapping[str, str], width: int = 100, height: int = 24) -> None:
        """Start the server at `socket`; its programs get `environ`, its windows `width` x `height` cells."""
        self.server = libtmux.Server(socket_path=socket, config_file=os.devnull, tmux_bin=program.find(os.environ))
        kept = {name: value for name, value in environ.items() if name not in ("TMUX", "TMUX_PANE")}
        self._environment = kept
        self._size = (width, height)
        self._session: libtmux.Session | None = None

    def open(self, command: str) -> str:
        """Run `command` in a new window and return its pane's id."""
        if self._session is None:
            self._session = self.server.new_session(
                "stage",
                window_command=command,
                x=self._size[0],
                y=self._size[1],
                environment=self._environment,
            )
            pane = self._session.active_window.active_pane
        else:
            made = self._session.new_window(window_shell=command, environment=self._environment)
            pane = made.active_pane
        assert pane is not None
        assert pane.pane_id is not None
        return pane.pane_id

    def type(self, pane_id: str, text: str) -> None:
        """Type `text` and Enter into a pane, as a person would."""
        self.server.cmd("send-keys", "-t", pane_id, "-l", text)
        self.server.cmd("send-keys", "-t", pane_id, "Enter")

    def screen(self, pane_id: str) -> list[str]:
        """Return the lines that a pane shows, without the empty ones below."""
        lines = self.server.cmd("capture-pane", "-p", "-t", pane_id).stdout
        return "\n".join(lines).rstrip().split("\n")

    def close(self) -> None:
        """End the server and every program in it."""
        self.server.kill()
