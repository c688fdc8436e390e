"""`xats team`: what is shown, what is asked, who may, and what an agent that runs notices of a change."""

import contextlib
import json
import os
import signal

import pytest

from tests.cli.test_hook import asked
from tests.conftest import HOST
from xats.base import process
from xats.core.agents.agents import Seat
from xats.store.open import open_store


@pytest.fixture
def two(xats, crew):
    """The team `crew` and the team `fix`, of which dan has not read a letter."""
    crew.register("dan", team="fix", client="generic")
    crew.register("eve", team="fix", client="generic", role="dev")
    xats("send", "dan", "hello", "--as", "eve", "--team", "fix")
    return xats


def events(xats) -> list[tuple]:
    with contextlib.closing(open_store(xats.path)) as store:
        return store.read(lambda tx: [tuple(row) for row in tx.all("select * from events")])


def names(xats, *words) -> list[str]:
    return [one["name"] for one in xats("team", "list", "--json", *words).json()["teams"]]


def document(xats, *words):
    """Run a verb of teams with --json; return what it printed."""
    return xats("team", *words, "--json").json()


# -- looking -----------------------------------------------------------------------------------------------------------


def test_teams_are_listed_with_what_belongs_to_each(two):
    rows = [line.split("\t") for line in two("team", "list").stdout.splitlines()]
    assert [(row[0], row[2], row[3], row[4]) for row in rows] == [("crew", "0", "0", "0"), ("fix", "1", "0", "0")]
    found = document(two, "list")
    assert [(one["name"], one["agents"], one["unread"]) for one in found["teams"]] == [("crew", 2, 0), ("fix", 2, 1)]


def test_the_unread_mail_of_agents_that_left_is_counted_apart(two):
    two("send", "eve", "hello", "--as", "dan@fix")
    two("unregister", "dan", "--as", "dan@fix")
    rows = [line.split("\t") for line in two("team", "list").stdout.splitlines()]
    assert [(row[0], row[2]) for row in rows] == [("crew", "0"), ("fix", "2 (1 of agents that left)")]
    listed = two("agents", "--team", "fix", "--json").json()["agents"]
    assert [(one["name"], one["unread"]) for one in listed] == [("eve", 1)]
    assert "2 unread letters (1 of agents that left), 0 open tasks" in two("team", "show", "fix").stdout
    assert document(two, "show", "fix")["team"]["unread"] == 2


MISTYPED = [
    ["inbox"],
    ["whoami"],
    ["wait"],
    ["status"],
    ["ack", "1"],
    ["send", "bob", "hi"],
    ["pause", "bob"],
    ["unregister", "bob"],
    ["agents"],
    ["team", "show"],
]


@pytest.mark.parametrize("words", MISTYPED, ids=" ".join)
@pytest.mark.parametrize("who", [[], ["--as", "alice"]], ids=["unknown", "as"])
def test_a_team_that_was_mistyped_is_named_with_the_near_one(two, words, who):
    error = two(*words, *who, "--team", "crwe", "--json", code=3).error()
    assert error["message"] == "No team is called crwe. Teams: crew, fix."
    assert error["hint"] == "did you mean crew?"


def test_a_terminal_gets_a_table(two):
    shown = two.on_terminal("team", "list", env={"NO_COLOR": "1"})
    assert shown.splitlines()[0].split() == ["TEAM", "AGENTS", "UNREAD", "TASKS", "CONTRACTS", "PROJECT"]


def test_an_empty_store_has_no_teams(xats):
    ran = xats("team", "list")
    assert (ran.stdout, ran.stderr) == ("", "no teams yet\n")


def test_a_team_is_shown_with_its_agents_and_former_names(two):
    two("team", "rename", "fix", "hotfix", "--yes")
    shown = two("team", "show", "hotfix").stdout.splitlines()
    assert shown[0].startswith("team hotfix: 2 agents")
    assert shown[1] == "  formerly fix"
    assert [line.split("\t")[0].strip() for line in shown[2:]] == ["dan", "eve"]
    found = document(two, "show", "hotfix")["team"]
    assert (found["former_names"], [one["name"] for one in found["members"]]) == (["fix"], ["dan", "eve"])


