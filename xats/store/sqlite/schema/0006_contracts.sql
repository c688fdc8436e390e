-- Contracts: JSON Schemas that agents agree on, in numbered versions that never change. See core/contracts.py.

create table contracts (
    id integer primary key autoincrement,
    team text not null,
    name text not null,
    name_key text not null, -- the name in lower case: names are one without regard to case
    compat text not null check (compat in ('backward', 'forward', 'full', 'none')),
    newest integer not null check (newest >= 1), -- the number of its last version, and how many there are
    created_at integer not null,
    retired_at integer,
    retired_by integer references agents (id),
    check ((retired_at is null) = (retired_by is null))
) strict;
create unique index contracts_name on contracts (team, name_key);

create table contract_versions (
    contract_id integer not null references contracts (id),
    version integer not null check (version >= 1),
    text text not null, -- the schema, as it was put
    note text,
    put_by integer not null references agents (id),
    put_at integer not null,
    backward text check (backward in ('compatible', 'breaking', 'unknown')), -- against the version before
    forward text check (forward in ('compatible', 'breaking', 'unknown')),
    primary key (contract_id, version),
    check ((backward is null) = (version = 1) and (forward is null) = (version = 1))
) strict;

-- By name and not by contract: whoever subscribes to a name that nobody has put yet is told when it appears.
create table contract_subscribers (
    team text not null,
    name_key text not null,
    agent_id integer not null references agents (id),
    since integer not null,
    primary key (team, name_key, agent_id)
) strict;
create index contract_subscribers_agent on contract_subscribers (agent_id);

-- The contract that the body of a message satisfies.
alter table messages add column contract_id integer references contracts (id);
alter table messages add column contract_version integer check ((contract_version is null) = (contract_id is null));
