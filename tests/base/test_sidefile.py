"""Files beside the store: what another user could have put under their names is neither opened nor changed."""

import logging
import os
import socket
import stat

import pytest

from xats.base import fifo, sidefile
from xats.base.sidefile import Unsafe
from xats.clients import waiters
from xats.hooks import launch, log
from xats.store.open import open_store

OTHER = 54321  # a user id that nobody has here
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what another user would")

PLANTED = ["link", "dangling", "hard link", "folder", "fifo", "socket", "other user", "other user's link"]


@pytest.fixture
def precious(tmp_path):
    made = tmp_path / "precious"
    made.write_text("all of it")
    made.chmod(0o644)
    return made


def plant(kind, path, precious):
    """Put something else where `path` is to be; skip what only root can do."""
    if kind.startswith("other") and os.geteuid() != 0:
        pytest.skip("only root can make what another user would")
    if kind == "link":
        path.symlink_to(precious)
    elif kind == "dangling":
        path.symlink_to(precious.parent / "nowhere")
    elif kind == "hard link":
        os.link(precious, path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as line:
            line.bind(str(path))
    elif kind == "other user":
        path.write_text("mine")
        path.chmod(0o666)
        os.chown(path, OTHER, OTHER)
    else:
        path.symlink_to(precious)
        os.chown(path, OTHER, OTHER, follow_symlinks=False)


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("use", ["write", "add", "read"])
def test_what_somebody_has_planted_is_refused(tmp_path, precious, kind, use):
    path = tmp_path / "lock; rm x"
    plant(kind, path, precious)
    with pytest.raises(Unsafe) as caught:
        if use == "read":
            sidefile.read(str(path), 100)
        else:
            sidefile.own(str(path), os.O_RDWR if use == "write" else os.O_WRONLY | os.O_APPEND)
    assert str(path) in str(caught.value)
    assert f"rm '{path}'" in caught.value.hint  # in quotes, so that it can be run as it is
    assert (caught.value.code, caught.value.exit) == ("file_unsafe", 4)
    if kind.startswith("other"):
        assert f"belongs to user id {OTHER}" in str(caught.value)
    assert precious.read_text() == "all of it"
    assert stat.S_IMODE(precious.stat().st_mode) == 0o644
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_trusted_is_also_what_cannot_be_opened(tmp_path, precious):
    """A caller that can do without the file catches OSError, and says its text."""
    (tmp_path / "log").symlink_to(precious)
    with pytest.raises(OSError, match="is a link") as caught:
        sidefile.own(str(tmp_path / "log"))
    assert caught.value.strerror == "is a link; xats does not use it"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_it_is_created_for_its_owner_alone_whatever_the_umask(tmp_path, umask):
    path = tmp_path / "new"
    before = os.umask(umask)
    try:
        for make in (sidefile.own, sidefile.create, lambda name: sidefile.replace(name, b"x"), fifo.make):
            file = make(str(path))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            if file is not None:
                os.close(file)
            path.unlink()
    finally:
        os.umask(before)


def test_what_others_could_use_is_repaired_and_said_once(tmp_path, caplog):
    path = tmp_path / "log"
    path.write_text("")
    path.chmod(0o666)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            os.close(sidefile.own(str(path)))
    assert [one.getMessage() for one in caplog.records] == [
        f"Other users could use {path} (mode 0666). xats has set its mode to 0600."
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_only_looks_changes_nothing(tmp_path, caplog):
    path = tmp_path / "log"
    path.write_text("said")
    path.chmod(0o666)
    assert sidefile.read(str(path), 100) == b"said"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert sidefile.loose(str(path)) == 0o666
    assert caplog.records == []


@pytest.mark.parametrize(
    "start, limit, said", [(0, 100, b"0123456789"), (0, 3, b"789"), (8, 100, b"89"), (11, 4, b"6789")]
)
def test_the_end_of_a_file_is_read(tmp_path, start, limit, said):
    (tmp_path / "log").write_text("0123456789")
    assert sidefile.read(str(tmp_path / "log"), limit, start) == said


@pytest.mark.parametrize("kind", [one for one in PLANTED if one not in ("folder", "socket")])
def test_a_file_that_is_replaced_takes_the_place_of_what_was_planted(tmp_path, precious, kind):
    path = tmp_path / "report.json"
    plant(kind, path, precious)
    sidefile.replace(str(path), b"new")
    assert (path.read_bytes(), path.is_symlink(), path.stat().st_uid) == (b"new", False, os.geteuid())
    assert precious.read_text() == "all of it"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["precious", "report.json"]


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "other user", "other user's link"])
def test_a_bell_that_somebody_has_planted_is_neither_rung_nor_heard(tmp_path, precious, kind):
    path = tmp_path / "bell"
    if kind == "link":
        os.mkfifo(tmp_path / "theirs")
        path.symlink_to(tmp_path / "theirs")
    elif kind == "other user":
        if os.geteuid() != 0:
            pytest.skip("only root can make what another user would")
        os.mkfifo(path, 0o666)
        os.chown(path, OTHER, OTHER)
    else:
        plant(kind, path, precious)
    with pytest.raises(Unsafe):
        fifo.make(str(path))
    heard = os.open(path, os.O_RDWR | os.O_NONBLOCK) if kind in ("link", "other user") else None
    assert fifo.reach(str(path)) is None
    if heard is not None:
        os.close(heard)


