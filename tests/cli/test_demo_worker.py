"""The demo agent that does tasks, here without a terminal: lines come through a pipe."""

import json
import os
import subprocess

import pytest

WORKER = ("demo-agent", "wil", "--role", "worker", "--works")
REVIEWER = ("demo-agent", "rea", "--role", "reviewer", "--works")


@pytest.fixture
def plan(xats):
    """Two tasks, of which the second needs the first, which needs a review; they are for the role worker."""
    xats("register", "carol", "--client", "human", "--no-pane")
    xats("task", "add", "Write one", "--role", "worker", "--review", "reviewer", "--as", "carol")
    xats("task", "add", "Write two", "--role", "worker", "--dep", "1", "--as", "carol")

    def states():
        listed = xats("task", "list", "--all", "--as", "carol", "--json").json()["tasks"]
        return {one["id"]: (one["state"], one["owner"]) for one in listed}

    return states


def run(xats, words, line, **more):
    """Run a demo agent that gets one line. Outside tmux its commands know it only by the variable."""
    return xats(*words, stdin=f"{line}\nquit\n", env={"XATS_AGENT": f"{words[1]}@crew"}, **more)


def subjects(folder):
    said = subprocess.run(["git", "log", "--format=%s %an"], cwd=folder, capture_output=True, text=True, check=False)
    return said.stdout.splitlines()


@pytest.fixture
def repository(xats):
    subprocess.run(["git", "init", "-q"], cwd=xats.folder, check=True)


def test_it_does_tasks_and_approves_those_of_others(xats, plan, repository):
    """It begins with a prompt, whatever the text."""
    run(xats, WORKER, "quit")
    assert plan() == {1: ("open", None), 2: ("open", None)}
    run(xats, WORKER, "Do your tasks.")
    assert plan()[1] == ("review", "wil@crew")
    run(xats, WORKER, "Approve your own work.")
    assert plan()[1] == ("review", "wil@crew")
    run(xats, REVIEWER, "xats: 1 new from wil - run: xats inbox")
    assert plan() == {1: ("done", "wil@crew"), 2: ("open", None)}
    run(xats, WORKER, "Do your tasks.")
    assert plan() == {1: ("done", "wil@crew"), 2: ("done", "wil@crew")}
    assert subjects(xats.folder) == ["task #2: Write two wil", "task #1: Write one wil"]
    assert (xats.folder / "task-1.md").read_text() == "# Write one\n\nDone by wil.\n"
    assert xats("lock", "list", "--json", "--as", "carol").json()["locks"] == []


def test_without_a_repository_it_only_writes_the_file(xats, plan):
    run(xats, WORKER, "Do your tasks.")
    found = xats("task", "show", "1", "--as", "carol", "--json").json()["task"]
    assert found["result"] == f"wrote {xats.folder}/task-1.md"


def test_it_answers_mail_and_keeps_a_log(xats, plan, tmp_path):
    log = tmp_path / "log"
    run(xats, WORKER, "quit")
    xats("register", "wil", "--no-pane", "--client", "generic", "--role", "worker")
    xats("send", "wil", "Are you there?", "--need-reply", "--as", "carol")
    xats("send", "wil", "Main is frozen", "--no-need-reply", "--as", "carol")
    run(xats, (*WORKER, "--log", str(log)), "xats: 2 new from carol - run: xats inbox")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert {one["agent"] for one in entries} == {"wil"}
    assert "began" in entries[0]
    assert entries[1]["line"] == "xats: 2 new from carol - run: xats inbox"
    assert [one["sender"] for one in entries if "message" in one and one["sender"] != "xats@crew"] == ["carol@crew"] * 2
    assert "Read and understood: Are you there?" in xats("inbox", "--as", "carol").stdout
    assert os.stat(log).st_mode & 0o777 == 0o600


def test_one_that_xats_has_started_goes_on_with_the_task_that_it_had(xats, plan, repository):
    """It has its name from `xats launch`, which has registered it, and stays registered at its end."""
    xats("register", "wil", "--no-pane", "--client", "generic", "--role", "worker")
    xats("task", "claim", "1", "--as", "wil")
    (xats.folder / "task-1.md").write_text("half a li")
    epoch = xats("whoami", "--as", "wil", "--json").json()["agent"]["epoch"]
    xats("demo-agent", "--works", stdin="quit\n", env={"XATS_AGENT": "wil@crew"})
    assert plan() == {1: ("review", "wil@crew"), 2: ("open", None)}
    assert subjects(xats.folder) == ["task #1: Write one wil"]
    assert xats("whoami", "--as", "wil", "--json").json()["agent"]["epoch"] == epoch


def test_a_task_whose_work_is_committed_is_only_submitted(xats, plan, repository):
    xats("register", "wil", "--no-pane", "--client", "generic", "--role", "worker")
    for _ in range(2):
        xats("task", "claim", "1", "--as", "wil")
        xats("demo-agent", "--works", stdin="quit\n", env={"XATS_AGENT": "wil@crew"})
        assert plan()[1][0] == "review"
        xats("task", "release", "1", "--as", "wil")
    assert subjects(xats.folder) == ["task #1: Write one wil"]


def test_a_file_that_another_agent_has_locked_gives_the_task_back(xats, plan, repository):
    xats("lock", "take", "task-1.md", "--as", "carol", "--reason", "mine")
    run(xats, WORKER, "Do your tasks.")
    assert plan()[1] == ("open", None)
    assert not (xats.folder / "task-1.md").exists()


def test_a_demo_agent_needs_a_name(xats):
    said = xats("demo-agent", code=2).stderr
    assert "A demo agent needs a name" in said
    assert "xats demo-agent bob" in said
