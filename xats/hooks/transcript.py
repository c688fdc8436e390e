"""What a program's own record of the conversation says: whether the turn that had mail was answered, or taken back.

When a person breaks a turn off, Gemini takes all of it back, and Claude Code and Qwen Code a prompt that was not
answered with a single word; the mail that came with it is then before nobody's eyes. Their records are JSON lines that
are only appended to. Seen in Claude Code 2.1.332, Gemini CLI 0.61 and Qwen Code 0.24.4; what is not understood in them
says nothing.
"""

from __future__ import annotations

import os

from xats.clients import records
from xats.hooks.letters import FIRST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.hooks.call import Call

TAIL = 256 << 10  # bytes


def answered(call: Call) -> bool | None:
    """Tell whether the model has answered to what it was told last; None where that cannot be seen."""
    if call.hooks.answered is None:
        return None
    return call.hooks.answered(_tail(call.payload.get("transcript_path")), FIRST)


def _tail(path: object) -> list[str]:
    """Return the last lines of the file at `path`; the first of them may be half a one."""
    if not isinstance(path, str) or not os.path.isabs(path):
        return []
    try:
        file = records.opened(path)
    except (OSError, ValueError):  # also a path that holds a NUL
        return []
    try:
        os.lseek(file, max(0, os.fstat(file).st_size - TAIL), os.SEEK_SET)
        return records.until(file, TAIL).decode(errors="replace").splitlines()
    except OSError:
        return []
    finally:
        os.close(file)
