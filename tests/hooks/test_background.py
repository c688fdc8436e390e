"""Sessions that a helper process of their client runs: they inherit the names of another session, and not its seat.

The helpers of Claude Code are shells here that have its command lines, its files are written as 2.1.332 writes them;
tests/clients/real_background.py has the program itself.
"""

import contextlib
import json
import os
import shlex
import signal
import sys

import pytest

from tests.conftest import HOST
from tests.hooks.test_run import Desk, fake_claude, hooked, inside
from xats.base import process
from xats.base.pane import Pane
from xats.core.agents import agents

PANE = Pane("/nowhere/tmux", 1, 1, "%7", 1, "/dev/null")
ENV = {"XATS_AGENT": "dave@crew", "XATS_NAME_NEW": "1", "TMUX": "/nowhere/tmux,1,0", "TMUX_PANE": "%7"}
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@pytest.fixture
def desk(xats):
    made = Desk(xats)
    yield made
    made.store.close()


@pytest.fixture
def dave(desk):
    """dave, who has the session `old` in a pane; its process has ended."""
    gone = desk.xats.start(command=["true"])
    seat = agents.Seat(HOST, gone.pid, process.started(gone.pid) or 1, "old", PANE)
    gone.wait(20)
    desk.team.register("dave", client="claude-code", seat=seat)
    desk.team.send("bob", "dave", "for dave")
    return desk


def background(desk, line: str, terminal: bool = False) -> list[str]:
    """Return the command of a background session of Claude Code, below its helper, which runs a line of shell."""
    program = fake_claude(desk.xats.folder)
    spare = shlex.join([program, "-c", f"{line}; true", "--bg-spare", "/s/claim.sock"])
    if terminal:
        spare = f"{shlex.quote(sys.executable)} -c {shlex.quote(TERMINAL)} {spare}"
    return [program, "-c", f"{spare}; true", "--bg-pty-host", "/s/pty.sock", "200", "50", "--", program, "--bg-spare"]


def helped(desk, line: str, env=None, terminal: bool = False) -> str:
    """Run a line of shell as a background session of Claude Code; return what it says."""
    ran = desk.xats.run(background(desk, line, terminal), env={**ENV, **(env or {})}, start_new_session=True)
    assert ran.stderr == b""
    return ran.stdout.decode()


def tool(desk, line: str, session: str) -> str:
    """Return a line of shell that runs a verb as a tool of that session."""
    marks = f"CLAUDECODE=1 CLAUDE_CODE_SESSION_ID={session}"
    return f"{marks} {shlex.join(desk.xats.words)} {line} 2>&1"


def roster(desk, session: str, source: str, **launch) -> None:
    """Have Claude Code's daemon note where a session comes from."""
    config = desk.xats.home / ".claude"
    (config / "daemon").mkdir(parents=True, exist_ok=True)
    dispatch = {"source": source, "launch": launch}
    workers = {session[:8]: {"sessionId": session, "replPid": 7, "dispatch": dispatch}}
    (config / "daemon" / "roster.json").write_text(json.dumps({"proto": 1, "workers": workers}))


def moved(desk, session: str, old: str = "old") -> None:
    """Have it noted that the session `old` goes on as `session`, as after /background."""
    path = desk.xats.home / ".claude" / "projects" / "-crew" / f"{old}.jsonl"
    roster(desk, session, "slash", mode="resume", sessionId=str(path), fork=True)


def seat_of(desk, name: str = "dave") -> agents.Seat:
    return desk.team.see(name, agents.current_session).seat


def start_and_prompt(desk, session: str = "new", source: str = "startup") -> str:
    return f"{hooked(desk, 'session start', session=session, source=source)}; {hooked(desk, 'prompt', session=session)}"


