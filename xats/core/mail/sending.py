"""Sending: accept a message.

One transaction stores the message, a delivery and an open wake for each recipient, and the event.
"""

from __future__ import annotations

from xats.base import text
from xats.base.errors import InvalidBody, KeyReused, UnknownRecipient, Usage, at
from xats.base.record import record, replace
from xats.core.address import parse_list
from xats.core.agents import agents
from xats.core.mail.messages import BY_ID, Message, message_of, visible
from xats.core.mail.recipients import RECIPIENT, SEATED, from_rows, is_direct, recipient_of, resolve
from xats.core.waking import limits, wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.core.agents.agents import Agent
    from xats.core.mail.recipients import Program, Recipient
    from xats.core.waking.reasons import Reason
    from xats.core.waking.stops import Notice
    from xats.core.waking.wakes import Joined
    from xats.store import Tx

LARGEST_BODY = 1 << 20  # bytes of UTF-8
LARGEST_SUBJECT = 200  # characters
# The reasons for which `send` reports that a recipient is not woken.
NOT_WOKEN: tuple[Reason, ...] = ("paused", "hop_limit", "no_program", "not_registered")
INFO = "info"  # the kind of a message that only informs: by default it needs no reply
UNLIMITED = ("human", "system")  # clients whose mail has no limit


@record
class Draft:
    """A message to send."""

    address: str
    body: str
    subject: str | None = None
    kind: str | None = None  #: default: "mail", "broadcast" to a group, "reply" to a message
    need_reply: bool | None = None  #: default: yes to named agents, no to groups, in replies and for the kind `INFO`
    dedupe_key: str | None = None  #: a draft with the same key is sent only once; see `_sent_before`
    ttl: int | None = None  #: ms until unread copies expire
    reply_to: int | None = None
    wake: bool = True
    hops: int = limits.HOPS  #: the most wakes of a pair in a row without a person
    contract: tuple[int, str, int] | None = None  #: id, name and version of the contract that the body satisfies
    is_answer: bool = False  #: xats wrote the address: the recipients of the answer
    hold: bool = False  #: hold it for a named agent that has not registered yet, or has left


@record
class Sent:
    """The result of sending. `created` is False if the same draft was sent before under its key."""

    message: Message
    created: bool
    recipients: tuple[str, ...]
    not_woken: tuple[tuple[str, Reason], ...] = ()  #: recipients that are not woken, and why: a code of `NOT_WOKEN`
    delayed: tuple[tuple[str, int], ...] = ()  #: recipients with a throttled wake, and until when (ms UTC)
    renamed: tuple[tuple[str, str], ...] = ()  #: former names in its address, and the agent of each
    dead: tuple[tuple[str, str], ...] = ()  #: if sent before: recipients whose copy expired, and why
    programs: tuple[tuple[str, Program], ...] = ()  #: the programs of recipients that still have to read it


INSERT = """
insert into messages (sender_id, evidence, address, body, kind, need_reply, wake, sent_at, subject, thread_id, reply_to,
    dedupe_key, expires_at, contract_id, contract_version)
values (:sender, :evidence, :address, :body, :kind, :need_reply, :wake, :now, :subject, :thread, :reply_to,
    :dedupe_key, :expires_at, :contract, :contract_version)
on conflict (sender_id, dedupe_key) where dedupe_key is not null do nothing
returning id
"""
# In most messages the other columns are null. Leaving them out saves a batch a tenth of its time.
NO_REST = (None,) * 6
INSERT_PLAIN = """
insert into messages (sender_id, evidence, address, body, kind, need_reply, wake, sent_at)
values (:sender, :evidence, :address, :body, :kind, :need_reply, :wake, :now)
returning id
"""
BY_KEY = "select id from messages where sender_id = :sender and dedupe_key = :dedupe_key"
DELIVER = """
insert into deliveries (agent_id, message_id, state, wake_id, no_wake_reason, expires_at, need_reply)
values (:agent, :message, 'unread', :wake, :reason, :expires_at,
    (select m.need_reply from messages m where m.id = :message))
"""
RECIPIENTS = f"""
select {RECIPIENT} from deliveries d join agents a on a.id = d.agent_id {SEATED}
where d.message_id = :id order by a.id
"""
COPIES = f"""
select {RECIPIENT}, d.state, d.no_wake_reason, d.expires_at
from deliveries d join agents a on a.id = d.agent_id {SEATED} where d.message_id = :id order by a.id
"""
SENDER = f"select {RECIPIENT} from agents a {SEATED} where a.id = :id"
REPLIED = """
update deliveries set state = 'replied', replied_at = coalesce(replied_at, :now), read_at = coalesce(read_at, :now),
    claim = null, claim_until = null
where agent_id = :agent and message_id = :message
"""


