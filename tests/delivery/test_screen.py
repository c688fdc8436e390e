"""What a pane shows, and whether the text at the cursor is exactly our line."""

import random
import shlex
import subprocess
import time

import pytest

from tests.delivery.conftest import LINE, TITLES, until
from tests.support.viewer import Viewer
from xats.tmux import match, screen
from xats.tmux.cells import rows
from xats.tmux.errors import NoPane, TmuxUnavailable
from xats.tmux.server import run


def unchanged(pane, look):
    """Ask tmux as a paste does."""
    say = ("display-message -p yes", "display-message -p no")
    return run(pane, "if-shell", "-F", "-t", pane.pane_id, screen.unchanged(look), *say) == "yes\n"


def shown(*rows, cursor=None, width=80, before=None):
    """A look at `rows`; the cursor stands at the `^` that replaces nothing, or at `cursor`.

    `before` are the rows of a look before the paste.
    """
    for y, row in enumerate(rows):
        if "^" in row:
            cursor = (len(row.partition("^")[0]), y)
    x, y = cursor
    return screen.Look(
        state="", server_pid=1, server_start=1, pane_id="%1", pane_pid=1, dead=False, in_mode=False, input_off=False,
        synchronized=False, alternate_on=False, cursor_x=x, cursor_y=y, width=width, height=len(rows), wake="",
        command="", line="", title="", screen="\n".join(row.replace("^", "") for row in rows),
        before=match.mark_before(shown(*before, width=width)) if before else "",
    )  # fmt: skip


HELD = [
    (["> ^"], ["> xats: 2 new^"]),
    (["^"], ["xats: 2 new^"]),
    (["\u276f ^", "────", "  ? for help"], ["\u276f xats: 2 new^", "────", "  ? for help"]),
    (["│ > ^                 │"], ["│ > xats: 2 new^      │"]),
    (["user@host:~$ ^"], ["user@host:~$ xats: 2 new^"]),
    (["> ^"], ["> xats:", "  2 new^"]),
    (["> ^"], [">", "  xats:", "  2 new^"]),
    (["│ > ^     │"], ["│ > xats: │", "│   2 new^ │"]),
    (["┃  ^"], ["┃  xats: 2 new^"]),
    (["old", "> ^"], ["> xats: 2 new^"]),
    (["> ^ an example, drawn faint"], ["> xats: 2 new^"]),
]


@pytest.mark.parametrize(("before", "rows"), HELD)
def test_holds(before, rows):
    look = shown(*rows, before=before)
    assert match.holds(look, "xats: 2 new")
    assert match.remains(look, "xats: 2 new")


@pytest.mark.parametrize(("rows", "cursor"), [(["\x1b[1m> \x1b[0mxats: 2 new"], 13), (["\x0ex\x0f xats: 2 new"], 13)])
def test_holds_in_colours_and_behind_line_drawing(rows, cursor):
    before = [">" + " ^" if ">" in rows[0] else "^"]
    assert match.holds(shown(*rows, cursor=(cursor, 0), before=before), "xats: 2 new")


@pytest.mark.parametrize(
    "rows",
    [
        ["> ^"],
        ["> xats: 2 ne^"],
        ["> xats: 2 new and more^"],
        ["> xats: 2 new^ and more"],
        ["> xats: 2^ new"],
        ["> ^xats: 2 new"],
        ["xats: 2 new", "^"],
        ["> xats: 2 new", "> ^"],
        ["> xats: 2 new", "  ^"],
        ["xats:", "", "2 new^"],
        ["xats: 3 new", "  2 new^"],
        ["2 new^"],
    ],
)
def test_does_not_hold(rows):
    assert not match.holds(shown(*rows, before=["> ^"]), "xats: 2 new")
    assert not match.holds(shown(*rows, before=["^"]), "xats: 2 new")


