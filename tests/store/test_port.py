"""What the port of the store promises (xats/store/port.py). Every engine that `open_store` can choose runs this."""

import threading

import pytest

from xats.base import errors
from xats.store import port
from xats.store.open import open_store


@pytest.fixture
def opened(store_address):
    """`opened()` opens one and the same store each time."""
    stores = []

    def again():
        stores.append(open_store(store_address))
        return stores[-1]

    yield again
    for one in stores:
        one.close()


def names(protocol) -> set[str]:
    return {*protocol.__annotations__, *(name for name in vars(protocol) if not name.startswith("_"))}


def events(store) -> list[str]:
    return [row["subject"] for row in store.read(lambda tx: tx.all("select subject from events order by id"))]


def test_an_engine_has_all_that_the_port_has(opened):
    store = opened()
    assert {name for name in names(port.Store) if not hasattr(store, name)} == set()
    store.read(lambda tx: [getattr(tx, name) for name in names(port.Tx)])


def test_a_row_is_read_by_name_and_by_position(opened):
    row = opened().read(lambda tx: tx.one("select 7 as seven, 'x' as letter, null as missing"))
    assert (row["seven"], row[1], row["missing"]) == (7, "x", None)
    assert (list(row), list(row.keys()), len(row)) == ([7, "x", None], ["seven", "letter", "missing"], 3)
    with pytest.raises(IndexError):
        row["eight"]


def test_a_parameter_may_stand_where_its_type_cannot_be_inferred(opened):
    store = opened()
    store.write(lambda tx: tx.event("noted", "crew", None, "a"))
    sql = "select subject from events where :team is null or team = :team"
    found = [len(store.read(lambda tx, team=team: tx.all(sql, team=team))) for team in (None, "crew", "other")]
    assert found == [1, 1, 0]


def test_texts_are_compared_by_code_point(opened):
    store = opened()
    for subject in ("b_1", "b-2", "B", "é", "z"):
        store.write(lambda tx, subject=subject: tx.event("noted", "crew", None, subject))
    found = store.read(lambda tx: tx.all("select subject from events order by subject"))
    assert [row["subject"] for row in found] == ["B", "b-2", "b_1", "z", "é"]


def test_what_raises_changes_nothing(opened):
    store = opened()

    def fail(tx):
        tx.event("noted", "crew", None, "a")
        tx.write_events()
        raise errors.Refused

    with pytest.raises(errors.Refused):
        store.write(fail)
    assert events(store) == []


def test_ids_have_the_order_of_the_commits(opened):
    """While one write is open, another one that was begun later does not get a larger id and commit first."""
    store, other = opened(), opened()
    begun, seen = threading.Event(), []

    def slow(tx):
        tx.event("noted", "crew", None, "first")
        tx.write_events()  # it has its id now
        begun.set()
        seen.append(second.is_alive() and events_committed())
        second.join(0.3)
        seen.append(second.is_alive())

    def events_committed():
        return [row[0] for row in reader.read(lambda tx: tx.all("select subject from events order by id"))]

    def write_second():
        begun.wait(30)
        other.write(lambda tx: tx.event("noted", "crew", None, "second"))

    reader = opened()
    second = threading.Thread(target=write_second)
    second.start()
    store.write(slow)
    second.join(30)
    assert seen == [[], True]  # it was waiting all the time
    assert events(reader) == ["first", "second"]


def test_a_read_sees_one_moment(opened):
    store, other = opened(), opened()
    store.write(lambda tx: tx.event("noted", "crew", None, "before"))
    writing = threading.Thread(target=lambda: other.write(lambda tx: tx.event("noted", "crew", None, "meanwhile")))

    def twice(tx):
        first = tx.all("select subject from events")
        writing.start()
        writing.join(0.3)  # in a rollback journal it waits for this read to end
        return len(first), len(tx.all("select subject from events"))

    assert store.read(twice) == (1, 1)
    writing.join(30)
    assert events(store) == ["before", "meanwhile"]


def test_the_id_of_a_removed_row_is_not_used_again(opened):
    store = opened()
    for _ in range(2):
        store.write(lambda tx: tx.event("noted", "crew", None, "a"))
        last = store.read(lambda tx: tx.one("select max(id) as id from events"))["id"]
        store.write(lambda tx: tx.run("delete from events"))
    assert last == 2


def test_the_generation_changes_when_another_store_commits(opened, until):
    store, other = opened(), opened()
    before = store.generation()
    other.read(lambda tx: tx.all("select * from events"))
    assert store.generation() == before
    other.write(lambda tx: tx.event("noted", "crew", None, "a"))
    until(lambda: store.generation() != before)
    assert store.key == other.key


def test_references_are_those_of_the_schema(opened):
    found = opened().read(lambda tx: tx.references("agents"))
    assert {("deliveries", "agent_id"), ("wakes", "agent_id"), ("sessions", "agent_id")} <= set(found)


@pytest.mark.parametrize("verb", ["write", "read"])
def test_no_transaction_begins_within_another(opened, verb):
    """Its end would be the end of both."""
    store = opened()

    def work(tx):
        tx.event("noted", "crew", None, "a")
        tx.write_events()
        getattr(store, verb)(lambda _: None)

    with pytest.raises(errors.StoreError):
        store.write(work)
    assert events(store) == []
