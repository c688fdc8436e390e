"""The life of locks: how they end by time and by the end of processes, and which agents learn of it."""

import pytest

from tests.conftest import HOST, HostClock
from xats.core import clock as rules
from xats.core.agents import agents, changes, departures, holdings, registration, unused
from xats.core.agents.agents import RENEW_EVERY, Seat
from xats.core.leases.tables import FAR
from xats.core.locks import automatic, locks, settle, waits
from xats.core.locks.automatic import LASTS
from xats.core.locks.errors import LockAwaited, LockHeld, LockLost, LocksHeld, NotHolder
from xats.core.locks.files import File
from xats.core.locks.locks import LEASE
from xats.core.mail import inbox
from xats.core.tasks import claims, planning
from xats.core.tasks.errors import TasksHeld
from xats.core.teams import changes as team_changes
from xats.core.teams import merge as team_merge
from xats.core.turns import turns

HOUR, DAY = 3600_000, 24 * 3600_000
SEAT_OF_BOB = Seat(HOST, 4711, 1)


def file(path="src/x.py", worktree="/r"):
    return File("h", "/r/.git", worktree, path, path)


FILE, OTHER = file(), file("src/y.py")


class Crew:
    """Agents of a team, and the locks of their files."""

    def __init__(self, team):
        self.team, self.store, self.rows = team, team.store, team.rows
        self.dead = set()  # the marks of processes that have ended

    def __getattr__(self, name):
        return getattr(self.team, name)

    def take(self, name, *files, **values):
        return self.act(name, locks.take, files or [FILE], **values)

    def edit(self, name, one=FILE):
        return self.do(name, automatic.take, one)

    def act(self, name, work, *args, **values):
        """Do `work` as a verb does it: it shows that `name` is alive."""

        def both(tx, me):
            agents.touch(tx, me)
            return work(tx, me, *args, **values)

        return self.do(name, both)

    def settle(self, gone=lambda _: False):
        ended = self.store.write(lambda tx: (settle.set_right(tx), settle.settle(tx, gone, self.dead.__contains__))[1])
        return [lock.file.path for lock in ended]

    def due(self):
        return self.store.read(lambda tx: settle.due(tx, self.dead.__contains__))

    def queue(self, name, *files, process=None):
        return self.do(name, waits.join, files or [FILE], process, self.dead.__contains__)

    def holder(self, one=FILE):
        found = self.store.read(lambda tx: locks.find(tx, [one]))
        return found[0].holder_name if found else None

    def subjects(self, name):
        return [one.message.subject for one in self.see(name, inbox.peek, inbox.Query()).letters]

    def body(self, name):
        return self.see(name, inbox.peek, inbox.Query()).letters[-1].message.body

    def events(self, kind):
        return self.rows("select actor, subject, data from events where type = :kind order by id", kind=kind)


@pytest.fixture
def clock():
    return HostClock()


@pytest.fixture
def crew(team, clock):
    """alice, bob and carol, on a host whose clock is trusted; bob has a process."""
    team.add("alice", "bob", "carol")
    team.register("bob", seat=SEAT_OF_BOB)
    for _ in range(3):
        team.store.write(rules.observe)
        clock.tick(rules.SETTLE)
    return Crew(team)


# -- the time of a lease -----------------------------------------------------------------------------------------------


