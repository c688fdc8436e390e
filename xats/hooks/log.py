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
        if not path or not os.path.isdir(os.path.dirname(path)):
            return
        from xats.base import sidefile

        log = sidefile.path_for(path, "hooks.log")
        file = sidefile.own(log, os.O_WRONLY | os.O_APPEND)
        if os.fstat(file).st_size > LOG_SIZE:
            os.close(file)
            os.replace(log, f"{log}.1")
            file = sidefile.own(log, os.O_WRONLY | os.O_APPEND)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f"{at} {client} {event or '-'} {said}".replace("\n", " ")[:500]
        try:
            os.write(file, f"{line}\n".encode(errors="replace"))
        finally:
            os.close(file)
    except OSError:
        pass  # there is no other place to report it
