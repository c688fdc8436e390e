"""The guarded paste: what it delivers, and everything that it refuses, at every moment at which it can appear."""

import os
import shlex
import shutil
import signal
import threading
import time

import pytest

from tests.delivery.conftest import LINE, TITLES, until
from xats.base import faults, process
from xats.tmux import paste
from xats.tmux.lock import locked
from xats.tmux.pane import Pane
from xats.tmux.paste import Outcome, attempt, clean_line
from xats.tmux.screen import STATE, look

DELIVERED = Outcome("delivered")


def never():
    raise AssertionError("the line was asked for")


def untouched(seat):
    """Nothing was typed, and no buffer was left behind."""
    return not seat.sent and not seat.enters and "xats" not in seat.text() and seat.desk.buffers() == ""


# -- it delivers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [(), ("--plain",), ("--frame",), ("--alternate",), ("--slow", "0.3"), ("--prompt", "\u276f "), ("--prompt", "")],
    ids=" ".join,
)
def test_one_submission_of_exactly_our_line(desk, options):
    seat = desk.compose(*options)
    assert seat.attempt() == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], 1)
    assert seat.framed == ["--plain" not in options]
    assert desk.buffers() == ""


@pytest.mark.parametrize("options", [(), ("--frame",), ("--prompt", "")], ids=" ".join)
@pytest.mark.parametrize("width", [20, 21, 37])
def test_in_a_narrow_pane(desk, options, width):
    seat = desk.compose(*options, width=width)
    assert seat.attempt() == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], 1)


@pytest.mark.parametrize("width", [20, 9, len(LINE), len(LINE) + 1])
def test_into_a_program_that_reads_lines(desk, width):
    pane = desk.open("exec cat", width=width)
    # tmux 3.6 says what a pane was started with before its process has a terminal.
    until(lambda: process.read(pane.pane_pid).name == desk.show(pane, "#{pane_current_command}") == "cat")
    client = (pane.pane_pid, process.started(pane.pane_pid))
    outcome = attempt(pane, line=lambda: LINE, token="t", quiet_ms=50, client=client)
    assert outcome == DELIVERED
    # The echo, and what cat wrote: one line, and no empty one after it.
    rows = 2 * -(-len(LINE) // width)
    until(lambda: desk.show(pane, "#{cursor_x},#{cursor_y}") == f"0,{rows}")
    assert desk.text(pane).replace("\n", "").replace(" ", "") == 2 * LINE.replace(" ", "")


@pytest.mark.parametrize("line", ["xats: grüße → 日本", 'xats: it\'s "a" $HOME #{pid}; `x` \\n %if ~;', "x" * 200])
def test_any_clean_line_in_the_c_locale(desk, monkeypatch, line):
    monkeypatch.setenv("LC_ALL", "C")
    seat = desk.compose(width=230)
    assert seat.attempt(line=lambda: line) == DELIVERED
    assert seat.sent == [line]


@pytest.mark.parametrize(
    "title",
    [
        *(
            "a|b,c}#d",
            "#{pane_pid}'\";$",
            "⠏ proj",
            "{a}, b } {",
            "#[fg=red]hi",
            "##[x",
            "#[",
            "a;",
            "%H:%M #S",
        ),
    ],
)
def test_whatever_the_title(desk, title):
    seat = desk.compose("--title", title)
    until(lambda: desk.show(seat.pane, "#{pane_title}") == title)
    assert seat.attempt() == DELIVERED


def test_whatever_the_name_of_the_command(desk):
    name = "we,ird}#x'|"
    seat = desk.compose(wrap=f"exec bash -c {shlex.quote('exec -a ' + shlex.quote(name) + ' {}')}")
    assert desk.show(seat.pane, "#{pane_current_command}") == name
    assert seat.attempt() == DELIVERED


def test_twice_with_two_tokens(desk):
    seat = desk.compose()
    assert seat.attempt(token="a") == DELIVERED
    assert seat.attempt(token="b") == DELIVERED
    assert seat.sent == [LINE, LINE]


def test_it_takes_few_calls_of_tmux(desk, fake_tmux):
    seat = desk.compose()
    calls = fake_tmux("")
    assert seat.attempt() == DELIVERED
    assert calls() <= 11  # three looks, paste, two looks, Enter, two looks, and a little for a slow machine


def test_many_panes_side_by_side(desk):
    seats = [desk.compose() for _ in range(8)]
    outcomes = {}

    def run(seat):
        outcomes[seat.pane.pane_id] = seat.attempt(token=f"wake-{seat.pid}")

    threads = [threading.Thread(target=run, args=(seat,)) for seat in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes.values()) == {DELIVERED}
    assert [seat.sent for seat in seats] == [[LINE]] * 8
    assert desk.buffers() == ""


# -- the Enter ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swallowed", [1, 2])
def test_a_swallowed_enter_is_pressed_again(desk, swallowed):
    seat = desk.compose("--swallow", str(swallowed))
    assert seat.attempt() == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], swallowed + 1)


