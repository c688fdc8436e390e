"""The verbs of the settings: config list, get, set, unset, path."""

from __future__ import annotations

import os
import tomllib
from contextlib import suppress
from difflib import get_close_matches

from xats import settings
from xats.base import folders, sidefile
from xats.base.errors import NotFound, SettingsUnusable, Usage
from xats.cli.kit import render
from xats.settings import keys, origin, parse, toml
from xats.settings.stricter import FIRM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.hooks.install.files import File
    from xats.settings.keys import Key
    from xats.settings.origin import Setting


def list_(here: Context) -> int:
    """List every setting with its value and where that comes from.

    A variable of the environment comes first, then the project's file, the user's file, and the default. A project's
    file can only make a guard stricter. A faulty key does not count; standard error names it.

    Example: xats config list

    Example: xats config list --json
    """
    found, faults = origin.listing(here.environ, here.project_file())
    if here.json:
        problems = [
            {"file": one.file, "line": one.line, "key": one.key, "message": one.text, "hint": one.fix} for one in faults
        ]
        render.document({"settings": [_json(one) for one in found], "problems": problems, "has_more": False})
        return 0
    rows = [(one.key.name, one.shown, one.place) for one in found]
    render.table(("KEY", "VALUE", "FROM"), rows, stretch=("VALUE", "FROM"))
    for fault in faults:
        render.warn(str(fault))
    return 0


def get(here: Context, key: params.SettingArg) -> int:
    """Print the value of one setting.

    Example: xats config get wake.quiet
    """
    wanted = _key(key)
    found, _ = origin.listing(here.environ, here.project_file())
    one = next(one for one in found if one.key == wanted)
    if here.json:
        render.document({"setting": _json(one)})
    else:
        render.put(one.shown)
        if not here.quiet:
            render.note(f"from {one.place}")
    return 0


def set_(
    here: Context,
    key: params.SettingArg,
    value: params.SettingValueArg,
    *,
    user: params.OwnSettingOption = False,
    project: params.ProjectSettingOption = False,
) -> int:
    """Write a setting into your own file, or with --project into that of this project.

    The other lines and the comments of the file stay. A running daemon uses the new value at once.

    Example: xats config set wake.quiet 5s

    Example: xats config set wake.off tmux,waiter --project
    """
    wanted, project = _key(key), _is_project(user=user, project=project)
    _refuse_agents(here, wanted)
    if project and not wanted.project:
        allowed = ", ".join(one.name for one in keys.KEYS if one.project)
        msg = f"A project's file may not set {wanted.name}. It may only make these stricter: {allowed}."
        raise Usage(msg, f"xats config set {wanted.name} VALUE --user")
    new = wanted.kind.given(value)
    try:
        text = wanted.kind.read(new)
    except ValueError as problem:
        msg = f"{wanted.name} {problem}."
        raise Usage(msg, f"xats config set {wanted.name} {wanted.example}") from None
    file = _file(here, project=project)
    old = _text(file)
    try:
        changed = toml.put(old, tuple(wanted.name.split(".")), new)
    except toml.Unfit as problem:
        raise _unfit(file.path, wanted, problem) from None
    _write(file, old, changed, project=project)
    shown = wanted.kind.show(text)
    return _changed(here, wanted, file.path, f"{wanted.name} = {shown} in {file.path}", changed=changed != old)


def unset(
    here: Context,
    key: params.SettingArg,
    *,
    user: params.OwnSettingOption = False,
    project: params.ProjectSettingOption = False,
) -> int:
    """Remove a setting from your own file, or with --project from that of this project.

    Example: xats config unset wake.quiet
    """
    wanted, project = _key(key), _is_project(user=user, project=project)
    _refuse_agents(here, wanted)
    file = _file(here, project=project)
    old = _text(file)
    path = tuple(wanted.name.split("."))
    if toml.line_of(old, path) is None or toml.get(tomllib.loads(old), path) is None:
        return _changed(here, wanted, file.path, f"{wanted.name} is not set in {file.path}", changed=False)
    try:
        changed = toml.drop(old, path)
    except toml.Unfit as problem:
        raise _unfit(file.path, wanted, problem) from None
    _write(file, old, changed, project=project)
    return _changed(here, wanted, file.path, f"{wanted.name} removed from {file.path}", changed=True)


def path(here: Context) -> int:
    """Print where the settings files, the store and its logs are.

    It names each path even if nothing is there yet, and says that.

    Example: xats config path
    """
    found = [
        (name, where, os.path.lexists(where))
        for name, where in (("user", settings.user_path(here.environ)), ("project", here.project_file()))
        if where
    ]
    others = [(name, where, os.path.lexists(where)) for name, where in _other_paths(here)]
    if here.json:
        files = [dict(zip(("scope", "path", "exists"), one, strict=True)) for one in found]
        paths = [dict(zip(("name", "path", "exists"), one, strict=True)) for one in others]
        render.document({"files": files, "paths": paths})
        return 0
    rows = [(name, where, "" if exists else "does not exist") for name, where, exists in [*found, *others]]
    render.table(("WHAT", "PATH", ""), rows, stretch=("PATH",))
    return 0


