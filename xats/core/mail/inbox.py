"""The inbox: how one recipient reads its deliveries.

    unread --printed to a terminal-------------------> read --replied--> replied
    unread --printed to a pipe or by a hook----------> shown
    unread --its time is over------------------------> expired
    shown  --its session goes on, or a later command-> read
    shown  --its turn is interrupted-----------------> unread

A reader claims deliveries for a short time, writes them out, and only then marks them. Two readers therefore never get
the same delivery, and a reader that dies in between loses nothing.

Mail on a terminal is read. A pipe may cut its text, and an agent program may drop the output of its hook: that mail is
*shown*. It wakes no agent any more, and alerts no sender. It becomes read

- by a reply, an ack, `show` or `thread` of its id;
- if a hook showed it: by the next hook of that session, which proves that the program went on;
- if a command showed it: by the next prompt of that session, or by a later `inbox`, which first names it. A later
  command of the same command line proves nothing (`Reader`).

The start of the next session names mail that is still only shown.
"""

from __future__ import annotations

from xats.base.errors import Refused, Usage
from xats.base.record import from_row, record
from xats.core.agents import agents
from xats.core.mail.messages import MESSAGE, Message, message_of, visible
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

    from xats.core.agents.agents import Agent
    from xats.core.states import DeliveryState
    from xats.store import Row, Tx

PAGE = 8000  # bytes of a page in a pipe: Codex shows 10,000 of what a command writes, other programs show more
APART = 60_000  # ms between two commands of a shell that stays open, after which they count as different lines
MOST_SHOWN = 50  # earlier letters, still only shown, that one reader names
CLAIM = 120_000  # ms that a live reader has to write out its claimed letters; those of a dead reader are free at once


@record
class Letter:
    """A message as one recipient has it."""

    message: Message
    state: DeliveryState | Literal["sent"]
    read_at: int | None
    shown_at: int | None = None


@record
class Shown:
    """A letter that was shown: its sender, and which reader showed it last, when (ms UTC)."""

    id: int
    sender: str
    by: str
    at: int


@record
class Reader:
    """A reader of letters: the hooks of one session, or the commands of one command line.

    `same` are other names of this reader. `shells` are shells that stay open and run many lines, which xats cannot tell
    apart. A letter that such a shell showed longer than APART ago counts as shown by another line.
    """

    by: str
    same: tuple[str, ...] = ()
    shells: tuple[str, ...] = ()

    def is_other(self, shown: Shown, now: int) -> bool:
        """Tell whether another reader, or another line, wrote `shown` out. `now` is in ms UTC."""
        if shown.by in self.shells:
            return not 0 <= now - shown.at < APART
        return shown.by != self.by and shown.by not in self.same


HOOK = "hook "  # how the name of a hook as a reader begins; other names begin with the epoch of the agent


def hook_reader(client_session: str | None) -> Reader:
    """Return the hooks of a client session as a reader."""
    return Reader(f"{HOOK}{client_session or '-'}")


def start_reader(me: Agent) -> Reader:
    """Return the start of the current session of `me` as a reader: it names letters, and shows none in full."""
    return Reader(f"{me.epoch} start")


def command_reader(me: Agent, line: str, processes: Sequence[str], *, stays: bool = False) -> Reader:
    """Return the commands of one command line as a reader, in the current session of `me`.

    `line` names the process that stands for the line, or a shell that `stays` open. `processes` are the processes that
    the command runs in: each of them may stand for its line.
    """
    lines = tuple(f"{me.epoch} line {one}" for one in processes)
    shells = tuple(f"{me.epoch} shell {one}" for one in processes)
    return Reader(f"{me.epoch} {'shell' if stays else 'line'} {line}", lines, shells)


@record
class Page:
    """Some letters, whether more follow, and the number of all unread letters."""

    letters: tuple[Letter, ...]
    has_more: bool
    unread: int
    claim: str | None = None


