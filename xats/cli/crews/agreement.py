"""The agreement of a person to what a crew file starts, and what an agent may start without one."""

from __future__ import annotations

import os
import shlex
from difflib import unified_diff

from xats.base import calling
from xats.base.errors import PeopleOnly, Refused
from xats.base.record import record
from xats.cli.kit import people, render
from xats.crews import permission, trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xats.cli.kit.context import Context
    from xats.crews.entry import CrewFile, Entry
    from xats.store import Tx

LEFT = "Nothing was started."
WHAT = "start an agent in a place of its own"
DIFFERENT = 12  # lines of the difference of two prompts that are shown
LONGEST = 300  # characters of a line that are shown


class NotTrusted(Refused):
    """No person has agreed to what the crew file starts now."""

    code = "not_trusted"


@record
class Allowed:
    """Who starts an agent. `entry` is how the trusted file `crew` starts it, if an agent may start only that."""

    agent: bool
    crew: CrewFile | None = None
    entry: Entry | None = None


# -- who may start what ------------------------------------------------------------------------------------------------


def by_agent(here: Context, name: str | None, client: str | None, *, extra: bool) -> Allowed:
    """Return who starts the agent `name`, and how it must be started, for `xats launch` in a place of its own.

    `client` is the profile of its program; None: that of the file. `extra` tells whether the command has arguments or
    options that the file would have to say. A person may start anything, an agent what crew.by_agents allows.

    Raises PeopleOnly, NotTrusted, and what `people.person` and `file.load` raise.
    """
    problem = _not_a_person(here)
    if problem is None:
        return Allowed(agent=False)
    _in_own_team(here)
    allowed = permission.by_agents(here.environ, here.project_file())
    if allowed == "allow":
        return Allowed(agent=True)
    if allowed == "deny":
        raise _denied(problem)
    found = _crew(here, problem)
    return Allowed(agent=True, crew=found, entry=_listed(here, found, name, client, extra=extra))


def agree(here: Context, found: CrewFile) -> None:
    """Return if a person has agreed to all of `found`, or agrees now; what is started then must come from `found`.

    It asks a person on a terminal, and shows what the file starts. Raises NotTrusted without a terminal, or if the
    person does not agree, and for an agent; PeopleOnly where no agent may start anything.
    """
    problem = _not_a_person(here)
    if problem is not None:
        _in_own_team(here)
        if permission.by_agents(here.environ, here.project_file()) == "deny":
            raise _denied(problem)
    known = trust.trusted(here.environ, found.path)
    if known and known.digest == found.digest:
        return
    why = "has changed since a person agreed to it" if known else "has not been trusted by a person yet"
    shown = calling.quoted(found.path)
    if problem is not None:
        msg = f"{found.path} {why}, and an agent runs this. {LEFT}"
        raise NotTrusted(msg, f"ask a person to run: xats trust {shown}", path=found.path)
    if here.json or not render.can_ask():
        msg = f"{found.path} {why}. {LEFT}"
        raise NotTrusted(msg, f"xats trust {shown}", path=found.path)
    lines = [*described(found, values=True), *(differences(known, found, values=True) if known else ())]
    for line in folded(lines):
        render.say(line)
    if not render.ask("Do you agree to these programs?", LEFT):
        msg = f"You did not agree to {found.path}. {LEFT}"
        raise NotTrusted(msg, path=found.path)
    trust.allow(here.environ, found)


def _not_a_person(here: Context) -> PeopleOnly | None:
    """Return the error that only a person may start an agent, if an agent runs this; None for a person."""
    try:
        people.person(here, WHAT, in_left_pane=True)
    except PeopleOnly as problem:
        return problem
    return None


def _in_own_team(here: Context) -> None:
    """Raise PeopleOnly if the agent that runs this would start an agent in another team or store than its own.

    Otherwise it could start each agent of the crew file once more there, past the limits of its team.
    """
    from xats.cli.kit.scope import me_or_none
    from xats.core.agents import agents

    launched, team = people.launched_above(here), here.team

    def team_of(tx: Tx) -> str | None:
        if launched:
            known = agents.called(tx, launched[0], team)
            return known.team if known else None
        me = me_or_none(here, tx)
        return me.agent.team if me else team

    if here.store.read(team_of) != team:
        who = f"{launched[0]} is not in team {team}" if launched else f"you are not in team {team}"
        msg = f"An agent may start agents only in its own team, and {who} of this store. {LEFT}"
        raise PeopleOnly(msg, "ask a person to start it")


def _denied(problem: PeopleOnly) -> PeopleOnly:
    return PeopleOnly(f"{problem} The setting crew.by_agents is deny. {LEFT}", "ask a person to start it")


def _listed(here: Context, found: CrewFile, name: str | None, client: str | None, *, extra: bool) -> Entry:
    """Return how the trusted crew file `found` starts the agent `name`. Raises PeopleOnly."""
    entry = next((one for one in found.entries if name and one.name.lower() == name.lower()), None)
    if entry is None:
        which = f"{name} is not in it" if name else "this command names no agent"
        msg = f"An agent may start only what {found.path} names, and {which}. {LEFT}"
        raise PeopleOnly(msg, f"--name with one of: {', '.join(one.name for one in found.entries)}")
    if client is not None and (entry.program is None or _profile(here, entry.program) != client):
        msg = f"{found.path} does not start {client} as {entry.name}. {LEFT}"
        raise PeopleOnly(msg, f"xats up {entry.name}")
    if extra:
        msg = f"An agent may start {entry.name} only as {found.path} says, without other arguments and options. {LEFT}"
        raise PeopleOnly(msg, f"xats up {entry.name}; or ask a person to start it")
    return entry


