"""A file that can be locked: its place in one worktree of one machine. See xats/identity/files.py for where it is."""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


@record
class File:
    """A file in a worktree, whether it exists or not. Paths are as `teams.stored` returns them."""

    host: str  #: the id of the machine
    repository: str  #: the real path of the git common directory, or of the folder without git
    worktree: str  #: the top folder of the worktree; for a submodule, of the worktree that contains it
    path: str  #: from there, with "/", as people see it
    key: str  #: what is compared: `path`, on a file system without regard to case in one form for all its spellings
    remote: str | None = None  #: the URL of `origin` without user and password; a lock does not need it

    @property
    def absolute(self) -> str:
        """The whole path."""
        return f"{self.worktree.rstrip('/')}/{self.path}"

    @property
    def order(self) -> tuple[str, str, str]:
        """What identifies it; several files are locked in this order."""
        return self.host, self.worktree, self.key


def in_order(files: Iterable[File]) -> list[File]:
    """Return `files` in the order in which they are locked, each once."""
    return sorted({one.order: one for one in files}.values(), key=lambda one: one.order)
