"""How agents, messages and wakes look: as JSON for scripts, in words for people."""

from __future__ import annotations

from xats.base import host
from xats.base.durations import ago, iso, rough
from xats.cli.kit.render import bold, dim, one_line, visible
from xats.core.waking import reasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from xats.base.pane import Pane
    from xats.core.agents.agents import Details
    from xats.core.agents.expectations import Expectation
    from xats.core.clock import Standing
    from xats.core.mail.inbox import Letter, Shown
    from xats.core.mail.messages import Message
    from xats.core.mail.sending import Sent
    from xats.core.mail.status import DeliveryStatus
    from xats.core.waking.pauses import Pause
    from xats.core.waking.wakes import Wake


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
        "about": agent.about,
        "expected_since": iso(agent.expected_since),
        "epoch": agent.epoch,
        "host": details.session.seat.where if details.session else None,
        "pane": pane_json(details.session.seat.pane if details.session else None),
    }


def presence_json(details: Details) -> dict[str, Any] | None:
    """Return the JSON form of what an agent's program says it is doing; None when it has never said."""
    found = details.presence
    return {"state": found.doing[0], "at": iso(found.doing[1])} if found else None


def expected_json(found: Expectation | None) -> dict[str, Any] | None:
    """Return the JSON form of an expectation; None if there is none."""
    if found is None:
        return None
    times = {"until": iso(found.expires_at), "ended_at": iso(found.ended_at)}
    return {"client": found.client, "pane": pane_json(found.pane), **times, "reason": found.end_reason}


def pane_json(pane: Pane | None) -> dict[str, Any] | None:
    """Return the JSON form of a pane."""
    return {"socket": pane.socket, "pane_id": pane.pane_id, "pane_pid": pane.pane_pid} if pane else None


def clock_json(trust: Standing) -> dict[str, Any]:
    """Return the JSON form of how far the clock is trusted."""
    since = None if trust.trusted else iso(trust.since)
    return {"trusted": trust.trusted, "since": since, "reason": trust.cause}


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
        "contract": {"name": message.contract[0], "version": message.contract[1]} if message.contract else None,
    }


def letter_json(letter: Letter, to: str) -> dict[str, Any]:
    """Return the JSON form of a message as `to` has it."""
    body = {"to": to, "body": letter.message.body, "state": letter.state}
    times = {"read_at": iso(letter.read_at), "shown_at": iso(letter.shown_at)}
    return {**message_json(letter.message), **body, **times, "data": _data(letter.message)}


def _data(message: Message) -> object:
    """Return the value that the body of `message` is, if it satisfies a contract."""
    if message.contract is None:
        return None
    from xats.base.jsontext import from_json

    return from_json(message.body)


def sent_json(sent: Sent) -> dict[str, Any]:
    """Return the JSON form of what sending came to."""
    not_woken = [{"agent": agent, "reason": reason} for agent, reason in sent.not_woken]
    delayed = [{"agent": agent, "reason": "throttled", "next_attempt_at": iso(until)} for agent, until in sent.delayed]
    found = {"message": message_json(sent.message), "created": sent.created, "recipients": sent.recipients}
    renamed = [{"name": name, "agent": agent} for name, agent in sent.renamed]
    dead = [{"agent": agent, "reason": reason} for agent, reason in sent.dead]
    return {**found, "not_woken": not_woken, "delayed": delayed, "renamed": renamed, "dead_letters": dead}


def wake_json(wake: Wake | None, no_wake_reason: str | None) -> dict[str, Any]:
    """Return the JSON form of a wake, or of why there is none."""
    if wake is None:
        nothing: dict[str, Any] = {"detail": None, "attempts": 0, "transport": None, "handed_to": []}
        times = {"next_attempt_at": None, "updated_at": None}
        return {"id": None, "state": "skipped", "reason": no_wake_reason, "last_refusal": None, **nothing, **times}
    return {
        "id": wake.id,
        "state": wake.state,
        "reason": wake.reason,
        "last_refusal": wake.last_refusal,
        "detail": wake.detail,
        "attempts": wake.attempts,
        "transport": wake.transport,
        "handed_to": wake.taken_by,
        "next_attempt_at": iso(wake.next_attempt_at),
        "updated_at": iso(wake.updated_at),
    }


