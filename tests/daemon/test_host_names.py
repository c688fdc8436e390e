"""A host is not its name: the name changes with the network, and a container or a sandbox is a host of its own.

The name is really changed, in a UTS namespace that all processes of a test share; so are sandboxes namespaces of pids.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from tests.support.world import until
from xats.base import host, process
from xats.daemon import lock

LINE = "xats: 1 new from alice - run: xats inbox"


def may(*words):
    if not shutil.which(words[0]):
        return False
    return subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0


RENAMES = pytest.mark.skipif(not may("unshare", "-u"), reason="no UTS namespace can be made here")
NESTS = pytest.mark.skipif(not may("unshare", "-pf", "--mount-proc"), reason="no pid namespace can be made here")
SANDBOX = ["unshare", "-pf", "--mount-proc"]


class Named:
    """A UTS namespace, in which the host can be given another name."""

    def __init__(self, name):
        self._keeper = subprocess.Popen(["unshare", "-u", "sleep", "600"])
        self.words = ["nsenter", f"--uts=/proc/{self._keeper.pid}/ns/uts"]
        until(self._own, what="a UTS namespace")
        self.call(name)

    def _own(self):
        return os.readlink(f"/proc/{self._keeper.pid}/ns/uts") != os.readlink("/proc/self/ns/uts")

    def call(self, name):
        """Give the host a name."""
        subprocess.run([*self.words, "hostname", name], check=True)

    def close(self):
        self._keeper.kill()
        self._keeper.wait()


@pytest.fixture
def named(world):
    """The host of all processes of this test, which is called `oldname`."""
    made = Named("oldname")
    world.around = made.words
    try:
        yield made
    finally:
        world.around = []
        made.close()


def seat(world, name="bob"):
    """Return (host, host_name) of an agent's session."""
    sql = "select s.* from sessions s join agents a on a.id = s.agent_id where a.name = :name and s.ended_at is null"
    (row,) = world.rows(sql, name=name)
    return row["host"], row["host_name"]


def write(world, sql, **values):
    import sqlite3

    with closing(sqlite3.connect(world.path, timeout=20)) as connection, connection:
        connection.execute(sql, values)
    connection.close()


def older(world, name, agent="bob"):
    """Mark the session of `agent` as earlier releases did: with the name of its host alone."""
    whose = "agent_id = (select id from agents where name = :agent) and ended_at is null"
    write(world, f"update sessions set host = :name, host_name = null where {whose}", name=name, agent=agent)


def found(world, code=0, **env):
    """Return what doctor finds, as (section, name): check."""
    out, _ = world.xats("doctor", "--json", code=code, **env)
    return {(one["section"], one["name"]): one for one in json.loads(out)["checks"]}


# -- another name ------------------------------------------------------------------------------------------------------


@RENAMES
def test_agents_are_woken_when_the_host_has_got_another_name(named, world, request):
    desk = request.getfixturevalue("desk")
    assert seat(world) == (host.id(), "oldname")
    world.daemon()
    named.call("newname")
    world.send("bob")
    world.until_wake(state="delivered", transport="tmux")
    assert desk.bob.sent == [LINE]


@RENAMES
def test_there_is_one_daemon_under_all_names(named, world):
    pid = world.json("daemon", "start")["pid"]
    named.call("newname")
    assert world.json("daemon", "status")["pid"] == pid
    again = world.json("daemon", "start")
    assert (again["pid"], again["created"]) == (pid, False)
    assert world.daemons() == [pid]
    world.xats("daemon", "stop")
    assert not world.daemons()


@RENAMES
def test_the_new_name_is_shown_from_the_next_command_on(named, world, request):
    request.getfixturevalue("desk")
    named.call("newname")
    world.xats("inbox", XATS_AGENT="bob")
    assert seat(world) == (host.id(), "newname")
    named.call("newer")
    world.xats("whoami", XATS_AGENT="bob")  # it only reads
    assert seat(world) == (host.id(), "newer")
    one = next(one for one in world.json("agents")["agents"] if one["name"] == "bob")
    assert one["host"] == "newer"
    assert host.id() not in json.dumps(one)


# -- stores of earlier releases ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["an-old-name", "this one"])
def test_the_daemon_wakes_whoever_is_marked_with_a_name(desk, world, name):
    older(world, host.name() if name == "this one" else name)
    world.send("bob")
    world.daemon()
    world.until_wake(state="delivered", transport="tmux")
    assert desk.bob.sent == [LINE]
    assert seat(world) == (host.id(), host.name())


def test_so_does_a_round_without_a_daemon(desk, world):
    older(world, "an-old-name")
    world.send("bob")
    world.xats("deliver", "--once")
    assert desk.bob.sent == [LINE]


