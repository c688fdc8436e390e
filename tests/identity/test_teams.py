"""Which team a project has: the first one of a name gets it, and it keeps it."""

from __future__ import annotations

from collections import Counter

import pytest

from xats.base.errors import UnknownAgent, UnknownRecipient
from xats.base.record import record
from xats.core.address import LONGEST
from xats.core.agents import agents
from xats.core.teams import merge, teams
from xats.identity.circumstances import Circumstances

HOST, OTHER = "h1+0123456789abcdef", "h1+fedcba9876543210"


@record
class Place:
    """A project as the store sees it."""

    path: str
    here: str
    name: str
    stamp: str | None = None
    remote: str | None = None
    team: str | None = None
    trees: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()

    @property
    def top(self):
        return self.here

    def worktrees(self):
        return iter(self.trees)

    def was_at(self, path):
        return path in (*self.gone, *self.same_as)

    def is_gone(self, path):
        return path in self.gone


def place(folder: str, **values) -> Place:
    top = f"/home/kim/{folder}"
    return Place(**{"path": f"{top}/.git", "here": top, "name": folder.rpartition("/")[2], **values})


@pytest.fixture
def claim(store):
    return lambda *words, host=HOST, **values: store.write(lambda tx: teams.claim(tx, host, place(*words, **values)))


@pytest.fixture
def of(store):
    return lambda *words, host=HOST, **values: store.read(lambda tx: teams.of(tx, host, place(*words, **values)))


@pytest.fixture
def told(store):
    """Take what a team is to be told."""
    return lambda team: store.write(lambda tx: teams.take_notices(tx, team))


def test_the_first_project_with_a_name_gets_it(claim, of, told):
    assert claim("work/api") == "api"
    assert (of("oss/api"), claim("oss/api"), of("oss/api")) == ("api-2", "api-2", "api-2")
    assert claim("old/api") == "api-3"
    assert claim("work/api") == "api"
    assert told("api") == ()
    assert told("api-2") == (
        "team api belongs to another project (/home/kim/work/api), so this one is team api-2; "
        "another name: xats team rename api-2 NAME",
    )
    assert told("api-2") == ()


def test_a_file_names_a_team_that_is_free_or_of_the_same_repository(claim, of, told):
    url = "https://example.org/shop.git"
    assert (of("work/api", team="shop"), claim("work/api", team="shop", remote=url)) == ("shop", "shop")
    assert told("shop") == ()
    assert claim("src/back", team="shop", remote=url, host=OTHER, stamp="9:c") == "shop"
    assert claim("work/api", team="other") == "shop"  # it counts for a new project alone


@pytest.mark.parametrize("remote", [None, "https://example.org/trap.git"])
def test_a_file_leads_nobody_into_the_team_of_another_repository(claim, told, remote):
    claim("work/shop", remote="https://example.org/shop.git")
    assert claim("work/trap", team="shop", remote=remote) == "trap"
    assert told("trap") == (
        "xats.toml names team shop, which belongs to another project, so this one is team trap; "
        "to join it: xats team adopt shop",
    )
    assert claim("work/gone", team="x.forgotten") == "gone"


def test_a_machine_of_the_same_store_has_projects_of_its_own(claim):
    assert claim("api", stamp="7:a") == "api"
    assert claim("api", stamp="8:b", host=OTHER) == "api-2"
    assert claim("api", stamp="9:c") == "api"


@pytest.mark.parametrize("stamp", ["7:a", None])
def test_a_machine_whose_id_is_another_one_after_a_boot_keeps_its_projects(store, claim, of, rows, stamp):
    """As in an image of a container without a machine id."""
    claim("web")
    claim("api", stamp=stamp)
    store.write(lambda tx: teams.join(tx, HOST, place("api"), "web"))
    assert of("api", stamp=stamp, host=OTHER) == "api"
    assert claim("api", stamp=stamp, host=OTHER) == "api"
    assert [row["host"] for row in rows("select host from projects order by id")] == [HOST, OTHER]
    assert store.read(lambda tx: teams.owner_path(tx, OTHER, place("api"), "web")) is None


def test_looking_records_nothing(of, rows):
    assert of("api") == "api"
    assert rows("select * from projects") == rows("select * from teams") == []


def test_a_team_without_a_project_belongs_to_the_first_one_of_its_name(team, claim, of):
    team.register("bob", "api")
    assert of("work/api") == "api"
    assert claim("work/api") == "api"
    assert claim("oss/api") == "api-2"


