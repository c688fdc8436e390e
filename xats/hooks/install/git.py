"""The pre-commit hook of a git repository: a few lines that run `xats lock guard`, between two marks.

xats writes only inside the repository's git directory. Elsewhere, such as in a folder of hooks that git tracks, the
file belongs to the project, and xats names the line to add. See githooks(5).
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess

from xats.base.errors import ProgramMissing, Refused
from xats.base.record import record, replace
from xats.hooks.install import command, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "pre-commit"
BEGIN = b"# >>> xats lock guard: xats lock uninstall-git-hook removes these lines >>>\n"
MADE = b"# xats made this file.\n"
END = b"# <<< xats lock guard <<<"
MARKS = (b"# >>> xats lock guard", END[:21], b" lock guard || [ $? -ne 4 ] || exit 4")
FIRST = b"#!/bin/sh\n"
SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")  # their programs can begin with our lines
MODE = 0o755  # of a new file; git runs only what is executable
PATIENCE = 10  # seconds for git, which takes some milliseconds
HUSKY = "_"  # husky generates the folder .husky/_ and runs the hooks in .husky from there


@record
class Place:
    """The file that git runs before a commit, and whether xats may write it."""

    path: str  #: the file; where xats must not write, the one to which a person adds the line
    usual: str  #: the file that it would be without core.hooksPath
    problem: str = ""  #: why xats adds nothing there, as the end of a sentence; "" if it may
    outside: bool = False  #: whether the file is outside of the git directory, where xats writes nothing at all


def line(words: Sequence[str]) -> str:
    """Return the line of a shell that runs the program `words` as guard.

    Only a refusal (exit 4) stops the commit. A program that is missing or fails does not, also under `set -e`.
    """
    run = f"{command.clean(words)}{shlex.join((*words, 'lock', 'guard'))}"
    there = f"command -v {shlex.quote(words[0])} >/dev/null 2>&1"
    return f"if {there}; then {run} || [ $? -ne 4 ] || exit 4; fi"


def find(folder: str | None = None) -> Place:
    """Return the hook of the repository around `folder`, by default the working directory.

    All worktrees of a repository have one hook; a submodule has its own. Raises Refused if there is no repository, and
    ProgramMissing without git.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    directory = _git(folder, "rev-parse", "--git-common-dir") if top else ""
    if not top or not directory:
        msg = "git finds no worktree of a repository here. Nothing was written."
        raise Refused(msg, "cd to a folder of the repository, and see: git status")
    common = os.path.realpath(os.path.join(folder or os.getcwd(), directory))
    given = _git(top, "config", "--type=path", "--get", "core.hooksPath")
    usual = os.path.join(common, "hooks", NAME)
    hooks = os.path.normpath(os.path.join(top, given)) if given else os.path.dirname(usual)
    path = os.path.join(hooks, NAME)
    if not _is_inside(path, common):
        if given and os.path.basename(hooks) == HUSKY:
            path = os.path.join(os.path.dirname(hooks), NAME)
        why = "core.hooksPath leads there" if given else "a link leads out of the git directory"
        return Place(path, usual, f"is not in the git directory of this repository ({why})", outside=True)
    return Place(path, usual, _unfit(path))


