"""Zones in the core: who has which part of a repository, in every worktree and clone of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xats.base.errors import InvalidName, UnknownAgent, Usage
from xats.core.agents import changes as agent_changes
from xats.core.agents import registration
from xats.core.locks.files import File
from xats.core.mail import inbox
from xats.core.teams import changes, merge, teams
from xats.core.zones import patterns, zones
from xats.core.zones.errors import InvalidPattern, NotYourZone, UnknownZone, ZonesOverlap, ZoneTaken
from xats.core.zones.places import Place

URL = "https://example.org/shop.git"
KNOWN_AS = "example.org/shop"
SHOP = Place("h", "/shop/.git", None)
CLONE = Place("h", "/shop/.git", URL)


@pytest.fixture
def crew(team):
    team.add("alice", "bob")
    team.add("carol", role="backend")
    return team


def file(path, place=SHOP, worktree="/shop", host="h") -> File:
    return File(host, place.path, worktree, path, path, place.remote)


def assign(crew, owner, *given, by="alice", place=SHOP, **options):
    return crew.do(by, zones.assign, owner, place, given, **options)


def drop(crew, *given, by="alice", place=SHOP, **options):
    return crew.do(by, zones.drop, place, given, **options)


def whose(crew, path, place=SHOP, team="crew", **where):
    found = crew.store.read(lambda tx: zones.owner(tx, team, file(path, place, **where)))
    return found and (found.pattern, found.owner.address)


def mail(crew, name):
    letters = crew.see(name, inbox.peek, inbox.Query(every=True)).letters
    return [(one.message.sender, one.message.subject, one.message.body) for one in letters]


def events(crew, kind):
    found = crew.rows("select actor, subject, data from events where type = :type order by id", type=kind)
    return [(one["actor"], one["subject"], json.loads(one["data"])) for one in found]


# -- assign ------------------------------------------------------------------------------------------------------------


def test_a_zone_belongs_to_an_agent_or_to_each_agent_of_a_role(crew):
    assign(crew, "bob", "src/auth/")
    assign(crew, "role:backend", "/*.sql")
    assert whose(crew, "src/auth/a.py") == ("src/auth/", "bob")
    assert whose(crew, "a.sql") == ("/*.sql", "role:backend")
    assert whose(crew, "src/a.py") is None

    def other(name, path):
        found = crew.see(name, zones.others, file(path))
        return found and found.owner.address

    assert [other(name, "src/auth/a.py") for name in ("alice", "bob", "carol")] == ["bob", None, "bob"]
    assert [other(name, "a.sql") for name in ("alice", "bob", "carol")] == ["role:backend", "role:backend", None]


def test_the_new_owner_gets_mail_that_wakes_nobody_and_there_is_an_event(crew):
    (done,) = assign(crew, "bob", "src/auth/", place=CLONE)
    assign(crew, "me", "lib/")
    assign(crew, "role:backend", "db/", by="carol")
    assert done.created
    ((sender, subject, body),) = mail(crew, "bob")
    assert (sender, subject) == ("xats@crew", "a zone for bob")
    assert f"alice assigned a zone of {KNOWN_AS}:\n  src/auth/\n" in body
    assert mail(crew, "alice") == mail(crew, "carol") == []
    assert crew.rows("select * from wakes") == []
    who, subject, data = events(crew, "zone_assigned")[0]
    assert (who, subject) == ("alice", "zone:src/auth/")
    assert (data["to"], data["repository"]) == ("bob", KNOWN_AS)


def test_the_same_pattern_again_changes_nothing(crew):
    assign(crew, "bob", "src/")
    (again,) = assign(crew, "bob", "src/", "src/ ")
    assert not again.created
    assert len(mail(crew, "bob")) == len(events(crew, "zone_assigned")) == 1


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("all", InvalidName),
        ("tag:gpu", InvalidName),
        ("pool:backend", InvalidName),
        ("nobody", UnknownAgent),
        ("bob@other", Usage),
        ("b ob", InvalidName),
    ],
)
def test_who_can_own_no_zone(crew, address, error):
    with pytest.raises(error):
        assign(crew, address, "src/")
    assert crew.rows("select * from zones") == []


def test_all_patterns_or_none(crew):
    with pytest.raises(InvalidPattern):
        assign(crew, "bob", "src/", "!lib/")
    assign(crew, "alice", "lib/")
    with pytest.raises(ZonesOverlap):
        assign(crew, "bob", "src/", "lib/")
    assert [row["pattern"] for row in crew.rows("select pattern from zones")] == ["lib/"]


# -- overlap -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("src/auth/", r"src/auth/ is in the zone src/ of bob"),
        ("**", r"\*\* contains the zone src/ of bob"),
        ("*.py", r"overlap, and neither contains the other: both match src/\.py"),
        ("src/**", r"src/\*\* means the same files as the zone src/ of bob"),
        ("src", r"src contains the zone src/ of bob"),
    ],
)
def test_a_zone_that_overlaps_with_that_of_another_owner_is_refused(crew, new, says):
    assign(crew, "bob", "/src/")
    with pytest.raises(ZonesOverlap, match=says) as problem:
        assign(crew, "carol", new)
    assert "xats zone" in problem.value.hint
    assert problem.value.data == {"pattern": new, "zone": "src/", "owner": "bob"}
    assign(crew, "bob", new)  # a zone of one's own may


def test_with_nested_the_inner_zone_applies_in_either_order(crew):
    assign(crew, "bob", "src/auth/")
    (outer,) = assign(crew, "role:backend", "src/", nested=True)
    (inmost,) = assign(crew, "alice", "src/auth/*.sql", nested=True)
    (all_,) = assign(crew, "alice", "**", nested=True)
    assert [zone.pattern for zone in outer.inner] == ["src/auth/"]
    assert [zone.pattern for zone in inmost.outer] == ["src/auth/", "src/"]
    assert {zone.pattern for zone in all_.inner} == {"src/", "src/auth/"}
    found = {path: whose(crew, path) for path in ("src/a", "src/auth/a", "src/auth/a.sql", "a")}
    assert found == {
        "src/a": ("src/", "role:backend"),
        "src/auth/a": ("src/auth/", "bob"),
        "src/auth/a.sql": ("src/auth/*.sql", "alice"),
        "a": ("**", "alice"),
    }
    drop(crew, "src/auth/")
    assert whose(crew, "src/auth/a") == ("src/", "role:backend")


def test_a_nested_zone_needs_no_nested_the_second_time(crew):
    assign(crew, "bob", "src/")
    assign(crew, "alice", "src/auth/", nested=True)
    (again,) = assign(crew, "alice", "src/auth/")
    assert not again.created


def test_nested_allows_no_zones_that_cross_or_mean_the_same(crew):
    assign(crew, "bob", "src/")
    for new in ("*.py", "src/**"):
        with pytest.raises(ZonesOverlap):
            assign(crew, "carol", new, nested=True)


NAMES = st.sampled_from(["a", "b", "*", "a*", "?", "[ab]"])
ZONES = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob", "role:backend"]),
        st.builds(
            lambda start, names, end: start + "/".join(names) + end,
            st.sampled_from(["", "/", "**/"]),
            st.lists(NAMES, min_size=1, max_size=2),
            st.sampled_from(["", "/"]),
        ),
    ),
    min_size=2,
    max_size=6,
)
PATHS = ["a", "b", "ab", "c", "a/a", "a/b", "b/a", "c/a", "ab/c", "a/a/a", "b/a/c", "a/ab/b", "c/c/c"]


@given(wanted=ZONES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_all_zones_of_other_owners_that_match_the_innermost_applies(crew, wanted):
    """The model: of the zones that cover a path, the owner is that of a zone that no other owner's zone is inside."""
    crew.store.write(lambda tx: tx.run("delete from zones"))
    kept = []
    for owner, text in wanted:
        try:
            assign(crew, owner, text, nested=True)
        except ZonesOverlap:
            continue
        kept.append((owner, patterns.parse(text)))
    deep = [f"{one}/{two}" for one in PATHS for two in ("x", "a", "b/x")] + PATHS

    def files_of(pattern):
        return {path for path in deep if pattern.matches(path)}

    for path in PATHS:
        found = whose(crew, path)
        covering = [(owner, pattern) for owner, pattern in kept if pattern.matches(path)]
        assert (found is None) == (not covering)
        if found:
            mine = files_of(patterns.parse(found[0]))
            for owner, pattern in covering:
                assert owner == found[1] or mine <= files_of(pattern), (path, found, pattern.text)


