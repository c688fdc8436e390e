-- Agents are managed: what they are for, seats that wait for their program, who removed an agent, and former names.

alter table agents add column about text; -- what it is for, in one line
-- Since when a seat waits for its program; null: it had a session since, or it has left.
alter table agents add column expected_at integer check (expected_at is null or unregistered_at is null);
alter table agents add column unregistered_by text; -- name@team of who unregistered or removed it; null: it did so itself
-- Removed for good: its `name_key` is made unlike any name, so that the name is free.
alter table agents add column forgotten_at integer check (forgotten_at is null or unregistered_at is not null);

-- The names that an agent had before it was renamed, in its team: each still leads to it until another agent has it.
create table former_names (
    agent_id integer not null references agents (id),
    name text not null,
    name_key text not null, -- the name in lower case
    until integer not null, -- when it was renamed
    primary key (agent_id, name_key)
) strict;
create index former_names_key on former_names (name_key);
