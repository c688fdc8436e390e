"""A hook that has nothing to do is known by one look, and only where the closer look finds nothing either."""

import contextlib
import os
import sqlite3

import pytest

from tests.conftest import HOST
from tests.hooks.test_run import SHOW, desk, event  # noqa: F401 - a fixture
from xats.core.agents import agents, registration
from xats.core.locks import locks
from xats.core.tasks import claims, planning
from xats.hooks import routine, run
from xats.identity.files import locate
from xats.store.sqlite import SCHEMA_VERSION

TOOL = {"hook_event_name": "PostToolUse", "session_id": "s1"}
GEMINI = {"hook_event_name": "AfterTool", "session_id": "s1"}


@pytest.fixture
def busy(desk):  # noqa: F811
    """alice at work, without mail and without anything to note."""
    desk.hook("prompt")
    return desk


def is_routine(busy, told=TOOL, client="claude-code", **environ):
    return routine.is_routine(client, told, str(busy.xats.path), environ)


def sql(busy, statement):
    with contextlib.closing(sqlite3.connect(busy.xats.path)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"XATS_AGENT": "alice"},
        {"XATS_AGENT": "Alice@Crew"},
        {"XATS_TEAM": "crew"},
        {"XATS_AGENT": "alice@crew", "XATS_TEAM": "CREW"},
    ],
)
def test_a_tool_without_mail_is_routine(busy, environ):
    assert is_routine(busy, **environ)
    before = content(busy)
    assert busy.hook("after a tool", env=environ) == ""
    assert content(busy) == before


def test_a_tool_of_gemini_that_edits_nothing_is_routine(busy):
    told = {**GEMINI, "tool_name": "read_file", "tool_response": {"llmContent": "x"}}
    assert is_routine(busy, told, "gemini")


def content(busy):
    """Return all that the store holds."""
    with contextlib.closing(sqlite3.connect(busy.xats.path)) as connection:
        return list(connection.iterdump())


def test_the_closer_look_finds_nothing_to_do_either(busy):
    """Where other users can read the store, one look is not enough. The closer look makes it private again."""
    assert is_routine(busy)
    before = content(busy)
    os.chmod(busy.xats.path, 0o644)
    assert not is_routine(busy)
    assert busy.hook("after a tool") == ""
    assert content(busy) == before
    assert is_routine(busy)


def with_mail(busy):
    busy.send()


def with_mail_that_was_shown(busy):
    busy.send()
    busy.hook("after a tool")


def with_a_task(busy):
    busy.team.do("alice", planning.add, planning.New("t"))
    busy.team.do("alice", claims.claim, 1)


def with_a_lock(busy):
    busy.team.do("alice", locks.take, [locate("a.py", str(busy.xats.folder))])


def after_its_turn(busy):
    busy.hook("turn end")


def in_a_turn_that_was_broken_off(busy):
    sql(busy, "update presence set broken_off_at = at")


def long_silent(busy):
    sql(busy, f"update agents set seen_at = seen_at - {agents.SIGN_EVERY}")


def unregistered(busy):
    busy.team.do("alice", registration.unregister)


def replaced(busy):
    busy.team.register("alice", client="claude-code", seat=agents.Seat(HOST, client_session="s2"))


def with_a_session_that_has_ended(busy):
    sql(busy, "update sessions set ended_at = 1, end_reason = 'replaced'")


def at_work_in_another_session(busy):
    sql(busy, "update presence set client_session = 's0'")


def on_a_host_with_a_new_name(busy):
    sql(busy, "update sessions set host_name = 'tower'")


def with_another_program(busy):
    sql(busy, f"update sessions set pid = {os.getpid()}, pid_started = 1, program_device = 1, program_inode = 1")


def with_another_schema(busy):
    sql(busy, f"pragma user_version = {SCHEMA_VERSION + 1}")


def of_another_application(busy):
    sql(busy, "pragma application_id = 7")


