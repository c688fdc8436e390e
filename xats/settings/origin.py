"""The value of each setting, and where it comes from: the environment, a file and its line, or the default."""

from __future__ import annotations

from xats import settings
from xats.base.record import record
from xats.settings import keys, parse
from xats.settings.stricter import FIRM, LEVELS, stricter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.settings.keys import Key
    from xats.settings.parse import Fault, Parsed

NOTHING = parse.Parsed({}, {})


@record
class Setting:
    """A setting. `text` is that of its variable; `file` and `line` are where a file sets it."""

    key: Key
    text: str
    origin: str  #: "env", "project", "user" or "default"
    file: str | None = None
    line: int | None = None

    @property
    def shown(self) -> str:
        """The value as a person writes it."""
        return self.key.kind.show(self.text) if self.text or self.key.kind.rule == keys.Switch.rule else ""

    @property
    def place(self) -> str:
        """Where the value comes from, in words."""
        if self.origin == "env":
            return self.key.variable
        return f"{self.file}:{self.line}" if self.file else "default"


def listing(environ: Mapping[str, str], project: str | None) -> tuple[list[Setting], list[Fault]]:
    """Return every setting, and the faults of the user's file and of the project's file at the path `project`."""
    own = settings.user_path(environ)
    users = parse.read(own, environ, users=True)[0] if own else NOTHING
    theirs = parse.read(project, environ, users=False)[0] if project else NOTHING
    found = [_of(key, environ, users, own, theirs, project) for key in keys.KEYS]
    idle = [_idle(one, theirs, str(project)) for one in found if one.key.variable in theirs.values]
    return found, [*users.faults, *theirs.faults, *(one for one in idle if one)]


def _of(
    key: Key, environ: Mapping[str, str], users: Parsed, own: str | None, theirs: Parsed, project: str | None
) -> Setting:
    name = key.variable
    said = environ.get(name)
    if said and name not in FIRM:
        return Setting(key, said, "env")
    found = _of_files(key, users, own, theirs, project)
    counts = said and said != found.text and (said not in LEVELS or stricter(name, found.text, said) == said)
    return Setting(key, said, "env") if said and counts else found


def _of_files(key: Key, users: Parsed, own: str | None, theirs: Parsed, project: str | None) -> Setting:
    """Return the setting `key` without the environment."""
    name = key.variable
    base = users.values.get(name, key.default)
    if name in theirs.values:
        strict = stricter(name, base, theirs.values[name])
        if strict != base or theirs.values[name] == strict:
            return Setting(key, strict, "project", project, theirs.lines[name])
    if name in users.values:
        return Setting(key, base, "user", own, users.lines[name])
    return Setting(key, key.default, "default")


def _idle(one: Setting, theirs: Parsed, project: str) -> Fault | None:
    """Return the fault of a project's setting that changes nothing; None if it counts."""
    name = one.key.variable
    if one.origin == "project":
        return None
    fix = f"xats config unset {one.key.name} --project"
    line, value = theirs.lines[name], one.key.kind.show(theirs.values[name])
    if one.origin == "env":
        why = f"{name} is set, and comes before files"
    else:
        why = f"a project's file may only make it {one.key.project}"
    return parse.Fault(project, line, one.key.name, f"{one.key.name} = {value} changes nothing: {why}.", fix)
