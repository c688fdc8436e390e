"""Schemas, schemas near them, and documents at their edges. All chance comes from the `random.Random` that is given."""

from __future__ import annotations

import copy
import json
import re

DRAFTS = {
    "7": "http://json-schema.org/draft-07/schema#",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}
NAMES = ["a", "b", "c", "x-1", "x-2", "d/e~"]
PATTERNS = ["^x-", "^[a-c]$", "b", "^a", "^.{2,}$", "[0-9]"]
TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"]
VALUES = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    2,
    -1,
    0.5,
    10,
    "",
    "a",
    "ab",
    "abc",
    "x-1",
    [],
    [1],
    ["a"],
    {},
    {"a": 1},
    {"b": "a"},
]
BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
SIZES = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]
CHANCES = {
    "type": 9, "enum": 2, "const": 2, "bound": 4, "multipleOf": 2, "size": 4, "pattern": 2, "uniqueItems": 1,
    "properties": 9, "required": 5, "additionalProperties": 4, "patternProperties": 2, "propertyNames": 1,
    "dependentRequired": 1, "dependentSchemas": 1, "items": 4, "tuple": 2, "contains": 2,
    "allOf": 2, "anyOf": 2, "oneOf": 2, "not": 1, "if": 1, "$ref": 2, "unevaluatedProperties": 1, "unevaluatedItems": 1,
    "note": 1,
}  # fmt: skip


