-- Two agents and the wakes that they have caused each other: a rate limit spaces these wakes, and a limit on wakes
-- without a person in between stops them (core/limits.py). `messages.hops` is not written any more.

create table pairs (
    low_id integer not null references agents (id),
    high_id integer not null references agents (id),
    wakes integer not null default 0, -- in a row, without a person in between
    recent text not null default '', -- the times (ms UTC) for which the last wakes were planned, with commas
    low_wake integer, -- the wake of the agent low_id that was counted last; it may be pruned
    high_wake integer, -- the same of high_id
    stopped_at integer, -- when the limit was reached; null: they may wake each other
    primary key (low_id, high_id),
    check (low_id < high_id)
) strict;
create index pairs_high on pairs (high_id);

-- Mail over the former limits woke no agent for good. What of it is unread gets a wake.
insert into wakes (agent_id, state, reason, next_attempt_at, mails, opened_at, updated_at)
select o.agent_id,
    case when o.paused then 'held' else 'queued' end,
    case when o.paused then 'paused' end,
    case when not o.paused then o.newest end,
    o.mails, o.newest, o.newest
from (
    select d.agent_id, max(m.sent_at) as newest, count(*) as mails,
        exists (select 1 from pauses p where p.agent_id = d.agent_id) or exists (
            select 1 from pauses p join agents a on a.team = p.team where a.id = d.agent_id and p.agent_id is null
        ) as paused
    from deliveries d join messages m on m.id = d.message_id
    where d.state = 'unread' and d.no_wake_reason in ('rate_capped', 'hop_limit')
        and not exists (select 1 from wakes w where w.agent_id = d.agent_id and w.closed_at is null)
    group by d.agent_id
) as o;
update deliveries set no_wake_reason = null,
    wake_id = (select w.id from wakes w where w.agent_id = deliveries.agent_id and w.closed_at is null)
where state = 'unread' and no_wake_reason in ('rate_capped', 'hop_limit');
