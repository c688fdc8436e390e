"""The words of the live screen: for an agent's state, for its wake, and for events.

Most functions return several wordings, the longest first: the screen takes the longest that fits.
"""

from __future__ import annotations

import json

from xats.base.durations import ago, rough
from xats.base.record import record
from xats.cli.agents import states
from xats.cli.kit.render import one_line
from xats.cli.kit.views import near
from xats.core.turns.turns import MAIN
from xats.core.waking import reasons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from xats.cli.top.watch import AgentRow
    from xats.core.events import Event
    from xats.core.waking.pauses import Pause
    from xats.core.waking.wakes import Wake

SHORT = {
    "no_pane": "no pane",
    "pane_dead": "ended",
    "pane_changed": "replaced",
    "process_gone": "ended",
    "server_gone": "tmux ended",
    "no_program": "no program yet",
    "not_registered": "not there yet",
    "tmux_unavailable": "no tmux",
    "tmux_missing": "tmux missing",
    "tmux_too_old": "tmux too old",
    "host_busy": "host busy",
    "server_untrusted": "tmux untrusted",
    "not_ours": "not recorded",
    "not_permitted": "not permitted",
    "copy_mode": "copy mode",
    "input_off": "input off",
    "shell_foreground": "at a shell",
    "child_foreground": "child program",
    "program_changed": "new program",
    "program_hidden": "hidden program",
    "program_elsewhere": "elsewhere",
    "not_quiet": "printing",
    "busy": "busy",
    "dialog_open": "dialog open",
    "draft_present": "draft",
    "screen_unknown": "unknown screen",
    "human_active": "typed in",
    "unconfirmed": "unconfirmed",
    "not_shown": "not shown",
    "command_failed": "no success",
    "inbox_failed": "inbox failed",
    "not_read": "not read",
    "turned_off": "turned off",
    "throttled": "throttled",
    "team_limit": "team limit",
    "rate_capped": "too often",
    "hop_limit": "pair stopped",
    "recipient_active": "at work",
    "already_read": "read",
    "self": "its own",
    "no_wake": "nobody to wake",
    "retry_exhausted": "given up",
    "expired": "expired",
    "agent_unused": "unused",
    "forgotten": "removed",
    "paused": "paused",
    "multi_line": "several lines",
    "shell_command": "shell command",
    "looks_like_dialog": "like a dialog",
    "too_long": "too long",
    "full_screen": "full screen",
}
STATES = {"waiting": "needs a person"}  # the states that are said in other words


def reason(code: str | None) -> str:
    """Return a reason in words; a code that only a newer xats knows stays as it is."""
    return reasons.words(code)


def short(code: str | None) -> str:
    """Return a reason in one or two words."""
    return SHORT.get(code or "", (code or "").replace("_", " "))


def counted(count: int, what: str) -> str:
    """Return `count` with the noun `what`, in the plural if needed."""
    return f"{count} {what}{'' if count == 1 else 's'}"


# -- an agent ----------------------------------------------------------------------------------------------------------


def state(seen: AgentRow, now: int) -> tuple[str, ...]:
    """Return whether the agent's program runs, how xats knows, and whether the agent is paused."""
    found = seen.state
    if seen.details.agent.client == "human" and not found.online:  # nobody can know what a person does
        forms: tuple[str, ...] = (f"person, {found.words}", "person")
    else:
        since = "" if found.online or found.brief != found.name else f" {rough(now - seen.details.agent.seen_at)}"
        forms = (found.words, f"{found.brief}{since}", STATES.get(found.name, found.name))
    if seen.pause:
        return f"{forms[0]}, paused", f"{forms[-1]}, paused", "paused"
    return forms


def doing(seen: AgentRow) -> tuple[str, ...]:
    """Return what the agent says that it works on."""
    found = states.doing(seen.details.session, seen.state)
    return (one_line(found[0]),) if found else ("",)


def oldest(seen: AgentRow, now: int) -> str:
    """Return the age of the oldest unread mail of the agent."""
    at = seen.details.oldest_unread_at
    return rough(now - at) if at is not None else ""


