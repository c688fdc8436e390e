"""Merge: two teams become one, and nothing of either is lost.

If both teams have an agent of the same name, the merge renames the one of the old team with a suffix. Without a suffix
it is refused. Persons of the same name are the same person, and `xats` is the same sender: these become one agent.
Contracts of the same name must be the same in all versions. A note of the old team whose key both teams have gets a key
below the name of its team, such as `shop/style`, with all its versions. A turn of the old team whose name both teams
have gets a name with that of its team, such as `main-shop`; who has it and who waits for it does not change.
"""

from __future__ import annotations

from xats.base.errors import NamesClash, Usage
from xats.base.record import record
from xats.core.address import LONGEST, Address, check_name, parse_list
from xats.core.agents import agents
from xats.core.agents.changes import RENAME
from xats.core.mail import held
from xats.core.teams import changes
from xats.core.teams.views import FORMER, Summary, summary
from xats.core.waking import stops, wakes
from xats.core.zones import joining

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.zones.stored import Zone
    from xats.store import Tx

BOTH = f"""
select {agents.AGENT}, b.id as other_id, b.client as other_client from agents a
join agents b on b.team = :into and b.name_key = a.name_key
where a.team = :old and not ({held.EMPTY.format(a="a")}) and not ({held.EMPTY.format(a="b")}) order by a.name_key
"""
SAME_CONTRACTS = """
select a.id, b.id as other_id, a.name, a.compat = b.compat and a.newest = b.newest
    and a.retired_at is null and b.retired_at is null as alike
from contracts a join contracts b on b.team = :into and b.name_key = a.name_key where a.team = :old order by a.name_key
"""
SAME_NOTES = """
select a.id, a.key from notes a join notes b on b.team = :into and b.key_key = a.key_key
where a.team = :old order by a.key_key
"""
TAKEN_KEY = "select 1 from notes where team in (:old, :into) and key_key = :key"
MOVE_NOTE = "update notes set key = :key, key_key = :low where id = :id"
TEXTS = "select text from contract_versions where contract_id = :id order by version"


@record
class Plan:
    """The plan of a merge: the two teams before it, and what cannot simply move."""

    old: Summary
    into: Summary
    renamed: tuple[tuple[Agent, str], ...]  #: agents of the old team and their new names
    joined: tuple[tuple[int, int, str], ...]  #: agents that become one: ids in both teams, and the name
    contracts: tuple[tuple[int, int], ...]  #: contracts that become one: ids in both teams
    zones: tuple[Zone, ...]  #: zones of the old team that end: a zone of the other team means the same files
    notes: tuple[tuple[int, str, str], ...]  #: notes of the old team that get another key: id, key and new key
    turns: tuple[tuple[int, str, str], ...]  #: turns of the old team that get another name: id, name and new name


def plan(tx: Tx, old: str, into: str, suffix: str | None) -> Plan:
    """Return the plan to merge the team `old` into the team `into`.

    Raises UnknownTeam, Usage, InvalidName, or NamesClash for names that both teams have.
    """
    if old == into:
        msg = f"Team {old} cannot be merged into itself."
        raise Usage(msg, "xats team list")
    changes.refuse_forgotten(into)
    before, target = summary(tx, old), summary(tx, into)
    renamed, joined, clashing = [], [], []
    for row in tx.all(BOTH, old=old, into=into):
        one = agents.agent_of(row)
        if one.client == row["other_client"] and one.client in ("human", "system"):
            joined.append((one.id, row["other_id"], one.name))
        elif suffix is None:
            clashing.append((one, row["other_id"]))
        else:
            renamed.append((one, _new_name(tx, one, suffix, (old, into))))
    if clashing:
        raise _clash(tx, clashing, old, into)
    return Plan(
        old=before,
        into=target,
        renamed=tuple(renamed),
        joined=tuple(joined),
        contracts=_same_contracts(tx, old, into),
        zones=tuple(joining.same(tx, old, into)),
        notes=_new_keys(tx, old, into),
        turns=_new_turn_names(tx, old, into),
    )


def _clash(tx: Tx, clashing: Sequence[tuple[Agent, int]], old: str, into: str) -> NamesClash:
    """Return the error for names that both teams have: agents of `old`, each with the id of its namesake in `into`."""
    names = [one.name for one, _ in clashing]
    both = [agent for one, other in clashing for agent in (one, agents.by_id(tx, other))]
    what = [held.describe(tx, agent) for agent in both if not agent.registered]
    said = " ".join([f"Both teams have this name: {', '.join(names)}.", *filter(None, what), "Nothing was changed."])
    hint = f"xats team merge {old} {into} --suffix 2, which renames {names[0]}@{old} to {names[0]}-2"
    return NamesClash(said, hint, agents=names)


