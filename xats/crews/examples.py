"""The example crews that come with xats: list them, and copy one into a project."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from xats.base.errors import NotFound, Refused, XatsError
from xats.base.record import record

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")
FILE = "xats.toml"
LEFT = "Nothing was copied."


@record
class Example:
    """A crew that can be copied."""

    name: str
    about: str  #: one sentence: the first line of its crew file
    folder: str  #: where it is
    files: tuple[str, ...]  #: relative paths, the crew file last
    tasks: str  #: the relative path of its task file


def names() -> list[str]:
    """Return the names of the examples."""
    return sorted(one.name for one in os.scandir(FOLDER) if one.is_dir() and not one.name.startswith((".", "_")))


def find(name: str) -> Example:
    """Return the example `name`. Raises NotFound."""
    known = names()
    if name.lower() not in known:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), known, 1, 0.5)
        msg = f"There is no example {name[:80]!r}. {LEFT}"
        raise NotFound(msg, f"did you mean {near[0]}?" if near else f"one of: {', '.join(known)}")
    folder = os.path.join(FOLDER, name.lower())
    with open(os.path.join(folder, FILE), encoding="utf-8") as file:
        about = file.readline().lstrip("# ").strip()
    return Example(name.lower(), about, folder, tuple(_files(folder)), os.path.join("crew", "tasks.jsonl"))


def _files(folder: str) -> list[str]:
    """Return the relative paths of all files below `folder`, the crew file last: a half copy starts nothing."""
    found = [
        os.path.relpath(os.path.join(top, name), folder)
        for top, folders, files in os.walk(folder)
        for name in files
        if "__pycache__" not in top and not name.startswith(".")
    ]
    return sorted(found, key=lambda path: (path == FILE, path))


def text(example: Example) -> str:
    """Return the text of the crew file of `example`."""
    with open(os.path.join(example.folder, FILE), encoding="utf-8") as file:
        return file.read()


def tables(example: Example) -> str:
    """Return the tables of the crew file of `example`, without the comment above them."""
    lines = text(example).split("\n")
    first = next(number for number, line in enumerate(lines) if line.startswith("["))
    return "\n".join(lines[first:]).rstrip("\n")


def in_the_way(example: Example, folder: str) -> list[str]:
    """Return the relative paths at which `folder` already has something, so that `example` cannot be copied there."""
    taken = []
    for path in example.files:
        above = os.path.dirname(path)
        if above and os.path.lexists(os.path.join(folder, above)) and not os.path.isdir(os.path.join(folder, above)):
            taken.append(above)
        elif os.path.lexists(os.path.join(folder, path)):
            taken.append(path)
    return sorted(set(taken))


def copy(example: Example, folder: str) -> None:
    """Copy the files of `example` into `folder`: all of them, or none. It never overwrites a file.

    Raises Refused if something is in the way, and XatsError if a file cannot be written.
    """
    if taken := in_the_way(example, folder):
        raise _refusal(taken)
    made: list[str] = []
    folders: list[str] = []
    try:
        for path in example.files:
            target = os.path.join(folder, path)
            above = os.path.dirname(target)
            if not os.path.isdir(above):
                os.mkdir(above)
                folders.append(above)
            with open(os.path.join(example.folder, path), "rb") as source, open(target, "xb") as file:
                made.append(target)
                shutil.copyfileobj(source, file)
    except BaseException as problem:
        for target in made:
            with suppress(OSError):
                os.unlink(target)
        for above in folders:
            with suppress(OSError):
                os.rmdir(above)
        if isinstance(problem, FileExistsError):  # another program has just made it
            raise _refusal([os.path.relpath(problem.filename, folder)]) from problem
        if isinstance(problem, OSError):
            msg = f"xats cannot write {problem.filename}: {problem.strerror}. {LEFT}"
            raise XatsError(msg, "make the folder writable") from problem
        raise


def _refusal(taken: list[str]) -> Refused:
    """Return the error that names the files in the way."""
    several = "exists" if len(taken) == 1 else "exist"
    msg = f"{', '.join(taken)} {several} already, and xats overwrites no file. {LEFT}"
    what = "it" if len(taken) == 1 else "them"
    return Refused(msg, f"move {what} away, or copy the example into another project", files=taken)
