"""The verb that shows unread mail: inbox."""

from __future__ import annotations

import time

from xats.base import durations, process
from xats.base.errors import TimedOut, Usage
from xats.base.record import record
from xats.cli.kit import render, views
from xats.core.agents import agents
from xats.core.mail import inbox as letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.mail.inbox import Letter, Page, Reader, Shown
    from xats.store import Tx

PAGE = 50  # messages that are shown at once


def inbox(
    here: Context,
    *,
    peek: params.PeekOption = False,
    every: params.AllOption = False,
    again: params.AgainOption = False,
    owed: params.OwedOption = False,
    sender: params.FromOption = None,
    thread: params.ThreadOption = None,
    since: params.SinceIdOption = 0,
    limit: params.LimitOption = PAGE,
    wait: params.WaitOption = None,
) -> int:
    """Show unread mail, oldest first.

    Mail that inbox prints on a terminal is read. Mail in a pipe or a file is only shown. Shown mail is read when you
    answer it, when your next turn begins, or when a later inbox has named it. In a pipe, inbox prints at once only as
    much as agent programs show.

    Example: xats inbox

    Example: xats inbox --peek -n 5
    """
    if limit < 1:
        msg = "--limit must be at least 1."
        raise Usage(msg, "xats inbox -n 10")
    if again + every + owed > 1:
        msg = "--again, --all and --owed list different mail: use one of them."
        raise Usage(msg, "xats inbox --owed" if owed else "xats inbox --again")
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None
    looking = peek or every or owed
    room = 0 if render.on_terminal() else letters.page_size(here.settings)

    def query(tx: Tx, me: Me) -> letters.Query:
        whose = None if sender is None else here.named(tx, sender, me.agent.team)
        return letters.Query(limit=limit, since=since, sender=whose, thread=thread, every=every, again=again, owed=owed)

    def look(tx: Tx, me: Me) -> _Found:
        page = letters.peek(tx, me.agent, query(tx, me))
        if again and room:
            page = _fitting(here, tx, me, page, room)
        return _Found(me, page, letters.shown(tx, me.agent, letters.MOST_SHOWN))

    def claim(tx: Tx, me: Me) -> _Found:
        page = letters.claim(tx, me.agent, query=query(tx, me), token=process.mark(), abandoned=process.gone)
        if room:
            page = _fitting(here, tx, me, page, room)
        return _Found(me, page, letters.shown(tx, me.agent, letters.MOST_SHOWN))

    while True:
        generation = here.store.generation()
        found = here.read(look)
        if found.page.letters and not (looking or again):
            found = here.write(claim)
        if found.page.letters or deadline is None:
            break
        from xats.cli.kit.waiting import await_change

        if not await_change(here, generation, deadline):
            msg = "No mail came in that time."
            raise TimedOut(msg)
    if owed and not found.page.letters and not (here.json or here.quiet):
        render.say(f"no request waits for a reply from {found.me.agent.name}")
        return 0
    asked = [word for word, said in (("--peek", peek), ("--all", every), ("--again", again), ("--owed", owed)) if said]
    for option, value in (("--from", sender), ("--thread", thread), ("-n", limit if limit != PAGE else None)):
        asked += [option, str(value)] if value is not None else []
    _write_out(here, found, asked, looking=looking, again=again)
    return 0


@record
class _Found:
    """The result of one look into an inbox: its owner, a page, and what was shown before."""

    me: Me
    page: Page
    before: Sequence[Shown]


def _fitting(here: Context, tx: Tx, me: Me, page: Page, room: int) -> Page:
    """Return the part of a page that fits into `room` bytes, at least one letter; release the claims of the rest."""
    taken: list[Letter] = []
    for letter in page.letters:
        room -= len(_letter(here, me, letter, tx.now).encode(errors="replace")) + 1
        if room < 0 and taken:
            break
        taken.append(letter)
    rest = page.letters[len(taken) :]
    if page.claim and rest:
        letters.release(tx, me.agent, letters.Page(letters=rest, has_more=False, unread=0, claim=page.claim))
    return letters.Page(
        letters=tuple(taken), has_more=page.has_more or bool(rest), unread=page.unread, claim=page.claim
    )


