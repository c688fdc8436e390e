"""The parameters of all verbs, each described once: its flags, its value, and what it means.

A verb names its parameters by aliases, as in `limit: params.LimitOption`. The fast lane and the command tree both read
them from the signature of the verb, so a parameter exists in both or in neither. Aliases for several nouns are
here. Those of one noun are in the file of that name: params/mail.py has those of cli/mail. That file is imported
only for a verb that uses one of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Annotated as Annotated  # for the files beside this one
    from typing import Any, TypeAlias

    from xats.cli.kit.params.agents import *  # noqa: F403
    from xats.cli.kit.params.clients import *  # noqa: F403
    from xats.cli.kit.params.completion import *  # noqa: F403
    from xats.cli.kit.params.config import *  # noqa: F403
    from xats.cli.kit.params.contracts import *  # noqa: F403
    from xats.cli.kit.params.crews import *  # noqa: F403
    from xats.cli.kit.params.db import *  # noqa: F403
    from xats.cli.kit.params.delivery import *  # noqa: F403
    from xats.cli.kit.params.demo import *  # noqa: F403
    from xats.cli.kit.params.help import *  # noqa: F403
    from xats.cli.kit.params.locks import *  # noqa: F403
    from xats.cli.kit.params.mail import *  # noqa: F403
    from xats.cli.kit.params.notes import *  # noqa: F403
    from xats.cli.kit.params.tasks import *  # noqa: F403
    from xats.cli.kit.params.teams import *  # noqa: F403
    from xats.cli.kit.params.turns import *  # noqa: F403
    from xats.cli.kit.params.zones import *  # noqa: F403
else:

    class Annotated:
        """Stand for `typing.Annotated`, whose import costs 2 ms: an alias is the tuple (type, Argument or Option)."""

        def __class_getitem__(cls, items: tuple) -> tuple:
            """Return `items`."""
            return items


class Argument:
    """A word that a verb takes by its place; `metavar` and `help` describe it."""

    def __init__(self, *, metavar: str, help: str) -> None:
        self.metavar, self.help = metavar, help


class Option:
    """An option of a verb; its `flags` are as Typer takes them: `--long`, `-s`, or `--yes/--no`."""

    def __init__(self, *flags: str, help: str = "", metavar: str | None = None, hidden: bool = False) -> None:
        self.flags, self.metavar, self.help, self.hidden = flags, metavar, help, hidden


# -- the same everywhere -----------------------------------------------------------------------------------------------

AsOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--as", metavar="AGENT", help="Act as this agent. Default: XATS_AGENT, else the agent of this session or pane."
    ),
]
TeamOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--team", metavar="TEAM", help="The team. Default: XATS_TEAM, else the team of the agent, else of the project."
    ),
]
DbOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--db",
        metavar="PATH",
        help="The store: a file, or a postgresql:// URL. Default: XATS_DB, else xats.db in XATS_HOME.",
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, Option("--json", help="Print one JSON document; --json=NAME,STATE has only these fields.")
]
QuietOption: TypeAlias = Annotated[bool, Option("--quiet", "-q", help="Print only the result.")]

ColorOption: TypeAlias = Annotated[
    str | None,
    Option("--color", metavar="WHEN", help="Colour: auto (on a terminal), always or never. Default: auto."),
]
VerboseOption: TypeAlias = Annotated[
    bool,
    Option("--verbose", "-v", help="Say on stderr which store, team and agent xats uses, and why; show tracebacks."),
]
NoMigrateOption: TypeAlias = Annotated[
    bool, Option("--no-migrate", help="Refuse the store of an older xats; without it, xats migrates the store.")
]

# -- of several nouns --------------------------------------------------------------------------------------------------

RoleOption: TypeAlias = Annotated[str | None, Option("--role", metavar="ROLE", help="Only agents with this role.")]
LimitOption: TypeAlias = Annotated[int, Option("--limit", "-n", metavar="N", help="Maximum number of results.")]
EveryTeamOption: TypeAlias = Annotated[bool, Option("--all-teams", help="Include all teams.")]
TimeoutOption: TypeAlias = Annotated[
    str | None, Option("--timeout", metavar="DURATION", help="Give up after this time with exit 124.")
]
NameArg: TypeAlias = Annotated[str, Argument(metavar="NAME", help="The name: A-Z a-z 0-9 . _ -")]
OwnRoleOption: TypeAlias = Annotated[str | None, Option("--role", metavar="ROLE", help="The role of the agent.")]
ClientOption: TypeAlias = Annotated[
    str | None,
    Option("--client", metavar="CLIENT", help="The agent program: claude, codex, ... Default: detected."),
]
JsonLinesOption: TypeAlias = Annotated[bool, Option("--jsonl", help="Print one JSON document per line.")]
YesOption: TypeAlias = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
FileOption: TypeAlias = Annotated[
    str | None, Option("--file", metavar="FILE|-", help="Read the text from a file; - is standard input.")
]
VerbArg: TypeAlias = Annotated[str | None, Argument(metavar="VERB", help="A verb.")]
SecondVerbArg: TypeAlias = Annotated[str | None, Argument(metavar="WORD", help="The second word of the verb.")]

# -- what a verb takes -------------------------------------------------------------------------------------------------

COMMON: dict[str, Any] = {
    "as_name": AsOption,
    "team": TeamOption,
    "db": DbOption,
    "json": JsonOption,
    "quiet": QuietOption,
    "color": ColorOption,
    "verbose": VerboseOption,
    "no_migrate": NoMigrateOption,
}


def taken(function: Callable[..., int]) -> dict[str, Any]:
    """Return {name: alias} of the parameters of the verb `function`, without `here`, in their order.

    An alias is a tuple (type, Argument or Option). Raises KeyError for an alias that is neither here nor in the file of
    the verb's noun.
    """
    noun, prefix = function.__module__.split(".")[2], "params."
    named = list(function.__annotations__.items())[1:]
    return {name: find(alias.removeprefix(prefix), noun) for name, alias in named if name != "return"}


def find(alias: str, noun: str) -> Any:
    """Return the alias that is called `alias`: one of those here, else one of the verbs of `noun`."""
    shared = globals()
    if alias in shared:
        return shared[alias]
    return __import__(f"{__name__}.{noun}", fromlist=[alias]).__dict__[alias]


def takes_value(kind: Any) -> bool:
    """Tell whether a parameter of this type has a value; else its flag alone says all."""
    return kind not in (bool, bool | None)


def is_number(kind: Any) -> bool:
    """Tell whether the value of a parameter of this type is a whole number."""
    return kind in (int, int | None, list[int] | None)


def is_id(about: Argument | Option) -> bool:
    """Tell whether a parameter is the id of a message or a task, before which a `#` may stand."""
    return about.metavar == "ID"


def is_list(kind: Any) -> bool:
    """Tell whether a parameter of this type can be given several times."""
    return kind in (list[str], list[str] | None, list[int] | None)