def test_a_number_that_is_taken_is_passed_over(team, claim):
    team.register("bob", "api-2")
    assert claim("work/api") == "api"
    assert claim("oss/api") == "api-3"


FOLDERS = ("work/api", "oss/api", "a" * 70, "b/" + "a" * 70, "Größe", "work/web", "work/…")


def test_the_quick_answer_names_every_team_that_a_project_gets(team, store, claim, of):
    team.register("bob", "api-2")
    team.register("kim", "gr--e")
    for folder in FOLDERS:
        for values in ({}, {"team": "shop"}, {"gone": ("/home/kim/work/api/.git",), "stamp": "7:a"}):
            found = place(f"new/{folder}", **values)
            got = of(f"new/{folder}", **values)
            assert store.read(lambda tx, got=got, found=found: teams.may_belong(tx, got, found)), (folder, values)
        claim(folder, stamp="7:a" if folder == "work/api" else None)
    assert not store.read(lambda tx: teams.may_belong(tx, "t", place("new/api")))


def test_an_agent_of_another_team_does_not_look_at_the_stamp_of_the_project(store, rows):
    """It can cost more than the rest of the command: see `xats.base.birth`."""

    class Stampless:
        def __getattr__(self, name):
            assert name != "stamp"
            return getattr(place("new/api"), name)

    here = Circumstances({"XATS_TEAM": "t"})
    here._project = (Stampless(),)
    store.write(lambda tx: here.claim(tx, "t"))
    assert rows("select * from projects") == []


def test_a_name_that_a_team_had_is_not_given_again(store, claim):
    claim("work/api")
    rename(store, "api", "store-api")
    assert claim("oss/api") == "api-2"
    assert claim("work/api") == "store-api"


def rename(store, old: str, new: str) -> None:
    def work(tx) -> None:
        teams.ensure(tx, new)
        tx.run("update projects set team = :new where team = :old", new=new, old=old)
        tx.run("update agents set team = :new where team = :old", new=new, old=old)
        tx.run("update teams set moved_to = :new where name = :old", new=new, old=old)

    store.write(work)


def test_an_archived_team_without_a_project_is_not_taken_up(store, team, claim):
    team.register("bob", "api")
    store.write(lambda tx: tx.run("update teams set archived_at = 1"))
    assert claim("api") == "api-2"


def test_the_longest_name_leaves_room_for_a_number(claim):
    long = "a" * 70
    names = [claim(f"{number}/{long}") for number in range(12)]
    assert names[:2] == ["a" * LONGEST, "a" * (LONGEST - 2) + "-2"]
    assert len(set(names)) == 12
    assert {len(name) for name in names} == {LONGEST}


@pytest.mark.parametrize(
    "name, earlier, now", [("naïve-café", "na-ve-caf", "naive-cafe"), ("Ångström", "ngstr-m", "angstrom")]
)
def test_a_name_with_accents_keeps_the_team_of_an_earlier_release(team, claim, name, earlier, now):
    team.register("bob", earlier)
    assert claim(f"a/{name}") == earlier
    assert claim(f"b/{name}") == now


def test_a_name_without_ascii_never_means_a_shared_team(claim):
    names = [claim("项目"), claim("ελληνικά"), claim("b/项目")]
    assert names == ["project-47c4", "project-8ba2", "project-47c4-2"]


# -- moved and cloned --------------------------------------------------------------------------------------------------


def test_a_repository_that_was_moved_keeps_its_team(claim, of, told, rows):
    claim("api", stamp="7:a")
    old = "/home/kim/api/.git"
    assert of("shop", stamp="7:a", gone=(old,)) == "api"
    assert rows("select path from projects") == [{"path": old}]
    assert claim("shop", stamp="7:a", gone=(old,)) == "api"
    assert rows("select path from projects") == [{"path": "/home/kim/shop/.git"}]
    assert told("api") == ("this project was moved from /home/kim/api to /home/kim/shop; it keeps its team api",)
    assert claim("api", stamp="8:b") == "api-2"


def test_a_repository_that_is_still_there_was_not_moved(claim):
    claim("api", stamp="7:a")
    assert claim("copy", stamp="7:a") == "copy"


