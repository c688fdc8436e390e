"""Two agents edit one file in the real programs: one is told why not, reads the file again, and nothing is lost."""

from __future__ import annotations

import json
import os
import re

import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from tests.clients.office import Office

CLIENTS = ("claude-code", "codex", "gemini", "opencode", "qwen")


@pytest.fixture(params=CLIENTS)
def office(request, tmp_path_factory):
    _, why = real.installed(request.param)
    if why:
        pytest.skip(f"{request.param} cannot be installed here: {why}")
    with Model() as model:
        made = Office(str(tmp_path_factory.mktemp("e")), request.param, model)
        try:
            yield made
        finally:
            model.release()
            made.close()


with_subagents = pytest.mark.parametrize("office", ["claude-code", "opencode"], indirect=True)


def call(tool, **arguments):
    """Return the line of a prompt at which the model calls `tool`."""
    return f"CALL {tool} {json.dumps(arguments)}"


def edit(office, path, old, new):
    """Return the line at which the model replaces the line `old` of the file `path`, in the way of its program."""
    path = os.path.join(office.project, path)
    if office.name == "codex":
        name = os.path.relpath(path, office.project)
        return call(
            "apply_patch", input=f"*** Begin Patch\n*** Update File: {name}\n@@\n-{old}\n+{new}\n*** End Patch\n"
        )
    if office.name == "opencode":
        return call("edit", filePath=path, oldString=old, newString=new)
    more = {"instruction": "replace a line"} if office.name == "gemini" else {}
    tool = {"claude-code": "Edit", "gemini": "replace", "qwen": "edit"}[office.name]
    return call(tool, file_path=path, old_string=old, new_string=new, **more)


def read(office, path):
    """Return the line at which the model reads the file `path`."""
    path = os.path.join(office.project, path)
    if office.name == "codex":
        why = {"sandbox_permissions": "require_escalated", "justification": "to read it"}
        return call("exec_command", cmd=f"cat {path}", **why)
    if office.name == "opencode":
        return call("read", filePath=path)
    return call("Read" if office.name == "claude-code" else "read_file", file_path=path)


def write(office, path, text):
    with open(os.path.join(office.project, path), "w", encoding="utf-8") as file:
        file.write(text)


def text_of(office, path):
    with open(os.path.join(office.project, path), encoding="utf-8") as file:
        return file.read()


def say(office, running, *lines, until=None):
    """Submit a prompt of `lines`, say yes to each dialog, and wait for the turn's end, or for `until`."""
    count, calls = len(office.model.requests()), sum(line.startswith("CALL ") for line in lines)
    running.submit("\n".join(lines))

    def answered() -> bool:
        """Tell whether each tool has answered and the program is idle."""
        results = [one for one in office.model.requests()[count:] if one["kind"] == "result"]
        return len(results) >= calls and running.idle()

    ended = until or answered
    while True:
        running.until(lambda: ended() or running.shows(running.client.permission), what="its end, or a dialog")
        if running.shows(running.client.permission):
            office.approve(running)
        elif until or (running.settled() or running.idle()):
            return


def heard(office, since, pattern):
    """Return what the models heard since that matches `pattern`, each text once."""
    found = [re.search(pattern, one["heard"]) for one in office.model.requests()[since:] if one["kind"] == "result"]
    return list(dict.fromkeys(one[0] for one in found if one))


def test_two_agents_edit_one_file(office):
    write(office, "a.txt", "one\ntwo\nthree\n")
    bob, carol = (office.start(XATS_AGENT=name) for name in ("bob", "carol"))
    office.say(bob, "hello bob")
    office.say(carol, "hello carol")
    see = read(office, "a.txt")  # Qwen Code edits nothing that it has not read
    change = edit(office, "a.txt", "one", "ONE of bob")
    say(office, bob, see, change, "WAIT", until=lambda: office.model.held() == 1)
    assert text_of(office, "a.txt") == "ONE of bob\ntwo\nthree\n"
    since = len(office.model.requests())
    change = edit(office, "a.txt", "three", "THREE of carol")
    say(office, carol, see, change, see, change)
    said = heard(office, since, r"bob edited [^ ]*a\.txt [^.]*\. Your edit was refused\. Read the file again")
    assert len(said) == 1
    assert text_of(office, "a.txt") == "ONE of bob\ntwo\nTHREE of carol\n"
    office.model.release()
    bob.wait_idle()
    assert office.json("lock", "list", "--as", "bob")["locks"] == []
    assert office.log() == ""


