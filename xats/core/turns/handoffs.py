"""Handoffs: what the holder of a turn leaves to the next one. The newest one counts until there is another."""

from __future__ import annotations

from xats.base import jsontext
from xats.base.record import record
from xats.base.text import check as check_text
from xats.core.turns.errors import InvalidHandoff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.turns.turns import Turn
    from xats.store import Tx

LARGEST = 16 * 1024  # bytes of UTF-8 of all its texts
NEWEST = """
select l.id, l.at, l.number, l.status, l.next, l.artifacts, a.name from turn_log l join agents a on a.id = l.agent_id
where l.turn_id = :turn and l.kind = 'passed' order by l.id desc limit 1
"""


@record
class Draft:
    """A handoff to be stored: what was done, what is next, and files, each with whether it is only planned."""

    status: str
    next: str
    artifacts: Sequence[tuple[str, bool]] = ()


@record
class Handoff:
    """A handoff as it is stored."""

    id: int  #: of its entry in the log
    sender: str  #: name@team
    at: int  #: ms UTC
    number: int  #: the number of the turn that it ended
    status: str
    next: str
    artifacts: tuple[tuple[str, bool], ...]  #: a path, and whether it is only planned


def check(draft: Draft) -> dict[str, str]:
    """Return the columns for `draft`. Raises InvalidHandoff."""
    texts = {"status": draft.status.strip(), "next": draft.next.strip()}
    size = 0
    for what, text in texts.items():
        if not text:
            msg = f"A handoff needs a {what}, and --{what} is empty. Nothing was passed."
            raise InvalidHandoff(msg, "xats turn pass next --status 'what is done' --next 'what is to do'")
        size += len(check_text(text, f"text of --{what}", InvalidHandoff, "Nothing was passed."))
    for path, _ in draft.artifacts:
        size += len(check_text(path, "path of an artifact", InvalidHandoff, "Nothing was passed."))
    if size > LARGEST:
        msg = f"The handoff has {size:,} bytes; the maximum is 16 KiB (16,384). Nothing was passed."
        raise InvalidHandoff(msg, "put the rest into a file, and name it with --artifact")
    return {**texts, "artifacts": jsontext.to_json([[path, planned] for path, planned in draft.artifacts])}


def newest(tx: Tx, turn: Turn) -> Handoff | None:
    """Return the newest handoff of `turn`, or None."""
    row = tx.one(NEWEST, turn=turn.id)
    if row is None:
        return None
    return Handoff(
        id=row["id"],
        sender=f"{row['name']}@{turn.team}",
        at=row["at"],
        number=row["number"],
        status=row["status"],
        next=row["next"],
        artifacts=artifacts(row["artifacts"]),
    )


def artifacts(text: str) -> tuple[tuple[str, bool], ...]:
    """Return the files in the column `artifacts`: a path, and whether it is only planned."""
    found = jsontext.from_json(text)
    return tuple((path, bool(planned)) for path, planned in found) if isinstance(found, list) else ()


def lines(handoff: Handoff) -> list[str]:
    """Return `handoff` as lines of text."""
    found = [f"Status: {handoff.status}", f"Next: {handoff.next}"]
    found += [f"{'Planned' if planned else 'Artifact'}: {path}" for path, planned in handoff.artifacts]
    return found
