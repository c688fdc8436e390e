"""Every hot query finds its rows by an index: what SQLite says it will do with the statements that really run."""

import re
from itertools import pairwise

import pytest

from tests.support.steps import steps
from xats.base.pane import Pane
from xats.core import events, hosts
from xats.core.agents import agents, presence, registration
from xats.core.agents.agents import Seat
from xats.core.agents.registration import Changes
from xats.core.contracts import contracts, subscribers, views
from xats.core.crews import limits
from xats.core.locks import automatic, refusals
from xats.core.locks.files import File
from xats.core.mail import inbox, owed, sending, status
from xats.core.mail.sending import Draft
from xats.core.waking import attempts, wakes
from xats.core.zones import zones
from xats.schemas.diff import Diff

pytestmark = pytest.mark.sqlite


class Listening:
    """A connection that keeps every statement with its values, as the core gives them."""

    def __init__(self, connection) -> None:
        self._connection = connection
        self.heard: list[tuple[str, dict]] = []

    def __getattr__(self, name: str):
        return getattr(self._connection, name)

    def execute(self, sql: str, values=()):
        self.heard.append((sql, values))
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, rows):
        rows = list(rows)
        self.heard += [(sql, row) for row in rows[:1]]
        return self._connection.executemany(sql, rows)


@pytest.fixture
def crowd(team, clock):
    team.add("alice", "bob", "carol", role="reviewer", tags=("gpu",), capabilities=("rust",))
    seat = Seat("here", 10, 1, "s-1", Pane("/tmp/s", 1, 1, "%1", 2, "/dev/pts/1"))
    team.register("alice", seat=seat)
    for n in range(5):
        team.send("alice", "bob", dedupe_key=f"k{n}", ttl=1000)
        team.send("bob", "alice")
    team.do("alice", contracts.put, contracts.New("order", "{}"), None)
    team.do("bob", subscribers.subscribe, "order")
    clock.tick(2000)
    return team


def climb(attempts: int, now: int) -> int:
    return now + 30_000 * attempts


def wake_of(tx) -> wakes.Wake:
    (found, *_) = attempts.due(tx)
    attempts.lease(tx, [found], "d")
    return found


def refuse(tx, me) -> None:
    lock = automatic.take(tx, me, FILE)
    assert lock
    automatic.refuse(tx, me, lock)
    refusals.note(tx, me, FILE, "recently_edited", lock.holder)


FILE = File("h1", "/shop/.git", "/shop", "src/a.py", "src/a.py", "https://example.org/shop.git")
DIFF = Diff("breaking", "compatible", ())


# what: (the function, whether it writes)
def limit(tx, me):
    """Give the team a limit of each name."""
    for name in limits.NAMES:
        by = limits.Setter("crew", me.name, me.id, "user")
        limits.put(tx, by, name, 5, "space" if name in limits.SPACED else "pause", None)


def used(tx):
    return [limits.judge(tx, one) for one in limits.of_team(tx, "crew")]


