"""An inbox for a person: a list of many letters, the newest ones, and a pager that loses no mail."""

import os
import signal

import pytest

from xats.core.mail import inbox

PLAIN = {"NO_COLOR": "1", "COLUMNS": "80", "LINES": "24"}
TITLE = ["ID", "FROM", "AGE", "REPLY", "SUBJECT"]


@pytest.fixture
def mail(xats, crew):
    return xats


def fill(crew, count: int, body: str = "n{}", **draft) -> None:
    for number in range(1, count + 1):
        crew.send("alice", "bob", body.format(number), **draft)


def states(crew) -> list[str]:
    return [row["state"] for row in crew.rows("select state from deliveries order by message_id")]


def seen(mail, *words: str, env=None, code: int | None = 0) -> str:
    """Return what a person sees of `xats inbox words` on a terminal."""
    return mail.on_terminal("inbox", *words, "--as", "bob", env={**PLAIN, **(env or {})}, code=code)


def listed(shown: str) -> list[int]:
    """Return the ids in a list, in its order."""
    head, *rows = shown.splitlines()
    assert head.split()[:2] == ["ID", "FROM"], shown
    return [int(row.split()[0].removeprefix("#")) for row in rows if row.lstrip().startswith("#")]


# -- the list ----------------------------------------------------------------------------------------------------------


def test_more_than_five_letters_are_a_list_and_stay_unread(mail, crew):
    crew.send("alice", "bob", "a body", subject="Parser", need_reply=True)
    crew.send("alice", "bob", "\n\nfirst line\nsecond line")
    fill(crew, 4)
    before = crew.rows("select * from deliveries"), crew.rows("select * from wakes"), crew.rows("select * from events")
    shown = seen(mail)
    lines = shown.splitlines()
    assert lines[0].split() == TITLE
    assert lines[1].split()[:2] == ["#1", "alice"]
    assert lines[1].endswith("  needed  Parser")
    assert lines[2].endswith("  first line")
    assert "second line" not in shown
    assert "  6 unread; this list does not mark mail as read" in lines
    assert "  read one: xats show 6 --as bob; answer it: xats reply 6 '...' --as bob" in lines
    assert "  read these in full: xats inbox --full --as bob" in lines
    after = crew.rows("select * from deliveries"), crew.rows("select * from wakes"), crew.rows("select * from events")
    assert after == before


def test_five_letters_are_printed_and_read(mail, crew):
    fill(crew, 5)
    assert "  | n5" in seen(mail)
    assert states(crew) == ["read"] * 5


def test_full_prints_many_letters_and_makes_them_read(mail, crew):
    fill(crew, 7)
    assert seen(mail, "--full").count("  | n") == 7
    assert states(crew) == ["read"] * 7


@pytest.mark.parametrize("env", [{"CLAUDECODE": "1"}, {"CODEX_SANDBOX": "seatbelt"}])
def test_an_agent_on_a_terminal_gets_its_mail(mail, crew, env):
    fill(crew, 7)
    assert seen(mail, env=env).count("  | n") == 7


def test_json_and_a_pipe_are_no_list(mail, crew):
    fill(crew, 7)
    assert mail("inbox", "--peek", "--as", "bob").stdout.count("  | n") == 7
    assert '"ids"' in seen(mail, "--peek", "--json")


def test_a_list_has_the_newest_and_says_how_to_see_more(mail, crew):
    fill(crew, 60)
    shown = seen(mail)
    assert listed(shown) == list(range(11, 61))
    assert "  60 unread; this list does not mark mail as read" in shown
    assert "  list more: xats inbox --last 200 --as bob" in shown
    assert listed(seen(mail, "-n", "8")) == list(range(1, 9))
    assert listed(seen(mail, "--since", "3", "--last", "200")) == list(range(4, 61))
    assert listed(seen(mail, "--reverse", "-n", "6")) == [60, 59, 58, 57, 56, 55]


def test_a_list_of_all_mail_has_states(mail, crew):
    fill(crew, 6)
    crew.do("bob", inbox.mark_read, [1, 2])
    shown = seen(mail, "--all")
    assert "STATE" in shown
    assert [line.split()[4] for line in shown.splitlines()[1:7]] == ["read"] * 2 + ["unread"] * 4


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_a_list_has_one_line_for_a_letter_at_every_width(mail, crew, columns):
    fill(crew, 6, "日本語 {} " + "long " * 100 + "\x1b[31m", need_reply=True)
    shown = seen(mail, env={"COLUMNS": str(columns)})
    rows = [line for line in shown.splitlines() if line.startswith(("ID", "#"))]
    assert len(rows) == 7
    assert all(len(row) + row.count("日本語") * 3 <= columns for row in rows)
    assert "needed" in rows[1]
    assert "日本語" in rows[1]
    assert "\x1b" not in shown


