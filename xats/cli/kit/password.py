"""The warning about a password in XATS_DB. Only a store in a PostgreSQL database has one."""

from __future__ import annotations

import os
import sys

from xats.base import location, sidefile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

WARNED = "password"  # the kind of the file that says that a person was warned


def warn_once(url: str, warn: Callable[[str], None]) -> None:
    """Warn the person at the terminal about a password in XATS_DB, once for each store on this host."""
    if not location.secrets(url) or not os.isatty(sys.stderr.fileno()):
        return
    try:
        os.close(sidefile.create(location.beside(url, WARNED)))
    except OSError:  # there is the file, or it cannot be made
        return
    hint = location.passfile_hint(url, os.environ)
    warn(f"every program that you start inherits the password in XATS_DB; the daemon and agents need ~/.pgpass: {hint}")
