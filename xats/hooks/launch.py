"""Start an agent program with the hooks of xats for one launch, by the program's own options and variables.

`launch` in xats/clients/NAME.py says how a program takes them. xats changes no file of the user. What a program only
reads from a file goes into the folder `launch` of xats, under a name made from its content. This was tried in Claude
Code 2.1, Codex 0.171, opencode 1.18 and Qwen Code 0.24. Gemini CLI 0.61 takes such a file only from root, so this is
not possible there, nor in the other programs.
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
STALE = 30 * 86_400  # seconds after the last launch with a file of an older xats until it is removed


@record
class Launch:
    """What is started."""

    words: tuple[str, ...]  #: the program and its arguments
    environ: dict[str, str]  #: what is added to its environment
    files: tuple[tuple[str, str], ...]  #: what it reads, as (path, text)
    hooks: str  #: "launch" (for this one), "installed" (before), or "none"
    notes: tuple[str, ...] = ()  #: what the user must know


@record
class Place:
    """Where it is started."""

    environ: Mapping[str, str]
    project: str  #: the folder of the project
    folder: str  #: the folder of the files that xats writes
    xats: tuple[str, ...]  #: the words that run this xats


def plan(name: str, program: str, arguments: Sequence[str], place: Place, writable: str | None = None) -> Launch:
    """Return how to start `program`, which is the client `name`, with the `arguments` of the user.

    `writable` is a folder that its tools must be able to write from their sandbox. Raises Refused for arguments that
    contradict those of xats, SettingsUnusable for settings in them to which xats cannot add hooks.
    """
    start = Launch((program, *arguments), {}, (), "none")
    client = model.load(name)
    if client is None or client.hooks is None:
        return with_notes(start, f"{name} has no hooks: it reads its mail when xats wakes it")
    kit = Kit(client.hooks, place)
    if client.prepare:
        start = client.prepare(start, kit, writable)
    there = _installed(client.hooks, place)
    if there:
        notes = [f"{one.path}: {one.detail}" for one in there if one.detail]
        if not any(one.state == "installed" for one in there):
            notes.append(f"{there[0].path} is not as this xats writes it; fix: xats hook install {name}")
        return with_notes(replace(start, hooks="installed"), *notes)
    if client.launch is None:
        return with_notes(start, f"{name} takes no hooks for one launch only; use: xats hook install {name}")
    return client.launch(start, kit)


def _installed(client: Hooks, place: Place) -> list[Installed]:
    """Return the files with hooks of xats that will run, the user's own first: those need no second installation."""
    paths = [(scope, client.path(scope, place.environ, place.project)) for scope in ("user", "project")]
    found = [look(client, scope, path, place.xats) for scope, path in paths]
    return [one for one in found if one.state in ("installed", "stale")]


def with_notes(start: Launch, *notes: str) -> Launch:
    """Return `start` with more notes for the user."""
    return replace(start, notes=(*start.notes, *notes))


def _values(arguments: Sequence[str], *names: str) -> list[tuple[int, int, str]]:
    """Return each value of the options `names` as (index, number of words, value), up to a lone `--`."""
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
    """What `Client.launch` makes a launch from: the hooks of the program, and where it is started."""

    def __init__(self, hooks: Hooks, place: Place) -> None:
        self._hooks, self._place = hooks, place

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment in which the program is started."""
        return self._place.environ

    def values(self, arguments: Sequence[str], *names: str) -> list[tuple[int, int, str]]:
        """Return each value of the options `names` in `arguments` as (index, number of words, value).

        No option follows a lone `--`.
        """
        return _values(arguments, *names)

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Return each event with the entry for its list."""
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
        """Return the path for a file with `text`, which `Launch.files` then holds."""
        return _path(self._place, stem, text, suffix)


def _with_value(text: str, name: str, value: str) -> str:
    root = parse(text, comments=True)
    known = root.get(name) if root.kind == "object" else None
    if root.kind != "object" or (known and known.kind != "array"):
        message = f"{name} must be a list" if known else "the settings must be an object"
        raise ParseError(message, text, (known or root).start)
    return json_edit.append(text, root, known, value) if known else json_edit.append(text, root, root, [value], name)


def beside_login(client: Client, program: str, environ: Mapping[str, str]) -> str | None:
    """Return a warning where `client` runs commands in a login shell that may not find xats, which is `program`.

    None where such a shell usually finds it. A program in a virtual environment is only in the PATH of the shell that
    activated the environment.
    """
    if os.path.basename(program) == "xats" and calling.is_usual(program, environ):
        return None
    return (
        f"{client.title} runs commands in a login shell. If the PATH of that shell lacks {os.path.dirname(program)}, "
        "the agent must call xats by its path, which wakes and hooks name; to check: bash -lc 'command -v xats'"
    )


def _path(place: Place, stem: str, text: str, suffix: str) -> str:
    from hashlib import sha256

    return os.path.join(place.folder, f"{stem}-{sha256(text.encode()).hexdigest()[:16]}{suffix}")


def write(path: str, text: str) -> None:
    """Write `text` to the file at `path` atomically. The folder must be private to this user.

    Raises Unsafe, OSError.
    """
    sidefile.folder(os.path.dirname(path))
    sidefile.replace(path, text.encode())


def forget(path: str, now: int) -> None:
    """Remove files like the one at `path` that were written long before `now` (ms UTC). Raises OSError."""
    from contextlib import suppress

    folder, name = os.path.split(path)
    stem = name.partition("-")[0]
    for entry in os.scandir(folder):
        if entry.name.startswith((f"{stem}-", ".")) and now / 1000 - entry.stat().st_mtime > STALE:
            with suppress(OSError):
                os.unlink(entry)
