"""Events: the outbox, read in the order of its ids."""

from __future__ import annotations

from xats.base.errors import Usage
from xats.base.record import from_row, record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.store import Tx

# Every type that xats writes, and what it reports. `make generate` puts this table into docs/events.md.
TYPES = {
    "message_sent": "an agent sent a message, and xats stored it",
    "message_acked": "a recipient acknowledged a message",
    "mail_shown": "xats printed messages into a pipe, or a hook handed them over",
    "mail_read": "an agent read messages",
    "mail_unread_again": "messages are unread again, because the person interrupted the turn that showed them",
    "mail_expired": "messages expired unread",
    "read_overdue": "xats told a sender that a recipient has not read a request yet",
    "reply_overdue": "xats told a sender that a recipient has read a request but not answered it",
    "agent_registered": "an agent registered, or registered again",
    "agent_unregistered": "an agent left the team",
    "agent_gone": "the process of an agent ended, or its pane was closed",
    "agent_returned": "an agent that was gone registered in another process or pane",
    "recipient_gone": "xats told a sender that the agent it waits for is gone",
    "agent_expected": "an agent waits for its program to start",
    "expectation_expired": "the expected program did not appear in its pane",
    "expectation_replaced": "another agent is expected in the pane, or has registered there",
    "agent_starting": "xats starts the program of an agent",
    "agent_started": "the program that xats started is ready",
    "agent_needs_you": "the program that xats started waits for a person",
    "agent_start_failed": "the program of an agent did not start",
    "agent_failed": "the program of an agent ended with an error",
    "agent_restarting": "xats starts the program of an agent again, because it has ended",
    "agent_flapping": "the program of an agent ended too often, so xats does not start it again",
    "agent_stopping": "xats ends the program of an agent",
    "agent_stopped": "the program that xats started has ended",
    "agent_changed": "the role, tags, capabilities or purpose of an agent changed",
    "agent_doing": "an agent said what it works on, or removed that",
    "agent_renamed": "an agent has a new name",
    "agent_forgotten": "an agent was removed for good",
    "former_name_freed": "a former name of an agent is free",
    "agent_pruned": "xats removed an unused agent",
    "team_renamed": "a team has a new name",
    "team_merged": "a team became part of another team",
    "team_archived": "a team was archived",
    "team_restored": "an archived team is in use again",
    "team_forgotten": "a team was removed",
    "team_name_freed": "a former name of a team is free",
    "project_adopted": "a project now belongs to another team",
    "pane_lost": "another agent took the pane of an agent",
    "seat_lost": "another agent took the process of an agent",
    "wake_queued": "xats postponed a wake before its first attempt",
    "wake_retrying": "an attempt at a wake failed; xats tries again later",
    "wake_delivered": "xats woke an agent",
    "wake_skipped": "a wake was no longer needed",
    "wake_failed": "xats gave up on a wake; its mail is now a dead letter",
    "dead_retried": "an agent retried a dead letter",
    "dead_dropped": "an agent dropped a dead letter from the list",
    "edit_refused": "a hook refused an edit of an agent, because of a lock or a zone of another agent",
    "limit_set": "a person set a limit of a team",
    "limit_dropped": "a person removed a limit of a team",
    "limit_warned": "a team has used 80 percent of a limit",
    "limit_reached": "a team has reached a limit",
    "paused": "a pause holds the wakes of an agent or a team",
    "resumed": "a pause ended",
    "pair_stopped": "two agents no longer wake each other (hop limit)",
    "pair_resumed": "the agents of a stopped pair may wake each other again",
    "poked": "a person typed a prompt into the pane of an agent",
    "task_added": "an agent added a task",
    "task_edited": "an agent changed a task",
    "task_ready": "everything that a task needs is done",
    "task_offered": "xats asked a member of a pool to claim a task",
    "task_claimed": "an agent claimed a task",
    "task_renewed": "an agent renewed its claim",
    "task_progress": "an agent noted its progress",
    "task_released": "an agent gave a task back",
    "task_lapsed": "a claim ended, because its lease expired or its owner was gone",
    "task_owner_gone": "the process of the owner of a task ended",
    "task_submitted": "an agent submitted a task for review",
    "task_approved": "a reviewer approved a task",
    "task_feedback": "a reviewer sent a task back",
    "task_done": "a task is done",
    "task_failed": "a task failed",
    "task_cancelled": "an agent cancelled a task",
    "task_reopened": "an agent reopened a task that had ended",
    "task_notify_failed": "a task ended, and xats found no agent for an address to notify",
    "lock_taken": "an agent locked a file",
    "lock_renewed": "an agent renewed a lock",
    "lock_released": "an agent released a lock",
    "lock_lapsed": "a lock ended, because its lease expired or its holder was gone",
    "lock_stolen": "an agent or a person took the lock of another agent",
    "zone_assigned": "an agent or a role got a zone of a repository",
    "zone_dropped": "a zone of a repository ended",
    "turn_renamed": "a merge of teams renamed a turn, because both teams had a turn of that name",
    "turn_joined": "an agent takes part in a turn",
    "turn_left": "an agent left a turn",
    "turn_kicked": "an agent removed a member of a turn",
    "turn_taken": "an agent took a turn",
    "turn_passed": "the holder of a turn passed it on, with a handoff",
    "turn_released": "the holder of a turn gave it back",
    "turn_offered": "a turn was offered to the next in line",
    "turn_skipped": "xats could not reach the next in line, and skipped it",
    "turn_missed": "an agent did not take an offered turn",
    "turn_owner_gone": "the process of the holder of a turn ended",
    "turn_lapsed": "an agent lost a turn, because the agent was silent or its process had ended",
    "turn_stolen": "an agent took a turn from another agent",
    "contract_put": "an agent stored a version of a contract",
    "contract_changed": "an agent changed the compatibility rule of a contract",
    "contract_renamed": "an agent renamed a contract",
    "contract_retired": "an agent retired a contract",
    "contract_revived": "an agent brought a retired contract back",
    "contract_subscribed": "an agent subscribed to a contract",
    "contract_unsubscribed": "an agent unsubscribed from a contract",
    "note_put": "an agent stored a version of a note",
    "note_removed": "an agent removed a note",
    "note_pinned": "an agent pinned a note: sessions get it at their start",
    "note_unpinned": "an agent unpinned a note",
}

