"""Claims: one winner, a lease that lapses, a process that is gone; who is told, and what a latecomer is refused."""

import json

import pytest

from xats import errors
from xats.core import agents, dead, inbox, task_claims, task_ends, task_plans, task_reviews, tasks, wakes
from xats.core.task_claims import GRACE, LEASE

MINUTE = 60_000


@pytest.fixture
def crew(team):
    team.add("alice", role="lead")
    team.add("bob", "carol", role="dev")
    return team


def add(crew, title="t", by="alice", **values):
    return crew.do(by, task_plans.add, task_plans.New(title, **values))[0]


def find(crew, task):
    return crew.store.read(lambda tx: tasks.again(tx, task))


def act(crew, name, work, *args, **values):
    """Do `work` as a verb does it: it shows that `name` is alive."""

    def both(tx, me):
        agents.touch(tx, me)
        return work(tx, me, *args, **values)

    return crew.do(name, both)


def settle(crew, gone=lambda _: False):
    return crew.store.write(lambda tx: task_claims.settle(tx, gone))


def unread(crew, name):
    return [one.message for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def subjects(crew, name):
    return [one.subject for one in unread(crew, name)]


# -- which one ---------------------------------------------------------------------------------------------------------


def test_the_next_one_is_the_most_urgent_and_of_equals_the_oldest(crew):
    add(crew, "later", priority=9)
    first, second = add(crew, "first"), add(crew, "second")
    urgent = add(crew, "urgent", priority=0)
    got = [crew.do("bob", task_claims.claim_next).id for _ in range(4)]
    assert got == [urgent.id, first.id, second.id, 1]
    assert crew.do("bob", task_claims.claim_next) is None


def test_only_what_is_for_me_my_role_or_anybody(crew):
    add(crew, to="carol", priority=0)
    add(crew, role="qa", priority=0)
    mine, role, free = add(crew, to="bob"), add(crew, role="Dev"), add(crew)
    assert [crew.do("bob", task_claims.claim_next).id for _ in range(3)] == [mine.id, role.id, free.id]
    assert crew.do("bob", task_claims.claim_next) is None
    assert not crew.see("bob", task_claims.any_next)
    assert crew.see("carol", task_claims.any_next)


def test_who_has_no_role_gets_what_is_for_anybody(crew):
    crew.add("dave")
    add(crew, role="dev")
    free = add(crew)
    assert crew.do("dave", task_claims.claim_next).id == free.id
    assert crew.do("dave", task_claims.claim_next) is None


def test_another_team_has_its_own(crew):
    crew.register("eve", team="other")
    add(crew)
    eve = crew.agent("eve", "other")
    assert crew.store.write(lambda tx: task_claims.claim_next(tx, eve)) is None
    with pytest.raises(errors.UnknownTask):
        crew.store.write(lambda tx: task_claims.claim(tx, eve, 1))


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
        crew.do("bob", task_claims.claim, task.id)
    assert (caught.value.code, caught.value.exit) == (code, 4)
    assert data.items() <= caught.value.data.items()


def test_who_holds_it_and_how_long_is_said(crew, clock):
    task = add(crew)
    crew.do("bob", task_claims.claim, task.id)
    clock.tick(10 * MINUTE)
    with pytest.raises(errors.TaskHeld, match="claimed by bob, for 20 min more") as caught:
        crew.do("carol", task_claims.claim, task.id)
    assert caught.value.data["owner"] == "bob@crew"
    with pytest.raises(errors.TaskHeld, match="you yourself"):
        crew.do("bob", task_claims.claim, task.id)


def test_what_has_ended_cannot_be_claimed(crew):
    task = add(crew)
    crew.do("bob", task_claims.claim, task.id)
    crew.do("bob", task_claims.done, task.id, None)
    with pytest.raises(errors.TaskEnded, match="done by bob"):
        crew.do("carol", task_claims.claim, task.id)
    with pytest.raises(errors.TaskEnded):
        crew.do("bob", task_claims.done, task.id, None)


@pytest.mark.parametrize("lease", [0, 999, 31 * 86_400_000])
def test_a_lease_has_a_sensible_length(crew, lease):
    task = add(crew)
    with pytest.raises(errors.InvalidTask):
        crew.do("bob", task_claims.claim, task.id, lease)
    assert find(crew, task).state == "open"


# -- lapsing -----------------------------------------------------------------------------------------------------------


def test_a_claim_lapses_when_its_owner_was_silent_for_so_long(crew, clock):
    task = add(crew)
    act(crew, "bob", task_claims.claim, task.id)
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
    act(crew, "bob", task_claims.claim, task.id)
    clock.tick(LEASE - MINUTE)
    act(crew, "bob", lambda tx, me: None)
    clock.tick(LEASE - MINUTE)
    assert settle(crew) == []
    assert find(crew, task).lease_until == clock.now + MINUTE
    clock.tick(MINUTE)
    assert settle(crew) == [task.id]


def test_what_others_do_does_not(crew, clock):
    task = add(crew)
    act(crew, "bob", task_claims.claim, task.id)
    clock.tick(LEASE)
    act(crew, "carol", lambda tx, me: None)
    assert settle(crew) == [task.id]


def test_renewing_begins_the_lease_anew_with_another_length(crew, clock):
    task = add(crew)
    act(crew, "bob", task_claims.claim, task.id)
    clock.tick(LEASE // 2)
    assert crew.do("bob", task_claims.renew, task.id).lease_until == clock.now + LEASE
    assert crew.do("bob", task_claims.renew, task.id, 2 * LEASE).lease_until == clock.now + 2 * LEASE
    clock.tick(LEASE + 1)
    assert settle(crew) == []


def test_a_long_lease_outlasts_silence(crew, clock):
    task = add(crew)
    act(crew, "bob", task_claims.claim, task.id, 24 * 3600_000)
    clock.tick(23 * 3600_000)
    assert settle(crew) == []


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    "late",
    [
        lambda tx, me, n: task_claims.done(tx, me, n, "late"),
        lambda tx, me, n: task_claims.fail(tx, me, n, "late"),
        lambda tx, me, n: task_claims.progress(tx, me, n, "late"),
        task_claims.renew,
        task_claims.release,
    ],
)
def test_a_latecomer_is_refused(crew, clock, late, taken):
    task = add(crew)
    act(crew, "bob", task_claims.claim, task.id)
    clock.tick(LEASE)
    settle(crew)
    if taken:
        crew.do("carol", task_claims.claim, task.id)
    with pytest.raises(errors.LeaseLost, match="carol claimed it since" if taken else "it is open again") as caught:
        act(crew, "bob", late, task.id)
    assert (caught.value.code, caught.value.exit) == ("lease_lost", 4)
    assert find(crew, task).owner == ("carol@crew" if taken else None)


def test_it_can_be_claimed_again_and_the_number_fences_the_old_claim(crew, clock):
    task = add(crew)
    first = act(crew, "bob", task_claims.claim, task.id)
    clock.tick(LEASE)
    settle(crew)
    second = act(crew, "bob", task_claims.claim, task.id)
    assert (first.claims, second.claims) == (1, 2)
    with pytest.raises(errors.LeaseLost, match="you claimed it since"):
        crew.do("bob", task_claims.done, task.id, "old", first.claims)
    assert crew.do("bob", task_claims.done, task.id, "new", second.claims).state == "done"


def test_who_never_claimed_it_is_no_owner(crew):
    task = add(crew)
    with pytest.raises(errors.NotOwner, match="claimed by nobody"):
        crew.do("bob", task_claims.done, task.id, None)
    crew.do("bob", task_claims.claim, task.id)
    with pytest.raises(errors.NotOwner, match="claimed by bob"):
        crew.do("carol", task_claims.done, task.id, None)


def test_others_of_the_role_hear_of_what_is_open_again(crew, clock):
    task = add(crew, role="dev")
    act(crew, "bob", task_claims.claim, task.id)
    assert subjects(crew, "carol") == []
    clock.tick(LEASE)
    settle(crew)
    assert subjects(crew, "carol") == ["task #1 is ready: t"]
    assert subjects(crew, "bob") == ["your claim of task #1 is over: t"]


def test_many_claims_lapse_at_once(crew, clock):
    for _ in range(30):
        add(crew)
        act(crew, "bob", task_claims.claim_next)
    clock.tick(LEASE)
    assert len(settle(crew)) == 30
    assert len(crew.rows("select * from wakes where closed_at is null")) == 1


# -- gone processes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def seated(crew):
    """Bob sits in a process."""
    crew.register("bob", seat=agents.Seat("here", 4711, 1))
    return crew


def test_what_a_gone_process_had_is_free_after_a_while(seated, clock):
    task = add(seated)
    act(seated, "bob", task_claims.claim, task.id, 24 * 3600_000)
    asked = []

    def gone(session):
        asked.append(session.seat.pid)
        return True

    clock.tick(GRACE - 1)
    assert settle(seated, gone) == []
    assert asked == []
    clock.tick(1)
    assert settle(seated, gone) == [task.id]
    assert asked == [4711]
    assert "your process had ended" in unread(seated, "bob")[0].body
    with pytest.raises(errors.LeaseLost):
        act(seated, "bob", task_claims.done, task.id, None)


def test_a_living_process_keeps_its_tasks(seated, clock):
    task = add(seated)
    act(seated, "bob", task_claims.claim, task.id)
    clock.tick(GRACE)
    assert settle(seated) == []
    assert find(seated, task).state == "claimed"


def test_a_seat_without_a_process_is_nobody_s_to_judge(crew, clock):
    task = add(crew)
    act(crew, "bob", task_claims.claim, task.id)
    clock.tick(GRACE)
    assert settle(crew, lambda _: True) == []


def test_who_comes_back_in_time_keeps_it(seated, clock):
    task = add(seated)
    act(seated, "bob", task_claims.claim, task.id)
    clock.tick(GRACE)
    seated.register("bob", seat=agents.Seat("here", 4712, 1))
    assert settle(seated, lambda session: session.seat.pid == 4711) == []
    assert seated.do("bob", task_claims.done, task.id, None).state == "done"


@pytest.mark.parametrize("seen", [False, True])
def test_no_task_is_held_until_a_clock_that_was_set_back_comes_round_again(crew, clock, seen):
    """Neither by its lease nor by what its owner did meanwhile, of which a lease learns only when it is over."""
    task = add(crew)
    act(crew, "bob", task_claims.claim, task.id)
    if seen:
        clock.tick(LEASE - 1)
        act(crew, "bob", lambda *_: None)
    clock.tick(-86_400_000)
    crew.store.write(task_claims.set_right)
    assert settle(crew) == []
    assert find(crew, task).lease_until == clock.now + LEASE
    clock.tick(LEASE)
    crew.store.write(task_claims.set_right)
    assert settle(crew) == [task.id]


def test_a_process_that_has_ended_is_known_to_also_after_the_clock_was_set_back(seated, clock):
    task = add(seated)
    act(seated, "bob", task_claims.claim, task.id)
    clock.tick(-86_400_000)
    seated.store.write(task_claims.set_right)
    clock.tick(GRACE)
    assert settle(seated, gone=lambda _: True) == [task.id]


def test_what_is_in_review_does_not_lapse(seated, clock):
    task = add(seated, review=("lead",))
    act(seated, "bob", task_claims.claim, task.id)
    act(seated, "bob", task_reviews.submit, "pane", task.id, None)
    clock.tick(10 * LEASE)
    assert settle(seated, lambda _: True) == []
    assert seated.do("alice", task_reviews.approve, task.id)[0].state == "done"


def test_whether_there_is_anything_to_settle_is_known_by_looking(seated, clock):
    add(seated)
    assert not seated.store.read(lambda tx: task_claims.due(tx, lambda _: True))
    act(seated, "bob", task_claims.claim, 1)
    assert not seated.store.read(lambda tx: task_claims.due(tx, lambda _: True))
    clock.tick(GRACE)
    assert seated.store.read(lambda tx: task_claims.due(tx, lambda _: True))
    assert not seated.store.read(lambda tx: task_claims.due(tx, lambda _: False))
    clock.tick(LEASE)
    assert seated.store.read(lambda tx: task_claims.due(tx, lambda _: False))


# -- letting go --------------------------------------------------------------------------------------------------------


def test_giving_it_back(crew):
    task = add(crew, role="dev")
    crew.do("bob", task_claims.claim, task.id)
    assert crew.do("bob", task_claims.release, task.id, "no access").state == "open"
    assert subjects(crew, "carol") == ["task #1 is ready: t"]
    with pytest.raises(errors.NotOwner):
        crew.do("bob", task_claims.done, task.id, None)


def test_a_person_and_who_made_it_can_take_it_from_its_owner(crew):
    crew.add("hal", client="human")
    for name in ("alice", "hal"):
        task = add(crew)
        crew.do("bob", task_claims.claim, task.id)
        crew.do(name, task_claims.release, task.id)
        assert "was taken from you" in subjects(crew, "bob")[-1]
        with pytest.raises(errors.LeaseLost):
            crew.do("bob", task_claims.done, task.id, None)
    task = add(crew)
    crew.do("bob", task_claims.claim, task.id)
    with pytest.raises(errors.NotOwner):
        crew.do("carol", task_claims.release, task.id)


def test_who_leaves_with_tasks_is_held_back_or_gives_them_back(crew):
    add(crew, "first"), add(crew, "second", role="dev")
    crew.do("bob", task_claims.claim_next), crew.do("bob", task_claims.claim_next)
    with pytest.raises(errors.TasksHeld, match="#1 first, #2 second") as caught:
        crew.do("bob", task_claims.leave, force=False)
    assert caught.value.data["tasks"] == [1, 2]
    assert crew.do("bob", task_claims.leave, force=True) == [1, 2]
    assert {row["state"] for row in crew.rows("select state from tasks")} == {"open"}
    assert subjects(crew, "carol") == ["task #2 is ready: second"]
    assert crew.do("bob", task_claims.leave, force=False) == []


# -- mail --------------------------------------------------------------------------------------------------------------


def test_whom_it_is_for_is_told_at_once_and_woken(crew):
    add(crew, "do it", to="bob")
    (mail,) = unread(crew, "bob")
    assert (mail.sender, mail.kind, mail.need_reply) == ("xats@crew", "task", False)
    assert "xats task claim 1" in mail.body
    assert [wake.agent_id for wake in crew.store.read(wakes.due)] == [crew.agent("bob").id]


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
    crew.do("bob", task_claims.claim, task.id)
    for name in ("bob", "carol", "dave"):
        assert unread(crew, name) == []
    assert crew.rows("select * from wakes where closed_at is null") == []
    assert crew.store.read(dead.count) == 0


def test_mail_that_was_read_stays_as_it_is(crew):
    task = add(crew, role="dev")
    (mail,) = unread(crew, "carol")
    crew.do("carol", inbox.mark_read, [mail.id])
    crew.do("bob", task_claims.claim, task.id)
    assert crew.see("carol", inbox.show, mail.id).state == "read"


def test_whoever_wants_to_know_is_told_the_outcome(crew):
    add(crew, notify="carol,me")
    crew.do("bob", task_claims.claim, 1)
    crew.do("bob", task_claims.done, 1, "it works")
    for name in ("carol", "alice"):
        (mail,) = unread(crew, name)
        assert "task #1 is done" in mail.subject
        assert "it works" in mail.body
    add(crew, notify="role:dev")
    crew.do("bob", task_claims.claim, 2)
    crew.do("bob", task_claims.fail, 2, "no way")
    assert "no way" in unread(crew, "carol")[-1].body


def test_who_is_to_be_told_and_has_left_holds_nothing_up(crew):
    task = add(crew, notify="carol,me")
    crew.store.write(lambda tx: agents.unregister(tx, agents.by_name(tx, "crew", "carol")))
    crew.do("bob", task_claims.claim, task.id)
    assert crew.do("bob", task_claims.done, task.id, None).state == "done"
    assert len(unread(crew, "alice")) == 1


def test_a_cancelled_task_s_owner_is_told(crew):
    task = add(crew)
    crew.do("bob", task_claims.claim, task.id)
    crew.do("alice", task_ends.cancel, task.id, "not needed")
    (mail,) = unread(crew, "bob")
    assert "not needed" in mail.body
    with pytest.raises(errors.TaskEnded, match="cancelled"):
        crew.do("bob", task_claims.done, task.id, None)


@pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "a\0b", "\ud800"])
def test_a_note_is_text_of_a_sensible_length(crew, text):
    task = add(crew)
    crew.do("bob", task_claims.claim, task.id)
    with pytest.raises(errors.InvalidTask):
        crew.do("bob", task_claims.progress, task.id, text)


def test_a_result_is_at_most_a_mebibyte(crew):
    task = add(crew)
    crew.do("bob", task_claims.claim, task.id)
    with pytest.raises(errors.InvalidTask):
        crew.do("bob", task_claims.done, task.id, "é" * (1 << 19) + "x")
    assert crew.do("bob", task_claims.done, task.id, "é" * (1 << 19)).state == "done"
