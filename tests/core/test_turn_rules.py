"""Turns: who may take one, who comes next, what the next one is told, and what ends a grant."""

from itertools import pairwise

import pytest

from tests.support.steps import steps
from xats.base import errors
from xats.base.pane import Pane
from xats.core.agents import agents, holdings, presence, registration
from xats.core.agents.agents import Seat
from xats.core.leases.leases import ENDED, LAPSED
from xats.core.mail import inbox
from xats.core.turns import enforcing, expiry, handoffs, holding, membership, summaries, turns, views, waits
from xats.core.turns import errors as turn_errors
from xats.core.turns.holding import COOLDOWN
from xats.core.turns.members import RECENT
from xats.core.turns.turns import CLAIM, GRACE, LEASE, Probe
from xats.core.waking import pauses

MINUTE = 60_000
NOTE = handoffs.Draft("done", "do it")


class Crew:
    """A team with a turn, and what its agents do with it."""

    def __init__(self, team, clock):
        self.team, self.clock, self.store = team, clock, team.store
        self.names: dict[int, str] = {}
        self.dead: set[str] = set()  # names of agents whose processes have ended
        self.ended: set[str] = set()  # marks of processes that have ended
        self.probe = Probe(self.gone, lambda mark: mark in self.ended)

    def gone(self, session):
        return self.names[session.agent_id] in self.dead

    def add(self, *names, join=True, **changes):
        for at, name in enumerate(names):
            number = ord(name[0]) * 10 + at
            pane = Pane("/tmp/s", 1, 1, f"%{number}", number, "/dev/pts/1")
            self.team.register(name, seat=Seat("here", number, 1, f"s-{name}", pane), **changes)
            self.names[self.team.agent(name).id] = name
            if join:
                self.act(name, membership.join)

    def act(self, name, work, *args, turn="main", **values):
        """Do `work` as a verb does it: it settles first, and shows that `name` is alive."""
        if work is not holding.steal:
            self.settle()

        def both(tx, me):
            agents.touch(tx, me)
            found = turns.create(tx, me.team, turn)
            return work(tx, me, found, *args, **values)

        return self.team.do(name, both)

    def settle(self):
        return self.store.write(lambda tx: expiry.settle(tx, self.probe))

    def take(self, name, **values):
        return self.act(name, holding.take, self.probe, **values)

    def pass_on(self, name, to=None, note=NOTE, number=None):
        whom = self.team.agent(to) if to else None
        return self.act(name, holding.pass_on, whom, note, self.probe, number)

    def release(self, name):
        return self.act(name, holding.release, self.probe)

    def steal(self, name, reason="why"):
        return self.act(name, holding.steal, reason, self.probe)

    def leave(self, name):
        return self.act(name, membership.leave, self.probe)

    def wait(self, name, mark):
        self.act(name, waits.begin, mark)

    def turn(self, name="main"):
        return self.store.read(lambda tx: turns.find(tx, "crew", name))

    def log(self, name="main"):
        found, _ = self.store.read(lambda tx: views.log(tx, turns.find(tx, "crew", name), 1000))
        return [(one.kind, (one.agent or "").partition("@")[0]) for one in found]

    def handoff(self):
        return self.store.read(lambda tx: handoffs.newest(tx, turns.find(tx, "crew")))

    def subjects(self, name):
        found = self.team.see(name, inbox.peek, inbox.Query()).letters
        return [one.message.subject for one in found]

    def silent(self, ms):
        """Let time pass in which no agent does anything."""
        self.clock.tick(ms)


@pytest.fixture
def crew(team, clock):
    made = Crew(team, clock)
    made.add("alice", "bob", "carol")
    return made


def state(crew):
    turn = crew.turn()
    whom = turn.holder or turn.offered_to
    return turn.state, whom and whom.partition("@")[0], turn.number


# -- taking ------------------------------------------------------------------------------------------------------------


def test_a_free_turn_goes_to_the_first_who_takes_it(crew):
    assert crew.take("alice").number == 1
    assert crew.take("alice").number == 1  # it has it already
    with pytest.raises(turn_errors.TurnHeld) as refused:
        crew.take("bob")
    assert (refused.value.exit, refused.value.data["holder"]) == (4, "alice@crew")
    assert state(crew) == ("held", "alice", 1)