def test_a_list_names_how_many_were_shown_before(mail, crew):
    fill(crew, 8)
    mail("inbox", "-n", "2", "--as", "bob")
    shown = seen(mail)
    assert listed(shown) == [3, 4, 5, 6, 7, 8]
    assert "  2 shown before, perhaps not seen: xats inbox --again --as bob" in shown
    assert states(crew) == ["shown"] * 2 + ["unread"] * 6


# -- long lines --------------------------------------------------------------------------------------------------------

LONG = "please look at the parser and at the lexer before the build of tonight, and also at "
PATH = "/srv/build/" + "a-long-folder/" * 8 + "notes.md"


def test_a_long_line_is_folded_between_words_and_what_one_copies_stays_whole(mail, crew):
    crew.send("alice", "bob", f"{LONG}{PATH}\n  two  spaces\n\n    {LONG}", subject=LONG, need_reply=True)
    rows = seen(mail, env={"COLUMNS": "40"}).splitlines()
    body = [row for row in rows if row.startswith("  | ")]
    assert [row for row in rows if PATH in row] == [f"  | {PATH}"]
    assert all(len(row) <= 40 for row in rows if PATH not in row)
    assert "  |   two  spaces" in body and "  | " in body
    assert " ".join(" ".join(row[4:] for row in body).split()) == f"{LONG}{PATH} two spaces {LONG}".strip()
    assert body[-1].startswith("  |     ")  # as far indented as the line
    assert not [row for row in rows if row[:2] != "  "][1:]  # nothing of it looks like the head of a letter
    assert "  xats reply 1 '...' --as bob" in rows  # of the line: needs a reply


def test_show_prints_the_body_as_it_was_written(mail, crew):
    crew.send("alice", "bob", LONG + PATH)
    shown = mail.on_terminal("show", "1", "--as", "bob", env={**PLAIN, "COLUMNS": "40"})
    assert f"  | {LONG}{PATH}\n" in shown


@pytest.mark.parametrize("columns", [40, 50, 60])
def test_a_command_to_copy_is_on_one_row(mail, crew, columns):
    fill(crew, 8)
    mail("inbox", "-n", "2", "--as", "bob")
    rows = seen(mail, env={"COLUMNS": str(columns)}).splitlines()
    for command in ("inbox --full", "inbox --again", "show 8", "reply 8 '...'"):
        assert any(f"xats {command} --as bob" in row for row in rows), (command, rows)
    shown = seen(mail, "-n", "3", env={"COLUMNS": str(columns)}).splitlines()
    assert any("xats inbox --again --as bob)" in row for row in shown), shown
    assert all(len(row) <= columns for row in rows + shown)


# -- the newest --------------------------------------------------------------------------------------------------------


def test_last_prints_the_newest_and_leaves_the_others_unread(mail, crew):
    fill(crew, 7)
    found = mail("inbox", "--last", "2", "--as", "bob", "--json").json()
    assert (found["ids"], found["has_more"], found["unread"]) == ([6, 7], True, 5)
    assert states(crew) == ["unread"] * 5 + ["shown"] * 2
    assert mail("inbox", "--as", "bob", "--json").json()["ids"] == [1, 2, 3, 4, 5]


def test_reverse_begins_with_the_newest(mail, crew):
    fill(crew, 3)
    assert mail("inbox", "--reverse", "--peek", "--as", "bob", "--json").json()["ids"] == [3, 2, 1]
    ran = mail("inbox", "--reverse", "-n", "2", "--all", "--as", "bob")
    assert ran.stdout.index("| n3") < ran.stdout.index("| n2")
    assert ran.stderr == "older ones: xats inbox --all --reverse --last 4 --as bob\n"
    more = ran.stderr.removeprefix("older ones: xats ").split()
    assert mail(*more, "--json").json()["ids"] == [3, 2, 1]


@pytest.mark.parametrize(
    "words, fix",
    [
        (["--last", "0"], "xats inbox --last 10 --as bob"),
        (["--last", "3", "-n", "4"], "xats inbox --last 3 --as bob"),
    ],
)
def test_a_wrong_number_is_refused(mail, crew, words, fix):
    ran = mail("inbox", *words, "--as", "bob", code=2)
    assert fix in ran.stderr


