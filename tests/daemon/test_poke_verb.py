"""`xats poke`: for people only, asked before, and honest about what came of it."""

import json
import os
import pty
import select
import shlex
import subprocess
import sys
import time

import pytest

from tests.support.world import PATIENCE, until
from xats.base import host
from xats.clients import sessions

TEXT = "Please run the tests again"


def fed(world, data, *words):
    """Run `xats words` with `data` on its standard input; return (exit code, stdout, stderr)."""
    command = [sys.executable, "-m", "xats", *words]
    done = subprocess.run(
        command, input=data, env=world.env, cwd=world.folder, capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def on_terminal(world, answer, *words, **env):
    """Run `xats words` on a terminal and give `answer` to its question; return (exit code, all that was shown)."""
    master, slave = pty.openpty()
    made = subprocess.Popen(
        [sys.executable, "-m", "xats", *words],
        env={**world.env, "TERM": "xterm", **env},
        cwd=world.folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown, deadline = b"", time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(master, 65536)
            except OSError:  # the terminal was closed
                break
            if not data:
                break
            asked, shown = b"[y/N]" in shown, shown + data
            if b"[y/N]" in shown and not asked:
                os.write(master, answer)
        return made.wait(10), shown.decode()
    finally:
        if made.poll() is None:
            made.kill()
            made.wait()
        os.close(master)


def pokes(world):
    return [event for event in world.json("events")["events"] if event["type"] == "poked"]


def error(world, *words, code=4, **env):
    out, err = world.xats(*words, "--json", code=code, **env)
    assert (out, err.count("\n")) == ("", 1)
    return json.loads(err)["error"]


# -- it is done --------------------------------------------------------------------------------------------------------


def test_a_persons_script(person, desk):
    out, err = person.xats("poke", "bob", TEXT, "--yes")
    assert (out, err) == (f"typed into {desk.bob.pane}, and bob took it\n", "")
    assert desk.bob.sent == [TEXT]
    [event] = pokes(person)
    assert (event["actor"], event["subject"]) == ("carol", "agent:bob")
    assert event["data"] == {"length": len(TEXT), "outcome": "delivered", "reason": None}
    assert TEXT not in json.dumps(person.json("events"))


def test_as_json(person, desk):
    found = person.json("poke", "bob", "a\x1b[201~b\tc", "--yes")
    assert found == {
        "agent": "bob@t",
        "pane": desk.bob.pane,
        "state": "delivered",
        "reason": None,
        "removed": ["U+001B"],
    }
    assert desk.bob.sent == ["a[201~b    c"]


def test_what_was_taken_out_is_said(person, desk):
    assert person.xats("poke", "bob", "a\x07b", "--yes")[1] == "  removed from the text: U+0007\n"
    assert person.xats("poke", "bob", "a\x07b", "--yes", "--quiet") == ("", "")
    assert desk.bob.sent == ["ab", "ab"]


def test_it_starts_a_stopped_pair_again(person, desk):
    person.send("bob", XATS_HOPS="0")
    assert person.rows("select 1 from deliveries where no_wake_reason = 'hop_limit'")
    person.xats("poke", "bob", TEXT, "--yes")
    assert person.wake()["state"] == "queued"
    assert "pair_resumed" in [event["type"] for event in person.json("events")["events"]]


def test_from_standard_input(person, desk):
    assert fed(person, f"{TEXT}\n".encode(), "poke", "bob", "-", "--yes")[0] == 0
    assert desk.bob.sent == [TEXT]


def test_an_agent_of_another_team(person, desk):
    assert person.xats("poke", "bob@t", TEXT, "--yes", XATS_TEAM="other")[0].endswith("bob@t took it\n")
    assert desk.bob.sent == [TEXT]


def test_it_waits_for_the_agent_if_it_is_told_to(person, desk):
    noisy = desk.compose("--clock")
    person.register("noisy", noisy)
    person.env["XATS_QUIET_MS"] = "900"
    assert error(person, "poke", "noisy", TEXT, "--yes")["reason"] == "not_quiet"
    started = person.start("poke", "noisy", TEXT, "--yes", "--timeout", "30s")
    noisy.fall_quiet()
    assert started.wait(30) == 0
    assert noisy.sent == [TEXT]
    assert [event["data"]["outcome"] for event in pokes(person)] == ["refused", "delivered"]


# -- a dry run ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_prints_what_it_would_type_and_types_nothing(person, desk):
    out, err = person.xats("poke", "bob", "a\x1b[31mb", "--dry-run", "--quiet")
    assert (out, err) == (f"would type into {desk.bob.pane} of bob@t (generic):\n  | a[31mb\n", "")
    found = person.json("poke", "bob", TEXT, "--dry-run")
    assert (found["state"], found["reason"], found["pane"]) == ("ready", None, desk.bob.pane)
    assert desk.bob.untouched()
    assert pokes(person) == []


def test_a_dry_run_says_why_it_would_type_nothing(person, desk):
    found = person.json("poke", "bob", "!rm", "--dry-run")
    assert (found["state"], found["reason"]) == ("refused", "shell_command")
    dead = desk.compose()
    person.register("dead", dead)
    desk.cmd("kill-pane", "-t", dead.pane)
    out, _ = person.xats("poke", "dead", TEXT, "--dry-run")
    assert out.startswith(f"would type nothing into {dead.pane} of dead@t (generic): ")
    assert person.json("poke", "dead", TEXT, "--dry-run")["reason"] == "no_pane"


# -- on a terminal -----------------------------------------------------------------------------------------------------


def test_it_asks_and_shows_where_and_what(person, desk):
    code, shown = on_terminal(person, b"y\n", "poke", "bob", "see \x1b[31mthis\x1b[0m\u202e and that")
    assert code == 0
    assert f"bob@t (generic) in {desk.bob.pane}: idle" in shown
    assert "  | see [31mthis[0m and that" in shown
    assert "removed from the text: U+001B, U+202E" in shown
    assert "\x1b[31m" not in shown
    assert desk.bob.sent == ["see [31mthis[0m and that"]
    assert pokes(person)[0]["actor"] == "carol"


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04", b"yay\n"])
def test_anything_but_yes_is_no(person, desk, answer):
    code, shown = on_terminal(person, answer, "poke", "bob", TEXT)
    assert (code, desk.bob.sent) == (4, [])
    assert "Nothing was typed" in shown
    assert pokes(person) == []


def test_with_yes_it_does_not_ask(person, desk):
    code, shown = on_terminal(person, b"", "poke", "bob", TEXT, "--yes")
    assert (code, desk.bob.sent) == (0, [TEXT])
    assert "[y/N]" not in shown


def test_without_a_terminal_it_must_be_told_yes(person, desk):
    said = error(person, "poke", "bob", TEXT)
    assert (said["code"], said["reason"]) == ("not_typed", "declined")
    assert "--yes" in said["hint"]
    assert desk.bob.untouched()


# -- people only -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*sessions.SESSION_IDS, *sessions.MARKS])
def test_not_from_inside_an_agents_session(person, desk, name):
    assert error(person, "poke", "bob", TEXT, "--yes", **{name: "1"})["code"] == "people_only"
    assert on_terminal(person, b"y\n", "poke", "bob", TEXT, **{name: "1"})[0] == 4
    assert desk.bob.untouched()
    assert pokes(person) == []


def test_not_in_the_name_of_an_agent(person, desk):
    for words, env in ((("--as", "alice"), {}), ((), {"XATS_AGENT": "alice"})):
        assert error(person, "poke", "bob", TEXT, "--yes", *words, **env)["code"] == "people_only"
        assert on_terminal(person, b"y\n", "poke", "bob", TEXT, *words, **env)[0] == 4
    assert desk.bob.untouched()


def test_not_from_an_agents_pane(person, desk):
    place = {"TMUX": f"{desk.socket},{desk.pid},0", "TMUX_PANE": desk.bob.pane}
    assert error(person, "poke", "bob", TEXT, "--yes", **place)["code"] == "people_only"
    assert on_terminal(person, b"y\n", "poke", "bob", TEXT, **place)[0] == 4
    assert desk.bob.untouched()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a script's process is named after its shell")
def test_not_under_an_agent_program_whatever_its_environment(person, desk):
    """It is recognised by its process, and drops every mark that it could have set; one shell stands between."""
    del person.env["XATS_CLIENTS"]
    script = os.path.join(person.folder, "claude")
    poke = shlex.join([sys.executable, "-m", "xats", "poke", "bob", TEXT, "--yes", "--json"])
    with open(script, "w") as file:
        file.write(f"#!/bin/sh\nsh -c {shlex.quote(f'{poke}; exit $?')}\nexit $?\n")
    os.chmod(script, 0o700)
    done = subprocess.run(
        [script], env=person.env, cwd=person.folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 4, done
    said = json.loads(done.stderr)["error"]
    assert said["code"] == "people_only"
    assert "claude-code" in said["message"]
    assert desk.bob.untouched()


def test_not_under_the_process_of_an_agent_that_nobody_knows(person, desk):
    script = os.path.join(person.folder, "robot.py")
    with open(script, "w") as file:
        file.write(
            "import subprocess, sys\n"
            "xats = [sys.executable, '-m', 'xats']\n"
            "sys.exit(subprocess.run([*xats, 'poke', 'bob', 'hi', '--yes', '--json']).returncode)\n"
        )
    started = subprocess.Popen(
        [sys.executable, "-c", f"import time\ninput()\nexec(open({script!r}).read())"],
        env=person.env,
        cwd=person.folder,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    from xats.base import process
    from xats.core.agents import agents, registration
    from xats.store.open import open_store

    store = open_store(person.path)
    seat = agents.Seat(host.id(), started.pid, process.started(started.pid))
    store.write(
        lambda tx: registration.register(tx, "t", "robot", registration.Changes(client="generic"), seat, lambda _: None)
    )
    store.close()
    _, err = started.communicate("\n", timeout=60)
    assert (started.returncode, json.loads(err)["error"]["code"]) == (4, "people_only")
    assert desk.bob.untouched()


def test_a_person_who_is_registered_is_known_by_his_name(person, desk):
    person.register("carol", None, "--client", "human")
    person.xats("poke", "bob", TEXT, "--yes", "--as", "carol")
    assert desk.bob.sent == [TEXT]


# -- it is refused -----------------------------------------------------------------------------------------------------


def test_a_refusal_says_why_and_types_nothing(person, desk):
    desk.cmd("send-keys", "-t", desk.bob.pane, "-l", "half a line")
    until(lambda: "half a line" in desk.text(desk.bob.pane))
    said = error(person, "poke", "bob", TEXT, "--yes")
    assert (said["code"], said["state"], said["reason"]) == ("not_typed", "refused", "draft_present")
    assert (said["agent"], said["pane"], said["removed"]) == ("bob@t", desk.bob.pane, [])
    out, err = person.xats("poke", "bob", TEXT, "--yes", code=4)
    assert out == ""
    assert err.splitlines()[0] == "xats: Nothing was typed at bob: there is a half-written line in its composer."
    assert desk.text(desk.bob.pane).split() == [">", "half", "a", "line"]
    assert desk.cmd("list-buffers") == ""
    assert [event["data"]["reason"] for event in pokes(person)] == ["draft_present"] * 2


def test_the_time_is_over(person, desk):
    desk.cmd("send-keys", "-t", desk.bob.pane, "-l", "half a line")
    until(lambda: "half a line" in desk.text(desk.bob.pane))
    said = error(person, "poke", "bob", TEXT, "--yes", "--timeout", "1s", code=124)
    assert (said["code"], said["reason"]) == ("timed_out", "draft_present")
    assert desk.bob.sent == []


def test_what_will_not_pass_is_not_waited_for(person, desk):
    said = error(person, "poke", "alice", TEXT, "--yes", "--timeout", "1h")
    assert (said["reason"], said["pane"]) == ("no_pane", None)


def test_a_shell(person, desk):
    pane = desk.open("exec env PS1='at-bash$ ' bash --norc --noprofile")
    until(lambda: "at-bash$" in desk.text(pane))
    place = {"TMUX": f"{desk.socket},{desk.pid},0", "TMUX_PANE": "%0"}
    person.xats("register", "shell", "--pane", pane, **place)
    assert error(person, "poke", "shell", "touch /tmp/no", "--yes")["reason"] == "shell_foreground"
    assert desk.text(pane).split() == ["at-bash$"]


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", 2), (b" \n\t\n", 2), (b"\x1b\x07", 2), (b"\xff\xfe", 2), (b"x" * 8193, 2), ("ß".encode() * 4097, 2)],
)
def test_a_text_that_cannot_be(person, desk, data, code):
    ran = fed(person, data, "poke", "bob", "-", "--yes", "--json")
    assert (ran[0], ran[1]) == (code, "")
    assert json.loads(ran[2])["error"]["code"] == "invalid_body"
    assert desk.bob.untouched()


def test_nobody_of_that_name(person, desk):
    assert error(person, "poke", "zoe", TEXT, "--yes", code=3)["code"] == "unknown_agent"


def test_it_went_in_and_was_not_seen_to_be_taken(person, desk):
    dull = desk.compose("--swallow", "100")
    person.register("dull", dull)
    said = error(person, "poke", "dull", TEXT, "--yes", code=1)
    assert (said["code"], said["state"], said["pane"]) == ("unconfirmed", "unconfirmed", dull.pane)
    assert dull.sent == []
    assert pokes(person)[0]["data"]["outcome"] == "unconfirmed"


def test_what_a_killed_poke_left_is_a_draft_that_nobody_sends_off(person, desk):
    ran = person.start("poke", "bob", TEXT, "--yes", XATS_FAULT="paste.after")
    assert ran.wait(30) == -9
    until(lambda: TEXT in desk.text(desk.bob.pane))
    person.send("bob")
    for _ in range(2):
        assert person.json("deliver", "--once", XATS_LADDER="1ms,1ms,1ms")["wakes"][0]["reason"] == "draft_present"
        time.sleep(0.01)
    assert error(person, "poke", "bob", TEXT, "--yes")["reason"] == "draft_present"
    assert desk.bob.sent == []
