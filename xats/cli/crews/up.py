"""The verb that starts the agents of a crew file: up."""

from __future__ import annotations

import os
import shlex
from itertools import groupby

from xats.base.errors import FAILURE, NotFound, PeopleOnly, Refused, Usage, XatsError
from xats.cli.crews import members, together, up_report
from xats.cli.crews.together import Member
from xats.cli.crews.up_report import Result
from xats.cli.kit import people, render
from xats.core.crews import starts
from xats.core.crews.errors import AlreadyStarted
from xats.crews import watching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.pane import Pane
    from xats.cli.crews.members import Standing
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.crews.starts import Start
    from xats.crews.entry import CrewFile, Entry
    from xats.crews.watching import Finding, Seen
    from xats.store import Tx

ROUNDS = 3  # how often `up` looks again at what another command has just begun


def up(
    here: Context,
    names: params.UpArg = None,
    *,
    restart: params.UpRestartOption = False,
    dry_run: params.UpDryRunOption = False,
    example: params.UpExampleOption = None,
) -> int:
    """Start the agents of this project's xats.toml that do not run, each in its place.

    xats first shows the commands and asks, unless you have agreed to exactly these commands before. Then it starts the
    agents, and waits until they are ready. An agent can start only what you have agreed to.

    NAME is the name of an agent, or of a table of the file, which may make several agents. Without NAME, xats starts
    all of them. It leaves alone what runs already, also a program that has registered itself under such a name.

    Agents with a lower `order` start first. The next ones start when each of those is ready, needs a person, or has
    failed. Agents with the same `order` start side by side. xats waits up to 30 seconds for each of these groups, and
    as long again for first prompts that it types.

    --restart is for people only. It first ends the programs that run, as xats down does: xats types the command that
    ends them. xats leaves a program alone that is at work, has a half-written line, or shows a dialog, and goes on with
    the others.

    --example copies a crew that comes with xats into this project, and starts nothing.

    The exit code is 0 if all run, 1 if one has failed, and otherwise 4 if one needs you or was left alone.

    Example: xats up

    Example: xats up worker --dry-run

    Example: xats up planner --restart

    Example: xats up --example review
    """
    if example is not None:
        if names or restart or dry_run:
            msg = "--example copies a crew and starts nothing, so it takes no NAME, --restart or --dry-run."
            raise Usage(msg, f"xats up --example {shlex.quote(example)}")
        from xats.cli.crews import example as examples

        return examples.copy(here, example)
    by_agent = not dry_run and _by_agent(here, restart=restart)
    crew = _crew_file(here, by_agent=by_agent)
    entries = sorted(_chosen(crew, names or []), key=lambda one: one.order)
    if dry_run:
        results = _preview(here, crew, entries, restart=restart)
        up_report.show(here, results)
    else:
        from xats.cli.crews import agreement

        agreement.agree(here, crew)
        results = []
        for _, group in groupby(entries, key=lambda one: one.order):
            results += _Group(here, crew, results, entries, restart=restart, by_agent=by_agent).start(list(group))
    up_report.document(here, crew, results, dry_run=dry_run)
    outcomes = {one.outcome for one in results}
    if "failed" in outcomes:
        return FAILURE
    return Refused.exit if outcomes & {"needs_you", "starting", "left_alone"} else 0


def _by_agent(here: Context, *, restart: bool) -> bool:
    """Tell whether an agent runs this; what it may start depends on the crew file. Raises PeopleOnly with --restart."""
    try:
        people.person(here, "end the program of an agent", "ask a person to restart it", in_left_pane=True)
    except PeopleOnly:
        if restart:
            raise
        return True
    return False


def _crew_file(here: Context, *, by_agent: bool) -> CrewFile:
    """Return the crew file of this project. Raises NotFound, NoCrew, CrewFileInvalid."""
    from xats.cli.crews import agreement
    from xats.crews import file

    path = agreement.file_for_agents(here) if by_agent else file.find(here.project.here)
    if path is None:
        msg = "This project has no xats.toml, so xats knows no crew to start."
        raise NotFound(msg, "copy an example: xats up --example list; or write [agents.NAME] tables into xats.toml")
    return file.load(path)


def _chosen(crew: CrewFile, names: Sequence[str]) -> list[Entry]:
    """Return the agents with the `names`, or of the tables with them; all without names. Raises NotFound."""
    wanted = {name.lower() for name in names}
    known = {one: None for entry in crew.entries for one in (entry.table, entry.name)}
    for name in names:
        if name.lower() not in (one.lower() for one in known):
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1, 0.5)
            msg = f"{crew.path} has no agent {name[:80]}. Nothing was started."
            raise NotFound(msg, f"did you mean {near[0]}?" if near else f"its agents are {', '.join(known)}")
    return [one for one in crew.entries if not wanted or wanted & {one.table.lower(), one.name.lower()}]


