"""The verb that shows unread mail: inbox."""

from __future__ import annotations

import time

from xats.base import durations, process
from xats.base.errors import TimedOut, Usage
from xats.base.record import record, replace
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
LISTED = 5  # more messages than these are a list on a person's terminal


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
    last: params.LastOption = None,
    reverse: params.ReverseOption = False,
    full: params.FullOption = False,
    no_pager: params.NoPagerOption = False,
    wait: params.WaitOption = None,
) -> int:
    """Show unread mail, oldest first.

    Mail that inbox prints on a terminal becomes read. Mail in a pipe or a file is only shown. Shown mail becomes read
    when you answer it, when your next turn begins, or when a later inbox has named it. In a pipe, inbox prints only as
    much at once as agent programs can show.

    For a person on a terminal, more than five messages become a list: one line for each message, the newest last. The
    list does not mark mail as read; --full prints the messages. Output that is longer than the screen opens in a pager
    (PAGER, else less; q leaves it). Mail in a pager is shown, as in any pipe.

    Example: xats inbox

    Example: xats inbox --peek -n 5

    Example: xats inbox --last 10 --full
    """
    here.prints_mail = True
    _check_count(limit, last)
    if again + every + owed > 1:
        msg = "--again, --all and --owed list different mail: use one of them."
        raise Usage(msg, "xats inbox --owed" if owed else "xats inbox --again")
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None
    looking = peek or every or owed
    terminal = render.on_terminal()
    many_are_listed = terminal and not (full or again or here.json)
    room = 0 if terminal else letters.page_size(here.settings)

    def query(tx: Tx, me: Me, *, newest: bool = last is not None or reverse) -> letters.Query:
        return letters.Query(
            limit=last or limit,
            since=since,
            sender=None if sender is None else here.named(tx, sender, me.agent.team),
            thread=thread,
            every=every,
            again=again,
            owed=owed,
            newest=newest,
        )

    def look(tx: Tx, me: Me) -> Found:
        page = letters.peek(tx, me.agent, query(tx, me))
        listed = many_are_listed and len(page.letters) > LISTED and here.person() is not None
        if listed and limit == PAGE and not since:
            page = letters.peek(tx, me.agent, query(tx, me, newest=True))
        page = _reversed(page) if reverse else page
        if again and room:
            page = _fitting(here, tx, me, page, room)
        return Found(me, page, letters.shown(tx, me.agent, letters.MOST_SHOWN), listed)

    def claim(tx: Tx, me: Me) -> Found:
        page = letters.claim(tx, me.agent, query=query(tx, me), token=process.mark(), abandoned=process.gone)
        page = _reversed(page) if reverse else page
        if room:
            page = _fitting(here, tx, me, page, room)
        return Found(me, page, letters.shown(tx, me.agent, letters.MOST_SHOWN))

    while True:
        generation = here.store.generation() if deadline is not None else 0  # a database needs a connection for it
        found = here.read(look)
        if found.page.letters and not (looking or again or found.listed):
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
    for option, value in (("--from", sender), ("--thread", thread)):
        asked += [option, str(value)] if value is not None else []
    if found.listed:
        from xats.cli.mail.inbox_list import print_list

        asked += ["--reverse"] if reverse else []
        size = ["--last", str(last)] if last else ["-n", str(limit)] if limit != PAGE else []
        print_list(here, found, asked, size, states=every, no_pager=no_pager)
        return 0
    older = [*(["--reverse"] if reverse else []), "--last", str(2 * (last or limit))] if last or reverse else []
    asked += ["-n", str(limit)] if limit != PAGE and not older else []
    asked += ["--full"] if full else []
    _write_out(here, found, _Wish(asked, older, looking, again, no_pager))
    return 0


def _check_count(limit: int, last: int | None) -> None:
    """Raise Usage for numbers of messages that `inbox` cannot print."""
    if limit < 1:
        msg = "--limit must be at least 1."
        raise Usage(msg, "xats inbox -n 10")
    if last is not None and last < 1:
        msg = "--last must be at least 1."
        raise Usage(msg, "xats inbox --last 10")
    if last is not None and limit != PAGE:
        msg = "--last and --limit both set the number of messages: use one of them."
        raise Usage(msg, f"xats inbox --last {last}")


