"""Two hosts on one machine, which share a database: each has an id (XATS_HOST), a home, a daemon and a tmux server."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support import postgres as servers
from tests.support.world import World
from xats.store.open import open_store

QUIET = "xats: 1 new from {} - run: xats inbox"


class Host(World):
    """A host whose store is in the database at `url`. Its commands run in a folder of its own."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self.name, self.path, self.root = name, url, self.folder
        self.env |= {"XATS_DB": url, "XATS_HOST": name}
        self.store = open_store(url)

    def rows(self, sql, **values):
        return self.store.read(lambda tx: tx.all(sql, **values))

    def write(self, sql, **values):
        """Change the database by SQL, as a host can that has the rights."""
        return self.store.write(lambda tx: tx.run(sql, **values))

    def log(self) -> str:
        path = os.path.join(self.folder, "daemon.log")
        if not os.path.exists(path):
            return ""
        with open(path) as file:
            return file.read()

    def daemons(self) -> list[int]:
        return []  # only `daemon` starts them

    def close(self) -> None:
        self.store.close()
        self.folder = self.root
        super().close()


def read(one: Host, name: str) -> list[str]:
    """Let `name` read all its mail on its host; return the texts."""
    letters = one.json("inbox", "--as", name, "--limit", "1000")["messages"]
    return [letter["body"] for letter in letters]


def settled(one: Host) -> bool:
    return not one.rows("select id from wakes where closed_at is null or lease_token is not null")


@pytest.fixture(scope="module")
def server():
    """A server with durable commits, which the test may kill."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    try:
        made = servers.own(durable=True)
    except servers.Missing as missing:
        if os.environ.get("XATS_TEST_POSTGRES") == "require":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def make_host(server, tmp_path_factory):
    """Return what makes a host of that name with the database at `url`; without one it gets a new database."""
    made: list[Host] = []

    def make(name: str, url: str | None = None) -> Host:
        if url is None:
            database = f"team{len(made)}"
            with server.connect() as admin:
                admin.execute(f"create database {database} owner {servers.OWNER} template template0")
            url = server.url(database)
        with pytest.MonkeyPatch.context() as patch:  # the files of the store that this process opens
            patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
            made.append(Host(url, name))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def make_hosts(make_host):
    """Return what makes the hosts `here` (alice without a pane, bob) and `there` (kim), with a daemon on each.

    `ahead` are the ms by which the clock of `there` is ahead.
    """

    def make(ahead: int = 0) -> tuple[Host, Host]:
        here = make_host("here")
        there = make_host("there", here.path)
        there.env["XATS_FAULT_CLOCK"] = str(ahead)
        here.register("alice")
        here.bob = here.tmux().compose()
        here.register("bob", here.bob)
        there.kim = there.tmux().compose()
        there.register("kim", there.kim)
        for one in (here, there):
            one.running = one.daemon(XATS_LADDER="1s,1s,1s,1h")
        return here, there

    return make


@pytest.fixture
def hosts(make_hosts):
    """Two new hosts and a new database."""
    return make_hosts()
