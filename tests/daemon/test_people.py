"""People in tmux are told once: of new mail, and of an agent that waits for them. Nothing is typed."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from tests.support.viewer import Viewer
from tests.support.world import until
from xats.base import host, process
from xats.identity import places

STATUS = "unread=(#{@xats_unread}) waiting=(#{@xats_waiting})"


class Desk:
    """A tmux server in which kim types, and the terminals that are attached to it."""

    def __init__(self, world) -> None:
        self.world, self.tmux = world, world.tmux()
        self.tmux.cmd("set-option", "-g", "status-right", STATUS)
        self.tmux.cmd("set-option", "-g", "status-right-length", "60")
        self.shell = self.open()
        self.viewers: list[Viewer] = []
        self.files = 0

    def open(self, **env) -> str:
        """Open a pane with kim's shell; return its id."""
        env = {**self.world.env, "USER": "kim", "PS1": "", "ENV": "", **env}
        words = [f"{name}={value}" for name, value in env.items()]
        keep = 'TMUX="$TMUX" TMUX_PANE="$TMUX_PANE"'
        return self.tmux.open(f"cd {self.world.folder}; exec env -i {keep} TERM=screen {shlex.join(words)} sh -i")

    def type(self, *words: str, pane: str | None = None) -> str:
        """Let kim type `xats words`; return what it prints."""
        self.files += 1
        path = os.path.join(self.world.folder, f"typed-{self.files}")
        line = f"{shlex.join([sys.executable, '-m', 'xats', *words])} 2>{path}.new; mv {path}.new {path}"
        self.tmux.cmd("send-keys", "-t", pane or self.shell, "-l", line)
        self.tmux.cmd("send-keys", "-t", pane or self.shell, "Enter")
        until(lambda: os.path.exists(path), what=f"the end of xats {words}")
        with open(path) as file:
            return file.read()

    def attach(self, pane: str | None = None) -> Viewer:
        """Attach a terminal to the session of `pane`; None: of kim's shell."""
        viewer = Viewer(
            self.tmux.socket, self.tmux.cmd("display-message", "-p", "-t", pane or self.shell, "#{session_id}")
        )
        self.viewers.append(viewer)
        until(lambda: viewer.name in self.tmux.cmd("list-clients", "-F", "#{client_name}"))
        return viewer

    def option(self, name: str) -> str:
        return self.tmux.cmd("show-options", "-gqv", name)

    def close(self) -> None:
        for viewer in self.viewers:
            viewer.close()


@pytest.fixture
def desk(world):
    made = Desk(world)
    world.register("alice")
    yield made
    made.close()


def line(count: int, team: str = "t") -> bytes:
    return f"xats: {count} new from alice in team {team} - run: xats inbox".encode()


def test_a_person_is_told_on_every_terminal_once(world, desk):
    said = desk.type("inbox")
    assert "you are kim in team t from now on" in said
    assert "tmux shows a line when mail comes" in said
    elsewhere = desk.tmux.compose()
    one, two = desk.attach(), desk.attach(elsewhere.pane)
    world.daemon()
    number = world.send("kim")
    one.wait_for(line(1))
    two.wait_for(line(1))
    until(lambda: desk.option("@xats_unread") == "1")
    one.type("\r")  # any key ends the line; the status line is back
    one.wait_for(b"unread=(1)")
    before = len(one.read())
    world.xats("send", "kim", "more", "--no-wake", "--as", "alice")
    until(lambda: desk.option("@xats_unread") == "2")
    assert b"new from" not in one.read()[before:]
    world.send("kim", "third")
    one.wait_for(line(3))
    assert elsewhere.untouched()
    delivery = world.json("status", str(number), "--as", "alice")["deliveries"][0]
    assert (delivery["state"], delivery["wake"]["reason"]) == ("unread", "no_wake")
    desk.type("inbox")
    until(lambda: desk.option("@xats_unread") == "")
    assert "@xats" not in desk.tmux.cmd("show-options", "-g").replace(STATUS, "")


