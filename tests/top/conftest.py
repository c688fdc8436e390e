"""The live screen over a real store: driven in this process by textual's pilot."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from tests.conftest import Team
from tests.support.blank import new_store
from xats.cli.kit.context import Context
from xats.cli.top.app import TopApp
from xats.cli.top.screen import Top
from xats.cli.top.watch import Watch
from xats.core.agents import listing
from xats.core.waking import attempts, wakes
from xats.store.open import open_store


@pytest.fixture(autouse=True)
def _no_daemon(monkeypatch):
    monkeypatch.setenv("XATS_AUTOSTART", "0")


class Live:
    """A team, and somebody who watches it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._watching: list[Context] = []
        self.team = Team(open_store(new_store(path)))
        self.team.add("alice", role="backend", client="claude-code")
        self.team.add("bob", role="reviewer", client="codex")
        self.team.register("carol", client="human")

    def watch(self, name="carol", *, person=True) -> Watch:
        """Return the watch of `name`; a person sits at a terminal, where a test has none."""
        here = Context(name, "crew", self.path)
        here.person = lambda: name if person else None
        self._watching.append(here)
        return Watch(here)

    def top(self, name="carol", **who) -> Top:
        return Top(self.watch(name, **who))

    def refuse(self, name: str, reason: str, wait: int | None = 3_600_000) -> wakes.Wake:
        """Refuse the open wake of an agent, to be tried again after `wait` ms; None: never."""
        agent = self.team.agent(name)

        def work(tx) -> None:
            found = [wake for wake in attempts.due(tx) if wake.agent_id == agent.id]
            attempts.lease(tx, found, "d")
            climb = lambda _, now: None if wait is None else now + wait  # noqa: E731
            attempts.refused(tx, found[0], "d", reason, "tmux", climb)

        self.team.store.write(work)
        return self.wake(name)

    def wake(self, name: str) -> wakes.Wake | None:
        return next(one.wake for one in self.team.store.read(self.listing) if one.agent.name == name)

    @staticmethod
    def listing(tx):
        return listing.agents(tx, "crew", None)

    def close(self) -> None:
        for here in self._watching:
            if here._store:
                here._store.close()
        self.team.store.close()


@pytest.fixture
def live(tmp_path):
    made = Live(str(tmp_path / "xats.db"))
    yield made
    made.close()


class Driven:
    """The real app, and what it shows."""

    def __init__(self, app: TopApp, pilot) -> None:
        self.app, self.pilot = app, pilot
        self.top = app.top

    @property
    def lines(self) -> list[str]:
        """What textual draws, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)

    @property
    def status(self) -> str:
        return self.lines[-2].strip()

    def line(self, beginning: str) -> str:
        """Return the line that begins so, but for the mark of the selected one."""
        return next(line for line in self.lines if line[2:].startswith(beginning))

    @property
    def selected(self) -> str:
        """The first word of the row that is marked, and drawn in reverse."""
        (found,) = [line for line in self.lines if line.startswith("> ")]
        return found.split()[1]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        await self.pilot.resize_terminal(width, height)
        await self.pilot.pause()

    async def until(self, pattern: str, seconds: float = 10.0) -> str:
        """Wait until the screen shows `pattern`; return what it shows."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"{pattern!r} never came:\n{self.text}"
            await self.pilot.pause(0.02)
        return self.text


@pytest.fixture
def drive():
    """Run `scenario(driven)` against the app that shows `top`, in a terminal of that size."""

    def run(top: Top, scenario, size=(80, 24)) -> TopApp:
        app = TopApp(top)

        async def main() -> None:
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await scenario(Driven(app, pilot))

        asyncio.run(main())
        return app

    return run
