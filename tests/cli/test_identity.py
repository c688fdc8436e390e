"""Who I am and which team I am in: the strongest word wins, and the evidence says which it was."""

import os
import pwd
import subprocess
import sys

import pytest

from xats.base import host
from xats.base.pane import Pane
from xats.core.agents.agents import Seat

HOST = host.id()
TMUX = {"TMUX": "/tmp/a,b/socket,4321,0", "TMUX_PANE": "%7"}
SESSION = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s-1"}


def pane(socket: str = "/tmp/a,b/socket", server: int = 4321, pane_id: str = "%7") -> Pane:
    return Pane(socket, server, 1, pane_id, 99, "/dev/pts/99")


@pytest.fixture
def seats(xats, crew):
    """`paned` sits in the pane of TMUX, `sessioned` is the client session of SESSION."""
    crew.register("paned", seat=Seat(HOST, pane=pane()), client="generic")
    crew.register("sessioned", seat=Seat(HOST, client_session="s-1"), client="claude-code")
    return crew


def who(xats, *words, **options) -> tuple[str, str]:
    found = xats("whoami", "--json", *words, **options).json()
    return found["agent"]["name"], found["evidence"]


@pytest.mark.parametrize(
    "words, environ, wanted",
    [
        (["--as", "bob"], {"XATS_AGENT": "alice", **SESSION, **TMUX}, ("bob", "flag")),
        (["--as", "BOB"], {}, ("bob", "flag")),
        ([], {"XATS_AGENT": "alice", **SESSION, **TMUX}, ("alice", "env")),
        ([], {**SESSION, **TMUX}, ("sessioned", "session")),
        ([], {"CODEX_THREAD_ID": "s-1"}, ("sessioned", "session")),
        ([], {"GEMINI_SESSION_ID": "s-1"}, ("sessioned", "session")),
        ([], {"QWEN_CODE_SESSION_ID": "s-1"}, ("sessioned", "session")),
        ([], TMUX, ("paned", "pane")),
        ([], {"CLAUDE_CODE_SESSION_ID": "unknown", **TMUX}, ("paned", "pane")),
        # A claim that is confirmed by something stronger than a word is known by that.
        (["--as", "paned"], TMUX, ("paned", "pane")),
        ([], {"XATS_AGENT": "sessioned", **SESSION}, ("sessioned", "session")),
        # The environment of Codex's daemon may be that of another of its sessions.
        ([], {"XATS_AGENT": "alice", "CODEX_THREAD_ID": "s-1"}, ("sessioned", "session")),
        ([], {"XATS_AGENT": "alice", "CODEX_THREAD_ID": "unknown"}, ("alice", "env")),
        (["--as", "bob"], {"XATS_AGENT": "alice", "CODEX_THREAD_ID": "s-1"}, ("bob", "flag")),
    ],
)
def test_the_strongest_word_wins(xats, seats, words, environ, wanted):
    assert who(xats, *words, env=environ) == wanted


def test_a_program_that_a_person_starts_is_not_that_person(xats, seats):
    """He has exported his name for himself; by a flag it is meant."""
    seats.add("zoe", client="human")
    seats.add("dave")
    assert who(xats, env={**SESSION, "XATS_AGENT": "zoe"}) == ("sessioned", "session")
    assert who(xats, env={**SESSION, "XATS_AGENT": "dave"}) == ("dave", "env")
    assert who(xats, "--as", "zoe", env=SESSION) == ("zoe", "flag")
    assert who(xats, env={"XATS_AGENT": "zoe"}) == ("zoe", "env")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"CLAUDE_CODE_SESSION_ID": "unknown"},
        {**TMUX, "CODEX_THREAD_ID": "unknown"},
        {**TMUX, "TMUX": "/tmp/a,b/socket,4322,0"},
        {**TMUX, "TMUX": "/tmp/other,4321,0"},
        {**TMUX, "TMUX_PANE": "%8"},
        {**TMUX, "TMUX_PANE": "first"},
        {**TMUX, "TMUX": ""},
        {"TMUX_PANE": "%7"},
    ],
    ids=str,
)
def test_half_a_mark_is_nobody(xats, seats, environ):
    assert xats("whoami", "--json", env=environ, code=3).error()["code"] == "unknown_agent"


