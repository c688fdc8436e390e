"""A person's own shell: who is asked before it gets another name, who is left behind, and two shells with one name."""

import errno
import os
import pty
import re
import select
import shlex
import signal
import sys
import termios

import pytest

from tests.conftest import LIMIT
from xats.base import process
from xats.core.mail import inbox

KIM = {"USER": "kim", "XATS_TEAM": "crew"}


@pytest.fixture
def shells(xats, tmp_path):
    """Start a shell on a terminal of its own: `shells()` returns a Shell."""
    started = []

    class Shell:
        """A shell that a person types into. Each command ends with its exit code."""

        def __init__(self, **env) -> None:
            self.pid, self.master = pty.fork()
            if self.pid == 0:
                words = {**xats.env(KIM | env), "PS1": "", "ENV": "", "HISTFILE": ""}
                os.chdir(tmp_path)
                os.execvpe("sh", ["sh"], words)
            found = termios.tcgetattr(self.master)
            found[3] &= ~termios.ECHO
            termios.tcsetattr(self.master, termios.TCSANOW, found)
            self.seen = b""
            self.number = 0

        @property
        def tty(self) -> str:
            return os.readlink(f"/proc/{self.pid}/fd/0")

        def __call__(self, *words, typed: str = "", code: int = 0) -> str:
            """Run `xats words`, type an answer, and return what was shown."""
            self.number += 1
            end = f"end-{self.number}:"
            line = shlex.join([*xats.words, *words])
            self.seen = b""
            os.write(self.master, f"{line}; printf 'end-%s:%s;' {self.number} $?\n".encode())
            if typed:
                self.until(b"[y/N] ")
                os.write(self.master, typed.encode())
            self.until(re.compile(re.escape(end.encode()) + rb"\d+;"))
            shown, _, rest = self.seen.decode().replace("\r\n", "\n").rpartition(end)
            assert int(rest.partition(";")[0]) == code, shown
            return shown

        def until(self, wanted) -> None:
            pattern = wanted if isinstance(wanted, re.Pattern) else re.compile(re.escape(wanted))
            while not pattern.search(self.seen):
                assert select.select([self.master], [], [], LIMIT)[0], self.seen
                try:
                    data = os.read(self.master, 65536)
                except OSError as problem:
                    assert problem.errno == errno.EIO
                    data = b""
                assert data, self.seen
                self.seen += data

        def end(self) -> None:
            if self.pid:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                os.close(self.master)
                self.pid = 0

    def start(**env) -> Shell:
        started.append(Shell(**env))
        return started[-1]

    yield start
    for one in started:
        one.end()


def names(crew) -> list[str]:
    """Return who is registered in the team, and who was."""
    return [
        row["name"] + ("" if row["unregistered_at"] is None else " (left)")
        for row in crew.rows("select name, unregistered_at from agents where team = 'crew' order by id")
    ]


def who(shell) -> str:
    return shell("whoami", "-q").strip()


# -- the question ------------------------------------------------------------------------------------------------------


def test_a_person_is_asked_before_their_shell_gets_another_name(shells, crew):
    shell = shells()
    shown = shell("register", "zoe", typed="n\n", code=4)
    assert "You are kim here. To start an agent program as zoe: xats launch claude --name zoe" in shown
    assert "Make this shell zoe? [y/N]" in shown
    assert "Nothing was registered." in shown
    assert names(crew) == ["alice", "bob"]
    assert "zoe registered in team crew (human, session 1)" in shell("register", "zoe", typed="y\n")
    assert who(shell) == "zoe"
    assert "zoe registered again" in shell("register", "zoe")  # it is a person by now: nothing is asked


def test_an_agent_whose_name_is_known_is_asked_for_too(shells, crew):
    shell = shells()
    assert "Make this shell bob?" in shell("register", "bob", typed="\n", code=4)
    assert "bob registered again" in shell("register", "bob", typed="yes\n")


@pytest.mark.parametrize(
    "words",
    [["kim"], ["KIM"], ["zoe", "--yes"], ["zoe", "--client", "generic"], ["zoe", "--client", "human"]],
    ids=" ".join,
)
def test_what_needs_no_question(shells, crew, words):
    assert "[y/N]" not in shells()("register", *words)


def test_a_script_without_a_terminal_is_asked_nothing(xats, crew):
    assert "zoe registered" in xats("register", "zoe", env=KIM).stdout


def test_an_agent_program_is_asked_nothing(shells, crew):
    shown = shells(CLAUDECODE="1")("register", "zoe")
    assert "[y/N]" not in shown


# -- who is left behind ------------------------------------------------------------------------------------------------


