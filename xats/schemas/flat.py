"""What holds for one value: the schemas that all apply to it, taken together as one set of limits.

`allOf` and `$ref` are followed, of two limits the tighter one stays, and what is left of the other keywords that apply
to the same value (`anyOf`, `not`, `if`) is listed beside the limits.
"""

from __future__ import annotations

import math
from fractions import Fraction

from xats.schemas.number import ratio
from xats.schemas.pattern import search
from xats.schemas.schema import within
from xats.schemas.text import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from xats.schemas.schema import Node, Schema
    from xats.schemas.text import Json

    Bound = Fraction | float  # a float is an infinite one
    Size = int | float
    Conj = tuple["Part", ...]  # all of them hold; in the order of their numbers, none twice

LARGE = 300  # properties
TYPES = ("object", "array", "string", "number", "boolean", "null")


class Part:
    """One schema and the whole that it belongs to. There is one Part for one schema, so it is equal to itself alone."""

    __slots__ = ("node", "number", "whole")

    def __init__(self, whole: Schema, node: Node, number: int) -> None:
        self.whole, self.node, self.number = whole, node, number


class Shape:
    """What one schema says of the properties of an object, or of the items of an array."""

    __slots__ = ("named", "patterns", "rest", "whole")

    def __init__(self, whole: Schema, named: dict[str, Node], patterns: dict[str, Node], rest: Node) -> None:
        self.whole, self.named, self.patterns, self.rest = whole, named, patterns, rest

    def of(self, name: str) -> Iterator[Node]:
        """Yield the schemas for the property `name`."""
        additional = name not in self.named
        if not additional:
            yield self.named[name]
        for pattern, node in self.patterns.items():
            if search(pattern, name):
                additional = False
                yield node
        if additional:
            yield self.rest


