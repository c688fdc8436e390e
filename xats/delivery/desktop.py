"""A notification on the desktop of a person, by the program of the system for that: osascript on macOS, or notify-send.

Without such a program, or without a desktop as over ssh, tmux/terminals.py asks the terminal to show it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from xats import settings
from xats.base.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "XATS_NOTIFY_DESKTOP"
TIMEOUT = 5.0  # seconds; notify-send waits for the message bus of the desktop
TITLE = "xats"
# https://developer.apple.com/library/archive/documentation/LanguagesUtilities/Conceptual/MacAutomationScriptingGuide/DisplayNotifications.html
SCRIPT = f'on run argv\ndisplay notification (item 1 of argv) with title "{TITLE}"\nend run'


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Tell whether the user wants notifications: the setting notify.desktop. Raises Usage for an unknown value."""
    value = settings.value(VARIABLE, environ) or "off"
    if value not in ("auto", "off"):
        msg = f"{VARIABLE} must be auto or off, not {value[:40]!r}."
        raise Usage(msg, f"export {VARIABLE}=auto")
    return value == "auto"


def notify(text: str, environ: Mapping[str, str]) -> bool:
    """Show `text` as a notification; tell whether a program took it. The program is looked for in the PATH."""
    if sys.platform == "darwin":
        words = ["osascript", "-e", SCRIPT, text]
    else:
        words = ["notify-send", f"--app-name={TITLE}", "--", TITLE, text]
    path = shutil.which(words[0], path=environ.get("PATH"))
    if path is None:
        return False
    try:
        done = subprocess.run(
            [path, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