HOT = {
    "send to a name": lambda tx, me: sending.send(tx, me, "pane", Draft("bob", "x")),
    "send under a key": lambda tx, me: sending.send(tx, me, "pane", Draft("bob", "text", dedupe_key="k0")),
    "send to a role": lambda tx, me: sending.send(tx, me, "pane", Draft("role:reviewer", "x")),
    "send to a tag": lambda tx, me: sending.send(tx, me, "pane", Draft("tag:gpu", "x")),
    "send to a capability": lambda tx, me: sending.send(tx, me, "pane", Draft("cap:rust", "x")),
    "send to all": lambda tx, me: sending.send(tx, me, "pane", Draft("all", "x")),
    "send into a thread": lambda tx, me: sending.send(tx, me, "pane", Draft("bob", "x", reply_to=2)),
    "reply": lambda tx, me: sending.reply(tx, me, "pane", 2, Draft("", "x")),
    "reply to my own": lambda tx, me: sending.reply(tx, me, "pane", 1, Draft("", "x")),
    "touch": agents.touch,
    "unread count": inbox.unread,
    "peek": lambda tx, me: inbox.peek(tx, me, inbox.Query()),
    "peek since": lambda tx, me: inbox.peek(tx, me, inbox.Query(since=3, sender=me)),
    "peek at all": lambda tx, me: inbox.peek(tx, me, inbox.Query(every=True)),
    "peek at a thread": lambda tx, me: inbox.peek(tx, me, inbox.Query(thread=1)),
    "peek at what is owed": lambda tx, me: inbox.peek(tx, me, inbox.Query(owed=True)),
    "requests not answered": lambda tx, me: owed.requests(tx, me, 3),
    "may owe": lambda tx, me: presence.may_owe(tx, me.id),
    "replies overdue": lambda tx, _: owed.overdue(tx),
    "claim": lambda tx, me: inbox.claim(tx, me, inbox.Query(), "r1", lambda _: True),
    "claim after a dead reader": lambda tx, me: (
        inbox.claim(tx, me, inbox.Query(), "r1", lambda _: True),
        inbox.claim(tx, me, inbox.Query(), "r2", lambda _: True),
    ),
    "peek again": lambda tx, me: inbox.peek(tx, me, inbox.Query(again=True)),
    "mark": lambda tx, me: inbox.mark_read(tx, me, [2, 4]),
    "mark shown": lambda tx, me: inbox.mark_shown(tx, me, [2, 4], inbox.hook_reader("s-1")),
    "settle": lambda tx, me: inbox.settle(tx, me, inbox.shown(tx, me, 50), inbox.hook_reader("s-2")),
    "goes on": lambda tx, me: inbox.has_proven(tx, me, inbox.hook_reader("s-1"), tx.now, prompt=True),
    "gone on": lambda tx, me: inbox.mark_proven(tx, me, inbox.hook_reader("s-1"), tx.now, prompt=True),
    "mail": lambda tx, me: presence.pending(tx, me.id),
    "release": lambda tx, me: inbox.release(tx, me, inbox.claim(tx, me, inbox.Query(), "r1", lambda _: False)),
    "ack": lambda tx, me: inbox.ack(tx, me, 2),
    "show": lambda tx, me: inbox.show(tx, me, 1),
    "thread": lambda tx, me: inbox.thread(tx, me, 2, 50),
    "status": lambda tx, me: status.status(tx, me, 1),
    "status of the last": lambda tx, me: status.status(tx, me, None),
    "due": lambda tx, _: attempts.due(tx),
    "due here": lambda tx, _: attempts.due(tx, host="here"),
    "next due": lambda tx, _: attempts.next_due(tx, "here"),
    "lease": lambda tx, _: wake_of(tx),
    "delivered": lambda tx, _: attempts.delivered(tx, wake_of(tx), "d", "tmux", 1),
    "refused": lambda tx, _: attempts.refused(tx, wake_of(tx), "d", "busy", "tmux", climb),
    "skipped": lambda tx, _: attempts.skipped(tx, wake_of(tx), "d", "already_read"),
    "given back": lambda tx, _: attempts.give_back(tx, wake_of(tx), "d"),
    "still leased": lambda tx, _: attempts.still_leased(tx, wake_of(tx), "d"),
    "leases freed": lambda tx, _: attempts.free_leases(tx, lambda _: True),
    "pending": lambda tx, me: wakes.pending(tx, me.id),
    "resume": lambda tx, me: wakes.retry_now(tx, me.id, "new_session"),
    "suspend": lambda tx, me: wakes.suspend(tx, me.id, "no_pane"),
    "suspended": lambda tx, _: wakes.suspended(tx, "here"),
    "rouse": lambda tx, me: wakes.retry_now(tx, me.id, "suspended"),
    "idle": lambda tx, me: wakes.retry_now(tx, me.id, "for_hook"),
    "armed": lambda tx, me: wakes.retry_now(tx, me.id, "not_handed"),
    "hold": lambda tx, me: wakes.hold(tx, me.id),
    "let go": lambda tx, me: wakes.release(tx, me.id),
    "revive": lambda tx, me: wakes.retry_now(tx, me.id, "same_session"),
    "by name": lambda tx, _: agents.by_name(tx, "crew", "bob"),
    "by client session": lambda tx, _: agents.by_client_session(tx, "s-1"),
    "by pane": lambda tx, _: agents.by_pane(tx, "here", "/tmp/s", 1, "%1"),
    "by process": lambda tx, _: agents.by_processes(tx, "here", [(9, 9), (10, 1)]),
    "by pane, from a sandbox": lambda tx, _: agents.by_pane_outside(tx, "h1+0", "/tmp/s", 1, "%1"),
    "host of an agent": agents.host_of,
    "host followed": lambda tx, me: hosts.follow(tx, me, "h1+1", "lap", lambda _: True),
    "details": agents.details,
    "register": lambda tx, _: registration.register(
        tx, "crew", "alice", Changes(tags=("x",)), Seat("here", 5, 5), lambda _: None
    ),
    "unregister": registration.unregister,
    "events after": lambda tx, _: events.after(tx, events.Query("crew", 3), 10),
    "events of a type": lambda tx, _: events.after(tx, events.Query("crew", 3, types=("message_sent", "paused")), 10),
    "put a contract": lambda tx, me: contracts.put(tx, me, contracts.New("order", "[]"), lambda _: DIFF),
    "put the first version": lambda tx, me: contracts.put(tx, me, contracts.New("new", "{}"), None),
    "get a contract": lambda tx, _: contracts.find_version(tx, "crew", "order@1"),
    "list contracts": lambda tx, _: views.listing(tx, "crew", 10),
    "log a contract": lambda tx, _: views.log(tx, contracts.find(tx, "crew", "order"), 10),
    "subscribe": lambda tx, me: subscribers.subscribe(tx, me, "order"),
    "unsubscribe": lambda tx, me: subscribers.unsubscribe(tx, me, "order"),
    "rename a contract": lambda tx, me: contracts.rename(tx, me, "order", "purchase"),
    "retire a contract": lambda tx, me: contracts.retire(tx, me, "order"),
    "edit": lambda tx, me: automatic.take(tx, me, FILE),
    "edit after another": lambda tx, me: (automatic.take(tx, agents.by_name(tx, "crew", "bob"), FILE), refuse(tx, me)),
    "edits end": automatic.end,
    "a failed edit": lambda tx, me: automatic.end(tx, me, [FILE]),
    "has edited": lambda tx, me: presence.has_edited(tx, me.id),
    "refused edits to read": automatic.to_read,
    "a refused edit is read": lambda tx, me: automatic.saw(tx, me, [FILE]),
    "refused edits": lambda tx, me: refusals.last(tx, me, 5),
    "zone of a file": lambda tx, me: zones.others(tx, me, FILE),
    "lease within limits": lambda tx, me: (limit(tx, me), attempts.lease(tx, attempts.due(tx), "t")),
    "what is used of limits": lambda tx, me: (limit(tx, me), used(tx)),
    "start within limits": lambda tx, me: (limit(tx, me), limits.may_restart(tx, "crew")),
    "latest events": lambda tx, _: events.after(tx, events.Query("crew"), 10),
}

