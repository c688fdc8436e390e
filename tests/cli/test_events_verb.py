"""The verb events: which types, whose, since when, of which team, and as they happen."""

import json

import pytest

from xats.core.agents import registration


@pytest.fixture
def crew(crew):
    """Add events of two teams to those of the agents that there are: mail, and an agent of another team."""
    crew.send("alice", "bob")
    crew.register("carol", "other", client="generic")
    return crew


def types(ran) -> list[str]:
    return [line.split("\t")[2] for line in ran.stdout.splitlines()]


def test_several_types_can_be_asked_for(xats, crew):
    crew.do("bob", registration.unregister)
    ran = xats("events", "--team", "crew", "--type", "message_sent", "--type", "agent_unregistered")
    assert types(ran) == ["message_sent", "agent_unregistered"]


def test_an_agent_is_asked_for_by_its_name_also_after_it_has_left(xats, crew):
    crew.do("bob", registration.unregister)
    ran = xats("events", "--team", "crew", "--agent", "Bob", "--json").json()
    assert {one["type"] for one in ran["events"]} == {
        "agent_registered",
        "agent_unregistered",
        "message_sent",
    }
    assert xats("events", "--team", "crew", "--agent", "carol@other", "--json").json()["events"][0]["team"] == "other"


def test_every_team_is_shown_with_its_name(xats, crew):
    lines = [line.split("\t") for line in xats("events", "--all-teams").stdout.splitlines()]
    assert {line[2] for line in lines} >= {"crew", "other"}
    assert len({len(line) for line in lines}) == 1
    found = xats("events", "--all-teams", "--json").json()["events"]
    assert [str(one["id"]) for one in found] == [line[0] for line in lines]


def test_a_duration_asks_for_what_happened_since(xats, crew):
    now = crew.store.clock()
    crew.store.write(lambda tx: tx.run("update events set at = :at where id = 1", at=now - 7_200_000))
    every = [one["id"] for one in xats("events", "--team", "crew", "--json").json()["events"]]
    assert every[0] == 1
    assert [one["id"] for one in xats("events", "--team", "crew", "--since", "3h", "--json").json()["events"]] == every
    assert [one["id"] for one in xats("events", "--team", "crew", "--since", "1h", "--json").json()["events"]] == every[
        1:
    ]
    short = xats("events", "--team", "crew", "--since", "3h", "-n", "1")
    assert "continue with --since 1" in short.stderr


def test_what_is_followed_is_what_was_asked_for(xats, crew):
    follower = xats.start("events", "--follow", "--jsonl", "--all-teams", "--since", "1h", "--type", "message_sent")
    first = json.loads(follower.stdout.readline())
    crew.register("dave", "other", client="generic")
    crew.send("alice", "bob", "second")
    second = json.loads(follower.stdout.readline())
    assert (first["type"], second["type"]) == ("message_sent", "message_sent")
    assert (first["subject"], second["subject"]) == ("message:1", "message:2")
    follower.terminate()
    follower.wait()


def test_tab_offers_the_types(xats):
    with open("xats/cli/completions/xats.bash", encoding="utf-8") as file:
        assert "wake_failed" in file.read()