# -- one repository ----------------------------------------------------------------------------------------------------


def test_a_zone_counts_in_every_worktree_and_in_every_clone_with_the_same_origin(crew):
    assign(crew, "bob", "src/", place=CLONE)
    far = Place("h2", "/home/x/shop/.git", URL)
    assert whose(crew, "src/a", CLONE, worktree="/shop-fix") == ("src/", "bob")
    assert whose(crew, "src/a", far, worktree="/home/x/shop", host="h2") == ("src/", "bob")
    for other in (SHOP, Place("h", "/blog/.git", None), Place("h", "/shop/.git", f"{URL}2")):
        assert whose(crew, "src/a", other) is None
    with pytest.raises(ZonesOverlap):
        assign(crew, "carol", "src/", place=far)
    assert whose(crew, "src/a", CLONE, team="other") is None


def test_without_an_origin_the_path_and_the_machine_count(crew):
    assign(crew, "bob", "src/")
    assert whose(crew, "src/a") == ("src/", "bob")
    assert whose(crew, "src/a", CLONE) == ("src/", "bob")  # an origin was added since
    assert whose(crew, "src/a", host="h2") is None


def test_without_git_a_zone_counts_in_the_folders_below(crew):
    notes = Place("h", "/notes", None)
    assign(crew, "bob", "work/", place=notes)
    below = File("h", "/notes/work/deep", "/notes/work/deep", "a.txt", "a.txt")
    beside = File("h", "/notes/play", "/notes/play", "a.txt", "a.txt")

    def look(one):
        return crew.store.read(lambda tx: zones.owner(tx, "crew", one))

    assert look(below).pattern == "work/"
    assert look(beside) is None


