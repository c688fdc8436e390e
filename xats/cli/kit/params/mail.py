"""The parameters of the verbs of mail."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

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
        metavar="[BODY|@FILE|-]",
        help="The text, up to 1 MiB; @FILE reads a file, - standard input. Default: EDITOR opens, on a terminal.",
    ),
]
MessageIdArg: TypeAlias = Annotated[int, Argument(metavar="ID", help="A message's number.")]
OptionalMessageIdArg: TypeAlias = Annotated[int | None, Argument(metavar="ID", help="A message's number.")]
SubjectOption: TypeAlias = Annotated[
    str | None, Option("--subject", "-s", metavar="TEXT", help="A subject of one line.")
]
NeedReplyOption: TypeAlias = Annotated[
    bool | None,
    Option(
        "--need-reply/--no-need-reply",
        help="Expect a reply. Default: yes, from agents that ADDRESS names; no with --kind info.",
    ),
]
KindOption: TypeAlias = Annotated[
    str | None,
    Option("--kind", metavar="NAME", help="The kind of message, for scripts; info needs no reply. Default: mail."),
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
    bool, Option("--hold", help="Keep the message for an agent that is not registered yet, or has left.")
]
SendWaitOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--wait", metavar="DURATION", help="Wait up to DURATION until all recipients have been shown it; else exit 124."
    ),
]
StatusWaitOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--wait",
        metavar="DURATION",
        help="First wait up to DURATION until all recipients have been shown it, or exit 124.",
    ),
]
BatchOption: TypeAlias = Annotated[
    str | None,
    Option("--batch", metavar="FILE", help="Send every line of a JSON Lines file (or -), all or none: to, body, ..."),
]
ContractOption: TypeAlias = Annotated[
    str | None,
    Option("--contract", metavar="NAME[@V]", help="The body must be JSON that satisfies this contract."),
]
PeekOption: TypeAlias = Annotated[bool, Option("--peek", help="Leave the mail unread.")]
AllOption: TypeAlias = Annotated[bool, Option("--all", help="Include mail already shown or read.")]
AgainOption: TypeAlias = Annotated[
    bool, Option("--again", help="Print mail again that was shown before and may not have been seen.")
]
OwedOption: TypeAlias = Annotated[bool, Option("--owed", help="List requests that you have read and not answered.")]
FullOption: TypeAlias = Annotated[
    bool, Option("--full", help="Print every message in full, also on a terminal and when there are many.")
]
LastOption: TypeAlias = Annotated[int | None, Option("--last", metavar="N", help="Only the newest N messages.")]
ReverseOption: TypeAlias = Annotated[bool, Option("--reverse", help="Begin with the newest message.")]
NoPagerOption: TypeAlias = Annotated[bool, Option("--no-pager", help="Print long output without a pager.")]
FromOption: TypeAlias = Annotated[str | None, Option("--from", metavar="AGENT", help="Only from this agent.")]
ThreadOption: TypeAlias = Annotated[int | None, Option("--thread", metavar="ID", help="Only of this thread.")]
SinceIdOption: TypeAlias = Annotated[int, Option("--since", metavar="ID", help="Only messages after this id.")]
WaitOption: TypeAlias = Annotated[
    str | None, Option("--wait", metavar="DURATION", help="Wait up to DURATION for mail; else exit 124.")
]
DeadIdArg: TypeAlias = Annotated[int | None, Argument(metavar="ID", help="The number of its message.")]
WhoseOption: TypeAlias = Annotated[
    str | None, Option("--whose", metavar="AGENT", help="Only the copy of this recipient.")
]
ToOption: TypeAlias = Annotated[
    str | None,
    Option("--to", metavar="AGENT", help="Send the message to this agent instead, in the name of its sender."),
]
EveryOption: TypeAlias = Annotated[bool, Option("--all", help="Apply to all dead letters.")]
AttemptsOption: TypeAlias = Annotated[
    bool, Option("--attempts", help="Show every attempt to wake its recipients: when, how, and why it failed.")
]
LogToOption: TypeAlias = Annotated[str | None, Option("--to", metavar="AGENT", help="Only to this agent.")]
LogKindOption: TypeAlias = Annotated[
    str | None, Option("--kind", metavar="NAME", help="Only this kind of message, such as mail or reply.")
]
LogSinceOption: TypeAlias = Annotated[
    str | None,
    Option("--since", metavar="ID|DURATION", help="Only mail after this id, or from the last DURATION, such as 1h."),
]
BodiesOption: TypeAlias = Annotated[bool, Option("--full", help="Print the whole text of each message.")]
LogFollowOption: TypeAlias = Annotated[
    bool, Option("--follow", "-f", help="Print new mail as it is sent, until Ctrl-C.")
]
SearchArg: TypeAlias = Annotated[
    list[str], Argument(metavar="TEXT...", help="The words. All of them must occur, in upper or lower case.")
]
SearchSinceOption: TypeAlias = Annotated[
    str | None, Option("--since", metavar="DURATION", help="Only results from the last DURATION, such as 2d.")
]
QuestionArg: TypeAlias = Annotated[
    str | None,
    Argument(
        metavar="[BODY|@FILE|-]",
        help="The question, up to 1 MiB; @FILE reads a file, - standard input. Default: EDITOR opens, on a terminal.",
    ),
]
AskTimeoutOption: TypeAlias = Annotated[
    str, Option("--timeout", metavar="DURATION", help="Wait up to DURATION for the reply; else exit 124.")
]
AskContractOption: TypeAlias = Annotated[
    str | None,
    Option("--contract", metavar="NAME[@V]", help="The reply must be JSON that satisfies this contract."),
]
ResumeOption: TypeAlias = Annotated[
    int | None, Option("--resume", metavar="ID", help="Send nothing; wait for the reply to your message ID.")
]