def test_only_members_take_part(crew):
    crew.add("dave", join=False)
    for work in (lambda: crew.take("dave"), lambda: crew.steal("dave"), lambda: crew.leave("dave")):
        with pytest.raises(turn_errors.NotMember) as refused:
            work()
        assert refused.value.hint == "xats turn join"
    with pytest.raises(turn_errors.UnknownTurn):
        crew.turn("docs")


def test_a_team_has_several_turns(crew):
    crew.act("alice", membership.join, turn="docs")
    crew.take("alice", turn="docs")
    crew.take("bob")
    assert crew.turn("DOCS").holder == "alice@crew"
    assert crew.turn().holder == "bob@crew"
    with pytest.raises(errors.InvalidName):
        crew.take("alice", turn="a b")


# -- passing it on -----------------------------------------------------------------------------------------------------


def test_the_next_one_gets_mail_with_the_handoff_and_is_woken(crew, rows):
    crew.take("alice")
    note = handoffs.Draft("the parser reads dates", "add time zones", [("/p/parser.py", False), ("/p/t.py", True)])
    moved = crew.pass_on("alice", note=note)
    assert (moved.turn.state, moved.turn.offered_to, moved.skipped) == ("offered", "bob@crew", ())
    (letter,) = crew.team.see("bob", inbox.peek, inbox.Query()).letters
    message = letter.message
    assert (message.sender, message.kind, message.subject) == ("xats@crew", "turn", "the turn is offered to you")
    for text in ("alice passed", "Status: the parser reads dates", "Next: add time zones", "Artifact: /p/parser.py"):
        assert text in message.body
    assert "Planned: /p/t.py" in message.body
    assert (
        len(rows("select 1 from wakes where closed_at is null and agent_id = :id", id=crew.team.agent("bob").id)) == 1
    )
    assert crew.take("bob").number == 2
    assert crew.subjects("bob") == []  # taking it means that bob knows
    assert rows("select 1 from wakes where closed_at is null") == []
    assert crew.handoff().artifacts == (("/p/parser.py", False), ("/p/t.py", True))


@pytest.mark.parametrize(
    "status, after",
    [("", "x"), ("x", " \n"), ("x" * 16_000, "y" * 500), ("\ud800", "x"), ("x\0", "y")],
)
def test_a_handoff_is_complete_and_not_too_long(crew, status, after):
    crew.take("alice")
    with pytest.raises(turn_errors.InvalidHandoff) as refused:
        crew.pass_on("alice", note=handoffs.Draft(status, after))
    assert refused.value.exit == 2
    assert state(crew) == ("held", "alice", 1)


def test_a_handoff_of_16_kib_is_not_too_long(crew):
    crew.take("alice")
    crew.pass_on("alice", note=handoffs.Draft("x" * 8192, "y" * 8192))
    assert len(crew.handoff().status) == 8192


def test_one_who_cannot_be_woken_is_skipped_and_told_once(crew):
    crew.silent(RECENT)
    crew.take("alice")
    crew.team.do("alice", lambda tx, me: pauses.pause(tx, me, "crew", agents.by_name(tx, "crew", "bob"), None))
    assert [one[1] for one in crew.pass_on("alice").skipped] == ["the agent is paused"]
    assert state(crew) == ("offered", "carol", 1)
    crew.take("carol")
    crew.silent(RECENT)
    crew.act("carol", lambda *_: None)
    crew.pass_on("carol")
    assert state(crew) == ("offered", "alice", 2)
    assert crew.subjects("bob") == ["you were skipped in the turn"]
    assert crew.log().count(("skipped", "bob")) == 2
    bob = crew.team.agent("bob").id
    assert crew.team.rows("select 1 from wakes where agent_id = :id", id=bob) == []  # xats does not try in vain


