"""Pruning of agents: who is unused, what becomes of the mail of an unused agent, and what stays of it."""

import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import HOST, Clock
from tests.support.checks import dangling
from xats.base import occupancy, process
from xats.base.pane import Pane
from xats.core import prune
from xats.core.agents import agents, presence, registration
from xats.core.agents.agents import Seat
from xats.core.agents.prune import OWN, Unused
from xats.core.contracts import contracts, subscribers
from xats.core.mail import dead, inbox, sending
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, endings, planning
from xats.core.waking import attempts, pauses

DAY = 86_400_000
AGE = 30 * DAY


@pytest.fixture
def crew(team, clock):
    """bob and carol, of which no process is known, and alice, whose process lives."""
    team.register("alice", seat=Seat(HOST, os.getpid(), process.started(os.getpid())))
    team.add("bob", "carol")
    return team


def pruned(store, limit: int = prune.FIRST, age: int = AGE) -> prune.Counts:
    """Walk through the store in steps of `limit`; references hold after every one."""
    place, removed = prune.Place(), prune.Counts()
    before = store.clock() - age
    unused = Unused(before, occupancy.occupied)
    while place:
        done = store.write(lambda tx, here=place: prune.step(tx, here, before, limit, unused))
        place, removed = done.place, removed + done.removed
        assert dangling(store) == []
    return removed


def names(crew) -> list[str]:
    return [row["name"] for row in crew.rows("select name from agents where unregistered_at is null order by id")]


def every(crew) -> list[str]:
    return [row["name"] for row in crew.rows("select name from agents where client <> 'system' order by id")]


def events(crew, kind: str) -> list[str]:
    return [row["subject"] for row in crew.rows("select subject from events where type = :kind order by id", kind=kind)]


def active(crew, name: str) -> None:
    """Let `name` give a sign of life."""
    crew.do(name, agents.touch)


def dead_letters(crew) -> list[tuple[str, str]]:
    return [(one.agent, one.reason) for one in crew.store.read(lambda tx: dead.listing(tx, "crew", 100))[0]]


# -- who is unused -----------------------------------------------------------------------------------------------------


def test_an_unused_agent_goes_with_all_that_is_its_own(crew, clock, store):
    crew.register("dave", client="codex", tags=("gpu",), capabilities=("rust",))
    crew.do("dave", lambda tx, me: presence.put(tx, me.id, "busy", "s1"))
    crew.do("alice", pauses.pause, "crew", crew.agent("dave"), "lunch")
    crew.do("dave", subscribers.subscribe, "order")
    clock.tick(AGE - 1)
    active(crew, "bob")
    assert pruned(store).agents == 0
    clock.tick(1)
    removed = pruned(store)
    assert (removed.agents, removed.sessions, removed.agent_names) == (2, 2, ("carol@crew", "dave@crew"))
    assert every(crew) == ["alice", "bob"]
    assert events(crew, "agent_pruned") == ["agent:carol", "agent:dave"]
    for table in ("labels", "presence", "pauses", "contract_subscribers"):
        assert crew.rows(f"select * from {table}") == []
    assert len(crew.rows("select * from sessions")) == 2
    assert pruned(store).agents == 0


def test_who_is_pruned_can_come_back_as_new(crew, clock, store):
    clock.tick(AGE)
    pruned(store)
    done = crew.register("bob")
    assert (done.created, done.details.agent.epoch) == (True, 1)


def test_a_living_process_keeps_its_agent(crew, clock, store):
    clock.tick(100 * AGE)
    pruned(store)
    assert every(crew) == ["alice"]


@pytest.mark.parametrize(
    "seat",
    [
        Seat(HOST, os.getpid(), 1),
        Seat(HOST, None, None, None, Pane("/tmp/s", 1, 1, "%1", 2**22 + 1, "/dev/pts/1")),
        Seat("h1+elsewhere", os.getpid(), process.started(os.getpid())),
    ],
    ids=["its number is another process's", "its pane is gone", "it sits on another host"],
)
def test_no_process_keeps_an_agent_that_is_not_its_own(crew, clock, store, seat):
    crew.register("dave", seat=seat)
    clock.tick(AGE)
    pruned(store)
    assert "dave" not in every(crew)


def test_a_living_pane_keeps_an_agent_of_unknown_process(crew, clock, store):
    pane = Pane("/tmp/s", os.getppid(), 1, "%1", os.getpid(), "/dev/pts/1")
    crew.register("dave", seat=Seat(HOST, None, None, None, pane))
    clock.tick(AGE)
    pruned(store)
    assert every(crew) == ["alice", "dave"]


