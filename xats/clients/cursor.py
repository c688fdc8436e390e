"""Cursor's agent. The signs on its screen are from public accounts; xats has not been tried with it."""

from __future__ import annotations

from xats.clients.model import Client, Hook, Hooks, Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.clients.model import Json

SCREEN = Profile(
    "cursor",
    executables=("cursor-agent",),
    scripts=("cursor-agent",),
    prompts=(" → ", "→ ", " > ", "> "),
    busy=("ctrl+c to stop",),
    dialog=("Run this command?", "(y) (enter)", "Skip (esc"),
    install="curl https://cursor.com/install -fsS | bash",
)


def add(_: str, text: str) -> Json:
    """Return the answer that adds `text` to what the model knows."""
    return {"additional_context": text}


def go_on(text: str) -> Json:
    """Return the answer by which a turn goes on with `text`."""
    return {"followup_message": text}


def refuse(_: str, why: str) -> Json:
    """Return the answer that forbids a change."""
    return {"permission": "deny", "agent_message": why}


HOOKS = Hooks(
    "cursor",
    variable="",
    inner="",
    default=".cursor",
    user="hooks.json",
    project=".cursor/hooks.json",
    form="flat",
    events=(
        Hook("session start", "sessionStart"),
        Hook("prompt", "beforeSubmitPrompt"),
        Hook("before a change", "preToolUse", "Write"),
        Hook("after a tool", "postToolUse"),
        Hook("turn end", "stop"),
        Hook("session end", "sessionEnd"),
    ),
    version=True,
    timeout="",  # seconds in one account, milliseconds in another
    typed=False,
    adds_at=("session start", "after a tool"),  # it cannot add to a prompt
    add=add,
    go_on=go_on,
    refuse=refuse,
)
CLIENT = Client(SCREEN, title="Cursor", hooks=HOOKS, marks=("CURSOR_AGENT",))
