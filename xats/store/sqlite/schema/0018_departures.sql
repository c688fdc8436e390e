-- Agents come and go: when the process of a session was seen to have ended, and when an unused agent was pruned.

alter table sessions add column gone_at integer; -- when its process was seen to have ended; null: it was not
alter table agents add column pruned_at integer
    check (pruned_at is null or unregistered_at is not null); -- its row stays while other rows refer to it

alter table clocks add column back_at integer; -- when the host came back after a day or more without an observation

create index sessions_gone on sessions (gone_at) where gone_at is not null and ended_at is null;

-- Whether anything refers to an agent: pruning asks, and SQLite itself when the row of an agent goes.
create index sessions_agent on sessions (agent_id);
create index wakes_agent on wakes (agent_id);
create index tasks_creator on tasks (created_by);
create index tasks_assignee on tasks (assignee_id) where assignee_id is not null;
create index tasks_owner on tasks (owner_id) where owner_id is not null;
create index task_notes_agent on task_notes (agent_id) where agent_id is not null;
create index task_approvals_agent on task_approvals (agent_id);
create index contracts_retired_by on contracts (retired_by) where retired_by is not null;
create index contract_versions_put_by on contract_versions (put_by);