def test_my_team_is_shown_by_default(two):
    assert two("team", "show").stdout.startswith("team crew: 2 agents")
    assert two("team", "show", "--as", "dan@fix").stdout.startswith("team fix: 2 agents")


@pytest.mark.parametrize("verb", [["show"], ["archive"], ["forget"], ["rename", "more"], ["merge", "crew"]])
def test_a_team_that_does_not_exist_is_named_with_the_nearest(two, verb):
    word, *rest = verb
    error = two("team", word, "creww", *rest, "--json", *(["--yes"] if word != "show" else []), code=3).error()
    assert (error["code"], error["hint"]) == ("unknown_team", "did you mean crew?")


@pytest.mark.parametrize("name", ["..", "a b", "all", "x" * 65, "a/b"])
def test_an_invalid_name_is_refused(two, name):
    assert two("team", "rename", "fix", name, "--yes", "--json", code=2).error()["code"] == "invalid_name"


# -- who may, and what is asked ----------------------------------------------------------------------------------------

CHANGES = [
    ["rename", "fix", "hotfix"],
    ["merge", "fix", "crew"],
    ["archive", "fix"],
    ["forget", "fix", "--force"],
]


@pytest.mark.parametrize("words", CHANGES, ids=[words[0] for words in CHANGES])
def test_a_change_shows_counts_and_asks(two, words):
    shown = asked(two, "n", words=("team", *words))
    assert "team fix: 2 agents" in shown
    assert "1 unread letter, 0 open tasks, 0 contracts, 0 projects" in shown
    assert "[y/N]" in shown
    assert names(two) == ["crew", "fix"]
    assert "[y/N]" in asked(two, "y", words=("team", *words))
    assert names(two) != ["crew", "fix"]


@pytest.mark.parametrize("words", CHANGES, ids=[words[0] for words in CHANGES])
def test_nothing_changes_without_a_terminal_or_yes(two, words):
    error = two("team", *words, "--json", code=4).error()
    assert error["message"] == "Confirmation needed, but there is no terminal. Nothing was changed."
    assert error["hint"].endswith(f"team {' '.join(words)} --yes")
    assert names(two) == ["crew", "fix"]


@pytest.mark.parametrize("words", CHANGES, ids=[words[0] for words in CHANGES])
def test_a_dry_run_says_what_would_change_and_changes_nothing(two, words):
    before = events(two)
    found = document(two, *words, "--dry-run")
    assert (found["changed"], found["dry_run"], found["team"]["unread"]) == (False, True, 1)
    assert two("team", *words, "--dry-run").stdout.startswith("would ")
    assert events(two) == before


@pytest.mark.parametrize("words", CHANGES, ids=[words[0] for words in CHANGES])
def test_the_json_of_a_change_has_its_counts(two, words):
    found = document(two, *words, "--yes")
    assert (found["changed"], found["dry_run"], found["old_name"]) == (True, False, "fix")
    before = found["before"]
    assert (before["name"], before["agents"], before["unread"]) == ("fix", 2, 1)
    assert found["team"]["name"] == found["name"]


def test_the_json_of_a_change_has_the_team_as_it_is_now(two):
    assert document(two, "rename", "fix", "hotfix", "--yes")["team"]["name"] == "hotfix"
    assert document(two, "archive", "hotfix", "--force", "--yes")["team"]["archived_at"]
    assert document(two, "merge", "hotfix", "crew", "--yes")["team"]["former_names"] == ["fix", "hotfix"]
    freed = document(two, "forget", "fix", "--yes")
    assert (freed["team"]["name"], freed["old_name"], freed["team"]["former_names"]) == ("crew", "fix", ["hotfix"])
    gone = document(two, "forget", "crew", "--force", "--yes")
    assert (gone["team"]["name"], gone["team"]["agents"], gone["old_name"]) == ("crew.forgotten", 0, "crew")