class Deliveries:
    """The deliveries of one sender's messages, written together. It looks up each address, wake and pair only once."""

    def __init__(self, tx: Tx, sender: Agent) -> None:
        self._tx, self._sender = tx, sender
        self._deliveries: list[dict[str, Any]] = []
        self._wakes: dict[int, Joined | None] = {}  # by agent; None: a limit forbids a wake
        self._more: dict[int, int] = {}  # by wake: further messages that it covers
        self._met: set[int] = set()  # the agents to which a person writes
        self._known: dict[tuple[str, bool], tuple[list[Recipient], bool]] = {}  # by address and `hold`

    def recipients(self, draft: Draft) -> tuple[list[Recipient], bool]:
        """Return the recipients of `draft`, and whether its address names only agents. Raises what `resolve` does."""
        whom = draft.address, draft.hold
        found = self._known.get(whom)
        if found is None:
            addresses = parse_list(draft.address)
            found = resolve(self._tx, self._sender, addresses, hold=draft.hold), is_direct(addresses)
            self._known[whom] = found
        return found

    def add(
        self, message_id: int, recipient: Recipient, draft: Draft, expires_at: int | None
    ) -> tuple[Joined | None, Reason | None]:
        """Add a delivery of a message; return the wake for it, or the reason why its recipient is not woken now."""
        if self._sender.client == "human" and recipient.client not in UNLIMITED and recipient.id not in self._met:
            from xats.core.waking import stops

            self._met.add(recipient.id)
            stops.restart(self._tx, recipient.id)
        reason, woken = self._no_wake(recipient, draft), None
        if reason is None:
            woken = self._join(recipient, draft)
            reason = "hop_limit" if woken is None else None
        wake = woken.id if woken else None
        row = {"agent": recipient.id, "message": message_id, "wake": wake, "reason": reason, "expires_at": expires_at}
        self._deliveries.append(row)
        if woken and not woken.held:
            reason = recipient.absence
        return woken, "paused" if woken and woken.held else reason

    def _no_wake(self, recipient: Recipient, draft: Draft) -> Reason | None:
        """Return why `recipient` gets no wake, or None."""
        if recipient.id == self._sender.id:
            return "self"  # the sender needs no wake for its own message
        return "no_wake" if not draft.wake or recipient.wake_by == "none" else None

    def _join(self, recipient: Recipient, draft: Draft) -> Joined | None:
        """Return the wake for mail to `recipient`, or None if its pair with the sender is stopped."""
        if recipient.id in self._wakes:
            woken = self._wakes[recipient.id]
            if woken:
                self._more[woken.id] = self._more.get(woken.id, 0) + 1
            return woken
        if recipient.absence or self._sender.client in UNLIMITED or recipient.client in UNLIMITED:
            woken = wakes.join(self._tx, recipient.id)
            if recipient.absence:
                wakes.suspend(self._tx, recipient.id, recipient.absence)
        else:
            woken = self._join_within_limits(recipient, draft)
        self._wakes[recipient.id] = woken
        return woken

    def _join_within_limits(self, recipient: Recipient, draft: Draft) -> Joined | None:
        tx, pair = self._tx, limits.pair(self._tx, self._sender.id, recipient.id)
        if pair.stopped_at is not None or pair.wakes >= draft.hops:
            from xats.core.waking import stops

            if not stops.may_wake(tx, pair, recipient.id, draft.hops):
                if pair.stopped_at is None:
                    _tell_of_stop(tx, stops.stop(tx, pair, recipient.id))
                return None
        woken = wakes.join(tx, recipient.id, pair.earliest(tx.now))
        limits.count(tx, pair, recipient.id, woken.id, woken.throttled_until or tx.now)
        return woken

    def write(self) -> None:
        """Write the added deliveries."""
        self._tx.many(DELIVER, self._deliveries)
        wakes.cover_more(self._tx, self._more)
        self._deliveries.clear()
        self._more.clear()


