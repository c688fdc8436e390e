"""Inside a sandbox, as Claude Code makes one with bubblewrap: what cannot be seen is not judged."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.support.world import World
from xats.base import host, process, sandbox
from xats.cli.agents import seat
from xats.core.agents.agents import Seat
from xats.tmux import pane as panes

BWRAP = ("bwrap", "--new-session", "--die-with-parent", "--dev", "/dev", "--unshare-pid", "--proc", "/proc")
READING, WRITING = ("--ro-bind", "/", "/"), ("--bind", "/", "/")
CLAUDE = {"SANDBOX_RUNTIME": "1"}  # what Claude Code 2.1.332 sets for its tools


def works() -> bool:
    try:
        return (
            subprocess.run([*BWRAP[:1], *READING, "true"], capture_output=True, timeout=20, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


needs_bwrap = pytest.mark.skipif(not works(), reason="bubblewrap cannot make a sandbox here")


@pytest.fixture
def inside(xats):
    """Run xats in a sandbox; `how` are the mounts."""

    def run(*words, how=READING, env=CLAUDE, code=0):
        done = xats.run([BWRAP[0], *how, *BWRAP[1:], *xats.words, *words], env=env)
        assert done.returncode == code, done
        return done.stdout.decode(), done.stderr.decode()

    return run


# -- what is refused ---------------------------------------------------------------------------------------------------


@needs_bwrap
@pytest.mark.parametrize(
    "env, name, setting",
    [
        (CLAUDE, "Claude Code's sandbox", '{"sandbox": {"filesystem": {"allowWrite": ["FOLDER"]}}}'),
        ({"CODEX_SANDBOX_NETWORK_DISABLED": "1"}, "Codex's sandbox", 'writable_roots = ["FOLDER"]'),
        ({}, "bubblewrap", "bwrap --bind FOLDER FOLDER"),
    ],
)
def test_a_refused_write_names_the_sandbox_and_the_setting(crew, inside, env, name, setting):
    for words in (["send", "bob", "hi", "--as", "alice"], ["register", "carol"]):
        out, err = inside(*words, env=env, code=1)
        assert (out, f"This command runs in {name}." in err) == ("", True)
        assert setting.replace("FOLDER", os.path.dirname(crew.store.path)) in err


@needs_bwrap
def test_a_store_that_cannot_be_made_names_it_too(xats, inside):
    _, err = inside("register", "bob", code=1)
    assert "cannot be created: Read-only file system. This command runs in Claude Code's sandbox." in err
    _, err = inside("register", "bob", "--no-pane", how=(*READING, "--tmpfs", str(xats.home)))
    assert "is a new store in Claude Code's sandbox; agents outside may use another one" in err
    assert not os.path.exists(xats.path)


@needs_bwrap
@pytest.mark.parametrize("words", [["deliver", "--once"], ["daemon", "start"], ["daemon", "run"]])
def test_nothing_is_delivered_from_inside(crew, inside, words):
    crew.send("alice", "bob")
    _, err = inside(*words, how=WRITING, code=4)
    assert "Claude Code's sandbox" in err
    assert crew.rows("select state, attempts from wakes") == [{"state": "queued", "attempts": 0}]


# -- the view of an agent outside --------------------------------------------------------------------------------------


def seated(crew, name="bob", session=None, **changes):
    me = os.getpid()
    seat = Seat(host.id(), me, process.started(me), session)
    return crew.register(name, seat=seat, client="generic", **changes).details.session


def now(crew, name="bob"):
    found = crew.rows(
        "select s.pid, s.epoch, s.host from sessions s join agents a on a.id = s.agent_id "
        "where a.name = :name and s.ended_at is null",
        name=name,
    )
    return found[0]


@needs_bwrap
def test_an_agent_outside_keeps_its_seat(crew, inside):
    seated(crew)
    before = now(crew)
    _, err = inside("register", "bob", how=WRITING, code=4)
    assert "bob is registered outside this sandbox, and nothing here shows that you are bob." in err
    assert now(crew) == before
    inside("register", "bob", "--role", "tester", how=WRITING, env={**CLAUDE, "XATS_AGENT": "bob"})
    assert now(crew) == before
    assert crew.agent("bob").role == "tester"


@needs_bwrap
def test_the_same_session_keeps_the_process_that_was_seen_outside(crew, inside):
    seated(crew, session="s-1")
    before = now(crew)
    inside("register", "bob", how=WRITING, env={**CLAUDE, "CLAUDE_CODE_SESSION_ID": "s-1"})
    assert now(crew) == before


@needs_bwrap
def test_an_agent_outside_is_not_called_gone(crew, inside):
    seated(crew)
    out, _ = inside("agents", "--as", "alice", how=WRITING)
    assert "ended" not in out
    assert "gone" not in out


@needs_bwrap
def test_without_proc_nobody_is_called_gone_either(xats, crew):
    seated(crew)
    before = now(crew)
    for proc in (("--tmpfs", "/proc"), ("--ro-bind", "/proc", "/proc")):  # none, and that of the machine
        words = ["bwrap", *WRITING, "--dev", "/dev", "--unshare-pid", *proc, *xats.words]
        done = xats.run([*words, "agents", "--as", "alice"], env=CLAUDE)
        assert done.returncode == 0, done
        assert b"ended" not in done.stdout
        done = xats.run([*words, "register", "bob"], env=CLAUDE)
        assert (done.returncode, b"bob is registered outside this sandbox" in done.stderr) == (4, True), done
    assert now(crew) == before


@needs_bwrap
def test_one_that_sits_in_a_sandbox_is_told_that_nothing_wakes_it(crew, inside):
    out, err = inside("register", "carol", "--client", "claude-code", how=WRITING)
    assert out.startswith("carol registered in team crew")
    assert "carol is in Claude Code's sandbox, from which xats sees neither its pane nor its process" in err
    assert "nothing wakes it. Try outside the sandbox: xats register carol --team crew --pane %N" in err
    assert (now(crew, "carol")["pid"], now(crew, "carol")["host"]) == (None, host.machine())


# -- tmux --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world():
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    made = World()
    try:
        yield made
    finally:
        made.close()


@needs_bwrap
def test_doctor_claims_nothing_about_what_the_sandbox_hides(world):
    tmux = world.tmux()
    bob = tmux.compose()
    world.register("bob", bob)
    for mounts in ((*WRITING,), (*WRITING, "--tmpfs", world.folder, "--bind", world.home, world.home)):
        words = [sys.executable, "-P", "-m", "xats", "doctor"]
        done = subprocess.run(
            [BWRAP[0], *mounts, *BWRAP[1:], *words],
            env={**world.env, **CLAUDE},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert "this command runs in Claude Code's sandbox" in done.stdout, done
        assert "xats unregister" not in done.stdout
        assert " is gone" not in done.stdout
    assert "this command cannot see the panes of bob@t" in done.stdout


@pytest.mark.parametrize("client, told", [("generic", True), ("claude-code", False)])
def test_a_program_behind_another_terminal_is_told_at_register(world, until, client, told):
    """As behind the pseudo-terminal of a sandbox, of script, or of docker exec."""
    tmux = world.tmux()
    done = os.path.join(world.folder, "said")
    register = shlex.join([sys.executable, "-P", "-m", "xats", "register", "bob", "--client", client])
    inner = f"{register} >{done} 2>&1; : >{done}.end; sleep 600"
    spawn = f"import pty; pty.spawn(['sh', '-c', {inner!r}])"
    environ = [f"{name}={value}" for name, value in world.env.items() if name.startswith("XATS_")]
    tmux.open("exec " + shlex.join(["env", *environ, sys.executable, "-c", spawn]))
    until(lambda: os.path.exists(done + ".end"), 30)
    with open(done) as file:
        said = file.read()
    assert "bob registered" in said
    assert ("no line is typed for it" in said) == told  # the composer of a known one decides


def test_a_known_program_on_another_terminal_than_its_pane(world, monkeypatch):
    """As Claude Code behind the terminal of a sandbox: it is the nearest agent program, and is not in the pane."""
    tmux = world.tmux()
    bob = tmux.compose()
    other = tmux.compose()
    world.register("bob", bob)
    found = next(one for one in world.rows("select * from sessions") if one["pane_id"] == bob.pane)
    pane = panes.find(tmux.socket, other.pane)
    assert seat.other_terminal(Seat("h", found["pid"], found["pid_started"], None, pane)).pid == found["pid"]
    own = panes.find(tmux.socket, bob.pane)
    assert seat.other_terminal(Seat("h", found["pid"], found["pid_started"], None, own)) is None


# -- the signs ---------------------------------------------------------------------------------------------------------


def test_no_sandbox_is_seen_where_there_is_none():
    assert sandbox.around({}) is None
    assert not sandbox.hides_processes()


@pytest.mark.parametrize("name", sandbox.VARIABLES)
def test_the_variables_name_it(name):
    found = sandbox.around({name: "1"})
    assert found and found.name == sandbox.VARIABLES[name]
    assert "/a/store" in found.writing("/a/store")
