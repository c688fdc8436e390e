"""Rows of a store in PostgreSQL: whole processes against the smallest psycopg script, on a server with fsync."""

from __future__ import annotations

import statistics
import sys

from benchmarks.commands import only_one
from benchmarks.load import EACH, LANES, lanes
from benchmarks.rig import Row, interleaved
from tests.support import postgres


def verbs(rig):
    """send, and inbox with one mail, in a PostgreSQL database: at most 2 times the smallest psycopg script."""
    home = started(rig)
    if home is None:
        return []
    taken = interleaved(
        {
            "floor": home.floor(),
            "send": home.xats("send", "bob", "hello bob"),
            "inbox": home.xats("inbox", who="bob", before=lambda: only_one(home)),
        }
    )
    floor = taken.pop("floor")
    return [
        Row(
            f"postgres {name}",
            took / floor,
            2.0,
            "x floor",
            f"xats {name} in PostgreSQL: {took * 1000:.1f} ms; psycopg script {floor * 1000:.1f} ms",
        )
        for name, took in taken.items()
    ]


def parallel(rig):
    """200 sends from 8 processes at once, against 200 psycopg scripts at once: at most 2.2 times, none lost."""
    home = started(rig)
    if home is None:
        return []
    taken = {"floor": [], "xats": []}
    before = home.count("deliveries where wake_id is not null")
    for _ in range(3):
        taken["floor"].append(lanes(home.floor()))
        taken["xats"].append(lanes(home.xats("send", "bob", "hello bob")))
    floor, xats = (statistics.median(taken[name]) for name in ("floor", "xats"))
    sent, wanted = home.count("deliveries where wake_id is not null") - before, 3 * LANES * EACH
    what = f"200 sends in 8 lanes: {xats:.2f} s, psycopg script {floor:.2f} s; {sent} of {wanted} stored"
    return [Row("postgres parallel", xats / floor, 2.2, "x floor", what, holds=sent == wanted)]


def started(rig):
    """Return a home in a server of its own. Where no server is found, say so and return None."""
    try:
        return rig.database()
    except postgres.Missing as missing:
        print(f"left out: {missing}", file=sys.stderr)
        return None
