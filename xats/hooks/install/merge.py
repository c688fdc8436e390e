"""Add the entries of xats to the settings of an agent program, and remove them. Nothing else in the text changes.

New entries come last in their lists and never move: Codex knows an approved hook by its position. Before the text is
written, xats reads it again and compares it with the text from before.
"""

from __future__ import annotations

from contextlib import contextmanager

from xats.base.errors import SettingsUnusable
from xats.base.record import record
from xats.hooks.install import json_edit
from xats.hooks.install.command import line, words_of
from xats.hooks.install.json_parse import SPACE, ParseError, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from xats.clients.model import Hook, Hooks
    from xats.hooks.install.json_parse import Node

BOM = "\ufeff"
VERBS = ("run", "wait")


@record
class Place:
    """The position of a handler of xats in settings."""

    event: str
    group: int  #: in the list of the event
    number: int  #: in the list of the group; 0 where there are no groups
    verb: str  #: "run" or "wait"
    words: tuple[str, ...]  #: the program that it runs
    alone: bool  #: whether its group has no other handler
    matcher: str  #: of its group
    handler: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """The key of its hook."""
        return self.event, self.verb


# -- looking -----------------------------------------------------------------------------------------------------------


def read(text: str, client: Hooks) -> Node | None:
    """Return the JSON of a settings file; None for an empty one. Raises ParseError."""
    if not text.strip(SPACE):
        return None
    root = parse(text, comments=client.comments)
    if root.kind != "object":
        message = "the settings must be an object"
        raise ParseError(message, text, root.start)
    return root


@contextmanager
def located(path: str, left: str = "Nothing was changed.") -> Iterator[None]:
    """Turn a ParseError into SettingsUnusable, which names `path`, line and column, and by `left` what was not done."""
    try:
        yield
    except ParseError as problem:
        msg = f"{path}: line {problem.line}, column {problem.column}: {problem}. {left}"
        raise SettingsUnusable(msg, path=path, line=problem.line, column=problem.column) from problem


def settings(path: str, text: str, client: Hooks) -> object:
    """Return the settings in the `text` of the file at `path`. Raises SettingsUnusable."""
    with located(path):
        root = read(text.removeprefix(BOM), client)
    return root.value if root else {}


def ours(value: Any, client: Hooks) -> list[Place]:
    """Return the handlers of xats in settings, in order; none where `value` has no hooks."""
    hooks = value.get("hooks") if isinstance(value, dict) else None
    if not isinstance(hooks, dict):
        return []
    return [place for event, groups in hooks.items() for place in _of_event(groups, event, client)]


def _of_event(groups: Any, event: str, client: Hooks) -> list[Place]:
    found = []
    for index, group in enumerate(groups if isinstance(groups, list) else ()):
        inner = group.get("hooks") if isinstance(group, dict) and client.form == "groups" else [group]
        handlers = inner if isinstance(inner, list) else []
        for number, handler in enumerate(handlers):
            command = handler.get(client.command) if isinstance(handler, dict) else None
            for verb in VERBS:
                words = words_of(command, client, verb)
                if words:
                    matcher = _matcher(group.get("matcher"))
                    found.append(Place(event, index, number, verb, words, len(handlers) == 1, matcher, handler))
    return found


def waits(value: Any, client: Hooks) -> bool:
    """Tell whether settings hold a waiter of xats."""
    return any(one.verb == "wait" for one in ours(value, client))


def missing(value: Any, client: Hooks) -> list[str]:
    """Return the events of `client` for which `value` lacks a handler as this xats writes it."""
    places = ours(value, client)
    found = [
        hook.event
        for hook in client.events
        if not any(one.key == hook.key and _is_current(one, hook, client, one.words) for one in places)
    ]
    return list(dict.fromkeys(found))


def _is_current(place: Place, hook: Hook, client: Hooks, words: Sequence[str]) -> bool:
    wanted = client.handler(hook, line(words, client, hook.verb))
    return place.handler == json_edit.plain(wanted) and (client.form != "groups" or place.matcher == hook.matcher)


