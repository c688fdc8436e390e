"""A command that xats names acts as the same agent, in the same team and on the same store as the one that named it."""

import shlex

import pytest

from xats.cli.kit import hints

ALL = {"--as": "bob", "--team": "crew", "--db": "/tmp/my store.db"}


@pytest.mark.parametrize(
    "line, found",
    [
        ("inbox --as bob -n 3", {"--as": "bob"}),
        ("--team=crew --db x.db send bob hi", {"--team": "crew", "--db": "x.db"}),
        ("send bob hi --as", {}),
        ("send bob -- --as bob", {}),
        ("inbox --as=", {}),
        ("inbox -n 3", {}),
    ],
)
def test_the_options_of_a_command_line_are_found(line, found):
    assert hints.given(line.split()) == found


@pytest.mark.parametrize(
    "hint, completed",
    [
        ("xats inbox", "xats inbox --as bob --team crew --db '/tmp/my store.db'"),
        ("xats daemon stop && xats daemon start", "xats daemon stop{db} && xats daemon start{db}"),
        ("take another name, or: xats register bob", "take another name, or: xats register bob --team crew{db}"),
        ("xats register bob --team other", "xats register bob --team other{db}"),
        ("xats send bob 'a, b'; see xats send --help", "xats send bob 'a, b'{all}; see xats send --help"),
        ("xats launch claude", "xats launch claude --team crew{db}"),
        ("xats agents  (any verb)", "xats agents --team crew{db}  (any verb)"),
        ("a text: xats send ADDRESS -- TEXT", "a text: xats send ADDRESS{all} -- TEXT"),
        ("xats needs tmux", "xats needs tmux"),
        ("see /opt/xats inbox", "see /opt/xats inbox"),
        ("try again", "try again"),
    ],
)
def test_a_hint_gets_what_its_commands_lack(hint, completed):
    db = f" --db {shlex.quote(ALL['--db'])}"
    assert hints.complete(hint, ALL) == completed.replace("{db}", db).replace("{all}", f" --as bob --team crew{db}")
    assert hints.complete(hint, {}) == hint


# -- by the verbs ------------------------------------------------------------------------------------------------------


@pytest.fixture
def mail(xats, crew):
    for number in range(3):
        crew.send("alice", "bob", f"text {number}", need_reply=True)
    return xats


def command_in(text: str, start: str) -> list[str]:
    """Return the words of the command that follows `start` in `text`, but for `xats`."""
    line = next(line for line in text.splitlines() if start in line)
    name, *words = shlex.split(line.partition(start)[2])
    assert name == "xats"
    return words


def test_more_of_a_peek_is_a_peek_of_the_same(mail, crew):
    shown = mail("inbox", "--peek", "-n", "1", "--from", "alice", "--as", "bob", "--team", "crew")
    again = command_in(shown.stderr, "more: ")
    shown = mail(*again)
    assert "text 1" in shown.stdout
    shown = mail(*command_in(shown.stderr, "more: "))
    assert "text 2" in shown.stdout
    assert "more" not in shown.stderr
    assert crew.rows("select count(*) as n from deliveries where state = 'unread'") == [{"n": 3}]


def test_more_of_an_inbox_is_as_long(mail):
    shown = mail("inbox", "-n", "1", "--as", "bob")
    assert command_in(shown.stderr, "2 more: ") == ["inbox", "-n", "1", "--as", "bob"]


def test_an_answer_is_by_whom_the_mail_was_read(mail):
    shown = mail("inbox", "-n", "1", "--as", "bob").stdout
    assert "needs a reply: xats reply 1 '...' --as bob\n" in shown
    mail(*command_in(shown, "needs a reply: "))
    assert "needs a reply: xats reply 2 '...'\n" in mail("inbox", "-n", "1", env={"XATS_AGENT": "bob"}).stdout


def test_an_answer_is_by_the_program_that_was_run(mail):
    """A shell that does not find xats is told what it has run."""
    shown = mail("inbox", "-n", "1", env={"XATS_AGENT": "bob", "PATH": "/nowhere"}).stdout
    assert "/xats reply 1 '...'\n" in shown


def test_an_error_names_the_same_team_and_store(mail, tmp_path):
    told = mail("status", "99", "--as", "bob", "--team", "crew", code=3)
    assert told.stderr.endswith("  try: xats inbox --all --as bob --team crew\n")
    other = str(tmp_path / "other.db")
    told = mail("inbox", "--db", other, "--json", code=3)
    assert told.error()["hint"] == f"xats register NAME --db {other}"


def test_more_tasks_are_more_of_the_same(mail):
    for number in range(3):
        mail("task", "add", f"task {number}", "--to", "bob", "--as", "alice")
    shown = mail("task", "list", "--mine", "-n", "1", "--as", "bob")
    assert command_in(shown.stderr, "more: ") == ["task", "list", "--mine", "-n", "2", "--as", "bob"]