def test_a_flag_may_name_an_agent_of_another_team(xats, seats):
    seats.register("alice", "other")
    found = xats("whoami", "--json", "--as", "alice@other").json()
    assert found["agent"]["team"] == "other"


def test_a_pane_or_session_of_another_team_is_not_meant_when_a_team_is_asked_for(xats, seats):
    seats.register("visitor", "other", seat=Seat(HOST, client_session="s-2"))
    environ = {"CLAUDE_CODE_SESSION_ID": "s-2"}
    assert who(xats, env=environ) == ("visitor", "session")
    assert xats("whoami", "--team", "crew", "--json", env=environ, code=3).error()["code"] == "unknown_agent"
    assert who(xats, env={**environ, **TMUX, "XATS_TEAM": "crew"}) == ("paned", "pane")


def test_an_old_session_may_not_write_any_more(xats, seats):
    seats.register("sessioned", seat=Seat(HOST, client_session="s-2"), takeover=True)
    for words in (["send", "bob", "hi"], ["inbox"], ["whoami"], ["send", "bob", "hi", "--as", "sessioned"]):
        error = xats(*words, "--json", env=SESSION, code=4).error()
        assert error["code"] == "stale_session"
        assert (error["epoch"], error["current_epoch"]) == (1, 2)
    assert who(xats, env={"CLAUDE_CODE_SESSION_ID": "s-2"}) == ("sessioned", "session")
    assert seats.rows("select * from messages") == []


def test_an_agent_that_was_unregistered_is_nobody_until_it_registers_again(xats, seats):
    xats("unregister", env=SESSION)
    assert xats("whoami", "--json", env=SESSION, code=3).error()["code"] == "unknown_agent"
    xats("register", "sessioned", "--no-pane", env=SESSION)
    assert who(xats, env=SESSION) == ("sessioned", "session")


# -- the process above -------------------------------------------------------------------------------------------------

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a script's process is named after its shell")


@pytest.fixture
def claude(xats, tmp_path):
    """The start of a command that runs under a program called `claude`, which does what it is told, line by line."""
    script = tmp_path / "claude"
    script.write_text('#!/bin/sh\nwhile read -r line; do eval "$line"; echo "done $?"; done\n')
    script.chmod(0o755)
    program = " ".join(f"'{word}'" for word in xats.words)

    class Claude:
        def __init__(self) -> None:
            self.process = xats.start(command=[str(script)], stdin=subprocess.PIPE)

        def __call__(self, *words) -> tuple[int, str]:
            line = program + " " + " ".join(f"'{word}'" for word in words)
            self.process.stdin.write(f"{line} 2>&1\n".encode())
            self.process.stdin.flush()
            said = []
            while not (said and said[-1].startswith("done ")):
                said.append(self.process.stdout.readline().decode())
            return int(said.pop().split()[1]), "".join(said)

        def end(self) -> None:
            self.process.stdin.close()
            self.process.wait(10)

    return Claude


@linux
def test_a_process_above_is_evidence(xats, claude):
    one = claude()
    code, said = one("register", "zoe")
    assert code == 0
    assert "claude-code" in said
    code, said = one("whoami")
    assert (code, said) == (0, "zoe in team crew (claude-code): a process above this one is bound to it\n")
    assert one("unregister")[0] == 0
    one.end()


@linux
def test_a_name_is_held_as_long_as_its_process_lives(xats, crew, claude):
    one, other = claude(), claude()
    assert one("register", "zoe")[0] == 0
    code, said = other("register", "Zoe")
    assert code == 4
    assert f"pid {one.process.pid}" in said
    assert said.endswith("xats register Zoe --takeover\n")
    assert other("register", "Zoe", "--takeover")[0] == 0
    code, said = one("send", "alice", "hi")
    assert code == 4
    assert "taken over zoe" in said
    assert other("send", "alice", "hi")[0] == 0
    other.end()
    assert claude()("register", "zoe")[0] == 0


@linux
def test_who_is_online_is_known_by_the_process(xats, claude):
    one = claude()
    one("register", "zoe")
    assert xats("agents", "--online", "--json").json()["agents"][0]["online"] is True
    one.end()
    listed = xats("agents", "--json").json()["agents"]
    assert [agent["online"] for agent in listed if agent["name"] == "zoe"] == [False]


