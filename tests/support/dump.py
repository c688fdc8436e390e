"""What a store holds, without what differs from run to run (times, processes); and what must hold of any store."""

from __future__ import annotations

import sqlite3

QUERIES = {
    "agents": "select team, name, role, client, epoch, unregistered_at is null as registered from agents order by id",
    "sessions": "select agent_id, epoch, pane_id, end_reason from sessions order by id",
    "messages": """
        select id, sender_id, address, subject, body, kind, need_reply, wake, thread_id, reply_to, dedupe_key
        from messages order by id
    """,
    "deliveries": """
        select agent_id, message_id, state, wake_id, claim is null as unclaimed, acked_at is null as not_acked
        from deliveries order by message_id, agent_id
    """,
    "wakes": """
        select id, agent_id, state, reason, last_refusal, mails, attempts, transport, lease_token is null as free,
            next_attempt_at is null as at_rest
        from wakes order by id
    """,
    "contracts": "select id, name, compat, newest, retired_at is null as offered from contracts order by id",
    "contract_versions": "select contract_id, version, text, backward, forward from contract_versions order by 1, 2",
    "contract_subscribers": "select name_key, agent_id from contract_subscribers order by 1, 2",
    "notes": """
        select id, key, newest, head, category, removed, pinned_at is null as loose, pinned_by from notes order by id
    """,
    "note_versions": "select note_id, version, value, category, put_by, restored from note_versions order by id",
    "events": """select type, actor, subject from events
        where type in ('message_sent', 'wake_delivered') or type like 'contract%' or type like 'note_%' order by id""",
}


def dump(world) -> dict[str, list[tuple]]:
    """Return the store's contents in a form that two runs can be compared by."""
    return {name: [tuple(row) for row in world.rows(sql)] for name, sql in QUERIES.items()}


# Each of these must find nothing.
BROKEN = {
    "a message without a delivery": "select id from messages where id not in (select message_id from deliveries)",
    "a message without its one event": """
        select id from messages m where
        (select count(*) from events e where e.type = 'message_sent' and e.subject = 'message:' || m.id) <> 1
    """,
    "an event without its message": """
        select id from events where type = 'message_sent'
            and substr(subject, 9) not in (select cast(id as text) from messages)
    """,
    "unread mail that was never to be covered by a wake": """
        select d.message_id from deliveries d join messages m on m.id = d.message_id join agents a on a.id = d.agent_id
        where d.wake_id is null and m.wake = 1 and m.sender_id <> d.agent_id and a.client <> 'human'
            and coalesce(d.no_wake_reason, '') <> 'hop_limit'
    """,
    "mail that a pair kept silent though it may go on": """
        select d.message_id from deliveries d join messages m on m.id = d.message_id
        where d.no_wake_reason = 'hop_limit' and d.state = 'unread' and not exists (
            select 1 from pairs p where p.stopped_at is not null
                and p.low_id = min(d.agent_id, m.sender_id) and p.high_id = max(d.agent_id, m.sender_id)
        )
    """,
    "a wake of somebody else": """
        select d.message_id from deliveries d join wakes w on w.id = d.wake_id where w.agent_id <> d.agent_id
    """,
    "an open wake with nothing to wake for": """
        select w.id from wakes w where w.closed_at is null and w.lease_token is null and not exists
            (select 1 from deliveries d where d.agent_id = w.agent_id and d.state = 'unread')
    """,
    "unread mail whose wake was skipped": """
        select d.message_id from deliveries d join wakes w on w.id = d.wake_id
        where d.state = 'unread' and w.state = 'skipped'
    """,
    "a wake that rests without a reason": """
        select id from wakes where closed_at is null and next_attempt_at is null and reason is null
    """,
    "a version of a contract that is missing": """
        select id from contracts c where newest <> (select count(*) from contract_versions where contract_id = c.id)
            or newest <> (select max(version) from contract_versions where contract_id = c.id)
    """,
    "a version of a contract without its one event": """
        select v.version from contract_versions v where (select count(*) from events e where e.type = 'contract_put'
            and e.data like '%"version": ' || v.version || ',%') <> (select count(*) from contract_versions o
            where o.version = v.version)
    """,
    "a version of a note that is missing": """
        select id from notes n where newest <> (select count(*) from note_versions where note_id = n.id)
            or head <> (select max(id) from note_versions where note_id = n.id)
    """,
    "a version of a note without its one event": """
        select n.key from notes n where newest <> (select count(*) from events e
            where e.subject = 'note:' || n.key and e.type in ('note_put', 'note_removed'))
    """,
    "a delivered wake without its event": """
        select id from wakes w where w.state = 'delivered' and
            (select count(*) from events e where e.type = 'wake_delivered' and e.subject = 'wake:' || w.id) <> 1
    """,
}


def assert_whole(world) -> None:
    """Assert that nothing is half done in the store."""
    assert [tuple(row) for row in world.rows("pragma quick_check")] == [("ok",)]
    assert world.rows("pragma foreign_key_check") == []
    for what, sql in BROKEN.items():
        found = [tuple(row) for row in world.rows(sql)]
        assert not found, f"{what}: {found}"


def every_row(path: str) -> dict[str, list]:
    """Return every row of every table of the store in the file at `path`."""
    store = sqlite3.connect(path)
    tables = [name for (name,) in store.execute("select name from sqlite_master where type = 'table'")]
    found = {name: store.execute(f"select * from {name}").fetchall() for name in tables}
    store.close()
    return found
