"""Real daemons over a real store, real tmux."""

import os
import shutil

import pytest

from tests.conftest import trust_clock
from tests.support.blank import new_store
from tests.support.world import desk, world
from xats.clients import registry
from xats.core.agents import agents, registration
from xats.core.mail import inbox
from xats.core.mail.sending import Draft, send
from xats.store.open import open_store
from xats.store.sqlite.engine import host_clock

__all__ = ("aged", "desk", "noisy", "person", "world")

DAY = 86_400_000


@pytest.fixture
def noisy(world):
    """Like `desk`, but bob's composer draws something every half second until it is told to fall quiet."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    world.env["XATS_QUIET_MS"] = "900"
    world.register("alice")
    tmux = world.tmux()
    tmux.bob = tmux.compose("--clock")
    world.register("bob", tmux.bob)
    return tmux


@pytest.fixture
def person(world, desk):
    """The tests may be run by an agent program: here no program above is known as one."""
    folder = os.path.join(world.folder, "clients")
    os.mkdir(folder)
    for name in registry.BUILT_IN:
        with open(os.path.join(folder, f"{name}.toml"), "w") as file:
            file.write("executables = []\nscripts = []\n")
    world.env.update(XATS_CLIENTS=folder, USER="carol")
    return world


def write_old_mail(store, count: int) -> None:
    """Send `count` messages to bob, who reads them."""

    def work(tx) -> None:
        seat = agents.Seat("h")
        alice, bob = (
            registration.register(
                tx, "t", name, registration.Changes(client="generic"), seat, lambda _: None
            ).details.agent
            for name in ("alice", "bob")
        )
        sent = [send(tx, alice, "pane", Draft("bob", "x", need_reply=False)).message.id for _ in range(count)]
        inbox.mark_read(tx, bob, sent)

    store.write(work)


@pytest.fixture
def aged(world):
    """A world whose store has mail that was read 40 days ago."""
    store = open_store(new_store(world.path), clock=lambda: host_clock() - 40 * DAY)
    write_old_mail(store, 15)
    store.close()
    trust_clock(world.path)
    return world
