"""Run the tmux client: with a time limit, UTF-8 in both directions, and an error class for each failure.

libtmux is not used here: it has no time limit, so one hung server would hang every agent's mail, and it cannot feed a
buffer through stdin.
"""

from __future__ import annotations

import os
import re  # costs nothing more: subprocess imports it too
import signal
import subprocess
from contextlib import suppress

from xats import settings
from xats.base import process
from xats.tmux import program, trust
from xats.tmux.address import check_pane_id
from xats.tmux.errors import NoPane, NotPermitted, TmuxGone, TmuxMissing, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import NoReturn

    from xats.base.pane import Pane
    from xats.tmux.trust import Entrance

TIMEOUT = 3.0  # seconds; a call takes 2 ms, so this is a hung server and not a slow one

OLDEST = (3, 2)  # the first release in which xats pastes
NOT_RUN = 127  # exit status where the system does not find a program's libraries, or a shell its program
LONGEST = 200  # characters of a text that are compared
STARS = 3
# An escape of vis(3) as tmux uses it; a character without meaning in formats and patterns; any other character.
_PIECES = re.compile(r"(\\(?:[0-7]{3}|.)?)|([A-Za-z0-9 _.()/@+=\xa0-\ufffc\U00010000-\U0010ffff-])|(.)", re.DOTALL)
_GONE = ("no server running on", "error connecting to", "no current server")
_FORBIDDEN = ("(Permission denied)", "(Operation not permitted)")
_MISMATCH = "protocol version mismatch"
_LOST = ("server exited unexpectedly", "lost server")
_MISSING = ("can't find pane", "can't find window", "can't find session", "no such pane")

_unusable: set[int] = set()  # servers whose own program does not run by itself


def run(
    at: Pane | str, *args: str, stdin: str | None = None, timeout: float = TIMEOUT, inside: str | None = None
) -> str:
    """Run one tmux command, or several with ";" between, on the server of `at`; return what it prints.

    `at` is a pane, whose server must be the registered process, or the path of a socket where no server is known yet.
    Either is checked first, see trust.py. `stdin` is sent as UTF-8, `timeout` is in seconds. `inside` is the id of a
    pane that tmux takes for the one of the command. No command here starts a server.

    Raises TmuxGone (nobody listens, or another server), NoPane (no such target), ServerUntrusted, NotPermitted,
    TmuxUnavailable (anything else, a time-out included).
    """
    with _connection(at, timeout) as checked:
        # -u: without it the client replaces all but ASCII with `_` under LANG=C.
        answer = _call(["-u", "-S", checked.path, *args], stdin or "", timeout, checked, inside)
        lives = checked.pid is not None and process.started(checked.pid) is not None
    if answer.returncode == 0:
        return answer.stdout.decode("utf-8", "replace")
    said = answer.stderr.decode("utf-8", "replace").strip() or f"tmux failed with status {answer.returncode}"
    said = said.replace(checked.path, at if isinstance(at, str) else at.socket)
    if said.startswith(_GONE) and said.endswith(_FORBIDDEN):
        raise NotPermitted(said)
    if said.startswith(_GONE):
        raise TmuxGone(said)
    if said.startswith(_MISSING):
        raise NoPane(said)
    if said.startswith(_MISMATCH) or (lives and said.startswith(_LOST)):
        msg = f"the releases of the tmux client and the tmux server are not compatible ({said})"
        raise TmuxUnavailable(msg, "put the server's own tmux first in PATH, or end the server")
    raise TmuxUnavailable(said)


def begin(at: Pane | str, *args: str) -> subprocess.Popen[bytes]:
    """Start what `run` does, without waiting; return the process, whose stdout has the answer.

    Raises what `run` raises when tmux cannot run.
    """
    with _connection(at, TIMEOUT) as checked:
        words, environ = _command(["-u", "-S", checked.path, *args])
        for one in programs(checked.pid):
            try:
                return subprocess.Popen(
                    words,
                    executable=one,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environ,
                    pass_fds=checked.files,
                )
            except (OSError, ValueError) as error:
                problem = error
        raise TmuxUnavailable(f"tmux cannot be run: {_why(problem)}")


def become(at: Pane, *args: str) -> NoReturn:
    """Replace this process by a tmux client that runs `args` on the server of `at`, on the terminal of this process.

    The client does not know in which tmux it runs, so it may attach inside of another one. Raises what `run` raises.
    """
    with _connection(at, TIMEOUT) as checked:
        words, environ = _command(["-S", checked.path, *args])
        for file in checked.files:
            os.set_inheritable(file, True)
        for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these signals, and execve would keep that
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        problem: OSError | ValueError
        for one in programs(checked.pid):
            try:
                os.execve(one, words, environ)
            except (OSError, ValueError) as error:
                problem = error
        raise TmuxUnavailable(f"tmux cannot be run: {_why(problem)}")


def _connection(at: Pane | str, timeout: float) -> AbstractContextManager[Entrance]:
    """Check the server of `at`; inside the `with` a client can connect to it."""
    if isinstance(at, str):
        return trust.entrance(at, None, timeout)
    check_pane_id(at.pane_id)
    return trust.entrance(at.socket, at.server_pid, timeout)


def version(path: str | None = None) -> str:
    """Return the version of the tmux client, like `3.3a`; `path` names another one. Raises TmuxUnavailable."""
    answer = _run(path, ["-V"], "", TIMEOUT, (), None) if path else _call(["-V"], "", TIMEOUT)
    return answer.stdout.decode("utf-8", "replace").strip().removeprefix("tmux ")