# -- a new session ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [False, True])
def test_a_new_session_in_the_background_takes_no_seat(dave, terminal):
    """Not even one that is free, and no name of its own; a name by hand is its own for good."""
    roster(dave, "new", "shell", mode="prompt", args=["--session-id", "new", "hello"])
    assert helped(dave, start_and_prompt(dave), terminal=terminal) == ""
    assert dave.unread("dave") == 1
    assert seat_of(dave).client_session == "old"
    assert dave.store.read(lambda tx: agents.find(tx, "crew", "claude-1")) is None
    assert dave.log == ""


def test_a_spare_takes_no_seat_that_was_never_taken(desk):
    roster(desk, "new", "spare", mode="prompt", args=["--session-id", "new", "--agent", "claude"])
    desk.team.add("dave")
    desk.team.send("bob", "dave", "for dave")
    assert helped(desk, start_and_prompt(desk)) == ""
    assert helped(desk, start_and_prompt(desk), {"XATS_AGENT": "nobody@crew"}) == ""
    assert desk.unread("dave") == 1
    assert desk.store.read(lambda tx: agents.find(tx, "crew", "nobody")) is None


@pytest.mark.parametrize("named", [True, False])
def test_below_the_session_that_started_the_daemon_it_is_another_too(desk, named):
    """The daemon is a child of that one, as long as it lives, and so is all that the daemon runs."""
    desk.team.add("dave")
    roster(desk, "new", "shell", mode="prompt", args=["--session-id", "new"])
    said_by = f"{tool(desk, 'whoami --team crew', 'new')}; {tool(desk, 'register erin --team crew', 'new')}"
    daemon = shlex.join(["setsid", "-w", *background(desk, f"{start_and_prompt(desk)}; {said_by}; echo $$")])
    line = f"{hooked(desk, 'session start', session='old')}; {'' if named else 'unset XATS_AGENT;'} {daemon}; echo $$"
    said = inside(desk, line, {**ENV, "XATS_NAME_NEW": ""}).stdout.decode()
    assert said.count("You are dave@crew") == 1
    assert ("XATS_AGENT=dave@crew was inherited" in said) == named
    assert "dave in team" not in said
    spare, own = said.split()[-2:]
    assert (seat_of(desk).client_session, str(seat_of(desk).pid)) == ("old", own)
    assert (seat_of(desk, "erin").client_session, str(seat_of(desk, "erin").pid)) == ("new", spare)


def test_it_says_who_it_is_by_hand(dave):
    roster(dave, "new", "shell", mode="prompt", args=[])
    line = f"{tool(dave, 'register carol --team crew', 'new')}; {start_and_prompt(dave)}; {tool(dave, 'whoami', 'new')}"
    said = helped(dave, line)
    assert "You are carol@crew" in said
    assert "carol in team crew (claude-code): this client session is bound to it" in said
    assert "for dave" not in said
    assert (seat_of(dave, "carol").client_session, seat_of(dave, "carol").pane) == ("new", None)


def test_a_tool_of_a_new_session_is_not_the_agent_whose_name_it_inherited(dave):
    said = helped(dave, f"{tool(dave, 'whoami', 'new')}; {tool(dave, 'inbox --peek', 'new')}; echo done")
    assert said.count("XATS_AGENT=dave@crew was inherited from another session") == 2
    assert said.count("xats register NEW_NAME") == 2
    assert "for dave" not in said
    assert "done" in said
    assert "dave" in helped(dave, tool(dave, "whoami --as dave", "new"))  # who says so by a flag means it


# -- a session that was moved ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env", [{}, {"XATS_AGENT": ""}])
def test_a_session_that_was_moved_stays_the_agent(dave, env):
    """As by /background: it has another id, another process, and no pane."""
    moved(dave, "new")
    said = helped(dave, f"echo $$; {start_and_prompt(dave, source='fork')}; {tool(dave, 'whoami', 'new')}", env)
    assert said.count("You are dave@crew") == 1
    assert "for dave" in said
    assert "dave in team crew" in said
    seat = seat_of(dave)
    assert (str(seat.pid), seat.client_session, seat.pane) == (said.partition("\n")[0], "new", None)
    assert dave.unread("dave") == 0
    assert dave.log == ""


