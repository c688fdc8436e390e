"""One JSON Schema: whether it is one, and the form in which schemas of three drafts can be compared.

In that form (`root` and what hangs below it) everything is said in the keywords of draft 2020-12, what does not
constrain is gone, and every `$ref` is a key of `targets`: no `$id`, no `$anchor`. Numbers are exact, see `number`.
"""

from __future__ import annotations

from urllib.parse import unquote, urldefrag, urljoin

import jsonschema
from jsonschema.exceptions import best_match
from jsonschema_specifications import REGISTRY as SPECIFICATIONS
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT7, DRAFT201909, DRAFT202012

from xats.base.errors import InvalidJson, InvalidSchema
from xats.schemas import keywords, pointer
from xats.schemas.guard import guarded
from xats.schemas.number import Real, exact
from xats.schemas.pattern import compiled
from xats.schemas.regex import Unreadable
from xats.schemas.text import clip, short, vet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from xats.schemas.text import Json

    Node = dict[str, Any] | bool  # a schema in the form that is compared

DRAFTS = {
    "http://json-schema.org/draft-07/schema": ("7", DRAFT7, jsonschema.Draft7Validator),
    "https://json-schema.org/draft/2019-09/schema": ("2019-09", DRAFT201909, jsonschema.Draft201909Validator),
    "https://json-schema.org/draft/2020-12/schema": ("2020-12", DRAFT202012, jsonschema.Draft202012Validator),
}
LATEST = "https://json-schema.org/draft/2020-12/schema"
ROOT = "http://contract.invalid/"  # the base of a schema that has no $id; RFC 2606 promises that nobody lives there

ONE = {"additionalProperties", "propertyNames", "contains", "items", "not", "if", "then", "else"}
ONE |= {"unevaluatedItems", "unevaluatedProperties"}
SEVERAL = {"allOf", "anyOf", "oneOf", "prefixItems"}
NAMED = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
PLAIN = {"type", "enum", "const", "required", "dependentRequired", "pattern", "multipleOf", "uniqueItems"}
PLAIN |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"}
PLAIN |= {"minItems", "maxItems", "minContains", "maxContains", "minProperties", "maxProperties"}
KNOWN = ONE | SEVERAL | NAMED | PLAIN
SINCE_2019 = {"dependentSchemas", "dependentRequired", "minContains", "maxContains", "$defs"}
SINCE_2019 |= {"unevaluatedItems", "unevaluatedProperties"}
MOVING = ("$dynamicRef", "$recursiveRef")  # references whose end depends on the way there


