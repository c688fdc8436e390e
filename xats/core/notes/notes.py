"""Notes: a value for each key, in numbered versions that never change.

    (put) --> live --rm, or its time ends--> gone
                ^                             |
                '------------put--------------'

Versions are 1, 2, 3, ... without a gap, and no number is used again: a removal is a version too, without a value. The
transaction that stores a version takes its number. The old versions stay, so an old value can be put again.

A note with a time limit is gone as soon as its time is over: each statement that reads notes compares the times. Its
age counts only as core/clock.py says. Keys are one without regard to case.
"""

from __future__ import annotations

from xats.base import text
from xats.base.errors import Usage
from xats.base.record import from_row, record
from xats.core import clock
from xats.core.notes.errors import InvalidNote, NoteChanged, NoteGone, UnknownNote, UnknownNoteVersion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.states import NoteCategory
    from xats.store import Row, Tx

# A closed list: with free words, a mistyped category would hide a note from everybody who lists by the right one.
CATEGORIES: tuple[NoteCategory, ...] = ("decision", "convention", "discovery", "blocker", "context", "setting")
DEFAULT: NoteCategory = "context"
LARGEST = 256 << 10  # bytes of a value, in UTF-8
LONGEST = 200  # characters of a new key
FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
ALLOWED = FIRST | frozenset("._-")  # of a part of a key
LAST = "\U0010ffff"  # sorts behind every key
LEFT = "Nothing was stored."
BEYOND = 2**31 - 1  # larger than the number of any version


@record
class Note:
    """A note without its versions. Times are ms UTC."""

    id: int
    team: str
    key: str
    newest: int  #: the number of its last version, and how many there are
    pinned_at: int | None
    pinned_by: str | None  #: name@team


@record
class Version:
    """One version of a note."""

    note: Note
    number: int
    value: str | None  #: None: the note was removed. Lists have only the beginning of it
    size: int  #: bytes of the whole value in UTF-8; 0: the note was removed
    category: NoteCategory
    by: str  #: name@team
    evidence: str  #: how xats knew that: flag, env, session, pane, process or user
    at: int
    expires_at: int | None
    restored: int | None  #: the version whose value was put again

    @property
    def name(self) -> str:
        """Its key and number: `style@3`."""
        return f"{self.note.key}@{self.number}"

    @property
    def removal(self) -> bool:
        """Whether it is the removal of the note."""
        return self.size == 0


@record
class New:
    """A value to store. Exactly one of `value` and `restore` is given."""

    key: str
    value: str | None = None
    restore: int | None = None  #: the number of the version whose value is put again
    category: str | None = None  #: None keeps the category that the note, or the restored version, has
    ttl: int | None = None  #: ms; None: no end
    if_version: int | None = None  #: what its newest version must be; 0: the note must not be there; None: any


@record
class Put:
    """The result of `put`. `created` is False if the note has the value already."""

    version: Version
    created: bool


# -- keys --------------------------------------------------------------------------------------------------------------


def check_key(key: str) -> str:
    """Return `key` if it has the form of one. Raises InvalidNote.

    The rule is strict because a key can reach a terminal, and because `@` begins the number of a version.
    """
    parts = key.split("/")
    if all(part and part[0] in FIRST and ALLOWED.issuperset(part) for part in parts):
        return key
    rule = "parts of A-Z a-z 0-9 . _ - with / between them, and each part begins with a letter or digit"
    msg = f"{key[:80]!r} cannot be a key. A key has {rule}."
    raise InvalidNote(msg, "xats note put api/errors 'text'")


def check_prefix(prefix: str) -> str:
    """Return `prefix` if a key can begin with it. Raises InvalidNote."""
    if prefix:
        check_key(f"{prefix}x" if prefix[-1] == "/" else prefix)
    return prefix


def check_category(category: str) -> NoteCategory:
    """Return `category` if it is one, in lower case. Raises Usage."""
    for one in CATEGORIES:
        if one == category.lower():
            return one
    msg = f"--category must be one of {', '.join(CATEGORIES)}, not {category[:40]!r}."
    raise Usage(msg, "leave it out, or name one of them")


def number_in(word: str) -> int | None:
    """Return `word` as the number of a version; None if it is not one: only ASCII digits.

    A number that no store can hold becomes BEYOND, which no version has.
    """
    if not (word.isascii() and word.isdigit()):
        return None
    digits = word.lstrip("0") or "0"
    return int(digits) if len(digits) < 10 else BEYOND