def test_a_lock_that_has_lapsed_is_free_and_its_holder_gets_mail_once(crew, clock):
    [lock] = crew.take("bob", lease=60_000)
    clock.tick(59_999)
    assert not crew.due()
    assert crew.settle() == []
    clock.tick(1)
    assert crew.holder() is None  # before any sweep
    assert crew.due()
    assert crew.settle() == ["src/x.py"]
    assert crew.subjects("bob") == ["your lock on src/x.py is over"]
    assert crew.body("bob") == (
        "Your lock on /r/src/x.py is over, because its lease expired: you ran no command, and no hook of yours ran.\n"
        "Another agent may have changed it since, so read it again. To lock it again:\n"
        "xats lock take /r/src/x.py"
    )
    [event] = crew.events("lock_lapsed")
    assert (event["actor"], event["subject"]) == (None, "lock:src/x.py")
    assert not crew.due()
    assert crew.settle() == []
    assert crew.rows("select * from locks") == []
    with pytest.raises(LockLost):
        crew.do("bob", locks.release, [FILE], lock.id)
    with pytest.raises(LockLost):
        crew.do("bob", locks.renew, [FILE], token=lock.id)
    with pytest.raises(NotHolder):
        crew.do("bob", locks.release, [FILE])


def test_a_token_is_void_for_good(crew, clock):
    [old] = crew.take("bob", lease=60_000)
    clock.tick(60_000)
    crew.settle()
    [new] = crew.take("bob")
    assert new.id > old.id
    with pytest.raises(LockLost):
        crew.do("bob", locks.release, [FILE], old.id)
    crew.take("bob", OTHER)
    clock.tick(10 * 60_000)
    [taken] = crew.take("alice")
    assert taken.id > new.id


@pytest.mark.parametrize("take", ["explicit", "automatic"])
def test_its_holder_gets_mail_too_when_another_agent_takes_the_file_before_a_sweep(crew, clock, take):
    crew.take("bob")
    clock.tick(LEASE)
    if take == "explicit":
        crew.take("alice")
    else:
        assert crew.edit("alice") is None
    assert crew.subjects("bob") == ["your lock on src/x.py is over"]
    assert len(crew.events("lock_lapsed")) == 1
    assert crew.settle() == []
    assert crew.holder() == "alice"


def test_it_gets_mail_when_another_agent_finds_that_its_process_has_ended(crew):
    crew.take("bob")
    crew.take("alice", gone=lambda session: session.seat.pid == 4711)
    assert "because your process had ended" in crew.body("bob")
    assert crew.holder() == "alice"


def test_a_holder_that_takes_its_file_anew_gets_no_mail(crew, clock):
    crew.take("bob")
    clock.tick(LEASE)
    crew.do("bob", locks.take, [FILE])
    assert crew.subjects("bob") == []
    assert len(crew.events("lock_lapsed")) == 1


def test_a_holder_that_returns_before_any_other_agent_took_its_file_keeps_it(crew, clock):
    [lock] = crew.take("bob")
    clock.tick(LEASE)
    assert crew.holder() is None
    assert crew.act("bob", locks.renew, [FILE], token=lock.id)[0].id == lock.id
    assert crew.holder() == "bob"


def test_the_token_of_a_stolen_lock_is_void(crew, clock):
    [lock] = crew.take("bob", lease=HOUR)
    crew.queue("alice")
    clock.tick(locks.SILENT - 1)
    with pytest.raises(LockHeld):
        crew.do("alice", locks.steal, FILE, "it hangs")
    clock.tick(1)
    crew.do("bob", locks.renew, [FILE], token=lock.id)  # by another program: its own says nothing
    stolen = crew.do("alice", locks.steal, FILE, "it hangs")
    assert stolen.id > lock.id
    for work in (locks.renew, locks.release):
        with pytest.raises(LockLost):
            crew.do("bob", work, [FILE], token=lock.id)
    assert crew.subjects("bob") == ["alice took your lock on src/x.py"]
    assert crew.rows("select * from lock_waits") == []
    crew.do("alice", locks.release, [FILE], stolen.id)
    crew.settle()
    assert crew.subjects("alice") == []


@pytest.mark.parametrize("upset", [lambda clock: clock.jump(HOUR), lambda clock: clock.suspend(HOUR)])
def test_no_agent_steals_because_the_clock_is_wrong(crew, clock, upset):
    crew.take("bob", lease=2 * HOUR)
    upset(clock)
    with pytest.raises(LockHeld):
        crew.do("alice", locks.steal, FILE, "it hangs")
    crew.do("alice", locks.steal, FILE, "it is gone", gone=lambda _: True)


