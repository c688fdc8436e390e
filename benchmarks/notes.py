"""Rows of notes: what the verbs cost, and that they cost the same with ten notes and with a hundred thousand."""

from __future__ import annotations

import sys

from benchmarks.commands import verb_rows
from benchmarks.rig import Command, Row, interleaved

NOTES = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
insert into notes (id, team, key, key_key, newest, head, category, removed)
select i, 't', 'part' || (i / 100) || '/key' || i, 'part' || (i / 100) || '/key' || i, 1, i, 'context', 0 from n
"""
VERSIONS = """
insert into note_versions (id, note_id, version, value, size, category, put_by, evidence, put_at)
select id, id, 1, 'a value of some length of the note ' || key, 35 + length(key), 'context', :by, 'pane', id from notes
"""
VALUE = "A value of some words."


def verbs(rig):
    """Every verb of notes: at most 1.5 times `import typer, sqlite3`; put, get, list: 2.2 F."""
    home = rig.home()
    for n in range(20):
        home.xats("note", "put", f"key{n}", VALUE).run()
    serial = iter(range(1000))

    def another():
        home.xats("note", "put", "key1", f"{VALUE} {next(serial)}").run()

    words = {
        "put": (["put", "key1", VALUE], another),
        "get": (["get", "key2"], None),
        "list": (["list"], None),
        "log": (["log", "key1"], None),
        "rm": (["rm", "key1"], another),
        "pin": (["pin", "key3"], None),
        "unpin": (["unpin", "key3"], None),
    }
    commands = {"F": home.floor(), "typer": Command([sys.executable, "-c", "import typer, sqlite3"], home.env())}
    for verb, (line, before) in words.items():
        commands[verb] = home.xats("note", *line, before=before)
    return verb_rows("note", interleaved(commands, times=21), ("put", "get", "list"))


def grown(rig):
    """Get, list PREFIX and put with 100,000 notes: at most 1.2 times the time with 10."""
    lines = {
        "get": ("get", "part0/key7"),
        "list": ("list", "part0/", "-n", "9"),
        "put": ("put", "part0/key7", "a value of some length of the note part0/key7"),
    }
    commands = {}
    for size, count in {"small": 10, "large": 100_000}.items():
        home = rig.home(size)
        home.store.write(lambda tx, count=count: tx.run(NOTES, count=count))
        home.store.write(lambda tx, home=home: tx.run(VERSIONS, by=home.alice.id))
        for name, line in lines.items():
            commands[f"{name} {size}"] = home.xats("note", *line)
    taken = interleaved(commands, times=31)
    rows = []
    for name in lines:
        large, small = taken[f"{name} large"], taken[f"{name} small"]
        what = f"xats note {name}: {large * 1000:.1f} ms with 100,000 notes, {small * 1000:.1f} ms with 10"
        rows.append(Row(f"notes {name}", large / small, 1.2, "x small", what))
    return rows
