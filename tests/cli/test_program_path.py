"""An agent whose PATH has no xats is told the path of the program: at its start, by its hooks, and by its wake."""

import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests.hooks.test_run import event, text_of
from xats.core.agents import agents

BARE = {"PATH": "/usr/bin:/bin"}
PROGRAM = str(Path(sys.executable).parent / "xats")

pytestmark = pytest.mark.skipif(
    shutil.which("xats", path=BARE["PATH"]) is not None or not Path(PROGRAM).exists(),
    reason="xats is in /usr/bin, or is not installed beside this Python",
)


def known(crew, name):
    return crew.see(name, agents.current_session).xats_path


def test_register_keeps_how_its_shell_calls_xats(xats, crew):
    told = xats("register", "dora", "--no-pane", "--client", "generic", env=BARE)
    assert f"xats is not in the PATH of dora, so wakes and hooks name its path: {PROGRAM}" in told.stderr
    assert known(crew, "dora") == PROGRAM
    told = xats("register", "dora", "--no-pane", "--client", "generic")
    assert "PATH" not in told.stderr
    assert known(crew, "dora") == "xats"


def test_a_person_is_not_bothered_with_it(xats, crew):
    told = xats("register", "kim", "--no-pane", "--client", "human", env=BARE)
    assert "PATH" not in told.stderr


def test_a_path_that_cannot_be_pasted_is_warned_of(xats, crew, tmp_path):
    folder = tmp_path / ("d" * 190)
    folder.mkdir()
    ran = xats.run([sys.executable, "-c", AS_PROGRAM, xats.install(folder)], env=BARE)
    assert b"too long or too unusual to be pasted. Try: export PATH=" in ran.stderr


AS_PROGRAM = """
import sys
sys.argv = [sys.argv[1], "register", "dora", "--no-pane", "--client", "generic"]
from xats.__main__ import main
sys.exit(main())
"""


# -- the hooks ---------------------------------------------------------------------------------------------------------


def test_hooks_name_the_path_where_there_is_no_xats(xats, crew):
    agent = {"XATS_AGENT": "dora", **BARE}
    start = event("claude-code", "session start", "s1", source="startup")
    said = text_of(xats("hook", "run", "claude-code", stdin=start, env=agent).stdout)
    for words in ("inbox", "agents", "send NAME 'text'", "reply ID - <<'EOF'"):
        assert f"{PROGRAM} {words}" in said
    crew.send("bob", "dora", "a question", need_reply=True)
    crew.send("bob", "dora", "x" * 9000)
    prompt = event("claude-code", "prompt", "s1", prompt="go on")
    said = text_of(xats("hook", "run", "claude-code", stdin=prompt, env=agent).stdout)
    assert f"needs a reply: {PROGRAM} reply 1 '...'" in said
    assert f"read it with: {PROGRAM} show 2" in said
    assert "run: xats" not in said


def test_a_start_with_xats_in_the_path_names_it_again(xats, crew):
    for environ, name in ((BARE, PROGRAM), ({}, "xats")):
        start = event("claude-code", "session start", "s1", source="clear")
        said = xats("hook", "run", "claude-code", stdin=start, env={"XATS_AGENT": "dora", **environ}).stdout
        assert f"to look: {name} inbox" in text_of(said)


# -- the wake ----------------------------------------------------------------------------------------------------------


def test_a_wake_names_the_path(xats, crew):
    """What a program of the user's is told holds the line that would be pasted."""
    xats("register", "dora", "--no-pane", "--client", "generic", "--wake", "command", env=BARE)
    told = xats.folder / "told"
    script = xats.folder / "wake"
    script.write_text(f"#!/bin/sh\nexec cat >{shlex.quote(str(told))}\n")
    script.chmod(0o700)
    crew.send("bob", "dora", "text")
    xats("deliver", "--once", env={"XATS_WAKE_COMMAND": str(script)})
    assert json.loads(told.read_text())["line"] == f"xats: 1 new from bob - run: {PROGRAM} inbox"


# -- doctor ------------------------------------------------------------------------------------------------------------


def test_doctor_names_who_does_not_find_xats(xats, crew):
    xats("register", "dora", "--no-pane", "--client", "generic", env=BARE)
    checks = {one["name"]: one for one in json.loads(xats("doctor", "--json", code=None).stdout)["checks"]}
    assert checks["PATH"]["state"] == "ok"
    found = checks["PATH of dora@crew"]
    assert found["state"] == "warn"
    assert PROGRAM in found["detail"]
    assert found["fix"].startswith(f"export PATH={Path(PROGRAM).parent}:$PATH")
    assert "PATH of alice@crew" not in checks  # of whom nothing is known
    assert "PATH" in xats("doctor", "-q", env=BARE, code=None).stdout
