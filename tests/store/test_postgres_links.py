"""A connection to the database that is lost, at each step: nothing is lost and nothing is done twice."""

import pytest

from tests.support.link import Link
from xats.base import errors
from xats.store.open import open_store

STEPS = 7  # messages of a client that opens a store, writes one event and reads it, and some more


@pytest.fixture
def link(postgres, empty, tmp_path_factory):
    folder = tmp_path_factory.mktemp("l")
    made = Link(str(folder), f"{postgres.folder}/.s.PGSQL.5432")
    made.url = f"postgresql://xats@/{empty}?host={folder}"
    yield made
    made.close()


def subjects(store) -> list[str]:
    return [row["subject"] for row in store.read(lambda tx: tx.all("select subject from events order by id"))]


def note(store, subject: str) -> str:
    def work(tx):
        tx.event("noted", "crew", None, subject)
        return subject

    return store.write(work)


@pytest.mark.parametrize("how", ["lost", "unanswered", "late", "ended"])
def test_a_link_that_is_cut_at_any_step_loses_and_doubles_nothing(link, postgres, empty, how):
    open_store(postgres.url(empty)).close()
    link.how = how
    for cut in range(1, STEPS + 1):
        link.cut, before = len(link.seen) + cut, link.broken
        store = open_store(link.url)
        assert note(store, f"{how}{cut}") == f"{how}{cut}"
        assert subjects(store)[-1] == f"{how}{cut}"
        store.close()
        if link.broken == before:
            break
    assert cut > 5  # the link was cut in the connection, BEGIN, the event, COMMIT and the read
    straight = open_store(postgres.url(empty))
    assert subjects(straight) == [f"{how}{one}" for one in range(1, cut + 1)]
    straight.close()


def test_the_events_go_with_the_commit_in_one_round_trip(link, postgres, empty):
    open_store(postgres.url(empty)).close()
    store = open_store(link.url)
    note(store, "one")
    store.close()
    (last,) = (one for one in link.seen if b"insert into commits" in one)
    assert b"insert into events" in last


@pytest.mark.parametrize("how", ["lost", "unanswered", "late", "ended"])
def test_a_link_that_is_cut_in_the_migration_makes_one_schema(link, empty, how):
    link.how, link.cut = how, 4
    store = open_store(link.url)
    assert note(store, "one") == "one"
    assert subjects(store) == ["one"]
    store.close()
    assert link.broken == 1


def test_a_commit_whose_outcome_stays_unknown_is_said_so(link, postgres, empty):
    open_store(postgres.url(empty)).close()
    store = open_store(link.url)
    store.patience = 0.5
    link.how, link.when, link.refuses = "unanswered", b"notify", True
    with pytest.raises(errors.OutcomeUnknown) as caught:
        note(store, "perhaps")
    store.close()
    assert (caught.value.exit, caught.value.code) == (75, "outcome_unknown")
    assert "--key" in caught.value.hint
    straight = open_store(postgres.url(empty))
    assert subjects(straight) == ["perhaps"]
    straight.close()
