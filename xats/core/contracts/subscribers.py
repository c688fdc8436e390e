"""Subscribers of contracts, and the mail that they get in the transaction of each change.

The mail comes from xats itself and needs no reply. It wakes its recipients if the change breaks or may break a reader
or writer, and if a contract was renamed or retired. Other mail only waits in the inbox.
"""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.address import check_name
from xats.core.agents import agents
from xats.core.contracts import words
from xats.core.mail import recipients, sending
from xats.core.mail.sending import Draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.contracts.contracts import Contract, Version
    from xats.core.mail.sending import Sent
    from xats.schemas.diff import Diff
    from xats.store import Tx

SHOWN = 30  # changes that one piece of mail names


@record
class Notified:
    """The mail about a change, if the contract has subscribers."""

    sent: Sent | None = None
    wakes: bool = False  #: whether it wakes its recipients

    @property
    def agents(self) -> tuple[str, ...]:
        """The recipients: name@team."""
        return self.sent.recipients if self.sent else ()


@record
class Subscriber:
    """A subscriber of a contract, and since when (ms UTC)."""

    agent: str  #: name@team
    since: int


NOBODY = Notified()
SUBSCRIBE = """
insert into contract_subscribers (team, name_key, agent_id, since) values (:team, :key, :agent, :now)
on conflict (team, name_key, agent_id) do nothing
"""
UNSUBSCRIBE = """
delete from contract_subscribers where team = :team and name_key = :key and agent_id = :agent
"""
SUBSCRIBERS = f"""
select {agents.AGENT}, s.since from contract_subscribers s join agents a on a.id = s.agent_id
where s.team = :team and s.name_key = :key and a.unregistered_at is null order by s.since, a.id
"""
GO_ALONG = """
insert into contract_subscribers (team, name_key, agent_id, since)
select s.team, :new, s.agent_id, s.since from contract_subscribers s where s.team = :team and s.name_key = :key
on conflict (team, name_key, agent_id) do nothing
"""
LEAVE = "delete from contract_subscribers where team = :team and name_key = :key"


# -- subscribing -------------------------------------------------------------------------------------------------------


def subscribe(tx: Tx, me: Agent, name: str) -> bool:
    """Subscribe `me` to the contract `name`, which need not exist yet; return whether that is new.

    Raises InvalidName.
    """
    check_name(name, "contract")
    new = tx.run(SUBSCRIBE, team=me.team, key=name.lower(), agent=me.id, now=tx.now) > 0
    if new:
        tx.event("contract_subscribed", me.team, me.name, f"contract:{name}")
    return new


def unsubscribe(tx: Tx, me: Agent, name: str) -> bool:
    """Unsubscribe `me` from the contract `name`; return whether `me` was subscribed. Raises InvalidName."""
    check_name(name, "contract")
    gone = tx.run(UNSUBSCRIBE, team=me.team, key=name.lower(), agent=me.id) > 0
    if gone:
        tx.event("contract_unsubscribed", me.team, me.name, f"contract:{name}")
    return gone


def subscribers(tx: Tx, team: str, name: str) -> list[Subscriber]:
    """Return the subscribers of the contract `name` of `team`, which need not exist, the earliest first."""
    rows = tx.all(SUBSCRIBERS, team=team, key=name.lower())
    return [from_row(Subscriber, row, agent=f"{row['name']}@{row['team']}") for row in rows]


# -- mail --------------------------------------------------------------------------------------------------------------


def appeared(tx: Tx, me: Agent, version: Version) -> Notified:
    """Send mail about the first version of a contract to the agents that waited for it."""
    lines = [f"{me.name} has put the first version of the contract {version.contract.name}.", *_note(version)]
    lines += ["", f"See it: xats contract get {version.name}"]
    return _tell(tx, me, version.contract.name, f"contract {version.name} is there", lines, wake=False)


def changed(tx: Tx, me: Agent, version: Version, diff: Diff) -> Notified:
    """Send mail about a new version of a contract, with its changes, to the subscribers."""
    name, effect = version.contract.name, words.effect(diff.backward, diff.forward)
    lines = [f"{me.name} has put {version.name}: {effect}.", *_note(version), ""]
    lines += [f"- {line}" for line in words.lines(diff, SHOWN)]
    lines += ["", f"See it: xats contract get {version.name}"]
    if len(diff.changes) > SHOWN:
        lines.append(f"All changes: xats contract diff {name} {version.number - 1} {version.number}")
    wake = not words.harmless(diff.backward, diff.forward)
    return _tell(tx, me, name, f"contract {version.name}: {effect}", lines, wake=wake)


def revived(tx: Tx, me: Agent, contract: Contract) -> Notified:
    """Send mail about a retired contract that is back to its subscribers."""
    lines = [f"{me.name} has brought the contract {contract.name} back; its newest version is {contract.newest}."]
    return _tell(tx, me, contract.name, f"contract {contract.name} is back", lines, wake=False)


def retired(tx: Tx, me: Agent, contract: Contract) -> Notified:
    """Send mail about a retired contract to its subscribers."""
    lines = [f"{me.name} has retired the contract {contract.name}: it gets no new versions."]
    lines += ["", f"Its last version can still be read: xats contract get {contract.name}@{contract.newest}"]
    return _tell(tx, me, contract.name, f"contract {contract.name} is retired", lines, wake=True)


def renamed(tx: Tx, me: Agent, was: Contract, now: Contract) -> Notified:
    """Move subscribers to the new name of a contract; send mail to them and to those who waited for that name."""
    old, new = was.name.lower(), now.name.lower()
    if old != new:
        tx.run(GO_ALONG, team=was.team, key=old, new=new)
        tx.run(LEAVE, team=was.team, key=old)
    lines = [f"{me.name} has renamed the contract {was.name} to {now.name}, with all its versions."]
    lines += ["", f"See it: xats contract get {now.name}"]
    subject = f"contract {was.name} is {now.name} now"
    return _tell(tx, me, now.name, subject, lines, wake=old != new)


def _note(version: Version) -> list[str]:
    return [f"Note: {version.note}"] if version.note else []


def _tell(tx: Tx, me: Agent, name: str, subject: str, lines: Sequence[str], *, wake: bool) -> Notified:
    """Send `lines` to the subscribers of the contract `name`, except `me`."""
    found = [agents.agent_of(row) for row in tx.all(SUBSCRIBERS, team=me.team, key=name.lower())]
    whom = [recipients.recipient_of(one) for one in found if one.id != me.id]
    if not whom:
        return NOBODY
    draft = Draft(
        f"contract:{name}",
        "\n".join(lines),
        subject[: sending.LARGEST_SUBJECT],
        "contract",
        need_reply=False,
        wake=wake,
    )
    sent = sending.post_from_xats(tx, me.team, draft, whom)
    return Notified(sent, wake)