def wake(seen: AgentRow, now: int) -> tuple[str, ...]:
    """Return the state of the agent's wake, why it waits, and when the next attempt is."""
    details, found = seen.details, seen.details.wake
    if found is None:
        if not details.unread:
            return (f"{details.shown} shown, not read yet", f"{details.shown} shown") if details.shown else ("",)
        if details.agent.wake_by == "none" and details.no_wake_reason in (None, "no_wake"):
            return "not woken: nothing is typed at a person; the inbox has it", "not woken: a person"
        not_woken = details.no_wake_reason or "no_wake"
        return f"not woken: {reason(not_woken)}", f"not woken: {short(not_woken)}"
    if found.state == "held":
        return "held: wakes are paused", "held: paused"
    if found.state == "delivered" and found.is_open:
        handed = f"handed over {ago(found.updated_at, now)}"
        return f"{handed} by {', '.join(found.taken_by)}, not read, {when(found, now)}", f"{handed}, not read", handed
    if found.state == "delivered":
        return f"woken {ago(found.updated_at, now)}, not read", f"woken {ago(found.updated_at, now)}"
    if found.state == "skipped":
        return f"not woken: {reason(found.reason)}", f"not woken: {short(found.reason)}"
    if found.state == "failed":
        code = found.last_refusal or found.reason
        full = f"given up after {counted(found.attempts, 'attempt')}: {reason(code)}"
        return full, f"given up: {reason(code)}", f"given up: {short(code)}"
    if found.next_attempt_at is None and not found.lease_token:
        why = reason(found.reason)
        return f"suspended until it registers again: {why}", f"suspended: {why}", f"suspended: {short(found.reason)}"
    then = when(found, now)
    if found.reason is None:
        return (f"{found.state}, {then}",)
    words = f"{found.state}: {reason(found.reason)}"
    tried = (f"{words}; {counted(found.attempts, 'attempt')}, {then}",) if found.attempts else ()
    detailed = (f"{words} (seen: {found.detail}), {then}",) if found.detail else ()
    return (
        *detailed,
        *tried,
        f"{words}, {then}",
        f"{found.state}: {short(found.reason)}, {then}",
        f"{short(found.reason)}, {then}",
    )


def when(found: Wake, now: int) -> str:
    """Return when the next attempt of an open wake is."""
    if found.lease_token:
        return "attempt runs now"
    at = found.next_attempt_at
    # Rounded up: the last second is "in 1 s".
    return f"in {rough(at - now + 999)}" if at is not None and at > now else "due now"


def wake_style(seen: AgentRow) -> str:
    """Return the style of the text of `wake`."""
    found = seen.details.wake
    return {"failed": "bad", "retrying": "warn", "held": "warn"}.get(found.state, "") if found else "dim"


def paused(pause: Pause, team: str, now: int) -> str:
    """Return who paused an agent or the team, when and why."""
    why = f": {one_line(pause.reason)}" if pause.reason else ""
    return f"paused by {near(pause.by, team)} {ago(pause.at, now)}{why}"


def about(seen: AgentRow, team: str, now: int) -> tuple[str, str]:
    """Return the details of an agent: who and where it is, and the state of its mail."""
    agent, session, details = seen.details.agent, seen.details.session, seen.details
    facts = [agent.client + (f" ({one_line(agent.model)})" if agent.model else "")]
    facts += [f"role {agent.role}"] if agent.role else []
    facts += [one_line(agent.about)] if agent.about else []
    facts += [f"tags {', '.join(details.tags)}"] if details.tags else []
    facts += [f"capabilities {', '.join(details.capabilities)}"] if details.capabilities else []
    facts.append(f"pane {session.seat.pane.pane_id}" if session and session.seat.pane else "no pane")
    facts += [f"woken by {agent.wake_by}"] if agent.wake_by not in ("auto", "none") else []
    since = f", the oldest for {oldest(seen, now)}" if oldest(seen, now) else ""
    facts = [f"doing: {text}" for text in doing(seen) if text] + facts
    mail = [f"{details.unread} unread{since}" if details.unread else "no unread mail", wake(seen, now)[0]]
    facts += [f"has locked {counted(details.locks, 'file')}"] if details.locks else []
    mail += [paused(seen.pause, team, now)] if seen.pause else []
    return ", ".join([*facts, seen.state.words]), "; ".join(filter(None, mail))


