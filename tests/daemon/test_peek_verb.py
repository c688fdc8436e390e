"""`xats peek` and `xats attach`: the pane of an agent is shown as text, or a person goes there; nothing is typed."""

import json
import os
import pty
import shlex
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from tests.support.viewer import Viewer
from tests.support.world import until
from xats.base import process

STAYS = "exec tail -f /dev/null"


def seated(world, tmux, name, command, *options):
    """Open a pane with `command` in it and register it as `name`; return its id."""
    pane = tmux.open(command)
    world.register(name, SimpleNamespace(tmux=tmux, pane=pane), "--client", "generic", *options)
    return pane


def refused(world, *words, code=4, **env):
    """Return (code, reason) of the error of `xats words`."""
    out, err = world.xats(*words, "--json", code=code, **env)
    assert (out, err.count("\n")) == ("", 1)
    error = json.loads(err)["error"]
    return error["code"], error.get("reason")


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_the_screen_is_shown_as_text_and_nothing_is_typed(world, desk):
    pane = seated(world, desk, "dave", f"printf '\\033[31mred\\033[0m a\\342\\200\\256b\\n\\n  end   '; {STAYS}")
    until(lambda: "end" in desk.text(pane))
    before = world.rows("select max(id) from events")[0][0]
    out, err = world.xats("peek", "dave")
    assert out == "red a\\u202eb\n\n  end\n"
    assert err == f"dave (generic) in {pane}\n"
    assert world.xats("peek", "dave", "-q") == (out, "")
    found = world.json("peek", "dave")
    assert (found["lines"], found["width"], found["height"]) == (["red a\u202eb", "", "  end"], 80, 24)
    assert found["pane"]["pane_id"] == pane
    world.xats("peek", "bob")
    assert desk.bob.untouched()
    assert world.rows("select max(id) from events")[0][0] == before


def test_lines_that_have_left_the_screen(world, desk):
    pane = seated(world, desk, "dave", f"seq 100; {STAYS}")
    until(lambda: "100" in desk.text(pane))
    assert world.xats("peek", "dave")[0].split()[0] == "78"
    assert world.xats("peek", "dave", "-n", "2")[0].split() == ["99", "100"]
    assert world.xats("peek", "dave", "--lines", "50")[0].split() == [str(n) for n in range(51, 101)]
    assert world.xats("peek", "dave", "--lines", "5000")[0].split()[0] == "1"


def test_a_full_screen_program_has_no_lines_of_the_shell_before_it(world, desk):
    pane = seated(world, desk, "dave", f"seq 100; printf '\\033[?1049h\\033[Hfull'; {STAYS}")
    until(lambda: "full" in desk.text(pane))
    assert world.xats("peek", "dave", "-n", "50")[0] == "full\n"


def test_an_empty_screen(world, desk):
    pane = seated(world, desk, "dave", STAYS)
    assert world.xats("peek", "dave") == ("", f"dave (generic) in {pane}: the screen is empty\n")


# -- why not -----------------------------------------------------------------------------------------------------------


def test_an_agent_without_a_pane(world, desk):
    assert refused(world, "peek", "alice") == ("pane_unusable", "no_pane")
    world.xats("seat", "zoe")
    assert refused(world, "peek", "zoe") == ("pane_unusable", "no_program")
    assert refused(world, "peek", "nobody", code=3) == ("unknown_agent", None)


def test_an_agent_of_another_host(world, desk):
    world.write("update sessions set host = 'h1+elsewhere', host_name = 'elsewhere' where pane_id is not null")
    assert refused(world, "peek", "bob") == ("pane_unusable", "other_host")
    assert "bob runs on elsewhere" in world.xats("peek", "bob", code=4)[1]


def test_a_pane_that_is_gone(world, desk):
    desk.cmd("kill-pane", "-t", desk.bob.pane)
    assert refused(world, "peek", "bob") == ("pane_unusable", "no_pane")


