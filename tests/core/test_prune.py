"""Pruning: what goes, what stays however old it is, and that nobody who stays notices."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.checks import dangling
from xats.base.errors import Usage
from xats.core import events, keeping, prune
from xats.core.agents import registration
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft
from xats.core.tasks import endings, planning
from xats.core.waking import attempts, wakes

DAY = 86_400_000
AGE = 30 * DAY


def pruned(store, age: int = AGE, limit: int = prune.FIRST) -> prune.Counts:
    """Walk through the store in steps of `limit`; references hold after every one."""
    place, removed = prune.Place(), prune.Counts()
    before = store.clock() - age
    while place:
        done = store.write(lambda tx, here=place: prune.step(tx, here, before, limit))
        place, removed = done.place, removed + done.removed
        assert dangling(store) == []
    return removed


@pytest.fixture
def crew(team, clock):
    team.add("alice", "bob", "carol")
    return team


def read(team, name: str) -> None:
    unread = team.see(name, inbox.peek, inbox.Query(1000)).letters
    team.do(name, inbox.mark_read, [letter.message.id for letter in unread])


def unread_again(store, message: int) -> None:
    sql = "update deliveries set state = 'unread', read_at = null, replied_at = null where message_id = :id"
    store.write(lambda tx: tx.run(sql, id=message))


def ids(team) -> list[int]:
    return [row["id"] for row in team.rows("select id from messages order by id")]


# -- what goes ---------------------------------------------------------------------------------------------------------


def test_what_was_read_long_ago_goes_with_all_that_only_spoke_of_it(crew, clock, store):
    crew.send("alice", "bob,carol")
    read(crew, "bob")
    read(crew, "carol")
    clock.tick(AGE + 1)
    crew.send("alice", "bob")
    newest = crew.rows("select max(id) as id from events")[0]["id"]
    assert pruned(store) == prune.Counts(1, 2, 2, newest - 1)
    assert ids(crew) == [2]
    assert [row["message_id"] for row in crew.rows("select message_id from deliveries")] == [2]
    assert [row["state"] for row in crew.rows("select state from wakes")] == ["queued"]


def test_shown_mail_goes_when_it_was_shown_long_ago(crew, clock, store):
    crew.send("alice", "bob")
    clock.tick(AGE)
    crew.do("bob", inbox.mark_shown, [1], inbox.hook_reader("s-1"))
    clock.tick(AGE - 1)
    assert pruned(store).messages == 0
    clock.tick(2)
    assert pruned(store).messages == 1


@pytest.mark.parametrize("late, gone", [(0, 1), (1, 0)], ids=["just old enough", "a millisecond too young"])
@pytest.mark.parametrize("act", ["read", "replied", "acked", "expired"])
def test_the_age_is_counted_from_what_its_recipient_did_last(crew, clock, store, act, late, gone):
    crew.send("alice", "bob", ttl=5 * DAY)
    if act == "expired":
        clock.tick(5 * DAY)
        store.write(inbox.sweep)
    else:
        read(crew, "bob")
        clock.tick(DAY)
        if act == "replied":
            crew.do("bob", sending.reply, "pane", 1, Draft("", "done"))
            read(crew, "alice")
        if act == "acked":
            crew.do("bob", inbox.ack, 1)
    clock.tick(AGE - late - (DAY if act == "read" else 0))
    assert (1 not in ids(crew)) == 0
    pruned(store)
    assert (1 not in ids(crew)) == gone


def test_mail_that_woke_nobody_and_expired_of_late_stays(crew, clock, store):
    crew.send("alice", "bob", ttl=5 * DAY, wake=False)
    clock.tick(5 * DAY)
    store.write(inbox.sweep)
    clock.tick(AGE - 1)
    assert pruned(store).messages == 0
    clock.tick(1)
    assert pruned(store).messages == 1


def test_mail_that_was_read_before_it_was_sent_counts_from_when_it_was_sent(crew, clock, store):
    """The clock was set back between the two."""
    crew.send("alice", "carol")  # old and unread, so that there is something to look through
    clock.tick(DAY)
    crew.send("alice", "bob", wake=False)
    clock.tick(-2 * AGE)
    read(crew, "bob")
    clock.tick(3 * AGE - 1)
    assert pruned(store).messages == 0
    clock.tick(1)
    assert pruned(store).messages == 1


@pytest.mark.parametrize("limit", [1, 4, 5, 6, 100])
def test_no_conversation_is_left_out_when_a_step_is_full(crew, clock, store, limit):
    for n in range(6):
        first = crew.send("alice", "bob").message.id
        for _ in range(n % 4):
            crew.do("bob", sending.reply, "pane", first, Draft("", "answer"))
        for name in ("alice", "bob"):
            read(crew, name)
    clock.tick(AGE)
    assert pruned(store, limit=limit).messages == 6 + 0 + 1 + 2 + 3 + 0 + 1


def test_nothing_goes_from_an_empty_store(store):
    assert pruned(store) == prune.Counts()


def test_a_second_walk_finds_nothing(crew, clock, store):
    crew.send("alice", "bob")
    read(crew, "bob")
    clock.tick(AGE + 1)
    assert pruned(store).messages == 1
    assert pruned(store) == prune.Counts()


def test_a_pruned_id_is_never_used_again(crew, clock, store):
    crew.send("alice", "bob")
    read(crew, "bob")
    before = crew.rows("select max(id) as id from events")[0]["id"]
    clock.tick(AGE + 1)
    assert pruned(store).messages == 1
    assert crew.send("alice", "bob").message.id == 2
    assert crew.rows("select max(id) as id from wakes")[0]["id"] == 2
    assert crew.rows("select max(id) as id from events")[0]["id"] == before + 1


# -- what stays --------------------------------------------------------------------------------------------------------


def test_unread_mail_stays_for_ever(crew, clock, store):
    crew.send("alice", "bob")
    clock.tick(100 * AGE)
    assert pruned(store).messages == 0
    assert crew.see("bob", inbox.unread) == 1


def test_unread_mail_of_somebody_who_left_stays(crew, clock, store):
    crew.send("alice", "bob")
    crew.do("bob", registration.unregister)
    clock.tick(100 * AGE)
    assert pruned(store).messages == 0


def test_mail_that_one_of_many_has_not_read_stays_whole(crew, clock, store):
    crew.send("alice", "bob,carol")
    read(crew, "bob")
    clock.tick(AGE + 1)
    assert pruned(store).deliveries == 0
    assert len(crew.rows("select * from deliveries")) == 2


@pytest.mark.parametrize("unread", [1, 2, 3])
def test_a_conversation_stays_whole_while_any_of_it_stays(crew, clock, store, unread):
    crew.send("alice", "bob")
    crew.do("bob", sending.reply, "pane", 1, Draft("", "two"))
    crew.do("alice", sending.reply, "pane", 2, Draft("", "three"))
    read(crew, "bob")
    unread_again(store, unread)
    clock.tick(AGE + 1)
    for limit in (1, 2, 100):
        assert pruned(store, limit=limit).messages == 0
    read(crew, "alice")
    read(crew, "bob")
    clock.tick(AGE + 1)
    assert pruned(store).messages == 3


def test_an_old_conversation_that_goes_on_stays_whole(crew, clock, store):
    crew.send("alice", "bob")
    crew.do("bob", sending.reply, "pane", 1, Draft("", "two"))
    read(crew, "alice")
    clock.tick(AGE + 1)
    crew.do("alice", sending.reply, "pane", 2, Draft("", "three"))
    assert pruned(store).messages == 0
    assert len(crew.see("bob", inbox.thread, 3, 50)[0]) == 3


def test_mail_of_an_open_wake_stays(crew, clock, store):
    crew.send("alice", "bob")
    store.write(lambda tx: attempts.lease(tx, attempts.due(tx), "d"))  # so that reading does not close it
    read(crew, "bob")
    clock.tick(AGE + 1)
    assert crew.rows("select closed_at from wakes") == [{"closed_at": None}]
    assert pruned(store).messages == 0


@pytest.mark.parametrize("days, gone", [(0, 0), (31, 1)])
def test_a_dead_letter_stays_as_long_as_others(crew, clock, store, days, gone):
    """Its mail was read before its wake was given up."""
    crew.send("alice", "bob")
    crew.send("alice", "bob", wake=False)
    store.write(lambda tx: attempts.lease(tx, attempts.due(tx), "d"))
    clock.tick(AGE)
    (wake,) = store.read(lambda tx: [wakes.wake_of(tx.one(f"select {wakes.SELECT} from wakes w"))])
    store.write(lambda tx: attempts.refused(tx, wake, "d", "busy", "tmux", lambda *_: None))
    assert crew.rows("select state from wakes") == [{"state": "failed"}]
    at = clock.now - AGE
    store.write(lambda tx: tx.run("update deliveries set state = 'read', read_at = :at", at=at))
    clock.tick(days * DAY)
    removed = pruned(store)
    assert (removed.messages, removed.wakes) == (1 + gone, gone)
    assert ids(crew) == ([] if gone else [1])


def test_the_newest_event_stays(crew, clock, store):
    clock.tick(100 * AGE)
    newest = crew.rows("select max(id) as id from events")[0]["id"]
    assert pruned(store).events == newest - 1
    assert crew.rows("select id from events") == [{"id": newest}]


def test_who_follows_the_events_from_before_misses_nothing_that_is_left(crew, clock, store):
    crew.send("alice", "bob")
    clock.tick(AGE + 1)
    new = crew.send("alice", "bob").message.id
    assert pruned(store).events > 0
    found, more, _ = store.read(lambda tx: events.after(tx, events.Query("crew", 1), 50))
    assert [one.subject for one in found] == [f"message:{new}"]
    assert not more


def test_a_message_without_a_recipient_is_left_for_the_check_to_find(crew, clock, store):
    crew.send("alice", "bob")
    store.write(lambda tx: tx.run("delete from deliveries"))
    clock.tick(AGE + 1)
    assert pruned(store).messages == 0


def test_what_a_table_of_a_later_schema_refers_to_stays(crew, clock, store, later):
    for n in range(3):
        crew.send("alice", "bob", f"text {n}")
        read(crew, "bob")
    later("m integer references messages (id), w integer references wakes (id)")
    store.write(lambda tx: tx.run("insert into later values (2, null), (null, 3)"))
    clock.tick(AGE + 1)
    removed = pruned(store)
    assert ids(crew) == [2]
    assert (removed.messages, removed.wakes) == (2, 1)


def test_a_delivery_and_an_event_are_referred_to_by_nothing(store):
    """Or else pruning has to look for that as well."""
    for table in ("deliveries", "events"):
        assert store.read(lambda tx, of=table: tx.references(of)) == []
    assert ("deliveries", "wake_id") in store.read(lambda tx: tx.references("wakes"))


# -- long conversations ------------------------------------------------------------------------------------------------


@pytest.fixture
def long(crew, clock, monkeypatch):
    """A conversation of 20 read messages, and xats takes 5 for many."""
    monkeypatch.setattr(prune, "MOST", 5)
    crew.send("alice", "bob")
    for n in range(2, 21):
        crew.do("bob" if n % 2 == 0 else "alice", sending.reply, "pane", n - 1, Draft("", f"{n}"))
    crew.send("alice", "carol")
    for name in ("alice", "bob", "carol"):
        read(crew, name)
    clock.tick(AGE + 1)
    return crew


@pytest.mark.parametrize("limit", [1, 3, 5, 100])
def test_a_long_conversation_goes_in_parts_from_its_end(long, store, limit):
    assert pruned(store, limit=limit).messages == 21


@pytest.mark.parametrize("unread", [1, 2, 11, 20])
def test_a_long_conversation_stays_whole_too(long, store, unread):
    unread_again(store, unread)
    assert pruned(store, limit=3).messages == 1
    assert ids(long) == list(range(1, 21))


def test_who_answers_while_it_goes_keeps_what_he_answered(long, store, clock):
    """Nothing that is referred to goes, whoever writes between two transactions."""
    place, before = prune.Place(), clock.now - AGE
    while place.phase != "cut":
        place = store.write(lambda tx, here=place: prune.step(tx, here, before, 3)).place
    place = store.write(lambda tx: prune.step(tx, place, before, 3)).place
    assert ids(long) == [*range(1, 18), 21]
    answer = long.do("alice", sending.reply, "pane", 10, Draft("", "still here")).message.id
    assert pruned(store, limit=3).messages == 1
    assert [one.message.id for one in long.see("bob", inbox.thread, answer, 50)[0]] == [*range(1, 18), answer]
    while place:  # and the walk that was under way
        place = store.write(lambda tx, here=place: prune.step(tx, here, before, 3)).place
    assert ids(long) == [*range(1, 18), answer]


# -- the walk ----------------------------------------------------------------------------------------------------------


class Stopwatch:
    """Seconds that pass by `per_row` for every row that a step may look at."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


