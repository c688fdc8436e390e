"""The demo, which is the first command of the README, comes to its end."""

import os
import shutil
import subprocess
import sys

from tests.conftest import clean


def test_the_demo_ends_well_and_shows_a_refused_and_a_delivered_wake(tmp_path):
    path = f"{os.path.dirname(shutil.which('tmux') or '')}:{os.defpath}"  # without the xats of this checkout
    done = subprocess.run(
        [sys.executable, "-m", "xats", "demo"],
        env={**clean(os.environ), "HOME": str(tmp_path), "PATH": path, "COLUMNS": "80"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "retrying (not_quiet)" in done.stdout
    assert "wake_delivered" in done.stdout
    assert "run: xats inbox" in done.stdout  # its agents find xats by its name
    assert "AGENT  MAIL" in done.stdout  # the commands show what a terminal shows
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert not [file for file in tmp_path.rglob("*") if "xats" in file.name]
