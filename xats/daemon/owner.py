"""Whose sessions are those of this host, and whether the owner of something is gone: it is free then."""

from __future__ import annotations

from xats import host, process
from xats.core import hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents import Session
    from xats.store import Tx


def process_gone(session: Session) -> bool:
    """Tell whether the process of `session` has surely ended. On another host nobody can tell."""
    return process.living(session.seat) is False


def settle(tx: Tx) -> int:
    """Bind the sessions of this host that are marked with its name alone; return how many. See xats/core/hosts.py."""
    return hosts.settle(tx, host.id(), host.name(), lambda session: process.sits_here(session.seat) is True)
