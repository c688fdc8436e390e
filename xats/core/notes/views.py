"""Lists of notes: by key, pinned ones, those that changed last, and the versions of one note."""

from __future__ import annotations

from xats.base.record import record
from xats.core import clock
from xats.core.notes import notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.notes.notes import Version
    from xats.store import Tx

PREVIEW = 200  # characters of a value that a list has


@record
class Pinned:
    """The pinned notes of a team: the first ones, and how many there are."""

    notes: list[Version]  #: in the order in which they were pinned; the value only of those that are small enough
    total: int


BEGINNING = f"substr(v.value, 1, {PREVIEW}) as value"
HEAD = "from notes n join note_versions v on v.note_id = n.id and v.version = n.newest"
WHO = "join agents b on b.id = v.put_by left join agents p on p.id = n.pinned_by"
LISTING = f"""
select {notes.NOTE}, {notes.ABOUT}, {BEGINNING} {HEAD} {WHO}
where n.team = :team and n.key_key >= :low and n.key_key < :high {{only}} order by n.key_key limit :limit
"""
LOG = f"""
select {notes.NOTE}, {notes.ABOUT}, {BEGINNING} {notes.FROM}
where n.id = :note order by v.version desc limit :limit
"""
PINNED = f"""
select {notes.NOTE}, {notes.ABOUT}, case when v.size <= :room then v.value else '' end as value {HEAD} {WHO}
where n.team = :team and n.pinned_at is not null and {notes.LIVE} order by n.pinned_at, n.id limit :most
"""
PINS = f"select count(*) as n {HEAD} where n.team = :team and n.pinned_at is not null and {notes.LIVE}"
CHANGED = f"""
select {notes.NOTE}, {notes.ABOUT}, {BEGINNING} {HEAD} {WHO}
where n.team = :team order by n.head desc limit :most
"""


def listing(
    tx: Tx, team: str, prefix: str, limit: int, *, category: str | None = None, gone: bool = False
) -> tuple[list[Version], bool]:
    """Return the newest versions of the notes of `team` whose keys begin with `prefix`, and whether more follow.

    They are in the order of their keys. With `gone` removed and expired notes are among them. Values are cut to
    PREVIEW characters. Raises InvalidNote, Usage.
    """
    low = notes.check_prefix(prefix).lower()
    values: dict[str, str | int] = {"team": team, "low": low, "high": low + notes.LAST, "limit": limit + 1}
    only = ""
    if category is not None:
        only += " and n.category = :category"
        values["category"] = notes.check_category(category)
    if not gone:
        only += f" and {notes.LIVE}"
        values.update(now=tx.now, since=clock.since(tx))
    rows = tx.all(LISTING.format(only=only), **values)
    return [notes.version_of(row) for row in rows[:limit]], len(rows) > limit


def log(tx: Tx, team: str, key: str, limit: int) -> tuple[list[Version], bool]:
    """Return the versions of the note `key` of `team`, the newest first, and whether more follow.

    Values are cut to PREVIEW characters. Raises InvalidNote, UnknownNote.
    """
    found = notes.newest(tx, team, notes.check_key(key))
    rows = tx.all(LOG, note=found.note.id, limit=limit + 1)
    return [notes.version_of(row) for row in rows[:limit]], len(rows) > limit


def pinned(tx: Tx, team: str, room: int, most: int) -> Pinned:
    """Return the first `most` pinned notes of `team`, and how many there are.

    A value of more than `room` bytes is left out: it is "".
    """
    when = {"now": tx.now, "since": clock.since(tx)}
    found = [notes.version_of(row) for row in tx.all(PINNED, team=team, room=room, most=most, **when)]
    if len(found) < most:
        return Pinned(found, len(found))
    row = tx.one(PINS, team=team, **when)
    return Pinned(found, row["n"] if row else 0)


def changed(tx: Tx, team: str, most: int) -> list[Version]:
    """Return the newest versions of the `most` notes of `team` that changed last, the last one first.

    Removed and expired notes are among them. Values are cut to PREVIEW characters.
    """
    return [notes.version_of(row) for row in tx.all(CHANGED, team=team, most=most)]
