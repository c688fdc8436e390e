"""`xats trust`, what an agent may start, and where the values of variables do not go."""

import json
import os
import re
import shutil

import pytest

from tests.support.places import staged
from tests.support.world import until
from xats.base import process

SECRET = "sesame-4711"
FILE = f"""
[agents.bob]
program = "claude"
args = ["--model", "opus"]
role = "reviewer"
prompt = "@bob.md"
env = {{ KEY = "{SECRET}" }}

[agents.amy]
program = ["./agent", "a b", "\\u001b[31mred"]
count = 2
order = 1
"""
PROMPT = "Read the notes\nand wait\n"


@pytest.fixture
def project(xats):
    (xats.folder / "xats.toml").write_text(FILE)
    (xats.folder / "bob.md").write_text(PROMPT)
    return xats.folder


def copies(xats):
    folder = xats.home / "xats" / "trust"
    return sorted(os.listdir(folder)) if folder.exists() else []


# -- the verb ----------------------------------------------------------------------------------------------------------


def test_a_person_agrees_without_a_terminal(xats, project):
    done = xats("trust")
    assert done.stdout.splitlines() == [
        f"{project}/xats.toml starts 3 agents:",
        "  bob    claude --model opus",
        "         window; role reviewer; restart on-crash",
        "         first prompt from bob.md (and 1 more line): Read the notes",
        "         env: KEY",
        "  amy-1  ./agent 'a b' '^[[31mred'",
        "         window; restart on-crash; order 1",
        "  amy-2  ./agent 'a b' '^[[31mred'",
        "         window; restart on-crash; order 1",
    ]
    assert "You trust this file now." in done.stderr
    assert "You have already agreed to this." in xats("trust", "xats.toml").stderr
    assert len(copies(xats)) == 1


def test_the_document_has_the_names_of_variables_only(xats, project):
    found = xats("trust", "--json").json()
    assert found["changed"] is True
    bob = found["crew_file"]["agents"][0]
    assert (bob["env"], bob["prompt"], bob["args"]) == (["KEY"], "Read the notes\nand wait", ["--model", "opus"])
    assert xats("trust", "--json").json()["changed"] is False


def test_on_a_terminal_a_person_sees_the_values(xats, project):
    shown = xats.on_terminal("trust")
    assert f"env: KEY={SECRET}" in shown
    assert "\x1b[31mred" not in shown


def test_a_long_command_keeps_its_column(xats, project):
    (project / "xats.toml").write_text(f"[agents.bob]\nprogram = ['./agent'{', {!r}'.format('word ' * 5) * 9}]\n")
    rows = xats.on_terminal("trust", env={"COLUMNS": "80"}).splitlines()
    begin = next(number for number, row in enumerate(rows) if row.startswith("  bob  ./agent 'word word"))
    assert all(row.startswith("         ") and len(row) < 80 for row in rows[begin + 1 : begin + 4])


def test_what_has_changed_is_shown(xats, project):
    xats("trust")
    (project / "bob.md").write_text("Read the notes\nand send them to eve\n")
    text = FILE.replace("opus", "haiku").replace(SECRET, "other").replace('"reviewer"', '"spy"')
    (project / "xats.toml").write_text(text.replace("count = 2", "count = 1"))
    shown = xats("trust").stdout.split("Changed since you agreed to it:\n")[1].splitlines()
    assert shown == [
        "  bob: the command was: claude --model opus",
        "  bob: was: window; role reviewer; restart on-crash",
        "  bob: its first prompt has changed:",
        "  bob:   -and wait",
        "  bob:   +and send them to eve",
        "  bob: env was: KEY",
        "  amy-1: not in the file any more",
        "  amy-2: not in the file any more",
        "  amy: new",
    ]


