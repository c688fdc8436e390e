"""How an agent program is started with our hooks for one launch alone, by its own options and variables.

No file of the user's is changed. What a program only reads from a file stands in the folder `launch` of xats, under a
name that tells its content. Seen at work in Claude Code 2.1, Codex 0.171, opencode 1.18 and Qwen Code 0.24. Gemini CLI
0.61 takes such a file only when root owns it, so it has no way, nor have the others.
"""

from __future__ import annotations

import os
import sys

from xats import calling, sidefile
from xats.clients import records
from xats.errors import Refused, SettingsUnusable
from xats.hooks import clients, edit, files, merge
from xats.hooks.command import line
from xats.hooks.install import look, own
from xats.hooks.scan import Broken, parse
from xats.jsontext import to_json
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xats.hooks.clients import Client
    from xats.hooks.install import Installed

STALE = 30 * 86_400  # seconds after its last launch that a file of an older xats goes
TRUST = 'Codex asks once whether these hooks may run ("Hooks need review"); until you have answered they do not'


@record
class Launch:
    """What is started."""

    words: tuple[str, ...]  #: the program and its arguments
    environ: dict[str, str]  #: what its environment is to have besides
    files: tuple[tuple[str, str], ...]  #: what it reads, as (path, text)
    hooks: str  #: "launch": for this one; "installed": they were there; "none"
    notes: tuple[str, ...] = ()  #: what the user has to know


@record
class Place:
    """Where it is started."""

    environ: Mapping[str, str]
    project: str  #: the folder of the project
    folder: str  #: in which our files are put
    xats: tuple[str, ...]  #: the words that run this xats


def plan(name: str, program: str, arguments: Sequence[str], place: Place, writable: str | None = None) -> Launch:
    """Return how `program`, a client called `name`, is started with `arguments`, which are passed on.

    `writable` is a folder that Codex's sandbox is to let it write. Raises Refused for arguments that contradict ours,
    SettingsUnusable for settings in them that hooks cannot be added to.
    """
    start = Launch((program, *arguments), {}, (), "none")
    if name == "codex":
        start = _alone(start, writable)
    if name not in clients.NAMES:
        return noted(start, f"{name} has no hooks: it reads its mail when it is woken")
    client = clients.find(name)
    there = _installed(client, place)
    if there:
        notes = [f"{one.path}: {one.detail}" for one in there if one.detail]
        if not any(one.state == "installed" for one in there):
            notes.append(f"{there[0].path} is not as this xats would write it: xats hook install {name}")
        return noted(Launch(start.words, start.environ, (), "installed"), *notes)
    make = WAYS.get(name)
    if make is None:
        return noted(start, f"{name} takes no hooks for one launch alone: xats hook install {name}")
    return make(client, start, place)


def _installed(client: Client, place: Place) -> list[Installed]:
    """Return where hooks of ours are that will run, the user's own first: a second time they would be noise."""
    paths = [(scope, client.path(scope, place.environ, place.project)) for scope in ("user", "project")]
    found = [look(client, scope, path, place.xats) for scope, path in paths]
    return [one for one in found if one.state in ("installed", "stale")]


def noted(start: Launch, *notes: str) -> Launch:
    """Return `start` with more to be known."""
    return Launch(start.words, start.environ, start.files, start.hooks, (*start.notes, *notes))


def _values(arguments: Sequence[str], *names: str) -> list[tuple[int, int, str]]:
    """Return each value of the option `names` as (where, how many words it takes, value), up to a lone `--`."""
    found = []
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for at, word in enumerate(words):
        for name in names:
            if word == name and at + 1 < len(words):
                found.append((at, 2, words[at + 1]))
            elif name.startswith("--") and word.startswith(f"{name}="):
                found.append((at, 1, word[len(name) + 1 :]))
            elif not name.startswith("--") and word.startswith(name) and word != name:
                found.append((at, 1, word[len(name) :].removeprefix("=")))
    return found


# -- Claude Code -------------------------------------------------------------------------------------------------------


def _claude_code(client: Client, start: Launch, place: Place) -> Launch:
    """Give it `--settings`, of which it heeds the last one alone: ours are added to what the user gives there.

    What stands in a file may hold keys, and everybody on a machine can read a command line: it goes into another file.
    """
    program, arguments = start.words[0], start.words[1:]
    given = _values(arguments, "--settings")
    if not given:
        words = (program, "--settings", to_json(merge.whole(client, place.xats)), *arguments)
        return Launch(words, start.environ, (), "launch", start.notes)
    at, length, value = given[-1]
    read: tuple[tuple[str, str], ...] = ()
    if value.strip().startswith("{"):
        settings = _added("--settings", value, client, place)
    else:
        file = files.read(value)
        if file.data is None:
            msg = f"--settings names {value}, which is not there."
            raise SettingsUnusable(msg, path=value)
        text = _added(value, files.text_of(file), client, place)
        settings = _path(place, "claude", text, ".json")
        read = ((settings, text),)
    words = (program, *arguments[:at], "--settings", settings, *arguments[at + length :])
    return Launch(words, start.environ, read, "launch", start.notes)


def _added(path: str, text: str, client: Client, place: Place) -> str:
    """Return the settings `text` of `path` with our hooks in them. Raises SettingsUnusable."""
    try:
        return merge.add(text, client, place.xats)
    except Broken as problem:
        msg = f"{path}: line {problem.line}, column {problem.column}: {problem}. Nothing was started."
        raise SettingsUnusable(msg, path=path, line=problem.line, column=problem.column) from problem


# -- Codex -------------------------------------------------------------------------------------------------------------


