"""The copies of one message in rows for people: problems first, and recipients with the same state in one row."""

from __future__ import annotations

from xats.cli.kit import colours, waking
from xats.cli.kit.views import near

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit.render import Cell
    from xats.core.mail.status import DeliveryStatus

    Row = tuple[str, Cell, Cell]  # recipients, the state of the copy, the state of the wake

FEW = 5  # recipients that have a row each


def rows(found: Sequence[DeliveryStatus], team: str, now: int) -> list[Row]:
    """Return a row for each recipient, problems first."""
    return [_row(one, team, now) for one in sorted(found, key=_rank)]


def groups(found: Sequence[DeliveryStatus], team: str, now: int) -> list[Row]:
    """Return a row for each state, with the names of all its recipients, problems first; few have a row each."""
    if len(found) <= FEW:
        return rows(found, team, now)
    alike: dict[tuple[str, str], list[DeliveryStatus]] = {}
    for one in sorted(found, key=_rank):
        alike.setdefault((_state(one), _wake(one)), []).append(one)
    lines = []
    for (state, wake), members in alike.items():
        names = ", ".join(near(one.agent, team) for one in members)
        many = (f"{len(members)} agents: {names}", *_cells(members[0], state, wake))
        lines.append(many if len(members) > 1 else _row(members[0], team, now))
    return lines


def read_text(found: Sequence[DeliveryStatus]) -> str:
    """Return how many recipients have read the message, or were only shown it, in words."""
    states = [one.state for one in found]
    return waking.counts_text(states.count("read") + states.count("replied"), states.count("shown"), len(found))


def _row(one: DeliveryStatus, team: str, now: int) -> Row:
    return (near(one.agent, team), *_cells(one, waking.mail_text(one, now), waking.wake_text(one, now)))


def _cells(one: DeliveryStatus, mail: str, wake: str) -> tuple[Cell, Cell]:
    """Return `mail` and `wake`, which describe one copy and its wake, in the colours of their states."""
    state = one.wake.state if one.wake else ""
    return colours.cell(mail, waking.mail_state(one), colours.MAIL), colours.cell(wake, state, colours.WAKES)


def _state(one: DeliveryStatus) -> str:
    """Return the state of a copy in words, without its time."""
    state = waking.mail_state(one)
    return "read, not answered" if state == "owed" else state


def _wake(one: DeliveryStatus) -> str:
    """Return the state of a wake in words, without its times; "" for mail that needs no wake any more."""
    if one.state not in ("unread", "expired"):
        return ""
    return waking.state_text(one.wake) if one.wake else waking.wake_text(one, 0)


def _rank(one: DeliveryStatus) -> int:
    """Return the place of a copy in the list: a wake that failed, one that waits for something, other unread mail."""
    wake = one.wake
    if one.state == "expired" or (one.state == "unread" and wake and wake.state == "failed"):
        return 0
    if one.state == "unread":
        return 1 if wake and wake.reason else 2
    return 3 if one.state == "shown" else 4 if one.need_reply else 5
