"""The example crews: each is complete, can be copied, and overwrites nothing."""

import json
import os
import tomllib

import pytest

from xats.base.errors import NotFound, Refused, XatsError
from xats.cli.crews import example as verb
from xats.cli.kit.context import Context
from xats.cli.models import examples as models
from xats.crews import examples
from xats.delivery import poke

NAMES = ("plan", "review")
LARGEST = 1200  # characters of a first prompt that a pane of 80 x 24 can show


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XATS_HOME", str(tmp_path / "home"))
    return Context()


def entries(name):
    return tomllib.loads(examples.text(examples.find(name)))["agents"]


def files(folder):
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_the_examples():
    assert examples.names() == list(NAMES)
    assert {name: sum(one.get("count", 1) for one in entries(name).values()) for name in NAMES} == {
        "plan": 4,
        "review": 2,
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_complete(name):
    """Its prompts are files of it, one can type them into any program, and its tasks are for its roles."""
    example, agents = examples.find(name), entries(name)
    prompts = {one["prompt"].removeprefix("@") for one in agents.values()}
    assert {*prompts, examples.FILE, example.tasks} == set(example.files)
    assert example.files[-1] == examples.FILE
    for path in prompts:
        with open(os.path.join(example.folder, path)) as file:
            text, removed = poke.sanitise(file.read())
        assert removed == []
        assert "\n" not in text, "xats could not type it into a program that takes single lines"
        assert 100 < len(text) < LARGEST
        assert "xats inbox" in text
        assert "xats reply" in text
    with open(os.path.join(example.folder, example.tasks)) as file:
        tasks = [json.loads(line) for line in file]
    roles = {one["role"] for one in agents.values()}
    assert {role for task in tasks for role in (task["role"], *task.get("review", ()))} == roles
    assert example.about == examples.text(example).split("\n")[0].removeprefix("# ")


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_the_example(here, tmp_path, capsys, name):
    assert verb.copy(here, name.upper()) == 0
    example = examples.find(name)
    copied = files(tmp_path)
    assert set(copied) == set(example.files)
    assert copied[examples.FILE].decode() == examples.text(example)
    said = capsys.readouterr()
    assert said.out.split("\n")[0] == f"copied the example {name} into {tmp_path}:"
    assert {line.strip() for line in said.out.split("\n")[1:-1]} == set(example.files)
    assert [line.strip() for line in said.err.splitlines()[1:]] == [
        "xats trust",
        "xats up",
        "xats task import crew/tasks.jsonl",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_tasks_can_be_imported(xats, crew, name):
    example = examples.find(name)
    path = os.path.join(example.folder, example.tasks)
    with open(path) as file:
        count = len(file.readlines())
    assert len(xats("task", "import", path, "--as", "alice", "--json").json()["tasks"]) == count
    again = xats("task", "import", path, "--as", "alice", "--json").json()["tasks"]
    assert [one["created"] for one in again] == [False] * count


def test_a_copy_goes_to_the_top_of_the_project(tmp_path, monkeypatch, capsys):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    for one in ("objects", "refs"):
        (tmp_path / ".git" / one).mkdir()
    below = tmp_path / "src"
    below.mkdir()
    monkeypatch.chdir(below)
    verb.copy(Context(), "review")
    assert (tmp_path / examples.FILE).exists()
    assert not os.listdir(below)
    assert "xats task import ../crew/tasks.jsonl" in capsys.readouterr().err


def test_nothing_is_overwritten(here, tmp_path, capsys):
    """All that is in the way is named, and nothing is copied."""
    (tmp_path / "crew").mkdir()
    for path in ("crew/worker.md", "crew/reviewer.md"):
        (tmp_path / path).write_text("mine")
    before = files(tmp_path)
    with pytest.raises(Refused, match=r"crew/reviewer.md, crew/worker.md exist already") as found:
        verb.copy(here, "review")
    assert found.value.exit == 4
    assert found.value.data["files"] == ["crew/reviewer.md", "crew/worker.md"]
    assert files(tmp_path) == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["file", "symlink"])
def test_a_folder_that_is_none_is_in_the_way(here, tmp_path, kind):
    path = tmp_path / "crew"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refused, match=r"^crew exists already"):
        verb.copy(here, "review")
    assert os.listdir(tmp_path) == ["crew"]


