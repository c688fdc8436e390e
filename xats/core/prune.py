"""Pruning: remove old mail that all its recipients have read, old tasks that have ended, and their wakes and events.

It also removes agents that were unused for as long, and sessions that ended as long ago (core/agents/prune.py).

These stay, however old they are:

- unread mail, and mail that recently expired or was shown, read, answered or acknowledged;
- mail of a wake that is open or ended recently, so that dead letters can be inspected;
- every message of a conversation of which one message stays;
- a live task, and an ended task that another task needs or whose parent is live;
- turns, with their handoffs and their whole log;
- rows to which another table refers, and the newest event.

A walk goes over the store by ids, in batches, each in a transaction. References are valid after each batch: a
conversation goes in one batch, or, if it is very long, from its newest message to its first.
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.agents import prune
from xats.store.references import elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xats.core.agents.prune import Unused
    from xats.store import Row, Tx

    Timed = tuple["Step", float]  # a step, and the seconds that it took
    Write = Callable[[Callable[[Tx], Timed]], Timed]

MOST = 500  # rows that one transaction looks at; a longer conversation is removed in parts
FIRST, LEAST = 100, 20
TARGET = 0.02  # seconds that a transaction should take, besides its commit

# A message that stays whatever its conversation does. `d.wake_id` and `m.reply_to` have indexes for this.
STAYS = """
(m.sent_at > :before
or not exists (select 1 from deliveries d where d.message_id = m.id)
or exists (
    select 1 from deliveries d left join wakes w on w.id = d.wake_id
    where d.message_id = m.id and (
        d.state = 'unread' or d.shown_at > :before or d.read_at > :before or d.replied_at > :before
        or d.acked_at > :before
        or (d.state = 'expired' and d.expires_at > :before)
        or (w.id is not null and (w.closed_at is null or w.closed_at > :before))
    )
)
or exists (
    select 1 from messages r
    where r.reply_to = m.id and coalesce(r.thread_id, r.id) <> coalesce(m.thread_id, m.id)
)
or exists (select 1 from messages c where c.thread_id = m.id and m.thread_id is not null)
{elsewhere})
"""
WINDOW = """
select m.id, m.sent_at, m.thread_id, case when {stays} then 1 else 0 end as stays
from messages m where m.id > :after order by m.id limit :limit
"""
CHILDREN = """
select m.id, case when {stays} then 1 else 0 end as stays
from messages m where m.thread_id = :thread and m.id > :after and m.id < :below order by m.id {order} limit :limit
"""
ROOT = "select m.id from messages m where m.id = :thread and not {stays}"
# A parent counts its children, and a task needs the outcome of the tasks that it depends on.
TASKS = """
select t.id from tasks t
where t.id < :below and t.ended_at <= :before
    and not exists (select 1 from task_needs n where n.needs_id = t.id)
    and not exists (select 1 from tasks c where c.parent_id = t.id)
    and not exists (
        select 1 from tasks p where p.id = t.parent_id and (p.ended_at is null or p.ended_at > :before)
    ) {elsewhere}
order by t.id desc limit :limit
"""
OF_A_TASK = ("task_needs", "task_approvals", "task_reviewers", "task_notes", "task_mail")
WAKES = """
select w.id, w.opened_at, case when w.closed_at is null or w.closed_at > :before
    or exists (select 1 from deliveries d where d.wake_id = w.id) {elsewhere} then 1 else 0 end as stays
from wakes w where w.id > :after order by w.id limit :limit
"""
EVENTS = "select id, at from events where id > :after order by id limit :limit"
NEWEST = "select max(id) as id from events"
REMOVE_EVENTS = "delete from events where id > :after and id <= :upto and at <= :before and id < :newest"
HIGHEST = (1 << 63) - 1


NAMES = ("messages", "deliveries", "wakes", "events", "tasks", "sessions", "agents")


@record
class Counts:
    """The numbers of removed rows."""

    messages: int = 0
    deliveries: int = 0
    wakes: int = 0
    events: int = 0
    tasks: int = 0
    sessions: int = 0
    agents: int = 0
    agent_names: tuple[str, ...] = ()  #: `name@team` of each of the agents

    def __add__(self, other: Counts) -> Counts:
        sums = {name: getattr(self, name) + getattr(other, name) for name in NAMES}
        return Counts(**sums, agent_names=self.agent_names + other.agent_names)

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers, in the order of `NAMES`."""
        return self.messages, self.deliveries, self.wakes, self.events, self.tasks, self.sessions, self.agents

    @property
    def total(self) -> int:
        """The number of all removed rows."""
        return sum(self.parts)


