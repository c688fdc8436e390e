"""Plan what installing or uninstalling changes in one file, show the plan as a diff, and carry it out."""

from __future__ import annotations

from xats.base.errors import SettingsUnusable
from xats.base.record import record
from xats.hooks.install import files, json_edit, merge, plugins
from xats.hooks.install.command import words_of
from xats.hooks.install.json_parse import ParseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.model import Hooks
    from xats.hooks.install.files import File


@record
class Plan:
    """A planned change of one file."""

    client: Hooks
    file: File
    after: bytes | None  #: the new content; None: the file is removed
    backup: str | None  #: the path of the copy from before, also where this change removes it
    install: bool
    action: str  #: "unchanged", "created", "changed", "removed" (the file) or "restored" (to the copy)

    @property
    def changes(self) -> bool:
        """Whether the file changes."""
        return self.after != self.file.data


def _plan(client: Hooks, file: File, after: bytes | None, backup: str | None = None, *, install: bool) -> Plan:
    if after == file.data:
        action = "unchanged"
    elif file.data is None:
        action = "created"
    elif after is None:
        action = "removed"
    else:
        action = "restored" if not install and after == file.before() else "changed"
    return Plan(client, file, after, backup, install, action)


def plan_install(client: Hooks, path: str, words: Sequence[str], *, waiter: bool | None = None) -> Plan:
    """Return the plan that adds the hooks of `client`, run by the program `words`, to the file at `path`.

    `waiter` says whether its waiter is added too, if it can have one; None keeps the present state. Raises
    SettingsUnusable for a file that xats cannot change safely.
    """
    file = files.read(path)
    text = files.text_of(file)
    if client.form in ("own", "plugin"):
        if text and not _is_ours(text, client):
            msg = f"{path} exists, and xats did not write it. Nothing was changed."
            raise SettingsUnusable(msg, "move it away, or: " + _uninstall(client, "--force"), path=path)
        return _plan(client, file, own(client, words).encode(), install=True)
    if waiter or (waiter is None and merge.waits(merge.settings(path, text, client), client)):
        client = client.with_waiter()
    with merge.located(path):
        new = merge.add(text, client, words).encode()
    kept = file.backup if file.before() is not None or (file.data is not None and new != file.data) else None
    return _plan(client, file, new, kept, install=True)


def plan_uninstall(client: Hooks, path: str, *, force: bool = False) -> Plan:
    """Return the plan that removes the hooks of `client` from the file at `path`.

    With `force` a whole file of xats is removed even if it was changed. Raises SettingsUnusable.
    """
    file = files.read(path)
    if file.data is None:
        return _plan(client, file, None, install=False)
    text = files.text_of(file)
    if client.form in ("own", "plugin"):
        if not _is_ours(text, client) and not force:
            msg = f"{path} was changed since xats wrote it. Nothing was changed."
            raise SettingsUnusable(msg, _uninstall(client, "--force"), path=path)
        return _plan(client, file, None, install=False)
    before = file.before()
    kept = file.backup if before is not None else None
    if not merge.ours(merge.settings(path, text, client), client):
        return _plan(client, file, file.data, kept, install=False)
    if _only_added(client, text, before):
        return _plan(client, file, before, kept, install=False)
    try:
        known = (before or b"").decode()
    except UnicodeDecodeError:
        known = ""
    with merge.located(path):
        new = merge.remove(text, client, known).encode()
    return _plan(client, file, new, kept, install=False)


def carry_out(plan: Plan) -> None:
    """Make the change. Raises SettingsBusy when the file has changed meanwhile, and SettingsUnusable."""
    if plan.changes:
        if plan.after is None:
            files.delete(plan.file)
        else:
            files.replace(plan.file, plan.after, keep=plan.install and plan.backup is not None)
    if not plan.install and plan.backup:
        files.forget(plan.file)


def diff(plan: Plan) -> str:
    """Return the change as a unified diff."""
    from difflib import unified_diff

    old = _lines(plan.file.data)
    new = _lines(plan.after)
    names = ("/dev/null" if plan.file.data is None else plan.file.path, plan.file.path)
    if plan.after is None:
        names = (plan.file.path, "/dev/null")
    shown = []
    for one in unified_diff(old, new, *names):
        shown.append(one if one.endswith("\n") else f"{one}\n\\ No newline at end of file\n")
    return "".join(shown)


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode(errors="replace")
    return [part + "\n" for part in text.split("\n")[:-1]] + [part for part in text.split("\n")[-1:] if part]


def own(client: Hooks, words: Sequence[str]) -> str:
    """Return the text of a file that holds nothing but hooks of xats."""
    if client.form == "plugin":
        return plugins.write(client, words)
    return json_edit.fresh(merge.whole(client, words))


def _is_ours(text: str, client: Hooks) -> bool:
    """Tell whether any version of xats wrote the file with `text`."""
    if client.form == "plugin":
        return plugins.unchanged(text)
    try:
        root = merge.read(text, client)
    except ParseError:
        return False
    if root is None or set(root.names) != {"version", "hooks"}:
        return False
    hooks = root.value["hooks"]
    events = list(hooks.values()) if isinstance(hooks, dict) else []
    if not all(isinstance(one, list) for one in events):
        return False
    handlers = [one for event in events for one in event]
    known = {client.command, "type", "matcher", client.timeout}
    return bool(handlers) and all(
        isinstance(one, dict) and set(one) <= known and words_of(one.get(client.command), client) for one in handlers
    )


def _only_added(client: Hooks, text: str, before: bytes | None) -> bool:
    """Tell whether `text` is the text from `before` with the hooks of xats, and nothing else."""
    root = merge.read(text.removeprefix(merge.BOM), client)
    words = {one.words for one in merge.ours(root.value, client)} if root else set()
    if root is None or len(words) != 1:
        return False
    if merge.waits(root.value, client):
        client = client.with_waiter()
    try:
        return merge.add((before or b"").decode(), client, words.pop()) == text
    except (UnicodeDecodeError, ParseError):
        return False


def _uninstall(client: Hooks, option: str) -> str:
    return f"xats hook uninstall {client.name} {option}"
