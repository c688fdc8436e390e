"""One file makes a new agent program known: its process, hooks, launch, inbox and composer, as `made_up.py` shows."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xats
from tests import support
from tests.support.world import until

ROOT = Path(xats.__file__).resolve().parent
HERE = Path(__file__).parent
LINE = "xats: 1 new from alice - run: xats inbox"


@pytest.fixture
def extended(world):
    """A world whose xats has one file more; what follows from it is generated, as `make generate` does."""
    lib = Path(world.folder) / "lib"
    shutil.copytree(ROOT, lib / "xats", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(support.FOLDER) / "made_up.py", lib / "xats" / "clients")
    world.env |= {"PYTHONPATH": str(lib), "HOME": world.home, "XATS_HOME": world.home}
    os.makedirs(world.home, mode=0o700)
    subprocess.run([sys.executable, str(ROOT.parent / "tools" / "programs.py")], env=world.env, check=True, cwd=lib)
    assert differing(ROOT, lib / "xats") == {"base/programs.py", "clients/made_up.py"}
    return world


def differing(one: Path, other: Path, under: str = "") -> set[str]:
    """Return which files two folders do not have in common."""
    found = filecmp.dircmp(one, other, ignore=["__pycache__"])
    names = {under + name for name in (*found.left_only, *found.right_only, *found.diff_files)}
    for name in found.common_dirs:
        names |= differing(one / name, other / name, f"{under}{name}/")
    return names


def tell(world, event, **more):
    """Run the hooks of `event` as the program would, by the command line that its settings hold; return the answer."""
    with open(os.path.join(world.home, ".made-up", "hooks.json")) as file:
        [entry] = json.load(file)["hooks"][event]
    assert set(entry) <= {"execute", "matcher"}
    told = json.dumps({"hook_event_name": event, "session_id": "m1", "cwd": world.folder, **more})
    ran = subprocess.run(
        ["/bin/sh", "-c", entry["execute"]],
        input=told,
        env={**world.env, "XATS_AGENT": "carol"},
        cwd=world.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr == ""
    return json.loads(ran.stdout) if ran.stdout else None


def test_it_is_known_by_its_name(extended):
    named = [one["name"] for one in extended.json("client", "list")["clients"]]
    assert "made-up" in named and "codex" in named
    assert extended.json("hook", "status", "made-up")["hooks"][0]["state"] == "absent"


def test_its_hooks_are_installed_and_answered_in_its_own_words(extended):
    extended.register("alice")
    extended.xats("hook", "install", "made-up", "--yes")
    extended.register("carol", None, "--client", "made-up")
    started = tell(extended, "begin")
    assert started["at"] == "begin" and "You are carol@t" in started["note"]
    assert tell(extended, "ask", prompt="hello") is None
    number = extended.send("carol", "The parser is ready")
    handed = tell(extended, "ask", prompt="hello")
    assert handed["at"] == "ask" and f"Mail #{number} from alice@t" in handed["note"]
    extended.send("carol", "And the lexer")
    assert "And the lexer" in tell(extended, "rest")["again"]
    assert not os.path.exists(f"{extended.path}-hooks.log")
    extended.xats("hook", "uninstall", "made-up", "--yes")
    assert not os.path.exists(os.path.join(extended.home, ".made-up", "hooks.json"))


def test_it_is_launched_with_its_hooks(extended):
    folder = os.path.join(extended.folder, "bin")
    os.mkdir(folder)
    with open(os.path.join(folder, "made-up"), "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod(os.path.join(folder, "made-up"), 0o700)
    path = f"{folder}:{os.environ['PATH']}"
    found = json.loads(extended.xats("launch", "made-up", "--print", "--json", "--", "-v", PATH=path)[0])
    assert found["command"][:2] == [os.path.join(folder, "made-up"), "--hooks"]
    assert list(json.loads(found["command"][2])["hooks"]) == ["begin", "ask", "rest"]
    assert found["command"][3:] == ["-v"]


@pytest.fixture
def pane(extended):
    """bob, who is found out to be a made-up, in a real tmux; alice writes to him."""
    script = os.path.join(extended.folder, "made-up.py")
    shutil.copy(Path(support.FOLDER) / "composer.py", script)
    tmux = extended.tmux()
    made = tmux.compose("--prompt", "made> ", script=script)
    extended.register("alice")
    extended.register("bob", made)
    assert extended.json("agent", "show", "bob")["agent"]["client"] == "made-up"
    return made


def attempt(world, **env):
    """Make one attempt to wake bob; return its state, its reason and what was seen."""
    [found] = world.json("deliver", "--once", **env)["wakes"]
    return found["state"], found["reason"]


def test_a_line_is_pasted_into_its_empty_composer_alone(extended, pane):
    pane.tmux.cmd("send-keys", "-t", pane.pane, "-l", "half a line")
    until(lambda: "half a line" in pane.tmux.text(pane.pane), what="a draft")
    extended.send("bob")
    seen = extended.json("client", "test", pane.pane, TMUX=f"{pane.tmux.socket},{pane.tmux.pid},0")
    assert (seen["client"], seen["state"], seen["composer"]) == ("made-up", "draft", "half a line")
    assert attempt(extended) == ("refused", "draft_present")
    pane.tmux.cmd("send-keys", "-t", pane.pane, "Enter")
    until(lambda: pane.tmux.text(pane.pane).endswith("made>"), what="an empty composer")
    extended.send("bob")
    extended.write("update wakes set next_attempt_at = 0 where closed_at is null")
    assert attempt(extended) == ("delivered", None)
    assert pane.sent == ["half a line", "xats: 2 new from alice - run: xats inbox"]


def test_a_dialog_is_left_alone(extended):
    script = os.path.join(extended.folder, "made-up.py")
    shutil.copy(Path(support.FOLDER) / "composer.py", script)
    made = extended.tmux().compose("--prompt", "Really? ", script=script)
    extended.register("alice")
    extended.register("bob", made)
    extended.send("bob")
    assert attempt(extended) == ("refused", "dialog_open")
    assert made.untouched()


def test_its_inbox_comes_before_the_paste_and_can_be_turned_off(extended, pane):
    inbox = {"MADE_UP_INBOX": extended.folder}
    extended.write("update sessions set client_session = 'm1' where pane_id = :pane", pane=pane.pane)
    extended.send("bob")
    assert extended.json("deliver", "--once", "--dry-run", **inbox)["wakes"][0]["transport"] == "made-up-inbox"
    off = {**inbox, "XATS_WAKE_OFF": "made-up-inbox"}
    assert extended.json("deliver", "--once", "--dry-run", **off)["wakes"][0]["transport"] == "tmux"
    assert attempt(extended, **inbox)[0] == "delivered"
    with open(os.path.join(extended.folder, "m1.inbox")) as file:
        assert file.read() == f"{LINE}\n"
    assert pane.sent == []


def transports(world):
    """Return the transports that the lists of agents and of panes give for bob, and doctor with other words."""
    shown = world.json("agent", "show", "bob")["agent"]["transports"]
    [listed] = [one["transports"] for one in world.json("agents")["agents"] if one["name"] == "bob"]
    [found] = [one["transports"] for one in world.json("client", "find")["panes"] if one["agent"]]
    checks = world.json("doctor", code=None)["checks"]
    [detail] = [one["detail"] for one in checks if (one["section"], one["name"]) == ("waking", "bob@t")]
    assert shown == listed == found == ([] if detail.startswith("by nothing now") else [detail.partition(":")[0]])
    return shown


@pytest.mark.parametrize(("script", "client"), [("kimi", "kimi-code"), ("cline", "cline"), ("droid", "droid")])
def test_nothing_is_typed_at_a_program_whose_composer_is_not_described(world, script, client):
    """Not even at an empty prompt that waits for a line, in which an unknown program is woken."""
    path = os.path.join(world.folder, f"{script}.py")
    shutil.copy(Path(support.FOLDER) / "composer.py", path)
    made = world.tmux().compose(script=path)
    world.register("alice")
    _, said = world.register("bob", made)
    assert f"does not know yet how the composer of {client} looks, so no line can be typed for it" in said
    assert transports(world) == []
    world.send("bob")
    assert attempt(world) == ("refused", "screen_unknown")
    assert made.untouched()
    os.mkdir(os.path.join(world.folder, "clients"), 0o700)
    with open(os.path.join(world.folder, "clients", f"{client}.toml"), "w") as file:
        file.write('prompts = ["> "]\ncomposer_unknown = false\n')
    world.env["XATS_CLIENTS"] = os.path.join(world.folder, "clients")
    assert transports(world) == ["tmux"]
    world.write("update wakes set next_attempt_at = 0 where closed_at is null")
    assert attempt(world) == ("delivered", None)
    assert made.sent == [LINE]


def test_a_transport_that_breaks_is_a_failure_and_its_wake_is_tried_again(extended, pane):
    extended.write("update sessions set client_session = 'm1' where pane_id = :pane", pane=pane.pane)
    extended.send("bob")
    missing = os.path.join(extended.folder, "missing")
    out, err = extended.xats("deliver", "--once", MADE_UP_INBOX=missing, code=1)
    assert (out, "missing/m1.inbox" in err) == ("", True)
    extended.write("update wakes set lease_until = 1")
    assert attempt(extended, MADE_UP_INBOX=extended.folder)[0] == "delivered"
