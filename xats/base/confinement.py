"""Whether another process of this user is confined more than this one, as by a sandbox or a container.

If a confined process could make xats start a program, that program would run outside the sandbox. Linux shows the
confinement in proc(5): namespaces(7), seccomp(2) and no_new_privs. Other systems show no difference.
"""

from __future__ import annotations

import os

from xats.base import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACES = {"pid": "pid", "user": "user", "mnt": "mount"}
RULES = {"NoNewPrivs": "no_new_privs", "Seccomp": "a seccomp filter", "Seccomp_filters": "more seccomp filters"}


def stricter(pid: int) -> str | None:
    """Return in words how the process `pid` is confined where this one is not; None if it is not confined more.

    The words continue "it": "runs in another mount namespace". A process that cannot be read counts as confined.
    """
    if not process.LINUX:
        return None
    theirs, ours = _status(pid), _status("self")
    if not theirs:
        return "cannot be read in /proc"
    if len(theirs.get("NSpid", "").split()) > 1:
        return "runs in another pid namespace"
    for name, words in NAMESPACES.items():
        here, there = _namespace("self", name), _namespace(pid, name)
        # A setgid program hides its links from its own user. Its status and its user ids can be read all the same.
        same = there == here if there else name != "user" or _users(pid) == _users("self")
        if not same:
            return f"runs in another {words} namespace"
    for name, words in RULES.items():
        if _number(theirs, name) > _number(ours, name):
            return f"runs under {words}, which this process does not"
    return None


def _namespace(pid: int | str, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/{name}")
    except OSError:
        return ""


def _status(pid: int | str) -> Mapping[str, str]:
    """Return the fields of /proc/PID/status, {} if it cannot be read."""
    lines = (line.partition(":") for line in _text(f"/proc/{pid}/status").splitlines())
    return {name: value.strip() for name, _, value in lines}


def _users(pid: int | str) -> list[str]:
    """Return how the user ids of the namespace of `pid` are mapped, see user_namespaces(7)."""
    return _text(f"/proc/{pid}/uid_map").split()


def _number(fields: Mapping[str, str], name: str) -> int:
    value = fields.get(name, "")
    return int(value) if value.isdigit() else 0


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
