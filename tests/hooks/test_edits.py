"""Hooks before and after edits: who is refused, who is told, and when an automatic lock begins and ends."""

import json
import os
import re
import subprocess
import time

import pytest

from tests.conftest import HOST, Team
from tests.hooks.test_run import TOLD, desk  # noqa: F401 - a fixture
from xats.base import host
from xats.base.request import Request
from xats.core.agents import agents, presence
from xats.core.locks import automatic, locks
from xats.core.teams import teams
from xats.core.turns import holding, membership, turns
from xats.core.zones import places, zones
from xats.hooks import call as calls
from xats.hooks import run
from xats.hooks.call import Call
from xats.identity.files import locate

ENFORCED = ("claude-code", "codex", "gemini", "opencode", "qwen")
EDIT = {"claude-code": "Edit", "codex": "apply_patch", "gemini": "replace", "opencode": "edit", "qwen": "edit"}
READ = {"claude-code": "Read", "gemini": "read_file", "opencode": "read", "qwen": "read_file"}


class Floor:
    """A repository in which alice (session s-alice), bob and carol edit; their hooks run in this process."""

    def __init__(self, team, clock, folder) -> None:
        self.team, self.store, self.clock = team, team.store, clock
        self.top = folder / "shop"
        subprocess.run(["git", "init", "-q", str(self.top)], check=True)
        (self.top / "src").mkdir()
        (self.top / "src" / "a.py").write_text("one\n")
        for name in ("alice", "bob", "carol"):
            seat = agents.Seat(HOST, client_session=f"s-{name}", host_name=host.name())
            team.register(name, client="claude-code", seat=seat)
        self.environ = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}

    def file(self, path="src/a.py"):
        return locate(path, str(self.top))

    def hook(self, name, point, client="claude-code", path="src/a.py", env=None, **more):
        """Run the hook of the session of `name` at `point`; return what the program is answered, None for nothing."""
        tool = {"tool_name": EDIT.get(client), "tool_input": {"file_path": path}}
        if client == "codex":
            tool["tool_input"] = {"command": f"*** Begin Patch\n*** Update File: {path}\n@@\n-a\n+b\n*** End Patch\n"}
        told = {**TOLD[client][point], "session_id": f"s-{name}", "cwd": str(self.top)}
        if point in ("before a change", "failed change", "after a change", "after a tool") and "prompt" not in told:
            told |= tool
        said = []
        asked = Request(
            pid=os.getpid(),
            mark="m",
            began=time.time(),
            environ={**self.environ, **(env or {})},
            cwd=str(self.top),
            said={},
            patience=5.0,
            reached=lambda: None,
            write=lambda data: said.append(json.loads(data)),
        )
        call = calls.parse(calls.client_of((client,)), {**told, **more}, self.store.path, asked)
        assert isinstance(call, Call)
        run.act(call, self.store)
        assert len(said) < 2
        return said[0] if said else None

    def edit(self, name, path="src/a.py", client="claude-code", **more):
        """Run the hook before an edit; return why it is refused, None where it is allowed."""
        return refusal(self.hook(name, "before a change", client, path, **more))

    def read(self, name, path="src/a.py", client="claude-code", **more):
        """Run the hook by which xats sees that the model has read a file."""
        tool = {"tool_name": READ[client], "tool_input": {"file_path": path}}
        point = "before a change" if client == "qwen" else "after a tool"
        return self.hook(name, point, client, **{**tool, **more})

    def locks(self, name="alice"):
        me = self.team.agent(name)
        return [(one.file.path, one.kind) for one in self.store.read(lambda tx: locks.held_by(tx, me.id))]

    def take(self, name, *paths, **values):
        return self.team.do(name, locks.take, [self.file(path) for path in paths or ("src/a.py",)], **values)

    def assign(self, address, *given, **values):
        file = self.file()
        place = places.Place(file.host, file.repository, file.remote)
        return self.team.do("carol", zones.assign, address, place, given, **values)

    def events(self, kind="edit_refused"):
        rows = self.team.rows("select actor, subject, data from events where type = :kind order by id", kind=kind)
        return [(row["actor"], row["subject"], json.loads(row["data"])) for row in rows]


