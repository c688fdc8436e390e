"""Patterns of zones match what git matches, and two of them are compared over all paths."""

from __future__ import annotations

import itertools
import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from tests.support.yard import git
from xats.core.zones import compare
from xats.core.zones.errors import InvalidPattern, PatternTooComplex
from xats.core.zones.patterns import LONGEST, keys, parse


def read(text):
    """Return the pattern, and skip a text that is none."""
    try:
        return parse(text)
    except InvalidPattern:
        assume(False)


def names(length: int, alphabet: str) -> list[str]:
    every = ("".join(letters) for size in range(1, length + 1) for letters in itertools.product(alphabet, repeat=size))
    return [name for name in every if name not in (".", "..")]


SHORT = names(2, "ab.")
# Every path of up to three short names; those of one letter also deeper.
EVERY = ["/".join(path) for depth in (1, 2) for path in itertools.product(SHORT, repeat=depth)]
EVERY += ["/".join(path) for depth in (3, 4) for path in itertools.product("ab", repeat=depth)]

SIGNS = st.sampled_from(["a", "b", "a", "b", ".", "*", "**", "?", "[ab]", "[!a]", "[a-c]", "[]b]", "\\*", "\\a"])
PATTERNS = st.builds(
    lambda start, parts, end: start + "/".join("".join(part) for part in parts) + end,
    st.sampled_from(["", "", "/", "./", "**/"]),
    st.lists(st.lists(SIGNS, min_size=1, max_size=3), min_size=1, max_size=3),
    st.sampled_from(["", "", "/", "/**", "/*"]),
)


# -- what a pattern matches --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "covered", "others"),
    [
        ("src/auth", ["src/auth", "src/auth/a.py", "src/auth/x/a.py"], ["src/author", "x/src/auth", "src"]),
        ("src/auth/", ["src/auth/a.py", "src/auth/x/a.py"], ["src/auth", "src/authx/a"]),
        ("src/**", ["src/a.py", "src/x/a.py"], ["src", "x/src/a.py"]),
        ("/src", ["src", "src/a"], ["x/src"]),
        ("./src", ["src", "src/a"], ["x/src"]),
        ("docs/", ["docs/a"], ["docs", "x/docs/a", "mydocs/a"]),
        ("docs", ["docs", "docs/a"], ["mydocs", "x/docs"]),
        ("**/docs/", ["docs/a", "x/docs/a"], ["docs", "x/docs", "mydocs/a"]),
        ("**/docs", ["docs", "x/docs", "x/docs/a"], ["mydocs"]),
        ("*.md", ["a.md", "x/a.md", ".md"], ["a.mdx", "x.md/a"]),
        ("*.md/", ["x.md/a"], ["a.md"]),
        ("test_*.py", ["x/test_a.py"], ["test_a.py/x"]),
        ("*.", ["a./b", "a."], ["a"]),
        ("*.[ab]", ["x.a/b", "x.a"], ["a"]),
        ("/*.md", ["a.md"], ["x/a.md"]),
        ("src/*", ["src/a", "src/x/a"], ["src"]),
        ("src/**/test", ["src/test", "src/x/y/test/a"], ["test"]),
        ("**", ["a", "x/a"], []),
        ("*", ["a", "x/a"], []),
        ("*/", ["x/a"], ["a"]),
        ("a?c", ["abc", "x/abc", "abc/x"], ["a/c", "ac"]),
        ("a[!b]c", ["axc"], ["abc", "a/c"]),
        ("a[+-0]c", ["a.c", "a0c"], ["a/c"]),
        ("a\\ ", ["a "], ["a"]),
        ("a ", ["a"], ["a "]),
        ("\\#a", ["#a"], ["a"]),
        ("\\!a", ["!a"], ["a"]),
        ("a?b", ["a\nb", "aéb"], []),
        ("src/*.py", ["src/a\n.py", "src/a.py"], ["src/a.py\n"]),
    ],
)
def test_what_a_pattern_covers(text, covered, others):
    pattern = parse(text)
    assert [path for path in covered if not pattern.matches(path)] == []
    assert [path for path in others if pattern.matches(path)] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "matches nothing"),
        ("  ", "matches nothing"),
        ("/", "matches nothing"),
        ("./", "matches nothing"),
        ("!a", "begins with !"),
        ("#a", "begins with #"),
        ("../a", r"has the name \.\."),
        ("a/../b", r"has the name \.\."),
        ("a/./b", r"has the name \."),
        ("a//b", "has an empty name"),
        ("//", "has an empty name"),
        ("[a", "without a ]"),
        ("a[/]b", "without a ]"),
        ("[b-a]", "ends before it begins"),
        ("[[:alpha:]]", "class such as"),
        ("a\\", "backslash"),
        ("a/**/", "different ways"),
        ("**/", "different ways"),
        ("a\nb", "control character"),
        ("\udcff", "not UTF-8"),
        ("a" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(text, says):
    with pytest.raises(InvalidPattern, match=says):
        parse(text)


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("src/auth", "src/auth"),
        ("/src/auth/", "src/auth"),
        ("src/auth/**", "src/auth"),
        ("docs", "docs"),
        ("**/docs", "**/docs"),
        ("a\\*b/c", "a*b/c"),
        ("src/*.py", "src"),
        ("src/a/**/x", "src/a"),
        ("*.py", ""),
        ("**/a/b", ""),
    ],
)
def test_the_prefix_by_which_a_path_finds_a_pattern(text, prefix):
    assert parse(text).prefix == prefix


