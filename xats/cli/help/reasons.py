"""Every reason code in full: what it means, what xats does, and what ends it.

`xats help REASON` prints it, and `make generate` writes the table in docs/waking.md from it. The short words of a
reason, which `xats status` prints, are in core/waking/reasons.py; a test compares the codes.
"""

from __future__ import annotations

from xats.base.record import record


@record
class Explained:
    """A reason: its `meaning`, what xats `does` about the wake, and what `ends` it. Backticks mark code."""

    meaning: str
    does: str
    ends: str


EXPLAINED: dict[str, Explained] = {
    "no_pane": Explained(
        "the agent has no pane, or its server has no such pane any more",
        "suspended",
        "a new session or another pane of the agent",
    ),
    "pane_dead": Explained(
        "the pane's process has ended, and tmux keeps the pane",
        "suspended",
        "a new session or another pane of the agent",
    ),
    "pane_changed": Explained(
        "another process was started in the pane",
        "suspended",
        "a new session or another pane of the agent; the registered process in its pane again",
    ),
    "process_gone": Explained("the agent's process has ended", "suspended", "a new session of the agent"),
    "server_gone": Explained(
        "the process of the pane's tmux server has ended", "suspended", "a new session of the agent"
    ),
    "no_program": Explained("the agent has no program yet (`xats seat`)", "suspended", "the agent registers"),
    "not_registered": Explained(
        "no agent of that name is registered", "suspended", "the name registers, or the mail expires"
    ),
    "tmux_unavailable": Explained(
        "tmux cannot be run, does not answer in time, or does not answer at this socket while its server lives",
        "retried, watched",
        "tmux answers",
    ),
    "tmux_missing": Explained(
        "the daemon finds no tmux program", "retried, watched", "tmux is installed, or `XATS_TMUX` names it"
    ),
    "tmux_too_old": Explained(
        "this tmux is older than the paste needs", "retried", "a newer tmux server, in which the agent registers"
    ),
    "host_busy": Explained(
        "the computer was too busy to paste within 100 ms of a look at the pane",
        "retried soon outside the ladder, watched",
        "it is less busy",
    ),
    "server_untrusted": Explained(
        "the socket of the pane is not safe to connect to", "retried, watched", "its owner and permissions are right"
    ),
    "not_ours": Explained(
        "the row of the agent in a shared database was changed: it names another place than this host registered",
        "suspended",
        "`xats register` in its pane, or the next start of its program",
    ),
    "not_permitted": Explained(
        "this xats may not look at the agent's process or pane", "retried, watched", "a daemon that may"
    ),
    "copy_mode": Explained("the pane is in copy mode or another tmux mode", "retried, watched", "the mode ends"),
    "input_off": Explained(
        "input to the pane is switched off (`select-pane -d`)", "retried, watched", "it is switched on"
    ),
    "shell_foreground": Explained(
        "a shell is in front in the pane, not the agent", "retried, watched", "the agent is in front again"
    ),
    "child_foreground": Explained(
        "another program than the agent has the keyboard of its pane", "retried, watched", "that program ends"
    ),
    "program_changed": Explained(
        "the registered process runs another program now", "retried, watched", "the session's next hook or registration"
    ),
    "program_hidden": Explained("the processes in the pane cannot be read", "retried, watched", "they can be read"),
    "program_elsewhere": Explained(
        "the agent's process lives, with another terminal than its pane",
        "retried, watched",
        "it has the terminal of its pane",
    ),
    "not_quiet": Explained(
        "xats looked at the pane twice, and the text in it had changed in between: a program still prints there, or a "
        "person types. xats typed nothing",
        "retried, watched",
        "the pane stays the same for 2 seconds (`XATS_QUIET_MS`); then xats wakes the agent by itself",
    ),
    "busy": Explained(
        "the agent works, or another xats is typing in the pane", "retried, watched", "its composer is idle"
    ),
    "dialog_open": Explained("a dialog is open", "retried, watched", "it is closed"),
    "draft_present": Explained(
        "a line that is not sent yet stands in the agent's input field. xats typed nothing, because its own line would "
        "have been added to it",
        "retried, watched",
        "that line is sent or erased; then xats wakes the agent by itself",
    ),
    "screen_unknown": Explained(
        "the screen shows nothing that xats recognises", "retried, watched", "it shows an idle composer"
    ),
    "human_active": Explained(
        "a person pressed a key in the pane a moment ago", "retried, watched", "some seconds without a key"
    ),
    "unconfirmed": Explained(
        "xats pasted the line, and did not see it submitted",
        "failed at once, because the line is never pasted twice",
        "new mail, a new session, `xats dead retry`",
    ),
    "not_shown": Explained(
        "no terminal shows the pane, so no person would see a notice", "retried", "a tmux client shows it"
    ),
    "command_failed": Explained("the user's wake command failed", "retried", "it succeeds"),
    "inbox_failed": Explained(
        "the agent's program did not take the line, and no other transport is left", "retried", "it takes it"
    ),
    "not_read": Explained("the program took the line, but the mail is unread", "retried", "the mail is read"),
    "turned_off": Explained(
        "`XATS_WAKE_OFF` turns every transport of the agent off", "retried", "a daemon with one of them on"
    ),
    "throttled": Explained(
        "two agents have woken each other 20 times in 10 minutes",
        "waits until a minute after their last wake",
        "that time; mail from a person or another agent; a new session; the end of a pause",
    ),
    "team_limit": Explained(
        "the team has reached its limit of wakes or mails an hour, and a person chose `--then space`",
        "waits until the rate of the team allows it; xats looks again at least every 2 minutes",
        "that time; `xats limit set` or `xats limit drop` by a person",
    ),
    "rate_capped": Explained(
        "only from older releases: mail over a limit woke no agent",
        "never opened",
        "an upgrade opened a wake for the unread mail",
    ),
    "hop_limit": Explained(
        "a pair of agents was stopped",
        "never opened",
        "mail or a prompt from a person, or `xats resume AGENT` by a person",
    ),
    "recipient_active": Explained(
        "the agent is in a turn, and its next hook hands the mail over",
        "waits for the hook, watched",
        "the hook, the end of the turn, `XATS_READ_WITHIN`",
    ),
    "already_read": Explained("the mail was shown or read", "ended", "new mail opens another wake"),
    "self": Explained("the agent wrote the mail itself", "never opened", "-"),
    "no_wake": Explained(
        "the mail was sent with `--no-wake`, or its recipient has `--wake none`, the default for people",
        "never opened",
        "`xats register --wake HOW`",
    ),
    "retry_exhausted": Explained(
        "every attempt was refused",
        "failed",
        "new mail, a new session, `xats dead retry`; the end of the obstacle in its pane",
    ),
    "expired": Explained("the mail was not read within its `--ttl`", "ended", "`xats dead retry` sends it again"),
    "agent_unused": Explained(
        "the agent was not used for `XATS_KEEP`", "failed", "the agent registers again, `xats dead retry`"
    ),
    "forgotten": Explained(
        "`xats agent forget` removed the recipient, or `xats team forget` its team, before it read the mail",
        "ended",
        "`xats dead retry ID --to AGENT`",
    ),
    "paused": Explained("the agent or its team is paused", "held", "`xats resume`"),
    "multi_line": Explained("the program would submit several lines one by one", "poke only", "one line"),
    "shell_command": Explained("the text begins with `!`", "poke only", "other words"),
    "looks_like_dialog": Explained("the text contains a sign of a dialog or of work", "poke only", "other words"),
    "too_long": Explained("the pane cannot show the whole text", "poke only", "a shorter text, a larger pane"),
    "full_screen": Explained("an unknown program fills the screen", "poke only", "that program ends"),
}
