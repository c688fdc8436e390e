"""Settings: what the environment, the project's file and the user's file say, in this order.

A value from a file becomes the text that its variable would have (see keys.py), so code that reads variables reads the
files too. A project's file, xats.toml, can only make a guard stricter than the user's file or the default does. A
variable comes before both files; an empty one counts as not set.

Commands and hooks read a file only if it exists, and mostly a copy that was parsed before (copies.py). A faulty key
does not count and stops nothing. Commands report a fault once; `xats config list` and `xats doctor` report it until it
is corrected.
"""

from __future__ import annotations

import os

from xats.base import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from xats.settings.copies import Fingerprint, Values

USER, PROJECT = "config.toml", "xats.toml"
# The variables for which the daemon's value counts, not the value in the environment of `xats send`.
DAEMON = (
    "XATS_CLIENTS",
    "XATS_KEEP",
    "XATS_LADDER",
    "XATS_NOTIFY_DESKTOP",
    "XATS_QUIET_MS",
    "XATS_READ_WITHIN",
    "XATS_TMUX",
    "XATS_WAKE_COMMAND",
    "XATS_WAKE_OFF",
    "XATS_WAKE_TIMEOUT",
)

_known: dict[str, tuple[Fingerprint, Values]] = {}  # what this process read, by path


def user_path(environ: Mapping[str, str]) -> str | None:
    """Return where the user's file is, None if this user has no home folder."""
    try:
        return os.path.join(folders.config(environ), "xats", USER)
    except folders.NoHome:
        return None


def project_path(top: str) -> str:
    """Return where the settings file of a project is, for the worktree at `top`."""
    return os.path.join(top, PROJECT)


def clients(environ: Mapping[str, str]) -> str | None:
    """Return where the user's own client profiles are: XATS_CLIENTS, else `clients` in the folder for settings.

    None if this user has no home folder, so no settings.
    """
    try:
        if chosen := value("XATS_CLIENTS", environ):
            return folders.expanded(chosen, environ)
        return os.path.join(folders.config(environ), "xats", "clients")
    except folders.NoHome:
        return None


def of(
    environ: Mapping[str, str], projects: Iterable[str | None] = (), report: Callable[[str], None] | None = None
) -> Mapping[str, str]:
    """Return `environ` with the variables that only the user's file or one of `projects` sets.

    `projects` are paths of projects' files. `report` gets each fault of a file that was not reported before.
    """
    users = user(environ, report)
    theirs = [found for path in projects if path and (found := _file(path, environ, report)) and found.values]
    if not theirs and not (users and users.values):
        return environ
    values = dict(users.values) if users else {}
    for one in theirs:
        from xats.settings.stricter import stricter

        for name, text in one.values.items():
            values[name] = stricter(name, values.get(name, ""), text)
    return {**values, **{name: text for name, text in environ.items() if text or name not in values}}


def team(path: str, environ: Mapping[str, str]) -> str | None:
    """Return the team that the project's file at `path` names, None if there is no valid one in a file xats trusts."""
    found = _file(path, environ)
    return found.team if found else None


def value(name: str, environ: Mapping[str, str]) -> str:
    """Return the variable `name` of `environ`, else the value in the user's file, else "".

    It is for what no project may decide, such as which program runs.
    """
    if text := environ.get(name):
        return text
    users = user(environ)
    return users.values.get(name, "") if users else ""


def user(environ: Mapping[str, str], report: Callable[[str], None] | None = None) -> Values | None:
    """Return what the user's file says, the same object until it changes; None if there is no such file."""
    return user_file(user_path(environ), environ, report)


def user_file(
    path: str | None, environ: Mapping[str, str], report: Callable[[str], None] | None = None
) -> Values | None:
    """Return what `user` returns, for a caller that looks often and keeps the `path` (see `user_path`)."""
    return _file(path, environ, report, link=True) if path else None


def _file(
    path: str, environ: Mapping[str, str], report: Callable[[str], None] | None = None, *, link: bool = False
) -> Values | None:
    """Return what the file at `path` says, None if there is none. Only the user's file may be a `link`."""
    try:
        about = os.stat(path) if link else os.lstat(path)
    except (OSError, ValueError):
        return None
    now, known = fingerprint(about), _known.get(path)
    if known is None or known[0] != now:
        from xats.settings import copies

        known = _known[path] = (now, copies.values(path, now, environ, users=link))
    found = known[1]
    if report and found.faults and not found.reported:
        from xats.settings import copies

        for fault in found.faults:
            report(fault)
        found = copies.mark_reported(path, now, found, environ)
        _known[path] = (now, found)
    return found


def fingerprint(about: os.stat_result) -> Fingerprint:
    """Return what identifies the state of a file: device, inode, times, size, mode, owner."""
    times = about.st_mtime_ns, about.st_ctime_ns
    return about.st_dev, about.st_ino, *times, about.st_size, about.st_mode, about.st_uid