@record
class Found:
    """The result of one look into an inbox: its owner, a page, and what was shown before."""

    me: Me
    page: Page
    before: Sequence[Shown]
    listed: bool = False  #: whether to print a list of the page


def _reversed(page: Page) -> Page:
    """Return `page` with its letters in the opposite order."""
    return replace(page, letters=page.letters[::-1])


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
    columns = render.width()
    return views.letter_text(letter, me.agent.team, now, reply_command(here), width=columns, room=columns)


@record
class _Wish:
    """What kind of page a command asks for, and how to print it."""

    asked: list[str]  #: the options that ask for this kind of page
    older: list[str]  #: the options that ask for older letters too; none if the page has the oldest ones
    looking: bool  #: whether nothing is marked
    again: bool
    no_pager: bool


def _write_out(here: Context, found: Found, wish: _Wish) -> None:
    """Print a page and, unless the command only looks, mark it. If it cannot be printed, it stays unread."""
    me, page = found.me.agent, found.page
    ids = [letter.message.id for letter in page.letters]
    before = () if wish.again else found.before
    try:
        paged = _print_page(here, found.me, page, before, wish)
    except BaseException:
        if page.claim:
            here.store.write(lambda tx: letters.release(tx, me, page))
        raise
    if wish.looking:
        return
    silent = here.quiet and not here.json
    named = [one for one in found.before if (one.id in ids if wish.again else not silent)]
    terminal = render.on_terminal() and not paged
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


def _print_page(here: Context, me: Me, page: Page, before: Sequence[Shown], wish: _Wish) -> bool:
    """Print a page; return whether a pager showed it."""
    marks = not (wish.looking or wish.again)
    left = page.unread if wish.looking else max(0, page.unread - sum(one.state == "unread" for one in page.letters))
    if here.json:
        from xats.cli.kit import documents

        found = [documents.letter_json(letter, me.agent.address) for letter in page.letters]
        named = [{"id": one.id, "from": one.sender} for one in before]
        about = {"ids": [letter.message.id for letter in page.letters], "shown_before": named}
        render.document({**about, "messages": found, "has_more": page.has_more, "unread": left})
        return False
    now = here.store.clock()
    lines = [_letter(here, me, letter, now) for letter in page.letters]
    if page.letters and not here.quiet and not render.on_terminal():
        lines.insert(0, views.contents_text(page.letters, left if marks else 0, letters.PAGE, here.command))
    if before and not here.quiet:
        lines.insert(0, views.shown_text(before, me.agent.team, here.command("inbox", "--again"), render.width()))
    paged = write_letters(here, lines, no_pager=wish.no_pager)
    if here.quiet:
        return paged
    if paged and not wish.looking:
        from xats.cli.kit import fit

        render.note(f"shown in the pager; print again: {fit.whole(here.command('inbox', '--again'))}")
    if not page.letters:
        render.say(f"no {'new ' if before else ''}{'mail' if not left else 'matching mail'} for {me.agent.name}")
    elif page.has_more:
        further = [] if marks else wish.older or ["--since", str(page.letters[-1].message.id)]
        more = here.command("inbox", *wish.asked, *further)
        render.say(f"{left} more: {more}" if marks else f"{'older ones' if wish.older else 'more'}: {more}")
    return paged


def write_letters(here: Context, texts: Sequence[str], *, no_pager: bool) -> bool:
    """Print letters; return whether a pager showed them. Raises XatsError or OSError if they cannot be printed."""
    if texts and render.on_terminal():
        from xats.cli.kit import pager

        return pager.write(here, texts, no_pager=no_pager)
    if texts:
        render.stream(texts)  # in one write: a reader that leaves early gets all of it, or xats marks none of it
    return False


def reply_command(here: Context) -> Callable[[int], str]:
    """Return the function that makes the command to answer the message with an id."""
    from xats.cli.kit.hints import TEXT

    return lambda number: here.command("reply", number, TEXT)