@pytest.mark.parametrize("why", ["gone", "ended", "unregistered", "no pane"])
def test_who_cannot_be_woken(crew, why):
    crew.take("alice")
    bob = crew.team.agent("bob")
    if why == "gone":
        crew.dead.add("bob")
    elif why == "ended":
        crew.store.write(lambda tx: presence.put(tx, bob.id, "ended", "s-bob"))
    elif why == "unregistered":
        crew.store.write(lambda tx: registration.unregister(tx, bob, None))
    else:
        crew.store.write(
            lambda tx: tx.run(
                "update sessions set pane_socket = null, server_pid = null, server_start = null, pane_id = null, "
                "pane_pid = null, pane_tty = null, client_session = null"
            )
        )
        crew.silent(RECENT)
        crew.act("carol", lambda *_: None)
        crew.act("alice", lambda *_: None)
    moved = crew.pass_on("alice")
    assert [one[0].name for one in moved.skipped] == ["bob"]
    assert moved.turn.offered_to == "carol@crew"


def test_one_that_waits_is_reachable_however_silent_it_is(crew):
    crew.take("alice")
    crew.wait("bob", "mark-1")
    crew.store.write(lambda tx: tx.run("update agents set wake_by = 'none'"))
    crew.silent(RECENT)
    crew.act("alice", lambda *_: None)
    assert crew.pass_on("alice").turn.offered_to == "bob@crew"


def test_a_named_agent_keeps_the_offer_until_its_time_ends(crew):
    crew.take("alice")
    crew.dead.add("carol")
    moved = crew.pass_on("alice", "carol")
    assert (moved.turn.offered_to, moved.skipped[0][1]) == ("carol@crew", "the program has ended")
    crew.silent(CLAIM - 1)
    crew.settle()
    assert state(crew) == ("offered", "carol", 1)
    crew.silent(1)
    crew.settle()
    assert state(crew) == ("offered", "bob", 1)
    assert crew.log()[-2:] == [("missed", "carol"), ("offered", "bob")]


def test_the_next_in_line_loses_the_offer_when_its_program_ends(crew):
    crew.take("alice")
    crew.pass_on("alice")
    crew.dead.add("bob")
    crew.settle()
    assert state(crew) == ("offered", "carol", 1)


def test_every_member_gets_one_offer_between_two_grants(crew):
    crew.take("alice")
    crew.pass_on("alice")
    for _ in range(5):
        crew.silent(CLAIM)
        crew.settle()
    assert state(crew) == ("free", None, 1)
    offered = [name for kind, name in crew.log() if kind == "offered"]
    assert offered == ["bob", "carol", "alice"]
    assert crew.take("carol").number == 2  # late, but nobody else has it
    assert crew.handoff().status == "done"


def test_a_turn_is_passed_to_a_member_that_is_not_the_holder(crew):
    crew.add("dave", join=False)
    crew.take("alice")
    with pytest.raises(errors.Usage):
        crew.pass_on("alice", "alice")
    with pytest.raises(turn_errors.NotMember) as refused:
        crew.pass_on("alice", "dave")
    assert "dave does not take part" in str(refused.value)
    assert state(crew) == ("held", "alice", 1)


def test_the_last_member_leaves_its_handoff_behind(crew):
    crew.leave("bob")
    crew.leave("carol")
    crew.take("alice")
    crew.pass_on("alice")
    assert state(crew) == ("free", None, 1)
    crew.leave("alice")
    crew.add("dave")
    crew.take("dave")
    assert crew.handoff().sender == "alice@crew"
    assert ("passed", "alice") in crew.log()


# -- the fence ---------------------------------------------------------------------------------------------------------


def test_an_earlier_grant_can_do_nothing(crew):
    crew.take("alice")
    with pytest.raises(turn_errors.NotTurnHolder):
        crew.pass_on("bob")
    crew.pass_on("alice")
    with pytest.raises(turn_errors.NotTurnHolder):
        crew.release("alice")
    crew.take("bob")
    crew.pass_on("bob", "alice")
    crew.take("alice")
    with pytest.raises(turn_errors.TurnLost):
        crew.pass_on("alice", number=1)
    assert state(crew) == ("held", "alice", 3)
    crew.pass_on("alice", number=3)


