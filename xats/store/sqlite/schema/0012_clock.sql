-- The clock of each host, compared with the time since the host was booted, which nobody can set (core/clock.py).
-- While the two have not agreed for long enough, nothing is removed or taken away by age.

create table clocks (
    host text primary key, -- the id of the machine: its containers have the same clock
    boot text not null, -- the id of the boot
    since_at integer not null, -- ms UTC since when both agree
    since_up integer not null, -- ms between the boot and that moment
    seen_at integer not null, -- ms UTC of the last observation
    seen_up integer not null,
    settled_up integer, -- ms between the boot and the first observation that found that they agree for long enough
    slept integer not null, -- ms that the host was suspended between the boot and the last observation
    woke_up integer, -- ms between the boot and the end of the last suspend that was noticed; null: none was
    cause text not null check (cause in ('first', 'boot', 'jump')), -- why they agree only since then
    jump integer not null default 0, -- of a jump: how many ms the clock went ahead, or back (negative)
    check ((cause = 'jump') = (jump <> 0))
) strict;
