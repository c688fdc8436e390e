# ruff: noqa: E501 - a table is read line by line
"""What is said of pairs of schemas that were thought of one by one."""

import collections

import pytest
from contract_pairs import D7, PAIRS, STRICT, A, C, I, N, O, S, int_, obj, tree, txt

from xats.schemas.compat import Prover
from xats.schemas.diff import diff
from xats.schemas.schema import Schema


@pytest.mark.parametrize(
    "keyword, old, new, backward, forward", PAIRS, ids=[f"{n}-{each[0]}" for n, each in enumerate(PAIRS)]
)
def test_a_pair(keyword, old, new, backward, forward):
    found = diff(old, new)
    assert (found.backward, found.forward) == (backward, forward)


@pytest.mark.parametrize("keyword, old, new, backward, forward", PAIRS)
def test_a_pair_the_other_way_round(keyword, old, new, backward, forward):
    found = diff(new, old)
    assert (found.backward, found.forward) == (forward, backward)


@pytest.mark.parametrize("keyword, old, new, backward, forward", STRICT)
def test_a_pair_strictly(keyword, old, new, backward, forward):
    found = diff(old, new, strict=True)
    assert (found.backward, found.forward) == (backward, forward)


def test_every_keyword_has_pairs_and_unknown_is_rare_among_them():
    assert len(PAIRS) >= 150
    counts = collections.Counter(verdict for pair in PAIRS for verdict in pair[3:])
    assert counts["unknown"] <= 5
    assert min(counts["compatible"], counts["breaking"]) > 100


@pytest.mark.parametrize("keyword, old, new, backward, forward", PAIRS)
def test_some_change_accounts_for_the_answer(keyword, old, new, backward, forward):
    for strict in (False, True):
        found = diff(old, new, strict)
        for word in ("backward", "forward"):
            answers = {getattr(each, word) for each in found.changes} | {"compatible"}
            whole = getattr(found, word)
            assert whole in answers
            assert whole != "compatible" or answers == {"compatible"}
            assert whole != "unknown" or "breaking" not in answers


# -- what is said ------------------------------------------------------------------------------------------------------

ORDER = obj(properties={"order": obj(properties={"lines": {**A, "items": obj(properties={"sku": S})}})})


def changed(**order):
    return {**ORDER, "properties": {"order": {**ORDER["properties"]["order"], **order}}}


def said(old, new, **more):
    return [(each.pointer, each.what, each.text) for each in diff(old, new, **more).changes]


def test_a_required_property_is_told_in_one_sentence():
    new = changed(properties={**ORDER["properties"]["order"]["properties"], "id": S}, required=["id"])
    place = "/properties/order/properties/id"
    assert said(ORDER, new) == [
        (place, "property added", "required property /order/id added: old documents may lack it")
    ]
    assert said(new, ORDER) == [
        (place, "property removed", "required property /order/id removed: new documents may lack it")
    ]


def test_a_place_in_a_list_is_a_star():
    new = changed(properties={"lines": {**A, "items": obj(properties={"sku": txt(maxLength=8)})}})
    assert said(ORDER, new) == [
        (
            "/properties/order/properties/lines/items/properties/sku/maxLength",
            "maxLength",
            "longest length 8 added to /order/lines/*/sku: old documents may not satisfy the new schema",
        )
    ]


@pytest.mark.parametrize(
    "old, new, at, what, text",
    [
        (S, {"type": ["string", "null"]}, "/type", "type", "type of the document changed from string to string or null"),
        ({}, S, "/type", "type", "type of the document changed from any to string"),
        ({"enum": [1, 2]}, {"enum": [1, "x"]}, "/enum", "enum", 'the document allows "x" and no longer allows 2'),
        (S, txt(enum=["a"]), "/enum", "enum", 'the document is limited to "a"'),
        (int_(minimum=1), int_(minimum=2), "/minimum", "minimum", "minimum of the document changed from 1 to 2"),
        ({"const": None}, {}, "/const", "const", "value null removed from the document"),
        (obj(), obj(required=["a"]), "/required", "required", "property /a is required now: old documents may lack it"),
        (obj(required=["a"]), obj(), "/required", "required", "property /a is no longer required"),
        (O, obj(additionalProperties=False), "/additionalProperties", "additionalProperties", "other properties of the document were of any kind and are forbidden now"),
        ({"anyOf": [S]}, {"anyOf": [S, I]}, "/anyOf/1", "anyOf", "alternative added to the document"),
        ({"anyOf": [S, txt(maxLength=3)]}, {"anyOf": [S, txt(maxLength=4)]}, "/anyOf/1/maxLength", "maxLength", "longest length of the document changed from 3 to 4"),
        ({"allOf": [S]}, {"allOf": [S, {"maxLength": 3}]}, "/allOf/1", "allOf", "the rules that all hold (allOf) of the document added"),
        ({"oneOf": [S, I]}, {"oneOf": [S]}, "/oneOf/1", "oneOf", "alternative removed from the document"),
        ({}, {"not": S}, "/not", "not", "what is forbidden (not) of the document added"),
        (tree(I), tree(N), "/$defs/node/properties/value/type", "type", "type of /value changed from integer to number"),
        ({**D7, "items": [S]}, {**D7, "items": [I]}, "/items/0/type", "type", "type of /0 changed from string to integer"),
        ({**D7, "items": [S], "additionalItems": S}, {**D7, "items": [S], "additionalItems": I}, "/additionalItems/type", "type", "type of /* changed from string to integer"),
        ({**D7, "dependencies": {"a": ["b"]}}, {**D7, "dependencies": {"a": ["c"]}}, "/dependencies", "dependentRequired", "properties required by others of the document changed"),
        (True, False, "", "schema", "the document is forbidden now"),
        (txt(title="a"), txt(title="b"), "/title", "annotation", "title of the document changed"),
        ({"properties": {"a/b~c": S}}, {"properties": {"a/b~c": I}}, "/properties/a~1b~0c/type", "type", "type of /a~1b~0c changed from string to integer"),
        ({"properties": {"é\n\x1b": S}}, {"properties": {"é\n\x1b": I}}, "/properties/é\n\x1b/type", "type", "type of /é\\n\\x1b changed from string to integer"),
        (txt(**{"$defs": {"a": I}}), txt(**{"$defs": {"a": N}}), "/$defs/a", "definition", 'definition "a" changed, but nothing refers to it'),
        ({**D7, **S}, S, "/$schema", "draft", "draft changed from 7 to 2020-12"),
    ],
)  # fmt: skip
def test_one_change_in_words(old, new, at, what, text):
    found = [each for each in said(old, new) if each[0] == at]
    assert [each[:2] for each in found] == [(at, what)]
    assert found[0][2].startswith(text)


