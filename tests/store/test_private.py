"""A store that other users may use is made private when it is opened, and that is said once."""

import os
import stat
import sys

import pytest

from xats.base import errors
from xats.store import Store
from xats.store.sqlite import paths, private

OTHER = 54321  # a user id that nobody has here


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of xats, in which nothing is yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XATS_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def opened(path) -> list[str]:
    """Open the store at `path`; return what was said of it."""
    heard: list[str] = []
    store = Store(str(path), warn=heard.append)
    assert store.repaired == "".join(heard)
    store.write(lambda tx: tx.event("paused", "crew", None, "agent:x"))
    store.close()
    return heard


@pytest.mark.parametrize("loose", [0o644, 0o640, 0o660, 0o666, 0o601, 0o777])
def test_a_store_that_others_may_use_is_private_once_it_was_opened(home, loose):
    path = home / "xats.db"
    assert opened(path) == []
    path.chmod(loose)
    now = loose & 0o700
    (said,) = opened(path)  # with a write-ahead log, SQLite makes the files beside it with the same mode
    assert said.startswith(f"Other users could use {path} (mode {loose:04o}). xats has set its mode to {now:04o}.")
    assert mode(path) == loose & 0o700
    assert opened(path) == []


def test_the_folder_of_xats_is_private_again(home):
    path = home / "xats.db"
    opened(path)
    home.chmod(0o755)
    assert opened(path) == [f"Other users could use {home} (mode 0755). xats has set its mode to 0700."]
    assert mode(home) == 0o700


@pytest.mark.parametrize("is_home", [False, True])
def test_a_folder_that_is_not_of_xats_keeps_its_mode(tmp_path, monkeypatch, is_home):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XATS_HOME", str(tmp_path if is_home else tmp_path / "state"))
    path = tmp_path / "xats.db"
    opened(path)
    tmp_path.chmod(0o755)
    path.chmod(0o644)
    assert len(opened(path)) == 1
    assert (mode(tmp_path), mode(path)) == (0o755, 0o600)
    assert opened(path) == []


def test_what_stands_beside_the_store_is_repaired_with_it(home):
    path = home / "xats.db"
    store = Store(str(path))
    store.write(lambda tx: tx.event("paused", "crew", None, "agent:x"))
    backup, other = home / "xats.db.20260101T000000.000Z.bak", home / "notes.txt"
    for one in (backup, other):
        one.write_text("x")
        one.chmod(0o644)
    (home / "xats.db.link").symlink_to(other)
    journals = [one for suffix in paths.BESIDE if (one := home / f"xats.db{suffix}").exists()]
    for one in (*journals, path):
        one.chmod(0o664)
    (said,) = opened(path)
    assert {mode(one) for one in (path, backup, *journals)} == {0o600}
    assert mode(other) == 0o644
    assert all(str(one) in said for one in (path, backup, *journals))
    store.close()


@pytest.mark.parametrize("suffix", paths.BESIDE)
def test_a_journal_alone_is_enough(home, suffix):
    path = home / "xats.db"
    opened(path)
    beside = home / f"xats.db{suffix}"
    beside.touch(0o600)
    beside.chmod(0o644)
    assert f"{beside} (mode 0644)" in private.restrict(str(path), os.environ)
    assert mode(beside) == 0o600
    beside.chmod(0o644)
    assert paths.check_beside(str(path))


def test_a_link_to_the_store_repairs_what_it_leads_to(home, tmp_path):
    path, link = home / "xats.db", tmp_path / "link.db"
    opened(path)
    path.chmod(0o644)
    link.symlink_to(path)
    assert len(opened(link)) == 1
    assert mode(path) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_store_of_another_user_is_left_as_it_is(home):
    path = home / "xats.db"
    opened(path)
    path.chmod(0o644)
    os.chown(path, OTHER, OTHER)
    assert opened(path) == []
    assert mode(path) == 0o644


def test_a_lock_that_this_process_holds_outlives_the_repair(home, tmp_path):
    """To close a file once more ends every lock of the process: https://sqlite.org/howtocorrupt.html, 2.2."""
    path = home / "xats.db"
    store = Store(str(path))

    def while_locked(tx):
        path.chmod(0o644)
        private.restrict(str(path), os.environ)
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('begin immediate')"
        return os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code, str(path)])

    assert store.write(while_locked) != 0
    store.close()


def test_a_private_store_costs_no_import(home):
    opened(home / "xats.db")
    sys.modules.pop("xats.store.sqlite.private", None)
    opened(home / "xats.db")
    assert "xats.store.sqlite.private" not in sys.modules


def test_a_file_that_is_no_store_keeps_its_mode(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("not a database, but a text of some length " * 20)
    path.chmod(0o644)
    with pytest.raises(errors.StoreForeign):
        Store(str(path))
    assert mode(path) == 0o644


def test_a_command_says_once_that_a_store_was_open_to_others(xats, crew):
    os.chmod(xats.path, 0o644)
    ran = xats("agents", "--team", "crew", "--json")
    assert f"xats: warning: Other users could use {xats.path} (mode 0644)" in ran.stderr
    assert len(ran.json()["agents"]) == 2
    assert xats("agents", "--team", "crew").stderr == ""


def test_a_hook_notes_it_in_its_log(xats, crew):
    os.chmod(xats.path, 0o644)
    xats("hook", "run", "codex", stdin='{"hook_event_name": "UserPromptSubmit", "session_id": "s"}')
    with open(f"{xats.path}-hooks.log", encoding="utf-8") as file:
        assert "could use" in file.read()
    assert mode(xats.path) == 0o600
