"""The verb that does the daemon's work once: deliver."""

from __future__ import annotations

import threading

from xats import process, sandbox
from xats.cli import render, views
from xats.core import reasons, wakes
from xats.errors import Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli import params
    from xats.cli.here import Here
    from xats.core.wakes import Wake
    from xats.delivery.attempt import Target
    from xats.delivery.settings import Settings
    from xats.delivery.transports import Result
    from xats.store import Tx


def deliver(here: Here, *, once: params.OnceOption = False, dry_run: params.DryRunOption = False) -> int:
    """Try every due wake once, without a daemon.

    Example: xats deliver --once

    Example: xats deliver --once --dry-run
    """
    from xats import settings as user_settings
    from xats.delivery.settings import from_environment, of_team

    if not once and not dry_run:
        msg = "deliver does one round and ends."
        raise Usage(msg, "xats deliver --once; for a lasting one: xats daemon run")
    settings = from_environment(user_settings.of(here.environ))
    inside = sandbox.around(here.environ) if sandbox.hides_processes() or sandbox.named(here.environ) else None
    if inside:
        msg = f"Nothing was tried: from {inside.name} xats can see neither tmux nor the processes of the agents."
        raise Refused(msg, "run this outside the sandbox; a daemon there delivers by itself: xats daemon start")
    if dry_run:
        return _foretell(here)

    from xats.core import alerts, departures, inbox, notices, owed, pools, task_claims
    from xats.daemon import expected
    from xats.daemon.owner import process_gone, settle
    from xats.delivery import attempt
    from xats.store import Store

    owner = process.mark()
    here.store.write(settle)
    expected.once(here.store)
    here.store.write(lambda tx: wakes.free_leases(tx, process.gone))
    here.store.write(lambda tx: (inbox.sweep(tx), alerts.overdue(tx, 0), owed.overdue(tx)))
    here.store.write(lambda tx: (departures.settle(tx, here.host, process_gone), departures.tell(tx)))
    here.store.write(task_claims.set_right)
    here.store.write(lambda tx: (task_claims.settle(tx, process_gone), pools.look_again(tx), pools.offer_due(tx)))
    results: dict[int, Result] = {}
    targets: dict[int, str] = {}

    def one(wake: Wake) -> None:
        store = Store(here.path)
        agent = store.read(lambda tx: attempt.target_of(tx, wake)).agent
        targets[wake.id] = agent.address
        own = store.read(lambda tx: of_team(tx, agent.team, here.environ))
        results[wake.id] = attempt.make(store, wake, owner, own)
        store.close()

    while leased := attempt.lease_due(here.store, owner, settings, attempt.AT_ONCE, tuple(results)):
        threads = [threading.Thread(target=one, args=(wake,)) for wake in leased]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if here.store.read(lambda tx: notices.unread(tx, here.host)):
        from xats.daemon import badges

        badges.refresh(here.store, {}, set())
    if here.json:
        found = [
            {"id": number, "agent": targets[number], "state": result.state, "reason": result.reason}
            for number, result in results.items()
        ]
        render.document({"wakes": found, "has_more": False})
    elif results:
        rows = [
            (views.near(targets[number], here.team), result.state, result.reason, result.detail)
            for number, result in results.items()
        ]
        render.table(("AGENT", "WAKE", "REASON", "DETAIL"), rows, stretch=("DETAIL",))
    elif not here.quiet:
        render.say("no wake is due")
    return 0


def _foretell(here: Here) -> int:
    """Print what a round would do, to which pane, and why not. One look at each pane, and nothing is touched."""
    from xats.delivery import attempt, foretell
    from xats.delivery.settings import of_team

    def look(tx: Tx) -> list[tuple[Wake, Target, Settings]]:
        found = [(wake, attempt.target_of(tx, wake)) for wake in wakes.due(tx)]
        return [(wake, target, of_team(tx, target.agent.team, here.environ)) for wake, target in found]

    rows = []
    for wake, target, settings in here.store.read(look):
        pane = target.session.seat.pane if target.session else None
        found = foretell.foretell(wake, target, settings, here.path, here.store.clock())
        what = reasons.words(found.reason) if found.reason else foretell.deed(target, found.transport)
        if found.detail:
            what = f"{what}: {found.detail}"
        place, line = pane.pane_id if pane else None, foretell.line(target)
        rows.append((wake.id, target.agent.address, place, found.reason, line, found.transport, what))
    if here.json:
        names = ("id", "agent", "pane", "reason", "line", "transport", "action")
        render.document({"wakes": [dict(zip(names, row, strict=True)) for row in rows], "has_more": False})
    elif rows:
        table = [(views.near(agent, here.team), pane, what) for _, agent, pane, *_, what in rows]
        render.table(("AGENT", "PANE", "WHAT"), table, stretch=("WHAT",))
    elif not here.quiet:
        render.say("no wake is due")
    return 0