class Project:
    """A project of which the store knows."""

    here, name, team, stamp = "/shop", "shop", "crew", "1"

    def __init__(self, path, remote=None) -> None:
        self.path, self.remote = path, remote
        self.top = path.removesuffix("/.git")

    def worktrees(self):
        return ()

    def was_at(self, path):
        return True

    def is_gone(self, path):
        return True


def claim(crew, project):
    return crew.store.write(lambda tx: teams.claim(tx, "h", project))


def test_zones_follow_a_project_that_moves_or_gets_another_origin(crew):
    assert claim(crew, Project("/shop/.git")) == "crew"
    assign(crew, "bob", "src/")
    claim(crew, Project("/new/.git"))
    assert whose(crew, "src/a", Place("h", "/new/.git", None)) == ("src/", "bob")
    claim(crew, Project("/new/.git", URL))
    assert crew.rows("select host, repository from zones") == [{"host": "", "repository": KNOWN_AS}]
    changed = Place("h", "/new/.git", f"{URL}2")
    assert whose(crew, "src/a", changed) == ("src/", "bob")  # before xats records the new origin
    with pytest.raises(ZonesOverlap):
        assign(crew, "carol", "src/", place=changed)
    claim(crew, Project("/new/.git", f"{URL}2"))
    assert whose(crew, "src/a", Place("h2", "/x", f"{URL}2"), host="h2") == ("src/", "bob")
    claim(crew, Project("/new/.git"))
    assert crew.rows("select host, repository from zones") == [{"host": "h", "repository": "/new/.git"}]


def test_zones_stay_with_an_origin_that_another_clone_has(crew):
    claim(crew, Project("/shop/.git", URL))
    insert = "insert into projects (host, path, remote, team, created_at) values ('h2', '/x/.git', :url, 'crew', 1)"
    crew.store.write(lambda tx: tx.run(insert, url=URL))
    assign(crew, "bob", "src/", place=CLONE)
    claim(crew, Project("/shop/.git", f"{URL}2"))
    assert [row["repository"] for row in crew.rows("select repository from zones")] == [KNOWN_AS]


# -- locks -------------------------------------------------------------------------------------------------------------


def test_a_lock_in_the_zone_of_another_is_refused_with_zone_and_owner(crew):
    from xats.core.locks import locks

    assign(crew, "bob", "src/")
    with pytest.raises(
        ZoneTaken, match=r"src/a is in the zone src/ of bob, and 1 more .* Nothing was locked"
    ) as problem:
        crew.do("alice", locks.take, [file("b"), file("src/a"), file("src/b")])
    assert problem.value.hint == "ask the owner: xats send bob 'May I change src/a?'"
    assert "steal" not in problem.value.hint
    assert problem.value.data == {"zone": "src/", "owner": "bob", "paths": ["src/a", "src/b"]}
    assert crew.rows("select * from locks") == []
    crew.do("bob", locks.take, [file("src/a")])


def test_a_lock_that_is_held_can_be_renewed_after_another_got_the_zone(crew):
    from xats.core.locks import locks

    crew.do("alice", locks.take, [file("src/a")])
    assign(crew, "bob", "src/")
    crew.do("alice", locks.take, [file("src/a")])
    with pytest.raises(ZoneTaken):
        crew.do("alice", locks.take, [file("src/a"), file("src/b")])


# -- drop --------------------------------------------------------------------------------------------------------------


