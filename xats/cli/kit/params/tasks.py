"""The parameters of the verbs of tasks."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

TitleArg: TypeAlias = Annotated[str, Argument(metavar="TITLE", help="The title, in one line.")]
TaskIdArg: TypeAlias = Annotated[int, Argument(metavar="ID", help="A task's number.")]
OptionalTaskIdArg: TypeAlias = Annotated[int | None, Argument(metavar="ID", help="A task's number.")]
DescriptionOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--description",
        "-d",
        metavar="TEXT|@FILE|-",
        help="The description, up to 1 MiB; @FILE reads a file, - standard input.",
    ),
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
    str | None,
    Option("--result", metavar="TEXT|@FILE|-", help="The result, up to 1 MiB; @FILE reads a file, - standard input."),
]
DespiteOption: TypeAlias = Annotated[
    bool, Option("--force", help="End the task even if a task that it needs was reopened.")
]
TaskReasonOption: TypeAlias = Annotated[str | None, Option("--reason", metavar="TEXT", help="The reason.")]
NoteArg: TypeAlias = Annotated[str, Argument(metavar="TEXT", help="The progress so far.")]
FeedbackArg: TypeAlias = Annotated[
    str | None,
    Argument(metavar="[TEXT|@FILE|-]", help="What is missing; @FILE reads a file, - standard input."),
]
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
