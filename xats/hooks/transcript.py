"""Read a program's own record of the conversation: whether it answered a turn with mail, or took the turn back.

When a person breaks a turn off, Gemini takes back all of it. Claude Code and Qwen Code take back a prompt that has no
answer yet. The model then does not know the mail that came with it. Their records are JSON lines that only grow. Seen
in Claude Code 2.1.332, Gemini CLI 0.61 and Qwen Code 0.24.4. xats ignores what it does not understand in them.
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
    """Tell whether the model has answered the last mail; None where the record does not show that."""
    if call.hooks.answered is None:
        return None
    return call.hooks.answered(_tail(call.payload.get("transcript_path")), FIRST)


def _tail(path: object) -> list[str]:
    """Return the last lines of the file at `path`. The first one may be incomplete."""
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
