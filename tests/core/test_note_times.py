"""Notes with a time limit: gone when it is over, without a sweep, and only where the clock is right."""

import pytest

from tests.conftest import HostClock
from xats.core import clock as clock_rules
from xats.core import search
from xats.core.notes import errors, notes, views
from xats.core.notes.notes import New

MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture
def clock():
    return HostClock()


@pytest.fixture
def crew(team):
    team.add("alice", "bob")
    return team


def put(crew, value="on", by="alice", key="flag", **more):
    return crew.do(by, notes.put, "pane", New(key, value, **more)).version


def look(crew, called="flag"):
    try:
        return crew.store.read(lambda tx: notes.find(tx, "crew", called)).value
    except errors.NoteGone as problem:
        return str(problem)


def everywhere(crew):
    """Return the names of the notes in a list, among the pinned ones, and in a search."""
    query = search.Query(("on",), None, "crew")
    return crew.store.read(
        lambda tx: (
            [one.name for one in views.listing(tx, "crew", "", 50)[0]],
            [one.name for one in views.pinned(tx, "crew", 100, 9).notes],
            [hit.name for hit in search.find(tx, query, 9)[0]],
        )
    )


def test_a_note_is_gone_when_its_time_is_over(crew, clock):
    put(crew, ttl=HOUR)
    crew.do("bob", notes.pin, "flag")
    clock.tick(HOUR - 1)
    assert look(crew) == "on"
    assert everywhere(crew) == (["flag@1"], ["flag@1"], ["flag@1"])
    clock.tick(1)
    assert look(crew) == "The note flag expired just now; its last value is version 1."
    assert everywhere(crew) == ([], [], [])
    assert crew.store.read(lambda tx: views.listing(tx, "crew", "", 50, gone=True))[0][0].name == "flag@1"
    assert look(crew, "flag@1") == "on"
    assert crew.do("bob", notes.remove, "pane", "flag")[1] is False
    with pytest.raises(errors.NoteGone):
        crew.do("bob", notes.pin, "flag")
    assert put(crew, by="bob", if_version=0).number == 2  # the same value, but it was gone
    assert everywhere(crew) == (["flag@2"], ["flag@2"], ["flag@2"])  # its pin was for the key


def test_a_new_put_begins_the_time_again(crew, clock):
    put(crew, ttl=HOUR)
    clock.tick(HOUR - 1)
    assert put(crew, ttl=HOUR, if_version=1).number == 2
    clock.tick(HOUR - 1)
    assert look(crew) == "on"
    assert put(crew, restore=1, value=None).expires_at is None
    clock.tick(100 * HOUR)
    assert look(crew) == "on"


def test_a_clock_that_jumps_ahead_ends_no_note(crew, clock):
    put(crew, ttl=HOUR)
    clock.tick(MINUTE)
    clock.jump(48 * HOUR)
    assert look(crew) == "on"
    assert everywhere(crew)[0] == ["flag@1"]
    with pytest.raises(errors.NoteChanged):
        put(crew, by="bob", if_version=0)
    clock.jump(-48 * HOUR)  # it is set right again
    clock.tick(MINUTE)
    assert look(crew) == "on"
    for _ in range(8):  # and counts again once it has settled
        crew.store.write(clock_rules.observe)
        clock.tick(clock_rules.SETTLE)
    assert look(crew).startswith("The note flag expired")


def test_a_clock_that_jumps_back_keeps_a_note_for_longer_at_most(crew, clock):
    clock.tick(HOUR)
    put(crew, ttl=HOUR)
    clock.jump(-HOUR)
    clock.tick(HOUR + MINUTE)
    assert look(crew) == "on"
    assert put(crew, "later", key="other", ttl=HOUR).expires_at == clock.now + HOUR
    clock.tick(HOUR)
    assert look(crew, "other").startswith("The note other expired")


def test_after_a_boot_a_note_of_before_stays_until_the_clock_has_settled(crew, clock):
    put(crew, ttl=HOUR)
    clock.tick(2 * HOUR)
    clock.reboot()
    crew.store.write(clock_rules.observe)
    assert look(crew) == "on"
    clock.tick(clock_rules.SETTLE)
    assert look(crew).startswith("The note flag expired")


def test_the_first_note_of_a_store_has_a_right_age(crew, clock):
    put(crew, ttl=MINUTE)
    clock.tick(MINUTE)
    assert look(crew).startswith("The note flag expired")
