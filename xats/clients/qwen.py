"""Qwen Code, seen at 0.24.4: a prompt at the left edge, and behind it always a text that nobody typed.

That is its placeholder, or its suggestion for the next prompt, in a colour of its theme. Below are those colours of the
themes that come with it, without two of the 256 colours in which another theme draws typed text: 59 of Ayu, and 102 of
Atom One and GitHub. With those themes, and with most themes of users, xats takes the placeholder for a draft.
"""

from __future__ import annotations

from xats.base.record import replace
from xats.clients.model import Client, Hook, Hooks, Profile, claude_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.hooks.launch import Kit, Launch

DEFAULTS = "QWEN_CODE_SYSTEM_DEFAULTS_PATH"

SCREEN = Profile(
    "qwen",
    executables=("qwen",),
    scripts=("qwen", "qwen-code"),
    prompts=("> ", "* "),  # the second in its mode that accepts everything
    shell_prompts=("! ",),
    busy=("Enter to steer",),
    busy_rows=("  [.⠀-⣿]*(*esc to*", "  (Esc to cancel)"),
    message_prefixes=("  > ", "  ◆"),
    busy_titles=("✦*", "◐*", "◓*", "◑*", "◒*"),
    dialog=("Allow execution of", "Apply this change?", "● 1.", "Yes, allow once", "Do you trust this folder?"),
    dialog_titles=("✋*", "✳*"),
    modal=True,
    draft_rows=("  ↑ *", "  ← → *"),  # below a composer where a file is attached to what will be sent
    placeholder_colours=(
        *("38;5;103", "38;2;108;112;134"),  # Default, Qwen Dark, ANSI
        *("38;5;145", "38;2;151;160;176"),  # Default Light, Qwen Light, ANSI Light, Google Code
        *("38;5;246", "38;2;153;153;153"),  # GitHub Light
        *("38;5;250", "38;2;192;192;192"),  # Xcode
        "38;2;166;170;175",  # Ayu Light: 145
        "38;2;98;114;164",  # Dracula: 103
        "38;2;114;108;134",  # Shades Of Purple: 103
        "38;2;61;65;73",  # Ayu
        "38;2;92;99;112",  # Atom One
        "38;2;106;115;125",  # GitHub
    ),
    shows_cursor=True,
    settle_ms=20,
    start_ms=2000,  # it asks whether the folder is trusted when its hooks have run
    submit_ms=3000,  # a second Enter, before it has taken the first, might accept what it suggests
    paste_ms=4000,  # for some seconds after a turn, while it thinks of a suggestion, it may need two of them
    bracketed_paste=True,
    paste_placeholders=("[[]Pasted Content * chars]", "[[]Pasted Content * chars] #*"),
    install="npm install -g @qwen-code/qwen-code",
    quit="/quit",
    first_prompt="-i {prompt}",
    resume="--resume {id}",
)


def answered(lines: Sequence[str], mail: str) -> bool | None:
    """Tell whether the model has answered after the last mail that it got; None where the lines do not show it."""
    ours = '"type":"user"'  # its record also has the answers to other requests
    last = max((index for index, line in enumerate(lines) if mail in line and ours in line), default=None)
    return None if last is None else any('"type":"assistant"' in line for line in lines[last + 1 :])


def launch(start: Launch, kit: Kit) -> Launch:
    """Add our hooks to a copy of the system defaults, which all its other settings override."""
    import os
    import sys

    settings = kit.environ.get("QWEN_CODE_SYSTEM_SETTINGS_PATH")
    system = "/Library/Application Support/QwenCode" if sys.platform == "darwin" else "/etc/qwen-code"
    usual = os.path.join(os.path.dirname(settings) if settings else system, "system-defaults.json")
    given = kit.environ.get(DEFAULTS) or usual
    text = kit.added(given, kit.read(given) or "")
    path = kit.path("qwen", text, ".json")
    return replace(start, environ={**start.environ, DEFAULTS: path}, files=((path, text),), hooks="launch")


# xats gives no mail to the hook after a tool: Qwen Code also runs that hook for the tools of a background agent that
# manages its memory, and mail would reach only that agent. The results of its own tools go to the model like a prompt,
# so it runs the hook for a prompt without text. What its hook before a tool adds does not reach the model, so a remark
# on an edit goes with the hook after that edit. The hook before a change also sees which files it reads.
EDITS = ("write_file", "edit", "replace", "notebook_edit")
READS = ("read_file",)
HOOKS = Hooks(
    "qwen",
    variable="QWEN_HOME",
    inner="",
    default=".qwen",
    user="settings.json",
    project=".qwen/settings.json",
    form="groups",
    events=(
        *(one for one in claude_like("|".join((*EDITS, *READS)), fails=True) if one.point != "after a tool"),
        Hook("after a change", "PostToolUse", "|".join(EDITS)),
    ),
    comments=True,
    unit=1000,
    named=True,
    guarded=True,
    edits=EDITS,
    reads=READS,
    empty_prompt="after a tool",
    foreign_edits=True,
    takes_back=("prompt", "session end"),
    answered=answered,
)
CLIENT = Client(
    SCREEN,
    title="Qwen Code",
    hooks=HOOKS,
    session_variable="QWEN_CODE_SESSION_ID",
    marks=("QWEN_CODE",),
    launch=launch,
    inbox="xats.delivery.transports.qwen_inbox",
)