class Maker:
    """Makes schemas of one draft."""

    def __init__(self, rng, draft="2020-12"):
        self.rng, self.draft = rng, draft

    def whole(self, depth=3):
        """Return a schema that is complete: what it refers to is in it."""
        root = self.schema(depth)
        if isinstance(root, bool):
            return root
        root["$schema"] = DRAFTS[self.draft]
        return self.defined(root)

    def defined(self, root):
        """Add the definitions that `root` refers to, and what those refer to."""
        defs = root.setdefault("definitions", {})
        while True:
            missing = {name for name in ("p", "q") if f'"#/definitions/{name}"' in json.dumps(root)} - set(defs)
            if not missing:
                break
            for name in sorted(missing):
                defs[name] = self.definition()
        if not defs:
            del root["definitions"]
        return root

    def definition(self):
        """Return a schema that other schemas refer to; it may come back to itself, but only further down."""
        below = self.rng.choice([{"$ref": "#/definitions/p"}, {"$ref": "#/definitions/q"}, self.schema(1, refs=False)])
        own = self.schema(1, refs=False)
        own = {} if isinstance(own, bool) else own
        if self.rng.random() < 0.5:
            own.setdefault("properties", {})["a"] = below
        else:
            own["items"] = below
            own.pop("prefixItems", None)
        return own

    def schema(self, depth, refs=True):
        rng = self.rng
        if depth <= 0 or rng.random() < 0.1:
            return rng.choice([True, {}, {"type": rng.choice(TYPES)}, {"type": rng.choice(TYPES)}, rng.random() > 0.3])
        kinds = rng.choices(list(CHANCES), list(CHANCES.values()), k=rng.choice([1, 1, 2, 2, 3, 4]))
        found = {}
        for kind in kinds:
            found.update(self.keyword(kind, depth - 1, refs))
        return found

    def number(self):
        return self.rng.choice([0, 1, 2, 3, 5, -1, 0.5, 1.5, 2.0, 10])

    def names(self, most=2):
        return self.rng.sample(NAMES, self.rng.randint(1, most))

    def keyword(self, kind, depth, refs=True):
        """Return a schema of one keyword, or of a few that belong together."""
        rng, old = self.rng, self.draft != "2020-12"

        def sub():
            return self.schema(depth, refs)

        if kind == "type":
            return {"type": rng.choice(TYPES) if rng.random() < 0.7 else sorted(rng.sample(TYPES, 2))}
        if kind == "enum":
            return {"enum": rng.sample(VALUES, rng.randint(1, 4))}
        if kind == "const":
            return {"const": rng.choice(VALUES)}
        if kind == "bound":
            return {rng.choice(BOUNDS): self.number()}
        if kind == "multipleOf":
            return {"multipleOf": rng.choice([1, 2, 3, 4, 6, 0.5, 2.0, 1.5])}
        if kind == "size":
            return {rng.choice(SIZES): rng.choice([0, 1, 2, 3, 2.0])}
        if kind == "pattern":
            return {"pattern": rng.choice(PATTERNS)}
        if kind == "uniqueItems":
            return {"uniqueItems": rng.random() < 0.8}
        if kind == "properties":
            return {"properties": {name: sub() for name in self.names(3)}}
        if kind == "required":
            return {"required": self.names()}
        if kind == "additionalProperties":
            return {"additionalProperties": False if rng.random() < 0.5 else sub()}
        if kind == "patternProperties":
            return {"patternProperties": {text: sub() for text in rng.sample(PATTERNS, rng.randint(1, 2))}}
        if kind == "propertyNames":
            return {
                "propertyNames": rng.choice(
                    [{"maxLength": 1}, {"maxLength": 3}, {"pattern": "^x-"}, {"enum": ["a", "b"]}, sub()]
                )
            }
        if kind == "dependentRequired":
            found = {rng.choice(NAMES): self.names()}
            return {"dependencies": found} if self.draft == "7" else {"dependentRequired": found}
        if kind == "dependentSchemas":
            found = {rng.choice(NAMES): sub()}
            must = {"required": sorted(found)} if rng.random() < 0.2 else {}
            return {"dependencies" if self.draft == "7" else "dependentSchemas": found, **must}
        if kind == "items":
            return {"items": sub()}
        if kind == "tuple":
            first = [sub() for _ in range(rng.randint(1, 2))]
            rest = {} if rng.random() < 0.4 else {"additionalItems" if old else "items": rng.choice([False, sub()])}
            return {"items" if old else "prefixItems": first, **rest}
        if kind == "contains":
            found = {"contains": sub()}
            if self.draft != "7":
                found.update({} if rng.random() < 0.6 else {"minContains": rng.choice([0, 1, 2])})
                found.update({} if rng.random() < 0.6 else {"maxContains": rng.choice([1, 2])})
            return found
        if kind in ("allOf", "anyOf", "oneOf"):
            return {kind: [sub() for _ in range(rng.randint(1, 3))]}
        if kind == "not":
            return {"not": sub()}
        if kind == "if":
            found = {"if": sub(), "then": sub(), "else": sub()}
            found.pop(rng.choice(["then", "else", ""]), None)
            return found
        if kind == "$ref" and refs:
            return {"$ref": rng.choice(["#/definitions/p", "#/definitions/q"])}
        if kind == "unevaluatedProperties" and self.draft != "7":
            return {"unevaluatedProperties": rng.choice([False, False, sub()])}
        if kind == "unevaluatedItems" and self.draft != "7":
            return {"unevaluatedItems": rng.choice([False, False, sub()])}
        return {rng.choice(["title", "description", "x-note"]): rng.choice(["one", "two"])}

    # -- a schema near another -----------------------------------------------------------------------------------------

    def near(self, schema, changes):
        """Return `schema` with so many changes."""
        schema = copy.deepcopy(schema)
        for _ in range(changes):
            schema = self.changed(schema)
        return schema

    def changed(self, schema):
        places = [(), *(path for path in _schemas(schema) if self.rng.random() < 0.7)]
        path = self.rng.choice(places)
        return self.complete(_put(schema, path, self.mutant(_get(schema, path))))

    def complete(self, root):
        if isinstance(root, bool):
            return root
        root["$schema"] = DRAFTS[self.draft]
        return self.defined(root)

    def mutant(self, node):
        """Return another schema than `node`, by one step."""
        rng = self.rng
        if isinstance(node, bool):
            return rng.choice([not node, {}, self.schema(1, refs=False)])
        node = dict(node)
        kept = {key: node.pop(key) for key in ("$schema", "definitions") if key in node}
        step = rng.choice(["add", "add", "drop", "alter", "alter", "alter", "wrap", "replace"])
        if step == "add" or not node:
            kinds = rng.choices(list(CHANCES), list(CHANCES.values()))
            for key, value in self.keyword(kinds[0], 1, refs=False).items():
                both = (
                    isinstance(value, dict)
                    and isinstance(node.get(key), dict)
                    and key in ("properties", "dependentRequired")
                )
                node[key] = {**node[key], **value} if both else value
        elif step == "drop":
            node.pop(rng.choice(sorted(node)))
        elif step == "wrap":
            kind = rng.choice(["allOf", "anyOf", "oneOf"])
            node = {kind: [node] if rng.random() < 0.5 else [node, self.schema(1, refs=False)]}
        elif step == "replace":
            node = self.schema(1, refs=False)
            node = {} if isinstance(node, bool) else node
        else:
            key = rng.choice(sorted(node))
            node[key] = self.altered(key, node[key])
        return {**kept, **node}

    def altered(self, key, value):
        """Return another value for a keyword."""
        rng = self.rng
        if key in SIZES or key in ("minContains", "maxContains"):
            return max(0, value + rng.choice([-1, 1]))
        if key in BOUNDS:
            return value + rng.choice([-1, 1, 0.5, -0.5])
        if key == "multipleOf":
            return rng.choice([value * 2, 1, value / 2])
        if key == "type":
            listed = [value] if isinstance(value, str) else list(value)
            other = rng.choice(TYPES)
            if other in listed and len(listed) > 1:
                listed.remove(other)
            elif other not in listed:
                listed.append(other)
            return listed
        if key == "enum":
            return (
                [*value, rng.choice([each for each in VALUES if each not in value])]
                if rng.random() < 0.5
                else value[:-1] or value
            )
        if key == "required":
            return sorted({*value} ^ {rng.choice(NAMES)})
        if key in ("properties", "patternProperties", "dependentSchemas") and rng.random() < 0.7:
            value = dict(value)
            if rng.random() < 0.5 and value:
                value.pop(rng.choice(sorted(value)))
            else:
                value[rng.choice(PATTERNS if key == "patternProperties" else NAMES)] = self.schema(1, refs=False)
            return value
        if key in ("anyOf", "oneOf", "allOf"):
            return [*value, self.schema(1, refs=False)] if rng.random() < 0.5 or len(value) < 2 else value[1:]
        if key == "const":
            return rng.choice(VALUES)
        if key == "pattern":
            return rng.choice(PATTERNS)
        if key == "uniqueItems":
            return not value
        return value