class Flat:
    """The limits that several schemas set together, and the rest that is no limit of one kind."""

    def __init__(self, conj: Conj, identity: Callable[[Schema, Node], object]) -> None:
        self._identity = identity
        self.types = set(TYPES)
        self.values: list[Json] | None = None
        self.low: tuple[Bound, bool] = (-math.inf, False)  # the bound, and whether it is outside
        self.high: tuple[Bound, bool] = (math.inf, False)
        self.step: Fraction | None = None  # of which every number is a multiple
        self.sizes: dict[str, tuple[Size, Size]] = dict.fromkeys(("string", "array", "object"), (0, math.inf))
        self.patterns: set[str] = set()
        self.unique = False
        self.items: list[tuple[Schema, list[Node], Node]] = []
        self.contains: list[tuple[Schema, Node, int, Size]] = []
        self.shapes: list[Shape] = []
        self.names: list[tuple[Schema, Node]] = []
        self.required: set[str] = set()
        self.with_required: dict[str, set[str]] = {}
        self.with_schema: list[tuple[str, Schema, Node]] = []
        self.any: list[tuple[Schema, list[Node]]] = []
        self.one: list[tuple[Schema, list[Node]]] = []
        self.nots: list[tuple[Schema, Node]] = []
        self.ifs: list[tuple[Schema, dict[str, Node]]] = []
        self.opaque: list[tuple[str, Json]] = []
        self.seen: set[object] = set()  # the schemas that are known to hold
        self._barred: set[object] = set()  # and those that are known not to
        self._take((part.whole, part.node) for part in conj)
        self._settle()

    @property
    def plain(self) -> bool:
        """Whether the limits are all there is to say."""
        return not (self.any or self.one or self.nots or self.ifs or self.with_schema or self.opaque)

    @property
    def large(self) -> bool:
        """Whether an object is too large for trying many of them."""
        return sum(len(shape.named) for shape in self.shapes) > LARGE

    @property
    def integral(self) -> bool:
        """Whether every number is an integer."""
        return self.step is not None and self.step.denominator == 1

    def bounds(self) -> tuple[tuple[Bound, bool], tuple[Bound, bool]]:
        """Return the lowest and the highest number and whether each is outside, brought to multiples of the step."""
        low, high, step = self.low, self.high, self.step
        if step is not None:
            if isinstance(low[0], Fraction):
                low = ((math.floor(low[0] / step) + 1 if low[1] else math.ceil(low[0] / step)) * step, False)
            if isinstance(high[0], Fraction):
                high = ((math.ceil(high[0] / step) - 1 if high[1] else math.floor(high[0] / step)) * step, False)
        return low, high

    # -- gathering -----------------------------------------------------------------------------------------------------

    def _take(self, pairs: Iterable[tuple[Schema, Node]]) -> None:
        """Add schemas that hold, and what they bring with them."""
        ahead = list(pairs)
        while ahead:
            whole, node = ahead.pop()
            if isinstance(node, bool):
                if not node:
                    self.types.clear()
                continue
            identity = self._identity(whole, node)
            if identity in self.seen:
                continue
            self.seen.add(identity)
            if "$ref" in node:
                if node["$ref"] in whole.targets:
                    ahead.append((whole, whole.targets[node["$ref"]]))
                else:
                    self.opaque.append(("$ref", node["$ref"]))
            ahead.extend((whole, each) for each in node.get("allOf", ()))
            self._limits(node)
            self._array(whole, node)
            self._object(whole, node)
            if "anyOf" in node:
                self.any.append((whole, node["anyOf"]))
            if "oneOf" in node:
                self.one.append((whole, node["oneOf"]))
            if "not" in node:
                self.nots.append((whole, node["not"]))
                self._barred.add(self._identity(whole, node["not"]))
            if "if" in node and ("then" in node or "else" in node):
                self.ifs.append((whole, {key: node.get(key, True) for key in ("if", "then", "else")}))

    def _limits(self, node: dict[str, Json]) -> None:
        if "type" in node:
            types = {node["type"]} if isinstance(node["type"], str) else set(node["type"])
            if "integer" in types and "number" not in types:
                self._multiples_of(Fraction(1))
            self.types &= {"number" if each == "integer" else each for each in types}
        for values in ([node["const"]] if "const" in node else None, node.get("enum")):
            if values is not None:
                allowed = {seal(each) for each in values}
                before = values if self.values is None else self.values
                self.values = [each for each in before if seal(each) in allowed]
        for keyword, outside in (("minimum", False), ("exclusiveMinimum", True)):
            if keyword in node:
                self.low = max(self.low, (ratio(node[keyword]), outside))
        for keyword, outside in (("maximum", False), ("exclusiveMaximum", True)):
            if keyword in node:
                self.high = min(self.high, (ratio(node[keyword]), outside), key=lambda each: (each[0], not each[1]))
        if "multipleOf" in node:
            self._multiples_of(ratio(node["multipleOf"]))
        for kind, noun in (("string", "Length"), ("array", "Items"), ("object", "Properties")):
            low, high = self.sizes[kind]
            self.sizes[kind] = (max(low, node.get("min" + noun, 0)), min(high, node.get("max" + noun, math.inf)))
        if "pattern" in node:
            self.patterns.add(node["pattern"])
        self.unique = self.unique or bool(node.get("uniqueItems"))

    def _multiples_of(self, step: Fraction) -> None:
        """Limit numbers to multiples of `step`: of two steps, to those of their least common multiple."""
        if self.step is not None:
            above = math.lcm(self.step.numerator * step.denominator, step.numerator * self.step.denominator)
            step = Fraction(above, self.step.denominator * step.denominator)
        self.step = step

    def _array(self, whole: Schema, node: dict[str, Json]) -> None:
        if "prefixItems" in node or "items" in node:
            self.items.append((whole, node.get("prefixItems", []), node.get("items", True)))
        if "contains" in node:
            limits = node.get("minContains", 1), node.get("maxContains", math.inf)
            self.contains.append((whole, node["contains"], *limits))
        if "unevaluatedItems" in node:
            length = _seen_items(whole, node)
            if length is None:
                self.opaque.append(("unevaluatedItems", None))
            elif length < math.inf:
                self.items.append((whole, [True] * int(length), node["unevaluatedItems"]))

    def _object(self, whole: Schema, node: dict[str, Json]) -> None:
        if "properties" in node or "patternProperties" in node or "additionalProperties" in node:
            patterns, rest = node.get("patternProperties", {}), node.get("additionalProperties", True)
            self.shapes.append(Shape(whole, node.get("properties", {}), patterns, rest))
        if "propertyNames" in node:
            self.names.append((whole, node["propertyNames"]))
        self.required.update(node.get("required", ()))
        for name, others in node.get("dependentRequired", {}).items():
            self.with_required.setdefault(name, set()).update(others)
        self.with_schema.extend((name, whole, each) for name, each in node.get("dependentSchemas", {}).items())
        if "unevaluatedProperties" in node:
            seen = _seen_properties(whole, node)
            if seen is None:
                self.opaque.append(("unevaluatedProperties", None))
            elif seen[2]:
                self.shapes.append(Shape(whole, seen[0], seen[1], node["unevaluatedProperties"]))

    def _settle(self) -> None:
        """Draw the conclusions that are certain, until there is no more of them."""
        known: tuple[int, ...] = ()
        while known != (len(self.seen), len(self.required), len(self._barred), len(self.types)):
            known = (len(self.seen), len(self.required), len(self._barred), len(self.types))
            for name in [*self.required]:
                self.required |= self.with_required.get(name, set())
            self._take((whole, node) for name, whole, node in self.with_schema if self._has(name))
            for _, barred in self.nots:
                if isinstance(barred, dict) and barred.keys() == {"type"}:
                    types = {barred["type"]} if isinstance(barred["type"], str) else set(barred["type"])
                    self.types -= types | ({"number"} if "integer" in types and self.integral else set())
            for whole, each in self.ifs:
                if self.known(whole, each["if"]):
                    self._take([(whole, each["then"])])
                elif self.known_not(whole, each["if"]):
                    self._take([(whole, each["else"])])
            for whole, branches in self.one:
                held = next((n for n, each in enumerate(branches) if self.known(whole, each)), None)
                if held is not None:
                    others = [*branches[:held], *branches[held + 1 :]]
                    others = [each for each in others if not self.known_not(whole, each)]
                    self.nots.extend((whole, each) for each in others)
                    self._barred.update(self._identity(whole, each) for each in others)
        self.with_schema = [each for each in self.with_schema if not self._has(each[0])]
        self.any = [each for each in self.any if not self._decided(each)]
        self.one = [each for each in self.one if not self._decided(each)]
        self.ifs = [
            (whole, each)
            for whole, each in self.ifs
            if not self.known(whole, each["if"]) and not self.known_not(whole, each["if"])
        ]

    def _has(self, name: str) -> bool:
        return name in self.required and self.types <= {"object"}

    def known(self, whole: Schema, node: Node) -> bool:
        """Tell whether `node` is one of the schemas that hold."""
        if isinstance(node, bool) or not node:
            return node is not False
        return self._identity(whole, node) in self.seen

    def known_not(self, whole: Schema, node: Node) -> bool:
        """Tell whether `node` is one of the schemas that do not hold."""
        return not node if isinstance(node, bool) else self._identity(whole, node) in self._barred

    def _decided(self, choice: tuple[Schema, list[Node]]) -> bool:
        return any(self.known(choice[0], each) for each in choice[1])

    # -- asking --------------------------------------------------------------------------------------------------------

    @property
    def prefix(self) -> int:
        """How many items at the beginning of an array have schemas of their own."""
        return max((len(first) for _, first, _ in self.items), default=0)

    def under(self, pattern: str) -> Iterator[tuple[Schema, Node]]:
        """Yield the schemas for every property whose name matches `pattern`."""
        for shape in self.shapes:
            if pattern in shape.patterns:
                yield shape.whole, shape.patterns[pattern]


