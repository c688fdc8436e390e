"""Git worktrees for agents: make one, use its own again, and remove it when nothing in it would be lost.

A worktree of an agent has a file of xats in its private git folder, which says whose it is. xats never uses or removes
a worktree without that file. `.worktrees/` goes into .git/info/exclude, so no tracked file changes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import time
from contextlib import contextmanager, suppress

from xats.base import faults, sidefile
from xats.base.errors import NotFound, Refused, Usage, XatsError
from xats.base.record import record
from xats.crews import git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

LEFT = "Nothing was started."
FOLDER = ".worktrees"
MARK = "xats.json"
PATIENCE = 30.0  # seconds for which git may go on with a worktree after its command was killed
LARGEST = 1 << 16  # bytes of that file
SHOWN = 20  # files that are listed
COPY, SETUP = "XATS_WORKTREE_COPY", "XATS_WORKTREE_SETUP"


class WorktreeTaken(Refused):
    """The worktree belongs to another agent, or to a person."""

    code = "worktree_taken"


@record
class Worktree:
    """A worktree of an agent."""

    path: str
    branch: str
    base: str | None  #: the branch that it started from; None: no branch was checked out


@record
class Removed:
    """What became of a worktree that was to be removed."""

    path: str
    removed: bool
    why: str = ""
    left: tuple[str, ...] = ()  #: the files that are left in it
    gone: bool = False  #: whether there is no such folder any more


# -- making ------------------------------------------------------------------------------------------------------------


def prepare(
    folder: str,
    name: str,
    agent: str,
    branch: str | None,
    settings: Mapping[str, str],
    say: Callable[[str], None],
    leads: Callable[[str], bool] = lambda _: False,
) -> str:
    """Make the worktree of the agent `agent` (NAME@TEAM), or use its own again; return its path.

    It belongs to the repository around `folder`. A new branch starts at the commit that is checked out there. `branch`
    is the one to check out; by default it is xats/NAME. `leads` tells whether a former address leads to the agent: the
    worktree that it had before a rename stays its own. Raises WorktreeTaken, GitFailed, Usage outside of a repository,
    and XatsError if the user's command to prepare it fails.
    """
    top = _main(folder)
    path, wanted = os.path.join(top, FOLDER, name), f"xats/{name}" if branch is None else branch
    if not git.holds(top, "check-ref-format", "--branch", wanted):
        msg = f"git does not take {wanted[:80]!r} as the name of a branch. {LEFT}"
        raise Usage(msg, "--branch feature-x")

    def owns(said: str) -> bool:
        return said.lower() == agent.lower() or leads(said)

    with _writing(path), _locked(top):
        if not os.path.lexists(path):
            path = _before_a_rename(top, owns) or path
        if os.path.lexists(path):
            _complete(top, path, owns)
            about = _own(top, path, agent, owns)
            if branch is not None and about["branch"] != branch:
                msg = f"The worktree {path} of {agent} is for the branch {about['branch']}. {LEFT}"
                raise WorktreeTaken(msg, f"leave --branch out, or remove it: xats down {name} --worktree")
        else:
            _forget_missing(top, path, owns)
            about = _make(folder, top, path, agent, wanted)
        if not about["prepared"]:
            _copy(top, path, settings.get(COPY, ""), say)
            _set_up(path, settings.get(SETUP, ""), say)
        if not about["prepared"] or about["agent"] != agent:
            _mark(path, {**about, "agent": agent, "prepared": True})
    return path


@contextmanager
def _writing(path: str) -> Iterator[None]:
    """Raise GitFailed where the system does not let xats read or write what the worktree at `path` needs."""
    try:
        yield
    except OSError as problem:
        where = f" ({problem.filename})" if problem.filename else ""
        msg = f"xats cannot make the worktree {path}: {problem.strerror}{where}. {LEFT}"
        raise git.GitFailed(msg, shlex.join(("ls", "-ld", problem.filename or path))) from problem


def agent_of(path: str) -> str | None:
    """Return the address of the agent for which xats made the worktree at `path`, as it was then; None if it did not.

    Raises NotFound without git.
    """
    about = _about(path)
    return str(about["agent"]) if about else None


def of_folder(path: str, *names: str) -> Worktree | None:
    """Return the worktree at `path` if it belongs to the agent with the `names` (each NAME@TEAM), else None."""
    about = _about(path)
    if about is None or about["agent"].lower() not in [one.lower() for one in names]:
        return None
    return Worktree(path, about["branch"], about["base"])


def _main(folder: str) -> str:
    """Return the top folder of the main worktree of the repository around `folder`. Raises Usage, GitFailed."""
    try:
        bare = git.run(folder, "rev-parse", "--is-bare-repository") == "true"
    except git.GitFailed as problem:
        if "not a git repository" not in str(problem):  # git does not trust its owner, for example
            raise
        msg = f"--worktree needs a git repository, and {folder} is not in one. {LEFT}"
        raise Usage(msg, "git init, or leave --worktree out") from problem
    common, own = _common(folder), git.run(folder, "rev-parse", "--absolute-git-dir")
    if not bare and git.run(folder, "rev-parse", "--is-inside-work-tree") != "true":
        msg = f"{folder} is a folder of git itself, and not of a worktree. {LEFT}"
        raise Usage(msg, "name the folder of your project: --cwd FOLDER")
    if not git.holds(folder, "rev-parse", "--verify", "-q", "HEAD"):
        msg = f"--worktree needs a first commit in this repository. {LEFT}"
        raise Usage(msg, "git commit")
    if not bare and os.path.realpath(own) == os.path.realpath(common):
        return git.run(folder, "rev-parse", "--show-toplevel")
    top = _worktree_of(common)
    if top is None:
        msg = f"This repository has no main worktree (it is bare), so xats makes no worktree in it. {LEFT}"
        raise Usage(msg, "git worktree add FOLDER, and: xats launch ... --cwd FOLDER")
    return top


def _common(folder: str) -> str:
    """Return the git folder that all worktrees of the repository around `folder` share. Raises GitFailed."""
    said = git.run(folder, "rev-parse", "--git-common-dir")  # older than --path-format=absolute, of git 2.31
    return os.path.normpath(os.path.join(folder, said))


def _worktree_of(common: str) -> str | None:
    """Return the top folder of the main worktree whose git folder is `common`; None if it is bare.

    A submodule, and the like, says it there: https://git-scm.com/docs/git-config (core.worktree).
    """
    config = os.path.join(common, "config")
    if git.holds(common, "config", "-f", config, "--get", "core.worktree"):
        top = os.path.join(common, git.run(common, "config", "-f", config, "--get", "core.worktree"))
    elif os.path.basename(common) == ".git":
        top = os.path.dirname(common)
    else:
        return None
    top = os.path.normpath(top)
    if not os.path.isdir(top) or git.run(top, "rev-parse", "--is-bare-repository") == "true":
        return None
    return top


@contextmanager
def _locked(top: str) -> Iterator[None]:
    """Let one command at a time make a worktree of the repository at `top`. Another one waits."""
    import fcntl

    folder = os.open(_common(top), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some file systems lock no folder
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _begun(top: str, path: str) -> str:
    """Return the path of the file that says whose worktree is being made at `path`."""
    return os.path.join(_common(top), f"xats-{os.path.basename(path)}.json")


def _complete(top: str, path: str, owns: Callable[[str], bool]) -> None:
    """Complete the worktree at `path` if a command was killed while it made it for this agent.

    git goes on after its command was killed, so this waits for git first. A worktree with any work in it is left alone.
    """
    folder, name = os.path.split(_begun(top, path))
    about = _read(folder, name)
    if about is None or not owns(about["agent"]) or _about(path):
        return
    until = time.monotonic() + PATIENCE
    while not _is_whole(path):
        if time.monotonic() > until:
            return
        time.sleep(0.05)
    if not _status(path):
        _mark(path, about)
        os.unlink(_begun(top, path))


def _is_whole(path: str) -> bool:
    """Tell whether git has made the worktree at `path`."""
    try:
        inside = _git_folder(path)
    except git.GitFailed:
        return False
    return os.path.exists(os.path.join(inside, "index")) and not os.path.exists(os.path.join(inside, "index.lock"))


def _before_a_rename(top: str, owns: Callable[[str], bool]) -> str | None:
    """Return the path of a worktree that belongs to an agent, and has another name than the agent has now."""
    try:
        names = sorted(os.listdir(os.path.join(top, FOLDER)))
    except OSError:
        return None
    paths = [os.path.join(top, FOLDER, name) for name in names]
    return next((path for path in paths if (about := _about(path)) and owns(about["agent"])), None)


def _own(top: str, path: str, agent: str, owns: Callable[[str], bool]) -> dict[str, Any]:
    """Return what the file of xats says about the worktree at `path`. Raises WorktreeTaken if it is not of `agent`."""
    about = _about(path)
    if about is None or os.path.realpath(_common(path)) != os.path.realpath(_common(top)):
        msg = f"{path} exists, and xats has not made it for {agent}. {LEFT}"
        raise WorktreeTaken(msg, "move it away, or take another --name")
    if not owns(about["agent"]):
        msg = f"The worktree {path} belongs to {about['agent']}. {LEFT}"
        raise WorktreeTaken(msg, "take another --name")
    return about


def _forget_missing(top: str, path: str, owns: Callable[[str], bool]) -> None:
    """Let git forget the worktree at `path` of an agent, whose folder was removed by hand. Its branch stays.

    Raises WorktreeTaken if it is not known to belong to the agent.
    """
    private = _private(top, path)
    if private is None:
        return
    about = _read(private)
    if about is None or not owns(about["agent"]):
        msg = f"git has a worktree at {path}, whose folder is gone, and xats has not made it for this agent. {LEFT}"
        raise WorktreeTaken(msg, "git worktree prune, or take another --name")
    git.run(top, "worktree", "remove", "--force", path)


def _private(top: str, path: str) -> str | None:
    """Return the private git folder of the worktree at `path`, also if that is gone; None if git knows none there."""
    folder = os.path.join(_common(top), "worktrees")
    wanted = os.path.join(os.path.realpath(path), ".git")
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        with suppress(OSError), open(os.path.join(folder, name, "gitdir"), "rb") as file:
            said = os.fsdecode(file.read()).rstrip("\n")
            if os.path.realpath(os.path.join(folder, name, said)) == wanted:
                return os.path.join(folder, name)
    return None


def _make(here: str, top: str, path: str, agent: str, branch: str) -> dict[str, Any]:
    """Make the worktree at `path` on `branch`, which starts `here` if it is new; return what its file says."""
    base = git.run(here, "rev-parse", "--abbrev-ref", "HEAD")
    about = {"agent": agent, "branch": branch, "base": None if base in ("HEAD", branch) else base, "prepared": False}
    _exclude(top)
    begun = _begun(top, path)
    _write(begun, about)
    try:
        if git.holds(top, "rev-parse", "--verify", "-q", f"refs/heads/{branch}"):
            git.run(top, "worktree", "add", path, branch)
        else:
            git.run(here, "worktree", "add", "-b", branch, path, "HEAD")
        faults.point("worktree.made")
        _mark(path, about)
    finally:
        os.unlink(begun)
    return about


def _exclude(top: str) -> None:
    """Let git ignore the folder of the worktrees, by its own file that is not tracked."""
    if git.holds(top, "check-ignore", "-q", f"{FOLDER}/x"):
        return
    path = os.path.join(_common(top), "info", "exclude")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "ab+") as file:
        file.seek(0)
        text = file.read()
        file.write(b"\n" * (bool(text) and not text.endswith(b"\n")) + f"/{FOLDER}/\n".encode())


def _mark(path: str, about: Mapping[str, Any]) -> None:
    _write(os.path.join(_git_folder(path), MARK), about)


def _write(file: str, about: Mapping[str, Any]) -> None:
    from xats.base.jsontext import to_json

    sidefile.replace(file, to_json(dict(about)).encode())


def _about(path: str) -> dict[str, Any] | None:
    """Return what the file of xats says about the worktree at `path`, None if there is none. Raises NotFound."""
    try:
        return _read(_git_folder(path))
    except git.GitFailed:
        return None


def _read(private: str, name: str = MARK) -> dict[str, Any] | None:
    """Return what the file of xats in the private git folder of a worktree says, None if there is none."""
    import json

    try:
        found = json.loads(sidefile.read(os.path.join(private, name), LARGEST))
    except (OSError, ValueError, XatsError):
        return None
    whole = isinstance(found, dict) and {"agent", "branch", "base", "prepared"} <= found.keys()
    return found if whole and isinstance(found["agent"], str) and isinstance(found["branch"], str) else None


def _git_folder(path: str) -> str:
    """Return the private git folder of the worktree at `path`. Raises GitFailed if `path` is not the top of one."""
    if not os.path.isfile(os.path.join(path, ".git")):
        msg = f"{path} is not a worktree."
        raise git.GitFailed(msg)
    return git.run(path, "rev-parse", "--absolute-git-dir")


def _copy(top: str, path: str, names: str, say: Callable[[str], None]) -> None:
    """Copy the files `names` of the main worktree, as of worktree.copy, unless they are there."""
    for name in filter(None, map(str.strip, names.split(","))):
        parts = name.split("/")
        source, target = os.path.join(top, name), os.path.join(path, name)
        inside = os.path.realpath(os.path.dirname(target) or path)
        if os.path.isabs(name) or {"..", ".git", ""} & set(parts):
            say(f"  worktree.copy: {name} is not a file of this project, so it is not copied")
        elif os.path.islink(source) or not os.path.isfile(source):
            say(f"  worktree.copy: there is no file {name}")
        elif inside != os.path.realpath(path) and not inside.startswith(os.path.realpath(path) + os.sep):
            say(f"  worktree.copy: {name} leads out of the worktree, so it is not copied")
        elif not os.path.lexists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _set_up(path: str, command: str, say: Callable[[str], None]) -> None:
    """Run the user's `command` in the new worktree, with its output on standard error. Raises XatsError."""
    import subprocess
    import sys

    if not command:
        return
    say(f"  worktree.setup: {command}")
    sys.stderr.flush()
    done = subprocess.run(["sh", "-c", command], cwd=path, stdin=subprocess.DEVNULL, stdout=2, check=False)
    if done.returncode:
        msg = f"worktree.setup failed with exit {done.returncode} in {path}. {LEFT}"
        raise XatsError(msg, f"repair it there; the next launch runs it again: {command}")


