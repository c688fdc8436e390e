"""Errors of locks; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import Refused, Usage


class InvalidLock(Usage):
    """The lock is not valid."""

    code = "invalid_lock"


class LockHeld(Refused):
    """Another agent holds the lock."""

    code = "lock_held"


class LockAwaited(Refused):
    """Other agents wait for the file."""

    code = "lock_awaited"


class LockDeadlock(Refused):
    """The wait would be a deadlock."""

    code = "deadlock"


class LockLost(Refused):
    """Your lock has ended."""

    code = "lock_lost"


class NotHolder(Refused):
    """You do not hold the lock."""

    code = "not_holder"


class LocksHeld(Refused):
    """The agent holds locks."""

    code = "locks_held"
