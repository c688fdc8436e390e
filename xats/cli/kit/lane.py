"""The fast lane: plain command lines, parsed without importing a command-line library.

The command tree parses all other lines: help, errors, abbreviations, `--option=value`. It reads the same signatures
(xats/cli/kit/params/) and makes the same `call`. A test feeds both the same lines.
"""

from __future__ import annotations

import os

from xats.cli.kit import params
from xats.cli.kit.verbs import GROUPS, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

    from xats.cli.kit.context import Context

    Values = dict[str, Any]

HELP = ("-h", "--help")


def flags(parameters: dict[str, Any]) -> dict[str, tuple[str, Any, bool | None]]:
    """Return {flag: (parameter, its type, what the flag means if it takes no value)} of the options in `parameters`."""
    found: dict[str, tuple[str, Any, bool | None]] = {}
    for name, (kind, about) in parameters.items():
        if isinstance(about, params.Option):
            for flag in about.flags:
                yes, _, no = flag.partition("/")
                found[yes] = (name, kind, True)
                if no:
                    found[no] = (name, kind, False)
    return found


COMMON = flags(params.COMMON)


def parse(words: Sequence[str]) -> tuple[Callable[..., int], Values, Values] | None:
    """Return the verb that the line `words` calls, its parameters and the common ones; None if it is not plain."""
    path = " ".join(words[: 2 if words[:1] and words[0] in GROUPS else 1])
    if path not in VERBS:
        return None
    module, called, _, _ = VERBS[path]
    verb = getattr(__import__(f"xats.cli.{module}", fromlist=[called]), called)  # importlib costs 0.4 ms more
    taken = params.taken(verb)
    options = {**COMMON, **flags(taken)}
    places = [name for name, (_, about) in taken.items() if isinstance(about, params.Argument)]
    required = verb.__code__.co_varnames[1 : verb.__code__.co_argcount - len(verb.__defaults__ or ())]
    values: Values = {}
    common: Values = {}
    rest = iter(words[path.count(" ") + 1 :])
    value: Any
    for word in rest:
        option = word[:1] == "-" and word != "-" and not is_text(word, (*options, *HELP))
        if option and word in options:
            name, kind, alone = options[word]
            given = next(rest, None) if params.takes_value(kind) else None  # a value may begin with a dash
        elif places and not option:
            name, given, alone = places[0], word, None
            kind = taken[name][0]
            if not params.is_list(kind):
                places.pop(0)
        else:
            return None
        value = given if params.takes_value(kind) else alone
        if params.is_number(kind):
            value = number(given, is_id=params.is_id(taken[name][1]))
        if value is None:
            return None
        into = common if option and word in COMMON else values
        into[name] = [*into.get(name, ()), value] if params.is_list(kind) else value
    return (verb, values, common) if values.keys() >= set(required) else None


def bare(words: Sequence[str]) -> Values | None:
    """Return the common options in the line `words` if it has nothing else, so that it names no verb; else None.

    Raises Usage if the last of them lacks its value.
    """
    common: Values = {}
    rest = iter(words)
    for word in rest:
        flag, joined, value = word.partition("=")
        if flag not in COMMON:
            return None
        name, kind, alone = COMMON[flag]
        if joined and not params.takes_value(kind):
            return None
        given: str | bool | None = value if joined else next(rest, None) if params.takes_value(kind) else alone
        if given is None:
            from xats.base.errors import Usage

            msg = f"Option {flag} needs a value."
            raise Usage(msg, "xats --help")
        common[name] = given
    return common


def call(verb: Callable[..., int], values: Mapping[str, Any], common: Mapping[str, Any]) -> int:
    """Run `verb` with its parameters `values` and the `common` ones; return its exit code."""
    here = context_of(common)
    if here.color is not None:
        from xats.cli.kit import render

        render.use_color(here.color)
    return verb(here, **values)


def context_of(common: Mapping[str, Any]) -> Context:
    """Return the context of a command with the `common` options."""
    if common.get("no_migrate"):
        from xats.store.open import forbid_migrations

        forbid_migrations()
    if common.get("verbose") or os.environ.get("XATS_DEBUG"):
        from xats.cli.kit.verbose import Verbose

        return Verbose(**common)
    from xats.cli.kit.context import Context

    return Context(**common)


def is_text(word: str, options: Collection[str]) -> bool:
    """Tell whether `word`, which begins with a dash, is a text: it contains white space.

    A word such as `--subject=a list` is an option, because it names one of the `options` exactly.
    """
    return any(char.isspace() for char in word) and word.partition("=")[0] not in options


def number(word: str | None, *, is_id: bool) -> int | None:
    """Return `word` as a number; None unless it is written in at most 18 ASCII digits.

    Before an id a `#` may stand, as xats prints it.
    """
    digits = word[1:] if is_id and word and word[0] == "#" else word
    return int(digits) if digits and digits.isascii() and digits.isdigit() and len(digits) < 19 else None
