"""Files of agent programs and their users: how xats finds and reads them, and which of them it trusts.

xats opens only regular files. To open a FIFO would wait for its writer, to open a device can have an effect, and
/dev/zero never ends; the transcript or the settings that a program names can be any of these.
"""

from __future__ import annotations

import os
import stat

from xats.base.jsontext import from_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD = 64 << 10  # bytes of a program's record about itself; they are below 1000
SETTINGS = 1 << 20  # bytes of a person's settings
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Unproven(Exception):
    """xats does not trust a file or a socket, and sends nothing to it. The text never quotes what was read."""


class NotRegular(OSError):
    """The path leads to a FIFO, a device, a socket or a folder."""

    def __init__(self, path: str) -> None:
        super().__init__(0, "it is not a regular file", path)


def opened(path: str, *, follow: bool = True) -> int:
    """Return a descriptor to read the regular file `path`; links are followed unless `follow` is False.

    It never waits. Raises NotRegular, another OSError, or ValueError for a path that holds a NUL.
    """
    if not stat.S_ISREG(os.stat(path, follow_symlinks=follow).st_mode):  # before it is opened, which may have an effect
        raise NotRegular(path)
    file = os.open(path, FLAGS | (0 if follow else os.O_NOFOLLOW))
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise NotRegular(path)


def contents(path: str, limit: int, *, follow: bool = True) -> bytes:
    """Return the first `limit` bytes of the regular file `path`. Raises what `opened` does."""
    file = opened(path, follow=follow)
    try:
        return until(file, limit)
    finally:
        os.close(file)


def until(file: int, limit: int) -> bytes:
    """Return the rest of the open `file`, at most `limit` bytes. Raises OSError."""
    parts, left = [], limit
    while left > 0 and (part := os.read(file, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def folder(environ: Mapping[str, str], variable: str, default: str) -> str | None:
    """Return the folder that `environ` names by `variable`, else `default` below its HOME; None if neither is there."""
    named = environ.get(variable)
    if not named:
        home = environ.get("HOME")
        named = os.path.join(home, default) if home else None
    return named if named and os.path.isabs(named) else None


def read(path: str, limit: int, follow: bool = False) -> str | None:
    """Return the text of the file `path`, at most `limit` bytes, None if there is no file.

    It must be a regular file of this user or of root that not every user may write to, and no link unless `follow`.
    Raises Unproven.
    """
    try:
        file = opened(path, follow=follow)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotRegular as problem:
        raise Unproven("it is no file of this user's own") from problem
    except (OSError, ValueError) as problem:  # no permission, or an invalid path
        raise Unproven("it cannot be opened") from problem
    try:
        if _foreign(os.fstat(file)):
            msg = "it is no file of this user's own"
            raise Unproven(msg)
        data = until(file, limit + 1)
    except OSError as problem:
        raise Unproven("it cannot be read") from problem
    finally:
        os.close(file)
    if len(data) > limit:
        msg = "it is too long"
        raise Unproven(msg)
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        raise Unproven("it is no text") from problem


def _foreign(about: os.stat_result) -> bool:
    return about.st_uid not in (os.geteuid(), 0) or bool(about.st_mode & stat.S_IWOTH)


def mapping(path: str, limit: int, follow: bool = False) -> dict[str, object] | None:
    """Return the JSON object in the file `path`, None if there is no file. See `read`. Raises Unproven."""
    text = read(path, limit, follow)
    return None if text is None else parsed(text)


def parsed(text: str) -> dict[str, object]:
    """Return the JSON object in `text`. Raises Unproven."""
    try:
        value = from_json(text)
    except (ValueError, RecursionError) as problem:
        raise Unproven("it is no JSON") from problem
    if not isinstance(value, dict):
        msg = "it is no JSON object"
        raise Unproven(msg)
    return value


def is_private(path: str) -> bool:
    """Tell whether the folder `path` belongs to this user and not every user may write to it."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & stat.S_IWOTH
