"""The command tree as plain data: what the man pages, the completions and the reference are written from."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from xats.cli import models
from xats.cli.completion import SHELLS
from xats.cli.help.reasons import EXPLAINED
from xats.cli.help.topics import TOPICS
from xats.cli.kit import params, tree
from xats.cli.kit.render import WHEN
from xats.cli.kit.verbs import VERBS
from xats.clients.registry import BUILT_IN, find
from xats.core.agents.agents import WAKE_BY
from xats.core.contracts.contracts import RULES
from xats.core.events import TYPES
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
    **dict.fromkeys(("[TABLE]...", "NAME=VALUE", "SQL"), ""),
    **dict.fromkeys(("TITLE", "TEXT|-", "TEXT|@FILE|-", "[TEXT|@FILE|-]", "TEXT..."), ""),
    "0-9": tuple("0123456789"),
    "STATE": STATES,
    "NAME[@V]": "contract-version",
    **dict.fromkeys(("FILE|-", "[FILE|-]"), "file"),
    "VALUE": "",
    "RULE": RULES,
    **dict.fromkeys(("A", "B", "NEW"), ""),
    "OLD": "contract",
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


HELP = Option(("--help", "-h"), (), "", "Show a short help and exit.", "", False, None)
VERSION = Option(("--version", "-V"), (), "", "Print the version.", "", False, None)


def verbs() -> list[Verb]:
    """Return every verb, in the order of the tree."""
    return [verb(path) for path in VERBS]


def common() -> list[Option]:
    """Return the options that every verb has."""
    path = next(iter(VERBS))
    return [option(path, one) for one in parameters(path) if one.name in params.COMMON] + [HELP]


def verb(path: str) -> Verb:
    """Return the verb `path`, its hidden options left out."""
    module, name, panel, summary = VERBS[path]
    text, examples = described(getattr(import_module(f"xats.cli.{module}"), name))
    own = [one for one in parameters(path) if one.name not in params.COMMON]
    return Verb(
        path,
        panel,
        summary,
        text,
        examples,
        tuple(argument(path, one) for one in own if one.param_type_name == "argument"),
        tuple(option(path, one) for one in own if one.param_type_name == "option" and not one.hidden),
    )


def parameters(path: str) -> list[Any]:
    """Return Typer's own description of the parameters of the verb `path`."""
    return list(tree.as_command(path).params)


def described(function: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paragraphs of the docstring of `function`, and its examples."""
    paragraphs, examples = [], []
    for paragraph in inspect.getdoc(function).split("\n\n"):  # type: ignore[union-attr]
        lines = paragraph.splitlines()
        examples += [line.removeprefix("Example:").strip() for line in lines if line.startswith("Example:")]
        paragraphs.append(" ".join(line.strip() for line in lines if not line.startswith("Example:")))
    return tuple(filter(None, paragraphs)), tuple(examples)


def option(path: str, given: Any) -> Option:
    """Return an option of Typer's as ours."""
    names = tuple(sorted(given.opts, key=lambda name: not name.startswith("--")))
    flag = given.is_flag
    shown = "" if given.default in (None, False, ()) or flag or given.multiple else str(given.default)
    metavar = "" if flag else given.metavar
    takes = None if flag else kind(path, names[0], metavar)
    negative = tuple(given.secondary_opts)
    return Option(names, negative, metavar, given.help, "" if shown == "0" else shown, given.multiple, takes)


def argument(path: str, given: Any) -> Argument:
    """Return an argument of Typer's as ours."""
    return Argument(given.metavar, given.help, given.required, kind(path, given.metavar, given.metavar))


def kind(path: str, name: str, metavar: str) -> str | tuple[str, ...]:
    """Return how the value of the parameter `name` of the verb `path` is completed."""
    if metavar not in KINDS:
        raise SystemExit(f"xats {path}: say in tools/commands.py how a shell completes {metavar}")
    return NARROWER.get((path, name), KINDS[metavar])