@pytest.mark.parametrize("take_ms, enters", [(0, 2), (1500, 1)])
def test_a_program_that_takes_its_time_is_given_it(desk, take_ms, enters):
    """It has read the Enter and goes on showing the line; where that is known it gets no second one."""
    seat = desk.compose("--ponder", "0.8")
    assert seat.attempt(take_ms=take_ms) == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], enters)


def test_half_a_redraw_is_not_taken_for_a_submission(desk):
    seat = desk.compose("--swallow", "1", "--flicker", "0.03")
    assert seat.attempt() == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], 2)


def test_no_more_than_three_enters(desk, monkeypatch):
    monkeypatch.setattr(paste, "LAST", 300)
    seat = desk.compose("--swallow", "9")
    assert seat.attempt().state == "unconfirmed"
    assert (seat.sent, seat.enters) == ([], 3)


def test_an_enter_that_became_a_new_line_is_not_taken_for_a_submission(desk):
    seat = desk.compose("--newline", "1")
    assert seat.attempt().state == "unconfirmed"
    assert (seat.sent, seat.enters) == ([], 1)


def test_no_enter_unless_the_composer_shows_exactly_our_line(desk, monkeypatch):
    monkeypatch.setattr(paste, "SHOW", 300)
    seat = desk.compose("--shout")
    assert seat.attempt() == Outcome("unconfirmed", "unconfirmed", "the composer did not show exactly our line")
    assert (seat.sent, seat.enters) == ([], 0)
    assert seat.attempt(line=never).state == "unconfirmed"
    assert seat.text().count("XATS:") == 1


def test_a_composer_that_shows_it_too_late_gets_only_the_enter_later(desk, monkeypatch):
    seat = desk.compose("--late", "0.6")
    monkeypatch.setattr(paste, "SHOW", 200)
    assert seat.attempt().state == "unconfirmed"
    until(lambda: LINE in seat.text())
    assert seat.attempt(line=never) == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], 1)


def test_a_program_that_is_known_to_show_it_late_is_given_the_time(desk, monkeypatch):
    seat = desk.compose("--late", "0.6")
    monkeypatch.setattr(paste, "SHOW", 200)
    assert seat.attempt(show_ms=5000) == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], 1)


def test_an_enter_that_was_not_even_read_is_not_pressed_again(desk, monkeypatch):
    """A composer that stands still takes all that was typed when it moves again, into whatever is open then."""
    seat = desk.compose(wrap="sh -c '{}; true'")  # a wrapper, because tmux continues a stopped child of its own

    def freeze(look):
        if LINE in look.plain():
            os.kill(seat.pid, signal.SIGSTOP)

    monkeypatch.setattr(paste, "LAST", 600)
    assert seat.attempt(guards=[freeze]).state == "unconfirmed"
    os.kill(seat.pid, signal.SIGCONT)
    until(lambda: seat.sent)
    assert seat.attempt(line=never) == Outcome("delivered", "", "by an earlier attempt")
    assert (seat.sent, seat.enters) == ([LINE], 1)


@pytest.mark.parametrize("own", ["", "on", "off"])
def test_synchronized_panes_get_nothing_and_stay_synchronized(desk, own):
    first = desk.compose()
    log, command = desk.command()
    others = []
    for _ in range(2):
        log, command = desk.command()
        pane = desk.open(f"exec {command}", split=first.pane)
        others.append(type(first)(pane, log, desk))
    desk.cmd("set-option", "-w", "-t", first.pane.pane_id, "synchronize-panes", "on")
    if own:
        desk.cmd("set-option", "-p", "-t", first.pane.pane_id, "synchronize-panes", own)
    assert first.attempt() == DELIVERED
    assert first.sent == [LINE]
    assert [(seat.sent, seat.enters) for seat in others] == [([], 0), ([], 0)]
    assert desk.cmd("show-options", "-pqv", "-t", first.pane.pane_id, "synchronize-panes") == own
    assert desk.cmd("show-options", "-wv", "-t", first.pane.pane_id, "synchronize-panes") == "on"