UNREAD = f"""
select count(*) as n from deliveries d join messages m on m.id = d.message_id
where d.agent_id = :me and d.state = 'unread' and {wakes.FRESH}
"""
EXPIRE = """
update deliveries set state = 'expired', claim = null, claim_until = null
where agent_id = :me and state = 'unread' and expires_at <= :now
    and (select m.sent_at from messages m where m.id = deliveries.message_id) >= :since
returning message_id
"""
LETTERS = """
select {columns}, d.state, d.read_at, d.shown_at from deliveries d
join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :me and d.message_id > :since {only}
order by d.message_id {order} limit :limit
"""
# A claim that began before `:held` may have lapsed only because the clock is wrong; 0: it is right (core/clock.py).
UNCLAIMED = """
and (d.claim is null or (d.claim_until <= :now and d.claim_until >= :held) or (d.claim_until > :far and :held = 0))
"""
IN_THREAD = "coalesce(m.thread_id, m.id) = coalesce((select t.thread_id from messages t where t.id = :thread), :thread)"
TAKE = """
update deliveries set claim = :claim, claim_until = :until where agent_id = :me and message_id = :id
"""
MARK_READ = """
update deliveries set state = 'read', read_at = :now, shown_by = null, claim = null, claim_until = null
where agent_id = :me and message_id = :id and state in ('unread', 'shown')
"""
MARK_SHOWN = """
update deliveries set state = 'shown', shown_at = :now, shown_by = :by, claim = null, claim_until = null
where agent_id = :me and message_id = :id and state in ('unread', 'shown')
"""
SHOWN = """
select d.message_id, d.shown_by, d.shown_at, f.name, f.team from deliveries d
join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :me and d.state = 'shown' order by d.message_id limit :limit
"""
# `shown_by` stays: `inbox --again` selects by it.
SETTLE = """
update deliveries set state = 'read', read_at = :now, shown_by = :by
where agent_id = :me and message_id = :id and state = 'shown'
"""
PROVEN = """
agent_id = :me and state = 'shown' and shown_at <= :before
and (shown_by = :hook or (:prompt = 1 and substr(shown_by, 1, length(:session)) = :session))
"""
HAS_PROVEN = f"select 1 from deliveries where {PROVEN} limit 1"
MARK_PROVEN = f"update deliveries set state = 'read', read_at = :now where {PROVEN} returning message_id"
# Letters that are shown, and letters of commands that the last settling made read.
BY_COMMAND = f"{{}}.shown_by is not null and substr({{}}.shown_by, 1, {len(HOOK)}) <> '{HOOK}'"
AGAIN = f"""
and (d.state = 'shown' or (d.state = 'read' and {BY_COMMAND.format("d", "d")} and d.read_at = (
    select max(x.read_at) from deliveries x
    where x.agent_id = :me and x.state = 'read' and {BY_COMMAND.format("x", "x")}
)))
"""
RELEASE = """
update deliveries set claim = null, claim_until = null where agent_id = :me and message_id = :id and claim = :claim
"""
CLAIMS = "select distinct claim from deliveries where agent_id = :me and state = 'unread' and claim is not null"
ABANDON = """
update deliveries set claim = null, claim_until = null where agent_id = :me and state = 'unread' and claim = :claim
"""


@record
class Query:
    """Which letters to list."""

    limit: int = 50
    since: int = 0  #: only those with a larger id
    sender: Agent | None = None
    thread: int | None = None  #: only those of the thread of this message
    every: bool = False  #: also shown and read letters
    again: bool = False  #: shown letters instead of unread ones, also those that a command just made read
    needing_reply: bool = False  #: only requests, and none from the other agent of a stopped pair
    owed: bool = False  #: read letters that still need a reply, instead of unread ones
    newest: bool = False  #: the newest letters instead of the oldest; they come oldest first all the same


def page_size(environ: Mapping[str, str]) -> int:
    """Return the size of a page in a pipe in bytes, from XATS_INBOX_BUDGET; 0 means no limit. Raises Usage."""
    said = environ.get("XATS_INBOX_BUDGET")
    if not said:
        return PAGE
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        msg = f"XATS_INBOX_BUDGET must be a number of bytes, not {said[:40]!r}."
        raise Usage(msg, f"export XATS_INBOX_BUDGET={PAGE}")
    return int(said)


