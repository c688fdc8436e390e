"""Why a wake waits, has ended or was never opened: every reason code, in words that continue "not woken: ".

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
    "not_registered": "held for a name that is not there yet",
    "tmux_unavailable": "tmux does not answer",
    "tmux_missing": "the daemon finds no tmux program",
    "tmux_too_old": "this tmux is too old for the paste; xats needs tmux 3.2 or newer",
    "host_busy": "this computer was too busy to paste right after a look at its pane; xats tries again soon",
    "server_untrusted": "the tmux socket of its pane cannot be trusted",
    "not_permitted": "xats is not permitted to look at its process or pane from here",
    "copy_mode": "its pane is in copy mode or another tmux mode",
    "input_off": "input to its pane is switched off",
    "shell_foreground": "a shell, not the agent, is in front in its pane",
    "child_foreground": "another program has the keyboard of its pane",
    "program_changed": "another program has replaced the registered one in its process",
    "program_hidden": "xats cannot read which programs use its pane",
    "program_elsewhere": "its program is on another terminal than its pane just now",
    "not_quiet": "its pane is still printing",
    "busy": "the agent is busy",
    "dialog_open": "a dialog is open in its pane",
    "draft_present": "there is a half-written line in its composer",
    "screen_unknown": "xats does not recognise what its pane shows; for a profile: xats client test PANE --profile",
    "human_active": "somebody is typing in its pane",
    "unconfirmed": "the line was pasted, but nobody saw it submitted; it is not pasted again",
    "not_shown": "no tmux client shows its pane, so nobody saw the notice",
    "command_failed": "the program that is to wake it failed",
    "inbox_failed": "its program did not take the line",
    "not_read": "its program took the line, but nothing was read",
    "turned_off": "every way to wake it is turned off (XATS_WAKE_OFF, or wake.off in a settings file)",
    "throttled": "the two agents have woken each other often of late; their wakes are spaced out",
    "rate_capped": "the two have woken each other too often; it wakes nobody",
    "hop_limit": "too many wakes between the two agents without a person in between",
    "recipient_active": "it is at work or asks its user something; its next hook hands the mail over",
    "already_read": "it was shown or read meanwhile",
    "self": "it is your own",
    "no_wake": "nobody is to be woken for it",
    "retry_exhausted": "every attempt was refused",
    "expired": "its time was over",
    "agent_unused": "nothing was seen of it for very long, and it is going to be removed (XATS_KEEP)",
    "forgotten": "the recipient, or its whole team, was removed",
    "paused": "wakes are paused",
    # A poke gives these.
    "multi_line": "nobody can tell that its program takes new lines in a paste as text, so one line is the most",
    "shell_command": "it begins with !, which makes a shell command of it in many agent programs",
    "looks_like_dialog": "it contains words by which xats knows a dialog, or work, of that program",
    "too_long": "its pane is too small to show all of it, so nobody could see that it went in",
    "full_screen": "a program that xats does not know fills the screen of its pane, as an editor does",
}

# The target is known to be gone: suspend, and burn no attempt. What only cannot be asked just now is not here.
GONE: frozenset[Reason] = frozenset(
    ("no_pane", "pane_dead", "pane_changed", "process_gone", "server_gone", "no_program", "not_registered")
)
# What an attempt was refused for and will pass: the pane is watched meanwhile, and need not wait for its rung.
PASSING: frozenset[Reason] = frozenset(
    (
        *("busy", "not_quiet", "draft_present", "dialog_open", "human_active", "screen_unknown"),
        *("copy_mode", "input_off", "shell_foreground", "child_foreground", "recipient_active"),
        *("program_changed", "program_hidden", "program_elsewhere"),
        *("tmux_unavailable", "tmux_missing", "server_untrusted", "not_permitted", "host_busy"),
    )
)
FINAL: frozenset[Reason] = frozenset(
    ("unconfirmed",)
)  # nobody can tell what happened to the line: never paste it again


def words(code: str | None) -> str:
    """Return why in words; a code that only a newer xats knows stays as it is."""
    return REASONS.get(code or "", (code or "").replace("_", " "))  # type: ignore[call-overload,no-any-return]
