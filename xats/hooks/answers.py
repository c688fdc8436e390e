"""What a program takes as the answer of its hook: each its own form; nothing at all where there is nothing to say.

Seen at work in Claude Code 2.1, Codex 0.171, Gemini CLI 0.61, Copilot 1.0 and Qwen Code 0.24; that of Cursor is from
its documentation. The plugins take the form of Claude Code.
"""

from __future__ import annotations

from xats.jsontext import to_json

# Where a program shows the model what we add; elsewhere it would be lost, and mail must not be. Copilot's own papers
# disagree about its prompts; Cursor adds nothing to a prompt.
ADDS = ("session start", "prompt", "after a tool")
UNHEARD = {"copilot": ("prompt", "after a tool"), "cursor": ("prompt",)}


def hears(client: str, point: str) -> bool:
    """Tell whether what is added at `point` reaches the model that runs in `client`."""
    return point in ADDS and point not in UNHEARD.get(client, ())


def context(client: str, event: str, text: str) -> str:
    """Return the answer that adds `text` to what the model knows at `event`."""
    if client == "cursor":
        return to_json({"additional_context": text})
    said: dict[str, object] = {"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}
    if client == "copilot":
        said["additionalContext"] = text
    return to_json(said)


def go_on(client: str, text: str) -> str:
    """Return the answer by which a turn does not end but goes on with `text`."""
    if client == "cursor":
        return to_json({"followup_message": text})
    return to_json({"decision": "deny" if client == "gemini" else "block", "reason": text})


def refuse(client: str, event: str, why: str) -> str:
    """Return the answer that forbids what the model is about to do, and tells it `why`."""
    if client == "cursor":
        return to_json({"permission": "deny", "agent_message": why})
    if client == "gemini":
        return to_json({"decision": "deny", "reason": why})
    said = {"hookEventName": event, "permissionDecision": "deny", "permissionDecisionReason": why}
    return to_json({"hookSpecificOutput": said})
