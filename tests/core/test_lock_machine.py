"""The locks of files, against a model: whatever agents do in whatever order, the store says what the model says."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.conftest import HOST
from xats.base import errors
from xats.core.agents import agents
from xats.core.agents.agents import Seat
from xats.core.locks import automatic, locks, settle
from xats.core.locks.automatic import LASTS
from xats.core.locks.files import File

NAMES = ("ann", "bea", "cid", "hal")
PATHS = ("a", "b", "c", "d")
WHO, WHAT = st.sampled_from(NAMES), st.sampled_from(PATHS)
SOME = st.lists(WHAT, min_size=1, max_size=3)
LEASES = st.sampled_from((1_000, 60_000, 600_000, 7_200_000))


def file(path):
    return File("h", "/r/.git", "/r", path, path)


class Row:
    """What one lock should be; its row may be there although its time is over."""

    def __init__(self, holder, kind, lease, until):
        self.holder, self.kind, self.lease, self.until = holder, kind, lease, until
        self.token = None


class Machine(RuleBasedStateMachine):
    def __init__(self, make_team, folder):
        super().__init__()
        self.team, self.clock = make_team(folder)
        self.rows: dict[str, Row] = {}
        self.void: dict[int, tuple[str, str]] = {}  # tokens of locks that ended: of whom, on what
        self.seen, self.pids, self.dead, self.started = {}, {}, set(), 0

    def teardown(self):
        self.team.store.close()

    @initialize()
    def people(self):
        for name in NAMES:
            self.start(name)

    def start(self, name):
        self.started += 1
        self.pids[name] = 1000 + self.started
        client = "human" if name == "hal" else "generic"
        self.team.register(name, client=client, seat=Seat(HOST, self.pids[name], 1), alive=lambda _: False)
        self.seen[name] = self.clock.now

    # -- the model -----------------------------------------------------------------------------------------------------

    def until(self, row):
        return max(row.until, self.seen[row.holder] + row.lease) if row.kind == "explicit" else row.until

    def holds(self, path):
        row = self.rows.get(path)
        return row if row and self.until(row) > self.clock.now else None

    def drop(self, path):
        row = self.rows.pop(path, None)
        if row and row.token:
            self.void[row.token] = (row.holder, path)

    def act(self, name, work, *args, refused=None, **values):
        """Let `name` do it as a verb does; it must be refused with the code `refused`, or not at all."""

        def both(tx, me):
            agents.touch(tx, me)
            return work(tx, me, *args, **values)

        try:
            done = self.team.do(name, both)
        except errors.XatsError as problem:
            assert problem.code == refused, (problem.code, refused, str(problem))
            return None
        assert refused is None, f"{work.__name__}{args} by {name} was to be refused: {refused}"
        return done

    # -- what may happen -----------------------------------------------------------------------------------------------

    @rule(name=WHO, paths=SOME, lease=LEASES)
    def take(self, name, paths, lease):
        before = self.seen[name]
        self.seen[name] = self.clock.now
        taken = any(row.holder != name for row in map(self.holds, paths) if row)
        found = self.act(
            name, locks.take, [file(path) for path in paths], lease, refused="lock_held" if taken else None
        )
        if taken:  # all or none
            self.seen[name] = before
            return
        assert [lock.file.path for lock in found] == sorted(set(paths))
        for lock in found:
            path = lock.file.path
            mine = self.holds(path)
            if mine is None:
                self.drop(path)
                mine = self.rows[path] = Row(name, "explicit", lease, 0)
                assert lock.id not in self.void
            else:
                assert mine.token in (None, lock.id)
            mine.kind, mine.lease, mine.until, mine.token = "explicit", lease, self.clock.now + lease, lock.id

    @rule(name=WHO, path=WHAT)
    def edit(self, name, path):
        """A hook does it without a sign of life."""
        row = self.holds(path)
        found = self.team.do(name, automatic.take, file(path))
        assert (found.holder_name if found else None) == (row.holder if row and row.holder != name else None)
        if row is None:
            self.drop(path)
            self.rows[path] = Row(name, "automatic", LASTS, self.clock.now + LASTS)
        elif row.holder == name and row.kind == "automatic":
            row.until = self.clock.now + LASTS

    @rule(name=WHO, path=WHAT, how=st.sampled_from((locks.release, locks.renew)))
    def let_go_or_keep(self, name, path, how):
        before = self.seen[name]
        self.seen[name] = self.clock.now
        row = self.holds(path)
        mine = row and row.holder == name
        [found] = self.act(name, how, [file(path)], refused=None if mine else "not_holder") or [None]
        if not mine:
            self.seen[name] = before
        elif how is locks.release:
            self.drop(path)
        else:
            length = row.lease if row.kind == "explicit" else locks.LEASE
            row.kind, row.lease, row.until, row.token = "explicit", length, self.clock.now + length, found.id

    @rule(data=st.data(), how=st.sampled_from((locks.release, locks.renew)))
    def use_a_void_token(self, data, how):
        if self.void:
            token = data.draw(st.sampled_from(sorted(self.void)))
            name, path = self.void[token]
            self.act(name, how, [file(path)], token=token, refused="lock_lost")

    @rule(path=WHAT)
    def a_person_steals(self, path):
        before = self.seen["hal"]
        self.seen["hal"] = self.clock.now
        row = self.holds(path)
        others = row and row.holder != "hal"
        found = self.act("hal", locks.steal, file(path), "it hangs", refused=None if others else "not_holder")
        if not others:
            self.seen["hal"] = before
            return
        self.drop(path)
        self.rows[path] = Row("hal", "explicit", locks.LEASE, self.clock.now + locks.LEASE)
        self.rows[path].token = found.id

    @rule(name=WHO)
    def end_a_turn(self, name):
        self.team.do(name, automatic.end)
        for path in [path for path, row in self.rows.items() if (row.holder, row.kind) == (name, "automatic")]:
            self.drop(path)

    @rule(name=WHO)
    def sign_of_life(self, name):
        self.team.do(name, agents.touch)
        self.seen[name] = self.clock.now

    @rule(name=WHO)
    def die(self, name):
        self.dead.add(self.pids[name])

    @rule(name=WHO)
    def start_again(self, name):
        if self.pids[name] in self.dead:
            self.start(name)
            self.end_a_turn(name)

    @rule(ms=st.sampled_from((1, 999, 1_000, 59_999, 60_000, 119_999, 600_000, 7_200_000)))
    def wait(self, ms):
        self.clock.tick(ms)

    @rule()
    def settle(self):
        def gone(session):
            return session.seat.pid in self.dead

        ended = self.team.store.write(lambda tx: settle.settle(tx, gone, lambda _: False))
        wanted = []
        for path, row in sorted(self.rows.items()):
            dead = row.holder != "hal" and self.pids[row.holder] in self.dead
            if dead or not self.holds(path):
                wanted += [path] if row.kind == "explicit" else []
                self.drop(path)
        assert sorted(lock.file.path for lock in ended) == wanted

    # -- what is always so ---------------------------------------------------------------------------------------------

    @invariant()
    def the_store_says_the_same(self):
        found = self.team.store.read(lambda tx: locks.find(tx, [file(path) for path in PATHS]))
        wanted = [(path, row.holder, row.kind, self.until(row)) for path in PATHS if (row := self.holds(path))]
        assert [(lock.file.path, lock.holder_name, lock.kind, lock.until) for lock in found] == wanted
        assert len(self.team.rows("select id from locks")) == len(self.rows)


def test_locks_are_what_the_model_says(make_team, tmp_path_factory, engine):
    examples = 60 if engine == "sqlite" else 20  # a statement is a round trip; the rules are the same
    run_state_machine_as_test(
        lambda: Machine(make_team, tmp_path_factory.mktemp("machine")),
        settings=settings(max_examples=examples, stateful_step_count=40, deadline=None),
    )