def test_one_message_names_all_locks_that_have_lapsed(crew, clock):
    crew.take("bob", *(file(f"{number:02}") for number in range(25)))
    clock.tick(LEASE)
    assert len(crew.settle()) == 25
    assert crew.subjects("bob") == ["your locks on 25 files are over"]
    lines = crew.body("bob").splitlines()
    assert lines[0].startswith("Your locks on 25 files are over, because their leases expired: you ran no command")
    assert lines[20:22] == ["  /r/19", "  and 5 more"]


def test_a_path_acts_on_no_terminal_and_on_no_shell(crew, clock):
    crew.take("bob", file("a b\n\x1b[31m"))
    clock.tick(LEASE)
    crew.settle()
    [subject] = crew.subjects("bob")
    assert subject.isprintable()
    assert "\x1b" not in crew.body("bob").splitlines()[0]


def test_what_its_holder_does_renews_an_explicit_lock(crew, clock):
    crew.take("bob", lease=60_000)
    clock.tick(59_000)
    crew.do("bob", agents.touch)
    clock.tick(59_000)
    assert crew.due()  # the stored end is over
    assert crew.settle() == []
    assert not crew.due()
    clock.tick(1_000)
    assert crew.settle() == ["src/x.py"]


def test_a_hook_renews_an_explicit_lock_at_most_once_a_minute(crew, clock):
    crew.take("alice")
    clock.tick(RENEW_EVERY - 1)
    assert not crew.see("alice", agents.renewal_due)
    clock.tick(1)
    assert crew.see("alice", agents.renewal_due)
    crew.do("alice", agents.touch)
    assert not crew.see("alice", agents.renewal_due)
    crew.do("alice", locks.release, [FILE])
    crew.edit("alice")
    clock.tick(RENEW_EVERY)
    assert not crew.see("alice", agents.renewal_due)


def test_an_automatic_lock_lasts_from_the_last_edit_alone_and_ends_in_silence(crew, clock):
    crew.edit("bob")
    clock.tick(LASTS - 1)
    crew.do("bob", agents.touch)
    assert crew.holder() == "bob"
    clock.tick(1)
    assert crew.holder() is None
    assert not crew.due()  # a sweep is soon enough
    assert crew.settle() == []
    assert crew.rows("select * from locks") == []
    assert crew.subjects("bob") == []
    assert crew.events("lock_lapsed") == []


# -- a wrong clock -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [40 * DAY, -40 * DAY])
def test_a_clock_that_is_wrong_for_a_while_ends_no_lock(crew, clock, by):
    [lock] = crew.take("bob", lease=2 * HOUR)
    clock.tick(60_000)
    clock.jump(by)
    assert crew.settle() == []
    assert crew.holder() == "bob"
    clock.tick(6_000)
    assert crew.settle() == []
    with pytest.raises(LockHeld):
        crew.take("alice")
    clock.jump(-by)
    assert crew.settle() == []
    assert crew.do("bob", locks.renew, [FILE], token=lock.id)[0].id == lock.id
    clock.tick(2 * HOUR)
    assert crew.settle() == ["src/x.py"]


def test_after_a_suspend_a_lock_has_five_minutes(crew, clock):
    crew.take("bob")
    clock.suspend(8 * HOUR)
    assert crew.settle() == []
    clock.tick(rules.GRACE - 1)
    assert crew.settle() == []
    assert crew.holder() == "bob"
    clock.tick(1)
    assert crew.holder() is None
    assert crew.settle() == ["src/x.py"]


