"""The JSON of turns."""

from __future__ import annotations

from typing import Annotated

from xats.cli.models.agents import AgentName, Turn
from xats.cli.models.base import Address, Document, Model, OneOf, Time, field

ENTRIES = (
    *("joined", "left", "kicked", "taken", "passed", "released", "offered", "skipped", "missed", "owner_gone"),
    *("lapsed", "stolen"),
)


class Artifact(Model):
    """A file that a handoff names."""

    path: str = field("Its path.")
    planned: bool = field("Whether it is still to be made.")


class Handoff(Model):
    """What a holder left to the next one."""

    from_: Address = field("Who wrote it.", alias="from")
    at: Time = field("When the turn was passed on.")
    number: int = field("The number of the turn that it ended.")
    status: str = field("What was done.")
    next: str = field("What is to be done next.")
    artifacts: list[Artifact] = field("The files that the next one needs.")


class TurnMember(Model):
    """A member of a turn."""

    agent: Address = field("The agent.")
    joined_at: Time = field("When it joined.")
    last_number: int | None = field("The number of its last turn; null: it never had it.")
    waits_since: Time | None = field("Since when it waits in turn take --wait; null: it does not.")
    unreachable: str | None = field("Why xats cannot get its attention now, in words; null: it can.")


class TurnDetails(Turn):
    """A turn with everything about it."""

    members: list[TurnMember] = field("Its members, in the order in which they joined.")
    line: list[Address] = field("The members that come next, in their order, without the holder.")
    handoff: Handoff | None = field("The newest handoff.")


class Skipped(Model):
    """A member that xats cannot wake now."""

    agent: Address = field("The agent.")
    reason: str = field("Why, in words.")


class TurnEntry(Model):
    """An entry of the log of a turn."""

    id: int = field("The id; it only grows.")
    at: Time = field("When it happened.")
    kind: Annotated[str, OneOf(ENTRIES)] = field("What happened.")
    number: int = field("The number of the last grant at that time.")
    agent: Address | None = field("Who did it, or to whom it happened.")
    other: Address | None = field("To whom it was passed, from whom it was taken, or who was removed.")
    reason: str | None = field("Why.")
    handoff: Handoff | None = field("The handoff, if it was passed on.")


class TurnJoinDocument(Document):
    """The turn that I take part in."""

    turn: TurnDetails = field("The turn.")
    joined: bool = field("False if I took part in it before.")


class TurnDocument(Document):
    """The turn that I have now."""

    turn: TurnDetails = field("The turn.")


class TurnStealDocument(Document):
    """The turn that I have now."""

    turn: TurnDetails = field("The turn.")
    takeover: Annotated[str, OneOf(["person", "gone", "silent", "unused", "free"])] = field(
        "Why I could take it: I am a person; the holder was gone or silent; the offer was not used; it was free."
    )


class TurnMovedDocument(Document):
    """The turn after I passed it on or gave it back."""

    turn: Turn = field("The turn.")
    skipped: list[Skipped] = field("Members that xats cannot wake now: those that were skipped, or the named one.")


class TurnStatusDocument(Document):
    """A turn with everything about it."""

    turn: TurnDetails = field("The turn.")
    others: list[str] = field("The names of the other turns of the team.")


class TurnLogDocument(Document):
    """What became of a turn."""

    entries: list[TurnEntry] = field("The newest entries, the newest last.")
    has_more: bool = field("Whether there are older ones.")


class TurnGoneDocument(Document):
    """The turn after a member left or was removed."""

    turn: Turn = field("The turn.")
    agent: AgentName = field("The agent that has left the turn.")