def _alone(start: Launch, writable: str | None) -> Launch:
    """Keep Codex out of its daemon, which serves many sessions with the environment of the first. Raises Refused."""
    program, arguments = start.words[0], start.words[1:]
    if _values(arguments, "--remote"):
        msg = "With --remote the session runs in another process, which does not know its agent."
        raise Refused(msg, "leave --remote out, or start codex yourself and run: xats register NAME")
    words = [program]
    if "--no-daemon" not in arguments:
        words.append("--no-daemon")
    if writable:
        words += ["--add-dir", writable]
    return Launch((*words, *arguments), start.environ, (), start.hooks, start.notes)


def _codex(client: Client, start: Launch, place: Place) -> Launch:
    """Give it its hooks by `-c`; the value is TOML."""
    command = line(place.xats, client.name)
    if any(value.startswith("hooks") for _, _, value in _values(start.words, "-c", "--config")):
        msg = "Codex heeds one of two -c hooks, so that yours and those of xats cannot both run."
        raise Refused(msg, "put yours into ~/.codex/hooks.json, or: xats hook install codex")
    ours: list[str] = []
    for hook in client.hooks:
        ours += ["-c", f"hooks.{hook.event}={_toml([client.entry(hook, command)])}"]
    return Launch((start.words[0], *ours, *start.words[1:]), start.environ, (), "launch", (*start.notes, TRUST))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return to_json(value)  # texts and numbers are the same in both


def sandbox_writes(config: str, folder: str) -> bool:
    """Tell whether the configuration of Codex at the path `config` lets its sandbox write `folder`."""
    import tomllib

    try:
        text = records.contents(config, files.LARGEST).decode()
        roots = tomllib.loads(text)["sandbox_workspace_write"]["writable_roots"]
        return any(os.path.commonpath((folder, one)) == os.path.normpath(one) for one in roots)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def beside_login(program: str, environ: Mapping[str, str]) -> str | None:
    """Return what the user has to know of `program`, our own, in the login shell in which Codex runs every command.

    None where such a shell finds it as a rule. One in a virtual environment is in the PATH of the shell alone in which
    that was activated.
    """
    if os.path.basename(program) == "xats" and calling.is_usual(program, environ):
        return None
    return (
        f"Codex runs commands in a login shell. If that has no {os.path.dirname(program)} in its PATH, the agent finds "
        "xats only by its path, which its wakes and hooks name; to see: bash -lc 'command -v xats'"
    )


# -- programs that read a file -----------------------------------------------------------------------------------------


def _opencode(client: Client, start: Launch, place: Place) -> Launch:
    """Name our plugin in OPENCODE_CONFIG_CONTENT, which is added to the user's configuration."""
    from pathlib import Path

    text = own(client, place.xats)
    path = _path(place, "opencode", text, ".js")
    plugin = Path(path).as_uri()
    given = place.environ.get("OPENCODE_CONFIG_CONTENT", "")
    try:
        content = _with_plugin(given, plugin) if given.strip() else to_json({"plugin": [plugin]})
    except Broken as problem:
        msg = f"OPENCODE_CONFIG_CONTENT: line {problem.line}, column {problem.column}: {problem}. Nothing was started."
        raise SettingsUnusable(msg) from problem
    environ = {**start.environ, "OPENCODE_CONFIG_CONTENT": content}
    return Launch(start.words, environ, ((path, text),), "launch", start.notes)


def _with_plugin(text: str, plugin: str) -> str:
    root = parse(text, comments=True)
    known = root.get("plugin") if root.kind == "object" else None
    if root.kind != "object" or (known and known.kind != "array"):
        message = "plugin is no list" if known else "the whole is no object"
        raise Broken(message, text, (known or root).start)
    return edit.append(text, root, known, plugin) if known else edit.append(text, root, root, [plugin], "plugin")


def _qwen(client: Client, start: Launch, place: Place) -> Launch:
    """Put ours into a copy of the defaults of the system, which are the weakest of its settings."""
    settings = place.environ.get("QWEN_CODE_SYSTEM_SETTINGS_PATH")
    system = "/Library/Application Support/QwenCode" if sys.platform == "darwin" else "/etc/qwen-code"
    usual = os.path.join(os.path.dirname(settings) if settings else system, "system-defaults.json")
    given = place.environ.get(DEFAULTS) or usual
    text = _added(given, files.text_of(files.read(given)), client, place)
    path = _path(place, "qwen", text, ".json")
    return Launch(start.words, {**start.environ, DEFAULTS: path}, ((path, text),), "launch", start.notes)


DEFAULTS = "QWEN_CODE_SYSTEM_DEFAULTS_PATH"
WAYS = {"claude-code": _claude_code, "codex": _codex, "opencode": _opencode, "qwen": _qwen}


def _path(place: Place, stem: str, text: str, suffix: str) -> str:
    from hashlib import sha256

    return os.path.join(place.folder, f"{stem}-{sha256(text.encode()).hexdigest()[:16]}{suffix}")


def write(path: str, text: str) -> None:
    """Have `text` in the file at `path`, whole or not at all. The folder must be this user's alone.

    Raises Unsafe, OSError.
    """
    sidefile.folder(os.path.dirname(path))
    sidefile.replace(path, text.encode())


def forget(path: str, now: int) -> None:
    """Remove such files as that at `path` which are from long before `now` (ms UTC). Raises OSError."""
    from contextlib import suppress

    folder, name = os.path.split(path)
    stem = name.partition("-")[0]
    for entry in os.scandir(folder):
        if entry.name.startswith((f"{stem}-", ".")) and now / 1000 - entry.stat().st_mtime > STALE:
            with suppress(OSError):
                os.unlink(entry)
