"""Teams that are renamed and merged while a daemon runs and agents sit in panes: whatever was on its way arrives."""

import json
import signal

import pytest

from tests.support.world import until


class Sitting:
    """An agent in the pane of a composer, whose environment still has the name that its team had at the start."""

    def __init__(self, world, name, composer, team):
        self.world, self.name, self.composer = world, name, composer
        socket = f"{composer.tmux.socket},{composer.tmux.pid},0"
        self.env = {"XATS_TEAM": team, "TMUX": socket, "TMUX_PANE": composer.pane}
        world.register(name, composer, "--role", "dev", XATS_TEAM=team)

    def __call__(self, *words, **env):
        """Run `xats words` in its pane; return the JSON."""
        return self.world.json(*words, **{**self.env, **env})

    def mail(self):
        """Read the inbox; return the subjects, else the bodies."""
        return [one["subject"] or one["body"] for one in self("inbox")["messages"]]

    def until_woken(self, times):
        until(lambda: len(self.composer.sent) == times, what=f"{times} lines in the pane of {self.name}")


CHANGES = {
    "rename": (["rename", "t", "shop"], "shop", "team t is shop now"),
    "merge": (["merge", "t", "shop"], "shop", "team t is a part of team shop now"),
}


@pytest.fixture(params=CHANGES)
def change(request, world):
    """What is done to the team `t`: (words, the name after it, the subject of the letter that tells of it)."""
    if request.param == "merge":
        world.register("dan", None, XATS_TEAM="shop")
    return CHANGES[request.param]


def test_everything_on_its_way_arrives_under_the_new_name(world, desk, change):
    words, new, told = change
    bob = Sitting(world, "bob", desk.bob, "t")
    world.daemon()
    # A question that bob has read, a task that bob has claimed, a contract that bob waits for.
    asked = world.send("bob", "a question")
    bob.until_woken(1)
    assert bob.mail() == ["a question"]
    task = world.json("task", "add", "build", "--as", "alice", "--notify", "alice")["task"]["id"]
    bob("task", "claim", str(task))
    bob("contract", "subscribe", "order")
    # Mail whose wake is held by a pause of the whole team.
    world.xats("pause", "all", "--as", "alice")
    world.send("bob", "while paused")
    assert world.wake()["state"] == "held"

    world.xats("team", *words, "--yes")

    assert len(desk.bob.sent) == 1  # nobody is woken for it, and the pause holds
    assert [row["state"] for row in world.rows("select state from wakes where closed_at is null")] == ["held"]
    world.xats("resume", *(["all"] if words[0] == "rename" else ["bob"]), "--as", "alice")
    bob.until_woken(2)
    assert bob.mail() == ["while paused", told]
    assert bob("reply", str(asked), "an answer")["recipients"] == [f"alice@{new}"]
    assert [one["body"] for one in bob("thread", str(asked))["messages"]] == ["a question", "an answer"]
    assert bob("task", "done", str(task), "--result", "built")["task"]["state"] == "done"
    assert bob("whoami")["agent"]["team"] == new
    with open(f"{world.folder}/order.json", "w") as file:
        json.dump({"type": "object"}, file)
    world.xats("contract", "put", "order", f"{world.folder}/order.json", "--as", "alice")
    assert bob.mail() == ["contract order@1 is there"]
    subjects = [one["subject"] for one in world.json("inbox", "--as", "alice")["messages"]]
    assert subjects == [told, None, f"task #{task} is done: build"]
    world.send(f"bob@{words[1]}", "by the old address")
    bob.until_woken(3)
    assert bob.mail() == ["by the old address"]
    assert world.xats("db", "check")[1] == ""


@pytest.mark.parametrize("point", ["wake.leased", "wake.before_record"])
def test_a_wake_that_is_being_tried_survives_the_change(world, desk, change, point):
    words, new, told = change
    bob = Sitting(world, "bob", desk.bob, "t")
    daemon = world.daemon(XATS_FAULT=point)
    world.send("bob", "first")
    until(lambda: daemon.poll() is not None, what="the end of the daemon")
    assert daemon.returncode == -signal.SIGKILL
    world.xats("team", *words, "--yes")
    world.daemon()
    bob.until_woken(1)
    assert bob.mail() == ["first", told]
    until(lambda: not world.rows("select 1 from wakes where closed_at is null"), what="the end of the wake")
    assert len(desk.bob.sent) == 1
    assert bob("whoami")["agent"]["team"] == new
