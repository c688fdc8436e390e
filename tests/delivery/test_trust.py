"""Which tmux servers xats connects to. A tmux client runs what its server names, so a wrong one is never asked."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from tests.delivery.conftest import LINE, until
from xats.base import confinement, process
from xats.tmux import guards, notice, paste, screen, server, socket_path, terminal, trust
from xats.tmux import pane as panes
from xats.tmux.errors import NoPane, ServerUntrusted, TmuxGone, TmuxUnavailable

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root can make what another user would")
on_linux = pytest.mark.skipif(not process.LINUX, reason="only Linux tells")
OTHER = 54321  # a user id that nobody has here

# What a hostile server does first: it listens. `prepare` comes before that, in the same process.
LISTEN = """
import ctypes, os, socket, sys
{prepare}
line = socket.socket(socket.AF_UNIX)
line.bind(sys.argv[1])
line.listen()
print("ready", flush=True)
while True:
    line.accept()[0].close()
"""
NO_NEW_PRIVS = "assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0"
# One instruction that allows everything: a filter all the same, seccomp(2).
SECCOMP = f"""
{NO_NEW_PRIVS}
class Rule(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Rule))]
rule = Rule(6, 0, 0, 0x7fff0000)
assert ctypes.CDLL(None).prctl(22, 2, ctypes.byref(Program(1, ctypes.pointer(rule))), 0, 0) == 0
"""


@contextmanager
def listening(path, prepare="", before=()):
    """Have another process listen at `path`, started by the command `before`; yield it."""
    words = [*before, sys.executable, "-c", LISTEN.format(prepare=prepare), path]
    made = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if made.stdout.readline() != "ready\n":
            pytest.skip(f"this system does not allow it: {made.communicate()[1].strip()[-200:]}")
        yield made
    finally:
        made.kill()
        made.communicate()


class Trap:
    """A socket that counts who connects to it."""

    def __init__(self, path):
        self.path, self.met = path, 0
        self._line = socket.socket(socket.AF_UNIX)
        self._line.bind(path)
        self._line.listen()
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        while True:
            try:
                self._line.accept()[0].close()
            except OSError:
                return
            self.met += 1

    def check(self):
        """Return how many came; one that is known is the last of them."""
        before = self.met
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self.path)
        until(lambda: self.met > before)
        return before

    def close(self):
        self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()


@pytest.fixture
def trap(tmp_path):
    """A socket in a folder that everybody can write to: no server there is trusted."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    made = Trap(str(folder / "s"))
    yield made
    made.close()


def refused(path, why, pid=None):
    with pytest.raises(ServerUntrusted, match=why) as caught, trust.entrance(path, pid, 1.0):
        pass
    assert (caught.value.reason, bool(caught.value.hint)) == ("server_untrusted", True)


# -- the path ----------------------------------------------------------------------------------------------------------


def test_our_own_server_is_trusted(desk):
    with trust.entrance(desk.socket, desk.pid, 1.0) as checked:
        assert checked.pid in (desk.pid, None)
    assert trust.listener(desk.socket, 1.0) in (desk.pid, None)


@pytest.mark.parametrize("mode, trusted", [(0o777, False), (0o1777, True), (0o755, True), (0o702, False)])
def test_others_must_not_be_able_to_write_to_any_folder_above(desk, mode, trusted):
    inner = os.path.join(desk.folder, "inner")
    os.makedirs(inner, 0o700)
    os.rename(desk.socket, f"{inner}/s")
    os.chmod(desk.folder, mode)
    if trusted:
        with trust.entrance(f"{inner}/s", desk.pid, 1.0):
            pass
    else:
        refused(f"{inner}/s", f"other users can write to the folder {desk.folder}")
    os.chmod(desk.folder, 0o700)
    os.rename(f"{inner}/s", desk.socket)


def test_a_folder_of_a_group_of_others(desk):
    group = next((one for one in os.getgroups() if one != os.getegid()), OTHER if ROOT else None)
    if group is None:
        pytest.skip("this user has one group")
    os.chown(desk.folder, -1, group)
    os.chmod(desk.folder, 0o770)
    refused(desk.socket, "other users can write")
    os.chmod(desk.folder, 0o750)
    assert server.run(desk.socket, "display-message", "-p", "#{pid}") == f"{desk.pid}\n"


