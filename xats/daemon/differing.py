"""Warn where a command's environment differs from the running daemon's: only the daemon's value has an effect."""

from __future__ import annotations

from xats import settings
from xats.base.calling import quoted
from xats.base.visible import one_line
from xats.daemon import lock, report
from xats.delivery import environment
from xats.settings.keys import BY_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def warnings(store: str, environ: Mapping[str, str]) -> list[str]:
    """Return a line for each variable in `environ` whose value the daemon of the store at path `store` does not use.

    Return [] if no daemon runs, or if it has not written its report yet.
    """
    try:
        said = report.read(store, lock.holder(store))
    except OSError:  # the lock is another user's
        return []
    if not said:
        return []
    return [
        _line(name, environ[name], said)
        for name in settings.DAEMON
        if environ.get(name) and not environment.is_same(name, environ, said)
    ]


def _line(name: str, ours: str, said: Mapping[str, Any]) -> str:
    key, its = BY_VARIABLE[name], said["settings"].get(name)
    uses = its or key.default or "none"
    again = "xats daemon restart"
    if its and name not in said.get("from_file", ()):  # the daemon's environment comes before any file
        kept = ""
    else:
        kept = f" - or: xats config set {key.name} {quoted(key.kind.show(ours))}"
    return one_line(f"{name} is set here to {ours}, but the running daemon uses {uses}: {again}{kept}")
