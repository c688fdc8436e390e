"""The settings: the key of each in a file, its variable, its default, and what a project's file may do to it.

This table is the only place that lists them. `xats config`, the manual and the completions are made from it. A value is
kept as the text that its variable would have, so code that reads a variable reads the files too.
"""

from __future__ import annotations

from xats.base import durations, programs
from xats.base.errors import Usage
from xats.base.record import record
from xats.settings.stricter import GUARDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Kind: TypeAlias = "Duration | Durations | Count | Names | Choice | Switch | Path | Files | Command | Database"

# The transports by which an agent is woken, in the order in which they are tried.
TRANSPORTS = ("hook", "waiter", *programs.INBOXES, "tmux")
ENFORCEMENT = ("off", "warn", "deny")
SHOWN = 40  # characters of a wrong value that are repeated
LONGEST = 1000  # characters of a path


def _wrong(what: str, value: object) -> ValueError:
    if isinstance(value, (dict, list)):  # repr cannot print one that is nested too deeply
        return ValueError(f"must be {what}, not {'a table' if isinstance(value, dict) else 'that list'}")
    return ValueError(f"must be {what}, not {repr(value)[:SHOWN]}")


@record
class Duration:
    """A duration from `least` to `most` (ms); with `off` also the word off. With `bare` the variable is in ms."""

    least: int = 0
    most: int = 10**13
    off: bool = False
    bare: bool = False

    @property
    def rule(self) -> str:
        """What a value must be."""
        last = f"{'at least' if self.least > 1 else 'more than'} {spelled(self.least) if self.least > 1 else '0s'}"
        limits = [last] if self.least else []
        limits += [f"at most {spelled(self.most)}"] if self.most < 10**13 else []
        return "a duration" + (f" of {' and '.join(limits)}" if limits else "") + (", or off" if self.off else "")

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return text

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file: a text, or a number of seconds. Raises ValueError."""
        if self.off and value == "off":
            return "off"
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise _wrong(self.rule, value)
        try:
            ms = durations.parse(str(value).strip())
        except Usage:
            raise _wrong(self.rule, value) from None
        if not self.least <= ms <= self.most:
            raise _wrong(self.rule, value)
        return str(ms) if self.bare else f"{ms}ms"

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        if self.bare and text.isascii() and text.isdigit():
            return spelled(int(text))
        try:
            return spelled(durations.parse(text))
        except Usage:
            return text


@record
class Durations:
    """A list of durations."""

    rule: str = "a list of durations"

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return [word.strip() for word in text.split(",") if word.strip()]

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file: a list, or a text with commas. Raises ValueError."""
        words = self.given(value) if isinstance(value, str) else value
        if not isinstance(words, list) or not words:
            raise _wrong(self.rule, value)
        return ",".join(Duration().read(word) for word in words)

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return ",".join(Duration().show(word.strip()) for word in text.split(","))


@record
class Count:
    """A whole number from 0 to `most`."""

    most: int

    @property
    def rule(self) -> str:
        """What a value must be."""
        return f"a whole number from 0 to {self.most}"

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file. Raises ValueError."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= self.most:
            raise _wrong(self.rule, value)
        return str(value)

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return text


@record
class Names:
    """Some of the names `known`, in any order."""

    known: tuple[str, ...]

    @property
    def rule(self) -> str:
        """What a value must be."""
        return f"one or more of {', '.join(self.known)}"

    @property
    def example(self) -> str:
        """A valid value."""
        return ",".join(self.known[:2])

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return [word.strip() for word in text.split(",") if word.strip()]

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file: a list, or a text with commas. Raises ValueError."""
        words = self.given(value) if isinstance(value, str) else value
        if not isinstance(words, list):
            raise _wrong(self.rule, value)
        if wrong := next((word for word in words if word not in self.known), None):
            raise _wrong(self.rule, wrong)
        if not all(words):
            raise _wrong(self.rule, value)
        return ",".join(one for one in self.known if one in words)

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return text


@record
class Choice:
    """One of the words `known`."""

    known: tuple[str, ...]

    @property
    def rule(self) -> str:
        """What a value must be."""
        return " or ".join(self.known)

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return text

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file. Raises ValueError."""
        if not isinstance(value, str) or value not in self.known:
            raise _wrong(self.rule, value)
        return value

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return text


