"""The tmux address in the environment of a process, `TMUX` and `TMUX_PANE`, read without a call of tmux."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def address(environ: Mapping[str, str]) -> tuple[str, int, str] | None:
    """Return (socket path, server pid, pane id) as tmux wrote them into `environ`, or None outside tmux.

    It is a claim, not a proof: a process that outlived its pane, or inherited the environment of another, has it too.
    """
    found = server(environ)
    pane = environ.get("TMUX_PANE", "")
    return (*found, pane) if found and is_pane_id(pane) else None


def server(environ: Mapping[str, str]) -> tuple[str, int] | None:
    """Return (socket path, server pid) as tmux wrote them into `environ`, or None outside tmux.

    A popup and the command of a key binding have no TMUX_PANE. tmux(1) writes `TMUX=socket,pid,session`;
    a socket's path may hold commas.
    """
    socket, _, pid = environ.get("TMUX", "").rpartition(",")[0].rpartition(",")
    return (socket, int(pid)) if socket and pid.isdigit() else None


def socket_folder(environ: Mapping[str, str]) -> str:
    """Return the folder in which tmux makes the sockets of this user's servers: TMUX_TMPDIR/tmux-UID, see tmux(1)."""
    return os.path.join(os.path.realpath(environ.get("TMUX_TMPDIR") or "/tmp"), f"tmux-{os.getuid()}")


def is_pane_id(text: str) -> bool:
    """Say whether `text` is a pane id like `%5`. tmux takes any other text for a name."""
    return text[:1] == "%" and text[1:].isascii() and text[1:].isdigit()


def check_pane_id(text: str) -> None:
    """Refuse what is not a pane id, because a row of the store may hold any text. Raises NoPane."""
    if not is_pane_id(text):
        from xats.tmux.errors import NoPane

        raise NoPane(f"{text[:40]!r} is not a pane id like %5")
