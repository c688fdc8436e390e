"""The host: where a process id means something. It has an id that stays, and a name for people that does not.

The name of a laptop changes with the network, so nothing is ever found by it. The id is a hash of the machine id, which
machine-id(5) calls confidential: the machine id itself is neither stored nor shown. A container or a sandbox with a pid
namespace of its own is a host of its own: it has the machine id of the machine that it runs on, or that of its image,
and the same pid is another process there. Its id ends with its namespace, so it changes when the container is started
again; the processes of the old one are gone by then.

Without a machine id, as in many images of containers, the id is that of the boot: the processes end with it too.
"""

from __future__ import annotations

import os
import sys

PREFIX = "h1+"  # no host name has a plus sign (RFC 1123), so no id looks like a name, and no name like an id
FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")
BOOT = "/proc/sys/kernel/random/boot_id"
NAMESPACE = "/proc/self/ns/pid"
SELF = "/proc/self"
FIRST = "pid:[4026531836]"  # the namespace of the machine's first process: PROC_PID_INIT_INO in linux/proc_ns.h

_known: dict[str, str] = {}  # what never changes in the life of a process


def id() -> str:
    """Return the id of this host: `h1+` and 16 hexadecimal digits; `-` and 16 more in a pid namespace of its own."""
    if "id" not in _known:
        inner = f"-{_digest('namespace', _boot(), namespace())}" if nested() else ""
        _known["id"] = f"{machine()}{inner}"
    return _known["id"]


def machine() -> str:
    """Return the id of this machine, which is that of every host on it up to the `-`."""
    if "machine" not in _known:
        _known["machine"] = PREFIX + _digest(*_machine())
    return _known["machine"]


def machine_of(host: str) -> str:
    """Return the id of the machine on which the host with the id `host` is; see `machine`."""
    return host.partition("-")[0]


def name() -> str:
    """Return what people call this host at this moment."""
    return os.uname().nodename


def is_id(host: str) -> bool:
    """Tell whether `host` is an id. Before there were ids, sessions were marked with the name of their host."""
    return host.startswith(PREFIX)


def namespace() -> str:
    """Return our pid namespace as namespaces(7) writes it, "" where the system has none.

    It is "hidden" where Linux has no /proc, or one that does not show this process: a sandbox may do without.
    """
    try:
        return os.readlink(NAMESPACE)
    except OSError:
        return "hidden" if sys.platform == "linux" and not os.path.exists(SELF) else ""


def nested() -> bool:
    """Tell whether this process is in a pid namespace below that of the machine: in a container or a sandbox."""
    return namespace() not in ("", FIRST)


def is_shown() -> bool:
    """Tell whether /proc shows the pids of our own pid namespace, and not those of another (pid_namespaces(7))."""
    try:
        return os.readlink(SELF) == str(os.getpid())
    except OSError:
        return False


def _machine() -> tuple[str, str]:
    """Return what this machine is known by: the kind of it, and its value, which is secret."""
    for path in FILES:
        value = _read(path)
        # "uninitialized" stands there during the first boot, and nothing in the images of containers.
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
    """Return the short text in the file `path`, "" if there is none, or not for us."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(100).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _platform() -> str:
    """Return the IOPlatformUUID of this Mac, "" if it does not tell: gethostuuid(2) waits for `timeout` at the most."""
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
    """Return 16 hexadecimal digits from which `parts` cannot be found out."""
    # What hashlib.blake2b is; hashlib itself takes 8 ms to import, because it loads OpenSSL.
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b

    return blake2b("\0".join(parts).encode(), digest_size=8, person=b"xats host").hexdigest()
