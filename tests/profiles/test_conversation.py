"""Signs of a dialog and of work in a conversation, where anything may be quoted, and in a program's own status rows."""

# ruff: noqa: RUF001 - the glyphs of their prompts
import json
from types import SimpleNamespace

import pytest

from tests.profiles.test_recorded_screens import LINE, RECORDINGS, SCREENS, recorded
from xats.clients import registry
from xats.clients.composer import find
from xats.clients.profile import picture, view
from xats.delivery import screens
from xats.tmux.cells import rows
from xats.tmux.screen import plain

CLIENTS = ("claude-code", "codex", "gemini", "opencode", "qwen")
# What an answer may say last: the signs of the profiles, and what the status rows of the programs look like.
QUOTED = [
    "Do you want to merge it now?",
    "Would you like to run the following command?",
    "Esc to cancel · Tab to amend",
    "Enter to confirm · Esc to cancel",
    "Press enter to confirm or esc to cancel",
    "❯ 1. Yes",
    "› 1. Yes, proceed (y)",
    "● 1. Allow once",
    "I would press esc to interrupt it here.",
    "• Working (4s • esc to interrupt)",
    "✻ Kneading… (2s · ↓ 11 tokens)",
    "Thinking... (esc to cancel, 4s)",
    "esc interrupt",
    "Enter to steer · Ctrl+Q to queue",
    "Permission required. Allow once, or always?",
    "I changed three files… (see the summary above).",
    "Allow execution of: 'touch'?",
    "[y/N]",
]
MESSAGES = {  # how each program begins an answer, and goes on with it
    "claude-code": ("\x1b[38;5;231m●\x1b[39m ", "  "),
    "codex": ("\x1b[2m• \x1b[0m", "  "),
    "gemini": ("\x1b[38;5;183m✦ \x1b[39m", "  "),
    "opencode": ("     ", "     "),
    "qwen": ("  \x1b[38;5;183m◆︎\x1b[39m ", "    "),
}
REPLAYED = {  # how each program repeats what its user has said
    "claude-code": "\x1b[38;5;246m\x1b[48;5;237m❯ \x1b[38;5;231m{}\x1b[39m\x1b[49m",
    "codex": "\x1b[1;2m› \x1b[0m\x1b[48;5;238m{}\x1b[0m",
    "gemini": "\x1b[38;5;183m > \x1b[38;5;231m{}\x1b[39m",
    "opencode": "  ┃  {}",
    "qwen": "  \x1b[38;5;183m> {}\x1b[39m",
}
CALM = [
    path
    for path in RECORDINGS
    if path.stem.startswith(("idle-", "draft", "own-line", "dialog-refused")) and path.parent.name in CLIENTS
]
ids = {"ids": lambda path: f"{path.parent.name}/{path.stem}"}


def top_of_composer(profile, look) -> int:
    """Return the number of the first row of the composer, with what the program draws around it."""
    screen = rows(look.screen, profile.placeholder_colours)
    found = find(profile, screen, look)
    assert found
    first = found.top - (1 if found.top and screen[found.top - 1].text[:1] == "─" else 0)
    if profile.name == "gemini":
        first = max((y for y in range(found.top) if screen[y].text.startswith("───")), default=found.top)
    return first


def above_composer(profile, look, said: list[str], top: int | None = None):
    """Return `look` with its conversation replaced by the rows `said`: those that end just above the composer.

    `top` is `top_of_composer(profile, look)`, if it is known.
    """
    first = top_of_composer(profile, look) if top is None else top
    kept = look.screen.split("\n")[first:]
    changed = [f"\x1b[0m{row}" for row in said] + [f"\x1b[0m{kept[0]}", *kept[1:]]
    after = SimpleNamespace(**vars(look))
    after.screen, after.cursor_y = "\n".join(changed), look.cursor_y - first + len(said)
    return after


@pytest.mark.parametrize("path", CALM, **ids)
def test_whatever_is_quoted_in_the_conversation_a_composer_is_what_it_was(path):
    profile, look = recorded(path)
    before, top = view(profile, look), top_of_composer(profile, look)
    first, more = MESSAGES[profile.name]
    for sign in QUOTED:
        for said in (
            [first + sign, ""],
            [first + sign],
            [first + "Well,", more + sign, ""],
            [first + "Well,", "", more + "· " + sign, ""],
            [REPLAYED[profile.name].format(sign), ""],
            [first + "Options:", f"{more}❯ 1. {sign}", f"{more}  2. No", ""],
        ):
            changed = above_composer(profile, look, said, top)
            after = view(profile, changed)
            assert (after.state, after.text) == (before.state, before.text), (said, after.evidence)
            if path.stem.startswith("own-line") and path.stem != "own-line-submitted":
                changed.wake, changed.line = "store-1:pasted", LINE
                assert screens.objection(profile, changed, "store-1") is None


