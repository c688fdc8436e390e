"""The limits of a team: what counts, when xats warns, spaces or pauses, and that no mail is refused or lost."""

import subprocess
import sys
import threading
from itertools import pairwise

import pytest

from tests.core.test_starts import new
from xats.base.errors import NotFound, PeopleOnly, Usage
from xats.core.crews import limits, starts
from xats.core.crews.errors import LimitReached
from xats.core.crews.limits import GAP, HOUR, Setter
from xats.core.mail import inbox
from xats.core.teams import changes as team_changes
from xats.core.teams import merge as team_merge
from xats.core.waking import attempts, pacing, pauses, wakes
from xats.store.open import open_store

MINUTE = 60_000
PERSON = Setter("crew", "ada", None, "user")


@pytest.fixture
def crew(team):
    team.register("ada", client="human")
    team.add("alice", *(f"a{number}" for number in range(16)))
    return team


def put(crew, name, value, action="pause", reason=None, by="ada"):
    me = crew.agent(by)
    setter = Setter("crew", me.name, me.id, "user")
    return crew.store.write(lambda tx: limits.put(tx, setter, name, value, action, reason))


def level(crew, name):
    return next(one for one in crew.store.read(lambda tx: limits.listing(tx, "crew")) if one.limit.name == name)


def sweep(crew):
    return crew.store.write(limits.check_all)


def to_all(crew, count=16):
    for number in range(count):
        crew.send("alice", f"a{number}", need_reply=False)


def take(store, token="d"):
    """Lease what is due and allowed now."""
    return store.write(lambda tx: attempts.lease(tx, attempts.due(tx), token))


def deliver(store, wake, token="d"):
    return store.write(lambda tx: attempts.delivered(tx, wake, token, "tmux", 10_000))


def wake_due(crew):
    """Make every attempt that is due and allowed now, until there is none; return the agents that were woken."""
    woken = []
    while found := take(crew.store):
        for wake in found:
            assert deliver(crew.store, wake)
            woken.append(wake.agent_id)
    return woken


def mails(crew, name="ada"):
    me = crew.agent(name)
    page = crew.store.read(lambda tx: inbox.peek(tx, me, inbox.Query()))
    return [one.message.subject for one in page.letters]


def events(crew, kind="limit_%"):
    return [row["type"] for row in crew.rows("select type from events where type like :kind order by id", kind=kind)]


def states(crew):
    return {row["state"] for row in crew.rows("select state from wakes where closed_at is null")}


# -- pause -------------------------------------------------------------------------------------------------------------


def test_a_limit_of_wakes_pauses_the_team_and_no_mail_is_lost(crew, clock):
    put(crew, "wakes", 5)
    to_all(crew)
    first = take(crew.store)
    assert len(first) == 5  # those under way count
    assert take(crew.store) == []
    clock.tick(pacing.SOON)
    assert take(crew.store) == []
    for wake in first:
        assert deliver(crew.store, wake)
    clock.tick(pacing.SOON)
    assert take(crew.store) == []
    assert states(crew) == {"held"}
    (pause,) = crew.store.read(lambda tx: pauses.listing(tx, "crew"))
    assert (pause.limit, pause.by) == ("wakes", "xats@crew")
    assert "a person ends it: xats resume all" in pause.reason
    assert mails(crew) == ["the limit of wakes is reached"]
    assert len(crew.rows("select 1 as one from deliveries where state = 'unread'")) == 17
    assert crew.send("a1", "alice").not_woken == (("alice@crew", "paused"),)
    clock.tick(3 * HOUR)  # time alone ends no pause
    sweep(crew)
    assert (take(crew.store), level(crew, "wakes").state) == ([], "reached")


def test_a_refused_attempt_leaves_its_place_to_another(crew, clock):
    put(crew, "wakes", 5)
    to_all(crew)
    for wake in take(crew.store):
        crew.store.write(
            lambda tx, wake=wake: attempts.refused(tx, wake, "d", "busy", "tmux", lambda _, now: now + HOUR)
        )
    clock.tick(pacing.SOON)
    assert len(wake_due(crew)) == 5