def refusal(answer):
    """Return the reason in the answer of a hook if it refuses an edit, else None."""
    if answer is None:
        return None
    if answer.get("decision") == "deny":
        return answer["reason"]
    said = answer["hookSpecificOutput"]
    return said["permissionDecisionReason"] if said.get("permissionDecision") == "deny" else None


def remark(answer):
    """Return what the answer of a hook adds, and that it refuses nothing."""
    assert refusal(answer) is None
    return answer["hookSpecificOutput"]["additionalContext"] if answer else None


@pytest.fixture
def floor(team, clock, tmp_path):
    return Floor(team, clock, tmp_path)


@pytest.fixture
def writes(floor, monkeypatch):
    """The names of the functions that were given to the store to write, from now on."""
    given, write = [], type(floor.store).write

    def counted(store, work):
        given.append(work.__qualname__)
        return write(store, work)

    monkeypatch.setattr(type(floor.store), "write", counted)
    return given


# -- the lock that another agent took ----------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ENFORCED)
def test_an_edit_of_a_locked_file_is_refused(floor, client):
    floor.take("bob", reason="the parser is half done")
    said = floor.edit("alice", client=client)
    assert said.startswith(
        "bob has locked src/a.py (the parser is half done), for 10 min more. Your edit was refused. "
        "Ask bob: xats ask bob '...'. Or wait until it is free: xats lock take src/a.py --wait 10m"
    )
    assert said.splitlines()[0].endswith("(lock_held)")
    assert "steal" not in said
    assert floor.locks() == []
    where = {"path": "src/a.py", "worktree": str(floor.top), "code": "lock_held", "holder": "bob@crew"}
    assert floor.events() == [("alice", "file:src/a.py", where)]
    assert floor.edit("alice", "src/b.py", client) is None
    assert floor.edit("bob", client=client) is None


def test_the_first_refusal_in_a_team_is_explained_once(floor):
    floor.take("bob")
    assert "Do not make the edit with a shell command. To see the locks of the team: xats lock list" in floor.edit(
        "alice"
    )
    assert "shell command" not in floor.edit("alice")
    assert "shell command" not in floor.edit("carol")
    [notice] = floor.store.read(lambda tx: teams.notices(tx, "crew"))
    assert notice.startswith("xats refused an edit of alice, because of bob@crew. This is the first refusal")
    assert len(floor.events()) == 3


@pytest.mark.parametrize("spelled", ["./src/a.py", "src/../src/a.py", "{top}/src/a.py", "link.py"])
def test_a_file_is_the_same_however_it_is_written(floor, spelled):
    (floor.top / "link.py").symlink_to("src/a.py")
    floor.take("bob")
    assert "bob has locked src/a.py" in floor.edit("alice", spelled.format(top=floor.top))


def test_each_file_of_a_patch_is_checked_and_all_are_locked_or_none(floor):
    patch = (
        "*** Begin Patch\n*** Update File: src/b.py\n*** Move to: src/c.py\n*** Delete File: src/a.py\n*** End Patch"
    )
    floor.take("bob", "src/c.py")
    assert "bob has locked src/c.py" in floor.edit("alice", client="codex", tool_input={"command": patch})
    assert floor.locks() == []
    floor.edit("bob", "src/b.py")
    said = floor.edit("alice", client="codex", tool_input={"command": patch})
    assert [line.rpartition(" ")[2] for line in said.splitlines()] == ["(recently_edited)", "(lock_held)"]
    floor.team.do("bob", locks.release_all)
    assert floor.edit("alice", client="codex", tool_input={"command": patch}) is None
    assert floor.locks() == [("src/a.py", "automatic"), ("src/b.py", "automatic"), ("src/c.py", "automatic")]


def test_a_lock_that_is_over_refuses_nothing(floor):
    floor.take("bob", lease=60_000)
    floor.store.write(lambda tx: tx.run("update agents set seen_at = seen_at - 3600000 where name = 'bob'"))
    assert floor.edit("alice") is not None
    floor.clock.tick(60_001)
    assert floor.edit("alice") is None
    assert floor.locks() == [("src/a.py", "automatic")]


