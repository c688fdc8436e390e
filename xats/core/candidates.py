"""Candidates: completions of the beginning of a name or a number, each with a short description."""

from __future__ import annotations

from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xats.store import Row, Tx

    Candidates = Iterable[tuple[str, str]]

MOST = 200  # candidates
RECENT = 50  # messages besides the unread ones
LAST = "\U0010ffff"  # sorts behind every name

AGENTS = """
select name, role, client, unregistered_at, expected_at from agents
where team = :team and name_key >= :low and name_key < :high and forgotten_at is null
    and (:gone or unregistered_at is null)
order by name_key limit :most
"""
FORMER = """
select f.name, a.name as now from former_names f join agents a on a.id = f.agent_id
where a.team = :team and f.name_key >= :low and f.name_key < :high and a.unregistered_at is null
order by f.name_key limit :most
"""
ROLES = """
select role as label, count(*) as n from agents
where team = :team and unregistered_at is null and role >= :low and role < :high group by role limit :most
"""
LABELS = """
select label, count(*) as n from labels l join agents a on a.id = l.agent_id
where l.kind = :kind and l.label >= :low and l.label < :high and a.team = :team and a.unregistered_at is null
group by l.label limit :most
"""
ZONES = """
select z.pattern, z.role, a.name from zones z left join agents a on a.id = z.owner_id where z.team = :team
order by z.pattern limit :most
"""
TEAMS = """
select team as label, count(*) as n from agents where team >= :low and team < :high and unregistered_at is null
group by team limit :most
"""

EVERY_TEAM = """
select t.name as label, t.moved_to, t.archived_at, (
    select count(*) from agents a where a.team = t.name and a.unregistered_at is null
) as n
from teams t where t.name >= :low and t.name < :high order by t.moved_to is not null, t.name limit :most
"""


def bounds(prefix: str) -> dict[str, object]:
    """Return the bounds of names that begin with `prefix`; names, roles and labels are compared in lower case."""
    low = prefix.lower()
    return {"low": low, "high": low + LAST, "most": MOST}


def agents_of(tx: Tx, team: str, prefix: str, *, gone: bool = False) -> Candidates:
    """Yield the agents of `team`, with `gone` also unregistered ones; then the former names of its agents."""
    for row in tx.all(AGENTS, team=team, gone=gone, **bounds(prefix)):
        state = "unregistered" if row["unregistered_at"] is not None else None
        client = "expected" if row["expected_at"] is not None else row["client"]
        yield row["name"], ", ".join(filter(None, (row["role"], client, state)))
    for row in tx.all(FORMER, team=team, **bounds(prefix)):
        yield row["name"], f"is called {row['now']} now"


def labels_of(tx: Tx, kind: str, team: str, prefix: str) -> Candidates:
    """Yield the roles, tags or capabilities of the agents of `team`."""
    rows = tx.all(ROLES if kind == "role" else LABELS, team=team, kind=kind, **bounds(prefix))
    return ((row["label"], counted(row)) for row in rows)


def teams_of(tx: Tx, prefix: str) -> Candidates:
    """Yield the teams of the store."""
    return ((row["label"], counted(row)) for row in tx.all(TEAMS, **bounds(prefix)))


def every_team(tx: Tx, prefix: str, *, former: bool = False) -> Candidates:
    """Yield the teams of the store, also those without agents; with `former` the former names of teams too."""
    for row in tx.all(EVERY_TEAM, **bounds(prefix)):
        if row["moved_to"] is None:
            yield row["label"], counted(row) + (", archived" if row["archived_at"] is not None else "")
        elif former:
            yield row["label"], f"a former name of {row['moved_to']}"


def counted(row: Row) -> str:
    """Return the number of agents in a row, in words."""
    return f"{row['n']} agent{'' if row['n'] == 1 else 's'}"


RECEIVED = f"""
select m.id, f.name as who, m.subject, substr(m.body, 1, 100) as body, {wakes.STATE} as state from deliveries d
join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :me {{only}} order by d.message_id desc limit :most
"""
SENT = """
select id, address as who, subject, substr(body, 1, 100) as body from messages
where sender_id = :me order by id desc limit :most
"""


def received(tx: Tx, agent_id: int, prefix: str) -> Candidates:
    """Yield the ids of an agent's mail: unread messages, then the newest ones."""
    when = wakes.fresh(tx)
    unread = tx.all(
        RECEIVED.format(only=f"and d.state = 'unread' and {wakes.FRESH_COPY}"), me=agent_id, most=MOST, **when
    )
    recent = tx.all(RECEIVED.format(only=""), me=agent_id, most=RECENT, **when)
    return ids((*unread, *recent), prefix, lambda row: f"{row['state']}, {row['who']}: ")


