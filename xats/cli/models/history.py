"""The JSON of the log, of a search, and of the attempts to wake the recipients of a message."""

from __future__ import annotations

from typing import Annotated

from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.cli.models.mail import DELIVERY_STATES, Delivery, Message, Reason, WakeState
from xats.cli.models.tasks import State


class LogCopy(Model):
    """The state of a recipient's copy of a message."""

    agent: Address = field("The recipient.")
    state: Annotated[str, OneOf((*DELIVERY_STATES, "acked"))] = field("The state of the copy.")
    at: Time | None = field("Since when; null: since the message was sent.")


class LogMessage(Message):
    """A message of the log."""

    body: str = field("The text of the message.")
    copies: list[LogCopy] = field("The copies whose state you may see: all, or of mail to you only your own.")


class LogDocument(Document):
    """The newest mail."""

    messages: list[LogMessage] = field("The messages, oldest first.")
    has_more: bool = field("Whether there are earlier messages that match.")


class SearchResult(Model):
    """A message, a task, a contract or a note that contains all words."""

    kind: Annotated[str, OneOf(("mail", "task", "contract", "note"))] = field("What it is.")
    id: int | None = field("The id of the message or of the task.")
    name: str | None = field("The name and the version of the contract or the note, such as style@3.")
    at: Time = field("When the message was sent, the task last changed, or the version was stored.")
    by: Address = field("Who sent, added or stored it.")
    to: str | None = field("The address of the message; the assignee or the role of the task.")
    state: State | None = field("The state of the task.")
    title: str | None = field("The subject, the title, or the note of the version of a contract.")
    excerpt: str = field("The text around the first of the words.")


class SearchDocument(Document):
    """What a search found."""

    words: list[str] = field("The words.")
    results: list[SearchResult] = field("What contains all of them, the newest first.")
    has_more: bool = field("Whether there are more results.")


class Attempt(Model):
    """How an attempt to wake a recipient ended."""

    at: Time = field("When it ended.")
    wake: int = field("The id of the wake.")
    state: WakeState = field("The state of the wake after the attempt.")
    transport: str | None = field("The transport of the attempt.")
    reason: Reason | None = field("Why the attempt failed, or was not needed.")
    attempts: int = field("The number of attempts that count so far.")
    next_attempt_at: Time | None = field("When the next attempt was due then.")
    exit: int | None = field("The exit code of the user's own program that wakes.")


class JoinedWake(Model):
    """An older wake that a message joined. Its attempts from before the message are not listed."""

    wake: int = field("The id of the wake.")
    opened_at: Time = field("When the wake was opened.")
    attempts: int | None = field("How many attempts counted before the message was sent; null: not known any more.")


class DeliveryHistory(Delivery):
    """One recipient's copy of a message, with the attempts to wake the recipient."""

    joined: JoinedWake | None = field("The older wake that the message joined; null: none.")
    attempts: list[Attempt] = field("The attempts, oldest first.")


class StatusAttemptsDocument(Document):
    """The state of a message, with every attempt to wake its recipients."""

    message: Message = field("The message.")
    deliveries: list[DeliveryHistory] = field("The copies, one for each recipient.")