@pytest.mark.parametrize("path", [path for path in RECORDINGS if path.stem.startswith("dialog")], **ids)
def test_a_dialog_below_a_conversation_of_any_words_is_refused(path):
    profile, look = recorded(path)
    if path.stem == "dialog-refused":
        return
    for sign in QUOTED:
        first = MESSAGES.get(profile.name, ("> ",))[0]
        changed = SimpleNamespace(**vars(look))
        changed.screen = "\n".join([first + sign, "", f"\x1b[0m{look.screen}"])
        changed.cursor_y += 2
        assert screens.objection(profile, changed, "store-1") in ("dialog_open", "busy", "screen_unknown")


STATUS = {
    "claude-code": [
        ["\x1b[38;5;174m✻\x1b[39m \x1b[38;5;174mKneading… \x1b[38;5;246m(2s · ↓ 13 tokens)\x1b[39m", ""],
        ["\x1b[38;5;174m·\x1b[39m \x1b[38;5;174mmulling it over…\x1b[39m", ""],
        ["✢ Fixing the parser… (1m 2s · ↑ 2k tokens)", "  ⎿  ☐ run the tests", "     ☐ commit", ""],
        ["✻ Kneading… (2s)", "  ⎿  Tip: Use /memory to view", "     and manage Claude memory", ""],
    ],
    "codex": [["\x1b[2m• Working (4s • \x1b[0;1mesc\x1b[0;2m to interrupt)\x1b[0m", ""]],
    "gemini": [[" ⠴ Thinking... \x1b[38;5;248m(esc to cancel, 2s)\x1b[39m"]],
    "qwen": [["  .. \x1b[38;5;183mLoading...\x1b[38;5;103m (2s · ↓ 13 tokens · esc to cancel)\x1b[39m"]],
}


@pytest.mark.parametrize("client", STATUS)
@pytest.mark.parametrize("state", ["idle-after-turn", "draft-after-turn", "idle-empty-40x20"])
def test_the_status_rows_between_the_last_message_and_the_composer_tell_of_work(client, state):
    """Their titles told it too, until somebody switched titles off."""
    profile, look = recorded(SCREENS / client / f"{state}.json")
    look.title = "proj"
    assert view(profile, look).state != "busy"
    for status in STATUS[client]:
        changed = above_composer(profile, look, [f"{MESSAGES[client][0]}Noted", "", *status])
        assert view(profile, changed).state == "busy", status


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.stem.startswith("busy-") or path.stem == "busy"], **ids
)
def test_work_is_seen_whatever_the_conversation_says(path):
    profile, look = recorded(path)
    if view(profile, look).state != "busy":
        return  # it was quicker than the recorder
    for sign in QUOTED:
        changed = SimpleNamespace(**vars(look))
        changed.screen = "\n".join([MESSAGES[profile.name][0] + sign, "", f"\x1b[0m{look.screen}"])
        changed.cursor_y += 2
        assert view(profile, changed).state == "busy"


def test_a_busy_claude_is_told_by_its_prompt_alone():
    """In a pane so small that neither its spinner nor its hint is in it."""
    profile, look = recorded(SCREENS / "claude-code" / "busy-20x10.json")
    kept = look.screen.split("\n")[look.cursor_y - 1 : look.cursor_y + 2]
    look.screen, look.cursor_y = "\n".join(kept), 1
    assert view(profile, look).state == "busy"


@pytest.mark.parametrize("what", ["name", "row"])
@pytest.mark.parametrize("path", sorted(SCREENS.glob("claude-code/elsewhere-subagent*.json")), **ids)
def test_the_composer_of_a_subagent_is_known_by_the_name_above_it_and_by_the_list_below(path, what):
    """Each sign suffices, for either may be out of a small pane."""
    profile, look = recorded(path)
    if what == "name":
        look.screen = look.screen.replace("◯", "○")
    else:
        look.screen = look.screen.replace(" probe ", "───────")
    assert screens.objection(profile, look, "store-1") in ("screen_unknown", "busy")


@pytest.mark.parametrize(
    ("title", "label", "state"),
    [
        ("✳ alice", "alice", "idle"),
        ("⠐ alice", "alice", "idle"),
        ("alice", "alice", "idle"),
        ("✳ alice", "ali…", "idle"),
        ("✳ alice", "ali", "unknown"),
        ("✳ alice", "probe", "unknown"),
        ("✳ Claude Code", "alice", "unknown"),
        ("host", "alice", "unknown"),
    ],
)
def test_a_session_with_a_name_of_its_own_is_told_by_its_title(title, label, state):
    profile, look = recorded(SCREENS / "claude-code" / "idle-named.json")
    drawn = "\x1b[38;5;244malice\x1b[39m"
    assert drawn in look.screen
    look.title, look.screen = title, look.screen.replace(drawn, f"\x1b[38;5;244m{label}\x1b[39m")
    assert view(profile, look).state == state


@pytest.mark.parametrize("path", sorted(SCREENS.glob("claude-code/elsewhere-agents*.json")), **ids)
def test_the_composer_that_starts_sessions_is_known_by_its_title_and_by_its_prompt(path):
    profile, look = recorded(path)
    look.title = "✳ Claude Code"
    assert screens.objection(profile, look, "store-1") == "screen_unknown"
    profile, look = recorded(path)
    look.screen = look.screen.replace("❯ ", "❯\xa0").replace("❯\x1b[39m ", "❯\x1b[39m\xa0")
    assert screens.objection(profile, look, "store-1") == "screen_unknown"


