"""Claude Code, seen at 2.1.332: a composer between two rules, its prompt at the left edge.

Two other composers look nearly like it. In the view of a subagent the rule above has the subagent's name, and the list
of agents below has a hollow mark before `main`; a session that was renamed has its own name in that rule, and in the
title. In the view of all agents typed text starts a new session: its title says so, and its prompt ends in a space.
"""

from __future__ import annotations

from xats.base.record import replace
from xats.clients.model import Client, Hook, Hooks, Profile, ToolSandbox, added, claude_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.hooks.launch import Kit, Launch

OPTION = "--settings"

SCREEN = Profile(
    "claude-code",
    executables=("claude",),
    scripts=("claude", "claude-code"),
    prompts=("❯\xa0",),
    shell_prompts=("!\xa0",),
    between_rules=True,
    # While it works, a spinner stands above the composer, at the left edge: `✻ Caramelizing… (2s · ↓ 11 tokens)`. When
    # it is done there is no ellipsis: `✻ Brewed for 2s · done 3:27 AM`.
    busy=("esc to interrupt",),
    busy_rows=("[✶✢✽✻✳·*] *…*",),
    busy_faint_prompt=True,
    message_prefixes=("● ", "⏺ ", "❯ "),
    dialog=("Do you want to", "Esc to cancel", "Enter to confirm", "❯ 1."),
    modal=True,
    other_agent_rows=("  ◯ main", "  ◯ main *"),
    other_agent_titles=("claude agents", "[0-9]* · claude agents"),
    agent_name_in_rule=True,
    dim_placeholder=True,
    settle_ms=20,
    bracketed_paste=True,
    paste_placeholders=("[[]Pasted text #*]",),
    install="npm install -g @anthropic-ai/claude-code",
    quit="/exit",
    first_prompt="-- {prompt}",
    resume="--resume {id}",
)


def answered(lines: Sequence[str], mail: str) -> bool | None:
    """Tell whether the model has answered after the last mail that it got; None where the lines do not show it."""
    last = max((index for index, line in enumerate(lines) if mail in line), default=None)
    return None if last is None else any('"type":"assistant"' in line for line in lines[last + 1 :])


def launch(start: Launch, kit: Kit) -> Launch:
    """Give it `--settings` with our hooks. It reads only the last one, so the settings of the user are merged into it.

    Settings from a file may contain secrets, and every user can read a command line, so they go into another file.
    """
    program, arguments = start.words[0], start.words[1:]
    given = kit.values(arguments, OPTION)
    if not given:
        return replace(start, words=(program, OPTION, kit.settings(), *arguments), hooks="launch")
    at, length, value = given[-1]
    read: tuple[tuple[str, str], ...] = ()
    if value.strip().startswith("{"):
        settings = kit.added(OPTION, value)
    else:
        text = kit.read(value)
        if text is None:
            from xats.base.errors import SettingsUnusable

            msg = f"{OPTION} names {value}, which does not exist."
            raise SettingsUnusable(msg, path=value)
        text = kit.added(value, text)
        settings = kit.path("claude", text, ".json")
        read = ((settings, text),)
    words = (program, *arguments[:at], OPTION, settings, *arguments[at + length :])
    return replace(start, words=words, files=read, hooks="launch")


def parked(pid: int) -> bool:
    """Tell whether the session of the process `pid` has moved to the background."""
    from xats.clients import helpers

    return helpers.is_parked(pid)


HOOKS = Hooks(
    "claude-code",
    variable="CLAUDE_CONFIG_DIR",
    inner="",
    default=".claude",
    user="settings.json",
    project=".claude/settings.local.json",
    form="groups",
    events=claude_like("Edit|Write|MultiEdit|NotebookEdit", fails=True),
    private=True,
    warn=added,
    waiter=(Hook("session start", "SessionStart", verb="wait"), Hook("turn end", "Stop", verb="wait")),
    rewakes=True,
    takes_back=("prompt", "session end"),
    answered=answered,
)
CLIENT = Client(
    SCREEN,
    title="Claude Code",
    hooks=HOOKS,
    session_variable="CLAUDE_CODE_SESSION_ID",
    marks=("CLAUDECODE",),
    sandbox=ToolSandbox(
        variables=("SANDBOX_RUNTIME",),
        writing='in ~/.claude/settings.json: {{"sandbox": {{"filesystem": {{"allowWrite": ["{folder}"]}}}}}}',
    ),
    launch=launch,
    inbox="xats.delivery.transports.claude_inbox",
    parked=parked,
    project_note=(
        "Copilot reads this file too, and takes a hook that fails for a refusal: before you remove xats, uninstall its "
        "hooks, or Copilot refuses every edit."
    ),
)