def test_a_lock_that_was_taken_while_the_clock_was_ahead_holds_no_longer_than_its_lease(crew, clock):
    clock.jump(40 * DAY)
    crew.take("bob")
    crew.edit("alice", OTHER)
    clock.jump(-40 * DAY)
    assert crew.settle() == []
    clock.tick(rules.SETTLE)
    assert crew.settle() == []
    [lock] = crew.store.read(lambda tx: locks.find(tx, [FILE]))
    assert lock.until == clock.now + LEASE
    clock.tick(LASTS)
    assert crew.settle() == []
    assert crew.holder(OTHER) is None
    clock.tick(LEASE)
    assert crew.settle() == ["src/x.py"]


def test_a_new_lock_lapses_in_its_time_where_nobody_has_observed_the_clock(team, clock):
    team.add("alice", "bob")
    crew = Crew(team)
    crew.take("bob", lease=1000)
    clock.tick(1000)
    assert crew.holder() is None
    assert crew.settle() == ["src/x.py"]


def test_a_time_far_in_the_future_is_set_right_only_once_it_is_certain(crew, clock):
    crew.take("bob")
    clock.jump(-FAR)  # less than that may be a difference between two hosts
    crew.settle()
    clock.tick(rules.SETTLE)
    crew.settle()
    [lock] = crew.store.read(lambda tx: locks.find(tx, [FILE]))
    assert lock.until == clock.now - rules.SETTLE + FAR + LEASE


# -- holders that are gone ---------------------------------------------------------------------------------------------


def test_the_locks_of_a_holder_that_is_gone_end_at_once(crew, clock):
    crew.take("bob")
    crew.edit("bob", OTHER)
    crew.take("alice", file("z"))
    assert crew.settle(gone=lambda session: session.seat.pid == 4711) == ["src/x.py"]
    assert (crew.holder(), crew.holder(OTHER), crew.holder(file("z"))) == (None, None, "alice")
    assert crew.subjects("bob") == ["your lock on src/x.py is over"]
    assert "because your process had ended" in crew.body("bob")
    [event] = crew.events("lock_lapsed")
    assert '"reason": "its process had ended"' in event["data"].replace('":"', '": "')


@pytest.mark.parametrize("said", [False, None])
def test_the_locks_of_a_holder_that_may_live_stay(crew, said):
    crew.take("bob")
    assert crew.settle(gone=lambda _: said) == []
    assert crew.holder() == "bob"


def test_the_lock_of_a_person_stays_when_its_shell_has_ended(crew):
    crew.register("hal", client="human", seat=Seat(HOST, 4712, 1))
    crew.take("hal")
    assert crew.settle(gone=lambda _: True) == []
    assert crew.holder() == "hal"


def test_another_process_that_acts_for_the_holder_keeps_its_locks(crew, clock):
    def gone(_):
        return True

    crew.do("bob", departures.note, gone)
    clock.tick(agents.LAST_HOOKS + 1)
    crew.take("bob")
    assert crew.settle(gone=gone) == []
    assert crew.holder() == "bob"
    with pytest.raises(LockHeld):
        crew.take("alice", gone=gone)
    clock.tick(LEASE)
    assert crew.settle(gone=gone) == ["src/x.py"]


def test_such_a_process_does_not_revive_the_claim_of_a_task(crew, clock):
    """The creator of the task is told of the end of its owner once, and the locks change nothing about that."""
    task = crew.do("alice", planning.add, planning.New("t"))[0]
    crew.do("bob", claims.claim, task.id)

    def gone(_):
        return True

    def both():
        crew.store.write(lambda tx: claims.settle(tx, gone))
        crew.settle(gone=gone)

    crew.do("bob", departures.note, gone)
    both()
    clock.tick(agents.LAST_HOOKS + 1)
    crew.take("bob")
    for _ in range(3):
        both()
    assert [one for one in crew.subjects("alice") if "bob is gone" in one] == [
        "bob is gone, and has claimed task #1: t"
    ]


def test_a_departure_ends_the_automatic_locks(crew):
    crew.edit("bob")
    crew.take("bob", OTHER)
    crew.do("bob", departures.note, lambda _: True)
    assert (crew.holder(), crew.holder(OTHER)) == (None, "bob")


