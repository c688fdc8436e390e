-- An agent program that is to appear in a pane, and the agent that it will be. A row goes when its agent is seated.
create table expectations (
    agent_id integer primary key references agents (id) on delete cascade,
    client text not null, -- the profile of the program
    host text not null, -- the id of the machine
    pane_socket text not null,
    server_pid integer not null,
    server_start integer not null,
    pane_id text not null,
    pane_pid integer not null,
    pane_tty text not null,
    asked_by integer references agents (id) on delete set null, -- who gets mail if it ends in vain; null: not known
    created_at integer not null,
    expires_at integer not null,
    ended_at integer, -- null: open
    end_reason text, -- expired, pane_gone, pane_taken or replaced
    check (expires_at > created_at),
    check ((ended_at is null) = (end_reason is null))
) strict;
create index expectations_asked_by on expectations (asked_by) where asked_by is not null;
create unique index expectations_pane on expectations (host, pane_socket, server_pid, pane_id) where ended_at is null;