def test_one_that_lost_it_is_told_so(crew):
    crew.take("alice")
    crew.silent(LEASE)
    crew.settle()
    with pytest.raises(turn_errors.TurnLost) as refused:
        crew.pass_on("alice")
    assert "it is offered to bob now" in str(refused.value)


# -- giving it back ----------------------------------------------------------------------------------------------------


def test_a_released_turn_goes_to_one_that_waits_or_nowhere(crew):
    crew.take("alice")
    crew.release("alice")
    assert state(crew) == ("free", None, 1)
    assert crew.subjects("bob") == []
    crew.take("bob")
    crew.wait("alice", "mark-a")
    crew.wait("carol", "mark-c")
    crew.ended.add("mark-c")
    crew.release("bob")
    assert state(crew) == ("offered", "alice", 2)


def test_an_offer_is_given_back_to_the_next_in_line(crew):
    crew.take("alice")
    crew.pass_on("alice", "carol")
    assert crew.release("carol").turn.offered_to == "bob@crew"
    assert crew.release("bob").turn.offered_to == "alice@crew"
    assert crew.release("alice").turn.state == "free"
    assert crew.subjects("carol") == []


def test_the_last_holder_leaves_a_free_turn_to_others_for_a_minute(crew):
    crew.take("alice")
    crew.release("alice")
    with pytest.raises(turn_errors.TurnTooSoon):
        crew.take("alice")
    assert not crew.act("alice", holding.may_take, crew.probe)
    crew.silent(COOLDOWN)
    assert crew.take("alice").number == 2


def test_a_last_holder_without_others_takes_it_at_once(crew):
    crew.dead |= {"bob", "carol"}
    crew.take("alice")
    crew.release("alice")
    assert crew.take("alice").number == 2


# -- the end of a lease ------------------------------------------------------------------------------------------------


def test_a_silent_holder_loses_it_and_is_told(crew):
    crew.take("alice", turn="main")
    crew.pass_on("alice")
    crew.take("bob")
    crew.silent(LEASE - 1)
    crew.settle()
    assert state(crew) == ("held", "bob", 2)
    crew.silent(1)
    crew.settle()
    assert state(crew) == ("offered", "carol", 2)
    assert crew.subjects("bob") == ["you have lost the turn"]
    assert crew.log()[-2:] == [("lapsed", "bob"), ("offered", "carol")]
    crew.take("carol")
    found = crew.store.read(lambda tx: views.details(tx, turns.find(tx, "crew"), crew.probe))
    assert found.handoff.sender == "alice@crew"  # it survives
    assert (found.since.kind, found.since.agent, found.since.reason) == ("lapsed", "bob@crew", LAPSED)


def test_a_sign_of_life_renews_it(crew):
    crew.take("alice")
    for _ in range(3):
        crew.silent(LEASE - 1)
        crew.act("alice", lambda *_: None)
    assert state(crew) == ("held", "alice", 1)


@pytest.mark.parametrize("doing", ["busy", "waiting"])
def test_a_busy_holder_is_alive_however_silent(crew, doing):
    crew.take("alice")
    alice = crew.team.agent("alice")
    crew.store.write(lambda tx: presence.put(tx, alice.id, doing, "s-alice"))
    crew.silent(10 * LEASE)
    crew.settle()
    assert state(crew) == ("held", "alice", 1)
    with pytest.raises(turn_errors.TurnHeld):
        crew.steal("bob")
    crew.store.write(lambda tx: presence.put(tx, alice.id, "idle", "s-alice"))
    crew.silent(LEASE)
    crew.settle()
    assert state(crew) == ("offered", "bob", 1)


def test_a_holder_whose_process_has_ended_keeps_it_for_a_while(crew):
    crew.take("alice")
    crew.silent(1)
    crew.dead.add("alice")
    crew.settle()
    assert crew.log()[-1] == ("owner_gone", "alice")
    crew.silent(GRACE - 1)
    crew.settle()
    assert state(crew) == ("held", "alice", 1)
    crew.silent(1)
    crew.settle()
    assert state(crew) == ("offered", "bob", 1)
    found, _ = crew.store.read(lambda tx: views.log(tx, turns.find(tx, "crew"), 2))
    assert found[0].reason == ENDED