def _new_name(tx: Tx, one: Agent, suffix: str, teams: Sequence[str]) -> str:
    """Return the name of `one` with `suffix`. Raises InvalidName, or NamesClash if one of `teams` has that name."""
    name = check_name(f"{one.name}-{check_name(suffix, 'suffix')}")
    for team in teams:
        found = agents.find(tx, team, name)
        why = found and (f"It is an agent of team {team}." if found.registered else held.describe(tx, found))
        if why:
            msg = f"{one.name} cannot be renamed to {name}. {why} Nothing was changed."
            raise NamesClash(msg, "take another --suffix", agents=[one.name])
    return name


def _same_contracts(tx: Tx, old: str, into: str) -> tuple[tuple[int, int], ...]:
    """Return the contracts that both teams have, as pairs of ids. Raises NamesClash if any two are different."""
    rows = tx.all(SAME_CONTRACTS, old=old, into=into)
    different = [
        row["name"] for row in rows if not (row["alike"] and _texts(tx, row["id"]) == _texts(tx, row["other_id"]))
    ]
    if different:
        names = ", ".join(different)
        msg = f"The teams have different contracts of the same name: {names}. Nothing was changed."
        hint = f"xats contract rename {different[0]} NEW_NAME --team {old}"
        raise NamesClash(msg, hint, contracts=different)
    return tuple((row["id"], row["other_id"]) for row in rows)


def _new_keys(tx: Tx, old: str, into: str) -> tuple[tuple[int, str, str], ...]:
    """Return the id, the key and the new key of each note of the team `old` whose key the team `into` has too."""
    found = []
    for row in tx.all(SAME_NOTES, old=old, into=into):
        number, key = 1, f"{old}/{row['key']}"
        while tx.one(TAKEN_KEY, old=old, into=into, key=key.lower()):
            number += 1
            key = f"{old}-{number}/{row['key']}"
        found.append((row["id"], row["key"], key))
    return tuple(found)


def _texts(tx: Tx, contract_id: int) -> list[str]:
    return [row["text"] for row in tx.all(TEXTS, id=contract_id)]


def merge(tx: Tx, by: str, old: str, into: str, suffix: str | None) -> Plan:
    """Merge the team `old` into the team `into`; return the plan. Raises what `plan` raises."""
    for team in (old, into):
        held.free_names(tx, team)
    planned = plan(tx, old, into, suffix)
    _pauses(tx, old, into)
    for going, staying in planned.contracts:
        _join_contracts(tx, going, staying)
    for note, _, key in planned.notes:
        tx.run(MOVE_NOTE, id=note, key=key, low=key.lower())
    _rename(tx, by, old, into, planned.renamed)
    for turn, name, new in planned.turns:
        tx.run(RENAME_TURN, id=turn, name=new, key=new.lower())
        tx.event("turn_renamed", into, by, f"turn:{new}", old_name=name, old_team=old)
    for here, other, _ in planned.joined:
        join(tx, here, other)
    was = {one.id: one for one in changes.members(tx, old)}
    tx.run(SUBSCRIBED_TWICE, old=old, into=into)
    tx.run(changes.IN_USE, name=into, archived=None)
    there = changes.members(tx, into)
    joining.merge(tx, old, into, planned.zones)
    changes.carry(tx, old, into)
    _hold(tx, into)
    _send_notices(tx, by, planned, was, there)
    names = {one.name: name for one, name in planned.renamed}
    keys = {was: key for _, was, key in planned.notes}
    said = {"old_name": old, "agents": planned.old.agents, "renamed": names or None, "notes": keys or None}
    tx.event("team_merged", into, by, f"team:{into}", **said)
    return planned


# -- pauses ------------------------------------------------------------------------------------------------------------

EACH = """
insert into pauses (team, agent_id, reason, paused_by, paused_at, limit_name)
select p.team, a.id, p.reason, p.paused_by, p.paused_at, p.limit_name from pauses p join agents a on a.team = p.team
where p.team = :old and p.agent_id is null and a.unregistered_at is null and a.client <> 'human'
    and not exists (select 1 from pauses o where o.agent_id = a.id)
"""
WHOLE = "select 1 from pauses where team = :team and agent_id is null"
UNPAUSE = "delete from pauses where team = :team and agent_id is null"


