"""The PostgreSQL server of the tests ends with the last process that uses it, however that one ends."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.support import postgres as servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
USER = """
import signal, sys
from tests.support import postgres
server = postgres.shared(sys.argv[1])
print(server.folder, server.process().pid, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_server_ends_with_its_last_user(postgres, tmp_path, until, how):
    users = [
        subprocess.Popen([sys.executable, "-c", USER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        first, second = (one.stdout.readline().split() for one in users)
        assert first == second  # they share it
        folder, server = first[0], psutil.Process(int(first[1]))
        users[0].send_signal(how)
        users[0].wait(30)
        assert not servers.ended(server)
        users[1].send_signal(how)
        until(lambda: servers.ended(server) and not os.path.exists(folder), 30)
    finally:
        for one in users:
            one.kill()
            one.wait(30)
            one.stdout.close()
