"""`xats client find`: the agent programs in all tmux servers of a user, with stand-ins for the programs."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading

import pytest

from tests.support.world import Tmux, until
from xats.base import process
from xats.tmux import servers

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")

STAND_IN = "#!/bin/sh\nwhile read -r line; do case $line in run*) ${line#run };; esac; done\n"


class Site:
    """Tmux servers in one TMUX_TMPDIR, folders with projects, and stand-ins for the programs."""

    def __init__(self, xats, folder) -> None:
        self.xats, self.top = xats, folder
        self.sockets = os.path.join(folder, f"tmux-{os.getuid()}")
        self.bin = os.path.join(folder, "bin")
        for path in (self.sockets, self.bin):
            os.mkdir(path, 0o700)
        self.servers: list[Tmux] = []
        for name in ("claude", "codex", "gemini", "opencode"):
            self.stand_in(name)
        xats.environ["TMUX_TMPDIR"] = folder

    def stand_in(self, name, text=STAND_IN) -> str:
        path = os.path.join(self.bin, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o700)
        return path

    def tmux(self, name="default") -> Tmux:
        made = Tmux(self.sockets, name)
        self.servers.append(made)
        return made

    def project(self, name) -> str:
        path = os.path.join(self.top, name)
        os.makedirs(os.path.join(path, ".git"), exist_ok=True)
        return path

    def open(self, tmux, line, folder=None, wait="") -> str:
        """Open a pane with an interactive shell that runs `line`; return it once `wait` runs in it."""
        words = ("new-session", "-d", "-x", "80", "-y", "24", "-P", "-F", "#{pane_id} #{pane_pid}")
        shell = f"exec env PATH={self.bin}:$PATH bash --norc --noprofile -i"
        pane, pid = tmux.cmd(*words, "-c", (folder or self.top).replace("#", "##"), shell).split()
        tmux.cmd("send-keys", "-t", pane, "-l", line)
        tmux.cmd("send-keys", "-t", pane, "Enter")
        name = wait or line.split()[0]
        until(lambda: any(one.name == name for one in process.descendants(int(pid))), what=name)
        return pane

    def find(self, *words, **more) -> dict:
        """Return what `client find --json` prints."""
        return self.xats("client", "find", "--json", *words, **more).json()

    def agents(self) -> dict[str, tuple]:
        every = self.xats("agents", "--all-teams", "--json").json()["agents"]
        return {f"{one['name']}@{one['team']}": (one["client"], one["pane"]["pane_id"], one["epoch"]) for one in every}


@pytest.fixture
def site(xats):
    folder = tempfile.mkdtemp(prefix="xf", dir="/tmp")
    made = Site(xats, folder)
    yield made
    for one in made.servers:
        one.stop()
    shutil.rmtree(folder, ignore_errors=True)


# -- what is found -----------------------------------------------------------------------------------------------------


def test_nothing_is_found_and_nothing_is_made(site, xats):
    ran = xats("client", "find")
    assert ran.stderr.startswith("no agent programs found: no tmux server of yours runs\n")
    site.tmux(), site.tmux("other")
    assert xats("client", "find").stderr.splitlines()[0] == "no agent programs found in 2 tmux servers"
    assert xats("client", "find", "--register").stderr.splitlines()[0] == "no agent programs found in 2 tmux servers"
    assert site.find() == {"panes": [], "servers": 2, "problems": [], "has_more": False}


def test_a_look_makes_no_store_and_starts_no_server(site, xats):
    tmux = site.tmux()
    site.open(tmux, "codex")
    assert len(site.find()["panes"]) == 1
    assert not os.path.exists(xats.path)
    tmux.stop()
    assert os.path.exists(tmux.socket) and not site.find()["servers"]
    assert not tmux.alive


def test_all_servers_of_a_user_are_looked_at(site):
    one, two = site.tmux(), site.tmux("work")
    shop, api = site.project("shop"), site.project("api")
    first = site.open(one, "codex", os.path.join(shop))
    site.open(one, "cat", shop)
    second = site.open(two, "claude", api)
    found = site.find()
    assert found["servers"] == 2
    rows = [(row["pane"]["socket"], row["pane"]["pane_id"], row["client"], row["folder"]) for row in found["panes"]]
    assert rows == [(one.socket, first, "codex", shop), (two.socket, second, "claude-code", api)]
    assert [(row["agent"], row["certain"], row["registered_now"]) for row in found["panes"]] == [
        (None, True, False)
    ] * 2
    (candidate,) = found["panes"][0]["candidates"]
    assert (candidate["score"], candidate["reasons"]) == (100, ["in the foreground"])


def test_a_server_elsewhere_is_found_from_inside(site, xats):
    other = Tmux(site.top, "elsewhere")
    site.servers.append(other)
    pane = site.open(other, "codex")
    assert site.find()["panes"] == []
    found = site.find(env={"TMUX": f"{other.socket},{other.pid},0"})
    assert [row["pane"]["pane_id"] for row in found["panes"]] == [pane]


def test_a_server_that_hangs_is_said_and_keeps_nobody_waiting(site, xats):
    tmux = site.tmux()
    pane = site.open(tmux, "codex")
    hung = os.path.join(site.sockets, "hung")
    import socket

    with socket.socket(socket.AF_UNIX) as line:  # it listens, and answers nobody
        line.bind(hung)
        line.listen()
        found = site.find()
        assert [row["pane"]["pane_id"] for row in found["panes"]] == [pane]
        (problem,) = found["problems"]
        assert (problem["socket"], problem["code"]) == (hung, "tmux_unavailable")
        assert "did not answer within 1 s" in xats("client", "find").stderr


def test_what_is_no_socket_is_passed_over(site):
    tmux = site.tmux()
    site.open(tmux, "codex")
    for name in ("default.lock", "a file"):
        with open(os.path.join(site.sockets, name), "w"):
            pass
    os.symlink(tmux.socket, os.path.join(site.sockets, "link"))
    found = site.find()
    assert (len(found["panes"]), found["problems"]) == (1, [])


def test_a_socket_that_others_could_replace_is_not_connected_to(site, xats):
    tmux = site.tmux()
    site.open(tmux, "codex")
    os.chmod(site.sockets, 0o777)
    found = site.find()
    assert (found["panes"], [one["code"] for one in found["problems"]]) == ([], ["server_untrusted"])


@pytest.mark.parametrize("name", ["a b", "tab\there", "new\nline", "50% #{pid} $HOME", "\u65e5\u672c"])
def test_a_folder_may_have_any_name(site, name):
    tmux = site.tmux()
    folder = site.project(name)
    site.open(tmux, "codex", folder)
    (row,) = site.find("--register")["panes"]
    assert row["folder"] == folder and row["agent"]


def test_a_window_in_two_sessions_is_one_pane(site):
    tmux = site.tmux()
    pane = site.open(tmux, "codex")
    tmux.cmd("link-window", "-s", pane, "-t", "keep:9")
    assert [row["pane"]["pane_id"] for row in site.find()["panes"]] == [pane]


def test_copy_mode_is_no_matter(site):
    tmux = site.tmux()
    pane = site.open(tmux, "codex")
    tmux.cmd("copy-mode", "-t", pane)
    assert site.find("--register")["panes"][0]["agent"]


# -- which of several --------------------------------------------------------------------------------------------------


def candidates(site, pane) -> list[tuple]:
    (row,) = (row for row in site.find()["panes"] if row["pane"]["pane_id"] == pane)
    return [(one["client"], one["score"], one["reasons"]) for one in row["candidates"]], row["certain"]


def test_a_program_that_is_suspended_waits_for_its_user(site, xats):
    tmux = site.tmux()
    pane = site.open(tmux, "codex")
    tmux.cmd("send-keys", "-t", pane, "C-z")
    until(lambda: candidates(site, pane)[0][0][1] == 20)
    assert candidates(site, pane) == ([("codex", 20, ["suspended (stopped)"])], False)
    ran = xats("client", "find", "--register")
    assert f"{pane}: bring codex to the foreground (fg), then: xats client find --register" in ran.stderr
    assert site.agents() == {}


def test_of_two_programs_the_one_in_front_is_registered(site):
    tmux = site.tmux()
    pane = site.open(tmux, "codex")
    tmux.cmd("send-keys", "-t", pane, "C-z")
    until(lambda: not candidates(site, pane)[1])
    tmux.cmd("send-keys", "-t", pane, "-l", "gemini")
    tmux.cmd("send-keys", "-t", pane, "Enter")
    until(lambda: candidates(site, pane)[1])
    found, _ = candidates(site, pane)
    assert [one[:2] for one in found] == [("gemini", 100), ("codex", 20)]
    site.find("--register")
    assert {name: one[:2] for name, one in site.agents().items()} == {f"gemini-1@{name_of(site.top)}": ("gemini", pane)}


def test_of_two_programs_in_front_none_is_guessed(site):
    tmux = site.tmux()
    both = site.stand_in("both", "#!/bin/sh\ncodex & gemini </dev/tty\n")
    site.stand_in("codex", "#!/bin/sh\nexec </dev/tty\nsleep 1000\n")
    pane = site.open(tmux, both, wait="gemini")
    until(lambda: len(candidates(site, pane)[0]) == 2)
    found, sure = candidates(site, pane)
    assert not sure and [one[1] for one in found] == [80, 80]
    assert "run by both (pid" in found[0][2][1]
    assert site.find("--register")["panes"][0]["agent"] is None
    said = site.xats("client", "find").stderr
    (client,) = (one for one in ("gemini", "codex") if f"xats register NAME --pane {pane} --client {one}" in said)
    site.xats("register", "ann", "--team", "t", "--pane", pane, "--client", client)
    assert {name: one[:2] for name, one in site.agents().items()} == {"ann@t": (client, pane)}


def test_a_wrapper_is_seen_through(site):
    tmux = site.tmux()
    wrapper = site.stand_in("my-agent", "#!/bin/sh\ntrue\ncodex\ntrue\n")
    pane = site.open(tmux, wrapper, wait="codex")
    found, sure = candidates(site, pane)
    assert sure and found[0][:2] == ("codex", 80)
    assert "run by my-agent (pid" in found[0][2][1]


def test_what_an_agent_runs_is_not_the_agent(site):
    tmux = site.tmux()
    pane = site.open(tmux, "claude")
    tmux.cmd("send-keys", "-t", pane, "-l", f"run {site.bin}/codex")
    tmux.cmd("send-keys", "-t", pane, "Enter")
    until(lambda: len(candidates(site, pane)[0]) == 2)
    found, sure = candidates(site, pane)
    assert sure and [one[0] for one in found] == ["claude-code", "codex"]
    assert "started by claude-code (pid" in found[1][2][-1]


# -- registering -------------------------------------------------------------------------------------------------------


def name_of(path) -> str:
    return os.path.basename(path).lower()


def test_all_are_registered_in_the_team_of_their_folder_and_only_once(site, xats):
    one, two = site.tmux(), site.tmux("work")
    shop = site.project("shop")
    first, second = site.open(one, "codex", shop), site.open(one, "codex", shop)
    third = site.open(two, "claude", site.project("api"))
    ran = xats("client", "find", "--register")
    assert ran.stderr.splitlines()[0] == "3 registered"
    assert "codex-1@shop: woken by a line in its pane" in ran.stderr and "xats hook install claude-code" in ran.stderr
    assert "xats hook install codex" in ran.stderr
    expected = {"codex-1@shop": ("codex", first, 1), "codex-2@shop": ("codex", second, 1)}
    expected["claude-1@api"] = ("claude-code", third, 1)
    assert site.agents() == expected
    assert one.cmd("show-options", "-p", "-v", "-t", second, "@xats_agent") == "codex-2"
    again = xats("client", "find", "--register")
    assert again.stderr.splitlines()[0] == "nothing new to register"
    assert site.agents() == expected
    assert {row["agent"] for row in site.find()["panes"]} == set(expected)
    assert "all 3 are registered" in xats("client", "find").stderr


def test_two_at_once_register_each_pane_once(site, xats):
    tmux = site.tmux()
    for _ in range(3):
        site.open(tmux, "codex")
    xats("agents")
    ran = []
    both = [threading.Thread(target=lambda: ran.append(site.find("--register"))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum(row["registered_now"] for said in ran for row in said["panes"]) == 3
    assert len(site.agents()) == 3


def test_a_team_that_is_asked_for_is_taken(site, xats):
    site.open(site.tmux(), "codex", site.project("shop"))
    assert site.find("--register", "--team", "crew")["panes"][0]["agent"] == "codex-1@crew"


def test_who_is_registered_keeps_its_name(site, xats):
    tmux = site.tmux()
    pane = site.open(tmux, "codex", site.project("shop"))
    refused = xats("register", "ann", "--team", "shop", "--pane", pane, "--client", "gemini", code=4).stderr
    assert "--client says gemini, but codex (pid " in refused and f") runs in pane {pane}." in refused
    xats("register", "ann", "--team", "shop", "--pane", pane)
    assert site.find("--register")["panes"][0]["agent"] == "ann@shop"
    assert list(site.agents()) == ["ann@shop"]


def test_a_program_that_was_started_anew_in_its_pane_is_the_same_agent(site, xats):
    tmux = site.tmux()
    pane = site.open(tmux, "codex", site.project("shop"))
    xats("register", "ann", "--team", "shop", "--pane", pane)
    tmux.cmd("send-keys", "-t", pane, "C-d")
    until(lambda: not site.find()["panes"])
    tmux.cmd("send-keys", "-t", pane, "-l", "codex")
    tmux.cmd("send-keys", "-t", pane, "Enter")
    until(lambda: site.find()["panes"])
    assert site.find()["panes"][0]["agent"] is None
    site.find("--register")
    assert site.agents() == {"ann@shop": ("codex", pane, 2)}


def test_another_program_in_the_same_pane_is_another_agent(site, xats):
    tmux = site.tmux()
    pane = site.open(tmux, "codex", site.project("shop"))
    xats("register", "ann", "--team", "shop", "--pane", pane)
    tmux.cmd("send-keys", "-t", pane, "C-d")
    until(lambda: not site.find()["panes"])
    tmux.cmd("send-keys", "-t", pane, "-l", "gemini")
    tmux.cmd("send-keys", "-t", pane, "Enter")
    until(lambda: site.find()["panes"])
    assert site.find("--register")["panes"][0]["agent"] == "gemini-1@shop"


def test_a_program_in_the_pane_of_a_person_is_not_that_person(site, xats):
    tmux = site.tmux()
    pane = site.open(tmux, "cat", site.project("shop"))
    tmux.cmd("send-keys", "-t", pane, "C-d")
    until(lambda: tmux.cmd("display-message", "-p", "-t", pane, "#{pane_current_command}").strip() == "bash")
    xats("register", "pat", "--team", "shop", "--pane", pane, "--client", "human")
    tmux.cmd("send-keys", "-t", pane, "-l", "codex")
    tmux.cmd("send-keys", "-t", pane, "Enter")
    until(lambda: site.find()["panes"])
    assert site.find()["panes"][0]["agent"] is None


def test_mail_reaches_who_was_registered_so(site, xats):
    site.open(site.tmux(), "codex", site.project("shop"))
    site.find("--register")
    xats("send", "codex-1@shop", "hello", "--as", "codex-1", "--team", "shop")
    assert [row["unread"] for row in xats("agents", "--team", "shop", "--json").json()["agents"]] == [1]


# -- how it looks ------------------------------------------------------------------------------------------------------


def plain(shown) -> str:
    """Return what a terminal shows, without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_in_a_pipe_there_are_whole_values_with_tabs_between(site, xats):
    tmux = site.tmux()
    pane = site.open(tmux, "codex", site.project("shop"))
    row = xats("client", "find", "-q").stdout.splitlines()[0].split("\t")
    assert row[:2] == [pane, tmux.socket] and row[3:6] == ["codex", f"{site.top}/shop", "not registered"]


