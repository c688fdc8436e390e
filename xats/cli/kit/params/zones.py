"""The parameters of the verbs of zones."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

ZoneOwnerArg: TypeAlias = Annotated[
    str, Argument(metavar="ADDRESS", help="The new owner: an agent, or role:R for each agent with that role.")
]
PatternsArg: TypeAlias = Annotated[
    list[str],
    Argument(metavar="PATTERN...", help="From the top of the repository: src/auth/, 'src/*.py', '**/docs'."),
]
ZonesArg: TypeAlias = Annotated[
    list[str] | None, Argument(metavar="[PATTERN]...", help="The patterns of zones, as xats zone list shows them.")
]
ZoneFileArg: TypeAlias = Annotated[str, Argument(metavar="PATH", help="A file or a folder, which need not exist.")]
NestedOption: TypeAlias = Annotated[
    bool, Option("--nested", help="Allow a zone in the zone of another owner, or around it; the inner zone applies.")
]
OfOwnerOption: TypeAlias = Annotated[
    str | None,
    Option("--of", metavar="ADDRESS", help="Only zones of this agent or role:R; without a PATTERN all of its zones."),
]
