"""The notice: shown where the pane can be seen, and nowhere else; never a format; nothing typed."""

import shlex
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.conftest import until
from tests.support.requests import request
from tests.support.viewer import Viewer
from xats.core.agents import agents
from xats.core.waking.wakes import Pending
from xats.daemon import badges
from xats.delivery import envelope
from xats.delivery.transports import notice as transport
from xats.tmux import notice, server
from xats.tmux.errors import NoPane

LINE = "xats: 2 new from alice, bob - run: xats inbox"
names_clients = pytest.mark.skipif(
    bool(shutil.which("tmux")) and server.version() in ("3.2", "3.2a"), reason="this tmux cannot name a client"
)


def show(pane, line=LINE):
    """Show `line` wherever `pane` can be seen; return the result."""
    session = agents.Session(1, 1, 1, agents.Seat("here", pane=pane), 0, None)
    return transport.deliver(request(session, lambda: line))


@pytest.fixture
def look(desk):
    """`look(pane)` attaches a terminal to the session of `pane`."""
    opened = []

    def attach(pane, *options):
        viewer = Viewer(desk.socket, desk.show(pane, "#{session_id}"), *options)
        opened.append(viewer)
        until(lambda: viewer.name in desk.cmd("list-clients", "-F", "#{client_tty} #{client_name}"))
        return viewer

    yield attach
    for viewer in opened:
        viewer.close()


@names_clients
def test_it_is_shown_on_every_terminal_that_shows_the_window_and_nothing_is_typed(desk, look):
    seat = desk.compose()
    one, two = look(seat.pane), look(seat.pane)
    elsewhere = look(desk.open("exec tail -f /dev/null"))
    done = show(seat.pane)
    assert (done.state, done.reason) == ("delivered", None)
    assert sorted(done.detail.removeprefix("shown on ").split(", ")) == sorted((one.name, two.name))
    one.wait_for(LINE.encode())
    two.wait_for(LINE.encode())
    desk.cmd("display-message", "-c", elsewhere.name, "later")  # what comes after it would show that it did come
    elsewhere.wait_for(b"later")
    assert b"xats" not in elsewhere.read()
    assert (seat.sent, seat.enters) == ([], 0)
    assert "xats" not in seat.text()


def test_another_pane_of_the_window_may_be_the_active_one(desk, look):
    seat = desk.compose()
    other = desk.open("exec tail -f /dev/null", split=seat.pane)
    desk.cmd("select-pane", "-t", other.pane_id)
    viewer = look(seat.pane)
    assert show(seat.pane).state == "delivered"
    viewer.wait_for(LINE.encode())


def test_nobody_looks(desk, look):
    seat = desk.compose()
    look(desk.open("exec tail -f /dev/null"))
    assert transport.objection(seat.pane) == "not_shown"
    done = show(seat.pane)
    assert (done.state, done.reason) == ("refused", "not_shown")


def test_who_has_left_the_window_does_not_see_it(desk, look):
    seat = desk.compose()
    viewer = look(seat.pane)
    assert transport.objection(seat.pane) is None
    desk.cmd("new-window", "-t", desk.show(seat.pane, "#{session_id}") + ":", "exec tail -f /dev/null")
    until(lambda: notice.viewers(seat.pane) == [])
    assert show(seat.pane).reason == "not_shown"
    assert LINE.encode() not in viewer.read()


def test_a_control_mode_client_is_no_terminal(desk, look):
    seat = desk.compose()
    look(seat.pane, "-C")
    assert desk.cmd("list-clients", "-F", "#{client_control_mode}") == "1"
    assert show(seat.pane).reason == "not_shown"


def test_a_client_that_goes_away_meanwhile_has_shown_nothing(desk, look, fake_tmux):
    seat = desk.compose()
    viewer = look(seat.pane)
    real = shlex.join(["tmux", "-S", desk.socket])
    fake_tmux(
        f"[ $n -eq 2 ] && {real} detach-client -t {viewer.name} && while {real} list-clients | grep -q .; do :; done"
    )
    assert show(seat.pane).reason == "not_shown"


@names_clients
def test_before_tmux_3_2_there_is_no_delay(desk, look, fake_tmux):
    seat = desk.compose()
    viewer = look(seat.pane)
    fake_tmux('case " $* " in *" -d "*) echo "usage: display-message [-ap]" >&2; exit 1;; esac')
    assert show(seat.pane).state == "delivered"
    viewer.wait_for(LINE.encode())


