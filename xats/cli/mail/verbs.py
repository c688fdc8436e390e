"""The verbs of mail: send, broadcast, reply, ack, inbox, show, thread, status, wait."""

from __future__ import annotations

import time

from xats.base import durations, process
from xats.base.errors import InvalidBody, TimedOut, Usage
from xats.base.record import record
from xats.cli.kit import render, views
from xats.core.agents import agents
from xats.core.mail import inbox as letters
from xats.core.mail import sending
from xats.core.teams import teams
from xats.core.waking.limits import hop_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Here, Me
    from xats.core.mail.inbox import Letter, Page, Reader, Shown
    from xats.core.mail.sending import Draft, Sent
    from xats.store import Tx

PAGE = 50  # messages that are shown at once
POLL = 0.05  # seconds between two looks at the store's generation; a look costs microseconds


def send(
    here: Here,
    address: params.AddressArg = None,
    body: params.BodyArg = None,
    *,
    subject: params.SubjectOption = None,
    need_reply: params.NeedReplyOption = None,
    kind: params.KindOption = None,
    key: params.KeyOption = None,
    ttl: params.TtlOption = None,
    reply_to: params.ReplyToOption = None,
    no_wake: params.NoWakeOption = False,
    hold: params.HoldOption = False,
    wait: params.SendWaitOption = None,
    batch: params.BatchOption = None,
    contract: params.ContractOption = None,
) -> int:
    """Send mail to an agent, a role, a tag, a capability or everybody.

    The message is on disk when the command returns. The daemon then wakes the recipients.

    xats refuses mail for an agent that has left, and for a name that no agent has. With --hold xats keeps the mail for
    that name and delivers it when an agent takes the name. With --ttl the mail may expire before that.

    A message to pool:ROLE becomes a task for one agent with that role. xats asks these agents one after another until
    one claims the task.

    With --contract the body must be JSON that satisfies the contract; else nothing is sent. @FILE then reads the body
    from a file.

    In double quotes a shell runs backticks and $(). Write a body in single quotes. Use standard input for a body with
    several lines or quotes: xats send bob - <<'EOF', the lines, EOF.

    With --key xats sends the same message once, however often the command runs. It refuses another message with that
    key (key_reused). It compares the address as written, body, subject, --kind, --need-reply, --reply-to and
    --contract.

    A body may begin with a dash if it contains a space or a new line, as a list does. Otherwise write -- before it.

    Example: xats send bob 'The parser is ready' -s Parser

    Example: xats send bob --contract order @order.json
    """
    if contract is not None and (batch is not None or (address or "").startswith("pool:")):
        msg = "--contract is for one message to agents: it does not go with --batch or pool:ROLE."
        raise Usage(msg, "xats send bob --contract order @order.json")
    if batch is not None:
        from xats.cli.mail.batch import refuse_beside, send_batch

        refuse_beside(body, subject, need_reply, kind, key, ttl, reply_to, no_wake or None, hold or None, wait)
        return send_batch(here, batch, address)
    if address is None:
        msg = "ADDRESS is missing."
        raise Usage(msg, "xats send bob 'text'; see xats send --help")
    draft = _draft(here, address, body, subject, need_reply, kind, key, ttl, reply_to, no_wake, contract, hold=hold)
    if address.startswith("pool:"):
        from xats.cli.mail.pool import send_to_pool

        return send_to_pool(here, draft, wait)
    return _deliver(here, lambda tx, me: sending.send(tx, me.agent, me.evidence, draft), wait)


def broadcast(
    here: Here,
    body: params.BodyArg = None,
    *,
    role: params.RoleOption = None,
    subject: params.SubjectOption = None,
    kind: params.KindOption = None,
    key: params.KeyOption = None,
    ttl: params.TtlOption = None,
    no_wake: params.NoWakeOption = False,
    contract: params.ContractOption = None,
) -> int:
    """Send to everybody in the team, or to everybody with a role. The message needs no reply.

    Example: xats broadcast --role reviewer 'main is frozen until noon'
    """
    from xats.core.address import parse

    address = str(parse(f"role:{role}")) if role is not None else "all"
    draft = _draft(here, address, body, subject, False, kind, key, ttl, None, no_wake, contract)
    return _deliver(here, lambda tx, me: sending.send(tx, me.agent, me.evidence, draft), None)