def test_a_crew_file_that_exists_stays_and_xats_shows_what_to_add(here, tmp_path, capsys):
    (tmp_path / examples.FILE).write_text("team = 'shop'\n")
    with pytest.raises(Refused, match=r"xats.toml exists already") as found:
        verb.copy(here, "review")
    assert os.listdir(tmp_path) == [examples.FILE]
    assert (tmp_path / examples.FILE).read_text() == "team = 'shop'\n"
    shown = capsys.readouterr().err
    assert tomllib.loads(shown[shown.index("[agents") :])["agents"] == entries("review")
    assert f"cp -R {examples.find('review').folder}/crew ." in found.value.hint


def test_a_copy_that_fails_leaves_nothing(here, tmp_path, monkeypatch):
    real = examples.shutil.copyfileobj

    def fill(source, target):
        if target.name.endswith(examples.FILE):
            raise OSError(28, "No space left on device", target.name)
        real(source, target)

    monkeypatch.setattr(examples.shutil, "copyfileobj", fill)
    with pytest.raises(XatsError, match="No space left on device"):
        verb.copy(here, "review")
    assert os.listdir(tmp_path) == []


def test_a_file_that_appears_meanwhile_is_kept(here, tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "in_the_way", lambda *_: [])
    (tmp_path / examples.FILE).write_text("mine")
    with pytest.raises(Refused, match=r"xats.toml exists already"):
        verb.copy(here, "review")
    assert files(tmp_path) == {examples.FILE: b"mine"}


def test_a_folder_without_permission(here, tmp_path):
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(XatsError, match="Permission denied"):
            verb.copy(here, "review")
    finally:
        tmp_path.chmod(0o700)


def test_a_name_that_is_unknown(here, tmp_path):
    with pytest.raises(NotFound) as found:
        verb.copy(here, "reviw")
    assert found.value.hint == "did you mean review?"
    for name in ("../review", "", "/", "crew"):
        with pytest.raises(NotFound):
            verb.copy(here, name)
    assert os.listdir(tmp_path) == []


def test_the_list(here, capsys):
    assert verb.copy(here, "list") == 0
    said = capsys.readouterr()
    rows = dict(line.split("\t") for line in said.out.splitlines())
    assert list(rows) == list(NAMES)
    assert "three workers" in rows["plan"]
    assert "xats up --example plan" in said.err


def test_the_documents(here, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(here, "json", True)
    verb.copy(here, "list")
    found = models.UpExampleListDocument.model_validate_json(capsys.readouterr().out)
    assert [one.name for one in found.examples] == list(NAMES)
    verb.copy(here, "plan")
    said = capsys.readouterr()
    copied = models.UpExampleDocument.model_validate_json(said.out).example
    assert (copied.folder, copied.tasks, said.err) == (str(tmp_path), "crew/tasks.jsonl", "")


def test_the_rest_of_an_example_is_not_offered_where_it_would_overwrite(here, tmp_path, capsys):
    verb.copy(here, "review")
    capsys.readouterr()
    with pytest.raises(Refused, match=r"crew/tasks.jsonl, crew/worker.md, xats.toml exist already") as found:
        verb.copy(here, "plan")
    assert "cp " not in found.value.hint
    assert capsys.readouterr().err == ""


def test_the_list_fits_a_narrow_terminal():
    for name in NAMES:
        assert len(f"EXAMPLE  {examples.find(name).about}") < 80


# -- the verb ----------------------------------------------------------------------------------------------------------


def test_up_copies_an_example(xats):
    listed = xats("up", "--example", "list", "--json").json()["examples"]
    assert [one["name"] for one in listed] == list(NAMES)
    copied = xats("up", "--example", "plan", "--json").json()["example"]
    assert {one for one in copied["files"] if not (xats.folder / one).exists()} == set()
    assert xats("up", "--example", "plan", "--json", code=4).error()["files"] == sorted(copied["files"])
    assert xats("up", "--example", "pln", "--json", code=3).error()["hint"] == "did you mean plan?"
    names = [f"worker-{number}" for number in (1, 2, 3)]
    assert [one["name"] for one in xats("trust", "--json").json()["crew_file"]["agents"]] == ["planner", *names]


@pytest.mark.parametrize("more", [["bob"], ["--restart"], ["--dry-run"]])
def test_an_example_is_copied_alone(xats, more):
    said = xats("up", *more, "--example", "plan", code=2).stderr
    assert "--example copies a crew and starts nothing" in said
    assert os.listdir(xats.folder) == []