@pytest.mark.parametrize("words", CHANGES, ids=[words[0] for words in CHANGES])
@pytest.mark.parametrize("who", [["--as", "alice"], []])
def test_an_agent_may_not_change_a_team(two, words, who):
    env = {} if who else {"CLAUDECODE": "1"}
    error = two("team", *words, "--yes", "--json", *who, env=env, code=4).error()
    assert (error["code"], error["hint"]) == ("people_only", "ask the person you work for to run it in a shell")
    assert names(two) == ["crew", "fix"]


def test_a_person_is_not_registered_by_changing_a_team(two, crew):
    two.on_terminal("team", "rename", "fix", "hotfix", "--yes")
    assert crew.rows("select name from agents where client = 'human'") == []


# -- rename and merge --------------------------------------------------------------------------------------------------


def test_a_letter_tells_of_a_rename_and_the_mail_is_still_there(two):
    assert two("team", "rename", "fix", "hotfix", "--yes").stdout == "team fix is team hotfix now\n"
    letters = two("inbox", "--as", "dan@hotfix", "--json").json()["messages"]
    assert [one["body"].split("\n")[0] for one in letters] == [
        "hello",
        "carol renamed team fix to hotfix. You are dan@hotfix.",
    ]
    assert two("reply", "1", "yes", "--as", "dan@hotfix", "--json").json()["recipients"] == ["eve@hotfix"]
    assert two("thread", "1", "--as", "eve@hotfix", "--json").json()["messages"][1]["body"] == "yes"
    types = [one["type"] for one in two("events", "--team", "hotfix", "--json").json()["events"]]
    assert types[:2] == ["agent_registered", "agent_registered"]
    assert "team_renamed" in types


def test_a_merge_says_who_has_the_same_name(two, crew):
    crew.register("bob", team="fix")
    error = two("team", "merge", "fix", "crew", "--yes", "--json", code=4).error()
    assert (error["code"], error["agents"]) == ("names_clash", ["bob"])
    found = document(two, "merge", "fix", "crew", "--suffix", "fix", "--dry-run")
    assert found["renamed"] == [{"agent": "bob-fix@crew", "old_address": "bob@fix"}]
    assert "bob@fix becomes bob-fix@crew" in two("team", "merge", "fix", "crew", "--suffix", "fix", "--dry-run").stderr
    assert two("team", "merge", "fix", "crew", "--suffix", "fix", "--yes").stdout == (
        "team fix is a part of team crew now\n"
    )
    assert {one["name"] for one in two("agents", "--json").json()["agents"]} >= {
        "alice",
        "bob",
        "bob-fix",
        "dan",
        "eve",
    }


def test_a_name_in_other_letters_is_the_same_team(two):
    assert document(two, "rename", "FIX", "HotFix", "--yes")["name"] == "hotfix"
    assert names(two) == ["crew", "hotfix"]


# -- archive and forget ------------------------------------------------------------------------------------------------


def test_an_archived_team_is_left_out_until_it_is_used_again(two):
    two("team", "archive", "fix", "--yes")
    assert (names(two), names(two, "--archived")) == (["crew"], ["crew", "fix"])
    assert two("team", "archive", "fix", "--yes").stdout == "team fix was already archived\n"
    assert two("team", "archive", "fix", "--undo").stdout == "team fix is listed again\n"
    assert two("team", "archive", "fix", "--undo").stdout == "team fix is not archived\n"
    two("team", "archive", "fix", "--yes")
    ran = two("register", "max", "--team", "fix", "--no-pane")
    assert "team fix was archived; it is listed again" in ran.stderr
    assert names(two) == ["crew", "fix"]


@pytest.mark.parametrize(
    "words",
    [["seat", "kim"], ["task", "add", "write the parser", "--as", "eve"], ["register", "kim", "--no-pane"]],
    ids=lambda words: words[0],
)
def test_an_archived_team_is_listed_again_once_work_is_given_to_it(two, words):
    two("team", "archive", "fix", "--yes")
    ran = two(*words, "--team", "fix")
    assert "team fix was archived; it is listed again" in ran.stderr
    assert names(two) == ["crew", "fix"]
    assert "archived" not in two("task", "list", "--team", "fix").stderr


