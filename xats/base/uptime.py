"""How long this host has been up: nobody can set that time, so xats compares the clock with it.

The time since the boot includes the time that the host was suspended, so a clock that is right advances by the same
amount. On Linux both are what CLOCK_BOOTTIME and CLOCK_MONOTONIC of clock_gettime(2) say. The former is read from
/proc/uptime, because a library that fakes the clock of one program (libfaketime) fakes CLOCK_BOOTTIME too. On macOS
they are CLOCK_MONOTONIC_RAW (mach_continuous_time) and CLOCK_UPTIME_RAW (mach_absolute_time), which do not depend on
kern.boottime: that follows the clock when it is set.
"""

from __future__ import annotations

import sys
import time

from xats.base.record import record

BOOT = "/proc/sys/kernel/random/boot_id"
UPTIME = "/proc/uptime"
SYSCTL = b"kern.bootsessionuuid"


@record
class Uptime:
    """How long a host has been up, at one moment."""

    boot: str  #: the id of the boot: another one after every boot
    up: int  #: ms since the boot
    slept: int  #: ms of them that the host was suspended

    def later(self, ms: int) -> Uptime:
        """Return the uptime `ms` milliseconds later, without a suspend."""
        return Uptime(self.boot, self.up + ms, self.slept)


def read() -> Uptime | None:
    """Return how long this host has been up, None where that is hidden, as in a sandbox."""
    return _darwin() if sys.platform == "darwin" else _linux()


def _linux() -> Uptime | None:
    try:
        with open(BOOT, "rb", buffering=0) as file:
            boot = file.read(100).decode("ascii", "replace").strip()
        with open(UPTIME, "rb", buffering=0) as file:
            up = round(float(file.read(100).split()[0]) * 1000)
    except (OSError, ValueError, IndexError):
        return None
    return Uptime(boot, up, up - round(time.clock_gettime(time.CLOCK_MONOTONIC) * 1000)) if boot else None


def _darwin() -> Uptime | None:
    boot = _sysctl(SYSCTL)
    if not boot:
        return None
    up = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) // 1_000_000
    awake = time.clock_gettime_ns(time.CLOCK_UPTIME_RAW) // 1_000_000  # type: ignore[attr-defined,unused-ignore]
    return Uptime(boot, up, up - awake)


def _sysctl(name: bytes) -> str:
    """Return the text of sysctl(3) under `name`, "" if there is none."""
    import ctypes

    size = ctypes.c_size_t(100)
    found = ctypes.create_string_buffer(size.value)
    try:
        failed = ctypes.CDLL(None).sysctlbyname(name, found, ctypes.byref(size), None, 0)
    except (AttributeError, OSError):
        return ""
    return "" if failed else found.value.decode("ascii", "replace").strip()