def test_without_a_terminal_a_person_is_told_when_one_is_attached(world, desk):
    desk.type("inbox")
    world.send("kim")
    world.xats("deliver", "--once")
    assert desk.option("@xats_unread") == "1"
    viewer = desk.attach()
    world.xats("deliver", "--once")
    viewer.wait_for(line(1))


def test_another_daemon_does_not_tell_it_again(world, desk):
    desk.type("inbox")
    viewer = desk.attach()
    world.send("kim")
    world.xats("deliver", "--once")
    viewer.wait_for(line(1))
    viewer.type("\r")
    viewer.wait_for(b"unread=(1)")
    before = len(viewer.read())
    world.xats("deliver", "--once")
    desk.tmux.cmd("display-message", "-c", viewer.name, "later")  # what comes after it would show that it did come
    viewer.wait_for(b"later")
    assert b"new from" not in viewer.read()[before:]


def test_a_person_follows_to_another_server(world, desk):
    desk.type("inbox")
    first, desk.tmux = desk.tmux, world.tmux("other")
    desk.shell = desk.open()
    desk.type("inbox", "--peek")
    found = {(one.socket, one.pid) for one in places.servers(world.path)}
    assert found == {(first.socket, first.pid), (desk.tmux.socket, desk.tmux.pid)}
    first.stop()
    assert [one.socket for one in places.servers(world.path)] == [desk.tmux.socket]
    viewer = desk.attach()
    world.send("kim")
    world.xats("deliver", "--once")
    viewer.wait_for(line(1))


def test_two_teams_are_named_and_counted_together(world, desk):
    desk.type("inbox")
    world.xats("register", "alice", "--no-pane", XATS_TEAM="shop")
    desk.type("inbox", "--team", "shop")
    viewer = desk.attach()
    world.send("kim")
    world.xats("send", "kim", "hi", "--as", "alice", XATS_TEAM="shop")
    world.xats("deliver", "--once")
    viewer.wait_for(line(1) + b" | " + line(1, "shop")[:12])
    assert desk.option("@xats_unread") == "2"


@pytest.mark.parametrize("how", ["none", "paused", "gone"])
def test_a_person_who_does_not_want_to_be_told_is_not(world, desk, how):
    desk.type("inbox")
    viewer = desk.attach()
    if how == "none":
        assert "tmux" not in desk.type("register", "kim", "--wake", "none")
        assert "tmux" not in desk.type("register", "kim")  # it keeps that
    world.send("kim")
    if how == "paused":
        world.xats("pause", "kim", "--as", "alice")
    if how == "gone":
        world.xats("unregister", "kim", "--force", "--as", "alice")
    world.xats("deliver", "--once")
    assert desk.option("@xats_unread") == ("1" if how == "paused" else "")
    desk.tmux.cmd("display-message", "-c", viewer.name, "later")
    viewer.wait_for(b"later")
    assert b"new from" not in viewer.read()
    if how == "paused":
        world.xats("resume", "kim", "--as", "alice")
        world.xats("deliver", "--once")
        viewer.wait_for(line(1))


def test_a_person_with_a_pane_is_told_too(world, desk):
    """So is one whose name is not the login name."""
    assert "tmux shows a line when mail comes" in desk.type("register", "zoe", "--yes")
    viewer = desk.attach()
    world.send("zoe")
    world.xats("deliver", "--once")
    viewer.wait_for(line(1))
    assert not os.path.exists(f"{world.path}-people")


def test_a_person_who_has_exported_their_name_is_told_too(world, desk):
    world.register("pat", None, "--client", "human")
    world.register("zoe", None, "--client", "human")
    viewer = desk.attach()
    desk.type("inbox", pane=desk.open(XATS_AGENT="pat"))
    desk.type("inbox", "--as", "zoe")  # kim looks into the mail of zoe
    [ids] = places.servers(world.path).values()
    assert [row["id"] for row in world.rows("select id from agents where name = 'pat'")] == sorted(ids)
    world.send("pat")
    world.xats("deliver", "--once")
    viewer.wait_for(line(1))