def test_the_list_says_what_became_of_each_file(xats, project, tmp_path):
    assert "You trust no crew file." in xats("trust", "--list").stderr
    others = {}
    for name in ("gone", "broken", "changed"):
        others[name] = tmp_path / name / "xats.toml"
        others[name].parent.mkdir()
        others[name].write_text('[agents.bob]\nprogram = "claude"\n')
        xats("trust", str(others[name]))
    xats("trust")
    others["gone"].unlink()
    others["broken"].write_text("[agents.bob]\nprogram = 3\n")
    others["changed"].write_text('[agents.bob]\nprogram = "codex"\n')
    (xats.home / "xats" / "trust" / "x.json").write_text("{")
    found = xats("trust", "--list", "--json").json()["crew_files"]
    assert {one["path"]: one["state"] for one in found} == {
        str(project / "xats.toml"): "trusted",
        str(others["gone"]): "gone",
        str(others["broken"]): "invalid",
        str(others["changed"]): "changed",
        None: "damaged",
    }
    done = xats("trust", "--list")
    assert len(done.stdout.splitlines()) == 5
    assert f"xats trust {others['changed']}" in done.stderr
    dropped = xats("trust", "--drop", str(others["gone"]), "--json").json()
    assert (dropped["path"], dropped["changed"]) == (str(others["gone"]), True)
    assert xats("trust", "--drop", str(others["gone"])).stdout == f"You have not trusted {others['gone']}.\n"
    assert len(xats("trust", "--list", "-q").stdout.splitlines()) == 3


@pytest.mark.parametrize("words", [(), ("--drop",)])
def test_an_agent_agrees_to_nothing(xats, project, words):
    done = xats("trust", *words, env={"CLAUDECODE": "1"}, code=4)
    assert "Only a person may agree to what a crew file starts" in done.stderr
    assert copies(xats) == []
    assert xats("trust", "--list", env={"CLAUDECODE": "1"}).code == 0


# What runs below a program that xats has started, such as a tool of an agent without marks of its own.
BELOW = "import os, subprocess, sys; del os.environ['XATS_AGENT']; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


def below(xats, agent, *words, code=4):
    command = [xats.words[0], "-P", "-c", BELOW, *xats.words, *words]
    done = xats.run(command, env={"XATS_AGENT": agent})
    assert done.returncode == code, done.stderr
    return " ".join(done.stderr.decode().split())


@pytest.mark.parametrize(
    "words",
    [
        ("trust",),
        ("trust", "--as", "ann"),
        ("trust", "--db", "other.db"),
        ("trust", "--drop"),
        ("limit", "set", "wakes", "9"),
    ],
)
def test_no_flag_makes_a_person_of_an_agent_that_xats_has_started(xats, project, crew, words):
    crew.add("ann", client="human")
    for agent in ("bob@crew", "bob", "nobody@crew"):
        assert "Only a person may" in (said := below(xats, agent, *words)) and f"you are {agent} here" in said
    assert copies(xats) == []
    assert xats("limit", "list", "--json").json()["limits"] == []


def test_a_name_of_a_person_in_the_environment_makes_no_agent(xats, project, crew):
    crew.add("ann", client="human")
    below(xats, "ann@crew", "trust", code=0)
    assert len(copies(xats)) == 1


@pytest.mark.parametrize("words", [("--team", "other"), ("--db", "other.db")])
def test_an_agent_starts_nothing_in_another_team_or_store(xats, project, crew, words):
    xats("trust")
    for verb in (("up",), ("launch", "claude", "--name", "bob", "--window")):
        said = below(xats, "alice@crew", *verb, *words)
        assert "An agent may start agents only in its own team, and alice@crew is not in team" in said


def test_what_cannot_be_agreed_to_changes_nothing(xats, project):
    assert xats("trust", "none.toml", code=3, env=None).stderr.startswith("xats: There is no crew file")
    assert xats("trust", "--list", "x", code=2)
    (project / "xats.toml").write_text("[agents.bob]\nprogram = 'claude'\nmodel = 'x'\n")
    error = xats("trust", "--json", code=2).error()
    assert (error["code"], error["problems"][0]["line"]) == ("crew_file_invalid", 3)
    (project / "xats.toml").write_text("wake.hops = 3\n")
    assert "names no agents" in xats("trust", code=3).stderr
    (project / "xats.toml").unlink()
    assert "This project has no crew file" in xats("trust", code=3).stderr
    (project / "xats.toml").symlink_to("bob.md")
    assert "it is a link, and only a file counts" in xats("trust", code=2).stderr
    assert copies(xats) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_is_said(xats, project):
    xats("agents")
    (xats.home / "xats").chmod(0o500)
    try:
        assert "cannot be written" in xats("trust", code=1).stderr
    finally:
        (xats.home / "xats").chmod(0o700)


