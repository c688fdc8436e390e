"""`from_json` reads what `json.loads` reads, but what is no JSON."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xats
from xats.base.jsontext import first_json, from_json, to_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(VALUES, st.sampled_from(["", " ", "\n\t\r "]), st.booleans())
def test_it_reads_what_json_writes(value, space, ascii):
    text = space + json.dumps(value, ensure_ascii=ascii, indent=len(space) or None) + space
    assert from_json(text) == json.loads(text) == value
    assert from_json(to_json(value)) == value


@given(st.text(alphabet='[]{}",:\\u0019eE+-. \n\x0bntrfalsNaIiy', max_size=30))
def test_it_refuses_what_json_refuses(text):
    def refuse(name):
        raise ValueError(name)

    try:
        expected = json.loads(text, parse_constant=refuse)
    except ValueError:
        with pytest.raises(ValueError):
            from_json(text)
    else:
        assert from_json(text) == expected


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a": -Infinity}', "", " ", "{} {}", "\ufeff{}", '"\n"', "1" * 5000]
)
def test_what_is_no_json(text):
    with pytest.raises(ValueError):
        from_json(text)


@pytest.mark.parametrize("text", ["{", "{a}", '{"a" 1}', '"\\x"', '"\n"', '["a', "[1,", "x"])
def test_what_is_no_json_where_nobody_has_imported_json(text):
    """Its scanner wants an exception of a module that is not there yet."""
    script = """
import sys
from xats.base.jsontext import from_json
try:
    from_json(sys.argv[1])
except ValueError:
    print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", script, text],
        env={"PYTHONPATH": os.path.dirname(os.path.dirname(xats.__file__))},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")


@given(st.dictionaries(st.text(), VALUES), st.sampled_from(["", " ", "{}", "\n{", "}", "\0", "x"]))
def test_an_object_ends_where_it_ends(value, follows):
    assert first_json(f" {json.dumps(value)}{follows}") == value


@given(st.dictionaries(st.text(), VALUES), st.data())
def test_a_part_of_an_object_is_none(value, data):
    text = json.dumps(value)
    with pytest.raises(ValueError):
        first_json(text[: data.draw(st.integers(0, len(text) - 1))])


def test_too_deep():
    with pytest.raises(RecursionError):
        from_json("[" * 200_000)
