"""The schema closes every list of states and every rule of uniqueness by itself."""

import re

import pytest

from xats import errors
from xats.store import migrate

BASE = {
    "agents": {
        "id": 1,
        "team": "crew",
        "name": "a",
        "name_key": "a",
        "client": "generic",
        "registered_at": 1,
        "seen_at": 1,
    },
    "labels": {"agent_id": 1, "kind": "tag", "label": "gpu"},
    "sessions": {"agent_id": 1, "epoch": 1, "host": "h", "started_at": 1},
    "messages": {
        "id": 1,
        "sender_id": 1,
        "evidence": "pane",
        "address": "a",
        "body": "b",
        "kind": "mail",
        "need_reply": 1,
        "wake": 1,
        "sent_at": 1,
    },
    "wakes": {"id": 1, "agent_id": 1, "state": "queued", "opened_at": 1, "updated_at": 1},
    "deliveries": {"agent_id": 1, "message_id": 1, "state": "unread"},
    "pauses": {"id": 1, "team": "crew", "paused_by": "a@crew", "paused_at": 1},
    "events": {"at": 1, "team": "crew", "type": "t", "subject": "agent:a", "data": "{}"},
}
OTHER_AGENT = {"id": 2, "name": "b", "name_key": "b"}
PANE = {"pane_socket": "/s", "server_pid": 1, "pane_id": "%1", "pane_pid": 2}


def insert(tx, table: str, /, **changes) -> None:
    values = {**BASE[table], **changes}
    tx.run(f"insert into {table} ({', '.join(values)}) values ({', '.join(':' + key for key in values)})", **values)


@pytest.fixture
def filled(store):
    def work(tx):
        insert(tx, "agents")
        insert(tx, "agents", **OTHER_AGENT)
        insert(tx, "messages")

    store.write(work)
    return store


@pytest.mark.parametrize(
    "table, values",
    [
        ("labels", {}),
        ("sessions", {}),
        ("sessions", {"ended_at": 2, "end_reason": "replaced"}),
        ("sessions", {"pid": 1, "pid_started": 2, **PANE}),
        ("wakes", {}),
        ("wakes", {"state": "failed", "closed_at": 2, "reason": "retry_exhausted"}),
        ("wakes", {"lease_token": "t", "lease_until": 2, "next_attempt_at": 1}),
        ("deliveries", {}),
        ("deliveries", {"state": "read", "read_at": 2}),
        ("deliveries", {"state": "replied", "replied_at": 2}),
        ("deliveries", {"state": "expired"}),
        ("deliveries", {"no_wake_reason": "hop_limit", "alerted_at": 2, "dropped_at": 3}),
        ("agents", {"id": 3, "name": "c", "name_key": "c", "wake_by": "notice"}),
        ("messages", {"id": 2, "thread_id": 1, "reply_to": 1}),
        ("pauses", {}),
        ("pauses", {"agent_id": 1}),
        ("events", {}),
    ],
)
def test_a_good_row_is_taken(filled, table, values):
    filled.write(lambda tx: insert(tx, table, **values))


