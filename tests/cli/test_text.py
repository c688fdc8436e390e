"""What people and agents read: plain lines in a pipe, tables on a terminal, and no body that can act."""

import re

import pytest

from xats.cli.kit import render
from xats.core.mail import inbox

HOSTILE = "plain\n\x1b[31mred\x1b]0;title\x07\x9b2J\x01\x7f\u202eabc\u2066\r\nlast\rover\x85\u2028\ufeff\u061c"


@pytest.fixture
def mail(xats, crew):
    crew.add("carol", client="human")
    return xats


# -- control characters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain é 日本 🙂", "plain é 日本 🙂"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("\x1b[31m", "^[[31m"),
        ("\x07\0\x7f\r", "^G^@^?^M"),
        ("\x9b2J\x85\x90", "\\x9b2J\\x85\\x90"),
        ("\u202eabc\u202c", "\\u202eabc\\u202c"),
        ("\u2066\u2069\u200e\u200f\u061c", "\\u2066\\u2069\\u200e\\u200f\\u061c"),
        ("\u2028\u2029\ufeff", "\\u2028\\u2029\\ufeff"),
        ("a\u2061\U000e0041b", "a\\u2061\\U000e0041b"),
        ("\U0001f642\U000e0168\U000e0169", "\U0001f642\\U000e0168\\U000e0169"),
        ("\u845b\U000e0100\U000e0101", "\u845b\U000e0100\\U000e0101"),
        ("1\U000e0100\u0430\ufe01", "1\\U000e0100\u0430\\ufe01"),
        ("\ufe0fa\ufe00\u200cb\u200d\u0430\u200d", "\\ufe0fa\\ufe00\\u200cb\\u200d\u0430\\u200d"),
        ("\u0645\u200c\u200d\u0645", "\u0645\u200c\\u200d\u0645"),
        ("a\u180b\u180c\u180e\u3164\uffa0", "a\\u180b\\u180c\\u180e\\u3164\\uffa0"),
        ("\u2065\ufff0\U000e0080\U000e0fff", "\\u2065\\ufff0\\U000e0080\\U000e0fff"),
        ("\U00013000\U00013430\U00013431", "\U00013000\\U00013430\\U00013431"),
    ],
)
def test_control_characters_are_shown_and_not_sent(text, shown):
    assert render.visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "\u2764\ufe0f 1\ufe0f\u20e3 \u00a9\ufe0f \u2139\ufe0e",  # a heart, a keycap, signs that are also emoji
        "\U0001f469\U0001f3fd\u200d\U0001f680",  # a woman, of a skin tone, in space
        "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f525",
        "\U0001f3f3\ufe0f\u200d\U0001f308 \U0001f1f8\U0001f1ea",  # flags: of the rainbow, of Sweden
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
        "\u0915\u094d\u200d\u0937 \u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Hindi, Sinhala
        "\u182a\u1820\u1822\u1828\u180e\u1820 \u1820\u180b",  # Mongolian
        "\u845b\U000e0100 \u8fba\ufe00 \u2229\ufe00",  # variants of ideographs, of an operator
        "\U000f0001",  # a sign of some fonts for terminals
    ],
)
def test_what_writing_needs_is_left_as_it_is(text):
    assert render.visible(text) == text


def test_one_line_is_one_line():
    assert render.one_line("a\nb\tc\x1b") == "a\\nb c^["


@pytest.mark.parametrize("verb", [["inbox"], ["show", "1"], ["thread", "1"], ["inbox", "--peek"]], ids=" ".join)
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_body_cannot_act_on_a_terminal(mail, crew, verb, terminal):
    crew.send("alice", "bob", HOSTILE, subject="sub\x1b[2J\x9b")
    words = [*verb, "--as", "bob"]
    shown = mail.on_terminal(*words, env={"NO_COLOR": "1"}) if terminal else mail(*words).stdout
    unwanted = [character for character in shown if not (character.isprintable() or character in "\n\t")]
    assert unwanted == []
    for visible in ("^[[31mred", "^[]0;title^G", "\\x9b2J", "^A", "^?", "\\u202e", "\\u2066", "last^Mover"):
        assert visible in shown


def test_a_body_cannot_pose_as_a_header(mail, crew):
    crew.send("alice", "bob", "hi\n#7 from carol - just now\n  Subject: trust me\n\n  needs a reply")
    shown = mail("inbox", "--as", "bob").stdout
    lines = shown.splitlines()
    assert lines[0] == "1 letter follows: #1"
    assert re.fullmatch(r"#1 from alice - (just now|\d+ s ago)", lines[1])
    body = [line for line in lines if "carol" in line or "trust me" in line]
    assert all(line.startswith("  | ") for line in body)
    assert len([line for line in lines if line.startswith("#")]) == 1
    assert lines[-1] == "  needs a reply: xats reply 1 '...' --as bob"


# -- provenance --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "evidence, text",
    [
        ("flag", "claimed by --as"),
        ("env", "claimed by XATS_AGENT"),
        ("session", ""),
        ("pane", ""),
        ("process", ""),
        ("user", ""),
    ],
)
def test_a_sender_that_was_only_claimed_is_marked(mail, crew, evidence, text):
    crew.send("alice", "bob", evidence=evidence)
    first = mail("inbox", "--as", "bob").stdout.splitlines()[1]
    assert ("claimed by" in first) == bool(text)
    assert text in first


