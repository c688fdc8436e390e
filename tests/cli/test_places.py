"""`xats launch` in places of their own, and `xats down`, in a real tmux with players of the programs."""

import json
import os
import shlex
import shutil
import tempfile

import pytest

from tests.support.places import ENDS, staged
from tests.support.world import until
from xats.base import process
from xats.core.agents import agents
from xats.tmux import pane as panes
from xats.tmux import places

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")


@pytest.fixture
def stage(xats, tmp_path):
    with staged(xats, tmp_path) as made:
        yield made


def test_a_program_starts_in_a_window_of_its_own(stage, xats):
    out, err = stage.run("launch claude --name bob --role reviewer --window --env COLOUR=blue -- --model opus")
    found = stage.start()
    assert (found.state, found.place, found.generation) == ("running", "window", 1)
    assert f"bob started in pane {found.pane.pane_id} (claude-code), ready after" in out
    assert "xats attach bob" in err
    assert [one[1] for one in stage.panes() if one[2] == found.pane.pane_id] == ["bob"]
    assert stage.notes("args", found.pid).split()[-2:] == ["--model", "opus"]
    given = stage.notes("env", found.pid).splitlines()
    assert {"COLOUR=blue", "XATS_AGENT=bob@crew"} <= set(given)
    assert f"TMUX_PANE={found.pane.pane_id}" in given
    assert stage.notes("pwd", found.pid).strip() == str(xats.folder)
    listed = xats("agents", "--json").json()["agents"]
    assert [(one["name"], one["role"], one["online"]) for one in listed] == [("bob", "reviewer", True)]
    assert os.listdir(xats.home / "xats" / "launch") == []
    assert "blue" not in xats("events", "--since", "0", "--json").stdout


def test_what_runs_already_is_not_started_twice(stage):
    stage.run("launch claude --name bob --window")
    first = stage.start()
    _, err = stage.run("launch claude --name bob --split", code=4)
    assert f"bob already runs in pane {first.pane.pane_id} (pid {first.pid} on" in err
    assert stage.start() == first
    assert len(list(stage.folder.glob("args-*"))) == 1


@pytest.mark.parametrize("where", ["--split", "--session other", "--session keep"])
def test_the_other_places(stage, where):
    stage.run(f"launch claude --name bob {where} --json")
    out = json.loads((stage.folder / "out-1.out").read_text())
    found = stage.start()
    assert (out["start"]["state"], out["start"]["pid"]) == ("running", found.pid)
    assert out["agent"]["pane"]["pane_id"] == found.pane.pane_id
    session = next(one[0] for one in stage.panes() if one[2] == found.pane.pane_id)
    assert session == (where.partition(" ")[2] or "keep")


def test_a_dialog_needs_a_person_and_gets_no_prompt(stage, xats):
    stage.play("--dialog")
    out, err = stage.run("launch claude --name bob --window", code=4)
    found = stage.start()
    assert found.state == "needs_you"
    assert "needs you" in out
    assert "Do you want to proceed?" in err
    assert found.told_at is not None
    _, err = stage.run("down bob", code=4)
    assert "bob still runs: a dialog is open in its pane. Nothing was ended." in err
    assert "/exit" not in stage.got(found.pid)
    assert stage.start().state == "needs_you"
    stage.run("down bob --force")
    assert stage.start().state == "stopped"
    assert not process.alive(*found.process)
    assert found.pane.pane_id not in [one[2] for one in stage.panes()]


def test_a_first_prompt_is_an_argument_where_the_program_takes_one(stage):
    stage.run("launch claude --name bob --window --prompt 'Read the notes' -- --model opus")
    assert stage.notes("args", stage.start().pid).split("\n")[-5:-1] == ["--model", "opus", "--", "Read the notes"]


