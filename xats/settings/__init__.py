"""Settings: what the environment, the project's file and the user's file say, in this order.

A value of a file is the text that its variable would have (see keys.py), so whoever reads variables reads files too.
A project's file, xats.toml, only makes a guard stricter than it is by the user's file or by default. A variable that is
set comes before both files, and one that is empty counts as not set.

A command and a hook read a file only if it exists, and then mostly a copy that was parsed before (copies.py). What is
wrong in a file does not count, and stops nothing: commands say it once, `xats config list` and `xats doctor` say it as
long as it is so.
"""

from __future__ import annotations

import os

from xats.base import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from xats.settings.copies import Mark, Values

USER, PROJECT = "config.toml", "xats.toml"
# The variables of which the daemon uses its own value, not that of the command that sends.
DAEMON = (
    "XATS_CLIENTS",
    "XATS_KEEP",
    "XATS_LADDER",
    "XATS_QUIET_MS",
    "XATS_READ_WITHIN",
    "XATS_TMUX",
    "XATS_WAKE_COMMAND",
    "XATS_WAKE_OFF",
    "XATS_WAKE_TIMEOUT",
)

_known: dict[str, tuple[Mark, Values]] = {}  # what this process has read, by path


def user_path(environ: Mapping[str, str]) -> str | None:
    """Return where the user's file is, None if this user has no home folder."""
    try:
        return os.path.join(folders.config(environ), "xats", USER)
    except folders.NoHome:
        return None


def project_path(top: str) -> str:
    """Return where the file of the project is whose worktree is at `top`."""
    return os.path.join(top, PROJECT)


def clients(environ: Mapping[str, str]) -> str | None:
    """Return where the user's own profiles of clients are: XATS_CLIENTS, else `clients` in the folder for settings.

    None if this user has no home folder, and so no settings.
    """
    try:
        if chosen := value("XATS_CLIENTS", environ):
            return folders.expanded(chosen, environ)
        return os.path.join(folders.config(environ), "xats", "clients")
    except folders.NoHome:
        return None


def of(
    environ: Mapping[str, str], projects: Iterable[str | None] = (), tell: Callable[[str], None] | None = None
) -> Mapping[str, str]:
    """Return `environ` with the variables that it does not set, and that the user's file or one of `projects` does.

    `projects` are paths of projects' files. `tell` is called with each fault of a file that was not said before.
    """
    users = user(environ, tell)
    theirs = [found for path in projects if path and (found := _file(path, environ, tell)) and found.values]
    if not theirs and not (users and users.values):
        return environ
    values = dict(users.values) if users else {}
    for one in theirs:
        from xats.settings.stricter import stricter

        for name, text in one.values.items():
            values[name] = stricter(name, values.get(name, ""), text)
    return {**values, **{name: text for name, text in environ.items() if text or name not in values}}


def value(name: str, environ: Mapping[str, str]) -> str:
    """Return the variable `name` of `environ`, else what the user's file says instead, else "".

    It is for what no project may decide, such as which program is run.
    """
    if text := environ.get(name):
        return text
    users = user(environ)
    return users.values.get(name, "") if users else ""


def user(environ: Mapping[str, str], tell: Callable[[str], None] | None = None) -> Values | None:
    """Return what the user's file says, the same object as long as it says the same; None if there is no such file."""
    return user_file(user_path(environ), environ, tell)


def user_file(path: str | None, environ: Mapping[str, str], tell: Callable[[str], None] | None = None) -> Values | None:
    """Return what `user` does, for who looks often and knows the `path` of the user's file: see `user_path`."""
    return _file(path, environ, tell, link=True) if path else None


def _file(
    path: str, environ: Mapping[str, str], tell: Callable[[str], None] | None = None, *, link: bool = False
) -> Values | None:
    """Return what the file at `path` says, None if there is none. Only the user's file may be a `link`."""
    try:
        about = os.stat(path) if link else os.lstat(path)
    except (OSError, ValueError):
        return None
    looks, known = mark(about), _known.get(path)
    if known is None or known[0] != looks:
        from xats.settings import copies

        known = _known[path] = (looks, copies.values(path, looks, environ, users=link))
    found = known[1]
    if tell and found.faults and not found.said:
        from xats.settings import copies

        for fault in found.faults:
            tell(fault)
        found = copies.say(path, looks, found, environ)
        _known[path] = (looks, found)
    return found


def mark(about: os.stat_result) -> Mark:
    """Return what a file looks like: device, inode, times, size, mode, owner. Each change of the file changes that."""
    times = about.st_mtime_ns, about.st_ctime_ns
    return about.st_dev, about.st_ino, *times, about.st_size, about.st_mode, about.st_uid
