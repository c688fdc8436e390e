"""The history that `xats status --attempts` prints: every attempt to wake the recipients of a message."""

from __future__ import annotations

import time

from xats.base.durations import iso, rough
from xats.cli.kit import render, waking
from xats.cli.kit.views import near
from xats.cli.mail.copies import present
from xats.core.mail import history
from xats.core.mail.status import status
from xats.core.waking import reasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Context, Me
    from xats.core.mail.history import Attempt, Joined
    from xats.core.mail.messages import Message
    from xats.core.mail.status import DeliveryStatus
    from xats.store import Tx

OUTCOMES = {
    "queued": "postponed",
    "retrying": "refused",
    "delivered": "woken",
    "skipped": "not needed",
    "failed": "given up",
}


def show_attempts(here: Context, message_id: int | None) -> int:
    """Print every attempt for the message `message_id`, which I sent (None: the last one); return the exit code."""

    def look(tx: Tx, me: Me) -> tuple[Message, list[DeliveryStatus], dict[int, list[Attempt]], dict[int, Joined]]:
        message, copies = status(tx, me.agent, message_id)
        return message, copies, history.attempts(tx, message), history.joined(tx, message)

    message, stored, attempts, joined = here.read(look)
    now = here.store.clock()
    copies, seen = present(stored, now)
    if here.json:
        from xats.cli.kit import documents

        rows = [
            {
                **documents.delivery_json(one, state),
                "joined": _joined_json(joined.get(one.agent_id)),
                "attempts": [attempt_json(made) for made in attempts.get(one.agent_id, [])],
            }
            for one, state in zip(copies, seen, strict=True)
        ]
        render.document({"message": documents.message_json(message), "deliveries": rows})
        return 0
    if not here.quiet and render.on_terminal():
        render.put(waking.title_text(message, now))
    made = [(attempt, one) for one in copies for attempt in attempts.get(one.agent_id, [])]
    made.sort(key=lambda pair: pair[0].at)
    lines: list[tuple[str, ...]] = [
        (_time(message.sent_at), near(one.agent, here.team), "joined", "", _joined(joined[one.agent_id], message))
        for one in copies
        if one.agent_id in joined
    ]
    lines += [_row(attempt, near(one.agent, here.team)) for attempt, one in made]
    for one in copies:
        lines.append((_time(now), near(one.agent, here.team), "now", "", _now(one, now)))
    render.table(("AT", "AGENT", "ATTEMPT", "TRANSPORT", "WHY"), lines, stretch=("WHY",))
    return 0


def _row(attempt: Attempt, agent: str) -> tuple[str, ...]:
    """Return the columns of an attempt to wake `agent`."""
    handed = attempt.state == "delivered" and attempt.next_attempt_at is not None
    words = [f"{attempt.reason}: {reasons.words(attempt.reason)}"] if attempt.reason else []
    if attempt.exit is not None:
        words.append(f"exit {attempt.exit}")
    if attempt.next_attempt_at is not None:
        then = rough(attempt.next_attempt_at - attempt.at)
        words.append(f"if nothing is read, again after {then}" if handed else f"again after {then}")
    outcome = "handed over" if handed else OUTCOMES[attempt.state]
    return _time(attempt.at), agent, outcome, attempt.transport or "", "; ".join(words)


def _joined(older: Joined, message: Message) -> str:
    """Return in words which older wake the message joined. Attempts from before the message are not listed."""
    used = "" if older.attempts is None else f", with {older.attempts} attempt{'' if older.attempts == 1 else 's'}"
    return f"wake {older.wake}, opened {rough(message.sent_at - older.opened_at)} before this message{used}"


def _now(one: DeliveryStatus, now: int) -> str:
    """Return the present state of a copy in words, and of its wake if the recipient has not seen it."""
    mail = waking.mail_text(one, now)
    return f"{mail}; wake {waking.wake_text(one, now)}" if one.state in ("unread", "expired") else mail


def _time(at: int) -> str:
    """Return a time in ms UTC for a column: local and short on a terminal, else as in JSON."""
    if render.on_terminal():
        return time.strftime("%m-%d %H:%M:%S", time.localtime(at // 1000))
    return iso(at) or ""


def _joined_json(older: Joined | None) -> dict[str, Any] | None:
    """Return the JSON form of the older wake that a message joined."""
    if older is None:
        return None
    return {"wake": older.wake, "opened_at": iso(older.opened_at), "attempts": older.attempts}


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """Return the JSON form of an attempt."""
    about = {"at": iso(attempt.at), "wake": attempt.wake, "state": attempt.state, "transport": attempt.transport}
    counted = {"reason": attempt.reason, "attempts": attempt.attempts}
    return {**about, **counted, "next_attempt_at": iso(attempt.next_attempt_at), "exit": attempt.exit}
