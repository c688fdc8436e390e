"""The small agent, the commands of xats that it runs, and its log of what it gets."""

from __future__ import annotations

import json
import os
import shlex
import subprocess

from xats.base import python
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

XATS = python.words()


@record
class Me:
    """The agent."""

    name: str
    role: str | None = None
    registered: bool = False  #: whether `xats launch` has registered it
    works: bool = False  #: whether it does tasks
    log: str | None = None  #: the file to which it appends what it gets


def xats(*words: str) -> int:
    """Print the command and run xats."""
    print(f"$ xats {shlex.join(words)}", flush=True)
    return subprocess.run([*XATS, *words], check=False).returncode


def ask(*words: str) -> dict[str, Any]:
    """Run xats with --json and return its document; an empty one if it failed."""
    done = subprocess.run([*XATS, *words, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def note(me: Me, **what: Any) -> None:
    """Append what the agent got to its log, if it has one: one line in one write, since several agents may share it."""
    if me.log is None:
        return
    file = os.open(me.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, f"{json.dumps({'agent': me.name, 'pid': os.getpid(), **what})}\n".encode())
    finally:
        os.close(file)