def check_draft(draft: Draft) -> None:
    """Raise InvalidBody unless `draft` has text of an allowed size, and Usage for an invalid key or --ttl."""
    size = len(text.check(draft.body, "body", InvalidBody, "Nothing was sent."))
    if draft.subject:
        text.check(draft.subject, "subject", InvalidBody, "Nothing was sent.")
    if draft.dedupe_key:
        text.check(draft.dedupe_key, "key", Usage, "Nothing was sent.", "write the key in UTF-8")
    if not draft.body.strip():
        msg = "The body is empty. Nothing was sent."
        raise InvalidBody(msg, "give the text, or - to read it from standard input")
    if size > LARGEST_BODY:
        msg = f"The body has {size:,} bytes; the maximum is 1 MiB (1,048,576). Nothing was sent."
        raise InvalidBody(msg, "put it into a file and send its path")
    if draft.dedupe_key == "":  # of an unset variable: xats would drop every message after the first
        msg = "The key is empty. Nothing was sent."
        raise Usage(msg, "give a key, or leave --key out")
    if draft.ttl is not None and draft.ttl < 1:
        msg = "--ttl must be more than 0s; otherwise the message expires before it is read. Nothing was sent."
        raise Usage(msg, "write --ttl 10m or --ttl 2d, or leave --ttl out")
    subject = draft.subject or ""
    if len(subject) > LARGEST_SUBJECT or "\n" in subject:
        msg = f"A subject must be one line of at most {LARGEST_SUBJECT} characters. Nothing was sent."
        raise InvalidBody(msg, "give a shorter one with -s")


def send(tx: Tx, me: Agent, evidence: str, draft: Draft) -> Sent:
    """Accept `draft` from `me`; `evidence` is how xats identified `me`.

    Raises UnknownRecipient, UnknownMessage (no such message to reply to), InvalidBody, InvalidName, KeyReused, or Usage
    for a pool or an empty key; then it stores nothing.
    """
    check_draft(draft)
    deliveries = Deliveries(tx, me)
    sent = _accept(tx, me, evidence, draft, deliveries)
    deliveries.write()
    return sent


def _accept(tx: Tx, me: Agent, evidence: str, draft: Draft, deliveries: Deliveries) -> Sent:
    """Store `draft` for the agents that its address means.

    If it matches no agent any more, return the earlier message under the draft's key.
    """
    try:
        recipients, direct = deliveries.recipients(draft)
    except UnknownRecipient:
        before = _sent_before(tx, me, _settled(draft, is_direct(parse_list(draft.address))), deliveries)
        if before is None:
            raise
        return before
    return _store(tx, me, evidence, _settled(draft, direct), recipients, deliveries)


def post(tx: Tx, me: Agent, evidence: str, draft: Draft, recipients: Sequence[Recipient]) -> Sent:
    """Accept the checked `draft` from `me` to `recipients`; its address is only displayed."""
    deliveries = Deliveries(tx, me)
    sent = _store(tx, me, evidence, _settled(draft, True), recipients, deliveries)
    deliveries.write()
    return sent


def post_from_xats(tx: Tx, team: str, draft: Draft, recipients: Sequence[Recipient]) -> Sent:
    """Accept the checked `draft` as mail from xats itself to `recipients` in `team`; its address is only displayed."""
    return post(tx, agents.system(tx, team), "process", draft, recipients)


def _tell_of_stop(tx: Tx, stopped: Sequence[Notice]) -> None:
    """Send mail to the people of each team that a pair of agents was stopped."""
    for notice in stopped:
        people = [recipient_of(agent) for agent in notice.people]
        address = ",".join(person.address for person in people)
        draft = Draft(address, notice.text, notice.subject, "alert", need_reply=False)
        post_from_xats(tx, notice.team, draft, people)


def also_to(tx: Tx, message_id: int, sender: Agent, to: Agent) -> None:
    """Deliver message `message_id` of `sender` to `to` as well."""
    deliveries = Deliveries(tx, sender)
    deliveries.add(message_id, recipient_of(to), Draft(to.address, ""), None)
    deliveries.write()


def send_all(tx: Tx, me: Agent, evidence: str, drafts: Sequence[Draft]) -> list[Sent]:
    """Accept all of `drafts`, or none. An error carries the `index` of its draft."""
    deliveries = Deliveries(tx, me)
    sent = []
    for index, draft in enumerate(drafts):
        with at(index):
            sent.append(_accept(tx, me, evidence, draft, deliveries))
    deliveries.write()
    return sent


