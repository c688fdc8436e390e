"""Which pane: identity, and whether this process really lives where its environment says."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.delivery.conftest import until
from xats.base import process
from xats.tmux import pane as panes
from xats.tmux.address import address
from xats.tmux.errors import NoPane, TmuxGone

ASK = "import os, sys; from xats.tmux.pane import here; print(here(os.environ), file=open(sys.argv[1], 'w'))"

# In the background of a shell that has gone: none of its ancestors is in the pane, but its terminal is.
ORPHAN = "(while kill -0 $$ 2>/dev/null; do :; done; {}) &"


def test_find_tells_everything_that_names_a_pane(desk):
    pane = desk.open("exec cat")
    assert pane.server_pid == desk.pid
    until(lambda: process.read(pane.pane_pid).name == "cat")
    assert process.read(pane.pane_pid).tty == panes.device(pane) == os.stat(pane.tty).st_rdev
    assert pane.server_start == int(desk.show(pane, "#{start_time}"))


@pytest.mark.parametrize("name", ["%99", "", "%", "keep", "%1x", "%²"])
def test_find_refuses_what_is_no_pane(desk, name):
    with pytest.raises(NoPane):
        panes.find(desk.socket, name)


def test_find_on_a_tmux_that_prints_a_missing_pane_as_nothing(desk, fake_tmux):
    fake_tmux("echo '||||'; exit 0")
    with pytest.raises(NoPane):
        panes.find(desk.socket, "%0")


def test_find_without_a_server(tmp_path):
    with pytest.raises(TmuxGone):
        panes.find(str(tmp_path / "s"), "%0")


@pytest.mark.parametrize(
    ("tmux", "pane", "expected"),
    [
        ("/tmp/s,12,0", "%3", ("/tmp/s", 12, "%3")),
        ("/tmp/a,b,12,0", "%3", ("/tmp/a,b", 12, "%3")),
        (",12,0", "%3", None),
        ("/tmp/s,x,0", "%3", None),
        ("/tmp/s", "%3", None),
        ("/tmp/s,12,0", "3", None),
        ("/tmp/s,12,0", "", None),
    ],
)
def test_address(tmux, pane, expected):
    assert address({"TMUX": tmux, "TMUX_PANE": pane}) == expected


def test_address_outside_tmux():
    assert address({}) is None


def test_a_pane_is_looked_for_in_the_server_around_us_also_where_we_are_in_no_pane(world):
    """In a popup, and in what a key binding runs, TMUX is set and TMUX_PANE is not."""
    around, default = world.tmux("around"), world.tmux("default")
    folder = os.path.join(world.folder, f"tmux-{os.getuid()}")
    os.makedirs(folder, 0o700)
    os.symlink(default.socket, os.path.join(folder, "default"))
    ids = []
    for tmux, name in ((around, "around"), (default, "default")):
        ids.append(tmux.open(f"echo {name}; exec cat"))
        until(lambda tmux=tmux, name=name: name in tmux.text(ids[-1]))
    assert ids[0] == ids[1]
    for place, shown in ((f"{around.socket},{around.pid},0", "around"), ("", "default")):
        seen = world.json("client", "test", ids[0], TMUX_TMPDIR=world.folder, TMUX=place)
        assert seen["screen"].strip() == shown


def test_what_is_seen_in_a_shell_is_said_to_be_a_shell(world):
    """Its prompt looks like the composer of an idle program that nobody knows."""
    tmux = world.tmux("one")
    for line, said in (("exec sh", True), ("echo on; exec cat", False)):
        pane = tmux.open(line)
        until(lambda pane=pane: tmux.text(pane).strip())
        out, err = world.xats("client", "test", pane, TMUX=f"{tmux.socket},{tmux.pid},0")
        assert ("generic" in out, "a shell is in the foreground" in err) == (True, said)


def test_where_no_server_listens_that_is_said(world):
    out, err = world.xats("client", "test", "%0", code=75, TMUX_TMPDIR=world.folder)
    assert (out, f"There is no tmux server at {world.folder}/" in err, "inside the tmux" in err) == ("", True, True)


def ask(desk, wrap):
    answer = os.path.join(desk.folder, "answer")
    command = shlex.join([sys.executable, "-c", ASK, answer])
    if wrap == ORPHAN:
        wrap, command = "sh -c {}", shlex.quote(ORPHAN.format(command))
    pane = desk.open(f"export PYTHONPATH={shlex.quote(os.getcwd())}; {wrap.format(command)}; exec cat")
    until(lambda: os.path.exists(answer) and os.path.getsize(answer))
    with open(answer) as file:
        return pane, file.read().strip()


@pytest.mark.parametrize("wrap", ["{}", "setsid -w {}", "{} </dev/null | cat", ORPHAN])
def test_here_is_the_pane_that_we_live_in(desk, wrap):
    pane, answer = ask(desk, wrap)
    assert answer == repr(pane)


def test_here_is_not_what_the_environment_of_another_says(desk):
    pane = desk.open("exec cat")
    environ = {"TMUX": f"{desk.socket},{desk.pid},0", "TMUX_PANE": pane.pane_id}
    assert panes.here(environ) is None


def test_here_is_not_a_pane_of_a_later_server(desk):
    _, answer = ask(desk, "TMUX=${{TMUX%%,*}},1,0 {}")
    assert answer == "None"


def test_here_without_tmux_or_without_its_server(tmp_path):
    assert panes.here({}) is None
    assert panes.here({"TMUX": f"{tmp_path}/s,1,0", "TMUX_PANE": "%0"}) is None


def test_mark_and_unmark(desk):
    pane = desk.open("exec cat")
    panes.mark(pane, "@xats_agent", "it's; bob;")
    assert desk.show(pane, "#{@xats_agent}") == "it's; bob;"
    assert desk.cmd("show-options", "-pqv", "-t", "%0", "@xats_agent") == ""
    panes.unmark(pane, "@xats_agent")
    panes.unmark(pane, "@xats_agent")
    assert desk.show(pane, "#{@xats_agent}") == ""


def test_mark_refuses_a_pane_with_another_process_in_it(desk):
    pane = desk.open("exec cat")
    desk.cmd("respawn-pane", "-k", "-t", pane.pane_id, "exec cat")
    for change in (lambda: panes.mark(pane, "@xats_agent", "bob"), lambda: panes.unmark(pane, "@xats_agent")):
        with pytest.raises(NoPane):
            change()
    assert desk.show(pane, "#{@xats_agent}") == ""


def test_the_cheap_form_imports_nothing():
    code = (
        "import sys; import xats.tmux.address; print([m for m in ('subprocess', 're', 'typing') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-S", "-c", code], text=True) == "[]\n"