# -- events ------------------------------------------------------------------------------------------------------------


@record
class EventText:
    """An event with its subject split into `kind` and `name`, and its `data` parsed."""

    type: str
    kind: str
    name: str
    data: dict[str, Any]
    team: str

    def address(self, field: str) -> str:
        """Return the address in `field`, without its team if that is this team."""
        return near(str(self.data.get(field) or ""), self.team)

    @property
    def messages(self) -> str:
        """The first of the messages that it names."""
        found = [f"#{one}" for one in self.data.get("messages", ())]
        return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def event(one: Event, team: str, subject: str | None) -> tuple[str, str]:
    """Return an event in words: who, and what they did. `subject` is the subject of its message."""
    kind, _, name = one.subject.partition(":")
    what = EventText(one.type, kind, name, json.loads(one.data), team)
    who = one.actor or what.address("agent") or (name if kind == "agent" else "xats")
    title = f": {subject}" if subject else ""
    return one_line(who), one_line(f"{PHRASES.get(one.type, _other)(what)}{title}")


def _sent(what: EventText) -> str:
    count = what.data.get("recipients", 1)
    fan = f" ({count} agents)" if count != 1 else ""
    again = f", a repeat of #{what.data['repeats']}" if what.data.get("repeats") else ""
    return f"sent #{what.name} to {what.address('address')}{fan}{again}"


def _refused(what: EventText) -> str:
    return f"is not woken yet: {reason(what.data.get('reason'))}"


def _registered(what: EventText) -> str:
    where = f", pane {what.data['pane']}" if what.data.get("pane") else ""
    return f"registered ({what.data.get('client') or 'generic'}{where})"


def _paused(what: EventText) -> str:
    whom = "the whole team" if what.kind == "team" else what.name
    why = f", because: {what.data['reason']}" if what.data.get("reason") else ""
    return f"{what.type} {whom}{why}"


def _poked(what: EventText) -> str:
    why = f": {reason(what.data['reason'])}" if what.data.get("reason") else ""
    return f"poked {what.name}, {what.data.get('outcome')}{why}"


def _dead(what: EventText) -> str:
    done = "dropped" if what.type == "dead_dropped" else "retried"
    return f"{done} the dead letter #{what.name} to {what.address('to') or what.address('agent')}"


TURNS = {
    "turn_joined": "takes part in {turn}",
    "turn_left": "left {turn}",
    "turn_kicked": "removed {other} from {turn}",
    "turn_taken": "took {turn}",
    "turn_passed": "passed {turn} on",
    "turn_released": "released {turn}",
    "turn_offered": "is offered {turn}",
    "turn_skipped": "was skipped in {turn}",
    "turn_missed": "did not take {turn}",
    "turn_owner_gone": "is gone, and has {turn}",
    "turn_lapsed": "has lost {turn}",
    "turn_stolen": "took {turn} from {other}",
}


def _turn(what: EventText) -> str:
    turn = "the turn" if what.name == MAIN else f"the turn {what.name}"
    why = f": {what.data['reason']}" if what.data.get("reason") else ""
    return TURNS[what.type].format(turn=turn, other=what.address("other")) + why


def _other(what: EventText) -> str:
    words = [f"{key}={value}" for key, value in what.data.items() if isinstance(value, str | int) and value != ""]
    return " ".join([what.type.replace("_", " "), f"{what.kind}:{what.name}", *words])


def _locked(what: EventText) -> str:
    why = f", because: {what.data['reason']}" if what.data.get("reason") else ""
    return f"locked {what.data.get('path')}{why}"


def _stolen(what: EventText) -> str:
    return f"took the lock of {what.address('holder')} on {what.data.get('path')}, because: {what.data.get('reason')}"


