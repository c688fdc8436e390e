"""The life of a wake, by chance: whatever happens in whatever order, unread mail waits for a time or for a named thing.

Real core, real attempts and a real store, with a clock set by hand; only what an attempt finds at the ends of its ways
(a pane, an inbox, a waiter) is played.
"""

import random
import sys
from itertools import pairwise

import pytest

from xats.base import host
from xats.base.pane import Pane
from xats.core.agents import agents, presence, registration
from xats.core.agents.agents import Seat
from xats.core.mail import inbox
from xats.core.waking import attempts, pauses, reasons, wakes, watched
from xats.daemon import routes
from xats.delivery import attempt, screens, target
from xats.delivery.settings import Settings
from xats.delivery.transports import Delivered, Refused, Skipped, tmux, waiter
from xats.settings.keys import TRANSPORTS
from xats.store.sqlite import engine

HOST = host.id()
SETTINGS = Settings()
STEPS = 60
# More attempts at one wake than this, with nothing happening in between, would be more than the ladder says: each way
# once, the hook, and the rungs.
MOST = len(SETTINGS.rungs) + 1 + len(TRANSPORTS)
SHORTEST = min(
    0.9 * min(SETTINGS.rungs), SETTINGS.read_within
)  # ms between two attempts that nothing has brought about


class Died(Exception):
    """The daemon, in the middle of an attempt."""