def reply(
    here: Here,
    message_id: params.MessageIdArg,
    body: params.BodyArg = None,
    *,
    subject: params.SubjectOption = None,
    need_reply: params.NeedReplyOption = None,
    kind: params.KindOption = None,
    key: params.KeyOption = None,
    ttl: params.TtlOption = None,
    no_wake: params.NoWakeOption = False,
    hold: params.HoldOption = False,
    contract: params.ContractOption = None,
) -> int:
    """Answer a message, in its thread.

    If the sender has left, xats refuses the answer. With --hold xats keeps it for that name and delivers it when the
    name returns.

    Example: xats reply 12 'Done, see branch parser'
    """
    draft = _draft(here, "", body, subject, need_reply, kind, key, ttl, None, no_wake, contract, hold=hold)
    return _deliver(
        here, lambda tx, me: sending.reply(tx, me.agent, me.evidence, message_id=message_id, draft=draft), None
    )


def ack(here: Here, message_id: params.MessageIdArg) -> int:
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


def inbox(
    here: Here,
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
        if not _await_change(here, generation, deadline):
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


def _fitting(here: Here, tx: Tx, me: Me, page: Page, room: int) -> Page:
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


def _letter(here: Here, me: Me, letter: Letter, now: int) -> str:
    """Return a letter as it is printed."""
    if here.json:
        from xats.cli.kit import documents

        return render.json_line(documents.letter_json(letter, me.agent.address))
    return views.letter_text(letter, me.agent.team, now, _reply(here))


def _write_out(here: Here, found: _Found, asked: list[str], *, looking: bool, again: bool) -> None:
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
    reader = _reader(here, found.me) if named or (page.claim and not terminal) else None
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


def _reader(here: Here, me: Me) -> Reader:
    """Return the reader that this command is; its command line identifies it."""
    from xats.cli.kit import command_line
    from xats.core.agents import agents

    session = here.store.read(lambda tx: agents.current_session(tx, me.agent))
    line, processes, stays = command_line.here(session.seat.process if session else None)
    return letters.command_reader(me.agent, line, processes, stays=stays)


def _print_page(
    here: Here, me: Me, page: Page, before: Sequence[Shown], asked: list[str], *, looking: bool, again: bool
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


def _reply(here: Here) -> Callable[[int], str]:
    """Return the function that makes the command to answer the message with an id."""
    from xats.cli.kit.hints import TEXT

    return lambda number: here.command("reply", number, TEXT)


def show(here: Here, message_id: params.MessageIdArg) -> int:
    """Show one message that you sent or got, and mark it read.

    Example: xats show 12
    """
    letter, me = here.read(lambda tx, me: (letters.show(tx, me.agent, message_id), me))
    if here.json:
        from xats.cli.kit import documents

        render.document({"message": documents.letter_json(letter, me.agent.address)})
    else:
        render.put(views.letter_text(letter, me.agent.team, here.store.clock(), _reply(here)))
    _mark(here, me, message_id, [letter])
    return 0


def thread(here: Here, message_id: params.MessageIdArg, *, limit: params.LimitOption = 50) -> int:
    """Show the whole conversation that a message belongs to, and mark it read.

    Example: xats thread 12
    """
    if limit < 1:
        msg = "--limit must be at least 1."
        raise Usage(msg, f"xats thread {message_id} -n 10")
    (found, has_more), me = here.read(
        lambda tx, me: (letters.thread(tx, me.agent, message_id=message_id, limit=limit), me)
    )
    if here.json:
        from xats.cli.kit import documents

        rows = [documents.letter_json(letter, me.agent.address) for letter in found]
        render.document({"thread_id": found[0].message.thread_id, "messages": rows, "has_more": has_more})
    else:
        now, last, reply = here.store.clock(), found[-1], _reply(here)
        render.stream([views.letter_text(one, me.agent.team, now, reply, hints=one is last) for one in found])
        if has_more and not here.quiet:
            render.say(f"more: {here.command('thread', message_id, '-n', limit * 2)}")
    _mark(here, me, message_id, found)
    return 0


def _mark(here: Here, me: Me, named: int, found: Sequence[Letter]) -> None:
    """Mark the printed letters as read on a terminal. Otherwise only `named` is read, and the others are shown."""
    terminal = render.on_terminal()
    unread = [one.message.id for one in found if one.state == "unread"]
    read = [
        one.message.id for one in found if one.state in ("unread", "shown") and (terminal or one.message.id == named)
    ]
    rest = [one for one in unread if one not in read]
    reader = _reader(here, me) if rest else None

    def mark(tx: Tx, now: Me) -> None:
        letters.mark_read(tx, now.agent, read)
        if reader:
            letters.mark_shown(tx, now.agent, ids=rest, reader=reader)

    if read or reader:
        here.write(mark)


def status(here: Here, message_id: params.OptionalMessageIdArg = None) -> int:
    """Show what became of a message that you sent: which recipients have seen or read it, and the state of each wake.

    Without ID: the last message that you sent.

    Example: xats status 12
    """
    from xats.core.mail.status import status as look

    message, found = here.read(lambda tx, me: look(tx, me.agent, message_id))
    if here.json:
        from xats.cli.kit import documents

        deliveries = [documents.delivery_json(one) for one in found]
        render.document({"message": documents.message_json(message), "deliveries": deliveries})
        return 0
    from xats.cli.kit import waking

    now = here.store.clock()
    if not here.quiet and render.on_terminal():
        title = f" {render.one_line(message.subject)!r}" if message.subject else ""
        render.put(f"#{message.id}{title} to {render.one_line(message.address)}, {durations.ago(message.sent_at, now)}")
    rows = []
    for one in found:
        when = one.replied_at or one.acked_at or one.read_at or one.shown_at
        state: str = "acked" if one.acked_at and one.state == "read" else one.state
        state += ", not answered," if state == "read" and one.need_reply else ""
        said = f"{state} {durations.ago(when, now)}" if when else state
        rows.append((views.near(one.agent, here.team), said, waking.wake_text(one, now)))
    render.table(("AGENT", "MAIL", "WAKE"), rows, stretch=("WAKE",))
    return 0


def wait(here: Here, *, timeout: params.TimeoutOption = None) -> int:
    """Wait for unread mail: exit 0 when there is some, 124 after the timeout.

    Example: xats wait --timeout 5m && xats inbox
    """
    deadline = time.monotonic() + durations.parse(timeout) / 1000 if timeout is not None else None
    while True:
        generation = here.store.generation()
        unread = here.read(lambda tx, me: letters.unread(tx, me.agent))
        if unread:
            break
        if not _await_change(here, generation, deadline):
            msg = "No mail came in that time."
            raise TimedOut(msg)
    if here.json:
        render.document({"unread": unread})
    elif not here.quiet:
        render.put(f"{unread} unread: {here.command('inbox')}")
    return 0


# -- shared ------------------------------------------------------------------------------------------------------------


def _draft(
    here: Here,
    address: str,
    body: str | None,
    subject: str | None,
    need_reply: bool | None,
    kind: str | None,
    key: str | None,
    ttl: str | None,
    reply_to: int | None,
    no_wake: bool,
    contract: str | None,
    *,
    hold: bool = False,
) -> Draft:
    from xats.core.address import check_name

    if kind is not None:
        check_name(kind, "kind")
    life = durations.parse(ttl) if ttl is not None else None
    hops = hop_limit(here.settings)
    text = read_body(body) if contract is None else read_document(body)
    draft = sending.Draft(
        address=address,
        body=text,
        subject=subject,
        kind=kind,
        need_reply=need_reply,
        dedupe_key=key,
        ttl=life,
        reply_to=reply_to,
        wake=not no_wake,
        hops=hops,
        hold=hold,
    )
    if contract is None:
        return draft
    from xats.cli.contracts.body import satisfying

    return satisfying(here, contract, draft)


def read_body(body: str | None) -> str:
    """Return `body`, or the text of stdin if it is `-`.

    Raises InvalidBody if that is missing, too large or not UTF-8.
    """
    if body is not None and body != "-":
        return body
    from xats.cli.kit import reading

    return reading.given(_said(body), "body", InvalidBody, "Nothing was sent.")


def read_document(body: str | None) -> str:
    """Return `body`, the text of stdin if it is `-`, or the text of a file if it is `@FILE`. Raises InvalidBody."""
    from xats.cli.kit import reading

    return reading.given_or_file(_said(body), "body", InvalidBody, "Nothing was sent.")


def _said(body: str | None) -> str:
    if body is None:
        msg = "The body is missing. Nothing was sent."
        raise InvalidBody(msg, "give it in single quotes, or - to read it from standard input")
    return body


def _deliver(here: Here, work: Callable[[Tx, Me], Sent], wait: str | None) -> int:
    """Run `work`, wake the daemon, print the result and, with `wait`, wait until all recipients have seen it."""
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None

    def both(tx: Tx, me: Me) -> tuple[Sent, Me, tuple[str, ...], bool]:
        team = me.agent.team
        said = not (here.json or here.quiet)
        return work(tx, me), me, teams.notices(tx, team), said and bool(teams.renamed_by_merge(tx, team))

    sent, me, pending, merged = here.write(both)

    here.rouse_daemon()
    if here.json:
        from xats.cli.kit import documents

        render.document(documents.sent_json(sent))
    elif here.quiet:
        render.put(str(sent.message.id))
    else:
        render.put(views.sent_text(sent, me.agent.team))
        if sent.not_woken or sent.delayed or sent.renamed or sent.dead:
            _tell_not_woken(here, sent, me.agent.team)
        if merged and sent.created and sent.message.reply_to is None:
            _tell_namesakes(here, sent, me)
        if pending:
            from xats.cli.teams import membership

            membership.tell(here, me.agent.team, pending)
    if deadline is not None:
        _await_read(here, sent, deadline)
    return 0


def _tell_namesakes(here: Here, sent: Sent, me: Me) -> None:
    """Say on stderr which agent a name meant before a merge of teams, if it reaches another one for the first time."""
    from xats.core.mail import namesakes

    for name, former, today in here.store.read(lambda tx: namesakes.reached(tx, me.agent, sent)):
        render.say(f"  {name} is {name}@{me.agent.team}; {former} is called {today} now")


def _tell_not_woken(here: Here, sent: Sent, team: str) -> None:
    from xats.core.waking import pauses

    render.say(here.complete(views.not_woken_text(sent, team)))
    held = [agent for agent, reason in sent.not_woken if reason == "paused"]
    if held:
        from xats.cli.kit import waking

        theirs = {agent.partition("@")[2] for agent in held}
        for pause in here.store.read(lambda tx: pauses.listing(tx, None)):
            if pause.agent in held or (pause.agent is None and pause.team in theirs):
                render.say(f"  {waking.pause_text(pause, team)}")


def _await_read(here: Here, sent: Sent, deadline: float) -> None:
    from xats.core.mail.status import status as look

    said: set[str] = set()
    while True:
        generation = here.store.generation()
        found = here.read(lambda tx, me: look(tx, me.agent, sent.message.id))[1]
        unread = [one.agent for one in found if one.state == "unread"]
        if not unread:
            break
        _say_gone(here, [address for address in unread if address not in said], said)
        if not _await_change(here, generation, deadline):
            msg = f"#{sent.message.id} is sent, but not read yet by {', '.join(unread[:5])}."
            raise TimedOut(msg, f"xats status {sent.message.id}", id=sent.message.id)
    expired = [one.agent for one in found if one.state == "expired"]
    if expired:
        msg = f"#{sent.message.id} has expired, unread by {', '.join(expired[:5])}."
        raise TimedOut(msg, f"xats status {sent.message.id}", id=sent.message.id)


def _say_gone(here: Here, addresses: Sequence[str], said: set[str]) -> None:
    """Say on stderr which agents of `addresses` are gone, and add their addresses to `said`."""
    from xats.cli.agents import states

    def look(tx: Tx) -> list[tuple[str, str]]:
        parts = [address.partition("@") for address in addresses]
        found = [agents.find(tx, team, name) for name, _, team in parts]
        return [(one.address, why) for one in found if one and (why := states.why_gone(tx, one))]

    for address, why in here.store.read(look) if addresses else ():
        render.say(f"{views.near(address, here.team)} is gone ({why}); still waiting")
        said.add(address)


def _await_change(here: Here, generation: int, deadline: float | None) -> bool:
    """Wait until the store has changed, or for one second. Return False after the deadline."""
    until = time.monotonic() + 1
    while here.store.generation() == generation and time.monotonic() < until:
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return False
        time.sleep(POLL if deadline is None else min(POLL, max(0.0, deadline - now)))
    here.reopen_if_replaced()
    return deadline is None or time.monotonic() < deadline
