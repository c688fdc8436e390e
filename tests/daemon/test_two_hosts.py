"""Two hosts and one database: mail, fan-out and wakes, and a server that is killed or away.

Each host has a machine id and a name of its own, in a namespace of mounts (mount_namespaces(7)), its own home, daemon
and tmux server.
"""

import os
import shutil
import subprocess
import threading
import time
import uuid

import pytest

from tests.support import checks
from tests.support import postgres as servers
from tests.support.world import Tmux, World, until
from xats.base import host
from xats.core.waking import attempts
from xats.store.open import open_store

PREPARE = 'mount --bind "$0" /etc/machine-id && hostname "$1" && exec sleep 900'
AWAY = 7  # seconds, more than a command waits for a server that is away
SECONDS = attempts.LEASE / 1000 + 60
DATABASE = "team"
QUIET = "xats: 1 new from {} - run: xats inbox"


def may() -> bool:
    words = ["unshare", "-m", "-u", "true"]
    return bool(shutil.which("unshare")) and not subprocess.run(words, capture_output=True, check=False).returncode


pytestmark = [
    pytest.mark.skipif(
        not os.path.exists(host.FILES[0]), reason="this machine has no id that a namespace could replace"
    ),
    pytest.mark.skipif(not may(), reason="no namespace of mounts can be made here"),
    pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed"),
]


class Host(World):
    """A host whose store is in the database at `url`."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self.name, self.path = name, url
        self.env["XATS_DB"] = url
        self.store = open_store(url)
        machine = os.path.join(self.folder, "machine-id")
        with open(machine, "w") as file:
            file.write(uuid.uuid4().hex + "\n")
        self._keeper = subprocess.Popen(["unshare", "-m", "-u", "sh", "-c", PREPARE, machine, name])
        place = f"/proc/{self._keeper.pid}/ns"
        self.around = ["nsenter", f"--mount={place}/mnt", f"--uts={place}/uts", f"--wd={self.folder}"]
        until(self._is_itself, what="a host of its own")

    def _is_itself(self) -> bool:
        said = subprocess.run([*self.around, "hostname"], capture_output=True, text=True, check=False).stdout
        return said.strip() == self.name

    def tmux(self, name="s"):
        made = Tmux(self.folder, name, self.around)  # xats stays away from a tmux in other mounts
        self._servers.append(made)
        return made

    def rows(self, sql, **values):
        return self.store.read(lambda tx: tx.all(sql, **values))

    def log(self) -> str:
        path = os.path.join(self.folder, "daemon.log")
        if not os.path.exists(path):
            return ""
        with open(path) as file:
            return file.read()

    def daemons(self) -> list[int]:
        return []  # only `daemon` starts them

    def close(self) -> None:
        self.store.close()
        super().close()
        self._keeper.kill()
        self._keeper.wait()


@pytest.fixture
def server():
    """A server with durable commits, which the test may kill."""
    made = servers.own(durable=True)
    with made.connect() as admin:
        admin.execute(f"create database {DATABASE} owner {servers.OWNER} template template0")
    yield made
    made.remove()


@pytest.fixture
def hosts(server):
    """The hosts `here` (alice without a pane, bob) and `there` (kim), with a daemon on each."""
    made: list[Host] = []
    try:
        for name in ("here", "there"):
            made.append(Host(server.url(DATABASE), name))
        here, there = made
        here.register("alice")
        here.bob = here.tmux().compose()
        here.register("bob", here.bob)
        there.kim = there.tmux().compose()
        there.register("kim", there.kim)
        for one in made:
            one.running = one.daemon(XATS_LADDER="1s,1s,1s,1h")
        yield here, there
    finally:
        for one in made:
            one.close()


def read(one: Host, name: str) -> list[str]:
    """Let `name` read all its mail on its host; return the texts."""
    letters = one.json("inbox", "--as", name, "--limit", "1000")["messages"]
    return [letter["body"] for letter in letters]


def settled(one: Host) -> bool:
    return not one.rows("select id from wakes where closed_at is null or lease_token is not null")


def test_each_host_wakes_its_own_agents(hosts):
    here, there = hosts
    seats = {row["host_name"]: row["host"] for row in here.rows("select host, host_name from sessions")}
    assert set(seats) == {"here", "there"}
    assert len(set(seats.values())) == 2
    here.send("bob,kim", "to both")
    for name in ("bob", "kim"):
        here.until_wake(name, state="delivered")
    assert (here.bob.sent, there.kim.sent) == ([QUIET.format("alice")], [QUIET.format("alice")])
    assert read(there, "kim") == ["to both"]
    there.xats("reply", "1", "from there", "--as", "kim")  # alice has no pane
    there.send("bob", "and to bob", sender="kim")
    assert sorted(read(here, "bob")) == ["and to bob", "to both"]
    assert read(here, "alice") == ["from there"]
    until(lambda: settled(here) or read(here, "alice"), what="all wakes to settle")
    assert checks.broken(here.store) == []


def keep_sending(sender: Host, name: str, to: str, stop, sent: list[str]) -> None:
    """Send until `stop()`; each text is sent with a key, again and again until xats has accepted it."""
    while not stop():
        text = f"{name} {len(sent)}"
        while True:
            made = sender.start("send", to, text, "--as", name, "--key", text)
            _, said = made.communicate(timeout=90)
            if made.returncode == 0:
                break
            if made.returncode != 75:
                raise AssertionError(said)
        sent.append(text)


def test_a_server_that_was_away_has_lost_nothing_and_doubled_nothing(hosts, server):
    here, there = hosts
    sent: dict[str, list[str]] = {"alice": [], "kim": []}
    over = threading.Event()
    failed: list[BaseException] = []

    def run(*args) -> None:
        try:
            keep_sending(*args)
        except BaseException as problem:
            failed.append(problem)

    senders = [
        threading.Thread(target=run, args=(here, "alice", "bob,kim", over.is_set, sent["alice"])),
        threading.Thread(target=run, args=(there, "kim", "bob", over.is_set, sent["kim"])),
    ]
    for one in senders:
        one.start()

    def go_on() -> None:
        """Wait until each of them has sent two more."""
        goal = {name: len(found) + 2 for name, found in sent.items()}
        until(lambda: failed or all(len(found) >= goal[name] for name, found in sent.items()), what="what is sent")

    try:
        go_on()
        for seconds in (0, 0, AWAY):
            if seconds:
                server.stop()
            else:
                server.kill()
            time.sleep(seconds)  # what is waited for is time itself
            server.start()
            go_on()
    finally:
        over.set()
        for one in senders:
            one.join()
    assert failed == []
    assert all(one.running.poll() is None for one in hosts), here.log() + there.log()

    bodies = sorted(row["body"] for row in here.rows("select body from messages"))
    assert bodies == sorted(sent["alice"] + sent["kim"])  # none lost, none doubled
    for name in ("bob", "kim"):  # an attempt that could not be recorded is made again when its lease has ended
        here.until_wake(name, SECONDS, state="delivered")
    assert sorted(read(here, "bob")) == bodies
    assert sorted(read(there, "kim")) == sorted(sent["alice"])
    assert read(here, "bob") == read(there, "kim") == []
    until(lambda: settled(here), what="all wakes to settle")
    here.send("kim", "a last one")
    there.until_wake("kim", state="delivered", attempts=1)
    assert there.kim.sent[-1] == QUIET.format("alice")
    assert checks.broken(here.store) == []
