r"""A pattern means what ECMA-262 says with the `u` flag; where node is installed, it is asked itself."""

import json
import random
import shutil
import subprocess

import pytest

from xats.base.errors import Uncheckable
from xats.schemas import guard
from xats.schemas.check import errors
from xats.schemas.diff import diff
from xats.schemas.examples import examples
from xats.schemas.pattern import compiled, search
from xats.schemas.regex import Unreadable

SPACES = " \t\n\v\f\r\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
# A pattern, texts that it matches, and texts that it does not match. Node 20 says the same of each row.
MEANINGS = [
    # -- what Python reads otherwise
    (r"^a$", ["a"], ["a\n", "\na", "a\r"]),
    (r"^\d+$", ["0123456789"], ["٣", "३", ""]),
    (r"^\D$", ["٣", "a"], ["3"]),
    (r"^\w+$", ["aZ_9"], ["é", "ß", "٣", "ǅ", "-"]),
    (r"^\W$", ["é", "😀"], ["a", "_"]),
    (r"^\s$", list(SPACES), ["\x1c", "\x1f", "\x85", "\u200b"]),
    (r"^\S$", ["\x1c", "\x85", "a"], [" ", "\ufeff"]),
    (r"a\b", ["a", "aé", "a-"], ["ab", "a_"]),
    (r"\Bé", ["é", " é"], ["aé"]),
    (r"^\B$", [""], ["a"]),
    (r"^.$", ["a", "\x85", "\v", "😀"], ["\n", "\r", "\u2028", "\u2029", ""]),
    (r"^[\s\S]$", ["\n", "\u2028", "😀"], [""]),
    (r"^[^\d]$", ["٣", "\n"], ["3"]),
    (r"^[\W_]$", ["_", "é"], ["a"]),
    # -- syntax that Python does not have
    (r"^(?<word>a|b)-\k<word>$", ["a-a", "b-b"], ["a-b"]),
    (r"^(?<$é_1>a)\k<$é_1>$", ["aa"], ["a"]),
    (r"^\k<n>(?<n>a)$", ["a"], ["aa"]),
    (r"^\cJ\cj$", ["\n\n"], ["cJcj"]),
    (r"^\u{1F600}$", ["😀"], ["u"]),
    (r"^\ud83d\ude00$", ["😀"], [""]),
    (r"^[😀-😂]$", ["😁"], ["😃"]),
    (r"^\x41\u0042\/-?$", ["AB/", "AB/-"], ["AB"]),
    (r"^\0$", ["\x00"], ["0"]),
    (r"^[\b]$", ["\x08"], ["b"]),
    (r"^[^]$", ["\n", "a"], [""]),
    (r"[]", [], ["", "a", "]"]),
    (r"^a[]*$", ["a"], ["a]"]),
    (r"^\p{L}+$", ["aé", "Ω"], ["a1", ""]),
    (r"^\p{Letter}\P{Lu}\p{gc=Nd}$", ["Aa٣"], ["AA1", "1a1"]),
    (r"^\p{digit}+$", ["42", "৪২"], ["x"]),
    (r"^[\p{Lu}\d]+$", ["É1"], ["é"]),
    (r"^\p{ASCII}$", ["a", "\x7f"], ["\x80"]),
    (r"(?<=ab|c)d", ["abd", "cd"], ["bd", "d"]),
    (r"(?<!ab|c)d", ["bd", "d"], ["abd", "cd"]),
    (r"(?<=^a)b", ["ab"], ["aab"]),
    # -- characters that Python takes for something else
    (r"^[[a]$", ["[", "a"], ["b"]),
    (r"^[a&&b]$", ["&"], ["c"]),
    (r"^[--a]$", ["-", "a", "0"], ["b"]),
    (r"^a{2}$", ["aa"], ["a{2}"]),
    (r"^a{2,}?$", ["aaa"], ["a"]),
    (r"^ #a$", [" #a"], ["a", "#a"]),
    # -- captures
    (r"^(a)?b\1$", ["b", "aba"], ["ab", "ba"]),
    (r"^(?:(a)|b)\1$", ["aa", "b"], ["a", "ba"]),
    (r"^\1(a)$", ["a"], ["aa"]),
    (r"^(a\1)$", ["a"], ["aa"]),
    (r"^(?:(a)|b\1)$", ["b", "a"], ["ba"]),
    (r"^(?!(a)b)a\1$", ["a"], ["aa", "ab"]),
    (r"^(?=(a+))\1b$", ["aab"], ["aa"]),
    (r"^(?:(\w)\1)+$", ["aabb"], ["ab", "aab"]),
    (r"(.)\1", ["xyyz"], ["xyz", "\n\n"]),
    (r"^(?:|a)+$", ["", "aaa"], ["b"]),
    (r"", ["", "a"], []),
]  # fmt: skip

