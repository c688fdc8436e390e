"""The project that a folder belongs to: a repository with all its worktrees and submodules, or a folder without git.

xats finds it by the files of git (gitrepository-layout(5)), without running git. A `.git` file may name any repository.
So xats follows it only if that repository names it in return. Otherwise the folder of that file is the project. xats
ignores a `.git` of another user.
"""

from __future__ import annotations

import os

from xats.base import folders
from xats.base.errors import Usage
from xats.base.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "xats.toml"  # the project file; without git, the folder that holds one is the top of a project
LARGEST = 64 << 10  # bytes that xats reads of a file of git
ENTRIES = ("HEAD", "objects", "refs")  # git takes a folder with these for a git directory
DATED = ("description", os.path.join("info", "exclude"))  # `git init` writes them, and people seldom change them


@record
class Project:
    """A repository with all its worktrees, or a folder without git."""

    top: str  #: the folder of the main worktree, the one that holds the bare repository, or the folder without git
    path: str  #: the real path of the git common directory, or of the folder: the same in each worktree
    here: str  #: the top folder of this worktree
    name: str  #: the name that its team is named after
    is_git: bool
    problem: str | None = None  #: why xats does not follow a `.git` file
    fix: str | None = None  #: the command after which xats follows it

    @property
    def stamp(self) -> str | None:
        """A text that stays the same when the git common directory is moved; None without git, or if nothing tells.

        It is the inode, which `mv` keeps, and the time at which `git init` wrote a file that hardly changes: the system
        uses the inode of a removed directory again. A template of git without such a file leaves the time at which the
        directory was made, which not every file system keeps. The device number is not part of it, because it can
        change at each boot.
        """
        if not self.is_git:
            return None
        try:
            inode = os.stat(self.path).st_ino
        except OSError:
            return None
        for name in DATED:
            try:
                return f"{inode}:{name.rpartition('/')[2]}:{os.stat(os.path.join(self.path, name)).st_mtime_ns}"
            except OSError:
                continue
        from xats.base import birth

        made = birth.made_at(self.path)
        return f"{inode}:made:{made}" if made else None

    @property
    def team(self) -> str | None:
        """The team that its file xats.toml names, or None. It counts when xats first records the project."""
        path = os.path.join(self.here, FILE)
        if not os.path.lexists(path):
            return None
        from xats import settings

        return settings.team(path, os.environ)

    @property
    def remote(self) -> str | None:
        """The URL of the remote `origin`, without user and password, or None."""
        found = _setting(os.path.join(self.path, "config"), 'remote "origin"', "url") if self.is_git else None
        return _without_user(found) if found else None

    def worktrees(self) -> Iterator[str]:
        """Yield the top folders of the linked worktrees that exist."""
        try:
            names = sorted(os.listdir(os.path.join(self.path, "worktrees"))) if self.is_git else []
        except OSError:
            return
        for name in names:
            linked = os.path.join(self.path, "worktrees", name)
            entry = _link(os.path.join(linked, "gitdir"), linked)
            if entry and os.path.exists(entry):
                yield os.path.dirname(os.path.realpath(entry))

    def was_at(self, path: str) -> bool:
        """Tell whether this project was at `path`, where one with the same stamp was: that is gone, or is the same."""
        try:
            return os.path.samefile(path, self.path)
        except OSError:
            return not os.path.lexists(path)

    def is_gone(self, path: str) -> bool:
        """Tell whether `path` does not exist any more. A container can hide it, so the answer is False there."""
        from xats.base import host

        return not os.path.lexists(path) and not host.nested()


def find(start: str | None = None) -> Project | None:
    """Return the project of the folder `start`, by default the working directory; None if that was removed."""
    try:
        begin = os.path.realpath(start or os.getcwd())
        owner = os.stat(begin).st_uid
    except (OSError, ValueError):  # a hook can name a text that is not a valid path
        return None
    return _above(begin, owner) or _without_git(begin, owner)


def is_submodule(found: Project) -> bool:
    """Tell whether the worktree of `found` is that of a submodule, by its `.git` file."""
    named = _link(os.path.join(found.here, ".git"), found.here, "gitdir:")
    if named is None:
        return False
    directory = os.path.realpath(named)  # PATH/modules/NAME, or PATH/worktrees/NAME/modules/NAME
    return directory.startswith(f"{found.path}/") and "/modules/" in directory[len(found.path) :]


