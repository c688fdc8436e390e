"""The verbs that send mail: send, broadcast, reply."""

from __future__ import annotations

import time

from xats.base import durations
from xats.base.errors import InvalidBody, Usage
from xats.cli.kit import render, views
from xats.core.mail import sending
from xats.core.teams import teams
from xats.core.waking.limits import hop_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.mail.sending import Draft, Sent
    from xats.store import Tx


def send(
    here: Context,
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
    here: Context,
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
    here: Context,
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


def _draft(
    here: Context,
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


def _deliver(here: Context, work: Callable[[Tx, Me], Sent], wait: str | None) -> int:
    """Run `work`, wake the daemon, print the result and, with `wait`, wait until all recipients have seen it."""
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None
    sent = accept(here, work, render.put)
    if here.json:
        from xats.cli.kit import documents

        render.document(documents.sent_json(sent))
    elif here.quiet:
        render.put(str(sent.message.id))
    if deadline is not None:
        from xats.cli.mail.await_read import await_read

        await_read(here, sent, deadline)
    return 0


def accept(here: Context, work: Callable[[Tx, Me], Sent], put: Callable[[str], None]) -> Sent:
    """Run `work`, wake the daemon, and return the result. For people, `put` writes it, and stderr gets remarks."""

    def both(tx: Tx, me: Me) -> tuple[Sent, Me, tuple[str, ...], bool]:
        team = me.agent.team
        said = not (here.json or here.quiet)
        return work(tx, me), me, teams.notices(tx, team), said and bool(teams.renamed_by_merge(tx, team))

    sent, me, pending, merged = here.write(both)

    here.rouse_daemon()
    if here.json or here.quiet:
        return sent
    put(views.sent_text(sent, me.agent.team))
    if sent.not_woken or sent.delayed or sent.renamed or sent.dead:
        _tell_not_woken(here, sent, me.agent.team)
    if merged and sent.created and sent.message.reply_to is None:
        _tell_namesakes(here, sent, me)
    if pending:
        from xats.cli.teams import membership

        membership.tell(here, me.agent.team, pending)
    return sent


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
