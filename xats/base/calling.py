"""How an agent's shell calls xats: by its name where that is in the PATH, else by its path.

The line that is pasted to wake an agent ends with that call. The hooks name it too, and recognise the line by it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "xats"
RUN = "- run: "  # stands before the call in the line that wakes an agent
PLAIN = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+,:=%@"
)  # characters that need no quotes


def script() -> str | None:
    """Return the absolute path of the program `xats` that this process is, None where Python runs it otherwise.

    A link is not followed: that of an installer stays where it is when the program behind it is replaced.
    """
    called = sys.argv[0]
    if os.path.basename(called) == NAME and os.path.isfile(called):
        return os.path.abspath(called)
    return find(os.environ) if called == NAME else None


def find(environ: Mapping[str, str]) -> str | None:
    """Return the path of the `xats` that a shell with the environment `environ` finds, or None.

    It skips a folder that is not absolute, whose meaning changes with the working directory.
    """
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, NAME)
        if os.path.isabs(folder) and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def path_for(environ: Mapping[str, str], *, login: bool = False) -> str | None:
    """Return how a shell with the environment `environ` calls xats: `xats`, else the absolute path of this program.

    With `login` it is a login shell, which sets its PATH itself: only a folder that is in every such PATH counts. If
    Python runs this without a program, the path is that of the program beside the interpreter. None: there is none.
    """
    found = find(environ)
    if found and (not login or is_usual(found, environ)):
        return NAME
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), NAME)
    return script() or found or (beside if os.access(beside, os.X_OK) and os.path.isfile(beside) else None)


def is_usual(path: str, environ: Mapping[str, str]) -> bool:
    """Tell whether the folder of `path` is usually in the PATH of a login shell."""
    usual = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", environ.get("HOME", "") + "/.local/bin")
    return os.path.dirname(path) in usual


def spelled(path: str | None) -> str:
    """Return `path`, a value of `path_for`, as a word of a shell, quoted where it needs quotes.

    The word is `xats` where the path is not known or is not printable.
    """
    if path is None or not path.isprintable() or not os.path.isabs(path):
        return NAME
    return quoted(path)


def quoted(word: str) -> str:
    """Return `word`, quoted for a shell where it needs quotes; shlex.quote would import `re` on hot paths.

    A word that is not printable becomes $'...' (POSIX.1-2024, 2.2.4), which a terminal can show and a shell can read.
    """
    if word and PLAIN.issuperset(word):
        return word
    if word.isprintable():
        return "'" + word.replace("'", "'\"'\"'") + "'"
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(character: str) -> str:
    """Return a character as it stands in $'...': a byte that is not UTF-8, and a control character, in octal."""
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    is_byte = "\udc80" <= character <= "\udcff"
    data = bytes([ord(character) & 0xFF]) if is_byte else character.encode(errors="replace")
    return "".join(f"\\{byte:03o}" for byte in data)


def is_wake(text: str) -> bool:
    """Tell whether `text` contains the line that wakes an agent, with any path of xats."""
    _, found, after = text.partition(RUN)
    return bool(found) and (f"{NAME} inbox" in after or f"{NAME}' inbox" in after)
