"""The parameters of the verbs of turns."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

TurnNameOption: TypeAlias = Annotated[str, Option("--name", metavar="TURN", help="The turn, if the team has several.")]
TurnNumberOption: TypeAlias = Annotated[
    int | None, Option("--number", metavar="N", help="Only if my turn still has this number, from take --json.")
]
WaitTurnOption: TypeAlias = Annotated[
    str | None, Option("--wait", metavar="DURATION", help="Wait up to DURATION for the turn; else exit 124.")
]
NextAgentArg: TypeAlias = Annotated[
    str, Argument(metavar="AGENT|next", help="Who comes next: a member, or next for the next in line.")
]
MemberArg: TypeAlias = Annotated[str, Argument(metavar="AGENT", help="The member.")]
StatusOption: TypeAlias = Annotated[
    str | None, Option("--status", metavar="TEXT|@FILE|-", help="What was done; @FILE reads a file, - standard input.")
]
NextStepOption: TypeAlias = Annotated[
    str | None, Option("--next", metavar="TEXT|@FILE|-", help="What is to be done next.")
]
ArtifactOption: TypeAlias = Annotated[
    list[str] | None, Option("--artifact", metavar="FILE", help="A file that the next one needs; repeatable.")
]
PlannedOption: TypeAlias = Annotated[
    list[str] | None, Option("--planned", metavar="FILE", help="A file that does not exist yet; repeatable.")
]
StealReasonOption: TypeAlias = Annotated[
    str | None, Option("--reason", metavar="TEXT", help="Why; the agent that loses the turn reads it.")
]
KickForceOption: TypeAlias = Annotated[bool, Option("--force", help="Remove a member that may still be at work.")]
