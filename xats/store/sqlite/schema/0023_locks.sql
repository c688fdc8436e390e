-- Who may change a file: one lock for each file in one worktree of one machine. A row goes when its lock ends, and an
-- id is not used again: it is the token of the lock. A lock whose time is over holds no more, whether or not its row is
-- still there.
create table locks (
    id integer primary key autoincrement,
    host text not null, -- the id of the machine
    repository text not null, -- the real path of the git common directory, or of the folder without git
    worktree text not null, -- the top folder of the worktree
    path text not null, -- from there, as people see it
    path_key text not null, -- what is compared: on some file systems without regard to case
    team text not null, -- of the holder
    holder_id integer not null references agents (id),
    kind text not null check (kind in ('explicit', 'automatic')), -- automatic: the holder edited the file
    reason text,
    taken_at integer not null,
    lease_ms integer not null check (lease_ms > 0),
    lease_until integer not null,
    owner_gone_at integer, -- when xats saw that the process of the holder had ended
    check (kind = 'explicit' or reason is null)
) strict;
create unique index locks_file on locks (host, worktree, path_key);
create index locks_holder on locks (holder_id, kind, lease_ms);
create index locks_team on locks (team, id);
create index locks_leases on locks (lease_until);
create index locks_owner_gone on locks (owner_gone_at) where owner_gone_at is not null;

-- Who waits for a lock, in the order of the ids; one row for each file.
create table lock_waits (
    id integer primary key autoincrement,
    agent_id integer not null references agents (id),
    host text not null,
    repository text not null,
    worktree text not null,
    path text not null,
    path_key text not null,
    kind text not null check (kind in ('wait', 'queue')), -- wait: a process waits; queue: the agent gets mail
    process text, -- the mark of the process that waits; its place ends with it
    asked_at integer not null,
    notified_at integer, -- queue: when xats sent the mail that the file is free
    check ((kind = 'wait') = (process is not null)),
    check (kind = 'queue' or notified_at is null)
) strict;
create index lock_waits_file on lock_waits (host, worktree, path_key, id);
create index lock_waits_agent on lock_waits (agent_id);

-- An edit that an automatic lock of another agent has refused, until the agent has read the file again.
create table refused_edits (
    agent_id integer not null references agents (id),
    host text not null,
    worktree text not null,
    path_key text not null,
    lock_id integer not null, -- the lock that refused it
    at integer not null,
    read_at integer, -- when the agent read the file again
    primary key (agent_id, host, worktree, path_key)
) strict;
create index refused_edits_at on refused_edits (at);

-- The edits of an agent that hooks have refused, and whether there was one in a team before.
create index events_edits_refused on events (team, actor, id) where type = 'edit_refused';
