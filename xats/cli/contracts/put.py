"""The verbs that change contracts: put, rename, retire."""

from __future__ import annotations

import time

from xats.base.errors import InvalidJson, Uncheckable, Usage
from xats.cli.contracts import text
from xats.cli.kit import reading, render
from xats.cli.teams import membership
from xats.core.address import check_name
from xats.core.contracts import contracts, words
from xats.core.contracts.errors import BreakingChange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.contracts.contracts import Contract, Put, Version
    from xats.core.contracts.subscribers import Notified
    from xats.schemas.diff import Diff
    from xats.schemas.schema import Schema
    from xats.store import Tx

LEFT = "Nothing was stored."
SHOWN = 50  # changes that are printed


def put(
    here: Context,
    name: params.ContractArg,
    schema_file: params.SchemaFileArg = None,
    *,
    file: params.FileOption = None,
    note: params.ContractNoteOption = None,
    compat: params.CompatOption = None,
    allow_breaking: params.AllowBreakingOption = False,
    revive: params.ReviveOption = False,
) -> int:
    """Store a JSON Schema as the next version of a contract.

    xats prints the changes, and whether they break readers, writers or both; subscribers get them as mail. The same
    schema makes no new version.

    --compat is the rule for this version and the next ones, until a put names another rule: backward (new readers can
    read what old writers wrote), forward (old readers can read what new writers write), full (both), or none, the
    default. xats refuses a version that breaks the rule, or for which it cannot decide, with exit code 4.

    Example: xats contract put order order.json --compat backward --note 'prices in cents'

    Example: xats contract put order order.json --allow-breaking
    """
    if compat is not None and compat not in contracts.RULES:
        msg = f"--compat must be one of {', '.join(contracts.RULES)}, not {compat[:40]!r}."
        raise Usage(msg, "xats contract put NAME FILE --compat backward")
    check_name(name, "contract")  # before a file is read
    source, schema = text.read_schema(reading.path(schema_file, file, "schema", LEFT), LEFT)
    new = contracts.New(name=name, text=source, note=note, compat=compat, allow_breaking=allow_breaking, revive=revive)
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
        _print_put(done)
        membership.tell_pending(here, done.version.contract.team)
    text.report_notified(here, done.notified)
    return 0


def _print_put(done: Put) -> None:
    version = done.version
    rest = f"{', no longer retired' if done.revived else ''} (rule: {version.contract.compat})"
    if not done.created:
        render.put(f"{version.name} has the same schema; nothing new was stored{rest}")
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
    """The newest version is one that the schema was not compared with yet."""

    def __init__(self, version: Version) -> None:
        self.version = version


class Comparison:
    """Compares a schema with versions, if possible outside the transaction that stores it.

    A comparison may take seconds, and the transaction must not block other writers so long. But if others store new
    versions all the time, the put would never end. After some tries a quick comparison runs inside the transaction.
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
        """Compare with `version`. If its schema cannot be used any more, the effect of the change is unknown."""
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


def rename(here: Context, old: params.OldContractArg, new: params.NewContractArg) -> int:
    """Give a contract another name.

    Its versions and its subscribers stay, and mail refers to the new name. Subscribers get mail.

    Example: xats contract rename order purchase
    """
    contract, changed, notified, version = here.write(
        lambda tx, me: _with_version(tx, contracts.rename(tx, me.agent, old=old, new=new))
    )
    if here.json:
        values = {"contract": text.version_json(version), "old_name": old, "changed": changed}
        render.document({**values, "notified": notified.agents})
    elif not here.quiet:
        render.put(f"{old} is {contract.name} now" if changed else f"its name is already {contract.name}")
    text.report_notified(here, notified)
    return 0


def retire(here: Context, name: params.ContractArg) -> int:
    """Retire a contract; its versions can still be read.

    Lists leave it out, xats refuses a put, and send --contract needs the number of a version. Subscribers get mail. A
    put with --revive ends the retirement.

    Example: xats contract retire order
    """
    contract, changed, notified, version = here.write(
        lambda tx, me: _with_version(tx, contracts.retire(tx, me.agent, name))
    )
    if here.json:
        render.document({"contract": text.version_json(version), "changed": changed, "notified": notified.agents})
    elif not here.quiet:
        render.put(f"{contract.name} is retired" + ("" if changed else " already"))
        if changed:
            render.say(f"  its last version: {here.command('contract', 'get', version.name)}")
    text.report_notified(here, notified)
    return 0


def _with_version(tx: Tx, done: tuple[Contract, bool, Notified]) -> tuple[Contract, bool, Notified, Version]:
    return *done, contracts.version(tx, done[0], None)
