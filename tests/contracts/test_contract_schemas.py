# ruff: noqa: E501 - a table is read line by line
"""What is a schema, what is none and where, and what schemas come to that want to do harm."""

import copy
import json
import subprocess
import sys
import threading
import time
import warnings

import pytest

from xats.base.errors import InvalidJson, InvalidSchema, Uncheckable
from xats.schemas import guard
from xats.schemas.check import errors
from xats.schemas.diff import diff
from xats.schemas.schema import Schema

D7 = {"$schema": "http://json-schema.org/draft-07/schema#"}
D9 = {"$schema": "https://json-schema.org/draft/2019-09/schema"}


@pytest.mark.parametrize(
    "schema, draft",
    [
        (True, "2020-12"),
        ({}, "2020-12"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"}, "2020-12"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema#"}, "2020-12"),
        (D9, "2019-09"),
        (D7, "7"),
        ({"$schema": "http://json-schema.org/draft-07/schema"}, "7"),
        ({**D7, "items": [{}], "dependencies": {"a": ["b"], "c": {}}}, "7"),
        ({"x-anything": {"type": 5}, "format": "whatever"}, "2020-12"),
    ],
)
def test_what_is_a_schema(schema, draft):
    assert Schema(schema).draft == draft


@pytest.mark.parametrize(
    "schema, at, reason",
    [
        (5, "", "is not of type"),
        (None, "", "is not of type"),
        ("{}", "", "is not of type"),
        ({"type": "strin"}, "/type", "'strin' is not allowed there"),
        ({"properties": {"a/b~": {"minimum": "x"}}}, "/properties/a~1b~0/minimum", "'x' is not of type 'number'"),
        ({"required": "a"}, "/required", "is not of type 'array'"),
        ({"minLength": -1}, "/minLength", "less than the minimum"),
        ({"items": [{}]}, "/items", "is not of type"),
        ({**D7, "exclusiveMinimum": True}, "/exclusiveMinimum", "is not of type 'number'"),
        ({"anyOf": []}, "/anyOf", ""),
        ({"pattern": "["}, "/pattern", 'the pattern "[" cannot be used: this class is not closed'),
        ({"pattern": "^a\\Z"}, "/pattern", "\\Z is not in ECMA-262; write $ (at character 3)"),
        ({"pattern": "\\p{Script=Greek}"}, "/pattern", "the property Script=Greek is not supported"),
        ({"patternProperties": {"(": {}}}, "/patternProperties/(", "this group is not closed"),
        ({"patternProperties": {"a": {}, "(?i)b": {}}}, "/patternProperties/(?i)b", "flags in a pattern"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "/$schema", "not one of the drafts 7, 2019-09 and 2020-12"),
        ({"$schema": "https://example.com/mine"}, "/$schema", "not one of the drafts"),
        ({"$schema": 5}, "/$schema", "not one of the drafts"),
        ({"$defs": {"a": {**D7}}}, "/$defs/a/$schema", "cannot be of another draft"),
        ({"$ref": "#/$defs/a"}, "/$ref", 'refers to "#/$defs/a", but it does not contain that'),
        ({"$ref": "#a"}, "/$ref", "but it does not contain that"),
        ({"items": {"$ref": "other.json"}}, "/items/$ref", 'refers to "other.json", which is another document'),
        ({"$ref": "http://127.0.0.1:1/x"}, "/$ref", "which is another document"),
        ({"$ref": "file:///etc/passwd"}, "/$ref", "which is another document"),
        ({"$ref": "#/x", "x": {"type": 5}}, "/x/type", "not allowed there"),
        ({"$ref": "#/x", "x": 5}, "/x", "is not of type"),
        ({"$ref": "#"}, "", "refers to itself"),
        ({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}, "/$defs/a", "refers to itself"),
        ({"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}}, "/$defs/a", "refers to itself"),
        ({"const": float("nan")}, "", "nan is not a number"),
        ({"const": {1: 2}}, "", "is not a text"),
        ({"const": {1, 2}}, "", "A set is not JSON"),
    ],
)  # fmt: skip
def test_what_is_none(schema, at, reason):
    with pytest.raises(InvalidSchema) as caught:
        Schema(schema)
    assert caught.value.data["pointer"] == at
    assert reason in caught.value.data["reason"]
    assert str(caught.value).startswith(f"This is not a valid JSON Schema: at {at or 'its root'}, ")
    assert (caught.value.code, caught.value.exit) == ("invalid_schema", 2)
    with pytest.raises(InvalidSchema):
        diff(True, schema)


def test_the_message_of_a_refusal_is_harmless():
    with pytest.raises(InvalidSchema) as caught:
        Schema({"properties": {"\x1b]0;x\x07" * 50: {"type": "\x1b[31m" * 500}}})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "schema, good, bad",
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, "x", 1),
        ({"$ref": "#a", "$defs": {"x": {"$anchor": "a", "type": "string"}}}, "x", 1),
        ({"$ref": "#/%24defs/a~1b", "$defs": {"a/b": {"type": "string"}}}, "x", 1),
        ({"$id": "https://a.example/x/", "$ref": "y", "$defs": {"y": {"$id": "y", "type": "string"}}}, "x", 1),
        ({"$id": "urn:example:a", "items": {"$ref": "#"}, "type": "array"}, [[]], [1]),
        ({"properties": {"a": {"$ref": "#"}, "b": {"type": "null"}}}, {"a": {"a": {"b": None}}}, {"a": {"a": {"b": 1}}}),
        ({"$ref": "#/x-own/deep", "x-own": {"deep": {"type": "string"}}}, "x", 1),
        ({"$ref": "#/$defs/no", "$defs": {"no": False}}, None, 1),
        ({**D7, "definitions": {"a": {"$id": "#b", "type": "string"}}, "allOf": [{"$ref": "#b"}]}, "x", 1),
        ({**D7, "$ref": "#/definitions/a", "type": "null", "definitions": {"a": {"type": "string"}}}, "x", None),
        ({**D7, "$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, "x", 1),
        ({**D9, "properties": {"a": {"$recursiveRef": "#"}}, "type": "object"}, {"a": {}}, {"a": 1}),
        ({"$dynamicRef": "#a", "$defs": {"x": {"$dynamicAnchor": "a", "type": "string"}}}, "x", 1),
        ({"$ref": "#/$defs/a", "$dynamicRef": "#/$defs/b", "$defs": {"a": {"minimum": 1}, "b": {"maximum": 2}}}, 1, 3),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, {"type": "null"}, {"type": "nil"}),
        ({**D7, "items": True, "additionalItems": False}, [1, 2], ...),
        ({**D7, "items": [{"type": "string"}], "additionalItems": False}, ["a"], ["a", 1]),
        ({**D7, "contains": {"type": "string"}, "minContains": 2}, ["a"], [1]),
        ({**D7, "dependentRequired": {"a": ["b"]}}, {"a": 1}, ...),
        ({"dependencies": {"a": ["b"]}}, {"a": 1}, ...),
        ({**D9, "prefixItems": [False]}, [1], ...),
        ({**D9, "contains": {"type": "string"}, "unevaluatedItems": False}, None, ["a"]),
        ({"contains": {"type": "string"}, "unevaluatedItems": False}, ["a"], ["a", 1]),
        ({**D9, "additionalProperties": {"type": "string"}, "unevaluatedProperties": False}, {"a": "b"}, {"a": 1}),
        ({"multipleOf": 2.0}, 10**400, 10**400 + 1),
        ({"format": "email", "type": "string"}, "no address", 1),
    ],
)  # fmt: skip
def test_what_a_schema_accepts(schema, good, bad):
    if good is not None:
        assert errors(schema, good) == []
    if bad is not ...:
        assert errors(schema, bad) != []


