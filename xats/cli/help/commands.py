"""The verb that lists every verb, and the walk over them: commands.

The man pages, the completions and the reference (tools/commands.py) are made from the same walk.
"""

from __future__ import annotations

import inspect
from importlib import import_module

from xats import __version__
from xats.base.record import record
from xats.cli.kit import params, render
from xats.cli.kit.schema import published, references
from xats.cli.kit.verbs import GROUPS, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Context


@record
class Option:
    """An option. `names` has the long form first."""

    names: tuple[str, ...]
    negative: tuple[str, ...]  #: what turns it off, such as --no-need-reply
    metavar: str  #: how its value is written; "" for a flag
    help: str
    default: str  #: "" if there is none
    repeatable: bool
    required: bool


@record
class Argument:
    """An argument: a word that a verb takes by its place."""

    metavar: str
    help: str
    required: bool
    repeatable: bool


@record
class Verb:
    """A verb. `text` is what follows its summary, by paragraphs."""

    path: str
    panel: str
    summary: str
    text: tuple[str, ...]
    examples: tuple[str, ...]
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]  #: without the common ones and the hidden ones


HELP = Option(("--help", "-h"), (), "", "Show a short help and exit.", "", repeatable=False, required=False)


def commands(here: Context) -> int:
    """List the verbs of xats; with --json, all that a program needs to call them.

    For each verb the document has its options, its arguments, its examples, and the names of the JSON documents that it
    prints; xats schema describes these. The order stays the same, and fields are only added.

    Example: xats commands

    Example: xats commands --json=name,summary,options
    """
    if here.json:
        render.document(_document())
    elif here.quiet:
        render.stream(VERBS)
    else:
        render.table(("VERB", "WHAT IT DOES"), [(path, VERBS[path][3]) for path in VERBS], stretch=("WHAT IT DOES",))
    return 0


# -- the walk ----------------------------------------------------------------------------------------------------------


def verbs() -> list[Verb]:
    """Return every verb, in the order of the table."""
    return [verb(path) for path in VERBS]


def common() -> list[Option]:
    """Return the options that every verb has."""
    return [*(_option(kind, about, None) for kind, about in params.COMMON.values()), HELP]


def verb(path: str) -> Verb:
    """Return the verb `path`."""
    module, name, panel, summary = VERBS[path]
    function = getattr(import_module(f"xats.cli.{module}"), name)
    given = inspect.signature(function).parameters
    taken = [(kind, about, given[name].default) for name, (kind, about) in params.taken(function).items()]
    arguments = tuple(
        Argument(about.metavar, about.help, default is inspect.Parameter.empty, params.is_list(kind))
        for kind, about, default in taken
        if isinstance(about, params.Argument)
    )
    options = tuple(
        _option(kind, about, default)
        for kind, about, default in taken
        if isinstance(about, params.Option) and not about.hidden
    )
    return Verb(path, panel, summary, *_described(function), arguments, options)


def _option(kind: Any, about: params.Option, default: object) -> Option:
    """Return the option `about` of the type `kind`."""
    names = sorted((flag.partition("/")[0] for flag in about.flags), key=lambda name: not name.startswith("--"))
    negative = tuple(off for flag in about.flags if (off := flag.partition("/")[2]))
    valued, required = params.takes_value(kind), default is inspect.Parameter.empty
    shown = str(default) if valued and not required and not params.is_list(kind) and default else ""
    metavar = about.metavar or "" if valued else ""
    return Option(tuple(names), negative, metavar, about.help, shown, params.is_list(kind), required)


def _described(function: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paragraphs of the docstring of `function`, and its examples."""
    paragraphs, examples = [], []
    for paragraph in (inspect.getdoc(function) or "").split("\n\n"):
        lines = paragraph.splitlines()
        examples += [line.removeprefix("Example:").strip() for line in lines if line.startswith("Example:")]
        paragraphs.append(" ".join(line.strip() for line in lines if not line.startswith("Example:")))
    return tuple(filter(None, paragraphs)), tuple(examples)


# -- the document ------------------------------------------------------------------------------------------------------


def _document() -> dict[str, Any]:
    printed = published()
    return {
        "version": __version__,
        "commands": [document_of(path, printed) for path in VERBS],
        "options": [_option_json(one) for one in common()],
        "groups": [{"name": name, "summary": summary} for name, summary in GROUPS.items()],
    }


def document_of(path: str, printed: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON form of the verb `path`; `printed` is what xats schema prints, None: not read yet."""
    one, printed = verb(path), printed or published()
    schemas = {"documents": printed["schemas"].get(one.path), "lines": printed["lines"].get(f"{one.path} --jsonl")}
    return {
        "name": one.path,
        "group": one.panel,
        "summary": one.summary,
        "description": list(one.text),
        "examples": list(one.examples),
        "arguments": [
            {"value": word.metavar, "help": word.help, "required": word.required, "repeatable": word.repeatable}
            for word in one.arguments
        ],
        "options": [_option_json(option) for option in one.options],
        **{name: list(references(schema)) for name, schema in schemas.items()},
    }


def _option_json(one: Option) -> dict[str, Any]:
    return {
        "flags": list(one.names),
        "negative_flags": list(one.negative),
        "value": one.metavar or None,
        "help": one.help,
        "default": one.default or None,
        "required": one.required,
        "repeatable": one.repeatable,
    }