def last_wake_json(details: Details) -> dict[str, Any] | None:
    """Return the JSON form of what is being done to have an agent read its mail; None when it has none."""
    if details.wake is None and not details.unread:
        return None
    return wake_json(details.wake, details.no_wake_reason or "no_wake")


def delivery_json(status: DeliveryStatus) -> dict[str, Any]:
    """Return the JSON form of one recipient's copy."""
    return {
        "agent": status.agent,
        "state": status.state,
        "shown_at": iso(status.shown_at),
        "read_at": iso(status.read_at),
        "replied_at": iso(status.replied_at),
        "acked_at": iso(status.acked_at),
        "host": status.host_name,
        "wake": wake_json(status.wake, status.no_wake_reason),
    }


def near(address: str, team: str) -> str:
    """Return `name@team` as it is called inside `team`."""
    return address.removesuffix(f"@{team}")


def letter_text(letter: Letter, team: str, now: int, reply: Callable[[int], str], *, hints: bool = True) -> str:
    """Return a message to read. Every line of the body is marked, so that none can pose as ours.

    `reply` returns the command that answers the message with an id.
    """
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
    if message.contract:
        lines.append(f"  Satisfies: {contract_text(message, team)}")
    lines += [f"  | {line}" for line in visible(message.body).rstrip("\n").split("\n")]
    if hints and message.need_reply and letter.state in ("unread", "shown", "read"):
        lines.append(dim(f"  needs a reply: {reply(message.id)}"))
    return "\n".join(lines)


def contents_text(found: Sequence[Letter], left: int, room: int, command: Callable[..., str]) -> str:
    """Return what stands before letters where they may be cut: their ids, how much is `left`, and what is long.

    A letter is long when it alone is larger than a page of `room` bytes. `command` makes a command of words.
    """
    ids = ", ".join(f"#{letter.message.id}" for letter in found)
    said = f"1 letter follows: {ids}" if len(found) == 1 else f"{len(found)} letters follow: {ids}"
    if left:
        said += f"; {left} more: {command('inbox')}"
    for letter in found:
        if len(letter.message.body) > room:
            number, size = letter.message.id, len(letter.message.body)
            said += f"\nlong: #{number}, {size:,} characters; if its end is missing: {command('show', number)} > FILE"
    return said


def shown_text(before: Sequence[Shown], team: str, again: str) -> str:
    """Return in words which letters were shown before, and the command `again` that prints them."""
    senders: dict[str, list[str]] = {}
    for one in before:
        senders.setdefault(near(one.sender, team), []).append(f"#{one.id}")
    said = "; ".join(f"{', '.join(ids)} from {sender}" for sender, ids in senders.items())
    return f"shown before, perhaps not seen: {said} (print again: {again})"


def contract_text(message: Message, team: str) -> str:
    """Return the contract that the body of `message` satisfies as it is called inside `team`: `order@3`."""
    assert message.contract
    name, version = message.contract
    theirs = message.sender.partition("@")[2]
    return f"{name}@{version}" + (f" of team {theirs}" if theirs != team else "")


def sent_text(sent: Sent, team: str) -> str:
    """Return in words what sending came to."""
    message = sent.message
    if not sent.created:
        return f"#{message.id} was already sent {_to(sent.recipients, team)}; nothing new was stored"
    as_contract = f" as {contract_text(message, team)}" if message.contract else ""
    return f"#{message.id} sent {_to(sent.recipients, team)}{as_contract}{_wish(message)}"


