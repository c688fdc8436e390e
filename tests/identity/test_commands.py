"""What the program does with teams: in repositories that git made, from the command line and in the hooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.yard import git
from xats.base import host, process
from xats.base.pane import Pane
from xats.core.agents.agents import Seat

HOST = host.id()
TMUX = {"TMUX": "/tmp/socket,4321,0", "TMUX_PANE": "%7"}
PANE = Pane("/tmp/socket", 4321, 1, "%7", 99, "/dev/pts/99")
ASK = "Join it from"
PROJECT = "select team from projects where path = :path"


@pytest.fixture
def register(xats):
    """Register an agent in a folder; return its team."""

    def run(name: str, folder, *words, **options) -> str:
        ran = xats("register", name, "--no-pane", "--client", "generic", "--json", *words, cwd=folder, **options)
        return ran.json()["agent"]["team"]

    return run


# -- the faults that were seen -----------------------------------------------------------------------------------------


def test_two_projects_in_folders_of_one_name_are_two_teams(xats, yard, register):
    work, oss = yard.repository("work/api"), yard.repository("oss/api")
    assert [register(name, work) for name in ("bob", "boss")] == ["api", "api"]
    assert [register(name, oss) for name in ("bob", "ann")] == ["api-2", "api-2"]
    xats("send", "all", "secret plan", "--as", "ann", cwd=oss)
    assert xats("inbox", "--as", "boss", cwd=work).stdout == ""
    assert xats("inbox", "--as", "bob", cwd=work).stdout == ""
    assert "secret plan" in xats("inbox", "--as", "bob", cwd=oss).stdout


def test_a_bare_repository_with_a_folder_for_each_branch_is_one_team(xats, yard, register):
    shop, blog = yard.bare("shop", ".bare", "trunk", "feature"), yard.bare("blog", ".bare", "trunk")
    (shop / ".git").write_text("gitdir: ./.bare\n")
    assert [register("bob", shop / "trunk"), register("ann", shop / "feature"), register("lead", shop)] == ["shop"] * 3
    assert register("eve", blog / "trunk") == "blog"
    xats("send", "bob", "same repository", "--as", "ann", cwd=shop / "feature")
    assert xats("send", "all", "hello", "--as", "eve", cwd=blog / "trunk", code=3).stdout == ""
    assert "same repository" in xats("inbox", "--as", "bob", cwd=shop / "trunk").stdout


def test_one_worktree_for_each_agent_is_one_team(xats, yard, register):
    shop = yard.repository("shop")
    trees = [yard.worktree(shop, name) for name in ("shop-fix", "shop/.worktrees/login", "shop/.claude/worktrees/a-1")]
    agents = dict(zip(("ann", "bob", "cat", "dan"), (shop, *trees), strict=True))
    assert {register(name, folder) for name, folder in agents.items()} == {"shop"}
    said = xats("send", "all", "done", "--as", "dan", cwd=trees[2]).stdout
    assert "ann, bob, cat" in said
    assert "done" in xats("inbox", "--as", "ann", cwd=shop).stdout
    xats("task", "add", "a task", "--as", "ann", cwd=shop)
    assert "a task" in xats("task", "list", cwd=trees[0]).stdout


@pytest.mark.parametrize("known", ["word", "pane"])
def test_in_a_submodule_all_commands_have_the_team_of_the_project(xats, yard, crew, register, known):
    lib, shop = yard.repository("lib"), yard.repository("shop")
    vendor = yard.submodule(shop, lib, "vendor/lib")
    register("ann", shop)
    crew.register("cat", team="shop", seat=Seat(HOST, pane=PANE), client="generic")
    xats("task", "add", "a task of shop", "--as", "ann", cwd=shop)
    options = {"env": TMUX, "cwd": vendor} if known == "pane" else {"env": {"XATS_AGENT": "cat"}, "cwd": vendor}
    everywhere(xats, options, "cat", "shop")
    assert {one["name"] for one in xats("agents", "--json", **options).json()["agents"]} == {"ann", "cat"}
    assert register("new", vendor, **({"env": TMUX} if known == "pane" else {})) == "shop"


def everywhere(xats, options, name: str, team: str) -> None:
    """Check that every command of the agent `name`, called with `options`, has its `team`."""
    me = xats("whoami", "--json", **options).json()["agent"]
    assert (me["name"], me["team"]) == (name, team)
    listed = xats("agents", "--json", **options).json()["agents"]
    assert {one["team"] for one in listed} == {team}
    added = xats("task", "add", "mine", "--json", **options).json()["task"]
    assert added["team"] == team
    assert added["id"] in [one["id"] for one in xats("task", "list", "--json", **options).json()["tasks"]]
    xats("task", "show", str(added["id"]), **options)
    assert {one["team"] for one in xats("task", "graph", "--json", **options).json()["tasks"]} == {team}
    xats("contract", "put", "order", "-", stdin="{}", **options)
    assert xats("contract", "list", "--json", **options).json()["contracts"][0]["team"] == team
    xats("contract", "get", "order", **options)
    assert xats("note", "put", "style", "tabs", "--json", **options).json()["note"]["team"] == team
    assert [one["key"] for one in xats("note", "list", "--json", **options).json()["notes"]] == ["style"]
    assert xats("note", "get", "style", "--json", **options).json()["note"]["by"] == f"{name}@{team}"
    assert xats("pause", "all", "--json", **options).json()["pause"]["team"] == team
    xats("resume", "all", **options)
    lines = xats("events", "--since", "0", "--jsonl", **options).stdout.splitlines()
    assert {json.loads(line)["team"] for line in lines} == {team}
    assert f"in team {team}" in xats("dead", "list", **options).stderr
    names = {one["name"] for one in listed}
    for kind in ("agent", "peer", "name"):
        assert set(offered(xats, kind, options)) == names, kind
    assert names <= set(offered(xats, "address", options))
    assert str(added["id"]) in offered(xats, "task", options)
    assert offered(xats, "contract", options) == ["order"]
    assert offered(xats, "note", options) == ["style"]


def offered(xats, kind: str, options) -> list[str]:
    """Return what Tab offers."""
    return [line.partition("\t")[0] for line in xats("_complete", kind, "", **options).stdout.splitlines()]


def test_folders_without_an_ascii_letter_are_teams_of_their_own(xats, yard, register):
    teams = [register("bob", yard.repository(name)) for name in ("项目", "проект日誌", "ελληνικά")]
    assert len(set(teams)) == 3
    assert all(team.startswith("project-") for team in teams)
    assert register("bob", yard.repository("naïve-café")) == "naive-cafe"


def test_a_folder_whose_name_is_no_text_is_a_project(xats, yard, register):
    folder = os.fsencode(str(yard.folder)) + b"/caf\xe9"
    os.mkdir(folder)
    (yard.folder / os.fsdecode(folder) / ".git").write_text("gitdir: /nowhere")
    assert register("bob", os.fsdecode(folder)) == "caf"
    assert register("ann", os.fsdecode(folder)) == "caf"
    found = xats("whoami", "--as", "bob", "--json", cwd=os.fsdecode(folder)).json()["project"]
    assert found["path"] == f"{yard.folder}/caf\\xe9"
    assert "caf\\xe9" in xats("whoami", "--as", "bob", cwd=os.fsdecode(folder)).stderr
    assert "bob@caf" in hook(xats, os.fsdecode(folder), {"XATS_AGENT": "bob"})


# -- one rule for the team ---------------------------------------------------------------------------------------------


@pytest.fixture
def seats(xats, crew):
    """`paned` is in the pane of TMUX and `zoe`, a person, in the next one; `sat` has the client session s-1."""
    crew.register("paned", seat=Seat(HOST, pane=PANE), client="generic")
    crew.register("zoe", seat=Seat(HOST, pane=Pane("/tmp/socket", 4321, 1, "%8", 98, "/dev/pts/98")), client="human")
    crew.register("sat", seat=Seat(HOST, client_session="s-1"), client="claude-code")
    return crew


@pytest.mark.parametrize(
    "name, environ",
    [
        ("paned", TMUX),
        ("sat", {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s-1"}),
        ("alice", {"XATS_AGENT": "alice@crew"}),
        ("alice", {"XATS_AGENT": "alice", **TMUX}),
        ("zoe", {**TMUX, "TMUX_PANE": "%8"}),
    ],
)
def test_an_agent_takes_its_team_along_wherever_it_changes_to(xats, yard, seats, name, environ):
    everywhere(xats, {"env": environ, "cwd": yard.repository("elsewhere")}, name, "crew")


def test_an_agent_of_a_process_takes_its_team_along(xats, yard, crew):
    """This process, and all that it starts."""
    crew.register("ann", seat=Seat(HOST, os.getpid(), process.started(os.getpid())), client="generic")
    everywhere(xats, {"cwd": yard.repository("elsewhere")}, "ann", "crew")


def test_the_word_for_the_team_wins(xats, yard, seats, crew):
    crew.register("bob", team="shop")
    other = yard.repository("other")
    for words, environ in ((["--team", "Shop"], {}), ([], {"XATS_TEAM": "shop"})):
        listed = xats("agents", "--json", *words, env={**TMUX, **environ}, cwd=other).json()["agents"]
        assert [one["address"] if "address" in one else f"{one['name']}@{one['team']}" for one in listed] == [
            "bob@shop"
        ]


def test_a_name_without_a_team_is_of_my_team_else_of_the_project(xats, yard, seats, crew, register):
    shop = yard.repository("shop")
    register("bob", shop)
    assert xats("whoami", "--as", "bob", "--json", cwd=shop).json()["agent"]["team"] == "shop"
    assert xats("whoami", "--as", "bob", "--json", cwd=shop, env=TMUX).json()["agent"]["team"] == "crew"
    ran = xats("whoami", "--as", "ann", cwd=shop, env=TMUX, code=3)
    assert "There is no agent ann in team crew." in ran.stderr


def test_whoever_registers_in_the_pane_of_an_agent_that_ended_is_in_the_project(xats, yard, crew, register):
    shop = yard.repository("shop")
    done = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    seat = Seat(HOST, done.pid, process.started(done.pid), pane=PANE)
    done.communicate()
    crew.register("gone", seat=seat, client="generic")
    words = ["--client", "generic", "--json"]
    assert xats("register", "gone", *words, "--no-pane", cwd=shop, env=TMUX).json()["agent"]["team"] == "crew"
    crew.register("gone", seat=seat, client="generic", takeover=True)
    assert xats("register", "new", *words, "--no-pane", cwd=shop, env=TMUX).json()["agent"]["team"] == "shop"


def test_a_program_in_a_persons_pane_has_the_team_of_its_folder(xats, yard, seats, register):
    shop = yard.repository("shop")
    register("bob", shop)
    environ = {**TMUX, "TMUX_PANE": "%8", "CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "new", "XATS_AGENT": "bob"}
    assert xats("whoami", "--json", cwd=shop, env=environ).json()["agent"]["team"] == "shop"
    assert "bob@shop" in hook(xats, shop, environ)


def hook(xats, cwd, environ, session: str = "new", point: str = "SessionStart") -> str:
    """Run a hook of Claude Code that works in `cwd`; return what it answers."""
    told = {"hook_event_name": point, "session_id": session, "cwd": str(cwd), "source": "startup"}
    return xats("hook", "run", "claude-code", stdin=json.dumps(told), env=environ).stdout


def test_the_command_line_and_a_hook_agree_through_a_link(xats, yard, register):
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "fix")
    (yard / "link").symlink_to(tree)
    assert register("bob", yard / "link") == "shop"
    assert "bob@shop" in hook(xats, yard / "link", {"XATS_AGENT": "bob"})
    assert "bob@shop" in hook(xats, tree, {"XATS_AGENT": "bob"})


def test_a_hook_that_registers_records_the_project(xats, yard):
    work, oss = yard.repository("work/api"), yard.repository("oss/api")
    assert "bob@api" in hook(xats, work, {"XATS_AGENT": "bob"}, "s1")
    assert "bob@api-2" in hook(xats, oss, {"XATS_AGENT": "bob"}, "s2")
    assert "api belongs to another project" in xats("whoami", "--as", "bob", cwd=oss).stderr


def test_reading_records_no_project(xats, yard, crew, rows_of):
    api = yard.repository("api")
    xats("agents", cwd=api)
    xats("task", "list", cwd=api)
    xats("inbox", "--as", "bob@crew", cwd=api)
    xats("send", "alice", "text", "--as", "bob@crew", cwd=api)
    hook(xats, api, {"XATS_AGENT": "bob@crew"}, point="UserPromptSubmit")
    assert rows_of("select * from projects") == []
    assert rows_of("select name from teams") == [{"name": "crew"}]


@pytest.fixture
def rows_of(crew):
    return crew.rows


def test_in_a_removed_folder_only_the_projects_team_is_unknown(xats, yard, seats):
    gone = yard.folder_at("gone")
    script = f"rmdir {gone}; for team in '' '--team crew'; do {sys.executable} -P -m xats agents $team; done"
    done = xats.run(["/bin/sh", "-c", script], cwd=gone)
    assert b"The working directory was removed" in done.stderr
    assert b"paned" in done.stdout
    gone.mkdir()
    done = xats.run(["/bin/sh", "-c", f"rmdir {gone}; {sys.executable} -P -m xats agents"], cwd=gone, env=TMUX)
    assert (b"paned" in done.stdout, done.stderr) == (True, b"")
    assert hook(xats, gone, {"XATS_AGENT": "bob"}) == ""
    assert "The working directory was removed" in (xats.home / "xats" / "xats.db-hooks.log").read_text()
    assert "bob@crew" in hook(xats, gone, {"XATS_AGENT": "bob@crew"})
    assert "sat@crew" in hook(xats, gone, {"XATS_AGENT": "sat"}, "s-1")


# -- what is said once -------------------------------------------------------------------------------------------------


def test_a_second_project_of_the_name_hears_of_it_once(xats, yard):
    work, oss, old = (yard.repository(f"{name}/api") for name in ("work", "oss", "old"))
    quiet = ["--no-pane", "--client", "generic"]
    assert "belongs to" not in xats("register", "bob", *quiet, cwd=work).stderr
    said = xats("register", "bob", *quiet, cwd=oss).stderr
    assert f"team api belongs to another project ({work}), so this one is team api-2" in said
    assert "xats team rename api-2 NAME" in said
    assert "belongs to" not in xats("register", "bob", *quiet, cwd=oss).stderr
    assert xats("register", "bob", *quiet, "--json", cwd=old).stderr == ""
    pending = xats("whoami", "--as", "bob", "--json", cwd=old).json()["notices"]
    assert len(pending) == 1
    xats("send", "me", "text", "--as", "bob", "-q", cwd=old)
    assert pending[0] in " ".join(xats("send", "me", "text", "--as", "bob", cwd=old).stderr.split())
    assert "belongs to" not in xats("whoami", "--as", "bob", cwd=old).stderr


@pytest.mark.parametrize("first", ["whoami", "register", "hook"])
def test_agents_that_an_earlier_release_split_are_told_how_to_merge(xats, yard, crew, first):
    shop = yard.repository("shop")
    tree = yard.worktree(shop, "shop-fix")
    crew.register("bob", team="shop-fix", seat=Seat(HOST, pane=PANE), client="generic")
    crew.register("ann", team="shop")
    merge = "agents of this project are still in team shop-fix: xats team merge shop-fix shop"
    me = ["--as", "bob@shop-fix"]
    if first == "register":
        ran = xats("register", "bob", "--no-pane", "--client", "generic", cwd=tree, env=TMUX)
        assert "bob registered again in team shop-fix" in ran.stdout
    elif first == "hook":
        assert "bob@shop-fix" in hook(xats, tree, {**TMUX, "XATS_AGENT": "bob"})
        ran = xats("send", "me", "text", *me, cwd=tree)
    else:
        ran = xats("whoami", *me, cwd=tree)
    assert merge in " ".join(ran.stderr.split())
    assert merge not in " ".join(xats("whoami", *me, cwd=tree).stderr.split())
    assert merge in " ".join(xats("send", "me", "text", "--as", "ann", cwd=shop).stderr.split())
    assert "merge" not in xats("send", "me", "text", "--as", "ann", cwd=shop).stderr
    assert "ann is in team shop (same repository)" in xats("send", "ann", "text", *me, cwd=tree, code=3).stderr


def test_whoami_names_the_project_where_it_is_another_ones(xats, yard, crew, register):
    api = yard.repository("api")
    register("ann", api)
    ran = xats("whoami", "--as", "bob@crew", cwd=api)
    assert f"the team of this project ({api}) is api" in ran.stderr
    found = xats("whoami", "--as", "bob@crew", "--json", cwd=api).json()["project"]
    assert found == {"path": str(api / ".git"), "top": str(api), "team": "api", "problem": None}


def test_whoami_says_why_a_git_file_is_not_followed(xats, yard, crew):
    api, evil = yard.repository("api"), yard.folder_at("evil")
    (evil / ".git").write_text(f"gitdir: {api}/.git\n")
    assert "does not name" in xats("whoami", "--as", "bob@crew", cwd=evil).stderr
    assert xats("whoami", "--as", "bob@crew", "--json", cwd=evil).json()["project"]["team"] == "evil"


def test_the_team_of_another_project_is_joined_after_a_question(xats, yard, register):
    shop, blog = yard.repository("shop"), yard.repository("blog")
    register("bob", shop)
    words = ["register", "ann", "--no-pane", "--client", "generic", "--team", "shop"]
    said = answered(xats, "n\n", *words, cwd=blog, code=4)
    assert f"team shop belongs to another project ({shop})" in said
    assert "Nothing was changed" in said
    assert ASK in answered(xats, "y\n", *words, cwd=blog, code=0)
    assert ASK not in answered(xats, "", *words, cwd=blog, code=0)


def answered(xats, answer: str, *words, cwd, code: int) -> str:
    """Run xats on a terminal on which a person answers; return all that it showed."""
    line = [*xats.words, *words]
    script = f"import os, pty, sys; os.chdir({str(cwd)!r}); sys.exit(os.waitstatus_to_exitcode(pty.spawn({line!r})))"
    done = xats.run([sys.executable, "-c", script], stdin=answer)
    assert done.returncode == code, done
    return " ".join(done.stdout.decode().split())


def test_without_a_terminal_joining_is_said_once(xats, yard, register):
    shop, blog = yard.repository("shop"), yard.repository("blog")
    register("bob", shop)
    words = ["register", "ann", "--no-pane", "--client", "generic"]
    environ = {"XATS_TEAM": "shop"}
    assert xats(*words, "--json", env=environ, cwd=blog).stderr == ""
    assert f"team shop belongs to another project ({shop})" in xats(*words, env=environ, cwd=blog).stderr
    assert "belongs to" not in xats(*words, env=environ, cwd=blog).stderr
    assert "belongs to" not in xats(*words, env=environ, cwd=shop).stderr
    assert "belongs to" not in xats("register", "x", "--no-pane", "--team", "free", cwd=blog).stderr
    assert register("joe", blog) == "blog"


def test_a_refusal_names_the_team_that_has_the_agent(xats, yard, register):
    source = yard.repository("source")
    for name in ("one", "two"):
        git("clone", "-q", source, yard / name)
    register("ann", yard / "one")
    register("bob", yard / "two")
    ran = xats("send", "ann", "text", "--as", "bob", cwd=yard / "two", code=3)
    assert "ann is in team one (same repository)" in ran.stderr
    assert "did you mean ann@one?" in ran.stderr
    ran = xats("inbox", "--as", "ann", cwd=yard / "two", code=3)
    assert "ann@one" in ran.stderr


def test_a_team_that_was_renamed_is_found_by_its_old_name(xats, crew):
    crew.register("zoe", team="shop")
    move(crew.store, "crew", "fleet")
    assert xats("whoami", "--json", env={"XATS_AGENT": "bob@crew"}).json()["agent"]["team"] == "fleet"
    assert xats("whoami", "--json", env={"XATS_AGENT": "bob", "XATS_TEAM": "crew"}).json()["agent"]["team"] == "fleet"
    assert {one["team"] for one in xats("agents", "--team", "crew", "--json").json()["agents"]} == {"fleet"}
    assert "sent to bob@fleet" in xats("send", "bob@crew", "text", "--as", "zoe@shop").stdout
    assert xats("register", "new", "--team", "crew", "--no-pane", "--json").json()["agent"]["team"] == "fleet"
    assert "bob@fleet" in hook(xats, xats.folder, {"XATS_AGENT": "bob@crew"})
    assert "bob@fleet" in hook(xats, xats.folder, {"XATS_AGENT": "bob", "XATS_TEAM": "crew"})


def move(store, old: str, new: str) -> None:
    def work(tx) -> None:
        tx.run("insert into teams (name, created_at) values (:new, 1)", new=new)
        tx.run("update agents set team = :new where team = :old", new=new, old=old)
        tx.run("update teams set moved_to = :new where name = :old", new=new, old=old)

    store.write(work)


def test_projects_that_are_recorded_at_once_have_one_team_each(xats, yard):
    folders = [yard.repository(f"{number}/api") for number in range(3)]
    words = [sys.executable, "-P", "-m", "xats", "register", "--no-pane", "--client", "generic", "--json"]
    script = 'cd $1; shift; exec "$@"'
    running = [
        xats.start(command=["/bin/sh", "-c", script, "-", str(folder), *words, f"agent-{number}"])
        for number in range(2)
        for folder in folders
    ]
    done = [xats.end(one).json()["agent"]["team"] for one in running]
    assert sorted(done[:3]) == ["api", "api-2", "api-3"]
    assert done[:3] == done[3:]


def test_the_command_that_whoami_names_keeps_the_team(xats, yard, register):
    """For a repository made with git init --separate-git-dir."""
    shop = yard / "shop"
    git("init", "-q", "--separate-git-dir", yard / "data", shop)
    assert register("bob", shop) == "shop"
    said = xats("whoami", "--as", "bob", cwd=shop).stderr
    fix = f"git -C {shop} config core.worktree {shop}"
    assert f"to have it followed: {fix}" in said.replace("\n    ", " ")
    subprocess.run(fix, shell=True, check=True)
    assert json.loads(xats("whoami", "--as", "bob", "--json", cwd=shop).stdout)["project"]["team"] == "shop"
    assert register("ann", shop) == "shop"
    paths = [one["path"] for one in xats("team", "show", "shop", "--json").json()["team"]["projects"]]
    assert paths == [str(yard / "data")]


def test_the_first_command_that_writes_records_the_project(xats, yard, register, crew, rows_of):
    """An agent of a team without a project is the first one to write in the repository, which is moved then."""
    shop = yard.repository("shop")
    register("bob", xats.home, "--team", "shop")
    xats("agents", cwd=shop)
    assert rows_of(PROJECT, path=str(shop / ".git")) == []
    xats("send", "bob", "hello", "--as", "bob", "--team", "shop", cwd=shop)
    assert rows_of(PROJECT, path=str(shop / ".git")) == [{"team": "shop"}]
    shop.rename(yard / "store")
    assert json.loads(xats("agents", "--json", cwd=yard / "store").stdout)["agents"][0]["team"] == "shop"