def test_a_holder_that_is_back_keeps_it(crew):
    crew.take("alice")
    for _ in range(2):
        crew.silent(1)
        crew.dead.add("alice")
        crew.settle()
        crew.silent(GRACE - 1)
        crew.dead.clear()
        crew.add("alice", join=False)
        crew.silent(GRACE)
        crew.settle()
    assert state(crew) == ("held", "alice", 1)
    assert crew.log().count(("owner_gone", "alice")) == 2


# -- taking it from its holder -----------------------------------------------------------------------------------------


def test_a_person_steals_at_any_time_and_an_agent_does_not(crew):
    crew.add("hal", join=False, client="human")
    crew.take("alice")
    with pytest.raises(turn_errors.TurnHeld):
        crew.steal("bob")
    with pytest.raises(errors.Usage):
        crew.steal("hal", " ")
    turn, kind = crew.steal("hal", "alice is\non holiday")
    assert (turn.holder, turn.number, kind) == ("hal@crew", 2, "person")
    assert crew.subjects("alice") == ["hal took the turn from you"]
    with pytest.raises(turn_errors.TurnLost):
        crew.release("alice")
    with pytest.raises(errors.Refused):
        crew.steal("hal")


def test_an_agent_steals_from_one_that_is_gone(crew):
    crew.take("alice")
    crew.pass_on("alice")
    crew.take("bob")
    crew.dead.add("bob")
    turn, kind = crew.steal("carol")
    assert (turn.holder, kind) == ("carol@crew", "gone")
    assert crew.handoff().sender == "alice@crew"


def test_an_agent_steals_from_one_that_is_silent(crew):
    crew.take("alice")
    crew.silent(LEASE)
    assert crew.steal("carol")[1] == "silent"


def test_an_agent_steals_an_offer_that_was_not_used(crew):
    crew.take("alice")
    crew.pass_on("alice")
    with pytest.raises(turn_errors.TurnHeld):
        crew.steal("carol")
    crew.silent(CLAIM)
    turn, kind = crew.steal("carol")
    assert (turn.holder, kind) == ("carol@crew", "unused")
    assert "the turn is offered to you" not in crew.subjects("bob")


def test_a_free_turn_is_simply_taken(crew):
    assert crew.steal("carol")[1] == "free"


# -- members -----------------------------------------------------------------------------------------------------------


def test_a_holder_that_leaves_hands_it_to_the_next(crew):
    crew.take("alice")
    crew.leave("alice")
    assert state(crew) == ("offered", "bob", 1)
    crew.leave("bob")
    assert state(crew) == ("offered", "carol", 1)
    crew.leave("carol")
    assert state(crew) == ("free", None, 1)
    assert crew.subjects("bob") == []


def test_only_a_member_that_is_gone_is_kicked_without_force(crew):
    crew.add("hal", join=False, client="human")
    crew.take("alice")

    def kick(by, whom, **values):
        return crew.act(by, membership.kick, crew.team.agent(whom), crew.probe, **values)

    with pytest.raises(errors.Usage):
        kick("bob", "bob")
    with pytest.raises(turn_errors.MemberActive):
        kick("bob", "carol")
    with pytest.raises(turn_errors.MemberActive):
        kick("bob", "alice", force=True)  # it has the turn
    kick("bob", "carol", force=True)
    with pytest.raises(turn_errors.NotMember):
        crew.take("carol")
    assert crew.subjects("carol") == ["you were removed from the turn"]
    kick("hal", "alice", force=True)
    assert state(crew) == ("offered", "bob", 1)
    crew.dead.add("bob")
    kick("hal", "bob")
    assert state(crew) == ("free", None, 1)
    with pytest.raises(turn_errors.NotMember):
        kick("hal", "bob")


def test_one_that_leaves_its_team_hands_it_on(crew):
    crew.take("alice")

    with pytest.raises(turn_errors.TurnsHeld) as refused:
        crew.act("alice", lambda tx, me, _turn: holdings.refuse(tx, me))
    assert refused.value.data["turns"] == ["main"]
    (moved,) = crew.act("alice", lambda tx, me, _turn: membership.depart(tx, me, "has left", crew.probe))
    assert moved.offered_to == "bob@crew"
    found = crew.store.read(lambda tx: views.details(tx, turns.find(tx, "crew"), crew.probe))
    assert [one.agent for one in found.members] == ["bob@crew", "carol@crew"]


