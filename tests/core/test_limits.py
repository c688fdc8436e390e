"""Limits: wakes of two agents are spaced, a pair without a person is stopped, and no mail stays silent for good."""

import pytest

from xats.core.agents import agents
from xats.core.agents.agents import Seat
from xats.core.mail import dead, inbox, sending
from xats.core.mail.sending import Draft
from xats.core.waking import attempts, limits, pauses, stops, wakes
from xats.core.waking.limits import PAIR_MOST, PAIR_SPAN, SPACE

MINUTE = 60_000


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "dave")
    team.register("carol", client="human")
    return team


def why(sent) -> list[str]:
    return [reason for _, reason in sent.not_woken]


def wait(sent, clock) -> int | None:
    """Return for how long the wake of what was sent is throttled."""
    return sent.delayed[0][1] - clock.now if sent.delayed else None


def read(crew, name) -> int:
    """Read everything, as an agent that was woken does; return how much that was."""
    me = crew.agent(name)
    ids = [letter.message.id for letter in crew.store.read(lambda tx: inbox.peek(tx, me, inbox.Query(500))).letters]
    crew.store.write(lambda tx: inbox.mark_read(tx, me, ids))
    return len(ids)


def wake(crew, name):
    found = crew.rows(
        "select w.* from wakes w where w.agent_id = :agent and w.closed_at is null", agent=crew.agent(name).id
    )
    return found[0] if found else None


def due(crew) -> list[int]:
    return [one.agent_id for one in crew.store.read(attempts.due)]


def talk(crew, times: int, one="alice", other="bob", **draft) -> list:
    """Have two agents wake each other: each reads and writes back at once."""
    sent = []
    for number in range(times):
        sender, recipient = (one, other) if number % 2 == 0 else (other, one)
        read(crew, sender)
        sent.append(crew.send(sender, recipient, **draft))
    return sent


def reply(crew, name: str, to, **draft):
    me = crew.agent(name)
    return crew.store.write(lambda tx: sending.reply(tx, me, "pane", to.message.id, Draft("", "again", **draft)))


# -- the rate ----------------------------------------------------------------------------------------------------------


def test_twenty_wakes_are_tried_at_once_and_further_ones_a_minute_apart(crew, clock):
    for sent in talk(crew, PAIR_MOST):
        assert (why(sent), wait(sent, clock)) == ([], None)
    clock.tick(5_000)
    beyond = talk(crew, 1)[0]
    assert (why(beyond), wait(beyond, clock)) == ([], SPACE - 5_000)
    found = wake(crew, "bob")
    assert (found["state"], found["reason"], found["attempts"]) == ("queued", "throttled", 0)
    assert crew.agent("bob").id not in due(crew)
    clock.tick(SPACE - 5_000)
    assert crew.agent("bob").id in due(crew)
    assert wait(talk(crew, 1, "bob", "alice")[0], clock) == SPACE


def test_mail_that_an_open_wake_covers_is_one_wake_however_much_it_is(crew, clock):
    for _ in range(10 * PAIR_MOST):
        assert crew.send("alice", "bob").delayed == ()
    read(crew, "bob")
    assert crew.send("bob", "alice").delayed == ()
    (row,) = crew.rows("select * from pairs")
    assert row["wakes"] == 2


def test_a_throttled_wake_covers_all_that_arrives(crew, clock):
    talk(crew, PAIR_MOST)
    read(crew, "bob")
    first = crew.send("alice", "bob")
    until = first.delayed[0][1]
    for _ in range(5):
        clock.tick(1000)
        assert crew.send("alice", "bob").delayed == (("bob@crew", until),)
    assert crew.agent("bob").id not in due(crew)
    clock.now = until
    assert crew.agent("bob").id in due(crew)
    assert read(crew, "bob") == 6
    assert wake(crew, "bob") is None


def test_the_rate_is_free_again_when_ten_minutes_are_over(crew, clock):
    talk(crew, PAIR_MOST)
    read(crew, "alice"), read(crew, "bob")
    clock.tick(PAIR_SPAN - 1)
    assert crew.send("alice", "bob").delayed == ()  # a minute has passed since the last one
    read(crew, "bob")
    assert wait(crew.send("alice", "bob"), clock) == SPACE
    read(crew, "bob")
    clock.tick(1 + 2 * SPACE)
    for sent in talk(crew, PAIR_MOST - 3):
        assert sent.delayed == ()


def test_no_wake_of_a_pair_waits_longer_than_the_ladder_allows_for(crew, clock):
    """A time further ahead is taken for one of before the clock was set back."""
    from xats.delivery.settings import Settings

    talk(crew, PAIR_MOST)
    for _ in range(20):
        talk(crew, 2)
        waits = [row["next_attempt_at"] - clock.now for row in crew.rows("select * from wakes where closed_at is null")]
        assert max(waits) <= 2 * SPACE <= Settings(rungs=(1,), read_within=1).longest
        clock.tick(7_000)


