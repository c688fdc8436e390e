"""The front door: the fast lane for plain command lines, else the command tree; and where errors become exits."""

from __future__ import annotations

import gc
import os
import sys

from xats.base.errors import INTERRUPTED, OK, Usage, XatsError

HELP = {"-h", "--help"}
OBJECTS = 30_000  # new objects after which Python looks for unused ones: a short command never makes as many
ARCHIVE = f"python{sys.version_info.major}{sys.version_info.minor}.zip"  # what Python puts before its own library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def run() -> None:
    """Run the command line of this process, and end the process with its exit code.

    Python would take apart every module and object first, a tenth of a short command's time. Nothing needs it: a verb
    closes its store and its files itself.
    """
    gc.set_threshold(OBJECTS)
    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # an error was reported already, or no one reads errors any more
            pass
    os._exit(code)


def main() -> int:
    """Run the command line of this process; return the exit code."""
    sys.path[:] = safe_path(sys.path)
    words = sys.argv[1:]
    try:
        code = dispatch(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except XatsError as problem:
        return fail(problem, words, problem)
    except KeyboardInterrupt:
        _drop()  # what was just written may still count as unwritten, and must not come twice
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has had enough
        _drop()
        return OK
    except (OSError, OverflowError, UnicodeError) as problem:
        _drop()
        return fail(explain(problem), words, problem)
    except Exception as problem:
        _drop()
        from xats.cli.kit import unexpected

        return fail(unexpected.report(problem, words, os.environ), words, problem)


def safe_path(entries: Sequence[str]) -> list[str]:
    """Return the module path `entries` so that no folder of the environment hides the standard library.

    The folder of the script and those of PYTHONPATH stand before the standard library; here they follow it. The current
    folder goes, unless xats itself lies there.
    https://docs.python.org/3/library/sys_path_init.html
    """
    library = os.path.dirname(os.__file__)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    standard = [number for number, entry in enumerate(entries) if entry in (library, f"{library}/lib-dynload")]
    first = next((number for number, entry in enumerate(entries) if entry.endswith(ARCHIVE)), min(standard, default=0))
    if not first:
        return list(entries)
    try:
        here = os.getcwd()
    except OSError:
        here = ""
    kept = [entry for entry in entries[:first] if entry == own or entry not in ("", here)]
    last = max(standard, default=first) + 1
    return [*entries[first:last], *kept, *entries[last:]]


def _drop() -> None:
    """Lose what is left for stdout; see `output.drop`."""
    from xats.base import output

    output.drop()


def fail(problem: XatsError, words: Sequence[str], cause: Exception) -> int:
    """Say what went wrong, and with --verbose where `cause` came from; return the exit code."""
    from xats.cli.kit import hints, render

    if render.is_verbose():
        from xats.cli.kit import verbose

        verbose.trace(cause)
    problem.hint = hints.complete(problem.hint, hints.given(words))
    render.error(problem, json=any(word in ("--json", "--jsonl") or word.startswith("--json=") for word in words))
    return problem.exit


def explain(problem: Exception) -> XatsError:
    """Return our error for what only the operating system, the encoding or the range of a number refuses."""
    if isinstance(problem, OverflowError):
        return Usage("A number is too large.", "ids are those that xats printed")
    if isinstance(problem, UnicodeEncodeError) and problem.encoding != "utf-8":
        msg = f"This terminal's encoding, {problem.encoding}, cannot show the text. Nothing was marked read."
        return XatsError(msg, "export PYTHONUTF8=1")
    if isinstance(problem, UnicodeError):
        return Usage("An argument is not UTF-8 text.", "write names and texts in UTF-8")
    if isinstance(problem, FileNotFoundError) and problem.filename is None:  # os.getcwd() alone names no file
        return XatsError("The folder in which this is run is not there any more.", "cd to another one")
    if isinstance(problem, OSError) and problem.strerror and problem.filename is None:
        return XatsError(f"{problem.strerror}.")
    return XatsError(str(problem))


def dispatch(words: Sequence[str]) -> int:
    """Run `words`, by the fast lane where they are plain; return the exit code."""
    if words[:1] == ["hook"] and words[1:2] in (["run"], ["wait"]) and not os.isatty(0) and not HELP & set(words):
        if words[1] == "wait":
            from xats.hooks.wait import main as wait

            return wait(words[2:])
        from xats.hooks.run import main as run

        code = run(words[2:])
        if code is None:
            from xats.cli.clients.hook_ask import main as ask

            code = ask(words[2:])
        return code
    if words[:1] == ["badge"]:
        from xats.cli.mail.badge import quick

        if (code := quick(words, os.environ)) is not None:
            return code
    from xats.base import output

    sys.stdout = output.check(sys.stdout)
    if words[:1] == ["_complete"]:  # a shell asks, at a Tab
        from xats.cli.kit.complete import main as complete

        return complete(words[1:])
    if words in (["--version"], ["-V"]):
        from xats import __version__

        print(f"xats {__version__}")
        return OK
    from xats.cli.kit import lane

    plain = lane.parse(words)
    common = lane.bare(words) if plain is None else None
    if common is not None:
        from xats.cli.overview.verb import overview

        return overview(lane.context_of(common))
    if plain is None:
        from xats.cli.kit import tree

        return tree.run(words)
    return lane.call(*plain)


if __name__ == "__main__":
    run()