@pytest.mark.parametrize(
    ("before", "rows"),
    [
        (["> ^"], ["> wait, xats: 2 new^"]),
        (["> ^"], [">> xats: 2 new^"]),
        (["> ^"], ["> ... xats: 2 new^"]),
        (["> ^"], ["> wait,", "  xats: 2 new^"]),
        (["^"], ["-- xats: 2 new^"]),
        (["> ^"], ["xats: 2 new^"]),
        (None, ["> xats: 2 new^"]),  # nobody knows what stood there
        (["^"], ["a draft that fills a row of", "xats: 2 new^"]),
        (["> ^"], ["> a draft that fills a row", "xats: 2 new^"]),
        (["^"], ["a draft that is wrapped ", "xats: 2 new^"]),
        (["said", "^"], ["said", "a draft that is wrapped ", "xats: 2 new^"]),
        (
            ["a row that was full before.", "^"],
            ["a row that was full before.", "a draft that fills the next", "xats: 2 new^"],
        ),
    ],
)
def test_words_before_our_line_that_were_not_there_before_the_paste(before, rows):
    """A program that reads or echoes late shows a person's draft only now."""
    width = max(len(row) for row in rows) if len(rows) > 1 and len(rows[-2]) > 20 else 80
    look = shown(*rows, before=before, width=width)
    assert not match.holds(look, "xats: 2 new")
    assert match.remains(look, "xats: 2 new")


def test_a_full_row_pushes_the_cursor_onto_the_next():
    assert match.holds(shown("> xats:2new", "^", width=11, before=["> ^"]), "xats: 2 new")
    assert not match.holds(shown("> xats:2new", "^", width=12, before=["> ^"]), "xats: 2 new")
    assert match.holds(shown("0123456789:", "xats:2new^", width=11, before=["0123456789:", "^"]), "xats: 2 new")


def test_an_empty_row_of_a_framed_composer_holds_nothing():
    look = shown("│ xats: hi │", "│ ^         │", width=12, before=["│ ^         │"])
    assert not match.holds(look, "xats: hi")
    assert not match.remains(look, "xats: hi")


def test_wide_and_combining_characters_before_the_cursor():
    wide = shown("日本 ", cursor=(5, 0))
    for row, cursor, lead in [
        ("日本 xats: hi", 13, wide),
        ("e\u0301> xats: hi", 11, shown("e\u0301> ", cursor=(3, 0))),
    ]:
        look = shown(row, cursor=(cursor, 0))
        look.__dict__["before"] = match.mark_before(lead)
        assert match.holds(look, "xats: hi")
    assert not match.remains(shown("日本 xats: hi", cursor=(11, 0)), "xats: hi")


def test_an_enter_that_became_a_new_line():
    assert match.broken(shown("> xats: hi", "  ^"), "xats: hi")
    assert match.broken(shown("┃  xats:", "┃  hi", "┃  ^"), "xats: hi")
    assert not match.broken(shown("xats: hi", "^"), "xats: hi")
    assert not match.broken(shown("> xats: hi", "", "> ^"), "xats: hi")
    assert not match.broken(shown("> xats: hi^"), "xats: hi")


def test_plain_drops_colours_links_and_line_drawing():
    raw = "\x1b[1;38;5;2mhi\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x0elqk\x0f q"
    assert screen.plain(raw) == "hi link ┌─┐ q"


def test_a_look_tells_the_pane_and_its_screen(desk):
    pane = desk.open("printf 'a\\033[31mred\\033[0m\\nb'; exec cat", width=30, height=6)
    look = until(lambda: "b" in (seen := screen.look(pane)).screen and seen.command == "cat" and seen)
    assert (look.server_pid, look.server_start, look.pane_id) == (pane.server_pid, pane.server_start, pane.pane_id)
    assert (look.pane_pid, look.width, look.height) == (pane.pane_pid, 30, 6)
    assert (look.cursor_x, look.cursor_y) == (1, 1)
    assert (look.dead, look.in_mode, look.input_off, look.synchronized, look.alternate_on) == (False,) * 5
    assert (look.wake, look.line) == ("", "")
    assert look.rows() == ["ared", "b", "", "", "", ""]
    assert "\x1b[31mred" in look.screen


def test_a_look_tells_each_obstacle(desk):
    pane = desk.open("exec cat")
    desk.cmd("copy-mode", "-t", pane.pane_id)
    desk.cmd("select-pane", "-d", "-t", pane.pane_id)
    desk.cmd("set-option", "-w", "-t", pane.pane_id, "synchronize-panes", "on")
    look = screen.look(pane)
    assert (look.in_mode, look.input_off, look.synchronized, look.dead) == (True, True, True, False)
    desk.die(pane)
    assert screen.look(pane).dead


