"""The words of all agent programs: their names, and those of their processes, variables and inboxes.

Written by `make generate` from the files xats/clients/NAME.py, whose import takes longer than most commands.
"""

from __future__ import annotations

#: of all clients; the last are no programs
NAMES = (
    "aider",
    "amp",
    "claude-code",
    "cline",
    "codex",
    "copilot",
    "cursor",
    "droid",
    "gemini",
    "kimi-code",
    "opencode",
    "qwen",
    "generic",
    "human",
)
#: those that have hooks
HOOKED = ("amp", "claude-code", "codex", "copilot", "cursor", "gemini", "opencode", "qwen")
#: the events that they send after a tool
AFTER_TOOL = {
    "amp": ("PostToolUse",),
    "claude-code": ("PostToolUse",),
    "codex": ("PostToolUse",),
    "copilot": ("PostToolUse",),
    "cursor": ("postToolUse",),
    "gemini": ("AfterTool",),
    "opencode": ("PostToolUse",),
}
#: the tools after which they take a remark on an edit
EDITS = {"gemini": ("write_file", "replace")}
#: names of their processes
EXECUTABLES = (
    "aider",
    "amp",
    "claude",
    "cline",
    "codex",
    "copilot",
    "cursor-agent",
    "droid",
    "gemini",
    "kimi",
    "kimi-code",
    "opencode",
    "qwen",
)
#: what an interpreter runs, without its suffix
SCRIPTS = (
    "aider",
    "amp",
    "claude",
    "claude-code",
    "cline",
    "codex",
    "copilot",
    "cursor-agent",
    "droid",
    "gemini",
    "kimi",
    "kimi-code",
    "opencode",
    "qwen",
    "qwen-code",
)
#: variable with the id of a session: the client that sets it, the name of its process
SESSIONS = {
    "CLAUDE_CODE_SESSION_ID": ("claude-code", "claude"),
    "CODEX_THREAD_ID": ("codex", "codex"),
    "GEMINI_SESSION_ID": ("gemini", "gemini"),
    "QWEN_CODE_SESSION_ID": ("qwen", "qwen"),
}
#: such a variable, where one process serves several sessions with the environment of the first: the client
SHARING = {"CODEX_THREAD_ID": "codex"}
#: other variables that a program sets for its tools
MARKS = (
    "AMP_THREAD_ID",
    "CLAUDECODE",
    "CODEX_SANDBOX",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "OPENCODE",
    "QWEN_CODE",
)
#: title, variables, wrapper process, and the setting that lets it write
SANDBOXES = (
    (
        "Claude Code",
        ("SANDBOX_RUNTIME",),
        "",
        'in ~/.claude/settings.json: {{"sandbox": {{"filesystem": {{"allowWrite": ["{folder}"]}}}}}}',
    ),
    (
        "Codex",
        ("CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED"),
        "codex-linux-san",
        'xats launch codex --writable-store, or in ~/.codex/config.toml: [sandbox_workspace_write] writable_roots = ["{folder}"]',  # noqa: E501
    ),
)
#: transports of their own
INBOXES = ("claude-inbox", "codex-queue", "opencode-http", "qwen-inbox")
