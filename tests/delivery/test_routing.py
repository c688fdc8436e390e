"""Down the ways of an agent: in their order, past those that do not take the line, and past those that have it."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from tests.core.test_handing_over import read_all
from tests.core.test_wakes import due, the_wake
from xats.base import errors, host, process, programs
from xats.base.pane import Pane
from xats.clients import waiters
from xats.core.agents import agents, presence
from xats.core.agents.agents import Seat
from xats.core.mail.inbox import mark_read
from xats.core.waking import attempts, watched
from xats.delivery import attempt, preview, routing, screens
from xats.delivery import target as targets
from xats.delivery.settings import READ_WITHIN, Settings, from_environment
from xats.delivery.transports import Delivered, Postponed, Refused, Skipped, native, tmux
from xats.settings.keys import TRANSPORTS
from xats.store.open import open_store

HOST = host.id()
NOWHERE = Pane("/nowhere/s", 1, 1, "%1", 1, "/dev/null")
LINE = "xats: 1 new from alice - run: xats inbox"


class Inbox:
    """The inbox of Claude Code, as far as the frame around it can tell."""

    NAME = "claude-inbox"
    CLIENTS = ("claude-code",)
    RESTS = False

    def __init__(self):
        self.place, self.answer, self.lines = "its socket", Delivered(), []

    def reach(self, session):
        return self.place

    def deliver(self, request):
        text = request.line()
        if text is None:
            return Skipped("already_read")
        self.lines.append(text)
        return self.answer


@pytest.fixture
def inbox(monkeypatch):
    made = Inbox()
    monkeypatch.setitem(sys.modules, "xats.delivery.transports.claude_inbox", made)
    return made


@pytest.fixture
def pair(team):
    """Alice, and bob in Claude Code, without a pane."""
    team.add("alice")
    seat(team)
    return team


def seat(team, pane=None, client="claude-code", host=HOST, process=(None, None), name="s1", **changes):
    where = Seat(host, *process, name, pane)
    return team.register("bob", client=client, seat=where, leave_pane=pane is None, **changes)


@pytest.fixture
def waiter(pair):
    """Bob's waiter, which sleeps."""
    post = waiters.take(pair.store.path, session(pair).id, session(pair).started_at, "s1")
    assert post
    yield post
    post.leave()


def session(team):
    return team.see("bob", agents.current_session)


def ways(team, off=()):
    bob = team.agent("bob")
    told = team.store.read(lambda tx: presence.get(tx, bob.id))
    return [one.name for one in routing.routes(bob, session(team), told, team.store.path, off)]


def say(team, state, client_session="s1"):
    bob = team.agent("bob").id
    team.store.write(lambda tx: presence.put(tx, bob, state, client_session))


def make(team, **settings):
    """Make the attempt that is due; return its result."""
    [wake] = targets.lease_due(team.store, "d1", Settings(**settings), 10)
    return attempt.make(team.store, wake, "d1", Settings(**settings))


# -- which there are ---------------------------------------------------------------------------------------------------


def test_the_order(pair, inbox, waiter):
    assert ways(pair) == ["waiter", "claude-inbox"]
    seat(pair, NOWHERE)
    say(pair, "idle")
    assert ways(pair) == ["hook", "waiter", "claude-inbox", "tmux"]
    assert [one for one in TRANSPORTS if one in ways(pair)] == ways(pair)
    assert ways(pair, {"waiter", "tmux"}) == ["hook", "claude-inbox"]
    inbox.place = None
    assert ways(pair) == ["hook", "waiter", "tmux"]


@pytest.mark.parametrize(
    "by, wanted", [("tmux", ["tmux"]), ("notice", ["notice"]), ("command", ["command"]), ("none", [])]
)
def test_a_way_that_was_chosen_is_the_only_one(pair, inbox, waiter, by, wanted):
    seat(pair, NOWHERE, wake_by=by)
    say(pair, "busy")
    assert ways(pair) == wanted


def test_an_inbox_is_its_own_clients(pair, inbox):
    assert ways(pair) == ["claude-inbox"]
    for client in ("codex", "generic", "unheard-of"):
        seat(pair, client=client)
        assert ways(pair) == []


def test_what_is_on_another_host_is_not_looked_at_from_here(pair, inbox):
    seat(pair, NOWHERE, host="elsewhere", name="s2")
    assert ways(pair) == ["tmux"]


