"""Reviews: every named role approves, never the author; a new submission makes earlier approvals void."""

import pytest

from xats.base import errors
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, endings, planning, reviews, tasks, views
from xats.core.tasks import errors as task_errors
from xats.core.tasks.planning import New


@pytest.fixture
def crew(team):
    team.add("alice", role="boss")
    team.add("bob", role="dev")
    team.add("quinn", "queen", role="qa")
    team.add("leo", role="lead")
    return team


@pytest.fixture
def task(crew):
    """A task that qa and lead have to approve, claimed by bob."""
    made, _ = crew.do("alice", planning.add, New("t", review=("QA", "lead")))
    return crew.do("bob", claims.claim, made.id)


def submit(crew, task, result=None, by="bob"):
    return crew.do(by, reviews.submit, "pane", task.id, result)


def approve(crew, task, by):
    return crew.do(by, reviews.approve, task.id)


def feedback(crew, task, by, text="more"):
    return crew.do(by, reviews.feedback, "pane", task.id, text)


def letters(crew, name):
    return [one.message for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def find(crew, task):
    return crew.store.read(lambda tx: tasks.again(tx, task))


def test_every_named_role_has_to_approve(crew, task):
    now, empty = submit(crew, task, "it works")
    assert (now.state, now.submission, empty) == ("review", 1, [])
    assert approve(crew, task, "quinn")[0].state == "review"
    assert approve(crew, task, "leo")[0].state == "done"
    found = crew.store.read(lambda tx: views.details(tx, "crew", task.id))
    assert found.result == "it works"
    assert [(one.role, one.agent) for one in found.approvals] == [("lead", "leo@crew"), ("qa", "quinn@crew")]
    assert "approved and done" in letters(crew, "bob")[-1].subject


def test_what_a_reviewer_had_read_before_it_answers_keeps_the_time_of_that_reading(crew, task, clock):
    submit(crew, task)
    (asked,) = letters_of(crew, "quinn")
    crew.do("quinn", inbox.mark_read, [asked])
    read_at = clock.now
    clock.tick(60_000)
    approve(crew, task, "quinn")
    sql = "select state, read_at, replied_at from deliveries where message_id = :id and agent_id = :quinn"
    (copy,) = crew.rows(sql, id=asked, quinn=crew.agent("quinn").id)
    assert tuple(copy.values()) == ("replied", read_at, clock.now)


def test_done_is_not_for_what_is_to_be_approved(crew, task):
    with pytest.raises(task_errors.NeedsReview, match="lead, qa") as caught:
        crew.do("bob", claims.done, task.id, None)
    assert caught.value.hint == f"xats task submit {task.id}"
    submit(crew, task)
    with pytest.raises(task_errors.NeedsReview):
        crew.do("bob", claims.done, task.id, None)


def test_what_nobody_has_to_approve_is_not_submitted(crew):
    made, _ = crew.do("alice", planning.add, New("t"))
    crew.do("bob", claims.claim, made.id)
    with pytest.raises(task_errors.InvalidTask) as caught:
        crew.do("bob", reviews.submit, "pane", made.id, None)
    assert caught.value.hint == f"xats task done {made.id}"


def test_reviewers_get_mail_from_the_author_that_needs_a_reply(crew, task):
    submit(crew, task, "see branch t")
    for name in ("quinn", "queen", "leo"):
        (mail,) = letters(crew, name)
        assert (mail.sender, mail.kind, mail.need_reply) == ("bob@crew", "review", True)
        assert "see branch t" in mail.body
        assert f"xats task approve {task.id}" in mail.body
    assert letters(crew, "alice") == []


def test_one_of_a_role_is_enough_and_the_others_are_not_asked_any_more(crew, task):
    submit(crew, task)
    approve(crew, task, "quinn")
    assert letters(crew, "queen") == []
    assert crew.see("quinn", inbox.show, letters_of(crew, "quinn")[0]).state == "replied"
    assert len(letters(crew, "leo")) == 1
    assert approve(crew, task, "queen") == (find(crew, task), False)


def letters_of(crew, name):
    return [one.message.id for one in crew.see(name, inbox.peek, inbox.Query(every=True)).letters]


@pytest.mark.parametrize("act", [approve, feedback])
def test_nobody_reviews_his_own_work_or_without_the_role(crew, act):
    made, _ = crew.do("alice", planning.add, New("t", review=("qa",)))
    with pytest.raises(task_errors.NotInReview):
        act(crew, made, "quinn")
    crew.do("quinn", claims.claim, made.id)
    submit(crew, made, by="quinn")
    with pytest.raises(task_errors.NotReviewer, match="your own work"):
        act(crew, made, "quinn")
    with pytest.raises(task_errors.NotReviewer, match="your role is dev") as caught:
        act(crew, made, "bob")
    assert caught.value.exit == 4
    crew.add("nemo")
    with pytest.raises(task_errors.NotReviewer, match="you have no role"):
        act(crew, made, "nemo")
    assert [one.sender for one in letters(crew, "queen")] == ["quinn@crew"]
    assert approve(crew, made, "queen")[0].state == "done"
    with pytest.raises(task_errors.TaskEnded):
        act(crew, made, "queen")


def test_taking_a_role_on_later_does_not_make_one_a_reviewer_of_one_s_own(crew, task):
    submit(crew, task)
    crew.register("bob", role="qa")
    with pytest.raises(task_errors.NotReviewer):
        approve(crew, task, "bob")


def test_a_new_submission_makes_earlier_approvals_void(crew, task):
    submit(crew, task)
    approve(crew, task, "quinn")
    assert submit(crew, task)[0].submission == 2
    assert approve(crew, task, "leo")[0].state == "review"
    assert approve(crew, task, "queen")[0].state == "done"


def test_feedback_sends_it_back_with_the_text(crew, task, clock):
    submit(crew, task, "v1")
    approve(crew, task, "leo")
    clock.tick(3600_000)
    now = feedback(crew, task, "quinn", "no tests\n")
    assert (now.state, now.owner, now.lease_until) == ("claimed", "bob@crew", clock.now + claims.LEASE)
    (mail,) = letters(crew, "bob")
    assert (mail.sender, mail.kind) == ("quinn@crew", "feedback")
    assert mail.body.startswith("no tests\n\nSubmit it again")
    assert mail.reply_to is not None
    for name in ("queen", "quinn", "leo"):
        assert letters(crew, name) == []
    submit(crew, task, "v2")
    assert approve(crew, task, "quinn")[0].state == "review"
    assert approve(crew, task, "leo")[0].state == "done"


def test_who_came_later_and_was_not_asked_can_send_it_back_too(crew, task):
    submit(crew, task)
    crew.add("late", role="qa")
    feedback(crew, task, "late", "no")
    assert letters(crew, "bob")[0].reply_to is None


def test_an_empty_feedback_is_none(crew, task):
    submit(crew, task)
    with pytest.raises(task_errors.InvalidTask):
        feedback(crew, task, "quinn", " \n")


def test_a_role_in_which_nobody_is_there_is_named(crew):
    made, _ = crew.do("alice", planning.add, New("t", review=("ops", "qa")))
    crew.do("bob", claims.claim, made.id)
    assert submit(crew, made)[1] == ["ops"]
    crew.add("olga", role="ops")
    approve(crew, made, "quinn")
    assert approve(crew, made, "olga")[0].state == "done"


def test_what_is_released_or_cancelled_in_review_asks_nobody_any_more(crew, task):
    submit(crew, task)
    crew.do("bob", claims.release, task.id)
    assert letters(crew, "quinn") == []
    crew.do("bob", claims.claim, task.id)
    submit(crew, task)
    crew.do("alice", endings.cancel, task.id, None)
    assert letters(crew, "quinn") == []
    assert find(crew, task).state == "cancelled"


def test_a_reviewer_can_answer_the_mail_as_well(crew, task):
    submit(crew, task)
    (mail,) = letters(crew, "quinn")
    crew.do("quinn", sending.reply, "pane", mail.id, Draft("", "what is this?"))
    assert letters(crew, "bob")[0].body == "what is this?"
    assert approve(crew, task, "quinn")[1]


# -- who has to approve changes ----------------------------------------------------------------------------------------


def change(crew, task, by="alice", **roles):
    return crew.do(by, planning.edit, task.id, planning.Edit(**roles))


def wanted(crew, task):
    return crew.store.read(lambda tx: reviews.roles(tx, task.id))


def history(crew, task):
    found = crew.store.read(lambda tx: views.details(tx, "crew", task.id))
    return [(one.kind, one.text) for one in found.notes]


def test_a_reviewer_is_added_and_removed(crew, task):
    change(crew, task, review=("Security",), no_review=("QA",))
    assert wanted(crew, task) == ["lead", "security"]
    assert ("edited", "review: +security, -qa") in history(crew, task)
    assert letters(crew, "bob")[-1].body.splitlines()[1] == "These roles must approve it now: lead, security."


def test_one_that_is_added_after_the_submission_is_asked(crew, task):
    crew.add("sam", role="security")
    submit(crew, task, "it works")
    approve(crew, task, "quinn")
    change(crew, task, review=("security",))
    (asked,) = letters(crew, "sam")
    assert (asked.sender, asked.need_reply) == ("bob@crew", True)
    assert "it works" in asked.body
    approve(crew, task, "leo")
    assert find(crew, task).state == "review"
    feedback(crew, task, "sam", "a hole")
    assert letters(crew, "bob")[-1].body.startswith("a hole")


def test_one_that_is_removed_is_asked_no_more(crew, task):
    submit(crew, task)
    change(crew, task, no_review=("qa",))
    assert letters(crew, "quinn") == []
    assert find(crew, task).state == "review"
    approve(crew, task, "leo")
    assert find(crew, task).state == "done"


def test_without_a_missing_approval_it_is_done(crew, task):
    submit(crew, task, "it works")
    approve(crew, task, "quinn")
    assert change(crew, task, no_review=("lead",)).state == "done"
    found = crew.store.read(lambda tx: views.details(tx, "crew", task.id))
    assert (found.result, [one.role for one in found.approvals]) == ("it works", ["qa"])
    assert "alice removed the last approval that was missing" in letters(crew, "bob")[-1].body


def test_all_reviewers_can_be_removed(crew, task):
    change(crew, task, no_review=("qa", "lead"))
    assert crew.do("bob", claims.done, task.id, None).state == "done"


def test_one_that_has_approved_can_be_removed(crew, task):
    submit(crew, task)
    approve(crew, task, "quinn")
    change(crew, task, no_review=("qa",))
    assert find(crew, task).state == "review"


def test_an_owner_cannot_spare_itself_a_review(crew, task):
    with pytest.raises(errors.Refused, match="your own work"):
        change(crew, task, by="bob", no_review=("qa",))
    change(crew, task, by="bob", review=("security",))
    assert wanted(crew, task) == ["lead", "qa", "security"]


def test_what_makes_no_sense_is_refused(crew, task):
    with pytest.raises(task_errors.InvalidTask, match="does not need the approval of ops"):
        change(crew, task, no_review=("ops",))
    with pytest.raises(task_errors.InvalidTask, match="both name qa"):
        change(crew, task, review=("qa",), no_review=("QA",))
    with pytest.raises(errors.InvalidName):
        change(crew, task, review=("a b",))
    assert wanted(crew, task) == ["lead", "qa"]
    crew.do("alice", endings.cancel, task.id, None)
    with pytest.raises(task_errors.TaskEnded):
        change(crew, task, review=("ops",))


def test_a_reviewer_that_is_there_already_changes_nothing(crew, task):
    before = history(crew, task)
    change(crew, task, review=("qa",))
    assert history(crew, task) == before


def test_what_rests_on_a_reopened_task_is_not_done_by_an_edit(crew):
    first, _ = crew.do("alice", planning.add, New("first"))
    second, _ = crew.do("alice", planning.add, New("second", needs=(first.id,), review=("qa",)))
    crew.do("bob", claims.claim, first.id)
    crew.do("bob", claims.done, first.id, None)
    crew.do("bob", claims.claim, second.id)
    submit(crew, second)
    crew.do("alice", endings.reopen, first.id)
    with pytest.raises(task_errors.TaskBlocked):
        change(crew, second, no_review=("qa",))
    assert (find(crew, second).state, wanted(crew, second)) == ("review", ["qa"])


# -- one letter for one thing ------------------------------------------------------------------------------------------


def test_an_owner_that_is_notified_hears_of_the_approval_once(crew):
    task, _ = crew.do("alice", planning.add, New("t", review=("qa",), notify="alice,bob"))
    crew.do("bob", claims.claim, task.id)
    submit(crew, task)
    approve(crew, task, "quinn")
    for name in ("alice", "bob"):
        assert [one.subject for one in letters(crew, name)] == [f"task #{task.id} is done: t"]


def test_an_owner_that_is_notified_hears_of_the_cancellation_once(crew):
    task, _ = crew.do("alice", planning.add, New("t", notify="bob"))
    crew.do("bob", claims.claim, task.id)
    crew.do("alice", endings.cancel, task.id, "too late")
    assert [one.subject for one in letters(crew, "bob")] == [f"task #{task.id} was cancelled: t"]


def test_who_is_notified_and_added_what_waits_for_it_hears_of_a_failure_once(crew):
    first, _ = crew.do("alice", planning.add, New("first", notify="alice,leo"))
    crew.do("alice", planning.add, New("second", needs=(first.id,)))
    crew.do("bob", claims.claim, first.id)
    crew.do("bob", claims.fail, first.id, "no disk")
    assert [one.subject for one in letters(crew, "alice")] == [f"task #{first.id} failed, and #2 waits for it"]
    assert "Why: no disk" in letters(crew, "alice")[0].body
    assert [one.subject for one in letters(crew, "leo")] == [f"task #{first.id} has failed: first"]


def test_who_can_start_what_it_added_hears_once_that_its_owner_has_left(crew):
    mine, _ = crew.do("alice", planning.add, New("mine", role="boss"))
    crew.add("ben", role="boss")
    crew.do("ben", claims.claim, mine.id)
    crew.do("ben", claims.leave)
    found = letters(crew, "alice")[-1:]
    assert [one.subject for one in letters(crew, "alice")] == [f"task #{mine.id} is ready: mine"]
    assert "is open again (ben has left): mine" in found[0].body
