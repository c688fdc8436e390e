"""What every row needs: a folder of its own, stores to begin with, processes timed from start to end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from tests.support import postgres
from xats.base import host
from xats.base.pane import Pane
from xats.core.agents import agents, registration
from xats.core.mail import sending
from xats.daemon import bell, lock
from xats.store.open import open_store

# Also Python's own switches: what is measured is a plain installation, whose modules are compiled.
FOREIGN = ("PYTHON", "XATS_", "TMUX", "CLAUDE", "CODEX", "GEMINI_", "QWEN_", "OPENCODE", "AMP_", "CURSOR_", "SANDBOX_")
XATS = os.path.join(os.path.dirname(sys.executable), "xats")
HERE = os.path.dirname(os.path.abspath(__file__))
FLOOR = os.path.join(HERE, "floor.py")
DATABASE_FLOOR = os.path.join(HERE, "database_floor.py")
SOCKET, SERVER = "/nowhere/tmux", 1  # of panes that exist only in the store


@dataclass(frozen=True)
class Row:
    """One line of the table. `value` must be at most `bound`, or at least where `at_least` says so."""

    name: str
    value: float
    bound: float
    unit: str
    what: str
    at_least: bool = False
    holds: bool = True  #: whether what was to be true besides the figure was true

    @property
    def ok(self) -> bool:
        return self.holds and (self.value >= self.bound if self.at_least else self.value <= self.bound)


class Command:
    """One process to be timed: its words, its environment, and what must be done before each run."""

    def __init__(self, words, env, before=None, code=0, stdin=os.devnull, terminal=None):
        """`terminal` is the descriptor of a terminal for its input and output."""
        self.words, self.env, self.before, self.code, self.stdin = words, env, before, code, stdin
        self.terminal = terminal

    def start(self):
        """Start it and return its pid; what it prints is lost."""
        if self.terminal is not None:
            return os.posix_spawn(
                self.words[0],
                self.words,
                self.env,
                file_actions=[(os.POSIX_SPAWN_DUP2, self.terminal, number) for number in (0, 1, 2)],
            )
        null = [
            (os.POSIX_SPAWN_OPEN, 0, self.stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        return os.posix_spawn(self.words[0], self.words, self.env, file_actions=null)

    def run(self):
        """Run it to its end; return how long that took, in seconds."""
        if self.before:
            self.before()
        began = time.perf_counter()
        pid = self.start()
        _, status = os.waitpid(pid, 0)
        took = time.perf_counter() - began
        code = os.waitstatus_to_exitcode(status)
        if code != self.code:
            said = subprocess.run(self.words, env=self.env, capture_output=True, text=True, timeout=60, check=False)
            raise SystemExit(f"{self.words} ended with {code} instead of {self.code}: {said.stderr}")
        return took


def interleaved(commands, times=41, warm=3):
    """Run all `commands` in turn, `times` times; return {name: median seconds}."""
    taken = {name: [] for name in commands}
    for turn in range(-warm, times):
        for name, command in commands.items():
            took = command.run()
            if turn >= 0:
                taken[name].append(took)
    return {name: statistics.median(all_of) for name, all_of in taken.items()}


class Rig:
    """A folder for the run, and a home with a store in which alice and bob sit in panes of their own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="xb", dir="/tmp")
        self._open = contextlib.ExitStack()
        self._serial = 0

    def close(self):
        self._open.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        self._serial += 1
        return os.path.join(self.folder, f"{self._serial}-{name}")

    def home(self, name="home", *, daemon=True):
        """Make a home with a store. With `daemon` its lock is held: a send finds one running, as it mostly does."""
        made = Home(self.path(name))
        self._open.callback(made.close)
        if daemon:
            made.hold_lock()
        return made

    def database(self):
        """Make a home whose store is in a PostgreSQL server of its own, with synced commits. Raises Missing."""
        server = postgres.own(durable=True)
        self._open.callback(server.remove)
        with server.connect() as admin:
            admin.execute(f"create database team owner {postgres.OWNER} template template0")
        folder = self.path("home")
        os.mkdir(folder, 0o700)
        # The files beside the store are in this folder, for this process as well.
        before = os.environ.get("XATS_HOME")
        os.environ["XATS_HOME"] = folder
        self._open.callback(lambda: put_back("XATS_HOME", before))
        made = Home(folder, server.url("team"))
        self._open.callback(made.close)
        made.hold_lock()
        return made

    def spawn(self, words, env, **more):
        """Start a process that ends with the run at the latest."""
        made = subprocess.Popen(words, env=env, **{"stdin": subprocess.DEVNULL, **more})
        self._open.callback(stop, made)
        return made

    def terminal(self):
        """Return the descriptor of a terminal whose output a thread reads and drops."""
        import pty
        import threading

        master, slave = pty.openpty()
        self._open.callback(os.close, slave)

        def drain():
            with contextlib.suppress(OSError), os.fdopen(master, "rb", buffering=0) as shown:
                while shown.read(65536):
                    pass

        threading.Thread(target=drain, daemon=True).start()
        return slave

    def tmux(self):
        made = Tmux(self.path("s"))
        self._open.callback(made.close)
        return made


