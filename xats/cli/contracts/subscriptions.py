"""The verbs of subscriptions: subscribe, unsubscribe, subscribers."""

from __future__ import annotations

from xats.base import durations
from xats.cli.contracts import text
from xats.cli.kit import render, views
from xats.cli.kit.scope import team_of
from xats.core.contracts import contracts
from xats.core.contracts import subscribers as core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.contracts.contracts import Contract
    from xats.core.contracts.subscribers import Subscriber
    from xats.store import Tx


def subscribe(here: Context, name: params.ContractArg) -> int:
    """Get mail whenever a contract changes.

    The mail says what changed. It wakes you only for a change that breaks readers or writers, or may break them. The
    contract need not exist yet: you get mail when it is first put.

    Example: xats contract subscribe order
    """

    def work(tx: Tx, me: Me) -> tuple[Contract | None, bool, str]:
        new = core.subscribe(tx, me.agent, name)
        contract = contracts.look(tx, me.agent.team, name)
        return contract, new, "" if contract else contracts.near(tx, me.agent.team, name)

    contract, new, near = here.write(work)
    if here.json:
        render.document({"contract": text.name_json(name, contract), "subscribed": True, "created": new})
    elif not here.quiet:
        what = "subscribed to" if new else "already subscribed to"
        state = f"{contract.name}@{contract.newest}" if contract else f"{name}, which does not exist yet"
        render.put(f"{what} {state}{', which is retired' if contract and contract.retired else ''}")
        if near:
            render.say(f"  did you mean {near}?")
    return 0


def unsubscribe(here: Context, name: params.ContractArg) -> int:
    """Get no more mail about a contract.

    Example: xats contract unsubscribe order
    """

    def work(tx: Tx, me: Me) -> tuple[Contract | None, bool]:
        return contracts.look(tx, me.agent.team, name), core.unsubscribe(tx, me.agent, name)

    contract, gone = here.write(work)
    if here.json:
        render.document({"contract": text.name_json(name, contract), "subscribed": False, "removed": gone})
    elif not here.quiet:
        called = contract.name if contract else name
        render.put(f"you get no more mail about {called}" if gone else f"you did not subscribe to {called}")
    return 0


def subscribers(here: Context, name: params.ContractArg) -> int:
    """List the agents that get mail about a contract.

    Example: xats contract subscribers order
    """
    team = team_of(here)

    def look(tx: Tx) -> tuple[Contract | None, list[Subscriber]]:
        found = core.subscribers(tx, team, name)
        return contracts.look(tx, team, name) if found else contracts.find(tx, team, name), found

    contract, found = here.store.read(look)
    if here.json:
        rows = [{"agent": one.agent, "since": durations.iso(one.since)} for one in found]
        render.document({"contract": text.name_json(name, contract), "subscribers": rows})
        return 0
    now = here.store.clock()
    if found:
        render.table(
            ("AGENT", "SINCE"), [(views.near(one.agent, team), durations.ago(one.since, now)) for one in found]
        )
    elif not here.quiet:
        render.say(f"{contract.name if contract else name} has no subscribers")
    return 0