@record
class Switch:
    """True or false; `on` and `off` are the texts of the variable."""

    on: str
    off: str
    rule: str = "true or false"

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return {"true": True, "on": True, "yes": True, "1": True}.get(
            text.lower(), False if text.lower() in ("false", "off", "no", "0") else text
        )

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file. Raises ValueError."""
        if not isinstance(value, bool):
            raise _wrong(self.rule, value)
        return self.on if value else self.off

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return "false" if text in ("", "0") else "true"


@record
class Path:
    """A path that does not depend on the working directory; with `name` also the name of a program."""

    name: bool = False
    example: str = "~/FOLDER/NAME"

    @property
    def rule(self) -> str:
        """What a value must be."""
        return "an absolute path, or one that begins with ~/" + (", or a program's name" if self.name else "")

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return text

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file. Raises ValueError."""
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
            raise _wrong(self.rule, value)
        if not value.startswith(("/", "~/")) and not (self.name and "/" not in value):
            raise _wrong(self.rule, value)
        return value

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return text


@record
class Files:
    """A list of files, each by its path in a project."""

    rule: str = "a list of paths in the project, without .. and commas"
    example: str = ".env"

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return [word.strip() for word in text.split(",") if word.strip()]

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file: a list, or a text with commas. Raises ValueError."""
        words = self.given(value) if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise _wrong(self.rule, value)
        for word in words:
            unfit = word.startswith("/") or "," in word or not word.isprintable() or len(word) > LONGEST
            if unfit or {"..", ".git"} & set(word.split("/")):
                raise _wrong(self.rule, word)
        return ",".join(words)

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return text


@record
class Command:
    """A command line for a shell."""

    rule: str = "a command on one line"
    example: str = "'npm ci'"

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return text

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file. Raises ValueError."""
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
            raise _wrong(self.rule, value)
        return value

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it."""
        return text


@record
class Database:
    """The URL of a PostgreSQL database, without a password."""

    rule: str = "a postgresql:// URL without a password, which belongs into ~/.pgpass"
    example: str = "postgresql://USER@HOST/DATABASE"

    def given(self, text: str) -> Any:
        """Return the value for a file that the word `text` of a command line stands for."""
        return text

    def read(self, value: Any) -> str:
        """Return the text of the variable for a value of a file. Raises ValueError, without what may be a password."""
        from xats.base import location

        valid = isinstance(value, str) and len(value) <= LONGEST and value.isprintable() and location.is_url(value)
        if not valid or location.split(value)[1]:
            msg = f"must be {self.rule}"
            raise ValueError(msg)
        return str(value)

    def show(self, text: str) -> str:
        """Return the `text` of the variable as a person writes it, without a password."""
        from xats.base import location

        return location.split(text)[0] if location.is_url(text) else text


@record
class Key:
    """A setting. `default` is the text that its variable would have, "" for none."""

    name: str
    variable: str
    kind: Kind
    default: str
    about: str

    @property
    def project(self) -> str:
        """What a project's file may do to it: LONGER, FEWER, MORE or STRICTER; "": nothing."""
        return GUARDS[self.variable][0] if self.variable in GUARDS else ""

    @property
    def example(self) -> str:
        """A valid value, as a person writes it: the default, if there is one."""
        return self.kind.show(self.default) or getattr(self.kind, "example", "VALUE")

    @property
    def meaning(self) -> str:
        """What it is, and its default."""
        return f"{self.about} Default: {self.kind.show(self.default)}." if self.default else self.about


