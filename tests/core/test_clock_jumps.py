"""A clock that is wrong for a while, and a host that was suspended, take nothing away from anybody by age."""

import pytest

from tests.conftest import HOST, HostClock
from xats.base.pane import Pane
from xats.core import clock as rules
from xats.core.agents import agents
from xats.core.mail import alerts, dead, inbox
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, offers, planning, pools, tasks
from xats.core.tasks.claims import LEASE
from xats.core.waking import attempts, wakes
from xats.daemon.pruner import Pruner
from xats.delivery import attempt, target
from xats.delivery.settings import Settings
from xats.delivery.transports import Refused

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
def clock():
    return HostClock()


@pytest.fixture
def crew(team, clock):
    """alice, bob and carol, on a host whose clock is trusted."""
    team.add("alice", "bob", "carol", role="dev")
    trust(team, clock)
    return team


def trust(team, host):
    for _ in range(3):
        team.store.write(rules.observe)
        host.tick(rules.SETTLE)
    assert team.store.read(rules.trusted_time) == host.now


def sweep(crew, gone=lambda _: False):
    """Do all that goes by age, as the daemon does at a sweep; return the tasks whose claims are over."""

    def work(tx):
        rules.observe(tx)
        inbox.sweep(tx)
        claims.set_right(tx)
        lapsed = claims.settle(tx, gone)
        offers.offer_due(tx)
        alerts.overdue(tx, 0)
        return lapsed

    lapsed = crew.store.write(work)
    Pruner(30 * DAY)(crew.store)
    return lapsed


@pytest.fixture(params=["ahead", "back", "suspended"])
def upset(request, clock):
    """Upset the clock for six seconds by more than anything lasts, or suspend the host for as long; then all is well.

    `upset(sweep)` calls `sweep` while it is wrong, and again right after.
    """

    def do(sweep):
        if request.param == "suspended":
            clock.suspend(40 * DAY)
            return sweep()
        by = 40 * DAY if request.param == "ahead" else -40 * DAY
        clock.jump(by)
        found = sweep()
        clock.tick(6_000)
        found += sweep()
        clock.jump(-by)
        return found + sweep()

    return do


def claimed(crew, lease=8 * HOUR):
    task = crew.do("alice", planning.add, planning.New("t"))[0]
    crew.do("bob", claims.claim, task.id, lease)
    return task.id


def test_a_claim_stays(crew, clock, upset):
    task_id = claimed(crew)
    clock.tick(HOUR)
    assert upset(lambda: sweep(crew)) == []
    clock.tick(rules.GRACE - 1)
    assert crew.do("bob", claims.renew, task_id).state == "claimed"
    clock.tick(rules.GRACE - 1)
    assert sweep(crew) == []
    assert crew.do("bob", claims.done, task_id, None).state == "done"


def test_a_claim_that_is_over_lapses_once_the_clock_is_trusted(crew, clock):
    task_id = claimed(crew, LEASE)
    clock.jump(DAY)
    assert sweep(crew) == []
    clock.tick(rules.SETTLE - 1)
    assert sweep(crew) == []
    clock.tick(1)
    assert sweep(crew) == [task_id]


def test_a_claim_that_began_since_lapses_in_its_time(crew, clock):
    clock.jump(40 * DAY)
    task_id = claimed(crew, 30_000)
    clock.tick(29_999)
    assert sweep(crew) == []
    clock.tick(1)
    assert sweep(crew) == [task_id]


def test_a_short_lease_lapses_in_its_time_where_nobody_has_observed_the_clock(team, clock):
    team.add("alice", "bob")
    task_id = claimed(team, 1000)
    clock.tick(1000)
    assert sweep(team) == [task_id]


def test_after_a_suspend_a_claim_has_five_minutes(crew, clock):
    task_id = claimed(crew, LEASE)
    clock.suspend(8 * HOUR)
    assert sweep(crew) == []
    clock.tick(rules.GRACE - 1)
    assert sweep(crew) == []
    clock.tick(1)
    assert sweep(crew) == [task_id]


def test_silence_by_a_wrong_clock_is_none(crew, clock, upset):
    crew.register("bob", seat=agents.Seat("here", 4711, 1))
    claimed(crew)
    assert upset(lambda: sweep(crew, gone=lambda _: True)) == []
    opened = []
    for _ in range(2):  # its lease ends by then, if the time at which it was seen to be gone is not right
        clock.tick(8 * HOUR)
        opened += sweep(crew, gone=lambda _: True)
    assert len(opened) == 1


