"""A person at the keyboard, and a program that reads or shows keys late: nothing of theirs is submitted with ours."""

# ruff: noqa: RUF001 - the glyphs of prompts

from __future__ import annotations

import os
import random
import re
import shlex
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from tests import support
from tests.delivery.conftest import LINE, Seat, until
from tests.support.stagehand import LOOKS, Person, play
from tests.support.world import Composer
from tests.support.world import until as eventually
from xats.base import process
from xats.delivery.settings import Settings
from xats.delivery.watcher import PaneWatcher
from xats.tmux import examine, guards, paste, screen, terminal
from xats.tmux.examine import Outcome

LEFT = "\x1b[D"
OURS = re.compile(r"xats: \d+ new from alice - run: xats inbox")
ROUNDS = int(os.environ.get("TYPING_ROUNDS", "1"))
BURSTS = int(os.environ.get("TYPING_BURSTS", "5"))
PAUSES = (0.3, 1.5, 4.0)  # seconds between two bursts of keys
LAGS = [(hold, lag) for hold in ("read", "echo") for lag in (0, 2, 6)]
WORDS = ("please", "look", "at", "that", "again", "and", "run", "the", "tests", "-", "why", "is", "it", "red", "...")


# -- a person who types for long ---------------------------------------------------------------------------------------


class Typist:
    """Somebody who writes to a program, with pauses and second thoughts, in a terminal of their own."""

    def __init__(self, world, tmux, hold, lag, seed):
        self.name, self.lag, self.keys = f"{hold}-{lag}", lag, 0
        self.chance = random.Random(seed)
        log = os.path.join(world.folder, f"late-{self.name}.log")
        words = [sys.executable, "-IS", os.path.join(support.FOLDER, "late.py"), log, "--lag", str(lag), "--hold", hold]
        self.seat = Composer(tmux, tmux.open("exec " + shlex.join(words)), log)
        desk = SimpleNamespace(socket=tmux.socket, cmd=tmux.cmd)
        desk.show = lambda pane, form: tmux.cmd("display-message", "-p", "-t", pane.pane_id, form)
        self.person = Person(SimpleNamespace(desk=desk, pane=SimpleNamespace(pane_id=self.seat.pane)))
        world.register(self.name, self.seat)

    @property
    def ours(self):
        """How many lines of ours were submitted."""
        return sum(OURS.fullmatch(line) is not None for line in self.seat.sent)

    def press(self, text):
        for key in text:
            os.write(self.person.terminal, key.encode())
            self.keys += 1
            time.sleep(self.chance.uniform(0.005, 0.04))

    def write(self):
        """Write some lines; now and then stop in the middle, or take everything back. In the end nothing is left."""
        for _ in range(BURSTS):
            draft = " ".join(self.chance.choices(WORDS, k=self.chance.randint(1, 12)))
            self.press(draft)
            time.sleep(self.chance.choice(PAUSES))
            if self.chance.random() < 0.3:
                self.press("\x7f" * len(draft))
            else:
                self.press("\r")
            time.sleep(self.chance.choice(PAUSES) / 4)


@pytest.fixture
def typists(world):
    world.register("alice")
    tmux = world.tmux()
    made = []
    try:
        for seed, (hold, lag) in enumerate(LAGS):
            made.append(Typist(world, tmux, hold, lag, seed))
        yield made
    finally:
        for one in made:
            one.person.leave()


def test_no_line_mixes_a_persons_words_with_ours_and_mail_comes_when_they_pause(world, typists):
    """Mail comes all the time while they type, and each time that they pause they get a line."""
    world.daemon(XATS_QUIET_MS="300")
    for number in range(ROUNDS):
        threads = [threading.Thread(target=one.write) for one in typists]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for one in typists:
                world.send(one.name)
        for thread in threads:
            thread.join()
        for one in typists:
            wake = world.until_wake(one.name, state="delivered", seconds=guards.UNSEEN + one.lag + 30)
            assert wake["transport"] == "tmux"
            eventually(lambda one=one, n=number: one.ours > n, what=f"a line for {one.name}: {one.seat.sent}")
    for one in typists:
        assert process.started(one.seat.pid), one.name
        assert [line for line in one.seat.sent if "xats" in line and not OURS.fullmatch(line)] == []
    assert sum(one.keys for one in typists) > 500 * ROUNDS


# -- what the terminal has, and no screen shows ------------------------------------------------------------------------


@pytest.mark.parametrize("look", LOOKS)
def test_keys_that_were_not_read_yet_are_a_draft(desk, look):
    role = play(desk, look)
    role.tell("hold")
    until(lambda: role.happened("did"))
    role.keys("-l", "rm -rf build")
    until(lambda: terminal.unread(role.pane))
    for _ in range(2):
        assert role.deliver(quiet=50).reason == "draft_present"
    assert "xats" not in role.text()
    role.do("go")
    until(lambda: "build" in role.text())
    role.do("clear")
    until(lambda: role.deliver().state == "delivered")
    assert role.sent == [LINE]