def steps_of(crew, store, monkeypatch, seconds: float) -> list[int]:
    """Return the limits of the steps of a walk whose every transaction takes `seconds`."""
    limits = []
    real = prune.step

    def step(tx, place, before, limit, *unused):
        limits.append(limit)
        return real(tx, place, before, limit, *unused)

    monkeypatch.setattr(prune, "step", step)
    for _ in prune.walk(store.write, store.clock() - AGE, Stopwatch(seconds)):
        pass
    return limits


def test_a_slow_transaction_is_followed_by_a_smaller_one(crew, store, clock, monkeypatch):
    for _ in range(30):
        crew.send("alice", "bob")
    clock.tick(AGE + 1)
    slow = steps_of(crew, store, monkeypatch, prune.TARGET * 10)
    assert slow[0] == prune.FIRST
    assert set(slow[1:]) == {prune.LEAST}


def test_a_fast_transaction_is_followed_by_a_larger_one_up_to_a_limit(crew, store, clock, monkeypatch):
    for _ in range(30):
        crew.send("alice", "bob")
    clock.tick(AGE + 1)
    fast = steps_of(crew, store, monkeypatch, prune.TARGET / 100)
    assert fast[:4] == [100, 200, 400, 500]
    assert max(fast) == prune.MOST


def test_a_transaction_that_fails_is_not_counted_and_the_walk_is_over(crew, store, clock):
    crew.send("alice", "bob")
    read(crew, "bob")
    clock.tick(AGE + 1)

    def write(work):
        def fail(tx):
            work(tx)
            raise ValueError

        return store.write(fail)

    walk = prune.walk(write, clock.now - AGE, Stopwatch(0))
    with pytest.raises(ValueError):
        next(walk)
    assert next(walk, None) is None
    assert ids(crew) == [1]


