-- How each agent is woken, what is not woken for, pauses, alerts and dead letters.

alter table agents add column wake_by text check (wake_by in ('tmux', 'notice', 'command', 'none')); -- null: as suits its client
alter table messages add column hops integer not null default 0; -- answers of programs since a person wrote
alter table deliveries add column no_wake_reason text
    check (no_wake_reason in ('self', 'no_wake', 'rate_capped', 'hop_limit'));
alter table deliveries add column alerted_at integer; -- when its sender was told that it is not read
alter table deliveries add column dropped_at integer; -- when somebody had seen enough of the dead letter

drop index messages_sender;
create index messages_sender on messages (sender_id, sent_at);
create index deliveries_expired on deliveries (agent_id, message_id) where state = 'expired';

-- Wakes are held while their agent, or its whole team, is paused.
create table pauses (
    id integer primary key autoincrement,
    team text not null,
    agent_id integer references agents (id), -- null: the whole team
    reason text,
    paused_by text not null,
    paused_at integer not null
) strict;
create unique index pauses_agent on pauses (agent_id) where agent_id is not null;
create unique index pauses_team on pauses (team) where agent_id is null;

-- The same table with two reasons more, which the notice and the user's own program can give.
create table wakes_new (
    id integer primary key autoincrement,
    agent_id integer not null references agents (id),
    state text not null check (state in ('queued', 'retrying', 'held', 'delivered', 'skipped', 'failed')),
    reason text check (reason in (
        'no_pane', 'pane_dead', 'pane_changed', 'tmux_unavailable', 'copy_mode', 'input_off', 'shell_foreground',
        'not_quiet', 'busy', 'dialog_open', 'draft_present', 'human_active', 'unconfirmed', 'not_shown',
        'command_failed', 'rate_capped', 'recipient_active', 'already_read', 'self', 'no_wake', 'retry_exhausted',
        'expired', 'paused'
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
    check ((closed_at is null) = (state in ('queued', 'retrying', 'held'))),
    check ((lease_token is null) = (lease_until is null)),
    check (closed_at is null or (lease_token is null and next_attempt_at is null)),
    check (state <> 'held' or (lease_token is null and next_attempt_at is null))
) strict;
insert into wakes_new select id, agent_id, state, reason, last_refusal, mails, attempts, transport, next_attempt_at,
    lease_token, lease_until, opened_at, updated_at, closed_at from wakes;
drop table wakes;
alter table wakes_new rename to wakes;
create unique index wakes_open on wakes (agent_id) where closed_at is null;
create index wakes_due on wakes (next_attempt_at) where state in ('queued', 'retrying') and next_attempt_at is not null;
create index wakes_leased on wakes (lease_until) where lease_token is not null;