def test_a_link_on_the_way_is_followed_like_the_system_does(desk):
    folder = os.path.join(desk.folder, "links")
    os.makedirs(folder)
    os.symlink("../links/../s", f"{folder}/a")
    os.symlink(f"{folder}/a", f"{folder}/b")
    assert socket_path.resolve(f"{folder}/b") == os.path.realpath(desk.socket)
    assert server.run(f"{folder}/b", "display-message", "-p", "#{pid}") == f"{desk.pid}\n"
    os.symlink("c", f"{folder}/c")
    with pytest.raises(TmuxUnavailable):
        server.run(f"{folder}/c", "list-sessions")


@as_root
def test_what_belongs_to_another_user(desk, tmp_path):
    where = desk.socket
    os.chown(where, OTHER, -1)
    refused(where, f"the socket belongs to user id {OTHER}")
    os.chown(where, os.geteuid(), -1)
    os.chown(desk.folder, OTHER, -1)
    refused(where, f"the folder {desk.folder} belongs to user id {OTHER}")
    os.chown(desk.folder, os.geteuid(), -1)
    os.symlink(where, f"{desk.folder}/link")
    os.chown(f"{desk.folder}/link", OTHER, -1, follow_symlinks=False)
    refused(f"{desk.folder}/link", f"the link {desk.folder}/link belongs to user id {OTHER}")


@as_root
def test_a_process_of_another_user_behind_a_socket_of_ours(desk):
    path = f"{desk.folder}/theirs"
    os.chmod(desk.folder, 0o1777)
    with listening(path, f"os.setuid({OTHER})"):
        os.chown(path, os.geteuid(), -1)
        os.chmod(desk.folder, 0o700)
        refused(path, f"the process that listens there belongs to user id {OTHER}")


@pytest.mark.parametrize("make", [lambda path: open(path, "w").close(), os.mkfifo, os.mkdir])
def test_what_is_no_socket(desk, make):
    path = f"{desk.folder}/other"
    make(path)
    refused(path, "it is not a socket")


def test_nobody_listens(desk, tmp_path):
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(f"{desk.folder}/left")
    for path in (f"{desk.folder}/left", f"{desk.folder}/none", f"{desk.folder}/none/s", f"{desk.socket}/s"):
        with pytest.raises(TmuxGone):
            server.run(path, "list-sessions")


# -- the process -------------------------------------------------------------------------------------------------------


@on_linux
@pytest.mark.parametrize(
    "prepare, before, why",
    [
        (NO_NEW_PRIVS, (), "runs under no_new_privs"),
        (SECCOMP, (), "runs under no_new_privs|seccomp"),
        ("", ("unshare", "--mount"), "runs in another mount namespace"),
        ("", ("unshare", "--user", "--map-root-user"), "runs in another user namespace"),
        ("", ("unshare", "--pid", "--fork", "--kill-child"), "runs in another pid namespace"),
    ],
)
def test_a_server_in_a_sandbox(desk, prepare, before, why):
    """It could have our client run something outside of the sandbox."""
    path = f"{desk.folder}/confined"
    with listening(path, prepare, before):
        refused(path, why)


@on_linux
def test_more_filters_than_ours_are_stricter(monkeypatch):
    ours = {"NoNewPrivs": "1", "Seccomp": "2", "Seccomp_filters": "1", "NSpid": "7"}
    theirs = dict(ours)
    monkeypatch.setattr(confinement, "_status", lambda pid: ours if pid == "self" else theirs)
    assert confinement.stricter(os.getpid()) is None
    theirs["Seccomp_filters"] = "2"
    assert confinement.stricter(os.getpid()) == "runs under more seccomp filters, which this process does not"
    theirs["NSpid"] = "7 1"
    assert confinement.stricter(os.getpid()) == "runs in another pid namespace"
    theirs.clear()
    assert confinement.stricter(os.getpid()) == "cannot be read in /proc"