def test_the_process_that_shows_the_agents_view_loses_the_seat(desk):
    """It lives on in its pane, in which another session may be shown by now."""
    parked = desk.xats.start(command=["sleep", "60"])
    seat = agents.Seat(HOST, parked.pid, process.started(parked.pid), "old", PANE)
    desk.team.register("dave", client="claude-code", seat=seat)
    moved(desk, "new")
    said = helped(desk, start_and_prompt(desk, source="fork"))
    assert "You are dave@crew" in said
    assert (seat_of(desk).client_session, seat_of(desk).pane) == ("new", None)
    assert "another session" in inside(desk, tool(desk, "inbox", "old"), ENV).stdout.decode().lower()


def test_a_session_without_a_conversation_is_moved_too(dave):
    roster(dave, "new-1-2-3", "slash", mode="prompt", args=["--session-id", "new-1-2-3"])
    sessions = dave.xats.home / ".claude" / "sessions"
    sessions.mkdir()
    (sessions / "9.json").write_text("{")  # torn
    (sessions / "8.json").write_text(json.dumps({"pid": 8, "sessionId": "other", "parkedJobId": "other"}))
    (sessions / "7.json").write_text(json.dumps({"pid": 7, "sessionId": "old", "parkedJobId": "new-1-2-"}))
    assert "You are dave@crew" in helped(dave, start_and_prompt(dave, "new-1-2-3"))
    assert seat_of(dave).client_session == "new-1-2-3"


@pytest.mark.parametrize("source", ["slash", "shell"])
def test_a_copy_is_a_new_session(dave, source):
    """As by /fork, which runs a copy of the conversation, and by `claude --bg --resume OLD --fork-session`."""
    folder = "jobs/new/parent-transcript" if source == "slash" else "projects/-crew/old"
    path = str(dave.xats.home / ".claude" / f"{folder}.jsonl")
    roster(dave, "new", source, mode="resume", sessionId=path, fork=True)
    assert helped(dave, start_and_prompt(dave, source="fork")) == ""
    assert seat_of(dave).client_session == "old"


def test_a_session_is_moved_only_from_where_the_agent_is_now(dave):
    """Who has taken the seat meanwhile keeps it."""
    dave.team.register("dave", seat=agents.Seat(HOST, client_session="newer"))
    moved(dave, "new")
    assert helped(dave, start_and_prompt(dave, source="fork")) == ""
    assert seat_of(dave).client_session == "newer"


def test_what_the_daemon_notes_late_is_waited_for(dave):
    moved(dave, "new")
    path = dave.xats.home / ".claude" / "daemon" / "roster.json"
    noted = path.read_text()
    path.write_text("{")
    late = f"(sleep 0.1; printf %s {shlex.quote(noted)} >{shlex.quote(str(path))}) & "
    assert "You are dave@crew" in helped(dave, late + hooked(dave, "session start", session="new", source="fork"))


def test_a_session_in_the_background_keeps_its_seat(dave):
    """Stopped and started again it has the same id, cleared it has the same process."""
    moved(dave, "new")
    helped(dave, start_and_prompt(dave, source="fork"))
    (dave.xats.home / ".claude" / "daemon" / "roster.json").unlink()
    cleared = hooked(dave, "session start", session="newer", source="clear")
    again = hooked(dave, "session start", session="new", source="resume")
    said = helped(dave, f"{again}; {cleared}; {tool(dave, 'whoami', 'newer')}")
    assert said.count("You are dave@crew") == 2
    assert "dave in team crew" in said
    assert seat_of(dave).client_session == "newer"


