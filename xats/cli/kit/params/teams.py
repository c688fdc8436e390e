"""The parameters of the verbs of teams."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

TeamArg: TypeAlias = Annotated[str, Argument(metavar="TEAM", help="The name of a team.")]
OptionalTeamArg: TypeAlias = Annotated[str | None, Argument(metavar="TEAM", help="The name of a team. Default: mine.")]
OldTeamArg: TypeAlias = Annotated[str, Argument(metavar="OLD", help="The name of a team.")]
NewTeamArg: TypeAlias = Annotated[str, Argument(metavar="NEW", help="The new name: A-Z a-z 0-9 . _ -")]
IntoTeamArg: TypeAlias = Annotated[str, Argument(metavar="INTO", help="The team to merge OLD into.")]
AdoptArg: TypeAlias = Annotated[
    str | None,
    Argument(
        metavar="[TEAM|PATH]",
        help="The team, or the folder where the project was. Default: the team of the folder that is gone.",
    ),
]
ArchivedOption: TypeAlias = Annotated[bool, Option("--archived", help="Include archived teams.")]
SuffixOption: TypeAlias = Annotated[
    str | None,
    Option("--suffix", metavar="SUFFIX", help="Rename agents of OLD whose name is in INTO: with 2, bob becomes bob-2."),
]
UndoOption: TypeAlias = Annotated[bool, Option("--undo", help="List the team again.")]
ArchiveForceOption: TypeAlias = Annotated[
    bool, Option("--force", help="Archive the team even while its agents are at work.")
]
ForgetForceOption: TypeAlias = Annotated[
    bool,
    Option("--force", help="Forget the team despite agents at work, unread mail and open tasks, which end with it."),
]
TeamDryRunOption: TypeAlias = Annotated[bool, Option("--dry-run", help="Print what would change; change nothing.")]