def _seen_properties(whole: Schema, node: Node) -> tuple[dict[str, Node], dict[str, Node], bool] | None:
    """Return the names and patterns that `unevaluatedProperties` in `node` leaves out, and whether anything is left.

    None when that depends on the value.
    """
    names: dict[str, Node] = {}
    patterns: dict[str, Node] = {}
    left = True
    for each in _certain(whole, node):
        if each is None or "dependentSchemas" in each:
            return None
        names.update(dict.fromkeys(each.get("properties", ()), True))
        patterns.update(dict.fromkeys(each.get("patternProperties", ()), True))
        if "additionalProperties" in each or ("unevaluatedProperties" in each and each is not node):
            left = False
    return (names, patterns, left)


def _seen_items(whole: Schema, node: Node) -> Size | None:
    """Return how many items `unevaluatedItems` in `node` leaves out. None when that depends on the value."""
    length: Size = 0
    for each in _certain(whole, node):
        if each is None or "contains" in each:
            return None
        length = max(length, len(each.get("prefixItems", ())))
        if "items" in each or ("unevaluatedItems" in each and each is not node):
            length = math.inf
    return length


def _certain(whole: Schema, node: Node) -> Iterator[dict[str, Json] | None]:
    """Yield the schemas that hold wherever `node` does; None where that depends on the value."""
    ahead, seen = [node], set()
    while ahead:
        node = ahead.pop()
        if isinstance(node, bool) or id(node) in seen:
            continue
        seen.add(id(node))
        if not {"anyOf", "oneOf", "if"}.isdisjoint(node) or node.get("$ref", "") not in ("", *whole.targets):
            yield None
        yield node
        ahead.extend(node.get("allOf", ()))
        if "$ref" in node and node["$ref"] in whole.targets:
            ahead.append(whole.targets[node["$ref"]])