PHRASES: dict[str, Callable[[EventText], str]] = {
    "message_sent": _sent,
    "mail_shown": lambda what: f"was shown {what.messages}",
    "mail_read": lambda what: f"read {what.messages}",
    "message_acked": lambda what: f"acknowledged #{what.name}",
    "mail_unread_again": lambda what: (
        f"did not keep {what.messages}: its turn was interrupted, so the mail is unread again"
    ),
    "mail_expired": lambda what: f"did not read {what.messages} in time",
    "team_renamed": lambda what: f"renamed team {what.data.get('old_name')} to {what.name}",
    "team_merged": lambda what: f"merged team {what.data.get('old_name')} into team {what.name}",
    "team_archived": lambda what: f"archived team {what.name}",
    "team_restored": lambda what: f"brought team {what.name} back from the archive",
    "team_forgotten": lambda what: f"forgot team {what.name}",
    "team_name_freed": lambda what: f"freed the name {what.data.get('old_name')}, which led to team {what.name}",
    "project_adopted": lambda what: f"moved the project {what.data.get('path')} to team {what.name}",
    "agent_registered": _registered,
    "agent_expected": lambda what: (
        f"is expected: {what.data['client']} in pane {what.data.get('pane')}"
        if what.data.get("client")
        else "is expected"
    ),
    "expectation_expired": lambda what: f"did not appear: no {what.data.get('client')} in pane {what.data.get('pane')}",
    "expectation_replaced": lambda what: f"is no longer expected in pane {what.data.get('pane')}",
    "agent_unregistered": lambda _: "left the team",
    "agent_gone": lambda what: (
        "is gone: its pane is closed" if what.data.get("reason") == "pane_gone" else "is gone: its process has ended"
    ),
    "agent_returned": lambda _: "is back",
    "agent_pruned": lambda _: "was removed: unused for a long time",
    "agent_changed": lambda what: f"changed {what.name}: {'; '.join(map(str, what.data.get('changes') or ()))}",
    "agent_doing": lambda what: (
        f"is doing: {one_line(str(what.data['doing']))}" if what.data.get("doing") else "said that it is doing nothing"
    ),
    "agent_renamed": lambda what: f"renamed {what.data.get('old_name')} to {what.name}",
    "agent_forgotten": lambda what: f"removed {what.name} from the team",
    "former_name_freed": lambda what: f"freed {what.data.get('name')}, a former name of {what.name}",
    "pane_lost": lambda what: f"took the pane {what.data.get('pane')} from {what.name}",
    "seat_lost": lambda what: f"took the process of {what.name}",
    "wake_queued": _refused,
    "wake_retrying": _refused,
    "wake_delivered": lambda what: f"was woken ({what.data.get('transport') or 'tmux'})",
    "wake_skipped": lambda what: f"needs no wake: {reason(what.data.get('reason'))}",
    "wake_failed": lambda what: f"gets no more attempts: {reason(what.data.get('reason'))}",
    "paused": _paused,
    "resumed": _paused,
    "pair_stopped": lambda what: (
        f"and {what.name} no longer wake each other: {what.data.get('wakes')} wakes without a person"
    ),
    "pair_resumed": lambda what: f"and {what.address('other')} may wake each other again",
    "poked": _poked,
    "dead_retried": _dead,
    "dead_dropped": _dead,
    "lock_taken": _locked,
    "lock_renewed": lambda what: f"renewed the lock on {what.data.get('path')}",
    "lock_released": lambda what: f"released {what.data.get('path')}",
    "lock_lapsed": lambda what: f"ended the lock of {what.address('holder')} on {what.data.get('path')}",
    "lock_stolen": _stolen,
    **dict.fromkeys(TURNS, _turn),
    "turn_renamed": lambda what: (
        f"renamed the turn {what.data.get('old_name')} of team {what.data.get('old_team')} to {what.name}"
    ),
    "task_owner_gone": lambda what: f"is gone, and has claimed task #{what.name}",
    "read_overdue": lambda what: f"was alerted: unread {what.messages}",
    "recipient_gone": lambda what: f"was alerted: the agent that should answer {what.messages} is gone",
    "reply_overdue": lambda what: f"was alerted: read, but no answer to {what.messages}",
}
