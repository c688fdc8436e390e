"""The stage of the demo: a tmux server of its own with panes in it, in any locale."""

import os
import shutil
import tempfile

import pytest

from tests.delivery.conftest import until
from xats.tmux.stage import Stage


@pytest.fixture
def folder():
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    made = tempfile.mkdtemp(prefix="xs", dir="/tmp")  # short: the path of a socket has 104 bytes
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("locale", ["C.UTF-8", "C", None])
def test_a_stage_has_panes_that_are_typed_into_and_read(folder, monkeypatch, locale):
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    if locale:
        monkeypatch.setenv("LC_ALL", locale)
    stage = Stage(os.path.join(folder, "s"), {"PATH": os.environ["PATH"], "TMUX_PANE": "%7", "WHO": "bob"}, 60, 10)
    try:
        first = stage.open("printf '> '; exec cat")
        second = stage.open("echo $WHO ${TMUX_PANE:-none}; exec cat")
        assert first != second
        stage.type(first, "grüße Enter; -x")
        assert until(lambda: (seen := stage.screen(first))[-1] == "grüße Enter; -x" and seen)
        assert until(lambda: (seen := stage.screen(second))[0] == f"bob {second}" and seen)
        assert os.environ.get("LC_ALL") == locale
        assert stage.server.cmd("list-panes", "-a", "-F", "#{pane_id}").stdout == [first, second]
    finally:
        stage.close()
    assert not stage.server.is_alive()