@pytest.mark.parametrize("state, client_session, works", [("idle", "s1", 1), ("ended", "s1", 0), ("busy", "s2", 0)])
def test_hooks_work_if_they_told_of_this_session(pair, state, client_session, works):
    say(pair, state, client_session)
    assert ways(pair) == ["hook"] * works


def test_a_program_that_was_killed_has_no_hook_left(pair):
    """It has told no end of its session: nobody was left to tell it."""
    program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    seat(pair, process=(program.pid, process.started(program.pid)))
    say(pair, "busy")
    assert ways(pair) == ["hook"]
    program.kill()
    program.communicate()
    assert ways(pair) == []


def test_every_inbox_has_a_name_that_can_be_turned_off():
    found = {client: native.of(client) for client in programs.NAMES}
    having = [client for client, one in found.items() if one]
    assert having == ["claude-code", "codex", "opencode", "qwen"]
    assert {found[client].NAME for client in having} == set(programs.INBOXES) < set(TRANSPORTS)
    assert native.of("generic") is native.of("unheard-of") is None
    assert len(TRANSPORTS) == 3 + len(having)


# -- going down --------------------------------------------------------------------------------------------------------


def test_what_an_inbox_takes_is_handed_over(pair, rows, clock, inbox):
    pair.send("alice", "bob")
    assert make(pair).state == "delivered"
    wake = the_wake(rows)
    assert (wake["state"], wake["handed"], wake["next_attempt_at"]) == (
        "delivered",
        "claude-inbox",
        clock.now + READ_WITHIN,
    )
    assert inbox.lines == [LINE]


def test_one_that_does_not_take_it_is_followed_by_the_next_at_once(pair, rows, inbox, monkeypatch):
    inbox.answer = Refused("inbox_failed", "it was full")
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    tried = []
    monkeypatch.setattr(tmux, "deliver", lambda *_: tried.append("tmux") or Refused("busy"))
    assert make(pair).reason == "busy"
    assert (inbox.lines, tried) == ([LINE], ["tmux"])
    assert (the_wake(rows)["attempts"], the_wake(rows)["handed"], the_wake(rows)["transport"]) == (1, None, "tmux")


def test_an_inbox_that_fails_is_tried_again_where_the_pane_is_gone(pair, rows, clock, inbox):
    """The pane does not come back, but the inbox takes the next line: to suspend the wake would be to lose it."""
    inbox.answer = Refused("inbox_failed", "it was full")
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    assert make(pair).reason == "inbox_failed"
    wake = the_wake(rows)
    assert (wake["reason"], wake["transport"], wake["attempts"]) == ("inbox_failed", "claude-inbox", 1)
    clock.tick(40_000)
    inbox.answer = Delivered()
    assert make(pair).state == "delivered"


def test_where_none_takes_it_the_ladder_says_when_again(pair, rows, clock, inbox):
    inbox.answer = Refused("inbox_failed")
    pair.send("alice", "bob")
    make(pair)
    wake = the_wake(rows)
    assert (wake["state"], wake["reason"], wake["transport"]) == ("retrying", "inbox_failed", "claude-inbox")
    assert (wake["attempts"], wake["handed"]) == (1, None)
    clock.tick(40_000)
    inbox.answer = Delivered()
    make(pair)
    assert (the_wake(rows)["handed"], len(inbox.lines)) == ("claude-inbox", 2)


def test_those_that_have_it_are_passed_over(pair, rows, clock, inbox, waiter):
    pair.send("alice", "bob", need_reply=False)
    for by in ("waiter", "waiter,claude-inbox"):
        make(pair)
        assert the_wake(rows)["handed"] == by
        clock.tick(READ_WITHIN)
    assert (waiter.wait(0), inbox.lines) == (LINE, [LINE])
    make(pair)  # all have it: the first gets it once more
    wake = the_wake(rows)
    assert (wake["handed"], wake["attempts"], wake["last_refusal"]) == ("waiter,claude-inbox", 1, "not_read")
    assert (waiter.wait(0), inbox.lines) == (LINE, [LINE])
    for _ in range(2):
        clock.tick(700_000)
        make(pair)
    clock.tick(700_000)
    assert make(pair).reason == "not_read"
    assert (the_wake(rows)["state"], the_wake(rows)["reason"]) == ("failed", "retry_exhausted")


