"""The topics of `xats help`: how xats works, in a few paragraphs each."""

from __future__ import annotations

from xats.base.record import record
from xats.cli.help import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@record
class Topic:
    """A topic. `text` has its paragraphs, and `rows` the terms that it explains below them."""

    summary: str
    text: tuple[str, ...]
    rows: Sequence[tuple[str, str]] = ()
    find_rows: Callable[[], Sequence[tuple[str, str]]] | None = None  #: returns more rows, where that costs time


WAKING = Topic(
    "How an agent is woken, and why a wake may wait.",
    (
        "A message is on disk before xats send returns. Then xats wakes the recipient by one fixed line. The wake ends "
        "when the recipient has been shown the mail or has read it.",
        "xats tries the transports below in this order, and skips those that do not lead to the agent now. Only the "
        "last one types. It never types into a draft, a dialog, a shell or a busy program.",
        "If a transport refuses, the wake has a reason, such as not_quiet. The daemon retries after 30 seconds, "
        "3 minutes and 10 minutes (XATS_LADDER), and as soon as the obstacle is gone. After the last attempt the mail "
        "is a dead letter: it stays unread, and xats dead list shows it.",
        "To see why a wake waits: xats status ID. To explain a reason: xats help REASON. To look at everything: "
        "xats doctor.",
    ),
    (
        ("hook", "The agent is in a turn. Its next hook hands the mail over."),
        ("waiter", "A small process beside the session passes the line to the program."),
        ("inbox", "The line goes to the program's own inbox, such as claude-inbox or codex-queue."),
        ("tmux", "The line is pasted into the agent's pane, after all guards."),
    ),
)
ADDRESSES = Topic(
    "To whom mail can be sent.",
    (
        "The sender of a message to several agents gets no copy of it.",
        "A name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit. The names all and me are reserved.",
    ),
    [*facts.ADDRESSES, ("pool:dev", "a task for one agent with the role dev; xats asks one after another")],
)
EXIT_CODES = Topic(
    "What the exit code of a command means.",
    ("The codes are the same for every verb. With --json, a failure also has an error code on standard error.",),
    [(str(code), meaning) for code, meaning in facts.EXITS],
)


def _errors() -> Sequence[tuple[str, str]]:
    """Return every error code with its meaning."""
    from xats.cli.help.failures import by_code, meaning

    return [(code, meaning(about)[0]) for code, about in sorted(by_code().items())]


ERRORS = Topic(
    "The error codes that a failure prints with --json.",
    ("A code never changes. To see its exit code and what to do: xats help CODE.",),
    find_rows=_errors,
)
ENVIRONMENT = Topic(
    "The variables that xats reads.",
    ("An option overrides a variable, and a variable overrides a settings file: see xats config list.",),
    facts.ENVIRONMENT,
)
SCRIPTING = Topic(
    "How a script or an agent uses xats.",
    (
        "Data goes to standard output, and words for people to standard error. In a pipe, a table becomes lines with "
        "tabs. There is no colour and no question in a pipe; a verb that would ask needs --yes.",
        "With --json a verb prints one JSON document, also after a failure (on standard error). Fields are only added. "
        "xats schema VERB describes them. With --quiet it prints only the result, such as an id.",
        "xats commands --json lists every verb with its options and arguments.",
        "Exit code 0 means done, 124 that a wait timed out, and 75 that the same command may work later: see "
        "xats help exit-codes.",
        "A message with --key is stored only once, so a script can repeat its command.",
        facts.DURATIONS,
    ),
    (
        ("xats send bob - < notes.md", "Send a file."),
        ("xats send bob 'Build 7 is ready' --key build-7", "Send once, also if the line runs again."),
        ("xats wait --timeout 5m && xats inbox --json", "Wait for mail, then read it."),
        ("xats events --follow --jsonl", "Follow what happens."),
    ),
)
TOPICS = {
    "waking": WAKING,
    "addresses": ADDRESSES,
    "exit-codes": EXIT_CODES,
    "errors": ERRORS,
    "environment": ENVIRONMENT,
    "scripting": SCRIPTING,
}
