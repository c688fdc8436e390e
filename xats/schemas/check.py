"""Does a document satisfy a schema? Formats (`email`, `date`) are notes here, as the drafts have them by default."""

from __future__ import annotations

from itertools import islice

from jsonschema.exceptions import best_match

from xats.base.errors import Uncheckable
from xats.base.record import record
from xats.schemas import pointer
from xats.schemas.guard import guarded
from xats.schemas.number import exact
from xats.schemas.schema import Schema
from xats.schemas.text import clip, vet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.schemas.text import Json

WIDTH = 160  # characters of one message or pointer


@record
class Problem:
    """Where a document does not satisfy a schema, and why. Both are short and harmless to a terminal."""

    pointer: str
    message: str


def errors(schema: Schema | Json, document: Json, limit: int = 5) -> list[Problem]:
    """Return the first `limit` reasons why `document` does not satisfy `schema`; none when it does.

    Raises InvalidSchema, InvalidJson when the document is no JSON, Uncheckable when that takes too long or fails.
    """
    schema = schema if isinstance(schema, Schema) else Schema(schema)
    document = exact(vet(document))
    with guarded():
        try:
            return [_problem(each) for each in islice(schema.validator().iter_errors(document), limit)]
        except RecursionError:
            msg = "xats cannot check the document: it is nested too deeply."
            raise Uncheckable(msg) from None


def _problem(error: Any) -> Problem:
    """Return the error of the library in one line; of alternatives, with why the nearest of them does not fit."""
    message = clip(error.message, WIDTH)
    if error.context:
        inner = best_match(iter([error]))
        if inner is not error:
            place = pointer.of(inner.absolute_path) or "it"
            message = f"{clip(error.message, WIDTH // 2)}; nearest: {clip(place, 40)} {clip(inner.message, WIDTH // 2)}"
    return Problem(clip(pointer.of(error.absolute_path), WIDTH), message)
