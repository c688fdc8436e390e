"""Claims: one winner, a lease that lapses, a process that is gone; who is told, and what a latecomer is refused."""

import json

import pytest

from xats.base import errors
from xats.core.agents import agents, holdings, registration
from xats.core.agents.agents import RENEW_EVERY
from xats.core.mail import dead as dead_letters
from xats.core.mail import inbox
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, endings, planning, pools, reviews, tasks, views
from xats.core.tasks import errors as task_errors
from xats.core.tasks.claims import LEASE
from xats.core.tasks.owners import GRACE
from xats.core.waking import attempts

MINUTE = 60_000


@pytest.fixture
def crew(team):
    team.add("alice", role="lead")
    team.add("bob", "carol", role="dev")
    return team


def add(crew, title="t", by="alice", **values):
    return crew.do(by, planning.add, planning.New(title, **values))[0]


def find(crew, task):
    return crew.store.read(lambda tx: tasks.again(tx, task))


def act(crew, name, work, *args, **values):
    """Do `work` as a verb does it: it shows that `name` is alive."""

    def both(tx, me):
        agents.touch(tx, me)
        return work(tx, me, *args, **values)

    return crew.do(name, both)


def settle(crew, gone=lambda _: False):
    return crew.store.write(lambda tx: claims.settle(tx, gone))


