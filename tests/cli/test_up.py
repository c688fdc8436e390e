"""`xats up` in a real tmux, with players of the programs."""

import json
import os
import shutil
import signal
import subprocess

import psutil
import pytest

from tests.support.places import ENDS, staged
from tests.support.world import until
from xats.base import process
from xats.core.agents import agents

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")


@pytest.fixture
def stage(xats, tmp_path):
    with staged(xats, tmp_path) as made:
        yield made


def file(stage, text, *, trust=True):
    (stage.xats.folder / "xats.toml").write_text(text)
    if trust:
        stage.xats("trust")


def names(stage):
    return sorted(one.agent.name for one in stage.rows() if one.state == "running")


def starts(stage):
    """Return how often a program was started."""
    return len(list(stage.folder.glob("args-*")))


THREE = """
[agents.lead]
program = "claude"
role = "planner"
args = ["--model", "opus"]
env = { COLOUR = "blue" }

[agents.worker]
program = "claude"
count = 2
tags = ["dev"]
prompt = "Wait for mail"
"""


def test_a_crew_starts_together(stage, xats):
    file(stage, THREE)
    out, _ = stage.run("up")
    assert names(stage) == ["lead", "worker-1", "worker-2"]
    lines = sorted(out.splitlines())
    assert [line.partition(" in pane")[0] for line in lines] == ["lead started", "worker-1 started", "worker-2 started"]
    found = stage.start("lead")
    assert found.crew_file == str(xats.folder / "xats.toml")
    assert stage.notes("args", found.pid).split()[-2:] == ["--model", "opus"]
    assert "COLOUR=blue" in stage.notes("env", found.pid).splitlines()
    assert "Wait for mail" in stage.notes("args", stage.start("worker-1").pid)
    listed = {one["name"]: one for one in xats("agents", "--json").json()["agents"]}
    assert (listed["lead"]["role"], listed["worker-2"]["tags"]) == ("planner", ["dev"])
    assert os.listdir(xats.home / "xats" / "launch") == []
    assert os.listdir(xats.home) == ["xats"]  # no settings of a program
    given = " ".join(path.read_text() for path in stage.folder.glob("args-*"))
    assert not any(word in given for word in ("permission", "yolo", "dangerous", "approv"))
    said = [xats("events", "--since", "0", "--json").stdout, xats("up", "--json", env=stage.around).stdout]
    assert not any("blue" in one for one in said)
    out, _ = stage.run("up")
    assert [line.partition(" in pane")[0] for line in sorted(out.splitlines())] == [
        "lead runs already",
        "worker-1 runs already",
        "worker-2 runs already",
    ]
    assert starts(stage) == 3


def test_some_of_a_crew(stage):
    file(stage, THREE)
    stage.run("up worker-2")
    assert names(stage) == ["worker-2"]
    stage.run("up WORKER")
    assert names(stage) == ["worker-1", "worker-2"]
    _, err = stage.run("up workr", code=3)
    assert "has no agent workr. Nothing was started." in err
    assert "did you mean worker?" in err


def test_what_up_would_do(stage, xats):
    text = THREE + '[agents.ghost]\nprogram = ["no-such-program"]\n'
    file(stage, text, trust=False)
    out, _ = stage.run("up --dry-run", code=1)
    assert f"lead would start in a window of its own:\n  {stage.bin}/claude --model opus\n" in out
    assert "ghost failed: There is no program no-such-program in PATH" in out
    assert not os.path.exists(xats.path)
    file(stage, text)
    stage.run("up lead")
    said = json.loads(stage.run("up lead --dry-run --restart --json")[0])
    assert [(one["agent"], one["outcome"]) for one in said["agents"]] == [("lead@crew", "would_restart")]
    assert (said["dry_run"], starts(stage)) == (True, 1)


def test_lower_orders_start_first(stage):
    file(stage, '[agents.b]\nprogram = "claude"\norder = 2\n[agents.a]\nprogram = "claude"\norder = 1\n')
    out, _ = stage.run("up")
    assert [line.split()[0] for line in out.splitlines()] == ["a", "b"]
    first, second = stage.start("a"), stage.start("b")
    assert first.state_at <= second.created_at


