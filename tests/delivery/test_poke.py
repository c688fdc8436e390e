"""A person's text: sanitised, typed once through every guard, said to be taken only when that was seen."""

import os
import shlex
import shutil
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import support
from tests.delivery.conftest import LINE, until
from tests.support.stagehand import LOOKS, Role
from tests.support.viewer import Viewer
from xats.base import host
from xats.core.agents import agents
from xats.core.waking.reasons import REASONS
from xats.delivery import poke
from xats.delivery.settings import Settings
from xats.tmux import poke as panes

KNOWN = [look for look in LOOKS if look != "readline"]
TEXT = "Please run the tests again"
LINES = "Three things:\n1. build it\n2. run the tests"
PARAGRAPHS = "One.\n\nTwo, which is\non two lines.\n\n\nThree."
LONG = "\n".join(f"line {number} of many" for number in range(40))
WIDE = "word " * 200 + "end"


class Reader(Role):
    """A player that is poked."""

    def poke(self, text, quiet=300, wake_by="tmux", client=None):
        name = client or self.client_name
        agent = agents.Agent(1, "t", "bob", None, name, None, 1, 0, True, wake_by)
        seat = agents.Seat(host.id(), *self.client, None, self.pane)
        return poke.poke(agent, agents.Session(1, 1, 1, seat, 0, None), text, Settings(quiet=quiet))

    def mark(self):
        return self.desk.show(self.pane, "#{@xats_wake}|#{@xats_line}")


@pytest.fixture
def read(desk):
    """`read(look, *options)` opens a pane with a player in it that takes prompts."""

    def start(look, *options):
        log = os.path.join(desk.folder, f"read{next(desk._serial)}")
        words = [sys.executable, "-IS", os.path.join(support.FOLDER, "reader.py"), log, "--look", look, *options]
        return Reader(desk.open("exec " + shlex.join(words), width=100, height=30), log, desk, look)

    return start


def result(poked):
    return (poked.state, poked.reason)


# -- the text ----------------------------------------------------------------------------------------------------------

CONTROL = ("\x1b", "\x9b", "\x1b[201~", "\x00", "\x03", "\x15", "\x7f", "\r", "\n", "\t", "\x85", "\u202e", "\ufeff")
PLAIN = ("[", "201~", "200~", "2", "0", "1", "~", "a", "ß", "語", "👩\u200d💻", " ", "\u2028", "\U000e0041")
PIECES = st.sampled_from((*CONTROL, *PLAIN))
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join))
ALLOWED = {0x0A}


@given(TEXTS)
@example("\x1b\x1b[201~[201~")
@example("\x1b\x00[201~")
@example("\x9b\x9b201~201~")
@example("\x1b\u202e[20\x001~")
@example("\r\x1b\n")
def test_nothing_is_left_that_could_end_a_paste_or_press_a_key(text):
    clean, removed = panes.sanitise(text)
    codes = {ord(char) for char in clean}
    assert not {code for code in codes if code < 0x20 or 0x7F <= code < 0xA0} - ALLOWED
    assert "\x1b[201~" not in clean
    assert "\x9b" not in clean
    assert not codes & panes.HIDDEN
    assert clean == clean.strip("\n")
    assert panes.sanitise(clean) == (clean, [])
    gone = {ord(char) for char in text} - codes
    assert {int(one[2:], 16) for one in removed} <= gone


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1))
def test_what_is_plain_stays_as_it_is(text):
    assert panes.sanitise(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "clean", "removed"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd", []),
        ("\n\na\tb\n", "a    b", []),
        ("a\x1b[201~\rEVIL", "a[201~\nEVIL", ["U+001B"]),
        ("\x9b201~x\x07\x07", "201~x", ["U+0007", "U+009B"]),
        ("abc\u202edef\ufeff", "abcdef", ["U+202E", "U+FEFF"]),
        ("👩\u200d💻 語", "👩\u200d💻 語", []),
        ("\x1b\x07", "", ["U+0007", "U+001B"]),
    ],
)
def test_what_becomes_of_a_text(text, clean, removed):
    assert panes.sanitise(text) == (clean, removed)