def test_one_word_is_no_command_of_the_program(stage):
    stage.run("launch claude --name bob --window --prompt update --resume 12-ab")
    args = stage.notes("args", stage.start().pid).split("\n")
    assert args[2:4] == ["--resume", "12-ab"]
    assert args[-3:-1] == ["--", " update"]


def test_a_first_prompt_is_typed_into_other_programs(stage, xats):
    clients = xats.home / "clients"
    clients.mkdir()
    (clients / "claude-code.toml").write_text('first_prompt = ""\n')
    clients.chmod(0o700)
    stage.run("launch claude --name bob --window --prompt 'Read the notes'", XATS_CLIENTS=str(clients))
    found = stage.start()
    assert found.prompt == "typed"
    assert "Read the notes" in stage.got(found.pid)
    assert os.listdir(xats.home / "xats" / "launch") == []


def test_a_first_prompt_is_typed_into_a_session_that_takes_none_as_an_argument(stage, xats):
    clients = xats.home / "clients"
    clients.mkdir(mode=0o700)
    (clients / "claude-code.toml").write_text("resume_takes_prompt = false\n")
    line = "launch claude --name bob --window --prompt 'Read the notes' --resume 12-ab"
    stage.run(line, XATS_CLIENTS=str(clients))
    found = stage.start()
    assert found.prompt == "typed"
    assert "Read the notes" in stage.got(found.pid)
    assert "Read the notes" not in stage.notes("args", found.pid)


def test_the_long_list_in_a_narrow_terminal(stage, xats):
    stage.run("launch claude --name a-name-of-some-length --window")
    for columns in ("40", "60", "80"):
        shown = xats.on_terminal("agents", "--long", env={"COLUMNS": columns, "NO_COLOR": "1"})
        assert "STATE" in shown
        assert "running" in shown
        assert "a-name-of-some-length" in "".join(line.split(" ")[0] for line in shown.splitlines()[1:])
        assert max(map(len, shown.splitlines())) <= int(columns)


def test_down_ends_the_program_in_its_own_way(stage, xats, crew):
    stage.play(ENDS)
    stage.run("launch claude --name bob --window")
    found = stage.start()
    xats("task", "add", "parse it", "--as", "alice")
    xats("task", "claim", "1", "--as", "bob")
    xats("lock", "take", "a.py", "--reason", "parse it", "--as", "bob")
    xats("turn", "join", "--as", "bob")
    xats("turn", "join", "--as", "alice")
    xats("turn", "take", "--as", "bob")
    (long,) = [one for one in xats("agents", "--long", "--json").json()["agents"] if one["name"] == "bob"]
    assert (long["crew"]["tasks"], long["crew"]["turns"], long["locks"]) == ([1], ["main"], 1)
    out, _ = stage.run("down bob")
    assert out == "bob stopped; open again: #1; unlocked: a.py; the turn is offered to alice\n"
    assert "/exit" in stage.got(found.pid)
    assert stage.start().state == "stopped"
    mail = xats("inbox", "--as", "alice", "--json").json()["messages"]
    assert any("bob was stopped" in one["subject"] for one in mail)
    assert stage.run("down bob")[0] == "bob does not run\n"
    stage.run("launch claude --name bob --window")
    assert stage.start().generation == 2


def test_a_pane_that_stays_after_a_signal_is_closed_at_once(stage):
    """tmux sees the end of a program a moment later than the one who has sent the signal."""
    for _ in range(10):
        pane = panes.find(stage.tmux.socket, stage.tmux.open("exec tail -f /dev/null"))
        places.keep(pane, always=False)
        os.kill(pane.pane_pid, 9)
        assert places.close_ended(pane)
        assert pane.pane_id not in [one[2] for one in stage.panes()]
    assert not places.close_ended(pane)


