"""How contracts look, as JSON for scripts and in words for people; and what the verbs of contracts share."""

from __future__ import annotations

from xats.base.durations import iso
from xats.base.errors import InvalidJson, InvalidSchema, Uncheckable
from xats.cli.kit import reading, render, views
from xats.core.contracts.errors import InvalidContract
from xats.core.contracts.words import BREAKING, sides

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Context
    from xats.core.contracts.contracts import Contract, Version
    from xats.core.contracts.subscribers import Notified
    from xats.schemas.check import Problem
    from xats.schemas.schema import Schema
    from xats.schemas.text import Json


# -- what the verbs share ----------------------------------------------------------------------------------------------


def read_schema(source: str, left: str) -> tuple[str, Schema]:
    """Return the text of the file `source` (`-`: standard input), and its JSON Schema.

    Raises InvalidContract when the file cannot be read, InvalidJson and InvalidSchema; `left` says what was not done.
    """
    from xats.schemas import text
    from xats.schemas.schema import Schema

    content = reading.read(source, "schema", InvalidContract, left)
    try:
        return content, Schema(text.parse(content))
    except (InvalidJson, InvalidSchema) as problem:
        raise _located(problem, named(source), left) from problem


def parsed(source: str, where: str, left: str) -> Json:
    """Return the JSON value of the text `source`, which comes from `where`. Raises InvalidJson."""
    from xats.schemas import text

    try:
        return text.parse(source)
    except InvalidJson as problem:
        raise _located(problem, where, left) from problem


def _located(problem: InvalidJson | InvalidSchema, where: str, left: str) -> InvalidJson | InvalidSchema:
    return type(problem)(f"{where}: {problem} {left}", problem.hint, **problem.data)


def problems(version: Version, value: Json, most: int, left: str) -> list[Problem]:
    """Return the first `most` reasons why `value` does not satisfy `version`.

    Raises Uncheckable when xats cannot decide; `left` says what was not done.
    """
    from xats.schemas.check import errors

    schema = stored(version, left)
    try:
        return errors(schema, value, most)
    except Uncheckable as problem:
        raise Uncheckable(f"{problem} {left}".rstrip(), f"xats contract get {version.name}") from problem


def stored(version: Version, left: str) -> Schema:
    """Return the schema of `version`.

    Raises Uncheckable for a schema that an older xats accepted and this one does not; `left` says what was not done.
    """
    from xats.schemas import text
    from xats.schemas.schema import Schema

    try:
        return Schema(text.parse(version.text))
    except (InvalidJson, InvalidSchema) as problem:
        msg = f"This xats cannot use the schema of {version.name}, stored by an older xats. {problem} {left}".rstrip()
        raise Uncheckable(msg, f"xats contract put {version.contract.name} FILE") from problem


def named(source: str) -> str:
    """Return the name of the file `source` for a sentence."""
    return "standard input" if source == "-" else source


def report_notified(here: Context, notified: Notified) -> None:
    """Rouse the daemon if a change was sent to subscribers, and print to whom."""
    if notified.sent is None:
        return
    here.rouse_daemon()
    if here.json or here.quiet:
        return
    team = notified.sent.message.sender.partition("@")[2]
    names = [views.near(one, team) for one in notified.agents]
    whom = ", ".join(names) if len(names) <= 5 else f"{len(names)} subscribers"
    render.say(f"  notified{', to be woken' if notified.wakes else ''}: {whom}")
    if notified.sent.not_woken or notified.sent.delayed:
        render.say(views.not_woken_text(notified.sent, team))


# -- JSON --------------------------------------------------------------------------------------------------------------


def version_json(version: Version) -> dict[str, Any]:
    """Return the JSON form of a version of a contract, without its schema."""
    contract = version.contract
    return {
        "name": contract.name,
        "team": contract.team,
        "version": version.number,
        "newest": contract.newest,
        "compat": contract.compat,
        "note": version.note,
        "by": version.by,
        "at": iso(version.at),
        "backward": version.backward,
        "forward": version.forward,
        "breaks": sides(version.backward, version.forward, BREAKING),
        "created_at": iso(contract.created_at),
        "retired_at": iso(contract.retired_at),
        "retired_by": contract.retired_by,
    }


def name_json(name: str, contract: Contract | None) -> dict[str, Any]:
    """Return the JSON form of a contract's name, with its newest version if it exists."""
    return {"name": contract.name if contract else name, "version": contract.newest if contract else None}