def _above(begin: str, owner: int) -> Project | None:
    """Return the repository that contains the folder `begin`, or None."""
    for folder in _upward(begin):
        entry = os.path.join(folder, ".git")
        if _is_trusted(entry, owner):
            return _of_entry(folder, entry, owner)
        if _is_git_directory(folder) and _is_trusted(os.path.join(folder, "HEAD"), owner) and not _is_module(folder):
            return _of_common(folder, folder)
    return None


def _without_git(begin: str, owner: int) -> Project:
    """Return the project of a folder without git: the nearest folder with a project file, or else the folder itself."""
    for name in (".bare", f"{os.path.basename(begin)}.git"):  # beside the folders of its branches
        bare = os.path.join(begin, name)
        if _is_git_directory(bare) and _is_trusted(bare, owner) and not os.path.islink(bare):
            return _of_common(bare, begin)
    top = next((one for one in _with_file(begin, owner) if one == begin or not _holds_home(one)), begin)
    return Project(top=top, path=top, here=top, name=os.path.basename(top), is_git=False)


def _with_file(begin: str, owner: int) -> Iterator[str]:
    """Yield `begin` and the folders above it that have a project file."""
    return (one for one in _upward(begin) if _is_trusted(os.path.join(one, FILE), owner))


def _holds_home(folder: str) -> bool:
    """Tell whether `folder` is the home folder or above it: such a folder contains more than one project."""
    try:
        home = os.path.realpath(folders.home(os.environ))
    except Usage:
        home = "/"
    return folder in _upward(home)


def ignored(found: Project) -> list[str]:
    """Return the project files above a project without git that do not count: see `_holds_home`."""
    if found.is_git or found.problem:
        return []
    owner = os.stat(found.top).st_uid
    return [os.path.join(one, FILE) for one in _with_file(found.top, owner) if one != found.top]


