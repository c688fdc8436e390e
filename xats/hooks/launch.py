"""How an agent program is started with our hooks for one launch alone, by its own options and variables.

How each program takes them stands in xats/clients/NAME.py (`launch`). No file of the user's is changed. What a program
only reads from a file stands in the folder `launch` of xats, under a name that tells its content. Seen at work in
Claude Code 2.1, Codex 0.171, opencode 1.18 and Qwen Code 0.24. Gemini CLI 0.61 takes such a file only when root owns
it, so it has no way, nor have the others.
"""

from __future__ import annotations

import os

from xats.base import calling, sidefile
from xats.base.jsontext import to_json
from xats.base.record import record, replace
from xats.clients import model
from xats.hooks.install import files, json_edit, merge
from xats.hooks.install.command import line
from xats.hooks.install.installed import look
from xats.hooks.install.json_parse import ParseError, parse
from xats.hooks.install.plan import own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xats.clients.model import Client, Hooks
    from xats.hooks.install.installed import Installed

NOT_STARTED = "Nothing was started."
STALE = 30 * 86_400  # seconds after its last launch that a file of an older xats goes


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

    `writable` is a folder that the sandbox of its tools is to let them write. Raises Refused for arguments that
    contradict ours, SettingsUnusable for settings in them that hooks cannot be added to.
    """
    start = Launch((program, *arguments), {}, (), "none")
    client = model.load(name)
    if client is None or client.hooks is None:
        return with_notes(start, f"{name} has no hooks: it reads its mail when it is woken")
    kit = Kit(client.hooks, place)
    if client.prepare:
        start = client.prepare(start, kit, writable)
    there = _installed(client.hooks, place)
    if there:
        notes = [f"{one.path}: {one.detail}" for one in there if one.detail]
        if not any(one.state == "installed" for one in there):
            notes.append(f"{there[0].path} is not as this xats would write it: xats hook install {name}")
        return with_notes(replace(start, hooks="installed"), *notes)
    if client.launch is None:
        return with_notes(start, f"{name} takes no hooks for one launch alone: xats hook install {name}")
    return client.launch(start, kit)


def _installed(client: Hooks, place: Place) -> list[Installed]:
    """Return where hooks of ours are that will run, the user's own first: a second time they would be noise."""
    paths = [(scope, client.path(scope, place.environ, place.project)) for scope in ("user", "project")]
    found = [look(client, scope, path, place.xats) for scope, path in paths]
    return [one for one in found if one.state in ("installed", "stale")]


def with_notes(start: Launch, *notes: str) -> Launch:
    """Return `start` with more to be known."""
    return replace(start, notes=(*start.notes, *notes))


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


class Kit:
    """What the launch of a program (`Client.launch`) is made with: its hooks, and where it is started."""

    def __init__(self, hooks: Hooks, place: Place) -> None:
        self._hooks, self._place = hooks, place

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment in which it is started."""
        return self._place.environ

    def values(self, arguments: Sequence[str], *names: str) -> list[tuple[int, int, str]]:
        """Return each value of the option `names` in `arguments` as (where, how many words it takes, value).

        What follows a lone `--` is none.
        """
        return _values(arguments, *names)

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Return each event and what stands in its list."""
        command = line(self._place.xats, self._hooks)
        return [(hook.event, self._hooks.entry(hook, command)) for hook in self._hooks.events]

    def settings(self) -> str:
        """Return settings that hold the hooks and nothing else, as JSON."""
        return to_json(merge.whole(self._hooks, self._place.xats))

    def plugin(self) -> str:
        """Return the text of the plugin."""
        return own(self._hooks, self._place.xats)

    def read(self, path: str) -> str | None:
        """Return the text of the settings file `path`, None where there is none. Raises SettingsUnusable."""
        file = files.read(path)
        return None if file.data is None else files.text_of(file)

    def added(self, path: str, text: str) -> str:
        """Return the settings `text` of `path` with the hooks in them. Raises SettingsUnusable."""
        with merge.located(path, NOT_STARTED):
            return merge.add(text, self._hooks, self._place.xats)

    def appended(self, path: str, text: str, name: str, value: str) -> str:
        """Return the settings `text` of `path` with `value` at the end of the list `name`. Raises SettingsUnusable."""
        if not text.strip():
            return to_json({name: [value]})
        with merge.located(path, NOT_STARTED):
            return _with_value(text, name, value)

    def path(self, stem: str, text: str, suffix: str) -> str:
        """Return where a file with `text` is to be; `Launch.files` has it written."""
        return _path(self._place, stem, text, suffix)


def _with_value(text: str, name: str, value: str) -> str:
    root = parse(text, comments=True)
    known = root.get(name) if root.kind == "object" else None
    if root.kind != "object" or (known and known.kind != "array"):
        message = f"{name} is no list" if known else "the whole is no object"
        raise ParseError(message, text, (known or root).start)
    return json_edit.append(text, root, known, value) if known else json_edit.append(text, root, root, [value], name)


def beside_login(client: Client, program: str, environ: Mapping[str, str]) -> str | None:
    """Return what the user has to know of `program`, our own, in the login shell in which `client` runs its commands.

    None where such a shell finds it as a rule. One in a virtual environment is in the PATH of the shell alone in which
    that was activated.
    """
    if os.path.basename(program) == "xats" and calling.is_usual(program, environ):
        return None
    return (
        f"{client.title} runs commands in a login shell. If that has no {os.path.dirname(program)} in its PATH, "
        "the agent finds xats only by its path, which its wakes and hooks name; to see: bash -lc 'command -v xats'"
    )


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
