"""Gemini CLI, seen at 0.61.0: a prompt one column in, a grey placeholder, and a title that shows its state."""

from __future__ import annotations

from xats.clients.model import Client, Hook, Hooks, Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.model import Json

SCREEN = Profile(
    "gemini",
    executables=("gemini",),
    scripts=("gemini",),
    prompts=(" > ", " * "),  # the second in its mode that accepts everything
    shell_prompts=(" ! ",),
    busy_rows=(" [⠀-⣿] *(esc to cancel*",),
    message_prefixes=(" > ", "✦ "),
    busy_titles=("✦*",),
    dialog=("Allow execution of", "Apply this change?", "● 1."),
    dialog_titles=("✋*",),
    modal=True,
    settle_ms=80,  # up to 40 ms after a paste it takes Enter for a new line
    start_ms=2000,  # it draws a composer before it asks about a folder
    bracketed_paste=True,
    paste_placeholders=("[[]Pasted Text: *]",),
    install="npm install -g @google/gemini-cli",
    quit="/quit",  # it has `-i PROMPT`, but runs that while it asks whether the folder is trusted
    resume="--resume {id}",
)


def answered(lines: Sequence[str], _: str) -> bool | None:
    """Tell whether the model has answered to the last prompt; None where the lines do not show it."""
    recorded = [line[:300] for line in lines if line and not line.startswith('{"$set":{"lastUpdated"')]
    if recorded and '"type":"gemini"' in recorded[-1]:
        return True
    if any('"type":"info","content":"Request cancelled."' in line for line in recorded[-2:]):
        return False
    return None


def go_on(text: str) -> Json:
    """Return the answer by which a turn goes on with `text`."""
    return {"decision": "deny", "reason": text}


def refuse(_: str, why: str) -> Json:
    """Return the answer that forbids a change."""
    return {"decision": "deny", "reason": why}


# It also runs its hooks after the user interrupts a turn, and then removes the whole turn. It has no event for when it
# has compressed its context: its hook for that runs at every turn. What its session start adds after /clear does not
# reach the model. What its hook before a tool adds does not either.
HOOKS = Hooks(
    "gemini",
    variable="GEMINI_CLI_HOME",
    inner=".gemini",
    default=".gemini",
    user="settings.json",
    project=".gemini/settings.json",
    form="groups",
    events=(
        Hook("session start", "SessionStart"),
        Hook("prompt", "BeforeAgent"),
        Hook("before a change", "BeforeTool", "write_file|replace"),
        Hook("after a tool", "AfterTool"),
        Hook("waiting", "Notification"),
        Hook("turn end", "AfterAgent"),
        Hook("session end", "SessionEnd"),
    ),
    comments=True,
    unit=1000,
    named=True,
    guarded=True,
    go_on=go_on,
    refuse=refuse,
    edits=("write_file", "replace"),
    forgets=True,
    takes_back=("turn end", "session end"),
    answered=answered,
    calls_when_stopped=True,
)
CLIENT = Client(SCREEN, title="Gemini CLI", hooks=HOOKS, session_variable="GEMINI_SESSION_ID", marks=("GEMINI_CLI",))
