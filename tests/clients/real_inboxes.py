"""The senders into the inboxes of the real programs, each with a temporary HOME and a loopback model.

`make test-clients` runs them; `-s` shows how long each line took to the inbox and to the model.
"""

from __future__ import annotations

import base64
import glob
import json
import os
import signal
import time
import urllib.request
from contextlib import contextmanager

import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from tests.support.requests import request
from xats.base import host, process
from xats.core.agents import agents
from xats.delivery.transports import claude_inbox, codex_queue, opencode_http, qwen_inbox
from xats.tmux import pane

MODULES = {"claude-code": claude_inbox, "codex": codex_queue, "opencode": opencode_http, "qwen": qwen_inbox}
NAMES = ("claude", "codex", "opencode", "node")
DRAFT = "please look"


class Guest:
    """A running client as xats would have it registered, and the lines that it was handed."""

    serial = 0  # each line is another: some take the same one for a repeat

    def __init__(self, running: real.Running) -> None:
        self.running, self.model, self.name = running, running.model, running.client.name
        self.module = MODULES[self.name]
        running.wait_idle()
        chain = [one for one in running.processes() if one.name() in NAMES]
        self.wrapper, self.pid = chain[0].pid, next((one.pid for one in chain if one.name() != "node"), chain[0].pid)
        self.started = process.started(self.pid)
        self.client_session: str | None = None

    def session(self, **changes) -> agents.Session:
        seat = {"host": host.id(), "pid": self.pid, "pid_started": self.started}
        seat["client_session"] = self.client_session
        return agents.Session(1, 1, 1, agents.Seat(**{**seat, **changes}), 0, None)

    def reach(self, **changes) -> str | None:
        return self.module.reach(self.session(**changes))

    def send(self, what: str, state: str = "delivered") -> str:
        """Hand the next line over, and return it."""
        Guest.serial += 1
        line = f"xats: {Guest.serial} new from alice - run: xats inbox"
        self.sent = time.monotonic()
        result = self.module.deliver(request(self.session(), lambda: line))
        took = time.monotonic() - self.sent
        print(f"{self.name}, {what}: {result.state} after {took:.3f} s ({result.detail})", flush=True)
        assert result.state == state, result
        assert took < 6
        return line

    def seen(self, line: str) -> int:
        """Return how often the model was given `line` as a turn."""
        return sum(line in text for text in self.model.prompts())

    def arrives(self, line: str, seconds: float = 20.0) -> None:
        """Wait until the model was given `line`, and the client is idle; it came once."""
        self.running.until(lambda: self.seen(line), seconds, f"the model is given {line!r}")
        entry = next(one for one in self.model.requests() if one["kind"] == "turn" and line in one["text"])
        print(f"    at the model {entry['time'] - time.time() + time.monotonic() - self.sent:.3f} s after the call")
        self.running.wait_idle()
        assert self.seen(line) == 1

    # the states that all have

    def idle(self) -> None:
        self.arrives(self.send("idle"))

    def draft(self) -> None:
        """A half-written line stays as it is."""
        self.running.type(DRAFT)
        self.running.wait_for(DRAFT)
        self.arrives(self.send("with a draft"))
        assert self.running.shows(DRAFT)
        assert not any(DRAFT in text for text in self.model.prompts())
        self.running.keys(*["BSpace"] * len(DRAFT))
        self.running.until(lambda: not self.running.shows(DRAFT), what="the draft is gone")

    def busy(self) -> None:
        """It comes after the turn."""
        self.running.submit("HOLD")
        self.running.until(self.model.held, what="the answer is streaming")
        line = self.send("busy")
        self.running.settled(3, minimum=0.5)
        assert not self.seen(line)
        self.model.release()
        self.arrives(line)

    def ask(self, probe: str) -> None:
        """Have it ask its person whether `probe` may be made."""
        self.running.wait_idle()
        self.running.submit(f"RUN touch {probe}")
        self.running.wait_for(self.running.client.permission)

    def still_asks(self, probe: str, line: str) -> None:
        time.sleep(2)  # nothing happens, which no state tells
        assert self.running.shows(self.running.client.permission)
        assert not os.path.exists(probe)
        assert not self.seen(line)

    def gone(self, *pids: int) -> None:
        """After kill -9 it is not reached, though its files stay, and that takes no time."""
        for pid in pids or (self.pid,):
            os.kill(pid, signal.SIGKILL)
        self.running.until(lambda: not process.alive(self.pid, self.started), what="it is dead")
        begun = time.monotonic()
        assert self.reach() is None
        self.send("killed", "refused")
        assert time.monotonic() - begun < 1


