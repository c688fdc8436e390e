"""--color: colours of states on a terminal, in a pipe only with `always`; the words always say the same."""

import re

import pytest

GREEN, YELLOW, RED, BOLD = (f"\x1b[{code}m" for code in (32, 33, 31, 1))


@pytest.fixture
def mail(xats, crew):
    crew.send("alice", "bob", "text", need_reply=True)
    return xats


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def words_of(text: str) -> list[str]:
    """Return the words of a list without its ages, which grow while a test runs."""
    return re.sub(r"\(new\)|\(\d+ s\)|just now|\d+ s ago", "AGE", text).split()


@pytest.mark.parametrize("words", [["agents"], ["doctor"], ["status", "1", "--as", "alice"]], ids=" ".join)
def test_a_pipe_gets_colours_only_when_asked(mail, words):
    code = None if words == ["doctor"] else 0
    assert "\x1b" not in mail(*words, code=code).stdout
    assert "\x1b" not in mail(*words, "--color", "auto", code=code).stdout
    assert "\x1b[" in mail(*words, "--color", "always", env={"NO_COLOR": "1", "TERM": "dumb"}, code=code).stdout


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_gets_them_unless_it_is_told_not_to(mail, environ):
    usual = {"NO_COLOR": None, "TERM": "xterm"}
    coloured = mail.on_terminal("agents", env=usual)
    assert "\x1b[" in coloured
    assert "\x1b" not in mail.on_terminal("agents", env={**usual, **environ})
    assert "\x1b" not in mail.on_terminal("agents", "--color=never", env=usual)
    assert "\x1b" not in mail.on_terminal("--color", "never", "agents", env=usual)
    assert words_of(plain(coloured)) == words_of(mail.on_terminal("agents", env={**usual, **environ}))
    assert words_of(coloured) == words_of(mail.on_terminal("agents", "--color", "always", env={**usual, **environ}))


def test_checks_and_states_have_their_colours(mail, crew):
    crew.add("lead", role="lead")
    mail("task", "add", "Parser", "--as", "alice")
    mail("task", "claim", "1", "--as", "alice")
    lines = mail("doctor", "--color", "always", code=None).stdout.splitlines()
    assert {line.split("\t")[0] for line in lines} >= {f"{GREEN}OK\x1b[0m", f"{YELLOW}WARN\x1b[0m"}
    assert f"\t{GREEN}claimed\x1b[0m\t" in mail("task", "list", "--color", "always").stdout
    assert f"\t{BOLD}1\x1b[0m\t" in mail("agents", "--color", "always").stdout
    mail("inbox", "--as", "bob")
    crew.store.write(lambda tx: tx.run("update deliveries set state = 'read', read_at = :now", now=tx.now))
    assert f"{YELLOW}read just now, not answered" in mail("status", "1", "--as", "alice", "--color", "always").stdout


def test_another_word_is_refused_before_anything_is_done(mail, crew):
    ran = mail("send", "bob", "hi", "--color", "sometimes", "--as", "alice", code=2)
    assert "--color must be auto, always or never, not 'sometimes'." in ran.stderr
    assert len(crew.rows("select id from messages")) == 1
