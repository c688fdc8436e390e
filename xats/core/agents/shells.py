"""Shells: the shell in which an agent registered, when its own process is not known, as outside tmux.

A session without a process looks the same as the next registration of the name. So it records the shell, which stays
while the commands in it come and go. The shell is no evidence of who acts, or of who is online.
"""

from __future__ import annotations

from xats.base.errors import NameTaken
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent, Session
    from xats.store import Tx

SHELL = """
select host, shell_pid, shell_started, shell_tty, shell_at from sessions
where agent_id = :agent and ended_at is null and shell_pid is not null
"""
NOTE = """
update sessions set shell_pid = :pid, shell_started = :started, shell_tty = :tty, shell_at = :now where id = :session
"""


@record
class Shell:
    """The process of a shell that stays open, and its terminal."""

    pid: int
    started: int
    tty: str | None  #: such as /dev/pts/3; None where it is not known


def refuse_other(tx: Tx, agent: Agent, host: str, shell: Shell, ended: Callable[[int, int], bool]) -> None:
    """Raise NameTaken if `agent` was registered on `host` from another shell than `shell` that can still be open.

    `ended` tells whether a process (pid, start time) has surely ended.
    """
    row = tx.one(SHELL, agent=agent.id)
    if row is None or row["host"] != host:
        return
    held = Shell(pid=row["shell_pid"], started=row["shell_started"], tty=row["shell_tty"])
    if (held.pid, held.started) == (shell.pid, shell.started) or ended(held.pid, held.started):
        return
    from xats.base.durations import ago

    place = f"pid {held.pid}, {held.tty}" if held.tty else f"pid {held.pid}"
    when = ago(row["shell_at"], tx.now)
    msg = f"{agent.name} was registered in another shell ({place}) {when}, and that shell is still open."
    hint = f"take another name, or: xats register {agent.name} --takeover"
    raise NameTaken(msg, hint, name=agent.name, team=agent.team, pid=held.pid)


def note(tx: Tx, session: Session, shell: Shell | None) -> None:
    """Record the `shell` in which a session was registered; None if its own process is known or no shell was found."""
    values = {"pid": shell.pid, "started": shell.started, "tty": shell.tty} if shell else {}
    empty = dict.fromkeys(("pid", "started", "tty"))
    tx.run(NOTE, session=session.id, **{**empty, **values, "now": tx.now if shell else None})