def test_a_person_outside_tmux_is_as_before(world):
    """Without a server, tmux is not run at all."""
    world.register("alice")
    world.register("kim", None, "--client", "human")
    world.send("kim")
    fake = world.fake_tmux('echo "$@" >>"$T/calls"')
    world.xats("deliver", "--once", **fake)
    assert not world.noted("calls")


# -- agents that wait --------------------------------------------------------------------------------------------------


@pytest.fixture
def bob(world, desk):
    """bob runs Claude Code in a pane, and its hooks report to xats: `bob(event)`."""
    pane = desk.tmux.compose()
    world.register("bob", pane, "--client", "claude-code", "--force-client", CLAUDE_CODE_SESSION_ID="s1")
    world.write("update sessions set client_session = 's1' where agent_id = (select id from agents where name = 'bob')")

    def hook(name: str) -> None:
        event = {"session_id": "s1", "cwd": world.folder, "hook_event_name": name, "tool_name": "Bash", "prompt": "go"}
        subprocess.run(
            [sys.executable, "-m", "xats", "hook", "run", "claude-code"],
            input=json.dumps(event),
            env=world.env,
            text=True,
            check=True,
            timeout=60,
        )

    hook.pane = pane
    hook("UserPromptSubmit")
    return hook


def test_an_agent_that_waits_for_a_person_is_announced_once(world, desk, bob):
    desk.type("inbox")
    viewer, inside = desk.attach(), desk.attach(bob.pane.pane)
    world.daemon()
    bob("PermissionRequest")
    window = desk.tmux.cmd("display-message", "-p", "-t", bob.pane.pane, "#{session_name}:#{window_index}")
    asks = f"xats: bob of team t waits for your answer in window {window}".encode()
    viewer.wait_for(asks)
    viewer.type("\r")
    viewer.wait_for(b"waiting=(1)")
    assert asks not in inside.read()  # that person sees the question itself
    before = len(viewer.read())
    world.send("kim")
    viewer.wait_for(line(1))
    assert asks not in viewer.read()[before:]
    bob("PostToolUse")
    until(lambda: desk.option("@xats_waiting") == "")
    before = len(viewer.read())
    bob("PermissionRequest")
    until(lambda: asks in viewer.read()[before:])


def test_a_person_who_gets_notices_hears_of_it_too(world, desk, bob):
    """Their mail comes by a wake, and is not shown twice."""
    desk.type("register", "kim", "--wake", "notice")
    viewer = desk.attach()
    bob("PermissionRequest")
    world.send("kim")
    world.xats("deliver", "--once")
    viewer.wait_for(b"xats: bob of team t waits for your answer")
    assert world.wake("kim")["state"] == "delivered"
    assert line(1) not in viewer.read()
    assert (desk.option("@xats_unread"), desk.option("@xats_waiting")) == ("", "1")


def test_an_agent_of_another_team_is_not(world, desk, bob):
    world.xats("register", "alice", "--no-pane", XATS_TEAM="shop")
    desk.type("inbox", "--team", "shop")
    viewer = desk.attach()
    bob("PermissionRequest")
    world.xats("send", "kim", "hi", "--as", "alice", XATS_TEAM="shop")
    world.xats("deliver", "--once")
    viewer.wait_for(line(1, "shop"))
    assert b"waits for" not in viewer.read()
    assert desk.option("@xats_waiting") == ""


# -- on the desktop ----------------------------------------------------------------------------------------------------


@pytest.fixture
def notify_send(world):
    """`notify_send(exit)` makes a program of that name; return the PATH with it, and what it was told."""

    def make(code: int):
        folder = os.path.join(world.folder, "bin")
        os.mkdir(folder)
        path, told = os.path.join(folder, "notify-send"), os.path.join(world.folder, "told")
        with open(path, "w") as file:
            file.write(f'#!/bin/sh\nprintf "%s|" "$@" >>"{told}"; exit {code}\n')
        os.chmod(path, 0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}", "XATS_NOTIFY_DESKTOP": "auto"}, told

    return make


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has osascript")
def test_a_program_notifies_the_desktop_once(world, desk, bob, notify_send):
    env, told = notify_send(0)
    desk.type("inbox")
    viewer = desk.attach()
    bob("PermissionRequest")
    world.xats("deliver", "--once")
    viewer.wait_for(b"waits for your answer")
    assert not os.path.exists(told)  # off by default
    bob("PostToolUse")
    world.xats("deliver", "--once")
    bob("PermissionRequest")
    world.send("kim")
    for _ in range(2):
        world.xats("deliver", "--once", **env)
    with open(told) as file:
        words = file.read().split("|")
    assert words[:3] == ["--app-name=xats", "--", "xats"]
    assert words[3].startswith("bob of team t waits for your answer in window ")
    assert words[4:] == [""]


