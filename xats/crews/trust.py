"""Trust: the copies of crew files to which a person has agreed.

A copy has everything that decides what runs, with the content of each @FILE. So a later change of the file changes
nothing that xats starts by itself. The copies are files of this user alone, in the folder of xats on this host. They
are not in the store: other hosts may be able to write that.
"""

from __future__ import annotations

import os
from contextlib import suppress

from xats.base import sidefile
from xats.base.errors import XatsError
from xats.base.folders import kept
from xats.base.record import record
from xats.crews.entry import CrewFile, Entry, digest, said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Literal

FOLDER = "trust"
LARGEST = 4 << 20  # bytes of a copy; each of 100 agents may have a prompt of 8 KiB
FORM = 1
LISTS = ("command", "args", "tags")


class TrustFailed(XatsError):
    """The trusted copy of a crew file could not be written or removed."""

    code = "trust_failed"


@record
class Copy:
    """A copy of a crew file. `crew` is None if it is damaged, or another user could have written it."""

    file: str  #: the path of the copy
    crew: CrewFile | None
    at: int | None  #: when a person agreed, in ms UTC


def trusted(environ: Mapping[str, str], path: str) -> CrewFile | None:
    """Return the trusted copy of the crew file at the real `path`, None if there is no valid one."""
    found = _read(_place(environ, path))
    return found.crew if found.crew and found.crew.path == path else None


def state(environ: Mapping[str, str], found: CrewFile) -> Literal["trusted", "changed", "unknown"]:
    """Return whether a person has agreed to `found`, or to an earlier content of that file."""
    known = trusted(environ, found.path)
    if known is None:
        return "unknown"
    return "trusted" if known.digest == found.digest else "changed"


def allow(environ: Mapping[str, str], found: CrewFile) -> None:
    """Write the trusted copy of `found`, in place of an earlier one. Raises TrustFailed, Unsafe."""
    import time

    from xats.base.jsontext import to_json

    path = _place(environ, found.path)
    copy = {
        "form": FORM,
        "path": found.path,
        "at": time.time_ns() // 1_000_000,
        "digest": found.digest,
        "agents": [said(one) for one in found.entries],
    }
    try:
        sidefile.folder(os.path.dirname(path))
        sidefile.replace(path, to_json(copy).encode("utf-8", "surrogateescape"))
    except OSError as problem:
        raise _failed(path, problem, "written") from problem


def drop(environ: Mapping[str, str], path: str) -> bool:
    """Remove the trusted copy of the crew file at the real `path`; tell whether there was one. Raises TrustFailed."""
    place = _place(environ, path)
    try:
        os.unlink(place)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as problem:
        raise _failed(place, problem, "removed") from problem
    return True


def copies(environ: Mapping[str, str]) -> Iterator[Copy]:
    """Yield all copies, by the paths of their files; damaged ones last."""
    folder = os.path.join(kept(environ), FOLDER)
    found = []
    with suppress(FileNotFoundError, NotADirectoryError):
        found = [_read(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    yield from sorted(found, key=lambda one: (one.crew is None, one.crew.path if one.crew else one.file))


def _failed(path: str, problem: OSError, what: str) -> XatsError:
    if isinstance(problem, sidefile.Unsafe):
        return problem
    msg = f"{path} cannot be {what}: {problem.strerror}. Nothing was changed."
    return TrustFailed(msg, f"make that folder writable: ls -ld {os.path.dirname(path)}")


def _place(environ: Mapping[str, str], path: str) -> str:
    """Return where the copy of the crew file at `path` is. Raises NoHome."""
    import hashlib

    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    return os.path.join(kept(environ), FOLDER, f"{name}.json")


def _read(place: str) -> Copy:
    """Return the copy in the file `place`. It counts only if it is whole, and no other user can read or write it."""
    import json

    nothing = Copy(place, None, None)
    try:
        if sidefile.loose(place) or os.lstat(place).st_size > LARGEST:
            return nothing
        data = json.loads(sidefile.read(place, LARGEST).decode("utf-8", "surrogateescape"))
        if data["form"] != FORM or not isinstance(data["at"], int):
            return nothing
        path = str(data["path"])
        entries = tuple(_entry(one) for one in data["agents"])
        right = data["digest"] == digest(path, entries)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return nothing
    return Copy(place, CrewFile(path, entries, data["digest"]), data["at"]) if right else nothing


def _entry(values: dict[str, Any]) -> Entry:
    """Return the agent that a copy describes. Raises TypeError for a field that this xats does not know."""
    lists = {name: tuple(values[name]) for name in LISTS if name in values}
    env = {"env": tuple((name, text) for name, text in values["env"])} if "env" in values else {}
    return Entry(**{**values, **lists, **env})