# A scan is fine over what is small by its nature: here, an index that holds only what is open at this moment.
SMALL = {
    "wakes_due": "the wakes that have a time: those of agents with unread mail that are not suspended",
    "wakes_open": "the open wakes: one for each agent with unread mail, at the most",
    "limits_of_wakes": "the limits that wakes must keep: at most two for each team that has limits",
    "wakes_leased": "the attempts under way: at most 100 for each daemon",
}


def plan(store, sql: str, values) -> list[str]:
    rows = store.connection._connection.execute(f"explain query plan {sql}", values).fetchall()
    return [row["detail"] for row in rows]


def scans(details: list[str]) -> list[str]:
    found = [detail for detail in details if re.match(r"SCAN (?!\(|CONSTANT|SUBQUERY|\d)", detail)]
    return [detail for detail in found if not any(f"INDEX {name}" in detail for name in SMALL)]


@pytest.mark.parametrize("what", HOT)
def test_no_hot_query_scans_a_table(crowd, what):
    me = crowd.agent("alice")
    listening = Listening(crowd.store.connection)
    crowd.store.connection = listening
    crowd.store.write(lambda tx: HOT[what](tx, me))
    statements = [
        (sql, values) for sql, values in listening.heard if sql.split()[0] in ("select", "update", "delete", "insert")
    ]
    assert statements
    for sql, values in statements:
        details = plan(crowd.store, sql, values)
        # For an INSERT SQLite lists the look for children of a foreign key that was violated before: none ever was.
        assert sql.split()[0] == "insert" or scans(details) == [], (sql, details)


