"""`xats launch` in real panes, with stand-ins for the programs that note how they were started."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

import psutil
import pytest

from tests.support.viewer import Viewer
from tests.support.world import Tmux, until
from xats.core.agents import agents

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")

# A stand-in notes its arguments, its environment and itself, and ends with 7 when it is told to.
STAND_IN = f"""#!{sys.executable}
import json, os, sys, time
me, folder = os.path.basename(sys.argv[0]), os.environ["RECORD"]
told = dict(argv=sys.argv[1:], env=dict(os.environ), pid=os.getpid(), ppid=os.getppid(), cwd=os.getcwd())
if not os.isatty(0):
    told["stdin"] = sys.stdin.read()
with open(f"{{folder}}/.{{me}}", "w") as file:
    json.dump(told, file)
os.rename(f"{{folder}}/.{{me}}", f"{{folder}}/{{me}}-{{told['pid']}}.json")
while not os.path.exists(f"{{folder}}/{{me}}.end"):
    time.sleep(0.02)
sys.exit(7)
"""


class Office:
    """Panes in which lines of shell run, stand-ins for the programs, and what became of them."""

    def __init__(self, xats, tmux, folder) -> None:
        self.xats, self.tmux = xats, tmux
        self.bin, self.record = folder / "bin", folder / "record"
        self.bin.mkdir()
        self.record.mkdir()
        for name in ("claude", "codex", "gemini", "opencode"):
            self.stand_in(name)
        xats.install(self.bin)
        self.command = shlex.join(xats.words)
        path = f"{self.bin}:/usr/local/bin:/usr/bin:/bin"
        xats.environ.update(PATH=path, RECORD=str(self.record))
        xats.environ.pop("TMPDIR", None)
        self.runs = 0
        self.seen: set = set()

    def stand_in(self, name, text=STAND_IN) -> str:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o700)
        return str(path)

    def run(self, line: str, pane: str | None = None, **env) -> tuple[str, int]:
        """Run a line of shell in a pane, a new one by default, in which `xats` is xats; return (pane, number)."""
        self.runs += 1
        out = self.record / f"{self.runs}"
        variables = "".join(f"{name}={shlex.quote(value)} " for name, value in self.xats.env(env).items())
        script = self.record / f"{self.runs}.sh"
        script.write_text(
            f'xats() {{ {self.command} "$@"; }}\n{{ {line}\n}} 2>{out}.err >{out}.out; echo $? >{out}.rc\n'
        )
        inner = (
            f"cd {shlex.quote(str(self.xats.folder))}; env -i TMUX=$TMUX TMUX_PANE=$TMUX_PANE {variables}sh {script}"
        )
        if pane is None:
            words = ("new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "keep:", "exec sh")
            pane = self.tmux.cmd(*words).strip()
        self.tmux.cmd("send-keys", "-t", pane, "-l", inner)
        self.tmux.cmd("send-keys", "-t", pane, "Enter")
        return pane, self.runs

    def started(self, name="claude") -> dict:
        """Return what the newest stand-in has noted, once it has."""

        def found():
            every = [path for path in self.record.glob(f"{name}-*.json") if path not in self.seen]
            return every[0] if every else None

        path = until(found, what=f"{name} to be started")
        self.seen.add(path)
        return json.loads(path.read_text())

    def end(self, *numbers: int, name="claude") -> int:
        """Let the stand-ins end; return the exit code of the last of the lines."""
        (self.record / f"{name}.end").touch()
        codes = [self.code(number) for number in numbers]
        (self.record / f"{name}.end").unlink()
        return codes[-1]

    def code(self, number: int) -> int:
        path = self.record / f"{number}.rc"
        until(lambda: path.exists() and path.read_text().endswith("\n"), what="the line to end")
        return int(path.read_text())

    def said(self, number: int) -> str:
        return (self.record / f"{number}.err").read_text()

    def agent(self, name: str) -> dict:
        return next((one for one in self.xats("agents", "--json").json()["agents"] if one["name"] == name), {})

    def reap(self) -> None:
        for path in self.record.glob("*.json"):
            pid = json.loads(path.read_text())["pid"]
            if psutil.pid_exists(pid) and str(self.bin) in " ".join(psutil.Process(pid).cmdline()):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def office(xats, tmp_path):
    folder = tempfile.mkdtemp(prefix="xl", dir="/tmp")
    tmux = Tmux(folder)
    made = Office(xats, tmux, tmp_path)
    yield made
    made.reap()
    tmux.stop()
    shutil.rmtree(folder, ignore_errors=True)


def files_of(folder) -> dict[str, bytes]:
    # Into -shm readers of a write-ahead log write too.
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {str(path): path.read_bytes() for path in found}


# -- what a person must know -------------------------------------------------------------------------------------------

FULL_SCREEN = r"""#!/bin/sh
printf '\033[?1049h\033[2J\033[HFULL SCREEN'
exec sleep 600
"""


def test_the_notes_stay_on_the_screen_before_a_program_draws_over_them(office, xats):
    """The program starts at once; a key ends the notice, and goes to the program."""
    office.stand_in("codex", FULL_SCREEN)
    viewer = Viewer(office.tmux.socket, "keep")
    try:
        variables = "".join(f"{name}={shlex.quote(value)} " for name, value in xats.env(None).items())
        line = f"exec env -i TMUX=$TMUX TMUX_PANE=$TMUX_PANE TERM=$TERM {variables} {office.command} launch codex"
        office.tmux.cmd("respawn-pane", "-k", "-t", "keep:", "-c", str(xats.folder), f"{line} --name amy")
        viewer.wait_for(b"above; any key goes on")
        viewer.type("x")
        viewer.wait_for(b"FULL SCREEN")
        said = viewer.shown
        assert said.index(b"amy registered") < said.index(b"notes above; any key goes on") < said.index(b"FULL SCREEN")
        assert b"the agent cannot send" in said
    finally:
        viewer.close()


# -- starting ----------------------------------------------------------------------------------------------------------


def test_the_program_takes_the_place_of_xats_and_is_registered(office, xats):
    before = files_of(xats.folder)
    options = "--name alice --role reviewer --tag gpu --cap rust --model opus"
    pane, number = office.run(f"echo $$; xats launch claude {options} -- -p 'hi there' --json")
    told = office.started()
    assert told["argv"][0] == "--settings"
    assert set(json.loads(told["argv"][1])) == {"hooks"}
    assert told["argv"][2:] == ["-p", "hi there", "--json"]
    assert told["env"]["XATS_AGENT"] == "alice@crew"
    assert told["env"]["XATS_HOME"] == xats.environ["XATS_HOME"]
    assert not {"XATS_DB", "XATS_TEAM"} & set(told["env"])
    assert told["cwd"] == str(xats.folder)
    assert told["ppid"] == int((office.record / f"{number}.out").read_text())  # nothing in between
    found = office.agent("alice")
    assert (found["client"], found["role"], found["model"]) == ("claude-code", "reviewer", "opus")
    assert (found["tags"], found["capabilities"]) == (["gpu"], ["rust"])
    assert (found["online"], found["pane"]["pane_id"]) == (True, pane)
    assert f"pid {told['pid']}" in found["detail"]
    assert office.tmux.cmd("show-options", "-p", "-v", "-t", pane, "@xats_agent").strip() == "alice"
    assert "alice registered in team crew (claude-code, session 1)" in office.said(number)
    assert office.end(number) == 7
    assert office.agent("alice")["online"] is False
    assert files_of(xats.folder) == before
    assert set(os.listdir(xats.home)) == {"xats"}


def test_a_program_that_will_not_find_xats_is_told_its_path(office, crew):
    program = os.path.join(os.path.dirname(sys.executable), "xats")
    if not os.path.exists(program):
        pytest.skip("xats is not installed beside this Python")
    (office.bin / "xats").unlink()
    _, number = office.run("xats launch claude --name alice")
    office.started()
    assert f"xats is not in the PATH of alice, so wakes and hooks name its path: {program}" in office.said(number)
    assert crew.see("alice", agents.current_session).xats_path == program
    office.end(number)


def test_codex_whose_login_shell_may_not_find_xats_is_told_its_path(office, crew):
    """It runs commands in a login shell, in whose PATH a folder of our own need not be."""
    _, number = office.run("xats launch codex --name alice")
    office.started("codex")
    assert "PATH of alice" not in office.said(number)
    assert "login shell" in office.said(number)
    assert crew.see("alice", agents.current_session).xats_path == str(office.bin / "xats")
    office.end(number, name="codex")


def test_the_store_and_the_team_are_kept(office, xats, tmp_path):
    _, number = office.run(f"xats launch claude --name alice --team Other --db {tmp_path}/o.db -q")
    told = office.started()
    assert told["env"]["XATS_AGENT"] == "alice@other"
    assert (told["env"]["XATS_TEAM"], told["env"]["XATS_DB"]) == ("other", f"{tmp_path}/o.db")
    assert office.said(number) == ""
    assert office.end(number) == 7


def test_a_name_is_found_where_none_is_given(office):
    pane, first = office.run("xats launch claude")
    assert office.started()["env"]["XATS_AGENT"] == "claude-1@crew"
    _, second = office.run("xats launch claude-code")
    assert office.started()["env"]["XATS_AGENT"] == "claude-2@crew"
    office.end(first, second)
    _, again = office.run("xats launch codex", pane)  # the agent of this pane, whatever program it is now
    assert office.started("codex")["env"]["XATS_AGENT"] == "claude-1@crew"
    assert office.agent("claude-1")["client"] == "codex"
    office.end(again, name="codex")
    _, named = office.run("xats launch claude", pane, XATS_AGENT="bob@shop")
    assert office.started()["env"]["XATS_AGENT"] == "bob@shop"
    office.end(named)


def test_a_person_does_not_become_a_program(office, crew):
    crew.add("dave", client="human")
    _, number = office.run("xats launch claude", XATS_AGENT="dave")
    assert office.started()["env"]["XATS_AGENT"] == "claude-1@crew"
    office.end(number)
    _, number = office.run("xats launch claude --name dave")
    assert office.code(number) == 4
    assert "dave is a person" in office.said(number)


def test_the_seat_of_the_shell_above_is_its_own(office):
    """Registered by hand in the shell, then launched there: it is the same place, and nobody is robbed."""
    pane, number = office.run("xats register alice --client generic")
    assert office.code(number) == 0
    _, number = office.run("xats launch claude", pane)
    told = office.started()
    assert told["env"]["XATS_AGENT"] == "alice@crew"
    assert f"pid {told['pid']}" in office.agent("alice")["detail"]
    office.end(number)


def test_a_name_that_lives_elsewhere_is_refused_before_anything_is_started(office):
    _, first = office.run("xats launch claude --name alice")
    told = office.started()
    _, second = office.run("xats launch claude --name alice")
    assert office.code(second) == 4
    assert f"pid {told['pid']}" in office.said(second)
    assert "take another --name, or say --takeover" in office.said(second)
    assert len(list(office.record.glob("claude-*.json"))) == 1
    _, third = office.run("xats launch claude --name alice --takeover")
    assert f"pid {office.started()['pid']}" in office.agent("alice")["detail"]
    office.end(first, third)


def test_what_is_ignored_here_is_not_ignored_there(office):
    """Python ignores SIGPIPE; a program that writes to `head` would never end."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("the signals that a process ignores are not told here")
    office.stand_in("claude", '#!/bin/sh\ngrep SigIgn /proc/self/status >"$RECORD/ignored"\n')
    _, number = office.run("xats launch claude")
    assert office.code(number) == 0
    assert int((office.record / "ignored").read_text().split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_what_is_piped_into_it_is_the_programs(office):
    _, number = office.run("echo some text | xats launch claude -- -p")
    assert office.started()["stdin"] == "some text\n"
    assert office.end(number) == 7


def test_a_daemon_that_is_started_is_nobodys_child(office, xats):
    _, number = office.run("xats launch claude --name alice", XATS_AUTOSTART="1")
    told = office.started()
    try:
        pid = until(lambda: xats("daemon", "status", "--json").json()["pid"], what="the daemon")
        assert psutil.Process(pid).ppid() != told["pid"]
        assert psutil.Process(told["pid"]).children(recursive=True) == []
    finally:
        xats("daemon", "stop")
    office.end(number)


def test_outside_tmux_it_works_and_says_so(office):
    _, number = office.run(
        "env -u TMUX -u TMUX_PANE sh -c '\"$@\"' - " + office.command + " launch claude --name alice"
    )
    assert office.started()["env"]["XATS_AGENT"] == "alice@crew"
    assert office.agent("alice")["pane"] is None
    assert office.agent("alice")["online"] is True
    assert "no tmux pane, so xats can type nothing: it gets its mail by its hooks" in office.said(number)
    office.end(number)


def test_who_has_neither_a_pane_nor_hooks_is_woken_by_nothing(office, xats):
    (office.record / "gemini.end").touch()
    said = xats("launch", "gemini", "--name", "alice", code=7).stderr
    assert "xats can type nothing: it has no hooks, so nothing wakes it" in said


def test_settings_in_a_file_stay_out_of_the_command_line(office, xats):
    """Everybody can read that one, and keys may stand in the file."""
    given = xats.folder / "my settings.json"
    given.write_text('{"env": {"KEY": "secret"}}')
    (office.record / "claude.end").touch()
    found = xats("launch", "claude", "--print", "--json", "--", "--settings", str(given)).json()
    assert "secret" not in str(found["command"])
    xats("launch", "claude", "--name", "alice", "--", "--settings", str(given), code=7)
    told = office.started()
    assert "secret" not in str(told["argv"])
    path = told["argv"][told["argv"].index("--settings") + 1]
    with open(path) as file:
        settings = json.load(file)
    assert settings["env"] == {"KEY": "secret"}
    assert settings["hooks"]["Stop"]
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert given.read_text() == '{"env": {"KEY": "secret"}}'


def test_the_file_that_opencode_reads_is_there(office, xats):
    _, number = office.run("xats launch opencode --name alice")
    told = office.started("opencode")
    (url,) = json.loads(told["env"]["OPENCODE_CONFIG_CONTENT"])["plugin"]
    path = url.removeprefix("file://")
    assert os.path.dirname(path) == os.path.join(xats.environ["XATS_HOME"], "launch")
    with open(path) as file:
        assert file.read().startswith("// xats hooks ")
    office.end(number, name="opencode")


def test_a_variable_of_the_launch_keeps_what_it_has_beside_the_hooks(office, xats):
    given = shlex.quote('OPENCODE_CONFIG_CONTENT={"model": "m", "plugin": []}')
    _, number = office.run(f"xats launch opencode --name alice --env {given}")
    content = json.loads(office.started("opencode")["env"]["OPENCODE_CONFIG_CONTENT"])
    assert content["model"] == "m"
    assert len(content["plugin"]) == 1
    office.end(number, name="opencode")


def test_a_hook_of_the_launch_finds_its_agent(office, crew):
    """The settings that the program was given, and its own process as it tells of a session."""
    script = """#!/bin/sh
printf %s "$2" >"$RECORD/settings"
hook=$(python3 -c '
import json, os
settings = json.load(open(os.environ["RECORD"] + "/settings"))
print(settings["hooks"]["SessionStart"][0]["hooks"][0]["command"])
')
printf %s '{"hook_event_name": "SessionStart", "session_id": "s1"}' | sh -c "$hook; true" >"$RECORD/answer"
echo $$ >"$RECORD/pid"
"""
    office.stand_in("claude", script)
    _, number = office.run("xats launch claude --name dave --role reviewer")
    assert office.code(number) == 0
    assert "You are dave@crew" in (office.record / "answer").read_text()
    session = crew.see("dave", agents.current_session)
    assert session.epoch == 1
    assert (session.seat.pid, session.seat.client_session) == (int((office.record / "pid").read_text()), "s1")


# -- refusing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def claude_above(office):
    """A shell that is called like the program."""
    (office.bin / "above").mkdir()
    (office.bin / "above" / "claude").symlink_to("/bin/sh")
    return str(office.bin / "above" / "claude")


def test_an_agent_does_not_launch_another_into_its_own_pane(office, claude_above):
    line = f"{claude_above} -c {shlex.quote(office.command + ' launch codex --name bob; exit $?')}"
    _, number = office.run(line)
    assert office.code(number) == 4
    assert office.said(number).startswith("xats: claude-code (pid ")
    assert "already occupies this pane and started this command." in office.said(number)
    assert "tmux split-window" in office.said(number)
    assert office.agent("bob") == {}
    assert not list(office.record.glob("codex-*.json"))


def test_the_marks_of_an_agent_program_count_unless_the_pane_is_our_own(office):
    """An agent that starts a tmux server leaves its marks in every pane of it."""
    marks = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s1", "CODEX_THREAD_ID": "t1"}
    _, number = office.run(f"env -u TMUX -u TMUX_PANE {office.command} launch codex", **marks)
    assert office.code(number) == 4
    assert "This looks like a tool call inside an agent program (found CLAUDE" in office.said(number)
    _, number = office.run("xats launch codex --name bob", **marks)
    assert not set(marks) & set(office.started("codex")["env"])
    assert office.agent("bob")["pane"] is not None
    office.end(number, name="codex")


def test_a_program_that_is_not_there(office, xats):
    ran = xats("launch", "qwen", code=3)
    assert ran.stderr == "xats: There is no program qwen in PATH.\n  npm install -g @qwen-code/qwen-code\n"
    assert xats("launch", "codx", "--print", code=3).stderr.endswith("did you mean codex?\n")
    assert xats("launch", "human", code=3).stderr.endswith(
        "copilot, cursor-agent, droid, gemini, kimi, opencode, qwen\n"
    )
    error = xats("launch", "aider", "--print", "--json", code=3).error()
    assert (error["code"], error["hint"]) == ("program_missing", "pipx install aider-chat")
    assert not os.path.exists(xats.path)


def test_a_client_of_ones_own(office, xats, tmp_path):
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "mine.toml").write_text('executables = ["my-agent"]\ninstall = "make my-agent"\n')
    env = {"XATS_CLIENTS": str(tmp_path / "clients")}
    assert xats("launch", "my-agent", env=env, code=3).stderr.endswith("\n  make my-agent\n")
    office.stand_in("my-agent")
    _, number = office.run("xats launch mine", **env)
    told = office.started("my-agent")
    assert (told["argv"], told["env"]["XATS_AGENT"]) == ([], "mine-1@crew")
    assert "mine has no hooks" in office.said(number)
    office.end(number, name="my-agent")


