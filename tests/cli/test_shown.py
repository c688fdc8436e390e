"""Unread, shown, read: what a pipe took, or an agent's tool may have cut, is not read yet."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from xats.cli.kit import command_line
from xats.core.agents import agents
from xats.core.mail import alerts, inbox

BASH = ["bash", "--norc", "-c"]
FIRST = "2 letters follow: #1, #2\n"


@pytest.fixture
def mail(xats, crew):
    crew.add("bob")
    return xats


def states(crew, name: str = "bob") -> list[str]:
    sql = "select d.state from deliveries d join agents a on a.id = d.agent_id where a.name = :name order by message_id"
    return [row["state"] for row in crew.rows(sql, name=name)]


def line(mail, script: str, *words: str) -> str:
    """Run a command line in a shell as an agent's tool does, with `xats` and `words` as the command "$@"."""
    ran = mail.run([*BASH, script, "bash", *mail.words, *(words or ("inbox", "--as", "bob"))])
    assert ran.returncode == 0, ran
    return ran.stdout.decode()


def send(crew, count: int, size: int = 0) -> None:
    for number in range(count):
        crew.send("alice", "bob", f"n{number}" + "x" * size)


# -- in a pipe ---------------------------------------------------------------------------------------------------------


def test_what_head_cut_off_is_only_shown(mail, crew):
    send(crew, 6)
    assert line(mail, '"$@" | head -3').startswith("6 letters follow: #1, #2, #3, #4, #5, #6\n#1 from alice")
    assert states(crew) == ["shown"] * 6
    assert [(one["agent"], one["state"]) for one in mail("status", "6", "--as", "alice", "--json").json()["deliveries"]]
    assert mail("status", "6", "--as", "alice").stdout.startswith("bob\tshown ")
    (told,) = crew.rows("select data from events where type = 'mail_shown'")
    assert json.loads(told["data"]) == {"messages": [1, 2, 3, 4, 5, 6]}
    assert crew.rows("select * from events where type = 'mail_read'") == []


def test_shown_mail_wakes_nobody_and_alerts_nobody(mail, crew, clock):
    crew.send("alice", "bob")
    mail("inbox", "--as", "bob")
    assert crew.rows("select state, reason from wakes") == [{"state": "skipped", "reason": "already_read"}]
    assert mail("wait", "--timeout", "0", "--as", "bob", code=124)
    crew.store.write(lambda tx: tx.run("update messages set sent_at = sent_at - :age", age=2 * alerts.AFTER))
    crew.store.write(lambda tx: alerts.overdue(tx, 0))
    assert crew.rows("select 1 from messages where kind = 'alert'") == []


def test_a_later_command_of_the_same_line_names_it_and_proves_nothing(mail, crew):
    send(crew, 2)
    said = line(mail, '"$@" | head -1; "$@"; echo $("$@" 2>/dev/null); ( "$@" ); bash -c \'"$@"\' bash "$@"')
    before = "shown before, perhaps not seen: #1, #2 from alice (print again: xats inbox --again --as bob)\n"
    assert said == FIRST + before * 4
    assert states(crew) == ["shown"] * 2


def test_a_script_belongs_to_the_line_that_runs_it(mail, crew, tmp_path):
    script = tmp_path / "read.sh"
    script.write_text('"$@" | head -1\n')
    send(crew, 2)
    line(mail, f'bash {script} "$@"; "$@"')
    assert states(crew) == ["shown"] * 2


def test_the_next_line_names_it_and_makes_it_read(mail, crew):
    send(crew, 2)
    line(mail, '"$@" | head -1')
    crew.send("alice", "bob", "new")
    said = line(mail, '"$@" | cat')
    assert said.startswith("shown before, perhaps not seen: #1, #2 from alice")
    assert "\n1 letter follows: #3\n#3 from alice" in said
    assert states(crew) == ["read", "read", "shown"]


def test_again_prints_in_whole_what_was_named(mail, crew):
    send(crew, 3)
    line(mail, '"$@" | head -1')
    mail("inbox", "--as", "bob")
    assert states(crew) == ["read"] * 3
    crew.send("alice", "bob", "new")
    found = mail("inbox", "--again", "--as", "bob", "--json").json()
    assert [one["body"] for one in found["messages"]] == ["n0", "n1", "n2"]
    assert (found["ids"], found["unread"]) == ([1, 2, 3], 1)
    mail("ack", "3", "--as", "bob")
    assert "#3 from" not in mail("inbox", "--again", "--as", "bob").stdout
    assert "n1" in mail("inbox", "--again", "--as", "bob").stdout


