"""Lists of contracts, and of the versions of one contract."""

from __future__ import annotations

from xats.base.record import record
from xats.core.contracts import contracts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.contracts.contracts import Contract, Version
    from xats.store import Row, Tx


@record
class Listed:
    """A contract in a list."""

    contract: Contract
    newest: Version  #: without its text
    subscribers: int


TEXTLESS = contracts.VERSION.replace("v.text", "'' as text")  # a schema may be long
LISTING = f"""
select {contracts.CONTRACT}, {TEXTLESS}, (
    select count(*) from contract_subscribers s join agents a on a.id = s.agent_id
    where s.team = c.team and s.name_key = c.name_key and a.unregistered_at is null
) as subscribers
{contracts.FROM} join contract_versions v on v.contract_id = c.id and v.version = c.newest
join agents b on b.id = v.put_by
where c.team = :team {{only}} order by c.name_key limit :limit
"""
OFFERED = "and c.retired_at is null"
ONE = "and c.id = :id"
LOG = f"""
select {TEXTLESS} from contract_versions v join agents b on b.id = v.put_by
where v.contract_id = :contract order by v.version desc limit :limit
"""


def listing(tx: Tx, team: str, limit: int, *, retired: bool = False) -> tuple[list[Listed], bool]:
    """Return the contracts of `team` by name, with `retired` also retired ones, and whether more follow."""
    sql = LISTING.format(only="" if retired else OFFERED)
    found = [_listed(row) for row in tx.all(sql, team=team, limit=limit + 1)]
    return found[:limit], len(found) > limit


def listed(tx: Tx, contract: Contract) -> Listed:
    """Return `contract` as a list shows it."""
    (row,) = tx.all(LISTING.format(only=ONE), team=contract.team, id=contract.id, limit=1)
    return _listed(row)


def _listed(row: Row) -> Listed:
    contract = contracts.contract_of(row)
    return Listed(contract, contracts.version_of(contract, row), row["subscribers"])


def log(tx: Tx, contract: Contract, limit: int) -> tuple[list[Version], bool]:
    """Return the versions of `contract`, without their texts, the newest first, and whether more follow."""
    rows = tx.all(LOG, contract=contract.id, limit=limit + 1)
    return [contracts.version_of(contract, row) for row in rows[:limit]], len(rows) > limit