def test_the_composer_can_be_read_in_another_way(desk):
    """The seam for a client's profile: a callable says whether the composer holds the line."""
    seat = desk.compose("--shout")
    assert seat.attempt(composer=lambda look, line: line.upper() in look.rows()[look.cursor_y]) == DELIVERED
    assert seat.sent == [LINE]


# -- it refuses, and delivers once the obstacle is gone ----------------------------------------------------------------


def into_copy_mode(seat):
    seat.desk.cmd("copy-mode", "-t", seat.pane.pane_id)
    return lambda: seat.desk.cmd("send-keys", "-X", "-t", seat.pane.pane_id, "cancel")


def into_a_tree(seat):
    seat.desk.cmd("choose-tree", "-t", seat.pane.pane_id)
    return lambda: seat.desk.cmd("copy-mode", "-q", "-t", seat.pane.pane_id)


def input_off(seat):
    seat.desk.cmd("select-pane", "-d", "-t", seat.pane.pane_id)
    return lambda: seat.desk.cmd("select-pane", "-e", "-t", seat.pane.pane_id)


def dead(seat):
    seat.desk.keep_dead(seat.pane)
    os.kill(seat.pid, signal.SIGKILL)
    until(lambda: seat.desk.show(seat.pane, "#{pane_dead}") == "1")


def respawned(seat):
    _, command = seat.desk.command()
    seat.desk.cmd("respawn-pane", "-k", "-t", seat.pane.pane_id, f"exec {command}")


def killed(seat):
    seat.desk.cmd("kill-pane", "-t", seat.pane.pane_id)


def server_gone(seat):
    seat.desk.stop()


def server_restarted(seat):
    seat.desk.stop()
    seat.desk.start()
    seat.desk.compose()


PASSING = [(into_copy_mode, "copy_mode"), (into_a_tree, "copy_mode"), (input_off, "input_off")]
LASTING = [
    (dead, "pane_dead"),
    (respawned, "pane_changed"),
    (killed, "no_pane"),
    (server_gone, "server_gone"),
    (server_restarted, "server_gone"),
]


@pytest.mark.parametrize(("obstacle", "reason"), PASSING)
def test_an_obstacle_that_is_there_and_goes_away(desk, obstacle, reason):
    seat = desk.compose()
    mend = obstacle(seat)
    assert seat.attempt(line=never) == Outcome("refused", reason)
    assert untouched(seat)
    mend()
    assert seat.attempt() == DELIVERED
    assert seat.sent == [LINE]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("obstacle", "reason"), LASTING)
def test_a_target_that_is_gone(desk, obstacle, reason, known):
    seat = desk.compose()
    obstacle(seat)
    outcome = seat.attempt(line=never, **({} if known else {"client": None}))
    assert (outcome.state, outcome.reason) == ("refused", reason)
    assert not seat.sent


def test_a_paste_into_a_dead_pane_would_have_killed_this_tmux(desk):
    seat = desk.compose()
    dead(seat)
    assert seat.attempt(client=None).reason == "pane_dead"
    assert process.started(desk.pid) and desk.cmd("list-sessions")


def test_a_clock_is_not_quiet_until_it_stops(desk):
    seat = desk.compose("--clock")
    outcome = seat.attempt(quiet_ms=700, line=never)
    assert outcome == Outcome("refused", "not_quiet", "its screen changed within 700 ms")
    assert untouched(seat)
    os.kill(seat.pid, signal.SIGUSR1)
    time.sleep(0.01)
    until(lambda: seat.attempt(quiet_ms=100).state == "delivered")
    assert seat.sent == [LINE]


# What tmux 3.4 and 3.5 make of a `$` when they print (utf8_strvis).
ESCAPED = """out=$(mktemp); {real} "$@" >$out; status=$?
sed 's/\\$\\([A-Za-z_{]\\)/\\\\$\\1/g' $out; rm $out; exit $status"""


def entitled(title):
    return f"printf '\\033]2;%s\\007' {shlex.quote(title)}; exec {{}}"


@pytest.mark.parametrize("title", TITLES)
def test_a_title_of_any_text_may_be_quiet(desk, title):
    seat = desk.compose(wrap=entitled(title))
    assert seat.attempt() == DELIVERED
    assert seat.sent == [LINE]


