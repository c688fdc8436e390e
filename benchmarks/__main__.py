"""Run the benchmarks and compare each row with its bound: `python -m benchmarks [ROW...] [--json]`."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import sys
import time

import xats
from benchmarks import (
    background,
    clients,
    commands,
    contracts,
    crews,
    database,
    edits,
    hosts,
    load,
    locks,
    notes,
    projects,
    remote,
    settings,
    tasks,
    turns,
)
from benchmarks.rig import XATS, Rig

ROWS = {
    "hot": commands.hot,
    "hook": commands.hook,
    "edit": edits.edits,
    "badge": commands.badge,
    "settings": settings.settings,
    "projects": projects.projects,
    "other": commands.other,
    "overview": commands.overview,
    "help": commands.root_help,
    "tab": commands.tab,
    "parallel": load.parallel,
    "senders": load.senders,
    "batch": load.batch,
    "grown": load.grown,
    "search": load.search,
    "task": tasks.verbs,
    "tasks": tasks.grown,
    "lock": locks.verbs,
    "locks": locks.grown,
    "turn": turns.verbs,
    "contract": contracts.verbs,
    "note": notes.verbs,
    "notes": notes.grown,
    "postgres": database.verbs,
    "lanes": database.parallel,
    "idle": background.idle,
    "prompt": background.prompt,
    "wake": background.wake,
    "waiter": background.waiter,
    "early": background.early,
    "crowd": background.crowd,
    "crew": crews.crew,
    "remote": remote.remote,
    "hosts": hosts.hosts,
    "clients": clients.clients,
}
ASKED = ("clients",)  # only when they are named: they take minutes


def main() -> int:
    """Return 1 if a bound is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}; the rows are {', '.join(ROWS)}")
    if not os.path.exists(XATS):
        parser.error(f"{XATS} is missing: install xats beside this Python")
    compileall.compile_dir(os.path.dirname(xats.__file__), quiet=1)  # as pip does when it installs
    found = []
    for name in options.rows or [name for name in ROWS if name not in ASKED]:
        began, rig = time.monotonic(), Rig()
        try:
            rows = ROWS[name](rig)
        finally:
            rig.close()
        found += rows
        if not options.json:
            for row in rows:
                sign = ">=" if row.at_least else "<="
                mark = "ok" if row.ok else "BROKEN"
                print(f"{row.name:<18} {row.value:>8.2f} {sign} {row.bound:<6g} {row.unit:<8} {mark:<6} {row.what}")
            print(f"{'':<18} ({name} took {time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    broken = [row.name for row in found if not row.ok]
    if options.json:
        print(json.dumps({"rows": [{**vars(row), "ok": row.ok} for row in found], "broken": broken}))
    elif broken:
        print(f"broken: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
