"""The verb that finds mail, tasks, contracts and notes by their words: search."""

from __future__ import annotations

from xats.base import durations
from xats.base.durations import iso
from xats.base.errors import Usage
from xats.cli.kit import render, scope
from xats.cli.kit.paging import check_limit
from xats.cli.kit.views import near
from xats.cli.mail.log import cut_to_terminal, fitted, stamp
from xats.core import search as rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.search import Hit
    from xats.store import Tx

EXCERPT = 160  # characters of an excerpt in a pipe and in JSON
BEFORE = 20  # characters before the first word that was found


def search(
    here: Context,
    text: params.SearchArg,
    *,
    since: params.SearchSinceOption = None,
    limit: params.LimitOption = 20,
) -> int:
    """Find mail, tasks, contracts and notes that contain all words, newest first.

    A word may be a part of a longer one. A person at a terminal finds all mail of the team, an agent what it sent and
    what it got. Search looks at the subject and the text of mail, at the title, the description, the last progress,
    the result and the reason of tasks, at the name, the note and the schema of the newest version of contracts, and
    at the key and the value of notes. It does not mark mail as read.

    Example: xats search parser ready

    Example: xats search order --since 2d -n 5
    """
    check_limit(limit, "xats search parser -n 20")
    words = tuple(word for one in text for word in one.split())
    if not words:
        msg = "xats search needs at least one word."
        raise Usage(msg, "xats search parser")
    at = here.store.clock() - durations.parse(since) if since is not None else None
    team = scope.team_meant(here)

    def look(tx: Tx) -> tuple[list[Hit], bool]:
        return rules.find(tx, rules.Query(words, scope.viewer(here, tx), team, at), limit)

    found, has_more = here.store.read(look)
    if here.json:
        rows = [hit_json(one, words) for one in found]
        render.document({"words": list(words), "results": rows, "has_more": has_more})
        return 0
    render.stream(_line(one, words, team) for one in found)
    if here.quiet:
        return 0
    if not found:
        render.say(f"nothing contains {' and '.join(map(render.one_line, words))}")
    elif note := next((one for one in found if one.kind == "note"), None):
        render.say(f"to read a note: {here.command('note', 'get', note.name)}")
    if has_more:
        given = ("--since", since) if since is not None else ()
        render.say(f"more: {here.command('search', *words, *given, '-n', limit * 2)}")
    return 0


def hit_json(hit: Hit, words: Sequence[str]) -> dict[str, Any]:
    """Return the JSON form of a hit."""
    about = {"kind": hit.kind, "id": hit.id, "name": hit.name, "at": iso(hit.at), "by": hit.by, "to": hit.to}
    return {**about, "state": hit.state, "title": hit.title, "excerpt": excerpt(hit.text, words)}


def _line(hit: Hit, words: Sequence[str], team: str) -> str:
    """Return a hit on one line: for a terminal as wide as that is, for a pipe with tabs."""
    by, shown = near(hit.by, team), excerpt(hit.text, words)
    if not render.on_terminal():
        called = hit.name or str(hit.id)
        fields = (hit.kind, called, iso(hit.at) or "", by, hit.to or "", hit.state or "", hit.title or "", shown)
        return "\t".join(map(render.one_line, fields))
    to = f" to {render.one_line(near(hit.to, team))}" if hit.to else ""
    called = {
        "mail": f"#{hit.id}",
        "task": f"task {hit.id} ({hit.state})",
        "contract": f"contract {hit.name}",
        "note": f"note {hit.name}",
    }[hit.kind]
    at, text = stamp(hit.at), render.one_line(shown)
    head, styled = f"{at} {called} {by}{to}:", f"{at} {render.bold(called)} {by}{to}:"
    if not hit.title:
        return marked(fitted(head, styled, text, whole=True), words, len(styled))
    first = fitted(head, styled, render.one_line(hit.title))
    return marked(f"{first}\n  {cut_to_terminal(text)}" if text else first, words, len(styled))


def marked(text: str, words: Sequence[str], start: int) -> str:
    """Return `text` with `words` in bold where they occur behind the character `start`."""
    folded = text.casefold()
    if len(folded) != len(text) or not render.styled():  # the places would not be the same
        return text
    parts, at = [text[:start]], start
    while True:
        places = [(place, len(word)) for word in map(str.casefold, words) if (place := folded.find(word, at)) >= 0]
        if not places:
            return "".join([*parts, text[at:]])
        place, length = min(places, key=lambda one: (one[0], -one[1]))
        parts += [text[at:place], render.bold(text[place : place + length])]
        at = place + length


def excerpt(text: str, words: Sequence[str]) -> str:
    """Return the part of `text` around the first of `words` in it, or its beginning; white space is one space."""
    text = " ".join(text.split())
    folded = text.casefold()
    places = [at for word in words if (at := folded.find(word.casefold())) >= 0]
    first = min(places, default=0)  # folding may have made the text longer; the place is then only near
    start = max(0, first - BEFORE)
    if start:
        start = max(start, text.find(" ", start, first) + 1)
    cut = text[start : start + EXCERPT]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT < len(text) else ''}"