def sent(tx: Tx, agent_id: int, prefix: str) -> Candidates:
    """Yield the ids of the messages that an agent sent, the newest first."""
    return ids(tx.all(SENT, me=agent_id, most=RECENT), prefix, lambda row: f"to {row['who']}: ")


def ids(rows: Iterable[Row], prefix: str, head: Callable[[Row], str]) -> Candidates:
    """Yield the ids that begin with `prefix`, each with its `head` and its title, subject or body."""
    for row in rows:
        if str(row["id"]).startswith(prefix):
            about = row["title"] if "title" in row.keys() else row["subject"] or row["body"]  # noqa: SIM118
            yield str(row["id"]), head(row) + about


TASKS = {
    "live": "and state in ('open', 'claimed', 'review') order by priority, id",
    "ready": "and state = 'open' and waits_for = 0 order by priority, id",
    "ended": "and ended_at is not null order by id desc",
}
TASK = "select id, title, state, waits_for from tasks where team = :team {which} limit :most"
ONE_TASK = "select id, title, state, waits_for from tasks where id = :id and team = :team"


def tasks_of(tx: Tx, team: str, prefix: str, which: str) -> Candidates:
    """Yield the ids of tasks of `team` with their titles: `which` are "live", "ready" or "ended"."""
    rows = tx.all(TASK.format(which=TASKS[which]), team=team, most=MOST)
    if prefix.isascii() and prefix.isdigit() and len(prefix) < 19:  # a task that is not among the first MOST
        rows += tx.all(ONE_TASK, id=int(prefix), team=team)
    return ids(rows, prefix, _task_state)


def _task_state(row: Row) -> str:
    state = row["state"] if row["state"] != "open" else "blocked" if row["waits_for"] else "ready"
    return f"{state}: "


NOTES = """
select key, newest, category from notes
where team = :team and removed = 0 and key_key >= :low and key_key < :high order by key_key limit :most
"""
NOTE_VERSIONS = """
select n.key, v.version, v.category, v.size from notes n join note_versions v on v.note_id = n.id
where n.team = :team and n.key_key = :key and v.size > 0 order by v.version desc limit :most
"""


def notes_of(tx: Tx, team: str, prefix: str) -> Candidates:
    """Yield the keys of the notes of `team`; after an @ the versions of one that have a value, the newest first."""
    key, at, number = prefix.partition("@")
    if not at:
        for row in tx.all(NOTES, team=team, **bounds(prefix)):
            yield row["key"], f"version {row['newest']}, {row['category']}"
        return
    from xats.base.sizes import sized

    for row in tx.all(NOTE_VERSIONS, team=team, key=key.lower(), most=MOST):
        if str(row["version"]).startswith(number):
            yield f"{row['key']}@{row['version']}", f"{row['category']}, {sized(row['size'])}"


CONTRACTS = """
select name, newest, compat from contracts
where team = :team and name_key >= :low and name_key < :high and retired_at is null order by name_key limit :most
"""
VERSIONS = """
select c.name, v.version, v.note, v.backward, v.forward from contracts c
join contract_versions v on v.contract_id = c.id
where c.team = :team and c.name_key = :key order by v.version desc limit :most
"""


def zones_of(tx: Tx, team: str, prefix: str) -> Candidates:
    """Yield the patterns of the zones of `team`."""
    for row in tx.all(ZONES, team=team, most=MOST):
        if row["pattern"].startswith(prefix):
            yield row["pattern"], row["name"] or f"role:{row['role']}"


def contracts_of(tx: Tx, team: str, prefix: str) -> Candidates:
    """Yield the contracts of `team` that are not retired; after an @ the versions of one, the newest first."""
    name, at, number = prefix.partition("@")
    if not at:
        for row in tx.all(CONTRACTS, team=team, **bounds(prefix)):
            yield row["name"], f"version {row['newest']}, {row['compat']}"
        return
    from xats.core.contracts.words import effect

    for row in tx.all(VERSIONS, team=team, key=name.lower(), most=MOST):
        if str(row["version"]).startswith(number):
            what = effect(row["backward"], row["forward"]) if row["backward"] else "the first"
            yield f"{row['name']}@{row['version']}", ": ".join(filter(None, (what, row["note"])))