def test_the_exception_is_told_in_a_note():
    new = obj(properties={"a": S})
    (change,) = diff(O, new).changes
    assert (change.backward, change.note) == (
        "compatible",
        "strictly it breaks: a document may already use the name for something else",
    )
    assert change.text == "optional property /a added"
    (change,) = diff(O, new, strict=True).changes
    assert (change.backward, change.note) == ("breaking", "")
    (change,) = diff(obj(additionalProperties=False), {**new, "additionalProperties": False}).changes
    assert (change.backward, change.forward, change.note) == ("compatible", "breaking", "")


def test_a_name_that_another_rule_speaks_of_is_no_exception():
    for speaks in (
        {"anyOf": [{"properties": {"a": {"minimum": 1}}}, {"minProperties": 1}]},
        {"patternProperties": {"^a": {"minimum": 1}}},
        {"dependentRequired": {"b": ["a"]}},
        {"if": {"required": ["b"]}, "then": {"properties": {"a": {"minimum": 1}}}},
    ):
        assert diff(obj(**speaks), obj(**speaks, properties={"a": S})).backward == "breaking"


def test_a_name_that_another_rule_speaks_of_further_down_is_no_exception():
    old = obj(**{"if": {"required": ["k"]}, "then": {"properties": {"x": {"properties": {"a": S}}}}})
    new = obj(properties={"x": {"properties": {"a": I}}})
    assert diff(old, new).backward != "compatible"  # of {"x": {"a": "b"}} the old one speaks, though it is not asked
    old = obj(properties={"x": {"items": {"minProperties": 1}, "contains": {"properties": {"a": S}}}})
    new = obj(properties={"x": {"items": {"minProperties": 1, "properties": {"a": I}}}})
    assert diff(old, new).backward != "compatible"


def test_a_proof_that_leans_on_what_turns_out_wrong_is_forgotten():
    def whole(kind):
        first = {"properties": {"again": {"$ref": "#/$defs/second"}, "value": kind}}
        second = {"properties": {"back": {"$ref": "#/$defs/first"}}}
        return Schema({"$defs": {"first": first, "second": second}, "$ref": "#/$defs/first"})

    old, new = whole(I), whole(S)
    prover = Prover(strict=True)

    def certain(name):
        return prover.certain(*(prover.conj([(each, each.root["$defs"][name])]) for each in (old, new)))

    assert not certain("first")  # which took the second for granted while the first was open
    assert not certain("second")


def test_a_format_is_noted():
    (change,) = diff(txt(format="date"), txt(format="uri")).changes
    assert change.note == "xats does not check formats; a reader that checks them may decide otherwise"


def test_what_is_compatible_on_the_whole_is_so_in_its_parts():
    found = diff({"allOf": [txt(maxLength=3)]}, txt(maxLength=3))
    assert (found.backward, found.forward) == ("compatible", "compatible")
    assert {each.what for each in found.changes} == {"type", "maxLength", "allOf"}


def test_a_shared_definition_is_told_once():
    def order(kind):
        ref = {"$ref": "#/$defs/address"}
        return obj(properties={"from": ref, "to": ref}, **{"$defs": {"address": obj(properties={"zip": kind})}})

    (change,) = diff(order(S), order(I)).changes
    assert change.pointer == "/$defs/address/properties/zip/type"
    assert change.text.startswith("type of /from/zip changed")


def test_the_same_schema_has_no_changes_in_any_form():
    schema = Schema(ORDER)
    assert diff(schema, schema).changes == ()
    assert diff(schema, ORDER).changes == ()
    assert diff({"type": "object", "required": ["a", "b"]}, {"required": ["a", "b"], "type": "object"}).changes == ()


def test_a_schema_with_moving_references_over_several_documents_is_compatible_with_itself_alone():
    schema = {
        "$id": "https://a.example/list",
        "$ref": "tree",
        "$defs": {
            "own": {"$dynamicAnchor": "node", "type": "object"},
            "tree": {"$id": "tree", "$dynamicAnchor": "node", "properties": {"n": {"$dynamicRef": "#node"}}},
        },
    }
    assert (diff(schema, schema).backward, diff(schema, schema).forward) == (C, C)
    other = {**schema, "minProperties": 1}
    assert (diff(schema, other).backward, diff(schema, other).forward) == ("unknown", "unknown")
    assert (diff(schema, True).backward, diff(True, schema).forward) == ("unknown", "unknown")
