"""The wake machine: opened by mail, at most one for each agent, leased, retried, suspended, closed."""

import inspect
import json
import re

import pytest

from tests.conftest import HOST
from xats.base import errors, host
from xats.base.pane import Pane
from xats.core.agents import registration
from xats.core.agents.agents import Seat
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft
from xats.core.waking import attempts, pauses, reasons, wakes
from xats.delivery import ladder
from xats.store.open import open_store


@pytest.fixture
def pair(team):
    team.add("alice", "bob", "carol")
    return team


def climb(attempts: int, now: int):
    return ladder.next_attempt(attempts, now, 0.5)


def due(team, **options) -> list[wakes.Wake]:
    return team.store.read(lambda tx: attempts.due(tx, **options))


def lease(team, token: str = "d1") -> wakes.Wake:
    """Lease the one wake that is due."""

    def work(tx):
        found = attempts.due(tx)
        attempts.lease(tx, found, token)
        return found

    (wake,) = team.store.write(work)
    return wake


def refuse(team, reason: str, token: str = "d1") -> bool:
    wake = lease(team, token)
    return team.store.write(lambda tx: attempts.refused(tx, wake, token, reason, "tmux", climb))


def open_wakes(rows) -> list[dict]:
    return rows("select * from wakes where closed_at is null")


def the_wake(rows) -> dict:
    (wake,) = rows("select * from wakes order by id desc limit 1")
    return wake


# -- opening and closing -----------------------------------------------------------------------------------------------


def test_mail_opens_a_wake_that_is_due_at_once(pair, rows, clock):
    pair.send("alice", "bob")
    (wake,) = open_wakes(rows)
    assert (wake["state"], wake["next_attempt_at"], wake["attempts"], wake["mails"]) == ("queued", clock.now, 0, 1)
    assert [one.id for one in due(pair)] == [wake["id"]]


def test_one_wake_covers_all_unread_mail(pair, rows):
    for sender in ("alice", "carol", "alice"):
        pair.send(sender, "bob")
    (wake,) = open_wakes(rows)
    assert wake["mails"] == 3
    assert {row["wake_id"] for row in rows("select wake_id from deliveries")} == {wake["id"]}


def test_new_mail_joins_and_does_not_reset_the_ladder(pair, rows, clock):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    before = the_wake(rows)
    clock.tick(10_000)
    pair.send("carol", "bob")
    after = the_wake(rows)
    assert {**after, "mails": 1} == before
    assert after["mails"] == 2


def test_a_second_open_wake_cannot_be_stored(pair):
    pair.send("alice", "bob")
    with pytest.raises(errors.StoreError):
        pair.store.write(
            lambda tx: tx.run(
                "insert into wakes (agent_id, state, opened_at, updated_at) select id, 'queued', 1, 1 from agents"
                " where name = 'bob'"
            )
        )


@pytest.mark.parametrize(
    "draft, sender, address, reason",
    [
        ({"wake": False}, "alice", "bob", "no_wake"),
        ({}, "alice", "me", "self"),
        ({}, "bob", "bob", "self"),
        ({}, "alice", "pat", "human"),
    ],
)
def test_who_is_not_woken(pair, rows, draft, sender, address, reason):
    pair.add("pat", client="human")
    pair.send(sender, address, **draft)
    assert rows("select * from wakes") == []
    assert rows("select wake_id from deliveries") == [{"wake_id": None}]


@pytest.mark.parametrize("how", ["read", "ack", "reply"])
def test_reading_closes_the_wake(pair, rows, how):
    pair.send("alice", "bob")
    if how == "read":
        pair.do("bob", inbox.mark_read, [1])
    elif how == "ack":
        pair.do("bob", inbox.ack, 1)
    else:
        pair.do("bob", sending.reply, "pane", 1, Draft("", "yes"))
    (wake,) = rows("select * from wakes where agent_id = 2")
    assert (wake["state"], wake["reason"], wake["next_attempt_at"]) == ("skipped", "already_read", None)
    assert wake["closed_at"] is not None


def test_the_wake_stays_open_until_the_last_letter_is_read(pair, rows):
    pair.send("alice", "bob")
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_read, [2])
    assert len(open_wakes(rows)) == 1
    pair.do("bob", inbox.mark_read, [1])
    assert open_wakes(rows) == []


