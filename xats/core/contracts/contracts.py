"""Contracts: schemas that the agents of a team agree on. Each schema under a name is a version, and never changes.

    (put) --> offered --retire--> retired
                 ^                   |
                 '---put --revive----'

Versions are 1, 2, 3, ... without a gap: the transaction that stores a version takes its number. xats compares each
version with the one before it, and `compat` is the rule that it must keep:

    backward    readers with the new version can read documents of the old one
    forward     readers with the old version can read documents of the new one
    full        both
    none        no rule; subscribers only hear of the change

This module does not compare schemas itself: the caller passes a function for that.
"""

from __future__ import annotations

from xats.base import text
from xats.base.errors import Refused, Usage
from xats.base.record import from_row, record, replace
from xats.core.address import check_name
from xats.core.contracts import subscribers, words
from xats.core.contracts.errors import (
    BreakingChange,
    ContractRetired,
    ContractTaken,
    InvalidContract,
    UnknownContract,
    UnknownVersion,
)
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent
    from xats.core.states import Rule
    from xats.schemas.compat import Verdict
    from xats.schemas.diff import Diff
    from xats.store import Row, Tx

RULES: tuple[Rule, ...] = ("backward", "forward", "full", "none")
DEFAULT: Rule = "none"
LARGEST = 1 << 20  # bytes of a schema, in UTF-8
LONGEST_NOTE = 500  # characters


@record
class Contract:
    """A contract as it is stored. Times are ms UTC."""

    id: int
    team: str
    name: str
    compat: Rule
    newest: int  #: the number of its last version, and how many there are
    created_at: int
    retired_at: int | None
    retired_by: str | None  #: name@team

    @property
    def retired(self) -> bool:
        """Whether it is retired: no new versions, and not offered."""
        return self.retired_at is not None


@record
class Version:
    """One version of a contract. Its verdicts compare it with the version before it; the first version has none."""

    contract: Contract
    number: int
    text: str  #: the schema, as given
    note: str | None
    by: str  #: name@team
    at: int
    backward: Verdict | None
    forward: Verdict | None

    @property
    def name(self) -> str:
        """Its name and number: `order@3`."""
        return f"{self.contract.name}@{self.number}"


@record
class New:
    """A version to store."""

    name: str
    text: str
    note: str | None = None
    compat: Rule | None = None  #: the new rule; None keeps the old one
    allow_breaking: bool = False
    revive: bool = False


@record
class Put:
    """The result of `put`. `created` is False if the newest version is equivalent."""

    version: Version
    created: bool
    diff: Diff | None  #: None: the first version, or an equivalent one
    notified: subscribers.Notified
    revived: bool = False  #: whether it was retired until now


# -- names -------------------------------------------------------------------------------------------------------------


def parse(called: str) -> tuple[str, int | None]:
    """Return the name and the number in `order@3`; the number of `order` is None. Raises InvalidName, Usage."""
    name, at, number = called.partition("@")
    check_name(name, "contract")
    if not at:
        return name, None
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        msg = f"{number[:40]!r} is not a version of {name}: versions are 1, 2, 3, ..."
        raise Usage(msg, f"write {name}@1, or {name} for the newest; --team names another team")
    return name, int(number)


# -- finding -----------------------------------------------------------------------------------------------------------

CONTRACT = """
c.id, c.team, c.name, c.compat, c.newest, c.created_at, c.retired_at, r.name as retired_by
"""
FROM = "from contracts c left join agents r on r.id = c.retired_by"
BY_NAME = f"select {CONTRACT} {FROM} where c.team = :team and c.name_key = :key"
NAMES = "select name, name_key from contracts where team = :team and retired_at is null"
VERSION = "v.version, v.text, v.note, b.name as put_by, v.put_at, v.backward, v.forward"
ONE = f"""
select {VERSION} from contract_versions v join agents b on b.id = v.put_by
where v.contract_id = :contract and v.version = :version
"""


def contract_of(row: Row) -> Contract:
    """Return the Contract in a row that has the CONTRACT columns."""
    by = f"{row['retired_by']}@{row['team']}" if row["retired_by"] else None
    return from_row(Contract, row, retired_by=by)


def version_of(contract: Contract, row: Row) -> Version:
    """Return the Version of `contract` in a row that has the VERSION columns."""
    by = f"{row['put_by']}@{contract.team}"
    return from_row(Version, row, contract=contract, number=row["version"], by=by, at=row["put_at"])


def look(tx: Tx, team: str, name: str) -> Contract | None:
    """Return the contract `name` of `team`, retired or not, or None."""
    row = tx.one(BY_NAME, team=team, key=name.lower())
    return contract_of(row) if row else None