def test_all_that_a_terminal_is_not_shown_is_not_typed_either():
    from xats.cli.kit import render

    assert set(render.BIDI) <= panes.HIDDEN


@pytest.mark.parametrize("text", ["", "a\x1b", "a\rb", "\n", "a\n", "a\tb", "a\u202e"])
def test_a_text_that_is_not_sanitised_never_gets_as_far_as_the_pane(desk, text):
    seat = desk.compose()
    options = {"quiet_ms": 0, "client": seat.client, "expected": None, "guards": (), "emptied": lambda _: True}
    with pytest.raises(ValueError, match="must be sanitised"):
        panes.poke(seat.pane, text, "poke-1", composer=lambda *_: True, **options)
    assert (seat.sent, seat.enters, desk.buffers()) == ([], 0, "")


@pytest.mark.parametrize("options", [(), ("--plain",)], ids=["bracketed", "plain"])
@pytest.mark.parametrize(
    "nasty", ["innocent \x1b[201~ EVIL", "\x9b201~\x15\x03now\x7f", "a\x1b\x1b[201~[201~b", "x;", "#{pid} $(id)"]
)
def test_a_real_pane_takes_it_as_one_text(read, nasty, options):
    seat = read("readline", *options)
    clean, _ = poke.sanitise(nasty)
    assert result(seat.poke(clean)) == ("delivered", None)
    assert (seat.sent, seat.enters) == ([clean], 1)
    assert seat.desk.buffers() == ""


# -- it is taken -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS)
def test_one_line(read, look):
    seat = read(look)
    assert result(seat.poke(TEXT)) == ("delivered", None)
    assert (seat.sent, seat.enters) == ([TEXT], 1)
    assert seat.mark() == "|"


@pytest.mark.parametrize("look", KNOWN)
@pytest.mark.parametrize("text", [LINES, PARAGRAPHS, LONG, WIDE], ids=["lines", "paragraphs", "long", "wide"])
def test_a_long_text_or_one_of_many_lines(read, look, text):
    seat = read(look)
    assert result(seat.poke(text)) == ("delivered", None)
    assert (seat.sent, seat.framed, seat.enters) == ([text], [True], 1)


@pytest.mark.parametrize("look", KNOWN)
def test_one_after_another(read, look):
    seat = read(look)
    for text in (LONG, TEXT, PARAGRAPHS):
        assert result(seat.poke(text)) == ("delivered", None)
    assert seat.sent == [LONG, TEXT, PARAGRAPHS]


def test_an_enter_that_is_swallowed_is_pressed_again(read):
    seat = read("gemini", "--swallow", "1")
    assert result(seat.poke(LINES)) == ("delivered", None)
    assert (seat.sent, seat.enters) == ([LINES], 2)


def test_only_this_pane_is_entered(read):
    seat = read("claude-code")
    other = seat.desk.open("exec cat", split=seat.pane)
    seat.desk.cmd("set-option", "-w", "-t", seat.pane.pane_id, "synchronize-panes", "on")
    assert result(seat.poke(LINES)) == ("delivered", None)
    assert seat.desk.text(other).strip() == ""


def test_the_marks_of_a_wake_are_back_afterwards(read):
    seat = read("codex")
    assert seat.deliver(token="store-1").state == "delivered"
    before = seat.mark()
    assert before.startswith("store-1:entered|")
    assert seat.poke(TEXT).state == "delivered"
    assert seat.mark() == before


# -- nothing is typed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS)
def test_a_draft(read, look):
    seat = read(look, "--draft", "half a line")
    assert result(seat.poke(TEXT)) == ("refused", "draft_present")
    assert (seat.sent, seat.got) == ([], [])


@pytest.mark.parametrize("look", KNOWN)
def test_a_dialog_and_work(read, look):
    seat = read(look)
    for word, reason in (("dialog", "dialog_open"), ("busy", "busy")):
        seat.do(word)
        assert result(seat.poke(TEXT)) == ("refused", reason)
        seat.do({"dialog": "close", "busy": "idle"}[word])
    assert (seat.got, seat.approvals) == ([], 0)
    assert seat.poke(TEXT).state == "delivered"