@pytest.mark.parametrize(
    "text, age",
    [
        (None, AGE),
        ("", AGE),
        ("  ", AGE),
        ("90d", 90 * DAY),
        ("1h", DAY // 24),
        ("0", None),
        ("off", None),
        ("OFF", None),
    ],
)
def test_the_environment_says_how_long(text, age):
    assert keeping.age({} if text is None else {"XATS_KEEP": text}) == age


@pytest.mark.parametrize("text", ["never", "-1d", "30 days", "d"])
def test_what_is_no_duration_is_said_to_be_none(text):
    with pytest.raises(Usage, match="XATS_KEEP") as caught:
        keeping.age({"XATS_KEEP": text})
    assert "30d" in caught.value.hint


@pytest.mark.sqlite
def test_no_statement_scans_a_table(crew, clock, store, monkeypatch):
    """Neither its own, nor the looks for references that SQLite adds to it."""
    monkeypatch.setattr(prune, "MOST", 2)
    for n in range(5):
        crew.send("alice", "bob")
        for _ in range(n):
            crew.do(
                "bob", sending.reply, "pane", crew.rows("select max(id) as id from messages")[0]["id"], Draft("", "x")
            )
    for name in ("alice", "bob"):
        read(crew, name)
    task, _ = crew.do("alice", planning.add, planning.New("t"))
    crew.do("alice", endings.cancel, task.id, None)
    clock.tick(AGE + 1)
    heard = []
    store.connection.set_trace_callback(heard.append)
    removed = pruned(store, limit=2)
    store.connection.set_trace_callback(None)
    assert all((removed.messages, removed.deliveries, removed.wakes, removed.events, removed.tasks))
    statements = {sql for sql in heard if re.match(r"\s*(select|delete) (?!.*pragma_|.*max\(id\))", sql, re.DOTALL)}
    assert len([sql for sql in statements if "delete" in sql]) > 4
    for sql in statements:
        plan = store.connection.execute(f"explain query plan {sql}").fetchall()
        found = [row["detail"] for row in plan]
        assert found
        assert [detail for detail in found if detail.startswith("SCAN") and "CONSTANT" not in detail] == [], (
            sql,
            found,
        )


# -- any history -------------------------------------------------------------------------------------------------------

NAMES = ("alice", "bob", "carol")
who = st.sampled_from(NAMES)
ACTS = st.one_of(
    st.tuples(st.just("send"), who, st.sampled_from(("alice", "bob", "carol", "all", "me")), st.booleans()),
    st.tuples(st.just("reply"), who, st.integers(0, 30)),
    st.tuples(st.just("read"), who, st.integers(0, 5)),
    st.tuples(st.just("ack"), who, st.integers(0, 30)),
    st.tuples(st.just("attempt"), st.sampled_from(("lease", "delivered", "busy", "failed"))),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("days"), st.integers(1, 25)),
)


