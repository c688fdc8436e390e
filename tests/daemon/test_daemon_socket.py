"""The daemon of a database answers hooks and badges: whom it answers, what is lost when an end dies, and its cost."""

import contextlib
import ctypes
import glob
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import xats
from tests.conftest import HOST
from tests.support.remote import Remote
from tests.support.world import until
from xats.base import process, request
from xats.cli.clients import hook_ask
from xats.clients import waiters
from xats.core.agents import agents
from xats.core.locks import locks
from xats.daemon import autostart, loop
from xats.hooks import wait
from xats.identity.files import locate

PROMPT = {"hook_event_name": "UserPromptSubmit", "prompt": "hello"}
TOOL = {"hook_event_name": "PostToolUse", "tool_name": "Bash"}
START = {"hook_event_name": "SessionStart", "source": "startup"}


@pytest.fixture
def remote(database):
    made = Remote(database)
    yield made
    made.close()


def log_of(remote, word):
    """Wait until the log of the hooks has `word`; return the log."""
    until(lambda: word in remote.hook_log, what=word)
    return remote.hook_log


# -- an end that dies --------------------------------------------------------------------------------------------------


def test_a_hook_that_dies_before_it_prints_leaves_the_mail_unread(remote):
    remote.daemon()
    remote.mail()
    hook = remote.begin_hook(PROMPT, XATS_FAULT="hook.before_write")
    assert hook.wait(60) == -signal.SIGKILL
    assert hook.stdout.read() == ""
    until(lambda: remote.states() == [("unread", False)], what="the release of the mail")
    assert "Mail #1" in remote.hook(PROMPT)
    assert remote.states() == [("shown", False)]


def test_a_hook_whose_program_has_gone_leaves_the_mail_unread(remote):
    remote.daemon()
    remote.mail()
    reading, writing = os.pipe()
    os.close(reading)
    running = subprocess.Popen(
        [sys.executable, "-m", "xats", "hook", "run", "claude-code"],
        env=remote.env,
        cwd=remote.folder,
        stdin=subprocess.PIPE,
        stdout=writing,
    )
    os.close(writing)
    running.communicate(json.dumps({**PROMPT, "session_id": "s1"}).encode(), timeout=60)
    assert running.returncode == 0
    until(lambda: remote.states() == [("unread", False)], what="the release of the mail")


def test_a_daemon_that_dies_after_its_answer_shows_the_mail_once_more(remote):
    """It cannot know whether the answer arrived."""
    daemon = remote.daemon(XATS_FAULT="server.after_answer")
    remote.mail()
    assert "Mail #1" in remote.hook(PROMPT)
    assert daemon.wait(60) == -signal.SIGKILL
    assert remote.states() == [("unread", True)]  # claimed by a process that has ended
    remote.daemon()
    assert "Mail #1" in remote.hook(PROMPT)
    assert remote.states() == [("shown", False)]


@pytest.mark.skipif(not process.LINUX, reason="only Linux lists the sockets")
def test_a_daemon_that_dies_before_it_answers_loses_nothing(remote):
    daemon = remote.daemon()
    remote.mail()
    with remote.database.server.connect(remote.database.name) as other, other.transaction():
        other.execute("select pg_advisory_xact_lock(2019652723)")
        hook = remote.begin_hook(PROMPT)
        until(lambda: is_connected(remote), what="the hook's connection to the daemon")
        daemon.kill()
        out, err = hook.communicate(timeout=60)
    assert (hook.returncode, out, err) == (0, "", "")
    assert "daemon_silent: the daemon ended before it answered" in remote.hook_log
    assert remote.states() == [("unread", False)]


def is_connected(remote):
    """Tell whether a process has connected to the socket: Linux lists a socket for each end that has its name."""
    with open("/proc/net/unix") as file:
        return sum(line.rstrip("\n").endswith(remote.socket()) for line in file) > 1


