"""What the hooks of each agent program look like: the file, the events, the form of an entry, the unit of its timeout.

Read in the programs' own documentation, and seen at work in Claude Code 2.1, Codex 0.171, Gemini CLI 0.61,
opencode 1.18, Copilot 1.0 and Qwen Code 0.24; Cursor and Amp have not been run here. A new program is a line in
`CLIENTS`.
"""

from __future__ import annotations

import os
from contextlib import suppress

from xats import folders
from xats.errors import NotFound
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SECONDS = 10  # an answer takes a tenth of one; the rest is for a machine that is very busy
LAST_SECONDS = 3  # where somebody waits: at the end of a session or of a turn that he stops; the most Codex allows
WAIT_SECONDS = 7 * 86_400  # that a waiter may sleep; the next turn starts another one


@record
class Hook:
    """A moment at which a program is to run xats."""

    point: str  #: one of run.STATES, such as "prompt" or "turn end"
    event: str  #: what the program calls it
    matcher: str = ""  #: for which tools; "" is for all, or where there is no choice
    verb: str = "run"  #: "run" answers at once; "wait" is beside the program until there is mail

    @property
    def key(self) -> tuple[str, str]:
        """What no other hook of the same program has."""
        return self.event, self.verb


@record
class Client:
    """Where a program keeps its hooks, and in which form."""

    name: str
    variable: str  #: of the environment; it names the program's folder, or what `inner` stands in
    inner: str  #: what follows the value of `variable`
    default: str  #: its folder without that variable, from the home folder on
    user: str  #: the file in that folder
    project: str  #: the file in a project
    form: str  #: "groups" and "flat" share a file with others; "own" is a JSON file of ours; "plugin" is a program
    hooks: tuple[Hook, ...]
    comments: bool = False  #: whether it reads comments in that file
    version: bool = False  #: whether the file begins with "version": 1
    command: str = "command"  #: the field of an entry that holds the command line
    timeout: str = "timeout"  #: the field that holds how long it may take; "" is none, where its unit is not known
    unit: int = 1  #: how many of its unit a second has
    named: bool = False  #: whether an entry has a name
    private: bool = False  #: whether the file in a project is for one person alone
    waiter: tuple[Hook, ...] = ()  #: where it can start one, if its user wants that

    def with_waiter(self) -> Client:
        """Return the same with its waiter among its hooks."""
        return Client(**{**self.__dict__, "hooks": tuple(dict.fromkeys(self.hooks + self.waiter))})

    def path(self, scope: str, environ: Mapping[str, str], project: str) -> str:
        """Return the file of the `scope` "user", or of "project" in the folder `project`. Raises NoHome."""
        if scope == "project":
            return os.path.join(project, self.project)
        home = folders.home(environ)
        given = environ.get(self.variable, "").strip() if self.variable else ""
        if self.variable.startswith("XDG_") and not os.path.isabs(given):
            given = ""
        if given == "~" or given.startswith("~/"):
            given = home + given[1:]
        folder = os.path.join(given, self.inner) if given else os.path.join(home, self.default)
        return os.path.abspath(os.path.join(folder, self.user))

    def handler(self, hook: Hook, command: str) -> dict[str, Any]:
        """Return what runs `command` at `hook`."""
        found: dict[str, Any] = {} if self.name == "cursor" else {"type": "command"}
        if self.named:
            found["name"] = "xats"
        found[self.command] = command
        seconds = LAST_SECONDS if hook.point in ("broken off", "session end") else SECONDS
        if hook.verb == "wait":
            found["asyncRewake"], seconds = True, WAIT_SECONDS
        if self.timeout:
            found[self.timeout] = seconds * self.unit
        if self.form != "groups" and hook.matcher:
            found["matcher"] = hook.matcher
        return found

    def entry(self, hook: Hook, command: str) -> dict[str, Any]:
        """Return what stands in the list of the event of `hook`."""
        handler = self.handler(hook, command)
        if self.form != "groups":
            return handler
        return {"matcher": hook.matcher, "hooks": [handler]} if hook.matcher else {"hooks": [handler]}


def _claude_like(edits: str) -> tuple[Hook, ...]:
    return (
        Hook("session start", "SessionStart"),
        Hook("prompt", "UserPromptSubmit"),
        Hook("before a change", "PreToolUse", edits),
        Hook("after a tool", "PostToolUse"),
        Hook("waiting", "PermissionRequest"),
        Hook("turn end", "Stop"),
        Hook("session end", "SessionEnd"),
    )