def test_a_pane_in_which_something_else_runs(world, desk):
    desk.cmd("respawn-pane", "-k", "-t", desk.bob.pane, STAYS)
    assert refused(world, "peek", "bob") == ("pane_unusable", "pane_changed")


def test_a_server_that_has_ended(world, desk):
    desk.stop()
    assert refused(world, "peek", "bob") == ("pane_unusable", "server_gone")


def test_a_shell_whose_agent_has_ended_is_not_shown(world, desk):
    pane = seated(world, desk, "dave", f"sleep 600 & wait; {STAYS}")
    shell = psutil.Process(int(desk.cmd("display-message", "-p", "-t", pane, "#{pane_pid}")))
    program = until(lambda: next((one for one in shell.children() if one.name() == "sleep"), None))
    values = {"pid": program.pid, "at": process.started(program.pid), "pane": pane}
    world.write("update sessions set pid = :pid, pid_started = :at where pane_id = :pane", **values)
    world.xats("peek", "dave")
    program.kill()
    until(lambda: process.started(program.pid) is None)
    assert refused(world, "peek", "dave") == ("pane_unusable", "process_gone")


@pytest.mark.parametrize("words", [["-n", "0"], ["--follow", "--json"]], ids=" ".join)
def test_wrong_words(world, desk, words):
    assert world.xats("peek", "bob", *words, code=2)[0] == ""


def test_only_a_person_looks_at_a_person(person, desk):
    pane = desk.open(f"echo secret; {STAYS}")
    until(lambda: "secret" in desk.text(pane))
    person.register("kim", SimpleNamespace(tmux=desk, pane=pane), "--client", "human")
    assert refused(person, "peek", "kim", XATS_AGENT="bob") == ("people_only", None)
    assert person.xats("peek", "kim")[0] == "secret\n"


# -- following ---------------------------------------------------------------------------------------------------------


def test_each_screen_is_printed_until_the_pane_is_gone(world, desk):
    pane = seated(world, desk, "dave", "echo first; while read line; do echo got $line; done")
    until(lambda: "first" in desk.text(pane))
    running = world.start("peek", "dave", "--follow")
    head = running.stdout.readline()
    assert head.startswith(f"--- dave (generic) in {pane}, ")
    assert running.stdout.readline() == "first\n"
    desk.cmd("send-keys", "-t", pane, "x", "Enter")
    lines = iter(running.stdout.readline, "")
    assert "got x\n" in lines
    desk.cmd("kill-pane", "-t", pane)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 4
    assert f"its pane {pane} is gone." in err


def inside(world, *words):
    """Return the command of a pane that runs `xats words`, and then stays."""
    wanted = {name: world.env[name] for name in world.env if name.startswith(("XATS_", "USER", "HOME"))}
    given = [f"{name}={value}" for name, value in wanted.items()]
    return f"cd {world.folder} && {shlex.join(['env', *given, sys.executable, '-m', 'xats', *words])}; {STAYS}"


def test_on_a_terminal_a_screen_takes_the_place_of_the_last_one(world, desk):
    pane = seated(world, desk, "dave", "printf 'first\\nsecond\\n'; while read line; do clear; echo got $line; done")
    until(lambda: "second" in desk.text(pane))
    mine = desk.open(inside(world, "peek", "dave", "--follow"))
    until(lambda: "second" in desk.text(mine))
    desk.cmd("send-keys", "-t", pane, "x", "Enter")
    until(lambda: "got x" in desk.text(mine))
    text = desk.text(mine)
    assert text.count("---") == 1
    assert "second" not in text
    assert desk.cmd("display-message", "-p", "-t", mine, "#{history_size}") == "0"


# -- going there -------------------------------------------------------------------------------------------------------


def shown(tmux):
    """Return {client: (session, pane)} of the attached clients."""
    lines = tmux.cmd("list-clients", "-F", "#{client_name} #{session_name} #{pane_id}").splitlines()
    return {line.split()[0]: tuple(line.split()[1:]) for line in lines}


