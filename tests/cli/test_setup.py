"""`xats setup`: what it would change, one question, hooks and agents and a first mail, and nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile

import pytest

from tests.cli.test_client_find import Site
from tests.support.dump import every_row
from tests.support.world import until

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")

HOOKED = ("claude-code", "codex", "gemini", "opencode")
STEPS = """\
xats would:
  add hooks of claude-code: {home}/.claude/settings.json
  add hooks of codex: {home}/.codex/hooks.json
  add hooks of gemini: {home}/.gemini/settings.json
  add hooks of opencode: {home}/.config/opencode/plugins/xats.js
"""


@pytest.fixture
def site(xats):
    """Four agent programs in PATH, of which codex runs in a pane of the project shop."""
    folder = tempfile.mkdtemp(prefix="xu", dir="/tmp")
    made = Site(xats, folder)
    xats.environ["PATH"] = os.pathsep.join((made.bin, os.path.dirname(sys.executable), "/usr/bin", "/bin"))
    xats.environ["SHELL"] = "/bin/sh"
    made.pane = made.open(made.tmux(), "codex", made.project("shop"))
    yield made
    for one in made.servers:
        one.stop()
    shutil.rmtree(folder, ignore_errors=True)


def files(folder) -> dict[str, bytes]:
    """Return {path: content} of every file below `folder`."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as file:
                found[path] = file.read()
    return found


# -- before anything changes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["n\n", "\n", "\x04"])
def test_a_person_is_asked_once_and_may_refuse(site, xats, home, typed):
    shown = xats.on_terminal("setup", typed=typed, code=4)
    assert STEPS.format(home=home) in shown
    assert f"  register the codex in pane {site.pane} in " in shown
    assert "  register you as carol in team crew\n  send you a first message, and show it\n" in shown
    assert shown.count("[y/N]") == 1 and "Nothing was changed." in shown
    assert files(home) == {}


def test_without_a_terminal_it_names_the_command(site, xats, home):
    error = xats("setup", "--json", code=4).error()
    assert error["code"] == "refused"
    assert error["hint"] == "xats setup --yes (or --dry-run to see what it changes)"
    assert files(home) == {}


def test_a_dry_run_shows_each_change(site, xats, home):
    ran = xats("setup", "--dry-run")
    shown = ran.stdout
    assert ran.stderr.startswith("what you can do next:\n  ")
    assert "start an agent in a pane" not in shown
    on_screen = xats.on_terminal("setup", "--dry-run")
    steps, title, advice = on_screen.partition("\nwhat you can do next:\n")
    assert title and "xats would:" in steps and "xats launch" not in steps and "xats launch" in advice
    assert STEPS.format(home=home) in shown
    assert f"+++ {home}/.codex/hooks.json" in shown
    found = xats("setup", "--dry-run", "--json").json()
    assert found["pending"] is True and found["message"] is None
    assert [(one["client"], one["action"], one["written"]) for one in found["hooks"]] == [
        (name, "created", False) for name in HOOKED
    ]
    assert [(one["client"], one["agent"], one["registered_now"]) for one in found["panes"]] == [("codex", None, False)]
    assert files(home) == {}


# -- doing it ----------------------------------------------------------------------------------------------------------


def test_it_ends_with_a_mail_that_arrives(site, xats, home):
    shown = xats.on_terminal("setup", typed="y\n", env={"NO_COLOR": "1"})
    for name in HOOKED:
        assert f"hooks of {name} installed in {home}" in shown
    assert "1 registered\n  codex-1@shop: woken by a line in its pane" in shown
    assert "#1 from carol - just now\n  Subject: xats works\n  | You have sent this message to yourself" in shown
    assert shown.endswith("  see what waits for you: xats\n")
    states = {one["client"]: one["state"] for one in xats("hook", "status", "--json").json()["hooks"] if one["events"]}
    assert states == dict.fromkeys(HOOKED, "installed")
    found = xats("inbox", "--all", "--as", "carol", "--json").json()
    assert found["unread"] == 0 and [one["state"] for one in found["messages"]] == ["read"]
    (pane,) = site.find()["panes"]
    assert (pane["agent"], pane["pane"]["pane_id"]) == ("codex-1@shop", site.pane)


