"""The live screen on real terminals: in a tmux pane of a private server, and on a bare pty whose every byte is kept."""

import fcntl
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

import psutil
import pytest

from tests.conftest import LIMIT
from tests.support.world import World, until
from xats.core.waking import pauses

HOSTILE = "[bold]x[/] \x1b]0;pwned\x07 \x1b[31mred \x9b31m \x1bP+q\x1b\\ \u202egnp\u2066 \x08\x0c\x7f \u2028"


# -- where it does not run ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["top"], ["top", "--team", "x"]])
def test_without_a_terminal_it_says_what_to_use_instead(xats, words):
    ran = xats(*words, code=2)
    assert ran.stdout == ""
    agents = " ".join(["xats agents", *words[1:]])
    assert ran.stderr == f"xats: xats top needs a terminal: it draws on it and reads keys from it.\n  try: {agents}\n"
    assert not os.path.exists(xats.path)


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_dumb_terminal_is_refused_and_not_drawn_on(xats, term):
    shown = xats.on_terminal("top", env={"TERM": term}, code=2)
    assert shown == "xats: This terminal cannot draw a screen (TERM=dumb).\n  try: xats agents\n"


def test_it_prints_no_json_and_says_what_does(xats):
    ran = xats("top", "--json", code=2)
    assert ran.error()["code"] == "usage"
    assert ran.error()["hint"] == "xats agents --json"


def test_a_team_that_is_no_name_is_an_error_and_no_screen(xats):
    shown = xats.on_terminal("top", "--team", "a b", code=2)
    assert "\x1b" not in shown
    assert "xats: " in shown