def test_hooks_of_the_holder_renew_its_lock_once_a_minute(floor, writes):
    floor.hook("bob", "prompt")
    floor.take("bob", lease=120_000)
    writes.clear()
    for _ in range(9):
        floor.clock.tick(30_000)
        floor.hook("bob", "after a tool")
    assert 4 <= len(writes) <= 5
    assert floor.edit("alice") is not None


def test_the_holder_of_another_team_is_named_with_it(floor):
    seat = agents.Seat(HOST, client_session="s-dora", host_name=host.name())
    floor.team.register("dora", team="other", client="claude-code", seat=seat)
    dora = floor.team.agent("dora", "other")
    floor.store.write(lambda tx: locks.take(tx, dora, [floor.file()]))
    assert "dora@other has locked src/a.py" in floor.edit("alice")


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "x" * 5000, "src/a.py/b", "loop", ".", 3, None])
def test_what_cannot_be_a_file_is_left_out(floor, path):
    (floor.top / "loop").symlink_to("loop")
    floor.take("bob")
    assert floor.edit("alice", path) is None
    patch = f"*** Update File: {path}\n*** Update File: src/a.py"
    assert "bob has locked src/a.py" in floor.edit("alice", tool_input={"file_path": path, "patch": patch})
    assert floor.locks() == []


def test_control_characters_in_a_reason_or_a_path_are_visible(floor):
    path = "src/\x1b[31m\nx.py"
    floor.take("bob", path, reason="red \u202e text")
    said = floor.edit("alice", path)
    assert "\x1b" not in said
    assert "src/^[[31m\\nx.py (red \\u202e text)" in said


# -- the settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["claude-code", "codex", "opencode"])
def test_a_warning_goes_with_the_hook_before_the_edit(floor, client, writes):
    floor.take("bob")
    floor.hook("alice", "prompt", client)
    writes.clear()
    said = remark(floor.hook("alice", "before a change", client, env={"XATS_LOCK_ENFORCE": "warn"}))
    assert "bob has locked src/a.py, for 10 min more. Your edit is allowed." in said
    assert floor.events() == []
    assert floor.edit("alice", client=client, env={"XATS_LOCK_ENFORCE": "off"}) is None
    assert (floor.locks(), writes) == ([], [])  # there can be one lock alone on a file


@pytest.mark.parametrize("client, point", [("gemini", "after a tool"), ("qwen", "after a change")])
def test_where_that_hook_cannot_say_it_the_one_after_the_edit_does(floor, client, point):
    floor.take("bob")
    env = {"XATS_LOCK_ENFORCE": "warn"}
    assert floor.hook("alice", "before a change", client, env=env) is None
    assert "bob has locked src/a.py" in remark(floor.hook("alice", point, client, env=env))
    assert floor.hook("alice", point, client, path="src/b.py", env=env) is None
    assert floor.hook("alice", point, client, env=env, tool_name="read_file") is None


def test_a_project_may_only_raise_enforcement(floor):
    floor.take("bob")
    (floor.top / "xats.toml").write_text("[lock]\nenforce = 'off'\nauto = false\n")
    assert floor.edit("alice") is not None
    (floor.top.parent / "config" / "xats").mkdir(parents=True)
    user = floor.top.parent / "config" / "xats" / "config.toml"
    user.write_text("[lock]\nenforce = 'off'\n")
    assert floor.edit("alice") is None
    (floor.top / "xats.toml").write_text("[lock]\nenforce = 'deny'\n")
    assert floor.edit("alice") is not None


# -- the turn that another agent has -----------------------------------------------------------------------------------


def grant(floor, name, turn="main"):
    def work(tx, me):
        found = turns.create(tx, me.team, turn)
        membership.join(tx, me, found)
        holding.take(tx, me, found, turns.BLIND)

    floor.team.do(name, work)