def parse(called: str) -> tuple[str, int | None]:
    """Return the key and the number in `style@3`; the number of `style` is None. Raises InvalidNote, Usage."""
    key, at, number = called.partition("@")
    check_key(key)
    if at and number_in(number) is None:
        msg = f"{number[:40]!r} is not a version of {key}: versions are 1, 2, 3, ..."
        raise Usage(msg, f"write {key}@1, or {key} for the newest; --team names another team")
    return key, number_in(number) if at else None


# -- finding -----------------------------------------------------------------------------------------------------------

NOTE = "n.id, n.team, n.key, n.newest, n.pinned_at, p.name as pinned_name"
ABOUT = "v.version, v.size, v.category, v.evidence, v.put_at, v.expires_at, v.restored, b.name as put_name"
FROM = """
from notes n join note_versions v on v.note_id = n.id join agents b on b.id = v.put_by
left join agents p on p.id = n.pinned_by
"""
NEWEST = f"select {NOTE}, {ABOUT}, v.value {FROM} where n.team = :team and n.key_key = :key and v.version = n.newest"
ONE = f"select {NOTE}, {ABOUT}, v.value {FROM} where n.team = :team and n.key_key = :key and v.version = :version"
LAST_VALUE = "select max(version) as version from note_versions where note_id = :note and value is not null"
NEAR = """
select key, key_key from notes
where team = :team and removed = 0 and key_key >= :low and key_key < :high order by key_key limit 200
"""
# Of the newest version v of a note n: whether it has a value. :since is that of core/clock.py.
LIVE = "n.removed = 0 and (v.expires_at is null or v.expires_at > :now or v.put_at < :since)"


def version_of(row: Row) -> Version:
    """Return the Version in a row that has the NOTE and ABOUT columns, and a value."""
    pinned = row["pinned_name"] and f"{row['pinned_name']}@{row['team']}"
    return from_row(
        Version,
        row,
        note=from_row(Note, row, pinned_by=pinned),
        number=row["version"],
        by=f"{row['put_name']}@{row['team']}",
        at=row["put_at"],
    )


def look(tx: Tx, team: str, key: str) -> Version | None:
    """Return the newest version of the note `key` of `team`, also a removal or an expired one; None: there is none."""
    row = tx.one(NEWEST, team=team, key=key.lower())
    return version_of(row) if row else None


def has_expired(tx: Tx, newest: Version) -> bool:
    """Tell whether the time of a note is over, whose newest version is given."""
    return newest.expires_at is not None and newest.expires_at <= tx.now and newest.at >= clock.since(tx)


def is_live(tx: Tx, newest: Version) -> bool:
    """Tell whether a note has a value now, whose newest version is given."""
    return not newest.removal and not has_expired(tx, newest)


def newest(tx: Tx, team: str, key: str) -> Version:
    """Return the newest version of the note `key` of `team`, whether it is live or not. Raises UnknownNote."""
    found = look(tx, team, key)
    if found is None:
        close = _near(tx, team, key)
        msg = f"There is no note {key} in team {team}."
        raise UnknownNote(msg, f"did you mean {close}?" if close else "", key=key, team=team)
    return found


def find(tx: Tx, team: str, called: str) -> Version:
    """Return the version of a note of `team` that `called` names: `style@3`, or `style` for the present value.

    Raises InvalidNote, Usage, UnknownNote, NoteGone, UnknownNoteVersion.
    """
    key, number = parse(called)
    last = newest(tx, team, key)
    if number is None:
        return _present(tx, last)
    return last if number == last.number and not last.removal else _numbered(tx, last.note, number)


def _present(tx: Tx, last: Version) -> Version:
    """Return the newest version `last` of a note. Raises NoteGone."""
    if is_live(tx, last):
        return last
    from xats.base.durations import ago

    if last.removal:
        row = tx.one(LAST_VALUE, note=last.note.id)
        number = row["version"] if row else None
        who, when = last.by.partition("@")[0], ago(last.at, tx.now)
        what = f"{who} removed the note {last.note.key} {when} (version {last.number})"
    else:
        number = last.number
        what = f"The note {last.note.key} expired {ago(last.expires_at, tx.now)}"
    key = last.note.key
    msg = f"{what}; its last value is version {number}."
    hint = f"to see it: xats note get {key}@{number}; to restore it: xats note put {key} @{number}"
    raise NoteGone(msg, hint, key=key, version=last.number, last_value=number, removed=last.removal)