# -- the pager ---------------------------------------------------------------------------------------------------------


def test_what_a_pager_took_is_shown(mail, crew, tmp_path):
    fill(crew, 5, "n{}" + "\nmore" * 10)
    taken = tmp_path / "taken"
    shown = seen(mail, env={"PAGER": f"cat > {taken}"})
    assert taken.read_text().count("  | n") == 5
    assert "  | n" not in shown
    assert "shown in the pager; print again: xats inbox --again --as bob" in shown
    assert states(crew) == ["shown"] * 5
    assert "#1, #2, #3, #4, #5 from alice" in mail("inbox", "--as", "bob").stdout


def test_a_person_who_leaves_the_pager_early_loses_nothing(mail, crew):
    fill(crew, 5, "n{}" + "x" * 200_000)  # more than a pipe takes
    seen(mail, env={"PAGER": "head -1"})
    assert states(crew) == ["shown"] * 5


@pytest.mark.parametrize("pager, code", [("cat > /dev/null; exit 3", 1), ("kill -INT $$; sleep 9", 130)])
def test_a_pager_that_fails_marks_nothing(mail, crew, pager, code):
    fill(crew, 5, "n{}" + "\nmore" * 10)
    program = mail.home / "pager"
    program.write_text(f"#!/bin/sh\n{pager}\n")
    program.chmod(0o755)
    shown = seen(mail, env={"PAGER": str(program)}, code=code)
    assert states(crew) == ["unread"] * 5
    assert crew.rows("select 1 from deliveries where claim is not null") == []
    assert ("Nothing was marked." in shown) == (code == 1)


def test_a_pager_that_does_not_start_is_left_out(mail, crew):
    fill(crew, 5, "n{}" + "\nmore" * 10)
    shown = seen(mail, env={"PAGER": "no-such-pager"})
    assert "'no-such-pager' does not start; set PAGER, or use --no-pager" in shown
    assert shown.count("  | n") == 5
    assert states(crew) == ["read"] * 5


@pytest.mark.parametrize(
    "words, env",
    [
        (["--no-pager"], {}),
        ([], {"LINES": "200"}),
        ([], {"TERM": "dumb"}),
        ([], {"PAGER": ""}),
        ([], {"CLAUDECODE": "1"}),
        (["--json"], {}),
    ],
)
def test_no_pager_where_nobody_needs_one(mail, crew, words, env):
    fill(crew, 5, "n{}" + "\nmore" * 10)
    seen(mail, *words, env={"PAGER": "exit 3", **env})
    assert states(crew) == ["read"] * 5


def test_show_and_thread_use_the_pager_too(mail, crew, tmp_path):
    crew.send("alice", "bob", "n1" + "\nmore" * 40)
    crew.send("alice", "bob", "n2" + "\nmore" * 40, reply_to=1)
    for words, expected in ((["show", "1"], ["read", "unread"]), (["thread", "1"], ["read", "shown"])):
        taken = tmp_path / words[0]
        shown = mail.on_terminal(*words, "--as", "bob", env={**PLAIN, "PAGER": f"cat > {taken}"})
        assert "| n1" in taken.read_text()
        assert "| n1" not in shown
        assert states(crew) == expected
        assert "| n1" in mail.on_terminal(*words, "--no-pager", "--as", "bob", env={**PLAIN, "PAGER": "exit 3"})
        if words[0] == "show":
            crew.store.write(lambda tx: tx.run("update deliveries set state = 'unread', read_at = null"))


def test_ctrl_c_is_a_key_of_the_pager(mail, crew, until):
    """The pager gets the signal of the whole terminal and goes on; then it ends well."""
    fill(crew, 5, "n{}" + "\nmore" * 10)
    ready, done = mail.home / "ready", mail.home / "done"
    program = mail.home / "pager"
    program.write_text(f"#!/bin/sh\ntrap 'echo >> {done}' INT\ncat > /dev/null\necho > {ready}\n")
    with program.open("a") as file:
        file.write(f"while [ ! -e {done} ]; do sleep 0.05; done\nexit 0\n")
    program.chmod(0o755)
    master, slave = os.openpty()
    running = mail.start(
        *("inbox", "--as", "bob"),
        env={**PLAIN, "PAGER": str(program)},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,  # a process group of its own, as a shell gives to a job in the foreground
    )
    os.close(slave)
    try:
        until(ready.exists)
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(20) == 0
    finally:
        os.close(master)
    assert states(crew) == ["shown"] * 5
