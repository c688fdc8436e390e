"""What changed from one schema to another, and whether it breaks those who read or those who write."""

from __future__ import annotations

from xats.base.errors import Uncheckable
from xats.base.record import record, replace
from xats.schemas.compat import NO, UNKNOWN, YES
from xats.schemas.guard import guarded
from xats.schemas.schema import Schema
from xats.schemas.walk import BROKEN, Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.schemas.compat import Verdict
    from xats.schemas.text import Json


@record
class Change:
    """One change.

    The pointer is into the new schema, or into the old one for what is gone. `what` is the keyword, or one of `property
    added`, `property removed`, `schema`, `definition`, `draft` and `annotation`. `backward` is `compatible` when
    readers of the new schema take whatever the old one accepts, as far as this change goes, and `forward` when readers
    of the old one take whatever the new one accepts; else they are `breaking`, or `unknown`.
    """

    pointer: str
    what: str
    text: str
    backward: Verdict
    forward: Verdict
    note: str = ""


@record
class Diff:
    """All changes, the outer ones first, and what they come to."""

    backward: Verdict
    forward: Verdict
    changes: tuple[Change, ...]


def diff(old: Schema | Json, new: Schema | Json, strict: bool = False) -> Diff:
    """Compare two schemas, each given as a Schema or as parsed JSON.

    An optional property that is added to an object which allows any other property counts as compatible, with a note;
    with `strict` it counts as breaking, which it is to a document that uses the name already. What cannot be decided is
    `unknown`. Raises InvalidSchema.
    """
    walk = Walk(
        old if isinstance(old, Schema) else Schema(old),
        new if isinstance(new, Schema) else Schema(new),
        strict,
    )
    try:
        with guarded():
            walk.go()
    except (Uncheckable, RecursionError) as error:
        late = isinstance(error, Uncheckable)
        reason = "the comparison takes too long" if late else "the schemas are nested too deeply to compare"
        walk.add("", "schema", reason, walk.root)
    changes = [Change(*each) for each in walk.found]
    for side, word in enumerate(("backward", "forward")):
        changes = _agreed(changes, side, word, walk.root[side])
    return Diff(*walk.root, tuple(changes))


def unknown(why: str) -> Diff:
    """Return what is known of a change when the schema before it cannot be read: nothing, for the reason `why`."""
    return Diff(UNKNOWN, UNKNOWN, (Change("", "schema", why, UNKNOWN, UNKNOWN),))


def _agreed(changes: list[Change], side: int, word: str, whole: Verdict) -> list[Change]:
    """Return `changes` so that at least one of them accounts for the answer for the whole schema.

    The parts are judged one by one, which can leave open what is certain of all of them together, and the reverse.
    """
    answers = [getattr(each, word) for each in changes]
    if whole == YES or whole in answers:
        return changes
    open_ = [n for n, answer in enumerate(answers) if answer == UNKNOWN]
    if whole == NO and len(open_) == 1:
        each = changes[open_[0]]
        changes[open_[0]] = replace(each, **{word: NO})
        return changes
    together = Change("", "schema", f"taken together, {BROKEN['schema'][side]}", YES, YES)
    return [*changes, replace(together, **{word: whole})]
