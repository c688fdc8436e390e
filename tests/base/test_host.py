"""The id of a host: it stays when the name changes, tells nothing, and is another one in another pid namespace."""

import os
import re
import subprocess
import sys

import pytest

from xats.base import host
from xats.core.agents import agents

MACHINE, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    """Every test finds out anew what a process remembers."""
    monkeypatch.setattr(host, "_known", {})


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Files of a machine, none of which is there yet; return what writes them."""
    names = {name: str(tmp_path / name) for name in ("machine-id", "dbus", "boot")}
    monkeypatch.setattr(host, "FILES", (names["machine-id"], names["dbus"]))
    monkeypatch.setattr(host, "BOOT", names["boot"])

    def write(**texts):
        for name, text in texts.items():
            with open(names[name.replace("_", "-")], "w") as file:
                file.write(text)
        host._known.clear()
        return host.id()

    return write


def inside(monkeypatch, tmp_path, namespace):
    path = str(tmp_path / "ns")
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(namespace, path)
    monkeypatch.setattr(host, "NAMESPACE", path)
    host._known.clear()
    return host.id()


def test_an_id_is_no_name_of_a_host():
    assert re.fullmatch(r"h1\+[0-9a-f]{16}(-[0-9a-f]{16})?", host.id())
    assert host.is_id(host.id())
    assert not host.is_id(host.name())
    assert f"'{host.PREFIX}%'" in agents.NOT_AN_ID


def test_it_is_the_same_in_every_process_and_whatever_the_host_is_called(monkeypatch):
    other = subprocess.run(
        [sys.executable, "-c", "from xats.base import host; print(host.id())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == host.id()
    before = host.id()
    renamed = os.uname_result(("Linux", "another-name", "6", "1", "x86_64"))
    monkeypatch.setattr(os, "uname", lambda: renamed)
    host._known.clear()
    assert (host.id(), host.name()) == (before, "another-name")


def test_the_machine_id_is_not_told(files):
    found = files(machine_id=f"{MACHINE}\n")
    assert MACHINE[:8] not in found
    assert found != files(machine_id=f"{OTHER}\n")
    assert found == files(machine_id=f"{MACHINE}\n")


def test_the_file_of_dbus_counts_where_that_of_systemd_says_nothing(files):
    found = files(dbus=MACHINE)
    for nothing in ("", "\n", "uninitialized\n", "0" * 32, MACHINE[:-1], MACHINE.upper(), f"{MACHINE[:-1]}g"):
        assert files(machine_id=nothing) == found
    assert files(machine_id=OTHER) != found


def test_without_a_machine_id_it_is_that_of_the_boot_and_of_the_name_at_last(files, monkeypatch):
    named = files()
    first = files(boot="c0513e62-da36-4721-8ebd-3b69e1af26e5\n")
    second = files(boot="00000000-da36-4721-8ebd-3b69e1af26e5\n")
    assert len({named, first, second}) == 3
    monkeypatch.setattr(host, "name", lambda: "another-name")
    assert files() == second  # a boot has no name
    monkeypatch.setattr(host, "BOOT", "/nonexistent")
    host._known.clear()
    assert host.id() not in (named, first, second)


def test_a_file_that_is_none_is_no_fault(files, monkeypatch):
    expected = files(dbus=MACHINE)
    monkeypatch.setattr(host, "FILES", ("/", *host.FILES))
    host._known.clear()
    assert host.id() == expected


@pytest.mark.skipif(sys.platform == "darwin", reason="this one tells")
def test_a_system_without_gethostuuid_tells_nothing_by_it():
    assert host._platform() == ""


def test_a_namespace_is_a_host_of_its_own_on_the_same_machine(files, monkeypatch, tmp_path):
    files(machine_id=MACHINE, boot="b-1")
    outside = inside(monkeypatch, tmp_path, host.FIRST)
    assert not host.nested()
    one = inside(monkeypatch, tmp_path, "pid:[4026532178]")
    assert host.nested()
    two = inside(monkeypatch, tmp_path, "pid:[4026532179]")
    assert len({outside, one, two}) == 3
    assert {host.machine_of(each) for each in (outside, one, two)} == {outside} == {host.machine()}
    after = files(boot="b-2")  # the number of a namespace is given out again
    assert after != two
    assert host.machine_of(after) == outside


def test_a_system_without_namespaces_has_none(monkeypatch):
    monkeypatch.setattr(host, "NAMESPACE", "/nonexistent")
    assert (host.namespace(), host.nested()) == ("", False)
    assert host.id() == host.machine()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc elsewhere")
def test_where_proc_does_not_show_us_this_is_a_host_of_its_own(files, monkeypatch):
    """A sandbox may have no /proc; whether it has pids of its own cannot be told then."""
    outside = files(machine_id=MACHINE, boot="b-1")
    assert host.is_shown()
    monkeypatch.setattr(host, "NAMESPACE", "/nonexistent")
    monkeypatch.setattr(host, "SELF", "/nonexistent")
    host._known.clear()
    assert host.nested()
    assert not host.is_shown()
    assert host.id() != outside == host.machine()


def test_it_costs_no_large_import():
    """hashlib loads OpenSSL, which takes longer than all else that a hook does."""
    code = (
        "import sys; from xats.base import host; host.id(); print({'hashlib', 'ctypes', 'subprocess'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