@pytest.mark.parametrize("by", ["sweep", "read"])
def test_mail_with_a_time_limit_stays_unread(crew, clock, upset, rows, by):
    crew.send("alice", "bob", "hello", ttl=50 * MINUTE)
    clock.tick(MINUTE)

    def act():
        sweep(crew)
        assert crew.see("bob", inbox.unread) == 1
        assert crew.see("bob", lambda tx, bob: wakes.pending(tx, bob.id)).unread == 1
        assert crew.see("bob", lambda tx, bob: wakes.wanted(tx, bob.id))
        if by == "read":
            page = crew.do("bob", inbox.claim, inbox.Query(), "r", lambda _: False)
            assert [one.state for one in page.letters] == ["unread"]
            crew.do("bob", inbox.release, page)
        return []

    upset(act)
    assert crew.do("bob", inbox.mark_read, [1]) == 1
    assert crew.store.read(dead.count) == 0


def test_mail_whose_time_is_over_expires_once_the_clock_is_trusted(crew, clock):
    crew.send("alice", "bob", ttl=MINUTE)
    clock.jump(HOUR)
    sweep(crew)
    assert crew.see("bob", inbox.unread) == 1
    clock.tick(rules.SETTLE)
    assert crew.see("bob", inbox.unread) == 0
    sweep(crew)
    assert crew.store.read(dead.count) == 1


def test_mail_that_was_sent_since_expires_in_its_time(team, clock):
    team.add("alice", "bob")
    team.send("alice", "bob", ttl=1000)
    clock.tick(1000)
    assert team.do("bob", inbox.claim, inbox.Query(), "r", lambda _: False).letters == ()
    assert team.rows("select state from deliveries") == [{"state": "expired"}]


def test_a_wake_whose_mail_seems_over_is_not_closed(crew, clock, upset, rows):
    crew.send("alice", "bob", "first", ttl=50 * MINUTE)
    crew.send("alice", "bob", "second")

    def act():
        crew.do("bob", inbox.mark_read, [2])
        return []

    upset(act)
    assert [(row["state"], row["closed_at"]) for row in rows("select * from wakes")] == [("queued", None)]


def test_what_a_living_reader_has_claimed_stays_its_own(crew, clock, upset):
    crew.send("alice", "bob")
    mine = crew.do("bob", inbox.claim, inbox.Query(), "r1", lambda _: False)

    def other():
        return list(crew.do("bob", inbox.claim, inbox.Query(), "r2", lambda _: False).letters)

    assert len(mine.letters) == 1
    assert upset(other) == []
    clock.tick(rules.SETTLE)
    assert len(other()) == 1


def test_the_lease_of_an_attempt_under_way_stays_its_own(crew, clock, upset, rows):
    crew.send("alice", "bob")
    (wake,) = crew.store.read(attempts.due)
    crew.store.write(lambda tx: attempts.lease(tx, [wake], "d1"))

    def due():
        crew.store.write(rules.observe)
        return crew.store.read(attempts.due)

    assert upset(due) == []
    clock.tick(rules.SETTLE)
    assert len(crew.store.read(attempts.due)) == 1


def test_an_attempt_is_due_again_after_a_clock_that_was_ahead(crew, clock):
    crew.send("alice", "bob")
    clock.jump(40 * DAY)
    (wake,) = crew.store.read(attempts.due)

    def refuse(tx):
        attempts.lease(tx, [wake], "d1")
        attempts.refused(tx, wake, "d1", "busy", "tmux", lambda _, now: now + 30_000)

    crew.store.write(refuse)
    clock.jump(-40 * DAY)
    assert len(crew.store.read(attempts.due)) == 1


def test_who_was_asked_by_a_pool_has_a_minute_of_the_right_clock(crew, clock, upset, rows):
    crew.add("dave", role="lead")
    crew.do("dave", pools.send, "pane", Draft("pool:dev", "look at it"))
    upset(lambda: sweep(crew) or [])
    offered = "select count(*) as n from task_notes where kind = 'offered'"
    assert rows(offered) == [{"n": 1}]
    clock.tick(offers.EVERY)
    sweep(crew)
    assert rows(offered) == [{"n": 2}]


def test_nobody_is_alerted_by_a_wrong_clock(crew, clock, upset):
    crew.send("alice", "bob", need_reply=True)
    upset(lambda: sweep(crew) or [])
    assert crew.see("alice", inbox.unread) == 0
    clock.tick(15 * MINUTE)
    sweep(crew)
    assert crew.see("alice", inbox.unread) == 1


