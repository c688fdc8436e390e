"""A home whose store is a database, with a daemon that answers hooks: alice's session is `s1`, bob writes to her."""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys

import pytest

from tests.conftest import HOST, Team
from tests.support.world import World
from xats.base import host, location, request
from xats.core.agents import agents
from xats.core.mail import inbox
from xats.store.open import open_store

APPLICATION = "xats daemon of a test"  # the name that the server has for the connections of the daemon


class Remote(World):
    """A world over the `database`."""

    def __init__(self, database, home: str = "home") -> None:
        super().__init__()
        self.database = database
        self.home = os.path.join(self.folder, home)
        os.makedirs(self.home, 0o700)
        self.path = database.empty()
        self.env.update(XATS_DB=self.path, XATS_HOME=self.home)
        self.env.pop("XATS_TEAM")
        self.store = open_store(self.path)
        self.team = Team(self.store)
        self._mark()
        self.seat()

    def _mark(self) -> None:
        """Mark the store as used in this home. That of the process of the test is another one."""
        name = os.path.basename(location.beside(self.path, location.STORE))
        with open(os.path.join(self.home, name), "w"):
            pass

    def seat(self) -> None:
        """Register alice, whose client session is s1, and bob. The daemon finds what this records in its home."""
        seat = agents.Seat(HOST, client_session="s1", host_name=host.name())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XATS_HOME", self.home)
            self.team.register("alice", client="claude-code", seat=seat)
            self.team.add("bob")

    def renew(self) -> None:
        """Make the store as new, with alice and bob, while the daemon runs."""
        self.database.empty()
        self.seat()

    def daemon(self, **env):
        return super().daemon(**{"PGAPPNAME": APPLICATION, **env})

    def hook(self, event, client: str = "claude-code", **env) -> subprocess.CompletedProcess:
        """Run `xats hook run CLIENT` with the `event`, a document or its text."""
        running = self.begin_hook(event, client, **env)
        out, err = running.communicate(timeout=60)
        assert (running.returncode, err) == (0, ""), (running.returncode, err)
        return out

    def begin_hook(self, event, client: str = "claude-code", command=None, **env) -> subprocess.Popen:
        """Start such a hook, or the `command` that runs one."""
        text = event if isinstance(event, str) else json.dumps({"session_id": "s1", "cwd": self.folder, **event})
        running = subprocess.Popen(
            command or [sys.executable, "-m", "xats", "hook", "run", client],
            env={**self.env, **env},
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(running)
        running.stdin.write(text)
        running.stdin.close()
        running.stdin = None
        return running

    def begin_wait(self, event) -> subprocess.Popen:
        """Start `xats hook wait claude-code` with the `event`."""
        return self.begin_hook(event, command=[sys.executable, "-m", "xats", "hook", "wait", "claude-code"])

    def mail(self, body: str = "hello", **more) -> int:
        return self.team.send("bob", "alice", body, **more).message.id

    def states(self) -> list[tuple]:
        """Return the state of each delivery, and whether a process has a claim on it."""
        return [
            (row["state"], row["claim"] is not None)
            for row in self.team.rows("select state, claim from deliveries order by message_id")
        ]

    def unread(self) -> int:
        return self.team.see("alice", inbox.unread)

    @property
    def hook_log(self) -> str:
        """What the hooks, and the daemon for them, have logged."""
        said = ""
        for path in glob.glob(os.path.join(self.home, "*-hooks.log")):
            with open(path) as file:
                said += file.read()
        return said

    def socket(self) -> str:
        """Return the path of the daemon's socket."""
        return os.path.join(self.home, os.path.basename(request.path_for(self.path)))

    def connections(self) -> list[str]:
        """Return the state of each connection of the daemon to the server."""
        with self.database.server.connect() as admin:
            query = "select state from pg_stat_activity where application_name = %s and datname = %s"
            return [state for (state,) in admin.execute(query, (APPLICATION, self.database.name))]

    def close(self) -> None:
        self.store.close()
        super().close()
