"""Ask who this is, as a command and as a hook of the program above; print both answers as JSON."""

import json
import sys

from xats.base.errors import XatsError
from xats.cli.kit.context import Context, FirstUse
from xats.clients.model import load
from xats.hooks import call as calls
from xats.identity.resolve import resolve_or_none

flag, client, session = (word or None for word in sys.argv[1:4])
here = Context(flag)


def by_command(tx):
    try:
        me = here.me(tx, register=False)
    except FirstUse as person:
        return {"agent": f"{person.name}@{person.team}", "evidence": "user", "note": person.note}
    except XatsError as problem:
        return {"agent": problem.code, "evidence": "", "note": f"{problem} {problem.hint}"}
    return {"agent": me.agent.address, "evidence": me.evidence, "note": me.note}


def by_hook(tx):
    program = load(client)
    event = next(one.event for one in program.hooks.events if one.point == "turn end")
    call = calls.parse(program, {"hook_event_name": event, "session_id": session}, here.path)
    agent = resolve_or_none(tx, call)
    return agent.address if agent else None


answer = {"command": here.store.read(by_command), "hook": here.store.read(by_hook) if client else None}
print(json.dumps(answer))
