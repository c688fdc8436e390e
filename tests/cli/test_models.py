"""Every JSON document has a model, every model describes its fields, and what is printed is what its model says."""

import json
import os
import re
import sqlite3
import typing

import jsonschema
import pytest
from pydantic import ValidationError

from tests.support import documents
from tools import rooms
from xats.base.errors import XatsError
from xats.base.jsontext import SCHEMA_VERSION
from xats.cli import models
from xats.cli.kit import schema as printed
from xats.cli.kit import tree
from xats.cli.mail import batch
from xats.cli.models import base, lines, machine, mail, tasks
from xats.cli.tasks import text as task_text
from xats.clients import registry
from xats.clients.profile import Profile

# The verbs that print no document: they talk to a person, become another program, or answer one.
WITHOUT = {"top", "demo", "demo-agent", "schema", "daemon run", "hook run", "hook wait", "attach"}


def below(model):
    for one in model.__subclasses__():
        yield one
        yield from below(one)


MODELS = sorted(set(below(base.Model)), key=lambda one: one.__name__)


def test_every_verb_has_a_model_of_its_document():
    assert set(models.DOCUMENTS) == {*tree.VERBS, "xats"} - WITHOUT


def test_a_document_says_its_version():
    for several in (*models.DOCUMENTS.values(), (models.FailureDocument,)):
        assert all(issubclass(one, base.Document) for one in several)
    assert typing.get_args(base.Document.model_fields["schema_version"].annotation) == (SCHEMA_VERSION,)


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_every_field_is_described_in_one_line(model):
    assert re.fullmatch(r"[A-Z].*\.", model.__doc__)
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name} has no description"
        assert re.fullmatch(r"[A-Za-z0-9].{2,110}\.", field.description), (name, field.description)
        assert re.fullmatch(r"[a-z][a-z0-9_]*", field.alias or name)


# -- the words of enumerations, which code lists elsewhere -------------------------------------------------------------


def checks(xats, table: str, column: str) -> tuple[str, ...]:
    """Return the words that the store accepts in `column` of `table`."""
    store = sqlite3.connect(xats.path)
    (text,) = store.execute("select sql from sqlite_master where name = ?", (table,)).fetchone()
    store.close()
    return tuple(re.findall(r"'(\w+)'", re.search(rf"check \({column} in \(([^)]*)\)", text)[1]))


def test_the_words_are_those_of_the_store(xats, crew):
    assert checks(xats, "messages", "evidence") == mail.EVIDENCE
    assert set(checks(xats, "wakes", "state")) == set(mail.WAKE_STATES)
    assert set(checks(xats, "tasks", "state")) == set(tasks.STATES)
    assert checks(xats, "task_notes", "kind") == tasks.NOTES


def test_the_words_are_those_of_the_code():
    assert set(tasks.NOTES) == set(task_text.DONE)


def test_a_profile_has_the_fields_of_profiles():
    kinds = {"str": str, "bool": bool, "int": int, "tuple[str, ...]": list[str]}
    wanted = {name: kinds[kind] for name, kind in Profile.__annotations__.items()}
    assert {name: one.annotation for name, one in machine.ClientProfile.model_fields.items()} == wanted


VALUES = ("text", "", 1, 0, -1, 6000, 1.5, True, None, ["text"], [""], [1], [], {}, "pane", "1h")


def fits(model, values) -> bool:
    try:
        model.model_validate(values)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", [*batch.FIELDS, "colour"])
def test_the_reader_of_batches_takes_what_the_model_takes(name):
    for value in VALUES:
        line = {"body": "text", name: value}
        try:
            batch._draft(1, json.dumps(line), "bob", 0)
            taken = True
        except XatsError as problem:
            taken = not re.search(
                "must be .*, not |cannot be (?!a kind)|there is no field|is unknown|is missing", str(problem)
            )
        assert taken == fits(lines.BatchLine, line), line


@pytest.mark.parametrize("name", [one for one in Profile.__annotations__ if one != "name"])
def test_the_reader_of_profiles_takes_what_the_model_takes(name):
    for value in VALUES:
        if value is not None:  # TOML has none
            assert registry._fits(value, Profile.__annotations__[name]) == fits(lines.ProfileFile, {name: value}), value
    assert not fits(lines.ProfileFile, {"colour": 1})


# -- what is checked ---------------------------------------------------------------------------------------------------

WAITING = '{"schema_version": 1, "unread": 3}'


def test_the_check_finds_a_field_that_is_missing_new_or_of_another_type():
    documents.check(["wait", "--json"], WAITING, "")
    for wrong in (
        "{}",
        '{"schema_version": 1}',
        '{"unread": 3}',
        WAITING.replace("3", '"3"'),
        WAITING.replace("3", "3.5"),
    ):
        with pytest.raises(ValidationError):
            documents.check(["wait", "--json"], wrong, "")
    with pytest.raises(ValidationError, match=r"more\n.*Extra inputs"):
        documents.check(["wait", "--json"], WAITING.replace("}", ', "more": 1}'), "")
    with pytest.raises(ValidationError):
        documents.check(["wait", "--json"], "", '{"error": {"code": "x"}}')