def unread(crew, name):
    return [one.message for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def subjects(crew, name):
    return [one.subject for one in unread(crew, name)]


# -- which one ---------------------------------------------------------------------------------------------------------


def test_the_next_one_is_the_most_urgent_and_of_equals_the_oldest(crew):
    add(crew, "later", priority=9)
    first, second = add(crew, "first"), add(crew, "second")
    urgent = add(crew, "urgent", priority=0)
    got = [crew.do("bob", claims.claim_next).id for _ in range(4)]
    assert got == [urgent.id, first.id, second.id, 1]
    assert crew.do("bob", claims.claim_next) is None


def test_only_what_is_for_me_my_role_or_anybody(crew):
    add(crew, to="carol", priority=0)
    add(crew, role="qa", priority=0)
    mine, role, free = add(crew, to="bob"), add(crew, role="Dev"), add(crew)
    assert [crew.do("bob", claims.claim_next).id for _ in range(3)] == [mine.id, role.id, free.id]
    assert crew.do("bob", claims.claim_next) is None
    assert not crew.see("bob", claims.any_next)
    assert crew.see("carol", claims.any_next)


def test_who_has_no_role_gets_what_is_for_anybody(crew):
    crew.add("dave")
    add(crew, role="dev")
    free = add(crew)
    assert crew.do("dave", claims.claim_next).id == free.id
    assert crew.do("dave", claims.claim_next) is None


def test_another_team_has_its_own(crew):
    crew.register("eve", team="other")
    add(crew)
    eve = crew.agent("eve", "other")
    assert crew.store.write(lambda tx: claims.claim_next(tx, eve)) is None
    with pytest.raises(task_errors.UnknownTask):
        crew.store.write(lambda tx: claims.claim(tx, eve, 1))


@pytest.mark.parametrize(
    "values, code, data",
    [
        ({"to": "carol"}, "not_for_you", {"assignee": "carol@crew"}),
        ({"role": "qa"}, "not_for_you", {"role": "qa"}),
        ({"needs": (1,)}, "blocked", {"blocked_by": [1]}),
    ],
)
def test_why_one_cannot_be_claimed(crew, values, code, data):
    add(crew)
    task = add(crew, **values)
    with pytest.raises(errors.Refused) as caught:
        crew.do("bob", claims.claim, task.id)
    assert (caught.value.code, caught.value.exit) == (code, 4)
    assert data.items() <= caught.value.data.items()


def test_who_holds_it_and_how_long_is_said(crew, clock):
    task = add(crew)
    crew.do("bob", claims.claim, task.id)
    clock.tick(10 * MINUTE)
    with pytest.raises(task_errors.TaskHeld, match="bob has claimed task 1, for 20 min more") as caught:
        crew.do("carol", claims.claim, task.id)
    assert caught.value.data["owner"] == "bob@crew"
    with pytest.raises(task_errors.TaskHeld, match="You have claimed"):
        crew.do("bob", claims.claim, task.id)


def test_what_has_ended_cannot_be_claimed(crew):
    task = add(crew)
    crew.do("bob", claims.claim, task.id)
    crew.do("bob", claims.done, task.id, None)
    with pytest.raises(task_errors.TaskEnded, match="done by bob"):
        crew.do("carol", claims.claim, task.id)
    with pytest.raises(task_errors.TaskEnded):
        crew.do("bob", claims.done, task.id, None)


@pytest.mark.parametrize("lease", [0, 999, 31 * 86_400_000])
def test_a_lease_has_a_sensible_length(crew, lease):
    task = add(crew)
    with pytest.raises(task_errors.InvalidTask):
        crew.do("bob", claims.claim, task.id, lease)
    assert find(crew, task).state == "open"


# -- lapsing -----------------------------------------------------------------------------------------------------------


def test_a_claim_lapses_when_its_owner_was_silent_for_so_long(crew, clock):
    task = add(crew)
    act(crew, "bob", claims.claim, task.id)
    clock.tick(LEASE - 1)
    assert settle(crew) == []
    clock.tick(1)
    assert settle(crew) == [task.id]
    now = find(crew, task)
    assert (now.state, now.owner, now.ready) == ("open", None, True)
    assert subjects(crew, "bob") == ["your claim of task #1 is over: t"]
    (event,) = crew.rows("select * from events where type = 'task_lapsed'")
    assert (event["actor"], json.loads(event["data"])["owner"]) == (None, "bob@crew")
    assert settle(crew) == []


def test_whatever_its_owner_does_renews_it(crew, clock):
    task = add(crew)
    act(crew, "bob", claims.claim, task.id)
    clock.tick(LEASE - MINUTE)
    act(crew, "bob", lambda tx, me: None)
    clock.tick(LEASE - MINUTE)
    assert settle(crew) == []
    assert find(crew, task).lease_until == clock.now + MINUTE
    clock.tick(MINUTE)
    assert settle(crew) == [task.id]


def test_what_others_do_does_not(crew, clock):
    task = add(crew)
    act(crew, "bob", claims.claim, task.id)
    clock.tick(LEASE)
    act(crew, "carol", lambda tx, me: None)
    assert settle(crew) == [task.id]


def test_renewing_begins_the_lease_anew_with_another_length(crew, clock):
    task = add(crew)
    act(crew, "bob", claims.claim, task.id)
    clock.tick(LEASE // 2)
    assert crew.do("bob", claims.renew, task.id).lease_until == clock.now + LEASE
    assert crew.do("bob", claims.renew, task.id, 2 * LEASE).lease_until == clock.now + 2 * LEASE
    clock.tick(LEASE + 1)
    assert settle(crew) == []


def test_a_long_lease_outlasts_silence(crew, clock):
    task = add(crew)
    act(crew, "bob", claims.claim, task.id, 24 * 3600_000)
    clock.tick(23 * 3600_000)
    assert settle(crew) == []


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    "late",
    [
        lambda tx, me, n: claims.done(tx, me, n, "late"),
        lambda tx, me, n: claims.fail(tx, me, n, "late"),
        lambda tx, me, n: claims.progress(tx, me, n, "late"),
        claims.renew,
        claims.release,
    ],
)
def test_a_latecomer_is_refused(crew, clock, late, taken):
    task = add(crew)
    act(crew, "bob", claims.claim, task.id)
    clock.tick(LEASE)
    settle(crew)
    if taken:
        crew.do("carol", claims.claim, task.id)
    with pytest.raises(
        task_errors.LeaseLost, match="carol has claimed it since" if taken else "it is open again"
    ) as caught:
        act(crew, "bob", late, task.id)
    assert (caught.value.code, caught.value.exit) == ("lease_lost", 4)
    assert find(crew, task).owner == ("carol@crew" if taken else None)


def test_it_can_be_claimed_again_and_the_number_fences_the_old_claim(crew, clock):
    task = add(crew)
    first = act(crew, "bob", claims.claim, task.id)
    clock.tick(LEASE)
    settle(crew)
    second = act(crew, "bob", claims.claim, task.id)
    assert (first.claims, second.claims) == (1, 2)
    with pytest.raises(task_errors.LeaseLost, match="you have claimed it since"):
        crew.do("bob", claims.done, task.id, "old", first.claims)
    assert crew.do("bob", claims.done, task.id, "new", second.claims).state == "done"


def test_who_never_claimed_it_is_no_owner(crew):
    task = add(crew)
    with pytest.raises(task_errors.NotOwner, match="No agent has claimed task 1"):
        crew.do("bob", claims.done, task.id, None)
    crew.do("bob", claims.claim, task.id)
    with pytest.raises(task_errors.NotOwner, match="bob, not you, has claimed"):
        crew.do("carol", claims.done, task.id, None)


def test_others_of_the_role_hear_of_what_is_open_again(crew, clock):
    task = add(crew, role="dev")
    act(crew, "bob", claims.claim, task.id)
    assert subjects(crew, "carol") == []
    clock.tick(LEASE)
    settle(crew)
    assert subjects(crew, "carol") == ["task #1 is ready: t"]
    assert subjects(crew, "bob") == ["your claim of task #1 is over: t"]


def test_many_claims_lapse_at_once(crew, clock):
    for _ in range(30):
        add(crew)
        act(crew, "bob", claims.claim_next)
    clock.tick(LEASE)
    assert len(settle(crew)) == 30
    assert len(crew.rows("select * from wakes where closed_at is null")) == 1


# -- gone processes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def seated(crew):
    """Bob sits in a process."""
    crew.register("bob", seat=agents.Seat("here", 4711, 1))
    return crew


def dead(_):
    """Every process has ended."""
    return True


def history(crew, task):
    return [one.kind for one in crew.store.read(lambda tx: views.details(tx, "crew", task.id)).notes]


def test_what_a_gone_process_had_is_marked_at_once_and_free_after_a_while(seated, clock):
    task = add(seated)
    act(seated, "bob", claims.claim, task.id, 24 * 3600_000)
    clock.tick(10 * GRACE)  # it works without a word to xats
    asked = []

    def gone(session):
        asked.append(session.seat.pid)
        return True

    assert settle(seated, gone) == []
    assert asked == [4711]
    now = find(seated, task)
    assert (now.state, now.owner, now.owner_gone_at) == ("claimed", "bob@crew", clock.now)
    clock.tick(GRACE - 1)
    assert settle(seated, gone) == []
    clock.tick(1)
    assert settle(seated, gone) == [task.id]
    assert (find(seated, task).state, find(seated, task).owner_gone_at) == ("open", None)
    assert "your process had ended" in unread(seated, "bob")[0].body
    assert history(seated, task) == ["added", "claimed", "owner_gone", "lapsed"]
    with pytest.raises(task_errors.LeaseLost):
        act(seated, "bob", claims.done, task.id, None)


def test_who_added_it_is_told_at_once_and_once(seated, clock):
    add(seated, "first"), add(seated, "second"), add(seated, "own", by="bob"), add(seated, "carol's", by="carol")
    for number in (1, 2, 3, 4):
        act(seated, "bob", claims.claim, number)
    for _ in range(3):
        settle(seated, dead)
        clock.tick(MINUTE)
    (mail,) = unread(seated, "alice")
    assert (mail.subject, mail.sender, mail.kind) == ("bob is gone, and has claimed 2 tasks", "xats@crew", "task")
    assert "  #1 first\n  #2 second\n" in mail.body
    assert "bob keeps them if it starts again within 5 min. After that they are open again." in mail.body
    assert "Another agent can claim #1 now: xats task claim 1" in mail.body
    assert "xats task release" not in mail.body
    assert subjects(seated, "carol") == ["bob is gone, and has claimed task #4: carol's"]
    assert subjects(seated, "bob") == []
    data = [json.loads(row["data"]) for row in seated.rows("select * from events where type = 'task_owner_gone'")]
    assert [(one["agent"], one["reason"]) for one in data] == [("bob@crew", "its process has ended")] * 4


def test_how_a_task_for_the_gone_owner_alone_is_given_to_another_agent_is_said(seated, clock):
    task = add(seated, to="bob")
    act(seated, "bob", claims.claim, task.id)
    settle(seated, dead)
    (mail,) = unread(seated, "alice")
    assert "To give it to another agent: xats task release 1; xats task edit 1 --to NAME" in mail.body
    assert "xats task claim" not in mail.body
    seated.do("alice", claims.release, task.id)
    seated.do("alice", planning.edit, task.id, planning.Edit(to="carol"))
    assert act(seated, "carol", claims.claim, task.id).owner == "carol@crew"


def test_another_claim_of_the_same_agent_is_told_of_again(seated, clock):
    for number in (1, 2):
        task = add(seated)
        act(seated, "bob", claims.claim, task.id)
        clock.tick(1)
        settle(seated, dead)
        assert len(unread(seated, "alice")) == number
    assert settle(seated, lambda _: False) == []
    assert {row["owner_gone_at"] for row in seated.rows("select * from tasks")} == {None}
    settle(seated, dead)  # it has started again and ended again
    assert subjects(seated, "alice")[-1] == "bob is gone, and has claimed 2 tasks"


def test_others_may_claim_it_at_once_but_do_not_get_it_by_themselves(seated, clock):
    task = add(seated)
    act(seated, "bob", claims.claim, task.id, 24 * 3600_000)
    with pytest.raises(task_errors.TaskHeld):
        act(seated, "carol", claims.claim, task.id)
    clock.tick(1)
    settle(seated, dead)
    assert act(seated, "carol", claims.claim_next) is None
    now = act(seated, "carol", claims.claim, task.id)
    assert (now.owner, now.claims, now.owner_gone_at, now.lease_until) == ("carol@crew", 2, None, clock.now + LEASE)
    assert history(seated, task) == ["added", "claimed", "owner_gone", "lapsed", "claimed"]
    (mail,) = unread(seated, "bob")
    assert "carol has claimed it" in mail.body
    with pytest.raises(task_errors.LeaseLost, match="carol has claimed it since"):
        act(seated, "bob", claims.done, task.id, None)
    clock.tick(GRACE)
    assert settle(seated, dead) == []


@pytest.mark.parametrize("values, code", [({"to": "bob"}, "not_for_you"), ({"needs": (1,)}, "blocked")])
def test_who_cannot_claim_it_does_not_take_it_from_a_gone_owner(seated, clock, values, code):
    first = add(seated)
    act(seated, "bob", claims.claim, first.id)
    act(seated, "bob", claims.done, first.id, None)
    task = add(seated, **values)
    act(seated, "bob", claims.claim, task.id)
    seated.do("alice", endings.reopen, first.id)
    clock.tick(1)
    settle(seated, dead)
    with pytest.raises(errors.Refused) as caught:
        act(seated, "carol", claims.claim, task.id)
    assert caught.value.code == code
    assert (find(seated, task).owner, history(seated, task)[-1]) == ("bob@crew", "owner_gone")
    with pytest.raises(task_errors.TaskHeld, match="You have claimed"):
        act(seated, "bob", claims.claim, task.id)


def test_a_message_to_a_pool_goes_from_a_gone_member_to_who_claims_it(seated, clock):
    seated.do("alice", lambda tx, me: pools.send(tx, me, "pane", Draft("pool:dev", "look")))
    act(seated, "bob", claims.claim, 1)
    clock.tick(1)
    settle(seated, dead)
    assert act(seated, "carol", claims.claim, 1).owner == "carol@crew"
    assert unread(seated, "carol") == []


def test_whoever_does_something_is_not_gone(seated, clock):
    """It acts through `--as` though the process of its session has ended."""
    task = add(seated)
    act(seated, "bob", claims.claim, task.id)
    clock.tick(1)
    settle(seated, dead)
    clock.tick(GRACE - 1)
    act(seated, "bob", claims.progress, task.id, "half")
    assert find(seated, task).owner_gone_at is None
    with pytest.raises(task_errors.TaskHeld):
        act(seated, "carol", claims.claim, task.id)
    clock.tick(GRACE)
    assert settle(seated, dead) == []
    assert not seated.store.read(lambda tx: claims.due(tx, dead))
    clock.tick(LEASE - GRACE)
    assert settle(seated, dead) == [task.id]
    assert len(unread(seated, "alice")) == 1


def test_what_comes_back_from_review_to_a_gone_owner_is_told_of_then(seated, clock):
    task = add(seated, review=("lead",))
    act(seated, "bob", claims.claim, task.id)
    act(seated, "bob", reviews.submit, "pane", task.id, None)
    clock.tick(1)
    settle(seated, dead)
    assert find(seated, task).owner_gone_at is None
    assert [one for one in subjects(seated, "alice") if "gone" in one] == []
    seated.do("alice", reviews.feedback, "pane", task.id, "more")
    settle(seated, dead)
    assert find(seated, task).owner_gone_at == clock.now
    assert subjects(seated, "alice")[-1] == "bob is gone, and has claimed task #1: t"


def test_a_mark_stays_where_nobody_can_tell_and_ends_with_a_new_session(seated, clock):
    task = add(seated)
    act(seated, "bob", claims.claim, task.id)
    clock.tick(1)
    settle(seated, dead)
    assert not seated.store.read(lambda tx: claims.due(tx, lambda _: None))
    settle(seated, lambda _: None)
    assert find(seated, task).owner_gone_at == clock.now
    seated.register("bob", seat=agents.Seat("elsewhere", 1, 1))
    clock.tick(GRACE)
    assert settle(seated, lambda _: None) == []
    assert find(seated, task).state == "claimed"


def test_an_end_takes_the_mark_away(seated, clock):
    seated.add("hal", client="human")
    for end in (claims.release, endings.cancel):
        task = add(seated)
        act(seated, "bob", claims.claim, task.id)
        clock.tick(1)
        settle(seated, dead)
        assert find(seated, task).owner_gone_at == clock.now
        act(seated, "hal", end, task.id, "gone")
        assert find(seated, task).owner_gone_at is None


def test_a_living_process_keeps_its_tasks(seated, clock):
    task = add(seated)
    act(seated, "bob", claims.claim, task.id)
    clock.tick(GRACE)
    assert settle(seated) == []
    assert find(seated, task).state == "claimed"


def test_a_person_whose_shell_has_ended_is_not_gone(crew, clock):
    crew.register("hal", client="human", seat=agents.Seat("here", 4711, 1))
    task = add(crew)
    act(crew, "hal", claims.claim, task.id)
    clock.tick(GRACE)
    assert settle(crew, dead) == []
    assert find(crew, task).owner_gone_at is None


def test_a_seat_without_a_process_is_nobody_s_to_judge(crew, clock):
    task = add(crew)
    act(crew, "bob", claims.claim, task.id)
    clock.tick(GRACE)
    assert settle(crew, lambda _: True) == []


def test_who_comes_back_in_time_keeps_it(seated, clock):
    task = add(seated)
    act(seated, "bob", claims.claim, task.id)
    clock.tick(GRACE)
    settle(seated, lambda session: session.seat.pid == 4711)
    clock.tick(GRACE)
    seated.register("bob", seat=agents.Seat("here", 4712, 1))
    assert find(seated, task).owner_gone_at is None
    assert settle(seated, lambda session: session.seat.pid == 4711) == []
    assert seated.rows("select owner_gone_at from tasks")[0]["owner_gone_at"] is None
    assert seated.do("bob", claims.done, task.id, None).state == "done"


@pytest.mark.parametrize("seen", [False, True])
def test_no_task_is_held_until_a_clock_that_was_set_back_comes_round_again(crew, clock, seen):
    """Neither by its lease nor by what its owner did meanwhile, of which a lease learns only when it is over."""
    task = add(crew)
    act(crew, "bob", claims.claim, task.id)
    if seen:
        clock.tick(LEASE - 1)
        act(crew, "bob", lambda *_: None)
    clock.tick(-86_400_000)
    crew.store.write(claims.set_right)
    assert settle(crew) == []
    assert find(crew, task).lease_until == clock.now + LEASE
    clock.tick(LEASE)
    crew.store.write(claims.set_right)
    assert settle(crew) == [task.id]


def test_a_process_that_has_ended_is_known_to_also_after_the_clock_was_set_back(seated, clock):
    task = add(seated)
    act(seated, "bob", claims.claim, task.id)
    settle(seated, dead)
    clock.tick(-86_400_000)
    seated.store.write(claims.set_right)
    assert find(seated, task).owner_gone_at == clock.now
    clock.tick(GRACE)
    assert settle(seated, dead) == [task.id]


def test_what_is_in_review_does_not_lapse(seated, clock):
    task = add(seated, review=("lead",))
    act(seated, "bob", claims.claim, task.id)
    act(seated, "bob", reviews.submit, "pane", task.id, None)
    clock.tick(10 * LEASE)
    assert settle(seated, lambda _: True) == []
    assert seated.do("alice", reviews.approve, task.id)[0].state == "done"


def test_whether_there_is_anything_to_settle_is_known_by_looking(seated, clock):
    def due(gone):
        return seated.store.read(lambda tx: claims.due(tx, lambda _: gone))

    add(seated)
    assert not due(gone=True)
    act(seated, "bob", claims.claim, 1)
    assert not due(gone=False)
    assert due(gone=True)
    clock.tick(1)
    settle(seated, dead)
    assert not due(gone=True)
    assert due(gone=False)
    clock.tick(GRACE)
    assert due(gone=True)
    settle(seated, lambda _: False)
    assert not due(gone=False)
    clock.tick(LEASE)
    assert due(gone=False)


# -- signs of life -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lease, silent, wanted",
    [
        (LEASE, RENEW_EVERY - 1, False),
        (LEASE, RENEW_EVERY, True),
        (2 * RENEW_EVERY, RENEW_EVERY - 1, False),
        (10_000, 4_999, False),
        (10_000, 5_000, True),
    ],
)
def test_a_sign_of_life_is_written_once_a_minute_or_twice_in_a_short_lease(crew, clock, lease, silent, wanted):
    add(crew)
    act(crew, "bob", claims.claim, 1, lease)
    clock.tick(silent)
    assert crew.see("bob", agents.renewal_due) is wanted