def test_a_screen_that_moves(read):
    seat = read("claude-code", "--clock")
    assert result(seat.poke(TEXT)) == ("refused", "not_quiet")
    assert seat.got == []


def test_the_state_of_the_pane(read, desk):
    seat = read("claude-code")
    pane = seat.pane.pane_id
    desk.cmd("copy-mode", "-t", pane)
    assert result(seat.poke(TEXT)) == ("refused", "copy_mode")
    desk.cmd("copy-mode", "-q", "-t", pane)
    desk.cmd("select-pane", "-d", "-t", pane)
    assert result(seat.poke(TEXT)) == ("refused", "input_off")
    desk.cmd("select-pane", "-e", "-t", pane)
    assert seat.got == []
    desk.die(seat.pane)
    assert result(seat.poke(TEXT)) == ("refused", "pane_dead")
    desk.cmd("respawn-pane", "-k", "-t", pane, "exec cat")
    assert result(seat.poke(TEXT)) == ("refused", "pane_changed")
    desk.stop()
    assert result(seat.poke(TEXT)) == ("refused", "server_gone")


def test_somebody_types_there(read, desk):
    seat = read("claude-code")
    viewer = Viewer(desk.socket, desk.show(seat.pane, "#{session_id}"))
    try:
        viewer.type("x\x7f")
        until(lambda: seat.got == ["x", "\x7f"])
        assert result(seat.poke(TEXT)) == ("refused", "human_active")
        assert seat.got == ["x", "\x7f"]
    finally:
        viewer.close()


def test_a_shell(desk):
    pane = desk.open("exec env PS1='at-bash$ ' bash --norc --noprofile")
    until(lambda: "at-bash$" in desk.text(pane))
    assert result(poke_at(pane, "touch /tmp/no")) == ("refused", "shell_foreground")
    assert desk.text(pane).split() == ["at-bash$"]


def test_a_program_that_fills_the_screen_and_that_nobody_knows(desk):
    """It is no shell, and there are no words before its cursor."""
    seat = desk.compose("--alternate")
    assert result(poke_at(seat.pane, TEXT)) == ("refused", "full_screen")
    assert [entry for entry in seat._entries() if "ready" not in entry] == []
    assert TEXT not in seat.text()


def test_an_editor(desk, tmp_path):
    if not shutil.which("vim"):
        pytest.skip("vim is not installed")
    pane = desk.open("exec vim -u NONE -n")
    until(lambda: desk.show(pane, "#{alternate_on}") == "1" and "~" in desk.text(pane))
    assert result(poke_at(pane, "ddihello")) in [("refused", "full_screen"), ("refused", "dialog_open")]
    proof = tmp_path / "proof"
    desk.cmd("send-keys", "-t", pane.pane_id, f":call writefile(getline(1, '$') + ['end'], '{proof}')", "Enter")
    until(lambda: proof.exists() and proof.read_text().endswith("end\n"))
    assert proof.read_text() == "\nend\n"


def poke_at(pane, text, client="generic", wake_by="tmux"):
    agent = agents.Agent(1, "t", "bob", None, client, None, 1, 0, True, wake_by)
    session = agents.Session(1, 1, 1, agents.Seat(host.id(), None, None, None, pane), 0, None)
    return poke.poke(agent, session, text, Settings(quiet=100))


def test_who_is_not_to_be_typed_at(read):
    seat = read("claude-code")
    for by in ("notice", "command", "none"):
        assert result(seat.poke(TEXT, wake_by=by)) == ("refused", "no_wake")
    assert result(seat.poke(TEXT, client="human")) == ("refused", "no_wake")
    assert seat.got == []


def test_no_pane():
    assert result(poke_at(None, TEXT)) == ("refused", "no_pane")


@pytest.mark.parametrize("text", ["!ls", "  !ls", "!"])
def test_what_would_be_a_shell_command(read, text):
    seat = read("gemini")
    assert result(seat.poke(text)) == ("refused", "shell_command")
    assert seat.got == []


def test_words_that_would_look_like_a_dialog_of_that_program(read):
    seat = read("claude-code")
    assert result(seat.poke("Tell me:\nDo you want to  go on?")) == ("refused", "looks_like_dialog")
    assert seat.got == []
    assert result(read("codex").poke("Do you want to go on?")) == ("delivered", None)