# -- looking -----------------------------------------------------------------------------------------------------------


def _look(here: Context, entries: Sequence[Entry]) -> list[Standing]:
    """Return what is there of each agent, after a look at those whose start has not ended."""

    def find(tx: Tx) -> list[Standing]:
        return [members.standing(here, tx, one) for one in entries]

    found = here.store.read(find)
    changed: list[tuple[Seen, Finding]] = []
    for one in found:
        if one.seen and one.kind == "waiting" and (finding := watching.look(here.path, one.seen)):
            changed.append((one.seen, finding))
    if not changed:
        return found

    def note(tx: Tx) -> None:
        for seen, finding in changed:
            watching.note(tx, seen, finding, tell=False)

    here.store.write(note)
    return here.store.read(find)


def _preview(here: Context, crew: CrewFile, entries: Sequence[Entry], *, restart: bool) -> list[Result]:
    """Return what `up` would do. This changes nothing, and makes no store."""
    from xats.store.sqlite import inspect
    from xats.store.sqlite.paths import exists

    if exists(here.path):
        found = inspect.snapshot(here.path, lambda tx: [members.standing(here, tx, one) for one in entries])
    else:
        found = [members.Standing(one, "missing") for one in entries]
    results = []
    for one in found:
        result = _left(one)
        again = restart and one.seen is not None and one.kind in ("running", "waiting")
        if one.kind == "missing" or again:
            try:
                runs = members.runs(here, one.entry, one.entry.cwd or os.path.dirname(crew.path))
            except XatsError as problem:
                result = up_report.failure(one.entry, problem)
            else:
                result = Result(one.entry, "would_restart" if again else "would_start", runs)
        results.append(result)
    return results


def _left(one: Standing) -> Result:
    """Return what is said of an agent that is left alone."""
    if one.problem:
        return up_report.failure(one.entry, one.problem)
    if one.session:
        return Result(one.entry, "running", f"xats did not start it ({members.registered(one.session)})")
    start = one.seen.start if one.seen else None
    if one.kind == "stopping":
        return Result(one.entry, "left_alone", "its program is being ended", start=start)
    if one.kind == "running" and start and start.pane and _is_gone(start.pane):
        reason = f"its pane {start.pane.pane_id} is gone, and its program runs on (pid {start.pid})"
        return Result(one.entry, "left_alone", reason, f"xats down {start.agent.name} --force", start)
    return _result(one.entry, start, already=True)


def _is_gone(pane: Pane) -> bool:
    """Tell whether tmux has `pane` no more; a program can outlive its terminal."""
    from xats.tmux import pane as panes
    from xats.tmux.errors import NoPane, TmuxGone, TmuxUnavailable

    try:
        found = panes.find(pane.socket, pane.pane_id)
    except (NoPane, TmuxGone):
        return True
    except TmuxUnavailable:  # it does not answer now
        return False
    return (found.server_pid, found.pane_pid) != (pane.server_pid, pane.pane_pid)


def _result(entry: Entry, start: Start | None, *, already: bool) -> Result:
    """Return what has become of a start that was watched; `already`: another command has begun it."""
    if start is None:
        return Result(entry, "left_alone", "a newer start has replaced this one")
    if start.state in ("failed", "stopped", "flapping"):
        return Result(entry, "failed", start.detail or "its program has ended", start=start)
    if start.state == "needs_you":
        return Result(entry, "needs_you", start.detail or "", start=start)
    if start.state == "running":
        return Result(entry, "running" if already else "started", start=start)
    return Result(entry, "starting", start=start)


# -- starting ----------------------------------------------------------------------------------------------------------


