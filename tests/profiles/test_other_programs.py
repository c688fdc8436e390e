"""What the profiles see of the programs that are not recorded, in rows that were copied from their screens."""

from types import SimpleNamespace

import pytest

from xats.clients import registry
from xats.clients.profile import view

RULE = "─" * 40
PLACEHOLDER = "\x1b[4m\x1b[39m \x1b[0m\x1b[38;5;103m\x1b[49m Type your message or @path/to/file\x1b[39m"
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


def test_qwen_is_never_taken_for_idle():
    """Its placeholder has a colour of its theme, which is not told from a draft."""
    idle = look(RULE, f"> {PLACEHOLDER}", RULE, "  ⏸ Ask permissions", at=(2, 1), title="Qwen - shop")
    assert seen("qwen", idle) == "draft"
    spinner = "  .. Why did the computer go to therapy?\x1b[38;5;103m (2s · ↓ 16 tokens · esc to cancel)"
    for title in ("Qwen - shop", "◐︎ Qwen - shop"):
        assert seen("qwen", look(spinner, RULE, f"> {PLACEHOLDER}", RULE, at=(2, 2), title=title)) == "busy"
    asking = ("   Allow execution of: 'touch'?", "   \u203a 1. Yes, allow once")
    assert seen("qwen", look(*asking, at=(2, 1), title="✳︎ Qwen - shop", cursor=False)) == "dialog"
