"""Which sandbox this process runs in, if any: its variables in the environment and its processes show it.

A command in a sandbox may see neither tmux, nor other processes, nor a store that can be written. Sources are the
programs and their documentation: Claude Code 2.1.332 (https://code.claude.com/docs/en/sandboxing) and Codex 0.171
(https://developers.openai.com/codex/config-reference).
"""

from __future__ import annotations

import os

from xats.base import host, programs
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# A variable that an agent program sets for the tools that it confines: the name of the sandbox.
VARIABLES = {name: f"{title}'s sandbox" for title, names, _, _ in programs.SANDBOXES for name in names}
# The name of the process that a sandbox leaves above the confined one, as Linux truncates it.
WRAPPERS = {"bwrap": "bubblewrap", "firejail": "firejail", "nsjail": "nsjail"}
WRAPPERS |= {wrapper: f"{title}'s sandbox" for title, _, wrapper, _ in programs.SANDBOXES if wrapper}
WRITING = {f"{title}'s sandbox": text for title, _, _, text in programs.SANDBOXES}
WRITING["bubblewrap"] = "bwrap --bind {folder} {folder} ..."


@record
class Sandbox:
    """A sandbox around this process."""

    name: str

    def writing(self, folder: str) -> str:
        """Return the setting that lets a command in it write `folder`."""
        return WRITING.get(self.name, f"let {self.name} write {{folder}}").format(folder=folder)


def named(environ: Mapping[str, str]) -> Sandbox | None:
    """Return the sandbox of an agent program for its tools, which its variables in `environ` show, or None."""
    found = next((name for variable, name in VARIABLES.items() if environ.get(variable)), None)
    return Sandbox(found) if found else None


def around(environ: Mapping[str, str]) -> Sandbox | None:
    """Return the sandbox around this process, or None when there is no sign of one."""
    found = named(environ)
    if found is None and (wrapper := _wrapper()):
        found = Sandbox(WRAPPERS[wrapper])
    return found


def hides_processes() -> bool:
    """Tell whether a sandbox contains only this command, and hides the processes of the agent that runs it.

    A container is a separate host with its own agents (xats/base/host.py). In a sandbox the sandbox program is pid 1,
    or /proc does not show our own pid namespace.
    """
    return host.nested() and (not host.is_shown() or _name(1) in WRAPPERS)


def _wrapper() -> str | None:
    """Return the name of the sandbox program above this process, None in a Flatpak, which contains a whole session."""
    if os.path.exists("/.flatpak-info"):
        return None
    from xats.base import process

    names = (_name(1), *(one.name for one in process.ancestors()))
    return next((name for name in names if name in WRAPPERS), None)


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