def test_one_that_cannot_start_does_not_hold_up_the_others(stage):
    file(stage, THREE + '[agents.ghost]\nprogram = "codex"\norder = -1\n')
    out, err = stage.run("up", code=1)
    assert "ghost failed: There is no program codex in PATH" in out
    assert "npm install -g @openai/codex" in err
    assert names(stage) == ["lead", "worker-1", "worker-2"]


def test_a_program_that_ends_without_an_error_before_it_is_ready_is_not_restarted(stage):
    """tmux closes its pane, so there is none in which it could start again."""
    file(stage, '[agents.bob]\nprogram = ["true"]\n')
    out, err = stage.run("up", code=1)
    assert "bob failed: before it was ready, the program ended with exit 0" in out
    assert "its last screen is in pane" not in err
    assert (stage.start().state, stage.start().waits) == ("failed", False)


def test_a_dialog_needs_a_person(stage):
    file(stage, THREE)
    stage.play("--dialog")
    out, err = stage.run("up lead --json", code=4)
    (lead,) = json.loads(out)["agents"]
    assert (lead["outcome"], lead["start"]["state"]) == ("needs_you", "needs_you")
    assert "Do you want to proceed?" in lead["reason"]
    stage.play()
    out, err = stage.run("up", code=4)
    assert "lead needs you in pane" in out
    assert "Do you want to proceed?" in err
    assert "xats attach lead" in err
    assert names(stage) == ["worker-1", "worker-2"]
    found = stage.start("lead")
    handle = os.open(f"{stage.folder}/log-{found.pid}.in", os.O_WRONLY | os.O_NONBLOCK)
    os.write(handle, b"close\n")
    os.close(handle)
    until(lambda: "Do you want" not in stage.tmux.text(found.pane.pane_id))
    out, _ = stage.run("up")
    assert "lead runs already" in out


def test_restart_ends_and_starts(stage):
    file(stage, THREE)
    stage.play(ENDS)
    stage.run("up")
    before = stage.start("lead")
    stage.run("up lead --restart")
    after = stage.start("lead")
    assert not process.alive(*before.process)
    assert (after.state, after.generation) == ("running", 2)
    assert before.pane.pane_id not in [one[2] for one in stage.panes()]
    assert starts(stage) == 4


def test_restart_leaves_a_draft_alone_and_goes_on(stage):
    file(stage, '[agents.a]\nprogram = "claude"\n[agents.b]\nprogram = "claude"\n')
    stage.play("--draft 'half a line'")
    stage.run("up a")
    stage.play(ENDS)
    stage.run("up b")
    held = stage.start("a")
    out, err = stage.run("up --restart", code=4)
    assert "a left alone: " in out
    assert "xats attach a" in err
    assert (stage.start("a").token, stage.start("a").state) == (held.token, "running")
    assert process.alive(*held.process)
    assert stage.start("b").generation == 2


def test_restart_ends_nothing_that_cannot_start_again(stage):
    file(stage, THREE)
    stage.play(ENDS)
    stage.run("up lead")
    (stage.bin / "claude").unlink()
    out, _ = stage.run("up lead --restart", code=4)
    assert "lead left alone: There is no program claude in PATH" in out
    assert process.alive(*stage.start("lead").process)


def test_what_has_registered_itself_is_left_alone(stage, xats):
    file(stage, THREE)
    player = stage.tmux.compose()
    xats("register", "lead", "--pane", player.pane, "--client", "generic", env=stage.around)
    out, _ = stage.run("up lead")
    assert f"lead runs already: xats did not start it (pid {player.pid}, pane {player.pane})" in out
    out, _ = stage.run("up lead --restart", code=4)
    assert "lead left alone: xats did not start it" in out
    assert process.started(player.pid) is not None
    assert starts(stage) == 0


