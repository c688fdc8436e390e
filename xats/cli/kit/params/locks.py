"""The parameters of the verbs of locks."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

LockPathsArg: TypeAlias = Annotated[
    list[str],
    Argument(metavar="PATH...", help="Files; a folder or a pattern such as '*.py' means the files in it now."),
]
HeldPathsArg: TypeAlias = Annotated[list[str] | None, Argument(metavar="[PATH]...", help="Files that I have locked.")]
LockPathArg: TypeAlias = Annotated[str, Argument(metavar="PATH", help="A file.")]
LockLeaseOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--ttl",
        metavar="DURATION",
        help="How long the lock lasts without a command or a hook, 1s to 2h. Default: 10m.",
    ),
]
RenewLeaseOption: TypeAlias = Annotated[
    str | None,
    Option("--ttl", metavar="DURATION", help="The new length of the lease, 1s to 2h. Default: as before."),
]
LockReasonOption: TypeAlias = Annotated[
    str | None, Option("--reason", metavar="TEXT", help="The reason; others see it when xats refuses them the file.")
]
WaitLockOption: TypeAlias = Annotated[
    str | None,
    Option("--wait", metavar="DURATION", help="Wait in line up to DURATION for files that others hold; else exit 124."),
]
QueueOption: TypeAlias = Annotated[
    bool, Option("--queue", help="If others hold the files, do not wait: get mail when the files are free.")
]
EveryLockOption: TypeAlias = Annotated[bool, Option("--all", help="Release everything that I have locked.")]
TokenOption: TypeAlias = Annotated[
    int | None, Option("--token", metavar="N", help="Only if the lock still has this number, from take --json.")
]
MyLocksOption: TypeAlias = Annotated[bool, Option("--mine", help="Only locks that I hold, automatic ones included.")]