@pytest.mark.parametrize("text", ["", "[]", '{"workers": [1]}', '{"workers": {"new": {"sessionId": "new"}}}'])
def test_a_list_that_is_not_as_it_was_seen_moves_nothing(dave, text):
    moved(dave, "new")
    (dave.xats.home / ".claude" / "daemon" / "roster.json").write_text(text)
    assert helped(dave, start_and_prompt(dave, source="fork")) == ""


# -- other programs ----------------------------------------------------------------------------------------------------


def test_a_server_without_a_terminal_hands_its_names_on(dave):
    """What it starts is in a process group of its own and has its environment; a name that is given there counts."""
    program = fake_claude(dave.xats.folder, "qwen")
    start = hooked(dave, "session start", "qwen", "new")
    child = shlex.join(["setsid", "-w", program, "-c", f"{start}; true"])
    ran = dave.xats.run([program, "-c", f"{child}; true", "serve"], env=ENV, start_new_session=True)
    assert ran.stdout == b""
    assert "XATS_AGENT was inherited" in dave.log
    given = f"XATS_AGENT=erin@crew TMUX_PANE= XATS_NAME_NEW= {child}; true"
    ran = dave.xats.run([program, "-c", given, "serve"], env=ENV, start_new_session=True)
    assert b"You are erin@crew" in ran.stdout


def test_a_program_that_has_lost_its_terminal_and_its_parent_takes_no_seat(dave, until):
    done, answer = dave.xats.folder / "done", dave.xats.folder / "answer"
    program = fake_claude(dave.xats.folder, "qwen")
    orphaned = "while [ $(ps -o ppid= -p $$) = $PARENT ]; do sleep 0.02; done"
    line = f"exec >{answer} 2>&1; {orphaned}; {hooked(dave, 'session start', 'qwen', 'new')}; touch {done}"
    daemon = shlex.join(["setsid", program, "-c", line])
    pid = int(
        dave.xats.run(["/bin/sh", "-c", f"PARENT=$$ {daemon} </dev/null >/dev/null 2>&1 & echo $!"], env=ENV).stdout
    )
    try:
        until(done.exists, 30)
        assert answer.read_text() == ""
        assert "XATS_AGENT was inherited" in dave.log
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# -- a command in another session --------------------------------------------------------------------------------------


def test_the_name_of_another_living_session_is_no_name_for_this_one(desk):
    """As in a program that dave runs, or in Codex's daemon: the name was inherited, and dave is another session."""
    living = desk.xats.start(command=["sleep", "60"])
    seat = agents.Seat(HOST, living.pid, process.started(living.pid), "s9")
    desk.team.register("dave", client="claude-code", seat=seat)
    name = {"XATS_AGENT": "dave@crew"}
    for mark in ("CLAUDE_CODE_SESSION_ID", "CODEX_THREAD_ID", "QWEN_CODE_SESSION_ID"):
        error = desk.xats("whoami", "--json", env={**name, mark: "other"}, code=4).error()
        assert error["code"] == "refused"
        assert f"another session is dave (pid {living.pid})" in error["message"]
        assert "xats register NEW_NAME" in error["hint"]
    for env in ({}, {"CLAUDE_CODE_SESSION_ID": "s9"}):  # a script, dave
        assert desk.xats("whoami", "-q", env={**name, **env}).stdout == "dave\n"
    assert desk.xats("whoami", "-q", env={**name, "CLAUDE_CODE_SESSION_ID": "s1"}).stdout == "alice\n"
    living.kill()
    living.wait(20)
    assert desk.xats("whoami", "-q", env={**name, "CLAUDE_CODE_SESSION_ID": "other"}).stdout == "dave\n"


def test_a_new_session_of_the_same_process_is_still_the_agent(desk):
    """As after /clear, before a hook has said so; without hooks nothing says so."""
    first = hooked(desk, "session start", session="n1")
    said = inside(desk, f"{first}; {tool(desk, 'whoami', 'n2')}", {"XATS_AGENT": "dave@crew"}).stdout.decode()
    assert "dave in team crew" in said
