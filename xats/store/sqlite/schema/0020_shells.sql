-- The shell in which a person or a script registered an agent whose own process is not known: two shells that register
-- the same name are told about each other.
alter table sessions add column shell_pid integer; -- null: not registered from a shell, or its process is known
alter table sessions add column shell_started integer;
alter table sessions add column shell_tty text; -- its terminal, such as /dev/pts/3; null: not known
alter table sessions add column shell_at integer; -- when it last registered the agent
