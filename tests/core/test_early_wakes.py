"""Waking early, as the store sees it: who is worth watching, and an attempt before its time that costs no rung."""

import pytest

from xats.base import host
from xats.base.pane import Pane
from xats.core.agents.agents import Seat
from xats.core.mail import inbox
from xats.core.waking import attempts, pauses, reasons, watched
from xats.daemon.watch import Watch
from xats.delivery import ladder
from xats.delivery.settings import Settings

HOST = host.id()
PANE = Pane("/nowhere", 1, 1, "%1", 1, "/dev/null")


@pytest.fixture
def pair(team):
    """Alice, and bob in a pane."""
    team.add("alice")
    team.register("bob", client="generic", seat=Seat(HOST, pane=PANE))
    return team


def refuse(team, reason, rungs=ladder.RUNGS):
    """Refuse the one wake that is due."""

    def work(tx):
        [wake] = attempts.due(tx)
        attempts.lease(tx, [wake], "d")
        attempts.refused(
            tx, wake, "d", reason, "tmux", lambda attempts, now: ladder.next_attempt(attempts, now, 0.5, rungs)
        )

    team.store.write(work)


def waiting(team, host=HOST, limit=9):
    return team.store.read(lambda tx: watched.waiting(tx, host, limit))


def given_up(team, host=HOST, limit=9):
    return team.store.read(lambda tx: watched.given_up(tx, host, limit))


def hasten(team, wake, token="d"):
    return team.store.write(lambda tx: attempts.lease_early(tx, wake, token))


def read(team, name):
    """Have an agent read its mail."""
    team.do(name, inbox.mark_read, [row["message_id"] for row in team.rows("select message_id from deliveries")])


# -- who is worth watching ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(reasons.PASSING))
def test_a_wake_that_was_refused_for_what_passes_is_watched_until_it_is_due(pair, clock, reason):
    pair.send("alice", "bob")
    assert waiting(pair) == []  # it is due
    refuse(pair, reason)
    [wake] = waiting(pair)
    assert (wake.reason, wake.attempts) == (reason, 1)
    clock.tick(wake.next_attempt_at - clock.now)
    assert waiting(pair) == []


@pytest.mark.parametrize("reason", ["no_pane", "pane_dead", "pane_changed", "unconfirmed"])
def test_what_does_not_pass_is_not(pair, reason):
    pair.send("alice", "bob")
    refuse(pair, reason)
    assert (waiting(pair), given_up(pair)) == ([], [])


def test_only_panes_of_this_host(pair):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    assert (len(waiting(pair)), waiting(pair, "elsewhere")) == (1, [])


def test_not_while_it_is_leased(pair):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    [wake] = waiting(pair)
    assert hasten(pair, wake)
    assert waiting(pair) == []


def test_not_while_it_is_paused(pair):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    assert len(waiting(pair)) == 1
    pair.do("alice", pauses.pause, "crew", None, None)
    assert waiting(pair) == []


def test_an_agent_that_was_given_up_is_watched_until_it_is_woken_anew_or_has_read(pair):
    pair.send("alice", "bob")
    refuse(pair, "busy", rungs=())
    [wake] = given_up(pair)
    assert (wake.state, wake.last_refusal) == ("failed", "busy")
    assert given_up(pair, "elsewhere") == []
    assert pair.store.write(lambda tx: watched.retry_soon(tx, wake.agent_id))
    assert given_up(pair) == []
    refuse(pair, "busy", rungs=())
    assert [one.id for one in given_up(pair)] == [wake.id + 1]
    read(pair, "bob")
    assert given_up(pair) == []
    assert not pair.store.write(lambda tx: watched.retry_soon(tx, wake.agent_id))


def test_an_agent_with_an_open_wake_is_not_woken_anew(pair, rows):
    pair.send("alice", "bob")
    refuse(pair, "busy", rungs=())
    pair.send("alice", "bob")
    assert given_up(pair) == []
    refuse(pair, "busy")
    before = rows("select * from wakes")
    [wake] = waiting(pair)
    assert not pair.store.write(lambda tx: watched.retry_soon(tx, wake.agent_id))
    assert rows("select * from wakes") == before


# -- before its time ---------------------------------------------------------------------------------------------------


def test_one_attempt_before_its_time(pair):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    [wake] = waiting(pair)
    assert hasten(pair, wake)
    assert not hasten(pair, wake, "another")
    assert pair.store.write(lambda tx: attempts.delivered(tx, wake, "d", "tmux", None))


def test_not_for_a_rung_that_is_past(pair, clock):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    [old] = waiting(pair)
    clock.tick(old.next_attempt_at - clock.now)
    refuse(pair, "busy")
    assert not hasten(pair, old)
    [new] = waiting(pair)
    assert hasten(pair, new)


def test_refused_it_costs_no_rung(pair, rows, clock):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    [wake] = waiting(pair)
    for reason in ("dialog_open", "draft_present", "busy", "not_quiet", "copy_mode"):
        clock.tick(100)
        [now] = waiting(pair)
        assert hasten(pair, now)
        assert pair.store.write(lambda tx, now=now, reason=reason: attempts.postpone(tx, now, "d", reason, "tmux"))
        [found] = rows("select * from wakes")
        assert (found["reason"], found["last_refusal"]) == (reason, reason)
        assert (found["attempts"], found["next_attempt_at"]) == (1, wake.next_attempt_at)
        assert found["lease_token"] is None


def test_refused_after_the_mail_was_read_it_ends(pair, rows):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    [wake] = waiting(pair)
    hasten(pair, wake)
    read(pair, "bob")
    pair.store.write(lambda tx: attempts.postpone(tx, wake, "d", "busy", "tmux"))
    [found] = rows("select * from wakes")
    assert (found["state"], found["reason"]) == ("skipped", "already_read")


def test_refused_under_a_lost_lease_it_changes_nothing(pair, rows):
    pair.send("alice", "bob")
    refuse(pair, "busy")
    [wake] = waiting(pair)
    hasten(pair, wake)
    before = rows("select * from wakes")
    assert not pair.store.write(lambda tx: attempts.postpone(tx, wake, "another", "busy", "tmux"))
    assert rows("select * from wakes") == before


def test_the_pane_is_watched_for_the_process_that_its_agent_has_now(pair):
    """A session that goes on in another process, as after an update of its program, writes nothing into its wake."""
    pair.send("alice", "bob")
    refuse(pair, "program_elsewhere")
    watch = Watch(lambda *_: Settings(), lambda: None, pair.store.path)
    watch.close()  # it never looks: only whom it would look for matters here
    pair.store.read(watch.refresh)
    [before] = watch._watchers.values()
    pair.store.read(watch.refresh)
    assert list(watch._watchers.values()) == [before]
    pair.store.write(lambda tx: tx.run("update sessions set pid = 4711, pid_started = 1 where pane_id is not null"))
    bob = pair.agent("bob")
    pair.store.write(lambda tx: tx.note_seat(bob.id, seat=Seat(HOST, 4711, 1, pane=PANE)))
    pair.store.read(watch.refresh)
    [after] = watch._watchers.values()
    assert (before._process, after._process) == (None, (4711, 1))


def test_a_pane_into_which_nothing_is_ever_pasted_is_not_watched(team):
    team.add("alice")
    team.register("bob", client="kimi-code", seat=Seat(HOST, pane=PANE))
    team.send("alice", "bob")
    refuse(team, "screen_unknown")
    watch = Watch(lambda *_: Settings(), lambda: None, team.store.path)
    watch.close()
    team.store.read(watch.refresh)
    assert watch._watchers == {}
