"""A store that was put back from a backup, or made anew: what the old one has left in panes proves nothing."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.support.world import until

LINE = "xats: 1 new from alice - run: xats inbox"
TWO = "xats: 2 new from alice - run: xats inbox"


def restore(world, backup):
    """Put a backup back, as the documentation says."""
    shutil.copy(backup, f"{world.path}.new")
    world.remove_store()
    os.rename(f"{world.path}.new", world.path)


@pytest.fixture
def backup(world):
    """`backup()` makes one and returns its path."""

    def make():
        path = os.path.join(world.folder, "backup.db")
        world.xats("db", "backup", path)
        return path

    return make


def test_mail_after_a_restored_backup_is_typed(world, desk, backup):
    kept = backup()
    for _ in range(3):
        world.send("bob")
        world.xats("deliver", "--once")
        restore(world, kept)
    assert desk.bob.sent == [LINE] * 3


def test_mail_after_the_store_was_made_anew_is_typed(world, desk):
    for _ in range(3):
        world.send("bob")
        world.xats("deliver", "--once")
        world.remove_store()
        world.register("alice")
        world.register("bob", desk.bob)
    assert desk.bob.sent == [LINE] * 3


def test_a_wake_that_was_open_in_the_backup_and_was_delivered_since(world, desk, backup):
    """Its own line was typed, so that is not done twice; mail that has come since is typed."""
    desk.cmd("copy-mode", "-t", desk.bob.pane)
    world.send("bob")
    assert world.json("deliver", "--once")["wakes"][0]["reason"] == "copy_mode"
    kept = backup()
    desk.cmd("send-keys", "-X", "-t", desk.bob.pane, "cancel")
    retry(world)
    assert desk.bob.sent == [LINE]
    restore(world, kept)
    world.send("bob")
    retry(world)
    until(lambda: desk.bob.sent == [LINE, TWO])


def retry(world):
    """Make what waits due now, and attempt it."""
    with closing(sqlite3.connect(world.path)) as connection, connection:
        connection.execute("update wakes set next_attempt_at = opened_at where closed_at is null")
    connection.close()
    world.xats("deliver", "--once")


def test_a_line_that_a_removed_store_has_left_in_a_composer_is_a_draft(world, desk):
    world.send("bob")
    assert world.start("deliver", "--once", XATS_FAULT="paste.after").wait() != 0
    until(lambda: LINE in desk.text(desk.bob.pane))
    world.remove_store()
    world.register("alice")
    world.register("bob", desk.bob)
    world.send("bob")
    assert world.json("deliver", "--once")["wakes"][0]["reason"] == "draft_present"
    assert desk.bob.sent == []
