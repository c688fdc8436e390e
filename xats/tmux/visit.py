"""Go to a pane: switch a tmux client to it, or attach a new client to its session."""

from __future__ import annotations

from xats.tmux import pane as panes
from xats.tmux.server import become, quote, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from xats.base.pane import Pane

_CLIENT = "#{pane_id}|#{client_control_mode}|#{client_activity}|#{session_id}|#{client_name}"


def switch(pane: Pane, inside: str | None) -> bool:
    """Switch the tmux client that shows the pane `inside` to `pane`, which is on the same server.

    `inside` is the pane of this process, None where it has none, as in a popup. If no client or several clients show
    it, the one that was used last is switched. The client stays in its session if that has the window of `pane`. Return
    False if no client is attached. Raises NoPane if `pane` has another process by now, and what `run` raises.
    """
    said = run(pane, "list-clients", "-F", _CLIENT).splitlines()
    clients = [line.split("|", 4) for line in said if line.count("|") >= 4]
    if not clients:
        return False
    *_, session, client = max(clients, key=lambda one: (one[0] == inside, one[1] == "0", one[2].zfill(20)))
    panes.act(pane, f"switch-client -Z -c {quote(client)} -t {quote(_target(pane, session))}")
    return True


def attach(pane: Pane) -> NoReturn:
    """Replace this process by a tmux client that shows `pane`. Raises what `run` raises."""
    become(pane, "attach-session", "-t", _target(pane, ""))


def _target(pane: Pane, mine: str) -> str:
    """Return the target of `pane` in the session `mine`, if that has its window; else in the session that tmux prefers.

    Windows may be in several sessions, and those of a session group are in all of its sessions.
    """
    said = run(pane, "list-panes", "-a", "-F", "#{session_id}:#{window_id}.#{pane_id}")
    for line in said.splitlines():
        if line.startswith(f"{mine}:") and line.endswith(f".{pane.pane_id}"):
            return line
    return run(pane, "display-message", "-p", "-t", pane.pane_id, "#{session_id}:#{window_id}.#{pane_id}").rstrip("\n")