def test_the_same_folder_by_another_path_has_the_same_team(claim, told, rows):
    """As in a container, into which the folder is mounted elsewhere."""
    claim("api", stamp="7:a")
    assert claim("workspace", stamp="7:a", same_as=("/home/kim/api/.git",)) == "api"
    assert rows("select path from projects") == [{"path": "/home/kim/api/.git"}]
    assert told("api") == ()


def test_another_repository_at_the_same_path_is_the_same_project(claim, rows):
    claim("api", stamp="7:a")
    assert claim("api", stamp="9:c", remote="r") == "api"
    assert rows("select file_id, remote from projects") == [{"file_id": "9:c", "remote": "r"}]


def test_a_folder_keeps_its_team_when_it_becomes_a_repository_and_when_it_is_none_any_more(claim, of, told, rows):
    plain = {"path": "/home/kim/notes", "gone": ("/home/kim/notes/.git",)}
    assert claim("notes", **plain) == "notes"
    assert (of("notes", stamp="7:a"), claim("notes", stamp="7:a")) == ("notes", "notes")
    assert rows("select path, file_id from projects") == [{"path": "/home/kim/notes/.git", "file_id": "7:a"}]
    assert (of("notes", **plain), claim("notes", **plain)) == ("notes", "notes")
    assert rows("select path, file_id from projects") == [{"path": "/home/kim/notes", "file_id": None}]
    assert told("notes") == ()


def test_a_team_that_a_project_joined_and_that_becomes_its_own_is_not_joined_any_more(store, claim, of):
    claim("api"), claim("web")
    store.write(lambda tx: teams.join(tx, HOST, place("web"), "api"))
    store.write(lambda tx: merge.merge(tx, "carol", "web", "api", None))
    assert of("web") == "api"
    assert store.read(lambda tx: tx.all("select * from project_teams")) == []


def test_a_project_that_was_moved_has_still_joined_what_it_had(store, claim):
    claim("api")
    claim("web", stamp="7:a")
    store.write(lambda tx: teams.join(tx, HOST, place("web"), "api"))
    claim("shop", stamp="7:a", gone=("/home/kim/web/.git",))
    assert store.read(lambda tx: teams.owner_path(tx, HOST, place("shop"), "api")) is None


def test_a_clone_has_a_team_of_its_own_and_is_told_how_to_merge(claim, told):
    url = "https://example.org/shop.git"
    assert claim("a/shop", remote=url) == "shop"
    assert claim("b/shop", remote=url) == "shop-2"
    (text,) = told("shop-2")
    assert "another clone of https://example.org/shop.git is team shop (/home/kim/a/shop)" in text
    assert "xats team merge shop-2 shop" in text
    assert claim("c/other", remote=url) == "other"
    assert "xats team merge other shop" in told("other")[0]


def still_in(former: str, team: str) -> str:
    return f"agents of this project are still in team {former}: xats team merge {former} {team}"


def test_agents_in_the_teams_of_worktrees_are_told_how_to_merge(team, claim, told):
    for name in ("shop-fix", "login", "project-of-another"):
        team.register("bob", name)
    claim("project-of-another")
    trees = tuple(f"/wt/{name}" for name in ("shop-fix", "login", "unused", "project-of-another"))
    assert claim("shop", trees=trees) == "shop"
    texts = [
        f"agents of this project are still in team {one}: xats team merge {one} shop" for one in ("shop-fix", "login")
    ]
    assert told("shop") == tuple(texts)
    assert told("shop-fix") == (texts[0],)
    assert told("login") == (texts[1],)


def test_what_was_in_the_team_default_is_named_to_its_project(team, claim, told):
    team.register("bob", "default")
    assert claim("项目") == "project-47c4"
    assert told("project-47c4") == (still_in("default", "project-47c4"),)


# -- names that were renamed -------------------------------------------------------------------------------------------


def test_an_old_name_leads_to_the_team_of_today(store, team):
    team.register("bob", "api")
    team.register("ann", "web")
    rename(store, "api", "shop")
    rename(store, "shop", "store")
    assert store.read(lambda tx: teams.current(tx, "api")) == "store"
    assert store.read(lambda tx: teams.current(tx, "web")) == "web"
    assert store.read(lambda tx: teams.current(tx, "never")) == "never"
    assert store.read(lambda tx: agents.by_name(tx, "api", "bob")).address == "bob@store"
    ann = team.agent("ann", "web")
    sent = store.write(lambda tx: messages_send(tx, ann, "bob@api"))
    assert list(sent.recipients) == ["bob@store"]
    sent = store.write(lambda tx: messages_send(tx, ann, "all@shop"))
    assert list(sent.recipients) == ["bob@store"]


