"""What the completion scripts of all shells are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xats.cli.kit.tree import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commands import Option, Verb

NOTE = "# Generated from the command tree by tools/generate.py; change that, then: make generate"


def words_below(verbs: Sequence[Verb]) -> dict[str, list[tuple[str, str]]]:
    """Return {"" or group: [(word, summary)]}: what may stand as the next word."""
    found: dict[str, list[tuple[str, str]]] = {"": []}
    for verb in verbs:
        first, _, second = verb.path.partition(" ")
        if second:
            if first not in found:
                found[""].append((first, GROUPS[first]))
            found.setdefault(first, []).append((second, verb.summary))
        else:
            found[""].append((first, verb.summary))
    return found


def spellings(options: Iterable[Option]) -> list[str]:
    """Return every way to write `options`."""
    return [name for option in options for name in (*option.names, *option.negative)]


def quoted(text: str) -> str:
    """Return `text` in single quotes, for bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def filled(script: str, parts: dict[str, str]) -> str:
    """Return `script` with every @NAME@ replaced by what stands for it in `parts`."""
    for name, part in parts.items():
        script = script.replace(f"@{name}@", part)
    return script
