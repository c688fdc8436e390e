"""@FILE and --file FILE mean the same in every verb that takes a text or a document."""

import os

import pytest

from xats.cli.kit import lane, params
from xats.cli.kit.verbs import VERBS

TEXT = "# Report\n\nall 12 tests pass\n"


@pytest.fixture
def as_alice(xats, crew):
    crew.send("bob", "alice", "question", need_reply=True)
    (xats.folder / "notes.md").write_text(TEXT)
    (xats.folder / "my notes.md").write_text(TEXT)
    (xats.folder / "folder").mkdir()

    def run(*words, **options):
        return xats(*words, env={"XATS_AGENT": "alice"}, **options)

    return run


MAIL = [["send", "bob"], ["reply", "1"], ["broadcast"]]


def last_body(crew) -> str:
    return crew.rows("select body from messages order by id desc limit 1")[0]["body"]


@pytest.mark.parametrize("words", MAIL, ids=" ".join)
@pytest.mark.parametrize(
    "given, body",
    [
        (["@notes.md"], TEXT),
        (["@my notes.md"], TEXT),
        (["--file", "notes.md"], TEXT),
        (["--file=my notes.md"], TEXT),
        (["--file", "-"], "typed"),
        (["@-"], "typed"),
        (["-"], "typed"),
        (["@@notes.md"], "@notes.md"),
        (["@@@notes.md"], "@@notes.md"),
        (["@@ -1,3 +1,4 @@ def f()"], "@@ -1,3 +1,4 @@ def f()"),
        (["@bob please look"], "@bob please look"),
        (["@"], "@"),
        (["see @notes.md"], "see @notes.md"),
    ],
    ids=str,
)
def test_a_body_comes_from_a_file_or_is_a_text(as_alice, crew, words, given, body):
    ran = as_alice(*words, *given, "-q", stdin="typed")
    assert last_body(crew) == body
    assert ran.stderr == ""


@pytest.mark.parametrize(
    "word, why",
    [
        ("@nobody", "there is no file nobody"),
        ("@notes.md/more", "there is no file notes.md/more"),
        ("@folder", "folder is a folder"),
        (f"@{'x' * 300}", f"there is no file {'x' * 300}"),
    ],
)
def test_a_word_that_is_no_file_is_a_text_with_a_remark(as_alice, crew, word, why):
    ran = as_alice("send", "bob", word)
    assert last_body(crew) == word
    assert ran.stderr == f"  {why}: the body is the text {word}; to mean the text, write @{word}\n"
    assert as_alice("send", "bob", f"@{word}").stderr == ""
    assert last_body(crew) == word
    assert as_alice("send", "bob", word, "--json").stderr == ""


@pytest.mark.parametrize("words", MAIL, ids=" ".join)
@pytest.mark.parametrize("given", [["--file", "nowhere"], ["--file", "folder"], ["text", "--file", "notes.md"]])
def test_what_cannot_be_read_or_is_given_twice_is_refused(as_alice, crew, words, given):
    ran = as_alice(*words, *given, code=2)
    assert "Nothing was sent." in ran.stderr
    assert len(crew.rows("select id from messages")) == 1


def test_a_file_that_may_not_be_read_is_an_error(as_alice, xats, crew):
    (xats.folder / "notes.md").write_bytes(b"a\xff")
    assert "not UTF-8" in as_alice("send", "bob", "@notes.md", code=2).stderr
    assert len(crew.rows("select id from messages")) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("given", ["@closed/notes.md", "@closed.md"])
@pytest.mark.parametrize(
    "words, code", [(["send", "bob"], 2), (["ask", "bob"], 2), (["task", "add", "one", "-d"], 2)], ids=str
)
def test_a_file_without_permission_is_no_text(as_alice, xats, crew, given, words, code):
    (xats.folder / "closed").mkdir(mode=0o600)
    (xats.folder / "closed.md").touch(mode=0o000)
    assert f"cannot be read: Permission denied: {given[1:]}. " in as_alice(*words, given, code=code).stderr
    assert len(crew.rows("select id from messages")) == 1
    assert crew.rows("select id from tasks") == []


