"""Rows of the real programs: from a message, or from what makes its hand-over possible, to the request that holds it.

Each program runs twice, with the hooks of xats and without, in panes of their own, and the model is on the loopback
interface. The floor is the same program without xats: from Enter, or from the end of a tool, to the request. That of
the paste is a paste by hand, which looks at nothing, but waits as long as is promised before and after it.
"""

from __future__ import annotations

import os
import statistics
import time

from benchmarks.background import run_daemon
from benchmarks.rig import Row
from tests.clients import real
from tests.clients.mock_model import Model
from tests.clients.office import Office
from xats.clients import registry
from xats.core.agents import agents
from xats.core.mail import sending
from xats.daemon import bell
from xats.delivery.screens import SHORT
from xats.store.open import open_store

TIMES = 7
# How an idle agent is woken, with all other ways turned off; by the paste, and by what else the program has.
WAYS = ("hook", "waiter", "claude-inbox", "codex-queue", "opencode-http", "qwen-inbox", "tmux")
TRANSPORTS = {
    "claude-code": ("tmux", "claude-inbox", "waiter"),
    "codex": ("tmux", "codex-queue"),
    "gemini": ("tmux",),
    "opencode": ("tmux", "opencode-http", "waiter"),
}
# At most so many times the floor: a process of Python more, or two where the turn goes on, or the looks at the pane.
BOUNDS = {
    "prompt": 3.5,
    "tool": 4.0,
    "end": 5.0,
    "tmux": 2.0,
    "claude-inbox": 5.0,
    "codex-queue": 5.0,
    "opencode-http": 5.0,
    "waiter": 5.0,
}
LINE = "what is there to do"


class Bench:
    """bob, who runs one program with the hooks, and the same program without them."""

    def __init__(self, rig, name, model):
        self.name, self.model = name, model
        self.office = Office(rig.path("office"), name, model)
        self.store = open_store(self.office.db)
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.model.release()
        self.store.close()
        self.office.close()

    def begin(self):
        """Start both, and have each answer once."""
        if self.name == "claude-code":
            self.office.installed += ("--waiter",)
        port = ("--port", str(real.free_port())) if self.name == "opencode" else ()
        self.hooked = self.office.start(arguments=port, XATS_AGENT="bob")
        self.office.say(self.hooked, "hello")
        folder = os.path.join(self.office.folder, "plain")
        self.plain = real.start(self.name, os.path.join(self.office.folder, "p"), folder, self.model)
        self.office.open.insert(0, self.plain)  # closed last: the other's HOME is its own
        self.plain.wait_idle()
        self.office.say(self.plain, "hello")

    def send(self, need_reply=False, wake=True, sender="alice"):
        """Send to bob in this process; return (what stands in the mail, when it was committed)."""
        self.number += 1
        body = f"letter {self.number} of the run"
        draft = sending.Draft("bob", body, need_reply=need_reply, wake=wake)

        def work(tx):
            return sending.send(tx, agents.by_name(tx, "t", sender), "pane", draft)

        self.store.write(work)
        return f"| {body}", time.time()

    def until_heard(self, running, text, since, kind="turn result"):
        """Return when the model had a request with `text`, after the first `since` ones."""
        return self.office.until_heard(running, text, since, kind)["time"]

    def submit(self, running, text, heard=None, kind="turn"):
        """Type a prompt; return the seconds from Enter to the request that holds `heard`."""
        running.paste(text)
        running.settled(minimum=0.5)
        count, began = len(self.model.requests()), time.time()
        running.keys("Enter")
        return self.until_heard(running, heard or text, count, kind) - began

    def prompt(self, running, *, mail):
        """From Enter to the request, with mail that came before, or without any."""
        text, _ = self.send(wake=False) if mail else (None, 0)
        took = self.submit(running, f"{LINE} {self.number}", text)
        running.wait_idle()
        return took

    def pasted(self, running):
        """From a paste to the request: after the quiet window, and with Enter as soon as it is taken for Enter."""
        self.number += 1
        text = f"{LINE} {self.number}"
        count, began = len(self.model.requests()), time.time()
        time.sleep(SHORT / 1000)
        running.paste(text)
        time.sleep(registry.find(self.name, {}).settle_ms / 1000)
        running.keys("Enter")
        took = self.until_heard(running, text, count, "turn") - began
        running.wait_idle()
        return took

    def tool(self, running, *, mail):
        """From a tool's end, with mail that came while it ran, or without any, to the request with what it said."""
        flag = os.path.join(running.folder, f"flag{time.monotonic_ns()}")
        running.submit(f"RUN touch {flag}1; until test -e {flag}2; do sleep 0.02; done; echo {flag}3")
        self.office.approve(running)
        running.until(lambda: os.path.exists(flag + "1"), what="the tool runs")
        text, _ = self.send(wake=False) if mail else (f"{flag}3", 0)
        count = len(self.model.requests())
        with open(flag + "2", "w", encoding="utf-8"):
            began = time.time()
        took = self.until_heard(running, text, count, "result") - began
        running.wait_idle()
        return took

    def end(self, running):
        """From the last word of an answer to the request by which the turn goes on."""
        running.submit("HOLD")
        running.until(lambda: self.model.held() == 1, what="the model is asked")
        text, _ = self.send(need_reply=True, wake=False)
        time.sleep(0.5)  # some words
        count, began = len(self.model.requests()), time.time()
        self.model.release()
        took = self.until_heard(running, text, count) - began
        running.wait_idle()
        return took

    def woken(self, running):
        """From the commit, with bob idle, to the request that holds the mail.

        Each time somebody else writes: Claude Code drops a line that it has just had.
        """
        sender = f"writer{self.number}"
        self.office.xats("register", sender, "--no-pane", "--client", "generic")
        text, began = self.send(sender=sender)
        bell.ring(self.office.db)
        took = self.until_heard(running, text, 0) - began
        running.wait_idle()
        return took


