"""Where the store lives, and which file systems are warned of."""

import os

import pytest

from xats.store.open import open_store
from xats.store.sqlite import file_systems, paths

LINUX = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 0:26 / /home/carol/disk rw shared:7 master:3 - xfs /dev/sdb rw
32 22 0:27 / /mnt/a\\040b rw - cifs //nas/share rw
33 22 0:28 / /win rw - 9p C:\\134 rw
34 22 0:29 / /over rw - ext4 /dev/vdb rw
35 34 0:30 / /over rw - fuse.sshfs host: rw
36 22 0:31 / /run rw - tmpfs tmpfs rw
"""
MAC = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
//carol@nas/work on /Volumes/work (smbfs, nodev, nosuid, mounted by carol)
nas:/export on /Volumes/the export (nfs, asynchronous)
/dev/disk5s1 on /Volumes/stick (msdos, local)
//nas/old on /Volumes/old - new (smbfs, nodev)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
"""


@pytest.mark.parametrize(
    "folder, kind",
    [
        ("/var/lib", None),
        ("/home", "nfs4"),
        ("/home/carol/state", "nfs4"),
        ("/homestead", None),
        ("/home/carol/disk", None),
        ("/home/carol/disk/x", None),
        ("/home/carol/diskette", "nfs4"),
        ("/mnt/a b/c", "cifs"),
        ("/win/x", "9p"),
        ("/over/x", "fuse.sshfs"),
        ("/run/x", None),
    ],
)
def test_the_nearest_mount_above_decides_on_linux(folder, kind):
    assert file_systems.network_file_system(folder, LINUX) == kind


@pytest.mark.parametrize(
    "folder, kind",
    [
        ("/Users/carol", None),
        ("/Volumes/work/x", "smbfs"),
        ("/Volumes/the export/x", "nfs"),
        ("/Volumes/stick", None),
        ("/Volumes/old - new/x", "smbfs"),
    ],
)
def test_the_nearest_mount_above_decides_on_macos(folder, kind):
    assert file_systems.network_file_system(folder, MAC) == kind


def test_a_table_that_says_nothing_means_local():
    assert file_systems.network_file_system("/home", "") is None
    assert file_systems.network_file_system("/home", "what is this\n\n - \n") is None


def test_a_link_is_followed_to_its_mount(tmp_path):
    real, link = tmp_path / "nas", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    table = f"22 1 254:0 / / rw - ext4 /dev/vda rw\n30 22 0:25 / {os.path.realpath(real)} rw - nfs4 server:/ rw\n"
    assert file_systems.network_file_system(str(link / "xats"), table) == "nfs4"


def test_the_real_table_is_read():
    assert file_systems._mount_table().count("\n") > 0
    assert file_systems.network_file_system("/") is None


def test_making_a_store_on_a_network_file_system_warns(tmp_path, monkeypatch):
    monkeypatch.setattr(file_systems, "_mount_table", lambda: "30 22 0:25 / / rw - nfs4 server:/ rw\n")
    said = []
    open_store(str(tmp_path / "xats.db"), warn=said.append).close()
    assert len(said) == 1
    assert "nfs4" in said[0]
    assert "XATS_HOME" in said[0]


@pytest.mark.parametrize(
    "environ, path",
    [
        ({}, "~/.local/state/xats/xats.db"),
        ({"XDG_STATE_HOME": "/s"}, "/s/xats/xats.db"),
        ({"XDG_STATE_HOME": "/s", "XATS_HOME": "/h"}, "/h/xats.db"),
        ({"XATS_HOME": "/h", "XATS_DB": "/d/mail.db"}, "/d/mail.db"),
        ({"XATS_HOME": "", "XATS_DB": "", "XDG_STATE_HOME": ""}, "~/.local/state/xats/xats.db"),
    ],
)
def test_the_environment_says_where_the_store_is(environ, path):
    assert paths.default_path(environ) == os.path.expanduser(path)