@pytest.mark.parametrize(
    "use",
    [
        lambda crew: active(crew, "bob"),
        lambda crew: crew.send("bob", "alice"),
        lambda crew: crew.send("alice", "bob", need_reply=False),
        lambda crew: crew.send("alice", "all", need_reply=True),
    ],
    ids=["a sign of life", "it sent something", "it got something", "it got a request"],
)
def test_what_was_used_of_late_stays(crew, clock, store, use):
    clock.tick(DAY)
    use(crew)
    clock.tick(AGE - 1)
    pruned(store)
    assert "bob" in names(crew)


@pytest.mark.parametrize("address", ["all", "role:dev", "tag:gpu", "cap:rust", "bob,carol", "ALL@crew"])
def test_mail_to_many_does_not_keep_an_agent(crew, clock, store, address):
    for name in ("bob", "carol"):
        crew.register(name, role="dev", tags=("gpu",), capabilities=("rust",))
    clock.tick(AGE)
    crew.send("alice", address, need_reply=False)
    pruned(store)
    assert names(crew) == ["alice"]
    # The message is a day old, and so its row and those of its recipients are still there.
    assert every(crew) == ["alice", "bob", "carol"]


def test_a_task_keeps_who_has_claimed_it_and_whom_it_is_for(crew, clock, store):
    for name in ("bob", "carol"):
        crew.do("alice", planning.add, planning.New("t", to=name))
    crew.do("bob", claims.claim, 1, DAY)
    clock.tick(AGE)
    pruned(store)
    assert names(crew) == ["alice", "bob", "carol"]
    for number in (1, 2):
        crew.do("alice", endings.cancel, number, None)
    pruned(store)
    assert names(crew) == ["alice"]
    assert every(crew) == ["alice", "bob", "carol"]  # the tasks name them
    clock.tick(AGE)
    pruned(store)
    assert every(crew) == ["alice"]


def test_xats_itself_stays(crew, clock, store):
    store.write(lambda tx: agents.system(tx, "crew"))
    clock.tick(AGE)
    pruned(store)
    assert crew.rows("select name from agents where client = 'system'") == [{"name": "xats"}]


def test_who_left_long_ago_goes_too(crew, clock, store):
    clock.tick(AGE)
    crew.do("bob", registration.unregister)
    assert pruned(store).agent_names == ("carol@crew",)
    clock.tick(AGE)
    assert pruned(store).agent_names == ("bob@crew",)
    assert every(crew) == ["alice"]


# -- its mail ----------------------------------------------------------------------------------------------------------


def test_one_unused_agent_does_not_keep_every_broadcast(crew, clock, store):
    active(crew, "carol")
    for _ in range(3):
        crew.send("alice", "all", "news")
        letters = crew.see("carol", inbox.peek, inbox.Query(10)).letters
        crew.do("carol", inbox.mark_read, [one.message.id for one in letters])
    clock.tick(AGE)
    crew.do("carol", agents.touch)
    assert pruned(store).messages == 0
    assert crew.rows("select distinct state from deliveries order by 1") == [{"state": "expired"}, {"state": "read"}]
    assert dead_letters(crew) == []
    clock.tick(AGE)
    crew.do("carol", agents.touch)
    assert pruned(store).messages == 3
    assert every(crew) == ["alice", "carol"]


@pytest.mark.parametrize("wake_by", ["auto", "none"])
@pytest.mark.parametrize("wake", [True, False])
def test_mail_of_its_own_is_a_dead_letter_for_as_long_first(crew, clock, store, wake_by, wake):
    crew.register("bob", wake_by=wake_by)
    crew.send("alice", "bob", "private", need_reply=False, wake=wake)
    clock.tick(AGE)
    pruned(store)
    assert names(crew) == ["alice", "bob"]
    assert dead_letters(crew) == [("bob@crew", "agent_unused")]
    assert crew.see("bob", inbox.unread) == 1
    clock.tick(AGE - 1)
    assert pruned(store).agents == 0
    assert dead_letters(crew) == [("bob@crew", "agent_unused")]
    clock.tick(1)
    assert pruned(store).agent_names == ("bob@crew",)
    assert dead_letters(crew) == []
    assert every(crew) == ["alice", "bob"]  # its mail is still there, and names it
    clock.tick(AGE)
    removed = pruned(store)
    assert (removed.messages, removed.agents) == (1, 0)
    assert every(crew) == ["alice"]


def test_a_dead_letter_that_is_old_is_not_made_to_wait_anew(crew, clock, store):
    crew.send("alice", "bob")
    (wake,) = store.read(attempts.due)
    store.write(lambda tx: attempts.lease(tx, [wake], "d"))
    store.write(lambda tx: attempts.refused(tx, wake, "d", "busy", "tmux", lambda *_: None))
    clock.tick(AGE)
    assert "bob@crew" in pruned(store).agent_names


