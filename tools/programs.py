"""Write xats/base/programs.py: the words of all agent programs, collected from the files xats/clients/NAME.py.

python tools/programs.py            write it
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import xats
from xats.clients import model

if TYPE_CHECKING:
    from xats.clients.model import Client

ROOT = Path(xats.__file__).resolve().parent
PATH = "xats/base/programs.py"
HEAD = '''"""The words of all agent programs: their names, and those of their processes, variables and inboxes.

Written by `make generate` from the files xats/clients/NAME.py, whose import takes longer than most commands.
"""

from __future__ import annotations

'''


def described() -> list[Client]:
    """Return every client that a file in xats/clients describes; last what is no program."""
    found = []
    for path in sorted((ROOT / "clients").glob("*.py")):
        tree = ast.parse(path.read_text())
        names = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        if "CLIENT" in names:
            client = model.load(path.stem.replace("_", "-"))
            assert client, f"{path} does not describe a client of its own name"
            found.append(client)
    return sorted(found, key=lambda one: (not one.screen.executables, one.name))


def text() -> str:
    """Return the text of xats/base/programs.py."""
    clients = described()
    screens = [one.screen for one in clients]
    executables = sorted({word for one in screens for word in one.executables})
    scripts = sorted({word for one in screens for word in one.scripts})
    sessions = {one.session_variable: (one.name, one.screen.executables[0]) for one in clients if one.session_variable}
    marks = [mark for one in clients for mark in one.marks]
    sandboxes = [
        (one.title, one.sandbox.variables, one.sandbox.wrapper, one.sandbox.writing) for one in clients if one.sandbox
    ]
    values = {
        "NAMES": (tuple(one.name for one in clients), "of all clients; the last are no programs"),
        "HOOKED": (tuple(one.name for one in clients if one.hooks), "those that have hooks"),
        "AFTER_TOOL": (
            {one.name: events for one in clients if (events := after_tool(one))},
            "the events that they send after a tool",
        ),
        "EDITS": (
            {one.name: one.hooks.edits for one in clients if after_tool(one) and one.hooks and one.hooks.edits},
            "the tools after which they take a remark on an edit",
        ),
        "EXECUTABLES": (tuple(executables), "names of their processes"),
        "SCRIPTS": (tuple(scripts), "what an interpreter runs, without its suffix"),
        "SESSIONS": (sessions, "variable with the id of a session: the client that sets it, the name of its process"),
        "SHARING": (
            {one.session_variable: one.name for one in clients if one.sharing},
            "such a variable, where one process serves several sessions with the environment of the first: the client",
        ),
        "MARKS": (tuple(marks), "other variables that a program sets for its tools"),
        "SANDBOXES": (tuple(sandboxes), "title, variables, wrapper process, and the setting that lets it write"),
        "INBOXES": (tuple(import_module(one.inbox).NAME for one in clients if one.inbox), "transports of their own"),
    }
    return HEAD + "".join(f"#: {about}\n{name} = {shown(value)}\n" for name, (value, about) in values.items())


def after_tool(client: Client) -> tuple[str, ...]:
    """Return the events that `client` sends after a tool, and at which it does not take mail back."""
    hooks = client.hooks
    if hooks is None or "after a tool" in hooks.takes_back:
        return ()
    return tuple(one.event for one in hooks.events if one.point == "after a tool")


def shown(value: object, depth: int = 0) -> str:
    """Return `value` as Python source, as the formatter writes it."""
    if isinstance(value, str):
        quote = "'" if '"' in value and "'" not in value else '"'
        return quote + value.replace("\\", "\\\\") + quote
    line = _one_line(value)
    if len(line) + 4 * depth <= 100:
        return line
    pad, end = " " * 4 * (depth + 1), " " * 4 * depth
    if isinstance(value, dict):
        rows = [f"{pad}{shown(key)}: {shown(one, depth + 1)},\n" for key, one in value.items()]
        return "{\n" + "".join(rows) + end + "}"
    assert isinstance(value, tuple)
    rows = [f"{pad}{shown(one, depth + 1)}," for one in value]
    rows = [
        row + ("  # noqa: E501" if max(map(len, row.split("\n"))) > 120 and "\n" not in row else "") for row in rows
    ]
    return "(\n" + "".join(f"{row}\n" for row in rows) + end + ")"


def _one_line(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(key)}: {_one_line(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_one_line, value)) + ("," if len(value) == 1 else "") + ")"
    return shown(value)


if __name__ == "__main__":
    (ROOT.parent / PATH).write_text(text())
    sys.exit(0)
