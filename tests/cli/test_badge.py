"""The badge of a prompt: right numbers, no errors, nothing made or changed, and little imported."""

import os
import sqlite3

import pytest

from tests.cli.test_lane import HEAVY, imported
from tests.conftest import HOST, listed
from xats.base.pane import Pane
from xats.core.agents import agents
from xats.core.mail import inbox

KIM = {"USER": "kim", "LANG": "en_GB.UTF-8", "LC_ALL": None, "LC_CTYPE": None}


@pytest.fixture
def kim(crew):
    """The team, with kim, who is a person."""
    crew.add("kim", client="human")
    return crew


@pytest.fixture
def badge(xats):
    """`badge(*words, **variables)` returns what `xats badge` prints for kim."""

    def run(*words: str, **variables) -> str:
        done = xats("badge", *words, env={**KIM, **variables})
        assert done.stderr == ""
        assert "\n" not in done.stdout.rstrip("\n")
        return done.stdout.rstrip("\n")

    return run


WAYS = [(), ("--team", "crew"), ("--as", "kim@crew")]  # the first one takes the short way


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_it_counts_unread_mail_and_requests_without_an_answer(kim, badge, rows_of, words):
    assert badge(*words) == ""
    for number in range(3):
        kim.send("alice", "kim", f"question {number}", need_reply=True)
    kim.send("alice", "kim", "a remark", need_reply=False)
    assert badge(*words) == "✉4"
    before = rows_of()
    assert badge(*words) == "✉4"
    assert rows_of() == before
    kim.do("kim", inbox.mark_read, [1, 2, 4])
    assert badge(*words) == "✉1 ↩2"
    kim.send("kim", "alice", "the answer", reply_to=1)
    assert badge(*words) == "✉1 ↩1"
    kim.do("kim", inbox.mark_read, [3])
    assert badge(*words) == "↩2"


@pytest.fixture
def rows_of(kim):
    return lambda: kim.rows("select * from deliveries") + kim.rows("select * from events")


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_what_has_expired_or_is_between_a_stopped_pair_does_not_count(kim, badge, words):
    kim.send("alice", "kim", "old", ttl=1)
    kim.store.write(lambda tx: tx.run("update messages set expires_at = 1"))
    kim.store.write(lambda tx: tx.run("update deliveries set expires_at = 1"))
    assert badge(*words) == ""
    kim.send("bob", "kim", "please", need_reply=True)
    kim.do("kim", inbox.mark_read, [2])
    assert badge(*words) == "↩1"
    low, high = sorted((kim.agent("bob").id, kim.agent("kim").id))
    stop = "insert into pairs (low_id, high_id, stopped_at) values (:low, :high, 1)"
    kim.store.write(lambda tx: tx.run(stop, low=low, high=high))
    assert badge(*words) == ""


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"LANG": "en_GB.UTF-8"}, "✉1"),
        ({"LANG": "de_AT.utf8@euro"}, "✉1"),
        ({"LANG": "C.UTF-8"}, "✉1"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, "M1"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C", "PYTHONUTF8": "0"}, "M1"),
        ({"LANG": "C"}, "M1"),
        ({"LANG": None}, "M1"),
        ({"LANG": "en_GB.ISO-8859-1"}, "M1"),
    ],
)
def test_outside_a_utf_8_locale_it_is_ascii(kim, badge, variables, shown):
    kim.send("alice", "kim", "hello", need_reply=False)
    assert [badge(*words, **variables) for words in WAYS] == [shown] * 3


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_by_json(kim, xats, words):
    nothing = {"unread": 0, "owed": 0, "text": ""}
    assert xats("badge", "--json", *words, env=KIM).json() == nothing
    kim.send("alice", "kim", "hello", need_reply=False)
    assert xats("badge", "--json", *words, env=KIM).json() == {**nothing, "unread": 1, "text": "✉1"}


def test_whose_mail_it_counts(kim, badge):
    kim.register("kim", team="shop", client="human")
    kim.send("alice", "kim@crew,kim@shop,bob", "hello", need_reply=False)
    assert badge() == badge(USER="KIM") == "✉2"
    assert badge("--team", "shop") == badge(XATS_TEAM="shop") == badge(XATS_AGENT="bob@crew") == "✉1"
    assert badge(USER="pat") == badge(USER="bob") == badge("--team", "none") == badge("--as", "nemo@crew") == ""
    assert badge(CLAUDECODE="1") == badge(CLAUDE_CODE_SESSION_ID="s") == ""  # a program is not the person


def test_in_the_pane_of_a_shell_that_is_an_agent(kim, badge):
    """alice is kim's shell; bob is a program that runs in a shell."""
    socket = "/nowhere/s"
    kim.register("alice", seat=agents.Seat(HOST, 77, 1, pane=Pane(socket, 5, 1, "%1", 77, "/dev/null")))
    kim.register("bob", seat=agents.Seat(HOST, 78, 1, pane=Pane(socket, 5, 1, "%2", 79, "/dev/null")))
    kim.send("kim", "alice", "hello", need_reply=False)
    kim.send("alice", "bob", "hello", need_reply=False)
    assert badge(TMUX=f"{socket},5,0", TMUX_PANE="%1") == "✉1"
    assert badge(TMUX=f"{socket},5,0", TMUX_PANE="%2") == ""
    assert badge(TMUX=f"{socket},6,0", TMUX_PANE="%1") == ""


def test_where_there_is_no_store_it_makes_none(xats, badge):
    assert [badge(*words) for words in WAYS] == ["", "", ""]
    assert not os.path.exists(xats.home / "xats")


@pytest.mark.parametrize("what", ["damaged", "newer", "exposed", "foreign"])
def test_a_store_that_it_cannot_read_gives_no_error(kim, xats, badge, what):
    kim.send("alice", "kim", "hello")
    kim.store.close()
    if what == "damaged":
        with open(xats.path, "r+b") as file:
            file.write(b"x" * 4096)
    elif what == "exposed":
        os.chmod(xats.path, 0o666)
    else:
        pragma = "user_version = 999" if what == "newer" else "application_id = 7"
        connection = sqlite3.connect(xats.path)
        connection.execute(f"pragma {pragma}")
        connection.close()
    before = listed(xats.home / "xats")
    assert [badge(*words) for words in WAYS if what != "exposed" or words != ("--as", "kim@crew")].count("") >= 2
    assert listed(xats.home / "xats") == before


def test_it_waits_for_a_commit(kim, badge, xats):
    """Where there is no WAL, a writer that commits locks the store for a moment; here it stays locked."""
    kim.send("alice", "kim", "hello")
    connection = sqlite3.connect(xats.path, isolation_level=None)
    connection.execute("pragma locking_mode = exclusive")
    connection.execute("begin exclusive")
    connection.execute("update agents set seen_at = seen_at")
    shown = badge()
    connection.close()
    assert shown in ("", "✉1")
    assert badge() == "✉1"


def test_a_wrong_option_is_an_error_as_everywhere(xats):
    assert xats("badge", "--frob", code=2).stderr.startswith("xats: No such option: --frob")


def test_it_imports_little(kim, xats, tmp_path):
    modules = imported(xats, ["badge"], tmp_path, lambda command: xats.run(command, env=KIM))
    assert HEAVY & modules == set()
    own = {one for one in modules if one.startswith("xats.") and one.count(".") > 1}
    assert not [one for one in own if one.startswith(("xats.identity", "xats.clients", "xats.store.sqlite.engine"))]
    assert len(own) < 25, sorted(own)