def _letter(here: Context, me: Me, letter: Letter, now: int) -> str:
    """Return a letter as it is printed."""
    if here.json:
        from xats.cli.kit import documents

        return render.json_line(documents.letter_json(letter, me.agent.address))
    return views.letter_text(letter, me.agent.team, now, reply_command(here))


def _write_out(here: Context, found: _Found, asked: list[str], *, looking: bool, again: bool) -> None:
    """Print a page and, unless only `looking`, mark it. If it cannot be printed, it stays unread.

    `asked` are the options that ask for this kind of page.
    """
    me, page = found.me.agent, found.page
    ids = [letter.message.id for letter in page.letters]
    before = () if again else found.before
    try:
        _print_page(here, found.me, page, before, asked, looking=looking, again=again)
    except BaseException:
        if page.claim:
            here.store.write(lambda tx: letters.release(tx, me, page))
        raise
    if looking:
        return
    silent = here.quiet and not here.json
    named = [one for one in found.before if (one.id in ids if again else not silent)]
    terminal = render.on_terminal()
    reader = own_reader(here, found.me) if named or (page.claim and not terminal) else None
    settles = reader is not None and any(reader.is_other(one, here.store.clock()) for one in named)

    def mark(tx: Tx, now: Me) -> None:
        if reader and settles:
            letters.settle(tx, now.agent, named=named, reader=reader)
        if terminal:
            letters.mark_read(tx, now.agent, ids)
        elif reader and page.claim:
            letters.mark_shown(tx, now.agent, ids=ids, reader=reader)

    if page.claim or settles or (terminal and ids):
        here.write(mark)


def own_reader(here: Context, me: Me) -> Reader:
    """Return the reader that this command is; its command line identifies it."""
    from xats.cli.kit import command_line

    session = here.store.read(lambda tx: agents.current_session(tx, me.agent))
    line, processes, stays = command_line.here(session.seat.process if session else None)
    return letters.command_reader(me.agent, line, processes, stays=stays)


def _print_page(
    here: Context, me: Me, page: Page, before: Sequence[Shown], asked: list[str], *, looking: bool, again: bool
) -> None:
    left = page.unread if looking else max(0, page.unread - sum(one.state == "unread" for one in page.letters))
    if here.json:
        from xats.cli.kit import documents

        found = [documents.letter_json(letter, me.agent.address) for letter in page.letters]
        named = [{"id": one.id, "from": one.sender} for one in before]
        about = {"ids": [letter.message.id for letter in page.letters], "shown_before": named}
        render.document({**about, "messages": found, "has_more": page.has_more, "unread": left})
        return
    now = here.store.clock()
    lines = [_letter(here, me, letter, now) for letter in page.letters]
    if page.letters and not here.quiet and not render.on_terminal():
        lines.insert(0, views.contents_text(page.letters, 0 if looking or again else left, letters.PAGE, here.command))
    if before and not here.quiet:
        lines.insert(0, views.shown_text(before, me.agent.team, here.command("inbox", "--again")))
    if lines:
        render.stream(lines)  # in one write: a reader that leaves early gets all of it, or xats marks none of it
    if here.quiet:
        return
    if not page.letters:
        render.say(f"no {'new ' if before else ''}{'mail' if not left else 'matching mail'} for {me.agent.name}")
    elif page.has_more:
        last = page.letters[-1].message.id
        more = here.command("inbox", *asked, *(("--since", last) if looking or again else ()))
        render.say(f"more: {more}" if looking or again else f"{left} more: {more}")


def reply_command(here: Context) -> Callable[[int], str]:
    """Return the function that makes the command to answer the message with an id."""
    from xats.cli.kit.hints import TEXT

    return lambda number: here.command("reply", number, TEXT)