# tmux 3.2 and 3.2a: the -c of display-message takes no value (cmd-display-message.c).
NO_CLIENT = """case " $* " in *" display-message -c "*)
    echo "usage: display-message [-aINpv] [-c target-client] [-d delay] [-F format] [-t target-pane] [message]" >&2
    exit 1;;
esac"""


def test_in_tmux_3_2_no_client_can_be_named(desk, look, fake_tmux):
    seat = desk.compose()
    elsewhere = look(desk.open("exec tail -f /dev/null"))
    viewer = look(seat.pane)
    fake_tmux(NO_CLIENT)
    for _ in range(2):  # the log holds the first one when the second is shown
        done = show(seat.pane)
        assert (done.state, done.detail) == ("delivered", f"shown on {viewer.name}")
    viewer.wait_for(LINE.encode())
    assert b"xats" not in elsewhere.read()


def test_in_tmux_3_2_what_tmux_did_not_log_was_not_shown(desk, look, fake_tmux):
    seat = desk.compose()
    viewer = look(seat.pane)
    fake_tmux(NO_CLIENT)
    assert show(seat.pane).state == "delivered"
    log = shlex.join([shutil.which("tmux"), "-S", desk.socket, "show-messages"])
    fake_tmux(f"{NO_CLIENT}\ncase $* in *show-messages*) exec {log};; esac")
    done = show(seat.pane)
    assert (done.state, done.reason) == ("refused", "not_shown")
    viewer.wait_for(LINE.encode())


def test_a_mail_that_was_read_meanwhile_is_not_shown(desk, look):
    seat = desk.compose()
    viewer = look(seat.pane)
    assert show(seat.pane, None).state == "skipped"
    assert b"xats" not in viewer.read()


def test_another_program_in_the_pane_or_no_server(desk, look):
    seat = desk.compose()
    look(seat.pane)
    desk.cmd("respawn-pane", "-k", "-t", seat.pane.pane_id, "exec tail -f /dev/null")
    assert show(seat.pane).reason == "no_pane"
    with pytest.raises(NoPane):
        badges.set_unread(seat.pane, 3, "/a/store")
    assert desk.show(seat.pane, "#{@xats_unread}") == ""
    desk.stop()
    assert show(seat.pane).reason == "server_gone"
    assert transport.objection(seat.pane) == "server_gone"


def test_a_server_that_hangs(desk, fake_tmux, monkeypatch):
    seat = desk.compose()
    monkeypatch.setattr(notice.viewers, "__defaults__", (0.2,))
    monkeypatch.setattr(notice.show, "__defaults__", (0.2,))
    fake_tmux("exec tail -f /dev/null")
    assert show(seat.pane).reason == "tmux_unavailable"


def test_the_badge_is_a_pane_option(desk):
    seat = desk.compose()
    badges.set_unread(seat.pane, 3, "/a/store")
    assert desk.show(seat.pane, "#{@xats_unread}") == "3"
    badges.set_unread(seat.pane, 0, "/a/store")
    assert desk.cmd("show-options", "-p", "-t", seat.pane.pane_id) == ""
    badges.set_unread(seat.pane, 0, "/a/store")


# -- never a format ----------------------------------------------------------------------------------------------------

NASTY = ["#{pid}", "#(touch {})", "##{pid}", "%H%%", "#[fg=red]x", "#{l:#(touch {})}", "a#", "%", "#,;", "x;"]


@pytest.mark.parametrize("text", NASTY)
def test_tmux_shows_it_as_it_is(desk, look, tmp_path, text):
    """Names cannot hold such characters; if ever they did, nothing would come of it."""
    seat = desk.compose()
    viewer = look(seat.pane)
    proof = tmp_path / "proof"
    said = f"xats {text.replace('{}', str(proof))} end"
    assert notice.show(seat.pane, said) == [viewer.name]
    viewer.wait_for(notice.literal(said)[:60].encode())
    assert not proof.exists()


@given(st.text(st.sampled_from("#{}()[]%;,HaTpid\x1b\n ")))
def test_nothing_is_left_that_any_tmux_would_expand(text):
    left = notice.literal(text)
    assert len(left) == len(text)
    assert not set("#%") & set(left)
    assert left.isprintable()


NAMES = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True), min_size=1, max_size=3)


@given(NAMES, st.integers(1, 10**6))
def test_the_line_of_a_wake_is_shown_unchanged(names, unread):
    line = envelope.wake_line(Pending(unread, len(names), tuple(names), 1))
    assert notice.literal(line) == line


def test_without_the_care_tmux_would_expand_it(desk):
    """What the tests above would see if `literal` did nothing."""
    said = subprocess.run(
        ["tmux", "-S", desk.socket, "display-message", "-p", "#{l:expanded} %%"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "expanded %\n"
