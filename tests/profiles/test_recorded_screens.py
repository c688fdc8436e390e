"""What the profiles see in screens recorded from the real programs, in every state that they were brought into."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xats.clients import registry
from xats.clients.profile import view
from xats.delivery import screens
from xats.tmux.screen import plain

SCREENS = Path(__file__).parent.parent / "clients" / "screens"
LINE = "xats: 2 new from alice, bob - run: xats inbox"
# What a recording's name begins with, and the states that are right for it.
EXPECTED = {
    "idle-": {"idle"},
    "dialog-refused": {"idle"},  # after the dialog
    "busy-queued": {"busy", "idle"},  # some were quicker than the recorder
    "busy": {"busy"},
    "dialog": {"dialog", "unknown"},
    "start-up": {"idle", "busy", "unknown"},  # a composer may be drawn before it listens
    "draft": {"draft"},
    "own-line-submitted": {"idle"},
    "own-line": {"draft"},
    "killed": {"draft", "unknown"},  # a shell under the remains of a composer
    "exited": {"unknown"},
    "suspended": {"unknown"},
    "shell-mode": {"draft"},  # what is sent there is run
    "elsewhere-subagent-list": {"unknown", "busy"},
    "elsewhere": {"unknown"},  # a composer that sends to another agent, or starts one
}
REASONS = {
    "idle": None,
    "busy": "busy",
    "dialog": "dialog_open",
    "draft": "draft_present",
    "unknown": "screen_unknown",
}
NARROW = SCREENS / "qwen" / "idle-empty-20x10.json"  # it wraps its placeholder, and puts the cursor elsewhere
RECORDINGS = sorted(path for path in SCREENS.glob("*/*.json") if path != NARROW)


def recorded(path: Path):
    found = json.loads(path.read_text())
    look = SimpleNamespace(
        screen=found["screen"],
        title=found["pane_title"],
        cursor_x=found["cursor_x"],
        cursor_y=found["cursor_y"],
        cursor=bool(found["cursor_flag"]),
        alternate_on=bool(found["alternate_on"]),
        wake="",
        line="",
    )
    return registry.find(path.parent.name, {"XATS_CLIENTS": "/nonexistent"}), look


def expected(state: str):
    return EXPECTED[max((head for head in EXPECTED if state.startswith(head)), key=len)]


def test_there_are_recordings_of_every_state_of_the_five_programs():
    for client in ("claude-code", "codex", "gemini", "opencode", "qwen"):
        names = {path.stem for path in RECORDINGS if path.parent.name == client}
        assert {
            "idle-empty",
            "idle-after-turn",
            "draft",
            "draft-multiline",
            "draft-wrapped",
            "own-line",
            "busy",
        } <= names
        assert {"dialog", "busy-with-draft", "draft-40x20", "own-line-submitted", "shell-mode"} <= names


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_profile_sees_the_state_of_a_recorded_screen(path):
    profile, look = recorded(path)
    seen = view(profile, look)
    assert seen.state in expected(path.stem)
    assert screens.objection(profile, look, "store-1") == REASONS[seen.state]


@pytest.mark.parametrize(
    "path",
    [path for path in RECORDINGS if path.stem.startswith("own-line") and path.stem != "own-line-submitted"],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_our_own_line_is_recognised_however_it_is_wrapped(path):
    profile, look = recorded(path)
    assert screens.holds(profile, look, LINE)
    assert not screens.holds(profile, look, LINE.replace("2 new", "3 new"))
    look.wake, look.line = "store-1:pasted", LINE
    assert screens.objection(profile, look, "store-1") is None
    assert screens.objection(profile, look, "store-2") == "draft_present"


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.stem == "draft-with-own-line"], ids=lambda path: path.parent.name
)
def test_our_line_behind_a_draft_is_not_our_line(path):
    profile, look = recorded(path)
    look.wake, look.line = "store-1:pasted", LINE
    assert not screens.holds(profile, look, LINE)
    assert screens.objection(profile, look, "store-1") == "draft_present"


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.stem == "draft"], ids=lambda path: path.parent.name
)
def test_the_text_of_a_draft_is_told(path):
    profile, look = recorded(path)
    assert view(profile, look).text == "please look at the parser"


@pytest.mark.parametrize("client", ["codex", "opencode", "qwen"])
@pytest.mark.parametrize("state", ["idle-empty", "idle-after-turn", "draft", "own-line"])
def test_a_composer_without_the_cursor_is_behind_something(client, state):
    """Something that no profile knows the words of."""
    profile, look = recorded(SCREENS / client / f"{state}.json")
    assert look.cursor
    look.cursor, look.wake, look.line = False, "store-1:pasted", LINE
    assert view(profile, look).state == "unknown"
    assert screens.objection(profile, look, "store-1") == "screen_unknown"


@pytest.mark.parametrize(
    "path",
    [path for path in RECORDINGS if path.parent.name in ("codex", "opencode", "qwen")],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_the_cursor_is_shown_wherever_one_may_type_and_hidden_in_dialogs(path):
    _, look = recorded(path)
    assert look.cursor != (path.stem.startswith("dialog") and path.stem != "dialog-refused")


BLIND = [name for name in registry.BUILT_IN if registry.find(name, {"XATS_CLIENTS": "/nonexistent"}).composer_unknown]


@pytest.mark.parametrize(
    "path",
    [path for path in RECORDINGS if path.parent.name in BLIND],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_the_first_screens_of_a_program_without_a_described_composer_are_refused_by_name(path):
    profile, look = recorded(path)
    seen = view(profile, look)
    if path.stem.startswith("dialog"):
        assert (seen.state, screens.objection(profile, look, "store-1")) == ("dialog", "dialog_open")
        assert any(one in seen.evidence for one in profile.dialog)
    else:
        assert (seen.state, screens.objection(profile, look, "store-1")) == ("unknown", "screen_unknown")


def test_there_are_recordings_of_their_first_screens():
    assert BLIND == ["cline", "droid", "kimi-code"]
    names = {(path.parent.name, path.stem) for path in RECORDINGS}
    assert {(client, "dialog-login") for client in BLIND} | {("kimi-code", "dialog-trust")} <= names


@pytest.mark.parametrize("client", BLIND)
def test_nothing_is_ever_typed_where_a_composer_is_not_described(client):
    """Not even into a screen in which an unknown program would count as idle: empty, or with a prompt at its cursor."""
    profile = registry.find(client, {"XATS_CLIENTS": "/nonexistent"})
    generic = registry.find("generic", {"XATS_CLIENTS": "/nonexistent"})
    prompt = SimpleNamespace(screen="> \n", title="", cursor_x=2, cursor_y=0, cursor=True, alternate_on=False)
    assert view(generic, prompt).state == "idle"
    looks = [prompt, *(recorded(path)[1] for path in RECORDINGS)]
    for look in looks:
        look.wake, look.line = "store-1:pasted", LINE
        assert view(profile, look).state in ("dialog", "unknown")
        assert screens.objection(profile, look, "store-1") in ("dialog_open", "screen_unknown")


def test_qwen_in_a_pane_too_narrow_for_its_placeholder_is_left_alone():
    profile, look = recorded(NARROW)
    assert view(profile, look).state == "draft"
    assert screens.objection(profile, look, "store-1") == "draft_present"


@pytest.mark.parametrize("state", ["letter", "at-start", "command", "indented"])
@pytest.mark.parametrize("colours", ["", "-truecolor"])
def test_a_draft_of_qwen_is_one_though_the_cursor_is_where_its_placeholder_begins(state, colours):
    profile, look = recorded(SCREENS / "qwen" / f"draft-{state}{colours}.json")
    assert look.cursor_x == 2
    assert view(profile, look).text in ("p", "/help me", "please look at the parser")


def test_what_is_quoted_far_above_the_composer_is_no_sign():
    profile, look = recorded(SCREENS / "claude-code" / "idle-after-turn.json")
    rows = look.screen.split("\n")
    look.screen = "\n".join(["Do you want to proceed? esc to interrupt", *[""] * 20, *rows])
    look.cursor_y += 21
    assert view(profile, look).state == "idle"


def test_an_attachment_far_above_the_composer_of_qwen_is_none_of_what_will_be_sent():
    profile, look = recorded(SCREENS / "qwen" / "idle-after-turn.json")
    rows = look.screen.split("\n")
    look.screen = "\n".join(["↑ to manage attachments", *[""] * 20, *rows])
    look.cursor_y += 21
    assert view(profile, look).state == "idle"


@pytest.mark.parametrize("above", ["", "heading"])
@pytest.mark.parametrize("empty", [1, 2])
@pytest.mark.parametrize(
    ("client", "footer"), [("claude-code", True), ("claude-code", False), ("codex", True), ("gemini", True)]
)
def test_what_stands_below_empty_lines_of_a_draft_belongs_to_it(client, footer, empty, above):
    """Somebody went up to the first line of his draft, and is about to write there."""
    profile, look = recorded(SCREENS / client / "draft-multiline.json")
    rows = look.screen.split("\n")
    first, last = look.cursor_y - 2, look.cursor_y
    glyph = next(glyph for glyph in profile.prompts if plain(rows[first]).startswith(glyph))
    below = rows[last + 1 :] if footer else rows[last + 1 : last + 2]  # that is the rule
    look.screen = "\n".join([*rows[:first], f"\x1b[0m{glyph}{above}", *[""] * empty, rows[last], *below])
    look.cursor_x, look.cursor_y = len(glyph), first
    seen = view(profile, look)
    assert (seen.state, seen.text) == ("draft", f"{above} third row of it".strip())
    assert screens.objection(profile, look, "store-1") == "draft_present"


@given(st.data())
def test_no_draft_is_taken_for_an_empty_composer_wherever_the_cursor_is_in_it(data):
    profile, look = recorded(SCREENS / data.draw(st.sampled_from(["claude-code", "codex", "gemini"])) / "draft.json")
    rows = look.screen.split("\n")
    at = look.cursor_y
    glyph = next(glyph for glyph in profile.prompts if plain(rows[at]).startswith(glyph))
    first, *others = data.draw(st.lists(st.sampled_from(["", "x", "two words", "  indented"]), min_size=1).filter(any))
    draft = [f"\x1b[0m{glyph}{first}", *(" " * len(glyph) + row if row else "" for row in others)]
    look.screen = "\n".join([*rows[:at], *draft, *rows[at + 1 :]])
    y = data.draw(st.integers(0, len(others)))
    look.cursor_y, look.cursor_x = at + y, len(glyph) + data.draw(st.sampled_from([0, len([first, *others][y])]))
    assert view(profile, look).state in ("draft", "unknown")


@pytest.mark.parametrize("x", [0, 24], ids=["at its start", "at its end"])
@pytest.mark.parametrize("dark", ["38;5;234", "38;2;26;26;26", "38;2;0;0;0", "38;2;60;56;54"])
@pytest.mark.parametrize(
    ("client", "colour", "start"),
    [("opencode", "38;2;238;238;238", 16), ("gemini", "38;2;255;255;255", 3)],
    ids=["opencode", "gemini"],
)
def test_dark_text_on_a_bright_ground_is_no_placeholder(client, colour, start, dark, x):
    profile, look = recorded(SCREENS / client / "draft-truecolor.json")
    assert colour in look.screen
    look.screen, look.cursor_x = look.screen.replace(colour, dark), start + x
    assert view(profile, look).text == "please look at the parser"
    assert screens.objection(profile, look, "store-1") == "draft_present"


def test_our_line_is_seen_on_a_bright_ground():
    profile, look = recorded(SCREENS / "opencode" / "own-line-truecolor.json")
    look.screen = look.screen.replace("38;2;238;238;238", "38;2;26;26;26")
    assert screens.holds(profile, look, LINE)


def test_a_marker_is_a_draft_also_for_a_cursor_before_it():
    profile, look = recorded(SCREENS / "opencode" / "draft-marker.json")
    look.cursor_x = 5
    assert screens.objection(profile, look, "store-1") == "draft_present"


@pytest.mark.parametrize(
    ("client", "state", "seen"),
    [("claude-code", "busy", "busy"), ("gemini", "busy", "busy"), ("claude-code", "idle-after-turn", "idle")],
)
def test_a_long_list_below_the_composer_hides_no_work(client, state, seen):
    profile, look = recorded(SCREENS / client / f"{state}.json")
    look.title = ""
    look.screen = look.screen.rstrip("\n") + "\n\x1b[0m" + "\n".join(f"  agent {number}" for number in range(15))
    assert view(profile, look).state == seen