@on_linux
def test_a_server_that_hides_itself_is_judged_by_what_everybody_may_read(monkeypatch):
    """As one that is setgid does; a sandbox without no_new_privs has user ids of its own."""
    monkeypatch.setattr(confinement, "_namespace", lambda pid, name: "here" if pid == "self" else "")
    users = ["0", "0", "4294967295"]
    monkeypatch.setattr(confinement, "_users", lambda pid: ["0", "0", "4294967295"] if pid == "self" else users)
    assert confinement.stricter(os.getpid()) is None
    users[1:] = ["1000", "1"]
    assert confinement.stricter(os.getpid()) == "runs in another user namespace"


@on_linux
def test_another_server_by_now(desk):
    old = desk.pid
    pane = desk.open("exec cat")
    os.rename(desk.socket, f"{desk.folder}/aside")
    desk.start()
    try:
        with pytest.raises(TmuxUnavailable, match=f"another tmux server .* .pid {old}. still runs") as caught:
            screen.look(pane)
        assert (type(caught.value), f"kill -USR1 {old}" in caught.value.hint) == (TmuxUnavailable, True)
        os.kill(old, 9)
        until(lambda: process.started(old) is None)
        with pytest.raises(TmuxGone, match=f"pid {old} has ended"):
            screen.look(pane)
    finally:
        if process.started(old):
            os.kill(old, 9)


@on_linux
def test_the_client_gets_the_socket_that_was_checked(desk, fake_tmux, trap):
    """Whatever becomes of the path between the check and the client's connection."""
    pane = desk.open("exec cat")
    fake_tmux(f"mv {desk.socket} {desk.folder}/aside; ln -s {trap.path} {desk.socket}")
    assert screen.look(pane).pane_id == pane.pane_id
    assert trap.check() == 0
    os.unlink(desk.socket)
    os.rename(f"{desk.folder}/aside", desk.socket)


def test_what_tmux_says_of_the_socket_names_it(desk, fake_tmux):
    fake_tmux('echo "error connecting to $3 (No such file or directory)" >&2; exit 1')
    with pytest.raises(TmuxGone, match=f"error connecting to {desk.socket} "):
        server.run(desk.socket, "list-sessions")


def test_no_open_file_is_left(desk):
    before = len(process.descriptors(os.getpid()))
    pane = desk.open("exec cat")
    for _ in range(3):
        screen.look(pane)
        server.begin(pane, "list-sessions").communicate()
        with pytest.raises(TmuxGone):
            server.run(f"{desk.folder}/none", "list-sessions")
        os.chmod(desk.folder, 0o777)
        with pytest.raises(ServerUntrusted):
            server.run(desk.socket, "list-sessions")
        os.chmod(desk.folder, 0o700)
    assert len(process.descriptors(os.getpid())) == before


@on_linux
def test_a_server_whose_socket_its_parent_listens_at(desk):
    """As systemd does for a service."""
    assert trust._serves(os.getpid(), os.getpid())
    with subprocess.Popen(["sleep", "60"]) as child:
        assert trust._serves(os.getpid(), child.pid)
        assert not trust._serves(child.pid, os.getpid())
        child.kill()


# -- every command -----------------------------------------------------------------------------------------------------


def seat_at(world, trap):
    """Have bob sit, by the rows of the store, in a pane of the server at the trap."""
    world.register("alice")
    world.xats("register", "bob", "--no-pane", "--client", "generic", "--wake", "auto")
    connection = sqlite3.connect(world.path, timeout=20)
    with connection:
        connection.execute(
            "update sessions set pane_socket = ?, server_pid = ?, server_start = 1, pane_id = '%0', pane_pid = 1,"
            " pane_tty = '/dev/pts/0' where agent_id = (select id from agents where name = 'bob') and ended_at is null",
            (trap.path, os.getpid()),
        )
    connection.close()


def said(world, *words, **env):
    """Run xats, whatever its exit code; return (stdout, stderr)."""
    return world.start(*words, **env).communicate(timeout=60)


