"""Two hosts and one database: mail, fan-out and wakes, and a server that is killed or away.

XATS_TEST_AWAY sets for how many seconds the server is away (7); 30 is what a release is tested with.
"""

import os
import subprocess
import threading
import time

from tests.support import checks
from tests.support.hosts import QUIET, Host, hosts, make_host, make_hosts, read, server, settled
from tests.support.world import until
from xats.core.waking import attempts

__all__ = ("hosts", "make_host", "make_hosts", "server")

AWAY = float(os.environ.get("XATS_TEST_AWAY", "7"))  # seconds; a command waits for less than 7
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


HOUR = 3_600_000  # ms


def test_a_host_whose_clock_is_an_hour_ahead_does_no_harm(make_hosts):
    """Leases, ladders, the age of mail and the time that mail may take go by the clock of the database."""
    here, there = make_hosts(HOUR)
    now = there.rows("select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as now")[0]["now"]
    here.xats("task", "add", "a task", "--as", "alice")
    here.xats("task", "claim", "1", "--lease", "10m", "--as", "alice")
    here.xats("send", "kim", "ends in 10 minutes", "--ttl", "10m", "--no-wake", "--as", "alice")
    there.xats("send", "bob", "answer me", "--need-reply", "--no-wake", "--as", "kim")
    there.xats("deliver", "--once")  # all that ends by age is ended by this host
    [task] = here.rows("select state, lease_until from tasks")
    assert task["state"] == "claimed"
    assert task["lease_until"] < now + HOUR
    copies = here.rows(
        "select d.state, d.alerted_at, m.sent_at from deliveries d join messages m on m.id = d.message_id"
    )
    assert {(row["state"], row["alerted_at"]) for row in copies} == {("unread", None)}
    assert all(row["sent_at"] < now + HOUR / 2 for row in copies)
    assert all(row["at"] < now + HOUR / 2 for row in here.rows("select at from events"))

    there.xats("send", "bob", "and wake", "--as", "kim")
    here.xats("send", "kim", "and wake", "--as", "alice")
    here.until_wake("bob", state="delivered")
    there.until_wake("kim", state="delivered")
    there.kim.tmux.cmd("copy-mode", "-t", there.kim.pane)
    read(there, "kim")
    here.xats("send", "kim", "refused", "--as", "alice")
    wake = there.until_wake("kim", last_refusal="copy_mode", lease_token=None)
    assert wake["next_attempt_at"] < now + HOUR / 2


def test_two_checkouts_in_different_folders_are_one_team_by_XATS_TEAM(make_host):
    """Without it the checkout of each host has a team of its own, even with one name."""
    here = make_host("here")
    there = make_host("there", here.path)
    for one, folder in ((here, "shop"), (there, "src/shop")):
        one.folder = os.path.join(one.folder, folder)
        os.makedirs(one.folder)
        subprocess.run(["git", "init", "-q", one.folder], check=True)
        one.xats("register", "alone", "--no-pane", XATS_TEAM="")
        one.xats("register", one.name, "--no-pane", XATS_TEAM="crew")
    teams = [row["team"] for row in here.rows("select team from agents where name = 'alone' order by team")]
    assert teams == ["shop", "shop-2"]
    here.send("there", "for there", sender="here", XATS_TEAM="crew")
    [letter] = there.json("inbox", "--as", "there", XATS_TEAM="crew")["messages"]
    assert letter["from"] == "here@crew"


def test_clones_on_two_hosts_are_one_team_by_xats_toml(make_host):
    here = make_host("here")
    there = make_host("there", here.path)
    for one, folder in ((here, "shop"), (there, "src/back")):
        one.folder = os.path.join(one.folder, folder)
        os.makedirs(one.folder)
        one.env["XATS_TEAM"] = ""
        subprocess.run(["git", "init", "-q", one.folder], check=True)
        url = "https://example.org/shop.git"
        subprocess.run(["git", "-C", one.folder, "remote", "add", "origin", url], check=True)
        with open(os.path.join(one.folder, "xats.toml"), "w") as file:
            file.write('team = "crew"\n')
        one.xats("register", one.name, "--no-pane")
    here.send("there", "for there", sender="here")
    [letter] = there.json("inbox", "--as", "there")["messages"]
    assert letter["from"] == "here@crew"


def test_a_checkout_on_another_host_can_join_the_team_of_the_first(make_host):
    here = make_host("here")
    there = make_host("there", here.path)
    for one in (here, there):
        one.folder = os.path.join(one.folder, "shop")
        os.makedirs(one.folder)
        subprocess.run(["git", "init", "-q", one.folder], check=True)
        one.env["XATS_TEAM"] = ""
    here.xats("register", "alice", "--no-pane")
    there.xats("team", "adopt", "shop", "--yes")
    there.xats("register", "bob", "--no-pane")
    assert {row["team"] for row in here.rows("select team from agents where client <> 'system'")} == {"shop"}