def test_four_at_once_start_nobody_twice(stage, xats, engine, request, monkeypatch):
    if engine == "postgres":
        monkeypatch.setenv("XATS_HOME", xats.environ["XATS_HOME"])
        xats.path = xats.environ["XATS_DB"] = request.getfixturevalue("database").empty()
    file(stage, THREE)
    env = {**stage.around}
    running = [xats.start("up", env=env) for _ in range(4)]
    said = [xats.end(one) for one in running]
    assert [one.code for one in said] == [0] * 4, said
    assert names(stage) == ["lead", "worker-1", "worker-2"]
    assert starts(stage) == 3
    assert sum(one.stdout.count(" started") for one in said) == 3
    assert len([one for one in stage.panes() if one[1].startswith(("lead", "worker"))]) == 3


@pytest.mark.parametrize("point", ["start.written", "start.made", "start.made#2", "start.made#3", "start.placed"])
def test_up_after_a_killed_one(stage, point):
    file(stage, THREE)
    stage.run("up", code=137, XATS_FAULT=point)
    stage.run("up")
    assert names(stage) == ["lead", "worker-1", "worker-2"]
    until(lambda: starts(stage) == 3)
    windows = [one[1] for one in stage.panes()]
    assert [windows.count(name) for name in ("lead", "worker-1", "worker-2")] == [1, 1, 1]


def test_up_waits_for_what_a_killed_one_has_begun(stage, xats):
    """The other command is stopped between its rows and its panes, and killed while this one waits."""
    file(stage, THREE)
    stops = {"XATS_FAULT": "start.written", "XATS_FAULT_SIGNAL": str(signal.SIGSTOP.value)}
    held = xats.start("up", env={**stage.around, **stops})
    until(lambda: psutil.Process(held.pid).status() == psutil.STATUS_STOPPED)
    said = stage.folder / "waits"
    with said.open("w") as text:
        waits = xats.start("up", env=stage.around, stderr=text)
    until(lambda: "waiting until lead, worker-1, worker-2 are ready" in said.read_text())
    held.kill()
    done = xats.end(waits)
    assert done.code == 0, (done, said.read_text())
    assert names(stage) == ["lead", "worker-1", "worker-2"]
    assert starts(stage) == 3


def test_a_person_who_starts_a_crew_gets_the_mail_about_it(stage, xats):
    """Nobody is registered before."""
    file(stage, '[agents.bob]\nprogram = "claude"\nrestart = "never"\n')
    _, err = stage.run("up")
    assert "from now on; your mail: xats inbox" in " ".join(err.split())
    (person,) = (one for one in xats("agents", "--json").json()["agents"] if one["client"] == "human")
    started_by = stage.start().started_by
    assert started_by is not None
    store = xats.store()
    try:
        assert store.read(lambda tx: agents.by_id(tx, started_by)).name == person["name"]
    finally:
        store.close()


def test_ctrl_c_leaves_the_rest_to_the_daemon(stage):
    file(stage, THREE + '[agents.late]\nprogram = "claude"\norder = 1\n')
    _, err = stage.run("up", code=130, XATS_FAULT="start.placed", XATS_FAULT_SIGNAL="2")
    assert "Interrupted." in err
    assert "Not started: late." in err
    assert "The daemon goes on watching lead, worker-1, worker-2." in " ".join(err.split())


def test_ctrl_c_before_there_is_a_pane_starts_nothing(stage):
    file(stage, THREE)
    _, err = stage.run("up", code=130, XATS_FAULT="start.written", XATS_FAULT_SIGNAL="2")
    assert "The daemon" not in err
    assert "Not started: lead, worker-1, worker-2." in " ".join(err.split())
    assert stage.rows() == []


def test_a_command_as_a_list(stage, xats):
    """A demo agent registers itself, and gets its first prompt typed."""
    words = json.dumps([*xats.words, "demo-agent", "bob"])
    file(stage, f'[agents.bob]\nprogram = {words}\nprompt = "noise 0.2"\n')
    stage.run("up")
    found = stage.start()
    assert (found.state, found.client, found.prompt) == ("running", "generic", "typed")
    until(lambda: "done" in stage.tmux.text(found.pane.pane_id))


