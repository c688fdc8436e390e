"""Read a text from a file (`@FILE`, `--file FILE`, or the name of a file) or from standard input (`-`)."""

from __future__ import annotations

import os
import sys

from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from xats.base.errors import XatsError
    from xats.cli.kit.context import Context

LARGEST = 1 << 20  # bytes; a longer text is refused
AT = "@FILE reads a file; give a text that begins with @ through standard input: -"


def given(text: str, what: str, kind: type[XatsError], left: str) -> str:
    """Return `text`, or what standard input holds when it is `-`. Raises what `read` does."""
    return read(text, what, kind, left) if text == "-" else text


def text(here: Context, said: str | None, file: str | None, what: str, kind: type[XatsError], left: str) -> str | None:
    """Return the text that an argument has `said` or that `--file` names; None if neither is given.

    `-` is standard input and `@FILE` is that file. `@@word` is the text `@word`. An `@word` that names no file, or a
    folder, is a text; a remark on stderr says so, but not with --json. Raises what `read` does, also for a file that
    this user may not read, and Usage if both are given.
    """
    if file is not None:
        return document(here, said, file, what, kind, left)
    if said is None or said[:1] != "@":
        return None if said is None else given(said, what, kind, left)
    name, word = said[1:], not any(char.isspace() for char in said)
    if word and name[:1] == "@":
        return name
    missing = "" if name == "-" else _missing(name)
    if not missing:
        return read(name, what, kind, left, AT)
    if word and name and not here.json:
        shown = render.one_line(said)
        render.note(f"{missing}: the {what} is the text {shown}; to mean the text, write @{shown}")
    return said


def _missing(name: str) -> str:
    """Return in words why there is no file `name`; "" if there is one, or if this user may not look."""
    from stat import S_ISDIR

    try:
        is_folder = S_ISDIR(os.stat(name).st_mode)
    except PermissionError:
        return ""
    except (OSError, ValueError):
        return f"there is no file {render.one_line(name)}"
    return f"{render.one_line(name)} is a folder" if is_folder else ""


def document(
    here: Context, said: str | None, file: str | None, what: str, kind: type[XatsError], left: str
) -> str | None:
    """Return what `text` does where no text begins with `@`, as in JSON: `@FILE` must name a file."""
    del here
    if file is not None:
        return read(path(said, file, what, left), what, kind, left)
    if said is None or said[:1] != "@":
        return None if said is None else given(said, what, kind, left)
    return read(said[1:], what, kind, left, AT)


def path(said: str | None, file: str | None, what: str, left: str) -> str:
    """Return the file that an argument names, as FILE or `@FILE`, or that `--file` names; `-` is standard input.

    Raises Usage unless exactly one is given.
    """
    from xats.base.errors import Usage

    if said is not None and file is not None:
        msg = f"--file and the {what} as an argument exclude each other. {left}"
        raise Usage(msg, "give one of them")
    if file is not None:
        return file
    if said is None:
        msg = f"The {what} is missing. {left}"
        raise Usage(msg, "name its file, or - for standard input")
    return said[1:] if said[:1] == "@" and not os.path.exists(said) else said


# Names of pipes that are open already, as a shell makes them: cat <(xats ...). They have a writer or have ended.
OPEN = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def opened(source: str) -> BinaryIO:
    """Open the file `source` for reading. Raises OSError, also for what is no regular file: a FIFO would block xats."""
    import errno
    from stat import S_ISDIR, S_ISREG

    number = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(number).st_mode
        if S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), source)
        if not S_ISREG(mode) and not source.startswith(OPEN):
            raise OSError(errno.EINVAL, "Not a regular file", source)
        os.set_blocking(number, True)
        return open(number, "rb")
    except OSError:
        os.close(number)
        raise


def read(source: str, what: str, kind: type[XatsError], left: str, hint: str = "") -> str:
    """Return the text in the file `source`, or on standard input if that is `-`.

    Raises Interrupted after Ctrl-C, and `kind` if the text cannot be read, is longer than LARGEST or is not UTF-8. The
    message names it by `what`, and `left` says what was not done. `hint` says how to fix a text that cannot be read.
    """
    where = "standard input" if source == "-" else source
    try:
        if source != "-":
            with opened(source) as file:
                data = file.read(LARGEST + 1)
        elif sys.stdin is None:
            raise OSError(0, "it is closed")
        else:
            if sys.stdin.isatty():
                render.say(f"type the {what}; Ctrl-D on a line of its own ends it")
            data = sys.stdin.buffer.read(LARGEST + 1)
    except KeyboardInterrupt:
        raise render.interrupted(left) from None
    except OSError as problem:
        msg = f"The {what} cannot be read: {problem.strerror}: {where}. {left}"
        raise kind(msg, hint) from problem
    if len(data) > LARGEST:
        msg = f"The {what} has more than 1 MiB (1,048,576 bytes): {where}. {left}"
        raise kind(msg, "put it into a file and give its path" if source == "-" else "")
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        msg = f"The {what} is not UTF-8 (byte {problem.start}): {where}. {left}"
        raise kind(msg, "give text; for other data give the path of a file") from problem
