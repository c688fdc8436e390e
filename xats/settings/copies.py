"""The parsed copy of a settings file: lines `NAME=TEXT`, which xats reads without a TOML parser.

Each settings file has one copy, in the folder `settings` of the folder where xats keeps its data. The copy begins with
the state of the file when it was parsed: device, inode, times, size, mode and owner. Another user can neither write it
nor replace it (sidefile.py). xats keeps no copy of a file that changed within the last two seconds, because a second
change may leave the same times.
"""

from __future__ import annotations

import os
import time

from xats import __version__
from xats.base import folders, sidefile
from xats.base.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Fingerprint = tuple[int, int, int, int, int, int, int]

FOLDER = "settings"
LARGEST = 64 << 10  # bytes of a copy
MOST = 200  # copies; the oldest are removed
FRESH = 2_000_000_000  # ns
FAULTS = 5  # faults that a copy keeps
NAME = 200  # bytes of a copy's name; a file system allows 255

may_write = True  #: False where a command must change nothing at all
REPORTED, NEW = ".", "!"  # how the line of a fault begins in a copy
TEAM = "@"  # how the line of the team begins
FORM = 2  # of a copy


@record
class Values:
    """What a settings file says: the texts of variables, and its faults. `reported`: a command has shown them."""

    values: Mapping[str, str]
    faults: tuple[str, ...] = ()
    reported: bool = False
    team: str | None = None  #: the team that a project's file names


def values(path: str, fingerprint: Fingerprint, environ: Mapping[str, str], *, users: bool) -> Values:
    """Return what the file at `path` says: from its copy if `fingerprint` is in that, else by parsing the file."""
    copy = place(path, environ)
    found = _read(copy, _head(path, fingerprint)) if copy else None
    if found:
        return found
    from xats.base.visible import one_line
    from xats.settings import parse

    try:
        parsed, seen = parse.read(path, environ, users=users)
    except Exception as problem:  # whatever a file holds, no message and no hook may fail because of it
        return Values({}, (one_line(f"{path}: xats cannot read it: {type(problem).__name__}: {problem}"),))
    found = Values(parsed.values, _first(parsed.faults), team=parsed.team)
    if copy and seen in (None, fingerprint) and abs(time.time_ns() - max(fingerprint[2], fingerprint[3])) > FRESH:
        _write(copy, _head(path, fingerprint), found)
    return found


def mark_reported(path: str, fingerprint: Fingerprint, found: Values, environ: Mapping[str, str]) -> Values:
    """Return `found` with its faults marked as reported, and mark them in the copy if there is one."""
    done = replace(found, reported=True)
    copy = place(path, environ)
    if copy and os.path.exists(copy):
        _write(copy, _head(path, fingerprint), done)
    return done


def place(path: str, environ: Mapping[str, str]) -> str | None:
    """Return where the copy of the file at `path` is; None if this user has no folder for it."""
    try:
        kept = folders.kept(environ)
    except folders.NoHome:
        return None
    name = os.fsencode(path.replace("%", "%25").replace("/", "%2F"))[-NAME:]  # the whole path is in the copy
    return os.path.join(kept, FOLDER, os.fsdecode(name))


def _head(path: str, fingerprint: Fingerprint) -> str:
    return f"xats {__version__} form {FORM} {' '.join(map(str, fingerprint))} {path!r}"


def _first(faults: tuple[object, ...]) -> tuple[str, ...]:
    more = (f"and {len(faults) - FAULTS} more: xats config list",) if len(faults) > FAULTS else ()
    return (*map(str, faults[:FAULTS]), *more)


def _read(copy: str, head: str) -> Values | None:
    """Return what the copy says; None if its first line is not `head`, or another user could have written it."""
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
    faults = [line for line in lines if line[:1] in (REPORTED, NEW)]
    team = next((line[1:] for line in lines if line[:1] == TEAM), None)
    pairs = (line.partition("=") for line in lines if line[:1] not in (REPORTED, NEW, TEAM))
    reported = bool(faults) and faults[0][0] == REPORTED
    return Values({name: text for name, _, text in pairs}, tuple(line[1:] for line in faults), reported, team)


def _write(copy: str, head: str, found: Values) -> None:
    """Write the copy if possible. In a sandbox, or on a full disk, the next command parses the file again."""
    lines = [head, *(f"{name}={text}" for name, text in found.values.items())]
    lines += [TEAM + found.team] if found.team else []
    lines += [(REPORTED if found.reported else NEW) + fault for fault in found.faults]
    data = "\n".join([*lines, "end"]).encode("utf-8", "surrogateescape")
    if len(data) >= LARGEST or any("\n" in line for line in lines):
        return
    from contextlib import suppress  # a hook that only reads does without it

    folder = os.path.dirname(copy)
    if not may_write or not os.path.isdir(os.path.dirname(folder)):  # create nothing where there is no store
        return
    with suppress(OSError, ValueError):
        sidefile.folder(folder)
        if not os.path.exists(copy):
            _make_room(folder)
        sidefile.replace(copy, data)


def _make_room(folder: str) -> None:
    """Remove the oldest copies to make room for one more."""
    found = [os.path.join(folder, name) for name in os.listdir(folder)]
    if len(found) >= MOST:
        for path in sorted(found, key=lambda one: os.lstat(one).st_mtime)[: len(found) - MOST + 1]:
            os.unlink(path)
