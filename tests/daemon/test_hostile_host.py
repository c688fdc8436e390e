"""A second host with all rights on the database: it changes rows so that wakes of this host would go elsewhere.

Nothing is typed, run or connected to anywhere else than where this host's own commands registered its agents. The
reason is shown, and the mail is delivered once the agent has registered again.
"""

import os
import shlex
import socket

import pytest

from tests.support.hosts import QUIET, make_host, make_hosts, read, server
from xats.base import process

__all__ = ("make_host", "make_hosts", "server")

PANE = """
update sessions set pane_socket = :socket, server_pid = :server, server_start = :start, pane_id = :pane,
    pane_pid = :pid, pane_tty = :tty
where ended_at is null and agent_id = (select id from agents where name = :name)
"""
LEAVE = """
update sessions set pane_socket = null, server_pid = null, server_start = null, pane_id = null, pane_pid = null,
    pane_tty = null
where agent_id = (select id from agents where name = 'carol')
"""
SESSION = "update sessions set {} where ended_at is null and agent_id = (select id from agents where name = 'bob')"
EXPECT = """
insert into expectations (agent_id, client, host, pane_socket, server_pid, server_start, pane_id, pane_pid, pane_tty,
    created_at, expires_at)
select a.id, 'generic', s.host, s.pane_socket, s.server_pid, s.server_start, s.pane_id, s.pane_pid, s.pane_tty,
    :now, :now + 600000
from agents a, agents c join sessions s on s.agent_id = c.id and s.ended_at is null
where a.name = 'alice' and c.name = 'carol'
"""


def place(composer) -> dict:
    """Return the pane of `composer` as the columns of a session."""
    form = "#{pid}|#{start_time}|#{pane_id}|#{pane_pid}|#{pane_tty}"
    pid, start, pane, pane_pid, tty = composer.tmux.cmd("display-message", "-p", "-t", composer.pane, form).split("|")
    return {
        "socket": composer.tmux.socket,
        "server": int(pid),
        "start": int(start),
        "pane": pane,
        "pid": int(pane_pid),
        "tty": tty,
    }


@pytest.fixture(scope="module")
def both(make_hosts):
    """Two hosts. Carol is in a pane of her own on `here`, where another pane (`trap`) has no agent."""
    here, there = make_hosts()
    here.carol = here.bob.tmux.compose()
    here.register("carol", here.carol)
    here.trap = here.bob.tmux.compose()
    here.other = here.tmux("other").compose()
    return here, there


def carols(here, there) -> None:
    there.write(LEAVE)
    there.write(PANE, name="bob", **place(here.carol))


def unregistered(here, there) -> None:
    there.write(PANE, name="bob", **place(here.trap))


def other_server(here, there) -> None:
    there.write(PANE, name="bob", **place(here.other))


def process_of_another(here, there) -> None:
    there.write(SESSION.format("pid = :pid, pid_started = :at"), pid=here.trap.pid, at=process.started(here.trap.pid))


def another_program(here, there) -> None:
    there.write(SESSION.format("program_device = '1', program_inode = '1'"))


def no_program(here, there) -> None:
    there.write(SESSION.format("program_device = null, program_inode = null, program_script = null"))


def another_client(here, there) -> None:
    there.write("update agents set client = 'claude-code' where name = 'bob'")


def another_session(here, there) -> None:
    there.write(SESSION.format("client_session = 'f00'"))


def another_xats(here, there) -> None:
    there.write(SESSION.format("xats_path = :path"), path=os.path.join(here.folder, "evil"))


ATTACKS = (
    carols,
    unregistered,
    other_server,
    process_of_another,
    another_program,
    no_program,
    another_client,
    another_session,
    another_xats,
)


def lines(*composers) -> list[list[str]]:
    return [composer.sent for composer in composers]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_changed_row_redirects_no_wake(both, attack):
    here, there = both
    here.send("bob", "before")
    here.until_wake("bob", state="delivered")
    read(here, "bob")
    before = lines(here.bob, here.carol, here.trap, here.other)

    attack(here, there)
    number = here.send("bob", "a secret")
    here.until_wake("bob", reason="not_ours", next_attempt_at=None, attempts=0)
    assert lines(here.bob, here.carol, here.trap, here.other) == before
    assert "not the one that this host registered" in here.xats("status", str(number), "--as", "alice")[0]
    checks = {one["name"]: one for one in here.json("doctor", code=None)["checks"] if one["section"] == "waking"}
    assert checks["bob@t"]["state"] == "fail"
    assert "xats register bob" in checks["bob@t"]["fix"]
    assert "this host registered" in here.xats("peek", "bob", "--as", "alice", code=4)[1]

    here.register("carol", here.carol)
    here.register("bob", here.bob, "--client", "generic")
    here.until_wake("bob", state="delivered")
    assert here.bob.sent[len(before[0]) :] == [QUIET.format("alice")]
    assert lines(here.carol, here.trap, here.other) == before[1:]
    assert read(here, "bob") == ["a secret"]


def test_xats_connects_to_no_socket_that_another_host_names(both):
    here, there = both
    path = os.path.join(here.folder, "trap")
    with socket.socket(socket.AF_UNIX) as listens:
        listens.bind(path)
        listens.listen()
        listens.setblocking(False)
        kept = place(here.bob)
        there.write(PANE, name="bob", **{**kept, "socket": path, "server": os.getpid()})
        here.send("bob", "a secret")
        here.until_wake("bob", reason="not_ours")
        here.xats("doctor", code=None)
        here.xats("client", "find", code=None)
        here.xats("peek", "bob", "--as", "alice", code=4)
        with pytest.raises(BlockingIOError):
            listens.accept()
    here.register("bob", here.bob)
    here.until_wake("bob", state="delivered")
    read(here, "bob")


def test_no_agent_of_another_host_moves_in(both):
    """Kim's row says that kim is here now, in carol's pane; alice's that her program is expected there."""
    here, there = both
    before = lines(here.carol)
    [mine] = here.rows("select host from sessions s join agents a on a.id = s.agent_id where a.name = 'bob' limit 1")
    there.write(EXPECT, now=there.store.read(lambda tx: tx.now))
    there.write(LEAVE)
    there.write(PANE, name="kim", **place(here.carol))
    there.write("update sessions set host = :host where agent_id = (select id from agents where name = 'kim')", **mine)
    here.send("kim", "for kim")
    here.until_wake("kim", reason="not_ours")
    assert lines(here.carol) == before
    seated = (
        "select 1 from sessions s join agents a on a.id = s.agent_id where a.name = 'alice' and s.pane_id is not null"
    )
    assert not here.rows(seated)
    there.register("kim", there.kim)
    there.until_wake("kim", state="delivered")
    assert there.kim.sent[-1:] == [QUIET.format("alice")]
    assert lines(here.carol) == before


def test_each_attack_is_one(both):
    """The rows that these tests write are right but for the place: the same words of this host's own wake the pane."""
    here, _ = both
    tmux = {"TMUX": f"{here.trap.tmux.socket},{here.trap.tmux.pid},0", "TMUX_PANE": "%0"}
    here.xats("register", "dora", "--pane", here.trap.pane, **tmux)
    here.send("dora", "hello")
    here.until_wake("dora", state="delivered")
    assert here.trap.sent == [QUIET.format("alice")]
    assert shlex.split(here.trap.sent[0])[-1] == "inbox"
