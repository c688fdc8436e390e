"""What agents may start in a place of their own: the setting crew.by_agents."""

from __future__ import annotations

from xats import settings
from xats.base.errors import Usage
from xats.settings.stricter import GUARDS, stricter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "XATS_CREW_BY_AGENTS"
WORDS = ("deny", "listed", "allow")


def by_agents(environ: Mapping[str, str], project_file: str | None = None) -> str:
    """Return deny, listed or allow: the strictest of the variable and the files; `project_file` is the project's.

    Unlike other variables, this one cannot make it looser: an agent can set a variable for its own command. Raises
    Usage for a variable with another value.
    """
    said = environ.get(VARIABLE)
    if said and said not in WORDS:
        msg = f"{VARIABLE} must be deny, listed or allow, not {said[:40]!r}."
        raise Usage(msg, f"export {VARIABLE}=listed")
    files = {name: text for name, text in environ.items() if name != VARIABLE}
    found = settings.of(files, (project_file,)).get(VARIABLE) or GUARDS[VARIABLE][1]
    return stricter(VARIABLE, found, said) if said else found
