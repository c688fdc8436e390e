"""The log of starts and exits of the programs of agents: what the rules of restarts count.

A clock may be set at any time, so each entry also has the time since the boot of its host, which nobody can set. The
age of an entry of this boot is right whatever the clock says. An entry of another boot, or of a host that hides its
uptime, has the age of the clock; one from the future counts as new, and `set_right` gives it the time of now.
"""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.states import LoggedStart
    from xats.store import Row, Tx

KEPT = 100  # entries of an agent that are kept: the rules count at most 10 restarts of a day
COLUMNS = "l.kind, l.automatic, l.at, l.boot, l.up, l.ran"
ADD = """
insert into start_log (agent_id, kind, automatic, at, boot, up, ran)
values (:agent, :kind, :automatic, :now, :boot, :up, :ran)
"""
OF_AGENT = f"select {COLUMNS} from start_log l where l.agent_id = :agent order by l.id desc"
OF_TEAM = f"""
select {COLUMNS} from start_log l join agents a on a.id = l.agent_id
where a.team = :team and l.kind = 'start' and l.automatic = 1 order by l.id desc limit :most
"""
AFRESH = "delete from start_log where agent_id = :agent"
OLD = """
delete from start_log where agent_id = :agent
    and id < (select min(id) from (select id from start_log where agent_id = :agent order by id desc limit :most) as n)
"""
SET_RIGHT = "update start_log set at = :now where at > :now and (boot is null or boot <> :boot)"


@record
class Moment:
    """A time by the clock (ms UTC), and by the time since a boot (ms), where that is known."""

    at: int
    boot: str | None
    up: int | None

    def since(self, earlier: Moment) -> int | None:
        """Return the ms from `earlier` to this moment; None if the clock says that `earlier` is in the future."""
        if self.boot is not None and self.boot == earlier.boot:
            assert self.up is not None
            assert earlier.up is not None
            return max(0, self.up - earlier.up)
        return self.at - earlier.at if self.at >= earlier.at else None


@record
class Logged:
    """An entry of the log."""

    kind: LoggedStart
    automatic: bool
    age: int  #: in ms; 0 for an entry from the future
    ran: int | None  #: ms that a program ran that was ready


def moment(tx: Tx) -> Moment:
    """Return the time of the transaction."""
    up = tx.uptime()
    return Moment(tx.now, up.boot, up.up) if up and up.boot else Moment(tx.now, None, None)


def add(tx: Tx, agent_id: int, kind: LoggedStart, *, automatic: bool = False, ran: int | None = None) -> None:
    """Note a start or an exit of the program of the agent. A start that is not `automatic` begins the log afresh."""
    if kind == "start" and not automatic:
        tx.run(AFRESH, agent=agent_id)
    now = moment(tx)
    tx.run(ADD, agent=agent_id, kind=kind, automatic=int(automatic), now=now.at, boot=now.boot, up=now.up, ran=ran)
    tx.run(OLD, agent=agent_id, most=KEPT)


def set_right(tx: Tx) -> None:
    """Give entries from the future the time of now: the clock was set back."""
    tx.run(SET_RIGHT, now=tx.now, boot=moment(tx).boot or "")


def of_agent(tx: Tx, agent_id: int) -> list[Logged]:
    """Return what happened since a person last started the agent, the newest entry first."""
    return _logged(tx, tx.all(OF_AGENT, agent=agent_id))


def restarts_of(tx: Tx, team: str, most: int) -> list[Logged]:
    """Return the newest restarts of agents of `team`, at most `most`."""
    return _logged(tx, tx.all(OF_TEAM, team=team, most=most))


def _logged(tx: Tx, rows: list[Row]) -> list[Logged]:
    now = moment(tx)
    found = []
    for row in rows:
        age = now.since(Moment(row["at"], row["boot"], row["up"]))
        found.append(Logged(row["kind"], bool(row["automatic"]), age or 0, row["ran"]))
    return found
