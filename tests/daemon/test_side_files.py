"""What another user has put beside the store, where a folder lets others write: nothing of ours is lost by it."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from tests.support.world import until
from xats.base import host, process
from xats.daemon import bell, lock

OTHER = 54321  # a user id that nobody has here
HOLD = "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); "
TAKE = HOLD + "fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
OPEN = HOLD + "print(flush=True); sys.stdin.read()"


@pytest.fixture
def shared(world):
    """A world whose store lies in a folder that everybody may write to, and a file that must not change."""
    world.register("alice")
    world.register("bob")
    os.chmod(world.home, 0o777)
    world.precious = os.path.join(world.folder, "precious")
    with open(world.precious, "w") as file:
        file.write("all of it\n")
    yield world
    with open(world.precious) as file:
        assert file.read() == "all of it\n"


def plant(world, path, kind):
    if kind == "link":
        os.symlink(world.precious, path)
        return
    if os.geteuid() != 0:
        pytest.skip("only root can make what another user would")
    with open(path, "w") as file:
        file.write(f"{os.getpid()}\n")
    os.chmod(path, 0o666)
    os.chown(path, OTHER, OTHER)


def running(text, path):
    made = subprocess.Popen([sys.executable, "-c", text, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    made.stdout.readline()
    return made


def end(*made):
    for one in made:
        one.stdin.close()
        one.wait(20)
        one.stdout.close()


@pytest.mark.parametrize("kind", ["link", "other user"])
def test_a_lock_that_was_planted_is_refused_and_named(shared, kind):
    path = lock.path_for(shared.path)
    plant(shared, path, kind)
    out, err = shared.xats("send", "bob", "hi", "--as", "alice", XATS_AUTOSTART="1")
    assert out == "#1 sent to bob (needs a reply)\n"
    assert f"the message is stored. Reason: {path}" in err
    assert f"rm {path}" in err
    for words in (("daemon", "start"), ("daemon", "stop"), ("daemon", "run")):
        _, err = shared.xats(*words, code=4)
        assert f"xats: {path}" in err
        assert f"rm {path}" in err
    assert not shared.daemons()
    report = shared.xats("doctor", code=5)[0]
    assert any(line.startswith("FAIL\tstore\t") and f"rm {path}" in line for line in report.splitlines()), report
    os.unlink(path)  # as it says
    shared.xats("daemon", "start")


@pytest.mark.parametrize("kind", ["link", "other user"])
def test_a_log_that_was_planted_is_not_written(shared, kind):
    path = lock.log_path(shared.path)
    plant(shared, path, kind)
    with open(path) as file:
        before = file.read()
    shared.json("daemon", "start")
    until(lambda: shared.json("daemon", "status")["environment"], what="the daemon")
    shared.xats("daemon", "stop")
    with open(path) as file:
        assert file.read() == before
    assert f"rm {path}" in shared.xats("doctor", code=5)[0]


@pytest.mark.parametrize("name", ["hooks.log", "daemon.wake", "report"])
def test_what_else_was_planted_is_not_written(shared, name):
    path = lock.path_for(shared.path).replace(".lock", ".json") if name == "report" else f"{shared.path}-{name}"
    plant(shared, path, "link")
    shared.xats("hook", "run", "claude-code")
    daemon = shared.daemon()
    assert bell.ring(shared.path) is (name != "daemon.wake")
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(20)


def test_files_that_others_could_use_are_repaired_and_named(shared):
    for path in (lock.path_for(shared.path), lock.log_path(shared.path), bell.path_for(shared.path)):
        os.mkfifo(path, 0o600) if path.endswith(".wake") else open(path, "w").close()
        os.chmod(path, 0o666)
    assert shared.xats("doctor", code=5)[0].count("other users can use") == 3
    err = shared.xats("daemon", "start")[1]
    assert f"Other users could use {lock.path_for(shared.path)} (mode 0666)" in err
    until(lambda: bell.ring(shared.path), what="the daemon")
    assert f"Other users could use {bell.path_for(shared.path)}" in shared.log()
    assert "Other users" not in "".join(shared.xats("daemon", "stop"))
    modes = {name: oct(os.stat(os.path.join(shared.home, name)).st_mode & 0o777) for name in os.listdir(shared.home)}
    assert set(modes.values()) == {"0o600"}, modes


# -- signals -----------------------------------------------------------------------------------------------------------


def test_a_process_that_only_has_the_lock_file_open_gets_no_signal(world):
    """Its pid stands in the file, which others may be able to write, and another process has the lock."""
    world.register("alice")
    path = lock.path_for(world.path)
    holder, reader = running(TAKE, path), running(OPEN, path)
    with open(path, "w") as file:
        file.write(f"{reader.pid}\n")
    _, err = world.xats("daemon", "stop", code=4)
    assert f"names pid {reader.pid}, but that process does not hold it" in err
    assert (holder.poll(), reader.poll()) == (None, None)
    end(holder, reader)


@pytest.mark.parametrize("wrong", ["start", "host", "text"])
def test_a_lock_file_that_names_another_process_stops_none(world, wrong, monkeypatch):
    world.register("alice")
    path = lock.path_for(world.path)
    holder = running(TAKE, path)
    since = process.started(holder.pid)
    said = {
        "start": f"{host.id()}:{holder.pid}:{since - 1}",
        "host": f"h1+0000000000000000:{holder.pid}:{since}",
        "text": "-1",
    }
    with open(path, "w") as file:
        file.write(f"{said[wrong]}\n")
    assert (lock.held(world.path), lock.holder(world.path)) == (True, None)
    _, err = world.xats("daemon", "stop", code=4)
    assert "does not name it" in err
    assert holder.poll() is None
    end(holder)


def test_the_daemon_says_which_process_it_is(world):
    world.register("alice")
    made = world.daemon()
    with open(lock.path_for(world.path)) as file:
        assert file.read() == f"{host.id()}:{made.pid}:{process.started(made.pid)}\n"
    assert lock.holds(world.path, made.pid)
    assert not lock.holds(world.path, os.getpid())
    file = os.open(lock.path_for(world.path), os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_UN)
    assert not lock.holds(world.path, os.getpid())  # it is open here, and locked there
    os.close(file)
    assert world.xats("daemon", "stop")[0] == f"daemon stopped, pid {made.pid}\n"


def test_a_planted_lock_of_an_older_release_hides_no_daemon(shared):
    plant(shared, f"{shared.path}-daemon-an-old-name.lock", "link")
    assert not lock.held(shared.path)
    made = shared.daemon()
    assert shared.json("daemon", "status")["pid"] == made.pid
    assert shared.xats("daemon", "stop")[0] == f"daemon stopped, pid {made.pid}\n"
