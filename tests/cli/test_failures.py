"""How a command ends badly: a code, three lines at most, the last of them the mend; the same as JSON."""

import os
import signal

import pytest

BAD = [
    # words, exit code, error code, what the mend says
    (["frob"], 2, "usage", "xats --help"),
    (["sned", "bob", "hi"], 2, "usage", "did you mean xats send?"),
    (["inbx"], 2, "usage", "did you mean xats inbox?"),
    (["daemon", "strat"], 2, "usage", "did you mean xats daemon start?"),
    (["daemon", "zzz"], 2, "usage", "xats daemon --help"),
    (["daemon"], 2, "usage", "xats daemon --help"),
    (["inbox", "--pek"], 2, "usage", "xats inbox --help"),
    (["inbox", "-n"], 2, "usage", "xats inbox --help"),
    (["inbox", "-n", "many"], 2, "usage", "xats inbox --help"),
    (["inbox", "-n", "0"], 2, "usage", "xats inbox -n 10"),
    (["inbox", "-n", "-1"], 2, "usage", "xats inbox -n 10"),
    (["inbox", "extra"], 2, "usage", "xats inbox --help"),
    (["inbox", "--wait", "soon"], 2, "usage", "500ms"),
    (["inbox", "--from", "nobody"], 3, "unknown_agent", "xats agents --team crew"),
    (["inbox", "--since", "9" * 30], 2, "usage", "ids"),
    (["inbox", "-n", "9" * 19], 2, "usage", "ids"),
    (["wait", "--timeout", "-1s"], 2, "usage", "500ms"),
    (["wait", "--timeout", "0"], 124, "timed_out", ""),
    (["inbox", "--wait", "10ms"], 124, "timed_out", ""),
    (["send"], 2, "usage", "xats send bob"),
    (["send", "bob"], 2, "invalid_body", "standard input"),
    (["send", "bob", ""], 2, "invalid_body", "standard input"),
    (["send", "bob", " \n"], 2, "invalid_body", "standard input"),
    (["send", "bob", "-"], 2, "invalid_body", "standard input"),
    (["send", "bob", "two", "words"], 2, "usage", "quotes"),
    (["send", "bob", "hi", "--subjet", "x"], 2, "usage", "xats send --help"),
    (["send", "bob", "hi", "-s", "x" * 201], 2, "invalid_body", "shorter"),
    (["send", "bob", "hi", "-s", "a\nb"], 2, "invalid_body", "shorter"),
    (["send", "bob", "hi", "--ttl", "ages"], 2, "usage", "500ms"),
    (["send", "bob", "hi", "--kind", "a b"], 2, "invalid_name", ""),
    (["send", "bob", "hi", "--reply-to", "99"], 3, "unknown_message", "xats inbox --all"),
    (["send", "bob", "hi", "--reply-to", "0"], 3, "unknown_message", "xats inbox --all"),
    (["send", "bob", "hi", "--reply-to", "x"], 2, "usage", "xats send --help"),
    (["send", "bob", "hi", "--key", ""], 2, "usage", "leave --key out"),
    (["send", "bob", "hi", "--key", "\udcff"], 2, "usage", "UTF-8"),
    (["send", "bob", "hi\udcff"], 2, "invalid_body", "text"),
    (["send", "bobb", "hi"], 3, "unknown_recipient", "did you mean bob?"),
    (["send", "zzz", "hi"], 3, "unknown_recipient", "xats agents"),
    (["send", "role:review", "hi"], 3, "unknown_recipient", "did you mean role:reviewer?"),
    (["send", "job:x", "hi"], 2, "invalid_name", ""),
    (["send", "a b", "hi"], 2, "invalid_name", ""),
    (["send", "\x1b[31mbob", "hi"], 2, "invalid_name", ""),
    (["send", "bob,", "hi"], 2, "invalid_name", ""),
    (["send", "all@nowhere", "hi"], 3, "unknown_recipient", "xats register NAME --team nowhere"),
    (["send", "--batch", "/nowhere/file"], 2, "invalid_batch", ""),
    (["send", "bob", "hi", "--batch", "-"], 2, "usage", "the fields of a line are to, body"),
    (["send", "--batch", "-", "--key", "k"], 2, "usage", "the fields of a line are to, body"),
    (["send", "--batch", "-", "--no-wake"], 2, "usage", "the fields of a line are to, body"),
    (["send", "--batch", "-", "--wait", "1s"], 2, "usage", "the fields of a line are to, body"),
    (["broadcast", "--role", "zzz", "hi"], 3, "unknown_recipient", "xats agents"),
    (["broadcast", "--role", "", "hi"], 2, "invalid_name", ""),
    (["broadcast", "--role", "reviewer,bob", "hi"], 2, "invalid_name", ""),
    (["broadcast"], 2, "invalid_body", "standard input"),
    (["dead", "retry"], 2, "usage", "xats dead list"),
    (["db", "query", "select 1; select 2"], 2, "usage", "one statement at a time"),
    (["reply", "99", "hi"], 3, "unknown_message", "xats inbox --all"),
    (["reply", "one", "hi"], 2, "usage", "xats reply --help"),
    (["reply", "1"], 2, "invalid_body", "standard input"),
    (["reply"], 2, "usage", "xats reply --help"),
    (["ack", "99"], 3, "unknown_message", "xats inbox --all"),
    (["ack", "1"], 4, "refused", "xats status 1"),
    (["ack"], 2, "usage", "xats ack --help"),
    (["show", "99"], 3, "unknown_message", "xats inbox --all"),
    (["show", "9" * 30], 2, "usage", "ids"),
    (["thread", "99"], 3, "unknown_message", "xats inbox --all"),
    (["thread", "1", "-n", "0"], 2, "usage", "xats thread 1 -n 10"),
    (["status", "99"], 3, "unknown_message", "xats inbox --all"),
    (["status", "2"], 4, "refused", "xats show 2"),
    (["events", "-n", "0"], 2, "usage", "xats events -n 20"),
    (["events", "--type", "message_send"], 2, "usage", "did you mean message_sent?"),
    (["events", "--follow", "--type", "paused", "--type", "pausd"], 2, "usage", "did you mean paused?"),
    (["events", "--type", ""], 2, "usage", "the types are: message_sent"),
    (["events", "--since", "yesterday"], 2, "usage", "xats events --since 1h"),
    (["events", "--since", "1x"], 2, "usage", "xats events --since 1h"),
    (["events", "--since", "-5"], 2, "usage", "xats events --since 1h"),
    (["events", "--since", "9" * 30], 2, "usage", "xats events --since 1h"),
    (["events", "--since", ""], 2, "usage", "xats events --since 1h"),
    (["events", "--agent", "nobody"], 3, "unknown_agent", ""),
    (["events", "--agent", "a b"], 2, "invalid_name", ""),
    (["register", "all"], 2, "invalid_name", ""),
    (["register", "a b"], 2, "invalid_name", ""),
    (["register", "x" * 65], 2, "invalid_name", ""),
    (["register", "x", "--role", "a b"], 2, "invalid_name", ""),
    (["register", "x", "--tag", "me"], 2, "invalid_name", ""),
    (["register", "x", "--cap", ""], 2, "invalid_name", ""),
    (["register", "x", "--client", "a/b"], 2, "invalid_name", ""),
    (["register", "x", "--team", "a b"], 2, "invalid_name", ""),
    (["register", "x", "--pane", "%1", "--no-pane"], 2, "usage", "one of them"),
    (["register", "x", "--pane", "first"], 4, "pane_unusable", "tmux list-panes"),
    (["register"], 2, "usage", "xats register --help"),
    (["unregister", "nobody"], 3, "unknown_agent", "xats agents --team crew"),
    (["deliver"], 2, "usage", "xats deliver --once"),
    (["whoami", "--as", "nobody"], 3, "unknown_agent", "xats register nobody"),
    (["whoami", "--as", "a b"], 2, "invalid_name", ""),
    (["agents", "--db", "/proc/nowhere/xats.db"], 1, "store_read_only", "--db"),
]