# Patterns that are refused, with the place (from 1) and a part of the reason. Node 20 refuses these, too.
INVALID = [
    (r"a\Z", 2, r"\Z is not in ECMA-262; write $"),
    (r"\Aa", 1, "write ^"),
    (r"\a", 1, r"write \x07"),
    (r"\-", 1, r"\- is not in ECMA-262; write - alone"),
    (r"\é", 1, r"\é is not in ECMA-262"),
    (r"(?P<a>b)", 1, "write a named group as (?<name>...)"),
    (r"(?<a>b)(?P=a)", 8, r"as \k<name>"),
    (r"a(?#note)", 2, "no comments"),
    (r"(?i)a", 1, "flags in a pattern, such as (?i), are not supported"),
    (r"(?>a)", 1, "no atomic groups"),
    (r"(a)(?(1)b)", 4, "no conditions"),
    (r"a++", 3, "+ has nothing to repeat"),
    (r"a{2}{3}", 5, "this number of repetitions has nothing to repeat"),
    (r"*a", 1, "* has nothing to repeat"),
    (r"^*", 2, "* has nothing to repeat"),
    (r"(?=a)*", 6, "* has nothing to repeat"),
    (r"a{,3}", 2, "not a number of repetitions; write {2}, {2,} or {2,3}"),
    (r"{a}", 1, r"write \{ for the character {"),
    (r"a]", 2, r"write \] for the character ]"),
    (r"a{3,2}", 2, "3 repetitions are more than 2"),
    (r"[b-a]", 3, "the range ends before it begins"),
    (r"[\d-z]", 4, r"a set such as \d cannot be the end of a range"),
    (r"[a", 1, "this class is not closed"),
    (r"(a", 1, "this group is not closed"),
    (r"a)", 2, "this ) closes no group"),
    (r"(a)\2", 4, "there is no group 2"),
    (r"\k<b>(?<a>c)", 1, "there is no group b"),
    (r"\ka", 1, r"as \k<name>"),
    (r"(?<a>b)(?<a>c)", 8, "two groups of the name a are not supported"),
    (r"(?<1>b)", 1, "made of letters, digits, _ and $"),
    (r"(?<>b)", 1, "the name of a group is empty"),
    (r"(?<a", 5, "not closed by >"),
    (r"\x4", 1, "2 hexadecimal digits must follow"),
    (r"\u00", 1, "4 hexadecimal digits must follow"),
    (r"\u{110000}", 1, "from 0 to 10FFFF"),
    (r"\c1", 1, r"\c is followed by a letter"),
    (r"\01", 1, "a reference to a group"),
    (r"[\1]", 2, "a reference to a group"),
    (r"[\B]", 2, r"\B is not in ECMA-262"),
    (r"\p", 1, r"as \p{L}"),
    (r"\p{L", 5, "not closed by }"),
    (r"\p{Nope}", 1, "the property Nope is not supported"),
    ("a\\", 3, "nothing follows the last"),
]  # fmt: skip

# Patterns that ECMA-262 has and Python cannot run in the same way.
UNSUPPORTED = [
    (r"\p{Script=Greek}", 1, "the property Script=Greek is not supported"),
    (r"a(?<=a+)b", 2, "a look behind at texts of different lengths is not supported"),
    (r"(?<=(?:a|bc)d)e", 1, "different lengths"),
    (r"(?:(a)|b)*\1", 11, "a reference to a group that is repeated"),
    (r"(?:b|(a))*?c\1", 13, "a reference to a group that is repeated"),
    (r"(a)(?<=\1)", 8, "a reference to a group inside"),
    (r"a{4294967296}", 2, "more than 4294967294 repetitions"),
]


@pytest.mark.parametrize("pattern, good, bad", MEANINGS)
def test_a_pattern_means_what_ecma_262_says(pattern, good, bad):
    assert [text for text in good if not search(pattern, text)] == []
    assert [text for text in bad if search(pattern, text)] == []


@pytest.mark.parametrize("pattern, at, reason", [*INVALID, *UNSUPPORTED])
def test_what_is_refused_and_where(pattern, at, reason):
    with pytest.raises(Unreadable) as caught:
        compiled(pattern)
    assert reason in str(caught.value)
    assert str(caught.value).endswith(f" (at character {at})")


def test_groups_that_are_nested_too_deeply_are_refused():
    with pytest.raises(Unreadable, match=r"nested too deeply|Python cannot run it"):
        compiled("(" * 5000 + ")" * 5000)


@pytest.mark.parametrize(
    "pattern", [each for each, good, _ in MEANINGS if good and "(?<=" not in each and "(?=" not in each]
)
def test_a_pattern_has_examples(pattern):
    assert any(search(pattern, text) for text in examples(pattern))


def test_what_is_no_pattern_has_no_examples():
    assert examples("(") == []
    assert max(map(len, examples("^((a{200}){200}){200}"))) == 200


# -- in schemas --------------------------------------------------------------------------------------------------------


def test_names_of_properties_are_matched_so_too():
    schema = {"patternProperties": {r"^\d$": {"type": "string"}}, "additionalProperties": False}
    assert errors(schema, {"1": "a"}) == []
    assert [each.pointer for each in errors(schema, {"1": 1})] == ["/1"]
    (problem,) = errors(schema, {"٣": "a", "1\n": "a"})
    assert problem.message == "Additional properties are not allowed ('٣', '1\\n' were unexpected)"
    unevaluated = {"patternProperties": {r"^\d$": True}, "unevaluatedProperties": False}
    assert errors(unevaluated, {"1": 1}) == []
    assert errors(unevaluated, {"٣": 1}) != []


