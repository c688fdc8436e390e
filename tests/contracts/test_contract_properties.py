"""Whatever is called compatible, no document may deny: schemas, changes of them and documents at random."""

import json
import random
import re

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from random_schemas import DRAFTS, Cents, Documents, Maker, only_declared

from xats.schemas.check import errors
from xats.schemas.diff import diff
from xats.schemas.number import exact
from xats.schemas.schema import Schema
from xats.schemas.text import parse, same

LIBRARY = {
    "7": jsonschema.Draft7Validator,
    "2019-09": jsonschema.Draft201909Validator,
    "2020-12": jsonschema.Draft202012Validator,
}
DOCUMENTS = 40  # for each pair
CHANCE = st.randoms(use_true_random=False)
SHARE = 0.97  # of single changes that have to be decided


def reader(schema, draft):
    """Return what tells whether a document satisfies `schema`: the library itself, on the schema as it is written."""
    if draft == "2019-09" and "unevaluated" in json.dumps(schema):
        # The library overlooks a schema in additionalProperties there, so it is read as in 2020-12.
        return Schema(schema).validator()
    return LIBRARY[draft](schema)


def accepts(validator, document):
    """Return whether the library accepts `document`; None where it stumbles over the schema."""
    try:
        return validator.is_valid(document)
    except (TypeError, re.error, OverflowError):
        return None


class Exact:
    """Tells whether a document satisfies a schema: as the library does, but with exact numbers."""

    def __init__(self, schema, _draft):
        self.schema = Schema(schema)

    def is_valid(self, document):
        return errors(self.schema, document) == []


def deny(rng, old, new, drafts, read=reader):
    """Assert that no document denies what `diff` says of two schemas. Returns the answers, lenient."""
    lenient, strict = diff(old, new), diff(old, new, strict=True)
    readers = [read(schema, draft) for schema, draft in zip((old, new), drafts, strict=True)]
    for document in Documents(rng, old, new).some(DOCUMENTS):
        before, after = (accepts(each, document) for each in readers)
        shown = json.dumps([old, new, document])
        for one, other, word, source in ((before, after, "backward", old), (after, before, "forward", new)):
            if one and other is False:
                assert getattr(strict, word) != "compatible", shown
                if getattr(lenient, word) == "compatible":
                    assert not only_declared(source, document), shown
    for word in ("backward", "forward"):  # the exception only ever excuses
        assert getattr(strict, word) != "compatible" or getattr(lenient, word) == "compatible"
    return lenient.backward, lenient.forward


@settings(max_examples=250)
@given(CHANCE, st.sampled_from(sorted(DRAFTS)), st.integers(1, 3))
def test_no_document_denies_what_is_said_of_a_schema_and_its_neighbour(rng, draft, changes):
    maker = Maker(rng, draft)
    old = maker.whole(rng.choice([1, 2, 3]))
    deny(rng, old, maker.near(old, changes), (draft, draft))


@settings(max_examples=100)
@given(CHANCE, st.sampled_from(sorted(DRAFTS)), st.integers(1, 2))
def test_no_document_denies_what_is_said_of_numbers_that_no_double_is(rng, draft, changes):
    maker = Cents(rng, draft)
    old = maker.whole(rng.choice([1, 2]))
    deny(rng, old, maker.near(old, changes), (draft, draft), Exact)


@settings(max_examples=150)
@given(CHANCE, st.sampled_from(sorted(DRAFTS)), st.sampled_from(sorted(DRAFTS)))
def test_no_document_denies_what_is_said_of_two_schemas_of_any_drafts(rng, one, other):
    deny(rng, Maker(rng, one).whole(rng.choice([1, 2])), Maker(rng, other).whole(rng.choice([1, 2])), (one, other))


def test_a_schema_is_compatible_with_its_twin_in_other_words():
    answers = []
    for seed in range(300):
        rng = random.Random(seed)
        schema = Maker(rng, rng.choice(sorted(DRAFTS))).whole(3)
        if isinstance(schema, dict):
            twin = {**schema, "title": "twin", "allOf": [*schema.get("allOf", []), {"description": "nothing"}]}
            found = diff(schema, twin, strict=True)
            answers += [found.backward, found.forward]
    assert "breaking" not in answers
    assert answers.count("compatible") / len(answers) >= SHARE


@settings(max_examples=100)
@given(CHANCE, st.sampled_from(sorted(DRAFTS)))
def test_backward_one_way_is_forward_the_other_way(rng, draft):
    maker = Maker(rng, draft)
    old = maker.whole(2)
    new = maker.near(old, 2)
    there, back = diff(old, new), diff(new, old)
    assert (there.backward, there.forward) == (back.forward, back.backward)


@settings(max_examples=150)
@given(CHANCE, st.sampled_from(sorted(DRAFTS)))
def test_a_document_is_checked_as_the_library_checks_it(rng, draft):
    schema = Maker(rng, draft).whole(3)
    validator, ours = reader(schema, draft), Schema(schema)
    for document in Documents(rng, schema).some(10):
        expected = accepts(validator, document)
        if expected is not None:
            assert (errors(ours, document) == []) == expected


def test_hardly_any_single_change_is_undecided():
    answers = []
    for seed in range(500):
        rng = random.Random(seed)
        maker = Maker(rng, rng.choice(sorted(DRAFTS)))
        old = maker.whole(rng.choice([1, 2, 3]))
        found = diff(old, maker.near(old, 1))
        answers += [found.backward, found.forward]
    assert 1 - answers.count("unknown") / len(answers) >= SHARE
    assert answers.count("breaking") / len(answers) >= 0.15  # and not everything is called compatible


def test_what_is_called_breaking_is_mostly_shown_by_a_document():
    breaking = shown = 0
    for seed in range(200):
        rng = random.Random(seed)
        maker = Maker(rng, draft := rng.choice(sorted(DRAFTS)))
        old = maker.whole(2)
        new = maker.near(old, 1)
        readers = reader(old, draft), reader(new, draft)
        found = diff(old, new, strict=True)
        documents = Documents(rng, old, new).some(100)
        for word, (one, other) in (("backward", readers), ("forward", readers[::-1])):
            if getattr(found, word) == "breaking":
                breaking += 1
                shown += any(accepts(one, each) and accepts(other, each) is False for each in documents)
    assert breaking > 50
    assert shown / breaking > 0.8


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=15)


@given(VALUES)
def test_json_that_is_written_is_read_back(value):
    assert same(parse(json.dumps(value)), value)


@given(VALUES, VALUES)
def test_the_library_and_we_agree_on_what_is_equal(one, other):
    assert same(one, other) == LIBRARY["2020-12"]({"const": exact(one)}).is_valid(exact(other))
