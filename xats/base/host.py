"""The host: where a process id has a meaning. Its id stays the same; its name, which is for people, may change.

The name of a laptop changes with the network, so xats never looks a host up by its name. The id is a hash of the
machine id, which machine-id(5) calls confidential: xats neither stores nor shows the machine id itself. A container or
a sandbox with its own pid namespace is a separate host: it has the machine id of its machine or of its image, and the
same pid is another process there. Its id ends with its namespace, so it changes when the container starts again; the
processes of the old container have ended by then.

The variable XATS_HOST stands in the place of the machine id, for machines that have the same one. Without either, as in
many container images, the id is made of the id of the boot: the processes end with it too.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "XATS_HOST"
PREFIX = "h1+"  # no host name has a plus sign (RFC 1123), so no id looks like a name, and no name like an id
FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")
BOOT = "/proc/sys/kernel/random/boot_id"
NAMESPACE = "/proc/self/ns/pid"
SELF = "/proc/self"
FIRST = "pid:[4026531836]"  # the namespace of the machine's first process: PROC_PID_INIT_INO in linux/proc_ns.h

_known: dict[str, str] = {}  # ids that never change in the life of a process


def id() -> str:
    """Return the id of this host: `h1+` and 16 hexadecimal digits; `-` and 16 more in a pid namespace of its own."""
    if "id" not in _known:
        inner = f"-{_digest('namespace', _boot(), namespace())}" if nested() else ""
        _known["id"] = f"{machine()}{inner}"
    return _known["id"]


def machine() -> str:
    """Return the id of this machine. The id of every host on it begins with that, up to the `-`."""
    if "machine" not in _known:
        _known["machine"] = PREFIX + _digest(*_machine())
    return _known["machine"]


def machine_of(host: str) -> str:
    """Return the id of the machine on which the host with the id `host` is; see `machine`."""
    return host.partition("-")[0]


def name() -> str:
    """Return the name of this host, which may change."""
    return os.uname().nodename


def is_id(host: str) -> bool:
    """Tell whether `host` is an id. Before there were ids, sessions were marked with the name of their host."""
    return host.startswith(PREFIX)


def namespace() -> str:
    """Return our pid namespace as namespaces(7) writes it, "" where the system has none.

    It is "hidden" where Linux has no /proc, or one that does not show this process, as in some sandboxes.
    """
    try:
        return os.readlink(NAMESPACE)
    except OSError:
        return "hidden" if sys.platform == "linux" and not os.path.exists(SELF) else ""


def nested() -> bool:
    """Tell whether this process is in a pid namespace below that of the machine: in a container or a sandbox."""
    return namespace() not in ("", FIRST)


def is_shown() -> bool:
    """Tell whether /proc shows the pids of our own pid namespace, see pid_namespaces(7)."""
    try:
        return os.readlink(SELF) == str(os.getpid())
    except OSError:
        return False


def _machine() -> tuple[str, str]:
    """Return what identifies this machine: its kind, and its value, which is secret."""
    if value := os.environ.get(VARIABLE):
        return "chosen", value
    for path in FILES:
        value = _read(path)
        # The file says "uninitialized" during the first boot, and is empty in container images.
        if len(value) == 32 and value.strip("0123456789abcdef") == "" and value.strip("0"):
            return "machine", value
    if sys.platform == "darwin" and (value := _platform()):
        return "platform", value
    if value := _boot():
        return "boot", value
    return "name", name()


def _boot() -> str:
    return _read(BOOT)


def _read(path: str) -> str:
    """Return the short text in the file `path`, "" if xats cannot read it."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(100).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _platform() -> str:
    """Return the IOPlatformUUID of this Mac, "" if gethostuuid(2) does not return it within `timeout`."""
    import ctypes

    class Timeout(ctypes.Structure):
        """`struct timespec`."""

        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    found = ctypes.create_string_buffer(16)
    timeout = Timeout(1, 0)
    try:
        failed = ctypes.CDLL(None).gethostuuid(found, ctypes.byref(timeout))
    except (AttributeError, OSError):
        return ""
    return "" if failed or not any(found.raw) else found.raw.hex()


def _digest(*parts: str) -> str:
    """Return a hash of `parts`: 16 hexadecimal digits, from which the parts cannot be found out."""
    # This is hashlib.blake2b; hashlib itself takes 8 ms to import, because it loads OpenSSL.
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b

    return blake2b("\0".join(parts).encode(), digest_size=8, person=b"xats host").hexdigest()