def test_who_has_claimed_nothing_has_nothing_to_renew_but_its_sign_of_life(crew, clock):
    task = add(crew, review=("lead",))
    clock.tick(agents.SIGN_EVERY - 1)
    assert not crew.see("bob", agents.renewal_due)
    act(crew, "bob", claims.claim, task.id)
    act(crew, "bob", reviews.submit, "pane", task.id, None)
    crew.do("bob", agents.touch)
    clock.tick(agents.SIGN_EVERY - 1)
    assert not crew.see("bob", agents.renewal_due)
    clock.tick(1)
    assert crew.see("bob", agents.renewal_due)


def test_a_sign_of_life_of_whoever_seemed_to_be_gone_is_written_at_once(seated, clock):
    task = add(seated)
    act(seated, "bob", claims.claim, task.id)
    clock.tick(1)
    settle(seated, dead)
    assert seated.see("bob", agents.renewal_due)
    clock.tick(1)
    seated.do("bob", agents.touch)
    assert not seated.see("bob", agents.renewal_due)
    assert find(seated, task).owner_gone_at is None


# -- letting go --------------------------------------------------------------------------------------------------------


def test_giving_it_back(crew):
    task = add(crew, role="dev")
    crew.do("bob", claims.claim, task.id)
    assert crew.do("bob", claims.release, task.id, "no access").state == "open"
    assert subjects(crew, "carol") == ["task #1 is ready: t"]
    with pytest.raises(task_errors.NotOwner):
        crew.do("bob", claims.done, task.id, None)


