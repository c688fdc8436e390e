"""What xats reads from other programs or gives to them: batch lines, client profiles, wakes, rows of tables.

Quick readers (cli/mail/batch.py, clients/registry.py) read batch lines and profiles, because a batch is large and hooks
read profiles. A test compares what they accept with these models.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, RootModel, create_model

from xats.cli.models.agents import Pane
from xats.cli.models.base import Address, Document, Model, field
from xats.cli.models.machine import ClientProfile
from xats.clients.profile import Profile
from xats.clients.registry import LARGEST


class BatchLine(Model):
    """A line of send --batch. A field that is null counts as not there."""

    to: str | None = field("The address; without it the address of the command line.", default=None)
    body: str = field("The text of the message.")
    subject: str | None = field("The subject.", default=None)
    kind: str | None = field("What the message is; the default is mail.", default=None)
    need_reply: bool | None = field("Whether a reply is needed; the default is as in send.", default=None)
    key: str | None = field("The key that makes sending safe to repeat.", default=None)
    ttl: str | int | float | None = field("How long it may stay unread: a duration, or seconds.", default=None)
    reply_to: int | None = field("The id of the message that it answers.", default=None)
    no_wake: bool | None = field("Whether to wake no recipient.", default=None)
    hold: bool | None = field("Whether it is held for a name that no agent has yet.", default=None)


class WakeDocument(Document):
    """What the wake program of the user, for --wake command, gets on standard input."""

    agent: Address = field("The agent to wake.")
    unread: int = field("The number of its unread messages.")
    from_: list[str] = field("The first of their senders, as the agent calls them.", alias="from")
    senders: int = field("The number of senders.")
    line: str = field("The line that xats would type.")
    wake: int = field("The id of the wake.")
    attempt: int = field("The number of this attempt, from 1.")
    pane: Pane | None = field("The pane of the agent.")
    team: str = field("The team of the agent.")
    role: str | None = field("Its role.")
    client: str = field("Its agent program.")


class Row(RootModel[dict[str, Any]]):
    """A row of a table, with the columns as keys; with `table` if there are several tables."""


def _profile_file() -> type[Model]:
    """Return the model of a user's file with a client profile: all fields of a profile are optional."""
    kinds: dict[Any, Any] = {
        list[str]: list[Annotated[str, Field(min_length=1)]],
        int: Annotated[int, Field(ge=0, le=LARGEST)],
    }
    fields: dict[str, Any] = {}
    for name, one in ClientProfile.model_fields.items():
        if name != "name":
            default = getattr(Profile(""), name)
            value = list(default) if isinstance(default, tuple) else default
            fields[name] = (kinds.get(one.annotation, one.annotation), field(one.description or "", default=value))
    text = "A file NAME.toml with the fields of a client profile to change."
    return create_model("ProfileFile", __base__=Model, __doc__=text, **fields)


ProfileFile = _profile_file()