def test_a_team_at_work_is_not_archived_or_forgotten(two, crew):

    running = two.start(command=["sleep", "60"])
    crew.register("max", team="fix", client="codex", seat=Seat(HOST, running.pid, process.started(running.pid)))
    for verb in ("archive", "forget"):
        error = two("team", verb, "fix", "--yes", "--json", code=4).error()
        assert (error["code"], error["agents"]) == ("team_in_use", ["max@fix"])
        assert error["hint"] == f"xats team {verb} fix --force"
    two("team", "archive", "fix", "--force", "--yes")
    assert names(two) == ["crew"]


def test_forgetting_says_what_became_of_everything(two):
    error = two("team", "forget", "fix", "--yes", "--json", code=4).error()
    assert (error["code"], error["unread"], error["open_tasks"]) == ("team_in_use", 1, 0)
    ran = two("team", "forget", "fix", "--force", "--yes")
    assert ran.stdout == (
        "team fix is forgotten; 1 unread letter is a dead letter; its history is in team fix.forgotten\n"
    )
    assert [
        one["message"]["id"] for one in two("dead", "list", "--team", "fix.forgotten", "--json").json()["dead"]
    ] == [1]
    two("register", "dan", "--team", "fix", "--no-pane")
    assert two("inbox", "--as", "dan@fix", "--all", "--json").json()["messages"] == []


def test_a_former_name_is_freed(two):
    two("team", "rename", "fix", "hotfix", "--yes")
    error = two("team", "rename", "crew", "fix", "--yes", "--json", code=4).error()
    assert error["hint"] == "to free the name: xats team forget fix"
    assert two("team", "forget", "fix", "--yes").stdout == "the name fix is free; it no longer leads to team hotfix\n"
    two("team", "rename", "crew", "fix", "--yes")
    assert names(two) == ["fix", "hotfix"]


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", CHANGES, ids=[words[0] for words in CHANGES])
@pytest.mark.parametrize("point, done", [("store.before_commit", False), ("store.after_commit", True)])
def test_a_change_that_is_killed_leaves_all_or_nothing(two, words, point, done):
    ran = two("team", *words, "--yes", env={"XATS_FAULT": point}, code=None)
    assert ran.code == -signal.SIGKILL
    assert (names(two) != ["crew", "fix"]) == done
    if not done:
        two("team", *words, "--yes")
        assert names(two) != ["crew", "fix"]


# -- agents that run ---------------------------------------------------------------------------------------------------


def me(xats, **env) -> str:
    found = xats("whoami", "--json", env=env).json()["agent"]
    return f"{found['name']}@{found['team']}"


@pytest.mark.parametrize("env", [{"XATS_TEAM": "fix", "XATS_AGENT": "dan"}, {"XATS_AGENT": "dan@fix"}])
def test_an_environment_with_the_old_name_goes_on_working(two, env):
    two("team", "rename", "fix", "hotfix", "--yes")
    assert me(two, **env) == "dan@hotfix"
    assert two("inbox", "--json", env=env).json()["messages"][0]["body"] == "hello"
    assert two("reply", "1", "yes", "--json", env=env).json()["recipients"] == ["eve@hotfix"]
    assert two("send", "eve@fix", "more", "--json", env=env).json()["recipients"] == ["eve@hotfix"]
    assert two("register", "dan", "--no-pane", "--json", env=env).json()["agent"]["team"] == "hotfix"
    assert [one["name"] for one in two("agents", "--json", env=env).json()["agents"]] == ["dan", "eve"]


def test_a_merge_names_the_zones_that_end(two, crew):
    two("zone", "assign", "me", "eq/", "old/", "--as", "eve@fix")
    two("zone", "assign", "me", "eq/*", "--as", "alice")
    (zone,) = document(two, "merge", "fix", "crew", "--dry-run")["ended_zones"]
    assert (zone["pattern"], zone["owner"]) == ("eq/", "eve@fix")
    said = "the zone eq/ of eve ends: team crew has one for the same files"
    assert said in two("team", "merge", "fix", "crew", "--yes").stderr
    assert two("zone", "check", "eq/a", "--as", "alice").stdout.endswith("is in your zone eq/* of alice\n")
    assert two("zone", "check", "old/a", "--as", "eve").stdout.endswith("is in your zone old/ of eve\n")


