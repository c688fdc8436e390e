"""The parameters of all verbs, each described once: its flags, its value, and what it means.

A verb names its parameters by these aliases, as in `limit: params.LimitOption`. The fast lane and the command tree both
read them from the signature of the verb (xats/cli/grammar.py), so a parameter exists in both or in neither.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Annotated, Any, TypeAlias
else:

    class Annotated:
        """Stand for `typing.Annotated`, whose import costs 2 ms: an alias is the tuple (type, Argument or Option)."""

        def __class_getitem__(cls, items: tuple) -> tuple:
            """Return `items`."""
            return items


class Argument:
    """A word that a verb takes by its place; `metavar` and `help` describe it."""

    def __init__(self, *, metavar: str, help: str) -> None:
        self.metavar, self.help = metavar, help


class Option:
    """An option of a verb; its `flags` are as Typer takes them: `--long`, `-s`, or `--yes/--no`."""

    def __init__(self, *flags: str, help: str = "", metavar: str | None = None, hidden: bool = False) -> None:
        self.flags, self.metavar, self.help, self.hidden = flags, metavar, help, hidden


# -- the same everywhere -----------------------------------------------------------------------------------------------

AsOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--as", metavar="AGENT", help="Act as this agent. Default: XATS_AGENT, else the agent of this session or pane."
    ),
]
TeamOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--team", metavar="TEAM", help="The team. Default: XATS_TEAM, else the team of the agent, else of the project."
    ),
]
DbOption: TypeAlias = Annotated[
    str | None, Option("--db", metavar="PATH", help="The store. Default: XATS_DB, else xats.db in XATS_HOME.")
]
JsonOption: TypeAlias = Annotated[bool, Option("--json", help="Print one JSON document.")]
QuietOption: TypeAlias = Annotated[bool, Option("--quiet", "-q", help="Print only the result.")]

# -- mail --------------------------------------------------------------------------------------------------------------

AddressArg: TypeAlias = Annotated[
    str | None,
    Argument(
        metavar="ADDRESS",
        help="bob, bob@team, role:NAME, tag:NAME, cap:NAME, all or me; several with commas. pool:ROLE: one of a role.",
    ),
]
BodyArg: TypeAlias = Annotated[
    str | None,
    Argument(
        metavar="[BODY|-]",
        help="The text, up to 1 MiB; - reads standard input, with --contract @FILE a file.",
    ),
]
MessageIdArg: TypeAlias = Annotated[int, Argument(metavar="ID", help="A message's number.")]
OptionalMessageIdArg: TypeAlias = Annotated[int | None, Argument(metavar="ID", help="A message's number.")]
SubjectOption: TypeAlias = Annotated[
    str | None, Option("--subject", "-s", metavar="TEXT", help="A subject of one line.")
]
NeedReplyOption: TypeAlias = Annotated[
    bool | None,
    Option("--need-reply/--no-need-reply", help="Expect a reply. Default: yes, from agents that ADDRESS names."),
]
KindOption: TypeAlias = Annotated[
    str | None, Option("--kind", metavar="NAME", help="The kind of message, for scripts. Default: mail.")
]
KeyOption: TypeAlias = Annotated[
    str | None,
    Option("--key", metavar="KEY", help="Send the message at most once; refuse another message with this key."),
]
TtlOption: TypeAlias = Annotated[
    str | None, Option("--ttl", metavar="DURATION", help="Expire copies that are unread after this time.")
]
ReplyToOption: TypeAlias = Annotated[
    int | None, Option("--reply-to", metavar="ID", help="Put the message into the thread of message ID.")
]
NoWakeOption: TypeAlias = Annotated[bool, Option("--no-wake", help="Do not wake the recipients.")]
HoldOption: TypeAlias = Annotated[
    bool, Option("--hold", help="Keep the message for an agent that is not there yet, or has left.")
]
SendWaitOption: TypeAlias = Annotated[
    str | None,
    Option("--wait", metavar="DURATION", help="Wait up to DURATION until every recipient was shown it; else exit 124."),
]
BatchOption: TypeAlias = Annotated[
    str | None,
    Option("--batch", metavar="FILE", help="Send every line of a JSON Lines file (or -), all or none: to, body, ..."),
]
ContractOption: TypeAlias = Annotated[
    str | None,
    Option("--contract", metavar="NAME[@V]", help="The body must be JSON that satisfies this contract."),
]
RoleOption: TypeAlias = Annotated[str | None, Option("--role", metavar="ROLE", help="Only agents with this role.")]
PeekOption: TypeAlias = Annotated[bool, Option("--peek", help="Leave the mail unread.")]
AllOption: TypeAlias = Annotated[bool, Option("--all", help="Include mail already shown or read.")]
AgainOption: TypeAlias = Annotated[
    bool, Option("--again", help="Print again mail that was shown before and may not have been seen.")
]
OwedOption: TypeAlias = Annotated[bool, Option("--owed", help="List requests that you have read and not answered.")]
FromOption: TypeAlias = Annotated[str | None, Option("--from", metavar="AGENT", help="Only from this agent.")]
ThreadOption: TypeAlias = Annotated[int | None, Option("--thread", metavar="ID", help="Only of this thread.")]
SinceIdOption: TypeAlias = Annotated[int, Option("--since", metavar="ID", help="Only messages after this id.")]
LimitOption: TypeAlias = Annotated[int, Option("--limit", "-n", metavar="N", help="Maximum number of results.")]
WaitOption: TypeAlias = Annotated[
    str | None, Option("--wait", metavar="DURATION", help="Wait up to DURATION for mail; else exit 124.")
]
TimeoutOption: TypeAlias = Annotated[
    str | None, Option("--timeout", metavar="DURATION", help="Give up after this time with exit 124.")
]

# -- agents ------------------------------------------------------------------------------------------------------------

NameArg: TypeAlias = Annotated[str, Argument(metavar="NAME", help="The name: A-Z a-z 0-9 . _ -")]
OptionalNameArg: TypeAlias = Annotated[str | None, Argument(metavar="AGENT", help="The agent. Default: me.")]
OwnRoleOption: TypeAlias = Annotated[str | None, Option("--role", metavar="ROLE", help="The role of the agent.")]
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
ClientOption: TypeAlias = Annotated[
    str | None,
    Option("--client", metavar="CLIENT", help="The agent program: claude, codex, ... Default: detected."),
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
    bool, Option("--force", help="Unregister it even if it may be at work or has claimed tasks.")
]
WakeByOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--wake",
        metavar="HOW",
        help="How to wake it: auto (its own inbox, else tmux), tmux, notice, command, none. A person: none.",
    ),
]
ExpectOption: TypeAlias = Annotated[
    str | None,
    Option("--expect", metavar="PROGRAM", help="Bind this agent program once it appears in the pane."),
]
ExpectTtlOption: TypeAlias = Annotated[
    str | None, Option("--ttl", metavar="DURATION", help="How long --expect waits: 1s to 10m. Default: 2m.")
]
OnlineOption: TypeAlias = Annotated[bool, Option("--online", help="Only agents whose process is known to live.")]
AllTeamsOption: TypeAlias = Annotated[bool, Option("--all-teams", help="Include all teams.")]

# -- teams -------------------------------------------------------------------------------------------------------------

TeamArg: TypeAlias = Annotated[str, Argument(metavar="TEAM", help="The name of a team.")]
OptionalTeamArg: TypeAlias = Annotated[str | None, Argument(metavar="TEAM", help="The name of a team. Default: mine.")]
OldTeamArg: TypeAlias = Annotated[str, Argument(metavar="OLD", help="The name of a team.")]
NewTeamArg: TypeAlias = Annotated[str, Argument(metavar="NEW", help="The new name: A-Z a-z 0-9 . _ -")]
IntoTeamArg: TypeAlias = Annotated[str, Argument(metavar="INTO", help="The team that it becomes a part of.")]
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
    bool, Option("--force", help="Archive it even while agents of the team are at work.")
]
ForgetForceOption: TypeAlias = Annotated[
    bool,
    Option("--force", help="Forget it even with agents at work, unread mail or open tasks: these are ended."),
]
TeamDryRunOption: TypeAlias = Annotated[bool, Option("--dry-run", help="Print what would change; change nothing.")]

# -- tasks -------------------------------------------------------------------------------------------------------------

TitleArg: TypeAlias = Annotated[str, Argument(metavar="TITLE", help="The title, in one line.")]
TaskIdArg: TypeAlias = Annotated[int, Argument(metavar="ID", help="A task's number.")]
OptionalTaskIdArg: TypeAlias = Annotated[int | None, Argument(metavar="ID", help="A task's number.")]
DescriptionOption: TypeAlias = Annotated[
    str | None,
    Option("--description", "-d", metavar="TEXT|-", help="The description, up to 1 MiB; - reads standard input."),
]
AssigneeOption: TypeAlias = Annotated[
    str | None, Option("--to", metavar="AGENT", help="Only this agent may claim the task; it gets mail about it.")
]
TaskRoleOption: TypeAlias = Annotated[
    str | None,
    Option("--role", metavar="ROLE", help="Only agents with this role may claim the task; they get mail about it."),
]
DependencyOption: TypeAlias = Annotated[
    list[int] | None, Option("--dep", metavar="ID", help="Wait until task ID is done; repeatable.")
]
ParentOption: TypeAlias = Annotated[
    int | None, Option("--parent", metavar="ID", help="Make it a subtask of task ID, which shows its progress.")
]
PriorityOption: TypeAlias = Annotated[
    int | None, Option("--priority", metavar="0-9", help="0 is the most urgent. Default of a new task: 5.")
]
TaskKeyOption: TypeAlias = Annotated[
    str | None,
    Option("--key", metavar="KEY", help="Add the task at most once; refuse another task of mine with this key."),
]
ReviewOption: TypeAlias = Annotated[
    list[str] | None,
    Option("--review", metavar="ROLE", help="An agent with this role must approve the task; repeatable."),
]
NoReviewOption: TypeAlias = Annotated[
    list[str] | None, Option("--no-review", metavar="ROLE", help="Remove this role from the reviewers; repeatable.")
]
DueOption: TypeAlias = Annotated[
    str | None, Option("--due", metavar="DURATION", help="The time until the task is due, from now.")
]
NotifyOption: TypeAlias = Annotated[
    str | None, Option("--notify", metavar="ADDRESS", help="The recipients of mail about the outcome.")
]
EditDueOption: TypeAlias = Annotated[
    str | None, Option("--due", metavar="DURATION", help="The time until the task is due, from now; none removes it.")
]
EditNotifyOption: TypeAlias = Annotated[
    str | None,
    Option("--notify", metavar="ADDRESS", help="The recipients of mail about the outcome; none removes them."),
]
NewTitleOption: TypeAlias = Annotated[str | None, Option("--title", metavar="TEXT", help="The new title.")]
NoDependencyOption: TypeAlias = Annotated[
    list[int] | None, Option("--no-dep", metavar="ID", help="Do not wait for task ID any more; repeatable.")
]
NoParentOption: TypeAlias = Annotated[bool, Option("--no-parent", help="Make it a subtask of no task.")]
AnybodyOption: TypeAlias = Annotated[bool, Option("--anybody", help="Let every agent of the team claim the task.")]
NextOption: TypeAlias = Annotated[
    bool, Option("--next", help="Claim the most urgent task that is ready and for me, my role or anybody.")
]
LeaseOption: TypeAlias = Annotated[
    str | None,
    Option("--lease", metavar="DURATION", help="How long the claim lasts without a command or a hook. Default: 30m."),
]
WaitTaskOption: TypeAlias = Annotated[
    str | None, Option("--wait", metavar="DURATION", help="With --next: wait up to DURATION for a task; else exit 124.")
]
ClaimNumberOption: TypeAlias = Annotated[
    int | None, Option("--claim", metavar="N", help="Only if the claim still has this number, from claim --json.")
]
ResultOption: TypeAlias = Annotated[
    str | None, Option("--result", metavar="TEXT|@FILE|-", help="The result, up to 1 MiB.")
]
DespiteOption: TypeAlias = Annotated[
    bool, Option("--force", help="End the task even if a task that it needs was reopened.")
]
TaskReasonOption: TypeAlias = Annotated[str | None, Option("--reason", metavar="TEXT", help="The reason.")]
NoteArg: TypeAlias = Annotated[str, Argument(metavar="TEXT", help="The progress so far.")]
FeedbackArg: TypeAlias = Annotated[str, Argument(metavar="[TEXT|-]", help="What is missing; - reads standard input.")]
StateOption: TypeAlias = Annotated[
    str | None,
    Option("--state", metavar="STATE", help="Only tasks in this state: open, claimed, review, done, failed, ..."),
]
MineOption: TypeAlias = Annotated[bool, Option("--mine", help="Only tasks that I have claimed, and tasks for me.")]
ForRoleOption: TypeAlias = Annotated[str | None, Option("--role", metavar="ROLE", help="Only tasks for this role.")]
ReadyOption: TypeAlias = Annotated[bool, Option("--ready", help="Only tasks that can be claimed now.")]
EndedOption: TypeAlias = Annotated[bool, Option("--all", help="Include ended tasks, the newest first.")]
DotOption: TypeAlias = Annotated[bool, Option("--dot", help="Print it for Graphviz.")]
ImportFileArg: TypeAlias = Annotated[
    str, Argument(metavar="FILE", help="JSON Lines, as export prints them; - reads standard input.")
]
ImportDryRunOption: TypeAlias = Annotated[bool, Option("--dry-run", help="Print what would be added; change nothing.")]

# -- contracts ---------------------------------------------------------------------------------------------------------

ContractArg: TypeAlias = Annotated[str, Argument(metavar="NAME", help="The name of a contract.")]
VersionArg: TypeAlias = Annotated[
    str, Argument(metavar="NAME[@V]", help="A contract: order@3, or order for the newest.")
]
SchemaFileArg: TypeAlias = Annotated[
    str, Argument(metavar="FILE|-", help="A JSON Schema, up to 1 MiB; - reads standard input.")
]
DocumentFileArg: TypeAlias = Annotated[
    str, Argument(metavar="FILE|-", help="A JSON document, up to 1 MiB; - reads standard input.")
]
ContractNoteOption: TypeAlias = Annotated[
    str | None, Option("--note", metavar="TEXT", help="What is new in this version, in one line.")
]
CompatOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--compat",
        metavar="RULE",
        help="The rule for the next versions: backward, forward, full or none. Default at first: none.",
    ),
]
AllowBreakingOption: TypeAlias = Annotated[
    bool, Option("--allow-breaking", help="Store the version even if it breaks the rule.")
]
ReviveOption: TypeAlias = Annotated[bool, Option("--revive", help="Bring a retired contract back.")]
OldVersionArg: TypeAlias = Annotated[int, Argument(metavar="A", help="The number of the old version.")]
NewVersionArg: TypeAlias = Annotated[int, Argument(metavar="B", help="The number of the new one.")]
StrictOption: TypeAlias = Annotated[
    bool,
    Option("--strict", help="Count a new optional property as breaking where any property was allowed."),
]
RetiredOption: TypeAlias = Annotated[bool, Option("--all", help="Include retired contracts.")]
NewContractArg: TypeAlias = Annotated[str, Argument(metavar="NEW", help="The new name: A-Z a-z 0-9 . _ -")]
OldContractArg: TypeAlias = Annotated[str, Argument(metavar="OLD", help="The name of a contract.")]

# -- events and delivery -----------------------------------------------------------------------------------------------

WhomArg: TypeAlias = Annotated[
    str | None,
    Argument(metavar="AGENT", help="An agent, or all for the whole team. Default: me."),
]
PausedArg: TypeAlias = Annotated[
    str | None,
    Argument(metavar="AGENT", help="An agent, all for the whole team, or me. Default: ask."),
]
ReasonOption: TypeAlias = Annotated[str | None, Option("--reason", metavar="TEXT", help="The reason, in one line.")]
DeadIdArg: TypeAlias = Annotated[int | None, Argument(metavar="ID", help="The number of its message.")]
WhoseOption: TypeAlias = Annotated[
    str | None, Option("--whose", metavar="AGENT", help="Only the copy of this recipient.")
]
ToOption: TypeAlias = Annotated[
    str | None,
    Option("--to", metavar="AGENT", help="Send the message to this agent instead, in the name of its sender."),
]
EveryOption: TypeAlias = Annotated[bool, Option("--all", help="Apply to all dead letters.")]

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
EveryTeamOption: TypeAlias = Annotated[bool, Option("--all-teams", help="Include all teams.")]
JsonLinesOption: TypeAlias = Annotated[bool, Option("--jsonl", help="Print one JSON document per line.")]
OnceOption: TypeAlias = Annotated[bool, Option("--once", help="Try every due wake once, then end.")]
DryRunOption: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print what would be done, to which pane, and why not; do nothing.")
]
VerbArg: TypeAlias = Annotated[str | None, Argument(metavar="VERB", help="A verb.")]
LockFileOption: TypeAlias = Annotated[int | None, Option("--lock-file", hidden=True)]
SecondVerbArg: TypeAlias = Annotated[str | None, Argument(metavar="WORD", help="The second word of the verb.")]
ClientNameArg: TypeAlias = Annotated[str, Argument(metavar="CLIENT", help="A client's name.")]
RegisterFoundOption: TypeAlias = Annotated[
    bool, Option("--register", help="Register all that are not registered, each with a new name.")
]
ProfileOption: TypeAlias = Annotated[
    bool, Option("--profile", help="Print the skeleton of a profile instead, filled with what is seen.")
]
PaneArg: TypeAlias = Annotated[str, Argument(metavar="PANE", help="A pane's id, such as %3.")]

# -- hooks -------------------------------------------------------------------------------------------------------------

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

# -- settings ----------------------------------------------------------------------------------------------------------

SettingArg: TypeAlias = Annotated[str, Argument(metavar="KEY", help="The name of a setting, such as wake.quiet.")]
SettingValueArg: TypeAlias = Annotated[str, Argument(metavar="VALUE", help="Its value; several with commas.")]
OwnSettingOption: TypeAlias = Annotated[bool, Option("--user", help="Use your own file (default).")]
ProjectSettingOption: TypeAlias = Annotated[bool, Option("--project", help="Use the file of this project.")]

# -- launching ---------------------------------------------------------------------------------------------------------

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

# -- the store ---------------------------------------------------------------------------------------------------------

BackupFileArg: TypeAlias = Annotated[str | None, Argument(metavar="FILE", help="The file. Default: beside the store.")]
ReplaceOption: TypeAlias = Annotated[bool, Option("--force", help="Replace an existing file.")]
TablesArg: TypeAlias = Annotated[list[str] | None, Argument(metavar="[TABLE]...", help="The tables. Default: all.")]
CsvOption: TypeAlias = Annotated[bool, Option("--csv", help="Print CSV, with the names of the columns first.")]
TableOption: TypeAlias = Annotated[bool, Option("--table", help="Draw a table, also in a pipe.")]
ExportFileArg: TypeAlias = Annotated[str, Argument(metavar="FILE", help="What db export wrote; - is standard input.")]
OutputOption: TypeAlias = Annotated[
    str, Option("--output", "-o", metavar="FILE", help="Write to this new file; - is standard output.")
]
SqlArg: TypeAlias = Annotated[str, Argument(metavar="SQL", help="One statement, such as a select.")]
ValueOption: TypeAlias = Annotated[
    list[str] | None, Option("--param", "-p", metavar="NAME=VALUE", help="A value for :NAME; repeatable.")
]
OlderOption: TypeAlias = Annotated[
    str | None, Option("--older", metavar="DURATION", help="Remove what is older. Default: XATS_KEEP, or 30d.")
]
PruneDryRunOption: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print how much would be removed; change nothing.")
]
NameOnlyOption: TypeAlias = Annotated[
    bool, Option("--name-only", help="Free only this former name of an agent; the agent stays.")
]
YesOption: TypeAlias = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
PokedArg: TypeAlias = Annotated[str, Argument(metavar="AGENT", help="The agent.")]
PokeTextArg: TypeAlias = Annotated[str, Argument(metavar="TEXT", help="The text, up to 8 KiB; - reads standard input.")]

# -- what a verb takes -------------------------------------------------------------------------------------------------

COMMON: dict[str, Any] = {
    "as_name": AsOption,
    "team": TeamOption,
    "db": DbOption,
    "json": JsonOption,
    "quiet": QuietOption,
}


def taken(function: Callable[..., int]) -> dict[str, Any]:
    """Return {name: alias} of the parameters of the verb `function`, without `here`, in their order.

    An alias is a tuple (type, Argument or Option). Raises KeyError for a parameter that is none of this module.
    """
    aliases, prefix = globals(), "params."
    named = list(function.__annotations__.items())[1:]
    return {name: aliases[alias.removeprefix(prefix)] for name, alias in named if name != "return"}


def takes_value(kind: Any) -> bool:
    """Tell whether a parameter of this type has a value; else its flag alone says all."""
    return kind not in (bool, bool | None)


def is_number(kind: Any) -> bool:
    """Tell whether the value of a parameter of this type is a whole number."""
    return kind in (int, int | None, list[int] | None)


def is_list(kind: Any) -> bool:
    """Tell whether a parameter of this type can be given several times."""
    return kind in (list[str] | None, list[int] | None)
