"""The JSON of the verbs as tables for the reference: what a document has, and the objects that documents share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from xats.cli import models
from xats.cli.models import published

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import BaseModel

Row = tuple[str, str, str]
ALL = published.of_all()
OBJECTS: dict[str, Any] = ALL["$defs"]
BY_NAME: dict[str, type[BaseModel]] = {}
SHOWN = 12  # words of an enumeration that are listed; the longer lists have pages of their own
INTRODUCTION = (
    "With `--json` a verb prints one JSON object. `xats schema VERB` prints its JSON Schema, and `xats schema` the "
    "schemas of all verbs. Each object has `schema_version` 1, which changes when a field is renamed or removed. A new "
    "release may add fields, so ignore unknown ones. A time is ISO 8601 in UTC with milliseconds, such as "
    "`2026-03-01T12:00:00.000Z`; an address is `name@team`; an id is an integer.",
    "After a failure, standard output is empty, and standard error has one object with the field `error`.",
)


def schemas() -> str:
    """Return what `xats schema` prints, for the file from which it does."""
    return json.dumps(ALL, indent=1) + "\n"


def _learn(model: type[BaseModel]) -> None:
    for one in model.__subclasses__():
        BY_NAME[one.__name__] = one
        _learn(one)


_learn(models.base.Model)
_learn(models.lines.RootModel)


def of_verb(path: str) -> Iterator[tuple[str, list[Row]]]:
    """Yield each document that the verb prints with --json: what it is, and its fields (see `own`)."""
    for model in models.DOCUMENTS.get(path, ()):
        yield own(model.__name__)


def lines() -> Iterator[tuple[str, str]]:
    """Yield where lines of JSON are read or printed, and the object that each is."""
    for name, schema in ALL["lines"].items():
        yield name, kind(schema)


def shared() -> list[str]:
    """Return the names of the objects that are no document, in the order of the alphabet."""
    documents = {model.__name__ for several in models.DOCUMENTS.values() for model in several}
    return sorted(set(OBJECTS) - documents)


def own(name: str) -> tuple[str, list[Row]]:
    """Return what the object `name` is, and its fields but for those of the object that it extends, if it adds any."""
    described, found = OBJECTS[name]["description"], fields(name)
    for parent in (base.__name__ for base in BY_NAME[name].__bases__):
        if parent in shared() and (more := [one for one in found if one not in fields(parent)]):
            return f"{described} It has all fields of [{parent}](#json-{parent.lower()}), and:", more
    return described, found


def fields(name: str) -> list[Row]:
    """Return the fields of the object `name`: the key, its type and what it means."""
    found = OBJECTS[name]
    optional = set(found.get("properties", ())) - set(found.get("required", ()))
    return [
        (key, kind(schema) + (" (optional)" if key in optional else ""), schema.get("description", ""))
        for key, schema in found.get("properties", {}).items()
        if key != "schema_version"
    ]


def kind(schema: dict[str, Any]) -> str:
    """Return in words, and with links, which values fit a schema of ours."""
    if "anyOf" in schema:
        return _either([kind(one) for one in schema["anyOf"]])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#json-{name.lower()})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        words = [f"`{one}`" for one in schema["enum"]]
        return _either(words) if len(words) <= SHOWN else "code"
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"object of {kind(inner)}" if isinstance(inner, dict) else "object"
    if schema.get("type") == "string" and "T" in schema.get("pattern", ""):
        return "time"
    if schema.get("type") == "string" and "@" in schema.get("pattern", ""):
        return "address"
    return str(schema.get("type", "any value"))


def _either(kinds: Sequence[str]) -> str:
    return kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} or {kinds[-1]}"