def test_again_prints_what_was_not_named_yet_and_makes_it_read(mail, crew):
    send(crew, 2)
    line(mail, '"$@" | head -1')
    assert "n1" in line(mail, '"$@" | cat', "inbox", "--again", "--as", "bob")
    assert states(crew) == ["read"] * 2


def test_again_has_pages_too(mail, crew):
    send(crew, 5, 3000)
    crew.do("bob", inbox.mark_shown, [1, 2, 3, 4, 5], reader(crew, "another"))
    ran = mail("inbox", "--again", "--as", "bob")
    assert ran.stdout.startswith("2 letters follow: #1, #2\n")
    assert ran.stderr == "more: xats inbox --again --since 2 --as bob\n"
    assert mail("inbox", "--again", "--since", "2", "--as", "bob", "--json").json()["ids"] == [3, 4]
    assert states(crew) == ["read"] * 4 + ["shown"]


def test_quiet_names_nothing_and_so_it_proves_nothing(mail, crew):
    send(crew, 1)
    mail("inbox", "--as", "bob", "-q")
    assert mail("inbox", "--as", "bob", "-q").stdout == ""
    assert states(crew) == ["shown"]


def test_looking_proves_nothing(mail, crew):
    send(crew, 1)
    mail("inbox", "--as", "bob")
    assert "shown before" in mail("inbox", "--peek", "--as", "bob").stdout
    found = mail("inbox", "--all", "--as", "bob", "--json").json()
    assert [(one["state"], one["read_at"]) for one in found["messages"]] == [("shown", None)]
    assert found["messages"][0]["shown_at"]
    assert states(crew) == ["shown"]


@pytest.mark.parametrize("words", [["reply", "1", "done"], ["ack", "1"], ["show", "1"], ["thread", "1"]])
def test_naming_its_id_makes_it_read(mail, crew, words):
    send(crew, 2)
    line(mail, '"$@" | head -1; "$@" > /dev/null', "inbox", "--as", "bob")
    mail(*words, "--as", "bob")
    assert states(crew) == ["replied" if words[0] == "reply" else "read", "shown"]


def test_the_rest_of_a_thread_is_only_shown(mail, crew):
    crew.send("alice", "bob", "one")
    crew.send("alice", "bob", "two", reply_to=1)
    mail("thread", "1", "--as", "bob")
    assert states(crew) == ["read", "shown"]


def test_a_send_that_waits_is_content_with_shown(mail, crew):
    running = mail.start("send", "bob", "hi", "--as", "alice", "--wait", "20s", "--json")
    running.stdout.readline()
    mail("inbox", "--as", "bob")
    assert mail.end(running).code == 0
    assert states(crew) == ["shown"]


@pytest.mark.parametrize("redirection", ["", " | cat"])
def test_on_a_terminal_written_is_read(mail, crew, redirection):
    send(crew, 1)
    said = mail.on_terminal(command=[*BASH, f'"$@"{redirection}', "bash", *mail.words, "inbox", "--as", "bob"])
    assert ("letter follows" in said) == bool(redirection)
    assert states(crew) == ["shown" if redirection else "read"]


# -- the command line --------------------------------------------------------------------------------------------------


def reader(crew, line: str = "p1", *above: str, stays: bool = False) -> inbox.Reader:
    return inbox.command_reader(crew.agent("bob"), line, ("p0", line, *above), stays=stays)


def test_a_shell_that_stays_open_has_other_lines_after_a_while(mail, crew):
    send(crew, 1)
    crew.do("bob", inbox.mark_shown, [1], reader(crew, stays=True))
    (shown,) = crew.see("bob", inbox.shown, 5)
    for now, other in ((shown.at, False), (shown.at + 59_999, False), (shown.at + 60_000, True), (shown.at - 1, True)):
        assert reader(crew, stays=True).is_other(shown, now) == other
        assert reader(crew, "p2", "p1").is_other(shown, now) == other  # a line that it runs by another shell
        assert reader(crew, "p2", stays=True).is_other(shown, now)


