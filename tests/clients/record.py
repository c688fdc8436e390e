"""Records the screens of the real agent CLIs: `python -m tests.clients.record [CLIENT...] [--only STATE...]`.

Each state becomes tests/clients/screens/CLIENT/STATE.json; README.md says what the states are. A recording that would
carry something of this machine is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable

import psutil

from .mock_model import Model
from .real import CLIENTS, EVERY, FIRST_SCREENS, KEY, STARTING, NotReached, Running, directory, installed, start

SCREENS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "screens")
FOLDER = "/tmp/proj"  # shown on the screens
LARGEST = 30_000  # bytes of one recording
LINE = "xats: 2 new from alice, bob - run: xats inbox"
DRAFT = "please look at the parser"
ROWS = ("first row of a draft", "second row", "third row of it")
LONG = " ".join(f"word{number}" for number in range(1, 41))  # 271 columns
MANY = "\n".join(f"line {number} of a long paste" for number in range(1, 61))
PROBE = "touch /etc/xats-probe"
TOOL = "sleep 8; echo done"
SLEEP = "sleep 8 # intentional-sleep: a test looks at the screen"  # as Qwen Code lets its model run one
FIELDS = ("width", "height", "cursor_x", "cursor_y", "cursor_flag", "alternate_on")
FORMAT = "#{pane_width} #{pane_height} #{cursor_x} #{cursor_y} #{cursor_flag} #{alternate_on}"


# -- one recording -----------------------------------------------------------------------------------------------------


def _argument(text: str) -> str:
    return os.path.basename(text.split("=", maxsplit=1)[0]) if text.startswith("-") else os.path.basename(text)


def _chain(running: Running) -> list[dict]:
    found = []
    for process in running.processes():
        try:
            words = process.cmdline()[:2]
            found.append({"comm": process.name(), "argv": [_argument(word) for word in words]})
        except psutil.Error:
            continue
    return found


def snapshot(running: Running, state: str) -> dict:
    """Return the recording of what the pane shows now; the screen and the cursor are of one moment."""
    answer = running.tmux(
        *("capture-pane", "-p", "-e", "-t", running.pane, ";"),
        *("display-message", "-p", "-t", running.pane, FORMAT, ";"),
        *("display-message", "-p", "-t", running.pane, "#{pane_title}", ";"),
        *("display-message", "-p", "-t", running.pane, "#{pane_current_command}"),
    )
    *rows, numbers, title, command = answer.removesuffix("\n").split("\n")
    recording: dict = {"client": running.client.name, "version": running.client.version, "state": state}
    recording |= dict(zip(FIELDS, map(int, numbers.split()), strict=True))
    recording |= {"pane_title": title, "pane_current_command": command, "processes": _chain(running)}
    recording["screen"] = "\n".join(rows) + "\n"
    return recording


def scrub(recording: dict, running: Running) -> dict:
    """Return the recording without the port of the model and the temporary HOME."""
    text = json.dumps(recording, ensure_ascii=False)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8099", text).replace(running.home, "/home/user")
    return json.loads(text)


def leaks(text: str) -> list[str]:
    """Return what `text` has of this machine."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    plain = [here, directory(), os.path.expanduser("~"), tempfile.gettempdir() + "/xats-home", KEY, KEY[-20:]]
    host, user = re.escape(socket.gethostname()), re.escape(psutil.Process().username())
    found = [secret for secret in plain if secret in text]
    found += re.findall(rf"(?<!\w){host}(?!\w)|(?<=/){user}(?!\w)|(?<!\w){user}@", text)
    return found + re.findall(r"\bregistry\.[\w.]+|\bnode_modules\b", text)


def save(recording: dict) -> str:
    """Write a recording and return its path."""
    text = json.dumps(recording, ensure_ascii=False, indent=1) + "\n"
    if leaks(text):
        raise ValueError(f"{recording['state']} shows something of this machine: {leaks(text)}")
    if len(text.encode()) > LARGEST:
        raise ValueError(f"{recording['state']} is {len(text.encode())} bytes")
    folder = os.path.join(SCREENS, recording["client"])
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, recording["state"] + ".json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


# -- the states --------------------------------------------------------------------------------------------------------


