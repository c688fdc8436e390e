"""The floor on PostgreSQL: the smallest psycopg script that writes a message, a delivery and an event, and commits.

It takes the lock of the writers first, as every process that writes does: without it, it would do less. Its words are
the URL and the body.
"""

import sys
import time

import psycopg

now = time.time_ns() // 1_000_000
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("select pg_advisory_xact_lock(2019652723)")
    connection.execute("set local search_path = xats")
    message = connection.execute(
        "insert into messages (sender_id, evidence, address, body, kind, need_reply, wake, sent_at)"
        " values (1, 'pane', 'bob', %s, 'mail', 1, 1, %s) returning id",
        (sys.argv[2], now),
    ).fetchone()[0]
    connection.execute("insert into deliveries (agent_id, message_id, state) values (2, %s, 'unread')", (message,))
    connection.execute(
        "insert into events (at, team, type, actor, subject, data) values (%s, 't', 'message_sent', 'alice', %s, '{}')",
        (now, f"message:{message}"),
    )
print(message)