@linux
def test_somebody_at_work_is_not_unregistered_by_others(xats, crew, claude):
    one = claude()
    one("register", "zoe")
    assert xats("unregister", "zoe", "--as", "alice", "--json", code=4).error()["code"] == "refused"
    assert xats("unregister", "zoe", "--as", "alice", "--force", "--json").json()["agent"]["name"] == "zoe"


# -- people ------------------------------------------------------------------------------------------------------------


def test_a_person_on_a_terminal_is_registered_by_the_first_command(xats, crew):
    assert "#1 sent to bob" in xats.on_terminal("send", "bob", "hello")
    listed = {agent["name"]: agent for agent in xats("agents", "--json").json()["agents"]}
    assert listed["carol"]["client"] == "human"
    assert xats("inbox", "--as", "bob", "--json").json()["messages"][0]["evidence"] == "user"
    assert "you type on a terminal" in xats.on_terminal("whoami")
    assert len(crew.rows("select * from events where type = 'agent_registered' and actor = 'carol'")) == 1


@pytest.mark.parametrize("words", [["inbox"], ["whoami"]], ids=" ".join)
def test_looking_registers_a_person_too(xats, words):
    xats.on_terminal(*words)
    assert [agent["name"] for agent in xats("agents", "--json").json()["agents"]] == ["carol"]


@pytest.mark.parametrize("words, hint", [(["inbox"], ""), (["whoami"], "; your mail: xats inbox")], ids=str)
def test_a_new_person_learns_of_the_inbox_where_it_is_not_shown(xats, words, hint):
    assert f" from now on{hint}\n" in xats.on_terminal(*words)


@pytest.mark.parametrize(
    "mark",
    [
        {"CLAUDECODE": "1"},
        {"CODEX_THREAD_ID": "t"},
        {"CODEX_SANDBOX": "seatbelt"},
        {"GEMINI_CLI": "1"},
        {"OPENCODE": "1"},
        {"QWEN_CODE": "1"},
    ],
    ids=str,
)
def test_an_agent_on_a_terminal_is_no_person(xats, crew, mark):
    shown = xats.on_terminal("send", "bob", "hello", env=mark, code=3)
    assert "xats register NAME" in shown
    assert crew.rows("select name from agents where name = 'carol'") == []


def test_without_a_terminal_nobody_is_a_person(xats, crew):
    xats("send", "bob", "hello", code=3)
    assert crew.rows("select name from agents where name = 'carol'") == []


@pytest.mark.parametrize(
    "environ, name",
    [
        ({"USER": "Dave"}, "Dave"),
        ({"USER": "corp\\dave x"}, "corp-dave-x"),
        ({"USER": "all"}, "user-71dd"),
        ({"USER": None, "LOGNAME": "erin"}, "erin"),
        ({"USER": None, "LOGNAME": None}, pwd.getpwuid(os.getuid()).pw_name),
    ],
)
def test_a_person_is_called_as_the_system_does(xats, environ, name):
    xats.on_terminal("inbox", env=environ)
    assert [agent["name"] for agent in xats("agents", "--json").json()["agents"]] == [name]


def test_a_person_is_never_woken_by_keys(xats, crew):
    xats.on_terminal("inbox")
    xats("send", "carol", "hi", "--as", "alice")
    found = xats("status", "--as", "alice", "--json").json()["deliveries"]
    assert (found[0]["wake"]["state"], found[0]["wake"]["reason"]) == ("skipped", "no_wake")
    assert "nothing is typed at a person" in xats("status", "--as", "alice").stdout


# -- the team ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(xats):
    """A git work tree called `My Project` with a folder in it, made without git's help."""
    top = xats.folder / "My Project"
    (top / ".git").mkdir(parents=True)
    (top / "src" / "deep").mkdir(parents=True)
    return top


def team_of(xats, *words, **options) -> str:
    return xats("register", "zoe", "--no-pane", "--json", *words, **options).json()["agent"]["team"]


@pytest.mark.parametrize("folder", [".", "src", "src/deep"])
def test_the_team_is_the_git_top_level_folder(xats, project, folder):
    assert team_of(xats, cwd=project / folder) == "my-project"


