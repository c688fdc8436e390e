"""What the daemon of a database answers to other processes: see `xats.daemon.server`."""

from __future__ import annotations

from xats.cli.mail import badge
from xats.hooks import remote, wait

ANSWERS = {"hook": remote.answer, "waiter": wait.answer, "badge": badge.answer}
