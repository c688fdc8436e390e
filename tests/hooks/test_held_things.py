"""An agent that ends its turn while it holds something is reminded once, and each session begins with it."""

import pytest

from tests.hooks.test_run import Desk, desk, text_of
from xats.base import process
from xats.core.locks import locks
from xats.core.locks.files import File
from xats.core.turns import membership, turns
from xats.core.turns.handoffs import Draft
from xats.core.turns.holding import pass_on, take
from xats.core.turns.turns import Probe
from xats.hooks import clients

__all__ = ["desk"]  # a fixture
PROBE = Probe(lambda _: None, process.gone)


def get(desk: Desk, name: str = "alice", turn: str = "main") -> None:
    """Give the turn to `name`."""

    def work(tx, me):
        found = turns.create(tx, me.team, turn)
        membership.join(tx, me, found)
        take(tx, me, found, PROBE)

    desk.team.do(name, work)


def give(desk: Desk, to: str) -> None:
    """Let alice pass her turn on."""
    desk.team.do(
        "alice", lambda tx, me: pass_on(tx, me, turns.find(tx, me.team), desk_agent(tx, to), Draft("a", "b"), PROBE)
    )


def desk_agent(tx, name):
    from xats.core.agents import agents

    return agents.by_name(tx, "crew", name)


@pytest.mark.parametrize("client", clients.NAMES)
def test_it_is_reminded_once_and_never_in_a_loop(desk, client):
    get(desk)
    desk.hook("prompt", client)
    text = text_of(desk.hook("turn end", client))
    assert "the turn of team crew" in text
    assert "turn pass next --status" in text
    assert desk.state().state == "busy"  # the program goes on with its turn
    for _ in range(3):
        assert desk.hook("turn end", client) == ""
    assert desk.state().state == "idle"
    desk.hook("prompt", client)
    assert desk.hook("turn end", client) == ""
    assert desk.log == ""


def test_what_it_gets_anew_reminds_it_again(desk):
    get(desk)
    assert desk.hook("turn end")
    get(desk, turn="docs")
    text = text_of(desk.hook("turn end"))
    assert "the turn docs of team crew" in text
    assert desk.hook("turn end") == ""
    desk.team.do("bob", lambda tx, me: membership.join(tx, me, turns.find(tx, me.team)))
    give(desk, "bob")
    get(desk, "bob")
    desk.team.do(
        "bob", lambda tx, me: pass_on(tx, me, turns.find(tx, me.team), desk_agent(tx, "alice"), Draft("a", "b"), PROBE)
    )
    desk.hook("prompt")  # it hands the mail about the offer over
    get(desk)
    assert "the turn of team crew" in text_of(desk.hook("turn end"))


def test_the_first_hook_of_all_reminds_once_too(desk):
    get(desk)
    assert desk.state() is None
    assert desk.hook("turn end")
    assert desk.hook("turn end") == ""


def test_mail_and_the_reminder_come_together(desk):
    get(desk)
    number = desk.send("what is the state?")
    text = text_of(desk.hook("turn end"))
    assert f"Mail #{number}" in text
    assert "the turn of team crew" in text


def test_who_was_reminded_by_its_own_stop_hook_ends(desk):
    get(desk)
    assert desk.hook("turn end", stop_hook_active=True) == ""
    assert desk.hook("turn end")  # it was not reminded then


def test_one_that_holds_nothing_is_not_reminded(desk):
    get(desk, "bob")
    assert desk.hook("turn end") == ""
    assert desk.hook("turn end", agent_id="sub") == ""


@pytest.mark.parametrize("source", ["startup", "compact"])
def test_a_session_begins_with_what_it_holds(desk, source):
    assert "You have the turn" not in text_of(desk.hook("session start", source=source))
    get(desk)
    assert "You have the turn of team crew." in text_of(desk.hook("session start", source=source))


@pytest.mark.parametrize("client", ["claude-code", "gemini", "copilot"])
def test_a_reminder_that_a_program_sends_back_is_no_prompt_of_a_person(desk, client):
    get(desk)
    text = text_of(desk.hook("turn end", client))
    assert desk.state().continued == 1
    desk.hook("prompt", client, prompt=text)
    assert desk.state().continued == 1
    desk.hook("prompt", client, prompt="go on")
    assert desk.state().continued == 0


def lock(desk: Desk, *paths: str) -> None:
    """Let alice lock files."""
    files = [File("h", "/r/.git", "/r", path, path) for path in paths]
    desk.team.do("alice", locks.take, files)


def test_it_is_reminded_of_its_locks_too(desk):
    lock(desk, "src/a.py")
    text = text_of(desk.hook("turn end"))
    assert "a lock on src/a.py. To release:" in text
    assert "lock release --all" in text
    assert desk.hook("turn end") == ""
    lock(desk, "src/b.py", "src/c.py")
    assert "a lock on src/a.py and 2 more" in text_of(desk.hook("turn end"))
    desk.team.do("alice", lambda tx, me: locks.release(tx, me, [File("h", "/r/.git", "/r", "src/c.py", "src/c.py")]))
    assert desk.hook("turn end") == ""
