"""Changes of an agent: its role and labels, its name, an agent whose program comes later, and removal for good.

Everything refers to an agent by its id, so a new name changes nothing else. A former name leads to the agent until
`forget_name` frees it. A removed agent keeps its row, because its messages and tasks refer to it.
"""

from __future__ import annotations

from xats.base.errors import NameTaken, Refused
from xats.base.record import record
from xats.core.address import check_name
from xats.core.agents import agents, cascade, registration
from xats.core.mail import held, recipients, removed, sending
from xats.core.teams import teams
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent, Details, Session
    from xats.store import Tx

LONGEST_ABOUT = 200  # characters


def check_about(text: str) -> str:
    """Return `text`, the purpose of an agent, without space around it. Raises Usage unless it is one short line."""
    from xats.base.text import line

    return line(text, "purpose (--about)", LONGEST_ABOUT, "xats agent set bob --about 'reviews what others wrote'")


def require_self_or_person(by: Agent, agent: Agent, what: str) -> None:
    """Raise Refused unless `by` is `agent` itself or a person; `what` is the action, such as "rename"."""
    if by.id != agent.id and by.client != "human":
        msg = f"Only {agent.name} itself or a person may {what} {agent.name}, and you are {by.name}. "
        msg += "Nothing was changed."
        raise Refused(msg, f"xats send {agent.name} 'please ...'", agent=agent.address)


def _notify(tx: Tx, by: Agent, agent: Agent, subject: str, *lines: str) -> None:
    """Send mail from xats to `agent`, unless `by` is `agent` itself or its program has not appeared yet."""
    if by.id == agent.id or agent.expected:
        return
    draft = sending.Draft(agent.address, "\n".join(lines), subject, "notice", need_reply=False)
    sending.post_from_xats(tx, agent.team, draft, [recipients.recipient_of(agent)])


# -- role, purpose and labels ------------------------------------------------------------------------------------------


@record
class Wanted:
    """Changes of an agent. None and () leave a value as it is."""

    role: str | None = None  #: "" takes the role away
    about: str | None = None  #: "" takes it away
    tags: tuple[str, ...] = ()
    no_tags: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    no_capabilities: tuple[str, ...] = ()


SET = "update agents set role = :role, about = :about where id = :id"
ADD_LABEL = """
insert into labels (agent_id, kind, label) values (:id, :kind, :label) on conflict (agent_id, kind, label) do nothing
"""
REMOVE_LABEL = "delete from labels where agent_id = :id and kind = :kind and label = :label"


def change(tx: Tx, by: Agent, agent: Agent, wanted: Wanted) -> tuple[Details, list[str]]:
    """Change the role, purpose and labels of `agent` as `wanted`, and send it mail about that.

    The caller has checked `wanted`. Return the agent and the changes in words. Raises Refused for a tag or a capability
    to remove that the agent does not have.
    """
    said: list[str] = []
    role = agent.role if wanted.role is None else wanted.role.lower() or None
    about = agent.about if wanted.about is None else wanted.about or None
    if role != agent.role:
        said.append(f"role {role}" if role else "no role")
    if about != agent.about:
        said.append(f"about: {about}" if about else "no description")
    tx.run(SET, id=agent.id, role=role, about=about)
    kinds = (
        ("tag", "tag", wanted.tags, wanted.no_tags),
        ("cap", "capability", wanted.capabilities, wanted.no_capabilities),
    )
    for kind, word, more, fewer in kinds:
        for label in dict.fromkeys(one.lower() for one in fewer):
            if not tx.run(REMOVE_LABEL, id=agent.id, kind=kind, label=label):
                msg = f"{agent.name} has no {word} {label}. Nothing was changed."
                raise Refused(msg, f"xats agent show {agent.name}", agent=agent.address)
            said.append(f"no {word} {label}")
        said += [
            f"{word} {label}"
            for label in dict.fromkeys(one.lower() for one in more)
            if tx.run(ADD_LABEL, id=agent.id, kind=kind, label=label)
        ]
    now = agents.by_id(tx, agent.id)
    if said:
        tx.event("agent_changed", agent.team, by.name, f"agent:{agent.name}", changes=said)
        _notify(tx, by, now, f"{by.name} changed your properties", f"{by.name} set for you: {'; '.join(said)}.")
    return agents.details(tx, now), said


