-- Requests that were read and still need a reply (core/owed.py): found by an index, and reported to their sender once.

alter table deliveries add column need_reply integer not null default 0 check (need_reply in (0, 1)); -- 1: this recipient should reply
alter table deliveries add column unanswered_at integer; -- when its sender was told that it was read and not answered
alter table presence add column reminded_at integer; -- when its session was last told which requests it has not answered

update deliveries set need_reply = 1 where message_id in (select id from messages where need_reply = 1);
-- What was read before this rule existed is not reported.
update deliveries set unanswered_at = read_at where need_reply = 1 and state = 'read';

create index deliveries_owed on deliveries (agent_id, message_id)
where need_reply = 1 and state = 'read' and acked_at is null;
create index deliveries_unanswered on deliveries (read_at)
where need_reply = 1 and state = 'read' and acked_at is null and unanswered_at is null;
create index deliveries_not_seen on deliveries (shown_at)
where need_reply = 1 and state = 'shown' and unanswered_at is null;