def reply(tx: Tx, me: Agent, evidence: str, message_id: int, draft: Draft) -> Sent:
    """Answer message `message_id`: to its sender, or to its recipients if `me` sent it. `draft.address` is ignored.

    Recipients that have left get it only if `draft.hold` is set. Raises UnknownMessage, InvalidBody, KeyReused, Usage,
    or UnknownRecipient if no agent would get it.
    """
    check_draft(draft)
    original = visible(tx, me, message_id)
    mine = original["sender_id"] == me.id
    rows = tx.all(RECIPIENTS, id=message_id) if mine else tx.all(SENDER, id=original["sender_id"])
    recipients = from_rows(rows)
    if original["sender_client"] == "system":
        msg = f"Message {message_id} is from xats itself, and xats reads no answers. Nothing was sent."
        raise UnknownRecipient(msg, f"xats ack {message_id}", id=message_id)
    if not recipients:  # of a pool that had no members
        msg = f"Message {message_id} has no recipient yet. Nothing was sent."
        raise UnknownRecipient(msg, f"xats send bob 'text' --reply-to {message_id}", id=message_id)
    if any(row["unregistered_at"] is not None for row in rows):
        from xats.core.mail import held

        recipients = held.answerable(tx, me, rows, recipients, message_id, hold=draft.hold)
    answer = replace(
        draft,
        address=",".join(recipient.address for recipient in recipients) if len(recipients) < 4 else original["address"],
        reply_to=message_id,
        subject=draft.subject or _answer_subject(original["subject"]),
        need_reply=bool(draft.need_reply),
        is_answer=True,
    )
    return post(tx, me, evidence, answer, recipients)


REPEAT = """
insert into messages (sender_id, evidence, address, subject, body, kind, need_reply, wake, thread_id, reply_to, sent_at,
    contract_id, contract_version)
select sender_id, evidence, :address, subject, body, kind, need_reply, 1, coalesce(thread_id, id), reply_to, :now,
    contract_id, contract_version
from messages where id = :id
returning id, sender_id, need_reply
"""


def repeat(tx: Tx, message_id: int, to: Agent) -> int:
    """Send a copy of message `message_id` to `to`, from its sender and in its thread; return the id of the copy."""
    row = tx.one(REPEAT, id=message_id, address=to.address, now=tx.now)
    assert row
    sender = agents.by_id(tx, row["sender_id"])
    also_to(tx, row["id"], sender, to)
    tx.event("message_sent", sender.team, sender.name, f"message:{row['id']}", address=to.address, repeats=message_id)
    new: int = row["id"]
    return new


def _answer_subject(subject: str | None) -> str | None:
    if not subject or subject.lower().startswith("re: "):
        return subject
    return f"Re: {subject}"[:LARGEST_SUBJECT]


def _store(
    tx: Tx, me: Agent, evidence: str, draft: Draft, recipients: Sequence[Recipient], deliveries: Deliveries
) -> Sent:
    """Store one message of a settled `draft`. The caller writes its deliveries, which go into `deliveries`."""
    if draft.dedupe_key is not None:
        before = _sent_before(tx, me, draft, deliveries)
        if before:
            return before
    original = None if draft.reply_to is None else visible(tx, me, draft.reply_to)
    expires_at = None if draft.ttl is None else tx.now + draft.ttl
    if expires_at is not None:
        from xats.core import clock

        clock.observe(tx)  # so that the age of this message will be right
    thread = original["thread"] if original else None
    values = {
        "sender": me.id,
        "evidence": evidence,
        "address": draft.address,
        "body": draft.body,
        "kind": draft.kind,
        "need_reply": int(bool(draft.need_reply)),
        "wake": int(draft.wake),
        "now": tx.now,
    }
    if (draft.subject, thread, draft.reply_to, draft.dedupe_key, expires_at, draft.contract) == NO_REST:
        row = tx.one(INSERT_PLAIN, **values)
    else:
        row = tx.one(
            INSERT,
            **values,
            subject=draft.subject,
            thread=thread,
            reply_to=draft.reply_to,
            dedupe_key=draft.dedupe_key,
            expires_at=expires_at,
            contract=draft.contract[0] if draft.contract else None,
            contract_version=draft.contract[2] if draft.contract else None,
        )
    if row is None:  # another transaction of a database with parallel writers has just sent it
        before = _sent_before(tx, me, draft, deliveries)
        assert before
        return before
    message_id: int = row["id"]
    not_woken, delayed = [], []
    for recipient in recipients:
        woken, reason = deliveries.add(message_id, recipient, draft, expires_at)
        if reason in NOT_WOKEN:
            not_woken.append((recipient.address, reason))
        elif woken and woken.throttled_until is not None:
            delayed.append((recipient.address, woken.throttled_until))
    if original and tx.run(REPLIED, agent=me.id, message=draft.reply_to, now=tx.now):
        wakes.close_if_read(tx, me.id)
    names = tuple([recipient.address for recipient in recipients])
    tx.event(
        "message_sent",
        me.team,
        me.name,
        f"message:{message_id}",
        address=draft.address,
        recipients=len(names),
        kind=draft.kind,
        thread_id=thread or message_id,
    )
    message = Message(
        id=message_id,
        thread_id=thread or message_id,
        sender=me.address,
        sender_client=me.client,
        evidence=evidence,
        address=draft.address,
        subject=draft.subject,
        body=draft.body,
        kind=str(draft.kind),
        need_reply=bool(draft.need_reply),
        reply_to=draft.reply_to,
        sent_at=tx.now,
        expires_at=expires_at,
        contract=draft.contract[1:] if draft.contract else None,
    )
    renamed = tuple([(one.called, one.address) for one in recipients if one.called])
    programs = tuple([(one.address, one.program) for one in recipients if one.program and one.id != me.id])
    # All fields by position: the quick way to make a record.
    return Sent(message, True, names, tuple(not_woken), tuple(delayed), renamed, (), programs)