def test_an_edit_is_refused_by_the_daemon_and_allowed_where_that_is_stopped(remote):
    daemon = remote.daemon()
    with pytest.MonkeyPatch.context() as patch:  # where the daemon finds the id of this machine
        patch.setenv("XATS_HOME", remote.home)
        file = locate("a.py", remote.folder)
        remote.team.do("bob", locks.take, [file])
    edit = {"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {"file_path": "a.py"}}
    assert "bob has locked a.py" in remote.hook(edit)
    assert remote.hook({**edit, "tool_input": {"file_path": "b.py"}}) == ""
    alice = remote.team.agent("alice")
    [held] = remote.store.read(lambda tx: locks.held_by(tx, alice.id))
    assert (held.file.path, held.kind) == ("b.py", "automatic")
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        until(lambda: process.state(daemon.pid) == "stopped")
        assert remote.hook(edit) == ""
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert remote.hook_log.endswith(" claude-code PreToolUse daemon_silent: the daemon did not answer within 1 s\n")


def test_a_stopped_daemon_makes_a_hook_wait_for_a_second(remote):
    daemon = remote.daemon()
    remote.mail()
    floor = took(lambda: remote.hook(PROMPT, XATS_DB=f"{remote.folder}/none.db"))
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        until(lambda: process.state(daemon.pid) == "stopped")
        seconds = took(lambda: remote.hook(PROMPT))
        assert remote.hook_log.endswith("daemon_silent: the daemon did not answer within 1 s\n")
        assert took(lambda: remote.xats("badge")) < seconds
        assert remote.xats("badge", USER="alice") == ("", "")
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert 1.0 <= seconds < 1.5 + 5 * floor  # a loaded machine makes both slow
    until(lambda: remote.states() == [("unread", False)], what="what the daemon makes of a caller that has gone")
    assert "Mail #1" in remote.hook(PROMPT)


def took(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_a_socket_that_a_killed_daemon_left_is_replaced(remote):
    daemon = remote.daemon()
    daemon.kill()
    daemon.wait()
    assert os.path.exists(remote.socket())
    assert remote.hook(TOOL) == ""
    assert log_of(remote, "PostToolUse").endswith("daemon_unreachable: no daemon runs\n")
    daemon = remote.daemon()
    remote.mail()
    assert "Mail #1" in remote.hook(PROMPT)
    daemon.terminate()
    daemon.wait(60)
    assert not os.path.exists(remote.socket())


def test_another_file_of_that_name_stays(remote):
    with open(remote.socket(), "w") as file:
        file.write("mine")
    remote.daemon()
    assert "hooks cannot ask the daemon: " in remote.log()
    assert remote.hook(TOOL) == ""
    assert "is not a socket of this user" in remote.hook_log
    with open(remote.socket()) as file:
        assert file.read() == "mine"


def test_the_path_of_the_socket_may_be_long(database):
    remote = Remote(database, "/".join(["a_folder_with_a_long_name"] * 6))
    try:
        remote.daemon()
        remote.mail()
        assert len(remote.socket()) > 150
        assert "Mail #1" in remote.hook(PROMPT)
    finally:
        remote.close()


# -- without a daemon --------------------------------------------------------------------------------------------------


def test_without_a_daemon_a_session_start_connects_directly(remote):
    """On a loaded machine a second may be too short for that."""
    said = until(lambda: remote.hook(START), what="an answer")
    assert "You are alice@crew" in said
    assert not os.path.exists(remote.socket())


def test_a_session_start_starts_the_daemon(remote):
    remote.mail()
    remote.hook(START, XATS_AUTOSTART="1")
    until(lambda: os.path.exists(remote.socket()), what="the daemon")
    assert "Mail #1" in until(lambda: remote.hook(PROMPT), what="an answer")


@pytest.mark.parametrize(
    "client, event, tool, connects",
    [
        ("claude-code", "PreToolUse", "Edit", True),
        ("claude-code", "PostToolUse", "Edit", False),
        ("qwen", "PreToolUse", "edit", True),
        ("qwen", "PreToolUse", "read_file", False),
    ],
)
def test_without_a_daemon_a_hook_that_may_refuse_an_edit_connects_directly(monkeypatch, client, event, tool, connects):
    directly = []
    monkeypatch.setattr(hook_ask, "_directly", directly.append)
    monkeypatch.setattr(autostart, "ensure_running", lambda *_: None)
    with contextlib.nullcontext() if connects else pytest.raises(request.Unreachable):
        told = {"hook_event_name": event, "tool_name": tool}
        hook_ask._without([client], told, "postgresql://nowhere/none", request.Unreachable())
    assert [one.event for one in directly] == [event] * connects


def test_without_a_daemon_other_hooks_skip_and_the_badge_is_empty(remote):
    remote.mail()
    assert remote.hook(PROMPT) == ""
    assert remote.hook_log.endswith(" claude-code UserPromptSubmit daemon_unreachable: no daemon runs\n")
    assert remote.xats("badge", XATS_AGENT="alice@crew") == ("", "")
    assert remote.states() == [("unread", False)]
    assert not os.path.exists(remote.socket())


def test_a_session_start_waits_a_second_for_a_database_that_does_not_answer(remote):
    with socket.socket() as silent:  # it accepts connections and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://xats@127.0.0.1:{silent.getsockname()[1]}/none"
        seconds = took(lambda: remote.hook(START, XATS_DB=url, XATS_AGENT="alice"))
    assert 1.0 <= seconds < 8
    assert remote.hook_log.endswith("the database did not answer within 1 s\n")


def test_nothing_is_logged_where_the_store_was_never_used(remote):
    os.unlink(glob.glob(os.path.join(remote.home, "*-store"))[0])
    assert remote.hook(PROMPT) == ""
    assert [name for name in os.listdir(remote.home) if "-seats" not in name] == []


# -- the waiter --------------------------------------------------------------------------------------------------------


def test_a_waiter_asks_the_daemon_and_gets_the_line(remote):
    """It sleeps longer than the time between two looks, and has no driver of the database."""
    remote.daemon()
    running = remote.begin_wait({**START, "session_id": "s1"})
    looked = until(lambda: pipes(remote), what="the waiter")
    assert until(lambda: waiters.listens(looked[0]), what="that it sleeps")
    time.sleep(wait.LOOK + 1)  # the time itself is tested
    assert running.poll() is None
    if process.LINUX:
        with open(f"/proc/{running.pid}/maps") as file:
            assert "psycopg" not in file.read()
    remote.mail()
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (wait.WOKEN, "xats: 1 new from bob - run: xats inbox\n")


def test_a_waiter_ends_when_another_session_replaces_its_own(remote):
    remote.daemon()
    running = remote.begin_wait({**START, "session_id": "s1"})
    until(lambda: pipes(remote), what="the waiter")
    seat = agents.Seat(HOST, client_session="s2")
    remote.team.register("alice", seat=seat, takeover=True)
    assert running.communicate(timeout=60) == ("", "")
    assert running.returncode == 0


def pipes(remote):
    return [one for one in glob.glob(os.path.join(remote.home, "*-waiter-*")) if not one.endswith(".lock")]


# -- who may ask what --------------------------------------------------------------------------------------------------


def ask(remote, name="badge", environ=None, **more):
    """Ask the daemon directly, from this process."""
    environ = {"USER": "alice", **(environ or {})}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XATS_HOME", remote.home)
        return request.ask(remote.path, name, environ, 10.0, **more)


def test_a_request_of_another_version_or_store_or_kind_is_refused(remote, monkeypatch):
    remote.daemon()
    assert ask(remote) == {"unread": 0, "owed": 0}
    with pytest.raises(request.Unreachable, match="the daemon does not know this request"):
        ask(remote, "everything")
    monkeypatch.setattr(request, "__version__", "0.0.1")
    with pytest.raises(request.Unreachable, match=f"the daemon is xats {xats.__version__}, and this is xats 0.0.1"):
        ask(remote)
    monkeypatch.undo()
    other = f"{remote.path}&application_name=x"
    assert request.path_for(other) == request.path_for(remote.path)
    remote.path = other
    with pytest.raises(request.Unreachable, match="the daemon uses the store postgresql://"):
        ask(remote)


@pytest.mark.parametrize("data", [b"", b"\n", b"[]\n", b"{}\n", b"{\xff\n", b"x" * (request.LARGEST + (1 << 16)), b"{"])
def test_a_line_that_is_no_request_harms_nothing(remote, data):
    daemon = remote.daemon()
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(remote.socket())
        line.settimeout(20)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            line.recv(1000)
    assert ask(remote) == {"unread": 0, "owed": 0}
    assert daemon.poll() is None
    assert "Traceback" not in remote.log()


AS_NOBODY = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[3])
print(line.recv(1000).decode(), end="")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_refused_also_where_the_socket_is_open_to_everybody(remote):
    remote.daemon()
    assert os.stat(remote.socket()).st_mode & 0o777 == 0o600
    assert os.stat(remote.home).st_mode & 0o777 == 0o700
    nobody = pwd.getpwnam("nobody")
    words = [sys.executable, "-c", AS_NOBODY, str(nobody.pw_uid), str(nobody.pw_gid), remote.socket()]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "PermissionError" in ran.stderr
    for path in (remote.folder, remote.home):
        os.chmod(path, 0o755)
    os.chmod(remote.socket(), 0o666)
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == {"refused": "the daemon answers only its own user"}


def confine():
    """Set no_new_privs, as a sandbox does (prctl(2))."""
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)