class History:
    """What happened in a team, act by act; an act that is not possible there is nothing."""

    def __init__(self, team, clock) -> None:
        self.team, self.clock, self.store = team, clock, team.store
        team.add(*NAMES)

    def seen(self, name: str, number: int) -> int | None:
        rows = self.team.rows(
            """
            select distinct m.id from messages m left join deliveries d on d.message_id = m.id
            join agents a on a.id = d.agent_id or a.id = m.sender_id where a.name = :name order by m.id
            """,
            name=name,
        )
        return rows[number % len(rows)]["id"] if rows else None

    def send(self, name: str, to: str, mortal: bool) -> None:
        self.team.send(name, to, ttl=3 * DAY if mortal else None)

    def reply(self, name: str, number: int) -> None:
        message = self.seen(name, number)
        if message:
            self.team.do(name, sending.reply, "pane", message, Draft("", "x"))

    def read(self, name: str, count: int) -> None:
        page = self.team.do(name, inbox.claim, inbox.Query(count + 1), "r", lambda _: True)
        self.team.do(name, inbox.mark_read, [letter.message.id for letter in page.letters])

    def ack(self, name: str, number: int) -> None:
        row = self.team.rows(
            "select message_id as id from deliveries d join agents a on a.id = d.agent_id where a.name = :name",
            name=name,
        )
        if row:
            self.team.do(name, inbox.ack, row[number % len(row)]["id"])

    def attempt(self, outcome: str) -> None:
        def work(tx) -> None:
            due = attempts.due(tx)[:1]
            attempts.lease(tx, due, "d")
            for wake in due:
                if outcome == "delivered":
                    attempts.delivered(tx, wake, "d", "tmux", 10_000)
                elif outcome == "busy":
                    attempts.refused(tx, wake, "d", "busy", "tmux", lambda _, now: now)
                elif outcome == "failed":
                    attempts.refused(tx, wake, "d", "busy", "tmux", lambda *_: None)

        self.store.write(work)

    def sweep(self) -> None:
        self.store.write(lambda tx: (inbox.sweep(tx), attempts.free_leases(tx, lambda _: False)))

    def days(self, count: int) -> None:
        self.clock.tick(count * DAY)

    def rows(self, table: str) -> list[dict]:
        return self.team.rows(f"select * from {table}")

    def views(self, kept: set[int]) -> dict:
        """Return all that the agents can see of the messages `kept`."""
        found = {}
        for name in NAMES:
            page = self.team.see(name, inbox.peek, inbox.Query(10_000, every=True))
            found[name] = [one for one in page.letters if one.message.id in kept], page.unread
            for message in sorted(kept):
                if message in self.visible(name):
                    found[name, message] = self.team.see(name, inbox.thread, message, 10_000)
        return found

    def visible(self, name: str) -> set[int]:
        me = self.team.agent(name).id
        mine = {row["id"] for row in self.rows("messages") if row["sender_id"] == me}
        return mine | {row["message_id"] for row in self.rows("deliveries") if row["agent_id"] == me}