@pytest.fixture
def guest(tmp_path_factory):
    """`guest(name, *arguments)` starts a client in a folder of its own, in a tmux server of its own."""
    folder = str(tmp_path_factory.mktemp("i"))
    os.mkdir(os.path.join(folder, "proj"))
    for module in (claude_inbox, qwen_inbox):
        module._holding.clear()

    @contextmanager
    def begin(name: str, *arguments: str, model: Model | None = None, **more):
        _, why = real.installed(name)
        if why:
            pytest.skip(f"{name} cannot be installed here: {why}")
        server = os.path.join(folder, f"s{len(glob.glob(folder + '/s*'))}")
        project = f"{folder}/proj"
        with model or Model() as own, real.start(name, server, project, own, arguments=arguments, **more) as running:
            yield Guest(running)

    begin.folder = folder
    return begin


@contextmanager
def beside(guest, one: Guest, *arguments: str, **more):
    """Start another in the same folder with the same HOME, in another tmux server."""

    class Shared:
        def __enter__(self):
            return one.model

        def __exit__(self, *_):
            pass

    with guest(one.name, *arguments, model=Shared(), home=one.running.home, **more) as other:
        yield other


def test_claude_code(guest):
    probe = os.path.join(guest.folder, "probe")
    with guest("claude-code") as one:
        one.idle()
        one.draft()
        one.busy()
        one.ask(probe)
        line = one.send("with a dialog")
        one.still_asks(probe, line)
        one.running.keys("Escape")
        one.arrives(line)
        before = one.running.native_status()
        one.running.type("/clear")
        one.running.wait_for("/clear")
        one.running.keys("Enter")
        one.running.until(lambda: one.running.native_status()["sessionId"] != before["sessionId"], what="cleared")
        one.arrives(one.send("after /clear"))
        assert not os.path.exists(probe)
        record = f"{one.running.home}/.claude/sessions/{one.pid}.json"
        with beside(guest, one) as other:
            assert other.reach() not in (None, one.reach())
            line = other.send("the second in one folder")
            other.arrives(line)
            assert line in other.running.screen()
            assert line not in one.running.screen()
            one.gone()
            assert os.path.exists(record)
            other.idle()


BYPASS = ("--dangerously-skip-permissions", "--settings")


def test_claude_code_that_asks_for_nothing(guest):
    """It would hold the line behind a modal dialog."""
    quiet = {"skipDangerousModePermissionPrompt": True}
    with guest("claude-code", *BYPASS, json.dumps(quiet), extra={"IS_SANDBOX": "1"}) as one:
        assert one.running.shows("bypass permissions on")
        assert one.reach() is None
        one.send("bypassing", "refused")
        with pytest.MonkeyPatch.context() as patch:  # as if nobody had told of it
            patch.setattr(claude_inbox, "_accepts", lambda *_: None)
            one.send("bypassing, not known before", "refused")
            assert one.reach() is None
        assert one.running.shows("Deliver this message")
    accepts = {**quiet, "crossSessionInbound": "accept"}
    with guest("claude-code", *BYPASS, json.dumps(accepts), extra={"IS_SANDBOX": "1"}) as one:
        one.idle()


def threads(running: real.Running) -> list[str]:
    """Return the threads of Codex, the one that was opened last at the end."""
    found = glob.glob(f"{running.home}/.codex/thread-writer-locks/*.lock")
    return [os.path.basename(path).removesuffix(".lock") for path in sorted(found, key=os.path.getmtime)]


def new_thread(one: Guest) -> str:
    before = threads(one.running)
    one.running.type("/new")
    one.running.wait_for("/new")
    one.running.keys("Enter")
    one.running.until(lambda: len(threads(one.running)) > len(before), what="another thread")
    one.running.wait_idle()
    return threads(one.running)[-1]


