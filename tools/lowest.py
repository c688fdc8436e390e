"""Print pip constraints that pin each dependency of pyproject.toml to the lowest version that it allows.

    python tools/lowest.py > lowest.txt && pip install -c lowest.txt -e '.[dev]'

Only what is named in pyproject.toml is pinned; what those packages need in turn is up to pip.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOWEST = re.compile(r"^([A-Za-z0-9_.-]+)[^>]*>=\s*([0-9][^,;\s]*)")


def constraints(project: dict) -> list[str]:
    """Return NAME==VERSION for every requirement of `project` with a lower bound. Raises SystemExit for others."""
    found = []
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        match = LOWEST.match(requirement)
        if match:
            found.append(f"{match[1]}=={match[2]}")
        elif requirement in project["dependencies"]:
            sys.exit(f"pyproject.toml: {requirement!r} has no lowest version")
    return sorted(set(found))


if __name__ == "__main__":
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        print("\n".join(constraints(tomllib.load(file)["project"])))
