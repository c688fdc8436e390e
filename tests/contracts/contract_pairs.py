# ruff: noqa: E501 - a table is read line by line
"""Pairs of schemas with what has to be said of them: by keyword, the old, the new, backward and forward."""

C, B, U = "compatible", "breaking", "unknown"
D7 = {"$schema": "http://json-schema.org/draft-07/schema#"}
D9 = {"$schema": "https://json-schema.org/draft/2019-09/schema"}
S, I, N, O, A = ({"type": each} for each in ("string", "integer", "number", "object", "array"))  # noqa: E741
AB = {"type": "object", "properties": {"a": S, "b": I}, "required": ["a"]}
CLOSED = {**AB, "additionalProperties": False}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"type": "object", "properties": {"value": I, "next": {"$ref": "#/$defs/node"}}}},
}
KINDS = [
    {"properties": {"kind": {"const": kind}, "size": I}, "required": ["kind"], "type": "object"}
    for kind in ("a", "b", "c")
]


def tree(value, required=()):
    """Return TREE with another value, which may be required."""
    node = {**TREE["$defs"]["node"], "properties": {"value": value, "next": {"$ref": "#/$defs/node"}}}
    if required:
        node["required"] = list(required)
    return {"$ref": "#/$defs/node", "$defs": {"node": node}}


def with_(schema, **more):
    """Return `schema` with more keywords."""
    return {**schema, **more}


def obj(**more):
    """Return a schema of objects; likewise of lists, texts, numbers, integers."""
    return {**O, **more}


def lst(**more):
    return {**A, **more}


def txt(**more):
    return {**S, **more}


def num(**more):
    return {**N, **more}


def int_(**more):
    return {**I, **more}


