"""The front door: the fast lane for the hot verbs, else the command tree; and where errors become exits."""

from __future__ import annotations

import os
import sys

from xats.errors import FAILURE, INTERRUPTED, OK, XatsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> int:
    """Run the command line of this process; return the exit code."""
    words = sys.argv[1:]
    try:
        return dispatch(words)
    except XatsError as problem:
        from xats.cli import render

        render.error(problem, json="--json" in words or "--jsonl" in words)
        return problem.exit
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has had enough. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return OK
    except OSError as problem:
        sys.stderr.write(f"xats: {problem}\n")
        return FAILURE


def dispatch(words: Sequence[str]) -> int:
    """Run `words`, by the fast lane where they are plain; return the exit code."""
    from xats.cli import lane

    plain = lane.parse(words)
    if plain is None:
        from xats.cli import tree

        return tree.run(words)
    from importlib import import_module

    from xats.cli.here import Here

    module, verb, values, common = plain
    return int(getattr(import_module(f"xats.cli.{module}"), verb)(Here(**common), **values))  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