@pytest.mark.parametrize("title", ["Fix $PATH", "a $HOME and ${x} $_ $1", "\\$x"])
def test_a_title_that_tmux_prints_with_escapes_may_be_quiet(desk, fake_tmux, title):
    seat = desk.compose(wrap=entitled(title))
    fake_tmux(ESCAPED.replace("{real}", shutil.which("tmux")))
    assert "\\$" in look(seat.pane).title
    assert seat.attempt() == DELIVERED
    assert seat.sent == [LINE]


@pytest.mark.parametrize(
    "before, after",
    [("\u2733 Claude Code", "\u2810 Claude Code"), ("Ready", "Working"), ("a, b", "a, c"), ("", "x"), ("x", "")],
)
def test_a_title_that_changes_just_before_the_paste_is_noticed(desk, monkeypatch, before, after):
    """Also one in which only a sign changes: Claude Code and Codex tell so that a turn has begun."""
    seat = desk.compose()
    change = ("select-pane", "-t", seat.pane.pane_id, "-T")
    desk.cmd(*change, before)
    monkeypatch.setattr(faults, "point", lambda name: desk.cmd(*change, after) if name == "paste.before" else None)
    assert seat.attempt() == Outcome("refused", "not_quiet", "its title changed just before the paste")
    assert untouched(seat)


def test_a_tmux_that_is_too_old(desk, fake_tmux):
    seat = desk.compose()
    told = f"""{shutil.which("tmux")} "$@" | sed 's/^[^|]*[.][^|]*|/3.1c|/'; exit 0"""
    fake_tmux(f"""case "$*" in *'#{{version}}'*) {told};; esac""")
    assert seat.attempt(line=never) == Outcome("refused", "tmux_too_old", "tmux 3.1c")
    assert untouched(seat)


def test_a_title_that_changes_is_not_quiet(desk):
    seat = desk.compose()
    timer = threading.Timer(0.1, lambda: desk.cmd("select-pane", "-t", seat.pane.pane_id, "-T", "busy"))
    timer.start()
    assert seat.attempt(quiet_ms=500, line=never).detail == "its title changed within 500 ms"
    timer.join()


def test_the_wait_for_quiet_stops_when_asked(desk):
    seat = desk.compose()
    start = time.monotonic()
    outcome = seat.attempt(quiet_ms=30_000, stopping=lambda: time.monotonic() > start + 0.1, line=never)
    assert outcome == Outcome("withdrawn", "stopping")
    assert time.monotonic() - start < 5
    assert untouched(seat)


def test_mail_that_was_read_meanwhile(desk):
    seat = desk.compose()
    assert seat.attempt(line=lambda: None) == Outcome("withdrawn", "already_read")
    assert untouched(seat)


def test_another_process_at_work_in_the_pane(desk):
    seat = desk.compose()
    with locked(seat.pane):
        outcome = seat.attempt(line=never)
    assert (outcome.state, outcome.reason) == ("refused", "busy")
    assert untouched(seat)
    assert seat.attempt() == DELIVERED


def test_a_terminal_that_cannot_be_locked(desk, monkeypatch):
    seat = desk.compose()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)  # it is another user's then
    outcome = paste.attempt(seat.pane, line=never, token="wake-1", quiet_ms=30, client=None)
    assert outcome.state == "refused"
    assert untouched(seat)


def test_a_further_guard(desk):
    seat = desk.compose()
    asked = []

    def dialog(look):
        asked.append(look.rows()[0])
        return "dialog_open" if len(asked) == 1 else None

    assert seat.attempt(guards=[dialog], line=never) == Outcome("refused", "dialog_open")
    assert untouched(seat)
    assert seat.attempt(guards=[dialog]) == DELIVERED
    assert asked[0] == ">" and asked[-1] == f"> {LINE}"  # asked again before the Enter


# -- who is in front ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_a_client_under_a_wrapper_without_job_control_is_in_front(desk, known):
    seat = desk.compose(wrap="sh -c {!r}; true".replace("{!r}", "'{}; true'"))
    assert desk.show(seat.pane, "#{pane_current_command}") in ("sh", "bash", "dash")
    assert seat.pane.pane_pid != seat.pid
    assert seat.attempt(**({} if known else {"client": None})) == DELIVERED
    assert seat.sent == [LINE]


@pytest.mark.parametrize("known", [True, False])
def test_a_client_that_went_away_and_left_a_shell(desk, known):
    seat = desk.compose_in_bash()
    assert seat.attempt(token="first") == DELIVERED
    os.kill(seat.pid, signal.SIGTERM)
    until(lambda: seat.text().rstrip().endswith("at-bash$"))
    before = seat.text()
    outcome = seat.attempt(line=never, **({} if known else {"client": None}))
    assert outcome == Outcome("refused", "shell_foreground", "bash")
    assert seat.text() == before
    assert desk.buffers() == ""


