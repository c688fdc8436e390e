"""A daemon in this process, with a script in place of Claude Code's inbox."""

import sys
import threading
from contextlib import contextmanager

from xats.daemon.loop import Daemon
from xats.delivery.settings import Settings


@contextmanager
def daemon(team, script, monkeypatch):
    """Run a daemon for the store of `team`, which hands its wakes to `script`."""
    monkeypatch.setitem(sys.modules, "xats.delivery.transports.claude_inbox", script)
    made = Daemon(team.store.path, Settings())
    running = threading.Thread(target=made.run)
    running.start()
    try:
        yield
    finally:
        made.end()
        running.join()
