"""What the manual says besides the verbs: environment, files, exit codes, examples."""

from __future__ import annotations

from xats import errors

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
    ("XATS_AUTOSTART", "0: send and register do not start the daemon."),
    (
        "XATS_QUIET_MS",
        "For how many milliseconds a pane must not change before something is typed there. Default: 2000.",
    ),
    ("XATS_LADDER", "The waits before a refused wake is tried again, with commas. Default: 30s,3m,10m."),
    (
        "XATS_READ_WITHIN",
        "How long an agent whose inbox has taken the line, or whose next hook is waited for, may take to read before "
        "the next way to wake it is gone. Default: 60s.",
    ),
    (
        "XATS_WAKE_OFF",
        "Ways to wake agents that are not to be used, with commas: hook, waiter, claude-inbox, codex-queue, "
        "opencode-http, qwen-inbox, tmux. The daemon reads it when it starts. Default: none.",
    ),
    ("XATS_HOPS", "How many wakes two agents may cause each other in a row without a person. Default: 100."),
    (
        "XATS_WAKE_COMMAND",
        "Your own program that wakes who is registered with --wake command, by its absolute path; it gets each wake as "
        "JSON on standard input, and exits with 0 when that is done. Default: xats/wake in XDG_CONFIG_HOME.",
    ),
    ("XATS_WAKE_TIMEOUT", "How long that program may take before it is killed. Default: 10s; at most 50s."),
    (
        "XATS_KEEP",
        "How long the daemon keeps read mail, ended tasks, events and unused agents. Default: 30d; off or 0: for ever.",
    ),
    (
        "XATS_HOOK_BUDGET",
        "How many bytes of mail a hook hands over at once; the rest is announced. Default: 4000; at most 8000.",
    ),
    (
        "XATS_INBOX_BUDGET",
        "How many bytes of mail `inbox` writes at once where it writes to no terminal. Default: 8000; 0: no limit.",
    ),
    ("XATS_NAME_NEW", "1: a session whose hooks find no agent for it gets a new one, such as claude-1."),
    ("XATS_CLIENTS", "The folder of your own client profiles, NAME.toml. Default: xats/clients in XDG_CONFIG_HOME."),
    ("XATS_DEBUG", "Not empty: the daemon logs more."),
    ("XATS_TMUX", "The tmux program. Default: tmux."),
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
