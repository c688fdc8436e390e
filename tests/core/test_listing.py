"""The listing of agents: what each has not read, and what its wake is doing, in one query that scans agents alone."""

import pytest

from tests.core.test_plans import Listening, plan, scans
from xats.core.agents import agents, listing
from xats.core.mail import inbox
from xats.core.waking import attempts, pauses, wakes


def listed(team, whose: str = "crew") -> dict[str, agents.Details]:
    found = team.store.read(lambda tx: listing.agents(tx, whose, None))
    return {one.agent.name: one for one in found}


def try_once(team, reason: str, climb=lambda attempts, now: now + 30_000) -> None:
    """Have the only due wake refused for `reason`."""

    def work(tx) -> None:
        (wake,) = attempts.due(tx)
        attempts.lease(tx, [wake], "d")
        assert attempts.refused(tx, wake, "d", reason, "tmux", climb)

    team.store.write(work)


@pytest.fixture
def pair(team):
    team.add("alice", "bob")
    return team


def test_who_has_nothing_unread_has_no_wake(pair):
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_read, [1])
    bob = listed(pair)["bob"]
    assert (bob.unread, bob.wake, bob.no_wake_reason, bob.paused) == (0, None, None, False)


def test_what_was_shown_is_counted_beside_what_is_unread(pair):
    for _ in range(3):
        pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [1, 2], inbox.hook_reader("s-1"))
    assert (listed(pair)["bob"].unread, listed(pair)["bob"].shown) == (1, 2)
    pair.do("bob", inbox.mark_read, [1])
    assert listed(pair)["bob"].shown == 1


def test_the_open_wake_is_told_whole(pair, clock):
    pair.send("alice", "bob")
    assert listed(pair)["bob"].wake.state == "queued"
    try_once(pair, "busy")
    wake = listed(pair)["bob"].wake
    (row,) = pair.rows("select * from wakes")
    assert wake == wakes.Wake(**{name: row[name] for name in wakes.COLUMNS.split()})
    assert (wake.state, wake.reason, wake.attempts, wake.next_attempt_at) == ("retrying", "busy", 1, clock.now + 30_000)
    assert listed(pair)["alice"].wake is None


def test_a_wake_that_has_ended_is_told_as_long_as_its_mail_is_unread(pair, clock):
    pair.send("alice", "bob")
    try_once(pair, "dialog_open", lambda *_: None)
    clock.tick(1000)
    pair.send("alice", "bob", wake=False)
    wake = listed(pair)["bob"].wake
    assert (wake.state, wake.reason, wake.last_refusal) == ("failed", "retry_exhausted", "dialog_open")
    clock.tick(1000)
    pair.send("alice", "bob")
    newer = listed(pair)["bob"].wake
    assert (newer.state, newer.id > wake.id) == ("queued", True)
    try_once(pair, "busy", lambda *_: None)
    assert listed(pair)["bob"].wake.last_refusal == "busy"  # of two that have ended, the last


def test_an_agent_of_no_wake_has_the_reason(pair):
    pair.send("alice", "bob", wake=False)
    bob = listed(pair)["bob"]
    assert (bob.unread, bob.wake, bob.no_wake_reason) == (1, None, "no_wake")


@pytest.mark.parametrize("whole", [False, True], ids=["agent", "team"])
def test_who_is_paused_is_told(pair, whole):
    pair.add("carol")
    pair.do("alice", pauses.pause, "crew", None if whole else pair.agent("bob"), None)
    assert {name: one.paused for name, one in listed(pair).items()} == {"alice": whole, "bob": True, "carol": whole}
    pair.send("alice", "bob")
    assert listed(pair)["bob"].wake.state == "held"
    pair.register("dave", "elsewhere")
    assert listed(pair, "elsewhere")["dave"].paused is False


@pytest.mark.sqlite
def test_the_listing_scans_agents_alone_and_asks_no_more_for_more_of_them(pair):
    for n in range(30):
        pair.add(f"a{n}", tags=("t",))
        pair.send("alice", f"a{n}")
    listening = Listening(pair.store.connection)
    pair.store.connection = listening
    listed(pair)
    statements = [(sql, values) for sql, values in listening.heard if sql.lstrip().startswith("select")]
    # Whether anything seems over, the agents, their labels, and the few whose program is expected.
    assert len(statements) == 4
    found = [detail for sql, values in statements for detail in scans(plan(pair.store, sql, values))]
    assert {detail.split()[1] for detail in found} <= {"a", "l", "e"}, found
