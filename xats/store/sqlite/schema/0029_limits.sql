-- What a team may use: at most one limit of each name. See core/crews/limits.py.
create table limits (
    team text not null,
    name text not null check (name in ('wakes', 'mails', 'agents', 'restarts', 'minutes')),
    value integer not null check (value >= 1),
    action text not null check (action in ('warn', 'space', 'pause')), -- what xats does when it is reached
    set_by integer references agents (id), -- null: a person who is not registered
    by_name text not null, -- name@team of who set it
    evidence text not null check (evidence in ('flag', 'env', 'session', 'pane', 'process', 'user')),
    reason text,
    set_at integer not null,
    counted_from integer, -- what was used before does not count: a person has ended the pause; null: all counts
    began_at integer check (began_at is null or name = 'minutes'), -- since when the crew runs
    warned_at integer, -- when xats warned that most of it is used; null: not since it fell
    reached_at integer, -- when it was reached; null: not since it fell
    primary key (team, name),
    check (action <> 'space' or name in ('wakes', 'mails')),
    check (reached_at is null or warned_at is not null)
) strict;
create index limits_set_by on limits (set_by) where set_by is not null;
create index limits_of_wakes on limits (team) where name in ('wakes', 'mails') and action <> 'warn';

-- The limit that began a pause. That pause holds the wakes of agents only, and only a person ends it.
alter table pauses add column limit_name text check (limit_name in ('wakes', 'mails', 'agents', 'restarts', 'minutes'));

-- To count what a team has used lately.
create index events_woken on events (team, at) where type = 'wake_delivered';
create index events_restarting on events (team, at) where type = 'agent_restarting';