def test_a_clock_that_is_set_back_makes_nobody_wait_for_the_old_time(crew, clock):
    talk(crew, PAIR_MOST)
    read(crew, "alice"), read(crew, "bob")
    clock.tick(-3_600_000)
    assert crew.send("alice", "bob").delayed == ()


def test_mail_without_a_wake_does_not_count(crew):
    for _ in range(PAIR_MOST * 2):
        crew.send("alice", "bob", wake=False)
    assert crew.rows("select * from pairs") == []


@pytest.mark.parametrize("who", ["a person", "a third agent", "xats itself"])
def test_other_mail_is_not_held_back_by_a_throttled_pair(crew, clock, who):
    talk(crew, PAIR_MOST)
    read(crew, "bob")
    assert crew.send("alice", "bob").delayed
    assert crew.agent("bob").id not in due(crew)
    if who == "xats itself":
        crew.store.write(
            lambda tx: sending.send(tx, agents.system(tx, "crew"), "process", Draft("bob", "x", need_reply=False))
        )
    else:
        assert crew.send("carol" if who == "a person" else "dave", "bob").delayed == ()
    assert crew.agent("bob").id in due(crew)
    assert (wake(crew, "bob")["reason"], wake(crew, "bob")["mails"]) == (None, 2)


def test_of_two_throttled_pairs_the_earlier_time_counts(crew, clock):
    talk(crew, PAIR_MOST, "dave", "bob")
    read(crew, "bob")
    clock.tick(20_000)
    talk(crew, PAIR_MOST)
    read(crew, "bob")
    assert wait(crew.send("alice", "bob"), clock) == SPACE
    assert wait(crew.send("dave", "bob"), clock) == SPACE - 20_000
    assert wake(crew, "bob")["next_attempt_at"] == clock.now + SPACE - 20_000


def test_people_are_not_limited(crew):
    for _ in range(PAIR_MOST + 1):
        sent = crew.send("carol", "bob")
        assert (sent.not_woken, sent.delayed) == ((), ())
        read(crew, "bob")
        assert crew.send("bob", "carol").delayed == ()


def test_neither_a_waiter_nor_a_session_that_tells_of_itself_hastens_a_throttled_wake(crew, clock):
    """A waiter comes at the end of every turn: a limit that it lifts is none."""
    crew.register("bob", seat=Seat("here", 10, 1, "s-1"))
    talk(crew, PAIR_MOST)
    read(crew, "bob")
    crew.send("alice", "bob")
    before = wake(crew, "bob")
    bob = crew.agent("bob").id
    crew.store.write(lambda tx: wakes.retry_now(tx, bob, "not_handed"))
    crew.store.write(lambda tx: wakes.retry_now(tx, bob, "for_hook"))
    crew.register("bob", seat=Seat("here", 10, 1, "s-1"))
    assert wake(crew, "bob") == before
    crew.register("bob", seat=Seat("here", 11, 1, "s-2"), takeover=True)
    assert bob in due(crew)


def test_a_pause_holds_a_throttled_wake_and_its_end_makes_it_due(crew, clock):
    talk(crew, PAIR_MOST)
    read(crew, "bob")
    crew.do("carol", pauses.pause, "crew", crew.agent("bob"), None)
    sent = crew.send("alice", "bob")
    assert (why(sent), sent.delayed) == (["paused"], ())
    crew.do("carol", pauses.resume, "crew", crew.agent("bob"))
    assert crew.agent("bob").id in due(crew)


def test_a_batch_counts_one_wake_for_each_recipient(crew):
    me = crew.agent("alice")
    drafts = [Draft("bob" if number % 2 else "dave", "text") for number in range(60)]
    sent = crew.store.write(lambda tx: sending.send_all(tx, me, "pane", drafts))
    assert not any(one.not_woken or one.delayed for one in sent)
    assert [row["wakes"] for row in crew.rows("select wakes from pairs")] == [1, 1]


# -- a pair without a person -------------------------------------------------------------------------------------------


def stopped(crew, most=5, **draft):
    """Have alice and bob wake each other until they are stopped; return the last message, which woke neither."""
    for sent in talk(crew, most, hops=most, **draft):
        assert why(sent) == []
    read(crew, "alice"), read(crew, "bob")
    last = crew.send("alice", "bob", hops=most)
    assert why(last) == ["hop_limit"]
    assert wake(crew, "bob") is None
    return last


def test_wakes_in_a_row_are_counted_whether_by_send_or_by_reply(crew):
    first = crew.send("alice", "bob", hops=3)
    read(crew, "bob")
    second = reply(crew, "bob", first, hops=3)
    read(crew, "alice")
    assert why(crew.send("alice", "bob", hops=3)) == []
    read(crew, "bob")
    last = reply(crew, "bob", second, hops=3)
    assert why(last) == ["hop_limit"]
    (row,) = crew.rows("select * from deliveries where message_id = :id", id=last.message.id)
    assert (row["state"], row["wake_id"], row["no_wake_reason"]) == ("unread", None, "hop_limit")
    assert why(crew.send("alice", "dave", hops=3)) == []


