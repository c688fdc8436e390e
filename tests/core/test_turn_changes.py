"""What becomes of turns when agents and teams are renamed, merged, removed or pruned."""

import pytest

from tests.core.test_prune_agents import AGE, pruned
from tests.core.test_turn_rules import NOTE, Crew, state
from tests.support.checks import broken
from xats.core.agents import changes as agent_changes
from xats.core.teams import changes as team_changes
from xats.core.teams import merge as team_merge
from xats.core.turns import handoffs, holding, membership, turns, views
from xats.core.turns.turns import CLAIM
from xats.store.sqlite import check


@pytest.fixture
def crew(team, clock):
    made = Crew(team, clock)
    made.add("alice", "bob", "carol")
    made.take("alice")
    return made


def healthy(crew):
    assert broken(crew.store, states=(check.FAIL,)) == []


def test_a_renamed_holder_keeps_it(crew):
    crew.team.do("alice", lambda tx, me: agent_changes.rename(tx, me, me, "alina"))
    assert crew.turn().holder == "alina@crew"
    healthy(crew)


def test_a_renamed_team_keeps_its_turns(crew):
    crew.store.write(lambda tx: team_changes.rename(tx, "carol", "crew", "shop"))
    turn = crew.store.read(lambda tx: turns.find(tx, "shop"))
    assert (turn.holder, turn.number) == ("alice@shop", 1)
    healthy(crew)


def test_teams_that_merge_keep_all_turns_and_their_handoffs(crew):
    crew.pass_on("alice")
    crew.team.register("dave", team="fix", client="generic")

    dave = crew.team.agent("dave", "fix")

    def start(tx):
        for name in ("main", "docs"):
            membership.join(tx, dave, turns.create(tx, "fix", name))
        holding.take(tx, dave, turns.find(tx, "fix"), crew.probe)

    crew.store.write(start)
    crew.store.write(lambda tx: team_merge.merge(tx, "carol", "fix", "crew", None))
    found = {one.name: one for one in crew.store.read(lambda tx: turns.of_team(tx, "crew"))}
    assert list(found) == ["main", "main-fix", "docs"]
    assert (found["main"].offered_to, found["main-fix"].holder) == ("bob@crew", "dave@crew")
    assert crew.handoff().status == "done"
    renamed = crew.team.rows("select subject from events where type = 'turn_renamed'")
    assert [row["subject"] for row in renamed] == ["turn:main-fix"]
    healthy(crew)


def test_persons_that_become_one_take_part_once(crew):
    for team in ("crew", "fix"):
        crew.team.register("hal", team=team, client="human")

    hals = {team: crew.team.agent("hal", team) for team in ("crew", "fix")}

    def start(tx):
        for team, hal in hals.items():
            membership.join(tx, hal, turns.create(tx, team, "main"))
        holding.take(tx, hals["fix"], turns.find(tx, "fix"), crew.probe)

    crew.store.write(start)
    crew.store.write(lambda tx: team_merge.merge(tx, "carol", "fix", "crew", None))
    turn = crew.store.read(lambda tx: turns.find(tx, "crew", "main-fix"))
    assert turn.holder == "hal@crew"
    assert [one.name for one in crew.team.see("hal", turns.joined)] == ["main", "main-fix"]
    healthy(crew)


def test_a_removed_holder_hands_it_on(crew):
    crew.team.register("hal", client="human")
    alice = crew.team.agent("alice")
    crew.team.do("hal", lambda tx, me: agent_changes.forget(tx, me, alice))
    assert state(crew) == ("offered", "bob", 1)
    assert crew.log()[-2:] == [("left", "alice"), ("offered", "bob")]
    healthy(crew)


def test_a_team_that_ends_leaves_only_the_history(crew):
    crew.store.write(lambda tx: team_changes.forget(tx, "carol", "crew", lambda _: False, force=True))
    (row,) = crew.team.rows("select state, team from turns")
    assert row["state"] == "free"
    assert row["team"].startswith("crew.forgotten")
    assert crew.team.rows("select 1 from turn_members") == []
    assert len(crew.team.rows("select 1 from turn_log")) == 5
    healthy(crew)


def test_an_archived_team_is_in_use_again(crew):
    crew.store.write(lambda tx: tx.run("update teams set archived_at = 1 where name = 'crew'"))
    crew.act("alice", membership.join, turn="docs")
    assert crew.team.rows("select archived_at from teams where name = 'crew'") == [{"archived_at": None}]


def test_unused_agents_go_and_the_history_stays(crew, clock):
    crew.pass_on("alice")
    for _ in range(4):
        clock.tick(CLAIM)
        crew.settle()
    clock.tick(AGE * 3)
    for _ in range(3):
        pruned(crew.store)
        clock.tick(AGE)
    assert crew.team.rows("select 1 from turn_members") == []
    assert state(crew) == ("free", None, 1)
    crew.add("erin")
    crew.take("erin")
    found = crew.store.read(lambda tx: handoffs.newest(tx, turns.find(tx, "crew")))
    assert (found.status, found.sender) == (NOTE.status, "alice@crew")
    entries, _ = crew.store.read(lambda tx: views.log(tx, turns.find(tx, "crew"), 100))
    assert [one.kind for one in entries][:5] == ["joined", "joined", "joined", "taken", "passed"]
    healthy(crew)


def test_a_holder_is_not_unused(crew, clock):
    clock.tick(AGE * 2)
    pruned(crew.store)
    assert [one.agent.name for one in crew.team.see("alice", _members)] == ["alice"]
    assert state(crew)[:2] == ("held", "alice")


def _members(tx, _):
    from xats.core.turns import members

    return members.all_of(tx, turns.find(tx, "crew"))
