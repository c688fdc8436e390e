"""What all models of JSON share: their rules, types of values, and enumerations.

A model forbids fields that it does not describe and converts nothing. So a test that validates the output of a verb
finds each field that is missing, new or of another type.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import core_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Model(BaseModel):
    """An object of JSON. Its fields have the names of the JSON; an `alias` is for a name that Python reserves."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_default=True)


def field(text: str, **more: Any) -> Any:
    """Return a field that `text` describes in one line; `more` as in pydantic.Field, such as an `alias`."""
    return Field(description=text, **more)


class OneOf:
    """Marks a text as one of `words`: `Annotated[str, OneOf(STATES)]`."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = list(words)

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Return the pydantic schema of a text that is one of the words."""
        return core_schema.literal_schema(self.words)


Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Address = Annotated[str, Field(pattern="^[^@]+@[^@]+$")]


class Document(Model):
    """What a verb prints with --json: one object."""

    schema_version: Literal[1] = field("The version of this form. It changes when a field is renamed or removed.")
