"""The parameters of the verbs of contracts."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

ContractArg: TypeAlias = Annotated[str, Argument(metavar="NAME", help="The name of a contract.")]
VersionArg: TypeAlias = Annotated[
    str, Argument(metavar="NAME[@V]", help="A contract: order@3, or order for the newest.")
]
SchemaFileArg: TypeAlias = Annotated[
    str | None,
    Argument(metavar="[FILE|-]", help="The file of a JSON Schema, up to 1 MiB, also as @FILE; - reads standard input."),
]
DocumentFileArg: TypeAlias = Annotated[
    str | None,
    Argument(
        metavar="[FILE|-]", help="The file of a JSON document, up to 1 MiB, also as @FILE; - reads standard input."
    ),
]
ContractNoteOption: TypeAlias = Annotated[
    str | None, Option("--note", metavar="TEXT", help="What is new in this version, in one line.")
]
CompatOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--compat",
        metavar="RULE",
        help="The rule for the next versions: backward, forward, full or none. Default at first: none.",
    ),
]
AllowBreakingOption: TypeAlias = Annotated[
    bool, Option("--allow-breaking", help="Store the version even if it breaks the rule.")
]
ReviveOption: TypeAlias = Annotated[bool, Option("--revive", help="Bring a retired contract back.")]
OldVersionArg: TypeAlias = Annotated[int, Argument(metavar="A", help="The number of the old version.")]
NewVersionArg: TypeAlias = Annotated[int, Argument(metavar="B", help="The number of the new one.")]
StrictOption: TypeAlias = Annotated[
    bool,
    Option("--strict", help="Count a new optional property as breaking where any property was allowed."),
]
RetiredOption: TypeAlias = Annotated[bool, Option("--all", help="Include retired contracts.")]
NewContractArg: TypeAlias = Annotated[str, Argument(metavar="NEW", help="The new name: A-Z a-z 0-9 . _ -")]
OldContractArg: TypeAlias = Annotated[str, Argument(metavar="OLD", help="The name of a contract.")]
