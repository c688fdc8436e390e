"""The schema closes every list of states and every rule of uniqueness by itself."""

import ast
import re
import typing

import pytest

from xats.base import errors
from xats.core import states
from xats.core.agents import agents, presence
from xats.core.contracts import contracts
from xats.core.notes import notes
from xats.core.tasks import tasks
from xats.core.waking import reasons
from xats.schemas import compat
from xats.store.sqlite import migrate

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
    "former_names": {"agent_id": 1, "name": "A", "name_key": "a", "until": 1},
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
    "tasks": {
        "id": 1,
        "team": "crew",
        "title": "t",
        "description": "",
        "state": "open",
        "priority": 5,
        "created_by": 1,
        "created_at": 1,
        "updated_at": 1,
    },
    "task_needs": {"task_id": 1, "needs_id": 2},
    "task_reviewers": {"task_id": 1, "role": "qa"},
    "task_approvals": {"task_id": 1, "submission": 1, "role": "qa", "agent_id": 1, "at": 1},
    "task_notes": {"task_id": 1, "at": 1, "kind": "added"},
    "task_mail": {"task_id": 1, "message_id": 1, "about": "ready"},
    "presence": {"agent_id": 1, "state": "idle", "at": 1},
    "pairs": {"low_id": 1, "high_id": 2},
    "teams": {"name": "crew", "created_at": 1},
    "projects": {"host": "h", "path": "/p", "team": "crew", "created_at": 1},
    "project_teams": {"host": "h", "path": "/p", "team": "crew", "kind": "joined", "since": 1},
    "team_notices": {"team": "crew", "text": "t", "at": 1},
    "former_addresses": {"team": "crew", "name_key": "a", "agent_id": 1},
    "locks": {
        "host": "h",
        "repository": "/r/.git",
        "worktree": "/r",
        "path": "a.py",
        "path_key": "a.py",
        "team": "crew",
        "holder_id": 1,
        "kind": "explicit",
        "taken_at": 1,
        "lease_ms": 1,
        "lease_until": 2,
    },
    "lock_waits": {
        "agent_id": 1,
        "host": "h",
        "repository": "/r/.git",
        "worktree": "/r",
        "path": "a.py",
        "path_key": "a.py",
        "kind": "queue",
        "asked_at": 1,
    },
    "refused_edits": {"agent_id": 1, "host": "h", "worktree": "/r", "path_key": "a.py", "lock_id": 1, "at": 1},
    "zones": {
        "team": "crew",
        "host": "",
        "repository": "https://example.org/r.git",
        "pattern": "src/",
        "prefix": "src",
        "level": 0,
        "owner_id": 1,
        "assigned_at": 1,
    },
    "turns": {"team": "crew", "name": "docs", "name_key": "docs", "state": "free"},
    "turn_members": {"turn_id": 1, "agent_id": 1, "joined_at": 1},
    "turn_waits": {"turn_id": 1, "agent_id": 1, "process": "h:1:1", "since": 1},
    "turn_log": {"turn_id": 1, "at": 1, "kind": "joined", "number": 0},
    "limits": {
        "team": "crew",
        "name": "wakes",
        "value": 5,
        "action": "pause",
        "set_by": 1,
        "by_name": "ada@crew",
        "evidence": "user",
        "set_at": 1,
    },
    "starts": {
        "agent_id": 1,
        "generation": 1,
        "token": "t",
        "client": "codex",
        "host": "h",
        "place": "window",
        "folder": "/f",
        "state": "starting",
        "starter_pid": 1,
        "starter_started": 2,
        "created_at": 1,
        "state_at": 1,
    },
    "start_log": {"agent_id": 1, "kind": "start", "at": 1},
    "expectations": {
        "agent_id": 1,
        "client": "codex",
        "host": "h",
        "pane_socket": "/s",
        "server_pid": 1,
        "server_start": 1,
        "pane_id": "%1",
        "pane_pid": 2,
        "pane_tty": "/dev/pts/1",
        "created_at": 1,
        "expires_at": 2,
    },
    "clocks": {
        "host": "h",
        "boot": "b",
        "since_at": 1,
        "since_up": 1,
        "seen_at": 1,
        "seen_up": 1,
        "slept": 0,
        "cause": "first",
    },
    "contracts": {
        "id": 1,
        "team": "crew",
        "name": "order",
        "name_key": "order",
        "compat": "none",
        "newest": 1,
        "created_at": 1,
    },
    "contract_versions": {"contract_id": 1, "version": 1, "text": "{}", "put_by": 1, "put_at": 1},
    "contract_subscribers": {"team": "crew", "name_key": "order", "agent_id": 1, "since": 1},
    "notes": {
        "id": 1,
        "team": "crew",
        "key": "Style",
        "key_key": "style",
        "newest": 1,
        "head": 1,
        "category": "context",
        "removed": 0,
    },
    "note_versions": {
        "note_id": 1,
        "version": 1,
        "value": "x",
        "size": 1,
        "category": "context",
        "put_by": 1,
        "evidence": "pane",
        "put_at": 1,
    },
    "events": {"at": 1, "team": "crew", "type": "t", "subject": "agent:a", "data": "{}"},
}
HELD = {"owner_id": 1, "claimed_at": 1, "lease_ms": 1}
CLAIMED = {"state": "claimed", "lease_until": 2, **HELD}
REVIEW = {"state": "review", "submission": 1, **HELD}
OTHER_AGENT = {"id": 2, "name": "b", "name_key": "b"}
PANE = {"pane_socket": "/s", "server_pid": 1, "pane_id": "%1", "pane_pid": 2}