@pytest.mark.parametrize("env", [{"XATS_TEAM": "fix", "XATS_AGENT": "bob"}, {"XATS_AGENT": "bob@fix"}])
def test_an_agent_that_a_merge_has_renamed_is_never_taken_for_the_other_one(two, crew, env):
    crew.register("bob", team="fix")
    two("send", "bob", "for bob of fix", "--as", "eve@fix")
    two("send", "bob", "for bob of crew", "--as", "alice")
    two("team", "merge", "fix", "crew", "--suffix", "2", "--yes")
    assert me(two, **env) == "bob-2@crew"
    bodies = [one["body"].split("\n")[0] for one in two("inbox", "--json", env=env).json()["messages"]]
    assert bodies == [
        "for bob of fix",
        "carol merged team fix into team crew. You are bob-2@crew; you were bob@fix.",
    ]
    assert two("register", "bob", "--no-pane", "--json", env={"XATS_TEAM": "fix"}).json()["agent"]["name"] == "bob-2"
    assert two("send", "bob@fix", "hi", "--as", "alice", "--json").json()["recipients"] == ["bob-2@crew"]
    assert two("pause", "bob@fix", "--as", "alice", "--json").json()["pause"]["agent"] == "bob-2@crew"
    assert me(two, XATS_AGENT="bob", XATS_TEAM="crew") == "bob@crew"


def test_the_first_mail_by_a_name_that_a_merge_gave_to_another_agent_says_which_is_reached(two, crew):
    crew.register("bob", team="fix")
    two("send", "bob", "before", "--as", "eve@fix")
    two("team", "merge", "fix", "crew", "--suffix", "2", "--yes")
    said = "  bob is bob@crew; bob@fix is called bob-2 now\n"
    assert said in two("send", "bob", "first", "--as", "eve@crew").stderr
    for words in (["bob", "second"], ["bob@fix", "by the address"], ["dan", "hi"], ["BOB,dan", "hi", "--json"]):
        assert said not in two("send", *words, "--as", "eve@crew").stderr
    assert said in two("send", "dan,bob", "in a list", "--as", "eve@crew").stderr
    assert said in two("send", "bob", "from another sender", "--as", "alice").stderr


@pytest.mark.parametrize("after, removed", [("bob@fix", "bob-2"), ("dan@fix", "dan"), ("me", "alice")])
def test_an_agent_is_removed_by_the_address_that_it_had_before_a_merge(two, crew, after, removed):
    crew.register("bob", team="fix")
    two("team", "merge", "fix", "crew", "--suffix", "2", "--yes")
    me = removed if after == "me" else f"{removed}@crew"
    found = two("agent", "forget", after, "--yes", "--as", me, "--json").json()
    assert found["agent"] == {"name": removed, "team": "crew"}
    assert two("agent", "show", "bob", "--as", "bob@crew").stdout.startswith("bob ")


def test_an_address_of_before_a_merge_is_no_former_name(two, crew):
    crew.register("bob", team="fix")
    two("team", "merge", "fix", "crew", "--suffix", "2", "--yes")
    error = two("agent", "forget", "bob@fix", "--name-only", "--as", "bob-2@crew", "--json", code=4).error()
    assert error["message"] == "bob-2 is the present name of bob-2@crew, so --name-only frees nothing."
    renamed = two("agent", "rename", "bob@fix", "builder", "--as", "bob-2@crew", "--json").json()
    assert (renamed["old_name"], renamed["agent"]["name"]) == ("bob-2", "builder")
    error = two("agent", "forget", "bob@fxi", "--as", "alice", "--json", code=3).error()
    assert error["code"] == "unknown_team"


def test_a_hook_with_the_old_name_hands_over_the_mail_of_the_agent_that_was_renamed(two, crew):
    crew.register("bob", team="fix")
    two("send", "bob", "for bob of fix", "--as", "eve@fix")
    two("send", "bob", "for bob of crew", "--as", "alice")
    two("team", "merge", "fix", "crew", "--suffix", "2", "--yes")
    told = json.dumps({"hook_event_name": "SessionStart", "session_id": "s1", "source": "startup"})
    env = {"XATS_TEAM": "fix", "XATS_AGENT": "bob"}
    shown = two("hook", "run", "claude-code", stdin=told, env=env).stdout
    assert "You are bob-2@crew" in shown
    told = json.dumps({"hook_event_name": "UserPromptSubmit", "session_id": "s1", "prompt": "go on"})
    shown += two("hook", "run", "claude-code", stdin=told, env=env).stdout
    assert "for bob of fix" in shown
    assert "for bob of crew" not in shown


