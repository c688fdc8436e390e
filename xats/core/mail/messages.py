"""Messages: what was said, and to whom.

Accepting a message is one transaction: the message, a delivery and an open wake for each recipient, and the event.
What each recipient makes of its delivery is in `inbox`.
"""

from __future__ import annotations

from xats.base.errors import InvalidBody, KeyReused, UnknownMessage, UnknownRecipient, Usage, at
from xats.base.record import from_row, record, replace
from xats.core.address import Address, is_forgotten, parse_list
from xats.core.agents import agents
from xats.core.teams import teams
from xats.core.waking import limits, wakes

# `held` and `stops` are imported where they are needed: most mail needs neither.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.core.agents.agents import Agent
    from xats.core.states import WakeBy
    from xats.core.waking.reasons import Reason
    from xats.core.waking.stops import Notice
    from xats.core.waking.wakes import Joined
    from xats.store import Row, Tx

LARGEST_BODY = 1 << 20  # bytes of UTF-8
LARGEST_SUBJECT = 200  # characters
# Why a recipient is not woken for what was sent.
NOT_WOKEN: tuple[Reason, ...] = ("paused", "hop_limit", "no_program", "not_registered")


@record
class Draft:
    """What is to be sent."""

    address: str
    body: str
    subject: str | None = None
    kind: str | None = None  #: default: "mail", "broadcast" to a group, "reply" to a message
    need_reply: bool | None = None  #: default: yes to named agents, no to groups and in replies
    dedupe_key: str | None = None  #: the same draft under the same key is sent once; see `_sent_before`
    ttl: int | None = None  #: ms until unread copies expire
    reply_to: int | None = None
    wake: bool = True
    hops: int = limits.HOPS  #: how many wakes two agents may cause each other in a row without a person
    contract: tuple[int, str, int] | None = None  #: id, name and version of the contract that the body satisfies
    is_answer: bool = False  #: the address is not as it was written: it is whom the answer goes to
    hold: bool = False  #: keep it for a named agent that is not there yet, or has left


@record
class Message:
    """A message as it is stored."""

    id: int
    thread_id: int
    sender: str  #: name@team
    sender_client: str
    evidence: str
    address: str
    subject: str | None
    body: str
    kind: str
    need_reply: bool
    reply_to: int | None
    sent_at: int
    expires_at: int | None
    contract: tuple[str, int] | None = None  #: the name, in its sender's team, and the version that the body satisfies


@record
class Sent:
    """What sending came to. `created` is False when the key had been used before."""

    message: Message
    created: bool
    recipients: tuple[str, ...]
    not_woken: tuple[tuple[str, Reason], ...] = ()  #: who is not woken for it, and why: a code of `NOT_WOKEN`
    delayed: tuple[tuple[str, int], ...] = ()  #: whose wake is throttled, and until when (ms UTC)
    renamed: tuple[tuple[str, str], ...] = ()  #: former names in its address, and which agent each leads to
    dead: tuple[tuple[str, str], ...] = ()  #: whose copy ended unread, and why; of what was sent before under the key


MESSAGE = """
m.id, coalesce(m.thread_id, m.id) as thread, m.sender_id, m.evidence, m.address, m.subject, m.body, m.kind,
m.need_reply, m.reply_to, m.sent_at, m.expires_at, m.thread_id, f.name as sender_name, f.team as sender_team,
f.client as sender_client, (select k.name from contracts k where k.id = m.contract_id) as contract, m.contract_version
"""
BY_ID = f"select {MESSAGE} from messages m join agents f on f.id = m.sender_id where m.id = :id"


def message_of(row: Row) -> Message:
    """Return the Message in a row that has the MESSAGE columns."""
    version = row["contract_version"]
    return from_row(
        Message,
        row,
        thread_id=row["thread"],
        sender=f"{row['sender_name']}@{row['sender_team']}",
        need_reply=bool(row["need_reply"]),
        contract=(row["contract"], version) if version is not None else None,
    )


VISIBLE = f"""
select {MESSAGE}, d.state, d.read_at, d.shown_at from messages m join agents f on f.id = m.sender_id
left join deliveries d on d.message_id = m.id and d.agent_id = :me
where m.id = :id and (m.sender_id = :me or d.agent_id is not null)
"""


def visible(tx: Tx, me: Agent, message_id: int) -> Row:
    """Return message `message_id` if `me` sent it or got it. Raises UnknownMessage."""
    row = tx.one(VISIBLE, id=message_id, me=me.id)
    if row is None:
        msg = f"There is no message {message_id} to or from {me.name}."
        raise UnknownMessage(msg, id=message_id)
    return row