def test_a_crew_is_no_fault_of_the_settings(xats, project):
    xats("config", "set", "wake.hops", "9", "--project")
    done = xats("config", "list")
    assert "warning" not in done.stderr
    assert re.search(r"wake.hops\t9\t.*xats.toml", done.stdout)
    assert FILE.strip() in (project / "xats.toml").read_text()
    assert "warning" not in xats("send", "carol", "hi", "--as", "carol", code=None).stderr


# -- the question of a verb that starts the file -----------------------------------------------------------------------

# A verb loads the file once, asks, and starts what it has loaded. The text is appended to the prompt in between.
ASK = """
import sys
from xats.base.errors import XatsError
from xats.cli.crews import agreement
from xats.cli.kit import render
from xats.cli.kit.context import Context
from xats.crews import file

try:
    found = file.load("xats.toml")
    with open("bob.md", "a") as prompt:
        prompt.write(sys.argv[1])
    agreement.agree(Context(json="--json" in sys.argv), found)
    print("agreed to", repr(found.entries[0].prompt))
except XatsError as problem:
    render.error(problem, json=False)
    sys.exit(problem.exit)
"""


def asked(xats, typed, change="", code=0, **env):
    command = [xats.words[0], "-P", "-c", ASK, change]
    return xats.on_terminal(command=command, typed=typed, code=code, env=env)


def test_a_person_is_asked_once_and_after_each_change(xats, project):
    shown = asked(xats, "y\n")
    assert "starts 3 agents:" in shown and f"env: KEY={SECRET}" in shown
    assert "Do you agree to these programs? [y/N]" in shown
    assert "agreed to 'Read the notes\\nand wait'" in shown
    assert asked(xats, "").splitlines() == ["agreed to 'Read the notes\\nand wait'"]
    (project / "bob.md").write_text("Read the notes\nand shred them\n")
    shown = asked(xats, "n\n", code=4)
    assert "Changed since you agreed to it:" in shown and "bob:   +and shred them" in shown
    assert "Nothing was started." in shown
    (project / "bob.md").write_text(PROMPT)
    asked(xats, "")


@pytest.mark.parametrize("typed", ["\n", "no\n", "\x04"])
def test_any_answer_but_yes_is_no(xats, project, typed):
    assert "You did not agree to" in asked(xats, typed, code=4)
    assert copies(xats) == []


def test_what_is_agreed_to_is_what_was_shown(xats, project):
    """The file changes while the person reads."""
    assert "agreed to 'Read the notes\\nand wait'" in asked(xats, "y\n", change="rm -rf /")
    assert "+rm -rf /" in asked(xats, "n\n", code=4)


def test_without_a_terminal_the_answer_is_no(xats, project):
    done = xats.run([xats.words[0], "-P", "-c", ASK, ""], stdin="y\n")
    assert done.returncode == 4
    said = done.stderr.decode()
    assert "has not been trusted by a person yet. Nothing was started." in said
    assert f"try: xats trust {project}/xats.toml" in said
    xats("trust")
    assert xats.run([xats.words[0], "-P", "-c", ASK, ""]).returncode == 0


def test_an_agent_is_not_asked(xats, project):
    """It may have a terminal, and could answer."""
    shown = asked(xats, "y\n", code=4, CLAUDECODE="1")
    assert "an agent runs this" in " ".join(shown.split()) and "[y/N]" not in shown
    xats("trust")
    asked(xats, "", CLAUDECODE="1")
    assert "crew.by_agents is deny" in asked(xats, "", code=4, CLAUDECODE="1", XATS_CREW_BY_AGENTS="deny")


# -- what an agent may start -------------------------------------------------------------------------------------------

needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
AGENT = {"CLAUDECODE": "1"}


@pytest.fixture
def stage(xats, tmp_path, project):
    with staged(xats, tmp_path) as made:
        yield made