def _numbered(tx: Tx, note: Note, number: int) -> Version:
    """Return version `number` of `note`. Raises UnknownNoteVersion, also for a removal."""
    row = tx.one(ONE, team=note.team, key=note.key.lower(), version=number)
    if row and row["size"]:
        return version_of(row)
    versions = "one version, 1" if note.newest == 1 else f"{note.newest} versions, 1 to {note.newest}"
    msg = f"There is no version {number} of {note.key}: it has {versions}."
    if row:
        msg = f"Version {number} of {note.key} is its removal and has no value."
    raise UnknownNoteVersion(msg, f"xats note log {note.key}", key=note.key, newest=note.newest)


def _near(tx: Tx, team: str, key: str) -> str:
    """Return the key of the live note of `team` that is most like `key`, among those with its first letter, or ""."""
    from difflib import get_close_matches

    low = key[:1].lower()
    keys = {row["key_key"]: row["key"] for row in tx.all(NEAR, team=team, low=low, high=low + LAST)}
    return next((keys[one] for one in get_close_matches(key.lower(), keys, 1)), "")


# -- changing ----------------------------------------------------------------------------------------------------------

# The id of its version is not known yet.
FIRST_OF_KEY = """
insert into notes (team, key, key_key, newest, head, category, removed)
values (:team, :key, :low, 1, 0, :category, 0) on conflict (team, key_key) do nothing returning id
"""
ADD = """
insert into note_versions (note_id, version, value, size, category, put_by, evidence, put_at, expires_at, restored)
values (:note, :version, :value, :size, :category, :by, :evidence, :now, :expires, :restored) returning id
"""
MOVE_ON = """
update notes set newest = :version, head = :head, category = :category, removed = :removed, expires_at = :expires,
    pinned_at = case when :removed = 1 then null else pinned_at end,
    pinned_by = case when :removed = 1 then null else pinned_by end
where id = :note and newest = :seen
"""
PIN = "update notes set pinned_at = :now, pinned_by = :by where id = :note and pinned_at is null and removed = 0"
UNPIN = "update notes set pinned_at = null, pinned_by = null where id = :note and pinned_at is not null"


def put(tx: Tx, me: Agent, evidence: str, new: New) -> Put:
    """Store `new` as the next version of a note, unless the note has that value already.

    A new category, and a time limit, make a new version too. `evidence` says how xats knows `me`. Raises InvalidNote,
    Usage, NoteChanged, UnknownNote, UnknownNoteVersion.
    """
    check_key(new.key)
    given = check_category(new.category) if new.category is not None else None
    if new.ttl is not None and new.ttl < 1:
        msg = f"--ttl must be more than 0s. {LEFT}"
        raise Usage(msg, "write --ttl 10m or --ttl 2d, or leave --ttl out")
    if new.value is not None:
        _check_value(new.key, new.value)
    last = look(tx, me.team, new.key)
    if last is None:
        if new.restore is not None:
            newest(tx, me.team, new.key)  # it raises UnknownNote
        _check_new_key(new.key)
    if (last is not None and last.expires_at is not None) or new.ttl is not None:
        clock.observe(tx)
    live = last is not None and is_live(tx, last)
    _check_if_version(tx, new.key, last, new.if_version, live=live)
    value, category = new.value, last.category if last else DEFAULT
    if new.restore is not None and last is not None:
        old = last if new.restore == last.number and not last.removal else _numbered(tx, last.note, new.restore)
        value, category = old.value, old.category
    assert value is not None
    category = given or category
    if live and last and (last.value, last.category, last.expires_at) == (value, category, None) and new.ttl is None:
        return Put(last, created=False)
    expires = tx.now + new.ttl if new.ttl is not None else None
    _add(tx, me, evidence, new.key, last, value, category, expires, new.restore)
    stored = look(tx, me.team, new.key)
    assert stored
    said = {"version": stored.number, "size": stored.size, "category": category, "restored": new.restore}
    tx.event("note_put", me.team, me.name, f"note:{stored.note.key}", **said)
    return Put(stored, created=True)


def remove(tx: Tx, me: Agent, evidence: str, key: str, if_version: int | None = None) -> tuple[Version, bool]:
    """Remove the note `key`, and end its pin; return its newest version, and whether it was there until now.

    Its history stays. Raises InvalidNote, UnknownNote, NoteChanged.
    """
    check_key(key)
    last = newest(tx, me.team, key)
    if last.expires_at is not None:
        clock.observe(tx)
    live = is_live(tx, last)
    _check_if_version(tx, key, last, if_version, live=live)
    if not live:
        return last, False
    _add(tx, me, evidence, key, last, None, last.category, None, None)
    removal = newest(tx, me.team, key)
    tx.event("note_removed", me.team, me.name, f"note:{removal.note.key}", version=removal.number)
    return removal, True


