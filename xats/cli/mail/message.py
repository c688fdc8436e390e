"""The verbs about one message: ack, show, thread, status."""

from __future__ import annotations

from xats.base.errors import Usage
from xats.cli.kit import render, views
from xats.cli.mail.inbox import own_reader, reply_command, write_letters
from xats.core.mail import inbox as letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.mail.inbox import Letter
    from xats.store import Tx


def ack(here: Context, message_id: params.MessageIdArg) -> int:
    """Acknowledge a message without a reply. It wakes nobody.

    Example: xats ack 12
    """
    message = here.write(lambda tx, me: letters.ack(tx, me.agent, message_id))
    if here.json:
        from xats.cli.kit import documents

        render.document({"message": documents.message_json(message), "acked": True})
    elif not here.quiet:
        render.put(f"#{message_id} acknowledged; {message.sender} sees it in xats status {message_id}")
    return 0


def show(here: Context, message_id: params.MessageIdArg, *, no_pager: params.NoPagerOption = False) -> int:
    """Show one message that you sent or got, and mark it read.

    Example: xats show 12
    """
    letter, me = here.read(lambda tx, me: (letters.show(tx, me.agent, message_id), me))
    paged = False
    if here.json:
        from xats.cli.kit import documents

        render.document({"message": documents.letter_json(letter, me.agent.address)})
    else:
        now, reply = here.store.clock(), reply_command(here)
        text = views.letter_text(letter, me.agent.team, now, reply, width=render.width())  # the body as it was written
        paged = write_letters(here, [text], no_pager=no_pager)
    _mark(here, me, message_id, [letter], paged=paged)
    return 0


def thread(
    here: Context,
    message_id: params.MessageIdArg,
    *,
    limit: params.LimitOption = 50,
    no_pager: params.NoPagerOption = False,
) -> int:
    """Show the conversation that a message belongs to, the newest message last, and mark it read.

    Without -n: the newest 50 messages. On a terminal an answer is indented below its message, and Markdown is rendered;
    show prints a message as it was written.

    Example: xats thread 12

    Example: xats thread 12 -n 200
    """
    if limit < 1:
        msg = "--limit must be at least 1."
        raise Usage(msg, f"xats thread {message_id} -n 10")
    (found, has_more), me = here.read(
        lambda tx, me: (letters.thread(tx, me.agent, message_id=message_id, limit=limit), me)
    )
    paged = False
    if here.json:
        from xats.cli.kit import documents

        rows = [documents.letter_json(letter, me.agent.address) for letter in found]
        render.document({"thread_id": found[0].message.thread_id, "messages": rows, "has_more": has_more})
    else:
        now, last, reply = here.store.clock(), found[-1], reply_command(here)
        if render.on_terminal():
            from xats.cli.mail import conversation

            texts = conversation.lines(found, me.agent.team, now, reply, render.width())
        else:
            texts = [views.letter_text(one, me.agent.team, now, reply, hints=one is last) for one in found]
        paged = write_letters(here, texts, no_pager=no_pager)
        if has_more and not here.quiet:
            render.say(f"older ones: {here.command('thread', message_id, '-n', limit * 2)}")
    _mark(here, me, message_id, found, paged=paged)
    return 0


def _mark(here: Context, me: Me, named: int, found: Sequence[Letter], *, paged: bool) -> None:
    """Mark the printed letters as read on a terminal. Otherwise only `named` is read, and the others are shown.

    A pager is no terminal: it may have shown only a part.
    """
    terminal = render.on_terminal() and not paged
    unread = [one.message.id for one in found if one.state == "unread"]
    read = [
        one.message.id for one in found if one.state in ("unread", "shown") and (terminal or one.message.id == named)
    ]
    rest = [one for one in unread if one not in read]
    reader = own_reader(here, me) if rest else None

    def mark(tx: Tx, now: Me) -> None:
        letters.mark_read(tx, now.agent, read)
        if reader:
            letters.mark_shown(tx, now.agent, ids=rest, reader=reader)

    if read or reader:
        here.write(mark)


def status(
    here: Context,
    message_id: params.OptionalMessageIdArg = None,
    *,
    attempts: params.AttemptsOption = False,
    wait: params.StatusWaitOption = None,
) -> int:
    """Show what became of a message that you sent: which recipients have seen or read it, and the state of each wake.

    Without ID: the last message that you sent. Problems come first. On a terminal, recipients with the same state
    share a row if there are more than five. Below the table is what keeps a recipient from answering now: its program
    has ended, or it asks its user for a permission or an answer.

    Example: xats status 12

    Example: xats status 12 --attempts

    Example: xats status 12 --wait 10m
    """
    if wait is not None:
        message_id = _await(here, message_id, wait)
    if attempts:
        from xats.cli.mail.attempts import show_attempts

        return show_attempts(here, message_id)
    from xats.core.mail.status import status as look

    message, stored = here.read(lambda tx, me: look(tx, me.agent, message_id))
    from xats.cli.mail import copies

    now, terminal = here.store.clock(), render.on_terminal()
    found, seen = copies.present(stored, now)
    if here.json:
        from xats.cli.kit import documents

        deliveries = [documents.delivery_json(*one) for one in zip(found, seen, strict=True)]
        render.document({"message": documents.message_json(message), "deliveries": deliveries})
        return 0
    from xats.cli.kit import waking

    if not here.quiet and terminal:
        read = f": {copies.read_text(found, message.sender)}" if len(found) > 1 else ""
        render.put(waking.title_text(message, now) + read)
    rows = (copies.groups if terminal else copies.rows)(found, here.team, now)
    render.table(("AGENT", "MAIL", "WAKE"), rows, stretch=("AGENT", "WAKE") if len(found) > len(rows) else ("WAKE",))
    if not here.quiet:
        copies.Obstacles(here).say([one for one in stored if one.state in copies.OPEN or one.need_reply])
    return 0


def _await(here: Context, message_id: int | None, wait: str) -> int:
    """Wait as long as `wait` says until all recipients have seen a message that I sent; return its id.

    None means the last one. Raises TimedOut, Interrupted, UnknownMessage, Refused.
    """
    import time

    from xats.base import durations
    from xats.cli.mail.await_read import await_read
    from xats.core.mail.status import status as look

    deadline = time.monotonic() + durations.parse(wait) / 1000
    number = here.read(lambda tx, me: look(tx, me.agent, message_id))[0].id
    again = f"xats status {number} --wait {wait}"
    try:
        await_read(here, number, deadline, again)
    except KeyboardInterrupt:
        from xats.cli.mail import interrupted

        raise interrupted.error(here, number, "", lambda _: again) from None
    return number
