"""The fast lane: the plain forms of the hot verbs, parsed without importing a command-line library.

Whatever is not plain - help, an error, a rare option, an abbreviation - is left to the full tree, which parses the same
words into the same call. A test feeds both the same lines.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    Options = dict[str, tuple[str, object]]

COMMON: Options = {
    "--as": ("as_name", str),
    "--team": ("team", str),
    "--db": ("db", str),
    "--json": ("json", True),
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
}
COMPOSE: Options = {
    "--subject": ("subject", str),
    "-s": ("subject", str),
    "--need-reply": ("need_reply", True),
    "--no-need-reply": ("need_reply", False),
    "--kind": ("kind", str),
    "--key": ("key", str),
    "--ttl": ("ttl", str),
    "--no-wake": ("no_wake", True),
    "--hold": ("hold", True),
}
# verb: (module, positionals, options)
HOT: dict[str, tuple[str, tuple[str, ...], Options]] = {
    "send": ("mail", ("address", "body"), {**COMPOSE, "--reply-to": ("reply_to", int), "--batch": ("batch", str)}),
    "reply": ("mail", ("message_id", "body"), COMPOSE),
    "inbox": (
        "mail",
        (),
        {
            "--peek": ("peek", True),
            "--all": ("every", True),
            "--again": ("again", True),
            "--owed": ("owed", True),
            "--from": ("sender", str),
            "--thread": ("thread", int),
            "--since": ("since", int),
            "--limit": ("limit", int),
            "-n": ("limit", int),
            "--wait": ("wait", str),
        },
    ),
    "wait": ("mail", (), {"--timeout": ("timeout", str)}),
    "ack": ("mail", ("message_id",), {}),
    "whoami": ("agents", (), {}),
}
NUMBERS = ("message_id",)


def parse(words: Sequence[str]) -> tuple[str, str, dict[str, object], dict[str, object]] | None:
    """Return (module, verb, parameters, common parameters) for a plain call of a hot verb, else None."""
    if not words or words[0] not in HOT:
        return None
    module, positionals, options = HOT[words[0]]
    wanted = list(positionals)
    values: dict[str, object] = {}
    common: dict[str, object] = {}
    rest = iter(words[1:])
    for word in rest:
        if word[:1] == "-" and word != "-" and not is_text(word, (*options, *COMMON)):
            name, kind = options.get(word) or COMMON.get(word) or ("", None)
            value: object = kind
            if kind in (str, int):
                value = next(rest, None)  # it may begin with a dash
                if value is None:
                    return None
                value = _number(value) if kind is int else value
            if kind is None or value is None:
                return None
            (values if word in options else common)[name] = value
        elif wanted:
            name = wanted.pop(0)
            values[name] = _number(word) if name in NUMBERS else word
            if values[name] is None:
                return None
        else:
            return None
    if "batch" in values:  # its lines say the rest
        wanted = []
    return None if wanted else (module, words[0], values, common)


def is_text(word: str, options: Collection[str]) -> bool:
    """Tell whether `word`, which begins with a dash, is a text and no option: there is white space in it.

    What names one of the `options` exactly and gives it a value, as in `--subject=a list`, is that option.
    """
    return any(char.isspace() for char in word) and word.partition("=")[0] not in options


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 19 else None
