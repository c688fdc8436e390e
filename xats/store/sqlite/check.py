"""Check a store: find what is wrong, and say what fixes it. A check changes nothing and keeps no writer waiting.

FAIL is a fault that loses mail, shows it to others or will damage the store. WARN is something a person should know.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from shlex import quote

from xats.base.errors import NotFound, StoreCorrupt, StoreReadOnly, XatsError
from xats.base.record import record
from xats.store.sqlite import codes, disk, engine, info, inspect
from xats.store.sqlite.engine import host_clock, wal_is_safe
from xats.store.sqlite.failures import explain
from xats.store.sqlite.file_systems import network_file_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK, WARN, FAIL = "ok", "warn", "fail"
LATE = 10 * 60_000  # ms after the end of a lease, when another daemon should have taken over
SHOWN = 5  # rows that a finding lists


@record
class Check:
    """One finding: the name of the check, its state (`ok`, `warn`, `fail`), what was found, and the fix."""

    name: str
    state: str
    detail: str
    fix: str = ""


@record
class Rule:
    """A rule about rows that no CHECK can express. `sql` finds what breaks it: ids, or the addresses of agents."""

    name: str
    state: str
    good: str
    bad: str
    fix: str
    sql: str


RULES = (
    Rule(
        "mail_without_wake",
        FAIL,
        "all unread mail has a wake, or its wake had all its attempts",
        "xats will not wake these agents for their unread mail:",
        "xats send AGENT TEXT  (its wake covers all unread mail)",
        """
        select distinct a.name || '@' || a.team from deliveries d left join wakes w on w.id = d.wake_id
        join messages m on m.id = d.message_id join agents a on a.id = d.agent_id
        where d.state = 'unread' and (d.expires_at is null or d.expires_at > :now)
            and not exists (select 1 from wakes o where o.agent_id = d.agent_id and o.closed_at is null)
            and (w.state = 'skipped' or (
                d.wake_id is null and d.no_wake_reason is null and m.wake = 1 and m.sender_id <> d.agent_id
                and a.client <> 'human'
            ))
        order by 1
        """,
    ),
    Rule(
        "leases",
        WARN,
        "no attempt is stuck",
        "the lease of an attempt ended long ago, and no daemon took over the wake: wakes",
        "xats daemon start",
        "select id from wakes where closed_at is null and lease_until < :late order by id",
    ),
    Rule(
        "recipients",
        FAIL,
        "every message has its recipients",
        "messages without a recipient",
        "xats db backup, and report it",
        """
        select id from messages m where not exists (select 1 from deliveries d where d.message_id = m.id)
            and m.address not like 'pool:%' order by id
        """,
    ),
    Rule(
        "dependencies",
        FAIL,
        "every task has the right number of tasks that it waits for",
        "the number of tasks that a task waits for is wrong: tasks",
        "xats task edit ID --no-dep N --dep N  (this counts again)",
        """
        select t.id from tasks t where t.waits_for <> (
            select count(*) from task_needs n join tasks o on o.id = n.needs_id
            where n.task_id = t.id and o.state <> 'done'
        ) order by t.id
        """,
    ),
    Rule(
        "contracts",
        FAIL,
        "every contract has all its versions, and mail names versions that exist",
        "versions of contracts are missing: contracts",
        "xats db backup, and report it",
        """
        select c.name || '@' || c.team from contracts c
        where c.newest <> (select count(*) from contract_versions v where v.contract_id = c.id)
            or c.newest <> (select coalesce(max(v.version), 0) from contract_versions v where v.contract_id = c.id)
            or c.id in (
                select m.contract_id from messages m join contracts k on k.id = m.contract_id
                where m.contract_version > k.newest
            )
        order by 1
        """,
    ),
    Rule(
        "notes",
        FAIL,
        "every note has all its versions, and shows the last one",
        "versions of notes are missing, or a note shows another one than its last: notes",
        "xats db backup, and report it",
        """
        select n.key || '@' || n.team from notes n left join note_versions v on v.id = n.head
        where v.id is null or v.note_id <> n.id or v.version <> n.newest or v.category <> n.category
            or (v.value is null) <> (n.removed = 1) or coalesce(v.expires_at, 0) <> coalesce(n.expires_at, 0)
            or n.newest <> (select count(*) from note_versions o where o.note_id = n.id)
            or n.newest <> (select coalesce(max(o.version), 0) from note_versions o where o.note_id = n.id)
        order by 1
        """,
    ),
    Rule(
        "wakes",
        FAIL,
        "every wake is for the mail of its own agent",
        "deliveries with the wake of another agent: messages",
        "xats db backup, and report it",
        """
        select d.message_id from deliveries d join wakes w on w.id = d.wake_id where w.agent_id <> d.agent_id
        order by d.message_id
        """,
    ),
    Rule(
        "closed_seats",
        FAIL,
        "no unregistered agent has a session",
        "an unregistered agent still has a session: agents",
        "xats register NAME, then: xats unregister NAME",
        """
        select a.name || '@' || a.team from sessions s join agents a on a.id = s.agent_id
        where s.ended_at is null and a.unregistered_at is not null order by 1
        """,
    ),
    Rule(
        "seats",
        WARN,
        "every registered agent has a session of its newest epoch",
        "agents whose sessions are all closed, or older than their epoch",
        "xats register NAME, where that agent works",
        """
        select a.name || '@' || a.team from agents a left join sessions s on s.agent_id = a.id and s.ended_at is null
        where a.unregistered_at is null and a.expected_at is null and (s.id is null or s.epoch <> a.epoch) order by 1
        """,
    ),
)


def checks(path: str, now: int | None = None, *, depth: str = "integrity_check") -> list[Check]:
    """Return the findings on the store at `path`. Whatever is wrong with the store is a finding, not an error.

    `now` is the time in ms UTC; None is this host's. `depth` is the check of SQLite: `quick_check` does not
    compare indexes with their tables.
    """
    found = list(_file(path))
    if found[-1].state == FAIL and found[-1].name == "file":
        return found
    try:
        private = inspect.copy(path) if _settled(path, found) else None
    except StoreCorrupt as problem:
        return [*found, Check("integrity", FAIL, str(problem), problem.hint)]
    except NotFound as problem:  # an empty file
        return [*found, Check("header", WARN, str(problem), problem.hint)]
    except XatsError as problem:
        return [*found, Check("header", FAIL, str(problem), problem.hint)]
    if private is None:
        return found
    try:
        found += _inside(path, private, host_clock() if now is None else now, depth)
    finally:
        private.close()
    return found


def _file(path: str) -> Iterator[Check]:
    """Look at the file from outside."""
    if not os.path.isfile(path):
        what = "is not a file" if os.path.exists(path) else "does not exist"
        yield Check(
            "file", FAIL, f"{path} {what}", "name another with --db or XATS_DB; to make one: xats register NAME"
        )
        return
    yield Check("file", OK, path)
    yield from _permissions(path)
    yield _disk(path)
    folder = os.path.dirname(os.path.abspath(path))
    kind = network_file_system(folder)
    if kind:
        detail = f"{folder} is on a network file system ({kind}), whose locks SQLite cannot trust"
        yield Check("file_system", WARN, detail, "set XATS_HOME to a folder on a disk of this machine")
    else:
        yield Check("file_system", OK, "local, as far as xats can find out")


def _permissions(path: str) -> Iterator[Check]:
    about = os.stat(path)
    folder = os.path.dirname(os.path.abspath(path))
    around = os.stat(folder)
    mode, outer = stat.S_IMODE(about.st_mode), stat.S_IMODE(around.st_mode)
    if mode & 0o077:
        yield Check("permissions", FAIL, f"other users can use the store (mode {mode:04o})", f"chmod 600 {quote(path)}")
    elif outer & 0o022 and not outer & stat.S_ISVTX:
        detail = f"other users can put files into {folder} (mode {outer:04o})"
        yield Check("permissions", FAIL, detail, f"chmod 700 {quote(folder)}")
    elif outer & 0o077:
        yield Check(
            "permissions", WARN, f"other users can look into {folder} (mode {outer:04o})", f"chmod 700 {quote(folder)}"
        )
    else:
        yield Check("permissions", OK, f"file {mode:04o}, folder {outer:04o}")
    if about.st_uid != os.geteuid():
        detail = f"the store belongs to user id {about.st_uid}, and yours is {os.geteuid()}"
        yield Check("owner", WARN, detail, f"run xats as that user, or: chown {os.geteuid()} {quote(path)}")


def _disk(path: str) -> Check:
    """Check whether the disk can be written, and how much room is left."""
    folder = os.path.dirname(os.path.realpath(path))
    if problem := disk.trouble(path):
        only_us = isinstance(problem, StoreReadOnly) and not disk.is_read_only(folder)
        return Check("disk", WARN if only_us else FAIL, str(problem), problem.hint)
    left = disk.room(folder)
    if left is None:
        return Check("disk", OK, "the disk can be written")
    said = f"{left / 1024**2:.1f} MiB" if left < 1024**3 else f"{left / 1024**3:.1f} GiB"
    if left < disk.SPARE:
        return Check("disk", WARN, f"the disk is nearly full: {said} left", "free some space on it")
    return Check("disk", OK, f"{said} left")


def _settled(path: str, found: list[Check]) -> bool:
    """Tell whether no writer died in the middle; otherwise any further look would change the store."""
    try:
        inspect.look(path).close()
    except XatsError as problem:
        if inspect.is_half_done(problem.__cause__):
            found.append(Check("journal", WARN, str(problem), problem.hint))
            return False
        raise
    return True


# -- inside ------------------------------------------------------------------------------------------------------------


def _inside(path: str, private: sqlite3.Connection, now: int, depth: str) -> Iterator[Check]:
    """Check the content of the store, in a copy of it."""
    yield _guarded("journal", path, lambda: _journal(path))
    version = private.execute("pragma user_version").fetchone()[0]
    if version > engine.SCHEMA_VERSION:
        detail = f"schema {version}; this xats knows {engine.SCHEMA_VERSION}"
        yield Check("schema", FAIL, detail, "upgrade this xats")
    elif version < engine.SCHEMA_VERSION:
        detail = f"schema {version}; the newest is {engine.SCHEMA_VERSION}"
        yield Check("schema", WARN, detail, "xats agents  (any verb that uses the store migrates it)")
    else:
        yield Check("schema", OK, f"schema {version}")
    integrity = _guarded("integrity", path, lambda: _integrity(path, private, depth))
    yield integrity
    if integrity.state == FAIL:
        return
    yield _guarded("references", path, lambda: _references(private))
    if version == engine.SCHEMA_VERSION:
        for rule in RULES:
            yield _guarded(rule.name, path, lambda rule=rule: _rule(private, rule, now))  # type: ignore[misc]


def _journal(path: str) -> Check:
    mode = info.journal(path)
    linked = sqlite3.sqlite_version
    if mode == "wal" and not wal_is_safe(sqlite3.sqlite_version_info):
        detail = f"a WAL journal, and with SQLite {linked} many writers can damage the store"
        return Check("journal", FAIL, detail, engine.wal_fix(path))
    return Check("journal", OK, f"{mode}, SQLite {linked}")


def _integrity(path: str, private: sqlite3.Connection, depth: str) -> Check:
    found = [row[0] for row in private.execute(f"pragma {depth}(5)")]
    if found == ["ok"]:
        what = "page and index" if depth == "integrity_check" else "page"
        return Check("integrity", OK, f"every {what} is valid")
    return _damaged(path, "; ".join(text.replace("\n", " ") for text in found))


def _damaged(path: str, detail: str) -> Check:
    fix = f"end every xats, copy the file, then: sqlite3 {quote(path)} .recover  (or put a backup in its place)"
    return Check("integrity", FAIL, f"the store is damaged: {detail}", fix)


def _references(private: sqlite3.Connection) -> Check:
    found = [f"{row[0]} {row[1]} -> {row[2]}" for row in private.execute("pragma foreign_key_check")]
    if not found:
        return Check("references", OK, "every reference leads to a row")
    detail = f"{len(found)} references lead to missing rows: {', '.join(found[:SHOWN])}"
    return Check("references", FAIL, detail, "xats db backup, and report it")


def _rule(private: sqlite3.Connection, rule: Rule, now: int) -> Check:
    found = [row[0] for row in private.execute(rule.sql, {"now": now, "late": now - LATE})]
    if not found:
        return Check(rule.name, OK, rule.good)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return Check(rule.name, rule.state, f"{rule.bad} {', '.join(map(str, found[:SHOWN]))}{more}", rule.fix)


def _guarded(name: str, path: str, look: Callable[[], Check]) -> Check:
    """Return the finding of `look`, or the finding that the store is too damaged for it."""
    try:
        return look()
    except XatsError as problem:
        return Check(name, FAIL, str(problem), problem.hint)
    except sqlite3.Error as error:
        if codes.is_damaged(error):
            return _damaged(path, str(error))
        return Check(name, FAIL, str(explain(error, path)), "xats db backup, and report it")
