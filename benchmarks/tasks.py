"""Rows of tasks: what the verbs cost, and that they cost the same with a hundred tasks and with a hundred thousand."""

from __future__ import annotations

import sys

from benchmarks.commands import verb_rows
from benchmarks.rig import Command, Row, interleaved

HELD = """
update tasks set state = 'claimed', owner_id = (select id from agents where name_key = 'alice'), claimed_at = :now,
    lease_ms = 1800000, lease_until = :now + 1800000, ended_at = null, result = null, reason = null where id = :id
"""
OPEN = """
update tasks set state = 'open', owner_id = null, claimed_at = null, lease_ms = null, lease_until = null,
    ended_at = null, result = null, reason = null
where state in ('claimed', 'done') and owner_id = (select id from agents where name_key = 'alice')
"""


def verbs(rig):
    """Every verb of tasks that ends by itself: at most 1.5 times `import typer, sqlite3`; list, claim, done: 2.2 F."""
    home = rig.home()
    for _ in range(20):
        home.xats("task", "add", "a task of some length").run()

    def held():
        home.store.write(lambda tx: tx.run(HELD, id=1, now=tx.now))

    def free():
        home.store.write(lambda tx: tx.run(OPEN))

    words = {
        "add": (["add", "one more"], None),
        "list": (["list"], None),
        "show": (["show", "3"], None),
        "claim": (["claim", "--next"], free),
        "renew": (["renew", "1"], held),
        "progress": (["progress", "1", "half of it"], held),
        "release": (["release", "1"], held),
        "done": (["done", "1", "--result", "x"], held),
        "edit": (["edit", "2", "--priority", "5"], None),
        "graph": (["graph", "4"], None),
        "export": (["export"], None),
    }
    commands = {"F": home.floor(), "typer": Command([sys.executable, "-c", "import typer, sqlite3"], home.env())}
    for verb, (line, before) in words.items():
        commands[verb] = home.xats("task", *line, before=before)
    return verb_rows("task", interleaved(commands, times=21), ("list", "claim", "done"))


def grown(rig):
    """Claim --next and list with 100,000 tasks: at most 1.2 times the time with 100."""
    commands = {}
    for size, count in {"small": 100, "large": 100_000}.items():
        home = rig.home(size)
        home.store.write(lambda tx, count=count: fill(tx, count))
        free = lambda home=home: home.store.write(lambda tx: tx.run(OPEN))  # noqa: E731
        commands[f"claim {size}"] = home.xats("task", "claim", "--next", before=free)
        for name, words in (("list", ()), ("list --mine", ("--mine",)), ("list --ready", ("--ready",))):
            commands[f"{name} {size}"] = home.xats("task", "list", *words)
    taken = interleaved(commands, times=31)
    rows = []
    for verb in ("claim", "list", "list --mine", "list --ready"):
        large, small = taken[f"{verb} large"], taken[f"{verb} small"]
        what = f"xats task {verb}: {large * 1000:.1f} ms with 100,000 tasks, {small * 1000:.1f} ms with 100"
        rows.append(Row(f"tasks {verb}", large / small, 1.2, "x small", what))
    return rows


# Of ten tasks four are done, two are for bob, two are blocked, one is for anybody, and one bob has claimed.
FILL = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
insert into tasks (team, title, description, state, priority, created_by, assignee_id, created_at, updated_at,
    ended_at, waits_for, owner_id, claimed_at, lease_ms, lease_until)
select a.team, 'task ' || i || ' has a title of some length', 'what there is to say', case when i % 10 < 4 then 'done'
    when i % 10 = 9 then 'claimed' else 'open' end, i % 5, a.id,
    case when i % 10 in (4, 5) then b.id end, :now, :now, case when i % 10 < 4 then :now end,
    case when i % 10 in (6, 7) then 1 else 0 end, case when i % 10 = 9 then b.id end,
    case when i % 10 = 9 then :now end, case when i % 10 = 9 then 86400000 end,
    case when i % 10 = 9 then :now + 86400000 end
from n join agents a on a.name_key = 'alice' join agents b on b.name_key = 'bob'
"""


def fill(tx, count):
    """Write `count` tasks straight into the store."""
    tx.run(FILL, count=count, now=tx.now)
    tx.run("insert into task_needs select id, id - 6 from tasks where waits_for = 1 and id > 6")