def test_a_text_that_the_pane_cannot_show(read):
    seat = read("readline", "--collapse", "100000")
    assert result(seat.poke("long " * 600 + "end")) == ("refused", "too_long")
    assert seat.got == []
    fitting = "long " * 100 + "end"
    assert result(seat.poke(fitting)) == ("delivered", None)
    assert seat.sent == [fitting]


def test_every_reason_has_words():
    assert {"multi_line", "shell_command", "looks_like_dialog", "too_long", "full_screen"} <= set(REASONS)
    assert set(poke.WORDS) == set(REASONS)
    assert all(poke.WORDS.values())


# -- several lines -----------------------------------------------------------------------------------------------------


def test_several_lines_need_a_program_that_is_known_to_take_them(read):
    seat = read("readline")
    assert result(seat.poke(LINES)) == ("refused", "multi_line")
    assert result(seat.poke(LINES, client="aider")) == ("refused", "multi_line")
    assert seat.got == []


def test_a_tmux_that_can_tell_is_believed(read, fake_tmux):
    """tmux 3.7 knows whether the program has asked for brackets."""
    generic, claude = read("readline"), read("claude-code")
    fake_tmux('case "$*" in *"#{bracket_paste_flag}") echo 1; exit 0;; esac')
    assert result(generic.poke(LINES)) == ("delivered", None)
    assert (generic.sent, generic.enters) == ([LINES], 1)
    assert result(generic.poke(PARAGRAPHS)) == ("refused", "multi_line")
    fake_tmux('case "$*" in *bracket_paste_flag*) echo 0; exit 0;; esac')
    assert result(claude.poke(LINES)) == ("refused", "multi_line")
    assert claude.got == []


def test_this_tmux_can_tell_or_says_nothing(desk):
    asked, not_asked = desk.compose(), desk.compose("--plain")
    answers = (panes.bracketed(asked.pane), panes.bracketed(not_asked.pane))
    assert answers in ((None, None), (True, False))


# -- it went in, and was not seen to be taken --------------------------------------------------------------------------


def test_a_dialog_that_opens_with_the_paste_is_not_answered(read):
    seat = read("claude-code", "--on-paste", "dialog")
    assert result(seat.poke(TEXT)) == ("unconfirmed", "dialog_open")
    assert (seat.approvals, seat.enters, seat.sent) == (0, 0, [])


@pytest.mark.parametrize("text", [TEXT, LONG], ids=["short", "marker"])
@pytest.mark.parametrize("look", KNOWN)
def test_what_somebody_types_at_the_same_moment_is_not_sent_off(read, look, text):
    seat = read(look, "--on-pasted", "draft and mine")
    assert result(seat.poke(text)) == ("unconfirmed", "draft_present")
    assert (seat.enters, seat.sent) == (0, [])


def test_a_program_that_shows_something_else(read):
    seat = read("readline", "--collapse", "10")
    assert seat.poke(TEXT).state == "unconfirmed"
    assert (seat.enters, seat.sent) == (0, [])


def test_a_program_that_does_not_take_it(read):
    seat = read("claude-code", "--swallow", "100")
    assert seat.poke(LINES).state == "unconfirmed"
    assert seat.sent == []
    assert seat.mark() == "|"
    # Then it is a draft like any other: no wake is joined to it, and none sends it off.
    enters = seat.enters
    assert seat.deliver().reason == "draft_present"
    assert seat.enters == enters
    assert LINE not in "".join(seat.got)


@pytest.mark.parametrize("look", KNOWN)
def test_an_enter_that_becomes_a_new_line_is_no_delivery(read, look):
    seat = read(look, "--newline", "100")
    assert seat.poke(PARAGRAPHS).state == "unconfirmed"
    assert seat.sent == []


def test_a_tmux_that_dies_while_it_pastes_is_not_said_to_have_refused(read, fake_tmux, monkeypatch):
    seat = read("claude-code")
    fake_tmux('case "$*" in *paste-buffer*) echo "lost server" >&2; exit 1;; esac')
    assert result(seat.poke(TEXT)) == ("unconfirmed", "tmux_unavailable")