def _crew(here: Context, problem: PeopleOnly) -> CrewFile:
    """Return the crew file of this project, if it is as a person has trusted it.

    In a linked worktree without one that a person trusts, it is that of the main worktree. Raises PeopleOnly if there
    is none, NotTrusted.
    """
    from xats import settings
    from xats.crews import file

    where = here.find_project()
    tops = dict.fromkeys((where.here, where.top)) if where else ()
    paths = [file.real(settings.project_path(one)) for one in tops]
    paths = [one for one in paths if os.path.lexists(one)]
    path = next((one for one in paths if trust.trusted(here.environ, one)), paths[0] if paths else None)
    if path is None:
        msg = f"{problem} Agents may start what a trusted crew file names, and this project has none. {LEFT}"
        raise PeopleOnly(msg, "ask a person to start it")
    found = file.load(path)
    agree(here, found)
    return found


def _profile(here: Context, program: str) -> str:
    from xats.clients import registry

    return registry.called(program, here.environ).name


# -- what it shows -----------------------------------------------------------------------------------------------------


def described(found: CrewFile, *, values: bool) -> Iterator[str]:
    """Yield what `found` starts, as lines without control characters; with the `values` of variables, or only names."""
    count = len(found.entries)
    yield f"{render.one_line(found.path)} starts {count} agent{'s' if count != 1 else ''}:"
    width = max(len(one.name) for one in found.entries)
    for one in found.entries:
        yield f"  {one.name:{width}}  {command(one)}"
        indent = " " * (width + 4)
        yield f"{indent}{render.one_line('; '.join(_circumstances(one)))}"
        if one.prompt:
            yield f"{indent}{_prompt(one)}"
        if one.env:
            yield f"{indent}env: {_env(one, values=values)}"


def folded(lines: Iterable[str]) -> Iterator[str]:
    """Yield `lines` as rows that fit the terminal; in a pipe as they are."""
    from xats.cli.kit import fit

    columns = render.width()
    for line in lines:
        first = line.lstrip(" ")
        name, _, rest = first.partition("  ")  # the name of an agent has a column of its own
        begins = len(line) - len(rest.lstrip(" ") if rest and " " not in name else first)
        yield from fit.folded(line, columns - 1, " " * (begins + 2)) if columns else (line,)


def command(entry: Entry) -> str:
    """Return the words that start the program of `entry`, on one line, as a shell takes them."""
    words = ((entry.program,) if entry.program else entry.command) + entry.args
    return render.one_line(shlex.join(words))


def where(entry: Entry) -> str:
    """Return the place of `entry`, as the file says it."""
    return f"session:{entry.session}" if entry.place == "session" else entry.place


def _circumstances(entry: Entry) -> Iterator[str]:
    yield where(entry)
    if entry.role:
        yield f"role {entry.role}"
    if entry.tags:
        yield f"tags {', '.join(entry.tags)}"
    if entry.worktree:
        yield f"worktree on the branch {entry.branch or f'xats/{entry.name}'}"
    if entry.cwd:
        yield f"in {entry.cwd}"
    if entry.writable:
        yield "its sandbox may write the store"
    yield f"restart {entry.restart}"
    if entry.order:
        yield f"order {entry.order}"


def _prompt(entry: Entry) -> str:
    first, *rest = (entry.prompt or "").split("\n")
    source = f" from {render.one_line(entry.prompt_file)}" if entry.prompt_file else ""
    more = f" (and {len(rest)} more line{'s' if len(rest) > 1 else ''})" if rest else ""
    return f"first prompt{source}{more}: {_cut(render.one_line(first))}"


def _env(entry: Entry, *, values: bool) -> str:
    return " ".join(f"{name}={render.one_line(shlex.quote(text))}" if values else name for name, text in entry.env)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def differences(before: CrewFile, now: CrewFile, *, values: bool) -> Iterator[str]:
    """Yield what has changed from `before`, the trusted copy, to `now`, as lines without control characters."""
    old, new = ({one.name.lower(): one for one in crew.entries} for crew in (before, now))
    yield "Changed since you agreed to it:"
    for key in dict.fromkeys((*old, *new)):
        if key not in new:
            yield f"  {old[key].name}: not in the file any more"
        elif key not in old:
            yield f"  {new[key].name}: new"
        elif old[key] != new[key]:
            yield from (f"  {new[key].name}: {line}" for line in _changes(old[key], new[key], values=values))


def _changes(old: Entry, new: Entry, *, values: bool) -> Iterator[str]:
    if old.name != new.name or old.table != new.table:
        yield f"its table was {old.table}, its name {old.name}"
    if command(old) != command(new):
        yield f"the command was: {command(old)}"
    if (was := "; ".join(_circumstances(old))) != "; ".join(_circumstances(new)):
        yield f"was: {render.one_line(was)}"
    if old.prompt != new.prompt or old.prompt_file != new.prompt_file:
        yield "its first prompt has changed:" if old.prompt and new.prompt else f"its first prompt is {_news(new)}"
        lines = list(unified_diff((old.prompt or "").split("\n"), (new.prompt or "").split("\n"), n=0, lineterm=""))
        changed = [line for line in lines[2:] if line[:2] != "@@"] if old.prompt and new.prompt else []
        yield from (f"  {_cut(render.one_line(line))}" for line in changed[:DIFFERENT])
        if len(changed) > DIFFERENT:
            yield f"  and {len(changed) - DIFFERENT} more lines"
    if old.env != new.env:
        yield f"env was: {_env(old, values=values) or 'empty'}"


def _news(new: Entry) -> str:
    return "new" if new.prompt else "gone"
