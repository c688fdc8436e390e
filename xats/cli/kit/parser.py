"""The parser of a verb: a text may begin with a dash, and --help in place of a text is an error in a script."""

from __future__ import annotations

from typing import Any

from typer._click.exceptions import UsageError
from typer._click.parser import _OptionParser
from typer.core import TyperArgument, TyperCommand

from xats.base.errors import Usage
from xats.base.visible import one_line
from xats.cli.kit.lane import is_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typer._click import Context

TEXTS = ("[BODY|-]", "[TEXT|-]", "TEXT", "TEXT...", "TITLE", "SQL")  # metavars of the arguments that are texts
HELP_INSTEAD = "xats.help_instead"  # key of a context's `meta`: the hint for a text that reads like an option
LONGEST = 60  # characters of a word that an error repeats


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
        try:
            left = super().parse_args(ctx, args)
        except UsageError as problem:
            problem.ctx = problem.ctx or ctx  # the parser names no verb where an option lacks its value
            raise
        if left and not ctx.resilient_parsing:
            named = ", ".join(one_line(word)[:LONGEST] for word in left)
            msg = f"One word too many: {named}." if len(left) == 1 else f"{len(left)} words too many: {named}."
            quote = text_hint(self, ctx.command_path) != ""
            raise Usage(
                msg, "put a text of several words into single quotes" if quote else f"{ctx.command_path} --help"
            )
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
    """Click's parser, but for two things: a text that begins with a dash, and help after the first argument."""

    def __init__(self, ctx: Context, hint: str) -> None:
        super().__init__(ctx)
        self._context, self._hint = ctx, hint

    def _process_opts(self, arg: str, state: Any) -> None:
        if is_text(arg, (*self._long_opt, *self._short_opt)):
            state.largs.append(arg)
            return
        if arg in self._context.help_option_names and state.largs and self._hint:
            self._context.meta[HELP_INSTEAD] = self._hint
        super()._process_opts(arg, state)