def unread(tx: Tx, me: Agent) -> int:
    """Return how many unread letters `me` has."""
    row = tx.one(UNREAD, me=me.id, **wakes.fresh(tx))
    assert row
    count: int = row["n"]
    return count


def peek(tx: Tx, me: Agent, query: Query) -> Page:
    """Return letters of `me`, oldest first, without marking anything."""
    letters, has_more = _select(tx, me, query, "")
    return Page(letters, has_more, unread(tx, me))


def claim(tx: Tx, me: Agent, query: Query, token: str, abandoned: Callable[[str], bool]) -> Page:
    """Claim unread letters of `me`, oldest first, for the reader that `token` names; `mark_read` follows.

    `abandoned` tells of another reader's token whether that reader has ended. Its claims are then free at once.
    """
    if tx.one(wakes.SEEMS_OVER, now=tx.now):
        rows = tx.all(EXPIRE, me=me.id, now=tx.now, since=_ages_since(tx))
        _say_expired(tx, me.team, me.name, [row["message_id"] for row in rows])
    held = 0
    for row in tx.all(CLAIMS, me=me.id):
        if abandoned(row["claim"]):
            tx.run(ABANDON, me=me.id, claim=row["claim"])
        elif since := _ages_since(tx):
            held = since + CLAIM
    letters, has_more = _select(tx, me, query, UNCLAIMED, held=held, far=tx.now + CLAIM)
    ids = [letter.message.id for letter in letters]
    tx.many(TAKE, [{"claim": token, "until": tx.now + CLAIM, "me": me.id, "id": one} for one in ids])
    return Page(letters, has_more, unread(tx, me), token)


def _ages_since(tx: Tx) -> int:
    """Observe the clock; return since when (ms UTC) ages are right, 0 for always. Called only where that matters."""
    from xats.core import clock

    return clock.observe(tx).since


def _select(tx: Tx, me: Agent, query: Query, only: str, **values: int) -> tuple[tuple[Letter, ...], bool]:
    if query.again:
        only += AGAIN
    elif query.owed:
        from xats.core.mail.owed import OWED

        only += f" and {OWED}"
    elif not query.every:
        only += f" and d.state = 'unread' and {wakes.FRESH}"
    values.update(wakes.fresh(tx))
    if query.sender:
        only += " and m.sender_id = :sender"
        values["sender"] = query.sender.id
    if query.thread is not None:
        only += f" and {IN_THREAD}"
        values["thread"] = query.thread
    if query.needing_reply:
        only += " and m.need_reply = 1 and coalesce(d.no_wake_reason, '') <> 'hop_limit'"
    sql = LETTERS.format(columns=MESSAGE, only=only, order="desc" if query.newest else "")
    rows = tx.all(sql, me=me.id, since=query.since, limit=query.limit + 1, **values)
    found = tuple(_letter(tx, row) for row in rows[: query.limit])
    return found[::-1] if query.newest else found, len(rows) > query.limit


def mark_read(tx: Tx, me: Agent, ids: Sequence[int]) -> int:
    """Record that `me` has read the messages `ids`; return how many were unread or shown until now."""
    read = [one for one in ids if tx.run(MARK_READ, me=me.id, id=one, now=tx.now)]
    if read:
        wakes.close_if_read(tx, me.id)
        _say_read(tx, me, read)
    return len(read)


def mark_shown(tx: Tx, me: Agent, ids: Sequence[int], reader: Reader) -> int:
    """Record that `reader` showed the messages `ids` to `me`; return how many of them were not read yet."""
    shown = [one for one in ids if tx.run(MARK_SHOWN, me=me.id, id=one, by=reader.by, now=tx.now)]
    if shown:
        wakes.close_if_read(tx, me.id)
        tx.event("mail_shown", me.team, me.name, f"agent:{me.name}", messages=shown)
    return len(shown)