def test_a_pane_that_is_gone_is_no_way(pair, rows, clock, inbox):
    """The inbox has the line and nothing was read; what is left is to give it the line again, and not to suspend."""
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    make(pair)
    clock.tick(READ_WITHIN)
    assert make(pair).state == "delivered"
    wake = the_wake(rows)
    assert (wake["handed"], wake["transport"], wake["attempts"]) == ("claude-inbox", "claude-inbox", 1)
    assert inbox.lines == [LINE, LINE]


def test_a_pane_that_is_gone_beside_a_waiter_that_takes_nothing_is_not_tried_for_ever(
    pair, rows, clock, waiter, monkeypatch
):
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    make(pair)
    clock.tick(READ_WITHIN)
    monkeypatch.setattr(waiters, "tell", lambda *_: False)
    make(pair)
    assert due(pair) == []


def test_a_waiter_that_comes_with_the_end_of_a_turn_is_waited_for(pair, inbox, monkeypatch):
    """It is started at the same moment as the hook that tells of the end, and must not lose to a paste."""
    inbox.place = None
    seat(pair, NOWHERE)
    say(pair, "idle")
    pair.send("alice", "bob")
    came, seated = [], session(pair)

    def sleep(seconds):
        assert 0 < seconds <= routing.SETTLE / 1000
        came.append(waiters.take(pair.store.path, seated.id, seated.started_at, "s1"))

    monkeypatch.setattr(attempt.time, "sleep", sleep)
    assert make(pair).state == "delivered"
    monkeypatch.undo()
    assert came[0].wait(0) == LINE
    came[0].leave()


def test_mail_that_was_read_meanwhile_needs_no_line(pair, rows, inbox):
    pair.send("alice", "bob")
    [wake] = targets.lease_due(pair.store, "d1", Settings(), 10)
    before = inbox.reach

    def reach(session):
        read_all(pair)
        return before(session)

    inbox.reach = reach
    assert attempt.make(pair.store, wake, "d1", Settings()).reason == "already_read"
    assert (inbox.lines, the_wake(rows)["state"]) == ([], "skipped")


def test_nobody_is_woken_for_what_wakes_nobody(pair, rows, inbox):
    """What the wake was for is read while an attempt is made; what is left would not have begun one."""
    pair.send("alice", "bob", wake=False)
    pair.send("alice", "bob")
    [wake] = targets.lease_due(pair.store, "d1", Settings(), 10)
    inbox.deliver, take = lambda request: [pair.do("bob", mark_read, [2]), take(request)][1], inbox.deliver
    assert attempt.make(pair.store, wake, "d1", Settings()).reason == "already_read"
    assert (inbox.lines, the_wake(rows)["state"]) == ([], "skipped")
    pair.send("alice", "bob")
    [wake] = targets.lease_due(pair.store, "d1", Settings(), 10)
    pair.do("bob", mark_read, [3])  # and by then it had not even begun
    assert attempt.make(pair.store, wake, "d1", Settings()).reason == "already_read"
    assert inbox.lines == []


def test_everything_turned_off(pair, rows, inbox):
    pair.send("alice", "bob")
    assert make(pair, off=frozenset(TRANSPORTS)).reason == "no_pane"
    seat(pair, NOWHERE)
    assert make(pair, off=frozenset(TRANSPORTS)).reason == "turned_off"
    assert (the_wake(rows)["state"], the_wake(rows)["attempts"]) == ("retrying", 1)


# -- waiting for a hook ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["busy", "waiting"])
def test_who_is_in_a_turn_is_left_to_his_hooks_for_so_long(pair, rows, clock, inbox, state):
    say(pair, state)
    pair.send("alice", "bob")
    assert make(pair).reason == "recipient_active"
    wake = the_wake(rows)
    assert (wake["state"], wake["attempts"], wake["next_attempt_at"]) == ("queued", 0, clock.now + READ_WITHIN)
    clock.tick(READ_WITHIN)
    assert make(pair).state == "delivered"
    assert inbox.lines == [LINE]


def test_the_time_begins_with_the_wake(pair, rows, clock, inbox):
    pair.send("alice", "bob")
    say(pair, "busy")
    clock.tick(READ_WITHIN - 1000)
    make(pair)
    assert the_wake(rows)["next_attempt_at"] == clock.now + 1000


def test_who_has_ended_is_not_waited_for(pair, inbox):
    seat(pair, process=(2**22, 1))
    say(pair, "busy")
    pair.send("alice", "bob")
    assert make(pair).state == "delivered"


