"""Read a text from a file (`@FILE`, or the name of a file) or from standard input (`-`)."""

from __future__ import annotations

import sys

from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.errors import XatsError

LARGEST = 1 << 20  # bytes; a longer text is refused
AT = "@FILE reads a file; give a text that begins with @ through standard input: -"


def given(text: str, what: str, kind: type[XatsError], left: str) -> str:
    """Return `text`, or what standard input holds when it is `-`. Raises what `read` does."""
    return read(text, what, kind, left) if text == "-" else text


def given_or_file(text: str, what: str, kind: type[XatsError], left: str) -> str:
    """Return what `given` does, or what the file holds that `@FILE` names. Raises what `read` does."""
    return read(text[1:], what, kind, left, AT) if text[:1] == "@" else given(text, what, kind, left)


def read(source: str, what: str, kind: type[XatsError], left: str, hint: str = "") -> str:
    """Return the text in the file `source`, or on standard input if that is `-`.

    Raises `kind` if it cannot be read, is longer than LARGEST or is not UTF-8. The message names it by `what`, and
    `left` says what was not done. `hint` says how to fix a text that cannot be read.
    """
    where = "standard input" if source == "-" else source
    try:
        if source != "-":
            with open(source, "rb") as file:
                data = file.read(LARGEST + 1)
        elif sys.stdin is None:
            raise OSError(0, "it is closed")
        else:
            if sys.stdin.isatty():
                render.say(f"type the {what}; Ctrl-D on a line of its own ends it")
            data = sys.stdin.buffer.read(LARGEST + 1)
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
