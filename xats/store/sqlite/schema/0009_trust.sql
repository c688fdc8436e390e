-- Reasons are a list that grows with what xats learns to see, so the code and a test guard it (core/reasons.py).
-- The same tables without a CHECK on reasons; the lists of states stay closed. New are columns that say which program
-- a session runs, what its host is called, and which attempts a wake has made.

create table sessions_new (
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
    end_reason text,
    host_name text, -- what people call the host; `host` is the stable id
    program_device integer, -- st_dev of the executable that the process ran when it was first seen
    program_inode integer, -- st_ino of it
    program_script text, -- what an interpreter runs, if the executable is one
    program_inner text, -- JSON: what it ran through, as a list of [pid, start time, st_dev, st_ino, script]
    check ((ended_at is null) = (end_reason is null)),
    check ((pid is null) = (pid_started is null)),
    check ((program_device is null) = (program_inode is null)),
    check ((pane_id is null) = (pane_socket is null)),
    check (pane_id is null or (server_pid is not null and pane_pid is not null))
) strict;
insert into sessions_new select id, agent_id, epoch, host, pid, pid_started, client_session, pane_socket, server_pid,
    server_start, pane_id, pane_pid, pane_tty, started_at, ended_at, end_reason, null, null, null, null, null from sessions;
drop table sessions;
alter table sessions_new rename to sessions;
create unique index sessions_current on sessions (agent_id) where ended_at is null;
create unique index sessions_pane_owner on sessions (host, pane_socket, server_pid, pane_id)
where ended_at is null and pane_id is not null;
create index sessions_pane on sessions (pane_id, pane_socket, server_pid);
create index sessions_process on sessions (pid, pid_started);
create index sessions_client_session on sessions (client_session);

create table wakes_new (
    id integer primary key autoincrement,
    agent_id integer not null references agents (id),
    state text not null check (state in ('queued', 'retrying', 'held', 'delivered', 'skipped', 'failed')),
    reason text,
    last_refusal text, -- why the last attempt was refused, kept when the ladder ends
    mails integer not null default 1, -- how many messages the wake covers
    attempts integer not null default 0,
    transport text,
    next_attempt_at integer, -- null while open: suspended until the target is back, or held
    lease_token text,
    lease_until integer,
    opened_at integer not null,
    updated_at integer not null,
    closed_at integer,
    handed text, -- the transports that have taken the line, with commas; only reading proves that it was read
    nonce text, -- random, written when the first attempt is leased: part of the mark that an attempt leaves in a pane
    detail text, -- what was seen when the last attempt was refused, in words
    check ((closed_at is null) = (state in ('queued', 'retrying', 'held')) or state = 'delivered'),
    check (state <> 'delivered' or closed_at is not null or (handed is not null and next_attempt_at is not null)),
    check ((lease_token is null) = (lease_until is null)),
    check (closed_at is null or (lease_token is null and next_attempt_at is null)),
    check (state <> 'held' or (lease_token is null and next_attempt_at is null))
) strict;
insert into wakes_new select id, agent_id, state, reason, last_refusal, mails, attempts, transport, next_attempt_at,
    lease_token, lease_until, opened_at, updated_at, closed_at, handed, null, null from wakes;
drop table wakes;
alter table wakes_new rename to wakes;
create unique index wakes_open on wakes (agent_id) where closed_at is null;
create index wakes_due on wakes (next_attempt_at) where next_attempt_at is not null;
create index wakes_leased on wakes (lease_until) where lease_token is not null;

create table deliveries_new (
    agent_id integer not null references agents (id),
    message_id integer not null references messages (id),
    state text not null check (state in ('unread', 'read', 'replied', 'expired')),
    wake_id integer references wakes (id), -- null: no agent is woken for it
    expires_at integer, -- its message's, here for the index
    claim text,
    claim_until integer,
    read_at integer,
    replied_at integer,
    acked_at integer,
    no_wake_reason text, -- why no agent is woken for it
    alerted_at integer, -- when its sender was told that it is not read
    dropped_at integer, -- when somebody removed it from the list of dead letters
    primary key (agent_id, message_id),
    check (state <> 'unread' or (read_at is null and replied_at is null)),
    check (state <> 'read' or read_at is not null),
    check (state <> 'replied' or replied_at is not null)
) strict;
insert into deliveries_new select agent_id, message_id, state, wake_id, expires_at, claim, claim_until, read_at,
    replied_at, acked_at, no_wake_reason, alerted_at, dropped_at from deliveries;
drop table deliveries;
alter table deliveries_new rename to deliveries;
create index deliveries_message on deliveries (message_id);
create index deliveries_unread on deliveries (agent_id, message_id) where state = 'unread';
create index deliveries_expiry on deliveries (expires_at) where state = 'unread' and expires_at is not null;
create index deliveries_expired on deliveries (agent_id, message_id) where state = 'expired';
create index deliveries_wake on deliveries (wake_id) where wake_id is not null;
