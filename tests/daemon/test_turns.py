"""Turns of which nothing tells that they are over: their panes do, and `xats agents` says so."""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from tests import support
from tests.support.world import Composer, until
from xats.base import host
from xats.core.agents import presence
from xats.core.waking import attempts
from xats.daemon import turns
from xats.delivery import routing
from xats.store.open import open_store

PLAYER = os.path.join(support.FOLDER, "players.py")
HOST = host.id()
BOB = 2


class Played(Composer):
    """A composer that plays Claude Code, and does what it is told to."""

    def order(self, order):
        """Have it do something, and wait until it is drawn."""
        with open(f"{self.log}.in", "w", encoding="utf-8") as file:
            file.write(f"{order}\n")
        until(lambda: {"did": order}.items() <= self.entries()[-1].items(), what=order)


@pytest.fixture
def seat(world):
    """`seat(name, *options)` opens a pane with a player in it, and seats the agent `name` there."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    tmux = world.tmux()

    def make(name, *options):
        log = f"{tmux.socket}-{name}.log"
        player = [sys.executable, PLAYER, log, "--look", "claude-code", *options]
        made = Played(tmux, tmux.open("exec " + shlex.join(player)), log)
        world.register(name, made, "--client", "claude-code")
        with opened(world) as store:
            store.write(
                lambda tx: tx.run(
                    "update sessions set client_session = :s where ended_at is null and agent_id ="
                    " (select id from agents where name = :name)",
                    s=f"s-{name}",
                    name=name,
                )
            )
        return made

    return make


def opened(world):
    return contextlib.closing(open_store(world.path))


def hook(world, event, name):
    """Run a hook of the program of `name`."""
    subprocess.run(
        [sys.executable, "-m", "xats", "hook", "run", "claude-code"],
        env=world.env,
        cwd=world.folder,
        input=json.dumps({"hook_event_name": event, "session_id": f"s-{name}", "tool_name": "Bash"}).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )


def long_ago(store, name="bob"):
    """Have what `name` told last be older than what its program may still have to draw."""
    store.write(
        lambda tx: tx.run(
            "update presence set at = at - :ms where agent_id = (select id from agents where name = :name)",
            name=name,
            ms=2 * routing.FRESH,
        )
    )


def pane_of(one):
    return one.session.seat.pane.pane_id


def doing(world, name="bob"):
    return next(one["presence"] for one in world.json("agents")["agents"] if one["name"] == name)


def test_who_sits_idle_before_his_composer_is_said_to_be_idle(world, seat):
    world.register("alice")
    bob = seat("bob", "--busy", "3600")
    hook(world, "UserPromptSubmit", "bob")
    assert doing(world)["state"] == "busy"
    began = doing(world)["at"]
    with opened(world) as store:
        long_ago(store)
        world.daemon()
        bob.order("idle")
        until(lambda: doing(world)["state"] == "idle", what="the daemon sees it")
        assert doing(world)["at"] >= began
        assert "online, idle for " in world.xats("agents")[0]
        told = store.read(lambda tx: presence.get(tx, BOB))
        assert told.state == "busy"  # what the hooks have told stays: they count the turn's mail from then
    hook(world, "PostToolUse", "bob")
    assert doing(world)["state"] == "busy"


def test_only_those_are_seen_whose_turn_is_over(world, seat, monkeypatch):
    """One works, one is asked for leave, one has a draft, one has just begun; of two, all says that it is over."""
    monkeypatch.setattr(routing, "FRESH", 600_000)  # a turn has just begun, however slow this machine is
    world.register("alice")
    players = {name: seat(name) for name in ("over", "works", "asked", "draft", "begun", "also")}
    players["works"].order("busy")
    players["asked"].order("dialog")
    players["draft"].order("draft please look")
    for name in players:
        hook(world, "UserPromptSubmit", name)
    with opened(world) as store:
        assert store.read(lambda tx: turns.find(tx, HOST)) == []
        for name in players.keys() - {"begun"}:
            long_ago(store, name)
        found = store.read(lambda tx: turns.find(tx, HOST))
        assert len(found) == 5
        assert store.read(lambda tx: turns.find(tx, "elsewhere")) == []
        ahead = "update presence set at = at + 3600000 where agent_id = (select id from agents where name = 'begun')"
        store.write(lambda tx: tx.run(ahead))  # the clock was set back since
        assert len(store.read(lambda tx: turns.find(tx, HOST))) == 6
        assert {pane_of(one) for one in turns.over(found)} == {players["over"].pane, players["also"].pane}
        players["also"].tmux.cmd("kill-pane", "-t", players["also"].pane)
        assert [pane_of(one) for one in turns.over(found)] == [players["over"].pane]
        players["over"].tmux.cmd("kill-server")
        assert turns.over(found) == []


@pytest.mark.parametrize("event, state", [("UserPromptSubmit", "busy"), ("PostToolUse", "busy"), ("Stop", "idle")])
def test_what_is_told_afterwards_counts(world, seat, event, state):
    world.register("alice")
    seat("bob")
    hook(world, "UserPromptSubmit", "bob")
    with opened(world) as store:
        long_ago(store)
        told = store.read(lambda tx: presence.get(tx, BOB))
        assert store.write(lambda tx: presence.broken_off(tx, BOB, told))
        assert not store.write(lambda tx: presence.broken_off(tx, BOB, told))
    assert doing(world)["state"] == "idle"
    hook(world, event, "bob")
    assert doing(world)["state"] == state
    with opened(world) as store:
        # A turn that goes on after all keeps its beginning, from which its mail is counted. A prompt begins another.
        after = store.read(lambda tx: presence.get(tx, BOB))
        assert (after.at == told.at) == (event == "PostToolUse")
        assert len(store.read(lambda tx: turns.find(tx, HOST))) == (event == "PostToolUse")


def test_what_was_told_meanwhile_counts(world, seat):
    world.register("alice")
    seat("bob")
    hook(world, "UserPromptSubmit", "bob")
    with opened(world) as store:
        told = store.read(lambda tx: presence.get(tx, BOB))
        hook(world, "Stop", "bob")
        assert not store.write(lambda tx: presence.broken_off(tx, BOB, told))
    assert doing(world)["state"] == "idle"


def test_what_waited_for_its_next_hook_is_tried_now(world, seat):
    world.register("alice")
    seat("bob", "--busy", "3600")
    hook(world, "UserPromptSubmit", "bob")
    world.send("bob")
    world.json("deliver", "--once")
    [wake] = world.rows("select * from wakes")
    assert wake["reason"] == "recipient_active"
    with opened(world) as store:
        told = store.read(lambda tx: presence.get(tx, BOB))
        assert wake["next_attempt_at"] > store.clock() + 30_000
        assert store.write(lambda tx: presence.broken_off(tx, BOB, told))
        assert store.read(lambda tx: attempts.next_due(tx, HOST)) <= store.clock()
