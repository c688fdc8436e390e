"""What `check` finds: nothing in a sound store, and each fault in one that has it. It changes nothing, nor fails."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import pytest

from tests.support.faulty import DIE, content, cut_off, empty, fill, flipped, folder, foreign, nothing, text
from xats.core.agents import agents, registration
from xats.core.contracts import contracts
from xats.core.mail import inbox
from xats.core.notes import notes
from xats.core.waking import attempts, wakes
from xats.store.open import open_store
from xats.store.sqlite import check, engine, waiting


@pytest.fixture
def place():
    """A folder of our own that nobody else can get into, on this machine's disk."""
    made = tempfile.mkdtemp(prefix="xats-check-")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def store(place, clock):
    opened = open_store(os.path.join(place, "xats.db"), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol")
    team.send("alice", "bob,carol")
    return team


def found(store, clock=None) -> dict[str, check.Check]:
    return {one.name: one for one in check.checks(store.path, clock.now if clock else None)}


def wrong(store, clock=None) -> dict[str, tuple[str, str]]:
    return {one.name: (one.state, one.detail) for one in found(store, clock).values() if one.state != check.OK}


def run(store, *statements: str) -> None:
    """Run SQL behind the back of xats, without regard to references."""
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        for statement in statements:
            other.execute(statement)


# -- a sound one -------------------------------------------------------------------------------------------------------


def test_a_new_store_is_sound(store):
    assert wrong(store) == {}
    assert {one.fix for one in found(store).values()} == {""}


def test_a_store_with_a_life_is_sound(crew, store, clock):
    crew.do("bob", inbox.mark_read, [1])
    crew.send("bob", "alice", ttl=1000)
    crew.send("bob", "bob")
    crew.send("alice", "bob", wake=False)
    crew.add("dave", client="human")
    crew.send("alice", "dave")
    store.write(lambda tx: attempts.lease(tx, attempts.due(tx), "d"))
    leased = store.read(
        lambda tx: [wakes.wake_of(row) for row in tx.all(f"select {wakes.SELECT} from wakes w where closed_at is null")]
    )
    store.write(lambda tx: attempts.delivered(tx, leased[0], "d", "tmux", 100))
    store.write(lambda tx: attempts.refused(tx, leased[1], "d", "busy", "tmux", lambda *_: None))
    crew.do("carol", registration.unregister)
    assert wrong(store, clock) == {}
    clock.tick(2000)  # alice's mail has expired and the sweep has yet to come
    assert wrong(store, clock) == {}
    store.write(inbox.sweep)
    assert wrong(store, clock) == {}


def test_check_changes_nothing(crew, store, place):
    before = content(store.path), sorted(os.listdir(place))
    check.checks(store.path)
    assert (content(store.path), sorted(os.listdir(place))) == before


# -- rows --------------------------------------------------------------------------------------------------------------

SKIP = "update wakes set state = 'skipped', reason = 'already_read', next_attempt_at = null, closed_at = 1"
FAULTS = {
    "mail_without_wake": (check.FAIL, [SKIP], "bob@crew, carol@crew"),
    "leases": (check.WARN, ["update wakes set lease_token = 'd', lease_until = 1 where agent_id = 2"], "wakes 1"),
    "recipients": (check.FAIL, ["delete from deliveries"], "recipient 1"),
    "wakes": (
        check.FAIL,
        ["update deliveries set wake_id = (select id from wakes where agent_id = 3) where agent_id = 2"],
        "messages 1",
    ),
    "closed_seats": (check.FAIL, ["update agents set unregistered_at = 1 where id = 3"], "carol@crew"),
    "seats": (check.WARN, ["update agents set epoch = 7 where id = 3"], "carol@crew"),
    "references": (
        check.FAIL,
        ["delete from wakes", "update deliveries set state = 'read', read_at = 1"],
        "deliveries",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_rows_is_found_alone(crew, store, clock, name):
    state, statements, said = FAULTS[name]
    run(store, *statements)
    assert wrong(store, clock).keys() == {name}
    one = found(store, clock)[name]
    assert (one.state, bool(one.fix)) == (state, True)
    assert said in one.detail


@pytest.mark.parametrize(
    "harm",
    [
        "update contracts set newest = 2",
        "delete from contract_versions",
        "update contract_versions set version = 2, backward = 'unknown', forward = 'unknown'",
        "update messages set contract_id = 1, contract_version = 2",
    ],
)
def test_a_version_that_is_missing_is_found(crew, store, clock, harm):
    crew.do("alice", contracts.put, contracts.New("order", "{}"), None)
    assert wrong(store, clock) == {}
    run(store, harm)
    assert wrong(store, clock) == {"contracts": (check.FAIL, "versions of contracts are missing: contracts order@crew")}


@pytest.mark.parametrize(
    "harm",
    [
        "update notes set newest = 2",
        "update notes set head = 9",
        "update notes set removed = 1",
        "update notes set category = 'blocker'",
        "update notes set expires_at = 9",
        "delete from note_versions",
        "update note_versions set version = 2",
    ],
)
def test_a_version_of_a_note_that_is_missing_is_found(crew, store, clock, harm):
    crew.do("alice", notes.put, "pane", notes.New("style", "tabs"))
    assert wrong(store, clock) == {}
    run(store, harm)
    said = "versions of notes are missing, or a note shows another one than its last: notes style@crew"
    assert wrong(store, clock) == {"notes": (check.FAIL, said)}


def test_unread_mail_that_never_had_a_wake_is_found(crew, store, clock):
    run(store, "delete from wakes", "update deliveries set wake_id = null")
    assert wrong(store, clock).keys() == {"mail_without_wake"}


@pytest.mark.parametrize("state, reason", [("delivered", "null"), ("failed", "'retry_exhausted'")])
def test_unread_mail_whose_wake_came_to_its_end_is_in_order(crew, store, clock, state, reason):
    run(store, SKIP, f"update wakes set state = '{state}', reason = {reason}")
    assert wrong(store, clock) == {}


def test_sessions_that_are_all_closed_are_found(crew, store, clock):
    run(store, "update sessions set ended_at = 1, end_reason = 'replaced' where agent_id = 1")
    assert wrong(store, clock) == {"seats": (check.WARN, f"{check.RULES[-1].bad} alice@crew")}


def test_a_lease_that_has_just_ended_is_in_order(crew, store, clock):
    store.write(lambda tx: attempts.lease(tx, attempts.due(tx), "d"))
    clock.tick(attempts.LEASE + check.LATE)
    assert wrong(store, clock) == {}
    clock.tick(1)
    assert wrong(store, clock).keys() == {"leases"}


def test_many_faults_are_counted_and_some_are_named(crew, store, clock):
    for _ in range(8):
        crew.send("alice", "bob")
    run(store, "delete from deliveries where message_id > 1")
    assert found(store, clock)["recipients"].detail.endswith("recipient 2, 3, 4, 5, 6 and 3 more")


# -- the file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file_mode, folder_mode, state, said",
    [
        (0o600, 0o700, check.OK, "file 0600"),
        (0o644, 0o700, check.FAIL, "chmod 600"),
        (0o620, 0o700, check.FAIL, "chmod 600"),
        (0o600, 0o755, check.WARN, "chmod 700"),
        (0o600, 0o770, check.FAIL, "chmod 700"),
        (0o600, 0o1777, check.WARN, "chmod 700"),
    ],
    ids=lambda value: f"{value:04o}" if isinstance(value, int) else None,
)
def test_others_are_to_stay_outside(store, place, file_mode, folder_mode, state, said):
    os.chmod(store.path, file_mode)
    os.chmod(place, folder_mode)
    one = found(store)["permissions"]
    assert one.state == state
    assert said in one.detail + one.fix
    assert wrong(store).keys() == (set() if state == check.OK else {"permissions"})


def test_a_store_of_somebody_else_is_said_to_be_one(store, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(store.path).st_uid + 1)
    assert wrong(store).keys() == {"owner"}


def test_a_network_file_system_is_said_to_be_one(store, monkeypatch):
    monkeypatch.setattr(check, "network_file_system", lambda _: "nfs4")
    assert wrong(store)["file_system"][0] == check.WARN
    assert "nfs4" in wrong(store)["file_system"][1]


def test_a_wal_journal_is_in_order_only_where_sqlite_can_be_trusted_with_it(store, monkeypatch):
    run(store, "pragma journal_mode = wal")
    monkeypatch.setattr(check, "wal_is_safe", lambda _: True)
    assert wrong(store) == {}
    monkeypatch.setattr(check, "wal_is_safe", lambda _: False)
    assert wrong(store)["journal"][0] == check.FAIL
    assert sqlite3.sqlite_version in wrong(store)["journal"][1]


def test_a_newer_and_an_older_schema_are_said_so(store):
    store.close()
    run(store, f"pragma user_version = {engine.SCHEMA_VERSION + 1}")
    assert wrong(store).keys() == {"schema"}
    assert (found(store)["schema"].state, found(store)["schema"].fix) == (check.FAIL, "upgrade this xats")
    run(store, f"pragma user_version = {engine.SCHEMA_VERSION - 1}")
    assert wrong(store).keys() == {"schema"}
    assert found(store)["schema"].state == check.WARN


@pytest.mark.parametrize(
    "make, name, state",
    [
        (nothing, "file", check.FAIL),
        (folder, "file", check.FAIL),
        (empty, "header", check.WARN),
        (foreign, "header", check.FAIL),
        (text, "header", check.FAIL),
        (cut_off, "integrity", check.FAIL),
        (flipped, "integrity", check.FAIL),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_file_is_a_finding_and_stays_as_it_was(tmp_path, make, name, state):
    path = tmp_path / "xats.db"
    make(path)
    before = content(path) if path.is_file() else None
    findings = {one.name: one for one in check.checks(str(path))}
    assert findings[name].state == state
    assert findings[name].fix
    assert (content(path) if path.is_file() else None) == before
    assert os.listdir(tmp_path) == ([] if make is nothing else ["xats.db"])


def test_one_flipped_bit_of_an_index_is_found(store):
    """The rows are all there, and a quick look would not see it."""
    fill(store)
    root = store.read(lambda tx: tx.one("select rootpage from sqlite_master where name = 'agents_name'"))["rootpage"]
    open_store(store.path).close()
    store.write(
        lambda tx: registration.register(
            tx, "crew", "alice", registration.Changes(client="x"), agents.Seat("h"), lambda _: None
        )
    )
    store.close()
    data = bytearray(content(store.path))
    at = data.rindex(b"crewalice", (root - 1) * 4096, root * 4096)
    data[at] ^= 1
    with open(store.path, "wb") as file:
        file.write(data)
    assert wrong(store).keys() == {"integrity"}
    assert "agents_name" in found(store)["integrity"].detail


def test_what_a_dead_writer_left_is_a_finding_and_is_left(store):
    if store.connection.execute("pragma journal_mode").fetchone()[0] != "delete":
        pytest.skip("in WAL mode a writer that dies leaves nothing half done")
    fill(store)
    store.close()
    subprocess.run([sys.executable, "-c", DIE, store.path], timeout=30, check=False)
    before = content(store.path), content(store.path + "-journal")
    assert wrong(store).keys() == {"journal"}
    assert (found(store)["journal"].state, found(store)["journal"].fix[:11]) == (check.WARN, "xats agents")
    assert (content(store.path), content(store.path + "-journal")) == before
    open_store(store.path).close()
    assert wrong(store) == {}


@pytest.mark.usefixtures("rollback")  # a write-ahead log lets others read
def test_a_busy_store_is_a_finding(store, monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0.1)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        assert any("busy" in detail for _, detail in wrong(store).values())
        other.execute("rollback")
    assert wrong(store) == {}