def find(tx: Tx, team: str, name: str) -> Contract:
    """Return the contract `name` of `team`, retired or not. Raises InvalidName, UnknownContract."""
    check_name(name, "contract")
    found = look(tx, team, name)
    if found is None:
        close = near(tx, team, name)
        msg = f"There is no contract {name} in team {team}."
        raise UnknownContract(msg, f"did you mean {close}?" if close else "", name=name, team=team)
    return found


def near(tx: Tx, team: str, name: str) -> str:
    """Return the name of the contract of `team` that is most like `name`, or ""."""
    from difflib import get_close_matches

    names = {row["name_key"]: row["name"] for row in tx.all(NAMES, team=team)}
    return next((names[key] for key in get_close_matches(name.lower(), names, 1)), "")


def version(tx: Tx, contract: Contract, number: int | None) -> Version:
    """Return version `number` of `contract`; None is the newest. Raises UnknownVersion."""
    row = tx.one(ONE, contract=contract.id, version=contract.newest if number is None else number)
    if row is None:
        versions = "one version, 1" if contract.newest == 1 else f"{contract.newest} versions, 1 to {contract.newest}"
        msg = f"There is no version {number} of {contract.name}: it has {versions}."
        raise UnknownVersion(msg, f"xats contract log {contract.name}", name=contract.name, newest=contract.newest)
    return version_of(contract, row)


def find_version(tx: Tx, team: str, called: str) -> Version:
    """Return the version of a contract of `team` that `called` names: `order@3`, or `order` for the newest.

    Raises InvalidName, Usage, UnknownContract, UnknownVersion.
    """
    name, number = parse(called)
    return version(tx, find(tx, team, name), number)


def usable(tx: Tx, team: str, called: str) -> Version:
    """Return the version that `called` names, for a new document. Raises what `find_version` does, and ContractRetired.

    A retired contract is usable only by the number of a version.
    """
    found = find_version(tx, team, called)
    if found.contract.retired and "@" not in called:
        hint = f"to use its last version anyway: {found.name}"
        raise _retired(found.contract, hint)
    return found


# -- putting -----------------------------------------------------------------------------------------------------------

FIRST = """
insert into contracts (team, name, name_key, compat, newest, created_at)
values (:team, :name, :key, :compat, 1, :now) on conflict (team, name_key) do nothing returning id
"""
NEXT = """
update contracts set newest = newest + 1 where id = :id and newest = :seen returning newest
"""
ADD = """
insert into contract_versions (contract_id, version, text, note, put_by, put_at, backward, forward)
values (:contract, :version, :text, :note, :by, :now, :backward, :forward)
"""
SET_RULE = "update contracts set compat = :compat where id = :id"
REVIVE = "update contracts set retired_at = null, retired_by = null where id = :id"


def put(tx: Tx, me: Agent, new: New, compare: Callable[[Version], Diff | None]) -> Put:
    """Store `new` as the next version, unless the newest one is equivalent; send mail to the subscribers.

    `compare` returns the changes since a version, or None if there are none; an error in it undoes everything.
    Raises InvalidName, InvalidContract, ContractRetired, BreakingChange.
    """
    check_name(new.name, "contract")
    new = replace(new, note=check_note(new.note))
    contract = look(tx, me.team, new.name)
    if contract is None:
        return _put_first(tx, me, new)
    if contract.retired and not new.revive:
        raise _retired(contract, f"xats contract put {contract.name} FILE --revive")
    diff = compare(version(tx, contract, None))
    rule = new.compat or contract.compat
    if diff is not None and not new.allow_breaking:
        _keep_rule(contract, rule, diff)
    revived = _change(tx, me, contract, rule)
    if diff is None:
        notified = subscribers.revived(tx, me, contract) if revived else subscribers.NOBODY
        return Put(version(tx, find(tx, me.team, contract.name), None), False, None, notified, revived)
    row = tx.one(NEXT, id=contract.id, seen=contract.newest)
    if row is None:
        raise _moved(contract.name)
    number: int = row["newest"]
    _add(tx, me, contract.id, new, number, diff)
    _say(tx, me, "put", contract.name, version=number, backward=diff.backward, forward=diff.forward)
    stored = version(tx, find(tx, me.team, contract.name), None)
    return Put(stored, True, diff, subscribers.changed(tx, me, stored, diff), revived)


def _put_first(tx: Tx, me: Agent, new: New) -> Put:
    rule = new.compat or DEFAULT
    row = tx.one(FIRST, team=me.team, name=new.name, key=new.name.lower(), compat=rule, now=tx.now)
    if row is None:
        raise _moved(new.name)
    _add(tx, me, row["id"], new, 1, None)
    _say(tx, me, "put", new.name, version=1, backward=None, forward=None)
    stored = version(tx, find(tx, me.team, new.name), None)
    return Put(stored, True, None, subscribers.appeared(tx, me, stored))


