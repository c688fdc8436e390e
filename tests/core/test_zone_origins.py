"""The origins by which zones know a repository, and zones that come together there or in a merge of teams."""

from __future__ import annotations

import pytest

from tests.core.test_zones import SHOP, URL, Project, assign, claim, crew, drop, file, whose
from xats.core.locks import locks
from xats.core.teams import merge, teams
from xats.core.zones import joining, places, zones
from xats.core.zones.places import Place

assert crew  # a fixture
CLONE = Place("h", "/shop/.git", URL)
FAR = Place("h2", "/far/.git", URL)
ORIGIN = ("", "example.org/shop")


def settle(crew, place=CLONE):
    found = crew.store.write(lambda tx: joining.settle(tx, "crew", place))
    return [(one.zone.owner.name, one.zone.pattern, one.relation, one.other.owner.name) for one in found]


def kept(crew):
    rows = crew.rows("select host, repository, pattern, owner_id from zones order by pattern, id")
    names = {row["id"]: row["name"] for row in crew.rows("select id, name from agents")}
    return [((row["host"], row["repository"]), row["pattern"], names[row["owner_id"]]) for row in rows]


@pytest.mark.parametrize(
    ("url", "is_known_as"),
    [
        ("https://example.org/o.git", "example.org/o"),
        ("https://EXAMPLE.org/o.git/", "example.org/o"),
        ("HTTPS://kim:word@example.org:443/o", "example.org/o"),
        ("http://example.org:80/o/", "example.org/o"),
        ("git://example.org/o", "example.org/o"),
        ("git@example.org:o.git", "example.org/o"),
        ("example.org:/o", "example.org/o"),
        ("ssh://git@example.org/o", "example.org/o"),
        ("ssh://git@example.org:22/o.git", "example.org/o"),
        ("ssh://git@example.org:2222/o.git", "example.org:2222/o"),
        ("git@example.org:Team/O.git", "example.org/Team/O"),
        ("git@[::1]:o.git", "[::1]/o"),
        ("ssh://[::1]:22/o", "[::1]/o"),
        ("https://example.org", "example.org"),
        ("/srv/o.git", "/srv/o.git"),
        ("../o", "../o"),
        ("./a:b", "./a:b"),
        ("file:///srv/o.git", "file:///srv/o.git"),
    ],
)
def test_forms_of_one_origin(url, is_known_as):
    assert places.origin(url) == is_known_as


def test_a_zone_counts_in_clones_with_another_form_of_the_origin(crew):
    assign(crew, "bob", "src/", place=CLONE)
    for url in ("git@example.org:shop.git", "ssh://git@EXAMPLE.org/shop/"):
        assert whose(crew, "src/a", Place("h2", "/far/.git", url), host="h2") == ("src/", "bob")
    claim(crew, Project("/shop/.git", URL))  # the recorded origin has its form, too
    assert whose(crew, "src/a", SHOP) == ("src/", "bob")


def test_zones_from_before_the_origin_move_there(crew):
    assign(crew, "bob", "src/", "lib/")
    assign(crew, "bob", "src/", place=FAR)
    assert settle(crew) == []
    assert kept(crew) == [(ORIGIN, "lib/", "bob"), (ORIGIN, "src/", "bob")]
    assert whose(crew, "lib/a", FAR, host="h2") == ("lib/", "bob")


def test_a_lock_moves_them(crew):
    assign(crew, "bob", "src/")
    crew.do("alice", locks.take, [file("a", CLONE)])
    assert kept(crew) == [(ORIGIN, "src/", "bob")]


def test_what_overlaps_then_is_reported_and_what_was_there_applies_first(crew):
    assign(crew, "bob", "src/", "same/", "b/c/")
    assign(crew, "alice", "*.py", "same/**", "b/", place=FAR)
    assert settle(crew) == [
        ("bob", "b/c/", "across", "alice"),
        ("bob", "b/c/", "in", "alice"),
        ("bob", "same/", "across", "alice"),
        ("bob", "same/", "same", "alice"),
        ("bob", "src/", "across", "alice"),
    ]
    assert ((SHOP.host, SHOP.path), "same/", "bob") in kept(crew)
    found = {path: whose(crew, path, CLONE) for path in ("src/a.py", "src/a", "same/a", "b/c/d", "b/d")}
    assert {path: zone and zone[1] for path, zone in found.items()} == {
        "src/a.py": "alice",
        "src/a": "bob",
        "same/a": "alice",
        "b/c/d": "bob",
        "b/d": "alice",
    }


def test_the_owner_can_drop_a_zone_that_another_has_at_the_origin(crew):
    assign(crew, "bob", "src/", by="bob")
    assign(crew, "carol", "src/", by="carol", place=FAR)
    assert settle(crew) == [("bob", "src/", "same", "carol")]
    (gone,) = drop(crew, "src/", by="bob", place=CLONE)
    assert gone.owner.name == "bob"
    assert kept(crew) == [(ORIGIN, "src/", "carol")]


def test_zones_of_another_team_follow_a_project(crew):
    claim(crew, Project("/shop/.git"))
    crew.register("erin", team="other", client="generic")
    erin = crew.agent("erin", "other")
    crew.store.write(lambda tx: zones.assign(tx, erin, "erin", SHOP, ["src/"]))
    claim(crew, Project("/new/.git"))
    assert whose(crew, "src/a", Place("h", "/new/.git", None), team="other") == ("src/", "erin")
    claim(crew, Project("/new/.git", URL))
    claim(crew, Project("/new/.git", f"{URL}2"))
    assert whose(crew, "src/a", Place("h2", "/x", f"{URL}2"), team="other", host="h2") == ("src/", "erin")


def test_a_merge_keeps_the_zones_of_the_team_that_stays(crew):
    for name in ("crew", "other"):
        crew.store.write(lambda tx, name=name: teams.ensure(tx, name))
    crew.register("erin", team="other", client="generic")
    erin = crew.agent("erin", "other")
    assign(crew, "bob", "eq/", "src/", "in/deep/")
    assign(crew, "alice", "src/main/", nested=True)
    crew.store.write(lambda tx: zones.assign(tx, erin, "erin", SHOP, ["eq/**", "*.py", "in/"]))
    planned = crew.store.write(lambda tx: merge.merge(tx, "me", "crew", "other", None))
    assert [zone.pattern for zone in planned.zones] == ["eq/"]
    paths = ("eq/a", "src/a.py", "src/main/a.py", "src/main/a", "src/a", "in/a", "in/deep/a")
    found = {path: whose(crew, path, team="other")[1] for path in paths}
    assert found == dict(zip(paths, ("erin", "erin", "erin", "alice", "bob", "erin", "bob"), strict=True))
