"""What the manual and `xats help` say besides the verbs: addresses, environment, files, exit codes, examples."""

from __future__ import annotations

from xats.base import errors
from xats.settings.keys import KEYS

ABOUT = (
    "xats is a mail system for the coding agents in your tmux panes, and for you.",
    "A message is on disk before xats send returns. Then xats wakes its recipient: through its hooks or its own inbox, "
    "or by one fixed line, pasted into its pane. xats never pastes into a draft, a dialog or a shell. A refused wake "
    "has a reason, and is retried. Reading the mail with xats inbox ends the wake.",
)
OVERVIEW = (
    "Without a verb, xats prints one screen on a terminal: who you are, your unread mail, the requests that you must "
    "answer and those that you wait for, the agents that wait for you or cannot be woken, and the next commands. It "
    "changes nothing. "
    "In a pipe, or where no agent is registered, it prints a short help."
)
EXAMPLES = (
    ("Show what waits for you, and which agents cannot be woken:", ("xats",)),
    ("Register, in each pane:", ("xats register alice --role backend",)),
    ("Or start an agent program registered:", ("xats launch claude --name alice --role backend",)),
    (
        "Write to an agent, or to everybody with a role:",
        ("xats send bob 'The parser is ready' -s Parser", "xats send role:reviewer 'Please review branch parser'"),
    ),
    ("Read, and answer:", ("xats inbox", "xats reply 12 'Done, see branch parser'")),
    ("Show who has read a message, and why a wake waits:", ("xats status 12",)),
    ("Wait for mail in a script:", ("xats wait --timeout 5m && xats inbox --json",)),
)
ADDRESSES = (
    ("bob", "the agent bob of this team"),
    ("bob@payments", "the agent bob of the team payments; every other address can end with @TEAM too"),
    ("role:reviewer", "everybody with this role"),
    ("tag:gpu", "everybody with this tag"),
    ("cap:rust", "everybody with this capability"),
    ("all", "everybody in the team"),
    ("me", "yourself"),
    ("bob,role:reviewer", "several, with commas; each agent gets one copy"),
)
DURATIONS = "A duration is 500ms, 30s, 10m, 2h or 1d; a plain number means seconds."
ENVIRONMENT = (
    ("XATS_AGENT", "Who I am, as with --as."),
    ("XATS_TEAM", "The team, as with --team."),
    ("XATS_DB", "The store, as with --db."),
    ("XATS_HOME", "The folder of the store and all its files. Default: the folder xats in XDG_STATE_HOME."),
    (
        "XATS_HOST",
        "A name for this machine, where several have one machine id. Set it for every program of the machine.",
    ),
    ("XDG_STATE_HOME", "Where programs keep their state. xats ignores a relative path. Default: ~/.local/state."),
    *((key.variable, f"{key.name} in a settings file. {key.meaning}") for key in KEYS),
    ("XATS_NAME_NEW", "1: a session without an agent gets a new one, such as claude-1."),
    ("XATS_NO_MIGRATE", "1: refuse the store of an older xats instead of migrating it, as with --no-migrate."),
    ("NO_COLOR", "Not empty: no colour. TERM=dumb does the same. --color overrides both."),
    ("VISUAL, EDITOR", "The editor in which a person writes a body that is missing. VISUAL comes first."),
    ("TMUX, TMUX_PANE", "Set by tmux: the pane of this process."),
    (
        "CLAUDE_CONFIG_DIR, CODEX_HOME, GEMINI_CLI_HOME, QWEN_HOME, COPILOT_HOME, XDG_CONFIG_HOME",
        "Read by agent programs and by xats hook: where the settings of the program are.",
    ),
    (
        "OPENCODE_CONFIG_CONTENT, QWEN_CODE_SYSTEM_DEFAULTS_PATH",
        "Read by agent programs: xats launch passes them the hooks in these, beside a value that is already set.",
    ),
    (
        "CLAUDE_CODE_SESSION_ID, CODEX_THREAD_ID, GEMINI_SESSION_ID, QWEN_CODE_SESSION_ID",
        "Set by agent programs: the session of this process.",
    ),
)
FILES = (
    ("~/.local/state/xats/xats.db", "The store, one SQLite file that only its owner can read."),
    ("~/.config/xats/config.toml", "Your settings: see xats config."),
    ("xats.toml", "At the top of a worktree: the settings of its project and the name of its team. Commit it."),
    ("settings/*", "In XATS_HOME: the parsed copies of settings files."),
    (
        "xats.db-journal, xats.db-wal, xats.db-shm",
        "Files of SQLite beside the store. While they exist, they are part of it.",
    ),
    ("xats.db-daemon.log", "The log of the daemon."),
    ("xats.db-people", "The tmux servers in which people type, so that xats can tell them of mail."),
    (
        "postgres-*-seats",
        "In XATS_HOME: where commands of this host registered the agents of a PostgreSQL store.",
    ),
    ("xats.db-hooks.log", "Errors of hooks. It never contains typed text."),
    ("xats.db-errors.log", "Unexpected errors of xats commands, for a report."),
    (
        "launch/PROGRAM-*",
        "In XATS_HOME: the hooks of a program that xats launch started; removed after 30 days.",
    ),
    (
        "launch/start-*",
        "In XATS_HOME: what a program that is being started needs; removed when it has started.",
    ),
    ("trust/*", "In XATS_HOME: the crew files to which you have agreed, as they were then."),
    ("crews/kept-*", "In XATS_HOME: what a restart of an agent of a crew needs; removed by xats down."),
    ("xats.db-daemon-HOST.lock", "The lock of the daemon on the host with that id: its host, pid and start time."),
    (
        "postgres-STORE-daemon-HOST.socket",
        "In XATS_HOME: hooks and xats badge ask the daemon, where the store is a database.",
    ),
    (
        "xats.db-waiter-N-*, xats.db-waiter-N-*.lock",
        "The FIFO and the lock of a waiter beside a session; removed when it ends.",
    ),
    ("xats.db.*Z.bak", "A backup by xats db backup, named by the time in UTC."),
    (
        "FILE.xats-backup",
        "The settings of an agent program before xats hook install; xats hook uninstall removes it.",
    ),
    ("xats.db.schemaN-*.bak", "A copy of the store before a migration of its schema."),
)
EXITS = (
    (errors.OK, "Done, or nothing to do."),
    (errors.FAILURE, "Failure."),
    (errors.USAGE, "Wrong usage: an invalid command line."),
    (errors.NOT_FOUND, "Not found: no such agent, message or pane."),
    (errors.REFUSED, "Refused by the present state: for example, another process holds the name."),
    (errors.UNHEALTHY, "A health check found problems."),
    (errors.TEMPORARY, "Busy or unavailable; try again."),
    (errors.TIMED_OUT, "A wait timed out."),
    (errors.INTERRUPTED, "Interrupted."),
)