@pytest.mark.skipif(not process.LINUX, reason="only Linux shows how a process is confined")
def test_a_process_in_a_sandbox_gets_nothing(remote):
    remote.daemon()
    remote.mail()
    ran = subprocess.run(
        [sys.executable, "-m", "xats", "hook", "run", "claude-code"],
        env=remote.env,
        input=json.dumps({**PROMPT, "session_id": "s1"}),
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=confine,
    )
    assert ran.stdout == ""
    assert "the process that asks runs under no_new_privs" in remote.hook_log
    assert remote.states() == [("unread", False)]


HOLDER = """
import os, subprocess, sys
print("ready", flush=True)
for line in sys.stdin:
    subprocess.run([sys.executable, "-m", "xats", "badge", "--json"])
"""


def test_the_caller_is_who_the_processes_above_it_say(remote):
    """A badge below the process of alice counts her mail; one beside it, with the same environment, does not."""
    remote.daemon()
    environ = {**remote.env, "XATS_AGENT": "alice@crew", "CLAUDECODE": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "ready\n"
        seat = agents.Seat(HOST, holder.pid, process.started(holder.pid))
        remote.team.register("alice", seat=seat, takeover=True)
        remote.mail()
        holder.stdin.write("badge\n")
        holder.stdin.flush()
        assert json.loads(holder.stdout.readline())["unread"] == 1
        beside, _ = remote.xats("badge", "--json", XATS_AGENT="alice@crew", CLAUDECODE="1")
        assert json.loads(beside)["unread"] == 0
        holder.stdin.close()


def test_the_badge_counts_the_mail_of_a_person_and_of_a_named_agent(remote):
    remote.daemon()
    remote.team.add("carol", client="human")
    remote.team.send("bob", "carol", "hello")
    remote.mail()
    for words, env in (
        ((), {"USER": "carol"}),
        (("--team", "crew"), {"USER": "carol"}),
        (("--as", "alice@crew"), {"USER": "carol"}),
        ((), {"XATS_TEAM": "crew", "USER": "carol"}),
    ):
        found, said = remote.xats("badge", "--json", *words, **env)
        assert (json.loads(found)["unread"], said) == (1, ""), words
    assert json.loads(remote.xats("badge", "--json", "--team", "others", USER="carol")[0])["unread"] == 0
    assert remote.states() == [("unread", False)] * 2


def test_doctor_asks_the_daemon_as_a_hook_does(remote):
    def look():
        found = remote.json("doctor", code=None)["checks"]
        hooks = next((one for one in found if one["name"] == "hooks"), None)
        return hooks, [one for one in found if one["name"].endswith(".socket")]

    daemon = remote.daemon()
    hooks, files = look()
    assert (hooks["state"], files) == ("ok", [])
    os.unlink(remote.socket())
    hooks, files = look()
    assert (hooks["state"], hooks["detail"]) == ("warn", "hooks and xats badge get no answer: no daemon runs")
    with open(remote.socket(), "w"):
        pass
    assert "is a regular file" in look()[1][0]["detail"]
    daemon.terminate()
    daemon.wait()
    assert look()[0] is None


# -- the connections ---------------------------------------------------------------------------------------------------


def test_the_daemon_has_at_most_five_connections_and_none_while_tmux_works(remote):
    """Six attempts wait for a tmux that hangs, more than there are connections; meanwhile 20 hooks come at once."""
    tmux = remote.tmux()
    hangs = remote.fake_tmux('case "$*" in *display-message*|*list-panes*|*capture-pane*) touch "$T/hung"; hang;; esac')
    most, over = [], threading.Event()

    def count():
        while not over.wait(0.01):
            most.append(len(remote.connections()))

    names = [f"a{number}" for number in range(6)]
    for name in names:
        remote.register(name, tmux.compose(), XATS_TEAM="crew")
    watching = threading.Thread(target=count)
    watching.start()
    try:
        remote.daemon(**hangs)
        for name in names:
            remote.team.send("bob", name, "hello")
        until(lambda: remote.noted("hung"), what="an attempt that waits for tmux")
        remote.mail()
        hooks = [remote.begin_hook(TOOL) for _ in range(20)]
        said = [one.communicate(timeout=60) for one in hooks]
        assert [one.returncode for one in hooks] == [0] * 20
        shown = sum("Mail #" in out for out, _ in said)
        assert shown <= 1  # on a loaded machine a second may be too short for each of them
        assert shown or "Mail #" in until(lambda: remote.hook(TOOL), what="an answer")
        until(lambda: set(remote.connections()) == {"idle"}, what="idle connections")
        assert not remote.noted("go")
    finally:
        remote.note("go")
        over.set()
        watching.join()
    assert 2 <= max(most) <= loop.CONNECTIONS + 1
