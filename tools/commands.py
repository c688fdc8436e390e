"""The verbs as plain data, with how a shell completes their values.

The man pages, the completions and the reference are written from it. It is the walk of `xats commands`.
"""

from __future__ import annotations

from dataclasses import dataclass

from xats.cli import models
from xats.cli.completion import SHELLS
from xats.cli.help import commands as walk
from xats.cli.help.reasons import EXPLAINED
from xats.cli.help.topics import TOPICS
from xats.cli.kit.render import WHEN
from xats.cli.kit.verbs import VERBS
from xats.clients.registry import BUILT_IN, find
from xats.core.agents.agents import WAKE_BY
from xats.core.contracts.contracts import RULES
from xats.core.crews.limits import ACTIONS
from xats.core.crews.limits import NAMES as LIMITS
from xats.core.events import TYPES
from xats.core.notes.notes import CATEGORIES
from xats.core.tasks.tasks import STATES
from xats.hooks.clients import NAMES
from xats.settings.keys import BY_NAME

# How a shell completes what stands for a metavar: a kind that `xats _complete` knows, "file", or a list of words.
PROGRAMS = tuple(
    one.executables[0] for one in (find(name, {"XATS_CLIENTS": "/"}) for name in BUILT_IN) if one.executables
)
KINDS: dict[str, str | tuple[str, ...]] = {
    "ADDRESS": "address",
    "AGENT": "agent",
    "CAP": "cap",
    "CLIENT": "client",
    "FILE": "file",
    "HOW": WAKE_BY,
    "ID": "message",
    "PATH": "file",
    "PROGRAM": PROGRAMS,
    "[-- ARGS]": "",
    "ROLE": "role",
    "WHEN": WHEN,
    "TAG": "tag",
    "TEAM": "team",
    "TYPE": tuple(TYPES),
    "TURN": "",
    "AGENT|next": "agent",
    "INTO": "every-team",
    "[TEAM|PATH]": "every-team",
    "SUFFIX": "",
    "SHELL": tuple(SHELLS),
    "[SUBJECT]...": tuple(dict.fromkeys((*(path.split()[0] for path in VERBS), *TOPICS, *EXPLAINED))),
    "VERB": tuple(dict.fromkeys(path.split()[0] for path in models.DOCUMENTS)),
    "WORD": tuple(dict.fromkeys(path.split()[1] for path in models.DOCUMENTS if " " in path)),
    "%N": "pane",
    "PANE": "pane",
    **dict.fromkeys(("[BODY|@FILE|-]", "DURATION", "KEY", "MODEL", "N", "NAME", "TEXT", "ID|DURATION"), ""),
    "[NAME]...": "agent",
    **dict.fromkeys(("[TABLE]...", "NAME=VALUE", "SQL", "SESSION", "BRANCH"), ""),
    "FOLDER": "file",
    **dict.fromkeys(("TITLE", "TEXT|-", "TEXT|@FILE|-", "[TEXT|@FILE|-]", "TEXT..."), ""),
    "PATH...": "file",
    "[PATH]...": "held",
    "0-9": tuple("0123456789"),
    "STATE": STATES,
    "NAME[@V]": "contract-version",
    **dict.fromkeys(("FILE|-", "[FILE|-]"), "file"),
    "VALUE": "",
    "LIMIT": LIMITS,
    "ACTION": ACTIONS,
    "RULE": RULES,
    "KEY[@N]": "note-version",
    "[VALUE|@N|@FILE|-]": "",
    "[PREFIX]": "note",
    "CATEGORY": CATEGORIES,
    **dict.fromkeys(("A", "B", "NEW"), ""),
    "OLD": "contract",
    "PATTERN...": "file",
    "[PATTERN]...": "zone",
}
# Where a metavar means something narrower.
NARROWER = {
    ("ask", "--resume"): "sent",
    ("ack", "ID"): "received",
    ("broadcast", "--role"): "peer-role",
    ("dead drop", "ID"): "dead",
    ("dead retry", "ID"): "dead",
    ("dead show", "ID"): "dead",
    **{(f"hook {word}", "CLIENT"): NAMES for word in ("install", "uninstall", "status", "run", "wait")},
    ("inbox", "--from"): "peer",
    ("inbox", "--since"): "received",
    ("inbox", "--thread"): "message",
    ("register", "NAME"): "name",
    ("agent forget", "AGENT"): "name",
    ("launch", "--name"): "name",
    ("seat", "NAME"): "name",
    ("reply", "ID"): "received",
    ("status", "ID"): "sent",
    **{(f"team {verb}", "TEAM"): "every-team" for verb in ("show", "archive")},
    **{(f"team {verb}", "OLD"): "every-team" for verb in ("rename", "merge")},
    ("team forget", "TEAM"): "team-or-former",
    **{(path, name): "task" for path in VERBS if path.startswith("task ") for name in ("ID", "--dep", "--parent")},
    **{(path, "NAME"): "contract" for path in VERBS if path.startswith("contract ")},
    **{(path, "KEY"): "note" for path in VERBS if path.startswith("note ")},
    **{(f"config {verb}", "KEY"): tuple(BY_NAME) for verb in ("get", "set", "unset")},
    ("task edit", "--no-dep"): "task",
    ("task claim", "ID"): "task-ready",
    ("task reopen", "ID"): "task-ended",
}


