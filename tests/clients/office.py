"""A store, the hooks of one real client that hand its mail over, and sessions of that client to try them in."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

from tests.clients import real
from tests.clients.mock_model import Model
from tests.support import documents
from xats.core.agents import agents
from xats.store.open import open_store

REVIEW = "Hooks need review"
TRUST = "2. Trust all and continue"
XATS = """#!{python} -P
import sys
from xats.__main__ import main
sys.exit(main())
"""


def write_program(path: str, text: str) -> None:
    """Write a program; one that runs it now keeps what it was."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path + ".new", 0o755)
    os.replace(path + ".new", path)


class Office:
    """A store, a program called xats that the hooks run, and the sessions of one client in a tmux server of their own.

    alice writes; she sits nowhere. No daemon runs: what is to be typed is typed by `deliver`.
    """

    def __init__(self, folder: str, name: str, model: Model) -> None:
        self.folder, self.name, self.model = folder, name, model
        self.project = os.path.join(folder, "shop")
        self.xats_path = os.path.join(folder, "bin", "xats")
        self.db = os.path.join(folder, "mail", "xats.db")
        os.makedirs(self.project)
        os.makedirs(os.path.dirname(self.xats_path))
        self.write_xats(XATS.format(python=sys.executable))
        self.shared = {"XATS_HOME": os.path.dirname(self.db), "XATS_TEAM": "t", "XATS_AUTOSTART": "0"}
        self.shared["XATS_QUIET_MS"] = "200"
        self.installed: tuple[str, ...] = ()  # the options of `hook install`
        self.open: list[real.Running] = []
        self.home: str | None = None
        self.xats("register", "alice", "--no-pane", "--client", "generic")

    # the program and the store

    def write_xats(self, text: str) -> None:
        """Write the program that the hooks run; those that run now keep theirs."""
        write_program(self.xats_path, text)

    def xats(self, *words: str, **env: str) -> str:
        done = subprocess.run(
            [self.xats_path, *words],
            env=self.env(**env),
            cwd=self.project,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        documents.check(words, done.stdout, done.stderr)
        return done.stdout

    def json(self, *words: str) -> dict:
        return documents.parsed(self.xats(*words, "--json"))

    def send(self, body: str, *options: str, to: str = "bob") -> int:
        """Send from alice; return the id. Without options it needs a reply."""
        return self.json("send", to, body, "--as", "alice", *options)["message"]["id"]

    def fyi(self, body: str, to: str = "bob") -> int:
        return self.send(body, "--no-need-reply", to=to)

    def delivery(self, number: int) -> dict:
        return self.json("status", str(number), "--as", "alice")["deliveries"][0]

    def unread(self, number: int) -> bool:
        return self.delivery(number)["state"] == "unread"

    def agent(self, name: str = "bob") -> dict:
        return next((one for one in self.json("agents")["agents"] if one["name"] == name), {})

    def state(self, name: str = "bob") -> str:
        """Return what `xats agents` says that the agent is doing."""
        return (self.agent(name).get("presence") or {}).get("state", "")

    def session(self, name: str = "bob") -> agents.Session:
        store = open_store(self.db)
        try:
            found = store.read(lambda tx: agents.current_session(tx, agents.by_name(tx, "t", name)))
            assert found
            return found
        finally:
            store.close()

    def log(self) -> str:
        path = f"{self.db}-hooks.log"
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return file.read()

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment of a process of xats that belongs to no session."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XATS_", "TMUX", "CLAUDE"))}
        return {**kept, **self.shared, "HOME": self.home or self.folder, **more}

    # the sessions

    def start(
        self,
        *,
        trust: str = TRUST,
        server: str = "s",
        launch: bool = True,
        arguments: tuple[str, ...] = (),
        **env: str,
    ) -> real.Running:
        """Start a session of the client, its hooks installed; wait until it takes input."""
        program, _ = real.installed(self.name)
        path = real.environment(real.CLIENTS[self.name], "/", "", program or "")["PATH"]
        running = real.start(
            self.name,
            os.path.join(self.folder, server),
            self.project,
            self.model,
            extra={"PATH": f"{os.path.dirname(self.xats_path)}:{path}", **self.shared, **env},
            home=self.home,
            before=None if self.home else self._install,
            launch=launch,
            arguments=arguments,
        )
        self.open.append(running)
        if launch:
            self.ready(running, trust if len(self.open) == 1 else "")
        return running

    def _install(self, home: str) -> None:
        self.home = home
        self.xats("hook", "install", self.name, "--yes", *self.installed)

    def ready(self, running: real.Running, trust: str = TRUST) -> None:
        if trust and self.name == "codex":
            self.review(running, trust)
        running.wait_idle()

    def review(self, running: real.Running, choice: str) -> None:
        """Answer the dialog with which Codex asks about new hooks."""
        running.wait_for(REVIEW)
        running.settled()
        while not running.shows(f"^[^ ] {choice}"):
            running.keys("Down")
            running.settled(minimum=0.3)
        running.keys("Enter")
        running.until(lambda: not running.shows(REVIEW), what="the dialog is gone")

    def close(self) -> None:
        for running in reversed(self.open):
            running.close()
        for server in {running.socket for running in self.open}:
            subprocess.run(["tmux", "-S", server, "kill-server"], capture_output=True, timeout=20, check=False)

    def say(self, running: real.Running, text: str) -> dict:
        """Submit a prompt, wait until the turn has ended, and return the request with that prompt."""
        count = len(self.model.requests())
        running.submit(text)
        running.wait_idle()
        return next(one for one in self.model.requests()[count:] if one["kind"] == "turn")

    def until_heard(self, running: real.Running, text: str, since: int = 0, kind: str = "turn result") -> dict:
        """Wait for a request of that kind, after the first `since` ones, in which `text` stands; return it."""

        def found() -> dict | None:
            requests = self.model.requests()[since:]
            return next((one for one in requests if one["kind"] in kind and text in one["heard"]), None)

        running.until(found, what=f"the model hears {text!r}")
        request = found()
        assert request
        return request

    def approve(self, running: real.Running) -> float:
        """Say yes in a permission dialog; return when (seconds since 1970)."""
        permission = running.client.permission

        def gone() -> bool:
            """Tell whether the dialog is gone: opencode draws without it for a moment, and it is there again."""
            for left in (1, 0):
                if running.shows(permission):
                    return False
                time.sleep(0.4 * left)
            return True

        running.wait_for(permission)
        running.settled(minimum=0.5)
        for _ in range(3):
            pressed = time.time()
            running.keys("Enter")
            with contextlib.suppress(real.NotReached):  # a dialog that is drawn is not always listening yet
                running.until(gone, 5)
                return pressed
        raise real.NotReached(f"{self.name}: the dialog stays open\n{running.screen()}")
