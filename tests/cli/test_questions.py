"""Ctrl-C at a question ends the command with 130, says what was not done, and changes nothing."""

import shutil
import sqlite3
import tempfile

import pytest

from tests.conftest import HOST, trust_clock
from tests.support.world import Tmux
from xats.core.agents.agents import Seat
from xats.tmux.pane import find

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")

QUESTIONS = [
    (["setup"], "Do this?", "Nothing was changed."),
    (["hook", "install", "claude-code"], "settings.json?", "Nothing was changed."),
    (["pause"], "Whose wakes do you want to hold?", "Nothing was paused."),
    (["agent", "forget", "bob"], "Remove bob for good?", "bob stays."),
    (["agent", "forget", "alice"], "Free the name alice", "Nothing was changed."),
    (["team", "rename", "crew", "gang"], "Rename", "Nothing was changed."),
    (["db", "prune", "--older", "0s"], "Remove ", "Nothing was removed."),
    (["register", "zoe"], "Make this shell zoe?", "Nothing was registered."),
    (["poke", "bob", "text"], "Type this and submit it?", "Nothing was typed."),
]


@pytest.fixture
def tmux():
    folder = tempfile.mkdtemp(prefix="xq", dir="/tmp")
    made = Tmux(folder)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def person(xats, crew, home, tmux):
    """kim at a terminal, in a team where each verb of QUESTIONS has something to ask."""
    crew.register("bob", seat=Seat(HOST, pane=find(tmux.socket, tmux.open("exec cat"))))
    crew.register("kim", client="human")
    xats("agent", "rename", "alice", "ann", "--as", "alice")
    trust_clock(xats.path)
    xats.environ |= {"USER": "kim", "LOGNAME": "kim", "XATS_TEAM": "crew", "TMUX_TMPDIR": str(home)}
    return xats


def stored(xats) -> dict[str, list]:
    """Return what the store holds, but for the times at which an agent was seen."""
    store = sqlite3.connect(xats.path)
    names = [name for (name,) in store.execute("select name from sqlite_master where type = 'table'")]
    kept = [name for name in names if name not in ("sessions", "clocks")]
    found = {name: store.execute(f"select * from {name}").fetchall() for name in kept}
    found["agents"] = store.execute("select name, team, epoch, unregistered_at from agents").fetchall()
    store.close()
    return found


@pytest.mark.parametrize("words, question, left", QUESTIONS, ids=[" ".join(words) for words, _, _ in QUESTIONS])
def test_ctrl_c_at_a_question_says_what_was_not_done(person, home, words, question, left):
    before = stored(person)
    shown = person.on_terminal(*words, interrupt_at="/N] ", code=130)
    assert question in shown
    assert shown.endswith(f"/N] \nxats: Interrupted. {left}\n")
    assert stored(person) == before
    assert not (home / ".claude").exists()


def test_an_agent_without_a_pane_is_no_reason_to_ask(xats, crew):
    shown = xats.on_terminal("poke", "bob", "text", env={"USER": "kim", "XATS_TEAM": "crew"}, code=4)
    assert "[y/N]" not in shown
    assert "xats: Nothing was typed at bob: it has no tmux pane" in shown
