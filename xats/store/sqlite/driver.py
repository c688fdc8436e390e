"""Python's SQLite, without the adapters of dates that `sqlite3` brings: they import `datetime`, 1 ms of each command.

`sqlite3` takes all these names from `_sqlite3` (Lib/sqlite3/dbapi2.py), so an error raised here is one of `sqlite3`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection, Error, OperationalError, Row, connect, sqlite_version
else:
    try:
        from _sqlite3 import Connection, Error, OperationalError, Row, connect, sqlite_version
    except ImportError:  # a Python that has another module below `sqlite3`
        from sqlite3 import Connection, Error, OperationalError, Row, connect, sqlite_version

__all__ = ["Connection", "Error", "OperationalError", "Row", "connect", "sqlite_version", "version_info"]


def version_info() -> tuple[int, ...]:
    """Return the version of the SQLite library, such as (3, 40, 1)."""
    return tuple(int(part) for part in sqlite_version.split("."))