# -- name --------------------------------------------------------------------------------------------------------------

FORMER = "select name from former_names where agent_id = :id order by until, name"
KEEP_NAME = """
insert into former_names (agent_id, name, name_key, until) values (:id, :name, :key, :now)
on conflict (agent_id, name_key) do update set name = :name, until = :now
"""
FREE_NAME = "delete from former_names where agent_id = :id and name_key = :key"
RENAME = "update agents set name = :name, name_key = :key where id = :id"


def former_names(tx: Tx, agent: Agent) -> list[str]:
    """Return the former names of `agent` that still lead to it, the oldest first."""
    return [row["name"] for row in tx.all(FORMER, id=agent.id)]


def rename(tx: Tx, by: Agent, agent: Agent, name: str) -> Agent:
    """Rename `agent` to `name`, and send it mail about that; its former name leads to it. Return the renamed agent.

    Raises NameTaken when another agent has that name or had it, or when mail is held for it; Refused, InvalidName.
    """
    require_self_or_person(by, agent, "rename")
    registration.refuse_reserved_name(check_name(name))
    key, old = name.lower(), agent.name.lower()
    if name == agent.name:
        msg = f"The agent already has the name {name}."
        raise Refused(msg, f"xats agent show {name}", agent=agent.address)
    if key != old:
        _refuse_taken(tx, agent, name)
        tx.run(FREE_NAME, id=agent.id, key=key)
        tx.run(KEEP_NAME, id=agent.id, name=agent.name, key=old, now=tx.now)
    tx.run(RENAME, id=agent.id, name=name, key=key)
    now = agents.by_id(tx, agent.id)
    tx.event("agent_renamed", agent.team, by.name, f"agent:{now.name}", old_name=agent.name)
    _notify(
        tx,
        by,
        now,
        f"your name is {now.name} now",
        f"{by.name} renamed you from {agent.name} to {now.name}. Your mail, tasks and claims stay yours.",
        f"The name {agent.name} still leads to you: in addresses, in --as and in XATS_AGENT.",
    )
    return now


def _refuse_taken(tx: Tx, agent: Agent, name: str) -> None:
    """Raise NameTaken if `name` leads to another agent than `agent`."""
    known = agents.find(tx, agent.team, name)
    if known is None or known.id == agent.id:
        return
    data = {"name": name, "team": agent.team}
    if known.name.lower() != name.lower():
        msg = f"{name} is a former name of {known.name}, and still leads to {known.name}."
        raise NameTaken(msg, f"to free that name: xats agent forget {name} --name-only", **data)
    if known.registered:
        msg = f"There is another agent {known.name} in team {agent.team}."
        raise NameTaken(msg, "take another name", **data)
    said = held.describe(tx, known)
    if not said:  # the mail that was held for the name has expired
        held.free_names(tx, agent.team, known.id)
        return
    msg = f"{said} Nothing was changed."
    what = "it and its mail" if known.epoch else "that mail"
    hint = f"take another name, or remove {what}: xats agent forget {known.name}"
    raise NameTaken(msg, hint, **data)


# -- an agent whose program comes later --------------------------------------------------------------------------------

EXPECT = """
update agents set expected_at = :at, about = coalesce(:about, about) where id = :id
"""


def expect(
    tx: Tx,
    team: str,
    name: str,
    changes: registration.Changes,
    about: str | None,
    living: Callable[[Session], bool | None],
) -> tuple[Details, bool]:
    """Make the agent `name` of `team`, whose program comes later; return it, and False if it was registered before.

    `living` tells whether the process of a session runs. An agent whose program has surely ended can wait for another
    one. Raises NameTaken for any other registered agent, InvalidName.
    """
    registration.refuse_reserved_name(name)
    known = agents.find(tx, team, name)
    name = known.name if known else name
    holder = agents.current_session(tx, known) if known else None
    if known and holder and (known.client == "human" or living(holder) is not False):
        who = "a person" if known.client == "human" else known.client
        pid = f", pid {holder.seat.pid}" if holder.seat.pid else ""
        msg = f"{known.name} is already registered ({who}{pid}), so it cannot wait for another program."
        hint = f"take another name, or to change its role and labels: xats agent set {known.name}"
        raise NameTaken(msg, hint, name=known.name, team=team, pid=holder.seat.pid)
    since = known.expected_since if known and known.expected_since is not None else tx.now
    teams.ensure(tx, team)
    teams.use(tx, team, name)
    agent_id = registration.save(tx, team, name, changes)
    if known and holder:  # its process has ended
        from xats.core.locks import leaving

        leaving.leave(tx, known)
        registration.end_session(tx, agent_id, "expected")
    tx.run(EXPECT, id=agent_id, at=since, about=about)
    wakes.suspend(tx, agent_id, "no_program")
    agent = agents.by_id(tx, agent_id)
    tx.event("agent_expected", team, None, f"agent:{agent.name}", role=agent.role)
    return agents.details(tx, agent), known is None or not known.registered


