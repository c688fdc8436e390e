"""The verb that describes the JSON of the others: schema. Fields are only ever added."""

from __future__ import annotations

from xats.cli import render
from xats.cli.states import STATES
from xats.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli import params
    from xats.cli.here import Here

    Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
ADDRESS: Schema = {"type": "string", "pattern": "^[^@]+@[^@]+$"}


def maybe(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def each(schema: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema}


def having(**fields: Schema) -> Schema:
    """Return the schema of an object that has all of `fields`. `from_` stands for `from`."""
    named = {name.rstrip("_"): schema for name, schema in fields.items()}
    return {"type": "object", "properties": named, "required": list(named)}


def _all(*parts: Schema) -> Schema:
    return having(**{name: schema for part in parts for name, schema in part["properties"].items()})


PANE = having(socket=TEXT, pane_id={"type": "string", "pattern": "^%[0-9]+$"}, pane_pid=NUMBER)
AGENT = having(
    name=TEXT,
    team=TEXT,
    role=maybe(TEXT),
    client=TEXT,
    model=maybe(TEXT),
    tags=each(TEXT),
    capabilities=each(TEXT),
    about=maybe(TEXT),
    expected_since=maybe(TIME),
    epoch=NUMBER,
    pane=maybe(PANE),
)
EXPECTED = having(
    client=TEXT,
    pane=PANE,
    until=TIME,
    ended_at=maybe(TIME),
    reason=maybe({"enum": ["expired", "pane_gone", "pane_taken", "replaced"]}),
)
MESSAGE = having(
    id=NUMBER,
    thread_id=NUMBER,
    from_=ADDRESS,
    address=TEXT,
    subject=maybe(TEXT),
    kind=TEXT,
    need_reply=YES_NO,
    reply_to=maybe(NUMBER),
    sent_at=TIME,
    expires_at=maybe(TIME),
    evidence={"enum": ["flag", "env", "session", "pane", "process", "user"]},
    # What the body satisfies: a contract of its sender's team.
    contract=maybe(having(name=TEXT, version=NUMBER)),
)
LETTER = _all(
    MESSAGE,
    having(
        to=ADDRESS,
        body=TEXT,
        state={"enum": ["unread", "shown", "read", "replied", "expired", "sent"]},
        read_at=maybe(TIME),
        shown_at=maybe(TIME),
        data={},  # the value that the body is, if it satisfies a contract; else null
    ),
)
SENT = having(
    message=MESSAGE,
    created=YES_NO,
    recipients=each(ADDRESS),
    unwoken=each(having(agent=ADDRESS, reason={"enum": ["paused", "hop_limit", "no_program", "not_registered"]})),
    delayed=each(having(agent=ADDRESS, reason={"enum": ["throttled"]}, next_attempt_at=TIME)),
    renamed=each(having(name=TEXT, agent=ADDRESS)),
)
WAKE = having(
    state={"enum": ["queued", "retrying", "delivered", "skipped", "failed", "held"]},
    reason=maybe(TEXT),
    detail=maybe(TEXT),
    attempts=NUMBER,
    transport=maybe(TEXT),
    handed_to=each(TEXT),
    next_attempt_at=maybe(TIME),
    updated_at=maybe(TIME),
)
LISTED = _all(
    AGENT,
    having(
        state={"enum": list(STATES)},
        online=YES_NO,  # online, busy or waiting
        why=TEXT,
        gone_at=maybe(TIME),  # when the daemon saw that its process had ended
        busy_since=maybe(TIME),
        silent_since=maybe(TIME),  # of a busy one: its last sign of life
        unread=NUMBER,
        oldest_unread_at=maybe(TIME),
        shown=NUMBER,
        last_seen_at=TIME,
        wake=maybe(WAKE),
        wake_by={"enum": ["auto", "tmux", "notice", "command", "none"]},
        transports=each(TEXT),
        paused=YES_NO,
        expected=maybe(EXPECTED),
        presence=maybe(having(state={"enum": ["idle", "busy", "waiting", "ended"]}, at=TIME)),
    ),
)
DELIVERY = having(
    agent=ADDRESS,
    state={"enum": ["unread", "shown", "read", "replied", "expired"]},
    shown_at=maybe(TIME),
    read_at=maybe(TIME),
    replied_at=maybe(TIME),
    acked_at=maybe(TIME),
    wake=WAKE,
)
CLOCK = having(trusted=YES_NO, since=maybe(TIME), reason=maybe(TEXT))
DEAD = having(
    message=MESSAGE,
    agent=ADDRESS,
    reason=TEXT,
    last_refusal=maybe(TEXT),
    attempts=NUMBER,
    since=TIME,
    mend=TEXT,
)
PAUSE = having(team=TEXT, agent=maybe(ADDRESS), reason=maybe(TEXT), by=ADDRESS, at=TIME)
SETTING = having(
    key=TEXT,
    value=maybe(TEXT),
    origin={"enum": ["flag", "env", "project", "user", "default"]},
    file=maybe(TEXT),
    line=maybe(NUMBER),
    variable=TEXT,
    default=maybe(TEXT),
    # What a project's file may do to it; null: nothing.
    project=maybe({"enum": ["longer", "fewer", "more"]}),
)
SETTING_WRITTEN = having(setting=SETTING, path=TEXT, changed=YES_NO)
CHECK = having(section=TEXT, name=TEXT, state={"enum": ["ok", "warn", "fail"]}, detail=TEXT, mend=TEXT)
HOOK_CHANGE = having(
    client=TEXT,
    scope={"enum": ["user", "project"]},
    path=TEXT,
    action={"enum": ["unchanged", "created", "changed", "removed", "restored"]},
    written=YES_NO,
    diff=TEXT,
    backup=maybe(TEXT),
    notes=each(TEXT),
)
HOOK = having(
    client=TEXT,
    scope={"enum": ["user", "project"]},
    path=TEXT,
    state={"enum": ["absent", "installed", "stale", "broken", "unreadable"]},
    events=each(TEXT),
    missing=each(TEXT),
    program=maybe(TEXT),
    program_exists=YES_NO,
    program_is_this=YES_NO,
    client_program=maybe(TEXT),
    detail=TEXT,
    waiter=YES_NO,
)
EVENT = having(id=NUMBER, at=TIME, team=TEXT, type=TEXT, actor=maybe(TEXT), subject=TEXT, data={"type": "object"})

TEAM = having(
    name=TEXT,
    created_at=TIME,
    archived_at=maybe(TIME),
    agents=NUMBER,
    online=NUMBER,
    unread=NUMBER,
    open_tasks=NUMBER,
    contracts=NUMBER,
    projects=each(having(path=TEXT, host=maybe(TEXT), here=YES_NO, exists=maybe(YES_NO))),
    former_names=each(TEXT),
)
# `team` is as it was before the change; `name` is the team that has everything of it now, or would have.
TEAM_CHANGE = having(team=TEAM, name=maybe(TEXT), changed=YES_NO, dry_run=YES_NO)

NEED = having(id=NUMBER, state={"enum": ["open", "claimed", "review", "done", "failed", "cancelled"]}, title=TEXT)
TASK = having(
    id=NUMBER,
    team=TEXT,
    title=TEXT,
    state=NEED["properties"]["state"],
    ready=YES_NO,
    blocked_by=each(NEED),
    priority=NUMBER,
    created_by=ADDRESS,
    assignee=maybe(ADDRESS),
    role=maybe(TEXT),
    pool=YES_NO,
    owner=maybe(ADDRESS),
    claim=NUMBER,
    claimed_at=maybe(TIME),
    lease_until=maybe(TIME),
    owner_gone_at=maybe(TIME),
    review=each(TEXT),
    submission=NUMBER,
    parent=maybe(NUMBER),
    children=having(done=NUMBER, total=NUMBER),
    progress=maybe(TEXT),
    reason=maybe(TEXT),
    key=maybe(TEXT),
    notify=maybe(TEXT),
    due_at=maybe(TIME),
    created_at=TIME,
    updated_at=TIME,
    ended_at=maybe(TIME),
)
WHOLE_TASK = _all(
    TASK,
    having(
        description=TEXT,
        result=maybe(TEXT),
        needs=each(NEED),
        needed_by=each(NEED),
        parts=each(NEED),
        approvals=each(having(role=TEXT, agent=maybe(ADDRESS), at=maybe(TIME))),
        message_id=maybe(NUMBER),
        offered_to=maybe(ADDRESS),
        history=each(having(at=TIME, agent=maybe(ADDRESS), kind=TEXT, text=maybe(TEXT))),
    ),
)
ONE_TASK = having(task=TASK)
TASK_LINE = having(
    id=NUMBER,
    title=TEXT,
    description=TEXT,
    state=NEED["properties"]["state"],
    to=maybe(TEXT),
    role=maybe(TEXT),
    needs=each(NUMBER),
    parent=maybe(NUMBER),
    priority=NUMBER,
    key=maybe(TEXT),
    review=each(TEXT),
    due_at=maybe(TIME),
    notify=maybe(TEXT),
    outcome=maybe(TEXT),
)
# `task` is there when the message went to a pool.
SENT_OR_POOLED = {**SENT, "properties": {**SENT["properties"], "task": TASK}}

VERDICT: Schema = {"enum": ["compatible", "breaking", "unknown"]}
WHOM = each({"enum": ["readers", "writers"]})
# `version` is the one that is spoken of; its `backward` and `forward` are null for the first.
CONTRACT = having(
    name=TEXT,
    team=TEXT,
    version=NUMBER,
    newest=NUMBER,
    compat={"enum": ["backward", "forward", "full", "none"]},
    note=maybe(TEXT),
    by=ADDRESS,
    at=TIME,
    backward=maybe(VERDICT),
    forward=maybe(VERDICT),
    breaks=WHOM,
    created_at=TIME,
    retired_at=maybe(TIME),
    retired_by=maybe(ADDRESS),
)
DIFF = having(
    from_=NUMBER,
    to=NUMBER,
    backward=VERDICT,
    forward=VERDICT,
    breaks=WHOM,
    unknown=WHOM,
    strict=YES_NO,
    changes=each(having(pointer=TEXT, what=TEXT, text=TEXT, backward=VERDICT, forward=VERDICT, note=TEXT)),
)
# Of a name that nobody has put yet the version is null.
NAMED = having(name=TEXT, version=maybe(NUMBER))

VERBS: dict[str, Schema] = {
    "send": SENT_OR_POOLED,
    "broadcast": SENT,
    "reply": SENT,
    "ack": having(message=MESSAGE, acked=YES_NO),
    "inbox": having(
        ids=each(NUMBER),
        shown_before=each(having(id=NUMBER, **{"from": ADDRESS})),
        messages=each(LETTER),
        has_more=YES_NO,
        unread=NUMBER,
    ),
    "show": having(message=LETTER),
    "thread": having(thread_id=NUMBER, messages=each(LETTER), has_more=YES_NO),
    "status": having(message=MESSAGE, deliveries=each(DELIVERY)),
    "wait": having(unread=NUMBER),
    "register": having(
        agent=AGENT, created=YES_NO, unseated=maybe(ADDRESS), expected=maybe(EXPECTED), replaced=each(ADDRESS)
    ),
    "launch": having(
        agent=ADDRESS,
        command=each(TEXT),
        environment={"type": "object", "additionalProperties": TEXT},
        removed=each(TEXT),
        files=each(having(path=TEXT, text=TEXT)),
        hooks={"enum": ["launch", "installed", "none"]},
        notes=each(TEXT),
    ),
    "unregister": having(agent=having(name=TEXT, team=TEXT), unread=NUMBER, released=each(NUMBER)),
    "agents": having(agents=each(LISTED), has_more=YES_NO),
    "whoami": having(
        agent=AGENT,
        evidence=MESSAGE["properties"]["evidence"],
        project=maybe(having(path=TEXT, top=TEXT, team=TEXT, problem=maybe(TEXT))),
        notices=each(TEXT),
    ),
    "team list": having(teams=each(TEAM), has_more=YES_NO),
    "team show": having(
        team=_all(TEAM, having(members=each(having(name=TEXT, role=maybe(TEXT), client=TEXT, online=YES_NO, why=TEXT))))
    ),
    "team rename": TEAM_CHANGE,
    "team merge": _all(
        TEAM_CHANGE,
        having(into=TEAM, renamed=each(having(agent=ADDRESS, name=TEXT)), joined=each(TEXT)),
    ),
    "team archive": TEAM_CHANGE,
    "team forget": _all(TEAM_CHANGE, having(dead=NUMBER, dropped=NUMBER, cancelled=NUMBER)),
    "team adopt": _all(TEAM_CHANGE, having(project=TEXT, was=maybe(TEXT))),
    "agent show": having(agent=_all(LISTED, having(former_names=each(TEXT)))),
    "agent set": having(agent=AGENT, changed=each(TEXT)),
    "agent rename": having(agent=AGENT, was=TEXT),
    "agent forget": having(
        agent=having(name=TEXT, team=TEXT),
        former_name=maybe(TEXT),
        dead_letters=NUMBER,
        requests=NUMBER,
        released=each(NUMBER),
    ),
    "seat": having(agent=AGENT, created=YES_NO),
    "task add": having(task=TASK, created=YES_NO),
    "task list": having(tasks=each(TASK), has_more=YES_NO),
    "task show": having(task=WHOLE_TASK),
    "task claim": having(task=maybe(WHOLE_TASK)),
    **dict.fromkeys([f"task {verb}" for verb in ("renew", "progress", "release", "submit")], ONE_TASK),
    "task approve": having(task=TASK, approved=YES_NO, missing=each(TEXT)),
    **dict.fromkeys([f"task {verb}" for verb in ("feedback", "done", "fail", "cancel", "reopen", "edit")], ONE_TASK),
    "task graph": having(
        tasks=each(TASK),
        edges=each(having(from_=NUMBER, to=NUMBER, kind={"enum": ["needs", "part"]})),
        has_more=YES_NO,
    ),
    "task wait": having(task=WHOLE_TASK),
    "task import": having(
        tasks=each(having(id=maybe(NUMBER), was=maybe(NUMBER), title=TEXT, created=YES_NO)),
        created=NUMBER,
        dry_run=YES_NO,
    ),
    "task export": having(tasks=each(TASK_LINE)),
    "contract put": having(contract=CONTRACT, created=YES_NO, diff=maybe(DIFF), told=each(ADDRESS), to_be_woken=YES_NO),
    "contract get": having(contract=_all(CONTRACT, having(schema={}))),
    "contract list": having(contracts=each(_all(CONTRACT, having(subscribers=NUMBER))), has_more=YES_NO),
    "contract log": having(contract=CONTRACT, versions=each(CONTRACT), has_more=YES_NO),
    "contract diff": having(contract=CONTRACT, diff=DIFF),
    "contract check": having(
        contract=CONTRACT, valid=YES_NO, errors=each(having(pointer=TEXT, message=TEXT)), has_more=YES_NO
    ),
    "contract subscribe": having(contract=NAMED, subscribed=YES_NO, created=YES_NO),
    "contract unsubscribe": having(contract=NAMED, subscribed=YES_NO, removed=YES_NO),
    "contract subscribers": having(contract=NAMED, subscribers=each(having(agent=ADDRESS, since=TIME))),
    "contract rename": having(contract=CONTRACT, was=TEXT, changed=YES_NO, told=each(ADDRESS)),
    "contract retire": having(contract=CONTRACT, changed=YES_NO, told=each(ADDRESS)),
    "events": having(events=each(EVENT), last_id=NUMBER, has_more=YES_NO),
    "poke": having(
        agent=ADDRESS,
        pane=maybe(TEXT),
        state={"enum": ["delivered", "refused", "unconfirmed"]},
        reason=maybe(TEXT),
        removed=each(TEXT),
    ),
    "deliver": having(wakes=each(having(id=NUMBER, agent=ADDRESS, reason=maybe(TEXT))), has_more=YES_NO),
    "config list": having(
        settings=each(SETTING),
        problems=each(having(file=TEXT, line=maybe(NUMBER), key=maybe(TEXT), message=TEXT, hint=TEXT)),
        has_more=YES_NO,
    ),
    "config get": having(setting=SETTING),
    "config set": SETTING_WRITTEN,
    "config unset": SETTING_WRITTEN,
    "config path": having(files=each(having(scope={"enum": ["user", "project"]}, path=TEXT, exists=YES_NO))),
    "client find": having(
        panes=each(
            having(
                pane=PANE,
                session=TEXT,
                window=NUMBER,
                title=TEXT,
                folder=TEXT,
                client=TEXT,
                pid=NUMBER,
                sure=YES_NO,
                agent=maybe(ADDRESS),
                registered_now=YES_NO,
                transports=each(TEXT),
                candidates=each(having(client=TEXT, pid=NUMBER, score=NUMBER, reasons=each(TEXT))),
            )
        ),
        servers=NUMBER,
        problems=each(having(socket=TEXT, code=TEXT, message=TEXT, hint=TEXT)),
        has_more=YES_NO,
    ),
    "client list": having(clients=each(having(name=TEXT, executables=each(TEXT))), has_more=YES_NO),
    "client show": having(client=having(name=TEXT, executables=each(TEXT))),
    "client test": having(
        pane=TEXT,
        client=TEXT,
        state={"enum": ["idle", "draft", "busy", "dialog", "unknown"]},
        composer=maybe(TEXT),
        evidence=TEXT,
        screen=TEXT,
        profile=maybe(TEXT),
    ),
    "pause": having(pause=PAUSE, created=YES_NO),
    "resume": having(agent=maybe(ADDRESS), team=TEXT, resumed=YES_NO, due=NUMBER),
    "dead list": having(dead=each(DEAD), has_more=YES_NO),
    "dead show": having(dead=each(DEAD), body=maybe(TEXT)),
    "dead retry": having(retried=each(having(id=NUMBER, agent=ADDRESS, as_message=NUMBER))),
    "dead drop": having(dropped=each(having(id=NUMBER, agent=ADDRESS))),
    "doctor": having(healthy=YES_NO, checks=each(CHECK), has_more=YES_NO),
    "daemon status": having(
        running=YES_NO,
        pid=maybe(NUMBER),
        halted=maybe(TEXT),
        due=NUMBER,
        next_due_at=maybe(TIME),
        log=TEXT,
        clock=CLOCK,
    ),
    "daemon start": having(running=YES_NO, pid=NUMBER, created=YES_NO, version=maybe(TEXT)),
    "daemon stop": having(running=YES_NO, stopped=maybe(NUMBER)),
    "hook install": HOOK_CHANGE,
    "hook uninstall": HOOK_CHANGE,
    "hook status": having(hooks=each(HOOK), has_more=YES_NO),
    "db info": having(
        path=TEXT,
        size=NUMBER,
        files=each(having(name=TEXT, size=NUMBER)),
        schema_version=NUMBER,
        application_id=NUMBER,
        sqlite_version=TEXT,
        journal_mode=TEXT,
        page_size=NUMBER,
        pages=NUMBER,
        free_pages=NUMBER,
        tables=each(having(name=TEXT, rows=NUMBER)),
        messages=having(oldest_at=maybe(TIME), newest_at=maybe(TIME)),
        events=having(oldest_at=maybe(TIME), newest_at=maybe(TIME)),
        file_mode={"type": "string", "pattern": "^[0-7]{4}$"},
        folder_mode={"type": "string", "pattern": "^[0-7]{4}$"},
        network_file_system=maybe(TEXT),
        clock=maybe(CLOCK),
    ),
    "db backup": having(path=TEXT, size=NUMBER),
    "db export": having(tables=each(having(name=TEXT, rows=each({"type": "object"})))),
    "db import": having(path=TEXT, rows=NUMBER, tables=each(having(name=TEXT, rows=NUMBER))),
    "db query": having(columns=each(TEXT), rows=each({"type": "object"}), has_more=YES_NO),
    "db prune": having(
        messages=NUMBER,
        deliveries=NUMBER,
        wakes=NUMBER,
        events=NUMBER,
        tasks=NUMBER,
        sessions=NUMBER,
        agents=NUMBER,
        agent_names=each(ADDRESS),
        before=TIME,
        removed=YES_NO,
    ),
    "db check": having(checks=each(having(name=TEXT, state={"enum": ["ok", "warn", "fail"]}, detail=TEXT, mend=TEXT))),
}
FAILURE = having(error=having(code=TEXT, message=TEXT, hint=TEXT))


def schema(here: Here, verb: params.VerbArg = None, word: params.SecondVerbArg = None) -> int:
    """Print the JSON Schema of what a verb prints with --json.

    Without a verb: those of all verbs, and of a failure (printed on stderr).

    Example: xats schema inbox

    Example: xats schema daemon status
    """
    del here
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if verb is None:
        render.document({"schemas": {**VERBS, "failure": FAILURE}})
        return 0
    path = f"{verb} {word}" if word else verb
    if path not in VERBS:
        msg = f"xats {path} prints no JSON that is described."
        raise NotFound(msg, f"one of: {', '.join(VERBS)}")
    render.document({**draft, "title": f"xats {path} --json", **VERBS[path]})
    return 0
