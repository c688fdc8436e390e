"""The verb by which a person agrees to what a crew file starts: trust."""

from __future__ import annotations

import os

from xats.base import calling, durations
from xats.base.errors import Usage
from xats.cli.crews import contents
from xats.cli.kit import people, render
from xats.crews import file
from xats.crews import trust as copies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.crews.entry import CrewFile, Entry

LEFT = "Nothing was changed."


def trust(
    here: Context,
    path: params.CrewFileArg = None,
    *,
    drop: params.TrustDropOption = False,
    everything: params.TrustListOption = False,
) -> int:
    """Agree to the programs that a crew file starts; for people only.

    A crew file is the xats.toml of a project with tables [agents.NAME]. xats starts nothing from it before a person has
    agreed. Running this verb is that agreement: it shows the commands, and asks nothing. The agreement covers the path
    of the file, each command with its arguments, folder, worktree, environment and prompt, and the content of each
    @FILE. If any of these has changed, xats up asks again.

    xats keeps a private copy of what you agreed to, and restarts programs only from this copy. The values of variables
    are shown on a terminal only.

    --drop takes your agreement back; programs that run are not ended. --list shows the files that you trust.

    Example: xats trust

    Example: xats trust ~/src/shop/xats.toml

    Example: xats trust --drop

    Example: xats trust --list
    """
    if everything:
        if path is not None or drop:
            msg = "--list takes no FILE and no --drop."
            raise Usage(msg, "xats trust --list")
        return _list(here)
    people.person(here, "agree to what a crew file starts", "ask a person to run it", in_left_pane=True)
    if drop:
        return _drop(here, _path(here, path))
    found = file.load(_path(here, path))
    before = copies.trusted(here.environ, found.path)
    changed = before is None or before.digest != found.digest
    if changed:
        copies.allow(here.environ, found)
    if here.json:
        render.document({"crew_file": _json(found, "trusted"), "changed": changed})
        return 0
    if here.quiet:
        return 0
    seen = render.on_terminal()
    render.stream(contents.folded(contents.lines(found, values=seen)))
    if before and changed:
        render.stream(contents.folded(contents.differences(before, found, values=seen)))
    render.say("You trust this file now." if changed else "You have already agreed to this.")
    return 0


def _path(here: Context, said: str | None) -> str:
    """Return the real path of the file `said`, by default that of this project. Raises NoCrew, Refused."""
    if said is not None:
        return file.real(said)
    found = file.find(here.project.here)
    if found is None:
        msg = f"This project has no crew file: there is no {here.project_file()}. {LEFT}"
        raise file.NoCrew(msg, "copy an example: xats up --example list; or name the file: xats trust FILE")
    return file.real(found)


def _drop(here: Context, path: str) -> int:
    done = copies.drop(here.environ, path)
    if here.json:
        render.document({"path": path, "changed": done})
    elif not here.quiet:
        shown = render.one_line(path)
        render.put(f"You do not trust {shown} any more." if done else f"You have not trusted {shown}.")
    return 0


def _list(here: Context) -> int:
    found = [(one, _state(one)) for one in copies.copies(here.environ)]
    if here.json:
        rows = [
            {
                "path": one.crew.path if one.crew else None,
                "copy": one.file,
                "state": state,
                "agents": [each.name for each in one.crew.entries] if one.crew else [],
                "trusted_at": durations.iso(one.at),
            }
            for one, state in found
        ]
        render.document({"crew_files": rows, "has_more": False})
        return 0
    if not found:
        render.say("You trust no crew file.")
        return 0
    if here.quiet:
        render.stream(render.one_line(one.crew.path) for one, _ in found if one.crew)
        return 0
    cells = [
        (
            one.crew.path if one.crew else one.file,
            state,
            len(one.crew.entries) if one.crew else None,
            durations.iso(one.at),
        )
        for one, state in found
    ]
    render.table(("FILE", "STATE", "AGENTS", "TRUSTED AT"), cells, stretch=("FILE",))
    if any(state == "changed" for _, state in found):
        changed = next(one.crew.path for one, state in found if state == "changed" and one.crew)
        render.note(f"to agree to its present content: xats trust {calling.quoted(changed)}")
    return 0


def _state(copy: copies.Copy) -> str:
    """Return whether the file is as a person has agreed to it."""
    if copy.crew is None:
        return "damaged"
    if not os.path.lexists(copy.crew.path):
        return "gone"
    try:
        now = file.load(copy.crew.path)
    except file.NoCrew:
        return "changed"
    except file.CrewFileInvalid:
        return "invalid"
    return "trusted" if now.digest == copy.crew.digest else "changed"


def _json(found: CrewFile, state: str) -> dict[str, Any]:
    return {"path": found.path, "state": state, "agents": [entry_json(one) for one in found.entries]}


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an agent of a crew file for a document, without the values of its variables."""
    return {
        "name": entry.name,
        "table": entry.table,
        "program": entry.program,
        "command": list(entry.command),
        "args": list(entry.args),
        "role": entry.role,
        "tags": list(entry.tags),
        "place": contents.where(entry),
        "cwd": entry.cwd,
        "worktree": entry.worktree,
        "branch": entry.branch,
        "prompt": entry.prompt,
        "prompt_file": entry.prompt_file,
        "env": [name for name, _ in entry.env],
        "writable_store": entry.writable,
        "restart": entry.restart,
        "order": entry.order,
    }