def test_a_pane_alone_tells_too(desk, world):
    older(world, "an-old-name")
    write(world, "update sessions set pid = null, pid_started = null")
    world.xats("deliver", "--once")
    assert seat(world) == (host.id(), host.name())
    assert seat(world, "alice")[0] == host.id()


def test_whoever_may_be_on_another_host_is_left_to_it(desk, world):
    """Its process does not live here: another host may have it, or it has ended."""
    older(world, "an-old-name")
    write(world, "update sessions set pid = 4999999, pid_started = 1 where host = 'an-old-name'")
    world.send("bob")
    world.xats("deliver", "--once")
    assert seat(world) == ("an-old-name", None)
    assert desk.bob.untouched()
    (bob,) = [one for one in world.json("agents")["agents"] if one["name"] == "bob"]
    assert bob["host"] == "an-old-name"
    assert "on an-old-name" in bob["detail"]


def test_the_next_command_of_a_session_binds_it(desk, world):
    older(world, "an-old-name")
    world.xats("inbox", "--as", "alice")
    assert seat(world) == ("an-old-name", None)
    world.xats("inbox", XATS_AGENT="bob")
    assert seat(world) == (host.id(), host.name())


def test_in_its_pane_it_is_known_before_it_is_bound(desk, world):
    older(world, "an-old-name")
    out, _ = world.xats("whoami", "-q", TMUX=f"{desk.socket},{desk.pid},0", TMUX_PANE=desk.bob.pane)
    assert out == "bob\n"
    assert seat(world) == (host.id(), host.name())


def test_an_older_daemon_is_known_by_the_lock_that_it_holds(world):
    """Its lock is named after what the host was called when it started."""
    world.register("alice")
    path = f"{os.path.realpath(world.path)}-daemon-an-old-name.lock"
    code = "import fcntl, os, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
    code += "print(os.getpid(), file=f, flush=True); print(flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", code, path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as older_one:
        older_one.stdout.readline()
        assert lock.holder(world.path) == older_one.pid
        assert lock.held(world.path)
        assert world.json("daemon", "status")["pid"] == older_one.pid
        world.xats("daemon", "stop")
        until(lambda: older_one.poll() is not None)
    assert not lock.held(world.path)
    with open(path, "w") as file:  # somebody else's, such as a host's that shares the folder
        file.write(f"{os.getpid()}\n")
    assert lock.holder(world.path) is None


# -- another host ------------------------------------------------------------------------------------------------------


def test_doctor_tells_of_a_wake_that_waits_for_another_host(desk, world):
    world.send("bob")
    write(world, "update sessions set host = 'h1+0000000000000000', host_name = 'tower' where pane_id is not null")
    wake = ("mail", "bob@t")
    assert found(world)[wake]["state"] == "ok"
    write(world, "update wakes set next_attempt_at = next_attempt_at - 130000")
    late = found(world, code=5)[wake]
    assert late["state"] == "fail"
    assert f"bob@t is registered on tower (this host is {host.name()})" in late["detail"]
    out, _ = world.xats("doctor", code=5)
    assert "tower" in out
    assert "h1+" not in out


def test_status_says_on_which_host_the_wake_is_tried(desk, world):
    world.send("bob")
    assert "daemon on" not in world.xats("status", "--as", "alice")[0]
    write(world, "update sessions set host = 'h1+0000000000000000', host_name = 'tower' where pane_id is not null")
    assert "due now, by the daemon on tower" in world.xats("status", "--as", "alice")[0]
    assert world.json("status", "--as", "alice")["deliveries"][0]["host"] == "tower"


def test_doctor_tells_of_a_wake_under_an_old_name(desk, world):
    world.send("bob")
    older(world, "an-old-name")
    write(world, "update wakes set next_attempt_at = next_attempt_at - 130000")
    assert "registered on an-old-name" in found(world, code=5)["mail", "bob@t"]["detail"]


# -- a container or a sandbox ------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(world):
    """Run xats in a pid namespace of its own; return (stdout, stderr)."""

    def run(*words, code=0, **env):
        before, world.around = world.around, SANDBOX
        try:
            return world.xats(*words, code=code, **env)
        finally:
            world.around = before

    return run


@NESTS
def test_a_tool_in_a_sandbox_is_the_agent_and_does_not_move_it(desk, world, sandbox):
    here = {"TMUX": f"{desk.socket},{desk.pid},0", "TMUX_PANE": desk.bob.pane}
    assert sandbox("whoami", "-q", **here)[0] == "bob\n"
    sandbox("send", "alice", "hi", **here)
    sandbox("send", "alice", "hi", XATS_AGENT="bob")
    assert seat(world) == (host.id(), host.name())