def test_a_second_run_changes_nothing_and_asks_nothing(site, xats, home):
    xats.on_terminal("setup", "--yes")
    before, stored = files(home / ".claude"), every_row(xats.path)
    assert "nothing to do: everything is set up\n" in xats.on_terminal("setup")
    found = xats("setup", "--json", "--as", "carol").json()
    assert (found["pending"], found["message"]) == (False, 1)
    assert files(home / ".claude") == before
    assert every_row(xats.path) == stored


def test_what_is_missing_is_done_later(site, xats, home):
    xats.on_terminal("setup", "--yes")
    os.remove(home / ".codex" / "hooks.json")
    store = sqlite3.connect(xats.path)
    store.execute(
        "update deliveries set state = 'unread', read_at = null"
    )  # as if it had ended before the mail was read
    store.commit()
    store.close()
    found = xats("setup", "--yes", "--as", "carol", "--json").json()
    assert [one["client"] for one in found["hooks"] if one["written"]] == ["codex"]
    assert found["message"] == 1
    (letter,) = xats("inbox", "--all", "--as", "carol", "--json").json()["messages"]
    assert (letter["id"], letter["state"]) == (1, "read")


def test_a_script_gets_hooks_and_is_told_why_no_mail_comes(site, xats):
    ran = xats("setup", "--yes")
    assert ran.stdout.count(" installed in ") == 4
    assert "no first mail: Nothing here shows which agent you are. To get it: xats register NAME" in ran.stderr.replace(
        "\n  ", " "
    )
    assert xats("setup").stderr.startswith("nothing to do")


def test_a_file_that_cannot_be_changed_stops_only_itself(site, xats, home):
    os.makedirs(home / ".gemini")
    (home / ".gemini" / "settings.json").write_text("{ no json")
    ran = xats("setup", "--yes", code=1)
    assert "xats: warning: no hooks for gemini: " in ran.stderr
    assert ran.stdout.count(" installed in ") == 3
    found = json.loads(xats("setup", "--json", code=1).stdout)
    (problem,) = [one for one in found["hooks"] if one["problem"]]
    assert problem["client"] == "gemini" and problem["problem"]["code"]
    assert (home / ".gemini" / "settings.json").read_text() == "{ no json"


def test_a_machine_without_programs_says_so(xats, home):
    xats.environ["PATH"] = os.pathsep.join((os.path.dirname(sys.executable), "/usr/bin", "/bin"))
    xats.environ["TMUX_TMPDIR"] = str(home)
    shown = xats.on_terminal("setup", "--yes")
    assert "no agent program found in PATH or in a tmux pane: install one, and run this" in shown
    assert "  Subject: xats works\n" in shown


def test_ctrl_c_leaves_whole_steps_and_a_second_run_does_the_rest(site, xats, home):
    xats.store().close()
    held = sqlite3.connect(xats.path)
    held.execute("begin immediate")  # it waits before it registers the agent
    running = xats.start("setup", "--yes")
    last = home / ".config" / "opencode" / "plugins" / "xats.js"
    until(last.exists)
    until(lambda: xats.asleep(running))
    running.send_signal(signal.SIGINT)
    ran = xats.end(running)
    held.rollback()
    held.close()
    assert ran.code == 130
    assert ran.stderr.endswith("stopped; what is done stays done. To do the rest: xats setup\n")
    json.loads((home / ".claude" / "settings.json").read_text())
    assert site.agents() == {}
    shown = xats.on_terminal("setup", typed="y\n")
    assert "add hooks" not in shown and "codex-1@shop" in shown and "Subject: xats works" in shown


@pytest.mark.parametrize("shell, line", [("bash", "source "), ("zsh", "fpath+=("), ("fish", "source ")])
def test_the_line_for_completions_is_named_until_it_is_there(site, xats, home, shell, line):
    share = os.path.join(sys.prefix, "share")
    if not os.path.exists(os.path.join(share, "bash-completion", "completions", "xats")):
        pytest.skip("the completions are not installed beside this Python")
    xats.environ["SHELL"] = f"/bin/{shell}"
    shown = xats.on_terminal("setup", "--dry-run").partition("add to ")[2].splitlines()
    assert shown[1].startswith(f"    {line}{share}")
    rc = home / shown[0].removeprefix("~/").partition(",")[0].rstrip(":")
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text(shown[1].strip() + "\n")
    assert "add to " not in xats.on_terminal("setup", "--dry-run")