@pytest.mark.parametrize("rests, noted", [(True, True), (True, False), (False, True), (False, False)])
def test_an_inbox_that_rests_after_a_stop_is_left_alone_until_the_next_prompt(
    pair, clock, inbox, monkeypatch, rests, noted
):
    """The stop was noted before, or is seen now."""
    inbox.RESTS = rests
    seat(pair, NOWHERE)
    say(pair, "busy")
    pair.send("alice", "bob")
    clock.tick(routing.FRESH)
    if noted:
        bob, told = pair.agent("bob").id, pair.see("bob", lambda tx, bob: presence.get(tx, bob.id))
        pair.store.write(lambda tx: presence.broken_off(tx, bob, told))
    monkeypatch.setattr(screens, "idle", lambda *_: not noted)
    make(pair)
    assert inbox.lines == ([] if rests else [LINE])
    assert noted is (inbox.NAME not in ways(pair)) if rests else inbox.NAME in ways(pair)
    say(pair, "busy")
    assert inbox.NAME in ways(pair)


def during(monkeypatch, work):
    """Have `work` done between an attempt and the record of it."""
    monkeypatch.setattr(attempt.faults, "point", lambda name: work() if name == "wake.before_record" else None)


def test_a_turn_that_ends_during_the_attempt_is_over(pair, clock, monkeypatch):
    """Its hook could not make a leased wake due."""
    say(pair, "busy")
    pair.send("alice", "bob")
    other = open_store(pair.store.path, clock=clock)
    bob = pair.agent("bob").id
    during(monkeypatch, lambda: other.write(lambda tx: presence.put(tx, bob, "idle", "s1")))
    assert make(pair).reason == "recipient_active"
    other.close()
    assert len(due(pair)) == 1


def test_a_turn_that_is_seen_to_be_broken_off_during_the_attempt_is_over(pair, clock, monkeypatch):
    """Who saw it could not make a leased wake due either."""
    say(pair, "busy")
    pair.send("alice", "bob")
    bob = pair.agent("bob").id
    told = pair.store.read(lambda tx: presence.get(tx, bob))
    during(monkeypatch, lambda: pair.store.write(lambda tx: presence.broken_off(tx, bob, told)))
    assert make(pair).reason == "recipient_active"
    assert len(due(pair)) == 1


def test_a_clock_set_back_makes_nobody_wait_for_a_hook(pair, clock, inbox):
    """Nobody knows any more when the wake was opened, and it may be a day until it was a minute ago."""
    say(pair, "busy")
    pair.send("alice", "bob")
    clock.tick(-3_600_000)
    assert make(pair).state == "delivered"


def test_a_turn_that_began_in_the_time_to_come_may_be_over(pair, clock, monkeypatch):
    say(pair, "busy")
    bob = pair.agent("bob")
    told = pair.store.read(lambda tx: presence.get(tx, bob.id))
    monkeypatch.setattr(screens, "idle", lambda *_: True)
    turn = session(pair), "claude-code", told
    assert routing.at_work(*turn, clock.now)  # it may not have drawn anything yet
    assert not routing.at_work(*turn, clock.now - 3_600_000)


def test_a_waiter_that_comes_during_the_attempt_is_told(pair, clock, rows, monkeypatch):
    """It could not make a leased wake due."""
    pair.send("alice", "bob")
    came, seated = [], session(pair)
    during(monkeypatch, lambda: came.append(waiters.take(pair.store.path, seated.id, seated.started_at, "s1")))
    assert make(pair).reason == "no_pane"
    monkeypatch.undo()
    assert make(pair).state == "delivered"
    assert came[0].wait(0) == LINE
    came[0].leave()


def test_a_waiter_that_takes_nothing_does_not_make_it_due_for_ever(pair, rows, waiter, monkeypatch):
    monkeypatch.setattr(waiters, "tell", lambda *_: False)
    pair.send("alice", "bob")
    assert make(pair).reason == "inbox_failed"
    assert (due(pair), the_wake(rows)["attempts"]) == ([], 1)


# -- previews ----------------------------------------------------------------------------------------------------------


def foretold(team, clock, **settings):
    [wake] = due(team)
    target = team.store.read(lambda tx: targets.find(tx, wake))
    found = preview.preview(wake, target, Settings(**settings), team.store.path, clock.now)
    return found.transport, found.reason


