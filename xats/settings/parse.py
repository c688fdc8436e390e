"""Read a settings file: whether xats trusts it, whether it is TOML, and whether each value fits its key.

xats imports it when a file has changed, and for `xats config` and `xats doctor`. A mistake in a file is a fault, not an
error: a wrong key counts as not set, and a file that cannot be read sets nothing.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from difflib import get_close_matches
from shlex import quote
from typing import Annotated, Any

from xats import settings
from xats.base import folders, ownership
from xats.base.record import record, replace
from xats.base.visible import one_line
from xats.settings import keys, toml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from xats.settings.copies import Fingerprint

LARGEST = 32 << 10  # bytes of a settings file
PATHS = frozenset(key.name for key in keys.KEYS if isinstance(key.kind, keys.Path))
MOST = 50  # faults that are listed
EDITOR, AWAY = "correct it in an editor", "put a regular file of your own in its place"
SHOWN = 80  # characters of a key that a fault repeats
OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
TEAM = "team"  # of a project's file only, and no setting: see `xats.core.teams.teams`
AGENTS = "agents"  # the same, a table: see `xats.crews.file`
RESERVED = ("all", "me")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")  # how tomllib ends its message


@record
class Fault:
    """A mistake in a settings file, and the command or advice that fixes it. `line`: None for the whole file."""

    file: str
    line: int | None
    key: str | None
    text: str
    fix: str

    @property
    def place(self) -> str:
        """The file, and the line if there is one."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return one_line(f"{self.place}: {self.text} Try: {self.fix}")


@record
class Parsed:
    """What a file says: the texts of variables, the line of each, and the faults."""

    values: Mapping[str, str]
    lines: Mapping[str, int]
    faults: tuple[Fault, ...] = ()
    team: str | None = None  #: the team that a project's file names


class Refused(Exception):
    """xats does not trust the file. `fix` is the command that changes that."""

    def __init__(self, why: str, fix: str = AWAY) -> None:
        super().__init__(why)
        self.fix = fix


def read(path: str, environ: Mapping[str, str], *, users: bool) -> tuple[Parsed, Fingerprint | None]:
    """Return what the user's or a project's file at `path` says, and its state; None if it was not opened."""
    try:
        data, fingerprint = contents(path, users=users)
        text = data.decode()
    except FileNotFoundError:
        return Parsed({}, {}), None
    except Refused as refusal:
        return Parsed({}, {}, (Fault(path, None, None, f"xats does not read it: {refusal}.", refusal.fix),)), None
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        return Parsed(
            {}, {}, (Fault(path, line, None, "it is not UTF-8, so nothing in it counts.", EDITOR),)
        ), fingerprint
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        return Parsed({}, {}, (Fault(path, None, None, f"it cannot be read: {why}.", AWAY),)), None
    return of_text(path, text, environ, users=users), fingerprint


def contents(path: str, *, users: bool) -> tuple[bytes, Fingerprint | None]:
    """Return the bytes of the settings file at `path`, and its state; None if that changed meanwhile.

    xats follows a link only for the user's file. It opens nothing but a regular file: a FIFO would block, and opening a
    device may have effects. Raises Refused for a file that another user could have written, and OSError.
    """
    about = os.stat(path, follow_symlinks=users)
    if not stat.S_ISREG(about.st_mode):
        if stat.S_ISLNK(about.st_mode):
            own, copy = quote(path), quote(f"{path}.new")
            fix = f"cp {own} {copy} && mv {copy} {own}" if os.path.exists(path) else f"rm {own}"
            raise Refused("it is a link, and only a file counts", fix)
        raise Refused("it is no regular file")
    if users:
        try:
            ownership.check(path)
        except ownership.Exposed as problem:
            raise Refused(str(problem), problem.fix) from None
    elif about.st_uid != os.geteuid():
        raise Refused(f"it belongs to {ownership.user(about.st_uid)}")
    elif about.st_mode & stat.S_IWOTH:
        raise Refused("every user can write to it", f"chmod o-w {quote(path)}")
    if about.st_size > LARGEST:
        raise Refused(f"it has {about.st_size} bytes, and settings have at most {LARGEST}")
    file = os.open(path, OPEN | (0 if users else os.O_NOFOLLOW))
    try:
        opened = os.fstat(file)
        if not stat.S_ISREG(opened.st_mode) or opened.st_uid != about.st_uid:
            raise Refused("it was replaced while it was read")
        parts, left = [], LARGEST + 1
        while left > 0 and (part := os.read(file, left)):
            parts.append(part)
            left -= len(part)
        if left <= 0:
            raise Refused(f"it has more than {LARGEST} bytes")
        fingerprint = settings.fingerprint(opened)
        return b"".join(parts), fingerprint if settings.fingerprint(os.fstat(file)) == fingerprint else None
    finally:
        os.close(file)


