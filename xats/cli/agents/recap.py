"""The verb that shows what an agent did last and what waits for it: recap."""

from __future__ import annotations

from xats.base.durations import ago, iso
from xats.base.record import record
from xats.cli.agents import listing, reach, states
from xats.cli.kit import fit, render, views
from xats.cli.locks import text as locks_text
from xats.cli.turns import lines as turn_lines
from xats.core import recap as core
from xats.core.agents import listing as core_listing
from xats.core.locks import locks, refusals
from xats.core.mail import owed
from xats.core.notes import views as notes
from xats.core.tasks import recap as task_recap
from xats.core.turns import summaries
from xats.hooks import letters
from xats.hooks.briefing import LOOKED_AT, SEEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from xats.cli.agents.states import State
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.agents.agents import Agent, Details
    from xats.core.locks.locks import Lock
    from xats.core.locks.refusals import Refusal
    from xats.core.mail.owed import Request
    from xats.core.notes.notes import Version
    from xats.core.recap import Item
    from xats.core.tasks.recap import Todo
    from xats.core.turns.summaries import Summary
    from xats.store import Tx

MAIL, REQUESTS, TASKS, LOCKS = 10, 10, 10, 10  # lines of each list; requests and tasks are counted
REFUSED = 5  # lines of refused edits
WHY = {
    "lock_held": "locked by",
    "zone_taken": "in the zone of",
    "recently_edited": "just edited by",
    "turn_held": "in the turn of",
}
NOTES = 5  # notes that changed last
EVERY = 10_000  # requests among which xats looks for those that another agent may see


@record
class _Recap:
    """What the store has for the recap of an agent."""

    details: Details
    team: str  #: the team of the reader
    is_me: bool
    mail: list[Item]
    owed: list[Request]
    owed_total: int
    tasks: list[Todo]
    tasks_total: int
    locks: list[Lock]
    refused: list[Refusal]
    notes: list[Version]
    others: list[Details]
    turns: list[Summary]


def recap(here: Context, name: params.OptionalNameArg = None) -> int:
    """Show what an agent works on, its last mail, and what waits for it.

    That is what the agent said with xats doing, its last mail in both directions with the newest last, the requests
    that it has read and not answered, its tasks, the files that it has locked, its edits that were refused, the notes
    and the turns of the team, and who else is here. It does not mark mail as read. Each session of an agent begins with
    a short form of it.

    A person sees the mail of every agent. An agent sees its own, and of another agent only the mail between them.

    Example: xats recap

    Example: xats recap bob
    """
    from xats.delivery.settings import turned_off

    found = here.read(lambda tx, me: _look(here, tx, me, name))
    now = here.store.clock()
    details, state = states.look(found.details, now)
    others = [(one, states.of(one, now)) for one in found.others]
    others = [(one, its) for one, its in others if _is_here(one, its, now)]
    if here.json:
        ways = reach.woken_by(here, found.details, turned_off(here.settings))
        render.document(_json(found, listing.listed_json(details, state, ways), others))
        return 0
    for line in _lines(here, found, state, others, now):
        _put(line)
    return 0


def _look(here: Context, tx: Tx, me: Me, name: str | None) -> _Recap:
    """Return the recap of the agent `name` (None: of `me`), as far as `me` may see it. Raises UnknownAgent."""
    agent = me.agent if name is None or name.lower() == "me" else here.named(tx, name, me.agent.team)
    mine = agent.id == me.agent.id
    sees_all = mine or me.agent.client == "human"
    requests, count = owed.requests(tx, agent, REQUESTS if sees_all else EVERY)
    if not sees_all:
        requests = [one for one in requests if one.sender == me.agent.address]
        requests, count = requests[:REQUESTS], len(requests)
    tasks, tasks_total = task_recap.todo(tx, agent, TASKS)
    return _Recap(
        details=next(one for one in core_listing.agents(tx, agent.team) if one.agent.id == agent.id),
        team=me.agent.team,
        is_me=mine,
        mail=core.mail(tx, agent, None if sees_all else me.agent, MAIL),
        owed=requests,
        owed_total=count,
        tasks=tasks,
        tasks_total=tasks_total,
        locks=locks.held_by(tx, agent.id, explicit=True),
        refused=refusals.last(tx, agent, REFUSED),
        notes=notes.changed(tx, agent.team, NOTES),
        others=core.others(tx, agent, LOOKED_AT),
        turns=summaries.find(tx, agent.team),
    )


def _is_here(one: Details, state: State, now: int) -> bool:
    """Tell whether `one` is here: its program runs, or may run and gave a sign of life within the time SEEN."""
    return state.online or (state.name == "unknown" and now - one.agent.seen_at < SEEN)


# -- as text -----------------------------------------------------------------------------------------------------------


