"""The settings that apply now: the daemon's environment, the user's file, and the files of the projects.

Each round checks the files, which costs a few microseconds while they do not change.
"""

from __future__ import annotations

import logging
import time

from xats import settings
from xats.core import keeping
from xats.delivery.settings import from_environment, of_team
from xats.settings.keys import BY_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.delivery.settings import Settings
    from xats.settings.copies import Values
    from xats.store import Tx

KEPT = 1.0  # seconds for which the settings of a team are cached

log = logging.getLogger("xats.daemon")


class LiveSettings:
    """The settings of the daemon. With `given`, `environ` and the files do not count."""

    def __init__(self, environ: Mapping[str, str], given: Settings | None = None) -> None:
        self._environ, self._given = environ, given
        self._path = settings.user_path(environ)
        self._seen: Values | None = None
        self._teams: dict[str, tuple[float, Settings]] = {}  # valid until (monotonic seconds)
        self.settings = given or from_environment(environ)
        self.keep: int | None = None
        self._apply(settings.user_file(self._path, environ))

    def look(self) -> bool:
        """Read the user's file again if it has changed; return whether it has."""
        found = settings.user_file(self._path, self._environ)
        if found is self._seen:
            return False
        was, now = (one.values if one else {} for one in (self._seen, found))
        for name in sorted({*was, *now}):
            if was.get(name) != now.get(name):
                key = BY_VARIABLE[name]
                shown = key.kind.show(now.get(name) or key.default)
                log.info("settings: %s is %s now", key.name, self._environ.get(name) or shown or "not set")
        self._apply(found)
        return True

    def of(self, tx: Tx, team: str) -> Settings:
        """Return the settings for the agents of `team`. The files of its projects may make them stricter."""
        if self._given:
            return self._given
        now = time.monotonic()
        until, found = self._teams.get(team, (0.0, self.settings))
        if now >= until:
            found = of_team(tx, team, self._environ)
            self._teams[team] = (now + KEPT, found)
        return found

    def _apply(self, found: Values | None) -> None:
        for fault in found.faults if found else ():  # a command shows it to its user too
            log.warning("settings: %s", fault)
        self._seen = found
        self._teams = {}
        effective = settings.of(self._environ)
        self.settings = self._given or from_environment(effective)
        self.keep = keeping.age(effective)