def test_a_person_and_who_made_it_can_take_it_from_its_owner(crew):
    crew.add("hal", client="human")
    for name in ("alice", "hal"):
        task = add(crew)
        crew.do("bob", claims.claim, task.id)
        crew.do(name, claims.release, task.id)
        assert "released your task" in subjects(crew, "bob")[-1]
        with pytest.raises(task_errors.LeaseLost):
            crew.do("bob", claims.done, task.id, None)
    task = add(crew)
    crew.do("bob", claims.claim, task.id)
    with pytest.raises(task_errors.NotOwner):
        crew.do("carol", claims.release, task.id)


def test_who_leaves_with_tasks_is_held_back_or_gives_them_back(crew):
    add(crew, "first"), add(crew, "second", role="dev")
    crew.do("bob", claims.claim_next), crew.do("bob", claims.claim_next)
    with pytest.raises(task_errors.TasksHeld, match="#1 first, #2 second") as caught:
        crew.see("bob", holdings.refuse)
    assert caught.value.data["tasks"] == [1, 2]
    assert crew.do("bob", claims.leave) == [1, 2]
    assert {row["state"] for row in crew.rows("select state from tasks")} == {"open"}
    assert subjects(crew, "carol") == ["task #2 is ready: second"]
    crew.see("bob", holdings.refuse)
    assert crew.do("bob", claims.leave) == []


