"""The verbs of dead letters: list, show, retry, drop."""

from __future__ import annotations

from xats.base.durations import ago, iso
from xats.base.errors import Usage
from xats.cli.kit import documents, render, views
from xats.cli.kit.scope import team_meant
from xats.core.address import is_forgotten
from xats.core.agents import agents
from xats.core.mail import dead as core
from xats.core.waking import reasons
from xats.core.waking.reasons import GONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.core.mail.dead import DeadLetter
    from xats.store import Tx

    T = TypeVar("T")

MOST = 1000  # dead letters that one command deals with


def list_(here: Context, *, limit: params.LimitOption = 50) -> int:
    """List mail whose recipient could not be woken, and mail that expired.

    Unread mail stays in the inbox of its recipient, also after its dead letter is dropped.

    Example: xats dead list
    """
    if limit < 1:
        msg = "--limit must be at least 1."
        raise Usage(msg, "xats dead list -n 10")
    team = team_meant(here)
    found, has_more = here.store.read(lambda tx: core.listing(tx, team, limit))
    if here.json:
        render.document({"dead": [dead_json(one, team, found) for one in found], "has_more": has_more})
        return 0
    if not found:
        render.say(f"no dead letters in team {team}")
        return 0
    now = here.store.clock()
    rows = [
        (
            one.message.id,
            views.near(one.agent, team),
            views.near(one.message.sender, team),
            ago(one.since, now),
            one.attempts,
            why(one),
        )
        for one in found
    ]
    render.table(("ID", "TO", "FROM", "DIED", "ATTEMPTS", "WHY"), rows, stretch=("WHY",))
    if not here.quiet:
        more = f"; more: {here.command('dead', 'list', '-n', limit * 2)}" if has_more else ""
        drop = here.command("dead", "drop", found[0].message.id)
        render.say(f"  {here.complete(fix(found[0], team, found))}, or: {drop}{more}")
    return 0


def show(here: Context, message_id: params.MessageIdArg) -> int:
    """Show a dead letter: its recipient, its reason, and how to fix it.

    Example: xats dead show 12
    """
    team = team_meant(here)
    found = here.store.read(lambda tx: core.find(tx, team, message_id))
    message = found[0].message
    if here.json:
        render.document({"dead": [dead_json(one, team, found) for one in found], "body": message.body})
        return 0
    now = here.store.clock()
    subject = f" {render.one_line(message.subject)!r}" if message.subject else ""
    render.put(f"#{message.id}{subject} from {views.near(message.sender, team)}, {ago(message.sent_at, now)}")
    for line in render.visible(message.body).rstrip("\n").split("\n"):
        render.put(f"  | {line}")
    for one in found:
        tries = f", {one.attempts} attempt{'' if one.attempts == 1 else 's'}" if one.attempts else ""
        render.put(f"to {views.near(one.agent, team)}: dead {ago(one.since, now)}{tries}: {why(one)}")
        render.put(f"  try: {here.complete(fix(one, team, found))}")
    return 0


def retry(
    here: Context,
    message_id: params.DeadIdArg = None,
    *,
    to: params.ToOption = None,
    whose: params.WhoseOption = None,
    every: params.EveryOption = False,
) -> int:
    """Wake the recipient of a dead letter once more, or send it to another.

    xats sends expired mail again, without --ttl. With --to it goes to another agent, in the name and the thread of its
    sender.

    Example: xats dead retry 12

    Example: xats dead retry 12 --to carol
    """
    team = team_meant(here)

    def work(tx: Tx, me: Agent) -> list[tuple[DeadLetter, str, int]]:
        letters = _letters(tx, here, team, message_id, whose, every=every)
        if to is None:
            again = core.retry(tx, me, letters)
            return [(one, one.agent, new) for one, new in zip(letters, again, strict=True)]
        if every or len(letters) > 1:
            msg = "--to is for one copy of one dead letter."
            hint = f"xats dead retry {letters[0].message.id} --whose {letters[0].agent} --to {to}" if letters else ""
            raise Usage(msg, hint or "xats dead list")
        other = here.named(tx, to, team)
        return [(letters[0], other.address, core.redirect(tx, me, letter=letters[0], to=other))]

    done = _write(here, team, work)

    here.rouse_daemon()
    if here.json:
        found = [{"id": one.message.id, "agent": agent, "new_id": new} for one, agent, new in done]
        render.document({"retried": found})
    elif not here.quiet:
        if not done:
            render.say(f"no dead letters in team {team}")
        for one, agent, new in done:
            as_new = f" as #{new}" if new != one.message.id else ""
            status = "" if is_forgotten(team) else f": {here.command('status', new)}"
            render.put(f"#{one.message.id} goes to {views.near(agent, team)} once more{as_new}{status}")
    return 0


