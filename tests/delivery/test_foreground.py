"""Keys go to the registered program alone: it and what it runs through count as one, and nobody else may read them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from tests import support
from tests.daemon.test_early import Player
from tests.delivery.conftest import HERE, until
from tests.support.stagehand import play, play_in_bash
from xats.base import process, program, python
from xats.tmux import guards, pane, terminal

NOBODY = 65534
ROOT = os.path.dirname(os.path.dirname(HERE))


def found(role, **changes) -> guards.Found:
    given = {"program": program.of(role.pid), **changes}
    return guards.foreground(role.pane, role.client, guards.Expected(**given))


def shell(role, command: str) -> int:
    """Have the player run `command` on its terminal; return the pid of what it has become."""
    role.do(f"run {command}")
    return until(lambda: next((one.pid for one in process.descendants(role.pid) if one.name != "sh"), 0))


# -- what counts as one with the registered program --------------------------------------------------------------------


@pytest.mark.parametrize("wrap", ["exec {}", "{}", "sh -c 'true; {}; true'"])
def test_the_shells_that_it_was_started_by_count_as_one_with_it(desk, wrap):
    role = play(desk, "readline", wrap=wrap)
    assert found(role) == guards.Found(None)


def test_the_shell_in_which_a_person_started_it_counts_as_one_with_it(desk):
    role = play_in_bash(desk, "readline")
    assert found(role) == guards.Found(None)


def test_a_program_that_starts_itself_once_more_counts_as_one_with_it(desk):
    again = "import os, sys; sys.argv.pop(1) if os.fork() else 0; os.wait() if sys.argv[1:] == [] else input()"
    where = desk.open(shlex.join(["exec", sys.executable, "-c", again, "x"]))
    until(lambda: len(process.foreground(where.pane_pid)) == 2)
    assert guards.foreground(where, (where.pane_pid, process.started(where.pane_pid))) == guards.Found(None)


AGENT = """#!{python}
import os, runpy, sys
os.system({register!r})
sys.argv[1:] = [{log!r}]
runpy.run_path({player!r}, run_name="__main__")
"""
RUN = "import subprocess, sys; subprocess.call(sys.argv[1:])"
WRAPPERS = {
    "npx": ["npx", "--offline", "--yes"],
    "python": [sys.executable, "-c", RUN],
    "sh": ["sh", "-c", 'true; "$0"; true'],
    "python and sh": [sys.executable, "-c", RUN, "sh", "-c", 'true; "$0"; true'],
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_program_that_registered_itself_is_woken_through_its_wrapper(world, wrapper):
    """The wrapper stays as the parent of the program, and was there when that registered itself."""
    if not shutil.which(WRAPPERS[wrapper][0]):
        pytest.skip(f"there is no {wrapper}")
    world.register("alice")
    tmux, log = world.tmux(), os.path.join(world.folder, "log")
    folder = os.path.join(world.folder, "agent")
    path = os.path.join(folder, "agent")
    os.makedirs(folder)
    with open(os.path.join(folder, "package.json"), "w") as file:
        json.dump({"name": "agent", "version": "1.0.0", "bin": {"agent": "agent"}}, file)
    register = shlex.join([sys.executable, "-m", "xats", "register", "bob", "--client", "generic"])
    with open(path, "w") as file:
        player = os.path.join(support.FOLDER, "players.py")
        file.write(AGENT.format(python=sys.executable, register=register, log=log, player=player))
    os.chmod(path, 0o755)
    env = {name: value for name, value in world.env.items() if name.startswith("XATS_")}
    env |= {"npm_config_cache": f"{world.folder}/npm", "HOME": world.folder}
    words = ["env", *(f"{name}={value}" for name, value in env.items()), *WRAPPERS[wrapper]]
    where = tmux.open(f"cd {ROOT} && exec {shlex.join([*words, folder if wrapper == 'npx' else path])}")
    bob = Player(tmux, where, log)
    pane_pid = int(tmux.cmd("display-message", "-p", "-t", where, "#{pane_pid}"))
    assert bob.pid != pane_pid
    world.send("bob")
    world.xats("deliver", "--once")
    assert (world.wake()["state"], len(bob.sent)) == ("delivered", 1)
    bob.do("run exec cat")
    world.send("bob", "again")
    world.xats("deliver", "--once")
    assert (world.wake()["reason"], len(bob.sent)) == ("child_foreground", 1)


# -- what does not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["exec cat", "exec sleep 1h </dev/null 3</dev/tty", "exec sleep 1h </dev/null 7<$(tty)"]
)
def test_a_child_that_has_the_terminal_as_its_input(desk, command):
    role = play(desk, "readline")
    role.tell(f"run tty=$(tty); {command.replace('$(tty)', '$tty')}")
    until(lambda: found(role).by)
    seen = found(role)
    name = command.split()[1]
    assert seen.reason == "child_foreground"
    until(lambda: found(role).detail == f"{name} (pid {found(role).by[0]}) reads this terminal")
    role.do("stop")
    assert found(role) == guards.Found(None)


@pytest.mark.parametrize(
    "command", ["exec sleep 1h </dev/null", "exec sleep 1h </dev/null 3>/dev/tty", "cat </dev/null; exec sleep 1h <&-"]
)
def test_a_child_that_has_the_terminal_only_as_its_output_is_not_in_the_way(desk, command):
    role = play(desk, "readline")
    pid = shell(role, command)
    until(lambda: process.read(pid) is None or process.read(pid).name == "sleep")
    assert found(role) == guards.Found(None)
    role.do("stop")


def test_a_password_prompt_of_the_program_itself(desk):
    where = desk.open(shlex.join(["exec", sys.executable, "-c", "import getpass; getpass.getpass()"]))
    until(lambda: terminal.mode(where) == "silent")
    client = (where.pane_pid, process.started(where.pane_pid))
    assert guards.foreground(where, client).reason == "child_foreground"


@pytest.mark.skipif(not process.LINUX, reason="only Linux tells which terminal it serves")
def test_a_program_of_unknown_looks_that_shows_another_terminal(desk):
    role = play(desk, "readline")
    role.do("serve exec sleep 1h")
    inner = next(entry["serves"] for entry in role._entries() if "serves" in entry)
    until(lambda: process.read(inner).name == "sleep")
    seen = found(role)
    assert seen.reason == "child_foreground"
    assert seen.detail.endswith(f"shows the terminal of sleep (pid {inner})")
    known = found(role, composer=lambda _: True)  # it runs tools in such terminals
    assert known == guards.Found(None)
    os.kill(inner, 9)
    until(lambda: found(role) == guards.Found(None))


def test_another_job_of_its_shell_is_in_front(desk):
    role = play_in_bash(desk, "readline")
    os.kill(role.pid, 19)
    until(lambda: "Stopped" in role.text())
    assert found(role).reason == "shell_foreground"
    role.keys("-l", "cat")
    role.keys("Enter")
    until(lambda: found(role).reason == "child_foreground")
    assert found(role).detail.startswith("cat (pid ")


# -- another program in the same process -------------------------------------------------------------------------------


def test_an_executable_that_an_update_has_replaced_is_no_change(desk, tmp_path):
    path = tmp_path / "agent"
    shutil.copy(os.path.realpath("/bin/cat"), path)
    where = desk.open(f"exec {path}")
    client = (where.pane_pid, process.started(where.pane_pid))
    until(lambda: process.read(client[0]).name == "agent")
    before = program.of(client[0])
    path.unlink()
    shutil.copy(os.path.realpath("/bin/cat"), path)
    assert guards.foreground(where, client, guards.Expected(program=before)) == guards.Found(None)


@pytest.mark.parametrize("then", ["exec cat", f"exec {sys.executable} -q", f"exec {sys.executable} other.py"])
def test_a_program_that_becomes_another_one(desk, then):
    first = f"import os; input(); os.execvp('sh', ['sh', '-c', {then!r}])"
    where = desk.open(f"cd {desk.folder}; echo 'input()' > other.py; exec {shlex.join([sys.executable, '-c', first])}")
    client = (where.pane_pid, process.started(where.pane_pid))
    until(lambda: process.argv(client[0])[1:2] == ["-c"])
    expected = guards.Expected(program=program.of(client[0]))
    assert guards.foreground(where, client, expected) == guards.Found(None)
    desk.cmd("send-keys", "-t", where.pane_id, "Enter")
    until(lambda: guards.foreground(where, client, expected).reason == "program_changed")


def test_a_program_that_changes_its_own_command_line_is_no_other(tmp_path):
    before = program.Program(1, 2, "agent.js")
    assert before.same(program.Program(1, 2, None))
    assert not before.same(program.Program(1, 2, ""))
    assert not before.same(program.Program(1, 3, None))


@pytest.mark.parametrize(
    ("words", "script"),
    [
        (["python3", "-u", "agent.py", "x"], "-u agent.py"),
        (["python3", "-W", "ignore", "agent.py"], "-W ignore agent.py"),
        (["python3", "-m", "agent", "x"], "-m agent"),
        (["node", "-r", "hook.js", "agent.js", "--x"], "-r hook.js agent.js"),
        (["python3", "-q"], "-q"),
        (["python3"], ""),
    ],
)
def test_what_an_interpreter_runs(words, script):
    assert program.script(words)[0] == script


# -- where the processes cannot be read --------------------------------------------------------------------------------

AS_NOBODY = """
import encodings.ascii, fcntl, json, os, sys, termios
sys.path.insert(0, {root!r})
from xats.tmux import guards
from xats.base.pane import Pane
os.setgroups([]); os.setgid({uid}); os.setuid({uid})
pane, client = Pane(*{pane!r}), {client!r}
for composer in (None, lambda look: True, lambda look: False):
    expected = guards.Expected(composer=composer)
    seen = guards.settled(guards.foreground(pane, client, expected), expected, object())
    print(json.dumps([seen.reason, seen.detail]))
