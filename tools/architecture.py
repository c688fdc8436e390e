"""Write the parts of ARCHITECTURE.md that follow from the code: the picture and table of the rooms, the wake table."""

from __future__ import annotations

import ast
import inspect
import re

import parts
import rooms

from xats.core.waking import attempts, wakes


def page(text: str) -> str:
    """Return `text`, that of ARCHITECTURE.md, with its generated parts written anew."""
    known = rooms.known()
    wanted = {"picture": picture(known), "rooms": table(known), "wakes": wake_table(inspect.getdoc(wakes) or "")}
    return parts.fill("ARCHITECTURE.md", text, wanted)


def picture(known: dict[str, set[str]]) -> str:
    """Return the picture of the rooms, for Mermaid: an arrow from each to those that it imports by itself alone.

    An arrow is left out where another path leads there. Raises SystemExit for rooms that import one another.
    """
    reached = {room: reachable(known, room) for room in known}
    circle = sorted(room for room in known if room in reached[room])
    if circle:
        raise SystemExit(f"these rooms import one another: {', '.join(circle)}")
    lines = ["```mermaid", "graph TD"]
    for room in sorted(known, key=lambda room: (-len(reached[room]), room)):
        direct = known[room]
        short = sorted(one for one in direct if not any(one in reached[other] for other in direct))
        lines += [f"    {room} --> {one}" for one in short]
    return "\n".join([*lines, "```", ""])


def reachable(known: dict[str, set[str]], room: str) -> set[str]:
    """Return every room that `room` imports, also by way of others."""
    found: set[str] = set()
    waiting = list(known[room])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += known[one]
    return found


def table(known: dict[str, set[str]]) -> str:
    """Return the table of the rooms: what each is for, by its docstring, what it imports, and what else it may."""
    may = allowed()
    lines = ["| room | what it is for | imports | may also import |", "| --- | --- | --- | --- |"]
    for room in sorted(known, key=lambda room: (-len(reachable(known, room)), room)):
        own = known[room] - {rooms.BASE}
        more = named(may[room] - own) if room in may else "-" if room == rooms.BASE else "any room below it"
        about = first_line(str(rooms.ROOT / "xats" / room / "__init__.py"))
        if room == rooms.BASE:
            about += " The settings count to it. Every room may import it."
        lines.append(f"| `{room}` | {about} | {named(own)} | {more} |")
    return "\n".join([*lines, ""])


def named(found: set[str]) -> str:
    return ", ".join(f"`{one}`" for one in sorted(found)) or "-"


def allowed() -> dict[str, set[str]]:
    """Return {room: the rooms that it may import}, which tests/project/test_rooms.py enforces."""
    for node in rooms.parsed(str(rooms.ROOT / "tests" / "project" / "test_rooms.py")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MAY":
            found: dict[str, set[str]] = ast.literal_eval(node.value)
            return found
    raise SystemExit("tests/project/test_rooms.py has no MAY")


def first_line(path: str) -> str:
    """Return the first line of the docstring of the file at `path`."""
    return (ast.get_docstring(rooms.parsed(path)) or "").partition("\n")[0]


def wake_table(doc: str) -> str:
    """Return the table in the docstring of core/waking/wakes.py as Markdown. Raises SystemExit if a name is gone."""
    lines = iter(doc.splitlines())
    header = next((line for line in lines if line.split() == ["event", "from", "to", "function"]), None)
    if header is None:
        raise SystemExit("the docstring of core/waking/wakes.py has no table: event, from, to, function")
    starts = [header.index(word) for word in header.split()]
    found = ["| event | from | to | function |", "| --- | --- | --- | --- |"]
    for line in lines:
        if not line.strip():
            break
        cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        for called in re.findall(r"[a-z_.]+(?=$|,|\()", cells[-1]):
            module, name = (attempts, called[9:]) if called.startswith("attempts.") else (wakes, called)
            if not inspect.isfunction(getattr(module, name, None)):
                raise SystemExit(f"core/waking/wakes.py: its table names {called}, and there is no such function")
        cells[-1] = ", ".join(f"`{name}`" for name in cells[-1].split(", "))
        found.append(f"| {' | '.join(cells)} |")
    return "\n".join([*found, ""])