def insert(tx, table: str, /, **changes) -> None:
    values = {**BASE[table], **changes}
    tx.run(f"insert into {table} ({', '.join(values)}) values ({', '.join(':' + key for key in values)})", **values)


@pytest.fixture
def filled(store):
    def work(tx):
        insert(tx, "teams")
        insert(tx, "agents")
        insert(tx, "agents", **OTHER_AGENT)
        insert(tx, "messages")
        insert(tx, "turns", name="main", name_key="main")

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
        ("deliveries", {"state": "shown", "shown_at": 2, "shown_by": "hook s-1"}),
        ("deliveries", {"state": "read", "shown_at": 2, "shown_by": "hook s-1", "read_at": 3}),
        ("deliveries", {"state": "read", "shown_at": 2, "read_at": 3}),
        ("deliveries", {"no_wake_reason": "hop_limit", "alerted_at": 2, "dropped_at": 3}),
        ("deliveries", {"state": "read", "read_at": 2, "need_reply": 1, "unanswered_at": 3}),
        ("agents", {"id": 3, "name": "c", "name_key": "c", "wake_by": "notice"}),
        ("agents", {"id": 3, "name": "c", "name_key": "c", "about": "reviews", "expected_at": 2}),
        ("agents", {"id": 3, "name": "c", "name_key": "c#3", "unregistered_at": 2, "forgotten_at": 2}),
        ("former_names", {}),
        ("agents", {"id": 3, "name": "c", "name_key": "c", "unregistered_at": 2, "pruned_at": 2}),
        ("sessions", {"gone_at": 2}),
        ("messages", {"id": 2, "thread_id": 1, "reply_to": 1}),
        ("pauses", {}),
        ("pauses", {"agent_id": 1}),
        ("events", {}),
        ("tasks", {}),
        ("tasks", {"role": "dev", "pool": 1, "offer_at": 2, "message_id": 1}),
        ("tasks", {"assignee_id": 1, "due_at": 2, "notify": "a", "dedupe_key": "k", "waits_for": 1}),
        ("tasks", CLAIMED),
        ("tasks", {**CLAIMED, "progress": "half", "submission": 1}),
        ("tasks", {**CLAIMED, "owner_gone_at": 2}),
        ("tasks", {**REVIEW, "result": "r"}),
        ("tasks", {**HELD, "state": "done", "ended_at": 2, "result": "r"}),
        ("tasks", {"state": "done", "ended_at": 2}),
        ("tasks", {**HELD, "state": "failed", "ended_at": 2, "reason": "r"}),
        ("tasks", {"state": "cancelled", "ended_at": 2, "reason": "r"}),
        ("contracts", {}),
        ("contracts", {"compat": "full", "newest": 7, "retired_at": 2, "retired_by": 1}),
        ("contract_subscribers", {"name_key": "nobody.has.put"}),
        ("clocks", {"woke_up": 1, "slept": -5}),
        ("clocks", {"cause": "jump", "jump": -1}),
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
        ("sessions", {"pid": 1}),
        ("sessions", {"program_device": 1}),
        ("sessions", {"program_inode": 1}),
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
        ("turns", {"state": "lost"}),
        ("turns", {"state": "held"}),
        ("turns", {"holder_id": 1}),
        ("turns", {"state": "held", "holder_id": 1, "taken_at": 1, "lease_ms": 0, "lease_until": 2}),
        ("turns", {"state": "held", "holder_id": 9, "taken_at": 1, "lease_ms": 1, "lease_until": 2}),
        ("turns", {"state": "offered", "offered_id": 1}),
        ("turns", {"state": "offered", "offered_at": 1, "offer_until": 2}),
        ("turns", {"named": 1}),
        ("turns", {"message_id": 1}),
        ("turns", {"owner_gone_at": 1}),
        ("turns", {"number": -1}),
        ("turn_members", {"agent_id": 9}),
        ("turn_members", {"turn_id": 9}),
        ("turn_waits", {"turn_id": 9}),
        ("turn_log", {"kind": "lost"}),
        ("turn_log", {"kind": "passed", "status": "s"}),
        ("turn_log", {"status": "s", "next": "n", "artifacts": "[]"}),
        ("wakes", {"state": "open"}),
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
        ("agents", {"id": 3, "name": "c", "name_key": "c", "unregistered_at": 2, "expected_at": 2}),
        ("agents", {"id": 3, "name": "c", "name_key": "c", "forgotten_at": 2}),
        ("former_names", {"agent_id": 9}),
        ("agents", {"id": 3, "name": "c", "name_key": "c", "pruned_at": 2}),
        ("pauses", {"agent_id": 9}),
        ("presence", {"agent_id": 9}),
        ("presence", {"state": "asleep"}),
        ("presence", {"continued": -1}),
        ("pauses", {"paused_by": None}),
        ("pauses", {"limit_name": "money"}),
        ("limits", {"name": "money"}),
        ("limits", {"value": 0}),
        ("limits", {"action": "stop"}),
        ("limits", {"name": "agents", "action": "space"}),
        ("limits", {"began_at": 2}),
        ("limits", {"reached_at": 2}),
        ("limits", {"set_by": 9}),
        ("limits", {"by_name": None}),
        ("deliveries", {"state": "lost"}),
        ("deliveries", {"read_at": 2}),
        ("deliveries", {"replied_at": 2}),
        ("deliveries", {"state": "read"}),
        ("deliveries", {"shown_at": 2}),
        ("deliveries", {"state": "shown"}),
        ("deliveries", {"state": "shown", "shown_at": 2}),
        ("deliveries", {"state": "shown", "shown_by": "hook s-1"}),
        ("deliveries", {"state": "shown", "shown_at": 2, "shown_by": "hook s-1", "read_at": 3}),
        ("deliveries", {"state": "read", "read_at": 3, "shown_by": "hook s-1"}),
        ("deliveries", {"state": "replied", "read_at": 2}),
        ("deliveries", {"agent_id": 9}),
        ("deliveries", {"message_id": 9}),
        ("deliveries", {"wake_id": 9}),
        ("tasks", {"title": ""}),
        ("tasks", {"title": "x" * 201}),
        ("tasks", {"state": "blocked"}),
        ("tasks", {"priority": 10}),
        ("tasks", {"priority": -1}),
        ("tasks", {"created_by": 9}),
        ("tasks", {"assignee_id": 9}),
        ("tasks", {"assignee_id": 1, "role": "dev"}),
        ("tasks", {"parent_id": 1}),
        ("tasks", {"parent_id": 9}),
        ("tasks", {"ended_at": 2}),
        ("tasks", {"state": "done"}),
        ("tasks", HELD),
        ("tasks", {"owner_id": 1}),
        ("tasks", {"lease_until": 2}),
        ("tasks", {**CLAIMED, "lease_until": None}),
        ("tasks", {**CLAIMED, "owner_id": None}),
        ("tasks", {**CLAIMED, "claimed_at": None}),
        ("tasks", {**CLAIMED, "lease_ms": None}),
        ("tasks", {**CLAIMED, "lease_ms": 0}),
        ("tasks", {**CLAIMED, "result": "r"}),
        ("tasks", {"owner_gone_at": 2}),
        ("tasks", {**REVIEW, "owner_gone_at": 2}),
        ("tasks", {**REVIEW, "submission": 0}),
        ("tasks", {**REVIEW, "lease_until": 2}),
        ("tasks", {**REVIEW, "reason": "r"}),
        ("tasks", {"result": "r"}),
        ("tasks", {"state": "failed", "ended_at": 2, "result": "r"}),
        ("tasks", {"waits_for": -1}),
        ("tasks", {"pool": 2}),
        ("tasks", {"pool": 1}),
        ("tasks", {"offer_at": 2}),
        ("tasks", {"message_id": 9}),
        ("task_needs", {}),
        ("task_reviewers", {}),
        ("task_notes", {}),
        ("task_mail", {}),
        ("contracts", {"compat": "sideways"}),
        ("contracts", {"newest": 0}),
        ("contracts", {"retired_at": 2}),
        ("contracts", {"retired_at": 2, "retired_by": 9}),
        ("contract_versions", {}),
        ("contract_subscribers", {"agent_id": 9}),
        ("zones", {"owner_id": None}),
        ("zones", {"role": "backend"}),
        ("zones", {"owner_id": 9}),
        ("zones", {"assigned_by": 9}),
        ("zones", {"level": -1}),
        ("messages", {"id": 2, "contract_id": 9, "contract_version": 1}),
        ("messages", {"id": 2, "contract_version": 1}),
        ("notes", {"category": "opinion"}),
        ("notes", {"newest": 0}),
        ("notes", {"removed": 2}),
        ("notes", {"pinned_at": 2}),
        ("notes", {"pinned_at": 2, "pinned_by": 9}),
        ("notes", {"removed": 1, "expires_at": 2}),
        ("notes", {"removed": 1, "pinned_at": 2, "pinned_by": 1}),
        ("note_versions", {}),
        ("events", {"at": "yesterday"}),
        ("events", {"data": None}),
        ("clocks", {"cause": "jump"}),
        ("clocks", {"jump": 5}),
        ("clocks", {"cause": "sleep"}),
        ("locks", {"kind": "automatic", "reason": "r"}),
        ("locks", {"lease_ms": 0}),
        ("lock_waits", {"kind": "wait"}),
        ("lock_waits", {"process": "h:1:1"}),
        ("lock_waits", {"kind": "wait", "process": "h:1:1", "notified_at": 1}),
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
        ("presence", {}, {"state": "busy"}),
        ("former_names", {}, {"name": "a"}),
        ("contracts", {}, {"id": 2, "name": "Order"}),
        ("contract_subscribers", {}, {"since": 2}),
        ("zones", {}, {"owner_id": None, "role": "backend"}),
        ("notes", {}, {"id": 2, "key": "STYLE"}),
        ("clocks", {}, {"boot": "c"}),
        ("expectations", {}, {"pane_id": "%2"}),
        ("expectations", {}, {"agent_id": 2}),
        ("locks", {}, {"holder_id": 2, "kind": "automatic"}),
        ("refused_edits", {}, {"lock_id": 2}),
        ("turns", {}, {"name": "Docs"}),
        ("turn_members", {}, {"joined_at": 2}),
        ("turn_waits", {}, {"since": 2}),
        ("starts", {}, {"agent_id": 2}),
        ("limits", {}, {"value": 9}),
        ("teams", {"name": "shop"}, {"name": "shop", "archived_at": 2}),
        ("projects", {}, {"id": 2, "team": "crew"}),
        ("project_teams", {}, {"since": 2}),
        ("team_notices", {}, {"at": 2}),
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
        ("expectations", {"ended_at": 2, "end_reason": "expired"}, {"agent_id": 2}),
        ("expectations", {}, {"agent_id": 2, "pane_id": "%2"}),
        ("locks", {}, {"worktree": "/r-2"}),
        ("lock_waits", {}, {"kind": "wait", "process": "h:1:1"}),
        ("zones", {}, {"repository": "https://example.org/other.git"}),
        ("zones", {}, {"host": "h"}),
        ("turns", {}, {"team": "other"}),
        ("turn_members", {}, {"agent_id": 2}),
        ("turn_waits", {}, {"process": "h:2:2"}),
    ],
)
def test_there_may_be_another(filled, table, first, second):
    filled.write(lambda tx: (insert(tx, table, **first), insert(tx, table, **second)))


