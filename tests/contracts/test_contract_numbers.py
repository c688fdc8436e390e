"""Numbers are what is written: 4.02 is a multiple of 0.01, and no double comes between."""

import time
from decimal import Decimal
from fractions import Fraction

import pytest

from xats.base.errors import InvalidJson
from xats.schemas.check import errors
from xats.schemas.diff import diff
from xats.schemas.number import exact, number, plain
from xats.schemas.schema import Schema
from xats.schemas.text import parse, same, short

CENTS = {"type": "number", "multipleOf": 0.01}
BREAKS = ("compatible", "breaking")


def valid(schema, document):
    """Tell whether a JSON text satisfies a schema, which is one too or a value."""
    schema = parse(schema) if isinstance(schema, str) else schema
    return errors(schema, parse(document)) == []


@pytest.mark.parametrize("price", ["4.02", "19.99", "1.11", "0.1", "600.03", "300.52", "10001.12", "-4.02", "0", "1e2"])
def test_a_price_in_cents_is_a_multiple_of_a_cent(price):
    assert valid(CENTS, price)


@pytest.mark.parametrize("price", ["0.005", "19.995", "4.020000000000000001", "1e-3", "-0.001"])
def test_parts_of_a_cent_are_not(price):
    assert not valid(CENTS, price)


@pytest.mark.parametrize(
    "step, good, bad",
    [
        ("0.1", ["0.3", "1e300", "1" + "0" * 400], ["0.35"]),
        ("1e-300", ["1e300", "0.1"], ["1.5e-300"]),
        ("1e-8", ["12391239123", "0.00000001"], ["0.000000001"]),
        ("3", ["9007199254740993", "3.0"], ["9007199254740992", "3.5"]),
        ("2.5", ["5", "7.50"], ["6"]),
        ("0.30", ["0.9"], ["1"]),
        ("0.123456789", ["1e300"], []),
    ],
)
def test_multiples_are_exact(step, good, bad):
    schema = f'{{"multipleOf": {step}}}'
    if step == "0.123456789":
        good, bad = [], good
    assert [each for each in good if not valid(schema, each)] == []
    assert [each for each in bad if valid(schema, each)] == []


@pytest.mark.parametrize(
    "schema, good, bad",
    [
        ('{"minimum": 0.1}', ["0.1", "0.10", "1e-1"], ["0.09999999999999999999999"]),
        ('{"maximum": 0.1}', ["0.1"], ["0.1000000000000000000001"]),
        ('{"exclusiveMinimum": 9007199254740992}', ["9007199254740993", "9007199254740992.5"], ["9007199254740992"]),
        ('{"exclusiveMaximum": 9007199254740993}', ["9007199254740992"], ["9007199254740993", "9007199254740993.0"]),
        ('{"type": "integer"}', ["1.0", "1e2", "-0.0", "1.20e1", "123456789012345678901234567890"], ["1.5", "1e-1"]),
        ('{"const": 1}', ["1.0", "10e-1"], ["true", "1.0000000000000000000001"]),
        ('{"const": 0.1}', ["0.10", "1E-1"], ["0.1000000000000000000001"]),
        ('{"const": 0}', ["-0", "-0.0", "0e9999"], ["false", "1e-300"]),
        ('{"const": {"a": [0.1, 1]}}', ['{"a": [0.10, 1.0]}'], ['{"a": [0.1, true]}']),
        (
            '{"enum": [9007199254740993, 0.3]}',
            ["9007199254740993", "0.30"],
            ["9007199254740992", "0.30000000000000004"],
        ),
        ('{"minLength": 2.0, "maxLength": 2e0}', ['"ab"'], ['"a"']),
    ],
)
def test_comparisons_are_exact(schema, good, bad):
    assert [each for each in good if not valid(schema, each)] == []
    assert [each for each in bad if valid(schema, each)] == []


@pytest.mark.parametrize(
    "text, reason",
    [
        ("1e400", "1e400 is not a number that JSON can represent. It is beyond the range of a double."),
        ("-1e309", "beyond the range of a double"),
        ("1E+999999999999999999999999", "beyond the range of a double"),
        ("1e-400", "1e-400 is not a number that JSON can represent. It is too close to 0 for a double."),
        ("[0.5e-999999999999999999999999]", "too close to 0 for a double"),
        ("9" * 5000, "It is longer than 4300 digits."),
        ("-" + "9" * 4301, "It is longer than 4300 digits."),
        ("0." + "1" * 5000, "It is longer than 4300 digits."),
        ("1" * 5000 + "e-4900", "It is longer than 4300 digits."),
    ],
)
def test_numbers_that_readers_read_differently_are_refused_at_once(text, reason):
    started = time.process_time()
    with pytest.raises(InvalidJson) as caught:
        parse(text)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 150
    assert time.process_time() - started < 1


def test_numbers_are_shown_as_they_are():
    (problem,) = errors({"multipleOf": 0.01}, parse("4.025"))
    assert problem.message == "4.025 is not a multiple of 0.01"
    (problem,) = errors({"type": "string"}, parse('{"a": [0.10]}'))
    assert problem.message == "{'a': [0.10]} is not of type 'string'"
    (change,) = diff({"minimum": 0.1}, parse('{"minimum": 0.1000000000000000000001}')).changes
    assert change.text.startswith("minimum of the document changed from 0.1 to 0.1000000000000000000001")
    assert short(parse('{"a": [0.5, 1e-7, null, true, "x"]}')) == '{"a": [0.5, 1E-7, null, true, "x"]}'


