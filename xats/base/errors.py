"""The errors of xats: each has a stable code for scripts, a message and a fix for people, and an exit code.

The docstring of a class is its default message. Only `__main__` turns an error into text and an exit status.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# Exit codes; 75 is EX_TEMPFAIL of sysexits.h, 124 that of timeout(1), 130 that of a shell after Ctrl-C.
OK, FAILURE, USAGE, NOT_FOUND, REFUSED, UNHEALTHY, TEMPORARY, TIMED_OUT, INTERRUPTED = 0, 1, 2, 3, 4, 5, 75, 124, 130


class XatsError(Exception):
    """Something went wrong."""

    code = "failure"
    exit = FAILURE
    hint = ""
    index: int | None = None  #: which of the given items the error is about, from 0; see `at`

    def __init__(self, message: str = "", hint: str = "", **data: Any) -> None:
        """`message` says what is wrong and why, `hint` is the line that fixes it, `data` goes into the JSON form."""
        super().__init__(message or type(self).__doc__)
        self.hint = hint or self.hint
        self.data = data


class at:
    """A context for one item of several: an XatsError that is raised in it gets the `index` of the item."""

    def __init__(self, index: int) -> None:
        self._index = index

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        """Set the index of the error that is raised."""
        if isinstance(problem, XatsError):
            problem.index = self._index


class Cancelled(XatsError):
    """The person cancelled it."""

    code = "cancelled"


class Interrupted(XatsError):
    """A person ended the command with Ctrl-C."""

    code = "interrupted"
    exit = INTERRUPTED


class EditorFailed(XatsError):
    """The editor failed."""

    code = "editor_failed"


class Usage(XatsError):
    """The command line cannot be understood."""

    code = "usage"
    exit = USAGE


class InvalidName(Usage):
    """A name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit."""

    code = "invalid_name"


class InvalidBody(Usage):
    """A body is UTF-8 text of 1 byte to 1 MiB."""

    code = "invalid_body"


class InvalidBatch(Usage):
    """A line of the batch is not a message."""

    code = "invalid_batch"


class InvalidJson(Usage):
    """The text is not valid JSON."""

    code = "invalid_json"


class InvalidSchema(Usage):
    """The document is not a valid JSON Schema."""

    code = "invalid_schema"


class Uncheckable(XatsError):
    """xats cannot check that."""

    code = "uncheckable"


class InvalidExport(Usage):
    """xats cannot import that export."""

    code = "invalid_export"


# -- not found ---------------------------------------------------------------------------------------------------------


class NotFound(XatsError):
    """xats found nothing of that name."""

    code = "not_found"
    exit = NOT_FOUND


class UnknownAgent(NotFound):
    """Nothing here shows which agent you are."""

    code = "unknown_agent"
    hint = "xats register NAME"


class UnknownRecipient(NotFound):
    """No agent has that address."""

    code = "unknown_recipient"
    hint = "xats agents"


class UnknownMessage(NotFound):
    """There is no message with that id for you."""

    code = "unknown_message"
    hint = "xats inbox --all"


class UnknownTeam(NotFound):
    """There is no such team."""

    code = "unknown_team"
    hint = "xats team list"


class ProgramMissing(NotFound):
    """That program is not installed."""

    code = "program_missing"


# -- refused by a state, which is no fault -----------------------------------------------------------------------------


class Refused(XatsError):
    """The current state does not allow that."""

    code = "refused"
    exit = REFUSED


class NameTaken(Refused):
    """Another running process has that name."""

    code = "name_taken"


class StaleSession(Refused):
    """Another session has taken over this agent."""

    code = "stale_session"


class TeamTaken(Refused):
    """There is a team of that name already."""

    code = "team_taken"


class TeamInUse(Refused):
    """The team is still in use."""

    code = "team_in_use"


class NamesClash(Refused):
    """Both teams have something of the same name."""

    code = "names_clash"


class PeopleOnly(Refused):
    """Only a person may do that."""

    code = "people_only"


class PaneUnusable(Refused):
    """That pane cannot be used."""

    code = "pane_unusable"


class KeyReused(Refused):
    """The key was used before, for something else."""

    code = "key_reused"


class SettingsUnusable(Refused):
    """xats cannot change that settings file safely."""

    code = "settings_unusable"


class SettingsBusy(SettingsUnusable):
    """Another process is changing that settings file. Nothing was written."""

    code = "settings_busy"
    exit = TEMPORARY
    hint = "try again"


# -- the store ---------------------------------------------------------------------------------------------------------


class StoreError(XatsError):
    """The store cannot be used."""

    code = "store_unusable"


class StoreBusy(StoreError):
    """The store is busy: other processes keep it locked. Nothing was written."""

    code = "store_busy"
    exit = TEMPORARY
    hint = "try again"


class StoreAway(StoreBusy):
    """The database server cannot be reached. Nothing was written."""

    code = "store_away"


class OutcomeUnknown(StoreError):
    """The connection was lost during the commit, and xats could not find out whether the change was made."""

    code = "outcome_unknown"
    exit = TEMPORARY


class StoreDenied(StoreError):
    """The database server does not let this user in."""

    code = "store_denied"


class DriverMissing(StoreError):
    """A PostgreSQL store needs psycopg, which is not installed."""

    code = "driver_missing"


class StoreForeign(StoreError):
    """The file belongs to another application."""

    code = "store_foreign"
    hint = "name another file with --db or XATS_DB"


class StoreTooNew(StoreError):
    """The store was written by a newer xats."""

    code = "store_too_new"
    hint = "upgrade this xats"


class StoreTooOld(StoreError):
    """The store was written by an older xats, and --no-migrate or XATS_NO_MIGRATE forbids its migration."""

    code = "store_too_old"
    exit = REFUSED


class StoreCorrupt(StoreError):
    """The store is damaged."""

    code = "store_corrupt"


class StoreReadOnly(StoreError):
    """The store cannot be written."""

    code = "store_read_only"


class StoreFull(StoreError):
    """The disk is full. Nothing was written."""

    code = "disk_full"
    exit = TEMPORARY
    hint = "free some space and try again"


# -- tmux --------------------------------------------------------------------------------------------------------------


class TimedOut(XatsError):
    """The wait timed out."""

    code = "timed_out"
    exit = TIMED_OUT
