"""The full command tree: Typer over plain functions.

A verb is a function with `here` as its first parameter. The table says where it is and what it does, so `--help` and
completion import no verb. `as_command` gives a verb the options that all verbs have.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer._click.exceptions import BadOptionUsage, ClickException, MissingParameter, NoSuchOption, UsageError
from typer._click.globals import get_current_context
from typer.core import TyperGroup

from xats import __version__
from xats.base.errors import INTERRUPTED, Usage
from xats.cli.kit import hints, lane, params, render
from xats.cli.kit.lane import call
from xats.cli.kit.parser import FIELDS, HELP_INSTEAD, Id, Verb, example, text_hint
from xats.cli.kit.verbs import AGENTS, FIRST, GROUPS, LOOK, MAIL, SETUP, VERBS, WORK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typer._click import Command
    from typer._click import Context as TyperContext

ABOUT = """Mail for the coding agents in your terminals, and for you beside them.

Example: xats launch claude --name alice --role backend

Example: xats send bob 'The parser is ready'

Example: xats inbox

Topics: xats help waking, addresses, exit-codes, errors, environment, scripting.
"""

START, COMMANDS = "Start here", "Commands"
NARROW = 52  # columns
PANELS = (START, MAIL, AGENTS, WORK, LOOK, SETUP, COMMANDS)  # of the overview, in their order

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
if 0 < render.width() < NARROW:  # Click's help is never narrower by itself
    SETTINGS["terminal_width"] = render.width() - 1


def as_command(path: str) -> Command:
    """Return the Typer command of the verb `path`, such as `send` or `daemon start`."""
    module, name, _, summary = VERBS[path]
    function = getattr(import_module(f"xats.cli.{module}"), name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    word = path.rsplit(maxsplit=1)[-1]
    app.command(word, cls=Verb, context_settings=SETTINGS, short_help=summary)(with_common(function, path))
    command = typer.main.get_command(app)
    command.name = word
    return command


def with_common(function: Callable[..., int], path: str) -> Callable[..., int]:
    """Return `function` of the verb `path` for Typer: with the common options in place of `here`."""
    own = list(inspect.signature(function).parameters.values())[1:]
    known = {name: for_typer(*alias) for name, alias in params.taken(function).items()}
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None if params.takes_value(kind) else False,
            annotation=for_typer(kind, about),
        )
        for name, (kind, about) in params.COMMON.items()
    ]
    taken = [parameter.replace(annotation=known[parameter.name]) for parameter in own]

    def run(**values: Any) -> int:
        common = {name: values.pop(name) for name in params.COMMON}
        asked = get_current_context().meta.get(FIELDS)
        if asked is not None:
            from xats.cli.kit import fields

            fields.select(path, asked)
        return call(function, values, common)

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__signature__ = inspect.Signature([*taken, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*taken, *added]}
    return run


def for_typer(kind: Any, about: params.Argument | params.Option) -> Any:
    """Return the annotation by which Typer knows a parameter of the type `kind`."""
    special: Any = Id() if params.is_number(kind) and params.is_id(about) else None
    if isinstance(about, params.Argument):
        argument = typer.Argument(metavar=about.metavar, help=about.help, show_default=False, click_type=special)
        return Annotated[kind, argument]
    option = typer.Option(*about.flags, metavar=about.metavar, help=about.help, hidden=about.hidden, click_type=special)
    return Annotated[kind, option]


class Lazy(TyperGroup):
    """A group that imports a verb only when it is run."""

    path: tuple[str, ...] = ()

    def paths(self) -> dict[str, str]:
        """Return {word: summary} of the words directly below this group."""
        found = {}
        for path, (_, _, _, summary) in VERBS.items():
            words = path.split()
            if tuple(words[: len(self.path)]) == self.path and len(words) > len(self.path):
                word = words[len(self.path)]
                whole = " ".join(words[: len(self.path) + 1])
                found[word] = GROUPS.get(whole, summary)
        return found

    def list_commands(self, ctx: TyperContext) -> list[str]:
        """Return the words below this group, in the order of the table."""
        del ctx
        return list(self.paths())

    def get_command(self, ctx: TyperContext, cmd_name: str) -> Command | None:
        """Return the command below this group; the real one, imported now."""
        del ctx
        whole = " ".join((*self.path, cmd_name))
        if whole in GROUPS:
            return group((*self.path, cmd_name))
        return as_command(whole) if whole in VERBS else None

    def format_commands(self, ctx: TyperContext, formatter: Any) -> None:
        """Write the verbs from the table alone: by panel, and those that a new user needs before all others."""
        del ctx
        words = self.paths()
        panels: dict[str, list[tuple[str, str]]] = {}
        for word in dict.fromkeys((*(FIRST if not self.path else ()), *words)):
            panels.setdefault(self._panel(word), []).append((word, words[word]))
        for title, rows in sorted(panels.items(), key=lambda one: PANELS.index(one[0])):
            with formatter.section(title):
                formatter.write_dl(rows)

    def _panel(self, word: str) -> str:
        """Return the title under which the overview lists `word`."""
        if self.path:
            return COMMANDS
        path = next(path for path in VERBS if path.partition(" ")[0] == word)
        return START if word in FIRST else VERBS[path][2]

    def resolve_command(self, ctx: TyperContext, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Find the verb. Raises Usage, which names the nearest verb."""
        from difflib import get_close_matches

        word = args[0]
        if word in self.paths():
            return word, self.get_command(ctx, word), args[1:]
        whole = " ".join(("xats", *self.path))
        near = get_close_matches(word, self.paths(), 1)
        means = (
            hints.singular(f"xats {word}", args[1:]).partition(" ")[2]
            or hints.synonym(self.path, word)
            or (" ".join((*self.path, near[0])) if near else "")
        )
        hint = f"did you mean xats {means}?" if means else f"{whole} --help"
        msg = f"There is no {whole} {word}."
        raise Usage(msg, hint)


