"""Search: find mail, tasks, contracts and notes that contain every word, the newest first.

Words are compared here and not by the engine, because engines differ in what they take for the same letter. All text
is read in pages, the newest first. Mail and notes are read only until enough is found.
"""

from __future__ import annotations

from xats.base.record import record
from xats.core import clock
from xats.core.mail import log
from xats.core.notes import notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Literal

    from xats.core.agents.agents import Agent
    from xats.store import Row, Tx

    Kind = Literal["mail", "task", "contract", "note"]

PAGE = 100  # rows that are in memory at once; a body may have 1 MiB


@record
class Query:
    """What to search for, and who searches."""

    words: tuple[str, ...]  #: all of them must occur, in upper or lower case
    viewer: Agent | None  #: the agent whose mail is searched; None: a person, who sees everything
    team: str  #: whose tasks, contracts and notes are searched, and for a person whose mail
    since_at: int | None = None  #: only what is from this time (ms UTC) or later


@record
class Hit:
    """A message, a task, a contract or a note that contains every word. `at` is in ms UTC."""

    kind: Kind
    id: int | None  #: of a message or a task
    name: str | None  #: of a contract or a note, with the version: order@3
    at: int  #: when the message was sent, the task last changed, or the version was stored
    by: str  #: name@team of the agent that sent, added or stored it
    to: str | None  #: the address of a message; the assignee or the role of a task
    state: str | None  #: of a task
    title: str | None  #: the subject of a message, the title of a task, the note of a version of a contract
    text: str  #: the rest of the text that was searched


MAIL = f"select m.id, m.subject, m.body {log.FROM} where m.id < :before and {{only}} order by m.id desc limit :limit"
MESSAGE = (
    "select m.sent_at, m.address, f.name, f.team from messages m join agents f on f.id = m.sender_id where m.id = :id"
)
TASKS = """
select t.id, t.title, t.description, t.progress, t.result, t.reason, t.state, t.updated_at, t.role, c.name as creator,
    s.name as assignee
from tasks t join agents c on c.id = t.created_by left join agents s on s.id = t.assignee_id
where t.team = :team and t.id < :before and t.updated_at >= :since order by t.id desc limit :limit
"""
CONTRACTS = """
select c.id, c.name, c.newest, v.text, v.note, v.put_at, b.name as put_by
from contracts c join contract_versions v on v.contract_id = c.id and v.version = c.newest
join agents b on b.id = v.put_by
where c.team = :team and c.id < :before and v.put_at >= :since order by c.id desc limit :limit
"""
NOTES = f"""
select {notes.NOTE}, {notes.ABOUT}, v.value, n.head as id_of_version
from notes n join note_versions v on v.id = n.head
join agents b on b.id = v.put_by left join agents p on p.id = n.pinned_by
where n.team = :team and n.head < :before and v.put_at >= :since_at and {notes.LIVE} order by n.head desc limit :limit
"""
FIRST = (1 << 63) - 1  # larger than any id


def find(tx: Tx, query: Query, limit: int) -> tuple[list[Hit], bool]:
    """Return the newest `limit` hits of `query`, newest first, and whether there are more."""
    words = [word.casefold() for word in query.words]
    found = [*_mail(tx, query, words, limit + 1), *_tasks(tx, query, words), *_contracts(tx, query, words)]
    found += _notes(tx, query, words, limit + 1)
    found.sort(key=lambda hit: hit.at, reverse=True)
    return found[:limit], len(found) > limit


def _mail(tx: Tx, query: Query, words: Sequence[str], limit: int) -> Iterator[Hit]:
    """Yield at most `limit` messages with all `words`, the newest first."""
    only, values = log.conditions(log.Query(query.viewer, query.team, since_at=query.since_at))
    for row in _pages(tx, MAIL.format(only=only), values):
        if limit and _matches(words, row["subject"], row["body"]):
            limit -= 1
            about = tx.one(MESSAGE, id=row["id"])
            assert about
            by = f"{about['name']}@{about['team']}"
            yield Hit(
                kind="mail",
                id=row["id"],
                name=None,
                at=about["sent_at"],
                by=by,
                to=about["address"],
                state=None,
                title=row["subject"],
                text=row["body"],
            )
        if not limit:
            return


def _tasks(tx: Tx, query: Query, words: Sequence[str]) -> Iterator[Hit]:
    """Yield the tasks of the team with all `words`."""
    for row in _pages(tx, TASKS, {"team": query.team, "since": query.since_at or 0}):
        texts = [row[name] for name in ("description", "progress", "result", "reason")]
        if _matches(words, row["title"], *texts):
            to = row["assignee"] or (f"role:{row['role']}" if row["role"] else None)
            by = f"{row['creator']}@{query.team}"
            text = "\n".join(one for one in texts if one)
            yield Hit(
                kind="task",
                id=row["id"],
                name=None,
                at=row["updated_at"],
                by=by,
                to=to,
                state=row["state"],
                title=row["title"],
                text=text,
            )


def _contracts(tx: Tx, query: Query, words: Sequence[str]) -> Iterator[Hit]:
    """Yield the newest versions of contracts of the team with all `words`."""
    for row in _pages(tx, CONTRACTS, {"team": query.team, "since": query.since_at or 0}):
        if _matches(words, row["name"], row["note"], row["text"]):
            name, by = f"{row['name']}@{row['newest']}", f"{row['put_by']}@{query.team}"
            yield Hit(
                kind="contract",
                id=None,
                name=name,
                at=row["put_at"],
                by=by,
                to=None,
                state=None,
                title=row["note"],
                text=row["text"],
            )


def _notes(tx: Tx, query: Query, words: Sequence[str], limit: int) -> Iterator[Hit]:
    """Yield at most `limit` notes of the team with all `words`, the one that changed last first."""
    values = {"team": query.team, "since_at": query.since_at or 0, "now": tx.now, "since": clock.since(tx)}
    for row in _pages(tx, NOTES, values, "id_of_version"):
        if _matches(words, row["key"], row["value"]):
            one = notes.version_of(row)
            yield Hit(
                kind="note",
                id=None,
                name=one.name,
                at=one.at,
                by=one.by,
                to=None,
                state=None,
                title=None,
                text=one.value or "",
            )
            limit -= 1
            if not limit:
                return


def _pages(tx: Tx, sql: str, values: dict[str, Any], by: str = "id") -> Iterator[Row]:
    """Yield the rows of `sql` in pages. They have a smaller `by` than :before, the largest first."""
    before = FIRST
    while True:
        rows = tx.all(sql, before=before, limit=PAGE, **values)
        yield from rows
        if len(rows) < PAGE:
            return
        before = rows[-1][by]


def _matches(words: Sequence[str], *texts: str | None) -> bool:
    """Tell whether each of `words` (case-folded) occurs in one of `texts`."""
    whole = "\n".join(text for text in texts if text).casefold()
    return all(word in whole for word in words)
