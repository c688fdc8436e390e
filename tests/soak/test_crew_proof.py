"""A crew finishes its tasks although programs, the daemon and tmux are killed. For more: python -m tests.soak.crew."""

import shutil

import pytest

from tests.soak.crew import Proof
from tests.support.places import staged


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
def test_a_crew_finishes_its_tasks_whatever_is_killed(xats, tmp_path):
    with staged(xats, tmp_path) as stage:
        proof = Proof(stage, tasks=20, kills=3, seed=7)
        proof.run()
        assert proof.violations() == [], proof.summary()
        assert proof.summary()["looks"] > 10
