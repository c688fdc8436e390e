"""The verbs that change contracts: put, rename, retire; and those by which one hears of changes."""

from __future__ import annotations

import time

from xats.base.errors import BreakingChange, InvalidJson, Uncheckable, Usage
from xats.cli.contracts import text
from xats.cli.kit import render
from xats.cli.teams import membership
from xats.core.address import check_name
from xats.core.contracts import contracts, subscribers, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.cli.kit import params
    from xats.cli.kit.context import Here, Me
    from xats.core.contracts.contracts import Contract, Put, Version
    from xats.core.contracts.subscribers import Notified
    from xats.schemas.diff import Diff
    from xats.schemas.schema import Schema
    from xats.store import Tx

LEFT = "Nothing was stored."
SHOWN = 50  # changes that are printed


def put(
    here: Here,
    name: params.ContractArg,
    file: params.SchemaFileArg,
    *,
    note: params.ContractNoteOption = None,
    compat: params.CompatOption = None,
    allow_breaking: params.AllowBreakingOption = False,
    revive: params.ReviveOption = False,
) -> int:
    """Store a JSON Schema as the next version of a contract.

    What changes is said, and whether it breaks readers, writers or both; whoever subscribes gets it as mail. The same
    schema again makes no new version.

    --compat is the rule for this version and the next ones, until a put names another: backward (new readers can read
    what old writers wrote), forward (old readers can read what new writers write), full (both), or none, the default.
    A version that breaks the rule is refused with exit code 4, and so is one of which that cannot be told.

    Example: xats contract put order order.json --compat backward --note 'prices in cents'

    Example: xats contract put order order.json --allow-breaking
    """
    if compat is not None and compat not in contracts.RULES:
        msg = f"{compat[:40]!r} is no rule of compatibility."
        raise Usage(msg, f"one of: {', '.join(contracts.RULES)}")
    check_name(name, "contract")  # before a file is read
    said, schema = text.read_schema(file, LEFT)
    new = contracts.New(name=name, text=said, note=note, compat=compat, allow_breaking=allow_breaking, revive=revive)
    comparison = Comparison(schema)
    while True:
        try:
            done = here.write(lambda tx, me: contracts.put(tx, me.agent, new=new, compare=comparison))
            break
        except Moved as moved:
            comparison.learn(moved.version)
        except BreakingChange:
            if not here.json and comparison.last:
                _print_changes(comparison.last, render.say)
            raise
    if here.json:
        version = done.version
        diff = words.values(done.diff, version.number - 1, version.number) if done.diff else None
        values = {"contract": text.version_json(version), "created": done.created, "diff": diff}
        render.document({**values, "notified": done.notified.agents, "will_wake": done.notified.wakes})
    elif here.quiet:
        render.put(done.version.name)
    else:
        _say_put(done)
        membership.tell_pending(here, done.version.contract.team)
    text.tell(here, done.notified)
    return 0


def _say_put(done: Put) -> None:
    version = done.version
    rest = f"{', offered again' if done.revived else ''} (rule: {version.contract.compat})"
    if not done.created:
        render.put(f"{version.name} says the same already; nothing new was stored{rest}")
    elif done.diff is None:
        render.put(f"{version.name} stored: the first version{rest}")
    else:
        effect = words.effect(done.diff.backward, done.diff.forward)
        render.put(f"{version.name} stored: {effect}{rest}")
        _print_changes(done.diff, render.put)


def _print_changes(diff: Diff, write: Callable[[str], None]) -> None:
    for line in words.lines(diff, SHOWN):
        write(f"  {line}")


class Moved(Exception):
    """The newest version is not one that the schema was compared with yet."""

    def __init__(self, version: Version) -> None:
        self.version = version