# -- removing ----------------------------------------------------------------------------------------------------------


def remove(path: str, *names: str) -> Removed:
    """Remove the worktree of an agent if it is clean and merged into the branch that it started from.

    `names` are the address of the agent, then its former ones. The branch goes with it if xats made it. Raises
    GitFailed, NotFound.
    """
    if not os.path.lexists(path):
        return Removed(path, removed=False, why="its folder is gone", gone=True)
    found = of_folder(path, *names)
    if found is None:
        return Removed(path, removed=False, why=f"it is not a worktree that xats made for {names[0]}")
    top = _main(path)
    left = tuple(line[3:] + (" (ignored)" if line[:2] == "!!" else "") for line in _status(path, "--ignored"))
    if _status(path):
        return Removed(path, removed=False, why="it has changes that are not committed", left=left)
    why = _unmerged(path, found)
    if why:
        return Removed(path, removed=False, why=why, left=left)
    git.run(top, "worktree", "remove", path)
    if found.branch == f"xats/{os.path.basename(path)}":
        git.run(top, "branch", "-D", found.branch)
    return Removed(path, removed=True, left=left)


def is_dirty(path: str) -> bool | None:
    """Tell whether the worktree at `path` has changes that are not committed; None if that cannot be known."""
    try:
        return bool(_status(path)) if os.path.isdir(path) else None
    except (git.GitFailed, NotFound):
        return None