def test_a_locked_file(office):
    write(office, "a.txt", "one\ntwo\n")
    office.xats("register", "carol", "--no-pane", "--client", "generic")
    running = office.start(XATS_AGENT="bob")
    office.say(running, "hello bob")
    office.xats("lock", "take", "a.txt", "--reason", "half done", "--as", "carol")
    since = len(office.model.requests())
    say(office, running, read(office, "a.txt"), edit(office, "a.txt", "one", "ONE"))
    said = heard(office, since, r"carol has locked [^ ]*a\.txt \(half done\), for [^.]*\. Your edit was refused\.")
    assert len(said) == 1
    assert text_of(office, "a.txt") == "one\ntwo\n"
    running.until(lambda: office.state() == "idle", what="the turn has ended")
    office.xats("lock", "release", "a.txt", "--as", "carol")
    say(office, running, edit(office, "a.txt", "one", "ONE"))
    assert text_of(office, "a.txt") == "ONE\ntwo\n"
    assert office.log() == ""


def test_a_warning_reaches_the_model_and_the_edit_is_made(office):
    write(office, "a.txt", "one\ntwo\n")
    office.xats("register", "carol", "--no-pane", "--client", "generic")
    running = office.start(XATS_AGENT="bob", XATS_LOCK_ENFORCE="warn")
    office.say(running, "hello bob")
    office.xats("lock", "take", "a.txt", "--as", "carol")
    since = len(office.model.requests())
    say(office, running, read(office, "a.txt"), edit(office, "a.txt", "one", "ONE"))
    assert text_of(office, "a.txt") == "ONE\ntwo\n"
    assert len(heard(office, since, r"carol has locked [^ ]*a\.txt, for [^.]*\. Your edit is allowed\.")) == 1
    assert office.log() == ""


@with_subagents
def test_a_subagent_edits_for_its_parent(office):
    write(office, "a.txt", "one\ntwo\n")
    office.xats("register", "carol", "--no-pane", "--client", "generic")
    running = office.start(XATS_AGENT="bob")
    office.say(running, "hello bob")
    office.xats("lock", "take", "a.txt", "--as", "carol")
    mine = os.path.join(office.project, "mine.txt")
    tool, wanted = {
        "claude-code": ("Agent", call("Write", file_path=mine, content="x\n")),
        "opencode": ("task", call("write", filePath=mine, content="x\n")),
    }[office.name]
    prompt = "\n".join((wanted, read(office, "a.txt"), edit(office, "a.txt", "one", "ONE"), "WAIT"))
    kind = "general" if office.name == "opencode" else "general-purpose"
    running.submit(call(tool, description="edit", prompt=prompt, subagent_type=kind))

    def held() -> bool:
        if running.shows(running.client.permission):
            office.approve(running)
        return office.model.held() == 1

    running.until(held, what="the subagent waits")
    [lock] = office.json("lock", "list", "--as", "bob", "--mine")["locks"]
    assert (lock["path"], lock["kind"], lock["owner"]) == ("mine.txt", "automatic", "bob@t")
    said = heard(office, 0, r"carol has locked [^ ]*a\.txt, for [^.]*\. Your edit was refused\.")
    assert len(said) == 1
    assert text_of(office, "a.txt") == "one\ntwo\n"
    if office.name == "claude-code":  # opencode waits for its subagent
        running.until(lambda: office.state() == "idle", what="the session itself waits")
    office.model.release()
    running.wait_idle()
    assert office.log() == ""
