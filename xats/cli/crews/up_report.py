"""What `xats up` says of each agent of a crew file."""

from __future__ import annotations

import shlex

from xats.base import durations
from xats.base.record import record
from xats.cli.crews.start import first_line, where_failed, why_untyped
from xats.cli.kit import documents, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from xats.cli.kit.context import Context
    from xats.core.crews.starts import Start
    from xats.crews.entry import CrewFile, Entry

    Outcome = Literal[
        "started", "running", "starting", "needs_you", "failed", "left_alone", "would_start", "would_restart"
    ]


@record
class Result:
    """What has become of one agent of a crew file."""

    entry: Entry
    outcome: Outcome
    reason: str = ""  #: for `would_start` and `would_restart` the path of the program
    hint: str = ""
    start: Start | None = None


def failure(entry: Entry, problem: Exception) -> Result:
    """Return that nothing was started for `entry`, because of `problem`."""
    said = str(problem).removesuffix("Nothing was started.").strip()
    return Result(entry, "failed", said, getattr(problem, "hint", ""))


def document(here: Context, crew: CrewFile, results: Sequence[Result], *, dry_run: bool) -> None:
    """Print the results as one document, with --json."""
    if not here.json:
        return
    rows: list[dict[str, Any]] = [
        {
            "agent": _address(here, one),
            "table": one.entry.table,
            "outcome": one.outcome,
            "reason": one.reason or None,
            "hint": one.hint or None,
            "start": documents.start_json(one.start),
        }
        for one in results
    ]
    render.document({"file": crew.path, "dry_run": dry_run, "agents": rows, "has_more": False})


def _address(here: Context, one: Result) -> str:
    return one.start.agent.address if one.start else f"{one.entry.name}@{here.team}"


def show(here: Context, results: Sequence[Result]) -> None:
    """Print a line for each result, and what a person does next."""
    for one in results if not here.json else ():
        if here.quiet:
            if one.outcome in ("started", "would_start", "would_restart"):
                render.put(one.entry.name)
            elif one.outcome != "running":
                render.warn(_line(one).rstrip(":"))
            continue
        render.put(_line(one))
        start = one.start
        if one.outcome == "needs_you" and start:
            for line in render.visible(start.detail or "").split("\n"):
                render.say(f"  | {line}")
            render.say(f"  to answer it: {here.command('attach', start.agent.name)}")
        elif one.outcome == "left_alone" and start and not one.hint:
            render.say(f"  to look at it: {here.command('attach', start.agent.name)}")
        elif one.outcome == "failed" and start and start.pane:
            render.say(f"  {where_failed(start)}")
        elif one.hint:
            render.say(f"  try: {render.one_line(here.complete(one.hint))}")
        if start and one.outcome in ("started", "running") and start.prompt == "pending":
            render.say(f"  its first prompt waits: {why_untyped(here, start)}")
        elif start and one.outcome == "started" and start.prompt == "failed":
            render.warn("xats typed the first prompt, but did not see it submitted; look at the pane")


def _line(one: Result) -> str:
    entry, start = one.entry, one.start
    name = start.agent.name if start else entry.name
    where = f" in pane {start.pane.pane_id}" if start and start.pane else ""
    client = f" ({start.client})" if start else ""
    reason = render.one_line(one.reason)
    if one.outcome == "started":
        assert start
        took = durations.rough(max(0, start.state_at - start.created_at))
        return f"{name} started{where}{client}, ready after {took}"
    if one.outcome == "running":
        return f"{name} runs already{where}{client}" + (f": {reason}" if reason else "")
    if one.outcome == "needs_you":
        return f"{name} needs you{where}{client}:"
    if one.outcome == "starting":
        return f"{name} is not ready yet{where}{client}; the daemon watches it"
    if one.outcome == "failed":
        return f"{name} failed: {first_line(one.reason)}"
    if one.outcome == "left_alone":
        return f"{name} left alone: {reason}"
    what = "would be ended, and start again" if one.outcome == "would_restart" else "would start"
    place = f"in the session {entry.session}" if entry.place == "session" else f"in a {entry.place} of its own"
    tree = f", worktree .worktrees/{entry.name}" if entry.worktree else ""
    words = shlex.join((one.reason, *entry.command[1:], *entry.args))
    return f"{name} {what} {place}{tree}:\n  {render.one_line(words)}"
