"""The verbs that change notes: put, rm, pin, unpin."""

from __future__ import annotations

from xats.base import durations
from xats.base.errors import Usage
from xats.base.sizes import sized
from xats.cli.kit import reading, render
from xats.cli.notes.text import version_json
from xats.cli.teams import membership
from xats.core.notes import notes
from xats.core.notes.errors import InvalidNote
from xats.core.notes.notes import LEFT, New

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context


def put(
    here: Context,
    key: params.KeyArg,
    value: params.NoteValueArg = None,
    *,
    file: params.FileOption = None,
    category: params.NewCategoryOption = None,
    if_version: params.IfVersionOption = None,
    ttl: params.NoteTtlOption = None,
) -> int:
    """Store a value under a key, as the next version of a note.

    The same value again makes no new version. Older versions stay: @3 as the value puts version 3 again, and @./3 reads
    a file of that name. Keys are one in upper and lower case.

    With --if-version xats stores the value only if N is the newest version, and otherwise exits with 4. If several
    agents put with --if-version 3, exactly one succeeds. 0 means: there is no such note, or it
    was removed or has expired.

    Example: xats note put style 'Tabs, at most 100 columns.' --category convention

    Example: xats note put api/errors @errors.md --if-version 3

    Example: xats note put api/errors @2
    """
    notes.check_key(key)  # before a file is read
    lasts = durations.parse(ttl) if ttl is not None else None
    restore = notes.number_in(value[1:]) if file is None and value and value[0] == "@" else None
    given = reading.text(here, value, file, "value", InvalidNote, LEFT) if restore is None else None
    if given is None and restore is None:
        msg = f"The value is missing. {LEFT}"
        raise Usage(msg, f"xats note put {key} 'text', or - to read it from standard input")
    new = New(key, given, restore, category, lasts, if_version)
    done = here.write(lambda tx, me: notes.put(tx, me.agent, me.evidence, new=new))
    version = done.version
    if here.json:
        render.document({"note": version_json(version), "created": done.created})
    elif here.quiet:
        render.put(version.name)
    elif not done.created:
        render.put(f"{version.name} has this value already; nothing new was stored")
    else:
        what = f"the value of version {version.restored} again, " if version.restored is not None else ""
        ends = f", expires in {durations.left(lasts)}" if lasts is not None else ""
        render.put(f"{version.name} stored ({what}{version.category}, {sized(version.size)}{ends})")
        membership.tell_pending(here, version.note.team)
    return 0


def rm(here: Context, key: params.KeyArg, *, if_version: params.IfVersionOption = None) -> int:
    """Remove a note; its history stays, and its value can be restored.

    The removal is a version without a value. It ends the pin of the note.

    Example: xats note rm api/errors
    """
    version, changed = here.write(
        lambda tx, me: notes.remove(tx, me.agent, me.evidence, key=key, if_version=if_version)
    )
    called = version.note.key
    if here.json:
        render.document({"note": version_json(version), "changed": changed})
    elif here.quiet:
        render.put(version.name)
    elif not changed:
        when = durations.ago(version.expires_at, here.store.clock())
        why = "was removed before" if version.removal else f"had expired already, {when}"
        render.put(f"{called} {why}; nothing was changed")
    else:
        render.put(f"{called} removed (version {version.number})")
        render.say(f"  to restore it: {here.command('note', 'put', called, f'@{version.number - 1}')}")
    return 0


def pin(here: Context, key: params.KeyArg) -> int:
    """Pin a note: each session of an agent gets it at its start.

    Short notes are part of the text that xats gives a session; of those that do not fit, it names the key and the size.

    Example: xats note pin style
    """
    version, changed = here.write(lambda tx, me: notes.pin(tx, me.agent, key=key))
    if here.json:
        render.document({"note": version_json(version), "changed": changed})
    elif not here.quiet:
        render.put(f"{version.note.key} is pinned{'' if changed else ' already'}")
    return 0


def unpin(here: Context, key: params.KeyArg) -> int:
    """Unpin a note; its value stays.

    Example: xats note unpin style
    """
    version, changed = here.write(lambda tx, me: notes.unpin(tx, me.agent, key=key))
    if here.json:
        render.document({"note": version_json(version), "changed": changed})
    elif not here.quiet:
        render.put(f"{version.note.key} {'is no longer pinned' if changed else 'is not pinned'}")
    return 0