def _pauses(tx: Tx, old: str, into: str) -> None:
    """Replace a pause of the whole team `old` by pauses of its agents, unless the whole team `into` is paused."""
    if not tx.one(WHOLE, team=into):
        tx.run(EACH, old=old)
    tx.run(UNPAUSE, team=old)


def _hold(tx: Tx, team: str) -> None:
    """Hold the wakes of paused agents of `team`, and release those of the others."""
    for one in changes.members(tx, team):
        wakes.hold(tx, one.id)
        wakes.release(tx, one.id)


# -- contracts ---------------------------------------------------------------------------------------------------------

# A subscription of one agent in both teams.
SUBSCRIBED_TWICE = """
delete from contract_subscribers where team = :old and exists (
    select 1 from contract_subscribers o
    where o.team = :into and o.name_key = contract_subscribers.name_key and o.agent_id = contract_subscribers.agent_id
)
"""


def _join_contracts(tx: Tx, here: int, there: int) -> None:
    """Replace the contract with the id `here` by the same contract with the id `there`."""
    tx.run("update messages set contract_id = :there where contract_id = :here", here=here, there=there)
    tx.run("delete from contract_versions where contract_id = :here", here=here)
    tx.run("delete from contracts where id = :here", here=here)


# -- turns -------------------------------------------------------------------------------------------------------------

TURN_NAMES = "select id, name, name_key from turns where team = :team order by id"
RENAME_TURN = "update turns set name = :name, name_key = :key where id = :id"


def _new_turn_names(tx: Tx, old: str, into: str) -> tuple[tuple[int, str, str], ...]:
    """Return the id, the name and the new name of each turn of the team `old` whose name the team `into` has too."""
    there = {row["name_key"] for row in tx.all(TURN_NAMES, team=into)}
    here = tx.all(TURN_NAMES, team=old)
    taken = there | {row["name_key"] for row in here}
    found = []
    for row in here:
        if row["name_key"] not in there:
            continue
        stem = f"{row['name']}-{old}"[: LONGEST - 4]
        names = (stem, *(f"{stem}-{number}" for number in range(2, 999)))
        name = next(one for one in names if one.lower() not in taken)
        taken.add(name.lower())
        found.append((row["id"], row["name"], name))
    return tuple(found)


# -- names -------------------------------------------------------------------------------------------------------------

LEAD = """
insert into former_addresses (team, name_key, agent_id) values (:team, :key, :agent)
on conflict (team, name_key) do nothing
"""
# The former names of the agents of a team. In the other team, another agent may have the same name.
CALLED_BEFORE = """
select f.name_key, f.agent_id from former_names f join agents a on a.id = f.agent_id
where a.team = :team order by f.until desc
"""
# A former name that an agent of the other team has leads to its agent only with the old team: bob@old.
NO_MORE = """
delete from former_names where agent_id in (select id from agents where team = :old)
    and name_key in (select name_key from agents where team = :into)
"""
# Ended tasks count too, because they can be reopened.
NOTIFY = "select id, notify from tasks where team = :team and notify is not null"
# The events of a renamed agent stay its own, and do not become those of its namesake in the other team.
ITS_EVENTS = (
    "update events set actor = :name where team = :old and lower(actor) = :key",
    "update events set subject = :subject where team = :old and lower(subject) = :was",
)
# Former names in the team :old that an agent of :into has: after the merge they would lead to that agent.
TAKEN = """
select f.name_key, a.id, a.name from former_names f join agents a on a.id = f.agent_id
where a.team = :old and f.name_key in (select name_key from agents where team = :into) order by f.until
"""


def _rename(tx: Tx, by: str, old: str, into: str, renamed: Sequence[tuple[Agent, str]]) -> None:
    """Rename agents of the team `old`, and let their addresses in it, and in its former names, lead to them."""
    former = [old, *(row["name"] for row in tx.all(FORMER, name=old))]
    before = [(row["name_key"], row["agent_id"]) for row in tx.all(CALLED_BEFORE, team=old)]
    for key, agent in [*((one.name.lower(), one.id) for one, _ in renamed), *before]:
        tx.many(LEAD, [{"team": team, "key": key, "agent": agent} for team in former])
    new = {one.id: name for one, name in renamed}
    names = {row["name_key"]: new.get(row["id"], row["name"]) for row in tx.all(TAKEN, old=old, into=into)}
    names.update((one.name.lower(), name) for one, name in renamed)
    tx.run(NO_MORE, old=old, into=into)
    if not names:
        return
    tx.write_events()
    for one, name in renamed:
        key = one.name.lower()
        tx.run(RENAME, id=one.id, name=name, key=name.lower())
        tx.run(ITS_EVENTS[0], old=old, key=key, name=name)
        tx.run(ITS_EVENTS[1], old=old, was=f"agent:{key}", subject=f"agent:{name}")
        tx.event("agent_renamed", into, by, f"agent:{name}", old_name=one.name)
    for row in tx.all(NOTIFY, team=old):
        said = ",".join(str(_renamed(address, old, names)) for address in parse_list(row["notify"]))
        if said != row["notify"]:
            tx.run("update tasks set notify = :said where id = :id", id=row["id"], said=said)