def name_of(case) -> str:
    return ascii(" ".join(case[0]))[:60]


@pytest.fixture
def mail(xats, crew):
    """alice has sent 1 to bob, and bob 2 to alice, which she has read."""
    from xats.core.mail import inbox

    crew.add("bob", role="reviewer")
    crew.send("alice", "bob")
    crew.send("bob", "alice")
    crew.do("alice", inbox.mark_read, [2])
    return xats


def as_alice(words) -> list[str]:
    return [*words] if "--as" in words else [*words, "--as", "alice"]


@pytest.mark.parametrize("words, code, kind, mend", BAD, ids=map(name_of, BAD))
def test_a_bad_call_says_what_why_and_how_to_mend_it(mail, crew, words, code, kind, mend):
    before = crew.rows("select count(*) as n from events")
    ran = mail(*as_alice(words), code=code)
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert 1 <= len(lines) <= 3, ran
    assert lines[0].startswith("xats: ")
    assert mend in lines[-1]
    assert not mend or len(lines) > 1
    assert "\x1b" not in ran.stderr
    assert crew.rows("select count(*) as n from events") == before


@pytest.mark.parametrize("words, code, kind, mend", BAD, ids=map(name_of, BAD))
def test_a_bad_call_says_the_same_as_json(mail, words, code, kind, mend):
    error = mail(*as_alice(words), "--json", code=code).error()
    assert error["code"] == kind
    assert error["message"]
    assert mend in error["hint"]