@pytest.mark.parametrize(
    "words, verb",
    [
        (["--as", "wait", "send", "status", "hi"], "send"),
        (["task", "--json", "list"], "task list"),
        (["--team", "db", "db", "info"], "db info"),
        (["agents", "--role", "agent"], "agents"),
    ],
)
def test_the_verb_of_a_command_line(words, verb):
    assert documents.verb_of(words) == verb


def test_every_verb_of_a_task_prints_what_its_model_describes(xats, crew):
    """Other tests print the documents of the other verbs; each run of the program is compared with its model."""

    def task(*words, code=0):
        return json.loads(xats("--as", "alice", "task", *words, "--json", code=code).stdout)["task"]

    task("add", "Write the parser")
    task("claim", "1")
    for words in (["renew", "1"], ["progress", "1", "half"], ["release", "1"], ["edit", "1", "--priority", "1"]):
        assert task(*words)["id"] == 1
    assert task("cancel", "1", "--reason", "no")["reason"] == "no"
    assert task("wait", "1", code=1)["history"]
    assert task("reopen", "1")["state"] == "open"
    task("claim", "--next")
    assert task("fail", "1", "--reason", "no")["state"] == "failed"
    assert xats("--as", "alice", "task", "export", "--all", "--json").json()["tasks"][0]["outcome"] == "no"


def test_lines_of_json_are_checked_too(xats, crew):
    crew.send("alice", "bob", "hi")
    xats("--as", "alice", "task", "add", "Write the parser")
    assert xats("events", "--jsonl").stdout.count("\n") >= 2
    exported = xats("task", "export").stdout
    documents.reader("task export --jsonl").validate_json(exported)
    for line in xats("db", "export").stdout.splitlines():
        documents.reader("db export --jsonl").validate_json(line)


# -- what is published -------------------------------------------------------------------------------------------------


def test_the_schemas_are_schemas_and_allow_what_a_later_release_adds(xats):
    every = xats("schema").json()
    assert set(every["schemas"]) == {*models.DOCUMENTS, "failure"}
    assert set(every["lines"]) == {*(f"{name} --jsonl" for name in models.LINES), *models.READ}
    for schema in (*every["schemas"].values(), *every["lines"].values(), {"$defs": every["$defs"]}):
        jsonschema.Draft202012Validator.check_schema(schema)
    assert not [name for name in every["$defs"] if "__" in name]  # two models of one name
    one = json.loads(xats("schema", "wait").stdout)
    assert (one["$schema"], one["title"]) == (printed.DRAFT["$schema"], "xats wait --json")
    jsonschema.validate({**json.loads(WAITING), "more": 1}, one)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema_version": 1, "unread": "3"}, one)


def test_a_published_schema_fits_what_its_verb_prints(xats, crew):
    crew.send("alice", "bob", "hi", need_reply=True)
    for words in (["agents"], ["inbox", "--as", "bob"], ["status", "1", "--as", "alice"], ["doctor"]):
        schema = json.loads(xats("schema", words[0]).stdout)
        jsonschema.validate(json.loads(xats(*words, "--json", code=None).stdout), schema)


def test_a_verb_without_json_is_said_to_have_none(xats):
    ran = xats("schema", "top", code=3)
    assert ran.stderr.startswith("xats: xats top prints no JSON.\n")


def test_a_mistyped_verb_has_a_suggestion(xats):
    said = xats("schema", "inbx", code=3).stderr
    assert said == "xats: xats inbx prints no JSON.\n  did you mean xats schema inbox?\n"
    assert len(xats("schema", "top", code=3).stderr) < 200


# -- who imports them --------------------------------------------------------------------------------------------------


def test_only_cold_verbs_import_the_models():
    paths = rooms.modules().items()
    users = {name for name, path in paths if any(one.startswith("xats.cli.models") for one in rooms.imports(path))}
    assert {name for name in users if not name.startswith("xats.cli.models")} == {
        "xats.cli.tasks.transfer",
    }


@pytest.mark.parametrize("words", [["agents"], ["events"], ["task", "list"], ["status", "1"], ["show", "1"]])
def test_no_verb_imports_them_to_print(xats, crew, words):
    crew.send("alice", "bob", "hi")
    code = (
        "import sys; from xats.__main__ import main; code = main(); dear = {'pydantic', 'xats.cli.models'}\n"
        "print([*dear & {*sys.modules}], file=sys.stderr); sys.exit(code)"
    )
    done = xats.run([*xats.words[:2], "-c", code, *words, "--json", "--as", "alice"])
    assert (done.returncode, done.stderr.decode()) == (0, "[]\n"), os.fsdecode(done.stderr)
