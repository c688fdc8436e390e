"""The parameters of the verbs of delivery: events, deliver and the daemon."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

FollowOption: TypeAlias = Annotated[
    bool, Option("--follow", "-f", help="Print new events as they happen, until Ctrl-C.")
]
SinceEventOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--since",
        metavar="ID|DURATION",
        help="Only events after this id, or from the last DURATION, such as 1h. Default: the latest.",
    ),
]
TypeOption: TypeAlias = Annotated[
    list[str] | None, Option("--type", metavar="TYPE", help="Only events of this type; repeatable.")
]
EventAgentOption: TypeAlias = Annotated[
    str | None,
    Option("--agent", metavar="AGENT", help="Only what this agent did, what names it, and mail to it."),
]
OnceOption: TypeAlias = Annotated[bool, Option("--once", help="Try every due wake once, then end.")]
DryRunOption: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print what would be done, to which pane, and why not; do nothing.")
]
LockFileOption: TypeAlias = Annotated[int | None, Option("--lock-file", hidden=True)]