def test_a_new_session_ends_the_automatic_locks_and_keeps_the_others(crew):
    crew.edit("bob")
    crew.take("bob", OTHER)
    crew.register("bob", seat=SEAT_OF_BOB)  # the same session
    assert crew.holder() == "bob"
    crew.register("bob", seat=Seat(HOST, 4713, 1), alive=lambda _: False)
    assert (crew.holder(), crew.holder(OTHER)) == (None, "bob")


def test_another_name_for_the_process_ends_the_automatic_locks(crew):
    crew.edit("bob")
    crew.register("robert", seat=SEAT_OF_BOB)
    assert crew.holder() is None


# -- queues ------------------------------------------------------------------------------------------------------------


def test_the_first_in_the_queue_gets_mail_when_the_file_is_free(crew, clock):
    crew.take("bob")
    crew.queue("alice"), crew.queue("carol")
    assert not crew.due()
    crew.settle()
    assert crew.subjects("alice") == []
    crew.do("bob", locks.release, [FILE])
    assert crew.due()
    crew.settle()
    assert crew.subjects("alice") == ["src/x.py is free"]
    assert crew.body("alice") == (
        "/r/src/x.py is free, and you asked for it.\n"
        "Lock it: xats lock take /r/src/x.py\n"
        "Read the file again before you change it."
    )
    assert crew.subjects("carol") == []
    crew.take("alice")
    clock.tick(waits.CLAIM_TIME)
    crew.settle()
    assert crew.subjects("carol") == []
    crew.do("alice", locks.release, [FILE])
    crew.settle()
    assert crew.subjects("carol") == ["src/x.py is free"]
    assert crew.subjects("alice") == ["src/x.py is free"]


def test_the_next_one_gets_mail_after_a_minute_in_which_the_first_did_nothing(crew, clock):
    crew.take("bob")
    crew.queue("alice"), crew.queue("carol")
    crew.do("bob", locks.release, [FILE])
    crew.settle()
    clock.tick(waits.CLAIM_TIME - 1)
    assert not crew.due()
    crew.settle()
    assert crew.subjects("carol") == []
    clock.tick(1)
    assert crew.due()
    crew.settle()
    assert crew.subjects("carol") == ["src/x.py is free"]
    clock.tick(waits.CLAIM_TIME)
    crew.settle()
    assert crew.rows("select * from lock_waits") == []
    assert len(crew.subjects("alice")) == 1


def test_a_clock_that_was_set_back_stops_no_queue(crew, clock):
    clock.jump(DAY)
    crew.queue("alice"), crew.queue("carol")
    crew.settle()
    clock.jump(-DAY)
    crew.settle()
    assert len(crew.subjects("alice")) == len(crew.subjects("carol")) == 1


def test_one_message_names_all_files_that_are_free(crew):
    crew.queue("alice", FILE, OTHER)
    crew.settle()
    assert crew.subjects("alice") == ["2 files are free"]
    assert "xats lock take /r/src/x.py /r/src/y.py" in crew.body("alice")


def test_an_automatic_lock_of_another_agent_is_waited_for_too(crew, clock):
    crew.edit("bob")
    crew.queue("alice")
    assert not crew.due()
    clock.tick(LASTS)
    assert crew.due()
    crew.settle()
    assert crew.subjects("alice") == ["src/x.py is free"]


def test_a_process_that_waits_learns_of_the_end_of_an_automatic_lock(crew, clock):
    """It looks when the store changes."""
    crew.edit("bob")
    crew.queue("alice", process="p")
    assert not crew.due()
    clock.tick(LASTS)
    assert crew.due()
    crew.settle()
    assert crew.rows("select * from locks") == []


