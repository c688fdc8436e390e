"""Processes where there is no /proc, as on macOS: ps(1) and psutil answer. Only `xats.base.process` uses this."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


def argv(pid: int) -> list[str]:
    """Return the command line of `pid`, [] if it cannot be read."""
    import psutil

    try:
        return list(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):
        return []


def environ(pid: int) -> Mapping[str, str]:
    """Return the environment that `pid` was started with, {} if it cannot be read."""
    import psutil

    try:
        return dict(psutil.Process(pid).environ())
    except (psutil.Error, OSError):
        return {}


def folder(pid: int) -> str | None:
    """Return the working directory of `pid`, None if it cannot be read."""
    import psutil

    try:
        return str(psutil.Process(pid).cwd())
    except (psutil.Error, OSError):
        return None


def owner(pid: int) -> int | None:
    """Return the user id that `pid` runs as, None if there is no such process."""
    import psutil

    try:
        return int(psutil.Process(pid).uids().effective)
    except (psutil.Error, OSError):
        return None


def open_files(pid: int) -> list[str]:
    """Return the paths of the files that `pid` holds open, [] if they cannot be read."""
    import psutil

    try:
        return [file.path for file in psutil.Process(pid).open_files()]
    except (psutil.Error, OSError):
        return []


def listed(*which: str) -> Iterator[dict[str, Any]]:
    """Yield the fields of a `process.Process` for each process that ps(1) lists with the options `which`.

    psutil knows neither the process group nor the foreground group of a terminal.
    """
    import subprocess

    import psutil

    listing = ["ps", *which, "-o", "pid=,ppid=,pgid=,tpgid=,stat=,tty=,comm="]
    answer = subprocess.run(listing, stdin=subprocess.DEVNULL, capture_output=True, timeout=3, check=False)
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        pid, ppid, pgrp, tpgid, stat, tty, name = line.split(None, 6)
        if stat.startswith("Z"):
            continue
        try:
            since = round(psutil.Process(int(pid)).create_time() * 1000)
        except psutil.Error:
            continue
        yield {
            "pid": int(pid),
            "started": since,
            "name": os.path.basename(name),
            "ppid": int(ppid),
            "pgrp": int(pgrp),
            "tpgid": int(tpgid),
            "tty": _device(tty),
        }


def state_letter(pid: int) -> str:
    """Return the state of `pid` as ps(1) writes it, "" if there is no such process."""
    import subprocess

    listing = ["ps", "-p", str(pid), "-o", "stat="]
    answer = subprocess.run(listing, stdin=subprocess.DEVNULL, capture_output=True, timeout=3, check=False)
    return answer.stdout.decode("ascii", "replace").strip()[:1]


def _device(tty: str) -> int:
    """Return the device number of what ps calls `ttys003` or `pts/3`; `??`, `?` and `-` mean no terminal."""
    try:
        return os.stat(f"/dev/{tty}").st_rdev
    except OSError:
        return 0
