"""Find the tmux program. A daemon that cron or a bare shell has started finds the same one as its user."""

from __future__ import annotations

import os
import stat

from xats import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "XATS_TMUX"
USUAL = (
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/opt/homebrew/bin",
    "/opt/local/bin",
    "/usr/pkg/bin",
    "/home/linuxbrew/.linuxbrew/bin",
    "/run/current-system/sw/bin",
)


def find(environ: Mapping[str, str], server: int | None = None) -> str | None:
    """Return the path of the tmux program, or None when there is none.

    XATS_TMUX names it, by a path or a name. By default it is `tmux` in one of `folders`; where there is none, it is the
    program of the running tmux server with the pid `server`, if only root and this user can write that file.
    """
    name = settings.value(VARIABLE, environ) or "tmux"
    if "/" in name:
        return name if _runs(name) else None
    for folder in folders(environ):
        path = os.path.join(folder, name)
        if _runs(path):
            return path
    return of_server(server) if server else None


def missing(environ: Mapping[str, str]) -> str:
    """Return the message for the case that `find` finds none."""
    wanted = settings.value(VARIABLE, environ)
    return f"there is no program {wanted}" if wanted else "tmux is not installed"


def folders(environ: Mapping[str, str]) -> list[str]:
    """Return the folders to search for programs, each once: those of PATH, the usual ones, the system's.

    Relative ones are left out, because they depend on the working directory.
    """
    given = environ.get("PATH", "").split(os.pathsep)
    system = (os.confstr("CS_PATH") or "").split(os.pathsep)  # what `getconf PATH` prints
    return list(dict.fromkeys(folder for folder in (*given, *USUAL, *system) if os.path.isabs(folder)))


def of_server(pid: int) -> str | None:
    """Return the program of the process `pid`, if only root and this user can write that file. Only Linux tells it.

    Its path is in /proc (proc_pid_exe(5)), so xats can run it even after an upgrade has replaced the file.
    """
    path = f"/proc/{pid}/exe"
    try:
        found = os.stat(path)
    except OSError:
        return None
    trusted = found.st_uid in (0, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return path if trusted and os.access(path, os.X_OK) else None


def _runs(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