def test_nothing_is_fetched(monkeypatch):
    import socket
    import urllib.request

    def fetch(*_args, **_more):
        raise AssertionError("fetched")

    monkeypatch.setattr(socket, "socket", fetch)
    monkeypatch.setattr(urllib.request, "urlopen", fetch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ref in ("http://a.example/schema", "https://json-schema.org/draft/none", "//a.example/x", "x.json#/a"):
            with pytest.raises(InvalidSchema):
                Schema({"$id": "http://b.example/y", "$ref": ref})
        assert errors({"$ref": "https://json-schema.org/draft/2019-09/schema"}, True) == []


# -- errors ------------------------------------------------------------------------------------------------------------


def told(schema, document, **more):
    return [(each.pointer, each.message) for each in errors(schema, document, **more)]


def test_where_and_why_a_document_does_not_satisfy():
    schema = {"type": "object", "properties": {"a/b": {"items": {"type": "string"}}}, "required": ["z"]}
    assert told(schema, {"a/b": ["x", 5]}) == [
        ("/a~1b/1", "5 is not of type 'string'"),
        ("", "'z' is a required property"),
    ]
    assert told({"const": 1}, True) == [("", "1 was expected")]
    assert told({"const": 1}, 1.0) == []
    assert told({"type": "integer"}, 1.0) == []
    assert told({"type": "integer"}, True) == [("", "True is not of type 'integer'")]


def test_of_alternatives_the_nearest_is_told():
    schema = {"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 5}]}}}
    assert told(schema, {"a": 3}) == [
        ("/a", "3 is not valid under any of the given schemas; nearest: /a 3 is less than the minimum of 5")
    ]


def test_only_the_first_errors_are_looked_for():
    schema = {"items": {"type": "string"}}
    assert len(told(schema, list(range(100_000)))) == 5
    assert [at for at, _ in told(schema, list(range(100)), limit=2)] == ["/0", "/1"]
    assert told(schema, [1], limit=0) == []


@pytest.mark.parametrize(
    "document", ["\x1b]0;x\x07" * 1000, {"\x9b\u202e": ["\x00"] * 1000}, list(range(10_000)), ["\n" * 5000]]
)
def test_errors_are_short_and_harmless(document):
    schema = {"type": "null", "additionalProperties": False, "items": {"type": "null"}, "maxItems": 1}
    for at, message in told(schema, document):
        assert at.isprintable()
        assert message.isprintable()
        assert len(message) <= 160


def test_a_document_that_is_no_json_is_refused():
    for document in (float("inf"), {1: 2}, b"x", [{"a": float("nan")}]):
        with pytest.raises(InvalidJson):
            errors(True, document)


# -- harm --------------------------------------------------------------------------------------------------------------

SLOW = "(a+)+$"
VICTIM = "a" * 60 + "!"


def test_a_pattern_that_takes_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)
    with pytest.raises(Uncheckable, match=r"0\.3 seconds"):
        errors({"pattern": SLOW}, VICTIM)
    found = diff({"enum": [VICTIM]}, {"pattern": SLOW})
    assert (found.backward, found.forward) == ("unknown", "unknown")
    assert found.changes[-1].text == "the comparison takes too long"
    assert errors({"pattern": "^a"}, "b") != []  # and the limit is gone


def test_what_repeats_repetitions_is_no_reason_to_give_up(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 1.0)
    found = diff({"type": "string", "pattern": "^((a{200}){200}){200}"}, {"type": "string", "pattern": "^b"})
    assert found.changes[-1].text != "the comparison takes too long"


def test_the_limit_leaves_the_timer_of_others_alone():
    import signal

    heard = []
    before = signal.signal(signal.SIGVTALRM, lambda *_: heard.append(1))
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
        while not heard:
            errors({"pattern": "^a"}, "b")
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_another_thread_may_check_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(errors({"type": "string"}, 1)))
    thread.start()
    thread.join(10)
    assert len(found[0]) == 1


