"""Two hosts and one database: mail, fan-out and wakes, and a server that is killed or away.

XATS_ROUNDS_AWAY sets for how many seconds the server is away (7); 30 is what a release is tested with.
"""

import os
import threading
import time

from tests.support import checks
from tests.support.hosts import QUIET, Host, hosts, make_hosts, read, server, settled
from tests.support.world import until
from xats.core.waking import attempts

__all__ = ("hosts", "make_hosts", "server")

AWAY = float(os.environ.get("XATS_ROUNDS_AWAY", "7"))  # seconds; a command waits for less than 7
SECONDS = attempts.LEASE / 1000 + 60


def test_each_host_wakes_its_own_agents(hosts):
    here, there = hosts
    assert len({row["host"] for row in here.rows("select host from sessions")}) == 2
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