def test_the_owner_who_assigned_it_and_a_person_may_drop_a_zone(crew):
    crew.add("dave", client="human")
    for by in ("bob", "alice", "dave"):
        assign(crew, "bob", "src/")
        with pytest.raises(NotYourZone, match="bob has the zone src/, and alice assigned it"):
            drop(crew, "src/", by="carol")
        (gone,) = drop(crew, "./src/", by=by)
        assert (gone.pattern, crew.rows("select * from zones")) == ("src/", [])
    assert [actor for actor, *_ in events(crew, "zone_dropped")] == ["bob", "alice", "dave"]
    assert [subject for _, subject, _ in mail(crew, "bob")].count("a zone of bob ended") == 2
    assign(crew, "role:backend", "db/")
    drop(crew, "db/", by="carol")


def test_drop_by_pattern_and_owner(crew):
    assign(crew, "bob", "a/", "b/")
    assign(crew, "bob", "a/", place=Place("h", "/blog/.git", None))
    assign(crew, "carol", "c/")
    for words, of in ((("a/", "z/"), None), (("c/",), "bob"), ((), "alice")):
        with pytest.raises(UnknownZone):
            drop(crew, *words, of=of)
    assert len(crew.rows("select * from zones")) == 4
    assert [zone.pattern for zone in drop(crew, "b/", of="bob")] == ["b/"]
    crew.do("bob", registration.unregister)
    assert [zone.pattern for zone in drop(crew, of="bob")] == ["a/", "a/"]
    assert [row["pattern"] for row in crew.rows("select pattern from zones")] == ["c/"]


# -- agents and teams --------------------------------------------------------------------------------------------------


def test_the_zone_of_an_agent_that_left_waits_for_its_return(crew):
    assign(crew, "carol", "src/")
    assign(crew, "bob", "src/auth/", nested=True)
    crew.do("bob", registration.unregister)
    assert whose(crew, "src/auth/a") == ("src/", "carol")
    with pytest.raises(ZonesOverlap, match="bob, who has left the team"):
        assign(crew, "alice", "src/auth/", nested=True)
    crew.add("bob")
    assert whose(crew, "src/auth/a") == ("src/auth/", "bob")


def test_a_zone_follows_the_name_of_its_agent_and_ends_with_it(crew):
    assign(crew, "bob", "src/")
    crew.do("bob", lambda tx, me: agent_changes.rename(tx, me, me, "robert"))
    assert whose(crew, "src/a") == ("src/", "robert")
    crew.do("robert", lambda tx, me: agent_changes.forget(tx, me, me))
    assert crew.rows("select * from zones") == []


def test_zones_follow_a_team_that_is_renamed_and_end_with_one_that_is_forgotten(crew):
    crew.store.write(lambda tx: teams.ensure(tx, "crew"))
    assign(crew, "bob", "src/")
    crew.store.write(lambda tx: changes.rename(tx, "me", "crew", "staff"))
    assert whose(crew, "src/a", team="staff") == ("src/", "bob")
    crew.store.write(lambda tx: changes.forget(tx, "me", "staff", lambda _: False, force=True))
    assert crew.rows("select * from zones") == []


def test_a_merge_keeps_the_zones_of_both_teams(crew):
    for name in ("crew", "other"):
        crew.store.write(lambda tx, name=name: teams.ensure(tx, name))
    crew.register("erin", team="other", client="generic")
    erin = crew.agent("erin", "other")
    assign(crew, "bob", "src/", "lib/")
    crew.store.write(lambda tx: zones.assign(tx, erin, "erin", SHOP, ["src/", "doc/"]))
    crew.store.write(lambda tx: merge.merge(tx, "me", "crew", "other", None))
    found = {path: whose(crew, path, team="other") for path in ("src/a", "lib/a", "doc/a")}
    assert found == {"src/a": ("src/", "erin"), "lib/a": ("lib/", "bob"), "doc/a": ("doc/", "erin")}


# -- cost --------------------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
def test_a_check_reads_only_the_zones_that_can_match(crew):
    assign(crew, "bob", *(f"src/area{number}/" for number in range(10)))
    sql = zones.CANDIDATES.format(keys=":k0, :k1")
    values = {
        "team": "crew",
        "host": "h",
        "path": "/shop/.git",
        "remote": None,
        "before": None,
        "k0": "src",
        "k1": "src/area5",
    }
    plan = crew.rows(f"explain query plan {sql}", **values)
    assert any("USING INDEX zones_prefix (team=? AND prefix=?)" in row["detail"] for row in plan), plan
    assert not any(row["detail"].startswith("SCAN") for row in plan), plan


def test_a_check_imports_no_regular_expressions():
    """They cost each hook some ms."""
    script = """
import sys
from xats.core.zones import patterns, zones
assert patterns.parse("src/[ab]*.py").matches("src/a.py")
assert "re" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