# -- removing ----------------------------------------------------------------------------------------------------------

CLAIMED = "select count(*) as n from tasks where owner_id = :id and state in ('claimed', 'review')"
OWNED = """
select (select count(*) from zones where owner_id = :id) as zones,
    (select count(*) from turns where holder_id = :id) as turns
"""
# No name has a # in it.
FORGET = """
update agents set name_key = :key, unregistered_at = coalesce(unregistered_at, :now), unregistered_by = :by,
    forgotten_at = :now, expected_at = null
where id = :id
"""


@record
class Loss:
    """What is lost when an agent is removed."""

    letters: int  #: direct messages that it has not read
    requests: int  #: messages that wait for its reply
    claims: int  #: tasks that it has claimed
    locks: tuple[str, ...]  #: the paths of files that it has locked
    zones: int  #: zones that it owns; those of its role stay
    turns: int  #: turns that it holds


def loss(tx: Tx, agent: Agent) -> Loss:
    """Return what would be lost with `agent`."""
    from xats.core.locks import locks

    mail, row = removed.loss(tx, agent.id), tx.one(CLAIMED, id=agent.id)
    held = tuple(lock.file.path for lock in locks.held_by(tx, agent.id, explicit=True))
    also = tx.one(OWNED, id=agent.id)
    return Loss(
        letters=mail.letters,
        requests=mail.requests,
        claims=row["n"] if row else 0,
        locks=held,
        zones=also["zones"] if also else 0,
        turns=also["turns"] if also else 0,
    )


def forget(tx: Tx, by: Agent, agent: Agent) -> tuple[Loss, list[int]]:
    """Remove `agent` for good; return what was lost with it, and the ids of the tasks that are open again.

    Its unread direct mail becomes dead letters, and xats tells the senders who need a reply. Its copies of mail to
    groups end. Its name is free. The messages that it sent can still be read. Raises Refused.
    """
    require_self_or_person(by, agent, "remove")
    from xats.core.locks import leaving as lock_leaving
    from xats.core.tasks import claims as task_claims
    from xats.core.tasks import leaving
    from xats.core.turns import membership, turns

    found = loss(tx, agent)
    membership.depart(tx, agent, "was removed", turns.BLIND)
    opened = task_claims.give_back(tx, agent, "was removed")
    lock_leaving.leave(tx, agent)
    leaving.agent_removed(tx, agent, opened, by)
    released = [task.id for task in opened]
    registration.end_session(tx, agent.id, "unregistered")
    cascade.delete(tx, agent.id)
    remover = by.address if by.id != agent.id else None
    tx.run(FORGET, id=agent.id, key=f"{agent.name.lower()}#{agent.id}", now=tx.now, by=remover)
    head = f"{agent.name} was removed from team {agent.team} and will not answer:"
    removed.end(tx, [agent.id], head, {by.id})
    tx.event(
        "agent_forgotten", agent.team, by.name, f"agent:{agent.name}", dead_letters=found.letters, released=released
    )
    return found, released


def forget_name(tx: Tx, by: Agent, agent: Agent, name: str) -> None:
    """Free the former `name` of `agent`, so that another agent can take it. Raises Refused."""
    require_self_or_person(by, agent, "free a former name of")
    tx.run(FREE_NAME, id=agent.id, key=name.lower())
    tx.event("former_name_freed", agent.team, by.name, f"agent:{agent.name}", name=name)