def of_text(path: str, text: str, environ: Mapping[str, str], *, users: bool) -> Parsed:
    """Return what the `text` of the file at `path` says."""
    try:
        data = tomllib.loads(text)
        lines = toml.Lines(toml.statements(text))
    except (ValueError, RecursionError) as problem:
        return Parsed({}, {}, (syntax_fault(path, text, problem),))
    if not users:
        data.pop(AGENTS, None)
    misspelt = not users and isinstance(data.get("agent"), dict)
    named = {} if users or TEAM not in data else {TEAM: data.pop(TEAM)}
    values, faults = _validated(data)
    if named and not _is_team(named[TEAM]):
        faults.append(((TEAM,), "must be the name of a team: 1 to 64 of A-Z a-z 0-9 . _ -"))
    values = {name: _expanded(name, value, environ) for name, value in values.items()}
    own = settings.user_path(environ) or settings.USER
    found = [_fault(path, lines.of(names), names, why, own) for names, why in faults[:MOST]]
    if misspelt:
        found = [replace(one, fix="[agents.NAME], if you meant that") if one.key == "agent" else one for one in found]
    for name in [] if users else [name for name in values if not keys.BY_NAME[name].project]:
        del values[name]
        found.append(_not_here(path, lines.of(tuple(name.split("."))), name, own))
    found.sort(key=lambda one: one.line or 0)
    if len(faults) > MOST:
        found.append(Fault(path, None, None, f"{len(faults) - MOST} more keys are wrong and do not count.", EDITOR))
    at = {keys.BY_NAME[name].variable: lines.of(tuple(name.split("."))) or 1 for name in values}
    team = str(named[TEAM]).lower() if named and _is_team(named[TEAM]) else None
    return Parsed({keys.BY_NAME[name].variable: text for name, text in values.items()}, at, tuple(found), team)


def _is_team(value: object) -> bool:
    """Tell whether `value` may be the name of a team: the rule is that of `xats.core.address.check_name`."""
    return isinstance(value, str) and bool(_NAME.fullmatch(value)) and value.lower() not in RESERVED


def _expanded(name: str, value: str, environ: Mapping[str, str]) -> str:
    """Return `value` with the home folder in place of `~` if the key is a path, else `value`."""
    return folders.expanded(value, environ) if value.startswith("~/") and name in PATHS else value


def syntax_fault(path: str, text: str, problem: Exception) -> Fault:
    """Return the fault of a `text` that is not TOML, because of the `problem` that tomllib has with it."""
    if isinstance(problem, RecursionError):
        return Fault(path, None, None, "it is nested too deeply, so nothing in it counts.", EDITOR)
    said, line = str(problem), None
    if place := _AT.search(said):
        said, line = said[: place.start()], int(place[1]) if place[1] else text.count("\n") + 1
    return Fault(path, line, None, f"this is not TOML, so nothing in the file counts: {said}.", EDITOR)


