"""How agents, messages and wakes look: as JSON for scripts, in words for people."""

from __future__ import annotations

from xats.cli.render import bold, dim, one_line, visible
from xats.durations import ago, iso, rough

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.core.agents import Details
    from xats.core.inbox import Letter
    from xats.core.messages import Message, Sent
    from xats.core.status import DeliveryStatus
    from xats.core.wakes import Wake
    from xats.pane import Pane

REASONS = {
    "no_pane": "it has no tmux pane, or the pane is gone",
    "pane_dead": "the program in its pane has ended",
    "pane_changed": "something else runs in its pane now",
    "tmux_unavailable": "tmux does not answer",
    "copy_mode": "its pane is in copy mode or another tmux mode",
    "input_off": "input to its pane is switched off",
    "shell_foreground": "a shell, not the agent, is in front in its pane",
    "not_quiet": "its pane is still printing",
    "busy": "the agent is busy",
    "dialog_open": "a dialog is open in its pane",
    "draft_present": "there is a half-written line in its composer",
    "human_active": "somebody is typing in its pane",
    "unconfirmed": "the line was pasted, but nobody saw it being taken; it is not pasted again",
    "rate_capped": "the two have woken each other too often",
    "recipient_active": "it is at work with xats just now",
    "already_read": "it was read without being woken",
    "self": "it is your own",
    "no_wake": "nobody is to be woken for it",
    "retry_exhausted": "every attempt was refused",
    "expired": "its time was over",
    "paused": "wakes are paused",
}


def agent_json(details: Details) -> dict[str, Any]:
    """Return the JSON form of an agent."""
    agent = details.agent
    return {
        "name": agent.name,
        "team": agent.team,
        "role": agent.role,
        "client": agent.client,
        "model": agent.model,
        "tags": details.tags,
        "capabilities": details.capabilities,
        "epoch": agent.epoch,
        "pane": pane_json(details.session.seat.pane if details.session else None),
    }


def pane_json(pane: Pane | None) -> dict[str, Any] | None:
    """Return the JSON form of a pane."""
    return {"socket": pane.socket, "pane_id": pane.pane_id, "pane_pid": pane.pane_pid} if pane else None


def message_json(message: Message) -> dict[str, Any]:
    """Return the JSON form of a message without its body."""
    return {
        "id": message.id,
        "thread_id": message.thread_id,
        "from": message.sender,
        "address": message.address,
        "subject": message.subject,
        "kind": message.kind,
        "need_reply": message.need_reply,
        "reply_to": message.reply_to,
        "sent_at": iso(message.sent_at),
        "expires_at": iso(message.expires_at),
        "evidence": message.evidence,
    }


def letter_json(letter: Letter, to: str) -> dict[str, Any]:
    """Return the JSON form of a message as `to` has it."""
    body = {"to": to, "body": letter.message.body, "state": letter.state, "read_at": iso(letter.read_at)}
    return {**message_json(letter.message), **body}


def sent_json(sent: Sent) -> dict[str, Any]:
    """Return the JSON form of what sending came to."""
    return {"message": message_json(sent.message), "created": sent.created, "recipients": sent.recipients}


def wake_json(wake: Wake | None, no_wake_reason: str | None) -> dict[str, Any]:
    """Return the JSON form of a wake, or of why there is none."""
    if wake is None:
        nothing = {"attempts": 0, "transport": None, "next_attempt_at": None, "updated_at": None}
        return {"state": "skipped", "reason": no_wake_reason, **nothing}
    return {
        "id": wake.id,
        "state": wake.state,
        "reason": wake.reason,
        "last_refusal": wake.last_refusal,
        "attempts": wake.attempts,
        "transport": wake.transport,
        "next_attempt_at": iso(wake.next_attempt_at),
        "updated_at": iso(wake.updated_at),
    }


def delivery_json(status: DeliveryStatus) -> dict[str, Any]:
    """Return the JSON form of one recipient's copy."""
    return {
        "agent": status.agent,
        "state": status.state,
        "read_at": iso(status.read_at),
        "replied_at": iso(status.replied_at),
        "acked_at": iso(status.acked_at),
        "wake": wake_json(status.wake, status.no_wake_reason),
    }


def near(address: str, team: str) -> str:
    """Return `name@team` as it is called inside `team`."""
    return address.removesuffix(f"@{team}")


def letter_text(letter: Letter, team: str, now: int, *, hints: bool = True) -> str:
    """Return a message to read. Every line of the body is marked, so that none can pose as ours."""
    message = letter.message
    sender = near(message.sender, team)
    claimed = {"flag": " (by its own word: --as)", "env": " (by its own word: XATS_AGENT)"}.get(message.evidence, "")
    facts = [ago(message.sent_at, now)]
    if message.kind not in ("mail", "reply"):
        facts.append(one_line(message.kind))
    if message.address != near(message.sender, team) and ("," in message.address or ":" in message.address):
        facts.append(f"to {one_line(message.address)}")
    if message.reply_to:
        facts.append(f"answers #{message.reply_to}")
    if letter.state == "sent":
        facts.append("sent by you")
    elif letter.state == "expired":
        facts.append("expired")
    lines = [f"{bold(f'#{message.id} from {sender}')}{claimed} {dim('- ' + ', '.join(facts))}"]
    if message.subject:
        lines.append(f"  Subject: {one_line(message.subject)}")
    lines += [f"  | {line}" for line in visible(message.body).rstrip("\n").split("\n")]
    if hints and message.need_reply and letter.state in ("unread", "read"):
        lines.append(dim(f'  needs a reply: xats reply {message.id} "..."'))
    return "\n".join(lines)


def sent_text(sent: Sent, team: str) -> str:
    """Return in words what sending came to."""
    message = sent.message
    if not sent.created:
        return f"#{message.id} was already sent {_to(sent.recipients, team)}; nothing new was stored"
    return f"#{message.id} sent {_to(sent.recipients, team)}{_wish(message)}"


def _to(recipients: Sequence[str], team: str) -> str:
    names = [near(name, team) for name in recipients]
    return f"to {', '.join(names)}" if len(names) <= 5 else f"to {len(names)} agents"


def _wish(message: Message) -> str:
    return " (needs a reply)" if message.need_reply else ""


def wake_text(status: DeliveryStatus, now: int) -> str:
    """Return in words what is being done to have a copy read."""
    wake = status.wake
    if wake is None:
        if status.client == "human" and status.no_wake_reason == "no_wake":
            return "skipped: nothing is typed at a person; the inbox has it"
        return f"skipped: {REASONS[status.no_wake_reason or 'no_wake']}"
    why = f" ({wake.reason}): {REASONS[wake.reason]}" if wake.reason else ""
    if wake.state == "failed" and wake.last_refusal and wake.last_refusal != wake.reason:
        why += f"; the last time {REASONS[wake.last_refusal]}"
    tries = f", {wake.attempts} attempt{'s' if wake.attempts != 1 else ''}" if wake.attempts else ""
    then = ""
    if wake.state in ("queued", "retrying"):
        if wake.next_attempt_at is None:
            then = "; again when it registers anew"
        elif wake.lease_token:
            then = "; being tried now"
        elif wake.next_attempt_at > now:
            then = f"; again in {rough(wake.next_attempt_at - now)}"
        else:
            then = "; due now"
    return f"{wake.state}{why}{tries}{then}"
