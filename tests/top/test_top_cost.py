"""What a look costs: it finds its rows by an index, and does not grow with what a team has written in its life."""

import re

import pytest

from tests.core.test_plans import Listening, plan
from xats.cli.top.watch import Watch
from xats.core.agents import agents

LOOKS = {
    "the team": lambda watch, _: watch.look(),
    "an agent's mail": lambda watch, agent: watch.threads(agent),
    "a thread": lambda watch, _: watch.conversation(1),
    "dead letters": lambda watch, _: watch.dead_letters(),
}
# What may be walked from end to end: all agents, their labels and pauses, and what a subquery has already bounded.
SMALL = {"a", "l", "p", "mail", "sent", "got", "said", "answers"}


def fresh(live, name="carol", *, person=True) -> Watch:
    watch = live.watch(name, person=person)
    watch.here.store.clock = live.team.store.clock
    return watch


@pytest.mark.parametrize("who", [("carol", True), ("bob", False)], ids=["person", "agent"])
@pytest.mark.parametrize("what", LOOKS)
def test_no_look_walks_a_table(live, what, who):
    live.team.send("alice", "all", subject="x")
    live.team.send("carol", "alice", reply_to=1)
    live.refuse("bob", "dialog_open", None)
    watch = fresh(live, who[0], person=who[1])
    agent = live.team.agent("bob")
    store = watch.here.store
    store.connection = Listening(store.connection)
    LOOKS[what](watch, agent)
    statements = [(sql, values) for sql, values in store.connection.heard if sql.split()[0] == "select"]
    assert statements
    for sql, values in statements:
        walked = [step for step in plan(store, sql, values) if re.match(r"SCAN (?!CONSTANT|\()", step)]
        assert [step for step in walked if step.split()[1] not in SMALL] == [], (sql, walked)


def fill(team, history: int) -> None:
    """Give alice, bob and carol `history` messages in threads of ten, all of them read, and as many events."""
    me = {name: team.agent(name).id for name in ("alice", "bob")}

    def work(tx) -> None:
        rows = [{"id": n, "thread": n - n % 10 if n % 10 and n > 10 else None} for n in range(1, history + 1)]
        tx.many(
            "insert into messages (id, sender_id, evidence, address, subject, body, kind, need_reply, wake, thread_id,"
            f" sent_at) values (:id, {me['alice']}, 'pane', 'bob', 'x', 'x', 'mail', 0, 1, :thread, :id)",
            rows,
        )
        tx.many(
            "insert into wakes (id, agent_id, state, opened_at, updated_at, closed_at)"
            f" values (:id, {me['bob']}, 'delivered', 1, 1, 1)",
            rows,
        )
        tx.many(
            "insert into deliveries (agent_id, message_id, state, wake_id, read_at)"
            f" values ({me['bob']}, :id, 'read', :id, 1)",
            rows,
        )
        for row in rows:
            tx.event("message_sent", "crew", "alice", f"message:{row['id']}", address="bob")

    team.store.write(work)


@pytest.fixture(scope="module")
def two_sizes(tmp_path_factory):
    """Stores with little and with much history, each with its watch."""
    from tests.top.conftest import Live

    made = []
    for history in (4_000, 40_000):
        live = Live(str(tmp_path_factory.mktemp("history") / "xats.db"))
        fill(live.team, history)
        live.team.send("alice", "bob", subject="the last one")
        live.refuse("bob", "busy")
        made.append(live)
    yield made
    for live in made:
        live.close()


def steps(live, what: str) -> int:
    """Return how many instructions of SQLite's machine a look takes."""
    watch = fresh(live)
    agent = live.team.store.read(lambda tx: agents.by_name(tx, "crew", "bob"))
    connection = watch.here.store.connection
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 1)
    LOOKS[what](watch, agent)
    connection.set_progress_handler(None, 1)
    watch.here.store.close()
    return count


@pytest.mark.parametrize("what", LOOKS)
def test_a_look_does_not_grow_with_the_history(two_sizes, what):
    little, much = two_sizes
    assert 50 < steps(much, what) <= 1.1 * steps(little, what) + 20


def test_what_nothing_changed_in_is_not_read_again(live):
    watch = fresh(live)
    watch.look()
    store = watch.here.store
    store.connection = Listening(store.connection)
    assert not watch.changed()
    watch.look()
    assert {sql.split()[0] for sql, _ in store.connection.heard} == {"pragma"}
    live.team.send("alice", "bob", subject="new")
    watch._rest = 0
    assert watch.changed()
    assert watch.look().events[0][1] == "new"


def test_looks_leave_most_of_the_time_to_others(live, monkeypatch):
    """However long a look takes: the next one waits ten times as long, but never so long that one notices."""
    from xats.cli.top import watch as module

    watch = fresh(live)
    watch.look()
    monkeypatch.setattr(watch, "_looked", module.time.monotonic())
    monkeypatch.setattr(watch, "_rest", 1000.0)
    live.team.send("alice", "bob")
    assert not watch.changed()
    monkeypatch.setattr(watch, "_rest", module.LONGEST_REST)
    monkeypatch.setattr(watch, "_looked", module.time.monotonic() - module.LONGEST_REST)
    assert watch.changed()