def _git(folder: str | None, *words: str) -> str:
    """Return the line that git prints for `words` in `folder`, "" if it fails. Raises ProgramMissing and Refused."""
    try:
        ran = subprocess.run(
            ("git", *words), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except FileNotFoundError as problem:
        msg = "git is not installed, so xats cannot tell where this repository has its hooks."
        raise ProgramMissing(msg, "install git") from problem
    except subprocess.TimeoutExpired as problem:
        msg = f"git did not answer within {PATIENCE} s: git {shlex.join(words)}"
        raise Refused(msg, "try again") from problem
    return os.fsdecode(ran.stdout).removesuffix("\n") if ran.returncode == 0 else ""


def _is_inside(path: str, folder: str) -> bool:
    """Tell whether the real file at `path` is in the real `folder`."""
    real = os.path.realpath(path)
    return real.startswith(os.path.join(os.path.realpath(folder), ""))


def _unfit(path: str) -> str:
    """Return why our lines cannot stand in the hook at `path`, "" if they can or there is no file."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):  # to open a pipe would wait for ever
            return "is not a regular file"
        with open(path, "rb") as file:
            first = file.readline(1000)
    except FileNotFoundError:
        return ""
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"
    if not mode & 0o111:
        return "is not executable, so git does not run it"
    if first.startswith(b"#!"):
        words = [os.path.basename(word) for word in os.fsdecode(first[2:]).split()]
        words = [word for word in words if not word.startswith("-") and word != "env"]
        return "" if words and words[0] in SHELLS else "is not a shell script"
    return "" if b"\0" not in first and first.isascii() else "is not a shell script"


def install(place: Place, words: Sequence[str]) -> bool:
    """Add our lines to the hook, behind its first line; return whether the file changed.

    Raises Refused where xats must not write, SettingsUnusable and SettingsBusy.
    """
    if place.problem:
        raise Refused(f"{place.path} {place.problem}. Nothing was written.", f"add this line to it: {line(words)}")
    file = files.read(place.path)
    before = file.data
    _refuse_damaged(place.path, before or b"")
    if before is None:
        data = FIRST + BEGIN + MADE + line(words).encode() + b"\n" + END + b"\n"
        file = replace(file, mode=MODE)
    else:
        made = MADE if MADE in (_ours(before) or (b"", b"", b""))[1] else b""
        rest = _without(before) if _ours(before) else before
        block = BEGIN + made + line(words).encode() + b"\n" + END
        head, end, tail = rest.partition(b"\n") if rest.startswith(b"#!") else (b"", b"", rest)
        # A first line without an end gets one; then our own last line has none, which uninstall can tell.
        data = head + b"\n" + block if head and not end else head + end + block + b"\n" + tail
    if data == before:
        return False
    files.replace(file, data, keep=False)
    return True


def uninstall(place: Place) -> list[str]:
    """Remove our lines, also those from before core.hooksPath was set; return the paths of the files that changed.

    A file that xats made goes if nothing else is in it. Raises Refused for our lines outside of the git directory,
    SettingsUnusable and SettingsBusy.
    """
    if place.outside and entry(place.path):
        msg = f"{place.path} has lines of xats, and {place.problem}. Nothing was written."
        raise Refused(msg, "remove the lines between the two marks of xats yourself")
    if place.outside and os.path.isfile(place.path):
        _refuse_damaged(place.path, files.read(place.path).data or b"")  # the line that a person has added
    paths = [place.usual] if place.outside else dict.fromkeys((place.path, place.usual))
    return [path for path in paths if _remove(path)]


def _remove(path: str) -> bool:
    """Remove our lines from the hook at `path`; return whether there were some."""
    if os.path.islink(path) and not os.path.exists(path):
        return False
    file = files.read(path)
    _refuse_damaged(path, file.data or b"")
    ours = _ours(file.data or b"")
    if not ours:
        return False
    rest = _without(file.data or b"")
    if MADE in ours[1] and rest == FIRST:
        files.delete(file)
    else:
        files.replace(file, rest, keep=False)
    return True


def _refuse_damaged(path: str, data: bytes) -> None:
    """Raise Refused if our lines in `data`, of the hook at `path`, do not stand once between their two marks."""
    ours = _ours(data)
    rest = _without(data) if ours else data
    if any(mark in rest or (ours and ours[1].count(mark) > 1) for mark in MARKS):
        msg = f"{path} has lines of xats lock guard, but not between their two marks. Nothing was written."
        raise Refused(msg, "remove the lines with 'xats lock guard' or 'lock guard ||' in them yourself, and try again")


def entry(path: str) -> tuple[str, ...] | None:
    """Return the program that our lines in the hook at `path` run, None if they are not there or were changed."""
    try:
        data: bytes | None = files.read(path).data
    except Refused:
        return None
    ours = _ours(data or b"")
    if not ours:
        return None
    for text in os.fsdecode(ours[1]).splitlines():
        start, found, _ = text.partition(" lock guard || ")
        if found:
            try:
                words = shlex.split(start.partition("; then ")[2])
            except ValueError:
                return None
            return tuple(word for word in words if not word.startswith("PYTHON"))
    return None


def _ours(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return `data` as what is before our lines, our lines, and the rest; None without both marks."""
    before, found, after = data.partition(BEGIN)
    inside, ended, rest = after.partition(END)
    return (before, found + inside + ended, rest) if found and ended else None


def _without(data: bytes) -> bytes:
    """Return `data` without our lines."""
    before, _, rest = _ours(data) or (data, b"", b"")
    return before + rest[1:] if rest.startswith(b"\n") else before.removesuffix(b"\n") + rest