def test_on_a_terminal_it_fits_80_columns_and_says_what_is_next(site, xats):
    one, two = site.tmux(), site.tmux("work")
    deep = site.project("a-folder-with-quite-a-long-name/and-another-one-below")
    site.open(one, "claude", deep)
    site.open(two, "codex", site.project("shop"))
    shown = xats.on_terminal("client", "find")
    lines = plain(shown).splitlines()
    assert all(len(line.rstrip()) <= 80 for line in lines), shown
    assert lines[0].split() == ["PANE", "SERVER", "WINDOW", "PROGRAM", "FOLDER", "AGENT"]
    assert "2 of 2 not registered" in shown and "xats client find --register" in shown
    shown = xats.on_terminal("client", "find", "--register")
    assert "2 registered" in plain(shown) and "xats send " in shown


# -- the look at the servers -------------------------------------------------------------------------------------------


def test_each_socket_is_listed_once(site):
    tmux = site.tmux()
    environ = {"TMUX_TMPDIR": site.top, "TMUX": f"{tmux.socket},{tmux.pid},0"}
    assert servers.sockets(environ, [tmux.socket, f"{site.sockets}/gone"]) == [tmux.socket]
    assert servers.sockets({"TMUX_TMPDIR": f"{site.top}/none"}) == []