def test_nothing_is_pruned(crew, clock, upset, rows):
    crew.send("alice", "bob")
    crew.do("bob", inbox.mark_read, [1])
    task_id = claimed(crew)
    crew.do("bob", claims.done, task_id, None)
    clock.tick(HOUR)
    before = rows("select count(*) as n from events"), rows("select id from messages"), rows("select id from tasks")
    tidy = Pruner(30 * DAY)

    def act():
        crew.store.write(rules.observe)
        tidy(crew.store)
        return []

    upset(act)
    assert before == (
        rows("select count(*) as n from events"),
        rows("select id from messages"),
        rows("select id from tasks"),
    )


def test_a_walk_that_is_under_way_ends_when_the_clock_jumps(crew, clock, rows, monkeypatch):
    monkeypatch.setattr("xats.daemon.pruner.BATCHES", 1)
    for name in ("FIRST", "LEAST", "MOST"):
        monkeypatch.setattr(f"xats.core.prune.{name}", 2)
    for _ in range(20):
        crew.send("alice", "bob")
    crew.do("bob", inbox.mark_read, range(1, 21))
    clock.tick(31 * DAY)
    crew.store.write(rules.observe)
    tidy = Pruner(30 * DAY)
    for _ in range(3):
        tidy(crew.store)
    left = rows("select count(*) as n from messages")[0]["n"]
    assert 0 < left < 20
    clock.jump(-HOUR)
    for _ in range(20):
        tidy(crew.store)
    assert rows("select count(*) as n from messages") == [{"n": left}]


def test_a_lease_that_was_written_ahead_of_time_blocks_nobody(crew, clock):
    clock.jump(40 * DAY)
    task_id = claimed(crew, LEASE)
    clock.jump(-40 * DAY)
    assert sweep(crew) == []
    clock.tick(rules.SETTLE)
    assert sweep(crew) == []
    assert crew.see("bob", lambda tx, _: tasks.find(tx, "crew", task_id)).lease_until == clock.now + LEASE
    clock.tick(LEASE)
    assert sweep(crew) == [task_id]


def test_mail_that_came_after_an_attempt_that_died_by_a_clock_ahead_is_woken_for(crew, clock, rows):
    """When that attempt was leased tells nothing of what came before it."""
    crew.send("alice", "bob", "first")
    clock.jump(40 * DAY)
    (wake,) = crew.store.read(attempts.due)
    crew.store.write(lambda tx: attempts.lease(tx, [wake], "d1"))
    clock.jump(-40 * DAY)
    crew.send("alice", "bob", "second")
    crew.store.write(lambda tx: attempts.free_leases(tx, lambda _: True))
    (again,) = crew.store.read(attempts.due)

    def made(tx):
        attempts.lease(tx, [again], "d2")
        assert attempts.delivered(tx, again, "d2", "tmux", None)

    crew.store.write(made)
    assert [row["state"] for row in rows("select * from wakes order by id")] == ["delivered", "queued"]


def test_nothing_is_typed_right_after_the_clock_was_set(crew, clock, rows, monkeypatch):
    """tmux tells by the clock when a person typed last."""
    pane = Pane("/tmp/s", 1, 1, "%1", 2, "/dev/pts/9")
    crew.register("bob", seat=agents.Seat(HOST, 77, 1, None, pane))
    crew.send("alice", "bob")
    tried = []

    def deliver(*_):
        tried.append(clock.now)
        return Refused("busy")

    monkeypatch.setattr("xats.delivery.transports.tmux.deliver", deliver)
    monkeypatch.setattr("xats.delivery.attempt._with_programs", lambda _, session: session)
    monkeypatch.setattr("xats.base.program.is_launching", lambda _: False)

    def attempted():
        (wake,) = target.lease_due(crew.store, "d1", Settings(), 10)
        return attempt.make(crew.store, wake, "d1", Settings()).reason

    clock.jump(HOUR)
    assert attempted() == "human_active"
    (wake,) = rows("select * from wakes")
    assert (wake["attempts"], wake["state"]) == (0, "queued")
    assert clock.now < wake["next_attempt_at"] <= clock.now + 30_000
    clock.tick(30_000)
    assert attempted() == "busy"
    assert len(tried) == 1


def test_no_agent_is_unused_because_the_host_was(crew, clock, rows):
    """It was suspended, or off, for longer than an agent may be silent: nobody could act on it."""
    for leave in (lambda: clock.suspend(40 * DAY), lambda: (clock.tick(40 * DAY), clock.reboot())):
        leave()
        for _ in range(3):
            sweep(crew)
            clock.tick(HOUR)
        assert rows("select count(*) as n from agents where pruned_at is null") == [{"n": 3}]
        crew.do("alice", agents.touch)
    for _ in range(23):
        sweep(crew)
        clock.tick(HOUR)
    sweep(crew)
    assert rows("select name from agents where client <> 'system'") == [{"name": "alice"}]
