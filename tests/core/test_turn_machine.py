"""The machine of turns, against a model: whatever agents do in whatever order, the store says what the model says."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.core.test_turn_rules import Crew
from xats.base import errors
from xats.core.agents import presence
from xats.core.turns import holding, membership, turns, views, waits
from xats.core.turns.holding import COOLDOWN
from xats.core.turns.members import RECENT
from xats.core.turns.turns import CLAIM, GRACE, LEASE

AGENTS = ("ann", "bea", "cyd", "dan")
NAMES = st.sampled_from((*AGENTS, "hal"))  # hal is a person


class One:
    """What the model knows of a member or an agent."""

    def __init__(self):
        self.seen, self.dead, self.busy, self.waits = 0, False, False, False
        self.last = None  # the number of the last grant to it
        self.missed = None


class Machine(RuleBasedStateMachine):
    def __init__(self, make_team, folder, reached):
        super().__init__()
        team, self.clock = make_team(folder)
        self.crew, self.reached = Crew(team, self.clock), reached
        self.agents = {name: One() for name in (*AGENTS, "hal")}
        self.members: list[str] = []  # in the order in which they joined
        self.holder = self.offered = self.last = None
        self.named, self.number, self.until, self.offer_until, self.freed_at = False, 0, 0, 0, None
        self.gone_at = None  # when xats saw that the process of the holder had ended
        self.handoff, self.log = None, 0

    def teardown(self):
        self.crew.store.close()

    @initialize()
    def people(self):
        self.crew.add(*AGENTS, join=False)
        self.crew.add("hal", join=False, client="human")
        for one in self.agents.values():
            one.seen = self.clock.now

    # -- the model -----------------------------------------------------------------------------------------------------

    def reachable(self, name):
        one = self.agents[name]
        if one.waits:
            return True
        if one.dead and name != "hal":
            return False
        return self.clock.now - one.seen < RECENT or name != "hal"

    def line(self, after=None):
        start = after or self.holder or self.last
        place = self.members.index(start) if start in self.members else -1
        count = len(self.members)

        def key(name):
            return self.agents[name].last or 0, (self.members.index(name) - place - 1) % count

        return [name for name in sorted(self.members, key=key) if name != self.holder]

    def free(self):
        if self.holder:
            self.last, self.freed_at = self.holder, self.clock.now
        self.holder = self.offered = self.gone_at = None
        self.named = False

    def move_on(self, but=(), only_waiting=False, after=None):
        for name in self.line(after):
            one = self.agents[name]
            if name in but or one.missed == self.number or (only_waiting and not one.waits):
                continue
            if self.reachable(name):
                self.offer(name)
                return

    def offer(self, name, named=False):
        self.offered, self.named, self.offer_until = name, named, self.clock.now + CLAIM
        self.reached.add("named" if named else "offered")

    def end_offer(self):
        self.agents[self.offered].missed = self.number
        self.free()

    def lapse(self):
        gone, self_ = self.holder, self
        self_.free()
        self_.move_on(but=(gone,))

    def over(self):
        """Return why the holder loses the turn now, or None."""
        one = self.agents[self.holder]
        if max(self.until, one.seen + LEASE) <= self.clock.now and not one.busy:
            return "silent"
        if self.gone_at is not None and self.gone_at <= self.clock.now - GRACE:
            return "gone"
        return None

    def settle(self):
        """Do in the store and in the model what time has done."""
        self.crew.settle()
        if self.holder:
            one = self.agents[self.holder]
            if self.holder != "hal":
                if not one.dead:
                    self.gone_at = None
                elif self.gone_at is None or one.seen > self.gone_at:
                    self.gone_at = self.gone_at if self.gone_at is not None else self.clock.now
            why = self.over()
            if why:
                self.reached.add(f"lapsed {why}")
                self.lapse()
            elif one.busy and max(self.until, one.seen + LEASE) <= self.clock.now:
                self.until = self.clock.now + LEASE
        while self.offered and (
            self.offer_until <= self.clock.now or (not self.named and not self.reachable(self.offered))
        ):
            self.reached.add("missed")
            self.end_offer()
            self.move_on()
            break

    def act(self, name, work, *args, refused=None):
        """Let `name` do it as a verb does; it must be refused with the code `refused`, or not at all."""
        try:
            done = self.crew.act(name, work, *args)
        except errors.XatsError as problem:
            assert problem.code == refused, (problem.code, refused, str(problem))
            self.reached.add(problem.code)
            return None
        assert refused is None, f"{work.__name__}{args} by {name} was to be refused: {refused}"
        return done

    def alive(self, name):
        """Note a sign of life, which a refused verb gives too late: the error undoes it."""
        self.agents[name].seen = self.clock.now

    # -- what agents do ------------------------------------------------------------------------------------------------

    def grant(self, name):
        self.number += 1
        self.holder, self.offered, self.named, self.gone_at = name, None, False, None
        self.until = self.clock.now + LEASE
        self.agents[name].last, self.agents[name].waits = self.number, False
        self.reached.add("held")

    def quiet(self, name):
        """A dead agent does nothing."""
        return self.agents[name].dead

    @rule(name=NAMES)
    def join(self, name):
        if self.quiet(name):
            return
        self.settle()
        new = self.act(name, membership.join)
        self.alive(name)
        assert new == (name not in self.members)
        if new:
            self.members.append(name)

    def refusal(self, name):
        """Return why `name` cannot take the turn now."""
        if name not in self.members:
            return "not_member"
        if self.holder or self.offered:
            return None if name in (self.holder, self.offered) else "turn_held"
        soon = self.last == name and self.freed_at is not None and self.clock.now < self.freed_at + COOLDOWN
        return "turn_too_soon" if soon and any(self.reachable(one) for one in self.members if one != name) else None

    @rule(name=NAMES, waiting=st.booleans())
    def take(self, name, waiting):
        if self.quiet(name):
            return
        self.settle()
        wrong = self.refusal(name)
        self.act(name, holding.take, self.crew.probe, refused=wrong)
        if wrong is None:
            self.alive(name)
            if self.holder != name:
                self.grant(name)
        elif wrong != "not_member" and waiting:
            self.settle()
            self.act(name, waits.begin, f"mark-{name}")
            self.alive(name)
            self.agents[name].waits = True
            self.crew.ended.discard(f"mark-{name}")

    @rule(name=NAMES)
    def stop_waiting(self, name):
        """Kill the process that waits."""
        self.crew.ended.add(f"mark-{name}")
        self.agents[name].waits = False

    @rule(name=NAMES, to=st.one_of(st.none(), NAMES), holder=st.booleans())
    def pass_on(self, name, to, holder):
        name = self.holder if holder and self.holder else name
        if self.quiet(name):
            return
        self.settle()
        whom = self.crew.team.agent(to) if to else None
        note = type(self).note(self.number, name)
        if self.holder != name:
            try:
                self.crew.act(name, holding.pass_on, whom, note, self.crew.probe)
                raise AssertionError((name, self.holder))
            except errors.Refused as problem:
                assert problem.code in ("turn_lost", "not_turn_holder")
            return
        wrong = "usage" if to == name else "not_member" if to and to not in self.members else None
        self.act(name, holding.pass_on, whom, note, self.crew.probe, refused=wrong)
        if wrong:
            return
        self.alive(name)
        self.handoff = note.status
        self.free()
        if to:
            self.offer(to, named=True)
        else:
            self.move_on(but=(name,))

    @staticmethod
    def note(number, name):
        from xats.core.turns.handoffs import Draft

        return Draft(f"{number} by {name}", "go on")

    @rule(name=NAMES)
    def release(self, name):
        if self.quiet(name) or name not in (self.holder, self.offered):
            return
        self.settle()
        if name == self.offered:
            self.act(name, holding.release, self.crew.probe)
            self.alive(name)
            self.end_offer()
            self.move_on()
            self.reached.add("given back")
        elif name == self.holder:
            self.act(name, holding.release, self.crew.probe)
            self.alive(name)
            self.free()
            self.move_on(but=(name,), only_waiting=True)
            self.reached.add("released")

    @rule(name=NAMES)
    def steal(self, name):
        """A steal does not settle first."""
        if self.quiet(name):
            return
        wrong, kind = None, None
        if self.holder == name:
            wrong = "refused"
        elif name != "hal" and name not in self.members:
            wrong = "not_member"
        elif self.holder:
            holder = self.agents[self.holder]
            over = max(self.until, holder.seen + LEASE) <= self.clock.now and not holder.busy
            gone_over = self.gone_at is not None and self.gone_at <= self.clock.now - GRACE
            if holder.dead and self.holder != "hal":
                kind = "gone"
            elif over or gone_over:
                kind = "silent"
            else:
                kind = "person" if name == "hal" else None
            wrong = None if kind else "turn_held"
        elif self.offered and self.offered != name:
            kind = "unused" if self.offer_until <= self.clock.now else "person" if name == "hal" else None
            wrong = None if kind else "turn_held"
        else:
            kind = "free"
        done = self.act(name, holding.steal, "why", self.crew.probe, refused=wrong)
        if wrong:
            return
        assert done[1] == kind
        self.reached.add(f"stolen {kind}")
        self.alive(name)
        if name not in self.members:
            self.members.append(name)
        if kind in ("unused", "person") and self.offered:
            self.end_offer()
        elif kind != "free":
            self.free()
        self.grant(name)

    @rule(name=NAMES)
    def leave(self, name):
        if self.quiet(name):
            return
        self.settle()
        wrong = None if name in self.members else "not_member"
        self.act(name, membership.leave, self.crew.probe, refused=wrong)
        if not wrong:
            self.alive(name)
            self.removed(name)

    def removed(self, name):
        self.agents[name].waits = False
        if name in (self.holder, self.offered):
            self.free()
            self.move_on(but=(name,), after=name)
        self.members.remove(name)
        self.agents[name].last = self.agents[name].missed = None

    @rule(name=NAMES, whom=NAMES, force=st.booleans())
    def kick(self, name, whom, force):
        if self.quiet(name):
            return
        self.settle()
        gone = self.agents[whom].dead and whom != "hal"
        wrong = None
        if whom == name:
            wrong = "usage"
        elif (name != "hal" and name not in self.members) or whom not in self.members:
            wrong = "not_member"
        elif not gone and (not force or (name != "hal" and whom in (self.holder, self.offered))):
            wrong = "member_active"

        def kick(tx, me, turn):
            return membership.kick(tx, me, turn, target, self.crew.probe, force=force)

        target = self.crew.team.agent(whom)
        self.act(name, kick, refused=wrong)
        if not wrong:
            self.alive(name)
            self.removed(whom)
            self.reached.add("kicked")

    # -- what happens to them ------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(AGENTS), busy=st.booleans())
    def works(self, name, busy):
        agent = self.crew.team.agent(name)
        state = "busy" if busy else "idle"
        self.crew.store.write(lambda tx: presence.put(tx, agent.id, state, f"s-{name}"))
        self.agents[name].busy = busy

    @rule(name=st.sampled_from(AGENTS), holder=st.booleans())
    def dies(self, name, holder):
        """The process of an agent ends; a moment passes, so that it gave its last sign of life before."""
        name = self.holder if holder and self.holder in AGENTS else name
        self.clock.tick(1)
        self.crew.dead.add(name)
        self.agents[name].dead = True

    @rule(name=st.sampled_from(AGENTS))
    def restarts(self, name):
        """An agent that has died registers again."""
        if not self.agents[name].dead:
            return
        self.clock.tick(1)
        self.crew.dead.discard(name)
        self.crew.add(name, join=False)
        self.agents[name].dead, self.agents[name].seen = False, self.clock.now
        if self.holder == name:
            self.gone_at = None

    @rule(minutes=st.sampled_from((1, 6, 11, 21, 46)))
    def time_passes(self, minutes):
        self.clock.tick(minutes * 60_000)

    # -- what always holds ---------------------------------------------------------------------------------------------

    @invariant()
    def the_store_says_the_same(self):
        if not self.crew.team.rows("select 1 from turns"):
            return
        turn = self.crew.turn()
        assert (turn.holder or "").partition("@")[0] == (self.holder or "")
        assert (turn.offered_to or "").partition("@")[0] == (self.offered or "")
        assert (turn.state, turn.number) == (
            "held" if self.holder else "offered" if self.offered else "free",
            self.number,
        )
        assert turn.named == self.named
        found = self.crew.store.read(lambda tx: views.details(tx, turns.find(tx, "crew"), self.crew.probe))
        assert [one.agent.partition("@")[0] for one in found.members] == self.members
        assert (found.handoff.status if found.handoff else None) == self.handoff

    @invariant()
    def the_log_only_grows(self):
        rows = self.crew.team.rows("select count(*) as n, max(id) as last from turn_log")
        assert rows[0]["n"] == (rows[0]["last"] or 0)
        assert rows[0]["n"] >= self.log
        self.log = rows[0]["n"]

    @invariant()
    def only_the_agent_of_an_offer_has_unread_mail_about_it(self):
        rows = self.crew.team.rows(
            """
            select a.name from deliveries d join messages m on m.id = d.message_id join agents a on a.id = d.agent_id
            where d.state = 'unread' and m.subject like '%is offered to you'
            """
        )
        assert [row["name"] for row in rows] == ([self.offered] if self.offered else [])


ALL = {
    *("held", "offered", "named", "missed", "released", "given back", "kicked", "lapsed silent", "lapsed gone"),
    *("stolen person", "stolen gone", "stolen silent", "stolen unused", "stolen free"),
    *("turn_held", "turn_too_soon", "not_member", "member_active"),
}


def test_whatever_happens_the_store_says_what_the_model_says(make_team, tmp_path_factory, engine):
    examples = 120 if engine == "sqlite" else 20  # a statement is a round trip; the rules are the same
    reached: set[str] = set()
    run_state_machine_as_test(
        lambda: Machine(make_team, tmp_path_factory.mktemp("machine"), reached),
        settings=settings(max_examples=examples, stateful_step_count=50, deadline=None),
    )
    assert reached  # of what happens at random, most; of what the next test does, all


def test_every_state_and_every_takeover_is_reached(make_team, tmp_path):
    """One walk of the same machine that does not depend on chance."""
    reached: set[str] = set()
    walk = Machine(make_team, tmp_path, reached)
    walk.people()

    def check():
        walk.the_store_says_the_same()
        walk.the_log_only_grows()
        walk.only_the_agent_of_an_offer_has_unread_mail_about_it()

    def do(step, **values):
        getattr(walk, step)(**values)
        check()

    for name in ("ann", "bea", "cyd"):
        do("join", name=name)
    do("take", name="dan", waiting=False)  # not_member
    do("take", name="ann", waiting=False)
    do("take", name="bea", waiting=False)  # turn_held
    do("pass_on", name="ann", to=None, holder=True)
    do("take", name="bea", waiting=False)
    do("pass_on", name="bea", to="cyd", holder=True)
    do("release", name="cyd")  # it gives the offer back
    do("take", name="ann", waiting=False)
    do("pass_on", name="ann", to="bea", holder=True)
    do("time_passes", minutes=21)
    do("steal", name="cyd")  # unused
    do("dies", name="cyd", holder=True)
    do("steal", name="bea")  # gone
    do("time_passes", minutes=46)
    do("steal", name="ann")  # silent
    do("works", name="ann", busy=True)
    do("time_passes", minutes=46)
    do("steal", name="bea")  # turn_held: it is busy
    do("works", name="ann", busy=False)
    do("take", name="ann", waiting=False)
    do("steal", name="hal")  # person
    do("release", name="hal")
    do("take", name="hal", waiting=False)  # turn_too_soon
    do("steal", name="bea")  # free
    do("time_passes", minutes=46)
    do("join", name="dan")  # lapsed silent
    do("time_passes", minutes=21)
    do("join", name="dan")  # missed
    do("take", name=walk.offered or "dan", waiting=False)
    do("dies", name="dan", holder=True)
    do("join", name="hal")
    do("time_passes", minutes=11)
    do("join", name="hal")  # lapsed gone
    do("restarts", name="cyd")
    do("kick", name="cyd", whom="hal", force=False)  # member_active
    do("kick", name="hal", whom="cyd", force=True)
    do("take", name="hal", waiting=True)
    walk.teardown()
    assert reached >= ALL, ALL - reached
