"""Programs that nobody has described: nothing is typed where it cannot be seen that they wait for a line."""

# ruff: noqa: RUF001 - the glyphs of their prompts
import os
import shlex
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import support
from tests.delivery.conftest import HERE, until
from tests.support.requests import request
from xats.clients import registry, unfamiliar
from xats.clients.profile import picture, view
from xats.core.agents import agents
from xats.delivery import screens
from xats.delivery.settings import Settings
from xats.delivery.transports import tmux
from xats.tmux import screen, terminal
from xats.tmux.cells import rows

SCREENS = sorted((Path(HERE) / "unfamiliar").glob("*.ansi"))
GENERIC = registry.find("generic", {"XATS_CLIENTS": "/nonexistent"})


class Poster:
    """A program that shows something in a pane, and notes what it reads."""

    def __init__(self, desk, text: str, *options: str, profile: str = "generic") -> None:
        serial = next(desk._serial)
        self.log, self.file = os.path.join(desk.folder, f"poster{serial}"), os.path.join(desk.folder, f"text{serial}")
        Path(self.file).write_text(text, encoding="utf-8")
        words = [sys.executable, "-IS", os.path.join(support.FOLDER, "poster.py"), self.log, self.file, *options]
        self.pane, self.profile, self.desk = desk.open(f"exec {shlex.join(words)}"), profile, desk
        until(lambda: os.path.exists(self.log))

    def deliver(self, quiet: int = 50):
        session = agents.Session(1, 1, 1, agents.Seat("here", None, None, None, self.pane), 0, None)
        return tmux.deliver(request(session, client=self.profile, settings=Settings(quiet=quiet)))

    def read(self) -> str:
        return Path(self.log).read_text().removeprefix("ready\n")


@pytest.mark.parametrize("mode", ["raw", "editor", "line"])
@pytest.mark.parametrize("path", SCREENS, ids=lambda path: path.stem)
def test_nothing_is_typed_at_a_screen_with_a_hidden_cursor(desk, path, mode):
    poster = Poster(desk, path.read_text(), "--mode", mode, "--brackets")
    result = poster.deliver()
    assert (result.state, result.reason) == ("refused", "screen_unknown")
    assert result.detail == "the terminal's cursor is hidden"
    assert poster.read() == ""
    assert "xats" not in desk.text(poster.pane)


@pytest.mark.parametrize("path", [path for path in SCREENS if path.stem != "grok-draft"], ids=lambda path: path.stem)
def test_nothing_is_typed_beside_a_choice(desk, path):
    """The same screens as a program draws them that leaves the cursor shown, in every row without words."""
    text = path.read_text()
    shown = rows(text)
    chosen = [y for y, row in enumerate(shown) if unfamiliar.is_raised(row) or unfamiliar.choice(row.text)]
    if not chosen:
        pytest.skip("it offers a choice by its words alone")
    poster = Poster(desk, text, "--mode", "line", "--cursor", f"1,{chosen[-1] + 2}")
    result = poster.deliver()
    assert result.reason in ("screen_unknown", "draft_present")
    assert poster.read() == ""


