"""The parameters of the verbs of crews."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

DownArg: TypeAlias = Annotated[str | None, Argument(metavar="AGENT", help="The agent.")]
DownAllOption: TypeAlias = Annotated[
    bool, Option("--all", help="All agents of this team that xats has started on this host.")
]
DownWorktreeOption: TypeAlias = Annotated[
    bool, Option("--worktree", help="Also remove its worktree, if that is clean and merged.")
]
DownForceOption: TypeAlias = Annotated[
    bool, Option("--force", help="End the process by a signal, also at a draft or a dialog.")
]
CrewFileArg: TypeAlias = Annotated[
    str | None, Argument(metavar="FILE", help="The crew file. Default: the xats.toml of this project.")
]
TrustDropOption: TypeAlias = Annotated[bool, Option("--drop", help="Take your agreement back.")]
TrustListOption: TypeAlias = Annotated[bool, Option("--list", help="List the crew files that you trust.")]
UpArg: TypeAlias = Annotated[
    list[str] | None, Argument(metavar="[NAME]...", help="The agents, or tables of the file. Default: all.")
]
UpRestartOption: TypeAlias = Annotated[
    bool, Option("--restart", help="First end the programs that run, as xats down does.")
]
UpDryRunOption: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print what would be started; ask nothing, and change nothing.")
]
UpExampleOption: TypeAlias = Annotated[
    str | None, Option("--example", metavar="NAME", help="Copy this example crew into the project; list: show all.")
]
LimitNameArg: TypeAlias = Annotated[str, Argument(metavar="LIMIT", help="wakes, mails, agents, restarts or minutes.")]
LimitValueArg: TypeAlias = Annotated[
    str, Argument(metavar="VALUE", help="A whole number; for minutes also a duration such as 4h.")
]
ThenOption: TypeAlias = Annotated[
    str, Option("--then", metavar="ACTION", help="What xats does at 100 percent: warn, space or pause.")
]
LimitReasonOption: TypeAlias = Annotated[
    str | None, Option("--reason", metavar="TEXT", help="Why, in one line; the list and the mails show it.")
]
