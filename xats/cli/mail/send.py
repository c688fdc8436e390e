"""The verbs that send mail: send, broadcast, reply."""

from __future__ import annotations

import time

from xats.base import durations
from xats.base.errors import InvalidBody, Usage
from xats.base.record import replace
from xats.cli.kit import render, views
from xats.core.mail import sending
from xats.core.teams import teams
from xats.core.waking.limits import hop_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.cli.mail.editor import Written
    from xats.core.mail.recipients import Program
    from xats.core.mail.sending import Draft, Sent
    from xats.store import Tx


LOOKED_AT = 5  # recipients of one message whose processes a verb looks at


def send(
    here: Context,
    address: params.AddressArg = None,
    body: params.BodyArg = None,
    *,
    file: params.FileOption = None,
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

    Without a body a person at a terminal writes it in the editor that VISUAL or EDITOR names. An empty text cancels
    with exit 1. If the text cannot be sent, xats says in which file it is.

    @FILE and --file FILE send what a file holds. An @word that names no file is a text, and a remark says that. @@word
    is always the text @word. Use standard input for a text that you have not written yourself.

    With --contract the body must be JSON that satisfies the contract; else nothing is sent.

    In double quotes a shell runs backticks and $(). Write a body in single quotes. Use standard input for a body with
    several lines or quotes: xats send bob - <<'EOF', the lines, EOF.

    With --key xats sends the same message once, however often the command runs. It refuses another message with that
    key (key_reused). It compares the address as written, body, subject, --kind, --need-reply, --reply-to and
    --contract.

    A body may begin with a dash if it contains a space or a new line, as a list does. Otherwise write -- before it.

    Example: xats send bob 'The parser is ready' -s Parser

    Example: xats send bob --file report.md -s Report

    Example: xats send bob --contract order @order.json
    """
    if contract is not None and (batch is not None or (address or "").startswith("pool:")):
        msg = "--contract is for one message to agents: it does not go with --batch or pool:ROLE."
        raise Usage(msg, "xats send bob --contract order @order.json")
    if batch is not None:
        from xats.cli.mail.batch import refuse_beside, send_batch

        refuse_beside(body, file, subject, need_reply, kind, key, ttl, reply_to, no_wake or None, hold or None, wait)
        return send_batch(here, batch, address)
    if address is None:
        msg = "ADDRESS is missing."
        raise Usage(msg, "xats send bob 'text'; see xats send --help")
    options = _options(here, address, subject, need_reply, kind, key, ttl, reply_to, no_wake, hold)
    with body_of(here, body, file, contract, f"to {address}", options) as given:
        draft = _draft(here, options, given.text, contract)
        if address.startswith("pool:"):
            from xats.cli.mail.pool import send_to_pool

            return send_to_pool(here, draft, wait, given.sent)
        return _deliver(here, lambda tx, me: sending.send(tx, me.agent, me.evidence, draft), given, wait)


def broadcast(
    here: Context,
    body: params.BodyArg = None,
    *,
    file: params.FileOption = None,
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
    options = _options(here, address, subject, False, kind, key, ttl, None, no_wake, False)
    with body_of(here, body, file, contract, f"to {address}", options) as given:
        draft = _draft(here, options, given.text, contract)
        return _deliver(here, lambda tx, me: sending.send(tx, me.agent, me.evidence, draft), given)


def reply(
    here: Context,
    message_id: params.MessageIdArg,
    body: params.BodyArg = None,
    *,
    file: params.FileOption = None,
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
    options = _options(here, "", subject, need_reply, kind, key, ttl, None, no_wake, hold)
    with body_of(here, body, file, contract, f"as the answer to #{message_id}", options, message_id) as given:
        draft = _draft(here, options, given.text, contract)
        return _deliver(
            here, lambda tx, me: sending.reply(tx, me.agent, me.evidence, message_id=message_id, draft=draft), given
        )


def _options(
    here: Context,
    address: str,
    subject: str | None,
    need_reply: bool | None,
    kind: str | None,
    key: str | None,
    ttl: str | None,
    reply_to: int | None,
    no_wake: bool,
    hold: bool,
) -> Draft:
    """Return the draft that the options make, with an empty body."""
    from xats.core.address import check_name

    if kind is not None:
        check_name(kind, "kind")
    return sending.Draft(
        address=address,
        body="",
        subject=subject,
        kind=kind,
        need_reply=need_reply,
        dedupe_key=key,
        ttl=durations.parse(ttl) if ttl is not None else None,
        reply_to=reply_to,
        wake=not no_wake,
        hops=hop_limit(here.settings),
        hold=hold,
    )


def _draft(here: Context, options: Draft, text: str, contract: str | None) -> Draft:
    """Return the draft `options` with the body `text`, which satisfies the contract."""
    draft = replace(options, body=text)
    if contract is None:
        return draft
    from xats.cli.contracts.body import satisfying

    return satisfying(here, contract, draft)


class _Given:
    """A body that the command line, a file or standard input gives."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Do nothing: the text is where it came from."""

    def sent(self) -> None:
        """Do nothing."""


def body_of(
    here: Context,
    said: str | None,
    file: str | None,
    contract: str | None,
    whom: str,
    options: Draft,
    answers: int | None = None,
    *,
    what: str = "body",
) -> _Given | Written:
    """Return the body that the command line gives, or that a person writes now, for the draft `options`.

    `whom` says in words what becomes of it, `answers` is the message that it answers, and errors call it `what`.
    Raises InvalidBody if there is none, if it is too large or not UTF-8, and what sending would raise before an editor
    opens.
    """
    if file is None and said is None:
        from xats.cli.mail import editor

        return editor.written(here, whom, options, answers, what)
    if file is None and said is not None and said != "-" and said[:1] != "@":
        return _Given(said)
    from xats.cli.kit import reading

    read = reading.text if contract is None else reading.document
    text = read(here, said, file, what, InvalidBody, "Nothing was sent.")
    assert text is not None
    return _Given(text)


def _deliver(here: Context, work: Callable[[Tx, Me], Sent], given: _Given | Written, wait: str | None = None) -> int:
    """Run `work`, which sends the body `given`, wake the daemon and print the result.

    With `wait`, wait until all recipients have seen it.
    """
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None
    stored: list[Sent] = []

    def again(number: int) -> str:
        return f"xats status {number}{f' --wait {wait}' if wait is not None else ''}"

    try:
        sent = accept(here, work, render.put, stored, given)
        if here.json:
            from xats.cli.kit import documents

            render.document(documents.sent_json(sent, not_running(sent)))
        elif here.quiet:
            render.put(str(sent.message.id))
        if deadline is not None:
            from xats.cli.mail.await_read import await_read

            known = () if here.quiet else [agent for agent, _ in not_running(sent)]
            await_read(here, sent.message.id, deadline, again(sent.message.id), known)
    except KeyboardInterrupt:
        from xats.cli.mail import interrupted

        raise interrupted.error(here, stored, "", again) from None
    return 0


def accept(
    here: Context,
    work: Callable[[Tx, Me], Sent],
    put: Callable[[str], None],
    stored: list[Sent],
    given: _Given | Written | None = None,
) -> Sent:
    """Run `work`, which sends the body `given`, wake the daemon, and return the result.

    For people, `put` writes it, and stderr gets remarks. The result is in `stored` before it is committed, for a caller
    that is interrupted.
    """

    def both(tx: Tx, me: Me) -> tuple[Me, tuple[str, ...], bool]:
        team = me.agent.team
        said = not (here.json or here.quiet)
        stored[:] = [work(tx, me)]
        return me, teams.notices(tx, team), said and bool(teams.renamed_by_merge(tx, team))

    me, pending, merged = here.write(both)
    sent = stored[0]
    if given:
        given.sent()
    here.rouse_daemon()
    if here.json or here.quiet:
        return sent
    put(views.sent_text(sent, me.agent.team))
    if sent.not_woken or sent.delayed or sent.renamed or sent.dead:
        _tell_not_woken(here, sent, me.agent.team)
    if gone := not_running(sent):
        _tell_not_running(gone, me.agent.team, here.store.clock())
    if merged and sent.created and sent.message.reply_to is None:
        _tell_namesakes(here, sent, me)
    if pending:
        from xats.cli.teams import membership

        membership.tell(here, me.agent.team, pending)
    return sent


def not_running(sent: Sent) -> list[tuple[str, Program]]:
    """Return the recipients of `sent` whose program has surely ended, each with what the store knows of it.

    It looks at the processes of this host. Of a group with many agents, the daemon has looked at them.
    """
    from xats.base import host, process

    def ended(one: Program) -> bool:
        if one.gone_at is not None or one.process is None or len(sent.programs) > LOOKED_AT:
            return one.gone_at is not None
        return one.host == host.id() and process.ended(*one.process)

    return [(agent, one) for agent, one in sent.programs if ended(one)]


def _tell_not_running(gone: Sequence[tuple[str, Program]], team: str, now: int) -> None:
    """Say on stderr which recipients are not running, and since when (`now` is in ms UTC)."""
    from xats.base.durations import ago

    def since(one: Program) -> str:
        if one.gone_at is not None:
            return f"its program ended {ago(one.gone_at, now)}"
        return f"its program has ended, and it was last seen {ago(one.seen_at, now)}"

    if len(gone) == 1:
        agent, one = gone[0]
        render.note(f"{views.near(agent, team)} is not running: {since(one)}; the message is stored")
        return
    names = ", ".join(views.near(agent, team) for agent, _ in gone[:LOOKED_AT])
    more = f" and {len(gone) - LOOKED_AT} more" if len(gone) > LOOKED_AT else ""
    last = max(one.gone_at or one.seen_at for _, one in gone)
    render.note(f"{names}{more} are not running; the last of them was seen {ago(last, now)}; the message is stored")


def _tell_namesakes(here: Context, sent: Sent, me: Me) -> None:
    """Say on stderr which agent a name meant before a merge of teams, if it reaches another one for the first time."""
    from xats.core.mail import namesakes

    for name, former, today in here.store.read(lambda tx: namesakes.reached(tx, me.agent, sent)):
        render.say(f"  {name} is {name}@{me.agent.team}; {former} is called {today} now")


def _tell_not_woken(here: Context, sent: Sent, team: str) -> None:
    from xats.core.waking import pauses

    render.say(here.complete(views.not_woken_text(sent, team)))
    held = [agent for agent, reason in sent.not_woken if reason == "paused"]
    if held:
        from xats.cli.kit import waking

        theirs = {agent.partition("@")[2] for agent in held}
        for pause in here.store.read(lambda tx: pauses.listing(tx, None)):
            if pause.agent in held or (pause.agent is None and pause.team in theirs):
                render.say(f"  {waking.pause_text(pause, team)}")
