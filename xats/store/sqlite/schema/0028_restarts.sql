-- Restarts: how the program of a start ended, and when xats starts it again. See core/crews/restarts.py.
alter table starts add column automatic integer not null default 0 check (automatic in (0, 1)); -- 1: xats restarted it
alter table starts add column restarts integer not null default 0 check (restarts >= 0); -- since a person started it
alter table starts add column ready_at integer; -- when its program was ready
alter table starts add column exit_code integer; -- of its program
alter table starts add column exit_signal integer; -- that ended its program
alter table starts add column exited_at integer;
alter table starts add column exited_boot text; -- the boot of the host then, and the ms since that boot
alter table starts add column exited_up integer;
alter table starts add column restart_in integer check (restart_in >= 0); -- ms after the exit; null: xats starts it no more
alter table starts add column alerted text check (alerted in ('server_gone', 'file_changed')); -- mail about it was sent

-- Starts and exits of the programs of agents, in the order of the ids. The rules of restarts count them.
create table start_log (
    id integer primary key autoincrement,
    agent_id integer not null references agents (id) on delete cascade,
    kind text not null check (kind in ('start', 'exit')),
    automatic integer not null default 0 check (automatic in (0, 1)), -- 1: a restart by xats
    at integer not null,
    boot text, -- the boot of the host; null: not known
    up integer, -- ms since that boot
    ran integer, -- ms that a program ran that was ready
    check ((boot is null) = (up is null)),
    check (kind = 'exit' or ran is null)
) strict;
create index start_log_agent on start_log (agent_id, id);
