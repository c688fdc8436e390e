"""The verb that does one round of the daemon's work: deliver."""

from __future__ import annotations

import threading
from functools import partial

from xats.base import process, sandbox, seats
from xats.base.durations import iso, rough
from xats.base.errors import Refused, Usage
from xats.base.record import record
from xats.cli.kit import colours, render, views
from xats.core import keeping
from xats.core.waking import attempts, reasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.waking.wakes import Wake
    from xats.delivery.settings import Settings
    from xats.delivery.target import Target
    from xats.delivery.transports import Result
    from xats.store import Tx


def deliver(here: Context, *, once: params.OnceOption = False, dry_run: params.DryRunOption = False) -> int:
    """Try every due wake once, without a daemon.

    It also does the daemon's chores: it expires mail, ends claims and locks whose lease is over, alerts senders, and
    removes what is older than XATS_KEEP. At last it says how many other wakes wait, and when the next attempt is. With
    --dry-run it only looks: it says for each due wake what it would do.

    Example: xats deliver --once

    Example: xats deliver --once --dry-run
    """
    from xats import settings as user_settings
    from xats.delivery.settings import from_environment, of_team

    if not once and not dry_run:
        msg = "xats deliver needs --once: it does one round and ends."
        raise Usage(msg, "xats deliver --once; to deliver all the time: xats daemon start")
    environ = user_settings.of(here.environ)
    settings, keep = from_environment(environ), keeping.age(environ)
    inside = sandbox.around(here.environ) if sandbox.hides_processes() or sandbox.named(here.environ) else None
    if inside:
        msg = f"No wake was tried: from {inside.name} xats sees neither tmux nor the processes of the agents."
        raise Refused(msg, "run this outside the sandbox, or start a daemon there: xats daemon start")
    if dry_run:
        return _preview(here)

    from xats.core.waking import notices
    from xats.daemon import chores, people
    from xats.delivery import target
    from xats.store.open import open_store

    owner = process.mark()
    chores.once(here.store)
    results: dict[int, Result] = {}
    targets: dict[int, str] = {}
    failures: list[Exception] = []

    def one(wake: Wake) -> None:
        from xats.delivery import attempt

        store = open_store(here.path)
        try:
            agent = store.read(lambda tx: target.find(tx, wake)).agent
            targets[wake.id] = agent.address
            own = store.read(lambda tx: of_team(tx, agent.team, here.environ))
            results[wake.id] = attempt.make(store, wake, owner, own)
        except Exception as problem:  # a thread would only print the exception
            failures.append(problem)
        finally:
            store.close()

    while leased := target.lease_due(here.store, owner, settings, target.AT_ONCE, tuple(results)):
        threads = [threading.Thread(target=one, args=(wake,)) for wake in leased]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
    chores.prune(here.store, keep)
    if here.store.read(lambda tx: notices.unread(tx, here.host, partial(seats.ours, here.path))):
        from xats.daemon import badges

        badges.refresh(here.store, {}, set())
    people.People().tell(here.store)
    left = here.store.read(_left)
    if here.json:
        found = [
            {"id": number, "agent": targets[number], "state": result.state, "reason": result.reason}
            for number, result in results.items()
        ]
        render.document({"wakes": found, **left.json(), "has_more": False})
        return 0
    if results:
        rows = [
            (
                views.near(targets[number], here.team),
                colours.cell(result.state, result.state, colours.WAKES),
                result.reason,
                result.detail,
            )
            for number, result in results.items()
        ]
        render.table(("AGENT", "WAKE", "REASON", "DETAIL"), rows, stretch=("DETAIL",))
    if not here.quiet:
        left.say(here, bool(results))
    return 0


@record
class _Left:
    """The open wakes that are not due: those that wait for their next attempt, and those that wait for their agent."""

    waiting: int
    suspended: int
    next_due_at: int | None  #: ms UTC
    now: int

    def json(self) -> dict[str, Any]:
        """Return the fields for the JSON document."""
        return {"waiting": self.waiting, "suspended": self.suspended, "next_due_at": iso(self.next_due_at)}

    def say(self, here: Context, found: bool) -> None:
        """Say on stderr that no wake is due, unless some were `found`, and how many wait for what."""
        said, more = ([], " more") if found else (["no wake is due"], "")
        if self.next_due_at is not None:
            wait = "waits" if self.waiting == 1 else "wait"
            said.append(f"{self.waiting}{more} {wait}, the next attempt is in {rough(self.next_due_at - self.now)}")
        if self.suspended:
            wait = "waits until its agent is back" if self.suspended == 1 else "wait until their agents are back"
            said.append(f"{self.suspended}{more} {wait}")
        if said:
            why = f"; to see why: {here.command('agents')}" if self.waiting or self.suspended else ""
            render.say("; ".join(said) + why)


def _left(tx: Tx) -> _Left:
    """Return the open wakes that are not due."""
    return _Left(*attempts.waiting(tx), tx.now)


def _preview(here: Context) -> int:
    """Print what a round would do for each due wake, in which pane, or why not. It looks once at each pane."""
    from xats.delivery import preview, target
    from xats.delivery.settings import of_team

    def look(tx: Tx) -> tuple[list[tuple[Wake, Target, Settings]], _Left]:
        found = [(wake, target.find(tx, wake)) for wake in attempts.due(tx)]
        return [(wake, one, of_team(tx, one.agent.team, here.environ)) for wake, one in found], _left(tx)

    due, left = here.store.read(look)
    rows = []
    for wake, one, settings in due:
        pane = one.session.seat.pane if one.session else None
        likely = preview.preview(wake, one, settings, here.path, here.store.clock())
        action = reasons.words(likely.reason) if likely.reason else preview.describe(one, likely.transport)
        if likely.detail:
            action = f"{action}: {likely.detail}"
        place, line = pane.pane_id if pane else None, preview.line(one)
        rows.append((wake.id, one.agent.address, place, likely.reason, line, likely.transport, action))
    if here.json:
        names = ("id", "agent", "pane", "reason", "line", "transport", "action")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        render.document({"wakes": found, **left.json(), "has_more": False})
        return 0
    if rows:
        table = [(views.near(agent, here.team), pane, action) for _, agent, pane, *_, action in rows]
        render.table(("AGENT", "PANE", "WHAT"), table, stretch=("WHAT",))
    if not here.quiet:
        left.say(here, bool(rows))
    return 0
