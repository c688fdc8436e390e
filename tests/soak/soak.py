"""Everything at once: senders, agents of all looks, obstacles by chance, daemons and tmux servers that die.

What must hold afterwards is in `Soak.violations`.
"""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

from tests import support
from tests.support.world import PATIENCE, Composer, World, until
from xats.base import process
from xats.daemon import lock

PLAYERS = os.path.join(support.FOLDER, "players.py")
LOOKS = ("claude-code", "codex", "gemini", "opencode", "readline")
MANNERS = ((), ("--deaf", "20"), ("--sip", "2"), ("--late", "0.1"), ("--turn", "0.4"))
FAULTS = ("wake.leased", "paste.before", "paste.after", "enter.after", "wake.before_record")
WAKE = re.compile(
    r"xats: \d+ new from [A-Za-z0-9._-]+(, [A-Za-z0-9._-]+){0,2}( and \d+ more)? - run: (/\S+/)?xats inbox"
)
CLOCKS = (40 * 86_400_000, -40 * 86_400_000, 3_600_000, -3_600_000)  # ms that a clock is wrong by
AGENTS, SENDERS, SERVERS = 10, 20, 2
PACE = 0.18  # seconds between two messages; each is a process of its own


class Part(Composer):
    """An agent's player in a pane. `name` is None for a bystander, whom nobody knows."""

    def __init__(self, tmux, name, look, pane, log):
        self.name, self.look = name, look
        super().__init__(tmux, pane, log)

    def tell(self, line):
        try:
            file = os.open(self.log + ".in", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # it has gone with its server
            return
        os.write(file, f"{line}\n".encode())
        os.close(file)

    def all(self, word):
        return [one[word] for one in self.entries() if word in one]


class Soak:
    """One run: `run`, then `violations` and `summary`."""

    def __init__(self, seconds: float, seed: int, say=lambda text: None) -> None:
        self.seconds, self.chance, self.say = seconds, random.Random(seed), say
        self.world = World()
        rungs = ",".join(["500ms"] * 300)
        self.world.env.update(XATS_QUIET_MS="300", XATS_LADDER=rungs, HOME=self.world.folder)
        self.names = [f"agent{number}" for number in range(AGENTS)]
        self.senders = [f"sender{number}" for number in range(SENDERS)]
        self.sent: dict[str, list[int]] = {name: [] for name in self.names}
        self.parts: list[Part] = []  # all that ever played
        self.present: dict[str, Part] = {}
        self.servers: list = []
        self.wrong: list[str] = []
        self.counts = dict.fromkeys(
            ("daemons", "refused_daemons", "rounds", "restarts", "modes", "faults", "failed_sends", "wrong_clocks"), 0
        )
        self.ending = threading.Event()
        self.stage = threading.Lock()  # held while servers and their panes change
        self.daemon: subprocess.Popen | None = None

    # -- the cast ------------------------------------------------------------------------------------------------------

    def path(self, *words) -> str:
        return os.path.join(self.world.folder, *words)

    def open(self, tmux, name: str | None) -> Part:
        """Open a pane in which `name` plays."""
        number = len(self.parts)
        look = self.chance.choice(LOOKS)
        log = self.path(f"part{number}.log")
        words = [sys.executable, "-IS", PLAYERS, log, "--look", look, *self.chance.choice(MANNERS)]
        if name:
            environ = [f"{key}={value}" for key, value in self.world.env.items() if key.startswith("XATS_")]
            environ += [f"PYTHONPATH={os.getcwd()}", "XATS_INBOX_BUDGET=0"]  # in one page: nobody asks for more
            say = f"tmux -S {tmux.socket} display-message -p -t $TMUX_PANE '{name} #{{@xats_wake}}'"
            read = shlex.join(
                ["env", *environ, sys.executable, "-m", "xats", "inbox", "--json", "--as", name, "-n", "500"]
            )
            errand = f"{say} >>{self.path('marks')}; {read} >>{self.path('inbox-' + name)} 2>>{self.path('errors')}"
            words += ["--chance", str(self.chance.randint(1, 1 << 30)), "--on-wake", errand]
        part = Part(tmux, name, look, tmux.open("exec " + shlex.join(words)), log)
        self.parts.append(part)
        return part

    def enter(self, tmux, name: str) -> None:
        """Have `name` sit down in a new pane of `tmux`."""
        part = self.open(tmux, name)
        client = "generic" if part.look == "readline" else part.look
        self.world.register(name, part, "--client", client, "--takeover")
        self.present[name] = part

    def cast(self, tmux) -> list[str]:
        return [name for at, name in enumerate(self.names) if self.servers[at % SERVERS] is tmux]

    def fill(self, tmux) -> None:
        """Fill a fresh server with a bystander and its agents, in an order in which pane ids get new owners."""
        names: list[str | None] = [None, *self.cast(tmux)]
        self.chance.shuffle(names)
        for name in names:
            if name is None:
                self.open(tmux, None)
            else:
                self.enter(tmux, name)

    # -- what goes on --------------------------------------------------------------------------------------------------

    def send(self) -> None:
        """Send messages, one after another, from everybody to everybody."""
        number = 0
        while not self.ending.is_set():
            begun = time.monotonic()
            to, sender = self.names[number % AGENTS], self.senders[(number + number // AGENTS) % SENDERS]
            number += 1
            limit = ("--ttl", "1h") if number % 3 == 0 else ()
            wrong = {"XATS_FAULT_CLOCK": str(CLOCKS[number % len(CLOCKS)])} if number % 7 == 0 and not limit else {}
            made = self.world.start("send", to, f"message {number}", "--as", sender, "-q", *limit, **wrong)
            out, err = made.communicate(timeout=PATIENCE)
            self.world._processes.remove(made)
            if made.returncode == 0:
                self.sent[to].append(int(out))
            else:
                self.counts["failed_sends"] += 1
                self.wrong.append(f"send: exit {made.returncode}: {err.strip()}")
            self.ending.wait(max(0.0, PACE - (time.monotonic() - begun)))

    def rule(self) -> None:
        """Kill the daemon now and then. The next one takes over, and never a second one beside it.

        Some have a wrong clock, as if it had been set just before they started.
        """
        while not self.ending.is_set():
            fault = f"{self.chance.choice(FAULTS)}#{self.chance.randint(1, 12)}" if self.counts["daemons"] % 2 else ""
            wrong = self.chance.choice(CLOCKS) if self.counts["daemons"] % 4 == 2 else 0
            self.daemon = self.world.daemon(XATS_FAULT=fault, XATS_FAULT_CLOCK=str(wrong))
            self.counts["daemons"] += 1
            self.counts["wrong_clocks"] += bool(wrong)
            if not fault:  # else it may be dead by then, and a rival rightly takes its place
                self.rivals()
            holder = lock.holder(self.world.path)
            if (holder != self.daemon.pid and self.daemon.poll() is None) or self.world.daemons():
                self.wrong.append(f"daemon {self.daemon.pid} runs; the lock is {holder}'s")
            until_ = time.monotonic() + self.chance.uniform(6, 15)
            while self.daemon.poll() is None and time.monotonic() < until_ and not self.ending.is_set():
                self.ending.wait(0.1)
            if self.daemon.poll() is None and not self.ending.is_set():
                self.daemon.kill()
                self.daemon.wait()
            elif self.daemon.poll() == -signal.SIGKILL and fault:
                self.counts["faults"] += 1
            elif self.daemon.poll() is not None:
                self.wrong.append(f"the daemon ended by itself: {self.daemon.returncode}")
        if self.daemon.poll() is not None or fault:
            self.daemon.kill()
            self.daemon.wait()
            self.daemon = self.world.daemon()

    def rivals(self) -> None:
        """Try to run two more daemons."""
        for rival in [self.world.start("daemon", "run") for _ in range(2)]:
            out, err = rival.communicate(timeout=PATIENCE)
            self.world._processes.remove(rival)
            if rival.returncode != 4 or "runs already" not in err:
                self.wrong.append(f"a second daemon: exit {rival.returncode}: {out}{err}")
            self.counts["refused_daemons"] += 1

    def meddle(self) -> None:
        """Put panes into modes and out of them, make rounds beside the daemon, restart tmux servers."""
        restart_at = time.monotonic() + 12
        while not self.ending.is_set():
            what = self.chance.choice(("mode", "off", "child", "frozen", "round", "nothing"))
            if time.monotonic() > restart_at:
                self.restart(self.chance.choice(self.servers))
                restart_at = time.monotonic() + self.chance.uniform(12, 25)
            elif what == "round":
                made = self.world.start("deliver", "--once", "-q")
                _, err = made.communicate(timeout=2 * PATIENCE)
                self.world._processes.remove(made)
                self.counts["rounds"] += 1
                if made.returncode:
                    self.wrong.append(f"deliver: exit {made.returncode}: {err.strip()}")
            elif what != "nothing":
                self.obstruct(self.present[self.chance.choice(self.names)], what)
            self.ending.wait(self.chance.uniform(0.2, 1.0))

    def obstruct(self, part: Part, what: str) -> None:
        if what in ("child", "frozen"):
            self.take_away(part, what)
            return
        begin, end = {
            "mode": (("copy-mode",), ("copy-mode", "-q")),
            "off": (("select-pane", "-d"), ("select-pane", "-e")),
        }[what]
        part.tmux.cmd(*begin, "-t", part.pane, check=False)
        self.counts["modes"] += 1
        self.ending.wait(self.chance.uniform(0.3, 1.5))
        part.tmux.cmd(*end, "-t", part.pane, check=False)

    def take_away(self, part: Part, what: str) -> None:
        """Have the part of an agent start a program that reads its terminal, or not read what is typed, for a while.

        No program is started in the middle of an attempt: a key that is under way then goes to whoever reads first.
        """
        leased = "select 1 from wakes w join agents a on a.id = w.agent_id where a.name = :name and lease_token <> ''"
        if what == "child" and self.world.rows(leased, name=part.name):
            return
        begin, end = (f"run exec cat > {part.log}.child", "stop") if what == "child" else ("hold", "go")
        part.tell(begin)
        self.counts[what] = self.counts.get(what, 0) + 1
        self.ending.wait(self.chance.uniform(0.3, 1.5))
        part.tell(end)

    def restart(self, tmux) -> None:
        """Kill a server under its agents; they come back in other panes with the same ids."""
        self.counts["restarts"] += 1
        if self.chance.random() < 0.5:
            os.kill(tmux.pid, signal.SIGKILL)
            until(lambda: process.started(tmux.pid) is None, what="the end of tmux")
            os.unlink(tmux.socket)
        else:
            tmux.stop()
        for name in self.cast(tmux):
            pid = self.present[name].pid
            until(lambda pid=pid: process.started(pid) is None, what="the end of its programs")
        tmux.start()
        self.fill(tmux)

    # -- the whole -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Let it all go on for the time given, then calm down and see to it that everything is read."""
        self.world.register("first")
        for name in self.senders:
            # The mail of a person is under no limit, and it is limits that would make mail not wake.
            self.world.register(name, None, "--client", "human")
        for number in range(SERVERS):
            self.servers.append(self.world.tmux(f"s{number}"))
        for tmux in self.servers:
            self.fill(tmux)
        threads = [threading.Thread(target=self.safely, args=(work,)) for work in (self.send, self.rule, self.meddle)]
        for thread in threads:
            thread.start()
        until_ = time.monotonic() + self.seconds
        while time.monotonic() < until_ and not self.ending.is_set():
            self.ending.wait(min(10, max(0.1, until_ - time.monotonic())))
            self.say(f"{sum(map(len, self.sent.values()))} sent, {len(self.wrong)} violations, {self.counts}")
        self.ending.set()
        for thread in threads:
            thread.join()
        self.calm()

    def safely(self, work) -> None:
        try:
            work()
        except Exception as problem:
            self.wrong.append(f"{work.__name__}: {problem!r}")
            self.ending.set()

    def calm(self) -> None:
        """End every obstacle; then all mail is read, at the latest when there is new mail."""
        for part in self.present.values():
            part.tell("calm")
            part.tmux.cmd("copy-mode", "-q", "-t", part.pane, check=False)
            part.tmux.cmd("select-pane", "-e", "-t", part.pane, check=False)
        for _ in range(3):
            try:
                until(self.settled, 2 * PATIENCE, "the end of all wakes")
            except AssertionError as problem:
                self.wrong.append(str(problem))
                break
            left = [row["name"] for row in self.unread() if row["name"] in self.sent]
            if not left:
                break
            for name in left:  # a wake that nobody saw through is not made again without new mail
                self.counts["nudges"] = self.counts.get("nudges", 0) + 1
                self.sent[name].append(self.world.send(name, "new mail", sender=self.senders[0]))
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(PATIENCE)

    def unread(self):
        return self.world.rows(
            "select a.name, count(*) as n from deliveries d join agents a on a.id = d.agent_id"
            " where d.state = 'unread' group by a.name"
        )

    def settled(self) -> bool:
        """Tell whether no wake is open and no program is still reading."""
        if self.world.rows("select 1 from wakes where closed_at is null"):
            return False
        return all(len(part.all("submit")) == len(part.all("errand")) for part in self.present.values())

    # -- what must hold ------------------------------------------------------------------------------------------------

    def violations(self) -> list[str]:
        """Return what did not hold."""
        wrong = list(self.wrong)
        for name in self.names:
            read = self.read_by(name)
            want = sorted(self.sent[name])
            if sorted(read) != want:
                lost, twice = set(want) - set(read), {one for one in read if read.count(one) > 1}
                wrong.append(
                    f"{name}: lost {sorted(lost)}, read twice {sorted(twice)}, foreign {set(read) - set(want)}"
                )
        for part in self.parts:
            whose = part.name or "a bystander"
            if part.all("approve"):
                wrong.append(f"{whose} ({part.look}): a dialog was answered")
            typed = {one["got"] for one in part.entries() if "got" in one and "pasted" not in one}
            if typed - {"\r"} or (typed and part.name is None):
                wrong.append(f"{whose} ({part.look}): keys {typed}")
            if os.path.exists(f"{part.log}.child") and os.path.getsize(f"{part.log}.child"):
                wrong.append(f"{whose} ({part.look}): its child got {self.lines(f'{part.log}.child')}")
            if part.name is None and part.all("got"):
                wrong.append(f"{whose} ({part.look}): got {part.all('got')}")
            wrong += [
                f"{whose} ({part.look}): submitted {one!r}" for one in part.all("submit") if not WAKE.fullmatch(one)
            ]
        wrong += [f"xats inbox said: {line}" for line in self.lines("errors") if "tmux" not in line and line.strip()]
        return wrong + self.wrong_marks()

    def wrong_marks(self) -> list[str]:
        """Look at what each pane said of the wake that a submission was for."""
        whose = {row["id"]: row["name"] for row in self.world.rows(
            "select w.id, a.name from wakes w join agents a on a.id = w.agent_id"
        )}  # fmt: skip
        wrong, seen = [], set()
        for name, mark in (line.split(" ", 1) for line in self.lines("marks") if not line.endswith(" ")):
            token, _, step = mark.partition(":")
            if whose.get(int(token.split("-")[0])) != name or step != "entered":
                wrong.append(f"{name} was woken by {mark}")
            if token in seen:
                wrong.append(f"{name} got the line of {mark} twice")
            seen.add(token)
        self.counts["marks"] = len(seen)
        return wrong

    def lines(self, *name: str) -> list[str]:
        try:
            with open(self.path(*name)) as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def read_by(self, name: str) -> list[int]:
        return [one["id"] for line in self.lines(f"inbox-{name}") for one in json.loads(line)["messages"]]

    def summary(self) -> dict:
        """Return what happened, in numbers."""
        states = self.world.rows("select state, reason, count(*) as n from wakes group by state, reason")
        refusals = self.world.rows("select last_refusal as why, count(*) as n from wakes group by last_refusal")
        lived: dict[str, int] = {}
        for part in self.parts:
            for word in part.all("lived"):
                lived[word] = lived.get(word, 0) + 1
        return {
            "messages": sum(map(len, self.sent.values())),
            "read": sum(len(self.read_by(name)) for name in self.names),
            "submissions": sum(len(part.all("submit")) for part in self.parts),
            "enters": sum(len(part.all("enter")) for part in self.parts),
            "players": len(self.parts),
            "wakes": {f"{row['state']} {row['reason'] or ''}".strip(): row["n"] for row in states},
            "last_refusals": {row["why"]: row["n"] for row in refusals if row["why"]},
            "obstacles": lived,
            **self.counts,
        }

    def close(self) -> None:
        self.world.close()