def not_woken_text(sent: Sent, team: str) -> str:
    """Return in words who is not woken for what was sent, or only later, or never had it, a line for each reason."""
    lines = []
    for agent, reason in sent.dead:
        lines.append(f"  {near(agent, team)} has not read it ({reasons.words(reason)}): xats status {sent.message.id}")
    for old, agent in sent.renamed:
        lines.append(f"  {old} is called {near(agent, team)} now")
    for reason in dict.fromkeys(reason for _, reason in sent.not_woken):
        names = [agent for agent, why in sent.not_woken if why == reason]
        if reason in ("no_program", "not_registered"):
            lines.extend(f"  {_absent(near(name, team), reason)}" for name in names)
            continue
        lines.append(f"  stored, but not woken: {_to(names, team).removeprefix('to ')} ({reasons.words(reason)})")
        if reason == "hop_limit":
            lines.append(f"  a person lets them go on: xats resume {near(names[0], team)}")
    for agent, until in sent.delayed:
        when = rough(until - sent.message.sent_at)
        lines.append(f"  {near(agent, team)} is woken in {when} ({reasons.words('throttled')})")
    return "\n".join(lines)


def _absent(name: str, reason: str) -> str:
    """Return in words why mail waits for an agent that is not here."""
    return (
        f"{name} has no program yet; mail waits"
        if reason == "no_program"
        else f"{name} is not there; mail is held for that name"
    )


def pause_text(pause: Pause, team: str) -> str:
    """Return in words who is paused, by whom and why."""
    name = near(pause.agent, team) if pause.agent else f"the whole team {pause.team}"
    why = f": {one_line(pause.reason)}" if pause.reason else ""
    return f"{name} is paused by {near(pause.by, team)}{why}"


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
        return f"skipped: {reasons.words(status.no_wake_reason or 'no_wake')}"
    why = f" ({wake.reason}): {reasons.words(wake.reason)}" if wake.reason else ""
    if wake.state == "failed" and wake.last_refusal and wake.last_refusal != wake.reason:
        why += f"; the last time {reasons.words(wake.last_refusal)}"
    why += _seen(wake)
    tries = f", {wake.attempts} attempt{'s' if wake.attempts != 1 else ''}" if wake.attempts else ""
    then = f"; {_then(wake, now)}" if wake.state in ("queued", "retrying") else ""
    if wake.state == "delivered" and wake.is_open:
        then = f", handed to {', '.join(wake.taken_by)}; if it does not read, {_then(wake, now)}"
    if then and status.host and status.host != host.id():
        then += f", by the daemon on {status.host_name}"
    return f"{wake.state}{why}{tries}{then}"


def _seen(wake: Wake) -> str:
    """Return what was seen when the last attempt was refused, in brackets."""
    open_or_failed = wake.state in ("queued", "retrying", "failed")
    return f" (seen: {one_line(wake.detail)})" if wake.detail and wake.reason and open_or_failed else ""


def _then(wake: Wake, now: int) -> str:
    """Return when an open wake is tried next."""
    if wake.lease_token:
        return "being tried now"
    if wake.next_attempt_at is None:
        absent = wake.reason in ("no_program", "not_registered")
        return "delivered when it registers" if absent else "again when it registers anew"
    if wake.next_attempt_at <= now:
        return "due now"
    again = "again" if wake.attempts or wake.reason != "throttled" else "next"
    return f"{again} in {rough(wake.next_attempt_at - now)}"


def wake_brief(details: Details, now: int, *, words: bool) -> str:
    """Return in short what is being done to have an agent read its mail; "" when there is nothing to do.

    Reasons are told by their codes, or, where there is room, in `words`.
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
        return f"suspended: {why(wake.reason)}" + ("; again when it registers anew" if words else "")
    seen = _seen(wake) if words else ""
    return f"{wake.state}: {f'{why(wake.reason)}{seen}, ' if wake.reason else ''}{_then(wake, now)}"
