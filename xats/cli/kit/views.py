"""Letters and the result of sending, in words for people.

The verbs that must start fast import this. Wakes are in waking.py, and all JSON is in documents.py.
"""

from __future__ import annotations

from xats.base.durations import ago, rough
from xats.cli.kit.render import bold, dim, one_line, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.mail.inbox import Letter, Shown
    from xats.core.mail.messages import Message
    from xats.core.mail.sending import Sent


QUOTE = "  | "  # a mark before each line of a body: the line is not from xats


def near(address: str, team: str) -> str:
    """Return the address `name@team` as it is written inside `team`: without the team."""
    return address.removesuffix(f"@{team}")


def letter_text(
    letter: Letter,
    team: str,
    now: int,
    reply: Callable[[int], str],
    *,
    hints: bool = True,
    width: int = 0,
    room: int = 0,
) -> str:
    """Return a message to read. A mark before each line of the body shows that the line is not from xats.

    `reply` returns the command that answers the message with an id. What xats says is folded to `width` columns, and
    the body to `room` columns; 0 folds nothing.
    """
    lines = head_lines(letter, team, now, width) + quoted(letter.message.body, room)
    return "\n".join(lines + (hint_lines(letter, reply, width) if hints else []))


def quoted(body: str, width: int = 0) -> list[str]:
    """Return a body as rows with a mark before each, folded between words to `width` columns; 0 folds nothing."""
    lines = visible(body).rstrip("\n").split("\n")
    if width:
        lines = [row for line in lines for row in folded_line(line, max(8, width - len(QUOTE)))]
    return [f"{QUOTE}{line}" for line in lines]


