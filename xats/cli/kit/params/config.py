"""The parameters of the verbs of settings."""

from __future__ import annotations

from xats.cli.kit.params import Annotated, Argument, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

SettingArg: TypeAlias = Annotated[str, Argument(metavar="KEY", help="The name of a setting, such as wake.quiet.")]
SettingValueArg: TypeAlias = Annotated[str, Argument(metavar="VALUE", help="Its value; several with commas.")]
OwnSettingOption: TypeAlias = Annotated[bool, Option("--user", help="Use your own file (default).")]
ProjectSettingOption: TypeAlias = Annotated[bool, Option("--project", help="Use the file of this project.")]
