-- A line that an inbox or a waiter has taken is read or not: until then its wake stays open, and goes on after a time.

create table wakes_new (
    id integer primary key autoincrement,
    agent_id integer not null references agents (id),
    state text not null check (state in ('queued', 'retrying', 'held', 'delivered', 'skipped', 'failed')),
    reason text check (reason in (
        'no_pane', 'pane_dead', 'pane_changed', 'tmux_unavailable', 'copy_mode', 'input_off', 'shell_foreground',
        'not_quiet', 'busy', 'dialog_open', 'draft_present', 'human_active', 'unconfirmed', 'not_shown',
        'command_failed', 'inbox_failed', 'not_read', 'turned_off', 'rate_capped', 'recipient_active', 'already_read',
        'self', 'no_wake', 'retry_exhausted', 'expired', 'paused'
    )),
    last_refusal text, -- why the last attempt came to nothing, kept when the ladder ends
    mails integer not null default 1, -- how many messages it has come to cover
    attempts integer not null default 0,
    transport text,
    next_attempt_at integer, -- null while open: suspended until the agent's session changes, or held
    lease_token text,
    lease_until integer,
    opened_at integer not null,
    updated_at integer not null,
    closed_at integer,
    handed text, -- the transports that have taken the line, with commas; whether it was read, only reading tells
    check ((closed_at is null) = (state in ('queued', 'retrying', 'held')) or state = 'delivered'),
    check (state <> 'delivered' or closed_at is not null or (handed is not null and next_attempt_at is not null)),
    check ((lease_token is null) = (lease_until is null)),
    check (closed_at is null or (lease_token is null and next_attempt_at is null)),
    check (state <> 'held' or (lease_token is null and next_attempt_at is null))
) strict;
insert into wakes_new select id, agent_id, state, reason, last_refusal, mails, attempts, transport, next_attempt_at,
    lease_token, lease_until, opened_at, updated_at, closed_at, null from wakes;
drop table wakes;
alter table wakes_new rename to wakes;
create unique index wakes_open on wakes (agent_id) where closed_at is null;
create index wakes_due on wakes (next_attempt_at) where next_attempt_at is not null;
create index wakes_leased on wakes (lease_until) where lease_token is not null;