class Cents(Maker):
    """Makes schemas with numbers that no double is."""

    def number(self):
        return self.rng.choice([0, 0.01, 0.1, 0.3, 1.1, 4.02, 1, 2.5, -0.1])

    def keyword(self, kind, depth, refs=True):
        if kind == "multipleOf":
            return {"multipleOf": self.rng.choice([0.01, 0.02, 0.1, 0.3, 0.5, 1, 2.5, 3, 1.1])}
        return super().keyword(kind, depth, refs)


MAPS = ("properties", "patternProperties", "dependentSchemas", "definitions")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
ONES = ("additionalProperties", "propertyNames", "contains", "not", "if", "then", "else", "items", "additionalItems",
        "unevaluatedItems", "unevaluatedProperties")  # fmt: skip


def _schemas(node, path=()):
    """Yield the paths of all schemas below `node`."""
    if isinstance(node, bool):
        return
    for key, value in node.items():
        inner = []
        if key in MAPS or (key == "dependencies"):
            inner = [((key, name), each) for name, each in value.items() if isinstance(each, (dict, bool))]
        elif key in LISTS or (key == "items" and isinstance(value, list)):
            inner = [((key, n), each) for n, each in enumerate(value)]
        elif key in ONES:
            inner = [((key,), value)]
        for steps, each in inner:
            yield (*path, *steps)
            yield from _schemas(each, (*path, *steps))


def _get(node, path):
    for step in path:
        node = node[step]
    return node


def _put(node, path, value):
    if not path:
        return value
    _get(node, path[:-1])[path[-1]] = value
    return node


# -- documents ---------------------------------------------------------------------------------------------------------