def test_it_is_foretold_which_way_is_gone(pair, clock, inbox, waiter):
    pair.send("alice", "bob")
    assert foretold(pair, clock) == ("waiter", None)
    assert foretold(pair, clock, off=frozenset({"waiter"})) == ("claude-inbox", None)
    assert foretold(pair, clock, off=frozenset({"waiter", "claude-inbox"})) == ("auto", "no_pane")
    make(pair)
    clock.tick(READ_WITHIN)
    assert foretold(pair, clock) == ("claude-inbox", None)
    say(pair, "busy")
    assert foretold(pair, clock, read_within=3 * READ_WITHIN) == ("hook", "recipient_active")
    target = SimpleNamespace(xats_path=None, pending=SimpleNamespace(unread=1, senders=1, names=("alice",)))
    assert preview.describe(target, "claude-inbox") == f"would hand to claude-inbox: {LINE}"


# -- settings ----------------------------------------------------------------------------------------------------------


def test_settings_are_read_from_the_environment():
    assert from_environment({}).off == frozenset()
    found = from_environment({"XATS_WAKE_OFF": " waiter,,tmux ", "XATS_READ_WITHIN": "5m"})
    assert (found.off, found.read_within, found.longest) == ({"waiter", "tmux"}, 300_000, 660_000)
    assert from_environment({"XATS_LADDER": "1s", "XATS_READ_WITHIN": "5m"}).longest == 300_000


@pytest.mark.parametrize(
    "name, value", [("XATS_WAKE_OFF", "tmux,paste"), ("XATS_READ_WITHIN", "0"), ("XATS_READ_WITHIN", "1d")]
)
def test_settings_that_mean_nothing_are_refused(name, value):
    with pytest.raises(errors.Usage) as caught:
        from_environment({name: value})
    assert name in str(caught.value)


# -- a machine that is too slow ----------------------------------------------------------------------------------------


def test_an_attempt_that_was_postponed_costs_no_rung_and_is_due_again_soon(pair, clock, rows, monkeypatch):
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    monkeypatch.setattr(tmux, "deliver", lambda *_: Postponed("host_busy"))
    for _ in range(40):
        before = clock.now
        assert make(pair).state == "postponed"
        wake = the_wake(rows)
        assert (wake["state"], wake["reason"], wake["attempts"]) == ("queued", "host_busy", 0)
        assert before + 1_000 <= wake["next_attempt_at"] <= before + 30_000
        clock.tick(wake["next_attempt_at"] - clock.now)
    assert clock.now - wake["opened_at"] > 100_000  # it is not tried every second for ever
    monkeypatch.setattr(tmux, "deliver", lambda request: request.line() and Delivered())
    assert make(pair).state == "delivered"
    assert the_wake(rows)["attempts"] == 1


def test_one_before_its_time_that_was_postponed_waits_for_its_rung_as_before(pair, clock, rows, monkeypatch):
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    monkeypatch.setattr(tmux, "deliver", lambda *_: Refused("busy"))
    make(pair)
    before = the_wake(rows)
    [wake] = pair.store.read(lambda tx: watched.waiting(tx, HOST, 9))
    leased = pair.store.write(lambda tx: attempts.lease_early(tx, wake, "d1"))
    monkeypatch.setattr(tmux, "deliver", lambda *_: Postponed("host_busy"))
    attempt.make(pair.store, leased, "d1", Settings(), cause="watched")
    after = the_wake(rows)
    assert (after["reason"], after["lease_token"]) == ("host_busy", None)
    for name in ("state", "attempts", "next_attempt_at"):
        assert after[name] == before[name]


# -- the mark of a wake ------------------------------------------------------------------------------------------------


def marks(monkeypatch):
    """Return the tokens of the requests to paste."""
    tokens = []

    def deliver(request):
        tokens.append(request.token)
        return Refused("busy")

    monkeypatch.setattr(tmux, "deliver", deliver)
    return tokens


def test_the_mark_of_a_wake_is_random_and_the_same_in_all_its_attempts(pair, clock, rows, monkeypatch):
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    tokens = marks(monkeypatch)
    for _ in range(3):
        make(pair)
        clock.tick(the_wake(rows)["next_attempt_at"] - clock.now)
    [token] = set(tokens)
    wake = the_wake(rows)
    assert token == f"{wake['id']}-{session(pair).id}-{wake['nonce']}"
    assert len(bytes.fromhex(wake["nonce"])) >= 8