def is_number(text: str) -> bool:
    """Say whether `text` is a number as tmux prints one."""
    return text.isascii() and text.isdigit() and len(text) < 20


def number(text: str, what: str) -> int:
    """Return the number that tmux has printed as `text` for `what`. Raises TmuxUnavailable for any other text."""
    if not is_number(text):
        raise TmuxUnavailable(f"tmux says {text[:40]!r} where xats expects a number: the {what}")
    return int(text)


def too_old(version: str) -> bool:
    """Say whether a tmux of that `version` (`3.1c`, `next-3.8`, `master`) is older than what the paste needs."""
    return is_older(version, OLDEST)


def is_older(version: str, release: tuple[int, int]) -> bool:
    """Say whether a tmux of that `version` is older than `release`."""
    found = re.search(r"(\d{1,9})\.(\d{1,9})", version)
    return found is not None and (int(found[1]), int(found[2])) < release


def argument(text: str) -> str:
    """Return `text` as one argument of tmux, which takes a `;` at the end for its command separator."""
    return text[:-1] + "\\;" if text.endswith(";") else text


def quote(text: str) -> str:
    """Return `text` quoted for a command string, the kind that if-shell takes."""
    return "'" + text.replace("'", "'\\''") + "'"


def same(form: str, value: str) -> str:
    """Return the tmux condition that the format `form` expands to exactly `value`.

    `value` must not be a text that tmux has printed, because 3.4 and 3.5 escape some characters. See `like`.
    """
    escaped = value.replace("#", "##").replace(",", "#,").replace("}", "#}")
    return f"#{{==:{form},{escaped}}}"


def like(form: str, printed: str) -> str:
    """Return the tmux condition that the format `form` expands to the text that tmux has `printed` for it.

    Any program may have set that text. Releases differ in what a format must escape (`#[`, `{`, `}`, `,`), and tmux 3.4
    and 3.5 print `$` and control characters escaped (utf8_strvis). The condition is therefore a pattern, fnmatch(3).
    Letters, digits, a few marks and all non-ASCII characters match themselves. Any other character matches any one, and
    a possible escape matches any text. There are at most STARS of these, which take exponential time on some systems.
    """
    pattern, stars = "", 0
    for escape, plain, other in _PIECES.findall(printed[:LONGEST]):
        stars += bool(escape)
        pattern += plain or "*" * bool(escape) or "?" * bool(other)
        if stars == STARS:
            break
    cut = stars == STARS or len(printed) > LONGEST
    return f"#{{m:{pattern.rstrip('*')}*,{form}}}" if cut else f"#{{m:{pattern},{form}}}"


def all_of(*conditions: str) -> str:
    """Return the tmux condition that all `conditions` are met; tmux before 3.6 takes two at a time."""
    whole, *others = reversed(conditions)
    for one in others:
        whole = f"#{{&&:{one},{whole}}}"
    return whole


def programs(pid: int | None) -> list[str]:
    """Return the programs that may be the client of the server `pid`, the best first. Raises TmuxMissing.

    Different releases of client and server may be incompatible: a server since 3.6 refuses older clients. The first is
    therefore the server's own program, which Linux keeps even after an upgrade. On other systems, and where that
    program does not run by itself (in an AppImage it needs its own libraries), it is the one in PATH. XATS_TMUX names
    the only one.
    """
    found = [program.find(os.environ)]
    if not settings.value(program.VARIABLE, os.environ) and pid and pid not in _unusable:
        server = process.read(pid)
        if server and server.name.startswith("tmux"):
            found.insert(0, program.of_server(pid))
    there = [one for one in found if one]
    if not there:
        raise TmuxMissing(program.missing(os.environ))
    return there


def _call(
    args: list[str], stdin: str, timeout: float, checked: Entrance | None = None, inside: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    pid, files = (checked.pid, checked.files) if checked else (None, ())
    *others, last = programs(pid)
    for one in others:
        with suppress(OSError):
            answer = _run(one, args, stdin, timeout, files, inside)
            if answer.returncode != NOT_RUN:
                return answer
        if pid:
            _unusable.add(pid)
    try:
        return _run(last, args, stdin, timeout, files, inside)
    except OSError as error:
        raise TmuxUnavailable(f"tmux cannot be run: {_why(error)}") from None


def _run(
    path: str, args: list[str], stdin: str, timeout: float, files: tuple[int, ...], inside: str | None
) -> subprocess.CompletedProcess[bytes]:
    command, environ = _command(args, inside)
    try:
        return subprocess.run(
            command,
            executable=path,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            env=environ,
            pass_fds=files,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TmuxUnavailable(f"tmux did not answer within {timeout:g} s") from None
    except ValueError as error:
        raise TmuxUnavailable(f"tmux cannot be run: {_why(error)}") from None


def _why(error: OSError | ValueError) -> str | None:
    """Return the message of `error`; a ValueError is about a word, such as a socket's path, that holds a NUL."""
    return error.strerror if isinstance(error, OSError) else str(error)


def _command(args: list[str], inside: str | None = None) -> tuple[list[bytes], dict[str, str]]:
    # Without TMUX and TMUX_PANE the answer does not depend on the tmux in which xats itself runs.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
    if inside:
        environ["TMUX_PANE"] = inside
    # The path of a socket keeps the bytes of the system; the rest is UTF-8 in every locale.
    paths, words = ["tmux", *args[:3]], args[3:]
    return [*map(os.fsencode, paths), *(word.encode("utf-8", "surrogateescape") for word in words)], environ