class Documents:
    """Makes documents that lie at the edges of the schemas given."""

    def __init__(self, rng, *schemas):
        self.rng, self.schemas = rng, schemas
        self.numbers, self.sizes, self.names, self.values = (
            {0, 1, -1, 0.5},
            {0, 1, 2},
            set(NAMES[:3]) | {"zz"},
            [None, True, False, ""],
        )
        for schema in schemas:
            self._gather(schema)
        self.numbers = sorted(self.numbers)
        self.sizes = sorted(each for each in self.sizes if each < 8)
        self.names = sorted(self.names)

    def _gather(self, node):
        if isinstance(node, list):
            for each in node:
                self._gather(each)
        if not isinstance(node, dict):
            return
        for key, value in node.items():
            if key in (*BOUNDS, "multipleOf") and isinstance(value, (int, float)):
                self.numbers.update((value, value + 1, value - 1, value + 0.5, value - 0.5, value * 2))
            elif key in (*SIZES, "minContains", "maxContains") and isinstance(value, (int, float)):
                self.sizes.update(each for each in (int(value) - 1, int(value), int(value) + 1) if each >= 0)
            elif key == "enum" and isinstance(value, list):
                self.values += value
            elif key == "const":
                self.values.append(value)
            elif key in ("properties", "required", "dependentRequired", "dependencies", "dependentSchemas"):
                self.names.update(value)
            self._gather(value)

    def some(self, count):
        """Return so many documents."""
        return [self.like(self.rng.choice(self.schemas), self.rng.choice(self.schemas)) for _ in range(count)]

    def like(self, node, root, depth=4):
        """Return a document that has a chance to satisfy `node`."""
        rng = self.rng
        if isinstance(node, bool) or depth <= 0 or rng.random() < 0.08:
            return self.any(1)
        if "$ref" in node:
            target = self._target(node["$ref"])
            if rng.random() < 0.8:
                return self.like(target, root, depth - 1)
        for key in ("allOf", "anyOf", "oneOf"):
            if node.get(key) and rng.random() < 0.5:
                node = {**node, **_dict(rng.choice(node[key]))}
        for key in ("then", "else", "if"):
            if key in node and rng.random() < 0.3:
                node = {**node, **_dict(node[key])}
        if "const" in node and rng.random() < 0.9:
            return copy.deepcopy(node["const"])
        if node.get("enum") and rng.random() < 0.9:
            return copy.deepcopy(rng.choice(node["enum"]))
        kinds = node.get("type") or self._kinds(node)
        kind = kinds if isinstance(kinds, str) else rng.choice(kinds)
        if kind == "object":
            return self._object(node, root, depth)
        if kind == "array":
            return self._array(node, root, depth)
        return self._plain(kind)

    def _kinds(self, node):
        found = [*TYPES]
        for kind, words in (
            ("object", ("propert", "required", "Propert", "dependen")),
            ("array", ("tems", "ontains")),
            ("number", ("imum", "multiple")),
            ("string", ("Length", "pattern")),
        ):
            found += [kind] * 6 * sum(any(word in key for word in words) for key in node)
        return found

    def _plain(self, kind):
        rng = self.rng
        if kind == "string":
            made = [
                "a",
                "ab",
                "abc",
                "x-1",
                "x-",
                "b1",
                "",
                "7",
                "\n",
                *(each for each in self.values if isinstance(each, str)),
            ]
            return rng.choice([*made, "a" * rng.choice(self.sizes), "x-" + "b" * rng.choice(self.sizes)])
        if kind in ("number", "integer"):
            number = rng.choice([*self.numbers, *(each for each in self.values if type(each) in (int, float))])
            return rng.choice([int(number), float(number), number]) if number == int(number) else number
        return rng.random() < 0.5 if kind == "boolean" else None

    def _object(self, node, root, depth):
        rng = self.rng
        found = {}
        properties = node.get("properties", {})
        for name in node.get("required", []):
            if rng.random() < 0.9:
                found[name] = None
        for name in properties:
            if rng.random() < 0.6:
                found[name] = None
        while rng.random() < 0.3:
            found[rng.choice([*self.names, *NAMES])] = None
        for name in found:
            below = properties.get(name)
            if below is None:
                matching = [each for text, each in node.get("patternProperties", {}).items() if re.search(text, name)]
                below = (
                    matching[0]
                    if matching
                    else node.get("additionalProperties", node.get("unevaluatedProperties", True))
                )
            found[name] = self.like(below, root, depth - 1)
        return found

    def _array(self, node, root, depth):
        rng = self.rng
        first = node.get("prefixItems", node["items"] if isinstance(node.get("items"), list) else [])
        rest = node.get("items", True) if not isinstance(node.get("items"), list) else node.get("additionalItems", True)
        found = []
        for index in range(rng.choice([*self.sizes, len(first), len(first) + 1])):
            below = first[index] if index < len(first) else rest
            if "contains" in node and rng.random() < 0.4:
                below = node["contains"]
            found.append(self.like(below, root, depth - 1))
        return found

    def any(self, depth):
        """Return any document."""
        rng = self.rng
        kind = rng.choice([*TYPES, "value", "value"])
        if kind == "value":
            return copy.deepcopy(rng.choice([*self.values, *VALUES]))
        if kind == "object":
            return {name: self.any(depth - 1) for name in rng.sample(NAMES, rng.randint(0, 2))} if depth else {}
        if kind == "array":
            return [self.any(depth - 1) for _ in range(rng.randint(0, 3))] if depth else []
        return self._plain(kind)

    def _target(self, ref):
        found = [_dict(each).get("definitions", {}).get(ref.rpartition("/")[2]) for each in self.schemas]
        return self.rng.choice([each for each in found if each is not None] or [True])