@pytest.mark.parametrize(
    "table, values",
    [
        ("labels", {"kind": "role"}),
        ("labels", {"agent_id": 9}),
        ("sessions", {"ended_at": 2}),
        ("sessions", {"end_reason": "replaced"}),
        ("sessions", {"ended_at": 2, "end_reason": "bored"}),
        ("sessions", {"pid": 1}),
        ("sessions", {"pid_started": 1}),
        ("sessions", {**PANE, "pane_socket": None}),
        ("sessions", {**PANE, "pane_id": None}),
        ("sessions", {**PANE, "server_pid": None}),
        ("sessions", {**PANE, "pane_pid": None}),
        ("sessions", {"agent_id": 9}),
        ("messages", {"id": 2, "evidence": "rumour"}),
        ("messages", {"id": 2, "need_reply": 2}),
        ("messages", {"id": 2, "wake": -1}),
        ("messages", {"id": 2, "body": None}),
        ("messages", {"id": 2, "thread_id": 9}),
        ("messages", {"id": 2, "reply_to": 9}),
        ("messages", {"id": 2, "sender_id": 9}),
        ("wakes", {"state": "open"}),
        ("wakes", {"reason": "because"}),
        ("wakes", {"state": "delivered"}),
        ("wakes", {"state": "skipped"}),
        ("wakes", {"state": "failed"}),
        ("wakes", {"closed_at": 2}),
        ("wakes", {"state": "held", "closed_at": 2}),
        ("wakes", {"lease_token": "t"}),
        ("wakes", {"lease_until": 2}),
        ("wakes", {"state": "failed", "closed_at": 2, "next_attempt_at": 3}),
        ("wakes", {"state": "failed", "closed_at": 2, "lease_token": "t", "lease_until": 3}),
        ("wakes", {"agent_id": 9}),
        ("wakes", {"state": "held", "next_attempt_at": 3}),
        ("wakes", {"state": "held", "lease_token": "t", "lease_until": 3}),
        ("agents", {"id": 3, "name": "c", "name_key": "c", "wake_by": "fax"}),
        ("pauses", {"agent_id": 9}),
        ("pauses", {"paused_by": None}),
        ("deliveries", {"no_wake_reason": "paused"}),
        ("deliveries", {"state": "lost"}),
        ("deliveries", {"read_at": 2}),
        ("deliveries", {"replied_at": 2}),
        ("deliveries", {"state": "read"}),
        ("deliveries", {"state": "replied", "read_at": 2}),
        ("deliveries", {"agent_id": 9}),
        ("deliveries", {"message_id": 9}),
        ("deliveries", {"wake_id": 9}),
        ("events", {"at": "yesterday"}),
        ("events", {"data": None}),
    ],
)
def test_a_bad_row_is_refused(filled, table, values):
    with pytest.raises(errors.StoreError):
        filled.write(lambda tx: insert(tx, table, **values))


@pytest.mark.parametrize(
    "table, first, second",
    [
        ("agents", {"id": 3, "name": "C", "name_key": "c"}, {"id": 4, "name": "c", "name_key": "c"}),
        ("labels", {}, {}),
        ("sessions", {}, {"epoch": 2}),
        ("sessions", PANE, {**PANE, "agent_id": 2}),
        ("messages", {"id": 2, "dedupe_key": "k"}, {"id": 3, "dedupe_key": "k"}),
        ("wakes", {}, {"id": 2}),
        ("wakes", {"state": "held"}, {"id": 2, "state": "retrying"}),
        ("deliveries", {}, {"state": "expired"}),
        ("pauses", {}, {"id": 2}),
        ("pauses", {"agent_id": 1}, {"id": 2, "agent_id": 1}),
    ],
)
def test_there_is_only_one(filled, table, first, second):
    filled.write(lambda tx: insert(tx, table, **first))
    with pytest.raises(errors.StoreError):
        filled.write(lambda tx: insert(tx, table, **second))


@pytest.mark.parametrize(
    "table, first, second",
    [
        ("sessions", {"ended_at": 2, "end_reason": "replaced"}, {}),
        ("sessions", PANE, {**PANE, "agent_id": 2, "host": "elsewhere"}),
        ("sessions", {**PANE, "ended_at": 2, "end_reason": "replaced"}, {**PANE, "agent_id": 2}),
        ("messages", {"id": 2, "dedupe_key": "k"}, {"id": 3, "dedupe_key": "k", "sender_id": 2}),
        ("wakes", {"state": "failed", "closed_at": 2}, {"id": 2}),
        ("agents", {"id": 3, "name": "C", "name_key": "c"}, {"id": 4, "name": "c", "name_key": "c", "team": "other"}),
    ],
)
def test_there_may_be_another(filled, table, first, second):
    filled.write(lambda tx: (insert(tx, table, **first), insert(tx, table, **second)))


def test_every_table_is_strict(rows):
    tables = rows("select name, strict from pragma_table_list where schema = 'main' and name not like 'sqlite%'")
    assert {row["name"] for row in tables} == {*BASE, "migrations"}
    assert [row["name"] for row in tables if not row["strict"]] == []


def test_every_reason_of_a_wake_can_be_said_in_words():
    from xats.core.reasons import REASONS

    script = "".join(script for _, _, script in migrate.migrations())
    *_, newest = re.findall(r" reason text check \(reason in \((.*?)\)\)", script, re.DOTALL)
    (unwoken,) = re.findall(r"check \(no_wake_reason in \((.*?)\)\)", script, re.DOTALL)
    assert set(re.findall(r"'(\w+)'", newest + unwoken)) == set(REASONS)