def test_a_person_that_nobody_has_used_vanishes_with_the_new_name(shells, crew):
    shell = shells()
    assert who(shell) == "kim"
    assert names(crew) == ["alice", "bob", "kim"]
    shown = shell("register", "zoe", "--yes")
    assert "kim" not in shown.replace("/kim", "")
    assert names(crew) == ["alice", "bob", "zoe"]
    assert crew.send("alice", "all").recipients == ("bob@crew", "zoe@crew")


def test_a_person_who_only_got_broadcasts_leaves_and_keeps_them(shells, crew):
    shell = shells()
    who(shell)
    crew.send("alice", "all", "to everybody")
    shell("register", "zoe", "--yes")
    assert names(crew) == ["alice", "bob", "kim (left)", "zoe"]
    assert crew.send("alice", "all").recipients == ("bob@crew", "zoe@crew")
    shells()("register", "kim")
    assert crew.see("kim", inbox.unread) == 1


@pytest.mark.parametrize("used", ["sent", "got"])
def test_a_person_who_was_used_stays_and_that_is_said(shells, crew, used):
    shell = shells()
    who(shell)
    if used == "sent":
        shell("send", "bob", "hello")
    else:
        crew.send("alice", "kim")
    shown = shell("register", "zoe", "--yes")
    assert "kim stays in the team, for your other shells; to take kim out: xats unregister kim" in shown
    assert names(crew) == ["alice", "bob", "kim", "zoe"]
    assert who(shell) == "zoe"
    assert who(shells()) == "kim"


def test_a_command_that_fails_registers_no_person(shells, crew):
    shell = shells()
    for words, code in ((["show", "99"], 3), (["send", "nobody", "hi"], 3), (["reply", "99", "hi"], 3)):
        shell(*words, code=code)
    assert names(crew) == ["alice", "bob"]
    assert who(shell) == "kim"


def test_a_shell_is_one_person_at_a_time(shells, crew):
    shell = shells()
    shell("register", "zoe", "--yes")
    shell("register", "yan", "--yes")
    assert who(shell) == "yan"
    assert "another shell" not in shells()("register", "yan", "--yes", "--takeover")


def test_a_name_that_is_refused_leaves_nothing_behind(shells, crew):
    first, second = shells(), shells()
    first("register", "zoe", "--yes")
    second("register", "zoe", "--yes", code=4)
    assert names(crew) == ["alice", "bob", "zoe"]


# -- two shells --------------------------------------------------------------------------------------------------------

linux = pytest.mark.skipif(sys.platform != "linux", reason="the terminals of processes are read from /proc here")


@linux
@pytest.mark.parametrize("client", [(), ("--client", "generic")], ids=["a person", "a program"])
def test_two_shells_with_one_name_are_told_about_each_other(shells, crew, client):
    words = ["register", "zoe", *(client or ["--yes"])]
    first, second = shells(), shells()
    first(*words)
    shown = " ".join(second(*words, code=4).split())  # without the folds of the terminal
    assert (
        f"zoe was registered in another shell (pid {first.pid}, {first.tty}) just now, and that shell is still open"
        in shown
    )
    assert "xats register zoe --takeover" in shown
    assert "zoe registered again" in first(*words)
    assert "zoe registered again" in second(*words, "--takeover")
    assert f"(pid {second.pid}, {second.tty})" in first(*words, code=4)


@linux
def test_the_name_of_a_shell_that_has_ended_is_free(shells, crew):
    first = shells()
    first("register", "zoe", "--client", "generic")
    first.end()
    second = shells()
    assert "zoe registered again" in second("register", "zoe", "--client", "generic")
    assert f"(pid {second.pid}" in shells()("register", "zoe", "--client", "generic", code=4)


@linux
def test_a_shell_inside_a_shell_is_the_same(shells, crew, xats):
    shell = shells()
    shell("register", "zoe", "--client", "generic")
    line = shlex.join([*xats.words, "register", "zoe", "--client", "generic"])
    os.write(shell.master, f"sh -c {shlex.quote(f'{line}; :')}; echo inner-done\n".encode())
    shell.until(re.compile(rb"inner-done\r"))
    assert b"registered again" in shell.seen
    (row,) = crew.rows("select shell_pid, shell_started from sessions where shell_pid is not null")
    assert (row["shell_pid"], row["shell_started"]) == (shell.pid, process.started(shell.pid))


@linux
def test_a_person_is_one_agent_in_all_shells(shells, crew):
    for shell in (shells(), shells()):
        shell("register", "kim")
        assert who(shell) == "kim"


@linux
def test_the_tools_of_an_agent_note_no_shell(shells, crew):
    for _ in range(2):
        shells(CLAUDECODE="1")("register", "zoe", "--client", "generic")
    assert crew.rows("select * from sessions where shell_pid is not null") == []


def test_without_a_terminal_nothing_is_known_of_a_shell(xats, crew):
    for _ in range(2):
        xats("register", "zoe", "--no-pane", "--client", "generic", env=KIM)
