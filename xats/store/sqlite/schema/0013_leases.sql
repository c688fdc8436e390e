-- The process of the agent that has claimed a task may end: the task says since when, and its history tells of it.

alter table tasks add column owner_gone_at integer check (owner_gone_at is null or state = 'claimed');
create index tasks_claimed on tasks (owner_id, owner_gone_at) where state = 'claimed';
create index tasks_owner_gone on tasks (owner_gone_at) where owner_gone_at is not null;

create table task_notes_new (
    id integer primary key autoincrement,
    task_id integer not null references tasks (id),
    at integer not null,
    agent_id integer references agents (id), -- who did it, or whom it happened to; null: xats itself
    kind text not null check (kind in (
        'added', 'claimed', 'progress', 'released', 'lapsed', 'submitted', 'approved', 'feedback', 'done', 'failed',
        'cancelled', 'reopened', 'edited', 'ready', 'offered', 'owner_gone'
    )),
    text text
) strict;
insert into task_notes_new select id, task_id, at, agent_id, kind, text from task_notes;
drop table task_notes;
alter table task_notes_new rename to task_notes;
create index task_notes_task on task_notes (task_id, id);