def test_keys_that_were_not_read_yet_keep_an_attempt_of_ours_from_its_enter(desk, monkeypatch):
    role = play(desk, "claude-code")

    def typed(seconds, sleep=time.sleep):
        sleep(seconds)
        if sys._getframe(1).f_code.co_name == "shown" and not role.happened("did"):
            role.tell("hold")
            until(lambda: role.happened("did"))
            role.keys("-l", "no, ")
            until(lambda: terminal.unread(role.pane))

    monkeypatch.setattr(paste, "time", SimpleNamespace(sleep=typed, monotonic=time.monotonic))
    assert role.deliver().reason == "draft_present"
    assert (role.sent, role.enters) == ([], 0)


@pytest.mark.parametrize("line", ["...", "-- ", "1", "-" * 78, "-" * 158])
def test_a_draft_that_shows_only_after_the_paste_is_not_submitted(desk, monkeypatch, line):
    """It was read at once and shown late; it may be of characters that could be a prompt, or fill whole rows."""
    log, _ = desk.command()
    words = [sys.executable, "-IS", os.path.join(support.FOLDER, "late.py"), log, "--lag", "1", "--hold", "echo"]
    seat = Seat(desk.open("exec " + shlex.join(words)), log, desk)
    desk.cmd("send-keys", "-t", seat.pane.pane_id, "-l", "--", line)
    until(lambda: terminal.unread(seat.pane) == 0)
    assert seat.text().strip() == ">"
    assert seat.attempt(quiet_ms=0) == Outcome(
        "unconfirmed", "unconfirmed", "the composer did not show exactly our line"
    )
    assert (seat.sent, seat.enters) == ([], 0)
    until(lambda: LINE in seat.text().replace("\n", ""))
    assert seat.attempt(line=lambda: pytest.fail("asked")).state == "unconfirmed"  # and not later either
    assert (seat.sent, seat.enters) == ([], 0)


def test_a_draft_that_fills_the_rows_of_a_program_without_a_prompt(desk, monkeypatch):
    log, _ = desk.command()
    late = [
        sys.executable,
        "-IS",
        os.path.join(support.FOLDER, "late.py"),
        log,
        "--prompt",
        "",
        "--lag",
        "1",
        "--hold",
        "echo",
    ]
    seat = Seat(desk.open("exec " + shlex.join(late), width=51), log, desk)
    desk.cmd("send-keys", "-t", seat.pane.pane_id, "-l", "." * 50)
    until(lambda: terminal.unread(seat.pane) == 0)
    assert seat.attempt(quiet_ms=0).state == "unconfirmed"
    assert (seat.sent, seat.enters) == ([], 0)


def test_how_much_is_unread(desk):
    """In canonical mode the kernel counts lines that have been ended; what was typed since is on the screen."""
    reads_not = "exec sleep 100"
    raw = desk.open(f"stty raw -echo; echo ready; {reads_not}")
    until(lambda: "ready" in desk.text(raw))
    cooked = desk.open(f"echo ready; {reads_not}")
    hidden = desk.open(f"stty -echo; echo ready; {reads_not}")
    until(lambda: all("ready" in desk.text(one) for one in (cooked, hidden)))
    assert (terminal.unread(raw), terminal.unread(cooked), terminal.unread(hidden)) == (0, 0, None)
    for one in (raw, cooked):
        desk.cmd("send-keys", "-t", one.pane_id, "-l", "half")
    until(lambda: terminal.unread(raw) == 4)
    until(lambda: "half" in desk.text(cooked))
    assert terminal.unread(cooked) == 0
    desk.cmd("send-keys", "-t", cooked.pane_id, "Enter")
    until(lambda: terminal.unread(cooked) == 5)
    desk.cmd("kill-pane", "-t", raw.pane_id)
    until(lambda: process.started(raw.pane_pid) is None)
    until(lambda: terminal.unread(raw) is None)


@pytest.mark.parametrize(("look", "reason"), [("readline", "not_permitted"), ("claude-code", None), ("opencode", None)])
def test_where_nobody_can_tell_what_is_unread_only_a_composer_that_is_seen_empty_will_do(
    desk, monkeypatch, look, reason
):
    role = play(desk, look)
    monkeypatch.setattr(terminal, "unread", lambda _: None)
    assert role.deliver().reason == reason
    assert role.sent == ([] if reason else [LINE])


def test_and_no_person_must_have_pressed_a_key_of_late(desk, monkeypatch):
    role = play(desk, "claude-code", width=80, height=50)
    monkeypatch.setattr(terminal, "unread", lambda _: None)
    with Person(role) as person:
        person.press(LEFT)
        until(lambda: time.time() - person.pressed_at() > guards.HUMAN + 1)
        assert role.deliver(echoed=lambda _: True).reason in ("not_permitted", None)
        assert role.sent == [] or time.time() - person.pressed_at() > guards.UNSEEN


# -- when a key was pressed --------------------------------------------------------------------------------------------


def test_a_key_that_was_seen_to_be_shown_keeps_the_mail_away_for_less_time(desk):
    role = play(desk, "claude-code", width=80, height=50)
    with Person(role) as person:
        person.press(LEFT)
        until(lambda: role.deliver(echoed=lambda _: True).state == "delivered", 15)
        assert time.time() - person.pressed_at() > guards.HUMAN
    assert role.sent == [LINE]


