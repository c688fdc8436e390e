"""Pools: one member after another is asked, whoever is first gets it, and the others hear no more of it."""

import pytest

from tests.support.checks import broken
from xats.base import errors
from xats.core.agents import agents, changes, presence, registration
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, endings, offers, planning, pools, tasks
from xats.core.tasks import errors as task_errors
from xats.core.tasks.offers import EVERY
from xats.core.waking import attempts, pauses, wakes


@pytest.fixture
def crew(team):
    team.add("alice", role="lead")
    team.add("bob", "carol", "dave", role="dev")
    return team


def send(crew, body="look at it", address="pool:dev", by="alice", **draft):
    return crew.do(by, pools.send, "pane", Draft(address, body, **draft))


def asked(crew) -> list[str]:
    """Return who has been asked, in that order."""
    rows = crew.rows(
        "select a.name from task_notes n join agents a on a.id = n.agent_id where n.kind = 'offered' order by n.id"
    )
    return [row["name"] for row in rows]


def offer(crew):
    return crew.store.write(offers.offer_due)


def letters(crew, name):
    return [one.message for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def due(crew) -> set[int]:
    return {wake.agent_id for wake in crew.store.read(attempts.due)}


def ids(crew, *names) -> set[int]:
    return {crew.agent(name).id for name in names}


def test_one_is_asked_at_once_and_the_next_after_a_minute(crew, clock):
    sent, task = send(crew, "look at it\nplease")
    assert (sent.created, sent.recipients, sent.message.address) == (True, ("bob@crew",), "pool:dev")
    assert (task.title, task.pool, task.role, task.message_id) == ("look at it", True, "dev", sent.message.id)
    assert due(crew) == ids(crew, "bob")
    (mail,) = letters(crew, "bob")
    assert (mail.sender, mail.kind, mail.need_reply) == ("alice@crew", "pool", False)
    assert mail.body.startswith("look at it\nplease\n")
    assert f"xats task claim {task.id}" in mail.body
    clock.tick(EVERY - 1)
    assert (offer(crew), asked(crew)) == (0, ["bob"])
    clock.tick(1)
    assert (offer(crew), asked(crew)) == (1, ["bob", "carol"])
    assert due(crew) == ids(crew, "bob", "carol")
    clock.tick(EVERY)
    offer(crew)
    clock.tick(EVERY)
    assert (offer(crew), asked(crew)) == (0, ["bob", "carol", "dave"])
    assert crew.store.read(offers.next_due) is None
    assert "no agent has claimed #1" in letters(crew, "alice")[0].subject
    assert len(crew.rows("select * from messages where kind = 'pool'")) == 1


def test_a_seat_that_waits_for_its_program_is_asked_last(crew, clock):
    for name in ("bob", "carol", "dave"):
        crew.do(name, registration.unregister)
    crew.store.write(
        lambda tx: changes.expect(tx, "crew", "bob", registration.Changes(role="dev"), None, lambda _: None)
    )
    crew.register("dave", role="dev")
    send(crew)
    assert asked(crew) == ["dave"]
    clock.tick(EVERY)
    offer(crew)
    assert asked(crew) == ["dave", "bob"]


def test_whoever_is_gone_is_asked_last(crew, clock):
    crew.do("bob", lambda tx, me: presence.put(tx, me.id, "ended", "s1"))
    crew.send("alice", "carol")
    crew.do("carol", lambda tx, me: wakes.suspend(tx, me.id, "process_gone"))
    send(crew)
    clock.tick(EVERY)
    offer(crew)
    clock.tick(EVERY)
    offer(crew)
    assert asked(crew) == ["dave", "bob", "carol"]


def test_when_the_next_is_asked_is_known(crew, clock):
    assert crew.store.read(offers.next_due) is None
    send(crew)
    at = crew.store.read(offers.next_due)
    assert at == clock.now + EVERY
    assert not offers.is_due(at, at - 1)
    assert offers.is_due(at, at)
    assert offers.is_due(at, at - EVERY - 1)  # the clock was set back
    assert not offers.is_due(None, at)


def test_once_it_is_claimed_nobody_else_is_woken_or_asked(crew, clock):
    _, task = send(crew)
    clock.tick(EVERY)
    offer(crew)
    crew.do("carol", claims.claim, task.id)
    assert due(crew) == set()
    assert letters(crew, "bob") == letters(crew, "carol") == []
    clock.tick(EVERY)
    assert (offer(crew), asked(crew)) == (0, ["bob", "carol"])
    states = {
        row["name"]: row["state"]
        for row in crew.rows("select a.name, d.state from deliveries d join agents a on a.id = d.agent_id")
    }
    assert states == {"bob": "expired", "carol": "read"}


def test_who_was_not_asked_yet_can_claim_it_and_answer(crew):
    sent, task = send(crew)
    assert crew.do("dave", claims.claim_next).id == task.id
    crew.do("dave", sending.reply, "pane", sent.message.id, Draft("", "on it"))
    assert letters(crew, "alice")[0].body == "on it"


def test_only_one_of_them_gets_it_and_the_sender_hears_what_came_of_it(crew):
    _, task = send(crew)
    crew.do("bob", claims.claim, task.id)
    with pytest.raises(task_errors.TaskHeld):
        crew.do("carol", claims.claim, task.id)
    crew.do("bob", claims.done, task.id, "it was the disk")
    assert "it was the disk" in letters(crew, "alice")[0].body


def test_who_has_least_to_do_is_asked_first_then_who_was_not_asked_for_longest(crew, clock):
    for _ in range(2):
        crew.do("alice", planning.add, planning.New("work", to="bob"))
        crew.do("bob", claims.claim_next)
    for number in range(4):
        clock.tick(1000)
        _, task = send(crew, f"n{number}")
    assert asked(crew) == ["carol", "dave", "carol", "dave"]
    crew.do("carol", claims.claim, task.id)
    send(crew, "n5")
    assert asked(crew)[-1] == "dave"


def test_the_sender_is_not_asked_nor_is_who_is_paused(crew, clock):
    crew.do("alice", pauses.pause, "crew", crew.agent("carol"), None)
    _, task = send(crew, by="bob")
    assert asked(crew) == ["dave"]
    clock.tick(EVERY)
    assert (offer(crew), asked(crew)) == (0, ["dave"])
    crew.do("alice", pauses.resume, "crew", crew.agent("carol"))
    clock.tick(EVERY)
    assert (offer(crew), asked(crew)) == (1, ["dave", "carol"])
    clock.tick(EVERY)
    offer(crew)
    assert [one.subject for one in letters(crew, "bob")] == [f"no agent has claimed #{task.id}: look at it"]


def test_a_pool_in_which_nobody_is_waits_for_somebody(crew, clock):
    sent, _ = send(crew, address="pool:ops")
    assert sent.recipients == ()
    assert letters(crew, "alice") == []
    assert crew.store.write(offers.look_again) == 0
    crew.add("olga", role="ops")
    assert crew.store.write(offers.look_again) == 1
    assert (offer(crew), asked(crew)) == (1, ["olga"])


def test_what_is_given_back_is_offered_anew_to_the_last_owner_last(crew, clock):
    _, task = send(crew)
    crew.do("bob", claims.claim, task.id)
    crew.do("bob", claims.release, task.id)
    assert asked(crew) == ["bob", "carol"]
    for _ in range(2):
        clock.tick(EVERY)
        offer(crew)
    assert asked(crew) == ["bob", "carol", "dave", "bob"]
    again = crew.store.read(lambda tx: tasks.again(tx, task))
    assert again.message_id != task.message_id
    crew.do("dave", claims.claim, task.id)
    assert letters(crew, "carol") == letters(crew, "bob") == []


def test_a_lapsed_claim_is_offered_anew(crew, clock):
    _, task = send(crew)
    crew.do("bob", claims.claim, task.id)
    clock.tick(claims.LEASE)
    crew.store.write(lambda tx: claims.settle(tx, lambda _: False))
    assert asked(crew) == ["bob", "carol"]


def test_a_cancelled_one_is_taken_back(crew, clock):
    _, task = send(crew)
    crew.do("alice", endings.cancel, task.id, None)
    assert letters(crew, "bob") == []
    assert due(crew) == set()
    clock.tick(EVERY)
    assert offer(crew) == 0


def test_a_key_sends_it_once(crew):
    first, task = send(crew, dedupe_key="k")
    again, same = send(crew, dedupe_key="k")
    assert (again.created, again.message.id, same.id) == (False, first.message.id, task.id)
    assert again.recipients == ("bob@crew",)
    with pytest.raises(
        errors.KeyReused, match=f"Task {task.id} for role dev, added just now, has this key, but another"
    ):
        send(crew, "other", dedupe_key="k")
    assert len(crew.rows("select * from messages")) == 1


@pytest.mark.parametrize(
    "draft",
    [
        Draft("pool:dev,bob", "x"),
        Draft("pool:dev@other", "x"),
        Draft("pool:dev", "x", ttl=1000),
        Draft("pool:dev", "x", wake=False),
        Draft("pool:", "x"),
        Draft("pool:dev", " \n"),
    ],
)
def test_what_cannot_be_a_pool_s_is_refused(crew, draft):
    with pytest.raises(errors.Usage):
        crew.do("alice", pools.send, "pane", draft)
    assert crew.rows("select * from tasks") == crew.rows("select * from messages") == []


def test_a_pool_is_no_address_among_others(crew):
    with pytest.raises(errors.Usage, match="must be the only address"):
        crew.send("alice", "bob,pool:dev")
    assert crew.rows("select * from messages") == []


def test_a_subject_is_the_title_and_long_first_lines_are_cut(crew):
    assert send(crew, subject="S")[1].title == "S"
    assert len(send(crew, "\n" + "x" * 500)[1].title) == 200
    assert crew.rows("select description from tasks order by id")[1]["description"] == "\n" + "x" * 500


def test_its_role_and_its_needs_stay(crew):
    _, task = send(crew)
    for change in (planning.Edit(to="bob"), planning.Edit(anybody=True), planning.Edit(needs=(task.id,))):
        with pytest.raises(errors.Refused, match="claimable message"):
            crew.do("alice", planning.edit, task.id, change)


def test_who_left_is_not_asked(crew, clock):
    crew.store.write(lambda tx: registration.unregister(tx, agents.by_name(tx, "crew", "bob")))
    send(crew)
    assert asked(crew) == ["carol"]


def test_to_say_more_to_a_pool_in_which_nobody_is_is_refused(crew):
    sent, _ = send(crew, address="pool:tester")
    with pytest.raises(errors.UnknownRecipient, match="Message 1 has no recipient yet"):
        crew.do("alice", sending.reply, "pane", sent.message.id, Draft("", "and soon"))
    assert crew.rows("select id from messages") == [{"id": 1}]
    crew.add("erin", role="tester")
    crew.store.write(offers.look_again)
    offer(crew)
    assert crew.do("alice", sending.reply, "pane", 1, Draft("", "and soon")).recipients == ("erin@crew",)


def test_what_is_taken_back_from_who_took_it_unasked_is_no_mail_without_a_wake(crew, clock):
    """A turn was broken off in which somebody claimed the task before his turn to be asked had come."""
    sent, task = send(crew)
    crew.do("dave", claims.claim, task.id, 60_000)
    assert letters(crew, "dave") == []
    crew.do("dave", inbox.take_back, clock())
    assert [one.id for one in letters(crew, "dave")] == [sent.message.id]
    assert "mail_without_wake" not in broken(crew.store, clock())