def test_down_all_ends_only_what_xats_has_started(stage, xats, crew):
    stage.play(ENDS)
    stage.run("launch claude --name bob --window")
    player = stage.tmux.compose()
    xats("register", "eve", "--pane", player.pane, "--client", "generic", env=stage.around)
    _, err = stage.run("down eve", code=4)
    assert "xats has not started the program of eve" in err
    out, _ = stage.run("down --all --yes --json")
    assert [(one["agent"], one["outcome"]) for one in json.loads(out)["agents"]] == [("bob@crew", "stopped")]
    assert process.started(player.pid) is not None


@pytest.mark.parametrize("how", ["", "--force"])
def test_down_leaves_a_program_alone_that_has_taken_the_name(stage, xats, how):
    """Neither the program that xats has started, which is no agent any more, nor the one that is the agent now."""
    stage.run("launch claude --name bob --window")
    found, player = stage.start(), stage.tmux.compose()
    words = ("register", "bob", "--pane", player.pane, "--client", "generic", "--takeover")
    xats(*words, env=stage.around)
    _, err = stage.run(f"down bob {how}", code=4)
    assert "xats did not start the program that runs as this agent now" in err
    assert process.alive(*found.process)
    assert process.started(player.pid) is not None
    assert (stage.got(found.pid), player.sent) == ("", [])


def test_down_types_nothing_at_a_draft(stage):
    stage.play("--draft 'half a line'")
    stage.run("launch claude --name bob --window")
    found = stage.start()
    _, err = stage.run("down bob", code=4)
    assert "bob still runs" in err
    assert "half-written" in err or "draft" in err or "composer" in err
    assert "/exit" not in stage.got(found.pid)


def test_an_agent_starts_and_ends_no_other_one(stage):
    stage.run("launch claude --name bob --window")
    for line in ("launch claude --name amy --window", "down bob --force"):
        _, err = stage.run(line, code=4, CLAUDECODE="1")
        assert "Only a person may" in err
    assert process.alive(*stage.start().process)


def test_a_person_goes_on_in_the_pane_that_an_agent_has_left(stage, xats):
    """An agent ran there before; the same shell starts and ends others."""
    stage.run("launch claude --name bob --window")
    player = stage.tmux.compose()
    xats("register", "eve", "--pane", player.pane, "--client", "generic", env=stage.around)
    left = {"TMUX": stage.around["TMUX"], "TMUX_PANE": player.pane}
    refused = xats("down", "bob", "--force", env=left, code=4)
    assert "Only a person may" in refused.stderr
    os.kill(player.pid, 9)
    until(lambda: process.started(player.pid) is None)
    assert xats("down", "bob", "--force", env=left).stdout == "bob stopped\n"
    assert "amy started" in xats("launch", "claude", "--name", "amy", "--session", "other", env=left).stdout


def test_a_program_that_ends_at_once_has_failed(stage, xats):
    stage.play(text="#!/bin/sh\necho no licence; exit 3\n")
    _, err = stage.run("launch claude --name bob --window", code=1)
    assert "bob did not start" in err
    found = stage.start()
    assert found.state == "failed"
    assert "no licence" in found.detail
    assert found.pane.pane_id in [one[2] for one in stage.panes() if one[3] == "1"]
    stage.play()
    stage.run("launch claude --name bob --window")
    assert stage.start().state == "running"
    assert found.pane.pane_id not in [one[2] for one in stage.panes()]  # the pane that had stayed


def test_a_pane_that_cannot_be_made_leaves_no_agent(stage, xats):
    _, err = stage.run("launch claude --name bob --window", code=2, TMUX="", TMUX_PANE="")
    assert "--session crew" in err
    xats("agents")
    assert stage.rows() == []


def test_a_missing_program_starts_nothing(stage, xats):
    (stage.bin / "claude").unlink()
    _, err = stage.run("launch claude --name bob --window", code=3)
    assert "There is no program claude in PATH" in err