def test_what_needs_a_reply_is_reported_to_its_sender_first_and_once(crew, clock, store):
    crew.send("alice", "bob", subject="the parser")
    clock.tick(AGE)
    pruned(store)
    letters = crew.see("alice", inbox.peek, inbox.Query(10)).letters
    assert [one.message.subject for one in letters] == ["not read: #1"]
    assert "#1 'the parser' to bob, sent 30 d ago: not woken, and xats has given up" in letters[0].message.body
    clock.tick(DAY)
    pruned(store)
    assert len(crew.see("alice", inbox.peek, inbox.Query(10)).letters) == 1


def test_its_mail_is_there_when_it_comes_back_in_time(crew, clock, store):
    crew.send("alice", "bob")
    clock.tick(AGE)
    pruned(store)
    clock.tick(AGE - 1)
    crew.register("bob")
    assert pruned(store).agents == 0
    assert crew.see("bob", inbox.unread) == 1
    assert [one.state for one in store.read(attempts.due) if one.agent_id == crew.agent("bob").id] == ["queued"]
    assert dead_letters(crew) == []


def test_a_dropped_dead_letter_keeps_nobody(crew, clock, store):
    crew.send("alice", "bob")
    clock.tick(AGE)
    pruned(store)
    (letter,) = store.read(lambda tx: dead.find(tx, "crew", 1))
    crew.do("alice", lambda tx, me: dead.drop(tx, me, letter))
    assert pruned(store).agent_names == ("bob@crew",)


def test_mail_that_expired_of_late_keeps_its_agent_while_it_is_a_dead_letter(crew, clock, store):
    crew.send("alice", "bob", ttl=AGE - DAY)
    clock.tick(AGE)
    store.write(inbox.sweep)
    assert pruned(store).agent_names == ("carol@crew",)
    clock.tick(AGE - DAY)
    assert pruned(store).agent_names == ("bob@crew",)


def test_mail_from_xats_itself_does_not_keep_an_agent(crew, clock, store):
    store.write(lambda tx: sending.send(tx, agents.system(tx, "crew"), "process", Draft("bob", "x", need_reply=False)))
    clock.tick(AGE)
    assert "bob@crew" in pruned(store).agent_names


# -- what stays of it --------------------------------------------------------------------------------------------------


def test_its_row_stays_while_anything_refers_to_it(crew, clock, store):
    crew.send("bob", "carol")
    crew.do("carol", inbox.mark_read, [1])
    crew.do("bob", planning.add, planning.New("t"))
    crew.do("bob", contracts.put, contracts.New("order", "{}"), lambda _: None)
    clock.tick(AGE + 1)
    crew.do("carol", agents.touch)
    assert pruned(store).agent_names == ("bob@crew",)
    assert every(crew) == ["alice", "bob", "carol"]
    assert crew.rows("select count(*) as n from messages") == [{"n": 0}]
    crew.register("dave", client="human")
    crew.do("dave", endings.cancel, 1, None)
    clock.tick(AGE + 1)
    crew.do("carol", agents.touch)
    assert pruned(store).tasks == 1
    assert every(crew) == ["alice", "bob", "carol"]  # its contract stays
    assert crew.register("bob").created


def test_what_a_table_of_a_later_schema_refers_to_stays(crew, clock, store, later):
    later("a integer references agents (id)")
    store.write(lambda tx: tx.run("insert into later select id from agents where name = 'bob'"))
    clock.tick(AGE)
    assert pruned(store).agents == 2
    assert every(crew) == ["alice", "bob"]


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_sessions_that_ended_long_ago_go_and_those_whose_process_lives_stay(crew, clock, store):
    me = (os.getpid(), process.started(os.getpid()))
    crew.register("alice", seat=Seat(HOST, 4_000_001, 1), takeover=True)
    crew.register("alice", seat=Seat(HOST, 4_000_002, 1), takeover=True)
    clock.tick(AGE - 1)
    for name in names(crew):
        active(crew, name)
    assert pruned(store).sessions == 0
    clock.tick(1)
    assert pruned(store).sessions == 1
    ended = crew.rows("select pid, pid_started from sessions where ended_at is not null")
    assert [tuple(row.values()) for row in ended] == [me]
    assert len(crew.rows("select * from sessions")) == 4


# -- the walk ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_no_agent_is_left_out_when_a_step_is_full(crew, clock, store, limit):
    crew.add(*(f"agent-{n}" for n in range(7)))
    clock.tick(AGE)
    assert pruned(store, limit).agents == 9


def test_without_a_word_on_agents_none_goes(crew, clock, store):
    clock.tick(AGE)
    counts = sum(prune.walk(store.write, clock.now - AGE, lambda: 0.0), prune.Counts())
    assert (counts.agents, counts.sessions) == (0, 0)