def test_a_store_that_is_made_anew_has_other_marks_for_the_same_numbers(tmp_path, make_team, monkeypatch):
    tokens = marks(monkeypatch)
    for name in ("first", "second"):
        team, _ = make_team(tmp_path / name)
        team.add("alice")
        seat(team, NOWHERE)
        team.send("alice", "bob")
        make(team)
        team.store.close()
    first, second = tokens
    assert first.rpartition("-")[0] == second.rpartition("-")[0]
    assert first != second


def test_only_a_mark_that_is_in_a_row_proves_anything(pair, clock, rows, monkeypatch):
    seat(pair, NOWHERE)
    pair.send("alice", "bob")
    tokens = marks(monkeypatch)
    make(pair)
    now, wake = session(pair), the_wake(rows)
    assert targets.is_token(pair.store, now, tokens[0])
    number, seated, nonce = tokens[0].split("-")
    for other in ("", "x", "poke-1-2", f"{number}-{seated}-", f"{number}-{seated}-None", f"{number}-{seated}-{nonce}0"):
        assert not targets.is_token(pair.store, now, other)
    assert not targets.is_token(pair.store, now, f"{int(number) + 1}-{seated}-{nonce}")
    assert not targets.is_token(pair.store, now, f"{number}-{int(seated) + 1}-{nonce}")
    read_all(pair)
    assert the_wake(rows)["state"] == "skipped"
    assert targets.is_token(pair.store, now, tokens[0])  # a wake that has ended may have left its line
    assert wake["id"] == int(number)


# -- the place of a waiter ---------------------------------------------------------------------------------------------


def test_a_place_is_one_processs_and_another_sessions_is_another(store):
    first = waiters.take(store.path, 1, 0, "s1")
    assert waiters.take(store.path, 1, 0, "s1") is None
    # The last is one to which another store at this path gives the number that the first has here.
    others = [waiters.take(store.path, *which) for which in ((1, 0, "s2"), (2, 0, "s1"), (1, 5, "s1"))]
    assert len({one.path for one in (first, *others)}) == 4
    assert all(waiters.listens(one.path) for one in (first, *others))
    for one in (first, *others):
        one.leave()
    folder = os.path.dirname(first.path)
    assert [name for name in os.listdir(folder) if "-waiter-" in name] == []
    again = waiters.take(store.path, 1, 0, "s1")
    assert again.wait(0) is None
    again.leave()


def test_a_place_that_is_left_is_waited_for(store):
    first = waiters.take(store.path, 1, 0, "s1")
    leaving = threading.Timer(0.3, first.leave)
    leaving.start()
    second = waiters.take(store.path, 1, 0, "s1", patience=30)
    leaving.join()
    assert waiters.listens(second.path)
    second.leave()


def test_a_lock_that_was_just_taken_away_is_the_lock_of_nothing(store, monkeypatch):
    path = waiters.path_for(store.path, 1, 0, "s1")
    lock, gone = waiters.fcntl.flock, []

    def flock(file, how):
        if not gone:
            gone.append(path)
            os.unlink(path + waiters.LOCK)
        return lock(file, how)

    monkeypatch.setattr(waiters.fcntl, "flock", flock)
    post = waiters.take(store.path, 1, 0, "s1")
    assert gone
    assert waiters.take(store.path, 1, 0, "s1") is None
    post.leave()


def test_a_line_that_could_be_torn_is_not_written(store):
    post = waiters.take(store.path, 1, 0, None)
    pipe = os.open(post.path, os.O_WRONLY)
    assert not waiters.tell(pipe, "x" * waiters.LONGEST)
    assert waiters.tell(pipe, "x" * (waiters.LONGEST - 1))
    assert post.wait(0) == "x" * (waiters.LONGEST - 1)
    os.close(pipe)
    post.leave()


# -- who has moved meanwhile -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [Refused("busy"), Refused("pane_dead"), Postponed("host_busy")])
def test_what_was_seen_where_the_agent_is_no_more_does_not_count(pair, rows, clock, monkeypatch, answer):
    seat(pair, NOWHERE)
    pair.send("alice", "bob")

    def move(*_):
        seat(pair, Pane("/nowhere/s", 1, 1, "%2", 2, "/dev/null"), name="s2")
        return answer

    monkeypatch.setattr(tmux, "deliver", move)
    assert make(pair) == answer
    wake = the_wake(rows)
    assert (wake["state"], wake["attempts"], wake["last_refusal"]) == ("queued", 0, None)
    assert (wake["next_attempt_at"], wake["lease_token"]) == (clock.now, None)