COLUMNS = "id, at, team, type, actor, subject, data"
NEWER = f"select {COLUMNS} from events where id > :since {{only}} order by id limit :limit"
LATEST = f"select {COLUMNS} from events where id > 0 {{only}} order by id desc limit :limit"
NEWEST = "select max(id) as id from events"
# The agent is the actor or the subject, in its team.
IN_TEAM = "team = :of and (lower(actor) in ({names}) or lower(subject) in ({subjects}))"
# An address stands as a text of its own in the JSON of `data`.
NAMED = "lower(data) like :{address} escape '\\'"
# An address may be a bare name, a former name or a group, so the deliveries of the mail decide.
MAIL = """
exists (
    select 1 from deliveries d where d.agent_id = :agent
        and d.message_id = case when type = 'message_sent' then cast(substr(subject, 9) as integer) end
)
"""
FORMER_NAMES = "select name_key from former_names where agent_id = :id"
FORMER_TEAMS = "select name from teams where moved_to = :team"
FORMER_ADDRESSES = """
select f.team, f.name_key, f.agent_id from former_addresses f join teams t on t.name = f.team where t.moved_to = :team
"""


@record
class Event:
    """An event of the outbox. `at` is in ms UTC."""

    id: int
    at: int
    team: str
    type: str
    actor: str | None
    subject: str
    data: str  #: JSON


@record
class Query:
    """Which events to list. None is no limit."""

    team: str | None = None
    since: int | None = None  #: only those with a larger id; None: the latest
    since_at: int | None = None  #: only those at this time (ms UTC) or later; instead of the latest
    types: tuple[str, ...] = ()  #: only those of one of these types
    agent: tuple[str, str] | None = None  #: (name, team): only events by this agent, about it, and of mail to it

    def behind(self, event_id: int) -> Query:
        """Return the same query for the events after that id."""
        return replace(self, since=event_id)

    def of_team(self, team: str) -> Query:
        """Return the same query for `team`."""
        return replace(self, team=team)


