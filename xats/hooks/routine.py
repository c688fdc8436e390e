"""A hook after a tool without mail, as most hooks are: it is known by one look, before the rest of xats is imported.

Whatever is unusual is left to `turn.py`, which finds the same and more in several steps.
"""

from __future__ import annotations

import os

from xats.base import programs
from xats.hooks import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xats.base.record import Row
    from xats.core.agents.routine import Reader


def is_routine(client: str, document: object, path: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a hook of `client` with the event `document` has nothing to do in the store at `path`.

    False means that this is not certain. Raises Usage for an unclean id of a session.
    """

    def look(find: Callable[[Reader], Row | None]) -> Row | None:
        from xats.store.sqlite.peek import peek

        return peek(path, find)

    return settles(client, document, look, environ)


def settles(
    client: str,
    document: object,
    look: Callable[[Callable[[Reader], Row | None]], Row | None],
    environ: Mapping[str, str],
) -> bool:
    """Do the same as `is_routine` for a store that `look` reads: it returns what its argument finds in a snapshot."""
    if not isinstance(document, dict) or document.get("hook_event_name") not in programs.AFTER_TOOL.get(client, ()):
        return False
    session = event.session_id(document)
    if session is None or event.failed(document) or document.get("tool_name") in programs.EDITS.get(client, ()):
        return False
    from xats.core.agents import routine

    found = look(lambda tx: routine.find(tx, session))
    return (
        found is not None
        and _is_named(found, environ)
        and found["host_name"] == os.uname().nodename
        and (found["pid"] is None or runs(found["pid"], (found["program_device"], found["program_inode"])))
    )


def _is_named(found: Row, environ: Mapping[str, str]) -> bool:
    """Tell whether the environment names the agent and the team that were `found`, or none."""
    name, _, team = environ.get("XATS_AGENT", "").lower().partition("@")
    teams = {team, environ.get("XATS_TEAM", "").lower()} - {""}
    return name in ("", found["name_key"]) and teams <= {found["team"]}


def runs(pid: int, program: tuple[int | None, int | None] | None) -> bool:
    """Tell whether the process `pid` still runs the executable `program` (device, inode); True where that is hidden.

    Only the executable is looked at: another script of the same interpreter is noted when its session starts.
    """
    try:
        found = os.stat(f"/proc/{pid}/exe")
    except OSError:  # there is no /proc, or it hides this process
        return True
    return (found.st_dev, found.st_ino) == program
