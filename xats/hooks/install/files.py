"""Change a file of another program atomically: at any moment the old or the new one is there, never a part.

Before the first change xats copies the file to FILE.xats-backup, which stays until the change is undone. The new file
has the mode and the owner of the old one. A link to a file stays a link.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager, suppress
from shlex import quote

from xats.base import folders
from xats.base.errors import SettingsBusy, SettingsUnusable
from xats.base.faults import point
from xats.base.record import record
from xats.clients import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 4 << 20  # bytes; settings are some thousands
PATIENCE = 5.0  # seconds to wait for another xats
BACKUP = ".xats-backup"
PRIVATE = 0o600  # the mode of a new file, and of the folders above it with the x bits


@record
class File:
    """A file as xats read it."""

    path: str  #: its path, with all links resolved
    data: bytes | None  #: None: there is none
    mode: int = PRIVATE
    owner: tuple[int, int] | None = None  #: user and group

    @property
    def backup(self) -> str:
        """The path of the copy from before the first change."""
        return self.path + BACKUP

    def before(self) -> bytes | None:
        """Return the content from before the first change, None without a copy. Raises SettingsUnusable."""
        try:
            data = records.contents(self.backup, LARGEST + 1, follow=False)
            why = "it is too long" if len(data) > LARGEST else ""
        except FileNotFoundError:
            return None
        except OSError as problem:
            data, why = b"", str(problem.strerror)
        if why:
            msg = f"{self.backup} is the copy of {self.path} from before the first change, and xats cannot read it"
            raise SettingsUnusable(f"{msg}: {why}. Nothing was changed.", "move it away", path=self.backup)
        return data


def read(path: str) -> File:
    """Return the file at `path`, which may not exist. Raises SettingsUnusable for one that xats must not change."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except (FileNotFoundError, NotADirectoryError) as problem:
        if os.path.islink(path):
            msg = f"{path} is a link to {real}, which does not exist."
            raise SettingsUnusable(msg, "repair or remove the link", path=path) from problem
        return File(real, None)
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    why = _unusable(found)
    if why:
        msg = f"{path} {why}. Nothing was changed."
        raise SettingsUnusable(msg, path=path)
    try:
        data = records.contents(real, LARGEST + 1, follow=False)
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    if len(data) > LARGEST:  # it has grown meanwhile
        msg = f"{path} has more than {LARGEST} bytes. Settings must be smaller. Nothing was changed."
        raise SettingsUnusable(msg, path=path)
    return File(real, data, stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid))


def _unreadable(path: str, problem: OSError) -> SettingsUnusable:
    return SettingsUnusable(f"{path} cannot be read: {problem.strerror}.", path=path)


def _unusable(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_size > LARGEST:
        return f"has {found.st_size} bytes, and settings must not exceed {LARGEST}"
    if found.st_nlink > 1:
        return "has a second name (a hard link), and a change would separate the two"
    return ""


def text_of(file: File) -> str:
    """Return the content of `file` as text; "" for no file. Raises SettingsUnusable when it is not UTF-8."""
    try:
        return (file.data or b"").decode()
    except UnicodeDecodeError as problem:
        before = (file.data or b"")[: problem.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        msg = f"{file.path} is not UTF-8 text: line {line}, byte {column}. Nothing was changed."
        raise SettingsUnusable(msg, path=file.path) from problem


def replace(file: File, data: bytes, *, keep: bool) -> None:
    """Write `data` in place of `file`, if that is still as xats read it; `keep` a backup of it first.

    Raises SettingsBusy when another program has changed it, SettingsUnusable when it cannot be written.
    """
    folder = os.path.dirname(file.path)
    with _named(file.path):
        folders.make(folder)
        if file.data is not None and not file.mode & stat.S_IWUSR:
            msg = f"{file.path} is read-only. Nothing was changed."
            raise SettingsUnusable(msg, f"chmod u+w {quote(file.path)}", path=file.path)
        with _locked(folder):
            _unchanged(file)
            if keep and file.data is not None and not os.path.lexists(file.backup):
                _put(file, file.backup, file.data)
                point("hooks.backed_up")
            _put(file, file.path, data)
            point("hooks.written")
    if read(file.path).data != data:
        msg = f"Another program changed {file.path} just after xats had written it."
        raise SettingsBusy(msg, "xats hook status")


def delete(file: File) -> None:
    """Remove `file`, if it is still as xats read it. Raises SettingsBusy, SettingsUnusable."""
    with _named(file.path), _locked(os.path.dirname(file.path)):
        _unchanged(file)
        os.unlink(file.path)
        point("hooks.deleted")
        _sync(os.path.dirname(file.path))


def forget(file: File) -> None:
    """Remove the backup of `file`, which holds nothing of xats any more."""
    with _named(file.backup), suppress(FileNotFoundError):
        os.unlink(file.backup)


def _unchanged(file: File) -> None:
    now = read(file.path)
    if now.path != file.path or now.data != file.data:
        msg = f"Another program has just changed {file.path}. Nothing was written."
        raise SettingsBusy(msg, path=file.path)


def _put(file: File, path: str, data: bytes) -> None:
    """Write `data` to `path`, with the mode and owner of `file`. It is on disk before it gets that name."""
    draft = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.xats-draft")
    with suppress(FileNotFoundError):
        os.unlink(draft)  # of a process that was killed; the lock excludes a living one
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
    try:
        with os.fdopen(number, "wb") as out:
            if file.owner and file.owner != _owner(number):
                os.fchown(number, *file.owner)
            os.fchmod(number, file.mode)
            out.write(data)
            out.flush()
            os.fsync(number)
        point("hooks.drafted")
        if path == file.path:
            _unchanged(file)  # as late as possible: a change between here and the next line is lost
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    _sync(os.path.dirname(path))


def _owner(number: int) -> tuple[int, int]:
    found = os.fstat(number)
    return found.st_uid, found.st_gid


def _sync(folder: str) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as problem:
        if problem.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system can do it
            raise
    finally:
        os.close(number)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Keep every other xats from the files in `folder` meanwhile. The lock is on the folder itself."""
    import fcntl

    number = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise SettingsBusy from None
                time.sleep(0.01)
        yield
    finally:
        os.close(number)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Turn an OSError into SettingsUnusable, which names the file at `path`."""
    try:
        yield
    except OSError as problem:
        msg = f"{path} cannot be written: {problem.strerror}. It is unchanged."
        raise SettingsUnusable(msg, path=path) from problem
