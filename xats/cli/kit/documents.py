"""The JSON forms of agents, messages and wakes in the documents that verbs print."""

from __future__ import annotations

from xats.base.durations import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.base.pane import Pane
    from xats.cli.agents.states import State
    from xats.core.agents.agents import Details
    from xats.core.agents.expectations import Expectation
    from xats.core.clock import Standing
    from xats.core.crews.starts import Start
    from xats.core.mail.inbox import Letter
    from xats.core.mail.messages import Message
    from xats.core.mail.recipients import Program
    from xats.core.mail.sending import Sent
    from xats.core.mail.status import DeliveryStatus
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
    """Return the JSON form of the state that an agent's program has reported; None if it has reported nothing."""
    found = details.presence
    return {"state": found.doing[0], "at": iso(found.doing[1])} if found else None


def expected_json(found: Expectation | None) -> dict[str, Any] | None:
    """Return the JSON form of an expectation; None if there is none."""
    if found is None:
        return None
    times = {"until": iso(found.expires_at), "ended_at": iso(found.ended_at)}
    return {"client": found.client, "pane": pane_json(found.pane), **times, "reason": found.end_reason}


def start_json(found: Start | None) -> dict[str, Any] | None:
    """Return the JSON form of a start; None if there is none."""
    if found is None:
        return None
    return {
        "generation": found.generation,
        "state": found.state,
        "detail": found.detail,
        "client": found.client,
        "place": found.place,
        "folder": found.folder,
        "worktree": found.worktree,
        "branch": found.branch,
        "base": found.base,
        "pid": found.pid,
        "pane": pane_json(found.pane),
        "policy": found.policy,
        "exit_code": found.exit_code,
        "exit_signal": found.exit_signal,
        "prompt": found.prompt,
        "started_at": iso(found.created_at),
        "since": iso(found.state_at),
    }


def pane_json(pane: Pane | None) -> dict[str, Any] | None:
    """Return the JSON form of a pane."""
    return {"socket": pane.socket, "pane_id": pane.pane_id, "pane_pid": pane.pane_pid} if pane else None


def clock_json(trust: Standing) -> dict[str, Any]:
    """Return the JSON form of the trust in the clock."""
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
    """Return the JSON form of a message to the agent `to`."""
    body = {"to": to, "body": letter.message.body, "state": letter.state}
    times = {"read_at": iso(letter.read_at), "shown_at": iso(letter.shown_at)}
    return {**message_json(letter.message), **body, **times, "data": _data(letter.message)}


def _data(message: Message) -> object:
    """Return the JSON value in the body of `message` if it satisfies a contract, else None."""
    if message.contract is None:
        return None
    from xats.base.jsontext import from_json

    return from_json(message.body)


def sent_json(sent: Sent, gone: Sequence[tuple[str, Program]] = ()) -> dict[str, Any]:
    """Return the JSON form of the result of sending; `gone` are the recipients whose program has ended."""
    not_woken = [{"agent": agent, "reason": reason} for agent, reason in sent.not_woken]
    delayed = [{"agent": agent, "reason": "throttled", "next_attempt_at": iso(until)} for agent, until in sent.delayed]
    found = {"message": message_json(sent.message), "created": sent.created, "recipients": sent.recipients}
    renamed = [{"name": name, "agent": agent} for name, agent in sent.renamed]
    dead = [{"agent": agent, "reason": reason} for agent, reason in sent.dead]
    ended = [{"agent": agent, "gone_at": iso(one.gone_at), "last_seen_at": iso(one.seen_at)} for agent, one in gone]
    ends = {"dead_letters": dead, "not_running": ended}
    return {**found, "not_woken": not_woken, "delayed": delayed, "renamed": renamed, **ends}


def wake_json(wake: Wake | None, no_wake_reason: str | None) -> dict[str, Any]:
    """Return the JSON form of a wake, or of the reason why there is none."""
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
    """Return the JSON form of an agent's wake; None if the agent has neither a wake nor unread mail."""
    if details.wake is None and not details.unread:
        return None
    return wake_json(details.wake, details.no_wake_reason or "no_wake")


def delivery_json(status: DeliveryStatus, state: State) -> dict[str, Any]:
    """Return the JSON form of one recipient's copy; `state` is that of the recipient now."""
    return {
        "agent": status.agent,
        "state": status.state,
        "shown_at": iso(status.shown_at),
        "read_at": iso(status.read_at),
        "replied_at": iso(status.replied_at),
        "acked_at": iso(status.acked_at),
        "host": status.host_name,
        "agent_state": state.name,
        "agent_detail": state.words,
        "wake": wake_json(status.wake, status.no_wake_reason),
    }