def test_ordinary_work_is_far_from_the_limit(crew, clock):
    for sent in talk(crew, limits.HOPS):
        assert why(sent) == []
        clock.tick(SPACE)
    assert limits.HOPS * SPACE > 60 * MINUTE


def test_mail_that_the_last_wake_covers_does_not_stop_the_pair(crew):
    talk(crew, 5, hops=5)
    assert why(crew.send("alice", "bob", hops=5)) == []
    assert wake(crew, "bob")["mails"] == 2
    read(crew, "bob")
    assert why(crew.send("bob", "alice", hops=5)) == ["hop_limit"]


def test_both_ways_are_stopped_and_nobody_elses(crew):
    stopped(crew)
    assert why(crew.send("bob", "alice")) == ["hop_limit"]
    assert why(crew.send("bob", "dave")) == []
    assert why(crew.send("dave", "bob")) == []
    assert crew.see("bob", inbox.unread) == 2


TOLD = """
select m.body, a.name, a.team from messages m
join deliveries d on d.message_id = m.id join agents a on a.id = d.agent_id where m.kind = 'alert' order by a.name
"""


def test_people_of_both_teams_are_told_once(team):
    team.register("pia", client="human")
    team.register("quinn", client="human", team="other")
    team.add("alice")
    team.register("bob", team="other")
    alice = team.agent("alice")
    for _ in range(3):
        team.store.write(lambda tx: sending.send(tx, alice, "pane", Draft("bob@other", "x", hops=0)))
    told = team.rows(TOLD)
    assert [(row["name"], row["team"]) for row in told] == [("pia", "crew"), ("quinn", "other")]
    assert "xats resume alice" in told[0]["body"]
    assert "xats resume bob" in told[1]["body"]
    assert len(team.rows("select * from events where type = 'pair_stopped'")) == 1


def test_a_team_without_a_person_gets_no_mail_of_a_stop(team):
    team.add("alice", "bob")
    team.send("alice", "bob", hops=0)
    assert len(team.rows("select * from events where type = 'pair_stopped'")) == 1
    assert len(team.rows("select * from messages")) == 1


def by_mail_to_one(crew):
    crew.send("carol", "alice")


def by_mail_without_a_wake(crew):
    crew.send("carol", "bob", wake=False)


def by_resume(crew):
    crew.do("carol", pauses.resume, "crew", crew.agent("bob"))


def by_resume_of_all(crew):
    crew.do("carol", pauses.resume, "crew", None)


@pytest.mark.parametrize("act", [by_mail_to_one, by_mail_without_a_wake, by_resume, by_resume_of_all])
def test_a_person_starts_the_pair_again_and_what_was_silent_wakes(crew, clock, act):
    last = stopped(crew)
    more = crew.send("alice", "bob")
    back = crew.send("bob", "alice")
    act(crew)
    for name, sent in (("bob", last), ("bob", more), ("alice", back)):
        (row,) = crew.rows("select * from deliveries where message_id = :id", id=sent.message.id)
        assert (row["wake_id"], row["no_wake_reason"]) == (wake(crew, name)["id"], None)
    assert {crew.agent("alice").id, crew.agent("bob").id} <= set(due(crew))
    assert wake(crew, "bob")["mails"] == 2
    read(crew, "alice"), read(crew, "bob")
    assert why(crew.send("alice", "bob", hops=5)) == []
    assert crew.store.read(stops.listing) == []


def test_what_was_read_meanwhile_needs_no_wake(crew):
    stopped(crew)
    read(crew, "bob")
    by_resume(crew)
    assert wake(crew, "bob") is None


def test_a_person_in_between_begins_the_count_anew(crew):
    talk(crew, 4, hops=5)
    read(crew, "alice"), read(crew, "bob")
    crew.send("carol", "bob", wake=False)
    for sent in talk(crew, 5, hops=5):
        assert why(sent) == []


def test_an_agent_does_not_let_itself_go_on(crew):
    stopped(crew)
    assert crew.do("alice", pauses.resume, "crew", crew.agent("bob")) == (False, 0)
    assert why(crew.send("bob", "alice")) == ["hop_limit"]
    assert len(crew.store.read(stops.listing)) == 1


def test_the_rate_stays_what_it_was_when_a_person_begins_the_count_anew(crew, clock):
    talk(crew, PAIR_MOST)
    read(crew, "alice"), read(crew, "bob")
    crew.send("carol", "bob", wake=False)
    assert wait(crew.send("alice", "bob"), clock) == SPACE


def test_mail_of_a_stopped_pair_is_no_dead_letter(crew):
    stopped(crew)
    assert crew.store.read(dead.count) == 0


def test_a_person_who_writes_to_everybody_reaches_every_pair(crew):
    stopped(crew)
    crew.send("carol", "all")
    assert crew.store.read(stops.listing) == []
