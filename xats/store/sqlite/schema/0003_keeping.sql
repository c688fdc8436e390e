-- What pruning looks up, and SQLite itself whenever a row goes that others may refer to.

create index messages_reply_to on messages (reply_to) where reply_to is not null;
create index deliveries_wake on deliveries (wake_id) where wake_id is not null;