def put_back(name, value):
    """Give the variable `name` the value that it had, None for none."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def stop(made):
    if made.poll() is None:
        made.send_signal(signal.SIGTERM)
        try:
            made.wait(5)
        except subprocess.TimeoutExpired:
            made.kill()
            made.wait()


class Home:
    """A folder for XATS_HOME, with a store in it."""

    def __init__(self, folder, url=None):
        """The store is a file in `folder`, or the PostgreSQL database at `url`."""
        self.folder, self.url = folder, url
        self.db = url or os.path.join(folder, "xats.db")
        self.host = host.id()
        self.store = open_store(self.db)
        self.alice = self.seat("alice", pane(1))
        self.bob = self.seat("bob", pane(2))
        self._lock = self._bell = None

    def env(self, pane_id=None, **more):
        """Return an environment in this home; with `pane_id`, that of a process in that pane."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        inside = {"TMUX": f"{SOCKET},{SERVER},0", "TMUX_PANE": pane_id} if pane_id else {}
        place = {"XATS_DB": self.url} if self.url else {}
        return {**kept, "XATS_HOME": self.folder, "XATS_TEAM": "t", **place, **inside, **more}

    def xats(self, *words, who="alice", **more):
        """Return the command `xats words` of an agent in its pane."""
        return Command([XATS, *words], self.env({"alice": "%1", "bob": "%2", None: None}[who]), **more)

    def floor(self):
        """Return the floor script, over a copy of this store; one for a database writes into the same database."""
        if self.url:
            return Command([sys.executable, DATABASE_FLOOR, self.url, "hello bob"], self.env())
        copy = self.db + ".floor"
        if not os.path.exists(copy):
            self.store.read(lambda tx: tx.run("select 1"))
            shutil.copy(self.db, copy)  # nothing of this process has the copy open
        return Command([sys.executable, FLOOR, copy, "hello bob"], self.env())

    def seat(self, name, where, client=None, session=None):
        """Register `name`, who runs `client`, in the pane `where`; the client calls its session `session`."""
        seat, changes = agents.Seat(self.host, client_session=session, pane=where), registration.Changes(client=client)
        work = lambda tx: registration.register(tx, "t", name, changes, seat, lambda _: None)  # noqa: E731
        return self.store.write(work).details.agent

    def send(self, address="bob", body="hello", sender=None, **more):
        """Send a message from `sender`, or else alice; return its id. It is on disk then."""
        draft = sending.Draft(address, body, **more)
        return self.store.write(lambda tx: sending.send(tx, sender or self.alice, "pane", draft)).message.id

    def count(self, table):
        return self.store.read(lambda tx: tx.one(f"select count(*) as n from {table}"))["n"]

    def hold_lock(self):
        """Hold what a daemon holds: its lock, and the FIFO on which senders ring."""
        self._lock = os.open(lock.path_for(self.db), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        lock.sign(self._lock)
        self._bell = bell.Bell(self.db)

    def close(self):
        self.store.close()
        if self._lock is not None:
            os.close(self._lock)
        if self._bell is not None:
            self._bell.close()


def pane(number, socket=SOCKET, server=SERVER):
    """Return a pane that is only in the store."""
    return Pane(socket, server, 1, f"%{number}", 1, "/dev/null")


class Tmux:
    """A tmux server of its own."""

    def __init__(self, socket):
        self.socket = socket
        self.cmd("new-session", "-d", "-s", "keep", "-x", "80", "-y", "24", "exec tail -f /dev/null")

    def cmd(self, *words):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        words = ["tmux", "-S", self.socket, "-f", "/dev/null", *words]
        answer = subprocess.run(words, env=kept, capture_output=True, text=True, timeout=20, check=True)
        return answer.stdout.rstrip("\n")

    def open(self, command):
        """Open a pane with `command` in it; return it."""
        from xats.tmux.pane import find

        size = ("-x", "80", "-y", "24")
        return find(self.socket, self.cmd("new-session", "-d", *size, "-P", "-F", "#{pane_id}", command))

    def close(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.cmd("kill-server")


def until(condition, seconds=60.0):
    """Wait for a state; return the first true value of `condition()`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {seconds} s for {condition}")
        time.sleep(0.005)
    return value