def test_a_token_starts_one_program_only(stage, xats):
    """The command in the pane is run again, as by a person or a respawn."""
    stage.run("launch claude --name bob --window")
    found = stage.start()
    line = stage.tmux.cmd("display-message", "-p", "-t", found.pane.pane_id, "#{pane_start_command}")
    words = shlex.split(line.strip('"').replace("exec ", "", 1))
    stage.run(shlex.join(words[words.index("launch") :]), code=4)
    assert stage.start() == found
    assert len(list(stage.folder.glob("args-*"))) == 1


def test_the_daemon_watches_a_start_whose_command_has_ended(stage, xats, crew):
    """The command was killed; the dialog is answered later; the program ends on its own."""
    stage.play("--dialog")
    stage.run("launch claude --name bob --window", code=4)
    xats("daemon", "start")
    found = stage.start()
    file = os.open(f"{stage.folder}/log-{found.pid}.in", os.O_WRONLY | os.O_NONBLOCK)
    os.write(file, b"close\n")
    until(lambda: stage.start().state == "running", what="the daemon to see the composer")
    os.write(file, b"exit\n")
    os.close(file)
    until(lambda: stage.start().state == "stopped", what="the daemon to see the end")
    assert crew.see("bob", agents.current_session).seat.process == found.process


def test_a_prompt_that_can_never_be_typed_is_refused_at_once(stage, xats):
    clients = xats.home / "clients"
    clients.mkdir(mode=0o700)
    (clients / "claude-code.toml").write_text('first_prompt = ""\n')
    _, err = stage.run("launch claude --name bob --window --prompt '!rm x'", code=2, XATS_CLIENTS=str(clients))
    assert "The first prompt cannot be typed into claude-code" in err
    assert stage.rows() == []


def test_one_round_without_a_daemon_sees_the_end(stage, xats):
    stage.run("launch claude --name bob --window")
    found = stage.start()
    os.kill(found.pid, 9)
    until(lambda: process.ended(*found.process))

    def seen():  # tmux may not have seen it yet
        xats("deliver", "--once")
        return stage.start().state != "running"

    until(seen)
    assert (stage.start().state, stage.start().detail.split("\n")[0]) == ("failed", "ended by signal 9")
    assert not stage.start().waits


def test_two_places_exclude_each_other(xats):
    done = xats("launch", "claude", "--window", "--split", code=2)
    assert "--window and --split exclude each other" in done.stderr
    assert "A tmux session cannot have the name" in xats("launch", "claude", "--session", "a:b", code=2).stderr
    assert "--env does not take" in xats("launch", "claude", "--window", "--env", "1=2", code=2).stderr
    assert "--env does not take '=2'" in xats("launch", "claude", "--window", "--env", "=2", code=2).stderr
    assert "--cwd needs a folder" in xats("launch", "claude", "--window", "--cwd", "", code=2).stderr
    folder = xats.folder / "a\nb"
    folder.mkdir()
    assert "a line break in its name" in xats("launch", "claude", "--window", "--cwd", str(folder), code=4).stderr
    assert "so --env cannot" in xats("launch", "claude", "--window", "--env", "XATS_AGENT=x", code=2).stderr


# -- crashes, and several at once --------------------------------------------------------------------------------------


def hold_panes(stage):
    """Let no pane of a start begin until the file that this returns exists."""
    gate, shell = stage.folder / "gate", stage.bin / "slow-shell"
    shell.write_text(
        f'#!/bin/sh\ncase "$2" in *--start*) while [ ! -e {gate} ]; do sleep 0.05; done;; esac\nexec /bin/sh "$@"\n'
    )
    shell.chmod(0o700)
    stage.tmux.cmd("set-option", "-g", "default-shell", str(shell))
    return gate


