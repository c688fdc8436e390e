"""Which agents need a person: those that wait for one, and those that cannot be woken."""

from __future__ import annotations

from xats.base import host
from xats.base.durations import ago, rough
from xats.base.record import record
from xats.cli.kit import waking
from xats.cli.kit.render import one_line
from xats.cli.kit.views import near
from xats.core.waking import reasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.cli.agents.states import State
    from xats.core.agents.agents import Details
    from xats.core.waking.pauses import Pause

KINDS = ("waiting", "given_up", "stopped", "gone", "paused")  # the most urgent first


@record
class Need:
    """Why an agent needs a person."""

    details: Details
    kind: str  #: one of `KINDS`
    words: str


@record
class Obstacle:
    """What keeps an agent from reading and answering now."""

    kind: str  #: "waiting" or "gone"
    words: str  #: a sentence about the agent, without its name


def obstacle(details: Details, state: State, now: int) -> Obstacle | None:
    """Return what keeps an agent from reading and answering at the time `now` (ms UTC); None if nothing is known."""
    if state.name == "gone":
        return Obstacle("gone", f"is not running: {ended(state.gone_at, now)}")
    pane = details.session.seat.pane if details.session else None
    where = f" in pane {pane.pane_id}" if pane else ""
    if state.name == "waiting":
        since = f", {rough(now - state.busy_since)}" if state.busy_since else ""
        return Obstacle("waiting", f"needs a person: it asks for a permission or an answer{where}{since}")
    if _held_by_dialog(details):
        return Obstacle("waiting", f"needs a person: {reasons.words('dialog_open')}")
    return None


def ended(at: int | None, now: int) -> str:
    """Return in words that a program has ended, and when (ms UTC) xats saw that, if it did."""
    return f"its program ended {ago(at, now)}" if at is not None else "its program has ended"


def answered_by(details: Details) -> str | None:
    """Return the name for `xats attach` to the pane in which the agent asks a person; None without a pane here."""
    seat = details.session.seat if details.session else None
    return details.agent.address if seat and seat.pane and seat.host == host.id() else None


def needs(found: Iterable[tuple[Details, State]], paused: Sequence[Pause], now: int) -> list[Need]:
    """Return which of the agents in `found` need a person at the time `now` (ms UTC), the most urgent first.

    `paused` are the pauses of their team. The agents of a team that is paused as a whole are not listed for that.
    """
    by_agent = {one.agent: one for one in paused if one.agent}
    needed = [one for each in found if (one := _need(*each, by_agent.get(each[0].agent.address), now))]
    return sorted(needed, key=lambda one: (KINDS.index(one.kind), not one.details.unread, one.details.agent.address))


def _need(details: Details, state: State, pause: Pause | None, now: int) -> Need | None:
    unread = f", {details.unread} unread" if details.unread else ""
    wake = details.wake
    if state.name == "waiting":
        since = f", {rough(now - state.busy_since)}" if state.busy_since else ""
        pane = details.session.seat.pane if details.session else None
        return Need(details, "waiting", f"needs a person{since}{f', in pane {pane.pane_id}' if pane else ''}")
    if details.unread and _held_by_dialog(details):
        return Need(details, "waiting", f"{reasons.words('dialog_open')}{unread}")
    if details.unread and wake and wake.state == "failed":
        since = f"; {ended(state.gone_at, now)}" if state.name == "gone" else ""
        return Need(details, "given_up", f"{waking.wake_brief(details, now, words=True)}{since}{unread}")
    if details.unread and wake is None and details.no_wake_reason == "hop_limit":
        return Need(details, "stopped", waking.wake_brief(details, now, words=True))
    if state.name == "gone":
        return Need(details, "gone", f"{state.brief}{unread}")
    if pause:
        why = f": {one_line(pause.reason)}" if pause.reason else ""
        return Need(details, "paused", f"paused by {near(pause.by, pause.team)} {ago(pause.at, now)}{why}")
    return None


def _held_by_dialog(details: Details) -> bool:
    """Tell whether a dialog in the pane of the agent keeps its mail from it."""
    wake = details.wake
    return wake is not None and wake.state == "retrying" and wake.reason == "dialog_open"