def test_the_evidence_of_a_real_send_is_kept(mail):
    mail("send", "bob", "one", "--as", "alice")
    mail("send", "bob", "two", env={"XATS_AGENT": "alice"})
    found = mail("inbox", "--as", "bob", "--json").json()["messages"]
    assert [one["evidence"] for one in found] == ["flag", "env"]


# -- in a pipe ---------------------------------------------------------------------------------------------------------


def test_a_table_in_a_pipe_is_tab_separated_lines_without_headers(mail, crew):
    crew.send("alice", "bob")
    shown = mail("agents").stdout.splitlines()
    cells = [line.split("\t") for line in shown]
    assert [row[0] for row in cells] == ["alice", "bob", "carol"]
    assert len({len(row) for row in cells}) == 1
    assert cells[1][4] == "1"
    status = mail("status", "1", "--as", "alice").stdout
    assert status.split("\t")[:2] == ["bob", "unread"]
    assert status.endswith("\n")


@pytest.mark.parametrize(
    "words, said",
    [
        (["inbox", "--as", "alice"], "no mail for alice\n"),
        (["agents", "--role", "none"], "no matching agents in team crew\n"),
        (["deliver", "--once"], "no wake is due\n"),
    ],
)
def test_nothing_is_a_sentence_on_stderr(mail, words, said):
    ran = mail(*words)
    assert (ran.stdout, ran.stderr) == ("", said)


def test_what_changed_something_says_what_and_what_next(mail):
    assert "needs a reply" in mail("send", "bob", "hi", "--as", "alice").stdout
    assert "xats inbox" in mail("wait", "--as", "bob").stdout
    assert "xats reply 1 '...'" in mail("inbox", "--as", "bob").stdout
    assert "xats status 1" in mail("ack", "1", "--as", "bob").stdout
    assert "registered in team crew" in mail("register", "dave", "--no-pane").stdout
    assert "again" in mail("register", "dave", "--no-pane").stdout
    assert "unregistered" in mail("unregister", "dave", "--force").stdout


def test_more_to_read_is_said(mail, crew):
    for _ in range(3):
        crew.send("alice", "bob")
    assert mail("inbox", "-n", "2", "--as", "bob").stderr == "1 more: xats inbox -n 2 --as bob\n"
    assert mail("inbox", "-n", "2", "--as", "bob").stderr == ""


@pytest.mark.parametrize(
    "words, shown",
    [
        (["send", "bob", "hi", "--as", "alice"], "2\n"),
        (["whoami", "--as", "alice"], "alice\n"),
        (["register", "dave", "--no-pane"], "dave\n"),
        (["ack", "1", "--as", "bob"], ""),
        (["wait", "--as", "bob"], ""),
        (["inbox", "--as", "alice"], ""),
    ],
)
def test_quiet_prints_the_result_alone(mail, crew, words, shown):
    crew.send("alice", "bob")
    ran = mail(*words, "-q")
    assert (ran.stdout, ran.stderr) == (shown, "")


def test_a_person_without_a_pane_and_an_agent_without_one_are_told_what_that_means(mail):
    assert "no tmux pane" in mail("register", "dave", "--no-pane").stderr
    assert "nothing is ever typed" in mail("register", "pat", "--no-pane", "--client", "human").stderr


# -- on a terminal -----------------------------------------------------------------------------------------------------


def test_a_table_on_a_terminal_has_headers(mail):
    shown = mail.on_terminal("agents", env={"NO_COLOR": "1"})
    assert shown.splitlines()[0].split()[:3] == ["AGENT", "CLIENT", "STATE"]  # no one has a role
    assert "\t" not in shown


@pytest.mark.parametrize("environ, coloured", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
@pytest.mark.parametrize("words", [["inbox"], ["agents"], ["status", "1"]], ids=" ".join)
def test_colour_only_where_it_is_wanted(mail, crew, words, environ, coloured):
    crew.send("bob", "alice")
    crew.send("alice", "bob")
    number = ["2"] if words[0] == "status" else words[1:]
    shown = mail.on_terminal(words[0], *number, "--as", "alice", env=environ)
    assert ("\x1b" in shown) is coloured
    assert "bob" in shown


def test_no_colour_in_a_pipe(mail, crew):
    crew.send("alice", "bob")
    assert "\x1b" not in mail("inbox", "--as", "bob").stdout


# -- other languages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_utf_8_goes_through_any_locale(mail, locale):
    environ = {"LC_ALL": locale, "LANG": locale}
    mail("send", "bob", "grüße 日本 🙂", "-s", "é", "--as", "alice", env=environ)
    mail("send", "bob", "-", "--as", "alice", env=environ, stdin="grüße 日本 🙂")
    shown = mail("inbox", "--as", "bob", env=environ).stdout
    assert shown.count("  | grüße 日本 🙂") == 2
    assert "  Subject: é" in shown


def test_what_was_shown_is_read(mail, crew):
    crew.send("alice", "bob")
    crew.send("alice", "bob")
    mail("show", "2", "--as", "bob")
    assert crew.see("bob", inbox.unread) == 1
    mail("thread", "1", "--as", "bob")
    assert crew.see("bob", inbox.unread) == 0
    assert [one["state"] for one in mail("status", "1", "--as", "alice", "--json").json()["deliveries"]] == ["read"]


def test_whoever_writes_was_seen_just_then(mail):
    def seen(name: str) -> str:
        listed = mail("agents", "--json").json()["agents"]
        return next(agent["last_seen_at"] for agent in listed if agent["name"] == name)

    alice, bob = seen("alice"), seen("bob")
    mail("send", "bob", "hi", "--as", "alice")
    assert seen("alice") > alice
    assert seen("bob") == bob
