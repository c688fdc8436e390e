"""GitHub Copilot CLI, seen at 1.0.102: a composer between two rules, and its status below them."""

from __future__ import annotations

from xats.clients.model import Client, Hook, Hooks, Profile, added

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.clients.model import Json

SCREEN = Profile(
    "copilot",
    executables=("copilot",),
    scripts=("copilot",),
    prompts=("❯ ", "> ", " > "),
    busy=("esc to cancel", "Esc to cancel", "esc interrupt", "esc edit prompt", "esc again to "),
    busy_rows=(" [●◉◎○∙] Working", " [●◉◎○∙] Working · *"),  # in a narrow pane that is all there is of it
    dialog=("Do you want to", "❯ 1.", "Confirm with number keys"),
    modal=True,
    shows_cursor=True,
    install="npm install -g @github/copilot",
    quit="/exit",
    resume="--resume {id}",
)


def add(event: str, text: str) -> Json:
    """Return the answer that adds `text`, in both documented forms: at the top, and as in Claude Code."""
    return {**added(event, text), "additionalContext": text}


# With capitalised names it sends what Claude Code sends, with the name of the event. xats installs no hook before a
# change: Copilot takes a hook that fails for a refusal, so a missing xats would forbid every edit. Its documents
# disagree on whether a hook can add text to a prompt.
HOOKS = Hooks(
    "copilot",
    variable="COPILOT_HOME",
    inner="",
    default=".copilot",
    user="hooks/xats.json",
    project=".github/hooks/xats.json",
    form="own",
    events=(
        Hook("session start", "SessionStart"),
        Hook("prompt", "UserPromptSubmit"),
        Hook("after a tool", "PostToolUse"),
        Hook("waiting", "Notification"),
        Hook("turn end", "Stop"),
        Hook("session end", "SessionEnd"),
    ),
    command="bash",
    timeout="timeoutSec",
    adds_at=("session start",),
    add=add,
)
CLIENT = Client(SCREEN, title="Copilot", hooks=HOOKS)