class World:
    """Bob, who is written to, with all that can happen to him."""

    NAME, CLIENTS = "claude-inbox", ("claude-code",)  # it is also the inbox of his program

    def __init__(self, team, clock, seed):
        self.team, self.clock, self.chance = team, clock, random.Random(seed)
        self.settings = SETTINGS
        self.RESTS = seed % 2 == 1  # as Codex's, after a turn was broken off
        self.waits = self.has_inbox = self.idle = False
        self.answer, self.pane_says = "delivered", "busy"
        self.sessions = self.panes = 0
        self.took: set[tuple[int, str]] = set()  # the wake and the way that has taken its line
        self.tried: list[tuple[int, int]] = []  # when, and at which wake
        self.meanwhile: list[str] = []  # what is to happen in the next attempt
        self.now_at: int | None = None  # the wake that is attempted
        self.history: list[str] = []
        if isinstance(team.store, engine.Store):
            team.store.connection.execute("pragma synchronous = off")  # hundreds of transactions, and no power cut
        team.add("alice", "carol", wake_by="none")  # nobody else is woken here
        self.pane = self.new_pane()
        self.name = "s0"
        self.register()

    # -- the ends of the ways ------------------------------------------------------------------------------------------

    def reach(self, session):
        return "its socket" if self.has_inbox else None

    def deliver(self, request):
        return self.hand("claude-inbox", request)

    def by_waiter(self, request):
        return self.hand("waiter", request)

    def hand(self, transport, request):
        if request.line() is None:
            return Skipped("already_read")
        assert self.waking(), "woken for what wakes nobody"
        self.happen_meanwhile()
        if self.answer != "delivered" or not self.in_reach():
            return Refused("inbox_failed")
        self.took.add((self.now_at, transport))
        return Delivered()

    def by_pane(self, request):
        if self.pane_says == "delivered" and request.line() is None:
            return Skipped("already_read")
        self.happen_meanwhile()
        if self.pane_says != "delivered":
            return Refused(self.pane_says)
        self.took.add((self.now_at, "tmux"))
        return Delivered()

    def happen_meanwhile(self):
        while self.meanwhile:
            self.do(self.meanwhile.pop())

    # -- what happens --------------------------------------------------------------------------------------------------

    def do(self, name):
        self.history.append(name)
        getattr(self, f"do_{name}")()

    def bob(self):
        return self.team.store.read(lambda tx: agents.find(tx, "crew", "bob"))

    def write(self, work, *args):
        bob = self.bob().id
        return self.team.store.write(lambda tx: work(tx, bob, *args))

    def new_pane(self):
        self.panes += 1
        return Pane("/nowhere/s", 1, 1, f"%{self.panes}", self.panes, "/dev/null")

    def register(self, **changes):
        seat = Seat(HOST, None, None, self.name, self.pane)
        self.team.register("bob", client="claude-code", seat=seat, leave_pane=self.pane is None, **changes)
        wake = self.open_wake()
        assert not wake or wake["next_attempt_at"] or wake["state"] == "held"

    def do_send(self):
        if self.bob().registered:
            self.team.send(self.chance.choice(("alice", "carol")), "bob", need_reply=self.chance.random() < 0.5)

    def do_ack(self):
        if self.bob().registered:
            self.team.send("alice", "bob", wake=False)

    def do_short(self):
        if self.bob().registered:
            self.team.send("alice", "bob", ttl=90_000)

    def do_read(self):
        """All of it, or the oldest."""
        bob = self.bob()
        rows = self.team.rows(
            "select message_id from deliveries where agent_id = :bob and state = 'unread'"
            " and (expires_at is null or expires_at > :now) order by message_id",
            bob=bob.id,
            now=self.clock.now,
        )
        ids = [row["message_id"] for row in rows][: self.chance.choice((1, 99))]
        self.team.store.write(lambda tx: inbox.mark_read(tx, bob, ids))

    def do_take_back(self):
        since = self.clock.now - 5000
        bob = self.bob()
        self.team.store.write(lambda tx: inbox.take_back(tx, bob, since))

    def do_prompt(self):
        self.idle = False
        if self.bob().registered:
            self.write(presence.put, "busy", self.name)

    def do_turn_end(self):
        self.idle = True
        if self.bob().registered:
            self.write(presence.put, "idle", self.name)
            self.write(wakes.retry_now, "for_hook")

    def do_break_off(self):
        self.idle = True
        told = self.team.store.read(lambda tx: presence.get(tx, self.bob_id(tx)))
        if told and told.state in ("busy", "waiting"):
            self.write(presence.broken_off, told)

    def bob_id(self, tx):
        return agents.find(tx, "crew", "bob").id

    def do_arm(self):
        self.waits = True
        self.write(wakes.retry_now, "not_handed")

    def do_disarm(self):
        self.waits = False

    def do_inbox(self):
        self.has_inbox = not self.has_inbox

    def do_inbox_answer(self):
        self.answer = self.chance.choice(("delivered", "delivered", "inbox_failed"))

    def do_pane(self):
        self.pane_says = self.chance.choice(
            (
                *("delivered", "busy", "draft_present", "dialog_open", "not_quiet"),
                *("tmux_unavailable", "program_elsewhere", "pane_changed", "process_gone", "server_gone"),
            )
        )

    def do_register(self):
        """Just as it was."""
        self.register()

    def do_clear(self):
        self.sessions += 1
        self.name = f"s{self.sessions}"
        self.register()

    def do_new_session(self):
        self.sessions += 1
        self.name = f"s{self.sessions}"
        self.pane = self.new_pane() if self.chance.random() < 0.6 else None
        self.pane_says = "busy"
        self.waits = False
        self.register(takeover=True)

    def do_choose(self):
        self.register(wake_by=self.chance.choice(("auto", "auto", "tmux", "none")))

    def do_unregister(self):
        bob = self.bob()
        if bob.registered:
            self.team.store.write(lambda tx: registration.unregister(tx, bob))

    def do_pause(self):
        whom = self.bob() if self.chance.random() < 0.5 else None
        self.team.do("carol", pauses.pause, "crew", whom, None)

    def do_resume(self):
        for whom in (self.bob(), None):
            self.team.do("carol", pauses.resume, "crew", whom)

    def do_sweep(self):
        self.team.store.write(inbox.sweep)
        self.team.store.write(lambda tx: attempts.free_leases(tx, lambda token: token != "d1"))

    def do_round(self):
        """The daemon's, for what is suspended."""
        for one in self.suspended_in_reach():
            self.team.store.write(lambda tx, one=one: wakes.retry_now(tx, one.agent.id, "suspended"))

    def suspended_in_reach(self):
        store = self.team.store
        found = store.read(lambda tx: routes.find(tx, HOST))
        return routes.reached(found, store.path, {one.agent.team: self.settings for one in found})

    def do_tick(self):
        self.clock.tick(self.chance.choice((1, 500, 5_000, 40_000, 70_000, 200_000, 700_000)))

    def do_set_back(self):
        self.do_sweep()  # what has expired by the old clock has expired
        self.clock.tick(-self.chance.choice((50, 5_000, 3_600_000)))

    def do_attempt(self):
        if self.now_at is not None:
            return
        for wake in target.lease_due(self.team.store, "d1", self.settings, 10):
            self.attempt(wake)

    def do_attempt_with(self):
        if self.now_at is None:
            self.meanwhile = [self.chance.choice(EVENTS) for _ in range(self.chance.choice((1, 1, 2)))]
            self.do_attempt()
            self.meanwhile = []

    def do_die(self):
        """In the next attempt."""
        if self.now_at is not None:
            raise Died

    def do_early(self):
        if self.now_at is not None:
            return
        store = self.team.store
        for wake in store.read(lambda tx: watched.waiting(tx, HOST, 9)):
            if store.write(lambda tx, wake=wake: attempts.lease_early(tx, wake, "d1")):
                self.attempt(wake, cause="watched")
        for wake in store.read(lambda tx: watched.given_up(tx, HOST, 9)):
            store.write(lambda tx, wake=wake: watched.retry_soon(tx, wake.agent_id))

    def attempt(self, wake, cause="due"):
        self.now_at = wake.id
        try:
            result = attempt.make(self.team.store, wake, "d1", self.settings, cause=cause)
            if result.reason != "recipient_active":  # then nobody was disturbed
                self.tried.append((self.clock.now, wake.id))
        except Died:
            self.history.append("died")
        finally:
            self.now_at = None

    # -- what must be so -----------------------------------------------------------------------------------------------

    def waking(self):
        """Return how much is unread of that for which bob is to be woken."""
        return len(
            self.team.rows(
                "select 1 from deliveries where agent_id = :bob and state = 'unread' and wake_id is not null"
                " and (expires_at is null or expires_at > :now)",
                bob=self.bob().id,
                now=self.clock.now,
            )
        )

    def open_wake(self):
        return next(
            iter(self.team.rows("select * from wakes where closed_at is null and agent_id = :bob", bob=self.bob().id)),
            None,
        )

    def in_reach(self):
        """Tell whether a line can be handed to him just now."""
        bob = self.bob()
        told = self.team.store.read(lambda tx: presence.get(tx, bob.id))
        rests = self.RESTS and told is not None and told.broken_off_at is not None  # until the next prompt
        return bob.registered and bob.wake_by == "auto" and ((self.has_inbox and not rests) or self.waits)

    def check(self):
        for row in self.team.rows("select * from wakes"):
            handed = row["handed"].split(",") if row["handed"] else []
            assert all((row["id"], way) in self.took for way in handed)
            if row["state"] == "delivered":
                assert any(wake == row["id"] for wake, _ in self.took), "delivered, and nobody took it"
        wake = self.open_wake()
        if wake is None:
            assert not self.waking() or self.ended_rightly()
        elif wake["state"] == "held":
            assert self.team.rows("select 1 from pauses")
        elif wake["lease_token"]:
            pass  # of one that died; it lapses
        elif wake["next_attempt_at"] is None:
            assert wake["reason"] in reasons.GONE
            assert bool(self.suspended_in_reach()) == self.in_reach()

    def ended_rightly(self):
        """Tell whether the last wake for what is unread has ended in a way that leaves it so."""
        last = self.team.rows(
            "select w.* from wakes w join deliveries d on d.wake_id = w.id where d.agent_id = :bob"
            " and d.state = 'unread' order by w.id desc limit 1",
            bob=self.bob().id,
        )[0]
        if last["state"] == "delivered":
            return (last["id"], "tmux") in self.took
        return last["state"] == "failed" or last["reason"] == "no_wake"

    def drain(self):
        """Let time pass and nothing else: every wake comes to its end, or to a state that waits for a named thing."""
        self.meanwhile = []
        before = len(self.tried)
        for _ in range(3 * MOST):
            self.do("round")
            wake = self.open_wake()
            if wake is None or (wake["next_attempt_at"] is None and wake["lease_token"] is None):
                break
            if not wakes_due(self):
                times = [(wake["next_attempt_at"], self.settings.longest), (wake["lease_until"], attempts.LEASE)]
                ahead = [at - self.clock.now for at, most in times if at and at - self.clock.now <= most]
                self.clock.tick(max([1, *ahead]))  # what is further ahead is of a clock that was set back
            self.do("attempt")
            self.check()
        else:
            pytest.fail(f"tried for ever: {self.tried[before:]}")
        tried = self.tried[before:]
        for wake_id in {one for _, one in tried}:
            times = [at for at, one in tried if one == wake_id]
            assert len(times) <= MOST
            # The first may have found an agent that has moved, which costs nothing.
            assert all(later - sooner >= SHORTEST for sooner, later in pairwise(times[1:])), times