@dataclass(frozen=True)
class Option:
    """An option. `names` has the long form first; `takes` says how its value is completed, None for a flag."""

    names: tuple[str, ...]
    negative: tuple[str, ...]
    metavar: str
    help: str
    default: str
    repeatable: bool
    takes: str | tuple[str, ...] | None


@dataclass(frozen=True)
class Argument:
    """A positional argument."""

    metavar: str
    help: str
    required: bool
    takes: str | tuple[str, ...]

    @property
    def repeated(self) -> bool:
        """Whether several can be given; it is the last argument of its verb."""
        return self.metavar.endswith("...")

    @property
    def usage(self) -> str:
        """How it stands in a usage line."""
        return self.metavar if self.required or self.metavar.startswith("[") else f"[{self.metavar}]"


@dataclass(frozen=True)
class Verb:
    """A verb. `text` is what follows its summary, by paragraphs."""

    path: str
    panel: str
    summary: str
    text: tuple[str, ...]
    examples: tuple[str, ...]
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]

    @property
    def page(self) -> str:
        """The name of its man page."""
        return "-".join(("xats", *self.path.split()))


VERSION = Option(("--version", "-V"), (), "", "Print the version.", "", False, None)


def verbs() -> list[Verb]:
    """Return every verb, in the order of the tree."""
    return [verb(one) for one in walk.verbs()]


def common() -> list[Option]:
    """Return the options that every verb has."""
    return [option("", one) for one in walk.common()]


def verb(one: walk.Verb) -> Verb:
    """Return a verb of the walk as ours."""
    arguments = tuple(argument(one.path, each) for each in one.arguments)
    options = tuple(option(one.path, each) for each in one.options)
    return Verb(one.path, one.panel, one.summary, one.text, one.examples, arguments, options)


def option(path: str, one: walk.Option) -> Option:
    """Return an option of the walk as ours."""
    takes = kind(path, one.names[0], one.metavar) if one.metavar else None
    return Option(one.names, one.negative, one.metavar, one.help, one.default, one.repeatable, takes)


def argument(path: str, one: walk.Argument) -> Argument:
    """Return an argument of the walk as ours."""
    return Argument(one.metavar, one.help, one.required, kind(path, one.metavar, one.metavar))


def kind(path: str, name: str, metavar: str) -> str | tuple[str, ...]:
    """Return how the value of the parameter `name` of the verb `path` is completed."""
    if metavar not in KINDS:
        raise SystemExit(f"xats {path}: say in tools/commands.py how a shell completes {metavar}")
    return NARROWER.get((path, name), KINDS[metavar])
