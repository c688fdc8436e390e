"""The parser of a verb.

A text may begin with a dash, `#` may stand before an id, `--json` may have a value behind `=`, and --help in place of a
text is an error in a script.
"""

from __future__ import annotations

from typing import Any

from typer._click.exceptions import UsageError
from typer._click.parser import _OptionParser
from typer._click.types import IntParamType
from typer.core import TyperArgument, TyperCommand

from xats.base.errors import Usage
from xats.base.visible import one_line
from xats.cli.kit import hints
from xats.cli.kit.lane import is_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typer._click import Context, Parameter

TEXTS = (
    "[BODY|@FILE|-]",
    "[TEXT|@FILE|-]",
    "TEXT",
    "TEXT...",
    "TITLE",
    "SQL",
)  # metavars of the arguments that are texts
HELP_INSTEAD = "xats.help_instead"  # key of a context's `meta`: the hint for a text that reads like an option
FIELDS = "xats.fields"  # key of a context's `meta`: what follows --json=
LONGEST = 60  # characters of a word that an error repeats


class Id(IntParamType):
    """The id of a message or a task: `15`, or `#15` as xats prints it."""

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> Any:
        """Return `value` as a number. Raises BadParameter."""
        try:
            return int(value.removeprefix("#") if isinstance(value, str) else value)
        except ValueError:
            self.fail(f"{one_line(value)[:LONGEST]!r} is not a number such as 15 or #15.", param, ctx)


class Verb(TyperCommand):
    """A verb."""

    def make_parser(self, ctx: Context) -> _OptionParser:
        """Return the parser of this verb's words."""
        parser = Parser(ctx, text_hint(self, ctx.command_path))
        for param in self.get_params(ctx):
            param.add_to_parser(parser, ctx)
        return parser

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse `args` into `ctx`. Raises Usage if there are words too many."""
        ctx.allow_extra_args = True
        words = list(args)
        try:
            left = super().parse_args(ctx, args)
        except UsageError as problem:
            problem.ctx = problem.ctx or ctx  # the parser names no verb where an option lacks its value
            raise
        if left and not ctx.resilient_parsing:
            named = ", ".join(one_line(word)[:LONGEST] for word in left)
            msg = f"One word too many: {named}." if len(left) == 1 else f"{len(left)} words too many: {named}."
            hint = f"{ctx.command_path} --help"
            if ["--json", *left] in ([one, *words[at : at + 1]] for at, one in enumerate(words, 1)):
                hint = f"{ctx.command_path} --json={named}"
            elif meant := hints.singular(ctx.command_path, left):
                hint = f"did you mean {meant}?"
            elif text_hint(self, ctx.command_path):
                hint = "put a text of several words into single quotes"
            raise Usage(msg, hint)
        return left


def example(command: Any, option: str) -> str:
    """Return an example of the verb `command` with `option`, as its help has it; "" if there is none."""
    lines = (line.strip() for line in (command.help or "").splitlines())
    examples = (line.removeprefix("Example: ") for line in lines if line.startswith("Example: "))
    return next((line for line in examples if option in line.split()), "")


def text_hint(command: Any, path: str) -> str:
    """Return how to give the verb `command`, called by `path`, a text that reads like an option; "" if it has none."""
    before: list[str] = []
    for one in command.params:
        if isinstance(one, TyperArgument):
            if one.metavar in TEXTS:
                return f"put -- before a text that reads like an option: {' '.join((path, *before))} -- TEXT"
            before.append(str(one.metavar).strip("[]"))
    return ""


class Parser(_OptionParser):
    """Click's parser, but for three things: texts that begin with a dash, help after an argument, `--json=FIELDS`.

    Click would take the word after `--json` for its value, also if that is an argument of the verb.
    """

    def __init__(self, ctx: Context, hint: str) -> None:
        super().__init__(ctx)
        self._context, self._hint = ctx, hint

    def _process_opts(self, arg: str, state: Any) -> None:
        if is_text(arg, (*self._long_opt, *self._short_opt)):
            state.largs.append(arg)
            return
        if arg.startswith("--json="):
            self._context.meta[FIELDS] = arg.removeprefix("--json=")
            arg = "--json"
        if arg in self._context.help_option_names and state.largs and self._hint:
            self._context.meta[HELP_INSTEAD] = self._hint
        super()._process_opts(arg, state)
