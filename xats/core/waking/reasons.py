"""Reasons: why a wake waits, has ended or was never opened. The words of each code continue "not woken: ".

The store keeps a reason as plain text; `Reason` and a test guard the list. docs/waking.md describes each reason and
what ends it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    # typing costs 7 ms to import, so only the type checker reads this list; a test compares it with REASONS.
    Reason = Literal[
        "no_pane",
        "pane_dead",
        "pane_changed",
        "process_gone",
        "server_gone",
        "no_program",
        "not_registered",
        "tmux_unavailable",
        "tmux_missing",
        "tmux_too_old",
        "host_busy",
        "server_untrusted",
        "not_ours",
        "not_permitted",
        "copy_mode",
        "input_off",
        "shell_foreground",
        "child_foreground",
        "program_changed",
        "program_hidden",
        "program_elsewhere",
        "not_quiet",
        "busy",
        "dialog_open",
        "draft_present",
        "screen_unknown",
        "human_active",
        "unconfirmed",
        "not_shown",
        "command_failed",
        "inbox_failed",
        "not_read",
        "turned_off",
        "throttled",
        "team_limit",
        "rate_capped",
        "hop_limit",
        "recipient_active",
        "already_read",
        "self",
        "no_wake",
        "retry_exhausted",
        "expired",
        "agent_unused",
        "forgotten",
        "paused",
        "multi_line",
        "shell_command",
        "looks_like_dialog",
        "too_long",
        "full_screen",
    ]

REASONS: Final[dict[Reason, str]] = {
    "no_pane": "it has no tmux pane, or the pane is gone",
    "pane_dead": "the program in its pane has ended",
    "pane_changed": "something else runs in its pane now",
    "process_gone": "its program has ended",
    "server_gone": "the tmux server of its pane has ended",
    "no_program": "it has no program yet; mail waits",
    "not_registered": "mail is held until an agent registers under that name",
    "tmux_unavailable": "tmux does not answer",
    "tmux_missing": "the daemon finds no tmux program",
    "tmux_too_old": "this tmux is too old for the paste; xats needs tmux 3.2 or newer",
    "host_busy": "this computer was too busy to paste right after a look at its pane; xats tries again soon",
    "server_untrusted": "the tmux socket of its pane cannot be trusted",
    "not_ours": "its place in the store is not the one that this host registered; run xats register in its pane",
    "not_permitted": "xats is not permitted to look at its process or pane from here",
    "copy_mode": "its pane is in copy mode or another tmux mode",
    "input_off": "input to its pane is switched off",
    "shell_foreground": "a shell, not the agent, is in front in its pane",
    "child_foreground": "another program has the keyboard of its pane",
    "program_changed": "another program has replaced the registered one in its process",
    "program_hidden": "xats cannot read which programs use its pane",
    "program_elsewhere": "its program is on another terminal than its pane right now",
    "not_quiet": "its pane is still printing",
    "busy": "the agent is busy",
    "dialog_open": "a dialog is open in its pane",
    "draft_present": "there is a half-written line in its composer",
    "screen_unknown": "xats does not recognise what its pane shows; for a profile: xats client test PANE --profile",
    "human_active": "a person is typing in its pane",
    "unconfirmed": "the line was pasted, but nobody saw it submitted; it is not pasted again",
    "not_shown": "no tmux client shows its pane, so no person saw the notice",
    "command_failed": "the command that wakes it failed",
    "inbox_failed": "its program did not take the line",
    "not_read": "its program took the line, but nothing was read",
    "turned_off": "every transport to it is turned off (XATS_WAKE_OFF, or wake.off in a settings file)",
    "throttled": "the two agents have woken each other often; xats spaces their wakes out",
    "team_limit": "its team has reached a limit, so xats spreads its wakes over the hour (xats limit list)",
    "rate_capped": "the two agents have woken each other too often, so this mail wakes no agent",
    "hop_limit": "too many wakes between the two agents without a person in between",
    "recipient_active": "it is busy or is asking its user; its next hook hands the mail over",
    "already_read": "it was shown or read meanwhile",
    "self": "you sent it yourself",
    "no_wake": "this mail wakes no agent",
    "retry_exhausted": "every attempt was refused",
    "expired": "it expired unread",
    "agent_unused": "it has been unused for very long, so xats will remove it (XATS_KEEP)",
    "forgotten": "the recipient, or its whole team, was removed",
    "paused": "wakes are paused",
    # A poke gives these.
    "multi_line": "xats does not know that its program takes a pasted newline as text, so only one line is allowed",
    "shell_command": "it begins with !, and many agent programs run that as a shell command",
    "looks_like_dialog": "it contains words by which xats recognises a dialog or a busy screen of that program",
    "too_long": "its pane is too small to show all of it, so xats could not verify the paste",
    "full_screen": "an unknown program fills the screen of its pane, as an editor does",
}

# The target is gone: the wake is suspended, and no rung is used up. A target that only does not answer is not here.
GONE: frozenset[Reason] = frozenset(
    (
        *("no_pane", "pane_dead", "pane_changed", "process_gone", "server_gone", "no_program", "not_registered"),
        "not_ours",
    )
)
# The refusal will pass: the daemon watches the pane, and may make the next attempt before its rung.
PASSING: frozenset[Reason] = frozenset(
    (
        *("busy", "not_quiet", "draft_present", "dialog_open", "human_active", "screen_unknown"),
        *("copy_mode", "input_off", "shell_foreground", "child_foreground", "recipient_active"),
        *("program_changed", "program_hidden", "program_elsewhere"),
        *("tmux_unavailable", "tmux_missing", "server_untrusted", "not_permitted", "host_busy"),
    )
)
# What happened to the line is unknown: xats never pastes it again.
FINAL: frozenset[Reason] = frozenset(("unconfirmed",))


def words(code: str | None) -> str:
    """Return the words of a reason code; those of an unknown code of a newer xats are the code itself."""
    return REASONS.get(code or "", (code or "").replace("_", " "))  # type: ignore[call-overload,no-any-return]
