"""Write docs/reference.md: every verb with its usage, options and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import commands
import documents

from xats.cli.help import facts
from xats.cli.help.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commands import Option, Verb

NOTE = "<!-- Generated from the command tree by tools/generate.py; change that, then: make generate -->"


def page(verbs: Sequence[Verb]) -> str:
    """Return the page."""
    lines = [NOTE, "", "# Reference", ""]
    for panel in dict.fromkeys(verb.panel for verb in verbs):
        rows = [(f"[`xats {one.path}`](#{one.page})", cell(one.summary)) for one in verbs if one.panel == panel]
        lines += table((panel, ""), rows)
    lines += ["## Common options", "", "Every verb takes these, before or after its name.", ""]
    lines += table(("option", "meaning"), (row(option) for option in commands.common()))
    lines += overview()
    for verb in verbs:
        lines += section(verb)
    lines += json()
    lines += ["## Scripting", "", *scripting()]
    lines += ["## Addresses", "", *table(("address", "recipients"), pairs(facts.ADDRESSES)), facts.DURATIONS, ""]
    lines += ["## Environment", "", *table(("variable", "meaning"), pairs(facts.ENVIRONMENT))]
    lines += ["## Files", "", *table(("file", "content"), pairs(facts.FILES))]
    lines += ["## Exit codes", "", *table(("code", "meaning"), ((str(code), cell(text)) for code, text in facts.EXITS))]
    return "\n".join(lines).rstrip("\n") + "\n"


def overview() -> list[str]:
    """Return the section of xats without a verb."""
    lines = ["## xats", "", "```text", "xats [COMMON OPTIONS]", "```", "", prose(facts.OVERVIEW), ""]
    for description, fields in documents.of_verb("xats"):
        lines += [f"With `--json`: {description}", "", *of_fields(fields)]
    return lines


def scripting() -> list[str]:
    """Return the section about scripts, as `xats help scripting` has it."""
    topic = TOPICS["scripting"]
    lines = [line for paragraph in topic.text for line in (prose(paragraph), "")]
    return [*lines, *table(("command", "what it does"), pairs(topic.rows))]


def section(verb: Verb) -> list[str]:
    """Return the section of one verb."""
    words = [argument.usage for argument in verb.arguments]
    usage = " ".join(("xats", verb.path, *words, "[OPTIONS]"))
    lines = [f"## xats {verb.path}", "", "```text", usage, "```", ""]
    for paragraph in verb.text:
        lines += [prose(paragraph), ""]
    rows = [(code(argument.metavar), cell(argument.help)) for argument in verb.arguments]
    rows += [row(option) for option in verb.options]
    if rows:
        lines += table(("argument or option", "meaning"), rows)
    lines += ["```sh", *verb.examples, "```", ""]
    for description, fields in documents.of_verb(verb.path):
        lines += [f"With `--json`: {description}", "", *of_fields(fields)]
    return lines


def json() -> list[str]:
    """Return the section about JSON: the rules, the lines, and the objects that documents share."""
    lines = ["## JSON", ""]
    for paragraph in documents.INTRODUCTION:
        lines += [paragraph, ""]
    lines += table(("one JSON object a line", "object"), ((code(name), kind) for name, kind in documents.lines()))
    for name in documents.shared():
        description, fields = documents.own(name)
        lines += [f"### JSON: {name}", "", description, "", *of_fields(fields)]
    return lines


def of_fields(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the table of the fields of an object."""
    if not rows:
        return []
    head = ["| field | type | meaning |", "| --- | --- | --- |"]
    return [*head, *(f"| {code(key)} | {kind} | {cell(meaning)} |" for key, kind, meaning in rows), ""]


def row(option: Option) -> tuple[str, str]:
    """Return an option as a row of a table."""
    names = (*reversed(option.names), *option.negative)
    value = f" {option.metavar}" if option.metavar else ""
    default = f" Default: {option.default}." if option.default else ""
    return code(", ".join(names) + value), cell(option.help + default)


def pairs(rows: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Return rows of a table whose first column is what somebody types."""
    return ((code(name), cell(meaning)) for name, meaning in rows)


def table(titles: tuple[str, str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table."""
    return [f"| {' | '.join(titles)} |", "| --- | --- |", *(f"| {' | '.join(one)} |" for one in rows), ""]


def prose(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    return "".join(f"\\{character}" if character in "\\`*<>[]#" else character for character in text)


def cell(text: str) -> str:
    """Return `text` for a cell of a table."""
    return prose(text).replace("|", "\\|")


def code(text: str) -> str:
    """Return `text` as code, in a cell."""
    return f"`{text}`".replace("|", "\\|")
