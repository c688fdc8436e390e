"""The verb that describes the JSON of the others: schema."""

from __future__ import annotations

import os

from xats.base.errors import NotFound
from xats.base.jsontext import from_json
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context

DRAFT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def schema(here: Context, verb: params.VerbArg = None, word: params.SecondVerbArg = None) -> int:
    """Print the JSON Schema of what a verb prints with --json.

    Without a verb: the schemas of all verbs, of a failure (printed on stderr), and of every kind of JSON Lines.

    Example: xats schema inbox

    Example: xats schema daemon status
    """
    del here
    found = published()
    if verb is None:
        render.document(found)
        return 0
    path = f"{verb} {word}" if word else verb
    if path not in found["schemas"]:
        from difflib import get_close_matches

        near = get_close_matches(path, found["schemas"], 1)
        msg = f"xats {render.one_line(path)[:40]} prints no JSON."
        raise NotFound(msg, f"did you mean xats schema {near[0]}?" if near else "xats commands --json=name,documents")
    render.put(render.json_text(of_verb(found, path)))  # a JSON Schema document has no schema_version
    return 0


def published() -> dict[str, Any]:
    """Return the schemas of the models (xats/cli/models) from the file that `make generate` writes.

    pydantic would take five times as long to make them.
    """
    with open(os.path.join(os.path.dirname(__file__), "schemas.json"), encoding="utf-8") as file:
        found: Any = from_json(file.read())
    return dict(found)


def of_verb(found: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the schema of what the verb `path` prints with --json, with the definitions that it refers to.

    `xats` is the program without a verb.
    """
    schema, needed = found["schemas"][path], {}
    line = path if path == "xats" else f"xats {path}"
    waiting = list(references(schema))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = found["$defs"][name]
            waiting += references(needed[name])
    return {**DRAFT, "title": f"{line} --json", **schema, "$defs": dict(sorted(needed.items()))}


def references(part: Any) -> Iterator[str]:
    """Yield the names of the definitions to which `part` of a schema refers."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].rpartition("/")[2]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)