def expected(history: History, before: int) -> tuple[set[int], set[int], set[int]]:
    """Return the ids of the messages, wakes and events that are to stay: the rule once more, in words of Python."""
    closed = {row["id"]: row["closed_at"] for row in history.rows("wakes")}
    alive, threads, copies = set(), {}, {}
    for row in history.rows("deliveries"):
        copies.setdefault(row["message_id"], []).append(row)
    for row in history.rows("messages"):
        thread = row["thread_id"] or row["id"]
        threads[row["id"]] = thread
        times = [row["sent_at"]]
        for one in copies[row["id"]]:
            done = [one["read_at"], one["replied_at"], one["acked_at"]]
            ended = {"unread": None, "expired": one["expires_at"]}.get(one["state"], 0)
            wake = closed[one["wake_id"]] if one["wake_id"] else 0
            times += [1 << 62 if ended is None else ended, 1 << 62 if wake is None else wake]
            times += [at for at in done if at is not None]
        if max(times) > before:
            alive.add(thread)
    kept = {message for message, thread in threads.items() if thread in alive}
    needed = {one["wake_id"] for message in kept for one in copies[message]}
    wakes_kept = {number for number, at in closed.items() if at is None or at > before or number in needed}
    last = max(row["id"] for row in history.rows("events"))
    events_kept = {row["id"] for row in history.rows("events") if row["at"] > before or row["id"] == last}
    return kept, wakes_kept, events_kept