def test_only_this_verb_loads_textual(xats, crew, tmp_path):
    """Not even this one does, before it knows that there is a terminal."""
    crew.send("alice", "bob")
    show = (
        "import sys; sys.argv = ['xats', *sys.argv[1:]]; from xats.__main__ import main; code = main();"
        " assert 'xats.cli.kit.lane' in sys.modules;"
        " print('textual' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    lines = ["agents", "inbox --as bob", "status 1 --as alice", "events", "dead list", "daemon status", "--help", "top"]
    for line in lines:
        done = xats.run([sys.executable, "-P", "-c", show, *line.split()])
        assert done.stderr.decode().split("\n")[-2] == "False", (line, done.stderr)
    seen = xats.on_terminal(command=[sys.executable, "-P", "-c", show, "agents"])
    assert seen.rstrip().endswith("False")


# -- a bare pty --------------------------------------------------------------------------------------------------------


class Terminal:
    """The program on a terminal of its own, and every byte that it wrote there."""

    def __init__(self, xats, *words, env=None, size=(24, 80), command=None) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.bytes = b""
        streams = {"stdin": self.slave, "stdout": self.slave, "stderr": self.slave}
        self.process = xats.start(*words, env=env, command=command, **streams)

    def pump(self) -> None:
        while select.select([self.master], [], [], 0.01)[0]:
            self.bytes += os.read(self.master, 65536)

    @property
    def text(self) -> str:
        return self.bytes.decode()

    def until(self, what: str) -> None:
        """Wait until `what` was written since the last key."""
        deadline = time.monotonic() + LIMIT
        while what not in self.text[self.from_ :]:
            assert time.monotonic() < deadline, (what, self.text[self.from_ :])
            assert self.process.poll() is None, self.text
            self.pump()

    from_ = 0

    def press(self, keys: str, then: str) -> None:
        """Press `keys`, and wait until `then` is written."""
        self.pump()
        self.from_ = len(self.text)
        os.write(self.master, keys.encode())
        self.until(then)

    def ended(self) -> int:
        """Wait for the end; return how it ended."""
        deadline = time.monotonic() + LIMIT
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text
            self.pump()
        self.pump()
        return self.process.returncode

    def restored(self) -> bool:
        """Tell whether the terminal is as it was: its modes, its first screen, its cursor."""
        return (
            termios.tcgetattr(self.slave) == self.before
            and "\x1b[?1049l" in self.text.rpartition("\x1b[?1049h")[2]
            and "\x1b[?25h" in self.text.rpartition("\x1b[?25l")[2]
            and "\x1b[?2004l" in self.text.rpartition("\x1b[?2004h")[2]
        )

    def close(self) -> None:
        for end in (self.master, self.slave):
            os.close(end)


@pytest.fixture
def terminal(xats):
    opened = []

    def open_(*words, **options):
        opened.append(Terminal(xats, *words, **options))
        return opened[-1]

    yield open_
    for one in opened:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        one.close()


# What textual itself says to a terminal: modes, positions, styles and questions, and the shape of the mouse pointer.
OURS = re.compile(r"\x1b\[[?>=<]?[0-9;:]*(?:\$p|[A-Za-z])|\x1b\]22;default\x07")


def test_nothing_of_others_reaches_the_terminal_but_as_text(xats, crew, terminal):
    crew.register("mallory", model="\x1b[2Jmodel")
    crew.send("mallory", "bob", f"body {HOSTILE}\r\nnext\x01line", subject=f"subject {HOSTILE}".replace("\n", ""))
    crew.do("alice", pauses.pause, "crew", crew.agent("bob"), f"reason {HOSTILE}")
    shown = terminal("top", size=(40, 200))
    shown.until("what happened")
    shown.press("jj", "model")
    shown.press("k", "reason [bold]x[/] ^[]0;pwned^G")
    shown.press("\r", "subject [bold]x[/] ^[]0;pwned^G ^[[31mred")
    shown.press("\r", "body [bold]x[/] ^[]0;pwned^G")
    shown.press("/\x1b[200~\x1b]0;pwned\x07\x1b[201~", "")
    shown.press("\x1b", "")
    shown.press("q", "mail of bob")
    shown.press("q", "what happened")
    shown.press("q", "\x1b[?1049l")
    assert shown.ended() == 0
    rest = OURS.sub("", shown.text)
    assert "\x1b" not in rest, [rest[at.start() - 20 : at.start() + 20] for at in re.finditer("\x1b", rest)]
    assert [one for one in rest if not one.isprintable() and one not in "\r\n"] == []
    assert "pwned" in rest
    colours = re.findall(r"\x1b\[31m", shown.text)
    assert "\x1b[31mred" not in shown.text, colours


@pytest.mark.parametrize("colour", [True, False])
def test_no_color_is_honoured(xats, crew, terminal, colour):
    crew.send("alice", "bob")
    crew.do("alice", pauses.pause, "crew", crew.agent("bob"), None)
    shown = terminal("top", env=None if colour else {"NO_COLOR": "1"})
    shown.until("what happened")
    shown.press("j", ">")
    shown.press("q", "\x1b[?1049l")
    shown.ended()
    codes = {int(code) for style in re.findall(r"\x1b\[([0-9;]*)m", shown.text) for code in style.split(";") if code}
    coloured = {code for code in codes if 30 <= code < 39 or 40 <= code < 49 or 90 <= code < 108}
    assert bool(coloured) is colour
    assert {1, 7} <= codes
    assert "paused" in shown.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_and_the_terminal_is_restored(crew, terminal, number):
    shown = terminal("top")
    shown.until("what happened")
    assert not shown.restored()
    shown.process.send_signal(number)
    assert shown.ended() == -number
    assert shown.restored()
    assert "Traceback" not in shown.text


@pytest.mark.parametrize("keys", ["q", "\x03", "\x11"])
def test_it_is_left_by_a_key_and_the_terminal_is_restored(crew, terminal, keys):
    shown = terminal("top")
    shown.until("what happened")
    shown.press(keys, "\x1b[?1049l")
    assert shown.ended() == 0
    assert shown.restored()


BROKEN = """
import sys
sys.argv = ["xats", "top"]
from xats.cli.top.screen import Top
real = Top.draw
def draw(self, width, height):
    if self.page.filter:
        raise RuntimeError("a bug \\x1b]0;pwned\\x07")
    return real(self, width, height)
Top.draw = draw
from xats.__main__ import main
sys.exit(main())
"""


def test_a_bug_leaves_the_terminal_restored_and_is_told_once_it_is(crew, terminal):
    shown = terminal(command=[sys.executable, "-P", "-c", BROKEN])
    shown.until("what happened")
    shown.press("/x", "\x1b[?1049l")
    assert shown.ended() == 1
    assert shown.restored()
    after = shown.text.rpartition("\x1b[?1049l")[2]
    assert after.rstrip().endswith("RuntimeError: a bug \x1b]0;pwned\x07") or "RuntimeError: a bug" in after
    assert "locals" not in after


def test_a_resize_without_its_signal_is_seen(crew, terminal):
    """The signal goes to the programs of the terminal's session, and this one has another."""
    shown = terminal("top", size=(24, 80))
    shown.until("what happened")
    assert "\u2500" * 120 not in shown.text
    fcntl.ioctl(shown.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    shown.until("\u2500" * 120)


def test_it_ends_with_its_terminal(xats, crew, terminal):
    """However it comes: here without any signal, as when its session's leader lives on."""
    shown = terminal("top")
    shown.until("what happened")
    os.close(shown.slave)
    os.close(shown.master)
    try:
        shown.process.wait(LIMIT)
    finally:
        shown.master, shown.slave = pty.openpty()


def test_a_terminal_that_takes_nothing_does_not_keep_it_alive(crew, terminal):
    shown = terminal("top", size=(200, 400))
    shown.until("what happened")
    fcntl.fcntl(shown.master, fcntl.F_SETFL, 0)
    for n in range(60):  # nobody reads what it draws
        fcntl.ioctl(shown.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 150 + n, 300 + n, 0, 0))
        shown.process.send_signal(signal.SIGWINCH)
        time.sleep(0.02)
    shown.process.send_signal(signal.SIGTERM)
    shown.process.wait(LIMIT)
    assert shown.process.returncode in (-signal.SIGTERM, -signal.SIGALRM)


# -- a tmux pane -------------------------------------------------------------------------------------------------------


@pytest.fixture
def world():
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    made = World()
    made.env["USER"] = "carol"
    try:
        yield made
    finally:
        made.close()


class Pane:
    """A shell in a tmux pane."""

    def __init__(self, world, width=80, height=24) -> None:
        self.world, self.server = world, world.tmux()
        self.id = self.server.open("exec env PS1='at-shell$ ' HISTFILE= sh")
        self.server.cmd("set", "-g", "status", "off")
        self.resize(width, height)
        until(lambda: "at-shell$" in self.text, what="a shell")

    def cmd(self, *words):
        return self.server.cmd(*words)

    @property
    def text(self) -> str:
        return self.server.text(self.id)

    def type(self, text: str) -> None:
        self.cmd("send-keys", "-t", self.id, "-l", text)

    def press(self, *keys: str) -> None:
        self.cmd("send-keys", "-t", self.id, *keys)

    def run(self, *words, **env) -> None:
        """Run `xats words` in the shell."""
        kept = {name: value for name, value in {**self.world.env, **env}.items() if name.startswith(("XATS_", "USER"))}
        line = ["env", *(f"{name}={value}" for name, value in kept.items()), sys.executable, "-m", "xats", *words]
        self.type(shlex.join(line))
        self.press("Enter")

    def until(self, pattern: str, seconds: float = 30.0) -> str:
        try:
            until(lambda: re.search(pattern, self.text), seconds)
        except AssertionError:
            raise AssertionError(f"{pattern!r} never came:\n{self.text}") from None
        return self.text

    def resize(self, width: int, height: int) -> None:
        self.cmd("resize-window", "-t", self.id, "-x", str(width), "-y", str(height))

    def show(self, form: str) -> str:
        return self.cmd("display-message", "-p", "-t", self.id, form)

    def modes(self) -> str:
        """Return what a program may have left changed: tmux's modes of the pane, and those of its terminal."""
        tty = self.show("#{pane_tty}")
        flags = "alternate_on cursor_flag insert_flag keypad_flag mouse_any_flag wrap_flag pane_in_mode"
        found = subprocess.run(["stty", "-a", "-F", tty], capture_output=True, text=True, check=True, timeout=20).stdout
        return " ".join(self.show(f"#{{{flag}}}") for flag in flags.split()) + found.partition(";")[2]

    def xats(self) -> psutil.Process:
        """Return the process of the live screen in this pane."""
        shell = psutil.Process(int(self.show("#{pane_pid}")))
        (found,) = [one for one in shell.children(recursive=True) if "top" in one.cmdline()]
        return found


def test_in_tmux_it_is_drawn_follows_is_resized_and_left(world):
    world.register("alice", None, "--role", "backend", "--client", "claude-code")
    world.register("bob", None, "--role", "reviewer", "--client", "codex")
    pane = Pane(world)
    before = pane.modes()
    pane.run("top")
    text = pane.until(r"bob +reviewer +codex +unknown.* 0")
    assert len(text.split("\n")) <= 24
    assert pane.modes() != before

    sent = time.monotonic()
    world.send("bob", sender="alice")
    pane.until(r"bob +reviewer +codex .* 1 +\d+ s +queued, due now")
    assert time.monotonic() - sent < 2 + 3  # two seconds, and what starting xats send takes on a loaded machine

    pane.press("j")
    pane.until(r"(?m)^> bob")
    pane.resize(200, 50)
    text = pane.until(r"(?m)^─ bob .{150,}$")
    assert "> bob" in text
    assert re.search(r"bob +reviewer +codex", text)
    pane.resize(40, 10)
    pane.until(r"(?m)^  AGENT .*WAKE *\n(.*\n)*.*q quit")
    assert all(len(line) <= 40 for line in pane.text.split("\n"))
    pane.resize(80, 24)
    pane.until("what happened")

    pane.press("Enter")
    pane.until(r"mail of bob")
    pane.press("Enter")
    pane.until(r"\| hello")
    pane.press("q", "q")
    pane.until("what happened")
    assert [row["state"] for row in world.rows("select state from deliveries")] == ["unread"]

    pane.press("p")
    pane.until("Pause bob")
    pane.press("y")
    pane.until("held: ")
    assert [row["paused_by"] for row in world.rows("select paused_by from pauses")] == ["carol@t"]
    pane.press("q")
    pane.until(r"at-shell\$ *$")
    assert pane.modes() == before
    pane.type("echo still-$((40 + 2))")
    pane.press("Enter")
    pane.until("still-42")


def test_a_refused_wake_is_tried_at_once_by_a_real_daemon(world):
    """All the way: the pane is busy, the countdown is shown, r has the daemon try, and the agent is woken."""
    world.env["XATS_QUIET_MS"] = "900"
    world.register("alice")
    server = world.tmux("agents")
    bob = server.compose("--clock")
    world.register("bob", bob)
    daemon = world.daemon()
    world.send("bob")
    world.until_wake(state="retrying")
    pane = Pane(world)
    pane.run("top")
    text = pane.until(r"bob .*retrying: .*, in \d+ (s|min)|bob .* in \d+ (s|min)")
    assert "daemon runs since" in text
    bob.fall_quiet()
    pane.press("j", "r")
    pane.until(r"bob +woken (just now|\d+ s ago)|bob .* woken ")
    world.until_wake(state="delivered")
    assert len(bob.sent) == 1
    pane.press("q")
    pane.until(r"at-shell\$ *$")
    assert daemon.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_in_tmux_a_signal_leaves_a_usable_shell(world, number):
    world.register("alice")
    pane = Pane(world)
    before = pane.modes()
    pane.run("top")
    pane.until("what happened")
    pane.xats().send_signal(number)
    until(lambda: pane.show("#{alternate_on}") == "0")
    pane.until(r"at-shell\$ *$")
    assert pane.modes() == before


def test_it_dies_with_its_pane(world):
    world.register("alice")
    pane = Pane(world)
    pane.run("top")
    pane.until("what happened")
    process = pane.xats()
    pane.cmd("kill-pane", "-t", pane.id)
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, what="its end")


POLLS = """
import sqlite3, sys, time
store = sqlite3.connect(sys.argv[1])
print("ready", flush=True)
while True:
    store.execute("pragma data_version").fetchone()
    time.sleep(0.02)
"""


def test_idle_it_costs_little_more_than_looking(world):
    """Against a bare process that asks SQLite the same question fifty times a second."""
    world.register("alice")
    with_time = world.rows("select max(seen_at) as at from agents")[0]["at"]
    assert with_time
    pane = Pane(world)
    pane.run("top")
    pane.until("what happened")
    polling = subprocess.Popen([sys.executable, "-c", POLLS, world.path], stdout=subprocess.PIPE)
    try:
        polling.stdout.readline()
        both = [pane.xats(), psutil.Process(polling.pid)]
        time.sleep(1)
        before = [cost(one) for one in both]
        time.sleep(12)
        spent = [cost(one) - first for one, first in zip(both, before, strict=True)]
    finally:
        polling.kill()
        polling.communicate()
    print(json.dumps({"top": spent[0], "polling": spent[1], "of a core": spent[0] / 12}))
    assert spent[0] < 5 * max(spent[1], 0.02), spent


def cost(process) -> float:
    times = process.cpu_times()
    return times.user + times.system
