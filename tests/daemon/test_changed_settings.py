"""The running daemon goes by the settings files as they are now, and says what it uses."""

import os
import time

import pytest

from tests.support.world import until
from xats.base import host
from xats.daemon import lock, report

OFTEN = ",".join(["500ms"] * 200)
UNSET = {"XATS_QUIET_MS": "", "XATS_LADDER": ""}  # empty is as good as not set


@pytest.fixture
def files(world):
    """The user's settings file, and the folder of a project of the team `t`."""
    made = Files(world)
    world.env["XDG_CONFIG_HOME"] = made.config
    return made


class Files:
    def __init__(self, world):
        self.world = world
        self.config = os.path.join(world.folder, "config")
        self.user = os.path.join(self.config, "xats", "config.toml")
        self.project = os.path.join(world.folder, "repo", "xats.toml")
        for path in (self.user, self.project):
            os.makedirs(os.path.dirname(path))

    def write(self, path, text):
        """Put the file there in one step, as an editor does."""
        with open(f"{path}.new", "w") as file:
            file.write(text)
        os.replace(f"{path}.new", path)

    def own_project(self, team="t", path=None):
        """Note in the store that the project in `path`, the repository by default, is that of `team`."""
        path = path or os.path.join(os.path.dirname(self.project), ".git")
        now = round(time.time() * 1000)
        self.world.write("insert or ignore into teams (name, created_at) values (:team, :now)", team=team, now=now)
        add = "insert into projects (host, path, team, created_at) values (:host, :path, :team, :now)"
        self.world.write(add, host=host.id(), path=path, team=team, now=now)


def settings_of(world):
    said = report.read(world.path, lock.holder(world.path))
    return said and said["settings"]


def test_a_changed_file_counts_in_the_next_round(world, files):
    world.register("alice")
    world.daemon(**UNSET)
    assert until(lambda: settings_of(world) is not None)
    assert settings_of(world) == {}
    files.write(files.user, 'keep = "7d"\n[wake]\nquiet = "5s"\n')
    until(lambda: settings_of(world) == {"XATS_QUIET_MS": "5000", "XATS_KEEP": "604800000ms"})
    assert "settings: wake.quiet is 5s now" in world.log()
    assert "XATS_QUIET_MS=5000" in world.xats("daemon", "status")[0]
    files.write(files.user, '[wake]\nquiet = "5s"\nhops = "many"\n')
    until(lambda: settings_of(world) == {"XATS_QUIET_MS": "5000"})
    assert "settings: keep is 30d now" in world.log()
    assert f"settings: {files.user}:3: wake.hops must be a whole number" in world.log()
    os.unlink(files.user)
    until(lambda: settings_of(world) == {})
    assert "settings: wake.quiet is 2s now" in world.log()


def test_what_the_daemon_has_logged_a_command_still_says(world, files):
    files.write(files.user, "[wake]\nhops = 'x'\n")
    world.register("alice")
    world.register("bob")
    world.daemon()
    assert until(lambda: "config.toml:2: wake.hops must be" in world.log())
    send = ("send", "bob", "hi", "--as", "alice")
    assert "config.toml:2: wake.hops must be" in world.xats(*send)[1]


def test_its_environment_comes_before_the_file(world, files):
    files.write(files.user, '[wake]\nquiet = "5s"\nread_within = "2m"\n')
    world.register("alice")
    world.daemon(XATS_LADDER="")
    until(lambda: settings_of(world) == {"XATS_QUIET_MS": "100", "XATS_READ_WITHIN": "120000ms"})


def test_a_transport_is_turned_off_and_on_while_it_runs(world, desk, files):
    files.write(files.user, '[wake]\noff = ["tmux"]\n')
    world.daemon(XATS_LADDER=OFTEN)
    world.send("bob")
    world.until_wake(last_refusal="turned_off")
    assert desk.bob.sent == []
    files.write(files.user, "[wake]\noff = []\n")
    world.until_wake(state="delivered")
    assert len(desk.bob.sent) == 1


def test_a_project_makes_it_stricter_for_its_team_alone(world, desk, files):
    files.write(files.project, '[wake]\noff = ["tmux"]\n')
    files.own_project()
    other = desk.compose()
    world.register("carol", other, XATS_TEAM="u")
    world.daemon(XATS_LADDER=OFTEN)
    world.send("bob")
    world.until_wake(last_refusal="turned_off")
    world.send("carol@u")
    world.until_wake("carol", state="delivered")
    assert (len(other.sent), desk.bob.sent) == (1, [])
    os.unlink(files.project)
    world.until_wake(state="delivered")
    assert len(desk.bob.sent) == 1


def test_a_round_by_hand_goes_by_the_project_too(world, desk, files):
    files.write(files.project, '[wake]\noff = ["tmux"]\n')
    files.own_project(path=os.path.dirname(files.project))
    world.send("bob")
    assert world.json("deliver", "--once")["wakes"][0]["reason"] == "turned_off"
    assert desk.bob.sent == []


def test_a_project_has_nothing_executed(world, files):
    ran = os.path.join(world.folder, "ran")
    program = os.path.join(os.path.dirname(files.project), "evil")
    with open(program, "w") as file:
        file.write(f"#!/bin/sh\ntouch {ran}\n")
    os.chmod(program, 0o755)
    evil = f'wake.command = "{program}"\ntmux.program = "{program}"\nclients.folder = "{os.path.dirname(program)}"\n'
    files.write(files.project, evil)
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    files.own_project()
    world.daemon()
    world.send("bob")
    world.until_wake(last_refusal="command_failed")
    until(lambda: settings_of(world) is not None)
    assert settings_of(world).keys() == {"XATS_QUIET_MS", "XATS_LADDER"}
    assert not os.path.exists(ran)


# -- the environment of a command --------------------------------------------------------------------------------------


def test_a_send_says_where_its_environment_differs_from_the_daemons(world, files):
    world.register("alice")
    world.register("bob")
    world.daemon(**UNSET)
    until(lambda: settings_of(world) is not None)

    def said(**env):
        return world.xats("send", "bob", "hi", "--as", "alice", **{**UNSET, **env})[1].splitlines()

    assert said() == []
    assert said(XATS_QUIET_MS="2000", XATS_READ_WITHIN="1m", XATS_LADDER="30s,180s,10m") == []
    [line] = said(XATS_QUIET_MS="60000")
    assert line == (
        "xats: warning: XATS_QUIET_MS is set here to 60000, but the running daemon uses 2000: "
        "xats daemon restart - or: xats config set wake.quiet 60s"
    )
    assert len(said(XATS_QUIET_MS="1", XATS_WAKE_OFF="tmux", XATS_KEEP="1d")) == 3
    files.write(files.user, '[wake]\nquiet = "60s"\n')
    until(lambda: settings_of(world))
    assert said(XATS_QUIET_MS="60000") == []


def test_what_the_daemons_environment_says_no_file_can_change(world, files):
    world.register("alice")
    world.register("bob")
    world.daemon()
    until(lambda: settings_of(world))
    said = world.xats("send", "bob", "hi", "--as", "alice", XATS_QUIET_MS="60000")[1]
    assert "but the running daemon uses 100: xats daemon restart\n" in said


def test_without_a_daemon_nothing_differs(world, files):
    world.register("alice")
    world.register("bob")
    assert world.xats("send", "bob", "hi", "--as", "alice", XATS_QUIET_MS="60000")[1] == ""
