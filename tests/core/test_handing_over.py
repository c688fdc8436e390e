"""The wake machine where an inbox has the line: open until it is read, and on to the next way where it is not."""

import pytest

from tests.core.test_wakes import climb, due, lease, open_wakes, refuse, the_wake
from xats.base import errors, host
from xats.base.pane import Pane
from xats.core.agents import listing, presence, registration
from xats.core.agents.agents import Seat
from xats.core.mail import alerts, dead, inbox
from xats.core.waking import attempts, pauses, wakes, watched

HOST = host.id()
PANE = Pane("/nowhere", 1, 1, "%1", 1, "/dev/null")
WITHIN = 60_000


@pytest.fixture
def pair(team):
    team.add("alice", "carol")
    team.register("bob", client="generic", seat=Seat(HOST, client_session="s1", pane=PANE))
    return team


def hand(team, clock, by="waiter", rung=False, within=WITHIN):
    """Hand the one wake that is due over."""
    wake = lease(team)
    return team.store.write(lambda tx: attempts.handed_over(tx, wake, "d1", by, clock.now + within, rung=rung))


def read_all(team, name="bob"):
    team.do(name, inbox.mark_read, [row["message_id"] for row in team.rows("select message_id from deliveries")])


def idle(team):
    bob = team.agent("bob").id
    team.store.write(lambda tx: wakes.retry_now(tx, bob, "for_hook"))


def arm(team):
    bob = team.agent("bob").id
    team.store.write(lambda tx: wakes.retry_now(tx, bob, "not_handed"))


def state(rows):
    wake = the_wake(rows)
    return wake["state"], wake["reason"], wake["handed"], wake["closed_at"] is None


# -- handed over -------------------------------------------------------------------------------------------------------


def test_what_was_handed_over_is_delivered_and_stays_open_until_it_is_read(pair, rows, clock):
    pair.send("alice", "bob")
    assert hand(pair, clock)
    wake = the_wake(rows)
    assert state(rows) == ("delivered", None, "waiter", True)
    assert (wake["attempts"], wake["next_attempt_at"], wake["lease_token"]) == (0, clock.now + WITHIN, None)
    assert pair.store.read(attempts.next_due) == clock.now + WITHIN
    clock.tick(WITHIN - 1)
    assert due(pair) == []
    read_all(pair)
    assert state(rows) == ("delivered", None, "waiter", False)
    assert (the_wake(rows)["transport"], the_wake(rows)["next_attempt_at"]) == ("waiter", None)
    clock.tick(WITHIN)
    assert due(pair) == []
    assert [row["type"] for row in rows("select type from events where type like 'wake_%'")] == ["wake_delivered"]


@pytest.mark.parametrize("pid, left", [(10, True), (11, False)])
def test_who_was_handed_the_line_and_tells_of_its_session_is_not_handed_it_once_more(pair, rows, clock, pid, left):
    """What it has just begun with may be that line; a new process has got nothing."""
    pair.register("bob", seat=Seat(HOST, 10, 1, None, PANE))
    pair.send("alice", "bob")
    assert hand(pair, clock, "claude-inbox")
    clock.tick(1)
    pair.register("bob", seat=Seat(HOST, pid, 1, "s2", PANE))
    assert (state(rows)[2] == "claude-inbox") == left
    assert (due(pair) == []) == left


@pytest.mark.parametrize("wake_by, left", [(None, True), ("auto", True), ("tmux", False)])
def test_who_registers_as_before_is_not_handed_it_once_more(pair, rows, clock, wake_by, left):
    """An agent may do so at each of its turns, and a program does so after it has compacted what it knows."""
    pair.register("bob", seat=Seat(HOST, 10, 1, "s1", PANE))
    pair.send("alice", "bob")
    assert hand(pair, clock, "claude-inbox")
    clock.tick(1)
    pair.register("bob", seat=Seat(HOST, 10, 1, "s1", PANE), wake_by=wake_by)
    assert (state(rows)[2] == "claude-inbox") == left
    assert (due(pair) == []) == left


@pytest.mark.parametrize("session", ["s1", "s2"])
def test_but_a_wake_that_is_suspended_has_no_time_to_be_left_to(pair, rows, clock, session):
    pair.register("bob", seat=Seat(HOST, 10, 1, "s1", PANE))
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(WITHIN)
    refuse(pair, "no_pane")
    assert due(pair) == []
    pair.register("bob", seat=Seat(HOST, 10, 1, session, PANE))
    assert len(due(pair)) == 1


