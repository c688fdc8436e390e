"""The JSON of notes."""

from __future__ import annotations

from typing import Annotated

from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.cli.models.mail import Evidence
from xats.core.notes.notes import CATEGORIES


class NoteVersion(Model):
    """A version of a note."""

    key: str = field("The key of the note.")
    team: str = field("The team.")
    version: int = field("The number of the version.")
    newest: int = field("The number of the newest version.")
    removed: bool = field("Whether the version is the removal of the note, which has no value.")
    category: Annotated[str, OneOf(CATEGORIES)] = field("What the note is.")
    size: int = field("The bytes of the value; 0: the note was removed.")
    by: Address = field("Who stored the version.")
    evidence: Evidence = field("How xats knew who that is.")
    at: Time = field("When that was.")
    expires_at: Time | None = field("When the note expires; null: never.")
    restored: int | None = field("The version whose value was put again; null: the value was given.")
    pinned_at: Time | None = field("When the note was pinned; null: it is not.")
    pinned_by: Address | None = field("Who pinned it.")


class NoteWithValue(NoteVersion):
    """A version of a note with its value."""

    value: str = field("The value.")


class ListedNote(NoteVersion):
    """A version of a note in a list."""

    beginning: str | None = field("The first 200 characters of the value; null: the note was removed.")


class NotePutDocument(Document):
    """The version that was stored."""

    note: NoteVersion = field("The version.")
    created: bool = field("False if the note has the value already; then nothing new was stored.")


class NoteGetDocument(Document):
    """One version with its value."""

    note: NoteWithValue = field("The version.")


class NoteListDocument(Document):
    """The notes of a team."""

    notes: list[ListedNote] = field("The newest version of each, in the order of their keys.")
    has_more: bool = field("Whether there are more than are printed.")


class NoteLogDocument(Document):
    """The versions of a note."""

    note: ListedNote = field("The newest version.")
    versions: list[ListedNote] = field("The versions, the newest first.")
    has_more: bool = field("Whether there are more than are printed.")


class NoteChangeDocument(Document):
    """A note that was removed, pinned or unpinned."""

    note: NoteVersion = field("The newest version.")
    changed: bool = field("False if that was so before.")