def test_a_known_program_by_its_path(stage):
    tools = stage.xats.folder / "tools"
    tools.mkdir()
    shutil.move(stage.bin / "claude", tools / "claude")
    file(stage, '[agents.bob]\nprogram = ["./tools/claude", "--fast"]\nargs = ["--model", "opus"]\n')
    stage.run("up")
    found = stage.start()
    assert (found.state, found.client) == ("running", "claude-code")
    assert stage.notes("args", found.pid).split()[-3:] == ["--fast", "--model", "opus"]


def git(folder, *words):
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


def repository(top):
    (top / "web").mkdir()
    (top / "web" / "a.txt").write_text("one\n")
    git(top, "init", "-q", "-b", "main")
    git(top, "add", "-A")
    git(top, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first")


def test_worktrees_side_by_side(stage, xats):
    top = xats.folder
    repository(top)
    file(stage, '[agents.w]\nprogram = "claude"\ncount = 2\nworktree = true\ncwd = "web"\n')
    running = [xats.start("up", env=stage.around) for _ in range(3)]
    said = [xats.end(one) for one in running]
    assert [one.code for one in said] == [0] * 3, said
    for name in ("w-1", "w-2"):
        found = stage.start(name)
        assert found.worktree == str(top / ".worktrees" / name)
        assert found.branch == f"xats/{name}"
        assert stage.notes("pwd", found.pid).strip() == f"{found.worktree}/web"
    assert starts(stage) == 2


def test_splits_share_a_small_window(stage):
    words = json.dumps(["sh", "-c", "printf '> '; exec cat"])
    file(stage, f'[agents.w]\nprogram = {words}\ncount = 6\nplace = "split"\n')
    stage.run("up")
    assert len(names(stage)) == 6


def test_outside_tmux_a_session_is_made(stage, xats):
    file(stage, THREE + '[agents.own]\nprogram = "claude"\nplace = "session:other"\n')
    done = xats("up", "--json", env={"TMUX_TMPDIR": str(stage.folder)}, code=None)
    try:
        assert done.code == 0, done
        panes = [one["start"]["pane"] for one in done.json()["agents"]]
        (socket,) = {one["socket"] for one in panes}
        listed = xats.run(["tmux", "-S", socket, "list-panes", "-a", "-F", "#{session_name}"]).stdout.decode()
        assert sorted(listed.split()) == ["crew", "crew", "crew", "other"]
    finally:
        stage.reap()
        xats.run(["tmux", "-S", os.path.join(stage.folder, f"tmux-{os.getuid()}", "default"), "kill-server"])


def test_a_program_that_has_outlived_its_pane_is_named(stage):
    words = json.dumps(["sh", "-c", "trap '' HUP; printf '> '; while :; do sleep 0.1; done"])
    file(stage, f"[agents.w]\nprogram = {words}\n")
    stage.run("up")
    first = stage.start("w")
    stage.tmux.cmd("kill-pane", "-t", first.pane.pane_id)
    out, err = stage.run("up", code=4)
    assert f"w left alone: its pane {first.pane.pane_id} is gone, and its program runs on (pid {first.pid})" in out
    assert "xats down w --force" in err
    stage.run("down w --force")
    stage.run("up")
    assert names(stage) == ["w"]
    assert stage.start("w").pid != first.pid


def test_no_crew_file(stage):
    _, err = stage.run("up", code=3)
    assert "has no xats.toml" in err


def test_an_agent_starts_nothing_that_no_person_trusts(stage):
    file(stage, THREE, trust=False)
    stage.run("up", code=4, CLAUDECODE="1")
    assert starts(stage) == 0


def test_an_agent_restarts_nobody(stage):
    file(stage, THREE)
    stage.run("up lead")
    _, err = stage.run("up lead --restart", code=4, CLAUDECODE="1")
    assert "Only a person may end the program of an agent" in err
    assert starts(stage) == 1


@pytest.mark.parametrize("point", ["worktree.made", "worktree.made#2"])
def test_a_worktree_that_a_killed_command_has_made_is_used(stage, xats, point):
    repository(xats.folder)
    file(stage, '[agents.w]\nprogram = "claude"\ncount = 2\nworktree = true\n')
    stage.run("up", code=137, XATS_FAULT=point)
    stage.run("up")
    assert names(stage) == ["w-1", "w-2"]
    assert starts(stage) == 2
