"""The terminals of a tmux server: show a line on all of them, and set options for their status lines.

Nothing is typed. A user option that is set globally (`set-option -g @name`) is the same in the formats of all sessions,
windows and panes that do not set it themselves.
"""

from __future__ import annotations

import os

from xats.base.record import record
from xats.tmux import notice
from xats.tmux.address import check_pane_id
from xats.tmux.errors import TmuxGone
from xats.tmux.server import quote, run, same

# Free text comes last.
_CLIENTS = (
    "#{pid}|#{client_control_mode}|#{pane_id}|#{client_flags}|#{client_termname} #{client_termtype}|#{client_name}"
)

# Terminals that show a notification for OSC 9, and for OSC 777, by a part of their names. Others could print the text.
OSC_9 = ("iterm2", "wezterm", "ghostty", "kitty", "foot")
OSC_777 = ("rxvt",)


@record
class Terminal:
    """A tmux client on a terminal."""

    name: str
    pane_id: str  #: the pane that has its keyboard
    program: str  #: its TERM, and what it says that it is, like `xterm-kitty kitty(0.32.2)`


def attached(socket: str, pid: int) -> list[Terminal]:
    """Return the terminals that are attached to the server `pid` at `socket`. Raises TmuxGone, TmuxUnavailable."""
    found = []
    for line in run(socket, "list-clients", "-F", _CLIENTS).splitlines():
        server, control, pane_id, flags, program, name = (line.split("|", 5) + [""] * 6)[:6]
        if server != str(pid):
            raise TmuxGone(f"the tmux server with pid {pid} has ended; {socket} is another server now")
        if control == "0" and "suspended" not in flags and name:
            found.append(Terminal(name, pane_id, program))
    return found


def show(socket: str, terminal: Terminal, text: str) -> bool:
    """Show `text` for some seconds on `terminal`; tell whether it did. Raises TmuxGone, TmuxUnavailable."""
    return notice.show_on(socket, terminal.name, terminal.pane_id, text)


def notify(terminal: Terminal, text: str) -> bool:
    """Let `terminal` show `text` as a desktop notification; tell whether it is one that can.

    tmux passes on no such sequence of a client, so xats writes it to the terminal itself, by one write(2).
    https://iterm2.com/documentation-escape-codes.html, https://codeberg.org/dnkl/foot#supported-oscs
    """
    program, said = terminal.program.lower(), notice.literal(text).replace(";", ",")
    if any(name in program for name in OSC_9):
        data = f"\x1b]9;{said}\x1b\\"
    elif any(name in program for name in OSC_777):
        data = f"\x1b]777;notify;xats;{said}\x1b\\"
    else:
        return False
    try:
        file = os.open(terminal.name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (OSError, ValueError):
        return False
    try:
        if not os.isatty(file) or os.fstat(file).st_uid != os.geteuid():
            return False
        return os.write(file, data.encode()) > 0
    except OSError:  # the terminal takes nothing just now
        return False
    finally:
        os.close(file)


def window(socket: str, pane_id: str) -> str:
    """Return the window of a pane as `SESSION:NUMBER`, as tmux names a target. Raises NoPane, TmuxUnavailable."""
    check_pane_id(pane_id)
    return run(socket, "display-message", "-p", "-t", pane_id, "#{session_name}:#{window_index}").strip()


def option(socket: str, name: str) -> str:
    """Return the value of the global user option `name`, "" if it is not set. Raises TmuxGone, TmuxUnavailable."""
    return run(socket, "show-options", "-gqv", name).rstrip("\n")


def set_options(socket: str, pid: int, values: dict[str, str]) -> None:
    """Set the global user options `values` of the server `pid` at `socket`; "" unsets one.

    Raises TmuxGone (also when another server listens there now), TmuxUnavailable.
    """
    commands = [
        f"set-option -g {name} {quote(value)}" if value else f"set-option -gqu {name}" for name, value in values.items()
    ]
    done = " ; ".join([*commands, "display-message -p SET"])
    if "SET" not in run(socket, "if-shell", "-F", same("#{pid}", str(pid)), done, "display-message -p OTHER").split():
        raise TmuxGone(f"the tmux server with pid {pid} has ended; {socket} is another server now")
