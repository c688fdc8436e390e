"""Look at what is installed in one file: which hooks of xats it holds, and whether they are current and can run."""

from __future__ import annotations

import shlex

from xats.base.errors import SettingsUnusable
from xats.base.record import record
from xats.hooks.install import files, merge, plugins
from xats.hooks.install.command import runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.model import Hooks


@record
class Installed:
    """What is found in one file."""

    client: Hooks
    scope: str
    path: str
    state: str  #: "absent", "installed", "stale" (this xats writes it otherwise), "broken" (cannot run), "unreadable"
    events: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  #: events without a hook, or with one that this xats writes otherwise
    program: str | None = None  #: the program that the hooks run
    exists: bool = False
    this: bool = False  #: whether that is the xats that looks
    detail: str = ""
    waiter: bool = False  #: whether the program keeps a waiter


@record
class _Found:
    """The hooks of xats in one file."""

    client: Hooks  #: with its waiter, if the file has one
    events: tuple[str, ...]
    program: tuple[str, ...]
    current: bool  #: whether they are as this xats writes them for that program
    missing: tuple[str, ...] = ()
    detail: str = ""
    waiter: bool = False


def look(client: Hooks, scope: str, path: str, words: Sequence[str]) -> Installed:
    """Return which hooks of xats are in the file at `path`; `words` run the xats that looks."""
    try:
        text = files.text_of(files.read(path))
        found = _in_plugin(client, text) if client.form == "plugin" else _in_settings(client, path, text)
    except SettingsUnusable as problem:
        return Installed(client, scope, path, "unreadable", detail=str(problem).removesuffix(" Nothing was changed."))
    if found is None:
        foreign = bool(text) and client.form in ("own", "plugin")
        return Installed(client, scope, path, "absent", detail="xats did not write this file" if foreign else "")
    exists = runs(found.program)
    return Installed(
        found.client,
        scope,
        path,
        state="broken" if not exists else "installed" if found.current else "stale",
        events=found.events,
        missing=found.missing,
        program=shlex.join(found.program),
        exists=exists,
        this=found.program == tuple(words),
        detail=found.detail,
        waiter=found.waiter,
    )


def _in_settings(client: Hooks, path: str, text: str) -> _Found | None:
    """Return the hooks of `client` in the settings `text` of the file at `path`. Raises SettingsUnusable."""
    value = merge.settings(path, text, client)
    places = merge.ours(value, client)
    if not places:
        return None
    waiter = merge.waits(value, client)
    if waiter:
        client = client.with_waiter()
    wanted = [hook.event for hook in client.events]
    events = tuple(dict.fromkeys(one.event for one in places))
    missing = tuple(merge.missing(value, client))
    others = [one for one in places if one.words != places[0].words]
    current = not (missing or others or set(events) - set(wanted) or len(places) > len(wanted))
    off = isinstance(value, dict) and value.get("disableAllHooks") is True
    detail = "hooks are turned off there (disableAllHooks)" if off else ""
    return _Found(client, events, places[0].words, current, missing, detail, waiter)


def _in_plugin(client: Hooks, text: str) -> _Found | None:
    """Return the hooks in the plugin `text` of `client`."""
    program = plugins.program(text, client)
    if program is None:
        return None
    events = tuple(hook.event for hook in client.events)
    detail = "" if plugins.unchanged(text) else "it was changed by hand"
    current = text == plugins.write(client, program)
    return _Found(client, events, program, current, detail=detail, waiter=True)
