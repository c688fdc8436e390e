"""The log of the hooks, beside the store. A hook does not report its failures to the program."""

from __future__ import annotations

import os
import time

from xats.base.errors import XatsError

LOG_SIZE = 64 << 10  # bytes; then the file is renamed to LOG.1


def note(path: str, client: str, event: str, problem: BaseException) -> None:
    """Write one line about `problem` to the log: its kind and its place, never what a person typed."""
    if isinstance(problem, XatsError):
        said = "store_busy" if problem.code == "store_busy" else f"{problem.code}: {problem}"
    else:
        said = type(problem).__name__
        if isinstance(problem, OSError) and problem.strerror:
            said += f" ({problem.strerror})"
        trace = problem.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        if trace:
            said += f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
    try:
        if not path:
            return
        from xats.base import sidefile

        log = sidefile.path_for(path, "hooks.log")
        if not os.path.isdir(os.path.dirname(log)):
            return
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f"{at} {client} {event or '-'} {said}".replace("\n", " ")[:500]
        sidefile.append(log, f"{line}\n".encode(errors="replace"), LOG_SIZE)
    except OSError:
        pass  # there is no other place to report it