def test_who_added_it_is_told_that_its_owner_was_unregistered(crew):
    crew.add("hal", client="human")
    for title, by in (("first", "alice"), ("second", "bob"), ("third", "hal")):
        task = add(crew, title, by=by)
        crew.do("bob", claims.claim, task.id)
    hal = crew.agent("hal")
    crew.do("bob", claims.leave, by=hal)
    (mail,) = unread(crew, "alice")
    assert mail.subject == "bob has left, and had claimed task #1: first"
    assert unread(crew, "hal") == []
    assert subjects(crew, "bob") == []


# -- done when something that it needs was reopened --------------------------------------------------------------------


def reopened(crew, **values):
    """Bob has claimed a task that needs another one, which alice has reopened after it was done."""
    first = add(crew, "base")
    crew.do("carol", claims.claim, first.id)
    crew.do("carol", claims.done, first.id, None)
    task = add(crew, "built on it", needs=(first.id,), **values)
    crew.do("bob", claims.claim, task.id)
    crew.do("alice", endings.reopen, first.id, "wrong")
    return first, task


def test_done_says_that_what_it_needs_was_reopened(crew):
    first, task = reopened(crew)
    with pytest.raises(task_errors.TaskBlocked, match=r"needs #1 \(open\), which was reopened") as caught:
        crew.do("bob", claims.done, task.id, "built")
    assert (caught.value.code, caught.value.exit, caught.value.data["blocked_by"]) == ("blocked", 4, [first.id])
    assert "xats task done 2 --force" in caught.value.hint
    assert find(crew, task).state == "claimed"
    assert crew.do("bob", claims.done, task.id, "built", force=True).state == "done"
    row = crew.rows("select data from events where type = 'task_done' order by id desc limit 1")[0]
    assert json.loads(row["data"])["open_needs"] == [first.id]


