"""The verb that shows the mail of the team: log."""

from __future__ import annotations

import time
from functools import partial

from xats.base import durations
from xats.base.durations import iso
from xats.base.errors import StoreError, Usage
from xats.cli.kit import fit, render, scope
from xats.cli.kit.paging import check_limit
from xats.cli.kit.views import near, quoted
from xats.cli.kit.waiting import POLL
from xats.core.mail import log as rules
from xats.core.teams import teams as core_teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.mail.log import Entry, Query
    from xats.core.mail.messages import Message
    from xats.store import Tx

LARGEST_ID = (1 << 63) - 1  # of a row of the store
PAGE = 50  # messages that are shown at once
NARROWEST = 24  # columns that the text of a message needs; with fewer it gets a line of its own
SEEN = ("read", "acked", "replied")
OWING = ("unread", "shown", "read")  # states in which a recipient of a request still has to reply


def log(
    here: Context,
    *,
    sender: params.FromOption = None,
    to: params.LogToOption = None,
    kind: params.LogKindOption = None,
    since: params.LogSinceOption = None,
    limit: params.LimitOption = PAGE,
    full: params.BodiesOption = False,
    follow: params.LogFollowOption = False,
    all_teams: params.EveryTeamOption = False,
    jsonl: params.JsonLinesOption = False,
) -> int:
    """Show the mail of the team, the newest last; an agent sees its own.

    A person at a terminal sees all mail of the team. An agent sees what it sent and what it got. The log does not mark
    mail as read.

    Example: xats log

    Example: xats log --from bob --since 1h --full

    Example: xats log --follow
    """
    check_limit(limit, "xats log -n 20")
    query = here.store.read(_query(here, sender, to, kind, since, all_teams=all_teams))
    jsonl = jsonl or (here.json and follow)
    found, has_more, last = here.store.read(lambda tx: (*rules.latest(tx, query, limit), rules.newest(tx)))
    form = partial(_line, here, query, teams=all_teams, full=full, jsonl=jsonl)
    if here.json and not follow:
        rows = [entry_json(one) for one in found]
        render.document({"messages": rows, "has_more": has_more})
        return 0
    if has_more and not here.quiet and not follow:
        flags = {"--full": full, "--all-teams": all_teams, "--jsonl": jsonl}
        asked = [*_asked(sender, to, kind, since), *(flag for flag, given in flags.items() if given)]
        render.say(f"earlier mail: {here.command('log', *asked, '-n', limit * 2)}")
    render.stream(form(one) for one in found)
    if not found and not follow and not here.quiet:
        any_limit = any(one is not None for one in (sender, to, kind, since))
        render.say("no mail matches" if any_limit else f"no mail {_where(query, all_teams=all_teams)} yet")
    return _follow(here, query.behind(max(last, query.since or 0)), form) if follow else 0


def _asked(sender: str | None, to: str | None, kind: str | None, since: str | None) -> list[str]:
    given = {"--from": sender, "--to": to, "--kind": kind, "--since": since}
    return [word for option, value in given.items() if value is not None for word in (option, value)]


def _where(query: Query, *, all_teams: bool) -> str:
    if query.viewer:
        return f"to or from {query.viewer.name}"
    return "in any team" if all_teams else f"in team {query.team}"


def _query(
    here: Context, sender: str | None, to: str | None, kind: str | None, since: str | None, *, all_teams: bool
) -> Callable[[Tx], Query]:
    """Return the work that makes the query. Raises Usage, and the work what `scope.agent_meant` raises."""
    number, at = _since(here, since)
    team = here.team if all_teams else scope.team_meant(here)

    def work(tx: Tx) -> Query:
        return rules.Query(
            viewer=scope.viewer(here, tx),
            team=None if all_teams else team,
            sender=scope.agent_meant(here, tx, sender, team) if sender is not None else None,
            recipient=scope.agent_meant(here, tx, to, team) if to is not None else None,
            kind=kind,
            since=number,
            since_at=at,
        )

    return work


def _since(here: Context, given: str | None) -> tuple[int | None, int | None]:
    """Return the id, or the time in ms UTC, that --since names. Raises Usage."""
    if given is None:
        return None, None
    number = given.removeprefix("#")
    if number.isascii() and number.isdigit() and int(number) <= LARGEST_ID:
        return int(number), None
    try:
        return None, here.store.clock() - durations.parse(given if not given[-1:].isdigit() else "")
    except Usage as problem:
        msg = f"--since must be the id of a message or a duration, not {given[:40]!r}."
        raise Usage(msg, "xats log --since 15, or: xats log --since 1h") from problem


def _follow(here: Context, query: Query, form: Callable[..., str]) -> int:
    """Print messages as they are committed. Each read is a transaction of its own, so none stays open."""
    while not render.reader_gone():
        generation = here.store.generation()
        if query.team is not None:  # it may have been renamed or merged
            query = query.of_team(here.store.read(partial(core_teams.current, name=query.team)))
        found, has_more, last = here.store.read(partial(_newer, query=query))
        render.stream(form(one, new=True) for one in found)
        query = query.behind(found[-1].message.id if has_more else max(last, query.since or 0))
        while not has_more and here.store.generation() == generation and not render.reader_gone():
            time.sleep(POLL)
        if here.store.replaced:  # another store has other ids
            msg = f"Another store has replaced {here.path}."
            raise StoreError(msg, "xats log --follow")
    return 0