def test_a_process_that_waits_comes_before_those_that_asked_later_until_it_ends(crew):
    crew.take("bob")
    crew.queue("carol", process="p")
    crew.queue("alice")
    crew.do("bob", locks.release, [FILE])
    assert not crew.due()
    crew.settle()
    assert crew.subjects("alice") == []
    with pytest.raises(LockAwaited):
        crew.see("alice", waits.refuse_before, [FILE], None, crew.dead.__contains__)
    crew.dead.add("p")  # kill -9
    crew.see("alice", waits.refuse_before, [FILE], None, crew.dead.__contains__)
    assert crew.due()
    crew.settle()
    assert crew.subjects("alice") == ["src/x.py is free"]
    assert crew.rows("select * from lock_waits where kind = 'wait'") == []


def test_a_place_of_a_process_that_nothing_can_see_ends_after_a_day(crew, clock):
    """Such as one in a container that is gone."""
    crew.queue("carol", process="p")
    crew.queue("alice")
    clock.tick(waits.LONGEST - 1)
    crew.settle()
    assert crew.subjects("alice") == []
    clock.tick(1)
    crew.settle()
    assert crew.subjects("alice") == ["src/x.py is free"]


def test_a_holder_that_is_gone_makes_room_for_the_next_in_line(crew):
    crew.take("bob")
    crew.queue("alice")
    crew.settle(gone=lambda session: session.seat.pid == 4711)
    assert crew.subjects("alice") == ["src/x.py is free"]


# -- edits that were refused -------------------------------------------------------------------------------------------


def test_a_refused_edit_is_forgotten_with_the_lock_that_refused_it(crew, clock):
    crew.edit("bob")
    crew.do("alice", automatic.refuse, crew.edit("alice"))
    crew.do("alice", automatic.saw, [FILE])
    crew.settle()
    assert len(crew.rows("select * from refused_edits")) == 1
    crew.do("bob", automatic.end)
    crew.settle()
    assert crew.rows("select * from refused_edits") == []


def test_a_refused_edit_passes_no_other_lock(crew):
    """alice has read the file before carol edited it."""
    crew.edit("bob")
    crew.do("alice", automatic.refuse, crew.edit("alice"))
    crew.do("alice", automatic.saw, [FILE])
    crew.do("bob", automatic.end)
    crew.edit("carol")
    assert crew.edit("alice").holder_name == "carol"


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_an_agent_with_locks_does_not_leave_unless_it_is_forced(crew, clock):
    crew.take("bob", FILE, OTHER)
    crew.edit("bob", file("z"))
    with pytest.raises(LocksHeld, match=r"bob holds 2 locks: src/x\.py, src/y\.py") as caught:
        crew.see("bob", holdings.refuse)
    assert caught.value.hint == "release them: xats unregister bob --force"
    assert caught.value.data == {"agent": "bob@crew", "locks": ["src/x.py", "src/y.py"]}
    crew.queue("alice")
    given = crew.do("bob", holdings.release, None, turns.BLIND)
    assert given == holdings.Released((), ("src/x.py", "src/y.py"), ())
    assert crew.rows("select * from locks") == []
    assert len(crew.events("lock_released")) == 2
    crew.settle()
    assert crew.subjects("alice") == ["src/x.py is free"]


def test_one_error_names_tasks_and_locks(crew):
    task = crew.do("alice", planning.add, planning.New("build it"))[0]
    crew.do("bob", claims.claim, task.id)
    crew.take("bob")
    with pytest.raises(TasksHeld, match=r"1 task: #1 build it; and it holds 1 lock: src/x\.py") as caught:
        crew.see("bob", holdings.refuse)
    assert caught.value.data == {"agent": "bob@crew", "tasks": [1], "locks": ["src/x.py"]}


def test_automatic_locks_and_those_that_are_over_keep_no_agent(crew, clock):
    crew.take("bob", lease=1000)
    crew.edit("bob", OTHER)
    clock.tick(1000)
    crew.see("bob", holdings.refuse)


def everything(crew):
    """Give bob one of each."""
    crew.take("bob")
    crew.edit("bob", OTHER)
    crew.edit("alice", file("z"))
    crew.do("bob", automatic.refuse, crew.edit("bob", file("z")))
    crew.queue("bob", file("z"))