def test_a_pause_of_everybody_under_the_old_name_holds_the_team(two):
    two("team", "rename", "fix", "hotfix", "--yes")
    assert two("pause", "all@fix", "--as", "alice", "--json").json()["pause"]["team"] == "hotfix"


# -- adopt -------------------------------------------------------------------------------------------------------------


def folder(xats, name):
    path = xats.home / name
    path.mkdir(parents=True)
    return path


def projects(xats, team) -> list[str]:
    found = xats("team", "show", team, "--json").json()["team"]["projects"]
    return [os.path.relpath(one["path"], xats.home) for one in found]


@pytest.fixture
def moved(xats):
    """A project whose folder is gone, with an agent, and a folder of another name where it is now."""
    old = folder(xats, "shop")
    xats("register", "ann", "--no-pane", cwd=old)
    assert projects(xats, "shop") == ["shop"]
    old.rmdir()
    return folder(xats, "elsewhere/shop")


@pytest.mark.parametrize("which", ["shop", "../../shop", None])
def test_a_team_adopts_a_project_that_was_moved(xats, moved, which):
    ran = xats("team", "adopt", *([which] if which else []), "--yes", cwd=moved)
    assert ran.stdout == f"{moved} belongs to team shop now\n"
    assert projects(xats, "shop") == ["elsewhere/shop"]
    assert [one["name"] for one in xats("agents", "--json", cwd=moved).json()["agents"]] == ["ann"]
    assert "belongs to team shop already" in xats("team", "adopt", "shop", "--yes", cwd=moved).stdout


def test_adopting_asks_and_says_where_the_project_was(xats, moved):
    found = xats("team", "adopt", "shop", "--dry-run", cwd=moved)
    assert found.stdout == f"would assign {moved} to team shop\n"
    assert f"it was at {xats.home}/shop, which is gone" in found.stderr
    assert "no terminal" in xats("team", "adopt", "shop", cwd=moved, code=4).stderr
    assert projects(xats, "shop") == ["shop"]


def test_a_second_clone_may_be_adopted_too(xats, moved):
    xats("team", "adopt", "shop", "--yes", cwd=moved)
    second = folder(xats, "second/shop")
    xats("register", "bob", "--no-pane", cwd=second)
    ran = xats("team", "adopt", "shop", "--yes", "--json", cwd=second)
    assert (ran.json()["old_team"], ran.json()["name"]) == ("shop-2", "shop")
    assert projects(xats, "shop") == ["elsewhere/shop", "second/shop"]
    shown = xats("team", "adopt", "shop-2", "--yes", cwd=second)
    assert "agents of team shop stay there" in shown.stderr


def test_a_folder_that_no_team_has_is_refused(xats, moved):
    error = xats("team", "adopt", "/nowhere/at/all", "--yes", "--json", cwd=moved, code=3).error()
    assert error["message"] == "No team has a project at /nowhere/at/all."
    other = folder(xats, "other")
    error = xats("team", "adopt", "--yes", "--json", cwd=other, code=2).error()
    assert error["message"] == "Name the team to which this project belongs."


# -- commands that wait while their team is renamed --------------------------------------------------------------------


def test_following_events_goes_on_under_the_new_name(two):
    running = two.start("events", "--follow", "--jsonl", "--team", "fix", "--since", "0")
    while json.loads(running.stdout.readline())["type"] != "message_sent":
        pass
    two("team", "rename", "fix", "hotfix", "--yes")
    assert json.loads(running.stdout.readline())["type"] == "message_sent"  # the letters that tell of it
    two("send", "dan", "later", "--as", "eve@hotfix", "-s", "later")
    seen = []
    while seen[-1:] != ["team_renamed"]:
        seen.append(json.loads(running.stdout.readline())["type"])
    assert json.loads(running.stdout.readline())["team"] == "hotfix"