def test_a_launch_fills_the_seat_that_waits_for_it(office, xats):
    xats("seat", "kim", "--role", "qa", "--about", "tests")
    _, number = office.run("xats launch claude --name kim")
    assert office.started()["env"]["XATS_AGENT"] == "kim@crew"
    found = office.agent("kim")
    assert (found["role"], found["about"], found["expected_since"], found["client"]) == (
        "qa",
        "tests",
        None,
        "claude-code",
    )
    office.end(number)


def test_a_seat_waits_on_when_its_program_cannot_be_run(office, xats):
    xats("seat", "kim", "--role", "qa")
    office.stand_in("claude", "\x7fELF that is none")
    _, number = office.run("xats launch claude --name kim")
    assert office.code(number) == 1
    found = office.agent("kim")
    assert (found["role"], found["expected_since"] is not None, found["pane"]) == ("qa", True, None)


def test_a_launch_by_a_former_name_is_of_the_renamed_agent(office, xats):
    xats("register", "bob", "--no-pane", "--client", "claude-code")
    xats("agent", "rename", "bob", "builder", "--as", "bob")
    _, number = office.run("xats launch claude --name bob")
    assert office.started()["env"]["XATS_AGENT"] == "builder@crew"
    assert (office.agent("builder")["epoch"], office.agent("bob")) == (2, {})
    office.end(number)