def _dict(node):
    return node if isinstance(node, dict) else {}


# -- names that a schema does not speak of -----------------------------------------------------------------------------


def only_declared(schema, document):
    """Tell whether every object in `document` has only names that `schema` speaks of where the object stands."""
    return _only_declared(schema, [schema], document)


def _only_declared(root, nodes, document):
    nodes = list(_same_value(root, nodes))
    if isinstance(document, dict):
        return all(
            any(_speaks_of(node, name) for node in nodes)
            and _only_declared(root, [below for node in nodes for below in _of_property(node, name)], value)
            for name, value in document.items()
        )
    if isinstance(document, list):
        return all(_only_declared(root, [b for node in nodes for b in _of_items(node)], each) for each in document)
    return True


def _same_value(root, nodes):
    found, met, ahead = [], [], [node for node in nodes if isinstance(node, dict)]
    while ahead:
        node = ahead.pop()
        if any(node is each for each in met):
            continue
        met.append(node)
        if "$ref" in node and "draft-07" in root["$schema"]:
            node = {"$ref": node["$ref"]}
        found.append(node)
        inner = [each for key in ("allOf", "anyOf", "oneOf") for each in node.get(key, [])]
        inner += [node[key] for key in ("not", "if", "then", "else") if key in node]
        for key in ("dependentSchemas", "dependencies"):
            inner += [each for each in node.get(key, {}).values() if isinstance(each, dict)]
        if "$ref" in node:
            inner.append(root["definitions"][node["$ref"].rpartition("/")[2]])
        ahead += [each for each in inner if isinstance(each, dict)]
    return found


def _speaks_of(node, name):
    pairs = [*node.get("dependentRequired", {}).items(), *node.get("dependencies", {}).items()]
    names = {*node.get("properties", {}), *node.get("required", []), *node.get("dependentSchemas", {})}
    for key, others in pairs:
        names |= {key, *(others if isinstance(others, list) else [])}
    everything = any(not _is_open(node.get(key, True)) for key in ("additionalProperties", "unevaluatedProperties"))
    return everything or name in names or any(re.search(text, name) for text in node.get("patternProperties", {}))


def _is_open(node):
    return node is True or (isinstance(node, dict) and not set(node) - {"title", "description", "x-note"})


def _of_property(node, name):
    if name in node.get("properties", {}):
        yield node["properties"][name]
    yield from (each for text, each in node.get("patternProperties", {}).items() if re.search(text, name))
    yield from (node[key] for key in ("additionalProperties", "unevaluatedProperties") if key in node)


def _of_items(node):
    items = node.get("items", [])
    yield from items if isinstance(items, list) else [items]
    yield from node.get("prefixItems", [])
    yield from (node[key] for key in ("additionalItems", "contains", "unevaluatedItems") if key in node)
