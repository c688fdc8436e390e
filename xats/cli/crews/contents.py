"""What a crew file starts, and what has changed in it since a person agreed to it, as lines for a person to read."""

from __future__ import annotations

import shlex
from difflib import unified_diff

from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xats.crews.entry import CrewFile, Entry

DIFFERENT = 12  # lines of the difference of two prompts that are shown
LONGEST = 300  # characters of a line that are shown


def lines(found: CrewFile, *, values: bool) -> Iterator[str]:
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


def folded(said: Iterable[str]) -> Iterator[str]:
    """Yield the lines `said` as rows that fit the terminal; in a pipe as they are."""
    from xats.cli.kit import fit

    columns = render.width()
    for line in said:
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
