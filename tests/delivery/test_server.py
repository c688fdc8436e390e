"""One call of tmux: what it returns, and how each failure is named."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.delivery.conftest import until
from xats.base import process
from xats.base.pane import Pane
from xats.tmux import gone, pane, server, trust
from xats.tmux.errors import NoPane, NotPermitted, TmuxGone, TmuxMissing, TmuxUnavailable


def test_a_pane_that_is_not_there(desk):
    with pytest.raises(NoPane):
        server.run(desk.socket, "capture-pane", "-p", "-t", "%99")


def test_no_server_at_all(tmp_path):
    with pytest.raises(TmuxGone):
        server.run(str(tmp_path / "none"), "list-sessions")


def test_a_socket_that_a_dead_server_left(desk):
    os.kill(desk.pid, 9)
    with pytest.raises(TmuxGone):
        for _ in range(200):
            try:
                server.run(desk.socket, "list-sessions")
            except TmuxGone:
                raise
            except TmuxUnavailable:
                time.sleep(0.01)


def test_another_failure_says_what_tmux_said(desk):
    with pytest.raises(TmuxUnavailable, match="no buffer nobody"):
        server.run(desk.socket, "paste-buffer", "-b", "nobody")


def test_a_hung_tmux_costs_no_more_than_the_time_limit(desk, fake_tmux):
    fake_tmux("sleep 60")
    start = time.monotonic()
    with pytest.raises(TmuxUnavailable, match=r"within 0\.2 s"):
        server.run(desk.socket, "list-sessions", timeout=0.2)
    assert time.monotonic() - start < 2


def test_a_server_that_accepts_and_never_answers(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        with pytest.raises(TmuxUnavailable, match="did not answer"):
            server.run(path, "list-sessions", timeout=0.2)


def test_tmux_that_is_not_installed(desk, monkeypatch):
    monkeypatch.setenv("XATS_TMUX", "/nowhere/tmux")
    with pytest.raises(TmuxMissing, match="there is no program /nowhere/tmux"):
        server.run(desk.socket, "list-sessions")


@pytest.mark.skipif(not process.LINUX, reason="only Linux has the program of a process that was replaced on disk")
def test_the_client_is_the_program_of_the_server(tmp_path, monkeypatch):
    """An upgrade has replaced tmux on disk, and the new client does not understand the server."""
    program, path = tmp_path / "tmux", str(tmp_path / "s")
    shutil.copy2(shutil.which("tmux"), program)
    subprocess.run([program, "-S", path, "-f", "/dev/null", "new-session", "-d", "exec tail -f /dev/null"], check=True)
    pid = trust.listener(path, 3.0)
    try:
        program.unlink()
        program.write_text("#!/bin/sh\necho server exited unexpectedly >&2\nexit 1\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert server.run(path, "display-message", "-p", "#{pid}") == f"{pid}\n"
        assert server.begin(path, "display-message", "-p", "#{pid}").communicate()[0] == f"{pid}\n".encode()
        monkeypatch.setenv("XATS_TMUX", str(program))
        with pytest.raises(TmuxUnavailable, match="are not compatible") as caught:
            server.run(path, "list-sessions")
        assert "PATH" in caught.value.hint
    finally:
        os.kill(pid, 9)


@pytest.mark.parametrize("broken", ["/nowhere/tmux", "script"])
def test_a_program_that_cannot_be_run_alone_is_not_the_last(desk, tmp_path, monkeypatch, broken):
    """As one that has its libraries elsewhere."""
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nexit 127\n")
    script.chmod(0o700)
    monkeypatch.setattr(server, "programs", lambda _: [str(script) if broken == "script" else broken, "tmux"])
    monkeypatch.setattr(server, "_unusable", set())
    assert server.run(desk.socket, "display-message", "-p", "#{pid}") == f"{desk.pid}\n"
    assert server._unusable == {desk.pid}


def test_a_socket_whose_path_is_none():
    """What a row of the store says may be anything, and must not end those who ask for many panes."""
    with pytest.raises(TmuxUnavailable, match="null"):
        server.run("/tmp/a\0b", "list-sessions")
    with pytest.raises(TmuxUnavailable, match="null"):
        server.begin("/tmp/a\0b", "list-sessions")


def test_a_server_that_dies_in_the_middle_is_unavailable(desk):
    with pytest.raises(TmuxUnavailable) as caught:
        server.run(desk.socket, "run-shell", f"kill -9 {desk.pid}")
    assert not isinstance(caught.value, TmuxGone)
    until(lambda: process.started(desk.pid) is None)  # it may still be dying


def test_what_is_asked_is_utf8_too_where_python_is_not(desk):
    """As in a locale of another encoding, for which Python has no UTF-8 mode; the state of a pane holds its title."""
    ask = (
        "import sys; from xats.tmux.server import run; print(ascii(run(sys.argv[1], 'display', '-p', '\\u2733 \\xe9')))"
    )
    environ = {**os.environ, "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", ask, desk.socket], env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == ("'\\u2733 \\xe9\\n'\n", "")


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_text_is_utf8_in_any_locale(desk, monkeypatch, locale):
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.delenv("LANG", raising=False)
    text = "grüße → 日本 🙂"
    server.run(desk.socket, "load-buffer", "-b", "b", "-", stdin=text)
    server.run(desk.socket, "set-option", "-g", "@name", text)
    assert server.run(desk.socket, "show-buffer", "-b", "b") == text
    assert server.run(desk.socket, "display-message", "-p", "#{@name}") == text + "\n"


def test_the_tmux_around_does_not_matter(desk, monkeypatch):
    pane = desk.open("exec cat")
    assert server.run(desk.socket, "display-message", "-p", "#{pane_id}") == f"{pane.pane_id}\n"
    monkeypatch.setenv("TMUX", f"{desk.socket},{desk.pid},0")
    monkeypatch.setenv("TMUX_PANE", "%0")
    assert server.run(desk.socket, "display-message", "-p", "#{pane_id}") == f"{pane.pane_id}\n"


def test_version():
    assert server.version()[0].isdigit() or server.version().startswith(("next-", "master"))


@pytest.mark.parametrize("text", ["plain", "it's", 'a"b', "a;b;", "#{pid}", "$HOME ~ %if", "\\", "{x}", "a,b}c#d"])
def test_quoting_survives_the_parsers_of_tmux(desk, text):
    server.run(desk.socket, "if-shell", "-F", "1", f"set-option -p -t %0 @text {server.quote(text)}")
    said = server.run(desk.socket, "show-options", "-pv", "-t", "%0", "@text")
    assert said.replace("\\$", "$") == text + "\n"  # 3.4 and 3.5 print `\\$`
    same = server.same("#{@text}", text)
    assert server.run(desk.socket, "display-message", "-p", "-t", "%0", same) == "1\n"
    assert server.run(desk.socket, "display-message", "-p", "-t", "%0", server.same("#{@text}", text + "x")) == "0\n"


def test_an_argument_may_end_with_the_separator(desk):
    server.run(desk.socket, "set-option", "-p", "-t", "%0", "@text", server.argument("a;"))
    assert server.run(desk.socket, "show-options", "-pv", "-t", "%0", "@text") == "a;\n"


@pytest.mark.parametrize("said", ["Permission denied", "Operation not permitted"])
def test_a_socket_that_may_not_be_reached_is_not_one_of_a_server_that_has_ended(desk, tmp_path, monkeypatch, said):
    fake = tmp_path / "tmux"
    fake.write_text(f'#!/bin/sh\necho "error connecting to $3 ({said})" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("XATS_TMUX", str(fake))
    with pytest.raises(NotPermitted) as caught:
        server.run(desk.socket, "list-sessions")
    assert caught.value.reason == "not_permitted"


def test_a_missing_socket_is_no_proof_that_the_server_has_ended(desk):
    found = desk.open("cat")
    os.unlink(desk.socket)
    with pytest.raises(TmuxGone) as caught:
        pane.find(desk.socket, found.pane_id)
    assert gone.reason(found, caught.value) == "tmux_unavailable"
    os.kill(found.server_pid, signal.SIGUSR1)  # tmux(1): the socket is made again
    while not os.path.exists(desk.socket):
        time.sleep(0.01)
    assert gone.server_ended(Pane(desk.socket, os.getpid(), 1, "%0", 1, "/dev/null"))  # another process has the number
    assert gone.reason(Pane(desk.socket, 1 << 30, 1, "%0", 1, "/dev/null"), caught.value) == "server_gone"