def test_a_client_that_is_suspended(desk):
    seat = desk.compose_in_bash()
    os.kill(seat.pid, signal.SIGSTOP)
    until(lambda: "Stopped" in seat.text())
    assert seat.attempt(line=never).reason == "shell_foreground"
    desk.cmd("send-keys", "-t", seat.pane.pane_id, "-l", "fg")
    desk.cmd("send-keys", "-t", seat.pane.pane_id, "Enter")
    until(lambda: desk.show(seat.pane, "#{pane_current_command}") != "bash")
    until(lambda: process.read(seat.pid).pgrp == process.read(seat.pid).tpgid)
    until(lambda: seat.text().strip() == ">")
    assert seat.attempt() == DELIVERED
    assert seat.sent == [LINE]


def test_a_wrapper_that_goes_on_with_something_else_in_the_gap(desk):
    """To tmux nothing changes: neither the screen nor the cursor nor the name of what leads the foreground group."""
    seat = desk.compose(wrap="exec 2>/dev/null; sh -c '{}; cat; true'")

    def gap():
        os.kill(seat.pid, signal.SIGKILL)
        until(lambda: any(found.name == "cat" for found in process.foreground(seat.pane.pane_pid)))
        return LINE

    before = desk.show(seat.pane, STATE)
    assert seat.attempt(line=gap).reason == "process_gone"
    assert desk.show(seat.pane, STATE) == before
    assert untouched(seat)


def test_a_shell_is_never_the_client(desk):
    pane = desk.open("exec env PS1='at-bash$ ' HISTFILE= bash --norc --noprofile")
    until(lambda: "at-bash$" in desk.text(pane))
    client = (pane.pane_pid, process.started(pane.pane_pid))
    for who in (client, None):
        outcome = attempt(pane, line=never, token="t", quiet_ms=0, client=who)
        assert outcome == Outcome("refused", "shell_foreground", "bash")


def test_the_pid_of_the_client_belongs_to_another_by_now(desk):
    seat = desk.compose()
    assert seat.attempt(client=(seat.pid, seat.client[1] + 1), line=never).reason == "process_gone"
    assert untouched(seat)


def test_a_client_that_lives_in_another_pane(desk):
    seat, other = desk.compose(), desk.compose()
    assert seat.attempt(client=other.client, line=never).reason == "program_elsewhere"
    assert untouched(seat) and untouched(other)


# -- obstacles that appear in the gaps ---------------------------------------------------------------------------------


def typed(seat):
    seat.desk.cmd("send-keys", "-t", seat.pane.pane_id, "-l", "wait, ")
    until(lambda: "wait," in seat.text())


def gone_to_its_shell(seat):
    os.kill(seat.pid, signal.SIGTERM)
    until(lambda: seat.text().rstrip().endswith("at-bash$"))


GAPS = [*PASSING, *LASTING, (typed, "not_quiet"), (gone_to_its_shell, "shell_foreground")]


def start(desk, obstacle):
    return desk.compose_in_bash() if obstacle is gone_to_its_shell else desk.compose()


def at(monkeypatch, point, action):
    """Do `action` at a fault point, which is the last moment before the next key."""
    monkeypatch.setattr(faults, "point", lambda name: action() if name == point else None)


@pytest.mark.parametrize(("obstacle", "reason"), GAPS)
def test_it_appears_while_the_line_is_made(desk, obstacle, reason):
    seat = start(desk, obstacle)
    outcome = seat.attempt(line=lambda: (obstacle(seat), LINE)[1])
    assert (outcome.state, outcome.reason) == ("refused", reason)
    assert not seat.sent
    if obstacle is not server_gone:
        assert desk.buffers() == ""
    if obstacle not in (killed, server_gone, respawned, server_restarted):
        assert "xats" not in seat.text()


@pytest.mark.parametrize(("obstacle", "reason"), GAPS)
def test_it_appears_just_before_the_paste(desk, monkeypatch, obstacle, reason):
    seat = start(desk, obstacle)
    at(monkeypatch, "paste.before", lambda: obstacle(seat))
    outcome = seat.attempt()
    assert (outcome.state, outcome.reason) == ("refused", reason)
    assert not seat.sent
    if obstacle is not server_gone:
        assert process.started(desk.pid) is not None
        assert desk.buffers() == ""
    if obstacle not in (killed, server_gone, respawned, server_restarted):
        assert "xats" not in seat.text()


