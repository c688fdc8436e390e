"""A program that is expected in a pane is registered once it appears there; what ends in vain is reported."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys

import pytest

from tests.support.world import until
from xats.base import process

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")

STAND_IN = """#!/bin/sh
while read -r line; do case $line in run*) eval "${line#run }" ;; esac; done
"""


@pytest.fixture
def desk(world):
    """A pane with a shell in it, in which stand-ins for the agent programs can be started."""
    world.register("alice")
    tmux = world.tmux()
    tmux.bin = os.path.join(world.folder, "bin")
    os.mkdir(tmux.bin)
    for name in ("claude", "codex", "gemini"):
        path = os.path.join(tmux.bin, name)
        with open(path, "w") as file:
            file.write(STAND_IN)
        os.chmod(path, 0o700)
    xats = os.path.join(tmux.bin, "xats")
    with open(xats, "w") as file:
        file.write(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m xats "$@"\n')
    os.chmod(xats, 0o700)
    return tmux


def pane_of(world, tmux) -> str:
    kept = {name: value for name, value in world.env.items() if name.startswith("XATS_")}
    variables = [f"{name}={value}" for name, value in kept.items()]
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = f"PATH={tmux.bin}:{os.environ['PATH']}"
    return tmux.open("exec " + shlex.join(["env", *variables, f"PYTHONPATH={root}", path, "sh"]))


def type_into(tmux, pane, line):
    tmux.cmd("send-keys", "-t", pane, "-l", line)
    tmux.cmd("send-keys", "-t", pane, "Enter")


def is_running(tmux, pane, name):
    """Wait until a program called `name` runs in `pane`."""
    pid = int(tmux.cmd("display-message", "-p", "-t", pane, "#{pane_pid}"))
    until(lambda: any(one.name == name for one in process.descendants(pid)), what=name)


def expect(world, tmux, name, pane, *words, program="codex", **more):
    around = {"TMUX": f"{tmux.socket},{tmux.pid},0", "TMUX_PANE": "%0"}
    return world.xats("register", name, "--pane", pane, "--expect", program, *words, **around, **more)


def agent(world, name) -> dict:
    listed = world.json("agents")
    return next((one for one in listed["agents"] if one["name"] == name), {})


def is_bound(world, name, pane) -> dict:
    def bound():
        one = agent(world, name)
        return one if one.get("pane") and one["pane"]["pane_id"] == pane else None

    return until(bound, what=name)


def events(world, kind) -> list[dict]:
    return [dict(row) for row in world.rows("select * from events where type = :kind order by id", kind=kind)]


# -- filled ------------------------------------------------------------------------------------------------------------


def test_it_is_bound_when_its_program_appears(world, desk):
    world.daemon()
    pane = pane_of(world, desk)
    out, err = expect(world, desk, "bob", pane, "--role", "dev")
    assert out == f"bob expected in team t: codex in pane {pane}, within 2 min\n"
    assert "mail for bob is kept until it is there" in err
    waiting = agent(world, "bob")
    assert (waiting["online"], waiting["pane"], waiting["client"], waiting["role"]) == (False, None, "codex", "dev")
    assert waiting["detail"].startswith(f"expected, codex in {pane}, ")
    assert (waiting["expected"]["client"], waiting["expected"]["pane"]["pane_id"]) == ("codex", pane)
    world.send("bob", "before you were there")
    world.until_wake("bob", reason="no_pane")
    type_into(desk, pane, "codex")
    found = is_bound(world, "bob", pane)
    assert (found["online"], found["expected"], found["unread"]) == (True, None, 1)
    assert world.rows("select * from expectations") == []
    until(lambda: desk.cmd("show-options", "-p", "-v", "-t", pane, "@xats_agent", check=False) == "bob")


def test_without_a_daemon_deliver_binds_it(world, desk):
    pane, ended = pane_of(world, desk), pane_of(world, desk)
    expect(world, desk, "bob", pane)
    expect(world, desk, "cat", ended, "--as", "alice")
    type_into(desk, pane, "codex")
    is_running(desk, pane, "codex")
    desk.cmd("kill-pane", "-t", ended)
    world.xats("deliver", "--once")
    assert (agent(world, "bob")["pane"]["pane_id"], agent(world, "cat")["expected"]["reason"]) == (pane, "pane_gone")


def test_another_program_is_not_it(world, desk):
    world.daemon()
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane)
    type_into(desk, pane, "gemini")
    other = pane_of(world, desk)
    expect(world, desk, "cat", other, program="gemini")
    type_into(desk, other, "gemini")
    is_bound(world, "cat", other)
    assert agent(world, "bob")["pane"] is None and agent(world, "bob")["expected"]["ended_at"] is None


def test_a_program_that_is_there_already_is_registered_at_once(world, desk):
    pane = pane_of(world, desk)
    type_into(desk, pane, "codex")
    is_running(desk, pane, "codex")
    out, _ = expect(world, desk, "bob", pane)
    assert out.startswith("bob registered in team t (codex")
    assert agent(world, "bob")["pane"]["pane_id"] == pane


def test_its_own_command_fills_it(world, desk):
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane)
    type_into(desk, pane, "codex")
    is_running(desk, pane, "codex")
    type_into(desk, pane, "run xats register bob")
    is_bound(world, "bob", pane)
    assert world.rows("select * from expectations") == []


def test_its_own_hook_fills_it(world, desk):
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane, program="claude")
    type_into(desk, pane, "claude")
    is_running(desk, pane, "claude")
    type_into(
        desk, pane, """run echo '{"hook_event_name":"SessionStart","session_id":"s1"}' | xats hook run claude-code"""
    )
    is_bound(world, "bob", pane)
    assert world.rows("select client_session from sessions where ended_at is null and pid is not null")[0][0] == "s1"
    assert world.rows("select * from expectations") == []


def test_a_hook_of_another_program_does_not_fill_it(world, desk):
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane, program="codex")
    type_into(desk, pane, "claude")
    is_running(desk, pane, "claude")
    line = (
        """run echo '{"hook_event_name":"SessionStart","session_id":"s1"}' | xats hook run claude-code; echo DO''NE"""
    )
    type_into(desk, pane, line)
    until(lambda: "DONE" in desk.text(pane))
    assert agent(world, "bob")["pane"] is None


def test_launch_in_the_pane_is_the_agent_that_is_expected(world, desk):
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane)
    type_into(desk, pane, "xats launch codex")
    is_bound(world, "bob", pane)


# -- replaced ----------------------------------------------------------------------------------------------------------


def test_a_later_one_in_the_pane_replaces_the_former_and_says_so(world, desk):
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane)
    _, err = expect(world, desk, "cat", pane)
    assert "bob@t is not expected any more" in err
    assert (agent(world, "bob")["expected"]["reason"], agent(world, "cat")["expected"]["reason"]) == ("replaced", None)
    _, err = expect(world, desk, "cat", pane, "--ttl", "10m")
    assert "this replaces the expectation before it" in err
    said = world.json("register", "dan", "--pane", pane, "--expect", "codex", TMUX=f"{desk.socket},{desk.pid},0")
    assert said["replaced"] == ["cat@t"] and said["expected"]["pane"]["pane_id"] == pane
    assert [one["subject"] for one in events(world, "expectation_replaced")] == ["agent:bob", "agent:cat"]


def test_an_agent_that_moves_to_another_pane_is_expected_there_alone(world, desk):
    first, second = pane_of(world, desk), pane_of(world, desk)
    expect(world, desk, "bob", first)
    expect(world, desk, "bob", second)
    assert [row["pane_id"] for row in world.rows("select pane_id from expectations")] == [second]


def test_another_agent_that_is_registered_in_the_pane_ends_it(world, desk):
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane, "--as", "alice")
    type_into(desk, pane, "codex")
    is_running(desk, pane, "codex")
    type_into(desk, pane, "run xats register eve")
    is_bound(world, "eve", pane)
    bob = agent(world, "bob")
    assert (bob["expected"]["reason"], bob["pane"]) == ("pane_taken", None)
    letter = world.json("inbox", "--as", "alice")["messages"][0]
    assert letter["from"] == "xats@t" and "eve@t" in letter["body"]


# -- in vain -----------------------------------------------------------------------------------------------------------


def test_one_that_expires_is_reported_and_its_mail_is_kept(world, desk):
    world.daemon()
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane, "--ttl", "1s", "--as", "alice")
    world.send("bob", "for later")
    until(lambda: events(world, "expectation_expired"))
    (letter,) = world.json("inbox", "--as", "alice")["messages"]
    assert (letter["from"], letter["subject"]) == ("xats@t", f"bob did not appear: codex in pane {pane}")
    assert "no codex appeared in pane" in letter["body"] and "xats register bob --team t --pane %N" in letter["body"]
    bob = agent(world, "bob")
    assert (bob["unread"], bob["expected"]["reason"]) == (1, "expired")
    assert f"no codex appeared in pane {pane} within 1 s" in bob["detail"]
    type_into(desk, pane, "codex")  # too late: somebody has to say so
    is_running(desk, pane, "codex")
    assert agent(world, "bob")["pane"] is None
    out, _ = expect(world, desk, "bob", pane)
    assert out.startswith("bob registered again") and agent(world, "bob")["expected"] is None


def test_a_pane_that_ends_ends_it(world, desk):
    world.daemon()
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane, "--as", "alice")
    desk.cmd("kill-pane", "-t", pane)
    (event,) = until(lambda: events(world, "expectation_expired"))
    assert '"reason": "pane_gone"' in event["data"].replace('":"', '": "')
    assert world.json("inbox", "--as", "alice")["messages"][0]["subject"].startswith("bob did not appear")


def test_a_pane_with_another_process_is_another_pane(world, desk):
    world.daemon()
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane)
    desk.cmd("respawn-pane", "-k", "-t", pane, f"exec {desk.bin}/codex")
    until(lambda: events(world, "expectation_expired"))
    assert agent(world, "bob")["pane"] is None


def test_without_a_daemon_it_is_over_when_its_time_is(world, desk):
    pane = pane_of(world, desk)
    _, err = expect(world, desk, "bob", pane)
    assert "no daemon runs" in err
    world.write("update expectations set created_at = created_at - 200000, expires_at = expires_at - 200000")
    bob = agent(world, "bob")
    assert bob["detail"].startswith("offline, no codex appeared")
    type_into(desk, pane, "xats launch codex --print; echo DO''NE")
    until(lambda: "DONE" in desk.text(pane))
    assert "bob" not in desk.text(pane).replace("\n", "")
    world.daemon()
    until(lambda: events(world, "expectation_expired"))


def test_doctor_shows_both(world, desk):
    waits, ended = pane_of(world, desk), pane_of(world, desk)
    expect(world, desk, "bob", waits)
    expect(world, desk, "cat", ended)
    world.write(
        "update expectations set created_at = created_at - 200000, expires_at = expires_at - 200000"
        " where agent_id = (select id from agents where name = 'cat')"
    )
    made = world.start("doctor", "--json")
    out, _ = made.communicate(timeout=60)
    found = {one["name"]: one for one in json.loads(out)["checks"] if one["section"] == "waking"}
    assert found["bob@t"]["state"] == "ok" and found["bob@t"]["detail"].startswith(f"codex is expected in pane {waits}")
    assert found["cat@t"]["state"] == "warn" and "xats unregister cat --team t" in found["cat@t"]["fix"]


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, code, says",
    [
        (("--expect", "generic"), 2, "generic names no program"),
        (("--expect", "codx"), 3, "did you mean codex?"),
        (("--expect", "codex", "--ttl", "500ms"), 2, "--ttl must be from 1s to 10m, not '500ms'."),
        (("--expect", "codex", "--ttl", "11m"), 2, "--ttl must be from 1s to 10m"),
        (("--ttl", "1m"), 2, "--ttl needs --expect"),
        (("--expect", "codex", "--client", "codex"), 2, "exclude each other"),
        (("--expect", "codex"), 3, "this command does not run in one"),
        (("--expect", "codex", "--no-pane"), 2, "exclude each other"),
    ],
)
def test_what_cannot_be_expected(world, words, code, says):
    assert says in world.xats("register", "bob", *words, code=code)[1]
    assert not os.path.exists(world.path) or agent(world, "bob") == {}


def test_a_living_agent_and_a_person_are_not_expected(world, desk):
    first, second = pane_of(world, desk), pane_of(world, desk)
    type_into(desk, first, "codex")
    is_running(desk, first, "codex")
    expect(world, desk, "bob", first)
    assert "held by a living process" in expect(world, desk, "bob", second, code=4)[1]
    world.register("kim", None, "--client", "human")
    assert "kim is a person" in expect(world, desk, "kim", second, code=4)[1]


def test_who_is_unregistered_is_not_expected(world, desk):
    pane = pane_of(world, desk)
    expect(world, desk, "bob", pane)
    world.xats("unregister", "bob", "--force")
    assert world.rows("select * from expectations") == []