@pytest.mark.parametrize("client", ENFORCED)
def test_an_edit_by_another_agent_than_the_holder_of_the_turn(floor, client):
    deny = {"XATS_TURN_ENFORCE": "deny"}
    assert floor.edit("alice", client=client, env=deny) is None  # nobody has a turn
    grant(floor, "bob")
    assert floor.edit("carol", client=client, path="src/b.py") is None  # the default is off
    said = floor.edit("carol", client=client, path="src/c.py", env=deny)
    assert "bob has the turn. Your edit was refused. Wait for your turn:" in said
    assert "turn take --wait 30m (turn_held)" in said
    assert floor.edit("bob", client=client, path="src/d.py", env=deny) is None
    assert [(data["code"], data["holder"]) for _, _, data in floor.events()] == [("turn_held", "bob@crew")]
    if client in ("claude-code", "codex", "opencode"):
        answer = floor.hook("carol", "before a change", client, path="src/e.py", env={"XATS_TURN_ENFORCE": "warn"})
        assert "bob has the turn. Your edit is allowed." in remark(answer)
    grant(floor, "carol", "docs")
    assert floor.edit("carol", client=client, path="src/f.py", env=deny) is None  # it has a turn of the team


def test_a_project_may_ask_for_the_turn(floor):
    grant(floor, "bob")
    (floor.top / "xats.toml").write_text("turn.enforce = 'deny'\n")
    assert "bob has the turn" in floor.edit("alice")
    assert floor.locks("alice") == []


def test_a_value_that_is_none_counts_as_the_default(floor):
    floor.take("bob")
    assert floor.edit("alice", env={"XATS_LOCK_ENFORCE": "maybe", "XATS_LOCK_AUTO": "x"}) is not None


@pytest.mark.parametrize("client, point", [("claude-code", "before a change"), ("gemini", "after a tool")])
def test_a_session_without_an_agent_is_told_and_not_refused(floor, client, point):
    floor.take("bob")
    said = remark(floor.hook("nobody", point, client))
    assert "bob@crew has locked src/a.py, for 10 min more. Your edit is allowed. Ask bob@crew: xats ask bob@" in said
    floor.edit("bob", "src/b.py")
    assert "bob@crew edited src/b.py just now. Your edit is allowed." in remark(
        floor.hook("nobody", point, client, "src/b.py")
    )
    assert floor.hook("nobody", point, client, "src/c.py") is None
    assert floor.events() == []
    assert floor.hook("nobody", "prompt", client) is None


# -- the zone of another agent -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ENFORCED)
@pytest.mark.parametrize("owner", ["bob", "role:backend"])
def test_an_edit_in_the_zone_of_another_is_allowed_with_a_remark_or_refused(floor, client, owner):
    floor.assign(owner, "src/")
    after = {"gemini": "after a tool", "qwen": "after a change"}.get(client)
    said = remark(floor.hook("alice", "before a change", client))
    if after:
        assert said is None
        said = remark(floor.hook("alice", after, client))
    assert f"src/a.py is in the zone src/ of {owner}. Your edit is allowed. Ask {owner}: xats ask {owner} '...'" in said
    assert said.endswith("(zone_taken)")
    assert floor.locks() == [("src/a.py", "automatic")]
    said = floor.edit("alice", client=client, env={"XATS_ZONE_ENFORCE": "deny"})
    assert said.startswith(f"src/a.py is in the zone src/ of {owner}. Your edit was refused. Ask {owner}")
    assert floor.hook("alice", "before a change", client, env={"XATS_ZONE_ENFORCE": "off"}) is None
    assert floor.hook("alice", "before a change", client, path="other.py") is None
    [(actor, _, data)] = floor.events()
    assert (actor, data["code"], data["holder"]) == ("alice", "zone_taken", f"{owner}@crew")


def test_in_my_own_zone_and_in_that_of_my_role_there_is_no_remark(floor):
    floor.team.register("dora", role="backend", client="claude-code", seat=agents.Seat(HOST, client_session="s-dora"))
    floor.assign("bob", "docs/")
    floor.assign("role:backend", "src/")
    assert floor.hook("bob", "before a change", path="docs/x.md") is None
    assert floor.hook("dora", "before a change") is None
    assert "zone docs/ of bob" in remark(floor.hook("dora", "before a change", path="docs/y.md"))


def test_a_lock_comes_before_the_zone_and_that_before_an_edit(floor):
    floor.assign("carol", "src/")
    floor.edit("bob")
    deny = {"XATS_ZONE_ENFORCE": "deny"}
    said = floor.edit("alice", env=deny)
    assert ("zone_taken" in said, "recently_edited" in said) == (True, False)
    assert "recently_edited" in floor.edit("alice")
    floor.store.write(lambda tx: tx.run("update locks set kind = 'explicit'"))
    assert "lock_held" in floor.edit("alice", env=deny)


