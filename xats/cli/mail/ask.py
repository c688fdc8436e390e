"""The verb that sends a question and waits for its reply: ask."""

from __future__ import annotations

import time

from xats.base import durations
from xats.base.errors import Refused, TimedOut, Usage
from xats.base.record import replace
from xats.cli.kit import render, views
from xats.cli.mail.send import accept, body_of, not_running
from xats.core.mail import inbox as letters
from xats.core.mail import replies, sending
from xats.core.waking.limits import hop_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.contracts.contracts import Version
    from xats.core.mail.inbox import Letter
    from xats.core.mail.messages import Message
    from xats.core.mail.replies import Asked
    from xats.core.mail.sending import Sent
    from xats.store import Tx

PATIENCE = "5m"
SHOWN = 5  # reasons for which a reply does not satisfy a contract
ENDED = {
    "acked": "acknowledged it",
    "replied": "replied, but not to you",
    "expired": "did not read it before it expired",
}


class NoReply(Refused):
    """No recipient will reply."""

    code = "no_reply"


def ask(
    here: Context,
    address: params.AddressArg = None,
    body: params.QuestionArg = None,
    *,
    file: params.FileOption = None,
    subject: params.SubjectOption = None,
    key: params.KeyOption = None,
    contract: params.AskContractOption = None,
    timeout: params.AskTimeoutOption = PATIENCE,
    resume: params.ResumeOption = None,
) -> int:
    """Send a question, wait for the reply, and print it.

    Standard output gets only the text of the reply, and then the reply is read. With several recipients, the first
    reply ends the wait; later ones come to the inbox. Without a question a person at a terminal writes it in an editor,
    as for send.

    After --timeout the exit code is 124. Then, and after Ctrl-C, the question stays sent, and its reply comes to the
    inbox. --resume ID goes on waiting, or prints a reply that is there already. ask ends with exit 4 if every
    recipient has acknowledged the question or let it expire.

    With --contract xats adds to the question which contract of your team the reply must satisfy. A reply that does not
    satisfy it stays in the inbox, and the exit code is 4.

    Example: xats ask bob 'Which port does the parser use?'

    Example: xats ask --resume 12 --timeout 1h

    Example: xats ask role:reviewer 'Review branch parser' --contract review
    """
    patience = durations.parse(timeout)
    version = _version(here, contract) if contract is not None else None
    said = f" --contract {contract}" if contract is not None else ""
    said += f" --timeout {timeout}" if timeout != PATIENCE else ""
    stored: list[Sent] = []

    def again(number: int) -> str:
        return f"xats ask --resume {number}{said}"

    try:
        if resume is None:
            question = _send(here, address, body, file, subject, key, version, stored)
        else:
            if any(one is not None for one in (address, body, file, subject, key)):
                msg = "With --resume nothing is sent, so only --timeout and --contract go with it."
                raise Usage(msg, again(resume))
            question = here.read(lambda tx, me: replies.look(tx, me.agent, resume)).message
        if not (here.json or here.quiet):
            render.say(f"  waiting up to {durations.rough(patience)} for the reply to #{question.id}")
        deadline = time.monotonic() + patience / 1000  # a person may have written the question in an editor until now
        known = [agent for agent, _ in not_running(stored[0])] if stored and not here.quiet else []
        found, me = _reply(here, question.id, deadline, again(question.id), known)
    except KeyboardInterrupt:
        from xats.cli.mail import interrupted

        then = ", and its reply will come to your inbox"
        raise interrupted.error(here, resume if resume is not None else stored, then, again) from None
    if version:
        _check(found, version)
    _print(here, me, question, found)
    if found.state in ("unread", "shown"):
        here.write(lambda tx, now: letters.mark_read(tx, now.agent, [found.message.id]))
    return 0


def _version(here: Context, contract: str) -> Version:
    """Return the version of a contract of my team that a reply must satisfy; it can still be used."""
    from xats.core.contracts import contracts

    return here.read(lambda tx, me: contracts.usable(tx, me.agent.team, contract))