def test_a_work_tree_has_a_file_for_its_git_folder(xats, project):
    tree = xats.folder / "wt.1"
    tree.mkdir()
    (tree / ".git").write_text("gitdir: elsewhere\n")
    assert team_of(xats, cwd=tree) == "wt.1"


def test_a_real_repository_is_known(xats, tmp_path):
    top = tmp_path / "Real"
    top.mkdir()
    if xats.run(["git", "init", "-q", str(top)]).returncode:
        pytest.skip("git is not installed")
    (top / "sub").mkdir()
    assert team_of(xats, cwd=top / "sub") == "real"


@pytest.mark.parametrize(
    "name, team", [("Alpha Beta", "alpha-beta"), (".dot", "dot"), ("日本", "project-cdcc"), ("all", "project-71dd")]
)
def test_elsewhere_the_team_is_the_folder(xats, tmp_path, name, team):
    folder = tmp_path / name
    folder.mkdir()
    assert team_of(xats, cwd=folder) == team


def test_the_team_can_be_said(xats, project):
    assert team_of(xats, env={"XATS_TEAM": "Named"}, cwd=project) == "named"
    assert team_of(xats, "--team", "Other", env={"XATS_TEAM": "Named"}, cwd=project) == "other"
    assert team_of(xats, env={"XATS_TEAM": ""}, cwd=project) == "my-project"


def test_the_store_can_be_said(xats, tmp_path):
    one, two = str(tmp_path / "one.db"), str(tmp_path / "two.db")
    xats("register", "x", "--no-pane", env={"XATS_DB": one})
    xats("register", "y", "--no-pane", "--db", two, env={"XATS_DB": one})
    assert os.path.exists(one)
    assert os.path.exists(two)
    assert not os.path.exists(xats.path)
    xats("register", "z", "--no-pane", env={"XATS_HOME": None, "XDG_STATE_HOME": str(tmp_path / "state")})
    assert (tmp_path / "state" / "xats" / "xats.db").exists()
    xats("register", "z", "--no-pane", env={"XATS_HOME": None})
    assert (xats.home / ".local" / "state" / "xats" / "xats.db").exists()


def test_an_agent_that_has_the_name_of_a_person_is_not_that_person(xats):
    """Whoever sits at the terminal is asked to take another name, and reads nobody else's mail."""
    xats("register", "kim", "--client", "codex", "--no-pane", "--team", "t")
    said = xats.on_terminal("inbox", "--team", "t", env={"USER": "kim"}, code=4)
    assert "'kim' is a registered agent (codex)" in said


@pytest.mark.parametrize(
    "words, environ",
    [
        (["--as", "alice@crew", "--team", "other"], {}),
        (["--team", "other"], {"XATS_AGENT": "alice@crew"}),
        ([], {"XATS_AGENT": "alice@crew", "XATS_TEAM": "other"}),
    ],
)
def test_two_teams_at_once_are_refused_where_something_is_done(xats, crew, words, environ):
    crew.register("carol", team="other")
    env = {"XATS_TEAM": None, **environ}
    said = xats("pause", "all", *words, env=env, code=4).stderr
    assert "says alice@crew, but --team or XATS_TEAM says other." in said
    assert "carol" in xats("agents", *words, env=env).stdout  # to look at another team is no act in it


def test_a_flag_with_a_team_is_stronger_than_a_team_of_the_environment(xats, crew):
    crew.register("carol", team="other")
    env = {"XATS_TEAM": "other"}
    assert xats("whoami", "--json", "--as", "alice@crew", env=env).json()["agent"]["team"] == "crew"
    assert "carol" not in xats("agents", "--as", "alice@crew", env=env).stdout


@pytest.mark.parametrize("option, said", [([], True), (["--quiet"], False)])
def test_a_person_learns_their_name_at_the_first_use_but_not_with_quiet(xats, option, said):
    env = {"USER": "pat", "NO_COLOR": "1"}
    shown = xats.on_terminal("whoami", *option, env=env)
    assert ("you are pat in team " in shown) == said
    assert "you are pat in team " not in xats.on_terminal("whoami", env=env)
