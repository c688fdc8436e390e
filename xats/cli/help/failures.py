"""The error codes that a failure prints with --json, and what each means."""

from __future__ import annotations

from importlib import import_module

from xats.base.errors import XatsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# The modules that define errors with a code of their own.
MODULES = (
    "base.folders",
    "base.request",
    "base.sidefile",
    "cli.agents.poke",
    "cli.crews.agreement",
    "crews.file",
    "crews.git",
    "crews.trust",
    "crews.worktrees",
    "cli.kit.unexpected",
    "cli.mail.ask",
    "core.contracts.errors",
    "core.locks.errors",
    "core.notes.errors",
    "core.crews.errors",
    "core.tasks.errors",
    "core.zones.errors",
    "core.turns.errors",
    "delivery.transports.command",
    "identity.files",
    "tmux.errors",
    "tmux.lock",
)

# What `xats help CODE` says of errors with several causes, and what to do. Of others: the docstring and the hint.
MEANINGS = {
    "unknown_agent": (
        "No agent has the name that you gave, its team does not exist, or nothing shows which agent you are.",
        "The message says which it is. To see the names: xats agents. To say who you are: --as NAME, or once:"
        " xats register NAME",
    ),
    "unknown_recipient": (
        "No agent has that address, so nothing was sent.",
        "To see the names and roles: xats agents. To keep mail for a name that is not there yet: xats send --hold",
    ),
}


def by_code() -> dict[str, type[XatsError]]:
    """Return every error of xats by its code; the first class that has the code explains it."""
    for module in MODULES:
        import_module(f"xats.{module}")
    found: dict[str, type[XatsError]] = {}
    for one in _below(XatsError):
        found.setdefault(one.code, one)
    return found


def meaning(kind: type[XatsError]) -> tuple[str, str]:
    """Return what the error `kind` means, in one line, and what to do, "" where only the message can say that."""
    sentence = " ".join((kind.__doc__ or "").partition("\n\n")[0].split())
    return MEANINGS.get(kind.code) or (sentence, kind.hint)


def _below(kind: type[XatsError]) -> Iterator[type[XatsError]]:
    """Yield `kind` and the classes below it, the general ones first."""
    yield kind
    for one in kind.__subclasses__():
        yield from _below(one)
