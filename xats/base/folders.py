"""The folders of this user: where the home folder and those of the XDG base directory specification are.

https://specifications.freedesktop.org/basedir-spec/latest/: "All paths set in these environment variables must be
absolute. If an implementation encounters a relative path in any of these variables it should consider the path invalid
and ignore it." A folder is created with mode 0700, as it says, too.
"""

from __future__ import annotations

import os
import stat
import sys

from xats.base.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class NoHome(Usage):
    """There is no home folder for this user."""

    code = "no_home"


def home(environ: Mapping[str, str]) -> str:
    """Return the home folder: HOME if that is an absolute path, else that of the account. Raises NoHome."""
    given = environ.get("HOME", "")
    if os.path.isabs(given):
        return given
    import pwd

    try:
        account = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a number without an account, as containers have
        account = ""
    if os.path.isabs(account):
        return account
    said = f"HOME is {given!r}, which is not an absolute path" if given else "HOME is not set"
    msg = f"xats does not know your home folder: {said}, and user id {os.getuid()} has no account."
    raise NoHome(msg, "export HOME=FOLDER, or keep the store elsewhere: export XATS_HOME=FOLDER")


def state(environ: Mapping[str, str]) -> str:
    """Return the folder for state: XDG_STATE_HOME if absolute, else ~/.local/state. Raises NoHome."""
    return _xdg(environ, "XDG_STATE_HOME", ".local/state")


def kept(environ: Mapping[str, str]) -> str:
    """Return the folder in which xats keeps its files: XATS_HOME, else XDG_STATE_HOME/xats, else ~/.local/state/xats.

    Raises NoHome.
    """
    if environ.get("XATS_HOME"):
        return expanded(environ["XATS_HOME"], environ)
    return os.path.join(state(environ), "xats")


def config(environ: Mapping[str, str]) -> str:
    """Return the folder for settings: XDG_CONFIG_HOME if absolute, else the usual one of the system. Raises NoHome.

    On macOS that is ~/Library/Application Support, elsewhere ~/.config.
    """
    return _xdg(environ, "XDG_CONFIG_HOME", "Library/Application Support" if sys.platform == "darwin" else ".config")


def _xdg(environ: Mapping[str, str], variable: str, usual: str) -> str:
    given = environ.get(variable, "")
    return given if os.path.isabs(given) else os.path.join(home(environ), usual)


def expanded(path: str, environ: Mapping[str, str]) -> str:
    """Return `path` as an absolute path; a `~` in front is the home folder, as in a shell. Raises NoHome.

    A shell does not expand the `~` in `--db=~/x.db` or in quotes.
    """
    if path == "~" or path.startswith("~/"):
        path = home(environ) + path[1:]
    return os.path.abspath(path)


def make(folder: str) -> None:
    """Create `folder` and each missing folder above it with mode 0700, whatever the umask is. Raises OSError."""
    above = os.path.dirname(folder)
    if above and above != folder and not os.path.isdir(above):
        make(above)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
        return
    about = os.lstat(folder)
    if stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and about.st_mode & 0o777 != 0o700:
        os.chmod(folder, 0o700)  # the umask has taken away more
