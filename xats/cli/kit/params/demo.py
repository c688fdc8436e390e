"""The parameters of the verbs for trying xats out."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

DemoNameArg: TypeAlias = Annotated[
    str | None, Argument(metavar="NAME", help="The name. Default: the one that xats launch has registered.")
]
WorksOption: TypeAlias = Annotated[
    bool, Option("--works", help="Also do tasks: claim, write a file, commit it, submit, and approve those of others.")
]
DemoLogOption: TypeAlias = Annotated[
    str | None, Option("--log", metavar="FILE", help="Append each line and message that it gets, as JSON Lines.")
]
