-- Tasks: work that is claimed for a time, waits for other work, and may have to be approved. See core/tasks.py.

alter table agents add column offered_at integer; -- when a claimable message was last offered to it

create table tasks (
    id integer primary key autoincrement,
    team text not null,
    title text not null check (length(title) between 1 and 200),
    description text not null,
    state text not null check (state in ('open', 'claimed', 'review', 'done', 'failed', 'cancelled')),
    priority integer not null check (priority between 0 and 9), -- 0 is the most urgent
    created_by integer not null references agents (id),
    assignee_id integer references agents (id), -- only this agent may claim it
    role text, -- only agents with this role may; neither: anybody in the team
    parent_id integer references tasks (id),
    dedupe_key text,
    notify text, -- an address that is told when it has ended
    due_at integer,
    created_at integer not null,
    updated_at integer not null,
    ended_at integer,
    owner_id integer references agents (id), -- who has claimed it; once it has ended, who had
    claimed_at integer,
    lease_ms integer check (lease_ms > 0),
    lease_until integer,
    claims integer not null default 0 check (claims >= 0), -- the number of its last claim, which fences it
    waits_for integer not null default 0 check (waits_for >= 0), -- how many of its dependencies are not done
    submission integer not null default 0 check (submission >= 0), -- the number of its last submission
    progress text,
    result text,
    reason text,
    pool integer not null default 0 check (pool in (0, 1)), -- it is a claimable message
    offer_at integer, -- when the next member of its role is asked; null: nobody is left to ask
    message_id integer references messages (id), -- the mail that offers a claimable message
    check (assignee_id is null or role is null),
    check (parent_id is null or parent_id <> id),
    check ((ended_at is null) = (state in ('open', 'claimed', 'review'))),
    check ((lease_until is null) = (state <> 'claimed')),
    check ((claimed_at is null) = (owner_id is null) and (lease_ms is null) = (owner_id is null)),
    check (state <> 'open' or owner_id is null),
    check (state not in ('claimed', 'review') or owner_id is not null),
    check (state <> 'review' or submission > 0),
    check (result is null or state in ('review', 'done')),
    check (reason is null or state in ('failed', 'cancelled')),
    check (pool = 0 or role is not null),
    check (offer_at is null or (pool = 1 and state = 'open'))
) strict;
create index tasks_team on tasks (team, id);
create index tasks_state on tasks (team, state, id);
create index tasks_live on tasks (team, priority, id) where state in ('open', 'claimed', 'review');
create index tasks_ready on tasks (team, priority, id) where state = 'open' and waits_for = 0;
-- Whoever looks for work looks in three places: what is for him, what is for his role, what is for anybody.
create index tasks_work on tasks (team, assignee_id, role, waits_for, priority, id) where state = 'open';
create index tasks_held on tasks (owner_id) where state in ('claimed', 'review');
create index tasks_leases on tasks (lease_until) where state = 'claimed';
create index tasks_parent on tasks (parent_id, state) where parent_id is not null;
create index tasks_offers on tasks (offer_at) where pool = 1 and state = 'open';
create index tasks_message on tasks (message_id) where message_id is not null;
create unique index tasks_dedupe on tasks (created_by, dedupe_key) where dedupe_key is not null;

create table task_needs (
    task_id integer not null references tasks (id),
    needs_id integer not null references tasks (id),
    primary key (task_id, needs_id),
    check (task_id <> needs_id)
) strict;
create index task_needs_needs on task_needs (needs_id);

-- Every one of these roles has to approve.
create table task_reviewers (
    task_id integer not null references tasks (id),
    role text not null,
    primary key (task_id, role)
) strict;

create table task_approvals (
    task_id integer not null,
    submission integer not null, -- a new submission makes earlier approvals void
    role text not null,
    agent_id integer not null references agents (id),
    at integer not null,
    primary key (task_id, submission, role),
    foreign key (task_id, role) references task_reviewers (task_id, role)
) strict;

-- What became of a task, in the order of the ids.
create table task_notes (
    id integer primary key autoincrement,
    task_id integer not null references tasks (id),
    at integer not null,
    agent_id integer references agents (id), -- who did it, or whom it happened to; null: xats itself
    kind text not null check (kind in (
        'added', 'claimed', 'progress', 'released', 'lapsed', 'submitted', 'approved', 'feedback', 'done', 'failed',
        'cancelled', 'reopened', 'edited', 'ready', 'offered'
    )),
    text text
) strict;
create index task_notes_task on task_notes (task_id, id);

-- Mail that a task has out: it is taken back when it means nothing any more.
create table task_mail (
    task_id integer not null references tasks (id),
    message_id integer not null references messages (id),
    about text not null check (about in ('ready', 'review')),
    role text, -- of a review: who is asked for it
    primary key (task_id, message_id),
    check ((about = 'review') = (role is not null))
) strict;
create index task_mail_message on task_mail (message_id);