@pytest.mark.parametrize("words", [["send", "bob"], ["task", "add", "one", "-d"]], ids=" ".join)
def test_ctrl_c_while_a_text_is_typed_leaves_nothing(xats, as_alice, crew, words):
    shown = xats.on_terminal(*words, "-", env={"XATS_AGENT": "alice"}, interrupt_at="ends it", code=130)
    assert "xats: Interrupted. Nothing was " in shown
    assert len(crew.rows("select id from messages")) == 1
    assert crew.rows("select id from tasks") == []


def test_batch_goes_without_a_file(as_alice):
    assert "only ADDRESS is allowed" in as_alice("send", "--batch", "-", "--file", "x", stdin="{}", code=2).stderr


@pytest.mark.parametrize("given", ["@notes.md", None])
def test_the_texts_of_tasks_come_from_files(as_alice, crew, given):
    def words(option: str) -> list[str]:
        return [option, given] if given else ["--file", "notes.md"]

    as_alice("task", "add", "one", *words("--description"), "--review", "qa")
    as_alice("task", "add", "two", *words("-d"))
    as_alice("task", "edit", "2", "--file", "my notes.md")
    as_alice("task", "claim", "1")
    as_alice("task", "submit", "1", *words("--result"))
    crew.add("qa", role="qa")
    as_alice("task", "feedback", "1", *([given] if given else ["--file", "notes.md"]), "--as", "qa")
    as_alice("task", "claim", "2")
    as_alice("task", "done", "2", *words("--result"))
    one, two = (as_alice("task", "show", number, "--json").json()["task"] for number in "12")
    assert (one["description"], two["description"], two["result"]) == (TEXT, TEXT, TEXT)
    assert [note["text"] for note in one["history"] if note["kind"] == "feedback"] == [TEXT]


def test_feedback_needs_a_text(as_alice):
    as_alice("task", "add", "one")
    assert "The feedback is missing. Nothing was changed." in as_alice("task", "feedback", "1", code=2).stderr


@pytest.mark.parametrize(
    "given", [["s.json"], ["@s.json"], ["--file", "s.json"], ["--file", "-"], ["-"], ["@-"]], ids=str
)
def test_schemas_and_documents_come_from_files(as_alice, xats, given):
    (xats.folder / "s.json").write_text('{"type": "object"}')
    stdin = '{"type": "object"}'
    assert "order@1 stored" in as_alice("contract", "put", "order", *given, stdin=stdin).stdout
    assert "satisfies order@1" in as_alice("contract", "check", "order", *given, stdin=stdin).stdout
    body = ["@s.json"] if given == ["s.json"] else given
    as_alice("send", "bob", *body, "--contract", "order", stdin=stdin)


@pytest.mark.parametrize("verb", ["put", "check"])
def test_a_document_is_given_once(as_alice, xats, verb):
    (xats.folder / "s.json").write_text("{}")
    as_alice("contract", "put", "order", "s.json")
    assert "is missing" in as_alice("contract", verb, "order", code=2).stderr
    assert "exclude each other" in as_alice("contract", verb, "order", "s.json", "--file", "s.json", code=2).stderr
    assert "nowhere" in as_alice("contract", verb, "order", "@nowhere", code=2).stderr


def test_a_file_whose_name_begins_with_at_is_still_a_file(as_alice, xats):
    (xats.folder / "@s.json").write_text("{}")
    as_alice("contract", "put", "order", "@s.json")
    as_alice("contract", "check", "order", "@@s.json")


NO_FILE = ("turn pass", "launch")  # --file would not say which text it is, or that it is the first prompt


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NO_FILE])
def test_every_verb_with_a_text_from_standard_input_has_both(verb):
    module, name, _, _ = VERBS[verb]
    taken = params.taken(getattr(__import__(f"xats.cli.{module}", fromlist=[name]), name))
    texts = [about.metavar for _, about in taken.values() if "@FILE" in (about.metavar or "")]
    documents = [about.metavar for _, about in taken.values() if about.metavar == "[FILE|-]"]
    assert ("--file" in lane.flags(taken)) == bool(texts or documents)