class Recorder:
    """Drives one client through its states and keeps what each looks like."""

    def __init__(self, name: str, server: str, only: list[str]) -> None:
        self.name = name
        self.server = server
        self.only = only
        self.failed: list[str] = []

    def take(self, running: Running, state: str, settle: bool = True) -> None:
        if settle:
            running.settled(seconds=15)
        if self.only and state not in self.only:
            return
        path = save(scrub(snapshot(running, state), running))
        print(f"  {state}: {os.path.getsize(path)} bytes", flush=True)

    def attempt(self, what: str, session: Callable[..., None], **options) -> None:
        """Play one session of the client; one that goes wrong does not keep the others from being played."""
        try:
            with Model() as model, start(self.name, self.server, FOLDER, model, **options) as running:
                session(running)
        except (NotReached, ValueError) as error:
            self.failed.append(f"{self.name}, {what}: {error}")
            print(f"  FAILED {self.failed[-1]}", flush=True)

    def all(self) -> None:
        if self.name in STARTING:
            self.attempt("first screens", self.first, settings=False)
            return
        if CLIENTS[self.name].dialog:
            own = os.path.join(FOLDER, ".codex", "config.toml")  # Codex asks where it would load something from
            os.mkdir(os.path.dirname(own))
            with open(own, "w", encoding="utf-8") as file:
                file.write('model = "mock"\n')
            self.attempt("trust", self.trust, trusted=False)
            shutil.rmtree(os.path.dirname(own))
            self.attempt("login", self.login, settings=False)
        self.attempt("day", self.day)
        self.attempt("killed", self.killed)
        self.attempt("sizes", self.sizes, width=40, height=20)
        self.attempt("colours", self.colours, extra={"COLORTERM": "truecolor"})

    def first(self, running: Running) -> None:
        for state, keys, sign in FIRST_SCREENS[self.name]:
            for key in keys:
                running.keys(key)
                time.sleep(1)
            running.wait_for(sign)
            self.take(running, state, settle=state != "start-up")

    def trust(self, running: Running) -> None:
        ready, dialog = running.client.ready, running.client.dialog
        running.until(lambda: running.shows(f"{ready}|{dialog}"), what="a composer or a dialog")
        if not running.shows(dialog):
            self.take(running, "start-up", settle=False)
            running.wait_for(dialog)
        self.take(running, "dialog-trust")
        running.keys(*running.client.accept)
        time.sleep(3)
        running.settled()
        if running.processes() and not running.idle():
            self.take(running, "dialog-after-trust")

    def login(self, running: Running) -> None:
        running.until(lambda: len(running.screen().split()) > 10)
        running.settled(minimum=3)
        if running.shows(running.client.dialog):
            running.keys(*running.client.accept)
            running.settled(minimum=6)
        if running.processes():  # without a network Claude Code does not get as far as that
            self.take(running, "dialog-login")

    def clear(self, running: Running, length: int) -> None:
        """Take the draft back, a letter at a time: no key that could mean something else."""
        running.tmux("send-keys", "-t", running.pane, "-N", str(length), "BSpace")
        running.settled()

    def draft(self, running: Running, state: str, text: str) -> None:
        running.type(text, pause=0.02)
        self.take(running, state)
        self.clear(running, len(text) + 5)

    def own(self, running: Running, state: str) -> None:
        running.paste(LINE)
        self.take(running, state)
        self.clear(running, len(LINE) + 5)

    def day(self, running: Running) -> None:
        running.wait_idle()
        self.take(running, "idle-empty")
        self.draft(running, "draft", DRAFT)
        self.take(running, "idle-cleared")
        self.own(running, "own-line-first")
        running.submit("hello there")
        running.wait_idle()
        self.take(running, "idle-after-turn")
        self.draft(running, "draft-after-turn", DRAFT)
        for row in ROWS:
            running.type(row)
            if row != ROWS[-1]:
                running.keys(running.client.newline)
        self.take(running, "draft-multiline")
        self.clear(running, len("\n".join(ROWS)) + 5)
        self.draft(running, "draft-wrapped", LONG)
        running.paste(MANY)
        self.take(running, "draft-marker")
        self.clear(running, len(MANY) + 5)
        if self.name == "gemini":  # an Enter right after a paste is a new row
            running.paste(LINE)
            running.keys("Enter")
            self.take(running, "own-line-swallowed")
            self.clear(running, len(LINE) + 5)
        if self.name == "qwen":
            self.starts(running)
        running.paste(LINE)
        self.take(running, "own-line")
        running.keys("Enter")
        running.until(lambda: LINE in running.model.prompts(), what="our line is submitted")
        running.wait_idle()
        self.take(running, "own-line-submitted")
        running.type(DRAFT)
        running.paste(LINE)
        self.take(running, "draft-with-own-line")
        self.clear(running, len(DRAFT + LINE) + 5)
        self.busy(running)
        self.dialog(running)
        if running.client.suspends:
            running.keys("C-z")
            running.until(lambda: running.format("#{pane_current_command}") == "bash", what="suspended")
            self.take(running, "suspended")
            running.type("fg")
            running.keys("Enter")
            running.wait_idle()
        running.submit("hello again")
        running.wait_idle()
        running.paste(running.client.leave)
        time.sleep(1)
        running.keys("Enter")
        running.until(lambda: running.format("#{pane_current_command}") == "bash", what="the shell is back")
        self.take(running, "exited")

    def starts(self, running: Running, suffix: str = "") -> None:
        """Take what Qwen Code shows with the cursor at the start of its composer, where its placeholder would be."""
        for state, text in (("letter", "p"), ("command", "/help me"), ("indented", " p"), ("at-start", DRAFT)):
            running.type(text, pause=0.02)
            running.keys("Home")
            self.take(running, f"draft-{state}{suffix}")
            running.keys("C-k")
            running.settled()
        running.submit("hello again")
        running.wait_idle()
        running.wait_for("^> Mock title")
        self.take(running, f"idle-suggestion{suffix}")

    def busy(self, running: Running) -> None:
        running.submit("WAIT")
        time.sleep(2)
        self.take(running, "busy-waiting", settle=False)
        running.model.release()
        running.wait_idle()
        running.submit("HOLD")
        time.sleep(2)
        self.take(running, "busy", settle=False)
        time.sleep(0.35)
        self.take(running, "busy-later", settle=False)
        running.type(DRAFT)
        time.sleep(1)
        self.take(running, "busy-with-draft", settle=False)
        running.tmux("send-keys", "-t", running.pane, "-N", str(len(DRAFT)), "BSpace")
        time.sleep(1)
        running.paste(LINE)
        time.sleep(1)
        self.take(running, "busy-with-own-line", settle=False)
        running.keys("Enter")
        time.sleep(2)
        self.take(running, "busy-queued", settle=False)
        running.model.release()
        running.until(lambda: running.model.prompts()[-1] == LINE, what="the queued line is submitted")
        running.wait_idle()

    def dialog(self, running: Running) -> None:
        running.submit("RUN " + PROBE)
        running.wait_for(running.client.permission)
        self.take(running, "dialog")
        running.paste(LINE)
        time.sleep(1)
        self.take(running, "dialog-pasted-into")
        for _ in range(4):
            if running.idle():
                break
            running.keys("Escape")
            time.sleep(3)
            if running.shows("Reject permission"):  # opencode asks what to do instead
                running.keys("Enter")
                time.sleep(2)
        running.wait_idle()
        self.take(running, "dialog-refused")
        running.submit(f"RUN {SLEEP if self.name == 'qwen' else TOOL}")
        time.sleep(3)
        if running.shows(running.client.permission):  # Claude Code lets a sleep pass
            running.keys("Enter")
            time.sleep(3)
        self.take(running, "busy-tool", settle=False)
        running.wait_idle()

    def killed(self, running: Running) -> None:
        running.wait_idle()
        running.submit("hello there")
        running.wait_idle()
        for process in running.processes():
            process.send_signal(signal.SIGKILL)
        running.until(lambda: running.format("#{pane_current_command}") == "bash", what="the shell is back")
        self.take(running, "killed")

    def sizes(self, running: Running) -> None:
        running.wait_idle()
        for width, height in ((80, 24), (40, 20), (200, 60), (100, 400), (20, 10)):
            size = f"{width}x{height}"
            if width == 20 and self.name == "opencode":
                running.resize(100, 30)
                running.submit("hello there")  # its first screen, with the logo, crashes below some 35 columns
                running.wait_idle()
            running.resize(width, height)
            if not running.processes():
                print(f"  {size}: the client has ended", flush=True)
                return
            self.take(running, f"idle-empty-{size}")
            if width <= 80:
                self.own(running, f"own-line-{size}")
                self.draft(running, f"draft-{size}", DRAFT)
        running.submit("HOLD")
        time.sleep(2)
        self.take(running, "busy-20x10", settle=False)
        running.model.release()
        running.settled()
        running.submit("RUN " + PROBE)
        time.sleep(4)
        self.take(running, "dialog-20x10")

    def colours(self, running: Running) -> None:
        running.wait_idle()
        self.take(running, "idle-empty-truecolor")
        self.draft(running, "draft-truecolor", DRAFT)
        self.own(running, "own-line-truecolor")
        if self.name == "qwen":
            running.submit("hello there")
            running.wait_idle()
            self.starts(running, "-truecolor")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client", nargs="*", help="by default all: " + ", ".join(EVERY))
    parser.add_argument("--only", nargs="+", default=[], metavar="STATE", help="write these states alone")
    options = parser.parse_args()
    if unknown := set(options.client) - set(EVERY):
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    os.mkdir(FOLDER)  # it is ours or it is nobody's
    failed: list[str] = []
    try:
        with tempfile.TemporaryDirectory(prefix="xats-record-") as work:
            for name in options.client or [name for name in EVERY if EVERY[name].recorded]:
                program, reason = installed(name)
                print(f"{name} {EVERY[name].version}" if program else f"{name}: {reason}", flush=True)
                if program:
                    recorder = Recorder(name, os.path.join(work, name), options.only)
                    recorder.all()
                    failed += recorder.failed
    finally:
        for entry in os.scandir(FOLDER):
            print(f"left in {FOLDER}: {entry.name}", file=sys.stderr)
        if not os.listdir(FOLDER):
            os.rmdir(FOLDER)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
