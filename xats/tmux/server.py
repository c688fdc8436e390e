"""One call of the tmux client: a time limit, UTF-8 both ways, and failures that have names.

libtmux is not used here: it has no time limit, so one hung server would hang every agent's mail, and it cannot feed a
buffer through stdin.
"""

from __future__ import annotations

import os
import subprocess

from xats.errors import NoPane, TmuxForbidden, TmuxGone, TmuxMissing, TmuxUnavailable
from xats.tmux import program

TIMEOUT = 3.0  # seconds; a call takes 2 ms, so this is a hung server and not a slow one

_GONE = ("no server running on", "error connecting to", "no current server")
_FORBIDDEN = ("(Permission denied)", "(Operation not permitted)")
_MISSING = ("can't find pane", "can't find window", "can't find session", "no such pane")


def run(socket: str, *args: str, stdin: str | None = None, timeout: float = TIMEOUT) -> str:
    """Run one tmux command, or several with ";" between, on the server at the path `socket`; return what it prints.

    `stdin` is fed as UTF-8, `timeout` is in seconds. Commands given here never start a server that is not there.
    Raises TmuxGone (nobody listens), TmuxForbidden (the system refuses the connection), NoPane (no such target),
    TmuxUnavailable (anything else, a time-out included).
    """
    # -u: without it the client replaces all but ASCII with `_` under LANG=C.
    answer = _call(["-u", "-S", socket, *args], stdin or "", timeout)
    if answer.returncode == 0:
        return answer.stdout.decode("utf-8", "replace")
    said = answer.stderr.decode("utf-8", "replace").strip() or f"tmux failed with status {answer.returncode}"
    if said.startswith(_GONE) and said.endswith(_FORBIDDEN):
        raise TmuxForbidden(said)
    if said.startswith(_GONE):
        raise TmuxGone(said)
    if said.startswith(_MISSING):
        raise NoPane(said)
    raise TmuxUnavailable(said)


def begin(socket: str, *args: str) -> subprocess.Popen[bytes]:
    """Begin what `run` does and do not wait for it: what it prints is to be read from the process's stdout.

    Raises TmuxUnavailable when tmux cannot be run.
    """
    try:
        words, environ = _command(["-u", "-S", socket, *args])
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ
        )
    except (OSError, ValueError) as error:
        raise TmuxUnavailable(f"tmux cannot be run: {_why(error)}") from None


def version() -> str:
    """Return the version of the tmux client, like `3.3a`. Raises TmuxUnavailable."""
    return _call(["-V"], "", TIMEOUT).stdout.decode("utf-8", "replace").strip().removeprefix("tmux ")


def argument(text: str) -> str:
    """Return `text` so that tmux takes it as one argument: a `;` at the end would be its command separator."""
    return text[:-1] + "\\;" if text.endswith(";") else text


def quote(text: str) -> str:
    """Return `text` quoted for a command string, the kind that if-shell takes."""
    return "'" + text.replace("'", "'\\''") + "'"


def same(form: str, value: str) -> str:
    """Return the tmux condition that the format `form` expands to exactly `value`."""
    escaped = value.replace("#", "##").replace(",", "#,").replace("}", "#}")
    return f"#{{==:{form},{escaped}}}"


def _call(args: list[str], stdin: str, timeout: float) -> subprocess.CompletedProcess[bytes]:
    try:
        command, environ = _command(args)
        return subprocess.run(
            command, input=stdin.encode(), capture_output=True, timeout=timeout, env=environ, check=False
        )
    except subprocess.TimeoutExpired:
        raise TmuxUnavailable(f"tmux did not answer within {timeout:g} s") from None
    except (OSError, ValueError) as error:
        raise TmuxUnavailable(f"tmux cannot be run: {_why(error)}") from None


def _why(error: OSError | ValueError) -> str | None:
    """Return what is wrong; a ValueError says that a word, such as a socket's path, holds a NUL or no character."""
    return error.strerror if isinstance(error, OSError) else str(error)


def _command(args: list[str]) -> tuple[list[bytes], dict[str, str]]:
    # Without TMUX and TMUX_PANE it does not matter in which tmux, if any, xats itself runs.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
    found = program.find(os.environ)
    if found is None:
        wanted = os.environ.get(program.VARIABLE)
        raise TmuxMissing(f"there is no program {wanted}" if wanted else "tmux is not installed")
    # The path of a socket has the bytes that the system gave; the rest is UTF-8, also where the locale is another.
    paths, words = [found, *args[:3]], args[3:]
    return [*map(os.fsencode, paths), *(word.encode("utf-8", "surrogateescape") for word in words)], environ
