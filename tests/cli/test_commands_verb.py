"""`xats commands`: every verb, as the command tree parses it, for programs; and for people a table."""

import pytest
from typer.core import TyperArgument

from xats.cli import models
from xats.cli.help import commands
from xats.cli.kit import params, tree
from xats.cli.kit.verbs import GROUPS, VERBS


@pytest.fixture
def found(xats):
    return xats("commands", "--json").json()


def of_tree(path: str) -> tuple[list[dict], list[dict]]:
    """Return the arguments and options of the verb `path` as Typer parses them, without the common ones."""
    arguments, options = [], []
    for one in tree.as_command(path).params:
        same = {"help": one.help, "required": one.required}
        if one.name in params.COMMON or getattr(one, "hidden", False) or "--help" in one.opts:
            continue
        if isinstance(one, TyperArgument):
            arguments.append({"value": one.metavar, **same, "repeatable": one.nargs != 1})
            continue
        plain = one.is_flag or one.multiple or one.default in (None, 0)
        value = {"value": None if one.is_flag else one.metavar, "default": None if plain else str(one.default)}
        flags = {"flags": sorted(one.opts, key=lambda name: name[:2] != "--"), "negative_flags": one.secondary_opts}
        options.append({**flags, **value, **same, "repeatable": one.multiple})
    return arguments, options


def test_every_verb_is_there_in_order(found):
    assert [one["name"] for one in found["commands"]] == list(VERBS)
    assert [one["name"] for one in found["groups"]] == list(GROUPS)
    assert all(one["summary"] == VERBS[one["name"]][3] for one in found["commands"])


@pytest.mark.parametrize("path", VERBS)
def test_it_says_what_the_command_tree_parses(path):
    one = commands.document_of(path)
    assert (one["arguments"], one["options"]) == of_tree(path)


def test_the_common_options_are_those_of_every_verb(found):
    flags = {flag for one in found["options"] for flag in one["flags"]}
    known = {flag for one in tree.as_command("ack").params if one.name != "message_id" for flag in one.opts}
    assert flags - {"--help", "-h"} == {flag for flag in known if flag.startswith("-")} - {"--help", "-h"}
    assert {"--help", "--no-migrate", "--verbose"} <= flags


def test_the_documents_are_those_of_xats_schema(xats, found):
    definitions = xats("schema").json()["$defs"]
    for one in found["commands"]:
        assert one["documents"] == [model.__name__ for model in models.DOCUMENTS.get(one["name"], ())]
        assert one["lines"] == [model.__name__ for verb, model in models.LINES.items() if verb == one["name"]]
        assert {*one["documents"], *one["lines"]} <= set(definitions)


def test_fields_can_be_chosen(xats):
    only = xats("commands", "--json=name,examples").json()["commands"]
    assert only[0] == {"name": "send", "examples": list(commands.verb("send").examples)}


def test_a_pipe_gets_a_verb_and_its_summary_in_each_line(xats):
    lines = xats("commands").stdout.splitlines()
    assert lines == [f"{path}\t{summary}" for path, (_, _, _, summary) in VERBS.items()]
    assert xats("commands", "-q").stdout.split("\n")[:-1] == list(VERBS)


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_terminal_gets_a_table_that_fits(xats, columns):
    shown = xats.on_terminal("commands", env={"COLUMNS": columns, "NO_COLOR": "1"})
    assert shown.startswith("VERB")
    assert max(map(len, shown.splitlines())) <= int(columns)
    assert "contract unsubscribe" in shown


def test_a_reader_that_leaves_is_no_error(xats):
    line = "set -o pipefail; " + " ".join([*xats.words, "commands"]) + " | head -1"
    done = xats.run(["bash", "-c", line])
    assert (done.stderr, done.stdout[:4]) == (b"", b"send")


def test_it_needs_no_store(xats, found):
    assert not (xats.home / "xats").exists()
