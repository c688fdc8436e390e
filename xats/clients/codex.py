"""Codex CLI, seen at 0.171.0: a prompt at the left edge, a dim placeholder, and a title that shows its state."""

from __future__ import annotations

from xats.base.record import replace
from xats.clients.model import Client, Hook, Hooks, Profile, Sharing, ToolSandbox, added, claude_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.base.process import Process
    from xats.hooks.launch import Kit, Launch

CONFIG = 1 << 20  # bytes of its configuration that are read

SCREEN = Profile(
    "codex",
    executables=("codex",),
    scripts=("codex",),
    prompts=("› ",),
    shell_prompts=("! ",),
    # `• Working (4s • esc to interrupt)`. Below the composer it shows the thread's name, which is its first prompt.
    busy_rows=("[•◦] *([0-9]* • esc to interrupt)*",),
    busy_faint_text="to interrupt)",
    busy_titles=("[⠀-⣿] *",),
    dialog=("to confirm or esc to cancel", "Would you like to", "› 1.", "Press enter to continue"),
    dialog_titles=("[[] ! ] Action Required*", "[[] . ] Action Required*"),
    modal=True,
    message_prefixes=("› ", "• "),
    shows_cursor=True,
    settle_ms=20,
    start_ms=3000,  # it draws a composer before it asks about a folder or hooks
    bracketed_paste=True,
    paste_placeholders=("[[]Pasted Content *]",),
    install="npm install -g @openai/codex",
    quit="/quit",
    first_prompt="-- {prompt}",
    resume="resume {id}",
)


def serves(above: Sequence[Process]) -> bool | None:
    """Tell whether the nearest Codex process `above` serves all terminals; None if there is no Codex."""
    from xats.base import process

    program = next((one for one in above if one.name in SCREEN.executables), None)
    return "app-server" in process.argv(program.pid) if program else None


def sandbox_writes(config: str, folder: str) -> bool:
    """Tell whether the configuration at the path `config` lets its sandbox write `folder`."""
    import os
    import tomllib

    from xats.clients import records

    try:
        text = records.contents(config, CONFIG).decode()
        settings = tomllib.loads(text)
        if settings.get("sandbox_mode") == "danger-full-access":
            return True
        roots = settings["sandbox_workspace_write"]["writable_roots"]
        return any(os.path.commonpath((folder, one)) == os.path.normpath(one) for one in roots)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def sandbox_allows(arguments: Sequence[str], folder: str) -> bool:
    """Tell whether Codex was started with `arguments` that let its tools write `folder`."""
    import os
    from itertools import pairwise

    pairs = [word.split("=", 1) if word.startswith("--") and "=" in word else [word] for word in arguments]
    words = [one for pair in pairs for one in pair]
    if {"--dangerously-bypass-approvals-and-sandbox", "--yolo"} & set(words):
        return True
    for option, value in pairwise(words):
        if option in ("-s", "--sandbox") and value == "danger-full-access":
            return True
        if option == "--add-dir" and os.path.isabs(value):
            top = os.path.normpath(value)
            if os.path.commonpath((folder, top)) == top:
                return True
    return False


def prepare(start: Launch, kit: Kit, writable: str | None) -> Launch:
    """Keep it out of its daemon, which serves many sessions with the environment of the first one. Raises Refused.

    `writable` is a folder that its sandbox may write, None for none.
    """
    program, arguments = start.words[0], start.words[1:]
    if kit.values(arguments, "--remote"):
        from xats.base.errors import Refused

        msg = "With --remote the session runs in another process, which does not know its agent."
        raise Refused(msg, "leave --remote out, or start codex yourself and run: xats register NAME")
    words = [program]
    if "--no-daemon" not in arguments:
        words.append("--no-daemon")
    if writable:
        words += ["--add-dir", writable]
    return replace(start, words=(*words, *arguments))


def launch(start: Launch, kit: Kit) -> Launch:
    """Give it its hooks by `-c`; the value is TOML. Raises Refused."""
    if any(value.startswith("hooks") for _, _, value in kit.values(start.words, "-c", "--config")):
        from xats.base.errors import Refused

        msg = "Codex uses only one -c hooks option, so your hooks and those of xats cannot both run."
        raise Refused(msg, "put your hooks into ~/.codex/hooks.json, or: xats hook install codex")
    ours: list[str] = []
    for event, entry in kit.entries():
        ours += ["-c", f"hooks.{event}={_toml([entry])}"]
    note = 'Codex asks once whether these hooks may run ("Hooks need review"); they do not run until you answer'
    return replace(start, words=(start.words[0], *ours, *start.words[1:]), hooks="launch", notes=(*start.notes, note))


def _toml(value: Any) -> str:
    from xats.base.jsontext import to_json

    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return to_json(value)  # texts and numbers are the same in both


HOOKS = Hooks(
    "codex",
    variable="CODEX_HOME",
    inner="",
    default=".codex",
    user="hooks.json",
    project=".codex/hooks.json",
    form="groups",
    events=(*claude_like("apply_patch|Edit|Write"), Hook("broken off", "Interrupt")),
    warn=added,
)
CLIENT = Client(
    SCREEN,
    title="Codex",
    hooks=HOOKS,
    session_variable="CODEX_THREAD_ID",
    marks=("CODEX_SANDBOX",),
    sandbox=ToolSandbox(
        variables=("CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED"),
        wrapper="codex-linux-san",
        writing=(
            "xats launch codex --writable-store, or in ~/.codex/config.toml: "
            '[sandbox_workspace_write] writable_roots = ["{folder}"]'
        ),
        config="config.toml",
        line="[sandbox_workspace_write] writable_roots = [{folder}]",
        writes=sandbox_writes,
        allows=sandbox_allows,
    ),
    sharing=Sharing(serves, terminals="xats.clients.codex_terminals"),
    login_shell=True,
    launch=launch,
    prepare=prepare,
    inbox="xats.delivery.transports.codex_queue",
    install_note=(
        'At its next start Codex asks: "Hooks need review". Until you answer, that dialog is in front of the '
        "agent and these hooks do not run. xats does not answer it for you."
    ),
)