def test_a_session_without_an_agent_is_told_of_the_zones_of_the_project(floor):
    floor.assign("bob", "src/")
    assert "src/a.py is in the zone src/ of bob." in remark(
        floor.hook("nobody", "before a change", env={"XATS_TEAM": "crew", "XATS_ZONE_ENFORCE": "deny"})
    )


# -- automatic locks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [one for one in ENFORCED if one in READ])
def test_an_edit_after_that_of_another_is_refused_until_the_file_is_read(floor, client):
    assert floor.edit("bob", client=client) is None
    assert floor.locks("bob") == [("src/a.py", "automatic")]
    floor.clock.tick(40_000)
    said = floor.edit("alice", client=client)
    assert said.startswith("bob edited src/a.py 40 s ago. Your edit was refused. Read the file again, then edit it.")
    assert floor.edit("alice", client=client) is not None  # it has not read it yet
    floor.read("alice", "src/b.py", client)
    assert floor.edit("alice", client=client) is not None
    floor.read("alice", client=client)
    assert floor.edit("alice", client=client) is None
    assert (floor.locks("alice"), floor.locks("bob")) == ([("src/a.py", "automatic")], [])
    assert "alice edited src/a.py" in floor.edit("bob", client=client)  # and now bob has to read it


@pytest.mark.parametrize(
    "command, sees",
    [
        ("cat src/a.py", True),
        ("cd src && sed -n 1,9p ../src/a.py|head", True),
        ("diff <(cat './src/a.py') x", True),
        (["bash", "-lc", "cat src/a.py"], True),
        ("cat src/b.py", False),
        ("cat other/a.py", False),
        ("ls src", False),
    ],
)
def test_a_shell_command_that_names_the_file_has_read_it(floor, command, sees):
    floor.edit("bob")
    assert floor.edit("alice") is not None
    floor.hook("alice", "after a tool", tool_name="Bash", tool_input={"command": command})
    assert (floor.edit("alice") is None) is sees


def test_without_reading_it_passes_after_two_minutes(floor):
    floor.edit("bob")
    assert floor.edit("alice") is not None
    floor.clock.tick(100_000)
    floor.edit("bob")  # which extends the lock
    assert floor.edit("alice") is not None
    floor.clock.tick(automatic.LASTS)
    floor.store.write(lambda tx: tx.run("update locks set lease_until = lease_until + 100000"))
    assert floor.edit("alice") is None


def test_only_a_new_or_nearly_ended_lock_is_written(floor, writes):
    floor.hook("alice", "prompt")
    floor.edit("alice")
    writes.clear()
    floor.clock.tick(automatic.LASTS - automatic.NEAR)
    floor.edit("alice")
    assert writes == []
    floor.clock.tick(1)
    floor.edit("alice")
    assert len(writes) == 1
    [lock] = floor.store.read(lambda tx: locks.find(tx, [floor.file()]))
    assert lock.until == floor.clock.now + automatic.LASTS


@pytest.mark.parametrize(
    "client, point",
    [
        ("claude-code", "prompt"),
        ("claude-code", "turn end"),
        ("claude-code", "session end"),
        ("codex", "broken off"),
        ("codex", "turn end"),
        ("gemini", "prompt"),
        ("opencode", "turn end"),
        ("qwen", "turn end"),
    ],
)
def test_automatic_locks_end_with_the_turn(floor, client, point):
    floor.hook("alice", "prompt", client)
    floor.take("alice", "src/mine.py")
    floor.edit("alice", client=client)
    floor.hook("alice", "after a tool", client)
    floor.hook("alice", "waiting", client)
    assert ("src/a.py", "automatic") in floor.locks()
    floor.hook("alice", point, client)
    assert floor.locks() == [("src/mine.py", "explicit")]
    assert floor.edit("bob", client=client) is None


