"""How xats starts itself as another process, whatever the current folder and the variables of Python are.

`-P` keeps the folder of the script out of the module path, `-E` ignores the `PYTHON*` variables (python(1)). xats does
not use `-s` and `-I`: they would hide packages of `pip install --user`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FLAGS = ("-P", "-E")
RUNNER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runner.py")


def words(*flags: str) -> tuple[str, ...]:
    """Return the words that run this xats, with more `flags` of Python's."""
    return (sys.executable, *FLAGS, *flags, RUNNER)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without the variables of Python, for a process that xats starts."""
    return {name: value for name, value in environ.items() if not name.startswith("PYTHON")}