def test_an_error_is_folded_between_words_and_its_fix_is_not(mail, crew):
    shown = mail.on_terminal("inbox", "--last", "3", "-n", "4", "--as", "bob", env={"COLUMNS": "30"}, code=2)
    assert shown.splitlines() == [
        "xats: --last and --limit both",
        "  set the number of messages:",
        "  use one of them.",
        "  try: xats inbox --last 3 --as bob",
    ]


@pytest.mark.parametrize("option, near", [("--pek", "--peek"), ("--subjet", "--subject"), ("--jsn", "--json")])
def test_an_option_that_nearly_exists_is_named(mail, option, near):
    verb = ["inbox"] if option == "--pek" else ["send", "bob", "hi"]
    assert near in mail(*verb, option, code=2).stderr


def test_who_one_is_must_be_known_to_write(mail, crew):
    for words in (["send", "bob", "hi"], ["inbox"], ["whoami"], ["wait"], ["status"]):
        ran = mail(*words, code=3)
        assert ran.stderr == "xats: Nothing here shows which agent you are.\n  try: xats register NAME\n"


def test_events_and_agents_need_no_name(mail):
    assert mail("agents", "--json").json()["agents"]
    assert mail("events", "--json").json()["events"]


# -- around the command ------------------------------------------------------------------------------------------------


def test_a_full_stdout_is_a_failure_and_the_mail_stays_unread(mail):
    if not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is Linux's")
    with open("/dev/full", "wb") as full:
        ended = mail.end(mail.start("inbox", "--as", "bob", stdout=full))
    assert ended.code == 1
    assert ended.stderr == "xats: Standard output cannot be written: No space left on device.\n"
    assert mail("inbox", "--peek", "--as", "bob", "--json").json()["unread"] == 1


def without(mail, closed: str, *words):
    """Run `xats words` in a shell that closes a stream by the redirection `closed`."""
    done = mail.run(["sh", "-c", f'exec "$@" {closed}', "sh", *mail.words, *words])
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("words", [["inbox"], ["inbox", "--json"], ["agents"], ["send", "bob", "hi"]], ids=" ".join)
def test_a_closed_stdout_is_a_failure_and_the_mail_stays_unread(mail, words):
    code, _, said = without(mail, ">&-", *words, "--as", "bob")
    told = '"Standard output is closed."' if "--json" in words else "xats: Standard output is closed.\n"
    assert code == 1
    assert told in said
    assert "Traceback" not in said
    assert mail("inbox", "--peek", "--as", "bob", "--json").json()["messages"][0]["id"] == 1


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"] if os.path.exists("/dev/full") else ["2>&-"])
def test_a_closed_stderr_keeps_no_mail_back(mail, crew, closed):
    crew.send("alice", "bob", "second")
    for body in ("text", "second"):
        code, shown, _ = without(mail, closed, "inbox", "-n", "1", "--as", "bob")
        assert (code, body in shown) == (0, True)
    assert "shown before" in without(mail, closed, "inbox", "--as", "bob")[1]
    assert without(mail, closed, "inbox", "--as", "bob")[:2] == (0, "")
    assert without(mail, closed, "inbox", "--from", "nobody", "--as", "bob")[0] == 3


