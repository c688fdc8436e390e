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
    "base.sidefile",
    "cli.agents.poke",
    "cli.kit.unexpected",
    "cli.mail.ask",
    "core.contracts.errors",
    "core.tasks.errors",
    "delivery.transports.command",
    "tmux.errors",
    "tmux.lock",
)


def by_code() -> dict[str, type[XatsError]]:
    """Return every error of xats by its code; the first class that has the code explains it."""
    for module in MODULES:
        import_module(f"xats.{module}")
    found: dict[str, type[XatsError]] = {}
    for one in _below(XatsError):
        found.setdefault(one.code, one)
    return found


def sentence(kind: type[XatsError]) -> str:
    """Return what the error `kind` means, in one line."""
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())


def _below(kind: type[XatsError]) -> Iterator[type[XatsError]]:
    """Yield `kind` and the classes below it, the general ones first."""
    yield kind
    for one in kind.__subclasses__():
        yield from _below(one)
