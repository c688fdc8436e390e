"""Files: which one file of a project a path means, however it is written.

`./x`, `x`, an absolute path and a path through a symbolic link are one file. The file belongs to the project that
contains it, not to the one of the working directory. A hook calls `locate` before each edit, so it starts no process
and looks at few files.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from xats.base import host
from xats.base.errors import NotFound, Refused, Usage
from xats.core.locks.files import File
from xats.core.teams.teams import stored
from xats.identity import project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from xats.core.zones.places import Place
    from xats.identity.project import Project

MOST = 1_000  # files that one command names
MOST_SEEN = 100_000  # files of a folder without git that xats looks at
GLOB = "*?["
SIGNS = f"{GLOB}\\"
ENDS_OF_FOLDERS = ("", ".", "..")


class BadPath(Usage):
    """The path does not name a file."""

    code = "bad_path"


class NoFiles(NotFound):
    """No file matches, so nothing was done."""

    code = "no_files"


class TooManyFiles(Refused):
    """The folder or the pattern means too many files for one command."""

    code = "too_many_files"
    hint = "for a whole area, assign a zone: xats zone assign ADDRESS PATTERN"


def locate(path: str, folder: str | None = None) -> File:
    """Return the file that `path` means in `folder`, by default the working directory. The file need not exist.

    Symbolic links are resolved as far as they exist. A file in a submodule belongs to the worktree that contains the
    submodule. Files in `.git` are files of the project too. Without a project, the file belongs to its own folder.
    Raises BadPath for a text that cannot be a path, a loop of links, and the top folder of a project.
    """
    real = _real(path, folder)
    start, is_folder = real, _is_folder(path, real)
    if not is_folder:
        start = os.path.dirname(real)
    found, start = _project_of(start)
    if found and _ignores_case(found, real, start):
        real = _on_disk(real)
        found, start = _project_of(real if is_folder else os.path.dirname(real))
        return _file(path, real, found, start, folds=True)
    return _file(path, real, found, start, folds=False)


def repository(folder: str | None = None) -> tuple[Place, str]:
    """Return the repository of `folder`, by default of the working directory, and the top folder of its worktree.

    For a submodule it is the repository around it. Raises BadPath.
    """
    from xats.core.zones.places import Place

    found, _ = _project_of(_real(".", folder))
    if found is None:
        msg = "The working directory was removed, so xats cannot tell which repository this is."
        raise BadPath(msg, "cd to a folder of the repository")
    remote = found.remote
    return Place(host.machine(), stored(found.path), stored(remote) if remote else None), found.here


def from_top(pattern: str, top: str) -> str:
    """Return the `pattern` of a zone as seen from the folder `top`, also if it is an absolute path in that folder.

    If the file system ignores upper and lower case, the names before the first sign become those that the folders have.
    """
    inside = f"{top.rstrip('/')}/"
    if pattern.startswith(inside):
        pattern = f"/{pattern[len(inside) :]}"
    found = project.find(top)
    if not found or not _ignores_case(found, top, top):
        return pattern
    start = next(one for one in ("./", "/", "") if pattern.startswith(one))
    names = pattern[len(start) :].split("/")
    plain = next((at for at, name in enumerate(names) if not name or any(sign in name for sign in SIGNS)), len(names))
    known = _on_disk(os.path.join(inside, *names[:plain])).removeprefix(inside) if plain else ""
    return start + "/".join([*([known] if known else []), *names[plain:]])


def _real(path: str, folder: str | None) -> str:
    """Return the real path of `path` in `folder`. Raises BadPath."""
    if not path or "\0" in path:
        msg = "An empty text is not a path." if not path else "A path cannot contain a NUL character."
        raise BadPath(msg, "name a file")
    try:
        return os.path.realpath(os.path.join(folder or "", path))
    except OSError as problem:
        msg = f"{path!r} cannot be found: {problem.strerror}."
        raise BadPath(msg, "cd to a folder that exists, or give an absolute path") from problem


def _is_folder(path: str, real: str) -> bool:
    """Tell whether the path is a folder. Raises BadPath for a loop of links, and for what is below a file."""
    try:
        mode = os.lstat(real).st_mode
    except (FileNotFoundError, PermissionError):
        return False
    except OSError as problem:  # below a file, a loop of links, a name that is too long
        msg = f"{path!r} cannot be a file: {problem.strerror}."
        raise BadPath(msg, "name a file") from problem
    if stat.S_ISLNK(mode):
        msg = f"{path!r} is a loop of symbolic links."
        raise BadPath(msg, "name a file")
    return stat.S_ISDIR(mode)


def _project_of(start: str) -> tuple[Project | None, str]:
    """Return the project of the folder `start`, or of the nearest folder above it that exists, and that folder."""
    found = project.find(start)
    while found is None and start != os.path.dirname(start):
        start = os.path.dirname(start)
        found = project.find(start)
    if found and found.is_git:
        found = _around(found)
    return found, start


def _around(found: Project) -> Project:
    """Return the project as the worktree that contains it sees it, if its folder is a submodule."""
    entry = os.path.join(found.here, ".git")
    if entry == found.path or not project.is_submodule(found):
        return found
    outer = project.find(os.path.dirname(found.here))
    if outer and outer.path == found.path and found.here.startswith(f"{outer.here.rstrip('/')}/"):
        return _around(outer)
    return found


def _file(path: str, real: str, found: Project | None, start: str, *, folds: bool) -> File:
    top, repository, remote = os.path.dirname(real), os.path.dirname(real), None
    if found and _contains(found, start) and (real == found.here or real.startswith(f"{found.here.rstrip('/')}/")):
        top, repository, remote = found.here, found.path, found.remote
    relative = real[len(top.rstrip("/")) + 1 :]
    if not relative:
        msg = f"{path!r} is the top folder of a project, not a file."
        raise BadPath(msg, "name the files")
    shown = stored(relative)
    key = stored(relative.replace("\\", r"\\"))  # else a name with "\xff" in it could be that of another file
    return File(
        host=host.machine(),
        repository=stored(repository),
        worktree=stored(top),
        path=shown,
        key=_folded(key) if folds else key,
        remote=stored(remote) if remote else None,
    )


def _contains(found: Project, start: str) -> bool:
    """Tell whether `found` is a project with a top of its own.

    Without git and without a project file, the folder itself is the project. That of a new file may be missing yet: the
    file belongs to that folder all the same, because it has to be the same file before and after.
    """
    return found.is_git or found.here != start or os.path.lexists(os.path.join(found.here, project.FILE))


# -- upper and lower case ----------------------------------------------------------------------------------------------


def _ignores_case(found: Project, real: str, start: str) -> bool:
    """Tell whether the file system of the file ignores upper and lower case. It asks for one name in other letters."""
    entry = os.path.join(found.here, ".git")
    if not found.is_git or entry == real or not os.path.lexists(entry):
        entry = real if os.path.lexists(real) else start
    folder, name = os.path.split(entry)
    other = name.swapcase()
    if other == name:
        return False
    try:
        return os.path.samestat(os.lstat(os.path.join(folder, other)), os.lstat(entry))
    except OSError:
        return False


def _on_disk(real: str) -> str:
    """Return the path `real` with each name as the folders have it, as far as they do."""
    path = "/"
    for name in real.split("/"):
        if not name:
            continue
        try:
            names = os.listdir(path)
        except OSError:
            names = []
        wanted = name if name in names else _folded(name)
        alike = (one for one in names if one == wanted or (name not in names and _folded(one) == wanted))
        path = os.path.join(path, next(alike, name))
    return path


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFC", name).casefold())


# -- several files -----------------------------------------------------------------------------------------------------


def expand(
    words: Sequence[str], folder: str | None = None, *, skipped: list[str] | None = None, empty: bool = False
) -> list[File]:
    """Return the files that `words` mean in `folder`, by default the working directory, each once.

    A folder means the files in it. A word with `*`, `?` or `[` that names no file is a pattern of gitignore(5) and
    means the files that match now; the pattern begins at `folder`. In a git worktree these are the files that git
    tracks, and the new ones that git does not ignore. Of the links in a folder, only those to a file of the same
    project count; the others are added to `skipped`. With `empty`, a folder may have no files. Raises BadPath, NoFiles,
    TooManyFiles, and InvalidPattern for a pattern that xats cannot read.
    """
    base = folder or ""
    left: list[str] = [] if skipped is None else skipped
    found: dict[tuple[str, str, str], File] = {}
    for word in words:
        for path in _meant(word, base, left, empty=empty):
            one = locate(path, base)
            found.setdefault((one.host, one.worktree, one.key), one)
            if len(found) > MOST:
                msg = f"{_said(word)} means more than {MOST:,} files. Nothing was done."
                raise TooManyFiles(msg, limit=MOST)
    return list(found.values())


def folders(words: Sequence[str], folder: str | None = None) -> list[File]:
    """Return the folders among `words` as if they were files: one can be locked from before it was a folder."""
    found = []
    for word in words:
        if os.path.isdir(_real(word, folder)):
            with suppress(BadPath):  # the top folder of a project
                found.append(locate(word, folder))
    return found


def no_files(word: str, what: str = "has no files") -> NoFiles:
    """Return the error for a folder or a pattern that means no file."""
    return NoFiles(f"{_said(word)} {what}. Nothing was done.", "name a file, also one that does not exist yet")


def _meant(word: str, base: str, skipped: list[str], *, empty: bool) -> Iterator[str]:
    """Yield the paths that `word` means."""
    real = _real(word, base)
    some = empty
    if os.path.isdir(real):
        for path in _without_links_elsewhere(real, _files_in(real), skipped):
            some = True
            yield path
        what = "has no files"
    elif os.path.lexists(real) or not any(sign in word for sign in GLOB):
        if not os.path.lexists(real) and os.path.basename(word) in ENDS_OF_FOLDERS:
            msg = f"{_said(word)} is a folder that does not exist, not a file. Nothing was done."
            raise BadPath(msg, "name a file, also one that does not exist yet")
        yield word
        return
    else:
        some = False
        for path in _matching(word, base, skipped):
            some = True
            yield path
        what = "matches no file"
    if not some:
        raise no_files(word, what)


def _without_links_elsewhere(top: str, paths: Iterable[str], skipped: list[str]) -> Iterator[str]:
    """Yield `paths`, relative to the folder `top`, as whole paths, but not those that lead to no file of its project.

    Those are links to a folder, to what does not exist or is outside, and loops; they are added to `skipped`.
    """
    found, _ = _project_of(top)
    inside = os.path.join(found.here if found and _contains(found, top) else top, "")
    for path in paths:
        one = os.path.join(top, path)
        real = os.path.realpath(one)
        if (real == one or real.startswith(inside)) and _is_file(real):
            yield one
        else:
            skipped.append(one)


def _is_file(real: str) -> bool:
    """Tell whether there is something at the real path `real` which is neither a folder nor a bad link."""
    try:
        mode = os.lstat(real).st_mode
    except OSError:
        return False
    return not stat.S_ISDIR(mode) and not stat.S_ISLNK(mode)


def _matching(word: str, base: str, skipped: list[str]) -> Iterator[str]:
    """Yield the paths of the files that match the pattern `word`."""
    from xats.core.zones import patterns

    first = min(at for sign in GLOB if (at := word.find(sign)) >= 0)
    head, slash, rest = word[:first].rpartition("/")
    top = _real(head or slash or ".", base)
    pattern = patterns.parse(f"{slash}{rest}{word[first:]}")
    if os.path.isdir(top):
        matching = (path for path in _files_in(top) if pattern.matches(stored(path)))
        yield from _without_links_elsewhere(top, matching, skipped)


def _files_in(folder: str) -> Iterator[str]:
    """Yield the paths of the files in `folder` and below, relative to it. Raises TooManyFiles."""
    found = project.find(folder)
    listed = _listed_by_git(folder) if found and found.is_git else None
    if listed is not None:
        yield from (path for path in listed if os.path.lexists(one := os.path.join(folder, path)) and not _is_dir(one))
        return
    seen = 0
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            if (seen := seen + 1) > MOST_SEEN:
                msg = f"{_said(folder)} contains more than {MOST_SEEN:,} files. Nothing was done."
                raise TooManyFiles(msg, limit=MOST_SEEN)
            yield os.path.relpath(os.path.join(top, name), folder)


def _listed_by_git(folder: str) -> list[str] | None:
    """Return the paths of the files that git tracks in `folder`, and of new ones that it does not ignore.

    None if git cannot tell.
    """
    import subprocess

    words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    # A hook of git has variables for its own repository: see "git rev-parse --local-env-vars".
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return list(dict.fromkeys(os.fsdecode(path) for path in done.stdout.split(b"\0") if path))


def _is_dir(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _said(word: str) -> str:
    return repr(stored(word))
