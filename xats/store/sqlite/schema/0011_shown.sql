-- A third state between unread and read: written to something that is not a terminal, such as a pipe or the answer of a
-- hook. It is not known yet whether the recipient saw it (core/inbox.py).

create table deliveries_new (
    agent_id integer not null references agents (id),
    message_id integer not null references messages (id),
    state text not null check (state in ('unread', 'shown', 'read', 'replied', 'expired')),
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
    shown_at integer, -- when it was last written to something that is not a terminal
    shown_by text, -- the hook or the command line that did so; null again once the recipient named the message
    primary key (agent_id, message_id),
    check (state <> 'unread' or (read_at is null and replied_at is null and shown_at is null)),
    check (state <> 'shown' or (read_at is null and replied_at is null and shown_by is not null)),
    check (state <> 'read' or read_at is not null),
    check (state <> 'replied' or replied_at is not null),
    check (shown_by is null or shown_at is not null)
) strict;
insert into deliveries_new select agent_id, message_id, state, wake_id, expires_at, claim, claim_until, read_at,
    replied_at, acked_at, no_wake_reason, alerted_at, dropped_at, null, null from deliveries;
drop table deliveries;
alter table deliveries_new rename to deliveries;
create index deliveries_message on deliveries (message_id);
create index deliveries_unread on deliveries (agent_id, message_id) where state = 'unread';
create index deliveries_shown on deliveries (agent_id, message_id) where state = 'shown';
create index deliveries_expiry on deliveries (expires_at) where state = 'unread' and expires_at is not null;
create index deliveries_expired on deliveries (agent_id, message_id) where state = 'expired';
create index deliveries_wake on deliveries (wake_id) where wake_id is not null;
