"""Who sits in a pane: the process of a script that stays, not a short-lived child of it. Real scripts in real tmux."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.support.world import Tmux, until
from xats.base import process
from xats.clients import occupants
from xats.tmux import pane as panes

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")

PYTHON = """import subprocess, sys
while True:
    subprocess.run(["sleep", "0.3"])
"""
LONG = "import sys; sys.stdin.read()"


@pytest.fixture
def tmux(tmp_path):
    import tempfile

    folder = tempfile.mkdtemp(prefix="xo", dir="/tmp")
    made = Tmux(folder)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def script(tmp_path):
    """Write a file and return its path."""

    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o700)
        return str(path)

    return write


def shell(tmux, *lines):
    """Open an interactive shell in a pane and type `lines`; return the pane."""
    pane_id = tmux.open("exec env PS1='$ ' ENV= bash --norc --noprofile -i")
    for line in lines:
        tmux.cmd("send-keys", "-t", pane_id, "-l", line)
        tmux.cmd("send-keys", "-t", pane_id, "Enter")
    return panes.find(tmux.socket, pane_id)


def is_running(pane, name):
    """Wait until a process called `name` is below the one of `pane`."""
    return until(lambda: next((one for one in process.descendants(pane.pane_pid) if one.name == name), None), what=name)


def stays(tmux, pane):
    """Return who is found in `pane`; it lives on while the pane does."""
    found = occupants.find(pane)
    assert found.client == "generic" and found.process
    first = {one.pid for one in process.descendants(pane.pane_pid) if one.name in occupants.BRIEF}
    until(lambda: {one.pid for one in process.descendants(pane.pane_pid) if one.name in occupants.BRIEF} - first)
    assert process.alive(found.process.pid, found.process.started)
    return found.process


@pytest.mark.parametrize("how", ["bash {}", "exec bash {}", "sh {}"])
def test_a_loop_with_sleep_is_the_shell_that_runs_it(tmux, script, how):
    path = script("loop.sh", "while :; do date >/dev/null; sleep 0.3; done\n")
    pane = shell(tmux, how.format(path))
    is_running(pane, "sleep")
    assert path in process.argv(stays(tmux, pane).pid)


def test_a_script_with_its_own_name_is_itself(tmux, script):
    path = script("agent.sh", "#!/bin/sh\nwhile :; do sleep 0.3; done\n")
    pane = shell(tmux, path)
    is_running(pane, "sleep")
    assert stays(tmux, pane).name == "agent.sh"


def test_a_loop_that_tmux_runs_is_the_process_of_the_pane(tmux):
    pane = panes.find(tmux.socket, tmux.open("while :; do date >/dev/null; sleep 0.3; done"))
    is_running(pane, "sleep")
    assert stays(tmux, pane).pid == pane.pane_pid


def test_a_shell_function_is_the_shell_in_which_it_runs(tmux):
    pane = shell(tmux, "f() { while :; do sleep 0.3; done; }; f")
    is_running(pane, "sleep")
    assert stays(tmux, pane).pid == pane.pane_pid


def test_a_shell_function_in_a_shell_in_a_shell_is_the_inner_one(tmux):
    pane = shell(tmux, "bash --norc --noprofile -i", "f() { while :; do sleep 0.3; done; }; f")
    found = stays(tmux, pane) if is_running(pane, "sleep") else None
    assert found.name == "bash" and found.ppid == pane.pane_pid


def test_in_a_pipeline_the_program_with_the_keyboard_comes_first(tmux, script):
    path = script("loop.sh", "while :; do date; sleep 0.3; done\n")
    pane = shell(tmux, f"bash {path} | cat >/dev/null")
    is_running(pane, "sleep")
    assert path in process.argv(stays(tmux, pane).pid)


def test_a_loop_that_reads_a_pipe_is_not_its_sleep(tmux):
    pane = shell(tmux, "yes | while read -r line; do sleep 0.3; done")
    is_running(pane, "sleep")
    assert stays(tmux, pane).name == "yes"


def test_a_python_script_that_starts_programs_is_itself(tmux, script):
    pane = shell(tmux, f"{sys.executable} {script('agent.py', PYTHON)}")
    is_running(pane, "sleep")
    assert any(word.endswith("agent.py") for word in process.argv(stays(tmux, pane).pid))


def test_a_loop_of_unknown_programs_is_the_shell_that_runs_it(tmux, script):
    """No list of names can hold them all: what has just begun is looked at until it has lived for a while."""
    brief = script("brief", f"#!{sys.executable}\nimport time; time.sleep(0.3)\n")
    path = script("loop.sh", f"while :; do {brief}; done\n")
    pane = shell(tmux, f"bash {path}")
    is_running(pane, "brief")
    found = occupants.find(pane).process
    assert found and path in process.argv(found.pid)


def test_a_program_that_a_script_runs_for_long_is_the_program(tmux, script):
    path = script("run.sh", f"sleep 0.1\n{sys.executable} -c '{LONG}'\ntrue\n")
    pane = shell(tmux, f"bash {path}")
    until(lambda: any(LONG in process.argv(one.pid) for one in process.descendants(pane.pane_pid)))
    found = occupants.find(pane).process
    assert found and LONG in process.argv(found.pid)


def test_a_shell_at_its_prompt_is_the_shell(tmux):
    pane = shell(tmux)
    until(lambda: "$" in tmux.text(pane.pane_id))
    assert occupants.find(pane).process.pid == pane.pane_pid
    assert os.path.basename(process.argv(pane.pane_pid)[0]) == "bash"


def test_a_known_program_is_named_by_its_profile(tmux, script):
    pane = shell(tmux, script("codex", "#!/bin/sh\nread line\n"))
    until(lambda: occupants.find(pane).client == "codex")
    assert occupants.find(pane).process.name == "codex"