def test_only_a_person_ends_the_pause_and_the_count_begins_again(crew, clock):
    put(crew, "wakes", 5)
    to_all(crew)
    assert len(wake_due(crew)) == 5
    clock.tick(pacing.SOON)
    assert wake_due(crew) == []
    with pytest.raises(PeopleOnly, match="limit of wakes"):
        crew.do("alice", pauses.resume, "crew", None)
    assert crew.do("ada", pauses.resume, "crew", None) == (True, 11)
    assert level(crew, "wakes").used == 0
    clock.tick(1)
    assert len(wake_due(crew)) == 5
    clock.tick(pacing.SOON)
    assert (wake_due(crew), states(crew)) == ([], {"held"})
    assert events(crew) == ["limit_set", "limit_reached", "limit_reached"]


def test_the_notices_of_persons_go_on(crew, clock):
    crew.register("ada", client="human", wake_by="notice")
    put(crew, "wakes", 1)
    crew.send("alice", "a1")
    assert len(wake_due(crew)) == 1
    sweep(crew)
    assert crew.store.read(lambda tx: pauses.by_limit(tx, "crew")) == "wakes"
    ada = crew.agent("ada")
    assert crew.store.read(lambda tx: pauses.of_agent(tx, ada)) is None
    assert crew.send("alice", "ada").not_woken == ()
    assert wake_due(crew) == [crew.agent("ada").id]
    assert level(crew, "wakes").used == 1