def test_an_agent_that_moves_while_an_inbox_takes_the_line_is_woken_anew(pair, rows, clock, inbox, monkeypatch):
    pair.send("alice", "bob")
    take = inbox.deliver

    def move(request):
        seat(pair, name="s2")
        return take(request)

    monkeypatch.setattr(inbox, "deliver", move)
    assert make(pair).state == "delivered"
    wake = the_wake(rows)
    assert (wake["next_attempt_at"], wake["handed"]) == (clock.now, None)
    monkeypatch.setattr(inbox, "deliver", take)
    assert make(pair).state == "delivered"
    assert inbox.lines == [LINE, LINE]


# -- leasing -----------------------------------------------------------------------------------------------------------


def test_what_an_owner_is_at_work_on_is_not_leased_again_whatever_the_clock_says(pair, clock):
    pair.send("alice", "bob")
    [wake] = targets.lease_due(pair.store, "d1", Settings(), 10)
    assert targets.lease_due(pair.store, "d1", Settings(), 10) == []
    clock.tick(-3_600_000)  # now its lease seems to be from before the clock was set
    assert targets.lease_due(pair.store, "d1", Settings(), 10, {wake.id}) == []
    assert [one.id for one in targets.lease_due(pair.store, "d1", Settings(), 10)] == [wake.id]


# -- what changes between the lease and the record ---------------------------------------------------------------------


def test_an_agent_that_moved_to_another_host_is_left_to_the_daemon_there(pair, rows, inbox):
    pair.send("alice", "bob")
    [wake] = targets.lease_due(pair.store, "d1", Settings(), 10)
    seat(pair, host="h1+0123456789abcdef", name="s2")
    assert attempt.make(pair.store, wake, "d1", Settings()).state == "elsewhere"
    after = the_wake(rows)
    assert (inbox.lines, after["state"], after["attempts"], after["lease_token"]) == ([], "queued", 0, None)


def test_an_attempt_that_lost_its_lease_hands_nothing_over(pair, rows, inbox):
    pair.send("alice", "bob")
    [wake] = targets.lease_due(pair.store, "d1", Settings(), 10)
    pair.store.write(lambda tx: tx.run("update wakes set lease_token = 'd2'"))
    assert attempt.make(pair.store, wake, "d1", Settings()).reason == "already_read"
    assert (inbox.lines, the_wake(rows)["state"], the_wake(rows)["lease_token"]) == ([], "queued", "d2")


def test_what_is_final_counts_though_the_agent_moved(pair, rows, monkeypatch):
    seat(pair, NOWHERE)
    pair.send("alice", "bob")

    def move(_):
        seat(pair, Pane("/nowhere/s", 1, 1, "%2", 2, "/dev/null"), name="s2")
        return Refused("unconfirmed")

    monkeypatch.setattr(tmux, "deliver", move)
    make(pair)
    first = rows("select * from wakes order by id")[0]
    assert (first["state"], first["reason"]) == ("failed", "unconfirmed")


def test_an_agent_that_may_be_woken_again_by_the_end_of_an_attempt_is_woken(pair, rows, clock, monkeypatch):
    pair.send("alice", "bob")
    seat(pair, wake_by="none")
    during(monkeypatch, lambda: seat(pair, name="s2", wake_by="auto"))
    assert make(pair).reason == "no_wake"
    [wake] = rows("select * from wakes")  # and it is the same one
    assert (wake["state"], wake["next_attempt_at"], wake["lease_token"]) == ("queued", clock.now, None)


def test_the_last_refusal_alerts_the_sender_of_mail_that_needs_a_reply(pair, rows, inbox):
    inbox.answer = Refused("inbox_failed")
    pair.send("alice", "bob", need_reply=True)
    assert make(pair, rungs=()).state == "refused"
    assert rows("select reason from wakes order by id")[0]["reason"] == "retry_exhausted"
    [alert] = pair.rows("select id from messages where kind = 'alert'")
    alice = pair.agent("alice").id
    assert pair.rows(f"select agent_id from deliveries where message_id = {alert['id']}")[0]["agent_id"] == alice
