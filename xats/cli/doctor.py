"""The verb that checks everything: doctor. It changes nothing, and creates no store."""

from __future__ import annotations

from xats.base.errors import OK, UNHEALTHY, XatsError
from xats.cli.kit import colours, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xats.cli.kit.context import Context
    from xats.health import Check
    from xats.health.facts import Facts

NAMES = 24  # columns for names on a terminal; a longer name has a line of its own
DATABASE = ("schema", "rights")  # the same for a store in a PostgreSQL database
GROUNDS = ("schema", "integrity")  # checks that must be ok before the store is read for mail


def doctor(here: Context) -> int:
    """Check everything that mail depends on, and name the fixes; change nothing.

    It checks the store, tmux and every agent's pane, the transports that can wake each agent, the daemon, waiting mail,
    locks, the agent programs, the settings files and the environment. It exits 5 if a check fails; a warning does not
    change the exit code. -q prints only failures and warnings.

    Example: xats doctor

    Example: xats doctor -q || xats doctor --json
    """
    from xats.settings import copies

    copies.may_write = False
    found = examine(here)
    failed = any(one.state == "fail" for one in found)
    if here.json:
        render.document({"healthy": not failed, "checks": [dict(one.__dict__) for one in found], "has_more": False})
    else:
        shown = [one for one in found if one.state != "ok"] if here.quiet else found
        _print(shown)
        if not here.quiet:
            _sum_up(found)
    return UNHEALTHY if failed else OK


def examine(here: Context) -> list[Check]:
    """Return all checks, section by section. What cannot be looked at is a failed check, not an error."""
    from xats.health import (
        FAIL,
        Check,
        clients,
        clock,
        daemon,
        environment,
        facts,
        files,
        locks,
        mail,
        program,
        settings,
        store,
        tmux,
        waking,
    )

    def section(name: str, look: Callable[[], list[Check]]) -> list[Check]:
        try:
            return look()
        except (XatsError, OSError) as problem:
            return [Check(name, "look", FAIL, f"xats cannot look at it: {problem}", getattr(problem, "hint", ""))]

    seen, said = daemon.seen_by(here.path, here.environ)
    of_store = section("store", lambda: [*store.checks(here.path), *files.checks(here.path)])
    sound = {one.name for one in of_store if one.state == "ok"}
    found: Facts | None = None
    of_mail: list[Check] = []
    if all(name in sound for name in (DATABASE if "://" in here.path else GROUNDS)):
        try:
            found = facts.gather(here.path)
        except XatsError as problem:
            of_store = [*of_store, Check("store", "read", FAIL, str(problem), problem.hint)]
        else:
            of_store = [*of_store, *clock.checks(found)]
            of_mail = mail.checks(found)
    of_tmux = section("tmux", lambda: tmux.checks(found, seen, said))
    return [
        *of_store,
        *of_tmux,
        *section("waking", lambda: waking.checks(here.path, found, seen, of_tmux)),
        *section("daemon", lambda: daemon.checks(here.path, found, here.environ)),
        *of_mail,
        *section("locks", lambda: locks.checks(found)),
        *section("clients", lambda: clients.checks(found, here.environ, here.path)),
        *section("settings", lambda: settings.checks(here.environ)),
        *section("environment", lambda: program.checks(here.environ, found)),
        *section("environment", lambda: environment.checks(here.environ, {"XATS_HOPS": _hops}, found, said)),
    ]


def _hops(environ: Mapping[str, str]) -> int:
    from xats.core.waking.limits import hop_limit

    return hop_limit(environ)


def _print(found: Sequence[Check]) -> None:
    """Print a paragraph for each section on a terminal, a line for each check in a pipe."""
    width = render.width()
    if not width:
        render.table((), [(_state(one), one.section, one.name, one.detail, one.fix) for one in found])
        return
    names = max((len(one.name) for one in found), default=0)
    section = ""
    for one in found:
        if one.section != section:
            section = one.section
            render.put(render.bold(section))
        for line in _lines(one, min(names, NAMES), width):
            render.put(line)


def _state(one: Check) -> render.Cell:
    return colours.cell(one.state.upper(), one.state, colours.CHECKS)


def _lines(one: Check, names: int, width: int) -> list[str]:
    """Return the lines of a check for a terminal: what was found, and below it the fix."""
    import textwrap

    name = render.one_line(one.name)
    state = render.painted(f"{one.state.upper():4}", _state(one).color)
    head = f"  {state}  {name:{names}}  "
    below = " " * (6 + 2 + names + 2)
    room = max(20, width - len(below))
    # No word is broken in two: it may be a path to copy.
    rows = textwrap.wrap(render.one_line(one.detail), room, break_long_words=False, break_on_hyphens=False) or [""]
    lines = [head + rows[0]] if len(name) <= names else [head.rstrip(), below + rows[0]]
    lines += [below + row for row in rows[1:]]
    return [*lines, f"        try: {render.one_line(one.fix)}"] if one.fix else lines  # on one line, to copy


def _sum_up(found: Sequence[Check]) -> None:
    counts = (f"{sum(one.state == state for one in found)} {state}" for state in colours.CHECKS)
    render.say(", ".join(counts))