def _add(tx: Tx, me: Agent, contract_id: int, new: New, number: int, diff: Diff | None) -> None:
    teams.use(tx, me.team, me.name)
    verdict = {"backward": diff.backward if diff else None, "forward": diff.forward if diff else None}
    tx.run(ADD, contract=contract_id, version=number, text=new.text, note=new.note, by=me.id, now=tx.now, **verdict)


def _change(tx: Tx, me: Agent, contract: Contract, rule: Rule) -> bool:
    """Bring a retired `contract` back and set its `rule`; return whether it was retired."""
    if contract.retired:
        tx.run(REVIVE, id=contract.id)
        _say(tx, me, "revived", contract.name)
    if rule != contract.compat:
        tx.run(SET_RULE, id=contract.id, compat=rule)
        _say(tx, me, "changed", contract.name, compat=rule, old_compat=contract.compat)
    return contract.retired


def _keep_rule(contract: Contract, rule: Rule, diff: Diff) -> None:
    """Raise BreakingChange unless `diff` keeps `rule`."""
    sides = {"backward": ("backward",), "forward": ("forward",), "full": ("backward", "forward"), "none": ()}[rule]
    verdicts = {side: getattr(diff, side) for side in sides}
    if set(verdicts.values()) <= {"compatible"}:
        return
    name = f"{contract.name}@{contract.newest + 1}"
    wanted = "compatible both ways" if rule == "full" else f"{rule} compatible"
    broken = words.broken(verdicts.get("backward"), verdicts.get("forward"))
    if broken:
        msg = f"{name} is not {wanted}, but {contract.name} must be: it breaks {broken}. Nothing was stored."
    else:
        msg = f"xats cannot tell whether {name} is {wanted}, and takes that for no. Nothing was stored."
    raise BreakingChange(
        msg,
        f"xats contract put {contract.name} FILE --allow-breaking",
        contract={"name": contract.name, "version": contract.newest},
        compat=rule,
        diff=words.values(diff, contract.newest, contract.newest + 1),
    )


def check_note(note: str | None) -> str | None:
    """Return `note` without space around it. Raises InvalidContract."""
    if note is None or not note.strip():
        return None
    note = note.strip()
    if not text.is_line(note, LONGEST_NOTE):
        msg = f"A note must be one line of at most {LONGEST_NOTE} characters. Nothing was stored."
        raise InvalidContract(msg, "shorten it; details can go into the schema, as $comment")
    text.check(note, "note", InvalidContract, "Nothing was stored.", "give text")
    return note


# -- names and ends ----------------------------------------------------------------------------------------------------

RENAME = "update contracts set name = :name, name_key = :key where id = :id"
RETIRE = "update contracts set retired_at = :now, retired_by = :me where id = :id and retired_at is null"


def rename(tx: Tx, me: Agent, old: str, new: str) -> tuple[Contract, bool, subscribers.Notified]:
    """Rename the contract `old` to `new`, with its versions, its subscribers, and the mail that names it.

    Returns it, whether its name changed, and the mail that was sent.
    Raises InvalidName, UnknownContract, ContractTaken.
    """
    contract = find(tx, me.team, old)
    check_name(new, "contract")
    if contract.name == new:
        return contract, False, subscribers.NOBODY
    other = look(tx, me.team, new)
    if other is not None and other.id != contract.id:
        state = ", which is retired" if other.retired else ""
        msg = f"There is a contract {other.name} already{state}. Nothing was changed."
        raise ContractTaken(msg, f"xats contract rename {other.name} ANOTHER_NAME", name=other.name)
    tx.run(RENAME, id=contract.id, name=new, key=new.lower())
    _say(tx, me, "renamed", new, old_name=contract.name)
    renamed = find(tx, me.team, new)
    return renamed, True, subscribers.renamed(tx, me, contract, renamed)


def retire(tx: Tx, me: Agent, name: str) -> tuple[Contract, bool, subscribers.Notified]:
    """Retire the contract `name`; its versions can still be read.

    Returns it, whether it was not retired until now, and the mail that was sent. Raises InvalidName, UnknownContract.
    """
    contract = find(tx, me.team, name)
    if not tx.run(RETIRE, id=contract.id, me=me.id, now=tx.now):
        return contract, False, subscribers.NOBODY
    _say(tx, me, "retired", contract.name)
    return find(tx, me.team, name), True, subscribers.retired(tx, me, contract)


def _retired(contract: Contract, hint: str) -> ContractRetired:
    by = (contract.retired_by or "").partition("@")[0]
    msg = f"{by} has retired the contract {contract.name}."
    return ContractRetired(msg, hint, name=contract.name, version=contract.newest)


def _moved(name: str) -> Refused:
    msg = f"Another agent has just changed the contract {name}. Nothing was stored."
    return Refused(msg, f"xats contract log {name}", name=name)


def _say(tx: Tx, me: Agent, kind: str, name: str, /, **data: str | int | None) -> None:
    tx.event(f"contract_{kind}", me.team, me.name, f"contract:{name}", **data)
