"""The JSON of messages, deliveries, wakes, dead letters and pauses."""

from __future__ import annotations

from typing import Annotated, Any

from xats.cli.agents.states import STATES as AGENT_STATES
from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.cli.models.tasks import Task
from xats.core.mail.sending import NOT_WOKEN
from xats.core.waking.reasons import REASONS

EVIDENCE = ("flag", "env", "session", "pane", "process", "user")
WAKE_STATES = ("queued", "retrying", "delivered", "skipped", "failed", "held")
DELIVERY_STATES = ("unread", "shown", "read", "replied", "expired")

Evidence = Annotated[str, OneOf(EVIDENCE)]
Reason = Annotated[str, OneOf(REASONS)]
WakeState = Annotated[str, OneOf(WAKE_STATES)]


class ContractVersion(Model):
    """A version of a contract of the sender's team."""

    name: str = field("The name of the contract.")
    version: int = field("The number of the version.")


class Message(Model):
    """A message without its body."""

    id: int = field("The id of the message.")
    thread_id: int = field("The id of the first message of the conversation.")
    from_: Address = field("The sender.", alias="from")
    address: str = field("The address as the sender wrote it, such as bob or role:reviewer.")
    subject: str | None = field("The subject.")
    kind: str = field("What the message is, such as mail or reply.")
    need_reply: bool = field("Whether the sender waits for a reply.")
    reply_to: int | None = field("The id of the message that this one answers.")
    sent_at: Time = field("When xats accepted the message.")
    expires_at: Time | None = field("When the message expires unread; null: never.")
    evidence: Evidence = field("How xats knew the sender: a flag or variable, or what is bound to the agent.")
    contract: ContractVersion | None = field("The contract version that the body satisfies.")


class Letter(Message):
    """A copy of a message, with its body."""

    to: Address = field("The agent whose copy this is.")
    body: str = field("The text of the message.")
    state: Annotated[str, OneOf((*DELIVERY_STATES, "sent"))] = field("The state of the copy; sent: it is your own.")
    read_at: Time | None = field("When the copy was read.")
    shown_at: Time | None = field("When the copy was printed into a pipe or handed over by a hook.")
    data: Any = field("The body as a JSON value if it satisfies a contract, else null.")


class NotWoken(Model):
    """A recipient that is not woken for a message."""

    agent: Address = field("The recipient.")
    reason: Annotated[str, OneOf(NOT_WOKEN)] = field("Why xats does not wake it.")


class Delayed(Model):
    """A recipient that is woken later, because the two agents have woken each other often."""

    agent: Address = field("The recipient.")
    reason: Annotated[str, OneOf(["throttled"])] = field("Why xats waits.")
    next_attempt_at: Time = field("When xats wakes it.")


class RenamedRecipient(Model):
    """A recipient that was addressed by a former name."""

    name: str = field("The former name in the address.")
    agent: Address = field("The agent that the name leads to.")


class EndedCopy(Model):
    """A copy that ended before its recipient read it."""

    agent: Address = field("The recipient.")
    reason: Annotated[str, OneOf(["expired", "forgotten"])] = field("Why it ended.")


class NotRunning(Model):
    """A recipient whose program has ended. The message is stored and waits for it."""

    agent: Address = field("The recipient.")
    gone_at: Time | None = field("When xats saw that its program had ended; null: no daemon has looked since.")
    last_seen_at: Time = field("Its last sign of life.")


class Sent(Model):
    """A message that was sent, and who gets it."""

    message: Message = field("The message.")
    created: bool = field("False if a message with the same key was sent before; then nothing new was stored.")
    recipients: list[Address] = field("Everybody who gets a copy.")
    not_woken: list[NotWoken] = field("The recipients that are not woken, and why.")
    delayed: list[Delayed] = field("The recipients that are woken later.")
    renamed: list[RenamedRecipient] = field("The recipients that were addressed by a former name.")
    dead_letters: list[EndedCopy] = field(
        "For a message that was sent before with this key: the copies that ended unread."
    )
    not_running: list[NotRunning] = field("The recipients whose programs have ended; empty for a batch and a pool.")


class SentDocument(Document, Sent):
    """The message that was sent."""


class PooledDocument(Document, Sent):
    """A message to a pool, and the task that it became."""

    task: Task = field("The task that a member of the pool can claim.")


class BatchDocument(Document):
    """The messages of a batch."""

    sent: list[Sent] = field("The message of each line of the batch, in the order of the lines.")
    created: int = field("The number of messages that are new.")


class AskDocument(Document):
    """A question and its reply."""

    message: Message = field("The question.")
    reply: Letter = field("The first reply.")


class AckDocument(Document):
    """The message that was acknowledged."""

    message: Message = field("The message.")
    acked: bool = field("Always true.")


class ShownBefore(Model):
    """A message that was shown before and is not known to be read."""

    id: int = field("The id of the message.")
    from_: Address = field("The sender.", alias="from")


class InboxDocument(Document):
    """A page of an inbox."""

    ids: list[int] = field("The ids of the messages of this page.")
    shown_before: list[ShownBefore] = field("Messages shown before; print them again with inbox --again.")
    messages: list[Letter] = field("The messages, oldest first; with --reverse newest first.")
    has_more: bool = field("Whether there are more messages than this page has.")
    unread: int = field("The number of messages that are still unread after this page.")


class ShowDocument(Document):
    """One message."""

    message: Letter = field("The message.")


class ThreadDocument(Document):
    """A conversation."""

    thread_id: int = field("The id of the first message of the conversation.")
    messages: list[Letter] = field("The newest messages, oldest first.")
    has_more: bool = field("Whether the conversation has older messages than are printed.")