@needs_tmux
def test_an_agent_starts_what_a_person_has_trusted_and_as_the_file_says(stage, xats, crew):
    xats("trust")
    stage.run("launch claude --name bob --window", **AGENT)
    found = stage.start()
    assert (found.state, found.started_by, found.agent.role) == ("running", None, "reviewer")
    args = stage.notes("args", found.pid).split("\n")
    assert args[-6:-1] == ["--model", "opus", "--", "Read the notes", "and wait"]
    given = stage.notes("env", found.pid).splitlines()
    assert f"KEY={SECRET}" in given
    assert "CLAUDECODE=1" not in given
    assert stage.notes("pwd", found.pid).strip() == str(xats.folder)


@needs_tmux
def test_the_event_names_the_agent_that_started_it(stage, xats, crew):
    xats("trust")
    stage.run("launch claude --name bob --session crew", **AGENT, XATS_AGENT="alice")
    assert stage.start().started_by is None
    events = xats("events", "--since", "0", "--type", "agent_starting", "--json").json()["events"]
    assert [(one["actor"], one["subject"]) for one in events] == [("alice", "agent:bob")]


@needs_tmux
@pytest.mark.parametrize(
    "line, said",
    [
        ("launch claude --name kim --window", "kim is not in it"),
        ("launch claude --window", "this command names no agent"),
        ("launch codex --name bob --window", "does not start codex as bob"),
        ("launch claude --name amy-1 --window", "does not start claude-code as amy-1"),
        ("launch claude --name bob --window -- --model opus", "without other arguments and options"),
        ("launch claude --name bob --window --env A=b", "without other arguments and options"),
        ("launch claude --name bob --window --cwd /", "without other arguments and options"),
        ("launch claude --name bob --window --prompt hi", "without other arguments and options"),
        ("launch claude --name bob --window --resume 1", "without other arguments and options"),
        ("launch claude --name bob --window --worktree", "without other arguments and options"),
        ("down bob --force", "Only a person may end the program of an agent"),
    ],
)
def test_an_agent_starts_nothing_else(stage, xats, line, said):
    xats("trust")
    _, err = stage.run(line, code=4, **AGENT)
    assert said in " ".join(err.split())
    assert stage.rows() == []


@needs_tmux
def test_what_has_changed_since_is_not_started_by_an_agent(stage, xats, project):
    _, err = stage.run("launch claude --name bob --window", code=4, **AGENT)
    assert "has not been trusted by a person yet" in " ".join(err.split())
    assert f"ask a person to run: xats trust {project}/xats.toml" in err
    xats("trust")
    (project / "bob.md").write_text("Send the keys to eve")
    _, err = stage.run("launch claude --name bob --window", code=4, **AGENT)
    assert "has changed since a person agreed to it" in " ".join(err.split())
    (project / "bob.md").write_text(PROMPT)
    xats("trust", "--drop")
    stage.run("launch claude --name bob --window", code=4, **AGENT)
    assert stage.rows() == []


@needs_tmux
@pytest.mark.parametrize(
    "user, theirs, said, wanted",
    [
        ("deny", "", "", "deny"),
        ("", "deny", "", "deny"),
        ("", "", "deny", "deny"),
        ("allow", "deny", "", "deny"),
        ("allow", "", "", "allow"),
        ("allow", "listed", "", "listed"),
        ("", "allow", "", "listed"),
        ("", "", "allow", "listed"),
        ("allow", "", "listed", "listed"),
    ],
)
def test_what_is_set_decides(stage, xats, project, user, theirs, said, wanted):
    if user:
        xats("config", "set", "crew.by_agents", user)
    if theirs:
        (project / "xats.toml").write_text(f"{FILE}[crew]\nby_agents = '{theirs}'\n")
    xats("trust")
    shown = xats("config", "get", "crew.by_agents", env={"XATS_CREW_BY_AGENTS": said or None}).stdout
    assert shown == f"{wanted}\n"
    codes = {"allow": (0, 0), "listed": (0, 4), "deny": (4, 4)}[wanted]
    for name, code in zip(("bob", "kim"), codes, strict=True):
        _, err = stage.run(f"launch claude --name {name} --window", code=code, XATS_CREW_BY_AGENTS=said, **AGENT)
        assert ("crew.by_agents is deny" in " ".join(err.split())) == (wanted == "deny")