def _status(path: str, *more: str) -> list[str]:
    said = git.run(path, "status", "--porcelain", "--untracked-files=normal", *more)
    return said.split("\n") if said else []


def _unmerged(path: str, found: Worktree) -> str:
    """Return why the branch of a worktree counts as not merged, "" if it is merged.

    The same change in another commit counts as merged: https://git-scm.com/docs/git-patch-id.
    """
    if found.base is None:
        return "xats does not know the branch that it started from"
    base = f"refs/heads/{found.base}"
    if not git.holds(path, "rev-parse", "--verify", "-q", base):
        return f"the branch {found.base}, from which it started, is gone"
    branch = f"refs/heads/{found.branch}"
    heads = [branch, "HEAD"] if git.holds(path, "rev-parse", "--verify", "-q", branch) else ["HEAD"]
    return next((f"{found.base} lacks {lacks}" for head in heads if (lacks := _missing(path, base, head))), "")


def _missing(path: str, base: str, head: str) -> str:
    """Return in words how many commits of `head` are not in `base`, "" if all of them are."""
    if git.holds(path, "merge-base", "--is-ancestor", head, base):
        return ""
    if all(line.startswith("-") for line in git.run(path, "cherry", base, head).splitlines()):
        return ""
    fork = git.run(path, "merge-base", base, head)
    whole = _patch_ids(path, git.run(path, "diff", fork, head))
    theirs = _patch_ids(path, git.run(path, "log", "-p", "--no-merges", f"{fork}..{base}"))
    if whole and whole <= theirs:
        return ""
    count = git.run(path, "rev-list", "--count", f"{base}..{head}")
    return f"{count} commit{'s' if count != '1' else ''} of {head.removeprefix('refs/heads/')}"


def _patch_ids(path: str, text: str) -> set[str]:
    """Return the patch ids of the patches in `text`."""
    said = git.run(path, "patch-id", "--stable", stdin=text.encode("utf-8", "surrogateescape") + b"\n")
    return {line.split()[0] for line in said.splitlines() if line}
