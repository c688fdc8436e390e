"""The parameters of `xats completion`."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

ShellArg: TypeAlias = Annotated[
    str | None, Argument(metavar="SHELL", help="bash, zsh or fish. Default: the shell in SHELL.")
]