def _model() -> type[BaseModel]:
    """Return the model of a settings file, made from the table of keys."""
    from pydantic import AfterValidator, ConfigDict, Field, create_model

    tables: dict[str, dict[str, Any]] = {}
    for key in keys.KEYS:
        table, _, name = key.name.rpartition(".")
        # Under another name, because a key may have that of a method of pydantic's models, such as `copy`.
        kind = Annotated[Any, AfterValidator(key.kind.read)]
        tables.setdefault(table, {})[f"{name}_"] = (kind, Field(None, alias=name))
    strict = ConfigDict(extra="forbid", strict=True)
    inner: dict[str, Any] = {
        name: (create_model(name, __config__=strict, **fields), None) for name, fields in tables.items() if name
    }
    return create_model("Settings", __config__=strict, **tables.get("", {}), **inner)


def _validated(data: dict[str, Any]) -> tuple[dict[str, str], list[tuple[tuple[str, ...], str | None]]]:
    """Return the texts of the valid keys of `data`, and why each other key is wrong; None: there is no such key."""
    from pydantic import ValidationError

    model, faults = _model(), []
    try:
        found = model.model_validate(data)
    except ValidationError as problem:
        for error in problem.errors(include_url=False, include_input=False):
            names = tuple(map(str, error["loc"]))
            inner = error.get("ctx", {}).get("error")
            unknown = error["type"] == "extra_forbidden"
            faults.append((names, None if unknown else str(inner) if inner else "must be a table"))
            _remove(data, names)
        found = model.model_validate(data)
    values = {}
    for key in keys.KEYS:
        table, _, name = key.name.rpartition(".")
        value: Any = getattr(getattr(found, table, None) if table else found, f"{name}_", None)
        if value is not None:
            values[key.name] = str(value)
    return values, faults


def _remove(data: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names[:-1]:
        data = data.get(name, {})
    data.pop(names[-1], None)


def _fault(path: str, line: int | None, names: tuple[str, ...], why: str | None, own: str) -> Fault:
    name = ".".join(names)
    shown = one_line(name)[:SHOWN]
    if why is not None:
        return Fault(path, line, shown, f"{shown} {why}. It counts as not set.", _repair(name, path, own))
    if names[0] in keys.NOT_IN_A_FILE or names == (AGENTS,):
        return _not_here(path, line, name, own)
    tables = {key.name.rpartition(".")[0] for key in keys.KEYS} - {""}
    known = [*tables] if toml.get({one: {} for one in tables}, names[:1]) is None and len(names) == 1 else []
    near = get_close_matches(name.replace("-", "_"), [*keys.BY_NAME, *known], 1)
    near = near or [one.name for one in keys.KEYS if one.name.rpartition(".")[2] == names[-1].replace("-", "_")]
    fix = f"{near[0]}, if you meant that" if near else "xats config list"
    return Fault(path, line, shown, f"there is no setting {shown!r}.", fix)


def _repair(name: str, path: str, own: str) -> str:
    """Return the command that sets the key `name` of the file at `path` to a valid value, its default."""
    key = keys.BY_NAME.get(name)
    if key is None:
        return EDITOR if name == TEAM else "xats config list"
    project = "" if path == own else " --project"
    if not key.default:
        return f"xats config unset {name}{project}"
    return f"xats config set {name} {key.kind.show(key.default)}{project}"


def _not_here(path: str, line: int | None, name: str, own: str) -> Fault:
    """Return the fault of a key that this file may not set."""
    shown = one_line(name)[:SHOWN]
    variable = keys.NOT_IN_A_FILE.get(name.partition(".")[0])
    fix = f"export {variable}=..." if variable else f"put it into {own}"
    if name == AGENTS:
        fix = f"put it into the {settings.PROJECT} of a project"
    file = os.path.basename(path)
    return Fault(path, line, shown, f"{file} may not set {shown}, so it does not count.", fix)
