"""Expectations: who is to sit in a pane, until when, and what becomes of one that ends in vain."""

import json

import pytest

from xats.base import host
from xats.base.pane import Pane
from xats.core.agents import agents, expectations, listing, registration
from xats.core.mail import inbox

HOST = host.id()
PANE = Pane("/tmp/s", 7, 70, "%3", 30, "/dev/pts/3")
OTHER = Pane("/tmp/s", 7, 70, "%4", 40, "/dev/pts/4")


@pytest.fixture
def crew(team):
    team.add("ann", "bob", "cat")
    return team


def expect(crew, name, pane=PANE, ttl=60_000, asked_by="ann", client="codex"):
    asker = crew.agent(asked_by).id if asked_by else None
    return crew.do(name, expectations.expect, client, HOST, pane, ttl, asker)


def of(crew, name):
    whom = crew.agent(name).id
    return crew.store.read(lambda tx: expectations.of_agent(tx, whom))


def open_panes(crew):
    return [one.pane for one in crew.store.read(lambda tx: expectations.open_on(tx, HOST))]


def end(crew, name, reason):
    expected = of(crew, name)
    crew.store.write(lambda tx: expectations.end(tx, expected, reason))


def mail(crew, name):
    return [letter.message for letter in crew.see(name, inbox.peek, inbox.Query()).letters]


def sit(crew, name, pane=PANE, pid=5):
    seat = agents.Seat(HOST, pid, 1, None, pane)
    return crew.register(name, seat=seat, client="codex")


def expected_in(crew, pane=PANE, client="codex"):
    place = (HOST, pane.socket, pane.server_pid, pane.pane_id)
    found = crew.store.read(lambda tx: agents.expected_in(tx, *place, client))
    return found.name if found else None


def test_it_lasts_until_its_time_is_over_swept_or_not(crew, clock):
    assert expect(crew, "bob") == []
    clock.tick(59_999)
    assert expected_in(crew) == "bob" and not expectations.is_late(of(crew, "bob"), clock.now)
    clock.tick(1)
    assert expected_in(crew) is None and expectations.is_late(of(crew, "bob"), clock.now)


def test_it_is_for_one_program_in_one_pane_of_one_server(crew):
    expect(crew, "bob")
    assert expected_in(crew, client="claude-code") is None
    assert expected_in(crew, OTHER) is None
    assert expected_in(crew, Pane(PANE.socket, 8, 80, "%3", 30, "")) is None


def test_a_process_in_its_seat_ends_it_and_nobody_is_told(crew):
    expect(crew, "bob")
    crew.register("bob")  # no process: nobody is there yet
    assert open_panes(crew) == [PANE]
    sit(crew, "bob", OTHER)
    assert of(crew, "bob") is None and mail(crew, "ann") == []


def test_another_agent_in_its_pane_ends_it_and_who_asked_is_told(crew, rows):
    expect(crew, "bob")
    sit(crew, "cat")
    assert of(crew, "bob").end_reason == "pane_taken" and open_panes(crew) == []
    (message,) = mail(crew, "ann")
    assert (message.sender, message.need_reply) == ("xats@crew", False)
    assert "bob@crew has no program: another agent was registered in pane %3 (cat@crew)." in message.body
    (event,) = rows("select data from events where type = 'expectation_replaced'")
    assert json.loads(event["data"])["by"] == "cat@crew"


def test_who_takes_the_pane_is_not_told_that_it_did(crew):
    expect(crew, "bob", asked_by="cat")
    sit(crew, "cat")
    assert mail(crew, "cat") == []


def test_a_pane_has_one_and_so_has_an_agent(crew):
    assert expect(crew, "bob") == []
    assert expect(crew, "cat") == ["bob@crew"]
    assert expect(crew, "cat", OTHER) == ["cat@crew"]
    assert (of(crew, "bob").end_reason, open_panes(crew)) == ("replaced", [OTHER])
    assert expect(crew, "bob") == []


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("expired", "no codex appeared in pane %3 within 60 s"),
        ("pane_gone", "pane %3 ended before codex appeared, after 30 s"),
    ],
)
def test_one_that_ends_in_vain_is_reported_once_and_kept(crew, clock, rows, reason, says):
    expect(crew, "bob")
    clock.tick(30_000)
    for _ in range(2):
        end(crew, "bob", reason)
    (message,) = mail(crew, "ann")
    assert message.subject == "bob did not appear: codex in pane %3"
    assert message.body.splitlines() == [
        f"bob@crew has no program: {says}.",
        "xats keeps its mail. To expect it again: xats register bob --team crew --pane %N --expect codex",
        "To remove it: xats unregister bob --team crew",
    ]
    assert len(rows("select * from events where type = 'expectation_expired'")) == 1
    assert (of(crew, "bob").ended_at, open_panes(crew)) == (clock.now, [])
    (listed,) = (one for one in crew.store.read(lambda tx: listing.agents(tx, "crew", None)) if one.expected)
    assert listed.agent.name == "bob" and listed.expected.end_reason == reason


def test_who_has_left_and_who_asked_for_itself_get_no_mail(crew):
    expect(crew, "bob", asked_by="cat")
    crew.do("cat", registration.unregister)
    end(crew, "bob", "expired")
    expect(crew, "ann", OTHER, asked_by="ann")
    end(crew, "ann", "expired")
    assert mail(crew, "ann") == []


def test_unregistering_ends_it(crew, rows):
    expect(crew, "bob")
    crew.do("bob", registration.unregister)
    assert rows("select * from expectations") == []


def test_mail_is_accepted_and_its_wake_waits_for_the_seat(crew, rows):
    expect(crew, "bob")
    crew.send("ann", "bob")
    (wake,) = rows("select state from wakes")
    assert wake["state"] == "queued"
    sit(crew, "bob")
    assert len(mail(crew, "bob")) == 1