# -- whom --------------------------------------------------------------------------------------------------------------

UNLIMITED = ("human", "system")
RECIPIENT = "a.id, a.name, a.team, a.client, a.wake_by, a.expected_at, a.unregistered_at, a.forgotten_at"
GROUP = {
    "all": f"select {RECIPIENT} from agents a where a.team = :team and a.unregistered_at is null order by a.id",
    "role": f"""
        select {RECIPIENT} from agents a where a.team = :team and a.role = :name and a.unregistered_at is null
        order by a.id
    """,
    "tag": f"""
        select {RECIPIENT} from labels l join agents a on a.id = l.agent_id
        where l.kind = 'tag' and l.label = :name and a.team = :team and a.unregistered_at is null order by a.id
    """,
    "cap": f"""
        select {RECIPIENT} from labels l join agents a on a.id = l.agent_id
        where l.kind = 'cap' and l.label = :name and a.team = :team and a.unregistered_at is null order by a.id
    """,
}
LABELS = """
select distinct l.label as name from labels l join agents a on a.id = l.agent_id
where l.kind = :kind and a.team = :team and a.unregistered_at is null
"""
ROLES = "select distinct role as name from agents where team = :team and role is not null and unregistered_at is null"
ONE = f"select {RECIPIENT} from agents a where a.team = :team and a.name_key = :key and a.unregistered_at is null"


@record
class Recipient:
    """Somebody that a message goes to."""

    id: int
    address: str
    client: str
    wake_by: WakeBy
    absence: Reason | None = None  #: why no program can have its mail now; see Agent.absence
    called: str | None = None  #: the former name by which it was addressed


def resolve(tx: Tx, sender: Agent, addresses: Sequence[Address], *, hold: bool = False) -> list[Recipient]:
    """Return everybody that `addresses` mean, each once; groups never include the sender.

    With `hold` a name may also be that of an agent that has left or is not there yet. Raises UnknownRecipient for an
    address that means nobody, Usage for a group with `hold`.
    """
    if hold:
        from xats.core.mail import held

        held.refuse_groups(addresses)
    found: dict[int, Recipient] = {}
    for address in addresses:
        team = address.team or sender.team
        if address.team and is_forgotten(team):
            msg = f"Team {team} is what is left of a forgotten team: no mail can be sent to it. Nothing was sent."
            raise UnknownRecipient(msg, "xats agents --all-teams", address=str(address), team=team)
        if address.kind == "pool":
            msg = f"{address} is for one message to one pool: a task that one of its members does."
            raise Usage(msg, f"xats send {address} 'text'")
        name = address.name
        matches = _members(tx, sender, address.kind, team, name)
        if not matches and address.team and (today := teams.address(tx, team, name)) != (team, name):
            team, name = today
            matches = _members(tx, sender, address.kind, team, name)
        if not matches and address.kind == "agent":
            matches = _elsewhere(tx, sender, team, name, hold=hold)
        if not matches:
            raise nobody(tx, address, team)
        found.update((match.id, match) for match in matches)
    return list(found.values())


def _members(tx: Tx, sender: Agent, kind: str, team: str, name: str) -> list[Recipient]:
    """Return everybody in `team` that an address of that `kind` and `name` means."""
    if kind == "me":
        return [Recipient(sender.id, sender.address, sender.client, sender.wake_by)]
    if kind == "agent":
        return _recipients(tx.all(ONE, team=team, key=name.lower()))
    rows = tx.all(GROUP[kind], team=team, **({"name": name} if name else {}))
    return [match for match in _recipients(rows) if match.id != sender.id]


def _elsewhere(tx: Tx, sender: Agent, team: str, name: str, *, hold: bool) -> list[Recipient]:
    """Return the agent of `team` that had that `name` before, else, with `hold`, the one that mail is held for."""
    known = agents.find(tx, team, name)
    if known and known.registered:
        return [recipient_of(known, called=name)]
    if not hold:
        return []
    from xats.core.mail import held

    known = held.absent(tx, sender, team, name)
    return [recipient_of(known)] if known else []


def everybody(tx: Tx, kind: str, team: str, name: str) -> list[Recipient]:
    """Return the members of a group of `team`: kind "role", "tag" or "cap"."""
    return _recipients(tx.all(GROUP[kind], team=team, name=name))