@pytest.mark.parametrize("session", ["s1", "s2"])
def test_who_is_to_be_woken_after_all_is(pair, rows, session):
    pair.register("bob", seat=Seat(HOST, 10, 1, "s1", PANE))
    pair.send("alice", "bob")
    pair.register("bob", seat=Seat(HOST, 10, 1, "s1", PANE), wake_by="none")
    wake = lease(pair)
    pair.store.write(lambda tx: attempts.skipped(tx, wake, "d1", "no_wake"))
    assert due(pair) == []
    pair.register("bob", seat=Seat(HOST, 10, 1, session, PANE), wake_by="auto")
    assert len(due(pair)) == 1


def test_new_mail_joins_what_was_handed_over(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    for _ in range(4):
        pair.send("carol", "bob")
    assert due(pair) == []
    assert (len(rows("select * from wakes")), the_wake(rows)["mails"]) == (1, 5)
    pair.do("bob", inbox.mark_read, [1, 2, 3, 4])
    assert state(rows)[3]  # one is left
    read_all(pair)
    assert state(rows) == ("delivered", None, "waiter", False)
    pair.send("carol", "bob")
    assert [(one.state, one.handed) for one in due(pair)] == [("queued", None)]


def test_what_is_not_read_in_time_is_due_for_those_who_have_not_had_it(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(WITHIN)
    [wake] = due(pair)
    assert (wake.state, wake.taken_by, wake.attempts) == ("delivered", ("waiter",), 0)
    refuse(pair, "busy")
    assert state(rows) == ("retrying", "busy", "waiter", True)
    assert (the_wake(rows)["attempts"], the_wake(rows)["next_attempt_at"]) == (1, clock.now + 30_000)
    clock.tick(30_000)
    hand(pair, clock, "claude-inbox")
    assert the_wake(rows)["handed"] == "waiter,claude-inbox"
    read_all(pair)
    assert state(rows) == ("delivered", None, "waiter,claude-inbox", False)
    assert the_wake(rows)["transport"] == "waiter,claude-inbox"


def test_a_paste_after_it_ends_the_wake(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(WITHIN)
    wake = lease(pair)
    assert pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    assert state(rows) == ("delivered", None, "waiter", False)
    assert (the_wake(rows)["transport"], due(pair)) == ("tmux", [])


def test_the_same_inbox_again_costs_a_rung_and_the_last_one_ends_it(pair, rows, clock):
    pair.send("alice", "bob", need_reply=True)
    hand(pair, clock)
    clock.tick(WITHIN)
    for attempt in (1, 2, 3):
        assert hand(pair, clock, rung=True)
        wake = the_wake(rows)
        assert (wake["attempts"], wake["last_refusal"], wake["handed"]) == (attempt, "not_read", "waiter")
        assert state(rows) == ("delivered", None, "waiter", True)
        clock.tick(WITHIN)
    refuse(pair, "not_read")
    assert state(rows) == ("failed", "retry_exhausted", "waiter", False)
    assert the_wake(rows)["last_refusal"] == "not_read"
    bob = pair.agent("bob").id
    pair.store.write(lambda tx: alerts.given_up(tx, bob))
    [alert] = rows("select body from messages where kind = 'alert'")
    assert "its program took the line, but nothing was read" in alert["body"]
    [letter], _ = pair.store.read(lambda tx: dead.listing(tx, "crew", 9))
    assert letter.last_refusal == "not_read"


def test_what_was_read_while_it_was_handed_over_is_over(pair, rows, clock):
    """Reading cannot end a wake at which an attempt is being made; the attempt does."""
    pair.send("alice", "bob")
    wake = lease(pair)
    read_all(pair)
    assert state(rows)[3]
    assert pair.store.write(lambda tx: attempts.handed_over(tx, wake, "d1", "waiter", clock.now + WITHIN))
    assert state(rows) == ("delivered", None, "waiter", False)


@pytest.mark.parametrize("end", ["refused", "skipped"])
def test_what_was_read_during_a_later_attempt_was_delivered_by_the_first(pair, rows, clock, end):
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(WITHIN)
    wake = lease(pair)
    read_all(pair)
    if end == "refused":
        pair.store.write(lambda tx: attempts.refused(tx, wake, "d1", "busy", "tmux", climb))
    else:
        pair.store.write(lambda tx: attempts.skipped(tx, wake, "d1", "already_read"))
    assert state(rows) == ("delivered", None, "waiter", False)
    assert the_wake(rows)["transport"] == "waiter"


def test_a_late_hand_over_is_refused(pair, rows, clock):
    pair.send("alice", "bob")
    old = lease(pair, "d1")
    clock.tick(attempts.LEASE)
    lease(pair, "d2")
    assert not pair.store.write(lambda tx: attempts.handed_over(tx, old, "d1", "waiter", clock.now + WITHIN))
    assert not pair.store.write(lambda tx: attempts.wait_for_hook(tx, old, "d1", clock.now + WITHIN))
    assert state(rows) == ("queued", None, None, True)


def test_expired_mail_ends_it_as_expired(pair, rows, clock):
    pair.send("alice", "bob", ttl=10_000)
    hand(pair, clock)
    clock.tick(10_000)
    pair.store.write(inbox.sweep)
    assert state(rows) == ("skipped", "expired", "waiter", False)


def test_the_schema_knows_an_open_wake_that_was_handed_over_from_any_other(pair, clock):
    pair.send("alice", "bob")
    for wrong in (
        "state = 'delivered'",  # open, and nobody has it
        "state = 'delivered', handed = 'waiter', next_attempt_at = null",
        "state = 'queued', closed_at = 1, next_attempt_at = null",
    ):
        with pytest.raises(errors.StoreError):
            pair.store.write(lambda tx, wrong=wrong: tx.run(f"update wakes set {wrong}"))


# -- what else befalls an open wake ------------------------------------------------------------------------------------


def test_a_new_session_is_told_anew_by_all(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    pair.register("bob", seat=Seat(HOST, 77, 1, "s2"))
    [wake] = due(pair)
    assert (wake.state, wake.handed, wake.attempts) == ("queued", None, 0)


def test_a_new_session_during_the_attempt_keeps_its_place(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(WITHIN)
    refuse(pair, "busy")
    pair.register("bob", seat=Seat(HOST, 77, 1, "s2"))
    [wake] = due(pair)
    assert (wake.state, wake.handed, wake.attempts) == ("retrying", None, 1)


def test_who_leaves_is_not_woken_until_the_name_returns(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    pair.do("bob", registration.unregister)
    clock.tick(WITHIN)
    assert (due(pair), state(rows)) == ([], ("queued", "not_registered", None, True))
    pair.register("bob", seat=Seat(HOST, 77, 1))
    assert len(due(pair)) == 1


def test_who_leaves_during_an_attempt_that_dies_is_woken_when_the_name_returns(pair, rows, clock):
    """Its lease must not keep the wake from the new session."""
    pair.send("alice", "bob")
    wake = lease(pair)
    pair.do("bob", registration.unregister)
    assert not pair.store.read(lambda tx: attempts.still_leased(tx, wake, "d1"))  # the attempt says nothing any more
    pair.register("bob", seat=Seat(HOST, 77, 1))
    assert len(due(pair)) == 1


def test_a_pause_holds_it_and_afterwards_it_is_told_anew(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    pair.do("carol", pauses.pause, "crew", pair.agent("bob"), None)
    assert state(rows) == ("held", "paused", "waiter", True)
    clock.tick(WITHIN)
    assert (due(pair), pair.store.read(attempts.next_due)) == ([], None)
    assert pair.do("carol", pauses.resume, "crew", pair.agent("bob")) == (True, 1)
    assert [(one.state, one.handed) for one in due(pair)] == [("queued", None)]


def test_what_is_read_in_a_pause_was_delivered(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    pair.do("carol", pauses.pause, "crew", pair.agent("bob"), None)
    read_all(pair)
    assert state(rows) == ("delivered", None, "waiter", False)


def test_a_pause_takes_the_lease_of_a_hand_over(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(WITHIN)
    wake = lease(pair)
    pair.do("carol", pauses.pause, "crew", pair.agent("bob"), None)
    assert not pair.store.write(lambda tx: attempts.handed_over(tx, wake, "d1", "waiter", clock.now + WITHIN))
    assert state(rows)[0] == "held"


def test_it_is_not_watched_nor_hastened(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    assert pair.store.read(lambda tx: watched.waiting(tx, HOST, 9)) == []
    wake = wakes.wake_of(pair.store.read(lambda tx: tx.one(f"select {wakes.SELECT} from wakes w")))
    assert not pair.store.write(lambda tx: attempts.lease_early(tx, wake, "d2"))


def test_a_clock_set_back_an_hour_does_not_hold_it_back(pair, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(-3_600_000)
    assert len(due(pair, longest=WITHIN)) == 1


# -- waiting for a hook ------------------------------------------------------------------------------------------------


def wait(team, clock):
    wake = lease(team)
    return team.store.write(lambda tx: attempts.wait_for_hook(tx, wake, "d1", clock.now + WITHIN))


def test_who_is_at_work_is_waited_for_and_it_costs_nothing(pair, rows, clock):
    pair.send("alice", "bob")
    assert wait(pair, clock)
    wake = the_wake(rows)
    assert (wake["state"], wake["reason"], wake["attempts"]) == ("queued", "recipient_active", 0)
    assert (wake["next_attempt_at"], wake["transport"]) == (clock.now + WITHIN, "hook")
    assert due(pair) == []
    clock.tick(WITHIN)
    assert len(due(pair)) == 1
    read_all(pair)
    assert state(rows) == ("skipped", "already_read", None, False)


def test_who_reads_meanwhile_needs_no_wake(pair, rows, clock):
    pair.send("alice", "bob")
    wake = lease(pair)
    read_all(pair)
    assert pair.store.write(lambda tx: attempts.wait_for_hook(tx, wake, "d1", clock.now + WITHIN))
    assert state(rows) == ("skipped", "already_read", None, False)


def test_the_end_of_the_turn_makes_it_due(pair, clock):
    pair.send("alice", "bob")
    wait(pair, clock)
    idle(pair)
    assert len(due(pair)) == 1


def test_the_end_of_a_turn_hastens_nothing_else(pair, rows, clock):
    pair.send("alice", "bob")
    refuse(pair, "draft_present")
    before = the_wake(rows)
    clock.tick(10)
    idle(pair)
    assert the_wake(rows) == before


def test_a_wake_that_waits_for_a_hook_is_watched_and_may_be_hastened(pair, rows, clock):
    """A turn that its user broke off has no end that a hook would tell of."""
    pair.send("alice", "bob")
    wait(pair, clock)
    [wake] = pair.store.read(lambda tx: watched.waiting(tx, HOST, 9))
    assert pair.store.write(lambda tx: attempts.lease_early(tx, wake, "d2"))
    assert pair.store.write(lambda tx: attempts.postpone(tx, wake, "d2", "recipient_active", "hook"))
    assert (the_wake(rows)["state"], the_wake(rows)["next_attempt_at"]) == ("queued", clock.now + WITHIN)


# -- a waiter is armed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["busy", "no_pane", "recipient_active"])
def test_a_waiter_makes_what_waits_due(pair, clock, reason):
    pair.send("alice", "bob")
    if reason == "recipient_active":
        wait(pair, clock)
    else:
        refuse(pair, reason)
    assert due(pair) == []
    arm(pair)
    assert len(due(pair)) == 1


def test_a_waiter_is_not_told_again_what_it_was_told(pair, rows, clock):
    """Otherwise a program that does not read would have turn after turn."""
    pair.send("alice", "bob")
    hand(pair, clock)
    arm(pair)
    assert due(pair) == []
    clock.tick(WITHIN)
    refuse(pair, "busy")
    arm(pair)
    assert due(pair) == []


def test_but_for_one_that_nothing_else_is_left_for(pair, rows, clock):
    pair.send("alice", "bob")
    hand(pair, clock)
    clock.tick(WITHIN)
    refuse(pair, "no_pane")
    assert (state(rows), due(pair)) == (("queued", "no_pane", "waiter", True), [])
    arm(pair)
    assert len(due(pair)) == 1


def test_a_waiter_opens_no_wake(pair, rows):
    pair.send("alice", "bob")
    wake = lease(pair)
    pair.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    arm(pair)
    assert open_wakes(rows) == []


# -- how an agent is woken ---------------------------------------------------------------------------------------------


def test_an_agent_is_woken_by_itself_unless_a_way_is_chosen(pair):
    assert pair.agent("bob").wake_by == "auto"
    pair.register("bob", wake_by="tmux")
    assert pair.agent("bob").wake_by == "tmux"
    pair.register("bob")
    assert pair.agent("bob").wake_by == "tmux"
    pair.register("bob", wake_by="auto")
    assert pair.agent("bob").wake_by == "auto"
    assert pair.rows("select wake_by from agents where name = 'bob'") == [{"wake_by": None}]
    pair.register("dora", wake_by="auto")
    assert pair.agent("dora").wake_by == "auto"


def test_a_person_is_not(pair):
    pair.register("pat", client="human", wake_by="auto")
    assert pair.agent("pat").wake_by == "none"


def test_a_listing_says_whose_presence_it_is(pair):
    bob = pair.agent("bob").id
    pair.store.write(lambda tx: presence.put(tx, bob, "busy", "s1"))
    listed = pair.store.read(lambda tx: listing.agents(tx, "crew", None))
    assert {one.agent.name: one.presence and one.presence.client_session for one in listed} == {
        "alice": None,
        "bob": "s1",
        "carol": None,
    }