def test_a_line_is_known_by_any_process_that_its_commands_run_in(mail, crew):
    send(crew, 1)
    crew.do("bob", inbox.mark_shown, [1], reader(crew, "p1", "p2"))
    (shown,) = crew.see("bob", inbox.shown, 5)
    for later in (shown.at, shown.at + 10 * 60_000):
        assert not reader(crew, "p2", "p1").is_other(shown, later)
        assert not reader(crew, "p2", "p1", stays=True).is_other(shown, later)
        assert reader(crew, "p2").is_other(shown, later)


def test_the_last_command_that_takes_the_place_of_its_shell_belongs_to_the_line(mail, crew):
    """Also where the shell of the line runs in a shell that stays open, as in a terminal."""
    send(crew, 2)
    script = 'bash -c \'"$@" | head -1 > /dev/null; exec "$@" > /dev/null\' bash "$@"; echo done; cat > /dev/null'
    words = [*mail.words, "inbox", "--as", "bob"]
    shell = mail.start(command=["bash", "--norc", "-s", *words], stdin=subprocess.PIPE)
    assert shell.stdin
    assert shell.stdout
    shell.stdin.write(f"{script}\n".encode())
    shell.stdin.flush()
    assert shell.stdout.readline() == b"done\n"
    assert states(crew) == ["shown"] * 2
    shell.stdin.close()


@pytest.mark.parametrize(
    "argv, one",
    [
        (["bash", "-c", "xats inbox"], True),
        (["/bin/sh", "-lc", "xats inbox"], True),
        (["bash", "-o", "pipefail", "-ec", "xats inbox"], True),
        (["bash", "--norc", "-c", "x"], True),
        (["zsh", "+o", "x", "-c", "x"], True),
        (["bash"], False),
        (["-bash"], False),
        (["bash", "script.sh", "-c"], False),
        (["bash", "--rcfile", "-c", "-i"], False),
        ([], False),
    ],
)
def test_a_shell_with_a_line_runs_it_alone(argv, one):
    assert command_line.runs_one_line(argv) == one