"""


def as_nobody(where: pane.Pane, client: tuple[int, int], before: str = "") -> list:
    """Return what the guard says to another user, whose the terminal is now.

    It is asked without a profile, with a composer that is seen, and with none.
    """
    os.chown(where.tty, NOBODY, -1)
    values = (where.socket, where.server_pid, where.server_start, where.pane_id, where.pane_pid, where.tty)
    text = AS_NOBODY.format(uid=NOBODY, root=ROOT, pane=values, client=client)
    words = [sys.executable, "-c", text]
    if before:
        words = ["unshare", "-m", "sh", "-c", f"{before} && exec {shlex.join(words)}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(not process.LINUX or os.getuid() != 0, reason="only root can become another user")
def test_a_program_that_cannot_be_read(desk):
    where = desk.open("exec cat")
    client = (where.pane_pid, process.started(where.pane_pid))
    until(lambda: process.read(client[0]).name == "cat")
    hidden = ["program_hidden", f"cat (pid {client[0]}) cannot be read"]
    assert as_nobody(where, client) == [hidden, [None, ""], hidden]


@pytest.mark.skipif(not process.LINUX or os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("hidden", ["", "mount -t proc -o hidepid=2 proc /proc"])
def test_a_child_of_another_user_has_the_terminal_as_sudo_has(desk, hidden):
    """The agent is nobody's, and so is the daemon; the child is root's."""
    if hidden and subprocess.run(["unshare", "-m", "sh", "-c", hidden], capture_output=True, check=False).returncode:
        pytest.skip("no /proc can be mounted here")
    script = (
        "import ctypes, os, time\n"
        "if not os.fork(): os.execvp('sleep', ['sleep', '1000'])\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "ctypes.CDLL(None).prctl(4, 1)\n"  # PR_SET_DUMPABLE: who changes his user is protected
        "print('up', flush=True); time.sleep(1000)"
    )
    where = desk.open(f"exec {shlex.join([sys.executable, '-c', script])}")
    until(lambda: "up" in desk.text(where))
    client = (where.pane_pid, process.started(where.pane_pid))
    child = until(lambda: next((one for one in process.descendants(client[0]) if one.name == "sleep"), None))
    seen = as_nobody(where, client, hidden)
    if hidden:
        refused = ["program_hidden", f"pid {child.pid}, which {process.read(client[0]).name} (pid {client[0]}) has"]
        assert [one[0] for one in seen] == ["program_hidden", None, "program_hidden"]
        assert seen[0][1].startswith(refused[1])
    else:
        detail = f"sleep (pid {child.pid}) uses this terminal and cannot be read"
        assert seen == [["child_foreground", detail]] * 3


# -- xats launch, before it is the program that it starts --------------------------------------------------------------


@pytest.mark.parametrize(("words", "launching"), [(["launch", "claude"], True), (["demo-agent", "bob"], False)])
def test_what_launches_is_not_taken_for_the_program(tmp_path, words, launching):
    script = tmp_path / "xats"
    script.write_text("import sys; print(flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, script, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        assert program.is_launching(running.pid) == launching
        running.stdin.close()


def test_what_launches_by_the_words_of_this_xats_is_not_taken_for_the_program(tmp_path, monkeypatch):
    """Where no program xats is in the PATH, python.words() runs runner.py."""
    script = tmp_path / "runner.py"
    script.write_text("import sys; print(flush=True); sys.stdin.read()")
    words = [sys.executable, "-P", "-E", script, "launch", "claude"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        assert not program.is_launching(running.pid)  # somebody else's runner
        monkeypatch.setattr(python, "RUNNER", str(script))
        assert program.is_launching(running.pid)
        running.stdin.close()