def in_a_team_that_was_renamed(busy):
    sql(busy, "update teams set moved_to = 'other' where name = 'crew'")


def with_an_edit_that_was_refused(busy):
    values = "(select id from agents where name = 'alice'), 'h', '/w', 'a.py', 1, 1"
    sql(busy, f"insert into refused_edits (agent_id, host, worktree, path_key, lock_id, at) select {values}")


UNUSUAL = [
    with_an_edit_that_was_refused,
    with_mail,
    with_mail_that_was_shown,
    with_a_task,
    with_a_lock,
    after_its_turn,
    in_a_turn_that_was_broken_off,
    long_silent,
    unregistered,
    replaced,
    with_a_session_that_has_ended,
    at_work_in_another_session,
    in_a_team_that_was_renamed,
    on_a_host_with_a_new_name,
    with_another_program,
    with_another_schema,
    of_another_application,
]


@pytest.mark.parametrize("change", UNUSUAL, ids=lambda one: one.__name__)
def test_what_is_unusual_is_no_routine(busy, change):
    assert is_routine(busy)
    change(busy)
    assert not is_routine(busy)


@pytest.mark.parametrize(
    "told, client",
    [
        ({**TOOL, "hook_event_name": "PreToolUse"}, "claude-code"),
        ({**TOOL, "hook_event_name": "UserPromptSubmit"}, "claude-code"),
        ({**TOOL, "session_id": "s2"}, "claude-code"),
        ({"hook_event_name": "PostToolUse"}, "claude-code"),
        (TOOL, "gemini"),
        ({**GEMINI, "tool_name": "replace"}, "gemini"),
        ({**GEMINI, "tool_name": "read_file", "tool_response": {"error": {"message": "x"}}}, "gemini"),
        (TOOL, "?"),
        (None, "claude-code"),
    ],
)
def test_any_other_event_is_no_routine(busy, told, client):
    assert not is_routine(busy, told, client)


@pytest.mark.parametrize("environ", [{"XATS_AGENT": "bob"}, {"XATS_AGENT": "alice@other"}, {"XATS_TEAM": "other"}])
def test_another_name_in_the_environment_is_no_routine(busy, environ):
    assert not is_routine(busy, **environ)


def test_a_store_that_cannot_be_read_at_once_is_no_routine(busy):
    with contextlib.closing(sqlite3.connect(busy.xats.path, isolation_level=None)) as other:
        if other.execute("pragma journal_mode").fetchone() == ("wal",):
            pytest.skip("a reader of a WAL waits for nobody")
        other.execute("begin exclusive")
        assert not is_routine(busy)
        other.execute("rollback")
    assert is_routine(busy)
    os.truncate(busy.xats.path, 100)
    assert not is_routine(busy)
    os.unlink(busy.xats.path)
    assert not is_routine(busy)
    assert not os.path.exists(busy.xats.path)


def test_it_imports_the_store_and_nothing_else(busy):
    """Every module costs some 0.1 ms at every tool call of every agent."""
    done = busy.xats.run(
        [busy.xats.words[0], "-S", "-P", "-c", SHOW],
        stdin=event("claude-code", "after a tool"),
        env={"PYTHONPATH": os.path.dirname(os.path.dirname(os.path.dirname(run.__file__)))},
    )
    assert (done.returncode, done.stdout) == (0, b"")
    loaded = set(done.stderr.decode().split("\n"))
    ours = {name.removeprefix("xats.") for name in loaded if name.startswith("xats.")}
    rooms = {"base", "core", "core.agents", "hooks", "store", "store.sqlite"}
    assert ours - rooms <= {
        "__main__",
        "base.errors",
        "base.faults",
        "base.folders",
        "base.jsontext",
        "base.programs",
        "core.agents.routine",
        "hooks.event",
        "hooks.routine",
        "hooks.run",
        "store.sqlite.paths",
        "store.sqlite.driver",
        "store.sqlite.peek",
    }
