"""Adding tasks and changing them: what they need, for whom they are, what is refused and why."""

import pytest

from xats.base import errors
from xats.core.mail import inbox
from xats.core.tasks import claims, dependencies, endings, planning, tasks, transfer, views
from xats.core.tasks import errors as task_errors
from xats.core.tasks.planning import Edit, New
from xats.core.tasks.views import Query


@pytest.fixture
def crew(team):
    team.add("alice", role="lead")
    team.add("bob", "carol", role="dev")
    return team


def add(crew, title="t", by="alice", **values):
    return crew.do(by, planning.add, New(title, **values))[0]


def edit(crew, number, by="alice", **values):
    return crew.do(by, planning.edit, number, Edit(**values))


def finish(crew, number, by="bob"):
    crew.do(by, claims.claim, number)
    return crew.do(by, claims.done, number, None)


def subjects(crew, name):
    return [one.message.subject for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def listing(crew, **query):
    return [one.task.id for one in crew.store.read(lambda tx: views.listing(tx, "crew", Query(**query)))[0]]


# -- adding ------------------------------------------------------------------------------------------------------------


def test_a_key_adds_it_once_for_each_creator(crew):
    first, created = crew.do("alice", planning.add, New("a", key="k"))
    assert created
    again, created = crew.do("alice", planning.add, New("a", key="k"))
    assert (again.id, again.title, created) == (first.id, "a", False)
    assert crew.do("bob", planning.add, New("b", key="k"))[1]


def test_who_adds_a_task_for_its_own_role_is_not_told_of_it(crew):
    add(crew, by="bob", role="dev")
    assert (subjects(crew, "bob"), subjects(crew, "carol")) == ([], ["task #1 is ready: t"])


@pytest.mark.parametrize(
    "change, differs",
    [
        ({"title": "b"}, "title"),
        ({"description": "other"}, "description"),
        ({"to": "alice"}, "assignee"),
        ({"to": None}, "assignee"),
        ({"to": "nobody"}, "assignee"),
        ({"priority": 1}, "priority"),
        ({"parent_id": 1}, "parent"),
    ],
    ids=str,
)
def test_a_key_for_another_task_is_refused_and_takes_no_id(crew, change, differs):
    crew.do("alice", planning.add, New("parent"))
    new = {"title": "a", "description": "text", "to": "bob", "key": "k"}
    first, _ = crew.do("alice", planning.add, New(**new))
    with pytest.raises(errors.KeyReused) as caught:
        crew.do("alice", planning.add, New(**new | change))
    assert (caught.value.code, caught.value.data["id"], caught.value.data["differs"]) == (
        "key_reused",
        first.id,
        [differs],
    )
    assert not crew.do("alice", planning.add, New(**new, due_at=5, notify="bob"))[1]  # those may differ
    assert crew.do("alice", planning.add, New("next"))[0].id == first.id + 1


def test_a_key_of_a_task_that_was_edited_since_is_still_the_same_call(crew):
    new = New("a", "text", to="bob", key="k")
    task, _ = crew.do("alice", planning.add, new)
    crew.do("alice", planning.edit, task.id, Edit(title="b", to="alice"))
    assert crew.do("alice", planning.add, new)[0].id == task.id
    with pytest.raises(errors.KeyReused, match="another description"):
        crew.do("alice", planning.add, New("a", "other", to="bob", key="k"))


@pytest.mark.parametrize(
    "values, code",
    [
        ({"title": ""}, "invalid_task"),
        ({"title": "  "}, "invalid_task"),
        ({"title": "a\nb"}, "invalid_task"),
        ({"title": "x" * 201}, "invalid_task"),
        ({"key": ""}, "invalid_task"),  # of a variable that is not set
        ({"priority": 10}, "invalid_task"),
        ({"priority": -1}, "invalid_task"),
        ({"description": "x" * ((1 << 20) + 1)}, "invalid_task"),
        ({"description": "a\0b"}, "invalid_task"),
        ({"to": "bob", "role": "dev"}, "invalid_task"),
        ({"to": "nobody"}, "unknown_agent"),
        ({"to": "bob@other"}, "invalid_task"),
        ({"role": "a b"}, "invalid_name"),
        ({"review": ("a b",)}, "invalid_name"),
        ({"needs": (9,)}, "unknown_task"),
        ({"parent_id": 9}, "unknown_task"),
        ({"notify": "nobody"}, "unknown_recipient"),
        ({"notify": "pool:dev"}, "usage"),
    ],
)
def test_what_is_no_task_is_refused_and_nothing_is_stored(crew, values, code):
    with pytest.raises(errors.XatsError) as caught:
        add(crew, **{"title": "t", **values})
    assert caught.value.code == code
    assert crew.rows("select * from tasks") == []
    assert crew.rows("select * from events where type like 'task%'") == []


def test_a_task_of_another_team_cannot_be_needed(crew):
    crew.register("eve", team="other")
    crew.store.write(lambda tx: planning.add(tx, crew_agent(tx, "eve", "other"), New("theirs")))
    with pytest.raises(task_errors.UnknownTask):
        add(crew, needs=(1,))


def crew_agent(tx, name, team):
    from xats.core.agents import agents

    return agents.by_name(tx, team, name)


# -- needs -------------------------------------------------------------------------------------------------------------


def test_a_cycle_is_refused_and_its_path_is_named(crew):
    for needs in ((), (1,), (2,)):
        add(crew, needs=needs)
    with pytest.raises(task_errors.DependencyCycle, match="#1 -> #3 -> #2 -> #1") as caught:
        edit(crew, 1, needs=(3,))
    assert caught.value.data["path"] == [1, 3, 2, 1]
    with pytest.raises(task_errors.DependencyCycle, match="#1 -> #1"):
        edit(crew, 1, needs=(1,))
    assert len(crew.rows("select * from task_needs")) == 2


def test_a_long_chain_is_walked(crew):
    add(crew)
    for number in range(1, 300):
        add(crew, needs=(number,))
    with pytest.raises(task_errors.DependencyCycle) as caught:
        edit(crew, 1, needs=(300,))
    assert len(caught.value.data["path"]) == 301
    assert len(crew.store.read(lambda tx: views.graph(tx, "crew", None)).tasks) == 300


def test_who_can_start_the_next_is_told(crew):
    add(crew, "first"), add(crew, "second"), add(crew, "last", needs=(1, 2), to="carol")
    finish(crew, 1)
    assert subjects(crew, "carol") == []
    finish(crew, 2)
    assert subjects(crew, "carol") == ["task #3 is ready: last"]
    assert finish(crew, 3, "carol").state == "done"


def test_who_finished_the_last_one_is_told_too_if_it_is_for_him(crew):
    add(crew), add(crew, "next", needs=(1,), to="bob"), add(crew, "more", needs=(1,), role="dev")
    finish(crew, 1)
    assert subjects(crew, "bob") == ["task #2 is ready: next", "task #3 is ready: more"]
    assert subjects(crew, "carol") == ["task #3 is ready: more"]


def test_what_needs_a_done_task_is_ready_at_once(crew):
    add(crew)
    finish(crew, 1)
    assert add(crew, needs=(1,)).ready


def test_a_failed_task_blocks_and_its_dependents_creator_is_told_once(crew):
    add(crew, by="carol"), add(crew, "a", needs=(1,)), add(crew, "b", needs=(1,))
    crew.do("bob", claims.claim, 1)
    crew.do("bob", claims.fail, 1, "no way")
    assert subjects(crew, "alice") == ["task #1 failed, and #2, #3 wait for it"]
    found = crew.store.read(lambda tx: views.details(tx, "crew", 2))
    assert [(one.id, one.state) for one in found.listed.blockers] == [(1, "failed")]
    with pytest.raises(task_errors.TaskBlocked, match=r"#1 \(failed\)"):
        crew.do("bob", claims.claim, 2)
    assert edit(crew, 2, no_needs=(1,)).ready


def test_reopening_lets_others_wait_again(crew):
    add(crew), add(crew, needs=(1,), to="carol"), add(crew, needs=(1,)), add(crew, needs=(1, 3))
    finish(crew, 1)
    assert subjects(crew, "carol") == ["task #2 is ready: t"]
    crew.do("carol", claims.claim, 3)
    now = crew.do("bob", endings.reopen, 1)
    assert (now.state, now.owner) == ("open", None)
    assert [row["waits_for"] for row in crew.rows("select waits_for from tasks order by id")] == [0, 1, 1, 2]
    assert subjects(crew, "carol") == ["task #1 was reopened, and your task #3 needs it: t"]
    finish(crew, 1)
    assert subjects(crew, "carol")[1:] == [
        "task #2 is ready: t",
        "task #1 is done again, and your task #3 needs it: t",
    ]
    kinds = [note.kind for note in crew.store.read(lambda tx: views.details(tx, "crew", 1)).notes]
    assert kinds == ["added", "claimed", "done", "reopened", "claimed", "done"]


def test_reopening_is_for_those_whom_it_concerns(crew):
    add(crew)
    finish(crew, 1)
    with pytest.raises(errors.Refused, match="Only alice"):
        crew.do("carol", endings.reopen, 1)
    crew.do("alice", endings.reopen, 1)
    with pytest.raises(task_errors.TaskLive):
        crew.do("alice", endings.reopen, 1)


# -- editing -----------------------------------------------------------------------------------------------------------


def test_what_is_given_changes_and_nothing_else(crew):
    add(crew, "old", description="d", role="dev", due_at=5, notify="bob")
    now = edit(crew, 1, title="new", priority=1)
    assert (now.title, now.priority, now.role, now.due_at, now.notify) == ("new", 1, "dev", 5, "bob")
    now = edit(crew, 1, anybody=True, clear=("due_at", "notify"))
    assert (now.role, now.due_at, now.notify) == (None, None, None)
    with pytest.raises(task_errors.InvalidTask, match="Nothing"):
        edit(crew, 1)


def test_whom_it_is_for_now_is_told_and_the_others_not_any_more(crew):
    add(crew, role="dev")
    edit(crew, 1, to="carol")
    assert subjects(crew, "carol") == ["task #1 is ready: t"]
    assert subjects(crew, "bob") == []


def test_what_has_begun_stays_with_its_owner(crew):
    add(crew), add(crew)
    crew.do("bob", claims.claim, 1)
    for values in ({"to": "carol"}, {"anybody": True}, {"needs": (2,)}):
        with pytest.raises(errors.Refused, match="has already begun"):
            edit(crew, 1, **values)
    assert edit(crew, 1, title="new").title == "new"
    assert subjects(crew, "bob") == ["task #1 was changed: new"]
    with pytest.raises(errors.Refused, match="Only alice"):
        edit(crew, 2, by="carol", title="x")


def test_nothing_is_above_itself(crew):
    add(crew), add(crew, parent_id=1), add(crew, parent_id=2)
    for parent in (1, 2, 3):
        with pytest.raises(task_errors.InvalidTask, match="cannot be its parent"):
            edit(crew, 1, parent_id=parent)
    assert edit(crew, 3, parent_id=1).parent_id == 1


# -- looking -----------------------------------------------------------------------------------------------------------


def test_lists_are_by_urgency_and_can_be_narrowed(crew):
    add(crew, priority=9), add(crew, role="dev"), add(crew, to="bob"), add(crew, needs=(1,), priority=0)
    finish(crew, 2)
    crew.do("carol", claims.claim, 1)
    assert listing(crew) == [4, 3, 1]
    assert listing(crew, ready=True) == [3]
    assert listing(crew, state="claimed") == [1]
    assert listing(crew, state="done") == [2]
    assert listing(crew, ended=True) == [4, 3, 2, 1]
    assert listing(crew, mine=crew.agent("bob")) == [3]
    assert listing(crew, mine=crew.agent("bob"), ended=True) == [3, 2]
    assert listing(crew, role="dev", ended=True) == [2]
    found, has_more = crew.store.read(lambda tx: views.listing(tx, "crew", Query(limit=2)))
    assert ([one.task.id for one in found], has_more) == ([4, 3], True)


def test_a_parent_shows_how_far_its_parts_are(crew):
    add(crew), add(crew, parent_id=1), add(crew, parent_id=1)
    finish(crew, 2)
    found = crew.store.read(lambda tx: views.details(tx, "crew", 1))
    assert found.listed.children == (1, 2)
    assert [(one.id, one.state) for one in found.children] == [(2, "done"), (3, "open")]
    assert finish(crew, 1).state == "done"


def test_a_graph_holds_what_hangs_together(crew):
    add(crew), add(crew, needs=(1,)), add(crew, needs=(1, 2)), add(crew, parent_id=3), add(crew)
    whole = crew.store.read(lambda tx: views.graph(tx, "crew", None))
    assert set(whole.tasks) == {1, 2, 3, 4, 5}
    assert set(whole.roots) == {3, 5}
    part = crew.store.read(lambda tx: views.graph(tx, "crew", 3))
    assert (set(part.tasks), part.roots, part.needs[3], part.children[3]) == ({1, 2, 3, 4}, (3,), (1, 2), (4,))
    few = crew.store.read(lambda tx: views.graph(tx, "crew", None, 2))
    assert (len(few.tasks), few.has_more) == (2, True)


def test_a_part_may_need_what_it_is_a_part_of_and_is_drawn_all_the_same(crew):
    add(crew), add(crew, parent_id=1, needs=(1,)), add(crew, parent_id=2, needs=(1,)), add(crew)
    whole = crew.store.read(lambda tx: views.graph(tx, "crew", None))
    assert (set(whole.tasks), whole.roots) == ({1, 2, 3, 4}, (4, 1))


# -- files -------------------------------------------------------------------------------------------------------------


def export(crew, **values):
    return crew.store.read(lambda tx: transfer.export(tx, "crew", **{"ended": False, **values}))


def test_what_others_need_and_has_failed_is_exported_with_them(crew):
    add(crew), add(crew, needs=(1,)), add(crew), add(crew, needs=(3,))
    finish(crew, 3)
    crew.do("bob", claims.claim, 1)
    crew.do("bob", claims.fail, 1, "x")
    assert [one.listed.task.id for one in export(crew)] == [1, 2, 4]
    assert [one.listed.task.id for one in export(crew, ended=True)] == [1, 2, 3, 4]


def test_mail_of_one_imported_task_is_taken_back_once_somebody_has_it(crew):
    crew.do("alice", transfer.add_all, [item("t", new={"role": "dev"})])
    assert subjects(crew, "bob") == subjects(crew, "carol") == ["task #1 is ready: t"]
    crew.do("bob", claims.claim, 1)
    assert subjects(crew, "bob") == subjects(crew, "carol") == []


def item(title, **values):
    return transfer.Item(New(title, **values.pop("new", {})), **values)


def test_imported_tasks_get_new_ids_and_keep_what_they_need(crew):
    add(crew)
    items = [item("b", id=7, needs=(9,), parent=9), item("a", id=9, new={"to": "bob"}), item("c", id=3, ended="failed")]
    done = crew.do("alice", transfer.add_all, items)
    assert [(task.id, task.title, created) for task, created in done] == [
        (2, "b", True),
        (3, "a", True),
        (4, "c", True),
    ]
    assert [one.id for one in crew.store.read(lambda tx: dependencies.needs(tx, 2))] == [3]
    assert (done[0][0].waits_for, done[0][0].parent_id, done[2][0].state) == (1, 3, "failed")
    assert subjects(crew, "bob") == ["task #3 is ready: a"]


def test_whom_many_imported_tasks_are_for_is_told_once(crew):
    crew.do("alice", transfer.add_all, [item(f"t{n}", new={"role": "dev"}) for n in range(30)])
    assert subjects(crew, "bob") == subjects(crew, "carol") == ["30 tasks are ready"]


@pytest.mark.parametrize(
    "items, index",
    [
        ([item("a", id=1), item("b", id=2, needs=(5,))], 1),
        ([item("a", id=1), item("b", id=1)], 1),
        ([item("a", id=1, needs=(2,)), item("b", id=2, needs=(1,))], 1),
        ([item("a", id=1, parent=1)], 0),
        ([item("a"), item("b", new={"to": "nobody"})], 1),
        ([item("a"), item("b", ended="done", outcome="x" * (tasks.LARGEST + 1))], 1),
        ([item("a"), item("b", ended="failed", outcome="x" * (tasks.LONGEST_NOTE + 1))], 1),
        ([item("a"), item("b", ended="cancelled", outcome="x\0")], 1),
    ],
)
def test_a_file_that_is_wrong_adds_nothing(crew, items, index):
    with pytest.raises(errors.XatsError) as caught:
        crew.do("alice", transfer.add_all, items)
    assert caught.value.index == index
    assert crew.rows("select * from tasks") == []


@pytest.mark.parametrize(
    "items, said",
    [
        (
            [item("a", id=10, needs=(20,)), item("b", id=20, needs=(10,))],
            "Task 20 would wait for itself: #20 -> #10 -> #20.",
        ),
        ([item("a", id=10, parent=10)], "Task 10 is task 10 itself or below it, and cannot be its parent."),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_the_ids_of_the_file(crew, items, said):
    add(crew)
    with pytest.raises(errors.XatsError) as caught:
        crew.do("alice", transfer.add_all, items)
    assert (str(caught.value), caught.value.data["id"]) == (said, items[-1].id)
    assert "xats task graph" not in caught.value.hint  # they are not there


def test_importing_twice_under_keys_adds_once(crew):
    items = [item("a", id=1, new={"key": "k1"}), item("b", id=2, needs=(1,), new={"key": "k2"})]
    crew.do("alice", transfer.add_all, items)
    assert [created for _, created in crew.do("alice", transfer.add_all, items)] == [False, False]
    assert len(crew.rows("select * from tasks")) == 2


@pytest.mark.sqlite  # it counts statements
def test_a_task_at_the_end_of_a_long_chain_costs_no_more_than_at_the_begin(crew):
    heard = []

    def cost() -> int:
        heard.clear()
        crew.store.connection.set_trace_callback(heard.append)
        add(crew, needs=(len(crew.rows("select id from tasks")),))
        crew.store.connection.set_trace_callback(None)
        return len(heard)

    add(crew)
    first = cost()
    for number in range(2, 40):
        add(crew, needs=(number,))
    assert cost() == first