def group(path: tuple[str, ...]) -> Lazy:
    """Return the group of the verbs whose words begin with `path`; () is the whole tree."""

    def nothing() -> None:
        pass

    app = typer.Typer(cls=Lazy, add_completion=False, rich_markup_mode=None)
    if path:
        app.callback(help=GROUPS[" ".join(path)], context_settings=SETTINGS)(nothing)
    else:
        app.callback(help=ABOUT, context_settings=SETTINGS)(_root)
    made = typer.main.get_group(app)
    assert isinstance(made, Lazy)
    made.path = path
    made.name = path[-1] if path else "xats"
    return made


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"xats {__version__}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    del version


def run(words: Sequence[str]) -> int:
    """Parse `words` and run the verb; return its exit code. Raises Usage for what cannot be parsed."""
    root = group(())
    about: dict[str, Any] = {}
    line = verb_first(words) or ["--help"]
    if len(line) == 1 and line[0] in GROUPS and render.on_terminal():  # a script that forgot the verb must fail
        line.append("--help")
    try:
        with root.make_context("xats", line) as context:
            about = context.meta
            return root.invoke(context) or 0
    except typer.Exit as done:
        if HELP_INSTEAD in about and not (sys.stdout and sys.stdout.isatty()):  # to a script exit 0 means success
            msg = "This is only the help. Nothing was sent or changed."
            raise Usage(msg, about[HELP_INSTEAD]) from done
        return done.exit_code
    except typer.Abort:
        return INTERRUPTED
    except UsageError as problem:
        raise _usage(problem) from problem
    except ClickException as problem:
        raise Usage(problem.format_message()) from problem


def help_of(path: str) -> str:
    """Return the help of the verb or group `path`; "" means the whole tree."""
    command: Any = group(())
    context = command.make_context("xats", [], resilient_parsing=True)
    for word in path.split():
        command = command.get_command(context, word)
        context = command.make_context(word, [], parent=context, resilient_parsing=True)
    return str(command.get_help(context)).rstrip("\n")


def verb_first(words: Sequence[str]) -> list[str]:
    """Return `words` with the common options that stand before the verb moved behind it."""
    early: list[str] = []
    rest = list(words)
    while rest and rest[0].partition("=")[0] in lane.COMMON:
        option = rest.pop(0)
        early.append(option)
        if "=" not in option and params.takes_value(lane.COMMON[option][1]) and rest:
            early.append(rest.pop(0))
    verb = 2 if rest and rest[0] in GROUPS else 1
    return [*rest[:verb], *early, *rest[verb:]]


def _usage(problem: UsageError) -> Usage:
    path = problem.ctx.command_path if problem.ctx else "xats"
    if (
        problem.ctx
        and isinstance(problem, BadOptionUsage)
        and (shown := example(problem.ctx.command, problem.option_name))
    ):
        return Usage(problem.format_message(), f"{shown}; {path} --help")
    if isinstance(problem, MissingParameter) and problem.param and problem.param.metavar == "ID":
        return Usage(problem.format_message(), f"{path} --help; a shell drops an unquoted #15: write 15 or '#15'")
    hint = text_hint(problem.ctx.command, path) if problem.ctx and isinstance(problem, NoSuchOption) else ""
    return Usage(problem.format_message(), f"{path} --help; {hint}" if hint else f"{path} --help")