@pytest.mark.parametrize(
    "title",
    [
        "a|b|c",
        "a,b}c#{pid}",
        "\u276f grüße 日本",
        "'quoted' \"twice\" `x` $HOME;",
        "[ ! ] Action",
        "1\\n2",
        " ",
        *TITLES,
    ],
)
def test_odd_titles_and_options_shift_nothing(desk, title):
    pane = desk.open(f"printf '\\033]2;%s\\007> ' {shlex.quote(title)}; exec cat")
    until(lambda: "> " in desk.text(pane) + " " and desk.show(pane, "#{pane_current_command}") == "cat")
    desk.cmd("set-option", "-p", "-t", pane.pane_id, "@xats_line", title + ".")
    desk.cmd("set-option", "-p", "-t", pane.pane_id, "@xats_wake", "w|" + title + ".")
    desk.cmd("set-option", "-p", "-t", pane.pane_id, "@xats_before", "0badcafe")
    look = screen.look(pane)
    assert look.title == desk.show(pane, "#{pane_title}")  # 3.8 keeps it with escapes
    assert look.line == desk.show(pane, "#{@xats_line}")  # 3.4 prints it with escapes
    assert look.before == "0badcafe"
    assert look.rows()[0].strip() == ">"
    assert look.cursor_x == 2
    assert match.remains(look, ">")
    assert unchanged(pane, look)