def messages_send(tx, me, address):
    from xats.core.mail.sending import Draft, send

    return send(tx, me, "pane", Draft(address, "text"))


# -- the team of another project ---------------------------------------------------------------------------------------


def test_joining_is_asked_until_it_is_recorded(store, team, claim):
    claim("api")
    team.register("bob", "free")
    web = place("web")

    def host_of(name):
        return store.read(lambda tx: teams.owner_path(tx, HOST, web, name))

    assert host_of("api") == "/home/kim/api/.git"
    assert [host_of(name) for name in ("web", "free", "never")] == [None, None, None]
    store.write(lambda tx: teams.join(tx, HOST, web, "api"))
    assert host_of("api") is None
    assert store.read(lambda tx: teams.owner_path(tx, HOST, place("third"), "api")) == "/home/kim/api/.git"
    assert claim("web") == "web"


# -- where an agent is -------------------------------------------------------------------------------------------------


def test_a_refusal_says_in_which_team_the_agent_is(store, team, claim):
    url = "https://example.org/shop.git"
    claim("a/shop", remote=url)
    claim("b/shop", remote=url)
    me = team.register("me", "shop-2").details.agent
    for name in ("other", "shop"):
        team.register("ann", name)
    team.register("bob", "other")
    team.register("cat", "shop")
    for name, said, hint in (
        ("ann", "There is no agent ann in team shop-2; ann is in the teams shop, other. Nothing was sent.", "ann@shop"),
        ("bob", "There is no agent bob in team shop-2; bob is in team other. Nothing was sent.", "bob@other"),
        (
            "cat",
            "There is no agent cat in team shop-2; cat is in team shop (same repository). Nothing was sent.",
            "cat@shop",
        ),
    ):
        with pytest.raises(UnknownRecipient) as caught:
            store.write(lambda tx, name=name: messages_send(tx, me, name))
        assert (str(caught.value), caught.value.hint) == (said, f"did you mean {hint}?")
        with pytest.raises(UnknownAgent) as unknown:
            store.read(lambda tx, name=name: agents.by_name(tx, "shop-2", name))
        assert hint in unknown.value.hint


def test_the_team_of_a_worktree_before_is_of_the_same_repository(store, team, claim):
    team.register("ann", "shop-fix")
    team.register("cat", "shop")
    claim("shop", trees=("/wt/shop-fix",))
    for name, mine, other in (("ann", "shop", "shop-fix"), ("cat", "shop-fix", "shop")):
        found = store.read(lambda tx, name=name, mine=mine: teams.elsewhere(tx, name, mine))
        assert (found.teams, found.same) == ((other,), True)


# -- many --------------------------------------------------------------------------------------------------------------


class Counted:
    """A transaction that counts its statements."""

    def __init__(self, tx) -> None:
        self.tx, self.calls = tx, Counter()

    def __getattr__(self, name):
        if name in ("one", "all", "run", "many"):
            self.calls[name] += 1
        return getattr(self.tx, name)


def test_two_hundred_projects_cost_no_more_statements_than_one(store, claim):
    def statements(folder) -> int:
        def look(tx):
            counted = Counted(tx)
            teams.of(counted, HOST, place(folder, stamp="7:a"))
            teams.notices(counted, "api")
            teams.current(counted, "api")
            return sum(counted.calls.values())

        return store.read(look)

    claim("0/api", stamp="7:a")
    known, unknown = statements("0/api"), statements("new/api")
    for number in range(1, 200):
        claim(f"{number}/api", stamp=f"{number}:b")
    assert statements("0/api") == known == 3
    assert statements("150/api") == known
    assert statements("new/api") == unknown


@pytest.mark.sqlite
def test_the_statements_of_a_hot_verb_use_an_index(rows, claim):
    claim("api")
    for sql in (teams.BY_PATH, teams.BY_STAMP, teams.MOVED_TO, teams.NOTICES):
        values = {name: "x" for name in ("host", "path", "stamp", "name", "team") if f":{name}" in sql}
        plan = [row["detail"] for row in rows(f"explain query plan {sql}", **values)]
        assert not [step for step in plan if step.startswith("SCAN")], plan