def test_a_pattern_that_python_warns_about_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert errors({"pattern": "[[a]b"}, "[b") == []
        assert diff({"pattern": "[[a]c"}, {"pattern": "[[a]d"}).backward == "breaking"


def nested(levels, inside):
    for _ in range(levels):
        inside = {"properties": {"a": inside}}
    return inside


def test_deep_schemas_are_compared_and_deeper_ones_refused():
    found = diff(nested(60, {"type": "string"}), nested(60, {"type": "integer"}))
    assert (found.backward, found.forward) == ("breaking", "breaking")
    assert found.changes[0].pointer == "/properties/a" * 60 + "/type"
    with pytest.raises(InvalidSchema, match="nested"):
        Schema(nested(70, {}))
    with pytest.raises(InvalidSchema, match="nested"):
        Schema(nested(100_000, {}))


def test_a_deep_document_of_a_recursive_schema_is_checked():
    schema = {"properties": {"a": {"$ref": "#"}}, "type": "object"}
    document = 5
    for _ in range(120):
        document = {"a": document}
    assert told(schema, document) == [("/a" * 53 + "…" + "/a" * 26, "5 is not of type 'object'")]


def test_a_long_way_of_references_is_followed_or_left_open():
    def chain(length, end):
        definitions = {f"d{n}": {"properties": {"n": {"$ref": f"#/$defs/d{n + 1}"}}} for n in range(length)}
        return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{length}": {"type": end}}}

    assert diff(chain(20, "string"), chain(20, "integer")).backward == "breaking"
    assert diff(chain(1500, "string"), chain(1500, "integer")).backward == "unknown"
    alias = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(3000)}
    Schema({"$ref": "#/$defs/d0", "$defs": {**alias, "d3000": {}}})