@pytest.mark.parametrize(
    "end, word",
    [
        (lambda crew, n: crew.do("alice", endings.cancel, n, None), "cancelled"),
        (lambda crew, n: crew.do("carol", claims.claim, n), "claimed"),
        (
            lambda crew, n: (
                crew.do("carol", claims.claim, n),
                crew.do("carol", claims.fail, n, "no way"),
            ),
            "failed",
        ),
    ],
)
def test_done_names_the_state_of_what_was_reopened(crew, end, word):
    first, task = reopened(crew)
    end(crew, first.id)
    with pytest.raises(task_errors.TaskBlocked, match=rf"#1 \({word}\)"):
        crew.do("bob", claims.done, task.id, None)


def test_it_is_done_as_ever_once_that_is_done_again(crew):
    first, task = reopened(crew)
    crew.do("carol", claims.claim, first.id)
    crew.do("carol", claims.done, first.id, None)
    assert subjects(crew, "bob") == [
        "task #1 was reopened, and your task #2 needs it: base",
        "task #1 is done again, and your task #2 needs it: base",
    ]
    assert "Why: wrong" in unread(crew, "bob")[0].body
    assert crew.do("bob", claims.done, task.id, None).state == "done"


def test_giving_it_up_needs_no_word(crew):
    _, task = reopened(crew)
    assert crew.do("bob", claims.fail, task.id, "no base").state == "failed"