def test_a_task_that_is_waited_for_is_found_under_the_new_name(two, until):
    two("task", "add", "build", "--as", "eve@fix")
    running = two.start("task", "wait", "1", "--team", "fix", "--timeout", "20s")
    until(lambda: two.asleep(running))
    two("team", "merge", "fix", "crew", "--yes")
    two("task", "claim", "1", "--as", "dan@fix")
    two("task", "done", "1", "--as", "dan@fix")
    assert two.end(running).code == 0


def test_tab_offers_teams_without_agents_and_former_names_where_they_mean_something(two):
    two("team", "rename", "fix", "hotfix", "--yes")
    two("unregister", "dan", "--as", "dan@hotfix")
    two("unregister", "eve", "--as", "eve@hotfix")
    two("team", "archive", "hotfix", "--yes")

    def offered(kind) -> list[str]:
        return two("_complete", kind, "").stdout.splitlines()

    assert offered("every-team") == ["crew\t2 agents", "hotfix\t0 agents, archived"]
    assert offered("team-or-former")[2:] == ["fix\ta former name of hotfix"]
    assert offered("team") == ["crew\t2 agents"]


# -- a name that no team has -------------------------------------------------------------------------------------------

LOOKS = (
    "agents",
    "events",
    "dead list",
    "task list",
    "task graph",
    "contract list",
    "agent show dan",
    "team show fixx",
)


@pytest.mark.parametrize("words", LOOKS)
def test_a_mistyped_team_is_no_empty_team(two, words):
    for place in ({"env": {"XATS_TEAM": "fixx"}}, {}):
        team = () if place else ("--team", "fixx")
        error = two(*words.split(), *team, "--json", code=3, **place).error()
        assert (error["code"], error["hint"]) == ("unknown_team", "did you mean fix?")
        assert error["message"] == "No team is called fixx. Teams: fix, crew."


def test_the_own_team_of_a_new_project_is_empty(two, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    for team in ((), ("--team", "new")):
        for words in ("agents", "events", "task list", "dead list", "contract list"):
            assert two(*words.split(), *team, cwd=folder).stdout == ""


def test_a_person_does_not_make_a_team_by_looking(two):
    shown = two.on_terminal("inbox", "--team", "fixx", code=3)
    assert "No team is called fixx." in shown
    assert names(two) == ["crew", "fix"]


def test_who_follows_events_may_wait_for_a_team_and_is_warned(two, until):
    running = two.start("events", "--follow", "--team", "soon", "--jsonl")
    assert b"No team is called soon. Teams: crew, fix." in running.stderr.readline()
    two("register", "kim", "--team", "soon", "--no-pane")
    assert json.loads(running.stdout.readline())["team"] == "soon"


def test_an_address_in_a_mistyped_team_names_the_team(two):
    error = two("send", "eve@fixx", "hi", "--as", "alice", "--json", code=3).error()
    assert error["code"] == "unknown_recipient"
    assert error["message"] == "No team is called fixx. Teams: fix, crew. Nothing was sent."
    for words in (("pause", "eve@fixx"), ("agent", "show", "eve@fixx"), ("events", "--agent", "eve@fixx")):
        assert two(*words, "--as", "alice", "--json", code=3).error()["code"] == "unknown_team"


def test_a_dead_letter_of_a_forgotten_team_is_sent_to_another_agent(two, crew):
    two("team", "forget", "fix", "--force", "--yes")
    team = ("--team", "fix.forgotten")
    shown = two("dead", "list", *team)
    assert "the recipient, or its whole team, was removed" in shown.stdout
    assert "xats dead retry 1 --to AGENT@TEAM --team fix.forgotten" in two("dead", "show", "1", *team).stdout
    two("dead", "retry", "1", "--to", "alice@crew", *team)
    assert two("inbox", "--as", "alice", "--json").json()["messages"][0]["body"] == "hello"
    assert two("dead", "list", *team, "--json").json()["dead"] == []
    assert two("register", "kim", "--no-pane", *team, "--json", code=2).error()["code"] == "invalid_name"