@pytest.mark.parametrize(
    ("obstacle", "reason"), [gap for gap in GAPS if gap[0] is not typed] + [(typed, "unconfirmed")]
)
def test_it_appears_between_the_paste_and_the_enter(desk, monkeypatch, obstacle, reason):
    seat = start(desk, obstacle)

    def then():
        until(lambda: LINE in seat.text())
        obstacle(seat)

    at(monkeypatch, "paste.after", then)
    monkeypatch.setattr(paste, "SHOW", 300)
    outcome = seat.attempt()
    assert outcome.reason == reason
    assert (seat.sent, seat.enters) == ([], 0)


@pytest.mark.parametrize(
    ("obstacle", "reason"), [gap for gap in GAPS if gap[0] is not typed] + [(typed, "unconfirmed")]
)
def test_it_appears_just_before_the_enter(desk, monkeypatch, obstacle, reason):
    """A guard that sees our line in the composer is asked right before the Enter: after all other checks."""
    seat = start(desk, obstacle)
    asked = []

    def last(look):
        if LINE in look.plain() and not asked:
            asked.append(obstacle(seat))

    monkeypatch.setattr(paste, "AGAIN", 200)
    outcome = seat.attempt(guards=[last])
    assert asked and outcome.reason == reason
    assert (seat.sent, seat.enters) == ([], 0)


def test_after_copy_mode_only_the_enter_is_left_to_do(desk, monkeypatch):
    seat = desk.compose()
    at(monkeypatch, "paste.after", lambda: into_copy_mode(seat))
    assert seat.attempt().reason == "copy_mode"
    desk.cmd("send-keys", "-X", "-t", seat.pane.pane_id, "cancel")
    assert seat.attempt(line=never) == DELIVERED
    assert seat.sent == [LINE]


# -- tmux itself -------------------------------------------------------------------------------------------------------


def test_a_hung_tmux(desk, fake_tmux):
    seat = desk.compose()
    fake_tmux("sleep 60")
    start = time.monotonic()
    assert seat.attempt(line=never, timeout=0.3) == Outcome(
        "refused", "tmux_unavailable", "tmux did not answer within 0.3 s"
    )
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("call", range(1, 8))
def test_tmux_hangs_at_any_call_and_a_later_attempt_ends_with_one_submission(desk, fake_tmux, monkeypatch, call):
    seat = desk.compose()
    fake_tmux(f"[ $n -ne {call} ] || sleep 60")
    outcome = seat.attempt(timeout=0.3)
    assert (outcome.state, outcome.reason) == ("refused", "tmux_unavailable")
    monkeypatch.delenv("XATS_TMUX")
    assert seat.attempt().state == "delivered"
    assert (seat.sent, seat.enters) == ([LINE], 1)


@pytest.mark.parametrize("call", range(1, 8))
def test_the_server_dies_at_any_call(desk, fake_tmux, call):
    seat = desk.compose()
    fake_tmux(f"[ $n -ne {call} ] || kill -9 {desk.pid}")
    outcome = seat.attempt()
    assert outcome.state == "refused"
    assert outcome.reason in ("server_gone", "tmux_unavailable")  # it may still be ending


def test_tmux_is_not_installed(desk, monkeypatch):
    seat = desk.compose()
    monkeypatch.setenv("XATS_TMUX", "/nowhere/tmux")
    assert seat.attempt(line=never).reason == "tmux_missing"


# -- what may be pasted ------------------------------------------------------------------------------------------------


DIRTY = ["", "a\nb", "a\r", "a\x1b[201~", "a\x7f", "a\x9b", "a\tb", "x" * 201, "a\u2028b", "a\ud800"]


@pytest.mark.parametrize("text", DIRTY)
def test_what_is_not_a_clean_line(text):
    with pytest.raises(ValueError, match="printable"):
        clean_line(text)


def test_no_line_is_pasted_but_a_clean_one(desk):
    seat = desk.compose()
    for text in DIRTY:
        with pytest.raises(ValueError, match="printable"):
            seat.attempt(line=lambda text=text: text, quiet_ms=0)
    assert untouched(seat)


@pytest.mark.parametrize("token", ["", "a b", "a;kill-server", "a'b", "a:b", "ä"])
def test_no_token_but_a_clean_one(token):
    nowhere = Pane("/tmp/none", 1, 1, "%1", 1, "/dev/null")
    with pytest.raises(ValueError, match="token"):
        attempt(nowhere, line=never, token=token, quiet_ms=0, client=None)