def _lines(
    here: Context, found: _Recap, state: State, others: list[tuple[Details, State]], now: int
) -> Iterator[tuple[str, str]]:
    """Yield the lines of the recap as (heading, "") or ("", text)."""
    agent, details, team = found.details.agent, found.details, found.team
    name = views.near(agent.address, team)
    role = f", role {agent.role}" if agent.role else ""
    yield f"{name} ({agent.client}{role})", state.words
    doing = states.doing(details.session, state)
    if doing:
        yield "", f"doing: {doing[0]} (said {ago(doing[1], now)})"
    elif found.is_me:
        yield "", f"doing: not said; {fit.whole(here.command('doing', 'TEXT'))}"
    oldest = f", the oldest {ago(details.oldest_unread_at, now)}" if details.unread else ""
    yield "", f"unread: {details.unread}{oldest}"
    if found.mail:
        yield "Last mail", ""
    for one in reversed(found.mail):  # a story: the newest last, as in the log
        unread = " [unread]" if one.state == "unread" else ""
        yield "", letters.line(one.id, one.other, one.about, one.sent_at, team, now, sent=one.sent) + unread
    if found.owed:
        yield "You have not answered" if found.is_me else f"{name} has not answered", ""
    for request in found.owed:
        yield "", letters.line(request.id, request.sender, request.about, request.sent_at, team, now)
    if found.owed_total > len(found.owed):
        yield "", f"and {found.owed_total - len(found.owed)} more"
    if found.tasks:
        yield "Tasks", ""
    for task in found.tasks:
        yield "", letters.task(task, now)
    if found.tasks_total > len(found.tasks):
        yield "", f"and {found.tasks_total - len(found.tasks)} more"
    if found.locks:
        yield "Locked files", ""
    for lock in found.locks[:LOCKS]:
        why = f" ({lock.reason})" if lock.reason else ""
        yield (
            "",
            f"{locks_text.path_of(lock.file, locks_text.top_of(here))}, for {locks.left(lock, now)} more{why}",
        )
    if len(found.locks) > LOCKS:
        yield "", f"and {len(found.locks) - LOCKS} more"
    if found.refused:
        yield "Refused edits", ""
    for refusal in found.refused:
        why = f"{WHY[refusal.code]} {views.near(refusal.holder, team)}"
        yield "", f"{refusal.path}, {why}, {ago(refusal.at, now)}"
    if found.notes:
        yield "Notes that changed", ""
    for note in reversed(found.notes):
        yield "", letters.changed_note(note, team, now)
    if found.turns:
        yield "Turns", ""
    for turn in found.turns:
        yield "", turn_lines.line(turn, now, team, agent.address if found.is_me else None)
    if others:
        yield "Also here", ""
    for other, its in others:
        client = "a person" if other.agent.client == "human" else other.agent.client
        said = states.doing(other.session, its)
        works = f", doing {letters.short(said[0])!r}" if said else ""
        yield "", f"{views.near(other.agent.address, team)} ({client}): {its.brief}{works}"


def _put(line: tuple[str, str]) -> None:
    """Print a line of the recap: a heading, text below one, or both; on a terminal folded between words."""
    heading, text = line
    if heading and not text:
        render.put("")
    shown = f"{heading}: {text}" if heading and text else heading or f"  {text}"
    columns = render.width()
    shown = fit.prose(render.one_line(shown), max(columns - 1, 20) if columns else 0, "    ")
    render.put(render.bold(shown) if heading and not text else shown)


# -- as JSON -----------------------------------------------------------------------------------------------------------


def _json(found: _Recap, agent: dict[str, Any], others: list[tuple[Details, State]]) -> dict[str, Any]:
    """Return the recap as a JSON document, with the form `agent` of the agent in a list."""
    return {
        "agent": agent,
        "mail": [
            {
                "id": one.id,
                "sent": one.sent,
                "other": one.other,
                "about": one.about,
                "sent_at": iso(one.sent_at),
                "state": one.state,
                "need_reply": one.need_reply,
            }
            for one in found.mail
        ],
        "owed": [
            {"id": one.id, "sender": one.sender, "about": one.about, "sent_at": iso(one.sent_at)} for one in found.owed
        ],
        "owed_total": found.owed_total,
        "tasks": [
            {"id": one.id, "title": one.title, "state": one.state, "lease_until": iso(one.lease_until)}
            for one in found.tasks
        ],
        "tasks_total": found.tasks_total,
        "locks": [locks_text.lock_json(one) for one in found.locks[:LOCKS]],
        "locks_total": len(found.locks),
        "refused_edits": [
            {"path": one.path, "code": one.code, "holder": one.holder, "at": iso(one.at)} for one in found.refused
        ],
        "notes": [
            {
                "key": one.note.key,
                "version": one.number,
                "by": one.by,
                "at": iso(one.at),
                "size": one.size,
                "pinned": one.note.pinned_at is not None,
            }
            for one in found.notes
        ],
        "turns": [turn_lines.summary_json(one) for one in found.turns],
        "others": [_other_json(one.agent, states.doing(one.session, state), state) for one, state in others],
    }


def _other_json(agent: Agent, doing: tuple[str, int] | None, state: State) -> dict[str, Any]:
    """Return the JSON form of another agent that is here."""
    said = {"doing": doing[0] if doing else None, "doing_since": iso(doing[1]) if doing else None}
    whom = {"name": agent.name, "team": agent.team, "role": agent.role, "client": agent.client}
    return {**whom, "state": state.name, **said}