def test_our_line_in_a_composer_that_sends_elsewhere_is_not_submitted():
    for name in ("elsewhere-subagent-draft", "elsewhere-agents-draft"):
        profile, look = recorded(SCREENS / "claude-code" / f"{name}.json")
        found = json.loads((SCREENS / "claude-code" / f"{name}.json").read_text())["screen"].split("\n")[look.cursor_y]
        look.screen = look.screen.replace(found, f"❯\xa0{LINE}\x1b[7m \x1b[0m")
        look.cursor_x, look.wake, look.line = 2 + len(LINE), "store-1:pasted", LINE
        assert screens.objection(profile, look, "store-1") == "screen_unknown"


@pytest.mark.parametrize("suggestion", ["Mock title", "run the tests", "go", "é", "日本語で書いて"])
def test_a_suggestion_of_claude_is_no_draft_but_the_same_words_are(suggestion):
    profile, look = recorded(SCREENS / "claude-code" / "idle-suggestion.json")
    row = look.screen.split("\n")[look.cursor_y]
    rest = suggestion[1:]

    def state(drawn: str) -> str:
        changed = SimpleNamespace(**vars(look))
        changed.screen = look.screen.replace(row, f"\x1b[39m❯\xa0{drawn}\x1b[0m")
        return view(profile, changed).state

    if rest:
        assert state(f"\x1b[7m{suggestion[0]}\x1b[0;2m{rest}") == "idle"
        assert state(f"\x1b[7m{suggestion[0]}\x1b[0m\x1b[2m{rest[0]}\x1b[0m{rest[1:]} x") == "draft"
    assert state(f"\x1b[7m{suggestion[0]}\x1b[0m{rest}") == "draft"
    assert state(f"\x1b[7m{suggestion[0]}\x1b[0m\x1b[38;5;246m{rest} x") == "draft"  # grey is not dim
    assert state(f"{suggestion[0]}\x1b[2m{rest} x") == "draft"  # without a drawn cursor
    assert state(f"\x1b[7m{suggestion[0]}") == "draft"


def test_the_name_of_a_thread_of_codex_may_be_our_line_or_a_sign():
    """Codex names a thread by its first prompt, and shows the name below its composer and in the title."""
    profile, look = recorded(SCREENS / "codex" / "idle-after-turn.json")
    _, held_look = recorded(SCREENS / "codex" / "own-line.json")
    for name in (LINE, *QUOTED):
        for one in (look, held_look):
            changed = SimpleNamespace(**vars(one))
            changed.screen = one.screen.replace("/tmp/proj", f"/tmp/proj\x1b[39m · \x1b[38;5;147m{name}")
            changed.title = f"{name} | proj"
            assert plain(changed.screen).count(name) > plain(one.screen).count(name)
            assert view(profile, changed).state == ("idle" if one is look else "draft")
            assert screens.holds(profile, changed, LINE) == (one is held_look)


@pytest.mark.parametrize("path", [path for path in CALM if path.stem.startswith(("idle-", "draft"))], **ids)
def test_a_pane_is_quiet_if_its_composer_and_what_is_above_it_stay_the_same(path):
    profile, look = recorded(path)
    found = find(profile, rows(look.screen, profile.placeholder_colours), look)
    assert found
    lines = look.screen.split("\n")

    def after(y: int, text: str):
        changed = SimpleNamespace(**vars(look))
        changed.screen = "\n".join([*lines[:y], text, *lines[y + 1 :]])
        return picture(profile, changed)

    assert found.bottom + 2 < len(lines)
    assert after(found.bottom + 2, "\x1b[0m  12:00:01") == after(found.bottom + 2, "\x1b[0m  12:00:02")
    before = picture(profile, look)
    for y in range(found.bottom + 1):
        assert after(y, lines[y] + "!") != before
    moved, titled = SimpleNamespace(**vars(look)), SimpleNamespace(**vars(look))
    moved.cursor_x += 1
    titled.title = "another"
    assert picture(profile, moved) != before
    assert picture(profile, titled) == before


def test_a_profile_of_ones_own_is_read_with_more_care(tmp_path):
    """Nobody knows whether a dialog takes the place of that program's composer."""
    (tmp_path / "own.toml").write_text('prompts = ["> "]\nbusy = ["working"]\ndialog = ["Sure?"]\n')
    own = registry.find("own", {"XATS_CLIENTS": str(tmp_path)})
    look = SimpleNamespace(title="", cursor_x=2, cursor_y=2, cursor=True, alternate_on=False)
    for sign, state in (("Sure?", "dialog"), ("working", "busy"), ("fine", "idle")):
        look.screen = f"{sign}\n\n> "
        assert view(own, look).state == state
    (tmp_path / "own.toml").write_text('prompts = ["> "]\nbusy = ["working"]\ndialog = ["Sure?"]\nmodal = true\n')
    own = registry.find("own", {"XATS_CLIENTS": str(tmp_path)})
    for sign in ("Sure?", "working"):
        look.screen = f"{sign}\n\n> "
        assert view(own, look).state == "idle"