PAIRS = [
    # -- nothing that constrains
    ("same", AB, AB, C, C),
    ("same", True, {}, C, C),
    ("same", False, {"not": {}}, C, C),
    ("same", {"type": "string"}, {"type": ["string"]}, C, C),
    ("same", {"enum": [1, 2]}, {"enum": [2, 1.0]}, C, C),
    ("same", {"required": ["a", "b"]}, {"required": ["b", "a"]}, C, C),
    ("annotation", txt(title="one"), txt(title="two"), C, C),
    ("annotation", S, txt(description="d", examples=["x"], default=1, deprecated=True, readOnly=True), C, C),
    ("annotation", txt(**{"$comment": "x", "x-own": {"type": "integer"}}), S, C, C),
    ("annotation", txt(contentMediaType="text/html"), txt(contentEncoding="base64"), C, C),
    ("format", S, txt(format="email"), C, C),
    ("format", txt(format="date"), txt(format="uri"), C, C),
    ("root", True, False, B, C),
    ("root", False, True, C, B),
    ("root", O, A, B, B),
    ("root", {}, O, B, C),
    ("root", O, True, C, B),
    # -- properties and required
    ("properties", O, obj(properties={"a": S}), C, C),
    ("properties", obj(properties={"a": S}), O, C, C),
    ("properties", AB, {**AB, "properties": {**AB["properties"], "c": S}}, C, C),
    ("properties", {**AB, "properties": {**AB["properties"], "c": S}}, AB, C, C),
    ("properties", CLOSED, {**CLOSED, "properties": {**CLOSED["properties"], "c": S}}, C, B),
    ("properties", {**CLOSED, "properties": {**CLOSED["properties"], "c": S}}, CLOSED, B, C),
    ("properties", CLOSED, {**CLOSED, "properties": {**CLOSED["properties"], "c": False}}, C, C),
    ("properties", AB, {**AB, "properties": {"a": S, "b": N}}, C, B),
    ("properties", AB, {**AB, "properties": {"a": S, "b": S}}, B, B),
    ("properties", AB, {**AB, "properties": {"a": S, "b": False}}, B, C),
    ("properties", obj(properties={"a": obj(properties={})}), obj(properties={"a": obj(properties={"x": I})}), C, C),
    ("properties", obj(properties={"a/b": S}), obj(properties={"a/b": I}), B, B),
    ("properties", txt(properties={"a": I}), txt(properties={"a": S}), C, C),
    ("required", AB, with_(AB, required=["a", "b"]), B, C),
    ("required", AB, with_(AB, required=[]), C, B),
    ("required", AB, {"type": "object", "properties": {"a": S, "b": I}}, C, B),
    ("required", AB, {**AB, "properties": {**AB["properties"], "c": S}, "required": ["a", "c"]}, B, C),
    ("required", {**AB, "properties": {**AB["properties"], "c": S}, "required": ["a", "c"]}, AB, C, B),
    ("required", txt(required=["a"]), S, C, C),
    ("required", {"required": ["a"]}, {"required": ["a"], "properties": {"a": S}}, B, C),
    ("required", obj(minProperties=1), obj(required=["a"]), B, C),
    # -- types
    ("type", S, {}, C, B),
    ("type", {}, S, B, C),
    ("type", S, I, B, B),
    ("type", I, N, C, B),
    ("type", N, I, B, C),
    ("type", S, {"type": ["string", "null"]}, C, B),
    ("type", {"type": ["string", "null"]}, S, B, C),
    ("type", {"type": ["integer", "number"]}, N, C, C),
    ("type", {"type": ["integer", "string"]}, {"type": ["number", "string"]}, C, B),
    ("type", {"type": ["string", "null"]}, {"type": ["null", "string"]}, C, C),
    ("type", I, {"type": "number", "multipleOf": 1}, C, C),
    ("type", {"type": ["object", "array", "string", "number", "boolean", "null"]}, {}, C, C),
    ("type", {"type": "boolean"}, {"enum": [True, False]}, C, C),
    ("type", {"type": "null"}, {"const": None}, C, C),
    # -- enum and const
    ("enum", {"enum": ["a", "b"]}, {"enum": ["a", "b", "c"]}, C, B),
    ("enum", {"enum": ["a", "b", "c"]}, {"enum": ["a", "b"]}, B, C),
    ("enum", {"enum": ["a", "b"]}, {"enum": ["a", "c"]}, B, B),
    ("enum", {"enum": ["a"]}, S, C, B),
    ("enum", S, txt(enum=["a"]), B, C),
    ("enum", {"enum": [1, "a"]}, {"type": ["integer", "string"]}, C, B),
    ("enum", {"enum": [True]}, {"enum": [1]}, B, B),
    ("enum", {"enum": [1]}, {"enum": [1.0]}, C, C),
    ("enum", {"enum": [{"a": 1}]}, {"enum": [{"a": 1.0}]}, C, C),
    ("enum", {"enum": [[True]]}, {"enum": [[1]]}, B, B),
    ("enum", txt(enum=["a", 1]), {"enum": ["a"]}, C, C),
    ("enum", {"enum": [1, 2, 3]}, int_(minimum=1, maximum=3), C, C),
    ("enum", {"enum": ["aa", "bb"]}, {"pattern": "^(aa|bb|cc)$"}, C, B),
    ("const", {"const": 1}, {"const": 2}, B, B),
    ("const", {"const": 1}, {"enum": [1, 2]}, C, B),
    ("const", {"const": "a"}, {"enum": ["a"]}, C, C),
    ("const", {}, {"const": None}, B, C),
    ("const", {"const": None}, {}, C, B),
    ("const", {"const": {"a": [1, True]}}, {"const": {"a": [1.0, True]}}, C, C),
    ("const", obj(properties={"v": {"const": 1}}), obj(properties={"v": {"const": 2}}), B, B),
    # -- bounds
    ("minimum", I, int_(minimum=0), B, C),
    ("minimum", int_(minimum=1), int_(minimum=0), C, B),
    ("minimum", int_(minimum=0), int_(minimum=1), B, C),
    ("minimum", int_(minimum=0.5), int_(minimum=1), C, C),
    ("minimum", num(minimum=0.5), num(minimum=1), B, C),
    ("minimum", txt(minimum=0), txt(minimum=5), C, C),
    ("minimum", {"minimum": 1}, {"minimum": 1.0}, C, C),
    ("maximum", num(maximum=10), num(maximum=5), B, C),
    ("maximum", num(maximum=5), N, C, B),
    ("exclusiveMinimum", int_(exclusiveMinimum=0), int_(minimum=1), C, C),
    ("exclusiveMinimum", num(exclusiveMinimum=0), num(minimum=0), C, B),
    ("exclusiveMinimum", num(minimum=0), num(exclusiveMinimum=0), B, C),
    ("exclusiveMaximum", num(exclusiveMaximum=5), num(maximum=5), C, B),
    ("exclusiveMaximum", num(maximum=4), num(exclusiveMaximum=5), C, B),
    ("exclusiveMaximum", int_(maximum=4), int_(exclusiveMaximum=5), C, C),
    ("bounds", num(minimum=5, maximum=1), num(minimum=7), C, B),
    ("bounds", int_(minimum=0, maximum=2), {"enum": [0, 1, 2]}, C, C),
    ("multipleOf", N, num(multipleOf=5), B, C),
    ("multipleOf", int_(multipleOf=4), int_(multipleOf=2), C, B),
    ("multipleOf", int_(multipleOf=2), int_(multipleOf=3), B, B),
    ("multipleOf", num(multipleOf=2.0), int_(multipleOf=2), C, C),
    ("multipleOf", num(multipleOf=0.5), num(multipleOf=0.5, minimum=0), B, C),
    ("multipleOf", I, num(multipleOf=0.5), C, B),
    ("minLength", S, txt(minLength=1), B, C),
    ("minLength", txt(minLength=3), txt(minLength=1), C, B),
    ("minLength", S, txt(minLength=0), C, C),
    ("maxLength", txt(maxLength=5), txt(maxLength=8), C, B),
    ("maxLength", S, txt(maxLength=8), B, C),
    ("maxLength", txt(maxLength=0), {"const": ""}, C, C),
    ("minItems", A, lst(minItems=1), B, C),
    ("maxItems", lst(maxItems=2), lst(maxItems=3), C, B),
    ("maxItems", lst(maxItems=0), {"const": []}, C, C),
    ("uniqueItems", A, lst(uniqueItems=True), B, C),
    ("uniqueItems", lst(uniqueItems=False), A, C, C),
    ("uniqueItems", lst(maxItems=1), lst(maxItems=1, uniqueItems=True), C, C),
    ("minProperties", O, obj(minProperties=1), B, C),
    ("minProperties", obj(required=["a"]), obj(required=["a"], minProperties=1), C, C),
    ("maxProperties", O, obj(maxProperties=2), B, C),
    ("maxProperties", CLOSED, with_(CLOSED, maxProperties=2), C, C),
    ("maxProperties", CLOSED, with_(CLOSED, maxProperties=1), B, C),
    # -- patterns
    ("pattern", S, txt(pattern="^a"), B, C),
    ("pattern", txt(pattern="^a"), S, C, B),
    ("pattern", txt(pattern="^a"), txt(pattern="^b"), B, B),
    ("pattern", txt(pattern="^a+$"), txt(pattern="^a*$"), U, B),
    ("pattern", txt(pattern="^[A-Z]{3}$"), txt(pattern="^[A-Z]{3}$", minLength=1), U, C),
    ("pattern", S, txt(pattern=".*"), C, C),
    ("pattern", {"enum": ["ab", "ac"]}, {"enum": ["ab", "ac"], "pattern": "^a"}, C, C),
    ("pattern", {"enum": ["ab", "cc"]}, {"enum": ["ab", "cc"], "pattern": "^a"}, B, C),
    # -- lists
    ("items", A, lst(items=S), B, C),
    ("items", lst(items=I), lst(items=N), C, B),
    ("items", lst(items=S), A, C, B),
    ("items", lst(items=S), lst(items=False), B, C),
    ("items", lst(items=AB), lst(items=with_(AB, required=["a", "b"])), B, C),
    ("items", lst(maxItems=0), lst(maxItems=0, items=S), C, C),
    ("prefixItems", lst(prefixItems=[S]), lst(prefixItems=[S, I]), B, C),
    ("prefixItems", lst(prefixItems=[S], items=False), lst(prefixItems=[S, I], items=False), C, B),
    ("prefixItems", lst(prefixItems=[S, I]), lst(prefixItems=[I, S]), B, B),
    ("prefixItems", lst(prefixItems=[S, S], items=S), lst(items=S), C, C),
    ("prefixItems", lst(prefixItems=[S], items=False), lst(maxItems=1, items=S), C, C),
    ("tuple", {**D7, "items": [S]}, {**D7, "items": [S, I]}, B, C),
    ("tuple", {**D7, "items": [S], "additionalItems": False}, {"prefixItems": [S], "items": False}, C, C),
    ("tuple", {**D7, "items": [S], "additionalItems": I}, {**D7, "items": [S], "additionalItems": N}, C, B),
    ("tuple", {**D9, "items": [S, S]}, {**D7, "items": [S, S]}, C, C),
    ("tuple", {**D7, "items": True, "additionalItems": False}, D7, C, C),
    ("tuple", {**D7, "items": [S]}, {**D7, "items": S}, B, C),
    ("contains", A, lst(contains=S), B, C),
    ("contains", lst(contains=I), lst(contains=N), C, B),
    ("contains", lst(contains=I, minContains=2), lst(contains=I), C, B),
    ("contains", lst(contains=I), lst(contains=I, maxContains=2), B, C),
    ("contains", lst(contains=I, minContains=0), A, C, C),
    ("contains", lst(items=I, minItems=1), lst(contains=N), C, B),
    ("contains", {**D7, "contains": I, "minContains": 3}, {**D7, "contains": I}, C, C),
    # -- other properties
    ("additionalProperties", AB, CLOSED, B, C),
    ("additionalProperties", CLOSED, AB, C, B),
    ("additionalProperties", AB, with_(AB, additionalProperties=True), C, C),
    ("additionalProperties", obj(additionalProperties=I), obj(additionalProperties=N), C, B),
    ("additionalProperties", obj(additionalProperties=I), obj(additionalProperties=I, properties={"a": N}), C, B),
    ("additionalProperties", obj(additionalProperties=I), obj(additionalProperties=I, properties={"a": S}), B, B),
    ("additionalProperties", O, obj(additionalProperties=S), B, C),
    ("patternProperties", O, obj(patternProperties={"^x-": S}), B, C),
    ("patternProperties", obj(patternProperties={"^x-": I}), obj(patternProperties={"^x-": N}), C, B),
    ("patternProperties", obj(patternProperties={"^x-": I}), obj(patternProperties={"^x-": I, "^y-": {}}), C, C),
    ("patternProperties", obj(additionalProperties=False), obj(additionalProperties=False, patternProperties={"^x-": I}), C, B),
    ("patternProperties", obj(patternProperties={"^x-": I}), obj(patternProperties={"^x-": I}, properties={"x-a": N}), C, C),
    ("patternProperties", obj(patternProperties={"^x-": I}), obj(patternProperties={"^x-": I}, properties={"x-a": S}), B, C),
    ("patternProperties", CLOSED, obj(patternProperties={"": True}, additionalProperties=False), C, B),
    ("patternProperties", obj(properties={"bb": S}, additionalProperties=False), obj(patternProperties={r"(a)\1": True, r"(b)\1": True}, additionalProperties=False), C, B),
    ("propertyNames", O, obj(propertyNames={"maxLength": 3}), B, C),
    ("propertyNames", obj(propertyNames={"maxLength": 3}), obj(propertyNames={"maxLength": 5}), C, B),
    ("propertyNames", CLOSED, with_(CLOSED, propertyNames={"enum": ["a", "b"]}), C, C),
    ("propertyNames", obj(propertyNames={"enum": ["a"]}), obj(propertyNames={"enum": ["a"]}, properties={"b": I}), C, C),
    # -- what depends on a property
    ("dependentRequired", O, obj(dependentRequired={"a": ["b"]}), B, C),
    ("dependentRequired", obj(dependentRequired={"a": ["b", "c"]}), obj(dependentRequired={"a": ["b"]}), C, B),
    ("dependentRequired", obj(required=["b"]), obj(required=["b"], dependentRequired={"a": ["b"]}), C, C),
    ("dependentRequired", {**D7, **O, "dependencies": {"a": ["b"]}}, obj(dependentRequired={"a": ["b"]}), C, C),
    ("dependentRequired", obj(dependentRequired={"a": ["b"], "b": ["c"]}), obj(dependentRequired={"a": ["c"], "b": ["c"]}), C, B),
    ("dependentSchemas", obj(dependentRequired={"a": ["b"]}), obj(dependentSchemas={"a": {"required": ["b"]}}), C, C),
    ("dependentSchemas", obj(dependentSchemas={"a": {"minProperties": 2}}), obj(dependentSchemas={"a": {"minProperties": 3}}), B, C),
    ("dependentSchemas", obj(properties={"a": False}), obj(properties={"a": False}, dependentSchemas={"a": False}), C, C),
    ("dependentSchemas", {**D7, "dependencies": {"a": {"required": ["b"]}}}, {**D7, "dependencies": {"a": {"required": ["b", "c"]}}}, B, C),
    ("dependentSchemas", {"required": ["a"], "dependentSchemas": {"a": {"minimum": 5}}}, {"minimum": 5}, B, B),
    ("dependentSchemas", obj(required=["a"], dependentSchemas={"a": {"required": ["b"]}}), obj(required=["a", "b"]), C, C),
    # -- conditions
    ("if", {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"if": {"required": ["a"]}, "then": {"required": ["b", "c"]}}, B, C),
    ("if", {"if": I, "then": {"minimum": 0}}, {"if": I, "then": {"minimum": 1}}, B, C),
    ("if", {"if": I, "else": S}, {"if": I, "then": True, "else": S}, C, C),
    ("if", {"if": I, "else": S}, {"type": ["integer", "string"]}, C, C),
    ("if", {"if": I}, {}, C, C),
    ("if", {"if": I, "then": {"minimum": 0}}, {}, C, B),
    ("if", {"then": S}, {}, C, C),
    ("not", {}, {"not": S}, B, C),
    ("not", {"not": I}, {"not": N}, B, C),
    ("not", {"not": S}, {"type": ["number", "object", "array", "boolean", "null"]}, C, C),
    ("not", I, int_(**{"not": S}), C, C),
    ("not", {"not": {"enum": [1, 2]}}, {"not": {"enum": [1]}}, C, B),
    ("not", obj(**{"not": {"required": ["a"]}}), obj(properties={"a": False}), C, C),
    # -- references
    ("$ref", {"$ref": "#/$defs/s", "$defs": {"s": S}}, S, C, C),
    ("$ref", {"$ref": "#/$defs/s", "$defs": {"s": S}}, {"$ref": "#/$defs/t", "$defs": {"t": S}}, C, C),
    ("$ref", {"$ref": "#/$defs/s", "$defs": {"s": S}}, {"$ref": "#/$defs/s", "$defs": {"s": I}}, B, B),
    ("$ref", {"$ref": "#/$defs/s", "maxLength": 3, "$defs": {"s": S}}, {"$ref": "#/$defs/s", "$defs": {"s": S}}, C, B),
    ("$ref", {"$ref": "#s", "$defs": {"x": txt(**{"$anchor": "s"})}}, S, C, C),
    ("$ref", {"$id": "https://a.example/b", "$ref": "c", "$defs": {"x": txt(**{"$id": "c"})}}, S, C, C),
    ("$ref", {**D7, "$ref": "#/definitions/s", "maxLength": 3, "definitions": {"s": S}}, S, C, C),
    ("$ref", {"properties": {"a": S, "b": {"$ref": "#/properties/a"}}}, {"properties": {"a": S, "b": S}}, C, C),
    ("$ref", {"$dynamicRef": "#s", "$defs": {"x": txt(**{"$dynamicAnchor": "s"})}}, S, C, C),
    ("$ref", txt(**{"$defs": {"unused": I}}), txt(**{"$defs": {"unused": N, "more": {}}}), C, C),
    ("$ref", {"$ref": D7["$schema"]}, {"$ref": D7["$schema"]}, C, C),
    ("$ref", {"$ref": D7["$schema"]}, {}, C, B),
    ("recursion", TREE, TREE, C, C),
    ("recursion", TREE, tree(N), C, B),
    ("recursion", TREE, tree(S), B, B),
    ("recursion", TREE, tree(I, ["value"]), B, C),
    ("recursion", {"properties": {"n": {"$ref": "#"}}, "type": "object"}, {"properties": {"n": {"$ref": "#"}}, "type": ["object", "null"]}, C, B),
    ("recursion", {**D9, **O, "properties": {"n": {"$recursiveRef": "#"}}}, obj(properties={"n": {"$ref": "#"}}), C, C),
    ("recursion", tree(I), obj(properties={"value": I, "next": {"$ref": "#"}}), C, C),
    # -- all, any, one
    ("allOf", {"allOf": [S, {"maxLength": 3}]}, txt(maxLength=3), C, C),
    ("allOf", {"allOf": [S]}, {"allOf": [S, {"maxLength": 3}]}, B, C),
    ("allOf", {"allOf": [{"maximum": 5}, {"maximum": 3}]}, {"maximum": 3}, C, C),
    ("allOf", {"allOf": [{"maximum": 3}, {"maximum": 5}]}, {"maximum": 4}, C, B),
    ("allOf", {"allOf": [{"maximum": 5}, {"maximum": 3}]}, {"maximum": 4}, C, B),
    ("allOf", {"allOf": [{"minLength": 5}, {"minLength": 3}, {"maxLength": 8}, {"maxLength": 9}]}, {"minLength": 4, "maxLength": 8.0}, C, B),
    ("allOf", {"allOf": [{"minimum": 3}, {"minimum": 5}, {"minimum": 4}]}, {"minimum": 5}, C, C),
    ("allOf", num(maximum=5, exclusiveMaximum=5, minimum=1, exclusiveMinimum=1), num(exclusiveMaximum=5, exclusiveMinimum=1), C, C),
    ("allOf", {"allOf": [AB]}, with_(AB, allOf=[{"required": ["b"]}]), B, C),
    ("anyOf", {"anyOf": [S, {"type": "null"}]}, {"type": ["null", "string"]}, C, C),
    ("anyOf", {"anyOf": [S]}, {"anyOf": [S, I]}, C, B),
    ("anyOf", {"anyOf": [S, I]}, {"anyOf": [I, S]}, C, C),
    ("anyOf", {"anyOf": [S, I]}, {"anyOf": [S, N]}, C, B),
    ("anyOf", {"anyOf": [txt(maxLength=3), I]}, {"anyOf": [txt(maxLength=2), I]}, B, C),
    ("anyOf", I, {"anyOf": [{"minimum": 0}, {"maximum": 0}]}, U, B),
    ("anyOf", {"anyOf": KINDS[:2]}, {"anyOf": KINDS}, C, B),
    ("oneOf", {"oneOf": [S, I]}, {"oneOf": [I, S]}, C, C),
    ("oneOf", {"oneOf": [S, I]}, {"anyOf": [S, I]}, C, C),
    ("oneOf", {"oneOf": [I, N]}, {"anyOf": [I, N]}, C, B),
    ("oneOf", {"oneOf": KINDS[:2]}, {"oneOf": KINDS}, C, B),
    ("oneOf", {"oneOf": KINDS}, {"oneOf": KINDS[:2]}, B, C),
    ("oneOf", {"oneOf": [I]}, {"oneOf": [I, {"minimum": 5}]}, B, B),
    ("oneOf", {"oneOf": KINDS[:2]}, {"oneOf": [KINDS[0], {**KINDS[1], "required": ["kind", "size"]}]}, B, C),
    ("oneOf", S, {"oneOf": [S, S]}, B, C),
    # -- what is left over
    ("unevaluated", with_(AB, unevaluatedProperties=False), CLOSED, C, C),
    ("unevaluated", {"allOf": [AB], "unevaluatedProperties": False}, CLOSED, C, C),
    ("unevaluated", AB, with_(AB, unevaluatedProperties=False), B, C),
    ("unevaluated", with_(AB, unevaluatedProperties=I), with_(AB, unevaluatedProperties=N), C, B),
    ("unevaluated", {"prefixItems": [S], "unevaluatedItems": False}, {"prefixItems": [S], "items": False}, C, C),
    ("unevaluated", lst(unevaluatedItems=I), lst(items=N), C, B),
    ("unevaluated", {"anyOf": [AB, O], "unevaluatedProperties": False}, {"anyOf": [AB, O], "unevaluatedProperties": False}, C, C),
    ("unevaluated", {**D7, **AB, "unevaluatedProperties": False}, {**D7, **AB}, C, C),
    # -- from draft to draft
    ("draft", {**D7, **AB}, AB, C, C),
    ("draft", {**D9, **CLOSED}, {**D7, **CLOSED}, C, C),
    ("draft", {**D7, "dependentRequired": {"a": ["b"]}}, {}, C, C),
    ("draft", {**D7, "prefixItems": [S]}, {}, C, C),
]  # fmt: skip

# With `strict`, whoever uses a name that the schema does not speak of is not forgotten.
STRICT = [
    ("properties", O, obj(properties={"a": S}), B, C),
    ("properties", obj(properties={"a": S}), O, C, B),
    ("properties", O, obj(properties={"a": {}}), C, C),
    ("properties", AB, {**AB, "properties": {**AB["properties"], "c": S}}, B, C),
    ("properties", CLOSED, {**CLOSED, "properties": {**CLOSED["properties"], "c": S}}, C, B),
    ("properties", {}, {"properties": {"a": S}}, B, C),
    ("items", lst(items=O), lst(items=obj(properties={"a": S})), B, C),
]