def test_a_row_makes_nobody_connect(world, trap):
    seat_at(world, trap)
    world.daemon(XATS_LADDER="50ms,1h")
    world.send("bob")
    wake = world.until_wake(state="retrying", reason="server_untrusted", attempts=2)
    assert wake["next_attempt_at"]
    assert "the tmux socket of its pane cannot be trusted" in world.xats("status", "--as", "alice")[0]
    out, _ = world.xats("doctor", code=5)
    assert f"other users can write to the folder {os.path.dirname(trap.path)}" in out
    world.xats("agents")
    for words in (("poke", "bob", "hello"), ("deliver", "--dry-run"), ("top", "--once")):
        assert "Traceback" not in said(world, *words)[1]
    world.xats("unregister", "bob", "--force")
    assert trap.check() == 0


@pytest.mark.parametrize(
    "words",
    [
        ("register", "eve"), ("register", "eve", "--pane", "%0"), ("client", "test", "%0"),
        ("whoami", "--as", "alice"), ("whoami",), ("doctor",),
    ],
)  # fmt: skip
def test_the_environment_makes_nobody_connect(world, trap, words):
    world.register("alice")
    out, err = said(world, *words, TMUX=f"{trap.path},{os.getpid()},0", TMUX_PANE="%0")
    assert trap.check() == 0
    assert "Traceback" not in err
    assert f"other users can write to the folder {os.path.dirname(trap.path)}" in out + err


# -- the terminal ------------------------------------------------------------------------------------------------------


def other(pane, **changes):
    return type(pane)(**{**pane.__dict__, **changes})


def test_the_path_of_a_terminal_opens_nothing_else(desk):
    pane, beside = desk.open("exec cat"), desk.open("exec cat")
    fifo = f"{desk.folder}/fifo"
    os.mkfifo(fifo)
    until(lambda: terminal.mode(pane) == "line")
    assert terminal.unread(pane) == 0
    for path in (fifo, "/dev/null", f"/dev/..{fifo}", "/dev/../dev/null", "/dev/\0", "", beside.tty):
        assert terminal.mode(other(pane, tty=path)) == "unknown"
        assert terminal.unread(other(pane, tty=path)) is None
    assert [panes.device(other(pane, tty=path)) for path in (fifo, f"/dev/..{fifo}", "/dev/\0", "")] == [0] * 4


@pytest.mark.parametrize("pane_id", ["%/../../evil", "%0;", "{last}", "=keep:", "", "%\0", "#(touch x)"])
def test_what_is_no_pane_id_goes_nowhere(desk, pane_id):
    """Neither into the name of a lock nor into a command."""
    seat = desk.compose()
    before = sorted(os.listdir("/tmp"))
    wrong = other(seat.pane, pane_id=pane_id)
    outcome = paste.attempt(wrong, line=lambda: LINE, token="wake-1", quiet_ms=0, client=seat.client)
    assert (outcome.state, outcome.reason) == ("refused", "no_pane")
    for act in (screen.look, lambda pane: panes.mark(pane, "@xats_agent", "bob"), notice.viewers):
        with pytest.raises(NoPane):
            act(wrong)
    looks = screen.read([wrong, seat.pane], server.run(seat.pane, *screen.commands([wrong, seat.pane])))
    assert looks[pane_id] is None
    assert looks[seat.pane.pane_id].pane_pid == seat.pane.pane_pid
    assert [name for name in sorted(os.listdir("/tmp")) if "evil" in name and name not in before] == []


def test_a_pane_with_the_terminal_of_another_is_another(desk):
    """A row could name an agent's terminal and process beside the pane of a shell."""
    seat = desk.compose()
    shell = desk.open("exec sh")
    mixed = other(shell, tty=seat.pane.tty)
    assert guards.identity(mixed, screen.look(shell)) == "pane_changed"
    outcome = paste.attempt(mixed, line=lambda: LINE, token="wake-1", quiet_ms=0, client=seat.client)
    assert (outcome.state, outcome.reason) == ("refused", "pane_changed")
    assert "xats" not in desk.text(shell)
