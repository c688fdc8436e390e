"""The outbox: every type that is written is listed, and what is asked for is what comes."""

import ast
import os
import re

import pytest

import xats
from tools.rooms import modules, parsed
from xats.base import errors
from xats.core import events
from xats.core.agents import changes as agent_changes
from xats.core.events import Query
from xats.core.tasks import endings, planning, tasks
from xats.core.tasks.planning import New
from xats.core.teams import changes as team_changes
from xats.core.waking import pauses

ROOT = os.path.dirname(xats.__file__)


def found(crew, limit=50, **query):
    """Return (id, type) of the events of a query, and whether more follow."""
    listed, more, _ = crew.store.read(lambda tx: events.after(tx, Query(**query), limit))
    return [(one.id, one.type) for one in listed], more


@pytest.fixture
def crew(team, clock):
    """Events 1 to 3: alice, bob and carol (in another team) register; 4: alice writes; 5: bob is paused."""
    team.add("alice", "bob")
    team.register("carol", "other", client="generic")
    clock.tick(60_000)
    team.send("alice", "bob")
    clock.tick(60_000)
    team.do("alice", pauses.pause, "crew", team.agent("bob"), None)
    return team


# -- the list of types -------------------------------------------------------------------------------------------------


def written() -> tuple[set[str], set[str]]:
    """Return the types that the code gives to Tx.event as a text, and the beginnings of those that it composes."""
    whole, begun = set(), set()
    for path in modules().values():
        for node in ast.walk(parsed(path)):
            is_event = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "event"
            if not is_event or not node.args or ast.unparse(node.func.value) not in ("tx", "self._tx"):
                continue
            type_ = node.args[0]
            if isinstance(type_, ast.Constant):
                whole.add(type_.value)
            elif isinstance(type_, ast.JoinedStr):
                begun.add(type_.values[0].value)
    return whole, begun


def composed(begun: str) -> set[str]:
    """Return the types that begin with `begun` and whose other part the code names in a call of `log`, `say`, ..."""
    rooms = {
        "task_": "core/task",
        "contract_": "core/contracts",
        "wake_": "core/waking/attempts",
        "lock_": "core/locks",
        "turn_": "core/turns",
    }
    call = {
        "task_": r"\b(?:log|say)\(\s*tx, \w+(?:\.\w+)?, \"(\w+)\"",
        "contract_": r"\b_say\(tx, me, \"(\w+)\"",
        "turn_": r"\bturns\.log\(tx, \w+, \"(\w+)\"",
        "wake_": r"_record\(\s*tx, wake, token, \"(\w+)\"",
        "lock_": r"\bsay\(tx, \"lock_(\w+)\"",
    }[begun]
    texts = []
    for path in modules().values():
        if os.path.relpath(path, ROOT).startswith((rooms[begun], "core/pools" if begun == "task_" else "-")):
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
    return {begun + kind for text in texts for kind in re.findall(call, text)}


def test_every_type_that_the_code_writes_is_listed_and_no_other():
    whole, begun = written()
    assert {"message_sent", "paused", "agent_registered"} <= whole
    assert begun == {"task_", "contract_", "wake_", "turn_"}
    parts = {one for beginning in begun for one in composed(beginning)}
    assert {"task_claimed", "contract_put", "wake_failed"} <= parts
    parts |= composed("lock_")  # `locks.say` is given whole types
    # `dead._say`, `alerts.report`, expectations and `task_ends` are given theirs; a wake waits as one of two states.
    given = {"dead_retried", "dead_dropped", "read_overdue", "reply_overdue", "wake_queued", "wake_retrying"}
    given |= {"recipient_gone", "expectation_expired", "expectation_replaced"}
    given |= {f"task_{state}" for state in tasks.ENDED}
    assert whole | parts | given == set(events.TYPES)


def test_what_a_task_says_at_its_end_is_listed(crew):
    for end in (endings.cancel,):
        task, _ = crew.do("alice", planning.add, New("t"))
        crew.do("alice", end, task.id, None)
    kinds = {row["type"] for row in crew.rows("select distinct type from events")}
    assert kinds <= set(events.TYPES)
    assert "task_cancelled" in kinds


@pytest.mark.parametrize(
    "types, hint",
    [
        (["message_send"], "did you mean message_sent?"),
        (["paused", "Task_Claimed"], "did you mean task_claimed?"),
        (["xyz"], "the types are: message_sent, "),
        ([""], "the types are: "),
    ],
)
def test_a_type_that_is_never_written_is_refused(types, hint):
    with pytest.raises(errors.Usage) as caught:
        events.check_types(types)
    assert hint in caught.value.hint
    assert caught.value.exit == 2


# -- asking ------------------------------------------------------------------------------------------------------------