@settings(max_examples=120)
@given(
    acts=st.lists(ACTS, min_size=5, max_size=40),
    limit=st.integers(1, 7),
    most=st.integers(1, 6),
    age=st.integers(0, 40),
)
def test_of_any_history_goes_what_may_and_nobody_notices(make_team, tmp_path_factory, acts, limit, most, age):
    team, clock = make_team(tmp_path_factory.mktemp("history"))
    usual = prune.MOST
    try:
        prune.MOST = most
        history = History(team, clock)
        for act, *values in acts:
            getattr(history, act)(*values)
        kept, wakes_kept, events_kept = expected(history, clock.now - age * DAY)
        unread = [row for row in history.rows("deliveries") if row["state"] == "unread"]
        rows = {
            table: history.rows(table) for table in ("agents", "sessions", "messages", "deliveries", "wakes", "events")
        }
        views = history.views(kept)
        removed = pruned(team.store, age * DAY, limit)
        left = {
            "messages": [row for row in rows["messages"] if row["id"] in kept],
            "deliveries": [row for row in rows["deliveries"] if row["message_id"] in kept],
            "wakes": [row for row in rows["wakes"] if row["id"] in wakes_kept],
            "events": [row for row in rows["events"] if row["id"] in events_kept],
        }
        assert {table: history.rows(table) for table in left} == left
        assert removed.parts == (*(len(rows[table]) - len(left[table]) for table in left), 0, 0, 0)
        assert all(row in left["deliveries"] for row in unread)
        assert history.views(kept) == views
        assert [history.rows(table) for table in ("agents", "sessions")] == [rows["agents"], rows["sessions"]]
    finally:
        prune.MOST = usual
        team.store.close()