def left(crew):
    """Return what is left of bob in the tables of locks."""
    tables = (("locks", "holder_id"), ("lock_waits", "agent_id"), ("refused_edits", "agent_id"))
    return [
        table
        for table, column in tables
        if crew.rows(f"select 1 as n from {table} t join agents a on a.id = t.{column} where a.name = 'bob'")
    ]


@pytest.mark.parametrize(
    "leave",
    [
        lambda crew: crew.do("bob", registration.unregister),
        lambda crew: crew.do("bob", lambda tx, bob: changes.forget(tx, bob, bob)),
        lambda crew: crew.store.write(lambda tx: team_changes.forget(tx, "hal", "crew", lambda _: False, force=True)),
        lambda crew: crew.store.write(
            lambda tx: changes.expect(tx, "crew", "bob", registration.Changes(), None, lambda _: False)
        ),
    ],
    ids=["unregistered", "forgotten", "team forgotten", "expected"],
)
def test_an_agent_that_is_gone_for_good_leaves_nothing_behind(crew, leave):
    everything(crew)
    assert left(crew) == ["locks", "lock_waits", "refused_edits"]
    leave(crew)
    assert left(crew) == []
    assert len(crew.events("lock_released")) == 1


def test_what_is_lost_with_an_agent_names_its_locks(crew):
    everything(crew)
    assert crew.see("bob", changes.loss).locks == ("src/x.py",)


def test_an_agent_that_holds_a_lock_is_not_unused(crew):
    assert not crew.see("carol", lambda tx, carol: tx.one(unused.ACTED, id=carol.id))
    crew.take("carol")
    assert crew.see("carol", lambda tx, carol: tx.one(unused.ACTED, id=carol.id))


def test_locks_follow_the_names_of_agents_and_teams(crew):
    everything(crew)
    crew.do("bob", lambda tx, bob: changes.rename(tx, bob, bob, "robert"))
    assert crew.holder() == "robert"
    crew.store.write(lambda tx: team_changes.rename(tx, "hal", "crew", "band"))
    [lock] = crew.store.read(lambda tx: locks.of_team(tx, "band"))[:1]
    assert lock.holder == "robert@band"


def test_locks_come_along_when_teams_are_merged(crew):
    for team in ("crew", "shop"):
        crew.register("hal", team=team, client="human")
        me = crew.agent("hal", team)
        crew.store.write(lambda tx, me=me, team=team: locks.take(tx, me, [file(team)]))
    crew.edit("alice", OTHER)
    for team in ("crew", "shop"):
        me = crew.agent("hal", team)
        crew.store.write(lambda tx, me=me: automatic.refuse(tx, me, automatic.take(tx, me, OTHER)))
        crew.store.write(lambda tx, me=me: waits.join(tx, me, [OTHER], None, lambda _: False))
    crew.store.write(lambda tx: team_merge.merge(tx, "hal", "shop", "crew", None))
    found = crew.store.read(lambda tx: locks.of_team(tx, "crew"))
    assert [(lock.file.path, lock.holder) for lock in found] == [
        ("crew", "hal@crew"),
        ("shop", "hal@crew"),
        ("src/y.py", "alice@crew"),
    ]
    assert crew.rows("select count(*) as n from refused_edits") == [{"n": 1}]
    assert crew.see("hal", lambda tx, hal: len(locks.held_by(tx, hal.id))) == 2


def test_in_sight_are_the_locks_of_the_team_and_those_of_the_worktree(crew):
    crew.take("carol")

    def seen(*place):
        return len(crew.store.read(lambda tx: locks.in_sight(tx, *place)))

    at = crew.store.read(lambda tx: locks.of_team(tx, "crew"))[0].file
    places = (("crew", "h0", "/none"), ("band", at.host, at.worktree), ("band", "h0", at.worktree))
    assert [seen(*place) for place in places] == [1, 1, 0]
