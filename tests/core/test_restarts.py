"""Restarts: what follows when a program ends, as a table and as a model."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.conftest import HostClock, Team
from tests.core.test_starts import PANE, new
from xats.core.agents import agents, presence
from xats.core.crews import history, restarts, starts
from xats.core.crews.restarts import RULES, Exit
from xats.core.tasks import claims, planning
from xats.store.open import open_store

S, MIN = 1_000, 60_000
OK, BAD, KILLED, UNKNOWN = Exit(0), Exit(1), Exit(signal=9), Exit()


@pytest.fixture
def clock():
    return HostClock()


class Program:
    """bob, whose program starts and ends."""

    def __init__(self, crew, clock, policy="on-crash", **more) -> None:
        self.crew, self.store, self.clock = crew, crew.store, clock
        self.policy, self.more, self.number = policy, more, 0
        if not crew.rows("select 1 from agents where name = 'bob'"):
            crew.add("bob")

    def do(self, work, *values, **more):
        return self.store.write(lambda tx: work(tx, *values, **more))

    def start(self, name="bob"):
        self.number += 1
        made = new(f"{name}-{self.number}", policy=self.policy, socket="/s", **self.more)
        self.do(lambda tx: starts.begin(tx, agents.by_name(tx, "crew", name), made, lambda *_: True))
        self.go(f"{name}-{self.number}")
        return f"{name}-{self.number}"

    def go(self, token, *, ready=True):
        self.do(starts.use, token, (7, self.number), PANE)
        if ready:
            self.do(starts.running, token)

    def end(self, how=BAD, token=None, detail="ended with exit 1"):
        return self.do(restarts.ended, token or self.now().token, how, detail)

    def now(self, name="bob"):
        return self.store.read(lambda tx: starts.of_agent(tx, agents.by_name(tx, "crew", name).id))

    def left(self):
        return self.store.read(lambda tx: restarts.left(tx, starts.of_agent(tx, agents.by_name(tx, "crew", "bob").id)))

    def again(self, name="bob"):
        self.number += 1
        return self.do(
            restarts.begin, self.now(name).token, new(f"{name}-{self.number}", policy=self.policy, **self.more)
        )

    def turn(self, how=BAD, ran=0):
        """Run for `ran` ms, end, wait, and start again; return the wait (ms)."""
        self.clock.tick(ran)
        self.end(how)
        wait = self.now().restart_in
        self.clock.tick(wait)
        assert self.again()
        self.go(self.now().token)
        return wait


@pytest.fixture
def bob(team, clock):
    return Program(team, clock)


@pytest.mark.parametrize(
    "policy, how, state, waits",
    [
        ("never", OK, "stopped", False),
        ("never", BAD, "failed", False),
        ("never", KILLED, "failed", False),
        ("on-crash", OK, "stopped", False),
        ("on-crash", BAD, "failed", True),
        ("on-crash", KILLED, "failed", True),
        ("on-crash", UNKNOWN, "failed", True),
        ("always", OK, "stopped", True),
        ("always", BAD, "failed", True),
        ("always", KILLED, "failed", True),
    ],
)
def test_what_follows_an_exit(team, clock, policy, how, state, waits):
    bob = Program(team, clock, policy)
    bob.start()
    assert bob.end(how)
    found = bob.now()
    assert (found.state, found.waits, found.exit_code, found.exit_signal) == (state, waits, how.code, how.signal)
    assert not bob.end(how)
    assert bob.again() is None  # not due yet, or never
    clock.tick(5 * S)
    assert (bob.again() is not None) is waits


def test_a_start_that_fails_before_it_is_ready_counts(bob):
    bob.start()
    bob.end()
    bob.clock.tick(5 * S)
    bob.again()
    bob.end(detail="There is no program codex in PATH")  # its token was never used
    assert (bob.now().state, bob.now().restart_in) == ("failed", 10 * S)
    bob.clock.tick(10 * S)
    bob.again()
    bob.end(detail="There is no program codex in PATH")
    assert bob.now().state == "flapping"


def test_the_wait_doubles_up_to_five_minutes_and_begins_again_after_a_healthy_time(bob):
    bob.start()
    waits = [bob.turn(ran=4 * MIN) for _ in range(8)]
    assert waits == [5 * S, 10 * S, 20 * S, 40 * S, 80 * S, 160 * S, 300 * S, 300 * S]
    assert bob.turn(ran=5 * MIN) == 5 * S
    assert bob.turn(ran=4 * MIN) == 10 * S


def test_a_program_that_was_never_ready_is_not_healthy(bob):
    bob.start()
    bob.turn()
    bob.clock.tick(20 * MIN)
    bob.end()
    bob.clock.tick(5 * S)
    bob.again()
    bob.do(starts.use, bob.now().token, (7, 7), PANE)
    bob.clock.tick(20 * MIN)
    bob.end()
    assert bob.now().restart_in == 10 * S


def test_three_exits_within_five_minutes_end_it_and_the_person_is_told_once(team, clock):
    (ann,) = team.add("ann", client="human")
    bob = Program(team, clock, started_by=ann.id, crew_file="/p/xats.toml")
    bob.start()
    bob.turn()
    bob.turn()
    bob.end(detail="ended with exit 1\nno licence\nbye")
    found = bob.now()
    assert (found.state, found.waits) == ("flapping", False)
    assert found.detail == "ended with exit 1; it ended 3 times within 5 min\nno licence\nbye"
    clock.tick(MIN * 60)
    assert bob.again() is None
    (mail,) = team.rows("select subject, body from messages")
    assert mail["subject"] == "bob is not started again"
    assert mail["body"].split("\n") == [
        "xats does not start bob@crew again: it ended 3 times within 5 min.",
        "The last time, it ended with exit 1.",
        "Its screen showed:",
        "  no licence",
        "  bye",
        "To look at its pane: xats attach bob. To start it again: xats up bob",
    ]
    events = [row["type"] for row in team.rows("select type from events where type like 'agent_%' order by id")]
    assert events[-1] == "agent_flapping"
    assert events.count("agent_restarting") == 2


def test_three_exits_in_a_longer_time_do_not_end_it(bob):
    bob.start()
    for _ in range(3):
        bob.turn(ran=3 * MIN)
    assert bob.now().state == "running"


def test_at_most_ten_restarts_a_day(team, clock):
    """The persons of the team are told where nobody is known to have started it."""
    team.add("ann", "zoe", client="human")
    bob = Program(team, clock)
    bob.start()
    for _ in range(10):
        bob.turn(ran=60 * MIN)
    clock.tick(60 * MIN)
    bob.end()
    assert bob.now().state == "flapping"
    assert "xats has started it again 10 times within" in bob.now().detail
    assert len(team.rows("select 1 from messages")) == 2
    bob.start()
    assert bob.turn() == 5 * S  # a person begins afresh


def test_ten_restarts_in_more_than_a_day_are_allowed(bob):
    bob.start()
    for _ in range(25):
        bob.turn(ran=150 * MIN)


def test_a_team_gets_three_restarts_within_thirty_seconds(team, clock):
    names = ["a", "b", "c", "d", "e"]
    team.add(*names)
    bob = Program(team, clock)
    for name in names:
        bob.start(name)
        bob.end(token=bob.now(name).token)
    clock.tick(5 * S)
    due = [one.agent.name for one in team.store.read(lambda tx: restarts.due(tx, "here"))]
    assert due == names
    assert [bool(bob.again(name)) for name in names] == [True, True, True, False, False]
    clock.tick(29 * S)
    assert not bob.again("d")
    clock.tick(1 * S)
    assert bob.again("d")
    assert bob.again("e")


@pytest.mark.parametrize("step", [-86_400_000, -MIN, 10 * MIN, 86_400_000], ids=["day-back", "back", "on", "day-on"])
def test_a_clock_that_is_set_neither_hurries_nor_stops_a_restart(bob, step):
    bob.start()
    bob.turn()
    bob.end()
    bob.clock.jump(step)
    assert 9 * S <= bob.left() <= 10 * S
    bob.clock.tick(9 * S)
    assert not bob.again()
    bob.clock.tick(S)
    assert bob.again()
    bob.go(bob.now().token)
    bob.clock.jump(step)
    bob.end()
    assert bob.now().state == "flapping"


def test_a_restart_of_another_boot_is_not_stopped_by_a_clock_that_is_behind(bob):
    bob.start()
    bob.end()
    bob.clock.reboot()
    bob.clock.jump(-86_400_000)
    assert bob.again()


def test_a_person_begins_afresh(bob):
    bob.start()
    bob.turn()
    bob.turn()
    bob.end()
    assert bob.now().state == "flapping"
    bob.start()
    bob.end()
    assert (bob.now().state, bob.now().restart_in) == ("failed", 5 * S)


@pytest.mark.parametrize("flaps", [False, True])
def test_down_cancels_a_restart(bob, flaps):
    bob.start()
    if flaps:
        bob.turn()
        bob.turn()
    bob.end()
    token = bob.now().token
    assert bob.do(restarts.put_down, token)
    assert not bob.do(restarts.put_down, token)
    bob.clock.tick(MIN)
    assert (bob.now().state, bob.again()) == ("stopped", None)


def test_one_restart_has_one_token(bob):
    """Two daemons: the row decides."""
    bob.start()
    bob.end()
    token = bob.now().token
    bob.clock.tick(5 * S)
    assert bob.do(restarts.begin, token, new("one")).generation == 2
    assert bob.do(restarts.begin, token, new("two")) is None
    assert bob.now().pane == PANE  # where it is to run
    assert bob.do(restarts.adopt, bob.now(), (5, 6))
    assert not bob.do(restarts.adopt, starts.Start(**{**bob.now().__dict__, "starter": (1, 2)}), (7, 8))


@pytest.mark.parametrize(
    "state, claimed, prompted, told",
    [
        ("busy", False, False, True),
        ("waiting", False, False, True),
        ("idle", True, False, True),
        (None, True, False, True),
        ("idle", False, False, False),
        (None, False, False, False),
        ("busy", True, True, False),  # its first prompt wakes it
    ],
)
def test_an_agent_is_told_to_go_on_with_what_was_cut_off(bob, team, state, claimed, prompted, told):
    team.add("ann")
    bob.start()
    if claimed:
        task, _ = team.do("ann", planning.add, planning.New("paint the door"))
        team.do("bob", claims.claim, task.id)
    if state:
        bob.do(presence.put, team.agent("bob").id, state, "session-1")
    bob.end(KILLED, detail="ended by signal 9\nthe last row of its screen")
    bob.clock.tick(5 * S)
    assert bob.do(restarts.begin, bob.now().token, new("again"), prompted=prompted)
    mail = team.rows("select body from messages where subject = 'your program was started again'")
    assert len(mail) == told
    if told:
        first, _, *tasks = mail[0]["body"].split("\n")
        assert first == "Your program ended by signal 9, and xats started it again."
        assert tasks == (["You have claimed task #1: paint the door"] if claimed else [])
        wake = team.rows("select w.state from wakes w join agents a on a.id = w.agent_id where a.name = 'bob'")
        assert wake


def test_a_program_that_a_person_ends_is_not_started_again(bob):
    bob.start()
    bob.do(starts.stopping, bob.now().token)
    bob.end(KILLED)
    assert (bob.now().state, bob.now().waits, bob.now().detail) == ("stopped", False, "xats ended it")


def test_one_mail_for_a_crew_whose_tmux_server_is_gone(team, clock):
    (ann,) = team.add("ann", client="human")
    team.add("a", "b")
    bob = Program(team, clock, started_by=ann.id, crew_file="/p/xats.toml")
    tokens = [bob.start(name) for name in ("bob", "a", "b")]
    bob.end(token=tokens[0])  # it waits
    for token in (*tokens, tokens[0]):
        bob.do(restarts.server_gone, token, "its tmux server has ended")
    assert [bob.now(name).state for name in ("bob", "a", "b")] == ["stopped"] * 3
    assert not bob.now().waits
    (mail,) = team.rows("select subject, body from messages")
    assert mail["subject"] == "a tmux server has ended, and with it a, b, bob"
    assert "in /p: xats up" in mail["body"]


def test_the_subject_of_mail_about_a_large_crew_is_cut(team, clock):
    (ann,) = team.add("ann", client="human")
    names = [f"a-worker-with-a-long-name-{number}" for number in range(10)]
    team.add(*names)
    bob = Program(team, clock, started_by=ann.id, crew_file="/p/xats.toml")
    tokens = [bob.start(name) for name in names]
    bob.do(restarts.server_gone, tokens[0], "its tmux server has ended")
    (mail,) = team.rows("select subject, body from messages")
    assert len(mail["subject"]) == 200
    assert all(name in mail["body"] for name in names)


def test_one_mail_for_a_crew_whose_file_has_changed(team, clock):
    (ann,) = team.add("ann", client="human")
    team.add("a")
    bob = Program(team, clock, started_by=ann.id, crew_file="/p/xats.toml")
    bob.start("a")
    bob.start()
    for name in ("bob", "a"):
        bob.end(token=bob.now(name).token)
        bob.do(restarts.file_changed, bob.now(name).token, "/p/xats.toml has changed")
    assert bob.now().detail == "ended with exit 1; /p/xats.toml has changed"
    (mail,) = team.rows("select body from messages")
    assert "xats trust" in mail["body"]


def test_the_log_of_an_agent_stays_short(bob):
    bob.start()
    for _ in range(80):
        bob.turn(ran=180 * MIN)
    assert len(bob.crew.rows("select 1 from start_log")) == history.KEPT


class Life(RuleBasedStateMachine):
    """A program ends in every way at any time; the limits hold, whatever the clock shows."""

    def __init__(self, path) -> None:
        super().__init__()
        self.path = path
        self.restarts, self.exits = [], []
        self.world = None

    @initialize(policy=st.sampled_from(["never", "on-crash", "always"]))
    def begin(self, policy):
        self.clock = HostClock()
        self.world = Program(Team(open_store(self.path, clock=self.clock)), self.clock, policy)
        self.world.start()

    @property
    def real(self):
        return self.clock.up

    @rule(ms=st.sampled_from([1, 4_999, 10_000, MIN, 10 * MIN, 60 * MIN, 1500 * MIN]))
    def wait(self, ms):
        self.clock.tick(ms)

    @rule(ms=st.sampled_from([-86_400_000, -MIN, MIN, 86_400_000]))
    def set_the_clock(self, ms):
        self.clock.jump(ms)

    @precondition(lambda self: self.world.now().open)
    @rule(how=st.sampled_from([OK, BAD, KILLED]))
    def end(self, how):
        policy = self.world.policy
        self.world.end(how)
        self.exits.append(self.real)
        found = self.world.now()
        wanted = policy == "always" or (policy == "on-crash" and how != OK)
        recent = sum(self.real - at < RULES.within for at in self.exits)
        daily = sum(self.real - at < RULES.day for at in self.restarts)
        gives_up = wanted and (recent >= 3 or daily >= 10)
        assert (found.state == "flapping") == gives_up
        assert found.waits == (wanted and not gives_up)
        if found.waits:
            assert RULES.first <= found.restart_in <= RULES.longest

    @rule()
    def daemon(self):
        before = self.world.now()
        begun = self.world.again()
        due = before.waits and self.real - self.exits[-1] >= before.restart_in
        recent = sum(self.real - at < RULES.span for at in self.restarts)
        assert (begun is not None) == (due and recent < 3)
        if begun:
            self.restarts.append(self.real)
            assert sum(self.real - at < RULES.day for at in self.restarts) <= 10
            self.world.go(begun.token)

    @precondition(lambda self: not self.world.now().open)
    @rule()
    def person(self):
        self.world.start()
        self.exits, self.restarts = [], []

    @precondition(lambda self: self.world.now().waits)
    @rule()
    def down(self):
        self.world.do(restarts.put_down, self.world.now().token)
        assert not self.world.now().waits

    def teardown(self):
        if self.world:
            self.world.store.close()


@pytest.mark.sqlite
def test_the_life_of_a_program(new_address, tmp_path_factory):
    run_state_machine_as_test(
        lambda: Life(new_address(tmp_path_factory.mktemp("life"))),
        settings=settings(max_examples=30, stateful_step_count=30, deadline=None),
    )