def shown(tx: Tx, me: Agent, limit: int) -> list[Shown]:
    """Return at most `limit` letters of `me` that are shown and not read, oldest first."""
    rows = tx.all(SHOWN, me=me.id, limit=limit)
    return [
        Shown(id=row["message_id"], sender=f"{row['name']}@{row['team']}", by=row["shown_by"], at=row["shown_at"])
        for row in rows
    ]


def settle(tx: Tx, me: Agent, named: Sequence[Shown], reader: Reader) -> list[int]:
    """Mark as read the letters that `reader` has `named` and another reader had shown; return their ids."""
    ids = [one.id for one in named if reader.is_other(one, tx.now)]
    read = [one for one in ids if tx.run(SETTLE, me=me.id, id=one, by=reader.by, now=tx.now)]
    _say_read(tx, me, read)
    return read


def has_proven(tx: Tx, me: Agent, reader: Reader, before: int, *, prompt: bool) -> bool:
    """Tell whether `mark_proven` has anything to mark."""
    return tx.one(HAS_PROVEN, **_proof(me, reader, before, prompt=prompt)) is not None


def mark_proven(tx: Tx, me: Agent, reader: Reader, before: int, *, prompt: bool) -> list[int]:
    """Mark as read the letters that the program of `me` provably took, since its next hook runs; return their ids.

    These are the letters that the hooks of the session, `reader`, showed before the time `before` (ms UTC), when this
    hook began. If it is the next `prompt`, they are also those that commands showed in the session.
    """
    rows = tx.all(MARK_PROVEN, now=tx.now, **_proof(me, reader, before, prompt=prompt))
    read = sorted(row["message_id"] for row in rows)
    _say_read(tx, me, read)
    return read


def _proof(me: Agent, reader: Reader, before: int, *, prompt: bool) -> dict[str, int | str]:
    return {"me": me.id, "hook": reader.by, "before": before, "prompt": int(prompt), "session": f"{me.epoch} "}


def _say_read(tx: Tx, me: Agent, ids: Sequence[int]) -> None:
    if ids:
        tx.event("mail_read", me.team, me.name, f"agent:{me.name}", messages=ids)


TAKE_BACK = """
update deliveries set state = 'unread', read_at = null, shown_at = null, shown_by = null
where agent_id = :me and state in ('shown', 'read') and coalesce(shown_at, read_at) >= :since and acked_at is null
returning message_id, wake_id
"""
WAKE_FOR = "update deliveries set wake_id = :wake where agent_id = :me and message_id = :id"


def take_back(tx: Tx, me: Agent, since: int) -> None:
    """Make letters of `me` unread again that it was shown or read since `since` (ms UTC) and did not answer.

    The turn that showed them was interrupted. Letters that had a wake get an open wake again.
    """
    rows = tx.all(TAKE_BACK, me=me.id, since=since)
    waking = sorted(row["message_id"] for row in rows if row["wake_id"] is not None)
    if waking:
        wake = wakes.join(tx, me.id)
        tx.many(WAKE_FOR, [{"wake": wake.id, "me": me.id, "id": one} for one in waking])
    if rows:
        tx.event(
            "mail_unread_again", me.team, me.name, f"agent:{me.name}", messages=sorted(r["message_id"] for r in rows)
        )


def release(tx: Tx, me: Agent, page: Page) -> None:
    """Give a claimed page back unread, because it could not be written out."""
    tx.many(RELEASE, [{"me": me.id, "id": one.message.id, "claim": page.claim} for one in page.letters])


def show(tx: Tx, me: Agent, message_id: int) -> Letter:
    """Return a message that `me` sent or got. Raises UnknownMessage."""
    return _letter(tx, visible(tx, me, message_id))


