"""A clean environment, a clock that is set by hand, a store with agents in it, and the real program as a process."""

from __future__ import annotations

import compileall
import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest
from hypothesis import settings

import xats as package
from tests import support
from tests.support import documents
from tests.support import postgres as servers
from tests.support.blank import CREATED, new_store
from tests.support.waiting import until
from xats.base import host
from xats.base.errors import StoreError
from xats.base.uptime import Uptime
from xats.core import clock as clock_rules
from xats.core.agents import agents, registration
from xats.core.mail.sending import Draft, send
from xats.store.open import open_store

FOREIGN = (
    "XATS_",
    "TMUX",
    "CLAUDE",
    "CODEX",
    "GEMINI",
    "QWEN",
    "OPENCODE",
    "AMP_",
    "CURSOR",
    "COPILOT",
    "GIT_",
    "XDG_",
    "SANDBOX",
)
HOST = host.id()
SEAT = agents.Seat(HOST, host_name=host.name())
LIMIT = 30  # seconds that any one process of a test may take

# A shell starts `make test &` with SIGINT ignored, and every program of ours would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# tmux runs what is in a pane by this shell. That of a user may understand other words, or, as nologin, none.
os.environ["SHELL"] = "/bin/sh"

# Agents find xats by its name, as where it is installed; a test that is about something else takes it away.
os.environ["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

# Without bytecode every process of a test would compile xats again, and every worker all tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What to do without a PostgreSQL server: "require" fails; by default its tests are skipped.
POSTGRES = os.environ.get("XATS_TEST_POSTGRES", "")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # which of several processes of this test run it is

# A loaded machine is no reason to fail, and what failed once is to be repeatable elsewhere.
settings.register_profile("xats", deadline=None, print_blob=True)
settings.load_profile("xats")


def pytest_configure(config) -> None:
    """Compile xats, and what runs in panes, once before there are workers."""
    if not hasattr(config, "workerinput"):
        for folder in (os.path.dirname(package.__file__), support.FOLDER):
            compileall.compile_dir(folder, quiet=2)


def clean(environ) -> dict[str, str]:
    """Return `environ` without what xats, tmux, git or an agent program would read."""
    return {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = clean(os.environ)
    for name in set(os.environ) - set(kept):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_COLORS", "0")  # since Python 3.13 a traceback has colours on a terminal


@pytest.fixture(autouse=True)
def _no_state_of_the_user(request, _no_environment):
    """What xats keeps beside a database is in the folder of the user's state: give a test with one its own."""
    with pytest.MonkeyPatch.context() as patch:  # a test may undo its own `monkeypatch`
        if "postgres" in request.node.name or {"database", "postgres", "own_postgres"} & set(request.fixturenames):
            patch.setenv("XDG_STATE_HOME", str(request.getfixturevalue("tmp_path") / "state"))
        yield


@pytest.fixture(name="until")
def _until():
    """Wait for a state: `until(condition)` returns the first true value of `condition()`."""
    return until


# -- the engines -------------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc) -> None:
    """Run each test that has a store in this process on both engines, except those that are about SQLite itself."""
    if "engine" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("sqlite")
        metafunc.parametrize("engine", ["sqlite"] if only else ["sqlite", "postgres"], scope="session")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory) -> servers.Server:
    """The PostgreSQL server of this test run, which all workers share. It ends with the last of them."""
    own = tmp_path_factory.getbasetemp()
    try:
        return servers.shared(str(own.parent if WORKER else own))
    except servers.Missing as missing:
        if POSTGRES == "require":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def own_postgres():
    """A server with an empty database `team` that a test may stop and kill; over TCP it asks for a password."""
    try:
        server = servers.own(port=servers.free_port(), durable=True)
    except servers.Missing as missing:
        if POSTGRES == "require":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    with server.connect() as admin:
        admin.execute(f"create database team owner {servers.OWNER} template template0")
    yield server
    server.remove()


@pytest.fixture(scope="session")
def database(postgres, tmp_path_factory):
    """The database of this worker; `database.empty()` makes it a new store and returns its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        made = servers.Database(postgres, f"xats_{WORKER or 'alone'}")
    yield made
    made.close()


@pytest.fixture(scope="session")
def new_address(engine, request):
    """Return where a new store of the engine is: `new_address(folder)`. With PostgreSQL the one before is emptied."""
    if engine == "postgres":
        database = request.getfixturevalue("database")
        return lambda _: database.empty()
    return lambda folder: new_store(str(folder / "xats.db"))


@pytest.fixture
def store_address(new_address, tmp_path) -> str:
    """Where the store of this test is: the path of a file, or a URL."""
    return new_address(tmp_path)


# -- in this process ---------------------------------------------------------------------------------------------------


class Clock:
    """The time in ms UTC, which passes only by `tick`."""

    def __init__(self) -> None:
        self.now = CREATED

    def __call__(self) -> int:
        return self.now

    def tick(self, ms: int) -> None:
        self.now += ms


class HostClock(Clock):
    """The clock of a host: it can be set wrongly, and the host knows how long it has been up."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.slept, self.boot = 7_200_000, 0, "boot-1"

    def uptime(self) -> Uptime:
        return Uptime(self.boot, self.up, self.slept)

    def tick(self, ms: int) -> None:
        """Let `ms` pass."""
        self.now += ms
        self.up += ms

    def jump(self, ms: int) -> None:
        """Set the clock `ms` ahead, or back."""
        self.now += ms

    def suspend(self, ms: int) -> None:
        """Suspend the host for `ms`."""
        self.tick(ms)
        self.slept += ms

    def reboot(self) -> None:
        """Boot the host, which takes a minute."""
        self.now += 60_000
        self.up, self.slept, self.boot = 30_000, 0, f"{self.boot}+"


def trust_clock(path: str) -> None:
    """Note in the store at `path` that this host's clock has been right for long enough to remove what is old."""
    opened = open_store(path)
    opened.write(clock_rules.observe)
    long_ago = "since_at = since_at - :ms, since_up = since_up - :ms, settled_up = since_up - :ms"
    opened.write(lambda tx: tx.run(f"update clocks set {long_ago}", ms=3 * clock_rules.SETTLE))
    opened.close()


def listed(folder) -> list[str]:
    """Return the names in `folder`, without what a write-ahead log leaves beside an open store."""
    return sorted(name for name in os.listdir(folder) if not name.endswith(("-wal", "-shm")))


@pytest.fixture
def rollback(monkeypatch) -> None:
    """New stores of this process have a rollback journal, also where this SQLite may have a write-ahead log."""
    monkeypatch.setattr("xats.store.sqlite.migrate.wal_is_safe", lambda *_: False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(store_address, clock):
    opened = open_store(store_address, clock=clock)
    yield opened
    opened.close()


class Team:
    """Agents of the team `crew` in one store; what they do is done by the real core."""

    def __init__(self, store) -> None:
        self.store = store
        self.rows = Rows(store)

    def register(self, name: str, team: str = "crew", seat: agents.Seat | None = None, alive=lambda _: None, **changes):
        """Register `name`; return the Registered."""
        options = {key: changes.pop(key) for key in ("takeover", "leave_pane") if key in changes}
        return self.store.write(
            lambda tx: registration.register(
                tx,
                team,
                name,
                registration.Changes(**changes),
                seat or SEAT,
                alive,
                **options,
            )
        )

    def add(self, *names: str, **changes) -> list[agents.Agent]:
        """Register `names` as agents without a process; return them."""
        return [self.register(name, **{"client": "generic", **changes}).details.agent for name in names]

    def agent(self, name: str, team: str = "crew") -> agents.Agent:
        return self.store.read(lambda tx: agents.by_name(tx, team, name))

    def send(self, sender: str, address: str, body: str = "text", evidence: str = "pane", **draft):
        """Send from `sender`; return the Sent."""
        me = self.agent(sender)
        return self.store.write(lambda tx: send(tx, me, evidence, Draft(address, body, **draft)))

    def do(self, name: str, work, *args, **values):
        """Run `work(tx, agent, ...)` as `name` in a write transaction."""
        me = self.agent(name)
        return self.store.write(lambda tx: work(tx, me, *args, **values))

    def see(self, name: str, work, *args, **values):
        """Run `work(tx, agent, ...)` as `name` on a snapshot."""
        me = self.agent(name)
        return self.store.read(lambda tx: work(tx, me, *args, **values))


class Rows:
    """`rows(sql)` returns what the store holds, as plain dicts."""

    def __init__(self, store) -> None:
        self.store = store

    def __call__(self, sql: str, **values) -> list[dict]:
        return [dict(row) for row in self.store.read(lambda tx: tx.all(sql, **values))]


@pytest.fixture
def rows(store) -> Rows:
    return Rows(store)


@pytest.fixture
def team(store):
    yield Team(store)
    with suppress(StoreError):  # some tests close it
        documents.check_events(store)


@pytest.fixture(scope="session")
def make_team(new_address):
    """Make a team in a store of its own: `make_team(folder)` returns it and its clock; close its store."""

    def make(folder) -> tuple[Team, Clock]:
        clock = Clock()
        return Team(open_store(new_address(folder), clock=clock)), clock

    return make


# -- as a process ------------------------------------------------------------------------------------------------------


class Ran:
    """What a process came to."""

    def __init__(self, words, code: int, stdout: str, stderr: str) -> None:
        self.words, self.code, self.stdout, self.stderr = words, code, stdout, stderr

    def __repr__(self) -> str:
        return f"xats {self.words}: exit {self.code}\n--stdout\n{self.stdout}\n--stderr\n{self.stderr}"

    def json(self) -> dict:
        assert self.code == 0, self
        return documents.parsed(self.stdout)

    def error(self) -> dict:
        """Return the error of a failure with --json: nothing on stdout, one line on stderr."""
        assert self.stdout == "", self
        assert self.stderr.count("\n") == 1, self
        return json.loads(self.stderr)["error"]


class Cli:
    """The real program with a home of its own, run in a folder called `crew`."""

    words = (sys.executable, "-P", "-m", "xats")

    def __init__(self, folder) -> None:
        self.home = folder / "home"
        self.folder = folder / "crew"
        self.home.mkdir()
        self.folder.mkdir()
        self.path = str(self.home / "xats" / "xats.db")
        self.environ = {
            **clean(os.environ),
            "HOME": str(self.home),
            "XATS_HOME": str(self.home / "xats"),
            "XATS_AUTOSTART": "0",
            "LC_ALL": "C.UTF-8",
            "USER": "carol",
            "TERM": "xterm",
            "PAGER": "cat",
        }
        self.environ.pop("NO_COLOR", None)
        self.started: list[subprocess.Popen] = []

    def env(self, changes) -> dict[str, str]:
        merged = {**self.environ, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def __call__(self, *words, stdin=None, env=None, cwd=None, code: int | None = 0) -> Ran:
        """Run `xats words` to its end; it must exit with `code` (None: whatever)."""
        done = self.run([*self.words, *words], stdin, env, cwd)
        ran = Ran(words, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ran.stderr, ran
        assert code is None or ran.code == code, ran
        documents.check(words, ran.stdout, ran.stderr)
        return ran

    def run(self, command, stdin=None, env=None, cwd=None, **options) -> subprocess.CompletedProcess:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        source = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
        return subprocess.run(
            command,
            capture_output=True,
            env=self.env(env),
            cwd=cwd or self.folder,
            timeout=LIMIT,
            check=False,
            **source,
            **options,
        )

    def start(self, *words, env=None, command=None, **options) -> subprocess.Popen:
        """Start `xats words` (or `command`) and return the running process; it is reaped with the test."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        line = command or [*self.words, *words]
        started = subprocess.Popen(line, env=self.env(env), cwd=self.folder, **options)
        self.started.append(started)
        return started

    def end(self, running: subprocess.Popen) -> Ran:
        """Wait for what `start` started."""
        out, err = running.communicate(timeout=LIMIT)
        ran = Ran(running.args, running.returncode, (out or b"").decode(), (err or b"").decode())
        if running.returncode >= 0 and tuple(running.args[: len(self.words)]) == self.words:
            documents.check(running.args[len(self.words) :], ran.stdout, ran.stderr)
        return ran

    def on_terminal(
        self, *words, env=None, command=None, code: int | None = 0, typed: str = "", interrupt_at: str = ""
    ) -> str:
        """Run `xats words` on a terminal of its own, where `typed` waits to be read; return all that it showed.

        With `interrupt_at` it gets SIGINT once it has shown that text and waits: before it waits, Python's input() can
        miss a signal.
        """
        master, slave = pty.openpty()
        os.write(master, typed.encode())
        running = self.start(*words, env=env, command=command, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        shown = b""
        try:
            while True:
                if not select.select([master], [], [], LIMIT)[0]:
                    running.kill()
                    raise AssertionError(shown)
                try:
                    data = os.read(master, 65536)
                except OSError:  # EIO: the last process has closed the terminal
                    break
                if not data:
                    break
                shown += data
                if interrupt_at and interrupt_at.encode() in shown:
                    until(lambda: psutil.Process(running.pid).status() == psutil.STATUS_SLEEPING)
                    running.send_signal(signal.SIGINT)
                    interrupt_at = ""
        finally:
            os.close(master)
        assert not interrupt_at, shown
        running.wait(LIMIT)
        text = shown.decode(errors="surrogateescape").replace("\r\n", "\n")
        assert "Traceback" not in text, text
        assert code is None or running.returncode == code, (running.returncode, text)
        return text

    def asleep(self, running: subprocess.Popen) -> bool:
        """Tell whether a process has the store open and is waiting for something."""
        process = psutil.Process(running.pid)
        opened = any(file.path == self.path for file in process.open_files())
        return opened and process.status() == psutil.STATUS_SLEEPING

    def install(self, folder) -> str:
        """Put a program `xats` into `folder`; return its path."""
        path = folder / "xats"
        path.write_text(f'#!/bin/sh\nexec {shlex.join(self.words)} "$@"\n')
        path.chmod(0o755)
        return str(path)

    def store(self):
        return open_store(new_store(self.path))

    def reap(self) -> None:
        for running in self.started:
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
                running.wait(LIMIT)
            for pipe in (running.stdin, running.stdout, running.stderr):
                if pipe:
                    pipe.close()


@pytest.fixture
def home(tmp_path):
    """The folder that is HOME to every process of the test."""
    return tmp_path / "home"


@pytest.fixture
def xats(tmp_path, home):
    cli = Cli(tmp_path)
    yield cli
    cli.reap()


@pytest.fixture
def crew(xats):
    """alice and bob in the team `crew` of the store that `xats` uses, without a process or a pane."""
    opened = xats.store()
    made = Team(opened)
    made.add("alice", "bob")
    yield made
    opened.close()
