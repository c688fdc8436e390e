"""The fields that `--json=FIELDS` selects: those of the objects that a document lists, else of its first object.

The rest of the document stays as it is. The published schemas say which fields there are, so xats refuses an unknown
one before the verb does anything.
"""

from __future__ import annotations

from xats.base.errors import Usage
from xats.cli.kit import render
from xats.cli.kit.schema import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

# By verb: where the objects are if not in the first list of objects, or else the first object. None: the document.
WHERE: dict[str, str | None] = {
    "send": "message",
    "broadcast": "message",
    "reply": "message",
    "inbox": "messages",
    "launch": None,
    "team merge": "team",
    "client test": None,
    "daemon status": None,
    "db info": None,
}
STREAMED = ("db export", "db query")  # their documents hold the rows of tables, with columns instead of fields


def select(verb: str, asked: str) -> None:
    """Print from now on only the fields `asked` for, with commas, in the JSON of `verb`.

    Raises Usage, which lists the known fields.
    """
    places = _places(verb)
    known = list(dict.fromkeys(name for _, names in places for name in names))
    if not known:
        msg = f"The JSON of xats {verb} has no fields to select."
        raise Usage(msg, f"xats {verb} --json" if verb in STREAMED else f"xats {verb} --help")
    names = list(dict.fromkeys(filter(None, (name.strip() for name in asked.split(",")))))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        word = "field" if len(unknown) == 1 else "fields"
        said = f"Unknown {word} {', '.join(render.one_line(one)[:40] for one in unknown)}." if unknown else ""
        msg = said or "--json= names no field."
        raise Usage(msg, f"known fields: {', '.join(known)}", fields=known)

    def row(found: Any) -> Any:
        return {name: found[name] for name in names if name in found} if isinstance(found, dict) else found

    def document(found: dict[str, Any]) -> dict[str, Any]:
        where = next((place for place, _ in places if place is None or place in found), None)
        if where is None:
            return dict(row(found))
        rows = found[where]
        return {**found, where: [row(one) for one in rows] if isinstance(rows, list) else row(rows)}

    render.use_fields(document, row)


def _places(verb: str) -> list[tuple[str | None, list[str]]]:
    """Return, for each document of `verb`, the field that has its objects and the names of their fields."""
    found = published()
    if verb in STREAMED or verb not in found["schemas"]:
        return []
    return [_place(found["$defs"], verb, one) for one in _objects(found["$defs"], found["schemas"][verb])]


def _place(definitions: dict[str, Any], verb: str, document: dict[str, Any]) -> tuple[str | None, list[str]]:
    own = {name: schema for name, schema in document["properties"].items() if name != "schema_version"}
    lists: dict[str, Sequence[dict[str, Any]]] = {}
    single: dict[str, Sequence[dict[str, Any]]] = {}
    for name, schema in own.items():
        if items := [one for kind in _kinds(definitions, schema) for one in _objects(definitions, kind.get("items"))]:
            lists[name] = items
        elif objects := list(_objects(definitions, schema)):
            single[name] = objects
    every = {**lists, **single}
    where = WHERE.get(verb, next(iter(every), None))
    if where is not None and where not in every:
        where = next(iter(every), None)
    if where is None:
        return None, list(own)
    return where, list(dict.fromkeys(name for one in every[where] for name in one["properties"]))


def _objects(definitions: dict[str, Any], schema: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the schemas of objects that `schema` allows."""
    return (one for one in _kinds(definitions, schema or {}) if one.get("properties"))


def _kinds(definitions: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield `schema`, with references resolved, or each of its alternatives."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" not in schema:
        yield schema
    for one in schema.get("anyOf", ()):
        yield from _kinds(definitions, one)