def test_a_look_in_the_c_locale(desk, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    pane = desk.open("printf '\u276f grüße'; exec cat")
    assert until(lambda: "grü" in (seen := screen.look(pane)).screen and seen).rows()[0] == "\u276f grüße"


def test_a_look_at_a_pane_that_is_gone(desk):
    pane = desk.open("exec cat")
    desk.cmd("kill-pane", "-t", pane.pane_id)
    with pytest.raises(NoPane):
        screen.look(pane)


def garbled(said, chance):
    """Return what tmux `said` with one thing wrong in it."""
    lines = said.split("\n")
    at = chance.randrange(len(lines))
    match chance.randrange(7):
        case 0:
            return said[: chance.randrange(len(said))]
        case 1:
            del lines[at]
        case 2:
            lines.insert(at, chance.choice(["", "|||||||||||||", "%1", "\ufffd", "no server", "1|2|%1|3"]))
        case 3:
            lines[at] = lines[at].replace("|", "", 1)
        case 4:
            lines[at] = lines[at].translate(
                str.maketrans("0123456789", chance.choice(["??????????", "          ", "-" * 10]))
            )
        case 5:
            lines[at] = "|".join(chance.sample(fields := lines[at].split("|"), len(fields)))
        case 6:
            fields = lines[at].split("|")
            fields[chance.randrange(len(fields))] = chance.choice(["", "x", "-1", "\u0663", "9" * 5000, "1e3"])
            lines[at] = "|".join(fields)
    return "\n".join(lines)


def test_an_answer_that_is_none_is_unavailable(desk):
    """Never a ValueError or an IndexError, and never a look at the rows of another pane."""
    panes = [desk.open("printf 'row %s\\n' a b c; exec cat", height=5) for _ in range(3)]
    until(lambda: all("row c" in desk.text(pane) for pane in panes))
    said = run(panes[0], *screen.commands(panes))
    assert all(screen.read(panes, said).values())
    chance = random.Random(7)
    wrong = 0
    for _ in range(3000):
        try:
            looks = screen.read(panes, garbled(said, chance))
        except TmuxUnavailable:
            wrong += 1
            continue
        for look in looks.values():
            assert look is None or len(look.rows()) == look.height
    assert wrong > 1000


def test_a_tmux_that_says_nothing_is_unavailable(desk, fake_tmux):
    pane = desk.open("exec cat")
    fake_tmux("exit 0")
    with pytest.raises(TmuxUnavailable, match="0 of 1"):
        screen.look(pane)


def test_no_line_of_a_title_passes_for_a_row(desk):
    """A person can set a title of several lines; a program cannot."""
    pane = desk.open("printf 'the only row'; exec cat", height=4)
    until(lambda: "the only row" in desk.text(pane))
    desk.cmd("select-pane", "-t", pane.pane_id, "-T", "one\ntwo\nthree")
    look = screen.look(pane)
    assert look.rows() == ["the only row", "", "", ""]
    assert unchanged(pane, look)


@pytest.mark.parametrize("width", [20, 21, 22, 23, 26, len(LINE), len(LINE) + 1])
def test_our_line_in_a_real_terminal_that_wraps_it(desk, width):
    pane = desk.open(f"printf '{LINE}'; exec cat", width=width)
    look = until(
        lambda: (seen := screen.look(pane)).command == "cat" and "inbox" in seen.plain().replace("\n", "") and seen
    )
    assert match.remains(look, LINE)
    assert not match.remains(look, LINE + "x")
    assert not match.remains(look, LINE.replace("2", "3"))


# -- several panes in one invocation -----------------------------------------------------------------------------------


def glimpse(panes):
    return screen.read(panes, run(panes[0].socket, *screen.commands(panes)))


def test_several_panes_are_seen_as_each_alone(desk):
    panes = [desk.compose("--title", title, height=height).pane for title, height in (("a|b", 10), ("c", 24), ("", 5))]
    assert glimpse(panes) == {pane.pane_id: screen.look(pane) for pane in panes}


def test_one_that_is_gone_hides_no_other(desk):
    panes = [desk.compose().pane for _ in range(3)]
    desk.cmd("kill-pane", "-t", panes[1].pane_id)
    found = glimpse(panes)
    assert found[panes[1].pane_id] is None
    for pane in (panes[0], panes[2]):
        assert found[pane.pane_id] == screen.look(pane)


def test_as_many_as_tmux_takes(desk):
    panes = [desk.open("exec cat") for _ in range(screen.MOST)]
    assert None not in glimpse(panes).values()


def test_the_cursor_is_shown_or_hidden(desk):
    seat = desk.compose()
    assert screen.look(seat.pane).cursor
    pane = desk.open("printf '\\033[?25lhidden'; exec cat")
    until(lambda: "hidden" in desk.text(pane))
    assert not screen.look(pane).cursor


def test_a_client_in_control_mode_is_no_person(desk):
    seat = desk.compose()
    words = ["tmux", "-S", desk.socket, "-C", "attach-session", "-t", seat.pane.pane_id]
    client = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    until(lambda: desk.cmd("list-clients"))
    assert screen.look(seat.pane).key_at == 0
    client.stdin.close()
    client.wait(10)


@pytest.mark.parametrize("style", ["4:2", "4:3", "4;58:5:2", "4;58;5;8", "4;58:2::2:2:2", "4:3;58;2;90;2;38"])
def test_no_kind_or_colour_of_an_underline_makes_text_faint(desk, style):
    pane = desk.open(f"printf '\\033[{style}mdraft\\033[0m \\033[2mfaint'; exec cat")
    until(lambda: "faint" in desk.text(pane))
    seen = screen.look(pane).screen
    assert "\x1b[4" in seen
    row = rows(seen)[0]
    assert (row.text, row.bright) == ("draft faint", "draft")


def test_keys_of_a_client_with_an_active_pane_of_its_own_may_go_to_any_pane_of_its_window(desk):
    first = desk.open("exec cat")
    second, elsewhere = desk.open("exec cat", split=first), desk.open("exec cat")
    desk.cmd("set-option", "-g", "assume-paste-time", "0")
    viewer = Viewer(desk.socket, first.pane_id, flags="active-pane")
    try:
        viewer.type("\x02o")  # to the next pane: the active one stays the first for everybody else
        viewer.type("typed")
        until(lambda: "typed" in desk.text(second))
        if desk.show(first, "#{pane_active}") != "1":
            pytest.skip("in this tmux (3.8) such a client changes the active pane of all")
        for pane in (first, second):
            assert 0 <= time.time() - screen.look(pane).key_at < 10
        assert screen.look(elsewhere).key_at == 0
    finally:
        viewer.close()