def test_mail_that_wakes_nobody_keeps_no_wake_open(pair, rows):
    pair.send("alice", "bob")
    pair.send("alice", "bob", wake=False)
    pair.do("bob", inbox.mark_read, [1])
    assert open_wakes(rows) == []


def test_mail_after_the_wake_has_ended_opens_a_new_one_for_all_that_is_unread(pair, rows):
    pair.send("alice", "bob")
    wake = lease(pair)
    pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    pair.send("alice", "bob")
    (again,) = open_wakes(rows)
    assert again["id"] != wake.id
    assert (again["state"], again["attempts"]) == ("queued", 0)
    assert {row["wake_id"] for row in rows("select wake_id from deliveries")} == {again["id"]}


# -- attempts ----------------------------------------------------------------------------------------------------------


def test_a_leased_wake_is_nobody_elses(pair):
    pair.send("alice", "bob")
    lease(pair)
    assert due(pair) == []
    assert pair.store.read(attempts.next_due) is None


def test_a_lease_lapses_and_the_late_result_is_refused(pair, rows, clock):
    pair.send("alice", "bob")
    old = lease(pair, "d1")
    clock.tick(attempts.LEASE)
    new = lease(pair, "d2")
    assert not pair.store.read(lambda tx: attempts.still_leased(tx, old, "d1"))
    assert pair.store.read(lambda tx: attempts.still_leased(tx, new, "d2"))
    before = the_wake(rows), rows("select * from events")
    assert not pair.store.write(lambda tx: attempts.delivered(tx, old, "d1", "tmux", 1))
    assert not pair.store.write(lambda tx: attempts.refused(tx, old, "d1", "busy", "tmux", climb))
    assert not pair.store.write(lambda tx: attempts.skipped(tx, old, "d1", "already_read"))
    assert not pair.store.write(lambda tx: attempts.give_back(tx, old, "d1"))
    assert (the_wake(rows), rows("select * from events")) == before
    assert pair.store.write(lambda tx: attempts.delivered(tx, new, "d2", "tmux", 1))


def test_what_was_delivered_is_told(pair, rows, clock):
    pair.send("alice", "bob")
    wake = lease(pair)
    clock.tick(2000)
    assert pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    stored = the_wake(rows)
    assert (stored["state"], stored["reason"], stored["transport"], stored["attempts"]) == (
        "delivered",
        None,
        "tmux",
        1,
    )
    assert stored["closed_at"] == stored["updated_at"] == clock.now
    (event,) = rows("select * from events where type = 'wake_delivered'")
    assert (event["team"], event["actor"], event["subject"]) == ("crew", None, f"wake:{wake.id}")
    assert json.loads(event["data"])["agent"] == "bob@crew"
    assert rows("select state from deliveries") == [{"state": "unread"}]


@pytest.mark.parametrize("reason", ["busy", "not_quiet", "draft_present", "dialog_open", "human_active", "copy_mode"])
def test_a_state_that_will_pass_climbs_the_ladder(pair, rows, clock, reason):
    pair.send("alice", "bob")
    for attempt, wait in enumerate((30_000, 180_000, 600_000), 1):
        assert refuse(pair, reason)
        wake = the_wake(rows)
        assert (wake["state"], wake["reason"], wake["attempts"]) == ("retrying", reason, attempt)
        assert wake["next_attempt_at"] == clock.now + wait
        assert wake["lease_token"] is None
        clock.tick(wait - 1)
        assert due(pair) == []
        clock.tick(1)
    assert refuse(pair, reason)
    wake = the_wake(rows)
    assert (wake["state"], wake["reason"], wake["last_refusal"]) == ("failed", "retry_exhausted", reason)
    assert (wake["attempts"], wake["next_attempt_at"]) == (4, None)
    told = [row["type"] for row in rows("select type from events where type like 'wake_%' order by id")]
    assert told == ["wake_retrying"] * 3 + ["wake_failed"]
    assert rows("select state from deliveries") == [{"state": "unread"}]


def test_after_the_ladder_new_mail_begins_a_new_one(pair, rows, clock):
    pair.send("alice", "bob")
    for wait in (30_000, 180_000, 600_000, 0):
        refuse(pair, "busy")
        clock.tick(wait)
    assert due(pair) == []
    pair.send("carol", "bob")
    (wake,) = due(pair)
    assert (wake.state, wake.attempts) == ("queued", 0)


