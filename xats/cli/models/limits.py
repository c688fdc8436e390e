"""The JSON of limits."""

from __future__ import annotations

from typing import Annotated

from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.cli.models.mail import Evidence
from xats.core.crews.limits import ACTIONS, NAMES


class Limit(Model):
    """A limit of a team, and how much of it is used."""

    name: Annotated[str, OneOf(NAMES)] = field("The limit.")
    team: str = field("The team.")
    value: int = field(
        "The most that the team may use: wakes or mails an hour, agents at once, restarts a day, or minutes."
    )
    used: int = field("How much is used now.")
    percent: int = field("How much of the value that is.")
    state: Annotated[str, OneOf(["ok", "warned", "reached"])] = field(
        "Whether 80 percent (`warned`) or all (`reached`) is used."
    )
    paused: bool = field("Whether this limit has paused the wakes of the team.")
    then: Annotated[str, OneOf(ACTIONS)] = field("What xats does when it is reached.")
    reason: str | None = field("The reason that was given.")
    by: Address = field("Who set it.")
    evidence: Evidence = field("How xats knew who set it.")
    at: Time = field("When it was set.")
    warned_at: Time | None = field("When xats warned at 80 percent; null: not since the number fell.")
    reached_at: Time | None = field("When it was reached; null: not since the number fell.")


class LimitSetDocument(Document):
    """The limit that was set."""

    limit: Limit = field("The limit.")
    created: bool = field("False if the team had this limit before, with other values.")


class LimitListDocument(Document):
    """The limits of a team."""

    limits: list[Limit] = field("The limits: wakes, mails, agents, restarts, minutes, as far as they are set.")
    has_more: bool = field("Always false: all limits are printed.")


class LimitDropDocument(Document):
    """The limit that was removed."""

    limit: Limit = field("The limit, as it was.")
