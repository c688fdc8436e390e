"""Who subscribes to a contract, and the mail that subscribers get, in the transaction that makes the change.

It comes from xats itself and needs no reply. What breaks somebody, or may, wakes its recipients; so does a name or an
offer that is gone. Everything else waits in the inbox.
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
    """The mail that a change came to, if anybody was there to get it, and whether it wakes its recipients."""

    sent: Sent | None = None
    wakes: bool = False  #: whether its recipients are to be woken

    @property
    def agents(self) -> tuple[str, ...]:
        """Who got it: name@team."""
        return self.sent.recipients if self.sent else ()


@record
class Subscriber:
    """Who is told of a contract, and since when (ms UTC)."""

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
    """Tell `me` of every change of the contract `name`, which need not exist yet; return whether that is new.

    Raises InvalidName.
    """
    check_name(name, "contract")
    new = tx.run(SUBSCRIBE, team=me.team, key=name.lower(), agent=me.id, now=tx.now) > 0
    if new:
        tx.event("contract_subscribed", me.team, me.name, f"contract:{name}")
    return new


def unsubscribe(tx: Tx, me: Agent, name: str) -> bool:
    """Tell `me` no more of the contract `name`; return whether that was so until now. Raises InvalidName."""
    check_name(name, "contract")
    gone = tx.run(UNSUBSCRIBE, team=me.team, key=name.lower(), agent=me.id) > 0
    if gone:
        tx.event("contract_unsubscribed", me.team, me.name, f"contract:{name}")
    return gone


def subscribers(tx: Tx, team: str, name: str) -> list[Subscriber]:
    """Return who subscribes to the contract `name` of `team`, whether it exists or not, the first one first."""
    rows = tx.all(SUBSCRIBERS, team=team, key=name.lower())
    return [from_row(Subscriber, row, agent=f"{row['name']}@{row['team']}") for row in rows]


# -- telling -----------------------------------------------------------------------------------------------------------


def appeared(tx: Tx, me: Agent, version: Version) -> Notified:
    """Tell whoever waited for it that a contract has its first version."""
    lines = [f"{me.name} has put the first version of the contract {version.contract.name}.", *_note(version)]
    lines += ["", f"See it: xats contract get {version.name}"]
    return _tell(tx, me, version.contract.name, f"contract {version.name} is there", lines, wake=False)


def changed(tx: Tx, me: Agent, version: Version, diff: Diff) -> Notified:
    """Tell the subscribers of a contract that it has a new version, and what that changes."""
    name, effect = version.contract.name, words.effect(diff.backward, diff.forward)
    lines = [f"{me.name} has put {version.name}: {effect}.", *_note(version), ""]
    lines += [f"- {line}" for line in words.lines(diff, SHOWN)]
    lines += ["", f"See it: xats contract get {version.name}"]
    if len(diff.changes) > SHOWN:
        lines.append(f"All changes: xats contract diff {name} {version.number - 1} {version.number}")
    wake = not words.harmless(diff.backward, diff.forward)
    return _tell(tx, me, name, f"contract {version.name}: {effect}", lines, wake=wake)


def revived(tx: Tx, me: Agent, contract: Contract) -> Notified:
    """Tell the subscribers of a retired contract that it is offered again, as it was."""
    lines = [f"{me.name} has brought the contract {contract.name} back; its newest version is {contract.newest}."]
    return _tell(tx, me, contract.name, f"contract {contract.name} is back", lines, wake=False)


def retired(tx: Tx, me: Agent, contract: Contract) -> Notified:
    """Tell the subscribers of a contract that it is not offered any more."""
    lines = [
        f"{me.name} has retired the contract {contract.name}: it gets no new versions and is not offered any more."
    ]
    lines += ["", f"Its last version can still be read: xats contract get {contract.name}@{contract.newest}"]
    return _tell(tx, me, contract.name, f"contract {contract.name} is retired", lines, wake=True)


def renamed(tx: Tx, me: Agent, was: Contract, now: Contract) -> Notified:
    """Take the subscribers of a contract along to its new name, and tell them and whoever waited for that name."""
    old, new = was.name.lower(), now.name.lower()
    if old != new:
        tx.run(GO_ALONG, team=was.team, key=old, new=new)
        tx.run(LEAVE, team=was.team, key=old)
    lines = [f"{me.name} has renamed the contract {was.name}: it is {now.name} now, with all its versions."]
    lines += ["", f"See it: xats contract get {now.name}"]
    subject = f"contract {was.name} is {now.name} now"
    return _tell(tx, me, now.name, subject, lines, wake=old != new)


def _note(version: Version) -> list[str]:
    return [f"Note: {version.note}"] if version.note else []


def _tell(tx: Tx, me: Agent, name: str, subject: str, lines: Sequence[str], *, wake: bool) -> Notified:
    """Send `lines` to everybody who subscribes to the contract `name`, but for `me`, who knows."""
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
    sent = sending.post(tx, agents.system(tx, me.team), "process", draft, whom)
    return Notified(sent, wake)
