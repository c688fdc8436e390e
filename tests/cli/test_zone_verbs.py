"""The verbs of zones, as processes."""

from __future__ import annotations

import json
import os

import pytest

from tests.support.yard import git


@pytest.fixture
def shop(xats):
    """A repository with two agents, and one with the role backend; `shop("bob", "zone", ...)` runs xats as bob."""
    git("init", "-q", xats.folder)
    (xats.folder / "src" / "auth").mkdir(parents=True)
    for name, role in (("alice", ()), ("bob", ()), ("carol", ("--role", "backend"))):
        xats("register", name, "--no-pane", "--client", "generic", *role)

    def run(name, *words, **options):
        return xats(*words, env={"XATS_AGENT": name}, **options)

    return run


def zones_of(ran) -> list[tuple]:
    return [(one["pattern"], one["owner"]) for one in json.loads(ran.stdout)["zones"]]


def error(ran) -> dict:
    return json.loads(ran.stderr)["error"]


def test_assign_list_check_and_drop(xats, shop):
    done = shop("alice", "zone", "assign", "bob", "src/auth/")
    assert (done.stdout, done.stderr) == ("bob has the zone src/auth/\n", "")
    assert shop("alice", "zone", "assign", "bob", "src/auth/").stdout == "bob has the zone src/auth/ already\n"
    assert shop("bob", "inbox", "--quiet").stdout.count("src/auth/") == 1
    assert shop("alice", "zone", "list").stdout.startswith("src/auth/\tbob\talice\t")
    path = "src/auth/login.py"
    assert shop("bob", "zone", "check", path).stdout == f"{path} is in your zone src/auth/ of bob\n"
    assert shop("alice", "zone", "check", path, code=4).stdout == f"{path} is in the zone src/auth/ of bob\n"
    assert shop("alice", "zone", "check", "src/auth", code=4).stdout == "src/auth is in the zone src/auth/ of bob\n"
    assert shop("alice", "zone", "check", "a").stdout == "a is in no zone\n"
    assert shop("carol", "zone", "drop", "src/auth/", code=4).stderr.startswith("xats: bob has the zone src/auth/, and")
    assert shop("alice", "zone", "drop", "src/auth/").stdout == "dropped the zone src/auth/ of bob\n"
    assert shop("alice", "zone", "list").stderr.startswith("no zones in team crew")


def test_json(shop):
    done = shop("alice", "zone", "assign", "role:backend", "src/", "*.sql", "--json")
    assert [(one["pattern"], one["owner"], one["created"]) for one in json.loads(done.stdout)["zones"]] == [
        ("src/", "role:backend@crew", True),
        ("*.sql", "role:backend@crew", True),
    ]
    assert zones_of(shop("bob", "zone", "list", "--json", "-n", "1")) == [("*.sql", "role:backend@crew")]
    found = json.loads(shop("carol", "zone", "check", "src/a", "--json").stdout)
    assert (found["path"], found["zone"]["pattern"], found["mine"]) == ("src/a", "src/", True)
    assert json.loads(shop("carol", "zone", "check", "a", "--json").stdout)["zone"] is None
    assert zones_of(shop("carol", "zone", "drop", "--of", "role:backend", "--json")) == [
        ("*.sql", "role:backend@crew"),
        ("src/", "role:backend@crew"),
    ]


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("assign", "bob", "!src/"), 2, "invalid_pattern"),
        (("assign", "bob", "../src"), 2, "invalid_pattern"),
        (("assign", "bob", "src/"), 4, "zones_overlap"),
        (("assign", "bob", "src/auth/"), 4, "zones_overlap"),
        (("assign", "bob", "*.sql", "--nested"), 4, "zones_overlap"),
        (("assign", "nobody", "lib/"), 3, "unknown_agent"),
        (("assign", "all", "lib/"), 2, "invalid_name"),
        (("assign", "bob@other", "lib/"), 2, "usage"),
        (("drop", "lib/"), 3, "unknown_zone"),
        (("drop", "--of", "bob"), 3, "unknown_zone"),
        (("drop",), 2, "usage"),
        (("drop", "src/"), 4, "not_your_zone"),
        (("check", "."), 2, "bad_path"),
        (("check", ""), 2, "bad_path"),
        (("list", "-n", "0"), 2, "usage"),
    ],
)
def test_errors_have_a_code_and_a_way_out(shop, words, code, name):
    shop("carol", "zone", "assign", "carol", "src/")
    found = error(shop("alice", "zone", *words, "--json", code=code))
    assert found["code"] == name
    assert found["hint"]


