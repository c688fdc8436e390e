"""The transport that works everywhere: one fixed line, pasted into the agent's tmux pane behind guards."""

from __future__ import annotations

from xats.tmux import paste, screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents import Session
    from xats.delivery.attempt import Result
    from xats.delivery.settings import Settings
    from xats.tmux.screen import Look

NAME = "tmux"


def deliver(
    session: Session, line: Callable[[], str | None], token: str, settings: Settings, stopping: Callable[[], bool]
) -> Result:
    """Paste `line()` into the pane of `session` and submit it, or say why not."""
    from xats.delivery.attempt import Result

    seat = session.seat
    assert seat.pane
    client = (seat.pid, seat.pid_started) if seat.pid is not None and seat.pid_started is not None else None

    unsent: list[str] = []

    def stranded(look: Look) -> str | None:
        """Refuse a composer that still holds the line of another wake: ours would be joined to it."""
        other, _, step = look.wake.partition(":")
        if not other or other == token or not screen.holds(look, look.line):
            return None
        if step == "pasted":
            unsent.append(other)
        return "draft_present"

    outcome = paste.attempt(
        seat.pane,
        line=line,
        token=token,
        quiet_ms=settings.quiet,
        client=client,
        stopping=stopping,
        guards=(stranded,),
    )
    if outcome.reason == "draft_present" and unsent and line() is not None:
        # Its attempt died before Enter, then its mail was read. Nobody else would ever send it off, and it says what
        # ours would say: there is mail. If it is gone by now, nothing is pasted.
        outcome = paste.attempt(seat.pane, line=lambda: None, token=unsent[0], quiet_ms=0, client=client)
    if outcome.state == "withdrawn":
        stopped = outcome.reason == "stopping"
        return Result("stopped" if stopped else "skipped", None if stopped else "already_read")
    if outcome.state == "unconfirmed":
        return Result("refused", "unconfirmed", outcome.detail)
    return Result(outcome.state, outcome.reason or None, outcome.detail)
