"""The parameters of the verbs of notes."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

KeyArg: TypeAlias = Annotated[
    str, Argument(metavar="KEY", help="The key of a note: parts of A-Z a-z 0-9 . _ - with / between them.")
]
KeyVersionArg: TypeAlias = Annotated[
    str, Argument(metavar="KEY[@N]", help="The key of a note: style, or style@3 for its version 3.")
]
NoteValueArg: TypeAlias = Annotated[
    str | None,
    Argument(
        metavar="[VALUE|@N|@FILE|-]",
        help="The value, up to 256 KiB; @3 restores version 3, @FILE reads a file, - reads standard input.",
    ),
]
KeyPrefixArg: TypeAlias = Annotated[
    str, Argument(metavar="[PREFIX]", help="Only keys that begin with this, such as api/")
]
NewCategoryOption: TypeAlias = Annotated[
    str | None,
    Option(
        "--category",
        metavar="CATEGORY",
        help="decision, convention, discovery, blocker, context or setting. Default: as before; at first context.",
    ),
]
CategoryOption: TypeAlias = Annotated[
    str | None, Option("--category", metavar="CATEGORY", help="Only notes of this category.")
]
IfVersionOption: TypeAlias = Annotated[
    int | None,
    Option(
        "--if-version", metavar="N", help="Store only if N is the newest version; 0: only if there is no such note."
    ),
]
NoteTtlOption: TypeAlias = Annotated[
    str | None, Option("--ttl", metavar="DURATION", help="Let the note expire after this time; its history stays.")
]
GoneOption: TypeAlias = Annotated[bool, Option("--all", help="Include notes that were removed or have expired.")]