def _recipients(rows: list[Row]) -> list[Recipient]:
    return [
        from_row(
            Recipient,
            row,
            address=f"{row['name']}@{row['team']}",
            wake_by=agents.wake_by(row["client"], row["wake_by"]),
            absence=agents.absence(row["unregistered_at"] is None, row["expected_at"]),
            called=None,
        )
        for row in rows
    ]


def nobody(tx: Tx, address: Address, team: str) -> UnknownRecipient:
    """Return the error for an address that means nobody, with the nearest one that means somebody."""
    if address.team:
        from xats.core.teams import views

        if not views.exists(tx, team):
            problem = views.unknown(tx, team)
            return UnknownRecipient(f"{problem} Nothing was sent.", problem.hint, address=str(address), team=team)
    if address.kind == "agent":
        from xats.core.mail import held

        gone = held.has_left(tx, address, team)
        if gone:
            return gone
    near = agents.near(tx, team, address.name) if address.kind == "agent" else _near_label(tx, address, team)
    hint = f"did you mean {' or '.join(near)}?" if near else f"xats agents --team {team}"
    whom = {"all": "There is no other agent", "agent": f"There is no agent {address}"}
    said = f"{whom.get(address.kind, f'No agent matches {address}')} in team {team}."
    if address.kind == "agent" and (found := teams.elsewhere(tx, address.name, team)):
        said = f"{said[:-1]}; {found}."
        hint = f"xats send {address.name}@{found.teams[0]} 'text'"
    return UnknownRecipient(f"{said} Nothing was sent.", hint, address=str(address), team=team)


def _near_label(tx: Tx, address: Address, team: str) -> list[str]:
    """Return the addresses of groups of `team` that `address` may be mistyped for, the nearest first, at most three."""
    if address.kind not in GROUP or not address.name:
        return []
    from difflib import get_close_matches

    rows = tx.all(ROLES, team=team) if address.kind == "role" else tx.all(LABELS, team=team, kind=address.kind)
    return [f"{address.kind}:{one}" for one in get_close_matches(address.name, [row["name"] for row in rows], 3)]


# -- sending -----------------------------------------------------------------------------------------------------------

INSERT = """
insert into messages (sender_id, evidence, address, body, kind, need_reply, wake, sent_at, subject, thread_id, reply_to,
    dedupe_key, expires_at, contract_id, contract_version)
values (:sender, :evidence, :address, :body, :kind, :need_reply, :wake, :now, :subject, :thread, :reply_to,
    :dedupe_key, :expires_at, :contract, :contract_version)
on conflict (sender_id, dedupe_key) where dedupe_key is not null do nothing
returning id
"""
# Of most messages the rest is null. To leave it out spares a batch a tenth of its time.
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
select {RECIPIENT} from deliveries d join agents a on a.id = d.agent_id where d.message_id = :id order by a.id
"""
COPIES = f"""
select {RECIPIENT}, d.state, d.no_wake_reason, d.expires_at from deliveries d join agents a on a.id = d.agent_id
where d.message_id = :id order by a.id
"""
SENDER = f"select {RECIPIENT} from agents a where a.id = :id"
REPLIED = """
update deliveries set state = 'replied', replied_at = coalesce(replied_at, :now), read_at = coalesce(read_at, :now),
    claim = null, claim_until = null
where agent_id = :agent and message_id = :message
"""


class Deliveries:
    """The deliveries of one sender's messages, written together: each address, wake and pair is looked up once."""

    def __init__(self, tx: Tx, sender: Agent) -> None:
        self._tx, self._sender = tx, sender
        self._deliveries: list[dict[str, Any]] = []
        self._wakes: dict[int, Joined | None] = {}  # by agent; None: a limit stands against a wake
        self._more: dict[int, int] = {}  # how many further messages each wake has come to cover
        self._met: set[int] = set()  # the agents to whom a person writes
        self._known: dict[tuple[str, bool], tuple[list[Recipient], bool]] = {}  # by address, and whether it is held

    def recipients(self, draft: Draft) -> tuple[list[Recipient], bool]:
        """Return everybody that the address of `draft` means, and whether it names agents alone. See `resolve`."""
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
        """Add the delivery of a message; return the wake that covers it, or why its recipient is not woken now."""
        if self._sender.client == "human" and recipient.client not in UNLIMITED and recipient.id not in self._met:
            from xats.core.waking import stops

            self._met.add(recipient.id)
            stops.go_on(self._tx, recipient.id)
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
        """Return why `recipient` is not to be woken, or None."""
        if recipient.id == self._sender.id:
            return "self"  # nobody needs to be woken for what he has just written himself
        return "no_wake" if not draft.wake or recipient.wake_by == "none" else None

    def _join(self, recipient: Recipient, draft: Draft) -> Joined | None:
        """Return the wake that covers mail to `recipient`, or None where its pair with the sender is stopped."""
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
        """Write what was added."""
        self._tx.many(DELIVER, self._deliveries)
        wakes.cover_more(self._tx, self._more)
        self._deliveries.clear()
        self._more.clear()


