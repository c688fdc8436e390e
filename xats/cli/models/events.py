"""The JSON of events."""

from __future__ import annotations

from typing import Annotated

from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.core.events import TYPES


class EventData(Model):
    """Further facts of an event. Each is there in the events of some types only, and may be null."""

    action: str | None = field(
        "limit_set, limit_dropped, limit_reached: what xats does at the limit: warn, space or pause.", default=None
    )
    added: list[str] | None = field("task_edited: the roles that must approve it as well.", default=None)
    address: str | None = field("The address as it was given.", default=None)
    after: int | None = field("task_ready: the task that was done.", default=None)
    agent: Address | None = field("The agent that it is about.", default=None)
    agents: int | None = field("The number of agents of the team.", default=None)
    attempts: int | None = field("The number of attempts so far.", default=None)
    backward: str | None = field("contract_put: whether new readers can read what old writers wrote.", default=None)
    by: Address | None = field("expectation_replaced: the agent that got the pane.", default=None)
    category: str | None = field("note_put: the category.", default=None)
    cancelled: int | None = field("The number of tasks that were cancelled.", default=None)
    changed: list[str] | None = field("task_edited: the fields.", default=None)
    changes: list[str] | None = field("agent_changed: the changes in words.", default=None)
    claim: int | None = field("The number of the claim.", default=None)
    client: str | None = field("The agent program.", default=None)
    code: str | None = field("edit_refused: turn_held, lock_held, zone_taken or recently_edited.", default=None)
    compat: str | None = field("contract_changed: the rule.", default=None)
    dead_letters: int | None = field("The number of unread messages that became dead letters.", default=None)
    doing: str | None = field("agent_doing: the text; null: it was removed.", default=None)
    dropped: int | None = field("The number of unread copies that expired.", default=None)
    due: int | None = field("resumed: the number of agents with mail that are woken now.", default=None)
    epoch: int | None = field("The number of the session of the agent.", default=None)
    exit: int | None = field("The exit code of the user's own program that wakes.", default=None)
    expires_at: Time | None = field(
        "lock_taken, lock_renewed: when the lock ends unless its holder renews it.", default=None
    )
    forward: str | None = field("contract_put: whether old readers can read what new writers write.", default=None)
    generation: int | None = field("How often xats has started the program of the agent.", default=None)
    gone_at: Time | None = field("agent_returned: when xats saw that the agent was gone.", default=None)
    held: int | None = field("paused: the number of wakes that are held.", default=None)
    holder: Address | None = field("The agent that holds or held the lock.", default=None)
    imported: bool | None = field("True if a task had ended in the file that it was imported from.", default=None)
    kept_as: str | None = field("team_forgotten: the archived team that has its history.", default=None)
    kind: str | None = field("message_sent: what the message is.", default=None)
    lease_until: Time | None = field("When the claim ends unless the owner renews it.", default=None)
    length: int | None = field("poked: the number of characters.", default=None)
    message: int | None = field("task_offered: the message by which the task was offered.", default=None)
    messages: list[int] | None = field("The ids of the messages.", default=None)
    missing: list[str] | None = field("task_approved: the roles whose approval is missing.", default=None)
    name: str | None = field("former_name_freed: the name.", default=None)
    new_id: int | None = field("dead_retried: the id of the copy that was sent.", default=None)
    next_attempt_at: Time | None = field("When the next attempt is due.", default=None)
    notes: dict[str, str] | None = field("team_merged: the new keys of notes, by the old ones.", default=None)
    old_action: str | None = field("limit_set: the action before.", default=None)
    old_compat: str | None = field("contract_changed: the rule before.", default=None)
    old_name: str | None = field("The name before.", default=None)
    old_state: str | None = field("task_reopened: the state before.", default=None)
    old_team: str | None = field("project_adopted, turn_renamed: the team before.", default=None)
    old_value: int | None = field("limit_set: the value before.", default=None)
    number: int | None = field("turn_...: the number of the last grant of the turn.", default=None)
    open_needs: list[int] | None = field("task_done: the tasks that it needs and that are not done.", default=None)
    other: Address | None = field(
        "pair_resumed: the other agent; turn_...: who got it, lost it or was removed.", default=None
    )
    outcome: str | None = field("poked: delivered, refused or unconfirmed.", default=None)
    owner: Address | None = field("Who had claimed the task.", default=None)
    pairs: int | None = field("resumed: the number of pairs that may wake each other again.", default=None)
    pane: str | None = field("The id of the pane.", default=None)
    path: str | None = field(
        "project_adopted: what identifies the project; of a lock: the file, from the top of its worktree.", default=None
    )
    pid: int | None = field("agent_gone: the process that ended; agent_stopping: the one that xats ends.", default=None)
    place: str | None = field("agent_starting, agent_restarting: where: pane, window, split or session.", default=None)
    ready: bool | None = field("task_added: whether everything that it needs is done.", default=None)
    reason: str | None = field("Why; a code, or the text that was given.", default=None)
    recipients: int | None = field("message_sent: the number of recipients.", default=None)
    released: list[int] | None = field("agent_forgotten: its tasks that are open again.", default=None)
    removed: list[str] | None = field("task_edited: the roles that need not approve it any more.", default=None)
    renamed: dict[str, str] | None = field("team_merged: the new names of agents, by the old ones.", default=None)
    repeats: int | None = field("message_sent: the id of the message that this one repeats.", default=None)
    repository: str | None = field("The repository of the zone: the URL of its origin, or its path.", default=None)
    restored: int | None = field("note_put: the version whose value was put again.", default=None)
    result: str | None = field("task_done: the beginning of the result.", default=None)
    role: str | None = field("The role.", default=None)
    roles: list[str] | None = field("task_submitted: the roles that must approve it.", default=None)
    seen_at: Time | None = field("agent_pruned: when the agent was last seen.", default=None)
    size: int | None = field("note_put, note_pinned: the bytes of the value.", default=None)
    submission: int | None = field("How often the task was submitted.", default=None)
    text: str | None = field("task_progress: the beginning of the text.", default=None)
    thread_id: int | None = field("message_sent: the first message of the conversation.", default=None)
    title: str | None = field("The title of the task.", default=None)
    to: str | None = field("The agent or the role that gets it; zone_dropped: that had it.", default=None)
    token: int | None = field("The number of the lock.", default=None)
    transport: str | None = field("The transport of the attempt.", default=None)
    ttl_ms: int | None = field("agent_expected: how long it waits, in ms.", default=None)
    turn: str | None = field("turn_...: the name of the turn.", default=None)
    used: int | None = field("limit_warned, limit_reached: how much was used.", default=None)
    value: int | None = field("limit_...: the value of the limit.", default=None)
    version: int | None = field("The number of the version of the contract or the note.", default=None)
    wakes: int | None = field("pair_stopped: how often the two have woken each other.", default=None)
    worktree: str | None = field("Of a lock: the top folder of the worktree.", default=None)


class Event(Model):
    """One thing that happened."""

    id: int = field("The id of the event; ids grow.")
    at: Time = field("When it happened.")
    team: str = field("The team.")
    type: Annotated[str, OneOf(TYPES)] = field("The type; docs/events.md lists them.")
    actor: str | None = field("The name of who did it; null if xats did it.")
    subject: str = field("What it is about, such as agent:bob or message:7.")
    data: EventData = field("Further facts, by the type.")


class EventsDocument(Document):
    """A page of events."""

    events: list[Event] = field("The events, in the order of their ids.")
    last_id: int = field("The id to go on from, with --since.")
    has_more: bool = field("Whether more events follow.")