def _renamed(address: Address, team: str, names: dict[str, str]) -> Address:
    """Return `address`, which was written in `team`, with the new name of its agent."""
    if address.kind != "agent" or address.team not in (None, team) or address.name.lower() not in names:
        return address
    return Address("agent", names[address.name.lower()], None)


# -- agents that become one --------------------------------------------------------------------------------------------

# In each, :old is the agent that goes and :new the one that stays.
DOUBLE = (  # rows that both have, and that one agent has only once
    """
    delete from deliveries where agent_id = :old
        and message_id in (select message_id from deliveries where agent_id = :new)
    """,
    """
    update messages set dedupe_key = null where sender_id = :old
        and dedupe_key in (select dedupe_key from messages where sender_id = :new and dedupe_key is not null)
    """,
    """
    update tasks set dedupe_key = null where created_by = :old
        and dedupe_key in (select dedupe_key from tasks where created_by = :new and dedupe_key is not null)
    """,
    """
    delete from labels where agent_id = :old
        and exists (select 1 from labels o where o.agent_id = :new and o.kind = labels.kind and o.label = labels.label)
    """,
    "delete from pauses where agent_id = :old and exists (select 1 from pauses o where o.agent_id = :new)",
    """
    delete from former_names where agent_id = :old
        and name_key in (select name_key from former_names where agent_id = :new)
    """,
    """
    delete from refused_edits where agent_id = :old and exists (
        select 1 from refused_edits o where o.agent_id = :new and o.host = refused_edits.host
            and o.worktree = refused_edits.worktree and o.path_key = refused_edits.path_key
    )
    """,
    """
    delete from turn_members where agent_id = :old
        and turn_id in (select turn_id from turn_members where agent_id = :new)
    """,
    """
    delete from turn_waits where agent_id = :old and exists (
        select 1 from turn_waits o
        where o.agent_id = :new and o.turn_id = turn_waits.turn_id and o.process = turn_waits.process
    )
    """,
    "delete from expectations where agent_id = :old",
    "delete from starts where agent_id = :old",
    "delete from start_log where agent_id = :old",
    "delete from presence where agent_id = :old",
    "delete from pairs where low_id = :old or high_id = :old",
)
# Every column that refers to an agent, except those of presence, pairs, expectations, starts and their log. These rows
# go with it.
HELD = (
    ("deliveries", "agent_id"),
    ("messages", "sender_id"),
    ("wakes", "agent_id"),
    ("sessions", "agent_id"),
    ("labels", "agent_id"),
    ("pauses", "agent_id"),
    ("tasks", "created_by"),
    ("tasks", "assignee_id"),
    ("tasks", "owner_id"),
    ("task_approvals", "agent_id"),
    ("task_notes", "agent_id"),
    ("contracts", "retired_by"),
    ("contract_versions", "put_by"),
    ("contract_subscribers", "agent_id"),
    ("zones", "owner_id"),
    ("zones", "assigned_by"),
    ("note_versions", "put_by"),
    ("notes", "pinned_by"),
    ("former_addresses", "agent_id"),
    ("former_names", "agent_id"),
    ("expectations", "asked_by"),
    ("locks", "holder_id"),
    ("lock_waits", "agent_id"),
    ("refused_edits", "agent_id"),
    ("turns", "holder_id"),
    ("turns", "offered_id"),
    ("turns", "last_id"),
    ("turn_members", "agent_id"),
    ("turn_waits", "agent_id"),
    ("turn_log", "agent_id"),
    ("turn_log", "other_id"),
    ("starts", "started_by"),
    ("limits", "set_by"),
)
SEEN = "update agents set seen_at = (select max(seen_at) from agents where id in (:old, :new)) where id = :new"
COVERED = "update deliveries set wake_id = :new where wake_id = :old"
# The session that has a process or a pane stays. If both have or neither has, the one of the agent that stays does.
BOUND = (
    "select id, pid is not null or pane_id is not null as bound from sessions where agent_id = :id and ended_at is null"
)
END = "update sessions set ended_at = :now, end_reason = 'unregistered' where id = :id"