@record
class Place:
    """The position of a walk."""

    #: "tasks", "messages", "wakes", "agents", "sessions", "events"; in a long conversation "judge" and then "cut".
    phase: str = "tasks"
    after: int = 0  #: the id after which the next step begins; 0: the beginning. Tasks go from the newest to the oldest
    thread: int = 0  #: the first message of the long conversation


@record
class Step:
    """The result of one transaction. `place` is where the next one begins; None: the walk is over."""

    place: Place | None
    removed: Counts = Counts()


def walk(write: Write, before: int, clock: Callable[[], float], unused: Unused | None = None) -> Iterator[Counts]:
    """Remove what is older than `before` (ms UTC); yield the numbers of each transaction.

    `write` runs one transaction. `clock` returns seconds: after a slow transaction, the next one is smaller. `unused`
    tells which agents to remove; None: no agents and no sessions.
    """
    place, limit = Place(), FIRST

    def work(tx: Tx) -> Timed:
        began = clock()  # the transaction has the lock only now
        return step(tx, place, before, limit, unused), clock() - began

    while True:
        done, took = write(work)
        yield done.removed
        if done.place is None:
            return
        place = done.place
        limit = max(LEAST, min(MOST, int(limit * min(2.0, TARGET / max(took, 0.001)))))


def step(tx: Tx, place: Place, before: int, limit: int, unused: Unused | None = None) -> Step:
    """Look at about `limit` rows after `place`, and remove those that need not stay."""
    if place.phase in OF_AGENTS:
        return OF_AGENTS[place.phase](tx, place, unused, limit) if unused else Step(Place("events"))
    return PHASES[place.phase](tx, place, before, limit)


# -- tasks -------------------------------------------------------------------------------------------------------------


def _tasks(tx: Tx, place: Place, before: int, limit: int) -> Step:
    """Remove ended tasks, the newest first: a task is mostly older than the tasks that need it."""
    known = {(table, "task_id") for table in OF_A_TASK} | {("task_needs", "needs_id"), ("tasks", "parent_id")}
    sql = TASKS.format(elsewhere=elsewhere(tx, "tasks", "t", known).replace("or exists", "and not exists"))
    below, gone = place.after or HIGHEST, 0
    while gone < limit:
        condemned = [{"id": row["id"]} for row in tx.all(sql, below=below, before=before, limit=limit - gone)]
        if not condemned:
            return Step(Place("messages"), Counts(tasks=gone)) if gone else _messages(tx, Place(), before, limit)
        for table in OF_A_TASK:
            tx.many(f"delete from {table} where task_id = :id", condemned)
        tx.many("delete from tasks where id = :id", condemned)
        gone += len(condemned)
        below = condemned[0]["id"]  # tasks that only these needed have lower ids
    return Step(Place("tasks", below), Counts(tasks=gone))


# -- messages ----------------------------------------------------------------------------------------------------------


def _messages(tx: Tx, place: Place, before: int, limit: int) -> Step:
    """Remove whole conversations that begin among the next messages; leave long ones to `_judge`."""
    stays = _stays(tx)
    rows = tx.all(WINDOW.format(stays=stays), after=place.after, before=before, limit=limit)
    # Ids and times grow together: after a window of new mail there is no old mail.
    if all(row["sent_at"] > before for row in rows):
        return Step(Place("wakes"))
    condemned: list[int] = []
    seen, upto = 0, rows[-1]["id"]
    for row in rows:
        if row["thread_id"] is not None or row["stays"]:
            continue
        children = _children(tx, stays, row["id"], before, MOST + 1)
        if any(child["stays"] for child in children):
            seen += len(children)
            continue
        if len(children) > MOST:
            return Step(Place("judge", after=row["id"], thread=row["id"]), _remove(tx, condemned))
        if seen and seen + len(children) > limit:
            upto = row["id"] - 1
            break
        seen += 1 + len(children)
        condemned += [row["id"], *(child["id"] for child in children)]
    return Step(Place("messages", upto), _remove(tx, condemned))


