"""Rows of contracts: the verbs that look cost what other verbs cost; those that compare cost the library besides."""

from __future__ import annotations

import json
import sys

from benchmarks.rig import Command, Row, interleaved

PROPERTIES = {f"p{n}": {"type": "integer", "minimum": n, "description": f"what property {n} is for"} for n in range(30)}
SCHEMAS = [
    {"type": "object", "properties": PROPERTIES, "required": ["p1"]},
    {"type": "object", "properties": {**PROPERTIES, "note": {"type": "string"}}, "required": ["p1", "p2"]},
]


def verbs(rig):
    """Get, list, log, ...: at most 1.5 times `import typer, sqlite3`; put, diff, check: 2 times that and jsonschema."""
    home = rig.home()
    files = [write(rig, f"order-{n}.json", schema) for n, schema in enumerate(SCHEMAS)]
    good = write(rig, "good.json", {"p1": 1, "p2": 2})
    for file in files:
        home.xats("contract", "put", "order", file).run()
    for n in range(20):
        home.xats("contract", "put", f"other{n}", files[0]).run()
    home.xats("contract", "subscribe", "order", who="bob").run()
    plain = {
        "get": ["get", "order"],
        "list": ["list"],
        "log": ["log", "order"],
        "subscribe": ["subscribe", "order"],
        "subscribers": ["subscribers", "order"],
        "rename": ["rename", "order", "order"],
    }
    judging = {
        "put": ["put", "order", files[1]],
        "diff": ["diff", "order", "1", "2"],
        "check": ["check", "order", good],
    }
    commands = {
        "typer": Command([sys.executable, "-c", "import typer, sqlite3"], home.env()),
        "jsonschema": Command([sys.executable, "-c", "import typer, sqlite3, jsonschema"], home.env()),
        **{verb: home.xats("contract", *line) for verb, line in {**plain, **judging}.items()},
        "send --contract": home.xats("send", "bob", f"@{good}", "--contract", "order"),
    }
    taken = interleaved(commands, times=21)
    floors = {"typer": taken.pop("typer"), "jsonschema": taken.pop("jsonschema")}
    rows = []
    for name, took in taken.items():
        floor, bound = ("typer", 1.5) if name in plain else ("jsonschema", 2.0)
        base = f"import typer, sqlite3{', jsonschema' * (floor != 'typer')} = {floors[floor] * 1000:.1f} ms"
        verb = name if name.startswith("send") else f"contract {name}"
        what = f"xats {verb}: {took * 1000:.1f} ms; {base}"
        rows.append(Row(verb, took / floors[floor], bound, f"x {floor[:6]}", what))
    return rows


def write(rig, name, value):
    """Write a JSON document and return the path of its file."""
    path = rig.path(name)
    with open(path, "w") as file:
        json.dump(value, file)
    return path
