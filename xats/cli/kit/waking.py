"""The state of mail, wakes and pauses in words for people."""

from __future__ import annotations

from xats.base import host
from xats.base.durations import ago, rough
from xats.cli.kit.render import one_line
from xats.cli.kit.views import near
from xats.core.waking import reasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Details
    from xats.core.mail.messages import Message
    from xats.core.mail.status import DeliveryStatus
    from xats.core.waking.pauses import Pause
    from xats.core.waking.wakes import Wake


def counts_text(read: int, shown: int, recipients: int) -> str:
    """Return how many of the `recipients` of a message have read it, or were only shown it: `read by 9 of 11`."""
    return f"read by {read} of {recipients}" + (f", shown to {shown}" if shown else "")


def pause_text(pause: Pause, team: str) -> str:
    """Return in words which agent or team is paused, by whom and why."""
    name = near(pause.agent, team) if pause.agent else f"the whole team {pause.team}"
    why = f": {one_line(pause.reason)}" if pause.reason else ""
    return f"{name} is paused by {near(pause.by, team)}{why}"


def title_text(message: Message, now: int) -> str:
    """Return the line above the states of the copies of a message."""
    title = f" {one_line(message.subject)!r}" if message.subject else ""
    return f"#{message.id}{title} to {one_line(message.address)}, {ago(message.sent_at, now)}"


def mail_text(status: DeliveryStatus, now: int) -> str:
    """Return the state of one copy in words, without its wake."""
    when = status.replied_at or status.acked_at or status.read_at or status.shown_at
    state, at = mail_state(status), f" {ago(when, now)}" if when else ""
    return f"read{at}, not answered" if state == "owed" else f"{state}{at}"


def mail_state(status: DeliveryStatus) -> str:
    """Return the state of one copy: "acked" and "owed" (read, but not answered) are kinds of "read"."""
    if status.state == "read":
        return "acked" if status.acked_at else "owed" if status.need_reply else "read"
    return status.state


def wake_text(status: DeliveryStatus, now: int) -> str:
    """Return the state of the wake for one copy in words."""
    wake = status.wake
    if wake is None:
        if status.client == "human" and status.no_wake_reason == "no_wake":
            return "skipped: nothing is typed at a person; the inbox has it"
        return f"skipped: {reasons.words(status.no_wake_reason or 'no_wake')}"
    state = state_text(wake) + _seen(wake)
    tries = f", {wake.attempts} attempt{'s' if wake.attempts != 1 else ''}" if wake.attempts else ""
    tries += f" (wake {wake.id}, older than this message)" if tries and status.joined else ""
    then = f"; {_then(wake, now)}" if wake.state in ("queued", "retrying") else ""
    if wake.state == "delivered" and wake.is_open:
        then = f", handed to {', '.join(wake.taken_by)}; if nothing is read, {_then(wake, now)}"
    if then and status.host and status.host != host.id():
        then += f", by the daemon on {status.host_name}"
    return f"{state}{tries}{then}"


def state_text(wake: Wake) -> str:
    """Return the state of a wake and its reason in words."""
    why = f" ({wake.reason}): {reasons.words(wake.reason)}" if wake.reason else ""
    if wake.state == "failed" and wake.last_refusal and wake.last_refusal != wake.reason:
        why += f"; the last time {reasons.words(wake.last_refusal)}"
    return f"{wake.state}{why}"


def _seen(wake: Wake) -> str:
    """Return what xats saw when it refused the last attempt, in brackets."""
    open_or_failed = wake.state in ("queued", "retrying", "failed")
    return f" (seen: {one_line(wake.detail)})" if wake.detail and wake.reason and open_or_failed else ""


def _then(wake: Wake, now: int) -> str:
    """Return when the next attempt of an open wake is."""
    if wake.lease_token:
        return "being tried now"
    if wake.next_attempt_at is None:
        absent = wake.reason in ("no_program", "not_registered")
        return "delivered when it registers" if absent else "again when it registers"
    if wake.next_attempt_at <= now:
        return "due now"
    again = "again" if wake.attempts or wake.reason not in ("throttled", "team_limit") else "next"
    return f"{again} in {rough(wake.next_attempt_at - now)}"


def wake_brief(details: Details, now: int, *, words: bool) -> str:
    """Return the state of an agent's wake in short; "" if there is nothing to do.

    Reasons are codes, or with `words` sentences.
    """

    def why(reason: str | None) -> str:
        return reasons.words(reason or "no_wake") if words else reason or "no_wake"

    wake = details.wake
    if wake is None:
        by_itself = details.agent.wake_by == "none" and details.no_wake_reason in (None, "no_wake")
        if details.unread and not by_itself and not details.paused:
            return f"not woken: {why(details.no_wake_reason)}"
        shown = f"{details.shown} shown, not read yet" if details.shown and not details.unread else ""
        return "paused" if details.paused else shown
    if wake.state == "held":
        return "held: paused"
    if wake.state == "failed":
        return f"given up: {why(wake.last_refusal or wake.reason)}{_seen(wake) if words else ''}"
    if wake.state == "delivered":
        woken = f"handed over {ago(wake.updated_at, now)}" if wake.is_open else f"woken {ago(wake.updated_at, now)}"
        return f"{woken}, not read" + (f", {_then(wake, now)}" if wake.is_open and words else "")
    if wake.state == "skipped":
        return f"not woken: {why(wake.reason)}"
    if wake.next_attempt_at is None and not wake.lease_token:
        return f"suspended: {why(wake.reason)}" + ("; again when it registers" if words else "")
    seen = _seen(wake) if words else ""
    return f"{wake.state}: {f'{why(wake.reason)}{seen}, ' if wake.reason else ''}{_then(wake, now)}"
