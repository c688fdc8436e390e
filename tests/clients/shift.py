"""One step of the work of an agent: what a real program runs with its shell tool when the model works (mock_model.py).

    python -m tests.clients.shift LOG

It reads the mail, or approves or does one task (xats/demo/worker.py), and says WORK LEFT if there may be more. A task
takes TASK seconds, so that programs are killed in the middle of one. It notes the mail in LOG, each with the process of
the program that runs it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from functools import partial

from tests.clients.mock_model import MORE
from tests.support.crews import parent, words_of
from xats.demo import commands, worker

PROGRAMS = ("claude", "codex", "opencode")
TASK = 4.0  # seconds
COMMIT = worker.commit


def is_program(words: list[str]) -> bool:
    """Tell whether a process with these `words` is one of the programs, or the node in which one runs."""
    return any(os.path.basename(word) in PROGRAMS for word in words[:2])


def program() -> int:
    """Return the pid of the highest process above this one that is one of the programs; 0 if there is none."""
    pid, found = os.getpid(), 0
    while pid > 1:
        pid = parent(pid)
        if is_program(words_of(pid, "cmdline")):
            found = pid
    return found


def commit(*words) -> str:
    """Work for a while, and commit as the demo agent does."""
    time.sleep(TASK)
    return COMMIT(*words)


def main(log: str) -> None:
    above = program()
    name = os.environ["XATS_AGENT"].partition("@")[0]
    # The shell of a program that was killed may run on: the next one waits for it.
    lock = os.open(f"{log}-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    said = commands.ask("whoami").get("agent", {})
    me = commands.Me(name, role=said.get("role"), registered=True, works=True, log=log)
    worker.note = partial(commands.note, pid=above)
    worker.commit = commit
    commands.note(me, pid=above, role=me.role)
    went = worker.read_mail(me) or worker.approve(me, set()) or worker.go_on(me) or worker.begin(me)
    print(MORE if went else "no work is left", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