class BadgeDocument(Document):
    """The numbers of a badge."""

    unread: int = field("The number of unread messages.")
    owed: int = field("The number of requests that were read and not answered.")
    text: str = field("The characters that `badge` prints without --json; may be empty.")


class WaitDocument(Document):
    """Unread mail."""

    unread: int = field("The number of unread messages.")


class Wake(Model):
    """How xats gets the attention of an agent for its unread mail."""

    id: int | None = field("The id of the wake; null: there is none.")
    state: WakeState = field("The state of the wake; skipped: no wake is needed.")
    reason: Reason | None = field("Why the wake waits, has ended or was not opened.")
    last_refusal: Reason | None = field("Why the last attempt was refused.")
    detail: str | None = field("What xats saw at the last attempt.")
    attempts: int = field("The number of attempts so far.")
    transport: str | None = field("The transport of the last attempt.")
    handed_to: list[str] = field("The transports that took the line of the wake; nothing was read since.")
    next_attempt_at: Time | None = field("When the next attempt is due.")
    updated_at: Time | None = field("When the wake last changed.")


class Delivery(Model):
    """One recipient's copy of a message."""

    agent: Address = field("The recipient.")
    state: Annotated[str, OneOf(DELIVERY_STATES)] = field("The state of the copy.")
    shown_at: Time | None = field("When the copy was printed into a pipe or handed over by a hook.")
    read_at: Time | None = field("When the copy was read.")
    replied_at: Time | None = field("When the recipient replied.")
    acked_at: Time | None = field("When the recipient acknowledged the message.")
    host: str | None = field("The host of the recipient.")
    agent_state: Annotated[str, OneOf(AGENT_STATES)] = field(
        "The state of the recipient now; waiting: it asks its user for a permission or an answer."
    )
    agent_detail: str = field("The state of the recipient now and how xats knows it, in words.")
    wake: Wake = field("The wake for this copy.")


class StatusDocument(Document):
    """The state of a message."""

    message: Message = field("The message.")
    deliveries: list[Delivery] = field("The copies, one for each recipient.")


class DeadLetter(Model):
    """A copy of a message whose wake failed, or that expired."""

    message: Message = field("The message.")
    agent: Address = field("The recipient.")
    reason: Reason = field("Why the delivery failed.")
    last_refusal: Reason | None = field("Why the last attempt was refused.")
    attempts: int = field("The number of attempts.")
    since: Time = field("When the delivery failed.")
    fix: str = field("What to do about it, mostly a command.")


class DeadListDocument(Document):
    """The dead letters of a team."""

    dead: list[DeadLetter] = field("The dead letters, oldest first.")
    has_more: bool = field("Whether there are more than are printed.")


class DeadShowDocument(Document):
    """The dead letters of one message."""

    dead: list[DeadLetter] = field("The dead letters, one for each recipient.")
    body: str = field("The text of the message.")


class Retried(Model):
    """A dead letter that xats retries."""

    id: int = field("The id of the dead message.")
    agent: Address = field("The agent that gets it now.")
    new_id: int = field("The id of the message that it gets: the same, or that of a copy.")


class DeadRetryDocument(Document):
    """The dead letters that xats retries."""

    retried: list[Retried] = field("The dead letters.")


class Dropped(Model):
    """A dead letter that was removed from the list."""

    id: int = field("The id of the message.")
    agent: Address = field("The recipient.")


class DeadDropDocument(Document):
    """The dead letters that were removed from the list."""

    dropped: list[Dropped] = field("The dead letters.")


class Pause(Model):
    """A pause of an agent or of a whole team."""

    team: str = field("The team.")
    agent: Address | None = field("The agent; null: the whole team.")
    reason: str | None = field("The reason that was given.")
    by: Address = field("Who paused it.")
    at: Time = field("When the pause began.")
    limit: str | None = field("The limit of the team that began it; null: an agent or a person did.")


class PauseDocument(Document):
    """The pause."""

    pause: Pause = field("The pause.")
    created: bool = field("False if it was paused already.")


class ResumeDocument(Document):
    """The end of a pause."""

    agent: Address | None = field("The agent; null: the whole team.")
    team: str = field("The team.")
    resumed: bool = field("False if it was not paused.")
    due: int = field("The number of agents with mail that xats wakes now.")


class PokeDocument(Document):
    """A prompt that was typed into a pane."""

    agent: Address = field("The agent.")
    pane: str | None = field("The id of its pane.")
    state: Annotated[str, OneOf(["delivered", "refused", "unconfirmed", "ready"])] = field(
        "What happened to the text; ready: only with --dry-run, it would be typed."
    )
    reason: Reason | None = field("Why it was refused.")
    removed: list[str] = field("The control characters that xats took out of the text.")


class Woken(Model):
    """A wake that deliver --once tried."""

    id: int = field("The id of the wake.")
    agent: Address = field("The agent.")
    state: str = field("The result of the attempt.")
    reason: Reason | None = field("Why it was refused or is waiting.")


class WakePreview(Model):
    """A due wake that deliver --dry-run looked at."""

    id: int = field("The id of the wake.")
    agent: Address = field("The agent.")
    pane: str | None = field("The id of its pane.")
    reason: Reason | None = field("Why xats would not wake it now.")
    line: str | None = field("The line that xats would type.")
    transport: str | None = field("The transport that xats would use.")
    action: str = field("What xats would do, in words.")


class DeliverDocument(Document):
    """The wakes that were due."""

    wakes: list[Woken] | list[WakePreview] = field("The wakes; with --dry-run what xats would do.")
    waiting: int = field("How many other wakes wait for their next attempt.")
    suspended: int = field("How many other wakes wait until their agent is back.")
    next_due_at: Time | None = field("When the next attempt of these is due; null: none waits for one.")
    has_more: bool = field("Always false.")