def test_a_person_who_has_typed_and_left_was_there(desk):
    """When the client has detached tmux lists it no more."""
    role = play(desk, "claude-code", width=80, height=50)
    assert screen.look(role.pane).key_at == 0  # a new session is no person
    person = Person(role)
    person.press(LEFT)
    pressed = person.pressed_at()
    person.leave()
    until(lambda: not desk.cmd("list-clients"))
    assert screen.look(role.pane).key_at >= pressed
    assert role.deliver().reason == "human_active"


def test_a_key_between_the_last_look_and_the_paste(desk, monkeypatch):
    """The pane's state is the same, and so is its screen: only tmux knows of the key."""
    role = play(desk, "claude-code", width=80, height=50)
    with Person(role) as person:
        until(lambda: time.time() - person.pressed_at() > guards.UNSEEN + 1, 15)
        done = []

        def point(name):
            if name == "paste.before" and not done:
                done.append(name)
                os.write(person.terminal, LEFT.encode())
                until(lambda: time.time() - person.pressed_at() < 3)

        monkeypatch.setattr(paste.faults, "point", point)
        monkeypatch.setattr(examine, "STALE", 60_000)
        assert role.deliver().reason == "human_active"
        assert done
    assert LINE not in role.text()


def test_a_key_between_the_last_look_and_the_enter(desk, monkeypatch):
    role = play(desk, "claude-code", width=80, height=50)
    with Person(role) as person:
        until(lambda: time.time() - person.pressed_at() > guards.UNSEEN + 1, 15)
        enter, done = paste.Attempt.enter, []

        def late(self, seen):
            if not done:
                done.append(seen)
                os.write(person.terminal, LEFT.encode())
                until(lambda: time.time() - person.pressed_at() < 3)
            return enter(self, seen)

        monkeypatch.setattr(paste.Attempt, "enter", late)
        assert role.deliver().reason == "human_active"
        assert (len(done), role.sent, role.enters) == (1, [], 0)


# -- what the eye has seen of it ---------------------------------------------------------------------------------------


def sight(key_at, row="❯ ", x=2):
    rows = ["─" * 20, row, "─" * 20]
    flags = (False,) * 5
    return screen.Look(
        "", 1, 1, "%1", 1, *flags, x, 1, 20, 3, "", "", "", "", "\n".join(rows), True, key_at, tty="/dev/null"
    )


@pytest.fixture
def eye(monkeypatch):
    """An eye, and the time that it takes for now: `at(seconds)` sets it."""
    clock = SimpleNamespace(now=1000.0)
    from xats.delivery import watcher as module
    from xats.tmux.pane import Pane

    fake = SimpleNamespace(time=lambda: clock.now, monotonic=lambda: clock.now)
    monkeypatch.setattr(module, "time", fake)
    monkeypatch.setattr(guards, "time", fake)
    where = SimpleNamespace(pane=Pane("/nowhere", 1, 1, "%1", 1, "/dev/null"), process=(1, 1))
    target = SimpleNamespace(
        session=SimpleNamespace(seat=where, programs=None), agent=SimpleNamespace(client="claude-code")
    )
    made = PaneWatcher(SimpleNamespace(state="retrying"), target, "1-1-x", Settings(), changed=False)

    def see(now, look):
        clock.now = now
        made.observe(look, now)
        return made.echoed(look)

    return see


def test_the_first_key_after_a_rest_is_shown_at_once(eye):
    assert not eye(1000.0, sight(980))
    assert not eye(1000.4, sight(1000, "❯ a", 3))  # it is a draft
    assert not eye(1000.8, sight(1000, "❯ ab", 4))
    assert not eye(1001.2, sight(1001, "❯ ...", 5))
    assert eye(1001.6, sight(1001))
    assert eye(1002.0, sight(1001))
    assert not eye(1002.4, sight(1002, "❯ .", 3))
    assert eye(1002.8, sight(1002))


def test_a_key_that_changes_nothing_may_be_shown_late(eye):
    eye(1000.0, sight(980))
    assert not eye(1000.4, sight(1000))
    assert not eye(1000.8, sight(1001, "❯ a", 3))  # which may be the first one


def test_who_begins_to_watch_while_somebody_types_knows_nothing(eye):
    assert not eye(1000.0, sight(999, "❯ a", 3))
    assert not eye(1000.4, sight(1000, "❯ ab", 4))
    assert not eye(1000.8, sight(1000))


def test_a_row_that_changes_long_after_the_last_key_shows_it_late(eye):
    eye(1000.0, sight(980))
    eye(1000.4, sight(1000, "❯ a", 3))
    for tenth in range(8, 40, 4):
        assert eye(1000 + tenth / 10, sight(1000))
    eye(1004.0, sight(1000, "❯ b", 3))
    assert not eye(1004.4, sight(1000))


def test_looks_that_were_left_out_may_have_missed_it(eye):
    eye(1000.0, sight(980))
    eye(1000.4, sight(1000, "❯ a", 3))
    assert eye(1000.8, sight(1000))
    assert not eye(1003.0, sight(1000))