def _matcher(value: Any) -> str:
    return value if isinstance(value, str) and value != "*" else ""


# -- adding ------------------------------------------------------------------------------------------------------------


def add(text: str, client: Hooks, words: Sequence[str]) -> str:
    """Return `text` with the hooks of `client` in it, run by the program `words`. Raises ParseError."""
    bom, text = _without_bom(text)
    root = read(text, client)
    if root is None:
        return bom + json_edit.fresh(whole(client, words))
    new = text
    if client.version and "version" not in root.names:
        new = json_edit.append(new, root, root, 1, "version")
    for hook in client.events:
        new = _put(new, client, hook, words)
    for event, verb in {one.key for one in ours(root.value, client)} - {hook.key for hook in client.events}:
        new = _without_event(new, client, event, {}, (verb,))
    after = parse(new, comments=client.comments)
    places = ours(after.value, client)
    right = not missing(after.value, client) and len(places) == len(client.events)
    if not (
        right and {one.words for one in places} == {tuple(words)} and _same_but_ours(root, after, client, added=True)
    ):
        message = "xats cannot add its hooks without changing something else"
        raise ParseError(message, text, root.start)
    return bom + new


def whole(client: Hooks, words: Sequence[str]) -> dict[str, Any]:
    """Return the settings that hold the hooks of `client` and nothing else."""
    hooks: dict[str, list[Any]] = {}
    for hook in client.events:
        hooks.setdefault(hook.event, []).append(client.entry(hook, line(words, client, hook.verb)))
    return {"version": 1, "hooks": hooks} if client.version or client.form == "own" else {"hooks": hooks}


def _put(text: str, client: Hooks, hook: Hook, words: Sequence[str]) -> str:
    """Return `text` with exactly one handler of xats for `hook`. An existing one keeps its position."""
    command = line(words, client, hook.verb)
    wanted = client.entry(hook, command)
    while True:
        root = parse(text, comments=client.comments)
        hooks = _expect(text, root.get("hooks"), "object", "hooks")
        if hooks is None:
            return json_edit.append(text, root, root, {hook.event: [wanted]}, "hooks")
        groups = _expect(text, hooks.get(hook.event), "array", f"hooks.{hook.event}")
        if groups is None:
            return json_edit.append(text, root, hooks, [wanted], hook.event)
        for number, group in enumerate(groups.items):
            _expect(text, group, "object", f"hooks.{hook.event}[{number}]")
            if client.form == "groups":
                _expect(text, group.get("hooks"), "array", f"hooks.{hook.event}[{number}].hooks")
        places = [one for one in _of_event(groups.value, hook.event, client) if one.verb == hook.verb]
        kept = [one for one in places if one.alone or one.matcher == hook.matcher][:1]
        surplus = [one for one in places if one not in kept or (one.group, one.number) != _at(kept[0])]
        if surplus:
            text = _cut(text, groups, surplus[-1], client)
        elif not kept:
            return json_edit.append(text, root, groups, wanted)
        elif kept[0].alone and not _is_current(kept[0], hook, client, words):
            return json_edit.replace(text, root, groups.items[kept[0].group], wanted)
        elif not _is_current(kept[0], hook, client, words):
            handler = _handlers(groups.items[kept[0].group], client)[kept[0].number]
            return json_edit.replace(text, root, handler, client.handler(hook, command))
        else:
            return text


def _at(place: Place) -> tuple[int, int]:
    return place.group, place.number


def _handlers(group: Node, client: Hooks) -> tuple[Node, ...]:
    inner = group.get("hooks") if client.form == "groups" else None
    return inner.items if inner else (group,)


def _expect(text: str, node: Node | None, kind: str, what: str) -> Node | None:
    if node is not None and node.kind != kind:
        message = f"{what} must be {'a list' if kind == 'array' else f'an {kind}'}"
        raise ParseError(message, text, node.start)
    return node