@pytest.mark.sqlite
def test_every_table_is_strict(rows):
    tables = rows("select name, strict from pragma_table_list where schema = 'main' and name not like 'sqlite%'")
    assert {row["name"] for row in tables} == {*BASE, "migrations"}
    assert [row["name"] for row in tables if not row["strict"]] == []


def typed(module, name):
    """Return the words of the Literal type `name`, which only a type checker sees in `module`."""
    with open(module.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    (hidden,) = [one for one in tree.body if isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING"]
    types = {"Literal": typing.Literal}
    for one in hidden.body:
        if isinstance(one, ast.Assign) and {node.id for node in ast.walk(one.value) if isinstance(node, ast.Name)} <= {
            *types
        }:
            types[ast.unparse(one.targets[0])] = eval(ast.unparse(one.value), types)
    parts = typing.get_args(types[name])
    words = [word for part in parts for word in (typing.get_args(part) or (part,))]
    assert len(words) == len(set(words))
    return words


def test_the_type_of_reasons_lists_what_can_be_said_in_words():
    assert typed(reasons, "Reason") == list(reasons.REASONS)
    assert all(reasons.REASONS.values())


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "module, name, table, columns",
    [
        (states, "WakeState", "wakes", ["state"]),
        (states, "DeliveryState", "deliveries", ["state"]),
        (states, "TaskState", "tasks", ["state"]),
        (states, "NoteKind", "task_notes", ["kind"]),
        (states, "PresenceState", "presence", ["state"]),
        (states, "WakeBy", "agents", ["wake_by"]),
        (states, "Rule", "contracts", ["compat"]),
        (compat, "Verdict", "contract_versions", ["backward", "forward"]),
        (states, "LabelKind", "labels", ["kind"]),
        (states, "TaskMail", "task_mail", ["about"]),
        (states, "LockKind", "locks", ["kind"]),
        (states, "WaitKind", "lock_waits", ["kind"]),
        (states, "NoteCategory", "notes", ["category"]),
        (states, "NoteCategory", "note_versions", ["category"]),
        (states, "TurnState", "turns", ["state"]),
        (states, "TurnEntry", "turn_log", ["kind"]),
        (states, "LimitName", "limits", ["name"]),
        (states, "LimitAction", "limits", ["action"]),
        (states, "StartPlace", "starts", ["place"]),
        (states, "StartState", "starts", ["state"]),
        (states, "PromptState", "starts", ["prompt"]),
        (states, "RestartPolicy", "starts", ["policy"]),
        (states, "StartAlert", "starts", ["alerted"]),
        (states, "LoggedStart", "start_log", ["kind"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_type_of_states_lists_what_the_schema_allows(rows, module, name, table, columns):
    (found,) = rows("select sql from sqlite_master where type = 'table' and name = :table", table=table)
    for column in columns:
        (listed,) = re.findall(rf"\b{column} text[^,(]* check \({column} in \(([^()]*)\)\)", found["sql"])
        allowed = re.findall(r"'([^']+)'", listed)
        assert set(typed(module, name)) - {"auto"} == set(allowed)


def test_the_lists_that_run_are_those_of_the_types():
    assert list(tasks.STATES) == typed(states, "TaskState")
    assert list(tasks.ENDED) == typed(states, "TaskEnd")
    assert list(presence.STATES) == typed(states, "PresenceState")
    assert list(agents.WAKE_BY) == typed(states, "WakeBy")
    assert list(contracts.RULES) == typed(states, "Rule")
    assert list(notes.CATEGORIES) == typed(states, "NoteCategory")


def test_the_reasons_of_older_stores_can_still_be_said():
    script = "".join(script for _, _, script in migrate.migrations())
    closed = re.findall(r"reason in \(([^()]*)\)\)", script)
    assert set(re.findall(r"'(\w+)'", "".join(closed))) - {"replaced", "unregistered"} <= set(reasons.REASONS)


@pytest.mark.sqlite
def test_no_reason_is_closed_by_the_schema(rows):
    tables = rows("select name, sql from sqlite_master where type = 'table'")
    assert [row["name"] for row in tables if re.search(r"reason\s+in\s*\(", row["sql"])] == []


@pytest.fixture
def planned(filled):
    filled.write(lambda tx: (insert(tx, "tasks"), insert(tx, "tasks", id=2), insert(tx, "task_reviewers")))
    return filled


@pytest.mark.parametrize(
    "table, values",
    [
        ("task_needs", {}),
        ("task_reviewers", {"role": "lead"}),
        ("task_approvals", {}),
        ("task_notes", {"agent_id": 1, "text": "x"}),
        ("task_mail", {}),
        ("task_mail", {"about": "review", "role": "qa"}),
    ],
)
def test_what_belongs_to_a_task_is_taken_once(planned, table, values):
    planned.write(lambda tx: insert(tx, table, **values))
    if table != "task_notes":
        with pytest.raises(errors.StoreError):
            planned.write(lambda tx: insert(tx, table, **values))


@pytest.mark.parametrize(
    "table, values",
    [
        ("task_needs", {"needs_id": 1}),
        ("task_needs", {"needs_id": 9}),
        ("task_approvals", {"role": "lead"}),
        ("task_approvals", {"agent_id": 9}),
        ("task_notes", {"kind": "moved"}),
        ("task_notes", {"agent_id": 9}),
        ("task_mail", {"about": "weather"}),
        ("task_mail", {"about": "review"}),
        ("task_mail", {"role": "qa"}),
        ("task_mail", {"message_id": 9}),
    ],
)
def test_what_belongs_to_no_task_is_refused(planned, table, values):
    with pytest.raises(errors.StoreError):
        planned.write(lambda tx: insert(tx, table, **values))


def test_a_key_of_a_task_is_one_creator_s(planned):
    planned.write(lambda tx: insert(tx, "tasks", id=3, dedupe_key="k"))
    planned.write(lambda tx: insert(tx, "tasks", id=4, dedupe_key="k", created_by=2))
    with pytest.raises(errors.StoreError):
        planned.write(lambda tx: insert(tx, "tasks", id=5, dedupe_key="k"))


@pytest.mark.parametrize(
    "values, good",
    [
        ({}, True),
        ({"version": 2, "backward": "unknown", "forward": "breaking"}, True),
        ({"version": 0}, False),
        ({"version": 2}, False),
        ({"version": 2, "backward": "compatible"}, False),
        ({"backward": "compatible", "forward": "compatible"}, False),
        ({"version": 2, "backward": "perhaps", "forward": "breaking"}, False),
        ({"put_by": 9}, False),
        ({"contract_id": 9}, False),
    ],
)
def test_a_version_of_a_contract(filled, values, good):
    filled.write(lambda tx: insert(tx, "contracts"))
    if good:
        filled.write(lambda tx: insert(tx, "contract_versions", **values))
    with pytest.raises(errors.StoreError):  # a second time it is taken, if it was ever good
        filled.write(lambda tx: insert(tx, "contract_versions", **values))


def test_a_message_names_a_contract_and_a_version(filled):
    filled.write(lambda tx: insert(tx, "contracts"))
    filled.write(lambda tx: insert(tx, "messages", id=2, contract_id=1, contract_version=1))
    with pytest.raises(errors.StoreError):
        filled.write(lambda tx: insert(tx, "messages", id=3, contract_id=1))


@pytest.mark.parametrize(
    "values, good",
    [
        ({}, True),
        ({"version": 2, "restored": 1}, True),
        ({"version": 2, "expires_at": 2}, True),
        ({"version": 2, "value": None, "size": 0}, True),
        ({"version": 0}, False),
        ({"size": 0}, False),
        ({"value": None}, False),
        ({"value": None, "size": 0, "expires_at": 2}, False),
        ({"version": 2, "restored": 2}, False),
        ({"expires_at": 1}, False),
        ({"category": "opinion"}, False),
        ({"evidence": "hearsay"}, False),
        ({"put_by": 9}, False),
        ({"note_id": 9}, False),
    ],
)
def test_a_version_of_a_note(filled, values, good):
    filled.write(lambda tx: insert(tx, "notes"))
    if good:
        filled.write(lambda tx: insert(tx, "note_versions", **values))
    with pytest.raises(errors.StoreError):  # a second time it is taken, if it was ever good
        filled.write(lambda tx: insert(tx, "note_versions", **values))
