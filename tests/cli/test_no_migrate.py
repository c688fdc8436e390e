"""--no-migrate and XATS_NO_MIGRATE: a store of an older xats is refused and left as it was, by every process."""

import json
import os
import sqlite3

import psutil
import pytest

from xats.base import errors
from xats.store import open as opening
from xats.store.open import open_store
from xats.store.sqlite import engine, migrate

EVENT = {"hook_event_name": "UserPromptSubmit", "session_id": "s-1", "prompt": "hi"}


@pytest.fixture
def old(xats):
    """The path of the store that `xats` uses, with the schema before that of today."""
    os.makedirs(os.path.dirname(xats.path), mode=0o700)
    other = sqlite3.connect(xats.path, isolation_level=None)
    for number, name, script in migrate.migrations()[:-1]:
        other.executescript(script)
        other.execute("insert into migrations values (?, ?, 1, '0.1')", (number, name))
    other.execute(f"pragma application_id = {engine.APPLICATION_ID}")
    other.execute(f"pragma user_version = {engine.SCHEMA_VERSION - 1}")
    other.close()
    os.chmod(xats.path, 0o600)
    return xats.path


def version(path: str) -> int:
    other = sqlite3.connect(path)
    found = other.execute("pragma user_version").fetchone()[0]
    other.close()
    return found


def content(path: str) -> tuple[bytes, list[str]]:
    """Return the bytes of the store, and which files are beside it."""
    with open(path, "rb") as file:
        return file.read(), sorted(os.listdir(os.path.dirname(path)))


VERBS = [
    ["send", "bob", "hi", "--as", "alice"],
    ["inbox", "--as", "bob"],
    ["wait", "--as", "bob", "--timeout", "5s"],
    ["whoami", "--as", "bob"],
    ["agents"],
    ["register", "bob", "--no-pane"],
    ["task", "list"],
    ["daemon", "start"],
    ["daemon", "run"],
    ["deliver", "--once"],
    ["events"],
]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize("by", ["--no-migrate", "XATS_NO_MIGRATE"])
def test_no_verb_migrates(xats, old, words, by):
    before = content(old)
    option, env = ([by], {}) if by.startswith("-") else ([], {by: "1"})
    said = xats(*words, *option, env=env, code=errors.REFUSED).stderr
    assert f"schema {engine.SCHEMA_VERSION - 1}, and this xats needs {engine.SCHEMA_VERSION}. {by} forbids" in said
    assert ("env -u XATS_NO_MIGRATE xats agents" in said) == (by == "XATS_NO_MIGRATE")
    after = content(old)
    assert after[0] == before[0]
    assert not [name for name in after[1] if name.endswith(".bak")]


def test_the_failure_has_a_code(xats, old):
    error = xats("--no-migrate", "inbox", "--as", "bob", "--json", code=errors.REFUSED).error()
    assert error["code"] == "store_too_old"
    assert error["hint"].startswith("xats agents")


def test_the_hint_migrates(xats, old):
    xats("inbox", "--as", "bob", env={"XATS_NO_MIGRATE": "1"}, code=errors.REFUSED)
    xats("agents", code=0)
    assert version(old) == engine.SCHEMA_VERSION
    assert [name for name in os.listdir(os.path.dirname(old)) if name.endswith(".bak")]
    xats("agents", env={"XATS_NO_MIGRATE": "1"})


@pytest.mark.parametrize("value", ["", "0"])
def test_the_variable_can_be_off(xats, old, value):
    xats("agents", env={"XATS_NO_MIGRATE": value})
    assert version(old) == engine.SCHEMA_VERSION


def test_a_new_store_is_created_all_the_same(xats):
    xats("register", "bob", "--no-pane", "--no-migrate")
    assert version(xats.path) == engine.SCHEMA_VERSION


def test_a_hook_leaves_it_alone_and_does_not_disturb_its_program(xats, old):
    before = content(old)[0]
    ran = xats("hook", "run", "claude-code", stdin=json.dumps(EVENT), env={"XATS_NO_MIGRATE": "1"})
    assert (ran.stdout, ran.stderr) == ("", "")
    assert content(old)[0] == before


def test_the_option_reaches_the_processes_that_the_command_starts(monkeypatch, tmp_path):
    monkeypatch.delenv(opening.NO_MIGRATE, raising=False)
    monkeypatch.setenv(opening.NO_MIGRATE, "")
    opening.forbid_migrations()
    assert os.environ[opening.NO_MIGRATE] == opening.BY_OPTION
    path = str(tmp_path / "xats.db")
    open_store(path).close()
    monkeypatch.setattr(engine, "SCHEMA_VERSION", engine.SCHEMA_VERSION + 1)
    with pytest.raises(errors.StoreTooOld, match="--no-migrate forbids"):
        open_store(path)


def test_the_daemon_of_such_a_command_does_not_migrate(xats, crew):
    """The variable is in its environment, so it refuses what another store, put in its place, would need."""
    xats("daemon", "start", "--no-migrate")
    try:
        pid = xats("daemon", "status", "--json").json()["pid"]
        assert psutil.Process(pid).environ()[opening.NO_MIGRATE] == opening.BY_OPTION
    finally:
        xats("daemon", "stop")