def test_a_pattern_begins_at_the_top_wherever_one_is(xats, shop):
    inside = str(xats.folder / "src")
    done = shop("alice", "zone", "assign", "bob", "auth/", cwd=inside)
    assert "a pattern begins at the top of the repository: did you mean src/auth?" in done.stderr
    assert "no file is at lib yet" in shop("alice", "zone", "assign", "bob", "lib/").stderr
    done = shop(
        "alice", "zone", "assign", "bob", f"{xats.folder}/src/auth/", f"{xats.folder}/*.md", "--json", cwd=inside
    )
    assert zones_of(done) == [("src/auth/", "bob@crew"), ("/*.md", "bob@crew")]
    assert shop("alice", "zone", "check", "auth/a", cwd=inside, code=4).stdout.startswith("src/auth/a is in the zone")


def test_a_zone_counts_in_a_worktree_and_in_a_clone(xats, shop):
    git("remote", "add", "origin", "https://example.org/shop.git", cwd=xats.folder)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=xats.folder)
    tree, clone = str(xats.folder.parent / "fix"), str(xats.folder.parent / "clone")
    git("worktree", "add", "-q", "-b", "fix", tree, cwd=xats.folder)
    git("clone", "-q", xats.folder, clone)
    git("remote", "set-url", "origin", "https://me:secret@example.org/shop.git", cwd=clone)
    shop("alice", "zone", "assign", "bob", "src/", cwd=tree)
    for top in (str(xats.folder), tree, clone):
        found = shop("alice", "zone", "check", os.path.join(top, "src", "a"), code=4).stdout
        assert found == "src/a is in the zone src/ of bob\n"
    assert "secret" not in shop("alice", "zone", "list").stdout


def test_of_processes_that_assign_one_area_to_different_owners_one_succeeds(xats, shop):
    owners = ["alice", "bob", "carol", "role:backend"] * 2
    patterns = ["src/", "src/auth/", "src/**", "src", "src/*", "src/a*/", "/src/", "src/auth"]
    running = [
        xats.start("zone", "assign", owner, pattern, env={"XATS_AGENT": "alice"})
        for owner, pattern in zip(owners, patterns, strict=True)
    ]
    codes = [xats.end(one).code for one in running]
    assert set(codes) <= {0, 4}
    kept = {owner for _, owner in zones_of(shop("alice", "zone", "list", "--json"))}
    assert len(kept) == 1
    assert codes.count(0) >= 1


def test_a_role_without_an_agent_is_allowed_with_a_remark(shop):
    assert "no agent has the role ops yet" in shop("alice", "zone", "assign", "role:ops", "src/").stderr
    shop("bob", "zone", "check", "src/a", code=4)


def test_a_zone_can_be_checked_and_listed_by_a_person_without_a_name(xats, shop):
    shop("alice", "zone", "assign", "bob", "src/")
    assert "zone src/ of bob" in xats("zone", "check", "src/a", code=4).stdout
    assert xats("zone", "list").stdout.startswith("src/\tbob")
    assert error(xats("zone", "check", "src/a", "--team", "nope", "--json", code=3))["code"] == "unknown_team"


def test_a_path_with_control_characters_is_shown_and_not_sent(shop):
    shop("alice", "zone", "assign", "bob", "src/")
    assert shop("alice", "zone", "check", "src/\x1b[31m", code=4).stdout.startswith("src/^[[31m is in")


def test_completion_offers_zones(xats, shop):
    shop("alice", "zone", "assign", "bob", "src/auth/", "src/*.py")
    found = xats("_complete", "zone", "src", env={"XATS_AGENT": "alice"}).stdout
    assert found == "src/auth/\tbob\n"


def test_a_zone_from_before_the_origin_counts_in_other_clones_and_its_owner_can_drop_it(xats, shop):
    shop("alice", "zone", "assign", "alice", "src/", "lib/")
    git("-C", xats.folder, "remote", "add", "origin", "https://example.org/shop.git")
    clone = xats.folder.parent / "clone"
    git("init", "-q", clone)
    git("-C", clone, "remote", "add", "origin", "git@example.org:shop")
    shop("bob", "zone", "assign", "bob", "src/", "--team", "crew", cwd=clone)
    done = shop("alice", "zone", "list")
    assert "src/ of alice means the same files as the zone src/ of bob" in done.stderr
    assert "xats zone drop src/ --of alice" in done.stderr
    assert shop("bob", "zone", "check", "lib/a", "--team", "crew", cwd=clone, code=4).stdout.endswith("of alice\n")
    assert shop("alice", "zone", "drop", "src/").stdout == "dropped the zone src/ of alice\n"
    assert "means the same files" not in shop("alice", "zone", "check", "lib/a").stderr
