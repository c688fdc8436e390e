"""`xats up --example`: list the example crews, or copy one into this project."""

from __future__ import annotations

import os
import shlex

from xats.base.errors import Refused
from xats.cli.kit import render
from xats.cli.kit.scope import project_folder
from xats.crews import examples

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Context
    from xats.crews.examples import Example

LIST = "list"  # in place of a name


def copy(here: Context, name: str) -> int:
    """Copy the example `name` into this project, or list all of them if it is `list`; return the exit code.

    Raises NotFound for an unknown name, Refused if a file is in the way, XatsError if one cannot be written.
    """
    if name.lower() == LIST:
        return _list(here)
    example, folder = examples.find(name), os.path.abspath(project_folder())
    try:
        examples.copy(example, folder)
    except Refused as problem:
        raise _in_the_way(here, example, problem) from problem
    if here.json:
        render.document({"example": _json(example, folder)})
        return 0
    render.put(f"copied the example {example.name} into {render.visible(folder)}:")
    for path in example.files:
        render.put(f"  {path}")
    if not here.quiet:
        tasks = os.path.relpath(os.path.join(folder, example.tasks))
        render.say("  it starts agents only after you have agreed; next:")
        render.say(f"  {here.command('trust')}")
        render.say(f"  {here.command('up')}")
        render.say(f"  {here.command('task', 'import', tasks)}")
    return 0


def _list(here: Context) -> int:
    """List the examples."""
    found = [examples.find(name) for name in examples.names()]
    if here.json:
        render.document({"examples": [_json(one, one.folder) for one in found], "has_more": False})
        return 0
    render.table(("EXAMPLE", "CREW"), [(one.name, one.about) for one in found], stretch=("CREW",))
    if not here.quiet:
        render.say(f"to copy one into this folder: {here.command('up', '--example', found[0].name)}")
    return 0


def _json(example: Example, folder: str) -> dict[str, Any]:
    """Return the example, whose files are in `folder`."""
    about = {"name": example.name, "about": example.about, "folder": folder}
    return {**about, "files": list(example.files), "tasks": example.tasks}


def _in_the_way(here: Context, example: Example, problem: Refused) -> Refused:
    """Return the error about files in the way; if only the crew file exists, show before what it needs."""
    files = problem.data["files"]
    if files != [examples.FILE]:
        return problem
    tables = examples.tables(example)
    if not here.json:
        render.say(f"The agents of the example, for your {examples.FILE}:\n")
        render.say(tables + "\n")
    source = shlex.quote(os.path.join(example.folder, "crew"))
    hint = f"add the tables above to your {examples.FILE}, and copy the rest: cp -R {source} ."
    return Refused(str(problem), hint, files=files, tables=tables)
