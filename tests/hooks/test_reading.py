"""What a hook reads: its event, as soon as that is complete, and regular files alone."""

import os
import signal
import subprocess
import time

import pytest

from tests.conftest import LIMIT
from tests.hooks.test_run import Desk, claude_record, desk, event, text_of
from xats.base.errors import SettingsUnusable, Usage
from xats.clients import claude_code, codex, records, registry
from xats.hooks import call as calls
from xats.hooks import transcript
from xats.hooks.install import files

__all__ = ["desk"]  # a fixture
HOOK = ("hook", "run", "claude-code")


def opened(desk: Desk, *words: str) -> subprocess.Popen:
    """Start a hook whose stdin stays open."""
    return desk.xats.start(*(words or HOOK), stdin=subprocess.PIPE)


def write(running: subprocess.Popen, text: str | bytes) -> None:
    assert running.stdin
    running.stdin.write(text.encode() if isinstance(text, str) else text)
    running.stdin.flush()


def ended(running: subprocess.Popen) -> str:
    """Wait until the hook has ended, with its stdin still open; return its answer."""
    assert running.wait(LIMIT) == 0
    assert running.stdout and running.stderr and running.stdin
    assert not running.stdin.closed
    assert running.stderr.read() == b""
    return running.stdout.read().decode()


# -- the event ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["", "\n", " \r\n\t"], ids=["nothing", "a newline", "blanks"])
def test_a_complete_event_is_answered_though_stdin_stays_open(desk, after):
    desk.send("are you there?")
    running = opened(desk)
    write(running, event("claude-code", "prompt") + after)
    assert "are you there?" in text_of(ended(running))
    assert desk.unread() == 0


def test_an_event_may_come_in_parts(desk, until):
    desk.send("are you there?")
    running = opened(desk)
    text = event("claude-code", "prompt", more={"braces": "}}{", "é": "ü"}).encode()
    ends = [at + 1 for at, byte in enumerate(text) if byte == ord("}")]
    for begin, end in zip([0, *ends], ends, strict=False):
        until(lambda: empty(running), LIMIT)
        write(running, text[begin:end])
    assert "are you there?" in text_of(ended(running))


def empty(running: subprocess.Popen) -> bool:
    """Tell whether the hook has read all that was written to it."""
    import fcntl
    import struct
    import termios

    assert running.stdin
    return struct.unpack("i", fcntl.ioctl(running.stdin.fileno(), termios.FIONREAD, b"\0" * 4))[0] == 0


@pytest.mark.parametrize(
    "text", ["", '{"session_id": "s1", "prompt": "what the user typed', '{"a": {"b": 1}', "nothing"]
)
def test_an_event_that_never_ends_is_not_waited_for(desk, text):
    desk.send()
    running = opened(desk)
    write(running, text)
    assert ended(running) == ""
    assert desk.unread() == 1
    assert desk.log.endswith(" claude-code - invalid_json: the program did not finish its event within 2 s\n")


def test_a_program_that_blocks_the_alarm_is_not_waited_for_either(desk):
    def block() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])

    running = desk.xats.start(*HOOK, stdin=subprocess.PIPE, preexec_fn=block)
    assert ended(running) == ""
    assert "did not finish its event" in desk.log


@pytest.mark.parametrize("follows", ["{}", '\n{"hook_event_name": "Stop"}', "\0", " and more", '\n{"half": '])
@pytest.mark.parametrize("closed", [False, True])
def test_the_first_document_is_the_event(desk, follows, closed):
    desk.send("are you there?")
    running = opened(desk)
    write(running, event("claude-code", "prompt") + follows)
    if closed:
        assert "are you there?" in desk.xats.end(running).stdout
    else:
        assert "are you there?" in text_of(ended(running))
    assert desk.log == ""


def test_a_long_event_is_read(desk):
    """Longer than a pipe holds, and with braces at the ends of its parts."""
    desk.send("are you there?")
    running = opened(desk)
    write(running, event("claude-code", "prompt", more="}" * 900_000))
    assert "are you there?" in text_of(ended(running))


def test_who_writes_too_much_does_not_fail(desk):
    running = opened(desk)
    for _ in range(40):
        write(running, "x" * 100_000)
    assert ended(running) == ""
    assert desk.log == ""


@pytest.mark.parametrize("source", ["<&-", "</dev/null", "</dev/zero"])
def test_a_strange_stdin_is_no_event(desk, source):
    desk.send()
    running = desk.xats.start(command=["/bin/sh", "-c", f'exec "$@" {source}', "sh", *desk.xats.words, *HOOK])
    assert (running.wait(LIMIT), running.stdout.read(), running.stderr.read()) == (0, b"", b"")
    assert desk.unread() == 1


def test_a_waiter_reads_its_event_in_the_same_way(desk):
    """It ends at once, as no session of an agent is its own."""
    running = opened(desk, "hook", "wait", "claude-code")
    write(running, event("claude-code", "turn end", "nobody's"))
    assert ended(running) == ""
    assert desk.log == ""


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["fifo", "folder", "device", "link to a device"])
def strange(request, tmp_path) -> str:
    """The path of something that must not be read as a file."""
    path = str(tmp_path / "strange")
    if request.param == "fifo":
        os.mkfifo(path)
    elif request.param == "folder":
        os.mkdir(path)
    elif request.param == "device":
        return "/dev/zero"
    else:
        os.symlink("/dev/zero", path)
    return path


def test_only_a_regular_file_is_opened(strange, tmp_path):
    with pytest.raises(records.NotRegular):
        records.contents(strange, 10)
    with pytest.raises(FileNotFoundError):
        records.contents(str(tmp_path / "absent"), 10)
    with pytest.raises(ValueError, match="null"):
        records.contents("a\0b", 10)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 5_000_000)
    assert records.contents(str(path), 3) == b"xxx"
    assert len(records.contents(str(path), 6_000_000)) == 5_000_000
    link = tmp_path / "link"
    link.symlink_to(path)
    assert records.contents(str(link), 1) == b"x"
    with pytest.raises(OSError, match="not a regular file"):
        records.contents(str(link), 1, follow=False)


def test_a_transcript_that_is_no_file_is_not_waited_for(desk, strange):
    desk.hook("prompt")
    desk.send("are you there?")
    begun = time.monotonic()
    assert "are you there?" in desk.hook("prompt", transcript_path=strange)
    assert time.monotonic() - begun < LIMIT / 2
    assert desk.log == ""


def test_of_a_huge_transcript_its_end_is_read(desk):
    desk.send("is this lost?")
    handed = desk.hook("prompt")
    with open(desk.record, "wb") as file:
        file.truncate(1 << 34)  # a sparse file; read whole it would not fit into memory
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + claude_record(desk, handed).encode())
    call = calls.Call(claude_code.CLIENT, "UserPromptSubmit", {"transcript_path": str(desk.record)}, "")
    assert transcript.answered(call) is False


def test_settings_that_are_no_file_are_refused(strange, tmp_path):
    with pytest.raises(SettingsUnusable, match="not a regular file"):
        files.read(strange)
    real = tmp_path / "settings.json"
    real.write_text("{}")
    os.symlink(strange, f"{real}{files.BACKUP}")
    with pytest.raises(SettingsUnusable, match="not a regular file"):
        files.read(str(real)).before()
    with pytest.raises(records.Unproven):
        records.read(strange, 10, follow=True)
    assert not codex.sandbox_writes(strange, "/")
    with pytest.raises(Usage, match=r"not a regular file|other users can write to"):
        registry.changed(registry.find("generic", {}), strange)