@pytest.mark.sqlite
def test_no_statement_scans_a_table(crew, clock, store):
    """Neither its own, nor the looks for references that SQLite adds to it."""
    crew.send("alice", "bob")
    crew.send("alice", "all")
    crew.register("carol", takeover=True, seat=Seat(HOST, 4_000_001, 1))
    clock.tick(AGE)
    heard = []
    store.connection.set_trace_callback(heard.append)
    assert pruned(store, 2).agents == 1
    store.connection.set_trace_callback(None)
    found = {sql for sql in heard if re.match(r"\s*(select|delete|update) (?!.*pragma_|.*max\(id\))", sql, re.DOTALL)}
    assert len([sql for sql in found if "delete from agents" in sql]) == 1
    for sql in found:
        plan = store.connection.execute(f"explain query plan {sql}").fetchall()
        scans = [row["detail"] for row in plan if row["detail"].startswith("SCAN") and "CONSTANT" not in row["detail"]]
        assert scans == [], (sql, scans)


def test_a_clock_that_is_set_ahead_and_back_makes_nobody_vanish(crew, clock: Clock, store):
    """What was written under the wrong clock is later than now."""
    clock.tick(10 * AGE)
    active(crew, "bob")
    clock.tick(-10 * AGE)
    clock.tick(AGE)
    pruned(store)
    assert names(crew) == ["alice", "bob"]


# -- any history -------------------------------------------------------------------------------------------------------

WHO = ("bob", "carol", "dave")
who = st.sampled_from(WHO)
ACTS = st.one_of(
    st.tuples(st.just("send"), who, st.sampled_from((*WHO, "all", "bob,carol", "me")), st.booleans()),
    st.tuples(st.just("read"), who),
    st.tuples(st.just("leave"), who),
    st.tuples(st.just("retry"), who),
    st.tuples(st.just("prune"), st.integers(1, 5)),
    st.tuples(st.just("days"), st.integers(1, 25)),
)


class History:
    """What happened in a team, act by act; who was removed registers first."""

    def __init__(self, crew, clock) -> None:
        self.crew, self.clock = crew, clock

    def there(self, name: str):
        if name not in names(self.crew):
            self.crew.register(name, client="codex")
        return self.crew.agent(name)

    def send(self, name: str, to: str, need_reply: bool) -> None:
        for one in {name, *WHO} & {name, to, *to.split(",")}:
            self.there(one)
        others = set(names(self.crew)) - {name}
        if to != "all" or others:
            self.crew.send(name, to, need_reply=need_reply)

    def read(self, name: str) -> None:
        me = self.there(name)
        active(self.crew, name)
        page = self.crew.store.read(lambda tx: inbox.peek(tx, me, inbox.Query(100)))
        self.crew.do(name, inbox.mark_read, [one.message.id for one in page.letters])

    def leave(self, name: str) -> None:
        self.there(name)
        self.crew.do(name, registration.unregister)

    def retry(self, name: str) -> None:
        me = self.there(name)
        found = self.crew.store.read(lambda tx: dead.listing(tx, "crew", 100))[0]
        self.crew.do(name, dead.retry, [one for one in found if one.agent_id == me.id])

    def days(self, count: int) -> None:
        self.clock.tick(count * DAY)

    def prune(self, limit: int) -> None:
        """No mail of an agent's own goes that was not a dead letter for AGE, and nobody goes who was seen since."""
        own = f"""
            select d.agent_id, d.message_id, w.state, w.closed_at from deliveries d
            join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
            left join wakes w on w.id = d.wake_id where d.state = 'unread' and {OWN}
        """
        unread, seen = self.crew.rows(own), self.crew.rows("select name, seen_at from agents")
        before = self.clock.now - AGE
        removed = pruned(self.crew.store, limit)
        still = {(row["agent_id"], row["message_id"]) for row in self.crew.rows(own)}
        for row in unread:
            if (row["agent_id"], row["message_id"]) not in still:
                assert row["state"] == "failed"
                assert row["closed_at"] <= before
        assert {row["name"] for row in seen if row["seen_at"] > before}.isdisjoint(
            name.partition("@")[0] for name in removed.agent_names
        )


@settings(max_examples=60)
@given(acts=st.lists(ACTS, min_size=5, max_size=40))
def test_of_any_history_no_mail_of_its_own_goes_before_its_time(make_team, tmp_path_factory, acts):
    crew, clock = make_team(tmp_path_factory.mktemp("agents"))
    try:
        history = History(crew, clock)
        for act, *values in acts:
            getattr(history, act)(*values)
        rules = "select count(*) as n from sessions s join agents a on a.id = s.agent_id where a.pruned_at is not null"
        assert crew.rows(rules) == [{"n": 0}]
    finally:
        crew.store.close()