def drop(
    here: Context,
    message_id: params.DeadIdArg = None,
    *,
    whose: params.WhoseOption = None,
    every: params.EveryOption = False,
) -> int:
    """Remove a dead letter from the list; unread mail stays in the inbox.

    Example: xats dead drop 12
    """
    team = team_meant(here)

    def work(tx: Tx, me: Agent) -> list[DeadLetter]:
        letters = _letters(tx, here, team, message_id, whose, every=every)
        for one in letters:
            core.drop(tx, me, one)
        return letters

    done = _write(here, team, work)
    if here.json:
        render.document({"dropped": [{"id": one.message.id, "agent": one.agent} for one in done]})
    elif not here.quiet:
        if not done:
            render.say(f"no dead letters in team {team}")
        for one in done:
            kept = "" if one.reason in core.ENDED else "; it stays unread in the inbox"
            render.put(f"#{one.message.id} to {views.near(one.agent, team)} dropped{kept}")
    return 0


def why(one: DeadLetter) -> str:
    """Return in words why a delivery failed."""
    last = one.last_refusal if one.last_refusal != one.reason else None
    if one.reason in core.ENDED:
        return reasons.words(one.reason)
    return (
        f"{reasons.words(one.reason)}; the last time {reasons.words(last)} ({last})"
        if last
        else reasons.words(one.reason)
    )


def fix(one: DeadLetter, team: str, found: Sequence[DeadLetter]) -> str:
    """Return the command that fixes a dead letter; `found` are all dead letters that are shown with it."""
    if one.reason == "forgotten":
        several = sum(each.message.id == one.message.id for each in found) > 1
        whose = f" --whose {views.near(one.agent, team)}" if several else ""
        return f"xats dead retry {one.message.id}{whose} --to {'AGENT@TEAM' if is_forgotten(team) else 'AGENT'}"
    reason = one.reason if one.reason in core.ENDED else one.last_refusal or one.reason
    if reason in GONE or reason in ("shell_foreground", "program_changed"):
        name = views.near(one.agent, team).partition("@")[0]
        return f"start the agent again and let it run: xats register {name}"
    return f"xats dead retry {one.message.id}"


def dead_json(one: DeadLetter, team: str, found: Sequence[DeadLetter]) -> dict[str, Any]:
    """Return the JSON form of a dead letter."""
    return {
        "message": documents.message_json(one.message),
        "agent": one.agent,
        "reason": one.reason,
        "last_refusal": one.last_refusal,
        "attempts": one.attempts,
        "since": iso(one.since),
        "fix": fix(one, team, found),
    }


def _letters(
    tx: Tx, here: Context, team: str, message_id: int | None, whose: str | None, *, every: bool
) -> list[DeadLetter]:
    """Return the dead letters of one message, or all; with `whose` only those of that recipient."""
    if (message_id is None) != every:
        msg = "ID or --all is missing." if message_id is None else "ID and --all exclude each other."
        raise Usage(msg, "the ids are in: xats dead list")
    found = core.find(tx, team, message_id) if message_id is not None else core.listing(tx, team, MOST)[0]
    if whose is None:
        return found
    name, _, other = whose.lower().partition("@")
    theirs = [one for one in found if one.agent.lower() == f"{name}@{other or team}"]
    if theirs:  # the recipient may have left, or was removed
        return theirs
    agent = here.named(tx, whose, team)
    if message_id is not None:
        return core.find(tx, team, message_id=message_id, whose=agent)
    return [one for one in found if one.agent_id == agent.id]


def _write(here: Context, team: str, work: Callable[[Tx, Agent], T]) -> T:
    """Run `work` as me in one write transaction. A forgotten team has no agents; there xats itself acts."""
    if is_forgotten(team):
        return here.store.write(lambda tx: work(tx, agents.system(tx, team)))
    return here.write(lambda tx, me: work(tx, me.agent))