KEYS = (
    Key(
        "wake.quiet",
        "XATS_QUIET_MS",
        Duration(most=600_000, bare=True),
        "2000",
        "How long a pane must stay unchanged before xats types there; the variable is in milliseconds.",
    ),
    Key(
        "wake.hops",
        "XATS_HOPS",
        Count(999_999),
        "100",
        "How often two agents may wake each other in a row without a person in between.",
    ),
    Key(
        "wake.off",
        "XATS_WAKE_OFF",
        Names(TRANSPORTS),
        "",
        f"The transports to turn off, with commas: {', '.join(TRANSPORTS)}.",
    ),
    Key(
        "wake.ladder",
        "XATS_LADDER",
        Durations(),
        "30s,3m,10m",
        "The delays before the next attempts of a refused wake, with commas.",
    ),
    Key(
        "wake.read_within",
        "XATS_READ_WITHIN",
        Duration(least=1, most=12 * 3_600_000),
        "60s",
        "How long xats waits for an agent to read before it tries the next transport. The wait begins when the agent's "
        "inbox takes the line, or when xats leaves the wake to its next hook.",
    ),
    Key(
        "wake.command",
        "XATS_WAKE_COMMAND",
        Path(),
        "",
        "The absolute path of your own program that wakes agents registered with --wake command. It gets each wake as "
        "JSON on standard input, and exits 0 if it woke the agent. Without it: xats/wake in XDG_CONFIG_HOME.",
    ),
    Key(
        "wake.timeout",
        "XATS_WAKE_TIMEOUT",
        Duration(least=1, most=50_000),
        "10s",
        "How long that program may run before xats kills it.",
    ),
    Key(
        "hook.budget",
        "XATS_HOOK_BUDGET",
        Count(8000),
        "4000",
        "The most bytes of mail that a hook hands over at once; it announces the rest.",
    ),
    Key(
        "inbox.budget",
        "XATS_INBOX_BUDGET",
        Count(999_999_999),
        "8000",
        "The most bytes of mail that inbox prints at once if not on a terminal; 0: no limit.",
    ),
    Key(
        "lock.enforce",
        "XATS_LOCK_ENFORCE",
        Choice(ENFORCEMENT),
        "deny",
        "What hooks and lock guard do about a change of a file that another agent has locked: off, warn or deny.",
    ),
    Key(
        "lock.auto",
        "XATS_LOCK_AUTO",
        Switch("1", "0"),
        "1",
        "Whether an edit locks its file for 2 minutes, so that another agent must read it again before it edits it; "
        "the variable is 0 or 1.",
    ),
    Key(
        "zone.enforce",
        "XATS_ZONE_ENFORCE",
        Choice(ENFORCEMENT),
        "warn",
        "What hooks and lock guard do about a change in the zone of another agent: off, warn or deny.",
    ),
    Key(
        "turn.enforce",
        "XATS_TURN_ENFORCE",
        Choice(ENFORCEMENT),
        "off",
        "What happens when an agent changes a file while another one has the turn: off (nothing), warn or deny.",
    ),
    Key(
        "keep",
        "XATS_KEEP",
        Duration(off=True),
        "30d",
        "How long the daemon keeps read mail, ended tasks and events; off or 0: forever.",
    ),
    Key(
        "notify.desktop",
        "XATS_NOTIFY_DESKTOP",
        Choice(("auto", "off")),
        "off",
        "Whether xats also shows a notification on your desktop when an agent waits for your answer. auto: by "
        "osascript or notify-send, else by the terminal (OSC 9 or 777).",
    ),
    Key(
        "daemon.autostart",
        "XATS_AUTOSTART",
        Switch("1", "0"),
        "1",
        "Whether send and register start the daemon; the variable is 0 or 1.",
    ),
    Key(
        "daemon.debug",
        "XATS_DEBUG",
        Switch("1", ""),
        "",
        "Whether the daemon logs more; any text in the variable turns it on, and makes commands say why, as with "
        "--verbose.",
    ),
    Key(
        "clients.folder",
        "XATS_CLIENTS",
        Path(),
        "",
        "The folder of your own client profiles, NAME.toml. Without it: xats/clients in XDG_CONFIG_HOME.",
    ),
    Key("tmux.program", "XATS_TMUX", Path(name=True), "tmux", "The tmux program."),
    Key(
        "worktree.copy",
        "XATS_WORKTREE_COPY",
        Files(),
        "",
        "The files that xats copies from the main worktree into a new one of launch --worktree, with commas.",
    ),
    Key(
        "worktree.setup",
        "XATS_WORKTREE_SETUP",
        Command(),
        "",
        "The command that xats runs in a new worktree of launch --worktree, before the program starts.",
    ),
    Key(
        "crew.by_agents",
        "XATS_CREW_BY_AGENTS",
        Choice(("allow", "listed", "deny")),
        "listed",
        "What an agent may start in a place of its own: nothing (deny), the agents of a crew file that a person trusts "
        "(listed), or any program (allow). The variable can only make it stricter.",
    ),
    Key(
        "db",
        "XATS_DB",
        Database(),
        "",
        "The PostgreSQL database that is your store; the variable may also be the path of a file. Without it: xats.db "
        "in XATS_HOME.",
    ),
)
BY_NAME = {key.name: key for key in KEYS}
BY_VARIABLE = {key.variable: key for key in KEYS}
# What no file may set: where the files are, and who I am.
NOT_IN_A_FILE = {
    "store": "XATS_DB",
    "home": "XATS_HOME",
    "host": "XATS_HOST",
    "team": "XATS_TEAM",
    "agent": "XATS_AGENT",
}


def spelled(ms: int) -> str:
    """Return `ms` as a duration: 2000 is 2s, 60000 is 60s, 180000 is 3m."""
    units = [one for one in durations.UNITS if one != "m" or ms > durations.UNITS["m"]]
    unit = next((one for one in reversed(units) if ms and ms % durations.UNITS[one] == 0), "s")
    return f"{ms // durations.UNITS[unit]}{unit}"
