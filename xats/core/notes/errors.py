"""Errors of notes; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import NotFound, Refused, Usage


class InvalidNote(Usage):
    """The key or the value of the note is not valid."""

    code = "invalid_note"


class UnknownNote(NotFound):
    """There is no note with that key in this team."""

    code = "unknown_note"
    hint = "xats note list"


class NoteGone(NotFound):
    """The note was removed, or has expired."""

    code = "note_gone"


class UnknownNoteVersion(NotFound):
    """The note has no such version, or that version has no value."""

    code = "unknown_note_version"


class NoteChanged(Refused):
    """The note is not at the version that --if-version names."""

    code = "note_changed"
