"""Text that xats stores or types: it is valid UTF-8 and contains no NUL character.

A NUL ends a text for every program that is written in C: the functions of SQLite, tmux and a shell would each see a
different text. Half of a surrogate pair cannot be stored at all.
"""

from __future__ import annotations

from xats.base.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.errors import XatsError

NUL = "\0"
HINT = "send text; for other data send the path of a file"


def check(
    text: str, what: str, kind: type[XatsError] = Usage, left: str = "Nothing was changed.", hint: str = HINT
) -> bytes:
    """Return `text` as UTF-8.

    Raises `kind` if it contains a NUL character or a lone surrogate. The message names the place in the `what` and
    ends with `left`, which says what was not done.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError as problem:
        number = ord(text[problem.start])
        # Python replaces the bytes of a command line that are not UTF-8 by these: PEP 383.
        seen = f"byte 0x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else f"U+{number:04X}"
        msg = f"The {what} is not valid UTF-8: {seen} at {_place(text, problem.start)}. {left}"
        raise kind(msg, hint) from problem
    if NUL in text:
        msg = f"The {what} contains a NUL character at {_place(text, text.index(NUL))}. {left}"
        raise kind(msg, hint)
    return data


def is_line(text: str, most: int) -> bool:
    """Tell whether `text` is one line of at most `most` characters."""
    return len(text) <= most and "\n" not in text and "\r" not in text


def line(text: str, what: str, most: int, hint: str) -> str:
    """Return `text` without space around it. Raises Usage unless it is one short line that a terminal can show.

    `most` is the number of characters that it may have, `what` names it in the error: "The purpose (--about)".
    """
    from xats.base.visible import one_line

    text = text.strip()
    check(text, what, hint=hint)
    if not is_line(text, most) or one_line(text) != text:
        msg = f"The {what} must be one line of at most {most} characters, without control characters."
        raise Usage(msg, hint)
    return text


def _place(text: str, index: int) -> str:
    """Return the place of the character `index` of `text` in words; lines and characters count from 1."""
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    return f"line {line}, character {column}" if "\n" in text.strip("\n") else f"character {index + 1}"