def check_draft(draft: Draft) -> None:
    """Raise InvalidBody unless `draft` holds text of an allowed size, Usage if its key is empty or not text."""
    from xats.base import text

    size = len(text.check(draft.body, "body", InvalidBody, "Nothing was sent."))
    if draft.subject:
        text.check(draft.subject, "subject", InvalidBody, "Nothing was sent.")
    if draft.dedupe_key:
        text.check(draft.dedupe_key, "key", Usage, "Nothing was sent.", "write the key in UTF-8")
    if not draft.body.strip():
        msg = "The body is empty. Nothing was sent."
        raise InvalidBody(msg, "give the text, or - to read it from standard input")
    if size > LARGEST_BODY:
        msg = f"The body has {size:,} bytes; 1 MiB (1,048,576) is the most. Nothing was sent."
        raise InvalidBody(msg, "put it into a file and send its path")
    if draft.dedupe_key == "":  # of a variable that is not set: all that is sent under it but the first would be lost
        msg = "The key is empty. Nothing was sent."
        raise Usage(msg, "give one, or leave --key out")
    if draft.ttl is not None and draft.ttl < 1:
        msg = (
            "--ttl must be more than 0s: the message would have expired before anybody could read it. Nothing was sent."
        )
        raise Usage(msg, "write --ttl 10m or --ttl 2d, or leave --ttl out")
    subject = draft.subject or ""
    if len(subject) > LARGEST_SUBJECT or "\n" in subject:
        msg = f"A subject is one line of at most {LARGEST_SUBJECT} characters. Nothing was sent."
        raise InvalidBody(msg, "shorten it with -s")


def send(tx: Tx, me: Agent, evidence: str, draft: Draft) -> Sent:
    """Accept `draft` from `me`, who is known by `evidence`.

    Raises UnknownRecipient, UnknownMessage (no such message to reply to), InvalidBody, InvalidName, KeyReused, or Usage
    for a pool or an empty key; nothing is stored then.
    """
    check_draft(draft)
    deliveries = Deliveries(tx, me)
    sent = _accept(tx, me, evidence, draft, deliveries)
    deliveries.write()
    return sent


def _accept(tx: Tx, me: Agent, evidence: str, draft: Draft, deliveries: Deliveries) -> Sent:
    """Store `draft` for everybody that its address means.

    If it means nobody any more, return what was sent under the draft's key.
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
    """Accept `draft`, which is in order, from `me` to `recipients`, whatever its address says."""
    deliveries = Deliveries(tx, me)
    sent = _store(tx, me, evidence, _settled(draft, True), recipients, deliveries)
    deliveries.write()
    return sent


def _tell_of_stop(tx: Tx, stopped: Sequence[Notice]) -> None:
    """Send the people of each team that a pair of agents was stopped."""
    for notice in stopped:
        people = [recipient_of(agent) for agent in notice.people]
        address = ",".join(person.address for person in people)
        draft = Draft(address, notice.text, notice.subject, "alert", need_reply=False)
        post(tx, agents.system(tx, notice.team), "process", draft, people)


def recipient_of(agent: Agent, called: str | None = None) -> Recipient:
    """Return `agent` as somebody that a message goes to; `called` is the former name that it was addressed by."""
    return Recipient(agent.id, agent.address, agent.client, agent.wake_by, agent.absence, called)


def also_to(tx: Tx, message_id: int, sender: Agent, to: Agent) -> None:
    """Deliver message `message_id`, which `sender` has sent, to `to` as well."""
    deliveries = Deliveries(tx, sender)
    deliveries.add(message_id, recipient_of(to), Draft(to.address, ""), None)
    deliveries.write()


def is_direct(addresses: Sequence[Address]) -> bool:
    """Tell whether every one of `addresses` names an agent, and none a group."""
    return all(address.kind in ("agent", "me") for address in addresses)


def send_all(tx: Tx, me: Agent, evidence: str, drafts: Sequence[Draft]) -> list[Sent]:
    """Accept every one of `drafts`, or none. What is raised carries the draft's `index`."""
    deliveries = Deliveries(tx, me)
    sent = []
    for index, draft in enumerate(drafts):
        with at(index):
            sent.append(_accept(tx, me, evidence, draft, deliveries))
    deliveries.write()
    return sent


