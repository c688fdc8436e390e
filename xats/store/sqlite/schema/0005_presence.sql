-- What each agent's own program says it is doing, told by its hooks.

create table presence (
    agent_id integer primary key references agents (id),
    client_session text, -- the session that said so
    state text not null check (state in ('idle', 'busy', 'waiting', 'ended')),
    at integer not null, -- since when
    continued integer not null default 0 check (continued >= 0) -- turns in a row that mail has gone on with
) strict;