def _settled(draft: Draft, direct: bool) -> Draft:
    """Return `draft` with its defaults: its kind, and whether it needs a reply. `direct`: it goes to named agents."""
    answers = draft.reply_to is not None
    kind = draft.kind or ("reply" if answers else "mail" if direct else "broadcast")
    asks = direct and not answers and kind.lower() != INFO
    need_reply = asks if draft.need_reply is None else draft.need_reply
    return replace(draft, kind=kind, need_reply=need_reply)


def _sent_before(tx: Tx, me: Agent, draft: Draft, deliveries: Deliveries) -> Sent | None:
    """Return the message of `me` under the key of the settled `draft`, or None. If there is one, write `deliveries`.

    It must be the same message: the same address text, body, subject, kind, need for a reply, contract, and message
    that it answers. Its time to live and whom it wakes may differ; those of the first message count. The members of a
    group, and the names of the recipients of a reply, may have changed since. Raises KeyReused for another message.
    """
    row = tx.one(BY_KEY, sender=me.id, dedupe_key=draft.dedupe_key)
    if row is None:
        return None
    deliveries.write()  # an earlier line of the same batch may have sent it
    found = tx.one(BY_ID, id=row["id"])
    assert found
    first = message_of(found)
    differs = {
        "address": draft.address != first.address and not draft.is_answer,
        "body": draft.body != first.body,
        "subject": draft.subject != first.subject,
        "kind": draft.kind != first.kind,
        "need_reply": draft.need_reply != first.need_reply,
        "reply_to": draft.reply_to != first.reply_to,
        "contract": (draft.contract and draft.contract[1]) != (first.contract and first.contract[0]),
    }
    if any(differs.values()):
        raise _reused(tx, first, [what for what, other in differs.items() if other])
    return _became(tx, first)


def _became(tx: Tx, first: Message) -> Sent:
    """Return the result of `first`, which was sent before, with its dead copies and those that still wait."""
    rows = tx.all(COPIES, id=first.id)
    copies = list(zip(rows, from_rows(rows), strict=True))
    dead, waits = [], []
    for row, one in copies:
        if row["state"] == "expired":
            dead.append((one.address, "forgotten" if row["no_wake_reason"] == "forgotten" else "expired"))
        elif row["state"] == "unread" and wakes.is_over(tx, first.sent_at, row["expires_at"]):
            dead.append((one.address, "expired"))
        elif row["state"] == "unread" and one.absence:
            waits.append((one.address, one.absence))
    names = tuple(one.address for _, one in copies)
    programs = tuple((one.address, one.program) for row, one in copies if row["state"] == "unread" and one.program)
    return Sent(first, False, names, tuple(waits), dead=tuple(dead), programs=programs)


def _reused(tx: Tx, first: Message, differs: Sequence[str]) -> KeyReused:
    """Return the error for a key that `first` has, because the new message `differs` in these fields."""
    from xats.base.durations import ago, iso

    words = {"need_reply": "need for a reply", "reply_to": "message that it answers"}
    what = " and ".join(words.get(one, one) for one in differs)
    at = ago(first.sent_at, tx.now)
    msg = f"Message {first.id} to {first.address}, sent {at}, has this key, but another {what}. Nothing was sent."
    hint = f"use another --key for another message; to see the first one: xats show {first.id}"
    about = {"id": first.id, "address": first.address, "sent_at": iso(first.sent_at)}
    return KeyReused(msg, hint, **about, differs=list(differs))
