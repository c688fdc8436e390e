"""Compare the JSON that a verb really printed with its model. Every run of the program in a test passes here."""

from __future__ import annotations

import json
from functools import cache

VALUED = ("--as", "--team", "--db", "--color")  # the options that may stand before a verb, with a value


def check(words, stdout: str, stderr: str) -> None:
    """Fail unless what `xats words` printed is what the models describe, if it is JSON."""
    json_wanted, lines_wanted = "--json" in words, "--jsonl" in words
    if not (json_wanted or lines_wanted):
        return
    for line in stderr.splitlines():
        if line.startswith('{"'):
            reader("failure").validate_json(valid(line))
    verb = verb_of(words)
    if lines_wanted or (verb in ("events", "log") and "--follow" in words):
        for line in stdout.splitlines():
            reader(f"{verb} --jsonl").validate_json(line)
    elif stdout and verb != "schema":
        reader(verb).validate_json(valid(stdout))


def valid(text: str) -> str:
    """Return the JSON `text` without halves of surrogate pairs, which stand for bytes that are not UTF-8 (PEP 383)."""
    return json.dumps(json.loads(text), ensure_ascii=False).encode(errors="replace").decode()


def check_events(store) -> None:
    """Fail unless every event in `store` is of a type, and has the data, that the models describe."""
    from xats.cli.delivery.events import event_json
    from xats.core import events

    found, _, _ = store.read(lambda tx: events.after(tx, events.Query(since=0), 10_000))
    for one in found:
        reader("events --jsonl").validate_python(event_json(one))


def verb_of(words) -> str:
    """Return the verb of a command line: the first word that is one, with the second where its noun has verbs.

    A line without one is `xats` itself, or an error.
    """
    from xats.cli.kit.tree import VERBS

    firsts = {path.split()[0] for path in VERBS}
    for number, word in enumerate(words):
        if word in firsts and (not number or words[number - 1] not in VALUED):
            second = next((one for one in words[number + 1 :] if not one.startswith("-")), "")
            return f"{word} {second}" if f"{word} {second}" in VERBS else word
    return "xats"  # without a verb


@cache
def reader(name: str):
    """Return what reads the documents of the verb `name`, of `failure`, or of the lines `events --jsonl`."""
    from typing import Union

    from pydantic import TypeAdapter

    from xats.cli import models

    if name == "failure":
        return TypeAdapter(models.FailureDocument)
    if name.endswith(" --jsonl"):
        return TypeAdapter(models.LINES[name.removesuffix(" --jsonl")])
    return TypeAdapter(Union[models.DOCUMENTS[name]])  # noqa: UP007 - of a tuple


def split(text: str) -> list[str]:
    """Return the JSON documents that `text` consists of, which are indented on a terminal."""
    decoder, found = json.JSONDecoder(), []
    text = text.strip()
    while text:
        end = decoder.raw_decode(text)[1]
        found.append(text[:end])
        text = text[end:].lstrip()
    return found


def parsed(text: str):
    """Return the JSON document `text` without its version, to be compared with what a test expects."""
    document = json.loads(text)
    assert document.pop("schema_version") == 1
    return document
