"""Names and addresses: what they may be, and that writing and reading one are inverse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xats.base.errors import InvalidName
from xats.core import address
from xats.core.address import Address, check_name, parse, parse_list, slug

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True).filter(
    lambda name: name.lower() not in address.RESERVED
)
LABELS = NAMES.map(str.lower)
TEAMS = st.none() | LABELS
ADDRESSES = (
    st.builds(Address, st.just("agent"), NAMES, TEAMS)
    | st.builds(Address, st.sampled_from(address.PREFIXES), LABELS, TEAMS)
    | st.builds(Address, st.sampled_from(("all", "me")), st.just(""), TEAMS)
)


@given(ADDRESSES)
def test_an_address_reads_back_as_it_is_written(one):
    assert parse(str(one)) == one


@given(st.lists(ADDRESSES, min_size=1, max_size=6))
def test_a_list_reads_back_each_once(several):
    text = ", ".join(map(str, several))
    assert parse_list(text) == list(dict.fromkeys(several))


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("bob", Address("agent", "bob", None)),
        ("Bob@Payments", Address("agent", "Bob", "payments")),
        ("role:Reviewer", Address("role", "reviewer", None)),
        ("tag:gpu@crew", Address("tag", "gpu", "crew")),
        ("cap:rust", Address("cap", "rust", None)),
        ("pool:Dev", Address("pool", "dev", None)),
        ("ALL", Address("all", "", None)),
        ("all@payments", Address("all", "", "payments")),
        ("Me", Address("me", "", None)),
    ],
)
def test_addresses_are_read(text, wanted):
    assert parse(text) == wanted


BAD_NAMES = [
    "",
    " ",
    "a b",
    ".hidden",
    "-x",
    "_x",
    "a" * 65,
    "all",
    "ME",
    "é",
    "a/b",
    "a,b",
    "a@b",
    "a:b",
    "a\nb",
    "a\n",
    "a\0",
    "\x1b[31mred",
    "a\x9b",
    "a\u202eb",
    "\udcff",
    "a;b",
    "$(a)",
    "%1",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_bad_name_is_refused_and_not_repeated_raw(name):
    with pytest.raises(InvalidName) as caught:
        check_name(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["a", "A9", "a" * 64, "x.y_z-1", "0", "allan", "me2"])
def test_a_good_name_is_kept_as_it_is(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "@team",
        "bob@",
        "bob@all",
        "bob@a b",
        "role:",
        "role:all",
        "job:x",
        ":x",
        "role:a:b",
        "bob,",
        ",",
        "a@b@c",
    ],
)
def test_a_bad_address_is_refused(text):
    with pytest.raises(InvalidName):
        parse_list(text)


@given(st.text())
def test_every_folder_name_gives_a_team_name(text):
    assert check_name(slug(text)) == slug(text)


@pytest.mark.parametrize(
    "folder, team",
    [
        ("My Project", "my-project"),
        (".config", "config"),
        ("naïve-café", "naive-cafe"),
        ("nai\u0308ve-cafe\u0301", "naive-cafe"),
        ("проект-2", "2"),
        ("all", "project-71dd"),
        ("", "project-0000"),
        ("日本", "project-cdcc"),
        ("项目", "project-47c4"),
        ("ελληνικά", "project-8ba2"),
        ("a" * 80, "a" * 64),
    ],
)
def test_folder_names_become_slugs(folder, team):
    assert slug(folder) == team
