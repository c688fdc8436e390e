"""What the environment that an agent program gives its children says about the session they belong to.

The variables were observed in Claude Code 2.1, Codex 0.171, Gemini CLI 0.61 and opencode 1.18.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION_IDS = ("CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID", "QWEN_CODE_SESSION_ID", "GEMINI_SESSION_ID")
MARKS = ("CLAUDECODE", "CODEX_SANDBOX", "GEMINI_CLI", "QWEN_CODE", "OPENCODE", "AMP_THREAD_ID", "CURSOR_AGENT")


def session_id(environ: Mapping[str, str]) -> str | None:
    """Return what the client calls the session that this process belongs to, if it says so."""
    for name in SESSION_IDS:
        if environ.get(name):
            return environ[name]
    return None


def inside_agent(environ: Mapping[str, str]) -> bool:
    """Tell whether an agent program, and not a person, started this process. Codex gives its tools a terminal too."""
    return session_id(environ) is not None or any(environ.get(name) for name in MARKS)


def pane_is_trusted(environ: Mapping[str, str]) -> bool:
    """Tell whether TMUX_PANE is this process's own pane.

    Codex runs its tools in a daemon shared by all its sessions, which hands out the pane it was itself started in.
    """
    return not environ.get("CODEX_THREAD_ID")