def test_what_nobody_saw_being_taken_is_never_tried_again(pair, rows):
    pair.send("alice", "bob")
    refuse(pair, "unconfirmed")
    wake = the_wake(rows)
    assert (wake["state"], wake["reason"]) == ("failed", "unconfirmed")


@pytest.mark.parametrize("reason", sorted(reasons.GONE))
def test_a_target_that_is_gone_suspends_and_costs_no_attempt(pair, rows, clock, reason):
    pair.send("alice", "bob")
    refuse(pair, reason)
    wake = the_wake(rows)
    assert (wake["state"], wake["reason"], wake["attempts"], wake["next_attempt_at"]) == ("queued", reason, 0, None)
    clock.tick(10 * 86_400_000)
    assert due(pair) == []
    pair.send("carol", "bob")
    assert due(pair) == []


PANE = Pane("/s", 1, 1, "%7", 1, "/dev/null")


@pytest.mark.parametrize("pid, client_session, anew", [(10, "s1", False), (11, "s1", True), (10, None, True)])
def test_who_was_woken_and_tells_of_its_session_is_not_woken_once_more(pair, rows, pid, client_session, anew):
    """A program whose first prompt is the wake begins its session with that; a new process is to be woken anew."""
    pair.register("bob", seat=Seat(HOST, 10, 1, "s1" if pid == 11 else None, PANE))
    pair.send("alice", "bob")
    wake = lease(pair)
    assert pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    pair.register("bob", seat=Seat(HOST, pid, 1, client_session, PANE))
    assert bool(open_wakes(rows)) is anew


def test_a_new_session_resumes_where_the_ladder_was(pair, rows, clock):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    clock.tick(30_000)
    refuse(pair, "pane_dead")
    assert due(pair) == []
    clock.tick(5_000)
    pair.register("bob", seat=Seat("here", 77, 1))
    (wake,) = due(pair)
    assert (wake.state, wake.attempts, wake.last_refusal) == ("retrying", 1, "pane_dead")


@pytest.mark.parametrize("end", ["delivered", "failed"])
def test_a_new_session_is_woken_for_what_is_unread(pair, rows, end):
    pair.send("alice", "bob")
    if end == "delivered":
        wake = lease(pair)
        pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    else:
        refuse(pair, "unconfirmed")
    assert open_wakes(rows) == []
    pair.register("bob", seat=Seat("here", 77, 1))
    assert len(due(pair)) == 1


def test_a_new_session_without_unread_mail_is_not_woken(pair, rows):
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_read, [1])
    pair.register("bob", seat=Seat("here", 77, 1))
    assert due(pair) == []


def test_who_leaves_is_not_woken_until_the_name_returns(pair, rows):
    pair.send("alice", "bob")
    pair.do("bob", registration.unregister)
    assert due(pair) == []
    pair.register("bob", seat=Seat("here", 77, 1))
    assert len(due(pair)) == 1


def test_an_attempt_for_mail_that_was_read_meanwhile_ends_the_wake(pair, rows):
    pair.send("alice", "bob")
    wake = lease(pair)
    pair.do("bob", inbox.mark_read, [1])
    pair.store.write(lambda tx: attempts.refused(tx, wake, "d1", "busy", "tmux", climb))
    stored = the_wake(rows)
    assert (stored["state"], stored["reason"]) == ("skipped", "already_read")


def test_mail_that_comes_while_a_wake_is_being_skipped_is_still_woken_for(pair, rows):
    pair.send("alice", "bob")
    wake = lease(pair)
    pair.do("bob", inbox.mark_read, [1])
    pair.send("alice", "bob")
    pair.store.write(lambda tx: attempts.skipped(tx, wake, "d1", "already_read"))
    assert [one.id for one in due(pair)] == [wake.id]


def test_mail_that_comes_after_the_line_was_made_gets_a_wake_of_its_own(pair, rows):
    pair.send("alice", "bob")
    wake = lease(pair)
    pair.send("carol", "bob")
    pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    (again,) = due(pair)
    assert again.id != wake.id
    linked = rows("select message_id, wake_id from deliveries where message_id = 2")
    assert linked == [{"message_id": 2, "wake_id": again.id}]


def test_expired_mail_gets_none(pair, rows, clock):
    pair.send("alice", "bob")
    pair.send("carol", "bob", ttl=1000)
    clock.tick(1000)
    wake = lease(pair)
    newest = pair.store.read(lambda tx: wakes.pending(tx, wake.agent_id)).newest
    pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", newest))
    assert (newest, open_wakes(rows)) == (1, [])