def test_a_group_of_one_pattern_is_none_of_the_next():
    schema = {"patternProperties": {r"^(a)\1$": True, r"^(b)\1$": True}, "additionalProperties": False}
    assert errors(schema, {"aa": 1, "bb": 1}) == []
    assert errors(schema, {"ba": 1}) != []


def test_patterns_are_compared_by_what_they_mean():
    assert diff({"enum": ["1", "2"]}, {"pattern": r"^\d$"}).backward == "compatible"
    assert diff({"enum": ["٣"]}, {"pattern": r"^\d$"}).backward == "breaking"
    assert diff({"enum": ["a\n"]}, {"pattern": "^a$"}).backward == "breaking"
    assert diff({"pattern": r"^\p{L}$"}, {"pattern": "^[^b]$"}).forward == "breaking"
    assert diff({"pattern": r"^\d$"}, {"pattern": "^[0-9]$"}).backward == "compatible"
    closed = {"properties": {"٣": {}}, "additionalProperties": False}
    other = {"patternProperties": {r"^\d$": {}}, "additionalProperties": False}
    assert diff(closed, other).backward == "breaking"


def test_the_pattern_that_takes_too_long_is_named(monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 0.3)
    for schema, document in (
        ({"pattern": "^(a+)+$"}, "a" * 60 + "!"),
        ({"patternProperties": {"^(a+)+$": {}}}, {"a" * 60 + "!": 1}),
    ):
        with pytest.raises(Uncheckable) as caught:
            errors(schema, document)
        assert str(caught.value) == 'The pattern "^(a+)+$" takes more than 0.3 seconds on a text of 61 characters.'


# -- the language itself -----------------------------------------------------------------------------------------------

NODE = shutil.which("node")
ASK = """
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(([pattern, texts]) => {
    try { const found = new RegExp(pattern, "u"); return texts.map((text) => found.test(text)); }
    catch (error) { return null; }
})));
"""
ATOMS = [
    *("a", "b", "A", "1", "_", "-", ".", "^", "$", "é", "😀", "{", "}", "]", "\u2028"),
    *(r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\n", r"\0", r"\cJ", r"\/", r"\.", r"\-", r"\Z"),
    *("[ab]", "[^a]", r"[\w-]", "[]", "[^]", "[a-c1]", r"[^\S]", r"[\D_]", r"[\b]", "[^😀]", r"[\p{Nd}a]"),
    *(r"\u{61}", r"\x41", r"\u0061", r"\ud83d\ude00", r"\p{L}", r"\P{Lu}", r"\1", r"\2", r"\k<n>", "(?i)"),
]
COUNTS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,}", "{,2}", "{2,1}", "{1,2}?", "{0}"]
SIGNS = ["(", "(", "(?:", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?<n>"]
TEXT = list("aabbA1_-\n\r \u2028\ufeff\xa0é😀\x00\x1c٣\t\x08\x0b./ß\x85")


def node(cases):
    """Return for each pattern and its texts whether it matches each, or None where it is none."""
    ran = subprocess.run([NODE, "-e", ASK], input=json.dumps(cases), capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def some_pattern(rng, depth=3):
    """Return a pattern, or what is nearly one."""

    def term():
        if depth and rng.random() < 0.4:
            atom = rng.choice(SIGNS) + some_pattern(rng, depth - 1) + ")"
        else:
            atom = rng.choice(ATOMS[:9] if rng.random() < 0.6 else ATOMS)
        return atom + (rng.choice(COUNTS) if rng.random() < 0.3 else "")

    options = ["".join(term() for _ in range(rng.choice([0, 1, 1, 2, 2, 3]))) for _ in range(rng.choice([1, 1, 2]))]
    return "|".join(options)


needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


@needs_node
def test_node_says_the_same_of_the_tables():
    found = node([(pattern, [*good, *bad]) for pattern, good, bad in MEANINGS])
    assert found == [[True] * len(good) + [False] * len(bad) for _, good, bad in MEANINGS]
    assert node([(pattern, []) for pattern, *_ in INVALID]) == [None] * len(INVALID)
    assert node([(pattern, []) for pattern, *_ in UNSUPPORTED]) == [[]] * len(UNSUPPORTED)


@needs_node
def test_node_says_the_same_of_patterns_at_random():
    rng = random.Random(20)
    cases = []
    for _ in range(3000):
        pattern = some_pattern(rng)
        pattern = f"^(?:{pattern})$" if rng.random() < 0.3 else pattern
        cases.append((pattern, ["".join(rng.choices(TEXT, k=rng.randint(0, 5))) for _ in range(10)]))
    refused = 0
    for (pattern, texts), expected in zip(cases, node(cases), strict=True):
        try:
            found = [search(pattern, text) for text in texts]
        except Unreadable as error:
            assert expected is None or "not supported" in str(error), (pattern, str(error))
            refused += expected is not None
        else:
            assert found == expected, (pattern, texts)
    assert refused < len(cases) / 20
