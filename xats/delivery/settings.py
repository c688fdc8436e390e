"""The settings of waking: the quiet window, the ladder, the deadlines, and the transports that are turned off.

They come from variables of the environment, or from the settings files in their place (`xats.settings`).
"""

from __future__ import annotations

import os

from xats import settings
from xats.base import durations, host
from xats.base.errors import Usage
from xats.base.record import record
from xats.core.teams import project_files
from xats.core.waking import limits
from xats.delivery import ladder
from xats.delivery.ladder import RUNGS
from xats.settings.keys import TRANSPORTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.store import Tx

QUIET = 2000  # ms
COMMAND = 10_000  # ms that the user's own program may take
LONGEST = 50_000  # ms; an attempt must end before its lease
READ_WITHIN = 60_000  # ms
FURTHEST = 12 * 3600_000  # ms
WORKTREES = 100  # worktrees that xats looks at, of a repository without a main one


@record
class Settings:
    """The quiet window, the waits of the ladder, the time limit of the user's own program, and the time to read, in ms.

    `off` are the transports that are turned off.
    """

    quiet: int = QUIET
    rungs: tuple[int, ...] = RUNGS
    command: int = COMMAND
    read_within: int = READ_WITHIN
    off: frozenset[str] = frozenset()

    @property
    def longest(self) -> int:
        """The longest time (ms) to the next attempt that these settings allow."""
        return max(ladder.longest(self.rungs), self.read_within, 2 * limits.SPACE)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Return the settings in the variables of `environ`.

    XATS_QUIET_MS is a number of ms, XATS_LADDER a list of durations separated by commas. XATS_WAKE_TIMEOUT and
    XATS_READ_WITHIN are durations. XATS_WAKE_OFF is a list of names in TRANSPORTS, separated by commas. Raises Usage
    when one of them cannot be read.
    """
    quiet = environ.get("XATS_QUIET_MS") or str(QUIET)
    if not (quiet.isascii() and quiet.isdigit()):
        msg = f"XATS_QUIET_MS must be a whole number of milliseconds, not {quiet[:40]!r}."
        raise Usage(msg, "export XATS_QUIET_MS=2000")
    words = [word.strip() for word in environ.get("XATS_LADDER", "").split(",") if word.strip()]
    command = durations.parse(environ.get("XATS_WAKE_TIMEOUT") or f"{COMMAND}ms")
    if not 0 < command <= LONGEST:
        msg = f"XATS_WAKE_TIMEOUT must be more than 0 and at most 50s, not {environ['XATS_WAKE_TIMEOUT'][:40]!r}."
        raise Usage(msg, "export XATS_WAKE_TIMEOUT=10s")
    within = durations.parse(environ.get("XATS_READ_WITHIN") or f"{READ_WITHIN}ms")
    if not 0 < within <= FURTHEST:
        msg = f"XATS_READ_WITHIN must be more than 0 and at most 12h, not {environ['XATS_READ_WITHIN'][:40]!r}."
        raise Usage(msg, "export XATS_READ_WITHIN=1m")
    rungs = tuple(durations.parse(word) for word in words) or RUNGS
    return Settings(int(quiet), rungs, command, within, turned_off(environ))


def of_team(tx: Tx, team: str, environ: Mapping[str, str]) -> Settings:
    """Return the settings for the agents of `team`: `environ`, then the user's file, made stricter by project files.

    Raises Usage for a variable of `environ` that cannot be read. A wrong value in a file is ignored.
    """
    paths = project_files.paths(tx, team, host.id(), host.machine())
    return from_environment(settings.of(environ, [file for path in paths for file in files_of(path)]))


def files_of(path: str) -> list[str]:
    """Return the possible settings files of the project with the stored `path`: a folder or git's common directory.

    The file is at the top of the main worktree. A bare repository has no main worktree; there each worktree counts.
    """
    folder, name = os.path.split(path)
    if name == ".git":
        return [os.path.join(folder, settings.PROJECT)]
    found = [os.path.join(path, settings.PROJECT)]
    try:
        names = sorted(os.listdir(os.path.join(path, "worktrees")))[:WORKTREES]
    except OSError:  # not a repository, or one without other worktrees
        return found
    for name in names:
        try:  # gitrepository-layout(5): the path of the worktree's file .git
            with open(
                os.path.join(path, "worktrees", name, "gitdir"), encoding="utf-8", errors="surrogateescape"
            ) as one:
                tree = os.path.dirname(one.read(4096).strip())
        except OSError:
            continue
        found += [os.path.join(tree, settings.PROJECT)] if os.path.isabs(tree) else []
    return found


def turned_off(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the transports that XATS_WAKE_OFF turns off. Raises Usage for a name that is not in TRANSPORTS."""
    off = frozenset(word.strip() for word in environ.get("XATS_WAKE_OFF", "").split(",")) - {""}
    unknown = sorted(off - set(TRANSPORTS))
    if unknown:
        msg = f"XATS_WAKE_OFF contains {unknown[0][:40]!r}, which is not a transport."
        raise Usage(msg, f"use one or more of: {', '.join(TRANSPORTS)}")
    return off