def _newer(tx: Tx, query: Query) -> tuple[list[Entry], bool, int]:
    """Return what `rules.newer` does for one page, and the id of the newest message."""
    return (*rules.newer(tx, query, PAGE), rules.newest(tx))


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return the JSON form of a message of the log."""
    from xats.cli.kit import documents

    copies = [{"agent": one.agent, "state": one.state, "at": iso(one.at)} for one in entry.copies]
    return {**documents.message_json(entry.message), "body": entry.message.body, "copies": copies}


def _line(here: Context, query: Query, entry: Entry, *, teams: bool, full: bool, jsonl: bool, new: bool = False) -> str:
    """Return a message as it is printed; `new` leaves out that it is unread."""
    if jsonl:
        return render.json_line(entry_json(entry))
    team = "" if teams else query.team or here.team
    if full or render.on_terminal():
        return _for_terminal(entry, team, full=full, new=new)
    message = entry.message
    words = (message.id, iso(message.sent_at), near(message.sender, team), _recipient(entry, team), message.kind)
    return "\t".join(render.one_line(str(word)) for word in (*words, _state(entry), gist(message)))


def _for_terminal(entry: Entry, team: str, *, full: bool, new: bool) -> str:
    """Return a message on one line that fits the terminal; with `full` the whole text follows below."""
    message = entry.message
    at = stamp(message.sent_at)
    facts = [f"answers #{message.reply_to}"] if message.reply_to else []
    if message.kind not in ("mail", "reply"):
        facts.append(render.one_line(message.kind))
    state = "" if new and not full else _state(entry)
    if state:
        facts.append(state)
    if message.need_reply and (not entry.copies or any(one.state in OWING for one in entry.copies)):
        facts.append("needs a reply")
    whom = f"{near(message.sender, team)} to {_recipient(entry, team)}"
    said = f" ({', '.join(facts)})" if facts else ""
    title = f"{at} {render.bold(f'#{message.id}')} {whom}{render.dim(said)}"
    if full:
        columns = render.width()
        lines = [title, *([f"  Subject: {render.one_line(message.subject)}"] if message.subject else [])]
        if columns:
            lines = [row for line in lines for row in fit.folded(line, columns, "    ")]
        return "\n".join([*lines, *quoted(message.body, columns)])
    return fitted(f"{at} #{message.id} {whom}{said}:", f"{title}:", gist(message))


def _recipient(entry: Entry, team: str) -> str:
    """Return to whom a message went: the address as the sender wrote it, or the present name of its only recipient."""
    message = entry.message
    group = ":" in message.address or "," in message.address or message.address.partition("@")[0].lower() == "all"
    if len(entry.copies) == 1 and not group:
        return near(entry.copies[0].agent, team)
    return render.one_line(near(message.address, team))


def _state(entry: Entry) -> str:
    """Return what became of the copies of a message, in words; "" if the viewer may not know.

    The sender's own copy does not count, unless there is no other one.
    """
    copies = tuple(one for one in entry.copies if one.agent != entry.message.sender) or entry.copies
    if len(copies) < 2:
        return copies[0].state if copies else ""
    parts = [f"read by {sum(one.state in SEEN for one in copies)} of {len(copies)}"]
    parts += [f"{count} {state}" for state in ("shown", "expired") if (count := sum(c.state == state for c in copies))]
    return ", ".join(parts)


def gist(message: Message) -> str:
    """Return the subject of a message and the first line of its body that is not blank, visible on one line.

    The subject of a reply only repeats that of its thread, so it is left out.
    """
    first = next((line.strip() for line in message.body.splitlines() if line.strip()), "")
    subject = "" if message.reply_to and (message.subject or "").startswith("Re: ") else message.subject
    return render.one_line(" - ".join(filter(None, (subject, first))))


def stamp(at: int) -> str:
    """Return the local time of `at` (ms UTC) for a line of a list."""
    return time.strftime("%m-%d %H:%M", time.localtime(at // 1000))


def fitted(head: str, styled: str, text: str, *, whole: bool = False) -> str:
    """Return the line `styled text`, cut to the terminal. `head` is `styled` without its styles.

    If there is no room for the text, or with `whole` not for all of it, the text gets an indented line of its own.
    """
    columns = render.width()
    if not columns or not text:
        return f"{styled} {text}".rstrip()
    from xats.cli.top.lines import cut, size, wrap

    room = columns - size(head) - 1
    if room >= (size(text) if whole else min(NARROWEST, size(text))):
        return f"{styled} {cut(text, room)}"
    above = styled if room >= -1 else "\n  ".join(wrap(head, columns - 2))
    return f"{above}\n  {cut_to_terminal(text)}"


def cut_to_terminal(text: str) -> str:
    """Return `text` cut to an indented line of the terminal."""
    from xats.cli.top.lines import cut

    return cut(text, render.width() - 2)