def wakes_due(world):
    return world.team.store.read(lambda tx: attempts.due(tx, 9, world.settings.longest, HOST))


EVENTS = (
    *("send", "send", "ack", "short", "read", "take_back", "prompt", "turn_end", "break_off", "arm", "disarm", "inbox"),
    *("inbox_answer", "pane", "register", "clear", "new_session", "choose", "unregister", "pause", "resume", "die"),
)
STEP = (
    *EVENTS,
    *("tick", "set_back", "sweep", "early", "round"),
    *("send", "attempt", "attempt_with", "tick", "resume") * 4,
)


@pytest.mark.parametrize("seed", [*range(60), 1259, 1511])  # these two went round for ever
def test_whatever_happens_a_wake_goes_on_or_waits_for_a_named_thing(team, clock, monkeypatch, seed):
    world = World(team, clock, seed)
    monkeypatch.setitem(sys.modules, "xats.delivery.transports.claude_inbox", world)
    monkeypatch.setattr(waiter, "reach", lambda *_: "a waiter" if world.waits else None)
    monkeypatch.setattr(waiter, "deliver", world.by_waiter)
    monkeypatch.setattr(tmux, "deliver", world.by_pane)
    monkeypatch.setattr(screens, "idle", lambda *_: world.idle)
    monkeypatch.setattr(attempt.time, "sleep", lambda _: None)
    monkeypatch.setattr(
        attempt.faults, "point", lambda name: world.happen_meanwhile() if name == "wake.before_record" else None
    )
    try:
        for _ in range(STEPS):
            world.do(world.chance.choice(STEP))
            world.check()
        world.drain()
    except BaseException:
        print(" ".join(world.history), world.open_wake(), sep="\n")
        raise