def test_definitions_that_all_refer_to_each_other_are_compared():
    definitions = {f"d{n}": {"properties": {f"c{m}": {"$ref": f"#/$defs/d{m}"} for m in range(30)}} for n in range(30)}
    old = {"$ref": "#/$defs/d0", "$defs": definitions}
    new = copy.deepcopy(old)
    new["$defs"]["d7"]["properties"]["z"] = {"type": "integer"}
    started = time.process_time()
    assert (diff(old, new).backward, diff(old, new, strict=True).backward) == ("compatible", "breaking")
    assert time.process_time() - started < 10


def test_ten_thousand_properties_are_compared_in_reasonable_time():
    properties = {f"p{n}": {"type": "string", "maxLength": n + 1} for n in range(10_000)}
    old = {"type": "object", "properties": properties, "required": [f"p{n}" for n in range(5000)]}
    new = copy.deepcopy(old)
    new["properties"]["p77"]["maxLength"] = 5
    started = time.process_time()
    found = diff(old, new)
    assert time.process_time() - started < 30
    assert [each.pointer for each in found.changes] == ["/properties/p77/maxLength"]
    assert (found.backward, found.forward) == ("breaking", "compatible")


def test_more_changes_than_anybody_reads_are_cut():
    old = {"properties": {f"p{n}": {"type": "string"} for n in range(1500)}}
    found = diff(old, {"properties": {f"p{n}": {"type": "integer"} for n in range(1500)}})
    assert len(found.changes) == 1001
    assert found.changes[-1].text == "more has changed than this list shows"
    assert (found.backward, found.forward, found.changes[-1].backward) == ("breaking", "breaking", "breaking")


def test_many_values_and_many_alternatives_are_compared():
    found = diff({"enum": [f"v{n}" for n in range(10_000)]}, {"enum": [f"v{n}" for n in range(9_999)]})
    assert (found.backward, found.forward) == ("breaking", "compatible")
    kinds = [{"type": "object", "properties": {"k": {"const": n}}, "required": ["k"]} for n in range(50)]
    found = diff({"oneOf": kinds}, {"oneOf": [*kinds, {"type": "null"}]})
    assert (found.backward, found.forward) == ("compatible", "breaking")


def test_a_schema_that_is_used_again_is_not_changed():
    raw = {"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"multipleOf": 2.0}}}
    before = json.dumps(raw)
    schema = Schema(raw)
    for _ in range(2):
        assert errors(schema, {"a": 3}) != []
        assert diff(schema, {}).backward == "compatible"
    assert json.dumps(raw) == before


def test_only_the_modules_that_need_it_import_the_library():
    code = "import sys, xats.schemas, xats.schemas.text, xats.schemas.pointer; print('jsonschema' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
