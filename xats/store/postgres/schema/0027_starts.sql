-- The newest start of an agent program by xats, one row for each agent. A start before it has another token, and the
-- pane of that start ends when it finds that its token is gone.
create table starts (
    agent_id bigint primary key references agents (id) on delete cascade,
    generation bigint not null check (generation > 0), -- counts the starts of the agent
    token text collate "C" not null,
    client text collate "C" not null, -- the profile of the program
    host text collate "C" not null, -- the id of the machine
    host_name text collate "C",
    place text collate "C" not null check (place in ('pane', 'window', 'split', 'session')),
    socket text collate "C", -- of the tmux server in which its pane is made
    folder text collate "C" not null, -- in which the program runs
    worktree text collate "C", -- the git worktree that xats made for it
    branch text collate "C", -- of the worktree
    base text collate "C", -- the branch that this branch started from
    state text collate "C" not null
        check (state in ('starting', 'needs_you', 'running', 'stopping', 'stopped', 'failed', 'flapping')),
    detail text collate "C", -- what it shows, or why it failed
    starter_pid bigint not null, -- the process that started it
    starter_started bigint not null,
    started_by bigint references agents (id) on delete set null, -- who gets mail about it
    pid bigint, -- the program; null until it has used the token
    pid_started bigint,
    pane_socket text collate "C",
    server_pid bigint,
    server_start bigint,
    pane_id text collate "C",
    pane_pid bigint,
    pane_tty text collate "C",
    crew_file text collate "C", -- the path of the file that names it; null: a person started it by name
    policy text collate "C" not null default 'never'
        check (policy in ('never', 'on-crash', 'always')), -- when xats restarts it
    prompt text collate "C" check (prompt in ('pending', 'typing', 'typed', 'failed')), -- null: xats types none
    created_at bigint not null,
    state_at bigint not null, -- since when it has its state
    used_at bigint, -- when the program used the token
    told_at bigint, -- when xats told the person that it needs them
    check ((pid is null) = (pid_started is null)),
    check ((pid is null) = (used_at is null)),
    check ((pane_id is null) = (pane_socket is null))
);
create unique index starts_token on starts (token);
create index starts_state on starts (host, state);
create index starts_started_by on starts (started_by) where started_by is not null;