@pytest.fixture
def viewers(desk):
    """`viewers(session)` attaches a person's terminal to a session."""
    made = []

    def attach(session):
        made.append(Viewer(desk.socket, session))
        return made[-1]

    yield attach
    for one in made:
        one.close()


def test_the_client_that_shows_my_pane_is_switched(person, desk, viewers):
    """The two sessions share their windows. The client of the other session stays where it is."""
    bob = desk.cmd("display-message", "-p", "-t", desk.bob.pane, "#{session_name}")
    desk.cmd("new-session", "-d", "-s", "other", "-t", bob)
    me, other = viewers(bob), viewers("other")
    mine = desk.cmd("split-window", "-P", "-F", "#{pane_id}", "-t", f"{bob}:", inside(person, "attach", "bob"))
    until(lambda: "now at bob (generic) in" in desk.text(mine))
    until(lambda: shown(desk)[me.name] == (bob, desk.bob.pane))
    assert shown(desk)[other.name][0] == "other"
    assert desk.bob.untouched()


def test_the_pane_of_a_program_that_has_ended_is_called_that(person, desk, viewers):
    """Its shell stays in the pane, and is not gus."""
    pane = desk.open(f"sh -c 'echo it runs; exec sleep 1000'; {STAYS}")
    until(lambda: "it runs" in desk.text(pane))
    shell = psutil.Process(int(desk.cmd("display-message", "-p", "-t", pane, "#{pane_pid}")))
    (program,) = shell.children()
    person.register("gus", SimpleNamespace(tmux=desk, pane=pane), "--client", "generic")
    known = "update sessions set pid = :pid, pid_started = :started where pane_id = :pane"
    person.write(known, pid=program.pid, started=process.started(program.pid), pane=pane)
    program.kill()
    until(lambda: process.started(program.pid) is None)
    viewers("keep")
    mine = desk.cmd("split-window", "-P", "-F", "#{pane_id}", "-t", "keep:", inside(person, "attach", "gus"))
    said = f"now at pane {pane} of gus, whose program (generic) has ended"
    until(lambda: said in " ".join(desk.text(mine).split()))
    desk.cmd("kill-pane", "-t", pane)
    error = person.xats("attach", "gus", code=4)[1]
    assert f"xats cannot see the screen of gus: its pane {pane} is gone." in error


def test_a_client_goes_to_another_session_of_the_server(person, desk, viewers):
    me = viewers("keep")
    desk.cmd("split-window", "-t", "keep:", inside(person, "attach", "bob"))
    until(lambda: shown(desk)[me.name][1] == desk.bob.pane)
    assert desk.bob.untouched()


def test_no_client_can_be_switched(person, desk):
    mine = desk.open(inside(person, "attach", "bob"))
    until(lambda: "no client is attached to its server" in " ".join(desk.text(mine).split()))


def test_a_terminal_outside_of_tmux_is_attached(person, desk):
    master, slave = pty.openpty()
    made = subprocess.Popen(
        [sys.executable, "-m", "xats", "attach", "bob"],
        env={**person.env, "TERM": "xterm"},
        cwd=person.folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        form = "#{client_pid} #{pane_id}"
        until(lambda: f"{made.pid} {desk.bob.pane}" in desk.cmd("list-clients", "-F", form, check=False).splitlines())
        [name] = shown(desk)
        desk.cmd("detach-client", "-t", name)
        assert made.wait(20) == 0
    finally:
        if made.poll() is None:
            made.kill()
            made.wait()
        os.close(master)
    assert desk.bob.untouched()


def test_only_people_go_there_and_only_from_a_terminal(person, desk):
    assert "Only a person may go to an agent's pane" in person.xats("attach", "bob", code=4, XATS_AGENT="bob")[1]
    assert "needs a terminal" in person.xats("attach", "bob", code=4)[1]
    assert person.xats("attach", "bob", "--json", code=2)[0] == ""
    assert "no tmux pane" in person.xats("attach", "alice", code=4)[1]