def test_a_float_stands_for_what_it_is_shown_as():
    assert exact([4.02, {"a": 1e2}, True, "x"]) == [Decimal("4.02"), {"a": 100}, True, "x"]
    assert exact(True) is True
    assert same(0.1, parse("0.1"))
    assert errors({"multipleOf": 0.01}, 4.02) == []


@pytest.mark.parametrize("text", ["0.5", "-12.625", "1e-7", "123456789012345678901234567890.5", "5e-324", "1.7e308"])
def test_a_fraction_is_the_number_again(text):
    value = number(text)
    assert plain(Fraction(value)) == value
    assert isinstance(plain(Fraction(value)), type(value))


def test_a_third_is_no_number_of_json():
    with pytest.raises(ValueError, match="1/3 is not a decimal"):
        plain(Fraction(1, 3))


# -- compared ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, new, answers",
    [
        (CENTS, {"type": "number", "multipleOf": 0.001}, BREAKS),
        (CENTS, {"type": "number", "multipleOf": 0.03}, BREAKS[::-1]),
        (CENTS, {"type": "number", "multipleOf": 0.003}, ("breaking", "breaking")),
        ({"type": "number", "multipleOf": 0.3}, {"type": "number", "multipleOf": 0.1}, BREAKS),
        ({"type": "integer"}, {"type": "number", "multipleOf": 0.1}, BREAKS),
        ({"type": "integer"}, {"type": "number", "multipleOf": 0.3}, ("breaking", "breaking")),
        (
            {"type": "number", "allOf": [{"multipleOf": 0.4}, {"multipleOf": 0.5}]},
            {"type": "integer", "multipleOf": 2},
            ("compatible", "compatible"),
        ),
        ({"type": "number", "allOf": [{"multipleOf": 1.5}, {"multipleOf": 2}]}, {"type": "integer"}, BREAKS),
        ({**CENTS, "minimum": 0, "maximum": 0.02}, {"enum": [0, 0.01, 0.02]}, ("compatible", "compatible")),
        ({**CENTS, "exclusiveMinimum": 0}, {**CENTS, "minimum": 0.01}, ("compatible", "compatible")),
        ({**CENTS, "exclusiveMinimum": 0}, {**CENTS, "minimum": 0.02}, BREAKS[::-1]),
        ({"type": "number", "minimum": 0.1}, {"type": "number", "minimum": 0.2}, BREAKS[::-1]),
        ({"enum": [4.02, 19.99]}, CENTS, BREAKS),
        ({"enum": [4.025]}, CENTS, ("breaking", "breaking")),
        ({"type": "number", "minimum": 10**400}, {"type": "number", "minimum": 10**400 - 1}, BREAKS),
    ],
)
def test_steps_and_bounds_are_compared_exactly(old, new, answers):
    found = diff(old, new)
    assert (found.backward, found.forward) == answers


def test_bounds_that_no_double_tells_apart_are_compared():
    old, new = (Schema(parse(f'{{"type": "number", "maximum": {each}}}')) for each in ("0.1", "0.10000000000000000001"))
    found = diff(old, new)
    assert (found.backward, found.forward) == BREAKS
    assert diff(parse('{"minimum": 9007199254740992}'), parse('{"minimum": 9007199254740993}')).backward == "breaking"


# -- equal items -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document, equal",
    [
        ([1, True], False),
        ([0, False], False),
        ([1, 1.0], True),
        ([{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], True),
        ([{"a": True}, {"a": 1}], False),
        ([[1], [True]], False),
        ([[], {}], False),
        (["1", 1], False),
        ([None, False, 0, "", [], {}], False),
        ([{"a": 0.1}, {"a": 0.10}], True),
    ],
)
def test_items_are_equal_as_json_has_it(document, equal):
    assert (errors({"uniqueItems": True}, document) != []) is equal
    assert errors({"uniqueItems": False}, document) == []


def test_twenty_thousand_items_are_compared_in_one_pass():
    items = [{"a": n, "b": {"c": [n, None]}} for n in range(20_000)]
    started = time.process_time()
    assert errors({"type": "array", "uniqueItems": True}, items) == []
    (problem,) = errors({"type": "array", "uniqueItems": True}, [*items, {"b": {"c": [7.0, None]}, "a": 7}])
    assert problem.message == "the items 7 and 20000 are equal: {'b': {'c': [7, None]}, 'a': 7}"
    assert time.process_time() - started < 5


def test_many_values_and_many_items_left_over_are_checked_in_one_pass():
    numbers = list(range(20_000))
    started = time.process_time()
    assert errors({"items": {"enum": numbers}}, numbers) == []
    assert errors({"contains": {"minimum": 0}, "unevaluatedItems": False}, numbers) == []
    assert errors({"contains": {"minimum": 1}, "unevaluatedItems": False}, numbers) != []
    names = {f"p{n}": n for n in numbers}
    assert errors({"allOf": [{"patternProperties": {"^p": True}}], "unevaluatedProperties": False}, names) == []
    assert time.process_time() - started < 9
