"""Find the terminal of a session of Codex. Its hooks do not show it: one background process serves all terminals.

`codex app-server` has the environment of the terminal that started it, with the TMUX_PANE and XATS_AGENT of that
terminal. The terminals are separate processes. A session starts at its first prompt; at that moment its terminal shows
that it is at work, and usually no other does. Seen in 0.171.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

from xats.base import location, process
from xats.base.errors import XatsError
from xats.clients import registry
from xats.tmux import pane as panes
from xats.tmux import server
from xats.tmux.address import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xats.base.pane import Pane
    from xats.base.process import Process

LIMIT = 1.0  # seconds to wait for tmux
OTHERS = (
    "app-server",
    "exec",
    "mcp-server",
    "queue",
    "review",
    "sandbox",
)  # subcommands that are no interactive terminal
STOP = "codex app-server daemon stop"  # ends the shared process
OWN = ("HOME", "CODEX_HOME", "XATS_HOME", "XATS_DB")  # must equal ours: other values have another shared process


class Terminal:
    """A terminal of Codex: its process, its command line, its working directory, and its environment."""

    def __init__(self, at: Process, words: list[str], folder: str, environ: Mapping[str, str]) -> None:
        self.at, self.words, self.folder, self.environ = at, words, folder, environ

    def pane(self) -> Pane | None:
        """Return its pane, None outside tmux. Raises XatsError where tmux does not answer."""
        claim = address(self.environ)
        if claim is None:
            return None
        pane = panes.find(claim[0], claim[2], LIMIT)
        return pane if pane.server_pid == claim[1] and panes.device(pane) == self.at.tty else None

    def at_work(self) -> bool | None:
        """Tell whether its title shows that it is at work; None where xats cannot see the title."""
        try:
            pane = self.pane()
            if pane is None:
                return None
            title = server.run(pane, "display-message", "-p", "-t", pane.pane_id, "#{pane_title}", timeout=LIMIT)
        except XatsError:
            return None
        signs = registry.find_or_generic("codex", os.environ).busy_titles
        return any(fnmatchcase(title.rstrip("\n"), sign) for sign in signs)


def find(session: str, folder: str | None, environ: Mapping[str, str] = os.environ) -> Terminal | None:
    """Return the terminal of the shared process in which the client session `session` works in `folder`.

    `environ` is that of the session. None where the terminal is unclear.
    """
    return _one_of(session, _terminals(folder or os.getcwd(), environ))


def around(session: str, folder: str) -> Terminal | None:
    """Return the terminal whose session runs this command; None where that is unclear.

    `session` is the client session, `folder` the working directory of the command.
    """
    program = next((one for one in process.ancestors() if one.name == "codex"), None)
    words = process.argv(program.pid) if program else []
    if program is None or "app-server" in words:
        return find(session, folder) if program else None
    return Terminal(program, words, folder, os.environ)


def servers() -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the pid and the environment of each shared process that can be read."""
    import psutil

    for one in psutil.process_iter(["name", "cmdline"]):
        if one.info["name"] != "codex" or "app-server" not in (one.info["cmdline"] or ()):
            continue
        try:
            its = one.environ()
        except (psutil.Error, OSError):  # another user's, or it has ended
            continue
        yield one.pid, its


def _one_of(session: str, terminals: list[Terminal]) -> Terminal | None:
    for one in terminals:
        if session and session in one.words:  # codex resume SESSION
            return one
    if len(terminals) < 2:
        return terminals[0] if terminals else None
    seen = [one.at_work() for one in terminals]
    return terminals[seen.index(True)] if seen.count(True) == 1 and None not in seen else None


def _terminals(folder: str | None, environ: Mapping[str, str]) -> list[Terminal]:
    """Return the terminals of this user and of the Codex with `environ` that work in `folder`."""
    import psutil

    found = []
    for one in psutil.process_iter():
        try:
            if one.name() != "codex" or one.uids().real != os.getuid():
                continue
            words, theirs, at = one.cmdline(), one.environ(), process.read(one.pid)
            here = _folder(words, one.cwd())
        except (psutil.Error, OSError):
            continue
        ours = all(_said(theirs, name) == _said(environ, name) for name in OWN)
        if at and at.tty and ours and not set(words[1:]) & set(OTHERS) and _same(here, folder):
            found.append(Terminal(at, words, here, theirs))
    return [one for one in found if not any(one.at.pid == other.at.ppid for other in found)]  # a launcher is none


def _folder(words: list[str], cwd: str) -> str:
    """Return the folder of a terminal that was started with `words` in `cwd`: -C names another one."""
    for index, word in enumerate(words[:-1]):
        if word in ("-C", "--cd"):
            return os.path.join(cwd, words[index + 1])
    return next((os.path.join(cwd, word[5:]) for word in words if word.startswith("--cd=")), cwd)


def _said(environ: Mapping[str, str], name: str) -> str | None:
    """Return the value of the variable `name`; that of XATS_DB is without a password, as in our own environment."""
    value = environ.get(name)
    if name == "XATS_DB" and value and location.is_url(value):
        return location.split(value)[0]
    return value


def _same(one: str, other: str | None) -> bool:
    return other is None or os.path.realpath(one) == os.path.realpath(other)
