"""The floor: the smallest Python script that opens a store, inserts a message, a delivery and an event, and commits.

It writes into a copy of a real store: the same tables and indexes, the same journal mode, synchronous=FULL.
Its words are the copy, the body, and how many seconds it waits for a busy store (30 if not given).
"""

import sqlite3
import sys
import time

now = time.time_ns() // 1_000_000
store = sqlite3.connect(sys.argv[1], timeout=float(sys.argv[3]) if sys.argv[3:] else 30, isolation_level=None)
store.execute("pragma synchronous = full")
store.execute("begin immediate")
message = store.execute(
    "insert into messages (sender_id, evidence, address, body, kind, need_reply, wake, sent_at)"
    " values (1, 'pane', 'bob', ?, 'mail', 1, 1, ?)",
    (sys.argv[2], now),
).lastrowid
store.execute("insert into deliveries (agent_id, message_id, state) values (2, ?, 'unread')", (message,))
store.execute(
    "insert into events (at, team, type, actor, subject, data) values (?, 't', 'message_sent', 'alice', ?, '{}')",
    (now, f"message:{message}"),
)
store.execute("commit")
print(message)
