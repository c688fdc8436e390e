"""The values that columns of the store may have, as types for a type checker.

A test compares each list with the CHECK of its column. The reasons are in core/waking/reasons.py.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    WakeState = Literal["queued", "retrying", "held", "delivered", "skipped", "failed"]
    DeliveryState = Literal["unread", "shown", "read", "replied", "expired"]
    TaskEnd = Literal["done", "failed", "cancelled"]
    TaskState = Literal["open", "claimed", "review"] | TaskEnd
    NoteKind = Literal[
        "added",
        "claimed",
        "progress",
        "released",
        "lapsed",
        "submitted",
        "approved",
        "feedback",
        "done",
        "failed",
        "cancelled",
        "reopened",
        "edited",
        "ready",
        "offered",
        "owner_gone",
    ]
    PresenceState = Literal["idle", "busy", "waiting", "ended"]
    SessionEnd = Literal["replaced", "unregistered", "expected"]  # without a CHECK
    WakeBy = Literal["auto", "tmux", "notice", "command", "none"]  # null in the store means auto
    Rule = Literal["backward", "forward", "full", "none"]
    LabelKind = Literal["tag", "cap"]
    TaskMail = Literal["ready", "review"]
    LockKind = Literal["explicit", "automatic"]
    WaitKind = Literal["wait", "queue"]
    NoteCategory = Literal["decision", "convention", "discovery", "blocker", "context", "setting"]
    TurnState = Literal["free", "offered", "held"]
    TurnEntry = Literal[
        "joined",
        "left",
        "kicked",
        "taken",
        "passed",
        "released",
        "offered",
        "skipped",
        "missed",
        "owner_gone",
        "lapsed",
        "stolen",
    ]
    LimitName = Literal["wakes", "mails", "agents", "restarts", "minutes"]
    LimitAction = Literal["warn", "space", "pause"]
    StartPlace = Literal["pane", "window", "split", "session"]
    StartState = Literal["starting", "needs_you", "running", "stopping", "stopped", "failed", "flapping"]
    StartAlert = Literal["server_gone", "file_changed"]
    LoggedStart = Literal["start", "exit"]
    RestartPolicy = Literal["never", "on-crash", "always"]
    PromptState = Literal["pending", "typing", "typed", "failed"]
