-- A team belongs to a project: a repository with all its worktrees, or a folder without git.

-- A team by its name. The row of a team that was renamed or merged stays: the old name leads to the new one.
create table teams (
    name text primary key,
    created_at integer not null,
    archived_at integer, -- null: in use
    moved_to text references teams (name), -- null: this is its name today
    check (moved_to <> name)
) strict;
insert into teams (name, created_at) select team, min(registered_at) from agents group by team;
insert into teams (name, created_at)
select team, min(created_at) from tasks where team not in (select name from teams) group by team;

create table projects (
    id integer primary key autoincrement,
    host text not null, -- the id of the machine
    path text not null, -- the real path of the git common directory, or of the folder without git
    file_id text, -- what the git common directory is recognised by after it was moved; null without git
    remote text, -- the URL of origin; null: there is none
    team text not null references teams (name),
    created_at integer not null,
    unique (path, host) -- a project is looked for by its path
) strict;
create index projects_team on projects (team);
create index projects_file on projects (host, file_id) where file_id is not null;

-- The teams that agents of a project are in besides its own.
create table project_teams (
    host text not null,
    path text not null, -- as in projects; the project itself needs no row there
    team text not null references teams (name),
    kind text not null check (kind in ('joined', 'former')), -- former: what an earlier release made of a worktree
    since integer not null,
    primary key (host, path, team)
) strict;

-- What the people of a team are still to be told, once; the row goes when it is said.
create table team_notices (
    id integer primary key autoincrement,
    team text not null references teams (name),
    text text not null,
    at integer not null,
    unique (team, text)
) strict;

-- What an address meant before a merge renamed its agent: bob@old is bob-2 of the other team, not the bob who was there.
create table former_addresses (
    team text not null references teams (name), -- a former name
    name_key text not null, -- the agent's name there, in lower case
    agent_id integer not null references agents (id),
    primary key (team, name_key)
) strict;
create index former_addresses_agent on former_addresses (agent_id);
