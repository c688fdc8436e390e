"""The parameters of `xats help`."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

SubjectArg: TypeAlias = Annotated[
    list[str] | None, Argument(metavar="[SUBJECT]...", help="A verb, a topic or a reason code. Default: the overview.")
]
