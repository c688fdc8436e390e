"""Nothing is ever typed where it does not belong: every obstacle, at every moment, in every look.

Whatever happens, the player's submissions are none or exactly our line, once; no dialog is answered; no other pane
gets a byte; the reason is right; and once the obstacle has gone the line is submitted exactly once.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from types import SimpleNamespace

import pytest

from tests import support
from tests.delivery.conftest import LINE, until
from tests.support.stagehand import LOOKS, Bystander, Person, play, play_again, play_at_prompt, play_in_bash
from tests.support.world import Composer
from xats.base import faults, process
from xats.delivery import screens
from xats.tmux import guards, paste

KNOWN = LOOKS[1:]
LEFT = "\x1b[D"
SIZE = {"width": 80, "height": 50}  # it is split in two


# -- obstacles: a function puts each up, and returns what makes it go away and tells who plays then --------------------


def shown(role):
    """Suspend any doubt whether tmux has drawn what was typed."""
    before = role.text()

    def wait():
        until(lambda: role.text() != before)

    return wait


def dialog(role):
    role.do("dialog")
    return lambda: role.do("close")


def busy(role):
    role.do("busy")
    return lambda: role.do("idle")


def noise(role):
    role.do("noise")
    return lambda: role.do("quiet")


def draft(role):
    wait = shown(role)
    role.keys("-l", "wait, ")
    wait()

    def erase():
        before = role.text()
        role.keys("-N", "6", "BSpace")
        until(lambda: role.text() != before and "wait" not in role.text())

    return erase


def human(role):
    """Somebody moves about in what is there: no key of his leaves a trace on the screen."""
    person = Person(role)
    person.press(LEFT)
    return person.leave


def copy_mode(role):
    role.desk.cmd("copy-mode", "-t", role.pane.pane_id)
    return lambda: role.desk.cmd("send-keys", "-X", "-t", role.pane.pane_id, "cancel")


def tree(role):
    role.desk.cmd("choose-tree", "-t", role.pane.pane_id)
    return lambda: role.desk.cmd("copy-mode", "-q", "-t", role.pane.pane_id)


def input_off(role):
    role.desk.cmd("select-pane", "-d", "-t", role.pane.pane_id)
    return lambda: role.desk.cmd("select-pane", "-e", "-t", role.pane.pane_id)


def synchronized(role):
    role.desk.cmd("set-option", "-w", "-t", role.pane.pane_id, "synchronize-panes", "on")
    return lambda: role.desk.cmd("set-option", "-w", "-t", role.pane.pane_id, "synchronize-panes", "off")


def left_to_its_shell(role):
    role.tell("exit")  # its last picture stays, with the shell's prompt in the middle of it
    until(lambda: "at-bash$" in role.text())
    return lambda: play_at_prompt(role.desk, role.pane, role.look)


def suspended(role):
    os.kill(role.pid, signal.SIGSTOP)
    until(lambda: "Stopped" in role.text())

    def resume():
        role.keys("-l", "fg")
        role.keys("Enter")
        until(lambda: (found := process.read(role.pid)) and found.pgrp == found.tpgid)
        until(lambda: "Stopped" not in role.text())

    return resume


def dead(role):
    role.desk.keep_dead(role.pane)
    os.kill(role.pid, signal.SIGKILL)
    until(lambda: role.desk.show(role.pane, "#{pane_dead}") == "1")
    return lambda: play_again(role)


def respawned(role):
    stranger = play_again(role)

    def back():
        assert stranger.got == []
        return play_again(role)

    return back


def registered_in_the_respawned(role):
    stranger = play_again(role)
    return lambda: stranger


def killed(role):
    role.desk.cmd("kill-pane", "-t", role.pane.pane_id)
    return lambda: play(role.desk, role.look)


def server_gone(role):
    role.desk.stop()

    def back():
        role.desk.start()
        return play(role.desk, role.look)

    return back


def server_restarted(role):
    role.desk.stop()
    role.desk.start()
    for _ in range(3):  # until the pane's id is taken
        stranger = play(role.desk, role.look)
        if stranger.pane.pane_id == role.pane.pane_id:
            return lambda: stranger
    raise AssertionError(role.pane)


def child(role, command):
    """Have it run `command` as an agent runs a tool, without taking the terminal away from it."""
    role.do(f"run printf 'child> '; {command}")
    until(lambda: "child>" in role.text())

    def stop():
        role.do("stop")
        until(lambda: "child>" not in role.text())

    return stop


def repl(role):
    got = f"{role.log}.got"
    write = f"import sys; print('child> ', end='', flush=True); open('{got}', 'w').write(sys.stdin.read())"
    stop = child(role, f'exec {sys.executable} -c "{write}"')

    def leave():
        until(lambda: os.path.exists(got))
        assert os.path.getsize(got) == 0
        stop()

    return leave


def notes(role):
    return child(role, f"exec cat > {role.log}.notes")


def keys_elsewhere(role):
    """It reads its keys from /dev/tty, as git asks for a password, and less does."""
    return child(role, "exec sleep 1h </dev/null 3</dev/tty")


def password(role):
    return child(role, "stty -echo; exec sleep 1h </dev/null")


def shell_in_a_terminal_of_its_own(role):
    return child(role, f"exec {sys.executable} -c 'import pty; pty.spawn([\"sh\"])'")


def replaced_by_exec(role):
    role.tell(f"become {sys.executable} -c 'print(\"child> \", flush=True); input()'")
    until(lambda: "child>" in role.text())
    return lambda: play_again(role)


def socket_moved(role):
    """Its server lives on; it only cannot be asked."""
    away = f"{role.desk.socket}.away"
    os.rename(role.desk.socket, away)
    return lambda: os.rename(away, role.desk.socket)


BASH = (left_to_its_shell, suspended)
DOWN = ("codex",)  # it draws from the lower edge, so that what appears above its composer does not move it
STILL = ("codex", "opencode")  # and there they work below or above it, without moving it


def reasons(obstacle, look, moment):
    """Return what an attempt may come to when `obstacle` appears at `moment`; None is that the line was submitted."""
    early = moment in ("start", "line", "paste.before")
    if obstacle is synchronized:  # the paste is for a state that was looked at, so it looks again; the Enter sees to it
        return {None}
    if obstacle is dialog:
        if look == "readline":  # its question offers a choice, beside the cursor
            return {"screen_unknown"} if early else {"screen_unknown", "unconfirmed"}
        return {"dialog_open"}
    if obstacle is human:
        # The key may be in the terminal, which the program has not read yet, when the look before it is judged.
        return {"human_active", "draft_present", None} if moment == "enter" else {"human_active"}
    if obstacle is draft:
        return {"not_quiet", "draft_present"} if early and look == "readline" else {"draft_present"}
    if obstacle is busy:
        if look == "readline":
            return {"not_quiet"} if early else {None}
        # Between a look and an Enter a composer that does not move cannot be told from one at rest.
        return {"busy", None} if moment == "enter" else {"busy"}
    if obstacle is noise:
        if moment in ("start", "line") or (early and look not in DOWN):
            return {"not_quiet"}
        # Where it moves no composer, only a look that comes again, because the first grew old, sees it in time.
        return {"not_quiet", None} if early else {None}
    return {
        {
            **dict.fromkeys(CHILDREN, "child_foreground"),
            replaced_by_exec: "program_changed",
            copy_mode: "copy_mode",
            tree: "copy_mode",
            input_off: "input_off",
            left_to_its_shell: "shell_foreground",
            suspended: "shell_foreground",
            dead: "pane_dead",
            respawned: "pane_changed",
            registered_in_the_respawned: "pane_changed",
            killed: "no_pane",
            server_gone: "server_gone",
            server_restarted: "server_gone",
            socket_moved: "tmux_unavailable",
        }[obstacle]
    }


def test_a_bystander_sees_every_byte(desk):
    seen = Bystander(desk)
    desk.cmd("set-buffer", "-b", "x", "pasted")
    desk.cmd("paste-buffer", "-p", "-d", "-b", "x", "-t", seen.pane.pane_id)
    desk.cmd("send-keys", "-t", seen.pane.pane_id, "Enter")
    until(lambda: seen.got == b"pasted\r")


# -- the matrix --------------------------------------------------------------------------------------------------------

SEEN = (dialog, busy, noise, draft, synchronized)
LASTING = (replaced_by_exec, dead, respawned, registered_in_the_respawned, killed, server_gone, server_restarted)
CHILDREN = (repl, notes, keys_elsewhere, password, shell_in_a_terminal_of_its_own)
UNSEEN = (copy_mode, tree, input_off, *BASH, socket_moved, *LASTING)
MOMENTS = ("start", "line", "paste.before", "paste.after", "enter")
CELLS = [
    *[(obstacle, moment, look) for obstacle in SEEN for moment in MOMENTS for look in LOOKS],
    *[(obstacle, moment, "claude-code") for obstacle in (human, *UNSEEN) for moment in MOMENTS],
    *[(obstacle, "start", "readline") for obstacle in (human, *UNSEEN)],
    *[(obstacle, moment, look) for obstacle in CHILDREN for moment in MOMENTS for look in ("claude-code", "readline")],
]


def name(value):
    return getattr(value, "__name__", value)


@pytest.mark.parametrize(("obstacle", "moment", "look"), CELLS, ids=name)
def test_an_obstacle(desk, monkeypatch, obstacle, moment, look):
    role = (play_in_bash if obstacle in BASH else play)(desk, look, **SIZE)
    others = [Bystander(desk, role.pane), Bystander(desk)]
    role.do("idle")  # it has drawn itself for its half of the window
    mend = appear(monkeypatch, obstacle, moment, role)
    result = role.deliver(line=lambda: (mend.at("line"), LINE)[1])
    assert mend.went_up
    assert result.reason in reasons(obstacle, look, moment), result
    assert (role.sent, role.approvals) == ([LINE] if result.reason is None else [], 0)
    successor = mend() or role
    if result.reason is not None:
        until(lambda: successor.deliver().state == "delivered", guards.UNSEEN + 8)
        until(lambda: successor.sent, 2)
    assert [*role.sent, *(successor.sent if successor is not role else [])] == [LINE]
    assert role.approvals + successor.approvals == 0
    assert [other.got for other in others] == [b"", b""]
    assert desk.buffers() == ""


def appear(monkeypatch, obstacle, moment, role):
    """Have `obstacle` appear at `moment`; return what makes it go away."""

    class Mend:
        went_up = False

        def at(self, reached):
            if reached == moment and not self.went_up:
                self.went_up = True
                self.mend = obstacle(role)

        def __call__(self):
            monkeypatch.setattr(faults, "point", lambda _: None)
            return self.mend()

    mend = Mend()

    def point(reached):
        if reached == "paste.after" == moment and obstacle not in LASTING:
            until(lambda: role.desk.show(role.pane, "#{@xats_wake}").endswith(":pasted"))
            until(lambda: role.happened("got"))  # it has the paste: what appears now appears over it
        mend.at(reached)

    def last_look(known, look, token, asked=screens.examined):
        said = asked(known, look, token)
        if look.wake.endswith(":pasted"):
            mend.at("enter")
        return said

    monkeypatch.setattr(faults, "point", point)
    monkeypatch.setattr(screens, "examined", last_look)
    mend.at("start")
    return mend


# -- manners -----------------------------------------------------------------------------------------------------------

MANNERS = [
    ("--plain",),
    ("--deaf", "15"),
    ("--deaf", "300"),
    ("--sip", "4"),
    ("--late", "0.4"),
    ("--kitty",),
    ("--turn", "0.3"),
    ("--collapse", "46"),
]


@pytest.mark.parametrize("manner", MANNERS, ids=" ".join)
@pytest.mark.parametrize("look", LOOKS)
def test_exactly_one_submission_whatever_its_manners(desk, look, manner):
    role = play(desk, look, *manner)
    assert role.deliver(quiet=50).state == "delivered"
    assert role.sent == [LINE]
    assert role.framed == ["--plain" not in manner]
    assert not any("busy" in one and one["busy"] for one in role._entries())


@pytest.mark.parametrize("look", LOOKS)
def test_an_enter_that_came_too_early_and_became_a_new_line(desk, look):
    """It is pressed again while the composer holds our line and nothing else, which all these programs trim."""
    role = play(desk, look, "--brittle", "250")
    result = role.deliver(quiet=50)
    assert (result.state, role.sent) in [("delivered", [LINE]), ("refused", [])]
    for _ in range(2):
        role.deliver(quiet=50)
    assert role.sent in ([LINE], [])
    assert role.text().count("xats:") == 1


@pytest.mark.parametrize("look", LOOKS)
def test_no_enter_where_our_line_is_shown_as_a_marker(desk, monkeypatch, look):
    monkeypatch.setattr(paste, "SHOW", 300)
    role = play(desk, look, "--collapse", "20")
    assert role.deliver(quiet=50).state == "refused"
    assert role.deliver(quiet=50).state == "refused"
    assert (role.sent, role.enters) == ([], 0)
    assert role.happened("pasted") == 1
    assert "[Pasted text #1 +0 lines]" in role.text()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", [(20, 12), (20, 50), (30, 400), (200, 400)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_in_any_size_and_the_c_locale(desk, monkeypatch, look, size):
    for name in ("LC_ALL", "LANG"):
        monkeypatch.setenv(name, "C")
    role = play(desk, look, width=size[0], height=size[1])
    assert role.deliver(quiet=50).state == "delivered"
    role.keys("-l", "a draft of many words, that is wrapped over rows")
    until(lambda: "rows" in role.text())
    assert role.deliver(token="store-2", quiet=50).reason == "draft_present"
    assert role.sent == [LINE]


@pytest.mark.parametrize("look", LOOKS)
def test_a_draft_of_a_placeholders_words_is_a_draft(desk, look):
    role = play(desk, look, "--draft", "Ask Codex to do anything")
    assert role.deliver(quiet=50).reason == "draft_present"
    assert role.got == []


@pytest.mark.parametrize("enter", ["\x1b[13u", "\x1b[13;1u"])
def test_the_player_knows_the_enter_of_the_kitty_protocol(desk, enter):
    role = play(desk, "codex", "--kitty", "--draft", "by hand")
    role.keys("-H", *(f"{byte:02x}" for byte in enter.encode()))
    until(lambda: role.sent)
    assert role.sent == ["by hand"]


# -- what opens under the paste itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize("look", KNOWN)
def test_a_dialog_that_opens_while_the_paste_is_on_its_way(desk, look):
    """The program throws the paste away. Nobody can tell from outside, so nothing is ever typed again."""
    role = play(desk, look, "--on-paste", "dialog")
    assert role.deliver().reason == "dialog_open"
    role.do("close")
    assert role.deliver().reason == "unconfirmed"
    assert (role.sent, role.approvals, role.enters) == ([], 0, 0)
    assert role.happened("pasted") == 1


@pytest.mark.parametrize("look", KNOWN)
def test_a_dialog_that_the_paste_itself_opens(desk, look):
    role = play(desk, look, "--on-pasted", "dialog")
    assert role.deliver().reason == "dialog_open"
    assert (role.sent, role.approvals) == ([], 0)
    role.do("close")
    assert role.deliver().state == "delivered"
    assert (role.sent, role.approvals) == ([LINE], 0)


@pytest.mark.parametrize("look", KNOWN)
def test_it_goes_to_work_when_the_line_is_in_its_composer(desk, look):
    role = play(desk, look, "--on-pasted", "busy")
    assert role.deliver().reason == "busy"
    assert role.sent == []
    role.do("idle")
    assert role.deliver().state == "delivered"
    assert role.sent == [LINE]


@pytest.mark.parametrize("look", LOOKS)
def test_words_that_appear_behind_our_line_are_not_sent_with_it(desk, look):
    role = play(desk, look, "--on-pasted", "draft and then")
    assert role.deliver().reason in ("draft_present", "unconfirmed")
    assert (role.sent, role.enters) == ([], 0)


def test_a_list_to_choose_from_in_a_program_that_nobody_knows(desk):
    role = play(desk, "readline", "--menu", "--dialog")
    assert role.deliver(quiet=50).reason == "screen_unknown"
    assert (role.sent, role.approvals, role.got) == ([], 0, [])


def test_a_list_to_choose_from_opens_over_our_line(desk):
    role = play(desk, "readline", "--menu", "--on-pasted", "dialog")
    assert role.deliver(quiet=50).reason == "screen_unknown"
    assert (role.sent, role.approvals, role.enters) == ([], 0, 0)
    role.do("close")
    assert role.deliver(quiet=50).state == "delivered"
    assert (role.sent, role.approvals) == ([LINE], 0)


# -- somebody at the keyboard ------------------------------------------------------------------------------------------


def test_a_person_who_only_looks_on_does_not_keep_the_mail_away_for_long(desk):
    role = play(desk, "claude-code", **SIZE)
    with Person(role) as person:
        person.press(LEFT)
        pressed = time.time()
        assert role.deliver().reason == "human_active"
        until(lambda: role.deliver().state == "delivered", guards.UNSEEN + 8)
        assert time.time() - pressed >= guards.UNSEEN  # nobody has seen the program show that key
    assert role.sent == [LINE]


@pytest.mark.parametrize("look", KNOWN)
def test_what_a_person_types_while_our_line_settles_is_not_sent_with_it(desk, monkeypatch, look):
    """It is on its way to a program that draws late: the screen says nothing of it yet, only tmux knows of the key."""
    role = play(desk, look, **SIZE)
    with Person(role) as person:
        until(lambda: time.time() - person.pressed_at() > guards.UNSEEN + 1, 15)  # he did nothing but come

        def settle(seconds, sleep=time.sleep):
            sleep(seconds)
            if sys._getframe(1).f_code.co_name == "shown" and not role.happened("did"):
                role.tell("hold")
                until(lambda: role.happened("did"))
                os.write(person.terminal, b"no, ")
                until(lambda: time.time() - person.pressed_at() < 3)

        monkeypatch.setattr(paste, "time", SimpleNamespace(sleep=settle, monotonic=time.monotonic))
        result = role.deliver()
        role.do("go")
        until(lambda: "no, " in "".join(role.got))
        assert (result.reason, role.sent) == ("human_active", [])
        until(lambda: f"{LINE}no," in role.text().replace("\n", ""))


def test_a_person_types_in_another_pane_of_a_synchronized_window(desk):
    """His keys go to all of them."""
    role = play(desk, "claude-code", **SIZE)
    other = play(desk, "claude-code", split=role.pane)
    synchronized(role)
    desk.cmd("select-pane", "-t", other.pane.pane_id)
    with Person(other) as person:
        person.press(LEFT)
        assert role.deliver().reason == "human_active"


# -- the wake of a session that is over --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["paste.before", "paste.after", "enter.after"])
def test_a_program_that_is_started_anew_is_woken_anew(world, fault):
    """The mark in the pane outlives the program that the line was pasted into. The next one has got nothing yet."""
    world.register("alice")
    tmux = world.tmux()
    first = tmux.compose()
    world.register("bob", first)
    world.send("bob")
    assert world.start("deliver", "--once", XATS_FAULT=fault).wait() == -signal.SIGKILL
    log = first.log + "-again"
    again = shlex.join([sys.executable, "-IS", os.path.join(support.FOLDER, "composer.py"), log])
    tmux.cmd("respawn-pane", "-k", "-t", first.pane, f"exec {again}")
    second = Composer(tmux, first.pane, log)
    world.register("bob", second)
    world.xats("deliver", "--once")
    wake = world.wake()
    assert (wake["state"], second.sent) == ("delivered", ["xats: 1 new from alice - run: xats inbox"])
    assert first.sent == [] or fault == "enter.after"