def begin(stage, line, **env):
    """Run a line as `run` does, without waiting for it; return what tells whether it has ended."""
    stage.runs += 1
    done = stage.folder / f"bg-{stage.runs}.rc"
    variables = "".join(f"{name}={shlex.quote(value)} " for name, value in stage.xats.env(env).items())
    inner = f"{shlex.join(stage.xats.words)} {line} >{done}.out 2>{done}.err; echo $? >{done}"
    shell = f"cd {shlex.quote(str(stage.xats.folder))}; exec env -i TERM=$TERM TMUX=$TMUX TMUX_PANE=$TMUX_PANE "
    stage.tmux.cmd("new-window", "-d", "-t", "keep:", f"{shell}{variables}sh -c {shlex.quote(inner)}")
    return lambda: done.exists() and done.read_text().endswith("\n") and done.read_text().strip()


def test_a_variable_of_a_start_keeps_what_it_has_beside_the_hooks(stage):
    shutil.copy(stage.bin / "claude", stage.bin / "opencode")
    given = shlex.quote('OPENCODE_CONFIG_CONTENT={"model": "m"}')
    begin(stage, f"launch opencode --name bob --window --env {given}")
    until(lambda: (found := stage.start()) and found.pid and (stage.folder / f"pwd-{found.pid}").exists())
    given = stage.notes("env", stage.start().pid).splitlines()
    (line,) = [one for one in given if one.startswith("OPENCODE_CONFIG_CONTENT=")]
    content = json.loads(line.partition("=")[2])
    assert content["model"] == "m"
    assert len(content["plugin"]) == 1


def test_a_command_that_is_killed_before_it_calls_tmux_blocks_nobody(stage):
    stage.run("launch claude --name bob --window", code=137, XATS_FAULT="start.written")
    assert (stage.start().state, stage.start().pane) == ("starting", None)
    stage.run("launch claude --name bob --window")
    assert (stage.start().state, stage.start().generation) == ("running", 2)
    assert len(list(stage.folder.glob("args-*"))) == 1


def test_a_pane_whose_command_was_killed_is_found_and_not_made_again(stage):
    gate = hold_panes(stage)
    stage.run("launch claude --name bob --window", code=137, XATS_FAULT="start.made")
    assert stage.start().pane is None
    ended = begin(stage, "launch claude --name bob --window")
    said = stage.folder / f"bg-{stage.runs}.rc.err"
    until(lambda: said.exists() and "already being started" in said.read_text())
    gate.touch()
    assert until(ended) == "0"
    assert (stage.start().state, stage.start().generation) == ("running", 1)
    assert len(list(stage.folder.glob("args-*"))) == 1
    assert [one[1] for one in stage.panes()].count("bob") == 1


def test_what_goes_wrong_in_the_pane_is_said_by_the_command(stage, xats):
    """The program was removed in between; no agent is left that never ran."""
    gate = hold_panes(stage)
    ended = begin(stage, "launch claude --name bob --window")
    until(lambda: stage.start() and stage.start().pane)
    (stage.bin / "claude").unlink()
    gate.touch()
    assert until(ended) == "1"
    said = (stage.folder / f"bg-{stage.runs}.rc.err").read_text()
    assert "bob did not start: There is no program claude in PATH" in said
    assert stage.rows() == []
    assert xats("agents", "--json").json()["agents"] == []
    assert os.listdir(xats.home / "xats" / "launch") == []


def test_two_commands_at_once_start_one_program(stage):
    gate = hold_panes(stage)
    both = [begin(stage, "launch claude --name bob --window") for _ in range(2)]
    until(lambda: any(one() == "4" for one in both), what="one of them to be refused")
    gate.touch()
    assert sorted(until(one) for one in both) == ["0", "4"]
    assert len(list(stage.folder.glob("args-*"))) == 1
    assert [one[1] for one in stage.panes()].count("bob") == 1


