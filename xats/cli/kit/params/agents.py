"""The parameters of the verbs of agents."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

OptionalNameArg: TypeAlias = Annotated[str | None, Argument(metavar="AGENT", help="The agent. Default: me.")]
AgentArg: TypeAlias = Annotated[str, Argument(metavar="AGENT", help="The agent.")]
NewAgentArg: TypeAlias = Annotated[str, Argument(metavar="NAME", help="The new name: A-Z a-z 0-9 . _ -")]
NoRoleOption: TypeAlias = Annotated[bool, Option("--no-role", help="Remove the role.")]
NoTagOption: TypeAlias = Annotated[
    list[str] | None, Option("--no-tag", metavar="TAG", help="Remove this tag; repeatable.")
]
NoCapOption: TypeAlias = Annotated[
    list[str] | None, Option("--no-cap", metavar="CAP", help="Remove this capability; repeatable.")
]
AboutOption: TypeAlias = Annotated[
    str | None, Option("--about", metavar="TEXT", help="The purpose of the agent, in one line of up to 200 characters.")
]
ForceClientOption: TypeAlias = Annotated[
    bool, Option("--force-client", help="Take --client even if another agent program runs there.")
]
TagOption: TypeAlias = Annotated[list[str] | None, Option("--tag", metavar="TAG", help="A tag; repeatable.")]
CapOption: TypeAlias = Annotated[list[str] | None, Option("--cap", metavar="CAP", help="A capability; repeatable.")]
ModelOption: TypeAlias = Annotated[
    str | None, Option("--model", metavar="MODEL", help="The model that the agent runs.")
]
PaneOption: TypeAlias = Annotated[
    str | None, Option("--pane", metavar="%N", help="The tmux pane of the agent. Default: this pane.")
]
NoPaneOption: TypeAlias = Annotated[bool, Option("--no-pane", help="Bind no pane; xats types nothing for this agent.")]
TakeoverOption: TypeAlias = Annotated[bool, Option("--takeover", help="Take the name from a living process.")]
ForceOption: TypeAlias = Annotated[
    bool, Option("--force", help="Unregister the agent even if it may be at work or has claimed tasks.")
]
WakeByOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--wake",
        metavar="HOW",
        help="How to wake the agent: auto (its own inbox, else tmux), tmux, notice, command, none. "
        "A person: auto shows a line in tmux.",
    ),
]
ExpectOption: TypeAlias = Annotated[
    str | None,
    Option("--expect", metavar="PROGRAM", help="Bind this agent program once it appears in the pane."),
]
ExpectTtlOption: TypeAlias = Annotated[
    str | None, Option("--ttl", metavar="DURATION", help="How long --expect waits: 1s to 10m. Default: 2m.")
]
DoingArg: TypeAlias = Annotated[
    str | None, Argument(metavar="TEXT", help="One line of up to 200 characters. Default: print what you said.")
]
ClearOption: TypeAlias = Annotated[bool, Option("--clear", help="Remove the text.")]
OnlineOption: TypeAlias = Annotated[bool, Option("--online", help="Only agents whose process is known to live.")]
LongOption: TypeAlias = Annotated[
    bool, Option("--long", help="Show what xats has started: since when, how often, worktree, branch, tasks.")
]
AllTeamsOption: TypeAlias = Annotated[bool, Option("--all-teams", help="Include all teams.")]
WhomArg: TypeAlias = Annotated[
    str | None,
    Argument(metavar="AGENT", help="An agent, or all for the whole team. Default: me."),
]
PausedArg: TypeAlias = Annotated[
    str | None,
    Argument(metavar="AGENT", help="An agent, all for the whole team, or me. Default: ask."),
]
ReasonOption: TypeAlias = Annotated[str | None, Option("--reason", metavar="TEXT", help="The reason, in one line.")]
LaunchClientArg: TypeAlias = Annotated[
    str, Argument(metavar="PROGRAM", help="The agent program: claude, codex, gemini, ...")
]
LaunchArgsArg: TypeAlias = Annotated[
    list[str] | None,
    Argument(metavar="[-- ARGS]", help="Arguments for the program, passed on unchanged."),
]
LaunchNameOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--name",
        metavar="NAME",
        help="The name of the agent. Default: the agent of this pane, else a new name such as claude-1.",
    ),
]
WritableOption: TypeAlias = Annotated[
    bool, Option("--writable-store", help="Codex: let its sandbox write the store, so that it can run xats.")
]
PrintOption: TypeAlias = Annotated[bool, Option("--print", help="Print the command for a shell; do nothing.")]
WindowOption: TypeAlias = Annotated[bool, Option("--window", help="Start it in a new tmux window.")]
SplitOption: TypeAlias = Annotated[bool, Option("--split", help="Start it in a new pane beside this one.")]
SessionOption: TypeAlias = Annotated[
    str | None,
    Option("--session", metavar="NAME", help="Start it in a new window of this tmux session, which may be new."),
]
CwdOption: TypeAlias = Annotated[
    str | None, Option("--cwd", metavar="FOLDER", help="The folder in which the program runs. Default: this one.")
]
WorktreeOption: TypeAlias = Annotated[
    bool, Option("--worktree", help="Run it in a git worktree of its own: .worktrees/NAME, on the branch xats/NAME.")
]
BranchOption: TypeAlias = Annotated[
    str | None, Option("--branch", metavar="BRANCH", help="Use this branch in its worktree; implies --worktree.")
]
PromptOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--prompt",
        metavar="TEXT|@FILE|-",
        help="The first prompt. xats types it when the program is ready, if the program takes none as an argument.",
    ),
]
EnvOption: TypeAlias = Annotated[
    list[str] | None,
    Option("--env", metavar="NAME=VALUE", help="Set this variable for the program; repeatable."),
]
ContinueOption: TypeAlias = Annotated[
    str | None, Option("--resume", metavar="SESSION", help="Continue this session of the program.")
]
StartFileOption: TypeAlias = Annotated[
    str | None, Option("--start", metavar="FILE", help="Use the token of a start; xats runs this.", hidden=True)
]
NameOnlyOption: TypeAlias = Annotated[
    bool, Option("--name-only", help="Free only this former name of an agent; the agent stays.")
]
PokedArg: TypeAlias = Annotated[str, Argument(metavar="AGENT", help="The agent.")]
PokeDryRunOption: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print what would be typed into which pane, or why not; type nothing.")
]
PokeTextArg: TypeAlias = Annotated[str, Argument(metavar="TEXT", help="The text, up to 8 KiB; - reads standard input.")]
LinesOption: TypeAlias = Annotated[
    int | None,
    Option("--lines", "-n", metavar="N", help="Show the last N lines, also those that have left the screen."),
]
FollowScreenOption: TypeAlias = Annotated[
    bool, Option("--follow", "-f", help="Show the screen again whenever it changes, until Ctrl-C.")
]