def join(tx: Tx, old: int, new: int) -> None:
    """Merge the agent `old` into the agent `new`: persons of the same name in two teams, or `xats` itself."""
    stops.restart(tx, old)
    for sql in DOUBLE:
        tx.run(sql, **{name: value for name, value in (("old", old), ("new", new)) if f":{name}" in sql})
    _join_wakes(tx, old, new)
    _join_sessions(tx, old, new)
    for table, column in HELD:
        tx.run(f"update {table} set {column} = :new where {column} = :old", old=old, new=new)
    tx.run(SEEN, old=old, new=new)
    present = agents.by_id(tx, old).registered
    tx.run("delete from agents where id = :old", old=old)
    if present:
        tx.run("update agents set unregistered_at = null where id = :new and client = 'human'", new=new)
    wakes.close_if_read(tx, new)


def _join_wakes(tx: Tx, old: int, new: int) -> None:
    """If both agents have an open wake, let the one of `new` cover the messages of the other too."""
    going, staying = wakes.open_id(tx, old), wakes.open_id(tx, new)
    if going is not None and staying is not None:
        wakes.cover_more(tx, {staying: tx.run(COVERED, old=going, new=staying)})
        tx.run("delete from wakes where id = :id", id=going)


def _join_sessions(tx: Tx, old: int, new: int) -> None:
    """Keep one of the current sessions of two agents, with an epoch of its own."""
    going, staying = tx.one(BOUND, id=old), tx.one(BOUND, id=new)
    if going is None:
        return
    stands = staying is None or (going["bound"] and not staying["bound"])
    ends = staying if stands else going
    if ends:
        tx.run(END, id=ends["id"], now=tx.now)
    if stands:
        row = tx.one("update agents set epoch = epoch + 1 where id = :id returning epoch", id=new)
        assert row
        tx.run("update sessions set epoch = :epoch where id = :id", id=going["id"], epoch=row["epoch"])


# -- mail about the merge ----------------------------------------------------------------------------------------------


def _send_notices(tx: Tx, by: str, planned: Plan, was: dict[int, Agent], there: Sequence[Agent]) -> None:
    """Send each agent of both teams one message about the merge, with its new address if it was renamed."""
    old, into = planned.old.name, planned.into.name
    former = {one.id: one.name for one, _ in planned.renamed}
    subject = f"team {old} is a part of team {into} now"
    came = [one for one in changes.members(tx, into) if one.id in was]
    for one in came:
        before = former.get(one.id, one.name)
        lines = (
            f"{by} merged team {old} into team {into}. You are {one.address}"
            + (f"; you were {before}@{old}." if one.id in former else "."),
            f"The old address still works: {before}@{old} leads to you.",
            *_renames(planned, but=one.id),
            *([_moved_notes(planned)] if planned.notes else []),
            *_moved_turns(planned),
        )
        changes.send_notice(tx, into, [one], by, subject, *lines)
    lines = (f"{by} merged team {old} into team {into}.",)
    if planned.notes:
        lines += (_moved_notes(planned),)
    if came:
        lines += (f"New in this team: {', '.join(one.name for one in came)}",)
    lines += tuple(_moved_turns(planned))
    changes.send_notice(tx, into, there, by, subject, *lines, *_renames(planned))


def _moved_notes(planned: Plan) -> str:
    """Return the sentence about the notes that have another key now."""
    _, was, key = planned.notes[0]
    count = len(planned.notes)
    return (
        f"Both teams had notes of the same key, and {count} of team {planned.old.name} moved, such as {was} to {key}."
    )


def _moved_turns(planned: Plan) -> list[str]:
    """Return a line for each turn that has another name now."""
    return [
        f"The turn {name} of team {planned.old.name} is the turn {new} now, with the same holder, offer and members. "
        f"Name it in each command of turns, also where an earlier letter says less: xats turn status --name {new}"
        for _, name, new in planned.turns
    ]


def _renames(planned: Plan, but: int = 0) -> list[str]:
    """Return a line for each renamed agent, except the one with the id `but`."""
    old, into = planned.old.name, planned.into.name
    return [
        f"{one.name}@{old} is {name} now. The name {one.name} alone means the {one.name} that was in {into} before."
        for one, name in planned.renamed
        if one.id != but
    ]
