-- What a team knows: a value for each key, in numbered versions that never change. See core/notes.
create table notes (
    id integer primary key autoincrement,
    team text not null,
    key text not null,
    key_key text not null, -- the key in lower case: keys are one without regard to case
    newest integer not null check (newest >= 1), -- the number of its last version, and how many there are
    head integer not null, -- the id of its last version: the order in which notes changed
    category text not null check (category in ('decision', 'convention', 'discovery', 'blocker', 'context', 'setting')),
    removed integer not null check (removed in (0, 1)), -- whether its last version is a removal
    expires_at integer, -- when its last version ends; null: never
    pinned_at integer,
    pinned_by integer references agents (id),
    check ((pinned_at is null) = (pinned_by is null)),
    check (removed = 0 or (pinned_at is null and expires_at is null))
) strict;
create unique index notes_key on notes (team, key_key);
create index notes_category on notes (team, category, key_key);
create index notes_head on notes (team, head);
create index notes_pinned on notes (team, pinned_at, id) where pinned_at is not null;
create index notes_pinned_by on notes (pinned_by) where pinned_by is not null;

create table note_versions (
    id integer primary key autoincrement,
    note_id integer not null references notes (id),
    version integer not null check (version >= 1),
    value text, -- null: the note was removed
    size integer not null check (size >= 0), -- bytes of the value in UTF-8
    category text not null check (category in ('decision', 'convention', 'discovery', 'blocker', 'context', 'setting')),
    put_by integer not null references agents (id),
    evidence text not null check (evidence in ('flag', 'env', 'session', 'pane', 'process', 'user')),
    put_at integer not null,
    expires_at integer,
    restored integer, -- the version whose value was put again
    check ((value is null) = (size = 0)),
    check (value is not null or (expires_at is null and restored is null)),
    check (expires_at > put_at),
    check (restored < version)
) strict;
create unique index note_versions_version on note_versions (note_id, version);
create index note_versions_put_by on note_versions (put_by);