def _upward(folder: str) -> Iterator[str]:
    """Yield `folder` and all folders above it."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _of_entry(folder: str, entry: str, owner: int) -> Project:
    """Return the project of the worktree `folder`, whose `.git` is `entry`."""
    common = os.path.realpath(entry)
    if os.path.isdir(common):
        if common == entry and not os.path.exists(os.path.join(entry, "commondir")):
            return _of_common(entry, folder)
        return _of_git_directory(folder, entry, common, owner)
    named = _link(entry, folder, "gitdir:")
    if named is None:
        return _alone(folder, f"{entry} names no git directory")
    return _of_git_directory(folder, entry, os.path.realpath(named), owner)


def _of_git_directory(folder: str, entry: str, directory: str, owner: int) -> Project:
    """Return the project of the worktree `folder`, whose `.git` leads to the git `directory`.

    If that directory does not name the worktree in return, the project is the folder alone.
    """
    if not _is_trusted(directory, owner):
        why = f"{entry} leads to {directory}, which is missing or belongs to another user"
        return _alone(folder, why, _repair(folder))
    shared = _link(os.path.join(directory, "commondir"), directory)
    if shared is not None:
        common = os.path.realpath(shared)
        back = _link(os.path.join(directory, "gitdir"), directory)
        linked = os.path.dirname(directory) == os.path.join(common, "worktrees")
        if not (linked and back and _is_same(back, entry) and _is_trusted(common, owner)):
            says = back or "no worktree"
            return _alone(folder, f"{entry} leads to {directory}, which belongs to {says}", _repair(folder))
        return _of_module(common, folder, owner) or _of_common(common, folder)
    if os.path.dirname(directory) == folder and _is_git_directory(directory):  # beside the folders of its branches
        return _of_common(directory, folder)
    worktree = _setting(os.path.join(directory, "config"), "core", "worktree")
    if worktree is None or not _is_same(os.path.join(directory, worktree), folder):
        why = f"{entry} leads to {directory}, which does not name {folder} as its worktree"
        return _alone(folder, why, _naming(folder, directory, worktree))
    outer = _above(os.path.dirname(folder), owner)
    if outer and directory.startswith(f"{outer.path}/") and not _is_trusted(os.path.join(folder, FILE), owner):
        return replace(outer, here=folder, is_git=True, fix=None)
    return _of_common(directory, folder)


def _of_module(common: str, folder: str, owner: int) -> Project | None:
    """Return the project of `folder`, a worktree of the submodule with the git directory `common`, or None."""
    if not _is_module(common):
        return None
    worktree = _setting(os.path.join(common, "config"), "core", "worktree") or ""
    found = _above(os.path.realpath(os.path.join(common, worktree)), owner)
    if found is None or not f"{common}/".startswith(f"{found.path}/"):
        return None
    return replace(found, here=folder, is_git=True, fix=None)


def _of_common(common: str, here: str) -> Project:
    """Return the project with the git `common` directory and the worktree `here`."""
    top, name = os.path.split(common)
    if name != ".git" and (tree := _worktree_of(common)):
        here = here if here != common else tree
        return Project(top=tree, path=common, here=here, name=os.path.basename(tree), is_git=True)
    if name.startswith("."):
        name = os.path.basename(top)
    elif name.endswith(".git"):
        name = name[: -len(".git")]
    return Project(top=top, path=common, here=here if here != common else top, name=name, is_git=True)


def _worktree_of(common: str) -> str | None:
    """Return the folder that the git directory `common` names as its worktree, if that leads back to it, or None.

    `git init --separate-git-dir` and then `git config core.worktree` make such a pair. A submodule always is one.
    """
    said = _setting(os.path.join(common, "config"), "core", "worktree")
    if not said:
        return None
    tree = os.path.realpath(os.path.join(common, said))
    entry = os.path.join(tree, ".git")
    return tree if _is_same(_link(entry, tree, "gitdir:") or entry, common) else None


def _alone(folder: str, problem: str, fix: str | None = None) -> Project:
    """Return the project of a folder whose `.git` xats does not follow because of `problem`. `fix` is the remedy."""
    name = os.path.basename(folder)
    return Project(top=folder, path=folder, here=folder, name=name, is_git=False, problem=problem, fix=fix)


def _repair(folder: str) -> str:
    from shlex import quote

    return f"git -C {quote(folder)} worktree repair  (if it is a worktree)"


def _naming(folder: str, directory: str, worktree: str | None) -> str | None:
    """Return the command that makes the git `directory` name `folder` as its worktree.

    None for a directory that has another worktree: one that it names, or the folder that contains it as `.git`.
    """
    bare = _setting(os.path.join(directory, "config"), "core", "bare") != "false"
    if worktree is not None or bare or os.path.basename(directory) == ".git" or not _is_git_directory(directory):
        return None
    from shlex import quote

    return f"git -C {quote(folder)} config core.worktree {quote(folder)}"


def _is_git_directory(path: str) -> bool:
    return all(os.path.exists(os.path.join(path, name)) for name in ENTRIES)


def _is_module(path: str) -> bool:
    """Tell whether the git directory `path` is that of a submodule, inside the one of its project."""
    return "/modules/" in path and _setting(os.path.join(path, "config"), "core", "worktree") is not None


def _is_trusted(path: str, owner: int) -> bool:
    """Tell whether `path`, and what it links to, exist and belong to this user, the system, or `owner`."""
    try:
        uids = {os.lstat(path).st_uid, os.stat(path).st_uid}
    except OSError:
        return False
    if uids <= {0, os.geteuid(), owner}:
        return True
    from xats.base.ownership import ours

    return all(uid == owner or ours(uid) for uid in uids)


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _link(file: str, base: str, prefix: str = "") -> str | None:
    """Return the path after `prefix` that git wrote into `file`, relative to the folder `base`, or None."""
    line = _read(file).strip("\n")
    if not line.startswith(prefix) or "\0" in line:
        return None
    path = line[len(prefix) :].strip(" ") if prefix else line
    return os.path.join(base, path) if path else None


def _read(path: str) -> str:
    """Return the first bytes of the file `path` as text, or "" if it cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    try:
        return os.fsdecode(os.read(file, LARGEST))
    except OSError:
        return ""
    finally:
        os.close(file)


def _setting(config: str, section: str, key: str) -> str | None:
    """Return the value of `key` in the `section` of a file of git-config(1), or None.

    It reads what git itself writes: no includes, and no value that continues on the next line.
    """
    inside, found = False, None
    for raw in _read(config).splitlines():
        line = raw.strip()
        if line.startswith("["):
            head, _, line = line[1:].partition("]")
            word, quote, rest = head.partition(" ")
            inside = word.lower() + quote + rest == section
            line = line.strip()
        name, equals, value = line.partition("=")
        if inside and equals and name.strip().lower() == key:
            found = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    """Return a value of git-config(1) without its quotes and comment."""
    text, quoted, escaped = "", False, False
    for char in value:
        if escaped:
            text += {"n": "\n", "t": "\t", "b": "\b"}.get(char, char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char in "#;" and not quoted:
            break
        else:
            text += char
    return text.rstrip() if not value.endswith('"') else text


def _without_user(url: str) -> str:
    """Return `url` without the user and password in https://user:password@host. The user of ssh stays."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme.lower().startswith(("ssh", "git+ssh")):
        return url
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"