class Comparison:
    """Compares a schema with versions, outside of the transaction that stores it as long as that leads anywhere.

    Comparing may take seconds, for which nobody else can be kept from writing. But whoever finds that the newest
    version has moved on each time would never get through, so what is quick is then done inside.
    """

    QUICK = 0.1  # seconds
    TRIES, MOST = 2, 20

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._known: dict[tuple[int, int], Diff | None] = {}
        self._tries = 0
        self._took = 0.0
        self.last: Diff | None = None

    def __call__(self, version: Version) -> Diff | None:
        """Return what has changed since `version`, or None when nothing has. Raises Moved, InvalidSchema."""
        key = (version.contract.id, version.number)
        if key not in self._known:
            if self._tries < (self.TRIES if self._took < self.QUICK else self.MOST):
                raise Moved(version)
            self.learn(version)
        self.last = self._known[key]
        return self.last

    def learn(self, version: Version) -> None:
        """Compare with `version`; from one that cannot be used any more, all that is known is that it changed."""
        from xats.schemas import text as json
        from xats.schemas.diff import diff, unknown

        began = time.monotonic()
        found: Diff | None = None
        try:
            if not json.same(json.parse(version.text), self._schema.raw):
                found = diff(text.stored(version, ""), self._schema)
        except (InvalidJson, Uncheckable) as problem:
            found = unknown(str(problem))
        self._known[version.contract.id, version.number] = found
        self._took = time.monotonic() - began
        self._tries += 1


def rename(here: Here, old: params.OldContractArg, new: params.NewContractArg) -> int:
    """Give a contract another name.

    Its versions, its subscribers and the mail that names it go along; subscribers are told.

    Example: xats contract rename order purchase
    """
    contract, changed, told, version = here.write(
        lambda tx, me: _with_version(tx, contracts.rename(tx, me.agent, old=old, new=new))
    )
    if here.json:
        values = {"contract": text.version_json(version), "old_name": old, "changed": changed}
        render.document({**values, "notified": told.agents})
    elif not here.quiet:
        render.put(f"{old} is {contract.name} now" if changed else f"that is its name already: {contract.name}")
    text.tell(here, told)
    return 0


def retire(here: Here, name: params.ContractArg) -> int:
    """Retire a contract; its versions can still be read.

    It is left out of lists, a put is refused, and send --contract takes it only with the number of a version.
    Subscribers are told. A put with --revive brings it back.

    Example: xats contract retire order
    """
    contract, changed, told, version = here.write(
        lambda tx, me: _with_version(tx, contracts.retire(tx, me.agent, name))
    )
    if here.json:
        render.document({"contract": text.version_json(version), "changed": changed, "notified": told.agents})
    elif not here.quiet:
        render.put(f"{contract.name} is retired" + ("" if changed else " already"))
        if changed:
            render.say(f"  what it was: {here.command('contract', 'get', version.name)}")
    text.tell(here, told)
    return 0


def _with_version(tx: Tx, done: tuple[Contract, bool, Notified]) -> tuple[Contract, bool, Notified, Version]:
    return *done, contracts.version(tx, done[0], None)


# -- hearing of changes ------------------------------------------------------------------------------------------------


def subscribe(here: Here, name: params.ContractArg) -> int:
    """Get mail whenever a contract changes.

    With what has changed, and awake only for what breaks somebody or may. A name that nobody has put yet is fine: you
    are told when it appears.

    Example: xats contract subscribe order
    """

    def work(tx: Tx, me: Me) -> tuple[Contract | None, bool, str]:
        new = subscribers.subscribe(tx, me.agent, name)
        contract = contracts.look(tx, me.agent.team, name)
        return contract, new, "" if contract else contracts.near(tx, me.agent.team, name)

    contract, new, near = here.write(work)
    if here.json:
        render.document({"contract": text.name_json(name, contract), "subscribed": True, "created": new})
    elif not here.quiet:
        what = "subscribed to" if new else "you subscribe already to"
        state = f"{contract.name}@{contract.newest}" if contract else f"{name}, which nobody has put yet"
        render.put(f"{what} {state}{', which is retired' if contract and contract.retired else ''}")
        if near:
            render.say(f"  did you mean {near}?")
    return 0


def unsubscribe(here: Here, name: params.ContractArg) -> int:
    """Get no more mail about a contract.

    Example: xats contract unsubscribe order
    """

    def work(tx: Tx, me: Me) -> tuple[Contract | None, bool]:
        return contracts.look(tx, me.agent.team, name), subscribers.unsubscribe(tx, me.agent, name)

    contract, gone = here.write(work)
    if here.json:
        render.document({"contract": text.name_json(name, contract), "subscribed": False, "removed": gone})
    elif not here.quiet:
        called = contract.name if contract else name
        render.put(f"you get no more mail about {called}" if gone else f"you did not subscribe to {called}")
    return 0