def thread(tx: Tx, me: Agent, message_id: int, limit: int) -> tuple[tuple[Letter, ...], bool]:
    """Return the newest `limit` letters of a thread that `me` may see, oldest first, and whether it has older ones.

    Raises UnknownMessage.
    """
    root = visible(tx, me, message_id)["thread"]
    rows = tx.all(THREAD, me=me.id, root=root, limit=limit + 1)
    return tuple(_letter(tx, row) for row in reversed(rows[:limit])), len(rows) > limit


def _letter(tx: Tx, row: Row) -> Letter:
    """Return the Letter in a row that has the MESSAGE columns and those of a delivery, as it is now."""
    message, state = message_of(row), row["state"] or "sent"
    if state == "unread" and wakes.is_over(tx, message.sent_at, message.expires_at):
        state = "expired"  # no sweep has recorded that yet
    return from_row(Letter, row, message=message, state=state)


THREAD = f"""
select {MESSAGE}, d.state, d.read_at, d.shown_at from messages m join agents f on f.id = m.sender_id
left join deliveries d on d.message_id = m.id and d.agent_id = :me
where (m.id = :root or m.thread_id = :root) and (m.sender_id = :me or d.agent_id is not null)
order by m.id desc limit :limit
"""
ACK = """
update deliveries set acked_at = coalesce(acked_at, :now), read_at = coalesce(read_at, :now),
    state = case when state in ('unread', 'shown', 'expired') then 'read' else state end, shown_by = null, claim = null,
    claim_until = null
where agent_id = :me and message_id = :id
"""


def ack(tx: Tx, me: Agent, message_id: int) -> Message:
    """Acknowledge a message that `me` got: it was seen, and no answer will come.

    This wakes no agent; the sender sees it in `status`. Raises UnknownMessage.
    """
    row = visible(tx, me, message_id)
    if row["state"] is None:
        msg = f"You sent message {message_id} yourself; only a recipient can acknowledge it."
        raise Refused(msg, f"xats status {message_id}", id=message_id)
    tx.run(ACK, me=me.id, id=message_id, now=tx.now)
    wakes.close_if_read(tx, me.id)
    tx.event("message_acked", me.team, me.name, f"message:{message_id}")
    return message_of(row)


SWEEP = """
update deliveries set state = 'expired', claim = null, claim_until = null
where state = 'unread' and expires_at is not null and expires_at <= :now
    and (select m.sent_at from messages m where m.id = deliveries.message_id) >= :since
returning agent_id, message_id
"""


def sweep(tx: Tx) -> int:
    """Expire unread mail whose time is over, and close wakes without mail; return how many letters expired.

    While the clock may be wrong, mail that only seems to be over stays unread (core/clock.py).
    """
    rows = tx.all(SWEEP, now=tx.now, since=_ages_since(tx))
    expired: dict[int, list[int]] = {}
    for row in rows:
        expired.setdefault(row["agent_id"], []).append(row["message_id"])
    for agent_id, ids in expired.items():
        agent = agents.by_id(tx, agent_id)
        _say_expired(tx, agent.team, agent.name, ids)
        wakes.close_if_read(tx, agent_id, "expired")
    return len(rows)


WITHDRAW = """
update deliveries set state = 'expired', claim = null, claim_until = null, expires_at = coalesce(expires_at, :now),
    dropped_at = :now
where message_id = :id and state = 'unread' and agent_id <> :keep
returning agent_id
"""
NO_REPLY = "update deliveries set need_reply = 0 where message_id = :id and agent_id <> :keep and need_reply = 1"


def withdraw(tx: Tx, message_id: int, keep: int = 0) -> None:
    """Withdraw the unread copies of a message that is obsolete, except that of the agent `keep`.

    They do not become dead letters, and wake no agent. A recipient that has read its copy no longer has to reply.
    """
    tx.run(NO_REPLY, id=message_id, keep=keep)
    for row in tx.all(WITHDRAW, id=message_id, keep=keep, now=tx.now):
        wakes.close_if_read(tx, row["agent_id"], "expired")


def _say_expired(tx: Tx, team: str, name: str, ids: Sequence[int]) -> None:
    if ids:
        tx.event("mail_expired", team, None, f"agent:{name}", messages=sorted(ids))