class Schema:
    """A valid schema: `raw` as it was given, `root` in the form that is compared."""

    def __init__(self, raw: Json) -> None:
        """Take a schema as parsed JSON. Raises InvalidSchema, which names the place by `pointer` and says `reason`."""
        with guarded():
            try:
                self._take(raw)
            except RecursionError:
                raise refused("", "it is nested too deeply") from None

    def _take(self, raw: Json) -> None:
        try:
            vet(raw)
        except InvalidJson as error:
            raise refused("", str(error)) from None
        self.raw = raw = exact(raw)
        named = raw.get("$schema", LATEST) if isinstance(raw, dict) else LATEST
        found = DRAFTS.get(named.removesuffix("#")) if isinstance(named, str) else None
        if found is None:
            raise refused("/$schema", f"{short(named)} is not one of the drafts 7, 2019-09 and 2020-12")
        self.draft, self._specification, self._validator_class = found
        self._check(raw, "")

        resource = self._specification.create_resource(raw)
        self._base = urljoin(ROOT, resource.id() or "")
        self._documents = Registry().with_resource(self._base, resource).combine(SPECIFICATIONS).crawl()
        self._places = {id(value): at for value, at in _containers(raw, "")}
        self._spelled: dict[tuple[int, str], str] = {}
        self._open: list[tuple[dict[str, Any], str, str, str, str]] = []
        self._parts = 0  # how many schemas in this one are documents of their own
        self.at: dict[str, Node] = {}
        self.pointers: dict[int, str] = {}
        self.raws: dict[int, Json] = {}
        self.notes: dict[int, dict[str, Json]] = {}  # the keywords of a schema that do not constrain
        self.targets: dict[str, Node] = {}
        self._numbers: dict[str, str] = {}  # pointer: key of `targets`
        self.opaque = False  # what it means cannot be told part by part
        self.root = self._normal(raw, self._base, "")
        self._close()
        _refuse_circles(self)
        self._root_validator = self._make_validator()

    # -- the schema in use ---------------------------------------------------------------------------------------------

    def validator(self, node: Node | None = None) -> Any:
        """Return the library's validator for the whole schema, or for `node` of it."""
        return self._root_validator if node is None else self._root_validator.evolve(schema=node)

    def spelled(self, node: Node, keyword: str) -> str:
        """Return how the author of `node` wrote `keyword`: `items` for the `prefixItems` of older drafts."""
        return self._spelled.get((id(node), keyword), keyword)

    def followed(self, node: Node) -> Node:
        """Return what `node` refers to when it is a reference and no more, else `node`."""
        while isinstance(node, dict) and node.keys() == {"$ref"} and node["$ref"] in self.targets:
            node = self.targets[node["$ref"]]
        return node

    def _make_validator(self) -> Any:
        if self.opaque:
            raw = _undrafted(self.raw, {id(each) for each in self.raws.values()})
            registry = Registry().with_resource(self._base, self._specification.create_resource(raw))
            return keywords.extended(self._validator_class, self.draft)(
                raw, registry=registry.combine(SPECIFICATIONS).crawl()
            )
        table = DRAFT202012.create_resource(
            {"$defs": {key.rpartition("/")[2]: node for key, node in self.targets.items()}}
        )
        registry = Registry().with_resource(ROOT, table)
        return keywords.extended(jsonschema.Draft202012Validator, self.draft)(self.root, registry=registry)

    # -- is it one -----------------------------------------------------------------------------------------------------

    def _check(self, raw: Json, at: str) -> None:
        """Refuse what the meta-schema of the draft refuses."""
        metaschema = self._validator_class(self._validator_class.META_SCHEMA, registry=Registry())
        error = best_match(metaschema.iter_errors(_doubles(raw)))
        if error is not None:
            reason = error.message.replace("is not valid under any of the given schemas", "is not allowed there")
            raise refused(pointer.join(at, *error.absolute_path), clip(reason, 160))

    def _pattern(self, text: str, at: str) -> None:
        try:
            compiled(text)
        except Unreadable as error:
            raise refused(at, f"the pattern {short(text)} cannot be used: {error}") from None

    # -- into the form that is compared --------------------------------------------------------------------------------

    def _normal(self, raw: Json, base: str, at: str) -> Node:
        """Return the schema `raw`, which stands at the pointer `at` and resolves its references against `base`."""
        if isinstance(raw, bool):
            self.at[at] = raw
            return raw
        own = raw.get("$id")
        if isinstance(own, str) and not own.startswith("#") and not (self.draft == "7" and "$ref" in raw) and at:
            base = urljoin(base, own)
            self._parts += 1
        if at and raw.get("$schema", self.raw.get("$schema")) != self.raw.get("$schema"):
            raise refused(pointer.join(at, "$schema"), "one part of a schema cannot be of another draft")
        node: dict[str, Any] = {}
        self.at[at], self.pointers[id(node)] = node, at
        taken = {"$schema"}
        for keyword, spelled, value in self._keywords(raw):
            taken.add(spelled)
            if keyword != spelled:
                self._spelled[id(node), keyword] = spelled
            there = pointer.join(at, spelled)
            if keyword in ("$ref", *MOVING):
                self._open.append((node, keyword, value, base, there))
            elif keyword in ONE:
                node[keyword] = self._normal(value, base, there)
            elif keyword in SEVERAL:
                node[keyword] = [self._normal(each, base, pointer.join(there, n)) for n, each in enumerate(value)]
            elif keyword in NAMED:
                node[keyword] = {k: self._normal(each, base, pointer.join(there, k)) for k, each in value.items()}
            else:
                node[keyword] = keywords.Values(value) if keyword == "enum" else value
        if "pattern" in node:
            self._pattern(node["pattern"], pointer.join(at, "pattern"))
        for text in node.get("patternProperties", ()):
            self._pattern(text, pointer.join(at, "patternProperties", text))
        self.notes[id(node)] = {key: value for key, value in raw.items() if key not in taken}
        self.raws[id(node)] = raw
        return node

    def _keywords(self, raw: dict[str, Json]) -> Iterator[tuple[str, str, Json]]:
        """Yield every keyword of `raw` that constrains: its name in 2020-12, its name here, its value."""
        if self.draft == "7" and "$ref" in raw:  # its neighbours mean nothing there
            raw = {key: raw[key] for key in ("$ref", "definitions") if key in raw}
        for key, value in raw.items():
            if key in ("$ref", *MOVING):
                if key == "$ref" or (key, self.draft) in (("$dynamicRef", "2020-12"), ("$recursiveRef", "2019-09")):
                    yield key, key, value
            elif key == "items" and isinstance(value, list):
                yield "prefixItems", key, value
                if "additionalItems" in raw:
                    yield "items", "additionalItems", raw["additionalItems"]
            elif key == "prefixItems" and self.draft != "2020-12":
                continue
            elif key == "dependencies" and self.draft == "7":
                names = {name: each for name, each in value.items() if isinstance(each, list)}
                schemas = {name: each for name, each in value.items() if name not in names}
                if names:
                    yield "dependentRequired", key, names
                if schemas:
                    yield "dependentSchemas", key, schemas
            elif key in KNOWN and not (key in SINCE_2019 and self.draft == "7"):
                yield key, key, value

    # -- references ----------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        """Point every reference at a key of `targets`; that may bring in more schemas, and with them references."""
        while self._open:
            node, keyword, ref, base, at = self._open.pop(0)
            if keyword in MOVING and self._parts:
                self.opaque = True
                continue
            key = self._target(ref, base, at)
            if keyword == "$ref" and "$ref" not in node:
                node["$ref"] = key
            else:
                node["allOf"] = [*node.get("allOf", []), {"$ref": key}]
                self.pointers[id(node["allOf"][-1])] = at

    def _target(self, ref: str, base: str, at: str) -> str:
        """Return the key in `targets` of what `ref` names, or the reference itself when it is to a draft's schema."""
        try:
            resolver = self._documents.resolver(base)
            resolved = resolver.lookup(ref)
            uri, fragment = urldefrag(base + ref if ref.startswith("#") else urljoin(base, ref))
            if uri in SPECIFICATIONS:
                return uri + ("#" + fragment if fragment else "")
            if fragment.startswith("/"):
                there = self._places[id(resolver.lookup(uri).contents)] + unquote(fragment)
            else:
                there = self._places[id(resolved.contents)]
        except (Unresolvable, KeyError, ValueError):
            within = ref.startswith("#")
            reason = (
                "but it does not contain that"
                if within
                else "which is another document; it can only refer to its own parts"
            )
            raise refused(at, f"the schema refers to {short(ref)}, {reason}") from None
        return self._numbers.get(there) or self._open_target(there, uri)

    def _open_target(self, there: str, base: str) -> str:
        """Give the schema at the pointer `there` a key in `targets`, and return the key."""
        if there not in self.at:  # a place that the draft does not know as one of schemas, so nobody looked at it yet
            raw = pointer.get(self.raw, there)
            self._check(raw, there)
            self._normal(raw, base, there)
        key = self._numbers[there] = f"{ROOT}#/$defs/{len(self.targets)}"
        self.targets[key] = self.at[there]
        return key