def after(tx: Tx, query: Query, limit: int) -> tuple[list[Event], bool, int]:
    """Return events in the order of their ids, whether more follow, and the `since` of the next call.

    No event up to that id matches the query, except those returned.
    """
    only, values = _conditions(tx, query)
    if query.since is None and query.since_at is None:
        rows = tx.all(LATEST.format(only=only), limit=limit, **values)
        return _events(reversed(rows)), False, _newest(tx)
    since = query.since or 0
    rows = tx.all(NEWER.format(only=only), since=since, limit=limit + 1, **values)
    found, has_more = _events(rows[:limit]), len(rows) > limit
    return found, has_more, found[-1].id if has_more else max(since, _newest(tx))


def check_types(types: Sequence[str]) -> tuple[str, ...]:
    """Return `types` if all of them exist. Raises Usage, with the nearest type as a hint."""
    from difflib import get_close_matches

    for one in types:
        if one not in TYPES:
            near = get_close_matches(one.lower(), TYPES, 1)
            msg = f"{one[:40]!r} is not a type of event."
            raise Usage(msg, f"did you mean {near[0]}?" if near else f"the types are: {', '.join(TYPES)}")
    return tuple(types)


def _conditions(tx: Tx, query: Query) -> tuple[str, dict[str, Any]]:
    """Return the further conditions of `query` as SQL, and their values."""
    only = ""
    values: dict[str, Any] = {}
    if query.team is not None:
        only += " and team = :team"
        values["team"] = query.team
    if query.since_at is not None:
        only += " and at >= :since_at"
        values["since_at"] = query.since_at
    if query.types:
        names = {f"type{number}": one for number, one in enumerate(query.types)}
        only += f" and type in ({', '.join(f':{name}' for name in names)})"
        values.update(names)
    if query.agent is not None:
        about, more = _about(tx, *query.agent)
        only += f" and ({about})"
        values.update(more)
    return only, values


def _about(tx: Tx, name: str, team: str) -> tuple[str, dict[str, Any]]:
    """Return the condition for the events about the agent `name` of `team`, and its values.

    It matches every name and address that the agent has or had and that still leads to it.
    """
    from xats.core.agents import agents
    from xats.core.teams import teams

    agent = agents.find(tx, team, name) or agents.find(tx, *teams.address(tx, team, name))
    names, addresses = [name.lower()], [f"{name.lower()}@{team}"]
    if agent:
        team = agent.team
        names = [agent.name.lower(), *(row["name_key"] for row in tx.all(FORMER_NAMES, id=agent.id))]
        former = tx.all(FORMER_ADDRESSES, team=team)
        others = {(row["team"], row["name_key"]) for row in former if row["agent_id"] != agent.id}
        places = [team, *(row["name"] for row in tx.all(FORMER_TEAMS, team=team))]
        addresses = [f"{one}@{place}" for place in places for one in names if (place, one) not in others]
        addresses += [f"{row['name_key']}@{row['team']}" for row in former if row["agent_id"] == agent.id]
    values: dict[str, Any] = {"of": team}
    texts = {"name": names, "subject": [f"agent:{one}" for one in names]}
    texts["address"] = [f'%"{one}"%'.replace("_", r"\_") for one in dict.fromkeys(addresses)]
    values.update({f"{what}{at}": text for what, found in texts.items() for at, text in enumerate(found)})
    listed = {what: [f"{what}{at}" for at in range(len(found))] for what, found in texts.items()}
    said = {what: ", ".join(f":{one}" for one in found) for what, found in listed.items()}
    conditions = [IN_TEAM.format(names=said["name"], subjects=said["subject"])]
    conditions += [NAMED.format(address=one) for one in listed["address"]]
    if agent:
        conditions.append(MAIL)
        values["agent"] = agent.id
    return " or ".join(f"({one})" for one in conditions), values


def _newest(tx: Tx) -> int:
    row = tx.one(NEWEST)
    return (row["id"] if row else None) or 0


def _events(rows: Any) -> list[Event]:
    return [from_row(Event, row) for row in rows]
