"""The machine of tasks, against a model: whatever agents do in whatever order, the store says what the model says."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from xats.base import errors
from xats.core.agents import agents
from xats.core.tasks import claims, endings, planning, reviews, tasks

NAMES = st.sampled_from(("ann", "bea", "quy", "leo", "hal"))
ROLES = {"ann": "dev", "bea": "dev", "quy": "qa", "leo": "lead", "hal": None}
LEASE = 60_000


class Model:
    """What one task should be."""

    def __init__(self, creator, to, role, needs, review):
        self.creator, self.to, self.role, self.needs, self.review = creator, to, role, set(needs), set(review)
        self.state, self.owner, self.until, self.approved = "open", None, 0, set()
        self.had: dict[str, str] = {}  # who: the last thing that was said of his claim


class Machine(RuleBasedStateMachine):
    known = Bundle("known")

    def __init__(self, make_team, folder):
        super().__init__()
        self.team, self.clock = make_team(folder)
        self.model: dict[int, Model] = {}
        self.seen = {}

    def teardown(self):
        self.team.store.close()

    @initialize()
    def people(self):
        for name, role in ROLES.items():
            self.team.add(name, role=role, **({"client": "human"} if name == "hal" else {}))
            self.seen[name] = self.clock.now

    # -- acting as the program does ------------------------------------------------------------------------------------

    def act(self, name, work, *args, refused=None):
        """Let `name` do it; it must be refused with the code `refused`, or not at all."""
        self.settle()

        def both(tx, me):
            agents.touch(tx, me)
            return work(tx, me, *args)

        try:
            done = self.team.do(name, both)
        except errors.XatsError as problem:
            assert problem.code == refused, (problem.code, refused, str(problem))
            return None
        assert refused is None, f"{work.__name__}{args} by {name} was to be refused: {refused}"
        self.seen[name] = self.clock.now
        return done

    def settle(self):
        opened = self.team.store.write(lambda tx: claims.settle(tx, lambda _: False))
        wanted = []
        for number, one in self.model.items():
            if one.state == "claimed" and max(one.until, self.seen[one.owner] + LEASE) <= self.clock.now:
                wanted.append(number)
                one.had[one.owner] = "lapsed"
                self.free(one)
        assert sorted(opened) == wanted

    def free(self, one):
        one.state, one.owner, one.approved = "open", None, set()

    def ready(self, one):
        return one.state == "open" and not self.waits(one)

    def waits(self, one):
        """Return what is refused because something that it needs was reopened since."""
        return "blocked" if any(self.model[need].state != "done" for need in one.needs) else None

    def for_me(self, one, name):
        return name == one.to if one.to else one.role in (None, ROLES[name])

    def not_mine(self, one, name, states):
        """Return why `name` cannot act as the owner."""
        if one.state in tasks.ENDED:
            return "ended"
        if one.owner == name:
            return None if one.state in states else "refused"
        return "lease_lost" if one.had.get(name) in ("claimed", "lapsed") else "not_owner"

    def cannot_manage(self, one, name):
        return None if name in ("hal", one.creator, one.owner) else "refused"

    # -- what may happen -----------------------------------------------------------------------------------------------

    @rule(target=known, name=NAMES, to=NAMES, kind=st.sampled_from(("any", "to", "role")), data=st.data())
    def add(self, name, to, kind, data):
        numbers = st.lists(st.sampled_from(sorted(self.model)), max_size=3) if self.model else st.just([])
        needs = data.draw(numbers)
        review = data.draw(st.sampled_from(((), (), ("qa",), ("qa", "lead"))))
        chosen = to if kind == "to" else None
        role = "dev" if kind == "role" else None
        new = planning.New("t", to=chosen, role=role, needs=tuple(needs), review=review)
        task, created = self.act(name, planning.add, new)
        assert created
        self.model[task.id] = Model(name, chosen, role, needs, review)
        return task.id

    @rule(name=NAMES, number=known)
    def claim(self, name, number):
        one = self.model[number]
        self.settle()
        wrong = None
        if one.state in tasks.ENDED:
            wrong = "ended"
        elif one.state != "open":
            wrong = "held"
        elif not self.for_me(one, name):
            wrong = "not_for_you"
        elif not self.ready(one):
            wrong = "blocked"
        self.act(name, claims.claim, number, LEASE, refused=wrong)
        if not wrong:
            self.take(one, name)

    def take(self, one, name):
        one.state, one.owner, one.until = "claimed", name, self.clock.now + LEASE
        one.had[name] = "claimed"

    @rule(name=NAMES)
    def claim_next(self, name):
        self.settle()
        wanted = next((n for n, one in self.model.items() if self.ready(one) and self.for_me(one, name)), None)
        found = self.act(name, claims.claim_next, LEASE)
        assert (found.id if found else None) == wanted
        if found:
            self.take(self.model[wanted], name)

    @rule(name=NAMES, number=known)
    def renew(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = self.not_mine(one, name, ("claimed",))
        self.act(name, claims.renew, number, refused=wrong)
        if not wrong:
            one.until = self.clock.now + LEASE

    @rule(name=NAMES, number=known)
    def done(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = self.not_mine(one, name, ("claimed", "review")) or ("needs_review" if one.review else self.waits(one))
        self.act(name, claims.done, number, "result", refused=wrong)
        if not wrong:
            one.state = "done"

    @rule(name=NAMES, number=known)
    def fail(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = self.not_mine(one, name, ("claimed",))
        self.act(name, claims.fail, number, "why", refused=wrong)
        if not wrong:
            one.state = "failed"

    @rule(name=NAMES, number=known)
    def release(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = None
        if one.state not in ("claimed", "review") or name not in ("hal", one.creator, one.owner):
            wrong = self.not_mine(one, name, ("claimed", "review"))
        self.act(name, claims.release, number, refused=wrong)
        if not wrong:
            one.had[name] = "released"
            self.free(one)

    @rule(name=NAMES, number=known)
    def submit(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = self.not_mine(one, name, ("claimed", "review")) or (self.waits(one) if one.review else "invalid_task")
        self.act(name, reviews.submit, "pane", number, "result", refused=wrong)
        if not wrong:
            one.state, one.approved = "review", set()

    def cannot_review(self, one, name):
        if one.state in tasks.ENDED:
            return "ended"
        if one.state != "review":
            return "not_in_review"
        return "not_reviewer" if one.owner == name or ROLES[name] not in one.review else None

    @rule(name=NAMES, number=known)
    def approve(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = self.cannot_review(one, name) or self.waits(one)
        done = self.act(name, reviews.approve, number, refused=wrong)
        if not wrong:
            assert done[1] == (ROLES[name] not in one.approved)
            one.approved.add(ROLES[name])
            one.state = "done" if one.approved == one.review else "review"

    @rule(name=NAMES, number=known)
    def feedback(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = self.cannot_review(one, name)
        self.act(name, reviews.feedback, "pane", number, "more", refused=wrong)
        if not wrong:
            one.state, one.until = "claimed", self.clock.now + LEASE

    @rule(name=NAMES, number=known)
    def cancel(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = "ended" if one.state in tasks.ENDED else self.cannot_manage(one, name)
        self.act(name, endings.cancel, number, None, refused=wrong)
        if not wrong:
            one.state = "cancelled"

    @rule(name=NAMES, number=known)
    def reopen(self, name, number):
        self.settle()
        one = self.model[number]
        wrong = "not_ended" if one.state in tasks.LIVE else self.cannot_manage(one, name)
        self.act(name, endings.reopen, number, refused=wrong)
        if not wrong:
            self.free(one)

    @rule(name=NAMES, number=known, need=known, add=st.booleans())
    def edit_needs(self, name, number, need, add):
        self.settle()
        one = self.model[number]
        wrong = "ended" if one.state in tasks.ENDED else self.cannot_manage(one, name)
        wrong = wrong or ("refused" if one.state != "open" else None)
        if not wrong and add and number in self.reachable(need):
            wrong = "cycle"
        if not wrong and not add and need not in one.needs:
            wrong = "invalid_task"
        change = planning.Edit(needs=(need,)) if add else planning.Edit(no_needs=(need,))
        self.act(name, planning.edit, number, change, refused=wrong)
        if not wrong:
            (one.needs.add if add else one.needs.discard)(need)

    def reachable(self, start):
        found, waiting = set(), [start]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self.model[one].needs
        return found

    @rule(seconds=st.integers(1, 100))
    def time_passes(self, seconds):
        self.clock.tick(seconds * 1000)

    # -- what always holds ---------------------------------------------------------------------------------------------

    @invariant()
    def the_store_says_the_same(self):
        rows = self.team.rows("select t.*, o.name as owner from tasks t left join agents o on o.id = t.owner_id")
        for row in rows:
            one = self.model[row["id"]]
            assert row["state"] == one.state
            if one.state in tasks.LIVE:
                assert row["owner"] == one.owner
            waits = sum(self.model[need].state != "done" for need in one.needs)
            assert row["waits_for"] == waits

    @invariant()
    def no_mail_says_what_is_not_so(self):
        """What is unread of a task that is ready, or to be reviewed, is true."""
        for row in self.team.rows(
            "select t.id, t.state, t.waits_for, m.about from task_mail m join tasks t on t.id = m.task_id"
        ):
            assert (
                (row["state"] == "open" and row["waits_for"] == 0)
                if row["about"] == "ready"
                else (row["state"] == "review")
            ), row

    @invariant()
    def every_change_is_told(self):
        (row,) = self.team.rows(
            """
            select count(*) as n from task_notes n where not exists (
                select 1 from events e
                where e.subject = 'task:' || n.task_id and e.type = 'task_' || n.kind and e.at = n.at
            )
            """
        )
        assert row["n"] == 0


def test_whatever_happens_the_store_says_what_the_model_says(make_team, tmp_path_factory, engine):
    examples = 120 if engine == "sqlite" else 40  # a statement is a round trip; the rules are the same
    run_state_machine_as_test(
        lambda: Machine(make_team, tmp_path_factory.mktemp("machine")),
        settings=settings(max_examples=examples, stateful_step_count=40, deadline=None),
    )