def test_a_program_that_cannot_be_run_leaves_nobody(office, xats):
    office.stand_in("claude", "\x7fELF that is none")
    _, number = office.run("xats launch claude --name alice")
    assert office.code(number) == 1
    assert "cannot be run: Exec format error" in office.said(number)
    assert office.agent("alice") == {}


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["claude", "--json"], 2, "--json needs --print"),
        (["claude", "--name", "a b"], 2, "cannot be a name"),
        (["claude", "--tag", "a b"], 2, "cannot be a tag"),
        (["claude", "--wake", "loud"], 2, "one of: auto"),
        (["claude", "--writable-store"], 2, "sandbox of codex"),
        (["codex", "--print", "--", "-c", "hooks.Stop=[]"], 4, "hook install codex"),
        (["claude", "--print", "--", "--settings", "/nowhere"], 4, "does not exist"),
        ([], 2, "Missing argument"),
    ],
)
def test_bad_input(office, xats, words, code, said):
    assert said.lower() in xats("launch", *words, code=code).stderr.lower()
    assert not os.path.exists(xats.path)
    assert not list(office.record.glob("*.json"))


# -- printing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "opencode"])
def test_what_is_printed_can_be_run_by_a_shell(office, xats, name, tmp_path):
    extra = {"CLAUDECODE": "1", "GEMINI_CLI": "1"}
    words = ["launch", name, "--name", "alice", "--print", "--", "it's", "$HOME `x`\n"]
    said = xats(*words, env=extra).stdout
    assert not os.path.exists(xats.environ["XATS_HOME"])
    (office.record / f"{name}.end").touch()
    done = xats.run(["sh", "-c", said], env=extra)
    assert done.returncode == 7, done.stderr
    told = office.started(name)
    assert told["argv"][-2:] == ["it's", "$HOME `x`\n"]
    assert told["env"]["XATS_AGENT"] == "alice@crew"
    assert not set(extra) & set(told["env"])
    found = xats(*words[:5], "--json", *words[5:], env=extra).json()
    assert found["agent"] == "alice@crew"
    assert found["command"] == [str(office.bin / name), *told["argv"]]
    assert found["removed"] == list(extra)
    assert found["hooks"] == ("none" if name == "gemini" else "launch")
    for one in found["files"]:
        with open(one["path"]) as file:
            assert file.read().rstrip("\n") == one["text"].rstrip("\n")
    assert bool(found["files"]) == (name == "opencode")


