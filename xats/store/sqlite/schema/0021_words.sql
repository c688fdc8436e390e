-- Events have plainer types and names of data. A quote inside a text of JSON has a backslash before it, so `"was": `
-- is always a name.
update events set type = 'mail_unread_again' where type = 'mail_taken_back';
update events set type = 'read_overdue' where type = 'alerted';
update events set type = 'agent_returned' where type = 'agent_back';
update events set type = 'task_notify_failed' where type = 'task_unheard';
update events set data = replace(data, '"was": ', '"old_name": ') where type in (
    'agent_renamed', 'team_renamed', 'team_merged', 'team_name_freed', 'contract_renamed'
);
update events set data = replace(data, '"was": ', '"old_team": ') where type = 'project_adopted';
update events set data = replace(data, '"was": ', '"old_state": ') where type = 'task_reopened';
update events set data = replace(data, '"was": ', '"old_compat": ') where type = 'contract_changed';
update events set data = replace(data, '"as_message": ', '"new_id": ') where type = 'dead_retried';
update events set data = replace(data, '"despite": ', '"open_needs": ') where type = 'task_done';
update events set data = replace(data, '"dead": ', '"dead_letters": ') where type in ('agent_forgotten', 'team_forgotten');
