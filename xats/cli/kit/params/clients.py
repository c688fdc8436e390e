"""The parameters of the verbs of agent programs and their hooks."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

ClientNameArg: TypeAlias = Annotated[str, Argument(metavar="CLIENT", help="A client's name.")]
RegisterFoundOption: TypeAlias = Annotated[
    bool, Option("--register", help="Register all that are not registered, each with a new name.")
]
ProfileOption: TypeAlias = Annotated[
    bool, Option("--profile", help="Print the skeleton of a profile instead, filled from the pane.")
]
PaneArg: TypeAlias = Annotated[str, Argument(metavar="PANE", help="A pane's id, such as %3.")]
HookClientArg: TypeAlias = Annotated[
    str, Argument(metavar="CLIENT", help="An agent program: claude-code, codex, gemini, ...")
]
OptionalHookClientArg: TypeAlias = Annotated[str | None, Argument(metavar="CLIENT", help="Only this agent program.")]
UserOption: TypeAlias = Annotated[bool, Option("--user", help="Use your own settings (default).")]
ProjectOption: TypeAlias = Annotated[bool, Option("--project", help="Use the settings of this project.")]
ChangedOption: TypeAlias = Annotated[
    bool, Option("--force", help="Remove a file of xats even if it was changed by hand.")
]
WaiterOption: TypeAlias = Annotated[
    bool | None,
    Option("--waiter/--no-waiter", help="Keep a process beside each session that wakes it without keystrokes."),
]
FollowLinkOption: TypeAlias = Annotated[
    bool, Option("--follow-link", help="Write also where a link leads out of the project.")
]
HookDryRunOption: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print what would change, as a diff; change nothing.")
]
