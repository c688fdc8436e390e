"""All profiles by name: those that come with xats, changed by the files of the user.

A file NAME.toml in the folder `clients` of the configuration folder changes the fields that it names of the profile
NAME, or makes a new profile. The programs change monthly, and a user should not have to wait for a release.
"""

from __future__ import annotations

import os

from xats import settings
from xats.base import programs
from xats.base.errors import NotFound, Usage
from xats.base.record import replace
from xats.clients import model
from xats.clients.model import Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

BUILT_IN = programs.NAMES
KINDS = {"str": "a text", "tuple": "a list of texts", "int": "a number from 0 to 5000", "bool": "true or false"}
LARGEST = 5000  # ms; an attempt must end before its lease
LONGEST = 1 << 20  # bytes of a user's file; the profiles that come with xats have some thousand

_said: set[str] = set()  # errors in the files of the user that are already in the log


def folder(environ: Mapping[str, str]) -> str | None:
    """Return the folder of the user's own profiles, None if this user has no home folder."""
    return settings.clients(environ)


def names(environ: Mapping[str, str]) -> list[str]:
    """Return the names of all profiles, the user's own last."""
    own = _files(folder(environ))
    return [*BUILT_IN, *(name for name in own if name not in BUILT_IN)]


def find(name: str, environ: Mapping[str, str]) -> Profile:
    """Return the profile `name`. Raises NotFound; Usage if the file of the user for it is invalid."""
    profile = _built_in(name)
    own = folder(environ)
    path = os.path.join(own, f"{name}.toml") if own else ""
    if os.path.exists(path):
        profile = changed(profile or Profile(name), path)
    if profile is None:
        msg = f"There is no profile of a client {name}."
        raise NotFound(msg, "xats client list")
    return profile


def called(word: str, environ: Mapping[str, str]) -> Profile:
    """Return the profile that `word` names: by its name, or by the name of its program or script.

    `claude` means `claude-code`. The name of a profile comes first; upper and lower case are the same. Raises NotFound,
    which lists all names and suggests a near one; Usage if the file of the user for it is invalid.
    """
    known = names(environ)
    for name in (word, word.lower()):
        if name in known:
            return find(name, environ)
    programs = {name: find_or_generic(name, environ) for name in known}
    owners = {said.lower(): name for name, one in reversed(programs.items()) for said in spoken(one)}
    if word.lower() in owners:
        return find(owners[word.lower()], environ)
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), [*known, *owners], 1, 0.5)
    own = folder(environ) or "XATS_CLIENTS"
    msg = f"There is no client {word[:80]!r}. There are: {', '.join(known)}."
    raise NotFound(msg, f"did you mean {near[0]}?" if near else f"describe it in {own}/NAME.toml, or take generic")


def spoken(profile: Profile) -> tuple[str, ...]:
    """Return the other names of the program of `profile`: its executables, then its scripts."""
    return tuple(dict.fromkeys((*profile.executables, *profile.scripts)))


def find_or_generic(name: str, environ: Mapping[str, str]) -> Profile:
    """Return the profile `name`, or `generic` for a client without a profile.

    xats logs an invalid file of the user once, and ignores it: an attempt must not fail because of it.
    """
    try:
        return find(name, environ)
    except NotFound:
        return find_or_generic("generic", environ)
    except Usage as problem:
        _say_once(str(problem))
        return _built_in(name) or find_or_generic("generic", environ)


def _built_in(name: str) -> Profile | None:
    found = model.load(name) if name in BUILT_IN else None
    return found.screen if found else None


def _say_once(problem: str) -> None:
    import logging

    if problem not in _said:
        _said.add(problem)
        logging.getLogger("xats.clients").error("%s xats ignores it.", problem)


def changed(profile: Profile, path: str) -> Profile:
    """Return `profile` with the fields of the TOML file at `path`. Raises Usage, which names the file and the field."""
    import tomllib

    from xats.base import ownership
    from xats.clients import records

    try:
        ownership.check(path)  # the file decides what is a dialog, and into which composer xats types
        given = tomllib.loads(records.contents(path, LONGEST).decode())
    except ownership.Exposed as problem:
        msg = f"xats does not read {path}, because {problem}."
        raise Usage(msg, problem.fix or "put it into a folder of your own: export XATS_CLIENTS=FOLDER") from None
    except (OSError, ValueError) as problem:
        msg = f"{path} cannot be read: {problem}."
        raise Usage(msg) from problem
    known = {name: kind for name, kind in Profile.__annotations__.items() if name != "name"}
    for field, value in given.items():
        if field not in known:
            msg = f"{path}: a profile has no field {field!r}."
            raise Usage(msg, f"the fields are {', '.join(known)}")
        if not _fits(value, known[field]):
            msg = f"{path}: {field} must be {KINDS[known[field].partition('[')[0]]}, not {value!r}."
            raise Usage(msg)
    values = {field: tuple(value) if isinstance(value, list) else value for field, value in given.items()}
    return replace(profile, **values)


def _fits(value: Any, kind: str) -> bool:
    if kind.startswith("tuple"):
        return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    if kind in ("int", "bool"):
        return type(value).__name__ == kind and 0 <= value <= LARGEST
    return isinstance(value, str)


def _files(path: str | None) -> list[str]:
    try:
        if path is None:
            return []
        return sorted(entry.removesuffix(".toml") for entry in os.listdir(path) if entry.endswith(".toml"))
    except OSError:
        return []