def test_a_scan_would_be_seen(crowd):
    crowd.store.connection = Listening(crowd.store.connection)
    assert scans(plan(crowd.store, "select * from messages where body = 'x'", ())) == ["SCAN messages"]
    assert scans(plan(crowd.store, "select count(*) from deliveries", ())) != []


@pytest.mark.parametrize("what", ["goes on", "gone on", "mail"])
def test_a_hook_looks_at_what_is_unread_or_shown_only(crowd, what):
    me = crowd.agent("alice")
    crowd.store.connection = Listening(crowd.store.connection)
    crowd.store.write(lambda tx: HOT[what](tx, me))
    heard = [pair for pair in crowd.store.connection.heard if "deliveries" in pair[0]]
    found = [detail for sql, values in heard for detail in plan(crowd.store, sql, values) if "deliveries" in detail]
    assert found
    assert all("deliveries_unread" in way or "deliveries_shown" in way for way in found), found


@pytest.mark.parametrize("what", ["unread count", "peek", "claim"])
def test_reading_looks_at_what_is_unread_only(crowd, what):
    me = crowd.agent("alice")
    listening = Listening(crowd.store.connection)
    crowd.store.connection = listening
    crowd.store.write(lambda tx: HOT[what](tx, me))
    details = [
        detail for sql, values in listening.heard if "deliveries d" in sql for detail in plan(crowd.store, sql, values)
    ]
    ways = [detail for detail in details if re.match(r"(SEARCH|SCAN) d\b", detail)]
    assert ways
    assert all("deliveries_unread" in way for way in ways), ways


# -- and what it really does -------------------------------------------------------------------------------------------

# What grows with something else than what the command is about, and why that may be.
GROWS = {
    "send to a tag": "the agents of other teams with the same tag are looked at and left out",
    "suspended": "it is about the open wakes of all",
}


def filled(team, clock, history: int):
    """Add `history` agents of another team with sessions, panes and mail, read and expired, to the crowd."""

    def work(tx) -> None:
        ids = []
        for n in range(history):
            seat = Seat("h", 1000 + n, 1, f"c{n}", Pane("/tmp/o", 9, 1, f"%{n}", 2, "t"))
            changes = Changes(role="reviewer", tags=("gpu",))
            ids.append(registration.register(tx, "other", f"x{n}", changes, seat, lambda _: None).details.agent)
            contracts.put(tx, ids[-1], contracts.New(f"order{n}", "{}"), None)
            subscribers.subscribe(tx, ids[-1], "order")
        for sender, recipient in pairwise(ids):
            sent = sending.send(tx, sender, "pane", Draft(recipient.name, "x", ttl=500, dedupe_key="k"))
            if sender.id % 2:
                inbox.mark_read(tx, recipient, [sent.message.id])

    team.store.write(work)
    clock.tick(1000)
    team.store.write(inbox.sweep)
    return team


@pytest.fixture(scope="module")
def two_sizes(make_team, tmp_path_factory):
    """The same crowd in a store with little and in one with much history of others."""
    made = []
    for history in (10, 300):
        team, clock = make_team(tmp_path_factory.mktemp("history"))
        team.add("alice", "bob", "carol", role="reviewer", tags=("gpu",), capabilities=("rust",))
        seat = Seat("here", 10, 1, "s-1", Pane("/tmp/s", 1, 1, "%1", 2, "/dev/pts/1"))
        team.register("alice", seat=seat)
        for n in range(5):
            team.send("alice", "bob", dedupe_key=f"k{n}", ttl=10)
            team.send("bob", "alice")
        team.do("alice", contracts.put, contracts.New("order", "{}"), None)
        team.do("bob", subscribers.subscribe, "order")
        made.append(filled(team, clock, history))
    yield made
    for team in made:
        team.store.close()


@pytest.mark.parametrize("what", [what for what in HOT if what not in GROWS])
def test_the_work_does_not_grow_with_the_history_of_others(two_sizes, what):
    little, much = two_sizes
    assert steps(much, HOT[what]) <= 1.1 * steps(little, HOT[what]) + 10