def refused(at: str, reason: str) -> InvalidSchema:
    """Return the error that says why the value at the pointer `at` cannot stand in a schema."""
    place = clip(at, 80) if at else "its root"
    reason = reason.removesuffix(".")
    return InvalidSchema(f"This is not a valid JSON Schema: at {place}, {reason}.", pointer=at, reason=reason)


def _doubles(value: Json) -> Json:
    """Return `value` with a float for every Real: the meta-schemas are read by the library, which expects that."""
    if isinstance(value, list):
        return [_doubles(each) for each in value]
    if isinstance(value, dict):
        return {key: _doubles(each) for key, each in value.items()}
    return float(value) if isinstance(value, Real) else value


def _undrafted(value: Json, schemas: set[int]) -> Json:
    """Return `value` without the `$schema` of `schemas`, for which the library would take a validator of its own."""
    if isinstance(value, list):
        return [_undrafted(each, schemas) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _undrafted(each, schemas) for key, each in value.items() if key != "$schema" or id(value) not in schemas
    }


def within(node: Node) -> Iterator[Node]:
    """Yield the schemas in `node` that look at the same value as `node` does, but for its `$ref`."""
    if isinstance(node, bool):
        return
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from node.get(keyword, ())
    for keyword in ("not", "if", "then", "else"):
        if keyword in node:
            yield node[keyword]
    yield from node.get("dependentSchemas", {}).values()


def _containers(value: Json, at: str) -> Iterator[tuple[Json, str]]:
    """Yield every object and list in `value` with its pointer."""
    open_ = [(value, at)]
    while open_:
        value, at = open_.pop()
        if isinstance(value, (dict, list)):
            yield value, at
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            open_.extend((each, pointer.join(at, step)) for step, each in pairs)


def _refuse_circles(schema: Schema) -> None:
    """Refuse a schema that comes back to itself without going down in the value: checking it would never end."""
    left: set[int] = set()
    for start in schema.at.values():
        way: dict[int, Iterator[Node]] = {}
        steps: list[Node] = [start]
        while steps:
            node = steps[-1]
            if id(node) not in way:
                ahead = [*within(node)]
                if isinstance(node, dict) and node.get("$ref") in schema.targets:
                    ahead.append(schema.targets[node["$ref"]])
                way[id(node)] = iter([each for each in ahead if isinstance(each, dict)])
            following = next((each for each in way[id(node)] if id(each) not in left), None)
            if following is None:
                left.add(id(node))
                steps.pop()
            elif id(following) in way:
                raise refused(
                    schema.pointers[id(following)], "it refers to itself for the same value, which never ends"
                )
            else:
                steps.append(following)
