-- Turns: one agent at a time works on the project of a team, and passes the turn on with a note. See core/turns.
create table turns (
    id integer primary key autoincrement,
    team text not null,
    name text not null,
    name_key text not null, -- the name in lower case
    state text not null check (state in ('free', 'offered', 'held')),
    number integer not null default 0 check (number >= 0), -- of the last grant; it only grows, and fences its holder
    holder_id integer references agents (id),
    taken_at integer,
    lease_ms integer check (lease_ms > 0),
    lease_until integer,
    owner_gone_at integer, -- when xats saw that the process of the holder had ended
    offered_id integer references agents (id),
    offered_at integer,
    offer_until integer,
    named integer not null default 0 check (named in (0, 1)), -- 1: the last holder named the agent of the offer
    message_id integer references messages (id), -- the mail of the offer
    last_id integer references agents (id), -- the last holder
    freed_at integer, -- when the last holder gave the turn back, or lost it
    check ((state = 'held') = (holder_id is not null)),
    check ((state = 'held') = (taken_at is not null and lease_ms is not null and lease_until is not null)),
    check ((state = 'offered') = (offered_id is not null)),
    check ((state = 'offered') = (offered_at is not null and offer_until is not null)),
    check (state = 'held' or owner_gone_at is null),
    check (state = 'offered' or (named = 0 and message_id is null))
) strict;
create unique index turns_name on turns (team, name_key);
create index turns_holder on turns (holder_id) where holder_id is not null;
create index turns_offered on turns (offered_id) where offered_id is not null;
create index turns_last on turns (last_id) where last_id is not null;
create index turns_leases on turns (lease_until) where state = 'held';
create index turns_offers on turns (offer_until) where state = 'offered';
create index turns_owner_gone on turns (owner_gone_at) where owner_gone_at is not null;
create index turns_message on turns (message_id) where message_id is not null;

-- Who takes part in a turn, in the order of the ids.
create table turn_members (
    id integer primary key autoincrement,
    turn_id integer not null references turns (id),
    agent_id integer not null references agents (id),
    joined_at integer not null,
    last_number integer, -- of the last grant to this member; null: it never had the turn
    missed integer, -- the number of the turn when the last offer to this member ended unused
    skipped_at integer -- when xats told this member that it was skipped
) strict;
create unique index turn_members_agent on turn_members (turn_id, agent_id);
create index turn_members_of on turn_members (agent_id);

-- Processes that wait in `xats turn take --wait`.
create table turn_waits (
    turn_id integer not null references turns (id),
    agent_id integer not null references agents (id),
    process text not null, -- its mark
    since integer not null,
    primary key (turn_id, agent_id, process)
) strict;
create index turn_waits_agent on turn_waits (agent_id);

-- What became of a turn, in the order of the ids. No row is ever changed or removed.
create table turn_log (
    id integer primary key autoincrement,
    turn_id integer not null references turns (id),
    at integer not null,
    kind text not null check (kind in (
        'joined', 'left', 'kicked', 'taken', 'passed', 'released', 'offered', 'skipped', 'missed', 'owner_gone',
        'lapsed', 'stolen'
    )),
    number integer not null,
    agent_id integer references agents (id), -- who did it, or to whom it happened
    other_id integer references agents (id), -- to whom it was passed, from whom it was taken, who was kicked
    reason text,
    status text, -- of a handoff: what was done
    next text, -- what is to be done next
    artifacts text, -- a JSON list of [path, planned]
    check ((kind = 'passed') = (status is not null and next is not null and artifacts is not null))
) strict;
create index turn_log_turn on turn_log (turn_id, id);
create index turn_log_handoffs on turn_log (turn_id, id) where kind = 'passed';
create index turn_log_agent on turn_log (agent_id) where agent_id is not null;
create index turn_log_other on turn_log (other_id) where other_id is not null;

-- What an agent holds, and what a hook has reminded it of at the end of a turn of its program.
alter table presence add column reminded_of text;