def test_a_folder_of_ours_is_made_private_and_that_of_another_user_refused(tmp_path, precious):
    sidefile.folder(str(tmp_path / "a" / "b"))
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "a").chmod(0o777)
    sidefile.folder(str(tmp_path / "a"))
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(Unsafe, match="is a link"):
        sidefile.folder(str(tmp_path / "link"))
    with pytest.raises(Unsafe, match="is a regular file"):
        sidefile.folder(str(precious))


@as_root
def test_a_folder_of_another_user_is_refused(tmp_path):
    (tmp_path / "launch").mkdir()
    os.chown(tmp_path / "launch", OTHER, OTHER)
    with pytest.raises(Unsafe, match=f"belongs to user id {OTHER}"):
        sidefile.folder(str(tmp_path / "launch"))


# -- who opens them ----------------------------------------------------------------------------------------------------


def test_a_planted_lock_of_another_waiter_keeps_nobody_from_waiting(tmp_path, precious):
    store = str(tmp_path / "xats.db")
    (tmp_path / "xats.db-waiter-9-00000000.lock").symlink_to(precious)
    post = waiters.take(store, 1, 5, "s")
    assert waiters.listens(post.path)
    post.leave()
    assert precious.read_text() == "all of it"


@pytest.mark.parametrize("suffix", ["", waiters.LOCK])
def test_a_waiter_uses_nothing_that_was_planted(tmp_path, precious, suffix):
    store = str(tmp_path / "xats.db")
    path = waiters.path_for(store, 1, 5, "s")
    os.symlink(precious, path + suffix)
    if suffix:
        with pytest.raises(Unsafe, match="is a link"):
            waiters.take(store, 1, 5, "s")
    else:
        waiters.take(store, 1, 5, "s").leave()  # what was left by another one goes
    assert precious.read_text() == "all of it"


def test_a_launch_writes_into_no_folder_that_was_planted(tmp_path):
    """The program that is launched would run what others can put there."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "launch").symlink_to(tmp_path / "theirs")
    with pytest.raises(Unsafe, match="is a link"):
        launch.write(str(tmp_path / "launch" / "opencode-1.js"), "text")
    assert os.listdir(tmp_path / "theirs") == []
    (tmp_path / "launch").unlink()
    (tmp_path / "launch").mkdir(0o777)
    (tmp_path / "launch").chmod(0o777)
    launch.write(str(tmp_path / "launch" / "opencode-1.js"), "text")
    assert stat.S_IMODE((tmp_path / "launch").stat().st_mode) == 0o700
    assert os.listdir(tmp_path / "launch") == ["opencode-1.js"]


def test_a_hook_writes_into_no_log_that_was_planted(tmp_path, precious):
    (tmp_path / "xats.db-hooks.log").symlink_to(precious)
    log.note(str(tmp_path / "xats.db"), "codex", "Stop", ValueError())
    assert precious.read_text() == "all of it"
    (tmp_path / "xats.db-hooks.log").unlink()
    os.link(precious, tmp_path / "xats.db-hooks.log")
    log.note(str(tmp_path / "xats.db"), "codex", "Stop", ValueError())
    assert precious.read_text() == "all of it"


def test_a_file_beside_a_store_has_one_name_however_the_store_is_addressed(tmp_path):
    store = open_store(str(tmp_path / "xats.db"))
    (tmp_path / "other").mkdir()
    link = tmp_path / "other" / "link.db"
    link.symlink_to(store.path)
    other = open_store(str(link))
    assert store.key == other.key == os.path.realpath(store.path)
    for kind in ("daemon.log", "hooks.log"):
        assert sidefile.path_for(str(link), kind) == sidefile.path_for(store.path, kind) == f"{store.key}-{kind}"
    log.note(str(link), "claude-code", "Stop", ValueError())
    assert os.listdir(tmp_path / "other") == ["link.db"]
    assert "ValueError" in (tmp_path / "xats.db-hooks.log").read_text()
    store.close()
    other.close()