def test_they_stay_while_a_subagent_goes_on(floor):
    floor.edit("alice")
    task = {"id": "a4", "type": "subagent", "agent_type": "general-purpose"}
    floor.hook("alice", "turn end", background_tasks=[{**task, "status": "running"}])
    assert floor.locks() == [("src/a.py", "automatic")]
    shell = {"id": "b", "type": "shell", "status": "running"}
    floor.hook("alice", "turn end", background_tasks=[shell, {**task, "status": "completed"}, "x"])
    assert floor.locks() == []


def test_they_end_when_the_daemon_sees_that_the_turn_was_broken_off(floor):
    floor.hook("alice", "prompt")
    floor.edit("alice")
    alice = floor.team.agent("alice")
    known = floor.store.read(lambda tx: presence.get(tx, alice.id))
    assert floor.store.write(lambda tx: presence.broken_off(tx, alice.id, known))
    assert floor.locks() == []


@pytest.mark.parametrize(
    "client, point, more",
    [
        ("claude-code", "failed change", {}),
        ("opencode", "failed change", {}),
        ("qwen", "failed change", {}),
        ("gemini", "after a tool", {"tool_response": {"llmContent": "x", "error": {"message": "not found"}}}),
        ("gemini", "after a tool", {"xats_failed": True}),
    ],
)
def test_a_failed_edit_ends_the_lock_on_its_file(floor, client, point, more):
    floor.edit("alice", client=client)
    floor.edit("alice", "src/b.py", client)
    floor.hook("alice", point, client, **more)
    assert floor.locks() == [("src/b.py", "automatic")]


def test_a_failed_read_is_no_read(floor):
    floor.edit("bob", client="gemini")
    assert floor.edit("alice", client="gemini") is not None
    floor.read("alice", client="gemini", tool_response={"error": {"message": "x"}})
    assert floor.edit("alice", client="gemini") is not None


def test_without_the_setting_nothing_is_locked(floor):
    env = {"XATS_LOCK_AUTO": "0"}
    assert floor.edit("alice", env=env) is None
    assert floor.locks() == []
    floor.edit("bob")
    assert floor.edit("alice", env=env) is None  # nor does the lock of another agent hold it up
    floor.take("carol", "src/c.py")
    assert floor.edit("alice", "src/c.py", env=env) is not None


def test_an_edit_of_a_file_that_is_mine_is_not_written(floor, writes):
    floor.hook("alice", "prompt")
    floor.take("alice")
    writes.clear()
    assert floor.edit("alice") is None
    assert (floor.locks(), writes) == ([("src/a.py", "explicit")], [])


def test_another_agent_that_comes_first_between_the_look_and_the_write(floor, monkeypatch):
    """The guards are asked again in the write: exactly one of the two edits."""
    write = type(floor.store).write

    def later(store, work):
        monkeypatch.undo()
        floor.take("bob")
        return write(store, work)

    monkeypatch.setattr(type(floor.store), "write", later)
    assert "bob has locked src/a.py" in floor.edit("alice")
    assert (floor.locks("alice"), floor.locks("bob")) == ([], [("src/a.py", "explicit")])


