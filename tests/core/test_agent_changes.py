"""Managing agents: what they are, former names, seats that wait for their program, and removing an agent for good."""

import pytest

from tests.support.checks import broken
from xats.base import errors
from xats.core.agents import agents, registration
from xats.core.agents import changes as agent_changes
from xats.core.agents.agents import Seat
from xats.core.agents.changes import Wanted
from xats.core.mail import alerts, dead, inbox, owed, sending, status
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, planning, tasks
from xats.core.tasks.planning import Edit, New
from xats.core.waking import attempts, pauses

HERE = "h1+0123456789abcdef"


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol")
    team.add("pat", client="human")
    return team


def letters(crew, name):
    return [one.message for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def change(crew, by, name, **wanted):
    return crew.do(by, agent_changes.change, crew.agent(name), Wanted(**wanted))


def rename(crew, by, name, new):
    return crew.do(by, agent_changes.rename, crew.agent(name), new)


def forget(crew, by, name):
    found = crew.store.read(lambda tx: agents.find(tx, "crew", name))
    return crew.do(by, agent_changes.forget, found)


def seat(crew, name, about=None, living=lambda _: None, **changes):
    return crew.store.write(
        lambda tx: agent_changes.expect(tx, "crew", name, registration.Changes(**changes), about, living)
    )


def events(rows, kind):
    return rows("select actor, subject, data from events where type = :kind order by id", kind=kind)


def sound(crew):
    """Check the whole store by the rules of `db check`."""
    return broken(crew.store)


# -- what it is --------------------------------------------------------------------------------------------------------


def test_only_what_is_given_changes(crew):
    change(crew, "bob", "bob", role="Dev", tags=("GPU", "big"), capabilities=("rust",), about="builds")
    details, said = change(crew, "bob", "bob", no_tags=("big",), tags=("arm",))
    assert (details.agent.role, details.agent.about, details.tags, details.capabilities) == (
        "dev",
        "builds",
        ("arm", "gpu"),
        ("rust",),
    )
    assert said == ["no tag big", "tag arm"]


def test_a_role_and_the_text_can_be_taken_away(crew):
    change(crew, "bob", "bob", role="dev", about="builds")
    details, said = change(crew, "bob", "bob", role="", about="")
    assert (details.agent.role, details.agent.about) == (None, None)
    assert said == ["no role", "no description"]


def test_the_agent_is_told_once_by_whom(crew):
    change(crew, "alice", "bob", role="dev", tags=("gpu",))
    change(crew, "alice", "bob", role="dev", tags=("gpu",))  # nothing new
    (told,) = letters(crew, "bob")
    assert (told.sender, told.subject) == ("xats@crew", "alice changed your properties")
    assert told.body == "alice set for you: role dev; tag gpu."
    assert not told.need_reply


def test_it_is_not_told_what_it_did_itself(crew):
    change(crew, "bob", "bob", role="dev")
    assert letters(crew, "bob") == []


def test_what_it_does_not_have_cannot_be_taken(crew):
    change(crew, "bob", "bob", tags=("gpu",))
    with pytest.raises(errors.Refused, match="bob has no tag arm"):
        change(crew, "bob", "bob", role="dev", no_tags=("gpu", "arm"))
    details = crew.store.read(lambda tx: agents.details(tx, agents.by_name(tx, "crew", "bob")))
    assert (details.agent.role, details.tags) == (None, ("gpu",))


@pytest.mark.parametrize("text", ["a\nb", "x\x1b[31m", "x" * 201, "a\tb"])
def test_a_text_about_an_agent_is_one_plain_line(text):
    with pytest.raises(errors.Usage, match="one line"):
        agent_changes.check_about(text)


def test_a_text_about_an_agent_may_be_in_any_language():
    assert agent_changes.check_about("  проверяет код 🙂 ") == "проверяет код 🙂"


# -- what it is called -------------------------------------------------------------------------------------------------


def test_everything_moves_along(crew, rows):
    crew.send("alice", "bob", "before")
    task, _ = crew.do("alice", planning.add, New("t", to="bob"))
    crew.do("bob", claims.claim, task.id)
    rename(crew, "bob", "bob", "builder")
    crew.send("alice", "builder", "after")
    assert [one.body for one in letters(crew, "builder")][-2:] == ["before", "after"]
    now = crew.store.read(lambda tx: tasks.again(tx, task))
    assert (now.owner, now.assignee) == ("builder@crew", "builder@crew")
    assert rows("select count(*) as n from agents where team = 'crew' and name <> 'xats'")[0]["n"] == 4
    assert sound(crew) == []


@pytest.mark.parametrize("called", ["bob", "Bob", "builder"])
def test_a_former_name_leads_to_the_agent(crew, called):
    rename(crew, "pat", "bob", "builder")
    sent = crew.send("alice", called)
    assert sent.recipients == ("builder@crew",)
    assert sent.renamed == (() if called == "builder" else ((called, "builder@crew"),))
    assert crew.agent(called).name == "builder"


def test_a_former_name_registers_the_agent_again(crew):
    mine = Seat(HERE, 10, 1)
    first = crew.register("bob", seat=mine)
    rename(crew, "pat", "bob", "builder")
    again = crew.register("bob", seat=mine)
    assert again.details.agent.id == first.details.agent.id
    assert (again.details.agent.name, again.created, again.new_session) == ("builder", False, False)


def test_another_program_does_not_get_it_by_a_former_name(crew):
    crew.register("bob", seat=Seat(HERE, 10, 1))
    rename(crew, "pat", "bob", "builder")
    with pytest.raises(errors.NameTaken, match=r"bob is a former name of builder\. builder is held") as caught:
        crew.register("bob", seat=Seat(HERE, 11, 1), alive=lambda _: True)
    assert caught.value.hint.endswith("xats agent forget bob --name-only")


def test_it_can_be_renamed_twice_and_back(crew):
    rename(crew, "bob", "bob", "builder")
    rename(crew, "builder", "builder", "maker")
    assert {crew.agent(one).name for one in ("bob", "builder", "maker")} == {"maker"}
    rename(crew, "maker", "maker", "bob")
    assert {crew.agent(one).name for one in ("bob", "builder", "maker")} == {"bob"}
    former = crew.see("bob", agent_changes.former_names)
    assert sorted(former) == ["builder", "maker"]


def test_only_the_letters_may_change(crew):
    assert rename(crew, "bob", "bob", "BOB").name == "BOB"
    assert crew.see("bob", agent_changes.former_names) == []


def test_the_agent_is_told_of_its_name(crew):
    rename(crew, "pat", "bob", "builder")
    (told,) = letters(crew, "builder")
    assert told.body.startswith("pat renamed you from bob to builder.")
    assert "XATS_AGENT" in told.body


def test_another_agent_may_not_rename_it(crew):
    with pytest.raises(errors.Refused, match="Only bob itself or a person may rename bob, and you are alice"):
        rename(crew, "alice", "bob", "builder")


def test_a_new_name_must_be_free(crew):
    crew.do("carol", registration.unregister)
    rename(crew, "pat", "alice", "anna")
    for taken, why in (
        ("PAT", "another agent pat"),
        ("carol", "carol@crew left just now, and xats keeps its mail"),
        ("alice", "former name of anna"),
    ):
        with pytest.raises(errors.NameTaken, match=why):
            rename(crew, "pat", "bob", taken)
    for bad in ("xats", "all", "-x"):
        with pytest.raises(errors.InvalidName):
            rename(crew, "pat", "bob", bad)
    with pytest.raises(errors.Refused, match="already"):
        rename(crew, "pat", "bob", "bob")


def test_a_former_name_can_be_given_away(crew):
    rename(crew, "pat", "bob", "builder")
    crew.do("pat", agent_changes.forget_name, crew.agent("builder"), "BOB")
    other = crew.register("bob").details.agent
    assert other.id != crew.agent("builder").id
    assert crew.send("alice", "bob").recipients == ("bob@crew",)


def test_no_new_name_is_made_of_a_former_one(crew):
    crew.add("codex-1")
    rename(crew, "pat", "codex-1", "builder")
    assert crew.store.read(lambda tx: agents.new_name(tx, "crew", "codex")) == "codex-2"


def test_the_names_of_another_team_are_its_own(crew):
    crew.register("bob", team="pay")
    rename(crew, "pat", "bob", "builder")
    assert crew.store.read(lambda tx: agents.by_name(tx, "pay", "bob")).name == "bob"


def test_the_end_of_a_task_reaches_who_was_renamed(crew):
    task, _ = crew.do("alice", planning.add, New("t", notify="carol"))
    rename(crew, "pat", "carol", "chief")
    crew.do("bob", claims.claim, task.id)
    crew.do("bob", claims.done, task.id, None)
    assert "is done" in letters(crew, "chief")[-1].subject


# -- a seat that waits -------------------------------------------------------------------------------------------------


def test_a_seat_waits_for_its_program(crew, clock):
    details, created = seat(crew, "kim", "reviews", role="QA", tags=("gpu",))
    agent = details.agent
    assert created
    assert (agent.expected, agent.expected_since, agent.about, agent.role) == (True, clock(), "reviews", "qa")
    assert (agent.registered, agent.epoch, details.session, details.tags) == (True, 0, None, ("gpu",))
    assert sound(crew) == []


def test_it_gets_mail_and_tasks(crew, clock):
    seat(crew, "kim", role="qa")
    sent = crew.send("alice", "kim", "hello")
    assert sent.not_woken == (("kim@crew", "no_program"),)
    assert crew.send("alice", "role:qa").recipients == ("kim@crew",)
    task, _ = crew.do("alice", planning.add, New("t", to="kim"))
    assert crew.store.read(attempts.due) == []  # nothing is tried
    shown = crew.see("alice", status.status, sent.message.id)[1][0]
    assert (shown.wake.state, shown.wake.reason, shown.wake.next_attempt_at) == ("queued", "no_program", None)
    clock.tick(60_000)
    crew.register("kim", seat=Seat(HERE, 10, 1), client="codex")
    assert [one.agent_id for one in crew.store.read(attempts.due)] == [crew.agent("kim").id]
    assert letters(crew, "kim")[0].body == "hello"
    assert crew.do("kim", claims.claim, task.id).owner == "kim@crew"


def test_a_program_fills_it(crew):
    seat(crew, "kim", role="qa", tags=("gpu",))
    done = crew.register("kim", seat=Seat(HERE, 10, 1), client="codex")
    agent = done.details.agent
    assert (done.created, done.new_session) == (False, True)
    assert (agent.expected, agent.epoch, agent.client, agent.role, done.details.tags) == (
        False,
        1,
        "codex",
        "qa",
        ("gpu",),
    )


def test_again_keeps_it(crew, clock):
    first, _ = seat(crew, "kim", "reviews", role="qa")
    clock.tick(1000)
    again, created = seat(crew, "KIM", tags=("gpu",))
    assert not created
    assert again.agent == first.agent.__class__(**{**first.agent.__dict__, "seen_at": clock()})
    assert again.tags == ("gpu",)


def test_a_seat_with_a_program_waits_for_none(crew):
    crew.register("bob", seat=Seat(HERE, 10, 1), client="codex")
    for living in (True, None):
        with pytest.raises(errors.NameTaken, match=r"bob is already registered \(codex, pid 10\)"):
            seat(crew, "bob", living=lambda _, alive=living: alive)
    with pytest.raises(errors.NameTaken, match="a person"):
        seat(crew, "pat", living=lambda _: False)
    assert not crew.agent("bob").expected


def test_an_agent_whose_program_has_ended_waits_for_the_next_one(crew):
    crew.register("bob", seat=Seat(HERE, 10, 1), client="codex")
    crew.send("alice", "bob")
    details, created = seat(crew, "bob", living=lambda _: False)
    assert (created, details.agent.expected, details.session) == (False, True, None)
    assert crew.store.read(attempts.due) == []
    assert sound(crew) == []


def test_who_has_left_can_be_expected(crew):
    crew.send("alice", "bob", "kept")
    crew.do("bob", registration.unregister)
    details, created = seat(crew, "bob")
    assert (created, details.agent.expected) == (True, True)
    assert letters(crew, "bob")[0].body == "kept"


def test_an_expected_agent_can_be_taken_out(crew):
    seat(crew, "kim")
    crew.do("kim", registration.unregister)
    assert crew.store.read(lambda tx: agents.find(tx, "crew", "kim")).expected is False
    with pytest.raises(errors.UnknownRecipient):
        crew.send("alice", "kim")


def test_the_sender_is_told_after_the_usual_time(crew, clock):
    seat(crew, "kim")
    crew.send("alice", "kim")
    clock.tick(alerts.AFTER + 1)
    crew.store.write(lambda tx: alerts.overdue(tx, 0))
    assert "not woken yet: it has no program yet; mail waits" in letters(crew, "alice")[-1].body


def test_xats_itself_is_no_seat(crew):
    with pytest.raises(errors.InvalidName):
        seat(crew, "xats")


# -- removing ----------------------------------------------------------------------------------------------------------


def test_unread_direct_mail_becomes_dead_letters(crew):
    direct = crew.send("alice", "bob", "for you").message.id
    crew.send("alice", "all", "for all")
    crew.send("alice", "carol,bob", "for two")
    gone, _ = forget(crew, "pat", "bob")
    assert (gone.letters, gone.requests) == (2, 2)
    found, _ = crew.store.read(lambda tx: dead.listing(tx, "crew", 10))
    assert [(one.message.body, one.reason, one.agent) for one in found] == [
        ("for you", "forgotten", "bob@crew"),
        ("for two", "forgotten", "bob@crew"),
    ]
    new = crew.do("pat", dead.redirect, found[0], crew.agent("carol"))
    assert [one.id for one in letters(crew, "carol")][-1] == new
    with pytest.raises(errors.Refused, match="not registered"):
        crew.do("pat", dead.retry, crew.store.read(lambda tx: dead.find(tx, "crew", found[1].message.id)))
    assert crew.see("alice", status.status, direct)[1][0].state == "expired"
    assert sound(crew) == []


def test_who_waits_for_its_reply_is_told_once(crew, clock):
    read = crew.send("alice", "bob", "read", subject="one").message.id
    crew.do("bob", inbox.mark_read, [read])
    crew.send("alice", "bob", "unread", subject="two")
    crew.send("alice", "bob", "no answer", need_reply=False)
    crew.send("pat", "bob", "of who removes it")
    forget(crew, "pat", "bob")
    (told,) = letters(crew, "alice")
    assert told.body.splitlines()[:3] == [
        "bob was removed from team crew and will not answer:",
        f"  #{read} 'one' to bob, sent 0 s ago: read, not answered",
        f"  #{read + 1} 'two' to bob, sent 0 s ago: not read",
    ]
    assert letters(crew, "pat") == []
    clock.tick(owed.LATEST + 1)
    crew.store.write(lambda tx: (alerts.overdue(tx, 0), owed.overdue(tx)))
    assert len(letters(crew, "alice")) == 1


def test_its_claims_are_open_again(crew):
    held, _ = crew.do("alice", planning.add, New("held"))
    crew.do("bob", claims.claim, held.id)
    alone, _ = crew.do("alice", planning.add, New("alone", to="bob"))
    _, released = forget(crew, "pat", "bob")
    assert released == [held.id]
    assert crew.store.read(lambda tx: tasks.again(tx, held)).state == "open"
    bodies = [one.body for one in letters(crew, "alice")]
    assert any(f"xats task edit {alone.id} --to NAME" in one for one in bodies)
    crew.do("alice", planning.edit, alone.id, Edit(to="carol"))
    assert crew.store.read(lambda tx: tasks.again(tx, alone)).assignee == "carol@crew"


def test_its_name_is_free_without_the_old_mail(crew):
    crew.send("alice", "bob", "old")
    asked = crew.send("bob", "alice", "question").message.id
    forget(crew, "pat", "bob")
    with pytest.raises(errors.UnknownRecipient, match="bob was removed from the team"):
        crew.do("alice", sending.reply, "pane", asked, Draft("", "late", hold=True))
    other = crew.register("bob").details.agent
    assert (other.epoch, letters(crew, "bob")) == (1, [])
    thread, _ = crew.see("alice", inbox.thread, asked, 10)
    assert [one.message.sender for one in thread] == ["bob@crew"]
    assert crew.see("bob", inbox.peek, inbox.Query(every=True)).letters == ()


def test_nothing_of_it_is_left(crew, rows, clock):
    change(crew, "bob", "bob", tags=("gpu",))
    rename(crew, "bob", "bob", "builder")
    crew.do("pat", pauses.pause, "crew", crew.agent("builder"), None)
    crew.send("alice", "bob")
    found = crew.agent("builder")
    forget(crew, "pat", "builder")
    for table in ("labels", "presence", "pauses", "contract_subscribers", "former_names"):
        assert rows(f"select * from {table} where agent_id = :id", id=found.id) == []
    assert rows("select state from wakes where closed_at is null and agent_id = :id", id=found.id) == []
    assert events(rows, "agent_forgotten")[0]["actor"] == "pat"
    for name in ("bob", "builder"):
        assert crew.store.read(lambda tx, name=name: agents.find(tx, "crew", name)) is None


def test_a_removal_fences_an_attempt_that_is_under_way(crew):
    crew.send("alice", "bob")
    (wake,) = crew.store.write(lambda tx: attempts.lease(tx, attempts.due(tx), "token"))
    forget(crew, "pat", "bob")
    assert not crew.store.read(lambda tx: attempts.still_leased(tx, wake, "token"))
    assert not crew.store.write(lambda tx: attempts.delivered(tx, wake, "token", "tmux", None))


def test_only_itself_or_a_person_may(crew):
    with pytest.raises(errors.Refused, match="may remove bob"):
        forget(crew, "alice", "bob")
    forget(crew, "bob", "bob")
    assert crew.store.read(lambda tx: agents.find(tx, "crew", "bob")) is None


def test_who_has_left_can_be_removed(crew):
    crew.send("alice", "bob", "kept")
    crew.do("bob", registration.unregister)
    gone, _ = forget(crew, "pat", "bob")
    assert gone.letters == 1
    crew.register("bob")
    assert letters(crew, "bob") == []


def test_it_can_be_removed_under_a_name_again_and_again(crew):
    for _ in range(3):
        forget(crew, "pat", "bob")
        crew.register("bob")
    assert sound(crew) == []


def test_who_added_what_it_claimed_and_what_was_for_it_gets_one_letter(crew):
    for to in ("bob", None, "bob"):
        crew.do("alice", planning.add, New("work", to=to))
    for task in (1, 2):
        crew.do("bob", claims.claim, task)
    forget(crew, "pat", "bob")
    found = letters(crew, "alice")
    assert [one.subject for one in found] == [
        "bob was removed, and had claimed task #2: work and 2 tasks waited for it",
    ]
    assert "are open again:\n  #2 work\n" in found[0].body
    assert "are for bob alone:\n  #1 work\n  #3 work\n" in found[0].body


def test_a_name_with_held_mail_says_what_is_there(crew, clock):
    crew.send("alice", "kim", hold=True, ttl=60_000)
    crew.send("pat", "kim", hold=True, ttl=60_000)
    with pytest.raises(errors.NameTaken, match="No agent is called kim@crew yet, but 2 messages are held") as taken:
        rename(crew, "pat", "bob", "kim")
    assert "(the first from alice, just now). Nothing was changed." in str(taken.value)
    assert taken.value.hint == "take another name, or remove that mail: xats agent forget kim"
    clock.tick(60_001)
    crew.store.write(inbox.sweep)
    rename(crew, "pat", "bob", "kim")
    assert crew.agent("kim").id == crew.agent("bob").id
    sound(crew)
