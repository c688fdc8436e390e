"""JSON text that two readers could read differently is refused; pointers are those of RFC 6901."""

import pytest

from xats.base.errors import InvalidJson
from xats.schemas import pointer
from xats.schemas.text import DEEPEST, clip, parse, same, seal, short

DEEP = "[" * DEEPEST + "]" * DEEPEST


@pytest.mark.parametrize(
    "text", ["null", "1", '"a"', '{"a": [1, 2.5, true]}', " [] ", '"\\ud83d\\ude00"', "1e308", DEEP]
)
def test_what_is_json(text):
    assert parse(text) is not ...


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "Expecting value in line 1, column 1"),
        ('{"a": 1', "in line 1, column 8"),
        ("{}\n{}", "Extra data in line 2, column 1"),
        ("{'a': 1}", "in line 1, column 2"),
        ('{"a": 1, "b": 2, "a": 1}', 'the key "a" twice'),
        ('[{"x": {"a": 1, "a": 1}}]', 'the key "a" twice'),
        ('{"\\u001b[31m": 1, "\\u001b[31m": 1}', 'the key "\\u001b[31m" twice'),
        ("NaN", "NaN is not a number"),
        ("[Infinity]", "Infinity is not a number"),
        ("-Infinity", "-Infinity is not a number"),
        ("1e309", "1e309 is not a number"),
        ("9" * 5000, "4300 digits"),
        ('"\\ud83d"', "half of a character"),
        ('{"\\ude00": 1}', "half of a character"),
        ("[" + DEEP + "]", f"more than {DEEPEST} levels"),
        ("[" * 100_000, f"more than {DEEPEST} levels"),
        ('{"a":' * 100_000, f"more than {DEEPEST} levels"),
    ],
)
def test_what_is_not(text, reason):
    with pytest.raises(InvalidJson) as caught:
        parse(text)
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()
    assert (caught.value.code, caught.value.exit) == ("invalid_json", 2)


@pytest.mark.parametrize(
    "one, other, equal",
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (True, 1, False),
        (False, 0, False),
        (None, False, False),
        ("1", 1, False),
        ([1, 2], [2, 1], False),
        ([True], [1], False),
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({}, [], False),
        ([], "", False),
        ({"a": None}, {}, False),
        (10**30, 1e30, True),
        (10**30, 10**30 + 1, False),
    ],
)
def test_what_is_equal(one, other, equal):
    assert same(one, other) is equal
    assert (seal(one) == seal(other)) is equal


def test_a_value_in_short_is_one_harmless_line():
    assert short({"a": [1, "é"]}) == '{"a": [1, "é"]}'
    assert short("\x1b]0;title\x07\n\u202e\x9b") == '"\\u001b]0;title\\u0007\\n\\u202e\\x9b"'
    shown = short(list(range(100_000)), 40)
    assert (len(shown) <= 40, shown[:10], shown[-7:]) == (True, "[0, 1, 2, ", " 99999]")
    assert len(clip("\x1b" * 1000, 60)) <= 60


# -- pointers ----------------------------------------------------------------------------------------------------------

# The document and the pointers of RFC 6901, section 5.
DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8}
PLACES = {
    "": DOCUMENT,
    "/foo": ["bar", "baz"],
    "/foo/0": "bar",
    "/": 0,
    "/a~1b": 1,
    "/c%d": 2,
    "/e^f": 3,
    "/g|h": 4,
    "/i\\j": 5,
    '/k"l': 6,
    "/ ": 7,
    "/m~0n": 8,
}


@pytest.mark.parametrize("at, value", PLACES.items())
def test_the_places_of_the_standard(at, value):
    assert pointer.get(DOCUMENT, at) == value
    assert pointer.of(pointer.split(at)) == at


@pytest.mark.parametrize(
    "at", ["/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/1e0", "/foo/bar", "/nope", "/foo/0/x", "/foo/²"]
)
def test_a_place_that_is_not_there(at):
    with pytest.raises(KeyError):
        pointer.get(DOCUMENT, at)


@pytest.mark.parametrize("at", ["foo", "#/foo", "/a~2b", "/a~", "~0"])
def test_what_is_no_pointer(at):
    with pytest.raises(ValueError, match="is not a JSON pointer"):
        pointer.split(at)


def test_names_are_escaped():
    assert pointer.join("/a", "b/c", "~1", 0, "ü") == "/a/b~1c/~01/0/ü"
    assert pointer.split("/~01") == ["~1"]