def test_a_submission_and_an_approval_say_it_too(crew):
    first, task = reopened(crew, review=("lead",))
    with pytest.raises(task_errors.TaskBlocked, match="reopened") as caught:
        crew.do("bob", reviews.submit, "pane", task.id, None)
    assert "xats task submit 2 --force" in caught.value.hint
    assert crew.do("bob", reviews.submit, "pane", task.id, None, force=True)[0].state == "review"
    with pytest.raises(task_errors.TaskBlocked, match="reopened") as caught:
        crew.do("alice", reviews.approve, task.id)
    assert "xats task approve 2 --force" in caught.value.hint
    assert find(crew, task).state == "review"
    assert crew.do("alice", reviews.approve, task.id, force=True)[0].state == "done"
    assert find(crew, first).state == "open"


# -- mail --------------------------------------------------------------------------------------------------------------


def test_whom_it_is_for_is_told_at_once_and_woken(crew):
    add(crew, "do it", to="bob")
    (mail,) = unread(crew, "bob")
    assert (mail.sender, mail.kind, mail.need_reply) == ("xats@crew", "task", False)
    assert "xats task claim 1" in mail.body
    assert [wake.agent_id for wake in crew.store.read(attempts.due)] == [crew.agent("bob").id]


def test_a_role_is_told_but_not_who_added_it(crew):
    add(crew, by="bob", role="dev")
    assert subjects(crew, "carol") == ["task #1 is ready: t"]
    assert subjects(crew, "bob") == []
    add(crew, by="bob", to="bob")
    assert subjects(crew, "bob") == []
    add(crew)
    assert subjects(crew, "alice") == []


