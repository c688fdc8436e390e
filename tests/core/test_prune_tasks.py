"""Pruning of tasks: what has ended long ago goes, and nothing that somebody may still ask about."""

import pytest

from tests.support.checks import dangling
from xats.core import prune
from xats.core.mail import inbox
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, endings, planning, pools
from xats.core.tasks.planning import Edit, New

AGE = 30 * 86_400_000


@pytest.fixture
def crew(team):
    team.add("alice", role="lead")
    team.add("bob", role="dev")
    return team


def add(crew, **values):
    return crew.do("alice", planning.add, New("t", **values))[0].id


def finish(crew, *numbers):
    for number in numbers:
        crew.do("bob", claims.claim, number)
        crew.do("bob", claims.done, number, None)


def left(crew, clock, limit=prune.FIRST):
    """Let it all grow old and go; return the ids of the tasks that stay."""
    clock.tick(AGE + 1)
    return again(crew, clock, limit)


def again(crew, clock, limit=prune.FIRST):
    place, gone, before = prune.Place(), 0, len(crew.rows("select id from tasks"))
    while place:
        done = crew.store.write(lambda tx, here=place: prune.step(tx, here, clock.now - AGE, limit))
        place, gone = done.place, gone + done.removed.tasks
        assert dangling(crew.store) == []
    ids = [row["id"] for row in crew.rows("select id from tasks order by id")]
    assert gone == before - len(ids)
    return ids


def test_what_has_ended_goes_with_all_that_it_had(crew, clock):
    task = add(crew, review=("lead",))
    crew.do("bob", claims.claim, task)
    crew.do("bob", claims.progress, task, "half")
    crew.do("alice", endings.cancel, task, "no need")
    open_one = add(crew)
    assert left(crew, clock) == [open_one]
    for table in prune.OF_A_TASK:
        assert crew.rows(f"select * from {table} where task_id = {task}") == []


def test_what_ended_of_late_stays(crew, clock):
    task = add(crew)
    clock.tick(AGE)
    finish(crew, task)
    clock.tick(AGE - 1)
    assert again(crew, clock) == [task]


@pytest.mark.parametrize("limit", [1, 2, 20])
def test_a_chain_goes_in_one_walk_whichever_way_its_ids_run(crew, clock, limit):
    up = [add(crew)]
    for _ in range(6):
        up.append(add(crew, needs=(up[-1],)))
    finish(crew, *up)
    down = [add(crew) for _ in range(3)]
    crew.do("alice", planning.edit, down[0], Edit(needs=(down[1],)))
    crew.do("alice", planning.edit, down[1], Edit(needs=(down[2],)))
    finish(crew, *reversed(down))
    assert set(left(crew, clock, limit)) <= set(down[1:])  # what a lower id needs waits for another walk
    again(crew, clock, limit)
    assert again(crew, clock, limit) == []


def test_what_an_unfinished_task_needs_stays(crew, clock):
    first = add(crew)
    second = add(crew, needs=(first,))
    finish(crew, first)
    assert left(crew, clock) == [first, second]
    finish(crew, second)
    assert again(crew, clock) == [first, second]
    assert left(crew, clock) == []


def test_the_children_of_an_unfinished_parent_stay_and_are_counted(crew, clock):
    parent = add(crew)
    children = [add(crew, parent_id=parent) for _ in range(3)]
    finish(crew, *children[:2])
    assert left(crew, clock) == [parent, *children]
    finish(crew, children[2], parent)
    assert left(crew, clock) == []


def test_a_parent_stays_for_its_unfinished_child(crew, clock):
    parent = add(crew)
    child = add(crew, parent_id=parent)
    finish(crew, parent)
    assert left(crew, clock) == [parent, child]


def test_a_claimable_message_goes_with_its_mail(crew, clock):
    sent, task = crew.do("alice", pools.send, "pane", Draft("pool:dev", "who can?"))
    finish(crew, task.id)
    for name in ("alice", "bob"):
        unread = crew.see(name, inbox.peek, inbox.Query()).letters
        crew.do(name, inbox.mark_read, [letter.message.id for letter in unread])
    assert left(crew, clock) == []
    assert crew.rows(f"select id from messages where id = {sent.message.id}") == []