def test_of_many_edits_at_the_same_moment_one_is_made(xats):
    """16 agents edit one file, each by the hook of its program in a process of its own.

    On a machine that is very busy, a hook may give up waiting for the store. Then it allows the edit, and logs that.
    """
    store = xats.store()
    team, names = Team(store), [f"agent{number}" for number in range(16)]
    for name in names:
        seat = agents.Seat(HOST, client_session=f"s-{name}", host_name=host.name())
        team.register(name, client="claude-code", seat=seat)
    told = {"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {"file_path": "a.txt"}}
    running = {name: xats.start("hook", "run", "claude-code", stdin=subprocess.PIPE) for name in names}
    for name, one in running.items():
        one.stdin.write(json.dumps({**told, "session_id": f"s-{name}", "cwd": str(xats.folder)}).encode())
    for one in running.values():
        one.stdin.close()
    said = {name: one.stdout.read() for name, one in running.items()}
    assert [one.wait(60) for one in running.values()] == [0] * 16
    allowed = [name for name, answer in said.items() if not answer]
    log = f"{xats.path}-hooks.log"
    waited = 0
    if os.path.exists(log):
        with open(log) as file:
            waited = sum(" store_busy" in line for line in file)
    [row] = team.rows("select a.name, l.kind from locks l join agents a on a.id = l.holder_id")
    assert row["kind"] == "automatic"
    assert row["name"] in allowed
    assert len(allowed) - 1 <= waited
    assert len(team.rows("select 1 from refused_edits")) >= 15 - waited
    store.close()


# -- subagents ---------------------------------------------------------------------------------------------------------


def test_an_edit_by_a_subagent_is_that_of_its_parent(floor):
    sub = {"agent_id": "a4", "agent_type": "general-purpose"}
    floor.hook("alice", "turn end")
    before = floor.store.read(lambda tx: presence.get(tx, agents.by_name(tx, "crew", "alice").id))
    floor.team.send("bob", "alice", "are you there?")
    assert floor.edit("alice", **sub) is None
    assert floor.locks() == [("src/a.py", "automatic")]
    floor.take("bob", "src/b.py")
    assert "bob has locked src/b.py" in floor.edit("alice", "src/b.py", **sub)
    floor.edit("bob", "src/c.py")
    assert "bob edited src/c.py" in floor.edit("alice", "src/c.py", **sub)
    floor.read("alice", "src/c.py", **sub)
    assert floor.edit("alice", "src/c.py", **sub) is None
    floor.hook("alice", "failed change", path="src/c.py", **sub)
    assert floor.locks() == [("src/a.py", "automatic")]
    assert "alice edited src/a.py" in floor.edit("bob")
    after = floor.store.read(lambda tx: presence.get(tx, agents.by_name(tx, "crew", "alice").id))
    assert after == before
    assert floor.team.rows("select state from deliveries") == [{"state": "unread"}]


# -- as processes ------------------------------------------------------------------------------------------------------


def test_a_story_of_a_lock(desk):  # noqa: F811
    """bob takes a file by the verb, alice's program is refused, and goes on when it is free."""
    (desk.xats.folder / "a.py").write_text("one\n")
    edit = {"cwd": str(desk.xats.folder), "tool_input": {"file_path": "a.py"}}
    desk.hook("prompt", **edit)
    desk.xats("lock", "take", "a.py", "--reason", "half done", "--as", "bob")
    desk.xats("lock", "check", "a.py", "--as", "alice", code=4)
    answer = desk.hook("before a change", **edit)
    assert re.match(r"bob has locked a.py \(half done\), for 10 min more\. Your edit was", refusal(json.loads(answer)))
    said = desk.xats("events", "--type", "edit_refused", "--json").json()["events"]
    assert [(one["actor"], one["subject"], one["data"]["holder"]) for one in said] == [
        ("alice", "file:a.py", "bob@crew")
    ]
    assert "edit_refused" in desk.xats("events", "--type", "edit_refused").stdout
    said = desk.xats("recap", "alice", "--as", "bob").stdout
    assert re.search(r"\nRefused edits\n  a\.py, locked by bob, (just now|\d+ s ago)\n", said)
    [refused] = desk.xats("recap", "alice", "--as", "bob", "--json").json()["refused_edits"]
    assert (refused["path"], refused["code"], refused["holder"]) == ("a.py", "lock_held", "bob@crew")
    desk.xats("lock", "release", "a.py", "--as", "bob")
    assert desk.hook("before a change", **edit) == ""
    [lock] = desk.xats("lock", "list", "--as", "alice", "--json").json()["locks"]
    assert (lock["path"], lock["owner"], lock["kind"]) == ("a.py", "alice@crew", "automatic")
    desk.xats("lock", "take", "a.py", "--as", "bob", code=4)
    desk.hook("turn end", **edit)
    desk.xats("lock", "take", "a.py", "--as", "bob")
    assert desk.log == ""


@pytest.mark.parametrize("broken", ["not a database", ""])
def test_a_store_that_cannot_be_read_allows_the_edit(desk, broken):  # noqa: F811
    edit = {"cwd": str(desk.xats.folder), "tool_input": {"file_path": "a.py"}}
    desk.xats("lock", "take", "a.py", "--as", "bob")
    desk.store.close()
    with open(desk.xats.path, "w") as file:
        file.write(broken)
    assert desk.hook("before a change", **edit) == ""
    assert " claude-code PreToolUse " in desk.log or not broken
