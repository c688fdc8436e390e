"""The verbs for the file of the store: info, check, backup."""

from __future__ import annotations

import os

from xats.base.durations import iso
from xats.base.errors import OK, UNHEALTHY
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.clock import Standing
    from xats.store.sqlite.check import Check
    from xats.store.sqlite.info import Info


def info(here: Context) -> int:
    """Show what the store is and what is in it.

    Example: xats db info

    Example: xats db info --json
    """
    from xats.cli.kit import documents
    from xats.store.sqlite.info import info as read_info

    if "://" in here.path:
        return _database_info(here)
    found = read_info(here.path)
    trust, now = _trust(here.path) if "clocks" in found.rows else (None, 0)
    if here.json:
        render.document({**_info_json(found), "clock": trust and documents.clock_json(trust)})
        return 0
    rows = [
        ("path", found.path),
        ("size", _sizes(found)),
        ("pages", f"{found.pages} of {found.page_size} bytes, {found.free_pages} free"),
        ("schema", found.schema_version),
        ("application id", f"0x{found.application_id:08x}"),
        ("SQLite", found.sqlite_version),
        ("journal", found.journal_mode),
        ("permissions", f"file {found.file_mode:04o}, folder {found.folder_mode:04o}"),
        ("file system", f"{found.network}, over a network" if found.network else "local"),
        ("messages", _span(found.messages.oldest, found.messages.newest)),
        ("events", _span(found.events.oldest, found.events.newest)),
        *([("clock", trust.says(now))] if trust else []),
        *((f"rows of {name}", count) for name, count in found.rows.items()),
    ]
    render.table(("WHAT", "IS"), rows, stretch=("IS",))
    return 0


def _database_info(here: Context) -> int:
    """Show what the store in a PostgreSQL database is. Its URL has no password here."""
    from xats.cli.kit import documents
    from xats.core import clock
    from xats.store.postgres.info import info as read_info
    from xats.store.postgres.look import snapshot

    found = read_info(here.path)
    trust, now = snapshot(here.path, lambda tx: (clock.standing(tx), tx.now))
    if here.json:
        render.document({
            "url": found.url,
            "size": found.size,
            "store_version": found.schema_version,
            "store_id": found.store_id,
            "server_version": found.server_version,
            "user": found.user,
            "tables": [{"name": name, "rows": count} for name, count in found.rows.items()],
            "messages": {"oldest_at": iso(found.messages[0]), "newest_at": iso(found.messages[1])},
            "events": {"oldest_at": iso(found.events[0]), "newest_at": iso(found.events[1])},
            "clock": documents.clock_json(trust),
        })  # fmt: skip
        return 0
    rows = [
        ("URL", found.url),
        ("server", f"PostgreSQL {found.server_version}, as {found.user}"),
        ("size", f"{found.size} bytes of tables and indexes"),
        ("schema", found.schema_version),
        ("store", found.store_id),
        ("messages", _span(*found.messages)),
        ("events", _span(*found.events)),
        ("clock", trust.says(now)),
        *((f"rows of {name}", count) for name, count in found.rows.items()),
    ]
    render.table(("WHAT", "IS"), rows, stretch=("IS",))
    return 0


def _trust(path: str) -> tuple[Standing, int]:
    """Return the trust in the clock, and the time (ms UTC)."""
    from xats.core import clock
    from xats.store.sqlite import inspect

    return inspect.snapshot(path, lambda tx: (clock.standing(tx), tx.now))


def _sizes(found: Info) -> str:
    """Return the size of a store in words, and of each of its files if there are several."""
    name = os.path.basename(found.path)
    parts = ", ".join(f"{name}{suffix} {size}" for suffix, size in found.files.items())
    return f"{found.size} bytes" + (f": {parts}" if len(found.files) > 1 else "")


def _span(oldest: int | None, newest: int | None) -> str:
    return f"{iso(oldest)} to {iso(newest)}" if oldest is not None else "none"


def _info_json(found: Info) -> dict[str, Any]:
    return {
        "path": found.path,
        "size": found.size,
        "files": [{"name": os.path.basename(found.path) + end, "size": size} for end, size in found.files.items()],
        "store_version": found.schema_version,
        "application_id": found.application_id,
        "sqlite_version": found.sqlite_version,
        "journal_mode": found.journal_mode,
        "page_size": found.page_size,
        "pages": found.pages,
        "free_pages": found.free_pages,
        "tables": [{"name": name, "rows": count} for name, count in found.rows.items()],
        "messages": {"oldest_at": iso(found.messages.oldest), "newest_at": iso(found.messages.newest)},
        "events": {"oldest_at": iso(found.events.oldest), "newest_at": iso(found.events.newest)},
        "file_mode": f"{found.file_mode:04o}",
        "folder_mode": f"{found.folder_mode:04o}",
        "network_file_system": found.network,
    }


def check(here: Context) -> int:
    """Check the store, and name the fixes; exit 5 if anything is wrong.

    It changes nothing and blocks no writer. FAIL is for a fault that loses mail, shows it to others or damages the
    store.

    Example: xats db check
    """
    from xats.store.sqlite import inspect
    from xats.store.sqlite.check import FAIL, checks
    from xats.store.sqlite.check import OK as FINE

    inspect.require_store(here.path)
    found = _of_database(here.path) if "://" in here.path else checks(here.path)
    if here.json:
        values = [{"name": one.name, "state": one.state, "detail": one.detail, "fix": one.fix} for one in found]
        render.document({"checks": values})
    else:
        for one in (one for one in found if not here.quiet or one.state != FINE):
            render.put(f"{one.state.upper():4}  {one.name}: {render.one_line(one.detail)}")
            if one.fix:
                render.put(f"      {render.one_line(one.fix)}")
    return UNHEALTHY if any(one.state == FAIL for one in found) else OK


def _of_database(url: str) -> list[Check]:
    from xats.store.postgres import check as database

    return database.checks(url)


def backup(here: Context, file: params.BackupFileArg = None, *, force: params.ReplaceOption = False) -> int:
    """Back up the store to a file while others write.

    The copy is a whole store that only you can read; xats checks it before it gets its name. Without FILE it is beside
    the store, with the time in its name. To restore it: run xats daemon stop, move the store away, with its -journal
    and -wal if they exist, copy the backup to a new name in the same folder, rename that to the store's name, and run
    xats db check. The rename makes sure that no program finds half a copy. No program may write meanwhile.

    Example: xats db backup

    Example: xats db backup ~/backups/xats.db --force
    """
    from xats.cli.kit.progress import Progress, visible
    from xats.store.sqlite.backup import backup as copy
    from xats.store.sqlite.backup import default_name
    from xats.store.sqlite.engine import host_clock
    from xats.store.sqlite.inspect import require_file

    require_file(here.path, "pg_dump -n xats -Fc -f FILE {}")
    target = os.path.abspath(file) if file else default_name(here.path, host_clock())
    with Progress("backing up", quiet=here.quiet) as bar:
        size = copy(here.path, target, force=force, seen=bar.reach if visible() else None)
    if here.json:
        render.document({"path": target, "size": size})
    else:
        render.put(target if here.quiet else f"{render.one_line(target)}\t{size} bytes")
    return 0