def reply(tx: Tx, me: Agent, evidence: str, message_id: int, draft: Draft) -> Sent:
    """Answer message `message_id`: to its sender, or to its recipients if `me` sent it. `draft.address` is not read.

    Of several recipients those that have left get it only if the draft is to be held. Raises UnknownMessage,
    InvalidBody, KeyReused, Usage, or UnknownRecipient when nobody would get it.
    """
    check_draft(draft)
    original = visible(tx, me, message_id)
    mine = original["sender_id"] == me.id
    rows = tx.all(RECIPIENTS, id=message_id) if mine else tx.all(SENDER, id=original["sender_id"])
    recipients = _recipients(rows)
    if original["sender_client"] == "system":
        msg = f"Message {message_id} is from xats itself, which reads no answers. Nothing was sent."
        raise UnknownRecipient(msg, f"xats ack {message_id}", id=message_id)
    if not recipients:  # offered to a pool in which nobody was
        msg = f"Nobody has got message {message_id} yet. Nothing was sent."
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
    """Send message `message_id` to `to` as well, in its sender's name and thread; return the new message's id."""
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
    """Store one message, whose `draft` is settled. Its deliveries go into `deliveries`, for the caller to write."""
    if draft.dedupe_key is not None:
        before = _sent_before(tx, me, draft, deliveries)
        if before:
            return before
    original = None if draft.reply_to is None else visible(tx, me, draft.reply_to)
    expires_at = None if draft.ttl is None else tx.now + draft.ttl
    if expires_at is not None:
        from xats.core import clock

        clock.observe(tx)  # an age that begins is the right one
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
    if row is None:  # sent in the same moment, in a database that runs writing transactions side by side
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
    return Sent(message, True, names, tuple(not_woken), tuple(delayed), renamed)


def _settled(draft: Draft, direct: bool) -> Draft:
    """Return `draft` with its kind and whether it needs a reply; `direct` says whether it goes to named agents."""
    answers = draft.reply_to is not None
    kind = draft.kind or ("reply" if answers else "mail" if direct else "broadcast")
    need_reply = direct and not answers if draft.need_reply is None else draft.need_reply
    return replace(draft, kind=kind, need_reply=need_reply)


def _sent_before(tx: Tx, me: Agent, draft: Draft, deliveries: Deliveries) -> Sent | None:
    """Return what `me` sent under the key of `draft`, which is settled, or None. `deliveries` are written then.

    It has to be the same message: the same address as it was written, body, subject, kind, need for a reply, contract,
    and the message that it answers. How long it lives and whom it wakes may differ: the first one decides. The members
    of a group and the name of whom a reply goes to may have changed since. Raises KeyReused for another message.
    """
    row = tx.one(BY_KEY, sender=me.id, dedupe_key=draft.dedupe_key)
    if row is None:
        return None
    deliveries.write()  # it may have been sent a line before
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
    """Return what became of `first`, which was sent before: also whose copy is dead, and for whom mail still waits."""
    rows = tx.all(COPIES, id=first.id)
    copies = list(zip(rows, _recipients(rows), strict=True))
    dead, waits = [], []
    for row, one in copies:
        if row["state"] == "expired":
            dead.append((one.address, "forgotten" if row["no_wake_reason"] == "forgotten" else "expired"))
        elif row["state"] == "unread" and wakes.is_over(tx, first.sent_at, row["expires_at"]):
            dead.append((one.address, "expired"))
        elif row["state"] == "unread" and one.absence:
            waits.append((one.address, one.absence))
    return Sent(first, False, tuple(one.address for _, one in copies), tuple(waits), dead=tuple(dead))


def _reused(tx: Tx, first: Message, differs: Sequence[str]) -> KeyReused:
    """Return the error for a key under which `first` was sent, from which a new message `differs`."""
    from xats.base.durations import ago, iso

    words = {"need_reply": "need for a reply", "reply_to": "message that it answers"}
    what = " and ".join(words.get(one, one) for one in differs)
    at = ago(first.sent_at, tx.now)
    msg = f"Message {first.id} to {first.address}, sent {at}, has this key, but another {what}. Nothing was sent."
    hint = f"take another --key for another message; to see the first one: xats show {first.id}"
    about = {"id": first.id, "address": first.address, "sent_at": iso(first.sent_at)}
    return KeyReused(msg, hint, **about, differs=list(differs))
