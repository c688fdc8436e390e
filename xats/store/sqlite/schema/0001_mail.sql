-- Agents, mail, wakes and the outbox.
-- Times are milliseconds UTC. Every list of states is closed by a CHECK, every rule of uniqueness is an index.

create table migrations (
    number integer primary key,
    name text not null,
    applied_at integer not null,
    program text not null
) strict;

-- A seat in a team. Its mail outlives whoever sits in it; `unregistered_at` empties the seat and keeps the mail.
create table agents (
    id integer primary key autoincrement,
    team text not null,
    name text not null,
    name_key text not null, -- the name in lower case: names are one without regard to case
    role text,
    client text not null,
    model text,
    epoch integer not null default 0, -- grows with every session
    registered_at integer not null,
    seen_at integer not null,
    unregistered_at integer
) strict;
create unique index agents_name on agents (team, name_key);
create index agents_role on agents (team, role) where unregistered_at is null;

create table labels (
    agent_id integer not null references agents (id),
    kind text not null check (kind in ('tag', 'cap')),
    label text not null,
    primary key (agent_id, kind, label)
) strict;
create index labels_label on labels (kind, label, agent_id);

-- One live incarnation of an agent. What it holds of tmux is only true together: a pane id means nothing without
-- the server that gave it, a pid nothing without the time at which it started.
create table sessions (
    id integer primary key autoincrement,
    agent_id integer not null references agents (id),
    epoch integer not null,
    host text not null,
    pid integer,
    pid_started integer,
    client_session text,
    pane_socket text,
    server_pid integer,
    server_start integer,
    pane_id text,
    pane_pid integer,
    pane_tty text,
    started_at integer not null,
    ended_at integer,
    end_reason text check (end_reason in ('replaced', 'unregistered')),
    check ((ended_at is null) = (end_reason is null)),
    check ((pid is null) = (pid_started is null)),
    check ((pane_id is null) = (pane_socket is null)),
    check (pane_id is null or (server_pid is not null and pane_pid is not null))
) strict;
create unique index sessions_current on sessions (agent_id) where ended_at is null;
create unique index sessions_pane_owner on sessions (host, pane_socket, server_pid, pane_id)
where ended_at is null and pane_id is not null;
create index sessions_pane on sessions (pane_id, pane_socket, server_pid);
create index sessions_process on sessions (pid, pid_started);
create index sessions_client_session on sessions (client_session);

create table messages (
    id integer primary key autoincrement,
    sender_id integer not null references agents (id),
    evidence text not null check (evidence in ('flag', 'env', 'session', 'pane', 'process', 'user')),
    address text not null,
    subject text,
    body text not null,
    kind text not null,
    need_reply integer not null check (need_reply in (0, 1)),
    wake integer not null check (wake in (0, 1)),
    thread_id integer references messages (id), -- null: it begins a thread
    reply_to integer references messages (id),
    dedupe_key text,
    sent_at integer not null,
    expires_at integer
) strict;
create unique index messages_dedupe on messages (sender_id, dedupe_key) where dedupe_key is not null;
create index messages_thread on messages (thread_id) where thread_id is not null;
create index messages_sender on messages (sender_id, id);

-- At most one open wake for each agent: it covers all the unread mail of that agent.
create table wakes (
    id integer primary key autoincrement,
    agent_id integer not null references agents (id),
    state text not null check (state in ('queued', 'retrying', 'held', 'delivered', 'skipped', 'failed')),
    reason text check (reason in (
        'no_pane', 'pane_dead', 'pane_changed', 'tmux_unavailable', 'copy_mode', 'input_off', 'shell_foreground',
        'not_quiet', 'busy', 'dialog_open', 'draft_present', 'human_active', 'unconfirmed', 'rate_capped',
        'recipient_active', 'already_read', 'self', 'no_wake', 'retry_exhausted', 'expired', 'paused'
    )),
    last_refusal text, -- why the last attempt came to nothing, kept when the ladder ends
    mails integer not null default 1, -- how many messages it has come to cover
    attempts integer not null default 0,
    transport text,
    next_attempt_at integer, -- null while open: suspended until the agent's session changes
    lease_token text,
    lease_until integer,
    opened_at integer not null,
    updated_at integer not null,
    closed_at integer,
    check ((closed_at is null) = (state in ('queued', 'retrying', 'held'))),
    check ((lease_token is null) = (lease_until is null)),
    check (closed_at is null or (lease_token is null and next_attempt_at is null))
) strict;
create unique index wakes_open on wakes (agent_id) where closed_at is null;
create index wakes_due on wakes (next_attempt_at) where state in ('queued', 'retrying') and next_attempt_at is not null;
create index wakes_leased on wakes (lease_until) where lease_token is not null;

-- What one recipient makes of one message. A claim is the lease of a reader that is writing it out.
create table deliveries (
    agent_id integer not null references agents (id),
    message_id integer not null references messages (id),
    state text not null check (state in ('unread', 'read', 'replied', 'expired')),
    wake_id integer references wakes (id), -- null: nobody is to be woken for it
    expires_at integer, -- its message's, here for the index
    claim text,
    claim_until integer,
    read_at integer,
    replied_at integer,
    acked_at integer,
    primary key (agent_id, message_id),
    check (state <> 'unread' or (read_at is null and replied_at is null)),
    check (state <> 'read' or read_at is not null),
    check (state <> 'replied' or replied_at is not null)
) strict;
create index deliveries_message on deliveries (message_id);
create index deliveries_unread on deliveries (agent_id, message_id) where state = 'unread';
create index deliveries_expiry on deliveries (expires_at) where state = 'unread' and expires_at is not null;

-- The outbox: what happened, written in the transaction that made it happen. Ids are never used again.
create table events (
    id integer primary key autoincrement,
    at integer not null,
    team text not null,
    type text not null,
    actor text,
    subject text not null,
    data text not null
) strict;
create index events_team on events (team, id);
