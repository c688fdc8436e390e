"""One minute of everything at once. For more: python -m tests.soak --minutes 10."""

import shutil

import pytest

from tests.soak.soak import Soak


@pytest.mark.soak
def test_a_minute_of_everything():
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    soak = Soak(60, seed=7)
    try:
        soak.run()
        violations, summary = soak.violations(), soak.summary()
        assert violations == [], summary
        assert summary["messages"] > 15, summary
        assert summary["submissions"] > 10, summary
    finally:
        soak.close()
