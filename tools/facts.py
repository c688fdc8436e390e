"""What the manual says besides the verbs: environment, files, exit codes, examples."""

from __future__ import annotations

from xats.base import errors
from xats.settings.keys import KEYS

ABOUT = (
    "xats is the mail system of the coding agents that work in your terminals, and of you beside them.",
    "A message is on disk before xats send returns. Its recipient is then woken in its tmux pane, without ever typing "
    "into a half-written line, answering a dialog or running text in a shell; a wake that is refused is tried again "
    "later. Reading the mail with xats inbox is what ends it.",
)
EXAMPLES = (
    ("Register, in each pane:", ("xats register alice --role backend",)),
    ("Or start an agent program registered:", ("xats launch claude --name alice --role backend",)),
    (
        "Write to an agent, or to everybody with a role:",
        ('xats send bob "The parser is ready" -s Parser', 'xats send role:reviewer "Please look at branch parser"'),
    ),
    ("Read, and answer:", ("xats inbox", 'xats reply 12 "Done, see branch parser"')),
    ("See what became of a message, and why nobody reacts:", ("xats status 12",)),
    ("Wait for mail in a script:", ("xats wait --timeout 5m && xats inbox --json",)),
)
ADDRESSES = (
    ("bob", "the agent bob of this team"),
    ("bob@payments", "the agent bob of the team payments; all other addresses may end so too"),
    ("role:reviewer", "everybody with this role"),
    ("tag:gpu", "everybody with this tag"),
    ("cap:rust", "everybody with this capability"),
    ("all", "everybody in the team"),
    ("me", "yourself"),
    ("bob,role:reviewer", "several, with commas; nobody gets a message twice"),
)
DURATIONS = "A duration is 500ms, 30s, 10m, 2h or 1d; a bare number is seconds."
ENVIRONMENT = (
    ("XATS_AGENT", "Who I am, as with --as."),
    ("XATS_TEAM", "The team, as with --team."),
    ("XATS_DB", "The store, as with --db."),
    ("XATS_HOME", "The folder of everything that xats keeps. Default: xats in XDG_STATE_HOME."),
    ("XDG_STATE_HOME", "Where programs keep their state. A relative path is ignored. Default: ~/.local/state."),
    *((key.variable, f"{key.name} in a settings file. {key.meaning}") for key in KEYS),
    ("XATS_NAME_NEW", "1: a session whose hooks find no agent for it gets a new one, such as claude-1."),
    ("NO_COLOR", "Not empty: no colour. TERM=dumb does the same."),
    ("TMUX, TMUX_PANE", "Set by tmux: the pane that this process is in."),
    (
        "CLAUDE_CONFIG_DIR, CODEX_HOME, GEMINI_CLI_HOME, QWEN_HOME, COPILOT_HOME, XDG_CONFIG_HOME",
        "Read by agent programs: where their settings are, for xats hook.",
    ),
    (
        "OPENCODE_CONFIG_CONTENT, QWEN_CODE_SYSTEM_DEFAULTS_PATH",
        "Read by agent programs: what xats launch gives them their hooks by; what is set already is kept in it.",
    ),
    (
        "CLAUDE_CODE_SESSION_ID, CODEX_THREAD_ID, GEMINI_SESSION_ID, QWEN_CODE_SESSION_ID",
        "Set by agent programs: the session that this process belongs to.",
    ),
)
FILES = (
    ("~/.local/state/xats/xats.db", "The store, one SQLite file that only its owner can read."),
    ("~/.config/xats/config.toml", "Your settings: see xats config."),
    ("xats.toml", "At the top of a worktree: the settings of its project, which may be committed."),
    ("settings/*", "In XATS_HOME: the parsed copies of settings files."),
    ("xats.db-journal, xats.db-wal, xats.db-shm", "SQLite's, beside the store; part of it as long as they are there."),
    ("xats.db-daemon.log", "The log of the daemon."),
    ("xats.db-hooks.log", "What went wrong at the hooks of agent programs; never what anybody typed."),
    (
        "launch/PROGRAM-*",
        "In XATS_HOME: what a program that xats launch started reads its hooks from; they go after 30 days.",
    ),
    ("xats.db-daemon-HOST.lock", "Held by the daemon of the host with that id; its host, pid and start time."),
    (
        "xats.db-waiter-N-*, xats.db-waiter-N-*.lock",
        "Where a waiter sleeps beside an agent's session; they go with it.",
    ),
    ("xats.db.*Z.bak", "What xats db backup made, named by the time in UTC."),
    (
        "FILE.xats-backup",
        "What the settings of an agent program were before xats hook install; xats hook uninstall takes it away.",
    ),
    ("xats.db.schemaN-*.bak", "A copy from before the schema of the store was changed."),
)
EXITS = (
    (errors.OK, "Done, or nothing to do."),
    (errors.FAILURE, "Failure."),
    (errors.USAGE, "The command line cannot be understood."),
    (errors.NOT_FOUND, "There is no such agent, message or pane."),
    (errors.REFUSED, "Refused: a state and not a fault, such as a name that somebody else holds."),
    (errors.UNHEALTHY, "A health check found problems."),
    (errors.TEMPORARY, "Busy or away for the moment; try again."),
    (errors.TIMED_OUT, "A wait timed out."),
    (errors.INTERRUPTED, "Interrupted."),
)
