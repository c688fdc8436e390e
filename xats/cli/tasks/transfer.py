"""Tasks as JSON Lines: import, export."""

from __future__ import annotations

import json
import sys
import time

from xats.base.durations import iso
from xats.base.errors import XatsError
from xats.cli.kit import reading, render
from xats.cli.kit.progress import Progress
from xats.cli.kit.scope import team_of
from xats.cli.tasks import text
from xats.core.tasks import tasks
from xats.core.tasks import transfer as core
from xats.core.tasks.errors import InvalidTask
from xats.core.tasks.planning import New

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.tasks.tasks import Task
    from xats.core.tasks.transfer import Item
    from xats.store import Tx


def export(here: Context, *, every: params.EndedOption = False) -> int:
    """Print tasks as JSON Lines, for import.

    It prints the tasks that have not ended, and the tasks that they need; with --all every task of the team.

    Example: xats task export --all
    """
    text.settle(here)
    team = team_of(here)
    found = here.store.read(lambda tx: core.export(tx, team, ended=every))
    known = {one.listed.task.id for one in found}
    lines = []
    for one in found:
        values = core.values(one)
        # A task that is not in the file is done, or is a parent of one in it.
        values["needs"] = [need for need in values["needs"] if need in known]
        values["parent"] = values["parent"] if values["parent"] in known else None
        values["due_at"] = iso(values["due_at"])
        lines.append(values)
    if here.json:
        render.document({"tasks": lines})
    else:
        render.stream(render.json_line(one) for one in lines)
    return 0


class _DryRun(Exception):
    """Rolls back a dry run."""


def import_(here: Context, source: params.ImportFileArg, *, dry_run: params.ImportDryRunOption = False) -> int:
    """Add every task of a JSON Lines file, or none.

    Each line is an object with a title. It may also have description, to, role, needs (a list of ids in the same
    file), parent, priority, key, review (a list of roles), due_at and notify. The tasks get new ids. A claimed task is
    open afterwards.

    Example: xats task import tasks.jsonl --dry-run
    """
    items = read(source, quiet=here.quiet)
    done: list[tuple[Task, bool]] = []

    def work(tx: Tx, me: Me) -> None:
        done[:] = core.add_all(tx, me.agent, items, bar.each)
        if dry_run:
            raise _DryRun

    text.settle(here)
    bar = Progress("adding tasks", 2 * len(items), quiet=here.quiet)
    try:
        with bar:
            here.write(work)
    except _DryRun:
        pass
    except XatsError as problem:
        if problem.index is not None:
            raise _at(problem.index + 1, str(problem), problem.hint, problem) from problem
        raise
    new = sum(created for _, created in done)
    if not dry_run:
        here.rouse_daemon()
    if here.json:
        rows = [
            {"id": None if dry_run and created else task.id, "old_id": item.id, "title": task.title, "created": created}
            for item, (task, created) in zip(items, done, strict=True)
        ]
        render.document({"tasks": rows, "created": new, "dry_run": dry_run})
    elif here.quiet:
        render.stream(str(task.id) for task, _ in (() if dry_run else done))
    else:
        kept = f", {len(done) - new} with a known key" if new < len(done) else ""
        range_ = ", ".join(f"#{task.id}" for task, created in done[:10] if created) + (
            ", ..." if len(done) > 10 else ""
        )
        what = "would be added" if dry_run else f"added: {range_}" if new else "added"
        render.put(f"{new} task{'' if new == 1 else 's'} {what}{kept}")
    return 0


def read(source: str, *, quiet: bool = False) -> list[Item]:
    """Return the tasks in the file `source`. Raises InvalidTask with the number of the first line that is wrong."""
    try:
        if source == "-":
            data = sys.stdin.buffer.read()
        else:
            with reading.opened(source) as file:
                data = file.read()
        lines = data.decode().removesuffix("\n").split("\n") if data.strip() else []
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        msg = f"The file {source} cannot be read: {why}. Nothing was added."
        raise InvalidTask(msg, "name a file with one task on each line; `-` is standard input") from problem
    if not lines:
        msg = "The file is empty. Nothing was added."
        raise InvalidTask(msg, 'each line is one task: {"title": "Write the parser"}')
    with Progress("checking", len(lines), quiet=quiet) as bar:
        return [_item(number, line) for number, line in enumerate(bar.each(lines), 1)]


def _item(number: int, line: str) -> Item:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise _at(number, f"it is not JSON ({problem}).") from problem
    if not isinstance(values, dict):
        raise _at(number, "it is not a JSON object.")
    _check(number, values)
    state = values.get("state")
    return core.Item(
        new=_new(number, values),
        id=values.get("id"),
        needs=tuple(values.get("needs") or ()),
        parent=values.get("parent"),
        ended=state if state in tasks.ENDED else None,
        outcome=values.get("outcome"),
    )


def _check(number: int, values: dict[str, Any]) -> None:
    """Check the fields of line `number`. Raises InvalidTask, which names the first field that is wrong."""
    from pydantic import ValidationError

    from xats.cli.models.tasks import TaskInput

    try:
        TaskInput.model_validate(values)
    except ValidationError as problem:
        # Invalid UTF-8 is refused later; that error names the character.
        errors = [one for one in problem.errors(include_url=False) if one["type"] != "string_unicode"]
        places = {name: place for place, name in enumerate(values)}
        errors.sort(key=lambda one: places.get(str(one["loc"][0]), len(places)))
        for error in errors:
            name, kind = str(error["loc"][0]), error["type"]
            if kind == "extra_forbidden":
                fields = ", ".join(TaskInput.model_fields)
                raise _at(number, f"there is no field {name[:40]!r}.", f"the fields are {fields}") from None
            if name == "title" and not values.get("title"):
                raise _at(number, "title is missing.", '{"title": "Write the parser"}') from None
            if kind == "literal_error" and isinstance(values[name], str):
                hint = f"one of: {', '.join(tasks.STATES)}"
                raise _at(number, f"state cannot be {json.dumps(values[name])[:60]}.", hint) from None
            raise _at(number, f"{name} cannot be {json.dumps(values[name])[:60]}.") from None


def _new(number: int, values: dict[str, Any]) -> New:
    priority = values.get("priority")
    return New(
        title=values["title"],
        description=values.get("description") or "",
        to=values.get("to"),
        role=values.get("role"),
        priority=tasks.PRIORITY if priority is None else priority,
        key=values.get("key"),
        review=tuple(values.get("review") or ()),
        due_at=_time(number, values.get("due_at")),
        notify=values.get("notify"),
    )


def _time(number: int, said: str | None) -> int | None:
    """Return a time such as 2026-03-01T12:00:00.000Z in ms UTC."""
    if said is None:
        return None
    from calendar import timegm

    whole, _, rest = said.removesuffix("Z").partition(".")
    try:
        seconds = timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
        return seconds * 1000 + int(f"{rest:0<3}"[:3])
    except ValueError as problem:
        raise _at(number, f"due_at cannot be {said[:40]!r}.", "write 2026-03-01T12:00:00Z", problem) from problem


def _at(number: int, why: str, hint: str = "", cause: Exception | None = None) -> XatsError:
    """Return the error for line `number`, of the type of its cause if that is an XatsError."""
    kind = type(cause) if isinstance(cause, XatsError) else InvalidTask
    data = cause.data if isinstance(cause, XatsError) else {}
    why = why.replace(" Nothing was changed.", "").replace(" Nothing was sent.", "")
    return kind(f"Line {number} of the file: {why} Nothing was added.", hint, **{**data, "line": number})