# -- removing ----------------------------------------------------------------------------------------------------------


def remove(text: str, client: Hooks, before: str = "") -> str:
    """Return `text` without the handlers of xats, and without the lists that are empty then. Raises ParseError.

    `before` is the text from before the installation, if that is known: lists that were empty in it stay.
    """
    bom, text = _without_bom(text)
    root = read(text, client)
    if root is None:
        return bom + text
    try:
        known = read(before.removeprefix(BOM), client)
    except ParseError:
        known = None
    new = text
    for event in {one.event: None for one in ours(root.value, client)}:
        new = _without_event(new, client, event, known.value if known else {})
    if client.version and known and "version" not in known.names and root.value.get("version") == ("number", "1"):
        now = parse(new, comments=client.comments)
        new = json_edit.remove(new, now, now.names.index("version"))
    after = parse(new, comments=client.comments)
    if not _same_but_ours(root, after, client, added=False) or ours(after.value, client):
        message = "xats cannot remove its hooks without changing something else"
        raise ParseError(message, text, root.start)
    return bom + new


def _without_bom(text: str) -> tuple[str, str]:
    return (BOM, text[1:]) if text.startswith(BOM) else ("", text)


def _without_event(text: str, client: Hooks, event: str, known: Any, verbs: Sequence[str] = VERBS) -> str:
    """Return `text` without our handlers of `event`, and without its empty list unless `known` has that."""
    while True:
        root = parse(text, comments=client.comments)
        hooks = root.get("hooks")
        groups = hooks.get(event) if hooks else None
        if hooks is None or groups is None:
            return text
        places = [one for one in _of_event(groups.value, event, client) if one.verb in verbs]
        if places:
            text = _cut(text, groups, places[-1], client)
            continue
        if groups.items:
            return text
        had = known.get("hooks") if isinstance(known.get("hooks"), dict) else None
        if had is not None and event in had:
            return text
        if len(hooks.items) > 1 or had is not None:
            return json_edit.remove(text, hooks, hooks.names.index(event))
        return json_edit.remove(text, root, root.names.index("hooks"))


def _cut(text: str, groups: Node, place: Place, client: Hooks) -> str:
    """Return `text` without the handler at `place`, and without its group if that has no other."""
    inner = groups.items[place.group].get("hooks") if client.form == "groups" else None
    if inner is None or place.alone:
        return json_edit.remove(text, groups, place.group)
    return json_edit.remove(text, inner, place.number)


# -- verifying ---------------------------------------------------------------------------------------------------------


def _same_but_ours(before: Node, after: Node, client: Hooks, *, added: bool) -> bool:
    """Tell whether two settings are the same, in the same order, except for entries of xats."""
    for_version = before if added else after  # the one in which it may be missing
    drop = client.version and "version" not in for_version.names
    return repr(_others(before.value, client, drop=drop)) == repr(_others(after.value, client, drop=drop))


def _others(value: Any, client: Hooks, *, drop: bool) -> Any:
    """Return settings without the handlers of xats, and without empty lists of hooks."""
    left = {name: inner for name, inner in value.items() if name != "hooks" and not (drop and name == "version")}
    hooks = value.get("hooks")
    if not isinstance(hooks, dict):
        return (left, hooks)
    kept = {}
    for event, groups in hooks.items():
        if not isinstance(groups, list):
            kept[event] = groups
            continue
        places = {_at(one) for one in _of_event(groups, event, client)}
        others = []
        for index, group in enumerate(groups):
            mine = {number for at, number in places if at == index}
            if not mine:
                others.append(group)
            elif client.form == "groups" and len(mine) < len(group["hooks"]):
                rest = [one for number, one in enumerate(group["hooks"]) if number not in mine]
                others.append({**group, "hooks": rest})
        if others:
            kept[event] = others
    return (left, kept or None)
