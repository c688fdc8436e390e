"""A folder whose name is a tmux format: a pane begins in it, and tmux runs nothing."""

import shlex

import pytest

from tests.support.world import until
from xats.tmux import pane as panes
from xats.tmux import places

WAYS = ("window", "split", "new session", "session", "respawn")


def make(way, around, folder, command):
    if way == "window":
        return places.window(around, "bob", folder, command)
    if way == "split":
        return places.split(around, folder, command)
    if way == "session":
        places.in_session(around.socket, "crew", "amy", "/", "exec sleep 600")
    if way != "respawn":
        return places.in_session(around.socket, "crew", "bob", folder, command)
    dead = places.window(around, "bob", "/", "printf READY; read x")
    places.keep(dead, always=True)
    panes.act(dead, f"send-keys -t {dead.pane_id} Enter")
    until(lambda: places.left(dead.socket, "printf READY")[1].dead, what="the end of the program")
    return places.respawn(dead.socket, dead.pane_id, folder, command)


@pytest.mark.parametrize("way", WAYS)
def test_tmux_expands_no_format_in_the_name_of_a_folder(desk, tmp_path, way):
    proof, out = tmp_path / "CANARY", tmp_path / "out"
    folder = tmp_path / f"shop#(touch {str(proof).replace('/', '?')})#{{pane_id}}#S" / f"#(touch {proof.name})"
    folder.mkdir(parents=True)
    around = panes.find(desk.socket, desk.cmd("list-panes", "-a", "-F", "#{pane_id}").split()[0])
    make(way, around, str(folder), f"pwd > {shlex.quote(str(out))}; touch {shlex.quote(str(out))}.done; exec sleep 600")
    until((tmp_path / "out.done").exists, what="the folder of the program")
    assert out.read_text().strip() == str(folder)
    assert not list(tmp_path.rglob("*CANARY"))
