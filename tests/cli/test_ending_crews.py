"""`xats up` and `xats down` at odd moments: interrupted, and before the program is ready."""

import shutil
import signal
from types import SimpleNamespace

import pytest

from tests.support.places import staged
from tests.support.world import until
from xats.base import process
from xats.cli.crews.start import why_untyped

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")


@pytest.fixture
def stage(xats, tmp_path):
    with staged(xats, tmp_path) as made:
        yield made


def test_an_interrupted_end_leaves_a_program_that_runs(stage, xats):
    """Otherwise it would be "being ended" for ever, and no crash of it would count."""
    stage.run("launch claude --name bob --window")
    found = stage.start()
    down = xats.start("down", "bob")
    until(lambda: "/exit" in stage.got(found.pid), what="the command that ends it")
    assert stage.start().state == "stopping"
    down.send_signal(signal.SIGINT)
    assert down.wait() == 130
    assert stage.start().state == "running"
    assert process.alive(*found.process)
    assert "bob stopped" in xats("down", "bob", "--force").stdout


def test_a_program_is_ended_by_a_signal_before_it_is_ready(stage, xats):
    (xats.folder / "xats.toml").write_text('[agents.bob]\nprogram = ["tail", "-f", "/dev/null"]\n')
    xats("trust")
    up = xats.start("up", env=stage.around)
    found = until(lambda: (one := stage.start()) and one.process and one, what="the start of bob")
    assert found.state == "starting"
    assert "bob stopped" in xats("down", "bob", "--force").stdout
    assert process.ended(*found.process)
    assert up.wait() == 1
    assert stage.start().state == "stopped"


def test_a_first_prompt_that_cannot_be_typed_says_why(stage, xats):
    program = """["sh", "-c", "printf '> '; exec tail -f /dev/null"]"""
    (xats.folder / "xats.toml").write_text(f'[agents.bob]\nprogram = {program}\nprompt = "one\\ntwo"\n')
    xats("trust")
    up = xats.start("up", env=stage.around)
    found = until(lambda: (one := stage.start()) and one.state == "running" and one, what="bob")
    up.send_signal(signal.SIGINT)
    assert up.wait() == 130
    assert found.prompt == "pending"
    store = xats.store()
    try:
        said = why_untyped(SimpleNamespace(environ=xats.environ, store=store), found)
    finally:
        store.close()
    assert "only one line is allowed" in said
