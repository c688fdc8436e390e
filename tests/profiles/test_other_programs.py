"""What the profiles see of the programs that are not recorded, in rows that were copied from their screens."""

from types import SimpleNamespace

import pytest

from xats.clients import registry
from xats.clients.profile import view

RULE = "─" * 40
PLACEHOLDER = "\x1b[4m\x1b[39m \x1b[0m\x1b[38;5;103m\x1b[49m Type your message or @path/to/file\x1b[39m"
# The themes of Qwen Code as they were seen: the colours of the prompt (and of commands and files in what is typed), of
# what is typed, and of the placeholder, each with 256 colours and with 24 bits.
QWEN = {
    "Default": ("38;5;183", "39", "38;5;103"),
    "Default, 24 bits": ("38;2;203;166;247", "39", "38;2;108;112;134"),
    "Default Light": ("38;5;141", "39", "38;5;145"),
    "Default Light, 24 bits": ("38;2;139;92;246", "39", "38;2;151;160;176"),
    "GitHub Light": ("38;5;124", "38;5;59", "38;5;246"),
    "GitHub Light, 24 bits": ("38;2;153;0;0", "38;2;36;41;46", "38;2;153;153;153"),
    "Dracula": ("38;5;212", "38;5;146", "38;5;103"),
    "Dracula, 24 bits": ("38;2;255;121;198", "38;2;163;175;183", "38;2;98;114;164"),
    "Atom One, 24 bits": ("38;2;198;120;221", "38;2;171;178;191", "38;2;92;99;112"),
}
UNKNOWN = {
    "Atom One": ("38;5;176", "38;5;146", "38;5;102"),
    "one of one's own": ("38;5;33", "38;5;145", "38;5;60"),
    "no colours": ("39", "39", "39"),
}
COPILOT = {
    " ← open sidebar · Interactive · Manual Approval · / commands · ? help": "idle",
    " \x1b[34m●\x1b[39m \x1b[94mW\x1b[34morking\x1b[39m · 61 B \x1b[1mesc esc\x1b[0m interrupt        mock": "busy",
    " \x1b[94m◉\x1b[39m \x1b[34mWorking\x1b[39m \x1b[1mesc esc\x1b[0m edit prompt                  mock": "busy",
    " ○ Working esc again to edit prompt                          mock": "busy",
    " ◎ Working · 36 B esc again to interrupt                      mock": "busy",
    " ∙ Working": "busy",
    " ● Working on the parser": "idle",  # the end of an answer
}


def look(*rows: str, at: tuple[int, int], title: str = "", cursor: bool = True):
    x, y = at
    return SimpleNamespace(screen="\n".join(rows), title=title, cursor_x=x, cursor_y=y, cursor=cursor)


def seen(client: str, found) -> str:
    return view(registry.find(client, {"XATS_CLIENTS": "/nonexistent"}), found).state


@pytest.mark.parametrize("footer", COPILOT)
def test_copilot(footer):
    assert seen("copilot", look(RULE, "\u276f", RULE, footer, at=(2, 1))) == COPILOT[footer]
    drafted = look(RULE, "\u276f half a draft", RULE, footer, at=(14, 1))
    assert seen("copilot", drafted) == ("busy" if COPILOT[footer] == "busy" else "draft")


def test_a_dialog_of_copilot():
    rows = ("│ Do you want to run this command?  │", "│ \x1b[44m\u276f \x1b[97m1. Yes\x1b[39m   │")
    assert seen("copilot", look(RULE, *rows, at=(30, 1), cursor=False)) == "dialog"


def qwen(row: str, at: int = 2, below: str = "  ⏸ Ask permissions", title: str = "Qwen - shop"):
    return look(RULE, f"\x1b[{row}", f"\x1b[39m{RULE}", f"\x1b[39m{below}", at=(at, 1), title=title)


def hinted(theme: tuple[str, str, str], first: str = " ", rest: str = " Type your message") -> str:
    return f"{theme[0]}m> \x1b[4m\x1b[39m{first}\x1b[0m\x1b[{theme[2]}m\x1b[49m{rest}"