def test_the_daemon_types_the_first_prompt_of_a_program_in_this_pane(stage, xats):
    clients = xats.home / "clients"
    clients.mkdir(mode=0o700)
    (clients / "claude-code.toml").write_text('first_prompt = ""\n')
    xats.environ["XATS_CLIENTS"] = str(clients)
    xats("daemon", "start")
    variables = "".join(f"{name}={shlex.quote(value)} " for name, value in xats.env(None).items())
    line = f"{variables}{shlex.join(xats.words)} launch claude --name bob --prompt 'Read the notes'"
    shell = f"cd {shlex.quote(str(xats.folder))}; exec env -i TERM=$TERM TMUX=$TMUX TMUX_PANE=$TMUX_PANE {line}"
    stage.tmux.cmd("new-window", "-d", "-t", "keep:", shell)
    until(lambda: stage.start() and stage.start().prompt == "typed", what="the daemon to type the prompt")
    assert "Read the notes" in stage.got(stage.start().pid)
    assert (stage.start().place, stage.start().state) == ("pane", "running")


def test_a_demo_agent_in_a_place_of_its_own(stage, xats):
    """It registers itself, waits at a prompt, and ends by the word quit."""
    clients = xats.home / "clients"
    clients.mkdir(mode=0o700)
    (clients / "demo.toml").write_text('executables = ["demo-agent"]\nquit = "quit"\n')
    xats.environ["XATS_CLIENTS"] = str(clients)
    program = stage.bin / "demo-agent"
    program.write_text(f"#!/bin/sh\nexec {shlex.join(xats.words)} demo-agent bob\n")
    program.chmod(0o700)
    stage.run("launch demo --name bob --window --prompt 'noise 0.2'")
    found = stage.start()
    assert (found.state, found.prompt) == ("running", "typed")
    until(lambda: "done" in stage.tmux.text(found.pane.pane_id))
    assert stage.run("down bob")[0] == "bob stopped\n"


def test_a_session_in_a_server_that_does_not_run_yet(stage, xats):
    """Outside tmux, after a boot: not even the folder of the socket is there."""
    folder = tempfile.mkdtemp(prefix="xq", dir="/tmp")
    socket = os.path.join(folder, f"tmux-{os.getuid()}", "default")
    try:
        done = xats("launch", "claude", "--name", "bob", "--session", "crew", env={"TMUX_TMPDIR": folder})
        found = stage.start()
        assert f"bob started in pane {found.pane.pane_id}" in done.stdout
        assert (found.state, found.pane.socket) == ("running", socket)
        assert xats("launch", "claude", "--name", "amy", "--window", code=2).stderr.count("--session crew") == 1
    finally:
        stage.reap()
        tmux_words = ["tmux", "-S", socket, "kill-server"]
        xats.run(tmux_words)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_start_on_another_machine_is_left_alone(stage, xats, crew):
    """Its process cannot be known from here."""
    stage.play(ENDS)
    stage.run("launch claude --name bob --window")
    crew.store.write(lambda tx: tx.run("update starts set host = 'elsewhere', host_name = 'far'"))
    _, err = stage.run("launch claude --name bob --window", code=4)
    assert "on far, state running" in err
    assert "if far is gone: xats launch --takeover" in err
    _, err = stage.run("down bob --force", code=4)
    assert "bob was started on far" in err
    assert process.alive(*stage.start().process)


@pytest.mark.parametrize("how", ["", "--force"])
def test_a_store_that_several_machines_share(stage, xats, database, how, monkeypatch):
    """What the rows say counts only where this machine itself has recorded it."""
    monkeypatch.setenv("XATS_HOME", xats.environ["XATS_HOME"])
    xats.path = xats.environ["XATS_DB"] = database.empty()
    clients = xats.home / "clients"
    clients.mkdir(mode=0o700)
    (clients / "claude-code.toml").write_text('first_prompt = ""\n')
    xats.environ["XATS_CLIENTS"] = str(clients)
    stage.play("" if how else ENDS)
    stage.run("launch claude --name bob --window" + (" --prompt 'Read the notes'" if how else ""))
    found = stage.start()
    assert (found.state, found.prompt) == ("running", "typed" if how else None)
    assert stage.run(f"down bob {how}")[0] == "bob stopped\n"
    assert not process.alive(*found.process)