def _send(
    here: Context,
    address: str | None,
    body: str | None,
    file: str | None,
    subject: str | None,
    key: str | None,
    version: Version | None,
    stored: list[Sent],
) -> Message:
    """Send the question and return it; the result of sending is in `stored` before it is committed."""
    if address is None:
        msg = "ADDRESS is missing."
        raise Usage(msg, "xats ask bob 'text'; see xats ask --help")
    if address.startswith("pool:"):
        msg = "A message to a pool becomes a task, so ask does not apply. Nothing was sent."
        raise Usage(msg, f"xats send {address} 'text'")
    options = sending.Draft(
        address, "", subject=subject, need_reply=True, dedupe_key=key, hops=hop_limit(here.settings)
    )
    with body_of(here, body, file, None, f"to {address}, and wait for the reply", options, what="question") as given:
        text = given.text
        if version and text.strip():
            text = f"{text.rstrip()}\n\n{_demand(version)}"
        draft = replace(options, body=text)

        def work(tx: Tx, me: Me) -> Sent:
            return sending.send(tx, me.agent, me.evidence, draft)

        return accept(here, work, render.say, stored, given).message


def _demand(version: Version) -> str:
    """Return the paragraph of a question that says what its reply must satisfy."""
    team, name = version.contract.team, version.name
    return (
        f"The reply must be JSON that satisfies the contract {name} of team {team}: xats contract get {name} --team"
        f" {team}\nIn team {team}, reply with --contract {name}, and xats checks the JSON before it sends it."
    )


def _reply(here: Context, question: int, deadline: float, again: str, known: Sequence[str]) -> tuple[Letter, Me]:
    """Wait for the first reply to the message `question`; return it, and who I am.

    Raises NoReply, or TimedOut after `deadline` (s, monotonic clock). `again` is the command that goes on waiting.
    `known` are the recipients of which xats has said that they are not running.
    """
    from xats.cli.kit.waiting import await_change
    from xats.cli.mail.copies import Obstacles

    def look(tx: Tx, me: Me) -> tuple[Asked, Me]:
        return replies.look(tx, me.agent, question), me

    obstacles = Obstacles(here, known)
    while True:
        generation = here.store.generation()
        asked, me = here.read(look)
        if asked.reply:
            return asked.reply, me
        near = [views.near(one.agent, me.agent.team) for one in asked.owing]
        if not near:
            why = "; ".join(f"{views.near(agent, me.agent.team)} {ENDED[how]}" for agent, how in asked.ended[:5])
            msg = f"#{question} will get no reply: {why or 'it has no recipient'}."
            raise NoReply(msg, f"xats status {question}", id=question)
        obstacles.say(asked.owing, "; still waiting")
        if not await_change(here, generation, deadline):
            whom = ", ".join(near[:5]) + (f" and {len(near) - 5} more" if len(near) > 5 else "")
            msg = f"No reply to #{question} came from {whom} in that time."
            raise TimedOut(msg, again, id=question, agents=obstacles.of(asked.owing))


def _check(found: Letter, version: Version) -> None:
    """Raise ContractViolated unless the reply is JSON that satisfies `version`."""
    from xats.cli.contracts.text import parsed, problems
    from xats.core.contracts.errors import ContractViolated

    number, left = found.message.id, "It is in your inbox."
    hint = f"xats show {number}"
    about = {"id": number, "contract": {"name": version.contract.name, "version": version.number}}
    try:
        value = parsed(found.message.body, f"the reply #{number}", left)
    except Usage as problem:
        raise ContractViolated(str(problem), hint, **about, errors=[]) from problem
    wrong = problems(version, value, SHOWN, left)
    if wrong:
        first = f"{wrong[0].pointer or 'the body'}: {wrong[0].message}"
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        msg = f"The reply #{number} does not satisfy {version.name}: {first}{more}. {left}"
        errors = [{"pointer": one.pointer, "message": one.message} for one in wrong]
        raise ContractViolated(msg, hint, **about, errors=errors)


def _print(here: Context, me: Me, question: Message, found: Letter) -> None:
    if here.json:
        from xats.cli.kit import documents

        reply = documents.letter_json(found, me.agent.address)
        render.document({"message": documents.message_json(question), "reply": reply})
        return
    if not here.quiet:
        from xats.cli.mail.inbox import reply_command

        now, columns = here.store.clock(), render.width()
        text = views.letter_text(
            found, me.agent.team, now, reply_command(here), hints=False, width=columns, room=columns
        )
        render.say(text.split("\n", 1)[0])
    render.put(render.visible(found.message.body).rstrip("\n"))
    if found.message.need_reply and not here.quiet:
        from xats.cli.kit.hints import TEXT

        render.say(f"  needs a reply: {here.command('reply', found.message.id, TEXT)}")