def around(parts: Iterable[Part]) -> Iterator[tuple[Schema, dict[str, Json]]]:
    """Yield every schema that has to do with the same value as `parts`, whether it holds or not."""
    ahead, seen = [(part.whole, part.node) for part in parts], set()
    while ahead:
        whole, node = ahead.pop()
        if isinstance(node, bool) or id(node) in seen:
            continue
        seen.add(id(node))
        yield whole, node
        ahead.extend((whole, each) for each in within(node))
        if "$ref" in node:
            ahead.append((whole, whole.targets.get(node["$ref"], True)))


def speaks_of(whole: Schema, node: dict[str, Json], name: str) -> bool:
    """Tell whether a schema has to do with a property `name`, be it that it has to do with all."""
    if any(
        name in node.get(keyword, ()) for keyword in ("properties", "required", "dependentRequired", "dependentSchemas")
    ):
        return True
    if any(node.get(keyword, True) not in (True, {}) for keyword in ("additionalProperties", "unevaluatedProperties")):
        return True
    if any(name in others for others in node.get("dependentRequired", {}).values()):
        return True
    elsewhere = "$ref" in node and node["$ref"] not in whole.targets
    return elsewhere or any(search(each, name) for each in node.get("patternProperties", ()))


def of_property(node: dict[str, Json], name: str | None) -> Iterator[Node]:
    """Yield the schemas in `node` that may hold for the property `name`, or for one that has none of its own."""
    if name in node.get("properties", ()):
        yield node["properties"][name]
    for pattern, each in node.get("patternProperties", {}).items():
        if name is None or search(pattern, name):
            yield each
    yield from (node[keyword] for keyword in ("additionalProperties", "unevaluatedProperties") if keyword in node)


def of_items(node: dict[str, Json]) -> Iterator[Node]:
    """Yield the schemas in `node` that may hold for an item."""
    yield from node.get("prefixItems", ())
    yield from (node[keyword] for keyword in ("items", "contains", "unevaluatedItems") if keyword in node)