def _other_paths(here: Context) -> Iterator[tuple[str, str]]:
    """Yield where the store, its logs, the copies of settings, and the profiles of programs are, by name."""
    yield "store", here.path
    for kind in ("daemon.log", "hooks.log", "errors.log"):
        yield kind, sidefile.path_for(here.path, kind)
    with suppress(folders.NoHome):  # --db names the store, and there is no home folder
        for name in ("launch", "trust", "crews", "settings"):
            yield name, os.path.join(folders.kept(here.environ), name)
    if profiles := settings.clients(here.environ):
        yield "clients", profiles


# -- shared ------------------------------------------------------------------------------------------------------------


def _key(word: str) -> Key:
    """Return the setting with the name, or the variable, `word`. Raises NotFound, Usage."""
    found = keys.BY_NAME.get(word.lower()) or keys.BY_VARIABLE.get(word.upper())
    if found:
        return found
    variable = word.upper() if word.upper() in keys.NOT_IN_A_FILE.values() else keys.NOT_IN_A_FILE.get(word.lower())
    if variable == "XATS_TEAM":
        msg = "xats config does not set the team: the environment does, or a line in the xats.toml of a project."
        raise Usage(msg, 'export XATS_TEAM=...   (in xats.toml: team = "NAME")')
    if variable:
        msg = f"{word} cannot be in a settings file; only the environment sets it."
        raise Usage(msg, f"export {variable}=...")
    near = get_close_matches(word.lower().replace("-", "_"), keys.BY_NAME, 1)
    near = near or [name for name in keys.BY_NAME if name.rpartition(".")[2] == word.lower().replace("-", "_")]
    msg = f"There is no setting {word!r}."
    raise NotFound(msg, f"did you mean {near[0]}?" if near else "xats config list")


def _refuse_agents(here: Context, key: Key) -> None:
    """Raise PeopleOnly if an agent changes a setting that says what agents may do."""
    if key.variable in FIRM:
        from xats.cli.kit import people

        people.person(here, f"change {key.name}", "ask a person to change it", in_left_pane=True)


def _is_project(*, user: bool, project: bool) -> bool:
    if user and project:
        msg = "--user and --project exclude each other."
        raise Usage(msg, "xats config path")
    return project


def _file(here: Context, *, project: bool) -> File:
    """Return the file to write, as it is now. Raises SettingsUnusable where xats does not trust it, Usage."""
    from xats.hooks.install import files

    where = here.project_file() if project else settings.user_path(here.environ)
    if where is None:
        msg = "This user has no home folder, so no settings file." if not project else "This folder is in no project."
        raise Usage(msg, "export HOME=FOLDER" if not project else "cd to the folder of a project")
    if os.path.lexists(where):
        try:
            parse.contents(where, users=not project)
        except parse.Refused as refusal:
            msg = f"xats does not use {where}: {refusal}. Nothing was changed."
            raise SettingsUnusable(msg, refusal.fix, path=where) from None
        except OSError:  # files.read has a better message
            pass
    found = files.read(where)
    if found.data is not None:
        return found
    return files.File(found.path, None, _mode() if project else files.PRIVATE)


def _mode() -> int:
    """Return the mode, by the umask, of a new file that others may read: a project's file may be committed."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask & ~0o022


def _text(file: File) -> str:
    """Return the text of `file`. Raises SettingsUnusable if it is not TOML."""
    from xats.hooks.install import files

    text = files.text_of(file)
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        msg = f"{file.path} is not TOML: {problem}. Nothing was changed."
        raise SettingsUnusable(msg, "correct it, then try again", path=file.path) from None
    return text


def _write(file: File, old: str, new: str, *, project: bool) -> None:
    from xats.hooks.install import files

    if new != old:
        files.replace(file, new.encode(), keep=False)
        parse.contents(file.path, users=not project)


def _unfit(where: str, key: Key, problem: toml.Unfit) -> SettingsUnusable:
    msg = f"{where}:{problem.line}: xats cannot change {key.name} in that table. Nothing was changed."
    return SettingsUnusable(msg, "change that line in an editor", path=where)


def _changed(here: Context, key: Key, where: str, done: str, *, changed: bool) -> int:
    """Print what was done, and the setting as it is now where another file or a variable decides."""
    found, _ = origin.listing(here.environ, here.project_file())
    one = next(one for one in found if one.key == key)
    if here.json:
        render.document({"setting": _json(one), "path": where, "changed": changed})
    elif not here.quiet:
        render.put(done)
        if one.file != where:
            render.note(f"the value here is {one.shown or 'not set'}, from {one.place}")
    return 0


def _json(one: Setting) -> dict[str, Any]:
    return {
        "key": one.key.name,
        "value": one.shown or None,
        "origin": one.origin,
        "file": one.file,
        "line": one.line,
        "variable": one.key.variable,
        "default": one.key.kind.show(one.key.default) if one.key.default else None,
        "project_rule": one.key.project or None,
    }