ALL = [
    (1, "agent_registered"),
    (2, "agent_registered"),
    (3, "agent_registered"),
    (4, "message_sent"),
    (5, "paused"),
]


@pytest.mark.parametrize(
    "query, ids",
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"team": "crew"}, [1, 2, 4, 5]),
        ({"team": "other"}, [3]),
        ({"types": ("paused",)}, [5]),
        ({"types": ("paused", "message_sent")}, [4, 5]),
        ({"since": 3}, [4, 5]),
        ({"since": 3, "types": ("paused",)}, [5]),
        ({"agent": ("bob", "crew")}, [2, 4, 5]),
        ({"agent": ("BOB", "crew")}, [2, 4, 5]),
        ({"agent": ("alice", "crew")}, [1, 4, 5]),
        ({"agent": ("alice", "other")}, []),
        ({"agent": ("carol", "other"), "team": "crew"}, []),
        ({"agent": ("%", "crew")}, []),
        ({"agent": ("a_ice", "crew")}, []),
    ],
    ids=str,
)
def test_a_query_gives_what_it_asks_for(crew, query, ids):
    assert found(crew, **query) == ([ALL[one - 1] for one in ids], False)


def test_a_time_gives_what_happened_since(crew, clock):
    for ms, ids in ((0, [5]), (59_999, [5]), (60_000, [4, 5]), (120_000, [1, 2, 3, 4, 5])):
        assert [one for one, _ in found(crew, since_at=clock.now - ms)[0]] == ids
    assert found(crew, since_at=clock.now + 1) == ([], False)


def test_an_agent_is_found_by_its_address_in_what_an_event_says(crew):
    crew.store.write(lambda tx: tx.event("wake_failed", "crew", None, "wake:7", agent="Bob@crew", reason="x"))
    crew.store.write(lambda tx: tx.event("wake_failed", "crew", None, "wake:8", agent="bobby@crew", changes=["a@crew"]))
    assert found(crew, agent=("bob", "crew"))[0][-1] == (6, "wake_failed")
    crew.store.write(lambda tx: tx.event("poked", "crew", "x_y", "agent:z", agent="x_y@crew"))
    crew.store.write(lambda tx: tx.event("poked", "crew", None, "agent:z", agent="xay@crew"))
    assert found(crew, agent=("x_y", "crew")) == ([(8, "poked")], False)


def test_the_latest_come_without_a_start_and_the_next_with_one(crew):
    assert found(crew, 2) == (ALL[3:], False)
    assert found(crew, 2, since=0) == (ALL[:2], True)
    assert found(crew, 2, since=3) == (ALL[3:], False)


def test_the_way_on_passes_by_what_was_not_asked_for(crew):
    """Whoever follows one rare type does not read the whole outbox again at each commit."""

    def way_on(limit=50, **query):
        return crew.store.read(lambda tx: events.after(tx, Query(**query), limit))[2]

    assert way_on(types=("poked",)) == 5
    assert way_on(types=("poked",), since=2) == 5
    assert way_on(since=0, limit=2) == 2
    assert way_on(since=99) == 99


def of(crew, name, team="crew", **query):
    return [one for one, _ in found(crew, agent=(name, team), **query)[0]]


@pytest.mark.parametrize("address", ["bob", "carl,bob", "BOB@crew", "all"])
def test_mail_to_an_agent_is_found_however_it_was_addressed(crew, address):
    crew.add("carl")
    last = crew.send("alice", address)
    assert events_of_mail(crew, of(crew, "bob"))[-1] == last.message.id
    crew.send("alice", "carl")
    assert events_of_mail(crew, of(crew, "bob"))[-1] == last.message.id


def events_of_mail(crew, ids) -> list[int]:
    """Return the ids of the messages of which those of the events `ids` say that they were sent."""
    rows = crew.rows("select id, subject from events where type = 'message_sent' order by id")
    return [int(row["subject"].partition(":")[2]) for row in rows if row["id"] in ids]


def test_what_an_agent_did_under_a_former_name_or_in_a_former_team_is_found(crew):
    crew.do("bob", pauses.resume, "crew", crew.agent("bob"))
    before = of(crew, "bob")
    crew.do("bob", lambda tx, me: agent_changes.rename(tx, me, me, "builder"))
    assert set(before) < set(of(crew, "builder")) == set(of(crew, "bob"))
    crew.store.write(lambda tx: team_changes.rename(tx, "pat", "crew", "shop"))
    assert set(before) < set(of(crew, "builder", "shop"))
    assert of(crew, "alice", "shop")[:1] == [1]
    # An event of another team names it by an address of before.
    crew.store.write(lambda tx: tx.event("poked", "other", None, "agent:z", agent="Bob@crew"))
    assert of(crew, "builder", "shop")[-1] == of(crew, "bob", "shop")[-1] == found(crew, 1)[0][0][0]
