"""Turns: one agent at a time works on the project of a team, and passes the turn on with a handoff.

A team has the turn `main`, and others by their names. Agents join a turn; they are its members, in the order in which
they joined. A turn has one of three states:

                      take
        +------------------------------------------+
        |                                          v
    +------+   release, lapse, leave, kick    +--------+ ---+ steal: another holder
    | free | <------------------------------- |  held  | <--+
    +------+        (no member in line)       +--------+
        ^                                       |    ^
        | missed, left                  pass,   |    | take,
        | (no other member in line)     release,|    | steal
        |                               lapse,  v    |
        |                               ...   +---------+ ---+ missed, release, left:
        +------------------------------------ | offered | <--+ offered to the next in line
                                              +---------+

| event | from | to | function |
| --- | --- | --- | --- |
| a member takes the turn | free, or offered to it | held | `holding.take` |
| the holder passes it on, with a handoff | held | offered, or free | `holding.pass_on` |
| the holder gives it back | held | offered to a member that waits, or free | `holding.release` |
| another agent takes it from the holder | held, or offered | held | `holding.steal` |
| the lease of the holder is over | held | offered, or free | `expiry.settle` |
| the holder leaves, or is kicked | held | offered, or free | `membership.remove` |
| the agent of an offer gives it back | offered | offered to the next, or free | `holding.release` |
| an offer is not used in time | offered | offered to the next, or free | `expiry.settle` |
| the agent of an offer leaves, or is kicked | offered | offered to the next, or free | `membership.remove` |

Every grant of the turn has a number, which only grows. It is the fence: what an earlier holder does under its number is
refused. The claim of the holder is a lease (core/leases): each sign of life renews it, and a holder whose program is
busy is alive, however silent it is. The handoff is the newest `passed` row of the log. No change of the state removes
it, so the next holder gets it, even after a takeover. Nothing removes rows of the log.

The next in line (members.py) is the member that never had the turn, else the one that had it longest ago. `pass next`
leaves out members that xats cannot wake, and tells them; each member gets one offer between two grants.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.turns.summaries import Summary
    from xats.store import Tx

ANY = "select 1 from turns limit 1"


def listed(tx: Tx, team: str | None) -> Sequence[Summary]:
    """Return the turns of `team` (None: of all teams) for a verb that starts fast: without any it imports nothing."""
    if tx.one(ANY) is None:
        return ()
    from xats.core.turns import summaries

    return summaries.find(tx, team)