def clients(rig):
    """Prompt, tool, turn's end and an idle agent woken, in each of the programs that are here."""
    rows = []
    for name in TRANSPORTS:
        if real.present(name):
            with Model() as model, Bench(rig, name, model) as bench:
                bench.begin()
                rows += measured(rig, bench)
        else:
            print(f"{name} {real.CLIENTS[name].version} is not here and was left out: make test-clients installs it")
    return rows


def measured(rig, bench):
    ways = TRANSPORTS[bench.name]
    taken = {what: [] for what in ("floor", "floor tool", "floor tmux", "prompt", "tool", "end", *ways)}
    for _ in range(TIMES):
        taken["floor"].append(bench.prompt(bench.plain, mail=False))
        taken["prompt"].append(bench.prompt(bench.hooked, mail=True))
        taken["floor tmux"].append(bench.pasted(bench.plain))
        taken["floor tool"].append(bench.tool(bench.plain, mail=False))
        taken["tool"].append(bench.tool(bench.hooked, mail=True))
        taken["end"].append(bench.end(bench.hooked))
    for transport in ways:
        off = ",".join(way for way in WAYS if way != transport)
        made = run_daemon(rig, bench.office, XATS_LADDER="1s,1s,1s,1s,1s", XATS_WAKE_OFF=off)
        for _ in range(TIMES):
            taken[transport].append(bench.woken(bench.hooked))
        made.terminate()
        made.wait(10)
    median = {what: statistics.median(took) for what, took in taken.items()}
    rows = []
    for what in ("prompt", "tool", "end", *ways):
        floor = median.get(f"floor {what}", median["floor"])
        said = f"{median[what] * 1000:.0f} ms, longest {max(taken[what]) * 1000:.0f} ms; floor {floor * 1000:.0f} ms"
        bound = BOUNDS[what]
        rows.append(Row(f"{bench.name} {what}", median[what] / floor, bound, "x floor", said))
    return rows