# -- who comes next ----------------------------------------------------------------------------------------------------


def test_the_line_is_fair_over_a_thousand_turns(team, clock):
    crew = Crew(team, clock)
    names = ["ann", "bea", "cyd", "dan", "eve"]
    crew.add(*names)
    crew.take("cyd")
    had = ["cyd"]
    for _ in range(200 if team.store.path.startswith("postgresql") else 1000):
        clock.tick(1000)
        to = crew.pass_on(had[-1]).turn.offered_to.partition("@")[0]
        crew.take(to)
        had.append(to)
    assert had[:7] == ["cyd", "dan", "eve", "ann", "bea", "cyd", "dan"]
    for name in names:
        places = [at for at, one in enumerate(had) if one == name]
        assert {after - before for before, after in pairwise(places)} == {5}


def test_a_new_member_comes_before_those_that_had_it(crew):
    for name, to in (("alice", "bob"), ("bob", "carol")):
        crew.take(name)
        crew.pass_on(name, to)
    crew.take("carol")
    crew.add("dave")
    assert crew.pass_on("carol").turn.offered_to == "dave@crew"
    crew.take("dave")
    assert crew.pass_on("dave").turn.offered_to == "alice@crew"  # it had it longest ago


# -- the clock ---------------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
@pytest.mark.parametrize("offered", [False, True])
def test_a_clock_that_jumps_takes_nothing_away(tmp_path, offered):
    from tests.conftest import HostClock, Team
    from tests.support.blank import new_store
    from xats.store.open import open_store

    clock = HostClock()
    store = open_store(new_store(str(tmp_path / "xats.db")), clock)
    crew = Crew(Team(store), clock)
    crew.add("alice", "bob")
    crew.take("alice")
    if offered:
        crew.pass_on("alice", "bob")
    before = state(crew)
    clock.jump(24 * 60 * MINUTE)
    crew.settle()
    assert state(crew) == before
    clock.jump(-48 * 60 * MINUTE)
    crew.settle()
    clock.tick(CLAIM + LEASE)
    store.write(expiry.set_right)
    assert state(crew) == before
    clock.tick(LEASE)
    for _ in range(2):
        store.write(expiry.set_right)
        crew.settle()
        clock.tick(LEASE + 1)
    crew.settle()
    assert state(crew) != before  # it ends, although it began in what is the future now
    store.close()


# -- who else has it ---------------------------------------------------------------------------------------------------


def test_others_is_what_a_guard_asks(crew):
    def others(name):
        return crew.team.see(name, enforcing.others)

    assert others("bob") is None
    crew.take("alice")
    assert others("alice") is None
    assert others("bob").holder == "alice@crew"
    crew.act("bob", membership.join, turn="docs")
    crew.take("bob", turn="docs")
    assert others("bob") is None  # it has one itself
    assert others("carol").holder == "alice@crew"
    crew.pass_on("alice")
    assert others("carol").holder == "bob@crew"
    crew.silent(LEASE)
    assert others("carol") is None


# -- a long history ----------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
def test_looking_costs_the_same_after_a_thousand_turns(crew):
    """It counts the steps of the engine, not time."""

    def look(tx, _):
        turn = turns.find(tx, "crew")
        views.details(tx, turn, crew.probe)
        summaries.find(tx, "crew")
        expiry.due(tx, crew.probe)
        views.log(tx, turn, 5)

    alice, bob = crew.team.agent("alice"), crew.team.agent("bob")

    def rounds(count):
        def work(tx):
            for giver, to in [(alice, bob), (bob, alice)] * count:
                holding.pass_on(tx, giver, turns.find(tx, "crew"), to, NOTE, crew.probe)
                holding.take(tx, to, turns.find(tx, "crew"), crew.probe)

        crew.store.write(work)

    crew.take("alice")
    rounds(5)
    few = steps(crew.team, look)
    rounds(495)
    assert steps(crew.team, look) <= 1.2 * few