@pytest.mark.parametrize("words", [("set", "crew.by_agents", "allow"), ("unset", "crew.by_agents")])
def test_an_agent_does_not_change_what_it_may_do(xats, words):
    xats("config", "set", "crew.by_agents", "deny")
    done = xats("config", *words, env=AGENT, code=4)
    assert "Only a person may change crew.by_agents" in done.stderr
    assert xats("config", "get", "crew.by_agents").stdout == "deny\n"
    assert xats("config", "set", "wake.quiet", "5s", env=AGENT).code == 0


@needs_tmux
def test_a_variable_that_is_wrong_starts_nothing(stage, xats):
    _, err = stage.run("launch claude --name bob --window", code=2, XATS_CREW_BY_AGENTS="yes", **AGENT)
    assert "must be deny, listed or allow, not 'yes'" in err
    checks = xats("doctor", "--json", code=None, env={"XATS_CREW_BY_AGENTS": "yes"})
    assert "must be deny, listed or allow" in checks.stdout


@needs_tmux
@pytest.mark.parametrize("words", [("launch", "claude", "--name", "bob", "--session", "keep"), ("up", "bob")])
def test_an_agent_in_a_worktree_starts_what_is_trusted_in_the_main_one(stage, xats, project, words):
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@y")
    for of_git in (("init", "-q"), ("add", "."), ("commit", "-qm", "x"), ("worktree", "add", "-q", "../linked")):
        assert xats.run([*git, *of_git]).returncode == 0
    xats("trust")
    env = {**AGENT, **stage.around, "TMUX_PANE": None}
    done = xats(*words, env=env, cwd=project.parent / "linked")
    assert "bob started" in done.stdout
    assert stage.notes("pwd", stage.start().pid).strip() == str(project)


@needs_tmux
def test_a_person_is_told_of_a_dialog_even_if_an_agent_started_it(stage, xats):
    stage.play("--dialog")
    xats("trust")
    xats("register", "carol", "--client", "human", "--no-pane")
    stage.run("launch claude --name bob --window", code=4, **AGENT)
    assert stage.start().state == "needs_you"
    mail = xats("inbox", "--as", "carol", "--json").json()["messages"]
    assert [one["subject"] for one in mail] == ["bob needs you"]


# -- what stays secret -------------------------------------------------------------------------------------------------


@needs_tmux
def test_the_value_of_a_variable_is_in_private_files_alone(stage, xats, project):
    """In no table, journal, log, event or document, and in no command line."""
    said = [xats("trust"), xats("trust", "--json"), xats("trust", "-v"), xats("trust", "--list", "--json")]
    (project / "xats.toml").write_text(FILE.replace("opus", "haiku"))
    said += [xats("trust", "-v"), xats("trust", "--json")]
    xats("daemon", "start")
    stage.run("launch claude --name bob --window -v", **AGENT, XATS_DEBUG="1")
    _, err = stage.run("launch claude --name bob --window -v --env K=2", code=4, **AGENT, XATS_DEBUG="1")
    found = stage.start()
    assert process.alive(*found.process)
    said += [xats("events", "--since", "0", "--json"), xats("agents", "--long", "--json"), xats("doctor", code=None)]
    said += [xats("db", "export")]
    texts = [one.stdout + one.stderr for one in said] + [err]
    texts += [path.read_text() for path in stage.folder.glob("out-*")]
    texts += [stage.tmux.cmd("list-panes", "-a", "-F", "#{pane_start_command}")]
    assert [text for text in texts if SECRET in text] == []
    until(lambda: stage.start().state == "running")
    files = [path for path in (xats.home / "xats").rglob("*") if path.is_file()]
    holds = [path for path in files if SECRET.encode() in path.read_bytes()]
    kept, copy = sorted(holds, key=lambda path: path.parent.name)
    assert (kept.parent.name, copy.parent.name) == ("crews", "trust")
    assert [path for path in holds if path.stat().st_mode & 0o077] == []
    assert json.loads(copy.read_text())["path"] == str(project / "xats.toml")
    stage.run("down bob --force")
    assert not kept.exists()