def test_a_wake_for_expired_mail_is_skipped_for_good(pair, rows, clock):
    """And not given back as due: that would be tried again at once, and again."""
    pair.send("alice", "bob", ttl=1000)
    clock.tick(1000)
    wake = lease(pair)
    assert pair.store.read(lambda tx: wakes.pending(tx, wake.agent_id)).unread == 0
    pair.store.write(lambda tx: attempts.skipped(tx, wake, "d1", "already_read"))
    assert the_wake(rows)["state"] == "skipped"
    assert due(pair) == []


def test_leases_of_those_that_are_gone_are_freed(pair, rows):
    pair.send("alice", "bob")
    lease(pair, "dead")
    assert pair.store.write(lambda tx: attempts.free_leases(tx, lambda token: token != "dead")) == 0
    assert pair.store.write(lambda tx: attempts.free_leases(tx, lambda token: token == "dead")) == 1
    assert len(due(pair)) == 1


@pytest.mark.parametrize("how", ["freed", "given back"])
def test_a_wake_whose_mail_was_read_during_the_attempt_ends_with_its_lease(pair, rows, how):
    pair.send("alice", "bob")
    wake = lease(pair, "dead")
    pair.do("bob", inbox.mark_read, [1])
    assert the_wake(rows)["closed_at"] is None
    if how == "freed":
        assert pair.store.write(lambda tx: attempts.free_leases(tx, lambda _: True)) == 1
    else:
        assert pair.store.write(lambda tx: attempts.give_back(tx, wake, "dead"))
    found = the_wake(rows)
    assert (found["state"], found["reason"]) == ("skipped", "already_read")


def test_a_lease_given_back_costs_nothing(pair, rows):
    pair.send("alice", "bob")
    wake = lease(pair)
    assert pair.store.write(lambda tx: attempts.give_back(tx, wake, "d1"))
    (again,) = due(pair)
    assert (again.state, again.attempts) == ("queued", 0)


def test_a_wake_that_is_held_is_not_due(pair):
    pair.send("alice", "bob")
    pair.do("alice", pauses.pause, "crew", pair.agent("bob"), None)
    assert due(pair) == []
    assert pair.store.read(attempts.next_due) is None


def test_agents_of_another_host_are_left_to_the_daemon_there(pair):
    pair.register("bob", seat=Seat("there", 77, 1))
    pair.send("alice", "bob,carol")
    assert [one.agent_id for one in due(pair, host="there")] == [pair.agent("bob").id]
    here = host.id()
    assert [one.agent_id for one in due(pair, host=here)] == [pair.agent("carol").id]
    assert len(due(pair)) == 2


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_clock_set_back_an_hour_does_not_hold_a_retry_back(pair, clock):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    assert due(pair, longest=ladder.longest()) == []
    clock.tick(-3_600_000)
    assert len(due(pair, longest=ladder.longest())) == 1


def test_a_clock_set_back_a_little_holds_a_retry_back_no_longer_than_its_ladder(pair, clock):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    clock.tick(-60_000)
    assert due(pair, longest=ladder.longest()) == []
    clock.tick(90_000)
    assert len(due(pair, longest=ladder.longest())) == 1


def test_a_clock_set_back_an_hour_frees_a_lease(pair, clock):
    pair.send("alice", "bob")
    lease(pair)
    clock.tick(-3_600_000)
    assert len(due(pair, longest=ladder.longest())) == 1


def test_a_clock_set_forward_makes_a_retry_due(pair, clock):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    clock.tick(3_600_000)
    assert len(due(pair)) == 1


def test_the_longest_due_comes_first_and_no_more_than_asked(pair, clock):
    for name in ("bob", "carol", "alice"):
        pair.send("alice" if name != "alice" else "bob", name)
        clock.tick(10)
    assert [one.agent_id for one in due(pair)] == [pair.agent(name).id for name in ("bob", "carol", "alice")]
    assert len(due(pair, limit=2)) == 2
    assert pair.store.read(attempts.next_due) == clock.now - 30


# -- what for ----------------------------------------------------------------------------------------------------------


def test_pending_names_the_first_senders(pair, clock):
    pair.add("dave", "erin")
    for sender in ("carol", "alice", "carol", "dave", "erin"):
        pair.send(sender, "bob")
    pair.send("alice", "bob", ttl=1)
    clock.tick(1)
    found = pair.see("bob", lambda tx, me: wakes.pending(tx, me.id))
    assert found == wakes.Pending(5, 4, ("carol", "alice", "dave"), 5)


