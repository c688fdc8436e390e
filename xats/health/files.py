"""The files beside the store: locks, logs, FIFOs, reports and copies. Only this user may own and use them."""

from __future__ import annotations

import os
from shlex import quote

from xats.base import sidefile
from xats.health import FAIL, OK, WARN, Check

SECTION = "store"


def checks(path: str) -> list[Check]:
    """Return the checks of the files beside the store at `path`: one for each that is wrong."""
    folder, name = os.path.split(sidefile.path_for(path, "").removesuffix("-"))
    count, found = 0, []
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if not entry.startswith((f"{name}-", f"{name}.")):
            continue
        beside = os.path.join(folder, entry)
        try:
            why, loose = sidefile.trouble(beside), sidefile.loose(beside)
        except FileNotFoundError:  # a program has just removed it
            continue
        count += 1
        if why:
            found.append(Check(SECTION, entry, FAIL, f"{beside} {why}", f"rm {quote(beside)}"))
        elif loose:
            detail = f"other users can use {beside} (mode {loose:04o}); xats sets 0600 when it opens the file"
            found.append(Check(SECTION, entry, WARN, detail, f"chmod 600 {quote(beside)}"))
    return found or [Check(SECTION, "files", OK, f"{count} beside the store, and only you can use them")]