def _judge(tx: Tx, place: Place, before: int, limit: int) -> Step:
    """Look through a long conversation, part by part, for a message that stays."""
    children = _children(tx, _stays(tx), place.thread, before, limit, place.after)
    if any(child["stays"] for child in children):
        return Step(Place("messages", place.thread))
    if len(children) < limit:
        return Step(Place("cut", after=place.thread, thread=place.thread))
    return Step(Place("judge", after=children[-1]["id"], thread=place.thread))


def _cut(tx: Tx, place: Place, before: int, limit: int) -> Step:
    """Remove the end of a long conversation, down to a message that stays since `_judge` looked."""
    stays = _stays(tx)
    children = _children(tx, stays, place.thread, before, limit, order="desc")
    kept = next((index for index, child in enumerate(children) if child["stays"]), None)
    condemned = [child["id"] for child in children[:kept]]
    if kept is None and len(children) < limit:
        # Its children go in the same transaction, so only a reference from elsewhere can keep the first message.
        condemned += [row["id"] for row in tx.all(ROOT.format(stays=stays), thread=place.thread, before=before)]
    over = kept is not None or len(children) < limit
    return Step(Place("messages", place.thread) if over else place, _remove(tx, condemned))


def _children(
    tx: Tx, stays: str, thread: int, before: int, limit: int, after: int = 0, *, order: str = "asc"
) -> list[Row]:
    sql = CHILDREN.format(stays=stays, order=order)
    return tx.all(sql, thread=thread, before=before, limit=limit, after=after, below=HIGHEST)


def _remove(tx: Tx, ids: list[int]) -> Counts:
    deliveries = 0
    for one in sorted(ids, reverse=True):  # an answer has a higher id than its message
        deliveries += tx.run("delete from deliveries where message_id = :id", id=one)
        tx.run("delete from messages where id = :id", id=one)
    return Counts(len(ids), deliveries)


def _stays(tx: Tx) -> str:
    known = {("deliveries", "message_id"), ("messages", "thread_id"), ("messages", "reply_to")}
    return STAYS.format(elsewhere=elsewhere(tx, "messages", "m", known))


# -- the rest ----------------------------------------------------------------------------------------------------------


def _wakes(tx: Tx, place: Place, before: int, limit: int) -> Step:
    """Remove wakes that ended long ago and have no mail left."""
    others = elsewhere(tx, "wakes", "w", {("deliveries", "wake_id")})
    rows = tx.all(WAKES.format(elsewhere=others), after=place.after, before=before, limit=limit)
    if all(row["opened_at"] > before for row in rows):
        return Step(Place("agents"))
    condemned = [row["id"] for row in rows if not row["stays"]]
    tx.many("delete from wakes where id = :id", [{"id": one} for one in condemned])
    return Step(Place("wakes", rows[-1]["id"]), Counts(wakes=len(condemned)))


def _agents(tx: Tx, place: Place, unused: Unused, limit: int) -> Step:
    """Remove the unused agents among the next ones."""
    upto, names, sessions = prune.prune(tx, unused, place.after, limit)
    removed = Counts(sessions=sessions, agents=len(names), agent_names=tuple(names))
    return Step(Place("sessions") if upto is None else Place("agents", upto), removed)


def _sessions(tx: Tx, place: Place, unused: Unused, limit: int) -> Step:
    """Remove the old sessions among the next ones."""
    upto, gone = prune.prune_sessions(tx, unused, place.after, limit)
    return Step(Place("events") if upto is None else Place("sessions", upto), Counts(sessions=gone))


def _events(tx: Tx, place: Place, before: int, limit: int) -> Step:
    """Remove old events. Their ids are never used again, so a program that follows the events can go on."""
    rows = tx.all(EVENTS, after=place.after, limit=limit)
    if all(row["at"] > before for row in rows):
        return Step(None)
    newest = tx.one(NEWEST)
    assert newest
    upto = rows[-1]["id"]
    gone = tx.run(REMOVE_EVENTS, after=place.after, upto=upto, before=before, newest=newest["id"])
    return Step(Place("events", upto), Counts(events=gone))


PHASES: dict[str, Callable[[Tx, Place, int, int], Step]] = {
    "tasks": _tasks,
    "messages": _messages,
    "judge": _judge,
    "cut": _cut,
    "wakes": _wakes,
    "events": _events,
}
OF_AGENTS: dict[str, Callable[[Tx, Place, Unused, int], Step]] = {"agents": _agents, "sessions": _sessions}
