"""How notes look, as JSON for scripts and in words for people."""

from __future__ import annotations

from xats.base import durations
from xats.base.durations import ago, iso
from xats.base.sizes import sized
from xats.cli.kit import render, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.notes.notes import Version

SHOWN = 80  # characters of a value in a list


def version_json(version: Version) -> dict[str, Any]:
    """Return the JSON form of a version of a note, without its value."""
    note = version.note
    return {
        "key": note.key,
        "team": note.team,
        "version": version.number,
        "newest": note.newest,
        "removed": version.removal,
        "category": version.category,
        "size": version.size,
        "by": version.by,
        "evidence": version.evidence,
        "at": iso(version.at),
        "expires_at": iso(version.expires_at),
        "restored": version.restored,
        "pinned_at": iso(note.pinned_at),
        "pinned_by": note.pinned_by,
    }


def facts(version: Version, now: int) -> str:
    """Return what is known about a version, on one line: its size, who put it and when."""
    note = version.note
    newest = "" if version.number == note.newest else f", the newest is {note.newest}"
    by = views.near(version.by, note.team)
    pinned = ", pinned" if note.pinned_at is not None else ""
    return (
        f"{version.name} ({version.category}, {sized(version.size)}{newest}{pinned}{_end(version, now)}), "
        f"by {by} {ago(version.at, now)}"
    )


def state(version: Version, now: int) -> str:
    """Return what else a list says about a version: that it is pinned, removed, restored, or when it expires."""
    parts = ["removed"] if version.removal else []
    parts += ["pinned"] if version.note.pinned_at is not None and version.number == version.note.newest else []
    parts += [f"restored from @{version.restored}"] if version.restored is not None else []
    parts += [_end(version, now).removeprefix(", ")] if version.expires_at is not None else []
    return ", ".join(parts)


def beginning(version: Version) -> str:
    """Return the beginning of a value on one line, as much of it as a list has."""
    value = version.value or ""
    text = render.one_line(" ".join(value.split()))
    whole = len(text) <= SHOWN and len(value.encode()) == version.size
    return text if whole else f"{text[: SHOWN - 1]}…"


def _end(version: Version, now: int) -> str:
    """Return when the version expires, or that its time is over, with a comma before it; "" if it has no end."""
    if version.expires_at is None:
        return ""
    left = version.expires_at - now
    return f", expires in {durations.left(left)}" if left > 0 else f", its time ended {ago(version.expires_at, now)}"
