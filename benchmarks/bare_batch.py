"""The floor of a batch: a bare loop that writes the rows of so many messages to one agent in one commit."""

import sqlite3
import sys
import time

count = int(sys.argv[2])
now = time.time_ns() // 1_000_000
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("pragma synchronous = full")
store.execute("begin immediate")
wake = store.execute(
    "insert into wakes (agent_id, state, mails, next_attempt_at, opened_at, updated_at)"
    " values (2, 'queued', ?, ?, ?, ?)",
    (count, now, now, now),
).lastrowid
for number in range(count):
    message = store.execute(
        "insert into messages (sender_id, evidence, address, body, kind, need_reply, wake, sent_at)"
        " values (1, 'pane', 'bob', ?, 'mail', 1, 1, ?)",
        (f"message {number} of the batch", now),
    ).lastrowid
    store.execute(
        "insert into deliveries (agent_id, message_id, state, wake_id) values (2, ?, 'unread', ?)", (message, wake)
    )
    store.execute(
        "insert into events (at, team, type, actor, subject, data) values (?, 't', 'message_sent', 'alice', ?, ?)",
        (now, f"message:{message}", '{"address": "bob", "recipients": 1, "kind": "mail", "thread_id": 1}'),
    )
store.execute("commit")