def typed(accent: str, primary: str) -> list[str]:
    """Return rows of a draft with the cursor at its start, as the program draws them."""
    return [
        f"{accent}m> \x1b[4m\x1b[{primary}mp\x1b[0m\x1b[{primary}m\x1b[49mlease",
        f"{accent}m> \x1b[4m\x1b[{primary}mp",
        f"{accent}m> \x1b[4m\x1b[{primary}m \x1b[0m\x1b[{primary}m\x1b[49mp",
        f"{accent}m> \x1b[4m/\x1b[0m\x1b[{accent}m\x1b[49mhelp\x1b[{primary}m me",
        f"{accent}m> \x1b[4m/\x1b[0m\x1b[{primary}m\x1b[49m me",
        f"{accent}m> \x1b[4m\x1b[{primary}ma\x1b[0m\x1b[{accent}m\x1b[49m@file",
        f"{accent}m> \x1b[4m\x1b[{primary}m ",
    ]


@pytest.mark.parametrize("theme", QWEN.values(), ids=list(QWEN))
def test_qwen_is_idle_behind_its_placeholder_and_behind_a_suggestion(theme):
    assert seen("qwen", qwen(hinted(theme))) == "idle"
    assert seen("qwen", qwen(hinted(theme, "r", "un the tests"))) == "idle"
    assert seen("qwen", qwen(hinted(theme, "試", "してください"))) == "idle"


@pytest.mark.parametrize("theme", [*QWEN.values(), *UNKNOWN.values()], ids=[*QWEN, *UNKNOWN])
def test_what_is_typed_into_qwen_is_a_draft_wherever_the_cursor_is(theme):
    for row in typed(*theme[:2]):
        assert seen("qwen", qwen(row)) == "draft"
        assert seen("qwen", qwen(row, at=3)) == "draft"
    assert seen("qwen", qwen(f"{theme[0]}m> \x1b[{theme[1]}mp\x1b[4m\x1b[{theme[2]}mlease", at=3)) == "draft"


@pytest.mark.parametrize("theme", UNKNOWN.values(), ids=list(UNKNOWN))
def test_qwen_in_colours_that_are_not_known_is_a_draft(theme):
    assert seen("qwen", qwen(hinted(theme))) == "draft"
    assert seen("qwen", qwen(hinted(theme, "r", "un the tests"))) == "draft"


@pytest.mark.parametrize("colour", registry.find("qwen", {"XATS_CLIENTS": "/nonexistent"}).placeholder_colours)
def test_a_theme_of_ones_own_may_draw_a_draft_of_qwen_in_the_colour_of_a_placeholder(colour):
    for row in [*typed("38;5;33", colour), *typed(colour, "39"), *typed(colour, colour)]:
        assert seen("qwen", qwen(row)) == "draft"


def test_the_colours_of_ones_own_theme_can_be_given(tmp_path):
    (tmp_path / "qwen.toml").write_text('placeholder_colours = ["38;5;60"]\n')
    own = registry.find("qwen", {"XATS_CLIENTS": str(tmp_path)})
    assert view(own, qwen(hinted(UNKNOWN["one of one's own"]))).state == "idle"
    assert view(own, qwen(hinted(QWEN["Default"]))).state == "draft"


def test_qwen_with_a_file_attached_has_a_draft():
    theme = QWEN["Default"]
    for below in ("  ↑ to manage attachments", "  ↑ Anhänge verwalten", "  ← → select, Delete to remove, ↓ to exit"):
        assert seen("qwen", qwen(hinted(theme), below=below)) == "draft"


def test_a_draft_of_qwen_may_begin_with_empty_rows():
    rows = ("\x1b[38;5;183m> \x1b[4m\x1b[39m \u200b\x1b[0m", "", "  please look")
    assert seen("qwen", look(RULE, *rows, RULE, at=(2, 1), title="Qwen - shop")) == "draft"


def test_a_command_line_of_qwen_is_a_draft():
    assert seen("qwen", qwen(hinted(QWEN["Default"]).replace("> ", "! "))) == "draft"


def test_qwen_at_work_and_with_a_dialog():
    spinner = "  .. Why did the computer go to therapy?\x1b[38;5;103m (2s · ↓ 16 tokens · esc to cancel)"
    for title in ("Qwen - shop", "◐︎ Qwen - shop"):
        assert seen("qwen", look(spinner, RULE, f"> {PLACEHOLDER}", RULE, at=(2, 2), title=title)) == "busy"
    asking = ("   Allow execution of: 'touch'?", "   \u203a 1. Yes, allow once")
    assert seen("qwen", look(*asking, at=(2, 1), title="✳︎ Qwen - shop", cursor=False)) == "dialog"