def test_once_it_is_claimed_nobody_is_woken_for_it_any_more(crew):
    crew.add("dave", role="dev")
    task = add(crew, role="dev")
    crew.do("bob", claims.claim, task.id)
    for name in ("bob", "carol", "dave"):
        assert unread(crew, name) == []
    assert crew.rows("select * from wakes where closed_at is null") == []
    assert crew.store.read(dead_letters.count) == 0


def test_mail_that_was_read_stays_as_it_is(crew):
    task = add(crew, role="dev")
    (mail,) = unread(crew, "carol")
    crew.do("carol", inbox.mark_read, [mail.id])
    crew.do("bob", claims.claim, task.id)
    assert crew.see("carol", inbox.show, mail.id).state == "read"


def test_whoever_wants_to_know_is_told_the_outcome(crew):
    add(crew, notify="carol,me")
    crew.do("bob", claims.claim, 1)
    crew.do("bob", claims.done, 1, "it works")
    for name in ("carol", "alice"):
        (mail,) = unread(crew, name)
        assert "task #1 is done" in mail.subject
        assert "it works" in mail.body
    add(crew, notify="role:dev")
    crew.do("bob", claims.claim, 2)
    crew.do("bob", claims.fail, 2, "no way")
    assert "no way" in unread(crew, "carol")[-1].body


def test_who_is_to_be_told_and_has_left_holds_nothing_up(crew):
    task = add(crew, notify="carol,me")
    crew.store.write(lambda tx: registration.unregister(tx, agents.by_name(tx, "crew", "carol")))
    crew.do("bob", claims.claim, task.id)
    assert crew.do("bob", claims.done, task.id, None).state == "done"
    assert len(unread(crew, "alice")) == 1


def test_a_cancelled_task_s_owner_is_told(crew):
    task = add(crew)
    crew.do("bob", claims.claim, task.id)
    crew.do("alice", endings.cancel, task.id, "not needed")
    (mail,) = unread(crew, "bob")
    assert "not needed" in mail.body
    with pytest.raises(task_errors.TaskEnded, match="cancelled"):
        crew.do("bob", claims.done, task.id, None)


@pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "a\0b", "\ud800"])
def test_a_note_is_text_of_a_sensible_length(crew, text):
    task = add(crew)
    crew.do("bob", claims.claim, task.id)
    with pytest.raises(task_errors.InvalidTask):
        crew.do("bob", claims.progress, task.id, text)


def test_a_result_is_at_most_a_mebibyte(crew):
    task = add(crew)
    crew.do("bob", claims.claim, task.id)
    with pytest.raises(task_errors.InvalidTask):
        crew.do("bob", claims.done, task.id, "é" * (1 << 19) + "x")
    assert crew.do("bob", claims.done, task.id, "é" * (1 << 19)).state == "done"
