"""The parsed copy of a settings file: lines `NAME=TEXT`, which are read without a parser of TOML.

It is in the folder `settings` of all that xats keeps, one for each settings file, and holds what the file was when it
was parsed: device, inode, times, size, mode and owner. Another user can neither write it nor put another file in its
place (sidefile.py). A copy of a file that was changed within the last two seconds is not kept, because a second change
may leave the same times.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from xats import __version__
from xats.base import folders, sidefile
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Mark = tuple[int, int, int, int, int, int, int]

FOLDER = "settings"
LARGEST = 64 << 10  # bytes of a copy
MOST = 200  # copies; the oldest ones go
FRESH = 2_000_000_000  # ns
FAULTS = 5  # that are kept
NAME = 200  # bytes of a file's name, of the 255 that there may be

may_write = True  #: False where a command must change nothing at all
SAID, UNSAID = ".", "!"


@record
class Values:
    """What a settings file says: the texts of variables, and what is wrong in it. `said`: that was shown once."""

    values: Mapping[str, str]
    faults: tuple[str, ...] = ()
    said: bool = False


def values(path: str, mark: Mark, environ: Mapping[str, str], *, users: bool) -> Values:
    """Return what the file at `path` says, which looks like `mark`: by its copy if that is fresh, else by parsing."""
    copy = place(path, environ)
    found = _read(copy, _head(path, mark)) if copy else None
    if found:
        return found
    from xats.base.visible import one_line
    from xats.settings import parse

    try:
        parsed, seen = parse.read(path, environ, users=users)
    except Exception as problem:  # whatever is in a file, no message and no hook may fail over it
        return Values({}, (one_line(f"{path}: xats cannot read it: {type(problem).__name__}: {problem}"),))
    found = Values(parsed.values, _first(parsed.faults))
    if copy and seen in (None, mark) and abs(time.time_ns() - max(mark[2], mark[3])) > FRESH:
        _write(copy, _head(path, mark), found)
    return found


def say(path: str, mark: Mark, found: Values, environ: Mapping[str, str]) -> Values:
    """Return `found` as said, and note it in the copy if there is one."""
    said = Values(found.values, found.faults, said=True)
    copy = place(path, environ)
    if copy and os.path.exists(copy):
        _write(copy, _head(path, mark), said)
    return said


def place(path: str, environ: Mapping[str, str]) -> str | None:
    """Return where the copy of the file at `path` is, None if this user has no folder for it."""
    try:
        kept = folders.kept(environ)
    except folders.NoHome:
        return None
    name = os.fsencode(path.replace("%", "%25").replace("/", "%2F"))[-NAME:]  # the path stands in the copy, too
    return os.path.join(kept, FOLDER, os.fsdecode(name))


def _head(path: str, mark: Mark) -> str:
    return f"xats {__version__} {' '.join(map(str, mark))} {path!r}"


def _first(faults: tuple[object, ...]) -> tuple[str, ...]:
    more = (f"and {len(faults) - FAULTS} more: xats config list",) if len(faults) > FAULTS else ()
    return (*map(str, faults[:FAULTS]), *more)


def _read(copy: str, head: str) -> Values | None:
    """Return what the copy says, None if it is not of the file that `head` describes, or could be another user's."""
    try:
        file = sidefile.look(copy)
    except (OSError, ValueError):
        return None
    try:
        data = b"" if os.fstat(file).st_mode & 0o022 else os.read(file, LARGEST)
    except OSError:
        return None
    finally:
        os.close(file)
    first, *lines = data.decode("utf-8", "surrogateescape").split("\n")
    if first != head or not lines or lines.pop() != "end":
        return None
    faults = [line for line in lines if line[:1] in (SAID, UNSAID)]
    pairs = (line.partition("=") for line in lines if line[:1] not in (SAID, UNSAID))
    said = bool(faults) and faults[0][0] == SAID
    return Values({name: text for name, _, text in pairs}, tuple(line[1:] for line in faults), said)


def _write(copy: str, head: str, found: Values) -> None:
    """Keep a copy, if that can be done: in a sandbox, or on a full disk, the file is parsed again."""
    lines = [head, *(f"{name}={text}" for name, text in found.values.items())]
    lines += [(SAID if found.said else UNSAID) + fault for fault in found.faults]
    data = "\n".join([*lines, "end"]).encode("utf-8", "surrogateescape")
    if len(data) >= LARGEST or any("\n" in line for line in lines):
        return
    folder = os.path.dirname(copy)
    if not may_write or not os.path.isdir(os.path.dirname(folder)):  # a home without a store stays as it is
        return
    with suppress(OSError, ValueError):
        sidefile.folder(folder)
        if not os.path.exists(copy):
            _make_room(folder)
        sidefile.replace(copy, data)


def _make_room(folder: str) -> None:
    """Remove the oldest copies, so that there is room for one more."""
    found = [os.path.join(folder, name) for name in os.listdir(folder)]
    if len(found) >= MOST:
        for path in sorted(found, key=lambda one: os.lstat(one).st_mtime)[: len(found) - MOST + 1]:
            os.unlink(path)