@NESTS
def test_nobody_is_judged_dead_by_the_pids_of_a_sandbox(desk, world, sandbox):
    bob = next(one for one in json.loads(sandbox("agents", "--json")[0])["agents"] if one["name"] == "bob")
    assert bob["state"] == "unknown"  # neither online nor gone
    assert "ended" not in bob["detail"]
    assert "gone" not in bob["detail"]
    world.send("bob")
    sandbox("deliver", "--once")
    assert seat(world) == (host.id(), host.name())
    assert world.wake()["state"] == "queued"
    assert desk.bob.untouched()


@NESTS
def test_an_agent_cannot_be_registered_for_a_pane_from_a_sandbox(desk, world, sandbox):
    """The pids that are seen in there would be taken for others."""
    here = {"TMUX": f"{desk.socket},{desk.pid},0", "TMUX_PANE": desk.bob.pane}
    _, err = sandbox("register", "carol", code=4, **here)
    assert "a container or a sandbox" in err
    assert f"xats register NAME --pane {desk.bob.pane}" in err
    _, err = sandbox("register", "bob", "--no-pane", code=4, **here)
    assert "bob is held by a living process" in err
    assert seat(world) == (host.id(), host.name())
    sandbox("register", "carol", "--no-pane", **here)
    there, name = seat(world, "carol")
    assert (host.machine_of(there), name) == (host.machine(), host.name())
    assert there != host.id()


def hook(world, desk, session, event="SessionStart"):
    """Run the hook of a session in a sandbox in bob's pane, with his name; return what it printed."""
    told = {"hook_event_name": event, "session_id": session, "source": "startup", "cwd": world.folder}
    inside = {"TMUX": f"{desk.socket},{desk.pid},0", "TMUX_PANE": desk.bob.pane, "XATS_AGENT": "bob@t"}
    done = subprocess.run(
        [*SANDBOX, sys.executable, "-m", "xats", "hook", "run", "claude-code"],
        env={**world.env, **inside},
        cwd=world.folder,
        input=json.dumps(told).encode(),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def bobs(world):
    (row,) = world.rows("select * from sessions where pane_id is not null and ended_at is null")
    return dict(row)


@NESTS
def test_a_session_that_starts_in_a_sandbox_keeps_the_seat_of_its_pane(desk, world):
    """The agent program was started in one; what wakes it is outside."""
    before = bobs(world)
    assert "bob" in hook(world, desk, "s-9")
    assert bobs(world) == {**before, "client_session": "s-9"}
    hook(world, desk, "s-9", "SessionEnd")
    assert "bob" in hook(world, desk, "s-10")  # as after /clear
    assert bobs(world) == {**before, "client_session": "s-10"}


@NESTS
def test_a_program_that_an_agent_runs_in_a_sandbox_does_not_take_its_seat(desk, world):
    """It inherits the name and the pane, and none of its processes can be compared with the agent's."""
    hook(world, desk, "s-9")
    before = bobs(world)
    world.send("bob", "for bob alone")
    for event in ("SessionStart", "UserPromptSubmit", "PostToolUse"):
        assert "for bob" not in hook(world, desk, "s-other", event)
    assert bobs(world) == before
    assert "for bob alone" in hook(world, desk, "s-9", "UserPromptSubmit")


@NESTS
def test_a_sandbox_starts_no_daemon_of_its_own(desk, world, sandbox):
    sandbox("send", "bob", "hi", XATS_AGENT="alice", XATS_AUTOSTART="1")
    assert not world.daemons()
    daemon = world.daemon()
    world.until_wake(state="delivered")
    assert not json.loads(sandbox("daemon", "status", "--json")[0])["running"]
    assert "but runs outside of it" in sandbox("daemon", "status")[0]
    assert daemon.poll() is None


@NESTS
def test_a_container_with_agents_has_a_daemon_of_its_own(world):
    """Though that of its machine listens, which cannot see its processes."""

    def locks():
        return [name for name in os.listdir(world.home) if name.endswith(".lock")]

    world.register("alice")
    daemon = world.daemon()
    assert locks() == [f"xats.db-daemon-{host.id()}.lock"]
    script = f"{sys.executable} -m xats register carol --no-pane -q && sleep 60 & wait $!"
    container = subprocess.Popen(
        [*SANDBOX, "sh", "-c", script],
        env={**world.env, "XATS_AUTOSTART": "1"},
        cwd=world.folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: len(locks()) == 2 and world.daemons(), what="a daemon in the container")
        (inside,) = world.daemons()
        assert process.ancestors(inside)  # it is seen from here, with another number than it has in there
        assert lock.holder(world.path) == daemon.pid
    finally:
        first = process.descendants(container.pid)[:1]
        container.kill()
        container.wait()
        for one in first:  # with which all others end
            os.kill(one.pid, 9)
    until(lambda: not world.daemons(), what="the end of the container")


@NESTS
def test_an_old_mark_of_a_sandbox_is_not_judged(world):
    done = subprocess.run(
        [*SANDBOX, sys.executable, "-c", "from xats.base import process; print(process.mark())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not process.gone(done.stdout.strip())