def test_codex(guest):
    probe = os.path.join(guest.folder, "probe")
    with guest("codex") as one:
        assert one.reach() is None  # its thread is not known
        one.client_session = threads(one.running)[-1]
        assert one.reach(pid=one.wrapper, pid_started=process.started(one.wrapper)) == one.reach()
        one.arrives(one.send("before its first turn"))
        one.idle()
        one.draft()
        one.busy()
        one.ask(probe)
        line = one.send("with a dialog")
        one.still_asks(probe, line)
        one.running.keys("Escape")  # that stops the turn, and with it the queue
        one.running.wait_idle()
        one.running.submit("go on")
        one.arrives(line)
        assert not os.path.exists(probe)
        with beside(guest, one) as other:
            other.client_session = threads(one.running)[-1]
            assert other.client_session != one.client_session
            line = one.send("the first in one folder")
            one.arrives(line)
            assert line in one.running.screen()
            assert line not in other.running.screen()
            other.idle()
            old, other.client_session = other.client_session, new_thread(other)
            assert other.reach()
            assert other.reach(client_session=old) is None  # nobody would see that turn
            with open(f"{one.running.home}/.codex/app-server-daemon/daemon.pid") as file:
                server = json.load(file)["pid"]
            seated = {"pid": server, "pid_started": process.started(server)}  # as its hooks see it
            assert other.reach(**seated) is None
            seated["pane"] = pane.find(other.running.socket, other.running.pane)
            assert other.reach(**seated) == other.reach()
            other.gone()
            assert other.reach(**seated) is None
            assert any(other.client_session in path for path in process.open_files(server))


def test_codex_without_its_server(guest):
    with guest("codex", "--no-daemon") as one:
        one.client_session = threads(one.running)[-1]
        assert one.reach() is None  # it has had no turn
        one.running.submit("hello")
        one.running.wait_idle()
        one.idle()
        old = one.client_session
        one.client_session = new_thread(one)
        assert one.reach(client_session=old) is None
        one.client_session = old
        one.gone()


def sessions(url: str) -> list[dict]:
    asked = urllib.request.Request(f"{url}/session")
    asked.add_header("Authorization", "Basic " + base64.b64encode(f"opencode:{real.KEY}".encode()).decode())
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def opencode_url(one: Guest) -> str:
    (port,) = {port for _, port in opencode_http._listening(one.pid)}
    return f"http://127.0.0.1:{port}"


def test_opencode(guest):
    probe = os.path.join(guest.folder, "probe")
    with guest("opencode", "--port", str(real.free_port()), extra={"OPENCODE_SERVER_PASSWORD": real.KEY}) as one:
        one.running.submit("hello")
        one.running.wait_idle()
        assert one.reach() is None  # its session is not known
        one.client_session = sessions(opencode_url(one))[0]["id"]
        assert one.reach() == opencode_url(one)
        one.idle()
        one.draft()
        one.busy()
        one.ask(probe)
        line = one.send("with a dialog", "refused")
        one.still_asks(probe, line)
        one.running.keys("Escape")
        one.running.wait_idle()
        one.idle()
        assert not os.path.exists(probe)
        password = {"OPENCODE_SERVER_PASSWORD": real.KEY}
        with beside(guest, one, "--port", str(real.free_port()), extra=password) as other:
            other.running.submit("hello there")
            other.running.wait_idle()
            (fresh,) = {one["id"] for one in sessions(opencode_url(other))} - {one.client_session}
            other.client_session = fresh
            assert other.reach() != one.reach()
            line = other.send("the second in one folder")
            other.arrives(line)
            assert line in other.running.screen()
            assert line not in one.running.screen()
            one.gone()


def test_opencode_without_a_port(guest):
    with guest("opencode") as one:
        one.client_session = "ses_01234567890123456789"
        assert one.reach() is None


def test_qwen(guest):
    probe = os.path.join(guest.folder, "probe")
    with guest("qwen") as one:
        one.client_session = "not known, and not needed"
        assert one.reach(pid=one.wrapper, pid_started=process.started(one.wrapper)) == one.reach()
        one.idle()
        one.draft()
        one.busy()
        one.ask(probe)
        line = one.send("with a dialog")
        one.still_asks(probe, line)
        one.running.keys("Escape")
        one.arrives(line)
        assert not os.path.exists(probe)
        path = f"{one.running.home}/.qwen/settings.json"
        with open(path) as file:
            settings = json.load(file)
        del settings["agents"]
        with open(path, "w") as file:
            json.dump(settings, file)
        with beside(guest, one) as other:
            assert other.reach() is None  # it would hold the line
            with pytest.MonkeyPatch.context() as patch:  # as if nobody had looked
                patch.setattr(qwen_inbox, "_accepts", lambda *_: True)
                assert other.reach() not in (None, one.reach())
                line = other.send("not told to accept", "refused")
                other.running.wait_for("Held a message")
                assert other.reach() is None
                one.gone(*[other.pid for other in one.running.processes()])
            assert not other.seen(line)
