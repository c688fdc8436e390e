"""The copies of one message in rows for people: problems first, and recipients with the same state in one row."""

from __future__ import annotations

from xats.base.record import replace
from xats.cli.agents import attention, states
from xats.cli.kit import colours, render, waking
from xats.cli.kit.views import near

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xats.cli.agents.states import State
    from xats.cli.kit.context import Context
    from xats.cli.kit.render import Cell
    from xats.core.mail.status import DeliveryStatus

    Row = tuple[str, Cell, Cell]  # recipients, the state of the copy, the state of the wake

FEW = 5  # recipients that have a row each
OPEN = ("unread", "shown")  # states of a copy that its recipient has still to read


def present(found: Sequence[DeliveryStatus], now: int) -> tuple[list[DeliveryStatus], list[State]]:
    """Return the copies with their wakes as they are now, and the states of their recipients (`now` is in ms UTC)."""
    copies, seen = [], []
    for one in found:
        assert one.details
        details, state = states.look(replace(one.details, wake=one.wake), now)
        copies.append(replace(one, details=details, wake=details.wake))
        seen.append(state)
    return copies, seen


class Obstacles:
    """What keeps the recipients of a message from answering, for a command that may wait for them."""

    def __init__(self, here: Context, known: Sequence[str] = ()) -> None:
        """`known` are the recipients of which `here` has already said that they are not running."""
        self._here = here
        self._said = dict.fromkeys(known, "gone")

    def say(self, found: Sequence[DeliveryStatus], then: str = "") -> None:
        """Say on stderr what keeps the recipients in `found` from answering, and what happens `then`.

        Each obstacle is said once. With --json it says nothing, because stderr is for one document.
        """
        if self._here.json:
            return
        lines = list(self._new(found, then))
        for line, command in lines[:FEW]:
            render.note(line)
            if command:  # on a line of its own, so that it can be copied
                render.say(f"  to answer it: {command}")
        if len(lines) > FEW:
            render.note(f"and {len(lines) - FEW} more: {self._here.command('agents')}")

    def of(self, found: Sequence[DeliveryStatus]) -> list[dict[str, str]]:
        """Return the state of each recipient in `found`, for the JSON of an error."""
        copies, seen = present(found, self._here.store.clock())
        pairs = zip(copies, seen, strict=True)
        return [{"agent": one.agent, "state": state.name, "detail": state.words} for one, state in pairs]

    def _new(self, found: Sequence[DeliveryStatus], then: str) -> Iterator[tuple[str, str]]:
        """Yield a line about each new obstacle, and the command with which a person can end it, or ""."""
        now = self._here.store.clock()
        copies, seen = present(found, now)
        for one, state in zip(copies, seen, strict=True):
            assert one.details
            problem = attention.obstacle(one.details, state, now)
            if problem is None:
                self._said.pop(one.agent, None)
            elif self._said.get(one.agent) != problem.kind:
                self._said[one.agent] = problem.kind
                name = near(one.agent, self._here.team)
                attach = attention.answered_by(one.details) if problem.kind == "waiting" else None
                answer = self._here.command("attach", near(attach, self._here.team)) if attach else ""
                yield f"{name} {problem.words}{then}", answer


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


def read_text(found: Sequence[DeliveryStatus], sender: str) -> str:
    """Return how many recipients have read the message of `sender`, or were only shown it, in words.

    The sender's own copy does not count.
    """
    states = [one.state for one in found if one.agent != sender]
    return waking.counts_text(states.count("read") + states.count("replied"), states.count("shown"), len(states))


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