def test_all_that_an_agents_process_runs_in_one_call_is_one_line(mail, crew, tmp_path):
    """Between the agent and the shell of its call there may be other programs, and below that shell, too."""
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"mail:\n\t@{' '.join(mail.words)} inbox --as bob | head -1\n")
    send(crew, 2)
    agent = tmp_path / "agent.py"
    agent.write_text(
        "import os, subprocess, sys\n"
        "from xats.base import process\n"
        "print(process.started(os.getpid()), flush=True)\n"
        "for script in sys.stdin:\n"
        "    print(subprocess.run(['bash', '-c', script, 'bash', *sys.argv[1:]]).returncode, flush=True)\n"
    )
    command = [sys.executable, str(agent), *mail.words]
    running = mail.start(command=command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seat = agents.Seat("h", running.pid, int(running.stdout.readline()))
    crew.register("bob", client="generic", seat=seat)

    def call(script: str) -> None:
        running.stdin.write(f"{script}\n".encode())
        running.stdin.flush()
        assert running.stdout.readline() == b"0\n"

    call(f'make -f {makefile} > /dev/null; "$@" inbox --as bob > /dev/null')
    assert states(crew) == ["shown"] * 2
    call('"$@" inbox --as bob > /dev/null')
    assert states(crew) == ["read"] * 2
    running.stdin.close()


# -- how much ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_page_is_as_long_as_programs_show(mail, crew, form):
    send(crew, 5, 3000)
    ran = mail("inbox", "--as", "bob", *form)
    assert len(ran.stdout) < 8700
    assert states(crew) == ["shown"] * 2 + ["unread"] * 3
    if form:
        found = json.loads(ran.stdout)
        assert list(found)[:2] == ["schema_version", "ids"]
        assert (found["ids"], found["has_more"], found["unread"]) == ([1, 2], True, 3)
        assert found["shown_before"] == []
        more = mail("inbox", "--as", "bob", "--json").json()
        assert more["ids"] == [3, 4]
        assert more["shown_before"] == [{"id": 1, "from": "alice@crew"}, {"id": 2, "from": "alice@crew"}]
    else:
        assert ran.stdout.startswith("2 letters follow: #1, #2; 3 more: xats inbox --as bob\n")
        assert ran.stderr == "3 more: xats inbox --as bob\n"
    assert len(mail("inbox", "--all", "--as", "bob", "--json").json()["messages"]) == 5


def test_a_letter_that_is_longer_than_a_page_comes_alone(mail, crew):
    crew.send("alice", "bob", "é" * 20_000)
    crew.send("alice", "bob", "short")
    said = mail("inbox", "--as", "bob").stdout
    assert said.startswith("1 letter follows: #1; 1 more: xats inbox --as bob\nlong: #1, 20,000 characters; ")
    assert states(crew) == ["shown", "unread"]


def test_the_size_of_a_page_can_be_set(mail, crew):
    send(crew, 5, 3000)
    assert len(mail("inbox", "--as", "bob", "--json", env={"XATS_INBOX_BUDGET": "100"}).json()["ids"]) == 1
    assert len(mail("inbox", "--as", "bob", "--json", env={"XATS_INBOX_BUDGET": "0"}).json()["ids"]) == 4
    ran = mail("inbox", "--as", "bob", env={"XATS_INBOX_BUDGET": "lots"}, code=2)
    assert "XATS_INBOX_BUDGET must be a number of bytes, not 'lots'." in ran.stderr


def test_all_mail_and_mail_shown_before_are_two_wishes(mail):
    assert "--again" in mail("inbox", "--all", "--again", "--as", "bob", code=2).stderr


# -- every write -------------------------------------------------------------------------------------------------------

BUFFERED = [{"PYTHONUNBUFFERED": None}, {"PYTHONUNBUFFERED": "1"}]
PRINTS = [["inbox", "--as", "bob"], ["inbox", "--as", "bob", "--json"], ["show", "1", "--as", "bob"]]
PRINTS += [["thread", "1", "--as", "bob"], ["inbox", "--help"], ["--help"], ["db", "export", "messages", "--csv"]]
PRINTS += [["db", "export", "messages"], ["db", "query", "select * from messages"], ["events", "-n", "50", "--jsonl"]]
PRINTS += [["schema", "inbox"], ["agents"]]


@pytest.mark.parametrize("env", BUFFERED, ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", PRINTS, ids=" ".join)
def test_a_disk_that_is_full_after_some_bytes_is_a_failure(mail, crew, tmp_path, words, env):
    """A file that may not grow further takes a part of a write, as a disk does that becomes full."""
    crew.send("alice", "bob", "x" * 5000)
    most = 8 << 20
    target = tmp_path / "out"
    with open(target, "wb") as file:
        file.truncate(most - 40)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    with open(target, "ab") as file:
        ran = mail.end(mail.start(*words, env=env, stdout=file, preexec_fn=limit))
    assert ran.code == 1
    assert "File too large" in ran.stderr
    assert os.path.getsize(target) == most
    assert states(crew) == ["unread"]


@pytest.mark.parametrize("env", BUFFERED, ids=["buffered", "unbuffered"])
def test_a_reader_that_left_has_read_nothing(mail, crew, env):
    for _ in range(3):
        crew.send("alice", "bob", "x" * 200_000)
    running = mail.start("inbox", "--as", "bob", env={**env, "XATS_INBOX_BUDGET": "0"})
    assert len(os.read(running.stdout.fileno(), 100)) == 100
    running.stdout.close()
    assert running.wait(20) == 0
    assert states(crew) == ["unread"] * 3
    assert crew.rows("select 1 from deliveries where claim is not null") == []


@pytest.mark.parametrize("env", BUFFERED, ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", [["inbox", "--as", "bob", "--json"], ["db", "export", "messages"]], ids=" ".join)
def test_a_pipe_that_does_not_block_is_waited_for(mail, crew, words, env):
    for _ in range(5):
        crew.send("alice", "bob", "x" * 50_000)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    running = mail.start(*words, env={**env, "XATS_INBOX_BUDGET": "0"}, stdout=writing)
    os.close(writing)
    parts = [os.read(reading, 4096)]
    while parts[-1]:
        parts.append(os.read(reading, 4096))
    os.close(reading)
    assert mail.end(running).code == 0
    assert b"".join(parts).count(b"x" * 50_000) == 5
