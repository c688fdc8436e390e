"""The JSON of `xats` without a verb."""

from __future__ import annotations

from typing import Annotated

from xats.cli.agents.attention import KINDS
from xats.cli.models.agents import ListedTurn
from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.cli.models.mail import Evidence
from xats.core.mail.owed import OPEN


class UnreadFrom(Model):
    """The unread mail of one sender."""

    from_: Address = field("The sender.", alias="from")
    count: int = field("The number of unread messages.")
    oldest_at: Time = field("When the oldest of them was sent.")


class OwedReply(Model):
    """A request that I have read and not answered."""

    id: int = field("The id of the message.")
    from_: Address = field("The sender.", alias="from")
    about: str = field("Its subject, else the beginning of its body.")
    sent_at: Time = field("When it was sent.")


class AwaitedReply(Model):
    """A request of mine that an agent has not answered."""

    id: int = field("The id of the message.")
    to: Address = field("The agent that has to answer.")
    about: str = field("Its subject, else the beginning of its body.")
    sent_at: Time = field("When it was sent.")
    state: Annotated[str, OneOf(OPEN)] = field("The state of the copy of that agent.")


class NeedyAgent(Model):
    """An agent that needs a person."""

    agent: Address = field("The agent.")
    reason: Annotated[str, OneOf(KINDS)] = field("Why: it asks its user, its wake was given up, and so on.")
    detail: str = field("The reason in words.")
    unread: int = field("The number of its unread messages.")


class OverviewDocument(Document):
    """What waits for me, and which agents of the team need a person."""

    agent: Address | None = field("Who I am; null: that is not known, or I am not registered yet.")
    evidence: Evidence | None = field("How xats knows.")
    team: str = field("The team.")
    unread: int = field("The number of my unread messages.")
    shown: int = field("The number of messages that were shown to me, and perhaps not seen.")
    oldest_unread_at: Time | None = field("When the oldest of them was sent.")
    unread_from: list[UnreadFrom] = field("Their senders, the one with the most first.")
    owed: list[OwedReply] = field("The requests that I have read and not answered, the newest first, at most 50.")
    owed_count: int = field("The number of these requests.")
    awaited: list[AwaitedReply] = field("My requests without an answer, one for each agent, at most 50.")
    awaited_count: int = field("The number of these requests.")
    locks: int = field("The number of files that I have locked.")
    others: int = field("The number of other agents in the team.")
    others_online: int = field("The number of them whose program is known to run.")
    needs: list[NeedyAgent] = field("The agents that need a person, the most urgent first.")
    paused: bool = field("Whether the whole team is paused.")
    turns: list[ListedTurn] = field("The turns that an agent has, that are offered to one, or that one waits for.")
    has_more: bool = field("Whether there are more requests than these lists have.")
