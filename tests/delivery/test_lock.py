"""One pane, one xats process."""

import os
import subprocess
import sys
import threading
import time

import pytest

from xats.tmux import lock
from xats.tmux.lock import LockUnsafe, PaneBusy, PaneLock
from xats.tmux.pane import Pane

PANE = Pane("/tmp/s", 7, 9, "%3", 11, "/dev/null")
HOLD = f"""
import sys, time
from xats.tmux import lock
from xats.tmux.pane import Pane
lock.ROOT = sys.argv[1]
with lock.PaneLock({PANE!r}):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "ROOT", str(tmp_path))
    return tmp_path


def test_another_process_has_it_until_it_is_killed(root):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        start = time.monotonic()
        with pytest.raises(PaneBusy), PaneLock(PANE, wait=0.1):
            pass
        assert 0.1 <= time.monotonic() - start < 1
        holder.kill()
        with PaneLock(PANE, wait=5):
            pass


def test_another_thread_has_it():
    found = []

    def other():
        try:
            with PaneLock(PANE, wait=0):
                found.append("held")
        except PaneBusy:
            found.append("busy")

    with PaneLock(PANE):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    other()
    assert found == ["busy", "held"]


def test_it_is_of_one_pane_and_one_server_whatever_the_path_of_the_socket():
    with PaneLock(PANE):
        for other in (
            Pane("/tmp/s", 7, 9, "%4", 11, ""),
            Pane("/tmp/s", 8, 9, "%3", 11, ""),
            Pane("/tmp/s", 7, 10, "%3", 11, ""),
        ):
            with PaneLock(other, wait=0):
                pass
        with pytest.raises(PaneBusy), PaneLock(Pane("/private/tmp/s", 7, 9, "%3", 12, ""), wait=0):
            pass


def test_it_is_free_after_a_failure_inside():
    with pytest.raises(KeyError), PaneLock(PANE):
        raise KeyError
    with PaneLock(PANE, wait=0):
        pass


def test_no_file_is_left_open():
    before = len(os.listdir("/dev/fd"))
    with PaneLock(PANE), pytest.raises(PaneBusy), PaneLock(PANE, wait=0):
        pass
    assert len(os.listdir("/dev/fd")) == before


def test_the_folder_is_ours_alone(root):
    folder = root / f"xats-{os.geteuid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with PaneLock(PANE):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600]


@pytest.mark.parametrize("obstacle", ["link", "file", "dangling", "read-only", "other owner"])
def test_a_folder_that_cannot_be_trusted_is_refused(root, monkeypatch, obstacle):
    folder = root / f"xats-{os.geteuid()}"
    if obstacle == "link":
        (root / "theirs").mkdir()
        folder.symlink_to(root / "theirs")
    elif obstacle == "dangling":
        folder.symlink_to(root / "nowhere")
    elif obstacle == "file":
        folder.write_text("")
    elif obstacle == "read-only":
        monkeypatch.setattr(lock, "ROOT", "/proc")
    else:
        folder.mkdir()
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        folder.rename(root / "xats-12345")
    with pytest.raises(LockUnsafe), PaneLock(PANE):
        pass


def test_a_link_in_place_of_the_lock_is_refused(root):
    folder = root / f"xats-{os.geteuid()}"
    folder.mkdir(mode=0o700)
    (folder / "7-9-3.lock").symlink_to(root / "target")
    with pytest.raises(LockUnsafe), PaneLock(PANE):
        pass
    assert not (root / "target").exists()
