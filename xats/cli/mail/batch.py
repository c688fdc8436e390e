"""`send --batch`: many messages from JSON Lines in one transaction, all or none."""

from __future__ import annotations

import gc
import sys

from xats.base import durations
from xats.base.errors import InvalidBatch, Usage, XatsError
from xats.base.jsontext import from_json, to_json
from xats.cli.kit import documents, reading, render
from xats.core.address import check_name
from xats.core.mail import sending
from xats.core.waking.limits import hop_limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Context, Me
    from xats.core.mail.sending import Draft, Sent
    from xats.store import Tx

FIELDS: dict[str, tuple[type, ...]] = {
    "to": (str,),
    "body": (str,),
    "subject": (str,),
    "kind": (str,),
    "need_reply": (bool,),
    "key": (str,),
    "ttl": (str, int, float),
    "reply_to": (int,),
    "no_wake": (bool,),
    "hold": (bool,),
}


KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number"}
LARGEST_ID = (1 << 63) - 1


def refuse_beside(*given: object) -> None:
    """Raise Usage if an option or a body was `given` with --batch; None was not given."""
    if any(one is not None for one in given):
        msg = "With --batch, only ADDRESS is allowed; everything else comes from the file's lines. Nothing was sent."
        raise Usage(msg, f"the fields of a line are {', '.join(FIELDS)}")


def send_batch(here: Context, source: str, address: str | None) -> int:
    """Send every line of the file `source` (`-`: standard input); lines without `to` go to `address`."""
    gc.disable()  # it would walk over tens of thousands of drafts many times, and find nothing
    drafts = read(source, address, hop_limit(here.settings))

    def work(tx: Tx, me: Me) -> tuple[list[Sent], Me]:
        return sending.send_all(tx, me.agent, me.evidence, drafts), me

    try:
        sent, me = here.write(work)
    except XatsError as problem:
        if problem.index is None:
            raise
        raise _at(problem.index + 1, str(problem), problem.hint, problem) from problem

    here.rouse_daemon()
    new = sum(one.created for one in sent)
    if here.json:
        render.document({"sent": [documents.sent_json(one) for one in sent], "created": new})
    elif here.quiet:
        render.stream(str(one.message.id) for one in sent)
    else:
        render.put(f"{new} sent as {me.agent.name}" + (f", {len(sent) - new} sent before" if new < len(sent) else ""))
    return 0


def read(source: str, address: str | None, hops: int) -> list[Draft]:
    """Return the drafts in the file `source`; `hops` is the limit of each (see `hop_limit`).

    Raises InvalidBatch with the number of the first line that is wrong.
    """
    try:
        data = _bytes(source)
        lines = data.decode().removesuffix("\n").split("\n") if data else []
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else problem
        msg = f"The batch {source} cannot be read: {why}. Nothing was sent."
        raise InvalidBatch(msg) from problem
    drafts = [_draft(number, line, address, hops) for number, line in enumerate(lines, 1)]
    if not drafts:
        msg = "The batch is empty. Nothing was sent."
        raise InvalidBatch(msg, 'each line is one message: {"to": "bob", "body": "text"}')
    return drafts


def _bytes(source: str) -> bytes:
    if source == "-":
        if sys.stdin is None:
            raise OSError(0, "it is closed")
        return sys.stdin.buffer.read()
    with reading.opened(source) as file:
        return file.read()


def _draft(number: int, line: str, address: str | None, hops: int) -> Draft:
    try:
        values = from_json(line)
    except (ValueError, RecursionError) as problem:
        raise _at(number, f"it is not JSON ({_why_not(line) or problem}).", "", problem) from problem
    if not isinstance(values, dict):
        raise _at(number, "it must be a JSON object.")
    for name, value in values.items():
        if name not in FIELDS:
            raise _at(number, f"the field {name[:40]!r} is unknown.", f"the fields are {', '.join(FIELDS)}")
        if value is not None and type(value) not in FIELDS[name]:  # True is an int to Python, but no number in JSON
            raise _at(number, f"{name} must be {_kinds(name)}, not {to_json(value)[:60]}.")
        if name == "reply_to" and value is not None and abs(value) > LARGEST_ID:
            raise _at(number, "reply_to is too large.")
    to, body = values.get("to") or address, values.get("body")
    if not to or body is None:
        raise _at(number, f"{'to' if not to else 'body'} is missing.", '{"to": "bob", "body": "text"}')
    try:
        draft = _made(to, body, values, hops)
        sending.check_draft(draft)
    except XatsError as problem:
        raise _at(number, str(problem), problem.hint, problem) from problem
    return draft


def _kinds(name: str) -> str:
    """Return in words what the field `name` holds."""
    return " or ".join(dict.fromkeys(KINDS[one] for one in FIELDS[name]))


def _why_not(line: str) -> str:
    """Return what the JSON parser of the library says of `line`; its import costs more than a thousand lines."""
    import json

    try:
        json.loads(line)
    except (ValueError, RecursionError) as problem:
        return str(problem)
    return ""


def _made(to: str, body: str, values: dict[str, Any], hops: int) -> Draft:
    get = values.get
    kind, ttl = get("kind"), get("ttl")
    return sending.Draft(
        address=to,
        body=body,
        subject=get("subject"),
        kind=check_name(kind, "kind") if kind is not None else None,
        need_reply=get("need_reply"),
        dedupe_key=get("key"),
        ttl=durations.parse(str(ttl)) if ttl is not None else None,
        reply_to=get("reply_to"),
        wake=not get("no_wake"),
        hops=hops,
        contract=None,
        is_answer=False,
        hold=get("hold") or False,
    )


def _at(number: int, why: str, hint: str = "", cause: Exception | None = None) -> XatsError:
    """Return the error for line `number`, of the class of its cause if that is an error of xats."""
    kind = type(cause) if isinstance(cause, XatsError) else InvalidBatch
    data = cause.data if isinstance(cause, XatsError) else {}
    message = f"Line {number} of the batch: {why}"
    if "Nothing was sent" not in message:
        message += " Nothing was sent."
    return kind(message, hint, **{**data, "line": number})
