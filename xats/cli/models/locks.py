"""The JSON of locks."""

from __future__ import annotations

from typing import Annotated

from xats.cli.models.base import Address, Document, Model, OneOf, Time, field

KINDS = ("explicit", "automatic")


class Lock(Model):
    """A file that an agent or a person has locked."""

    path: str = field("The file, relative to the top folder of its worktree.")
    worktree: str = field("The top folder of the worktree.")
    owner: Address = field("Who holds the lock.")
    kind: Annotated[str, OneOf(KINDS)] = field("explicit: by xats lock take; automatic: by an edit, for two minutes.")
    reason: str | None = field("The reason that the owner gave.")
    taken_at: Time = field("When it was taken.")
    expires_at: Time = field("When it ends unless the owner renews it.")
    token: int = field("The number of this lock, for --token; a later lock of the same file has a higher one.")


class TakenLock(Lock):
    """A lock of the agent that has just taken it."""

    exists: bool = field("Whether the file exists; false: it does not exist yet, or its path is mistyped.")


class Unenforced(Model):
    """A member of the team whose program edits without asking xats."""

    agent: Address = field("The agent.")
    client: str = field("Its program.")


class LockTakeDocument(Document):
    """The files that are locked now."""

    locks: list[TakenLock] = field("The locks, one for each file.")
    skipped: list[str] = field("Links in a folder or of a pattern that lead to no file of its project.")
    outside: list[str] = field("Those of the files that are outside of the project of the working directory.")
    not_enforced: list[Unenforced] = field("Members of the team whose programs do not ask xats before an edit.")


class LocksDocument(Document):
    """The locks after or before the change."""

    locks: list[Lock] = field("The locks that were renewed, or those that were released, as they were.")


class LockListDocument(Document):
    """A page of locks."""

    locks: list[Lock] = field("The locks, by worktree and path.")
    has_more: bool = field("Whether there are more than are printed.")


class FileZone(Model):
    """The zone of another owner in which a file is."""

    pattern: str = field("Its pattern.")
    owner: str = field("Its owner: an agent, or role:NAME.")


class CheckedFile(Model):
    """A file and its lock."""

    path: str = field("The file, relative to the top folder of its worktree.")
    worktree: str = field("The top folder of the worktree.")
    state: Annotated[str, OneOf(("free", "mine", "held"))] = field("Whether nobody, you, or another agent holds it.")
    lock: Lock | None = field("The lock; null: it is free.")
    zone: FileZone | None = field(
        "The zone of another owner in which it is; null: none, or it is not known who you are."
    )


class LockCheckDocument(Document):
    """Whether files are locked; exit 4 if another agent holds one of them."""

    files: list[CheckedFile] = field("The files, in the order in which they were given.")


class LockStealDocument(Document):
    """The lock that was taken from another agent."""

    lock: Lock = field("The lock.")
    from_: Address | None = field("Who held it; null: the file was free.", alias="from")


class Finding(Model):
    """A file of a commit that is locked or in the zone of another agent."""

    path: str = field("The file, relative to the top folder of the worktree.")
    code: Annotated[str, OneOf(("lock_held", "zone_taken"))] = field("What stands in the way.")
    owner: str = field("Who holds the lock or owns the zone.")
    message: str = field("The same as a sentence.")
    refused: bool = field("Whether this refuses the commit; otherwise it is a warning.")


class LockGuardDocument(Document):
    """What the check of a commit found; exit 4 if it refuses the commit."""

    findings: list[Finding] = field("The files that others hold or own.")
    refused: bool = field("Whether the commit is refused.")


class GitHookDocument(Document):
    """The hook of a git repository after the change."""

    path: str = field("The file of the hook.")
    changed: bool = field("Whether the file was changed.")
