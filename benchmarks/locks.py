"""Rows of locks: what the verbs cost, and that a check costs the same with ten locks and with ten thousand."""

from __future__ import annotations

import sys

from benchmarks.commands import verb_rows
from benchmarks.rig import FLOOR, HERE, Command, Row, interleaved
from xats.base import host
from xats.identity import project

LEASE = 3_600_000  # ms
FREE = "delete from locks"
FILL = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
insert into locks (host, repository, worktree, path, path_key, team, holder_id, kind, reason, taken_at, lease_ms,
    lease_until)
select :host, :repository, :worktree, 'file' || i, 'file' || i, a.team, a.id, 'explicit', 'a reason of some length',
    :now, :lease, :now + :lease
from n join agents a on a.name_key = 'bob'
"""


ZONES = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
insert into zones (team, host, repository, pattern, prefix, level, owner_id, assigned_by, assigned_at)
select a.team, :host, :repository, 'area' || i || '/', 'area' || i, 0, a.id, a.id, :now
from n join agents a on a.name_key = 'bob'
"""


def verbs(rig):
    """Every verb of locks that ends by itself: `check` at most 2 F, `take` and `list` 2.2 F, others 1.5 x typer."""
    home = rig.home()
    file, other = FLOOR, rig.path("b.py")

    def free():
        home.store.write(lambda tx: tx.run(FREE))

    def held():
        home.xats("lock", "take", file, "-q").run()

    words = {
        "check": (["check", file], held),
        "take": (["take", file, other], free),
        "list": (["list"], held),
        "renew": (["renew", file], held),
        "release": (["release", file], held),
    }
    commands = {"F": home.floor(), "typer": Command([sys.executable, "-c", "import typer, sqlite3"], home.env())}
    for verb, (line, before) in words.items():
        commands[verb] = home.xats("lock", *line, before=before)
    taken = interleaved(commands, times=21)
    check, floor = taken.pop("check"), taken["F"]
    what = f"xats lock check: {check * 1000:.1f} ms; F = {floor * 1000:.1f} ms"
    return [Row("lock check", check / floor, 2.0, "x F", what), *verb_rows("lock", taken, ("take", "list"))]


def grown(rig):
    """Check with 10,000 locks and 1,000 zones: at most 1.2 times the time with 10 of each."""
    found = project.find(HERE)
    place = {"host": host.machine(), "repository": found.path, "worktree": found.here}
    zoned = {"host": "" if found.remote else place["host"], "repository": found.remote or found.path}
    commands = {}
    for size, (count, areas) in {"small": (10, 10), "large": (10_000, 1_000)}.items():
        home = rig.home(size)
        values = {"count": count, "lease": LEASE, **place}
        home.store.write(lambda tx, values=values: tx.run(FILL, now=tx.now, **values))
        home.store.write(lambda tx, areas=areas: tx.run(ZONES, now=tx.now, count=areas, **zoned))
        commands[size] = home.xats("lock", "check", FLOOR)
    taken = interleaved(commands, times=31)
    large, small = (f"{taken[size] * 1000:.1f} ms" for size in ("large", "small"))
    what = f"xats lock check: {large} with 10,000 locks and 1,000 zones, {small} with 10 of each"
    return [Row("locks check", taken["large"] / taken["small"], 1.2, "x small", what)]