def folded_line(line: str, width: int) -> list[str]:
    """Return a line of a body in rows of at most `width` columns, all as far indented as the line."""
    from xats.cli.kit import fit

    plain = (QUOTE + line).expandtabs()[len(QUOTE) :]  # as a terminal shows tabs
    indent = plain[: len(plain) - len(plain.lstrip(" "))]
    rows = fit.folded(plain, width, indent if len(indent) < width // 2 else "")
    return rows if len(rows) > 1 else [line]


def hint_lines(letter: Letter, reply: Callable[[int], str], width: int = 0) -> list[str]:
    """Return the lines below a letter that say how to answer it, if its sender waits for that."""
    if not letter.message.need_reply or letter.state not in ("unread", "shown", "read"):
        return []
    return [dim(row) for row in _with_command("  needs a reply: {}", reply(letter.message.id), width).split("\n")]


def head_lines(letter: Letter, team: str, now: int, width: int = 0) -> list[str]:
    """Return the lines above the body of a letter: its id, sender and age, then its subject and its contract.

    They are folded to `width` columns; 0 folds nothing.
    """
    message = letter.message
    sender = near(message.sender, team)
    claimed = {"flag": " (claimed by --as)", "env": " (claimed by XATS_AGENT)"}.get(message.evidence, "")
    facts = [ago(message.sent_at, now)]
    if message.kind not in ("mail", "reply"):
        facts.append(one_line(message.kind))
    if message.address != near(message.sender, team) and ("," in message.address or ":" in message.address):
        facts.append(f"to {one_line(message.address)}")
    if message.reply_to:
        facts.append(f"answers #{message.reply_to}")
    if letter.state == "sent":
        facts.append("sent by you")
    elif letter.state == "expired":
        facts.append("expired")
    lines = [f"{bold(f'#{message.id} from {sender}')}{claimed} {dim('- ' + ', '.join(facts))}"]
    if message.subject:
        lines.append(f"  Subject: {one_line(message.subject)}")
    if message.contract:
        lines.append(f"  Satisfies: {contract_text(message, team)}")
    if not width:
        return lines
    from xats.cli.kit import fit

    return [row for line in lines for row in fit.folded(line, width, "    ")]


def _with_command(text: str, command: str, width: int) -> str:
    """Return `text` with `command` in place of {}, folded to `width` columns; 0 folds nothing."""
    if not width:
        return text.format(command)
    from xats.cli.kit import fit

    return fit.prose(text.format(fit.whole(command)), width, "  ")


def contents_text(found: Sequence[Letter], left: int, room: int, command: Callable[..., str]) -> str:
    """Return the line before letters that a program may cut: their ids, how many are `left`, and which are long.

    A letter is long if it alone is larger than a page of `room` bytes. `command` makes a command of words.
    """
    ids = ", ".join(f"#{letter.message.id}" for letter in found)
    said = f"1 letter follows: {ids}" if len(found) == 1 else f"{len(found)} letters follow: {ids}"
    if left:
        said += f"; {left} more: {command('inbox')}"
    for letter in found:
        if len(letter.message.body) > room:
            number, size = letter.message.id, len(letter.message.body)
            said += f"\nlong: #{number}, {size:,} characters; if its end is missing: {command('show', number)} > FILE"
    return said


def shown_text(before: Sequence[Shown], team: str, again: str, width: int = 0) -> str:
    """Return in words which letters were shown before, and the command `again` that prints them.

    It is folded to `width` columns; 0 folds nothing.
    """
    senders: dict[str, list[str]] = {}
    for one in before:
        senders.setdefault(near(one.sender, team), []).append(f"#{one.id}")
    said = "; ".join(f"{', '.join(ids)} from {sender}" for sender, ids in senders.items())
    return _with_command(f"shown before, perhaps not seen: {said} (print again: {{}})", again, width)


def contract_text(message: Message, team: str) -> str:
    """Return the contract that the body of `message` satisfies, as it is written inside `team`: `order@3`."""
    assert message.contract
    name, version = message.contract
    theirs = message.sender.partition("@")[2]
    return f"{name}@{version}" + (f" of team {theirs}" if theirs != team else "")


def sent_text(sent: Sent, team: str) -> str:
    """Return the result of sending in words."""
    message = sent.message
    if not sent.created:
        return f"#{message.id} was already sent {_to(sent.recipients, team)}; nothing new was stored"
    as_contract = f" as {contract_text(message, team)}" if message.contract else ""
    return f"#{message.id} sent {_to(sent.recipients, team)}{as_contract}{_wish(message)}"


def not_woken_text(sent: Sent, team: str) -> str:
    """Return which recipients are woken later, are not woken, or never got the message: a line for each reason."""
    from xats.core.waking import reasons

    lines = []
    for agent, reason in sent.dead:
        lines.append(f"  {near(agent, team)} has not read it ({reasons.words(reason)}): xats status {sent.message.id}")
    for old, agent in sent.renamed:
        lines.append(f"  {old} is called {near(agent, team)} now")
    for reason in dict.fromkeys(reason for _, reason in sent.not_woken):
        names = [agent for agent, why in sent.not_woken if why == reason]
        if reason in ("no_program", "not_registered"):
            lines.extend(f"  {_absent(near(name, team), reason)}" for name in names)
            continue
        lines.append(f"  stored, but not woken: {_to(names, team).removeprefix('to ')} ({reasons.words(reason)})")
        if reason == "hop_limit":
            lines.append(f"  only a person can let them go on: xats resume {near(names[0], team)}")
    for agent, until in sent.delayed:
        when = rough(until - sent.message.sent_at)
        lines.append(f"  {near(agent, team)} is woken in {when} ({reasons.words('throttled')})")
    return "\n".join(lines)


def _absent(name: str, reason: str) -> str:
    """Return in words why mail waits for an agent that is not registered."""
    return (
        f"{name} has no program yet; mail waits"
        if reason == "no_program"
        else f"{name} is not registered; mail is held for that name"
    )


def _to(recipients: Sequence[str], team: str) -> str:
    names = [near(name, team) for name in recipients]
    return f"to {', '.join(names)}" if len(names) <= 5 else f"to {len(names)} agents"


def _wish(message: Message) -> str:
    return " (needs a reply)" if message.need_reply else ""
