"""The program of a session: when it is recorded, what is refused once it is another one, and what ends that."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import sys
import time
from contextlib import closing

import pytest

from tests.daemon.test_early import LINE, PLAYERS, Player, play
from tests.support.world import until
from xats.base import process, program


@pytest.fixture
def bob(world):
    world.register("alice")
    made = play(world.tmux(), "claude-code")
    world.register("bob", made, "--client", "claude-code")
    return made


def recorded(world):
    """Return what is recorded of bob's program."""
    columns = "program_device, program_inode, program_script, program_inner"
    row = world.rows(f"select {columns} from sessions where pane_id is not null and ended_at is null")[0]
    return tuple(row)


def become(world, bob, other_executable: bool = False) -> Player:
    """Have bob's process become another player by exec."""
    script, log = os.path.join(world.folder, "other.py"), f"{bob.log}-other"
    for name in ("composer.py", "players.py"):
        shutil.copy(os.path.join(os.path.dirname(PLAYERS), name), world.folder)
    os.rename(os.path.join(world.folder, "players.py"), script)
    python = sys.executable
    if other_executable:
        python = os.path.join(world.folder, "python3")
        shutil.copy(os.path.realpath(sys.executable), python)
    words = ["env", f"PYTHONHOME={sys.base_prefix}", python, script, log, "--look", "claude-code"]
    file = os.open(bob.log + ".in", os.O_WRONLY | os.O_NONBLOCK)
    os.write(file, f"become {shlex.join(words)}\n".encode())
    os.close(file)
    other = Player(bob.tmux, bob.pane, log)
    assert other.pid == bob.pid
    return other


def test_a_registration_records_the_program(world, bob):
    assert recorded(world) == program.look(bob.pid)
    assert recorded(world)[2].endswith("players.py")


def test_the_first_attempt_records_what_no_hook_has(world, bob):
    nothing = "program_device = null, program_inode = null, program_script = null"
    with closing(sqlite3.connect(world.path, timeout=20)) as connection, connection:
        connection.execute(f"update sessions set {nothing}")
    connection.close()
    world.send("bob")
    world.xats("deliver", "--once")
    assert recorded(world) == program.look(bob.pid)
    assert bob.sent == [LINE]


def test_a_program_that_was_replaced_by_exec_is_woken_once_it_is_registered(world, bob):
    world.daemon()
    other = become(world, bob)
    world.send("bob")
    world.until_wake(state="retrying", reason="program_changed", lease_token=None)
    world.register("bob", other, "--client", "claude-code")
    world.until_wake(state="delivered")
    assert (bob.sent, other.sent) == ([], [LINE])


@pytest.mark.skipif(not process.LINUX, reason="only Linux tells the executable of a process")
def test_a_hook_of_the_new_program_records_it(world, bob):
    world.daemon()
    other = become(world, bob, other_executable=True)
    world.send("bob")
    world.until_wake(state="retrying", reason="program_changed", lease_token=None)
    event = os.path.join(world.folder, "event.json")
    with open(event, "w") as file:
        json.dump({"hook_event_name": "Stop", "session_id": "s", "cwd": world.folder, "stop_hook_active": True}, file)
    env = [f"{name}={value}" for name, value in world.env.items() if name.startswith("XATS_")]
    hook = shlex.join(["env", *env, sys.executable, "-m", "xats", "hook", "run", "claude-code"])
    other.do(f"run cd {os.getcwd()} && {hook} < {event} > {world.folder}/answer 2>&1")
    until(lambda: recorded(world) == program.look(other.pid), what="the record")
    other.do("stop")
    world.until_wake(state="delivered")
    assert (bob.sent, other.sent) == ([], [LINE])


def test_a_child_that_ends_without_a_word_is_followed_by_the_wake_within_a_second(world, bob):
    """Nothing changes on the screen when it ends."""
    world.daemon()
    bob.do("run exec sleep 1h")
    world.send("bob")
    world.until_wake(state="retrying", reason="child_foreground", lease_token=None)
    assert bob.sent == []
    time.sleep(2.5)  # longer than the watch keeps what it knows of the processes
    assert world.wake()["state"] == "retrying"
    child = next(one for one in process.descendants(bob.pid) if one.name == "sleep")
    since = time.monotonic()
    bob.do("stop")
    assert process.read(child.pid) is None
    world.until_wake(state="delivered")
    assert time.monotonic() - since < 2.5
    assert bob.sent == [LINE]


def test_what_is_in_the_way_is_named(world, bob):
    bob.do("run exec sleep 1h")
    child = until(lambda: next((one for one in process.descendants(bob.pid) if one.name == "sleep"), None))
    world.send("bob")
    said = f"another program has the keyboard of its pane: sleep (pid {child.pid}) reads this terminal"
    assert said in world.xats("deliver", "--dry-run")[0].replace("\n", " ")
    doctor = world.start("doctor", "--json").communicate(timeout=60)[0]
    assert said in doctor
    refused = world.start("poke", "bob", "hello", "--yes", "--json").communicate(timeout=60)
    assert "child_foreground" in "".join(refused)
