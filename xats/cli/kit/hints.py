"""The commands that xats names: with the options by which this one found its agent, team and store.

Without them the next command would act as another agent, in another team, or on another store.
"""

from __future__ import annotations

from xats.base import calling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "'...'"  # stands for a text that is still to be written
OPTIONS = ("--as", "--team", "--db")
ONLY_STORE = ("daemon", "deliver", "db", "doctor", "client", "hook", "demo", "demo-agent", "schema")
NOT_AS = (
    "register",
    "seat",
    "launch",
    "agents",
    "top",
    "events",
    *ONLY_STORE,
)  # they act as nobody, or as whom they name


def given(words: Sequence[str]) -> dict[str, str]:
    """Return the OPTIONS that the command line `words` has, with their values, up to a lone `--`."""
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        option, joined, value = word.partition("=")
        if option in OPTIONS and (joined or option == word):
            found[option] = value if joined else next(rest, "")
    return {option: value for option, value in found.items() if value}


def command(words: str, options: Mapping[str, str], program: str = calling.NAME) -> str:
    """Return the command of xats with `words` and those of `options` that its verb needs and that it lacks.

    `program` is the word of a shell that runs xats.
    """
    verb, used = words.partition(" ")[0], words.split()
    added = ""
    for option, value in options.items():
        foreign = verb in (ONLY_STORE if option == "--team" else NOT_AS if option == "--as" else ())
        if not foreign and option not in used and "--help" not in used:
            added += f" {option} {calling.quoted(value)}"
    own, lone, text = words.partition(" -- ")
    return f"{program} {own}{added}{lone}{text}"


def complete(hint: str, options: Mapping[str, str]) -> str:
    """Return `hint` with `options` in each command that it names. What is no part of a command follows two spaces."""
    if not options or "xats " not in hint:
        return hint
    import re

    from xats.cli.kit.verbs import VERBS

    verbs = "|".join(sorted({path.partition(" ")[0] for path in VERBS}, key=len, reverse=True))
    ends = r"\s*(?:$|\n|&&|\|\||[;,`(]|: |  )"
    pattern = rf"(?<![\w/.-])xats ((?:{verbs})\b(?:'[^'\n]*'|.)*?)(?={ends})"
    return re.sub(pattern, lambda found: command(found[1], options), hint)
