"""What must be true of a pane before a key is sent to it: each check gives the reason to refuse, or None.

The checks of this module always run; a caller adds its own, such as what a client's profile knows about dialogs and
drafts. They run before the paste and before each Enter: by then the draft in the composer is our own (`look.line`,
`look.wake`).
"""

from __future__ import annotations

import time

from xats import process
from xats.tmux.pane import device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.reasons import Reason
    from xats.pane import Pane
    from xats.tmux.screen import Look

    Guard = Callable[[Look], Reason | None]
    Client = tuple[int, int]  # pid, start time

HUMAN = 3  # seconds after a key in which a person is taken to be at work
# Programs that take the terminal for a while from the one that has started them: editors, pagers, lists, other hosts.
_TAKERS = (
    "vi vim nvim view vimdiff ex nano pico emacs emacsclient micro hx helix kak joe mcedit less more most lv man pager"
    " bat fzf sk peco gum tig lazygit ssh telnet mosh-client screen top htop btop watch"
)
TAKERS = frozenset(_TAKERS.split())

GUARDS: tuple[Guard, ...] = ()  # the further guards that are passed unless the caller says otherwise


def identity(pane: Pane, look: Look) -> Reason | None:
    """Refuse a pane of another server, another life of the server, or with another process started in it."""
    seen = (look.server_pid, look.server_start, look.pane_id, look.pane_pid)
    return None if seen == (pane.server_pid, pane.server_start, pane.pane_id, pane.pane_pid) else "pane_changed"


def state(look: Look) -> Reason | None:
    """Refuse a dead pane (a paste into one crashes tmux before 3.4), a mode (keys act on it), input switched off."""
    if look.dead:
        return "pane_dead"
    if look.in_mode:
        return "copy_mode"
    return "input_off" if look.input_off else None


def person(look: Look) -> Reason | None:
    """Refuse while a person types: a key came from a tmux client that shows this pane, at most HUMAN seconds ago.

    tmux counts whole seconds, so it may be one more. What xats itself pastes and sends is no key of a client.
    """
    return "human_active" if look.key_at and 0 <= int(time.time()) - look.key_at <= HUMAN else None


def foreground(pane: Pane, client: Client | None) -> Reason | None:
    """Refuse unless keys would reach the client: it lives, on this terminal, in its foreground group, and is no shell.

    Not by `pane_current_command`: under a wrapper without job control (`sh -c "...; claude"`) that says `sh`. With no
    client known, the foreground group must have a member that is not a shell.
    """
    if client is None:
        return None if _only_shells(pane.pane_pid) is False else "shell_foreground"
    found = process.read(client[0])
    if found is None or found.started != client[1]:
        return "shell_foreground" if _only_shells(pane.pane_pid) else "pane_changed"
    if found.tty != device(pane):
        return "pane_changed"
    in_front = found.pgrp == found.tpgid and not process.is_shell(found.name)
    return None if in_front else "shell_foreground"


def taken(pane: Pane, client: Client | None) -> bool:
    """Say whether an editor or the like is in front beside `client`, in whose foreground group it was started."""
    members = process.foreground(pane.pane_pid)
    return any(member.name in TAKERS and (client is None or member.pid != client[0]) for member in members)


def _only_shells(pid: int) -> bool | None:
    """Say whether all that is in the foreground of the terminal of `pid` is shells; None if nobody can tell."""
    root = process.read(pid)
    leader = process.read(root.tpgid) if root and root.tty and root.tpgid > 0 else None
    if root and leader and leader.tty == root.tty and not process.is_shell(leader.name):
        return False  # spares listing every process of the machine
    members = process.foreground(pid)
    return all(process.is_shell(member.name) for member in members) if members else None
