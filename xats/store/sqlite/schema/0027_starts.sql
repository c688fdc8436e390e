-- The newest start of an agent program by xats, one row for each agent. A start before it has another token, and the
-- pane of that start ends when it finds that its token is gone.
create table starts (
    agent_id integer primary key references agents (id) on delete cascade,
    generation integer not null check (generation > 0), -- counts the starts of the agent
    token text not null,
    client text not null, -- the profile of the program
    host text not null, -- the id of the machine
    host_name text,
    place text not null check (place in ('pane', 'window', 'split', 'session')),
    socket text, -- of the tmux server in which its pane is made
    folder text not null, -- in which the program runs
    worktree text, -- the git worktree that xats made for it
    branch text, -- of the worktree
    base text, -- the branch that this branch started from
    state text not null
        check (state in ('starting', 'needs_you', 'running', 'stopping', 'stopped', 'failed', 'flapping')),
    detail text, -- what it shows, or why it failed
    starter_pid integer not null, -- the process that started it
    starter_started integer not null,
    started_by integer references agents (id) on delete set null, -- who gets mail about it
    pid integer, -- the program; null until it has used the token
    pid_started integer,
    pane_socket text,
    server_pid integer,
    server_start integer,
    pane_id text,
    pane_pid integer,
    pane_tty text,
    crew_file text, -- the path of the file that names it; null: a person started it by name
    policy text not null default 'never' check (policy in ('never', 'on-crash', 'always')), -- when xats restarts it
    prompt text check (prompt in ('pending', 'typing', 'typed', 'failed')), -- null: xats types none
    created_at integer not null,
    state_at integer not null, -- since when it has its state
    used_at integer, -- when the program used the token
    told_at integer, -- when xats told the person that it needs them
    check ((pid is null) = (pid_started is null)),
    check ((pid is null) = (used_at is null)),
    check ((pane_id is null) = (pane_socket is null))
) strict;
create unique index starts_token on starts (token);
create index starts_state on starts (host, state);
create index starts_started_by on starts (started_by) where started_by is not null;
