-- Which part of a repository belongs to an agent or a role. A zone counts in all worktrees of the repository, and in
-- every clone with the same origin.
create table zones (
    id integer primary key autoincrement,
    team text not null,
    host text not null, -- the id of the machine; '' for a URL
    repository text not null, -- the URL of origin; without one, its path as in projects
    pattern text not null,
    prefix text not null, -- what a path finds it by: see core/zones/patterns.py
    level integer not null check (level >= 0), -- a zone has a higher one than each zone that contains it
    owner_id integer references agents (id), -- null: a role has it
    role text,
    assigned_by integer references agents (id) on delete set null,
    assigned_at integer not null,
    check ((owner_id is null) <> (role is null))
) strict;
create unique index zones_pattern on zones (team, host, repository, pattern);
create index zones_prefix on zones (team, prefix);
create index zones_owner on zones (owner_id) where owner_id is not null;
create index zones_assigned_by on zones (assigned_by) where assigned_by is not null;