def test_a_closed_stdin_is_nothing_to_read(mail):
    me = ["--as", "alice"]
    for words in (["send", "bob", "-", *me], ["send", "--batch", "-", *me], ["poke", "bob", "-", "--yes"]):
        code, shown, said = without(mail, "<&-", *words)
        assert (code, shown) == (2, "")
        assert "it is closed" in said
        assert "Traceback" not in said


def test_a_reader_that_has_gone_is_no_failure_and_the_mail_stays_unread(mail, crew):
    reading, writing = os.pipe()
    os.close(reading)
    ended = mail.end(mail.start("inbox", "--as", "bob", stdout=writing))
    os.close(writing)
    assert (ended.code, ended.stderr) == (0, "")
    assert crew.rows("select claim from deliveries where claim is not null") == []
    assert mail("inbox", "--peek", "--as", "bob", "--json").json()["unread"] == 1
    assert mail("inbox", "--as", "bob", "--json").json()["messages"][0]["id"] == 1


def test_a_page_that_cannot_be_shown_in_this_encoding_stays_unread(mail, crew):
    crew.send("alice", "bob", "日本語")
    ran = mail("inbox", "--as", "bob", env={"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"}, code=1)
    assert "PYTHONUTF8" in ran.stderr.splitlines()[-1]
    assert len(mail("inbox", "--as", "bob", "--json").json()["messages"]) == 2


def test_a_folder_that_was_removed_is_no_obstacle(mail):
    gone = mail.folder / "gone"
    gone.mkdir()
    command = f'cd "{gone}" && rmdir "{gone}" && exec "$@"'
    done = mail.run(["sh", "-c", command, "sh", *mail.words, "whoami", "--as", "alice", "--team", "crew", "--json"])
    assert done.returncode == 0, done.stderr


def test_who_needs_the_folder_that_was_removed_is_told(mail):
    gone = mail.folder / "gone"
    gone.mkdir()
    command = f'cd "{gone}" && rmdir "{gone}" && exec "$@"'
    words = [*mail.words, "hook", "install", "claude-code", "--project", "--dry-run"]
    done = mail.run(["sh", "-c", command, "sh", *words])
    assert done.returncode == 1
    assert b"The folder in which this is run is not there any more." in done.stderr


def test_a_busy_store_is_a_temporary_failure(mail, crew):
    """As a process, with the patience of the real thing: about ten seconds."""
    import time

    began = time.monotonic()

    def hold(tx) -> None:
        ran = mail("send", "bob", "hi", "--as", "alice", "--json", code=75)
        assert ran.error()["code"] == "store_busy"

    crew.store.write(hold)
    assert 9.5 <= time.monotonic() - began < 14
    assert len(crew.rows("select * from messages")) == 2


@pytest.mark.parametrize("words", [["wait"], ["inbox", "--wait", "60s"], ["events", "--follow"]], ids=" ".join)
def test_ctrl_c_ends_what_waits(mail, crew, until, words):
    running = mail.start(*words, "--as", "alice")
    until(lambda: mail.asleep(running))
    running.send_signal(signal.SIGINT)
    ended = mail.end(running)
    assert ended.code == 130, ended
    assert "Traceback" not in ended.stderr
    assert ended.stderr == ""


@pytest.mark.parametrize("words", [["--version"], ["-V"]])
def test_the_version(xats, words):
    import xats as package

    assert xats(*words).stdout == f"xats {package.__version__}\n"


@pytest.mark.parametrize("path", __import__("xats.cli.kit.verbs", fromlist=["VERBS"]).VERBS)
def test_every_verb_has_help_with_an_example(xats, path):
    for flag in ("--help", "-h"):
        shown = xats(*path.split(), flag).stdout
        assert f"Example: xats {path}" in " ".join(shown.split())
        assert "Usage: xats " in shown
    assert not os.path.exists(xats.path)


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_help_lists_every_verb_with_its_purpose(xats, words):
    from xats.cli.kit.verbs import VERBS

    shown = " ".join(xats(*words).stdout.split())
    for path, (_, _, _, summary) in VERBS.items():
        assert path.split()[0] in shown
        if " " not in path:
            assert summary in shown
    assert "Example: xats" in shown
