"""The briefing: what xats tells a model at the start of its session, and after its context was shortened.

It begins with who the agent is and how to use xats. The pinned notes of its team follow, and the recap: what the agent
said that it works on, its last mail, the requests that wait for its reply, its tasks, and who else is here. All of it
is short, because it costs the agent tokens in every session: lines are left out until it fits into ROOM, and `xats
recap` and `xats note get` have the rest.
"""

from __future__ import annotations

from xats.base import occupancy
from xats.core import recap
from xats.core.agents import agents, presence
from xats.core.mail import inbox, owed
from xats.core.notes import views as notes
from xats.core.tasks import recap as task_recap
from xats.hooks import letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.agents.agents import Agent, Details
    from xats.core.mail.inbox import Shown
    from xats.core.recap import Item
    from xats.store import Tx

    #: Returns a part of the briefing with at most so many lines or names; "" if it has none.
    Part = Callable[[int], str]

ROOM = 1600  # bytes of UTF-8, some 400 tokens
MAIL = 4  # messages that are listed
TASKS = 3  # tasks that are listed; the others are counted
OTHERS = 6  # other agents that are named
NOTES = 6  # pinned notes that are shown
NOTES_ROOM = 500  # bytes of all pinned notes that are shown, so that the recap has room too
SEEN = 60 * 60_000  # ms
LOOKED_AT = 20  # messages and other agents of which these are chosen


def briefing(
    tx: Tx, me: Agent, before: Sequence[Shown], xats: str, room: int = ROOM, reading: str = letters.AUTOMATIC
) -> str:
    """Return what xats tells a session of `me` at its start, in at most `room` bytes.

    An earlier session was shown the letters `before`, and this one may not know them. `xats` is how it calls xats.
    `reading` says how mail gets to it (letters.py). Only a path of xats of some hundred bytes can need more room: the
    first part, which repeats it, is never cut.
    """
    team, now = me.team, tx.now
    session = agents.current_session(tx, me)
    unread = letters.recap(inbox.unread(tx, me), presence.last_sent(tx, me.id), now)
    requests, requested = owed.requests(tx, me, LOOKED_AT)
    mail = _earlier(tx, me, [one.id for one in requests])
    tasks, count = task_recap.todo(tx, me, TASKS)
    pinned = notes.pinned(tx, team, NOTES_ROOM, LOOKED_AT)
    fit = letters.fitting_notes(pinned.notes, team, now, NOTES, NOTES_ROOM)
    kept = (lambda most: letters.notes(pinned, fit, most, team, now, xats)), len(fit) + letters.UNSHOWN
    others = [one for one in recap.others(tx, me, LOOKED_AT) if _is_here(one, now)]
    first = [letters.primer(me, xats, reading), letters.doing(session, now, xats), unread, _held(tx, me, xats)]
    # What comes last here gives way first.
    parts: list[tuple[Part, int]] = [
        (lambda most: letters.owed(requests[:most], requested, team, now, xats), letters.REQUESTS),
        (lambda most: letters.tasks(tasks[:most], count, now, xats), TASKS),
        (lambda most: letters.shown(before, xats, most), letters.SHOWN),
        (lambda most: letters.mail(mail[:most], team, now), MAIL),
        (lambda most: letters.others(others, most), OTHERS),
    ]
    return _fitted(list(filter(None, first)), kept, parts, letters.more(xats), room)


def _earlier(tx: Tx, me: Agent, named: Sequence[int]) -> list[Item]:
    """Return the last messages to and from `me` that no other part of the briefing names.

    These are not unread, are not the last one that `me` sent, and are not `named`.
    """
    found = [one for one in recap.mail(tx, me, None, LOOKED_AT) if one.state != "unread" and one.id not in named]
    last = next((one for one in found if one.sent), None)
    return [one for one in found if one is not last][:MAIL]


def _held(tx: Tx, me: Agent, xats: str) -> str:
    """Return what `me` holds that others may wait for; "" for nothing."""
    if not presence.holds(tx, me.id):
        return ""
    from xats.hooks import held

    return "\n".join(f"You have {one.text}" for one in held.things(tx, me, xats))


def _fitted(first: list[str], kept: tuple[Part, int], parts: Sequence[tuple[Part, int]], more: str, room: int) -> str:
    """Return the texts `first`, and as much of `kept` and `parts` as fits into `room` bytes.

    `kept` gives way only when nothing is left of the `parts`. `more` says where their rest is.
    """
    sizes, keep = [most for _, most in parts], kept[1]
    while True:
        said = [part(size) for (part, _), size in zip(parts, sizes, strict=True)]
        cut = [more] if sizes != [most for _, most in parts] else []
        text = "\n\n".join(filter(None, [*first, kept[0](keep), *said, *cut]))
        if letters.size(text) <= room or not (keep or any(sizes)):
            return text
        if not any(sizes):
            keep -= 1
            continue
        # The longest lists give way first; among equals the last one.
        longest = max(sizes)
        sizes[max(index for index, size in enumerate(sizes) if size == longest)] -= 1


def _is_here(one: Details, now: int) -> bool:
    """Tell whether the program of `one` runs at the time `now` (ms UTC).

    Of a person, and of a program whose process xats does not know, a sign of life within the time SEEN has to do.
    """
    if one.session is None or agents.gone_since(one.agent, one.session) is not None:
        return False
    living = occupancy.living(one.session.seat)
    if living is None or one.agent.client == "human":
        ended = one.presence is not None and one.presence.doing[0] == "ended"
        return not ended and now - one.agent.seen_at < SEEN
    return living
