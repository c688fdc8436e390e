"""A folder for repositories."""

from __future__ import annotations

import pytest

from tests.support.yard import Yard


@pytest.fixture
def yard(tmp_path):
    made = tmp_path / "yard"
    made.mkdir()
    return Yard(made.resolve())
