"""The settings files: whether xats reads them, and which keys do not count."""

from __future__ import annotations

import os
from shlex import quote

from xats import settings
from xats.health import OK, WARN, Check
from xats.identity import project
from xats.settings import origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SECTION = "settings"


def checks(environ: Mapping[str, str]) -> list[Check]:
    """Return the checks of the user's settings file and of that of the project in the working directory."""
    where = project.find()
    theirs = settings.project_path(where.here) if where else None
    paths = [path for path in (settings.user_path(environ), theirs) if path and os.path.lexists(path)]
    found, faults = origin.listing(environ, theirs)
    checks = []
    for path in paths:
        name, own = os.path.basename(path), [one for one in faults if one.file == path]
        checks += [Check(SECTION, name, WARN, f"{one.place}: {one.text}", one.fix) for one in own]
        if not own:
            counts = [one.key.name for one in found if one.file == path]
            checks.append(Check(SECTION, name, OK, f"{path}: {', '.join(counts) or 'no key of it counts here'}"))
    for path in project.ignored(where) if where else ():
        detail = f"{path} does not count for the folders below it: it would make one project of all of them"
        checks.append(
            Check(SECTION, os.path.basename(path), WARN, detail, f"rm {quote(path)}  (if you do not need it)")
        )
    return checks or [Check(SECTION, "files", OK, "no settings file")]