def test_many_processes_lease_at_once(crew, clock):
    put(crew, "wakes", 5)
    to_all(crew)
    path, taken, ready = crew.store.path, [], threading.Barrier(6)

    def work(token):
        store = open_store(path, clock)
        try:
            ready.wait()
            for wake in take(store, token):
                taken.append(wake.id)
                deliver(store, wake, token)
            take(store, token)
        finally:
            store.close()

    threads = [threading.Thread(target=work, args=(f"d{number}",)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    clock.tick(pacing.SOON)
    wake_due(crew)
    assert len(taken) == level(crew, "wakes").used == 5
    assert mails(crew) == ["the limit of wakes is reached"]


def test_an_early_attempt_keeps_the_limit_too(crew, clock):
    put(crew, "wakes", 1)
    to_all(crew, 2)
    take(crew.store)
    (other,) = crew.rows("select * from wakes where lease_token is null")
    before = crew.store.read(
        lambda tx: wakes.wake_of(tx.one(f"select {wakes.SELECT} from wakes w where id = :id", id=other["id"]))
    )
    assert crew.store.write(lambda tx: attempts.lease_early(tx, before, "e")) is None
    assert (
        crew.rows("select next_attempt_at from wakes where id = :id", id=other["id"])[0]["next_attempt_at"]
        == before.next_attempt_at
    )


# -- space -------------------------------------------------------------------------------------------------------------


def test_spaced_wakes_keep_the_rate_in_every_hour(crew, clock):
    put(crew, "wakes", 4, "space")
    to_all(crew)
    woken = []
    while len(woken) < 16:
        woken += [clock.now for _ in wake_due(crew)]
        assert clock.now - woken[0] < 6 * HOUR
        clock.tick(MINUTE)
    assert all(later - earlier >= HOUR for earlier, later in zip(woken, woken[4:], strict=False))
    assert all(later - earlier >= HOUR // 4 for earlier, later in pairwise(woken[3:]))
    assert woken[-1] - woken[0] < 4 * HOUR
    assert crew.store.read(lambda tx: pauses.listing(tx, "crew")) == []


def test_a_spaced_wake_says_why_it_waits(crew, clock):
    put(crew, "wakes", 4, "space")
    to_all(crew)
    wake_due(crew)
    clock.tick(pacing.SOON)
    wake_due(crew)
    waiting = crew.rows("select * from wakes where closed_at is null and reason = 'team_limit'")
    assert len(waiting) == 12
    assert {row["state"] for row in waiting} == {"queued"}
    assert {row["next_attempt_at"] for row in waiting} == {clock.now + pacing.LOOK}
    assert len(events(crew, "wake_queued")) == 12
    clock.tick(pacing.LOOK)
    wake_due(crew)
    assert len(events(crew, "wake_queued")) == 12


def test_a_waiting_wake_is_due_when_the_limit_changes(crew, clock):
    put(crew, "wakes", 4, "space")
    to_all(crew)
    wake_due(crew)
    clock.tick(pacing.SOON)
    wake_due(crew)
    crew.store.write(lambda tx: limits.drop(tx, PERSON, "wakes"))
    assert len(wake_due(crew)) == 12


def test_a_limit_of_mails_spaces_wakes_and_refuses_no_mail(crew, clock):
    put(crew, "mails", 10, "space")
    to_all(crew)
    assert level(crew, "mails").used == 16
    woken = wake_due(crew)
    assert len(woken) == 1
    clock.tick(6 * MINUTE)
    assert len(wake_due(crew)) == 1


def test_a_limit_of_mails_pauses(crew):
    put(crew, "mails", 10)
    to_all(crew)
    assert wake_due(crew) == []
    assert states(crew) == {"held"}
    crew.send("ada", "a1")
    assert level(crew, "mails").used == 16  # mail of a person does not count, and nor does that of xats


def test_a_limit_that_only_warns_holds_nothing(crew):
    put(crew, "wakes", 5, "warn")
    to_all(crew)
    assert len(wake_due(crew)) == 16
    sweep(crew)
    assert mails(crew) == ["the limit of wakes is reached"]
    assert level(crew, "wakes").percent == 320


# -- the mails ---------------------------------------------------------------------------------------------------------


def test_one_mail_warns_and_again_only_after_the_number_fell(crew, clock):
    put(crew, "mails", 10, "warn", "a quiet day")
    to_all(crew, 8)
    for _ in range(3):
        sweep(crew)
    assert mails(crew) == ["80 % of the limit of mails"]
    to_all(crew, 2)
    for _ in range(3):
        sweep(crew)
    assert mails(crew) == ["80 % of the limit of mails", "the limit of mails is reached"]
    (body,) = {row["body"] for row in crew.rows("select body from messages where subject like '80 %'")}
    assert "ada@crew set the limit: a quiet day" in body
    clock.tick(HOUR + 1)
    sweep(crew)
    assert level(crew, "mails").state == "ok"
    to_all(crew, 9)
    sweep(crew)
    assert mails(crew)[2:] == ["90 % of the limit of mails"]


def test_the_person_who_set_it_gets_mail_in_another_team(crew):
    crew.register("eve", team="other", client="human")
    me = crew.agent("eve", "other")
    crew.store.write(lambda tx: limits.put(tx, Setter("crew", "eve", me.id, "user"), "mails", 10, "warn", None))
    to_all(crew, 8)
    sweep(crew)
    page = crew.store.read(lambda tx: inbox.peek(tx, me, inbox.Query()))
    assert [one.message.subject for one in page.letters] == ["80 % of the limit of mails"]
    assert mails(crew) == ["80 % of the limit of mails"]


def test_nothing_is_half_done_when_a_process_is_killed_before_its_commit(crew, tmp_path):
    """The mail and its mark are one transaction: the next look sends the mail that the killed one did not send."""
    put(crew, "mails", 10, "warn")
    to_all(crew, 8)
    code = f"""
from xats.core.crews import limits
from xats.store.open import open_store
store = open_store({crew.store.path!r}, lambda: {crew.store.clock()})
store.write(limits.check_all)
"""
    for point, code_of in (("store.before_commit", -9), ("store.after_commit", -9), ("", 0)):
        ran = subprocess.run(
            [sys.executable, "-c", code], env={"XATS_FAULT": point, "HOME": str(tmp_path)}, check=False
        )
        assert ran.returncode == code_of
        assert mails(crew) == ([] if point == "store.before_commit" else ["80 % of the limit of mails"])
    assert events(crew) == ["limit_set", "limit_warned"]


def test_a_clock_that_was_set_back_counts_no_future(crew, clock):
    put(crew, "wakes", 5, "space")
    to_all(crew, 5)
    wake_due(crew)
    clock.now -= 2 * HOUR
    assert level(crew, "wakes").used == 0
    sweep(crew)


# -- programs ----------------------------------------------------------------------------------------------------------


def begin(crew, name, token, over=lambda one, age: False, **more):
    agent = crew.agent(name)
    return crew.store.write(lambda tx: starts.begin(tx, agent, new(token, **more), over))


def test_a_limit_of_agents_refuses_a_further_start(crew):
    put(crew, "agents", 2)
    begin(crew, "a1", "t1")
    begin(crew, "a2", "t2")
    with pytest.raises(LimitReached, match="2 of at most 2 agents run") as caught:
        begin(crew, "a3", "t3")
    assert caught.value.code == "limit_reached"
    assert caught.value.data["limit"] == "agents"
    begin(crew, "a1", "t4", over=lambda one, age: one.token == "t1")  # its own start does not count
    begin(crew, "a3", "t5", over=lambda one, age: one.token == "t2")  # nor one whose program has ended
    assert level(crew, "agents").used == 3
    sweep(crew)
    assert (mails(crew), crew.store.read(lambda tx: pauses.listing(tx, "crew"))) == (
        ["the limit of agents is reached"],
        [],
    )


def test_a_limit_of_agents_that_warns_refuses_nothing(crew):
    put(crew, "agents", 1, "warn")
    begin(crew, "a1", "t1")
    begin(crew, "a2", "t2")


def test_many_starts_at_once_keep_the_limit(crew, clock):
    put(crew, "agents", 3)
    path, ready, refused = crew.store.path, threading.Barrier(8), []

    def work(number):
        store = open_store(path, clock)
        agent = crew_agents[number]
        try:
            ready.wait()
            store.write(lambda tx: starts.begin(tx, agent, new(f"t{number}"), lambda one, age: False))
        except LimitReached:
            refused.append(number)
        finally:
            store.close()

    crew_agents = [crew.agent(f"a{number}") for number in range(8)]
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(refused), level(crew, "agents").used) == (5, 3)


def test_a_limit_of_restarts_counts_a_day(crew, clock):
    put(crew, "restarts", 3)

    def allows():
        return crew.store.read(lambda tx: limits.allows(tx, "crew", "restarts"))

    for _ in range(3):
        assert allows() is None
        crew.store.write(
            lambda tx: tx.run(
                """
                insert into events (at, team, type, subject, data)
                values (:now, 'crew', 'agent_restarting', 'agent:a1', '{}')
                """,
                now=tx.now,
            )
        )
    assert isinstance(allows(), LimitReached)
    assert str(crew.store.read(lambda tx: limits.may_restart(tx, "crew"))) == str(allows())
    assert "3 of at most 3 restarts in 24 hours" in str(allows())
    clock.tick(24 * HOUR + 1)
    assert allows() is None
    crew.store.write(lambda tx: tx.run("delete from events where type = 'agent_restarting'"))


def test_the_minutes_of_a_crew(crew, clock):
    put(crew, "minutes", 60)
    begin(crew, "a1", "t1")
    sweep(crew)
    clock.tick(30 * MINUTE)
    crew.store.write(lambda tx: starts.stopped(tx, "t1", "it ended"))
    sweep(crew)
    clock.tick(GAP - MINUTE)
    sweep(crew)
    begin(crew, "a1", "t2")  # a restart: the crew goes on
    sweep(crew)
    assert level(crew, "minutes").used == 39
    clock.tick(25 * MINUTE)
    sweep(crew)
    assert level(crew, "minutes").state == "reached"
    assert crew.store.read(lambda tx: pauses.by_limit(tx, "crew")) == "minutes"
    with pytest.raises(LimitReached, match="has run for 64 of at most 60 minutes"):
        begin(crew, "a2", "t3")
    crew.do("ada", pauses.resume, "crew", None)
    begin(crew, "a2", "t3")
    assert level(crew, "minutes").used == 0
    for token in ("t2", "t3"):
        crew.store.write(lambda tx, token=token: starts.stopped(tx, token, "it ended"))
    clock.tick(GAP)
    sweep(crew)
    clock.tick(HOUR)
    sweep(crew)
    assert (level(crew, "minutes").used, level(crew, "minutes").state) == (0, "ok")


def test_the_minutes_of_a_crew_that_runs_already_count(crew, clock):
    begin(crew, "a1", "t1")
    clock.tick(30 * MINUTE)
    put(crew, "minutes", 60)
    assert level(crew, "minutes").used == 30


# -- setting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", limits.NAMES)
@pytest.mark.parametrize("action", limits.ACTIONS)
def test_each_action_for_each_limit(crew, name, action):
    if action == "space" and name not in limits.SPACED:
        with pytest.raises(Usage, match="only for the limits wakes and mails"):
            put(crew, name, 5, action)
        return
    assert put(crew, name, 5, action) is None
    assert put(crew, name, 6, action).value == 5
    sweep(crew)
    assert (level(crew, name).limit.action, level(crew, name).state) == (action, "ok")


@pytest.mark.parametrize("value", [0, -1, 1_000_001])
def test_a_value_that_no_limit_has(crew, value):
    with pytest.raises(Usage, match="from 1 to 1,000,000"):
        put(crew, "wakes", value)


def test_a_limit_that_is_not_set_cannot_be_dropped(crew):
    with pytest.raises(NotFound, match="no limit of wakes"):
        crew.store.write(lambda tx: limits.drop(tx, PERSON, "wakes"))


def test_a_limit_of_a_person_who_is_not_registered(crew):
    crew.store.write(lambda tx: limits.put(tx, Setter("crew", "root", None, "user"), "wakes", 5, "pause", None))
    assert level(crew, "wakes").limit.by == "root@crew"


# -- teams -------------------------------------------------------------------------------------------------------------


def test_a_limit_follows_its_team_with_what_is_used(crew):
    put(crew, "wakes", 5)
    to_all(crew, 3)
    wake_due(crew)
    crew.store.write(lambda tx: team_changes.rename(tx, "ada", "crew", "squad"))
    (found,) = crew.store.read(lambda tx: limits.listing(tx, "squad"))
    assert (found.used, found.limit.by) == (3, "ada@squad")


@pytest.mark.parametrize(
    "here, there, stays",
    [
        ((5, "pause"), (9, "pause"), (5, "pause")),
        ((9, "pause"), (5, "pause"), (5, "pause")),
        ((9, "pause"), (5, "warn"), (9, "pause")),
        ((5, "warn"), (9, "space"), (9, "space")),
        ((5, "warn"), (5, "warn"), (5, "warn")),
    ],
)
def test_of_two_limits_the_stricter_stays_in_a_merge(crew, here, there, stays):
    crew.register("eve", team="other", client="human")
    crew.register("bob", team="other", client="generic")
    put(crew, "wakes", *here)
    put(crew, "agents", 3)
    crew.store.write(lambda tx: limits.put(tx, Setter("other", "eve", None, "user"), "wakes", *there, None))
    crew.store.write(lambda tx: limits.put(tx, Setter("other", "eve", None, "user"), "mails", 7, "warn", None))
    crew.store.write(lambda tx: team_merge.merge(tx, "ada", "other", "crew", None))
    found = {
        one.limit.name: (one.limit.value, one.limit.action)
        for one in crew.store.read(lambda tx: limits.listing(tx, None))
    }
    assert found == {"wakes": stays, "agents": (3, "pause"), "mails": (7, "warn")}


def test_the_pause_of_a_limit_goes_with_the_agents_into_another_team(crew):
    crew.register("bob", team="other", client="generic")
    put(crew, "wakes", 1)
    to_all(crew, 2)
    wake_due(crew)
    sweep(crew)
    crew.store.write(lambda tx: team_merge.merge(tx, "ada", "crew", "other", None))
    agent = crew.agent("a1", "other")
    assert crew.store.read(lambda tx: pauses.of_agent(tx, agent)).limit == "wakes"
    bob = crew.agent("bob", "other")
    with pytest.raises(PeopleOnly):
        crew.store.write(lambda tx: pauses.resume(tx, bob, "other", agent))


# -- cost --------------------------------------------------------------------------------------------------------------


def test_without_a_limit_nothing_more_is_imported():
    code = """
import sys
from xats.core.waking import attempts, pauses
from xats.core.mail import sending, inbox
from xats.daemon import chores
print(sorted(name for name in sys.modules if name in ("xats.core.waking.pacing", "xats.core.crews.starts")))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "xats.core.waking.pacing" not in ran.stdout