def test_printing_knows_who_it_would_be_and_changes_nothing(office, xats, crew):
    crew.add("claude-1", client="claude-code")
    before = files_of(xats.home)
    found = xats("launch", "claude", "--print", "--json").json()
    assert found["agent"] == "claude-2@crew"
    assert files_of(xats.home) == before


def test_an_option_of_the_launch_does_not_bind_the_program(office, xats):
    found = xats("launch", "claude", "--print", "--json", "--no-migrate").json()
    assert "XATS_NO_MIGRATE" in found["removed"]
    found = xats("launch", "claude", "--print", "--json", env={"XATS_NO_MIGRATE": "1"}).json()
    assert "XATS_NO_MIGRATE" not in found["removed"]


def test_what_cannot_be_printed_is_said(office, xats):
    assert not [one for one in xats("launch", "claude", "--print", "--json").json()["notes"] if "--role" in one]
    assert "--role" in xats("launch", "claude", "--print", "--role", "lead").stderr


def test_codex_is_told_of_the_store_unless_it_may_write_it(office, xats):
    found = xats("launch", "codex", "--print", "--json").json()
    assert any("--writable-store" in note for note in found["notes"])
    found = xats("launch", "codex", "--print", "--json", "--writable-store").json()
    at = found["command"].index("--add-dir")
    assert found["command"][at + 1] == xats.environ["XATS_HOME"]
    assert not any("--writable-store" in note for note in found["notes"])
    (xats.home / ".codex").mkdir()
    roots = json.dumps([xats.environ["XATS_HOME"]])
    (xats.home / ".codex" / "config.toml").write_text(f"[sandbox_workspace_write]\nwritable_roots = {roots}\n")
    assert not any("--writable-store" in note for note in xats("launch", "codex", "--print", "--json").json()["notes"])


def test_every_program_has_a_line_that_installs_it():
    from xats.clients import registry

    profiles = [registry.find(name, {"XATS_CLIENTS": "/nowhere"}) for name in registry.BUILT_IN]
    assert [one.name for one in profiles if bool(one.executables) != bool(one.install)] == []
    assert subprocess.run(["sh", "-n", "-c", "\n".join(one.install for one in profiles)], check=False).returncode == 0