@pytest.mark.parametrize(
    ("options", "reason", "detail"),
    [
        (("--mode", "line"), None, ""),
        (("--mode", "editor"), None, ""),
        (("--mode", "raw"), "screen_unknown", "takes every key itself"),
        (("--mode", "silent"), "child_foreground", "asks for a password"),
        (("--mode", "editor", "--alternate"), "screen_unknown", "alternate screen"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_how_a_terminal_takes_input_decides(desk, options, reason, detail):
    """What is typed is not shown by this program, so nothing is ever submitted."""
    poster = Poster(desk, "Ready.\n\n> ", "--cursor", "2,2", *options)
    assert terminal.mode(poster.pane) == options[1]
    result = poster.deliver()
    if reason:
        assert (result.reason, detail in result.detail) == (reason, True), result
        assert poster.read() == ""
    else:
        assert result.reason == "unconfirmed" or result.state == "delivered"
        assert "\r" not in poster.read()


def test_a_program_that_asks_for_brackets_is_woken_where_tmux_can_tell(desk):
    poster = Poster(desk, "Ready.\n\n> ", "--cursor", "2,2", "--mode", "raw", "--brackets")
    look = screen.look(poster.pane)
    assert look.bracketed in (True, None)  # tmux 3.7 tells
    for told, sign in ((True, ""), (False, "has not asked"), (None, "does not tell")):
        changed = SimpleNamespace(bracketed=told)
        found = screens.unlike_a_prompt(GENERIC, poster.pane, changed)
        assert sign in found
        assert bool(sign) == bool(found)


def test_a_profile_may_say_that_a_program_takes_pastes(desk, monkeypatch, tmp_path):
    (tmp_path / "mine.toml").write_text("bracketed_paste = true\n")
    monkeypatch.setenv("XATS_CLIENTS", str(tmp_path))
    for profile, reason in (("generic", "screen_unknown"), ("mine", "unconfirmed")):
        poster = Poster(desk, "Ready.\n\n> ", "--cursor", "2,2", "--mode", "raw", profile=profile)
        assert poster.deliver().reason == reason


READERS = [
    ("exec cat", "line"),
    ("exec bash --norc -c 'read -e x'", "editor"),
    ("exec bash --norc -c 'read -sn1 x'", "raw"),
    ("exec bash --norc -c 'read -s x'", "raw"),
    ("exec less /etc/services", "raw"),
    ("exec more /etc/services", "raw"),
    ("stty -echo; exec cat", "silent"),
    ("exec python3 -c 'import getpass; getpass.getpass()'", "silent"),
]


@pytest.mark.parametrize(("command", "mode"), READERS, ids=[one for one, _ in READERS])
def test_a_line_editor_is_told_from_what_reads_single_keys(desk, command, mode):
    if not shutil.which(command.split()[1]) and command.startswith("exec"):
        pytest.skip(f"{command.split()[1]} is not installed")
    pane = desk.open(command)
    if mode == "raw" and "read -s x" in command:
        mode = "silent"
    until(lambda: terminal.mode(pane) == mode)


def test_a_terminal_that_is_gone_cannot_be_asked(desk):
    pane = desk.open("exec cat")
    gone = type(pane)(**{**pane.__dict__, "tty": "/dev/nonexistent"})
    assert terminal.mode(gone) == "unknown"


# -- the rows around the cursor ----------------------------------------------------------------------------------------


def shown(*lines: str, cursor: bool = True, alternate: bool = False):
    """A look at `lines`; the cursor stands at the `^`, which is not drawn."""
    y = next(y for y, line in enumerate(lines) if "^" in line)
    x = len(rows(lines[y].partition("^")[0])[0].text)
    text = "\n".join(line.replace("^", "") for line in lines)
    return SimpleNamespace(
        screen=text, cursor_x=x, cursor_y=y, cursor=cursor, alternate_on=alternate, title="", wake="", line=""
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["> ^"],
        ["^"],
        ["❯ ^"],
        ["│ > ^   │"],
        ["1. first", "2. second", "3. third", "> ^"],  # a list is conversation
        ["❯ 1. Yes", "  2. No", "", "Thank you.", "> ^"],  # and so is a choice further up
        ["● Noted", "> ^", "", "  ? for help"],
        ["and/or maybe/not", "> ^"],
        ["\x1b[7m \x1b[0m", "> ^"],  # a drawn cursor
        ["\x1b[38;5;2mgreen\x1b[0m words", "> ^"],
    ],
)
def test_a_cursor_in_a_row_without_words_is_a_prompt(lines):
    assert view(GENERIC, shown(*lines)).state == "idle"


@pytest.mark.parametrize(
    ("lines", "sign"),
    [
        (["❯ 1. Yes", "^"], "❯ 1."),
        (["> 1) Yes", "  2) No", "^"], "> 1)"),
        (["^", "● 2. Allow"], "● 2."),
        (["│ › 3: maybe", "│ ^"], "› 3:"),
        (["Overwrite? [y/N]", "^"], "y/N"),
        (["Overwrite? (Y/n)", "", "^"], "Y/n"),
        (["Run it? (Y)es/(N)o", "^"], "(Y)es/(N)o"),
        (["yes/no", "", "", "^"], "yes/no"),
        (["Press any key", "> ^"], "Press any key"),
        (["press ENTER to go on", "> ^"], "press ENTER"),
        (["\x1b[7m Allow \x1b[0m  Deny", "^"], "highlighted"),
        (["\x1b[46m\x1b[30mYes\x1b[0m", "No", "", "^"], "highlighted"),
        (["^", "\x1b[48;2;10;20;30mYes\x1b[0m"], "highlighted"),
        (["\x1b[2mType a message^\x1b[0m"], "faint words"),
    ],
)
def test_a_choice_near_the_cursor_is_unknown(lines, sign):
    seen = view(GENERIC, shown(*lines))
    assert (seen.state, sign in seen.evidence) == ("unknown", True), seen


def test_a_hidden_cursor_and_a_full_screen_are_unknown():
    assert view(GENERIC, shown("> ^", cursor=False)).state == "unknown"
    assert view(GENERIC, shown("> ^", alternate=True)).state == "unknown"


def test_words_beside_the_cursor_are_a_draft_and_are_not_repeated_as_evidence():
    seen = view(GENERIC, shown("> my secret^"))
    assert (seen.state, seen.text) == ("draft", "my secret")
    assert "secret" not in seen.evidence


def test_a_clock_below_the_prompt_of_an_unknown_program_is_no_noise_and_one_above_is():
    def look(above: str, prompt: str, below: str):
        return picture(GENERIC, shown(above, f"{prompt}^", "────", below))

    assert look("Ready.", "> ", "12:00:01") == look("Ready.", "> ", "12:00:02")
    assert look("Ready. 1", "> ", "") != look("Ready. 2", "> ", "")
    assert look("Ready.", "> ", "") != look("Ready.", ">> ", "")
    assert picture(GENERIC, shown("> ^", "working 1")) != picture(GENERIC, shown("> ^", "working 2"))
