"""Each example crew does its tasks, with demo agents in place of its programs."""

import shutil

import pytest

from tests.support.crews import Crew
from tests.support.places import staged
from xats.crews import examples

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
ENOUGH = 120  # seconds, on a loaded machine
TASKS = {"plan": 8, "review": 4}
WORKERS = {"plan": {"worker-1", "worker-2", "worker-3"}, "review": {"worker"}}


@pytest.fixture
def made(xats, tmp_path):
    with staged(xats, tmp_path) as stage:
        yield Crew(stage)


@pytest.mark.parametrize("name", examples.names())
def test_an_example_does_its_tasks(made, name):
    """One gets its tasks before it starts, and begins by its prompts; the other one later, and mail wakes it."""
    example = examples.find(name)
    examples.copy(example, str(made.folder))
    made.write(examples.text(example))
    words = ("task", "import", example.tasks, "--as", "carol")
    if name == "plan":
        made.xats(*words)
    made.agree()
    made.up()
    if name == "review":
        made.xats(*words)
    made.finish(ENOUGH)
    assert len(made.states()) == TASKS[name]
    for task in made.states():
        kinds = made.history(task)
        assert kinds.count("claimed") == kinds.count("done") == 1, kinds
        assert kinds.count("submitted") == kinds.count("approved")
    assert {one.partition(":")[0] for one in made.commits()} == {f"task #{one}" for one in made.states()}
    assert {one.partition("/")[2] for one in made.branches()} >= WORKERS[name]
    began = [one["agent"] for one in made.got() if "began" in one]
    assert sorted(began) == sorted(set(began)) == sorted(made.living())