def test_a_wrong_value_of_the_setting_is_off_and_doctor_says_so(world, desk, bob, notify_send):
    env, told = notify_send(0)
    desk.type("inbox")
    viewer = desk.attach()
    bob("PermissionRequest")
    world.xats("deliver", "--once", **{**env, "XATS_NOTIFY_DESKTOP": "on"})
    viewer.wait_for(b"waits for your answer")
    assert not os.path.exists(told)
    checks = world.json("doctor", code=None, XATS_NOTIFY_DESKTOP="on")["checks"]
    [found] = [one for one in checks if one["name"] == "XATS_NOTIFY_DESKTOP"]
    assert (found["state"], found["fix"]) == ("fail", "export XATS_NOTIFY_DESKTOP=auto")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has osascript")
@pytest.mark.parametrize(
    ("program", "start"),
    [("kitty(0.32.2)", b"\x1b]9;"), ("rxvt-unicode 9.31", b"\x1b]777;notify;xats;"), ("XTerm(370)", None)],
)
def test_without_one_the_terminal_does_if_it_can(world, desk, bob, notify_send, program, start):
    env, _ = notify_send(1)
    desk.type("inbox")
    viewer = desk.attach()
    viewer.type(f"\x1bP>|{program}\x1b\\")  # the answer to XTVERSION, which tmux asks for
    until(lambda: desk.tmux.cmd("list-clients", "-F", "#{client_termtype}") == program)
    bob("PermissionRequest")
    world.xats("deliver", "--once", **env)
    viewer.wait_for(b"waits for your answer")
    if start:
        viewer.wait_for(start + b"bob of team t waits for your answer in window ")
    else:
        assert b"\x1b]9" not in viewer.read()
        assert b"\x1b]777" not in viewer.read()


# -- the file of places ------------------------------------------------------------------------------------------------


def test_a_file_that_says_nonsense_is_not_believed(tmp_path):
    store = str(tmp_path / "xats.db")
    me = process.read(os.getpid())
    good = f"{host.id()} 7 {me.pid} {me.started} /tmp/a socket"
    with open(f"{store}-people", "wb") as file:
        file.write(b"\xff\xfe\n\n1 2\nhere x 2 3 /s\n" + good.encode() + b"\nelsewhere 7 1 1 /s\n")
    assert places.servers(store) == {places.Server("/tmp/a socket", me.pid, me.started): {7}}
    places.note(store, 8, {"TMUX": f"/tmp/b,{me.pid},0"})
    places.note(store, 8, {"TMUX": f"/tmp/b,{me.pid},0"})
    assert {one.socket: ids for one, ids in places.servers(store).items()} == {"/tmp/a socket": {7}, "/tmp/b": {8}}
    for nothing in ({}, {"TMUX": "x"}, {"TMUX": "/tmp/c,999999999,0"}, {"TMUX": f"/tmp/\nd,{me.pid},0"}):
        places.note(store, 9, nothing)
    assert 9 not in set().union(*places.servers(store).values())


def test_the_file_of_another_user_is_not_used(tmp_path):
    store = str(tmp_path / "xats.db")
    precious = tmp_path / "precious"
    precious.write_text("all of it")
    (tmp_path / "xats.db-people").symlink_to(precious)
    assert places.servers(store) == {}
    places.note(store, 8, {"TMUX": f"/tmp/b,{os.getpid()},0"})
    assert precious.read_text() == "all of it"
    assert [one.socket for one in places.servers(store)] == ["/tmp/b"]