class _Group:
    """The agents with the same order, which start side by side."""

    def __init__(
        self,
        here: Context,
        crew: CrewFile,
        before: Sequence[Result],
        entries: Sequence[Entry],
        *,
        restart: bool,
        by_agent: bool,
    ) -> None:
        from xats.tmux import pane as panes

        self._here, self._crew, self._restart, self._by_agent = here, crew, restart, by_agent
        self._around = panes.here(here.environ)
        self._done: dict[str, Result] = {}
        self._later = [one.name for one in entries[len(before) :]]
        self._watched: dict[str, str] = {}  # tokens by name

    def start(self, entries: Sequence[Entry]) -> list[Result]:
        """Start the agents, and wait for them; return what has become of each, and print it at once.

        Raises Interrupted after Ctrl-C.
        """
        left = list(entries)
        try:
            for number in range(ROUNDS):
                left = self._round(left, first=number == 0, last=number == ROUNDS - 1)
                if not left:
                    break
        except KeyboardInterrupt:
            raise self._interrupted() from None
        return [self._done[one.name] for one in entries]

    def _add(self, result: Result) -> None:
        self._done[result.entry.name] = result
        up_report.show(self._here, [result])

    def _round(self, entries: Sequence[Entry], *, first: bool, last: bool) -> list[Entry]:
        """Start what is missing of `entries`; return those that another command has begun or left in the meantime."""
        here, again = self._here, []
        missing, watched = [], []
        for one in _look(here, entries):
            if one.kind == "missing" or (first and self._restart and self._has_ended(one)):
                missing.append(one.entry)
            elif one.kind == "waiting" and one.seen and one.entry.name not in self._done:
                watched.append((one.entry, Member(None, one.seen.start, own=False)))
            elif one.entry.name not in self._done:
                self._add(_left(one))
        ready = []
        for entry in missing:
            try:
                ready.append(members.wanted(here, self._crew, entry, self._around))
            except (XatsError, OSError) as problem:
                self._add(up_report.failure(entry, problem))
        begun = together.begin(here, ready) if ready else []
        self._watched = {one.start.agent.name: one.start.token for one in begun if isinstance(one, Member)}
        made = []
        for wanted, member in zip(ready, begun, strict=True):
            assert wanted.entry
            if isinstance(member, Member):
                made.append((wanted.entry, member))
            elif isinstance(member, AlreadyStarted) and not last:
                again.append(wanted.entry)
            else:
                self._add(up_report.failure(wanted.entry, member))
        failed = together.open_panes(here, [one for _, one in made])
        for (entry, member), why in zip(made, failed, strict=True):
            if why:
                self._add(up_report.failure(entry, why))
            else:
                watched.append((entry, member))
        if made:
            here.rouse_daemon()
        return again + self._watch(watched, last=last)

    def _has_ended(self, one: Standing) -> bool:
        """End the program of an agent that xats has started, and can start again; tell whether it has ended."""
        if one.kind not in ("running", "waiting"):
            return False
        if one.seen is None:
            reason = f"xats did not start it ({members.registered(one.session)})" if one.session else ""
            self._add(Result(one.entry, "left_alone", reason))
            return False
        from xats.cli.crews import down

        try:
            members.runs(self._here, one.entry, one.entry.cwd or os.path.dirname(self._crew.path))
            done = down.end(self._here, one.seen, force=False)
        except XatsError as problem:
            self._add(Result(one.entry, "left_alone", str(problem).rstrip("."), start=one.seen.start))
            return False
        if done.outcome in down.RUNS:
            self._add(Result(one.entry, "left_alone", done.reason, start=one.seen.start))
            return False
        return True

    def _watch(self, watched: Sequence[tuple[Entry, Member]], *, last: bool) -> list[Entry]:
        """Wait for the programs; return those agents whose start another command has left before there was a pane."""
        here, again = self._here, []
        entries = {member.start.token: entry for entry, member in watched}
        for member, seen in together.watch(here, [member for _, member in watched]):
            entry = entries.pop(member.start.token)
            start = seen.start if seen else None
            orphan = start is None or (start.state == "failed" and start.process is None)
            if orphan and not member.own and not last:
                again.append(entry)
                continue
            if start and start.state in ("failed", "stopped"):
                together.forget_unused(here, member)
            if start and start.state == "needs_you":
                together.note_needed(here, start, by_agent=self._by_agent)
            self._add(_result(entry, start, already=member.wanted is None))
        return again

    def _interrupted(self) -> XatsError:
        """Return the error for Ctrl-C: what the daemon goes on with, and what was not started."""
        begun = {name: token for name, token in self._watched.items() if name not in self._done}
        found = self._here.store.read(lambda tx: {name: starts.by_token(tx, token) for name, token in begun.items()})
        watched = [name for name, start in found.items() if start and start.open]
        said = f"The daemon goes on watching {', '.join(watched)}." if watched else ""
        later = [one for one in self._later if one not in watched and one not in self._done]
        left = f" Not started: {', '.join(later)}." if later else ""
        problem = render.interrupted(f"{said}{left}".strip())
        problem.hint = self._here.command("up") if later else self._here.command("agents", "--long")
        return problem