# -- a whole attempt, without tmux -------------------------------------------------------------------------------------


def test_a_session_that_changes_during_an_attempt_is_tried_and_not_suspended(pair, rows, clock, monkeypatch):
    """What is gone is the seat that the attempt began with, not the one that the agent has by now."""
    from xats.delivery import attempt, target
    from xats.delivery.settings import Settings

    pair.send("alice", "bob")
    leased = target.lease_due(pair.store, "d1", Settings(), 10)
    other = open_store(pair.store.path, clock=clock)

    def meanwhile(name: str) -> None:
        if name == "wake.before_record":
            pane = Pane("/tmp/s", 1, 1, "%1", 2, "/dev/pts/9")
            other.write(
                lambda tx: registration.register(
                    tx, "crew", "bob", registration.Changes(), Seat(host.id(), 77, 1, None, pane), lambda _: None
                )
            )

    monkeypatch.setattr(attempt.faults, "point", meanwhile)
    attempt.make(pair.store, leased[0], "d1", Settings())
    other.close()
    assert the_wake(rows)["next_attempt_at"] == clock.now
    assert len(due(pair)) == 1


def test_an_attempt_at_an_agent_without_a_pane_suspends_its_wake(pair, rows):
    from xats.delivery import attempt, target
    from xats.delivery.settings import Settings

    pair.send("alice", "bob")
    (wake,) = target.lease_due(pair.store, "d1", Settings(), 10)
    assert attempt.make(pair.store, wake, "d1", Settings()).reason == "no_pane"
    assert (the_wake(rows)["reason"], the_wake(rows)["next_attempt_at"]) == ("no_pane", None)


def test_mail_that_comes_during_the_last_attempt_gets_a_wake_of_its_own(pair, clock, rows):
    pair.send("alice", "bob")
    for _ in range(3):
        refuse(pair, "not_quiet")
        clock.tick(700_000)
    wake = lease(pair)
    clock.tick(10)
    pair.send("carol", "bob")
    clock.tick(10)
    assert pair.store.write(lambda tx: attempts.refused(tx, wake, "d1", "not_quiet", "tmux", climb))
    (fresh,) = open_wakes(rows)
    assert (fresh["state"], fresh["attempts"]) == ("queued", 0)
    assert rows("select state, reason from wakes order by id")[0]["reason"] == "retry_exhausted"


def test_mail_that_came_before_the_last_attempt_has_had_its_turn(pair, clock, rows):
    pair.send("alice", "bob")
    for _ in range(4):
        pair.send("carol", "bob")
        clock.tick(1)
        refuse(pair, "not_quiet")
        clock.tick(700_000)
    assert open_wakes(rows) == []


def test_nor_does_a_clock_that_was_set_back_make_it_new(pair, clock, rows):
    """Otherwise the wake would begin anew at the end of each ladder, until the clock is where it was."""
    pair.send("alice", "bob")
    for _ in range(3):
        refuse(pair, "not_quiet")
        clock.tick(700_000)
    clock.tick(-2 * attempts.FURTHEST)
    refuse(pair, "not_quiet")
    assert open_wakes(rows) == []


# -- the table of events -----------------------------------------------------------------------------------------------


def test_the_table_names_every_function_that_changes_a_wake():
    named = set(re.findall(r"^ {4}\S.{39} .{25} .{23} ([a-z_.]+)(?:\([a-z]+\))?$", wakes.__doc__, re.MULTILINE))
    changing = {
        f"attempts.{name}" if module is attempts else name
        for module in (wakes, attempts)
        for name, one in vars(module).items()
        if one_of(module, one) and not name.startswith("_") and "tx" in inspect.signature(one).parameters
    }
    looking = {"is_open", "open_id", "wanted", "fresh", "is_over", "suspended", "pending"}
    looking |= {f"attempts.{name}" for name in ("due", "nonce_of", "next_due", "still_leased", "waiting")}
    others = {"cover_more", "attempts.free_leases"}  # they count, or do what give_back does
    assert named - {"function"} == changing - looking - others


def one_of(module, one) -> bool:
    """Tell whether `one` is a function that `module` itself defines."""
    return inspect.isfunction(one) and one.__module__ == module.__name__
