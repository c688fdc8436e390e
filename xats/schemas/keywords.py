"""Keywords that the library checks otherwise than the drafts say, or too slowly: its functions are replaced by these.

Numbers are exact, patterns are those of ECMA-262, equal items and values are found by their seals in one pass, and what
`unevaluatedItems` and `unevaluatedProperties` leave over is found with sets.
"""

from __future__ import annotations

from functools import cache, partial

from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing.jsonschema import lookup_recursive_ref

from xats.schemas.number import ratio
from xats.schemas.pattern import search
from xats.schemas.text import clip, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from xats.schemas.text import Json, Sealed

    Errors = Iterator[ValidationError]

WIDTH = 40  # characters of one value in a list of them


class Values(list["Json"]):
    """The values of an `enum`, with their seals."""

    def __init__(self, values: list[Json]) -> None:
        super().__init__(values)
        self.sealed: frozenset[Sealed] = frozenset(map(seal, values))


@cache
def extended(validator: Any, draft: str) -> Any:
    """Return the library's class `validator` with the keywords of this module, as `draft` has them."""
    return extend(validator, {**KEYWORDS, "unevaluatedItems": partial(_unevaluated_items, contains=draft == "2020-12")})


def _multiple_of(validator: Any, step: Json, value: Json, _: Json) -> Errors:
    if validator.is_type(value, "number") and ratio(value) % ratio(step):
        yield ValidationError(f"{value!r} is not a multiple of {step!r}")


def _enum(_validator: Any, values: Json, value: Json, _: Json) -> Errors:
    if seal(value) not in (values if isinstance(values, Values) else Values(values)).sealed:
        yield ValidationError(f"{value!r} is not one of {list(values)!r}")


def _unique_items(validator: Any, wanted: Json, value: Json, _: Json) -> Errors:
    if not wanted or not validator.is_type(value, "array"):
        return
    seen: dict[Sealed, int] = {}
    for index, each in enumerate(value):
        before = seen.setdefault(seal(each), index)
        if before != index:
            yield ValidationError(f"the items {before} and {index} are equal: {each!r}")
            return


def _pattern(validator: Any, pattern: Json, value: Json, _: Json) -> Errors:
    if validator.is_type(value, "string") and not search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Json, value: Json, _: Json) -> Errors:
    if validator.is_type(value, "object"):
        for pattern, schema in patterns.items():
            for name, each in value.items():
                if search(pattern, name):
                    yield from validator.descend(each, schema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rest: Json, value: Json, schema: Json) -> Errors:
    if validator.is_type(value, "object"):
        names = [name for name in value if not _is_known(schema, name)]
        yield from _others(validator, rest, value, names, "Additional properties are not allowed")


def _others(validator: Any, rest: Json, value: Json, names: list[str], rule: str) -> Errors:
    """Check the properties `names` of `value` against the schema `rest`; if that is False, they break `rule`."""
    if rest is False and names:
        yield ValidationError(_unexpected(rule, names))
    elif rest is not False:
        for name in names:
            yield from validator.descend(value[name], rest, path=name)


def _is_known(schema: Json, name: str) -> bool:
    """Tell whether `properties` or `patternProperties` beside a keyword speak of the property `name`."""
    return name in schema.get("properties", ()) or any(
        search(each, name) for each in schema.get("patternProperties", ())
    )


def _unexpected(rule: str, what: list[Json]) -> str:
    shown = ", ".join(clip(repr(each), WIDTH) for each in what[:3]) + (f" and {len(what) - 3} more" if what[3:] else "")
    return f"{rule} ({shown} {'was' if len(what) == 1 else 'were'} unexpected)"


def _in_place(validator: Any, value: Json) -> Iterator[Any]:
    """Yield `validator` and those of the schemas that apply to the same value and hold for it, as far as it holds."""
    yield validator
    schema = validator.schema
    if isinstance(schema, bool):
        return
    resolver = validator._resolver
    found = [resolver.lookup(schema[keyword]) for keyword in ("$ref", "$dynamicRef") if keyword in schema]
    if "$recursiveRef" in schema:
        found.append(lookup_recursive_ref(resolver))
    for each in found:
        yield from _in_place(validator.evolve(schema=each.contents, _resolver=each.resolver), value)
    branches = [*schema.get("allOf", ())]
    branches += [each for keyword in ("anyOf", "oneOf") for each in schema.get(keyword, ())]
    if isinstance(value, dict):
        branches += [each for name, each in schema.get("dependentSchemas", {}).items() if name in value]
    if "if" in schema:
        holds = validator.evolve(schema=schema["if"]).is_valid(value)
        branches += [schema["if"], schema.get("then", True)] if holds else [schema.get("else", True)]
    for branch in branches:
        below = validator.evolve(schema=branch)
        if below.is_valid(value):
            yield from _in_place(below, value)


def _unevaluated_properties(validator: Any, rest: Json, value: Json, schema: Json) -> Errors:
    if not validator.is_type(value, "object"):
        return
    left = list(value)
    for each in _in_place(validator, value):
        other = {} if isinstance(each.schema, bool) else each.schema
        if "additionalProperties" in other or ("unevaluatedProperties" in other and other is not schema):
            return
        left = [name for name in left if not _is_known(other, name)]
    yield from _others(validator, rest, value, left, "Unevaluated properties are not allowed")


def _unevaluated_items(validator: Any, rest: Json, value: Json, schema: Json, *, contains: bool) -> Errors:
    """Check `unevaluatedItems`; since 2020-12 what `contains` accepts is evaluated."""
    if not validator.is_type(value, "array"):
        return
    first = 0
    among: set[int] = set()
    for each in _in_place(validator, value):
        other = {} if isinstance(each.schema, bool) else each.schema
        items = other.get("items")
        tuple_ = items if isinstance(items, list) else other.get("prefixItems", ())  # a list before 2020-12
        if (items is not None and (tuple_ is not items or "additionalItems" in other)) or (
            "unevaluatedItems" in other and other is not schema
        ):
            return
        first = max(first, len(tuple_))
        if contains and "contains" in other:
            wanted = each.evolve(schema=other["contains"])
            among.update(n for n, one in enumerate(value) if n not in among and wanted.is_valid(one))
    left = [n for n in range(first, len(value)) if n not in among]
    if rest is False and left:
        yield ValidationError(_unexpected("Unevaluated items are not allowed", [value[n] for n in left]))
    elif rest is not False:
        for n in left:
            yield from validator.descend(value[n], rest, path=n)


KEYWORDS = {
    "multipleOf": _multiple_of,
    "enum": _enum,
    "uniqueItems": _unique_items,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "unevaluatedProperties": _unevaluated_properties,
}
