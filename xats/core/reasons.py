"""Why a wake waits, has ended or was never begun: every reason code, in words that go on from "not woken: "."""

from __future__ import annotations

REASONS = {
    "no_pane": "it has no tmux pane, or the pane is gone",
    "pane_dead": "the program in its pane has ended",
    "pane_changed": "something else runs in its pane now",
    "tmux_unavailable": "tmux does not answer",
    "copy_mode": "its pane is in copy mode or another tmux mode",
    "input_off": "input to its pane is switched off",
    "shell_foreground": "a shell, not the agent, is in front in its pane",
    "not_quiet": "its pane is still printing",
    "busy": "the agent is busy",
    "dialog_open": "a dialog is open in its pane",
    "draft_present": "there is a half-written line in its composer",
    "human_active": "somebody is typing in its pane",
    "unconfirmed": "the line was pasted, but nobody saw it being taken; it is not pasted again",
    "not_shown": "no tmux client shows its pane, so nobody saw the notice",
    "command_failed": "the program that is to wake it failed",
    "inbox_failed": "its program did not take the line",
    "not_read": "its program took the line, but nothing was read",
    "turned_off": "every way to wake it is turned off (XATS_WAKE_OFF)",
    "rate_capped": "the two have woken each other too often; it wakes nobody",
    "hop_limit": "programs have answered each other too often without a person; it wakes nobody",
    "recipient_active": "it is at work or asks its user something; its next hook hands the mail over",
    "already_read": "it was read meanwhile",
    "self": "it is your own",
    "no_wake": "nobody is to be woken for it",
    "retry_exhausted": "every attempt was refused",
    "expired": "its time was over",
    "paused": "wakes are paused",
}