def test_a_pattern_for_which_a_regular_expression_would_take_for_ever():
    assert not parse("*a" * 100 + "b").matches("a" * 255)
    assert parse("*a" * 100 + "*").matches("a" * 255)
    assert not parse("**/a/" * 60 + "b").matches("a/" * 500 + "a")


@given(st.one_of(PATTERNS, st.text(st.sampled_from("/.!#* \\a["), min_size=1, max_size=6)))
@settings(max_examples=500)
def test_the_stored_text_of_a_pattern_is_that_pattern(text):
    pattern = read(text)
    assert parse(pattern.text) == pattern


@given(PATTERNS)
def test_a_file_finds_each_pattern_that_covers_it(text):
    pattern = read(text)
    assert [path for path in EVERY if pattern.matches(path) and pattern.prefix not in keys(path)] == []


def as_in_gitignore(text, pattern) -> str:
    """Return the pattern as gitignore has it; skip one of those that match files alone, which gitignore lacks."""
    assume(not pattern.files)
    if pattern.literal is not None and pattern.names[0] != "**":
        return f"/{text.removeprefix('.').removeprefix('/')}" if text.startswith(("./", "/")) else f"/{text}"
    return text.removeprefix(".") if text.startswith("./") else text


@given(PATTERNS)
@settings(max_examples=300)
def test_a_pattern_matches_what_pathspec_matches(text):
    """Except for `[!a]`, which in pathspec also matches a `/`."""
    assume("[!" not in text)
    pattern = read(text)
    spec = GitIgnoreSpec.from_lines([as_in_gitignore(text, pattern)])
    assert [path for path in EVERY if spec.match_file(path) != pattern.matches(path)] == []


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    made = tmp_path_factory.mktemp("repository")
    git("init", "-q", made)
    return made


@given(text=PATTERNS)
@settings(max_examples=100)
def test_a_pattern_matches_what_git_ignores(repository, text):
    """Except for `a**`: by gitignore(5) its stars are ordinary ones, but git 2.39 lets them match a `/` too."""
    assume(all(part == "**" or "**" not in part for part in text.split("/")))
    pattern = read(text)
    (repository / ".gitignore").write_text(f"{as_in_gitignore(text, pattern)}\n")
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=repository,
        input="\0".join(EVERY).encode(),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode in (0, 1), done.stderr
    ignored = done.stdout.decode().split("\0")
    assert set(filter(None, ignored)) == {path for path in EVERY if pattern.matches(path)}


# -- two patterns ------------------------------------------------------------------------------------------------------


@given(PATTERNS, PATTERNS)
@settings(max_examples=500)
def test_two_patterns_have_a_file_in_common_if_any_file_matches_both(one, other):
    first, second = read(one), read(other)
    both = [path for path in EVERY if first.matches(path) and second.matches(path)]
    found = compare.common(first, second)
    if found is None:
        assert both == []
    else:
        assert first.matches(found)
        assert second.matches(found)
        assert len(found) <= min(map(len, both), default=len(found))
    assert (compare.common(second, first) is None) == (found is None)


@given(PATTERNS, PATTERNS)
@settings(max_examples=500)
def test_a_pattern_contains_another_if_no_file_of_it_is_outside(one, other):
    outer, inner = read(one), read(other)
    beyond = [path for path in EVERY if inner.matches(path) and not outer.matches(path)]
    found = compare.outside(outer, inner)
    if found is None:
        assert beyond == []
    else:
        assert inner.matches(found)
        assert not outer.matches(found)


@given(PATTERNS)
def test_a_pattern_contains_itself(text):
    pattern = read(text)
    assert compare.outside(pattern, pattern) is None
    if any(map(pattern.matches, EVERY)):
        assert compare.common(pattern, pattern) is not None


@pytest.mark.parametrize(
    ("one", "other", "example"),
    [
        ("src/", "src/*.py", "src/.py"),
        ("src/auth/", "src/author/", None),
        ("src/*.py", "src/*.md", None),
        ("*.py", "*.md", None),
        ("*.py", "docs/", "docs/.py"),
        ("docs/", "src/", None),
        ("**/docs/", "src/", "src/docs/-"),
        ("/a", "/b", None),
        ("/a*", "/*b", "ab"),
        ("/[a-m]*", "/[n-z]*", None),
    ],
)
def test_examples_of_files_in_common(one, other, example):
    assert compare.common(parse(one), parse(other)) == example


def test_no_path_has_a_name_of_dots_alone():
    assert compare.common(parse("/[.][.]"), parse("**")) is None
    assert compare.outside(parse("/a"), parse("/[.]")) is None


def test_a_comparison_that_would_take_too_long_is_refused():
    one, other = parse("/" + "*[ab]" + "?" * 40), parse("/" + "*[bc]" + "?" * 41 + "*a" + "?" * 40)
    with pytest.raises(PatternTooComplex, match="too many stars"):
        compare.outside(one, other)
