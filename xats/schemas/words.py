"""Sentences about what changed in a schema, for people."""

from __future__ import annotations

from xats.schemas import pointer
from xats.schemas.text import clip, seal, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.schemas.text import Json

WIDTH = 60  # characters of one value or one place

NOUNS = {
    "multipleOf": "step",
    "minLength": "shortest length",
    "maxLength": "longest length",
    "minItems": "fewest items",
    "maxItems": "most items",
    "uniqueItems": "uniqueness of the items",
    "minProperties": "fewest properties",
    "maxProperties": "most properties",
    "const": "value",
    "exclusiveMinimum": "exclusive minimum",
    "exclusiveMaximum": "exclusive maximum",
    "dependentRequired": "properties required by others",
    "minContains": "fewest matching items",
    "maxContains": "most matching items",
}
RULES = {
    "contains": "what has to be among the items",
    "not": "what is forbidden",
    "if": "what depends on a condition",
    "propertyNames": "which names properties may have",
    "dependentSchemas": "what depends on a property",
    "anyOf": "the alternatives",
    "oneOf": "the alternatives that exclude each other",
    "unevaluatedProperties": "what else properties may be",
    "unevaluatedItems": "what else items may be",
    "$ref": "the reference",
    "allOf": "the rules that all hold",
}


def place(where: str) -> str:
    """Return the place in a document as people read it: `/order/lines/*/sku`, where `*` is any item or name."""
    return clip(where, WIDTH) if where else "the document"


def property_(where: str, name: str) -> str:
    """Return a property of the object at `where`."""
    return place(pointer.join(where, name))


def value(keyword: str, where: str, before: dict[str, Json], after: dict[str, Json]) -> str:
    """Return what happened to a keyword with a plain value, from the schemas that have it or not."""
    noun = NOUNS.get(keyword, keyword)
    if keyword not in before:
        return f"{noun} {short(after[keyword], WIDTH)} added to {place(where)}"
    if keyword not in after:
        return f"{noun} {short(before[keyword], WIDTH)} removed from {place(where)}"
    return f"{noun} of {place(where)} changed from {short(before[keyword], WIDTH)} to {short(after[keyword], WIDTH)}"


def types(where: str, before: Json, after: Json) -> str:
    """Return what happened to the type of a value; None is for any."""
    return f"type of {place(where)} changed from {_types(before)} to {_types(after)}"


def _types(given: Json) -> str:
    if given is None:
        return "any"
    return given if isinstance(given, str) else " or ".join(given)


def values(where: str, before: list[Json] | None, after: list[Json] | None) -> str:
    """Return what happened to the list of values that are allowed."""
    if before is None or after is None:
        happened = "is limited to" if before is None else "is no longer limited to"
        return f"{place(where)} {happened} {_listed(after or before or [])}"
    olds, news = ({seal(each): each for each in values} for values in (before, after))
    more = [each for sealed, each in news.items() if sealed not in olds]
    less = [each for sealed, each in olds.items() if sealed not in news]
    said = [f"{word} {_listed(some)}" for word, some in (("allows", more), ("no longer allows", less)) if some]
    return f"{place(where)} {' and '.join(said) or 'lists the same values differently'}"


def _listed(some: list[Json]) -> str:
    shown = ", ".join(short(each, 30) for each in some[:3])
    return f"{shown} and {len(some) - 3} more" if len(some) > 3 else shown


def rule(keyword: str, where: str, happened: str) -> str:
    """Return what happened, `added`, `removed` or `changed`, to a keyword that holds schemas."""
    return f"{RULES.get(keyword, keyword)} ({keyword}) of {place(where)} {happened}"


def rest(noun: str, where: str, before: Json, after: Json) -> str:
    """Return what happened to the properties of an object, or the items of a list, that have no schema of their own."""
    return f"other {noun} of {place(where)} were {_rest(before)} and are {_rest(after)} now"


def _rest(given: Json) -> str:
    if given is False:
        return "forbidden"
    return "of any kind" if given in (None, True, {}) else "restricted"
