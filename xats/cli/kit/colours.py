"""The colour of each state, one table for all verbs.

Green is well, yellow waits or needs a look, red has failed, and dim is not here. The words beside a colour always say
the same, because a reader may see no colour.
"""

from __future__ import annotations

from xats.cli.kit.render import Cell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Details

CHECKS = {"ok": "green", "warn": "yellow", "fail": "red"}
AGENTS = {"online": "green", "busy": "green", "waiting": "yellow", "gone": "red", "offline": "dim", "unknown": "dim"}
WAKES = {"delivered": "green", "retrying": "yellow", "held": "yellow", "refused": "yellow", "failed": "red"}
MAIL = {
    "unread": "bold",
    "shown": "green",
    "read": "green",
    "acked": "green",
    "replied": "green",
    "owed": "yellow",
    "expired": "red",
}
TASKS = {"claimed": "green", "review": "yellow", "blocked": "dim", "done": "green", "failed": "red", "cancelled": "dim"}


def cell(text: str, state: str, colours: dict[str, str]) -> Cell:
    """Return `text` as a cell of a table in the colour that `colours` has for `state`."""
    return Cell(text, colours.get(state, ""))


def wake_cell(text: str, details: Details) -> Cell:
    """Return `text`, which describes the wake of an agent, as a cell of a table."""
    if details.wake:
        return cell(text, details.wake.state, WAKES)
    return Cell(text, "yellow" if details.unread else "")