def pin(tx: Tx, me: Agent, key: str) -> tuple[Version, bool]:
    """Pin the note `key`: sessions get it at their start. Return its version, and whether it was not pinned until now.

    Raises InvalidNote, UnknownNote, NoteGone.
    """
    found = _present(tx, newest(tx, me.team, check_key(key)))
    if not tx.run(PIN, note=found.note.id, by=me.id, now=tx.now):
        return found, False
    tx.event("note_pinned", me.team, me.name, f"note:{found.note.key}", version=found.number, size=found.size)
    return newest(tx, me.team, key), True


def unpin(tx: Tx, me: Agent, key: str) -> tuple[Version, bool]:
    """End the pin of the note `key`; return its newest version, and whether it was pinned.

    Raises InvalidNote, UnknownNote.
    """
    found = newest(tx, me.team, check_key(key))
    if not tx.run(UNPIN, note=found.note.id):
        return found, False
    tx.event("note_unpinned", me.team, me.name, f"note:{found.note.key}")
    return newest(tx, me.team, key), True


def _add(
    tx: Tx,
    me: Agent,
    evidence: str,
    key: str,
    last: Version | None,
    value: str | None,
    category: NoteCategory,
    expires: int | None,
    restored: int | None,
) -> None:
    """Store the version after `last`. Raises NoteChanged if another process has just stored one."""
    from xats.core.teams import teams

    teams.use(tx, me.team, me.name)
    if last is None:
        row = tx.one(FIRST_OF_KEY, team=me.team, key=key, low=key.lower(), category=category)
        if row is None:
            raise _moved(key)
        note, seen, number = row["id"], 1, 1
    else:
        note, seen, number = last.note.id, last.number, last.number + 1
    size = len(value.encode()) if value is not None else 0
    about = {"category": category, "expires": expires, "note": note, "version": number}
    added = tx.one(ADD, value=value, size=size, by=me.id, evidence=evidence, now=tx.now, restored=restored, **about)
    assert added
    if not tx.run(MOVE_ON, head=added["id"], removed=int(value is None), seen=seen, **about):
        raise _moved(key)


def _check_value(key: str, value: str) -> None:
    """Raise InvalidNote unless `value` has 1 byte to 256 KiB and no NUL."""
    size = len(text.check(value, "value", InvalidNote, LEFT, "give text; for other data put the path of a file"))
    if not value.strip():
        msg = f"The value is empty. {LEFT}"
        raise InvalidNote(msg, f"to remove the note: xats note rm {key}")
    if size > LARGEST:
        msg = f"The value has {size:,} bytes; the maximum is 256 KiB ({LARGEST:,}). {LEFT}"
        raise InvalidNote(msg, "put it into a file, and its path into the note")


def _check_new_key(key: str) -> None:
    """Raise InvalidNote if `key` is too long. A merge of teams can have made longer ones."""
    if len(key) > LONGEST:
        msg = f"A key has at most {LONGEST} characters, and this one has {len(key)}. {LEFT}"
        raise InvalidNote(msg, "give a shorter one")


def _check_if_version(tx: Tx, key: str, last: Version | None, wanted: int | None, *, live: bool) -> None:
    """Raise NoteChanged unless the newest version `last` of the note has the number `wanted`. 0: it is not live.

    Raises Usage if `wanted` cannot be the number of a version.
    """
    if wanted is not None and not 0 <= wanted <= BEYOND:
        msg = "--if-version must be the number of a version, or 0. Nothing was changed."
        raise Usage(msg, f"xats note log {key}")
    if wanted is None or (last and wanted == last.number) or (wanted == 0 and not live):
        return
    if last is None:
        msg = f"There is no note {key} yet, so --if-version {wanted} does not fit. Nothing was changed."
        raise NoteChanged(msg, f"xats note put {key} VALUE --if-version 0", key=key, version=0)
    from xats.base.durations import ago

    who, key = last.by.partition("@")[0], last.note.key
    did = "removed it" if last.removal else "put that"
    state = "" if last.removal or live else " It has expired."
    msg = f"The note {key} is at version {last.number}, not {wanted}: {who} {did} {ago(last.at, tx.now)}.{state}"
    data = {"key": key, "version": last.number, "by": last.by, "removed": last.removal}
    hint = f"xats note get {key}" if live else f"xats note log {key}"
    raise NoteChanged(f"{msg} Nothing was changed.", hint, **data)


def _moved(key: str) -> NoteChanged:
    return NoteChanged(f"Another agent has just changed the note {key}. {LEFT}", f"xats note get {key}", key=key)
