"""How contracts look, as JSON for scripts and in words for people; and what the verbs of contracts share."""

from __future__ import annotations

from xats.base.durations import iso
from xats.base.errors import InvalidContract, InvalidJson, InvalidSchema, Uncheckable
from xats.cli.kit import reading, render, views
from xats.core.contracts.words import BREAKING, sides

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Here
    from xats.core.contracts.contracts import Contract, Version
    from xats.core.contracts.subscribers import Notified
    from xats.schemas.check import Problem
    from xats.schemas.schema import Schema
    from xats.schemas.text import Json


# -- what the verbs share ----------------------------------------------------------------------------------------------


def read_schema(source: str, left: str) -> tuple[str, Schema]:
    """Return the text in the file `source` (`-`: standard input) and the JSON Schema that it is.

    Raises InvalidContract when it cannot be read, InvalidJson and InvalidSchema; `left` says what was not done.
    """
    from xats.schemas import text
    from xats.schemas.schema import Schema

    said = reading.read(source, "schema", InvalidContract, left)
    try:
        return said, Schema(text.parse(said))
    except (InvalidJson, InvalidSchema) as problem:
        raise _located(problem, named(source), left) from problem


def parsed(said: str, where: str, left: str) -> Json:
    """Return the JSON value that the text `said` is. Raises InvalidJson."""
    from xats.schemas import text

    try:
        return text.parse(said)
    except InvalidJson as problem:
        raise _located(problem, where, left) from problem


def _located(problem: InvalidJson | InvalidSchema, where: str, left: str) -> InvalidJson | InvalidSchema:
    return type(problem)(f"{where}: {problem} {left}", problem.hint, **problem.data)


def problems(version: Version, value: Json, most: int, left: str) -> list[Problem]:
    """Return the first `most` reasons why `value` does not satisfy `version`.

    Raises Uncheckable when that cannot be told; `left` says what was not done.
    """
    from xats.schemas.check import errors

    schema = stored(version, left)
    try:
        return errors(schema, value, most)
    except Uncheckable as problem:
        raise Uncheckable(f"{problem} {left}".rstrip(), f"xats contract get {version.name}") from problem


def stored(version: Version, left: str) -> Schema:
    """Return the schema of `version`.

    Raises Uncheckable for one that an older xats accepted and this one does not; `left` says what was not done.
    """
    from xats.schemas import text
    from xats.schemas.schema import Schema

    try:
        return Schema(text.parse(version.text))
    except (InvalidJson, InvalidSchema) as problem:
        msg = f"The schema of {version.name}, stored by an older xats, cannot be used. {problem} {left}".rstrip()
        raise Uncheckable(msg, f"xats contract put {version.contract.name} FILE") from problem


def named(source: str) -> str:
    """Return what the file `source` is called in a sentence."""
    return "standard input" if source == "-" else source


def tell(here: Here, told: Notified) -> None:
    """Say who got mail of a change, and have the daemon look."""
    if told.sent is None:
        return

    here.rouse_daemon()
    if here.json or here.quiet:
        return
    team = told.sent.message.sender.partition("@")[2]
    names = [views.near(one, team) for one in told.agents]
    whom = ", ".join(names) if len(names) <= 5 else f"{len(names)} subscribers"
    render.say(f"  told{', to be woken' if told.wakes else ''}: {whom}")
    if told.sent.not_woken or told.sent.delayed:
        render.say(views.not_woken_text(told.sent, team))


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
    """Return the JSON form of a name, which may be that of a contract."""
    return {"name": contract.name if contract else name, "version": contract.newest if contract else None}
