"""An error that no code expected, which is a bug of xats: one line for the person, and a log for the report."""

from __future__ import annotations

import os

from xats.base.errors import XatsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOG_SIZE = 256 << 10  # bytes; then the file is renamed to LOG.1
DEBUG = "XATS_DEBUG"  # with this variable, the traceback of an error is printed too: see verbose.py


class Unexpected(XatsError):
    """An unexpected error."""

    code = "unexpected"


def report(problem: Exception, words: Sequence[str], environ: Mapping[str, str]) -> Unexpected:
    """Write the traceback of `problem` to the error log beside the store, and return the error for the person.

    `words` is the command line. The log has its verb and no other word of it, because a word may be a text.
    """
    import traceback

    trace = "".join(traceback.format_exception(problem))
    said = f"{type(problem).__name__}: {problem}".removesuffix(": ")
    log = _write(_entry(words, trace), words, environ)
    if log is None:
        hint = f"run the command again with {DEBUG}=1 for the details, and report them to the authors of xats"
        return Unexpected(f"Unexpected error: {said}", hint)
    hint = f"details: {log} - report its last entry to the authors of xats; remove private text from it first"
    return Unexpected(f"Unexpected error: {said}", hint, log=log)


def _entry(words: Sequence[str], trace: str) -> str:
    """Return an entry of the log: when, which release, on what, which verb, and the traceback."""
    import platform
    import time

    from xats import __version__
    from xats.cli.kit.verbs import VERBS

    plain = [word for word in words if not word.startswith("-")]
    verb = next((path for path in (" ".join(plain[:2]), " ".join(plain[:1])) if path in VERBS), "")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    program = f"xats {__version__}, Python {platform.python_version()}, {platform.platform()}"
    return f"{at} {program}, verb: {verb or '-'}\n{trace.rstrip()}\n\n"


def _write(entry: str, words: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Write `entry` to the log and return the path of the log; None if that fails. No folder is created."""
    from xats.base import sidefile
    from xats.cli.kit import hints
    from xats.store.sqlite.paths import default_path, folder_of, given_path

    try:
        asked = hints.given(words).get("--db")
        path = given_path(asked, environ) if asked else default_path(environ)
        if not os.path.isdir(folder_of(path)):
            return None
        log = sidefile.path_for(path, "errors.log")
        sidefile.append(log, entry.encode(errors="replace"), LOG_SIZE)
        return log
    except (OSError, XatsError):
        return None
