"""The verb that removes old rows: prune."""

from __future__ import annotations

import time

from xats.base import durations
from xats.base.durations import iso
from xats.base.errors import Refused
from xats.cli.kit import people, render
from xats.cli.kit.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.prune import Counts
    from xats.store import Tx

SHOWN = 10  # agents that the output names; --json names all
PAUSE = 0.01  # seconds between two transactions, so that a waiting writer gets its turn


def prune(
    here: Context,
    *,
    older: params.OlderOption = None,
    dry_run: params.PruneDryRunOption = False,
    yes: params.YesOption = False,
) -> int:
    """Remove old mail that everybody has read, old tasks that have ended, unused agents, and old events.

    Unread mail stays, with its whole conversation. A task stays if another task depends on it, or if its parent has not
    ended. The daemon does the same by itself (XATS_KEEP). While the clock of this host may be wrong, nothing is
    removed. After its message or task is gone, a --key can be used again. The file keeps its size; xats uses the free
    room in it again.

    An agent is removed after it was unused for XATS_KEEP, or for --older if that is longer. Its copies of mail to
    several agents expire. Its other unread mail is a dead letter for that long first.

    Example: xats db prune --older 90d --dry-run

    Example: xats db prune --yes
    """
    from xats.base import occupancy
    from xats.core import clock, keeping
    from xats.core import prune as core
    from xats.core.agents.prune import Unused
    from xats.store.sqlite import inspect

    age = durations.parse(older) if older is not None else keeping.age(here.settings)
    if age is None:
        msg = "The setting keep (XATS_KEEP) is off, so xats never removes anything."
        raise Refused(msg, "xats db prune --older 30d")
    if "://" in here.path and (dry_run or not yes):
        msg = "xats cannot count on a copy of a PostgreSQL database what it would remove."
        raise Refused(msg, "xats db prune --yes")
    inspect.require_store(here.path)
    if "://" not in here.path:
        inspect.settled(here.path).close()  # raises StoreForeign
    asking = not (dry_run or yes)
    counts = core.Counts()
    if asking:
        people.require_terminal(f"xats db prune{f' --older {older}' if older else ''} --yes", "Nothing was removed.")
    now = here.store.clock() if dry_run else _trusted_time(here)
    before = now - age
    silent = now - max(age, keeping.age(here.settings) or keeping.KEEP)
    unused = None if here.store.read(clock.was_away) else Unused(silent, occupancy.occupied)
    if dry_run or asking:
        rehearsal = inspect.Rehearsal(here.path, now)
        with Progress("counting", quiet=here.quiet) as bar:
            counts = sum(
                bar.each(core.walk(rehearsal.write, before, clock=time.monotonic, unused=unused)), core.Counts()
            )
        rehearsal.close()
        if dry_run:
            return _pruned(here, counts, before, done=False)
        if counts.total and not render.ask(f"Remove {_words(counts)} from before {iso(before)}?"):
            msg = "Nothing was removed."
            raise Refused(msg)
    total, counts = counts.total if asking else None, core.Counts()
    with Progress("removing", total, quiet=here.quiet) as bar:
        for removed in core.walk(here.store.write, before, clock=time.monotonic, unused=unused):
            counts += removed
            bar.add(removed.total)
            time.sleep(PAUSE)
    return _pruned(here, counts, before, done=True)


def _trusted_time(here: Context) -> int:
    """Return the time (ms UTC). Raises Refused while the clock is not trusted enough to remove by age."""
    from xats.core import clock

    def look(tx: Tx) -> tuple[clock.Standing, int | None, int]:
        return clock.observe(tx), clock.prune_in(tx), tx.now

    trust, wait, now = here.store.write(look)
    if wait == 0:
        return now
    why = trust.why(now) or "xats has trusted it only since now"
    msg = f"Nothing was removed, because the clock of this host may be wrong: {why}."
    hint = "run it on a host with a clock that xats can compare with its boot time"
    raise Refused(msg, hint if wait is None else f"try again in {durations.rough(wait + 59_999)}: xats db prune")


def _pruned(here: Context, counts: Counts, before: int, *, done: bool) -> int:
    if here.json:
        from xats.core.prune import NAMES

        numbers = dict(zip(NAMES, counts.parts, strict=True))
        names = {"agent_names": counts.agent_names}
        render.document({**numbers, **names, "before": iso(before), "removed": done})
    elif not counts.total:
        if not here.quiet:
            render.say(f"nothing to remove from before {iso(before)}")
    else:
        render.put(f"{'removed' if done else 'would remove'} {_words(counts)} from before {iso(before)}")
    return 0


def _words(counts: Counts) -> str:
    from xats.core.prune import NAMES

    singular = ("message", "delivery", "wake", "event", "task", "session", "agent")
    messages, copies, wakes, events, tasks, sessions, agents = (
        f"{number} {one if number == 1 else several}"
        for number, one, several in zip(counts.parts, singular, NAMES, strict=True)
    )
    rows = f"{messages} ({copies}), {wakes}, {tasks} and {events}"
    if counts.agent_names:
        shown = ", ".join(counts.agent_names[:SHOWN])
        more = len(counts.agent_names) - SHOWN
        agents += f": {shown}" + (f" and {more} more" if more > 0 else "")
    return f"{rows}; {agents}; {sessions}"
