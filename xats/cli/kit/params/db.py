"""The parameters of the verbs of the store."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

BackupFileArg: TypeAlias = Annotated[str | None, Argument(metavar="FILE", help="The file. Default: beside the store.")]
ReplaceOption: TypeAlias = Annotated[bool, Option("--force", help="Replace an existing file.")]
TablesArg: TypeAlias = Annotated[list[str] | None, Argument(metavar="[TABLE]...", help="The tables. Default: all.")]
CsvOption: TypeAlias = Annotated[bool, Option("--csv", help="Print CSV, with the names of the columns first.")]
TableOption: TypeAlias = Annotated[bool, Option("--table", help="Draw a table, also in a pipe.")]
ExportFileArg: TypeAlias = Annotated[str, Argument(metavar="FILE", help="What db export wrote; - is standard input.")]
OutputOption: TypeAlias = Annotated[
    str, Option("--output", "-o", metavar="FILE", help="Write to this new file; - is standard output.")
]
SqlArg: TypeAlias = Annotated[str, Argument(metavar="SQL", help="One statement, such as a select.")]
ValueOption: TypeAlias = Annotated[
    list[str] | None, Option("--param", "-p", metavar="NAME=VALUE", help="A value for :NAME; repeatable.")
]
OlderOption: TypeAlias = Annotated[
    str | None, Option("--older", metavar="DURATION", help="Remove what is older. Default: XATS_KEEP, or 30d.")
]
PruneDryRunOption: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print how much would be removed; change nothing.")
]