# What a plugin tells is in the words of Claude Code, so that one reader understands them all.
_PLUGIN = _claude_like("")

CLIENTS = (
    Client(
        "claude-code",
        variable="CLAUDE_CONFIG_DIR",
        inner="",
        default=".claude",
        user="settings.json",
        project=".claude/settings.local.json",
        form="groups",
        hooks=_claude_like("Edit|Write|MultiEdit|NotebookEdit"),
        private=True,
        waiter=(Hook("session start", "SessionStart", verb="wait"), Hook("turn end", "Stop", verb="wait")),
    ),
    Client(
        "codex",
        variable="CODEX_HOME",
        inner="",
        default=".codex",
        user="hooks.json",
        project=".codex/hooks.json",
        form="groups",
        hooks=(*_claude_like("apply_patch|Edit|Write"), Hook("broken off", "Interrupt")),
    ),
    Client(
        "gemini",
        variable="GEMINI_CLI_HOME",
        inner=".gemini",
        default=".gemini",
        user="settings.json",
        project=".gemini/settings.json",
        form="groups",
        hooks=(
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
    ),
    # After a tool Qwen Code is not asked: it has an agent in the background, which keeps its memory, and calls for that
    # one's tools as for its own, so that mail would be heard by nobody else. What its own tools said goes to the model
    # like a prompt, and it calls for that.
    Client(
        "qwen",
        variable="QWEN_HOME",
        inner="",
        default=".qwen",
        user="settings.json",
        project=".qwen/settings.json",
        form="groups",
        hooks=tuple(one for one in _claude_like("write_file|edit|replace") if one.point != "after a tool"),
        comments=True,
        unit=1000,
        named=True,
    ),
    Client(
        "cursor",
        variable="",
        inner="",
        default=".cursor",
        user="hooks.json",
        project=".cursor/hooks.json",
        form="flat",
        hooks=(
            Hook("session start", "sessionStart"),
            Hook("prompt", "beforeSubmitPrompt"),
            Hook("before a change", "preToolUse", "Write"),
            Hook("after a tool", "postToolUse"),
            Hook("turn end", "stop"),
            Hook("session end", "sessionEnd"),
        ),
        version=True,
        timeout="",  # seconds in one account, milliseconds in another
    ),
    # Names in capitals make it send what Claude Code sends, with the name of the event in it. Before a change it is not
    # asked: it takes a hook that fails for a no, so that a missing xats would forbid every edit.
    Client(
        "copilot",
        variable="COPILOT_HOME",
        inner="",
        default=".copilot",
        user="hooks/xats.json",
        project=".github/hooks/xats.json",
        form="own",
        hooks=(
            Hook("session start", "SessionStart"),
            Hook("prompt", "UserPromptSubmit"),
            Hook("after a tool", "PostToolUse"),
            Hook("waiting", "Notification"),
            Hook("turn end", "Stop"),
            Hook("session end", "SessionEnd"),
        ),
        command="bash",
        timeout="timeoutSec",
    ),
    Client(
        "opencode",
        variable="XDG_CONFIG_HOME",
        inner="opencode",
        default=".config/opencode",
        user="plugins/xats.js",
        project=".opencode/plugins/xats.js",
        form="plugin",
        hooks=_PLUGIN,
    ),
    Client(
        "amp",
        variable="XDG_CONFIG_HOME",
        inner="amp",
        default=".config/amp",
        user="plugins/xats.ts",
        project=".amp/plugins/xats.ts",
        form="plugin",
        hooks=tuple(one for one in _PLUGIN if one.point not in ("waiting", "session end")),
    ),
)
NAMES = tuple(one.name for one in CLIENTS)


def find(name: str) -> Client:
    """Return the client `name`, or whose program is called so. Raises NotFound."""
    for one in CLIENTS:
        if one.name == name:
            return one
    from xats.clients import registry

    with suppress(NotFound):
        meant = registry.called(name, os.environ).name
        for one in CLIENTS:
            if one.name == meant:
                return one
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), NAMES, 1, 0.5)
    msg = f"There are no hooks for a client {name}."
    raise NotFound(msg, f"did you mean {near[0]}?" if near else f"one of: {', '.join(NAMES)}")
